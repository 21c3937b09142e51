//! The formats: one file each, one line each in [`FORMATS`]. Content decides, never the extension.

pub mod gguf;
pub mod hdf5;
pub mod jinja;
pub mod json;
pub mod keras;
pub mod known_magic;
mod marshal;
pub mod native;
pub mod notebook;
pub mod numpy;
pub mod packages;
pub mod pickle;
pub mod plain;
pub mod pointer;
pub mod python;
pub mod safetensors;
pub mod secrets;
pub mod shell;
pub mod torch;
pub mod zip;

use crate::bytes::View;
use crate::error::Result;
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
    numpy::NPZ,
    keras::KERAS,
    zip::ZIP,
    torch::LEGACY,
    numpy::NPY,
    gguf::GGUF,
    hdf5::HDF5,
    safetensors::SAFETENSORS,
    safetensors::INDEX,
    pickle::PICKLE,
    native::NATIVE,
    known_magic::RECOGNISED,
    jinja::TEMPLATE,
    notebook::NOTEBOOK,
    keras::CONFIG,
    json::JSON,
    pointer::POINTER,
    packages::REQUIREMENTS,
    python::PYTHON,
    shell::SHELL,
    plain::DOCUMENT,
    plain::IMAGE,
    plain::TEXT,
];

/// Languages that share one alphabet: what is surely one of them is not surely another one.
const LANGUAGES: &[&str] = &["notebook", "json", "pointer", "requirements", "python", "shell", "document"];

/// Whether a format is a way to read a text.
fn is_text(f: &Format) -> bool {
    f.id == "text" || f.refines.contains(&"text") && f.id != "recognised"
}

/// Every sure match that no other match refines; without one, the first weak one. For bytes that should be plain numbers only
/// formats with a beginning of their own count.
pub fn detect(view: View<'_>, data: bool) -> Result<Vec<&'static Format>> {
    let mut sure = Vec::new();
    let mut weak = None;
    // The first page decides whether bytes can be read at all.
    view.head(1)?;
    for f in FORMATS {
        if data && matches!(f.id, "text" | "json" | "keras-config" | "image" | "jinja" | "notebook" | "pointer" | "requirements" | "python" | "shell" | "document") {
            continue;
        }
        // Numbers may begin with anything small: only a header that is there makes them safetensors.
        if data && f.id == "safetensors" && !view.has(8, b"{") {
            continue;
        }
        match (f.probe)(view) {
            Match::Sure => sure.push(f),
            Match::Weak if weak.is_none() && !data => weak = Some(f),
            _ => {}
        }
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
    let strict = matches!(extension.as_str(), "safetensors" | "gguf" | "npy" | "npz" | "onnx" | "h5" | "json" | "keras" | "txt" | "md" | "tflite");
    let kept = found.iter().any(|f| f.extensions.contains(&extension.as_str()) || f.id == "text" || is_text(f) && extension != "safetensors");
    (strict && !kept && !found.iter().any(|f| f.id == "recognised" || f.id == "zip" && extension == "keras")).then_some(extension)
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
