//! Rules judge facts. One row a rule; the sentences are in [`crate::speech`], by rule id and language.

mod archive;
pub mod code;
mod graph;
mod integrity;
mod known;
mod layer;
mod licence;
mod operators;
mod other;
mod setting;
mod source;

use crate::fact::{Fact, Use};
use crate::limits::Limits;
use crate::place::Place;
use crate::report::{FileReport, Finding, Report, SCHEMA, Severity, Standing, Tool};
use crate::speech::{self, Lang};
use crate::verdict::Verdict;
use serde::Serialize;
use std::collections::HashMap;

/// What a sentence is filled with.
pub type Args = Vec<(&'static str, String)>;

/// What a rule looks at.
pub enum Check {
    /// One fact.
    Fact(fn(&Fact) -> Option<Args>),
    /// A file and one beside it that holds part of it, with how many bytes of that are needed.
    Pair(fn(&FileReport, &FileReport, u64) -> Option<Args>),
    /// All files together: called once for each file, with every file that was given.
    Set(fn(&FileReport, &[FileReport]) -> Vec<Args>),
    /// What the files say about licences, compared over folders: an issue with this code.
    Licence(&'static str),
    /// Digests that one of the files lists, held against the others.
    Listed(fn(&[FileReport]) -> Vec<(usize, Args)>),
}

/// One row of [`RULES`].
pub struct Rule {
    /// Stable id.
    pub id: &'static str,
    /// Stable name: says what is wrong.
    pub name: &'static str,
    /// Weight.
    pub severity: Severity,
    /// Weakness and vulnerability ids, advisories, articles.
    pub refs: &'static [&'static str],
    /// The check.
    pub check: Check,
}

/// Every rule, by id.
pub static RULES: &[&[Rule]] =
    &[code::RULES, archive::RULES, other::RULES, graph::RULES, layer::RULES, setting::RULES, source::RULES, licence::RULES, other::WHOLE];

/// All rows in order.
pub fn all() -> impl Iterator<Item = &'static Rule> {
    RULES.iter().flat_map(|family| family.iter())
}

/// The standing of an import, for the report's list.
pub fn standing_word(module: &str, name: &str, usage: Use) -> Standing {
    code::standing_word(module, name, usage)
}

/// Findings that each severity has room for beyond what the lighter ones may fill: thousands that only inform crowd no heavy one out.
const HEAVIER: usize = 1000;

struct Draft {
    rule: &'static Rule,
    args: Args,
    count: u64,
    places: Vec<Place>,
}

/// Hears facts and keeps what the rules make of them, folded by rule and arguments.
#[derive(Default)]
pub struct Judge {
    drafts: Vec<Draft>,
    index: HashMap<(&'static str, String), usize>,
}

impl Judge {
    /// Judges one fact.
    pub fn hear(&mut self, fact: &Fact, place: Place, limits: &Limits) {
        for rule in all() {
            let Check::Fact(check) = rule.check else { continue };
            let Some(args) = check(fact) else { continue };
            let key = args.iter().map(|(_, v)| v.as_str()).collect::<Vec<_>>().join("\n");
            match self.index.get(&(rule.id, key.clone())) {
                Some(n) => {
                    if let Some(draft) = self.drafts.get_mut(*n) {
                        draft.count += 1;
                        if draft.places.len() < limits.places && draft.places.last() != Some(&place) {
                            draft.places.push(place.clone());
                        }
                    }
                }
                None if self.drafts.len() < limits.facts + HEAVIER * rule.severity as usize => {
                    self.index.insert((rule.id, key), self.drafts.len());
                    self.drafts.push(Draft { rule, args, count: 1, places: vec![place.clone()] });
                }
                None => {}
            }
        }
    }

    /// The findings, heaviest first, otherwise in the order of the file.
    pub fn findings(self, lang: Lang, path: &str, limits: &Limits) -> Vec<Finding> {
        let mut out: Vec<Finding> = outermost(self.drafts, limits).into_iter().map(|d| finding(d.rule, d.args, d.count, d.places, lang, path)).collect();
        crate::order::sort_by_key(&mut out, |f| std::cmp::Reverse((f.severity, shows_call(f))));
        out
    }
}

/// Of more calls than this nobody reads every one, and each is held against all others.
const FOLDED: usize = 128;

/// A call that stands in the expression of another one, which the same rule found, is told with it: `eval(compile(…))` is one thing that happens. Its places stay.
fn outermost(mut drafts: Vec<Draft>, limits: &Limits) -> Vec<Draft> {
    let call = |d: &Draft| d.args.iter().find(|(name, _)| *name == "call").map(|(_, text)| text.clone());
    let calls: Vec<(usize, &str, String)> = drafts.iter().enumerate().filter_map(|(n, d)| Some((n, d.rule.id, call(d)?))).take(FOLDED).collect();
    let mut inner: Vec<usize> = Vec::new();
    for (n, rule, text) in calls.iter().filter(|(.., text)| text.ends_with(')')) {
        let around = calls.iter().filter(|(_, of, all)| of == rule && all.len() > text.len() && all.contains(text)).max_by_key(|(.., all)| all.len());
        let Some((to, ..)) = around else { continue };
        let Some(Draft { count, places, .. }) = drafts.get(*n) else { continue };
        let (count, places) = (*count, places.clone());
        if let Some(all) = drafts.get_mut(*to) {
            all.count += count;
            all.places.extend(places.into_iter().take(limits.places.saturating_sub(all.places.len())));
        }
        inner.push(*n);
    }
    drafts.into_iter().enumerate().filter(|(n, _)| inner.binary_search(n).is_err()).map(|(_, d)| d).collect()
}

/// Of findings of one weight the one that shows a call says most.
fn shows_call(f: &Finding) -> bool {
    f.args.contains_key("call")
}

fn finding(rule: &'static Rule, args: Args, count: u64, places: Vec<Place>, lang: Lang, path: &str) -> Finding {
    let args = crate::order::map(args.into_iter().map(|(k, v)| (k.to_string(), crate::text::printable(&v, 400))));
    let words = speech::finding(lang, rule.id, &args);
    Finding {
        rule: rule.id.into(),
        name: rule.name.into(),
        severity: rule.severity,
        message: speech::fill(lang, words.message, path, &args),
        title: words.title.into(),
        why: words.why.into(),
        fix: words.fix.into(),
        refs: rule.refs.iter().map(|r| r.to_string()).collect(),
        args,
        count,
        places,
        path: String::new(),
    }
}

/// A finding about one of several files.
fn finding_about(rule: &'static Rule, args: Args, places: Vec<Place>, lang: Lang, path: &str) -> Finding {
    Finding { path: path.to_string(), ..finding(rule, args, 1, places, lang, path) }
}

/// Bytes that may stand behind the last one that is needed: files of tensors are padded to pages.
const PADDING: u64 = 1 << 20;

/// Whether a report cannot be finished before the others are known: bytes without any form may be what another file needs, and code beside
/// the file may be what makes it dangerous.
pub fn waits(report: &FileReport) -> bool {
    formless(report) || packed(report) || !report.code.is_empty()
}

/// Bytes without a form behind a compression, in which nothing else was found than that they end behind their checksum.
fn packed(report: &FileReport) -> bool {
    matches!(report.formats.as_slice(), [] | [_])
        && !report.gaps.is_empty()
        && report.gaps.iter().all(|g| matches!(g.reason.as_str(), "unknown-format" | "damaged-member" | "malformed"))
        && report.findings.iter().all(|f| matches!(f.rule.as_str(), "WS304" | "WS902"))
        && report.formats.iter().all(|f| matches!(f.as_str(), "zstd" | "gzip" | "zlib" | "bzip2" | "xz" | "lzma" | "lz4"))
}

fn formless(report: &FileReport) -> bool {
    nought(report) || report.formats.is_empty() && matches!(report.gaps.as_slice(), [gap] if gap.reason == "unknown-format" && gap.member.is_empty())
}

/// Eight zero bytes: a safetensors file whose header has no length, or the counter of a checkpoint.
fn nought(report: &FileReport) -> bool {
    report.size == 8 && matches!(report.formats.as_slice(), [f] if f == "safetensors")
}

/// Gives the bytes that have no form of their own to the file that says what they are, and judges the two together.
fn pair(files: &mut [FileReport], lang: Lang) -> Vec<Finding> {
    let index: HashMap<String, usize> = files.iter().enumerate().map(|(n, f)| (f.path.clone(), n)).collect();
    let mut named: Vec<(usize, usize, u64, bool)> = Vec::new();
    for (n, file) in files.iter().enumerate() {
        let folder = file.path.rsplit_once('/').map_or(String::new(), |(f, _)| format!("{f}/"));
        named.extend(file.external.iter().filter_map(|e| Some((n, *index.get(&format!("{folder}{}", e.path))?, e.needed, e.chunk))));
    }
    // OCDBT keeps values of arrays in files of their own below `d`, named by a random number, beside its manifest.
    let below = |path: &str| {
        let (folder, name) = path.rsplit_once('/')?;
        let base = folder.strip_suffix("/d")?;
        (name.len() == 32 && name.bytes().all(|b| b.is_ascii_hexdigit())).then(|| format!("{base}/manifest.ocdbt"))
    };
    for (to, file) in files.iter().enumerate().filter(|(_, f)| formless(f) || packed(f)) {
        let manifest = below(&file.path).and_then(|m| index.get(&m).copied()).filter(|m| files.get(*m).is_some_and(|f| f.formats.iter().any(|f| f == "ocdbt")));
        named.extend(manifest.map(|m| (m, to, file.size, true)));
    }
    let mut findings = Vec::new();
    for (from, to, needed, chunk) in named {
        let (Some(file), Some(other)) = (files.get(from), files.get(to)) else { continue };
        for rule in all() {
            let Check::Pair(check) = rule.check else { continue };
            findings.extend(check(file, other, needed).filter(|_| !chunk).map(|args| finding_about(rule, args, Vec::new(), lang, &file.path)));
        }
        let told = needed > 0 && other.size <= needed.saturating_add(PADDING);
        if let Some(other) = files.get_mut(to).filter(|f| told && (formless(f) || chunk && packed(f))) {
            other.gaps.clear();
            if nought(other) {
                other.formats.clear();
                other.findings.clear();
            } else if chunk {
                other.findings.clear();
            }
            other.outline.kind = "data".into();
            weigh(other, lang);
        }
    }
    findings
}

/// Adds up a file's verdict and says it.
fn weigh(file: &mut FileReport, lang: Lang) {
    file.verdict = Verdict::of(&file.findings, &file.gaps);
    file.headline = speech::headline(lang, file.verdict, &file.path, file.findings.first(), file.gaps.first(), file.size);
    file.advice = speech::advice(lang, file.verdict, &file.findings, &file.gaps);
}

/// Says a finding about the file at `path` anew from what its sentence was filled with; one of a rule that is not known here stays as it came.
fn tell(f: &mut Finding, path: &str, lang: Lang) {
    let Some(rule) = all().find(|r| r.id == f.rule) else { return };
    let words = speech::finding(lang, rule.id, &f.args);
    f.message = speech::fill(lang, words.message, path, &f.args);
    (f.title, f.why, f.fix) = (words.title.into(), words.why.into(), words.fix.into());
}

/// Says a file's report in a language.
fn tell_file(file: &mut FileReport, lang: Lang) {
    for f in &mut file.findings {
        tell(f, &file.path, lang);
    }
    for g in &mut file.gaps {
        let told = speech::gap(lang, &g.reason, &g.member);
        // A reason that is not known here has only the sentence that the report brought.
        if told != g.reason {
            g.message = told;
        }
    }
    weigh(file, lang);
    let root = std::mem::take(&mut file.outline.label);
    let mut open = vec![&mut file.outline];
    while let Some(node) = open.pop() {
        node.label = speech::part(lang, &node.label);
        node.note = node.note.as_deref().map(|n| speech::note(lang, n));
        open.extend(&mut node.children);
    }
    // The file itself is called as it is.
    file.outline.label = root;
}

/// Says a report in a language and under the paths that it has now: every sentence of a rule or gap that is known here is made anew from what it was filled with.
pub fn retell(report: &mut Report, lang: Lang) {
    for file in &mut report.files {
        tell_file(file, lang);
    }
    for f in &mut report.findings {
        let path = f.path.clone();
        tell(f, &path, lang);
    }
    report.files = advise(std::mem::take(&mut report.files), lang);
    let worst = report.files.iter().map(|f| f.verdict).max().unwrap_or(Verdict::Clear);
    report.verdict = worst.max(Verdict::of(&report.findings, &[]));
}

/// Judges the files together and adds up the verdict.
///
/// The files may come out of an earlier conclusion, and may have been told in another language: they are judged and told as if they did not.
pub fn conclude(mut files: Vec<FileReport>, lang: Lang) -> Report {
    for file in &mut files {
        tell_file(file, lang);
    }
    let mut findings = pair(&mut files, lang);
    let mut about: Vec<(usize, Finding)> = Vec::new();
    for rule in all() {
        let Check::Set(check) = rule.check else { continue };
        for (n, file) in files.iter().enumerate() {
            for args in check(file, &files) {
                let f = finding_about(rule, args, Vec::new(), lang, &file.path);
                if f.severity >= Severity::Medium {
                    about.push((n, f.clone()));
                }
                findings.push(f);
            }
        }
    }
    for rule in all() {
        let Check::Listed(check) = rule.check else { continue };
        for (n, args) in check(&files) {
            let Some(file) = files.get(n) else { continue };
            let f = finding_about(rule, args, Vec::new(), lang, &file.path);
            if f.severity >= Severity::Medium {
                about.push((n, f.clone()));
            }
            findings.push(f);
        }
    }
    // What the folder shows about a file weighs on that file as well.
    for (n, f) in about {
        let Some(file) = files.get_mut(n).filter(|file| !file.findings.contains(&f)) else { continue };
        file.findings.push(f);
        crate::order::sort_by_key(&mut file.findings, |f| std::cmp::Reverse((f.severity, shows_call(f))));
        weigh(file, lang);
    }
    let (licence, issues) = crate::licence::folder::judge(&files);
    for rule in all() {
        let Check::Licence(code) = rule.check else { continue };
        for i in issues.iter().filter(|i| i.code == code) {
            findings.push(finding_about(rule, i.args.clone(), vec![i.place.clone()], lang, &i.path));
        }
    }
    let worst = files.iter().map(|f| f.verdict).max().unwrap_or(Verdict::Clear);
    let verdict = worst.max(Verdict::of(&findings, &[]));
    let files = advise(files, lang);
    Report { schema: SCHEMA.into(), tool: tool(), verdict, files, findings, licence }
}

/// Names a sibling that is better: the same weights in a format that cannot run code, with nothing found.
fn advise(mut files: Vec<FileReport>, lang: Lang) -> Vec<FileReport> {
    let folder = |p: &str| p.rsplit_once('/').map_or(String::new(), |(f, _)| f.to_string());
    let better: Vec<(String, String)> = files
        .iter()
        .filter(|f| f.verdict == Verdict::Clear && f.tensors.count > 0 && f.formats.iter().any(|x| x == "safetensors"))
        .map(|f| (folder(&f.path), f.path.clone()))
        .collect();
    for f in files.iter_mut().filter(|f| f.verdict >= Verdict::Suspicious) {
        let home = folder(&f.path);
        if let Some((_, path)) = better.iter().find(|(at, _)| *at == home) {
            f.advice.insert(1.min(f.advice.len()), speech::better(lang, path));
            f.advice.truncate(3);
        }
    }
    files
}

/// Program, version, and a version of the rules that changes when a rule does.
pub fn tool() -> Tool {
    let mut d = crate::digest::Digest::new();
    for r in all() {
        d.update(r.id.as_bytes());
        d.update(r.name.as_bytes());
        d.update(&[r.severity as u8]);
    }
    let rules = d.finish().get(..12).unwrap_or_default().to_string();
    Tool { name: "weighstation".into(), version: env!("CARGO_PKG_VERSION").into(), rules }
}

/// A rule with its words.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct RuleRow {
    /// Id.
    pub id: &'static str,
    /// Name.
    pub name: &'static str,
    /// Weight.
    pub severity: Severity,
    /// Title.
    pub title: &'static str,
    /// Why it matters.
    pub why: &'static str,
    /// What to do.
    pub fix: &'static str,
    /// References.
    pub refs: &'static [&'static str],
}

/// A format as a list shows it.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct FormatRow {
    /// Id.
    pub id: &'static str,
    /// Name.
    pub name: &'static str,
    /// Endings.
    pub extensions: &'static [&'static str],
}

/// The tables that page, command line and README print.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Tables {
    /// Rules.
    pub rules: Vec<RuleRow>,
    /// Formats.
    pub formats: Vec<FormatRow>,
}

/// The tables in a language.
pub fn tables(lang: Lang) -> Tables {
    let rules = all()
        .map(|r| {
            let w = speech::rule(lang, r.id);
            RuleRow { id: r.id, name: r.name, severity: r.severity, title: w.title, why: w.why, fix: w.fix, refs: r.refs }
        })
        .collect();
    let formats = crate::format::FORMATS.iter().map(|f| FormatRow { id: f.id, name: speech::format(lang, f.name), extensions: f.extensions }).collect();
    Tables { rules, formats }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_inside_of_another_is_told_with_it() {
        let rules: Vec<&'static Rule> = all().take(2).collect();
        let place = |offset| Place { offset, ..Place::default() };
        let draft = |rule: usize, call: &str, at| Draft { rule: rules[rule], args: vec![("call", call.to_string())], count: 1, places: vec![place(at)] };
        let drafts = vec![draft(0, "a()", 1), draft(0, "b(a())", 2), draft(0, "c(b(a()), …)", 3), draft(1, "a()", 4), draft(0, "d", 5), draft(0, "e(d)", 6)];
        let told: Vec<(String, u64, Vec<u64>)> =
            outermost(drafts, &Limits::default()).into_iter().map(|d| (d.args[0].1.clone(), d.count, d.places.iter().map(|p| p.offset).collect())).collect();
        let told: Vec<(&str, u64, &[u64])> = told.iter().map(|(call, count, at)| (call.as_str(), *count, at.as_slice())).collect();
        // Another rule says something else, and a bare name is not a call.
        assert_eq!(told, [("c(b(a()), …)", 3, &[3, 1, 2][..]), ("a()", 1, &[4]), ("d", 1, &[5]), ("e(d)", 1, &[6])]);
    }

    #[test]
    fn what_only_informs_crowds_out_nothing() {
        let limits = Limits { facts: 3, ..Limits::default() };
        let mut judge = Judge::default();
        for n in 0..9 {
            let light = Fact::Script { language: "python", what: "fetch", when: crate::fact::When::Import, call: format!("get({n})") };
            judge.hear(&light, Place::default(), &limits);
        }
        judge.hear(&Fact::EvaluatedText { call: "X(…)".into() }, Place::default(), &limits);
        let told: Vec<(String, Severity)> = judge.findings(Lang::En, "f", &limits).into_iter().map(|f| (f.rule, f.severity)).collect();
        assert_eq!(told.len(), 4, "{told:?}");
        assert_eq!(told[0], ("WS132".to_string(), Severity::Critical));
        assert!(told[1..].iter().all(|(_, severity)| *severity == Severity::Info), "{told:?}");
    }

    #[test]
    fn every_rule_has_an_id_a_name_references_and_words() {
        let mut last = "";
        let mut names = std::collections::HashSet::new();
        for r in all() {
            assert!(r.id > last, "{} is out of order", r.id);
            last = r.id;
            assert!(names.insert(r.name), "{} twice", r.name);
            assert!(!r.refs.is_empty(), "{} cites nothing", r.id);
            let w = speech::rule(Lang::En, r.id);
            assert!(!w.title.is_empty() && w.message.len() > 20 && w.why.len() > 40 && w.fix.len() > 10, "{}", r.id);
        }
    }
}
