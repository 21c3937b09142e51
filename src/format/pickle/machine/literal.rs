//! Numbers and texts as opcodes spell them.

use super::super::value::Value;

/// UTF-8 as Python writes it, with lone surrogates, which become replacement characters here; otherwise one character a byte.
pub(super) fn decode(bytes: &[u8]) -> String {
    if let Ok(s) = std::str::from_utf8(bytes) {
        return s.to_string();
    }
    let mut out = String::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let good = std::str::from_utf8(rest).map_or_else(|e| e.valid_up_to(), str::len);
        let (text, bad) = rest.split_at(good);
        out.push_str(std::str::from_utf8(text).unwrap_or_default());
        rest = match bad {
            [] => break,
            [0xed, 0xa0..=0xbf, 0x80..=0xbf, next @ ..] => next,
            _ => return bytes.iter().map(|b| *b as char).collect(),
        };
        out.push('\u{fffd}');
    }
    out
}

/// INT and LONG in every spelling that `strtol(…, 0)` or `int(…, 0)` accepts; `None` for what both refuse.
pub(super) fn integer(line: &[u8], short: bool) -> Option<Value> {
    if short && line == b"00" {
        return Some(Value::bool(false));
    }
    if short && line == b"01" {
        return Some(Value::bool(true));
    }
    // `strtol` stops at a NUL and takes an empty text for zero.
    let cut = line.iter().position(|b| *b == 0).unwrap_or(line.len());
    let text: String = line[..cut].iter().map(|b| *b as char).collect();
    let text = text.trim_matches(|c: char| c.is_ascii_whitespace() || c == '\u{b}');
    let text = text.strip_suffix(['L', 'l']).unwrap_or(text).trim_end_matches(|c: char| c.is_ascii_whitespace() || c == '\u{b}');
    let (negative, digits) = match text.strip_prefix('-') {
        Some(d) => (true, d),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let lower = digits.to_ascii_lowercase().replace('_', "");
    // INT goes through `strtol`, for which a leading zero means octal.
    let octal = if short && lower.len() > 1 && lower.bytes().all(|b| matches!(b, b'0'..=b'7')) { "0" } else { "0o" };
    let (radix, digits) =
        [("0x", 16), ("0o", 8), (octal, 8), ("0b", 2)].into_iter().find_map(|(p, r)| lower.strip_prefix(p).map(|d| (r, d))).unwrap_or((10, &lower));
    if !digits.chars().all(|c| c.is_digit(radix)) {
        return None;
    }
    let n = if digits.is_empty() { Some(0) } else { i64::from_str_radix(digits, radix).ok() };
    Some(n.map_or(Value::PLAIN, |n| Value::int(if negative { -n } else { n })))
}

/// Whether FLOAT's line is a number to `PyOS_string_to_double`, which stops at a NUL, or to `float`, which skips `_` between digits and space around.
pub(super) fn is_float(line: &[u8]) -> bool {
    let cut = line.iter().position(|b| *b == 0).unwrap_or(line.len());
    let text: String = line[..cut].iter().map(|b| *b as char).filter(|c| *c != '_').collect();
    let text = text.trim_matches(|c: char| c.is_ascii_whitespace() || c == '\u{b}');
    let text = text.strip_prefix(['+', '-']).unwrap_or(text).to_ascii_lowercase();
    let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    let (number, power) = text.split_once('e').unwrap_or((&text, "0"));
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    let power = power.strip_prefix(['+', '-']).unwrap_or(power);
    let plain = digits(whole) && digits(part) && !(whole.is_empty() && part.is_empty()) && digits(power) && !power.is_empty();
    plain || matches!(&*text, "inf" | "infinity" | "nan")
}

/// A memo key of GET and PUT. The Python unpickler's memo takes a number of any size, Python 2's the line as it is.
pub(super) enum Key {
    /// A number.
    Number(u64),
    /// What is none that fits: its digits, or the line.
    Other(Vec<u8>),
}

/// A memo key as `int()` reads it.
pub(super) fn key(line: &[u8]) -> Key {
    let number = line.iter().position(|b| *b == 0).map_or(line, |end| &line[..end]).trim_ascii();
    let digits: Vec<u8> = number.strip_prefix(b"+").unwrap_or(number).iter().copied().filter(|b| *b != b'_').skip_while(|b| *b == b'0').collect();
    let zero = digits.is_empty() && number.contains(&b'0');
    match std::str::from_utf8(&digits).ok().and_then(|d| d.parse().ok()) {
        _ if zero => Key::Number(0),
        Some(n) if !digits.starts_with(b"+") => Key::Number(n),
        _ if !digits.is_empty() && digits.iter().all(u8::is_ascii_digit) => Key::Other(digits),
        _ => Key::Other(line.to_vec()),
    }
}

/// LONG1 and LONG4: little-endian two's complement.
pub(super) fn long(bytes: &[u8], len: u64) -> Value {
    let negative = bytes.last().is_some_and(|b| b & 0x80 != 0);
    // Longer than it need be, it is the same number.
    let (short, rest) = bytes.split_at(bytes.len().min(8));
    let fill = if negative { 0xff } else { 0 };
    if len > bytes.len() as u64 || rest.iter().any(|b| *b != fill) || !rest.is_empty() && (short.last() >= Some(&0x80)) != negative {
        return Value::PLAIN;
    }
    let mut out = if negative { [0xff; 8] } else { [0; 8] };
    for (o, b) in out.iter_mut().zip(short) {
        *o = *b;
    }
    Value::int(i64::from_le_bytes(out))
}

/// STRING: a Python `repr` with its escapes.
pub(super) fn unquote(line: &[u8]) -> String {
    let line = line.trim_ascii_end();
    let inner = match line {
        [q @ (b'\'' | b'"'), inner @ .., e] if q == e => inner,
        other => other,
    };
    let mut out = Vec::with_capacity(inner.len());
    let mut i = 0;
    while let Some(b) = inner.get(i) {
        i += 1;
        if *b != b'\\' {
            out.push(*b);
            continue;
        }
        let Some(e) = inner.get(i) else { break };
        i += 1;
        match e {
            b'n' => out.push(b'\n'),
            b't' => out.push(b'\t'),
            b'r' => out.push(b'\r'),
            b'a' => out.push(7),
            b'b' => out.push(8),
            b'f' => out.push(12),
            b'v' => out.push(11),
            b'x' => {
                let hex = inner.get(i..i + 2).and_then(|h| std::str::from_utf8(h).ok()).and_then(|h| u8::from_str_radix(h, 16).ok());
                if let Some(v) = hex {
                    out.push(v);
                    i += 2;
                }
            }
            b'0'..=b'7' => {
                let mut v = u32::from(e - b'0');
                for _ in 0..2 {
                    if let Some(d @ b'0'..=b'7') = inner.get(i) {
                        v = v * 8 + u32::from(d - b'0');
                        i += 1;
                    }
                }
                out.push(v as u8);
            }
            b'\\' | b'\'' | b'"' => out.push(*e),
            b'\n' => {}
            // What is no escape stays as it is.
            other => out.extend([b'\\', *other]),
        }
    }
    decode(&out)
}

/// UNICODE: raw-unicode-escape.
pub(super) fn raw_unicode(line: &[u8]) -> String {
    let mut out = String::with_capacity(line.len());
    let mut i = 0;
    while let Some(b) = line.get(i) {
        i += 1;
        // A backslash that follows another begins nothing.
        if *b == b'\\' && line.get(i) == Some(&b'\\') {
            out.push_str("\\\\");
            i += 1;
            continue;
        }
        if *b == b'\\'
            && let Some(kind @ (b'u' | b'U')) = line.get(i)
        {
            let n = if *kind == b'u' { 4 } else { 8 };
            let code = line.get(i + 1..i + 1 + n).and_then(|h| std::str::from_utf8(h).ok()).and_then(|h| u32::from_str_radix(h, 16).ok());
            if let Some(code) = code {
                out.push(char::from_u32(code).unwrap_or('\u{fffd}'));
                i += 1 + n;
                continue;
            }
        }
        out.push(*b as char);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_float_is_what_a_library_reads_as_one() {
        let letters = b"+-.e1";
        for n in 0..5usize.pow(6) {
            let text: Vec<u8> = (0..6).scan(n, |n, _| Some((std::mem::replace(n, *n / 5)) % 5)).map(|i| letters[i]).collect();
            for len in 0..=6 {
                let word = std::str::from_utf8(&text[..len]).expect("letters");
                assert_eq!(is_float(word.as_bytes()), word.parse::<f64>().is_ok(), "{word}");
            }
        }
        for (word, is) in [
            ("inf", true),
            ("-Infinity", true),
            ("+nAn", true),
            (" 1E5\u{b}", true),
            ("1_0.5", true),
            ("nano", false),
            ("infin", false),
            ("1e", false),
            ("0x1", false),
        ] {
            assert_eq!(is_float(word.as_bytes()), is, "{word}");
        }
    }

    #[test]
    fn numbers_in_every_spelling() {
        for (line, value) in [
            (&b"0x10"[..], Value::int(16)),
            (b" 1_0 ", Value::int(10)),
            (b"01", Value::bool(true)),
            (b"1\0x", Value::int(1)),
            (b"-7L", Value::int(-7)),
            (b"3 L", Value::int(3)),
            (b"", Value::int(0)),
        ] {
            assert_eq!(integer(line, true), Some(value), "{}", line.escape_ascii());
        }
        assert_eq!(integer(b"99999999999999999999999999", false), Some(Value::PLAIN));
        assert_eq!(integer(b"1 is the first.", true), None);
        assert_eq!(integer(b"017", true), Some(Value::int(15)));
        for line in [&b"+3"[..], b" 0_3 ", b"0000000000000000000000000000000000000000000000000000000000000000000000003", b"3\0x"] {
            assert!(matches!(key(line), Key::Number(3)), "{}", line.escape_ascii());
        }
        assert!(matches!(key(b"099999999999999999999999999"), Key::Other(k) if k == b"99999999999999999999999999"));
        assert!(matches!(key(b"00"), Key::Number(0)));
        assert_eq!(long(&[0xff], 1), Value::int(-1));
        assert_eq!(long(&[0x80, 0], 2), Value::int(128));
    }

    #[test]
    fn texts_with_every_escape() {
        assert_eq!(unquote(b"'o\\x73'"), "os");
        assert_eq!(unquote(b"\"\\157s\""), "os");
        assert_eq!(raw_unicode(b"\\u006f\\U00000073"), "os");
    }
}
