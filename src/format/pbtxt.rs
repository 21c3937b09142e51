//! TensorFlow's graphs in protobuf's text format (<https://protobuf.dev/reference/protobuf/textformat-spec/>): `.pbtxt`, `saved_model.pbtxt`. They
//! are loaded like the binary ones, so they are judged like them.

use super::tensorflow::{Kind, Open, Reader};
use super::{Format, Match};
use crate::bytes::View;
use crate::error::{Error, Result};
use crate::fact::Fact;
use crate::scan::Scan;

/// Text graphs.
pub const PBTXT: Format = Format { id: "tf-text", name: "TensorFlow graph as text", extensions: &["pbtxt"], refines: &["text"], probe, read };

/// Bytes read ahead.
const WINDOW: usize = 64 * 1024;

/// Bytes of a string that are kept.
const KEEP: usize = 4096;

/// Messages inside of messages that are followed.
const DEPTH: usize = 256;

#[derive(Debug, PartialEq)]
enum Token {
    /// A name, a number, or an enum's value.
    Word(String),
    /// A quoted text without its quotes and escapes.
    Text(Vec<u8>),
    /// Any other character.
    Mark(u8),
}

struct Tokens<'s> {
    view: View<'s>,
    at: u64,
    window: Vec<u8>,
    window_at: u64,
}

impl<'s> Tokens<'s> {
    fn new(view: View<'s>) -> Self {
        Tokens { view, at: 0, window: Vec::new(), window_at: 0 }
    }

    fn peek(&mut self) -> Result<Option<u8>> {
        let inside = self.at.checked_sub(self.window_at).and_then(|n| usize::try_from(n).ok()).and_then(|n| self.window.get(n).copied());
        if inside.is_some() || self.at >= self.view.len() {
            return Ok(inside);
        }
        self.window.resize(WINDOW, 0);
        let n = self.view.read(self.at, &mut self.window)?;
        self.window.truncate(n);
        self.window_at = self.at;
        Ok(self.window.first().copied())
    }

    fn advance(&mut self) -> Result<Option<(u64, Token)>> {
        while let Some(b) = self.peek()? {
            if b == b'#' {
                while self.peek()?.is_some_and(|b| b != b'\n') {
                    self.at += 1;
                }
            } else if b.is_ascii_whitespace() || matches!(b, b',' | b';') {
                self.at += 1;
            } else {
                break;
            }
        }
        let at = self.at;
        let Some(b) = self.peek()? else {
            return Ok(None);
        };
        let token = match b {
            b'"' | b'\'' => {
                let mut text = self.text(b)?;
                // Texts behind one another are one.
                loop {
                    let end = self.at;
                    while self.peek()?.is_some_and(|b| b.is_ascii_whitespace()) {
                        self.at += 1;
                    }
                    let Some(quote @ (b'"' | b'\'')) = self.peek()? else {
                        self.at = end;
                        break;
                    };
                    let more = self.text(quote)?;
                    text.extend(more.into_iter().take(KEEP.saturating_sub(text.len())));
                }
                Token::Text(text)
            }
            b if b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'+' | b'.') => {
                let mut word = String::new();
                while let Some(b) = self.peek()?.filter(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'+' | b'.')) {
                    if word.len() < KEEP {
                        word.push(char::from(b));
                    }
                    self.at += 1;
                }
                Token::Word(word)
            }
            b => {
                self.at += 1;
                Token::Mark(b)
            }
        };
        Ok(Some((at, token)))
    }

    fn text(&mut self, quote: u8) -> Result<Vec<u8>> {
        let from = self.at;
        self.at += 1;
        let mut out = Vec::new();
        loop {
            let Some(b) = self.peek()? else {
                return Err(Error::malformed(from, "text-proto"));
            };
            self.at += 1;
            let b = match b {
                b if b == quote => return Ok(out),
                b'\n' => return Err(Error::malformed(from, "text-proto")),
                b'\\' => self.escape(from)?,
                b => b,
            };
            if out.len() < KEEP {
                out.push(b);
            }
        }
    }

    fn escape(&mut self, from: u64) -> Result<u8> {
        let Some(b) = self.peek()? else {
            return Err(Error::malformed(from, "text-proto"));
        };
        self.at += 1;
        let (base, first, most) = match b {
            b'n' => return Ok(b'\n'),
            b't' => return Ok(b'\t'),
            b'r' => return Ok(b'\r'),
            b'0'..=b'7' => (8, u32::from(b - b'0'), 2),
            b'x' | b'X' => (16, 0, 2),
            other => return Ok(other),
        };
        let mut n = first;
        for _ in 0..most {
            let Some(d) = self.peek()?.and_then(|b| char::from(b).to_digit(base)) else {
                break;
            };
            n = n * base + d;
            self.at += 1;
        }
        Ok((n & 0xff) as u8)
    }
}

/// The kind of message that a name opens.
fn child(kind: Kind, name: &str) -> Option<Kind> {
    Some(match (kind, name) {
        (Kind::SavedModel, "meta_graphs") => Kind::MetaGraph,
        (Kind::MetaGraph, "meta_info_def") => Kind::MetaInfo,
        (Kind::MetaGraph, "graph_def") => Kind::Graph,
        (Kind::MetaGraph, "asset_file_def") => Kind::Asset,
        (Kind::Graph, "node") | (Kind::Function, "node_def") => Kind::Node,
        (Kind::Graph, "library") => Kind::Library,
        (Kind::Library, "function") => Kind::Function,
        (Kind::Function, "signature") => Kind::Signature,
        (Kind::Node, "attr") => Kind::Entry,
        (Kind::Entry, "value") => Kind::Value,
        (Kind::Value, "list") => Kind::List,
        (Kind::Value | Kind::List, "tensor") => Kind::Tensor,
        (Kind::Tensor, "tensor_shape") => Kind::Shape,
        (Kind::Shape, "dim") => Kind::Dim,
        (Kind::Asset, "tensor_info") => Kind::TensorInfo,
        _ => return None,
    })
}

/// What the first names of a document say that it is.
fn root(view: View<'_>) -> Option<Kind> {
    let head = view.head(64).ok()?;
    if !head.iter().all(|b| (9..127).contains(b)) {
        return None;
    }
    let mut tokens = Tokens::new(view.slice(0, view.len().min(WINDOW as u64)).ok()?);
    let (_, Token::Word(first)) = tokens.advance().ok()?? else {
        return None;
    };
    let kind = match first.as_str() {
        "node" | "library" | "versions" => Kind::Graph,
        "meta_info_def" | "graph_def" => Kind::MetaGraph,
        "saved_model_schema_version" | "meta_graphs" => Kind::SavedModel,
        _ => return None,
    };
    let mut mark = tokens.advance().ok()??.1;
    if mark == Token::Mark(b':') && first != "saved_model_schema_version" {
        mark = tokens.advance().ok()??.1;
    }
    match mark {
        Token::Mark(b'{' | b'<') => {
            // Inside of it a name with a value or a message follows.
            let (_, Token::Word(_)) = tokens.advance().ok()?? else {
                return None;
            };
            matches!(tokens.advance().ok()??.1, Token::Mark(b':' | b'{' | b'<')).then_some(kind)
        }
        Token::Mark(b':') => Some(kind),
        _ => None,
    }
}

fn probe(view: View<'_>) -> Match {
    if root(view).is_some() { Match::Sure } else { Match::No }
}

fn read(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    let Some(kind) = root(view) else {
        return Ok(());
    };
    let mut reader = Reader::new(view);
    let done = walk(view, kind, &mut reader, scan);
    reader.finish(scan);
    done
}

fn walk(view: View<'_>, kind: Kind, reader: &mut Reader<'_>, scan: &mut Scan<'_>) -> Result<()> {
    let mut tokens = Tokens::new(view);
    // Messages that are none of ours have no kind; they are stepped through.
    let mut open: Vec<(Option<Kind>, Open)> = vec![(Some(kind), reader.open(kind, 0, view.len()))];
    let mut name = String::new();
    // A name stands alone until its value or message follows.
    let mut pending = false;
    while let Some((at, token)) = tokens.advance()? {
        if !matches!(token, Token::Mark(b':')) {
            pending = false;
        }
        match token {
            Token::Mark(b'{' | b'<') => {
                if open.len() >= DEPTH {
                    return Err(Error::limit(at, "proto-depth"));
                }
                let kind = open.last().and_then(|(k, _)| child((*k)?, &name));
                let message = kind.map(|k| reader.open(k, at, 0)).unwrap_or_default();
                open.push((kind, message));
            }
            Token::Mark(b'}' | b'>') => {
                if open.len() < 2 {
                    return Err(Error::malformed(at, "text-proto"));
                }
                if let Some((Some(kind), mut done)) = open.pop() {
                    done.len = tokens.at.saturating_sub(done.at);
                    reader.close(kind, done, open.last_mut().map(|(_, o)| o), scan);
                }
            }
            // A field's name is followed by its value; lists of values stand in brackets.
            Token::Mark(b':' | b'[' | b']' | b'/') => {}
            Token::Mark(_) => return Err(Error::malformed(at, "text-proto")),
            Token::Word(word) => {
                let mut ahead = Tokens { view, at: tokens.at, window: Vec::new(), window_at: 0 };
                let named = matches!(peek_mark(&mut ahead)?, Some(b':' | b'{' | b'<'));
                if named {
                    name = word;
                    pending = true;
                } else if open.len() == 1 && name.is_empty() {
                    return Err(Error::malformed(at, "text-proto"));
                } else if let Some((Some(kind), top)) = open.last_mut() {
                    set(view, *kind, &name, word.as_bytes(), (at, tokens.at), top, reader, scan);
                }
            }
            Token::Text(text) => {
                if let Some((Some(kind), top)) = open.last_mut() {
                    set(view, *kind, &name, &text, (at, tokens.at), top, reader, scan);
                }
            }
        }
    }
    if open.len() > 1 || pending {
        return Err(Error::malformed(view.len(), "text-proto"));
    }
    while let Some((Some(kind), done)) = open.pop() {
        reader.close(kind, done, None, scan);
    }
    Ok(())
}

/// The next character that is no blank, without a window of its own.
fn peek_mark(tokens: &mut Tokens<'_>) -> Result<Option<u8>> {
    for _ in 0..64 {
        match tokens.view.array::<1>(tokens.at) {
            Ok([b]) if b.is_ascii_whitespace() => tokens.at += 1,
            Ok([b]) => return Ok(Some(b)),
            Err(_) => return Ok(None),
        }
    }
    Ok(None)
}

#[allow(clippy::too_many_arguments, reason = "a field is its place, its name and its value")]
fn set(view: View<'_>, kind: Kind, name: &str, value: &[u8], place: (u64, u64), top: &mut Open, reader: &mut Reader<'_>, scan: &mut Scan<'_>) {
    let text = || String::from_utf8_lossy(value).chars().take(512).collect::<String>();
    match (kind, name) {
        (Kind::MetaInfo, "tags" | "tensorflow_version") => {
            scan.state(view, place.0, place.1.saturating_sub(place.0), Fact::Metadata { key: name.to_string(), value: text() });
        }
        (Kind::Node | Kind::Signature, "name") => top.name = text(),
        (Kind::Node, "op") if top.ops.len() < 16 => top.ops.push(text()),
        (Kind::Node, "input") => top.input(&text()),
        (Kind::Entry, "key") => top.key = text(),
        (Kind::Value | Kind::List, "s") | (Kind::Tensor, "string_val") if top.values.len() < 32 => top.values.push(text()),
        (Kind::Tensor, "dtype") => top.dtype = dtype(&text()),
        (Kind::Tensor, "tensor_content") => top.bytes = value.len() as u64,
        (Kind::Dim, "size") => top.dtype = text().parse::<i64>().map_or(0, i64::cast_unsigned),
        (Kind::Asset, "filename") => reader.asset(&text(), place.0, place.1.saturating_sub(place.0), scan),
        (Kind::TensorInfo, "name") => reader.asset_tensor(&text()),
        _ => {}
    }
}

/// The number of an element type's name.
fn dtype(name: &str) -> u64 {
    let names = ["DT_FLOAT", "DT_DOUBLE", "DT_INT32", "DT_UINT8", "DT_INT16", "DT_INT8", "DT_STRING", "DT_COMPLEX64", "DT_INT64", "DT_BOOL"];
    names.iter().position(|n| *n == name).map_or_else(|| name.parse().unwrap_or(if name == "DT_HALF" { 19 } else { 0 }), |n| n as u64 + 1)
}

#[cfg(test)]
mod tests {
    use crate::{Lang, Verdict};

    fn verdict(text: &str) -> Verdict {
        crate::scan(&text.as_bytes().to_vec(), "g.pbtxt", Lang::En).verdict
    }

    #[test]
    fn a_text_graph_is_judged_like_a_binary_one() {
        assert_eq!(verdict("node { name: \"x\" op: \"Placeholder\" }\nversions { producer: 9 }"), Verdict::Clear);
        assert_eq!(verdict("node {\n  name: \"x\"\n  op: 'Write\\106ile' }"), Verdict::Dangerous);
        assert_eq!(verdict("library { function { signature { name: \"f\" } node_def { name: \"a\" op: \"PyFunc\" } } }"), Verdict::Dangerous);
        assert_eq!(verdict("node < name: \"x\" op: \"NoSuchOp\" >"), Verdict::Suspicious);
        let save = |path: &str| {
            verdict(&format!(
                "node {{ name: \"p\" op: \"Const\" attr {{ key: \"value\" value {{ tensor {{ dtype: DT_STRING string_val: \"{path}\" }} }} }} }} node {{ name: \"s\" op: \"SaveV2\" input: \"p\" }}"
            ))
        };
        assert_eq!(save("model"), Verdict::Clear);
        assert_eq!(save("/root/.bashrc"), Verdict::Dangerous);
    }
}
