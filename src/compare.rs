//! What changed between two reports, the worst news first. Reports suffice: nobody needs the old files.

use crate::export::{Sheet, markdown as md};
use crate::order::{map, set, sort_by_key};
use crate::report::{FileReport, Finding, Gap, Node, Report, Severity};
use crate::speech::export::{Book, book, put, sentence};
use crate::speech::{Lang, licence::number};
use crate::text::printable;
use crate::verdict::Verdict;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The schema id that every comparison carries.
pub const SCHEMA: &str = "weighstation-comparison/1";

/// Changes of one kind in one file that are listed one by one.
const EACH: usize = 50;

/// How a change weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "lowercase")]
pub enum News {
    /// For the better.
    Good,
    /// Worth knowing.
    Neutral,
    /// Less was checked than before, or a person must look.
    Bad,
    /// Loading does harm that it did not do before.
    Worst,
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Difference {
    /// What changed, as a stable id: `finding-new`, `import-new`, `licence`, `tensor`, `bytes` ….
    pub what: String,
    /// How it weighs.
    pub news: News,
    /// The file, as the newer report calls it, or the older one if it is gone; empty for all together.
    pub path: String,
    /// What it is about: a rule, an import, a key.
    pub name: String,
    /// What it was; empty if it was not there.
    pub before: String,
    /// What it is; empty if it is not there.
    pub after: String,
    /// The same in words.
    pub message: String,
}

/// The result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Comparison {
    /// [`SCHEMA`].
    pub schema: String,
    /// Verdict of the older report.
    pub before: Verdict,
    /// Verdict of the newer one.
    pub after: Verdict,
    /// Verdict of what is new alone: findings and gaps that were not there before.
    pub news: Verdict,
    /// What it comes to, as a sentence.
    pub headline: String,
    /// Files that are the same to the byte.
    pub same: u64,
    /// Changes, the worst news first.
    pub changes: Vec<Difference>,
}

/// The changes in the making.
struct Draft {
    words: &'static Book,
    changes: Vec<Difference>,
    new: Vec<Severity>,
    gaps: bool,
    /// The folders that the two reports lie in: what is said of a file below them is the same in both.
    tops: [String; 2],
}

impl Draft {
    fn say(&mut self, what: &str, news: News, path: &str, name: &str, before: &str, after: &str) {
        let message = put(sentence(&self.words.changes, what), &[("name", name), ("before", before), ("after", after)]);
        self.changes.push(Difference { what: what.into(), news, path: path.into(), name: name.into(), before: before.into(), after: after.into(), message });
    }

    /// Things of one file that came and went, by name.
    fn each(&mut self, kind: &str, path: &str, before: &BTreeMap<String, String>, after: &BTreeMap<String, String>, weigh: impl Fn(&str) -> News) {
        let (new, gone) = (format!("{kind}-new"), format!("{kind}-gone"));
        for (name, value) in after.iter().filter(|(n, _)| !before.contains_key(*n)).take(EACH) {
            self.say(&new, weigh(name), path, name, "", value);
        }
        for (name, value) in before.iter().filter(|(n, _)| !after.contains_key(*n)).take(EACH) {
            self.say(&gone, if weigh(name) > News::Neutral { News::Good } else { News::Neutral }, path, name, value, "");
        }
    }

    fn findings(&mut self, path: &str, before: &[Finding], after: &[Finding]) {
        let key = |f: &Finding, top: &str| {
            (f.rule.clone(), f.args.iter().map(|(k, v)| (k.clone(), v.strip_prefix(top).unwrap_or(v).to_string())).collect::<Vec<_>>())
        };
        let [old, new] = self.tops.clone();
        let had = set(before.iter().map(|f| key(f, &old)));
        let has = set(after.iter().map(|f| key(f, &new)));
        let (comes, goes) = (|f: &&Finding| !had.contains(&key(f, &new)), |f: &&Finding| !has.contains(&key(f, &old)));
        let shown = |f: &Finding| put(self.words.changed_finding, &[("rule", &f.rule), ("name", &f.name), ("severity", self.words.severity(f.severity))]);
        let coming: Vec<(News, String, String)> = after.iter().filter(comes).map(|f| (news_of(f.severity), shown(f), f.message.clone())).collect();
        let going: Vec<(News, String, String)> = before
            .iter()
            .filter(goes)
            .map(|f| (if f.severity >= Severity::Medium { News::Good } else { News::Neutral }, shown(f), f.message.clone()))
            .collect();
        self.new.extend(after.iter().filter(comes).map(|f| f.severity));
        for (news, name, text) in coming {
            self.say("finding-new", news, path, &name, "", &text);
        }
        for (news, name, text) in going {
            self.say("finding-gone", news, path, &name, &text, "");
        }
    }

    fn gaps(&mut self, path: &str, before: &[Gap], after: &[Gap]) {
        let lacks = |list: &[Gap], g: &Gap| !list.iter().any(|x| x.reason == g.reason && x.member == g.member);
        for g in after.iter().filter(|g| lacks(before, g)) {
            self.gaps = true;
            self.say("gap-new", News::Bad, path, &g.reason, "", &g.message);
        }
        for g in before.iter().filter(|g| lacks(after, g)) {
            self.say("gap-gone", News::Good, path, &g.reason, &g.message, "");
        }
    }

    /// A value that was and is.
    fn value(&mut self, what: &str, news: News, path: &str, name: &str, before: &str, after: &str) {
        if before != after {
            let shown = |s: &str| if s.is_empty() { "–".to_string() } else { s.to_string() };
            self.say(what, news, path, name, &shown(before), &shown(after));
        }
    }
}

fn news_of(s: Severity) -> News {
    match s {
        Severity::Critical | Severity::High => News::Worst,
        Severity::Medium => News::Bad,
        _ => News::Neutral,
    }
}

/// The folder that all files of a report lie in, with a `/` at its end.
fn top(report: &Report) -> String {
    let folder = |p: &str| p.rfind('/').map_or(String::new(), |at| p.get(..=at).unwrap_or("").to_string());
    let Some(mut common) = report.files.first().map(|f| folder(&f.path)) else { return String::new() };
    for f in &report.files {
        while !f.path.starts_with(&common) {
            common = folder(common.trim_end_matches('/'));
        }
    }
    common
}

/// Which file of one report is which of the other: by its path below the common folder, then by its bytes, then by a name that only one file has, then the only one that is left.
fn pairs<'a>(old: &'a Report, new: &'a Report) -> (Vec<(&'a FileReport, &'a FileReport)>, Vec<&'a FileReport>, Vec<&'a FileReport>) {
    let (top_old, top_new) = (top(old), top(new));
    let mut gone: Vec<&FileReport> = old.files.iter().collect();
    let mut come: Vec<&FileReport> = new.files.iter().collect();
    let mut out = Vec::new();
    let below = |f: &FileReport, top: &str| f.path.get(top.len()..).unwrap_or(&f.path).to_string();
    let name = |f: &FileReport| f.path.rsplit('/').next().unwrap_or("").to_string();
    let mut match_by = |key_old: &dyn Fn(&FileReport) -> Option<String>, key_new: &dyn Fn(&FileReport) -> Option<String>| {
        let count = |list: &[&'a FileReport], key: &dyn Fn(&FileReport) -> Option<String>| {
            let mut n: HashMap<String, usize> = HashMap::new();
            for k in list.iter().filter_map(|f| key(f)) {
                *n.entry(k).or_default() += 1;
            }
            n
        };
        let (once_old, once_new) = (count(&gone, key_old), count(&come, key_new));
        let single = |k: &String| once_old.get(k) == Some(&1) && once_new.get(k) == Some(&1);
        let by_key: HashMap<String, &'a FileReport> = gone.iter().filter_map(|f| Some((key_old(f)?, *f))).filter(|(k, _)| single(k)).collect();
        let mut taken = BTreeSet::new();
        come.retain(|f| {
            let Some(other) = key_new(f).and_then(|k| by_key.get(&k).copied()) else { return true };
            taken.insert(other.path.as_str());
            out.push((other, *f));
            false
        });
        gone.retain(|f| !taken.contains(f.path.as_str()));
    };
    match_by(&|f| Some(below(f, &top_old)), &|f| Some(below(f, &top_new)));
    match_by(&|f| f.sha256.clone(), &|f| f.sha256.clone());
    match_by(&|f| Some(name(f)), &|f| Some(name(f)));
    if let ([one], [other], true) = (gone.as_slice(), come.as_slice(), old.files.len() == 1 && new.files.len() == 1) {
        out.push((one, other));
        (gone, come) = (Vec::new(), Vec::new());
    }
    (out, gone, come)
}

/// Tensors by name with what is said of them; `None` where the report does not have all.
fn tensors(file: &FileReport) -> Option<BTreeMap<String, String>> {
    let mut out = BTreeMap::new();
    let mut open: Vec<(String, &Node)> = vec![(String::new(), &file.outline)];
    while let Some((path, node)) = open.pop() {
        if node.more > 0 {
            return None;
        }
        if node.kind == "tensor" {
            out.insert(
                format!("{path}{}", node.label),
                format!("{} {}", node.note.as_deref().unwrap_or(""), node.size.map_or(String::new(), number)).trim().to_string(),
            );
        }
        let inside = if node.kind == "tensor" || path.is_empty() && std::ptr::eq(node, &file.outline) { path } else { format!("{path}{}/", node.label) };
        open.extend(node.children.iter().map(|c| (inside.clone(), c)));
    }
    Some(out)
}

fn list(names: &[String]) -> BTreeMap<String, String> {
    map(names.iter().map(|n| (n.clone(), String::new())))
}

/// One file as it was and as it is.
fn file(d: &mut Draft, old: &FileReport, new: &FileReport) {
    let (w, path) = (d.words, new.path.as_str());
    d.findings(path, &old.findings, &new.findings);
    d.gaps(path, &old.gaps, &new.gaps);
    if old.verdict != new.verdict {
        let news = match new.verdict {
            Verdict::Dangerous => News::Worst,
            v if v > old.verdict => News::Bad,
            _ => News::Good,
        };
        d.say("verdict", news, path, "", w.verdict(old.verdict), w.verdict(new.verdict));
    }
    let named =
        |f: &FileReport| map(f.imports.iter().map(|i| (format!("{}.{}", i.module, i.name), format!("{}, {}", w.usage(i.usage), w.standing(i.standing)))));
    let standing: HashMap<String, crate::report::Standing> =
        old.imports.iter().chain(&new.imports).map(|i| (format!("{}.{}", i.module, i.name), i.standing)).collect();
    let weigh = |name: &str| match standing.get(name) {
        Some(crate::report::Standing::Dangerous) => News::Worst,
        Some(crate::report::Standing::Unknown) => News::Bad,
        _ => News::Neutral,
    };
    let (had, has) = (named(old), named(new));
    d.each("import", path, &had, &has, weigh);
    for (name, after) in &has {
        if let Some(before) = had.get(name) {
            d.value("import-use", weigh(name), path, name, before, after);
        }
    }
    d.each("code", path, &list(&old.code), &list(&new.code), |_| News::Bad);
    d.each("reference", path, &list(&old.references), &list(&new.references), |_| News::Neutral);
    d.value("licence", News::Bad, path, "", &old.licence.declared.join(", "), &new.licence.declared.join(", "));
    d.value("licence-text", News::Bad, path, "", &old.licence.found.join(", "), &new.licence.found.join(", "));
    d.value("format", News::Bad, path, "", &old.formats.join(" + "), &new.formats.join(" + "));
    for (label, before, after) in [(w.tensors, old.tensors.count, new.tensors.count), (w.parameters, old.tensors.parameters, new.tensors.parameters)] {
        d.value("tensors", News::Neutral, path, label, &number(before), &number(after));
    }
    let kinds = |f: &FileReport| f.tensors.dtypes.iter().map(|(k, n)| format!("{k} ×{}", number(*n))).collect::<Vec<_>>().join(", ");
    d.value("tensors", News::Neutral, path, w.tensors, &kinds(old), &kinds(new));
    if let (Some(before), Some(after)) = (tensors(old), tensors(new)) {
        let differ: Vec<(&String, &String, &String)> = before.iter().filter_map(|(n, b)| Some((n, b, after.get(n)?))).filter(|(_, b, a)| b != a).collect();
        for (name, b, a) in differ.into_iter().take(EACH) {
            d.value("tensor", News::Neutral, path, name, b, a);
        }
        let only = |x: &BTreeMap<String, String>, y: &BTreeMap<String, String>| {
            x.iter().filter(|(n, _)| !y.contains_key(*n)).map(|(n, v)| (n.clone(), v.clone())).take(EACH).collect::<Vec<_>>()
        };
        for (name, b) in only(&before, &after) {
            d.value("tensor", News::Neutral, path, &name, &b, "");
        }
        for (name, a) in only(&after, &before) {
            d.value("tensor", News::Neutral, path, &name, "", &a);
        }
    }
    let pairs = |f: &FileReport| map(f.metadata.iter().map(|m| (m.key.clone(), m.value.clone())));
    let (had, has) = (pairs(old), pairs(new));
    d.each("metadata", path, &had, &has, |_| News::Neutral);
    for (key, after) in has.iter().filter(|(k, v)| had.get(*k).is_some_and(|b| b != *v)).take(EACH) {
        d.value("metadata", News::Neutral, path, key, had.get(key).map_or("", String::as_str), after);
    }
    let same = same_bytes(old, new);
    if same == Some(true) && old.path.rsplit('/').next() != new.path.rsplit('/').next() {
        d.say("file-moved", News::Neutral, path, "", &old.path, "");
    }
    if same == Some(false) {
        let shown = |f: &FileReport| format!("{} {}", put(w.bytes, &[("n", &number(f.size))]), f.sha256.as_deref().unwrap_or("")).trim().to_string();
        d.say("bytes", News::Neutral, path, "", &shown(old), &shown(new));
    }
}

/// Whether two files are the same to the byte; `None` if that is not known.
fn same_bytes(old: &FileReport, new: &FileReport) -> Option<bool> {
    match (&old.sha256, &new.sha256) {
        (Some(a), Some(b)) => Some(a == b),
        _ if old.size != new.size => Some(false),
        _ => None,
    }
}

/// Compares two reports. Both are told anew in the language, so that reports in two languages can be compared.
pub fn compare(mut old: Report, mut new: Report, lang: Lang) -> Comparison {
    crate::rule::retell(&mut old, lang);
    crate::rule::retell(&mut new, lang);
    let words = book(lang);
    let mut d = Draft { words, changes: Vec::new(), new: Vec::new(), gaps: false, tops: [top(&old), top(&new)] };
    let (pairs, gone, come) = pairs(&old, &new);
    let mut same = 0;
    for (a, b) in &pairs {
        same += u64::from(same_bytes(a, b) == Some(true));
        file(&mut d, a, b);
    }
    for f in come {
        let shown = format!("{}, {}", put(words.bytes, &[("n", &number(f.size))]), words.verdict(f.verdict));
        let news = match f.verdict {
            Verdict::Dangerous => News::Worst,
            Verdict::Clear => News::Neutral,
            _ => News::Bad,
        };
        d.say("file-new", news, &f.path, "", "", &shown);
        d.findings(&f.path, &[], &f.findings);
        d.gaps(&f.path, &[], &f.gaps);
    }
    for f in gone {
        d.say("file-gone", News::Neutral, &f.path, "", words.verdict(f.verdict), "");
    }
    let together = |r: &Report| r.findings.iter().filter(|f| !r.files.iter().any(|x| x.path == f.path && x.findings.contains(f))).cloned().collect::<Vec<_>>();
    d.findings("", &together(&old), &together(&new));
    sort_by_key(&mut d.changes, |c| std::cmp::Reverse(c.news));
    let news = match d.new.iter().max() {
        Some(Severity::Critical | Severity::High) => Verdict::Dangerous,
        Some(Severity::Medium) => Verdict::Suspicious,
        _ if d.gaps => Verdict::Incomplete,
        _ => Verdict::Clear,
    };
    let [none, fine, worse] = words.compared;
    let n = number(d.changes.len() as u64);
    let headline = match d.changes.first() {
        None => none.to_string(),
        Some(_) if news == Verdict::Clear => put(fine, &[("n", &n)]),
        Some(_) => put(worse, &[("n", &n), ("verdict", words.verdict(news))]),
    };
    Comparison { schema: SCHEMA.into(), before: old.verdict, after: new.verdict, news, headline, same, changes: d.changes }
}

/// The sign in front of a change.
fn sign(n: News) -> &'static str {
    match n {
        News::Worst => "▲",
        News::Bad => "◆",
        News::Neutral => "·",
        News::Good => "◇",
    }
}

/// For a terminal.
pub fn text(c: &Comparison) -> String {
    let mut out = Sheet::new(|t, out| out.push_str(&printable(t, usize::MAX)));
    out.put(&["", &c.headline, "\n"]);
    for x in &c.changes {
        out.put(&[&format!("  {} ", sign(x.news)), &x.path, if x.path.is_empty() { "" } else { ": " }, &x.message, "\n"]);
    }
    out.out
}

/// As Markdown.
pub fn markdown(c: &Comparison, lang: Lang) -> String {
    let w = book(lang);
    let mut s = Sheet::new(md::escape);
    s.put(&["# ", w.comparison, "\n\n", &c.headline, "\n\n"]);
    if !c.changes.is_empty() {
        s.put(&["| | ", w.file, " | ", w.message, " |\n|---|---|---|\n"]);
    }
    for x in &c.changes {
        s.put(&[&format!("| {} | ", sign(x.news)), &x.path, " | ", &x.message, " |\n"]);
    }
    s.out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{conclude, scan};

    const SHELL: &[u8] = b"\x80\x02cos\nsystem\nX\x04\0\0\0echo\x85R.";
    const PLAIN: &[u8] = b"\x80\x02K\x01.";

    fn report(files: &[(&str, &[u8])]) -> Report {
        let one = |(path, bytes): &(&str, &[u8])| {
            let mut d = crate::Digest::new();
            d.update(bytes);
            FileReport { sha256: Some(d.finish()), ..scan(&bytes.to_vec(), path, Lang::En) }
        };
        conclude(files.iter().map(one).collect(), Lang::En)
    }

    fn whats(old: &[(&str, &[u8])], new: &[(&str, &[u8])]) -> (Verdict, Vec<(String, String)>) {
        let c = compare(report(old), report(new), Lang::En);
        assert!(c.changes.iter().all(|x| x.message.len() > 5 && !x.message.contains('{')), "{:?}", c.changes);
        assert!(c.changes.is_sorted_by_key(|x| std::cmp::Reverse(x.news)));
        (c.news, c.changes.into_iter().map(|x| (x.what, x.path)).collect())
    }

    fn has(list: &[(String, String)], what: &str, path: &str) -> bool {
        list.iter().any(|(w, p)| w == what && p == path)
    }

    #[test]
    fn nothing_changes_where_nothing_did_even_in_another_folder() {
        let (old, new) = ([("v1/m.pkl", SHELL), ("v1/sub/x.pkl", PLAIN)], [("/tmp/v2/m.pkl", SHELL), ("/tmp/v2/sub/x.pkl", PLAIN)]);
        assert_eq!(whats(&old, &new), (Verdict::Clear, vec![]));
        assert_eq!(whats(&[], &[]), (Verdict::Clear, vec![]));
    }

    #[test]
    fn a_command_that_appears_is_the_first_news_and_one_that_goes_is_good() {
        let (news, list) = whats(&[("v1/m.pkl", PLAIN)], &[("v2/m.pkl", SHELL)]);
        assert_eq!(news, Verdict::Dangerous);
        assert_eq!(list[0], ("finding-new".into(), "v2/m.pkl".into()));
        assert!(has(&list, "import-new", "v2/m.pkl") && has(&list, "verdict", "v2/m.pkl") && has(&list, "bytes", "v2/m.pkl"));
        let (news, list) = whats(&[("m.pkl", SHELL)], &[("m.pkl", PLAIN)]);
        assert_eq!(news, Verdict::Clear);
        assert!(has(&list, "finding-gone", "m.pkl") && has(&list, "import-gone", "m.pkl"));
    }

    #[test]
    fn files_come_go_and_move() {
        let (news, list) = whats(&[("a.pkl", PLAIN), ("c.txt", b"text\n")], &[("b.pkl", PLAIN), ("d.pkl", SHELL)]);
        assert_eq!(news, Verdict::Dangerous);
        assert!(
            has(&list, "file-moved", "b.pkl") && has(&list, "file-gone", "c.txt") && has(&list, "file-new", "d.pkl") && has(&list, "finding-new", "d.pkl"),
            "{list:?}"
        );
        // Versions of one file under two names are compared and not called another file.
        let (_, list) = whats(&[("model-1.pkl", PLAIN)], &[("model-2.pkl", SHELL)]);
        assert!(has(&list, "finding-new", "model-2.pkl") && !has(&list, "file-new", "model-2.pkl"));
    }

    #[test]
    fn settings_licences_and_gaps_are_compared() {
        let card = |licence: &str| format!("---\nlicense: {licence}\n---\n");
        let (_, list) = whats(&[("README.md", card("mit").as_bytes())], &[("README.md", card("cc-by-nc-4.0").as_bytes())]);
        assert!(has(&list, "licence", "README.md"), "{list:?}");
        let (news, list) = whats(&[("m.pkl", PLAIN)], &[("m.pkl", b"\x80\x02]K\x01a")]);
        assert_eq!(news, Verdict::Incomplete);
        assert!(has(&list, "gap-new", "m.pkl"), "{list:?}");
    }

    #[test]
    fn every_change_has_its_words_and_every_word_a_change() {
        let source = include_str!("compare.rs");
        for (id, words) in book(Lang::En).changes {
            let made = source.contains(&format!("\"{id}\"")) || id.rsplit_once('-').is_some_and(|(kind, _)| source.contains(&format!("each(\"{kind}\"")));
            assert!(made && !words.is_empty(), "{id}");
        }
    }
}
