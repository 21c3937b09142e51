//! What llama.cpp read before GGUF (`llama.cpp` of 2023, `ggml/examples`): GGML, GGMF, GGJT and the LoRA format GGLA.
//!
//! Headers differ from program to program, so the settings and the vocabulary are tried in the orders in use and kept only if the
//! tensors behind them fill the file. Their loaders are old and trusted every length.

use super::safetensors::{Groups, Head, keep_head, look};
use super::{Format, Match};
use crate::bytes::View;
use crate::error::{Error, Result};
use crate::fact::{Fact, Tensor};
use crate::scan::Scan;

/// Older kin of GGUF.
pub const GGML: Format = Format { id: "ggml", name: "GGML (before GGUF)", extensions: &["bin", "ggml"], refines: &[], probe, read };

/// Tensors that are followed.
const TENSORS: u64 = 1_000_000;

/// Entries of a vocabulary.
const WORDS: u32 = 4 << 20;

/// How a file begins.
#[derive(Clone, Copy)]
struct Kind {
    name: &'static str,
    /// Offset behind mark and version.
    body: u64,
    /// Tensor data begins at multiples of this.
    align: u64,
    /// A score behind each word.
    scores: bool,
}

fn kind(view: View<'_>) -> Option<Kind> {
    let version = view.u32(4).ok()?;
    Some(match &view.array::<4>(0).ok()? {
        b"lmgg" => Kind { name: "GGML", body: 4, align: 1, scores: false },
        b"fmgg" => Kind { name: "GGMF", body: 8, align: 1, scores: true },
        b"tjgg" if version <= 3 => Kind { name: "GGJT", body: 8, align: 32, scores: true },
        b"algg" => Kind { name: "GGLA", body: 16, align: 32, scores: false },
        _ => return None,
    })
}

fn probe(view: View<'_>) -> Match {
    if kind(view).is_some() { Match::Sure } else { Match::No }
}

/// Type: name, elements in a block, bytes of a block, of the time before GGUF.
fn block(kind: u32, old: bool) -> Option<(&'static str, u64, u64)> {
    Some(match kind {
        0 => ("F32", 1, 4),
        1 => ("F16", 1, 2),
        // Blocks began with a scale of four bytes up to GGJT version 1, of two since.
        2 => ("Q4_0", 32, if old { 20 } else { 18 }),
        3 => ("Q4_1", 32, if old { 24 } else { 20 }),
        4 => ("Q4_2", 16, 10),
        5 => ("Q4_3", 16, 12),
        6 => ("Q5_0", 32, 22),
        7 => ("Q5_1", 32, 24),
        8 => ("Q8_0", 32, if old { 36 } else { 34 }),
        10 => ("Q2_K", 256, 84),
        11 => ("Q3_K", 256, 110),
        12 => ("Q4_K", 256, 144),
        13 => ("Q5_K", 256, 176),
        14 => ("Q6_K", 256, 210),
        16 => ("I8", 1, 1),
        17 => ("I16", 1, 2),
        18 => ("I32", 1, 4),
        _ => return None,
    })
}

/// A tensor's head and where its data lies.
struct Entry {
    tensor: Tensor,
    at: u64,
    data: u64,
    end: u64,
    long_name: bool,
}

fn entry(view: View<'_>, at: u64, k: Kind, old: bool) -> Result<Entry> {
    let (rank, name_len, kind) = (view.u32(at)?, view.u32(at + 4)?, view.u32(at + 8)?);
    if rank > 4 || name_len > 4096 {
        return Err(Error::malformed(at, "ggml-tensor"));
    }
    let mut shape = Vec::new();
    for i in 0..u64::from(rank) {
        shape.push(u64::from(view.u32(at + 12 + 4 * i)?));
    }
    let name_at = at + 12 + 4 * u64::from(rank);
    let name = view.take(name_at, u64::from(name_len), 4096)?;
    let (dtype, elements, bytes) = block(kind, old).ok_or(Error::malformed(at + 8, "tensor-type"))?;
    let head = name_at + u64::from(name_len);
    let data = head.checked_next_multiple_of(k.align).ok_or(Error::malformed(at, "past-end"))?;
    let total = shape
        .iter()
        .try_fold(1u64, |n, d| n.checked_mul(*d))
        .and_then(|n| n.div_ceil(elements).checked_mul(bytes))
        .ok_or(Error::malformed(at + 12, "shape-overflow"))?;
    let end = data.checked_add(total).ok_or(Error::malformed(at + 12, "shape-overflow"))?;
    shape.reverse();
    let tensor = Tensor { name: String::from_utf8_lossy(&name).into_owned(), dtype: dtype.to_string(), shape, bytes: total };
    Ok(Entry { tensor, at, data, end, long_name: name_len > 64 })
}

/// Where the tensors begin if the settings are `words` numbers: behind a vocabulary of as many entries as one of them says.
fn behind(view: View<'_>, k: Kind, words: u64, sized: bool) -> Option<u64> {
    if k.name == "GGLA" {
        return Some(k.body);
    }
    let mut at = k.body + 4 * words;
    let count = if sized {
        // GPT-2 and its kin write the number again in front of the words.
        at += 4;
        view.u32(at - 4).ok()?
    } else {
        view.u32(k.body).ok()?
    };
    if count == 0 || count > WORDS {
        return None;
    }
    for _ in 0..count {
        let n = view.u32(at).ok()?;
        if n > 1024 {
            return None;
        }
        at += 4 + u64::from(n) + if k.scores { 4 } else { 0 };
        if at > view.len() {
            return None;
        }
    }
    Some(at)
}

fn read(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    let k = kind(view).ok_or(Error::malformed(0, "ggml-header"))?;
    scan.kind(k.name);
    let mut best: Option<(u64, Error)> = None;
    for (words, sized) in [(7, false), (6, true), (7, true), (8, true), (5, true), (9, true), (11, true), (10, true)] {
        let Some(start) = behind(view, k, words, sized) else {
            continue;
        };
        for old in [false, true] {
            match walk(view, k, start, old) {
                Ok(()) => return describe(view, k, start, old, scan),
                Err(e) => {
                    let Error::Malformed { at, .. } = &e else {
                        return Err(e);
                    };
                    if best.as_ref().is_none_or(|(b, _)| at > b) {
                        best = Some((*at, e));
                    }
                }
            }
        }
        if k.name == "GGLA" {
            break;
        }
    }
    let (at, error) = best.unwrap_or((k.body, Error::malformed(k.body, "ggml-header")));
    scan.state(
        view,
        at.min(view.len()),
        4,
        Fact::Header { what: "ggml-layout", detail: format!("nothing that wrote {} lays a file out like this", k.name), memory: false },
    );
    Err(error)
}

/// Whether tensors follow one another from `at` to the end.
fn walk(view: View<'_>, k: Kind, mut at: u64, old: bool) -> Result<()> {
    let mut count = 0;
    while at < view.len() {
        let e = entry(view, at, k, old)?;
        if e.end > view.len() || count >= TENSORS {
            return Err(Error::malformed(at, "past-end"));
        }
        at = e.end;
        count += 1;
    }
    if count == 0 { Err(Error::malformed(at, "past-end")) } else { Ok(()) }
}

fn describe(view: View<'_>, k: Kind, mut at: u64, old: bool, scan: &mut Scan<'_>) -> Result<()> {
    let mut groups = Groups::new();
    let mut heads: Vec<Head> = Vec::new();
    while at < view.len() {
        let e = entry(view, at, k, old)?;
        if e.long_name {
            scan.state(view, e.at, 12, Fact::Header { what: "name-too-long", detail: e.tensor.name.clone(), memory: false });
        }
        keep_head(&mut heads, &e.tensor.name, e.data, e.end - e.data, e.tensor.dtype == "I8");
        groups.show(&e.tensor, scan);
        at = e.end;
        scan.state(view, e.at, e.data - e.at, Fact::Tensor(e.tensor));
    }
    groups.end(scan);
    look(view, &heads, scan);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{Lang, Verdict};

    fn file(dim: u32) -> Vec<u8> {
        let mut out = b"tjgg\x03\0\0\0".to_vec();
        for n in [2u32, 64, 256, 1, 1, 16, 0] {
            out.extend_from_slice(&n.to_le_bytes());
        }
        for word in ["a", "bc"] {
            out.extend_from_slice(&(word.len() as u32).to_le_bytes());
            out.extend_from_slice(word.as_bytes());
            out.extend_from_slice(&0f32.to_le_bytes());
        }
        for n in [1u32, 1, 0, dim] {
            out.extend_from_slice(&n.to_le_bytes());
        }
        out.push(b'w');
        out.resize(out.len().next_multiple_of(32), 0);
        out.extend_from_slice(&[1; 32]);
        out
    }

    #[test]
    fn tensors_fill_the_file() {
        let verdict = |bytes: Vec<u8>| crate::scan(&bytes, "m.bin", Lang::En).verdict;
        assert_eq!(verdict(file(8)), Verdict::Clear);
        assert_eq!(verdict(file(9)), Verdict::Suspicious);
        let whole = file(8);
        for n in 8..whole.len() {
            assert_ne!(verdict(whole.get(..n).unwrap_or(&[]).to_vec()), Verdict::Clear, "{n}");
        }
    }
}
