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

/// Where FNV-1a begins.
const START: u32 = 0x811c_9dc5;

/// FNV-1a of a text.
pub fn fnv(bytes: &[u8]) -> u32 {
    more(bytes, START)
}

/// FNV-1a, gone on with.
const fn more(bytes: &[u8], start: u32) -> u32 {
    let mut h = start;
    let mut rest = bytes;
    while let [b, behind @ ..] = rest {
        h = (h ^ *b as u32).wrapping_mul(0x0100_0193);
        rest = behind;
    }
    h
}

/// Hash of one word.
pub const fn hash(word: &str) -> u32 {
    more(word.as_bytes(), START)
}

/// Hash of two words that follow each other.
pub fn pair(a: u32, b: u32) -> u32 {
    let h = more(&b.to_le_bytes(), more(&a.to_le_bytes(), START));
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

/// Words that are one word in two spellings: the hash of the other spelling, and of the one that is taken.
const SPELLED: [(u32, u32); 4] =
    [(hash("licence"), hash("license")), (hash("licences"), hash("licenses")), (hash("licenced"), hash("licensed")), (hash("sublicence"), hash("sublicense"))];

/// A word that is being read. Dots at its ends do not belong to it.
struct Open {
    hash: u32,
    /// Dots that belong to it if a letter follows.
    dots: u32,
    /// Where it begins; nothing is open while there is none.
    start: Option<usize>,
    empty: bool,
    ascii: bool,
}

impl Open {
    const NONE: Open = Open { hash: START, dots: 0, start: None, empty: true, ascii: true };

    fn byte(&mut self, b: u8, at: usize) {
        self.start.get_or_insert(at);
        if b == b'.' {
            self.dots += u32::from(!self.empty);
            return;
        }
        for _ in 0..self.dots {
            self.hash = more(b".", self.hash);
        }
        self.dots = 0;
        self.empty = false;
        self.hash = more(&[b], self.hash);
    }

    fn letter(&mut self, c: char, at: usize) {
        let mut bytes = [0; 4];
        for c in c.to_lowercase() {
            for b in c.encode_utf8(&mut bytes).bytes() {
                self.byte(b, at);
            }
            self.ascii &= c.is_ascii();
        }
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
            "quot" | "ldquo" | "rdquo" | "apos" | "lsquo" | "rsquo" | "nbsp" | "mdash" | "ndash" | "lt" | "gt" | "amp" | "copy" | "sect" | "bull"
            | "middot" => ' ',
            _ => return None,
        },
    };
    Some((end + 2, stands))
}

/// Puts a text into normal form.
pub fn normal(text: &str) -> Normal {
    let mut out = Normal { words: Vec::with_capacity(text.len() / 6), folded: false };
    let mut word = Open::NONE;
    let mut line_from = 0usize;
    let mut at = 0usize;
    let mut line_start = 0usize;
    while let Some(b) = text.as_bytes().get(at).copied() {
        let here = at;
        at += 1;
        match b {
            b'a'..=b'z' | b'0'..=b'9' | b'+' | b'.' | b'$' | b'@' => word.byte(b, here),
            b'A'..=b'Z' => word.byte(b.to_ascii_lowercase(), here),
            b'\n' => {
                close(&mut out, &mut word, here);
                mark(&mut out, line_from, text.get(line_start..here).unwrap_or_default());
                line_from = out.words.len();
                line_start = at;
            }
            b'<' => {
                close(&mut out, &mut word, here);
                at += text.get(here..).and_then(tag).map_or(0, |len| len - 1);
            }
            b'&' => match text.get(here..).and_then(entity) {
                Some((len, stands)) => {
                    if stands.is_alphanumeric() {
                        word.letter(stands, here);
                    } else if !vanishes(stands) {
                        close(&mut out, &mut word, here);
                    }
                    at += len - 1;
                }
                None => close(&mut out, &mut word, here),
            },
            b'*' | b'_' | b'#' | b'`' | b'>' | b'\\' => {}
            0..0x80 => close(&mut out, &mut word, here),
            _ => at = foreign(text, here, &mut out, &mut word),
        }
    }
    close(&mut out, &mut word, text.len());
    mark(&mut out, line_from, text.get(line_start..).unwrap_or_default());
    out
}

/// A character beyond ASCII; the offset behind it.
fn foreign(text: &str, here: usize, out: &mut Normal, word: &mut Open) -> usize {
    let Some(c) = text.get(here..).and_then(|r| r.chars().next()) else { return here + 1 };
    let at = here + c.len_utf8();
    if vanishes(c) {
        return at;
    }
    let wide = matches!(c, '\u{ff01}'..='\u{ff5e}');
    let latin = text.as_bytes().get(at).is_some_and(u8::is_ascii_alphabetic);
    // Letters of another alphabet inside of a Latin word are a disguise; a text in that alphabet is not.
    let c = match look(c) {
        Some(l) if word.start.is_some() || wide || latin => {
            out.folded |= !wide && (word.start.is_some() && word.ascii || latin);
            l
        }
        _ => c,
    };
    if keeps(c) {
        word.letter(c, here);
    } else {
        close(out, word, here);
    }
    at
}

fn close(out: &mut Normal, word: &mut Open, end: usize) {
    if !word.empty {
        let hash = SPELLED.iter().find(|s| s.0 == word.hash).map_or(word.hash, |s| s.1);
        let at = u32::try_from(word.start.unwrap_or(end)).unwrap_or(u32::MAX);
        out.words.push(Word { hash, at, end: u32::try_from(end).unwrap_or(u32::MAX), holder: false });
    }
    *word = Open::NONE;
}

/// Marks the words of a line that names a holder of rights.
fn mark(out: &mut Normal, from: usize, line: &str) {
    let rest = line.trim_start_matches(|c: char| !c.is_alphanumeric() && c != '(' && c != '©');
    if !rest.starts_with(['c', 'C', 'a', 'A', '(', '©']) {
        return;
    }
    let head: String = rest.chars().take(80).collect::<String>().to_lowercase();
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
