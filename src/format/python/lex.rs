//! Python's tokens, for versions 2 and 3 alike, without recursion: brackets, f-strings and their fields stand on explicit stacks.
//!
//! Source: the language reference, "Lexical analysis" (3.13), with PEP 701 (f-strings are tokens, not texts) and PEP 3131
//! (identifiers are compared after NFKC, so that `ｅｘｅｃ` is `exec`).

/// Fields of f-strings that may stand inside one another.
const FIELDS: usize = 64;

/// Levels of indentation; CPython's own bound is 100.
const INDENTS: usize = 200;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Identifier or keyword.
    Name,
    /// Number.
    Number,
    /// A whole string literal; the range is its body.
    Text {
        /// Backslashes stand for themselves.
        raw: bool,
        /// A bytes literal.
        bytes: bool,
    },
    /// Begins an f-string.
    FOpen,
    /// Plain text inside of an f-string.
    FText {
        /// Backslashes stand for themselves.
        raw: bool,
    },
    /// `{` of an f-string's field.
    FField,
    /// `}` of an f-string's field.
    FFieldEnd,
    /// Ends an f-string.
    FClose,
    /// Operator or bracket.
    Op,
    /// End of a logical line.
    Newline,
    /// More indented than before.
    Indent,
    /// Less indented than before.
    Dedent,
    /// A byte that belongs to no token.
    Bad,
    /// End of the source.
    End,
}

/// A token and where it stands.
#[derive(Clone, Copy, Debug)]
pub struct Token {
    /// What it is.
    pub kind: Kind,
    /// First byte.
    pub at: usize,
    /// Behind the last byte.
    pub end: usize,
}

#[derive(Clone, Copy)]
enum Mode {
    /// The text of an f-string.
    Text { quote: u8, triple: bool, raw: bool },
    /// An expression in braces, opened at this bracket depth.
    Field { depth: usize },
    /// The format specification behind an expression's colon.
    Spec { quote: u8, triple: bool },
}

/// Cuts a source into tokens.
pub struct Lexer<'t> {
    src: &'t [u8],
    at: usize,
    depth: usize,
    modes: Vec<Mode>,
    indents: Vec<usize>,
    dedents: usize,
    fresh: bool,
    tokens_on_line: bool,
    ended: bool,
    /// Strings or brackets that never end, and bytes that no token begins with.
    pub faults: usize,
    /// Whether the source ends inside of a string.
    pub open_string: bool,
}

const THREE: &[&[u8]] = &[b"**=", b"//=", b">>=", b"<<=", b"..."];
const TWO: &[&[u8]] =
    &[b"**", b"//", b">>", b"<<", b"<=", b">=", b"==", b"!=", b"<>", b"->", b":=", b"+=", b"-=", b"*=", b"/=", b"%=", b"&=", b"|=", b"^=", b"@="];

impl<'t> Lexer<'t> {
    /// A lexer of a whole source.
    pub fn new(src: &'t [u8]) -> Self {
        let at = if src.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        Lexer {
            src,
            at,
            depth: 0,
            modes: Vec::new(),
            indents: vec![0],
            dedents: 0,
            fresh: true,
            tokens_on_line: false,
            ended: false,
            faults: 0,
            open_string: false,
        }
    }

    fn byte(&self, at: usize) -> u8 {
        self.src.get(at).copied().unwrap_or(0)
    }

    fn starts(&self, with: &[u8]) -> bool {
        self.src.get(self.at..).is_some_and(|r| r.starts_with(with))
    }

    fn token(&mut self, kind: Kind, at: usize, end: usize) -> Token {
        let end = end.min(self.src.len());
        self.at = end;
        self.tokens_on_line = true;
        Token { kind, at, end }
    }

    fn mark(&self, kind: Kind) -> Token {
        Token { kind, at: self.at, end: self.at }
    }

    /// The next token; [`Kind::End`] for ever at the end.
    pub fn token_next(&mut self) -> Token {
        if self.dedents > 0 {
            self.dedents -= 1;
            return self.mark(Kind::Dedent);
        }
        match self.modes.last().copied() {
            Some(Mode::Text { quote, triple, raw }) => return self.f_text(quote, triple, raw),
            Some(Mode::Spec { quote, triple }) => return self.f_spec(quote, triple),
            _ => {}
        }
        loop {
            if self.fresh && self.modes.is_empty() && self.depth == 0 {
                self.fresh = false;
                if let Some(token) = self.indentation() {
                    return token;
                }
            }
            let b = self.byte(self.at);
            if self.at >= self.src.len() {
                return self.finish();
            }
            match b {
                b' ' | b'\t' | b'\x0c' => self.at += 1,
                b'\\' if matches!(self.byte(self.at + 1), b'\n' | b'\r') => self.at += if self.starts(b"\\\r\n") { 3 } else { 2 },
                b'#' => self.at = self.line_end(),
                b'\n' | b'\r' => {
                    let at = self.at;
                    self.at += if self.starts(b"\r\n") { 2 } else { 1 };
                    if self.depth == 0 && self.modes.is_empty() {
                        self.fresh = true;
                        if std::mem::take(&mut self.tokens_on_line) {
                            return Token { kind: Kind::Newline, at, end: at };
                        }
                    }
                }
                _ => return self.lexeme(b),
            }
        }
    }

    fn line_end(&self) -> usize {
        self.src.get(self.at..).and_then(|r| r.iter().position(|b| matches!(b, b'\n' | b'\r'))).map_or(self.src.len(), |n| self.at + n)
    }

    /// Everything that is still open is closed at the end.
    fn finish(&mut self) -> Token {
        if !self.ended {
            self.ended = true;
            if self.depth > 0 || !self.modes.is_empty() {
                self.faults += 1;
            }
            self.dedents = self.indents.len().saturating_sub(1);
            self.indents.truncate(1);
            return self.mark(Kind::Newline);
        }
        self.mark(Kind::End)
    }

    fn indentation(&mut self) -> Option<Token> {
        loop {
            let mut column = 0usize;
            let mut i = self.at;
            loop {
                match self.byte(i) {
                    b' ' => column += 1,
                    b'\t' => column = (column / 8 + 1) * 8,
                    b'\x0c' => column = 0,
                    _ => break,
                }
                i += 1;
            }
            self.at = i;
            match self.byte(i) {
                b'#' => self.at = self.line_end(),
                b'\n' | b'\r' => {}
                _ if i >= self.src.len() => return None,
                _ => return self.indent_to(column),
            }
            if self.at >= self.src.len() {
                return None;
            }
            self.at += if self.starts(b"\r\n") { 2 } else { 1 };
        }
    }

    fn indent_to(&mut self, column: usize) -> Option<Token> {
        let top = self.indents.last().copied().unwrap_or(0);
        if column > top && self.indents.len() < INDENTS {
            self.indents.push(column);
            return Some(self.mark(Kind::Indent));
        }
        while self.indents.len() > 1 && self.indents.last().is_some_and(|i| *i > column) {
            self.indents.pop();
            self.dedents += 1;
        }
        if self.dedents > 0 {
            self.dedents -= 1;
            return Some(self.mark(Kind::Dedent));
        }
        None
    }

    fn lexeme(&mut self, b: u8) -> Token {
        let at = self.at;
        if b.is_ascii_digit() || b == b'.' && self.byte(at + 1).is_ascii_digit() {
            return self.number(at);
        }
        if b.is_ascii_alphabetic() || b == b'_' || b >= 0x80 {
            let len = self.src.get(at..).map_or(0, |r| r.iter().take_while(|c| c.is_ascii_alphanumeric() || **c == b'_' || **c >= 0x80).count());
            let word = self.src.get(at..at + len).unwrap_or(&[]);
            if len <= 3 && matches!(self.byte(at + len), b'"' | b'\'') && word.iter().all(|c| b"rbufRBUFtT".contains(c)) {
                return self.string(at, at + len, word);
            }
            return self.token(Kind::Name, at, at + len);
        }
        match b {
            b'"' | b'\'' => return self.string(at, at, b""),
            b'(' | b'[' | b'{' => self.depth += 1,
            b')' | b']' => self.depth = self.depth.saturating_sub(1),
            b'}' => {
                if let Some(Mode::Field { depth }) = self.modes.last().copied()
                    && depth >= self.depth
                {
                    self.modes.pop();
                    return self.token(Kind::FFieldEnd, at, at + 1);
                }
                self.depth = self.depth.saturating_sub(1);
            }
            b':' | b'!' => {
                if let Some(token) = self.field_tail(b) {
                    return token;
                }
            }
            _ => {}
        }
        for (size, table) in [(3, THREE), (2, TWO)] {
            if table.iter().any(|op| self.starts(op)) {
                return self.token(Kind::Op, at, at + size);
            }
        }
        if b"()[]{}+-*/%@&|^~<>=.,:;`".contains(&b) {
            return self.token(Kind::Op, at, at + 1);
        }
        self.faults += 1;
        self.token(Kind::Bad, at, at + 1)
    }

    /// `!r` and `:…` behind the expression of a field.
    fn field_tail(&mut self, b: u8) -> Option<Token> {
        let Some(Mode::Field { depth }) = self.modes.last().copied() else {
            return None;
        };
        if depth < self.depth || self.byte(self.at + 1) == b'=' && b == b'!' {
            return None;
        }
        let at = self.at;
        if b == b'!' {
            return Some(self.token(Kind::Bad, at, at + 2));
        }
        let (quote, triple) = self.modes.iter().rev().find_map(|m| match m {
            Mode::Text { quote, triple, .. } | Mode::Spec { quote, triple } => Some((*quote, *triple)),
            Mode::Field { .. } => None,
        })?;
        self.modes.pop();
        self.modes.push(Mode::Spec { quote, triple });
        self.at += 1;
        Some(self.f_spec(quote, triple))
    }

    fn number(&mut self, at: usize) -> Token {
        let mut end = at;
        loop {
            let b = self.byte(end);
            let exponent = matches!(b, b'+' | b'-')
                && matches!(self.byte(end.wrapping_sub(1)), b'e' | b'E')
                && end > at
                && !self.src.get(at..at + 2).is_some_and(|p| p.eq_ignore_ascii_case(b"0x"));
            if !(b.is_ascii_alphanumeric() || b == b'_' || b == b'.' || exponent) {
                break;
            }
            end += 1;
        }
        self.token(Kind::Number, at, end)
    }

    fn string(&mut self, at: usize, quote_at: usize, prefix: &[u8]) -> Token {
        let quote = self.byte(quote_at);
        let triple = self.byte(quote_at + 1) == quote && self.byte(quote_at + 2) == quote;
        let raw = prefix.iter().any(|c| c.eq_ignore_ascii_case(&b'r'));
        let body = quote_at + if triple { 3 } else { 1 };
        if prefix.iter().any(|c| matches!(c, b'f' | b'F' | b't' | b'T')) && self.modes.len() < FIELDS {
            self.modes.push(Mode::Text { quote, triple, raw });
            return self.token(Kind::FOpen, at, body);
        }
        let mut end = body;
        loop {
            let b = self.byte(end);
            if end >= self.src.len() || !triple && matches!(b, b'\n' | b'\r') {
                self.faults += 1;
                self.open_string |= triple;
                let token = self.token(Kind::Text { raw, bytes: false }, body, end);
                return token;
            }
            if b == b'\\' {
                end += if self.src.get(end..).is_some_and(|r| r.starts_with(b"\\\r\n")) { 3 } else { 2 };
                continue;
            }
            if b == quote && (!triple || self.byte(end + 1) == quote && self.byte(end + 2) == quote) {
                break;
            }
            end += 1;
        }
        let bytes = prefix.iter().any(|c| c.eq_ignore_ascii_case(&b'b'));
        let token = self.token(Kind::Text { raw, bytes }, body, end);
        self.at = end + if triple { 3 } else { 1 };
        token
    }

    fn f_text(&mut self, quote: u8, triple: bool, raw: bool) -> Token {
        let at = self.at;
        let mut end = at;
        loop {
            let b = self.byte(end);
            if end >= self.src.len() || !triple && matches!(b, b'\n' | b'\r') {
                self.faults += 1;
                self.open_string |= triple;
                self.modes.pop();
                return self.token(Kind::FClose, end, end);
            }
            match b {
                b'\\' => end += 2,
                b'{' | b'}' if self.byte(end + 1) == b => end += 2,
                b'{' if end > at => break,
                b'{' if self.modes.len() < 2 * FIELDS => {
                    self.modes.push(Mode::Field { depth: self.depth });
                    return self.token(Kind::FField, at, at + 1);
                }
                _ if b == quote && (!triple || self.byte(end + 1) == quote && self.byte(end + 2) == quote) => {
                    if end > at {
                        break;
                    }
                    self.modes.pop();
                    return self.token(Kind::FClose, at, at + if triple { 3 } else { 1 });
                }
                _ => end += 1,
            }
        }
        self.token(Kind::FText { raw }, at, end)
    }

    fn f_spec(&mut self, quote: u8, triple: bool) -> Token {
        let mut end = self.at;
        loop {
            let b = self.byte(end);
            match b {
                b'}' => {
                    self.modes.pop();
                    return self.token(Kind::FFieldEnd, end, end + 1);
                }
                b'{' if self.modes.len() < 2 * FIELDS => {
                    self.modes.push(Mode::Field { depth: self.depth });
                    return self.token(Kind::FField, end, end + 1);
                }
                _ if end >= self.src.len() || b == quote && !triple || !triple && matches!(b, b'\n' | b'\r') => {
                    self.faults += 1;
                    self.modes.pop();
                    return self.token(Kind::FFieldEnd, end, end);
                }
                _ => end += 1,
            }
        }
    }
}

/// An identifier as Python compares it: compatibility letters become the ASCII letters that NFKC makes of them. True if that
/// changed anything.
pub fn identifier(bytes: &[u8]) -> (String, bool) {
    let text = String::from_utf8_lossy(bytes);
    if text.is_ascii() {
        return (text.into_owned(), false);
    }
    let folded: String = text.chars().map(plain_letter).collect();
    let changed = folded.is_ascii();
    (folded, changed)
}

/// The ASCII letter that stands behind a full-width, mathematical, ordinal, long or subscript letter.
fn plain_letter(c: char) -> char {
    let n = c as u32;
    let alphabet = |i: u32| char::from_u32(if i < 26 { 65 + i } else { 71 + i }).unwrap_or(c);
    match n {
        0xff01..=0xff5e => char::from_u32(n - 0xfee0).unwrap_or(c),
        0x1d400..=0x1d6a3 => alphabet((n - 0x1d400) % 52),
        0x1d7ce..=0x1d7ff => char::from_u32(48 + (n - 0x1d7ce) % 10).unwrap_or(c),
        _ => match c {
            'ª' | 'ᵃ' | 'ₐ' => 'a',
            'º' | 'ᵒ' | 'ₒ' | 'ℴ' => 'o',
            'ſ' | 'ˢ' | 'ₛ' => 's',
            'ℯ' | 'ᵉ' | 'ₑ' | 'ⅇ' => 'e',
            'ⅰ' | 'ⁱ' | 'ᵢ' | 'ⅈ' | 'ℹ' => 'i',
            'ⅴ' | 'ᵥ' | 'ᵛ' => 'v',
            'ⅹ' | 'ˣ' | 'ₓ' => 'x',
            'ⅼ' | 'ˡ' | 'ₗ' | 'ℓ' => 'l',
            'ⅽ' | 'ᶜ' => 'c',
            'ⅾ' | 'ᵈ' | 'ⅆ' => 'd',
            'ⅿ' | 'ᵐ' | 'ₘ' => 'm',
            'ᵖ' | 'ₚ' => 'p',
            'ᵗ' | 'ₜ' => 't',
            'ʸ' => 'y',
            'ʳ' | 'ᵣ' => 'r',
            'ⁿ' | 'ₙ' => 'n',
            'ᵘ' | 'ᵤ' => 'u',
            'ʰ' | 'ₕ' | 'ℎ' => 'h',
            'ᵏ' | 'ₖ' => 'k',
            'ᵇ' => 'b',
            'ᵍ' | 'ℊ' => 'g',
            _ => c,
        },
    }
}

/// The value of a string literal's body, at most `cap` bytes of it.
pub fn unescape(body: &[u8], raw: bool, bytes: bool, cap: usize) -> Vec<u8> {
    if raw || !body.contains(&b'\\') {
        return body.get(..body.len().min(cap)).unwrap_or(&[]).to_vec();
    }
    let mut out = Vec::with_capacity(body.len().min(cap));
    let mut i = 0;
    while let Some(b) = body.get(i)
        && out.len() < cap
    {
        i += 1;
        if *b != b'\\' {
            out.push(*b);
            continue;
        }
        let Some(c) = body.get(i) else { break };
        i += 1;
        let digits = |from: usize, most: usize, radix: u32| -> (u32, usize) {
            let n = body.get(from..).map_or(0, |r| r.iter().take(most).take_while(|d| char::from(**d).is_digit(radix)).count());
            let text = body.get(from..from + n).and_then(|d| std::str::from_utf8(d).ok()).unwrap_or("");
            (u32::from_str_radix(text, radix).unwrap_or(0), n)
        };
        let mut put = |code: u32| match (bytes, char::from_u32(code)) {
            (true, _) => out.push((code & 0xff) as u8),
            (false, Some(c)) => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            (false, None) => out.extend_from_slice("\u{fffd}".as_bytes()),
        };
        match c {
            b'\n' => {}
            b'\r' => i += usize::from(body.get(i) == Some(&b'\n')),
            b'n' => put(10),
            b't' => put(9),
            b'r' => put(13),
            b'a' => put(7),
            b'b' => put(8),
            b'f' => put(12),
            b'v' => put(11),
            b'\\' | b'\'' | b'"' => put(u32::from(*c)),
            b'x' | b'u' | b'U' if *c == b'x' || !bytes => {
                let (code, n) = digits(
                    i,
                    if *c == b'x' {
                        2
                    } else if *c == b'u' {
                        4
                    } else {
                        8
                    },
                    16,
                );
                i += n;
                put(code);
            }
            b'0'..=b'7' => {
                let (code, n) = digits(i - 1, 3, 8);
                i += n.saturating_sub(1);
                put(code);
            }
            _ => {
                put(u32::from(b'\\'));
                put(u32::from(*c));
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<(Kind, String)> {
        let mut lexer = Lexer::new(text.as_bytes());
        let mut out = Vec::new();
        loop {
            let t = lexer.token_next();
            if t.kind == Kind::End {
                return out;
            }
            out.push((t.kind, text.get(t.at..t.end).unwrap_or("").to_string()));
        }
    }

    #[test]
    fn lines_blocks_and_strings() {
        let got = kinds("if a:\n    b = '''x\ny'''  # c\n\n    c(\n1)\nd\n");
        let words: Vec<&str> = got.iter().filter(|t| matches!(t.0, Kind::Name | Kind::Number | Kind::Text { .. })).map(|t| t.1.as_str()).collect();
        assert_eq!(words, ["if", "a", "b", "x\ny", "c", "1", "d"]);
        assert_eq!(got.iter().filter(|t| t.0 == Kind::Indent).count(), 1);
        assert_eq!(got.iter().filter(|t| t.0 == Kind::Dedent).count(), 1);
        assert_eq!(got.iter().filter(|t| t.0 == Kind::Newline).count(), 5);
    }

    #[test]
    fn code_inside_of_f_strings_is_code() {
        for text in ["f'a{g(1)!r:>{w}}b'", "f\"{x['k']:{'>'}} {{no}} {g(1)}\"", "rf'''{\ng(1)\n}'''"] {
            let got = kinds(text);
            assert!(got.iter().any(|t| t.0 == Kind::Name && t.1 == "g"), "{text}: {got:?}");
            assert_eq!(got.iter().filter(|t| t.0 == Kind::FOpen).count(), got.iter().filter(|t| t.0 == Kind::FClose).count());
            assert_eq!(got.iter().filter(|t| t.0 == Kind::FField).count(), got.iter().filter(|t| t.0 == Kind::FFieldEnd).count(), "{got:?}");
        }
    }

    #[test]
    fn identifiers_are_compared_as_python_does() {
        assert_eq!(identifier("ｅｘｅｃ".as_bytes()), ("exec".to_string(), true));
        assert_eq!(identifier("𝘴𝘺𝘴𝘵𝘦𝘮".as_bytes()), ("system".to_string(), true));
        assert_eq!(identifier("größe".as_bytes()), ("größe".to_string(), false));
    }

    #[test]
    fn escapes() {
        assert_eq!(unescape(br"\x73\171\u0073\n\q", false, false, 99), b"sys\n\\q");
        assert_eq!(unescape(br"\x73", true, false, 99), br"\x73");
        assert_eq!(unescape(br"\xff", false, true, 99), b"\xff");
    }
}
