//! What changed between two reports, the worst news first. Reports suffice: nobody needs the old files.

use crate::export::{Sheet, markdown as md};
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
        let key = |f: &Finding| (f.rule.clone(), f.args.clone());
        let had: BTreeSet<_> = before.iter().map(key).collect();
        let has: BTreeSet<_> = after.iter().map(key).collect();
        let shown = |f: &Finding| format!("{} {} ({})", f.rule, f.name, self.words.severity(f.severity));
        let new: Vec<(News, String, String)> = after.iter().filter(|f| !had.contains(&key(f))).map(|f| (news_of(f.severity), shown(f), f.message.clone())).collect();
        let gone: Vec<(News, String, String)> = before.iter().filter(|f| !has.contains(&key(f))).map(|f| (if f.severity >= Severity::Medium { News::Good } else { News::Neutral }, shown(f), f.message.clone())).collect();
        self.new.extend(after.iter().filter(|f| !had.contains(&key(f))).map(|f| f.severity));
        for (news, name, text) in new {
            self.say("finding-new", news, path, &name, "", &text);
        }
        for (news, name, text) in gone {
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
            out.insert(format!("{path}{}", node.label), format!("{} {}", node.note.as_deref().unwrap_or(""), node.size.map_or(String::new(), number)).trim().to_string());
        }
        let inside = if node.kind == "tensor" || path.is_empty() && std::ptr::eq(node, &file.outline) { path } else { format!("{path}{}/", node.label) };
        open.extend(node.children.iter().map(|c| (inside.clone(), c)));
    }
    Some(out)
}

fn list(names: &[String]) -> BTreeMap<String, String> {
    names.iter().map(|n| (n.clone(), String::new())).collect()
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
    let named = |f: &FileReport| f.imports.iter().map(|i| (format!("{}.{}", i.module, i.name), format!("{}, {}", w.usage(i.usage), w.standing(i.standing)))).collect::<BTreeMap<_, _>>();
    let standing: HashMap<String, crate::report::Standing> = old.imports.iter().chain(&new.imports).map(|i| (format!("{}.{}", i.module, i.name), i.standing)).collect();
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
        let only = |x: &BTreeMap<String, String>, y: &BTreeMap<String, String>| x.iter().filter(|(n, _)| !y.contains_key(*n)).map(|(n, v)| (n.clone(), v.clone())).take(EACH).collect::<Vec<_>>();
        for (name, b) in only(&before, &after) {
            d.value("tensor", News::Neutral, path, &name, &b, "");
        }
        for (name, a) in only(&after, &before) {
            d.value("tensor", News::Neutral, path, &name, "", &a);
        }
    }
    let pairs = |f: &FileReport| f.metadata.iter().map(|m| (m.key.clone(), m.value.clone())).collect::<BTreeMap<_, _>>();
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
    let mut d = Draft { words, changes: Vec::new(), new: Vec::new(), gaps: false };
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
    d.changes.sort_by_key(|c| std::cmp::Reverse(c.news));
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
