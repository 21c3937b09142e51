//! PaddlePaddle: `ProgramDesc` (`framework.proto`), the JSON program of version 3, and the parameters beside them.

use super::graph::{Operators, fault};
use super::json::{self, Event as Json};
use super::proto::{self, Event, Field, Fields, Schema, Walker};
use super::safetensors::{Groups, Head, keep_head, look};
use super::{Format, Match};
use crate::bytes::View;
use crate::error::{Error, Result};
use crate::fact::{Fact, OperatorText, Tensor};
use crate::scan::Scan;

/// `.pdmodel`, `__model__`.
pub const PROGRAM: Format =
    Format { id: "paddle", name: "PaddlePaddle program", extensions: &["pdmodel"], refines: &["text"], probe: probe_program, read: read_program };

/// `.json` of version 3.
pub const PIR: Format =
    Format { id: "paddle-pir", name: "PaddlePaddle program (PIR)", extensions: &["json"], refines: &["json", "text"], probe: probe_pir, read: read_pir };

/// `.pdiparams`, `__params__`, and the files of single variables.
pub const PARAMS: Format =
    Format { id: "paddle-params", name: "PaddlePaddle parameters", extensions: &["pdiparams"], refines: &["text"], probe: probe_params, read: read_params };

/// Bytes of a name that are kept.
const NAME: u64 = 512;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Kind {
    #[default]
    Program,
    Block,
    Var,
    VarType,
    Dense,
    Tensor,
    Op,
    Attr,
    Version,
}

impl Schema for Kind {
    fn child(self, number: u64) -> Option<Kind> {
        use Kind::*;
        Some(match (self, number) {
            (Program, 1) => Block,
            (Program, 4) => Version,
            (Block, 3) => Var,
            (Block, 4) => Op,
            (Var, 2) => VarType,
            (VarType, 3) => Dense,
            (Dense, 1) => Tensor,
            (Op, 4) => Attr,
            _ => return None,
        })
    }
}

/// A block begins with its number and its parent's; then variables or operators follow.
fn is_block(view: View<'_>, at: u64, len: u64) -> bool {
    let mut fields = Fields::new(view, at, len);
    let (mut index, mut parent, mut first) = (false, false, false);
    for _ in 0..6 {
        match fields.advance() {
            Ok(Some(f)) => match (f.number, f.varint(), f.bytes()) {
                (1, Some(n @ 0..=65_536), _) => (index, first) = (true, n == 0),
                (2, Some(_), _) => parent = true,
                (5, Some(_), _) => {}
                (3 | 4, _, Some(_)) => return index && parent,
                _ => return false,
            },
            Ok(None) => break,
            // Numbers of a tensor look like a block's, too: a damaged one has to be the first.
            Err(_) => return index && parent && first,
        }
    }
    index && parent
}

fn probe_program(view: View<'_>) -> Match {
    match Fields::new(view, 0, view.len()).advance() {
        Ok(Some(f)) if f.number == 1 && f.bytes().is_some_and(|(at, len)| is_block(view, at, len)) => Match::Sure,
        // The first block goes on behind the end of a file that was cut off.
        Err(_) if view.has(0, &[0x0a]) => {
            let body = proto::varint(view, 1).map_or(0, |(_, used)| 1 + used);
            if body > 0 && view.has(body, &[0x08, 0x00, 0x10]) && is_block(view, body, view.len()) { Match::Sure } else { Match::No }
        }
        _ => Match::No,
    }
}

#[derive(Default)]
struct Open {
    at: u64,
    len: u64,
    names: Vec<String>,
    texts: Vec<OperatorText>,
    values: Vec<String>,
    dims: Vec<u64>,
    dtype: Option<u64>,
    kept: bool,
}

fn read_program(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    let (mut operators, mut groups) = (Operators::new("paddle"), Groups::new());
    let done = walk(view, &mut operators, &mut groups, scan);
    groups.end(scan);
    operators.finish(view, scan);
    super::behind(view, &done, scan);
    done
}

fn walk(view: View<'_>, operators: &mut Operators, groups: &mut Groups, scan: &mut Scan<'_>) -> Result<()> {
    let mut walker = Walker::new(view, Kind::Program);
    let mut open: Vec<Open> = Vec::new();
    while let Some(event) = walker.advance()? {
        match event {
            Event::Open { at, len, .. } => open.push(Open { at, len, ..Open::default() }),
            Event::Field(kind, f) => {
                if let Some(top) = open.last_mut() {
                    field(view, kind, &f, top, scan)?;
                }
            }
            Event::Close(kind) => {
                if let Some(done) = open.pop() {
                    close(view, kind, done, open.last_mut(), operators, groups, scan);
                }
            }
        }
    }
    Ok(())
}

fn field(view: View<'_>, kind: Kind, f: &Field, top: &mut Open, scan: &mut Scan<'_>) -> Result<()> {
    match (kind, f.number) {
        (Kind::Op, 3) | (Kind::Var | Kind::Attr, 1) if top.names.len() < 16 => top.names.push(f.text(view, NAME)),
        (Kind::Attr, 5 | 8) if top.values.len() < 16 => top.values.push(f.text(view, 300)),
        (Kind::Var, 3) => top.kept = f.varint() == Some(1),
        (Kind::Tensor, 1) => top.dtype = f.varint(),
        (Kind::Tensor, 2) => proto::numbers(view, f, &mut top.dims, 64)?,
        (Kind::Version, 1) => {
            let value = f.varint().unwrap_or(0).to_string();
            scan.state(view, f.at, f.len(), Fact::Metadata { key: "version".into(), value });
        }
        _ => {}
    }
    Ok(())
}

fn close(view: View<'_>, kind: Kind, mut done: Open, parent: Option<&mut Open>, operators: &mut Operators, groups: &mut Groups, scan: &mut Scan<'_>) {
    match kind {
        Kind::Attr => {
            if let Some(op) = parent
                && op.texts.len() < 64
            {
                let key = done.names.first().cloned().unwrap_or_default();
                // Who wrote an operator and where is kept with each of them.
                if !matches!(key.as_str(), "op_callstack" | "op_namescope" | "op_device" | "op_role_var") {
                    op.texts.extend(done.values.into_iter().filter(|v| !v.is_empty()).map(|value| OperatorText { key: key.clone(), value }));
                }
            }
        }
        Kind::Op => {
            done.texts.retain(|t| t.value.contains(['/', '\\', ' ', '.']) || t.key.contains("path"));
            for name in &done.names {
                operators.add("", name, done.at, done.len, done.texts.clone());
            }
        }
        Kind::Tensor | Kind::Dense | Kind::VarType => {
            if let Some(p) = parent {
                p.dims = done.dims;
                p.dtype = done.dtype;
            }
        }
        Kind::Var if done.kept && done.dtype.is_some() => {
            let (dtype, bits) = dtype(done.dtype.unwrap_or(0));
            let bytes = done.dims.iter().try_fold(bits, |n, d| n.checked_mul(*d)).map_or(0, |n| n / 8);
            let tensor = Tensor { name: done.names.first().cloned().unwrap_or_default(), dtype, shape: done.dims, bytes };
            groups.show(&tensor, scan);
            scan.state(view, done.at, done.len, Fact::Tensor(tensor));
        }
        _ => {}
    }
}

/// Element types of `VarType.Type`: name and bits.
fn dtype(n: u64) -> (String, u64) {
    let (name, bits) = match n {
        0 => ("BOOL", 8),
        1 => ("I16", 16),
        2 => ("I32", 32),
        3 => ("I64", 64),
        4 => ("F16", 16),
        5 => ("F32", 32),
        6 => ("F64", 64),
        20 => ("U8", 8),
        21 => ("I8", 8),
        22 => ("BF16", 16),
        23 => ("C64", 64),
        24 => ("C128", 128),
        32 => ("F8_E4M3", 8),
        33 => ("F8_E5M2", 8),
        36 => ("U16", 16),
        37 => ("U32", 32),
        38 => ("U64", 64),
        _ => return (format!("type {n}"), 0),
    };
    (name.to_string(), bits)
}

fn probe_pir(view: View<'_>) -> Match {
    if !view.head(64).is_ok_and(|h| h.iter().find(|b| !b.is_ascii_whitespace()) == Some(&b'{')) {
        return Match::No;
    }
    let mut r = json::Reader::new(view, 0, view.len().min(64 * 1024), 64);
    let (mut base, mut magic) = (false, false);
    for _ in 0..200 {
        match r.advance() {
            Ok(Some(Json::Key)) => {
                base |= r.depth() == 1 && r.text() == "base_code";
                magic = r.depth() == 2 && r.text() == "magic";
            }
            Ok(Some(Json::String)) if base && magic && r.text() == "pir" => return Match::Sure,
            Ok(Some(_)) => {}
            _ => break,
        }
    }
    Match::No
}

/// Dialects of `serialize_deserialize/include/schema.h`; any other is shown by its number.
fn dialect(id: &str) -> &str {
    match id {
        "0" => "builtin",
        "1" => "pd_op",
        "2" => "cf",
        "3" => "custom_op",
        "4" => "pd_dist",
        other => other,
    }
}

fn read_pir(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    let mut operators = Operators::new("paddle");
    let done = pir(view, &mut operators);
    operators.finish(view, scan);
    done
}

/// An operator is an object with a `#` that is `dialect.name`. Types and attributes have one too, beginning with `t_` and `a_`.
fn pir(view: View<'_>, operators: &mut Operators) -> Result<()> {
    let mut r = json::Reader::new(view, 0, view.len(), 1024);
    // The operator that is being read, and how deep it stands.
    let mut current: Vec<(usize, String, u64, Vec<OperatorText>)> = Vec::new();
    let mut key = String::new();
    let flush = |done: (usize, String, u64, Vec<OperatorText>), end: u64, operators: &mut Operators| {
        let (_, id, at, texts) = done;
        let (domain, name) = id.split_once('.').unwrap_or(("", &id));
        operators.add(dialect(domain), name, at, end.saturating_sub(at), texts);
    };
    while let Some(event) = r.advance()? {
        while current.last().is_some_and(|(depth, ..)| r.depth() < *depth) {
            if let Some(done) = current.pop() {
                flush(done, r.at(), operators);
            }
        }
        match event {
            Json::Key => key = r.text().into_owned(),
            Json::String => {
                let text = r.text().into_owned();
                let name = text.split_once('.').map_or("", |(_, n)| n);
                if key == "#" && !name.is_empty() && !name.starts_with("t_") && !name.starts_with("a_") {
                    current.push((r.depth(), text, r.start(), Vec::new()));
                } else if let Some((.., texts)) = current.last_mut()
                    && key != "#"
                    && texts.len() < 16
                    && text.contains(['/', '\\', ' '])
                {
                    texts.push(OperatorText { key: key.clone(), value: text.chars().take(300).collect() });
                }
            }
            _ => {}
        }
    }
    while let Some(done) = current.pop() {
        flush(done, r.at(), operators);
    }
    Ok(())
}

/// One variable's header: where its data begins, its type and shape.
fn parameter(view: View<'_>, at: u64) -> Result<(u64, u64, Vec<u64>)> {
    let bad = || Error::malformed(at, "paddle-parameter");
    if view.u32(at)? != 0 {
        return Err(bad());
    }
    let levels = view.u64(at + 4)?;
    let mut next = at + 12;
    if levels > 16 {
        return Err(bad());
    }
    for _ in 0..levels {
        let size = view.u64(next)?;
        next = next.checked_add(8).and_then(|n| n.checked_add(size)).filter(|n| *n <= view.len()).ok_or_else(bad)?;
    }
    if view.u32(next)? != 0 {
        return Err(bad());
    }
    let len = u64::from(view.u32(next + 4)?);
    if len == 0 || len > 4096 {
        return Err(bad());
    }
    let desc = next + 8;
    let (mut fields, mut kind, mut dims) = (Fields::new(view, desc, len), None, Vec::new());
    while let Some(f) = fields.advance()? {
        match f.number {
            1 => kind = f.varint(),
            2 => proto::numbers(view, &f, &mut dims, 64)?,
            _ => return Err(bad()),
        }
    }
    // A description that the file's end cuts off has no data behind it.
    let data = desc.checked_add(len).filter(|n| *n <= view.len()).ok_or_else(bad)?;
    Ok((data, kind.ok_or_else(bad)?, dims))
}

fn probe_params(view: View<'_>) -> Match {
    // A variable without levels, as all that are parameters; the description begins with its type.
    let plain = view.array::<20>(0).is_ok_and(|h| h.iter().take(16).all(|b| *b == 0)) && view.has(20, &[0x08]);
    if plain && parameter(view, 0).is_ok() { Match::Sure } else { Match::No }
}

fn read_params(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    let (mut at, mut n) = (0u64, 0u64);
    let (mut heads, mut groups): (Vec<Head>, Groups) = (Vec::new(), Groups::new());
    while at < view.len() {
        let (data, kind, shape) = parameter(view, at)?;
        let (dtype, bits) = dtype(kind);
        let name = format!("parameter {n}");
        let bytes = shape.iter().try_fold(bits, |n, d| n.checked_mul(*d)).map(|n| n / 8).filter(|n| *n <= view.len().saturating_sub(data));
        let Some(bytes) = bytes.filter(|_| bits > 0) else {
            fault(view, at, data - at, "shape-size", format!("{name}: {shape:?} of {}", view.len().saturating_sub(data)), true, scan);
            return Err(Error::malformed(at, "paddle-parameter"));
        };
        keep_head(&mut heads, &name, data, bytes, bits == 8);
        let tensor = Tensor { name, dtype, shape, bytes };
        groups.show(&tensor, scan);
        scan.state(view, at, data - at, Fact::Tensor(tensor));
        at = data + bytes;
        n += 1;
        if n > 4 << 20 {
            return Err(Error::limit(at, "tensors"));
        }
    }
    groups.end(scan);
    look(view, &heads, scan);
    Ok(())
}
