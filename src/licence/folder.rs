//! What a set of files says together: which parts there are, under which licence each is, and where they contradict each other.

use super::catalogue::{Licence, by_id};
use super::compat::{Part, Relation, extra_limits, label_drops};
use super::evidence::{Kind, Statement};
use super::name;
use crate::place::Place;
use crate::report::{FileReport, Licence as Report};
use std::collections::{BTreeMap, BTreeSet};

/// Statements that are kept over all files.
const MANY: usize = 2000;

/// Folders that are told apart.
const FOLDERS: usize = 500;

/// Something that a person has to look at.
#[derive(Clone, Debug)]
pub struct Issue {
    /// What, as a code; a rule stands behind each.
    pub code: &'static str,
    /// The file that shows it.
    pub path: String,
    /// What fills the sentence.
    pub args: Vec<(&'static str, String)>,
    /// Where in that file.
    pub place: Place,
}

impl Issue {
    fn new(code: &'static str, s: &Statement, args: Vec<(&'static str, String)>) -> Issue {
        Issue { code, path: s.file.clone(), args, place: s.place.clone() }
    }
}

/// One folder's statements.
#[derive(Default)]
struct Folder<'a> {
    statements: Vec<&'a Statement>,
    weights: bool,
    card: Option<&'a str>,
}

fn folder_of(path: &str) -> &str {
    let home = path.rsplit_once('/').map_or("", |(f, _)| f);
    // Texts kept aside and metadata of a package speak for the folder above.
    let name = home.rsplit('/').next().unwrap_or(home);
    if name.eq_ignore_ascii_case("licenses") || name.ends_with(".dist-info") || name.ends_with(".egg-info") {
        return home.rsplit_once('/').map_or("", |(f, _)| f);
    }
    home
}

/// Judges all files together.
pub fn judge(files: &[FileReport]) -> (Report, Vec<Issue>) {
    let mut folders: BTreeMap<&str, Folder<'_>> = BTreeMap::new();
    for f in files {
        let at = folder_of(&f.path);
        if folders.len() >= FOLDERS && !folders.contains_key(at) {
            continue;
        }
        let folder = folders.entry(at).or_default();
        folder.weights |= f.tensors.count > 0
            || f.formats.iter().any(|x| {
                matches!(
                    x.as_str(),
                    "gguf" | "safetensors" | "torch" | "torch-legacy" | "onnx" | "keras" | "hdf5" | "tflite" | "coreml" | "openvino" | "saved-model"
                )
            });
        let name = f.path.rsplit('/').next().unwrap_or(&f.path).to_ascii_lowercase();
        // What begins with fields is a card, whatever they say.
        let card = f.path.to_ascii_lowercase().ends_with("readme.md")
            && (f.formats.iter().any(|format| format == "yaml") || f.licence.statements.iter().any(|s| !s.key.is_empty()))
            || name == "model_card.md";
        if card && folder.card.is_none() {
            folder.card = Some(&f.path);
        }
        folder.statements.extend(&f.licence.statements);
    }
    let mut out = Report::default();
    for f in files {
        for d in &f.licence.declared {
            if !out.declared.contains(d) && out.declared.len() < MANY {
                out.declared.push(d.clone());
            }
        }
        for d in &f.licence.found {
            if !out.found.contains(d) && out.found.len() < MANY {
                out.found.push(d.clone());
            }
        }
        out.statements.extend(f.licence.statements.iter().take(MANY.saturating_sub(out.statements.len())).cloned());
    }
    let mut issues = Vec::new();
    let names = crate::order::set(folders.keys().filter_map(|k| k.rsplit('/').next()).filter(|n| !n.is_empty()).map(str::to_ascii_lowercase));
    let alone = folders.len() == 1;
    for (path, folder) in &folders {
        if folder.statements.is_empty() && !folder.weights && folder.card.is_none() {
            continue;
        }
        // Weights in a folder below a model's own are that model's.
        let below = folders.keys().any(|up| {
            up.len() < path.len() && (up.is_empty() || path.starts_with(&format!("{up}/"))) && folders.get(up).is_some_and(|u| !u.statements.is_empty())
        });
        if folder.statements.is_empty() && below && !alone {
            continue;
        }
        part_of(path, folder, &names, &mut out.parts, &mut issues);
    }
    (out, issues)
}

/// A set of licences with the statement that leads.
struct Claim<'a> {
    statement: &'a Statement,
    rows: Vec<&'static Licence>,
}

fn rows_of(s: &Statement) -> Vec<&'static Licence> {
    s.licences.iter().filter_map(|id| by_id(id)).collect()
}

fn claims<'a>(folder: &Folder<'a>, wanted: impl Fn(&Statement) -> bool) -> Vec<Claim<'a>> {
    folder.statements.iter().filter(|s| wanted(s)).map(|s| Claim { statement: s, rows: rows_of(s) }).collect()
}

fn part_of(path: &str, folder: &Folder<'_>, names: &BTreeSet<String>, parts: &mut Vec<Part>, issues: &mut Vec<Issue>) {
    let before = issues.len();
    problems(folder, issues);
    let declared = claims(folder, |s| s.kind == Kind::Declared && s.how != "flags");
    let flags = folder.statements.iter().any(|s| s.how == "flags");
    let texts = claims(folder, |s| s.kind == Kind::Text && matches!(s.key.as_str(), "all" | "weights" | "card") && s.how != "altered");
    let code = claims(folder, |s| s.kind == Kind::Text && s.key == "code" && s.how != "altered");
    let altered = claims(folder, |s| s.kind == Kind::Text && s.how == "altered" && s.key != "notice");
    let headers = claims(folder, |s| s.kind == Kind::Header && s.key != "SPDX-License-Identifier");
    contradictions(&declared, &texts, issues);
    for a in &altered {
        let row = a.rows.first().map_or("", |l| l.name);
        issues.push(Issue::new("altered", a.statement, vec![("licence", row.into()), ("text", a.statement.residue.clone())]));
    }
    let (licence, source) = effective(&declared, &texts, &headers, &altered);
    let named = path.rsplit('/').next().filter(|n| !n.is_empty()).unwrap_or(".");
    if licence.is_empty()
        && (folder.weights || folder.card.is_some())
        && let Some(said) = folder.statements.first().map(|s| s.file.as_str()).or(folder.card)
    {
        issues.push(Issue { code: "missing", path: said.to_string(), args: Vec::new(), place: Place::default() });
    }
    let here = parts.len();
    let has_model =
        folder.weights || folder.card.is_some() || folder.statements.iter().any(|s| matches!(s.kind, Kind::Base | Kind::Dataset)) || !licence.is_empty();
    if has_model {
        let licence = if licence.is_empty() { "hf-unknown".to_string() } else { licence };
        parts.push(Part { name: named.into(), licence, source: source.into(), ..Part::default() });
    }
    if flags {
        parts.push(Part { name: named.into(), licence: "civitai-permissions".into(), source: "declared".into(), ..Part::default() });
    }
    for c in &code {
        if let Some(l) = c.rows.first() {
            parts.push(Part {
                name: c.statement.file.clone(),
                licence: l.id.into(),
                relation: Relation::CodeSeparate,
                source: "text".into(),
                ..Part::default()
            });
        }
    }
    bases(folder, &declared, &texts, names, parts, issues);
    if let Some(own) = parts.get_mut(here).filter(|p| p.name == named) {
        for i in issues.iter().skip(before).filter(|i| matches!(i.code, "contradiction" | "drift" | "altered" | "disguised" | "card")) {
            // The label of an adapter can be right for the adapter alone.
            let adapter = i.code == "drift" && i.args.iter().any(|(k, v)| *k == "what" && v == "adapter");
            let doubt = if adapter { "drift-adapter" } else { i.code };
            if !own.doubts.iter().any(|d| d == doubt) {
                own.doubts.push(doubt.into());
            }
        }
    }
    for s in folder.statements.iter().filter(|s| s.kind == Kind::Dataset) {
        if !parts.iter().any(|p| p.relation == Relation::Data && p.name == s.value) {
            let licence = s.licences.first().cloned().unwrap_or_default();
            parts.push(Part { name: s.value.clone(), licence, relation: Relation::Data, source: "dataset".into(), ..Part::default() });
        }
    }
}

/// What cannot be read or trusted.
fn problems(folder: &Folder<'_>, issues: &mut Vec<Issue>) {
    for s in &folder.statements {
        match (s.kind, s.how.as_str()) {
            (Kind::Problem, "look-alike") => issues.push(Issue::new("disguised", s, Vec::new())),
            (Kind::Problem, "document") => issues.push(Issue::new("document", s, vec![("name", s.value.clone())])),
            (Kind::Problem, "unknown-text") => issues.push(Issue::new("unknown", s, vec![("name", s.value.clone())])),
            (Kind::Problem, "list") => {}
            (Kind::Problem, why) => issues.push(Issue::new("card", s, vec![("line", s.value.clone()), ("why", why.to_string())])),
            (Kind::Declared, "unknown-id" | "bad-expression") if !s.value.is_empty() => {
                // A name of its own is what `license: other` asks for.
                let named = s.key == "license_name" || s.key == "general.license.name";
                issues.push(Issue::new(if named { "unnamed" } else { "unknown" }, s, vec![("name", s.value.clone())]));
            }
            (Kind::Declared, "ambiguous") => issues.push(Issue::new("unnamed", s, vec![("name", s.value.clone())])),
            _ => {}
        }
    }
}

/// Whether two rows ask for the same: a family and its member do.
fn agree(a: &Licence, b: &Licence) -> bool {
    if a.id == b.id || a.is_none() || b.is_none() {
        return true;
    }
    let family = |f: &Licence, m: &Licence| match f.id {
        "bsd-family" => m.id.starts_with("BSD-") || m.id == "0BSD",
        "gpl-family" => m.id.starts_with("GPL-") || m.id.starts_with("AGPL-"),
        "lgpl-family" => m.id.starts_with("LGPL-"),
        "cc-family" => m.id.starts_with("CC"),
        "openrail" => m.family == "responsible-ai",
        "GPL-2.0-or-later" => m.id == "GPL-2.0" || m.id == "GPL-3.0",
        _ => false,
    };
    family(a, b) || family(b, a)
}

/// Whether it matters that two rows differ: in what they ask, not in their name.
fn matters(a: &Licence, b: &Licence) -> bool {
    let duties = |l: &Licence| crate::order::set(l.duties.iter().map(|d| (d.does, d.text)));
    a.family != b.family || extra_limits(a) != extra_limits(b) || duties(a) != duties(b) || a.commercial != b.commercial
}

fn contradictions(declared: &[Claim<'_>], texts: &[Claim<'_>], issues: &mut Vec<Issue>) {
    let real: Vec<&Claim<'_>> = declared.iter().filter(|c| c.rows.iter().any(|l| !l.is_none())).collect();
    for (i, a) in real.iter().enumerate() {
        for b in real.iter().skip(i + 1) {
            let meet = a.rows.iter().any(|x| b.rows.iter().any(|y| agree(x, y)));
            if let (false, Some(x), Some(y)) = (meet, a.rows.first(), b.rows.first()) {
                // Package metadata is about the code beside the weights.
                let card = |c: &Claim<'_>| !matches!(c.statement.key.as_str(), "License" | "License-Expression" | "Classifier");
                // Several licences in one list are meant together, or to choose from.
                let listed = a.statement.file == b.statement.file && a.statement.place == b.statement.place;
                if card(a) == card(b) && !listed {
                    issues.push(Issue::new(
                        "contradiction",
                        a.statement,
                        vec![("declared", x.name.into()), ("found", y.name.into()), ("where", b.statement.file.clone())],
                    ));
                }
            }
        }
        let told: Vec<&&Licence> = texts.iter().flat_map(|t| &t.rows).collect();
        if told.is_empty() || a.rows.iter().any(|x| told.iter().any(|y| agree(x, y))) {
            continue;
        }
        if let (Some(x), Some(t)) = (a.rows.first(), texts.iter().find(|t| !t.rows.is_empty()))
            && let Some(y) = t.rows.first().filter(|y| matters(x, y))
        {
            issues.push(Issue::new(
                "contradiction",
                a.statement,
                vec![("declared", x.name.into()), ("found", y.name.into()), ("where", t.statement.file.clone())],
            ));
        }
    }
}

/// The licence of a folder as an expression, and where it was read. What contradicts is judged together, so that the worse decides.
fn effective(declared: &[Claim<'_>], texts: &[Claim<'_>], headers: &[Claim<'_>], altered: &[Claim<'_>]) -> (String, &'static str) {
    let mut ids: Vec<String> = Vec::new();
    let add = |ids: &mut Vec<String>, id: &str| {
        if !ids.iter().any(|x| x == id) {
            ids.push(id.to_string());
        }
    };
    // Of several texts in one folder each may be a choice or a part; a declared expression says which.
    // One that names an unknown licence, or breaks off, stays whole: what is known of it is not all of it.
    let whole = |c: &&Claim<'_>| {
        matches!(c.statement.how.as_str(), "expression" | "bad-expression") || c.statement.how == "unknown-id" && name::is_expression(&c.statement.value)
    };
    let expression = declared.iter().find(whole);
    if let Some(c) = expression.filter(|c| texts.iter().flat_map(|t| &t.rows).all(|t| c.rows.iter().any(|r| agree(r, t)))) {
        return (c.statement.value.clone(), "declared");
    }
    let weights: Vec<&Claim<'_>> = texts.iter().filter(|t| t.statement.key == "weights").collect();
    let texts: Vec<&Claim<'_>> = if weights.is_empty() { texts.iter().collect() } else { weights };
    for t in &texts {
        for l in &t.rows {
            add(&mut ids, l.id);
        }
    }
    let from_text = !ids.is_empty();
    for c in declared {
        let known: Vec<&&Licence> = c.rows.iter().filter(|l| !l.is_none()).collect();
        if let (Some(l), false) = (known.first(), known.iter().any(|l| ids.iter().filter_map(|i| by_id(i)).any(|i| agree(l, i)))) {
            if c.statement.how == "ambiguous" && !from_text {
                return (c.statement.value.clone(), "declared");
            }
            if ids.is_empty() || matches!(c.statement.key.as_str(), "license" | "license_name" | "general.license" | "modelspec.license") {
                add(&mut ids, l.id);
            }
        } else if c.rows.is_empty() && !from_text && c.statement.key != "Classifier" {
            add(&mut ids, &quoted(&c.statement.value));
        }
    }
    if ids.is_empty() {
        for h in headers {
            for l in &h.rows {
                add(&mut ids, l.id);
            }
        }
    }
    for a in altered {
        if let Some(l) = a.rows.first() {
            ids.retain(|x| x != l.id);
            add(&mut ids, &quoted(&format!("{} with changes", l.id)));
        }
    }
    if ids.is_empty() && declared.iter().any(|c| c.rows.iter().any(|l| l.id == "hf-other")) {
        return ("hf-other".into(), "declared");
    }
    (ids.join(" AND "), if from_text { "text" } else { "declared" })
}

/// A name as one word of an expression.
fn quoted(name: &str) -> String {
    name.split_whitespace().map(|w| w.trim_matches(['(', ')'])).filter(|w| !matches!(*w, "AND" | "OR" | "WITH")).collect::<Vec<_>>().join("-")
}

fn bases(folder: &Folder<'_>, declared: &[Claim<'_>], texts: &[Claim<'_>], names: &BTreeSet<String>, parts: &mut Vec<Part>, issues: &mut Vec<Issue>) {
    let adapter =
        folder.statements.iter().any(|s| s.how == "relation" && s.value == "adapter") || folder.statements.iter().any(|s| s.key == "base_model_name_or_path");
    for s in folder.statements.iter().filter(|s| s.kind == Kind::Base && s.how != "relation") {
        let short = s.value.rsplit('/').next().unwrap_or(&s.value).to_ascii_lowercase();
        let here = names.contains(&short) || names.contains(&s.value.to_ascii_lowercase().replace('/', "--"));
        let base = rows_of(s).first().copied();
        if let Some(base) = base {
            let label = declared.iter().chain(texts).flat_map(|c| c.rows.iter().map(move |r| (c, r))).find(|(_, r)| !r.is_none() && !r.is_family());
            if let Some((claim, label)) = label
                && label_drops(base, label)
                && !issues.iter().any(|i| i.code == "drift" && i.path == claim.statement.file && i.args.iter().any(|a| a.1 == base.name))
            {
                let what = if adapter { "adapter" } else { "model" };
                issues.push(Issue::new(
                    "drift",
                    claim.statement,
                    vec![("label", label.name.into()), ("base", s.value.clone()), ("licence", base.name.into()), ("what", what.into())],
                ));
            }
        }
        if !here && !parts.iter().any(|p| p.name == s.value) {
            let licence = base.map_or_else(String::new, |l| l.id.to_string());
            parts.push(Part { name: s.value.clone(), licence, source: "base".into(), ..Part::default() });
        }
    }
}

/// Whether a part's licence is a name with several meanings.
pub fn is_ambiguous(licence: &str) -> bool {
    !name::is_expression(licence) && name::resolve(licence).len() > 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Lang, scan};

    fn judged(files: &[(&str, &str)]) -> (Report, Vec<String>) {
        let reports: Vec<FileReport> = files.iter().map(|(path, text)| scan(&text.as_bytes().to_vec(), path, Lang::En)).collect();
        let (licence, issues) = judge(&reports);
        (licence, issues.iter().map(|i| i.code.to_string()).collect())
    }

    fn parts(l: &Report) -> Vec<String> {
        l.parts.iter().map(|p| format!("{}={}", p.name, p.licence)).collect()
    }

    const MIT: &str = include_str!("../../tests/corpus/licences/mit.txt");

    #[test]
    fn a_label_that_drops_what_the_base_asks_is_drift() {
        let (l, issues) = judged(&[("m/README.md", "---\nlicense: mit\nbase_model: meta-llama/Llama-3.1-8B\n---\n")]);
        assert_eq!(issues, ["drift"]);
        assert_eq!(parts(&l), ["m=MIT", "meta-llama/Llama-3.1-8B=llama3.1"]);
        let (_, issues) = judged(&[("m/README.md", "---\nlicense: llama3.1\nbase_model: meta-llama/Llama-3.1-8B\n---\n")]);
        assert!(issues.is_empty());
        let (_, issues) = judged(&[("m/README.md", "---\nlicense: mit\nbase_model: mistralai/Mistral-7B-v0.1\n---\n")]);
        assert!(issues.is_empty());
    }

    #[test]
    fn declared_and_text_are_held_against_each_other() {
        let (l, issues) = judged(&[("m/README.md", "---\nlicense: gpl-3.0\n---\n"), ("m/LICENSE", MIT)]);
        assert_eq!(issues, ["contradiction"]);
        assert_eq!(parts(&l), ["m=MIT AND GPL-3.0"]);
        let (l, issues) = judged(&[("m/README.md", "---\nlicense: mit\n---\n"), ("m/LICENSE", MIT)]);
        assert!(issues.is_empty());
        assert_eq!(parts(&l), ["m=MIT"]);
        let (_, issues) = judged(&[("m/README.md", "---\nlicense: apache-2.0\nlicense_name: jamba-open-model-license\n---\n")]);
        assert_eq!(issues, ["contradiction"]);
    }

    #[test]
    fn other_with_a_text_is_the_text_and_without_one_is_open() {
        let (l, issues) = judged(&[("m/README.md", "---\nlicense: other\n---\n"), ("m/LICENSE", MIT)]);
        assert!(issues.is_empty());
        assert_eq!(parts(&l), ["m=MIT"]);
        let (l, _) = judged(&[("m/README.md", "---\nlicense: other\n---\n")]);
        assert_eq!(parts(&l), ["m=hf-other"]);
        let (_, issues) = judged(&[("m/README.md", "---\nlicense: other\nlicense_name: my-terms\n---\n")]);
        assert_eq!(issues, ["unnamed"]);
    }

    #[test]
    fn a_text_with_a_rider_is_no_longer_that_licence() {
        let text = format!("{MIT}\nOur only modification is that a product with more than 10 million monthly active users must display \"Foo\" prominently.\n");
        let (l, issues) = judged(&[("m/README.md", "---\nlicense: mit\n---\n"), ("m/LICENSE", &text)]);
        assert_eq!(issues, ["altered"]);
        assert_eq!(parts(&l), ["m=MIT-with-changes"]);
    }

    #[test]
    fn adapters_and_merges_bring_their_parents() {
        let (l, issues) = judged(&[
            ("a/adapter_config.json", "{\"base_model_name_or_path\": \"Qwen/Qwen2.5-3B\", \"peft_type\": \"LORA\"}"),
            ("a/README.md", "---\nlicense: apache-2.0\n---\n"),
            ("b/mergekit_config.yml", "models:\n  - model: meta-llama/Meta-Llama-3-8B\n  - model: google/gemma-7b\n"),
        ]);
        assert_eq!(issues, ["drift"]);
        assert_eq!(
            parts(&l),
            ["a=Apache-2.0", "Qwen/Qwen2.5-3B=qwen-research-2024", "b=hf-unknown", "meta-llama/Meta-Llama-3-8B=llama3", "google/gemma-7b=gemma"]
        );
    }
}
