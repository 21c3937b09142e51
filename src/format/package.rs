//! Packages for model servers and toolkits: TorchServe's archive, NeMo's and BentoML's, and the settings of Triton and of spaCy.
//!
//! They say which code serves the model. That code is read where it lies; here it is said that it is asked for.

use super::json::{self, Event, Reader};
use super::zip::{self, Archive};
use super::{Format, Match, plain, setting, tar};
use crate::bytes::View;
use crate::error::Result;
use crate::fact::Fact;
use crate::scan::Scan;

/// TorchServe (`model-archiver/model_packaging_utils.py`).
pub const MAR: Format = Format { id: "mar", name: "TorchServe archive", extensions: &["mar"], refines: &["zip"], probe: probe_mar, read: read_mar };

/// NVIDIA NeMo (`nemo/core/connectors/save_restore_connector.py`): a tar of settings, whose `_target_` names the class that is built, of a
/// checkpoint of PyTorch, and of whatever files the settings refer to.
pub const NEMO: Format = Format { id: "nemo", name: "NeMo", extensions: &["nemo"], refines: &["tar"], probe: probe_nemo, read: read_tar };

/// BentoML (`bentoml/_internal/bento`): a tar of the service's source, its models, and `bento.yaml` that says what is served and installed.
pub const BENTO: Format =
    Format { id: "bento", name: "BentoML archive", extensions: &["bento", "bentomodel"], refines: &["tar"], probe: probe_bento, read: read_tar };

/// Triton's `config.pbtxt` (`model_config.proto` as text).
pub const TRITON: Format =
    Format { id: "triton", name: "Triton settings", extensions: &["pbtxt"], refines: &["text", "yaml"], probe: probe_triton, read: read_triton };

/// spaCy's and thinc's `config.cfg`: INI sections whose `@registry` keys name functions.
pub const SPACY: Format = Format { id: "spacy", name: "spaCy settings", extensions: &["cfg"], refines: &["text"], probe: probe_spacy, read: read_spacy };

/// Bytes of settings that are read.
const MOST: u64 = 16 << 20;

/// Handlers that TorchServe brings itself (`ts/torch_handler`).
const HANDLERS: &[&str] = &["image_classifier", "image_segmenter", "object_detector", "text_classifier", "base_handler", "vllm_handler", "micro_batching"];

fn probe_mar(view: View<'_>) -> Match {
    if zip::any_member(view, |n| n == "MAR-INF/MANIFEST.json") { Match::Sure } else { Match::No }
}

fn read_mar(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    let archive = Archive::open(view, scan)?;
    for n in 0..archive.len() {
        let manifest = archive.entry(n)?.name == "MAR-INF/MANIFEST.json";
        let mut by = |inner: View<'_>, scan: &mut Scan<'_>| read_manifest(inner, scan);
        archive.member(n, scan, false, manifest.then_some(&mut by as _))?;
    }
    Ok(())
}

/// Members that a toolkit writes in front of, or behind, all others: so many headers are looked at for them.
const MEMBERS: usize = 256;

fn holds(view: View<'_>, wanted: &[&str]) -> bool {
    tar::begins(view) && tar::names(view, MEMBERS).iter().any(|n| wanted.contains(&n.as_str()))
}

fn probe_nemo(view: View<'_>) -> Match {
    if holds(view, &["model_config.yaml"]) { Match::Sure } else { Match::No }
}

/// A service, or a model of BentoML's store by itself.
fn probe_bento(view: View<'_>) -> Match {
    if holds(view, &["bento.yaml"]) || holds(view, &["model.yaml"]) && !holds(view, &["model_config.yaml"]) { Match::Sure } else { Match::No }
}

/// What is dangerous stands in the members, each of which is read as what it is.
fn read_tar(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    tar::walk(view, scan, &mut |_, _| Ok(false))
}

fn read_manifest(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    scan.kind("manifest");
    json::read(view, scan)?;
    let mut r = Reader::new(view, 0, view.len(), 4096);
    let mut key = String::new();
    while let Some(event) = r.advance()? {
        match event {
            Event::Key => key = r.text().chars().take(256).collect(),
            Event::String => {
                let text = r.text().into_owned();
                let file = text.split(':').next().unwrap_or("");
                match key.as_str() {
                    "handler" if !HANDLERS.contains(&file.rsplit('/').next().unwrap_or("").trim_end_matches(".py")) => {
                        scan.state(view, r.start(), r.len(), Fact::OwnCode { kind: "script", name: text.clone() });
                    }
                    "modelFile" if !text.is_empty() => scan.state(view, r.start(), r.len(), Fact::OwnCode { kind: "script", name: text.clone() }),
                    "modelName" | "modelVersion" | "runtime" | "archiverVersion" => {
                        scan.state(view, r.start(), r.len(), Fact::Metadata { key: key.clone(), value: text.clone() })
                    }
                    _ => {}
                }
                if matches!(key.as_str(), "handler" | "modelFile" | "serializedFile" | "requirementsFile" | "configFile" | "extraFiles")
                    && json::leaves_folder(&text)
                {
                    scan.state(view, r.start(), r.len(), Fact::Traversal { target: text });
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn probe_triton(view: View<'_>) -> Match {
    let Ok(head) = view.head(4096) else {
        return Match::No;
    };
    // Every file comes by here: only what could be one is decoded.
    if !["backend", "platform"].iter().any(|key| memchr::memmem::find(&head, key.as_bytes()).is_some()) {
        return Match::No;
    }
    let text = String::from_utf8_lossy(&head);
    let top = |key: &str| text.lines().any(|l| l.trim_start().strip_prefix(key).is_some_and(|r| r.trim_start().starts_with([':', '[', '{'])));
    let model = (top("backend") || top("platform"))
        && ["name", "input", "max_batch_size", "parameters", "model_operations", "model_warmup", "model_repository_agents", "cc_model_filenames"]
            .iter()
            .any(|k| top(k));
    if model && text.contains('"') && plain::probe_text(view) != Match::No && !json::looks_like(view) { Match::Sure } else { Match::No }
}

/// Backends that come with Triton and run the model's graph, not the model's code.
const BACKENDS: &[&str] = &[
    "tensorrt", "onnxruntime", "tensorflow", "pytorch", "openvino", "fil", "tensorrtllm", "dali", "identity", "repeat", "square", "ensemble", "vllm",
    "armnn_tflite", "paddle", "hugectr", "",
];

fn read_triton(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    plain::read_text(view, scan)?;
    let Some(text) = settings(view, scan)? else {
        return Ok(());
    };
    let mut waiting = String::new();
    for (at, key, value) in pairs(&text) {
        let len = value.len() as u64;
        match key {
            "backend" if value == "python" => scan.state(view, at, len, Fact::OwnCode { kind: "backend", name: "model.py (python)".into() }),
            "backend" if !BACKENDS.contains(&value) => scan.state(view, at, len, Fact::OwnCode { kind: "backend", name: value.to_string() }),
            "name" | "platform" | "backend" => scan.state(view, at, len, Fact::Metadata { key: key.to_string(), value: value.to_string() }),
            "op_library_filename" => scan.state(view, at, len, Fact::OwnCode { kind: "plugin", name: value.to_string() }),
            "default_model_filename" | "library" => {}
            "key" => waiting = value.to_string(),
            "string_value" if waiting == "EXECUTION_ENV_PATH" => scan.state(view, at, len, Fact::OwnCode { kind: "backend", name: value.to_string() }),
            "agents" if value != "checksum" => scan.state(view, at, len, Fact::OwnCode { kind: "plugin", name: value.to_string() }),
            _ => {}
        }
        let names_file =
            matches!(key, "op_library_filename" | "default_model_filename" | "library" | "path" | "model_filename" | "cc_model_filenames" | "input_data_file")
                || key == "string_value" && waiting == "EXECUTION_ENV_PATH"
                || matches!(key, "value" | "name");
        // Triton puts the model's own folder in place of its variable.
        let plain = value.trim_start_matches("$$TRITON_MODEL_DIRECTORY/");
        if names_file && json::leaves_folder(plain) {
            scan.state(view, at, len, Fact::Traversal { target: value.to_string() });
        }
    }
    Ok(())
}

/// The settings as text, if they are short enough to be settings.
fn settings(view: View<'_>, scan: &mut Scan<'_>) -> Result<Option<String>> {
    if view.len() > MOST {
        scan.gap("limit-settings");
        return Ok(None);
    }
    Ok(Some(String::from_utf8_lossy(&view.take(0, view.len(), MOST as usize)?).into_owned()))
}

/// `key: "value"` in a text protobuf, with the offset of the value; braces and lists are passed over.
pub(super) fn pairs(text: &str) -> Vec<(u64, &str, &str)> {
    let mut out = Vec::new();
    let mut at = 0;
    let mut key = "";
    let bytes = text.as_bytes();
    while let Some(b) = bytes.get(at) {
        match b {
            b'#' => at += bytes.iter().skip(at).position(|c| *c == b'\n').unwrap_or(bytes.len()),
            b'"' | b'\'' => {
                let from = at + 1;
                let len = bytes.iter().skip(from).position(|c| c == b).unwrap_or(bytes.len().saturating_sub(from));
                out.push((from as u64, key, text.get(from..from + len).unwrap_or("")));
                at = from + len + 1;
            }
            b if b.is_ascii_alphabetic() || *b == b'_' => {
                let len = bytes.iter().skip(at).position(|c| !(c.is_ascii_alphanumeric() || *c == b'_')).unwrap_or(bytes.len() - at);
                let word = text.get(at..at + len).unwrap_or("");
                at += len;
                if text.get(at..).is_some_and(|r| r.trim_start().starts_with([':', '{', '['])) {
                    key = word;
                }
            }
            _ => at += 1,
        }
    }
    out
}

fn probe_spacy(view: View<'_>) -> Match {
    let Ok(head) = view.head(64 * 1024) else {
        return Match::No;
    };
    if plain::probe_text(view) == Match::No {
        return Match::No;
    }
    let text = String::from_utf8_lossy(&head);
    let mut lines = text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with(['#', ';']));
    let section = lines.next().is_some_and(|l| l.starts_with('[') && l.ends_with(']'));
    if section && lines.any(|l| l.starts_with('@') && l.contains('=')) { Match::Sure } else { Match::No }
}

fn read_spacy(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    plain::read_text(view, scan)?;
    let Some(text) = settings(view, scan)? else {
        return Ok(());
    };
    let mut at = 0u64;
    for line in text.split_inclusive('\n') {
        let len = line.trim_end().len() as u64;
        if let Some((key, value)) = line.split_once('=') {
            let (key, value) = (key.trim(), value.trim().trim_matches(['"', '\'']));
            if let Some(registry) = key.strip_prefix('@') {
                // Registered functions are called while the pipeline is made; their names carry a version, not a module.
                if setting::is_dotted(value) {
                    scan.state(view, at, len, Fact::Target { way: "@registry", name: value.to_string(), eager: false });
                }
                let _ = registry;
            } else if key == "before_init" || key.ends_with("_path") || key == "init" || key == "vectors" || key == "init_tok2vec" {
                if json::leaves_folder(value) && !value.starts_with('$') {
                    scan.state(view, at, len, Fact::Traversal { target: value.to_string() });
                }
            } else {
                setting::pair(view, at, len, key, value, scan);
            }
        }
        at += line.len() as u64;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{Lang, Verdict};

    fn verdict(name: &str, text: &str) -> Verdict {
        crate::scan(&text.as_bytes().to_vec(), name, Lang::En).verdict
    }

    #[test]
    fn spacy_registries() {
        let good = "[paths]\ntrain = null\n\n[nlp]\nlang = \"en\"\n\n[components.ner.model]\n@architectures = \"spacy.TransitionBasedParser.v2\"\n\n[training.optimizer]\n@optimizers = \"Adam.v1\"\nlearn_rate = 0.001\n";
        assert_eq!(verdict("config.cfg", good), Verdict::Clear);
        assert_eq!(verdict("config.cfg", &good.replace("Adam.v1", "os.system")), Verdict::Dangerous);
    }

    #[test]
    fn triton_backends() {
        let good = "name: \"m\"\nplatform: \"onnxruntime_onnx\"\nmax_batch_size: 8\ninput [ { name: \"x\" data_type: TYPE_FP32 dims: [ 3 ] } ]\n";
        assert_eq!(verdict("config.pbtxt", good), Verdict::Clear);
        assert_eq!(verdict("config.pbtxt", &format!("{good}default_model_filename: \"../../x.so\"\n")), Verdict::Dangerous);
        assert_eq!(verdict("config.pbtxt", &format!("{good}model_operations {{ op_library_filename: [ \"libx.so\" ] }}\n")), Verdict::Suspicious);
    }
}
