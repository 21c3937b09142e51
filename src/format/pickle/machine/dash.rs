//! The run through plain data, as the machine begins it: [`weighstation_plain::run`] says what it is for.

use super::Machine;
use weighstation_plain::run::Limits;

impl Machine<'_> {
    /// Runs at most so many opcodes, and none that is not plain data.
    pub(super) fn dash(&mut self, allowance: u64) {
        if self.unfenced || self.marks_inside {
            return;
        }
        let mut window = self.tape.window();
        // No opcode is shorter than a byte, so that as many bytes are no more opcodes than that.
        if let Some(fewer) = usize::try_from(allowance).ok().and_then(|n| window.get(..n)) {
            window = fewer;
        }
        let end = self.tape.at() + window.len() as u64;
        let limits = Limits { stack: self.limits.stack, marks: self.limits.stack / 8, filling: !self.callables && !self.typed };
        let ran = self.data.dash(window, end, &limits);
        self.ops += ran.ops;
        self.tape.advance(ran.passed);
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
        let state = (machine.ops, machine.tape.at(), machine.data.stack.above(0), machine.data.marks.above(0), machine.data.memo.len);
        let memo: Vec<_> = (0..40).map(|key| machine.data.memo.get(key)).collect();
        let kept: Vec<_> = machine.data.stack.above(0).iter().map(|v| (machine.show(*v), machine.items(*v))).collect();
        let heavy = (machine.data.heaviest, machine.data.pool.heaviest, machine.data.slots.heaviest);
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
