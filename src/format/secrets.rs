//! Credentials in a text of any length, a window at a time.

use crate::bytes::View;
use crate::error::Result;
use crate::fact::Fact;
use crate::scan::Scan;
use crate::secret;

/// Bytes read at once, and how much of them is read again with the next: longer than any credential.
const WINDOW: usize = 1 << 20;
const OVERLAP: usize = 16 << 10;

/// Bytes of a text that are searched; what is longer is a corpus, and its beginning says so.
const LONGEST: u64 = 256 << 20;

/// States every credential in the view.
///
/// # Errors
/// Where the view cannot be read.
pub fn inspect(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    if view.len() > LONGEST {
        scan.gap("limit-text");
    }
    let end = view.len().min(LONGEST);
    let mut window = vec![0; WINDOW.min(usize::try_from(end).unwrap_or(WINDOW))];
    let (mut at, mut done) = (0u64, 0u64);
    while at < end {
        let n = view.read(at, &mut window)?;
        let text = window.get(..n).unwrap_or(&[]);
        for s in secret::find(text) {
            let from = at + s.at as u64;
            // What touches the window's end is seen whole in the next one.
            let cut = s.at + s.len == n && at + (n as u64) < end;
            if from >= done && !cut {
                let shown = secret::short(&String::from_utf8_lossy(text.get(s.at..s.at + s.len).unwrap_or(&[])));
                scan.state(view, from, s.len as u64, Fact::Secret { kind: s.kind, shown });
                done = from + s.len as u64;
            }
        }
        if at + n as u64 >= end || n <= OVERLAP {
            break;
        }
        at += (n - OVERLAP) as u64;
    }
    Ok(())
}
