//! A window on a source. No length that a file states is believed: every access is checked against the window.

use super::Pages;
use crate::error::{Error, Result};

/// A `Copy` window: `len` bytes from `base` of a source.
#[derive(Clone, Copy)]
pub struct View<'s> {
    pages: &'s Pages<'s>,
    base: u64,
    len: u64,
    /// Offset of this window in the file on disk, unless the bytes exist only decompressed.
    origin: Option<u64>,
}

impl<'s> View<'s> {
    /// A whole source that lies on disk as it is.
    pub fn of_file(pages: &'s Pages<'s>) -> Self {
        View { pages, base: 0, len: pages.len(), origin: Some(0) }
    }

    /// A whole source that was decompressed: it has no offsets on disk.
    pub fn of_inflated(pages: &'s Pages<'s>) -> Self {
        View { pages, base: 0, len: pages.len(), origin: None }
    }

    /// Length in bytes.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether the window is empty.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The offset on disk of `at`, if the bytes lie there as they are.
    pub fn file_offset(&self, at: u64) -> Option<u64> {
        self.origin.map(|o| o.saturating_add(at))
    }

    /// A part of the window.
    ///
    /// # Errors
    /// [`Error::Malformed`] if it reaches past the end.
    pub fn slice(&self, at: u64, len: u64) -> Result<View<'s>> {
        if at > self.len || len > self.len - at {
            return Err(Error::malformed(at, "past-end"));
        }
        Ok(View { pages: self.pages, base: self.base + at, len, origin: self.file_offset(at) })
    }

    /// Everything from `at` on (empty if `at` is past the end).
    pub fn rest(&self, at: u64) -> View<'s> {
        let at = at.min(self.len);
        View { pages: self.pages, base: self.base + at, len: self.len - at, origin: self.file_offset(at) }
    }

    /// Fills as much of `buf` as there is; returns how much.
    pub fn read(&self, at: u64, buf: &mut [u8]) -> Result<usize> {
        if at >= self.len {
            return Ok(0);
        }
        let n = (self.len - at).min(buf.len() as u64) as usize;
        self.pages.read(self.base + at, &mut buf[..n])
    }

    /// Exactly `N` bytes.
    ///
    /// # Errors
    /// [`Error::Malformed`] if the window ends first.
    pub fn array<const N: usize>(&self, at: u64) -> Result<[u8; N]> {
        let mut out = [0; N];
        if self.read(at, &mut out)? < N {
            return Err(Error::malformed(at, "past-end"));
        }
        Ok(out)
    }

    /// A little-endian `u16`.
    pub fn u16(&self, at: u64) -> Result<u16> {
        self.array(at).map(u16::from_le_bytes)
    }

    /// A little-endian `u32`.
    pub fn u32(&self, at: u64) -> Result<u32> {
        self.array(at).map(u32::from_le_bytes)
    }

    /// A little-endian `u64`.
    pub fn u64(&self, at: u64) -> Result<u64> {
        self.array(at).map(u64::from_le_bytes)
    }

    /// `len` bytes in memory, if that is at most `cap`.
    ///
    /// # Errors
    /// [`Error::Limit`] above `cap`, [`Error::Malformed`] past the end.
    pub fn take(&self, at: u64, len: u64, cap: usize) -> Result<Vec<u8>> {
        if at > self.len || len > self.len - at {
            return Err(Error::malformed(at, "past-end"));
        }
        let len = match usize::try_from(len) {
            Ok(n) if n <= cap => n,
            _ => return Err(Error::limit(at, "header-size")),
        };
        let mut out = vec![0; len];
        if self.read(at, &mut out)? < len {
            return Err(Error::Unreadable { at });
        }
        Ok(out)
    }

    /// A buffer to read it through from one end to the other: of `most` bytes, or as many as there are. Folders and archives hold thousands of files that are smaller
    /// than any window.
    pub fn room(&self, most: usize) -> Vec<u8> {
        vec![0; usize::try_from(self.len).map_or(most, |len| len.min(most))]
    }

    /// The first bytes, at most `cap`.
    pub fn head(&self, cap: usize) -> Result<Vec<u8>> {
        self.take(0, self.len.min(cap as u64), cap)
    }

    /// Whether the window starts with these bytes at `at`.
    pub fn has(&self, at: u64, bytes: &[u8]) -> bool {
        let mut buf = [0; 32];
        let n = bytes.len().min(32);
        self.read(at, &mut buf[..n]).is_ok_and(|got| got == n) && buf[..n] == bytes[..n]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_length_from_a_file_reaches_past_the_window() {
        let bytes: Vec<u8> = (0..100).collect();
        let pages = Pages::new(&bytes);
        let v = View::of_file(&pages).slice(10, 20).expect("inside");
        assert_eq!(v.array::<2>(0).expect("inside"), [10, 11]);
        assert!(v.slice(0, 21).is_err());
        assert!(v.slice(u64::MAX, 1).is_err());
        assert!(v.take(1, u64::MAX, 10).is_err());
        assert_eq!(v.file_offset(3), Some(13));
        assert!(v.array::<4>(18).is_err());
    }
}
