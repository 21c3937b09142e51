//! Markdown as CommonMark and GitHub read it.

use super::{Paper, Sheet, repeated, to_look_at};
use crate::report::Finding;
use crate::speech::{export::put, licence::number};
use crate::text::printable;
use crate::verdict::Verdict;

/// Files that are listed.
const FILES: usize = 2000;

/// A text that shows as it is: no markup, no HTML, no template, no links that nobody wrote, nobody called by name.
pub fn escape(text: &str, out: &mut String) {
    let text = printable(text, usize::MAX);
    let mut chars = text.chars().peekable();
    let (mut first, mut digits, mut www) = (true, true, 0);
    while let Some(c) = chars.next() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            // Sites turn what follows into links and calls, after the escapes were undone.
            '@' if chars.peek().is_some_and(char::is_ascii_alphanumeric) => out.push_str("@<!-- -->"),
            ':' if chars.peek() == Some(&'/') => out.push_str(":<!-- -->"),
            '\\' | '`' | '*' | '_' | '{' | '[' | ']' | '|' | '~' | '$' => out.extend(['\\', c]),
            // Only in front of a line are these more than themselves.
            '>' | '#' | '+' | '-' | '=' | '!' if first => out.extend(['\\', c]),
            '.' | ')' if digits || www == 3 => out.extend(['\\', c]),
            _ => out.push(c),
        }
        www = if c.eq_ignore_ascii_case(&'w') { www + 1 } else { 0 };
        (first, digits) = (false, digits && c.is_ascii_digit());
    }
}

/// Writes it.
pub fn write(p: &Paper<'_>) -> String {
    let (r, w) = (p.report, p.words);
    let mut s = Sheet::new(escape);
    let (headline, advice) = p.headline();
    s.put(&["# ", w.verdict(r.verdict), "\n\n", headline.trim(), "\n\n"]);
    if !advice.is_empty() {
        s.put(&["## ", w.to_do, "\n\n"]);
    }
    for (n, a) in advice.iter().enumerate() {
        s.put(&[&format!("{}. ", n + 1), a, "\n"]);
    }
    let summary = if r.files.len() > 1 { p.summary() } else { String::new() };
    s.put(&[
        "\n## ",
        w.files,
        "\n\n",
        &summary,
        if summary.is_empty() { "| " } else { "\n\n| " },
        w.verdict,
        " | ",
        w.file,
        " | ",
        w.format,
        " | ",
        w.size,
        " | SHA-256 |\n|---|---|---|---:|---|\n",
    ]);
    for f in r.files.iter().take(FILES) {
        s.put(&[
            "| ",
            w.verdict(f.verdict),
            " | ",
            &f.path,
            " | ",
            &f.formats.join(" + "),
            " | ",
            &number(f.size),
            " | ",
            f.sha256.as_deref().unwrap_or(""),
            " |\n",
        ]);
    }
    if r.files.len() > FILES {
        s.put(&["\n", &put(w.more, &[("n", &number((r.files.len() - FILES) as u64))]), "\n"]);
    }
    for (n, f) in to_look_at(r) {
        s.put(&["\n## ", w.verdict(f.verdict), ": ", &f.path, "\n"]);
        // Else the headline is the first finding's sentence.
        if f.verdict == Verdict::Incomplete {
            s.put(&["\n", f.headline.trim(), "\n"]);
        }
        for x in &f.findings {
            finding(p, &mut s, x, Some(n));
        }
        if !f.gaps.is_empty() {
            s.put(&["\n### ", w.not_checked, "\n\n"]);
        }
        for g in &f.gaps {
            s.put(&["- ", g.message.trim(), "\n"]);
        }
    }
    let together: Vec<&Finding> = r.findings.iter().filter(|x| !repeated(r, x)).collect();
    if !together.is_empty() {
        s.put(&["\n## ", w.folder, "\n"]);
    }
    for x in together {
        finding(p, &mut s, x, None);
    }
    let by = put(w.made_by, &[("tool", &p.tool()), ("rules", &r.tool.rules)]);
    s.put(&["\n---\n\n", w.about, "\n\n", &by, if p.options.time.is_empty() { "" } else { ", " }, &p.options.time, "\n"]);
    s.out
}

fn finding(p: &Paper<'_>, s: &mut Sheet, f: &Finding, file: Option<usize>) {
    let w = p.words;
    let count = if f.count > 1 { format!(" ×{}", number(f.count)) } else { String::new() };
    s.put(&["\n### ", &f.rule, " ", &f.title, " (", w.severity(f.severity), ")", &count, "\n\n", &f.message, "\n\n"]);
    for x in &f.places {
        let member = if x.member.is_empty() { String::new() } else { format!("{} ", x.member) };
        s.put(&["- ", &format!("{member}{}", p.place(x)), "\n"]);
    }
    s.put(&["- ", w.why, ": ", &f.why, "\n- ", w.fix, ": ", &f.fix, "\n- ", w.refs, ": ", &f.refs.join(", "), "\n"]);
    let Some(e) = file.and_then(|n| f.places.iter().find_map(|x| p.evidence(n, x))).filter(|e| !e.rows.is_empty()) else { return };
    s.put(&["\n| ", w.offset, " | ", w.instruction, " | ", w.argument, " | ", w.means, " |\n|---:|---|---|---|\n"]);
    for row in &e.rows {
        let mark = if row.marked { "**" } else { "" };
        s.put(&[&format!("| {mark}{:#x}{mark} | ", row.offset), &row.instruction, " | ", &row.argument, " | ", &row.means, " |\n"]);
    }
}
