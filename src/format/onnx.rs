//! ONNX (`onnx/onnx.proto`, opset-independent): one protobuf message with graphs, functions and tensors.
//!
//! Loading runs no code of the file. It is attacked through the files that tensors are kept in (CVE-2022-25882, CVE-2024-27318,
//! CVE-2024-5187, CVE-2025-51480), keys that become attributes (CVE-2026-34445), operators that need code from elsewhere, and
//! sizes. Tensors are stepped over: a file of several gigabytes costs a page a tensor.

use super::graph::{Files, Fit, Operators, fault, fits};
use super::proto::{self, Event, Field, Fields, Schema, Walker};
use super::safetensors::{Groups, Head, keep_head, look};
use super::{Format, Match};
use crate::bytes::View;
use crate::error::Result;
use crate::fact::{Fact, OperatorText, Tensor};
use crate::scan::Scan;
use std::collections::HashSet;

/// Models in the exchange format.
pub const ONNX: Format = Format { id: "onnx", name: "ONNX", extensions: &["onnx", "pb"], refines: &["text"], probe, read };

/// `TensorProto.DataType.STRING`, whose elements have no size.
const TEXTS: u64 = 8;

/// One tensor by itself, as test data beside a model: `input_0.pb`, `output_0.pb`.
pub const ONNX_TENSOR: Format =
    Format { id: "onnx-tensor", name: "ONNX tensor", extensions: &["pb"], refines: &["text"], probe: probe_tensor, read: read_tensor };

/// Bytes of a name that are kept.
const NAME: u64 = 512;

/// Bytes of a text that are kept.
const TEXT: u64 = 4096;

/// Newest `ir_version` that a probe believes; it is 13 now.
const IR: u64 = 99;

fn probe(view: View<'_>) -> Match {
    let mut fields = Fields::new(view, 0, view.len());
    // An empty graph shows nothing: such a message must end where the file does.
    let (mut marks, mut graph, mut empty) = (0, false, false);
    for n in 0..64 {
        match fields.advance() {
            Ok(Some(f)) => {
                match (f.number, f.varint(), f.bytes()) {
                    (1, Some(1..=IR), _) => marks += 1,
                    (5, Some(_), _) => {}
                    // The names of a producer and of a domain are short texts; CatBoost writes how it was built into one, line by line.
                    (2..=4, _, Some((at, len))) if line(view, at, len) => marks += usize::from(f.number == 2 && len > 0),
                    (8, _, Some((at, len))) if is_opset(view, at, len) => marks += 1,
                    (7, _, Some((at, len))) if is_graph(view, at, len) => (graph, empty) = (graph || len > 0, empty || len == 0),
                    (6 | 14 | 20 | 25 | 26, _, Some(_)) => {}
                    (9.., _, _) => {}
                    _ => return Match::No,
                }
                if graph && marks > 0 {
                    return Match::Sure;
                }
            }
            Ok(None) => return if empty && marks > 0 { Match::Sure } else { Match::No },
            // Cut off: what came before decides, and a graph whose end is missing counts by its beginning.
            Err(_) => return if marks >= 2 && n >= 2 && cut_graph(view, n) { Match::Sure } else { Match::No },
        }
    }
    Match::No
}

/// A `TensorProto` says its type, holds nothing else than its own fields, and ends with the file.
fn probe_tensor(view: View<'_>) -> Match {
    let mut fields = Fields::new(view, 0, view.len());
    let (mut typed, mut filled) = (false, false);
    for n in 0..4096 {
        match fields.advance() {
            Ok(Some(f)) => match (f.number, f.varint(), f.bytes()) {
                (1, Some(_), _) if !typed && !filled => {}
                (1, _, Some((_, len))) if n == 0 && len < 256 => {}
                (2, Some(t), _) if !typed && (t == TEXTS || dtype(t).is_some()) => typed = true,
                (4..=7 | 9..=11, _, Some(_)) if typed => filled = true,
                (8, _, Some((at, len))) if typed && plain(view, at, len) => {}
                (12, _, Some((at, len))) if typed && line(view, at, len) => {}
                _ => return Match::No,
            },
            Ok(None) => return if typed && filled { Match::Sure } else { Match::No },
            Err(_) => return Match::No,
        }
    }
    Match::No
}

fn read_tensor(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    let mut r = Reader::new(view);
    let mut top = Open { kind: Kind::Tensor, len: view.len(), ..Open::default() };
    let mut fields = Fields::new(view, 0, view.len());
    while let Some(f) = fields.advance()? {
        r.field(Kind::Tensor, &f, &mut top, scan)?;
    }
    r.tensor(top, scan);
    r.groups.end(scan);
    look(view, &r.heads, scan);
    Ok(())
}

fn line(view: View<'_>, at: u64, len: u64) -> bool {
    len <= 4096
        && view.take(at, len, 4096).is_ok_and(|b| std::str::from_utf8(&b).is_ok_and(|t| !t.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'))))
}

fn plain(view: View<'_>, at: u64, len: u64) -> bool {
    len <= 1024 && view.take(at, len, 1024).is_ok_and(|b| std::str::from_utf8(&b).is_ok_and(|t| !t.chars().any(char::is_control)))
}

fn is_opset(view: View<'_>, at: u64, len: u64) -> bool {
    let mut fields = Fields::new(view, at, len);
    let mut version = false;
    while let Ok(Some(f)) = fields.advance() {
        match (f.number, f.varint(), f.bytes()) {
            (1, _, Some((at, len))) if plain(view, at, len) => {}
            (2, Some(_), _) => version = true,
            _ => return false,
        }
    }
    version
}

/// Whether a message begins like a graph: a node with inputs, outputs and an operator, a name, or a tensor.
fn is_graph(view: View<'_>, at: u64, len: u64) -> bool {
    let mut fields = Fields::new(view, at, len);
    match fields.advance() {
        Ok(Some(f)) => f.bytes().is_some_and(|(at, len)| match f.number {
            1 => is_node(view, at, len),
            2 | 10 => plain(view, at, len),
            5 | 11..=16 => true,
            _ => false,
        }),
        Ok(None) => len == 0,
        Err(_) => false,
    }
}

fn is_node(view: View<'_>, at: u64, len: u64) -> bool {
    let mut fields = Fields::new(view, at, len);
    while let Ok(Some(f)) = fields.advance() {
        match (f.number, f.bytes()) {
            (4, Some((at, len))) => return len > 0 && plain(view, at, len),
            (1 | 2 | 3 | 7 | 8, Some((at, len))) if plain(view, at, len) => {}
            (5 | 6 | 9 | 10, Some(_)) => {}
            _ => return false,
        }
    }
    false
}

/// Whether field `n` of a file that ends too early is a graph that goes on behind the end.
fn cut_graph(view: View<'_>, n: usize) -> bool {
    let mut fields = Fields::new(view, 0, view.len());
    let mut at = 0;
    for _ in 0..n {
        at = fields.advance().ok().flatten().map_or(at, |f| f.end);
    }
    view.has(at, &[0x3a]) && proto::varint(view, at + 1).is_ok_and(|(len, used)| len > 0 && is_graph(view, at + 1 + used, view.len()))
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Kind {
    #[default]
    Model,
    Opset,
    Graph,
    Value,
    Node,
    Attribute,
    Tensor,
    Sparse,
    External,
    Pair,
    Function,
    Training,
}

impl Schema for Kind {
    fn child(self, number: u64) -> Option<Kind> {
        use Kind::*;
        Some(match (self, number) {
            (Model, 7) => Graph,
            (Model | Function, 8 | 9) if (self == Model) == (number == 8) => Opset,
            (Model | Function, 14) | (Graph | Tensor, 16) | (Node, 9) => Pair,
            (Model, 20) => Training,
            (Model, 25) => Function,
            (Training, 1 | 2) | (Attribute, 6 | 11) => Graph,
            (Graph, 1) | (Function, 7) => Node,
            (Graph, 5) | (Attribute, 5 | 10) | (Sparse, 1 | 2) => Tensor,
            (Graph, 11 | 12) => Value,
            (Graph, 15) | (Attribute, 22 | 23) => Sparse,
            (Node, 5) | (Function, 11) => Attribute,
            (Tensor, 13) => External,
            _ => return None,
        })
    }
}

/// What was read of an open message. A field that stands twice is kept twice.
#[derive(Default)]
struct Open {
    kind: Kind,
    number: u64,
    at: u64,
    len: u64,
    names: Vec<(u64, String)>,
    dims: Vec<u64>,
    dtype: u64,
    place: u64,
    raw: Option<(u64, u64)>,
    pairs: Vec<(String, String, u64, u64)>,
    texts: Vec<OperatorText>,
}

impl Open {
    fn name(&self, number: u64) -> &str {
        self.names.iter().rev().find(|(n, _)| *n == number).map_or("", |(_, s)| s.as_str())
    }

    fn all(&self, number: u64) -> impl Iterator<Item = &str> {
        self.names.iter().filter(move |(n, _)| *n == number).map(|(_, s)| s.as_str())
    }
}

/// Domain and name of a function, its place, and the operators in it.
type Function = ((String, String), (u64, u64), Vec<(String, String)>);

/// Uses of operators in functions that are kept.
const USES: usize = 20_000;

struct Reader<'s> {
    view: View<'s>,
    operators: Operators,
    files: Files,
    heads: Vec<Head>,
    groups: Groups,
    opsets: Vec<String>,
    /// Operators that the function uses whose end was not seen yet.
    used: Vec<(String, String)>,
    /// Functions of the file, where they stand, and what they use.
    functions: Vec<Function>,
    ports: Vec<(bool, String)>,
}

fn read(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    let mut r = Reader::new(view);
    let done = r.walk(scan);
    r.groups.end(scan);
    if !r.opsets.is_empty() {
        scan.note(format!("opset {}", r.opsets.join(", ")));
    }
    for (input, name) in &r.ports {
        scan.leaf(name, if *input { "input" } else { "output" }, None, None);
    }
    r.circles(scan);
    r.operators.finish(view, scan);
    r.files.finish(view, scan);
    look(view, &r.heads, scan);
    super::behind(view, &done, scan);
    done
}

impl<'s> Reader<'s> {
    fn new(view: View<'s>) -> Self {
        Reader {
            view,
            operators: Operators::new("onnx"),
            files: Files::default(),
            heads: Vec::new(),
            groups: Groups::new(),
            opsets: Vec::new(),
            used: Vec::new(),
            functions: Vec::new(),
            ports: Vec::new(),
        }
    }

    fn walk(&mut self, scan: &mut Scan<'_>) -> Result<()> {
        let view = self.view;
        let mut walker = Walker::new(view, Kind::Model);
        let mut open: Vec<Open> = Vec::new();
        while let Some(event) = walker.advance()? {
            match event {
                Event::Open { kind, number, at, len } => open.push(Open { kind, number, at, len, ..Open::default() }),
                Event::Field(kind, field) => {
                    if let Some(top) = open.last_mut() {
                        self.field(kind, &field, top, scan)?;
                    }
                }
                Event::Close(kind) => {
                    if let Some(done) = open.pop() {
                        let depth = open.iter().filter(|o| o.kind == Kind::Graph).count();
                        self.close(kind, done, open.last_mut(), depth, scan);
                    }
                }
            }
        }
        Ok(())
    }

    fn field(&mut self, kind: Kind, f: &Field, top: &mut Open, scan: &mut Scan<'_>) -> Result<()> {
        let view = self.view;
        match (kind, f.number) {
            (Kind::Model, n) => self.model(n, f, scan),
            (Kind::Opset | Kind::Pair | Kind::External, 1 | 2) if f.bytes().is_some() => top.names.push((f.number, f.text(view, TEXT))),
            (Kind::Opset, 2) => top.dtype = f.varint().unwrap_or(0),
            (Kind::Graph, 10) => self.document(f, scan),
            (Kind::Node, 4 | 7) | (Kind::Function, 1 | 10) | (Kind::Value | Kind::Attribute, 1) | (Kind::Tensor, 8) if top.names.len() < 64 => {
                top.names.push((f.number, f.text(view, NAME)))
            }
            (Kind::Attribute, 4 | 9) => self.attribute(f, top),
            (Kind::Tensor, 1) => proto::numbers(view, f, &mut top.dims, 64)?,
            (Kind::Tensor, 2) => top.dtype = f.varint().unwrap_or(0),
            (Kind::Tensor, 14) => top.place = f.varint().unwrap_or(0),
            (Kind::Tensor, 9) => top.raw = f.bytes(),
            // A text may be as long as it likes, and hold anything.
            (Kind::Tensor, 6) => {
                if let Some((at, len)) = f.bytes().filter(|_| self.heads.len() < 64) {
                    keep_head(&mut self.heads, top.name(8), at, len, true);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn model(&mut self, number: u64, f: &Field, scan: &mut Scan<'_>) {
        let view = self.view;
        let key = match number {
            1 => "ir_version",
            2 => "producer_name",
            3 => "producer_version",
            4 => "domain",
            5 => "model_version",
            6 => return self.document(f, scan),
            26 => return,
            // Bytes that no version of the format describes; a parser skips them, another program may not.
            _ => return stray(view, f, scan),
        };
        let value = f.varint().map_or_else(|| f.text(view, TEXT), |n| n.to_string());
        if !value.is_empty() {
            scan.state(view, f.at, f.len(), Fact::Metadata { key: key.to_string(), value });
        }
    }

    fn document(&mut self, f: &Field, scan: &mut Scan<'_>) {
        let value = f.text(self.view, TEXT);
        if !value.is_empty() {
            super::setting::metadata(self.view, f.at, f.len(), &value, scan);
            scan.state(self.view, f.at, f.len(), Fact::Metadata { key: "doc_string".to_string(), value });
        }
    }

    /// A text attribute says what an operator works on; a long one may be a program.
    fn attribute(&mut self, f: &Field, top: &mut Open) {
        let Some((at, len)) = f.bytes() else { return };
        if len >= 64 && self.heads.len() < 64 {
            keep_head(&mut self.heads, top.name(1), at, len, true);
        }
        if len <= TEXT && top.texts.len() < 16 && plain(self.view, at, len.min(1024)) {
            top.texts.push(OperatorText { key: top.name(1).to_string(), value: f.text(self.view, 300) });
        } else if len > TEXT {
            top.texts.push(OperatorText { key: top.name(1).to_string(), value: format!("({len} bytes)") });
        }
    }

    fn close(&mut self, kind: Kind, done: Open, parent: Option<&mut Open>, depth: usize, scan: &mut Scan<'_>) {
        let view = self.view;
        match kind {
            Kind::Opset => {
                let domain = if done.name(1).is_empty() { "ai.onnx" } else { done.name(1) };
                if self.opsets.len() < 32 {
                    self.opsets.push(format!("{domain} {}", done.dtype));
                }
            }
            Kind::Pair => {
                if depth <= 1 && parent.is_some_and(|p| matches!(p.kind, Kind::Model | Kind::Graph)) && !done.name(1).is_empty() {
                    let (key, value) = (done.name(1).to_string(), done.name(2).to_string());
                    super::setting::metadata(view, done.at, done.len, &value, scan);
                    // onnxruntime takes its session's settings from here where its environment says so (`ORT_LOAD_CONFIG_FROM_MODEL`).
                    if key == "ort_config" && value.contains("library") {
                        scan.state(view, done.at, done.len, Fact::NativeLibrary { target: value.clone() });
                    }
                    scan.state(view, done.at, done.len, Fact::Metadata { key, value });
                }
            }
            Kind::External => {
                if let Some(tensor) = parent
                    && tensor.pairs.len() < 64
                {
                    // Of a key or value that stands twice, every pairing counts.
                    for key in done.all(1) {
                        let mut none = true;
                        for value in done.all(2) {
                            none = false;
                            tensor.pairs.push((key.to_string(), value.to_string(), done.at, done.len));
                        }
                        if none {
                            tensor.pairs.push((key.to_string(), String::new(), done.at, done.len));
                        }
                    }
                }
            }
            Kind::Attribute => {
                if let Some(node) = parent {
                    let room = 32usize.saturating_sub(node.texts.len());
                    let name = done.name(1).to_string();
                    node.texts.extend(
                        done.texts.into_iter().take(room).map(|t| OperatorText { key: if t.key.is_empty() { name.clone() } else { t.key }, value: t.value }),
                    );
                }
            }
            Kind::Node => {
                let domains: Vec<&str> = done.all(7).collect();
                for name in done.all(4) {
                    for domain in if domains.is_empty() { [""].as_slice() } else { domains.as_slice() } {
                        self.operators.add(domain, name, done.at, done.len, notable(domain, &done.texts));
                        if self.used.len() < USES {
                            self.used.push((domain.to_string(), name.to_string()));
                        }
                    }
                }
            }
            Kind::Function => {
                self.operators.define(done.name(10), done.name(1));
                let used = std::mem::take(&mut self.used);
                if self.functions.len() < 1000 {
                    self.functions.push(((done.name(10).to_string(), done.name(1).to_string()), (done.at, done.len), used));
                }
            }
            Kind::Graph if depth == 0 => self.used.clear(),
            Kind::Value => {
                if depth <= 1 && self.ports.len() < 200 {
                    self.ports.push((done.number == 11, done.name(1).to_string()));
                }
            }
            Kind::Tensor => self.tensor(done, scan),
            Kind::Model | Kind::Graph | Kind::Sparse | Kind::Training => {}
        }
    }

    /// Functions that use themselves, by whatever way: what puts them in place of their uses never ends.
    fn circles(&mut self, scan: &mut Scan<'_>) {
        let mut left = std::mem::take(&mut self.functions);
        let mut names: HashSet<_> = left.iter().map(|f| f.0.clone()).collect();
        // Whoever uses none of the others is not in a circle; the others stand or fall with the rest.
        loop {
            let before = left.len();
            left.retain(|(name, _, used)| {
                let stays = used.iter().any(|u| names.contains(u));
                if !stays {
                    names.remove(name);
                }
                stays
            });
            if left.len() == before {
                break;
            }
        }
        if let Some((name, (at, len), _)) = left.first() {
            fault(self.view, *at, (*len).min(64), "nesting", format!("{}::{}", name.0, name.1), true, scan);
        }
    }

    fn tensor(&mut self, t: Open, scan: &mut Scan<'_>) {
        let view = self.view;
        let name = t.name(8).to_string();
        if t.dims.iter().any(|d| i64::try_from(*d).is_err()) {
            fault(
                view,
                t.at,
                t.len.min(64),
                "negative-dimension",
                format!("{name}: {:?}", t.dims.iter().map(|d| d.cast_signed()).collect::<Vec<_>>()),
                true,
                scan,
            );
            return;
        }
        let outside = t.place == 1 || !t.pairs.is_empty();
        let kind = dtype(t.dtype);
        let mut bytes = t.raw.map_or(0, |(_, len)| len);
        let fit = kind.map(|(_, bits)| fits(&t.dims, bits, bytes));
        match fit {
            Some(Fit::Overflow) => fault(view, t.at, t.len.min(64), "shape-overflow", format!("{name}: {:?}", t.dims), true, scan),
            Some(Fit::Other(n)) if outside || t.raw.is_none() => bytes = n,
            Some(Fit::Other(n)) => fault(view, t.at, t.len.min(64), "shape-size", format!("{name}: {n} of {bytes}"), true, scan),
            _ => {}
        }
        if outside {
            self.external(&t, bytes, scan);
        } else if let Some((at, len)) = t.raw {
            keep_head(&mut self.heads, &name, at, len, matches!(t.dtype, 2 | 3));
        }
        let label = kind.map_or_else(|| format!("type {}", t.dtype), |(l, _)| l.to_string());
        let tensor = Tensor { name, dtype: label, shape: t.dims, bytes };
        self.groups.show(&tensor, scan);
        scan.state(view, t.at, t.len.min(64), Fact::Tensor(tensor));
    }

    /// Where a tensor that is not in the file is said to be.
    fn external(&mut self, t: &Open, size: u64, scan: &mut Scan<'_>) {
        let view = self.view;
        let (mut offset, mut length) = (0u64, size);
        for (key, text, at, len) in &t.pairs {
            let slot = match key.as_str() {
                "offset" => &mut offset,
                "length" => &mut length,
                _ => continue,
            };
            match text.trim().parse::<u64>().ok().filter(|n| i64::try_from(*n).is_ok()) {
                Some(n) => *slot = n,
                None => fault(view, *at, *len, "external-range", format!("{key}: {text}"), true, scan),
            }
        }
        let end = offset.checked_add(length);
        if end.is_none() {
            fault(view, t.at, t.len.min(64), "external-range", format!("{offset} + {length}"), true, scan);
        } else if length != size && dtype(t.dtype).is_some() && t.pairs.iter().any(|p| p.0 == "length") {
            fault(view, t.at, t.len.min(64), "shape-size", format!("{}: {size} of {length}", t.name(8)), true, scan);
        }
        for (key, value, at, len) in &t.pairs {
            match key.as_str() {
                "location" => {
                    if value.contains("_ORT_MEM_ADDR_") {
                        // onnxruntime's own marker for an address in the running process.
                        fault(view, *at, *len, "memory-address", value.as_str(), true, scan);
                    }
                    self.files.need(value, end.unwrap_or(0), view, *at, *len, scan);
                }
                "offset" | "length" | "checksum" | "basepath" => {}
                _ => scan.state(view, *at, *len, Fact::ExternalKey { key: key.clone(), value: value.clone() }),
            }
        }
    }
}

/// Texts are worth keeping where the operator is not one of the standard's: those compute.
fn notable(domain: &str, texts: &[OperatorText]) -> Vec<OperatorText> {
    if matches!(domain, "" | "ai.onnx" | "ai.onnx.ml")
        && !texts.iter().any(|t| matches!(t.key.as_str(), "module" | "class_name" | "library" | "script" | "code"))
    {
        return Vec::new();
    }
    texts.to_vec()
}

/// A field that the format does not have: if it holds something that is a format of its own, that is read too.
fn stray(view: View<'_>, f: &Field, scan: &mut Scan<'_>) {
    let Some((at, len)) = f.bytes() else { return };
    if let Ok(inner) = view.slice(at, len)
        && len >= 4
        && super::sure(inner)
    {
        scan.state(view, f.at, f.len(), Fact::Stray { what: "hole", bytes: len });
        scan.child(&format!("field {}", f.number), inner, true);
    }
}

/// Element types: name and bits.
pub(super) fn dtype(n: u64) -> Option<(&'static str, u64)> {
    Some(match n {
        1 => ("F32", 32),
        2 => ("U8", 8),
        3 => ("I8", 8),
        4 => ("U16", 16),
        5 => ("I16", 16),
        6 => ("I32", 32),
        7 => ("I64", 64),
        9 => ("BOOL", 8),
        10 => ("F16", 16),
        11 => ("F64", 64),
        12 => ("U32", 32),
        13 => ("U64", 64),
        14 => ("C64", 64),
        15 => ("C128", 128),
        16 => ("BF16", 16),
        17 => ("F8_E4M3", 8),
        18 => ("F8_E4M3FNUZ", 8),
        19 => ("F8_E5M2", 8),
        20 => ("F8_E5M2FNUZ", 8),
        21 => ("U4", 4),
        22 => ("I4", 4),
        23 => ("F4_E2M1", 4),
        24 => ("F8_E8M0", 8),
        25 => ("U2", 2),
        26 => ("I2", 2),
        _ => return None,
    })
}

/// The same model as text: what `onnx.printer` writes, or protobuf's text form.
pub const ONNX_TEXT: Format = Format {
    id: "onnx-text",
    name: "ONNX text",
    extensions: &["onnxtxt", "textproto", "txt"],
    refines: &["text", "yaml"],
    probe: probe_onnx_text,
    read: read_onnx_text,
};

fn probe_onnx_text(view: View<'_>) -> Match {
    let Ok(head) = view.head(512) else { return Match::No };
    let head = head.trim_ascii_start();
    let marked = head.starts_with(b"ir_version:") || head.strip_prefix(b"<").is_some_and(|r| r.trim_ascii_start().starts_with(b"ir_version:"));
    if marked && super::plain::probe_text(view) != Match::No { Match::Sure } else { Match::No }
}

/// Which operators are whose is not followed: that the model needs some of another domain is what matters, and files outside.
fn read_onnx_text(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    const LONGEST: usize = 16 << 20;
    super::plain::read_text(view, scan)?;
    if view.len() > LONGEST as u64 {
        scan.gap("limit-text");
    }
    let text = String::from_utf8_lossy(&view.head(LONGEST)?).into_owned();
    let mut operators = Operators::new("onnx");
    let own = text.contains("functions {") || text.contains("<domain:");
    let mut last = "";
    for (at, key, value) in super::package::pairs(&text) {
        let len = value.len() as u64;
        let located = last == "location" && key == "value" || key == "location";
        if located && super::json::leaves_folder(value) {
            scan.state(view, at, len, Fact::Traversal { target: value.to_string() });
        }
        // Functions of the model itself have a domain of their own.
        let published = own || value.is_empty() || value.starts_with("ai.onnx") || value.starts_with("com.microsoft");
        if matches!(key, "opset_import" | "domain") && !published {
            operators.add(value, "*", at, len, Vec::new());
        }
        last = value;
    }
    for name in ["PythonOp", "PyCustomOp", "PyOp"] {
        let whole = |i: &usize| text.get(i + name.len()..).is_some_and(|r| !r.starts_with(|c: char| c.is_alphanumeric() || c == '_'));
        if let Some(i) = text.match_indices(name).map(|m| m.0).find(whole) {
            operators.add("custom", name, i as u64, name.len() as u64, Vec::new());
        }
    }
    operators.finish(view, scan);
    // Every form of the text ends with what closes its last block.
    let count = |c: char| text.matches(c).count();
    if count('{') == 0 || count('{') != count('}') {
        return Err(crate::error::Error::malformed(view.len(), "past-end"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::proto::build::{bytes, int, varint};
    use crate::{Lang, Source, Verdict};
    use std::cell::Cell;
    use std::io;

    /// A file whose tensors are zeros that lie nowhere, and a count of what was read of it.
    struct Sparse {
        parts: Vec<(u64, Vec<u8>)>,
        len: u64,
        read: Cell<u64>,
    }

    impl Source for Sparse {
        fn len(&self) -> u64 {
            self.len
        }

        fn read_at(&self, at: u64, buf: &mut [u8]) -> io::Result<usize> {
            self.read.set(self.read.get() + buf.len() as u64);
            buf.fill(0);
            for (from, bytes) in &self.parts {
                for (i, b) in bytes.iter().enumerate() {
                    let place = from + i as u64;
                    if let Some(slot) = place.checked_sub(at).and_then(|n| buf.get_mut(n as usize)) {
                        *slot = *b;
                    }
                }
            }
            Ok(buf.len())
        }
    }

    /// A graph of `count` tensors of `each` bytes inside of the file.
    fn large(count: u64, each: u64) -> Sparse {
        let mut tensors = Vec::new();
        let (mut parts, mut at) = (Vec::new(), 0);
        for n in 0..count {
            let head = [int(1, each / 4), int(2, 1), bytes(8, format!("layer.{n}.weight"))].concat();
            let body = [head, varint(9 << 3 | 2), varint(each)].concat();
            let framed = [varint(5 << 3 | 2), varint(body.len() as u64 + each), body].concat();
            let len = framed.len() as u64;
            tensors.push((at, framed));
            at += len + each;
        }
        let front = [int(1, 8), varint(7 << 3 | 2), varint(at)].concat();
        let start = front.len() as u64;
        parts.push((0, front));
        parts.extend(tensors.into_iter().map(|(from, b)| (from + start, b)));
        let tail = bytes(8, [bytes(1, ""), int(2, 17)].concat());
        let len = start + at + tail.len() as u64;
        parts.push((start + at, tail));
        Sparse { parts, len, read: Cell::new(0) }
    }

    #[test]
    fn five_gigabytes_cost_a_hundredth() {
        let file = large(300, 18_000_000);
        assert!(file.len > 5 << 30);
        let report = crate::scan(&file, "model.onnx", Lang::En);
        assert_eq!((report.verdict, report.tensors.count, report.tensors.bytes), (Verdict::Clear, 300, 5_400_000_000));
        assert!(file.read.get() * 100 <= file.len, "{} of {}", file.read.get(), file.len);
    }

    #[test]
    fn a_tensor_above_four_gigabytes_is_stepped_over() {
        let file = large(2, 5 << 30);
        let report = crate::scan(&file, "model.onnx", Lang::En);
        assert_eq!((report.verdict, report.tensors.count), (Verdict::Clear, 2));
        assert!(file.read.get() < 8 << 20, "{}", file.read.get());
    }
}
