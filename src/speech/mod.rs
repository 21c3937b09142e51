//! Every sentence that a report can contain, by id and language. A rule, a gap or an opcode without its sentence fails a test.

mod en;
pub mod export;
mod export_en;
pub mod licence;
mod licence_en;

use crate::report::{Finding, Gap};
use crate::verdict::Verdict;
use std::collections::BTreeMap;

/// A language of the reports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lang {
    /// English.
    #[default]
    En,
}

impl Lang {
    /// The language of a BCP 47 tag; English where the language is not there.
    pub fn from_tag(_tag: &str) -> Lang {
        Lang::En
    }

    /// Its BCP 47 tag.
    pub fn tag(self) -> &'static str {
        export::book(self).tag
    }
}

/// The words of a rule. `message` may name `{file}` and the rule's arguments.
#[derive(Clone, Copy, Debug)]
pub struct Words {
    /// A few words.
    pub title: &'static str,
    /// One sentence about one file.
    pub message: &'static str,
    /// Why it matters.
    pub why: &'static str,
    /// What to do.
    pub fix: &'static str,
}

/// The words of one language.
pub(crate) struct Book {
    rules: &'static [(&'static str, Words)],
    gaps: &'static [(&'static str, &'static str)],
    opcodes: &'static [(&'static str, &'static str)],
    empty: &'static str,
    clear: &'static str,
    incomplete: &'static str,
    do_not_load: &'static str,
    tell_publisher: &'static str,
    ask_why: &'static str,
    close_gap: &'static str,
    use_sibling: &'static str,
    check_digest: &'static str,
}

fn book(lang: Lang) -> &'static Book {
    match lang {
        Lang::En => &en::BOOK,
    }
}

fn look<T: Copy>(table: &[(&'static str, T)], id: &str) -> Option<T> {
    table.iter().find(|(k, _)| *k == id).map(|(_, v)| *v)
}

/// The words of a rule.
pub fn rule(lang: Lang, id: &str) -> Words {
    look(book(lang).rules, id).unwrap_or(Words { title: "", message: "", why: "", fix: "" })
}

/// The sentence of a gap.
pub fn gap(lang: Lang, reason: &str, member: &str) -> String {
    let mut args = BTreeMap::new();
    args.insert("member".to_string(), member.to_string());
    fill(look(book(lang).gaps, reason).unwrap_or(reason), "", &args)
}

/// What an opcode does, in plain words.
pub fn means(lang: Lang, opcode: &str) -> String {
    look(book(lang).opcodes, opcode).unwrap_or("").to_string()
}

/// Puts arguments into a sentence.
pub fn fill(sentence: &str, path: &str, args: &BTreeMap<String, String>) -> String {
    let file = crate::text::printable(path.rsplit('/').next().unwrap_or(path), 200);
    let mut out = String::with_capacity(sentence.len() + 40);
    let mut rest = sentence;
    while let Some(open) = rest.find('{') {
        let (before, from) = rest.split_at(open);
        out.push_str(before);
        let Some(close) = from.find('}') else { break };
        let name = &from[1..close];
        out.push_str(if name == "file" { &file } else { args.get(name).map_or("", String::as_str) });
        rest = &from[close + 1..];
    }
    out.push_str(rest);
    out
}

/// One sentence about the consequence of loading.
pub fn headline(lang: Lang, verdict: Verdict, path: &str, finding: Option<&Finding>, gap: Option<&Gap>, size: u64) -> String {
    let b = book(lang);
    match (verdict, finding, gap) {
        (Verdict::Dangerous | Verdict::Suspicious, Some(f), _) => f.message.clone(),
        (Verdict::Incomplete, _, Some(g)) => {
            let mut args = BTreeMap::new();
            args.insert("gap".to_string(), g.message.clone());
            fill(b.incomplete, path, &args)
        }
        _ if size == 0 => b.empty.into(),
        _ => fill(b.clear, path, &BTreeMap::new()),
    }
}

/// At most three things to do.
pub fn advice(lang: Lang, verdict: Verdict, findings: &[Finding], gaps: &[Gap]) -> Vec<String> {
    let b = book(lang);
    let mut out: Vec<String> = Vec::new();
    match verdict {
        Verdict::Dangerous => {
            out.push(b.do_not_load.into());
            out.extend(findings.first().map(|f| f.fix.clone()));
            out.push(b.tell_publisher.into());
        }
        Verdict::Suspicious => {
            out.extend(findings.first().map(|f| f.fix.clone()));
            out.push(b.ask_why.into());
        }
        Verdict::Incomplete if !gaps.is_empty() => out.push(b.close_gap.into()),
        _ => out.push(b.check_digest.into()),
    }
    out.retain(|s| !s.is_empty());
    out.truncate(3);
    out
}

/// The advice that names a better file.
pub fn better(lang: Lang, path: &str) -> String {
    fill(book(lang).use_sibling, path, &BTreeMap::new())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_sentence_without_a_rule_and_no_opcode_without_words() {
        let rules: Vec<&str> = crate::rule::all().map(|r| r.id).collect();
        for (id, w) in en::BOOK.rules {
            assert!(rules.contains(id), "{id} has words and no rule");
            assert!(!format!("{}{}{}{}", w.title, w.message, w.why, w.fix).contains("safe "), "{id} calls something safe");
        }
        for op in crate::format::pickle::opcode::OPCODES {
            assert!(!means(Lang::En, op.name).is_empty(), "{}", op.name);
        }
    }

    #[test]
    fn a_sentence_is_filled_once_and_never_twice() {
        let mut args = BTreeMap::new();
        args.insert("call".to_string(), "f({file})".to_string());
        assert_eq!(fill("{file}: {call}", "a/b.pt", &args), "b.pt: f({file})");
    }
}
