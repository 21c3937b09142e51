//! The two oldest archives: `ar` (static libraries, Debian packages) and `cpio` (initial file systems, RPM's payload).
//!
//! Sources: `ar(5)` of System V and BSD; `cpio(5)`, "New ASCII Format" and "Old ASCII Format". Every member is read as what it is.

use super::{Format, Match, json};
use crate::bytes::View;
use crate::error::{Error, Result};
use crate::fact::Fact;
use crate::scan::Scan;

/// Members by name and length, behind a line that says so.
pub const AR: Format =
    Format { id: "ar", name: "ar archive", extensions: &["a", "deb", "lib", "ar"], refines: &["text", "yaml"], probe: probe_ar, read: read_ar };

/// Headers of digits in ASCII, without a directory.
pub const CPIO: Format = Format { id: "cpio", name: "cpio archive", extensions: &["cpio"], refines: &["text", "yaml"], probe: probe_cpio, read: read_cpio };

/// Bytes of the list of long names that are kept.
const NAMES: usize = 1 << 20;

/// Members that are read.
const MEMBERS: usize = 100_000;

fn probe_ar(view: View<'_>) -> Match {
    if view.has(0, b"!<arch>\n") { Match::Sure } else { Match::No }
}

fn probe_cpio(view: View<'_>) -> Match {
    let old = view.has(0, b"070707") && number(view, 70, 6, 8).is_ok();
    if view.has(0, b"070701") || view.has(0, b"070702") || old { Match::Sure } else { Match::No }
}

/// A number in digits, filled up with blanks.
fn number(view: View<'_>, at: u64, len: usize, base: u32) -> Result<u64> {
    let bytes = view.take(at, len as u64, len)?;
    let text = std::str::from_utf8(&bytes).unwrap_or("").trim_end();
    u64::from_str_radix(text, base).map_err(|_| Error::malformed(at, "archive-number"))
}

/// A member with its bytes; a name that leaves the folder leaves it wherever the archive is unpacked.
fn member(view: View<'_>, at: u64, name: &str, body: View<'_>, scan: &mut Scan<'_>) {
    if json::leaves_folder(name) {
        scan.state(view, at, 1, Fact::Traversal { target: name.to_string() });
    }
    scan.child(name, body, false);
}

fn read_ar(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    let mut at = 8u64;
    if view.len() <= at {
        return Err(Error::malformed(at, "past-end"));
    }
    let mut names = Vec::new();
    for _ in 0..MEMBERS {
        if at >= view.len() {
            return Ok(());
        }
        let name = String::from_utf8_lossy(&view.array::<16>(at)?).trim_end().to_string();
        let mut len = number(view, at + 48, 10, 10)?;
        let (mut from, mut shown) = (at + 60, name.trim_end_matches('/').to_string());
        let next = from.saturating_add(len);
        // BSD writes a long name in front of the contents.
        if let Some(n) = name.strip_prefix("#1/").and_then(|n| n.parse::<u64>().ok()).filter(|n| *n <= len) {
            shown = String::from_utf8_lossy(&view.take(from, n.min(4096), 4096)?).trim_end_matches('\0').to_string();
            from += n;
            len -= n;
        }
        let body = view.slice(from, len)?;
        if name == "//" {
            names = body.head(NAMES)?;
        } else if let Some(n) = name.strip_prefix('/').and_then(|n| n.parse::<usize>().ok()) {
            // System V writes it into a list of such names, with an end of its own; Microsoft's ends it like C.
            let name = names.get(n..).and_then(|rest| rest.split(|b| matches!(b, b'\n' | 0)).next()).unwrap_or(&[]);
            shown = String::from_utf8_lossy(name).trim_end_matches('/').to_string();
        }
        // The list of symbols and the list of long names are the archive's own.
        if !shown.is_empty() && shown != "SYM64" && !shown.starts_with("__.SYMDEF") {
            member(view, at, &shown, body, scan);
        }
        at = next.saturating_add(next % 2);
    }
    Err(Error::limit(at, "members"))
}

fn read_cpio(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    let mut at = 0u64;
    for _ in 0..MEMBERS {
        let old = view.has(at, b"070707");
        if !old && !view.has(at, b"07070") {
            return Err(Error::malformed(at, "cpio-header"));
        }
        let (names, len, head) = if old {
            (number(view, at + 59, 6, 8)?, number(view, at + 65, 11, 8)?, 76)
        } else {
            (number(view, at + 94, 8, 16)?, number(view, at + 54, 8, 16)?, 110)
        };
        let step = |n: u64| if old { n } else { n.next_multiple_of(4) };
        let name = String::from_utf8_lossy(&view.take(at + head, names.min(4096), 4096)?).trim_end_matches('\0').to_string();
        let from = step(at + head + names);
        if name == "TRAILER!!!" {
            return super::trailing(view, from, scan);
        }
        let body = view.slice(from, len)?;
        if len > 0 || json::leaves_folder(&name) {
            member(view, at, &name, body, scan);
        }
        at = step(from.saturating_add(len));
    }
    Err(Error::limit(at, "members"))
}
