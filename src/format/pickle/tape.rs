//! The bytes of a pickle as the unpicklers consume them: forward, buffered, with CPython's treatment of frames on request.

use crate::bytes::View;
use crate::error::{Error, Result};
use weighstation_plain::run::special;

/// Bytes read at first: files of a million small pickles are written too.
const FIRST: usize = 512;
/// Bytes read at once later on.
const BUFFER: usize = 256 * 1024;
/// What a line costs, in nanoseconds or so.
const LINE: u64 = 80;

/// How an argument that reaches past the end of its frame is read. `pickle.loads` goes on one byte after the other, and the Python
/// unpickler raises. The C unpickler reading from a file does either: where the frame is all that it has in its buffer, it drops what is
/// left of the frame and reads the argument from behind it (python/cpython#154848); where the file could be looked into ahead, or the
/// argument is bytes, it goes on. So each such place is a fork, and this says which way is taken at each: bit `n` drops at the `n`th.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frames(u32);

impl Frames {
    /// One byte after the other.
    pub const LINEAR: Frames = Frames(0);
    /// Everything that can be dropped.
    pub const DROPPED: Frames = Frames(u32::MAX);
    /// Forks that can be told apart.
    pub const FORKS: u32 = 32;

    /// The other way at fork `n`.
    pub fn turned(self, n: u32) -> Frames {
        Frames(self.0 | 1 << (n % Self::FORKS))
    }
}

/// A forward reader with a position.
pub struct Tape<'s> {
    view: View<'s>,
    buf: Vec<u8>,
    /// Bytes that the next refill reads.
    room: usize,
    /// Offset in the view of `buf[0]`.
    start: u64,
    /// Next byte in `buf`.
    pub(super) next: usize,
    frames: Frames,
    frame_end: Option<u64>,
    /// Behind the frame's end the bytes go on here: what was read past the frame's buffer is not read again.
    jump: Option<(u64, u64)>,
    /// How many arguments reached past the end of their frame.
    pub forks: u32,
    /// What lines have cost beyond other opcodes, in nanoseconds or so: their numbers and texts are read letter by letter, and bytes are looked
    /// through for the end of one that is not in the buffer.
    pub searched: u64,
}

impl<'s> Tape<'s> {
    /// A reader from `at` on.
    pub fn new(view: View<'s>, at: u64, frames: Frames) -> Self {
        Tape { view, buf: Vec::new(), room: FIRST, start: at, next: 0, frames, frame_end: None, jump: None, forks: 0, searched: 0 }
    }

    /// Offset of the next byte.
    #[inline(always)]
    pub fn at(&self) -> u64 {
        self.start + self.next as u64
    }

    /// Bytes left.
    pub fn left(&self) -> u64 {
        self.view.len().saturating_sub(self.at())
    }

    #[cold]
    #[inline(never)]
    fn refill(&mut self) -> Result<bool> {
        let mut at = self.at();
        let mut room = self.room;
        self.room = (room * 8).min(BUFFER);
        if let Some((from, to)) = self.jump {
            if at >= from {
                at = to.max(at);
                self.jump = None;
            } else {
                room = room.min(usize::try_from(from - at).unwrap_or(room));
            }
        }
        room = room.min(usize::try_from(self.view.len().saturating_sub(at)).unwrap_or(room));
        if self.buf.len() < room {
            // One fill; `resize` is a loop over bytes where the module is compiled for size.
            self.buf = vec![0; room];
        }
        self.buf.truncate(room);
        let n = self.view.read(at, &mut self.buf)?;
        self.buf.truncate(n);
        self.start = at;
        self.next = 0;
        Ok(n > 0)
    }

    /// The next byte; `None` at the end.
    #[inline(always)]
    pub fn byte(&mut self) -> Result<Option<u8>> {
        if let Some(b) = self.buf.get(self.next) {
            self.next += 1;
            return Ok(Some(*b));
        }
        if !self.refill()? {
            return Ok(None);
        }
        let b = self.buf.first().copied();
        self.next = 1;
        Ok(b)
    }

    /// What the buffer holds from the position on, short of the frame's end.
    #[inline(always)]
    pub fn window(&self) -> &[u8] {
        let frame = match self.frame_end {
            Some(end) if end > self.at() => usize::try_from(end - self.start).unwrap_or(usize::MAX),
            _ => usize::MAX,
        };
        self.buf.get(self.next..self.buf.len().min(frame)).unwrap_or(&[])
    }

    /// Passes over bytes of the window.
    #[inline(always)]
    pub fn advance(&mut self, len: usize) {
        self.next += len;
    }

    fn seek(&mut self, at: u64) {
        if at >= self.start && at - self.start <= self.buf.len() as u64 {
            self.next = (at - self.start) as usize;
        } else {
            self.start = at;
            self.next = 0;
            self.buf.clear();
        }
    }

    /// Where joblib's unpickler, which is written in Python, takes an array from: behind the frame that it has in its buffer.
    pub fn raw_at(&self) -> u64 {
        let at = self.at();
        match (self.jump, self.frame_end) {
            (Some((_, to)), _) => to,
            (None, Some(end)) if end > at => end,
            _ => at,
        }
    }

    /// An array was taken from [`Tape::raw_at`] up to `end`; what is left of the frame still runs first.
    pub fn taken(&mut self, end: u64) {
        let at = self.at();
        match (self.jump, self.frame_end) {
            (Some((from, _)), _) => self.jump = Some((from, end)),
            (None, Some(frame)) if frame > at => {
                self.jump = Some((frame, end));
                let keep = usize::try_from(frame.saturating_sub(self.start)).unwrap_or(usize::MAX);
                self.buf.truncate(keep);
            }
            _ => {
                self.frame_end = None;
                self.seek(end);
            }
        }
    }

    /// Accounts for an argument of `len` bytes at the position: this is where the unpicklers differ.
    #[inline(always)]
    fn enter(&mut self, len: u64) {
        if let Some(end) = self.frame_end {
            self.cross(end, len);
        }
    }

    #[cold]
    #[inline(never)]
    fn cross(&mut self, end: u64, len: u64) {
        let at = self.at();
        if at >= end {
            self.frame_end = None;
        } else if len > end - at {
            self.frame_end = None;
            if self.drops() {
                self.seek(end);
            }
        }
    }

    /// At a fork: whether what is left of the frame is dropped.
    fn drops(&mut self) -> bool {
        let n = self.forks;
        self.forks = n.saturating_add(1);
        n < Frames::FORKS && self.frames.0 >> n & 1 == 1
    }

    /// The end of the frame that the position stands in, short of it.
    pub fn frame_left(&self) -> Option<u64> {
        self.frame_end.filter(|end| *end > self.at() && *end < self.view.len())
    }

    /// A FRAME opcode announced `len` bytes.
    pub fn frame(&mut self, len: u64) {
        let at = self.at();
        let end = at.saturating_add(len);
        match self.frame_end {
            Some(outer) if at < outer && end > outer => {
                if self.drops() {
                    self.seek(outer);
                    self.frame_end = Some(outer.saturating_add(len));
                } else {
                    self.frame_end = Some(end);
                }
            }
            Some(outer) if at < outer => {}
            _ => self.frame_end = Some(end),
        }
    }

    /// Exactly `N` bytes.
    #[inline(always)]
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        self.enter(N as u64);
        if let Some(bytes) = self.buf.get(self.next..self.next + N)
            && let Ok(out) = <[u8; N]>::try_from(bytes)
        {
            self.next += N;
            return Ok(out);
        }
        self.array_slow()
    }

    /// An argument of one byte.
    #[inline(always)]
    pub fn small(&mut self) -> Result<u64> {
        self.array::<1>().map(|[n]| u64::from(n))
    }

    /// An argument of four bytes.
    #[inline(always)]
    pub fn word(&mut self) -> Result<u32> {
        self.array().map(u32::from_le_bytes)
    }

    #[cold]
    #[inline(never)]
    fn array_slow<const N: usize>(&mut self) -> Result<[u8; N]> {
        self.refill()?;
        let bytes = self.buf.get(..N).ok_or(Error::malformed(self.at(), "ends-early"))?;
        let out = <[u8; N]>::try_from(bytes).map_err(|_| Error::malformed(self.start, "ends-early"))?;
        self.next = N;
        Ok(out)
    }

    /// Passes over `len` bytes and returns their offset.
    #[inline(always)]
    pub fn skip(&mut self, len: u64) -> Result<u64> {
        self.enter(len);
        let at = self.at();
        if len <= (self.buf.len() - self.next) as u64 {
            self.next += len as usize;
            return Ok(at);
        }
        if len > self.view.len().saturating_sub(at) {
            return Err(Error::malformed(at, "ends-early"));
        }
        self.seek(at + len);
        Ok(at)
    }

    /// Passes over a line; returns its offset and its length without the newline. At the end of the bytes the Python unpickler
    /// takes what there is and drops its last byte as if it were the newline.
    pub fn line(&mut self) -> Result<(u64, u64)> {
        self.searched = self.searched.saturating_add(LINE);
        if let Some(end) = self.frame_end {
            let at = self.at();
            if at >= end {
                self.frame_end = None;
            } else {
                let len = self.find_newline()?;
                if at + len >= end {
                    self.frame_end = None;
                    if self.drops() {
                        self.seek(end);
                    }
                }
            }
        }
        let at = self.at();
        let len = self.find_newline()?;
        let after = at + len + 1;
        if after > self.view.len() {
            self.seek(self.view.len());
            if len == 0 {
                return Err(Error::malformed(at, "ends-early"));
            }
            return Ok((at, len - 1));
        }
        self.seek(after);
        Ok((at, len))
    }

    /// Bytes from the position to the next newline or the end, without moving.
    fn find_newline(&mut self) -> Result<u64> {
        if let Some(n) = self.buf.get(self.next..).and_then(|b| b.iter().position(|b| *b == b'\n')) {
            return Ok(n as u64);
        }
        let from = self.at();
        let mut at = from;
        let mut chunk = vec![0; 64 * 1024];
        loop {
            let n = self.view.read(at, &mut chunk)?;
            if n == 0 {
                return Ok(at - from);
            }
            if let Some(found) = chunk[..n].iter().position(|b| *b == b'\n') {
                return Ok(at - from + found as u64);
            }
            at += n as u64;
            self.searched = self.searched.saturating_add(n as u64);
        }
    }

    /// Up to `cap` bytes at an offset, without moving.
    pub fn peek(&self, at: u64, len: u64, cap: usize) -> Vec<u8> {
        let len = len.min(cap as u64) as usize;
        let mut out = vec![0; len];
        if at >= self.start
            && let Some(bytes) = usize::try_from(at - self.start).ok().and_then(|f| self.buf.get(f..f + len))
        {
            out.copy_from_slice(bytes);
            return out;
        }
        let n = self.view.read(at, &mut out).unwrap_or(0);
        out.truncate(n);
        out
    }

    /// Whether a text is [`special`]. One that reaches over the end of the buffer may be.
    #[inline(always)]
    pub fn may_be_special(&self, at: u64, len: u64) -> bool {
        if len <= 2 || len >= 64 {
            return false;
        }
        let Some(from) = at.checked_sub(self.start) else { return true };
        self.buf.get(from as usize..).is_none_or(|text| text.len() < len as usize || special(text, len as usize))
    }
}
