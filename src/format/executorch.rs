//! ExecuTorch (`executorch/schema/program.fbs`, `extended_header.h`): a FlatBuffer with segments behind it.
//!
//! Kernels are compiled into the program that runs the model; a delegate's blob is for a compiler or driver of the device.

use super::flat::{self, Flat, Table};
use super::graph::{Operators, fault};
use super::safetensors::{Groups, Head, keep_head, look};
use super::tflite::ended;
use super::{Format, Match};
use crate::bytes::View;
use crate::error::Result;
use crate::fact::{Fact, OperatorText, Tensor};
use crate::scan::Scan;

/// `.pte`.
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
        // Data alone, without a program: its tensors are named in a FlatBuffer of its own.
        scan.kind("ExecuTorch data");
        scan.gap("format-not-read");
        return Ok(());
    }
    let flat = Flat::new(view);
    let mut r = Reader { flat: &flat, operators: Operators::new("executorch"), heads: Vec::new(), groups: Groups::new() };
    let done = r.program(scan);
    r.groups.end(scan);
    r.operators.finish(view, scan);
    look(view, &r.heads, scan);
    if done.is_ok() {
        flat.behind(scan);
    }
    ended(view, done, scan)
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
                None => fault(view, segment.at, 16, "offset-outside", format!("segment {i}: {offset} + {size} of {}", view.len().saturating_sub(base)), true, scan),
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
    lower.len() <= 1024 && !lower.contains(char::is_whitespace) && (versioned || [".so", ".dll", ".dylib", ".node"].iter().any(|e| base.len() > e.len() && base.ends_with(e)))
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
