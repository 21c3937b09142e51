//! CNTK's models: the dictionaries of version 2 (`CNTK.proto`, `Serialization.cpp`) and the sections of version 1
//! (`ComputationNetwork.cpp`).
//!
//! A function that the model's author wrote is named by a library and an entry point, or by a Python module and a class: loading the
//! model loads them (`UserDefinedFunction.cpp`, `cntk/ops/functions.py`).

use super::proto::{Event, Fields, Schema, Walker};
use super::{Format, Match};
use crate::bytes::View;
use crate::error::Result;
use crate::fact::{Fact, Tensor};
use crate::scan::Scan;

/// Both versions.
pub const CNTK: Format = Format { id: "cntk", name: "CNTK", extensions: &["model", "dnn", "cntk"], refines: &["text"], probe, read };

/// `BCN` in letters of two bytes, which begins version 1.
const SECTIONS: &[u8] = b"B\0C\0N\0\0\0";

/// What stands in front of a dictionary whose numbers lie behind it: the mark and four bytes of length.
const SPLIT: &[u8] = b"ktnc";

/// Keys that the outer dictionary of a model has.
const KEYS: &[&str] = &["type", "uid", "root", "name", "inputs", "primitive_functions", "version", "state", "learner_state", "model"];

/// Bytes of a text that are kept.
const TEXT: u64 = 512;

/// Bytes of version 1 that are searched; its nodes name their kind in front of their numbers.
const SWEPT: u64 = 64 << 20;

/// Where the dictionary begins, and where it ends.
fn dictionary(view: View<'_>) -> (u64, u64) {
    match (view.has(0, SPLIT), view.u32(4)) {
        (true, Ok(len)) => (8, u64::from(len).saturating_add(8).min(view.len())),
        _ => (0, view.len()),
    }
}

fn probe(view: View<'_>) -> Match {
    if view.has(0, SECTIONS) {
        return Match::Sure;
    }
    let (from, end) = dictionary(view);
    if !view.has(from, &[0x08]) && !view.has(from, &[0x12]) {
        return Match::No;
    }
    // A version, and an entry whose key is one of a model's and whose value says its type.
    let mut fields = Fields::new(view, from, end.saturating_sub(from));
    for _ in 0..2 {
        let Ok(Some(field)) = fields.advance() else { return Match::No };
        if field.number == 1 && field.varint().is_some_and(|n| n < 16) {
            continue;
        }
        let Some((at, len)) = field.bytes().filter(|_| field.number == 2) else { return Match::No };
        let mut entry = Fields::new(view, at, len);
        let (mut key, mut value) = (None, None);
        while let Ok(Some(f)) = entry.advance() {
            match f.number {
                1 => key = Some(f.text(view, 64)),
                2 => value = f.bytes(),
                _ => return Match::No,
            }
        }
        let typed = value.is_some_and(|(at, len)| len >= 2 && (view.has(at, &[0x08]) || view.has(at, &[0x10])));
        return if typed && key.is_some_and(|k| KEYS.contains(&k.as_str())) { Match::Sure } else { Match::No };
    }
    Match::No
}

/// Messages of `CNTK.proto`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Dictionary,
    Entry,
    Value,
    Vector,
    Array,
    Shape,
}

impl Schema for Kind {
    fn child(self, number: u64) -> Option<Self> {
        match (self, number) {
            (Kind::Dictionary, 2) => Some(Kind::Entry),
            (Kind::Entry, 2) | (Kind::Vector, 1) => Some(Kind::Value),
            (Kind::Value, 11) => Some(Kind::Vector),
            (Kind::Value, 12) => Some(Kind::Dictionary),
            (Kind::Value, 13) => Some(Kind::Array),
            (Kind::Array, 3) => Some(Kind::Shape),
            _ => None,
        }
    }
}

/// The texts of one dictionary that decide what it is.
#[derive(Default)]
struct Named {
    at: u64,
    kind: String,
    module: String,
    class: String,
    method: String,
    op: String,
}

fn read(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    if view.has(0, SECTIONS) {
        return read_sections(view, scan);
    }
    let (from, end) = dictionary(view);
    let view = view.slice(from, end.saturating_sub(from))?;
    let mut walk = Walker::new(view, Kind::Dictionary);
    let mut open: Vec<Named> = Vec::new();
    // The key of the innermost entry; an entry inside of its value is a new one.
    let mut key = String::new();
    let mut array = Tensor::default();
    let mut functions = 0u64;
    while let Some(event) = walk.advance()? {
        match event {
            Event::Open { kind: Kind::Dictionary, at, .. } => open.push(Named { at, ..Named::default() }),
            Event::Open { kind: Kind::Array, .. } => array = Tensor { dtype: "F32".into(), ..Tensor::default() },
            // A parser takes the key wherever it stands in its entry.
            Event::Open { kind: Kind::Entry, at, len, .. } => {
                let mut fields = Fields::new(view, at, len);
                key.clear();
                while let Some(f) = fields.advance()? {
                    if f.number == 1 {
                        key = f.text(view, TEXT);
                    }
                }
            }
            Event::Field(Kind::Value, f) if f.number == 8 => {
                let text = f.text(view, TEXT);
                if let Some(top) = open.last_mut() {
                    match key.as_str() {
                        "type" => top.kind = text,
                        "module" => top.module = text,
                        "class" => top.class = text,
                        "deserialize_method" => top.method = text,
                        "op" => top.op = text,
                        _ => {}
                    }
                }
            }
            Event::Field(Kind::Array, f) if f.number == 1 => array.dtype = if f.varint() == Some(2) { "F64" } else { "F32" }.into(),
            Event::Field(Kind::Array, f) if matches!(f.number, 4..=7) => array.bytes = f.bytes().map_or(0, |(_, len)| len),
            Event::Field(Kind::Shape, f) if array.shape.len() < 8 => super::proto::numbers(view, &f, &mut array.shape, 8)?,
            Event::Close(Kind::Array) => scan.state(view, 0, 0, Fact::Tensor(std::mem::take(&mut array))),
            Event::Close(Kind::Dictionary) => {
                if let Some(named) = open.pop() {
                    functions += u64::from(named.kind.ends_with("Function"));
                    judge(view, &named, scan);
                }
            }
            _ => {}
        }
    }
    scan.leaf("functions", "layers", None, Some(functions.to_string()));
    Ok(())
}

/// What a dictionary makes a loader load.
fn judge(view: View<'_>, named: &Named, scan: &mut Scan<'_>) {
    let Named { at, kind, module, class, method, op } = named;
    if kind == "NativeUserDefinedFunction" || !module.is_empty() && !method.is_empty() {
        scan.state(view, *at, 16, Fact::NativeLibrary { target: format!("{module} ({method})") });
    } else if !module.is_empty() {
        // Python's way: the module is imported, the class is taken from it and called.
        let name = format!("{module}.{class}");
        scan.state(view, *at, 16, Fact::OwnCode { kind: "layer", name: name.clone() });
        scan.state(view, *at, 16, Fact::Target { way: "class", name, eager: true });
    } else if kind == "UserDefinedFunction" {
        scan.state(view, *at, 16, Fact::OwnCode { kind: "layer", name: if op.is_empty() { kind.clone() } else { op.clone() } });
    }
}

/// Version 1: only the program knows how long a node of each kind is, so the names of kinds are looked for.
fn read_sections(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    const OWN: [&str; 2] = ["UserDefined", "PluginNode"];
    let mut chunk = vec![0; 256 * 1024];
    let mut at = 0u64;
    while at < view.len().min(SWEPT) {
        let n = view.read(at, &mut chunk)?;
        let bytes = chunk.get(..n).unwrap_or(&[]);
        for word in OWN {
            let wide: Vec<u8> = word.bytes().flat_map(|b| [b, 0]).collect();
            for needle in [wide.as_slice(), word.as_bytes()] {
                if let Some(found) = bytes.windows(needle.len()).position(|w| w == needle) {
                    scan.state(view, at + found as u64, needle.len() as u64, Fact::OwnCode { kind: "layer", name: format!("{word}…") });
                }
            }
        }
        if n < chunk.len() {
            break;
        }
        at += (n - 64) as u64;
    }
    scan.gap("objects-not-followed");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::proto::build::{bytes, int};
    use crate::{Lang, Verdict};

    fn text(value: &str) -> Vec<u8> {
        [int(1, 1), int(2, 6), bytes(8, value)].concat()
    }

    fn entry(key: &str, value: Vec<u8>) -> Vec<u8> {
        bytes(2, [bytes(1, key), bytes(2, value)].concat())
    }

    fn nested(body: Vec<u8>) -> Vec<u8> {
        [int(1, 1), int(2, 10), bytes(12, [int(1, 1), body].concat())].concat()
    }

    fn list(items: &[Vec<u8>]) -> Vec<u8> {
        [int(1, 1), int(2, 9), bytes(11, items.iter().flat_map(|i| bytes(1, i)).collect::<Vec<_>>())].concat()
    }

    fn model(function: Vec<u8>) -> Vec<u8> {
        [int(1, 1), entry("type", text("CompositeFunction")), entry("root", text("Plus4")), entry("primitive_functions", list(&[nested(function)]))].concat()
    }

    fn verdict(bytes: Vec<u8>) -> Verdict {
        let report = crate::scan(&bytes, "m.model", Lang::En);
        assert_eq!(report.formats, ["cntk"]);
        report.verdict
    }

    #[test]
    fn functions_of_the_author_are_found_where_they_are_nested() {
        assert_eq!(verdict(model([entry("type", text("PrimitiveFunction")), entry("uid", text("Plus4"))].concat())), Verdict::Clear);
        let state = |fields: &[(&str, &str)]| fields.iter().flat_map(|(k, v)| entry(k, text(v))).collect::<Vec<u8>>();
        let own = |fields: &[(&str, &str)]| model([entry("type", text("UserDefinedFunction")), entry("user_defined_state", nested(state(fields)))].concat());
        assert_eq!(verdict(own(&[("op", "my_op")])), Verdict::Suspicious);
        assert_eq!(verdict(own(&[("module", "my_ops"), ("class", "Gate")])), Verdict::Suspicious);
        assert_eq!(verdict(own(&[("module", "os"), ("class", "system")])), Verdict::Dangerous);
        assert_eq!(verdict(own(&[("type", "NativeUserDefinedFunction"), ("module", "libx.so"), ("deserialize_method", "make")])), Verdict::Suspicious);
        // In front of numbers that lie outside of it.
        let plain = model(entry("type", text("PrimitiveFunction")));
        let split = [b"ktnc".to_vec(), (plain.len() as u32).to_le_bytes().to_vec(), plain, vec![0; 64]].concat();
        assert_eq!(verdict(split), Verdict::Clear);
    }

    #[test]
    fn version_one_is_never_clear() {
        let wide = |s: &str| s.bytes().chain([0]).flat_map(|b| [b, 0]).collect::<Vec<u8>>();
        assert_eq!(verdict([wide("BCN"), wide("BVersion"), wide("PlusNode")].concat()), Verdict::Incomplete);
        assert_eq!(verdict([wide("BCN"), wide("BVersion"), wide("UserDefinedV2Function")].concat()), Verdict::Suspicious);
    }
}
