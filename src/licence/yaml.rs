//! The head of a model card: the part of YAML that cards are written in. Keys of the outermost level with their scalars and lists are read; deeper maps are
//! passed over. What is not YAML is said with its line and never guessed at.
//!
//! # Why not
//! *A YAML crate*: anchors, tags, merges and recursion are what makes YAML readers large and dangerous, and no card needs them; a card that has them is told so.

/// A value of the outermost level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Key.
    pub key: String,
    /// Scalars: one, or those of a list.
    pub values: Vec<String>,
    /// Offset of the key in the text.
    pub at: usize,
    /// Bytes from there to the end of the value.
    pub len: usize,
}

/// What was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// Entries in the order of the file.
    pub entries: Vec<Entry>,
    /// Line (from one) and reason at which it stops being YAML.
    pub wrong: Option<(usize, &'static str)>,
    /// Offset behind the head.
    pub end: usize,
}

/// Lines of a head that are read.
const LINES: usize = 5000;

/// Scalars of one list that are kept.
const MANY: usize = 200;

/// The head of a card between two lines of `---`; `None` if there is none.
pub fn head(text: &str) -> Option<Head> {
    let body = text.strip_prefix('\u{feff}').unwrap_or(text);
    let skipped = text.len() - body.len();
    let first = body.lines().next()?;
    if first.trim_end() != "---" {
        return None;
    }
    let from = skipped + first.len() + if body.get(first.len()..).is_some_and(|r| r.starts_with("\r\n")) { 2 } else { 1 };
    Some(read(text, from, true))
}

/// A whole file of YAML.
pub fn file(text: &str) -> Head {
    read(text, 0, false)
}

struct Line<'a> {
    text: &'a str,
    at: usize,
    indent: usize,
    number: usize,
}

fn lines(text: &str, from: usize, card: bool) -> (Vec<Line<'_>>, usize, bool) {
    let mut out = Vec::new();
    let mut at = from;
    let first = if card { 2 } else { 1 };
    for (number, raw) in (first..).zip(text.get(from..).unwrap_or_default().split_inclusive('\n')) {
        let line = raw.trim_end_matches(['\n', '\r']);
        if card && matches!(line.trim_end(), "---" | "...") {
            return (out, at + raw.len(), true);
        }
        out.push(Line { text: line, at, indent: line.len() - line.trim_start_matches(' ').len(), number });
        at += raw.len();
        if out.len() >= LINES {
            break;
        }
    }
    (out, at, !card)
}

fn read(text: &str, from: usize, card: bool) -> Head {
    let (lines, end, closed) = lines(text, from, card);
    let mut head = Head { end, ..Head::default() };
    if !closed {
        head.wrong = Some((lines.last().map_or(1, |l| l.number), "no-end"));
    }
    let mut i = 0;
    while let Some(line) = lines.get(i) {
        i += 1;
        let body = line.text.trim();
        if body.is_empty() || body.starts_with('#') || (!card && matches!(body, "---" | "...")) {
            continue;
        }
        if line.text.starts_with('\t') {
            return wrong(head, line, "tab");
        }
        if line.indent > 0 || body == "-" || body.starts_with("- ") {
            return wrong(head, line, "indent");
        }
        let Some((key, rest)) = key(line.text) else { return wrong(head, line, "no-colon") };
        let mut j = i;
        while lines.get(j).is_some_and(|l| {
            l.text.trim().is_empty()
                || l.indent > 0
                || l.text.starts_with('\t')
                || l.text.trim_start().starts_with('#')
                || l.text == "-"
                || l.text.starts_with("- ")
        }) {
            j += 1;
        }
        let below = lines.get(i..j).unwrap_or_default();
        if let Some(tab) = below.iter().find(|l| l.text.starts_with('\t')).filter(|_| !rest.starts_with(['|', '>'])) {
            return wrong(head, tab, "tab");
        }
        let values = match value(rest, below) {
            Ok(values) => values,
            Err((k, why)) => return wrong(head, below.get(k).unwrap_or(line), why),
        };
        let last = below.iter().rev().find(|l| !l.text.trim().is_empty()).unwrap_or(line);
        head.entries.push(Entry { key, values, at: line.at, len: last.at + last.text.len() - line.at });
        i = j;
    }
    head
}

fn wrong(mut head: Head, line: &Line<'_>, why: &'static str) -> Head {
    head.wrong = head.wrong.or(Some((line.number, why)));
    head
}

/// Splits `key: value`.
fn key(line: &str) -> Option<(String, &str)> {
    let quoted = line.starts_with(['"', '\'']);
    let at = if quoted {
        let q = line.get(..1)?;
        let close = line.get(1..)?.find(q)? + 2;
        line.get(close..)?.starts_with(':').then_some(close)?
    } else {
        line.match_indices(':').map(|(i, _)| i).find(|i| line.get(i + 1..).is_some_and(|r| r.is_empty() || r.starts_with([' ', '\t'])))?
    };
    let name = line.get(..at)?.trim().trim_matches(['"', '\'']);
    (!name.is_empty()).then(|| (name.to_string(), line.get(at + 1..).unwrap_or_default().trim()))
}

type Values = Result<Vec<String>, (usize, &'static str)>;

fn value(rest: &str, below: &[Line<'_>]) -> Values {
    let rest = comment(rest);
    if rest.starts_with(['|', '>']) {
        return Ok(vec![block(rest, below)]);
    }
    if rest.starts_with(['&', '*', '!']) && rest.len() > 1 {
        return Err((usize::MAX, "anchor"));
    }
    if rest.starts_with('[') {
        return flow(rest, below);
    }
    if rest.starts_with('{') {
        return Ok(Vec::new());
    }
    if rest.is_empty() {
        return list(below);
    }
    if rest.starts_with(['"', '\'']) {
        return quoted(rest, below).map(|v| vec![v]);
    }
    // A plain scalar goes on over indented lines.
    let mut out = rest.to_string();
    for (k, l) in below.iter().enumerate() {
        let t = comment(l.text.trim());
        if t.is_empty() {
            continue;
        }
        if t.starts_with("- ") || key(t).is_some() {
            return Err((k, "indent"));
        }
        out.push(' ');
        out.push_str(t);
    }
    Ok(if matches!(out.as_str(), "null" | "~") { Vec::new() } else { vec![out] })
}

/// Takes a comment off the end of a line.
fn comment(text: &str) -> &str {
    if text.starts_with('#') {
        return "";
    }
    if text.starts_with(['"', '\'']) {
        return text;
    }
    text.find(" #").and_then(|i| text.get(..i)).unwrap_or(text).trim()
}

/// The lines below `key: |` or `key: >`.
fn block(style: &str, below: &[Line<'_>]) -> String {
    let indent = below.iter().find(|l| !l.text.trim().is_empty()).map_or(0, |l| l.indent);
    let join = if style.starts_with('>') { " " } else { "\n" };
    below.iter().map(|l| l.text.get(indent.min(l.text.len())..).unwrap_or_default()).collect::<Vec<_>>().join(join).trim_end().to_string()
}

/// `[a, "b"]`, over several lines if it must.
fn flow(rest: &str, below: &[Line<'_>]) -> Values {
    let mut text = rest.to_string();
    for l in below {
        text.push(' ');
        text.push_str(comment(l.text.trim()));
    }
    let mut out = Vec::new();
    let mut item = String::new();
    let mut quote = None;
    let mut depth = 0usize;
    for c in text.chars() {
        match (quote, c) {
            (Some(q), c) if c == q => quote = None,
            (Some(_), c) => item.push(c),
            (None, '"' | '\'') if item.trim().is_empty() => quote = Some(c),
            (None, '[' | '{') => depth += 1,
            (None, ']' | '}') => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    push(&mut out, &mut item);
                    return Ok(out);
                }
            }
            (None, ',') => push(&mut out, &mut item),
            (None, c) => item.push(c),
        }
    }
    Err((usize::MAX, "bracket"))
}

fn push(out: &mut Vec<String>, item: &mut String) {
    let v = item.trim();
    if !v.is_empty() && out.len() < MANY {
        out.push(v.to_string());
    }
    item.clear();
}

/// A block list, or a map that is passed over.
fn list(below: &[Line<'_>]) -> Values {
    let mut out = Vec::new();
    let mut level = None;
    for (k, l) in below.iter().enumerate() {
        let t = l.text.trim();
        if t.is_empty() || t.starts_with('#') {
            continue;
        }
        if l.text.starts_with('\t') {
            return Err((k, "tab"));
        }
        let level = *level.get_or_insert(l.indent);
        if l.indent < level {
            return Err((k, "indent"));
        }
        if l.indent > level {
            continue;
        }
        let Some(item) = t.strip_prefix('-').filter(|r| r.is_empty() || r.starts_with(' ')) else {
            if key(t).is_none() {
                return Err((k, "no-colon"));
            }
            continue;
        };
        let item = comment(item.trim());
        if item.is_empty() || key(item).is_some() && !item.starts_with(['"', '\'']) {
            continue;
        }
        let v = if item.starts_with(['"', '\'']) { quoted(item, &[]).map_err(|e| (k, e.1))? } else { item.to_string() };
        if out.len() < MANY {
            out.push(v);
        }
    }
    Ok(out)
}

/// A scalar in quotes, over several lines if it must.
fn quoted(rest: &str, below: &[Line<'_>]) -> Result<String, (usize, &'static str)> {
    let mut text = rest.to_string();
    for l in below {
        text.push(' ');
        text.push_str(l.text.trim());
    }
    let mut chars = text.chars();
    let Some(q) = chars.next() else { return Ok(String::new()) };
    let mut out = String::new();
    let mut chars = chars.peekable();
    while let Some(c) = chars.next() {
        if c == q {
            if q == '\'' && chars.peek() == Some(&'\'') {
                chars.next();
                out.push('\'');
                continue;
            }
            return Ok(out);
        }
        if c == '\\' && q == '"' {
            match chars.next() {
                Some('n') => out.push('\n'),
                Some('t') => out.push('\t'),
                Some(e) => out.push(e),
                None => {}
            }
            continue;
        }
        out.push(c);
    }
    Err((usize::MAX, "quote"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(text: &str, key: &str) -> Vec<String> {
        head(text).expect("a head").entries.into_iter().find(|e| e.key == key).map(|e| e.values).unwrap_or_default()
    }

    #[test]
    fn a_card_as_cards_are() {
        let text = "---\nlicense: other # see below\nlicense_name: \"llama3.1\"\nbase_model:\n- a/b\n- 'c/d'\ndatasets: [x, \"y, z\"]\ntags:\n  - one\n\nextra_gated_prompt: |\n  ### TERMS\n  You agree\nextra_gated_fields:\n  Name: text\nmodel-index:\n- name: m\n  results:\n  - task: {type: t}\nlong: a\n  b\nempty:\n---\n# body: x\n";
        assert_eq!(get(text, "license"), ["other"]);
        assert_eq!(get(text, "license_name"), ["llama3.1"]);
        assert_eq!(get(text, "base_model"), ["a/b", "c/d"]);
        assert_eq!(get(text, "datasets"), ["x", "y, z"]);
        assert_eq!(get(text, "extra_gated_prompt"), ["### TERMS\nYou agree"]);
        assert_eq!(get(text, "long"), ["a b"]);
        let h = head(text).expect("a head");
        assert_eq!(h.wrong, None);
        assert_eq!(text.get(h.end..), Some("# body: x\n"));
        let e = h.entries.iter().find(|e| e.key == "base_model").expect("an entry");
        assert_eq!(text.get(e.at..e.at + e.len), Some("base_model:\n- a/b\n- 'c/d'"));
    }

    #[test]
    fn what_is_no_yaml_is_said_with_its_line() {
        for (text, line, why) in [
            ("---\nlicense: mit\n\ttags: x\n---\n", 3, "tab"),
            ("---\nlicense mit\n---\n", 2, "no-colon"),
            ("---\nlicense: \"mit\n---\n", 2, "quote"),
            ("---\ndatasets: [a, b\n---\n", 2, "bracket"),
            ("---\nlicense: mit\n", 2, "no-end"),
            ("---\nlicense: mit\n  name: x\n---\n", 3, "indent"),
            ("---\nlicense: &a mit\n---\n", 2, "anchor"),
        ] {
            assert_eq!(head(text).expect("a head").wrong, Some((line, why)), "{text}");
        }
        assert_eq!(head("# A card\n---\n"), None);
        // What stands before the mistake is kept.
        assert_eq!(get("---\nlicense: mit\nbroken\n---\n", "license"), ["mit"]);
    }

    #[test]
    fn windows_line_ends_and_marks_are_read() {
        assert_eq!(get("\u{feff}---\r\nlicense: mit\r\nbase_model: a/b\r\n---\r\n", "base_model"), ["a/b"]);
        assert_eq!(file("models:\n  - model: a/b\nbase_model: c/d\n").entries.len(), 2);
    }
}
