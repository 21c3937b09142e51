//! Objects that a call loads out of constants, files or what nobody knows.

use super::super::constant;
use super::super::constant::Constant;
use super::super::value::{Kind, Value};
use super::{Load, Machine};
use crate::fact::Fact;

/// Calls that load bytes of one pickle; more are a gap.
const LOADS: usize = 1 << 16;

/// The key of what a network of skorch's loads, when it is filled, as a file of torch's.
pub(super) const LOADED: &str = "__cuda_dependent_attributes__";

impl Machine<'_> {
    /// Protocol 2 has no bytes: Python writes them as a text with one character a byte.
    pub(in super::super) fn latin1(&mut self, text: Option<Value>, codec: Option<Value>) {
        if let Some(Kind::Str(spot)) = text.map(Value::kind)
            && codec.and_then(|s| self.string(s)).is_some_and(|s| matches!(s.as_str(), "latin1" | "latin-1"))
            && self.decoded.last().is_none_or(|(at, _)| *at != spot.at)
            && let Some(text) = self.read_text_up_to(spot, 8 << 20)
            && text.len() >= 8
            && self.decoded_bytes + text.len() < 32 << 20
        {
            let bytes: Vec<u8> = text.chars().filter_map(|c| u8::try_from(u32::from(c)).ok()).collect();
            self.decoded_bytes += bytes.len();
            // What begins like an archive does so as a text, too, whose letters it is not. Nothing else begins as near as its opcode's header is long.
            if super::marked(&bytes) {
                self.nested.pop_if(|(from, _)| (1..10).contains(&from.wrapping_sub(spot.at)));
            }
            self.decoded.push((spot.at, bytes));
        }
    }

    /// What a loader is handed; `surely` when all it does with bytes is load them.
    pub(in super::super) fn loaded(&mut self, args: Option<&[Value]>, result: Value, at: u64, surely: bool) {
        let Some(args) = args else {
            self.loads_unknown(result, at);
            return;
        };
        for v in args {
            if self.loaded.len() >= LOADS {
                self.unread = true;
                return;
            }
            if let Some((spot, from, len)) = self.latin1_text(*v) {
                // What protocol 2 writes for bytes is undone already.
                self.decoded.pop_if(|(at, _)| *at == spot);
                // As a text it is nothing to read: its letters are bytes, two of them for some.
                if let Ok(n) = self.nested.binary_search(&(from, len)) {
                    self.nested.remove(n);
                }
                self.loaded.push((at, Load::Encoded(from, len), surely));
                continue;
            }
            let made = match v.kind() {
                Kind::Bytes(spot) => match self.bytes_at(spot) {
                    Some((from, len)) if len >= 4 => {
                        self.loaded.push((at, Load::There(from, len), surely));
                        continue;
                    }
                    _ => continue,
                },
                _ => self.constant(*v),
            };
            let bytes = match made {
                Some(Constant::Bytes(bytes)) => bytes,
                Some(Constant::Text(text)) => text.chars().filter_map(|c| u8::try_from(u32::from(c)).ok()).collect(),
                None => {
                    self.loads_other(*v, result, at, surely);
                    continue;
                }
            };
            if bytes.len() < 4 {
                continue;
            }
            if self.decoded_bytes + bytes.len() >= 32 << 20 {
                self.unread = true;
                return;
            }
            self.decoded_bytes += bytes.len();
            self.loaded.push((at, Load::Made(bytes), surely));
        }
    }

    /// A loader is handed something that is no constant: bytes that are put together while it loads, or an object.
    fn loads_other(&mut self, v: Value, result: Value, at: u64, surely: bool) {
        let mut array = false;
        let computes = match v.kind() {
            Kind::Call { global, .. } => self.globals.get(global as usize).is_some_and(|g| {
                // An array takes numbers in any order; libraries make theirs otherwise.
                array = matches!((g.module.as_str(), g.name.as_str()), ("array", _) | ("numpy", "ndarray"));
                array || constant::pure(&g.module, &g.name)
            }),
            Kind::Persistent(_) | Kind::Lost => false,
            Kind::Str(_) => {
                self.unread |= surely;
                return;
            }
            _ => return,
        };
        // All that is missing of what a long text encodes is room for it; what a short one encodes is hidden on purpose.
        let long = |a: &Value| matches!(a.kind(), Kind::Str(_) | Kind::Bytes(_)) && self.constant(*a).is_none();
        if computes && !array && self.args_of(v).is_some_and(|args| args.first().is_some_and(long)) {
            self.unread = true;
        } else if computes || surely {
            self.loads_unknown(result, at);
        }
    }

    /// A network of skorch's loads the part of its state that is kept under [`LOADED`], which is read where its key is. That has to be seen.
    pub(super) fn loads_state(&mut self, id: u32, state: Value, target: Value, at: u64) {
        let network = |module: &str, name: &str| module == "skorch.probabilistic" || module.starts_with("skorch.") && name.starts_with("NeuralNet");
        let network = self.globals.get(id as usize).is_some_and(|g| network(&g.module, &g.name));
        if network && (self.odd_key || !matches!(state.kind(), Kind::Dict(_))) {
            self.loads_unknown(target, at);
        }
    }

    /// The text that `codecs.encode(text, "latin1")` makes bytes of: its opcode, its offset and its length.
    fn latin1_text(&self, v: Value) -> Option<(u64, u64, u64)> {
        let Kind::Call { global, .. } = v.kind() else { return None };
        let g = self.globals.get(global as usize)?;
        if g.name != "encode" || !matches!(g.module.as_str(), "codecs" | "_codecs") {
            return None;
        }
        let args = self.args_of(v)?;
        let [text, codec] = args.as_slice() else { return None };
        let (Kind::Str(spot), "latin1") = (text.kind(), self.string(*codec)?.as_str()) else { return None };
        match self.tape.peek(spot.at, 9, 9).as_slice() {
            _ if self.moved.contains_key(&spot.at) => None,
            [0x8c, len, ..] => Some((spot.at, spot.at + 2, u64::from(*len))),
            [b'X', a, b, c, d, ..] => Some((spot.at, spot.at + 5, u64::from(u32::from_le_bytes([*a, *b, *c, *d])))),
            [0x8d, len @ ..] => Some((spot.at, spot.at + 9, u64::from_le_bytes(len.try_into().ok()?))),
            _ => None,
        }
    }

    fn loads_unknown(&mut self, result: Value, at: u64) {
        let text = self.show(result);
        self.facts_capped((at, 1, Fact::ComputedImport { text }));
    }
}
