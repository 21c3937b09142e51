//! For a terminal: the files in their order, and what it comes to at the end, where the eye is.

use super::{Paper, Sheet, repeated};
use crate::report::{Finding, Severity};
use crate::speech::{export::put, licence::number};
use crate::text::printable;
use crate::verdict::Verdict;

/// Places of one finding that are shown.
const PLACES: usize = 3;

/// Findings of one rule, or gaps for one reason, that are shown for a file: who needs all of a thousand reads the JSON.
const ALIKE: usize = 12;

/// The first [`ALIKE`] of each kind in their order, and how many more there are of the kinds that have more.
fn some<'a, T>(all: &'a [T], kind: impl Fn(&'a T) -> &'a str) -> (Vec<&'a T>, Vec<(&'a str, usize)>) {
    let mut counts: Vec<(&str, usize)> = Vec::new();
    let mut shown = Vec::new();
    for one in all {
        let i = counts.iter().position(|(k, _)| *k == kind(one)).unwrap_or_else(|| {
            counts.push((kind(one), 0));
            counts.len() - 1
        });
        if let Some((_, n)) = counts.get_mut(i) {
            *n += 1;
            if *n <= ALIKE {
                shown.push(one);
            }
        }
    }
    let more = counts.into_iter().filter_map(|(k, n)| n.checked_sub(ALIKE).filter(|n| *n > 0).map(|n| (k, n))).collect();
    (shown, more)
}

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
        let word = p.words.verdict(f.verdict).to_ascii_uppercase();
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
        let (shown, more) = some(&f.findings, |x| &x.rule);
        for x in shown {
            finding(p, &mut s, x, &f.headline);
        }
        for (rule, n) in more {
            s.put(&["  ", rule, ": ", &put(p.words.more, &[("n", &number(n as u64))]), "\n"]);
        }
        let (shown, more) = some(&f.gaps, |g| &g.reason);
        for g in shown {
            s.put(&["  ", p.words.not_checked, ": ", g.message.trim(), "\n"]);
        }
        for (_, n) in more {
            s.put(&["  ", p.words.not_checked, ": ", &put(p.words.more, &[("n", &number(n as u64))]), "\n"]);
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
    let word = p.words.verdict(p.report.verdict).to_ascii_uppercase();
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
