//! Every sentence that a report can contain, by id and language. A rule, a gap or an opcode without its sentence fails a test; a
//! language that lacks a sentence of another one does not compile.
//!
//! The arguments of a finding are the same in every language: ids, names, and remarks of readers in English. A language that
//! cannot show those as they are has a dictionary of them ([`Book::terms`]), which is used when a sentence is filled.

pub mod command;
// The books keep a sentence a line.
#[rustfmt::skip]
mod en;
pub mod export;
#[rustfmt::skip]
mod export_en;
#[rustfmt::skip]
mod export_ja;
#[rustfmt::skip]
mod ja;
pub mod licence;
#[rustfmt::skip]
mod licence_en;
#[rustfmt::skip]
mod licence_ja;

use crate::report::{Finding, Gap};
use crate::rule::RuleRow;
use crate::verdict::Verdict;
use std::collections::BTreeMap;

/// A language of the reports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lang {
    /// English.
    #[default]
    En,
    /// Japanese.
    Ja,
}

impl Lang {
    /// Every language.
    pub const ALL: [Lang; 2] = [Lang::En, Lang::Ja];

    /// Its BCP 47 tag.
    pub fn tag(self) -> &'static str {
        match self {
            Lang::En => "en",
            Lang::Ja => "ja",
        }
    }

    /// The language of a tag such as `ja` or `ja-JP`, if it is there.
    pub fn known(tag: &str) -> Option<Lang> {
        let primary = tag.split(['-', '_']).next().unwrap_or(tag);
        Lang::ALL.into_iter().find(|l| l.tag().eq_ignore_ascii_case(primary))
    }

    /// The language of a BCP 47 tag; English where the language is not there.
    pub fn from_tag(tag: &str) -> Lang {
        Lang::known(tag).unwrap_or_default()
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

/// What is said of a name that is imported and never called: one title and reason for all, a sentence a rule.
#[derive(Clone, Copy, Debug)]
struct Uncalled {
    title: &'static str,
    why: &'static str,
    messages: &'static [(&'static str, &'static str)],
}

/// The words of one language.
pub(crate) struct Book {
    rules: &'static [(&'static str, Words)],
    uncalled: Uncalled,
    gaps: &'static [(&'static str, &'static str)],
    opcodes: &'static [(&'static str, &'static str)],
    /// What stands for ids and remarks of readers in arguments that hold nothing else ([`WORDED`]); rows of several words also in details, which may hold
    /// a word of the file. The first row that fits is taken; what no row fits stays as it is.
    ///
    /// `{0}`, `{1}` … stand for what varies: `{0#}` for numbers alone, `{0*}` for another row's text.
    terms: &'static [(&'static str, &'static str)],
    /// The same for remarks in the contents tree.
    notes: &'static [(&'static str, &'static str)],
    /// The same for the few texts of ours in arguments that otherwise hold what stands in the file ([`NAMED`]).
    names: &'static [(&'static str, &'static str)],
    /// Names of formats that are not names alone.
    formats: &'static [(&'static str, &'static str)],
    /// How a gap names the member that it is about.
    at: &'static str,
    empty: &'static str,
    clear: &'static str,
    incomplete: &'static str,
    do_not_load: &'static str,
    tell_publisher: &'static str,
    ask_why: &'static str,
    close_gap: &'static str,
    use_sibling: &'static str,
    check_digest: &'static str,
    /// What the command line says of a rule.
    explanation: &'static str,
    /// Heads of the tables of rules and formats.
    rules_head: &'static str,
    formats_head: &'static str,
}

/// Arguments that hold an id or a remark.
const WORDED: &[&str] = &["kind", "language", "names", "what", "when", "where", "why"];

/// Arguments that hold a name or a text of the file, or one of ours in its place.
const NAMED: &[&str] = &["call", "member", "name"];

fn book(lang: Lang) -> &'static Book {
    match lang {
        Lang::En => &en::BOOK,
        Lang::Ja => &ja::BOOK,
    }
}

const fn same(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let mut i = 0;
    while i < a.len() && i < b.len() && a[i] == b[i] {
        i += 1;
    }
    i == a.len() && i == b.len()
}

const fn has<T>(table: &[(&str, T)], id: &str) -> bool {
    let mut i = 0;
    while i < table.len() {
        if same(table[i].0, id) {
            return true;
        }
        i += 1;
    }
    false
}

/// Stops the build at the first id that is wanted and that the table does not have.
pub(crate) const fn covers<T>(table: &[(&str, T)], wanted: &[(&str, T)]) {
    let mut i = 0;
    while i < wanted.len() {
        if !has(table, wanted[i].0) {
            panic!("{}", wanted[i].0);
        }
        i += 1;
    }
}

// A language that lacks a sentence stops the build; the message is the id of what is missing.
const _: () = {
    covers(ja::BOOK.rules, en::BOOK.rules);
    covers(ja::BOOK.uncalled.messages, en::BOOK.uncalled.messages);
    covers(ja::BOOK.gaps, en::BOOK.gaps);
    covers(ja::BOOK.opcodes, en::BOOK.opcodes);
};

fn look<T: Copy>(table: &[(&'static str, T)], id: &str) -> Option<T> {
    table.iter().find(|(k, _)| *k == id).map(|(_, v)| *v)
}

/// The words of a rule.
pub fn rule(lang: Lang, id: &str) -> Words {
    look(book(lang).rules, id).unwrap_or(Words { title: "", message: "", why: "", fix: "" })
}

/// The words of a finding of a rule, with these arguments: of an import without a call not what the call would do.
pub fn finding(lang: Lang, id: &str, args: &BTreeMap<String, String>) -> Words {
    let Uncalled { title, why, messages } = book(lang).uncalled;
    match look(messages, id) {
        Some(message) if !args.contains_key("call") => Words { title, message, why, ..rule(lang, id) },
        _ => rule(lang, id),
    }
}

/// The sentence of a gap.
pub fn gap(lang: Lang, reason: &str, member: &str) -> String {
    let b = book(lang);
    let member: Vec<String> = member.split(" › ").map(|part| said(b.names, part)).collect();
    let member = crate::order::map([("member".to_string(), member.join(" › "))]);
    let at = if member.values().all(String::is_empty) { String::new() } else { fill(lang, b.at, "", &member) };
    fill(lang, look(b.gaps, reason).unwrap_or(reason), "", &crate::order::map([("member".to_string(), at)]))
}

/// What an opcode does, in plain words.
pub fn means(lang: Lang, opcode: &str) -> String {
    look(book(lang).opcodes, opcode).unwrap_or("").to_string()
}

/// A row of a dictionary, if it fits a text: the texts that stand where the row has braces, by number.
fn holes<'t>(dictionary: &'static [(&'static str, &'static str)], pattern: &str, text: &'t str) -> Option<Vec<(String, &'t str)>> {
    let mut found = Vec::new();
    let (mut pattern, mut text) = (pattern, text);
    while let Some((before, rest)) = pattern.split_once('{') {
        text = text.strip_prefix(before)?;
        let (name, behind) = rest.split_once('}')?;
        let next = behind.split('{').next().unwrap_or(behind);
        let end = match next {
            "" => text.len(),
            last if last.len() == behind.len() => text.len().checked_sub(last.len())?,
            next => text.find(next)?,
        };
        let hole = text.get(..end).filter(|hole| !hole.is_empty())?;
        let number = name.trim_end_matches(['#', '*']);
        if name.ends_with('#') && hole.chars().any(|c| c.is_alphabetic() && !c.is_ascii_hexdigit() && c != 'x') {
            return None;
        }
        let told = if name.ends_with('*') { look(dictionary, hole).unwrap_or(hole) } else { hole };
        found.push((number.to_string(), told));
        text = text.get(end..)?;
        pattern = behind;
    }
    (pattern == text).then_some(found)
}

/// A text as the first fitting row of a dictionary says it; itself where none does.
fn said(dictionary: &'static [(&'static str, &'static str)], text: &str) -> String {
    if let Some(to) = look(dictionary, text) {
        return to.to_string();
    }
    for (from, to) in dictionary.iter().filter(|(from, _)| from.contains('{')) {
        if let Some(parts) = holes(dictionary, from, text) {
            return put(to, |name| parts.iter().find(|(n, _)| n == name).map(|(_, part)| (*part).to_string()));
        }
    }
    text.to_string()
}

/// A remark as a whole, or several with a semicolon between them.
fn detail(b: &Book, text: &str) -> String {
    if let Some(whole) = look(b.terms, text).filter(|_| text.contains(" ")) {
        return whole.to_string();
    }
    text.split("; ").map(|part| if part.contains(' ') { said(b.terms, part) } else { part.to_string() }).collect::<Vec<_>>().join("; ")
}

/// What a dictionary of any language has for a text that may already be said in one of them, in words of this one.
fn again(lang: Lang, rows: fn(&Book) -> &'static [(&'static str, &'static str)], text: &str) -> String {
    let back = |(from, to): &(&str, &str)| {
        let numbers = from.contains('#');
        let parts = holes(&[], to, text).filter(|parts| !numbers || parts.iter().all(|(_, part)| !part.contains(char::is_alphabetic)))?;
        Some(put(from, |name| parts.iter().find(|(n, _)| n == name.trim_end_matches(['#', '*'])).map(|(_, part)| (*part).to_string())))
    };
    let said_first = Lang::ALL.into_iter().find_map(|l| rows(book(l)).iter().find_map(back));
    said(rows(book(lang)), said_first.as_deref().unwrap_or(text))
}

/// A remark in the contents tree, said in any language, in words of this one.
pub fn note(lang: Lang, text: &str) -> String {
    again(lang, |b| b.notes, text)
}

/// What a part of a file is called that has no name of its own, said in any language, in words of this one; a name of the file stays as it is.
pub fn part(lang: Lang, text: &str) -> String {
    // One word, or a short one of Japanese, may well be a name: only what nobody calls a thing is taken for words of ours.
    let ours = if text.is_ascii() { text.contains(' ') } else { text.chars().count() > 4 };
    if ours { again(lang, |b| b.names, text) } else { text.to_string() }
}

/// The name of a format in words of the language.
pub fn format(lang: Lang, name: &'static str) -> &'static str {
    look(book(lang).formats, name).unwrap_or(name)
}

/// A sentence with what `value` has for the names in its braces; nothing where it has nothing.
fn put(sentence: &str, value: impl Fn(&str) -> Option<String>) -> String {
    let mut out = String::with_capacity(sentence.len() + 40);
    let mut rest = sentence;
    while let Some((before, from)) = rest.split_once('{') {
        out.push_str(before);
        let Some((name, behind)) = from.split_once('}') else { return out };
        out.push_str(&value(name).unwrap_or_default());
        rest = behind;
    }
    out.push_str(rest);
    out
}

/// Puts arguments into a sentence, in words of its language.
pub fn fill(lang: Lang, sentence: &str, path: &str, args: &BTreeMap<String, String>) -> String {
    put(sentence, |name| match name {
        "file" => Some(crate::text::printable(path.rsplit('/').next().unwrap_or(path), 200)),
        "detail" => args.get(name).map(|v| detail(book(lang), v)),
        name if WORDED.contains(&name) => args.get(name).map(|v| said(book(lang).terms, v)),
        name if NAMED.contains(&name) => args.get(name).map(|v| said(book(lang).names, v)),
        name => args.get(name).cloned(),
    })
}

/// What a rule means and what to do about it, in a few lines.
pub fn explanation(lang: Lang, r: &RuleRow) -> String {
    put(book(lang).explanation, |name| {
        Some(match name {
            "rule" => r.id.into(),
            "name" => r.name.into(),
            "severity" => format!("{:?}", r.severity),
            "title" => r.title.into(),
            "why" => r.why.into(),
            "fix" => r.fix.into(),
            _ => r.refs.join(", "),
        })
    })
}

/// The head of the table of rules, or of formats.
pub fn heading(lang: Lang, rules: bool) -> &'static str {
    if rules { book(lang).rules_head } else { book(lang).formats_head }
}

/// One sentence about the consequence of loading.
pub fn headline(lang: Lang, verdict: Verdict, path: &str, finding: Option<&Finding>, gap: Option<&Gap>, size: u64) -> String {
    let b = book(lang);
    match (verdict, finding, gap) {
        (Verdict::Dangerous | Verdict::Suspicious, Some(f), _) => f.message.clone(),
        (Verdict::Incomplete, _, Some(g)) => {
            let mut args = BTreeMap::new();
            args.insert("gap".to_string(), g.message.clone());
            fill(lang, b.incomplete, path, &args)
        }
        _ if size == 0 => b.empty.into(),
        _ => fill(lang, b.clear, path, &BTreeMap::new()),
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
    fill(lang, book(lang).use_sibling, path, &BTreeMap::new())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// Every sentence of a language, with the id that it stands under.
    fn sentences(lang: Lang) -> Vec<(String, &'static str)> {
        let b = book(lang);
        let mut out: Vec<(String, &str)> = Vec::new();
        for (id, w) in b.rules {
            out.extend([("title", w.title), ("message", w.message), ("why", w.why), ("fix", w.fix)].map(|(part, text)| (format!("{id} {part}"), text)));
        }
        out.extend(b.gaps.iter().chain(b.opcodes).map(|(id, text)| (id.to_string(), *text)));
        out.extend(b.uncalled.messages.iter().map(|(id, text)| (format!("{id} uncalled"), *text)));
        let rest = [
            b.uncalled.title, b.uncalled.why, b.empty, b.clear, b.incomplete, b.do_not_load, b.tell_publisher, b.ask_why, b.close_gap, b.use_sibling,
            b.check_digest, b.at, b.explanation, b.rules_head, b.formats_head,
        ];
        out.extend(rest.into_iter().enumerate().map(|(n, text)| (format!("sentence {n}"), text)));
        out
    }

    fn braced(text: &str) -> BTreeSet<&str> {
        text.split('{').skip(1).filter_map(|t| t.split('}').next()).collect()
    }

    /// Words of Latin letters outside of braces that are neither ids, names nor file types.
    fn foreign(text: &str) -> Vec<String> {
        const NAMES: &[&str] = &[
            "safetensors", "pickle", "eval", "torch", "zipfile", "import", "trust_remote_code", "tar", "location", "offset", "length", "checksum", "load",
            "tokens", "weighstation", "licence", "git", "lfs", "pull", "append", "extend", "add", "zfile", "llamafile", "word2vec", "protobuf", "skops", "pax",
            "xgboost", "macOS", "torch.load", "joblib", "z",
        ];
        let mut plain = String::new();
        let mut depth = 0;
        for c in text.chars() {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                c if depth == 0 => plain.push(c),
                _ => {}
            }
        }
        let words = plain.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '.')));
        words
            .map(|w| w.trim_matches('.').to_string())
            .filter(|w| w.starts_with(|c: char| c.is_ascii_lowercase()) && !w.starts_with("__") && !NAMES.contains(&w.as_str()))
            .collect()
    }

    fn japanese(text: &str) -> bool {
        text.chars().any(|c| matches!(c, '\u{3040}'..='\u{30ff}' | '\u{4e00}'..='\u{9fff}'))
    }

    #[test]
    fn no_sentence_without_a_rule_and_no_opcode_without_words() {
        let rules: Vec<&str> = crate::rule::all().map(|r| r.id).collect();
        for (id, w) in en::BOOK.rules {
            assert!(rules.contains(id), "{id} has words and no rule");
            assert!(!format!("{}{}{}{}", w.title, w.message, w.why, w.fix).contains("safe "), "{id} calls something safe");
        }
        for op in crate::format::pickle::opcode::OPCODES {
            assert!(Lang::ALL.into_iter().all(|l| !means(l, op.name).is_empty()), "{}", op.name);
        }
    }

    #[test]
    fn what_is_imported_and_not_called_is_not_said_to_run() {
        let weighed = |pickle: &[u8], lang| {
            let report = crate::scan(&pickle.to_vec(), "a.pkl", lang);
            report.findings.iter().filter(|f| f.rule == "WS101").map(|f| (f.message.clone(), f.title.clone())).collect::<Vec<_>>()
        };
        let words = rule(Lang::En, "WS101");
        let called = weighed(b"cos\nsystem\n(S'id'\ntR.", Lang::En);
        assert_eq!(called, [("Loading a.pkl runs a shell command: os.system(\"id\")".into(), words.title.into())]);
        let kept = weighed(b"cos\nsystem\n.", Lang::En);
        assert_eq!(kept, [("Loading a.pkl imports os.system, which runs a command for whoever calls it".into(), en::BOOK.uncalled.title.into())]);
        let (kept, title) = weighed(b"cos\nsystem\n.", Lang::Ja).remove(0);
        assert!(kept.contains("os.system") && title == ja::BOOK.uncalled.title, "{kept}");
        // What acts as soon as it is imported needs no call.
        assert_eq!(weighed(b"cantigravity\ngeohash\n.", Lang::En), [("Loading a.pkl runs a shell command: antigravity.geohash".into(), words.title.into())]);
    }

    #[test]
    fn every_language_fills_the_same_into_the_same_sentences() {
        for lang in Lang::ALL {
            let others: BTreeMap<String, &str> = sentences(lang).into_iter().collect();
            for (id, one) in sentences(Lang::En) {
                let other = others.get(&id).copied().unwrap_or_default();
                assert_eq!(braced(one), braced(other), "{id} in {}", lang.tag());
                assert_eq!(one.is_empty(), other.is_empty(), "{id} in {}", lang.tag());
            }
        }
    }

    #[test]
    fn japanese_sentences_are_japanese() {
        let wrong: Vec<String> = sentences(Lang::Ja)
            .into_iter()
            .filter(|(_, text)| {
                let named = matches!(*text, "None" | "True" | "False");
                !named && !japanese(text) || !foreign(text).is_empty() || text.contains(['(', ')', ',', ';', '?', '!'])
            })
            .map(|(id, text)| format!("{id}: {:?} {text}", foreign(text)))
            .collect();
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        for (id, w) in ja::BOOK.rules {
            assert!(w.why.ends_with('。') && w.fix.ends_with('。') && !w.title.ends_with('。') && !w.message.ends_with('。'), "{id}");
        }
        for (id, text) in ja::BOOK.gaps {
            assert!(text.trim_end_matches("{member}").ends_with('。'), "{id}");
        }
    }

    #[test]
    fn a_dictionary_says_as_much_as_it_is_told() {
        for (from, to) in ja::BOOK.terms.iter().chain(ja::BOOK.names).chain(ja::BOOK.notes) {
            let numbers: BTreeSet<&str> = braced(from).into_iter().map(|n| n.trim_end_matches(['#', '*'])).collect();
            assert_eq!(numbers, braced(to), "{from}");
            assert!(japanese(to) || !from.contains(' ') || *from == "JSON Web Token", "{from}: {to}");
        }
        let twice: BTreeSet<&str> = ja::BOOK.terms.iter().map(|t| t.0).collect();
        assert_eq!(twice.len(), ja::BOOK.terms.len(), "a term stands twice");
        for (id, words) in en::BOOK.terms {
            assert!(twice.contains(id) && !words.contains('-') || words.contains("Mach-O") || words.contains("UTF-"), "{id}: {words}");
        }
    }

    #[test]
    fn formats_are_named_in_the_language() {
        let latin = |name: &str| name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|w| w.len() > 1 && w.chars().all(|c| c.is_ascii_lowercase())).count();
        const NAMES: &[&str] = &["safetensors", "TensorFlow.js", "skops", "bzip2", "gzip", "xz", "word2vec", "fastText"];
        for f in crate::format::FORMATS.iter().filter(|f| !NAMES.contains(&f.name)) {
            let named = format(Lang::Ja, f.name);
            assert!(latin(f.name) == 0 || japanese(named), "{} has no Japanese name", f.name);
        }
    }

    #[test]
    fn remarks_are_said_in_the_language() {
        let b = book(Lang::Ja);
        assert_eq!(detail(b, "hard link to ../x"), "../xへのハードリンク");
        assert_eq!(said(b.terms, "Linux library or program (ELF, x86-64)"), "Linuxのライブラリまたは実行ファイル（ELF、x86-64）");
        assert_eq!(detail(b, "CRC-32: local 1, central 2; name: local x"), "CRC-32：ローカルヘッダー1、ディレクトリ2; 名前：ローカルヘッダーx");
        assert_eq!(note(Lang::Ja, "3 trees, 12 leaves"), "決定木3個、葉12個");
        let program = "Linux library or program (ELF, x86-64)";
        assert_eq!(note(Lang::Ja, program), "Linuxのライブラリまたは実行ファイル（ELF、x86-64）");
        assert_eq!((note(Lang::En, &note(Lang::Ja, program)).as_str(), note(Lang::Ja, "object").as_str()), (program, "object"));
        for (from, _) in ja::BOOK.notes {
            let said = put(from, |_| Some("12".into()));
            assert_eq!(note(Lang::En, &note(Lang::Ja, &said)), said, "there and back again");
        }
        assert_eq!(part(Lang::Ja, "trailing bytes"), "末尾より後ろのバイト列");
        for (from, to) in b.names.iter().filter(|(_, to)| to.chars().count() > 4) {
            let said = put(from, |_| Some("12".into()));
            assert_ne!(&said, to);
            assert_eq!(part(Lang::En, &part(Lang::Ja, &said)), said, "there and back again");
        }
        for name in ["layer 1 of us", "layers", "式", "呼び出し"] {
            assert_eq!(Lang::ALL.map(|l| part(l, name)), [name, name], "a name of the file");
        }
        // What stands in the file stays as it is.
        assert_eq!(["nobody said this", "shape", "the end of it"].map(|t| detail(b, t)), ["nobody said this", "shape", "the end of it"]);
        assert_eq!(detail(book(Lang::En), "hard link to ../x"), "hard link to ../x");
        assert_eq!(gap(Lang::Ja, "encrypted", "a.zip › trailing bytes"), "パスワードで保護されています。（対象：a.zip › 末尾より後ろのバイト列）");
        assert_eq!(gap(Lang::Ja, "encrypted", ""), "パスワードで保護されています。");
    }

    #[test]
    fn languages_are_known_by_their_tags() {
        assert_eq!(
            ["ja", "ja-JP", "JA", "ja_JP.UTF-8", "en-GB", "de", ""].map(Lang::known),
            [Some(Lang::Ja), Some(Lang::Ja), Some(Lang::Ja), Some(Lang::Ja), Some(Lang::En), None, None]
        );
        assert_eq!(Lang::from_tag("de"), Lang::En);
    }

    #[test]
    fn a_sentence_is_filled_once_and_never_twice() {
        let mut args = BTreeMap::new();
        args.insert("call".to_string(), "f({file})".to_string());
        assert_eq!(fill(Lang::En, "{file}: {call}", "a/b.pt", &args), "b.pt: f({file})");
        assert_eq!(fill(Lang::Ja, "{file}: {call}", "a/b.pt", &args), "b.pt: f({file})");
    }

    /// Literals that readers hand on as remarks, with a sample for whatever stands in braces.
    fn remarks(source: &str) -> Vec<String> {
        const BEFORE: &[&str] = &["detail: ", "detail = ", "note("];
        let source = source.split("#[cfg(test)]").next().unwrap_or_default();
        let mut out = Vec::new();
        for (at, before) in BEFORE.iter().flat_map(|b| source.match_indices(b)) {
            let rest = source[at + before.len()..].trim_start_matches('&').trim_start_matches("format!(");
            let Some(literal) = rest.strip_prefix('"').and_then(|r| r.split_once('"')).map(|(literal, _)| literal) else { continue };
            let mut text = put(literal, |_| Some("7".into()));
            if text.contains('\\') {
                text.clear();
            }
            out.push(text);
        }
        out
    }

    #[test]
    fn every_remark_of_a_reader_is_in_the_dictionary() {
        fn files(folder: &std::path::Path, out: &mut Vec<std::path::PathBuf>) {
            for entry in std::fs::read_dir(folder).expect("the readers") {
                let path = entry.expect("an entry").path();
                if path.is_dir() { files(&path, out) } else { out.push(path) }
            }
        }
        // Two plain words side by side: no id, no name and no number has them.
        let plain =
            |text: &str| text.split(' ').collect::<Vec<_>>().windows(2).any(|w| w.iter().all(|w| w.len() > 1 && w.chars().all(|c| c.is_ascii_lowercase())));
        let mut readers = Vec::new();
        files(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/format"), &mut readers);
        let mut seen = 0;
        for reader in readers {
            for text in remarks(&std::fs::read_to_string(&reader).expect("a reader")).into_iter().filter(|t| plain(t)) {
                seen += 1;
                let told = [detail(&ja::BOOK, &text), said(ja::BOOK.notes, &text), said(ja::BOOK.names, &text)];
                assert!(told.iter().any(|t| japanese(t) && !plain(t)), "{}: {text:?} has no Japanese", reader.display());
            }
        }
        assert!(seen > 20, "only {seen} remarks were found: the way they are written has changed");
    }
}
