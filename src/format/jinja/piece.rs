//! A template in pieces, and the words of an expression.

use super::OPERATORS;
use std::rc::Rc;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Expression,
    Statement,
    Comment,
}

pub(super) struct Piece<'t> {
    pub(super) kind: Kind,
    pub(super) body: &'t str,
    /// Offset of the body.
    pub(super) at: usize,
    pub(super) closed: bool,
}

/// The tags of a template, as Jinja's own lexer finds them: closing marks inside of strings and brackets do not count.
pub(super) struct Pieces<'t> {
    pub(super) text: &'t str,
    pub(super) at: usize,
}

impl<'t> Pieces<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Pieces { text, at: 0 }
    }
}

impl<'t> Iterator for Pieces<'t> {
    type Item = Piece<'t>;

    fn next(&mut self) -> Option<Piece<'t>> {
        let bytes = self.text.as_bytes();
        let rest = bytes.get(self.at..)?;
        let open = self.at + rest.windows(2).position(|w| matches!(w, b"{{" | b"{%" | b"{#"))?;
        let mut from = open + 2;
        let kind = match bytes.get(open + 1) {
            Some(b'{') => Kind::Expression,
            Some(b'%') => Kind::Statement,
            _ => Kind::Comment,
        };
        if matches!(bytes.get(from), Some(b'-' | b'+')) {
            from += 1;
        }
        let (end, closed) = close(bytes, from, kind);
        self.at = (end + if closed { 2 } else { 0 }).max(open + 2);
        let body = self.text.get(from..end.max(from)).unwrap_or("").trim_end_matches(['-', '+']);
        if kind == Kind::Statement && body.trim() == "raw" {
            // Up to the end mark everything is text.
            let after = self.text.get(self.at..).unwrap_or("");
            let mut skip = after.len();
            for (i, _) in after.match_indices("endraw") {
                let before = after.get(..i).unwrap_or("").trim_end().trim_end_matches(['-', '+']);
                if before.ends_with("{%") {
                    skip = i;
                    break;
                }
            }
            self.at += skip;
        }
        Some(Piece { kind, body, at: from, closed })
    }
}

pub(super) fn close(bytes: &[u8], from: usize, kind: Kind) -> (usize, bool) {
    let mut at = from;
    let mut quote = None;
    let mut depth = 0usize;
    while let Some(b) = bytes.get(at) {
        let next = bytes.get(at + 1);
        if kind == Kind::Comment {
            if *b == b'#' && next == Some(&b'}') {
                return (at, true);
            }
        } else if let Some(q) = quote {
            match b {
                b'\\' => at += 1,
                b if *b == q => quote = None,
                _ => {}
            }
        } else {
            match b {
                b'"' | b'\'' => quote = Some(*b),
                b'%' if kind == Kind::Statement && next == Some(&b'}') && depth == 0 => return (at, true),
                b'}' if kind == Kind::Expression && next == Some(&b'}') && depth == 0 => return (at, true),
                b'(' | b'[' | b'{' => depth += 1,
                b')' | b']' | b'}' => depth = depth.saturating_sub(1),
                _ => {}
            }
        }
        at += 1;
    }
    (bytes.len(), false)
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Word {
    Name(String),
    Text(Rc<str>),
    Int(i64),
    Float,
    Op(&'static str),
}

#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) word: Word,
    pub(super) from: usize,
    pub(super) to: usize,
}

/// The tokens of a tag's body, which stands at `base` of the template.
pub(super) fn tokens(body: &str, base: usize) -> Vec<Token> {
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(rest) = body.get(at..)
        && let Some(c) = rest.chars().next()
    {
        let from = base + at;
        if c.is_whitespace() {
            at += c.len_utf8();
            continue;
        }
        let word = if c == '_' || c.is_alphabetic() {
            let n = rest.find(|c: char| !(c == '_' || c.is_alphanumeric())).unwrap_or(rest.len());
            at += n;
            Word::Name(rest.get(..n).unwrap_or("").to_string())
        } else if c.is_ascii_digit() {
            let n = rest.find(|c: char| !(c == '_' || c.is_ascii_alphanumeric())).unwrap_or(rest.len());
            at += n;
            let digits = rest.get(..n).unwrap_or("").replace('_', "").to_ascii_lowercase();
            let whole = match digits.get(..2) {
                Some("0x") => i64::from_str_radix(digits.get(2..).unwrap_or(""), 16),
                Some("0o") => i64::from_str_radix(digits.get(2..).unwrap_or(""), 8),
                Some("0b") => i64::from_str_radix(digits.get(2..).unwrap_or(""), 2),
                _ => digits.parse(),
            };
            match whole {
                Ok(n) => Word::Int(n),
                Err(_) if digits.bytes().all(|b| b.is_ascii_digit()) => Word::Int(i64::MAX),
                Err(_) => Word::Float,
            }
        } else if c == '"' || c == '\'' {
            let (text, n) = literal(rest, c);
            at += n;
            Word::Text(text.into())
        } else if let Some(op) = OPERATORS.iter().find(|o| rest.starts_with(**o)) {
            at += op.len();
            Word::Op(op)
        } else {
            at += c.len_utf8();
            continue;
        };
        out.push(Token { word, from, to: base + at });
    }
    out
}

/// A string literal with its escapes undone, and its length in the source.
fn literal(rest: &str, quote: char) -> (String, usize) {
    let mut out = String::new();
    let mut chars = rest.char_indices().skip(1);
    while let Some((i, c)) = chars.next() {
        if c == quote {
            return (out, i + 1);
        }
        if c != '\\' {
            out.push(c);
            continue;
        }
        let Some((j, e)) = chars.next() else { break };
        let digits = match e {
            'x' => 2,
            'u' => 4,
            'U' => 8,
            _ => 0,
        };
        if digits > 0 {
            let hex = rest.get(j + 1..j + 1 + digits).unwrap_or("");
            match u32::from_str_radix(hex, 16).ok().and_then(char::from_u32) {
                Some(c) => {
                    out.push(c);
                    for _ in 0..digits {
                        chars.next();
                    }
                }
                None => out.push(e),
            }
        } else if e.is_digit(8) {
            let n = rest.get(j..).unwrap_or("").chars().take(3).take_while(|c| c.is_digit(8)).count();
            let code = u32::from_str_radix(rest.get(j..j + n).unwrap_or("0"), 8).unwrap_or(0);
            out.push(char::from_u32(code).unwrap_or('?'));
            for _ in 1..n {
                chars.next();
            }
        } else if e == 'N' {
            // '\N{LOW LINE}' and its kind: the name is not looked up, underscores are what it would be used for.
            let name = rest.get(j + 1..).and_then(|r| r.strip_prefix('{')).and_then(|r| r.split('}').next()).unwrap_or("");
            out.push(if name.eq_ignore_ascii_case("low line") { '_' } else { '?' });
            for _ in 0..(name.chars().count() + 2) {
                chars.next();
            }
        } else {
            match e {
                'n' => out.push('\n'),
                't' => out.push('\t'),
                'r' => out.push('\r'),
                '\n' => {}
                'a' | 'b' | 'f' | 'v' | '0' => out.push('\u{1}'),
                _ => out.push(e),
            }
        }
    }
    (out, rest.len())
}
