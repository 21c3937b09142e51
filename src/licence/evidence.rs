//! What a file says about licences, with the bytes that say it: declarations in metadata and cards, texts, short headers, and the models and data that it is made from.

use super::catalogue::Licence;
use super::find::{self, How};
use super::name;
use super::yaml;
use crate::place::Place;
use crate::text::printable;
use serde::{Deserialize, Serialize};

/// Bytes of a text that are looked at.
pub const LONGEST: u64 = find::LONGEST as u64;

/// Statements that are kept of one file.
pub const MANY: usize = 200;

/// What a statement is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// The file names a licence.
    Declared,
    /// The file holds a licence's text.
    Text,
    /// A short header or an address in a text.
    Header,
    /// A model that this one is made from.
    Base,
    /// Data that it was trained on.
    Dataset,
    /// Something about licences that cannot be read or trusted.
    Problem,
}

/// One statement, with its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
pub struct Statement {
    /// What it is about.
    pub kind: Kind,
    /// The file.
    pub file: String,
    /// Key of the metadata or card; for texts the part of the folder that they are for: `weights`, `code`, `notice`, `policy`, `card`.
    pub key: String,
    /// What stands there, shortened.
    pub value: String,
    /// Ids of the catalogue that it means; several if the name has several meanings.
    pub licences: Vec<String>,
    /// For texts `text`, `part`, `altered`, `version`; for problems what is wrong, as a code.
    pub how: String,
    /// Share of the known text that is there, in hundredths.
    pub score: Option<u8>,
    /// Words beside a known text that limit.
    pub residue: String,
    /// Where it stands.
    pub place: Place,
}

impl Statement {
    fn new(kind: Kind, key: &str, value: &str, at: usize, len: usize) -> Statement {
        Statement {
            kind,
            file: String::new(),
            key: printable(key, 200),
            value: printable(value, 300),
            licences: Vec::new(),
            how: String::new(),
            score: None,
            residue: String::new(),
            place: Place { member: String::new(), offset: at as u64, length: len as u64, file_offset: Some(at as u64) },
        }
    }

    fn problem(key: &str, value: &str, how: &str, at: usize, len: usize) -> Statement {
        Statement { how: how.into(), ..Statement::new(Kind::Problem, key, value, at, len) }
    }
}

/// What a file is to licences, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A licence's text, for `weights`, `code`, or both (empty).
    Licence(&'static str),
    /// NOTICE.
    Notice,
    /// A policy of use.
    Policy,
    /// A model card.
    Card,
    /// Metadata of a Python package.
    Package,
    /// YAML that lists the models of a merge.
    Merge,
    /// TOML of a package.
    Toml,
    /// A side file of REUSE, or source code: its head may have an SPDX tag.
    Source,
    /// A licence as a document that is not text.
    Document,
}

/// The role of a file.
pub fn role(path: &str) -> Option<Role> {
    let lower = path.to_ascii_lowercase();
    let mut steps = lower.rsplit('/');
    let file = steps.next().unwrap_or_default();
    let folder = steps.next().unwrap_or_default();
    let (stem, ending) = file.rsplit_once('.').unwrap_or((file, ""));
    let texts = matches!(ending, "" | "txt" | "md" | "rst" | "html" | "htm" | "markdown") || stem.is_empty();
    let licence = ["license", "licence", "copying", "unlicense", "model_license", "model-license", "eula", "terms"].iter().any(|p| file.starts_with(p))
        || (folder == "licenses" && matches!(ending, "txt" | "md"));
    if licence && matches!(ending, "pdf" | "doc" | "docx" | "rtf" | "odt") {
        return Some(Role::Document);
    }
    match file {
        "metadata" | "pkg-info" => return Some(Role::Package),
        "readme.md" | "readme" | "model_card.md" | "modelcard.md" | "model-card.md" | "readme.txt" | "readme.rst" => return Some(Role::Card),
        "mergekit_config.yml" | "mergekit_config.yaml" | "mergekit_moe_config.yml" | "mergekit_moe_config.yaml" => return Some(Role::Merge),
        "cargo.toml" | "pyproject.toml" | "reuse.toml" => return Some(Role::Toml),
        _ => {}
    }
    if ending == "license" {
        return Some(Role::Source);
    }
    // An ending such as "-2.0" is part of the name.
    if licence
        && (texts
            || ending.chars().all(|c| c.is_ascii_digit())
            || !matches!(ending, "py" | "json" | "yaml" | "yml" | "png" | "jpg" | "svg" | "js" | "rs" | "zip" | "safetensors" | "bin"))
    {
        let part = if file.contains("code") {
            "code"
        } else if file.contains("model") || file.contains("weight") {
            "weights"
        } else {
            ""
        };
        return Some(Role::Licence(part));
    }
    if texts && ["notice", "third_party", "third-party", "thirdparty", "attribution"].iter().any(|p| file.starts_with(p)) {
        return Some(Role::Notice);
    }
    if texts
        && ["use_policy", "use-policy", "usage_policy", "usage-policy", "prohibited_use", "prohibited-use", "acceptable_use", "acceptable-use"]
            .iter()
            .any(|p| file.starts_with(p))
    {
        return Some(Role::Policy);
    }
    matches!(ending, "py" | "cu" | "cpp" | "rs" | "js" | "ts").then_some(Role::Source)
}

/// What a text file says.
pub fn of_text(path: &str, bytes: &[u8]) -> Vec<Statement> {
    let Some(role) = role(path) else { return Vec::new() };
    let text = decode(bytes);
    let mut out = match role {
        Role::Document => vec![Statement::problem("document", path.rsplit('/').next().unwrap_or(path), "document", 0, 0)],
        Role::Licence(part) => texts(&text, 0, if part.is_empty() { "all" } else { part }, true),
        Role::Notice => texts(&text, 0, "notice", false),
        Role::Policy => texts(&text, 0, "policy", false),
        Role::Card => card(&text),
        Role::Package => package(&text),
        Role::Merge => merge(&text),
        Role::Toml => toml(&text),
        Role::Source => tags(head_of(&text)),
    };
    out.truncate(MANY);
    for s in &mut out {
        s.file = printable(path, 4096);
    }
    out
}

fn decode(bytes: &[u8]) -> String {
    let wide = |little: bool| {
        let units: Vec<u16> = bytes
            .get(2..)
            .unwrap_or_default()
            .chunks_exact(2)
            .filter_map(|c| <[u8; 2]>::try_from(c).ok())
            .map(|c| if little { u16::from_le_bytes(c) } else { u16::from_be_bytes(c) })
            .collect();
        String::from_utf16_lossy(&units)
    };
    match bytes {
        [0xff, 0xfe, ..] => wide(true),
        [0xfe, 0xff, ..] => wide(false),
        _ => String::from_utf8_lossy(bytes).into_owned(),
    }
}

/// The first lines of a source file.
fn head_of(text: &str) -> &str {
    let mut end = text.len().min(4096);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

fn tags(text: &str) -> Vec<Statement> {
    let lower = text.to_ascii_lowercase();
    if !lower.contains("spdx-license-identifier") && !lower.contains("licensed under") {
        return Vec::new();
    }
    find::find(text).headers.into_iter().map(|(id, at, len)| declared(Kind::Header, "SPDX-License-Identifier", &id, at, len)).collect()
}

/// Licences whose text stands in a text. `whole` says that the file is there for nothing else.
fn texts(text: &str, base: usize, key: &str, whole: bool) -> Vec<Statement> {
    let found = find::find(text);
    let mut out = Vec::new();
    if found.folded && (!found.hits.is_empty() || found.unknown) {
        out.push(Statement::problem(key, "", "look-alike", base, 0));
    }
    if found.list {
        out.push(Statement::problem(key, &found.hits.iter().map(|h| h.row.id).collect::<Vec<_>>().join(", "), "list", base, text.len()));
        return out;
    }
    for h in &found.hits {
        let mut s = Statement::new(Kind::Text, key, h.row.name, base + h.at, h.len);
        s.licences = std::iter::once(h.row.id).chain(h.or.iter().map(|o| o.id)).map(str::to_string).collect();
        s.how = match h.how {
            How::Text => "text",
            How::Part => "part",
            How::Altered => "altered",
            How::Version => "version",
        }
        .into();
        s.score = h.score;
        s.residue = h.residue.clone();
        out.push(s);
    }
    if whole || found.hits.is_empty() {
        out.extend(
            found
                .headers
                .iter()
                .filter(|h| !found.hits.iter().any(|x| x.row.id == h.0))
                .map(|(id, at, len)| declared(Kind::Header, "header", id, base + at, *len)),
        );
    }
    if whole && found.unknown {
        out.push(Statement::problem(key, text.lines().find(|l| !l.trim().is_empty()).unwrap_or_default().trim(), "unknown-text", base, text.len()));
    }
    out
}

/// A declaration, resolved.
fn declared(kind: Kind, key: &str, value: &str, at: usize, len: usize) -> Statement {
    let value = value.trim();
    let mut s = Statement::new(kind, key, value, at, len);
    if name::is_expression(value) {
        match name::expression(value) {
            Ok(e) => {
                s.how = "expression".into();
                s.licences = e.choices.concat();
                crate::order::sort_by(&mut s.licences, Ord::cmp);
                s.licences.dedup();
                s.licences.retain(|l| !e.unknown.contains(l));
                if !e.unknown.is_empty() {
                    s.how = "unknown-id".into();
                }
            }
            Err(_) => s.how = "bad-expression".into(),
        }
        return s;
    }
    s.licences = name::resolve(value).iter().map(|l| l.id.to_string()).collect();
    s.how = match s.licences.len() {
        0 => "unknown-id",
        1 => "id",
        _ => "ambiguous",
    }
    .into();
    s
}

/// Keys of metadata that name a licence.
const NAMES: &[&str] = &[
    "general.license", "general.license.name", "modelspec.license", "license", "licence", "license_name", "model_license", "modellicense", "licensedeclared",
    "licenseconcluded",
];

/// What a key and value of a file's metadata say. The place is that of the value.
pub fn of_metadata(path: &str, key: &str, value: &str, place: &Place) -> Vec<Statement> {
    let value = value.trim();
    if value.is_empty() {
        return Vec::new();
    }
    let mut out = Vec::new();
    // Metadata is written by hand in many formats: `License`, `model-license`, `modelLicense`.
    let folded = key.to_ascii_lowercase().replace(['-', ' '], "_");
    if NAMES.contains(&folded.as_str()) {
        if value.len() > 200 || value.contains('\n') {
            out = texts(value, 0, "weights", true);
        } else {
            out.push(declared(Kind::Declared, key, value, 0, 0));
        }
    } else if matches!(folded.as_str(), "license_link" | "license_url" | "general.license.link") {
        out.extend(link(key, value, 0, 0));
    } else if matches!(key, "allowNoCredit" | "allowCommercialUse" | "allowDerivatives" | "allowDifferentLicense") {
        let mut s = Statement::new(Kind::Declared, key, value, 0, 0);
        s.licences = vec!["civitai-permissions".into()];
        s.how = "flags".into();
        out.push(s);
    } else if is_base_key(key) {
        out.extend(base(key, value, 0, 0));
    } else if key == "general.datasets" || (key.starts_with("general.dataset.") && key.ends_with(".name")) {
        out.push(dataset(key, value, 0, 0));
    }
    for s in &mut out {
        s.file = printable(path, 4096);
        s.place = place.clone();
    }
    out
}

fn is_base_key(key: &str) -> bool {
    matches!(
        key,
        "base_model"
            | "base_model_name_or_path"
            | "_name_or_path"
            | "modelspec.merged_from"
            | "ss_sd_model_name"
            | "ss_base_model_version"
            | "baseModel"
            | "general.source.repo_url"
            | "general.source.url"
    ) || (key.starts_with("general.base_model.") && (key.ends_with(".repo_url") || key.ends_with(".name")))
}

/// A model that another is made from. Paths on somebody's disk name nothing.
fn base(key: &str, value: &str, at: usize, len: usize) -> Option<Statement> {
    let value = value.trim();
    let name = value.strip_prefix("https://huggingface.co/").or(value.strip_prefix("https://hf.co/")).unwrap_or(value).trim_end_matches('/');
    if name.is_empty() || name.starts_with(['/', '.', '~', '\\']) || name.contains(":\\") || name.len() > 200 {
        return None;
    }
    let known = base_licence(name);
    // A folder on somebody's disk, or the name of an architecture.
    if matches!(key, "_name_or_path" | "ss_base_model_version") && !name.contains('/') && known.is_none() {
        return None;
    }
    let mut s = Statement::new(Kind::Base, key, name, at, len);
    s.licences = known.map(|l| vec![l.id.to_string()]).unwrap_or_default();
    s.how = if s.licences.is_empty() { "unknown" } else { "name" }.into();
    Some(s)
}

fn dataset(key: &str, value: &str, at: usize, len: usize) -> Statement {
    Statement::new(Kind::Dataset, key, value, at, len)
}

fn link(key: &str, value: &str, at: usize, len: usize) -> Option<Statement> {
    let found = find::find(value);
    let (id, _, _) = found.headers.first()?;
    let mut s = declared(Kind::Header, key, id, at, len);
    s.value = printable(value, 300);
    Some(s)
}

static BASES: &str = include_str!("bases.txt");

/// The licence of a well-known model, by its name.
pub fn base_licence(name: &str) -> Option<&'static Licence> {
    let lower = name.trim().to_ascii_lowercase();
    let line = BASES.lines().filter(|l| !l.starts_with('#')).filter_map(|l| l.split_once('\t')).find(|(pattern, _)| name::fits(pattern, &lower))?;
    super::catalogue::by_id(line.1)
}

fn card(text: &str) -> Vec<Statement> {
    let mut out = Vec::new();
    let Some(head) = yaml::head(text) else { return texts(text, 0, "card", false) };

    if let Some((line, why)) = head.wrong {
        out.push(Statement { value: line.to_string(), ..Statement::problem("card", "", why, 0, head.end.min(text.len())) });
    }
    for e in &head.entries {
        for v in &e.values {
            match e.key.as_str() {
                "license" | "licence" | "license_name" => out.push(declared(Kind::Declared, &e.key, v, e.at, e.len)),
                "license_link" => out.extend(link(&e.key, v, e.at, e.len)),
                "base_model" => out.extend(base(&e.key, v, e.at, e.len)),
                "datasets" => out.push(dataset(&e.key, v, e.at, e.len)),
                "extra_gated_prompt" => out.extend(texts(v, e.at, "card", false).into_iter().map(|s| Statement {
                    place: Place { offset: e.at as u64, length: e.len as u64, file_offset: Some(e.at as u64), ..Place::default() },
                    ..s
                })),
                "base_model_relation" => out.push(Statement { how: "relation".into(), ..Statement::new(Kind::Base, &e.key, v, e.at, e.len) }),
                "tags" => {
                    if let Some(v) = v.strip_prefix("license:") {
                        out.push(declared(Kind::Declared, "tags", v, e.at, e.len));
                    }
                }
                _ => {}
            }
        }
    }
    let body = text.get(head.end..).unwrap_or_default();
    out.extend(texts(body, head.end, "card", false));
    out
}

/// `METADATA` and `PKG-INFO`: expression before licence before classifiers.
fn package(text: &str) -> Vec<Statement> {
    let mut out = Vec::new();
    let mut at = 0;
    for raw in text.split_inclusive('\n') {
        let line = raw.trim_end();
        if line.is_empty() {
            break;
        }
        if let Some((key, value)) = line.split_once(": ") {
            match key {
                "License-Expression" => out.push(declared(Kind::Declared, key, value, at, line.len())),
                "License" if value.len() < 120 && !value.eq_ignore_ascii_case("unknown") => out.push(declared(Kind::Declared, key, value, at, line.len())),
                "Classifier" if value.starts_with("License :: ") => out.push(declared(Kind::Declared, key, value, at, line.len())),
                _ => {}
            }
        }
        at += raw.len();
    }
    let best = ["License-Expression", "License", "Classifier"].into_iter().find(|k| out.iter().any(|s: &Statement| s.key == *k && !s.licences.is_empty()));
    if let Some(best) = best {
        out.retain(|s| s.key == best);
    }
    out
}

fn merge(text: &str) -> Vec<Statement> {
    let mut out = Vec::new();
    let mut at = 0;
    for raw in text.split_inclusive('\n') {
        let line = raw.trim_end();
        let item = line.trim_start().trim_start_matches("- ").trim_start();
        for key in ["model", "base_model", "source_model"] {
            if let Some(value) = item.strip_prefix(key).and_then(|r| r.strip_prefix(':')) {
                // A LoRA is written as model+lora.
                for part in value.trim().trim_matches(['"', '\'']).split('+') {
                    out.extend(base(key, part, at, line.len()));
                }
            }
        }
        at += raw.len();
    }
    out.dedup_by(|a, b| a.value == b.value);
    out
}

fn toml(text: &str) -> Vec<Statement> {
    let mut out = Vec::new();
    let mut at = 0;
    for raw in text.split_inclusive('\n') {
        let line = raw.trim();
        let value =
            line.strip_prefix("license").or(line.strip_prefix("SPDX-License-Identifier")).map(str::trim_start).and_then(|r| r.strip_prefix('=')).map(str::trim);
        if let Some(value) = value {
            let inner = value.strip_prefix('{').and_then(|v| v.split_once("text")).map_or(value, |(_, v)| v.trim_start_matches([' ', '=']));
            if let Some(q) = inner.chars().next().filter(|c| matches!(c, '"' | '\''))
                && let Some(name) = inner.get(1..).and_then(|r| r.split(q).next())
            {
                out.push(declared(Kind::Declared, "license", &name.replace('/', " OR "), at, raw.len()));
            }
        }
        at += raw.len();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn brief(path: &str, text: &str) -> Vec<String> {
        of_text(path, text.as_bytes()).iter().map(|s| format!("{:?} {} {} {}", s.kind, s.key, s.licences.join("+"), s.how)).collect()
    }

    #[test]
    fn cards_say_licence_base_and_data() {
        let text = "---\nlicense: other\nlicense_name: llama3.1\nlicense_link: https://llama.com/llama3_1/license\nbase_model: meta-llama/Llama-3.1-8B\ndatasets:\n- a/b\n---\n# M\n";
        assert_eq!(
            brief("m/README.md", text),
            [
                "Declared license hf-other id", "Declared license_name llama3.1 id", "Header license_link llama3.1 id", "Base base_model llama3.1 name",
                "Dataset datasets  "
            ]
        );
        let s = &of_text("m/README.md", text.as_bytes())[1];
        assert_eq!(text.get(s.place.offset as usize..(s.place.offset + s.place.length) as usize), Some("license_name: llama3.1"));
    }

    #[test]
    fn bad_input_has_its_statement() {
        assert_eq!(brief("README.md", "---\nlicense: mit\nbroken\n---\n"), ["Problem card  no-colon", "Declared license MIT id"]);
        assert_eq!(brief("README.md", "---\nlicense: my-own\n---\n"), ["Declared license  unknown-id"]);
        assert_eq!(brief("README.md", "---\nlicense: modified-mit\n---\n").len(), 1);
        assert_eq!(brief("README.md", "---\nlicense: MIT AND (\n---\n"), ["Declared license  bad-expression"]);
        assert_eq!(brief("LICENSE.pdf", "%PDF"), ["Problem document  document"]);
        assert_eq!(
            brief("package/METADATA", "Metadata-Version: 2.1\nLicense: MIT\nClassifier: License :: OSI Approved :: BSD License\n\nLicense: GPL-3.0\n"),
            ["Declared License MIT id"]
        );
    }

    #[test]
    fn metadata_keys_are_known() {
        let say = |key: &str, value: &str| {
            of_metadata("m.gguf", key, value, &Place::default()).iter().map(|s| format!("{:?} {} {}", s.kind, s.licences.join("+"), s.how)).collect::<Vec<_>>()
        };
        assert_eq!(say("general.license", "apache-2.0"), ["Declared Apache-2.0 id"]);
        assert_eq!(say("general.base_model.0.repo_url", "https://huggingface.co/Qwen/Qwen2.5-3B"), ["Base qwen-research-2024 name"]);
        assert_eq!(say("_name_or_path", "/home/me/models/x"), Vec::<String>::new());
        assert_eq!(say("ss_base_model_version", "sdxl_base_v1-0"), ["Base openrail++ name"]);
        assert_eq!(say("ss_base_model_version", "flux1"), Vec::<String>::new());
        assert_eq!(say("general.name", "MIT"), Vec::<String>::new());
        assert_eq!(say("License", "MIT"), ["Declared MIT id"]);
        assert_eq!(say("model-license", "openrail++"), ["Declared openrail++ id"]);
        assert_eq!(say("licenseDeclared", "MIT OR Apache-2.0"), ["Declared Apache-2.0+MIT expression"]);
        assert_eq!(say("general.license", "MIT AND LicenseRef-mine"), ["Declared MIT unknown-id"]);
        assert_eq!(say("license", "UNLICENSED"), ["Declared hf-unknown id"]);
        assert_eq!(say("general.license.link", "https://llama.com/llama3_1/license"), ["Header llama3.1 id"]);
        assert_eq!(say("modelspec.license", include_str!("../../LICENSE")), ["Text Apache-2.0 text"]);
        assert_eq!(say("allowCommercialUse", "None"), ["Declared civitai-permissions flags"]);
        assert_eq!(say("general.datasets", "org/data"), ["Dataset  "]);
    }

    #[test]
    fn every_known_model_has_a_licence_of_the_catalogue() {
        for line in BASES.lines().filter(|l| !l.starts_with('#')) {
            let (pattern, id) = line.split_once('\t').expect(line);
            assert!(super::super::catalogue::by_id(id).is_some(), "{line}");
            assert_eq!(pattern, pattern.to_ascii_lowercase());
        }
        assert_eq!(base_licence("meta-llama/Llama-3.1-8B-Instruct").map(|l| l.id), Some("llama3.1"));
        assert_eq!(base_licence("meta-llama/Meta-Llama-3-8B").map(|l| l.id), Some("llama3"));
        assert_eq!(base_licence("google/gemma-4-12b").map(|l| l.id), Some("Apache-2.0"));
        assert!(base_licence("somebody/else").is_none());
    }
}
