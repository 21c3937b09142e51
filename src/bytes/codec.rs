//! The codecs: each turns packed bytes into a forward reader. Decoding is kept libraries' work; where a stream ends, whether it ended as it
//! should, and what follows it, is ours, because the libraries differ from the programs that load models:
//! - flate2's readers take a stream that is cut off for one that is complete, and so does `lz4_flex` between two blocks;
//! - lzma-rust2's readers drop what came before a fault, where an unpickler reading along has already run it;
//! - `ruzstd` and `lz4_flex` stop after one frame, and `ruzstd` leaves the checksum to its caller;
//! - Python's gzip, bz2 and lzma modules go on with the next stream, and skip zero bytes between two.

use super::View;
use super::unpack::Ending;
use lzma_rust2::filter::{bcj::BcjReader, delta::DeltaReader};
use lzma_rust2::{Action, Lzma2Stream, LzmaStream, XzStream};
use ruzstd::decoding::errors::FrameDecoderError;
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};
use std::cell::Cell;
use std::io::{self, BufRead, BufReader, Read};
use std::rc::Rc;

/// Packed bytes read at a time.
const BUFFER: usize = 64 * 1024;
/// What beginning a stream costs: a file can hold millions of empty ones.
const STREAM_COST: u64 = 64 * 1024;
/// Zero bytes between two streams that are passed over: xz pads with four, tapes with a block.
const PADDING: u64 = 64 * 1024;

/// A step from packed to unpacked bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coder {
    /// The bytes as they are.
    Copy,
    /// One raw deflate stream (RFC 1951).
    Deflate,
    /// zlib streams (RFC 1950), one after the other.
    Zlib,
    /// gzip members (RFC 1952).
    Gzip,
    /// bzip2 streams.
    Bzip2,
    /// xz streams.
    Xz,
    /// `.lzma` streams with their 13-byte header.
    LzmaAlone,
    /// One LZMA stream whose header its container keeps.
    Lzma {
        /// Literal and position bits: `(pb * 5 + lp) * 9 + lc`.
        props: u8,
        /// Bytes of the dictionary.
        dictionary: u32,
        /// Bytes that come out; `u64::MAX` where the stream has an end marker.
        size: u64,
    },
    /// One raw LZMA2 stream.
    Lzma2 {
        /// Bytes of the dictionary.
        dictionary: u32,
    },
    /// Zstandard frames (RFC 8878).
    Zstd,
    /// LZ4 frames, the old format among them.
    Lz4,
    /// Bytes that were written as the characters of a UTF-8 text, one each: what pickles of Python 2's protocols do with bytes.
    Latin1,
    /// Every byte as the difference to an earlier one.
    Delta {
        /// How much earlier, 1 to 256.
        distance: usize,
    },
    /// Absolute jump targets in machine code.
    Branch(Branch),
}

/// The machine whose jumps a [`Coder::Branch`] turns back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Branch {
    /// x86.
    X86,
    /// PowerPC, big-endian.
    PowerPc,
    /// Itanium.
    Ia64,
    /// ARM.
    Arm,
    /// ARM in Thumb mode.
    Thumb,
    /// ARM, 64 bits.
    Arm64,
    /// SPARC.
    Sparc,
    /// RISC-V.
    RiscV,
}

impl Coder {
    /// What one byte of output costs of the budget: how much slower than deflate it is unpacked.
    pub(super) fn cost(self) -> u64 {
        match self {
            Coder::Bzip2 => 6,
            Coder::Xz | Coder::LzmaAlone | Coder::Lzma { .. } | Coder::Lzma2 { .. } => 3,
            _ => 1,
        }
    }

    /// Whether a stream of this codec begins here, as its own decoder decides.
    pub fn begins(self, view: View<'_>, at: u64) -> bool {
        let head: [u8; 16] = {
            let mut head = [0; 16];
            let _ = view.read(at, &mut head);
            head
        };
        match (self, head) {
            (Coder::Gzip, [0x1f, 0x8b, 8, ..]) => true,
            // Method 8, a window up to 32 KiB, no preset dictionary, and a check over both bytes.
            (Coder::Zlib, [cmf, flags, ..]) => {
                cmf & 15 == 8 && cmf >> 4 <= 7 && flags & 0x20 == 0 && (u16::from(cmf) << 8 | u16::from(flags)).is_multiple_of(31)
            }
            (Coder::Bzip2, [b'B', b'Z', b'h', b'1'..=b'9', rest @ ..]) => {
                rest.starts_with(&[0x31, 0x41, 0x59, 0x26, 0x53, 0x59]) || rest.starts_with(&[0x17, 0x72, 0x45, 0x38, 0x50, 0x90])
            }
            (Coder::Xz, head) => head.starts_with(b"\xfd7zXZ\0"),
            // What xz itself takes for one: a usual dictionary, a size below 256 GiB or none, and the range coder's first byte.
            (Coder::LzmaAlone, [props, a, b, c, d, size @ .., first, _, _]) => {
                let dictionary = u32::from_le_bytes([a, b, c, d]);
                let usual = dictionary == u32::MAX
                    || dictionary.count_ones() == 1 && dictionary >= 4096
                    || dictionary.count_ones() == 2 && dictionary & dictionary >> 1 != 0 && dictionary >= 4096;
                let size = u64::from_le_bytes(size);
                props < 225 && usual && (size == u64::MAX || size < 1 << 38) && first == 0
            }
            (Coder::Zstd, [0x28, 0xb5, 0x2f, 0xfd, ..]) => true,
            (Coder::Lz4, [0x04 | 0x02, 0x22 | 0x21, 0x4d | 0x4c, 0x18, ..]) => matches!(head, [4, 0x22, 0x4d, ..] | [2, 0x21, 0x4c, ..]),
            (Coder::Zstd | Coder::Lz4, [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..]) => true,
            _ => false,
        }
    }
}

/// Why a stream could not be unpacked to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    Damaged,
    Budget,
    Dictionary,
    Unsupported,
}

impl Trouble {
    /// What an error of a decoder means.
    pub(super) fn of(e: &io::Error) -> Trouble {
        match e.kind() {
            io::ErrorKind::QuotaExceeded => Trouble::Budget,
            io::ErrorKind::OutOfMemory => Trouble::Dictionary,
            io::ErrorKind::Unsupported => Trouble::Unsupported,
            _ => Trouble::Damaged,
        }
    }

    pub(super) fn ending(self) -> Ending {
        match self {
            Trouble::Damaged => Ending::Damaged,
            Trouble::Budget => Ending::Budget,
            Trouble::Dictionary => Ending::Dictionary,
            Trouble::Unsupported => Ending::Unsupported,
        }
    }
}

impl From<Trouble> for io::Error {
    fn from(t: Trouble) -> Self {
        match t {
            Trouble::Damaged => io::ErrorKind::InvalidData,
            Trouble::Budget => io::ErrorKind::QuotaExceeded,
            Trouble::Dictionary => io::ErrorKind::OutOfMemory,
            Trouble::Unsupported => io::ErrorKind::Unsupported,
        }
        .into()
    }
}

/// A reader over a view whose position others can see.
struct Tap<'s> {
    view: View<'s>,
    at: Rc<Cell<u64>>,
    buffer: Vec<u8>,
    start: u64,
}

impl<'s> Tap<'s> {
    fn new(view: View<'s>, at: &Rc<Cell<u64>>) -> Self {
        Tap { view, at: Rc::clone(at), buffer: Vec::new(), start: 0 }
    }
}

impl BufRead for Tap<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let at = self.at.get();
        let inside = at >= self.start && at - self.start < self.buffer.len() as u64;
        if !inside {
            self.buffer.resize(BUFFER, 0);
            let n = self.view.read(at, &mut self.buffer).map_err(|_| io::Error::from(io::ErrorKind::Other))?;
            self.buffer.truncate(n);
            self.start = at;
        }
        let from = usize::try_from(at - self.start).unwrap_or(usize::MAX);
        Ok(self.buffer.get(from..).unwrap_or(&[]))
    }

    fn consume(&mut self, n: usize) {
        self.at.set(self.at.get().saturating_add(n as u64));
    }
}

impl Read for Tap<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let have = self.fill_buf()?;
        let n = have.len().min(buf.len());
        if let (Some(to), Some(from)) = (buf.get_mut(..n), have.get(..n)) {
            to.copy_from_slice(from);
        }
        self.consume(n);
        Ok(n)
    }
}

/// A forward reader of what comes out of a chain of coders; `at` is kept at the packed bytes that were consumed.
pub(super) fn open<'s>(view: View<'s>, coders: &[Coder], at: &Rc<Cell<u64>>, budget: &'s Cell<u64>, dictionary: u64) -> io::Result<Box<dyn Read + 's>> {
    let mut chain: Option<Box<dyn Read + 's>> = None;
    for coder in coders {
        chain = Some(match (coder, chain) {
            (Coder::Gzip | Coder::Zlib | Coder::Bzip2 | Coder::Xz | Coder::LzmaAlone | Coder::Zstd | Coder::Lz4, None) => {
                Box::new(Streams { coder: *coder, view, at: Rc::clone(at), now: None, count: 0, start: 0, made: false, budget, dictionary })
            }
            (coder, None) => one(*coder, Tap::new(view, at), dictionary)?,
            (coder, Some(before)) => one(*coder, BufReader::with_capacity(BUFFER, before), dictionary)?,
        });
    }
    chain.ok_or_else(|| Trouble::Unsupported.into())
}

/// The reader of one stream without a frame around it.
fn one<'s>(coder: Coder, input: impl BufRead + 's, dictionary: u64) -> io::Result<Box<dyn Read + 's>> {
    Ok(match coder {
        Coder::Copy => Box::new(input),
        Coder::Deflate => Box::new(Pump::new(input, Engine::Deflate(flate2::Decompress::new(false)))),
        Coder::Bzip2 => Box::new(Pump::new(input, Engine::Bzip2(bzip2::Decompress::new(false)))),
        Coder::Lzma { props, dictionary: asked, size } => Box::new(Pump::new(input, lzma(props, asked, size, dictionary)?)),
        Coder::Lzma2 { dictionary: asked } => Box::new(Pump::new(input, Engine::Lzma2(Box::new(Lzma2Stream::new(u64::from(asked).min(dictionary) as u32))))),
        Coder::Xz => Box::new(Pump::new(input, xz(dictionary))),
        Coder::Latin1 => Box::new(Latin1(input)),
        Coder::Delta { distance } => Box::new(DeltaReader::new(input, distance)),
        Coder::Branch(branch) => Box::new(match branch {
            Branch::X86 => BcjReader::new_x86(input, 0),
            Branch::PowerPc => BcjReader::new_ppc(input, 0),
            Branch::Ia64 => BcjReader::new_ia64(input, 0),
            Branch::Arm => BcjReader::new_arm(input, 0),
            Branch::Thumb => BcjReader::new_arm_thumb(input, 0),
            Branch::Arm64 => BcjReader::new_arm64(input, 0),
            Branch::Sparc => BcjReader::new_sparc(input, 0),
            Branch::RiscV => BcjReader::new_riscv(input, 0),
        }),
        _ => return Err(Trouble::Unsupported.into()),
    })
}

/// See [`Coder::Latin1`].
struct Latin1<R>(R);

impl<R: BufRead> Read for Latin1<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let mut made = 0;
        for place in out {
            let Some(first) = self.0.fill_buf()?.first().copied() else { break };
            self.0.consume(1);
            *place = match first {
                0..=0x7f => first,
                0xc2 | 0xc3 => {
                    let Some(second @ 0x80..=0xbf) = self.0.fill_buf()?.first().copied() else { return Err(Trouble::Damaged.into()) };
                    self.0.consume(1);
                    first << 6 | second & 0x3f
                }
                _ => return Err(Trouble::Damaged.into()),
            };
            made += 1;
        }
        Ok(made)
    }
}

/// An LZMA decoder whose dictionary is no larger than what comes out, or than is granted: few streams reach as far back as they might.
fn lzma(props: u8, asked: u32, size: u64, most: u64) -> io::Result<Engine> {
    let needed = u64::from(asked).min(size.max(4096)).min(most);
    Ok(Engine::Lzma(Box::new(LzmaStream::new_with_props(size, props, needed as u32, None)?)))
}

/// A decoder that is handed bytes, and keeps count of them.
enum Engine {
    Deflate(flate2::Decompress),
    Bzip2(bzip2::Decompress),
    Lzma(Box<LzmaStream>),
    Lzma2(Box<Lzma2Stream>),
    Xz(Box<XzStream>),
}

impl Engine {
    fn totals(&self) -> (u64, u64) {
        match self {
            Engine::Deflate(d) => (d.total_in(), d.total_out()),
            Engine::Bzip2(d) => (d.total_in(), d.total_out()),
            Engine::Lzma(d) => (d.total_in(), d.total_out()),
            Engine::Lzma2(d) => (d.total_in(), d.total_out()),
            Engine::Xz(d) => (d.total_in(), d.total_out()),
        }
    }

    /// Takes from `input` and writes to `output`; true where the stream ended.
    fn step(&mut self, input: &[u8], output: &mut [u8]) -> io::Result<bool> {
        let action = if input.is_empty() { Action::Finish } else { Action::Run };
        let ended = |result: lzma_rust2::StreamResult| result.status == lzma_rust2::Status::StreamEnd;
        match self {
            Engine::Deflate(d) => {
                let status = d.decompress(input, output, flate2::FlushDecompress::None).map_err(|_| io::Error::from(Trouble::Damaged))?;
                Ok(status == flate2::Status::StreamEnd)
            }
            Engine::Bzip2(d) => {
                let status = d.decompress(input, output).map_err(|_| io::Error::from(Trouble::Damaged))?;
                Ok(status == bzip2::Status::StreamEnd)
            }
            Engine::Lzma(d) => d.process(input, output, action).map(ended),
            Engine::Lzma2(d) => d.process(input, output, action).map(ended),
            Engine::Xz(d) => d.process(input, output, action).map(ended),
        }
    }
}

/// Drives an [`Engine`]: hands out what came before a fault, and tells a stream that ended from one that was cut off.
struct Pump<R> {
    input: R,
    engine: Engine,
    ended: bool,
    fault: Option<io::Error>,
}

impl<R> Pump<R> {
    fn new(input: R, engine: Engine) -> Self {
        Pump { input, engine, ended: false, fault: None }
    }
}

impl<R: BufRead> Read for Pump<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while !self.ended && !buf.is_empty() {
            if let Some(fault) = self.fault.take() {
                self.ended = true;
                return Err(fault);
            }
            let input = self.input.fill_buf()?;
            let before = self.engine.totals();
            let result = self.engine.step(input, buf);
            let after = self.engine.totals();
            let (used, made) = (after.0.saturating_sub(before.0), after.1.saturating_sub(before.1));
            let stuck = used == 0 && made == 0;
            let starved = input.is_empty();
            self.input.consume(used as usize);
            match result {
                Ok(ended) => self.ended = ended,
                Err(e) => self.fault = Some(e),
            }
            if made > 0 {
                return Ok(made as usize);
            }
            if stuck && !self.ended && self.fault.is_none() {
                self.fault = Some(if starved { io::ErrorKind::UnexpectedEof.into() } else { Trouble::Damaged.into() });
            }
        }
        Ok(0)
    }
}

/// One stream of a file that may hold several.
enum Stream<'s> {
    Pump(Pump<Tap<'s>>),
    Gzip(Pump<Tap<'s>>, flate2::Crc),
    Zstd(Box<Zstd<'s>>),
    Lz4(lz4_flex::frame::FrameDecoder<Tap<'s>>, Lz4),
}

/// How an LZ4 frame ends.
#[derive(Clone, Copy)]
enum Lz4 {
    /// With the file.
    Old,
    /// With an empty block.
    Mark,
    /// With an empty block and a checksum.
    Checked,
}

/// Streams of one codec, one after the other.
struct Streams<'s> {
    coder: Coder,
    view: View<'s>,
    at: Rc<Cell<u64>>,
    now: Option<Stream<'s>>,
    count: u64,
    /// Where the stream that is being read begins, and whether anything came out of it.
    start: u64,
    made: bool,
    budget: &'s Cell<u64>,
    dictionary: u64,
}

impl Read for Streams<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        loop {
            let step = match self.now.as_mut() {
                Some(stream) => stream.read(buf).and_then(|n| {
                    if n == 0 {
                        self.finish().map(|()| true)
                    } else {
                        self.made = true;
                        Ok(true)
                    }
                    .map(|more| (n, more))
                }),
                None => self.next().map(|more| (0, more)),
            };
            match step {
                Ok((0, true)) => {}
                Ok((n, _)) => return Ok(n),
                // What only looks like another stream is something else that follows; what ends early may be either.
                Err(e) if self.count > 1 && !self.made && Trouble::of(&e) == Trouble::Damaged => {
                    self.now = None;
                    self.at.set(self.start);
                    return if e.kind() == io::ErrorKind::UnexpectedEof { Err(e) } else { Ok(0) };
                }
                Err(e) => return Err(e),
            }
        }
    }
}

impl<'s> Streams<'s> {
    /// Begins the next stream, if there is one.
    fn next(&mut self) -> io::Result<bool> {
        if self.count > 0 && !self.skip_padding() {
            return Ok(false);
        }
        let left = self.budget.get();
        if left == 0 {
            return Err(Trouble::Budget.into());
        }
        self.budget.set(left.saturating_sub(STREAM_COST));
        self.count += 1;
        self.start = self.at.get();
        self.made = false;
        self.now = self.begin()?;
        Ok(true)
    }

    /// Passes over zero bytes to the next stream; stays where it is when there is none.
    fn skip_padding(&mut self) -> bool {
        let at = self.at.get();
        let mut next = at;
        while next - at < PADDING && matches!(self.view.array::<1>(next), Ok([0])) && !self.coder.begins(self.view, next) {
            next += 1;
        }
        let found = self.coder.begins(self.view, next);
        if found {
            self.at.set(next);
        }
        found
    }

    fn begin(&mut self) -> io::Result<Option<Stream<'s>>> {
        let at = self.at.get();
        let mut tap = Tap::new(self.view, &self.at);
        if matches!(self.coder, Coder::Zstd | Coder::Lz4)
            && let Ok([0x50..=0x5f, 0x2a, 0x4d, 0x18, a, b, c, d]) = self.view.array::<8>(at)
        {
            // A frame to skip: bytes that belong to somebody else.
            let end = at.saturating_add(8).saturating_add(u64::from(u32::from_le_bytes([a, b, c, d])));
            if end > self.view.len() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.at.set(end);
            return Ok(None);
        }
        Ok(Some(match self.coder {
            Coder::Zlib => Stream::Pump(Pump::new(tap, Engine::Deflate(flate2::Decompress::new(true)))),
            Coder::Gzip => {
                gzip_header(&mut tap)?;
                Stream::Gzip(Pump::new(tap, Engine::Deflate(flate2::Decompress::new(false))), flate2::Crc::new())
            }
            Coder::Bzip2 => Stream::Pump(Pump::new(tap, Engine::Bzip2(bzip2::Decompress::new(false)))),
            Coder::Xz => Stream::Pump(Pump::new(tap, xz(self.dictionary))),
            Coder::LzmaAlone => {
                let mut header = [0; 13];
                tap.read_exact(&mut header)?;
                let [props, a, b, c, d, size @ ..] = header;
                Stream::Pump(Pump::new(tap, lzma(props, u32::from_le_bytes([a, b, c, d]), u64::from_le_bytes(size), self.dictionary)?))
            }
            Coder::Zstd => Stream::Zstd(Box::new(Zstd::new(tap, self.dictionary)?)),
            Coder::Lz4 => {
                let how = match self.view.array::<5>(at) {
                    Ok([2, ..]) => Lz4::Old,
                    Ok([.., flags]) if flags & 4 != 0 => Lz4::Checked,
                    _ => Lz4::Mark,
                };
                Stream::Lz4(lz4_flex::frame::FrameDecoder::new(tap), how)
            }
            _ => return Err(Trouble::Unsupported.into()),
        }))
    }

    /// Checks how the stream ended, and puts the position behind it.
    fn finish(&mut self) -> io::Result<()> {
        match self.now.take() {
            Some(Stream::Gzip(mut pump, crc)) => {
                let mut trailer = [0; 8];
                pump.input.read_exact(&mut trailer)?;
                let [a, b, c, d, e, f, g, h] = trailer;
                if u32::from_le_bytes([a, b, c, d]) != crc.sum() || u32::from_le_bytes([e, f, g, h]) != crc.amount() {
                    return Err(Trouble::Damaged.into());
                }
            }
            Some(Stream::Pump(Pump { engine: Engine::Lzma(lzma), .. })) => {
                // The decoder looks ahead.
                self.at.set(self.at.get().saturating_sub(lzma.unused_input().len() as u64));
            }
            Some(Stream::Zstd(zstd)) => {
                let decoder = &zstd.decoder;
                if zstd.cut {
                    return Err(Trouble::Damaged.into());
                }
                if decoder.get_checksum_from_data().is_some_and(|sum| decoder.get_calculated_checksum() != Some(sum)) {
                    return Err(Trouble::Damaged.into());
                }
            }
            Some(Stream::Lz4(_, how)) => {
                let behind = match how {
                    Lz4::Old => return Ok(()),
                    Lz4::Mark => 4,
                    Lz4::Checked => 8,
                };
                // The library takes the end of the file for the end of the frame.
                if self.at.get().checked_sub(behind).and_then(|at| self.view.array::<4>(at).ok()) != Some([0; 4]) {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
            }
            _ => {}
        }
        Ok(())
    }
}

impl Read for Stream<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self {
            Stream::Pump(pump) => pump.read(buf),
            Stream::Gzip(pump, crc) => {
                let n = pump.read(buf)?;
                crc.update(buf.get(..n).unwrap_or(&[]));
                Ok(n)
            }
            Stream::Zstd(zstd) => zstd.read(buf),
            Stream::Lz4(lz4, _) => lz4.read(buf),
        }
    }
}

/// Passes over the header of a gzip member: ten bytes, and what its flags announce.
fn gzip_header(tap: &mut Tap<'_>) -> io::Result<()> {
    let mut head = [0; 10];
    tap.read_exact(&mut head)?;
    let [0x1f, 0x8b, 8, flags, ..] = head else { return Err(Trouble::Damaged.into()) };
    if flags & 4 != 0 {
        let mut len = [0; 2];
        tap.read_exact(&mut len)?;
        tap.at.set(tap.at.get().saturating_add(u64::from(u16::from_le_bytes(len))));
    }
    for text in [8, 16] {
        if flags & text != 0 {
            skip_text(tap)?;
        }
    }
    if flags & 2 != 0 {
        tap.read_exact(&mut [0; 2])?;
    }
    Ok(())
}

/// Passes over a name or comment up to its zero byte.
fn skip_text(tap: &mut Tap<'_>) -> io::Result<()> {
    loop {
        let have = tap.fill_buf()?;
        if have.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let len = have.len();
        let zero = have.iter().position(|b| *b == 0);
        tap.consume(zero.map_or(len, |n| n + 1));
        if zero.is_some() {
            return Ok(());
        }
    }
}

/// A decoder of one xz stream; the mebibyte is for the decoder itself.
fn xz(dictionary: u64) -> Engine {
    Engine::Xz(Box::new(XzStream::new_mem_limit(false, u32::try_from((dictionary >> 10) + 1024).unwrap_or(u32::MAX))))
}

/// A Zstandard frame, block by block. The library hands out what is further back than its window, and the rest only once the
/// frame has ended: where a frame is cut off, the end is put in, so that what came before is not lost.
struct Zstd<'s> {
    decoder: FrameDecoder,
    tap: Tap<'s>,
    cut: bool,
}

/// An empty last block, and room for a checksum.
const ZSTD_END: &[u8] = &[1, 0, 0, 0, 0, 0, 0];

impl<'s> Zstd<'s> {
    fn new(mut tap: Tap<'s>, dictionary: u64) -> io::Result<Self> {
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(dictionary);
        decoder.init(&mut tap).map_err(|e| match e {
            FrameDecoderError::WindowSizeTooBig { .. } => Trouble::Dictionary,
            FrameDecoderError::DictNotProvided { .. } => Trouble::Unsupported,
            _ => Trouble::Damaged,
        })?;
        Ok(Zstd { decoder, tap, cut: false })
    }

    /// Whether the next block is there whole: three bytes of last, kind and size, then one byte or as many as the size says.
    fn whole(&self) -> bool {
        let at = self.tap.at.get();
        let Ok([a, b, c]) = self.tap.view.array::<3>(at) else { return false };
        let size = u32::from_le_bytes([a, b, c, 0]) >> 3;
        let body = if a >> 1 & 3 == 1 { 1 } else { u64::from(size) };
        at.saturating_add(3).saturating_add(body) <= self.tap.view.len()
    }
}

impl Read for Zstd<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        loop {
            if self.decoder.can_collect() > 0 {
                return self.decoder.read(buf);
            }
            if self.decoder.is_finished() {
                return Ok(0);
            }
            self.cut |= !self.whole();
            let blocks = BlockDecodingStrategy::UptoBlocks(1);
            let result = if self.cut { self.decoder.decode_blocks(ZSTD_END, blocks) } else { self.decoder.decode_blocks(&mut self.tap, blocks) };
            result.map_err(|_| io::Error::from(Trouble::Damaged))?;
        }
    }
}
