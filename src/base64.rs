//! Base64, as formats, pickles, tokens and lists of digests carry it.

/// The bytes that a text stands for, in either alphabet (RFC 4648, sections 4 and 5), up to its first `=`. What belongs to neither alphabet is passed
/// over where `pass` says so; otherwise there are no bytes. Bits left over at the end are padding.
pub fn decode(text: &[u8], pass: impl Fn(u8) -> bool) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut have) = (0u32, 0u32);
    for b in text.iter().take_while(|b| **b != b'=') {
        let six = match b {
            b'A'..=b'Z' => b - b'A',
            b'a'..=b'z' => b - b'a' + 26,
            b'0'..=b'9' => b - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            other if pass(*other) => continue,
            _ => return None,
        };
        bits = bits << 6 & 0xff_ffff | u32::from(six);
        have += 6;
        if have >= 8 {
            have -= 8;
            out.push((bits >> have & 0xff) as u8);
        }
    }
    Some(out)
}

/// Whether a text begins like Base64 of what loads or runs: a ZIP, a gzip stream, an ELF or PE program, objects of Java, or a pickle of the
/// protocols 2 to 5, whose third letter holds four bits of the protocol's byte and two of the next.
pub fn hides(text: &[u8]) -> bool {
    matches!(text, [b'g', b'A', b'I'..=b'X', ..]) || [&b"UEsDB"[..], b"H4sI", b"f0VM", b"TVqQ", b"rO0AB"].iter().any(|m| text.starts_with(m))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_loads_or_runs_is_told_by_its_first_letters() {
        for hidden in ["gAJjb3M=", "gASVKAAA", "UEsDBBQA", "H4sIAAAA", "f0VMRgIB", "TVqQAAMA", "rO0ABXNy"] {
            assert!(hides(hidden.as_bytes()), "{hidden}");
        }
        for other in ["gABjb3M=", "gAZjb3M=", "gA", "UEsBAhQA", "hello", ""] {
            assert!(!hides(other.as_bytes()), "{other}");
        }
    }

    #[test]
    fn both_alphabets_padding_and_what_is_passed_over() {
        for (text, bytes) in [
            ("", &b""[..]),
            ("aQ==", b"i"),
            ("aQ", b"i"),
            ("b3Muc3lzdGVt", b"os.system"),
            ("-_-_", b"\xfb\xff\xbf"),
            ("+/+/", b"\xfb\xff\xbf"),
            ("aQ==aQ==", b"i"),
        ] {
            assert_eq!(decode(text.as_bytes(), |_| false).as_deref(), Some(bytes), "{text}");
        }
        assert_eq!(decode(b"b3Mu\nc3lzdGVt", |b| b == b'\n').as_deref(), Some(&b"os.system"[..]));
        assert_eq!(decode(b"b3Mu\nc3lzdGVt", |_| false), None);
    }
}
