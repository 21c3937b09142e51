//! TensorFlow checkpoints: the index is a LevelDB table (`tensorflow/core/lib/io/format.cc`, `tensor_bundle.proto`), the data lies in
//! shards beside it, which have no mark of their own.

use super::graph::{Files, fault};
use super::proto::{self, Fields};
use super::safetensors::Groups;
use super::{Format, Match, tensorflow};
use crate::bytes::{Pages, View};
use crate::error::{Error, Result};
use crate::fact::{Fact, Tensor};
use crate::scan::Scan;

/// `*.index`.
pub const INDEX: Format = Format { id: "tf-checkpoint", name: "TensorFlow checkpoint index", extensions: &["index", "ckpt"], refines: &["text"], probe, read };

/// The last eight bytes of a table.
const MAGIC: [u8; 8] = [0x57, 0xfb, 0x80, 0x8b, 0x24, 0x75, 0x47, 0xdb];

/// Bytes of a footer: two handles and the magic.
const FOOTER: u64 = 48;

/// Longest block that is read; writers start a new one at 256 KiB.
const BLOCK: usize = 64 << 20;

/// Entries that are read.
const ENTRIES: u64 = 2_000_000;

/// Longest key.
const KEY: usize = 65_536;

fn probe(view: View<'_>) -> Match {
    if view.len() >= FOOTER && view.has(view.len().saturating_sub(8), &MAGIC) { Match::Sure } else { Match::No }
}

/// A block's place: offset and size without its five-byte trailer.
fn handle(bytes: &[u8]) -> Option<((u64, u64), usize)> {
    let (at, used) = small_varint(bytes)?;
    let (len, more) = small_varint(bytes.get(used..)?)?;
    Some(((at, len), used + more))
}

fn small_varint(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut value = 0u64;
    for (i, b) in bytes.iter().take(10).enumerate() {
        value |= u64::from(b & 0x7f).checked_shl(7 * i as u32).unwrap_or(0);
        if b & 0x80 == 0 {
            return Some((value, i + 1));
        }
    }
    None
}

/// The entries of a block as (key, offset and length of the value inside of the block).
fn entries(block: &[u8], mut each: impl FnMut(&[u8], usize, Vec<u8>) -> Result<()>) -> Result<()> {
    let bad = || Error::malformed(0, "table-block");
    let tail = block.len().checked_sub(4).ok_or_else(bad)?;
    let restarts = block.get(tail..).and_then(|b| <[u8; 4]>::try_from(b).ok()).map(u32::from_le_bytes).ok_or_else(bad)?;
    let end = (restarts as usize).checked_mul(4).and_then(|n| tail.checked_sub(n)).ok_or_else(bad)?;
    let (mut at, mut key) = (0usize, Vec::new());
    while at < end {
        let mut next = || -> Result<usize> {
            let (n, used) = small_varint(block.get(at..end).unwrap_or(&[])).ok_or_else(bad)?;
            at += used;
            usize::try_from(n).map_err(|_| bad())
        };
        let (shared, fresh, len) = (next()?, next()?, next()?);
        if shared > key.len() || fresh > KEY || key.len() > KEY {
            return Err(bad());
        }
        key.truncate(shared);
        let value = at.checked_add(fresh).ok_or_else(bad)?;
        key.extend_from_slice(block.get(at..value).ok_or_else(bad)?);
        at = value.checked_add(len).filter(|n| *n <= end).ok_or_else(bad)?;
        each(&key, value, block.get(value..at).unwrap_or(&[]).to_vec())?;
    }
    Ok(())
}

/// Undoes Snappy's raw format (<https://github.com/google/snappy/blob/main/format_description.txt>): a length, then literals and copies.
pub(super) fn snappy(packed: &[u8], at: u64) -> Result<Vec<u8>> {
    let bad = || Error::malformed(at, "table-block");
    let (len, mut i) = small_varint(packed).ok_or_else(bad)?;
    let len = usize::try_from(len).ok().filter(|n| *n <= BLOCK).ok_or(Error::limit(at, "header-size"))?;
    let mut out: Vec<u8> = Vec::with_capacity(len.min(1 << 20));
    let number = |i: usize, n: usize| packed.get(i..i + n).map(|b| b.iter().rev().fold(0usize, |v, b| v << 8 | usize::from(*b)));
    while let Some(tag) = packed.get(i) {
        let high = usize::from(tag >> 2);
        i += 1;
        let (count, back) = match tag & 3 {
            0 => {
                let extra = high.saturating_sub(59);
                let count = if extra == 0 { high } else { number(i, extra).ok_or_else(bad)? };
                i += extra;
                let end = i.checked_add(count).and_then(|n| n.checked_add(1)).ok_or_else(bad)?;
                out.extend_from_slice(packed.get(i..end).ok_or_else(bad)?);
                i = end;
                (0, 1)
            }
            1 => {
                let low = number(i, 1).ok_or_else(bad)?;
                i += 1;
                ((high & 7) + 4, (high >> 3) << 8 | low)
            }
            wide => {
                let width = if wide == 2 { 2 } else { 4 };
                let back = number(i, width).ok_or_else(bad)?;
                i += width;
                (high + 1, back)
            }
        };
        if out.len().saturating_add(count) > len {
            return Err(bad());
        }
        for _ in 0..count {
            // A copy may reach into what it writes itself.
            let from = out.len().checked_sub(back).filter(|_| back > 0).ok_or_else(bad)?;
            let b = *out.get(from).ok_or_else(bad)?;
            out.push(b);
        }
    }
    if out.len() == len { Ok(out) } else { Err(bad()) }
}

/// A block's bytes, if they are stored in a way that is known.
fn block(view: View<'_>, at: u64, len: u64, scan: &mut Scan<'_>) -> Result<Option<Vec<u8>>> {
    let kind = at.checked_add(len).ok_or(Error::malformed(at, "table-handle"))?;
    let [kind] = view.array::<1>(kind)?;
    match kind {
        0 => view.take(at, len, BLOCK).map(Some),
        1 => snappy(&view.take(at, len, BLOCK)?, at).map(Some),
        _ => {
            scan.gap("method-unknown");
            Ok(None)
        }
    }
}

#[derive(Default)]
struct Bundle {
    shards: u64,
    /// Whether the table is of the first version: then its header describes all tensors, and the rest is their data.
    old: bool,
    /// How far each shard is needed.
    ends: std::collections::BTreeMap<u64, u64>,
    read: u64,
}

fn read(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    let foot = view.len().saturating_sub(FOOTER);
    let footer = view.array::<40>(foot)?;
    let bad = || Error::malformed(foot, "table-footer");
    let (_, used) = handle(&footer).ok_or_else(bad)?;
    let ((at, len), _) = handle(footer.get(used..).unwrap_or(&[])).ok_or_else(bad)?;
    let Some(index) = block(view, at, len, scan)? else {
        return Ok(());
    };
    let mut places = Vec::new();
    entries(&index, |_, _, value| {
        places.push(handle(&value).ok_or(Error::malformed(at, "table-handle"))?.0);
        Ok(())
    })?;
    let (mut bundle, mut groups) = (Bundle::default(), Groups::new());
    let mut done = Ok(());
    for (at, len) in places {
        done = bundle.block(view, at, len, &mut groups, scan);
        if done.is_err() {
            break;
        }
    }
    groups.end(scan);
    done?;
    bundle.shards(view, scan);
    Ok(())
}

/// Where an entry lies in the file: offset and length.
type Where<'s> = (View<'s>, u64, u64);

impl Bundle {
    fn block(&mut self, view: View<'_>, at: u64, len: u64, groups: &mut Groups, scan: &mut Scan<'_>) -> Result<()> {
        let Some(bytes) = block(view, at, len, scan)? else {
            return Ok(());
        };
        entries(&bytes, |key, from, value| {
            self.read += 1;
            if self.read > ENTRIES {
                return Err(Error::limit(at, "tensors"));
            }
            // Inside of a compressed block an entry has no place of its own.
            let pages = Pages::new(&value);
            let inner = View::of_inflated(&pages);
            let place = (view, at.saturating_add(from as u64).min(at.saturating_add(len)), value.len() as u64);
            match key {
                [] => self.header(inner, place, groups, scan),
                _ if self.old => Ok(()),
                _ => self.entry(inner, key, place, groups, scan),
            }
        })
    }

    fn header(&mut self, inner: View<'_>, place: Where<'_>, groups: &mut Groups, scan: &mut Scan<'_>) -> Result<()> {
        let mut fields = Fields::new(inner, 0, inner.len());
        while let Some(f) = fields.advance()? {
            match (f.number, f.varint(), f.bytes()) {
                (1, Some(n), _) => self.shards = n,
                (1, _, Some((at, len))) => {
                    self.old = true;
                    self.slices(inner, at, len, place, groups, scan)?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// `SavedTensorSliceMeta`: name, shape and type of each tensor.
    fn slices(&mut self, inner: View<'_>, at: u64, len: u64, place: Where<'_>, groups: &mut Groups, scan: &mut Scan<'_>) -> Result<()> {
        let mut list = Fields::new(inner, at, len);
        while let Some(meta) = list.advance()? {
            let Some((at, len)) = meta.bytes().filter(|_| meta.number == 1) else {
                continue;
            };
            let (mut fields, mut tensor) = (Fields::new(inner, at, len), Tensor::default());
            let mut bits = 0;
            while let Some(f) = fields.advance()? {
                match (f.number, f.varint(), f.bytes()) {
                    (1, ..) => tensor.name = f.text(inner, 512),
                    (2, _, Some((at, len))) => dims(inner, at, len, &mut tensor.shape)?,
                    (3, Some(n), _) => (tensor.dtype, bits) = tensorflow::dtype(n),
                    _ => {}
                }
            }
            tensor.bytes = tensor.elements().saturating_mul(bits) / 8;
            groups.show(&tensor, scan);
            scan.state(place.0, place.1, place.2, Fact::Tensor(tensor));
        }
        Ok(())
    }

    fn entry(&mut self, inner: View<'_>, key: &[u8], place: Where<'_>, groups: &mut Groups, scan: &mut Scan<'_>) -> Result<()> {
        let (view, at, len) = place;
        let name = String::from_utf8_lossy(key).into_owned();
        let mut fields = Fields::new(inner, 0, inner.len());
        let (mut kind, mut shape, mut shard, mut offset, mut size) = (0, Vec::new(), 0, 0u64, 0u64);
        while let Some(f) = fields.advance()? {
            match (f.number, f.varint(), f.bytes()) {
                (1, Some(n), _) => kind = n,
                (2, _, Some((at, len))) => dims(inner, at, len, &mut shape)?,
                (3, Some(n), _) => shard = n,
                (4, Some(n), _) => offset = n,
                (5, Some(n), _) => size = n,
                _ => {}
            }
        }
        let end = offset.checked_add(size).filter(|n| i64::try_from(*n).is_ok());
        let (dtype, bits) = tensorflow::dtype(kind);
        let need = shape.iter().try_fold(1u64, |n, d| n.checked_mul(*d)).and_then(|n| n.checked_mul(bits)).map(|n| n / 8);
        match (end, need) {
            (None, _) => fault(view, at, len, "offset-wraps", format!("{name}: {offset} + {size}"), true, scan),
            (_, None) => fault(view, at, len, "shape-overflow", format!("{name}: {shape:?}"), true, scan),
            // A tensor in slices has no bytes of its own.
            (_, Some(n)) if bits > 0 && size > 0 && n != size => fault(view, at, len, "shape-size", format!("{name}: {n} of {size}"), true, scan),
            _ => {}
        }
        if self.shards > 0 && shard >= self.shards {
            fault(view, at, len, "shard-number", format!("{name}: {shard} of {}", self.shards), true, scan);
        } else {
            let far = self.ends.entry(shard).or_insert(0);
            *far = (*far).max(end.unwrap_or(0));
        }
        let tensor = Tensor { name: name.replace('/', "."), dtype, shape, bytes: size };
        groups.show(&tensor, scan);
        scan.state(view, at, len, Fact::Tensor(Tensor { name, ..tensor }));
        Ok(())
    }

    /// The shards are named after the index.
    fn shards(&self, view: View<'_>, scan: &mut Scan<'_>) {
        let own = scan.name().rsplit('/').next().unwrap_or("").to_string();
        let Some(prefix) = own.strip_suffix(".index") else {
            return;
        };
        if self.shards > 100_000 {
            fault(view, 0, view.len().min(16), "shard-number", self.shards.to_string(), false, scan);
            return;
        }
        let mut files = Files::default();
        for (shard, end) in &self.ends {
            let name = format!("{prefix}.data-{shard:05}-of-{:05}", self.shards);
            files.need(&name, *end, view, 0, view.len().min(16), scan);
        }
        files.finish(view, scan);
    }
}

/// TensorShapeProto: field 2 repeats a dimension, whose field 1 is its size.
fn dims(view: View<'_>, at: u64, len: u64, out: &mut Vec<u64>) -> Result<()> {
    let mut fields = Fields::new(view, at, len);
    while let Some(f) = fields.advance()? {
        if let Some((at, len)) = f.bytes().filter(|_| f.number == 2) {
            let (mut size, mut inner) = (0, Fields::new(view, at, len));
            while let Some(d) = inner.advance()? {
                if let proto::Value::Varint(n) = d.value
                    && d.number == 1
                {
                    size = n;
                }
            }
            if out.len() < 64 {
                out.push(size);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_reach_into_what_they_write() {
        // "ab" and then eight bytes from two back.
        assert_eq!(snappy(&[10, 1 << 2, b'a', b'b', 4 << 2 | 1, 2], 0).ok().as_deref(), Some(b"ababababab".as_slice()));
        for bad in [&[10, 1 << 2, b'a'][..], &[4, 4 << 2 | 1, 2], &[0xff, 0xff, 0xff, 0xff, 0x0f, 0], &[200, 1, 61 << 2, 0xff]] {
            assert!(snappy(bad, 0).is_err(), "{bad:?}");
        }
    }
}
