//! Pickles nobody would write: a weighted grammar that keeps track of the stack, so that most of them run to some depth, and mutations
//! of its own, of `pickle.dumps`' and of the corpus' pickles.

use weighstation::format::pickle::opcode::{Arg, OPCODES, opcode};

/// A seeded generator of numbers (splitmix64): the same cases everywhere.
pub struct Rng(u64);

impl Rng {
    pub fn new(seed: u64) -> Rng {
        Rng(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }

    pub fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    pub fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.below(from.len())]
    }
}

/// What the grammar knows of a value on the stack.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sort {
    Other,
    Text,
    Int,
    Tuple,
    List,
    Dict,
    Set,
    Import,
    Object,
}

const MODULES: &[&str] = &[
    "os", "builtins", "m0", "m1", "m2", "m3", "pkg.sub", "torch", "collections", "__main__", "copyreg", "numpy", "é", "m m", "m\r", "m0", "m1", "computed",
    "M", "a.b.c.d", "<m>", "\u{1d6fd}", " m0", "m-1",
];
const NAMES: &[&str] = &[
    "system", "n0", "n1", "n2", "n3", "n4", "text0", "text1", "Class", "a.b", "n0.n1", "é", "n n", "n\r", "FloatStorage", "__init__", "n0", "n1", "<lambda>",
    "C\u{301}", "n\\", "'n'", "n\"", "\\x41", "\\u0041", "n'\\", " n",
];
/// Texts for everywhere else: keys that Python calls by itself, and lengths on both sides of every limit.
const TEXTS: &[&str] = &["", "k", "__setstate__", "__class__", "storage", "module", "cpu", "0", "1", "\\", "'", "\n", "\0", "x\ny", "日本", "\u{80}"];

struct Grammar<'r> {
    rng: &'r mut Rng,
    out: Vec<u8>,
    stack: Vec<Sort>,
    marks: Vec<usize>,
    memo: Vec<(u64, Sort)>,
    frames: Vec<(usize, usize)>,
    /// Only opcodes of this protocol and below, as an old writer would.
    proto: u8,
}

/// One pickle of some 40 opcodes.
pub fn pickle(rng: &mut Rng) -> Vec<u8> {
    let proto = rng.below(6) as u8;
    let length = match rng.below(10) {
        0 => 3,
        1..=6 => 8 + rng.below(20),
        _ => 20 + rng.below(80),
    };
    let mut g = Grammar { rng, out: Vec::new(), stack: Vec::new(), marks: Vec::new(), memo: Vec::new(), frames: Vec::new(), proto };
    if g.proto >= 2 && !g.rng.one_in(30) || g.rng.one_in(30) {
        g.out.extend([0x80, g.proto]);
    }
    for _ in 0..length {
        g.step();
    }
    g.end()
}

impl Grammar<'_> {
    fn op(&mut self, byte: u8) {
        self.out.push(byte);
    }

    fn floor(&self) -> usize {
        self.marks.last().copied().unwrap_or(0)
    }

    fn height(&self) -> usize {
        self.stack.len() - self.floor().min(self.stack.len())
    }

    fn top(&self) -> Option<Sort> {
        if self.height() > 0 { self.stack.last().copied() } else { None }
    }

    fn drop(&mut self, n: usize) {
        let keep = self.stack.len().saturating_sub(n);
        self.stack.truncate(keep);
    }

    fn mark(&mut self) {
        self.op(b'(');
        self.marks.push(self.stack.len());
    }

    fn unmark(&mut self) {
        let at = self.marks.pop().unwrap_or(0);
        self.stack.truncate(at);
    }

    fn end(mut self) -> Vec<u8> {
        while !self.marks.is_empty() && !self.rng.one_in(8) {
            self.op(b't');
            self.unmark();
            self.stack.push(Sort::Tuple);
        }
        while let Some((at, delta)) = self.frames.pop() {
            self.close_frame(at, delta);
        }
        if self.stack.is_empty() && !self.rng.one_in(10) {
            self.op(b'N');
        }
        if !self.rng.one_in(7) {
            self.op(b'.');
        }
        self.out
    }

    /// Writes the length of a frame that began at `at`: mostly right, or a few bytes off.
    fn close_frame(&mut self, at: usize, delta: usize) {
        let len = (self.out.len() - at - 8 + delta).saturating_sub(8) as u64;
        self.out[at..at + 8].copy_from_slice(&len.to_le_bytes());
    }

    fn name(&mut self, from: &[&str]) -> String {
        if self.rng.one_in(40) {
            return "L".repeat([63, 64, 255, 256, 399][self.rng.below(5)]);
        }
        let first = if self.rng.one_in(5) { from.len() } else { from.len().min(8) };
        from[self.rng.below(first)].to_string()
    }

    /// Module and name; a few of the imports that the machine follows.
    fn import_name(&mut self) -> (String, String) {
        if self.rng.one_in(25) {
            let followed = [
                ("builtins", "getattr"),
                ("functools", "partial"),
                ("operator", "attrgetter"),
                ("importlib", "import_module"),
                ("copyreg", "_reconstructor"),
                ("_codecs", "encode"),
                ("torch._utils", "_rebuild_tensor_v2"),
            ];
            let (m, n) = followed[self.rng.below(followed.len())];
            return (m.into(), n.into());
        }
        (self.name(MODULES), self.name(NAMES))
    }

    fn memo_key(&mut self) -> u64 {
        match self.rng.below(12) {
            0 => 255 + self.rng.below(3) as u64,
            1 => 70_000,
            2..=4 => self.rng.below(4) as u64,
            _ => self.memo.len() as u64,
        }
    }

    fn number(&mut self) -> i64 {
        [0, 1, 2, 3, -1, 255, 256, 65_536, 240, i64::from(i32::MAX), i64::MIN, 1 << 59][self.rng.below(12)]
    }

    /// A number as INT, LONG, GET and PUT take it, in one of the accepted spellings, or nearly.
    fn digits(&mut self, n: i64, base10: bool) -> Vec<u8> {
        let odd = self.rng.one_in(4);
        let text = match if odd { self.rng.below(15) } else { 99 } {
            0 => format!(" {n}"),
            1 => format!("{n} "),
            2 => format!("\t{n}\r"),
            3 if n >= 0 => format!("+{n}"),
            4 if n >= 0 && !base10 => format!("{n:#x}"),
            5 if n >= 0 && !base10 => format!("{n:#o}"),
            6 if n >= 0 && !base10 => format!("{n:#b}"),
            7 if n >= 10 => n.to_string().split_at(1).0.to_string() + "_" + n.to_string().split_at(1).1,
            8 if n >= 0 => format!("0{n}"),
            9 if n >= 0 => format!("{}{n}", "0".repeat(70)),
            10 if n >= 0 => format!("{}{n}", " ".repeat(70)),
            11 => format!("{n}\0x"),
            12 => format!("{n}L"),
            13 if n >= 0 => format!("{n}{}", "0".repeat(30)),
            14 => ["", "a", "1.5", "00", "01", "_1", "-", "0x", "1__0", "True"][self.rng.below(10)].to_string(),
            _ => n.to_string(),
        };
        text.into_bytes()
    }

    /// STRING's argument: a `repr` with its escapes.
    fn quoted(&mut self, text: &str) -> Vec<u8> {
        let quote = if self.rng.one_in(3) { b'"' } else { b'\'' };
        let mut out = vec![quote];
        for b in text.bytes() {
            match self.rng.below(24) {
                0 => out.extend(format!("\\x{b:02x}").bytes()),
                1 => out.extend(format!("\\{b:03o}").bytes()),
                2 => out.extend(format!("\\{b:o}").bytes()),
                3 if self.rng.one_in(6) => out.extend([b'\\', b]),
                4 if self.rng.one_in(9) => out.extend(b"\\q"),
                _ if b == b'\\' || b == quote => out.extend([b'\\', b]),
                _ if b == b'\n' => out.extend(b"\\n"),
                _ => out.push(b),
            }
        }
        if !self.rng.one_in(60) {
            out.push(quote);
        }
        if self.rng.one_in(60) {
            out.extend([b' ', b'\t']);
        }
        out
    }

    /// UNICODE's argument: raw-unicode-escape.
    fn escaped(&mut self, text: &str) -> Vec<u8> {
        let mut out = Vec::new();
        for c in text.chars() {
            let code = c as u32;
            match self.rng.below(14) {
                0 if code < 0x10000 => out.extend(format!("\\u{code:04x}").bytes()),
                1 => out.extend(format!("\\U{code:08x}").bytes()),
                2 if self.rng.one_in(9) => out.extend(format!("\\\\u{:04x}", code & 0xffff).bytes()),
                3 if self.rng.one_in(20) => out.extend(b"\\ud800"),
                _ if code < 256 && c != '\n' && c != '\\' => out.push(code as u8),
                _ if code < 0x10000 => out.extend(format!("\\u{code:04x}").bytes()),
                _ => out.extend(format!("\\U{code:08x}").bytes()),
            }
        }
        out
    }

    fn text(&mut self, text: &str) {
        let bytes = text.as_bytes();
        let all = [0x8c, b'X', 0x8d, b'V', b'S', b'U', b'T'];
        let first = if self.proto >= 4 {
            0
        } else if self.proto >= 1 {
            1
        } else {
            3
        };
        let kind = if self.rng.one_in(6) { all[self.rng.below(all.len())] } else { all[first] };
        match kind {
            b'S' => {
                let line = self.quoted(text);
                self.line(b'S', &line);
            }
            b'V' => {
                let line = self.escaped(text);
                self.line(b'V', &line);
            }
            0x8c | b'U' if bytes.len() < 256 => {
                self.out.extend([kind, bytes.len() as u8]);
                self.out.extend(bytes);
            }
            0x8d => {
                self.op(0x8d);
                self.out.extend((bytes.len() as u64).to_le_bytes());
                self.out.extend(bytes);
            }
            _ => {
                self.op(if kind == b'T' { b'T' } else { b'X' });
                self.out.extend((bytes.len() as u32).to_le_bytes());
                self.out.extend(bytes);
            }
        }
        self.stack.push(Sort::Text);
    }

    fn line(&mut self, op: u8, line: &[u8]) {
        self.op(op);
        self.out.extend(line);
        if self.rng.one_in(80) {
            self.op(b'\r');
        }
        self.op(b'\n');
    }

    fn int(&mut self, n: i64) {
        match self.rng.below(8) {
            0 | 1 if (0..256).contains(&n) => self.out.extend([b'K', n as u8]),
            2 if (0..65_536).contains(&n) => {
                self.op(b'M');
                self.out.extend((n as u16).to_le_bytes());
            }
            3 if i32::try_from(n).is_ok() => {
                self.op(b'J');
                self.out.extend((n as i32).to_le_bytes());
            }
            4 => {
                self.out.extend([0x8a, 8]);
                self.out.extend(n.to_le_bytes());
            }
            5 => {
                self.out.extend([0x8b, 8, 0, 0, 0]);
                self.out.extend(n.to_le_bytes());
            }
            6 => {
                let line = self.digits(n, false);
                self.line(b'L', &line);
            }
            _ => {
                let line = self.digits(n, false);
                self.line(b'I', &line);
            }
        }
        self.stack.push(Sort::Int);
    }

    fn constant(&mut self) {
        match self.rng.below(12) {
            0..=2 => {
                let n = self.number();
                self.int(n);
            }
            3..=5 => {
                let text = if self.rng.one_in(10) {
                    "t".repeat([2, 63, 64, 255, 256, 300][self.rng.below(6)])
                } else {
                    TEXTS[self.rng.below(TEXTS.len())].to_string()
                };
                self.text(&text);
            }
            6 => {
                let bytes = b"\x80\x04bytes.....";
                let len = self.rng.below(bytes.len());
                match self.rng.below(4) {
                    0 => self.out.extend([b'C', len as u8]),
                    1 => {
                        self.op(b'B');
                        self.out.extend((len as u32).to_le_bytes());
                    }
                    n => {
                        self.op(if n == 2 { 0x8e } else { 0x96 });
                        self.out.extend((len as u64).to_le_bytes());
                    }
                }
                self.out.extend(&bytes[..len]);
                self.stack.push(Sort::Other);
            }
            7 => {
                let line: &[u8] = [&b"1.5"[..], b" 1e3", b"inf", b"-nan", b"1_0.0", b"x"][self.rng.below(6)];
                if self.rng.one_in(2) {
                    self.line(b'F', line);
                } else {
                    self.op(b'G');
                    self.out.extend(1.5f64.to_be_bytes());
                }
                self.stack.push(Sort::Other);
            }
            8 => {
                let op = [b'N', 0x88, 0x89][self.rng.below(3)];
                self.op(op);
                self.stack.push(Sort::Other);
            }
            9 => {
                let (op, sort) = [(b']', Sort::List), (b'}', Sort::Dict), (b')', Sort::Tuple), (0x8f, Sort::Set)][self.rng.below(4)];
                self.op(op);
                self.stack.push(sort);
            }
            10 if self.rng.one_in(4) => {
                self.op(0x97);
                self.stack.push(Sort::Other);
                if self.rng.one_in(2) {
                    self.op(0x98);
                }
            }
            _ => {
                self.out.extend([b'K', 7]);
                self.stack.push(Sort::Int);
            }
        }
    }

    fn import(&mut self) {
        let (module, name) = self.import_name();
        if self.proto >= 4 && !self.rng.one_in(4) || self.rng.one_in(6) {
            self.text(&module);
            if self.rng.one_in(5) {
                self.put();
            }
            self.text(&name);
            if self.rng.one_in(15) {
                self.constant();
            }
            self.op(0x93);
            self.drop(2);
        } else {
            self.op(b'c');
            self.out.extend(module.replace('\n', "").bytes());
            self.op(b'\n');
            self.out.extend(name.replace('\n', "").bytes());
            self.op(b'\n');
        }
        self.stack.push(Sort::Import);
    }

    fn arguments(&mut self) {
        // The Python unpickler unpacks a dictionary's keys, too.
        if self.rng.one_in(30) {
            self.mark();
            for _ in 0..self.rng.below(4) {
                self.value();
                self.constant();
            }
            self.op(b'd');
            self.unmark();
            self.stack.push(Sort::Tuple);
            return;
        }
        match self.rng.below(5) {
            0 => {
                self.op(b')');
                self.stack.push(Sort::Tuple);
            }
            1 => {
                self.mark();
                for _ in 0..self.rng.below(4) {
                    self.value();
                }
                self.op(b't');
                self.unmark();
                self.stack.push(Sort::Tuple);
            }
            n => {
                for _ in 0..n - 1 {
                    self.value();
                }
                self.op(0x83 + n as u8);
                self.drop(n - 1);
                self.stack.push(Sort::Tuple);
            }
        }
    }

    fn value(&mut self) {
        match self.rng.below(8) {
            0 => self.import(),
            1 if !self.memo.is_empty() => self.get(),
            _ => self.constant(),
        }
    }

    fn call(&mut self) {
        if !matches!(self.top(), Some(Sort::Import | Sort::Object)) || self.rng.one_in(2) {
            self.import();
        }
        match self.rng.below(12) {
            0..=5 => {
                if self.rng.one_in(20) {
                    self.constant()
                } else {
                    self.arguments()
                }
                self.op(b'R');
                self.drop(2);
            }
            6 | 7 => {
                self.arguments();
                self.op(0x81);
                self.drop(2);
            }
            8 => {
                self.arguments();
                self.op(b'}');
                if self.rng.one_in(2) {
                    self.mark();
                    self.text("key");
                    self.value();
                    self.op(b'u');
                    self.unmark();
                }
                self.op(0x92);
                self.drop(2);
            }
            9 | 10 => {
                self.mark();
                if !self.rng.one_in(10) {
                    self.import();
                }
                for _ in 0..self.rng.below(3) {
                    self.value();
                }
                self.op(b'o');
                self.unmark();
            }
            _ => {
                self.mark();
                for _ in 0..self.rng.below(3) {
                    self.value();
                }
                let (module, name) = self.import_name();
                self.op(b'i');
                self.out.extend(format!("{}\n{}\n", module.replace('\n', ""), name.replace('\n', "")).bytes());
                self.unmark();
            }
        }
        self.stack.push(Sort::Object);
    }

    fn put(&mut self) {
        let Some(top) = self.top() else { return };
        let mut key = self.memo_key();
        match self.rng.below(6) {
            0 => {
                let line = self.digits(key as i64, true);
                self.line(b'p', &line);
            }
            1 if key < 256 => self.out.extend([b'q', key as u8]),
            2 => {
                self.op(b'r');
                let odd = if self.rng.one_in(40) { u32::MAX } else { key as u32 };
                self.out.extend(odd.to_le_bytes());
            }
            _ => {
                // MEMOIZE counts the entries in use, not the highest of them.
                let mut keys: Vec<u64> = self.memo.iter().map(|(k, _)| *k).collect();
                keys.sort_unstable();
                keys.dedup();
                key = keys.len() as u64;
                self.op(0x94);
            }
        }
        self.memo.push((key, top));
    }

    fn get(&mut self) {
        let (mut key, mut sort) = (self.rng.below(3) as u64, Sort::Other);
        if !self.memo.is_empty() && !self.rng.one_in(30) {
            (key, sort) = self.memo[self.rng.below(self.memo.len())];
        }
        match self.rng.below(4) {
            0 => {
                let line = self.digits(key as i64, true);
                self.line(b'g', &line);
            }
            1 => {
                self.op(b'j');
                self.out.extend((key as u32).to_le_bytes());
            }
            _ if key < 256 => self.out.extend([b'h', key as u8]),
            _ => {
                let line = key.to_string();
                self.line(b'g', line.as_bytes());
            }
        }
        self.stack.push(sort);
    }

    fn fill(&mut self) {
        let target = [(b']', Sort::List), (b'}', Sort::Dict), (0x8f, Sort::Set)][self.rng.below(3)];
        if !matches!(self.top(), Some(Sort::List | Sort::Dict | Sort::Set | Sort::Object | Sort::Import)) {
            self.op(target.0);
            self.stack.push(target.1);
        }
        match (self.top(), self.rng.below(3)) {
            (Some(Sort::List), 0) => {
                self.value();
                self.op(b'a');
                self.drop(1);
            }
            (Some(Sort::Dict), 0) => {
                self.text("key");
                self.value();
                self.op(b's');
                self.drop(2);
            }
            (top, _) => {
                self.mark();
                for _ in 0..self.rng.below(4) {
                    self.text("key");
                    self.value();
                }
                let op = match top {
                    Some(Sort::List) => b'e',
                    Some(Sort::Dict) => b'u',
                    Some(Sort::Set) => 0x90,
                    _ => [b'e', b'u', 0x90][self.rng.below(3)],
                };
                self.op(op);
                self.unmark();
            }
        }
    }

    fn extension(&mut self) {
        let code = if self.rng.one_in(3) { 240 } else { 1 + self.rng.below(3) as i64 };
        if code != 240 {
            self.out.extend(b"ccopyreg\nadd_extension\n");
            let (module, name) = self.import_name();
            self.mark();
            self.text(&module);
            self.text(&name);
            self.int(code);
            self.op(b't');
            self.unmark();
            self.op(b'R');
            if self.rng.one_in(2) {
                self.op(b'0');
            } else {
                self.stack.push(Sort::Other);
            }
        }
        match self.rng.below(3) {
            0 => self.out.extend([0x82, code as u8]),
            1 => {
                self.op(0x83);
                self.out.extend((code as u16).to_le_bytes());
            }
            _ => {
                self.op(0x84);
                self.out.extend((code as i32).to_le_bytes());
            }
        }
        self.stack.push(Sort::Import);
    }

    fn persistent(&mut self) {
        match self.rng.below(4) {
            0 => {
                let line: &[u8] = self.rng.pick(&[&b"id"[..], b"", b"\xff", b"module", b"7"]);
                self.line(b'P', line);
            }
            1 => {
                self.mark();
                self.text("storage");
                self.out.extend(b"ctorch\nFloatStorage\n");
                self.text("0");
                self.text("cpu");
                self.int(4);
                self.out.extend(b"tQ");
                self.unmark();
            }
            2 => {
                self.mark();
                self.text("module");
                self.value();
                self.out.extend(b"NNtQ");
                self.unmark();
            }
            _ => {
                self.value();
                self.op(b'Q');
                self.drop(1);
            }
        }
        self.stack.push(Sort::Object);
    }

    fn shuffle(&mut self) {
        match self.rng.below(6) {
            0 | 1 if self.height() > 0 => {
                self.op(b'2');
                self.stack.extend(self.stack.last().copied());
            }
            2 if self.height() > 0 => {
                self.op(b'0');
                self.drop(1);
            }
            3 if self.marks.len() < 20 => self.mark(),
            4 if !self.marks.is_empty() => {
                let op = [b'1', b't', b'l', b'd', 0x91][self.rng.below(5)];
                self.op(op);
                self.unmark();
                if self.out.last() != Some(&b'1') {
                    self.stack.push(Sort::Other);
                }
            }
            // With nothing above the mark, POP takes the mark.
            _ if self.height() == 0 && !self.marks.is_empty() => {
                self.op(b'0');
                self.marks.pop();
            }
            _ => self.constant(),
        }
    }

    fn step(&mut self) {
        match self.rng.below(40) {
            0..=7 => self.constant(),
            8..=11 => self.import(),
            12..=17 => self.call(),
            18..=20 => self.put(),
            21..=23 => self.get(),
            24..=26 => self.fill(),
            27..=29 => self.shuffle(),
            30 | 31 if self.height() > 1 => {
                let state = self.rng.one_in(3);
                if state {
                    self.op(b'}');
                    self.stack.push(Sort::Dict);
                }
                self.op(b'b');
                self.drop(1);
            }
            32 => self.extension(),
            33 => self.persistent(),
            34 if self.proto >= 4 || self.rng.one_in(5) => {
                self.op(0x95);
                let delta = if self.rng.one_in(4) { self.rng.below(17) } else { 8 };
                self.frames.push((self.out.len(), delta));
                self.out.extend([0; 8]);
                if self.rng.one_in(20) {
                    self.frames.pop();
                    let at = self.out.len() - 8;
                    self.out[at..at + 2].copy_from_slice(&[self.rng.below(60) as u8, 0]);
                }
            }
            35 | 36 => {
                if let Some((at, delta)) = self.frames.pop() {
                    self.close_frame(at, delta);
                }
            }
            37 if self.rng.one_in(8) => {
                let proto = self.rng.below(7) as u8;
                self.out.extend([0x80, proto]);
            }
            38 if self.rng.one_in(10) => {
                let op = OPCODES[self.rng.below(OPCODES.len())];
                random_op(self.rng, &mut self.out, op.byte);
            }
            _ => self.value(),
        }
    }
}

/// An opcode with an argument that has its shape, whatever the stack.
fn random_op(rng: &mut Rng, out: &mut Vec<u8>, byte: u8) {
    out.push(byte);
    let Some(op) = opcode(byte) else { return };
    let line: &[&[u8]] = &[b"0", b"1", b"'text'", b"os", b"", b"system"];
    match op.arg {
        Arg::None => {}
        Arg::Fixed(n) => out.extend((0..n).map(|i| if i == 0 { rng.below(6) as u8 } else { 0 })),
        Arg::Line | Arg::TwoLines => {
            for _ in 0..if op.arg == Arg::Line { 1 } else { 2 } {
                out.extend(rng.pick(line));
                out.push(b'\n');
            }
        }
        Arg::Len1 | Arg::Len4 | Arg::Len8 => {
            let n = rng.below(12);
            out.push(n as u8);
            out.extend(std::iter::repeat_n(
                0,
                match op.arg {
                    Arg::Len1 => 0,
                    Arg::Len4 => 3,
                    _ => 7,
                },
            ));
            out.extend(std::iter::repeat_n(b'm', n));
        }
    }
}

/// Where each opcode of a pickle begins, as far as it can be told.
fn boundaries(bytes: &[u8]) -> Vec<usize> {
    let mut out = vec![0];
    let mut at = 0;
    let line = |from: usize| bytes.get(from..).and_then(|b| b.iter().position(|c| *c == b'\n')).map(|n| from + n + 1);
    while let Some(op) = bytes.get(at).and_then(|b| opcode(*b)) {
        let len =
            |n: usize| bytes.get(at + 1..at + 1 + n).map(|b| b.iter().rev().fold(0usize, |sum, d| sum.saturating_mul(256).saturating_add(usize::from(*d))));
        let end = match op.arg {
            Arg::None => Some(at + 1),
            Arg::Fixed(n) => Some(at + 1 + usize::from(n)),
            Arg::Line => line(at + 1),
            Arg::TwoLines => line(at + 1).and_then(line),
            Arg::Len1 => len(1).map(|n| at + 2 + n),
            Arg::Len4 => len(4).map(|n| (at + 5).saturating_add(n)),
            Arg::Len8 => len(8).map(|n| (at + 9).saturating_add(n)),
        };
        match end {
            Some(end) if end <= bytes.len() => at = end,
            _ => break,
        }
        out.push(at);
    }
    out
}

/// Changes a pickle in a few places: bytes, opcodes, stretches, and stretches of another one.
pub fn mutate(rng: &mut Rng, bytes: &mut Vec<u8>, other: &[u8]) {
    for _ in 0..1 + rng.below(3) {
        if bytes.is_empty() {
            return;
        }
        let at = rng.below(bytes.len());
        let ops = boundaries(bytes);
        let (a, b) = (ops[rng.below(ops.len())], ops[rng.below(ops.len())]);
        let (a, b) = (a.min(b), a.max(b).min(a.min(b) + 200));
        match rng.below(12) {
            0 => bytes[at] ^= 1 << rng.below(8),
            1 => bytes[at] = OPCODES[rng.below(OPCODES.len())].byte,
            2 => {
                bytes.remove(at);
            }
            3 => bytes.insert(at, rng.next() as u8),
            4 => bytes.truncate(at),
            5 => {
                bytes.drain(a..b);
            }
            6 => {
                let part = bytes[a..b].to_vec();
                let to = ops[rng.below(ops.len())];
                bytes.splice(to..to, part);
            }
            7 | 8 => {
                let mut op = Vec::new();
                let byte = OPCODES[rng.below(OPCODES.len())].byte;
                random_op(rng, &mut op, byte);
                bytes.splice(a..a, op);
            }
            9 => {
                let theirs = boundaries(other);
                let (c, d) = (theirs[rng.below(theirs.len())], theirs[rng.below(theirs.len())]);
                let part = other[c.min(d)..c.max(d).min(c.min(d) + 200)].to_vec();
                bytes.splice(a..a, part);
            }
            10 => {
                // A frame around a stretch, right or a little wrong.
                let mut frame = vec![0x95];
                frame.extend(((b - a) as u64 + rng.below(4) as u64).saturating_sub(1).to_le_bytes());
                bytes.splice(a..a, frame);
            }
            _ => bytes.splice(a..a, [b'.']).for_each(drop),
        }
    }
}

#[test]
fn every_opcode_comes_by() {
    let mut seen = [0u32; 256];
    let mut rng = Rng::new(1);
    for _ in 0..5_000 {
        let p = pickle(&mut rng);
        for at in boundaries(&p) {
            if let Some(b) = p.get(at) {
                seen[usize::from(*b)] += 1;
            }
        }
    }
    for op in OPCODES {
        assert!(seen[usize::from(op.byte)] > 20, "{} came by {} times", op.name, seen[usize::from(op.byte)]);
    }
}
