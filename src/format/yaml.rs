//! YAML settings, read as events so that tags survive: object tags of PyYAML and HyperPyYAML, names of code, MLflow's `MLmodel`.
//!
//! `yaml.load` with an unsafe loader resolves `!!python/object/apply:…` while it reads (CVE-2020-14343), in every spelling of the
//! tag: shorthand, `%TAG` and verbatim. Hydra and its kin resolve `_target_` afterwards.
//!
//! # Why not a value tree
//! Every tree-building YAML library for Rust drops the tags, and with them the attack; some recurse on the file's nesting.

use super::{Format, Match, plain, setting};
use crate::bytes::View;
use crate::error::Result;
use crate::fact::{Fact, When};
use crate::scan::Scan;
use crate::text::percent_decoded;
use saphyr_parser::{Event, Parser, Tag};
use std::collections::HashMap;

/// Settings in YAML.
pub const YAML: Format = Format { id: "yaml", name: "YAML", extensions: &["yaml", "yml", "txt", "md", "cfg", "conf"], refines: &["text"], probe, read };

/// Bytes of a YAML text that are read; settings are smaller by far.
const MOST: u64 = 16 << 20;

/// Collections that may stand inside one another.
const DEPTH: usize = 1_000;

/// Anchored texts that are kept.
const ANCHORS: usize = 10_000;

/// What the settings of MLflow's `MLmodel` file say, gathered over the whole text.
#[derive(Default)]
struct Mlflow {
    loader: Option<(String, u64, u64)>,
    code: bool,
    flavors: bool,
}

/// An open collection.
struct Level {
    map: bool,
    /// The key whose value comes next; `None` while a key is expected.
    key: Option<String>,
    /// Nodes inside once every alias is followed.
    weight: u64,
    anchor: usize,
}

fn probe(view: View<'_>) -> Match {
    let Ok(head) = view.head(4096) else {
        return Match::No;
    };
    if plain::probe_text(view) == Match::No || super::json::looks_like(view) {
        return Match::No;
    }
    if likely(&decode(&head)) { Match::Sure } else { Match::No }
}

/// UTF-8, or UTF-16 with its mark, as PyYAML reads it.
fn decode(bytes: &[u8]) -> String {
    let wide = |big: bool| {
        let units: Vec<u16> = bytes
            .get(2..)
            .unwrap_or(&[])
            .chunks_exact(2)
            .filter_map(|c| <[u8; 2]>::try_from(c).ok())
            .map(|c| if big { u16::from_be_bytes(c) } else { u16::from_le_bytes(c) })
            .collect();
        String::from_utf16_lossy(&units)
    };
    if bytes.starts_with(b"\xff\xfe") {
        wide(false)
    } else if bytes.starts_with(b"\xfe\xff") {
        wide(true)
    } else {
        String::from_utf8_lossy(bytes).into_owned()
    }
}

/// Whether lines look like settings: the first one that says something, and most of the others.
fn likely(text: &str) -> bool {
    let mut lines = text.lines().map(|l| l.trim_start_matches('\u{feff}')).filter(|l| !l.trim().is_empty() && !l.trim_start().starts_with('#'));
    let Some(first) = lines.next() else {
        return false;
    };
    // Nothing else writes tags like these.
    if matches!(first, "---")
        || ["? !!python/", "- !!python/"].iter().any(|t| text.contains(t))
        || first.starts_with("--- ")
        || first.starts_with("%YAML")
        || first.starts_with("%TAG")
        || first.starts_with('!')
    {
        return true;
    }
    if first.starts_with('{') || first.starts_with('[') {
        return first.contains(": ") || first.contains("!!") || first.trim_end() == "{";
    }
    if !is_setting(first) || first.starts_with(' ') {
        return false;
    }
    let (mut good, mut all) = (1, 1);
    for line in lines.take(60) {
        all += 1;
        good += u32::from(is_setting(line) || line.starts_with("  "));
    }
    good * 10 >= all * 7
}

/// `key: value`, `key:`, `- item`, `? key`.
fn is_setting(line: &str) -> bool {
    let line = line.trim_start();
    if line.starts_with("- ") || line == "-" || line.starts_with("? ") || line.starts_with("---") || line.starts_with("...") {
        return true;
    }
    let quoted = line.starts_with('"') || line.starts_with('\'');
    let Some(colon) = line.find(": ").or_else(|| line.trim_end().strip_suffix(':').map(str::len)) else {
        return false;
    };
    let key = line.get(..colon).unwrap_or("");
    colon > 0 && colon <= 100 && (quoted || !key.contains(['(', ')', '{', '=', ',', ';', '"', '`']) && key.split_whitespace().count() <= 3)
}

fn read(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    plain::read_text(view, scan)?;
    if view.len() > MOST {
        scan.gap("limit-settings");
    }
    let bytes = view.take(0, view.len().min(MOST), MOST as usize)?;
    let wide = bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff");
    let text = decode(&bytes);
    let mut walk = Walk {
        view,
        text: &text,
        wide,
        chars: 0,
        bytes: 0,
        levels: Vec::new(),
        anchors: HashMap::new(),
        weights: HashMap::new(),
        mlflow: Mlflow::default(),
        total: 0,
        told: false,
    };
    let mut parser = Parser::new_from_str(&text);
    while let Some(step) = parser.next_event() {
        match step {
            Ok((event, span)) => {
                let (at, len) = walk.place(span.start.index(), span.end.index());
                if !walk.step(&event, at, len, scan) {
                    break;
                }
            }
            // Not YAML to the end: another parser may see it otherwise, so the spellings that matter are looked for as text.
            Err(_) => {
                by_line(view, &text, wide, scan);
                break;
            }
        }
    }
    walk.finish(scan);
    Ok(())
}

struct Walk<'s, 't> {
    view: View<'s>,
    text: &'t str,
    wide: bool,
    /// Characters and bytes that were passed, to turn the parser's places into offsets.
    chars: usize,
    bytes: usize,
    levels: Vec<Level>,
    /// Texts behind anchors.
    anchors: HashMap<usize, String>,
    /// Nodes behind anchors.
    weights: HashMap<usize, u64>,
    mlflow: Mlflow,
    total: u64,
    told: bool,
}

impl Walk<'_, '_> {
    /// Offset and length in bytes of a range of characters; ranges come in ascending order.
    fn place(&mut self, from: usize, to: usize) -> (u64, u64) {
        if from < self.chars {
            return (self.offset(self.bytes), to.saturating_sub(from) as u64);
        }
        let rest = self.text.get(self.bytes..).unwrap_or("");
        let step: usize = rest.chars().take(from - self.chars).map(char::len_utf8).sum();
        self.chars = from;
        self.bytes += step;
        let rest = self.text.get(self.bytes..).unwrap_or("");
        let len: usize = rest.chars().take(to.saturating_sub(from).min(4096)).map(char::len_utf8).sum();
        (self.offset(self.bytes), if self.wide { 2 * len as u64 } else { len as u64 })
    }

    fn offset(&self, byte: usize) -> u64 {
        let at = if self.wide { 2 + 2 * byte as u64 } else { byte as u64 };
        at.min(self.view.len())
    }

    /// Takes one event; `false` ends the reading.
    fn step(&mut self, event: &Event<'_>, at: u64, len: u64, scan: &mut Scan<'_>) -> bool {
        match event {
            Event::Scalar(value, _, anchor, tag) => {
                if *anchor > 0 && self.anchors.len() < ANCHORS {
                    self.anchors.insert(*anchor, value.chars().take(512).collect());
                    self.weights.insert(*anchor, 1);
                }
                self.tag(tag.as_deref(), Some(value), at, len, scan);
                self.node(1);
                self.scalar(value, at, len, scan);
            }
            Event::Alias(id) => {
                self.node(self.weights.get(id).copied().unwrap_or(1));
                if let Some(value) = self.anchors.get(id).cloned() {
                    self.scalar(&value, at, len, scan);
                } else {
                    self.value_done();
                }
            }
            Event::MappingStart(anchor, tag) => {
                return self.open(true, *anchor, tag.as_deref(), at, len, scan);
            }
            Event::SequenceStart(anchor, tag) => {
                return self.open(false, *anchor, tag.as_deref(), at, len, scan);
            }
            Event::MappingEnd | Event::SequenceEnd => {
                if let Some(level) = self.levels.pop() {
                    if level.anchor > 0 && self.weights.len() < ANCHORS {
                        self.weights.insert(level.anchor, level.weight);
                    }
                    self.node(level.weight);
                    if !self.told && level.weight > 1 << 24 {
                        self.told = true;
                        scan.state(self.view, at, len.max(1), Fact::Expansion { power: level.weight.ilog2() });
                    }
                }
                self.value_done();
            }
            _ => {}
        }
        true
    }

    fn open(&mut self, map: bool, anchor: usize, tag: Option<&Tag>, at: u64, len: u64, scan: &mut Scan<'_>) -> bool {
        self.tag(tag, None, at, len, scan);
        if self.levels.len() >= DEPTH {
            scan.gap("limit-json-depth");
            return false;
        }
        self.levels.push(Level { map, key: None, weight: 1, anchor });
        true
    }

    /// Counts nodes into the collection that is open.
    fn node(&mut self, weight: u64) {
        self.total = self.total.saturating_add(1);
        if let Some(level) = self.levels.last_mut() {
            level.weight = level.weight.saturating_add(weight);
        }
    }

    fn value_done(&mut self) {
        if let Some(level) = self.levels.last_mut()
            && level.map
        {
            // A collection may itself be a key; then its value comes next.
            level.key = if level.key.is_some() { None } else { Some(String::new()) };
        }
    }

    fn scalar(&mut self, value: &str, at: u64, len: u64, scan: &mut Scan<'_>) {
        let depth = self.levels.len();
        let Some(level) = self.levels.last_mut() else {
            return;
        };
        if level.map && level.key.is_none() {
            let key: String = value.chars().take(256).collect();
            self.mlflow.flavors |= depth == 1 && key == "flavors";
            level.key = Some(key);
            return;
        }
        let key = if level.map { level.key.take() } else { self.levels.iter().rev().skip(1).find_map(|l| l.key.clone()) };
        let Some(key) = key else { return };
        setting::pair(self.view, at, len, &key, value, scan);
        setting::command(self.view, at, len, &key, value, scan);
        self.known(&key, value, depth, at, len, scan);
    }

    /// Keys of formats that are YAML files.
    fn known(&mut self, key: &str, value: &str, depth: usize, at: u64, len: u64, scan: &mut Scan<'_>) {
        let view = self.view;
        match key {
            "loader_module" => self.mlflow.loader = Some((value.to_string(), at, len)),
            // Older versions wrote whole paths of models that are code, and take the file of that name beside the model.
            "model_code_path" if !value.is_empty() && value != "null" => self.mlflow.code = true,
            "code" if !value.is_empty() && value != "null" && !super::json::leaves_folder(value) => self.mlflow.code = true,
            // The name under which an MLflow registry, or a recipe, keeps files.
            "model_name" | "artifact_path" if super::json::leaves_folder(value) => scan.state(view, at, len, Fact::Traversal { target: value.to_string() }),
            // BentoML's `bento.yaml` lies above its source, `bentofile.yaml` beside it; cog's `cog.yaml` names a file.
            "service" | "predict" | "train" if depth == 1 && setting::is_entry(value) => {
                scan.state(view, at, len, Fact::CodeReference { key: key.to_string(), target: value.to_string(), origin: "beside" });
                let module = value.split(':').next().unwrap_or("");
                let path = module.strip_suffix(".py").map_or_else(|| module.replace('.', "/"), str::to_string);
                if scan.member().is_empty() {
                    let above = scan.name().rsplit('/').next() == Some("bento.yaml");
                    scan.names_code(&format!("{}{path}.py", if above { "src/" } else { "" }));
                }
            }
            "setup_script" if !value.is_empty() && value != "null" => scan.state(view, at, len, Fact::OwnCode { kind: "script", name: value.to_string() }),
            "pickle_module_name" => scan.state(view, at, len, Fact::LoaderModule { module: value.to_string(), code: false }),
            "python_model" | "pickled_model" | "model_path" | "model_data" | "data" | "path" | "code" | "env"
                if self.mlflow.flavors && !value.contains("://") =>
            {
                if super::json::leaves_folder(value) {
                    scan.state(view, at, len, Fact::Traversal { target: value.to_string() });
                } else if matches!(key, "python_model" | "pickled_model" | "model_path") {
                    scan.state(view, at, len, Fact::Reference { target: value.to_string() });
                }
            }
            "license" | "license_name" | "license_link" if depth <= 2 => {
                scan.state(view, at, len, Fact::Metadata { key: key.to_string(), value: value.to_string() })
            }
            "mlflow_version" | "nemo_version" | "bentoml_version" | "model_type" if depth <= 3 => {
                scan.state(view, at, len, Fact::Metadata { key: key.to_string(), value: value.to_string() })
            }
            _ => {}
        }
        if let Some(what) = super::packages::listed(key, value) {
            scan.state(view, at, len, Fact::PackageSource { what, line: crate::secret::masked(value) });
        }
        if super::jinja::worth_a_look(key, value) {
            super::jinja::inspect(value, view, at, scan);
        }
    }

    /// Object tags: what they name is resolved while the text is read.
    fn tag(&self, tag: Option<&Tag>, value: Option<&str>, at: u64, len: u64, scan: &mut Scan<'_>) {
        let Some(tag) = tag else { return };
        let whole = format!("{}{}", tag.handle, tag.suffix);
        if let Some(fact) = object_tag(&percent_decoded(&whole), value) {
            scan.state(self.view, at, len.max(1), fact);
        }
    }

    fn finish(self, scan: &mut Scan<'_>) {
        if let Some((module, at, len)) = self.mlflow.loader {
            scan.state(self.view, at, len, Fact::LoaderModule { module, code: self.mlflow.code });
        }
    }
}

/// PyYAML's `python/…` tags, the tags of HyperPyYAML, and those of Ruby and Java libraries.
fn object_tag(tag: &str, value: Option<&str>) -> Option<Fact> {
    let target = |way, name: &str| Some(Fact::Target { way, name: name.to_string(), eager: true });
    let text = value.unwrap_or("");
    if let Some(rest) = tag.split_once("python/").map(|(_, rest)| rest) {
        let (kind, name) = rest.split_once(':').unwrap_or((rest, text));
        return match kind {
            "object/apply" => target("!!python/object/apply", name),
            "object/new" => target("!!python/object/new", name),
            "object" => target("!!python/object", name),
            "name" => target("!!python/name", name),
            "module" => target("!!python/module", name),
            _ => None,
        };
    }
    // Psych allocates an object of any class and fills it (CVE-2013-0156).
    if let Some((kind, name)) = tag.split_once("ruby/").and_then(|(_, rest)| rest.split_once(':')) {
        return match kind {
            "object" | "exception" => target("!ruby/object", name),
            "hash" | "array" | "string" | "struct" => target("!ruby/struct", name),
            _ => None,
        };
    }
    let plain = tag.trim_start_matches('!');
    // HyperPyYAML reads another file of settings, and imports a file or module.
    if let Some(name) = plain.strip_prefix("include:").filter(|n| super::json::leaves_folder(n)) {
        return Some(Fact::Traversal { target: name.to_string() });
    }
    if let Some(name) = plain.strip_prefix("module:").filter(|n| !n.contains('.')) {
        return Some(Fact::CodeReference { key: "!module".into(), target: name.to_string(), origin: "library" });
    }
    // js-yaml makes a function of the text (CVE-2013-4660).
    if tag.ends_with("js/function") {
        return Some(Fact::Script { language: "JavaScript", what: "run-data", when: When::Load, call: text.chars().take(300).collect() });
    }
    if let Some((kind, name)) = plain.split_once(':')
        && !name.is_empty()
        && setting::is_dotted(name)
    {
        match kind {
            "new" => return target("!new", name),
            "name" => return target("!name", name),
            "apply" => return target("!apply", name),
            "module" => return target("!module", name),
            _ => {}
        }
    }
    // SnakeYAML instantiates any class on its path from a global tag (CVE-2022-1471).
    let java = tag.strip_prefix("tag:yaml.org,2002:").filter(|n| n.contains('.') && setting::is_dotted(n));
    java.map(|name| Fact::ForeignClass { runtime: "java", name: name.to_string() })
}

/// Object tags in a short text that stands at `at` of the view.
pub fn tags(view: View<'_>, at: u64, text: &str, scan: &mut Scan<'_>) {
    for (i, _) in text.match_indices("!!python/") {
        let tag: String = text.get(i..).unwrap_or("").chars().take_while(|c| !c.is_whitespace() && !matches!(c, ']' | '}' | ',')).collect();
        if let Some(fact) = object_tag(&percent_decoded(&tag), None) {
            scan.state(view, at, text.len() as u64, fact);
        }
    }
}

/// Names of code in a text that is no YAML to the end.
fn by_line(view: View<'_>, text: &str, wide: bool, scan: &mut Scan<'_>) {
    if wide {
        return;
    }
    let mut at = 0u64;
    for line in text.split_inclusive('\n') {
        let len = line.len() as u64;
        if let Some(from) = line.find("python/") {
            let tag: String = line.get(from..).unwrap_or("").chars().take_while(|c| !c.is_whitespace() && !matches!(c, '>' | ']' | '}' | ',')).collect();
            if line.get(..from).is_some_and(|b| b.trim_end_matches("tag:yaml.org,2002:").ends_with(['!', '<']))
                && let Some(fact) = object_tag(&percent_decoded(&tag), None)
            {
                scan.state(view, at + from as u64, tag.len() as u64, fact);
            }
        }
        if let Some((key, value)) = line.split_once(':')
            && let key = key.trim().trim_start_matches("- ").trim_matches(['"', '\''])
            && setting::way(key).is_some_and(|(w, _)| w != "target")
        {
            setting::pair(view, at, len, key, value.trim().trim_matches(['"', '\'']), scan);
        }
        at += len;
    }
}

#[cfg(test)]
mod tests {
    use crate::{Lang, Verdict};

    fn verdict(text: &str) -> Verdict {
        crate::scan(&text.as_bytes().to_vec(), "config.yaml", Lang::En).verdict
    }

    #[test]
    fn object_tags_in_every_spelling() {
        for text in [
            "a: !!python/object/apply:os.system [x]\n",
            "%TAG ! tag:yaml.org,2002:\n---\na: !python/object/apply:os.system [x]\n",
            "a: !<tag:yaml.org,2002:python/object/apply:os.system> [x]\n",
            "a: !!python/object/apply:os%2esystem [x]\n",
            "- !!python/object/new:os.system [x]\n",
            "{a: !!python/name:os.system }\n",
            "a: !apply:os.system [x]\n",
        ] {
            assert_eq!(verdict(text), Verdict::Dangerous, "{text}");
        }
    }

    #[test]
    fn names_of_code_are_judged_by_what_they_name() {
        for text in [
            "m:\n  _target_: os.system\n",
            "m:\n  \"\\x5ftarget\\x5f\": \"torch.load\"\n",
            "x: &e\n  _target_: torch.load\ny:\n  <<: *e\n",
            "n: &n os.system\nm:\n  _target_: *n\n",
            "m:\n  _target_: hydra.utils.get_method\n  path: subprocess.getoutput\n",
            "m: {_target_: functools.partial, func: {_target_: subprocess.getoutput}}\n",
        ] {
            assert_eq!(verdict(text), Verdict::Dangerous, "{text}");
        }
        for text in [
            "encoder:\n  _target_: nemo.collections.asr.modules.ConvASREncoder\n  lr: 1.0\n",
            "m:\n  _target_: my.project.Net\n",
            "m:\n  _target_: hydra.utils.get_method\n  path: torch.nn.functional.relu\n",
            "opt: !!python/object:argparse.Namespace\n  lr: 0.1\n",
            "t: !!python/tuple [1, 2]\n",
            "a: !new:torch.nn.Linear\n  in: 1\n",
        ] {
            assert_eq!(verdict(text), Verdict::Clear, "{text}");
        }
    }

    #[test]
    fn aliases_of_aliases_are_counted() {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x]\n".to_string();
        for i in 1..12 {
            let p = i - 1;
            text.push_str(&format!("a{i}: &a{i} [*a{p}, *a{p}, *a{p}, *a{p}, *a{p}, *a{p}, *a{p}, *a{p}]\n"));
        }
        assert_eq!(verdict(&text), Verdict::Suspicious);
    }

    #[test]
    fn mlflow_loaders() {
        let model = |loader: &str| {
            format!("artifact_path: model\nflavors:\n  python_function:\n    loader_module: {loader}\n    python_version: 3.11.0\nmlflow_version: 2.14.0\n")
        };
        assert_eq!(verdict(&model("mlflow.sklearn")), Verdict::Clear);
        assert_eq!(verdict(&model("subprocess")), Verdict::Dangerous);
        assert_eq!(verdict(&model("evil_loader")), Verdict::Dangerous);
    }
}
