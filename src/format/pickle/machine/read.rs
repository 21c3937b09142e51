//! What values say: their texts, bytes, items and entries.

use super::super::constant::Constant;
use super::super::value::{Kind, Spot, Value};
use super::literal::{decode, raw_unicode, unquote};
use super::{Machine, NAME};

impl Machine<'_> {
    /// The text of a constant, or what constant calls make of constants.
    pub fn string(&self, v: Value) -> Option<String> {
        match v.kind() {
            Kind::Str(spot) => self.read_text(spot),
            Kind::Call { .. } => match self.constant(v) {
                Some(Constant::Text(text)) if text.len() <= NAME => Some(text),
                _ => None,
            },
            // torch hands back what stands in a class's place.
            Kind::Persistent(id) => match self.items(*self.data.pool.items(id)?.first()?)?.as_slice() {
                [tag, text, ..] if matches!((tag.kind(), text.kind()), (Kind::Str(tag), Kind::Str(_)) if self.read_text(tag)? == "module") => {
                    self.string(*text)
                }
                _ => None,
            },
            _ => None,
        }
    }

    /// The text of a constant that may be long.
    pub(in super::super) fn text_of(&self, v: Value, most: usize) -> Option<String> {
        match v.kind() {
            Kind::Str(spot) => self.read_text_up_to(spot, most),
            _ => None,
        }
    }

    /// The bytes of a constant.
    pub(in super::super) fn bytes_of(&self, spot: Spot, most: usize) -> Option<Vec<u8>> {
        let (from, len) = self.bytes_at(spot)?;
        self.pay(len.min(most as u64))?;
        let bytes = self.tape.peek(from, len, most);
        (bytes.len() as u64 == len).then_some(bytes)
    }

    /// Offset and length of the bytes of a constant.
    pub(super) fn bytes_at(&self, spot: Spot) -> Option<(u64, u64)> {
        if let Some(moved) = self.moved.get(&spot.at) {
            return Some(*moved);
        }
        let head = self.tape.peek(spot.at, 9, 9);
        let (from, len) = match head.as_slice() {
            [b'C', n, ..] => (2, u64::from(*n)),
            [b'B', a, b, c, d, ..] => (5, u64::from(u32::from_le_bytes([*a, *b, *c, *d]))),
            [0x8e | 0x96, a, b, c, d, e, f, g, h] => (9, u64::from_le_bytes([*a, *b, *c, *d, *e, *f, *g, *h])),
            _ => return None,
        };
        Some((spot.at.checked_add(from)?, len))
    }

    fn read_text(&self, spot: Spot) -> Option<String> {
        self.read_text_up_to(spot, NAME)
    }

    /// Reads a text again from its opcode.
    pub(super) fn read_text_up_to(&self, spot: Spot, cap: usize) -> Option<String> {
        self.pay(16)?;
        let head: [u8; 9] = {
            let mut h = [0; 9];
            let got = self.tape.peek(spot.at, 9.min(self.view.len() - spot.at.min(self.view.len())), 9);
            h.get_mut(..got.len())?.copy_from_slice(&got);
            h
        };
        if let Some((from, len)) = self.moved.get(&spot.at) {
            self.pay((*len).min(cap as u64))?;
            let text = self.tape.peek(*from, *len, cap);
            return Some(match head[0] {
                b'S' => unquote(&text),
                b'V' => raw_unicode(&text),
                _ => decode(&text),
            });
        }
        let (from, len) = match head[0] {
            0x8c | b'U' => (2, u64::from(head[1])),
            b'X' | b'T' => (5, u64::from(u32::from_le_bytes([head[1], head[2], head[3], head[4]]))),
            0x8d => (9, u64::from_le_bytes([head[1], head[2], head[3], head[4], head[5], head[6], head[7], head[8]])),
            b'S' | b'V' | b'P' => {
                let line = self.line_at(spot.at + 1, cap);
                let end = line.iter().position(|b| *b == b'\n')?;
                self.pay(line.len() as u64)?;
                return Some(match head[0] {
                    b'S' => unquote(&line[..end]),
                    b'V' => raw_unicode(&line[..end]),
                    _ => decode(&line[..end]),
                });
            }
            _ => return None,
        };
        if len > cap as u64 {
            return None;
        }
        self.pay(len)?;
        Some(decode(&self.tape.peek(spot.at + from, len, cap)))
    }

    /// Items of a tuple, list or set, if they are still known.
    pub fn items(&self, v: Value) -> Option<Vec<Value>> {
        match v.kind() {
            Kind::Tuple(s) | Kind::Set(s) if s.len == 0 && s.at == 0 => Some(Vec::new()),
            Kind::Tuple(s) | Kind::Set(s) => {
                self.pay(16 + u64::from(s.len) * 2)?;
                self.data.pool.items(s)
            }
            Kind::List(id) => {
                self.pay(16)?;
                self.data.slots.items(id).map(|(i, _)| i.to_vec())
            }
            _ => None,
        }
    }

    /// The arguments of a call's result.
    pub fn args_of(&self, v: Value) -> Option<Vec<Value>> {
        match v.kind() {
            Kind::Call { node, .. } => {
                let args = self.data.pool.items(self.data.pool.node(node)?)?;
                self.items(*args.first()?)
            }
            _ => None,
        }
    }

    /// Items of a tuple or list, if all of them are known.
    pub(in super::super) fn whole_items(&self, v: Value) -> Option<Vec<Value>> {
        match v.kind() {
            Kind::List(id) => {
                self.pay(16)?;
                self.data.slots.items(id).and_then(|(i, more)| (!more).then(|| i.to_vec()))
            }
            Kind::Tuple(s) if s.len >= 255 => None,
            _ => self.items(v),
        }
    }

    /// The entries of a dictionary, as far as they are known.
    pub fn entries(&self, v: Value) -> Option<Vec<(String, Value)>> {
        let Kind::Dict(id) = v.kind() else {
            return None;
        };
        let (items, _) = self.data.slots.items(id)?;
        Some(items.chunks_exact(2).filter_map(|p| Some((self.string(*p.first()?)?, *p.get(1)?))).collect())
    }
}
