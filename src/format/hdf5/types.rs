//! Datatypes, dataspaces and attributes.

use super::raw::{Cursor, File, Message};
use crate::error::{Error, Result};

/// What an element is, as far as it matters here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Numbers; the name is that of safetensors where there is one.
    Number(String),
    /// Text of a fixed length.
    Text,
    /// Text or bytes of any length, kept in the global heap: length, address, index.
    Long {
        /// Bytes of one item: one for text.
        item: u64,
    },
    /// Bytes with a meaning of their own.
    Opaque,
    /// Anything else: records, references, dates.
    Other(&'static str),
}

/// An element type with its size in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Datatype {
    /// Kind.
    pub kind: Kind,
    /// Bytes of one element.
    pub size: u64,
    /// Dimensions that belong to the type itself (an array type).
    pub inner: Vec<u64>,
    /// Whether the elements hold or may hold bytes that are not numbers.
    pub bytes: bool,
}

/// Array types around one another that are followed.
const NESTED: usize = 16;

impl Datatype {
    /// Reads a datatype message.
    pub fn read(c: &mut Cursor<'_>) -> Result<Datatype> {
        let mut inner = Vec::new();
        let mut whole = None;
        for _ in 0..NESTED {
            let start = c.at;
            let head = c.u8()?;
            let (class, version) = (head & 15, head >> 4);
            let bits = c.uint(3)?;
            let size = u64::from(c.u32()?);
            whole = whole.or(Some(size));
            if !(1..=5).contains(&version) {
                return Err(Error::malformed(start, "hdf5-type"));
            }
            if class == 10 {
                array(c, version, &mut inner)?;
                continue;
            }
            let kind = kind(c, class, bits, size)?;
            let bytes = matches!(kind, Kind::Text | Kind::Long { .. } | Kind::Opaque | Kind::Other(_))
                || matches!(&kind, Kind::Number(n) if matches!(n.as_str(), "U8" | "I8" | "BITS"));
            return Ok(Datatype { kind, size: whole.unwrap_or(size), inner, bytes });
        }
        Err(Error::limit(c.at, "hdf5-type"))
    }
}

fn array(c: &mut Cursor<'_>, version: u8, inner: &mut Vec<u64>) -> Result<()> {
    let rank = c.u8()?;
    c.skip(if version < 3 { 3 } else { 0 });
    for _ in 0..rank {
        inner.push(u64::from(c.u32()?));
    }
    // Version 2 also keeps the order of the dimensions, which nobody uses.
    c.skip(if version < 3 { 4 * u64::from(rank) } else { 0 });
    Ok(())
}

fn kind(c: &mut Cursor<'_>, class: u8, bits: u64, size: u64) -> Result<Kind> {
    Ok(match class {
        0 => Kind::Number(format!("{}{}", if bits & 8 != 0 { "I" } else { "U" }, size.saturating_mul(8))),
        1 => {
            c.skip(5);
            let exponent = c.u8()?;
            c.skip(1);
            let mantissa = c.u8()?;
            Kind::Number(match (size, exponent, mantissa) {
                (2, 8, 7) => "BF16".into(),
                (1, e, m) => format!("F8_E{e}M{m}"),
                _ => format!("F{}", size.saturating_mul(8)),
            })
        }
        2 => Kind::Other("time"),
        3 => Kind::Text,
        4 => Kind::Number("BITS".into()),
        5 => Kind::Opaque,
        6 => Kind::Other("record"),
        7 => Kind::Other("reference"),
        8 => {
            // The base type of an enumeration follows; h5py writes booleans so.
            c.skip(4);
            let base = u64::from(c.u32()?);
            Kind::Number(if base == 1 && bits & 0xffff == 2 { "BOOL".into() } else { format!("I{}", base.saturating_mul(8)) })
        }
        9 => {
            c.skip(4);
            let item = u64::from(c.u32()?);
            Kind::Long { item: if bits & 15 == 1 { 1 } else { item } }
        }
        11 => Kind::Number(format!("C{}", size.saturating_mul(8))),
        _ => Kind::Other("unknown"),
    })
}

/// The shape of a dataset or attribute.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dataspace {
    /// Dimensions; none for a single element.
    pub shape: Vec<u64>,
    /// Whether there are no elements at all.
    pub null: bool,
}

impl Dataspace {
    /// Reads a dataspace message.
    pub fn read(file: &File<'_>, c: &mut Cursor<'_>) -> Result<Dataspace> {
        let start = c.at;
        let version = c.u8()?;
        let rank = c.u8()?;
        let _flags = c.u8()?;
        let null = match version {
            1 => {
                c.skip(5);
                false
            }
            2 => c.u8()? == 2,
            _ => return Err(Error::malformed(start, "hdf5-space")),
        };
        if rank > 32 {
            return Err(Error::malformed(start, "hdf5-space"));
        }
        let mut shape = Vec::with_capacity(usize::from(rank));
        for _ in 0..rank {
            shape.push(file.length(c)?);
        }
        Ok(Dataspace { shape, null })
    }

    /// Number of elements, saturating.
    pub fn elements(&self) -> u64 {
        if self.null { 0 } else { self.shape.iter().fold(1u64, |n, d| n.saturating_mul(*d)) }
    }
}

/// An attribute.
#[derive(Clone, Debug)]
pub struct Attribute {
    /// Name.
    pub name: String,
    /// Element type.
    pub datatype: Datatype,
    /// Shape.
    pub space: Dataspace,
    /// Offset of the value.
    pub at: u64,
    /// Bytes of the value.
    pub len: u64,
}

impl Attribute {
    /// Reads an attribute message of `len` bytes at `at`.
    pub fn read(file: &File<'_>, at: u64, len: u64) -> Result<Attribute> {
        let mut c = Cursor::new(file.view, at);
        let version = c.u8()?;
        let flags = c.u8()?;
        let (name_len, type_len, space_len) = (u64::from(c.u16()?), u64::from(c.u16()?), u64::from(c.u16()?));
        if !(1..=3).contains(&version) {
            return Err(Error::malformed(at, "hdf5-attribute"));
        }
        c.skip(if version == 3 { 1 } else { 0 });
        // Version 1 pads every part to eight bytes.
        let pad = |n: u64| if version == 1 { n.saturating_add(7) & !7 } else { n };
        let start = c.at;
        let (name, _, _) = c.zero_ended(name_len)?;
        c.at = start.saturating_add(pad(name_len));
        let type_at = c.at;
        let datatype = file.datatype(type_at, version > 1 && flags & 1 != 0)?;
        c.at = type_at.saturating_add(pad(type_len));
        let space_at = c.at;
        let space = Dataspace::read(file, &mut Cursor::new(file.view, space_at))?;
        c.at = space_at.saturating_add(pad(space_len));
        let end = at.saturating_add(len);
        if c.at > end {
            return Err(Error::malformed(at, "hdf5-attribute"));
        }
        Ok(Attribute { name, datatype, space, at: c.at, len: end - c.at })
    }
}

impl File<'_> {
    /// A datatype that stands at `at`, or that is kept in an object of its own which a pointer at `at` names.
    pub fn datatype(&self, at: u64, shared: bool) -> Result<Datatype> {
        let mut c = Cursor::new(self.view, at);
        if !shared {
            return Datatype::read(&mut c);
        }
        let version = c.u8()?;
        let kind = c.u8()?;
        c.skip(if version == 1 { 6 } else { 0 });
        if version == 3 && kind != 2 {
            return Err(Error::limit(at, "hdf5-shared"));
        }
        let object = self.address(&mut c)?.ok_or(Error::malformed(at, "hdf5-type"))?;
        let message = self.messages(object)?.into_iter().find(|m: &Message| m.kind == 3 && !m.shared());
        Datatype::read(&mut Cursor::new(self.view, message.ok_or(Error::malformed(at, "hdf5-type"))?.at))
    }
}
