//! Golden cases found by walking `corpus/cases`, and files of real libraries that must be clear.

#[path = "corpus/recipe.rs"]
mod recipe;

use recipe::{Case, cases, corpus, opcode, real};
use std::collections::BTreeSet;
use std::path::Path;
use weighstation::report::{FileReport, Finding, Severity};
use weighstation::{Digest, Lang, Report, Verdict, conclude, scan, tables};

fn report(case: &Case) -> Report {
    let link = case.words("link").map(|w| w.join(" "));
    let whole = |f: &recipe::Built| {
        let mut digest = Digest::new();
        digest.update(&f.bytes);
        let scanned = link.as_ref().map_or_else(|| scan(&f.bytes, &f.path, Lang::En), |to| weighstation::scan_link(&f.bytes, &f.path, to, Lang::En));
        FileReport { sha256: Some(digest.finish()), ..scanned }
    };
    conclude(case.files.iter().map(whole).collect(), Lang::En)
}

fn findings(report: &Report) -> impl Iterator<Item = &Finding> {
    report.files.iter().flat_map(|f| &f.findings).chain(&report.findings)
}

fn ids<'a>(findings: impl Iterator<Item = &'a Finding>, wanted: fn(Severity) -> bool) -> BTreeSet<String> {
    findings.filter(|f| wanted(f.severity)).map(|f| f.rule.clone()).collect()
}

fn differences(case: &Case) -> Vec<String> {
    let report = report(case);
    let mut wrong = Vec::new();
    let mut same = |what: &str, found: Vec<String>, wanted: Vec<String>| {
        if found != wanted {
            wrong.push(format!("{}: {what} {found:?}, expected {wanted:?}", case.id));
        }
    };
    let sorted = |list: Vec<String>| list.into_iter().collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>();
    let loud = ids(findings(&report), |s| s >= Severity::Medium);
    let quiet = ids(findings(&report), |s| s < Severity::Medium);
    same("verdict", vec![report.verdict.word().into()], case.list("verdict"));
    same("rules", loud.iter().cloned().collect(), sorted(case.list("rules")));
    same("low", quiet.iter().cloned().collect(), sorted(case.list("low")));
    same("near", case.list("near").into_iter().filter(|r| loud.contains(r) || quiet.contains(r)).collect(), Vec::new());
    let gaps = report.files.iter().flat_map(|f| f.gaps.iter().map(|g| g.reason.clone())).collect();
    same("gaps", sorted(gaps), sorted(case.list("gaps")));
    if let Some(imports) = case.words("imports") {
        let found = report.files.iter().flat_map(|f| f.imports.iter().map(|i| format!("{}.{}", i.module, i.name))).collect();
        same("imports", found, imports);
    }
    if let Some(formats) = case.words("formats") {
        same("formats", report.files.iter().flat_map(|f| f.formats.clone()).collect(), formats);
    }
    wrong
}

#[test]
fn every_case_is_as_its_recipe_says() {
    let all = cases();
    assert!(all.len() > 100, "only {} cases were found", all.len());
    let wrong: Vec<String> = all.iter().flat_map(differences).collect();
    assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn every_rule_has_a_case_that_fires_it_and_a_near_miss() {
    let all = cases();
    let known: BTreeSet<String> = tables(Lang::En).rules.iter().map(|r| r.id.to_string()).collect();
    let fired: BTreeSet<String> = all.iter().flat_map(|c| [c.list("rules"), c.list("low")].concat()).collect();
    let missed: BTreeSet<String> = all.iter().flat_map(|c| c.list("near")).collect();
    let without = |some: &BTreeSet<String>| known.difference(some).cloned().collect::<Vec<_>>();
    assert_eq!((without(&fired), without(&missed)), (vec![], vec![]), "rules without a case, rules without a near miss");
    let unknown: Vec<&String> = fired.union(&missed).filter(|id| !known.contains(*id)).collect();
    assert!(unknown.is_empty(), "cases name rules that are not there: {unknown:?}");
}

#[test]
fn every_opcode_stands_in_a_case() {
    let text: String = recipe::files_below(&corpus().join("cases")).iter().map(|p| std::fs::read_to_string(p).expect("a recipe")).collect();
    let words: BTreeSet<&str> = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).collect();
    // FRAME is written by its block, which knows the length.
    let absent: Vec<&str> = weighstation::format::pickle::opcode::OPCODES.iter().map(|o| o.name).filter(|n| !words.contains(n) && *n != "FRAME").collect();
    assert!(absent.is_empty() && words.contains("frame"), "no case has {absent:?}");
    assert!(opcode("STOP").is_some());
}

#[test]
fn every_format_is_the_first_of_a_case_or_real_file() {
    let scanned = cases().into_iter().flat_map(|c| c.files).chain(real());
    let found: BTreeSet<String> = scanned.flat_map(|f| scan(&f.bytes, &f.path, Lang::En).formats).collect();
    let absent: Vec<&str> = tables(Lang::En).formats.iter().map(|f| f.id).filter(|id| !found.contains(*id)).collect();
    assert!(absent.is_empty(), "no file is of {absent:?}");
}

#[test]
fn what_real_libraries_wrote_is_clear() {
    let files = real();
    assert!(files.len() >= 20, "only {} real files", files.len());
    assert!(files.len() <= 60 && files.iter().map(|f| f.bytes.len()).sum::<usize>() < 300_000, "the corpus is meant to stay small");
    for file in files {
        let report = scan(&file.bytes, &file.path, Lang::En);
        let why = || (report.findings.iter().map(|f| &f.message).collect::<Vec<_>>(), report.gaps.iter().map(|g| &g.message).collect::<Vec<_>>());
        assert_eq!(report.verdict, Verdict::Clear, "{}: {:?}", file.path, why());
        let (folder, _) = file.path.split_once('/').expect("a folder for each library");
        let family: &[&str] = match folder {
            "numpy" => &["npy", "npz"],
            "torch" => &["torch", "torch-legacy"],
            "sklearn" | "pickle" => &["pickle"],
            "keras" => &["keras", "keras-config", "hdf5"],
            other => &[other],
        };
        assert!(report.formats.iter().all(|f| family.contains(&f.as_str())) && !report.formats.is_empty(), "{} is {:?}", file.path, report.formats);
        if matches!(folder, "torch" | "safetensors" | "gguf" | "hdf5") {
            assert!(report.tensors.count > 0, "{} has no tensors", file.path);
        }
    }
}

/// Every place that a finding names lies inside of the file, and every text that came out of the file can be shown.
#[test]
fn places_lie_inside_and_texts_are_printable() {
    for case in cases() {
        for (built, file) in case.files.iter().zip(report(&case).files) {
            for place in file.findings.iter().flat_map(|f| &f.places) {
                if let Some(at) = place.file_offset {
                    assert!(at.saturating_add(place.length) <= built.bytes.len() as u64 + 1, "{}: {place:?} of {}", case.id, built.bytes.len());
                }
            }
            for text in texts(&file) {
                assert!(!text.chars().any(weighstation::text::is_hidden), "{}: {text:?}", case.id);
            }
        }
    }
}

fn texts(file: &FileReport) -> Vec<String> {
    let findings = file.findings.iter().flat_map(|f| f.args.values().cloned().chain([f.message.clone()]));
    let gaps = file.gaps.iter().flat_map(|g| [g.member.clone(), g.message.clone()]);
    let imports = file.imports.iter().flat_map(|i| [i.module.clone(), i.name.clone()]);
    let metadata = file.metadata.iter().flat_map(|m| [m.key.clone(), m.value.clone()]);
    let mut out: Vec<String> = findings.chain(gaps).chain(imports).chain(metadata).chain([file.path.clone(), file.headline.clone()]).collect();
    let mut open = vec![&file.outline];
    while let Some(node) = open.pop() {
        out.push(node.label.clone());
        out.extend(node.note.clone());
        open.extend(&node.children);
    }
    out
}

/// The comparison of native and wasm needs files: they are built here, where the recipes are understood.
#[test]
fn cases_are_built_for_the_comparison_with_wasm() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/cases");
    let _ = std::fs::remove_dir_all(&folder);
    let mut count = 0;
    for case in cases() {
        for file in &case.files {
            let path = folder.join(&case.id).join(&file.path);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder below target");
            std::fs::write(&path, &file.bytes).expect("a file below target");
            count += 1;
        }
    }
    assert_eq!(recipe::files_below(&folder).len(), count, "two cases were written to one path");
}
