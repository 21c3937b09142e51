//! What torch puts into a pickle: storages as persistent ids, tensors as rebuild calls (`torch/_utils.py`, `torch/serialization.py`).

use super::machine::Machine;
use super::value::{Kind, Spot, Value};
use crate::fact::{Fact, Tensor};
use std::collections::HashMap;

/// A storage that the pickle asks for.
#[derive(Clone, Debug)]
pub struct Storage {
    /// Key: the record's name below `data/`.
    pub key: String,
    /// Element type.
    pub dtype: &'static str,
    /// Number of elements.
    pub elements: u64,
    /// Bytes of one element.
    pub size: u64,
}

/// Everything torch that went by.
#[derive(Default)]
pub struct Seen {
    /// Storages by key, the first mention of each.
    pub storages: Vec<Storage>,
    by_key: HashMap<String, usize>,
    /// Tensors in order.
    pub tensors: Vec<(u64, Tensor)>,
    nodes: HashMap<u32, usize>,
}

/// Tensors and storages kept; a real model has at most some ten thousand.
const KEPT: usize = 1 << 20;
/// Dimensions of a tensor; torch allows as many.
const DIMENSIONS: usize = 64;

impl Seen {
    /// A dictionary names a tensor.
    pub fn name(&mut self, node: u32, key: Spot) {
        if let Some(n) = self.nodes.get(&node)
            && let Some((at, _)) = self.tensors.get_mut(*n)
        {
            *at = key.at;
        }
    }

    /// The storage of a key.
    pub fn storage(&self, key: &str) -> Option<&Storage> {
        self.by_key.get(key).and_then(|n| self.storages.get(*n))
    }
}

/// Whether a global rebuilds a tensor or parameter.
pub fn rebuilds(module: &str, name: &str) -> bool {
    module == "torch._utils"
        && !name.contains('.')
        && (name.starts_with("_rebuild_tensor") || name.starts_with("_rebuild_parameter") || name.starts_with("_rebuild_qtensor"))
}

/// Element type and size of a storage class.
pub fn storage_type(name: &str) -> Option<(&'static str, u64)> {
    Some(match name.strip_suffix("Storage")? {
        "Float" => ("F32", 4),
        "Double" => ("F64", 8),
        "Half" => ("F16", 2),
        "BFloat16" => ("BF16", 2),
        "Long" => ("I64", 8),
        "Int" => ("I32", 4),
        "Short" => ("I16", 2),
        "Char" => ("I8", 1),
        "Byte" => ("U8", 1),
        "Bool" => ("BOOL", 1),
        "ComplexFloat" => ("C64", 8),
        "ComplexDouble" => ("C128", 16),
        "QInt8" => ("QI8", 1),
        "QUInt8" => ("QU8", 1),
        "QInt32" => ("QI32", 4),
        "QUInt4x2" => ("QU4x2", 1),
        "QUInt2x4" => ("QU2x4", 1),
        "Untyped" => ("U8", 1),
        _ => return None,
    })
}

/// Element type and size of `torch.float32` and its kin.
fn dtype(name: &str) -> Option<(&'static str, u64)> {
    Some(match name {
        "float32" => ("F32", 4),
        "float64" => ("F64", 8),
        "float16" => ("F16", 2),
        "bfloat16" => ("BF16", 2),
        "float8_e4m3fn" | "float8_e4m3fnuz" => ("F8_E4M3", 1),
        "float8_e5m2" | "float8_e5m2fnuz" => ("F8_E5M2", 1),
        "int64" => ("I64", 8),
        "int32" => ("I32", 4),
        "int16" => ("I16", 2),
        "int8" => ("I8", 1),
        "uint8" => ("U8", 1),
        "uint16" => ("U16", 2),
        "uint32" => ("U32", 4),
        "uint64" => ("U64", 8),
        "bool" => ("BOOL", 1),
        "complex64" => ("C64", 8),
        "complex128" => ("C128", 16),
        _ => return None,
    })
}

/// Reads a persistent id; `None` if it is none of torch's, otherwise what the loader puts on the stack, if that is known.
pub fn persistent(m: &mut Machine<'_>, id: Value, at: u64) -> Option<Option<Value>> {
    let items = m.items(id)?;
    let tag = items.first().and_then(|v| m.string(*v));
    match tag.as_deref() {
        Some("storage") => {
            let class = match items.get(1).map(|v| v.kind()) {
                Some(Kind::Global(g)) => m.globals.get(g as usize),
                _ => None,
            };
            let (kind, size) = class.filter(|g| matches!(g.module.as_str(), "torch" | "torch.storage" | "torch.cuda")).and_then(|g| storage_type(&g.name))?;
            // torch.package counts its storages, torch.save names them.
            let key = match items.get(2).map(|v| v.kind()) {
                Some(Kind::Int(n)) => format!("{n}.storage"),
                _ => items.get(2).and_then(|v| m.string(*v))?,
            };
            let elements = match items.get(4).map(|v| v.kind()) {
                Some(Kind::Int(n)) => u64::try_from(n).unwrap_or(0),
                _ => 0,
            };
            if m.torch.storages.len() < KEPT && !m.torch.by_key.contains_key(&key) {
                let n = m.torch.storages.len();
                m.torch.by_key.insert(key.clone(), n);
                m.torch.storages.push(Storage { key, dtype: kind, elements, size });
            }
            Some(None)
        }
        // torch.save of a whole module: ('module', class, source file, source); the loader hands back the class, or whatever stands in its place.
        Some("module") => {
            let class = items.get(1).copied()?;
            let g = match class.kind() {
                Kind::Global(g) => g,
                Kind::Call { .. } => {
                    let text = m.show(id);
                    m.facts_capped((at, 1, Fact::PersistentId { text }));
                    return Some(Some(class));
                }
                _ => return None,
            };
            // Whoever saved it had no source to keep.
            if items.get(3).is_some_and(|v| matches!(v.kind(), Kind::None)) {
                return Some(Some(class));
            }
            let g = m.globals.get(g as usize)?;
            let fact = Fact::SourceCode {
                module: g.module.clone(),
                name: g.name.clone(),
                imports: items.get(3).and_then(|v| m.text_of(*v, SOURCE)).is_none_or(|s| !class_alone(&s)),
            };
            m.facts_capped((at, 1, fact));
            Some(Some(class))
        }
        _ => None,
    }
}

/// Bytes of a class's source that are read: the longest classes of libraries have some hundred thousand.
const SOURCE: usize = 4 << 20;

/// Whether source is a class and nothing before it but its decorators, as `inspect.getsource` hands it out.
fn class_alone(source: &str) -> bool {
    let mut rest = behind_comments(source);
    while let Some(decorator) = rest.strip_prefix('@') {
        match behind_decorator(decorator) {
            Some(next) => rest = behind_comments(next),
            None => return false,
        }
    }
    rest.starts_with("class ")
}

/// What stands behind the lines that are empty or say something to the reader alone.
fn behind_comments(text: &str) -> &str {
    let mut rest = text.trim_start();
    while let Some((comment, next)) = rest.strip_prefix('#').and_then(|rest| rest.split_once('\n')) {
        // Python takes a carriage return for the end of a line, too.
        if comment.trim_end().contains('\r') {
            break;
        }
        rest = next.trim_start();
    }
    rest
}

/// Python's own functions that act on a text that they are called with. Source that imports nothing has no others.
const ACTING: &[&str] = &["__import__", "breakpoint", "compile", "eval", "exec", "input", "open"];

/// What stands behind a decorator's line: a name alone, or one without dots that is called with names, numbers and texts.
fn behind_decorator(text: &str) -> Option<&str> {
    let (name, after) = text.split_at(text.find(|c: char| !c.is_alphanumeric() && !matches!(c, '_' | '.'))?);
    let line = after.trim_start_matches([' ', '\t', '\r']);
    if line.starts_with(['\n', '#']) {
        return line.split_once('\n').map(|(_, next)| next);
    }
    let mut rest = line.strip_prefix('(').filter(|_| !name.contains('.') && !ACTING.contains(&name))?;
    loop {
        let (before, from) = rest.split_at(rest.find(|c: char| !c.is_alphanumeric() && !c.is_whitespace() && !matches!(c, '_' | '.' | ',' | '='))?);
        if let Some(line) = from.strip_prefix(')') {
            return line.split_once('\n').filter(|(more, _)| more.trim().is_empty() || more.trim_start().starts_with('#')).map(|(_, next)| next);
        }
        let quote = ["\"\"\"", "'''", "\"", "'"].into_iter().find(|q| from.starts_with(q))?;
        let (inside, next) = from.strip_prefix(quote)?.split_once(quote)?;
        // A prefix such as `f` makes an expression of a text, and a backslash may take its end away.
        if inside.contains('\\') || before.ends_with(char::is_alphanumeric) {
            return None;
        }
        rest = next;
    }
}

fn ints(m: &Machine<'_>, v: Value) -> Option<Vec<u64>> {
    let items = match v.kind() {
        // torch.Size((2, 3))
        Kind::Call { .. } => m.items(*m.args_of(v)?.first()?)?,
        _ => m.items(v)?,
    };
    items
        .into_iter()
        .map(|i| match i.kind() {
            Kind::Int(n) => u64::try_from(n).ok(),
            _ => None,
        })
        .collect()
}

/// A rebuild function is called.
pub fn called(m: &mut Machine<'_>, name: &str, args: &[Value], at: u64, node: u32) {
    if name.starts_with("_rebuild_parameter") {
        // A parameter carries the name that its tensor gets.
        if let Some(Kind::Call { node: inner, .. }) = args.first().map(|v| v.kind())
            && let Some(n) = m.torch.nodes.get(&inner).copied()
        {
            m.torch.nodes.insert(node, n);
        }
        return;
    }
    let Some(Kind::Persistent(span)) = args.first().map(|v| v.kind()) else {
        return;
    };
    let key = m.items(Value::tuple(span.at, usize::from(span.len))).and_then(|i| m.items(*i.first()?)).and_then(|i| m.string(*i.get(2)?));
    let Some(storage) = key.and_then(|k| m.torch.storage(&k).cloned()) else {
        return;
    };
    let offset = match args.get(1).map(|v| v.kind()) {
        Some(Kind::Int(n)) => u64::try_from(n).ok(),
        _ => None,
    };
    let (Some(offset), Some(shape), Some(stride)) = (offset, args.get(2).and_then(|v| ints(m, *v)), args.get(3).and_then(|v| ints(m, *v))) else {
        // Negative or computed numbers: torch before 2.10 did not check all of them (CVE-2026-24747).
        let negative = args
            .get(1..4)
            .unwrap_or(&[])
            .iter()
            .any(|v| matches!(v.kind(), Kind::Int(n) if n < 0) || m.items(*v).is_some_and(|i| i.iter().any(|x| matches!(x.kind(), Kind::Int(n) if n < 0))));
        if negative {
            m.facts_capped((at, 1, Fact::Header { what: "tensor-outside-storage", detail: "a negative size, stride or offset".into(), memory: true }));
        }
        return;
    };
    let mut kind = (storage.dtype, storage.size);
    if name.starts_with("_rebuild_tensor_v3") {
        for v in args {
            if let Kind::Global(g) = v.kind()
                && let Some(found) = m.globals.get(g as usize).and_then(|g| dtype(&g.name))
            {
                kind = found;
            }
        }
    }
    let reach = shape.iter().zip(&stride).try_fold(offset, |sum, (d, s)| d.checked_sub(1).and_then(|d| d.checked_mul(*s)).and_then(|n| sum.checked_add(n)));
    let empty = shape.contains(&0);
    let packed = match storage.dtype {
        "QU4x2" => 2,
        "QU2x4" => 4,
        _ => 1,
    };
    let room = storage.elements.saturating_mul(storage.size).saturating_mul(packed) / kind.1.max(1);
    if !empty && reach.is_none_or(|r| r >= room) {
        let detail = format!("offset {offset}, shape {shape:?}, stride {stride:?} in a storage of {room} elements");
        m.facts_capped((at, 1, Fact::Header { what: "tensor-outside-storage", detail, memory: true }));
    }
    if m.torch.tensors.len() < KEPT && shape.len() <= DIMENSIONS {
        let elements = shape.iter().fold(1u64, |n, d| n.saturating_mul(*d));
        let n = m.torch.tensors.len();
        m.torch.nodes.insert(node, n);
        m.torch.tensors.push((u64::MAX, Tensor { name: String::new(), dtype: kind.0.into(), shape, bytes: elements.saturating_mul(kind.1).div_ceil(packed) }));
    }
}

/// States the tensors that went by, with the names that dictionaries gave them.
pub fn describe(m: &mut Machine<'_>, view: crate::bytes::View<'_>, scan: &mut crate::scan::Scan<'_>) {
    let tensors = std::mem::take(&mut m.torch.tensors);
    let shown = scan.limits().tensors as usize;
    for (n, (at, mut tensor)) in tensors.into_iter().enumerate() {
        if at != u64::MAX {
            tensor.name = m.string(Value::str(at, 0)).unwrap_or_default();
        }
        if n < shown {
            scan.leaf(&tensor.name, "tensor", Some(tensor.bytes), Some(format!("{} {:?}", tensor.dtype, tensor.shape)));
        }
        let place = if at == u64::MAX { 0 } else { at };
        scan.state(view, place, 1, Fact::Tensor(tensor));
    }
}
