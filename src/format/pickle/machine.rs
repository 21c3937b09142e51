//! The abstract pickle machine: follows what the C unpickler, the Python one and torch's do, and where they differ takes the
//! union. Nothing is built or called; values are only known as far as they could name or reach something.
//!
//! Where an unpickler would raise for a type alone (APPEND on a text, say), the machine goes on: what it lists is then a superset.
//! It stops where all of them stop: at the end of the bytes, an unknown opcode, an empty stack, an unset memo key.

use super::memo::{Memo, Pool, Slots};
use super::tape::{Frames, Tape};
use super::torch::Seen;
use super::value::{Kind, Spot, Value};
use crate::bytes::View;
use crate::error::{Error, Result};
use crate::fact::{Fact, Use};
use crate::limits::Limits;
use std::collections::HashMap;

/// Calls of one global that are rendered; more are only counted.
const CALLS_SHOWN: u32 = 6;
/// Bytes of a memo key's line that are looked at.
const KEY: usize = 4096;
/// Memo keys that are no index; nobody writes one.
const ODD_KEYS: usize = 1000;
/// Bytes of a name that is still taken for one.
const NAME: usize = 64 * 1024;

/// An import, or a name that a call resolved to.
#[derive(Clone, Debug)]
pub struct Global {
    /// Module as written.
    pub module: String,
    /// Name as written; empty for a module object that a call imported.
    pub name: String,
    /// Offset of the opcode that first named it.
    pub at: u64,
    /// Length of that opcode with its argument.
    pub len: u64,
    /// What is done with it.
    pub usage: Use,
    /// What it wraps, for callables that take another by reference.
    pub wraps: Vec<(String, String)>,
    /// Whether an opcode asks `find_class` for it, rather than a call that resolves it.
    pub asked: bool,
    /// Whether it rebuilds a tensor.
    pub tensor: bool,
    calls: u32,
    mutated: u8,
}

/// Why a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// STOP.
    Stop,
    /// The bytes ended first.
    End,
    /// No unpickler goes on from here.
    Fault(&'static str),
    /// A limit was reached.
    Limit(&'static str),
    /// The allowance of a probing run was used up.
    Allowance,
}

/// Facts of a run with their places.
pub type Stated = Vec<(u64, u64, Fact)>;

/// The machine for one pickle.
pub struct Machine<'s> {
    view: View<'s>,
    /// The bytes, with the position.
    pub tape: Tape<'s>,
    stack: Vec<Value>,
    marks: Vec<usize>,
    memo: Memo,
    /// What PUT remembered under something that is no index.
    odd_keys: HashMap<Vec<u8>, Value>,
    pool: Pool,
    slots: Slots,
    /// Imports in order of first appearance.
    pub globals: Vec<Global>,
    by_name: HashMap<String, u32>,
    /// Texts that do not stand behind their opcode, because what was left of a frame was dropped: offset and length by opcode.
    moved: HashMap<u64, (u64, u64)>,
    extensions: HashMap<u64, (String, String)>,
    limits: Limits,
    /// Everything stated so far.
    pub facts: Stated,
    /// Whether there were more than the limit.
    pub more_facts: bool,
    /// Texts and bytes that may hold something to read by itself.
    pub nested: Vec<(u64, u64)>,
    /// Bytes that constant calls make of constants: what `codecs.encode` undoes in protocol 2.
    pub decoded: Vec<(u64, Vec<u8>)>,
    /// Bytes constants without a beginning of their own.
    pub blobs: Vec<(u64, u64)>,
    decoded_bytes: usize,
    /// Whether arrays between the opcodes are taken out, as joblib's unpickler does.
    pub joblib: bool,
    /// Whether joblib's array wrapper was built: then its unpickler reads the bytes differently from everybody else's.
    pub wrapped: bool,
    /// Arrays that joblib takes out: offset, length, type, shape.
    pub arrays: Vec<(u64, u64, String, Vec<u64>)>,
    /// Offsets of pickles that stand where an array of objects should.
    pub inner: Vec<u64>,
    /// Opcodes run.
    pub ops: u64,
    /// Highest protocol announced.
    pub proto: u8,
    /// What torch's persistent ids and rebuild calls said.
    pub torch: Seen,
    /// Whether something was called or built.
    pub acted: bool,
    /// Offset of the first opcode that called or built something.
    pub first_act: u64,
    heaviest: u32,
    special: u32,
    /// Whether the call being made is a class's `__new__`.
    instance: bool,
}

impl<'s> Machine<'s> {
    /// A machine for the pickle at `at`.
    pub fn new(view: View<'s>, at: u64, frames: Frames, limits: &Limits) -> Self {
        Machine {
            view,
            tape: Tape::new(view, at, frames),
            stack: Vec::new(),
            marks: Vec::new(),
            memo: Memo::default(),
            odd_keys: HashMap::new(),
            pool: Pool::default(),
            slots: Slots::default(),
            globals: Vec::new(),
            by_name: HashMap::new(),
            moved: HashMap::new(),
            extensions: HashMap::new(),
            limits: limits.clone(),
            facts: Vec::new(),
            more_facts: false,
            nested: Vec::new(),
            decoded: Vec::new(),
            blobs: Vec::new(),
            decoded_bytes: 0,
            joblib: false,
            wrapped: false,
            arrays: Vec::new(),
            inner: Vec::new(),
            ops: 0,
            proto: 0,
            torch: Seen::default(),
            acted: false,
            first_act: u64::MAX,
            heaviest: 0,
            special: 0,
            instance: false,
        }
    }

    /// Runs to the end, or for at most `allowance` opcodes.
    pub fn run(&mut self, allowance: u64) -> Result<Stop> {
        let stop = match self.go(allowance) {
            Ok(stop) => stop,
            Err(Error::Malformed { what: "ends-early", .. }) => Stop::End,
            Err(Error::Malformed { what, .. }) => Stop::Fault(what),
            Err(Error::Limit { what, .. }) => Stop::Limit(what),
            Err(e) => return Err(e),
        };
        if self.heaviest >= 40 {
            self.facts.push((0, 0, Fact::Expansion { power: self.heaviest }));
        }
        Ok(stop)
    }

    fn fault<T>(&self, what: &'static str) -> Result<T> {
        Err(Error::malformed(self.tape.at(), what))
    }

    #[inline]
    fn floor(&self) -> usize {
        self.marks.last().copied().unwrap_or(0)
    }

    #[inline]
    fn pop(&mut self) -> Result<Value> {
        if self.stack.len() <= self.floor() {
            return self.fault("stack-empty");
        }
        match self.stack.pop() {
            Some(v) => Ok(v),
            None => self.fault("stack-empty"),
        }
    }

    #[inline]
    fn top(&self) -> Result<Value> {
        if self.stack.len() <= self.floor() {
            return self.fault("stack-empty");
        }
        match self.stack.last() {
            Some(v) => Ok(*v),
            None => self.fault("stack-empty"),
        }
    }

    #[inline]
    fn push(&mut self, v: Value) -> Result<()> {
        if self.stack.len() >= self.limits.stack {
            return Err(Error::limit(self.tape.at(), "pickle-stack"));
        }
        self.stack.push(v);
        Ok(())
    }

    #[inline]
    fn mark(&mut self) -> Result<usize> {
        match self.marks.pop() {
            Some(m) => Ok(m.min(self.stack.len())),
            None => self.fault("mark-missing"),
        }
    }

    fn go(&mut self, allowance: u64) -> Result<Stop> {
        let until = self.ops.saturating_add(allowance);
        loop {
            let at = self.tape.at();
            let Some(byte) = self.tape.byte()? else {
                return Ok(Stop::End);
            };
            self.ops += 1;
            if self.ops > until {
                return Ok(Stop::Allowance);
            }
            match byte {
                // What real pickles are made of comes first.
                b'h' => {
                    let [k] = self.tape.array::<1>()?;
                    self.get(u64::from(k))?;
                }
                b'j' => {
                    let k = u32::from_le_bytes(self.tape.array()?);
                    self.get(u64::from(k))?;
                }
                b'q' => {
                    let [k] = self.tape.array::<1>()?;
                    self.put(u64::from(k))?;
                }
                b'r' => {
                    let k = u32::from_le_bytes(self.tape.array()?);
                    self.put(u64::from(k))?;
                }
                0x94 => {
                    let k = self.memo.len;
                    self.put(k)?;
                }
                b'K' => {
                    let [n] = self.tape.array::<1>()?;
                    self.push(Value::int(i64::from(n)))?;
                }
                b'M' => {
                    let n = u16::from_le_bytes(self.tape.array()?);
                    self.push(Value::int(i64::from(n)))?;
                }
                b'J' => {
                    let n = i32::from_le_bytes(self.tape.array()?);
                    self.push(Value::int(i64::from(n)))?;
                }
                b'G' => {
                    self.tape.skip(8)?;
                    self.push(Value::PLAIN)?;
                }
                0x8c | b'U' => {
                    let [n] = self.tape.array::<1>()?;
                    self.text(at, u64::from(n))?;
                }
                b'X' => {
                    let n = u32::from_le_bytes(self.tape.array()?);
                    self.text(at, u64::from(n))?;
                }
                b'T' => {
                    let n = i32::from_le_bytes(self.tape.array()?);
                    let Ok(n) = u64::try_from(n) else {
                        return self.fault("negative-length");
                    };
                    self.text(at, n)?;
                }
                0x8d => {
                    let n = u64::from_le_bytes(self.tape.array()?);
                    self.text(at, n)?;
                }
                b'C' => {
                    let [n] = self.tape.array::<1>()?;
                    self.blob(at, u64::from(n))?;
                }
                b'B' => {
                    let n = u32::from_le_bytes(self.tape.array()?);
                    self.blob(at, u64::from(n))?;
                }
                0x8e | 0x96 => {
                    let n = u64::from_le_bytes(self.tape.array()?);
                    self.blob(at, n)?;
                }
                b'(' => {
                    if self.marks.len() >= self.limits.stack / 8 {
                        return Err(Error::limit(at, "pickle-stack"));
                    }
                    self.marks.push(self.stack.len());
                }
                b't' => {
                    let m = self.mark()?;
                    let v = self.tuple(m);
                    self.push(v)?;
                }
                0x85..=0x87 => {
                    let n = usize::from(byte - 0x84);
                    let Some(from) = self.stack.len().checked_sub(n).filter(|f| *f >= self.floor()) else {
                        return self.fault("stack-empty");
                    };
                    let v = self.tuple(from);
                    self.push(v)?;
                }
                b')' => self.push(Value::tuple(0, 0))?,
                b']' => {
                    let id = self.slots.fresh();
                    self.push(Value::list(id))?;
                }
                b'}' => {
                    let id = self.slots.fresh();
                    self.push(Value::dict(id))?;
                }
                0x8f => self.push(Value::set(0, 0))?,
                b'N' => self.push(Value::NONE)?,
                0x88 | 0x89 => self.push(Value::bool(byte == 0x88))?,
                b'a' => {
                    let v = self.pop()?;
                    let target = self.top()?;
                    self.fill(target, &[v], "APPEND", at)?;
                }
                b's' => {
                    let v = self.pop()?;
                    let k = self.pop()?;
                    let target = self.top()?;
                    self.fill(target, &[k, v], "SETITEM", at)?;
                }
                b'e' | b'u' | 0x90 => {
                    let m = self.mark()?;
                    if m <= self.floor() {
                        return self.fault("stack-empty");
                    }
                    let name = match byte {
                        b'e' => "APPENDS",
                        b'u' => "SETITEMS",
                        _ => "ADDITEMS",
                    };
                    // The Python unpickler calls `extend` even with nothing.
                    if m < self.stack.len() || byte == b'e' {
                        let target = self.stack[m - 1];
                        self.fill_from(target, m, name, at)?;
                    }
                }
                b'l' | b'd' => {
                    let m = self.mark()?;
                    let id = self.slots.fresh();
                    let (target, name) = if byte == b'l' { (Value::list(id), "LIST") } else { (Value::dict(id), "DICT") };
                    self.fill_from(target, m, name, at)?;
                    self.push(target)?;
                }
                0x91 => {
                    let m = self.mark()?;
                    let weight = self.weigh(&self.stack[m..]);
                    let span = self.pool.keep(&self.stack[m..], weight);
                    self.stack.truncate(m);
                    self.push(Value::set(span.at, usize::from(span.len)))?;
                }
                b'c' => {
                    let (module, name) = self.two_lines()?;
                    let len = self.tape.at() - at;
                    let g = self.import(module, name, at, len)?;
                    self.push(Value::global(g))?;
                }
                0x93 => {
                    let name = self.pop()?;
                    let module = self.pop()?;
                    let v = self.stack_global(module, name, at)?;
                    self.push(v)?;
                }
                b'i' => {
                    let (module, name) = self.two_lines()?;
                    let len = self.tape.at() - at;
                    let g = self.import(module, name, at, len)?;
                    let m = self.mark()?;
                    let args = self.tuple(m);
                    let v = self.call(Value::global(g), args, at, len)?;
                    self.push(v)?;
                }
                b'o' => {
                    let m = self.mark()?;
                    if m >= self.stack.len() {
                        return self.fault("stack-empty");
                    }
                    let callee = self.stack[m];
                    let args = self.tuple(m + 1);
                    self.stack.truncate(m);
                    let v = self.call(callee, args, at, 1)?;
                    self.push(v)?;
                }
                0x81 => {
                    let args = self.pop()?;
                    let callee = self.pop()?;
                    self.instance = true;
                    let v = self.call(callee, args, at, 1)?;
                    self.push(v)?;
                }
                0x92 => {
                    let kwargs = self.pop()?;
                    let args = self.pop()?;
                    let callee = self.pop()?;
                    let mut items = self.items(args).unwrap_or_default();
                    if let Kind::Dict(id) = kwargs.kind()
                        && self.slots.items(id).is_some_and(|(i, _)| !i.is_empty())
                    {
                        items.push(kwargs);
                    }
                    let span = self.pool.keep(&items, 0);
                    self.instance = true;
                    let v = self.call(callee, Value::tuple(span.at, usize::from(span.len)), at, 1)?;
                    self.push(v)?;
                }
                b'R' => {
                    let args = self.pop()?;
                    let callee = self.pop()?;
                    let v = self.call(callee, args, at, 1)?;
                    self.push(v)?;
                }
                b'b' => {
                    let state = self.pop()?;
                    let target = self.top()?;
                    self.build(target, state, at);
                    if self.class_of(target).is_some_and(|g| super::joblib::is_companion(&g.module, &g.name)) {
                        super::joblib::companion(self, state, at);
                    }
                    if self.is_wrapper(target) {
                        self.wrapped = true;
                        if self.joblib {
                            super::joblib::array(self, state)?;
                        }
                    }
                }
                b'P' => {
                    let (a, n) = self.tape.line()?;
                    let span = self.pool.keep(&[Value::str(at, n as usize)], 0);
                    let text = String::from_utf8_lossy(&self.tape.peek(a, n, 400)).into_owned();
                    self.facts_capped((at, n + 2, Fact::PersistentId { text }));
                    self.push(Value::persistent(span.at, 1))?;
                }
                b'Q' => {
                    let id = self.pop()?;
                    let made = self.persistent(id, at);
                    let span = self.pool.keep(&[id], 0);
                    self.push(made.unwrap_or(Value::persistent(span.at, 1)))?;
                }
                0x82..=0x84 => {
                    let code = match byte {
                        0x82 => u64::from(u8::from_le_bytes(self.tape.array()?)),
                        0x83 => u64::from(u16::from_le_bytes(self.tape.array()?)),
                        _ => u64::from(u32::from_le_bytes(self.tape.array()?)),
                    };
                    let len = self.tape.at() - at;
                    self.facts_capped((at, len, Fact::Extension { code }));
                    let v = match self.extensions.get(&code).cloned() {
                        Some((module, name)) => Value::global(self.import(module, name, at, len)?),
                        None => Value::global(self.named("copyreg", &format!("extension {code}"), at, len, false)?),
                    };
                    self.push(v)?;
                }
                0x80 => {
                    let [n] = self.tape.array::<1>()?;
                    self.proto = self.proto.max(n);
                }
                0x95 => {
                    let n = u64::from_le_bytes(self.tape.array()?);
                    self.tape.frame(n);
                }
                b'.' => {
                    self.pop()?;
                    return Ok(Stop::Stop);
                }
                b'0' => {
                    // As both unpicklers do it: with nothing above the mark, POP takes the mark.
                    if self.stack.len() > self.floor() {
                        self.stack.pop();
                    } else if self.marks.pop().is_none() {
                        return self.fault("stack-empty");
                    }
                }
                b'1' => {
                    let m = self.mark()?;
                    self.stack.truncate(m);
                }
                b'2' => {
                    let v = self.top()?;
                    self.push(v)?;
                }
                b'I' | b'L' => {
                    let (a, n) = self.tape.line()?;
                    let Some(v) = integer(&self.tape.peek(a, n, 4096), byte == b'I') else {
                        return self.fault("bad-number");
                    };
                    self.push(v)?;
                }
                b'F' => {
                    self.tape.line()?;
                    self.push(Value::PLAIN)?;
                }
                0x8a => {
                    let [n] = self.tape.array::<1>()?;
                    let a = self.tape.skip(u64::from(n))?;
                    let v = long(&self.tape.peek(a, u64::from(n), 16), u64::from(n));
                    self.push(v)?;
                }
                0x8b => {
                    let n = i32::from_le_bytes(self.tape.array()?);
                    let Ok(n) = u64::try_from(n) else {
                        return self.fault("negative-length");
                    };
                    let a = self.tape.skip(n)?;
                    let v = long(&self.tape.peek(a, n, 16), n);
                    self.push(v)?;
                }
                b'S' | b'V' => {
                    let (a, n) = self.tape.line()?;
                    if a != at + 1 {
                        self.move_text(at, a, n);
                    }
                    if n >= 16 {
                        self.note_nested(a, n);
                    }
                    // The two bytes `'_` can stand before a dunder in a quoted text; telling is left to the slow path.
                    self.push(Value::str(at, n.min(0xfffe) as usize))?;
                }
                b'g' => {
                    let (a, n) = self.tape.line()?;
                    match key(&self.tape.peek(a, n, KEY)) {
                        Key::Number(k) => self.get(k)?,
                        Key::Other(k) => match self.odd_keys.get(&k) {
                            Some(v) => self.push(*v)?,
                            None => return self.fault("memo-unset"),
                        },
                    }
                }
                b'p' => {
                    let (a, n) = self.tape.line()?;
                    match key(&self.tape.peek(a, n, KEY)) {
                        Key::Number(k) => self.put(k)?,
                        Key::Other(k) => self.put_odd(k)?,
                    }
                }
                0x97 => self.push(Value::PLAIN)?,
                0x98 => {
                    self.top()?;
                }
                _ => return self.fault("unknown-opcode"),
            }
        }
    }

    fn act(&mut self, at: u64) {
        self.acted = true;
        self.first_act = self.first_act.min(at);
    }

    /// States a fact; more than the limit are a gap.
    pub fn facts_capped(&mut self, fact: (u64, u64, Fact)) {
        if self.facts.len() < self.limits.facts {
            self.facts.push(fact);
        } else {
            self.more_facts = true;
        }
    }

    #[inline]
    fn get(&mut self, key: u64) -> Result<()> {
        match self.memo.get(key) {
            Some(v) => self.push(v),
            None => self.fault("memo-unset"),
        }
    }

    fn put_odd(&mut self, key: Vec<u8>) -> Result<()> {
        let v = self.top()?;
        if self.odd_keys.len() >= ODD_KEYS {
            return Err(Error::limit(self.tape.at(), "pickle-memo"));
        }
        self.memo.len += u64::from(self.odd_keys.insert(key, v).is_none());
        Ok(())
    }

    #[inline]
    fn put(&mut self, key: u64) -> Result<()> {
        let v = self.top()?;
        if self.memo.len >= self.limits.memo || self.memo.chunks() > Memo::chunks_of(self.limits.memo) {
            return Err(Error::limit(self.tape.at(), "pickle-memo"));
        }
        self.memo.put(key, v);
        Ok(())
    }

    #[inline]
    fn text(&mut self, at: u64, len: u64) -> Result<()> {
        let header = self.tape.at() - at;
        let from = self.tape.skip(len)?;
        if from - at > header {
            self.move_text(at, from, len);
        }
        if len >= 64 {
            self.note_nested(from, len);
        }
        // A length of 0xffff marks a text that is too long for a name or starts like a special method.
        let len = if len > 2 && len < 64 && self.tape.starts_dunder(from) { 0xffff } else { len.min(0xfffe) as usize };
        self.push(Value::str(at, len))
    }

    /// Only where frames are broken: the opcode's own length would be read from the wrong place.
    #[cold]
    fn move_text(&mut self, at: u64, from: u64, len: u64) {
        if self.moved.len() < self.limits.facts {
            self.moved.insert(at, (from, len));
        }
    }

    #[inline]
    fn blob(&mut self, at: u64, len: u64) -> Result<()> {
        let from = self.tape.skip(len)?;
        if len >= 8 {
            self.note_nested(from, len);
        }
        self.push(Value::bytes(at, len.min(0xffff) as usize))
    }

    /// Remembers constants that begin like something that is read by itself.
    fn note_nested(&mut self, at: u64, len: u64) {
        if self.nested.len() >= 4096 {
            return;
        }
        let head = self.tape.peek(at, len, 8);
        if marked(&head) {
            self.nested.push((at, len));
        } else if len >= 64 && self.blobs.len() < 4096 {
            self.blobs.push((at, len));
        }
    }

    fn weigh(&self, items: &[Value]) -> u32 {
        let (mut most, mut count) = (0, 0u32);
        for v in items {
            let w = match v.kind() {
                Kind::Tuple(s) | Kind::Set(s) => self.pool.weight(s),
                Kind::List(id) | Kind::Dict(id) => self.slots.weight(id),
                _ => continue,
            };
            count += 1;
            most = most.max(w);
        }
        most + count.checked_ilog2().unwrap_or(0)
    }

    fn tuple(&mut self, from: usize) -> Value {
        let items = &self.stack[from..];
        if items.is_empty() {
            return Value::tuple(0, 0);
        }
        let weight = self.weigh(items);
        self.heaviest = self.heaviest.max(weight);
        let span = self.pool.keep(&self.stack[from..], weight);
        self.stack.truncate(from);
        Value::tuple(span.at, usize::from(span.len))
    }

    fn two_lines(&mut self) -> Result<(String, String)> {
        let (a, n) = self.tape.line()?;
        let module = decode(&self.tape.peek(a, n, NAME));
        // The module is imported before the name is looked at: without a second line it still has been asked for.
        let (b, m) = match self.tape.line() {
            Ok(line) => line,
            Err(Error::Malformed { .. }) => (self.tape.at(), 0),
            Err(e) => return Err(e),
        };
        let name = decode(&self.tape.peek(b, m, NAME));
        Ok((module, name))
    }

    fn import(&mut self, module: String, name: String, at: u64, len: u64) -> Result<u32> {
        self.named(&module, &name, at, len, true)
    }

    fn named(&mut self, module: &str, name: &str, at: u64, len: u64, asked: bool) -> Result<u32> {
        let key = format!("{module}\n{name}");
        if let Some(id) = self.by_name.get(&key) {
            self.globals[*id as usize].asked |= asked;
            return Ok(*id);
        }
        if self.globals.len() >= self.limits.facts {
            return Err(Error::limit(at, "imports"));
        }
        let id = self.globals.len() as u32;
        self.globals.push(Global {
            module: module.to_string(),
            name: name.to_string(),
            at,
            len,
            usage: Use::default(),
            wraps: Vec::new(),
            asked,
            tensor: super::torch::rebuilds(module, name),
            calls: 0,
            mutated: 0,
        });
        self.by_name.insert(key, id);
        Ok(id)
    }

    fn stack_global(&mut self, module: Value, name: Value, at: u64) -> Result<Value> {
        let (m, n) = (self.string(module), self.string(name));
        if let (Some(m), Some(n)) = (&m, &n) {
            return Ok(Value::global(self.import(m.clone(), n.clone(), at, 1)?));
        }
        if self.is_instance(module) || self.is_instance(name) {
            return self.fault("not-a-name");
        }
        // A number or None raises; anything made by a call may be any text.
        let maybe = |v: Value| matches!(v.kind(), Kind::Str(_) | Kind::Call { .. } | Kind::Persistent(_) | Kind::Global(_));
        let text = format!("{}.{}", m.unwrap_or_else(|| self.show(module)), n.unwrap_or_else(|| self.show(name)));
        if maybe(module) && maybe(name) {
            self.act(at);
            self.facts_capped((at, 1, Fact::ComputedImport { text: text.clone() }));
        }
        let id = self.named("?", &text, at, 1, false)?;
        Ok(Value::global(id))
    }

    /// Whether this is an object that a class's `__new__` made: all unpicklers want names that are exactly `str`.
    fn is_instance(&self, v: Value) -> bool {
        let Kind::Call { global, node } = v.kind() else { return false };
        let builtin = self.globals.get(global as usize).is_none_or(|g| matches!(g.module.as_str(), "builtins" | "__builtin__" | "?"));
        !builtin && self.pool.node(node).is_some_and(|span| self.pool.weight(span) == 1)
    }

    /// The text of a constant, or what constant calls make of constants.
    pub fn string(&self, v: Value) -> Option<String> {
        match v.kind() {
            Kind::Str(spot) => self.read_text(spot),
            _ => None,
        }
    }

    fn read_text(&self, spot: Spot) -> Option<String> {
        self.read_text_up_to(spot, NAME)
    }

    /// Reads a text again from its opcode.
    fn read_text_up_to(&self, spot: Spot, cap: usize) -> Option<String> {
        let head: [u8; 9] = {
            let mut h = [0; 9];
            let got = self.tape.peek(spot.at, 9.min(self.view.len() - spot.at.min(self.view.len())), 9);
            h.get_mut(..got.len())?.copy_from_slice(&got);
            h
        };
        if let Some((from, len)) = self.moved.get(&spot.at) {
            let text = self.tape.peek(*from, *len, cap);
            return Some(match head[0] {
                b'S' => unquote(&text),
                b'V' => raw_unicode(&text),
                _ => decode(&text),
            });
        }
        let (from, len) = match head[0] {
            0x8c | b'U' => (2, u64::from(head[1])),
            b'X' | b'T' => (5, u64::from(u32::from_le_bytes([head[1], head[2], head[3], head[4]]))),
            0x8d => (9, u64::from_le_bytes([head[1], head[2], head[3], head[4], head[5], head[6], head[7], head[8]])),
            b'S' | b'V' | b'P' => {
                let line = self.tape.peek(spot.at + 1, self.view.len().saturating_sub(spot.at + 1), cap);
                let end = line.iter().position(|b| *b == b'\n')?;
                return Some(match head[0] {
                    b'S' => unquote(&line[..end]),
                    b'V' => raw_unicode(&line[..end]),
                    _ => decode(&line[..end]),
                });
            }
            _ => return None,
        };
        (len <= cap as u64).then(|| decode(&self.tape.peek(spot.at + from, len, cap)))
    }

    /// Items of a tuple, list or set, if they are still known.
    pub fn items(&self, v: Value) -> Option<Vec<Value>> {
        match v.kind() {
            Kind::Tuple(s) | Kind::Set(s) if s.len == 0 && s.at == 0 => Some(Vec::new()),
            Kind::Tuple(s) | Kind::Set(s) => self.pool.items(s),
            Kind::List(id) => self.slots.items(id).map(|(i, _)| i.to_vec()),
            _ => None,
        }
    }

    /// The arguments of a call's result.
    pub fn args_of(&self, v: Value) -> Option<Vec<Value>> {
        match v.kind() {
            Kind::Call { node, .. } => {
                let args = self.pool.items(self.pool.node(node)?)?;
                self.items(*args.first()?)
            }
            _ => None,
        }
    }

    fn call(&mut self, callee: Value, args: Value, at: u64, len: u64) -> Result<Value> {
        let id = match callee.kind() {
            Kind::Global(id) => id,
            Kind::Call { .. } | Kind::Persistent(_) => {
                self.act(at);
                match self.resolve_callee(callee, args, at)? {
                    Some(id) => id,
                    None => {
                        let text = format!("{}{}", self.show(callee), self.show_args(args));
                        self.facts_capped((at, len, Fact::ComputedImport { text }));
                        self.named("?", "()", at, len, false)?
                    }
                }
            }
            // Numbers and texts cannot be called: every unpickler raises here.
            _ => return self.fault("not-callable"),
        };
        self.act(at);
        let span = self.pool.keep(&[args], u32::from(std::mem::take(&mut self.instance)));
        let result = Value::call(id, span.at as u32);
        let g = &mut self.globals[id as usize];
        g.usage.called = true;
        g.calls = g.calls.saturating_add(1);
        let (shown, tensor) = (g.calls, g.tensor);
        if tensor {
            let name = g.name.clone();
            if let Some(items) = self.items(args) {
                super::torch::called(self, &name, &items, at, span.at as u32);
            }
            return Ok(result);
        }
        let follow = self.follow(id, args, at)?;
        if shown <= CALLS_SHOWN {
            let text = self.show(result);
            let g = &self.globals[id as usize];
            let (module, name) = (g.module.clone(), g.name.clone());
            // From the import to the call, where they stand together: that is the range that proves it.
            let (from, len) = if g.at < at && at - g.at < 1024 { (g.at, at + len - g.at) } else { (at, len) };
            self.facts_capped((from, len, Fact::Call { module, name, text }));
        }
        Ok(follow.unwrap_or(result))
    }

    /// Calls whose result is known from constant arguments: they reach a name without `find_class`.
    fn follow(&mut self, id: u32, args: Value, at: u64) -> Result<Option<Value>> {
        let g = &self.globals[id as usize];
        let module = match g.module.as_str() {
            "__builtin__" => "builtins",
            "copy_reg" => "copyreg",
            "_functools" => "functools",
            m => m,
        }
        .to_string();
        let name = g.name.clone();
        let items = self.items(args);
        let first = items.as_ref().and_then(|i| i.first().copied());
        let second = items.as_ref().and_then(|i| i.get(1).copied());
        match (module.as_str(), name.as_str()) {
            ("copyreg", "add_extension") => {
                if let Some([m, n, code]) = items.as_deref().and_then(|i| <[Value; 3]>::try_from(i).ok())
                    && let (Some(m), Some(n), Some(code)) = (self.string(m), self.string(n), self.code(code))
                    && self.extensions.len() < self.limits.facts
                {
                    self.extensions.insert(code, (m, n));
                }
                Ok(None)
            }
            ("_codecs" | "codecs", "encode") => {
                // Protocol 2 has no bytes: Python writes them as a text with one character a byte.
                if let Some(Kind::Str(spot)) = first.map(Value::kind)
                    && second.and_then(|s| self.string(s)).is_some_and(|s| s == "latin1")
                    && let Some(text) = self.read_text_up_to(spot, 8 << 20)
                    && text.len() >= 8
                    && self.decoded_bytes + text.len() < 32 << 20
                {
                    let bytes: Vec<u8> = text.chars().filter_map(|c| u8::try_from(u32::from(c)).ok()).collect();
                    self.decoded_bytes += bytes.len();
                    self.decoded.push((spot.at, bytes));
                }
                Ok(None)
            }
            ("functools", "partial") => {
                let wrapped = match first.map(Value::kind) {
                    Some(Kind::Global(w)) => {
                        self.globals[w as usize].usage.called = true;
                        (self.globals[w as usize].module.clone(), self.globals[w as usize].name.clone())
                    }
                    _ => ("?".to_string(), first.map(|f| self.show(f)).unwrap_or_default()),
                };
                self.wrap(id, wrapped);
                Ok(None)
            }
            // `getattr(__import__(module), name)` in one call.
            ("numpy.core" | "numpy._core", "_ufunc_reconstruct") => {
                let (Some(m), Some(n)) = (first.and_then(|v| self.string(v)), second.and_then(|v| self.string(v))) else {
                    self.wrap(id, ("?".to_string(), "?".to_string()));
                    return Ok(None);
                };
                self.wrap(id, (m.clone(), n.clone()));
                Ok(Some(Value::global(self.named(&m, &n, at, 1, false)?)))
            }
            ("builtins", "getattr") | ("dill._dill" | "dill.dill", "_get_attr") => {
                let attr = second.and_then(|s| self.string(s));
                let owner = match first.map(Value::kind) {
                    Some(Kind::Global(o)) => Some((self.globals[o as usize].module.clone(), self.globals[o as usize].name.clone())),
                    Some(Kind::Call { global, .. }) => Some((self.globals[global as usize].module.clone(), format!("{}()", self.globals[global as usize].name))),
                    _ => None,
                };
                let (Some(attr), Some((m, n))) = (attr, owner) else {
                    self.wrap(id, ("?".to_string(), "?".to_string()));
                    return Ok(None);
                };
                let dotted = if n.is_empty() { attr } else { format!("{n}.{attr}") };
                self.wrap(id, (m.clone(), dotted.clone()));
                Ok(Some(Value::global(self.named(&m, &dotted, at, 1, false)?)))
            }
            ("builtins", "__import__") | ("importlib" | "importlib._bootstrap", "import_module" | "_gcd_import" | "__import__") | ("dill._dill" | "dill.dill", "_import_module") => {
                let Some(m) = first.and_then(|s| self.string(s)) else {
                    return Ok(None);
                };
                Ok(Some(Value::global(self.named(&m, "", at, 1, false)?)))
            }
            ("pydoc", "locate") | ("pkgutil", "resolve_name") => {
                let Some(path) = first.and_then(|s| self.string(s)) else {
                    return Ok(None);
                };
                let Some((m, n)) = path.split_once(':').or_else(|| path.rsplit_once('.')) else {
                    return Ok(None);
                };
                Ok(Some(Value::global(self.named(m, n, at, 1, false)?)))
            }
            _ => Ok(None),
        }
    }

    /// The number of an extension, which `copyreg` takes through `int()`.
    fn code(&self, v: Value) -> Option<u64> {
        let number = match v.kind() {
            Kind::Bool(b) => return Some(u64::from(b)),
            Kind::Str(_) => integer(self.string(v)?.as_bytes(), false)?,
            _ => v,
        };
        match number.kind() {
            Kind::Int(n) => u64::try_from(n).ok(),
            _ => None,
        }
    }

    fn wrap(&mut self, id: u32, wrapped: (String, String)) {
        let g = &mut self.globals[id as usize];
        if g.wraps.len() < 1000 && !g.wraps.contains(&wrapped) {
            g.wraps.push(wrapped);
        }
    }

    /// What calling the result of a call calls: `attrgetter("system")(os)` is followed, a partial object calls what it wraps.
    fn resolve_callee(&mut self, callee: Value, args: Value, at: u64) -> Result<Option<u32>> {
        let Kind::Call { global, .. } = callee.kind() else {
            return Ok(None);
        };
        let g = &self.globals[global as usize];
        let (module, name) = (g.module.clone(), g.name.clone());
        let made_with = self.args_of(callee).unwrap_or_default();
        match (module.as_str(), name.as_str()) {
            ("functools" | "_functools", "partial") => match made_with.first().map(|v| v.kind()) {
                Some(Kind::Global(id)) => Ok(Some(id)),
                _ => Ok(None),
            },
            ("operator" | "_operator", "attrgetter") => {
                let attr = made_with.first().and_then(|v| self.string(*v));
                let owner = self.items(args).and_then(|i| i.first().copied());
                match (attr, owner.map(Value::kind)) {
                    (Some(attr), Some(Kind::Global(o))) => {
                        let g = &self.globals[o as usize];
                        let (m, n) = (g.module.clone(), if g.name.is_empty() { attr } else { format!("{}.{attr}", g.name) });
                        self.named(&m, &n, at, 1, false).map(Some)
                    }
                    _ => Ok(None),
                }
            }
            _ => Ok(None),
        }
    }

    fn is_wrapper(&self, target: Value) -> bool {
        self.class_of(target).is_some_and(|g| super::joblib::is_wrapper(&g.module, &g.name))
    }

    /// The class that an object was made of. Protocols 0 and 1 make objects through `copyreg._reconstructor(class, object, None)`.
    fn class_of(&self, target: Value) -> Option<&Global> {
        let Kind::Call { global, .. } = target.kind() else { return None };
        let made = self.globals.get(global as usize)?;
        if made.name != "_reconstructor" {
            return Some(made);
        }
        match self.args_of(target)?.first()?.kind() {
            Kind::Global(g) => self.globals.get(g as usize),
            _ => None,
        }
    }

    /// The entries of a dictionary, as far as they are known.
    pub fn entries(&self, v: Value) -> Option<Vec<(String, Value)>> {
        let Kind::Dict(id) = v.kind() else {
            return None;
        };
        let (items, _) = self.slots.items(id)?;
        Some(items.chunks_exact(2).filter_map(|p| Some((self.string(*p.first()?)?, *p.get(1)?))).collect())
    }

    fn build(&mut self, target: Value, state: Value, at: u64) {
        match target.kind() {
            Kind::Global(id) => {
                self.act(at);
                self.globals[id as usize].usage.built = true;
                self.mutation(id, "BUILD", 0x10, true, target, at);
            }
            Kind::Call { global, .. } => {
                self.act(at);
                let g = &mut self.globals[global as usize];
                g.usage.built = true;
                if g.tensor {
                    self.mutation(global, "BUILD", 0x20, false, target, at);
                }
            }
            Kind::Persistent(_) => {
                self.act(at);
                let text = format!("{} ← {}", self.show(target), self.show(state));
                self.facts_capped((at, 1, Fact::Mutation { opcode: "BUILD", module: "persistent_load".into(), name: String::new(), global: true, text }));
            }
            _ => {}
        }
    }

    /// [`Machine::fill`] with everything on the stack from `from` on, which is taken off.
    fn fill_from(&mut self, target: Value, from: usize, opcode: &'static str, at: u64) -> Result<()> {
        // Filling leaves the stack alone, so that it can lend its items without a copy: batches of a thousand follow one another.
        let mut stack = std::mem::take(&mut self.stack);
        let filled = self.fill(target, stack.get(from..).unwrap_or(&[]), opcode, at);
        stack.truncate(from);
        self.stack = stack;
        filled
    }

    /// Item opcodes: on a list, dictionary or set they fill it; on anything else they call its methods.
    fn fill(&mut self, target: Value, items: &[Value], opcode: &'static str, at: u64) -> Result<()> {
        match target.kind() {
            Kind::List(id) | Kind::Dict(id) => {
                let weight = self.weigh(items);
                self.heaviest = self.heaviest.max(weight);
                self.slots.add(id, items, weight);
            }
            Kind::Set(_) => {}
            Kind::Call { global, .. } => {
                let bit = match opcode {
                    "SETITEM" | "SETITEMS" => 1,
                    "APPEND" | "APPENDS" => 2,
                    _ => 4,
                };
                self.mutation(global, opcode, bit, false, target, at);
            }
            Kind::Global(id) => {
                self.act(at);
                self.mutation(id, opcode, 8, true, target, at);
            }
            Kind::Persistent(_) => {
                self.act(at);
                let text = self.show(target);
                self.facts_capped((at, 1, Fact::Mutation { opcode, module: "persistent_load".into(), name: String::new(), global: true, text }));
            }
            _ => {}
        }
        if matches!(opcode, "SETITEM" | "SETITEMS" | "DICT") {
            for pair in items.chunks_exact(2) {
                self.pair(pair[0], pair[1], at);
            }
        }
        Ok(())
    }

    #[inline]
    fn pair(&mut self, key: Value, value: Value, at: u64) {
        let Kind::Str(spot) = key.kind() else { return };
        // 0 comes out of the memo, 0xffff is marked, and texts of lines are not told apart: only those are looked at again.
        let look = spot.len == 0xffff || (self.proto < 2 && spot.len < 64) || (spot.len == 0 && self.special < 100_000);
        if look {
            self.special += 1;
            if let Some(text) = self.string(key)
                && super::SPECIAL_METHODS.contains(&text.as_str())
            {
                self.facts_capped((at, 1, Fact::SpecialKey { key: text }));
            }
        }
        if let Kind::Call { global, node } = value.kind()
            && self.globals[global as usize].tensor
        {
            self.torch.name(node, spot);
        }
    }

    fn mutation(&mut self, id: u32, opcode: &'static str, bit: u8, global: bool, target: Value, at: u64) {
        let g = &mut self.globals[id as usize];
        if g.mutated & bit != 0 {
            return;
        }
        g.mutated |= bit;
        let (module, name) = (g.module.clone(), g.name.clone());
        let text = self.show(target);
        self.facts_capped((at, 1, Fact::Mutation { opcode, module, name, global, text }));
    }

    fn persistent(&mut self, id: Value, at: u64) -> Option<Value> {
        let known = super::torch::persistent(self, id, at);
        if known.is_none() {
            let text = self.show(id);
            self.facts_capped((at, 1, Fact::PersistentId { text }));
        }
        known.flatten()
    }

    /// The value as Python would write it, shortened.
    pub fn show(&self, v: Value) -> String {
        let mut out = String::new();
        self.write(v, 4, &mut out);
        out
    }

    fn show_args(&self, args: Value) -> String {
        let mut out = String::from("(");
        self.write_items(args, 4, &mut out);
        out.push(')');
        out
    }

    fn write_items(&self, args: Value, depth: u32, out: &mut String) {
        match self.items(args) {
            Some(items) => {
                for (n, v) in items.iter().enumerate() {
                    if n > 0 {
                        out.push_str(", ");
                    }
                    if n == 6 || out.len() > 300 {
                        out.push('…');
                        break;
                    }
                    self.write(*v, depth, out);
                }
            }
            None => out.push('…'),
        }
    }

    /// Depth and length are bounded, so that the recursion is too.
    fn write(&self, v: Value, depth: u32, out: &mut String) {
        if depth == 0 || out.len() > 300 {
            out.push('…');
            return;
        }
        match v.kind() {
            Kind::Plain => out.push('…'),
            Kind::None => out.push_str("None"),
            Kind::Bool(b) => out.push_str(if b { "True" } else { "False" }),
            Kind::Int(n) => out.push_str(&n.to_string()),
            Kind::Str(_) => match self.string(v) {
                Some(text) => {
                    out.push('"');
                    out.push_str(&crate::text::printable(&text, 160));
                    out.push('"');
                }
                None => out.push('…'),
            },
            Kind::Bytes(spot) => {
                let raw = self.tape.peek(spot.at + 2, u64::from(spot.len).min(40), 40);
                out.push_str("b\"");
                out.push_str(&crate::text::printable(&raw.escape_ascii().to_string(), 60));
                out.push('"');
            }
            Kind::Global(id) => self.write_name(id, out),
            Kind::Call { global, .. } => {
                self.write_name(global, out);
                out.push('(');
                match self.args_of(v) {
                    Some(args) => {
                        for (n, a) in args.iter().enumerate() {
                            if n > 0 {
                                out.push_str(", ");
                            }
                            if n == 6 || out.len() > 300 {
                                out.push('…');
                                break;
                            }
                            self.write(*a, depth - 1, out);
                        }
                    }
                    None => out.push('…'),
                }
                out.push(')');
            }
            Kind::Tuple(_) => {
                out.push('(');
                self.write_items(v, depth - 1, out);
                out.push(')');
            }
            Kind::Set(_) => {
                out.push('{');
                self.write_items(v, depth - 1, out);
                out.push('}');
            }
            Kind::List(_) => {
                out.push('[');
                self.write_items(v, depth - 1, out);
                out.push(']');
            }
            Kind::Dict(id) => {
                out.push('{');
                match self.slots.items(id) {
                    Some((items, more)) => {
                        for (n, pair) in items.chunks(2).enumerate() {
                            if n > 0 {
                                out.push_str(", ");
                            }
                            for (m, x) in pair.iter().enumerate() {
                                if m > 0 {
                                    out.push_str(": ");
                                }
                                self.write(*x, depth - 1, out);
                            }
                        }
                        if more {
                            out.push_str(", …");
                        }
                    }
                    None => out.push('…'),
                }
                out.push('}');
            }
            Kind::Persistent(span) => {
                out.push_str("persistent_load(");
                if let Some(id) = self.pool.items(span).and_then(|i| i.first().copied()) {
                    self.write(id, depth - 1, out);
                }
                out.push(')');
            }
        }
    }

    fn write_name(&self, id: u32, out: &mut String) {
        let g = &self.globals[id as usize];
        match (g.module.as_str(), g.name.as_str()) {
            ("builtins" | "__builtin__", name) => out.push_str(&crate::text::printable(name, 100)),
            (module, "") => out.push_str(&crate::text::printable(module, 100)),
            (module, name) => {
                out.push_str(&crate::text::printable(module, 100));
                out.push('.');
                out.push_str(&crate::text::printable(name, 100));
            }
        }
    }

    /// Length of the bytes that the pickle stands in.
    pub fn size(&self) -> u64 {
        self.view.len()
    }

    /// The bytes that the pickle stands in.
    pub fn view(&self) -> View<'s> {
        self.view
    }
}

/// Whether bytes begin with the mark of something that is read by itself.
pub fn marked(head: &[u8]) -> bool {
    let marks = [&b"PK\x03\x04"[..], b"\x7fELF", b"\x93NUMPY", b"\x1f\x8b\x08", b"BZh", b"\xfd7zXZ", b"GGUF"];
    matches!(head, [0x80, 0..=5, ..]) || marks.iter().any(|m| head.starts_with(m))
}

/// UTF-8 as Python writes it, with lone surrogates, which become replacement characters here; otherwise one character a byte.
fn decode(bytes: &[u8]) -> String {
    if let Ok(s) = std::str::from_utf8(bytes) {
        return s.to_string();
    }
    let mut out = String::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let good = std::str::from_utf8(rest).map_or_else(|e| e.valid_up_to(), str::len);
        let (text, bad) = rest.split_at(good);
        out.push_str(std::str::from_utf8(text).unwrap_or_default());
        rest = match bad {
            [] => break,
            [0xed, 0xa0..=0xbf, 0x80..=0xbf, next @ ..] => next,
            _ => return bytes.iter().map(|b| *b as char).collect(),
        };
        out.push('\u{fffd}');
    }
    out
}

/// INT and LONG in every spelling that `strtol(…, 0)` or `int(…, 0)` accepts; `None` for what both refuse.
fn integer(line: &[u8], short: bool) -> Option<Value> {
    if short && line == b"00" {
        return Some(Value::bool(false));
    }
    if short && line == b"01" {
        return Some(Value::bool(true));
    }
    // `strtol` stops at a NUL and takes an empty text for zero.
    let cut = line.iter().position(|b| *b == 0).unwrap_or(line.len());
    let text: String = line[..cut].iter().map(|b| *b as char).collect();
    let text = text.trim_matches(|c: char| c.is_ascii_whitespace() || c == '\u{b}');
    let text = text.strip_suffix(['L', 'l']).unwrap_or(text).trim_end_matches(|c: char| c.is_ascii_whitespace() || c == '\u{b}');
    let (negative, digits) = match text.strip_prefix('-') {
        Some(d) => (true, d),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let lower = digits.to_ascii_lowercase().replace('_', "");
    // INT goes through `strtol`, for which a leading zero means octal.
    let octal = if short && lower.len() > 1 && lower.bytes().all(|b| matches!(b, b'0'..=b'7')) { "0" } else { "0o" };
    let (radix, digits) = [("0x", 16), ("0o", 8), (octal, 8), ("0b", 2)].into_iter().find_map(|(p, r)| lower.strip_prefix(p).map(|d| (r, d))).unwrap_or((10, &lower));
    if !digits.chars().all(|c| c.is_digit(radix)) {
        return None;
    }
    let n = if digits.is_empty() { Some(0) } else { i64::from_str_radix(digits, radix).ok() };
    Some(n.map_or(Value::PLAIN, |n| Value::int(if negative { -n } else { n })))
}

/// A memo key of GET and PUT. The Python unpickler's memo takes a number of any size, Python 2's the line as it is.
enum Key {
    /// A number.
    Number(u64),
    /// What is none that fits: its digits, or the line.
    Other(Vec<u8>),
}

/// A memo key as `int()` reads it.
fn key(line: &[u8]) -> Key {
    let number = line.iter().position(|b| *b == 0).map_or(line, |end| &line[..end]).trim_ascii();
    let digits: Vec<u8> = number.strip_prefix(b"+").unwrap_or(number).iter().copied().filter(|b| *b != b'_').skip_while(|b| *b == b'0').collect();
    let zero = digits.is_empty() && number.contains(&b'0');
    match std::str::from_utf8(&digits).ok().and_then(|d| d.parse().ok()) {
        _ if zero => Key::Number(0),
        Some(n) if !digits.starts_with(b"+") => Key::Number(n),
        _ if !digits.is_empty() && digits.iter().all(u8::is_ascii_digit) => Key::Other(digits),
        _ => Key::Other(line.to_vec()),
    }
}

/// LONG1 and LONG4: little-endian two's complement.
fn long(bytes: &[u8], len: u64) -> Value {
    if len > 8 {
        return Value::PLAIN;
    }
    let negative = bytes.last().is_some_and(|b| b & 0x80 != 0);
    let mut out = if negative { [0xff; 8] } else { [0; 8] };
    for (o, b) in out.iter_mut().zip(bytes) {
        *o = *b;
    }
    Value::int(i64::from_le_bytes(out))
}

/// STRING: a Python `repr` with its escapes.
fn unquote(line: &[u8]) -> String {
    let line = line.trim_ascii_end();
    let inner = match line {
        [q @ (b'\'' | b'"'), inner @ .., e] if q == e => inner,
        other => other,
    };
    let mut out = Vec::with_capacity(inner.len());
    let mut i = 0;
    while let Some(b) = inner.get(i) {
        i += 1;
        if *b != b'\\' {
            out.push(*b);
            continue;
        }
        let Some(e) = inner.get(i) else { break };
        i += 1;
        match e {
            b'n' => out.push(b'\n'),
            b't' => out.push(b'\t'),
            b'r' => out.push(b'\r'),
            b'a' => out.push(7),
            b'b' => out.push(8),
            b'f' => out.push(12),
            b'v' => out.push(11),
            b'x' => {
                let hex = inner.get(i..i + 2).and_then(|h| std::str::from_utf8(h).ok()).and_then(|h| u8::from_str_radix(h, 16).ok());
                if let Some(v) = hex {
                    out.push(v);
                    i += 2;
                }
            }
            b'0'..=b'7' => {
                let mut v = u32::from(e - b'0');
                for _ in 0..2 {
                    if let Some(d @ b'0'..=b'7') = inner.get(i) {
                        v = v * 8 + u32::from(d - b'0');
                        i += 1;
                    }
                }
                out.push(v as u8);
            }
            b'\\' | b'\'' | b'"' => out.push(*e),
            b'\n' => {}
            // What is no escape stays as it is.
            other => out.extend([b'\\', *other]),
        }
    }
    decode(&out)
}

/// UNICODE: raw-unicode-escape.
fn raw_unicode(line: &[u8]) -> String {
    let mut out = String::with_capacity(line.len());
    let mut i = 0;
    while let Some(b) = line.get(i) {
        i += 1;
        // A backslash that follows another begins nothing.
        if *b == b'\\' && line.get(i) == Some(&b'\\') {
            out.push_str("\\\\");
            i += 1;
            continue;
        }
        if *b == b'\\'
            && let Some(kind @ (b'u' | b'U')) = line.get(i)
        {
            let n = if *kind == b'u' { 4 } else { 8 };
            let code = line.get(i + 1..i + 1 + n).and_then(|h| std::str::from_utf8(h).ok()).and_then(|h| u32::from_str_radix(h, 16).ok());
            if let Some(code) = code {
                out.push(char::from_u32(code).unwrap_or('\u{fffd}'));
                i += 1 + n;
                continue;
            }
        }
        out.push(*b as char);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_every_spelling() {
        for (line, value) in
            [(&b"0x10"[..], Value::int(16)), (b" 1_0 ", Value::int(10)), (b"01", Value::bool(true)), (b"1\0x", Value::int(1)), (b"-7L", Value::int(-7)), (b"3 L", Value::int(3)), (b"", Value::int(0))]
        {
            assert_eq!(integer(line, true), Some(value), "{}", line.escape_ascii());
        }
        assert_eq!(integer(b"99999999999999999999999999", false), Some(Value::PLAIN));
        assert_eq!(integer(b"1 is the first.", true), None);
        assert_eq!(integer(b"017", true), Some(Value::int(15)));
        for line in [&b"+3"[..], b" 0_3 ", b"0000000000000000000000000000000000000000000000000000000000000000000000003", b"3\0x"] {
            assert!(matches!(key(line), Key::Number(3)), "{}", line.escape_ascii());
        }
        assert!(matches!(key(b"099999999999999999999999999"), Key::Other(k) if k == b"99999999999999999999999999"));
        assert!(matches!(key(b"00"), Key::Number(0)));
        assert_eq!(long(&[0xff], 1), Value::int(-1));
        assert_eq!(long(&[0x80, 0], 2), Value::int(128));
    }

    #[test]
    fn texts_with_every_escape() {
        assert_eq!(unquote(b"'o\\x73'"), "os");
        assert_eq!(unquote(b"\"\\157s\""), "os");
        assert_eq!(raw_unicode(b"\\u006f\\U00000073"), "os");
    }
}
