//! The only way from file bytes to a report string: control characters, bidirectional overrides and escapes never reach a
//! terminal or a page as themselves (Trojan Source, CVE-2021-42574; terminal escapes in file names).

use std::fmt::Write;

/// A text with its percent escapes undone once (RFC 3986, section 2.1); what is no escape stays as it is.
pub fn percent_decoded(text: &str) -> String {
    let digit = |b: Option<&u8>| b.and_then(|b| char::from(*b).to_digit(16)).and_then(|d| u8::try_from(d).ok());
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while let Some(b) = bytes.get(i) {
        match (digit(bytes.get(i + 1)), digit(bytes.get(i + 2))) {
            (Some(high), Some(low)) if *b == b'%' => {
                out.push(high << 4 | low);
                i += 3;
            }
            _ => {
                out.push(*b);
                i += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Python's `str.upper`, for letters that are ASCII or become it; `None` where another one would change. Names of modules and attributes that
/// matter are ASCII, and a visitor of the page need not fetch the whole of Unicode's table for the others.
pub fn upper(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            'ß' => out.push_str("SS"),
            'ı' => out.push('I'),
            'ſ' => out.push('S'),
            'ﬀ' => out.push_str("FF"),
            'ﬁ' => out.push_str("FI"),
            'ﬂ' => out.push_str("FL"),
            'ﬃ' => out.push_str("FFI"),
            'ﬄ' => out.push_str("FFL"),
            'ﬅ' | 'ﬆ' => out.push_str("ST"),
            // Letters for the beginning of a word, which are neither.
            '\u{1c5}' | '\u{1c8}' | '\u{1cb}' | '\u{1f2}' | '\u{1f88}'..='\u{1ffc}' => return None,
            c if !c.is_ascii() && c.is_lowercase() => return None,
            c => out.push(c.to_ascii_uppercase()),
        }
    }
    Some(out)
}

/// Python's `str.swapcase`, as far as [`upper`] goes.
pub fn swapcase(text: &str) -> Option<String> {
    let swapped = |c: char| if c.is_uppercase() { Some(c.to_lowercase().collect()) } else { upper(c.encode_utf8(&mut [0; 4])) };
    text.chars().map(swapped).collect()
}

/// Makes a text printable and at most `limit` characters long; what cannot be shown is escaped as `\u{..}`.
pub fn printable(text: &str, limit: usize) -> String {
    let mut out = String::with_capacity(text.len().min(limit) + 8);
    for (n, c) in text.chars().enumerate() {
        if n >= limit {
            out.push('…');
            break;
        }
        if is_hidden(c) {
            // Writing to a String cannot fail.
            let _ = write!(out, "\\u{{{:x}}}", c as u32);
        } else {
            out.push(c);
        }
    }
    out
}

/// [`printable`] of bytes that are mostly UTF-8.
pub fn printable_bytes(bytes: &[u8], limit: usize) -> String {
    printable(&String::from_utf8_lossy(bytes), limit)
}

/// Characters that would change how the text around them is read or shown.
pub fn is_hidden(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_grow_as_in_python_or_not_at_all() {
        let mut told = 0;
        for c in '\0'..=char::MAX {
            if let Some(said) = upper(&c.to_string()) {
                told += 1;
                assert_eq!(said, c.to_uppercase().to_string(), "{c:?}");
            }
            assert!(upper(&c.to_string()).is_some() || !c.to_uppercase().all(|u| u.is_ascii()), "{c:?}");
        }
        assert!(told > 1_000_000);
        assert_eq!(swapcase("oſ.SYSTEM").as_deref(), Some("OS.system"));
    }

    #[test]
    fn escapes_what_would_move_the_cursor_or_turn_the_line() {
        assert_eq!(printable("a\u{1b}[31mb\u{202e}c", 99), "a\\u{1b}[31mb\\u{202e}c");
        assert_eq!(printable("日本", 99), "日本");
        assert_eq!(printable("abcdef", 3), "abc…");
    }

    #[test]
    fn percent_escapes_are_undone_once_and_only_where_they_are_some() {
        for (text, want) in [("a%2fb", "a/b"), ("%252e", "%2e"), ("100%", "100%"), ("%+f%zz", "%+f%zz"), ("%e6%97%a5", "日")] {
            assert_eq!(percent_decoded(text), want);
        }
    }
}
