//! The normal form of a text for matching: what two copies of one licence have in common, whatever their line breaks, quotes, markup and case.

/// One word of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// Hash of the word.
    pub hash: u32,
    /// Offset of the word in the text.
    pub at: u32,
    /// Offset behind it.
    pub end: u32,
    /// It stands in a line that names a holder of rights, which every copy has of its own.
    pub holder: bool,
}

/// A text in normal form.
#[derive(Clone, Debug, Default)]
pub struct Normal {
    /// Its words.
    pub words: Vec<Word>,
    /// Letters of other alphabets were read as the Latin letters that they look like.
    pub folded: bool,
}

/// FNV-1a over bytes.
fn fnv(bytes: &[u8], start: u32) -> u32 {
    bytes.iter().fold(start, |h, b| (h ^ u32::from(*b)).wrapping_mul(0x0100_0193))
}

/// Hash of one word.
pub fn hash(word: &str) -> u32 {
    fnv(word.as_bytes(), 0x811c_9dc5)
}

/// Hash of two words that follow each other.
pub fn pair(a: u32, b: u32) -> u32 {
    let h = fnv(&b.to_le_bytes(), fnv(&a.to_le_bytes(), 0x811c_9dc5));
    // The low bits of FNV are its weakest.
    h ^ (h >> 15)
}

/// The Latin letter that a letter of another alphabet, or of another width, looks like.
fn look(c: char) -> Option<char> {
    Some(match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xfee0)?,
        'а' | 'А' | 'α' | 'Α' => 'a',
        'в' | 'В' | 'Β' => 'b',
        'с' | 'С' => 'c',
        'е' | 'Е' | 'ё' | 'Ε' | 'ε' => 'e',
        'Н' | 'н' | 'Η' => 'h',
        'і' | 'І' | 'Ι' | 'ι' => 'i',
        'ј' | 'Ј' => 'j',
        'к' | 'К' | 'Κ' | 'κ' => 'k',
        'м' | 'М' | 'Μ' => 'm',
        'о' | 'О' | 'ο' | 'Ο' => 'o',
        'р' | 'Р' | 'ρ' | 'Ρ' => 'p',
        'ѕ' | 'Ѕ' => 's',
        'т' | 'Т' | 'Τ' | 'τ' => 't',
        'у' | 'У' | 'Υ' | 'υ' => 'y',
        'х' | 'Х' | 'Χ' | 'χ' => 'x',
        'Ν' | 'ν' => 'n',
        'Ζ' => 'z',
        _ => return None,
    })
}

/// Letters and digits, the scripts in which licences are written, and the signs that carry meaning in them.
fn keeps(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '+' | '.' | '$' | '@') || matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}')
}

/// Markup that disappears without parting words.
fn vanishes(c: char) -> bool {
    matches!(c, '*' | '_' | '#' | '`' | '>' | '\\' | '\u{200b}'..='\u{200d}' | '\u{feff}' | '\u{ad}')
}

/// Words that are one word in two spellings.
fn spelled(word: &str) -> &str {
    match word {
        "licence" => "license",
        "licences" => "licenses",
        "licenced" => "licensed",
        "sublicence" => "sublicense",
        other => other,
    }
}

/// End of a tag that begins at the first byte: `<p>`, `</div>`, `<!-- … -->`. A lone `<` is no tag.
fn tag(rest: &str) -> Option<usize> {
    let inner = rest.strip_prefix('<')?;
    if !inner.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '/' | '!' | '?')) {
        return None;
    }
    let window = rest.as_bytes().get(..rest.len().min(300))?;
    // Placeholders such as `<year>` and addresses stand in angle brackets, too, and leave as little behind.
    window.iter().position(|b| *b == b'>').map(|n| n + 1)
}

/// A character reference of HTML that the text begins with: its length, and the character that it stands for. Names other than those of the five signs of markup
/// and of the spaces and quotes that licences are written with are words of the text.
fn entity(rest: &str) -> Option<(usize, char)> {
    let inner = rest.strip_prefix('&')?;
    let end = inner.as_bytes().iter().take(8).position(|b| *b == b';')?;
    let name = inner.get(..end)?;
    let stands = match name.strip_prefix('#') {
        Some(n) => n.strip_prefix(['x', 'X']).map_or_else(|| n.parse().ok(), |hex| u32::from_str_radix(hex, 16).ok()).and_then(char::from_u32)?,
        None => match name {
            "quot" | "ldquo" | "rdquo" | "apos" | "lsquo" | "rsquo" | "nbsp" | "mdash" | "ndash" | "lt" | "gt" | "amp" | "copy" | "sect" | "bull" | "middot" => ' ',
            _ => return None,
        },
    };
    Some((end + 2, stands))
}

/// Puts a text into normal form.
pub fn normal(text: &str) -> Normal {
    let mut out = Normal::default();
    let mut word = String::new();
    let mut start = 0usize;
    let mut line_from = 0usize;
    let mut at = 0usize;
    let mut line_start = 0usize;
    while let Some(c) = text.get(at..).and_then(|r| r.chars().next()) {
        if c == '<'
            && let Some(len) = text.get(at..).and_then(tag)
        {
            close(&mut out, &mut word, start, at);
            at += len;
            continue;
        }
        if c == '&'
            && let Some((len, stands)) = text.get(at..).and_then(entity)
        {
            if stands.is_alphanumeric() {
                if word.is_empty() {
                    start = at;
                }
                word.extend(stands.to_lowercase());
            } else if !vanishes(stands) {
                close(&mut out, &mut word, start, at);
            }
            at += len;
            continue;
        }
        let here = at;
        at += c.len_utf8();
        if c == '\n' {
            close(&mut out, &mut word, start, here);
            mark(&mut out, line_from, text.get(line_start..here).unwrap_or_default());
            line_from = out.words.len();
            line_start = at;
            continue;
        }
        if vanishes(c) {
            continue;
        }
        let folded = look(c);
        // Letters of another alphabet inside of a Latin word are a disguise; a text in that alphabet is not.
        let c = match folded {
            Some(l) if !word.is_empty() || matches!(c, '\u{ff01}'..='\u{ff5e}') || next_is_latin(text, at) => {
                out.folded |= !matches!(c, '\u{ff01}'..='\u{ff5e}') && (word.is_ascii() && !word.is_empty() || next_is_latin(text, at));
                l
            }
            _ => c,
        };
        if keeps(c) {
            if word.is_empty() {
                start = here;
            }
            word.extend(c.to_lowercase());
        } else {
            close(&mut out, &mut word, start, here);
        }
    }
    close(&mut out, &mut word, start, text.len());
    mark(&mut out, line_from, text.get(line_start..).unwrap_or_default());
    out
}

fn next_is_latin(text: &str, at: usize) -> bool {
    text.get(at..).and_then(|r| r.chars().next()).is_some_and(|c| c.is_ascii_alphabetic())
}

fn close(out: &mut Normal, word: &mut String, start: usize, end: usize) {
    let bare = spelled(word.trim_end_matches('.').trim_start_matches('.'));
    if !bare.is_empty() {
        out.words.push(Word { hash: hash(bare), at: u32::try_from(start).unwrap_or(u32::MAX), end: u32::try_from(end).unwrap_or(u32::MAX), holder: false });
    }
    word.clear();
}

/// Marks the words of a line that names a holder of rights.
fn mark(out: &mut Normal, from: usize, line: &str) {
    let head: String = line.trim_start_matches(|c: char| !c.is_alphanumeric() && c != '(' && c != '©').chars().take(80).collect::<String>().to_lowercase();
    let named = head.contains(|c: char| c.is_ascii_digit()) || head.contains("(c)") || head.contains('©') || head.contains('<') || head.contains('[');
    let holder = (head.starts_with("copyright") && (named || head.len() < 60 && !head.contains(" notice") && !head.contains(" holder") && !head.contains(" owner") && !head.contains(" law") && !head.contains(" license")))
        // A clause can be point (c) of a list.
        || (head.starts_with("(c) ") && (head.contains("all rights") || head.chars().skip(4).take(40).any(|c| c.is_ascii_digit())))
        || head.starts_with('©')
        || head.starts_with("all rights reserved");
    if holder {
        // A text without line breaks begins with its holder and goes on with its terms.
        let most = if line.len() > 300 { 12 } else { usize::MAX };
        for w in out.words.iter_mut().skip(from).take(most) {
            w.holder = true;
        }
    }
}

/// The words of a phrase.
pub fn phrase(text: &str) -> Vec<u32> {
    normal(text).words.iter().map(|w| w.hash).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(a: &str, b: &str) -> bool {
        phrase(a) == phrase(b)
    }

    #[test]
    fn layout_quotes_markup_and_case_do_not_matter() {
        assert!(same("The Licence,\n  version 2.0.", "the license version 2.0"));
        assert!(same("**You** may `use`\n> the \u{201c}Model\u{201d}", "you may use the \"model\""));
        assert!(same("<p>You&nbsp;may</p>", "you may"));
        assert!(same("# Heading\n\n* point", "heading point"));
        assert!(!same("not for use", "for use"));
        assert!(same("&quot;AS&#32;IS&#x27; &#77;IT &copy; AT&T; &#xffffffff; &;", "as is mit at t xffffffff"));
        assert!(same("1 < 2", "1 2"));
        assert!(same("ＭＩＴ License", "mit license"));
    }

    #[test]
    fn look_alike_letters_are_read_and_told() {
        let n = normal("Мodified МIT Liсense");
        assert!(n.folded);
        assert_eq!(n.words.iter().map(|w| w.hash).collect::<Vec<_>>(), phrase("modified mit license"));
        assert!(!normal("Лицензия на русском языке").folded);
        assert!(!normal("license 许可证").folded);
    }

    #[test]
    fn lines_of_holders_are_marked() {
        let n = normal("MIT License\n\nCopyright (c) 2024 Somebody Else\n\nThe above copyright notice");
        let marked: Vec<bool> = n.words.iter().map(|w| w.holder).collect();
        assert_eq!(marked, [false, false, true, true, true, true, true, false, false, false, false]);
        assert!(normal("(c) You must retain, in the Source form of any Derivative Works").words.iter().all(|w| !w.holder));
        assert!(normal("(c) Example Corp. 2019").words.iter().all(|w| w.holder));
        assert!(normal("copyright notice and this permission notice appear").words.iter().all(|w| !w.holder));
    }

    #[test]
    fn words_know_where_they_stand() {
        let text = "é Grant *of* rights";
        let n = normal(text);
        let w = &n.words[0];
        assert_eq!(text.get(w.at as usize..w.end as usize), Some("Grant"));
    }
}
