//! TensorFlow Lite, now LiteRT (`tensorflow/lite/schema/schema.fbs`): a FlatBuffer, sometimes with tensors and a ZIP behind it.
//!
//! Custom operators need native code from elsewhere; those whose names begin with `Flex` are TensorFlow's and do what those do.
//! The interpreter believes indices and offsets unless it was told to verify them.

use super::flat::{self, Flat, Table, Vector};
use super::graph::{Operators, fault};
use super::safetensors::{Groups, Head, keep_head, look};
use super::{Format, Match, zip};
use crate::bytes::View;
use crate::error::Result;
use crate::fact::{Fact, OperatorText, Tensor};
use crate::scan::Scan;

/// Models of phones and small devices. A ZIP behind one holds its associated files.
pub const TFLITE: Format = Format { id: "tflite", name: "TensorFlow Lite", extensions: &["tflite", "lite", "litert"], refines: &["text", "zip"], probe, read };

/// Bytes of a name that are kept.
const NAME: u64 = 512;

/// Bytes of a licence that are read: it can stand there whole.
const LICENCE: u64 = 256 << 10;

/// The builtin operator that stands for a custom one.
const CUSTOM: u32 = 32;

/// Builtin operators that are known; the schema has 212 of them. Readers index a table with the code.
const BUILTINS: u32 = 1024;

fn probe(view: View<'_>) -> Match {
    if flat::marked(view, b"TFL3") { Match::Sure } else { Match::No }
}

fn read(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    let flat = Flat::new(view);
    let mut r = Reader {
        flat: &flat,
        operators: Operators::new("tflite"),
        heads: Vec::new(),
        groups: Groups::new(),
        codes: Vector::default(),
        buffers: Vector::default(),
    };
    let done = r.model(scan);
    r.groups.end(scan);
    r.operators.finish(view, scan);
    look(view, &r.heads, scan);
    if (zip::ZIP.probe)(view) == Match::Sure {
        // Labels and vocabularies; the offsets in its directory count from the start of the model.
        scan.enter("associated files", view, &mut |v, s| (zip::ZIP.read)(v, s));
    } else if done.is_ok() {
        flat.behind(scan);
    }
    flat.ended(done, scan)
}

struct Reader<'f, 's> {
    flat: &'f Flat<'s>,
    operators: Operators,
    heads: Vec<Head>,
    groups: Groups,
    codes: Vector,
    buffers: Vector,
}

impl<'f, 's> Reader<'f, 's> {
    fn model(&mut self, scan: &mut Scan<'_>) -> Result<()> {
        let (flat, view) = (self.flat, self.flat.view);
        let root = flat.root()?;
        for (key, value) in [("version", root.u32(0)?.to_string()), ("description", root.text(3, 4096)?)] {
            if !value.is_empty() {
                scan.state(view, root.at, 4, Fact::Metadata { key: key.to_string(), value });
            }
        }
        let codes = root.vector(1, 4)?;
        self.codes = codes;
        for i in 0..codes.count {
            self.code(flat.element(codes, i)?, scan)?;
        }
        self.buffers = root.vector(4, 4)?;
        for i in 0..self.buffers.count {
            self.buffer(flat.element(self.buffers, i)?, i, scan)?;
        }
        let graphs = root.vector(2, 4)?;
        for i in 0..graphs.count {
            self.graph(flat.element(graphs, i)?, graphs.count, scan)?;
        }
        let extra = root.vector(6, 4)?;
        for i in 0..extra.count {
            self.metadata(flat.element(extra, i)?, scan)?;
        }
        let signatures = root.vector(7, 4)?;
        for i in 0..signatures.count.min(200) {
            let name = flat.element(signatures, i)?.text(2, NAME)?;
            scan.leaf(&name, "signature", None, None);
        }
        Ok(())
    }

    fn code(&mut self, code: Table<'_, '_>, scan: &mut Scan<'_>) -> Result<()> {
        let view = self.flat.view;
        // The first field was a byte, before there were more than 127 operators.
        let builtin = code.u32(3)?.max(u32::from(code.u8(0)?));
        if builtin != CUSTOM {
            if builtin >= BUILTINS {
                fault(view, code.at, 4, "operator-code", builtin.to_string(), true, scan);
            }
            return Ok(());
        }
        let name = code.text(1, NAME)?;
        match name.strip_prefix("Flex") {
            Some(op) => self.operators.add("flex", op, code.at, 16, Vec::new()),
            None => self.operators.add("", &name, code.at, 16, Vec::new()),
        }
        Ok(())
    }

    /// TensorFlow's own description of an operator stands in its options: what matters is where it sends its output.
    fn node(&mut self, op: Table<'_, '_>, code: Table<'_, '_>) -> Result<()> {
        let options = op.vector(5, 1)?;
        if options.count == 0 || options.count > 64 * 1024 {
            return Ok(());
        }
        let name = code.text(1, NAME)?;
        let Some(name) = name.strip_prefix("Flex") else { return Ok(()) };
        let bytes = self.flat.view.take(options.at, options.count, 64 * 1024)?;
        let text = String::from_utf8_lossy(&bytes);
        if let Some(url) = ["file://", "grpc://"].iter().find_map(|s| text.find(s)).and_then(|i| text.get(i..)) {
            let value = url.chars().take_while(char::is_ascii_graphic).take(300).collect();
            self.operators.add("flex", name, options.at, options.count, vec![OperatorText { key: "output_stream".into(), value }]);
        }
        Ok(())
    }

    fn buffer(&mut self, buffer: Table<'_, '_>, i: u64, scan: &mut Scan<'_>) -> Result<()> {
        let view = self.flat.view;
        let data = buffer.vector(0, 1)?;
        let (mut at, mut len) = (data.at, data.count);
        // Models above 2 GiB keep their tensors behind the FlatBuffer. An offset of 1 stands for one that is not set yet.
        let (offset, size) = (buffer.u64(1)?, buffer.u64(2)?);
        if offset > 1 {
            (at, len) = (offset, size);
            if offset.checked_add(size).is_none_or(|end| end > view.len()) {
                fault(view, buffer.at, 16, "offset-outside", format!("buffer {i}: {offset} + {size} of {}", view.len()), true, scan);
                return Ok(());
            }
        }
        self.flat.reach(at.saturating_add(len));
        keep_head(&mut self.heads, &format!("buffer {i}"), at, len, false);
        Ok(())
    }

    fn graph(&mut self, graph: Table<'_, '_>, graphs: u64, scan: &mut Scan<'_>) -> Result<()> {
        let flat = self.flat;
        let tensors = graph.vector(0, 4)?;
        for i in 0..tensors.count {
            self.tensor(flat.element(tensors, i)?, scan)?;
        }
        for slot in [1, 2] {
            self.indices(graph.vector(slot, 4)?, tensors.count, false, scan)?;
        }
        let operators = graph.vector(3, 4)?;
        for i in 0..operators.count {
            let op = flat.element(operators, i)?;
            let code = u64::from(op.u32(0)?);
            if code >= self.codes.count {
                fault(flat.view, op.at, 4, "operator-index", format!("{code} of {}", self.codes.count), true, scan);
            } else {
                self.node(op, flat.element(self.codes, code)?)?;
            }
            for slot in [1, 2] {
                // -1 stands for an optional input that is not given.
                self.indices(op.vector(slot, 4)?, tensors.count, true, scan)?;
            }
        }
        if graphs > 65_536 {
            fault(flat.view, graph.at, 4, "subgraphs", graphs.to_string(), false, scan);
        }
        Ok(())
    }

    fn indices(&self, list: Vector, most: u64, optional: bool, scan: &mut Scan<'_>) -> Result<()> {
        let view = self.flat.view;
        for i in 0..list.count {
            let n = view.u32(list.at + 4 * i)?;
            if u64::from(n) >= most && !(optional && n == u32::MAX) {
                fault(view, list.at + 4 * i, 4, "tensor-index", format!("{} of {most}", n.cast_signed()), true, scan);
                return Ok(());
            }
        }
        Ok(())
    }

    fn tensor(&mut self, tensor: Table<'_, '_>, scan: &mut Scan<'_>) -> Result<()> {
        let (flat, view) = (self.flat, self.flat.view);
        let dims = tensor.vector(0, 4)?;
        let mut shape = Vec::new();
        for i in 0..dims.count.min(64) {
            shape.push(view.u32(dims.at + 4 * i)?);
        }
        let name = tensor.text(3, NAME)?;
        if shape.iter().any(|d| d.cast_signed() < 0) {
            fault(view, tensor.at, 4, "negative-dimension", format!("{name}: {:?}", shape.iter().map(|d| d.cast_signed()).collect::<Vec<_>>()), true, scan);
            return Ok(());
        }
        let shape: Vec<u64> = shape.into_iter().map(u64::from).collect();
        let (dtype, bits) = dtype(tensor.u8(1)?);
        let need = shape.iter().try_fold(1u64, |n, d| n.checked_mul(*d)).and_then(|n| n.checked_mul(bits)).filter(|n| i64::try_from(*n).is_ok());
        if need.is_none() {
            fault(view, tensor.at, 4, "shape-overflow", format!("{name}: {shape:?}"), true, scan);
        }
        let buffer = u64::from(tensor.u32(2)?);
        if buffer >= self.buffers.count && buffer > 0 {
            fault(view, tensor.at, 4, "buffer-index", format!("{name}: {buffer} of {}", self.buffers.count), true, scan);
            return Ok(());
        }
        // Only tensors with data are the model's; the others are computed.
        if buffer < self.buffers.count {
            let holder = flat.element(self.buffers, buffer)?;
            let bytes = if holder.u64(1)? > 1 { holder.u64(2)? } else { holder.vector(0, 1)?.count };
            if bytes > 0 {
                let tensor_fact = Tensor { name, dtype, shape, bytes };
                self.groups.show(&tensor_fact, scan);
                scan.state(view, tensor.at, 16, Fact::Tensor(tensor_fact));
            }
        }
        Ok(())
    }

    fn metadata(&mut self, entry: Table<'_, '_>, scan: &mut Scan<'_>) -> Result<()> {
        let (flat, view) = (self.flat, self.flat.view);
        let (name, buffer) = (entry.text(0, NAME)?, u64::from(entry.u32(1)?));
        if buffer >= self.buffers.count {
            fault(view, entry.at, 4, "buffer-index", format!("{name}: {buffer} of {}", self.buffers.count), true, scan);
            return Ok(());
        }
        let data = flat.element(self.buffers, buffer)?.vector(0, 1)?;
        let short = data.count <= 64;
        let text = if short {
            String::from_utf8_lossy(&view.take(data.at, data.count, 64)?).trim_end_matches('\0').to_string()
        } else {
            format!("({} bytes)", data.count)
        };
        scan.state(view, entry.at, 8, Fact::Metadata { key: name.clone(), value: text });
        if let Ok(inner) = view.slice(data.at, data.count)
            && inner.has(4, b"M001")
        {
            model_metadata(inner, scan)?;
        }
        Ok(())
    }
}

/// `metadata_schema.fbs`: name, description, author and licence of the model.
fn model_metadata(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    let flat = Flat::new(view);
    let root = flat.root()?;
    for (slot, key) in [(0, "name"), (1, "description"), (2, "version"), (4, "author"), (5, "license")] {
        let value = root.text(slot, if key == "license" { LICENCE } else { 4096 })?;
        if !value.is_empty() {
            scan.state(view, root.at, 4, Fact::Metadata { key: key.to_string(), value });
        }
    }
    Ok(())
}

/// Element types of `TensorType`: name and bits.
fn dtype(n: u8) -> (String, u64) {
    let (name, bits) = match n {
        0 => ("F32", 32),
        1 => ("F16", 16),
        2 => ("I32", 32),
        3 => ("U8", 8),
        4 => ("I64", 64),
        5 => ("string", 8),
        6 => ("BOOL", 8),
        7 => ("I16", 16),
        8 => ("C64", 64),
        9 => ("I8", 8),
        10 => ("F64", 64),
        11 => ("C128", 128),
        12 => ("U64", 64),
        13 => ("resource", 8),
        14 => ("variant", 8),
        15 => ("U32", 32),
        16 => ("U16", 16),
        17 => ("I4", 4),
        18 => ("BF16", 16),
        19 => ("I2", 2),
        _ => return (format!("type {n}"), 8),
    };
    (name.to_string(), bits)
}
