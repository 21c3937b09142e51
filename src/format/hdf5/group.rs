//! What a group holds: links to objects, to names, and to other files.

use super::heap::Fractal;
use super::raw::{Cursor, File, Message};
use crate::error::{Error, Result};

/// Links of one group.
const LINKS: usize = 1_000_000;

/// Where a link leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// An object header's address.
    Object(u64),
    /// A path in this file.
    Soft(String),
    /// A file, and a path in it.
    File(String, String),
    /// A kind that programs register for themselves.
    Other(u8),
}

/// A named link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Name.
    pub name: String,
    /// Target.
    pub target: Target,
    /// Offset of what says so.
    pub at: u64,
    /// Bytes of it.
    pub len: u64,
}

/// Every link of an object, however it keeps them, and the faults that were met on the way: one damaged link hides no other.
pub fn links(file: &File<'_>, messages: &[Message]) -> Result<(Vec<Link>, Vec<Error>)> {
    let mut out = Vec::new();
    let mut faults = Vec::new();
    for m in messages {
        let found = match m.kind {
            0x11 => symbol_table(file, m, &mut out),
            0x06 => link(file, m.at, m.len).map(|l| out.push(l)),
            0x02 => dense(file, m, 5).map(|found| {
                for (at, len) in found {
                    match link(file, at, len) {
                        Ok(l) => out.push(l),
                        Err(e) => faults.push(e),
                    }
                }
            }),
            _ => Ok(()),
        };
        match found {
            Err(e @ Error::Unreadable { .. }) => return Err(e),
            Err(e) => faults.push(e),
            Ok(()) => {}
        }
    }
    Ok((out, faults))
}

/// The old way: a B-tree of nodes that name things in a local heap.
fn symbol_table(file: &File<'_>, m: &Message, out: &mut Vec<Link>) -> Result<()> {
    let mut c = Cursor::new(file.view, m.at);
    let bad = || Error::malformed(m.at, "hdf5-group");
    let tree = file.address(&mut c)?.ok_or_else(bad)?;
    let heap = file.address(&mut c)?.ok_or_else(bad)?;
    file.old_tree(tree, 0, file.lengths as u64, &mut |_, node| {
        let mut c = file.signed(node, b"SNOD", "hdf5-group")?;
        c.skip(2);
        let count = c.u16()?;
        for _ in 0..count {
            if out.len() >= LINKS {
                return Err(Error::limit(node, "hdf5-links"));
            }
            out.push(symbol(file, heap, &mut c)?);
        }
        Ok(())
    })
}

fn symbol(file: &File<'_>, heap: u64, c: &mut Cursor<'_>) -> Result<Link> {
    let start = c.at;
    let name_at = c.uint(file.offsets)?;
    let object = file.address(c)?;
    let cached = c.u32()?;
    c.skip(4);
    let scratch = Cursor::new(file.view, c.at).u32()?;
    c.skip(16);
    let (name, ..) = file.local_text(heap, name_at)?;
    let target = match (cached, object) {
        (2, _) => Target::Soft(file.local_text(heap, u64::from(scratch))?.0),
        (_, Some(at)) => Target::Object(at),
        (_, None) => return Err(Error::malformed(start, "hdf5-group")),
    };
    Ok(Link { name, target, at: start, len: c.at.saturating_sub(start) })
}

/// A link message.
fn link(file: &File<'_>, at: u64, len: u64) -> Result<Link> {
    let mut c = Cursor::new(file.view, at);
    let version = c.u8()?;
    let flags = c.u8()?;
    if version != 1 {
        return Err(Error::malformed(at, "hdf5-link"));
    }
    let kind = if flags & 8 != 0 { c.u8()? } else { 0 };
    c.skip(if flags & 4 != 0 { 8 } else { 0 });
    c.skip(if flags & 0x10 != 0 { 1 } else { 0 });
    let name_len = c.uint(1 << (flags & 3))?;
    if name_len > len {
        return Err(Error::malformed(at, "hdf5-link"));
    }
    let name = String::from_utf8_lossy(&file.view.take(c.at, name_len, 1 << 20)?).into_owned();
    c.skip(name_len);
    let target = match kind {
        0 => Target::Object(file.address(&mut c)?.ok_or(Error::malformed(at, "hdf5-link"))?),
        1 => {
            let n = u64::from(c.u16()?);
            Target::Soft(String::from_utf8_lossy(&file.view.take(c.at, n, 1 << 16)?).into_owned())
        }
        64 => {
            // A byte of version and flags, then two texts.
            let n = u64::from(c.u16()?);
            c.skip(1);
            let (name, ..) = c.zero_ended(n)?;
            let (inside, ..) = c.zero_ended(n)?;
            Target::File(name, inside)
        }
        other => Target::Other(other),
    };
    Ok(Link { name, target, at, len })
}

/// Where the messages lie that a fractal heap keeps for a group (record type 5) or for attributes (record type 8).
pub fn dense(file: &File<'_>, m: &Message, kind: u8) -> Result<Vec<(u64, u64)>> {
    let mut c = Cursor::new(file.view, m.at);
    c.skip(1);
    let flags = c.u8()?;
    let width = if kind == 5 { 8 } else { 2 };
    c.skip(if flags & 1 != 0 { width } else { 0 });
    let (Some(heap), Some(tree)) = (file.address(&mut c)?, file.address(&mut c)?) else { return Ok(Vec::new()) };
    let heap = Fractal::open(*file, heap)?;
    if heap.filtered() {
        return Err(Error::limit(m.at, "hdf5-shared"));
    }
    let mut out = Vec::new();
    file.new_tree(tree, &mut |at, size| {
        if out.len() >= LINKS {
            return Err(Error::limit(at, "hdf5-links"));
        }
        // A group's record begins with a hash of the name, an attribute's with the id.
        let id = at.saturating_add(if kind == 5 { 4 } else { 0 });
        if u64::from(size) < heap.id_len() {
            return Err(Error::malformed(at, "hdf5-tree"));
        }
        let shared = kind == 8 && Cursor::new(file.view, at.saturating_add(heap.id_len())).u8()? & 2 != 0;
        if shared {
            return Err(Error::limit(at, "hdf5-shared"));
        }
        out.push(heap.find(id)?);
        Ok(())
    })?;
    Ok(out)
}
