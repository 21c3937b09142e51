//! The formats: one file each, one line each in [`FORMATS`]. Content decides, never the extension.

pub mod ar;
pub mod catboost;
pub mod cntk;
pub mod coreml;
pub mod engine;
pub mod executorch;
pub mod finder;
pub mod flat;
pub mod foreign;
pub mod ggml;
pub mod gguf;
pub mod graph;
pub mod hdf5;
mod image;
pub mod jinja;
pub mod json;
pub mod keras;
pub mod known_magic;
pub mod lightgbm;
mod marshal;
pub mod mlir;
pub mod msgpack;
pub mod mxnet;
pub mod native;
pub mod notebook;
mod numbers;
pub mod numpy;
pub mod oci;
pub mod onnx;
pub mod openvino;
pub mod ort;
pub mod package;
pub mod packages;
pub mod paddle;
pub mod pbtxt;
pub mod pickle;
pub mod plain;
pub mod pmml;
pub mod pointer;
pub mod proto;
pub mod python;
pub mod rds;
pub mod safetensors;
pub mod secrets;
pub mod setting;
pub mod seven;
pub mod shell;
pub mod skops;
pub mod stream;
pub mod tar;
pub mod tensorflow;
pub mod tf_checkpoint;
pub mod tfjs;
pub mod tflite;
pub mod tfrecord;
pub mod tool;
pub mod torch;
pub mod torch_tar;
mod tree;
pub mod vocabulary;
pub mod xgboost;
pub mod xml;
pub mod yaml;
pub mod zarr;
pub mod zip;

use crate::bytes::View;
use crate::error::{Error, Result};
use crate::fact::Fact;
use crate::scan::Scan;

/// How sure a probe is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Match {
    /// It is not this.
    No,
    /// It may be this, if it is nothing else.
    Weak,
    /// It is this.
    Sure,
}

/// One row: how to know a format and how to read it.
pub struct Format {
    /// Stable id, as in reports.
    pub id: &'static str,
    /// Name for people.
    pub name: &'static str,
    /// Endings in use, lower case, without the dot. They never decide; a wrong one is a finding.
    pub extensions: &'static [&'static str],
    /// Formats that this one is a special case of: where both match, the special one reads.
    pub refines: &'static [&'static str],
    /// Looks at a few bytes.
    pub probe: fn(View<'_>) -> Match,
    /// Reads to the end and states what there is.
    pub read: fn(View<'_>, &mut Scan<'_>) -> Result<()>,
}

/// Every format, the special before the general.
pub static FORMATS: &[Format] = &[
    torch::TORCH,
    skops::SKOPS,
    package::MAR,
    numpy::NPZ,
    keras::KERAS,
    zip::ZIP,
    torch_tar::TORCH_TAR,
    package::NEMO,
    package::BENTO,
    tar::TAR,
    ar::AR,
    ar::CPIO,
    seven::SEVEN,
    stream::GZIP,
    stream::BZIP2,
    stream::XZ,
    stream::ZSTD,
    stream::LZ4,
    stream::SNAPPY,
    stream::ZFILE,
    torch::LEGACY,
    numpy::NPY,
    gguf::GGUF,
    hdf5::HDF5,
    safetensors::SAFETENSORS,
    safetensors::INDEX,
    tflite::TFLITE,
    ort::ORT,
    executorch::EXECUTORCH,
    mlir::MLIR,
    mlir::JAX,
    mxnet::ARRAYS,
    coreml::WEIGHTS,
    paddle::PARAMS,
    engine::ENGINE,
    rds::RDS,
    catboost::CATBOOST,
    msgpack::MSGPACK,
    lightgbm::LIGHTGBM,
    ggml::GGML,
    vocabulary::SENTENCEPIECE,
    vocabulary::FASTTEXT,
    vocabulary::WORD2VEC,
    foreign::JAVA,
    foreign::TORCH7,
    foreign::NCNN,
    cntk::CNTK,
    package::TRITON,
    package::SPACY,
    zarr::OCDBT,
    zarr::ZARR,
    pmml::PMML,
    xgboost::JSON,
    xgboost::UBJ,
    xgboost::BINARY,
    pickle::PICKLE,
    stream::ZLIB,
    stream::LZMA,
    native::NATIVE,
    known_magic::RECOGNISED,
    tf_checkpoint::INDEX,
    tfrecord::TFRECORD,
    onnx::ONNX,
    onnx::ONNX_TENSOR,
    onnx::ONNX_TEXT,
    tensorflow::SAVED_MODEL,
    tensorflow::META_GRAPH,
    tensorflow::GRAPH,
    pbtxt::PBTXT,
    tensorflow::KERAS_METADATA,
    tensorflow::FINGERPRINT,
    coreml::COREML,
    paddle::PROGRAM,
    openvino::OPENVINO,
    coreml::PACKAGE,
    paddle::PIR,
    mxnet::SYMBOL,
    mlir::MLIR_TEXT,
    coreml::PROGRAM,
    jinja::TEMPLATE,
    notebook::NOTEBOOK,
    tfjs::TFJS,
    keras::CONFIG,
    oci::OCI,
    json::JSON,
    pointer::POINTER,
    packages::REQUIREMENTS,
    packages::PROJECT,
    python::PYTHON,
    tool::MODELFILE,
    shell::SHELL,
    yaml::YAML,
    plain::DOCUMENT,
    image::IMAGE,
    finder::FINDER,
    plain::TEXT,
    numbers::NUMBERS,
];

/// Formats without a beginning of their own that numbers could not have by accident, or that need more than a look at it.
const NOT_IN_NUMBERS: &[&str] = &[
    "text", "json", "image", "jinja", "keras-config", "yaml", "spacy", "triton", "pmml", "lightgbm", "xgboost-json", "zarr", "ncnn", "safetensors-index",
    "sentencepiece", "msgpack", "torch7", "word2vec", "oci-manifest", "zlib", "lzma", "notebook", "pointer", "requirements", "project", "python", "shell",
    "document", "mlir-text", "coreml-program", "tfjs", "numbers",
];

/// Archives with certain members, which only an archive can be.
const ARCHIVES: &[&str] = &["torch", "skops", "mar", "npz", "keras"];

/// Languages that share one alphabet: what is surely one of them is not surely another one.
const LANGUAGES: &[&str] = &["notebook", "json", "pointer", "requirements", "project", "python", "modelfile", "shell", "yaml", "document"];

/// Whether a format is a way to read a text.
fn is_text(f: &Format) -> bool {
    f.id == "text" || f.refines.contains(&"text") && f.id != "recognised"
}

/// Every sure match that no other match refines; without one, the first weak one. For bytes that should be plain numbers only
/// formats with a beginning of their own count.
pub fn detect(view: View<'_>, data: bool) -> Result<Vec<&'static Format>> {
    let mut sure = Vec::new();
    let mut weak = None;
    let mut archive = None;
    // The first page decides whether bytes can be read at all.
    view.head(1)?;
    for f in FORMATS {
        if data && NOT_IN_NUMBERS.contains(&f.id) {
            continue;
        }
        // Numbers may begin with anything small: only a header that is there makes them safetensors.
        if data && f.id == "safetensors" && !view.has(8, b"{") {
            continue;
        }
        // Looking for an archive's end at every turn costs more than most files take.
        if ARCHIVES.contains(&f.id) && !*archive.get_or_insert_with(|| (zip::ZIP.probe)(view) != Match::No) {
            continue;
        }
        // Numbers are counted only where nothing has a form.
        if f.id == "numbers" && !(sure.is_empty() && weak.is_none()) {
            continue;
        }
        match (f.probe)(view) {
            Match::Sure => sure.push(f),
            Match::Weak if weak.is_none() && !data => weak = Some(f),
            _ => {}
        }
    }
    // An archive that a pickle keeps among its values is read where it is kept.
    if archive == Some(true) && sure.iter().any(|f| f.id == "pickle") && zip::end(view).is_some_and(|end| pickle::keeps_archive(view, end)) {
        sure.retain(|f| f.id != "zip" && !ARCHIVES.contains(&f.id));
    }
    let refined: Vec<&str> = sure.iter().flat_map(|f| f.refines.iter().copied()).collect();
    sure.retain(|f| !refined.contains(&f.id));
    // A text is what is left when nothing else fits.
    if sure.len() > 1 {
        sure.retain(|f| f.id != "text");
    }
    // One text is read in one way, the first that fits; but a template may look like source, and source like a template.
    let first = sure.iter().find(|f| LANGUAGES.contains(&f.id)).map(|f| f.id);
    sure.retain(|f| !LANGUAGES.contains(&f.id) || Some(f.id) == first);
    if sure.is_empty() {
        sure.extend(weak);
    }
    Ok(sure)
}

/// Whether bytes surely are one of the formats that begin with a mark of their own.
pub fn sure(view: View<'_>) -> bool {
    detect(view, true).is_ok_and(|found| !found.is_empty())
}

/// What stands at `at` and behind it belongs to no part of the format: stated, and read as what it is. Nothing where the view ends.
fn stray(view: View<'_>, at: u64, scan: &mut Scan<'_>) {
    if at < view.len() {
        let rest = view.rest(at);
        scan.state(view, at, rest.len(), Fact::Stray { what: "trailing", bytes: rest.len() });
        scan.child("trailing bytes", rest, true);
    }
}

/// [`stray`], unless the bytes are the filling that block writers leave.
pub fn trailing(view: View<'_>, at: u64, scan: &mut Scan<'_>) -> Result<()> {
    let mut chunk = view.room(64 * 1024);
    let mut from = at;
    while from < view.len() {
        let n = view.read(from, &mut chunk)?;
        let filled = chunk.iter().take(n).position(|b| !matches!(b, 0 | b'\n' | b'\r' | b' '));
        if let Some(i) = filled {
            let rest = view.rest(from.saturating_add(i as u64));
            scan.state(view, at, view.len().saturating_sub(at), Fact::Stray { what: "trailing", bytes: rest.len() });
            scan.child("trailing bytes", rest, true);
            return Ok(());
        }
        if n == 0 {
            break;
        }
        from = from.saturating_add(n as u64);
    }
    Ok(())
}

/// Fields in front of a fault behind which another file may begin: its first bytes may still look like fields.
const BEFORE: usize = 64;

/// Formats that are one protobuf message: the rest of a message that was cut off may look like another one.
const MESSAGES: &[&str] = &["onnx", "tf-savedmodel", "tf-metagraph", "tf-graphdef", "tf-fingerprint", "keras-metadata", "coreml", "paddle", "cntk"];

/// Whether bytes surely are of a format with a mark of its own.
fn marked(view: View<'_>) -> bool {
    detect(view, true).is_ok_and(|found| found.iter().any(|f| !MESSAGES.contains(&f.id)))
}

/// Where the reader of one protobuf message stopped making sense of it, there may be another file behind the message: it is stated and read.
pub fn behind(view: View<'_>, done: &Result<()>, scan: &mut Scan<'_>) {
    if !matches!(done, Err(Error::Malformed { .. })) {
        return;
    }
    let mut fields = proto::Fields::new(view, 0, view.len());
    let mut ends = std::collections::VecDeque::new();
    while let Ok(Some(field)) = fields.advance() {
        if ends.len() == BEFORE {
            ends.pop_front();
        }
        ends.push_back(field.end);
    }
    if let Some(at) = ends.into_iter().find(|at| view.len().saturating_sub(*at) >= 4 && marked(view.rest(*at))) {
        stray(view, at, scan);
    }
}

/// The names of two or more formats that do not contain each other.
pub fn polyglot(found: &[&'static Format]) -> Option<String> {
    // Ways to read a text are no formats that exclude each other.
    let binary = found.iter().filter(|f| !is_text(f)).count();
    let text = usize::from(found.iter().any(|f| is_text(f)));
    (binary + text > 1).then(|| found.iter().map(|f| f.name).collect::<Vec<_>>().join(" + "))
}

/// The ending of a name, if it promises one of [`FORMATS`] and the bytes are none that it promises. Model files are renamed
/// freely between `.bin`, `.pt`, `.ckpt`, `.model` and `.dat`: those promise nothing.
pub fn wrong_extension(path: &str, found: &[&'static Format]) -> Option<String> {
    let name = path.rsplit('/').next().unwrap_or(path);
    let (_, extension) = name.rsplit_once('.')?;
    let extension = extension.to_ascii_lowercase();
    let strict = matches!(extension.as_str(), "safetensors" | "gguf" | "npy" | "npz" | "onnx" | "h5" | "json" | "keras" | "txt" | "md" | "tflite" | "skops");
    let kept = found.iter().any(|f| f.extensions.contains(&extension.as_str()) || f.id == "text" || is_text(f) && extension != "safetensors");
    (strict && !kept && !found.iter().any(|f| matches!(f.id, "recognised" | "pointer") || f.id == "zip" && extension == "keras")).then_some(extension)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_unique_and_refinements_exist() {
        let mut ids: Vec<_> = FORMATS.iter().map(|f| f.id).collect();
        ids.sort_unstable();
        let all = ids.clone();
        ids.dedup();
        assert_eq!(ids, all);
        for f in FORMATS {
            for r in f.refines {
                assert!(all.contains(r), "{} refines {r}", f.id);
            }
            assert!(f.extensions.iter().all(|e| !e.starts_with('.') && e.to_ascii_lowercase() == **e), "{}", f.id);
        }
    }
}
