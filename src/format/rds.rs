//! R's serialization (R Internals, "Serialization Formats"; `src/main/serialize.c`): `.rds`, `.rda`, `.RData`, in its three spellings
//! (XDR, native binary, text), versions 2 and 3.
//!
//! Data, mostly; but an item may be a promise, which R evaluates when the value is touched (CVE-2024-27322), a closure, bytecode, an
//! environment or an external pointer. A model fitted by R carries formulas, calls and environments as a matter of course: what
//! is stated is which functions stored code calls, and when that code would run.

use super::{Format, Match};
use crate::bytes::View;
use crate::error::{Error, Result};
use crate::fact::{Fact, Moment};
use crate::scan::Scan;
use std::collections::HashSet;

/// Objects saved by R.
pub const RDS: Format = Format { id: "rds", name: "R data", extensions: &["rds", "rda", "rdata", "robj"], refines: &["text"], probe, read };

/// Items waiting to be read: what a file may nest.
const PENDING: usize = 1 << 20;

/// Symbols and environments that later items refer to.
const REFERENCES: usize = 4 << 20;

/// Different calls that are stated.
const CALLS: usize = 20_000;

/// Bytes of a symbol or text that are kept.
const NAME: u64 = 512;

/// How numbers are written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Spelling {
    /// Big-endian.
    Xdr,
    /// The writing machine's own order.
    Native { big: bool },
    /// Words, one a line.
    Text,
}

/// Where an item stands.
#[derive(Clone, Copy)]
struct Place {
    /// Whether, and when, code here would run; `None` outside of code.
    moment: Option<Moment>,
    /// The head of a call.
    head: bool,
    /// An argument of `::`, or of a function that looks functions up by name: texts and symbols name what is called.
    named: bool,
    /// The value of a name bound in an environment.
    binding: bool,
    /// A cell of an environment's frame: its values are bindings.
    frame: bool,
}

impl Place {
    const DATA: Place = Place { moment: None, head: false, named: false, binding: false, frame: false };

    /// The same code, deeper inside.
    fn inner(self) -> Place {
        Place { head: false, named: false, binding: false, frame: false, ..self }
    }
}

/// What is to be read next.
#[derive(Clone, Copy)]
enum Todo {
    Item(Place),
    /// So many items.
    Items(u64, Place),
    /// The value of the promise that began at this offset, and whether a name is bound to it.
    Value(u64, bool),
    /// Bytecode: first its words, then its constants.
    Code(Place),
    Constants(u64, Place),
    /// A language item in bytecode, which begins with a type of its own.
    Lang(Place),
    /// Class, state and attributes of an ALTREP object.
    AltClass,
}

fn magic(view: View<'_>) -> Option<(u64, bool)> {
    let head = view.head(8).ok()?;
    match head.as_slice() {
        [b'R', b'D', kind @ (b'X' | b'A' | b'B'), b'1'..=b'9', b'\n', again, ..] if again == kind => Some((5, true)),
        [b'R', b'D', b'X' | b'A' | b'B', b'1', b'\n', ..] => Some((5, true)),
        [b'X', b'\n', 0, 0, 0, 1..=9, ..] | [b'B', b'\n', 0, 0, 0, 1..=9, ..] | [b'B', b'\n', 1..=9, 0, 0, 0, ..] | [b'A', b'\n', b'1'..=b'9', b'\n', ..] => {
            Some((0, false))
        }
        _ => None,
    }
}

fn probe(view: View<'_>) -> Match {
    if magic(view).is_some() { Match::Sure } else { Match::No }
}

struct Reader<'s> {
    view: View<'s>,
    at: u64,
    spelling: Spelling,
    todo: Vec<Todo>,
    /// Names behind references; empty for what is no symbol.
    references: Vec<Box<str>>,
    seen: HashSet<(String, Moment)>,
    /// A call whose first text argument has not come yet.
    waiting: Option<(u64, String, Moment)>,
    spaces: u32,
    /// The next symbol names the class of an ALTREP object.
    class: bool,
    raws: u32,
    /// A promise whose expression comes next: where it began, and whether it is bound.
    promise: Option<(u64, bool)>,
}

fn read(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    let (at, saved) = magic(view).ok_or(Error::malformed(0, "rds-header"))?;
    let kind = view.array::<2>(at)?;
    let spelling = match kind {
        [b'X', b'\n'] => Spelling::Xdr,
        [b'A', b'\n'] => Spelling::Text,
        // A version fits one byte: the side it stands on says the order.
        [b'B', b'\n'] => Spelling::Native { big: view.array::<1>(at + 2)? == [0] },
        _ => {
            // The format of R before 1.4.
            scan.gap("format-not-read");
            return Ok(());
        }
    };
    let mut r = Reader {
        view,
        at: at + 2,
        spelling,
        todo: Vec::new(),
        references: Vec::new(),
        seen: HashSet::new(),
        waiting: None,
        spaces: 0,
        class: false,
        raws: 0,
        promise: None,
    };
    let version = r.int()?;
    let writer = r.int()?;
    r.int()?;
    let [_, major, minor, patch] = writer.to_be_bytes();
    scan.note(format!("{} by R {major}.{minor}.{patch}", if saved { "saved objects" } else { "one object" }));
    if version == 3 {
        let n = r.int()?;
        r.skip_text(i64::from(n))?;
    } else if version != 2 {
        return Err(Error::malformed(at + 2, "rds-version"));
    }
    // Saved objects are one list of names and values: R binds each, which touches it.
    r.todo.push(Todo::Item(Place::DATA));
    while let Some(todo) = r.todo.pop() {
        if r.todo.len() > PENDING {
            return Err(Error::limit(r.at, "rds-depth"));
        }
        r.step(todo, scan)?;
    }
    r.tell(None, scan);
    let mut end = r.at;
    if spelling == Spelling::Text {
        while view.array::<1>(end).is_ok_and(|[b]| b.is_ascii_whitespace()) {
            end += 1;
        }
    }
    super::stray(view, end, scan);
    Ok(())
}

impl Reader<'_> {
    fn int(&mut self) -> Result<i32> {
        match self.spelling {
            Spelling::Text => {
                let at = self.at;
                let word = self.word()?;
                if word == "NA" {
                    return Ok(i32::MIN);
                }
                word.parse().map_err(|_| Error::malformed(at, "rds-number"))
            }
            Spelling::Xdr | Spelling::Native { big: true } => {
                let n = i32::from_be_bytes(self.view.array(self.at)?);
                self.at += 4;
                Ok(n)
            }
            Spelling::Native { big: false } => {
                let n = i32::from_le_bytes(self.view.array(self.at)?);
                self.at += 4;
                Ok(n)
            }
        }
    }

    /// A word of the text spelling.
    fn word(&mut self) -> Result<String> {
        while self.view.array::<1>(self.at)?.iter().all(u8::is_ascii_whitespace) {
            self.at += 1;
        }
        let mut word = Vec::new();
        while let Ok([b]) = self.view.array::<1>(self.at) {
            if b.is_ascii_whitespace() {
                break;
            }
            if word.len() > 4096 {
                return Err(Error::malformed(self.at, "rds-number"));
            }
            word.push(b);
            self.at += 1;
        }
        Ok(String::from_utf8_lossy(&word).into_owned())
    }

    /// Skips `n` numbers of `width` bytes.
    fn skip(&mut self, n: u64, width: u64) -> Result<()> {
        if self.spelling == Spelling::Text {
            let words = if width == 16 { n.saturating_mul(2) } else { n };
            if words > self.left() {
                return Err(Error::malformed(self.at, "past-end"));
            }
            for _ in 0..words {
                self.word()?;
            }
            return Ok(());
        }
        match n.checked_mul(width) {
            Some(bytes) if bytes <= self.left() => {
                self.at += bytes;
                Ok(())
            }
            _ => Err(Error::malformed(self.at, "past-end")),
        }
    }

    fn left(&self) -> u64 {
        self.view.len().saturating_sub(self.at)
    }

    /// Length of a vector; -1 announces two halves of a longer one.
    fn length(&mut self) -> Result<u64> {
        let at = self.at;
        match self.int()? {
            -1 => {
                let (high, low) = (self.int()?, self.int()?);
                Ok(u64::from(high as u32) << 32 | u64::from(low as u32))
            }
            n => u64::try_from(n).map_err(|_| Error::malformed(at, "rds-length")),
        }
    }

    fn skip_text(&mut self, n: i64) -> Result<()> {
        self.text(n).map(|_| ())
    }

    /// The text of `n` bytes that is next, shortened; -1 is R's missing text.
    fn text(&mut self, n: i64) -> Result<String> {
        let Ok(n) = u64::try_from(n) else {
            return if n == -1 { Ok(String::new()) } else { Err(Error::malformed(self.at, "rds-length")) };
        };
        if self.spelling == Spelling::Text {
            return self.escaped(n);
        }
        if n > self.left() {
            return Err(Error::malformed(self.at, "past-end"));
        }
        let bytes = self.view.take(self.at, n.min(NAME), NAME as usize)?;
        self.at += n;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// `n` characters with C escapes, after one line break.
    fn escaped(&mut self, n: u64) -> Result<String> {
        while self.view.array::<1>(self.at)?.iter().all(u8::is_ascii_whitespace) {
            self.at += 1;
            if n == 0 {
                return Ok(String::new());
            }
        }
        let mut out = Vec::new();
        for _ in 0..n {
            let [mut b] = self.view.array::<1>(self.at)?;
            self.at += 1;
            if b == b'\\' {
                let [e] = self.view.array::<1>(self.at)?;
                self.at += 1;
                b = match e {
                    b'n' => b'\n',
                    b't' => b'\t',
                    b'r' => b'\r',
                    b'0'..=b'7' => {
                        let mut value = u32::from(e - b'0');
                        for _ in 0..2 {
                            match self.view.array::<1>(self.at) {
                                Ok([d @ b'0'..=b'7']) => {
                                    value = value * 8 + u32::from(d - b'0');
                                    self.at += 1;
                                }
                                _ => break,
                            }
                        }
                        u8::try_from(value).unwrap_or(b'?')
                    }
                    other => other,
                };
            }
            if (out.len() as u64) < NAME {
                out.push(b);
            }
        }
        Ok(String::from_utf8_lossy(&out).into_owned())
    }

    fn step(&mut self, todo: Todo, scan: &mut Scan<'_>) -> Result<()> {
        match todo {
            Todo::Item(place) => self.item(place, scan),
            Todo::Items(0, _) | Todo::Constants(0, _) => Ok(()),
            Todo::Items(n, place) => {
                self.todo.push(Todo::Items(n - 1, place));
                self.item(place, scan)
            }
            Todo::Value(at, bound) => self.value(at, bound, scan),
            Todo::Code(place) => {
                let n = self.int()?;
                // The words of the code are an ordinary vector of integers; they stand in front of the count of constants.
                self.todo.push(Todo::Constants(u64::try_from(n).unwrap_or(0), place));
                Ok(())
            }
            Todo::Constants(n, place) => {
                self.todo.push(Todo::Constants(n - 1, place));
                match self.int()? {
                    21 => {
                        self.todo.push(Todo::Code(place));
                        self.todo.push(Todo::Item(Place::DATA));
                    }
                    kind @ (6 | 2 | 239 | 240 | 243 | 244) => self.lang(kind, place)?,
                    _ => self.todo.push(Todo::Item(place.inner())),
                }
                Ok(())
            }
            Todo::Lang(place) => {
                let kind = self.int()?;
                self.lang(kind, place)
            }
            Todo::AltClass => {
                self.class = true;
                self.item(Place::DATA, scan)
            }
        }
    }

    /// A language item inside of bytecode.
    fn lang(&mut self, kind: i32, place: Place) -> Result<()> {
        let kind = match kind {
            243 => return self.int().map(|_| ()),
            244 => {
                self.int()?;
                self.int()?
            }
            other => other,
        };
        match kind {
            6 | 2 | 240 | 239 => {
                let call = matches!(kind, 6 | 240);
                self.todo.push(Todo::Lang(Place { named: place.named && !call, ..place.inner() }));
                self.todo.push(Todo::Lang(Place { head: call, named: place.named && !call, ..place.inner() }));
                self.todo.push(Todo::Item(Place::DATA));
                if kind >= 239 {
                    self.todo.push(Todo::Item(Place::DATA));
                }
            }
            _ => self.todo.push(Todo::Item(place)),
        }
        Ok(())
    }

    fn item(&mut self, place: Place, scan: &mut Scan<'_>) -> Result<()> {
        let at = self.at;
        let flags = self.int()? as u32;
        let (kind, attributes, tag) = (flags & 0xff, flags & 0x200 != 0, flags & 0x400 != 0);
        // What follows a promise's open value is its expression.
        if let Some((from, bound)) = self.promise.take() {
            // Constants are nothing to run.
            if matches!(kind, 1 | 6 | 21 | 255) {
                let text = if kind == 6 { "a call" } else { "an expression" };
                scan.state(self.view, from, at.saturating_sub(from).max(4), Fact::Promise { bound, text: text.into() });
            }
        }
        match kind {
            255 => {
                let n = flags >> 8;
                let n = if n == 0 { self.int()? as u32 } else { n };
                let name = self.references.get((n as usize).wrapping_sub(1)).cloned();
                if let Some(name) = name {
                    self.symbol(at, &name, place, scan);
                }
            }
            // Nil, the fixed environments, the missing and the open value.
            254 | 253 | 252 | 251 | 250 | 242 | 241 | 0 => {}
            247..=249 => {
                self.int()?;
                let n = self.int()?;
                let mut name = String::new();
                for i in 0..u64::try_from(n).unwrap_or(0) {
                    if i > 1000 {
                        return Err(Error::malformed(at, "rds-length"));
                    }
                    self.int()?;
                    let n = i64::from(self.int()?);
                    let text = self.text(n)?;
                    if i == 0 {
                        name = text;
                    }
                }
                if kind == 249 && self.spaces < 200 {
                    self.spaces += 1;
                    scan.leaf(&name, "namespace", None, Some("package that reading loads".into()));
                }
                self.refer("")?;
            }
            1 => {
                let flags = self.int()? as u32;
                let n = i64::from(self.int()?);
                let name = self.text(n)?;
                if flags & 0xff != 9 {
                    return Err(Error::malformed(at, "rds-symbol"));
                }
                self.refer(&name)?;
                self.symbol(at, &name, place, scan);
            }
            4 => {
                self.int()?;
                self.refer("")?;
                // Enclosure, frame, hash table, attributes.
                self.todo.push(Todo::Item(Place::DATA));
                self.todo.push(Todo::Item(Place { frame: true, ..Place::DATA }));
                self.todo.push(Todo::Item(Place { frame: true, ..Place::DATA }));
                self.todo.push(Todo::Item(Place::DATA));
            }
            2 | 3 | 5 | 6 | 17 => self.pair(kind, at, place, attributes, tag)?,
            239 | 240 => self.pair(if kind == 240 { 6 } else { 2 }, at, place, true, tag)?,
            22 => {
                self.refer("")?;
                self.after(attributes);
                self.todo.push(Todo::Items(2, Place { moment: Some(place.moment.unwrap_or(Moment::Called)), ..Place::DATA }));
            }
            23 => {
                self.refer("")?;
                self.after(attributes);
            }
            7 | 8 => {
                let n = i64::from(self.int()?);
                let name = self.text(n)?;
                self.symbol(at, &name, place, scan);
            }
            9 => {
                let n = i64::from(self.int()?);
                let text = self.text(n)?;
                self.after(attributes);
                self.constant(at, text, place, scan);
            }
            10 | 13 => {
                let n = self.length()?;
                self.skip(n, 4)?;
                self.after(attributes);
            }
            14 | 15 => {
                let n = self.length()?;
                self.skip(n, if kind == 15 { 16 } else { 8 })?;
                self.after(attributes);
            }
            16 | 19 | 20 => {
                let n = self.length()?;
                if n.saturating_mul(if self.spelling == Spelling::Text { 2 } else { 4 }) > self.left() {
                    return Err(Error::malformed(at, "past-end"));
                }
                self.after(attributes);
                let inside = Place {
                    moment: if kind == 20 { Some(place.moment.unwrap_or(Moment::Data)) } else { place.moment },
                    frame: place.frame && kind == 19,
                    named: place.named && kind == 16,
                    ..Place::DATA
                };
                self.todo.push(Todo::Items(n, inside));
            }
            21 => {
                self.after(attributes);
                // How many places other items refer to, then the code.
                self.int()?;
                let inside = place.inner();
                self.todo.push(Todo::Code(inside));
                self.todo.push(Todo::Item(Place::DATA));
            }
            24 => self.raw(at, attributes, scan)?,
            25 => self.after(attributes),
            238 => {
                // Attributes last, state before, class first.
                self.todo.push(Todo::Item(Place::DATA));
                self.todo.push(Todo::Item(Place::DATA));
                self.todo.push(Todo::AltClass);
            }
            _ => return Err(Error::malformed(at, "rds-type")),
        }
        Ok(())
    }

    /// A list cell, call, closure, promise or `...`: attributes and tag where the flags say so, then two items.
    fn pair(&mut self, kind: u32, at: u64, place: Place, attributes: bool, tag: bool) -> Result<()> {
        let (first, second) = match kind {
            // A formula or a kept call is data until something evaluates it.
            6 => {
                let code = Place { moment: Some(place.moment.unwrap_or(Moment::Data)), ..Place::DATA };
                (Place { head: true, ..code }, code)
            }
            // Formals and body.
            3 => {
                let code = Place { moment: Some(if place.moment == Some(Moment::Loaded) { Moment::Loaded } else { Moment::Called }), ..Place::DATA };
                (code, code)
            }
            5 => return self.promised(at, place, attributes, tag),
            _ => (Place { binding: place.frame, ..Place { frame: false, head: false, ..place } }, Place { head: false, ..place }),
        };
        self.todo.push(Todo::Item(second));
        self.todo.push(Todo::Item(first));
        if tag {
            self.todo.push(Todo::Item(Place::DATA));
        }
        self.after(attributes);
        Ok(())
    }

    /// A promise: its environment, its value, its expression.
    fn promised(&mut self, at: u64, place: Place, attributes: bool, tag: bool) -> Result<()> {
        self.todo.push(Todo::Item(Place { moment: Some(Moment::Data), ..Place::DATA }));
        self.todo.push(Todo::Value(at, place.binding));
        if tag {
            self.todo.push(Todo::Item(Place::DATA));
        }
        self.after(attributes);
        Ok(())
    }

    /// A promise's value. Only a promise without one is evaluated again: then its expression runs by itself.
    fn value(&mut self, at: u64, bound: bool, scan: &mut Scan<'_>) -> Result<()> {
        let back = self.at;
        if self.int()? as u32 & 0xff != 252 {
            self.at = back;
            return self.item(Place::DATA, scan);
        }
        if let Some(Todo::Item(expression)) = self.todo.last_mut() {
            expression.moment = Some(if bound { Moment::Touched } else { Moment::Loaded });
        }
        self.promise = Some((at, bound));
        Ok(())
    }

    fn after(&mut self, attributes: bool) {
        if attributes {
            self.todo.push(Todo::Item(Place::DATA));
        }
    }

    fn refer(&mut self, name: &str) -> Result<()> {
        if self.references.len() >= REFERENCES {
            return Err(Error::limit(self.at, "rds-references"));
        }
        self.references.push(name.into());
        Ok(())
    }

    /// A symbol, which in the head of a call names a function.
    fn symbol(&mut self, at: u64, name: &str, place: Place, scan: &mut Scan<'_>) {
        if std::mem::take(&mut self.class) {
            scan.state(self.view, at, self.at.saturating_sub(at).max(1), Fact::ForeignClass { runtime: "r", name: name.to_string() });
        }
        let Some(moment) = place.moment else { return };
        if !place.head && !place.named {
            return;
        }
        if place.head
            && matches!(
                name,
                "::" | ":::"
                    | "do.call"
                    | "match.fun"
                    | "get"
                    | "get0"
                    | "getFunction"
                    | "getExportedValue"
                    | "getFromNamespace"
                    | "Reduce"
                    | "Map"
                    | "lapply"
                    | "sapply"
                    | "tryCatch"
                    | "eval"
                    | "as.name"
                    | "as.symbol"
                    | "call"
                    | "dynGet"
                    | "mget"
            )
        {
            // The cell behind the head is next: its texts and symbols name functions too.
            if let Some(Todo::Item(next) | Todo::Lang(next)) = self.todo.last_mut() {
                next.named = true;
            }
        }
        if name.is_empty() || matches!(name, "::" | ":::" | "(" | "{") {
            return;
        }
        self.tell(Some((at, name.to_string(), moment)), scan);
    }

    /// A text: the argument of the last call, or the name of a function.
    fn constant(&mut self, at: u64, text: String, place: Place, scan: &mut Scan<'_>) {
        if place.moment.is_none() {
            return;
        }
        if let Some((from, name, moment)) = self.waiting.take() {
            self.call(from, name.clone(), format!("{name}(\"{}\")", text.chars().take(80).collect::<String>()), moment, scan);
        }
        if place.named
            && let Some(moment) = place.moment
        {
            self.call(at, text.clone(), format!("{text}(…)"), moment, scan);
        }
    }

    /// States the call that waits for its argument, and lets the next one wait.
    fn tell(&mut self, next: Option<(u64, String, Moment)>, scan: &mut Scan<'_>) {
        if let Some((at, name, moment)) = std::mem::replace(&mut self.waiting, next) {
            self.call(at, name.clone(), format!("{name}(…)"), moment, scan);
        }
    }

    fn call(&mut self, at: u64, name: String, text: String, moment: Moment, scan: &mut Scan<'_>) {
        if self.seen.len() >= CALLS {
            scan.gap("limit-facts");
            return;
        }
        if self.seen.insert((name.clone(), moment)) {
            scan.state(self.view, at, self.at.saturating_sub(at).clamp(1, NAME), Fact::StoredCall { language: "r", name, text, moment });
        }
    }

    /// Raw bytes: R packages keep models of other libraries in them.
    fn raw(&mut self, at: u64, attributes: bool, scan: &mut Scan<'_>) -> Result<()> {
        let n = self.length()?;
        let from = self.at;
        self.skip(n, 1)?;
        self.after(attributes);
        if self.spelling == Spelling::Text || n < 16 {
            return Ok(());
        }
        let inner = self.view.slice(from, n)?;
        if self.raws < 64 && super::sure(inner) {
            self.raws += 1;
            scan.child(&format!("raw vector at {at}"), inner, true);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::{Lang, Verdict};

    /// A version 2 file in XDR around one item.
    fn file(item: &[u32], tail: &[u8]) -> Vec<u8> {
        let mut out = b"X\n".to_vec();
        for n in [2u32, 0x0004_0202, 0x0002_0300].iter().chain(item) {
            out.extend_from_slice(&n.to_be_bytes());
        }
        out.extend_from_slice(tail);
        out
    }

    /// A call of one function with one text.
    fn call(name: &str, arg: &str) -> Vec<u8> {
        let mut out = Vec::new();
        for (head, text) in [([6u32, 1, 0x0004_0009].as_slice(), name), ([2, 16, 1, 0x0004_0009].as_slice(), arg)] {
            for n in head.iter().chain(&[text.len() as u32]) {
                out.extend_from_slice(&n.to_be_bytes());
            }
            out.extend_from_slice(text.as_bytes());
        }
        out.extend_from_slice(&254u32.to_be_bytes());
        out
    }

    fn verdict(bytes: Vec<u8>) -> Verdict {
        crate::scan(&bytes, "m.rds", Lang::En).verdict
    }

    #[test]
    fn open_promises_and_what_they_call() {
        // A promise as a value: with an environment, and without.
        assert_eq!(verdict(file(&[0x405, 253, 252], &call("mean", "x"))), Verdict::Dangerous);
        assert_eq!(verdict(file(&[5, 252], &call("mean", "x"))), Verdict::Dangerous);
        // One that was evaluated already is only its value.
        assert_eq!(verdict(file(&[5, 254], &call("mean", "x"))), Verdict::Clear);
        // A call that is kept is data.
        assert_eq!(verdict(file(&[], &call("lm", "y ~ x"))), Verdict::Clear);
        // A closure's body.
        assert_eq!(verdict(file(&[0x403, 253, 254], &call("mean", "x"))), Verdict::Clear);
        assert_eq!(verdict(file(&[0x403, 253, 254], &call("system", "x"))), Verdict::Suspicious);
        // In an environment's frame: an argument that R has not looked at yet.
        let bound = |name: &str| {
            let mut item = file(&[4, 0, 242, 0x402, 1, 0x0004_0009, 1], b"x");
            for n in [5u32, 252] {
                item.extend_from_slice(&n.to_be_bytes());
            }
            item.extend(call(name, "x"));
            for n in [254u32, 254, 254] {
                item.extend_from_slice(&n.to_be_bytes());
            }
            item
        };
        assert_eq!(verdict(bound("system")), Verdict::Dangerous);
        assert_eq!(verdict(bound("subset")), Verdict::Clear);
    }

    #[test]
    fn a_file_cut_anywhere_is_not_clear() {
        let whole = file(&[0x403, 253, 254], &call("mean", "x"));
        for n in 14..whole.len() {
            assert_ne!(verdict(whole.get(..n).unwrap_or(&[]).to_vec()), Verdict::Clear, "{n}");
        }
    }

    #[test]
    fn the_text_spelling() {
        let text = b"A\n2\n262146\n131840\n6\n1\n262153\n6\nsystem\n2\n16\n1\n262153\n3\na\\nb\n254\n";
        assert_eq!(verdict(text.to_vec()), Verdict::Clear);
        let promise = b"A\n2\n262146\n131840\n5\n252\n6\n1\n262153\n6\nsystem\n254\n";
        assert_eq!(verdict(promise.to_vec()), Verdict::Dangerous);
    }
}
