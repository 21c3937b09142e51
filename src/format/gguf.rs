//! GGUF versions 1 to 3, in both byte orders (ggml `docs/gguf.md`): typed metadata, tensor infos, aligned data.
//!
//! The format is attacked through counts, lengths and offsets that readers in C believed (CVE-2024-21802, CVE-2024-21825,
//! CVE-2024-21836, CVE-2024-23496, CVE-2024-23605, CVE-2025-53630, CVE-2026-33298), and through the chat template
//! (CVE-2024-34359). Here every count is compared with the bytes that are left before it is used.

use super::safetensors::{Groups, Head, hole, keep_head, look};
use super::{Format, Match, jinja, json};
use crate::bytes::View;
use crate::error::{Error, Result};
use crate::fact::{Fact, Tensor};
use crate::scan::Scan;
use std::collections::HashSet;

/// Models of llama.cpp and its relatives.
pub const GGUF: Format = Format { id: "gguf", name: "GGUF", extensions: &["gguf"], refines: &[], probe, read };

/// Bytes of a template that are kept.
const TEMPLATE: u64 = 4 << 20;

/// Bytes of any other text that are kept.
const TEXT: u64 = 64 * 1024;

/// Longest key (the specification: 2^16 - 1).
const KEY: u64 = 65_535;

/// Arrays inside of arrays that are followed.
const NESTING: usize = 16;

/// Keys that are compared with one another; models have some hundred.
const KEYS: usize = 1 << 20;

/// Tensors whose ranges are compared.
const RANGES: usize = 4 << 20;

fn probe(view: View<'_>) -> Match {
    if !view.has(0, b"GGUF") {
        return Match::No;
    }
    match view.array::<4>(4) {
        // A text about the format.
        Ok(v) if v.iter().all(|b| (9..127).contains(b)) => Match::No,
        Ok(_) => Match::Sure,
        Err(_) => Match::Weak,
    }
}

/// A block type: name, elements in a block, bytes of a block.
fn block(kind: u32) -> Option<(&'static str, u64, u64)> {
    Some(match kind {
        0 => ("F32", 1, 4),
        1 => ("F16", 1, 2),
        2 => ("Q4_0", 32, 18),
        3 => ("Q4_1", 32, 20),
        6 => ("Q5_0", 32, 22),
        7 => ("Q5_1", 32, 24),
        8 => ("Q8_0", 32, 34),
        9 => ("Q8_1", 32, 40),
        10 => ("Q2_K", 256, 84),
        11 => ("Q3_K", 256, 110),
        12 => ("Q4_K", 256, 144),
        13 => ("Q5_K", 256, 176),
        14 => ("Q6_K", 256, 210),
        15 => ("Q8_K", 256, 292),
        16 => ("IQ2_XXS", 256, 66),
        17 => ("IQ2_XS", 256, 74),
        18 => ("IQ3_XXS", 256, 98),
        19 => ("IQ1_S", 256, 50),
        20 => ("IQ4_NL", 32, 18),
        21 => ("IQ3_S", 256, 110),
        22 => ("IQ2_S", 256, 82),
        23 => ("IQ4_XS", 256, 136),
        24 => ("I8", 1, 1),
        25 => ("I16", 1, 2),
        26 => ("I32", 1, 4),
        27 => ("I64", 1, 8),
        28 => ("F64", 1, 8),
        29 => ("IQ1_M", 256, 56),
        30 => ("BF16", 1, 2),
        // Repacked for ARM in files of 2024, withdrawn since.
        31 => ("Q4_0_4_4", 32, 18),
        32 => ("Q4_0_4_8", 32, 18),
        33 => ("Q4_0_8_8", 32, 18),
        34 => ("TQ1_0", 256, 54),
        35 => ("TQ2_0", 256, 66),
        36 => ("IQ4_NL_4_4", 32, 18),
        37 => ("IQ4_NL_4_8", 32, 18),
        38 => ("IQ4_NL_8_8", 32, 18),
        39 => ("MXFP4", 32, 17),
        40 => ("NVFP4", 64, 36),
        41 => ("Q1_0", 128, 18),
        _ => return None,
    })
}

/// Bytes of a scalar value type.
fn scalar(kind: u32) -> Option<u64> {
    match kind {
        0 | 1 | 7 => Some(1),
        2 | 3 => Some(2),
        4..=6 => Some(4),
        10..=12 => Some(8),
        _ => None,
    }
}

struct File<'s> {
    view: View<'s>,
    at: u64,
    big: bool,
    /// Version 1 has lengths of four bytes.
    short: bool,
    align: u64,
    tokens: Option<u64>,
    scores: Option<(u64, u64)>,
    types: Option<(u64, u64)>,
    /// Number of this part of a split model, counted from 0, and where it stands.
    part: Option<(u64, u64)>,
    /// How many parts there are.
    parts: Option<u64>,
    blobs: u32,
}

fn fault(view: View<'_>, at: u64, len: u64, what: &'static str, detail: impl Into<String>, memory: bool, scan: &mut Scan<'_>) {
    let detail: String = detail.into();
    scan.state(view, at, len, Fact::Header { what, detail: detail.chars().take(300).collect(), memory });
}

impl File<'_> {
    fn u32(&mut self) -> Result<u32> {
        let b = self.view.array(self.at)?;
        self.at += 4;
        Ok(if self.big { u32::from_be_bytes(b) } else { u32::from_le_bytes(b) })
    }

    fn u64(&mut self) -> Result<u64> {
        let b = self.view.array(self.at)?;
        self.at += 8;
        Ok(if self.big { u64::from_be_bytes(b) } else { u64::from_le_bytes(b) })
    }

    fn length(&mut self) -> Result<u64> {
        if self.short { self.u32().map(u64::from) } else { self.u64() }
    }

    fn left(&self) -> u64 {
        self.view.len().saturating_sub(self.at)
    }

    /// A string's length, if its bytes are there; `self.at` is then at the first of them.
    fn string(&mut self, what: &'static str, scan: &mut Scan<'_>) -> Result<u64> {
        let at = self.at;
        let n = self.length()?;
        if n > self.left() {
            fault(self.view, at, self.at - at, what, format!("{n} of {}", self.left()), true, scan);
            return Err(Error::malformed(at, "gguf-string"));
        }
        Ok(n)
    }

    /// The first `cap` bytes of the string that is next, and a step behind it.
    fn text(&mut self, n: u64, cap: u64) -> Result<Vec<u8>> {
        let bytes = self.view.take(self.at, n.min(cap), usize::try_from(cap).unwrap_or(usize::MAX))?;
        self.at += n;
        Ok(bytes)
    }

    fn number(&mut self, kind: u32) -> Result<(String, Option<u64>)> {
        let size = scalar(kind).unwrap_or(1);
        let (at, big) = (self.at, self.big);
        let mut raw = [0u8; 8];
        let part = raw.get_mut(..usize::try_from(size).unwrap_or(8)).unwrap_or(&mut []);
        if self.view.read(at, part)? < part.len() {
            return Err(Error::malformed(at, "past-end"));
        }
        if big {
            part.reverse();
        }
        self.at += size;
        let n = u64::from_le_bytes(raw);
        let [a, b, c, d, ..] = raw;
        Ok(match kind {
            1 => (i8::from_le_bytes([a]).to_string(), u64::try_from(i8::from_le_bytes([a])).ok()),
            3 => (i16::from_le_bytes([a, b]).to_string(), u64::try_from(i16::from_le_bytes([a, b])).ok()),
            5 => (i32::from_le_bytes([a, b, c, d]).to_string(), u64::try_from(i32::from_le_bytes([a, b, c, d])).ok()),
            6 => (f32::from_le_bytes([a, b, c, d]).to_string(), None),
            7 => (if n == 0 { "false" } else { "true" }.to_string(), None),
            11 => (i64::from_le_bytes(raw).to_string(), u64::try_from(i64::from_le_bytes(raw)).ok()),
            12 => (f64::from_le_bytes(raw).to_string(), None),
            _ => (n.to_string(), Some(n)),
        })
    }

    fn pair(&mut self, seen: &mut HashSet<u64>, scan: &mut Scan<'_>) -> Result<()> {
        let view = self.view;
        let from = self.at;
        let n = self.string("key-length", scan)?;
        let key_at = self.at;
        let raw = self.text(n, KEY)?;
        if n > KEY || n == 0 {
            fault(view, from, self.at - from, "key-size", n.to_string(), false, scan);
        }
        if std::str::from_utf8(&raw).is_err() || raw.iter().any(u8::is_ascii_control) {
            fault(view, key_at, n, "key-characters", String::from_utf8_lossy(&raw), false, scan);
        }
        let key = String::from_utf8_lossy(&raw).into_owned();
        if seen.len() >= KEYS {
            scan.gap("limit-facts");
        } else if !seen.insert(json::hash(&raw)) {
            fault(view, key_at, n, "duplicate-key", key.as_str(), false, scan);
        }
        let kind_at = self.at;
        let kind = self.u32()?;
        let value_at = self.at;
        match kind {
            8 => {
                let n = self.string("string-length", scan)?;
                let at = self.at;
                let template = key.to_ascii_lowercase().contains("template");
                let cap = if template { TEMPLATE } else { TEXT };
                let bytes = self.text(n, cap)?;
                let text = String::from_utf8_lossy(&bytes);
                if template && n > cap {
                    scan.gap("limit-template");
                }
                if key.starts_with("tokenizer.chat_template") || jinja::worth_a_look(&key, &text) {
                    jinja::inspect(&text, view, at, scan);
                }
                if key == "general.alignment" {
                    fault(view, kind_at, 4, "alignment-type", "string", true, scan);
                }
                if !template {
                    super::setting::metadata(view, at, n, &text, scan);
                    scan.state(view, at, n, Fact::Metadata { key, value: text.into_owned() });
                }
            }
            9 => self.array(&key, scan)?,
            k if scalar(k).is_some() => {
                let (text, number) = self.number(k)?;
                if k == 7 && !matches!(view.array::<1>(value_at), Ok([0 | 1])) {
                    fault(view, value_at, 1, "bool", key.as_str(), false, scan);
                }
                if key == "general.alignment" {
                    self.alignment(k, number, value_at, scan);
                }
                match key.as_str() {
                    "split.no" => self.part = number.map(|n| (n, value_at)),
                    "split.count" => self.parts = number,
                    _ => {}
                }
                if key == "split.count" && number.is_some_and(|n| n > 1) {
                    scan.note(format!("one of {text} parts"));
                }
                scan.state(view, value_at, self.at - value_at, Fact::Metadata { key, value: text });
            }
            k => {
                fault(view, kind_at, 4, "value-type", format!("{key}: {k}"), false, scan);
                return Err(Error::malformed(kind_at, "gguf-value-type"));
            }
        }
        Ok(())
    }

    fn alignment(&mut self, kind: u32, number: Option<u64>, at: u64, scan: &mut Scan<'_>) {
        let n = number.unwrap_or(0);
        if kind != 4 {
            fault(self.view, at, self.at - at, "alignment-type", kind.to_string(), true, scan);
        }
        if !n.is_power_of_two() || n > 1 << 16 {
            // GGML_PAD computes with it in 32 bits.
            fault(self.view, at, self.at - at, "alignment", n.to_string(), n > 1 << 24, scan);
        } else if kind == 4 {
            self.align = n;
        }
    }

    fn array(&mut self, key: &str, scan: &mut Scan<'_>) -> Result<()> {
        let view = self.view;
        // Elements left in the arrays that hold the current one.
        let mut open: Vec<u64> = vec![1];
        let mut told = false;
        while let Some(left) = open.last_mut() {
            let Some(rest) = left.checked_sub(1) else {
                open.pop();
                continue;
            };
            *left = rest;
            let from = self.at;
            let kind = self.u32()?;
            let n = self.length()?;
            let least = if kind == 9 { 12 } else { scalar(kind).unwrap_or(if self.short { 4 } else { 8 }) };
            let known = scalar(kind).is_some() || matches!(kind, 8 | 9);
            if !known {
                fault(view, from, 4, "array-type", format!("{key}: {kind}"), false, scan);
                return Err(Error::malformed(from, "gguf-value-type"));
            }
            if n.checked_mul(least).is_none_or(|b| b > self.left()) {
                fault(view, from, self.at - from, "array-length", format!("{key}: {n} × {least} of {}", self.left()), true, scan);
                return Err(Error::malformed(from, "gguf-array"));
            }
            match kind {
                9 => {
                    if !told {
                        told = true;
                        fault(view, from, self.at - from, "nested-array", key, false, scan);
                    }
                    open.push(n);
                    if open.len() > NESTING {
                        // Readers that follow it with their own stack run out of it.
                        fault(view, from, self.at - from, "array-depth", key, true, scan);
                        return Err(Error::limit(from, "gguf-depth"));
                    }
                }
                8 => self.strings(key, n, scan)?,
                _ => {
                    let at = self.at;
                    self.at += n * least;
                    if least == 1 && n >= 16 {
                        self.blob(key, at, n, scan);
                    }
                }
            }
            if open.len() == 1 {
                match key {
                    "tokenizer.ggml.tokens" => self.tokens = Some(n),
                    "tokenizer.ggml.scores" => self.scores = Some((n, from)),
                    "tokenizer.ggml.token_type" => self.types = Some((n, from)),
                    _ => {}
                }
            }
        }
        Ok(())
    }

    fn strings(&mut self, key: &str, n: u64, scan: &mut Scan<'_>) -> Result<()> {
        // A vocabulary is counted, not read: any other list of texts may hold templates.
        let vocabulary = matches!(key, "tokenizer.ggml.tokens" | "tokenizer.ggml.merges");
        for i in 0..n {
            let len = self.string("string-length", scan)?;
            if vocabulary || len < 4 {
                self.at += len;
                continue;
            }
            let at = self.at;
            let bytes = self.text(len, TEMPLATE)?;
            let text = String::from_utf8_lossy(&bytes);
            if len > TEMPLATE {
                scan.gap("limit-template");
            }
            if key.contains("template") || jinja::worth_a_look(key, &text) {
                jinja::inspect(&text, self.view, at, scan);
            }
            if key.starts_with("general.") && i < 64 {
                scan.state(self.view, at, len, Fact::Metadata { key: key.to_string(), value: text.chars().take(4096).collect() });
            }
        }
        Ok(())
    }

    fn blob(&mut self, key: &str, at: u64, len: u64, scan: &mut Scan<'_>) {
        if self.blobs < 64
            && let Ok(inner) = self.view.slice(at, len)
        {
            self.blobs += 1;
            let head = Head { name: key.to_string(), at, len: inner.len(), bytes: true };
            look(self.view, &[head], scan);
        }
    }

    fn vocabulary(&self, scan: &mut Scan<'_>) {
        if let Some(((part, at), parts)) = self.part.zip(self.parts)
            && part >= parts.max(1)
        {
            fault(self.view, at, 2, "split", format!("part {part} of {parts}"), false, scan);
        }
        let tokens = self.tokens.unwrap_or(0);
        for (name, list) in [("scores", self.scores), ("token_type", self.types)] {
            if let Some((n, at)) = list
                && n != tokens
            {
                // CVE-2025-49847, CVE-2025-52566: lists indexed with the other's length.
                fault(self.view, at, if self.short { 8 } else { 12 }, "vocabulary", format!("{name}: {n}, tokens: {tokens}"), false, scan);
            }
        }
    }
}

/// One tensor's place in the data, for the comparison of all.
type Range = (u64, u64);

struct Data {
    ranges: Vec<Range>,
    names: HashSet<u64>,
    heads: Vec<(String, u64, u64, bool)>,
    groups: Groups,
    unknown: bool,
    /// Ends that are compared with the file once it is known where the data starts.
    ends: Vec<(u64, u64, u64, u64)>,
}

fn read(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    let raw = view.array::<4>(4)?;
    let (little, big) = (u32::from_le_bytes(raw), u32::from_be_bytes(raw));
    let swapped = little > 0xffff && big <= 0xffff;
    let version = if swapped { big } else { little };
    if !(1..=3).contains(&version) {
        fault(view, 4, 4, "version", version.to_string(), false, scan);
    }
    let mut f = File { view, at: 8, big: swapped, short: version == 1, align: 32, tokens: None, scores: None, types: None, part: None, parts: None, blobs: 0 };
    let tensors_at = f.at;
    let tensors = f.length()?;
    let pairs_at = f.at;
    let pairs = f.length()?;
    let (least_pair, least_tensor) = if f.short { (9, 20) } else { (13, 24) };
    for (n, least, at, what) in [(tensors, least_tensor, tensors_at, "tensor-count"), (pairs, least_pair, pairs_at, "pair-count")] {
        if n.checked_mul(least).is_none_or(|b| b > f.left()) {
            // A file that ends inside of its header was cut off; a count that no file could hold was made up.
            let memory = n > 1 << 24;
            fault(view, at, if f.short { 4 } else { 8 }, what, format!("{n}, {} bytes left", f.left()), memory, scan);
        }
    }
    let mut seen = HashSet::new();
    for _ in 0..pairs {
        f.pair(&mut seen, scan)?;
    }
    drop(seen);
    f.vocabulary(scan);
    let mut data = Data { ranges: Vec::new(), names: HashSet::new(), heads: Vec::new(), groups: Groups::new(), unknown: false, ends: Vec::new() };
    let mut done = Ok(());
    for _ in 0..tensors {
        done = data.tensor(&mut f, scan);
        if done.is_err() {
            break;
        }
    }
    data.groups.end(scan);
    done?;
    data.cover(&f, scan);
    Ok(())
}

impl Data {
    fn tensor(&mut self, f: &mut File<'_>, scan: &mut Scan<'_>) -> Result<()> {
        let view = f.view;
        let from = f.at;
        let n = f.string("name-length", scan)?;
        let name_at = f.at;
        let raw = f.text(n, 4096)?;
        let name = String::from_utf8_lossy(&raw).into_owned();
        if n > 64 {
            fault(view, name_at, n, "name-too-long", n.to_string(), false, scan);
        }
        if n == 0 || std::str::from_utf8(&raw).is_err() || raw.iter().any(u8::is_ascii_control) {
            fault(view, from, f.at - from, "name-characters", name.as_str(), false, scan);
        }
        if json::leaves_folder(&name) {
            scan.state(view, name_at, n, Fact::Traversal { target: name.clone() });
        }
        if self.names.len() >= RANGES {
            self.unknown = true;
            scan.gap("limit-tensors");
        } else if !self.names.insert(json::hash(&raw)) {
            fault(view, name_at, n, "duplicate-tensor", name.as_str(), false, scan);
        }
        let rank_at = f.at;
        let rank = f.u32()?;
        if rank > 4 {
            // llama.cpp keeps four.
            fault(view, rank_at, 4, "rank", rank.to_string(), true, scan);
        }
        if u64::from(rank).saturating_mul(if f.short { 4 } else { 8 }) > f.left() {
            return Err(Error::malformed(rank_at, "gguf-rank"));
        }
        let dims_at = f.at;
        let mut shape = Vec::new();
        let mut elements = Some(1u64);
        let mut first = 1u64;
        for i in 0..rank {
            let d = f.length()?;
            if i == 0 {
                first = d;
            }
            elements = elements.and_then(|e| e.checked_mul(d)).filter(|e| i64::try_from(*e).is_ok());
            if shape.len() < 16 {
                shape.push(d);
            }
        }
        let dims_len = f.at - dims_at;
        if shape.contains(&0) {
            fault(view, dims_at, dims_len, "zero-dimension", format!("{name}: {shape:?}"), false, scan);
        }
        if shape.iter().any(|d| i64::try_from(*d).is_err()) {
            fault(view, dims_at, dims_len, "negative-dimension", format!("{name}: {shape:?}"), true, scan);
        }
        let kind_at = f.at;
        let kind = f.u32()?;
        let offset_at = f.at;
        let offset = f.u64()?;
        let known = block(kind);
        let bytes = match known {
            None => {
                fault(view, kind_at, 4, "tensor-type", format!("{name}: {kind}"), false, scan);
                self.unknown = true;
                None
            }
            Some((label, elements_in, bytes_in)) => {
                if !first.is_multiple_of(elements_in) {
                    fault(view, dims_at, dims_len, "block-size", format!("{name}: {first} of {label}"), false, scan);
                }
                let bytes = elements.and_then(|e| e.div_ceil(elements_in).checked_mul(bytes_in)).filter(|b| i64::try_from(*b).is_ok());
                if bytes.is_none() {
                    fault(view, dims_at, dims_len, "shape-overflow", format!("{name}: {shape:?}"), true, scan);
                }
                bytes
            }
        };
        if offset % f.align != 0 {
            fault(view, offset_at, 8, "offset-alignment", format!("{name}: {offset}"), false, scan);
        }
        let size = bytes.unwrap_or(0);
        match offset.checked_add(size) {
            Some(end) if bytes.is_some() || known.is_none() => {
                if self.ends.len() < RANGES {
                    self.ends.push((offset, end, offset_at, size));
                }
            }
            Some(_) => self.unknown = true,
            None => {
                self.unknown = true;
                fault(view, offset_at, 8, "offset-wraps", format!("{name}: {offset} + {size}"), true, scan);
            }
        }
        if size >= 4 && self.heads.len() < 4096 {
            let one_byte = kind == 24;
            self.heads.push((name.clone(), offset, size, one_byte));
        }
        // ggml counts dimensions from the innermost.
        shape.reverse();
        let tensor = Tensor { name, dtype: known.map_or_else(|| format!("type {kind}"), |k| k.0.to_string()), shape, bytes: size };
        self.groups.show(&tensor, scan);
        scan.state(view, from, f.at - from, Fact::Tensor(tensor));
        Ok(())
    }

    /// Places all tensors in the file: inside, apart from each other, and nothing beside them.
    fn cover(&mut self, f: &File<'_>, scan: &mut Scan<'_>) {
        let view = f.view;
        let pad = |n: u64| n.checked_next_multiple_of(f.align).unwrap_or(u64::MAX);
        let start = pad(f.at).min(view.len());
        let room = view.len().saturating_sub(start);
        for (offset, end, at, size) in std::mem::take(&mut self.ends) {
            if end > room {
                self.unknown = true;
                fault(view, at, 8, "offset-outside", format!("{offset} + {size} of {room}"), true, scan);
            } else {
                self.ranges.push((offset, end));
            }
        }
        self.ranges.sort_unstable();
        let mut next = 0u64;
        let mut children = 0;
        // Between the header and the first tensor there are zeros. A large alignment leaves room for more.
        if let Ok(filling) = view.slice(f.at, start.saturating_sub(f.at))
            && super::sure(filling)
        {
            hole(view, f.at, filling.len(), "hole", &mut children, scan);
        }
        for (begin, end) in &self.ranges {
            let padded = pad(next);
            if *begin > padded && !self.unknown {
                hole(view, start + next, begin - next, "hole", &mut children, scan);
            } else if *begin < next && end > begin {
                fault(view, start + begin, (next - begin).min(end - begin), "overlap", format!("{begin}..{end} < {next}"), true, scan);
            }
            next = next.max(*end);
        }
        if room > pad(next) && !(self.unknown && self.ranges.is_empty()) {
            hole(view, start + next, room - next, "trailing", &mut children, scan);
        }
        let mut heads = Vec::new();
        for (name, offset, size, one_byte) in &self.heads {
            if offset.checked_add(*size).is_some_and(|end| end <= room) {
                keep_head(&mut heads, name, start + offset, *size, *one_byte);
            }
        }
        look(view, &heads, scan);
    }
}

#[cfg(test)]
#[allow(clippy::ptr_arg)]
mod tests {
    use crate::{Lang, Verdict};

    fn text(s: &str) -> Vec<u8> {
        let mut out = (s.len() as u64).to_le_bytes().to_vec();
        out.extend_from_slice(s.as_bytes());
        out
    }

    fn file(template: &str, dim: u64, offset: u64) -> Vec<u8> {
        let mut out = b"GGUF\x03\0\0\0".to_vec();
        out.extend_from_slice(&1u64.to_le_bytes());
        out.extend_from_slice(&1u64.to_le_bytes());
        out.extend(text("tokenizer.chat_template"));
        out.extend_from_slice(&8u32.to_le_bytes());
        out.extend(text(template));
        out.extend(text("w"));
        out.extend_from_slice(&1u32.to_le_bytes());
        out.extend_from_slice(&dim.to_le_bytes());
        out.extend_from_slice(&0u32.to_le_bytes());
        out.extend_from_slice(&offset.to_le_bytes());
        out.resize(out.len().next_multiple_of(32) + 32, 1);
        out
    }

    #[allow(clippy::ptr_arg)]
    fn verdict(bytes: &Vec<u8>) -> Verdict {
        crate::scan(bytes, "m.gguf", Lang::En).verdict
    }

    #[test]
    fn both_sides() {
        assert_eq!(verdict(&file("{{ messages[0].content }}", 8, 0)), Verdict::Clear);
        assert_eq!(verdict(&file("{{ cycler.__init__ }}", 8, 0)), Verdict::Dangerous);
        assert_eq!(verdict(&file("x", 1 << 63, 0)), Verdict::Dangerous);
        assert_eq!(verdict(&file("x", 8, u64::MAX - 31)), Verdict::Dangerous);
        assert_eq!(verdict(&file("x", 8, 64)), Verdict::Dangerous);
        assert_eq!(verdict(&file("x", 0, 0)), Verdict::Suspicious);
        let whole = file("x", 8, 0);
        for n in 8..whole.len() {
            // A file cut anywhere is never clear, and never a panic.
            assert_ne!(verdict(&whole.get(..n).unwrap_or(&[]).to_vec()), Verdict::Clear, "{n}");
        }
    }
}
