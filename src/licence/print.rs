//! Guidance as text, as Markdown with boxes to tick, and as CSV.

use super::guide::{Guidance, Judged, Line, Source};
use super::inventory::cell;
use crate::speech::{Lang, licence as words};
use std::fmt::Write;

/// The lists of an answer in the order in which they are read.
fn lists(g: &Guidance) -> [(&'static str, &[Line]); 7] {
    [("clashes", &g.clashes), ("ask", &g.ask), ("must", &g.must), ("must-not", &g.must_not), ("may", &g.may), ("watch", &g.watch), ("act", &g.act)]
}

/// Licence, clause and day of every source of a line.
fn cite(l: &Line, b: &'static words::Book) -> String {
    let mut out: Vec<String> = Vec::new();
    for s in &l.sources {
        let sure = match s.sure.as_str() {
            "high" => String::new(),
            other => format!(", {}", words::label(b, &format!("sure-{other}"))),
        };
        out.push(match s.clause.as_str() {
            "" => s.name.clone(),
            clause => format!("{}, {clause} ({} {}{sure})", s.name, words::label(b, "read"), s.read),
        });
    }
    out.join("; ")
}

/// Whether the next line rests on the same clauses. A policy forbids twenty things in one place, which is then named once, behind the last of them.
fn cited_below(lines: &[Line], n: usize) -> bool {
    let (Some(this), Some(next)) = (lines.get(n), lines.get(n + 1)) else { return false };
    let same = |(a, b): (&Source, &Source)| (&a.licence, &a.clause) == (&b.licence, &b.clause);
    this.resolve.is_empty() && this.sources.len() == next.sources.len() && this.sources.iter().zip(&next.sources).all(same)
}

/// The licences of a part; of a choice, what was chosen and from what.
fn names(j: &Judged) -> String {
    let from = if j.part.licence.contains(" OR ") { format!(" ({})", j.part.licence) } else { String::new() };
    j.names.join(" + ") + &from
}

/// What stands at the end: strings, NOTICE, card, letter.
fn copies(g: &Guidance) -> Vec<(&'static str, String)> {
    [("attribution", g.attribution.join("\n")), ("notice", g.notice.clone()), ("card", g.card.clone()), ("letter", g.letter.clone())]
        .into_iter()
        .filter(|(_, t)| !t.is_empty())
        .collect()
}

/// For a terminal.
pub fn text(g: &Guidance, lang: Lang) -> String {
    let b = words::book(lang);
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = writeln!(out, "{}\n{}\n\n{}", words::label(b, g.level.word()), g.headline, words::label(b, "parts"));
    for j in &g.parts {
        let _ = writeln!(out, "  {:<20} {}: {}", words::label(b, j.level.word()), j.part.name, names(j));
    }
    for (label, lines) in lists(g).into_iter().filter(|(_, l)| !l.is_empty()) {
        let _ = writeln!(out, "\n{}", words::label(b, label));
        for (n, l) in lines.iter().enumerate() {
            let _ = writeln!(out, "  - {}", l.text);
            if !(l.sources.is_empty() || label == "must-not" && cited_below(lines, n)) {
                let _ = writeln!(out, "      {}", cite(l, b));
            }
            if !l.resolve.is_empty() {
                let _ = writeln!(out, "      → {}", l.resolve);
            }
        }
    }
    for (label, list) in [("questions", &g.questions), ("assumptions", &g.assumptions)] {
        if !list.is_empty() {
            let _ = writeln!(out, "\n{}", words::label(b, label));
        }
        for q in list {
            let answer = if q.answer.is_empty() { String::new() } else { format!(" = {}", q.answer) };
            let _ = writeln!(out, "  - {} [{}{answer}]", q.text, q.id);
        }
    }
    for (label, text) in copies(g) {
        let _ = writeln!(out, "\n{}\n{}", words::label(b, label), text.lines().map(|l| format!("  | {l}")).collect::<Vec<_>>().join("\n"));
    }
    let _ = writeln!(out, "\n{}", g.disclaimer);
    out
}

/// Text that Markdown shows as it is.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '#') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// As Markdown, duties as boxes to tick.
pub fn markdown(g: &Guidance, lang: Lang) -> String {
    let b = words::book(lang);
    let mut out = format!("# {}\n\n**{}** — {}\n\n", words::label(b, "licence"), words::label(b, g.level.word()), plain(&g.headline));
    let _ = writeln!(out, "| {} | {} | {} |\n|---|---|---|", words::label(b, "part"), words::label(b, "licence"), words::label(b, "answer"));
    for j in &g.parts {
        let _ = writeln!(out, "| {} | {} | {} |", plain(&j.part.name), plain(&names(j)), words::label(b, j.level.word()));
    }
    for (label, lines) in lists(g).into_iter().filter(|(_, l)| !l.is_empty()) {
        let _ = writeln!(out, "\n## {}\n", words::label(b, label));
        let bullet = if matches!(label, "must" | "ask" | "clashes") { "- [ ]" } else { "-" };
        for (n, l) in lines.iter().enumerate() {
            let resolve = if l.resolve.is_empty() { String::new() } else { format!(" {}", plain(&l.resolve)) };
            let cited =
                if l.sources.is_empty() || label == "must-not" && cited_below(lines, n) { String::new() } else { format!("  \n  {}", plain(&cite(l, b))) };
            let _ = writeln!(out, "{bullet} {}{resolve}{cited}", plain(&l.text));
        }
    }
    for (label, list) in [("questions", &g.questions), ("assumptions", &g.assumptions)] {
        if !list.is_empty() {
            let _ = writeln!(out, "\n## {}\n", words::label(b, label));
        }
        for q in list {
            let _ = writeln!(out, "- [ ] {} ({}{}{})", plain(&q.text), plain(&q.id), if q.answer.is_empty() { "" } else { ": " }, q.answer);
        }
    }
    for (label, text) in copies(g) {
        let _ = writeln!(out, "\n## {}\n\n{}\n", words::label(b, label), text.lines().map(|l| format!("    {l}")).collect::<Vec<_>>().join("\n"));
    }
    let _ = writeln!(out, "\n{}", plain(&g.disclaimer));
    out
}

/// As CSV: one line a source of a line.
pub fn csv(g: &Guidance, lang: Lang) -> String {
    let b = words::book(lang);
    let head = ["kind", "line", "licence", "clause", "read", "part", "resolve"].map(|h| cell(words::label(b, h)));
    let mut out = format!("{}\n", head.join(","));
    for (label, lines) in lists(g) {
        for l in lines {
            for s in &l.sources {
                let date = format!("{} ({})", s.read, s.sure);
                out.push_str(&[words::label(b, label), &l.text, &s.name, &s.clause, &date, &s.parts.join("; "), &l.resolve].map(cell).join(","));
                out.push('\n');
            }
            if l.sources.is_empty() {
                out.push_str(&[words::label(b, label), &l.text, "", "", "", "", &l.resolve].map(cell).join(","));
                out.push('\n');
            }
        }
    }
    out.push_str(&cell(&g.disclaimer));
    out.push('\n');
    out
}
