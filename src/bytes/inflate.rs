//! A decompressed member as a random-access source with bounded memory.
//!
//! # Why not inflate into a `Vec`
//! A member of many gigabytes would have to fit. Here the last [`KEPT`] bytes are kept; a read before them starts the stream
//! again. Readers go forward, so that this is rare, and a budget bounds what restarting may cost.

use super::{Source, View};
use flate2::{Decompress, FlushDecompress, Status};
use std::cell::{Cell, RefCell};
use std::io;

/// Bytes of output kept for looking back.
const KEPT: usize = 4 << 20;

struct State {
    stream: Decompress,
    /// Next compressed byte.
    input: u64,
    buffer: Vec<u8>,
    buffer_at: u64,
    buffer_len: usize,
    /// Decompressed bytes; `out[0]` is at `out_at`.
    out: Vec<u8>,
    out_at: u64,
    ended: bool,
}

/// A raw deflate stream (RFC 1951) read as a [`Source`] of the length that was measured, not the one that was claimed.
pub struct Inflated<'s> {
    packed: View<'s>,
    len: u64,
    /// Whether the stream ended as it should; otherwise the bytes before the fault are what there is.
    pub complete: bool,
    /// CRC-32 of the output as found.
    pub crc: u32,
    state: RefCell<State>,
    budget: &'s Cell<u64>,
}

impl State {
    fn new() -> Self {
        State { stream: Decompress::new(false), input: 0, buffer: vec![0; 64 * 1024], buffer_at: 0, buffer_len: 0, out: Vec::new(), out_at: 0, ended: false }
    }

    /// Decompresses one more chunk; false at the end, with the reason.
    fn step(&mut self, packed: View<'_>, budget: &Cell<u64>) -> io::Result<bool> {
        if self.ended {
            return Ok(false);
        }
        if self.out.len() >= KEPT + (KEPT >> 1) {
            let cut = self.out.len() - KEPT;
            self.out.drain(..cut);
            self.out_at += cut as u64;
        }
        let skip = self.input.wrapping_sub(self.buffer_at);
        if skip >= self.buffer_len as u64 {
            self.buffer_at = self.input;
            self.buffer_len = packed.read(self.input, &mut self.buffer).map_err(|_| io::ErrorKind::UnexpectedEof)?;
        }
        let from = (self.input - self.buffer_at) as usize;
        let before = (self.stream.total_in(), self.out.len());
        self.out.reserve(128 * 1024);
        let room = self.out.len() + 128 * 1024;
        self.out.resize(room, 0);
        let out_before = self.stream.total_out();
        let status = self.stream.decompress(&self.buffer[from..self.buffer_len], &mut self.out[before.1..], FlushDecompress::None);
        let made = (self.stream.total_out() - out_before) as usize;
        self.out.truncate(before.1 + made);
        let used = self.stream.total_in() - before.0;
        self.input += used;
        let left = budget.get();
        budget.set(left.saturating_sub(made as u64));
        match status {
            Ok(Status::StreamEnd) => {
                self.ended = true;
                Ok(made > 0)
            }
            Ok(_) if made == 0 && used == 0 => {
                self.ended = true;
                Err(io::ErrorKind::UnexpectedEof.into())
            }
            Ok(_) if left == 0 => {
                self.ended = true;
                Err(io::ErrorKind::OutOfMemory.into())
            }
            Ok(_) => Ok(true),
            Err(_) => {
                self.ended = true;
                Err(io::ErrorKind::InvalidData.into())
            }
        }
    }
}

/// How measuring a compressed member ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The stream's own end marker was reached.
    Complete,
    /// The stream is damaged or stops early.
    Damaged,
    /// The budget or the ratio limit ended it.
    Bomb,
}

impl<'s> Inflated<'s> {
    /// Runs through the stream once to learn its true length and CRC-32, within `budget` bytes of output and `ratio` times the
    /// input (after 16 MiB).
    pub fn measure(packed: View<'s>, budget: &'s Cell<u64>, ratio: u64) -> (Self, Ending) {
        let mut state = State::new();
        let mut crc = flate2::Crc::new();
        let mut len;
        let ending = loop {
            let at = state.out_at + state.out.len() as u64;
            let more = state.step(packed, budget);
            let fresh = (at - state.out_at) as usize;
            crc.update(state.out.get(fresh..).unwrap_or(&[]));
            len = state.out_at + state.out.len() as u64;
            if len > 16 << 20 && len / ratio.max(1) > state.input.max(1) {
                break Ending::Bomb;
            }
            match more {
                Ok(true) if !state.ended => {}
                Ok(_) => break Ending::Complete,
                Err(e) if e.kind() == io::ErrorKind::OutOfMemory => break Ending::Bomb,
                Err(_) => break Ending::Damaged,
            }
        };
        // A short member is already whole in the window: keep it instead of starting over.
        if state.out_at > 0 {
            state = State::new();
        }
        let complete = ending == Ending::Complete;
        (Inflated { packed, len, complete, crc: crc.sum(), state: RefCell::new(state), budget }, ending)
    }
}

impl Source for Inflated<'_> {
    fn len(&self) -> u64 {
        self.len
    }

    fn read_at(&self, at: u64, buf: &mut [u8]) -> io::Result<usize> {
        let mut state = self.state.borrow_mut();
        if at < state.out_at {
            *state = State::new();
        }
        let want = (self.len.saturating_sub(at)).min(buf.len() as u64) as usize;
        loop {
            let end = state.out_at + state.out.len() as u64;
            if end > at {
                let from = (at - state.out_at) as usize;
                let n = want.min(state.out.len() - from);
                buf[..n].copy_from_slice(&state.out[from..from + n]);
                return Ok(n);
            }
            if want == 0 || !state.step(self.packed, self.budget)? {
                return Ok(0);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Pages;
    use super::*;
    use std::io::Write;

    #[test]
    fn a_long_member_reads_back_the_same_from_any_offset() {
        let plain: Vec<u8> = (0..20_000_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8 & 7).collect();
        let mut enc = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
        enc.write_all(&plain).expect("in memory");
        let packed = enc.finish().expect("in memory");
        let pages = Pages::new(&packed);
        let budget = Cell::new(1 << 30);
        let (inflated, ending) = Inflated::measure(View::of_file(&pages), &budget, 1000);
        assert_eq!(ending, Ending::Complete);
        assert_eq!(inflated.len(), plain.len() as u64);
        for at in [0usize, 19_999_990, 5, 9_000_000, 12_345_678] {
            let mut buf = [0; 10];
            let n = inflated.read_at(at as u64, &mut buf).expect("in memory");
            assert_eq!(&buf[..n], &plain[at..at + n]);
            assert!(n > 0);
        }
    }

    #[test]
    fn a_bomb_ends_at_the_ratio() {
        let mut enc = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
        for _ in 0..64 {
            enc.write_all(&[0; 1 << 20]).expect("in memory");
        }
        let packed = enc.finish().expect("in memory");
        let pages = Pages::new(&packed);
        let budget = Cell::new(1 << 30);
        let (_, ending) = Inflated::measure(View::of_file(&pages), &budget, 100);
        assert_eq!(ending, Ending::Bomb);
    }
}
