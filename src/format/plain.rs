//! Texts, and pages in markup. Looking at them whole is what makes them clear.

use super::{Format, Match};
use crate::bytes::{Pages, View};
use crate::error::Result;
use crate::fact::Fact;
use crate::scan::Scan;

/// Plain text in UTF-8 or UTF-16.
pub const TEXT: Format =
    Format { id: "text", name: "text", extensions: &["txt", "md", "py", "yaml", "yml", "csv", "tsv"], refines: &[], probe: probe_text, read: read_text };

/// Pages and drawings in markup, which may carry programs for whoever shows them.
pub const DOCUMENT: Format = Format {
    id: "document",
    name: "HTML or SVG",
    extensions: &["html", "htm", "svg", "xhtml"],
    refines: &["text"],
    probe: probe_document,
    read: read_document,
};

pub(super) fn probe_text(view: View<'_>) -> Match {
    let Ok(head) = view.head(4096) else { return Match::No };
    if head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff") {
        return Match::Sure;
    }
    // Bytes behind a character that the window cuts are none of these.
    if controls(&head) {
        return Match::No;
    }
    match std::str::from_utf8(&head) {
        Ok(_) => Match::Sure,
        // The window may cut a character.
        Err(e) if head.len() - e.valid_up_to() < 4 && e.error_len().is_none() => Match::Sure,
        Err(_) => latin(&head),
    }
}

/// Old texts are in an eight-bit encoding: few bytes above ASCII.
fn latin(head: &[u8]) -> Match {
    let high = head.iter().filter(|b| **b >= 0x80).count();
    if high * 4 < head.len() { Match::Sure } else { Match::No }
}

fn controls(bytes: &[u8]) -> bool {
    bytes.iter().any(|b| control(*b))
}

/// Whether a byte stands in no text.
pub fn control(b: u8) -> bool {
    b < 9 || (14..27).contains(&b) || (28..32).contains(&b) || b == 127
}

/// Bytes of a text in UTF-16 that are read.
const WIDE: u64 = 16 << 20;

pub(super) fn read_text(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    if view.has(0, b"\xff\xfe") || view.has(0, b"\xfe\xff") {
        return read_wide(view, scan);
    }
    let mut chunk = view.room(256 * 1024);
    let mut at = 0;
    while at < view.len() {
        let n = view.read(at, &mut chunk)?;
        if n == 0 {
            break;
        }
        // A text that turns into something else is not a text: what follows is looked at by itself.
        if let Some(i) = chunk[..n].iter().position(|b| *b == 0) {
            // The last line that is all text ends where the other thing begins.
            let valid = std::str::from_utf8(&chunk[..i]).map_or_else(|e| e.valid_up_to(), |_| i);
            let from = at + memchr::memrchr(b'\n', &chunk[..valid]).map_or(valid, |n| n + 1) as u64;
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
    // One line of source may look like any text.
    if scan.name().ends_with(".py") {
        super::python::inspect(&view.head(64 << 10)?, crate::fact::When::Import, view, &|at, end| (at as u64, end as u64), scan);
    }
    if view.len() < 16 << 20 && crate::base64::hides(&view.head(8)?) {
        super::setting::carried(&String::from_utf8_lossy(&view.head(16 << 20)?), scan);
    }
    if let Some(language) = super::shell::foreign_language(scan.name()) {
        super::shell::foreign(view, language, scan)?;
    }
    // MLflow imports the module that this file names, in order to unpickle with it.
    if scan.name().ends_with("pickle_module_info.txt") {
        let module = String::from_utf8_lossy(&view.head(256)?).trim().to_string();
        scan.state(view, 0, view.len().min(256), Fact::LoaderModule { module, code: false });
    }
    super::tool::sections(view, scan)?;
    super::secrets::inspect(view, scan)?;
    hidden_message(view, scan)
}

/// A text in UTF-16 is read as what it says, whatever that is.
fn read_wide(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    if view.len() > WIDE {
        scan.gap("limit-text");
    }
    let bytes = view.head(WIDE as usize)?;
    let big = bytes.starts_with(b"\xfe\xff");
    let units = bytes.get(2..).unwrap_or(&[]).chunks_exact(2).map(|p| match p {
        [a, b] if big => u16::from_be_bytes([*a, *b]),
        [a, b] => u16::from_le_bytes([*a, *b]),
        _ => 0,
    });
    let text: Vec<u8> = char::decode_utf16(units).map(|c| c.unwrap_or('\u{fffd}')).collect::<String>().into_bytes();
    if !text.is_empty() {
        let pages = Pages::new(&text);
        scan.child("UTF-16 text", View::of_inflated(&pages), false);
    }
    Ok(())
}

/// Characters of one kind that stand together before they are taken for a message; emoji flags use six.
const MESSAGE: usize = 10;

/// States runs of tag characters, which spell ASCII that nobody sees and every tokenizer reads.
fn hidden_message(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    unseen(view, scan, false)
}

/// As for a text, and every character that turns the reading order: in source code these hide code (CVE-2021-42574).
///
/// # Errors
/// Where the view cannot be read.
pub fn hidden(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    unseen(view, scan, true)
}

fn unseen(view: View<'_>, scan: &mut Scan<'_>, code: bool) -> Result<()> {
    let mut chunk = view.room(256 * 1024);
    let (mut at, mut run, mut from) = (0u64, 0usize, 0u64);
    let mut said = String::new();
    let mut found = 0;
    while at < view.len() && found < 1000 {
        let n = view.read(at, &mut chunk)?;
        let text = chunk.get(..n).unwrap_or(&[]);
        let last = at + n as u64 >= view.len();
        // Three bytes are kept for the next window, where a character may go on.
        let stop = if last { n } else { n.saturating_sub(3) };
        let mut i = 0;
        while i < stop {
            let step = match text.get(i..i + 4).unwrap_or(text.get(i..).unwrap_or(&[])) {
                // Tag characters, and the two blocks of variation selectors, each of which stands for a byte.
                [0xf3, 0xa0, b @ (0x80..=0x81 | 0x84..=0x87), c] | [0xef, b @ 0xb8, c @ 0x80..=0x8f, ..] => {
                    if run == 0 {
                        from = at + i as u64;
                        said.clear();
                    }
                    run += 1;
                    let code = (u32::from(*b) & 7) << 6 | u32::from(*c) & 0x3f;
                    if said.len() < 100 {
                        said.extend(char::from_u32(if code < 0x100 { code } else { code - 0xf0 }));
                    }
                    i += if *b == 0xb8 { 3 } else { 4 };
                    continue;
                }
                [0xe2, 0x80, 0xaa..=0xae, ..] | [0xe2, 0x81, 0xa6..=0xa9, ..] if code => {
                    let shown = String::from_utf8_lossy(text.get(i..i + 3).unwrap_or(&[])).into_owned();
                    scan.state(view, at + i as u64, 3, Fact::HiddenText { what: "bidi", shown });
                    found += 1;
                    3
                }
                _ => 1,
            };
            if run >= MESSAGE {
                scan.state(view, from, (at + i as u64).saturating_sub(from), Fact::HiddenText { what: "tags", shown: std::mem::take(&mut said) });
                found += 1;
            }
            run = 0;
            i += step;
        }
        if last || n == 0 {
            break;
        }
        at += i as u64;
    }
    if run >= MESSAGE {
        scan.state(view, from, run as u64 * 4, Fact::HiddenText { what: "tags", shown: said });
    }
    Ok(())
}

fn probe_document(view: View<'_>) -> Match {
    if probe_text(view) == Match::No {
        return Match::No;
    }
    let Ok(head) = view.head(1024) else { return Match::No };
    let text = String::from_utf8_lossy(&head).to_ascii_lowercase();
    let start = text.trim_start_matches('\u{feff}').trim_start();
    let markup = ["<!doctype html", "<html", "<svg", "<script"].iter().any(|t| start.starts_with(t))
        || start.starts_with("<?xml") && (start.contains("<svg") || start.contains("<html"));
    if markup { Match::Sure } else { Match::No }
}

/// Bytes of a page that are searched for programs.
const PAGE: u64 = 8 << 20;

fn read_document(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    if view.len() > PAGE {
        scan.gap("limit-text");
    }
    let text = String::from_utf8_lossy(&view.head(PAGE as usize)?).into_owned();
    if let Some(what) = active(&text) {
        let svg = !text.chars().take(4096).collect::<String>().to_ascii_lowercase().contains("<html") && text.contains("<svg");
        let shown: String = text.find('<').and_then(|i| text.get(i..)).unwrap_or("").chars().take(120).collect();
        scan.state(view, 0, view.len().min(64), Fact::ActiveDocument { what: if svg { "svg-script" } else { what }, text: shown });
    }
    super::secrets::inspect(view, scan)?;
    hidden_message(view, scan)
}

/// What runs when a browser shows this markup.
pub fn active(markup: &str) -> Option<&'static str> {
    let lower = markup.to_ascii_lowercase();
    // Libraries that draw decode their data as well; what is decoded in order to be run stands close to what runs it.
    let near = |run: &str| markup.match_indices(run).any(|(i, _)| markup.get(i..).is_some_and(|r| r.chars().take(80).collect::<String>().contains("atob(")));
    let decodes = near("eval(") || near("Function(") || lower.contains("atob(") && lower.contains("eval(") && lower.len() < 4096;
    // Objects of Windows that start programs and write files; others only fetch for an old browser.
    let kernel = ["kernel.execute(", "kernel.requestexecute(", "wscript.shell", "shell.application", "adodb.stream", "scripting.filesystemobject"]
        .iter()
        .any(|c| lower.contains(c));
    // What a browser keeps for a site, put behind an address.
    let cookie =
        lower.match_indices("document.cookie").any(|(i, _)| lower.get(..i).is_some_and(|b| b.chars().rev().take(100).collect::<String>().contains("//:")));
    let handler = ["onload=", "onerror=", "onclick=", "onmouseover=", "onfocus="]
        .iter()
        .any(|h| lower.match_indices(h).any(|(i, _)| lower.as_bytes().get(i.wrapping_sub(1)).is_some_and(u8::is_ascii_whitespace)));
    if kernel {
        Some("kernel-script")
    } else if decodes || cookie {
        Some("decoded-script")
    } else if lower.contains("<script") || lower.contains("javascript:") || handler {
        Some("script")
    } else {
        None
    }
}

/// A script is not a model; beside one it is worth naming.
fn shebang(view: View<'_>, scan: &mut Scan<'_>) {
    if view.has(0, b"#!/") {
        scan.note("script".into());
    }
}
