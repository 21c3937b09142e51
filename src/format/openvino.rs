//! OpenVINO's intermediate representation: an XML with the graph and a `.bin` beside it with the constants.
//!
//! Layers of a set that is not OpenVINO's own come from an extension, which is a native library.

use super::executorch::is_library;
use super::graph::{Files, Operators, fault};
use super::safetensors::Groups;
use super::{Format, Match, xml};
use crate::bytes::View;
use crate::error::{Error, Result};
use crate::fact::{Fact, OperatorText, Tensor};
use crate::scan::Scan;
use quick_xml::events::Event;

/// `.xml`; the `.bin` has no mark of its own.
pub const OPENVINO: Format = Format { id: "openvino", name: "OpenVINO IR", extensions: &["xml"], refines: &["text"], probe, read };

fn probe(view: View<'_>) -> Match {
    match xml::root(view) {
        Some((name, attributes)) if name.rsplit(':').next() == Some("net") && attributes.iter().any(|(k, _)| matches!(k.as_str(), "version" | "name")) => {
            Match::Sure
        }
        // Which plugins the runtime is to load, and from where.
        Some((name, _)) if name == "ie" => Match::Sure,
        _ => Match::No,
    }
}

#[derive(Default)]
struct Layer {
    at: u64,
    name: String,
    kind: String,
    version: String,
    texts: Vec<OperatorText>,
}

struct Reader<'s> {
    view: View<'s>,
    operators: Operators,
    files: Files,
    groups: Groups,
    layers: Vec<(usize, Layer)>,
}

fn read(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    let mut r = Reader { view, operators: Operators::new("openvino"), files: Files::default(), groups: Groups::new(), layers: Vec::new() };
    let done = r.walk(scan);
    r.groups.end(scan);
    r.operators.finish(view, scan);
    r.files.finish(view, scan);
    done
}

impl Reader<'_> {
    fn walk(&mut self, scan: &mut Scan<'_>) -> Result<()> {
        let view = self.view;
        let (mut reader, mut buf) = (xml::reader(view), Vec::new());
        let mut depth = 0usize;
        loop {
            let (at, end, event) = xml::next(&mut reader, &mut buf)?;
            match event {
                Event::DocType(text) => xml::doctype(view, at, end, &text, scan),
                Event::Start(e) => {
                    depth += 1;
                    if depth > xml::DEPTH {
                        return Err(Error::limit(at, "xml-depth"));
                    }
                    self.element(&xml::name(&e), xml::attributes(&e), depth, at, end, scan);
                }
                Event::Empty(e) => {
                    self.element(&xml::name(&e), xml::attributes(&e), depth + 1, at, end, scan);
                    self.leave(depth + 1, end);
                }
                Event::End(_) => {
                    self.leave(depth, end);
                    depth = depth.saturating_sub(1);
                }
                Event::Eof => break,
                _ => {}
            }
        }
        // The parser ends without a word inside of an open element.
        if depth > 0 { Err(xml::fault(view.len())) } else { Ok(()) }
    }

    fn leave(&mut self, depth: usize, end: u64) {
        while self.layers.last().is_some_and(|(d, _)| *d >= depth) {
            let Some((_, layer)) = self.layers.pop() else { break };
            self.operators.add(&layer.version, &layer.kind, layer.at, end.saturating_sub(layer.at), layer.texts);
        }
    }

    fn element(&mut self, name: &str, attributes: Vec<(String, String)>, depth: usize, at: u64, end: u64, scan: &mut Scan<'_>) {
        let view = self.view;
        let get = |key: &str| attributes.iter().find(|(k, _)| k == key).map_or("", |(_, v)| v.as_str());
        // A setting that is the name of a library says what an extension is to be loaded from.
        for (_, value) in attributes.iter().filter(|(_, v)| is_library(v)) {
            scan.state(view, at, end - at, Fact::NativeLibrary { target: value.clone() });
        }
        super::setting::metadata(view, at, end - at, get("value"), scan);
        // Some readers look at a name without its prefix.
        match name.rsplit(':').next().unwrap_or(name) {
            "license" | "licence" | "license_name" | "license_link" | "model_license" if !get("value").is_empty() => {
                scan.state(view, at, end - at, Fact::Metadata { key: name.to_string(), value: get("value").chars().take(4096).collect() });
            }
            "net" if depth == 1 => {
                for key in ["name", "version"] {
                    scan.state(view, at, end - at, Fact::Metadata { key: key.to_string(), value: get(key).to_string() });
                }
            }
            "layer" => {
                let layer = Layer { at, name: get("name").to_string(), kind: get("type").to_string(), version: get("version").to_string(), texts: Vec::new() };
                // Of an attribute that stands twice one reader takes the first and another the last.
                for (key, value) in attributes.iter().filter(|(k, v)| matches!(k.as_str(), "type" | "version") && v != get(k)) {
                    let (kind, version) = if key == "type" { (value.as_str(), layer.version.as_str()) } else { (layer.kind.as_str(), value.as_str()) };
                    self.operators.add(version, kind, at, end - at, Vec::new());
                }
                self.layers.push((depth, layer));
            }
            "data" => {
                let constant = self.layers.last().is_some_and(|(_, l)| l.kind == "Const") && !get("offset").is_empty();
                if constant {
                    self.constant([get("offset"), get("size"), get("shape"), get("element_type")], at, end, scan);
                } else if let Some((_, layer)) = self.layers.last_mut()
                    && !layer.version.starts_with("opset")
                {
                    layer.texts.extend(attributes.into_iter().take(16).map(|(key, value)| OperatorText { key, value: value.chars().take(300).collect() }));
                }
            }
            "CustomLayer" | "Kernel" | "Source" | "plugin" => {
                let text = attributes.iter().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>().join(" ");
                self.operators.add("extension", name, at, end - at, vec![OperatorText { key: name.to_string(), value: text.chars().take(300).collect() }]);
            }
            _ => {}
        }
    }

    /// A constant's place in the `.bin`.
    fn constant(&mut self, [offset, size, shape, kind]: [&str; 4], at: u64, end: u64, scan: &mut Scan<'_>) {
        let view = self.view;
        let (Ok(offset), Ok(size)) = (offset.trim().parse::<u64>(), size.trim().parse::<u64>()) else {
            fault(view, at, end - at, "external-range", format!("{offset}, {size}"), true, scan);
            return;
        };
        let Some(last) = offset.checked_add(size).filter(|n| i64::try_from(*n).is_ok()) else {
            fault(view, at, end - at, "offset-wraps", format!("{offset} + {size}"), true, scan);
            return;
        };
        let shape: Vec<u64> = shape.split(',').filter_map(|d| d.trim().parse().ok()).take(64).collect();
        let bits = bits(kind);
        let need = shape.iter().try_fold(bits, |n, d| n.checked_mul(*d)).map(|n| n.div_ceil(8));
        match need {
            None => fault(view, at, end - at, "shape-overflow", format!("{shape:?}"), true, scan),
            Some(n) if bits > 0 && n > size => fault(view, at, end - at, "shape-size", format!("{n} of {size}"), true, scan),
            _ => {}
        }
        let name = self.layers.last().map_or(String::new(), |(_, l)| l.name.clone());
        let tensor = Tensor { name, dtype: kind.to_ascii_uppercase(), shape, bytes: size };
        self.groups.show(&tensor, scan);
        scan.state(view, at, end - at, Fact::Tensor(tensor));
        let own = scan.name().rsplit('/').next().unwrap_or("").to_string();
        if let Some(stem) = own.strip_suffix(".xml") {
            self.files.need(&format!("{stem}.bin"), last, view, at, end - at, scan);
        }
    }
}

/// Bits of an element type; 0 where it is none that has a fixed width.
fn bits(kind: &str) -> u64 {
    match kind {
        "f64" | "i64" | "u64" => 64,
        "f32" | "i32" | "u32" => 32,
        "f16" | "bf16" | "i16" | "u16" => 16,
        "i8" | "u8" | "boolean" | "f8e4m3" | "f8e5m2" | "f8e8m0" => 8,
        "i4" | "u4" | "nf4" | "f4e2m1" => 4,
        "u2" => 2,
        "u1" => 1,
        _ => 0,
    }
}
