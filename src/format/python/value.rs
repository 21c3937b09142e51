//! What is known about a value while source is read: constants as far as they can be put together, names as far as they can be
//! followed, and where the rest comes from.

use std::rc::Rc;

/// Bytes of one constant that are followed.
pub const CONSTANT: usize = 16 * 1024;

/// Elements of one sequence that are kept.
pub const ELEMENTS: usize = 2048;

/// Where a value comes from, as bits.
pub mod origin {
    /// Put through a decoder, a decompressor, a cipher, or built from character codes.
    pub const DECODED: u16 = 1;
    /// Came over the network.
    pub const NET: u16 = 2;
    /// One environment variable that sounds like a credential.
    pub const ENV: u16 = 4;
    /// The whole environment.
    pub const ENV_ALL: u16 = 8;
    /// Read from a file.
    pub const FILE: u16 = 16;
    /// Read from a place where credentials lie.
    pub const SECRET: u16 = 32;
    /// Characters made from numbers, on the way to [`DECODED`].
    pub const CHARS: u16 = 64;
    /// Who and where: user and host names.
    pub const HOST: u16 = 128;
    /// Not a constant: a parameter, a result, something that was not followed.
    pub const UNKNOWN: u16 = 256;
    /// A constant that was written in pieces.
    pub const PIECES: u16 = 512;
    /// The name of a temporary file or folder.
    pub const TEMPORARY: u16 = 1024;
    /// A file of somebody else's repository.
    pub const HUB: u16 = 2048;
    /// What a server is asked, and the state of an object in a pickle: somebody else's, whoever runs the source.
    pub const INPUT: u16 = 4096;
}

/// What a value is.
#[derive(Clone, Debug)]
pub enum What {
    /// Anything.
    Unknown,
    /// A text or bytes; unknown parts are written `$x`.
    Text(Rc<[u8]>),
    /// An integer.
    Int(i64),
    /// A list, tuple, set or the values of a dictionary.
    Seq(Rc<Vec<Value>>),
    /// Something from outside of this source, by the path to it: `os.system`, `socket.socket()`.
    Path(Rc<str>),
    /// A function or class of this source, by its scope.
    Local(usize),
    /// An object made from a class of this source.
    Instance(usize),
    /// A method of a value that is not from outside.
    Method(Rc<Value>, Rc<str>),
    /// A function with arguments already given.
    Partial(Rc<(Value, Vec<Value>)>),
    /// `operator.attrgetter` or `methodcaller` of a name.
    Getter(Rc<[u8]>, bool),
    /// The names of this module.
    Globals,
}

/// A value and how it is written.
#[derive(Clone, Debug)]
pub struct Value {
    /// What it is.
    pub what: What,
    /// Bits of [`origin`].
    pub from: u16,
    /// The dotted name it was written as, for assignments.
    pub name: Option<Rc<str>>,
    /// First byte of the expression.
    pub at: usize,
    /// A literal string, which joins with one that follows it.
    pub literal: bool,
    /// How many values stand inside one another in it.
    pub depth: u8,
}

/// Values inside one another that are followed; dropping a value recurses this deep.
pub const DEPTH: u8 = 32;

impl Value {
    /// A value with its origin.
    pub fn new(what: What, from: u16, at: usize) -> Value {
        let depth = match &what {
            What::Seq(s) => s.iter().map(|v| v.depth).max().unwrap_or(0).saturating_add(1),
            What::Method(v, _) => v.depth.saturating_add(1),
            What::Partial(p) => p.1.iter().map(|v| v.depth).max().unwrap_or(0).max(p.0.depth).saturating_add(1),
            _ => 0,
        };
        if depth > DEPTH {
            return Value { what: What::Unknown, from: from | origin::UNKNOWN, name: None, at, literal: false, depth: 0 };
        }
        Value { what, from, name: None, at, literal: false, depth }
    }

    /// Something that is not followed.
    pub fn unknown(from: u16, at: usize) -> Value {
        Value::new(What::Unknown, from | origin::UNKNOWN, at)
    }

    /// A name from outside.
    pub fn path(path: &str, from: u16, at: usize) -> Value {
        Value::new(What::Path(path.into()), from, at)
    }

    /// A constant, up to [`CONSTANT`] bytes; more of it is not followed.
    pub fn text(bytes: &[u8], from: u16, at: usize) -> Value {
        match bytes.get(..CONSTANT) {
            Some(_) if bytes.len() > CONSTANT => Value::new(What::Unknown, from, at),
            _ => Value::new(What::Text(bytes.into()), from, at),
        }
    }

    /// The bytes of a constant.
    pub fn bytes(&self) -> Option<&[u8]> {
        match &self.what {
            What::Text(t) => Some(t),
            _ => None,
        }
    }

    /// The text of a constant.
    pub fn as_str(&self) -> Option<&str> {
        std::str::from_utf8(self.bytes()?).ok()
    }

    /// The path of something from outside.
    pub fn as_path(&self) -> Option<&str> {
        match &self.what {
            What::Path(p) => Some(p),
            _ => None,
        }
    }

    /// Whether every part of it stands in the source.
    pub fn constant(&self) -> bool {
        self.from & origin::UNKNOWN == 0
    }

    /// The value as it would stand in a text: constants as they are, the rest as `$x`.
    pub fn shown(&self) -> Vec<u8> {
        match &self.what {
            What::Text(t) => t.to_vec(),
            What::Int(n) => n.to_string().into_bytes(),
            What::Path(p) if &**p == "sys.executable" => b"python".to_vec(),
            _ => b"$x".to_vec(),
        }
    }
}

/// The result of a binary operator.
pub fn combine(op: &[u8], a: Value, b: Value) -> Value {
    let mut from = a.from | b.from;
    let at = a.at;
    let what = match (op, &a.what, &b.what) {
        (b"+", What::Text(x), What::Text(y)) => {
            from |= origin::PIECES;
            return Value::text(&[&**x, &**y].concat(), from, at);
        }
        (b"+", What::Text(_), _) | (b"+", _, What::Text(_)) => {
            return Value::text(&[a.shown(), b.shown()].concat(), from | origin::UNKNOWN, at);
        }
        (b"+", What::Seq(x), What::Seq(y)) => What::Seq(Rc::new(x.iter().chain(y.iter()).take(ELEMENTS).cloned().collect())),
        (b"/", What::Text(x), _) => {
            let rest = b.shown();
            return Value::text(&[&**x, b"/", &rest].concat(), from, at);
        }
        (b"/", _, What::Text(y)) => return Value::text(&[b"$x/", &**y].concat(), from | origin::UNKNOWN, at),
        (b"%", What::Text(x), _) => return percent(x, &b, from, at),
        (b"*", What::Text(x), What::Int(n)) | (b"*", What::Int(n), What::Text(x)) => {
            let times = usize::try_from(*n).unwrap_or(0);
            return if x.len().saturating_mul(times) <= CONSTANT { Value::text(&x.repeat(times), from, at) } else { Value::unknown(from, at) };
        }
        (b"+", What::Int(x), What::Int(y)) => What::Int(x.wrapping_add(*y)),
        (b"-", What::Int(x), What::Int(y)) => What::Int(x.wrapping_sub(*y)),
        (b"^", What::Int(x), What::Int(y)) => What::Int(x ^ y),
        // The value of a choice is one of the two.
        (b"or" | b"and" | b"else", What::Path(_) | What::Local(_), _) => a.what,
        (b"or" | b"and" | b"else", _, What::Path(_) | What::Local(_)) => b.what,
        (b"or" | b"else", What::Text(_), _) => a.what,
        (b"or" | b"else", _, What::Text(_)) => b.what,
        // The condition has no part in the value; what an assignment expression gives is its right side.
        (b"if", ..) => return a,
        (b":=", ..) => return b,
        _ => What::Unknown,
    };
    // Exclusive or is how strings are scrambled; of two known numbers it is arithmetic.
    if op == b"^" && !matches!(what, What::Int(_)) {
        from |= origin::CHARS;
    }
    if matches!(what, What::Unknown) {
        from |= origin::UNKNOWN;
    }
    Value::new(what, from, at)
}

/// `"…%s…" % x`
fn percent(template: &[u8], b: &Value, from: u16, at: usize) -> Value {
    let single = [b.clone()];
    let values: &[Value] = match &b.what {
        What::Seq(s) => s,
        _ => &single,
    };
    let mut out = Vec::with_capacity(template.len());
    let mut next = values.iter();
    let mut i = 0;
    while let Some(c) = template.get(i) {
        i += 1;
        if *c != b'%' {
            out.push(*c);
            continue;
        }
        if template.get(i) == Some(&b'%') {
            out.push(b'%');
            i += 1;
            continue;
        }
        while template.get(i).is_some_and(|c| !c.is_ascii_alphabetic()) {
            i += 1;
        }
        i += 1;
        let value = next.next().map_or_else(|| b"$x".to_vec(), Value::shown);
        match (template.get(i - 1), std::str::from_utf8(&value).ok().and_then(|t| t.parse::<u8>().ok())) {
            (Some(b'c'), Some(n)) => out.push(n),
            _ => out.extend(value),
        }
    }
    Value::text(&out, from | origin::PIECES, at)
}

/// `"…{}…".format(…)`
pub fn format(template: &[u8], args: &[Value], from: u16, at: usize) -> Value {
    let mut out = Vec::with_capacity(template.len());
    let mut next = 0usize;
    let mut i = 0;
    while let Some(c) = template.get(i) {
        i += 1;
        if matches!(c, b'{' | b'}') && template.get(i) == Some(c) {
            out.push(*c);
            i += 1;
        } else if *c == b'{' {
            let len = template.get(i..).and_then(|r| r.iter().position(|c| *c == b'}')).unwrap_or(0);
            let field = template.get(i..i + len).unwrap_or(&[]);
            i += len + 1;
            let number = std::str::from_utf8(field).ok().and_then(|f| f.parse::<usize>().ok());
            let index = number.unwrap_or(next);
            next += 1;
            match args.get(index) {
                Some(v) if number.is_some() || field.is_empty() => out.extend(v.shown()),
                _ => out.extend_from_slice(b"$x"),
            }
        } else {
            out.push(*c);
        }
    }
    Value::text(&out, from | origin::PIECES, at)
}

/// A method of a constant text: what can be followed is, the rest keeps its origin.
pub fn text_method(recv: &Value, method: &str, args: &[Value], at: usize) -> Value {
    let from = args.iter().fold(recv.from, |f, a| f | a.from);
    let Some(text) = recv.bytes() else {
        return match method {
            "decode" if args.first().and_then(Value::as_str).is_some_and(is_codec) => Value::unknown(from | origin::DECODED, at),
            _ => Value::unknown(from, at),
        };
    };
    match method {
        "join" => match args.first().map(|a| &a.what) {
            Some(What::Seq(parts)) if parts.iter().all(|p| p.bytes().is_some()) => {
                let parts: Vec<&[u8]> = parts.iter().filter_map(Value::bytes).collect();
                Value::text(&parts.join(text), from | origin::PIECES, at)
            }
            Some(What::Seq(parts)) if from & origin::CHARS == 0 => {
                let parts: Vec<Vec<u8>> = parts.iter().map(Value::shown).collect();
                Value::text(&parts.join(text), from | origin::UNKNOWN, at)
            }
            Some(What::Text(t)) => Value::text(t, from, at),
            _ if from & origin::CHARS != 0 => Value::new(What::Unknown, from | origin::DECODED, at),
            _ => Value::unknown(from, at),
        },
        "replace" => match (args.first().and_then(Value::bytes), args.get(1).and_then(Value::bytes)) {
            (Some(a), Some(b)) if !a.is_empty() && text.len().saturating_mul(b.len().max(1)) < 1 << 22 => {
                let (t, a, b) = (String::from_utf8_lossy(text), String::from_utf8_lossy(a), String::from_utf8_lossy(b));
                Value::text(t.replace(&*a, &b).as_bytes(), from | origin::PIECES, at)
            }
            _ => Value::unknown(from, at),
        },
        "format" => format(text, args, from, at),
        "lower" | "casefold" => Value::text(&text.to_ascii_lowercase(), from, at),
        "upper" => Value::text(&text.to_ascii_uppercase(), from, at),
        "swapcase" => {
            let swapped: Vec<u8> = text.iter().map(|c| if c.is_ascii_alphabetic() { c ^ 32 } else { *c }).collect();
            Value::text(&swapped, from | origin::PIECES, at)
        }
        "decode" | "encode" if args.first().and_then(Value::as_str).is_some_and(is_codec) => Value::new(What::Unknown, from | origin::DECODED, at),
        "translate" => Value::new(What::Unknown, from | origin::DECODED, at),
        "decode" | "encode" | "strip" | "lstrip" | "rstrip" | "expanduser" | "resolve" | "absolute" | "as_posix" | "__str__" => Value::text(text, from, at),
        "split" => {
            let by = args.first().and_then(Value::bytes);
            let words: Vec<Value> = match by {
                Some([one]) => text.split(|c| c == one).take(ELEMENTS).map(|w| Value::text(w, from, at)).collect(),
                None => text.split(u8::is_ascii_whitespace).filter(|w| !w.is_empty()).take(ELEMENTS).map(|w| Value::text(w, from, at)).collect(),
                _ => return Value::unknown(from, at),
            };
            Value::new(What::Seq(Rc::new(words)), from, at)
        }
        "joinpath" => {
            let mut out = text.to_vec();
            for a in args {
                out.push(b'/');
                out.extend(a.shown());
            }
            Value::text(&out, from, at)
        }
        _ => Value::unknown(from, at),
    }
}

/// Codecs that turn text into other text.
pub fn is_codec(name: &str) -> bool {
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    matches!(
        plain.as_str(),
        "base64"
            | "base64codec"
            | "hex"
            | "hexcodec"
            | "rot13"
            | "rot"
            | "zlib"
            | "zip"
            | "zlibcodec"
            | "bz2"
            | "bz2codec"
            | "uu"
            | "uucodec"
            | "quopri"
            | "punycode"
            | "unicodeescape"
            | "rawunicodeescape"
            | "stringescape"
    )
}

/// `x[i]`, `x[a:b:c]` of a constant or a sequence; `parts` are what stands between the colons.
pub fn index(recv: &Value, parts: &[Value], colons: usize, at: usize) -> Value {
    let from = parts.iter().fold(recv.from, |f, a| f | a.from);
    let int = |n: usize| match parts.get(n).map(|v| &v.what) {
        Some(What::Int(i)) => Some(*i),
        _ => None,
    };
    let place = |i: i64, len: usize| -> usize {
        let len_i = i64::try_from(len).unwrap_or(i64::MAX);
        usize::try_from(if i < 0 { len_i.saturating_add(i) } else { i }.clamp(0, len_i)).unwrap_or(0)
    };
    match (&recv.what, colons) {
        (What::Seq(s), 0) => match int(0) {
            Some(i) => s.get(place(i, s.len())).cloned().unwrap_or_else(|| Value::unknown(from, at)),
            // Which one is meant is not known; any of them may be.
            None => s.iter().find(|v| matches!(v.what, What::Path(_) | What::Local(_))).cloned().unwrap_or_else(|| Value::unknown(from, at)),
        },
        (What::Text(t), 0) => match int(0) {
            Some(i) => t.get(place(i, t.len())).map_or_else(|| Value::unknown(from, at), |c| Value::text(&[*c], from, at)),
            None => Value::unknown(from, at),
        },
        (What::Text(t), _) => {
            let step = if colons > 1 { int(2).unwrap_or(1) } else { 1 };
            if step < 0 {
                let reversed: Vec<u8> = t.iter().rev().step_by(usize::try_from(step.unsigned_abs()).unwrap_or(1)).copied().collect();
                return Value::text(&reversed, from | origin::PIECES, at);
            }
            let (a, b) = (int(0).map_or(0, |i| place(i, t.len())), int(1).map_or(t.len(), |i| place(i, t.len())));
            let part: Vec<u8> = t.get(a..b).unwrap_or(&[]).iter().step_by(usize::try_from(step.max(1)).unwrap_or(1)).copied().collect();
            Value::text(&part, from, at)
        }
        (What::Seq(_), _) => Value::new(recv.what.clone(), from, at),
        _ => Value::unknown(from, at),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn t(s: &str) -> Value {
        Value::text(s.as_bytes(), 0, 0)
    }

    #[test]
    fn constants_are_put_together() {
        assert_eq!(combine(b"+", t("sys"), t("tem")).as_str(), Some("system"));
        assert_eq!(combine(b"%", t("s%sm"), t("yste")).as_str(), Some("system"));
        assert_eq!(text_method(&t("s{}m"), "format", &[t("yste")], 0).as_str(), Some("system"));
        assert_eq!(index(&t("metsys"), &[Value::unknown(0, 0), Value::unknown(0, 0), Value::new(What::Int(-1), 0, 0)], 2, 0).as_str(), Some("system"));
        assert_eq!(text_method(&t(""), "join", &[Value::new(What::Seq(Rc::new(vec![t("sys"), t("tem")])), 0, 0)], 0).as_str(), Some("system"));
        assert_eq!(combine(b"+", t("curl "), Value::unknown(0, 0)).as_str(), Some("curl $x"));
        assert!(Value::text(&[b'a'; CONSTANT + 1], 0, 0).bytes().is_none());
    }
}
