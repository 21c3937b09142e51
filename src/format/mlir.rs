//! MLIR: bytecode (<https://mlir.llvm.org/docs/BytecodeFormat/>), as StableHLO's portable artifacts are written, its text, and what
//! `jax.export` wraps around it (`jax/_src/export/serialization.fbs`).
//!
//! StableHLO only computes, but for one operation: `custom_call` names a function that the process which runs the model has registered.
//! Those names are what is looked for. In bytecode they stand among the operation's properties; older writers keep them in a dictionary
//! of attributes.

use super::flat::{Flat, Table};
use super::graph::Operators;
use super::{Format, Match, plain};
use crate::bytes::View;
use crate::error::{Error, Result};
use crate::fact::Fact;
use crate::scan::Scan;

/// Bytecode.
pub const MLIR: Format =
    Format { id: "mlir", name: "MLIR bytecode", extensions: &["mlirbc", "mlir", "bc", "stablehlo"], refines: &["text"], probe: probe_mlir, read: read_mlir };

/// The text of modules.
pub const MLIR_TEXT: Format =
    Format { id: "mlir-text", name: "MLIR text", extensions: &["mlir", "txt"], refines: &["text"], probe: probe_text, read: read_text };

/// What `jax.export` serializes.
pub const JAX: Format =
    Format { id: "jax-export", name: "JAX export", extensions: &["jax", "jaxexport", "bin"], refines: &["text"], probe: probe_jax, read: read_jax };

/// How bytecode begins.
pub const MAGIC: &[u8] = b"ML\xefR";

/// Bytes of text that are searched, and of one name.
const LONGEST: u64 = 64 << 20;
const NAME: u64 = 512;

/// Attributes, names and properties of one module that are followed.
const MANY: u64 = 1 << 20;

/// Nodes of a tree of containers that are followed.
const NODES: usize = 100_000;

fn probe_mlir(view: View<'_>) -> Match {
    if view.has(0, MAGIC) { Match::Sure } else { Match::No }
}

fn read_mlir(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    let mut operators = Operators::new("xla");
    let done = module(view, &mut operators, scan);
    operators.finish(view, scan);
    super::trailing(view, done?, scan)
}

/// A place in the bytes.
#[derive(Clone, Copy)]
struct Cursor<'s> {
    view: View<'s>,
    at: u64,
    end: u64,
}

impl<'s> Cursor<'s> {
    fn byte(&mut self) -> Result<u8> {
        if self.at >= self.end {
            return Err(Error::malformed(self.at, "mlir-end"));
        }
        let [b] = self.view.array::<1>(self.at)?;
        self.at += 1;
        Ok(b)
    }

    /// As many zero bits as the first byte ends with, so many bytes follow it.
    fn number(&mut self) -> Result<u64> {
        let start = self.at;
        let first = self.byte()?;
        let more = first.trailing_zeros();
        let mut raw = [0u8; 8];
        let skip = if more >= 8 {
            raw = self.view.array::<8>(self.at)?;
            self.at += 8;
            0
        } else {
            if let Some(slot) = raw.first_mut() {
                *slot = first;
            }
            for slot in raw.iter_mut().skip(1).take(more as usize) {
                *slot = self.byte()?;
            }
            more + 1
        };
        if self.at > self.end {
            return Err(Error::malformed(start, "mlir-end"));
        }
        Ok(u64::from_le_bytes(raw) >> skip)
    }

    /// A number whose lowest bit is a flag.
    fn flagged(&mut self) -> Result<(u64, bool)> {
        let n = self.number()?;
        Ok((n >> 1, n & 1 == 1))
    }

    /// A count of things that take a byte each, at least.
    fn count(&mut self) -> Result<u64> {
        let at = self.at;
        let n = self.number()?;
        if n > self.end.saturating_sub(self.at) { Err(Error::malformed(at, "mlir-count")) } else { Ok(n) }
    }

    fn text(&mut self) -> Result<String> {
        let bytes = self.view.take(self.at, self.end.saturating_sub(self.at).min(NAME), NAME as usize)?;
        let len = bytes.iter().position(|b| *b == 0).ok_or(Error::malformed(self.at, "mlir-text"))?;
        self.at += len as u64 + 1;
        Ok(String::from_utf8_lossy(bytes.get(..len).unwrap_or(&[])).into_owned())
    }

    fn slice(&mut self, len: u64) -> Result<Cursor<'s>> {
        let end = self.at.checked_add(len).filter(|end| *end <= self.end).ok_or(Error::malformed(self.at, "mlir-end"))?;
        let part = Cursor { view: self.view, at: self.at, end };
        self.at = end;
        Ok(part)
    }
}

/// The strings of a module: only their places are kept.
struct Strings<'s> {
    view: View<'s>,
    places: Vec<(u64, u64)>,
}

impl<'s> Strings<'s> {
    /// A count, the lengths from the last to the first, and the strings behind each other.
    fn read(mut c: Cursor<'s>) -> Result<Self> {
        let count = c.count()?;
        if count > MANY {
            return Err(Error::limit(c.at, "facts"));
        }
        let mut places = Vec::new();
        let mut end = c.end;
        for _ in 0..count {
            let len = c.number()?;
            let at = end.checked_sub(len).ok_or(Error::malformed(c.at, "mlir-string"))?;
            places.push((at, len.saturating_sub(1)));
            end = at;
        }
        places.reverse();
        Ok(Strings { view: c.view, places })
    }

    fn get(&self, i: u64) -> Option<String> {
        let (at, len) = *self.places.get(usize::try_from(i).ok()?)?;
        Some(super::proto::text(self.view, at, len, NAME))
    }
}

/// One attribute: whether it is written in its dialect's own encoding, and its bytes.
#[derive(Clone, Copy)]
struct Attribute {
    own: bool,
    at: u64,
    len: u64,
}

/// The sections of a module.
#[derive(Default)]
struct Sections<'s> {
    strings: Option<Strings<'s>>,
    dialects: Option<Cursor<'s>>,
    attributes: Option<Cursor<'s>>,
    offsets: Option<Cursor<'s>>,
    properties: Option<Cursor<'s>>,
}

/// Adds what a module calls to the operators; returns where the module ends.
fn module(view: View<'_>, operators: &mut Operators, scan: &mut Scan<'_>) -> Result<u64> {
    let mut c = Cursor { view, at: 4, end: view.len() };
    let version = c.number()?;
    let producer = c.text()?;
    scan.state(view, 0, c.at, Fact::Metadata { key: "producer".into(), value: producer });
    let mut found = Sections::default();
    let mut program = false;
    while c.at < c.end {
        let at = c.at;
        let tag = c.byte()?;
        let (id, aligned) = (tag & 0x7f, tag & 0x80 != 0);
        // Behind the last section there may be something else.
        if id > 8 {
            c.at = at;
            break;
        }
        let len = c.number()?;
        if aligned {
            let step = c.number()?.max(1);
            // The padding brings the bytes to a multiple of the step, counted from where the module begins in memory.
            while view.array::<1>(c.at).is_ok_and(|[b]| b == 0xcb) && !c.at.is_multiple_of(step) {
                c.at += 1;
            }
        }
        let part = c.slice(len)?;
        match id {
            0 => found.strings = Some(Strings::read(part)?),
            1 => found.dialects = Some(part),
            2 => found.attributes = Some(part),
            3 => found.offsets = Some(part),
            4 => program = true,
            8 => found.properties = Some(part),
            _ => {}
        }
    }
    // Since version 5 the properties are a section, and the last one.
    if !program || version >= 5 && found.properties.is_none() {
        return Err(Error::malformed(c.at, "ends-early"));
    }
    let (Some(strings), Some(dialects)) = (&found.strings, found.dialects) else { return Err(Error::malformed(c.at, "ends-early")) };
    let (names, calls) = operations(dialects, strings, version)?;
    for name in &names {
        scan.leaf(name, "operation", None, None);
    }
    if calls {
        let targets = targets(&found, strings)?;
        if targets.is_empty() {
            scan.gap("custom-call");
        }
        for (at, name) in targets {
            operators.add("", &name, at, 8, Vec::new());
        }
    }
    Ok(c.at)
}

/// The names of all operations, and whether one of them is a call into the process.
fn operations(mut c: Cursor<'_>, strings: &Strings<'_>, version: u64) -> Result<(Vec<String>, bool)> {
    let count = c.count()?;
    let mut dialects = Vec::new();
    for _ in 0..count {
        // Since version 1 a dialect may carry a version, in a section of its own.
        let (name, versioned) = if version == 0 { (c.number()?, false) } else { c.flagged()? };
        if versioned {
            c.byte()?;
            let len = c.number()?;
            c.slice(len)?;
        }
        dialects.push(strings.get(name).unwrap_or_default());
    }
    // Since version 4 the number of all names stands in front.
    if version >= 4 {
        c.number()?;
    }
    let (mut names, mut calls) = (Vec::new(), false);
    while c.at < c.end {
        let dialect = c.number()?;
        let many = c.count()?;
        for _ in 0..many {
            // Since version 5 with a flag.
            let name = if version >= 5 { c.flagged()?.0 } else { c.number()? };
            let name = strings.get(name).ok_or(Error::malformed(c.at, "mlir-string"))?;
            calls |= name.starts_with("custom_call") || name.contains(".custom_call");
            if names.len() < 10_000 {
                names.push(format!("{}.{name}", usize::try_from(dialect).ok().and_then(|d| dialects.get(d)).map_or("?", String::as_str)));
            }
        }
    }
    Ok((names, calls))
}

/// The attributes, in their order.
fn attributes(found: &Sections<'_>) -> Result<Vec<Attribute>> {
    let (Some(mut c), Some(data)) = (found.offsets, found.attributes) else { return Ok(Vec::new()) };
    let count = c.count()?;
    c.number()?;
    if count > MANY {
        return Err(Error::limit(c.at, "facts"));
    }
    let (mut out, mut at) = (Vec::new(), data.at);
    while (out.len() as u64) < count {
        // Whose encoding the group has.
        c.number()?;
        let many = c.count()?;
        for _ in 0..many {
            let (len, own) = c.flagged()?;
            if at.saturating_add(len) > data.end {
                return Err(Error::malformed(c.at, "mlir-attribute"));
            }
            out.push(Attribute { own, at, len });
            at += len;
        }
    }
    Ok(out)
}

/// The text of an attribute that is nothing but a string, in whichever dialect's encoding: its kind and the string's number.
fn string(view: View<'_>, a: &Attribute, strings: &Strings<'_>) -> Option<String> {
    let mut c = Cursor { view, at: a.at, end: a.at.saturating_add(a.len) };
    if !a.own {
        // Written as text, with its quotes.
        let text = c.text().ok()?;
        return text.strip_prefix('"')?.strip_suffix('"').map(str::to_string);
    }
    c.number().ok()?;
    let i = c.number().ok()?;
    if c.at == c.end { strings.get(i) } else { None }
}

/// What calls name: the only properties whose third attribute is a text; dictionaries say `call_target_name`.
fn targets(found: &Sections<'_>, strings: &Strings<'_>) -> Result<Vec<(u64, String)>> {
    let all = attributes(found)?;
    let text = |i: u64| usize::try_from(i).ok().and_then(|i| all.get(i)).and_then(|a| Some((a.at, string(found.attributes?.view, a, strings)?)));
    let mut out = Vec::new();
    if let Some(mut c) = found.properties {
        let count = c.count()?;
        for _ in 0..count {
            let len = c.number()?;
            let mut blob = c.slice(len)?;
            let mut items = Vec::new();
            while blob.at < blob.end && items.len() < 16 {
                items.push(blob.number()?);
            }
            // The attributes of an operation stand in the order of their names: `api_version`, `backend_config`, `call_target_name` and
            // five more. What must be there is written as its number; what may be absent with a bit behind it.
            if items.len() >= 6
                && let Some(third) = items.get(2)
            {
                out.extend(text(*third));
            }
        }
    }
    for a in all.iter().filter(|a| a.own) {
        let Some(view) = found.attributes.map(|c| c.view) else { break };
        let mut c = Cursor { view, at: a.at, end: a.at + a.len };
        // A dictionary: its kind, a count, and pairs of attributes.
        let (Ok(_), Ok(count)) = (c.number(), c.number()) else { continue };
        for _ in 0..count.min(a.len) {
            let (Ok(key), Ok(value)) = (c.number(), c.number()) else { break };
            if text(key).is_some_and(|(_, k)| k == "call_target_name") {
                out.extend(text(value));
            }
        }
    }
    Ok(out)
}

/// Field numbers of the table `Exported`.
mod exported {
    pub const VERSION: u64 = 0;
    pub const NAME: u64 = 1;
    pub const IN_TREE: u64 = 2;
    pub const OUT_TREE: u64 = 4;
    pub const PLATFORMS: u64 = 9;
    pub const MODULE: u64 = 13;
    pub const GRADIENT: u64 = 17;
}

fn probe_jax(view: View<'_>) -> Match {
    let root = || -> Result<bool> {
        let flat = Flat::new(view);
        let root = flat.root()?;
        let module = root.vector(exported::MODULE, 1)?;
        Ok(root.has(exported::VERSION)? && view.has(module.at, MAGIC))
    };
    // Most files have no table where their first four bytes point.
    if view.u32(0).is_ok_and(|at| (4..4096).contains(&at)) && root().unwrap_or(false) { Match::Sure } else { Match::No }
}

fn read_jax(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    let flat = Flat::new(view);
    let mut next = Some(flat.root()?);
    let mut order = 0;
    // The gradient of a function is stored as another one, with its own in turn.
    while let Some(table) = next {
        scan.open(&table.text(exported::NAME, NAME)?, "function", None);
        let platforms = table.vector(exported::PLATFORMS, 4)?;
        let mut names = Vec::new();
        for i in 0..platforms.count.min(64) {
            names.push(flat.text(flat.follow(platforms.at + 4 * i)?, 64)?);
        }
        scan.state(
            view,
            table.at,
            4,
            Fact::Metadata { key: if order == 0 { "platforms".into() } else { format!("platforms of gradient {order}") }, value: names.join(", ") },
        );
        let bytes = table.vector(exported::MODULE, 1)?;
        let inner = view.slice(bytes.at, bytes.count)?;
        if inner.has(0, MAGIC) {
            let mut calls = Operators::new("xla");
            let done = module(inner, &mut calls, scan);
            calls.finish(inner, scan);
            done?;
        } else if bytes.count > 0 {
            scan.child("module", inner, false);
        }
        for slot in [exported::IN_TREE, exported::OUT_TREE] {
            if let Some(tree) = table.table(slot)? {
                containers(&flat, tree, scan)?;
            }
        }
        scan.close();
        order += 1;
        next = if order < 16 { table.table(exported::GRADIENT)? } else { None };
    }
    flat.behind(scan);
    Ok(())
}

/// A tree of containers: those of the author's own carry bytes that the author's function turns back into an object.
fn containers<'f>(flat: &'f Flat<'_>, tree: Table<'f, '_>, scan: &mut Scan<'_>) -> Result<()> {
    let mut open = vec![tree];
    let mut met = 0;
    while let Some(node) = open.pop() {
        met += 1;
        if met > NODES {
            scan.gap("limit-facts");
            return Ok(());
        }
        let children = node.vector(1, 4)?;
        for i in 0..children.count {
            open.push(flat.element(children, i)?);
        }
        let name = node.text(3, NAME)?;
        if !name.is_empty() {
            let data = node.vector(4, 1)?;
            scan.child(&name, flat.view.slice(data.at, data.count)?, true);
        }
    }
    Ok(())
}

/// A module in its written form: comments and aliases, then `module`, or a function.
fn probe_text(view: View<'_>) -> Match {
    let Ok(head) = view.head(64 * 1024) else { return Match::No };
    if plain::probe_text(view) == Match::No {
        return Match::No;
    }
    let text = String::from_utf8_lossy(&head);
    let mut lines = text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with("//"));
    let first = lines.find(|l| !(l.starts_with('#') || l.starts_with('!') && l.contains('='))).unwrap_or("");
    let module = first
        .strip_prefix("module")
        .is_some_and(|r| r.starts_with([' ', '{']) && (r.trim_start().starts_with(['@', '{']) || r.trim_start().starts_with("attributes")));
    let named =
        first.starts_with("func.func ") || first.starts_with("\"builtin.module\"") || first.starts_with("builtin.module") || first.starts_with("HloModule ");
    if (module && first.ends_with('{') && (text.contains("func") || text.contains(" = "))) || named { Match::Sure } else { Match::No }
}

fn read_text(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    plain::read_text(view, scan)?;
    if view.len() > LONGEST {
        scan.gap("limit-text");
    }
    let text = view.take(0, view.len().min(LONGEST), LONGEST as usize)?;
    let mut operators = Operators::new("xla");
    let mut at = 0usize;
    while let Some(rest) = text.get(at..) {
        let Some(found) = rest.windows(6).position(|w| w == b"custom" || w == b"call_t") else { break };
        let from = at + found;
        at = from + 6;
        let rest = text.get(from..(from + NAME as usize).min(text.len())).unwrap_or(&[]);
        let rest = String::from_utf8_lossy(rest);
        let name = rest
            .strip_prefix("custom_call")
            .map(|r| r.trim_start())
            .and_then(symbol)
            .or_else(|| rest.strip_prefix("call_target").and_then(|r| symbol(r.trim_start_matches("_name").trim_start_matches([' ', '=']))));
        if let Some(name) = name {
            operators.add("", &name, from as u64, name.len() as u64, Vec::new());
        }
    }
    operators.finish(view, scan);
    Ok(())
}

/// `@name`, `@"name"` or `"name"`.
fn symbol(text: &str) -> Option<String> {
    let plain = text.strip_prefix('@').unwrap_or(text);
    if let Some(quoted) = plain.strip_prefix('"') {
        return quoted.split('"').next().map(str::to_string);
    }
    let end = plain.find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '$' | '.' | '-'))).unwrap_or(plain.len());
    (text.starts_with('@') && end > 0).then(|| plain.get(..end).unwrap_or("").to_string())
}
