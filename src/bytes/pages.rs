//! A small cache of pages in front of a [`Source`].
//!
//! One host read costs about the same from 64 bytes to 64 KiB (`FileReaderSync`), so all reads are whole pages.

use super::Source;
use crate::error::{Error, Result};
use std::cell::RefCell;
use std::io;

/// Bytes in a page.
pub const PAGE: u64 = 64 * 1024;

/// Pages kept: 2 MiB a source, whatever its length.
const KEPT: usize = 32;

struct Slot {
    page: u64,
    used: u64,
    bytes: Vec<u8>,
}

#[derive(Default)]
struct Cache {
    slots: Vec<Slot>,
    clock: u64,
    last: usize,
}

/// A [`Source`] with its page cache; [`super::View`] borrows it.
pub struct Pages<'s> {
    source: &'s dyn Source,
    all: Option<&'s [u8]>,
    len: u64,
    cache: RefCell<Cache>,
}

impl<'s> Pages<'s> {
    /// Puts a cache in front of a source.
    pub fn new(source: &'s dyn Source) -> Self {
        Pages { source, all: source.in_memory(), len: source.len(), cache: RefCell::new(Cache::default()) }
    }

    /// Length in bytes.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether the source has no bytes.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Fills as much of `buf` as the source has from `at` on.
    pub fn read(&self, at: u64, buf: &mut [u8]) -> Result<usize> {
        if let Some(all) = self.all {
            return all.read_at(at, buf).map_err(|e| why(&e, at));
        }
        let mut cache = self.cache.borrow_mut();
        let mut done = 0;
        while done < buf.len() {
            let here = at.saturating_add(done as u64);
            if here >= self.len {
                break;
            }
            // A long read of what is not here goes straight to the host: it would only push every page out.
            let want = buf.len() - done;
            if want as u64 >= PAGE && here.is_multiple_of(PAGE) && !cache.slots.iter().any(|slot| slot.page == here / PAGE) {
                // Whole pages only, so that a reader that goes straight on asks the host for every byte once and in order.
                let rest = self.len - here;
                let whole = if want as u64 >= rest { rest } else { want as u64 / PAGE * PAGE } as usize;
                self.fill(here, &mut buf[done..done + whole])?;
                done += whole;
                continue;
            }
            let slot = self.slot(&mut cache, here / PAGE)?;
            let from = (here % PAGE) as usize;
            let have = &cache.slots[slot].bytes[from..];
            let n = have.len().min(want);
            if n == 0 {
                break;
            }
            buf[done..done + n].copy_from_slice(&have[..n]);
            done += n;
        }
        Ok(done)
    }

    fn slot(&self, cache: &mut Cache, page: u64) -> Result<usize> {
        cache.clock += 1;
        let clock = cache.clock;
        if let Some(slot) = cache.slots.get_mut(cache.last)
            && slot.page == page
        {
            slot.used = clock;
            return Ok(cache.last);
        }
        if let Some(found) = cache.slots.iter().position(|s| s.page == page) {
            cache.slots[found].used = clock;
            cache.last = found;
            return Ok(found);
        }
        let at = page * PAGE;
        let mut bytes = vec![0; (self.len - at).min(PAGE) as usize];
        self.fill(at, &mut bytes)?;
        let fresh = Slot { page, used: clock, bytes };
        let place = if cache.slots.len() < KEPT {
            cache.slots.push(fresh);
            cache.slots.len() - 1
        } else {
            let oldest = cache.slots.iter().enumerate().min_by_key(|(_, s)| s.used).map_or(0, |(n, _)| n);
            cache.slots[oldest] = fresh;
            oldest
        };
        cache.last = place;
        Ok(place)
    }

    /// The host promised `len` bytes: coming up short is a file that changed while it was read.
    fn fill(&self, at: u64, buf: &mut [u8]) -> Result<()> {
        let mut done = 0;
        while done < buf.len() {
            match self.source.read_at(at + done as u64, &mut buf[done..]) {
                Ok(0) => return Err(Error::Unreadable { at: at + done as u64 }),
                Ok(n) => done += n,
                Err(e) => return Err(why(&e, at + done as u64)),
            }
        }
        Ok(())
    }
}

/// A packed source says by the kind of its error what is wrong with its bytes; a host's errors are its own.
fn why(e: &io::Error, at: u64) -> Error {
    match e.kind() {
        io::ErrorKind::QuotaExceeded => Error::limit(at, "inflated"),
        io::ErrorKind::OutOfMemory => Error::limit(at, "dictionary"),
        io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => Error::malformed(at, "packed-damaged"),
        _ => Error::Unreadable { at },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Remembers what it was asked for.
    struct Asked(Vec<u8>, RefCell<Vec<(u64, usize)>>);

    impl Source for Asked {
        fn len(&self) -> u64 {
            self.0.len() as u64
        }

        fn read_at(&self, at: u64, buf: &mut [u8]) -> io::Result<usize> {
            self.1.borrow_mut().push((at, buf.len()));
            self.0.read_at(at, buf)
        }
    }

    #[test]
    fn a_long_read_asks_for_no_page_that_it_begins_with_and_that_is_here() {
        let page = PAGE as usize;
        let source = Asked((0..4 * page + 9).map(|n| (n / 7) as u8).collect(), RefCell::default());
        let pages = Pages::new(&source);
        for at in [0, PAGE] {
            assert_eq!(pages.read(at, &mut [0; 3]), Ok(3));
        }
        let mut all = vec![0; source.0.len()];
        assert_eq!(pages.read(0, &mut all), Ok(source.0.len()));
        assert_eq!(all, source.0);
        assert_eq!(*source.1.borrow(), [(0, page), (PAGE, page), (2 * PAGE, 2 * page + 9)]);
    }
}
