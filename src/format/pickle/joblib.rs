//! joblib's arrays between the opcodes (`joblib/numpy_pickle.py`): after the BUILD of a `NumpyArrayWrapper` its unpickler takes
//! the raw bytes of the array from the file and goes on behind them.
//!
//! Everybody else's unpickler takes the same bytes for opcodes, and joblib's takes them from behind the frame in its buffer, so
//! that opcodes can stand where a reader that skips the array never looks: [`super::weigh`] runs both readings.

use super::machine::Machine;
use super::value::{Kind, Value};
use crate::error::{Error, Result};
use crate::fact::Fact;

/// Facts of one pickle up to which named files are kept.
const FILES: usize = 10_000;
/// Characters of a file's name; no system has longer ones.
const NAME: usize = 4096;
/// Characters of a type's code.
const CODE: usize = 64;
/// Dimensions of an array; numpy allows as many.
const DIMENSIONS: usize = 64;

/// The classes that announce an array.
pub fn is_wrapper(module: &str, name: &str) -> bool {
    name == "NumpyArrayWrapper" && matches!(module, "joblib.numpy_pickle" | "sklearn.externals.joblib.numpy_pickle")
}

/// The classes of joblib before 0.10 that name a file with the array (`joblib/numpy_pickle_compat.py`). It is joined to the folder of the
/// pickle, so that an absolute name wins, and loaded with `numpy.load`, objects included.
pub fn is_companion(module: &str, name: &str) -> bool {
    matches!(name, "NDArrayWrapper" | "ZNDArrayWrapper")
        && matches!(module.strip_prefix("sklearn.externals.").unwrap_or(module), "joblib.numpy_pickle" | "joblib.numpy_pickle_compat")
}

/// States the file that a wrapper's `filename` names.
pub fn companion(m: &mut Machine<'_>, state: Value, at: u64) {
    let name = m.entries(state).and_then(|e| e.into_iter().rev().find(|(k, _)| k == "filename")).and_then(|(_, v)| m.string(v));
    let Some(target) = name else { return };
    let target: String = target.chars().take(NAME).collect();
    let fact = if crate::format::zip::leaves_folder(&target) { Fact::Traversal { target } } else { Fact::Reference { target } };
    if m.facts.len() < FILES {
        m.facts.push((at, 1, fact));
    }
}

/// What an array's elements are.
#[derive(Clone, Debug)]
pub struct Dtype {
    /// Bytes of one.
    size: u64,
    /// Whether there are Python objects in it: then the array is a pickle.
    object: bool,
    /// As numpy writes it.
    code: String,
}

/// `numpy.dtype("f8", …)`, by its arguments alone, or what makes numpy's type of texts.
fn dtype(m: &Machine<'_>, v: Value) -> Option<Dtype> {
    let Kind::Call { global, .. } = v.kind() else { return None };
    match m.globals.get(global as usize)?.name.as_str() {
        "dtype" => {}
        // Texts of numpy 2 are objects, too.
        "_convert_to_stringdtype_kwargs" => return Some(Dtype { size: 8, object: true, code: "T".into() }),
        _ => return None,
    }
    let code = m.args_of(v)?.first().and_then(|c| m.string(*c)).filter(|c| c.len() <= CODE)?;
    let kind = code.trim_start_matches(['<', '>', '|', '=']);
    // A unit of time may stand behind the number; anything else makes a record, or another type.
    let digits = kind.get(1..).unwrap_or_default().split('[').next().unwrap_or_default();
    let size: u64 = match kind {
        // Numpy writes a length; it reads letters without one as well.
        "?" | "b" | "B" => 1,
        "e" | "h" | "H" => 2,
        "f" | "i" | "I" => 4,
        "O" | "d" | "F" | "q" | "Q" => 8,
        "D" => 16,
        _ => digits.parse().ok()?,
    };
    let (size, object) = match kind.chars().next()? {
        'O' => (8, true),
        'U' => (size.checked_mul(4)?, false),
        _ => (size, false),
    };
    Some(Dtype { size, object, code })
}

/// Types whose arrays' lengths are remembered.
const DTYPES: usize = 1 << 16;

/// BUILD on a type: its state says more than its name.
pub(super) fn typed(m: &mut Machine<'_>, target: Value, state: Value, at: u64) {
    let Kind::Call { global, node } = target.kind() else { return };
    if m.globals.get(global as usize).is_some_and(|g| g.name == "dtype") {
        if m.dtypes.len() >= DTYPES {
            m.lost = true;
            return;
        }
        let known = dtype(m, target).and_then(|plain| filled(m, plain, state));
        if let Some(detail) = denied(m, state) {
            m.facts_capped((at, 1, Fact::Header { what: "dtype-state", detail, memory: true }));
        }
        m.dtypes.insert(node, known);
    }
}

/// `numpy.dtype.__setstate__`: (version, order, subarray, names, fields, size, alignment, flags, …). Whatever the name says, the size of texts, bytes
/// and records is the state's, and the lowest flag tells of objects.
fn filled(m: &Machine<'_>, plain: Dtype, state: Value) -> Option<Dtype> {
    let items = m.whole_items(state)?;
    let number = |n: usize| match items.get(n).map(|v| v.kind()) {
        Some(Kind::Int(n)) => Some(n),
        _ => None,
    };
    let object = match (number(0)?, number(7)) {
        (3.., Some(flags)) => flags & 1 == 1,
        // Before there were flags, the fields told.
        (_, None) if items.len() < 8 && items.get(4).is_some_and(|fields| fields.kind() == Kind::None) => plain.object,
        _ => return None,
    };
    let flexible = plain.code.trim_start_matches(['<', '>', '|', '=']).starts_with(['S', 'a', 'U', 'V', 'T']);
    let size = match number(5) {
        Some(n @ 0..) if flexible => u64::try_from(n).ok()?,
        Some(_) => plain.size,
        None => return None,
    };
    Some(Dtype { size, object, code: plain.code })
}

/// What is known of a type, by its state if it got one.
fn known(m: &Machine<'_>, v: Value) -> Option<Dtype> {
    let Kind::Call { node, .. } = v.kind() else { return None };
    m.dtypes.get(&node).cloned().unwrap_or_else(|| dtype(m, v))
}

/// Whether this is a type of which it is not known that it holds no objects.
pub(super) fn may_hold_objects(m: &Machine<'_>, v: Value) -> bool {
    let Kind::Call { global, .. } = v.kind() else { return false };
    m.globals.get(global as usize).is_some_and(|g| g.name == "dtype" || g.name.ends_with("DType")) && known(m, v).is_none_or(|t| t.object)
}

/// The part that a type's state gives it and that the state itself denies: numpy believes the flags and the size, so that bytes become the addresses
/// of objects, and a field is read from behind its element.
fn denied(m: &Machine<'_>, state: Value) -> Option<String> {
    let items = m.whole_items(state)?;
    let number = |v: Option<&Value>| if let Some(Kind::Int(n)) = v.map(|v| v.kind()) { u64::try_from(n).ok() } else { None };
    number(items.first())?;
    let size = number(items.get(5)).unwrap_or(0);
    // Before there were flags, the fields told.
    let objects = items.get(7).is_none_or(|flags| number(Some(flags)).is_some_and(|n| n & 1 == 1));
    let part = |v: Value| {
        let parts = m.items(v)?;
        let inner = *parts.first()?;
        // Numpy writes each part as it writes the whole.
        let Some(inner) = known(m, inner) else { return Some(m.show(inner)) };
        // Of a subarray, its shape stands there.
        let from = number(parts.get(1)).unwrap_or(0);
        let fits = from.checked_add(inner.size).is_some_and(|end| end <= size);
        (inner.object && !objects || !fits).then(|| format!("{} at {from} of {size}", inner.code))
    };
    let fields = match items.get(4).map(|f| (*f, f.kind())) {
        Some((fields, Kind::Dict(_))) if !objects && m.object_fields.contains(&fields.0) => return Some(m.show(fields)),
        Some((fields, Kind::Dict(_))) => m.entries(fields)?,
        Some((_, Kind::None)) | None => Vec::new(),
        Some((other, _)) => return Some(m.show(other)),
    };
    items.get(2).copied().into_iter().chain(fields.into_iter().map(|(_, field)| field)).find_map(part)
}

/// Takes the array whose wrapper was just built from the tape.
///
/// # Errors
/// [`Error::Malformed`] where its length cannot be told: joblib would need to compute it.
pub fn array(m: &mut Machine<'_>, state: Value) -> Result<()> {
    let at = m.tape.raw_at();
    let unknown = || Error::malformed(at, "array-length");
    let Kind::Dict(slot) = state.kind() else { return Err(unknown()) };
    let entries = m.entries(state).ok_or_else(unknown)?;
    // A key that is no plain text may be equal to one, and the last of two counts.
    let whole = m.data.slots.items(slot).is_some_and(|(items, more)| !more && items.len() == entries.len() * 2);
    if !whole {
        return Err(unknown());
    }
    let field = |name: &str| entries.iter().rev().find(|(k, _)| k == name).map(|(_, v)| *v);
    let Dtype { size, object, code } = field("dtype").and_then(|d| known(m, d)).ok_or_else(unknown)?;
    if object {
        m.inner.push(at);
        let end = super::end_of(m, at)?;
        m.tape.taken(end);
        return Ok(());
    }
    let shape = field("shape").and_then(|s| m.whole_items(s)).ok_or_else(unknown)?;
    let shape: Option<Vec<u64>> = shape.iter().map(|d| if let Kind::Int(n) = d.kind() { u64::try_from(n).ok() } else { None }).collect();
    let shape = shape.filter(|s| s.len() <= DIMENSIONS).ok_or_else(unknown)?;
    let bytes = shape.iter().try_fold(size, |n, d| n.checked_mul(*d)).ok_or_else(unknown)?;
    // Since 1.2 a byte that tells the length of the padding stands before the array.
    let padding = match field("numpy_array_alignment_bytes").map(Value::kind) {
        None | Some(Kind::None) => 0,
        Some(_) => {
            m.aligned = true;
            if m.unaligned { 0 } else { 1 + u64::from(m.tape.peek(at, 1, 1).first().copied().unwrap_or(0)) }
        }
    };
    let from = at.checked_add(padding).ok_or_else(unknown)?;
    let end = from.checked_add(bytes).filter(|e| *e <= m.size()).ok_or(Error::malformed(at, "ends-early"))?;
    if m.arrays.len() < 100_000 {
        m.arrays.push((from, bytes, code, shape));
    }
    m.tape.taken(end);
    Ok(())
}
