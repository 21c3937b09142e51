//! Compressed bytes as a random-access source with bounded memory: one way for every codec and chain of codecs.
//!
//! # Why not unpack into a `Vec`
//! A member of many gigabytes would have to fit. Here the first [`HEAD`] and the last [`KEPT`] bytes are kept; a read before them
//! starts the stream again. Readers go forward, so that this is rare, and a budget bounds what restarting may cost.
//!
//! # Why the whole stream is run through first
//! A format's reader asks how long its bytes are, and a ZIP is found from its end. No codec states a length that its own decoders
//! hold it to, except 7z: [`Unpacked::claimed`] is for that.

use super::codec::{Coder, Trouble, open};
use super::{Source, View};
use std::cell::{Cell, RefCell};
use std::io::{self, Read};
use std::rc::Rc;

/// Bytes of output kept for looking back.
const KEPT: usize = 4 << 20;
/// Bytes of output kept from the beginning: probes and headers look there after the stream was run through.
const HEAD: usize = 1 << 20;
/// Bytes that are unpacked at a time.
const CHUNK: usize = 128 * 1024;
/// Output below which no ratio makes a bomb.
const BOMB_FROM: u64 = 16 << 20;

/// What bounds the unpacking of one stream.
#[derive(Clone, Copy)]
pub struct Bounds<'s> {
    /// Bytes that all unpacking for one file may still cost.
    pub budget: &'s Cell<u64>,
    /// Output over input, above 16 MiB of output.
    pub ratio: u64,
    /// Bytes of a codec's dictionary or window.
    pub dictionary: u64,
}

struct State<'s> {
    stream: Option<Box<dyn Read + 's>>,
    /// Packed bytes consumed.
    input: Rc<Cell<u64>>,
    /// Unpacked bytes; `out[0]` is at `out_at`.
    out: Vec<u8>,
    out_at: u64,
    cost: u64,
}

/// How running through a stream ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The stream's own end was reached.
    Complete,
    /// The stream is damaged or stops early.
    Damaged,
    /// Far more comes out than goes in.
    Bomb,
    /// The budget for unpacking is used up.
    Budget,
    /// The codec wants a larger dictionary than is granted.
    Dictionary,
    /// The stream uses something of its codec that is not decoded.
    Unsupported,
}

/// A packed stream, read as a [`Source`] of the length that was measured.
pub struct Unpacked<'s> {
    packed: View<'s>,
    coders: Vec<Coder>,
    bounds: Bounds<'s>,
    len: u64,
    /// CRC-32 of the output as found.
    pub crc: u32,
    /// Packed bytes that belong to the stream; what follows does not.
    pub used: u64,
    head: Vec<u8>,
    state: RefCell<State<'s>>,
}

impl<'s> State<'s> {
    fn new(packed: View<'s>, coders: &[Coder], bounds: Bounds<'s>) -> io::Result<Self> {
        let input = Rc::new(Cell::new(0));
        let cost = coders.iter().map(|c| c.cost()).max().unwrap_or(1);
        let stream = open(packed, coders, &input, bounds.budget, bounds.dictionary)?;
        Ok(State { stream: Some(stream), input, out: Vec::new(), out_at: 0, cost })
    }

    fn end(&self) -> u64 {
        self.out_at + self.out.len() as u64
    }

    /// Unpacks one more chunk; `Ok(0)` at the end of the stream.
    fn step(&mut self, budget: &Cell<u64>) -> io::Result<usize> {
        let Some(stream) = self.stream.as_mut() else { return Ok(0) };
        if self.out.len() >= KEPT + (KEPT >> 1) {
            let cut = self.out.len() - KEPT;
            self.out.drain(..cut);
            self.out_at += cut as u64;
        }
        let before = self.out.len();
        self.out.resize(before + CHUNK, 0);
        let got = loop {
            match stream.read(self.out.get_mut(before..).unwrap_or(&mut [])) {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        self.out.truncate(before + got.as_ref().copied().unwrap_or(0));
        if !matches!(got, Ok(1..)) {
            self.stream = None;
        }
        let made = got?;
        let left = budget.get();
        budget.set(left.saturating_sub((made as u64).saturating_mul(self.cost)));
        if left == 0 {
            self.stream = None;
            return Err(Trouble::Budget.into());
        }
        Ok(made)
    }
}

impl<'s> Unpacked<'s> {
    /// Runs through a stream once to learn its true length and CRC-32.
    ///
    /// What was unpacked before an ending other than [`Ending::Complete`] can be read all the same.
    pub fn measure(packed: View<'s>, coders: &[Coder], bounds: Bounds<'s>) -> (Self, Ending) {
        let mut state = match State::new(packed, coders, bounds) {
            Ok(state) => state,
            Err(e) => return (Self::nothing(packed, bounds), Trouble::of(&e).ending()),
        };
        let mut crc = flate2::Crc::new();
        let mut head = Vec::new();
        let ending = loop {
            let more = state.step(bounds.budget);
            let made = more.as_ref().copied().unwrap_or(0);
            let fresh = state.out.get(state.out.len() - made..).unwrap_or(&[]);
            crc.update(fresh);
            let room = HEAD.saturating_sub(head.len()).min(fresh.len());
            head.extend_from_slice(fresh.get(..room).unwrap_or(&[]));
            if state.end() > BOMB_FROM && state.end() / bounds.ratio.max(1) > state.input.get().max(1) {
                break Ending::Bomb;
            }
            match more {
                Ok(0) => break Ending::Complete,
                Ok(_) => {}
                Err(e) => break Trouble::of(&e).ending(),
            }
        };
        let (len, used) = (state.end(), state.input.get());
        let unpacked = Unpacked { packed, coders: coders.to_vec(), bounds, len, crc: crc.sum(), used, head, state: RefCell::new(state) };
        (unpacked, ending)
    }

    /// A stream whose length its container states and its decoders hold it to: nothing is unpacked before it is read.
    pub fn claimed(packed: View<'s>, coders: &[Coder], bounds: Bounds<'s>, len: u64) -> Result<Self, Ending> {
        let state = State::new(packed, coders, bounds).map_err(|e| Trouble::of(&e).ending())?;
        Ok(Unpacked { packed, coders: coders.to_vec(), bounds, len, crc: 0, used: packed.len(), head: Vec::new(), state: RefCell::new(state) })
    }

    fn nothing(packed: View<'s>, bounds: Bounds<'s>) -> Self {
        let state = State { stream: None, input: Rc::new(Cell::new(0)), out: Vec::new(), out_at: 0, cost: 1 };
        Unpacked { packed, coders: Vec::new(), bounds, len: 0, crc: 0, used: packed.len(), head: Vec::new(), state: RefCell::new(state) }
    }
}

impl Source for Unpacked<'_> {
    fn len(&self) -> u64 {
        self.len
    }

    fn read_at(&self, at: u64, buf: &mut [u8]) -> io::Result<usize> {
        let want = (self.len.saturating_sub(at)).min(buf.len() as u64) as usize;
        if want == 0 {
            return Ok(0);
        }
        if let Some(kept) = usize::try_from(at).ok().and_then(|at| self.head.get(at..)).filter(|kept| !kept.is_empty()) {
            return Ok(copy(kept, buf, want));
        }
        let mut state = self.state.borrow_mut();
        if at < state.out_at {
            *state = State::new(self.packed, &self.coders, self.bounds)?;
        }
        loop {
            if state.end() > at {
                let from = (at - state.out_at) as usize;
                return Ok(copy(state.out.get(from..).unwrap_or(&[]), buf, want));
            }
            if state.step(self.bounds.budget)? == 0 {
                // The length was measured, or the container stated it: there should be more.
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }
}

fn copy(from: &[u8], to: &mut [u8], want: usize) -> usize {
    let n = want.min(from.len());
    if let (Some(to), Some(from)) = (to.get_mut(..n), from.get(..n)) {
        to.copy_from_slice(from);
    }
    n
}

#[cfg(test)]
mod tests {
    use super::super::Pages;
    use super::*;
    use std::io::Write;

    fn deflated(plain: &[u8]) -> Vec<u8> {
        let mut enc = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
        enc.write_all(plain).expect("in memory");
        enc.finish().expect("in memory")
    }

    fn packed(coder: Coder, plain: &[u8]) -> Vec<u8> {
        match coder {
            Coder::Deflate => deflated(plain),
            Coder::Zlib => {
                let mut enc = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
                enc.write_all(plain).expect("in memory");
                enc.finish().expect("in memory")
            }
            Coder::Gzip => {
                let mut crc = flate2::Crc::new();
                crc.update(plain);
                // With a name and an extra field.
                let mut out = b"\x1f\x8b\x08\x0c\0\0\0\0\0\x03\x02\0ABname\0".to_vec();
                out.extend(deflated(plain));
                out.extend(crc.sum().to_le_bytes());
                out.extend(crc.amount().to_le_bytes());
                out
            }
            Coder::Bzip2 => {
                let mut enc = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
                enc.write_all(plain).expect("in memory");
                enc.finish().expect("in memory")
            }
            Coder::Xz => {
                let mut enc = lzma_rust2::XzWriter::new(Vec::new(), lzma_rust2::XzOptions::with_preset(0)).expect("options");
                enc.write_all(plain).expect("in memory");
                enc.finish().expect("in memory")
            }
            Coder::LzmaAlone => {
                let mut enc = lzma_rust2::LzmaWriter::new_use_header(Vec::new(), &lzma_rust2::LzmaOptions::with_preset(0), None).expect("options");
                enc.write_all(plain).expect("in memory");
                enc.finish().expect("in memory")
            }
            Coder::Zstd => ruzstd::encoding::compress_to_vec(plain, ruzstd::encoding::CompressionLevel::Fastest),
            Coder::Lz4 => {
                let mut enc = lz4_flex::frame::FrameEncoder::new(Vec::new());
                enc.write_all(plain).expect("in memory");
                enc.finish().expect("in memory")
            }
            other => panic!("no writer for {other:?}"),
        }
    }

    const FRAMED: &[Coder] = &[Coder::Zlib, Coder::Gzip, Coder::Bzip2, Coder::Xz, Coder::LzmaAlone, Coder::Zstd, Coder::Lz4];

    fn noise(len: u32) -> Vec<u8> {
        (0..len).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8 & 7).collect()
    }

    fn measured<R>(bytes: &[u8], coder: Coder, then: impl FnOnce(&Unpacked<'_>, Ending) -> R) -> R {
        let bytes = bytes.to_vec();
        let pages = Pages::new(&bytes);
        let budget = Cell::new(1 << 34);
        let bounds = Bounds { budget: &budget, ratio: 1000, dictionary: 64 << 20 };
        let (unpacked, ending) = Unpacked::measure(View::of_file(&pages), &[coder], bounds);
        then(&unpacked, ending)
    }

    #[test]
    fn a_long_stream_reads_back_the_same_from_any_offset() {
        let plain = noise(20_000_000);
        for coder in [Coder::Deflate, Coder::Zstd] {
            measured(&packed(coder, &plain), coder, |unpacked, ending| {
                assert_eq!((ending, unpacked.len()), (Ending::Complete, plain.len() as u64), "{coder:?}");
                for at in [0usize, 19_999_990, 5, 9_000_000, 12_345_678] {
                    let mut buf = [0; 10];
                    let n = unpacked.read_at(at as u64, &mut buf).expect("in memory");
                    assert_eq!(&buf[..n], &plain[at..at + n]);
                    assert!(n > 0);
                }
            });
        }
    }

    #[test]
    fn streams_follow_one_another_and_what_follows_them_is_not_theirs() {
        for coder in FRAMED {
            let mut bytes = packed(*coder, b"one, ");
            bytes.extend(packed(*coder, b"two"));
            let end = bytes.len() as u64;
            bytes.extend(b"something else");
            measured(&bytes, *coder, |unpacked, ending| {
                assert_eq!((ending, unpacked.used), (Ending::Complete, end), "{coder:?}");
                let mut all = vec![0; 8];
                assert_eq!(unpacked.read_at(0, &mut all).expect("in memory"), 8, "{coder:?}");
                assert_eq!(all, b"one, two", "{coder:?}");
            });
        }
    }

    #[test]
    fn a_stream_that_is_cut_off_is_damaged_and_keeps_what_came_before() {
        let plain = noise(400_000);
        for coder in FRAMED {
            let bytes = packed(*coder, &plain);
            for cut in [1, 4, 9, bytes.len() / 2] {
                let kept = &bytes[..bytes.len() - cut];
                measured(kept, *coder, |unpacked, ending| {
                    assert_eq!(ending, Ending::Damaged, "{coder:?} without {cut} bytes");
                    // The one block of these is cut.
                    assert!(unpacked.len() > 0 || matches!(coder, Coder::Bzip2 | Coder::Lz4), "{coder:?} without {cut} bytes: nothing");
                });
            }
        }
    }

    #[test]
    fn wrong_checksums_are_damage() {
        for (coder, back) in [(Coder::Gzip, 8), (Coder::Zlib, 1), (Coder::Bzip2, 3), (Coder::Lz4, 1)] {
            let mut bytes = if coder == Coder::Lz4 {
                let info = lz4_flex::frame::FrameInfo::new().content_checksum(true);
                let mut enc = lz4_flex::frame::FrameEncoder::with_frame_info(info, Vec::new());
                enc.write_all(b"abc").expect("in memory");
                enc.finish().expect("in memory")
            } else {
                packed(coder, b"abc")
            };
            assert_eq!(measured(&bytes, coder, |_, ending| ending), Ending::Complete, "{coder:?}");
            let at = bytes.len() - back;
            bytes[at] ^= 0x10;
            assert_eq!(measured(&bytes, coder, |_, ending| ending), Ending::Damaged, "{coder:?}");
        }
    }

    #[test]
    fn frames_to_skip_are_skipped() {
        for coder in [Coder::Zstd, Coder::Lz4] {
            let mut bytes = b"\x50\x2a\x4d\x18\x03\0\0\0abc".to_vec();
            bytes.extend(packed(coder, b"plain"));
            bytes.extend(b"\x5f\x2a\x4d\x18\0\0\0\0");
            measured(&bytes, coder, |unpacked, ending| assert_eq!((ending, unpacked.len(), unpacked.used), (Ending::Complete, 5, bytes.len() as u64)));
            bytes.extend(b"\x5f\x2a\x4d\x18\xff\xff\xff\xff");
            assert_eq!(measured(&bytes, coder, |_, ending| ending), Ending::Damaged);
        }
    }

    #[test]
    fn a_claimed_dictionary_is_not_allocated() {
        // xz: the filter property for 1 GiB; the header's checksum is made anew.
        let mut xz = packed(Coder::Xz, b"abc");
        let property = 12 + 4;
        xz[property] = 36;
        let mut crc = flate2::Crc::new();
        let size = (usize::from(xz[12]) + 1) * 4;
        crc.update(&xz[12..12 + size - 4]);
        xz[12 + size - 4..12 + size].copy_from_slice(&crc.sum().to_le_bytes());
        assert_eq!(measured(&xz, Coder::Xz, |_, ending| ending), Ending::Dictionary);
        // .lzma: 2 GiB for a stream of unknown length, which needs none of it.
        let mut lzma = packed(Coder::LzmaAlone, b"abc");
        lzma[1..5].copy_from_slice(&(1u32 << 31).to_le_bytes());
        lzma[5..13].fill(0xff);
        measured(&lzma, Coder::LzmaAlone, |unpacked, ending| assert_eq!((ending, unpacked.len()), (Ending::Complete, 3)));
        // zstd: a window of 2 GiB.
        let zstd = b"\x28\xb5\x2f\xfd\x00\xa8\x01\0\0";
        assert_eq!(measured(zstd, Coder::Zstd, |_, ending| ending), Ending::Dictionary);
    }

    #[test]
    fn a_bomb_ends_at_the_ratio() {
        let zeros = vec![0; 17 << 20];
        for coder in [Coder::Deflate, Coder::Bzip2] {
            let mut enc = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
            enc.write_all(&zeros).expect("in memory");
            let bytes = if coder == Coder::Deflate { enc.finish().expect("in memory") } else { packed(coder, &zeros) };
            assert_eq!(measured(&bytes, coder, |_, ending| ending), Ending::Bomb, "{coder:?}");
        }
    }

    #[test]
    fn empty_streams_without_number_end_with_the_budget() {
        let one = packed(Coder::Gzip, b"");
        let bytes = one.repeat(20_000);
        let pages = Pages::new(&bytes);
        let budget = Cell::new(256 << 20);
        let (_, ending) = Unpacked::measure(View::of_file(&pages), &[Coder::Gzip], Bounds { budget: &budget, ratio: 1000, dictionary: 1 << 20 });
        assert_eq!(ending, Ending::Budget);
    }
}
