//! The lowest layer of an HDF5 file: addresses, integers of a stated width, superblocks, object headers and their messages.

use crate::bytes::View;
use crate::error::{Error, Result};
use std::collections::HashSet;

/// The format signature. It stands at 0, or behind a user block at 512, 1024, 2048 ….
pub const SIGNATURE: &[u8] = b"\x89HDF\r\n\x1a\n";

/// Messages of one object that are kept.
const MESSAGES: usize = 200_000;

/// Blocks that one object header may be spread over.
const BLOCKS: usize = 10_000;

/// A position in a view that moves forward.
#[derive(Clone, Copy)]
pub struct Cursor<'s> {
    /// The bytes.
    pub view: View<'s>,
    /// Offset of the next byte.
    pub at: u64,
}

impl<'s> Cursor<'s> {
    /// A cursor at an offset.
    pub fn new(view: View<'s>, at: u64) -> Self {
        Cursor { view, at }
    }

    /// Passes over bytes.
    pub fn skip(&mut self, n: u64) {
        self.at = self.at.saturating_add(n);
    }

    /// The next byte.
    pub fn u8(&mut self) -> Result<u8> {
        let [b] = self.view.array::<1>(self.at)?;
        self.skip(1);
        Ok(b)
    }

    /// The next two bytes.
    pub fn u16(&mut self) -> Result<u16> {
        let n = self.view.u16(self.at)?;
        self.skip(2);
        Ok(n)
    }

    /// The next four bytes.
    pub fn u32(&mut self) -> Result<u32> {
        let n = self.view.u32(self.at)?;
        self.skip(4);
        Ok(n)
    }

    /// A little-endian integer of 1 to 8 bytes.
    pub fn uint(&mut self, width: usize) -> Result<u64> {
        let mut buf = [0u8; 8];
        let width = width.min(8);
        let part = buf.get_mut(..width).unwrap_or(&mut []);
        if self.view.read(self.at, part)? < width {
            return Err(Error::malformed(self.at, "past-end"));
        }
        self.skip(width as u64);
        Ok(u64::from_le_bytes(buf))
    }

    /// A NUL-terminated text of at most `cap` bytes, with its offset and length.
    pub fn zero_ended(&mut self, cap: u64) -> Result<(String, u64, u64)> {
        let from = self.at;
        let most = self.view.len().saturating_sub(from).min(cap);
        let mut buf = vec![0; 256];
        let mut out = Vec::new();
        while (out.len() as u64) < most {
            let n = self.view.read(from.saturating_add(out.len() as u64), &mut buf)?;
            let got = buf.get(..n).unwrap_or(&[]);
            let end = got.iter().position(|b| *b == 0);
            out.extend_from_slice(got.get(..end.unwrap_or(n)).unwrap_or(&[]));
            if end.is_some() || n == 0 {
                break;
            }
        }
        let len = out.len() as u64;
        self.skip(len.saturating_add(1));
        Ok((String::from_utf8_lossy(&out).into_owned(), from, len))
    }
}

/// A message of an object header.
#[derive(Clone, Copy, Debug)]
pub struct Message {
    /// Kind, as numbered by the specification.
    pub kind: u16,
    /// Flags; bit 1 says that the body only points at the message.
    pub flags: u8,
    /// Offset of the body.
    pub at: u64,
    /// Length of the body.
    pub len: u64,
}

impl Message {
    /// Whether the body stands somewhere else.
    pub fn shared(&self) -> bool {
        self.flags & 2 != 0
    }
}

/// An open file: the bytes from its signature on, and the widths of its numbers. All offsets count from the signature, which is
/// what libhdf5 does whatever base address the superblock states.
#[derive(Clone, Copy)]
pub struct File<'s> {
    /// The bytes from the signature on.
    pub view: View<'s>,
    /// Bytes of an address.
    pub offsets: usize,
    /// Bytes of a length.
    pub lengths: usize,
}

/// What the superblock says.
pub struct Superblock {
    /// Version of the superblock.
    pub version: u8,
    /// Address of the root group's object header.
    pub root: u64,
    /// Where the file says that it ends, counted from the signature.
    pub end: u64,
    /// Address of the superblock's extension, or of the driver's information.
    pub extension: Option<u64>,
}

/// Offset of the signature, if there is one.
pub fn find(view: View<'_>) -> Option<u64> {
    // Looking further than one page is for whole files only: containers hold thousands of members.
    let most = if view.file_offset(0) == Some(0) { 16 << 20 } else { 32 << 10 };
    let mut at = 0u64;
    while at < view.len() && at <= most {
        if view.has(at, SIGNATURE) {
            return Some(at);
        }
        at = if at == 0 { 512 } else { at.saturating_mul(2) };
    }
    None
}

impl<'s> File<'s> {
    /// Reads the superblock at the start of the view.
    pub fn open(view: View<'s>) -> Result<(File<'s>, Superblock)> {
        let mut c = Cursor::new(view, 8);
        let version = c.u8()?;
        let newer = version >= 2;
        if version > 3 {
            return Err(Error::malformed(8, "hdf5-superblock"));
        }
        c.at = if newer { 9 } else { 13 };
        let (offsets, lengths) = (usize::from(c.u8()?), usize::from(c.u8()?));
        if ![2, 4, 8].contains(&offsets) || ![2, 4, 8].contains(&lengths) {
            return Err(Error::malformed(9, "hdf5-superblock"));
        }
        let file = File { view, offsets, lengths };
        c.at = match version {
            0 => 24,
            1 => 28,
            _ => 12,
        };
        // Only the end counts from the base address, which is the length of the user block when the file was written.
        let base = file.address(&mut c)?.unwrap_or(0);
        let extension = file.address(&mut c)?;
        let end = c.uint(offsets)?.saturating_sub(base);
        let (root, extension) = if newer {
            (file.address(&mut c)?, extension)
        } else {
            // Here the second address is the free space's, and the driver's follows the end.
            let driver = file.address(&mut c)?;
            c.skip(offsets as u64);
            (file.address(&mut c)?, driver)
        };
        let root = root.ok_or(Error::malformed(c.at, "hdf5-superblock"))?;
        Ok((file, Superblock { version, root, end, extension }))
    }

    /// An address; `None` for the one that means "nowhere" (all bits set).
    pub fn address(&self, c: &mut Cursor<'_>) -> Result<Option<u64>> {
        let n = c.uint(self.offsets)?;
        let nowhere = if self.offsets == 8 { u64::MAX } else { (1u64 << (8 * self.offsets)).wrapping_sub(1) };
        Ok((n != nowhere).then_some(n))
    }

    /// A length.
    pub fn length(&self, c: &mut Cursor<'_>) -> Result<u64> {
        c.uint(self.lengths)
    }

    /// A cursor behind a signature of four bytes and a version.
    pub fn signed(&self, at: u64, signature: &[u8; 4], what: &'static str) -> Result<Cursor<'s>> {
        if !self.view.has(at, signature) {
            return Err(Error::malformed(at, what));
        }
        Ok(Cursor::new(self.view, at.saturating_add(4)))
    }

    /// Every message of the object header at `at`, continuations included.
    pub fn messages(&self, at: u64) -> Result<Vec<Message>> {
        let mut out = Vec::new();
        let mut seen = HashSet::new();
        let newer = self.view.has(at, b"OHDR");
        let mut blocks = vec![if newer { self.first_block(at)? } else { self.old_block(at)? }];
        while let Some(block) = blocks.pop() {
            if !seen.insert(block.at) {
                continue;
            }
            if seen.len() > BLOCKS {
                return Err(Error::limit(at, "hdf5-messages"));
            }
            let from = out.len();
            self.block(&block, newer, &mut out)?;
            for m in out.get(from..).unwrap_or(&[]) {
                if m.kind == 0x10 {
                    let next = self.continuation(m, newer, block.ordered)?;
                    blocks.push(next);
                }
            }
        }
        Ok(out)
    }

    /// Version 1: a fixed prefix of 16 bytes.
    fn old_block(&self, at: u64) -> Result<Block> {
        let mut c = Cursor::new(self.view, at);
        if c.u8()? != 1 {
            return Err(Error::malformed(at, "hdf5-object"));
        }
        c.skip(7);
        let len = u64::from(c.u32()?);
        Ok(Block { at: at.saturating_add(16), len, ordered: false })
    }

    /// Version 2: a prefix whose flags say what it holds.
    fn first_block(&self, at: u64) -> Result<Block> {
        let mut c = Cursor::new(self.view, at.saturating_add(4));
        if c.u8()? != 2 {
            return Err(Error::malformed(at, "hdf5-object"));
        }
        let flags = c.u8()?;
        c.skip(if flags & 0x20 != 0 { 16 } else { 0 });
        c.skip(if flags & 0x10 != 0 { 4 } else { 0 });
        let len = c.uint(1 << (flags & 3))?;
        Ok(Block { at: c.at, len, ordered: flags & 4 != 0 })
    }

    fn continuation(&self, m: &Message, newer: bool, ordered: bool) -> Result<Block> {
        let mut c = Cursor::new(self.view, m.at);
        let at = self.address(&mut c)?.ok_or(Error::malformed(m.at, "hdf5-object"))?;
        let len = self.length(&mut c)?;
        if !newer {
            return Ok(Block { at, len, ordered });
        }
        self.signed(at, b"OCHK", "hdf5-object")?;
        // The signature in front and the checksum behind are counted.
        Ok(Block { at: at.saturating_add(4), len: len.saturating_sub(8), ordered })
    }

    fn block(&self, block: &Block, newer: bool, out: &mut Vec<Message>) -> Result<()> {
        self.view.slice(block.at, block.len)?;
        let end = block.at.saturating_add(block.len);
        let mut c = Cursor::new(self.view, block.at);
        let prefix = match (newer, block.ordered) {
            (false, _) => 8,
            (true, false) => 4,
            (true, true) => 6,
        };
        while c.at.saturating_add(prefix) <= end {
            let start = c.at;
            let kind = if newer { u16::from(c.u8()?) } else { c.u16()? };
            let len = u64::from(c.u16()?);
            let flags = c.u8()?;
            c.at = start.saturating_add(prefix);
            if c.at.saturating_add(len) > end {
                return Err(Error::malformed(start, "hdf5-object"));
            }
            if out.len() >= MESSAGES {
                return Err(Error::limit(start, "hdf5-messages"));
            }
            if kind != 0 {
                out.push(Message { kind, flags, at: c.at, len });
            }
            c.skip(len);
        }
        Ok(())
    }
}

struct Block {
    at: u64,
    len: u64,
    /// Whether messages carry the order they were made in.
    ordered: bool,
}
