//! MXNet: the symbol JSON (`nnvm`, `src/pass/saveload_json.cc`) and lists of arrays (`src/ndarray/ndarray.cc`).
//!
//! The optimizer's `.states` are pickles and read as such.

use super::graph::{Operators, fault};
use super::json::{self, Event};
use super::safetensors::{Groups, Head, keep_head, look};
use super::{Format, Match};
use crate::bytes::View;
use crate::error::{Error, Result};
use crate::fact::{Fact, OperatorText, Tensor};
use crate::scan::Scan;

/// `-symbol.json`.
pub const SYMBOL: Format =
    Format { id: "mxnet-symbol", name: "MXNet symbol", extensions: &["json"], refines: &["json", "text"], probe: probe_symbol, read: read_symbol };

/// `.params`, `.nd`.
pub const ARRAYS: Format =
    Format { id: "mxnet-arrays", name: "MXNet arrays", extensions: &["params", "nd"], refines: &["text"], probe: probe_arrays, read: read_arrays };

/// The first eight bytes of a list of arrays.
const LIST: u64 = 0x112;

fn probe_symbol(view: View<'_>) -> Match {
    if !view.head(64).is_ok_and(|h| h.iter().find(|b| !b.is_ascii_whitespace()) == Some(&b'{')) {
        return Match::No;
    }
    let mut r = json::Reader::new(view, 0, view.len().min(64 * 1024), 64);
    let (mut nodes, mut op, mut inputs) = (false, false, false);
    for _ in 0..2000 {
        match r.advance() {
            Ok(Some(Event::Key)) => match (r.depth(), r.text().as_ref()) {
                (1, "nodes") => nodes = true,
                (1, "arg_nodes" | "heads" | "node_row_ptr") if nodes => return Match::Sure,
                (3, "op") if nodes => op = true,
                (3, "inputs") if nodes => inputs = true,
                _ => {}
            },
            Ok(Some(_)) => {}
            _ => break,
        }
        if nodes && op && inputs {
            return Match::Sure;
        }
    }
    Match::No
}

fn read_symbol(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    let mut operators = Operators::new("mxnet");
    let done = symbol(view, &mut operators, scan);
    operators.finish(view, scan);
    done
}

/// Subgraphs stand inside of nodes: an operator is any object with an `op` and a text in it.
fn symbol(view: View<'_>, operators: &mut Operators, scan: &mut Scan<'_>) -> Result<()> {
    struct Node {
        depth: usize,
        at: u64,
        ops: Vec<String>,
        texts: Vec<OperatorText>,
    }
    let mut r = json::Reader::new(view, 0, view.len(), 1024);
    let mut open: Vec<Node> = Vec::new();
    let mut key = String::new();
    // Nodes of the outermost graph, and the greatest that one of them asks for.
    let (mut nodes, mut asked, mut first) = (0i64, (-1i64, 0u64), false);
    while let Some(event) = r.advance()? {
        if r.depth() == 3 && event == Event::Object {
            nodes += 1;
        }
        // An input is a list: the number of a node, of its output, and a version.
        let number = first && event == Event::Number;
        let (input, head) = (number && r.depth() == 5 && key == "inputs", number && r.depth() == 3 && key == "heads" && nodes > 0);
        first = event == Event::Array;
        if input || head {
            let n = r.text().parse().unwrap_or(i64::MAX);
            // Each node stands behind those that it takes from, and what comes out of the graph behind all of them.
            if n >= nodes - i64::from(input) {
                asked = asked.max((n, r.start()));
            }
        }
        match event {
            Event::Key => key = r.text().into_owned(),
            Event::Object => open.push(Node { depth: r.depth(), at: r.start(), ops: Vec::new(), texts: Vec::new() }),
            Event::Close => {
                if open.last().is_some_and(|n| r.depth() < n.depth)
                    && let Some(done) = open.pop()
                {
                    // Attributes belong to the node around them.
                    if done.ops.is_empty()
                        && let Some(outer) = open.last_mut()
                    {
                        outer.texts.extend(done.texts.iter().take(32).cloned());
                    }
                    for op in done.ops.iter().filter(|op| *op != "null") {
                        let texts = if plain(op) { Vec::new() } else { done.texts.clone() };
                        operators.add("", op, done.at, r.at().saturating_sub(done.at), texts);
                    }
                }
            }
            Event::String => {
                let value: String = r.text().chars().take(300).collect();
                if let Some(top) = open.last_mut() {
                    if key == "library" {
                        scan.state(view, r.start(), r.len(), Fact::OwnCode { kind: "plugin", name: value.clone() });
                    }
                    if key == "op" && top.depth == r.depth() {
                        top.ops.push(value);
                    } else if key != "name" && top.texts.len() < 32 {
                        top.texts.push(OperatorText { key: key.clone(), value });
                    }
                }
            }
            _ => {}
        }
    }
    if asked.0 >= 0 {
        fault(view, asked.1, 1, "node-input", format!("{} of {nodes}", asked.0), true, scan);
    }
    Ok(())
}

/// The arguments of an operator that computes are numbers; only those with code behind them are worth telling.
fn plain(op: &str) -> bool {
    !(op.contains("ustom") || op.starts_with("_Native") || op.starts_with("_NDArray"))
}

fn probe_arrays(view: View<'_>) -> Match {
    let list = view.u64(0).is_ok_and(|n| n == LIST) && view.u64(8).is_ok_and(|n| n == 0);
    // An empty list, or one whose first array has a mark or, before there were marks, a rank.
    let first = view.u64(16).is_ok_and(|n| n == 0) || view.u32(24).is_ok_and(|m| (0xf993_fac8..=0xf993_faca).contains(&m) || (1..=32).contains(&m));
    if list && first { Match::Sure } else { Match::No }
}

/// Element types of `mshadow`: name and bytes.
fn dtype(n: u32) -> Option<(&'static str, u64)> {
    Some(match n {
        0 => ("F32", 4),
        1 => ("F64", 8),
        2 => ("F16", 2),
        3 => ("U8", 1),
        4 => ("I32", 4),
        5 => ("I8", 1),
        6 => ("I64", 8),
        7 => ("BOOL", 1),
        8 => ("I16", 2),
        9 => ("U16", 2),
        10 => ("U32", 4),
        11 => ("U64", 8),
        12 => ("BF16", 2),
        _ => return None,
    })
}

struct Array {
    at: u64,
    data: u64,
    bytes: u64,
    end: u64,
    dtype: &'static str,
    shape: Vec<u64>,
}

/// A shape: its rank, then that many dimensions.
fn shape(view: View<'_>, at: u64, wide: bool) -> Result<(Vec<u64>, u64)> {
    let rank = view.u32(at)?;
    if rank > 64 {
        return Err(Error::malformed(at, "mxnet-rank"));
    }
    let step = if wide { 8 } else { 4 };
    let mut dims = Vec::new();
    for i in 0..u64::from(rank) {
        let place = at + 4 + step * i;
        dims.push(if wide { view.u64(place)? } else { u64::from(view.u32(place)?) });
    }
    Ok((dims, at + 4 + step * u64::from(rank)))
}

/// One array; sparse ones have shapes and arrays of their own in front of their values.
fn array(view: View<'_>, at: u64, scan: &mut Scan<'_>) -> Result<Array> {
    let magic = view.u32(at)?;
    let (mut next, wide, mut auxiliary) = match magic {
        0xf993_fac8 => (at + 4, true, 0),
        0xf993_fac9 | 0xf993_faca => {
            let kind = view.u32(at + 4)?.cast_signed();
            (
                at + 8,
                true,
                match kind {
                    1 => 1,
                    2 => 2,
                    _ => 0,
                },
            )
        }
        // Before there was a mark the first number was the rank.
        _ => (at, false, 0),
    };
    if auxiliary > 0 {
        next = shape(view, next, wide)?.1;
    }
    let (dims, mut next) = shape(view, next, wide)?;
    if dims.is_empty() && magic != 0xf993_faca {
        return Ok(Array { at, data: next, bytes: 0, end: next, dtype: "none", shape: dims });
    }
    // Device type and number.
    next += 8;
    let kind = view.u32(next)?;
    next += 4;
    let Some((label, size)) = dtype(kind) else {
        fault(view, next - 4, 4, "tensor-type", kind.to_string(), false, scan);
        return Err(Error::malformed(next - 4, "mxnet-type"));
    };
    let mut parts = Vec::new();
    while auxiliary > 0 {
        let kind = view.u32(next)?;
        let (dims, behind) = shape(view, next + 4, wide)?;
        parts.push((dims, dtype(kind).map_or(8, |d| d.1)));
        next = behind;
        auxiliary -= 1;
    }
    let room = view.len().saturating_sub(next);
    let measure = |dims: &[u64], size: u64| dims.iter().try_fold(size, |n, d| n.checked_mul(*d)).filter(|n| *n <= room);
    let Some(bytes) = measure(&dims, size) else {
        fault(view, at, next - at, "shape-size", format!("{dims:?} of {room}"), true, scan);
        return Err(Error::malformed(at, "mxnet-array"));
    };
    let mut end = next + bytes;
    for (dims, size) in parts {
        end = measure(&dims, size).and_then(|n| end.checked_add(n)).filter(|n| *n <= view.len()).ok_or(Error::malformed(at, "mxnet-array"))?;
    }
    Ok(Array { at, data: next, bytes, end, dtype: label, shape: dims })
}

fn read_arrays(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    let count = view.u64(16)?;
    if count.saturating_mul(8) > view.len() {
        fault(view, 16, 8, "tensor-count", count.to_string(), true, scan);
        return Err(Error::malformed(16, "mxnet-count"));
    }
    let mut arrays = Vec::new();
    let mut at = 24;
    for n in 0..count {
        if n >= 1 << 20 {
            return Err(Error::limit(at, "tensors"));
        }
        let found = array(view, at, scan).inspect_err(|e| {
            if let Error::Malformed { at, what: what @ "mxnet-rank" } = e {
                fault(view, *at, 4, what, view.u32(*at).unwrap_or(0).to_string(), true, scan);
            }
        })?;
        at = found.end;
        arrays.push(found);
    }
    let names_at = at;
    let names = view.u64(at)?;
    at += 8;
    if names > count {
        fault(view, names_at, 8, "name-count", format!("{names} of {count}"), false, scan);
    }
    let (mut heads, mut groups): (Vec<Head>, Groups) = (Vec::new(), Groups::new());
    let name_of = |n: u64, at: &mut u64| -> Result<String> {
        if n >= names {
            return Ok(format!("array {n}"));
        }
        let len = view.u64(*at)?;
        let end = at.checked_add(8).and_then(|a| a.checked_add(len)).filter(|e| *e <= view.len()).ok_or(Error::malformed(*at, "mxnet-name"))?;
        let name = super::proto::text(view, *at + 8, len, 512);
        *at = end;
        Ok(name)
    };
    for (n, a) in arrays.into_iter().enumerate() {
        let name = name_of(n as u64, &mut at)?;
        keep_head(&mut heads, &name, a.data, a.bytes, matches!(a.dtype, "U8" | "I8"));
        let tensor = Tensor { name, dtype: a.dtype.to_string(), shape: a.shape, bytes: a.bytes };
        groups.show(&tensor, scan);
        scan.state(view, a.at, a.data - a.at, Fact::Tensor(tensor));
    }
    groups.end(scan);
    look(view, &heads, scan);
    super::stray(view, at, scan);
    Ok(())
}
