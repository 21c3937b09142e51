//! ExecuTorch (`executorch/schema/program.fbs`, `extended_header.h`): a FlatBuffer with segments behind it.
//!
//! Kernels are compiled into the program that runs the model; a delegate's blob is for a compiler or driver of the device.

use super::flat::{self, Flat, Table, Vector};
use super::graph::{Operators, fault};
use super::safetensors::{Groups, Head, keep_head};
use super::{Format, Match};
use crate::bytes::View;
use crate::error::Result;
use crate::fact::{Fact, OperatorText, Tensor};
use crate::scan::Scan;

/// `.pte`, and the data of `.ptd`.
pub const EXECUTORCH: Format = Format { id: "executorch", name: "ExecuTorch", extensions: &["pte", "ptd"], refines: &["text"], probe, read };

/// Bytes of a name that are kept.
const NAME: u64 = 512;

fn probe(view: View<'_>) -> Match {
    match view.array::<4>(4) {
        Ok([b'E' | b'F', b'T', a, b]) if a.is_ascii_digit() && b.is_ascii_digit() && flat::marked(view, &[]) => Match::Sure,
        _ => Match::No,
    }
}

fn read(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    if view.has(4, b"FT") {
        return read_data(view, scan);
    }
    let flat = Flat::new(view);
    let mut r = Reader { flat: &flat, operators: Operators::new("executorch"), heads: Vec::new(), groups: Groups::new() };
    let done = r.program(scan);
    r.groups.end(scan);
    r.operators.finish(view, scan);
    flat.finish(&r.heads, done, scan)
}

/// Data without a program (`flat_tensor.fbs`, `flat_tensor_header.h`): names, layouts, and segments behind the FlatBuffer.
fn read_data(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    scan.kind("ExecuTorch data");
    let flat = Flat::new(view);
    let (mut heads, mut groups) = (Vec::new(), Groups::new());
    let done = data(&flat, &mut heads, &mut groups, scan);
    groups.end(scan);
    flat.finish(&heads, done, scan)
}

fn data(flat: &Flat<'_>, heads: &mut Vec<Head>, groups: &mut Groups, scan: &mut Scan<'_>) -> Result<()> {
    let view = flat.view;
    let root = flat.root()?;
    scan.state(view, root.at, 4, Fact::Metadata { key: "version".into(), value: root.u32(0)?.to_string() });
    // Behind the mark of the header: its length, where the FlatBuffer begins and how long it is, where the segments begin.
    let base = if view.has(8, b"FH01") { view.u64(32)? } else { 0 };
    // Version 0.5 had an alignment and a list of tensors in front of the segments.
    let old = root.has(3)?;
    let (segments, named) = if old { (root.vector(3, 4)?, root.vector(4, 4)?) } else { (root.vector(1, 4)?, root.vector(2, 4)?) };
    let tensors = if old { root.vector(2, 4)? } else { Vector::default() };
    for i in 0..tensors.count {
        let tensor = flat.element(tensors, i)?;
        let (shape, (dtype, bits)) = (sizes_of(view, tensor.vector(2, 4)?)?, dtype(tensor.u8(1)?));
        let bytes = shape.iter().try_fold(bits, |n, d| n.checked_mul(*d)).map_or(0, |n| n / 8);
        let fact = Tensor { name: tensor.text(0, NAME)?, dtype, shape, bytes };
        groups.show(&fact, scan);
        scan.state(view, tensor.at, 16, Fact::Tensor(fact));
    }
    let mut sizes = Vec::new();
    for i in 0..segments.count {
        let segment = flat.element(segments, i)?;
        let (offset, size) = (segment.u64(0)?, segment.u64(1)?);
        match base.checked_add(offset).filter(|at| at.checked_add(size).is_some_and(|end| end <= view.len())) {
            Some(at) => {
                flat.reach(at.saturating_add(size));
                keep_head(heads, &format!("segment {i}"), at, size, true);
            }
            None => fault(view, segment.at, 16, "offset-outside", format!("segment {i}: {offset} + {size} of {}", view.len().saturating_sub(base)), true, scan),
        }
        if sizes.len() < 1_000_000 {
            sizes.push(size);
        }
    }
    for i in 0..named.count {
        let entry = flat.element(named, i)?;
        let (key, segment) = (entry.text(0, NAME)?, entry.u32(1)?);
        let size = usize::try_from(segment).ok().and_then(|n| sizes.get(n)).copied();
        let Some(size) = size else {
            fault(view, entry.at, 16, "offset-outside", format!("{key}: segment {segment} of {}", sizes.len()), true, scan);
            continue;
        };
        let Some(layout) = entry.table(2)? else {
            scan.leaf(&key, "data", Some(size), None);
            continue;
        };
        let (shape, (dtype, bits)) = (sizes_of(view, layout.vector(1, 4)?)?, dtype(layout.u8(0)?));
        let needed = shape.iter().try_fold(bits, |n, d| n.checked_mul(*d)).map(|n| n / 8);
        if needed.is_none_or(|n| n > size) {
            fault(view, entry.at, 16, "tensor-size", format!("{key}: {shape:?} of {dtype} in {size} bytes"), true, scan);
        }
        let fact = Tensor { name: key, dtype, shape, bytes: size };
        groups.show(&fact, scan);
        scan.state(view, entry.at, 16, Fact::Tensor(fact));
    }
    Ok(())
}

/// The dimensions of a tensor.
fn sizes_of(view: View<'_>, dims: Vector) -> Result<Vec<u64>> {
    (0..dims.count.min(64)).map(|k| view.u32(dims.at + 4 * k).map(u64::from)).collect()
}

struct Reader<'f, 's> {
    flat: &'f Flat<'s>,
    operators: Operators,
    heads: Vec<Head>,
    groups: Groups,
}

impl Reader<'_, '_> {
    fn program(&mut self, scan: &mut Scan<'_>) -> Result<()> {
        let (flat, view) = (self.flat, self.flat.view);
        let root = flat.root()?;
        let version = root.u32(0)?.to_string();
        scan.state(view, root.at, 4, Fact::Metadata { key: "version".into(), value: version });
        let plans = root.vector(1, 4)?;
        for i in 0..plans.count {
            self.plan(flat.element(plans, i)?, scan)?;
        }
        for (slot, name) in [(2, "constant"), (3, "delegate data")] {
            let list = root.vector(slot, 4)?;
            for i in 0..list.count {
                let data = flat.element(list, i)?.vector(0, 1)?;
                keep_head(&mut self.heads, &format!("{name} {i}"), data.at, data.count, slot == 3);
            }
        }
        self.segments(root, scan)
    }

    /// Segments lie behind the FlatBuffer; the header in front of it says where they start.
    fn segments(&mut self, root: Table<'_, '_>, scan: &mut Scan<'_>) -> Result<()> {
        let (flat, view) = (self.flat, self.flat.view);
        let extended = view.has(8, b"eh00");
        let (program, base) = if extended { (view.u64(16)?, view.u64(24)?) } else { (0, 0) };
        if program > view.len() || base > view.len() {
            fault(view, 16, 16, "offset-outside", format!("program {program}, segments {base} of {}", view.len()), true, scan);
            return Ok(());
        }
        let list = root.vector(4, 4)?;
        for i in 0..list.count {
            let segment = flat.element(list, i)?;
            let (offset, size) = (segment.u64(0)?, segment.u64(1)?);
            let place = base.checked_add(offset);
            match place.filter(|at| at.checked_add(size).is_some_and(|end| end <= view.len())) {
                Some(at) => {
                    flat.reach(at.saturating_add(size));
                    keep_head(&mut self.heads, &format!("segment {i}"), at, size, true);
                }
                None => {
                    fault(view, segment.at, 16, "offset-outside", format!("segment {i}: {offset} + {size} of {}", view.len().saturating_sub(base)), true, scan)
                }
            }
        }
        Ok(())
    }

    fn plan(&mut self, plan: Table<'_, '_>, scan: &mut Scan<'_>) -> Result<()> {
        let (flat, view) = (self.flat, self.flat.view);
        scan.leaf(&plan.text(0, NAME)?, "method", None, None);
        let values = plan.vector(2, 4)?;
        for i in 0..values.count {
            let value = flat.element(values, i)?;
            // The union's type and the table it stands for; 5 is a tensor.
            if value.u8(0)? == 5
                && let Some(tensor) = value.table(1)?
            {
                self.tensor(tensor, i, scan)?;
            }
        }
        let operators = plan.vector(6, 4)?;
        for i in 0..operators.count {
            let op = flat.element(operators, i)?;
            let name = op.text(0, NAME)?;
            let (domain, name) = name.split_once("::").unwrap_or(("", &name));
            self.operators.add(domain, name, op.at, 12, Vec::new());
        }
        let delegates = plan.vector(7, 4)?;
        for i in 0..delegates.count {
            let delegate = flat.element(delegates, i)?;
            let mut texts = Vec::new();
            let specs = delegate.vector(2, 4)?;
            for k in 0..specs.count {
                let spec = flat.element(specs, k)?;
                let (key, data) = (spec.text(0, NAME)?, spec.vector(1, 1)?);
                let value = super::proto::text(view, data.at, data.count, 300);
                if texts.len() < 32 && !value.contains('\0') && !value.is_empty() {
                    library(view, data.at, data.count, &value, scan);
                    texts.push(OperatorText { key, value });
                }
            }
            self.operators.add("delegate", &delegate.text(0, NAME)?, delegate.at, 16, texts);
        }
        Ok(())
    }

    fn tensor(&mut self, tensor: Table<'_, '_>, i: u64, scan: &mut Scan<'_>) -> Result<()> {
        let view = self.flat.view;
        let dims = tensor.vector(2, 4)?;
        let mut shape = Vec::new();
        for k in 0..dims.count.min(64) {
            shape.push(view.u32(dims.at + 4 * k)?);
        }
        if shape.iter().any(|d| d.cast_signed() < 0) {
            fault(view, tensor.at, 16, "negative-dimension", format!("value {i}: {:?}", shape.iter().map(|d| d.cast_signed()).collect::<Vec<_>>()), true, scan);
            return Ok(());
        }
        // Buffer 0 stands for a tensor that is computed.
        if tensor.u32(5)? > 0 {
            let shape: Vec<u64> = shape.into_iter().map(u64::from).collect();
            let (dtype, bits) = dtype(tensor.u8(0)?);
            let bytes = shape.iter().try_fold(bits, |n, d| n.checked_mul(*d)).map_or(0, |n| n / 8);
            let fact = Tensor { name: format!("value {i}"), dtype, shape, bytes };
            self.groups.show(&fact, scan);
            scan.state(view, tensor.at, 16, Fact::Tensor(fact));
        }
        Ok(())
    }
}

/// A setting whose whole value is the name of a shared library.
pub(super) fn library(view: View<'_>, at: u64, len: u64, value: &str, scan: &mut Scan<'_>) {
    if is_library(value) {
        scan.state(view, at, len, Fact::NativeLibrary { target: value.to_string() });
    }
}

/// Whether a text is the name of a shared library, with a version behind it or not.
pub(super) fn is_library(text: &str) -> bool {
    let lower = text.trim().to_ascii_lowercase();
    let base = lower.rsplit(['/', '\\']).next().unwrap_or(&lower);
    let versioned = base.split_once(".so.").is_some_and(|(stem, version)| !stem.is_empty() && version.chars().all(|c| c.is_ascii_digit() || c == '.'));
    lower.len() <= 1024
        && !lower.contains(char::is_whitespace)
        && (versioned || [".so", ".dll", ".dylib", ".node"].iter().any(|e| base.len() > e.len() && base.ends_with(e)))
}

/// Element types of `c10::ScalarType`: name and bits.
fn dtype(n: u8) -> (String, u64) {
    let (name, bits) = match n {
        0 => ("U8", 8),
        1 => ("I8", 8),
        2 => ("I16", 16),
        3 => ("I32", 32),
        4 => ("I64", 64),
        5 => ("F16", 16),
        6 => ("F32", 32),
        7 => ("F64", 64),
        8 => ("C32", 32),
        9 => ("C64", 64),
        10 => ("C128", 128),
        11 => ("BOOL", 8),
        12 => ("qint8", 8),
        13 => ("quint8", 8),
        14 => ("qint32", 32),
        15 => ("BF16", 16),
        27 => ("U16", 16),
        28 => ("U32", 32),
        29 => ("U64", 64),
        _ => return (format!("type {n}"), 0),
    };
    (name.to_string(), bits)
}
