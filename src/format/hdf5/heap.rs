//! Where HDF5 keeps names, long values and many small things: local, global and fractal heaps, and the two kinds of B-tree.

use super::raw::{Cursor, File};
use crate::error::{Error, Result};
use std::collections::{HashMap, HashSet};

/// Nodes of one tree that are followed.
const NODES: usize = 1_000_000;

/// Levels of a tree; the specification's own trees have a handful.
const LEVELS: u16 = 32;

/// A node of a version 1 B-tree.
struct OldNode {
    /// 0 for a leaf.
    level: u8,
    /// Offset of the key and address of each child.
    children: Vec<(u64, u64)>,
    /// The next node of the level.
    right: Option<u64>,
}

impl File<'_> {
    /// The text at an offset of the local heap at `heap`, with its place.
    pub fn local_text(&self, heap: u64, offset: u64) -> Result<(String, u64, u64)> {
        let mut c = self.signed(heap, b"HEAP", "hdf5-heap")?;
        c.skip(4);
        let size = self.length(&mut c)?;
        self.length(&mut c)?;
        let data = self.address(&mut c)?.ok_or(Error::malformed(heap, "hdf5-heap"))?;
        if offset >= size {
            return Err(Error::malformed(heap, "hdf5-heap"));
        }
        Cursor::new(self.view, data.saturating_add(offset)).zero_ended((size - offset).min(1 << 20))
    }

    /// One node of a version 1 B-tree. `key` is the bytes of a key.
    fn old_node(&self, at: u64, kind: u8, key: u64) -> Result<OldNode> {
        let mut c = self.signed(at, b"TREE", "hdf5-tree")?;
        if c.u8()? != kind {
            return Err(Error::malformed(at, "hdf5-tree"));
        }
        let level = c.u8()?;
        let used = c.u16()?;
        self.address(&mut c)?;
        let right = self.address(&mut c)?;
        let mut out = Vec::with_capacity(usize::from(used));
        for _ in 0..used {
            let key_at = c.at;
            c.skip(key);
            if let Some(child) = self.address(&mut c)? {
                out.push((key_at, child));
            }
        }
        Ok(OldNode { level, children: out, right })
    }

    /// Every leaf entry of a version 1 B-tree as (key offset, address). Siblings are followed as well as children: readers use one
    /// or the other.
    pub fn old_tree(&self, root: u64, kind: u8, key: u64, each: &mut dyn FnMut(u64, u64) -> Result<()>) -> Result<()> {
        let mut seen = HashSet::new();
        let mut todo = vec![root];
        while let Some(at) = todo.pop() {
            if !seen.insert(at) {
                continue;
            }
            if seen.len() > NODES {
                return Err(Error::limit(at, "hdf5-tree"));
            }
            let OldNode { level, children, right } = self.old_node(at, kind, key)?;
            todo.extend(right);
            if level > 0 {
                // The last pushed comes first: in the order of the keys.
                todo.extend(children.iter().rev().map(|(_, child)| *child));
                continue;
            }
            for (key_at, child) in children {
                each(key_at, child)?;
            }
        }
        Ok(())
    }

    /// Every record of a version 2 B-tree, by offset and size.
    pub fn new_tree(&self, header: u64, each: &mut dyn FnMut(u64, u16) -> Result<()>) -> Result<()> {
        let mut c = self.signed(header, b"BTHD", "hdf5-tree")?;
        c.skip(2);
        let node = u64::from(c.u32()?);
        let record = c.u16()?;
        let depth = c.u16()?;
        c.skip(2);
        let Some(root) = self.address(&mut c)? else { return Ok(()) };
        let records = c.u16()?;
        let size = u64::from(record);
        if depth > LEVELS || size == 0 || node < size.saturating_add(10) {
            return Err(Error::malformed(header, "hdf5-tree"));
        }
        let widths = widths(node, size, depth, self.offsets as u64);
        let mut seen = HashSet::new();
        let mut todo = vec![(root, records, depth)];
        while let Some((at, records, level)) = todo.pop() {
            if !seen.insert(at) {
                continue;
            }
            if seen.len() > NODES {
                return Err(Error::limit(at, "hdf5-tree"));
            }
            let mut c = self.signed(at, if level == 0 { b"BTLF" } else { b"BTIN" }, "hdf5-tree")?;
            c.skip(2);
            self.view.slice(c.at, u64::from(records).saturating_mul(size))?;
            for _ in 0..records {
                each(c.at, record)?;
                c.skip(size);
            }
            if level == 0 {
                continue;
            }
            let (count, total) = widths.get(usize::from(level)).copied().unwrap_or((2, 8));
            for _ in 0..=records {
                let child = self.address(&mut c)?;
                let below = c.uint(count)?;
                c.skip(total as u64);
                if let Some(child) = child {
                    todo.push((child, u16::try_from(below).map_err(|_| Error::malformed(at, "hdf5-tree"))?, level - 1));
                }
            }
        }
        Ok(())
    }
}

/// Bytes that a number up to `limit` takes, as libhdf5 counts them (`H5VM_limit_enc_size`).
pub fn width_of(limit: u64) -> usize {
    (limit.max(1).ilog2() as usize) / 8 + 1
}

/// For every level of a version 2 B-tree the widths of a child's record count and of the total below it (`H5B2__hdr_init`).
fn widths(node: u64, record: u64, depth: u16, address: u64) -> Vec<(usize, usize)> {
    let leaf_most = node.saturating_sub(10).checked_div(record).unwrap_or(0);
    let count = width_of(leaf_most);
    let mut out = vec![(count, 0)];
    let (mut below, mut below_width) = (leaf_most, 0usize);
    for _ in 0..depth {
        out.push((count, below_width));
        let pointer = address.saturating_add((count + below_width) as u64);
        let most = node.saturating_sub(pointer.saturating_add(10)).checked_div(record.saturating_add(pointer)).unwrap_or(0);
        below = most.saturating_add(1).saturating_mul(below).saturating_add(most);
        below_width = width_of(below);
    }
    out
}

/// The objects of one global heap collection, remembered for the next lookup.
#[derive(Default)]
pub struct Globals {
    at: Option<u64>,
    objects: HashMap<u16, (u64, u64)>,
}

impl Globals {
    /// Offset and length of an object.
    pub fn find(&mut self, file: &File<'_>, collection: u64, index: u32) -> Result<Option<(u64, u64)>> {
        if self.at != Some(collection) {
            self.objects.clear();
            self.at = None;
            let mut c = file.signed(collection, b"GCOL", "hdf5-heap")?;
            c.skip(4);
            let size = file.length(&mut c)?;
            let end = collection.saturating_add(size).min(file.view.len());
            let head = 8u64.saturating_add(file.lengths as u64);
            while c.at.saturating_add(head) <= end {
                let id = c.u16()?;
                c.skip(6);
                let len = file.length(&mut c)?;
                // Object 0 is the free space behind the last one.
                if id == 0 {
                    break;
                }
                self.objects.insert(id, (c.at, len));
                c.skip(len.saturating_add(7) & !7);
            }
            self.at = Some(collection);
        }
        Ok(u16::try_from(index).ok().and_then(|i| self.objects.get(&i)).copied())
    }
}

/// A fractal heap: objects of any size, found by the ids that B-trees hold.
pub struct Fractal<'s> {
    file: File<'s>,
    id_len: u16,
    filtered: bool,
    most_managed: u64,
    width: u64,
    start: u64,
    most_direct: u64,
    bits: u16,
    root: Option<u64>,
    rows: u16,
    huge: Option<u64>,
}

impl<'s> Fractal<'s> {
    /// Reads the header.
    pub fn open(file: File<'s>, at: u64) -> Result<Fractal<'s>> {
        let mut c = file.signed(at, b"FRHP", "hdf5-heap")?;
        c.skip(1);
        let id_len = c.u16()?;
        let filters = c.u16()?;
        c.skip(1);
        let most_managed = u64::from(c.u32()?);
        file.length(&mut c)?;
        let huge = file.address(&mut c)?;
        file.length(&mut c)?;
        file.address(&mut c)?;
        // Sizes and counts of what is managed, huge and tiny.
        c.skip(8u64.saturating_mul(file.lengths as u64));
        let width = u64::from(c.u16()?);
        let start = file.length(&mut c)?;
        let most_direct = file.length(&mut c)?;
        let bits = c.u16()?;
        c.skip(2);
        let root = file.address(&mut c)?;
        let rows = c.u16()?;
        let sane = width > 0
            && start.is_power_of_two()
            && most_direct.is_power_of_two()
            && most_direct >= start
            && (1..=64).contains(&bits)
            && (1..=4096).contains(&id_len);
        if !sane {
            return Err(Error::malformed(at, "hdf5-heap"));
        }
        Ok(Fractal { file, id_len, filtered: filters > 0, most_managed, width, start, most_direct, bits, root, rows, huge })
    }

    /// Whether its blocks are compressed.
    pub fn filtered(&self) -> bool {
        self.filtered
    }

    /// Bytes of an id.
    pub fn id_len(&self) -> u64 {
        u64::from(self.id_len)
    }

    fn offset_width(&self) -> usize {
        usize::from(self.bits).div_ceil(8)
    }

    /// Offset and length of the object with the id at `id`.
    pub fn find(&self, id: u64) -> Result<(u64, u64)> {
        let mut c = Cursor::new(self.file.view, id);
        let first = c.u8()?;
        let room = self.id_len() - 1;
        match first >> 4 & 3 {
            0 => {
                let offset = c.uint(self.offset_width())?;
                let by_block = (self.most_direct.ilog2() as usize).div_ceil(8);
                let len = c.uint(by_block.min(width_of(self.most_managed)))?;
                Ok((self.managed(offset)?, len))
            }
            1 if room >= (self.file.offsets + self.file.lengths) as u64 => {
                let at = self.file.address(&mut c)?.ok_or(Error::malformed(id, "hdf5-heap"))?;
                Ok((at, self.file.length(&mut c)?))
            }
            1 => self.huge(c.uint((room as usize).min(self.file.lengths))?, id),
            2 if room > 16 => {
                let len = u64::from(first & 15) << 8 | u64::from(c.u8()?);
                Ok((c.at, len.saturating_add(1).min(room - 1)))
            }
            2 => Ok((c.at, u64::from(first & 15).saturating_add(1).min(room))),
            _ => Err(Error::malformed(id, "hdf5-heap")),
        }
    }

    /// A huge object lies by itself; a B-tree of (address, length, id) says where.
    fn huge(&self, key: u64, id: u64) -> Result<(u64, u64)> {
        let tree = self.huge.ok_or(Error::malformed(id, "hdf5-heap"))?;
        let mut found = None;
        self.file.new_tree(tree, &mut |at, _| {
            let mut c = Cursor::new(self.file.view, at);
            let place = self.file.address(&mut c)?;
            let len = self.file.length(&mut c)?;
            if let (Some(place), true) = (place, self.file.length(&mut c)? == key) {
                found = Some((place, len));
            }
            Ok(())
        })?;
        found.ok_or(Error::malformed(id, "hdf5-heap"))
    }

    /// Bytes of a block in a row: the first two rows are alike, every further one doubles.
    fn row_size(&self, row: u64) -> u64 {
        let double = u32::try_from(row.saturating_sub(1)).unwrap_or(64);
        self.start.checked_shl(double).filter(|n| n >> double.min(63) == self.start).unwrap_or(u64::MAX)
    }

    /// Where an offset of the heap's own address space lies in the file.
    fn managed(&self, offset: u64) -> Result<u64> {
        let bad = || Error::malformed(offset, "hdf5-heap");
        let mut block = self.root.ok_or_else(bad)?;
        let mut rows = u64::from(self.rows);
        // Offset inside the current block.
        let mut inside = offset;
        for _ in 0..64 {
            if rows == 0 {
                self.file.signed(block, b"FHDB", "hdf5-heap")?;
                return Ok(block.saturating_add(inside));
            }
            let mut c = self.file.signed(block, b"FHIB", "hdf5-heap")?;
            c.skip(1 + self.file.offsets as u64 + self.offset_width() as u64);
            let first_row = self.start.saturating_mul(self.width);
            let row = if inside < first_row { 0 } else { u64::from((inside / first_row).ilog2()) + 1 };
            let size = self.row_size(row);
            let row_at = if row == 0 { 0 } else { size.saturating_mul(self.width) };
            let column = (inside - row_at.min(inside)) / size.max(1);
            if row >= rows || column >= self.width {
                return Err(bad());
            }
            let index = row.saturating_mul(self.width).saturating_add(column);
            c.skip(index.saturating_mul(self.file.offsets as u64));
            block = self.file.address(&mut c)?.ok_or_else(bad)?;
            inside = (inside - row_at.min(inside)) % size.max(1);
            rows = if size <= self.most_direct { 0 } else { u64::from((size / first_row.max(1)).max(1).ilog2()) + 1 };
        }
        Err(bad())
    }
}
