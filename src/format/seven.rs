//! 7z (`7zFormat.txt` of the LZMA SDK): the header with its folders and names, and every member whose coders are decoded.
//!
//! # Why not a 7z crate
//! The one there is costs ten times as much as its decoders, which are here already, and unpacks a folder whole.

use super::stream::told;
use super::{Format, Match};
use crate::bytes::{Branch, Coder, Pages, Unpacked, View};
use crate::error::{Error, Result};
use crate::fact::Fact;
use crate::scan::Scan;
use std::collections::HashSet;

/// Any 7z archive.
pub const SEVEN: Format = Format { id: "7z", name: "7-Zip archive", extensions: &["7z"], refines: &[], probe, read };

const MAGIC: &[u8] = b"7z\xbc\xaf\x27\x1c";
/// Bytes of the signature header; every offset counts from its end.
const START: u64 = 32;
/// Coders of one folder, as in 7-Zip.
const CODERS: u64 = 32;
/// Packed headers inside one another.
const HEADERS: u32 = 4;

mod id {
    pub const END: u64 = 0;
    pub const HEADER: u64 = 1;
    pub const ARCHIVE_PROPERTIES: u64 = 2;
    pub const ADDITIONAL_STREAMS: u64 = 3;
    pub const MAIN_STREAMS: u64 = 4;
    pub const FILES: u64 = 5;
    pub const PACK_INFO: u64 = 6;
    pub const UNPACK_INFO: u64 = 7;
    pub const SUBSTREAMS: u64 = 8;
    pub const SIZE: u64 = 9;
    pub const CRC: u64 = 10;
    pub const FOLDER: u64 = 11;
    pub const UNPACK_SIZE: u64 = 12;
    pub const UNPACK_STREAMS: u64 = 13;
    pub const EMPTY_STREAM: u64 = 14;
    pub const EMPTY_FILE: u64 = 15;
    pub const NAMES: u64 = 17;
    pub const ATTRIBUTES: u64 = 21;
    pub const ENCODED_HEADER: u64 = 23;
}

fn probe(view: View<'_>) -> Match {
    if view.has(0, MAGIC) { Match::Sure } else { Match::No }
}

/// A position in a header that is held in memory.
struct Tape<'b> {
    bytes: &'b [u8],
    at: usize,
}

fn malformed(at: usize, what: &'static str) -> Error {
    Error::malformed(at as u64, what)
}

impl<'b> Tape<'b> {
    fn left(&self) -> usize {
        self.bytes.len().saturating_sub(self.at)
    }

    fn take(&mut self, len: u64) -> Result<&'b [u8]> {
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        let end = self.at.checked_add(len).ok_or(malformed(self.at, "past-end"))?;
        let out = self.bytes.get(self.at..end).ok_or(malformed(self.at, "past-end"))?;
        self.at = end;
        Ok(out)
    }

    fn byte(&mut self) -> Result<u8> {
        Ok(self.take(1)?.first().copied().unwrap_or(0))
    }

    /// A number of one to nine bytes: the leading ones of the first say how many follow.
    fn number(&mut self) -> Result<u64> {
        let first = self.byte()?;
        let more = first.leading_ones();
        let low = self.take(u64::from(more))?.iter().rev().fold(0u64, |n, b| n << 8 | u64::from(*b));
        let high = if more < 7 { u64::from(first) & (0x7f >> more) } else { 0 };
        Ok(if more < 8 { low | high.checked_shl(8 * more).unwrap_or(0) } else { low })
    }

    /// A number of things that each take at least a bit of what is left.
    fn count(&mut self) -> Result<usize> {
        let n = self.number()?;
        let most = (self.left() as u64).saturating_mul(8).saturating_add(8);
        if n > most {
            return Err(malformed(self.at, "7z-count"));
        }
        Ok(n as usize)
    }

    fn bits(&mut self, count: usize) -> Result<Vec<bool>> {
        let bytes = self.take(count.div_ceil(8) as u64)?;
        Ok((0..count).map(|n| bytes.get(n / 8).is_some_and(|b| b >> (7 - n % 8) & 1 == 1)).collect())
    }

    /// A bit for each thing, or one byte that says it of all.
    fn defined(&mut self, count: usize) -> Result<Vec<bool>> {
        if self.byte()? != 0 { Ok(vec![true; count]) } else { self.bits(count) }
    }

    /// Checksums: which are there, then those.
    fn digests(&mut self, count: usize) -> Result<Vec<Option<u32>>> {
        let there = self.defined(count)?;
        there.into_iter().map(|there| if there { Ok(Some(self.take(4)?.iter().rev().fold(0u32, |n, b| n << 8 | u32::from(*b)))) } else { Ok(None) }).collect()
    }
}

/// Streams that were packed together.
#[derive(Default)]
struct Folder {
    /// Method and properties.
    coders: Vec<(u64, Vec<u8>)>,
    /// Which coder feeds from which.
    binds: Vec<(u64, u64)>,
    /// Coders with more than one stream on either side.
    branched: bool,
    packed: usize,
    /// Where the first packed stream enters.
    enters: u64,
    sizes: Vec<u64>,
    /// CRC-32 of all that comes out.
    crc: Option<u32>,
    /// Sizes of the members inside.
    members: Vec<u64>,
    /// CRC-32 of the members, where it is said.
    sums: Vec<Option<u32>>,
}

#[derive(Default)]
struct Streams {
    position: u64,
    packed: Vec<u64>,
    folders: Vec<Folder>,
}

fn folder(t: &mut Tape<'_>) -> Result<Folder> {
    let mut f = Folder::default();
    let coders = t.number()?;
    if coders == 0 || coders > CODERS {
        return Err(malformed(t.at, "7z-folder"));
    }
    let (mut inputs, mut outputs) = (0u64, 0u64);
    for _ in 0..coders {
        let flags = t.byte()?;
        let method = t.take(u64::from(flags & 15))?.iter().fold(0u64, |n, b| n << 8 | u64::from(*b));
        let (mut ins, mut outs) = (1, 1);
        if flags & 16 != 0 {
            ins = t.number()?;
            outs = t.number()?;
            if ins > CODERS || outs > CODERS {
                return Err(malformed(t.at, "7z-folder"));
            }
            f.branched |= ins != 1 || outs != 1;
        }
        inputs += ins;
        outputs += outs;
        let props = if flags & 32 != 0 {
            let len = t.number()?;
            t.take(len)?.to_vec()
        } else {
            Vec::new()
        };
        f.coders.push((method, props));
    }
    let binds = outputs.saturating_sub(1);
    for _ in 0..binds {
        f.binds.push((t.number()?, t.number()?));
    }
    let packed = inputs.checked_sub(binds).filter(|p| *p > 0).ok_or(malformed(t.at, "7z-folder"))?;
    f.packed = packed as usize;
    if packed == 1 {
        f.enters = (0..inputs).find(|i| !f.binds.iter().any(|(input, _)| input == i)).unwrap_or(0);
    } else {
        for _ in 0..packed {
            t.number()?;
        }
    }
    // The sizes are counted by the streams that come out.
    f.sizes = vec![0; outputs as usize];
    Ok(f)
}

fn streams(t: &mut Tape<'_>) -> Result<Streams> {
    let mut s = Streams::default();
    loop {
        match t.number()? {
            id::END => break,
            id::PACK_INFO => pack_info(t, &mut s)?,
            id::UNPACK_INFO => unpack_info(t, &mut s)?,
            id::SUBSTREAMS => return substreams(t, s),
            _ => return Err(malformed(t.at, "7z-header")),
        }
    }
    for f in &mut s.folders {
        f.members = vec![f.size()];
        f.sums = vec![f.crc];
    }
    Ok(s)
}

fn pack_info(t: &mut Tape<'_>, s: &mut Streams) -> Result<()> {
    s.position = t.number()?;
    let count = t.count()?;
    loop {
        match t.number()? {
            id::END => return Ok(()),
            id::SIZE => {
                for _ in 0..count {
                    s.packed.push(t.number()?);
                }
            }
            id::CRC => {
                t.digests(count)?;
            }
            _ => return Err(malformed(t.at, "7z-header")),
        }
    }
}

fn unpack_info(t: &mut Tape<'_>, s: &mut Streams) -> Result<()> {
    if t.number()? != id::FOLDER {
        return Err(malformed(t.at, "7z-header"));
    }
    let count = t.count()?;
    if t.byte()? != 0 {
        return Err(malformed(t.at, "7z-external"));
    }
    for _ in 0..count {
        s.folders.push(folder(t)?);
    }
    loop {
        match t.number()? {
            id::END => return Ok(()),
            id::UNPACK_SIZE => {
                for size in s.folders.iter_mut().flat_map(|f| f.sizes.iter_mut()) {
                    *size = t.number()?;
                }
            }
            id::CRC => {
                let sums = t.digests(count)?;
                for (f, sum) in s.folders.iter_mut().zip(sums) {
                    f.crc = sum;
                }
            }
            _ => return Err(malformed(t.at, "7z-header")),
        }
    }
}

fn substreams(t: &mut Tape<'_>, mut s: Streams) -> Result<Streams> {
    let mut counts = vec![1; s.folders.len()];
    let mut kind = t.number()?;
    if kind == id::UNPACK_STREAMS {
        for n in &mut counts {
            *n = t.count()?;
        }
        kind = t.number()?;
    }
    let sized = kind == id::SIZE;
    for (f, n) in s.folders.iter_mut().zip(&counts) {
        let mut left = f.size();
        for last in (0..*n).rev() {
            let size = if last == 0 {
                left
            } else if sized {
                t.number()?
            } else {
                0
            };
            left = left.checked_sub(size).ok_or(malformed(t.at, "7z-size"))?;
            f.members.push(size);
        }
    }
    if sized {
        kind = t.number()?;
    }
    loop {
        match kind {
            id::END => break,
            id::CRC => {
                let known = |f: &Folder, n: usize| n == 1 && f.crc.is_some();
                let unknown = s.folders.iter().zip(&counts).map(|(f, n)| if known(f, *n) { 0 } else { *n }).sum();
                let mut sums = t.digests(unknown)?.into_iter();
                for (f, n) in s.folders.iter_mut().zip(&counts) {
                    f.sums = if known(f, *n) { vec![f.crc] } else { sums.by_ref().take(*n).collect() };
                }
            }
            _ => return Err(malformed(t.at, "7z-header")),
        }
        kind = t.number()?;
    }
    for (f, n) in s.folders.iter_mut().zip(&counts) {
        if f.sums.is_empty() && *n == 1 {
            f.sums = vec![f.crc];
        }
    }
    // What follows the inner END is the END of the streams.
    if t.number()? != id::END {
        return Err(malformed(t.at, "7z-header"));
    }
    Ok(s)
}

impl Folder {
    /// Bytes that come out at the end: of the stream that no other coder takes.
    fn size(&self) -> u64 {
        let last = (0..self.sizes.len() as u64).find(|n| !self.binds.iter().any(|(_, out)| out == n));
        last.and_then(|n| self.sizes.get(n as usize)).copied().unwrap_or(0)
    }

    /// The coders in the order in which the bytes pass through them; the gap's id where one is not decoded.
    fn chain(&self) -> std::result::Result<Vec<Coder>, &'static str> {
        if self.coders.iter().any(|(method, _)| *method == AES) {
            return Err("encrypted");
        }
        if self.branched || self.packed != 1 {
            return Err("method-unknown");
        }
        let mut out = Vec::new();
        let mut next = Some(self.enters);
        while let Some(n) = next.filter(|_| out.len() < self.coders.len()) {
            let (method, props) = self.coders.get(n as usize).ok_or("method-unknown")?;
            let size = self.sizes.get(n as usize).copied().unwrap_or(0);
            out.push(coder(*method, props, size).ok_or("method-unknown")?);
            next = self.binds.iter().find(|(_, output)| *output == n).map(|(input, _)| *input);
        }
        if out.len() == self.coders.len() { Ok(out) } else { Err("method-unknown") }
    }
}

/// Members up to this size are held against their checksums.
const SUMMED: u64 = 1 << 20;

/// AES-256 in CBC mode with a key from a password.
const AES: u64 = 0x06f1_0701;

/// The decoder of a method (`Methods.txt` of 7-Zip).
fn coder(method: u64, props: &[u8], size: u64) -> Option<Coder> {
    Some(match (method, props) {
        (0, _) => Coder::Copy,
        (0x03_01_01, [props, a, b, c, d, ..]) => Coder::Lzma { props: *props, dictionary: u32::from_le_bytes([*a, *b, *c, *d]), size },
        (0x21, [bits, ..]) => Coder::Lzma2 { dictionary: lzma2_dictionary(*bits)? },
        (0x03, distance) => Coder::Delta { distance: usize::from(distance.first().copied().unwrap_or(0)) + 1 },
        (0x04_01_08, _) => Coder::Deflate,
        (0x04_02_02, _) => Coder::Bzip2,
        (0x04f7_1101, _) => Coder::Zstd,
        (0x04f7_1104, _) => Coder::Lz4,
        (0x04 | 0x0303_0103, _) => Coder::Branch(Branch::X86),
        (0x05 | 0x0303_0205, _) => Coder::Branch(Branch::PowerPc),
        (0x06 | 0x0303_0401, _) => Coder::Branch(Branch::Ia64),
        (0x07 | 0x0303_0501, _) => Coder::Branch(Branch::Arm),
        (0x08 | 0x0303_0701, _) => Coder::Branch(Branch::Thumb),
        (0x09 | 0x0303_0805, _) => Coder::Branch(Branch::Sparc),
        (0x0a, _) => Coder::Branch(Branch::Arm64),
        (0x0b, _) => Coder::Branch(Branch::RiscV),
        _ => return None,
    })
}

/// The size that LZMA2's one byte stands for: two or three, times a power of two.
fn lzma2_dictionary(bits: u8) -> Option<u32> {
    match bits {
        40 => Some(u32::MAX),
        bits if bits < 40 => (2 | u32::from(bits & 1)).checked_shl(u32::from(bits / 2) + 11),
        _ => None,
    }
}

/// A member as the header lists it.
struct File {
    name: String,
    /// Whether it has bytes.
    stream: bool,
    folder: bool,
    /// Unix mode, where the attributes carry one.
    mode: u32,
}

fn files(t: &mut Tape<'_>) -> Result<Vec<File>> {
    let count = t.count()?;
    let mut out: Vec<File> = (0..count).map(|_| File { name: String::new(), stream: true, folder: false, mode: 0 }).collect();
    let mut empty = Vec::new();
    loop {
        let kind = t.number()?;
        if kind == id::END {
            return Ok(out);
        }
        let len = t.number()?;
        let bytes = t.take(len)?;
        let mut p = Tape { bytes, at: 0 };
        match kind {
            id::EMPTY_STREAM => {
                empty = p.bits(count)?;
                for (f, empty) in out.iter_mut().zip(&empty) {
                    f.stream = !empty;
                    f.folder = *empty;
                }
            }
            id::EMPTY_FILE => {
                let files = p.bits(empty.iter().filter(|e| **e).count())?;
                for (f, file) in out.iter_mut().filter(|f| !f.stream).zip(files) {
                    f.folder = !file;
                }
            }
            id::NAMES => {
                if p.byte()? != 0 {
                    return Err(malformed(t.at, "7z-external"));
                }
                let units: Vec<u16> = p.take(p.left() as u64)?.chunks_exact(2).filter_map(|c| <[u8; 2]>::try_from(c).ok()).map(u16::from_le_bytes).collect();
                for (f, name) in out.iter_mut().zip(units.split(|u| *u == 0)) {
                    f.name = String::from_utf16_lossy(name);
                }
            }
            id::ATTRIBUTES => {
                let there = p.defined(count)?;
                if p.byte()? != 0 {
                    return Err(malformed(t.at, "7z-external"));
                }
                for (f, _) in out.iter_mut().zip(there).filter(|(_, there)| *there) {
                    let value = p.take(4)?.iter().rev().fold(0u32, |n, b| n << 8 | u32::from(*b));
                    if value & 0x8000 != 0 {
                        f.mode = value >> 16;
                    }
                }
            }
            _ => {}
        }
    }
}

fn read(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    let (offset, size) = (view.u64(12)?, view.u64(20)?);
    if size == 0 {
        return super::trailing(view, START, scan);
    }
    let at = START.checked_add(offset).ok_or(Error::malformed(12, "past-end"))?;
    let end = at.checked_add(size).ok_or(Error::malformed(20, "past-end"))?;
    let mut header = view.take(at, size, scan.limits().header)?;
    for _ in 0..HEADERS {
        let mut t = Tape { bytes: &header, at: 0 };
        match t.number()? {
            id::HEADER => {
                members(view, &mut t, scan)?;
                return if end < view.len() { super::trailing(view, end, scan) } else { Ok(()) };
            }
            id::ENCODED_HEADER => {
                let packed = streams(&mut t)?;
                match unpacked_header(view, &packed, scan)? {
                    Some(inner) => header = inner,
                    None => return Ok(()),
                }
            }
            _ => return Err(Error::malformed(at, "7z-header")),
        }
    }
    Err(Error::malformed(at, "7z-header"))
}

/// The header behind a packed header; `None`, and a gap, where it cannot be unpacked.
fn unpacked_header(view: View<'_>, s: &Streams, scan: &mut Scan<'_>) -> Result<Option<Vec<u8>>> {
    let (Some(folder), Some(len)) = (s.folders.first(), s.packed.first()) else { return Err(Error::malformed(0, "7z-header")) };
    let coders = match folder.chain() {
        Ok(coders) => coders,
        Err(gap) => {
            scan.gap(gap);
            return Ok(None);
        }
    };
    let packed = view.slice(START.saturating_add(s.position), *len)?;
    let unpacked = match Unpacked::claimed(packed, &coders, scan.bounds(), folder.size()) {
        Ok(unpacked) => unpacked,
        Err(ending) => {
            told(scan, ending, packed, "", 0);
            return Ok(None);
        }
    };
    let pages = Pages::new(&unpacked);
    View::of_inflated(&pages).take(0, folder.size(), scan.limits().header).map(Some)
}

fn members(view: View<'_>, t: &mut Tape<'_>, scan: &mut Scan<'_>) -> Result<()> {
    let mut s = Streams::default();
    let mut listed = Vec::new();
    loop {
        match t.number()? {
            id::END => break,
            id::ARCHIVE_PROPERTIES => {
                while t.number()? != id::END {
                    let len = t.number()?;
                    t.take(len)?;
                }
            }
            id::ADDITIONAL_STREAMS => {
                streams(t)?;
            }
            id::MAIN_STREAMS => s = streams(t)?,
            id::FILES => listed = files(t)?,
            _ => return Err(malformed(t.at, "7z-header")),
        }
    }
    names(view, &listed, scan);
    let mut waiting = listed.iter().filter(|f| f.stream);
    let mut packed = 0usize;
    let mut at = START.saturating_add(s.position);
    for folder in &s.folders {
        let len = s.packed.get(packed..packed.saturating_add(folder.packed)).unwrap_or(&[]).iter().fold(0u64, |n, p| n.saturating_add(*p));
        packed = packed.saturating_add(folder.packed);
        let inside: Vec<&File> = waiting.by_ref().take(folder.members.len()).collect();
        unpack(view, at, len, folder, &inside, scan)?;
        at = at.saturating_add(len);
    }
    for f in waiting {
        let path = scan.path_of(&f.name);
        scan.gap_in("member-missing", &path);
    }
    Ok(())
}

/// What the names say by themselves.
fn names(view: View<'_>, listed: &[File], scan: &mut Scan<'_>) {
    let mut seen = HashSet::new();
    for f in listed {
        if super::zip::leaves_folder(&f.name) {
            scan.state(view, 0, START, Fact::Traversal { target: f.name.clone() });
        }
        if !f.folder && !seen.insert(f.name.as_str()) {
            scan.state(view, 0, START, Fact::Archive { what: "repeated-member", name: f.name.clone(), detail: String::new() });
        }
    }
}

/// Reads the members of one folder: one stream, cut into them in order.
fn unpack(view: View<'_>, at: u64, len: u64, folder: &Folder, inside: &[&File], scan: &mut Scan<'_>) -> Result<()> {
    let gap = |scan: &mut Scan<'_>, why: &str| {
        for f in inside {
            let path = scan.path_of(&f.name);
            scan.gap_in(why, &path);
        }
    };
    let left = view.len().saturating_sub(at);
    if len > left {
        gap(scan, "damaged-member");
    }
    let packed = view.slice(at.min(view.len()), len.min(left))?;
    let coders = match folder.chain() {
        Ok(coders) => coders,
        Err(why) => {
            gap(scan, why);
            return Ok(());
        }
    };
    let size = folder.size();
    let ratio = scan.limits().ratio;
    if size > 16 << 20 && size / ratio.max(1) > packed.len().max(1) {
        let name = inside.first().map_or("", |f| f.name.as_str());
        scan.state(
            packed,
            0,
            packed.len().min(64),
            Fact::Archive { what: "bomb", name: name.to_string(), detail: format!("{size} bytes from {}", packed.len()) },
        );
    }
    let unpacked = match Unpacked::claimed(packed, &coders, scan.bounds(), size) {
        Ok(unpacked) => unpacked,
        Err(ending) => {
            told(scan, ending, packed, "", 0);
            return Ok(());
        }
    };
    let pages = Pages::new(&unpacked);
    let plain = View::of_inflated(&pages);
    let mut from = 0u64;
    for (n, (f, size)) in inside.iter().zip(&folder.members).enumerate() {
        let data = plain.slice(from, *size)?;
        from = from.saturating_add(*size);
        if let Some(Some(sum)) = folder.sums.get(n) {
            check_sum(f, data, *sum, packed, scan)?;
        }
        if f.mode & 0o170_000 == 0o120_000 {
            link(f, data, scan);
        }
        scan.child(&f.name, data, false);
    }
    Ok(())
}

/// Says where a member is not what its checksum says. Long members are not read for it alone.
fn check_sum(f: &File, data: View<'_>, sum: u32, packed: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    if data.len() > SUMMED {
        return Ok(());
    }
    let mut crc = flate2::Crc::new();
    crc.update(&data.head(SUMMED as usize)?);
    if crc.sum() != sum {
        let detail = format!("claimed CRC-32 {sum:08x}, found {:08x}", crc.sum());
        scan.state(packed, 0, packed.len().min(64), Fact::Archive { what: "wrong-checksum", name: f.name.clone(), detail });
    }
    Ok(())
}

/// A symbolic link keeps its target as its contents.
fn link(f: &File, data: View<'_>, scan: &mut Scan<'_>) {
    if let Ok(target) = data.head(4096) {
        super::tar::state_link(data, &f.name, &String::from_utf8_lossy(&target), scan);
    }
}
