//! Where a dataset's elements lie: in the header, in one piece, in chunks, in other files.

use super::heap::Globals;
use super::raw::{Cursor, File, Message};
use crate::error::{Error, Result};

/// Chunks of one dataset that are looked at.
const CHUNKS: u64 = 200_000;

/// A filter of a pipeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    /// Registered number.
    pub id: u16,
    /// First client value: the element size for shuffle.
    pub value: u32,
}

impl Filter {
    /// The name in use; `None` for a number that nobody registered.
    pub fn name(&self) -> Option<&'static str> {
        Some(match self.id {
            1 => "deflate",
            2 => "shuffle",
            3 => "fletcher32",
            4 => "szip",
            5 => "nbit",
            6 => "scaleoffset",
            // PyTables used numbers of its own before there was a register.
            305 => "lzo",
            307 => "bzip2",
            32000 => "lzf",
            32001 => "blosc",
            32004 => "lz4",
            32008 => "bitshuffle",
            32013 => "zfp",
            32015 => "zstd",
            32026 => "blosc2",
            // The HDF Group registers numbers from 256 on for anybody who asks.
            256..=511 | 32002..=32100 => "registered filter",
            _ => return None,
        })
    }
}

/// Reads a filter pipeline message.
pub fn filters(file: &File<'_>, m: &Message) -> Result<Vec<Filter>> {
    let mut c = Cursor::new(file.view, m.at);
    let version = c.u8()?;
    let count = c.u8()?;
    c.skip(if version == 1 { 6 } else { 0 });
    let mut out = Vec::new();
    for _ in 0..count {
        let id = c.u16()?;
        let named = version == 1 || id >= 256;
        let name = if named { u64::from(c.u16()?) } else { 0 };
        c.skip(2);
        let values = c.u16()?;
        c.skip(if version == 1 { name.saturating_add(7) & !7 } else { name });
        let value = if values > 0 { Cursor::new(file.view, c.at).u32()? } else { 0 };
        c.skip(4 * u64::from(values));
        c.skip(if version == 1 && values % 2 == 1 { 4 } else { 0 });
        out.push(Filter { id, value });
    }
    Ok(out)
}

/// How the elements are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Layout {
    /// In the object header.
    Compact {
        /// Offset.
        at: u64,
        /// Bytes.
        len: u64,
    },
    /// In one piece, which need not have been written.
    Contiguous {
        /// Address.
        at: Option<u64>,
        /// Bytes.
        len: u64,
    },
    /// In pieces of one shape.
    Chunked {
        /// How the pieces are found.
        index: Index,
        /// Address of the index.
        at: Option<u64>,
        /// Shape of a piece, in elements.
        chunk: Vec<u64>,
    },
    /// Put together from other datasets.
    Virtual {
        /// Global heap collection that lists them.
        heap: Option<u64>,
        /// Object in it.
        object: u32,
    },
    /// Something that the specification does not name.
    Unknown,
}

/// How chunks are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Index {
    /// A version 1 B-tree; the number of dimensions of its keys.
    Tree(u8),
    /// There is one chunk; its stored size if it is filtered.
    Single(Option<u64>),
    /// All of them in a row.
    Implicit,
    /// A fixed array.
    Fixed,
    /// An array that grows along one dimension.
    Extensible,
    /// A version 2 B-tree.
    NewTree,
    /// A number that the specification does not name.
    Unknown,
}

impl Layout {
    /// Reads a layout message.
    pub fn read(file: &File<'_>, m: &Message) -> Result<Layout> {
        let mut c = Cursor::new(file.view, m.at);
        match c.u8()? {
            1 | 2 => old(file, &mut c),
            3 => later(file, &mut c, in_tree),
            4 | 5 => later(file, &mut c, by_index),
            _ => Ok(Layout::Unknown),
        }
    }
}

fn old(file: &File<'_>, c: &mut Cursor<'_>) -> Result<Layout> {
    let rank = c.u8()?;
    let class = c.u8()?;
    c.skip(5);
    let at = if class == 0 { None } else { file.address(c)? };
    let mut dims = Vec::new();
    for _ in 0..rank {
        dims.push(u64::from(c.u32()?));
    }
    Ok(match class {
        0 => {
            let len = u64::from(c.u32()?);
            Layout::Compact { at: c.at, len }
        }
        // The last dimension is the size of an element.
        1 => Layout::Contiguous { at, len: dims.iter().fold(1u64, |n, d| n.saturating_mul(*d)) },
        2 => {
            dims.pop();
            Layout::Chunked { index: Index::Tree(rank), at, chunk: dims }
        }
        _ => Layout::Unknown,
    })
}

/// Versions 3 to 5, which differ in how chunks are found.
fn later(file: &File<'_>, c: &mut Cursor<'_>, chunked: fn(&File<'_>, &mut Cursor<'_>) -> Result<Layout>) -> Result<Layout> {
    Ok(match c.u8()? {
        0 => {
            let len = u64::from(c.u16()?);
            Layout::Compact { at: c.at, len }
        }
        1 => Layout::Contiguous { at: file.address(c)?, len: file.length(c)? },
        2 => chunked(file, c)?,
        3 => Layout::Virtual { heap: file.address(c)?, object: c.u32()? },
        _ => Layout::Unknown,
    })
}

fn in_tree(file: &File<'_>, c: &mut Cursor<'_>) -> Result<Layout> {
    let rank = c.u8()?;
    let at = file.address(c)?;
    let mut chunk = Vec::new();
    for _ in 1..rank {
        chunk.push(u64::from(c.u32()?));
    }
    Ok(Layout::Chunked { index: Index::Tree(rank), at, chunk })
}

fn by_index(file: &File<'_>, c: &mut Cursor<'_>) -> Result<Layout> {
    let flags = c.u8()?;
    let rank = c.u8()?;
    let width = usize::from(c.u8()?);
    let mut chunk = Vec::new();
    for _ in 1..rank {
        chunk.push(c.uint(width)?);
    }
    c.skip(width as u64);
    let index = match c.u8()? {
        1 if flags & 2 != 0 => {
            let size = file.length(c)?;
            c.skip(4);
            Index::Single(Some(size))
        }
        1 => Index::Single(None),
        2 => Index::Implicit,
        3 => {
            c.skip(1);
            Index::Fixed
        }
        4 => {
            c.skip(5);
            Index::Extensible
        }
        5 => {
            c.skip(6);
            Index::NewTree
        }
        _ => Index::Unknown,
    };
    let at = if index == Index::Unknown { None } else { file.address(c)? };
    Ok(Layout::Chunked { index, at, chunk })
}

/// A piece of a dataset as it lies in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// Offset.
    pub at: u64,
    /// Stored bytes.
    pub len: u64,
    /// Filters that were left out for it, by bit.
    pub left_out: u32,
}

/// What [`chunks`] needs to know beside the layout.
pub struct Pieces {
    /// Bytes of a chunk before filters.
    pub raw: u64,
    /// Number of chunks that the shape needs.
    pub count: u64,
    /// Whether there are filters, so that every chunk has a size of its own.
    pub filtered: bool,
    /// Number of dimensions.
    pub rank: u64,
}

/// Every stored chunk. An index of a kind that is not read is an error, so that it becomes a gap.
pub fn chunks(file: &File<'_>, index: Index, at: Option<u64>, pieces: &Pieces, each: &mut dyn FnMut(Chunk) -> Result<()>) -> Result<()> {
    let Some(at) = at else { return Ok(()) };
    let mut seen = 0u64;
    let mut each = |chunk: Chunk| {
        seen += 1;
        if seen > CHUNKS { Err(Error::limit(at, "hdf5-chunks")) } else { each(chunk) }
    };
    let plain = |at: u64| Chunk { at, len: pieces.raw, left_out: 0 };
    match index {
        Index::Tree(rank) => {
            // A key: stored bytes, filter mask, and an offset for every dimension.
            let key = 8 + 8 * u64::from(rank);
            file.old_tree(at, 1, key, &mut |key_at, child| {
                let mut c = Cursor::new(file.view, key_at);
                let (len, left_out) = (u64::from(c.u32()?), c.u32()?);
                each(Chunk { at: child, len, left_out })
            })
        }
        Index::Single(size) => each(Chunk { at, len: size.unwrap_or(pieces.raw), left_out: 0 }),
        Index::Implicit => {
            let mut next = at;
            for _ in 0..pieces.count {
                each(plain(next))?;
                next = next.saturating_add(pieces.raw);
            }
            Ok(())
        }
        Index::NewTree => file.new_tree(at, &mut |at, size| {
            let mut c = Cursor::new(file.view, at);
            // Behind the entry stands the chunk's place, one number a dimension.
            let size = u64::from(size).saturating_sub(8u64.saturating_mul(pieces.rank));
            let chunk = entry(file, &mut c, pieces, size)?;
            chunk.map_or(Ok(()), &mut each)
        }),
        Index::Fixed => fixed(file, at, pieces, &mut each),
        Index::Extensible => extensible(file, at, pieces, &mut each),
        Index::Unknown => Err(Error::limit(at, "hdf5-chunks")),
    }
}

/// One entry of a chunk index: an address, and if there are filters the stored size and the mask. `size` is that of the entry and
/// tells how wide the stored size is.
fn entry(file: &File<'_>, c: &mut Cursor<'_>, pieces: &Pieces, size: u64) -> Result<Option<Chunk>> {
    let at = file.address(c)?;
    if !pieces.filtered {
        return Ok(at.map(|at| Chunk { at, len: pieces.raw, left_out: 0 }));
    }
    let width = size.saturating_sub(file.offsets as u64 + 4).clamp(1, 8) as usize;
    let len = c.uint(width)?;
    let left_out = c.u32()?;
    Ok(at.map(|at| Chunk { at, len, left_out }))
}

/// A fixed array (`FAHD`, `FADB`): all entries in one block, or in pages with a bit for each page that was written.
fn fixed(file: &File<'_>, at: u64, pieces: &Pieces, each: &mut dyn FnMut(Chunk) -> Result<()>) -> Result<()> {
    let mut c = file.signed(at, b"FAHD", "hdf5-chunks")?;
    c.skip(2);
    let size = u64::from(c.u8()?);
    let page_bits = c.u8()?;
    let count = file.length(&mut c)?;
    let Some(block) = file.address(&mut c)? else { return Ok(()) };
    let mut c = file.signed(block, b"FADB", "hdf5-chunks")?;
    c.skip(2 + file.offsets as u64);
    let page = 1u64.checked_shl(u32::from(page_bits)).unwrap_or(u64::MAX);
    if count <= page {
        return entries(file, &mut c, count, size, pieces, each);
    }
    let pages = count.div_ceil(page.max(1));
    if pages > CHUNKS {
        return Err(Error::limit(at, "hdf5-chunks"));
    }
    let bitmap = c.at;
    c.skip(pages.div_ceil(8).saturating_add(4));
    for n in 0..pages {
        let here = page.min(count - n * page);
        let start = c.at;
        if bit(file, bitmap, n)? {
            entries(file, &mut c, here, size, pieces, each)?;
        }
        c.at = start.saturating_add(here.saturating_mul(size)).saturating_add(4);
    }
    Ok(())
}

/// One bit of a page bitmap, counted from the highest of each byte.
fn bit(file: &File<'_>, bitmap: u64, n: u64) -> Result<bool> {
    let [bits] = file.view.array::<1>(bitmap.saturating_add(n / 8))?;
    Ok(bits & (0x80 >> (n % 8)) != 0)
}

fn entries(file: &File<'_>, c: &mut Cursor<'_>, count: u64, size: u64, pieces: &Pieces, each: &mut dyn FnMut(Chunk) -> Result<()>) -> Result<()> {
    if count > CHUNKS {
        return Err(Error::limit(c.at, "hdf5-chunks"));
    }
    for _ in 0..count {
        let start = c.at;
        if let Some(chunk) = entry(file, c, pieces, size)? {
            each(chunk)?;
        }
        c.at = start.saturating_add(size);
    }
    Ok(())
}

/// An extensible array (`EAHD`): some entries in the index block, the others in data blocks that grow, found by the index block or
/// by super blocks.
fn extensible(file: &File<'_>, at: u64, pieces: &Pieces, each: &mut dyn FnMut(Chunk) -> Result<()>) -> Result<()> {
    let mut c = file.signed(at, b"EAHD", "hdf5-chunks")?;
    c.skip(2);
    let size = u64::from(c.u8()?);
    let bits = u64::from(c.u8()?);
    let in_index = u64::from(c.u8()?);
    let block_min = u64::from(c.u8()?);
    let super_min = u64::from(c.u8()?);
    let page_bits = u32::from(c.u8()?);
    c.skip(6 * file.lengths as u64);
    let Some(index) = file.address(&mut c)? else { return Ok(()) };
    if !block_min.is_power_of_two() || !super_min.is_power_of_two() || bits > 64 || page_bits > 32 {
        return Err(Error::malformed(at, "hdf5-chunks"));
    }
    let array = Array { file, size, offset: (bits as usize).div_ceil(8), page: 1 << page_bits, pieces };
    let mut c = file.signed(index, b"EAIB", "hdf5-chunks")?;
    c.skip(2 + file.offsets as u64);
    entries(file, &mut c, in_index, size, pieces, each)?;
    // Super block k has 2^(k/2) data blocks of block_min * 2^((k+1)/2) entries; those of the first super blocks stand in the index block.
    let direct = 2 * u64::from(super_min.ilog2());
    let supers = 1 + bits.saturating_sub(u64::from(block_min.ilog2()));
    for k in 0..supers {
        let blocks = 1u64.checked_shl((k / 2) as u32).unwrap_or(u64::MAX);
        let count = block_min.saturating_mul(1u64.checked_shl(k.div_ceil(2) as u32).unwrap_or(u64::MAX));
        if k < direct {
            for _ in 0..blocks {
                if let Some(block) = file.address(&mut c)? {
                    array.block(block, count, None, each)?;
                }
            }
        } else if let Some(block) = file.address(&mut c)? {
            array.super_block(block, blocks, count, each)?;
        }
    }
    Ok(())
}

struct Array<'a, 's> {
    file: &'a File<'s>,
    size: u64,
    offset: usize,
    page: u64,
    pieces: &'a Pieces,
}

impl Array<'_, '_> {
    fn block(&self, at: u64, count: u64, pages: Option<u64>, each: &mut dyn FnMut(Chunk) -> Result<()>) -> Result<()> {
        let mut c = self.file.signed(at, b"EADB", "hdf5-chunks")?;
        c.skip(2 + self.file.offsets as u64 + self.offset as u64);
        if count <= self.page {
            return entries(self.file, &mut c, count, self.size, self.pieces, each);
        }
        // A paged block: the checksum of its head, then pages with a checksum each.
        c.skip(4);
        for n in 0..count / self.page.max(1) {
            let written = match pages {
                Some(bitmap) => bit(self.file, bitmap, n)?,
                None => true,
            };
            let start = c.at;
            if written {
                entries(self.file, &mut c, self.page, self.size, self.pieces, each)?;
            }
            c.at = start.saturating_add(self.page.saturating_mul(self.size)).saturating_add(4);
        }
        Ok(())
    }

    fn super_block(&self, at: u64, blocks: u64, count: u64, each: &mut dyn FnMut(Chunk) -> Result<()>) -> Result<()> {
        if blocks > CHUNKS {
            return Err(Error::limit(at, "hdf5-chunks"));
        }
        let mut c = self.file.signed(at, b"EASB", "hdf5-chunks")?;
        c.skip(2 + self.file.offsets as u64 + self.offset as u64);
        // Paged data blocks have their bitmaps here, one after the other, each in whole bytes.
        let pages = if count > self.page { (count / self.page.max(1)).div_ceil(8) } else { 0 };
        let bitmaps = c.at;
        c.skip(pages.saturating_mul(blocks));
        for n in 0..blocks {
            if let Some(block) = self.file.address(&mut c)? {
                let bitmap = (pages > 0).then(|| bitmaps.saturating_add(n.saturating_mul(pages)));
                self.block(block, count, bitmap, each)?;
            }
        }
        Ok(())
    }
}

/// A file that a dataset takes its elements from, as (name, offset, length).
pub type Named = (String, u64, u64);

/// The files of an external storage message.
pub fn external_files(file: &File<'_>, m: &Message) -> Result<Vec<Named>> {
    let mut c = Cursor::new(file.view, m.at);
    c.skip(6);
    let used = c.u16()?;
    let heap = file.address(&mut c)?.ok_or(Error::malformed(m.at, "hdf5-external"))?;
    let mut out = Vec::new();
    for _ in 0..used {
        let offset = file.length(&mut c)?;
        c.skip(2 * file.lengths as u64);
        out.push(file.local_text(heap, offset)?);
    }
    Ok(out)
}

/// The source files of a virtual dataset; `.` is the file itself and is left out.
pub fn virtual_files(file: &File<'_>, globals: &mut Globals, heap: u64, object: u32) -> Result<Vec<Named>> {
    let Some((at, len)) = globals.find(file, heap, object)? else { return Err(Error::malformed(heap, "hdf5-virtual")) };
    let mut c = Cursor::new(file.view.slice(0, at.saturating_add(len))?, at);
    let version = c.u8()?;
    let count = c.uint(file.lengths)?;
    let mut out: Vec<Named> = Vec::new();
    let mut names = std::collections::HashSet::new();
    for _ in 0..count {
        let flags = if version >= 1 { c.u8()? } else { 0 };
        // Newer versions write the name of a repeated source as the number of the entry that has it; this very file is a flag.
        if flags & 4 == 0 {
            if flags & 1 != 0 {
                c.skip(file.lengths as u64);
            } else {
                let name = c.zero_ended(1 << 16)?;
                if name.0 != "." && names.insert(name.0.clone()) {
                    out.push(name);
                }
            }
        }
        if flags & 2 != 0 {
            c.skip(file.lengths as u64);
        } else {
            c.zero_ended(1 << 16)?;
        }
        selection(&mut c)?;
        selection(&mut c)?;
    }
    Ok(out)
}

/// Passes over a serialised selection.
fn selection(c: &mut Cursor<'_>) -> Result<()> {
    let kind = c.u32()?;
    let version = c.u32()?;
    match (kind, version) {
        (0 | 3, _) => c.skip(8),
        (1, 1) | (2, 1) => {
            c.skip(4);
            let len = u64::from(c.u32()?);
            c.skip(len);
        }
        (2, 2) => {
            c.skip(1);
            let len = u64::from(c.u32()?);
            c.skip(len);
        }
        (1, _) => {
            let width = u64::from(c.u8()?);
            let rank = u64::from(c.u32()?);
            let points = c.uint(usize::try_from(width).unwrap_or(8))?;
            c.skip(points.saturating_mul(rank).saturating_mul(width));
        }
        (2, _) => {
            let regular = c.u8()? & 1 != 0;
            let width = u64::from(c.u8()?);
            let rank = u64::from(c.u32()?);
            let per = if regular { 4 } else { 2u64.saturating_mul(c.uint(usize::try_from(width).unwrap_or(8))?) };
            c.skip(per.saturating_mul(rank).saturating_mul(width));
        }
        _ => return Err(Error::malformed(c.at, "hdf5-virtual")),
    }
    Ok(())
}
