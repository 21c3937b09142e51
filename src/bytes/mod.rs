//! Bytes as the readers see them: random access, 64-bit offsets, bounded buffers, no whole-file copy.
//!
//! # Why not `Read + Seek`
//! A cursor with hidden state cannot be shared by two readers of one file, and a polyglot is read by several. A [`View`] is a
//! `Copy` window without a position, so that every reader has its own.

mod codec;
mod pages;
mod unpack;
mod view;

pub use codec::{Branch, Coder};
pub use pages::{PAGE, Pages};
pub use unpack::{Bounds, Ending, Unpacked};
pub use view::View;

use std::io;

/// Where bytes come from: a file on disk, a `File` in a browser worker, a decompressed member.
pub trait Source {
    /// Length in bytes.
    fn len(&self) -> u64;

    /// Whether there are no bytes at all.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Fills `buf` from offset `at` and returns how many bytes were written; less than asked for only at the end.
    ///
    /// # Errors
    /// Whatever the host reports: a file that changed, vanished or may not be read.
    fn read_at(&self, at: u64, buf: &mut [u8]) -> io::Result<usize>;

    /// All of it, if it is in memory: then no page of it need be kept a second time.
    fn in_memory(&self) -> Option<&[u8]> {
        None
    }
}

impl Source for [u8] {
    fn len(&self) -> u64 {
        <[u8]>::len(self) as u64
    }

    fn read_at(&self, at: u64, buf: &mut [u8]) -> io::Result<usize> {
        let at = usize::try_from(at).unwrap_or(usize::MAX);
        let from = self.get(at..).unwrap_or(&[]);
        let n = from.len().min(buf.len());
        buf[..n].copy_from_slice(&from[..n]);
        Ok(n)
    }

    fn in_memory(&self) -> Option<&[u8]> {
        Some(self)
    }
}

impl Source for Vec<u8> {
    fn len(&self) -> u64 {
        self.as_slice().len() as u64
    }

    fn read_at(&self, at: u64, buf: &mut [u8]) -> io::Result<usize> {
        Source::read_at(self.as_slice(), at, buf)
    }

    fn in_memory(&self) -> Option<&[u8]> {
        Some(self)
    }
}
