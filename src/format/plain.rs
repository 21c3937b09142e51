//! Files that are not models: texts and pictures. Looking at them whole is what makes them clear.

use super::{Format, Match};
use crate::bytes::View;
use crate::error::Result;
use crate::fact::Fact;
use crate::scan::Scan;

/// Plain text in UTF-8 or UTF-16.
pub const TEXT: Format = Format { id: "text", name: "text", extensions: &["txt", "md", "py", "yaml", "yml", "csv", "tsv"], refines: &[], probe: probe_text, read: read_text };

/// Pictures that a browser shows: recognised by their beginning, and looked at for what is appended to them.
pub const IMAGE: Format = Format { id: "image", name: "picture", extensions: &["png", "jpg", "jpeg", "gif", "webp"], refines: &[], probe: probe_image, read: read_image };

pub(super) fn probe_text(view: View<'_>) -> Match {
    let Ok(head) = view.head(4096) else { return Match::No };
    if head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff") {
        return Match::Sure;
    }
    let valid = match std::str::from_utf8(&head) {
        Ok(_) => head.len(),
        // The window may cut a character.
        Err(e) if head.len() - e.valid_up_to() < 4 && e.error_len().is_none() => e.valid_up_to(),
        Err(_) => return latin(&head),
    };
    if controls(&head[..valid]) == 0 { Match::Sure } else { Match::No }
}

/// Old texts are in an eight-bit encoding: few bytes above ASCII and no control characters.
fn latin(head: &[u8]) -> Match {
    let high = head.iter().filter(|b| **b >= 0x80).count();
    if controls(head) == 0 && high * 4 < head.len() { Match::Sure } else { Match::No }
}

fn controls(bytes: &[u8]) -> usize {
    bytes.iter().filter(|b| (**b < 9) || (14..27).contains(*b) || (28..32).contains(*b) || **b == 127).count()
}

pub(super) fn read_text(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    let wide = view.has(0, b"\xff\xfe") || view.has(0, b"\xfe\xff");
    let mut chunk = vec![0; 256 * 1024];
    let mut at = 0;
    while !wide && at < view.len() {
        let n = view.read(at, &mut chunk)?;
        if n == 0 {
            break;
        }
        // A text that turns into something else is not a text: what follows is looked at by itself.
        if let Some(i) = chunk[..n].iter().position(|b| *b == 0) {
            let from = at + i as u64;
            let rest = view.rest(from);
            scan.state(view, from, rest.len(), Fact::Stray { what: "trailing", bytes: rest.len() });
            scan.child("bytes behind the text", rest, true);
            scan.gap("unknown-format");
            return Ok(());
        }
        at += n as u64;
    }
    if scan.member().is_empty() || view.has(0, b"#!") {
        shebang(view, scan);
    }
    Ok(())
}

/// A script is not a model; beside one it is worth naming.
fn shebang(view: View<'_>, scan: &mut Scan<'_>) {
    if view.has(0, b"#!/") {
        scan.note("script".into());
    }
}

fn probe_image(view: View<'_>) -> Match {
    let magic: &[&[u8]] = &[b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a"];
    let webp = view.has(0, b"RIFF") && view.has(8, b"WEBP");
    if webp || magic.iter().any(|m| view.has(0, m)) { Match::Sure } else { Match::No }
}

/// Finds the end of the picture by its own structure where that is cheap, and reads what lies behind.
fn read_image(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    let end = if view.has(0, b"\x89PNG") {
        png_end(view)?
    } else if view.has(0, b"RIFF") {
        u64::from(view.u32(4)?).saturating_add(8)
    } else {
        last(view, if view.has(0, b"GIF") { &[0x3b] } else { &[0xff, 0xd9] })?
    };
    if end < view.len() {
        let rest = view.rest(end);
        scan.state(view, end, rest.len(), Fact::Stray { what: "trailing", bytes: rest.len() });
        scan.child("trailing bytes", rest, true);
    }
    Ok(())
}

fn png_end(view: View<'_>) -> Result<u64> {
    let mut at = 8u64;
    while at + 12 <= view.len() {
        let len = u64::from(u32::from_be_bytes(view.array(at)?));
        let kind = view.array::<4>(at + 4)?;
        at = at.saturating_add(12).saturating_add(len);
        if &kind == b"IEND" {
            return Ok(at);
        }
    }
    // Without an end of its own, nothing can be said to stand behind it.
    Ok(view.len())
}

/// Offset behind the last appearance of a marker.
fn last(view: View<'_>, marker: &[u8]) -> Result<u64> {
    let mut end = view.len();
    let mut found = view.len();
    let mut chunk = vec![0; 64 * 1024];
    while end > 0 {
        let from = end.saturating_sub(chunk.len() as u64 - 1);
        let n = view.read(from, &mut chunk[..(end - from) as usize])?;
        if let Some(i) = chunk[..n].windows(marker.len()).rposition(|w| w == marker) {
            found = from + (i + marker.len()) as u64;
            break;
        }
        if from == 0 {
            break;
        }
        end = from + 1;
    }
    Ok(found)
}
