//! Core ML: `.mlmodel` (`mlmodel/format/Model.proto`, `MIL.proto`), the manifest of an `.mlpackage`, and its weight file.
//!
//! A custom layer or model names a class of the program that runs it; a linked model and a weight file name other files.

use super::graph::{Files, Operators, fault};
use super::json::{self, Event as Json};
use super::proto::{Event, Field, Fields, Schema, Walker};
use super::{Format, Match, plain};
use crate::bytes::View;
use crate::error::Result;
use crate::fact::{Fact, OperatorText};
use crate::scan::Scan;

/// `.mlmodel`.
pub const COREML: Format = Format { id: "coreml", name: "Core ML model", extensions: &["mlmodel"], refines: &["text"], probe, read };

/// `Manifest.json` of an `.mlpackage`.
pub const PACKAGE: Format =
    Format { id: "mlpackage", name: "Core ML package manifest", extensions: &["json"], refines: &["json", "text"], probe: probe_package, read: read_package };

/// `weights/weight.bin` of an `.mlpackage`.
pub const WEIGHTS: Format =
    Format { id: "coreml-weights", name: "Core ML weights", extensions: &["bin"], refines: &["text"], probe: probe_weights, read: read_weights };

/// A compiled model's program as text, `model.mil`.
pub const PROGRAM: Format =
    Format { id: "coreml-program", name: "Core ML program", extensions: &["mil"], refines: &["text"], probe: probe_program, read: read_program };

/// Bytes of a name that are kept.
const NAME: u64 = 512;

/// Bytes of a user's own metadata that are kept.
const PAIR: u64 = 1 << 20;

/// Bytes of a program's text that are read.
const MIL: usize = 16 << 20;

/// Bytes of a licence that are read: it can stand there whole.
const LICENCE: u64 = 256 << 10;

/// Marks each entry of a weight file (`MILBlob/Blob/StorageFormat.hpp`).
const SENTINEL: u32 = 0xdead_beef;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Kind {
    #[default]
    Model,
    Description,
    Metadata,
    Pair,
    Feature,
    Wrapped,
    Pipeline,
    Network,
    Layer,
    Branch,
    Loop,
    CustomLayer,
    CustomModel,
    Linked,
    Parameter,
    ParameterValue,
    Program,
    FunctionEntry,
    Function,
    BlockEntry,
    Block,
    Operation,
    InputEntry,
    Argument,
    Binding,
    ValueEntry,
    Value,
    Blob,
    LinkedFile,
    LinkedText,
}

impl Schema for Kind {
    fn child(self, number: u64) -> Option<Kind> {
        use Kind::*;
        Some(match (self, number) {
            (Model, 2) => Description,
            (Model, 200 | 201) => Wrapped,
            (Model, 202) | (Wrapped, 1) => Pipeline,
            (Model, 303 | 403 | 500) | (Branch, 1 | 2) | (Loop, 3 | 4) => Network,
            (Model, 502) => Program,
            (Model, 555) => CustomModel,
            (Model, 556) => Linked,
            (Pipeline, 1) => Model,
            (Description, 1 | 10) => Feature,
            (Description, 100) => Metadata,
            (Metadata, 100) => Pair,
            (Network, 1) => Layer,
            (Layer, 500) => CustomLayer,
            (Layer, 605) => Branch,
            (Layer, 615) => Loop,
            (CustomLayer | CustomModel, 30) => Parameter,
            (Parameter, 2) => ParameterValue,
            (Linked, 1) => LinkedFile,
            (LinkedFile, 1 | 2) => LinkedText,
            (Program, 2) => FunctionEntry,
            (FunctionEntry, 2) => Function,
            (Function, 3) => BlockEntry,
            (BlockEntry, 2) | (Operation, 4) => Block,
            (Block, 3) => Operation,
            (Operation, 2) => InputEntry,
            (InputEntry, 2) => Argument,
            (Argument, 1) => Binding,
            (Program | Function | Block, 4) | (Operation, 5) => ValueEntry,
            (Binding | ValueEntry, 2) => Value,
            (Value, 5) => Blob,
            _ => return None,
        })
    }
}

/// A description begins with features, each of which has a name, or with metadata.
fn is_description(view: View<'_>, at: u64, len: u64) -> bool {
    let mut fields = Fields::new(view, at, len);
    let mut sure = false;
    loop {
        match fields.advance() {
            Ok(Some(f)) => match (f.number, f.bytes()) {
                (1 | 10 | 13 | 20 | 50, Some((at, len))) => {
                    sure |= matches!(Fields::new(view, at, len).advance(), Ok(Some(n)) if n.number == 1 && n.bytes().is_some());
                }
                (11 | 12 | 21, Some(_)) => {}
                (100, Some(_)) => sure = true,
                _ => return false,
            },
            Ok(None) => return sure,
            Err(_) => return false,
        }
    }
}

fn probe(view: View<'_>) -> Match {
    let mut fields = Fields::new(view, 0, view.len());
    let (mut version, mut description, mut kind) = (false, false, false);
    for _ in 0..16 {
        match fields.advance() {
            Ok(Some(f)) => match (f.number, f.varint(), f.bytes()) {
                (1, Some(1..=99), _) => version = true,
                (2, _, Some((at, len))) if is_description(view, at, len) => description = true,
                (10, Some(_), _) => {}
                (200..=4000, _, Some(_)) => kind = true,
                // What stands behind a whole model need not be one.
                _ if version && description && kind => break,
                _ => return Match::No,
            },
            Ok(None) => break,
            // Cut off inside of the model itself.
            Err(_) => {
                return if version && description { Match::Sure } else { Match::No };
            }
        }
    }
    match (version, description, kind) {
        (true, true, _) => Match::Sure,
        (true, false, true) => Match::Weak,
        _ => Match::No,
    }
}

#[derive(Default)]
struct Open {
    at: u64,
    len: u64,
    name: String,
    value: String,
    number: u64,
    texts: Vec<OperatorText>,
}

struct Reader<'s> {
    view: View<'s>,
    operators: Operators,
    files: Files,
}

fn read(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    let mut r = Reader { view, operators: Operators::new("coreml"), files: Files::default() };
    let done = r.walk(scan);
    r.operators.finish(view, scan);
    r.files.finish(view, scan);
    super::behind(view, &done, scan);
    done
}

impl Reader<'_> {
    fn walk(&mut self, scan: &mut Scan<'_>) -> Result<()> {
        let mut walker = Walker::new(self.view, Kind::Model);
        let mut open: Vec<Open> = Vec::new();
        while let Some(event) = walker.advance()? {
            match event {
                Event::Open { at, len, number, .. } => open.push(Open { at, len, number, ..Open::default() }),
                Event::Field(kind, field) => {
                    if let Some(top) = open.last_mut() {
                        self.field(kind, &field, top, scan);
                    }
                }
                Event::Close(kind) => {
                    if let Some(done) = open.pop() {
                        self.close(kind, done, open.last_mut(), scan);
                    }
                }
            }
        }
        Ok(())
    }

    fn field(&mut self, kind: Kind, f: &Field, top: &mut Open, scan: &mut Scan<'_>) {
        let view = self.view;
        match (kind, f.number) {
            (Kind::Model, 1) => scan.note(format!("specification {}", f.varint().unwrap_or(0))),
            (Kind::Metadata, n @ 1..=4) => {
                let key = ["description", "version", "author", "license"].get(n.saturating_sub(1) as usize).copied().unwrap_or("");
                scan.state(view, f.at, f.len(), Fact::Metadata { key: key.to_string(), value: f.text(view, if n == 4 { LICENCE } else { 4096 }) });
            }
            (Kind::Pair | Kind::Feature | Kind::Layer | Kind::Operation | Kind::Parameter | Kind::LinkedText, 1) => top.name = f.text(view, NAME),
            (Kind::Pair, 2) => top.value = f.text(view, PAIR),
            (Kind::CustomLayer | Kind::CustomModel, 10) => top.name = f.text(view, NAME),
            // A parameter's text; numbers say nothing.
            (Kind::ParameterValue, 20) => top.value = f.text(view, 300),
            (Kind::Blob, 1) => top.name = f.text(view, 4096),
            // A layer says what it is by the number of the field that describes it.
            (Kind::Layer, 100..) if f.bytes().is_some() => top.value = f.number.to_string(),
            // A model in a form that its identifier names, as one run of bytes.
            (Kind::Model, 3000) => {
                let (at, len) = f.bytes().unwrap_or_default();
                let mut fields = Fields::new(view, at, len);
                while let Ok(Some(inner)) = fields.advance() {
                    if let Some(Ok(model)) = inner.bytes().filter(|_| inner.number == 2).map(|(at, len)| view.slice(at, len)) {
                        scan.child("serialized model", model, true);
                    }
                }
            }
            (Kind::Model, 300..=4000) if f.bytes().is_some() => scan.leaf(&format!("model type {}", f.number), "model", Some(f.len()), None),
            _ => {}
        }
    }

    fn close(&mut self, kind: Kind, done: Open, parent: Option<&mut Open>, scan: &mut Scan<'_>) {
        let view = self.view;
        match kind {
            Kind::Pair => {
                super::setting::metadata(view, done.at, done.len, &done.value, scan);
                scan.state(view, done.at, done.len, Fact::Metadata { key: done.name, value: done.value });
            }
            Kind::Feature => scan.leaf(&done.name, if done.number == 1 { "input" } else { "output" }, None, None),
            Kind::ParameterValue => {
                if let Some(p) = parent {
                    p.value = done.value;
                }
            }
            Kind::Parameter => {
                if let Some(p) = parent
                    && !done.value.is_empty()
                    && p.texts.len() < 32
                {
                    p.texts.push(OperatorText { key: done.name, value: done.value });
                }
            }
            Kind::CustomLayer | Kind::CustomModel => self.operators.add("custom", &done.name, done.at, done.len, done.texts),
            Kind::Layer if !done.value.is_empty() => self.operators.add("layer", &done.value, done.at, done.len, Vec::new()),
            Kind::Operation => self.operators.add("mil", &done.name, done.at, done.len, Vec::new()),
            Kind::Blob => {
                let target = done.name.strip_prefix("@model_path/").unwrap_or(&done.name).to_string();
                self.files.need(&target, 0, view, done.at, done.len, scan);
            }
            // A StringParameter's default: the file's name (1) and the folder to look in (2).
            Kind::LinkedText => {
                let text = if done.value.is_empty() { done.name } else { done.value };
                if let Some(p) = parent {
                    p.texts.push(OperatorText { key: if done.number == 1 { "file" } else { "search path" }.to_string(), value: text });
                }
            }
            Kind::LinkedFile => {
                for t in done.texts {
                    if t.key == "file" {
                        let target = if t.value.contains('.') { t.value } else { format!("{}.mlmodelc", t.value) };
                        self.files.need(&target, 0, view, done.at, done.len, scan);
                    } else if t.value.split(':').any(json::leaves_folder) {
                        scan.state(view, done.at, done.len, Fact::Traversal { target: t.value });
                    }
                }
            }
            _ => {}
        }
    }
}

fn probe_program(view: View<'_>) -> Match {
    if view.has(0, b"program(") && plain::probe_text(view) != Match::No { Match::Sure } else { Match::No }
}

/// The files that hold the weights, and layers that the author's application brings along.
fn read_program(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    plain::read_text(view, scan)?;
    if view.len() > MIL as u64 {
        scan.gap("limit-text");
    }
    let text = String::from_utf8_lossy(&view.head(MIL)?).into_owned();
    for (key, file) in [("path = tensor<string, []>(\"", true), ("class_name = tensor<string, []>(\"", false)] {
        for (at, _) in text.match_indices(key) {
            let name = text.get(at + key.len()..).and_then(|r| r.split('"').next()).unwrap_or("");
            let target = name.trim_start_matches("@model_path/").to_string();
            if !file {
                scan.state(view, at as u64, key.len() as u64, Fact::OwnCode { kind: "layer", name: target });
            } else if json::leaves_folder(&target) {
                scan.state(view, at as u64, key.len() as u64, Fact::Traversal { target });
            }
        }
    }
    Ok(())
}

fn probe_package(view: View<'_>) -> Match {
    if !view.head(16).is_ok_and(|h| h.iter().find(|b| !b.is_ascii_whitespace()) == Some(&b'{')) {
        return Match::No;
    }
    let mut r = json::Reader::new(view, 0, view.len().min(64 * 1024), 64);
    for _ in 0..500 {
        match r.advance() {
            Ok(Some(Json::Key)) if r.depth() == 1 && r.text() == "itemInfoEntries" => {
                return Match::Sure;
            }
            Ok(Some(_)) => {}
            _ => break,
        }
    }
    Match::No
}

fn read_package(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    let mut r = json::Reader::new(view, 0, view.len(), 4096);
    let mut files = Files::default();
    let mut key = String::new();
    while let Some(event) = r.advance()? {
        match event {
            Json::Key => key = r.text().into_owned(),
            Json::String if key == "path" => {
                let path = r.text().into_owned();
                // Items lie in the package's data folder; one without an ending is a folder itself.
                if json::leaves_folder(&path) {
                    scan.state(view, r.start(), r.len(), Fact::Traversal { target: path });
                } else if path.rsplit('/').next().is_some_and(|name| name.contains('.')) {
                    files.need(&format!("Data/{path}"), 0, view, r.start(), r.len(), scan);
                }
            }
            _ => {}
        }
    }
    files.finish(view, scan);
    Ok(())
}

/// A count, the version, and behind 64 bytes the first entry with its mark.
fn probe_weights(view: View<'_>) -> Match {
    let small = view.u32(0).is_ok_and(|n| n > 0) && view.u32(4).is_ok_and(|v| v == 2);
    if small && view.u32(64).is_ok_and(|m| m == SENTINEL) { Match::Sure } else { Match::No }
}

fn read_weights(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    let count = u64::from(view.u32(0)?);
    let (mut at, mut heads) = (64u64, Vec::new());
    for i in 0..count {
        if i >= scan.limits().tensors * 100 {
            scan.gap("limit-tensors");
            break;
        }
        if view.u32(at)? != SENTINEL {
            // Entries need not follow each other: the program says where they are.
            scan.note(format!("{i} of {count} entries in a row"));
            break;
        }
        let (size, offset) = (view.u64(at + 8)?, view.u64(at + 16)?);
        let Some(end) = offset.checked_add(size).filter(|end| *end <= view.len()) else {
            fault(view, at, 24, "offset-outside", format!("{offset} + {size} of {}", view.len()), true, scan);
            break;
        };
        super::safetensors::keep_head(&mut heads, &format!("entry {i}"), offset, size, false);
        at = end.max(at + 64).next_multiple_of(64);
    }
    super::safetensors::look(view, &heads, scan);
    Ok(())
}
