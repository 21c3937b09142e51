//! The run through plain data.
//!
//! Nearly all of a large pickle is numbers and short texts that are put on the stack, collected and remembered. Opcode by opcode that costs little
//! more than finding out again where the machine stands: the position, the stack's length and the last mark are loaded and stored for each. Here they
//! are locals, which stay in registers, for as long as nothing else comes. Whatever is not that simple is left, untouched, to the loop that knows everything: an
//! import, a call, a text that may name something, an opcode that is cut by the buffer's or the frame's end, an empty stack.

use super::super::memo::MARKED;
use super::super::tape::special;
use super::super::value::{Kind, Span, Value};
use super::{Machine, NESTED_FROM, weigh};

/// Whether a list or a dictionary is filled with nothing but data, under keys that mean nothing.
#[inline(always)]
fn plain(items: &[Value]) -> bool {
    let mut plain = true;
    for v in items {
        plain &= v.is_data() & !v.is_text_of(MARKED);
    }
    plain
}

/// The first byte as a number, and what is behind it.
#[inline(always)]
fn small(bytes: &[u8]) -> Option<(u64, &[u8])> {
    match bytes {
        [n, behind @ ..] => Some((*n as u64, behind)),
        [] => None,
    }
}

/// The first four.
#[inline(always)]
fn word(bytes: &[u8]) -> Option<(u32, &[u8])> {
    match bytes {
        [a, b, c, d, behind @ ..] => Some((u32::from_le_bytes([*a, *b, *c, *d]), behind)),
        _ => None,
    }
}

/// The first one or four.
#[inline(always)]
fn either(short: bool, bytes: &[u8]) -> Option<(u64, &[u8])> {
    if short {
        return small(bytes);
    }
    match word(bytes) {
        Some((n, behind)) => Some((n as u64, behind)),
        None => None,
    }
}

/// Under which key a value is put that is remembered, and what is behind that; `next` is the key of whoever names none.
#[inline(always)]
fn put_where(op: u8, args: &[u8], next: u64) -> Option<(u64, &[u8])> {
    if op == 0x94 { Some((next, args)) } else { either(op == b'q', args) }
}

impl Machine<'_> {
    /// Runs at most so many opcodes, and none that is not plain data. A function of its own, and small: a browser optimises it while the first bytes are
    /// read.
    #[inline(never)]
    pub(super) fn dash(&mut self, allowance: u64) {
        if self.unfenced || self.marks_inside {
            return;
        }
        let mut bytes = self.tape.window();
        // No opcode is shorter than a byte, so that as many bytes are no more opcodes than that.
        if let Some(fewer) = usize::try_from(allowance).ok().and_then(|n| bytes.get(..n)) {
            bytes = fewer;
        }
        // What lists and dictionaries are filled with is looked at then.
        let notes = self.callables || self.typed;
        let window = bytes.len();
        let end = self.tape.at() + window as u64;
        let (marks, pool, slots, memo) = (&mut self.marks, &mut self.pool, &mut self.slots, &mut self.memo);
        let mut floor = marks.last().unwrap_or(0);
        let mut stack = self.stack.top(self.limits.stack);
        let mut ops = 0;
        while stack.has_room() {
            let [op, args @ ..] = bytes else { break };
            let op = *op;
            // What it makes, and what is behind it.
            let (value, behind) = match op {
                b'K' => {
                    let Some((n, behind)) = small(args) else { break };
                    (Value::int(n as i64), behind)
                }
                b'M' => {
                    let [a, b, behind @ ..] = args else { break };
                    (Value::int(u16::from_le_bytes([*a, *b]) as i64), behind)
                }
                b'J' => {
                    let Some((n, behind)) = word(args) else { break };
                    (Value::int(n as i32 as i64), behind)
                }
                b'G' => {
                    let [_, _, _, _, _, _, _, _, behind @ ..] = args else { break };
                    (Value::PLAIN, behind)
                }
                0x8c | b'U' | b'X' => {
                    let Some((len, text)) = either(op != b'X', args) else { break };
                    if len >= NESTED_FROM {
                        break;
                    }
                    let len = len as usize;
                    let Some(behind) = text.get(len..) else { break };
                    (Value::str(end - bytes.len() as u64, if special(text, len) { MARKED as usize } else { len }), behind)
                }
                b'h' | b'j' => {
                    let Some((key, behind)) = either(op == b'h', args) else { break };
                    let Some(value) = memo.get(key) else { break };
                    (value, behind)
                }
                b't' | 0x85..=0x87 => {
                    let from = if op == b't' { floor } else { stack.len.wrapping_sub((op - 0x84) as usize) };
                    if from < floor || from > stack.len || op == b't' && marks.len() == 0 {
                        break;
                    }
                    let items = stack.above(from);
                    let span = if items.is_empty() {
                        Span { at: 0, len: 0 }
                    } else if let Some(span) = pool.keep_flat(items) {
                        span
                    } else {
                        let weight = weigh(pool, slots, items);
                        self.heaviest = self.heaviest.max(weight);
                        pool.keep(items, weight)
                    };
                    stack.truncate(from);
                    if op == b't' {
                        marks.truncate(marks.len() - 1);
                        floor = marks.last().unwrap_or(0);
                    }
                    (Value::tuple(span.at, span.len as usize), args)
                }
                b'2' => {
                    let Some(top) = stack.last() else { break };
                    if stack.len <= floor {
                        break;
                    }
                    (top, args)
                }
                b')' => (Value::tuple(0, 0), args),
                b']' => (Value::list(slots.fresh()), args),
                b'}' => (Value::dict(slots.fresh()), args),
                b'N' => (Value::NONE, args),
                0x88 | 0x89 => (Value::bool(op == 0x88), args),
                b'q' | b'r' | 0x94 => {
                    let Some((key, behind)) = put_where(op, args, memo.len) else { break };
                    let Some(top) = stack.last() else { break };
                    if stack.len <= floor || memo.over {
                        break;
                    }
                    memo.put(key, top);
                    (bytes, ops) = (behind, ops + 1);
                    continue;
                }
                b'(' => {
                    if marks.len() >= self.limits.stack / 8 {
                        break;
                    }
                    floor = stack.len;
                    marks.push(floor);
                    (bytes, ops) = (args, ops + 1);
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
                    if from <= fence || from >= stack.len || marked && marks.len() == 0 {
                        break;
                    }
                    let [target, items @ ..] = stack.above(from - 1) else { break };
                    let (Kind::List(id) | Kind::Dict(id)) = target.kind() else { break };
                    if notes || !plain(items) {
                        break;
                    }
                    let weight = weigh(pool, slots, items);
                    self.heaviest = self.heaviest.max(weight);
                    slots.add(id, items, weight);
                    stack.truncate(from);
                    if marked {
                        marks.truncate(marks.len() - 1);
                        floor = fence;
                    }
                    (bytes, ops) = (args, ops + 1);
                    continue;
                }
                b'0' => {
                    if stack.len <= floor {
                        break;
                    }
                    stack.truncate(stack.len - 1);
                    (bytes, ops) = (args, ops + 1);
                    continue;
                }
                _ => break,
            };
            stack.put(value);
            (bytes, ops) = (behind, ops + 1);
            // Picklers remember most of what they have just made.
            if let [op @ (b'q' | b'r' | 0x94), args @ ..] = behind
                && !memo.over
                && let Some((key, behind)) = put_where(*op, args, memo.len)
            {
                memo.put(key, value);
                (bytes, ops) = (behind, ops + 1);
            }
        }
        let (len, passed) = (stack.len, window - bytes.len());
        self.stack.set_len(len);
        self.ops += ops;
        self.tape.advance(passed);
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::tape::Frames;
    use super::super::Stop;
    use super::*;
    use crate::bytes::{Pages, View};
    use crate::limits::Limits;

    /// A pickle as a generator throws it: mostly what a loader takes, with texts that may name something, imports, calls and frames among it, and now and then
    /// an opcode that finds too little on the stack, or a key that was never set.
    fn thrown(seed: u64) -> Vec<u8> {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let mut below = move |n: u64| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 11) % n
        };
        let texts: [&[u8]; 8] = [b"", b"ab", b"os", b"system", b"__setstate__", b"append", b"formula", b"abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz"];
        let mut out = b"\x80\x04]\x94(".to_vec();
        // How many stand above each mark.
        let mut depths = vec![1u64, 0];
        for _ in 0..below(800) {
            let text = texts[below(8) as usize];
            let depth = if below(400) == 0 { 9 } else { depths.last().copied().unwrap_or(0) };
            let (pushed, opcode): (i64, Vec<u8>) = match below(27) {
                0..=3 => (1, vec![b'K', below(256) as u8]),
                4 => (1, vec![b'M', 1, below(3) as u8]),
                5 => (1, vec![b'J', 1, 0, 0, below(256) as u8]),
                6 => (1, vec![b'G', 0, 0, 0, 0, 0, 0, 0, 0]),
                7..=9 => (1, [&[0x8c, text.len() as u8], text].concat()),
                10 => (1, [&[b'U', text.len() as u8], text].concat()),
                11 => (1, [b"X", &(text.len() as u32).to_le_bytes()[..], text].concat()),
                12 => (1, vec![b'h', 0]),
                13 => (1, vec![b'j', 0, 0, 0, 0]),
                14 if depth > 0 => (0, vec![vec![b'q', below(20) as u8], vec![b'r', below(20) as u8, 0, 0, 0], vec![0x94]].swap_remove(below(3) as usize)),
                15..=16 if depths.len() < 6 => {
                    out.extend([&b""[..], b"]", b"}"][below(3) as usize]);
                    depths.push(0);
                    (0, vec![b'('])
                }
                17 if depths.len() > 2 => {
                    depths.pop();
                    (1, vec![[b't', b't', b'l', b'd', 0x91][below(5) as usize]])
                }
                18 if depth > 3 => {
                    let n = below(3) as i64;
                    (-n, vec![0x85 + n as u8])
                }
                19 if depths.len() > 2 => {
                    depths.pop();
                    (0, vec![[b'e', b'u', 0x90][below(3) as usize]])
                }
                20 => (1, [&[b']', 0x8c, text.len() as u8], text, b"a"].concat()),
                21 => (1, [&b"}\x8c"[..], &[text.len() as u8], text, b"K\x01s"].concat()),
                22 => (1, vec![[b')', b'N', 0x88, 0x89, 0x8f][below(5) as usize]]),
                23 if below(12) == 0 => (1, [&b"cos\npath.join\n"[..], b"cnumpy\ndtype\n(\x8c\x02O8tR\x85"][below(2) as usize].to_vec()),
                23 => (1, [&b"cos\nsystem\n"[..], b"ccollections\nOrderedDict\n)R"][below(2) as usize].to_vec()),
                24 => (1, b"ccollections\nOrderedDict\n)R(\x8c\x01aK\x02u".to_vec()),
                25 => (0, [&[0x95], &below(60).to_le_bytes()[..]].concat()),
                _ if depth > 4 => vec![(-1, vec![b'a']), (-2, vec![b's']), (-1, vec![b'0']), (1, vec![b'2'])].swap_remove(below(4) as usize),
                _ => (0, vec![]),
            };
            out.extend(opcode);
            if let Some(depth) = depths.last_mut() {
                *depth = depth.saturating_add_signed(pushed);
            }
        }
        out.push(b'.');
        out.truncate(out.len() - below(3) as usize);
        out
    }

    fn ended(machine: &Machine, stop: crate::error::Result<Stop>) -> String {
        let state = (machine.ops, machine.tape.at(), machine.stack.above(0), machine.marks.above(0), machine.memo.len);
        let memo: Vec<_> = (0..40).map(|key| machine.memo.get(key)).collect();
        let kept: Vec<_> = machine.stack.above(0).iter().map(|v| (machine.show(*v), machine.items(*v))).collect();
        let heavy = (machine.heaviest, machine.pool.heaviest, machine.slots.heaviest);
        let mut noted = (machine.object_fields.iter().collect::<Vec<_>>(), machine.armed.iter().collect::<Vec<_>>(), &machine.method);
        noted.0.sort();
        noted.1.sort();
        format!("{noted:?} {stop:?} {state:?} {memo:?} {kept:?} {heavy:?} {:?} {:?} {:?}", machine.globals, machine.facts, machine.nested)
    }

    #[test]
    fn at_a_run_or_step_by_step_a_pickle_comes_to_the_same() {
        let mut quick = 0;
        for seed in 0..4000 {
            let bytes = thrown(seed);
            let pages = Pages::new(&bytes);
            // Small limits are reached, and frames are read in both ways.
            let limits = Limits { stack: if seed % 5 == 0 { 40 } else { 1 << 20 }, memo: if seed % 7 == 0 { 8 } else { 1 << 20 }, ..Limits::default() };
            let frames = if seed % 2 == 0 { Frames::LINEAR } else { Frames::DROPPED };
            let machine = || Machine::new(View::of_inflated(&pages), 0, frames, &limits);
            let (mut run, mut stepped) = (machine(), machine());
            let at_a_run = run.go(u64::MAX);
            let step_by_step = loop {
                match stepped.step() {
                    Ok(None) => {}
                    Ok(Some(stop)) => break Ok(stop),
                    Err(error) => break Err(error),
                }
            };
            assert_eq!(ended(&run, at_a_run), ended(&stepped, step_by_step), "seed {seed}: {bytes:02x?}");
            let mut dashed = machine();
            while dashed.ops < 100 && matches!(dashed.step(), Ok(None)) {
                let before = dashed.ops;
                dashed.dash(100);
                quick += dashed.ops - before;
            }
        }
        assert!(quick > 50_000, "hardly anything was run quickly: {quick}");
    }
}
