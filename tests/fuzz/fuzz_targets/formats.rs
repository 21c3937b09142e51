//! Every reader with every byte: the first byte chooses from `FORMATS`, the rest is read by that reader whatever its probe says, or by
//! whatever finds it sure. A format that is added is fuzzed without a line here.

#![no_main]

use libfuzzer_sys::fuzz_target;
use weighstation::format::FORMATS;
use weighstation::{Lang, scan, scan_as};

fuzz_target!(|data: &[u8]| {
    let Some((which, bytes)) = data.split_first() else { return };
    let bytes = bytes.to_vec();
    match FORMATS.get(usize::from(*which) % (FORMATS.len() + 1)) {
        Some(format) => drop(scan_as(&bytes, "model", format, Lang::En)),
        None => drop(scan(&bytes, "model", Lang::En)),
    }
});
