//! The golden cases in Japanese: every sentence is filled, is Japanese, and says our own remarks in Japanese, too.

#[path = "corpus/recipe.rs"]
#[allow(dead_code, reason = "the expectations of the cases are checked elsewhere")]
mod recipe;

use recipe::{Case, cases, real};
use std::collections::BTreeSet;
use weighstation::licence::guide::{Guidance, guide};
use weighstation::licence::print;
use weighstation::report::{Finding, Node, Report};
use weighstation::{Lang, conclude, scan};

fn report(case: &Case, lang: Lang) -> Report {
    conclude(case.files.iter().map(|f| scan(&f.bytes, &f.path, lang)).collect(), lang)
}

fn findings(report: &Report) -> impl Iterator<Item = &Finding> {
    report.files.iter().flat_map(|f| &f.findings).chain(&report.findings)
}

fn japanese(text: &str) -> bool {
    text.chars().any(|c| matches!(c, '\u{3040}'..='\u{30ff}' | '\u{4e00}'..='\u{9fff}'))
}

/// Braces that were to be filled: of a name that arguments have.
fn unfilled(text: &str) -> Option<&str> {
    const NAMES: &[&str] = &[
        "file", "call", "member", "detail", "what", "kind", "name", "text", "target", "language", "when", "where", "gap", "operator", "given", "bytes",
        "licence",
    ];
    text.split('{').skip(1).filter_map(|t| t.split('}').next()).find(|name| NAMES.contains(name))
}

/// Whether two English words stand side by side, as in a remark and never in an id.
fn english(text: &str) -> bool {
    let words: Vec<&str> = text.split(' ').collect();
    words.windows(2).any(|w| w.iter().all(|w| w.len() > 1 && w.chars().all(|c| c.is_ascii_lowercase())))
}

fn notes(node: &Node, out: &mut Vec<String>) {
    out.extend(node.note.clone());
    node.children.iter().for_each(|n| notes(n, out));
}

/// Arguments that hold ids and remarks of ours.
const OURS: &[&str] = &["detail", "kind", "language", "names", "what", "when", "why"];

#[test]
fn every_case_is_told_in_japanese() {
    let mut wrong = BTreeSet::new();
    for case in cases() {
        let (en, ja) = (report(&case, Lang::En), report(&case, Lang::Ja));
        assert_eq!(en.verdict, ja.verdict, "{}", case.id);
        assert_eq!(
            findings(&en).map(|f| (&f.rule, &f.args, f.count)).collect::<Vec<_>>(),
            findings(&ja).map(|f| (&f.rule, &f.args, f.count)).collect::<Vec<_>>(),
            "{}",
            case.id
        );
        let mut said: Vec<&String> = findings(&ja).flat_map(|f| [&f.title, &f.message, &f.why, &f.fix]).collect();
        said.extend(ja.files.iter().flat_map(|f| f.gaps.iter().map(|g| &g.message).chain(&f.advice).chain([&f.headline])));
        for text in said {
            if !japanese(text) || unfilled(text).is_some() || text.contains("「」") {
                wrong.insert(format!("{}: {text}", case.id));
            }
        }
        for (one, other, lang) in [(&en, &ja, Lang::En), (&ja, &en, Lang::Ja)] {
            let again = conclude(other.files.clone(), lang);
            assert!(again == *one, "{}: told again in {} it is another report:\n{again:#?}\n{one:#?}", case.id, lang.tag());
        }
        for (a, b) in findings(&en).zip(findings(&ja)) {
            for (key, value) in a.args.iter().filter(|(k, v)| OURS.contains(&k.as_str()) && english(v)) {
                if b.message.contains(value.as_str()) {
                    wrong.insert(format!("{} {key}: {}", a.rule, b.message));
                }
            }
        }
        // What a format calls its layouts, types and filters stands behind a shape.
        for file in &ja.files {
            let mut said = Vec::new();
            notes(&file.outline, &mut said);
            wrong.extend(
                said.into_iter().filter(|n| english(n) && !n.contains('[') && n.chars().any(|c| c.is_ascii_digit())).map(|n| format!("{} note: {n}", case.id)),
            );
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.into_iter().collect::<Vec<_>>().join("\n"));
}

#[test]
fn files_of_real_libraries_are_told_in_japanese() {
    for file in real() {
        let report = scan(&file.bytes, &file.path, Lang::Ja);
        assert!(report.advice.iter().chain([&report.headline]).all(|t| japanese(t) && unfilled(t).is_none()), "{}: {}", file.path, report.headline);
    }
}

#[test]
fn licence_guidance_is_told_in_japanese() {
    let mut told = 0;
    for case in cases() {
        let parts = report(&case, Lang::Ja).licence.parts;
        if parts.is_empty() {
            continue;
        }
        let of = |lang| -> Guidance { guide(&parts, &Default::default(), lang) };
        let (en, ja) = (of(Lang::En), of(Lang::Ja));
        assert_eq!(en.level, ja.level, "{}", case.id);
        let lines = [&ja.clashes, &ja.ask, &ja.must, &ja.must_not, &ja.may, &ja.watch, &ja.act];
        let said =
            lines.into_iter().flatten().flat_map(|l| [&l.text, &l.resolve]).chain(ja.questions.iter().map(|q| &q.text)).chain([&ja.headline, &ja.disclaimer]);
        for text in said.filter(|t| !t.is_empty()) {
            told += 1;
            assert!(japanese(text) && unfilled(text).is_none(), "{}: {text}", case.id);
        }
        for text in [print::text(&ja, Lang::Ja), print::markdown(&ja, Lang::Ja), print::csv(&ja, Lang::Ja)] {
            assert!(japanese(&text) && unfilled(&text).is_none(), "{}: {text}", case.id);
        }
    }
    assert!(told > 100, "only {told} sentences");
}

/// For whoever writes the sentences: `SHOW=1 cargo test japanese -- --nocapture` prints one of each kind.
#[test]
fn sentences_can_be_read() {
    let mut seen = BTreeSet::new();
    for case in cases() {
        for f in findings(&report(&case, Lang::Ja)) {
            if seen.insert(f.rule.clone()) && std::env::var_os("SHOW").is_some() {
                println!("{} {}\n  {}\n  {}\n  {}", f.rule, f.title, f.message, f.why, f.fix);
            }
        }
    }
    assert!(seen.len() > 100, "only {} rules", seen.len());
}
