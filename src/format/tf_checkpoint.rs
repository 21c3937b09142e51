//! TensorFlow checkpoints: the index is a LevelDB table (`tensorflow/core/lib/io/format.cc`, `tensor_bundle.proto`), the data lies in
//! shards beside it, which have no mark of their own.

use super::graph::{Files, fault};
use super::proto::{self, Fields};
use super::safetensors::Groups;
use super::{Format, Match, tensorflow};
use crate::bytes::View;
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
    if view.len() >= FOOTER && view.has(view.len() - 8, &MAGIC) { Match::Sure } else { Match::No }
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
fn entries(block: &[u8], mut each: impl FnMut(&[u8], usize, &[u8]) -> Result<()>) -> Result<()> {
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
        each(&key, value, block.get(value..at).unwrap_or(&[]))?;
    }
    Ok(())
}

/// A block's bytes, if it is stored as it is.
fn block(view: View<'_>, at: u64, len: u64, scan: &mut Scan<'_>) -> Result<Option<Vec<u8>>> {
    let kind = at.checked_add(len).ok_or(Error::malformed(at, "table-handle"))?;
    let [kind] = view.array::<1>(kind)?;
    if kind != 0 {
        scan.gap("method-unknown");
        return Ok(None);
    }
    view.take(at, len, BLOCK).map(Some)
}

#[derive(Default)]
struct Bundle {
    shards: u64,
    /// How far each shard is needed.
    ends: std::collections::BTreeMap<u64, u64>,
    read: u64,
}

fn read(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    let foot = view.len() - FOOTER;
    let footer = view.array::<40>(foot)?;
    let bad = || Error::malformed(foot, "table-footer");
    let (_, used) = handle(&footer).ok_or_else(bad)?;
    let ((at, len), _) = handle(footer.get(used..).unwrap_or(&[])).ok_or_else(bad)?;
    let Some(index) = block(view, at, len, scan)? else { return Ok(()) };
    let mut places = Vec::new();
    entries(&index, |_, _, value| {
        places.push(handle(value).ok_or(Error::malformed(at, "table-handle"))?.0);
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

impl Bundle {
    fn block(&mut self, view: View<'_>, at: u64, len: u64, groups: &mut Groups, scan: &mut Scan<'_>) -> Result<()> {
        let Some(bytes) = block(view, at, len, scan)? else { return Ok(()) };
        entries(&bytes, |key, from, value| {
            self.read += 1;
            if self.read > ENTRIES {
                return Err(Error::limit(at, "tensors"));
            }
            let (place, len) = (at + from as u64, value.len() as u64);
            if key.is_empty() { self.header(view, place, len) } else { self.entry(view, key, place, len, groups, scan) }
        })
    }

    fn header(&mut self, view: View<'_>, at: u64, len: u64) -> Result<()> {
        let mut fields = Fields::new(view, at, len);
        while let Some(f) = fields.advance()? {
            if f.number == 1 {
                self.shards = f.varint().unwrap_or(0);
            }
        }
        Ok(())
    }

    fn entry(&mut self, view: View<'_>, key: &[u8], at: u64, len: u64, groups: &mut Groups, scan: &mut Scan<'_>) -> Result<()> {
        let name = String::from_utf8_lossy(key).into_owned();
        let mut fields = Fields::new(view, at, len);
        let (mut kind, mut shape, mut shard, mut offset, mut size) = (0, Vec::new(), 0, 0u64, 0u64);
        while let Some(f) = fields.advance()? {
            match (f.number, f.varint(), f.bytes()) {
                (1, Some(n), _) => kind = n,
                (2, _, Some((at, len))) => dims(view, at, len, &mut shape)?,
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
        let Some(prefix) = own.strip_suffix(".index") else { return };
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
