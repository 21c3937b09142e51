//! Findings and gaps as a table (RFC 4180): one line a place.

use super::{Paper, findings};
use crate::licence::inventory::cell;

/// Writes it. A text that a spreadsheet would take for a formula is defused; what is not ASCII has a byte order mark in front, without which spreadsheets guess.
pub fn write(p: &Paper<'_>) -> String {
    let w = p.words;
    let mut out = String::new();
    let mut row = |cells: &[&str]| {
        out.push_str(&cells.iter().map(|c| cell(c)).collect::<Vec<_>>().join(","));
        out.push_str("\r\n");
    };
    row(&[w.file, w.verdict, "SHA-256", w.severity, w.rule, w.message, w.fix, w.count, w.member, w.offset, w.length, w.file_offset]);
    for (n, f) in findings(p.report) {
        let file = n.and_then(|n| p.report.files.get(n));
        let (verdict, sha) = file.map_or(("", ""), |f| (w.verdict(f.verdict), f.sha256.as_deref().unwrap_or("")));
        let mut line = |place: [&str; 4]| {
            let [member, offset, length, file_offset] = place;
            let rule = format!("{} {}", f.rule, f.name);
            row(&[
                file.map_or(&f.path, |f| &f.path),
                verdict,
                sha,
                w.severity(f.severity),
                &rule,
                &f.message,
                &f.fix,
                &f.count.to_string(),
                member,
                offset,
                length,
                file_offset,
            ]);
        };
        for x in &f.places {
            line([&x.member, &x.offset.to_string(), &x.length.to_string(), &x.file_offset.map_or(String::new(), |o| o.to_string())]);
        }
        if f.places.is_empty() {
            line([""; 4]);
        }
    }
    for f in &p.report.files {
        let (verdict, sha) = (w.verdict(f.verdict), f.sha256.as_deref().unwrap_or(""));
        for g in &f.gaps {
            row(&[&f.path, verdict, sha, w.not_checked, &g.reason, &g.message, "", "", &g.member, "", "", ""]);
        }
        if f.findings.is_empty() && f.gaps.is_empty() {
            row(&[&f.path, verdict, sha, "", "", "", "", "", "", "", "", ""]);
        }
    }
    if out.is_ascii() { out } else { format!("\u{feff}{out}") }
}
