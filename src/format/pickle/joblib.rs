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
    let fact = if crate::format::zip::leaves_folder(&target) { Fact::Traversal { target } } else { Fact::Reference { target } };
    if m.facts.len() < FILES {
        m.facts.push((at, 1, fact));
    }
}

/// Size of an element and whether it is a Python object, from `numpy.dtype("f8", …)` or what makes numpy's type of texts.
fn dtype(m: &Machine<'_>, v: Value) -> Option<(u64, bool, String)> {
    let Kind::Call { global, .. } = v.kind() else { return None };
    match m.globals.get(global as usize)?.name.as_str() {
        "dtype" => {}
        // Texts of numpy 2 are objects, too.
        "_convert_to_stringdtype_kwargs" => return Some((8, true, "T".into())),
        _ => return None,
    }
    let code = m.args_of(v)?.first().and_then(|c| m.string(*c))?;
    let kind = code.trim_start_matches(['<', '>', '|', '=']);
    let digits: String = kind.chars().skip(1).filter(char::is_ascii_digit).collect();
    let size: u64 = digits.parse().ok()?;
    Some(match kind.chars().next()? {
        'O' => (8, true, code),
        'U' => (size.checked_mul(4)?, false, code),
        _ => (size, false, code),
    })
}

/// Takes the array whose wrapper was just built from the tape.
///
/// # Errors
/// [`Error::Malformed`] where its length cannot be told: joblib would need to compute it.
pub fn array(m: &mut Machine<'_>, state: Value) -> Result<()> {
    let at = m.tape.raw_at();
    let unknown = || Error::malformed(at, "array-length");
    let entries = m.entries(state).ok_or_else(unknown)?;
    let field = |name: &str| entries.iter().find(|(k, _)| k == name).map(|(_, v)| *v);
    let (size, object, code) = field("dtype").and_then(|d| dtype(m, d)).ok_or_else(unknown)?;
    if object {
        m.inner.push(at);
        let end = super::end_of(m, at)?;
        m.tape.taken(end);
        return Ok(());
    }
    let shape = field("shape").and_then(|s| m.items(s)).ok_or_else(unknown)?;
    let shape: Option<Vec<u64>> = shape.iter().map(|d| if let Kind::Int(n) = d.kind() { u64::try_from(n).ok() } else { None }).collect();
    let shape = shape.ok_or_else(unknown)?;
    let bytes = shape.iter().try_fold(size, |n, d| n.checked_mul(*d)).ok_or_else(unknown)?;
    // Since 1.2 a byte that tells the length of the padding stands before the array.
    let padding = match field("numpy_array_alignment_bytes").map(Value::kind) {
        None | Some(Kind::None) => 0,
        Some(_) => 1 + u64::from(m.tape.peek(at, 1, 1).first().copied().unwrap_or(0)),
    };
    let from = at.checked_add(padding).ok_or_else(unknown)?;
    let end = from.checked_add(bytes).filter(|e| *e <= m.size()).ok_or(Error::malformed(at, "ends-early"))?;
    if m.arrays.len() < 100_000 {
        m.arrays.push((from, bytes, code, shape));
    }
    m.tape.taken(end);
    Ok(())
}
