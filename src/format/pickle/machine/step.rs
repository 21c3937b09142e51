//! What each opcode does.

use super::super::joblib;
use super::super::memo::MARKED;
use super::super::value::{Kind, Value};
use super::literal::{Key, integer, is_float, key, long};
use super::state::KEY;
use super::{Hand, Machine, NAME, NAMED, Stop};
use crate::error::Result;
use crate::fact::Fact;

impl Machine<'_> {
    /// Runs to the end, or for at most so many opcodes.
    pub(super) fn go(&mut self, allowance: u64) -> Result<Stop> {
        let until = self.ops.saturating_add(allowance);
        while self.ops < until {
            let before = self.ops;
            self.dash(until - before);
            // Where hardly anything is plain data, setting out costs more than it saves.
            let steps = if self.ops - before < 4 { 8 } else { 1 };
            for _ in 0..steps.min(until - self.ops) {
                if let Some(stop) = self.step()? {
                    return Ok(stop);
                }
            }
        }
        Ok(Stop::Allowance)
    }

    /// One opcode, whatever it is; says when it was the last.
    #[inline(always)]
    pub(super) fn step(&mut self) -> Result<Option<Stop>> {
        let at = self.tape.at();
        let Some(byte) = self.tape.byte()? else {
            return Ok(Some(Stop::End));
        };
        self.ops += 1;
        match byte {
            // What real pickles are made of comes first.
            b'h' | b'j' => {
                let k = if byte == b'h' { self.tape.small()? } else { u64::from(self.tape.word()?) };
                self.get(k)?;
            }
            b'q' | b'r' | 0x94 => {
                let k = match byte {
                    b'q' => self.tape.small()?,
                    b'r' => u64::from(self.tape.word()?),
                    _ => self.memo.len,
                };
                self.put(k)?;
            }
            b'K' | b'M' | b'J' => {
                let n = match byte {
                    b'K' => self.tape.small()? as i64,
                    b'M' => i64::from(u16::from_le_bytes(self.tape.array()?)),
                    _ => i64::from(self.tape.word()? as i32),
                };
                self.push(Value::int(n))?;
            }
            b'G' => {
                self.tape.skip(8)?;
                self.push(Value::PLAIN)?;
            }
            0x8c | b'U' | b'X' => {
                let n = if byte == b'X' { u64::from(self.tape.word()?) } else { self.tape.small()? };
                self.text(at, n, if byte == b'X' { 5 } else { 2 })?;
            }
            b'C' | b'B' => {
                let n = if byte == b'B' { u64::from(self.tape.word()?) } else { self.tape.small()? };
                self.blob(at, n, if byte == b'B' { 5 } else { 2 })?;
            }
            b'(' => {
                if self.marks.len() >= self.limits.stack / 8 {
                    self.forget("pickle-stack");
                }
                if self.marks_inside {
                    self.push(Value::MARK)?;
                } else {
                    self.marks.push(self.stack.len());
                }
            }
            b't' => {
                let m = self.mark()?;
                let v = self.tuple(m);
                self.push(v)?;
            }
            0x85..=0x87 => {
                let n = usize::from(byte - 0x84);
                let from = match self.stack.len().checked_sub(n).filter(|f| *f >= self.floor()) {
                    Some(from) => from,
                    None if self.forgot.is_some() => self.floor(),
                    None => return self.fault("stack-empty"),
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
                // With nothing on it, Python 2 takes the lowest mark itself for the dictionary, and puts nothing into it.
                if byte == b'u' && self.marks_inside && self.stack.len() == 0 {
                    return Ok(None);
                }
                // `stack[mark - 1]`: below the lowest mark that is the top.
                let target = match m.checked_sub(1) {
                    None if self.marks_inside => self.stack.last(),
                    Some(below) if m > self.floor() => self.stack.above(below).first().copied(),
                    _ => self.forgot.map(|_| Value::LOST),
                };
                let Some(target) = target else {
                    return self.fault("stack-empty");
                };
                let name = match byte {
                    b'e' => "APPENDS",
                    b'u' => "SETITEMS",
                    _ => "ADDITEMS",
                };
                // The Python unpickler calls `extend` even with nothing.
                if m < self.stack.len() || byte == b'e' {
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
                let weight = self.weigh(self.stack.above(m));
                let span = self.pool.keep(self.stack.above(m), weight);
                self.stack.truncate(m);
                self.push(Value::set(span.at, usize::from(span.len)))?;
            }
            _ => {
                if self.rare(byte, at)? {
                    return Ok(Some(Stop::Stop));
                }
                if self.overspent() {
                    return Ok(Some(Stop::Limit("pickle-work")));
                }
            }
        }
        Ok(None)
    }

    /// Opcodes that come once in thousands; tells whether the pickle ends here. They stand apart so that the loop that runs all the others
    /// is small: a browser takes half a second to optimise it with them, and runs it slowly until then.
    #[inline(never)]
    fn rare(&mut self, byte: u8, at: u64) -> Result<bool> {
        match byte {
            b'T' => {
                let n = i32::from_le_bytes(self.tape.array()?);
                let Ok(n) = u64::try_from(n) else {
                    return self.fault("negative-length");
                };
                self.text(at, n, 5)?;
            }
            0x8d => {
                let n = u64::from_le_bytes(self.tape.array()?);
                self.text(at, n, 9)?;
            }
            0x8e | 0x96 => {
                let n = u64::from_le_bytes(self.tape.array()?);
                self.blob(at, n, 9)?;
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
                let v = self.call(Value::global(g), args, at, len, Hand::Call)?;
                self.push(v)?;
            }
            b'o' => {
                let m = self.mark()?;
                let callee = match self.stack.above(m).first() {
                    Some(callee) => *callee,
                    None => self.under()?,
                };
                let args = self.tuple(m + 1);
                self.stack.truncate(m);
                let v = self.call(callee, args, at, 1, Hand::Call)?;
                self.push(v)?;
            }
            0x81 => {
                let args = self.pop()?;
                let callee = self.pop()?;
                let v = self.call(callee, args, at, 1, Hand::Make)?;
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
                let v = self.call(callee, Value::tuple(span.at, usize::from(span.len)), at, 1, Hand::Make)?;
                self.push(v)?;
            }
            b'R' => {
                let args = self.pop()?;
                let callee = self.pop()?;
                let v = self.call(callee, args, at, 1, Hand::Call)?;
                self.push(v)?;
            }
            b'b' => {
                let state = self.pop()?;
                let target = self.top()?;
                self.build(target, state, at);
                if self.class_of(target).is_some_and(|g| joblib::is_companion(&g.module, &g.name)) {
                    joblib::companion(self, state, at);
                }
                if self.is_wrapper(target) {
                    self.wrapped = true;
                    if self.joblib {
                        joblib::array(self, state)?;
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
                return Ok(true);
            }
            b'0' => {
                // As all unpicklers do it: with nothing above the mark, POP takes the mark.
                if self.marks.last() == Some(self.stack.len()) {
                    self.marks.pop();
                } else if self.stack.pop().is_none() {
                    self.under()?;
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
                let (a, n) = self.tape.line()?;
                if n <= NAMED as u64 && !is_float(&self.tape.peek(a, n, NAMED)) {
                    return self.fault("bad-number");
                }
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
                if byte == b'S' && !self.quoted(a, n) {
                    return self.fault("not-quoted");
                }
                if n >= 16 {
                    self.note_nested(a, n);
                }
                // Escapes can write any letter: a line that is short enough is read when it is used as a key.
                let len = if n < 400 { usize::from(MARKED) } else { n.min(0xfffe) as usize };
                self.push(Value::str(at, len))?;
            }
            b'g' => {
                let (a, n) = self.tape.line()?;
                match key(&self.tape.peek(a, n, NAME)) {
                    Key::Number(k) => self.get(k)?,
                    Key::Other(k) => match self.odd_keys.get(&k) {
                        Some(v) => self.push(*v)?,
                        None if self.forgot.is_some() => self.push(Value::LOST)?,
                        None => return self.fault("memo-unset"),
                    },
                }
            }
            b'p' => {
                let (a, n) = self.tape.line()?;
                match key(&self.tape.peek(a, n, NAME)) {
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
        Ok(false)
    }

    /// Whether a line stands in quotes, with nothing but blanks behind them: all unpicklers want a STRING so.
    fn quoted(&self, at: u64, len: u64) -> bool {
        let Some(&[quote @ (b'\'' | b'"')]) = self.tape.peek(at, len, 1).first_chunk::<1>() else { return false };
        let tail = self.tape.peek(at + len.saturating_sub(KEY as u64).max(1), len.saturating_sub(1).min(KEY as u64), KEY);
        match tail.trim_ascii_end() {
            // Only blanks are seen of it.
            [] => len > KEY as u64,
            [.., last] => *last == quote,
        }
    }
}
