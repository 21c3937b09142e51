//! ONNX Runtime's own format (`onnxruntime/core/flatbuffers/schema/ort.fbs`): an ONNX model as a FlatBuffer.

use super::flat::{self, Flat, Table};
use super::graph::{Operators, fault};
use super::onnx;
use super::safetensors::{Groups, Head, keep_head};
use super::{Format, Match};
use crate::bytes::View;
use crate::error::{Error, Result};
use crate::fact::{Fact, OperatorText, Tensor};
use crate::scan::Scan;

/// `.ort`.
pub const ORT: Format = Format { id: "ort", name: "ONNX Runtime model", extensions: &["ort"], refines: &["text"], probe, read };

/// Bytes of a name that are kept.
const NAME: u64 = 512;

/// Graphs inside of graphs.
const DEPTH: usize = 64;

fn probe(view: View<'_>) -> Match {
    if flat::marked(view, b"ORTM") { Match::Sure } else { Match::No }
}

fn read(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    let flat = Flat::new(view);
    let mut r = Reader { flat: &flat, operators: Operators::new("onnx"), heads: Vec::new(), groups: Groups::new(), graphs: Vec::new() };
    let done = r.model(scan);
    r.groups.end(scan);
    r.operators.finish(view, scan);
    flat.finish(&r.heads, done, scan)
}

struct Reader<'f, 's> {
    flat: &'f Flat<'s>,
    operators: Operators,
    heads: Vec<Head>,
    groups: Groups,
    /// Graphs that are still to be read, with their depth.
    graphs: Vec<(u64, usize)>,
}

impl Reader<'_, '_> {
    fn model(&mut self, scan: &mut Scan<'_>) -> Result<()> {
        let (flat, view) = (self.flat, self.flat.view);
        let root = flat.root()?;
        let version = root.text(0, 64)?;
        scan.state(view, root.at, 4, Fact::Metadata { key: "ort_version".into(), value: version });
        let Some(model) = root.table(1)? else { return Ok(()) };
        for (slot, key) in [(2, "producer_name"), (3, "producer_version"), (4, "domain"), (6, "doc_string")] {
            let value = model.text(slot, 4096)?;
            if !value.is_empty() {
                scan.state(view, model.at, 4, Fact::Metadata { key: key.into(), value });
            }
        }
        let pairs = model.vector(9, 4)?;
        for i in 0..pairs.count.min(20_000) {
            let pair = flat.element(pairs, i)?;
            scan.state(view, pair.at, 8, Fact::Metadata { key: pair.text(0, NAME)?, value: pair.text(1, 4096)? });
        }
        if let Some(graph) = model.table(7)? {
            self.graphs.push((graph.at, 0));
        }
        while let Some((at, depth)) = self.graphs.pop() {
            self.graph(flat.table(at)?, depth, scan)?;
        }
        Ok(())
    }

    fn graph(&mut self, graph: Table<'_, '_>, depth: usize, scan: &mut Scan<'_>) -> Result<()> {
        let flat = self.flat;
        let tensors = graph.vector(0, 4)?;
        for i in 0..tensors.count {
            self.tensor(flat.element(tensors, i)?, scan)?;
        }
        let nodes = graph.vector(2, 4)?;
        for i in 0..nodes.count {
            let node = flat.element(nodes, i)?;
            let mut texts = Vec::new();
            let attributes = node.vector(10, 4)?;
            for k in 0..attributes.count {
                self.attribute(flat.element(attributes, k)?, depth, &mut texts, scan)?;
            }
            let domain = node.text(2, NAME)?;
            if matches!(domain.as_str(), "" | "ai.onnx" | "ai.onnx.ml") {
                texts.clear();
            }
            self.operators.add(&domain, &node.text(5, NAME)?, node.at, 16, texts);
        }
        Ok(())
    }

    fn attribute(&mut self, attribute: Table<'_, '_>, depth: usize, texts: &mut Vec<OperatorText>, scan: &mut Scan<'_>) -> Result<()> {
        let flat = self.flat;
        let value = attribute.text(5, 300)?;
        if !value.is_empty() && texts.len() < 32 {
            texts.push(OperatorText { key: attribute.text(0, NAME)?, value });
        }
        if let Some(tensor) = attribute.table(6)? {
            self.tensor(tensor, scan)?;
        }
        let mut inner = Vec::new();
        if let Some(graph) = attribute.table(7)? {
            inner.push(graph.at);
        }
        let graphs = attribute.vector(12, 4)?;
        for i in 0..graphs.count {
            inner.push(flat.element(graphs, i)?.at);
        }
        if !inner.is_empty() && depth >= DEPTH {
            return Err(Error::limit(attribute.at, "proto-depth"));
        }
        self.graphs.extend(inner.into_iter().map(|at| (at, depth + 1)));
        let tensors = attribute.vector(11, 4)?;
        for i in 0..tensors.count {
            self.tensor(flat.element(tensors, i)?, scan)?;
        }
        Ok(())
    }

    fn tensor(&mut self, tensor: Table<'_, '_>, scan: &mut Scan<'_>) -> Result<()> {
        let (flat, view) = (self.flat, self.flat.view);
        let name = tensor.text(0, NAME)?;
        let dims = tensor.vector(2, 8)?;
        let mut shape = Vec::new();
        for i in 0..dims.count.min(64) {
            shape.push(view.u64(dims.at + 8 * i)?);
        }
        if shape.iter().any(|d| i64::try_from(*d).is_err()) {
            fault(view, tensor.at, 16, "negative-dimension", format!("{name}: {shape:?}"), true, scan);
            return Ok(());
        }
        let kind = onnx::dtype(u64::from(tensor.u32(3)?));
        let raw = tensor.vector(4, 1)?;
        // Field 6 is where in the file beside it the tensor lies; -1 says nowhere.
        let outside = tensor.has(6)? && tensor.u64(6)?.cast_signed() >= 0;
        let need = kind.and_then(|(_, bits)| shape.iter().try_fold(bits, |n, d| n.checked_mul(*d))).map(|n| n.div_ceil(8));
        if kind.is_some() && need.is_none() {
            fault(view, tensor.at, 16, "shape-overflow", format!("{name}: {shape:?}"), true, scan);
        }
        if let Some(n) = need
            && !outside
            && n != raw.count
        {
            fault(view, tensor.at, 16, "shape-size", format!("{name}: {n} of {}", raw.count), true, scan);
        }
        if outside {
            // The format keeps offsets only: the caller of the runtime says which file they count in.
            scan.note("tensors in a file beside it".to_string());
        } else {
            keep_head(&mut self.heads, &name, raw.at, raw.count, false);
        }
        let fact = Tensor { name, dtype: kind.map_or_else(|| "string".to_string(), |(l, _)| l.to_string()), shape, bytes: raw.count };
        self.groups.show(&fact, scan);
        scan.state(flat.view, tensor.at, 16, Fact::Tensor(fact));
        Ok(())
    }
}
