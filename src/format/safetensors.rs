//! safetensors (<https://github.com/huggingface/safetensors>, "Format"): a length, a JSON header, one buffer without holes.
//!
//! The format runs nothing; it is attacked by headers that two readers understand differently and by bytes that no tensor owns
//! (Trail of Bits, safetensors security review, 2023). Only the header and a few tensor heads are read, whatever the file's size.

use super::json::{self, Event, Reader};
use super::{Format, Match, jinja};
use crate::bytes::View;
use crate::error::{Error, Result};
use crate::fact::{Fact, Tensor};
use crate::scan::Scan;
use std::collections::HashSet;

/// Tensors behind a JSON header.
pub const SAFETENSORS: Format = Format { id: "safetensors", name: "safetensors", extensions: &["safetensors", "sft"], refines: &[], probe, read };

/// The list of shards of a model: `*.safetensors.index.json`, `*.bin.index.json`.
pub const INDEX: Format =
    Format { id: "safetensors-index", name: "shard index", extensions: &["json"], refines: &["json", "text"], probe: probe_index, read: json::read };

/// Longest header that the library accepts.
const LIBRARY_HEADER: u64 = 100_000_000;

/// Longest header that is read here.
const HEADER: u64 = 256 << 20;

/// Bytes of one header string that are kept.
const KEEP: usize = 256 * 1024;

/// Tensors whose ranges are compared with one another: 64 MiB of pairs.
const RANGES: usize = 4 << 20;

/// Tensor heads that are looked at.
const HEADS: usize = 64;

/// The library stops at this nesting (serde_json's recursion limit).
const NESTING: usize = 128;

fn probe(view: View<'_>) -> Match {
    let Ok(n) = view.u64(0) else { return Match::No };
    if n < 2 {
        // Eight zero bytes that were packed are two numbers: nobody maps what has to be unpacked first.
        let whole = view.len() == 8 && view.file_offset(0) == Some(0);
        return if n == 0 && (whole || starts_object(view)) { Match::Weak } else { Match::No };
    }
    let fits = n <= view.len().saturating_sub(8);
    let Ok(head) = view.head(64) else { return Match::No };
    let (length, body) = head.split_at(head.len().min(8));
    // Eight printable bytes are the beginning of a text with a brace in its ninth column.
    if length.iter().all(|b| (9..127).contains(b)) {
        return Match::No;
    }
    match body {
        // Numbers may look like an empty object; a header is made longer with spaces only.
        [b'{', b'}', rest @ ..] if !fits && !rest.iter().all(u8::is_ascii_whitespace) => Match::No,
        [b'{', b'"' | b'}' | b' ' | b'\t' | b'\n' | b'\r', ..] if fits || starts_object(view) => Match::Sure,
        [b' ' | b'\t' | b'\n' | b'\r', ..] if fits && starts_object(view) => Match::Sure,
        [b'{' | b'[', ..] if fits && n <= LIBRARY_HEADER => Match::Weak,
        [0x80, 2..=5, ..] if fits && n <= LIBRARY_HEADER => Match::Weak,
        text if fits && n <= LIBRARY_HEADER && text.len() >= 8 => {
            let n = usize::try_from(n).unwrap_or(usize::MAX).min(text.len());
            let printable = text.get(..n).is_some_and(|t| n >= 8 && t.iter().all(|b| (9..127).contains(b)));
            // A length in front of a word is what many formats begin with.
            let word = text.get(..n).is_some_and(|t| t.iter().all(u8::is_ascii_alphanumeric));
            if printable && !word { Match::Weak } else { Match::No }
        }
        _ => Match::No,
    }
}

/// Whether an object whose first value is an object (or which is empty) begins at 8.
fn starts_object(view: View<'_>) -> bool {
    let mut r = Reader::new(view, 8, view.len().min(1 << 20), 64);
    if !matches!(r.advance(), Ok(Some(Event::Object))) {
        return false;
    }
    match r.advance() {
        Ok(Some(Event::Close)) => true,
        Ok(Some(Event::Key)) => matches!(r.advance(), Ok(Some(Event::Object))),
        _ => false,
    }
}

fn probe_index(view: View<'_>) -> Match {
    if !view.head(16).is_ok_and(|h| h.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&h).iter().find(|b| !b.is_ascii_whitespace()) == Some(&b'{')) {
        return Match::No;
    }
    let mut r = Reader::new(view, 0, view.len().min(256 * 1024), 64);
    for _ in 0..2_000 {
        match r.advance() {
            Ok(Some(Event::Key)) if r.depth() == 1 && r.text() == "weight_map" => {
                return if matches!(r.advance(), Ok(Some(Event::Object))) { Match::Sure } else { Match::No };
            }
            Ok(Some(_)) => {}
            _ => break,
        }
    }
    Match::No
}

/// Bits of one element.
fn bits(dtype: &str) -> Option<u64> {
    Some(match dtype {
        "F4" => 4,
        "F6_E2M3" | "F6_E3M2" => 6,
        "BOOL" | "U8" | "I8" | "F8_E5M2" | "F8_E4M3" | "F8_E8M0" | "F8_E4M3FNUZ" | "F8_E5M2FNUZ" => 8,
        "I16" | "U16" | "F16" | "BF16" => 16,
        "I32" | "U32" | "F32" => 32,
        "I64" | "U64" | "F64" | "C64" => 64,
        "C128" => 128,
        _ => return None,
    })
}

/// What was read of one tensor's entry.
#[derive(Default)]
struct Entry {
    name: String,
    dtype: Option<String>,
    shape: Option<Vec<u64>>,
    begin: Option<u64>,
    end: Option<u64>,
    at: u64,
    len: u64,
    /// Something in it was already stated to be wrong, so that the sums would only repeat it.
    broken: bool,
}

/// A tensor whose first bytes are worth a look.
pub(super) struct Head {
    /// Name in the outline.
    pub name: String,
    /// Offset in the view.
    pub at: u64,
    /// Bytes of the tensor.
    pub len: u64,
    /// Element type of one byte: anything fits in.
    pub bytes: bool,
}

/// Opens and closes outline branches so that tensors stand under their layer.
pub(super) struct Groups {
    open: Option<String>,
    shown: u64,
}

impl Groups {
    pub(super) fn new() -> Self {
        Groups { open: None, shown: 0 }
    }

    pub(super) fn show(&mut self, tensor: &Tensor, scan: &mut Scan<'_>) {
        self.shown += 1;
        if self.shown > scan.limits().tensors {
            return;
        }
        let mut dots = tensor.name.rmatch_indices('.');
        let cut = dots.nth(1).map(|(i, _)| i);
        let (group, label) = cut.map_or(("", tensor.name.as_str()), |i| (tensor.name.get(..i).unwrap_or(""), tensor.name.get(i + 1..).unwrap_or("")));
        let group: String = group.chars().take(200).collect();
        if self.open.as_deref() != Some(group.as_str()).filter(|g| !g.is_empty()) {
            self.end(scan);
            if !group.is_empty() {
                scan.open(&group, "tensors", None);
                self.open = Some(group);
            }
        }
        let shape = tensor.shape.iter().take(16).map(u64::to_string).collect::<Vec<_>>().join(" × ");
        scan.leaf(label, "tensor", Some(tensor.bytes), Some(format!("{} [{shape}]", tensor.dtype)));
    }

    pub(super) fn end(&mut self, scan: &mut Scan<'_>) {
        if self.open.take().is_some() {
            scan.close();
        }
    }
}

struct Header<'s> {
    view: View<'s>,
    /// Bytes of the buffer behind the header.
    room: u64,
    /// Where the buffer starts.
    data: u64,
    ranges: Vec<(u64, u64)>,
    names: HashSet<u64>,
    heads: Vec<Head>,
    groups: Groups,
    unknown: bool,
}

fn fault(view: View<'_>, at: u64, len: u64, what: &'static str, detail: impl Into<String>, memory: bool, scan: &mut Scan<'_>) {
    let detail: String = detail.into();
    scan.state(view, at, len, Fact::Header { what, detail: detail.chars().take(300).collect(), memory });
}

fn read(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    let n = view.u64(0)?;
    let left = view.len().saturating_sub(8);
    if n < 2 {
        fault(view, 0, 8, "header-length", n.to_string(), false, scan);
        return Err(Error::malformed(0, "safetensors-header"));
    }
    if n > left {
        fault(view, 0, 8, "header-length", format!("{n} of {left}"), true, scan);
    } else if n > LIBRARY_HEADER {
        fault(view, 0, 8, "header-too-long", n.to_string(), false, scan);
    }
    let end = 8 + n.min(left);
    let mut r = Reader::new(view, 8, end.min(8 + HEADER), KEEP);
    let mut header = Header {
        view,
        room: left - n.min(left),
        data: end,
        ranges: Vec::new(),
        names: HashSet::new(),
        heads: Vec::new(),
        groups: Groups::new(),
        unknown: n > left,
    };
    let done = header.read(&mut r, n <= left, scan);
    header.groups.end(scan);
    if let Err(e) = done {
        if end > 8 + HEADER {
            scan.gap("limit-header-size");
            return Ok(());
        }
        if let Error::Malformed { at, what } = &e {
            fault(view, (*at).min(view.len()), 1, "not-json", *what, false, scan);
            // What is no JSON may be something else that a reader starts here.
            if let Ok(inner) = view.slice(8, n.min(left))
                && super::sure(inner)
            {
                scan.child("header", inner, true);
            }
        }
        header.look(scan);
        return Err(e);
    }
    if n <= left {
        header.cover(scan);
    }
    header.look(scan);
    Ok(())
}

impl Header<'_> {
    fn read(&mut self, r: &mut Reader<'_>, whole: bool, scan: &mut Scan<'_>) -> Result<()> {
        let first = r.advance()?;
        if first != Some(Event::Object) {
            fault(self.view, r.start(), r.len().max(1), "not-an-object", "", false, scan);
            return Err(Error::malformed(8, "safetensors-header"));
        }
        if r.start() > 8 {
            fault(self.view, 8, r.start() - 8, "leading-space", (r.start() - 8).to_string(), false, scan);
        }
        let mut keys = HashSet::new();
        while let Some(event) = r.advance()? {
            if event == Event::Close {
                break;
            }
            let name: String = r.text().chars().take(4096).collect();
            let (at, len) = (r.start(), r.len());
            self.name(&name, r, scan);
            if keys.len() < RANGES && !keys.insert(r.hash()) {
                fault(self.view, at, len, "duplicate-key", name.as_str(), false, scan);
            }
            if name == "__metadata__" {
                self.metadata(r, scan)?;
            } else {
                self.tensor(r, Entry { name, at, len, ..Entry::default() }, scan)?;
            }
        }
        self.names = keys;
        // A header that lies about its length ends where its object ends: what follows is tensor data.
        if !whole {
            return Ok(());
        }
        while r.advance()?.is_some() {}
        Ok(())
    }

    fn name(&self, name: &str, r: &Reader<'_>, scan: &mut Scan<'_>) {
        let (view, at, len) = (self.view, r.start(), r.len());
        if !r.valid() {
            fault(view, at, len, "invalid-utf8", name, false, scan);
        }
        if r.cut() || len > 4096 {
            fault(view, at, len, "name-too-long", len.to_string(), false, scan);
        }
        if name.chars().any(crate::text::is_hidden) {
            fault(view, at, len, "name-control-characters", name, false, scan);
        }
        if tensor_leaves(name) {
            scan.state(view, at, len, Fact::Traversal { target: name.to_string() });
        }
    }

    /// `__metadata__`: text to text.
    fn metadata(&mut self, r: &mut Reader<'_>, scan: &mut Scan<'_>) -> Result<()> {
        let view = self.view;
        match r.advance()? {
            Some(Event::Object) => {}
            other => {
                fault(view, r.start(), r.len(), "metadata-type", "", false, scan);
                if other == Some(Event::Array) {
                    r.skip()?;
                }
                return Ok(());
            }
        }
        let mut keys = HashSet::new();
        let mut key = String::new();
        while let Some(event) = r.advance()? {
            match event {
                Event::Close => break,
                Event::Key => {
                    key = r.text().chars().take(256).collect();
                    if !r.valid() {
                        fault(view, r.start(), r.len(), "invalid-utf8", key.as_str(), false, scan);
                    }
                    if keys.len() < 1_000_000 && !keys.insert(r.hash()) {
                        fault(view, r.start(), r.len(), "duplicate-key", key.as_str(), false, scan);
                    }
                }
                Event::String => {
                    if !r.valid() {
                        fault(view, r.start(), r.len(), "invalid-utf8", key.as_str(), false, scan);
                    }
                    let text = r.text();
                    if jinja::worth_a_look(&key, &text) {
                        jinja::inspect_marked(&text, view, r.marks(), scan);
                    }
                    super::setting::metadata(view, r.start(), r.len(), &text, scan);
                    let value = text.into_owned();
                    scan.state(view, r.start(), r.len(), Fact::Metadata { key: key.clone(), value });
                }
                other => {
                    fault(view, r.start(), r.len(), "metadata-type", key.as_str(), false, scan);
                    if matches!(other, Event::Object | Event::Array) {
                        r.skip()?;
                    }
                }
            }
        }
        Ok(())
    }

    fn tensor(&mut self, r: &mut Reader<'_>, mut e: Entry, scan: &mut Scan<'_>) -> Result<()> {
        let view = self.view;
        match r.advance()? {
            Some(Event::Object) => {}
            other => {
                fault(view, e.at, e.len, "entry-type", e.name.as_str(), false, scan);
                if other == Some(Event::Array) {
                    r.skip()?;
                }
                return Ok(());
            }
        }
        let mut seen = [false; 3];
        while let Some(event) = r.advance()? {
            if event == Event::Close {
                break;
            }
            let (at, len) = (r.start(), r.len());
            let slot = match r.text().as_ref() {
                "dtype" => 0,
                "shape" => 1,
                "data_offsets" => 2,
                other => {
                    let detail = other.chars().take(200).collect::<String>();
                    fault(view, at, len, "unknown-field", detail, false, scan);
                    let event = r.advance()?;
                    if matches!(event, Some(Event::Object | Event::Array)) {
                        self.skip(r, scan)?;
                    }
                    continue;
                }
            };
            if let Some(s) = seen.get_mut(slot)
                && std::mem::replace(s, true)
            {
                fault(view, at, len, "duplicate-key", e.name.as_str(), false, scan);
            }
            match slot {
                0 if r.advance()? == Some(Event::String) => e.dtype = Some(r.text().chars().take(64).collect()),
                1 => e.shape = self.integers(r, &mut e, 64, scan)?,
                2 => {
                    if let Some(pair) = self.integers(r, &mut e, 2, scan)? {
                        if pair.len() != 2 && !e.broken {
                            fault(view, at, r.at() - at, "offset-count", e.name.as_str(), false, scan);
                            e.broken = true;
                        }
                        (e.begin, e.end) = (pair.first().copied(), pair.get(1).copied());
                    }
                }
                _ => {
                    fault(view, at, len, "entry-type", e.name.as_str(), false, scan);
                    e.broken = true;
                    if r.len() == 1 {
                        r.skip()?;
                    }
                }
            }
        }
        e.len = r.at().saturating_sub(e.at);
        self.weigh(e, scan);
        Ok(())
    }

    fn skip(&mut self, r: &mut Reader<'_>, scan: &mut Scan<'_>) -> Result<()> {
        let floor = r.depth().saturating_sub(1);
        let mut told = false;
        while r.depth() > floor {
            if r.advance()?.is_none() {
                break;
            }
            if r.depth() > NESTING && !told {
                told = true;
                fault(self.view, r.start(), r.len(), "deep-json", NESTING.to_string(), false, scan);
            }
        }
        Ok(())
    }

    /// A list of non-negative integers, with everything else in it stated; `None` if it is no list.
    fn integers(&mut self, r: &mut Reader<'_>, e: &mut Entry, most: usize, scan: &mut Scan<'_>) -> Result<Option<Vec<u64>>> {
        let view = self.view;
        let first = r.advance()?;
        let from = r.start();
        if first != Some(Event::Array) {
            fault(view, from, r.len(), "entry-type", e.name.as_str(), false, scan);
            e.broken = true;
            if first == Some(Event::Object) {
                self.skip(r, scan)?;
            }
            return Ok(None);
        }
        let mut out = Vec::new();
        let mut count = 0usize;
        while let Some(event) = r.advance()? {
            match event {
                Event::Close => break,
                Event::Number => {
                    count += 1;
                    match r.integer() {
                        Some(n) if out.len() < most => out.push(n),
                        Some(_) => {}
                        None => {
                            let text = r.text().into_owned();
                            // Below zero or beyond 64 bits, a reader in C wraps around.
                            let wraps = !text.contains(['.', 'e', 'E', 'N', 'I']);
                            fault(view, r.start(), r.len(), if wraps { "integer-range" } else { "not-an-integer" }, text, wraps, scan);
                            e.broken = true;
                        }
                    }
                }
                other => {
                    count += 1;
                    fault(view, r.start(), r.len(), "not-an-integer", e.name.as_str(), false, scan);
                    e.broken = true;
                    if matches!(other, Event::Object | Event::Array) {
                        self.skip(r, scan)?;
                    }
                }
            }
        }
        if count > most {
            fault(view, from, r.at() - from, "rank", count.to_string(), false, scan);
            e.broken = true;
        }
        Ok(Some(out))
    }

    /// Compares one tensor's claims with each other and with the file.
    fn weigh(&mut self, e: Entry, scan: &mut Scan<'_>) {
        let (view, at, len) = (self.view, e.at, e.len);
        let (Some(dtype), Some(shape), Some(begin), Some(end)) = (e.dtype, e.shape, e.begin, e.end) else {
            if !e.broken {
                fault(view, at, len, "missing-field", e.name.as_str(), false, scan);
            }
            self.unknown = true;
            return;
        };
        let width = bits(&dtype);
        if width.is_none() {
            fault(view, at, len, "dtype", format!("{}: {dtype}", e.name), false, scan);
        }
        if begin > end {
            fault(view, at, len, "offsets-reversed", format!("{}: [{begin}, {end}]", e.name), true, scan);
        } else if end > self.room && !self.unknown {
            fault(view, at, len, "offsets-outside", format!("{}: [{begin}, {end}] of {}", e.name, self.room), true, scan);
        }
        let held = end.saturating_sub(begin);
        // A zero anywhere makes the product zero, but only after the factors in front of it were multiplied.
        let total = shape.iter().try_fold(1u64, |n, d| n.checked_mul(*d));
        let size = width.zip(total).map(|(w, n)| n.checked_mul(w));
        match (total, size) {
            (None, _) | (_, Some(None)) => fault(view, at, len, "shape-overflow", format!("{}: {shape:?}", e.name), true, scan),
            (_, Some(Some(b))) if !e.broken && begin <= end && (b % 8 != 0 || b / 8 != held) => {
                // More elements than bytes: whoever trusts the shape reads past the tensor.
                fault(view, at, len, "size", format!("{}: {dtype} {shape:?}, {held} bytes", e.name), b.div_ceil(8) > held, scan);
            }
            _ => {}
        }
        if begin <= end && end <= self.room {
            if self.ranges.len() < RANGES {
                self.ranges.push((begin, end));
            } else {
                self.unknown = true;
                scan.gap("limit-tensors");
            }
            let one_byte = width == Some(8) || width.is_none();
            keep_head(&mut self.heads, &e.name, self.data + begin, held, one_byte);
        } else {
            self.unknown = true;
        }
        let tensor = Tensor { name: e.name, dtype, shape: shape.into_iter().take(16).collect(), bytes: held };
        self.groups.show(&tensor, scan);
        scan.state(view, at, len, Fact::Tensor(tensor));
    }

    /// Every byte of the buffer belongs to exactly one tensor.
    fn cover(&mut self, scan: &mut Scan<'_>) {
        let view = self.view;
        if !self.ranges.is_sorted() {
            self.ranges.sort_unstable();
        }
        let mut next = 0u64;
        let mut children = 0;
        for (begin, end) in &self.ranges {
            // Ranges that were refused would look like holes.
            if *begin > next && !self.unknown {
                hole(view, self.data + next, begin - next, "hole", &mut children, scan);
            } else if *begin < next && end > begin {
                fault(view, self.data + begin, (next - begin).min(end - begin), "overlap", format!("[{begin}, {end}] < {next}"), true, scan);
            }
            next = next.max(*end);
        }
        if next < self.room {
            let at = self.data + next;
            hole(view, at, self.room - next, "trailing", &mut children, scan);
        }
    }

    fn look(&mut self, scan: &mut Scan<'_>) {
        look(self.view, &self.heads, scan);
    }
}

/// States bytes that nothing owns, and reads them if they surely are something.
pub(super) fn hole(view: View<'_>, at: u64, len: u64, what: &'static str, children: &mut u32, scan: &mut Scan<'_>) {
    scan.state(view, at, len, Fact::Stray { what, bytes: len });
    if *children < 16
        && let Ok(inner) = view.slice(at, len)
        && super::sure(inner)
    {
        *children += 1;
        scan.child(if what == "hole" { "hole" } else { "trailing bytes" }, inner, true);
    }
}

/// Keeps a tensor for [`look`]: tensors of bytes first, others while there is room.
pub(super) fn keep_head(heads: &mut Vec<Head>, name: &str, at: u64, len: u64, bytes: bool) {
    if len < 4 {
        return;
    }
    let same = heads.iter().filter(|h| h.bytes == bytes).count();
    if same < HEADS / 2 {
        heads.push(Head { name: name.chars().take(200).collect(), at, len, bytes });
    }
}

/// Looks at the first bytes of some tensors: numbers do not begin with the mark of a program, an archive or a pickle.
pub(super) fn look(view: View<'_>, heads: &[Head], scan: &mut Scan<'_>) {
    let mut pages = HashSet::new();
    for h in heads {
        // Each page is one read of the host: a few for numbers, more for tensors of bytes, into which anything fits.
        pages.insert(h.at / crate::bytes::PAGE);
        if pages.len() > if h.bytes { HEADS } else { 8 } {
            continue;
        }
        let Ok(inner) = view.slice(h.at, h.len) else { continue };
        let Ok(found) = super::detect(inner, true) else { continue };
        let Some(kind) = found.first().map(|f| f.id) else { continue };
        // A program says so itself when it is read.
        if kind != "recognised" {
            scan.state(view, h.at, h.len.min(16), Fact::Embedded { kind });
        }
        scan.child(&h.name, inner, true);
    }
}

/// A tensor's name becomes a file name in some converters. A slash is ordinary in it, a way out of the folder is not.
fn tensor_leaves(name: &str) -> bool {
    let root = ["/etc/", "/tmp/", "/home/", "/root/", "/usr/", "/var/", "/proc/", "/dev/", "~/"];
    let drive = matches!(name.as_bytes(), [d, b':', b'\\' | b'/', ..] if d.is_ascii_alphabetic());
    name.split(['/', '\\']).any(|p| p.trim() == "..")
        || name.contains('\0')
        || name.contains("://")
        || name.starts_with("\\\\")
        || drive
        || root.iter().any(|r| name.starts_with(r))
}

#[cfg(test)]
mod tests {

    use crate::{Lang, Verdict};

    fn file(header: &str, data: usize) -> Vec<u8> {
        let mut out = (header.len() as u64).to_le_bytes().to_vec();
        out.extend_from_slice(header.as_bytes());
        out.resize(out.len() + data, 1);
        out
    }

    #[allow(clippy::ptr_arg)]
    fn verdict(bytes: &Vec<u8>) -> Verdict {
        crate::scan(bytes, "m.safetensors", Lang::En).verdict
    }

    #[test]
    fn a_plain_file_is_clear() {
        let ok = file(
            r#"{"__metadata__":{"format":"pt"},"a.b.w":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]},"e":{"dtype":"I8","shape":[0],"data_offsets":[16,16]}}  "#,
            16,
        );
        assert_eq!(verdict(&ok), Verdict::Clear);
    }

    #[test]
    fn numbers_that_look_like_an_empty_header_are_no_file_of_tensors() {
        let of = |bytes: &Vec<u8>| super::probe(crate::bytes::View::of_inflated(&crate::bytes::Pages::new(bytes)));
        let weights = [b"&\xb0\xda\xbc\x93\xf1\x82;{})\xbd#\xfaQ\xbc".as_slice(), &[1; 64]].concat();
        assert!(matches!(of(&weights), super::Match::No));
        let lying = [&[0xff; 8], b"{}      ".as_slice()].concat();
        assert!(matches!(of(&lying), super::Match::Sure));
    }

    #[test]
    fn every_lie_in_the_header_is_stated() {
        let cases = [
            (r#"{"w":{"dtype":"F32","shape":[4],"data_offsets":[0,99]}}"#, Verdict::Dangerous),
            (r#"{"w":{"dtype":"F32","shape":[4],"data_offsets":[-16,0]}}"#, Verdict::Dangerous),
            (r#"{"w":{"dtype":"F32","shape":[400],"data_offsets":[0,16]}}"#, Verdict::Dangerous),
            (r#"{"w":{"dtype":"F32","shape":[4],"data_offsets":[0,16]},"w":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}"#, Verdict::Dangerous),
            (r#"{"w":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}}"#, Verdict::Suspicious),
            (r#"{"w":{"dtype":"X9","shape":[4],"data_offsets":[0,16]}}"#, Verdict::Suspicious),
            (r#"{"w":{"dtype":"F32","shape":[4.0],"data_offsets":[0,16]}}"#, Verdict::Suspicious),
            (r#"{"w":{"dtype":"F32","shape":[4],"data_offsets":[0,16]},"__metadata__":{"a":1}}"#, Verdict::Suspicious),
        ];
        for (header, want) in cases {
            assert_eq!(verdict(&file(header, 16)), want, "{header}");
        }
    }
}
