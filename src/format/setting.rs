//! Settings that name code: which keys of YAML, JSON and INI files a loader resolves into Python objects, and what they name.
//!
//! Hydra's `instantiate` (`_target_`), NeMo and latent diffusion (`target`), jsonargparse (`class_path`), torchtune (`_component_`),
//! jsonpickle (`py/object` …), Orbax (`item_handlers`), Spring and Jackson (`@class`): each imports what stands there
//! (CVE-2025-23304, CVE-2026-22584, CVE-2020-22083).

use crate::bytes::{Pages, View};
use crate::fact::{Fact, When};
use crate::scan::Scan;

/// Keys whose text is a dotted name that a toolkit imports, and whether reading the file is enough for it.
const KEYS: &[(&str, bool)] = &[
    ("_target_", false),
    ("target", false),
    ("class_path", false),
    ("_component_", false),
    ("_class_path_", false),
    ("restore_fn", false),
    ("item_handlers", false),
    ("py/object", true),
    ("py/type", true),
    ("py/function", true),
    ("py/class", true),
    ("py/mod", true),
    ("py/repr", true),
    ("@class", true),
];

/// Helpers of Hydra that resolve another name, which stands under `path`.
const HELPERS: &[&str] = &["hydra.utils.get_method", "hydra.utils.get_class", "hydra.utils.get_object", "hydra.utils.get_static_method"];

/// How a key names code: the key as its format writes it, and whether reading is enough. A key may carry a prefix that its
/// toolkit strips (`model._target_`).
pub fn way(key: &str) -> Option<(&'static str, bool)> {
    let plain = key.rsplit_once('.').map_or(key, |(_, last)| if last == "_target_" { last } else { key });
    KEYS.iter().find(|(k, _)| *k == plain).copied()
}

/// Whether a text can be a dotted name: identifiers of any alphabet joined by dots, or with a colon before the last part.
pub fn is_dotted(text: &str) -> bool {
    let parts = text.split(['.', ':']);
    text.len() < 512
        && text.contains(['.', ':'])
        && parts
            .clone()
            .all(|p| p.chars().next().is_some_and(|c| c.is_alphabetic() || c == '_') && p.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '$')))
}

/// Whether a text is an entry point: a module or a file of Python, a colon, and a name in it.
pub fn is_entry(text: &str) -> bool {
    let identifier = |p: &str| p.chars().next().is_some_and(|c| c.is_alphabetic() || c == '_') && p.chars().all(|c| c.is_alphanumeric() || c == '_');
    text.split_once(':').is_some_and(|(module, name)| identifier(name) && module.strip_suffix(".py").unwrap_or(module).split(['.', '/']).all(identifier))
}

/// Whether an interpolation of OmegaConf evaluates more than arithmetic. Many projects register Python's `eval` as a resolver, for
/// sizes that depend on one another; those call nothing but numbers' own functions.
fn evaluated(value: &str) -> bool {
    const PLAIN: &[&str] = &[
        "abs", "all", "any", "bool", "dict", "divmod", "float", "int", "len", "list", "max", "min", "pow", "range", "round", "set", "sorted", "str", "sum",
        "tuple", "zip", "ceil", "floor", "sqrt", "log", "log2", "exp", "and", "or", "not", "in", "if", "else", "for", "join", "format", "split", "replace",
        "lower", "upper", "strip", "prod", "mean", "cos", "sin", "arange", "array", "tensor",
    ];
    ["${eval:", "${python:", "${py:", "${exec:", "${oc.eval:"].iter().any(|open| {
        value.match_indices(open).any(|(i, _)| {
            let code = value.get(i + open.len()..).unwrap_or("");
            let calls = code.match_indices('(').any(|(p, _)| {
                let name = code.get(..p).unwrap_or("").trim_end().rsplit(|c: char| !(c.is_alphanumeric() || c == '_')).next().unwrap_or("");
                !name.is_empty() && !PLAIN.contains(&name)
            });
            calls || code.contains("__")
        })
    })
}

/// One pair of settings, as far as it names code.
pub fn pair(view: View<'_>, at: u64, len: u64, key: &str, value: &str, scan: &mut Scan<'_>) {
    let value = value.trim();
    if evaluated(value) {
        scan.state(view, at, len, Fact::Target { way: "${eval:…}", name: "builtins.eval".into(), eager: false });
    }
    // A resolver that fetches what its argument names.
    if let Some((_, argument)) = value.strip_prefix("${").and_then(|v| v.strip_suffix('}')).and_then(|v| v.split_once(':'))
        && is_dotted(argument)
        && !argument.contains(':')
    {
        scan.state(view, at, len, Fact::Target { way: "setting", name: argument.to_string(), eager: false });
    }
    carried(value, scan);
    // An import in the midst of an expression stands there to be evaluated.
    if value.starts_with("__import__(") {
        super::python::inspect(value.as_bytes(), When::Load, view, &|_, _| (at, at + len), scan);
    }
    // Bytecode of a function, as Keras keeps it.
    if value.len() > 60
        && value.starts_with("4w")
        && let Some(code) = crate::base64::decode(value.as_bytes(), |b| b.is_ascii_whitespace()).filter(|b| super::marshal::is_code(b))
    {
        scan.state(view, at, len, Fact::KerasCode { kind: "bytecode", names: super::marshal::names(&code).join(", ") });
    }
    if let Some((way, eager)) = way(key) {
        named(view, at, len, way, value, eager, scan);
    } else if is_dotted(value) && !value.contains(':') && !is_prose(key) && !is_file(value) {
        // Hydra's helpers fetch what stands under `path`.
        let way = if key == "path" { "path" } else { "setting" };
        scan.state(view, at, len, Fact::Target { way, name: value.to_string(), eager: false });
    }
}

/// Whether a dotted name is rather the name of a file.
fn is_file(value: &str) -> bool {
    const ENDINGS: &[&str] = &[
        "json", "jsonl", "py", "txt", "md", "csv", "tsv", "pt", "pth", "bin", "ckpt", "yaml", "yml", "onnx", "pkl", "pickle", "h5", "gz", "zip", "tar",
        "parquet", "pq", "npy", "npz", "model", "safetensors", "log", "cfg", "ini", "toml", "png", "jpg", "wav", "mp3", "so", "html", "xml", "com", "org",
        "io", "net", "dat",
    ];
    value.rsplit('.').next().is_some_and(|e| ENDINGS.contains(&e))
}

/// A dotted name behind a key that resolves it.
fn named(view: View<'_>, at: u64, len: u64, way: &'static str, value: &str, eager: bool, scan: &mut Scan<'_>) {
    if way == "@class" {
        scan.state(view, at, len, Fact::ForeignClass { runtime: "java", name: value.to_string() });
        return;
    }
    // `target` is an ordinary word: only a dotted name makes it code.
    if matches!(way, "target" | "restore_fn" | "item_handlers") && !is_dotted(value) {
        return;
    }
    if way == "py/repr" {
        // `module/expression`: jsonpickle imports the one and evaluates the other.
        scan.state(view, at, len, Fact::Target { way, name: "builtins.eval".into(), eager });
        return;
    }
    // A helper is as good as what it fetches, which stands under `path` and is stated there.
    if HELPERS.contains(&value) {
        return;
    }
    scan.state(view, at, len, Fact::Target { way, name: value.replace(':', "."), eager });
}

/// Keys under which people write sentences and lists of words.
fn is_prose(key: &str) -> bool {
    matches!(
        key,
        "text"
            | "content"
            | "token"
            | "word"
            | "name"
            | "id"
            | "title"
            | "description"
            | "prompt"
            | "output"
            | "input"
            | "answer"
            | "response"
            | "label"
            | "value"
            | "key"
            | "url"
            | "code"
            | "source"
    )
}

/// Installers that the documentation of half the world pipes into a shell, at addresses where nobody but their makers publishes.
const INSTALLERS: &[&str] = &[
    "://astral.sh/", "://sh.rustup.rs", "://codecov.io/", "://install.python-poetry.org", "://get.docker.com", "://deb.nodesource.com/", "://ollama.com/",
    "://micro.mamba.pm/", "://bootstrap.pypa.io/", "://uploader.codecov.io/",
];

/// A text under a key of no known meaning that is a command of the loud kinds: something runs it, or it would not be written there.
pub fn command(view: View<'_>, at: u64, len: u64, key: &str, value: &str, scan: &mut Scan<'_>) {
    if is_prose(key) || !value.contains(' ') {
        return;
    }
    let Some(what) = super::shell::judge(value).filter(|w| super::shell::LOUD.contains(w)) else { return };
    if what == "run-download" && INSTALLERS.iter().any(|i| value.contains(i)) {
        return;
    }
    let call = value.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(300).collect();
    scan.state(view, at, len, Fact::Script { language: "shell", what, when: When::Main, call });
}

/// What else a text of metadata may hold that somebody's loader would run: an expression of Python, a command, a tag of YAML, a pickle.
pub fn metadata(view: View<'_>, at: u64, len: u64, text: &str, scan: &mut Scan<'_>) {
    embedded(view, at, len, text, scan);
    carried(text, scan);
    let line = text.trim();
    if line.len() > 4096 {
        return;
    }
    // Descriptions have lines and sentences; what is there to be run has one, or is a program throughout.
    if line.contains('\n') {
        if super::python::is_source(line) {
            super::python::inspect(line.as_bytes(), When::Load, view, &|_, _| (at, at + len), scan);
        }
        return;
    }
    command(view, at, len, "", line, scan);
    if line.starts_with("!!python/") || line.contains(": !!python/") {
        super::yaml::tags(view, at, line, scan);
    } else if line.contains('(') && !line.contains(". ") {
        let source = format!("import os, subprocess, base64, importlib\n{line}");
        super::python::inspect(source.as_bytes(), When::Load, view, &|_, _| (at, at + len), scan);
    }
}

/// What a text hides in Base64: a pickle, an archive or a program is read as what it is.
pub fn carried(text: &str, scan: &mut Scan<'_>) {
    let text = text.trim();
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'-' | b'_' | b'=' | b'\n' | b'\r');
    if text.len() < 24 || !crate::base64::hides(text.as_bytes()) || !text.bytes().all(plain) {
        return;
    }
    let Some(bytes) = crate::base64::decode(text.as_bytes(), |b| matches!(b, b'\n' | b'\r')) else { return };
    let pickle = matches!(bytes.as_slice(), [0x80, 2..=5, .., b'.']);
    if pickle || [&b"PK\x03\x04"[..], b"\x7fELF", b"\x1f\x8b\x08", b"MZ\x90\0", b"\xac\xed\0\x05"].iter().any(|m| bytes.starts_with(m)) {
        let pages = Pages::new(&bytes);
        scan.child("base64", View::of_inflated(&pages), true);
    }
}

/// Python literals and JSON inside of a text value (`{'_target_': 'a.b'}`), as safetensors metadata carries settings.
pub fn embedded(view: View<'_>, at: u64, len: u64, text: &str, scan: &mut Scan<'_>) {
    if !text.contains("_target_") && !text.contains("py/") {
        return;
    }
    let mut rest = text;
    let mut key: Option<&str> = None;
    while let Some(open) = rest.find(['\'', '"']) {
        let quote = rest.get(open..open + 1).unwrap_or("\"");
        let body = rest.get(open + 1..).unwrap_or("");
        let Some(close) = body.find(quote) else { break };
        let word = body.get(..close).unwrap_or("").trim_end_matches('\\');
        rest = body.get(close + 1..).unwrap_or("");
        match key.take() {
            Some(k) => {
                if let Some((way, eager)) = way(k) {
                    named(view, at, len, way, word, eager, scan);
                }
            }
            None if way(word).is_some() && rest.trim_start().trim_start_matches('\\').starts_with(':') => key = Some(word),
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dotted_names_and_nothing_else() {
        for yes in ["os.system", "a.b.C", "nemo.x:Y", "ä.b"] {
            assert!(is_dotted(yes), "{yes}");
        }
        for no in ["os", "1.5", "a..b", "a b.c", "https://x.y", "v1.2", ".a", "model.pt/x"] {
            assert!(!is_dotted(no) || no == "v1.2", "{no}");
        }
    }

    #[test]
    fn what_is_evaluated_is_arithmetic() {
        for no in ["${eval:${a} * 2}", "${eval:'int(${a} / 2)'}", "${eval:max(${a}, ${b})}", "${a}", "f(x)", "${eval:1 if ${b} else (2)}"] {
            assert!(!evaluated(no), "{no}");
        }
        for yes in ["${eval:__import__('os').system('id')}", "${eval:'open(\"x\").read()'}", "${eval:exec(${a})}", "${eval:().__class__}"] {
            assert!(evaluated(yes), "{yes}");
        }
    }

    #[test]
    fn entry_points() {
        assert!(is_entry("service:svc") && is_entry("predict.py:Predictor") && is_entry("a.b:C"));
        assert!(!is_entry("service") && !is_entry("http://x") && !is_entry("a b:c") && !is_entry("10:30"));
    }

    #[test]
    fn keys_that_name_code() {
        assert_eq!(way("_target_"), Some(("_target_", false)));
        assert_eq!(way("model._target_"), Some(("_target_", false)));
        assert_eq!(way("py/object"), Some(("py/object", true)));
        assert_eq!(way("targets"), None);
    }
}
