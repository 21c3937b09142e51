//! NumPy arrays: `.npy` (NEP 1, versions 1 to 3) and `.npz`. An array of objects is a pickle.

use super::pickle;
use super::zip::{self, Archive};
use super::{Format, Match};
use crate::bytes::View;
use crate::error::{Error, Result};
use crate::fact::{Fact, Tensor};
use crate::scan::Scan;

/// One array.
pub const NPY: Format = Format { id: "npy", name: "NumPy array", extensions: &["npy"], refines: &[], probe: probe_npy, read: read_npy };

/// A ZIP of arrays.
pub const NPZ: Format = Format { id: "npz", name: "NumPy archive", extensions: &["npz"], refines: &["zip"], probe: probe_npz, read: read_npz };

/// NumPy refuses longer headers without `allow_pickle`; ten times that is read here.
const HEADER: usize = 1 << 20;

fn probe_npy(view: View<'_>) -> Match {
    if view.has(0, b"\x93NUMPY") { Match::Sure } else { Match::No }
}

fn probe_npz(view: View<'_>) -> Match {
    if zip::any_member(view, |n| n.ends_with(".npy")) && !zip::any_member(view, |n| !n.ends_with(".npy")) { Match::Sure } else { Match::No }
}

fn read_npz(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    let archive = Archive::open(view, scan)?;
    for n in 0..archive.len() {
        archive.member(n, scan, false, None)?;
    }
    Ok(())
}

/// What the header says, read as a Python literal and nothing more.
#[derive(Debug, Default, PartialEq, Eq)]
struct Header {
    /// Whether an element is or holds a Python object.
    object: bool,
    /// Bytes of one element, if the type is one that we know the size of.
    item: Option<u64>,
    /// Type as written, shortened.
    dtype: String,
    shape: Option<Vec<u64>>,
    /// Something that is not a literal: older readers evaluated it.
    expression: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Text(String),
    Number(Option<u64>),
    Word(String),
    Mark(u8),
}

/// Splits the header into tokens; iterative, one pass.
fn tokens(header: &[u8]) -> Vec<Token> {
    let mut out = Vec::new();
    let mut i = 0;
    while let Some(b) = header.get(i) {
        match b {
            b' ' | b'\n' | b'\t' | b'\r' | 0 => i += 1,
            b'\'' | b'"' => {
                let start = i + 1;
                i = start;
                while header.get(i).is_some_and(|c| c != b) {
                    i += if header.get(i) == Some(&b'\\') { 2 } else { 1 };
                }
                let text = header.get(start..i.min(header.len())).unwrap_or(&[]);
                let text = crate::format::python::lex::unescape(text, false, false, text.len());
                out.push(Token::Text(String::from_utf8_lossy(&text).into_owned()));
                i += 1;
            }
            b'0'..=b'9' => {
                let start = i;
                while header.get(i).is_some_and(|c| c.is_ascii_alphanumeric() || *c == b'_') {
                    i += 1;
                }
                let text = String::from_utf8_lossy(header.get(start..i).unwrap_or(&[])).replace('_', "");
                // Python 2 wrote long integers with an L.
                out.push(Token::Number(text.trim_end_matches(['L', 'l']).parse().ok()));
            }
            b if b.is_ascii_alphabetic() || *b == b'_' => {
                let start = i;
                while header.get(i).is_some_and(|c| c.is_ascii_alphanumeric() || *c == b'_') {
                    i += 1;
                }
                out.push(Token::Word(String::from_utf8_lossy(header.get(start..i).unwrap_or(&[])).into_owned()));
            }
            other => {
                out.push(Token::Mark(*other));
                i += 1;
            }
        }
    }
    out
}

/// Size of a type code such as `<f8`, `|S10`, `<U4`; an object is said by the second value.
fn type_code(code: &str) -> (Option<u64>, bool) {
    if code.contains(',') {
        // A record, as `numpy.dtype` takes it from one text.
        let parts = code.split(',').map(type_code);
        return parts.fold((Some(0), false), |(sum, any), (size, object)| (sum.zip(size).and_then(|(a, b)| a.checked_add(b)), any | object));
    }
    let plain = code.trim_start_matches(['<', '>', '|', '=']);
    let (kind, rest) = match plain.char_indices().next() {
        Some((_, c)) => (c, plain.get(c.len_utf8()..).unwrap_or("")),
        None => return (None, false),
    };
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    let n = digits.parse::<u64>().ok();
    match kind {
        // Numpy 2's own texts are objects, too.
        'O' | 'T' if rest.chars().all(|c| c.is_ascii_digit()) => (None, true),
        'b' | 'i' | 'u' | 'f' | 'c' | 'S' | 'V' | 'a' | 'M' | 'm' => (n, false),
        'U' => (n.and_then(|n| n.checked_mul(4)), false),
        '?' => (Some(1), false),
        // Sub-array codes such as `3O` or `(2,)f8`, and names such as `object`.
        _ => (None, plain.contains('O') || plain.starts_with("object")),
    }
}

fn parse(header: &[u8]) -> Header {
    let tokens = tokens(header);
    let mut out = Header::default();
    let mut key = String::new();
    let mut depth = 0u32;
    let mut shape: Vec<Option<u64>> = Vec::new();
    let mut shape_seen = false;
    // Position inside a `(name, type[, shape])` field of a structured type.
    let mut field = 0u32;
    let mut fields = false;
    let mut sizes: Vec<Option<u64>> = Vec::new();
    for (n, t) in tokens.iter().enumerate() {
        let next = tokens.get(n + 1);
        match t {
            Token::Mark(b'(' | b'[' | b'{') => {
                depth += 1;
                field = 0;
                fields |= *t == Token::Mark(b'[') && key == "descr";
                shape_seen |= key == "shape";
            }
            Token::Mark(b')' | b']' | b'}') => {
                depth = depth.saturating_sub(1);
                field = 2;
            }
            Token::Mark(b',') => field += 1,
            Token::Mark(b':') => {}
            Token::Mark(_) => out.expression = true,
            Token::Text(text) if depth <= 1 && next == Some(&Token::Mark(b':')) => {
                key = text.clone();
                field = 0;
                // There are no others: one that is put together, or spelled in a way that we do not read, may be any of them.
                out.expression |= !matches!(key.as_str(), "descr" | "fortran_order" | "shape");
            }
            Token::Text(text) => {
                if key == "descr" {
                    // Without a list of fields, as in `('<f8', (2,))`, every text is a type.
                    if !fields || field == 1 {
                        let (size, object) = type_code(text);
                        out.object |= object;
                        sizes.push(size);
                    } else {
                        // A name: an object type hidden where only a name should be costs nothing to look at.
                        out.object |= text.starts_with('|') && type_code(text).1;
                    }
                    if out.dtype.len() < 60 {
                        out.dtype.push_str(text);
                    }
                }
            }
            Token::Number(v) => {
                if key == "shape" {
                    shape.push(*v);
                } else if key == "descr" {
                    // A sub-array multiplies the field before it.
                    if let (Some(Some(size)), Some(v)) = (sizes.last().copied(), v) {
                        let last = sizes.len() - 1;
                        if let Some(slot) = sizes.get_mut(last) {
                            *slot = size.checked_mul(*v);
                        }
                    }
                }
            }
            Token::Word(w) => out.expression |= !matches!(w.as_str(), "True" | "False" | "None"),
        }
    }
    out.item = sizes.iter().try_fold(0u64, |sum, s| s.and_then(|s| sum.checked_add(s)));
    if sizes.is_empty() {
        out.item = None;
    }
    if shape_seen {
        out.shape = shape.into_iter().collect();
    }
    out
}

fn read_npy(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    let [major, _minor] = view.array::<2>(6)?;
    let (from, len): (u64, u64) = match major {
        1 => (10, u64::from(view.u16(8)?)),
        2 | 3 => (12, u64::from(view.u32(8)?)),
        _ => return Err(Error::malformed(6, "npy-version")),
    };
    if len > HEADER as u64 {
        // Who loads objects takes a header of any length.
        scan.child("array", view.rest(from.saturating_add(len)), true);
    }
    let bytes = view.take(from, len, HEADER)?;
    let header = parse(&bytes);
    if header.expression {
        scan.state(view, from, len, Fact::Header { what: "npy-expression", detail: crate::text::printable_bytes(&bytes, 120), memory: false });
    }
    let data = from + len;
    if header.object {
        scan.note("array of Python objects: a pickle".into());
        return pickle::run_all(view, data, scan, |v, at, scan| pickle::weigh(v, at, scan).map(pickle::Outcome::ended));
    }
    let Some(shape) = header.shape else {
        scan.state(view, from, len, Fact::Header { what: "npy-shape", detail: crate::text::printable_bytes(&bytes, 120), memory: false });
        return Ok(());
    };
    let count = shape.iter().try_fold(1u64, |n, d| n.checked_mul(*d));
    let total = count.and_then(|n| n.checked_mul(header.item?));
    let left = view.len().saturating_sub(data);
    scan.leaf("array", "tensor", total, Some(format!("{} {shape:?}", header.dtype)));
    match total {
        Some(total) if total <= left => {
            scan.state(view, from, len, Fact::Tensor(Tensor { name: String::new(), dtype: header.dtype, shape, bytes: total }));
            super::stray(view, data + total, scan);
            Ok(())
        }
        // More elements than a disk holds is no cut-off file: it is meant to make a reader allocate.
        Some(total) if total < 1 << 40 && total / 64 <= left.max(1 << 20) => Err(Error::malformed(data, "ends-early")),
        None if header.item.is_none() => {
            scan.gap("npy-type");
            // Objects have many names.
            scan.child("array", view.rest(data), true);
            Ok(())
        }
        _ => {
            scan.state(view, from, len, Fact::Header { what: "npy-shape", detail: format!("{shape:?} of {}", header.dtype), memory: false });
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn object_types_wherever_they_hide() {
        for descr in [
            "'\\x4f'", "'|O'", "'O'", "[('a', '|O')]", "[('a', '<f8'), ('b', '|O8')]", "[('a', [('b', 'O')])]", "('O', (2,))", "'3O'", "'object_'", "'i4,O'",
            "'f8, (2,2)O'", "[('a', 'M8[s],O')]", "'c8,T'",
        ] {
            let h = parse(format!("{{'descr': {descr}, 'fortran_order': False, 'shape': (3,), }}").as_bytes());
            assert!(h.object, "{descr}");
        }
        let h = parse(b"{'descr': [('Observed', '<f8'), ('O_name', '<i4', (2,))], 'fortran_order': False, 'shape': (3L, 2), }\n");
        assert!(!h.object && !h.expression);
        assert_eq!((h.item, h.shape), (Some(16), Some(vec![3, 2])));
        assert!(parse(b"{'descr': '<f8', 'shape': (len('a'),)}").expression);
        assert!(parse(b"{'descr': '<f8', '\\N{LATIN SMALL LETTER D}escr': 'O', 'shape': (1,)}").expression);
        assert_eq!(type_code("<i4,S8"), (Some(12), false));
    }
}
