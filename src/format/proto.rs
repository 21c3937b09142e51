//! Protocol Buffers' wire format (<https://protobuf.dev/programming-guides/encoding/>), field by field and without recursion.
//!
//! Every occurrence of a field is kept: two programs differ in which of two they take, and parsers merge repeated messages. Lengths
//! are 64 bits wide, so that a field of many gigabytes is stepped over and not read.
//!
//! # Why not a crate
//! They need the whole message in memory, drop unknown and repeated fields, and know no offsets.

use crate::bytes::View;
use crate::error::{Error, Result};

/// Messages inside of messages that are followed; the libraries stop at 100.
const DEPTH: usize = 256;

/// A field's payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    /// Integers, truth values, enums.
    Varint(u64),
    /// Eight bytes.
    Fixed64(u64),
    /// Text, bytes, a message, or packed numbers.
    Bytes {
        /// Offset of the first byte in the view.
        at: u64,
        /// How many.
        len: u64,
    },
    /// Four bytes.
    Fixed32(u32),
}

/// One occurrence of a field.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Field number.
    pub number: u64,
    /// Offset of its tag in the view.
    pub at: u64,
    /// Offset of the byte behind it.
    pub end: u64,
    /// Payload.
    pub value: Value,
}

impl Field {
    /// The number of a varint field.
    pub fn varint(&self) -> Option<u64> {
        match self.value {
            Value::Varint(n) => Some(n),
            _ => None,
        }
    }

    /// Place of the bytes of a length-delimited field.
    pub fn bytes(&self) -> Option<(u64, u64)> {
        match self.value {
            Value::Bytes { at, len } => Some((at, len)),
            _ => None,
        }
    }

    /// Bytes from the tag to the end.
    pub fn len(&self) -> u64 {
        self.end.saturating_sub(self.at)
    }

    /// Whether the field takes no bytes, which no field does.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The first `cap` bytes as text; what is not UTF-8 is replaced.
    pub fn text(&self, view: View<'_>, cap: u64) -> String {
        self.bytes().map(|(at, len)| text(view, at, len, cap)).unwrap_or_default()
    }
}

/// The first `cap` of `len` bytes as text; what is not UTF-8 is replaced.
pub fn text(view: View<'_>, at: u64, len: u64, cap: u64) -> String {
    let bytes = view.take(at, len.min(cap), usize::try_from(cap).unwrap_or(usize::MAX)).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A varint at an offset, and how many bytes it takes.
pub fn varint(view: View<'_>, at: u64) -> Result<(u64, u64)> {
    let mut raw = [0u8; 10];
    let n = view.read(at, &mut raw)?;
    let mut value = 0u64;
    for (i, b) in raw.iter().take(n).enumerate() {
        // The tenth byte has room for one bit; parsers drop the others.
        value |= u64::from(b & 0x7f).checked_shl(7 * i as u32).unwrap_or(0);
        if b & 0x80 == 0 {
            return Ok((value, i as u64 + 1));
        }
    }
    Err(Error::malformed(at, "proto-varint"))
}

/// The fields of one message, in the order of the file.
#[derive(Clone, Copy)]
pub struct Fields<'s> {
    view: View<'s>,
    at: u64,
    end: u64,
}

impl<'s> Fields<'s> {
    /// The message of `len` bytes at `at`; both are cut to the view.
    pub fn new(view: View<'s>, at: u64, len: u64) -> Self {
        Fields { view, at, end: at.saturating_add(len).min(view.len()) }
    }

    /// The next field; `None` at the end.
    ///
    /// # Errors
    /// [`Error::Malformed`] where the bytes are no field or reach past the message.
    pub fn advance(&mut self) -> Result<Option<Field>> {
        if self.at >= self.end {
            return Ok(None);
        }
        let at = self.at;
        let (tag, used) = varint(self.view, at)?;
        let number = tag >> 3;
        if number == 0 || tag > u64::from(u32::MAX) {
            return Err(Error::malformed(at, "proto-tag"));
        }
        let from = at + used;
        let (value, end) = match tag & 7 {
            0 => {
                let (n, used) = varint(self.view, from)?;
                (Value::Varint(n), from + used)
            }
            1 => (Value::Fixed64(self.view.u64(from)?), from + 8),
            2 => {
                let (len, used) = varint(self.view, from)?;
                let start = from + used;
                let end = start.checked_add(len).ok_or(Error::malformed(at, "proto-length"))?;
                (Value::Bytes { at: start, len }, end)
            }
            5 => (Value::Fixed32(self.view.u32(from)?), from + 4),
            // Groups are in no model format.
            3 | 4 => return Err(Error::malformed(at, "proto-group")),
            _ => return Err(Error::malformed(at, "proto-tag")),
        };
        if end > self.end {
            return Err(Error::malformed(at, "proto-length"));
        }
        self.at = end;
        Ok(Some(Field { number, at, end, value }))
    }
}

/// Which fields of a message are messages that are worth walking.
pub trait Schema: Copy {
    /// The kind of the message in field `number`, if it is one.
    fn child(self, number: u64) -> Option<Self>;
}

/// What a [`Walker`] meets.
#[derive(Clone, Copy, Debug)]
pub enum Event<K> {
    /// A message begins. The first one is the root.
    Open {
        /// Its kind.
        kind: K,
        /// The field that holds it; 0 for the root.
        number: u64,
        /// Offset of its first byte.
        at: u64,
        /// Its bytes.
        len: u64,
    },
    /// A field that is no known message.
    Field(K, Field),
    /// The message that was opened last ends.
    Close(K),
}

/// Walks a message and everything inside of it, in the order of the file.
pub struct Walker<'s, K> {
    view: View<'s>,
    open: Vec<(K, Fields<'s>)>,
    root: Option<K>,
}

impl<'s, K: Schema> Walker<'s, K> {
    /// A walk over the whole view.
    pub fn new(view: View<'s>, root: K) -> Self {
        Walker { view, open: Vec::new(), root: Some(root) }
    }

    /// The next event; `None` behind the end of the root.
    ///
    /// # Errors
    /// As [`Fields::advance`]; [`Error::Limit`] where messages are nested too deeply.
    pub fn advance(&mut self) -> Result<Option<Event<K>>> {
        if let Some(kind) = self.root.take() {
            let len = self.view.len();
            self.open.push((kind, Fields::new(self.view, 0, len)));
            return Ok(Some(Event::Open { kind, number: 0, at: 0, len }));
        }
        let Some((kind, fields)) = self.open.last_mut() else { return Ok(None) };
        let kind = *kind;
        let Some(field) = fields.advance()? else {
            self.open.pop();
            return Ok(Some(Event::Close(kind)));
        };
        let (Some(child), Some((at, len))) = (kind.child(field.number), field.bytes()) else {
            return Ok(Some(Event::Field(kind, field)));
        };
        if self.open.len() >= DEPTH {
            return Err(Error::limit(field.at, "proto-depth"));
        }
        self.open.push((child, Fields::new(self.view, at, len)));
        Ok(Some(Event::Open { kind: child, number: field.number, at, len }))
    }
}

/// The numbers of a repeated field, packed or not, at most `cap` of them.
pub fn numbers(view: View<'_>, field: &Field, out: &mut Vec<u64>, cap: usize) -> Result<()> {
    match field.value {
        Value::Varint(n) if out.len() < cap => out.push(n),
        Value::Bytes { at, len } => {
            let end = at.saturating_add(len).min(view.len());
            let mut at = at;
            while at < end && out.len() < cap {
                let (n, used) = varint(view, at)?;
                out.push(n);
                at += used;
            }
        }
        _ => {}
    }
    Ok(())
}

/// Builders for tests.
#[cfg(test)]
pub mod build {
    /// A varint.
    pub fn varint(mut n: u64) -> Vec<u8> {
        let mut out = Vec::new();
        while n >= 0x80 {
            out.push(n as u8 | 0x80);
            n >>= 7;
        }
        out.push(n as u8);
        out
    }

    /// A varint field.
    pub fn int(number: u64, n: u64) -> Vec<u8> {
        [varint(number << 3), varint(n)].concat()
    }

    /// A length-delimited field.
    pub fn bytes(number: u64, body: impl AsRef<[u8]>) -> Vec<u8> {
        let body = body.as_ref();
        [varint(number << 3 | 2), varint(body.len() as u64), body.to_vec()].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bytes::Pages;

    #[derive(Clone, Copy, Debug, PartialEq)]
    struct Nest;

    impl Schema for Nest {
        fn child(self, number: u64) -> Option<Self> {
            (number == 1).then_some(Nest)
        }
    }

    fn walk(bytes: Vec<u8>) -> Result<Vec<(u64, Value)>> {
        let pages = Pages::new(&bytes);
        let mut walker = Walker::new(View::of_file(&pages), Nest);
        let mut out = Vec::new();
        while let Some(event) = walker.advance()? {
            if let Event::Field(_, f) = event {
                out.push((f.number, f.value));
            }
        }
        Ok(out)
    }

    #[test]
    fn keeps_every_occurrence_and_overlong_numbers() {
        let inner = [build::int(2, 7), build::int(2, 8)].concat();
        let file = [build::bytes(1, &inner), build::bytes(1, build::int(2, 9)), vec![0x10, 0x81, 0x80, 0x80, 0x00]].concat();
        let got = walk(file).expect("legal");
        assert_eq!(got, [7, 8, 9, 1].map(|n| (2, Value::Varint(n))));
    }

    #[test]
    fn refuses_what_is_no_message() {
        for bytes in [vec![0x0b], vec![0x00, 0x01], vec![0x07], vec![0x12, 0x05, 1], vec![0x10, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]] {
            assert!(walk(bytes.clone()).is_err(), "{bytes:?}");
        }
        let mut deep = Vec::new();
        for _ in 0..DEPTH + 1 {
            deep = build::bytes(1, &deep);
        }
        assert!(matches!(walk(deep), Err(Error::Limit { .. })));
    }

    #[test]
    fn a_length_that_wraps_is_refused() {
        let huge = [vec![0x12], build::varint(u64::MAX), vec![0; 16]].concat();
        assert!(walk(huge).is_err());
    }
}
