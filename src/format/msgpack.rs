//! MessagePack, above all as Flax writes it (`flax/serialization.py`): a map of maps, arrays as extension 1 (shape, type name, bytes), complex
//! numbers as extension 2, NumPy scalars as extension 3, large arrays in chunks. T5X and old Orbax checkpoints are the same.
//!
//! The format runs nothing. It is attacked through counts that no file could hold, through nesting, and where msgpack-numpy reads it: that unpickles the
//! `data` of an array whose `kind` is `O` (`msgpack_numpy.py`, `decode`).

use super::safetensors::{Groups, Head, keep_head, look};
use super::{Format, Match};
use crate::bytes::View;
use crate::error::{Error, Result};
use crate::fact::{Fact, Tensor};
use crate::scan::Scan;

/// Checkpoints of Flax, and tables of words.
pub const MSGPACK: Format = Format { id: "msgpack", name: "MessagePack", extensions: &["msgpack", "flax"], refines: &[], probe, read };

/// Containers inside of one another: the reference reader of Python stops at 1024.
const DEPTH: usize = 1_000;

/// Bytes of a text that are kept.
const KEEP: u64 = 512;

/// One value's head.
enum Value {
    Map(u64),
    Array(u64),
    /// A text: where it begins, and its length.
    Text(u64, u64),
    Bytes(u64, u64),
    /// An extension: type, where its bytes begin, and their length.
    Ext(i8, u64, u64),
    /// A number, truth value or nil.
    Plain,
}

fn be(view: View<'_>, at: u64, width: u64) -> Result<u64> {
    Ok(match width {
        1 => u64::from(u8::from_be_bytes(view.array(at)?)),
        2 => u64::from(u16::from_be_bytes(view.array(at)?)),
        4 => u64::from(u32::from_be_bytes(view.array(at)?)),
        _ => u64::from_be_bytes(view.array(at)?),
    })
}

/// The value at `at`, and where the next one begins: behind its head for a container, behind its bytes otherwise.
fn value(view: View<'_>, at: u64) -> Result<(Value, u64)> {
    let [b] = view.array(at)?;
    let from = at + 1;
    let span = |n: u64, from: u64| {
        if n <= view.len().saturating_sub(from) { Ok(from + n) } else { Err(Error::malformed(at, "past-end")) }
    };
    let text = |n: u64, from: u64| span(n, from).map(|end| (Value::Text(from, n), end));
    let bytes = |n: u64, from: u64| span(n, from).map(|end| (Value::Bytes(from, n), end));
    let ext = |n: u64, from: u64| -> Result<(Value, u64)> {
        let [kind] = view.array(from)?;
        span(n, from + 1).map(|end| (Value::Ext(i8::from_be_bytes([kind]), from + 1, n), end))
    };
    match b {
        0x00..=0x7f | 0xe0..=0xff | 0xc0 | 0xc2 | 0xc3 => Ok((Value::Plain, from)),
        0x80..=0x8f => Ok((Value::Map(u64::from(b & 15)), from)),
        0x90..=0x9f => Ok((Value::Array(u64::from(b & 15)), from)),
        0xa0..=0xbf => text(u64::from(b & 31), from),
        0xc4..=0xc6 => {
            let w = 1 << (b - 0xc4);
            bytes(be(view, from, w)?, from + w)
        }
        0xc7..=0xc9 => {
            let w = 1 << (b - 0xc7);
            ext(be(view, from, w)?, from + w)
        }
        0xca | 0xce | 0xd2 => span(4, from).map(|end| (Value::Plain, end)),
        0xcb | 0xcf | 0xd3 => span(8, from).map(|end| (Value::Plain, end)),
        0xcc | 0xd0 => span(1, from).map(|end| (Value::Plain, end)),
        0xcd | 0xd1 => span(2, from).map(|end| (Value::Plain, end)),
        0xd4..=0xd8 => ext(1 << (b - 0xd4), from),
        0xd9..=0xdb => {
            let w = 1 << (b - 0xd9);
            text(be(view, from, w)?, from + w)
        }
        0xdc => Ok((Value::Array(be(view, from, 2)?), from + 2)),
        0xdd => Ok((Value::Array(be(view, from, 4)?), from + 4)),
        0xde => Ok((Value::Map(be(view, from, 2)?), from + 2)),
        0xdf => Ok((Value::Map(be(view, from, 4)?), from + 4)),
        _ => Err(Error::malformed(at, "msgpack-type")),
    }
}

/// Bytes below which a container that claims millions of elements is one that was made to claim them.
const BOMB: u64 = 64;

/// Texts that an array begins with before it is taken for MessagePack.
const TEXTS: usize = 4;

/// A map whose first keys are texts, down to the first array; an array of maps and texts; or a container that claims more than could follow.
fn probe(view: View<'_>) -> Match {
    let Ok([first, ..]) = view.array::<2>(0) else {
        return Match::No;
    };
    if !matches!(first, 0x81..=0x8f | 0xdc..=0xdf | 0x91..=0x9f) {
        return Match::No;
    }
    let mut at = 0;
    let (mut maps, mut lists, mut texts) = (0, 0, 0);
    for _ in 0..64 {
        match value(view, at) {
            Ok((Value::Map(n), next)) if n > 0 => {
                match value(view, next) {
                    Ok((Value::Text(from, len) | Value::Bytes(from, len), after)) if readable(view, from, len) => {
                        maps += 1;
                        at = after;
                    }
                    // Numbers that stand for texts.
                    Ok((Value::Plain, after)) if maps == 0 => {
                        lists += 1;
                        at = after;
                    }
                    _ => return Match::No,
                }
            }
            // An array that Flax wrote begins with its shape.
            Ok((Value::Ext(1, from, len), _)) if maps > 0 => {
                return if len > 4 && value(view, from).is_ok_and(|(v, _)| matches!(v, Value::Array(3))) { Match::Sure } else { Match::No };
            }
            Ok((Value::Ext(1..=3, ..), _)) if maps > 0 => return Match::Sure,
            // Containers of one element and nothing else: made to exhaust a reader.
            Ok((Value::Array(1), next)) => at = next,
            // In anything longer they are numbers.
            Ok((Value::Array(n) | Value::Map(n), _)) if n > 1 << 24 && view.len() < BOMB => return Match::Weak,
            Ok((Value::Array(n), next)) if maps == 0 && n <= view.len() => {
                lists += 1;
                at = next;
            }
            Ok((Value::Text(from, len), next)) if maps == 0 && lists > 0 && readable(view, from, len) => {
                texts += 1;
                at = next;
                if texts >= TEXTS {
                    return Match::Weak;
                }
            }
            Ok((Value::Plain, next)) if maps == 0 && lists > 0 => at = next,
            Ok(_) | Err(_) => return if maps > 0 { Match::Weak } else { Match::No },
        }
    }
    if maps > 0 || lists == 0 { Match::Sure } else { Match::No }
}

/// Whether bytes are a text that is not empty, as far as a probe looks.
fn readable(view: View<'_>, from: u64, len: u64) -> bool {
    let text = view.take(from, len.min(64), 64);
    len > 0 && text.is_ok_and(|t| String::from_utf8_lossy(&t).trim_end_matches('\u{fffd}').chars().all(|c| !c.is_control() && c != '\u{fffd}'))
}

/// An open container: elements left, and the key that the next value stands under.
struct Level {
    left: u64,
    map: bool,
    key: Option<String>,
    /// Whether its `kind` is that of an array of objects.
    objects: bool,
    /// Where its `data` lies.
    data: Option<(u64, u64)>,
}

fn read(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    let mut at = 0;
    let mut levels: Vec<Level> = Vec::new();
    let mut groups = Groups::new();
    let mut heads = Vec::new();
    loop {
        while let Some(level) = levels.pop_if(|l| l.left == 0) {
            if let Some((from, n)) = level.data.filter(|_| level.objects) {
                // What is unpickled is read as that, not told of as numbers that begin like a pickle.
                heads.retain(|h: &Head| h.at != from);
                scan.child("data", view.slice(from, n)?, false);
            }
        }
        if at > 0 && levels.is_empty() {
            break;
        }
        let begin = at;
        let (v, next) = value(view, at)?;
        at = next;
        let key_wanted = levels.last().is_some_and(|l| l.map && l.key.is_none());
        if key_wanted {
            let key = match v {
                Value::Text(from, n) | Value::Bytes(from, n) => {
                    view.take(from, n.min(KEEP), KEEP as usize).map(|b| String::from_utf8_lossy(&b).into_owned())?
                }
                Value::Plain => String::new(),
                _ => return Err(Error::malformed(begin, "msgpack-key")),
            };
            if let Some(level) = levels.last_mut() {
                level.key = Some(key);
            }
            continue;
        }
        let name = || levels.iter().filter_map(|l| l.key.as_deref()).filter(|k| !k.is_empty()).collect::<Vec<_>>().join(".");
        match v {
            Value::Map(n) | Value::Array(n) => {
                let map = matches!(v, Value::Map(_));
                let least = if map { 2 } else { 1 };
                if n.checked_mul(least).is_none_or(|b| b > view.len().saturating_sub(at)) {
                    scan.state(
                        view,
                        begin,
                        at - begin,
                        Fact::Header { what: "count", detail: format!("{n} elements, {} bytes left", view.len().saturating_sub(at)), memory: false },
                    );
                    return Err(Error::malformed(begin, "msgpack-count"));
                }
                done(&mut levels);
                if levels.len() >= DEPTH {
                    scan.state(view, begin, at - begin, Fact::Header { what: "nesting", detail: levels.len().to_string(), memory: false });
                    return Err(Error::limit(begin, "msgpack-depth"));
                }
                levels.push(Level { left: n, map, key: None, objects: false, data: None });
                continue;
            }
            Value::Ext(kind @ (1 | 3), from, n) => array(view, kind, from, n, name(), &mut groups, &mut heads, scan)?,
            Value::Ext(2, ..) => {}
            Value::Ext(kind, from, n) => {
                scan.state(view, begin, at - begin, Fact::Header { what: "extension", detail: format!("type {kind}, {n} bytes"), memory: false });
                keep_head(&mut heads, &name(), from, n, true);
            }
            Value::Bytes(from, n) => {
                keep_head(&mut heads, &name(), from, n, true);
                inspect(view, from, n, levels.last_mut());
            }
            Value::Text(from, n) => {
                inspect(view, from, n, levels.last_mut());
                let key = levels.iter().rev().find_map(|l| l.key.clone()).unwrap_or_default();
                if n <= 4096 && !key.is_empty() {
                    let text = String::from_utf8_lossy(&view.take(from, n, 4096)?).into_owned();
                    super::setting::pair(view, from, n, &key, &text, scan);
                }
            }
            Value::Plain => {}
        }
        done(&mut levels);
        if levels.is_empty() {
            break;
        }
    }
    groups.end(scan);
    super::stray(view, at, scan);
    look(view, &heads, scan);
    Ok(())
}

/// Looks at a text or bytes for what msgpack-numpy goes by.
fn inspect(view: View<'_>, from: u64, len: u64, level: Option<&mut Level>) {
    if let Some(level) = level {
        match level.key.as_deref() {
            Some("kind") => level.objects = len == 1 && view.has(from, b"O"),
            Some("data") => level.data = Some((from, len)),
            _ => {}
        }
    }
}

/// A value of the innermost container is complete.
fn done(levels: &mut [Level]) {
    if let Some(level) = levels.last_mut() {
        level.left = level.left.saturating_sub(1);
        level.key = None;
    }
}

/// Bytes of a NumPy type by its name.
fn width(dtype: &str) -> Option<u64> {
    Some(match dtype {
        "bool" | "int8" | "uint8" | "int4" | "uint4" => 1,
        d if d.starts_with("float8") => 1,
        "int16" | "uint16" | "float16" | "bfloat16" => 2,
        "int32" | "uint32" | "float32" => 4,
        "int64" | "uint64" | "float64" | "complex64" => 8,
        "complex128" => 16,
        _ => return None,
    })
}

/// An array as Flax packs it: [shape, type name, bytes] in MessagePack of its own.
#[allow(clippy::too_many_arguments)]
fn array(view: View<'_>, kind: i8, from: u64, len: u64, name: String, groups: &mut Groups, heads: &mut Vec<Head>, scan: &mut Scan<'_>) -> Result<()> {
    let inner = view.slice(from, len)?;
    let bad =
        |what: &'static str, detail: String, memory: bool, scan: &mut Scan<'_>| scan.state(view, from, len.min(64), Fact::Header { what, detail, memory });
    let (Value::Array(3), mut at) = value(inner, 0)? else {
        // Scalars of old versions are bare values.
        if kind == 1 {
            bad("array", name, false, scan);
        }
        return Ok(());
    };
    let mut shape = Vec::new();
    let (Value::Array(rank), next) = value(inner, at)? else {
        bad("shape", name, false, scan);
        return Ok(());
    };
    at = next;
    if rank > 64 {
        bad("rank", format!("{name}: {rank}"), false, scan);
        return Ok(());
    }
    for _ in 0..rank {
        let [b] = inner.array::<1>(at)?;
        let (v, next) = value(inner, at)?;
        let dim = match (v, b) {
            (Value::Plain, 0..=0x7f) => u64::from(b),
            (Value::Plain, 0xcc..=0xcf) => be(inner, at + 1, 1 << (b - 0xcc))?,
            (Value::Plain, 0xd0..=0xd3) => be(inner, at + 1, 1 << (b - 0xd0))?,
            _ => {
                bad("shape", name, false, scan);
                return Ok(());
            }
        };
        shape.push(dim);
        at = next;
    }
    let (Value::Text(text_at, text_len), next) = value(inner, at)? else {
        bad("dtype", name, false, scan);
        return Ok(());
    };
    let dtype = String::from_utf8_lossy(&inner.take(text_at, text_len.min(64), 64)?).into_owned();
    let (Value::Bytes(data, bytes), end) = value(inner, next)? else {
        bad("array", name, false, scan);
        return Ok(());
    };
    if end < len {
        scan.state(view, from + end, len - end, Fact::Stray { what: "between", bytes: len - end });
    }
    let size = shape.iter().try_fold(1u64, |n, d| n.checked_mul(*d)).and_then(|n| n.checked_mul(width(&dtype)?));
    match size {
        Some(size) if size == bytes => {}
        // Four-bit numbers are one a byte or two.
        Some(_) if dtype.ends_with("int4") => {}
        None if width(&dtype).is_none() && !dtype.starts_with('V') && !dtype.starts_with('S') && !dtype.starts_with("str") => {
            bad("dtype", format!("{name}: {dtype}"), false, scan)
        }
        None if width(&dtype).is_none() => {}
        _ => bad("size", format!("{name}: {dtype} {shape:?}, {bytes} bytes"), size.is_none_or(|s| s > bytes), scan),
    }
    keep_head(heads, &name, from + data, bytes, width(&dtype) == Some(1));
    let tensor = Tensor { name, dtype, shape, bytes };
    groups.show(&tensor, scan);
    scan.state(view, from, len.min(64), Fact::Tensor(tensor));
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{Lang, Verdict};

    fn verdict(bytes: Vec<u8>) -> Verdict {
        crate::scan(&bytes, "m.msgpack", Lang::En).verdict
    }

    /// `{"params": {"w": array}}` with the given shape and bytes.
    fn flax(shape: &[u8], data: &[u8]) -> Vec<u8> {
        let mut inner = vec![0x93, 0x90 | shape.len() as u8];
        inner.extend_from_slice(shape);
        inner.extend_from_slice(b"\xa7float32\xc4");
        inner.push(data.len() as u8);
        inner.extend_from_slice(data);
        let mut out = b"\x81\xa6params\x81\xa1w\xc7".to_vec();
        out.push(inner.len() as u8);
        out.push(1);
        out.extend(inner);
        out
    }

    #[test]
    fn arrays_and_what_they_claim() {
        assert_eq!(verdict(flax(&[2, 2], &[1; 16])), Verdict::Clear);
        assert_eq!(verdict(flax(&[2, 9], &[1; 16])), Verdict::Dangerous);
        let mut more = flax(&[2, 2], &[1; 16]);
        more.extend_from_slice(b"more");
        assert_eq!(verdict(more), Verdict::Suspicious);
        let whole = flax(&[2, 2], &[1; 16]);
        for n in 12..whole.len() {
            assert_ne!(verdict(whole.get(..n).unwrap_or(&[]).to_vec()), Verdict::Clear, "{n}");
        }
    }

    #[test]
    fn bombs() {
        let mut deep = vec![0x91; 100_000];
        deep.push(0xc0);
        assert_eq!(verdict(deep), Verdict::Suspicious);
        assert_eq!(verdict(b"\x81\xa1a\xdd\xff\xff\xff\xff".to_vec()), Verdict::Suspicious);
        assert_eq!(verdict(b"\xdf\xff\xff\xff\xff\xa1a\xc0".to_vec()), Verdict::Suspicious);
    }
}
