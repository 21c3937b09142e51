//! JSON: a streaming event reader that keeps offsets and every duplicate, and the reader for whole JSON files.
//!
//! Accepts what Python's `json` module accepts beyond RFC 8259 (`NaN`, `Infinity`, a byte order mark, lone surrogates, integers of
//! any length, raw control characters as with `strict=False`), because that is what loads these files.
//!
//! # Why not `serde_json`
//! It drops all but one of two equal keys without a word, refuses what Python accepts, recurses on nesting, and has no offsets.

use super::{Format, Match, jinja, keras, setting, shell};
use crate::bytes::View;
use crate::error::{Error, Result};
use crate::fact::{Fact, When};
use crate::scan::Scan;
use crate::text::percent_decoded;
use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

/// Any JSON text, and texts of one JSON value a line.
pub const JSON: Format =
    Format { id: "json", name: "JSON", extensions: &["json", "jsonl", "ndjson", "geojson", "webmanifest", "ipynb"], refines: &["text"], probe, read };

/// Containers that may stand inside one another; Python's own parser gives up at about a thousand.
pub const DEPTH: usize = 10_000;

/// Bytes read at once.
const WINDOW: usize = 64 * 1024;

/// Bytes of one string that are kept; of a longer one the beginning.
const KEEP: usize = 1 << 20;

/// One step through a JSON text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// `{`
    Object,
    /// `[`
    Array,
    /// `}` or `]`
    Close,
    /// A key; [`Reader::text`] holds it.
    Key,
    /// A string value; [`Reader::text`] holds it.
    String,
    /// A number (also `NaN` and the infinities); [`Reader::text`] holds it as written.
    Number,
    /// `true` or `false`
    Bool(bool),
    /// `null`
    Null,
}

/// What may come next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Want {
    Value,
    ValueOrEnd,
    Key,
    KeyOrEnd,
    Colon,
    CommaOrEnd,
    Done,
}

/// Reads JSON events from a range of a view through one window of bytes, whatever the text's length.
pub struct Reader<'s> {
    view: View<'s>,
    at: u64,
    end: u64,
    window: Vec<u8>,
    window_at: u64,
    /// One bit a container: set for an object.
    nest: Vec<u64>,
    depth: usize,
    want: Want,
    many: bool,
    loose: bool,
    keep: usize,
    text: Vec<u8>,
    marks: Vec<(usize, u64)>,
    start: u64,
    cut: bool,
    lone: bool,
}

impl<'s> Reader<'s> {
    /// A reader of the bytes `at..end` that keeps `keep` bytes of a string.
    pub fn new(view: View<'s>, at: u64, end: u64, keep: usize) -> Self {
        Reader {
            view,
            at,
            end: end.min(view.len()),
            window: Vec::new(),
            window_at: at,
            nest: Vec::new(),
            depth: 0,
            want: Want::Value,
            many: false,
            loose: false,
            keep,
            text: Vec::new(),
            marks: Vec::new(),
            start: at,
            cut: false,
            lone: false,
        }
    }

    /// Accepts one value after the other, as in JSON Lines.
    pub fn many(mut self) -> Self {
        self.many = true;
        self
    }

    /// Accepts comments and a comma behind the last element, as editors and compilers do in their settings
    /// (<https://code.visualstudio.com/docs/languages/json#_json-with-comments>).
    pub fn loose(mut self) -> Self {
        self.loose = true;
        self
    }

    /// Offset of the first byte of the last event.
    pub fn start(&self) -> u64 {
        self.start
    }

    /// Offset behind the last event.
    pub fn at(&self) -> u64 {
        self.at
    }

    /// Bytes of the last event.
    pub fn len(&self) -> u64 {
        self.at.saturating_sub(self.start)
    }

    /// Whether nothing was read yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Containers that are open.
    pub fn depth(&self) -> usize {
        self.depth
    }

    /// The last key, string or number, decoded; bytes that are not UTF-8 become U+FFFD.
    pub fn text(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.text)
    }

    /// Whether only the beginning of the last string was kept.
    pub fn cut(&self) -> bool {
        self.cut
    }

    /// Whether the last string is valid UTF-8 as far as it was kept.
    pub fn valid(&self) -> bool {
        match std::str::from_utf8(&self.text) {
            Ok(_) => true,
            // The cut may go through a character.
            Err(e) => self.cut && e.error_len().is_none(),
        }
    }

    /// Where the characters of the last string stand: (offset in the decoded text, offset in the view), ascending.
    pub fn marks(&self) -> &[(usize, u64)] {
        &self.marks
    }

    /// The last number, if it is written as an integer that fits.
    pub fn integer(&self) -> Option<u64> {
        std::str::from_utf8(&self.text).ok()?.parse().ok()
    }

    /// A hash of the last text that is the same in every run.
    pub fn hash(&self) -> u64 {
        hash(&self.text)
    }

    fn peek(&mut self) -> Result<Option<u8>> {
        if self.at >= self.end {
            return Ok(None);
        }
        let i = self.at.wrapping_sub(self.window_at);
        if let Some(b) = usize::try_from(i).ok().and_then(|i| self.window.get(i)) {
            return Ok(Some(*b));
        }
        let want = usize::try_from(self.end - self.at).unwrap_or(WINDOW).min(WINDOW);
        self.window.resize(want, 0);
        let n = self.view.read(self.at, &mut self.window)?;
        self.window.truncate(n);
        self.window_at = self.at;
        Ok(self.window.first().copied())
    }

    fn blank(&mut self) -> Result<Option<u8>> {
        loop {
            match self.peek()? {
                Some(b' ' | b'\t' | b'\n' | b'\r') => self.at += 1,
                Some(b'/') if self.loose && self.view.has(self.at, b"//") => self.skip_to(b"\n")?,
                Some(b'/') if self.loose && self.view.has(self.at, b"/*") => {
                    self.at += 2;
                    self.skip_to(b"*/")?;
                }
                other => return Ok(other),
            }
        }
    }

    /// Goes on behind the next appearance of an end of a comment, or to the end of the text.
    fn skip_to(&mut self, end: &[u8]) -> Result<()> {
        while self.peek()?.is_some() {
            let from = usize::try_from(self.at.saturating_sub(self.window_at)).unwrap_or(usize::MAX);
            let rest = self.window.get(from..).unwrap_or(&[]);
            let near = end.first().and_then(|b| memchr::memchr(*b, rest));
            self.at += near.unwrap_or(rest.len()) as u64;
            if near.is_some() {
                if self.view.has(self.at, end) {
                    self.at += end.len() as u64;
                    return Ok(());
                }
                self.at += 1;
            }
        }
        Ok(())
    }

    fn in_object(&self) -> bool {
        self.depth.checked_sub(1).is_some_and(|d| self.nest.get(d / 64).is_some_and(|w| w >> (d % 64) & 1 == 1))
    }

    fn push(&mut self, object: bool) -> Result<()> {
        if self.depth >= DEPTH {
            return Err(Error::limit(self.at, "json-depth"));
        }
        let (word, bit) = (self.depth / 64, self.depth % 64);
        if self.nest.len() <= word {
            self.nest.push(0);
        }
        if let Some(w) = self.nest.get_mut(word) {
            *w = *w & !(1 << bit) | u64::from(object) << bit;
        }
        self.depth += 1;
        self.want = if object { Want::KeyOrEnd } else { Want::ValueOrEnd };
        Ok(())
    }

    fn pop(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        self.after_value();
    }

    fn after_value(&mut self) {
        self.want = if self.depth == 0 { Want::Done } else { Want::CommaOrEnd };
    }

    fn bad<T>(&self, what: &'static str) -> Result<T> {
        Err(Error::malformed(self.at, what))
    }

    /// The next event; `None` at the end of the text.
    ///
    /// # Errors
    /// [`Error::Malformed`] where Python's `json` would refuse, [`Error::Limit`] at [`DEPTH`].
    pub fn advance(&mut self) -> Result<Option<Event>> {
        loop {
            let byte = self.blank()?;
            self.start = self.at;
            let Some(byte) = byte else {
                return if self.want == Want::Done || self.many && self.depth == 0 && self.want == Want::Value {
                    Ok(None)
                } else {
                    self.bad("json-ends-early")
                };
            };
            match (self.want, byte) {
                (Want::Done, _) if self.many => self.want = Want::Value,
                (Want::Done, _) => return self.bad("json-trailing"),
                (Want::CommaOrEnd, b',') => {
                    self.at += 1;
                    self.want = if self.in_object() { Want::Key } else { Want::Value };
                }
                (Want::CommaOrEnd | Want::KeyOrEnd | Want::Key, b'}') if self.in_object() && (self.loose || self.want != Want::Key) => {
                    self.at += 1;
                    self.pop();
                    return Ok(Some(Event::Close));
                }
                // Only a comma leaves an array wanting a value.
                (Want::CommaOrEnd | Want::ValueOrEnd | Want::Value, b']')
                    if self.depth > 0 && !self.in_object() && (self.loose || self.want != Want::Value) =>
                {
                    self.at += 1;
                    self.pop();
                    return Ok(Some(Event::Close));
                }
                (Want::Key | Want::KeyOrEnd, b'"') => {
                    self.string()?;
                    self.want = Want::Colon;
                    return Ok(Some(Event::Key));
                }
                (Want::Colon, b':') => {
                    self.at += 1;
                    self.want = Want::Value;
                }
                (Want::Value | Want::ValueOrEnd, b'{') => {
                    self.push(true)?;
                    self.at += 1;
                    return Ok(Some(Event::Object));
                }
                (Want::Value | Want::ValueOrEnd, b'[') => {
                    self.push(false)?;
                    self.at += 1;
                    return Ok(Some(Event::Array));
                }
                (Want::Value | Want::ValueOrEnd, b'"') => {
                    self.string()?;
                    self.after_value();
                    return Ok(Some(Event::String));
                }
                (Want::Value | Want::ValueOrEnd, b'-' | b'0'..=b'9' | b'N' | b'I' | b't' | b'f' | b'n') => {
                    let event = self.word()?;
                    self.after_value();
                    return Ok(Some(event));
                }
                // A byte order mark in front of everything.
                (Want::Value, 0xef) if self.depth == 0 && self.at == 0 && self.view.has(0, b"\xef\xbb\xbf") => self.at += 3,
                _ => return self.bad("json-syntax"),
            }
        }
    }

    fn word(&mut self) -> Result<Event> {
        self.text.clear();
        self.marks.clear();
        self.cut = false;
        self.lone = false;
        while let Some(b) = self.peek()? {
            if !(b.is_ascii_alphanumeric() || matches!(b, b'-' | b'+' | b'.')) {
                break;
            }
            if self.text.len() < 64 {
                self.text.push(b);
            } else {
                self.cut = true;
            }
            self.at += 1;
        }
        let digits = self.text.strip_prefix(b"-").unwrap_or(&self.text);
        match self.text.as_slice() {
            b"true" => Ok(Event::Bool(true)),
            b"false" => Ok(Event::Bool(false)),
            b"null" => Ok(Event::Null),
            b"NaN" | b"Infinity" | b"-Infinity" => Ok(Event::Number),
            _ if digits.first().is_some_and(u8::is_ascii_digit)
                && digits.iter().all(|b| b.is_ascii_digit() || matches!(b, b'-' | b'+' | b'.' | b'e' | b'E')) =>
            {
                Ok(Event::Number)
            }
            _ => Err(Error::malformed(self.start, "json-syntax")),
        }
    }

    fn keep(&mut self, bytes: &[u8]) {
        let room = self.keep.saturating_sub(self.text.len());
        let n = bytes.len().min(room);
        self.cut |= n < bytes.len();
        self.text.extend_from_slice(bytes.get(..n).unwrap_or(&[]));
    }

    /// A string whose opening quote is next.
    fn string(&mut self) -> Result<()> {
        self.text.clear();
        self.marks.clear();
        self.cut = false;
        self.lone = false;
        self.at += 1;
        self.marks.push((0, self.at));
        loop {
            if self.peek()?.is_none() {
                return self.bad("json-ends-early");
            }
            let from = usize::try_from(self.at.saturating_sub(self.window_at)).unwrap_or(usize::MAX);
            let rest = self.window.get(from..).unwrap_or(&[]);
            let plain = rest.iter().position(|b| matches!(b, b'"' | b'\\')).unwrap_or(rest.len());
            let stop = rest.get(plain).copied();
            // Taking the window out and putting it back keeps the borrow checker and the copy apart.
            let window = std::mem::take(&mut self.window);
            self.keep(window.get(from..from.saturating_add(plain)).unwrap_or(&[]));
            self.window = window;
            self.at += plain as u64;
            match stop {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(_) => self.escape()?,
                None => {}
            }
        }
    }

    fn escape(&mut self) -> Result<()> {
        self.at += 1;
        let Some(b) = self.peek()? else { return self.bad("json-ends-early") };
        self.at += 1;
        let c = match b {
            b'"' | b'\\' | b'/' => char::from(b),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let high = self.hex()?;
                self.pair(high)?
            }
            _ => return self.bad("json-escape"),
        };
        let mut buf = [0; 4];
        let bytes = c.encode_utf8(&mut buf).as_bytes().to_vec();
        self.keep(&bytes);
        // Marks are for strings that are looked into; a long vocabulary entry does not need them all.
        if !self.cut && self.marks.len() < 65_536 {
            self.marks.push((self.text.len(), self.at));
        }
        Ok(())
    }

    fn pair(&mut self, high: u32) -> Result<char> {
        if (0xd800..0xdc00).contains(&high) && self.view.has(self.at, b"\\u") && self.at + 6 <= self.end {
            let back = self.at;
            self.at += 2;
            let low = self.hex()?;
            if (0xdc00..0xe000).contains(&low) {
                let code = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
                return Ok(char::from_u32(code).unwrap_or('\u{fffd}'));
            }
            self.at = back;
        }
        self.lone |= (0xd800..0xe000).contains(&high);
        Ok(char::from_u32(high).unwrap_or('\u{fffd}'))
    }

    fn hex(&mut self) -> Result<u32> {
        let mut n = 0;
        for _ in 0..4 {
            let Some(d) = self.peek()?.and_then(|b| char::from(b).to_digit(16)) else { return self.bad("json-escape") };
            n = n << 4 | d;
            self.at += 1;
        }
        Ok(n)
    }

    /// Reads on until the container that was opened last is closed.
    ///
    /// # Errors
    /// As [`Reader::next`].
    pub fn skip(&mut self) -> Result<()> {
        let floor = self.depth.saturating_sub(1);
        while self.depth > floor {
            if self.advance()?.is_none() {
                break;
            }
        }
        Ok(())
    }
}

/// A hash of bytes that is the same in every run: reports are deterministic.
pub fn hash(bytes: &[u8]) -> u64 {
    let mut h = DefaultHasher::new();
    bytes.hash(&mut h);
    h.finish()
}

/// Whether a name that should stand beside the file that gives it would be looked up somewhere else: absolute, a drive, a scheme,
/// a step upwards in any spelling, or cut short by a NUL (CWE-22; CVE-2025-1889 family).
pub fn leaves_folder(name: &str) -> bool {
    // Escapes are undone as often as two programs in a row might.
    let plain = percent_decoded(&percent_decoded(name));
    let b = plain.as_bytes();
    let drive = matches!(b, [d, b':', ..] if d.is_ascii_alphabetic());
    let scheme = plain.find(':').is_some_and(|i| i > 1 && plain.get(i..).is_some_and(|r| r.starts_with("://") || r.starts_with(":\\\\")))
        || ["file:", "data:", "javascript:"].iter().any(|s| plain.to_ascii_lowercase().starts_with(s));
    plain.starts_with(['/', '\\', '~', '$']) || drive || scheme || plain.contains('\0') || plain.split(['/', '\\']).any(|part| part.trim() == "..")
}

/// Whether a view begins like JSON.
pub(super) fn looks_like(view: View<'_>) -> bool {
    probe(view) != Match::No
}

fn probe(view: View<'_>) -> Match {
    let Ok(head) = view.head(512) else { return Match::No };
    let body = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&head);
    let Some(first) = body.iter().find(|b| !b.is_ascii_whitespace()) else { return Match::No };
    // Settings of editors begin with a comment.
    if !matches!(first, b'{' | b'[' | b'/') {
        return Match::No;
    }
    let mut reader = Reader::new(view, 0, view.len().min(WINDOW as u64), 64).many().loose();
    let mut events = 0;
    loop {
        match reader.advance() {
            Ok(None) if events == 0 => return Match::No,
            Ok(Some(first)) if events == 0 && !matches!(first, Event::Object | Event::Array) => return Match::No,
            Ok(Some(_)) if events < 200 => events += 1,
            Ok(_) => return Match::Sure,
            // The window may end inside of a value.
            Err(Error::Malformed { at, .. }) if at >= WINDOW as u64 && events > 0 => return Match::Sure,
            Err(Error::Limit { .. }) => return Match::Sure,
            Err(_) => return if events >= 6 { Match::Sure } else { Match::No },
        }
    }
}

/// Keys whose value says something about the model.
const TELLING: &[&str] = &[
    "license", "license_name", "license_link", "licence", "model_type", "architectures", "_name_or_path", "base_model", "base_model_name_or_path",
    "torch_dtype", "dtype", "transformers_version", "_class_name", "library_name", "pipeline_tag", "tokenizer_class", "processor_class",
    "max_position_embeddings", "vocab_size", "peft_type", "quant_method", "total_size", "total_parameters", "licenseDeclared", "licenseConcluded",
    "model_license", "allowNoCredit", "allowCommercialUse", "allowDerivatives", "allowDifferentLicense", "baseModel",
];

/// Keys that make a loader fetch or run something, wherever they stand.
const LOADING: &[&str] =
    &["_target_", "auto_map", "trust_remote_code", "custom_pipelines", "custom_generate", "_attn_implementation_internal", "parent_library"];

/// Keys whose text a tool hands to a shell by itself when the folder is installed or opened: npm's scripts, editors' tasks and
/// development containers.
const COMMANDS: &[&str] = &[
    "preinstall", "install", "postinstall", "prepare", "prepublish", "command", "postCreateCommand", "onCreateCommand", "postStartCommand",
    "postAttachCommand", "initializeCommand", "updateContentCommand",
];

/// Settings of transformers whose text with a slash is a repository that native code is fetched from (CVE-2026-4372).
const KERNELS: &[&str] = &["_attn_implementation_internal", "_attn_implementation", "attn_implementation", "_experts_implementation"];

/// Objects with more keys than this are vocabularies, not settings: equal keys are no longer looked for.
const SETTINGS: usize = 10_000;

/// Levels of a path that are kept.
const LEVELS: usize = 12;

/// An open container on the way to the current value.
#[derive(Default)]
struct Level {
    key: String,
    seen: HashSet<u64>,
    object: bool,
    /// What an object that stands for an object of Python says so far: its `module`, behind a `type` of `pyref`.
    module: Option<String>,
}

/// Reads a whole JSON text (or one value a line) and states what is worth knowing: settings, templates, named files, keys that
/// stand twice.
///
/// # Errors
/// As [`Reader::next`].
pub fn read(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    scan_text(view, scan).map(|_| ())
}

/// [`read`], and whether there was a tree of objects that are resolved by class name, which then was walked as well.
///
/// # Errors
/// As [`Reader::next`].
pub fn scan_text(view: View<'_>, scan: &mut Scan<'_>) -> Result<bool> {
    let mut classes = false;
    let mut reader = Reader::new(view, 0, view.len(), KEEP).many().loose();
    let mut levels: Vec<Level> = Vec::new();
    let mut shards = HashSet::new();
    let (mut values, mut twice, mut named) = (0u64, 0u64, 0u64);
    while let Some(event) = reader.advance()? {
        match event {
            Event::Object | Event::Array => {
                if reader.depth() == 1 {
                    values += 1;
                }
                if reader.depth() <= LEVELS {
                    levels.truncate(reader.depth() - 1);
                    levels.push(Level { object: event == Event::Object, ..Level::default() });
                }
            }
            Event::Close => levels.truncate(reader.depth()),
            Event::Key => {
                classes |= &*reader.text == b"class_name";
                twice += u64::from(key(view, &reader, &mut levels, scan));
            }
            _ => {
                named += u64::from(in_weight_map(&levels) && event == Event::String);
                value(view, &reader, event, &mut levels, &mut shards, scan);
            }
        }
    }
    if values > 1 {
        scan.note(format!("{values} JSON values"));
    }
    if twice > 0 {
        scan.note(format!("{twice} keys that stand twice"));
    }
    if named > 0 {
        scan.state(view, 0, 1, Fact::Metadata { key: "weight_map".into(), value: named.to_string() });
    }
    if classes {
        keras::weigh(view, 0, view.len(), scan)?;
    }
    super::secrets::inspect(view, scan)?;
    Ok(classes)
}

/// Notes a key, and whether it stands twice in its object. Readers differ in which one they take: told where it is one that something is loaded, run or judged by;
/// lists of words that people wrote hold others.
fn key(view: View<'_>, reader: &Reader<'_>, levels: &mut [Level], scan: &mut Scan<'_>) -> bool {
    let depth = reader.depth();
    let Some(level) = levels.get_mut(depth.wrapping_sub(1)) else { return false };
    level.key = reader.text().chars().take(256).collect();
    let twice = depth <= 4 && level.seen.len() < SETTINGS && !reader.lone && !level.seen.insert(reader.hash());
    let key = level.key.as_str();
    let decides = [LOADING, COMMANDS, TELLING].iter().any(|keys| keys.contains(&key));
    if twice && (decides || matches!(key, "class_name" | "weight_map") || key.contains("template") || setting::way(key).is_some()) {
        scan.state(view, reader.start(), reader.len(), Fact::Header { what: "duplicate-key", detail: level.key.clone(), memory: false });
    }
    twice
}

/// Whether a value says in which file a tensor is.
fn in_weight_map(levels: &[Level]) -> bool {
    levels.len() == 2 && levels.first().is_some_and(|l| l.key == "weight_map")
}

/// Fiddle's way to write an object (`fiddle/_src/experimental/serialization.py`), in which NeMo 2 keeps its models: the type, the
/// module, the name, each of which is imported.
fn pyref(view: View<'_>, reader: &Reader<'_>, levels: &mut [Level], scan: &mut Scan<'_>) {
    let Some(level) = levels.last_mut().filter(|l| l.object) else { return };
    let text = reader.text();
    match (level.key.as_str(), &level.module) {
        ("type", _) if text == "pyref" => level.module = Some(String::new()),
        ("module", Some(_)) => level.module = Some(text.into_owned()),
        ("name", Some(module)) if !module.is_empty() => {
            scan.state(view, reader.start(), reader.len(), Fact::Target { way: "pyref", name: format!("{module}.{text}"), eager: false });
        }
        _ => {}
    }
}

fn value(view: View<'_>, reader: &Reader<'_>, event: Event, levels: &mut [Level], shards: &mut HashSet<u64>, scan: &mut Scan<'_>) {
    if event == Event::String && !reader.cut() {
        pyref(view, reader, levels, scan);
    }
    let levels = &*levels;
    let Some(nearest) = levels.iter().rev().find(|l| l.object) else { return };
    let key = nearest.key.as_str();
    if event == Event::String && in_weight_map(levels) {
        shard(view, reader, shards, scan);
        return;
    }
    let under = |name: &str| levels.iter().any(|l| l.object && l.key == name);
    if event == Event::String
        && key != "name"
        && levels.iter().any(|l| l.object && l.key.to_ascii_lowercase().contains("template"))
        && reader.text.windows(2).any(|w| matches!(w, b"{{" | b"{%" | b"{#"))
    {
        if reader.cut() {
            scan.gap("limit-template");
        }
        jinja::inspect_marked(&reader.text(), view, reader.marks(), scan);
    }
    if event == Event::String {
        names_code(view, reader, levels, scan);
    }
    if event == Event::String && !reader.cut() {
        let text = reader.text();
        if COMMANDS.contains(&key)
            && let Some(what @ ("run-download" | "run-decoded" | "reverse-shell" | "send-secrets" | "wipe")) = shell::judge(&text)
        {
            let call = text.chars().take(300).collect();
            scan.state(view, reader.start(), reader.len(), Fact::Script { language: "shell", what, when: When::Load, call });
        } else if matches!(key, "args" | "entry" | "entrypoint" | "run" | "script" | "exec" | "cmd") {
            setting::command(view, reader.start(), reader.len(), key, &text, scan);
        }
        // A share of another machine: asking for it tells that machine who asks.
        // Keras's shards stand in a list, inside of its archive.
        let listed = levels.len() == 3 && levels.first().is_some_and(|l| l.key == "weight_map") && leaves_folder(&text);
        // A module's folder in sentence-transformers' `modules.json`.
        let module = key == "path" && levels.len() == 2 && leaves_folder(&text) && scan.name().ends_with("modules.json");
        if listed || module || key == "base_model_name_or_path" && (text.starts_with("//") || text.starts_with("\\\\")) {
            scan.state(view, reader.start(), reader.len(), Fact::Traversal { target: text.clone().into_owned() });
        }
        // ONNX as JSON (`onnx.load` reads `.onnxjson`): files of tensors, and operators that run Python in whatever domain.
        if key == "value" && (under("externalData") || under("external_data")) && leaves_folder(&text) {
            scan.state(view, reader.start(), reader.len(), Fact::Traversal { target: text.clone().into_owned() });
        } else if matches!(key, "opType" | "op_type") && matches!(text.as_ref(), "PyOp" | "PyCustomOp" | "PythonOp") {
            let operator = Fact::Operator { family: "onnx", domain: "custom".into(), name: text.clone().into_owned(), texts: Vec::new() };
            scan.state(view, reader.start(), reader.len(), operator);
        }
        // Elements of a list stand under the list's key only where that key resolves what it holds.
        if levels.last().is_some_and(|l| l.object) || setting::way(key).is_some() {
            setting::pair(view, reader.start(), reader.len(), key, &text, scan);
        } else if key == "py/reduce" && setting::is_dotted(&text) {
            setting::pair(view, reader.start(), reader.len(), "py/function", &text, scan);
        }
    }
    // Libraries hand on what stands in the settings of a part (CVE-2026-5241, CVE-2026-4944); at the top it says nothing to them.
    if event == Event::Bool(true) && key == "trust_remote_code" && levels.len() > 1 && scan.name().ends_with("config.json") {
        scan.state(view, reader.start(), reader.len(), Fact::CodeReference { key: key.to_string(), target: "true".into(), origin: "elsewhere" });
    }
    let loading = LOADING.iter().find(|k| under(k));
    // In a list of words the key is one of them.
    let settings = levels.len() <= 2 && TELLING.contains(&key) && nearest.seen.len() < WORDS;
    if loading.is_some() || settings {
        let text = match event {
            Event::Bool(b) => b.to_string(),
            Event::Null => return,
            _ => reader.text().chars().take(2048).collect(),
        };
        let key = loading.map_or(key, |k| *k).to_string();
        scan.state(view, reader.start(), reader.len(), Fact::Metadata { key, value: text });
    }
}

/// Keys of one object from which on it is a list of words and not settings.
const WORDS: usize = 500;

/// Libraries whose classes a setting may name without bringing code of its own.
const LIBRARIES: &[&str] = &[
    "sentence_transformers", "transformers", "diffusers", "torch", "peft", "timm", "optimum", "setfit", "pylate", "model2vec", "tokenizers", "accelerate",
    "trl", "__main__",
];

fn of_library(name: &str) -> bool {
    LIBRARIES.contains(&name.split('.').next().unwrap_or(name))
}

/// Settings by which a loader imports code: transformers' `auto_map` (`file.Class`, `owner/name--file.Class`) and custom
/// pipelines, PEFT's `auto_mapping`, the `type` of a module of sentence-transformers, diffusers' `_class_name` pairs.
fn names_code(view: View<'_>, reader: &Reader<'_>, levels: &[Level], scan: &mut Scan<'_>) {
    let Some(nearest) = levels.iter().rev().find(|l| l.object) else { return };
    let key = nearest.key.as_str();
    let under = |name: &str| levels.iter().any(|l| l.object && l.key == name);
    let target: String = reader.text().chars().take(400).collect();
    // `generate(custom_generate=…)`: a folder, or a repository, with `custom_generate/generate.py` in it.
    if KERNELS.iter().chain(&["custom_generate"]).any(|k| under(k)) && target.contains('/') && !target.starts_with(['.', '/']) {
        scan.state(view, reader.start(), reader.len(), Fact::CodeReference { key: key.to_string(), target, origin: "elsewhere" });
        scan.gap("code-elsewhere");
        return;
    }
    if key == "custom_generate" {
        scan.state(
            view,
            reader.start(),
            reader.len(),
            Fact::CodeReference { key: key.to_string(), target: "custom_generate/generate.py".into(), origin: "beside" },
        );
        scan.names_code("custom_generate/generate.py");
        return;
    }
    let mapped = under("auto_map") || under("custom_pipelines") && matches!(key, "impl") || under("auto_mapping") && key == "parent_library";
    // `modules.json`: a list of objects with `path` and `type`.
    let module = key == "type" && levels.len() == 2 && levels.first().is_some_and(|l| !l.object) && target.contains('.') && !target.contains([' ', '/']);
    if !(mapped || module) || target.is_empty() {
        return;
    }
    let (origin, file) = match target.split_once("--") {
        Some((_, rest)) => ("elsewhere", rest.to_string()),
        None if of_library(&target) => return,
        None if under("auto_mapping") => ("library", target.clone()),
        None => ("beside", target.clone()),
    };
    let key = if module {
        "type".to_string()
    } else {
        levels.iter().find(|l| matches!(l.key.as_str(), "auto_map" | "custom_pipelines" | "auto_mapping")).map_or(key, |l| l.key.as_str()).to_string()
    };
    scan.state(view, reader.start(), reader.len(), Fact::CodeReference { key, target: target.clone(), origin });
    // Every model that was tuned from one with code of its own says so; what would run is just not here to be read.
    if origin == "elsewhere" {
        scan.gap("code-elsewhere");
    }
    if origin == "beside"
        && let Some((path, _)) = file.rsplit_once('.')
    {
        scan.names_code(&format!("{}.py", path.replace('.', "/")));
    }
}

fn shard(view: View<'_>, reader: &Reader<'_>, shards: &mut HashSet<u64>, scan: &mut Scan<'_>) {
    if shards.len() >= 1_000_000 {
        scan.gap("limit-facts");
        return;
    }
    if !shards.insert(reader.hash()) {
        return;
    }
    let target: String = reader.text().chars().take(4096).collect();
    if leaves_folder(&target) {
        scan.state(view, reader.start(), reader.len(), Fact::Traversal { target: target.clone() });
    }
    scan.state(view, reader.start(), reader.len(), Fact::Reference { target });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bytes::Pages;

    fn events(text: &[u8]) -> Result<Vec<(Event, u64, String)>> {
        let source = text.to_vec();
        let pages = Pages::new(&source);
        let view = View::of_file(&pages);
        let mut r = Reader::new(view, 0, view.len(), 1000);
        let mut out = Vec::new();
        while let Some(e) = r.advance()? {
            let text = if matches!(e, Event::Key | Event::String | Event::Number) { r.text().into_owned() } else { String::new() };
            out.push((e, r.start(), text));
        }
        Ok(out)
    }

    #[test]
    fn reads_what_python_reads_with_offsets() {
        let got = events(b"\xef\xbb\xbf{\"a\": [NaN, -Infinity, 1e5, \"\\ud83d\\ude00\\ud800\", true, null], \"a\": {}}").expect("legal for Python");
        assert_eq!(got.iter().filter(|e| e.0 == Event::Key && e.2 == "a").count(), 2);
        assert!(got.iter().any(|e| e.2 == "😀\u{fffd}"));
        assert_eq!(got.get(1).map(|e| e.1), Some(4));
    }

    #[test]
    fn refuses_what_is_not_json() {
        for text in ["", "{", "[1,]", "{\"a\" 1}", "{'a':1}", "[1 2]", "{} x", "[tru]", "\"\\x\"", "[}", "\"abc"] {
            assert!(events(text.as_bytes()).is_err(), "{text}");
        }
        assert!(matches!(events("[".repeat(DEPTH + 1).as_bytes()), Err(Error::Limit { .. })));
    }

    #[test]
    fn long_strings_cross_windows() {
        let long = "x".repeat(200_000);
        let got = events(format!("[\"{long}\", 7]").as_bytes()).expect("legal");
        assert_eq!(got.get(1).map(|e| e.2.len()), Some(1000));
        assert_eq!(got.get(2).map(|e| (e.1, e.2.as_str())), Some((200_005, "7")));
    }

    #[test]
    fn a_list_of_words_names_no_licence() {
        let licensed = |words: usize| {
            let words: String = (0..words).map(|n| format!("\"w{n}\": \"w\", ")).collect();
            let report = crate::scan(&format!("{{{words}\"license\": \"lice\"}}").into_bytes(), "words.json", crate::Lang::En);
            report.metadata.iter().any(|m| m.key == "license")
        };
        assert!(licensed(3) && !licensed(600));
    }

    #[test]
    fn names_that_leave_the_folder() {
        for name in ["../a", "a/../../b", "/etc/passwd", "C:\\x", "http://h/x", "a\0.bin", "..\\x", "%2e%2e/x", "~/.ssh", "\\\\host\\share"] {
            assert!(leaves_folder(name), "{name}");
        }
        for name in ["model-00001-of-00005.safetensors", "sub/model.bin", "a..b", "v1:0"] {
            assert!(!leaves_folder(name), "{name}");
        }
    }
}
