//! FlatBuffers (<https://flatbuffers.dev/internals/>), read in place: tables, vectors and strings by offset.
//!
//! Readers in C follow these offsets without a look at the file's length unless they were told to verify it first: an offset that
//! leaves the file is stated as what it is.

use super::graph::fault;
use super::safetensors::{Head, look};
use crate::bytes::View;
use crate::error::{Error, Result};
use crate::scan::Scan;
use std::cell::Cell;

/// Tables that are followed in one file. Offsets may point at one table a million times, so that a small file can hold a large tree.
const TABLES: u64 = 4 << 20;

/// Bytes without which nothing is told apart behind the tables.
const MARK: u64 = 8;

/// A file of tables.
pub struct Flat<'s> {
    /// The bytes.
    pub view: View<'s>,
    left: Cell<u64>,
    end: Cell<u64>,
}

/// The id of the fault that [`Flat`] ends with where an offset leaves the file.
const OUTSIDE: &str = "flat-offset";

/// An offset that leaves the file.
fn outside(at: u64) -> Error {
    Error::malformed(at, OUTSIDE)
}

/// Whether a file begins with an offset and then this identifier. A text that has it in its fifth column does not.
pub fn marked(view: View<'_>, identifier: &[u8]) -> bool {
    view.has(4, identifier) && view.array::<4>(0).is_ok_and(|b| !b.iter().all(|b| (9..127).contains(b)))
}

/// One table.
#[derive(Clone, Copy)]
pub struct Table<'f, 's> {
    flat: &'f Flat<'s>,
    /// Offset of the table in the view.
    pub at: u64,
    vtable: u64,
    slots: u64,
}

/// A vector: `count` elements from `at` on.
#[derive(Clone, Copy, Default)]
pub struct Vector {
    /// Offset of the first element.
    pub at: u64,
    /// Elements.
    pub count: u64,
}

impl<'s> Flat<'s> {
    /// A file of tables.
    pub fn new(view: View<'s>) -> Self {
        Flat { view, left: Cell::new(TABLES), end: Cell::new(0) }
    }

    /// The table that the file begins with.
    ///
    /// # Errors
    /// As [`Flat::table`].
    pub fn root(&self) -> Result<Table<'_, 's>> {
        self.table(u64::from(self.view.u32(0)?))
    }

    /// The table at an offset.
    ///
    /// # Errors
    /// [`Error::Malformed`] if it leaves the file, [`Error::Limit`] after too many.
    pub fn table(&self, at: u64) -> Result<Table<'_, 's>> {
        let left = self.left.get().checked_sub(1).ok_or(Error::limit(at, "flat-tables"))?;
        self.left.set(left);
        let back = i64::from(i32::from_le_bytes(self.view.array(at).map_err(|_| outside(at))?));
        let vtable = at.checked_add_signed(back.wrapping_neg()).ok_or(outside(at))?;
        let size = u64::from(self.view.u16(vtable).map_err(|_| outside(at))?);
        if size < 4 || size % 2 != 0 || vtable.saturating_add(size) > self.view.len() {
            return Err(outside(at));
        }
        let inline = u64::from(self.view.u16(vtable + 2).map_err(|_| outside(at))?);
        self.reach((vtable + size).max(at.saturating_add(inline)));
        Ok(Table { flat: self, at, vtable, slots: (size - 4) / 2 })
    }

    /// The string at an offset, at most `cap` bytes of it.
    pub fn text(&self, at: u64, cap: u64) -> Result<String> {
        let v = self.vector_at(at, 1)?;
        let bytes = self.view.take(v.at, v.count.min(cap), usize::try_from(cap).unwrap_or(usize::MAX)).map_err(|_| outside(at))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// The vector at an offset, whose elements have `size` bytes.
    pub fn vector_at(&self, at: u64, size: u64) -> Result<Vector> {
        let count = u64::from(self.view.u32(at).map_err(|_| outside(at))?);
        if count.saturating_mul(size) > self.view.len().saturating_sub(at + 4) {
            return Err(outside(at));
        }
        self.reach(at + 4 + count * size);
        Ok(Vector { at: at + 4, count })
    }

    /// Something was seen to take bytes up to `end`.
    pub fn reach(&self, end: u64) {
        self.end.set(self.end.get().max(end));
    }

    /// Behind everything that was read there is another file: it is stated and read.
    pub fn behind(&self, scan: &mut Scan<'_>) {
        let end = self.end.get();
        let rest = self.view.rest(end);
        let zeros = rest.head(64 * 1024).ok().and_then(|h| h.iter().position(|b| *b != 0)).unwrap_or(0) as u64;
        // Up to eight bytes of alignment and the zero that ends a string, or zeros up to where a segment could begin.
        for at in (end..end.saturating_add(16).min(self.view.len())).chain([end.saturating_add(zeros)]) {
            let rest = self.view.rest(at);
            if rest.len() >= MARK && super::sure(rest) {
                super::stray(self.view, at, scan);
                return;
            }
        }
    }

    /// The end of a model whose tables are read: its tensors' first bytes, what lies behind it, and what could not be read.
    ///
    /// # Errors
    /// Where the view cannot be read.
    pub(super) fn finish(&self, heads: &[Head], done: Result<()>, scan: &mut Scan<'_>) -> Result<()> {
        look(self.view, heads, scan);
        if done.is_ok() {
            self.behind(scan);
        }
        self.ended(done, scan)
    }

    /// Hands on how reading ended; an offset that leaves the file is a fault of its own, since readers that do not verify follow it.
    ///
    /// # Errors
    /// What was given.
    pub fn ended(&self, done: Result<()>, scan: &mut Scan<'_>) -> Result<()> {
        if let Err(Error::Malformed { at, what }) = done
            && what == OUTSIDE
        {
            fault(self.view, at.min(self.view.len()), 4.min(self.view.len()), "offset-outside", at.to_string(), true, scan);
        }
        done
    }

    /// Where the offset at `at` points.
    pub fn follow(&self, at: u64) -> Result<u64> {
        let by = u64::from(self.view.u32(at).map_err(|_| outside(at))?);
        let to = at.saturating_add(by);
        if by == 0 || to.saturating_add(4) > self.view.len() { Err(outside(at)) } else { Ok(to) }
    }

    /// Element `i` of a vector of tables.
    pub fn element(&self, vector: Vector, i: u64) -> Result<Table<'_, 's>> {
        self.table(self.follow(vector.at.saturating_add(i.saturating_mul(4)))?)
    }
}

impl<'f, 's> Table<'f, 's> {
    /// Where field `i` lies, if it is there.
    fn slot(&self, i: u64) -> Result<Option<u64>> {
        if i >= self.slots {
            return Ok(None);
        }
        let by = u64::from(self.flat.view.u16(self.vtable + 4 + 2 * i).map_err(|_| outside(self.at))?);
        Ok((by != 0).then(|| self.at.saturating_add(by)))
    }

    /// One byte; 0 where the field is absent.
    pub fn u8(&self, i: u64) -> Result<u8> {
        self.slot(i)?.map_or(Ok(0), |at| self.flat.view.array::<1>(at).map(|[b]| b).map_err(|_| outside(at)))
    }

    /// Four bytes; 0 where the field is absent.
    pub fn u32(&self, i: u64) -> Result<u32> {
        self.slot(i)?.map_or(Ok(0), |at| self.flat.view.u32(at).map_err(|_| outside(at)))
    }

    /// Eight bytes; 0 where the field is absent.
    pub fn u64(&self, i: u64) -> Result<u64> {
        self.slot(i)?.map_or(Ok(0), |at| self.flat.view.u64(at).map_err(|_| outside(at)))
    }

    /// Whether the field is there.
    pub fn has(&self, i: u64) -> Result<bool> {
        self.slot(i).map(|s| s.is_some())
    }

    /// A string, at most `cap` bytes of it; empty where the field is absent.
    pub fn text(&self, i: u64, cap: u64) -> Result<String> {
        match self.slot(i)? {
            Some(at) => self.flat.text(self.flat.follow(at)?, cap),
            None => Ok(String::new()),
        }
    }

    /// A vector whose elements have `size` bytes; empty where the field is absent.
    pub fn vector(&self, i: u64, size: u64) -> Result<Vector> {
        match self.slot(i)? {
            Some(at) => self.flat.vector_at(self.flat.follow(at)?, size),
            None => Ok(Vector::default()),
        }
    }

    /// A table.
    pub fn table(&self, i: u64) -> Result<Option<Table<'f, 's>>> {
        match self.slot(i)? {
            Some(at) => self.flat.table(self.flat.follow(at)?).map(Some),
            None => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bytes::Pages;

    /// A root table with one string field.
    fn file() -> Vec<u8> {
        let mut out = 12u32.to_le_bytes().to_vec();
        // vtable: size, table size, one field; padding.
        out.extend([6u16, 8, 4, 0].iter().flat_map(|n| n.to_le_bytes()));
        out.extend(8i32.to_le_bytes());
        out.extend(4u32.to_le_bytes());
        out.extend(2u32.to_le_bytes());
        out.extend(b"hi\0\0");
        out
    }

    #[test]
    fn reads_a_string_through_the_root() {
        let bytes = file();
        let pages = Pages::new(&bytes);
        let flat = Flat::new(View::of_file(&pages));
        let root = flat.root().expect("a table");
        assert_eq!(root.text(0, 10).expect("a string"), "hi");
        assert_eq!(root.text(1, 10).expect("absent"), "");
        assert_eq!(root.vector(7, 8).expect("absent").count, 0);
    }

    #[test]
    fn no_offset_leaves_the_file() {
        let whole = file();
        for n in 0..whole.len() {
            for b in [0u8, 1, 0x7f, 0x80, 0xff] {
                let mut bytes = whole.clone();
                bytes[n] = b;
                let pages = Pages::new(&bytes);
                let flat = Flat::new(View::of_file(&pages));
                // Whatever stands there: a result, not a panic.
                let _ = flat.root().and_then(|t| t.text(0, 10));
            }
        }
    }
}
