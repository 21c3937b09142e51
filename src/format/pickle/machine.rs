//! The abstract pickle machine: follows what the C unpickler, the Python one and torch's do, and where they differ takes the
//! union. Nothing is built or called; values are only known as far as they could name or reach something.
//!
//! Where an unpickler would raise for a type alone (APPEND on a text, say), the machine goes on: what it lists is then a superset.
//! It stops where all of them stop: at the end of the bytes, an unknown opcode, an empty stack, an unset memo key.

mod dash;
mod literal;
mod load;
mod read;
mod show;
mod state;
mod step;

use super::constant::{self};
use super::evaluate;
use super::follow::Target;
use super::memo::{MARKED, Memo};
use super::tape::{Frames, Tape};
use super::torch::Seen;
use super::value::{Kind, Value};
use crate::bytes::View;
use crate::error::{Error, Result};
use crate::fact::{Fact, Use};
use crate::limits::Limits;
use literal::{decode, integer};
use std::cell::Cell;
use std::collections::{HashMap, HashSet};
use weighstation_plain::run::{Data, NESTED_FROM, weigh};
use weighstation_plain::weight::{LEVELS, TOO_DEEP, heavier};

/// Calls of one global that are rendered; more are only counted.
const CALLS_SHOWN: u32 = 6;
/// Memo keys that are no index; nobody writes one.
const ODD_KEYS: usize = 1000;
/// Bytes of a text that is still read to tell what it names, or of a memo's key, before which any number of zeros may stand.
const NAME: usize = 64 * 1024;
/// Constants that are read by themselves; more are a gap.
const NESTED: usize = 1 << 16;
/// Bytes kept of a name; longer than any path that a system opens.
const NAMED: usize = 4096;
/// Bytes that the names of one pickle's imports may take.
const NAMES: usize = 16 << 20;
/// Extensions kept; those that are not are said to be unknown, as those of any other pickle are.
const EXTENSIONS: usize = 1000;
/// Work that comes with every byte of a pickle: bytes copied and items looked at by its opcodes.
pub const SHARE: u64 = 16;
/// What a probing run may cost beyond it.
const PROBING: u64 = 1 << 17;

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
    /// Whether it evaluates texts that it is handed.
    pub(super) evaluates: bool,
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

/// Bytes that a call loads as objects.
pub enum Load {
    /// They stand in the pickle: offset and length.
    There(u64, u64),
    /// They are the characters of a text of this offset and length.
    Encoded(u64, u64),
    /// Calls make them of constants.
    Made(Vec<u8>),
}

/// Facts of a run with their places.
pub type Stated = Vec<(u64, u64, Fact)>;

/// The machine for one pickle.
pub struct Machine<'s> {
    view: View<'s>,
    /// The bytes, with the position.
    pub tape: Tape<'s>,
    /// The stack, the memo and what objects hold.
    pub(super) data: Data,
    /// What PUT remembered under something that is no index.
    odd_keys: HashMap<Vec<u8>, Value>,
    /// The first text, of those that a statistical model would evaluate as its formula, that is none.
    pub(super) strange_formula: Option<String>,
    /// The first text that stands where a part of a formula does, of those that are none.
    pub(super) strange_term: Option<String>,
    /// Imports in order of first appearance.
    pub globals: Vec<Global>,
    by_name: HashMap<String, u32>,
    /// Bytes of their names.
    names: usize,
    /// Texts and bytes that do not stand behind their opcode, because what was left of a frame was dropped: offset and length by opcode.
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
    /// Bytes that a call loads as objects, with whether that is all it does with them.
    pub loaded: Vec<(u64, Load, bool)>,
    /// Whether constants that are read by themselves, or that a call loads, are more or longer than is looked at here.
    pub unread: bool,
    /// Bytes constants without a beginning of their own.
    pub blobs: Vec<(u64, u64)>,
    decoded_bytes: usize,
    /// Whether opcodes may take what stands below the last mark, as Python 2 lets them.
    pub unfenced: bool,
    /// Whether marks are objects on the stack, as they are for Python 2's `pickle.py`: any opcode may take one.
    pub marks_inside: bool,
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
    /// What `append`, `extend` or `add` was set to, of those that are no plain values.
    method: Option<String>,
    /// The keys of addresses in machine code, of those that are set to something, and the dictionaries that hold them, 0 for what is none.
    addresses: Vec<(&'static str, u64)>,
    /// Dictionaries with a key that special methods have for a name and that has the value of a word, and the first such key of each.
    words: Vec<(u64, String)>,
    /// Whether the pickle has anything that does something when it is called without an opcode.
    pub(super) callables: bool,
    /// Whether it asks for iterators that may have no end, or none that anybody waits for.
    pub(super) endless: bool,
    /// Objects and dictionaries that have such a thing for an attribute or entry, with its name, and whether it is an object that has one.
    armed: HashMap<u64, (String, bool)>,
    /// Whether it asks for types of numpy's.
    pub(super) typed: bool,
    /// Dictionaries with a field that holds objects.
    pub(super) object_fields: HashSet<u64>,
    /// Whether a key was computed, so that nobody knows which it is.
    odd_key: bool,
    /// What arrays' types come to, by the node of the call that made them.
    pub(super) dtypes: HashMap<u32, Option<super::joblib::Dtype>>,
    /// Whether arrays are taken from where their padding begins, as joblib before 1.2 does.
    pub unaligned: bool,
    /// Whether an array said that it is padded.
    pub aligned: bool,
    /// Whether something that the memo no longer told was called, filled or taken for a name.
    pub lost: bool,
    /// What was forgotten because there was too much of it: what is missing from then on is [`Value::LOST`].
    pub forgot: Option<&'static str>,
    /// How many calls are being made by functions that were handed the callee.
    pub(super) handed: u32,
    /// What undoing constants may still cost.
    allowance: Cell<u64>,
    /// What opcodes cost beside being read: one of six bytes may have a text of 64 KiB read again.
    spent: Cell<u64>,
    /// What they may cost beyond [`SHARE`] a byte.
    pub allowed: u64,
    start: u64,
}

/// How an object is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hand {
    /// With everything that calling it runs.
    Call,
    /// Only its `__new__`: NEWOBJ and NEWOBJ_EX.
    Make,
}

/// Opcodes run by one call of the inner loop. Browsers begin with code that is quick to compile and slow to run, and replace it only between
/// two calls: a loop that never returns stays slow to its end.
const SLICE: u64 = 50_000;

impl<'s> Machine<'s> {
    /// A machine for the pickle at `at`.
    pub fn new(view: View<'s>, at: u64, frames: Frames, limits: &Limits) -> Self {
        Machine {
            view,
            tape: Tape::new(view, at, frames),
            data: Data::new(limits.memo),
            odd_keys: HashMap::new(),
            strange_formula: None,
            strange_term: None,
            globals: Vec::new(),
            by_name: HashMap::new(),
            names: 0,
            moved: HashMap::new(),
            extensions: HashMap::new(),
            limits: limits.clone(),
            facts: Vec::new(),
            more_facts: false,
            nested: Vec::new(),
            decoded: Vec::new(),
            loaded: Vec::new(),
            unread: false,
            blobs: Vec::new(),
            decoded_bytes: 0,
            unfenced: false,
            marks_inside: false,
            joblib: false,
            wrapped: false,
            arrays: Vec::new(),
            inner: Vec::new(),
            ops: 0,
            proto: 0,
            torch: Seen::default(),
            acted: false,
            first_act: u64::MAX,
            method: None,
            addresses: Vec::new(),
            words: Vec::new(),
            callables: false,
            endless: false,
            armed: HashMap::new(),
            typed: false,
            object_fields: HashSet::new(),
            odd_key: false,
            dtypes: HashMap::new(),
            unaligned: false,
            aligned: false,
            lost: false,
            forgot: None,
            handed: 0,
            allowance: Cell::new(constant::ALLOWANCE),
            spent: Cell::new(0),
            allowed: PROBING,
            start: at,
        }
    }

    /// What all of the run has cost so far, in nanoseconds or so, with making the machine.
    pub fn cost(&self) -> u64 {
        self.tape.searched.saturating_add(500).saturating_add(self.ops.saturating_mul(8)).saturating_add(self.spent.get())
    }

    /// What opcodes have cost beside being read, beyond what comes with the bytes.
    pub fn excess(&self) -> u64 {
        self.spent.get().saturating_sub(SHARE.saturating_mul(self.tape.at().saturating_sub(self.start)))
    }

    fn overspent(&self) -> bool {
        self.excess() > self.allowed
    }

    /// Pays for bytes that are copied or items that are looked at; `None` once the pickle costs more than it may.
    pub(super) fn pay(&self, cost: u64) -> Option<()> {
        self.spent.set(self.spent.get().saturating_add(cost));
        (!self.overspent()).then_some(())
    }

    /// Runs to the end, or for at most `allowance` opcodes.
    pub fn run(&mut self, allowance: u64) -> Result<Stop> {
        let until = self.ops.saturating_add(allowance);
        let ended = loop {
            let slice = until.saturating_sub(self.ops).min(SLICE);
            // Called through a pointer that no optimiser sees through.
            match std::hint::black_box(Self::go as fn(&mut Self, u64) -> Result<Stop>)(self, slice) {
                _ if self.overspent() => break Ok(Stop::Limit("pickle-work")),
                Ok(Stop::Allowance) if self.ops < until => {}
                ended => break ended,
            }
        };
        let stop = match ended {
            Ok(stop) => stop,
            Err(Error::Malformed { what: "ends-early", .. }) => Stop::End,
            Err(Error::Malformed { what, .. }) => Stop::Fault(what),
            Err(Error::Limit { what, .. }) => Stop::Limit(what),
            Err(e) => return Err(e),
        };
        let heaviest = self.data.heaviest;
        if (40 << LEVELS..TOO_DEEP).contains(&heaviest) {
            self.facts.push((0, 0, Fact::Expansion { power: heaviest >> LEVELS }));
        }
        // Nobody names so much, or has the same bytes read so often, but to wear out whoever looks.
        let flood = match stop {
            Stop::Limit("imports") => Some("too-many-imports"),
            Stop::Limit("pickle-work") => Some("too-much-work"),
            _ if heaviest == TOO_DEEP => Some("too-deep"),
            _ => None,
        };
        self.facts.extend(flood.map(|what| (self.tape.at(), 0, Fact::Flood { what })));
        Ok(stop)
    }

    /// Forgets what is on the stack, of which there is more than is kept, and goes on with what is behind: an import there is one.
    #[cold]
    fn forget(&mut self, what: &'static str) {
        self.data.stack.truncate(0);
        self.data.marks.truncate(0);
        self.forgot = Some(what);
    }

    /// What stands where nothing is left: what was forgotten, if anything was.
    #[cold]
    fn under(&self) -> Result<Value> {
        if self.forgot.is_some() && self.data.stack.is_empty() { Ok(Value::LOST) } else { self.fault("stack-empty") }
    }

    fn fault<T>(&self, what: &'static str) -> Result<T> {
        Err(Error::malformed(self.tape.at(), what))
    }

    #[inline(always)]
    fn floor(&self) -> usize {
        match self.data.marks.last() {
            Some(mark) if !self.unfenced => mark,
            _ => 0,
        }
    }

    #[inline(always)]
    fn pop(&mut self) -> Result<Value> {
        if self.data.stack.len() <= self.floor() {
            return self.under();
        }
        match self.data.stack.pop() {
            Some(v) => Ok(v),
            None => self.under(),
        }
    }

    #[inline(always)]
    fn top(&self) -> Result<Value> {
        if self.data.stack.len() <= self.floor() {
            return self.under();
        }
        match self.data.stack.last() {
            Some(v) => Ok(v),
            None => self.under(),
        }
    }

    #[inline(always)]
    fn push(&mut self, v: Value) -> Result<()> {
        if self.data.stack.len() >= self.limits.stack {
            self.forget("pickle-stack");
        }
        self.data.stack.push(v);
        Ok(())
    }

    #[inline(always)]
    fn mark(&mut self) -> Result<usize> {
        let mark = if self.marks_inside { self.data.stack.take_out(Value::MARK) } else { self.data.marks.pop() };
        match mark {
            Some(m) => Ok(m.min(self.data.stack.len())),
            None if self.forgot.is_some() => Ok(0),
            None => self.fault("mark-missing"),
        }
    }

    pub(super) fn act(&mut self, at: u64) {
        self.acted = true;
        self.first_act = self.first_act.min(at);
    }

    /// States a fact; more than the limit are a gap. There is as much room again for all but identifiers and calls of the same, which may be of any
    /// number and mean nothing: the first call of each import always is stated.
    pub(super) fn facts_capped(&mut self, fact: (u64, u64, Fact)) {
        let room = if matches!(fact.2, Fact::PersistentId { .. }) { 1 } else { 3 };
        if self.facts.len() < self.limits.facts.saturating_mul(room) {
            self.facts.push(fact);
        } else {
            self.more_facts = true;
        }
    }

    #[inline(always)]
    fn get(&mut self, key: u64) -> Result<()> {
        match self.data.memo.get(key) {
            Some(v) => self.push(v),
            None if self.forgot.is_some() => self.push(Value::LOST),
            None => self.fault("memo-unset"),
        }
    }

    /// Begins the memo anew, with as many entries as the next one goes on counting from.
    #[cold]
    fn forget_memo(&mut self) {
        let len = self.data.memo.len;
        self.data.memo = Memo::new(self.limits.memo);
        self.data.memo.len = len;
        self.forgot = Some("pickle-memo");
    }

    fn put_odd(&mut self, key: Vec<u8>) -> Result<()> {
        let v = self.top()?;
        if self.odd_keys.len() >= ODD_KEYS {
            self.odd_keys.clear();
            self.forgot = Some("pickle-memo");
        }
        self.data.memo.len += u64::from(self.odd_keys.insert(key, v).is_none());
        Ok(())
    }

    #[inline(always)]
    fn put(&mut self, key: u64) -> Result<()> {
        let v = self.top()?;
        if self.data.memo.over {
            self.forget_memo();
        }
        self.data.memo.put(key, v);
        Ok(())
    }

    #[inline(always)]
    fn text(&mut self, at: u64, len: u64, header: u64) -> Result<()> {
        let from = self.tape.skip(len)?;
        if from - at > header {
            self.move_text(at, from, len);
        }
        if len >= NESTED_FROM {
            self.note_nested(from, len);
        }
        let len = if self.tape.may_be_special(from, len) { usize::from(MARKED) } else { len.min(0xfffe) as usize };
        self.push(Value::str(at, len))
    }

    /// Only where frames are broken: the opcode's own length would be read from the wrong place.
    #[cold]
    #[inline(never)]
    fn move_text(&mut self, at: u64, from: u64, len: u64) {
        if self.moved.len() < self.limits.facts {
            self.moved.insert(at, (from, len));
        }
    }

    #[inline(always)]
    fn blob(&mut self, at: u64, len: u64, header: u64) -> Result<()> {
        let from = self.tape.skip(len)?;
        if from - at > header {
            self.move_text(at, from, len);
        }
        if len >= 8 {
            self.note_nested(from, len);
        }
        self.push(Value::bytes(at, len.min(0xffff) as usize))
    }

    /// Remembers constants that begin like something that is read by itself.
    #[inline(never)]
    fn note_nested(&mut self, at: u64, len: u64) {
        let head = self.tape.peek(at, len, 8);
        if marked(&head) || super::constant::encoding(&head).is_some() {
            match self.nested.len() {
                ..NESTED => self.nested.push((at, len)),
                _ => self.unread = true,
            }
        } else if len >= 64 && self.blobs.len() < 4096 {
            self.blobs.push((at, len));
        }
    }

    fn weigh(&self, items: &[Value]) -> u32 {
        weigh(&self.data.pool, &self.data.slots, items)
    }

    fn tuple(&mut self, from: usize) -> Value {
        let items = self.data.stack.above(from);
        if items.is_empty() {
            return Value::tuple(0, 0);
        }
        let weight = self.weigh(items);
        self.data.heaviest = heavier(self.data.heaviest, weight);
        let span = self.data.pool.keep(items, weight);
        self.data.stack.truncate(from);
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

    pub(super) fn named(&mut self, module: &str, name: &str, at: u64, len: u64, asked: bool) -> Result<u32> {
        let (module, name) = (cut(module), cut(name));
        self.pay((64 + module.len() + name.len()) as u64);
        let key = format!("{module}\n{name}");
        if let Some(id) = self.by_name.get(&key) {
            self.globals[*id as usize].asked |= asked;
            return Ok(*id);
        }
        self.names = self.names.saturating_add(key.len());
        if self.globals.len() >= self.limits.facts || self.names > NAMES {
            return Err(Error::limit(at, "imports"));
        }
        self.callables |= name.contains('.');
        self.endless |= module == "itertools" || matches!(name, "range" | "xrange");
        self.typed |= name == "dtype";
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
            evaluates: evaluate::evaluates(module, name),
            calls: 0,
            mutated: 0,
        });
        self.by_name.insert(key, id);
        Ok(id)
    }

    fn stack_global(&mut self, module: Value, name: Value, at: u64) -> Result<Value> {
        self.data.memo.retain(module);
        self.data.memo.retain(name);
        if matches!(module.kind(), Kind::Lost) || matches!(name.kind(), Kind::Lost) {
            self.lost = true;
            if self.forgot.is_some() {
                self.facts_capped((at, 1, Fact::ComputedImport { text: "….…".into() }));
            }
            return Ok(Value::LOST);
        }
        let (m, n) = (self.string(module), self.string(name));
        if let (Some(m), Some(n)) = (&m, &n) {
            if !matches!((module.kind(), name.kind()), (Kind::Str(_), Kind::Str(_))) {
                let text = format!("{}.{}", cut(m), cut(n));
                self.facts_capped((at, 1, Fact::ComputedImport { text }));
            }
            return Ok(Value::global(self.import(m.clone(), n.clone(), at, 1)?));
        }
        let no_text = |v: Value| matches!(v.kind(), Kind::Tuple(_) | Kind::List(_) | Kind::Dict(_) | Kind::Set(_)) || self.is_instance(v) || self.is_data(v);
        if no_text(module) || no_text(name) {
            return self.fault("not-a-name");
        }
        // A number or None raises; anything made by a call may be any text.
        let maybe = |v: Value| matches!(v.kind(), Kind::Str(_) | Kind::Call { .. } | Kind::Persistent(_) | Kind::Global(_));
        let said = |known: Option<String>, v: Value| known.map_or_else(|| self.show(v), |text| cut(&text).to_string());
        let text = format!("{}.{}", said(m, module), said(n, name));
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
        !builtin && self.data.pool.node(node).is_some_and(|span| self.data.pool.weight(span) == 1)
    }

    /// Whether this is what a call of a container's class or of numpy's type hands back: neither a plain text nor callable. (What numpy's `scalar` hands
    /// back may be either: of a type of objects it unpickles one.)
    fn is_data(&self, v: Value) -> bool {
        let Kind::Call { global, .. } = v.kind() else { return false };
        self.globals.get(global as usize).is_some_and(|g| {
            matches!((g.module.as_str(), g.name.as_str()), ("collections", "OrderedDict" | "defaultdict" | "Counter" | "deque") | ("numpy", "dtype"))
        })
    }

    /// Something is called or made that no opcode calls: said like a call.
    pub(super) fn used(&mut self, id: u32, hand: Hand, args: &str, at: u64) {
        let Some(g) = self.globals.get_mut(id as usize) else { return };
        match hand {
            Hand::Call => g.usage.called = true,
            Hand::Make => g.usage.made = true,
        }
        g.calls = g.calls.saturating_add(1);
        if shown(g.calls, self.facts.len(), &self.limits) {
            let (module, name) = (g.module.clone(), g.name.clone());
            let mut text = String::new();
            self.write_name(id, &mut text);
            text.push_str(args);
            self.facts_capped((at, 1, Fact::Call { module, name, text }));
        }
    }

    /// Pays for undoing a constant; `None` once the allowance is used up.
    pub(super) fn spend(&self, cost: u64) -> Option<()> {
        let left = self.allowance.get().checked_sub(cost);
        self.allowance.set(left.unwrap_or(0));
        self.pay(cost).and(left.map(|_| ()))
    }

    /// Bytes from `at` on that hold a line's end, if one stands within `cap`: most lines are short, and read again and again, and
    /// what is read is paid for: no more of what stands behind a line than three times its length.
    fn line_at(&self, at: u64, cap: usize) -> Vec<u8> {
        let left = self.view.len().saturating_sub(at);
        let mut most = 128.min(cap);
        loop {
            let line = self.tape.peek(at, left, most);
            if most >= cap || line.len() < most || line.contains(&b'\n') {
                return line;
            }
            most = most.saturating_mul(4).min(cap);
        }
    }

    /// The number of an import that was named before.
    pub(super) fn imported_as(&self, module: &str, name: &str) -> Option<u32> {
        self.by_name.get(&format!("{module}\n{name}")).copied()
    }

    /// A tuple of known items.
    pub(super) fn tuple_of(&mut self, items: &[Value]) -> Value {
        if items.is_empty() {
            return Value::tuple(0, 0);
        }
        let span = self.data.pool.keep(items, 0);
        Value::tuple(span.at, usize::from(span.len))
    }

    /// The result of calling import `id` with these arguments.
    pub(super) fn result_of(&mut self, id: u32, args: &[Value]) -> Value {
        let args = self.tuple_of(args);
        let span = self.data.pool.keep(&[args], 0);
        Value::call(id, span.at as u32)
    }

    /// Gives a call's result other arguments than it was made with.
    pub(super) fn replace(&mut self, node: u32, args: Value) {
        self.data.pool.replace(node, args);
    }

    /// Registers an extension code for the EXT opcodes behind it.
    pub(super) fn extend(&mut self, code: u64, module: String, name: String) {
        if self.extensions.len() < EXTENSIONS {
            self.extensions.insert(code, (cut(&module).to_string(), cut(&name).to_string()));
        }
    }

    /// A call, as the opcode or a function that was handed the callee makes it.
    pub(super) fn call(&mut self, callee: Value, args: Value, at: u64, len: u64, hand: Hand) -> Result<Value> {
        if matches!(callee.kind(), Kind::Lost) {
            self.lost = true;
            return Ok(callee);
        }
        if self.overspent() {
            return Err(Error::limit(at, "pickle-work"));
        }
        if !matches!(callee.kind(), Kind::Global(_) | Kind::Call { .. } | Kind::Persistent(_)) || self.wrapped && self.handed == 0 && self.is_data(callee) {
            // Numbers and texts cannot be called: every unpickler raises here. So it does with what the bytes of joblib's arrays, taken for opcodes, have
            // for a callee; what is handed to a function may be called later, or never.
            return self.fault("not-callable");
        }
        // The Python unpickler unpacks whatever stands there: of a dictionary, its keys.
        let args = match args.kind() {
            Kind::Dict(slot) => match self.data.slots.items(slot) {
                Some((items, false)) => {
                    let keys: Vec<Value> = items.chunks(2).filter_map(|pair| pair.first().copied()).collect();
                    self.tuple_of(&keys)
                }
                _ => args,
            },
            _ => args,
        };
        let (id, args) = match self.target(callee, args, at)? {
            Target::Import(id, args) => match self.new_call(id, args, at) {
                Some((class, rest)) => {
                    let class = Value::global(class);
                    return self.call(class, rest, at, len, Hand::Make);
                }
                None => (id, args),
            },
            Target::Found(value) => {
                self.act(at);
                return Ok(value);
            }
            Target::Unknown => {
                let text = format!("{}{}", self.show(callee), self.show_args(args));
                self.facts_capped((at, len, Fact::ComputedImport { text }));
                (self.named("?", "()", at, len, false)?, args)
            }
        };
        self.act(at);
        let span = self.data.pool.keep(&[args], u32::from(hand == Hand::Make));
        let result = Value::call(id, span.at as u32);
        let unites = self.unites_types(id, args);
        let names_type = unites || self.names_type(id, args) || self.caches_nothing(id, args);
        let g = &mut self.globals[id as usize];
        match hand {
            // Protocols 0 and 1 have no other way to name the type of `None`.
            Hand::Call => g.usage.called |= !names_type,
            Hand::Make => g.usage.made = true,
        }
        g.calls = g.calls.saturating_add(1);
        let (calls, tensor, evaluates) = (g.calls, g.tensor, g.evaluates);
        if tensor {
            let name = g.name.clone();
            if let Some(items) = self.items(args) {
                super::torch::called(self, &name, &items, at, span.at as u32);
            }
            return Ok(result);
        }
        if unites {
            self.wrap(id, ("types".to_string(), "UnionType".to_string()));
            return Ok(result);
        }
        if evaluates && self.evaluated(args) {
            self.state_evaluated(result, at, len);
        }
        if self.callables {
            // `__new__` keeps what it is handed, as a rule: tuples with names hold anything.
            if hand == Hand::Call {
                self.handed_armed(id, args, at);
            }
            // Some classes make attributes of the dictionary that they are handed.
            self.arm(result, args);
        }
        self.keeps_terms(id, args, at);
        let follow = self.follow(id, args, result, at, len)?;
        if shown(calls, self.facts.len(), &self.limits) {
            for text in self.items(args).unwrap_or_default().into_iter().take(8) {
                self.data.memo.retain(text);
            }
            let text = self.show(result);
            let g = &self.globals[id as usize];
            let (module, name) = (g.module.clone(), g.name.clone());
            // From the import to the call, where they stand together: that is the range that proves it.
            let (from, len) = if g.at < at && at - g.at < 1024 { (g.at, at + len - g.at) } else { (at, len) };
            self.facts_capped((from, len, Fact::Call { module, name, text }));
        }
        Ok(follow.unwrap_or(result))
    }

    /// `type(None)`, `type(Ellipsis)`, `type(NotImplemented)` and `getitem(typing.Union, …)`: how pickle names these types.
    fn names_type(&self, id: u32, args: Value) -> bool {
        let from = |id: u32, modules: &[&str]| self.globals.get(id as usize).is_some_and(|g| modules.contains(&g.module.as_str()));
        if self.globals.get(id as usize).is_some_and(|g| g.name == "getitem") && from(id, &["operator", "_operator"]) {
            // A special form, not what the module happens to import.
            let form = |of: u32| {
                from(of, &["typing"]) && self.globals.get(of as usize).is_some_and(|g| g.name.starts_with(char::is_uppercase) && !g.name.contains('.'))
            };
            return matches!(self.items(args).as_deref(), Some([of, _]) if matches!(of.kind(), Kind::Global(of) if form(of)));
        }
        let builtin = |id: u32, names: &[&str]| {
            self.globals.get(id as usize).is_some_and(|g| matches!(g.module.as_str(), "builtins" | "__builtin__") && names.contains(&g.name.as_str()))
        };
        builtin(id, &["type"])
            && match self.items(args).as_deref() {
                Some([only]) => match only.kind() {
                    Kind::None => true,
                    Kind::Global(value) => builtin(value, &["Ellipsis", "NotImplemented"]),
                    _ => false,
                },
                _ => false,
            }
    }

    /// `reduce(or_, (int, type(None)))`: how Python 3.10 to 3.13 pickle `int | None`.
    fn unites_types(&self, id: u32, args: Value) -> bool {
        let is = |v: &Value, modules: &[&str], names: &[&str]| match v.kind() {
            Kind::Global(id) | Kind::Call { global: id, .. } => {
                self.globals.get(id as usize).is_some_and(|g| modules.contains(&g.module.as_str()) && (names.is_empty() || names.contains(&g.name.as_str())))
            }
            _ => false,
        };
        let of_type = |v: &Value| {
            matches!(v.kind(), Kind::None | Kind::Global(_))
                || is(v, &["types", "typing", "operator", "_operator"], &[])
                || is(v, &["builtins", "__builtin__"], &["type"])
        };
        is(&Value::global(id), &["functools", "_functools", "builtins", "__builtin__"], &["reduce"])
            && matches!(self.items(args).as_deref(), Some([or, types])
                if matches!(or.kind(), Kind::Global(_))
                    && is(or, &["operator", "_operator"], &["or_"])
                    && self.items(*types).is_some_and(|types| !types.is_empty() && types.iter().all(of_type)))
    }

    /// `Memory(None, None, False, 0)`: old sklearn's way to say that results are not cached. Only with a text would it make a folder.
    fn caches_nothing(&self, id: u32, args: Value) -> bool {
        let memory = self
            .globals
            .get(id as usize)
            .is_some_and(|g| g.name == "Memory" && matches!(g.module.as_str(), "joblib.memory" | "sklearn.externals.joblib.memory"));
        memory
            && self.items(args).is_some_and(|given| {
                given.first().is_some_and(|v| v.kind() == Kind::None) && given.iter().all(|v| matches!(v.kind(), Kind::None | Kind::Bool(_) | Kind::Int(_)))
            })
    }

    /// The number of an extension, which `copyreg` takes through `int()`.
    pub(super) fn code(&self, v: Value) -> Option<u64> {
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

    /// Remembers what a callable was handed to keep, call or fetch.
    pub(super) fn wrap(&mut self, id: u32, wrapped: (String, String)) {
        self.pay(self.globals.get(id as usize).map_or(0, |g| g.wraps.len() as u64 * 2));
        let g = &mut self.globals[id as usize];
        if g.wraps.len() < 1000 && !g.wraps.contains(&wrapped) {
            g.wraps.push(wrapped);
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

    fn persistent(&mut self, id: Value, at: u64) -> Option<Value> {
        let known = super::torch::persistent(self, id, at);
        if known.is_none() {
            let text = self.show(id);
            self.facts_capped((at, 1, Fact::PersistentId { text }));
        }
        known.flatten()
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

/// Whether one more call of the same import is stated.
fn shown(calls: u32, stated: usize, limits: &Limits) -> bool {
    calls == 1 || calls <= CALLS_SHOWN && stated < limits.facts / 2
}

/// A name, or what is kept of one that nothing is called by.
fn cut(name: &str) -> &str {
    if name.len() <= NAMED {
        return name;
    }
    (0..=NAMED).rev().find_map(|end| name.get(..end)).unwrap_or_default()
}

/// Whether bytes begin with the mark of something that is read by itself.
pub fn marked(head: &[u8]) -> bool {
    let marks = [
        &b"PK\x03\x04"[..],
        b"\x7fELF",
        b"MZ\x90\0",
        b"\x93NUMPY",
        b"\x1f\x8b\x08",
        b"BZh",
        b"\xfd7zXZ",
        b"GGUF",
        b"\x28\xb5\x2f\xfd",
        b"\x04\x22\x4d\x18",
        b"7z\xbc\xaf\x27\x1c",
    ];
    matches!(head, [0x80, 0..=5, ..]) || marks.iter().any(|m| head.starts_with(m))
}

/// Whether bytes begin as a pickle of protocol 0 does: with an import, or with a container or text that a line's end follows. As they stand they may be
/// a text about pickles; nobody encodes those.
pub fn in_lines(head: &[u8]) -> bool {
    let line = head.iter().position(|b| *b == b'\n').and_then(|end| head.get(..end));
    match line {
        Some([b'(', b'c' | b'i' | b'd' | b'l' | b'S' | b'V' | b'I', ..]) => true,
        Some([b'c', module @ ..]) => !module.is_empty() && module.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.')),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same text, name or tuple used again by every few bytes. The cost is counted, so that no test waits for it.
    #[test]
    fn what_opcodes_read_again_and_again_is_paid_for() {
        let text = |len: usize| [b"X".as_slice(), &(len as u32).to_le_bytes(), &vec![b'a'; len]].concat();
        let line = |len: usize| [b"V".as_slice(), &vec![b'_'; len], b"\n"].concat();
        let (long, many) = (text(60_000), [b"(".as_slice(), &b"K\x01".repeat(250), b"t"].concat());
        let doubled = b"h\0h\x01h\x01\x86Rq\x01".repeat(20);
        let tower = [&b"K\x01q\x01"[..], &[b"(".as_slice(), &b"h\x01".repeat(250), b"tq\x01"].concat().repeat(8)].concat();
        let hostile: Vec<(&str, Vec<u8>, &[u8])> = vec![
            ("names", [&long[..], b"q\0"].concat(), b"h\0h\0\x930"),
            ("names in lines", [&line(60_000)[..], b"q\0"].concat(), b"h\0h\0\x930"),
            ("names of names", [&b"cbuiltins\ngetattr\nq\0cos\na\n"[..], &long, b"q\x01"].concat(), b"q\x02h\0h\x02h\x01\x86R"),
            ("modules", [&b"cimportlib\nimport_module\nq\0"[..], &long, b"\x85q\x01"].concat(), b"h\0h\x01R0"),
            ("arguments", [&b"cfoo\nbar\nq\0"[..], &many, b"q\x01"].concat(), b"h\0h\x01R0"),
            ("ids", [&long[..], b"q\0"].concat(), b"h\0Q0"),
            ("special keys", [&line(300)[..], b"q\x01}"].concat(), b"h\x01K\x01s"),
            ("formulas", [&b"\x8c\x07formulaq\x01"[..], &text(60_000), b"q\x02}"].concat(), b"h\x01h\x02s"),
            ("companions", [&b"cjoblib.numpy_pickle\nNDArrayWrapper\n)\x81q\0}\x8c\x08filename"[..], &long, b"sq\x01h\0"].concat(), b"h\x01b"),
            ("joined texts", [&b"cbuiltins\nstr.join\nq\0"[..], &long, b"q\x01"].concat(), b"h\0h\x01h\x01\x86Rh\x01\x930"),
            ("sums of sums", [&b"coperator\nadd\nq\0coperator\nfoo\n)Rq\x01"[..], &doubled].concat(), b"h\x01h\x01\x930"),
            ("tuples of tuples", [&b"csympy\nAdd\nq\0"[..], &tower].concat(), b"h\0h\x01R0"),
            ("calls by calls", b"citertools\nstarmap\nq\0]q\x01(h\0h\x01\x86h\0h\x01\x86h\0h\x01\x86h\0h\x01\x86e0".to_vec(), b"h\0h\0h\x01\x86R0"),
        ];
        for (what, head, unit) in hostile {
            let bytes = [&head[..], &unit.repeat(40_000), b"N."].concat();
            let pages = crate::bytes::Pages::new(&bytes);
            let mut machine = Machine::new(View::of_inflated(&pages), 0, Frames::LINEAR, &Limits::default());
            assert_eq!(machine.run(u64::MAX).ok(), Some(Stop::Limit("pickle-work")), "{what}");
            assert!(machine.cost() < 20 << 20, "{what}: {}", machine.cost());
        }
    }

    #[test]
    fn a_memo_that_is_full_still_tells_names_and_says_where_it_does_not() {
        let text = |out: &mut Vec<u8>, text: &str| {
            out.extend([0x8c, text.len() as u8]);
            out.extend(text.bytes());
            out.push(0x94);
        };
        // Sixty texts with numbers 0 to 59, then a module and a name with 60 and 61, then the import with 62, then many more texts.
        let mut bytes = vec![0x80, 4, b'('];
        (0..60).for_each(|n| text(&mut bytes, &format!("t{n}")));
        text(&mut bytes, "os");
        text(&mut bytes, "path");
        bytes.extend([0x93, 0x94]);
        (0..100).for_each(|n| text(&mut bytes, &format!("u{n}")));
        let again = |key: u8| {
            let mut bytes = bytes.clone();
            bytes.extend([b'h', key]);
            text(&mut bytes, "system");
            bytes.extend([0x93, b't', b'.']);
            bytes
        };
        let run = |bytes: Vec<u8>| {
            let pages = crate::bytes::Pages::new(&bytes);
            let mut machine = Machine::new(View::of_inflated(&pages), 0, Frames::LINEAR, &Limits { memo: 50, ..Limits::default() });
            assert_eq!(machine.run(u64::MAX).ok(), Some(Stop::Stop));
            (machine.globals.iter().map(|g| format!("{}.{}", g.module, g.name)).collect::<Vec<_>>(), machine.lost)
        };
        assert_eq!(run(again(60)), (vec!["os.path".into(), "os.system".into()], false));
        assert_eq!(run(again(70)), (vec!["os.path".into()], true));
    }
}
