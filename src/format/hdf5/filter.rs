//! Undoing the filters of one chunk, in memory and bounded: deflate, shuffle, Fletcher-32 and LZF, which is what h5py, Keras and
//! PyTables use for text.

use super::data::Filter;
use crate::bytes::{Coder, Source, Unpacked, View};
use crate::error::Result;
use crate::scan::Scan;

/// The bytes of a chunk; `None` if one of its filters is not read here.
pub fn undo(stored: View<'_>, filters: &[Filter], left_out: u32, most: u64, scan: &Scan<'_>) -> Result<Option<Vec<u8>>> {
    let cap = usize::try_from(most).unwrap_or(usize::MAX);
    let mut bytes = stored.take(0, stored.len().min(most.saturating_mul(2).saturating_add(4096)), usize::MAX)?;
    for (n, f) in filters.iter().enumerate().rev() {
        if n < 32 && left_out >> n & 1 != 0 {
            continue;
        }
        let next = match f.id {
            1 => inflate(&bytes, cap, scan),
            2 => Some(unshuffle(&bytes, f.value)),
            3 => bytes.len().checked_sub(4).map(|n| bytes.get(..n).unwrap_or(&[]).to_vec()),
            32000 => lzf(&bytes, cap),
            _ => None,
        };
        match next {
            Some(b) => bytes = b,
            None => return Ok(None),
        }
    }
    Ok(Some(bytes))
}

/// A zlib stream: two bytes of header, then raw deflate.
fn inflate(bytes: &[u8], cap: usize, scan: &Scan<'_>) -> Option<Vec<u8>> {
    let raw = bytes.get(2..)?.to_vec();
    let pages = crate::bytes::Pages::new(&raw);
    let (inflated, _) = Unpacked::measure(View::of_inflated(&pages), &[Coder::Deflate], scan.bounds());
    let mut out = vec![0; usize::try_from(Source::len(&inflated)).ok()?.min(cap)];
    let mut done = 0;
    while done < out.len() {
        let n = inflated.read_at(done as u64, out.get_mut(done..)?).ok().filter(|n| *n > 0)?;
        done += n;
    }
    Some(out)
}

/// Puts the bytes of every element together again; what is left over at the end was not moved.
fn unshuffle(bytes: &[u8], size: u32) -> Vec<u8> {
    let size = size.max(1) as usize;
    let count = bytes.len() / size;
    let mut out = Vec::with_capacity(bytes.len());
    for n in 0..count {
        for k in 0..size {
            out.push(bytes.get(k.saturating_mul(count).saturating_add(n)).copied().unwrap_or(0));
        }
    }
    out.extend_from_slice(bytes.get(count.saturating_mul(size)..).unwrap_or(&[]));
    out
}

/// LibLZF, as h5py ships it: runs of literals, and copies from up to 8 KiB back.
fn lzf(bytes: &[u8], cap: usize) -> Option<Vec<u8>> {
    let mut out: Vec<u8> = Vec::new();
    let mut at = 0;
    while let Some(control) = bytes.get(at).map(|b| usize::from(*b)) {
        at += 1;
        if control < 32 {
            out.extend_from_slice(bytes.get(at..at + control + 1)?);
            at += control + 1;
        } else {
            let mut len = control >> 5;
            if len == 7 {
                len += usize::from(*bytes.get(at)?);
                at += 1;
            }
            let back = (control & 31) << 8 | usize::from(*bytes.get(at)?);
            at += 1;
            // The copy may run into what it just wrote.
            let from = out.len().checked_sub(back + 1)?;
            for n in from..from + len + 2 {
                out.push(*out.get(n)?);
            }
        }
        if out.len() > cap {
            return None;
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shuffled_elements_come_back() {
        assert_eq!(unshuffle(&[1, 3, 2, 4, 9], 2), [1, 2, 3, 4, 9]);
    }

    #[test]
    fn lzf_copies_overlap() {
        // One literal, then five bytes from one back.
        assert_eq!(lzf(&[0, b'a', 3 << 5, 0], 100).as_deref(), Some(&b"aaaaaa"[..]));
        assert_eq!(lzf(&[0, b'a', 3 << 5, 9], 100), None);
    }
}
