//! Texts and bytes that calls make of constants: what `"".join`, `bytes.fromhex`, `base64.b64decode` and `zlib.decompress` hide.
//!
//! Nothing is run: each function here is undone by its documentation. All work for one pickle is bounded by one allowance; what it does
//! not reach stays unknown.

use super::machine::Machine;
use super::value::{Kind, Value};
use crate::bytes::{Bounds, Coder, Pages, Source, Unpacked, View};
use std::cell::Cell;

/// A value known before loading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Constant {
    /// A text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
}

/// How deep calls of calls are undone.
const DEPTH: u32 = 12;
/// Bytes of one constant.
const MOST: usize = 4 << 20;
/// Memory that unpacking one constant may take.
const DICTIONARY: u64 = 64 << 20;
/// What beginning to unpack costs.
const UNPACKING: u64 = 64 * 1024;
/// Bytes and steps for one pickle.
pub(super) const ALLOWANCE: u64 = 48 << 20;

impl Constant {
    fn bytes(self) -> Vec<u8> {
        match self {
            Constant::Text(t) => t.into_bytes(),
            Constant::Bytes(b) => b,
        }
    }

    fn text(self) -> Option<String> {
        match self {
            Constant::Text(t) => Some(t),
            Constant::Bytes(b) => String::from_utf8(b).ok(),
        }
    }

    fn len(&self) -> usize {
        match self {
            Constant::Text(t) => t.len(),
            Constant::Bytes(b) => b.len(),
        }
    }
}

/// How bytes stand for others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// Base64, of either alphabet.
    Base64,
    /// Five bits a letter.
    Base32,
    /// Four bytes in five letters.
    Base85,
    /// The same, with the letters of Adobe's.
    Ascii85,
    /// Two digits a byte.
    Hex,
    /// One character a byte, in UTF-8.
    Latin1,
    /// A stream of zlib's, which numbers may begin like.
    Zlib,
}

/// How a constant that begins like this would be a pickle or one that is packed, if something decodes it.
pub fn encoding(head: &[u8]) -> Option<Encoding> {
    match head {
        _ if crate::base64::hides(head) => Some(Encoding::Base64),
        // A zlib stream, the second letter of which says how hard it was packed.
        [b'e', b'J', b'w'..=b'z', ..] | [b'e', b'N', b'o'..=b'r', ..] => Some(Encoding::Base64),
        // A pickle of protocol 0: an import, or a parenthesis and a letter.
        [b'Y', b'0'..=b'3', ..] | [b'K', b'E'..=b'G', ..] => Some(Encoding::Base64),
        [b'Q', b'A', b'B' | b'C', ..] => Some(Encoding::Base32),
        [b'f', b'C', ..] => Some(Encoding::Base85),
        [b'J', b'-', ..] => Some(Encoding::Ascii85),
        [b'8', b'0', b'0', b'2'..=b'5', ..] | [b'6', b'3', ..] | [b'2', b'8', ..] => Some(Encoding::Hex),
        [0xc2, 0x80, 2..=5, ..] => Some(Encoding::Latin1),
        [b'x', 0x01 | 0x5e | 0x9c | 0xda, ..] => Some(Encoding::Zlib),
        _ => None,
    }
}

impl Machine<'_> {
    /// What a value is, if that is known before loading.
    pub fn constant(&self, v: Value) -> Option<Constant> {
        self.constant_at(v, DEPTH)
    }

    fn constant_at(&self, v: Value, depth: u32) -> Option<Constant> {
        let depth = depth.checked_sub(1)?;
        let made = match v.kind() {
            Kind::Str(_) => Constant::Text(self.text_of(v, MOST)?),
            Kind::Bytes(spot) => Constant::Bytes(self.bytes_of(spot, MOST)?),
            Kind::Call { global, .. } => {
                let g = self.globals.get(global as usize)?;
                let (module, name) = (g.module.as_str(), g.name.as_str());
                if !pure(module, name) {
                    return None;
                }
                let items = self.args_of(v)?;
                self.spend(1)?;
                self.pay(64)?;
                self.undo(module, name, &items, depth)?
            }
            _ => return None,
        };
        self.spend(made.len() as u64)?;
        (made.len() <= MOST).then_some(made)
    }

    fn undo(&self, module: &str, name: &str, items: &[Value], depth: u32) -> Option<Constant> {
        let arg = |n: usize| items.get(n).and_then(|v| self.constant_at(*v, depth));
        let last = name.rsplit('.').next().unwrap_or(name);
        let bytes = |n: usize| arg(n).map(Constant::bytes);
        let text = |n: usize| arg(n).and_then(Constant::text);
        // What is told how to go on behind what it cannot encode leaves out some of it.
        if items.len() > 2 && matches!(last, "encode" | "decode" | "str" | "unicode" | "bytes" | "bytearray") {
            return None;
        }
        Some(match (module, last) {
            ("codecs" | "_codecs", "encode" | "decode") => self.recode(arg(0)?, &text(1).unwrap_or_else(|| "utf-8".into()), last == "decode")?,
            ("builtins" | "__builtin__", "encode" | "decode") => self.recode(arg(0)?, &text(1).unwrap_or_else(|| "utf-8".into()), last == "decode")?,
            ("base64", "b64decode" | "standard_b64decode" | "urlsafe_b64decode" | "decodebytes" | "decodestring") => Constant::Bytes(base64(&bytes(0)?)?),
            ("binascii", "a2b_base64") => Constant::Bytes(base64(&bytes(0)?)?),
            ("base64", "b32decode") => Constant::Bytes(base32(&bytes(0)?)?),
            ("base64", "b16decode") | ("binascii", "unhexlify" | "a2b_hex") | ("builtins" | "__builtin__", "fromhex") => {
                Constant::Bytes(unhex(&bytes(if bytes(1).is_some() && last == "fromhex" { 1 } else { 0 })?)?)
            }
            ("base64", "b85decode") => Constant::Bytes(base85(&bytes(0)?, B85)?),
            ("base64", "a85decode") => Constant::Bytes(ascii85(&bytes(0)?)?),
            ("zlib", "decompress") => Constant::Bytes(self.unpack(bytes(0)?, Coder::Zlib)?),
            ("gzip", "decompress") => Constant::Bytes(self.unpack(bytes(0)?, Coder::Gzip)?),
            ("bz2", "decompress") => Constant::Bytes(self.unpack(bytes(0)?, Coder::Bzip2)?),
            // By default the module looks which of the two it is.
            ("lzma", "decompress") => {
                let packed = bytes(0)?;
                Constant::Bytes(self.unpack(packed.clone(), Coder::Xz).or_else(|| self.unpack(packed, Coder::LzmaAlone))?)
            }
            // With the name of an encoding they decode and encode by it.
            ("builtins" | "__builtin__", "str" | "unicode" | "bytes" | "bytearray") if items.len() > 1 => {
                self.recode(arg(0)?, &text(1)?, matches!(last, "str" | "unicode"))?
            }
            ("builtins" | "__builtin__", "str" | "unicode") => Constant::Text(text(0)?),
            ("builtins" | "__builtin__", "bytes" | "bytearray") => match arg(0) {
                Some(made) => Constant::Bytes(made.bytes()),
                None => Constant::Bytes(self.numbers(*items.first()?)?.into_iter().map(|n| u8::try_from(n).ok()).collect::<Option<_>>()?),
            },
            ("builtins" | "__builtin__", "chr" | "unichr") => match items.first()?.kind() {
                Kind::Int(n) => Constant::Text(char::from_u32(u32::try_from(n).ok()?)?.to_string()),
                _ => return None,
            },
            ("builtins" | "__builtin__", "reversed") => match arg(0)? {
                Constant::Text(text) => Constant::Text(text.chars().rev().collect()),
                Constant::Bytes(bytes) => Constant::Bytes(bytes.into_iter().rev().collect()),
            },
            ("builtins" | "__builtin__", "join") | ("string", "join" | "joinfields") => self.join(items, module == "string", depth)?,
            ("builtins" | "__builtin__", "lower") => Constant::Text(text(0)?.to_lowercase()),
            ("builtins" | "__builtin__", "upper") => Constant::Text(crate::text::upper(&text(0)?)?),
            ("builtins" | "__builtin__", "swapcase") => Constant::Text(crate::text::swapcase(&text(0)?)?),
            ("builtins" | "__builtin__", "strip") if items.len() == 1 => Constant::Text(text(0)?.trim().to_string()),
            ("builtins" | "__builtin__", "replace") => {
                let (whole, from, to) = (text(0)?, text(1)?, text(2)?);
                // Every character could be replaced by a long text.
                if from.is_empty() || whole.len().saturating_mul(to.len().max(1)) > MOST {
                    return None;
                }
                Constant::Text(whole.replace(&from, &to))
            }
            ("operator" | "_operator", "add" | "concat" | "iadd" | "iconcat") | ("builtins" | "__builtin__", "__add__") => match (arg(0)?, arg(1)?) {
                (Constant::Text(a), Constant::Text(b)) => Constant::Text(a + &b),
                (a, b) => Constant::Bytes([a.bytes(), b.bytes()].concat()),
            },
            ("io" | "_io" | "cStringIO" | "StringIO", "BytesIO" | "StringIO") => arg(0)?,
            _ => return None,
        })
    }

    fn join(&self, items: &[Value], separator_last: bool, depth: u32) -> Option<Constant> {
        let (of, between) = if separator_last { (0, 1) } else { (1, 0) };
        let between = match items.get(between) {
            Some(v) => self.constant_at(*v, depth)?,
            None => Constant::Text(" ".into()),
        };
        let of = *items.get(of)?;
        let parts: Vec<Constant> = match self.whole_items(of) {
            Some(parts) => parts.into_iter().map(|v| self.constant_at(v, depth)).collect::<Option<_>>()?,
            // A text is a sequence of its characters.
            None => self.constant_at(of, depth)?.text()?.chars().map(|c| Constant::Text(c.to_string())).collect(),
        };
        let whole = parts.iter().map(Constant::len).sum::<usize>().saturating_add(between.len().saturating_mul(parts.len()));
        self.spend(whole.min(MOST) as u64)?;
        if whole > MOST {
            return None;
        }
        Some(match between {
            Constant::Text(between) => Constant::Text(parts.into_iter().map(Constant::text).collect::<Option<Vec<_>>>()?.join(&between)),
            Constant::Bytes(between) => Constant::Bytes(parts.into_iter().map(Constant::bytes).collect::<Vec<_>>().join(between.as_slice())),
        })
    }

    /// What comes out of packed bytes; a stream that ends early or is damaged gives what came before. It costs what comes out, and the
    /// dictionary's memory.
    fn unpack(&self, packed: Vec<u8>, coder: Coder) -> Option<Vec<u8>> {
        self.spend(if matches!(coder, Coder::Xz | Coder::LzmaAlone) { DICTIONARY / 32 } else { UNPACKING })?;
        let pages = Pages::new(&packed);
        let budget = Cell::new(ALLOWANCE);
        let bounds = Bounds { budget: &budget, ratio: u64::MAX, dictionary: DICTIONARY };
        let source = Unpacked::claimed(View::of_inflated(&pages), &[coder], bounds, MOST as u64).ok()?;
        let mut out = Vec::new();
        let mut chunk = vec![0; 64 * 1024];
        while let Ok(n @ 1..) = source.read_at(out.len() as u64, &mut chunk) {
            out.extend_from_slice(chunk.get(..n)?);
        }
        self.spend(ALLOWANCE.saturating_sub(budget.get()))?;
        (!out.is_empty()).then_some(out)
    }

    /// The bytes that a whole constant stands for.
    pub(super) fn decoded(&self, constant: Vec<u8>, encoding: Encoding) -> Option<Vec<u8>> {
        match encoding {
            Encoding::Base64 => crate::base64::decode(&constant, |c| c.is_ascii_whitespace()),
            Encoding::Base32 => base32(&constant),
            Encoding::Base85 => base85(&constant, B85),
            Encoding::Ascii85 => ascii85(&constant),
            Encoding::Hex => unhex(&constant),
            Encoding::Latin1 => std::str::from_utf8(&constant).ok()?.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect(),
            Encoding::Zlib => self.unpack(constant, Coder::Zlib),
        }
    }

    fn recode(&self, from: Constant, codec: &str, decode: bool) -> Option<Constant> {
        let codec: String = codec.chars().filter(|c| c.is_ascii_alphanumeric()).map(|c| c.to_ascii_lowercase()).collect();
        Some(match (codec.trim_end_matches("codec"), decode) {
            ("utf8" | "ascii" | "u8", true) => Constant::Text(from.text()?),
            ("utf8" | "ascii" | "u8", false) => Constant::Bytes(from.bytes()),
            ("latin1" | "iso88591" | "l1", true) => Constant::Text(from.bytes().into_iter().map(char::from).collect()),
            ("latin1" | "iso88591" | "l1", false) => Constant::Bytes(from.text()?.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect::<Option<_>>()?),
            ("rot13", _) => Constant::Text(from.text()?.chars().map(rot13).collect()),
            ("hex", true) => Constant::Bytes(unhex(&from.bytes())?),
            ("base64", true) => Constant::Bytes(base64(&from.bytes())?),
            ("zlib" | "zip", true) => Constant::Bytes(self.unpack(from.bytes(), Coder::Zlib)?),
            ("bz2", true) => Constant::Bytes(self.unpack(from.bytes(), Coder::Bzip2)?),
            _ => return None,
        })
    }

    /// Integers of a list or tuple that is known to its end.
    fn numbers(&self, v: Value) -> Option<Vec<i64>> {
        self.whole_items(v)?.into_iter().map(|i| if let Kind::Int(n) = i.kind() { Some(n) } else { None }).collect()
    }
}

/// Whether a function only computes on texts and bytes, and is undone here.
pub(super) fn pure(module: &str, name: &str) -> bool {
    match module {
        "builtins" | "__builtin__" => {
            matches!(name, "str" | "unicode" | "bytes" | "bytearray" | "chr" | "unichr" | "reversed")
                || name.split_once('.').is_some_and(|(class, _)| matches!(class, "str" | "bytes" | "bytearray" | "unicode"))
        }
        "codecs" | "_codecs" | "base64" | "binascii" | "zlib" | "gzip" | "bz2" | "lzma" | "operator" | "_operator" | "string" | "io" | "_io" | "StringIO"
        | "cStringIO" => true,
        _ => false,
    }
}

fn rot13(c: char) -> char {
    let turn = |first: u8| char::from(first + (c as u8 - first + 13) % 26);
    match c {
        'a'..='z' => turn(b'a'),
        'A'..='Z' => turn(b'A'),
        _ => c,
    }
}

fn unhex(text: &[u8]) -> Option<Vec<u8>> {
    let digits: Vec<u8> =
        text.iter().filter(|c| !c.is_ascii_whitespace()).map(|c| char::from(*c).to_digit(16).and_then(|d| u8::try_from(d).ok())).collect::<Option<_>>()?;
    digits.len().is_multiple_of(2).then(|| digits.chunks_exact(2).filter_map(|p| Some(p.first()? << 4 | p.get(1)?)).collect())
}

/// Like Python's, it passes over what belongs to neither alphabet.
fn base64(text: &[u8]) -> Option<Vec<u8>> {
    crate::base64::decode(text, |_| true).filter(|bytes| !bytes.is_empty())
}

fn base32(text: &[u8]) -> Option<Vec<u8>> {
    let value = |c: u8| match c {
        b'A'..=b'Z' => Some(c - b'A'),
        b'a'..=b'z' => Some(c - b'a'),
        b'2'..=b'7' => Some(c - b'2' + 26),
        _ => None,
    };
    bits(text.iter().take_while(|c| **c != b'=').map(|c| value(*c)).collect::<Option<Vec<u8>>>()?.into_iter(), 5)
}

/// Packs values of a few bits each; what is left over at the end is padding.
fn bits(values: impl Iterator<Item = u8>, width: u32) -> Option<Vec<u8>> {
    let (mut held, mut count, mut out) = (0u32, 0u32, Vec::new());
    for v in values {
        held = held << width | u32::from(v);
        count += width;
        if count >= 8 {
            count -= 8;
            out.push((held >> count & 0xff) as u8);
        }
        held &= (1 << count) - 1;
    }
    (!out.is_empty()).then_some(out)
}

const B85: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~";

fn base85(text: &[u8], alphabet: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    for chunk in text.chunks(5) {
        let mut n = 0u64;
        for k in 0..5 {
            let digit = match chunk.get(k) {
                Some(c) => alphabet.iter().position(|a| a == c)? as u64,
                None => 84,
            };
            n = n * 85 + digit;
        }
        let four = u32::try_from(n).ok()?.to_be_bytes();
        out.extend_from_slice(four.get(..chunk.len().checked_sub(1)?)?);
    }
    Some(out)
}

/// Five digits make four bytes, `z` is four zeros, white space nothing.
fn ascii85(text: &[u8]) -> Option<Vec<u8>> {
    let alphabet: Vec<u8> = (b'!'..=b'u').collect();
    let digits: Vec<u8> =
        text.iter().filter(|c| !c.is_ascii_whitespace()).flat_map(|c| if *c == b'z' { &b"!!!!!"[..] } else { std::slice::from_ref(c) }).copied().collect();
    base85(&digits, &alphabet)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_are_undone() {
        let none = Vec::new();
        let pages = Pages::new(&none);
        let machine = Machine::new(View::of_inflated(&pages), 0, crate::format::pickle::Frames::LINEAR, &crate::limits::Limits::default());
        assert_eq!(base64(b"b3Muc3lz\ndGVt"), Some(b"os.system".to_vec()));
        assert_eq!(base64(b"aQ=="), Some(b"i".to_vec()));
        assert_eq!(base32(b"N5ZQ===="), Some(b"os".to_vec()));
        assert_eq!(unhex(b"6f 73"), Some(b"os".to_vec()));
        assert_eq!(unhex(b"6f7"), None);
        assert_eq!(base85(b"Z*6", B85).map(|b| b.len()), Some(2));
        let rot = machine.recode(Constant::Text("bf.flfgrz".into()), "rot-13", true);
        assert_eq!(rot, Some(Constant::Text("os.system".into())));
        assert_eq!(machine.recode(Constant::Text("6f73".into()), "hex_codec", true), Some(Constant::Bytes(b"os".to_vec())));
    }
}
