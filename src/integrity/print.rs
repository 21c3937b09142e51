//! A verification in words.

use super::list::parse;
use super::verify::{Check, Given, List, Outcome, SCHEMA, State, Verification, outcome, verify};
use crate::speech::Lang;
use crate::speech::export::{book, sentence};
use crate::text::printable;
use serde::{Deserialize, Serialize};
use std::fmt::Write;

/// A text that lists digests.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(default)]
pub struct ListText {
    /// Where it was read; empty for a pasted one.
    pub path: String,
    /// The text.
    pub text: String,
}

/// Holds files against texts that list digests. `whole` says that these are all the files there are, as of a folder: then what is listed and not given is missing;
/// else a list may be longer than what somebody wants to know.
pub fn verification(texts: &[ListText], files: &[Given], whole: bool, lang: Lang) -> Verification {
    let mut lists = Vec::new();
    let mut not_understood = 0;
    for t in texts {
        let (entries, other) = parse(&t.text, &t.path);
        not_understood += other;
        lists.push(List { path: t.path.clone(), entries });
    }
    let mut checks = verify(&lists, files);
    checks.retain(|c| whole || c.state != State::Missing || c.path.is_empty());
    told(checks, not_understood, lang)
}

/// Checks with their words.
fn told(mut checks: Vec<Check>, not_understood: u64, lang: Lang) -> Verification {
    let words = book(lang);
    for c in &mut checks {
        c.path = printable(&c.path, 4096);
        c.message = sentence(&words.reasons, &c.reason).into();
    }
    crate::order::sort_by_key(&mut checks, |c| std::cmp::Reverse(c.state));
    let outcome = outcome(&checks);
    let [matches, differs, incomplete, nothing] = words.verified;
    let headline = match outcome {
        Outcome::Matches => matches,
        Outcome::Differs => differs,
        Outcome::Incomplete => incomplete,
        Outcome::Nothing => nothing,
    };
    Verification { schema: SCHEMA.into(), outcome, headline: headline.into(), checks, not_understood }
}

/// Hexadecimal in fours, which people can compare.
fn fours(digest: &str) -> String {
    let letters: Vec<char> = digest.chars().collect();
    letters.chunks(4).map(|c| c.iter().collect::<String>()).collect::<Vec<_>>().join(" ")
}

/// For a terminal: a line a file, and both digests where they differ, with a mark under the first digit that does.
pub fn text(v: &Verification, lang: Lang) -> String {
    let w = book(lang);
    let mut out = String::new();
    // Writing to a String cannot fail.
    for c in &v.checks {
        let path = if c.path.is_empty() { c.expected.as_deref().unwrap_or("") } else { &c.path };
        let _ = writeln!(out, "{path}: {}", sentence(&w.checks, c.state.word()));
        if !c.message.is_empty() {
            let _ = writeln!(out, "    {}", c.message);
        }
        if let (State::Differs, Some(expected), Some(actual)) = (c.state, &c.expected, &c.actual) {
            let _ = writeln!(out, "    {}  ({})\n    {}  ({})", fours(expected), w.expected, fours(actual), w.actual);
            if let Some(at) = c.differ_at.and_then(|n| usize::try_from(n).ok()) {
                let _ = writeln!(out, "    {}^", " ".repeat(at + at / 4));
            }
        }
    }
    let _ = writeln!(out, "\n{}", v.headline);
    out
}
