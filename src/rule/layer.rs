//! What a Keras model or an HDF5 file makes its loader resolve, run or open.
//!
//! A configuration names classes and functions by module. Which of them a loader really fetches depends on its version: Keras up to 3.8
//! imported any module, tf-keras and the HDF5 way never asked for permission. So every name is judged by what it is: part of a model
//! (`known/layers.txt`, written by `known/layers.py` from the sources of all Keras versions), the author's own (needs code that
//! is not in the file), or something that no model consists of.

use super::known::{self, Place};
use super::{Args, Check, Rule, operators};
use crate::fact::Fact;
use crate::report::Severity;
use std::sync::OnceLock;

const fn rule(id: &'static str, name: &'static str, severity: Severity, refs: &'static [&'static str], check: fn(&Fact) -> Option<Args>) -> Rule {
    Rule { id, name, severity, refs, check: Check::Fact(check) }
}

/// The rules WS531 to WS547.
pub static RULES: &[Rule] = &[
    rule("WS531", "layer-bytecode", Severity::High, &["CVE-2024-3660", "CVE-2025-9905", "CWE-94"], |f| match f {
        Fact::KerasCode { kind: "bytecode", names } => Some(vec![("names", if names.is_empty() { "(not readable)".into() } else { names.clone() })]),
        _ => None,
    }),
    rule("WS532", "layer-pickle", Severity::High, &["CVE-2025-49655", "CWE-502"], |f| match f {
        Fact::KerasCode { kind: "torch", .. } => Some(Vec::new()),
        _ => None,
    }),
    rule("WS533", "layer-reaches-code", Severity::Critical, &["CVE-2025-1550", "CWE-470"], |f| object(f, Meaning::Dangerous)),
    rule("WS534", "layer-gadget", Severity::High, &["CVE-2025-8747", "CVE-2025-9906", "CVE-2025-12060", "CWE-470"], |f| object(f, Meaning::Gadget)),
    rule("WS535", "layer-impostor", Severity::High, &["CVE-2025-1550", "CWE-470"], |f| object(f, Meaning::Impostor)),
    rule("WS536", "layer-odd-module", Severity::Medium, &["CVE-2025-1550", "CWE-470"], |f| object(f, Meaning::Odd)),
    rule("WS537", "custom-object", Severity::Info, &["CWE-1104"], |f| object(f, Meaning::Custom)),
    rule("WS538", "layer-loads-model", Severity::High, &["CVE-2026-1462", "CWE-829"], |f| match f {
        Fact::KerasFile { class, target, .. } if class == "TFSMLayer" => Some(vec![("class", class.clone()), ("target", target.clone())]),
        _ => None,
    }),
    rule("WS539", "layer-reads-file", Severity::High, &["CVE-2025-12058", "CWE-73"], |f| layer_file(f, true)),
    rule("WS540", "layer-names-file", Severity::Medium, &["CVE-2025-12058", "CWE-73"], |f| layer_file(f, false)),
    rule("WS541", "data-from-elsewhere", Severity::High, &["CVE-2026-1669", "CWE-73"], |f| outside(f, true)),
    rule("WS542", "data-beside", Severity::Low, &["CVE-2026-1669", "CWE-829"], |f| outside(f, false)),
    rule("WS543", "group-cycle", Severity::Low, &["CWE-674"], |f| oddity(f, "cycle")),
    rule("WS544", "private-link", Severity::Medium, &["CWE-829"], |f| oddity(f, "user-link")),
    rule("WS545", "unknown-filter", Severity::Low, &["CWE-829"], |f| oddity(f, "unknown-filter")),
    rule("WS546", "oversized-claim", Severity::Medium, &["GHSA-xfhx-r7ww-5995", "CWE-789"], |f| oddity(f, "claims-too-much")),
];

fn oddity(f: &Fact, kind: &str) -> Option<Args> {
    match f {
        Fact::Hdf5Oddity { what, name } if *what == kind => Some(vec![("name", name.clone())]),
        _ => None,
    }
}

/// A model has nothing outside. Other HDF5 files may be spread over their folder; what leads out of it is none of their business.
fn outside(f: &Fact, grave: bool) -> Option<Args> {
    match f {
        Fact::OutsideData { kind, target, leaves, model } if (*leaves || *model) == grave => Some(vec![("kind", kind.to_string()), ("target", target.clone())]),
        _ => None,
    }
}

/// Layers that look words up; others may call a setting of theirs `vocabulary` without opening anything.
const LOOKUPS: &[&str] =
    &["StringLookup", "IntegerLookup", "IndexLookup", "TextVectorization", "Hashing", "StaticHashTable", "StaticVocabularyTable", "TextFileInitializer"];

fn layer_file(f: &Fact, grave: bool) -> Option<Args> {
    match f {
        Fact::KerasFile { class, target, leaves, .. } if class != "TFSMLayer" && *leaves == grave && (grave || LOOKUPS.contains(&class.as_str())) => {
            Some(vec![("class", class.clone()), ("target", target.clone())])
        }
        _ => None,
    }
}

/// What an object of a configuration is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meaning {
    /// Part of a model.
    Expected,
    /// The author's own, or of a newer version.
    Custom,
    /// Nothing that a model consists of, with no known effect.
    Odd,
    /// The name of a part, from a module that is not Keras.
    Impostor,
    /// A function of Keras or TensorFlow that loads, downloads, writes or switches protection off.
    Gadget,
    /// Known to run code, or to reach the machine.
    Dangerous,
}

const LAYERS: &str = include_str!("known/layers.txt");

fn is_part(name: &str) -> bool {
    static NAMES: OnceLock<Vec<&'static str>> = OnceLock::new();
    NAMES.get_or_init(|| LAYERS.lines().collect()).binary_search(&name).is_ok()
}

/// Packages that are Keras, under all the names it had.
const KERAS: &[&str] = &[
    "keras", "tf_keras", "keras_core", "tensorflow.keras", "tensorflow.python.keras", "tensorflow_core.python.keras", "tensorflow.contrib.keras", "keras_hub",
    "keras_cv", "keras_nlp",
];

/// Where in Keras models take their parts from.
const PARTS: &[&str] = &[
    "layers", "models", "losses", "metrics", "optimizers", "initializers", "regularizers", "constraints", "activations", "ops", "quantizers", "dtype_policies",
    "mixed_precision", "random", "engine", "legacy", "objectives", "training", "trainers", "feature_column", "premade_models", "tokenizers",
    "src.backend.common.keras_tensor", "utils.FeatureSpace", "utils.feature_space", "layers.preprocessing",
];

/// Functions that make objects out of names or call what they are handed, wherever they stand.
const MAKERS: &[&str] =
    &["get", "deserialize", "map", "scan", "cond", "while_loop", "fori_loop", "switch", "vectorized_map", "custom_gradient", "associative_scan"];

fn object(f: &Fact, wanted: Meaning) -> Option<Args> {
    let Fact::KerasObject { module, name, function, registered } = f else { return None };
    if meaning(module.as_deref(), name, *function, registered.as_deref()) != wanted {
        return None;
    }
    let full = match module {
        Some(m) if !m.is_empty() => format!("{m}.{name}"),
        _ => name.clone(),
    };
    Some(vec![("object", full)])
}

fn meaning(module: Option<&str>, name: &str, function: bool, registered: Option<&str>) -> Meaning {
    let module = module.unwrap_or("");
    if module.is_empty() || module == "__main__" {
        return by_name(name, function);
    }
    if let Some(inside) = KERAS.iter().find_map(|k| inside(module, k)) {
        return in_keras(inside, name, function);
    }
    if let Some(inside) = inside(module, "tensorflow").or(inside(module, "tensorflow_core")) {
        return in_tensorflow(inside, name);
    }
    if module == "builtins" || module == "__builtin__" {
        return match known::standing("builtins", name) {
            known::Standing::Dangerous { .. } => Meaning::Dangerous,
            _ => by_name(name, function),
        };
    }
    let found = match known::standing(module, name) {
        // Keras calls a class: one that may only be made and filled is no better than the rest of its module.
        known::Standing::Expected(uses) if uses.make && !uses.call && !function => match known::standing(module, "?") {
            known::Standing::Unknown(Place::Library | Place::Foreign) => known::Standing::Expected(uses),
            module => module,
        },
        found => found,
    };
    match found {
        known::Standing::Dangerous { .. } => Meaning::Dangerous,
        known::Standing::Unknown(Place::Stdlib) if function => Meaning::Dangerous,
        known::Standing::Unknown(Place::Stdlib | Place::Library) => Meaning::Odd,
        known::Standing::Expected(_) => Meaning::Custom,
        // Registered names have a package in front: `my_package>Dense`.
        known::Standing::Unknown(Place::Foreign) if is_part(name) && !function && registered.is_none_or(|r| !r.contains('>')) => Meaning::Impostor,
        known::Standing::Unknown(Place::Foreign) => Meaning::Custom,
    }
}

/// What is looked up among Keras's own parts and what the program registered: no module is imported for it.
fn by_name(name: &str, function: bool) -> Meaning {
    let plain = name.rsplit('>').next().unwrap_or(name);
    if is_part(plain) || !function && name.starts_with("__") { Meaning::Expected } else { Meaning::Custom }
}

/// The rest of a module's path behind a package, if it lies in it.
fn inside<'m>(module: &'m str, package: &str) -> Option<&'m str> {
    let rest = module.strip_prefix(package)?;
    if rest.is_empty() { Some("") } else { rest.strip_prefix('.') }
}

fn in_keras(path: &str, name: &str, function: bool) -> Meaning {
    let path = ["src.", "api.", "_tf_keras.keras.", "_v2.keras.", "_v1.keras."].iter().fold(path, |p, prefix| p.strip_prefix(prefix).unwrap_or(p));
    let path = if matches!(path, "src" | "api") { "" } else { path };
    let top = path.split('.').next().unwrap_or("");
    let full = format!("{path}.{name}");
    let parts = top.is_empty() || PARTS.iter().any(|p| *p == top || full.starts_with(p) || format!("src.{full}").starts_with(p));
    // These load something; by what they load they are judged.
    if matches!(name, "TorchModuleWrapper" | "TFSMLayer") {
        return Meaning::Expected;
    }
    // Layers that Keras defines beside the architectures which need them.
    if top == "applications" && matches!(name, "LayerScale" | "StochasticDepth" | "CustomScaleLayer") {
        return Meaning::Expected;
    }
    let camel = name.chars().next().is_some_and(char::is_uppercase);
    let maker = !camel
        && (MAKERS.contains(&name)
            || ["load", "save", "deserialize", "serialize", "model_from", "from_config", "enable_unsafe"].iter().any(|p| name.starts_with(p)));
    if name.contains('.') || maker {
        Meaning::Gadget
    } else if parts && is_part(name) {
        Meaning::Expected
    } else if parts && (camel || function && !top.is_empty()) {
        Meaning::Custom
    } else {
        Meaning::Gadget
    }
}

/// Parts of TensorFlow that reach files, other processes or Python.
const TF_REACHES: &[&str] = &[
    "io", "data", "saved_model", "train", "summary", "distribute", "sysconfig", "config", "profiler", "lookup", "compat", "estimator", "experimental", "tpu",
    "debugging.experimental", "test", "types", "autograph", "autodiff", "audio.decode", "numpy_function", "quantization.experimental", "gfile", "python_io",
    "resource_loader", "app", "load_library",
];

/// Operations that do, by their names in `raw_ops` and in Python.
const TF_OPS: &[&str] = &[
    "py_func", "py_function", "numpy_function", "eager_py_func", "PyFunc", "PyFuncStateless", "EagerPyFunc", "ReadFile", "WriteFile", "read_file",
    "write_file", "Save", "SaveV2", "SaveSlices", "Restore", "RestoreV2", "RestoreSlice", "MergeV2Checkpoints", "MatchingFiles", "matching_files",
    "LoadAndRemapMatrix", "TextLineReader", "TFRecordReader", "TFRecordReaderV2", "WholeFileReader", "WholeFileReaderV2", "FixedLengthRecordReader",
    "FixedLengthRecordReaderV2", "TextLineReaderV2", "TextLineDataset", "TFRecordDataset", "TFRecordDatasetV2", "FixedLengthRecordDataset",
    "FixedLengthRecordDatasetV2", "CSVDataset", "CSVDatasetV2", "SqlDataset", "LMDBDataset", "LMDBReader", "InitializeTableFromTextFile",
    "InitializeTableFromTextFileV2", "SaveDataset", "SaveDatasetV2", "LoadDataset", "DatasetToTFRecord", "CacheDataset", "CacheDatasetV2", "SnapshotDataset",
    "SnapshotDatasetV2", "CreateSummaryFileWriter", "RemoteCall", "RpcCall", "RpcClient", "RpcServer", "Rpc", "DebugIdentity", "DebugIdentityV2",
    "DebugIdentityV3", "DumpTensor", "XlaCustomCall", "XlaCustomCallV2", "TPUExecute", "DecodeProtoV2", "EncodeProto", "FileSystemSetConfiguration",
    "GenerateVocabRemapping", "RecordInput", "Skipgram", "FixedUnigramCandidateSampler", "load_op_library", "load_library", "load_file_system_library",
    "ShardedFilename", "DeleteOldDirs",
];

fn in_tensorflow(path: &str, name: &str) -> Meaning {
    let plain = path.trim_start_matches("compat.v1.").trim_start_matches("compat.v2.").trim_start_matches("_api.v2.");
    let plain = if matches!(plain, "compat.v1" | "compat.v2" | "_api.v2") { "" } else { plain };
    let reaches = |p: &str| plain == p || plain.strip_prefix(p).is_some_and(|r| r.starts_with('.'));
    // What stands there is an operation under its own name: it is judged by what it does in a graph.
    let acts = plain == "raw_ops" && matches!(operators::standing("tensorflow", "", name, &[]), operators::Standing::Acts(_));
    let decoding = reaches("io") && (name.starts_with("decode_") || name.starts_with("encode_") || name.starts_with("parse_"));
    if acts
        || TF_OPS.contains(&name)
        || !decoding && TF_REACHES.iter().any(|p| reaches(p))
        || plain.contains("script_ops")
        || plain.contains("io_ops")
        || plain.contains("lib.io")
        || plain.contains("load_library")
    {
        Meaning::Gadget
    } else if plain.starts_with("python.") || !name.starts_with("load") && !name.starts_with("save") {
        Meaning::Expected
    } else {
        Meaning::Gadget
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted_and_free_of_makers() {
        let names: Vec<&str> = LAYERS.lines().collect();
        assert!(names.is_sorted());
        assert!(names.len() > 1000);
        for bad in MAKERS.iter().chain(&["get_file", "load_model", "enable_unsafe_deserialization", "TFSMLayer", "TorchModuleWrapper"]) {
            assert!(!is_part(bad), "{bad}");
        }
    }

    #[test]
    fn parts_of_models_are_expected_under_every_name_that_keras_had() {
        for (module, name, function) in [
            (Some("keras.layers"), "Dense", false),
            (Some("keras"), "Sequential", false),
            (Some("keras"), "DTypePolicy", false),
            (Some("keras.src.models.functional"), "Functional", false),
            (Some("keras.src.engine.functional"), "Functional", false),
            (Some("tf_keras.layers"), "LSTM", false),
            (Some("tensorflow.keras.initializers"), "GlorotUniform", false),
            (Some("keras.activations"), "relu", true),
            (Some("builtins"), "relu", true),
            (Some("keras.src.ops.numpy"), "Add", false),
            (Some("keras.src.applications.convnext"), "LayerScale", false),
            (None, "Dense", false),
            (Some("tensorflow.math"), "add", true),
            (Some("tensorflow"), "reshape", true),
        ] {
            assert_eq!(meaning(module, name, function, None), Meaning::Expected, "{module:?} {name}");
        }
    }

    #[test]
    fn what_no_model_consists_of_is_told_apart() {
        for (module, name, function, wanted) in [
            ("os", "system", true, Meaning::Dangerous),
            ("subprocess", "check_output", false, Meaning::Dangerous),
            ("builtins", "eval", true, Meaning::Dangerous),
            ("importlib", "import_module", true, Meaning::Dangerous),
            ("keras.utils", "get_file", true, Meaning::Gadget),
            ("keras.config", "enable_unsafe_deserialization", true, Meaning::Gadget),
            ("keras.models", "load_model", true, Meaning::Gadget),
            ("keras.layers", "deserialize", true, Meaning::Gadget),
            ("keras.callbacks", "CSVLogger", false, Meaning::Gadget),
            ("keras.src.utils.python_utils", "func_load", true, Meaning::Gadget),
            ("tensorflow.io", "write_file", true, Meaning::Gadget),
            ("tensorflow.raw_ops", "ReadFile", true, Meaning::Gadget),
            ("tensorflow", "py_function", true, Meaning::Gadget),
            ("tensorflow.raw_ops", "ImmutableConst", true, Meaning::Gadget),
            ("tensorflow.raw_ops", "DataServiceDatasetV4", true, Meaning::Gadget),
            ("tensorflow.raw_ops", "MatMul", true, Meaning::Expected),
            ("tensorflow.compat.v1.gfile", "Open", true, Meaning::Gadget),
            ("evil_pkg.mod", "Dense", false, Meaning::Impostor),
            ("my_pkg.layers", "Gate", false, Meaning::Custom),
            ("my_pkg.losses", "focal", true, Meaning::Custom),
            ("keras.layers", "LayerOfNextYear", false, Meaning::Custom),
        ] {
            assert_eq!(meaning(Some(module), name, function, None), wanted, "{module} {name}");
        }
        assert_eq!(meaning(Some("my_pkg"), "Attention", false, Some("my_pkg>Attention")), Meaning::Custom);
    }
}
