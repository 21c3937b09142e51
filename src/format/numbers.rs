//! Numbers without a header, as `ndarray.tofile`, `numpy.memmap` and programs in C write them. Nothing in such a file says what it is; but
//! numbers of a model are small against what their bytes could hold, which compressed, encrypted and executable bytes are not.
//!
//! What loads such a file takes its bytes as numbers: none of them is run. A program that is told where could still unpickle some of them.

use super::{Format, Match};
use crate::bytes::View;
use crate::error::Result;
use crate::scan::Scan;

/// Little-endian integers and floating-point numbers.
pub const NUMBERS: Format = Format {
    id: "numbers",
    name: "numbers without a header",
    extensions: &["bin", "raw", "dat", "data", "f16", "f32", "f64", "fp16", "fp32", "bf16", "i32", "i64", "memmap", "mmap", "vec"],
    refines: &[],
    probe,
    read,
};

/// Bytes of one look, and looks at one file: a large one is not read whole.
const PAGE: u64 = 4096;
const LOOKS: u64 = 16;

/// Bytes of numbers in the first look that are not zero and differ from the one before: fewer could fit by accident, and filling is no number.
const FEWEST: usize = 384;

/// How one kind of numbers tells itself from any bytes.
struct Kind {
    bytes: usize,
    small: fn(u64) -> bool,
}

/// A kind that others' bytes would fit as well stands behind those.
const KINDS: &[Kind] = &[
    Kind { bytes: 8, small: |word| word.cast_signed().unsigned_abs() < 1 << 40 },
    Kind { bytes: 4, small: |word| (word as u32).cast_signed().unsigned_abs() < 1 << 24 },
    // Half precision below 64; of brain floats those are nearly all that a model holds.
    Kind { bytes: 2, small: |word| word >> 10 & 0x1f < 0x15 },
    Kind { bytes: 4, small: |word| (127 - 70..127 + 40).contains(&(word >> 23 & 0xff)) },
    Kind { bytes: 8, small: |word| (1023 - 200..1023 + 130).contains(&(word >> 52 & 0x7ff)) },
];

impl Kind {
    /// Whether the numbers of a page that say something are small, but for one in fifty. The page begins on the boundary of a number.
    fn fits(&self, page: &[u8], fewest: usize) -> bool {
        let (mut all, mut small, mut before) = (0usize, 0usize, 0);
        for bytes in page.chunks_exact(self.bytes) {
            let word = bytes.iter().rev().fold(0, |sum, b| sum << 8 | u64::from(*b));
            if word != 0 && word != before {
                all += 1;
                small += usize::from((self.small)(word));
            }
            before = word;
        }
        all * self.bytes >= fewest && small * 50 >= all * 49
    }
}

/// Texts of two or four bytes a letter that do not say so begin with no mark; but a word ends somewhere, and words are not all of one length, as
/// numbers are.
fn text(page: &[u8]) -> bool {
    [0, 1].into_iter().any(|odd| {
        let (mut ends, mut last, mut length) = (0, 0, 0);
        for (n, unit) in page.get(odd..).unwrap_or(&[]).chunks_exact(2).enumerate() {
            if matches!(unit, [b' ' | b'\n', 0] | [0, b' ' | b'\n']) {
                ends += usize::from(n - last != length);
                (last, length) = (n, n - last);
            }
        }
        100 * ends > page.len()
    })
}

/// The kind that fits in every look. Numbers end with the file; a few bytes of somebody's own header may stand in front of them.
fn kind(view: View<'_>) -> Option<&'static Kind> {
    let mut buf = view.room(PAGE as usize);
    let mut look = |at: u64, kind: &Kind, fewest: usize| {
        let at = at + (view.len() - at) % kind.bytes as u64;
        let page = view.read(at, &mut buf).ok().and_then(|n| buf.get(..n)).unwrap_or(&[]);
        !text(page) && kind.fits(page, fewest)
    };
    let last = view.len().saturating_sub(PAGE);
    let step = (view.len() / LOOKS).max(PAGE);
    let kind = KINDS.iter().find(|kind| look(0, kind, FEWEST))?;
    (1..LOOKS).map(|n| n * step).take_while(|at| *at < last).chain([last]).all(|at| look(at, kind, 0)).then_some(kind)
}

fn probe(view: View<'_>) -> Match {
    if kind(view).is_some() { Match::Weak } else { Match::No }
}

fn read(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    if let Some(kind) = kind(view) {
        scan.note(format!("{} numbers of {} bits", view.len() / kind.bytes as u64, 8 * kind.bytes));
    }
    super::pickle::within(view, scan)
}
