//! Keras models: the `.keras` archive of Keras 3, and the configuration that it, the older HDF5 files, `to_json` and TensorFlow.js
//! share: a JSON tree of objects that loading resolves by module and class name (`keras/src/saving/serialization_lib.py`, and
//! `legacy/saving/serialization.py` for files before 2.13).
//!
//! # Why not look for bad names in the text
//! Names may be escaped, stand in any order, and hide in any depth; a word in a description is none of them. The tree is walked and
//! every object judged by what a loader would resolve.

use super::zip::{self, Archive};
use super::{Format, Match, json, marshal};
use crate::bytes::{Pages, View};
use crate::error::{Error, Result};
use crate::fact::{Fact, Tensor};
use crate::scan::Scan;
use json::{Event, Reader};

/// The archive of Keras 3: `config.json`, `metadata.json` and the weights.
pub const KERAS: Format = Format { id: "keras", name: "Keras", extensions: &["keras"], refines: &["zip"], probe, read };

/// A model's configuration by itself: `to_json`, TensorFlow.js.
pub const CONFIG: Format =
    Format { id: "keras-config", name: "Keras configuration", extensions: &["json"], refines: &["json", "text"], probe: probe_config, read: read_config };

/// Objects inside one another that are followed; Python gives up at about a thousand.
const LEVELS: usize = 2_000;

/// Values of one object that are kept.
const VALUES: usize = 48;

/// Characters of a value that are kept: names are short, what is longer is read again from its place.
const SHORT: usize = 512;

/// Bytes of an encoded blob that are decoded.
const BLOB: usize = 256 << 20;

/// Bytes of a configuration in UTF-16 or UTF-32 that are rewritten.
const WIDE: u64 = 256 << 20;

/// Keys whose values decide what loading does.
const TELLING: &[&str] = &[
    "items", "class_name", "module", "registered_name", "config", "spec_name", "name", "function", "function_type", "output_shape", "output_shape_type",
    "output_shape_module", "mask", "mask_type", "mask_module", "mode", "mode_type", "filepath", "file_path", "filename", "path", "vocabulary",
    "vocabulary_file", "idf_weights", "code", "value", "keras_version", "backend", "date_saved", "format", "generatedBy", "convertedBy", "dtype", "node_def",
    "op",
];

/// Object names that stand for values, not for code.
const VALUE_CLASSES: &[&str] =
    &["__tensor__", "__numpy__", "__bytes__", "__ellipsis__", "__slice__", "__keras_tensor__", "__complex__", "__tuple__", "__dict__", "__set__"];

fn probe(view: View<'_>) -> Match {
    let config = zip::any_member(view, |n| n == "config.json");
    let rest = |n: &str| n == "metadata.json" || n.starts_with("model.weights.");
    if config && zip::any_member(view, rest) { Match::Sure } else { Match::No }
}

fn read(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    let archive = Archive::open(view, scan)?;
    for n in 0..archive.len() {
        let ours = matches!(archive.entry(n)?.name.as_str(), "config.json" | "metadata.json");
        let mut by = |inner: View<'_>, scan: &mut Scan<'_>| read_member(inner, scan);
        archive.member(n, scan, false, ours.then_some(&mut by as _))?;
    }
    Ok(())
}

/// `config.json` as Python's `json.loads` takes its bytes: in UTF-8, UTF-16 or UTF-32.
fn read_member(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    let Some(text) = narrow(view)? else { return read_config(view, scan) };
    scan.state(
        view,
        0,
        view.len().min(16),
        Fact::Header { what: "wide-text", detail: "the configuration is in UTF-16 or UTF-32, which Keras does not write".into(), memory: false },
    );
    let pages = Pages::new(&text);
    read_config(View::of_inflated(&pages), scan)
}

/// A text in UTF-16 or UTF-32 rewritten as UTF-8, by the rule of Python's `json.detect_encoding`.
fn narrow(view: View<'_>) -> Result<Option<Vec<u8>>> {
    let mut head = [0xffu8; 4];
    let n = view.read(0, &mut head)?;
    let (width, big) = match (head, n) {
        ([0xff, 0xfe, 0, 0], 4..) | ([1..=255, 0, 0, 0], 4..) => (4, false),
        ([0, 0, 0xfe, 0xff], 4..) | ([0, 0, 0, 1..=255], 4..) => (4, true),
        ([0xff, 0xfe, ..], 2..) | ([1..=255, 0, ..], 2..) => (2, false),
        ([0xfe, 0xff, ..], 2..) | ([0, 1..=255, ..], 2..) => (2, true),
        _ => return Ok(None),
    };
    let bytes = view.take(0, view.len(), usize::try_from(WIDE).unwrap_or(usize::MAX))?;
    let units =
        bytes.chunks(width).map(|c| c.iter().enumerate().fold(0u32, |n, (i, b)| if big { n << 8 | u32::from(*b) } else { n | u32::from(*b) << (8 * i) }));
    let text: String = if width == 4 {
        units.map(|u| char::from_u32(u).unwrap_or('\u{fffd}')).collect()
    } else {
        char::decode_utf16(units.map(|u| (u & 0xffff) as u16)).map(|c| c.unwrap_or('\u{fffd}')).collect()
    };
    Ok(Some(text.trim_start_matches('\u{feff}').as_bytes().to_vec()))
}

fn probe_config(view: View<'_>) -> Match {
    if !view.head(64).is_ok_and(|h| h.iter().find(|b| !b.is_ascii_whitespace()).is_some_and(|b| matches!(b, b'{' | 0xef))) {
        return Match::No;
    }
    let end = view.len().min(64 << 10);
    let mut reader = Reader::new(view, 0, end, 64);
    let (mut class, mut config) = (false, false);
    for _ in 0..5_000 {
        match reader.advance() {
            Ok(Some(Event::Key)) if reader.depth() == 1 => match &*reader.text() {
                "modelTopology" | "weightsManifest" => return Match::Sure,
                "class_name" => class = true,
                "config" | "module" => config = true,
                _ => {}
            },
            Ok(Some(_)) => {}
            _ => break,
        }
        if class && config {
            return Match::Sure;
        }
    }
    Match::No
}

/// Everything that a JSON file is looked at for, and the objects of its tree.
fn read_config(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    scan.kind("keras-config");
    if !json::scan_text(view, scan)? {
        // No object in it: the versions and dates of `metadata.json`.
        weigh(view, 0, view.len(), scan)?;
    }
    Ok(())
}

/// Whether a text begins like JSON.
pub fn likely(view: View<'_>) -> bool {
    let end = view.len().min(4096);
    let mut reader = Reader::new(view, 0, end, 64);
    for n in 0..8 {
        match reader.advance() {
            Ok(Some(_)) => {}
            Ok(None) => return n > 0,
            Err(Error::Malformed { at, .. }) => return n > 1 && at >= end.saturating_sub(1),
            Err(_) => return true,
        }
    }
    true
}

/// Length without the zeros that pad it.
pub fn text_end(view: View<'_>) -> Result<u64> {
    let mut end = view.len();
    while end > 0 {
        let from = end.saturating_sub(4096);
        let block = view.take(from, end - from, 4096)?;
        if let Some(n) = block.iter().rposition(|b| *b != 0) {
            return Ok(from.saturating_add(n as u64).saturating_add(1));
        }
        end = from;
    }
    Ok(0)
}

/// How a value stands in its object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stands {
    /// As the value of the key.
    Plain,
    /// As the first of a list.
    First,
}

/// A text value and its place.
#[derive(Clone, Debug)]
struct Value {
    key: &'static str,
    text: String,
    at: u64,
    len: u64,
    stands: Stands,
}

/// A container that is open.
#[derive(Default)]
struct Frame {
    object: bool,
    /// Key in the nearest object around it.
    key: String,
    /// The key whose value comes next.
    next: String,
    start: u64,
    index: u64,
    configured: bool,
    values: Vec<Value>,
    /// The values of the object under `config`.
    inner: Vec<Value>,
}

impl Frame {
    fn all<'f>(list: &'f [Value], key: &'f str) -> impl Iterator<Item = &'f Value> {
        list.iter().filter(move |v| v.key == key)
    }

    fn one<'f>(list: &'f [Value], key: &'f str) -> Option<&'f Value> {
        list.iter().rfind(|v| v.key == key)
    }

    fn keep(&mut self, v: Value) {
        if self.values.len() < VALUES {
            self.values.push(v);
        }
    }
}

/// Walks the tree of objects in the bytes `from..to` and states what loading them resolves.
///
/// # Errors
/// As [`Reader::advance`].
pub fn weigh(view: View<'_>, from: u64, to: u64, scan: &mut Scan<'_>) -> Result<()> {
    let mut reader = Reader::new(view, from, to, 64 << 10).many();
    let mut walk = Walk { view, end: to, frames: Vec::new() };
    let mut manifest = Manifest::default();
    while let Some(event) = reader.advance()? {
        manifest.hear(view, &reader, event, scan);
        walk.hear(&reader, event, scan)?;
    }
    Ok(())
}

struct Walk<'s> {
    view: View<'s>,
    end: u64,
    frames: Vec<Frame>,
}

impl Walk<'_> {
    fn hear(&mut self, reader: &Reader<'_>, event: Event, scan: &mut Scan<'_>) -> Result<()> {
        match event {
            Event::Object | Event::Array => {
                if reader.depth() > LEVELS {
                    return Err(Error::limit(reader.start(), "json-depth"));
                }
                let key = self.enter();
                self.frames.push(Frame { object: event == Event::Object, key, start: reader.start(), ..Frame::default() });
            }
            Event::Close => {
                if let Some(frame) = self.frames.pop() {
                    self.close(frame, reader.at(), scan)?;
                }
            }
            Event::Key => {
                if let Some(top) = self.frames.last_mut() {
                    top.next = reader.text().chars().take(64).collect();
                    if top.next == "class_name" && top.values.iter().any(|v| v.key == "class_name") {
                        scan.state(self.view, reader.start(), reader.len(), Fact::Header { what: "duplicate-key", detail: "class_name".into(), memory: false });
                    }
                }
            }
            Event::String => self.text(reader),
            Event::Number | Event::Bool(_) | Event::Null => {
                self.enter();
            }
        }
        Ok(())
    }

    /// Notes that a value comes, and says under which key.
    fn enter(&mut self) -> String {
        let Some(top) = self.frames.last_mut() else { return String::new() };
        top.index = top.index.saturating_add(1);
        if !top.object {
            return top.key.clone();
        }
        top.configured |= matches!(top.next.as_str(), "config" | "module");
        top.next.clone()
    }

    fn text(&mut self, reader: &Reader<'_>) {
        let first = self.frames.last().is_some_and(|f| !f.object && f.index == 0);
        let key = self.enter();
        let Some(key) = TELLING.iter().find(|k| **k == key) else { return };
        let in_list = self.frames.last().is_some_and(|f| !f.object);
        if in_list && !first {
            return;
        }
        let stands = if in_list { Stands::First } else { Stands::Plain };
        let value = Value { key, text: reader.text().chars().take(SHORT).collect(), at: reader.start(), len: reader.len(), stands };
        // A list's first value counts for the object around the list, if the list is its value.
        let depth = if in_list { 2 } else { 1 };
        let owner = self.frames.len().checked_sub(depth).and_then(|n| self.frames.get_mut(n)).filter(|f| f.object);
        if let Some(owner) = owner {
            owner.keep(value);
        }
    }

    fn close(&mut self, mut frame: Frame, end: u64, scan: &mut Scan<'_>) -> Result<()> {
        if !frame.object {
            return Ok(());
        }
        let root = self.frames.is_empty();
        if root {
            settings(self.view, &frame, scan);
        }
        if self.frames.last().is_some_and(|f| !f.object && f.key == "layers")
            && let Some(class) = Frame::one(&frame.values, "class_name")
        {
            let name = Frame::one(&frame.inner, "name").or(Frame::one(&frame.values, "name"));
            scan.leaf(name.map_or(&class.text, |n| &n.text), "layer", None, Some(class.text.clone()));
        }
        self.judge(&frame, end, scan)?;
        let bytes = Frame::all(&frame.values, "class_name").any(|c| c.text == "__bytes__");
        // TensorFlow 2 writes a tuple as `{"class_name": "__tuple__", "items": […]}`, Keras 3 as the `value` of its settings.
        let tuple = Frame::all(&frame.values, "class_name").any(|c| c.text.contains("tuple"));
        let Some(parent) = self.frames.last_mut().filter(|p| p.object) else { return Ok(()) };
        if tuple
            && let Some(v) = Frame::one(&frame.values, "items").or(Frame::one(&frame.inner, "value")).filter(|v| v.stands == Stands::First)
            && let Some(key) = TELLING.iter().find(|k| **k == frame.key)
        {
            parent.keep(Value { key, ..v.clone() });
        }
        if frame.key == "config" {
            parent.inner.append(&mut frame.values);
            parent.inner.truncate(2 * VALUES);
        } else if bytes
            && let Some(v) = Frame::one(&frame.inner, "value")
            && let Some(key) = TELLING.iter().find(|k| **k == frame.key)
        {
            parent.keep(Value { key, ..v.clone() });
        }
        Ok(())
    }

    fn judge(&self, f: &Frame, end: u64, scan: &mut Scan<'_>) -> Result<()> {
        self.functions(f, scan)?;
        let at = (f.start, end.saturating_sub(f.start));
        // A TensorFlowOpLayer's operation, as an object.
        if f.key == "node_def"
            && let Some(op) = Frame::one(&f.values, "op")
        {
            scan.state(self.view, op.at, op.len, raw_operation(op.text.clone()));
        }
        for class in Frame::all(&f.values, "class_name").filter(|v| v.stands == Stands::Plain).take(8) {
            if !f.configured {
                continue;
            }
            match class.text.as_str() {
                "__lambda__" => {
                    let code = Frame::one(&f.inner, "code").or(Frame::one(&f.inner, "value"));
                    self.code(code, at, scan)?;
                }
                "function" => {
                    for name in Frame::all(&f.values, "config") {
                        self.object(f, name, true, scan);
                    }
                }
                "__typespec__" => {
                    if let Some(name) = Frame::one(&f.values, "spec_name") {
                        self.object(f, name, false, scan);
                    }
                }
                name if VALUE_CLASSES.contains(&name) => {}
                _ => {
                    self.object(f, class, false, scan);
                    self.special(f, class, at, scan)?;
                }
            }
        }
        Ok(())
    }

    /// An object that is resolved by name, under every module that the file gives for it.
    fn object(&self, f: &Frame, name: &Value, function: bool, scan: &mut Scan<'_>) {
        let registered = Frame::one(&f.values, "registered_name").map(|v| v.text.clone());
        let mut modules: Vec<Option<&Value>> = Frame::all(&f.values, "module").map(Some).collect();
        if modules.is_empty() {
            modules.push(None);
        }
        for m in modules {
            let (at, len) = m.map_or((name.at, name.len), |m| (m.at.min(name.at), (m.at + m.len).max(name.at + name.len) - m.at.min(name.at)));
            let fact = Fact::KerasObject { module: m.map(|m| m.text.clone()), name: name.text.clone(), function, registered: registered.clone() };
            // Far apart, the name alone is shown.
            let (at, len) = if len > 4096 { (name.at, name.len) } else { (at, len) };
            scan.state(self.view, at, len, fact);
        }
    }

    /// Functions that a Lambda layer carries in the way of Keras 1 and 2: bytecode in a list, or the name of a function in a module.
    fn functions(&self, f: &Frame, scan: &mut Scan<'_>) -> Result<()> {
        const ROLES: [(&str, &str, &str); 4] = [
            ("function", "function_type", "module"),
            ("output_shape", "output_shape_type", "output_shape_module"),
            ("mask", "mask_type", "mask_module"),
            ("mode", "mode_type", "mode_module"),
        ];
        for (role, kind, module) in ROLES {
            let said = Frame::one(&f.values, kind);
            let kind = said.map(|v| v.text.as_str());
            // However the code is wrapped, this is what its kind says.
            if kind == Some("lambda") && Frame::all(&f.values, role).next().is_none() {
                self.code(None, said.map_or((f.start, 1), |v| (v.at, v.len)), scan)?;
            }
            for value in Frame::all(&f.values, role) {
                let here = (value.at, value.len);
                let listed = value.stands == Stands::First && self.blob(value)?.is_some_and(|b| marshal::is_code(&b));
                if kind == Some("lambda") || listed {
                    self.code(Some(value), here, scan)?;
                } else if kind == Some("function") {
                    let module = Frame::one(&f.values, module).or(Frame::one(&f.values, "module")).map(|v| v.text.clone());
                    scan.state(self.view, value.at, value.len, Fact::KerasObject { module, name: value.text.clone(), function: true, registered: None });
                }
            }
        }
        Ok(())
    }

    /// Layers whose settings make loading do something beyond building them.
    fn special(&self, f: &Frame, class: &Value, at: (u64, u64), scan: &mut Scan<'_>) -> Result<()> {
        let class_name = class.text.rsplit(['.', '>']).next().unwrap_or("");
        match class_name {
            "TorchModuleWrapper" => {
                let module = Frame::one(&f.inner, "module");
                let place = module.map_or(at, |m| (m.at, m.len));
                scan.state(self.view, place.0, place.1, Fact::KerasCode { kind: "torch", names: String::new() });
                if let Some(bytes) = module.map(|m| self.blob(m)).transpose()?.flatten() {
                    let pages = Pages::new(&bytes);
                    scan.child("TorchModuleWrapper module", View::of_inflated(&pages), false);
                }
            }
            "TFOpLambda" | "SlicingOpLambda" | "ClassMethod" | "InstanceMethod" | "InstanceProperty" => {
                if let Some(op) = Frame::one(&f.inner, "function") {
                    let (module, name) = op.text.rsplit_once('.').map_or(("tensorflow".to_string(), op.text.as_str()), |(m, n)| (format!("tensorflow.{m}"), n));
                    scan.state(self.view, op.at, op.len, Fact::KerasObject { module: Some(module), name: name.to_string(), function: true, registered: None });
                }
            }
            "TensorFlowOpLayer" => {
                for node in Frame::all(&f.inner, "node_def") {
                    self.node(node, scan)?;
                }
            }
            _ => {}
        }
        for key in ["filepath", "file_path", "filename", "path", "vocabulary", "vocabulary_file", "idf_weights"] {
            for v in Frame::all(&f.inner, key).filter(|v| v.stands == Stands::Plain && !v.text.is_empty()) {
                let leaves = json::leaves_folder(&v.text);
                scan.state(self.view, v.at, v.len, Fact::KerasFile { class: class_name.to_string(), key: v.key, target: v.text.clone(), leaves });
            }
        }
        Ok(())
    }

    /// A TensorFlow operation that a layer carries as text: JSON inside of a JSON text.
    fn node(&self, value: &Value, scan: &mut Scan<'_>) -> Result<()> {
        let mut outer = Reader::new(self.view, value.at, self.end.min(value.at.saturating_add(value.len)), BLOB);
        outer.advance()?;
        let text = outer.text().into_owned().into_bytes();
        let pages = Pages::new(&text);
        let mut reader = Reader::new(View::of_inflated(&pages), 0, text.len() as u64, SHORT);
        let mut op = false;
        // Older versions kept a binary protobuf here, which is no JSON.
        while let Ok(Some(event)) = reader.advance() {
            if event == Event::String && op && reader.depth() == 1 {
                scan.state(self.view, value.at, value.len, raw_operation(reader.text().into_owned()));
                return Ok(());
            }
            op = event == Event::Key && reader.text() == "op";
        }
        scan.gap("keras-node");
        Ok(())
    }

    fn code(&self, value: Option<&Value>, at: (u64, u64), scan: &mut Scan<'_>) -> Result<()> {
        let (at, len) = value.map_or(at, |v| (v.at, v.len));
        let names = match value {
            Some(v) => self.blob(v)?.map(|b| marshal::names(&b)).unwrap_or_default(),
            None => Vec::new(),
        };
        scan.state(self.view, at, len, Fact::KerasCode { kind: "bytecode", names: names.join(", ") });
        Ok(())
    }

    /// The bytes of a base64 text, read again from its place whatever its length.
    fn blob(&self, value: &Value) -> Result<Option<Vec<u8>>> {
        let mut reader = Reader::new(self.view, value.at, self.end.min(value.at.saturating_add(value.len)), BLOB);
        if !matches!(reader.advance(), Ok(Some(Event::String))) {
            return Ok(None);
        }
        if reader.cut() {
            return Err(Error::limit(value.at, "header-size"));
        }
        Ok(base64(reader.text().as_bytes()))
    }
}

/// An operation that a layer names as graphs do.
fn raw_operation(name: String) -> Fact {
    Fact::KerasObject { module: Some("tensorflow.raw_ops".into()), name, function: true, registered: None }
}

/// Base64 as Python's `codecs.decode(…, "base64")` takes it: blanks and line ends are passed over.
pub(super) fn base64(text: &[u8]) -> Option<Vec<u8>> {
    crate::base64::decode(text, |b| b.is_ascii_whitespace()).filter(|bytes| !bytes.is_empty())
}

/// What the outermost object says about the whole.
fn settings(view: View<'_>, f: &Frame, scan: &mut Scan<'_>) {
    for v in f.values.iter().filter(|v| {
        v.stands == Stands::Plain && matches!(v.key, "class_name" | "keras_version" | "backend" | "date_saved" | "format" | "generatedBy" | "convertedBy")
    }) {
        scan.state(view, v.at, v.len, Fact::Metadata { key: v.key.to_string(), value: v.text.clone() });
    }
}

/// TensorFlow.js: the files with the weights, and what is in them.
#[derive(Default)]
struct Manifest {
    /// Depth of the open `weightsManifest`.
    inside: Option<usize>,
    key: String,
    paths: Option<usize>,
    shape: Option<usize>,
    tensor: Tensor,
    started: bool,
}

impl Manifest {
    fn hear(&mut self, view: View<'_>, reader: &Reader<'_>, event: Event, scan: &mut Scan<'_>) {
        let depth = reader.depth();
        match event {
            Event::Key => self.key = reader.text().chars().take(64).collect(),
            Event::Array if self.key == "weightsManifest" && self.inside.is_none() => self.inside = Some(depth),
            _ if self.inside.is_none() => {}
            Event::Array if self.key == "paths" => self.paths = Some(depth),
            Event::Array if self.key == "shape" => {
                self.shape = Some(depth);
                self.tensor.shape.clear();
                self.started = true;
            }
            Event::String if self.paths == Some(depth) => {
                let target: String = reader.text().chars().take(4096).collect();
                let fact = if json::leaves_folder(&target) { Fact::Traversal { target } } else { Fact::Reference { target } };
                scan.state(view, reader.start(), reader.len(), fact);
            }
            Event::String if self.key == "name" => self.tensor.name = reader.text().chars().take(SHORT).collect(),
            Event::String if self.key == "dtype" => self.tensor.dtype = dtype(&reader.text()),
            Event::Number if self.shape == Some(depth) && self.tensor.shape.len() < 32 => self.tensor.shape.extend(reader.integer()),
            Event::Close => self.close(view, reader, depth, scan),
            _ => {}
        }
    }

    fn close(&mut self, view: View<'_>, reader: &Reader<'_>, depth: usize, scan: &mut Scan<'_>) {
        if self.paths.is_some_and(|d| d > depth) {
            self.paths = None;
        } else if self.shape.is_some_and(|d| d > depth) {
            self.shape = None;
        } else if self.inside.is_some_and(|d| d > depth) {
            self.inside = None;
        } else if std::mem::take(&mut self.started) {
            let mut tensor = std::mem::take(&mut self.tensor);
            let size = tensor.dtype.trim_start_matches(|c: char| !c.is_ascii_digit()).parse::<u64>().unwrap_or(8) / 8;
            tensor.bytes = tensor.elements().saturating_mul(size);
            scan.state(view, reader.start(), reader.len(), Fact::Tensor(tensor));
        }
    }
}

/// A TensorFlow.js element type in the notation of safetensors.
fn dtype(name: &str) -> String {
    match name {
        "float32" => "F32",
        "float16" => "F16",
        "int32" => "I32",
        "uint8" => "U8",
        "uint16" => "U16",
        "bool" => "BOOL",
        "complex64" => "C64",
        "string" => "text",
        other => return other.chars().take(32).collect(),
    }
    .to_string()
}
