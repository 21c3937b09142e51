//! The only way from file bytes to a report string: control characters, bidirectional overrides and escapes never reach a
//! terminal or a page as themselves (Trojan Source, CVE-2021-42574; terminal escapes in file names).

use std::fmt::Write;

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
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_what_would_move_the_cursor_or_turn_the_line() {
        assert_eq!(printable("a\u{1b}[31mb\u{202e}c", 99), "a\\u{1b}[31mb\\u{202e}c");
        assert_eq!(printable("日本", 99), "日本");
        assert_eq!(printable("abcdef", 3), "abc…");
    }
}
