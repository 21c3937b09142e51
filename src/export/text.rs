//! For a terminal: the files in their order, and what it comes to at the end, where the eye is.

use super::{Paper, Sheet, repeated};
use crate::report::{Finding, Severity};
use crate::speech::{export::put, licence::number};
use crate::text::printable;
use crate::verdict::Verdict;

/// Places of one finding that are shown.
const PLACES: usize = 3;

/// A name from a report could hold anything if the report does.
fn escape(text: &str, out: &mut String) {
    out.push_str(&printable(text, usize::MAX));
}

/// Colours as the four verdicts have them.
fn paint(v: Verdict) -> (&'static str, &'static str) {
    match v {
        Verdict::Dangerous => ("\x1b[1;31m", "▲"),
        Verdict::Suspicious => ("\x1b[1;33m", "◆"),
        Verdict::Incomplete => ("\x1b[1;36m", "◐"),
        Verdict::Clear => ("\x1b[1m", "◇"),
    }
}

/// Writes it.
pub fn write(p: &Paper<'_>) -> String {
    let mut s = Sheet::new(escape);
    let on = |code: &'static str| if p.options.colour { code } else { "" };
    let off = on("\x1b[0m");
    for f in &p.report.files {
        let (colour, shape) = paint(f.verdict);
        let word = p.words.verdict(f.verdict).to_uppercase();
        let formats = if f.formats.is_empty() { String::new() } else { format!("{}, ", f.formats.join(" + ")) };
        s.put(&[
            on(colour),
            &format!("{shape} {word}"),
            off,
            "",
            "  ",
            &f.path,
            on("\x1b[2m"),
            &format!("  ({formats}{})", put(p.words.bytes, &[("n", &number(f.size))])),
            off,
            "",
            "\n",
        ]);
        if f.verdict != Verdict::Clear {
            s.put(&["  ", f.headline.trim(), "\n"]);
        }
        for x in &f.findings {
            finding(p, &mut s, x, &f.headline);
        }
        for g in &f.gaps {
            s.put(&["  ", p.words.not_checked, ": ", g.message.trim(), "\n"]);
        }
        if let Some(sha) = &f.sha256 {
            s.put(&[on("\x1b[2m"), "  sha256 ", "", sha, off, "", "\n"]);
        }
        if f.verdict >= Verdict::Suspicious {
            for a in &f.advice {
                s.put(&["  → ", a, "\n"]);
            }
        }
    }
    let together: Vec<&Finding> = p.report.findings.iter().filter(|x| !repeated(p.report, x)).collect();
    if !together.is_empty() {
        s.put(&["\n", p.words.folder, "\n"]);
    }
    for x in together {
        finding(p, &mut s, x, "");
    }
    if p.report.files.len() == 1 {
        return s.out;
    }
    let (colour, shape) = paint(p.report.verdict);
    let word = p.words.verdict(p.report.verdict).to_uppercase();
    s.put(&["\n", on(colour), "", &format!("{shape} {word}"), off, "", "  ", &p.summary(), "\n"]);
    if p.report.verdict > Verdict::Clear {
        s.put(&["  ", p.headline().0.trim(), "\n"]);
    }
    s.out
}

/// `said` is the sentence above it, which need not come twice.
fn finding(p: &Paper<'_>, s: &mut Sheet, f: &Finding, said: &str) {
    let bold = match f.severity {
        Severity::Critical | Severity::High => "\x1b[31m",
        Severity::Medium => "\x1b[33m",
        _ => "",
    };
    let (on, off) = if p.options.colour && !bold.is_empty() { (bold, "\x1b[0m") } else { ("", "") };
    let count = if f.count > 1 { format!(" ×{}", number(f.count)) } else { String::new() };
    s.put(&[
        "  ",
        "",
        on,
        p.words.severity(f.severity),
        off,
        &format!("  {} {}{count}  ", f.rule, f.name),
        "",
        if f.message == said { &f.title } else { &f.message },
        "\n",
    ]);
    for place in f.places.iter().take(PLACES) {
        let member = if place.member.is_empty() { String::new() } else { format!("{} ", place.member) };
        s.put(&["      ", &member, "", &p.place(place), "\n"]);
    }
    let more = f.places.len().saturating_sub(PLACES);
    if more > 0 {
        s.put(&["      ", &put(p.words.more, &[("n", &number(more as u64))]), "\n"]);
    }
}
