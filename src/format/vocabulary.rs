//! Vocabularies and word vectors: SentencePiece (`sentencepiece_model.proto`), fastText (`src/fasttext.cc`), word2vec (`word2vec.c`).
//!
//! Words and numbers, nothing that runs. They are read because they lie in every model's folder, and so that what hides behind
//! them is seen.

use super::{Format, Match};
use crate::bytes::View;
use crate::error::{Error, Result};
use crate::fact::{Fact, Tensor};
use crate::scan::Scan;

/// `spiece.model`, `tokenizer.model`.
pub const SENTENCEPIECE: Format =
    Format { id: "sentencepiece", name: "SentencePiece", extensions: &["model", "spm"], refines: &["text"], probe: probe_pieces, read: read_pieces };

/// Models of fastText, whole and quantized.
pub const FASTTEXT: Format = Format { id: "fasttext", name: "fastText", extensions: &["bin", "ftz"], refines: &[], probe: probe_fasttext, read: read_fasttext };

/// Word vectors in the binary of word2vec.
pub const WORD2VEC: Format = Format { id: "word2vec", name: "word2vec", extensions: &["bin"], refines: &[], probe: probe_word2vec, read: read_word2vec };

/// Words of a vector file that are looked at: the rest is as wide as they are.
const WORDS: u64 = 1_000;

/// Entries of a dictionary that are followed.
const ENTRIES: u64 = 16 << 20;

fn varint(view: View<'_>, at: u64) -> Result<(u64, u64)> {
    let mut n = 0u64;
    for i in 0..10u64 {
        let [b] = view.array(at + i)?;
        n |= u64::from(b & 0x7f).checked_shl(u32::try_from(7 * i).unwrap_or(64)).unwrap_or(0);
        if b & 0x80 == 0 {
            return Ok((n, at + i + 1));
        }
    }
    Err(Error::malformed(at, "varint"))
}

/// A piece: its text (field 1), its score (field 2, a float), its kind (field 3); the end of its message.
fn piece(view: View<'_>, at: u64) -> Result<u64> {
    let (len, from) = varint(view, at + 1)?;
    let inner = view.slice(from, len)?;
    let mut p = 0;
    while p < len {
        let [tag] = inner.array(p)?;
        p = match tag {
            0x0a => {
                let (n, from) = varint(inner, p + 1)?;
                inner.slice(from, n)?;
                from + n
            }
            0x15 => p + 5,
            0x18 => varint(inner, p + 1)?.1,
            _ => return Err(Error::malformed(from + p, "piece")),
        };
    }
    if p == len { Ok(from + len) } else { Err(Error::malformed(from, "piece")) }
}

fn probe_pieces(view: View<'_>) -> Match {
    let Ok(head) = view.head(4) else { return Match::No };
    let [0x0a, _, 0x0a, _] = head.as_slice() else { return Match::No };
    let Ok(second) = piece(view, 0) else { return Match::No };
    // The first pieces have a score, which other messages of two texts do not.
    let scored = view.take(0, second.min(512), 512).is_ok_and(|b| b.contains(&0x15));
    if scored && view.has(second, b"\x0a") && piece(view, second).is_ok() { Match::Sure } else { Match::No }
}

fn read_pieces(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    let (mut at, mut pieces) = (0, 0u64);
    while at < view.len() {
        let [tag] = view.array(at)?;
        match tag {
            0x0a => {
                at = piece(view, at)?;
                pieces += 1;
            }
            // How it was trained, how it normalizes, a self-test.
            0x12 | 0x1a | 0x22 | 0x2a => {
                let (len, from) = varint(view, at + 1)?;
                view.slice(from, len)?;
                at = from + len;
            }
            _ => {
                super::stray(view, at, scan);
                break;
            }
        }
    }
    scan.leaf("pieces", "vocabulary", None, Some(pieces.to_string()));
    Ok(())
}

fn probe_fasttext(view: View<'_>) -> Match {
    let new = view.has(0, FASTTEXT_MARK) && view.u32(4).is_ok_and(|v| v <= 64);
    if new || settings_first(view) == Ok(true) { Match::Sure } else { Match::No }
}

/// What fastText began to write in front of its settings in 2017, before its version.
const FASTTEXT_MARK: &[u8] = &[0xba, 0x16, 0x4f, 0x2f];

/// Whether fastText's settings come first, as before 2017: twelve numbers, of which some say little else than one of three, and a dictionary whose words
/// and labels add up.
fn settings_first(view: View<'_>) -> Result<bool> {
    let n = |i: u64| view.u32(4 * i);
    let (dim, window, loss, model, least, most) = (n(0)?, n(1)?, n(6)?, n(7)?, n(9)?, n(10)?);
    let (size, words, labels) = (n(14)?, n(15)?, n(16)?);
    let settings = (1..=10_000).contains(&dim) && window <= 1000 && (1..=3).contains(&loss) && (1..=3).contains(&model) && least <= most && most <= 64;
    Ok(settings && size > 0 && words.checked_add(labels) == Some(size) && u64::from(size) <= view.len() / 10)
}

/// Settings, the dictionary, then two matrices.
fn read_fasttext(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    let old = !view.has(0, FASTTEXT_MARK);
    let first = if old { 0 } else { 8 };
    let dim = view.u32(first)?;
    // Twelve numbers and a rate.
    let counts = first + 12 * 4 + 8;
    let (words, size) = (view.u32(counts + 4)?, view.u32(counts)?);
    let pruned = if old { -1 } else { view.u64(counts + 20)? as i64 };
    let mut at = counts + if old { 20 } else { 28 };
    if u64::from(size) > view.len() / 10 {
        scan.state(view, counts, 4, Fact::Header { what: "dictionary-size", detail: size.to_string(), memory: true });
        return Err(Error::malformed(at, "past-end"));
    }
    for _ in 0..u64::from(size).min(ENTRIES) {
        let word = view.take(at, view.len().saturating_sub(at).min(4096), 4096)?;
        let Some(end) = word.iter().position(|b| *b == 0) else { return Err(Error::malformed(at, "word")) };
        // The word's end, its count and its kind.
        at += end as u64 + 10;
    }
    if let Ok(n) = u64::try_from(pruned) {
        at = at.saturating_add(n.saturating_mul(8));
    }
    // In front of each matrix stands whether it is quantized.
    let flag = u64::from(!old);
    let quantized = !old && view.array(at)? != [0];
    let mut sizes = Vec::new();
    if !quantized {
        at = matrix(view, at + flag, "input", &mut sizes, scan)?;
        at = matrix(view, at + flag, "output", &mut sizes, scan)?;
        super::stray(view, at, scan);
    }
    scan.note(format!("{words} words, {dim} dimensions"));
    Ok(())
}

fn matrix(view: View<'_>, at: u64, name: &str, sizes: &mut Vec<u64>, scan: &mut Scan<'_>) -> Result<u64> {
    let (rows, columns) = (view.u64(at)?, view.u64(at + 8)?);
    let bytes = rows.checked_mul(columns).and_then(|n| n.checked_mul(4));
    match bytes {
        Some(bytes) if bytes <= view.len().saturating_sub(at + 16) => {
            sizes.push(bytes);
            let tensor = Tensor { name: name.into(), dtype: "F32".into(), shape: vec![rows, columns], bytes };
            scan.leaf(name, "tensor", Some(bytes), Some(format!("F32 [{rows} × {columns}]")));
            scan.state(view, at, 16, Fact::Tensor(tensor));
            Ok(at + 16 + bytes)
        }
        _ => {
            scan.state(view, at, 16, Fact::Header { what: "matrix-size", detail: format!("{rows} × {columns}"), memory: bytes.is_none() });
            Err(Error::malformed(at, "past-end"))
        }
    }
}

/// `count dimensions` in a line of their own.
fn heading(view: View<'_>) -> Option<(u64, u64, u64)> {
    let head = view.head(40).ok()?;
    let end = head.iter().position(|b| *b == b'\n')?;
    let line = std::str::from_utf8(head.get(..end)?).ok()?;
    let (count, dimensions) = line.split_once(' ')?;
    let (count, dimensions) = (count.parse().ok()?, dimensions.trim_end().parse().ok()?);
    (count > 0 && (1..=100_000).contains(&dimensions)).then_some((count, dimensions, end as u64 + 1))
}

/// Where the word at `at` ends, if it is one: letters up to a blank.
fn word(view: View<'_>, at: u64) -> Option<u64> {
    let bytes = view.take(at, view.len().saturating_sub(at).min(512), 512).ok()?;
    let skip = u64::from(bytes.first() == Some(&b'\n'));
    let rest = bytes.get(usize::try_from(skip).ok()?..)?;
    let end = rest.iter().position(|b| *b == b' ')?;
    let plain = end > 0 && rest.get(..end)?.iter().all(|b| *b > 0x20 && *b != 0x7f);
    plain.then(|| at + skip + end as u64 + 1)
}

fn probe_word2vec(view: View<'_>) -> Match {
    let Some((_, dimensions, at)) = heading(view) else { return Match::No };
    // A text of the same heading has numbers in digits behind the word.
    let Some(numbers) = word(view, at) else { return Match::No };
    let Ok(raw) = view.take(numbers, (4 * dimensions).min(64), 64) else { return Match::No };
    let text = raw.iter().all(|b| b.is_ascii_graphic() || b.is_ascii_whitespace());
    if text { Match::No } else { Match::Sure }
}

fn read_word2vec(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    let (count, dimensions, start) = heading(view).ok_or(Error::malformed(0, "word2vec-heading"))?;
    let least = dimensions.checked_mul(4).and_then(|n| n.checked_add(2)).and_then(|n| n.checked_mul(count));
    if least.is_none_or(|n| n > view.len().saturating_sub(start)) {
        scan.state(view, 0, start, Fact::Header { what: "word-count", detail: format!("{count} × {dimensions}"), memory: false });
        return Err(Error::malformed(0, "past-end"));
    }
    let mut at = start;
    for _ in 0..count.min(WORDS) {
        let Some(numbers) = word(view, at) else { return Err(Error::malformed(at, "word")) };
        at = numbers + 4 * dimensions;
    }
    if at > view.len() {
        return Err(Error::malformed(view.len(), "past-end"));
    }
    if count <= WORDS {
        super::stray(view, at + u64::from(view.has(at, b"\n")), scan);
    }
    let bytes = view.len().saturating_sub(start);
    let tensor = Tensor { name: "vectors".into(), dtype: "F32".into(), shape: vec![count, dimensions], bytes };
    scan.leaf("vectors", "tensor", Some(bytes), Some(format!("F32 [{count} × {dimensions}]")));
    scan.state(view, 0, start, Fact::Tensor(tensor));
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{Lang, Verdict};

    fn verdict(bytes: Vec<u8>) -> Verdict {
        crate::scan(&bytes, "m.model", Lang::En).verdict
    }

    #[test]
    fn pieces_vectors_and_what_follows_them() {
        let pieces = b"\x0a\x0e\x0a\x05<unk>\x15\0\0\0\0\x18\x02\x0a\x0a\x0a\x03abc\x15\0\0\x80\xbf\x12\x02\x18\x07".to_vec();
        assert_eq!(verdict(pieces.clone()), Verdict::Clear);
        let mut more = pieces;
        more.extend_from_slice(b"\x80\x02cos\nsystem\nX\x02\0\0\0id\x85R.");
        assert_eq!(verdict(more), Verdict::Dangerous);
        let mut vectors = b"2 2\n".to_vec();
        for word in ["a", "bc"] {
            vectors.extend_from_slice(word.as_bytes());
            vectors.push(b' ');
            vectors.extend_from_slice(&[0x10, 0x84, 1, 0x3f, 0x80, 0x91, 7, 0xbf]);
        }
        assert_eq!(verdict(vectors.clone()), Verdict::Clear);
        for n in 8..vectors.len() {
            assert_ne!(verdict(vectors.get(..n).unwrap_or(&[]).to_vec()), Verdict::Clear, "{n}");
        }
    }
}
