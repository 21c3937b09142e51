//! The run through plain data.
//!
//! Nearly all of a large pickle is numbers and short texts that are put on the stack, collected and remembered. Opcode by opcode that costs little
//! more than finding out again where the machine stands: the position, the stack's length and the last mark are loaded and stored for each. Here they
//! are locals, which stay in registers, for as long as nothing else comes. Whatever is not that simple is left, untouched, to the loop that knows everything: an
//! import, a call, a text that may name something, an opcode that is cut by the buffer's or the frame's end, an empty stack.

use crate::memo::{MARKED, Memo, Pool, Slots};
use crate::stack::Stack;
use crate::value::{DATA, FILLED, Kind, Span, Value};
use crate::weight::{around, heavier};

/// The key of a text that scipy's distributions execute while they are filled (`_attach_argparser_methods`).
pub const TEMPLATE: &str = "_parse_arg_template";
/// The key of a formula, which is evaluated.
pub const FORMULA: &str = "formula";
/// Letters of the shortest pickle that calls something in Base64: shorter texts are not read by themselves.
pub const NESTED_FROM: u64 = 40;

/// What a run works on.
pub struct Data {
    /// The machine's stack.
    pub stack: Stack<Value>,
    /// Where its marks are.
    pub marks: Stack<usize>,
    /// What tuples hold.
    pub pool: Pool,
    /// What lists and dictionaries hold.
    pub slots: Slots,
    /// What is remembered.
    pub memo: Memo,
    /// The greatest weight of what was made or filled.
    pub heaviest: u32,
}

/// How far a run may go.
pub struct Limits {
    /// Values on the stack.
    pub stack: usize,
    /// Marks on it.
    pub marks: usize,
    /// Whether lists and dictionaries are filled here. Whoever looks at what comes in does that itself.
    pub filling: bool,
}

/// How far a run went.
pub struct Ran {
    /// Opcodes.
    pub ops: u64,
    /// Bytes.
    pub passed: usize,
}

/// What stands among values that are put into something.
struct Seen {
    /// Bit `n` for those with tag `n`.
    tags: u32,
    /// How many hold others.
    holding: u32,
    /// Whether one is a text that may mean something.
    marked: bool,
}

/// Looks through values, once.
#[inline(always)]
fn look(items: &[Value]) -> Seen {
    let mut seen = Seen { tags: 0, holding: 0, marked: false };
    for v in items {
        seen.tags |= 1 << v.tag();
        seen.holding = seen.holding.wrapping_add(u32::from(v.holds()));
        seen.marked |= v.is_text_of(MARKED);
    }
    seen
}

impl Seen {
    /// Whether it is nothing but data, under keys that mean nothing.
    #[inline(always)]
    fn plain(&self) -> bool {
        self.tags & !DATA == 0 && !self.marked
    }

    /// What these come to, as [`crate::weight`] says it.
    #[inline(always)]
    fn weight(&self, pool: &Pool, slots: &Slots, items: &[Value]) -> u32 {
        match self.holding {
            0 => 0,
            n if pool.heaviest == 0 && (slots.heaviest == 0 || self.tags & FILLED == 0) => around(0, n),
            n => {
                let mut most = 0;
                for v in items {
                    let weight = match v.kind() {
                        Kind::Tuple(s) | Kind::Set(s) if pool.heaviest > 0 => pool.weight(s),
                        Kind::List(id) | Kind::Dict(id) => slots.weight(id),
                        _ => 0,
                    };
                    most = heavier(most, weight);
                }
                around(most, n)
            }
        }
    }
}

/// What these come to, as [`crate::weight`] says it.
pub fn weigh(pool: &Pool, slots: &Slots, items: &[Value]) -> u32 {
    look(items).weight(pool, slots, items)
}

/// Whether a text of `len` bytes, which stands at the beginning of `bytes`, may be a key that matters, such as `__setstate__`: told by its first two
/// bytes and its length, which is cheap.
#[inline(always)]
pub fn special(bytes: &[u8], len: usize) -> bool {
    len > 2
        && len < 64
        && match bytes {
            [b'_', b'_', ..] => true,
            [b'_', b'p', ..] => len == TEMPLATE.len(),
            [b'f', b'o', ..] => len == FORMULA.len(),
            // `append`, `extend` and `add`.
            [b'a', b'p', ..] => len == 6,
            [b'e', b'x', ..] => len == 6 || len == 4,
            [b'a', b'd', ..] => len == 3,
            // `handle` and `_handle`.
            [b'h', b'a', ..] => len == 6,
            [b'_', b'h', ..] => len == 7,
            // `_target_`, `_instantiator` and `_val`.
            [b'_', b't', ..] => len == 8,
            [b'_', b'i', ..] => len == 13,
            [b'_', b'v', ..] => len == 4,
            _ => false,
        }
}

/// So many bytes are looked at at once: the longest opcode whose argument has a fixed length, and of a text its length and first letters.
const HEAD: usize = 9;

/// The four bytes behind the opcode.
#[inline(always)]
fn word(head: &[u8; HEAD]) -> u32 {
    u32::from_le_bytes([head[1], head[2], head[3], head[4]])
}

impl Data {
    /// Empty, with a memo that keeps so many entries one by one.
    pub fn new(kept: u64) -> Self {
        Data { stack: Stack::default(), marks: Stack::default(), pool: Pool::default(), slots: Slots::default(), memo: Memo::new(kept), heaviest: 0 }
    }

    /// Runs opcodes of a window, which ends at offset `end`, as long as they are plain data. A function of its own, and small: a browser optimises it while the
    /// first bytes are read. And it calls no other: a browser's compiler keeps nothing in registers across a call, not even one that is never made.
    #[inline(never)]
    pub fn dash(&mut self, window: &[u8], end: u64, limits: &Limits) -> Ran {
        let start = end - window.len() as u64;
        let (marks, pool, slots, memo) = (&mut self.marks, &mut self.pool, &mut self.slots, &mut self.memo);
        let mut floor = marks.last().unwrap_or(0);
        let mut stack = self.stack.top(limits.stack);
        let (mut at, mut ops) = (0usize, 0usize);
        // Nothing here can wrap: what is added to a position is less than a hundred, and no opcode is shorter than a byte.
        while let Some(head) = window.get(at..).and_then(<[u8]>::first_chunk::<HEAD>)
            && stack.has_room()
        {
            let op = head[0];
            // What it makes, and how long it is.
            let (value, length) = match op {
                b'K' => (Value::int(head[1] as i64), 2),
                b'M' => (Value::int(u16::from_le_bytes([head[1], head[2]]) as i64), 3),
                b'J' => (Value::int(word(head) as i32 as i64), 5),
                b'G' => (Value::PLAIN, 9),
                0x8c | b'U' | b'X' => {
                    let (len, text) = if op == b'X' { (word(head), &head[5..]) } else { (head[1] as u32, &head[2..]) };
                    if len as u64 >= NESTED_FROM {
                        break;
                    }
                    let len = len as usize;
                    let length = len + HEAD - text.len();
                    if at.wrapping_add(length) > window.len() {
                        break;
                    }
                    (Value::str(start.wrapping_add(at as u64), if special(text, len) { MARKED as usize } else { len }), length)
                }
                b'h' | b'j' => {
                    let (key, length) = if op == b'h' { (head[1] as u64, 2) } else { (word(head) as u64, 5) };
                    let Some(value) = memo.get_near(key) else { break };
                    (value, length)
                }
                0x85..=0x87 => {
                    let items = stack.above(floor);
                    let span = match op {
                        0x85 => items.last_chunk::<1>().and_then(|items| pool.keep_flat(items)),
                        0x86 => items.last_chunk::<2>().and_then(|items| pool.keep_flat(items)),
                        _ => items.last_chunk::<3>().and_then(|items| pool.keep_flat(items)),
                    };
                    let from = stack.len.wrapping_sub((op - 0x84) as usize);
                    let span = match span {
                        Some(span) => span,
                        None => {
                            let Some(items) = stack.above(floor).get(from.wrapping_sub(floor)..) else { break };
                            if !pool.has_room(items.len()) {
                                break;
                            }
                            let weight = look(items).weight(pool, slots, items);
                            self.heaviest = heavier(self.heaviest, weight);
                            pool.keep(items, weight)
                        }
                    };
                    stack.truncate(from);
                    (Value::tuple(span.at, span.len as usize), 1)
                }
                b't' => {
                    let items = stack.above(floor);
                    if marks.is_empty() || !pool.has_room(items.len()) {
                        break;
                    }
                    let span = if items.is_empty() {
                        Span { at: 0, len: 0 }
                    } else {
                        let weight = look(items).weight(pool, slots, items);
                        self.heaviest = heavier(self.heaviest, weight);
                        pool.keep(items, weight)
                    };
                    stack.truncate(floor);
                    marks.truncate(marks.len() - 1);
                    floor = marks.last().unwrap_or(0);
                    (Value::tuple(span.at, span.len as usize), 1)
                }
                b'2' => {
                    let Some(top) = stack.last() else { break };
                    if stack.len <= floor {
                        break;
                    }
                    (top, 1)
                }
                b')' => (Value::tuple(0, 0), 1),
                b']' | b'}' => {
                    if !slots.turns() {
                        break;
                    }
                    let id = slots.fresh();
                    (if op == b']' { Value::list(id) } else { Value::dict(id) }, 1)
                }
                b'N' => (Value::NONE, 1),
                0x88 | 0x89 => (Value::bool(op == 0x88), 1),
                b'q' | b'r' | 0x94 => {
                    let (key, length) = match op {
                        b'q' => (head[1] as u64, 2),
                        b'r' => (word(head) as u64, 5),
                        _ => (memo.len, 1),
                    };
                    let Some(top) = stack.last() else { break };
                    if stack.len <= floor || memo.over || !memo.put_near(key, top) {
                        break;
                    }
                    (at, ops) = (at.wrapping_add(length), ops.wrapping_add(1));
                    continue;
                }
                b'(' => {
                    if marks.len() >= limits.marks || !marks.put(stack.len) {
                        break;
                    }
                    floor = stack.len;
                    (at, ops) = (at.wrapping_add(1), ops.wrapping_add(1));
                    continue;
                }
                b'e' | b'u' | b'a' | b's' => {
                    let marked = matches!(op, b'e' | b'u');
                    // What stands below the mark that goes may stand above another.
                    let fence = match marks.above(marks.len().wrapping_sub(2)) {
                        [below, _] if marked => *below,
                        _ if marked => 0,
                        _ => floor,
                    };
                    let from = match op {
                        b'a' => stack.len.wrapping_sub(1),
                        b's' => stack.len.wrapping_sub(2),
                        _ => floor,
                    };
                    if from <= fence || from >= stack.len || marked && marks.is_empty() {
                        break;
                    }
                    let [target, items @ ..] = stack.above(from - 1) else { break };
                    let (Kind::List(id) | Kind::Dict(id)) = target.kind() else { break };
                    let seen = look(items);
                    if !limits.filling || !seen.plain() {
                        break;
                    }
                    let weight = seen.weight(pool, slots, items);
                    self.heaviest = heavier(self.heaviest, weight);
                    slots.add(id, items, weight);
                    stack.truncate(from);
                    if marked {
                        marks.truncate(marks.len() - 1);
                        floor = fence;
                    }
                    (at, ops) = (at.wrapping_add(1), ops.wrapping_add(1));
                    continue;
                }
                b'0' => {
                    if stack.len <= floor {
                        break;
                    }
                    stack.truncate(stack.len - 1);
                    (at, ops) = (at.wrapping_add(1), ops.wrapping_add(1));
                    continue;
                }
                _ => break,
            };
            stack.put(value);
            (at, ops) = (at.wrapping_add(length), ops.wrapping_add(1));
        }
        let len = stack.len;
        self.stack.set_len(len);
        Ran { ops: ops as u64, passed: at }
    }
}
