//! TensorFlow's protobufs: SavedModel, MetaGraph, GraphDef (`tensorflow/core/protobuf`, `tensorflow/core/framework`), and the small
//! files that lie beside a SavedModel.
//!
//! A graph is a program: its operators read and write files, open connections and call Python when it is run, and some of it is run
//! while it is loaded. What an operator is given stands in constants elsewhere in the graph, so that those are followed.

use super::graph::{Files, Operators};
use super::proto::{self, Event, Field, Fields, Schema, Walker};
use super::{Format, Match, json, keras};
use crate::bytes::View;
use crate::error::Result;
use crate::fact::{Fact, OperatorText, Tensor};
use crate::scan::Scan;
use std::collections::{HashMap, HashSet};

/// `saved_model.pb`.
pub const SAVED_MODEL: Format =
    Format { id: "tf-savedmodel", name: "TensorFlow SavedModel", extensions: &["pb"], refines: &["text"], probe: probe_saved_model, read: read_saved_model };

/// `.meta`.
pub const META_GRAPH: Format = Format {
    id: "tf-metagraph",
    name: "TensorFlow MetaGraph",
    extensions: &["meta", "pb"],
    refines: &["text"],
    probe: probe_meta_graph,
    read: read_meta_graph,
};

/// `.pb`, often called frozen graph.
pub const GRAPH: Format =
    Format { id: "tf-graphdef", name: "TensorFlow GraphDef", extensions: &["pb"], refines: &["text"], probe: probe_graph, read: read_graph };

/// `keras_metadata.pb`.
pub const KERAS_METADATA: Format =
    Format { id: "keras-metadata", name: "Keras SavedModel metadata", extensions: &["pb"], refines: &["text"], probe: probe_keras, read: read_keras };

/// `fingerprint.pb`.
pub const FINGERPRINT: Format =
    Format { id: "tf-fingerprint", name: "SavedModel fingerprint", extensions: &["pb"], refines: &["text"], probe: probe_fingerprint, read: read_fingerprint };

/// Bytes of a name that are kept.
const NAME: u64 = 512;

/// Bytes of a text that are kept.
const TEXT: u64 = 300;

/// Nodes of one graph or function whose inputs are followed.
const NODES: usize = 500_000;

/// String constants of one graph or function that are followed.
const CONSTANTS: usize = 200_000;

/// Constants that may reach one input through operators on text.
const REACH: usize = 32;

/// Rounds in which texts are carried on: chains of operators on text are short.
const ROUNDS: usize = 16;

/// Operators that hand a text on, whole or as a part of another.
const CARRIERS: &[&str] = &[
    "Add", "AddV2", "AsString", "ConcatV2", "Concat", "EnsureShape", "ExpandDims", "Fill", "GatherV2", "Identity", "IdentityN", "Merge", "Pack",
    "PlaceholderWithDefault", "ReduceJoin", "RegexReplace", "Reshape", "Select", "SelectV2", "ShardedFilename", "ShardedFilespec", "Snapshot", "Squeeze",
    "StaticRegexReplace", "StopGradient", "StridedSlice", "StringFormat", "StringJoin", "StringLower", "StringStrip", "StringUpper", "Substr", "Switch",
    "Tile", "UnicodeEncode", "UnsortedSegmentJoin",
];

/// Messages that are walked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Kind {
    #[default]
    SavedModel,
    MetaGraph,
    MetaInfo,
    Graph,
    Library,
    Function,
    Signature,
    Node,
    Entry,
    Value,
    List,
    Tensor,
    Shape,
    Dim,
    Asset,
    TensorInfo,
    Collection,
    CollectionValue,
    Objects,
    Object,
    UserObject,
    Signatures,
}

impl Schema for Kind {
    fn child(self, number: u64) -> Option<Kind> {
        use Kind::*;
        Some(match (self, number) {
            (SavedModel, 2) => MetaGraph,
            (MetaGraph, 1) => MetaInfo,
            (MetaGraph, 2) => Graph,
            (MetaGraph, 4) => Collection,
            (Collection, 2) | (CollectionValue, 2) => CollectionValue,
            (MetaGraph, 5) => Signatures,
            (MetaGraph, 6) => Asset,
            (MetaGraph, 7) => Objects,
            (Graph, 1) | (Function, 3) => Node,
            (Graph, 2) => Library,
            (Library, 1) => Function,
            (Function, 1) => Signature,
            (Node, 5) => Entry,
            (Entry, 2) => Value,
            (Value, 8) | (List, 8) => Tensor,
            (Value, 1) => List,
            (Tensor, 2) => Shape,
            (Shape, 2) => Dim,
            (Asset, 1) => TensorInfo,
            (Objects, 1) => Object,
            (Object, 4) => UserObject,
            _ => return None,
        })
    }
}

fn identifier(view: View<'_>, at: u64, len: u64) -> bool {
    (1..=256).contains(&len)
        && view.take(at, len, 256).is_ok_and(|b| {
            b.first().is_some_and(|c| c.is_ascii_uppercase() || *c == b'_' || c.is_ascii_lowercase())
                && b.iter().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'_' | b'>' | b'.' | b'-' | b'/'))
        })
}

fn name_like(view: View<'_>, at: u64, len: u64) -> bool {
    len <= 4096 && view.take(at, len, 4096).is_ok_and(|b| b.iter().all(|c| (b' '..0x7f).contains(c)))
}

fn is_node(view: View<'_>, at: u64, len: u64) -> bool {
    let mut fields = Fields::new(view, at, len);
    let mut op = false;
    for _ in 0..16 {
        match fields.advance() {
            Ok(Some(f)) => match (f.number, f.bytes()) {
                (1 | 3 | 4, Some((at, len))) if name_like(view, at, len) => {}
                // What MediaPipe runs looks alike (`mediapipe/framework/calculator.proto`).
                (2, Some((at, len))) if identifier(view, at, len) && !view.has((at + len).saturating_sub(10), b"Calculator") => op = true,
                (5.., _) => {}
                _ => return false,
            },
            Ok(None) => return op,
            Err(_) => return false,
        }
    }
    op
}

/// Whether a message is a graph; `cut` accepts one whose end is missing.
fn is_graph(view: View<'_>, at: u64, len: u64) -> bool {
    let mut fields = Fields::new(view, at, len);
    let mut nodes = 0;
    for _ in 0..8 {
        match fields.advance() {
            Ok(Some(f)) => match (f.number, f.varint(), f.bytes()) {
                (1, _, Some((at, len))) if is_node(view, at, len) => nodes += 1,
                (2 | 4, _, Some((at, len))) if nodes > 0 || is_library(view, at, len) || is_versions(view, at, len) => {}
                (3, Some(_), _) => {}
                (5, _, Some(_)) if nodes > 0 => {}
                // Fields that the format does not have are skipped by whoever loads it.
                (9.., ..) => {}
                _ => return false,
            },
            Ok(None) => break,
            Err(_) => break,
        }
        if nodes >= 3 {
            break;
        }
    }
    nodes > 0
}

fn is_library(view: View<'_>, at: u64, len: u64) -> bool {
    let mut fields = Fields::new(view, at, len);
    let Ok(Some(f)) = fields.advance() else { return false };
    let Some((at, len)) = f.bytes().filter(|_| f.number == 1) else { return false };
    matches!(Fields::new(view, at, len).advance(), Ok(Some(f)) if f.number == 1 && f.bytes().is_some_and(|(at, len)| matches!(Fields::new(view, at, len).advance(), Ok(Some(n)) if n.number == 1)))
}

fn is_versions(view: View<'_>, at: u64, len: u64) -> bool {
    let mut fields = Fields::new(view, at, len);
    loop {
        match fields.advance() {
            Ok(Some(f)) if (1..=3).contains(&f.number) => {}
            Ok(None) => return true,
            _ => return false,
        }
    }
}

fn probe_graph(view: View<'_>) -> Match {
    if is_graph(view, 0, view.len()) { Match::Sure } else { Match::No }
}

/// The fields of a MetaGraph are known by their numbers and by what is in at least one of them.
fn is_meta_graph(view: View<'_>, at: u64, len: u64) -> bool {
    let mut fields = Fields::new(view, at, len);
    let (mut sure, mut graph, mut foreign) = (false, false, false);
    for _ in 0..8 {
        match fields.advance() {
            Ok(Some(f)) => {
                let Some((at, len)) = f.bytes() else { return false };
                match f.number {
                    1 if is_meta_info(view, at, len) => sure = true,
                    2 if len == 0 || is_graph(view, at, len) || matches!(Fields::new(view, at, len).advance(), Ok(Some(_))) => graph |= is_graph(view, at, len),
                    3..=8 => {}
                    // Fields that the format does not have are skipped by whoever loads it; other formats have them.
                    9.. => foreign = true,
                    _ => return false,
                }
            }
            Ok(None) => break,
            // The graph goes on behind the end of a file that was cut off.
            Err(_) => break,
        }
    }
    graph || sure && !foreign
}

/// Field 4 holds tags, field 5 a version such as `2.16.1`, field 2 the operators that were used.
fn is_meta_info(view: View<'_>, at: u64, len: u64) -> bool {
    let mut fields = Fields::new(view, at, len);
    let mut sure = false;
    loop {
        match fields.advance() {
            Ok(Some(f)) => match (f.number, f.bytes()) {
                // Messages of their own, each of which begins with its first field; the second one of `any_info` may come alone.
                (2 | 3 | 8, Some((at, len))) if len == 0 || view.has(at, b"\x0a") || f.number == 3 && view.has(at, b"\x12") => {}
                (7, None) => {}
                (1 | 4 | 5 | 6, Some((at, len))) if name_like(view, at, len) => sure |= f.number >= 4,
                _ => return false,
            },
            Ok(None) => return sure,
            Err(_) => return false,
        }
    }
}

fn probe_meta_graph(view: View<'_>) -> Match {
    if is_meta_graph(view, 0, view.len()) && !is_graph(view, 0, view.len()) { Match::Sure } else { Match::No }
}

fn probe_saved_model(view: View<'_>) -> Match {
    let mut fields = Fields::new(view, 0, view.len());
    for n in 0..8 {
        match fields.advance() {
            Ok(Some(f)) => match (f.number, f.varint(), f.bytes()) {
                (1, Some(0..=16), _) => {}
                (2, _, Some((at, len))) => return if is_meta_graph(view, at, len) { Match::Sure } else { Match::No },
                _ => return Match::No,
            },
            Ok(None) => return Match::No,
            Err(_) => {
                // Cut inside of the first graph: its beginning must be one.
                let at = if n == 0 { 0 } else { 2 };
                let body = proto::varint(view, at + 1).map_or(0, |(_, used)| at + 1 + used);
                let cut = view.has(at, &[0x12]) && n <= 1 && body > 0 && is_meta_graph(view, body, view.len());
                return if cut { Match::Sure } else { Match::No };
            }
        }
    }
    Match::No
}

fn read_saved_model(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    read(view, Kind::SavedModel, scan)
}

fn read_meta_graph(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    read(view, Kind::MetaGraph, scan)
}

fn read_graph(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    read(view, Kind::Graph, scan)
}

/// A node whose texts are looked for once all nodes beside it are known. Names are kept as hashes.
struct Node {
    op: String,
    at: u64,
    len: u64,
    inputs: Vec<u64>,
    texts: Vec<OperatorText>,
}

/// What is known of one graph or function body.
#[derive(Default)]
struct Scope {
    constants: HashMap<u64, Vec<String>>,
    carriers: Vec<(u64, Vec<u64>)>,
    nodes: Vec<Node>,
    full: bool,
}

/// What was read of an open message.
#[derive(Default)]
pub(super) struct Open {
    kind: Kind,
    /// Offset of the first byte.
    pub at: u64,
    /// Bytes.
    pub len: u64,
    /// Name of a node or function.
    pub name: String,
    /// Operators; one that stands twice is kept twice.
    pub ops: Vec<String>,
    /// Key of a map's entry.
    pub key: String,
    inputs: Vec<u64>,
    /// Texts.
    pub values: Vec<String>,
    texts: Vec<OperatorText>,
    dims: Vec<u64>,
    /// Element type; of a dimension its size.
    pub dtype: u64,
    /// Bytes of a tensor's content.
    pub bytes: u64,
    tensor: Option<Tensor>,
}

impl Open {
    /// Another input of a node.
    pub fn input(&mut self, name: &str) {
        if self.inputs.len() < 256 {
            self.inputs.push(source(name));
        }
    }
}

/// What becomes of the messages, however they are written.
pub(super) struct Reader<'s> {
    view: View<'s>,
    operators: Operators,
    files: Files,
    scopes: Vec<Scope>,
    /// Uses that wait until the graph's assets are known.
    waiting: Vec<(Node, Vec<(u64, OperatorText)>)>,
    assets: HashSet<u64>,
    tensors: u64,
    signatures: u64,
}

fn read(view: View<'_>, root: Kind, scan: &mut Scan<'_>) -> Result<()> {
    let mut r = Reader::new(view);
    let done = r.walk(root, scan);
    r.finish(scan);
    super::behind(view, &done, scan);
    done
}

impl<'s> Reader<'s> {
    /// Nothing is read yet.
    pub fn new(view: View<'s>) -> Self {
        Reader {
            view,
            operators: Operators::new("tensorflow"),
            files: Files::default(),
            scopes: Vec::new(),
            waiting: Vec::new(),
            assets: HashSet::new(),
            tensors: 0,
            signatures: 0,
        }
    }

    /// States what was read, also before a fault.
    pub fn finish(mut self, scan: &mut Scan<'_>) {
        while let Some(scope) = self.scopes.pop() {
            self.resolve(scope, scan);
        }
        self.settle();
        self.operators.finish(self.view, scan);
        self.files.finish(self.view, scan);
        if self.signatures > 0 {
            scan.note(format!("{} signatures", self.signatures));
        }
    }

    /// A message begins.
    pub fn open(&mut self, kind: Kind, at: u64, len: u64) -> Open {
        if matches!(kind, Kind::Graph | Kind::Function) {
            self.scopes.push(Scope::default());
        }
        Open { kind, at, len, ..Open::default() }
    }

    /// A file that is saved with the model.
    pub fn asset(&mut self, name: &str, at: u64, len: u64, scan: &mut Scan<'_>) {
        if json::leaves_folder(name) {
            scan.state(self.view, at, len, Fact::Traversal { target: name.to_string() });
        } else {
            self.files.need(&format!("assets/{name}"), 0, self.view, at, len, scan);
        }
    }

    /// The node that an asset's path is put into.
    pub fn asset_tensor(&mut self, name: &str) {
        self.assets.insert(source(name));
    }

    fn walk(&mut self, root: Kind, scan: &mut Scan<'_>) -> Result<()> {
        let view = self.view;
        let mut walker = Walker::new(view, root);
        let mut open: Vec<Open> = Vec::new();
        while let Some(event) = walker.advance()? {
            match event {
                Event::Open { kind, at, len, .. } => open.push(self.open(kind, at, len)),
                Event::Field(kind, field) => {
                    if let Some(top) = open.last_mut() {
                        self.field(kind, &field, top, scan)?;
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

    fn field(&mut self, kind: Kind, f: &Field, top: &mut Open, scan: &mut Scan<'_>) -> Result<()> {
        let view = self.view;
        match (kind, f.number) {
            (Kind::MetaInfo, 4 | 5) => {
                let key = if f.number == 4 { "tags" } else { "tensorflow_version" };
                scan.state(view, f.at, f.len(), Fact::Metadata { key: key.to_string(), value: f.text(view, TEXT) });
            }
            (Kind::Node | Kind::Signature, 1) => top.name = f.text(view, NAME),
            (Kind::Node, 2) if top.ops.len() < 16 => top.ops.push(f.text(view, NAME)),
            (Kind::Node, 3) => top.input(&f.text(view, NAME)),
            (Kind::Entry, 1) => top.key = f.text(view, NAME),
            // What `XlaCallModule` runs is a program of its own, which may call into the process.
            (Kind::Value, 2) if f.bytes().is_some_and(|(at, _)| view.has(at, super::mlir::MAGIC)) => {
                if let Some((at, len)) = f.bytes() {
                    scan.child("StableHLO module", view.slice(at, len)?, true);
                }
            }
            (Kind::Value | Kind::List, 2) if top.values.len() < 8 => top.values.push(f.text(view, TEXT)),
            (Kind::Dim, 1) => top.dtype = f.varint().unwrap_or(0),
            (Kind::Tensor, 1) => top.dtype = f.varint().unwrap_or(0),
            (Kind::Tensor, 4) => top.bytes = f.bytes().map_or(0, |b| b.1),
            (Kind::Tensor, 8) if top.values.len() < REACH => top.values.push(f.text(view, TEXT)),
            (Kind::Asset, 2) => self.asset(&f.text(view, 4096), f.at, f.len(), scan),
            (Kind::TensorInfo, 1) => self.asset_tensor(&f.text(view, NAME)),
            (Kind::Signatures, 1) => self.signatures += 1,
            // What a program kept beside the graph, in whatever form it likes.
            (Kind::CollectionValue, 1) if f.bytes().is_some_and(|(_, len)| len > 16) => {
                if let Some(kept) = f.bytes().and_then(|(at, len)| self.view.slice(at, len).ok()).filter(|v| v.has(0, b"\x80") || v.has(0, b"PK\x03\x04")) {
                    scan.child("collection", kept, true);
                }
            }
            (Kind::UserObject, 1) => top.name = f.text(view, NAME),
            (Kind::UserObject, 3) => settings(view, f, &top.name, scan),
            _ => {}
        }
        Ok(())
    }

    /// A message ends: what it says goes to the one around it, or is stated.
    pub fn close(&mut self, kind: Kind, mut done: Open, parent: Option<&mut Open>, scan: &mut Scan<'_>) {
        match kind {
            Kind::Dim => {
                if let Some(p) = parent
                    && p.dims.len() < 64
                {
                    p.dims.push(done.dtype);
                }
            }
            Kind::Shape => {
                if let Some(p) = parent {
                    p.dims = done.dims;
                }
            }
            Kind::Tensor => {
                if let Some(p) = parent {
                    let (label, bits) = dtype(done.dtype);
                    let elements = done.dims.iter().try_fold(1u64, |n, d| n.checked_mul(*d)).unwrap_or(0);
                    let bytes = if done.bytes > 0 { done.bytes } else { elements.saturating_mul(bits) / 8 };
                    p.tensor = Some(Tensor { name: String::new(), dtype: label, shape: done.dims, bytes });
                    p.values.append(&mut done.values);
                }
            }
            Kind::List | Kind::Value => {
                if let Some(p) = parent {
                    p.values.append(&mut done.values);
                    p.tensor = done.tensor.or(p.tensor.take());
                }
            }
            Kind::Entry => {
                if let Some(node) = parent {
                    if done.key == "value" {
                        node.tensor = done.tensor;
                        node.values.append(&mut done.values);
                    } else if !silent(&done.key) {
                        let room = 16usize.saturating_sub(node.texts.len());
                        node.texts.extend(
                            done.values
                                .into_iter()
                                .filter(|v| v.contains(['/', '\\', ':']))
                                .take(room)
                                .map(|value| OperatorText { key: done.key.clone(), value }),
                        );
                    }
                }
            }
            Kind::Node => self.node(done, scan),
            Kind::Signature if parent.as_ref().is_some_and(|p| p.kind == Kind::Function) => self.operators.define("", &done.name),
            Kind::Graph | Kind::Function => {
                if let Some(scope) = self.scopes.pop() {
                    self.resolve(scope, scan);
                }
            }
            Kind::MetaGraph => self.settle(),
            _ => {}
        }
    }

    fn node(&mut self, done: Open, scan: &mut Scan<'_>) {
        let view = self.view;
        let Some(scope) = self.scopes.last_mut() else { return };
        let name = json::hash(done.name.as_bytes());
        for op in &done.ops {
            if op == "Const" || op == "HostConst" {
                if let Some(t) = &done.tensor
                    && !t.shape.is_empty()
                    && t.dtype != "string"
                {
                    let tensor = Tensor { name: done.name.clone(), ..t.clone() };
                    self.tensors += 1;
                    if self.tensors <= scan.limits().tensors {
                        let shape = tensor.shape.iter().take(16).map(u64::to_string).collect::<Vec<_>>().join(" × ");
                        scan.leaf(&tensor.name, "tensor", Some(tensor.bytes), Some(format!("{} [{shape}]", tensor.dtype)));
                    }
                    scan.state(view, done.at, done.len.min(64), Fact::Tensor(tensor));
                }
                if !done.values.is_empty() {
                    if scope.constants.len() < CONSTANTS {
                        scope.constants.insert(name, done.values.clone());
                    } else {
                        scope.full = true;
                    }
                }
            } else if CARRIERS.contains(&op.as_str()) {
                if scope.carriers.len() < NODES {
                    scope.carriers.push((name, done.inputs.clone()));
                } else {
                    scope.full = true;
                }
            }
            if scope.nodes.len() < NODES {
                scope.nodes.push(Node { op: op.clone(), at: done.at, len: done.len, inputs: done.inputs.clone(), texts: done.texts.clone() });
            } else {
                scope.full = true;
            }
        }
    }

    /// Finds which texts reach which operator.
    fn resolve(&mut self, mut scope: Scope, scan: &mut Scan<'_>) {
        if scope.full {
            scan.gap("limit-facts");
        }
        let mut texts: HashMap<u64, Vec<(u64, String)>> = scope.constants.drain().map(|(k, v)| (k, v.into_iter().map(|t| (k, t)).collect())).collect();
        for _ in 0..ROUNDS {
            let mut grew = false;
            for (name, inputs) in &scope.carriers {
                let mut have = texts.get(name).cloned().unwrap_or_default();
                let before = have.len();
                for t in inputs.iter().filter_map(|i| texts.get(i)).flatten() {
                    if have.len() < REACH && !have.contains(t) {
                        have.push(t.clone());
                    }
                }
                if have.len() > before {
                    grew = true;
                    texts.insert(*name, have);
                }
            }
            if !grew {
                break;
            }
        }
        for node in std::mem::take(&mut scope.nodes) {
            let mut found: Vec<(u64, OperatorText)> = Vec::new();
            if !CARRIERS.contains(&node.op.as_str()) {
                for (i, from) in node.inputs.iter().enumerate().take(16) {
                    let have = texts.get(from).into_iter().flatten().take(REACH);
                    found.extend(have.map(|(origin, value)| (*origin, OperatorText { key: format!("input {i}"), value: value.clone() })));
                }
            }
            if found.is_empty() {
                self.operators.add("", &node.op, node.at, node.len, node.texts);
            } else {
                self.waiting.push((node, found));
            }
        }
    }

    /// The graph's assets are known: their paths are replaced when it is loaded, so that they say nothing.
    fn settle(&mut self) {
        for (node, found) in std::mem::take(&mut self.waiting) {
            let mut texts = node.texts;
            texts.extend(found.into_iter().filter(|(origin, _)| !self.assets.contains(origin)).map(|(_, t)| t));
            self.operators.add("", &node.op, node.at, node.len, texts);
        }
        self.assets.clear();
    }
}

/// The node that an input names: `node`, `node:0`, `node:output:0`, `^node`.
fn source(input: &str) -> u64 {
    let name = input.strip_prefix('^').unwrap_or(input);
    json::hash(name.split(':').next().unwrap_or(name).as_bytes())
}

/// Attributes that name other nodes, places or shared state, not files.
fn silent(key: &str) -> bool {
    key.starts_with('_') || matches!(key, "shared_name" | "container" | "equation" | "device" | "tensor_name" | "config_proto" | "executor_type" | "debug_name")
}

/// Settings that Keras keeps with an object, as JSON.
fn settings(view: View<'_>, f: &Field, name: &str, scan: &mut Scan<'_>) {
    let Some((at, len)) = f.bytes() else { return };
    if view.has(at, b"{")
        && let Ok(inner) = view.slice(at, len)
    {
        scan.enter(if name.is_empty() { "metadata" } else { name }, inner, &mut |v, s| keras::weigh(v, 0, v.len(), s));
    }
}

/// Element types of `tensorflow/core/framework/types.proto`: name and bits. A reference type is its value type plus 100.
pub(super) fn dtype(n: u64) -> (String, u64) {
    let (name, bits) = match if n > 100 { n - 100 } else { n } {
        1 => ("F32", 32),
        2 => ("F64", 64),
        3 => ("I32", 32),
        4 => ("U8", 8),
        5 => ("I16", 16),
        6 => ("I8", 8),
        7 => ("string", 0),
        8 => ("C64", 64),
        9 => ("I64", 64),
        10 => ("BOOL", 8),
        11 => ("qint8", 8),
        12 => ("quint8", 8),
        13 => ("qint32", 32),
        14 => ("BF16", 16),
        15 => ("qint16", 16),
        16 => ("quint16", 16),
        17 => ("U16", 16),
        18 => ("C128", 128),
        19 => ("F16", 16),
        20 => ("resource", 0),
        21 => ("variant", 0),
        22 => ("U32", 32),
        23 => ("U64", 64),
        24 => ("F8_E5M2", 8),
        25 => ("F8_E4M3", 8),
        29 => ("I4", 8),
        30 => ("U4", 8),
        _ => return (format!("type {n}"), 0),
    };
    (name.to_string(), bits)
}

fn probe_keras(view: View<'_>) -> Match {
    let mut fields = Fields::new(view, 0, view.len());
    let Ok(Some(node)) = fields.advance() else { return Match::No };
    let Some((at, len)) = node.bytes().filter(|_| node.number == 1) else { return Match::No };
    let mut fields = Fields::new(view, at, len);
    while let Ok(Some(f)) = fields.advance() {
        if f.number == 4 && f.text(view, 16).starts_with("_tf_keras") {
            return Match::Sure;
        }
    }
    Match::No
}

fn read_keras(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    let mut nodes = Fields::new(view, 0, view.len());
    while let Some(node) = nodes.advance()? {
        let Some((at, len)) = node.bytes().filter(|_| node.number == 1) else { continue };
        let (mut fields, mut path) = (Fields::new(view, at, len), String::new());
        while let Some(f) = fields.advance()? {
            match f.number {
                3 => path = f.text(view, NAME),
                5 => settings(view, &f, &path, scan),
                _ => {}
            }
        }
    }
    Ok(())
}

/// Five checksums, a version and perhaps a UUID.
fn probe_fingerprint(view: View<'_>) -> Match {
    if view.len() > 1024 {
        return Match::No;
    }
    let mut fields = Fields::new(view, 0, view.len());
    let mut sums = 0;
    loop {
        match fields.advance() {
            Ok(Some(f)) => match (f.number, f.varint(), f.bytes()) {
                (1..=5, Some(_), _) => sums += 1,
                (6, _, Some((at, len))) if is_versions(view, at, len) => {}
                (7, _, Some((at, len))) if name_like(view, at, len) => {}
                _ => return Match::No,
            },
            Ok(None) => return if sums >= 3 { Match::Sure } else { Match::No },
            Err(_) => return Match::No,
        }
    }
}

fn read_fingerprint(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    let mut fields = Fields::new(view, 0, view.len());
    while let Some(f) = fields.advance()? {
        let (key, value) = match (f.number, f.varint()) {
            (1, Some(n)) => ("saved_model_checksum", n.to_string()),
            (7, _) => ("uuid", f.text(view, TEXT)),
            _ => continue,
        };
        scan.state(view, f.at, f.len(), Fact::Metadata { key: key.to_string(), value });
    }
    Ok(())
}
