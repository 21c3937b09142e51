//! Cases as text: a few lines that say what is expected, then instructions that build the bytes. What would be dangerous to have
//! lying around as a file is inert as a recipe.
//!
//! ```text
//! path: model.pkl            name under which it is scanned
//! verdict: dangerous
//! rules: WS101               exactly the rules that fire at medium or above
//! low: WS902                 exactly the rules that fire below medium
//! near: WS102                rules that this case comes close to and must not fire
//! imports: os.system         exactly the imports, in order (checked only where the line is given)
//! formats: pickle            exactly the formats (checked only where the line is given)
//! gaps: malformed            exactly the reasons of the gaps
//! link: ../x                 it is a link that leads there, out of the folder
//!
//! pickle { PROTO 2 GLOBAL "os" "system" BINUNICODE "echo" TUPLE1 REDUCE STOP }
//! ```
//!
//! In a `.set` every `file NAME { … }` is one file of a folder, and the expectations are those of the folder.

#[path = "hdf5.rs"]
mod hdf5;

use std::path::{Path, PathBuf};
use weighstation::format::pickle::opcode::{Arg, OPCODES, Opcode};

/// One file that a recipe builds.
pub struct Built {
    /// Name under which it is scanned.
    pub path: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// A recipe with its expectations.
pub struct Case {
    /// The recipe's path below the folder of cases, without the ending.
    pub id: String,
    /// Expectations by key.
    head: Vec<(String, String)>,
    /// The files: exactly one unless it is a set.
    pub files: Vec<Built>,
}

impl Case {
    /// The words of an expectation; nothing if there is no such line.
    pub fn words(&self, key: &str) -> Option<Vec<String>> {
        self.head.iter().find(|(k, _)| k == key).map(|(_, v)| v.split_whitespace().map(str::to_string).collect())
    }

    /// The words of a list that is empty where it is not given.
    pub fn list(&self, key: &str) -> Vec<String> {
        self.words(key).unwrap_or_default()
    }
}

/// The folder of the corpus.
pub fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus")
}

/// Every file below a folder, sorted.
pub fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut out = Vec::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(dir) = open.pop() {
        for entry in std::fs::read_dir(&dir).unwrap_or_else(|e| panic!("{}: {e}", dir.display())) {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                open.push(path);
            } else {
                out.push(path);
            }
        }
    }
    out.sort();
    out
}

/// Every case of the corpus.
pub fn cases() -> Vec<Case> {
    let folder = corpus().join("cases");
    files_below(&folder)
        .into_iter()
        .map(|path| {
            let text = std::fs::read_to_string(&path).expect("a recipe");
            let set = match path.extension().and_then(|e| e.to_str()) {
                Some("case") => false,
                Some("set") => true,
                _ => panic!("{} is no recipe", path.display()),
            };
            let id = path.with_extension("").strip_prefix(&folder).expect("below the folder").to_string_lossy().replace('\\', "/");
            case(id, set, &text)
        })
        .collect()
}

/// The small files that real libraries wrote.
pub fn real() -> Vec<Built> {
    let folder = corpus().join("real");
    files_below(&folder)
        .into_iter()
        .filter(|p| p.extension().is_none_or(|e| e != "py"))
        .map(|p| Built {
            path: p.strip_prefix(&folder).expect("below the folder").to_string_lossy().replace('\\', "/"),
            bytes: std::fs::read(&p).expect("a file"),
        })
        .collect()
}

fn case(id: String, set: bool, text: &str) -> Case {
    let (head, body) = text.split_once("\n\n").unwrap_or_else(|| panic!("{id}: an empty line ends the expectations"));
    let known = ["path", "verdict", "rules", "low", "near", "imports", "formats", "gaps", "link"];
    let head: Vec<(String, String)> = head
        .lines()
        .map(|line| {
            let (key, value) = line.split_once(':').unwrap_or_else(|| panic!("{id}: {line:?} is no expectation"));
            assert!(known.contains(&key), "{id}: there is no expectation {key:?}");
            (key.to_string(), value.trim().to_string())
        })
        .collect();
    let value = |key: &str| head.iter().find(|(k, _)| k == key).map(|(_, v)| v.clone());
    assert!(value("verdict").is_some(), "{id}: no verdict");
    let mut tokens = Tokens { id: &id, all: tokens(&id, body), at: 0 };
    let mut files = Vec::new();
    if set {
        while let Some(word) = tokens.next() {
            assert!(word.is("file"), "{id}: a set is made of files");
            let path = tokens.string();
            files.push(Built { path, bytes: tokens.block() });
        }
    } else {
        let path = value("path").unwrap_or_else(|| panic!("{id}: no path"));
        let bytes = tokens.build(false);
        files.push(Built { path, bytes });
    }
    Case { id, head, files }
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Word(String),
    Text(Vec<u8>),
    /// `key=value`
    Option(String, Vec<u8>),
    Open,
    Close,
}

impl Token {
    fn is(&self, word: &str) -> bool {
        matches!(self, Token::Word(w) if w == word)
    }
}

fn quoted(id: &str, chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Vec<u8> {
    fn put(out: &mut Vec<u8>, c: char) {
        out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
    }
    let mut out = Vec::new();
    loop {
        match chars.next().unwrap_or_else(|| panic!("{id}: a text without an end")) {
            '"' => return out,
            '\\' => match chars.next().expect("an escape") {
                'n' => put(&mut out, '\n'),
                't' => put(&mut out, '\t'),
                'r' => put(&mut out, '\r'),
                'x' => {
                    let hex: String = chars.by_ref().take(2).collect();
                    out.push(u8::from_str_radix(&hex, 16).unwrap_or_else(|_| panic!("{id}: \\x{hex}")));
                }
                'u' => {
                    let hex: String = chars.by_ref().skip(1).take_while(|c| *c != '}').collect();
                    put(&mut out, u32::from_str_radix(&hex, 16).ok().and_then(char::from_u32).unwrap_or_else(|| panic!("{id}: \\u{{{hex}}}")));
                }
                other => put(&mut out, other),
            },
            c => put(&mut out, c),
        }
    }
}

fn tokens(id: &str, body: &str) -> Vec<Token> {
    let mut chars = body.chars().peekable();
    let mut out = Vec::new();
    while let Some(c) = chars.next() {
        match c {
            c if c.is_whitespace() => {}
            '#' => while chars.next().is_some_and(|c| c != '\n') {},
            '{' => out.push(Token::Open),
            '}' => out.push(Token::Close),
            '"' => out.push(Token::Text(quoted(id, &mut chars))),
            c => {
                let mut word = String::from(c);
                let mut option = None;
                while let Some(c) = chars.next_if(|c| !c.is_whitespace() && !matches!(c, '{' | '}')) {
                    if c == '=' {
                        let value = if chars.next_if_eq(&'"').is_some() {
                            quoted(id, &mut chars)
                        } else {
                            std::iter::from_fn(|| chars.next_if(|c| !c.is_whitespace())).collect::<String>().into_bytes()
                        };
                        option = Some(value);
                        break;
                    }
                    word.push(c);
                }
                out.push(match option {
                    Some(value) => Token::Option(word, value),
                    None => Token::Word(word),
                });
            }
        }
    }
    out
}

/// One stream of a codec.
fn packed(codec: &str, plain: &[u8]) -> Vec<u8> {
    use std::io::Write;
    match codec {
        "gzip" => {
            let mut crc = flate2::Crc::new();
            crc.update(plain);
            let mut out = b"\x1f\x8b\x08\0\0\0\0\0\0\x03".to_vec();
            out.extend(deflate(plain));
            out.extend(crc.sum().to_le_bytes());
            out.extend(crc.amount().to_le_bytes());
            out
        }
        "zlib" => {
            let mut enc = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
            enc.write_all(plain).and_then(|()| enc.finish()).expect("in memory")
        }
        "bzip2" => {
            let mut enc = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::best());
            enc.write_all(plain).and_then(|()| enc.finish()).expect("in memory")
        }
        "xz" => {
            let mut enc = lzma_rust2::XzWriter::new(Vec::new(), lzma_rust2::XzOptions::with_preset(1)).expect("options");
            enc.write_all(plain).and_then(|()| enc.finish()).expect("in memory")
        }
        "lzma" => {
            let mut enc = lzma_rust2::LzmaWriter::new_use_header(Vec::new(), &lzma_rust2::LzmaOptions::with_preset(1), None).expect("options");
            enc.write_all(plain).and_then(|()| enc.finish()).expect("in memory")
        }
        "zstd" => ruzstd::encoding::compress_to_vec(plain, ruzstd::encoding::CompressionLevel::Fastest),
        "lz4" => {
            let mut enc = lz4_flex::frame::FrameEncoder::new(Vec::new());
            enc.write_all(plain).expect("in memory");
            enc.finish().expect("in memory")
        }
        other => panic!("there is no codec {other}"),
    }
}

fn tar_member(out: &mut Vec<u8>, name: &[u8], kind: u8, link: &[u8], size: u64, data: &[u8]) {
    let mut block = [0u8; 512];
    block[..name.len()].copy_from_slice(name);
    block[100..107].copy_from_slice(b"0000644");
    block[124..135].copy_from_slice(format!("{size:011o}").as_bytes());
    block[156] = kind;
    block[157..157 + link.len()].copy_from_slice(link);
    block[257..265].copy_from_slice(b"ustar\x0000");
    block[148..156].fill(b' ');
    let sum: u32 = block.iter().map(|b| u32::from(*b)).sum();
    block[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    out.extend(block);
    out.extend(data);
    out.resize(out.len().div_ceil(512) * 512, 0);
}

fn number(id: &str, text: &str) -> u64 {
    let parsed = match text.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16),
        None if text.starts_with('-') => text.parse::<i64>().map(|n| n as u64),
        None => text.parse(),
    };
    parsed.unwrap_or_else(|_| panic!("{id}: {text:?} is no number"))
}

struct Tokens<'a> {
    id: &'a str,
    all: Vec<Token>,
    at: usize,
}

impl Tokens<'_> {
    fn next(&mut self) -> Option<Token> {
        let t = self.all.get(self.at).cloned();
        self.at += 1;
        t
    }

    fn peek(&self) -> Option<&Token> {
        self.all.get(self.at)
    }

    fn word(&mut self) -> String {
        match self.next() {
            Some(Token::Word(w)) => w,
            other => panic!("{}: expected a word, found {other:?}", self.id),
        }
    }

    fn text(&mut self) -> Vec<u8> {
        match self.next() {
            Some(Token::Text(t)) => t,
            other => panic!("{}: expected a text, found {other:?}", self.id),
        }
    }

    fn string(&mut self) -> String {
        String::from_utf8(self.text()).expect("UTF-8")
    }

    fn number(&mut self) -> u64 {
        let word = self.word();
        number(self.id, &word)
    }

    fn options(&mut self) -> Options {
        let mut out = Vec::new();
        while let Some(Token::Option(key, value)) = self.peek().cloned() {
            self.at += 1;
            out.push((key, value));
        }
        Options { id: self.id.to_string(), all: out }
    }

    fn open(&mut self) {
        let t = self.next();
        assert_eq!(t, Some(Token::Open), "{}", self.id);
    }

    fn block(&mut self) -> Vec<u8> {
        self.open();
        self.build(true)
    }

    /// Bytes up to the end, or up to the brace that closes the block.
    fn build(&mut self, inner: bool) -> Vec<u8> {
        let mut out = Vec::new();
        loop {
            let Some(token) = self.next() else {
                assert!(!inner, "{}: a block without an end", self.id);
                return out;
            };
            if token == Token::Close {
                assert!(inner, "{}: a brace too many", self.id);
                return out;
            }
            let Token::Word(word) = token else { panic!("{}: {token:?} is no instruction", self.id) };
            match word.as_str() {
                "text" => out.extend(self.text()),
                "hex" => {
                    while let Some(Token::Word(w)) = self.peek() {
                        let Ok(byte) = u8::from_str_radix(w, 16) else { break };
                        if w.len() != 2 {
                            break;
                        }
                        out.push(byte);
                        self.at += 1;
                    }
                }
                "fill" => {
                    let n = self.number() as usize;
                    let byte = self.number() as u8;
                    out.resize(out.len() + n, byte);
                }
                "repeat" => {
                    let times = self.number() as usize;
                    out.extend(self.block().repeat(times));
                }
                "u16" => out.extend((self.number() as u16).to_le_bytes()),
                "u32" => out.extend((self.number() as u32).to_le_bytes()),
                "u64" => out.extend(self.number().to_le_bytes()),
                // Takes bytes off the end, or overwrites some: how files break.
                "cut" => {
                    let n = self.number() as usize;
                    out.truncate(out.len() - n);
                }
                "patch" => {
                    let at = self.number() as usize;
                    let bytes = self.text();
                    out[at..at + bytes.len()].copy_from_slice(&bytes);
                }
                "pickle" => {
                    self.open();
                    self.pickle(&mut out);
                }
                "safetensors" => {
                    let header = self.text();
                    out.extend((header.len() as u64).to_le_bytes());
                    out.extend(header);
                }
                "npy" => {
                    let version = self.number() as u8;
                    let mut header = self.text();
                    let fixed = if version == 1 { 10 } else { 12 };
                    while !(fixed + header.len() + 1).is_multiple_of(64) {
                        header.push(b' ');
                    }
                    header.push(b'\n');
                    out.extend(b"\x93NUMPY");
                    out.extend([version, 0]);
                    let len = (header.len() as u32).to_le_bytes();
                    out.extend(&len[..if version == 1 { 2 } else { 4 }]);
                    out.extend(header);
                }
                "gguf" => self.gguf(&mut out),
                "proto" => {
                    self.open();
                    self.proto(&mut out);
                }
                "zip" => self.zip(&mut out),
                "hdf5" => self.hdf5(&mut out),
                "gzip" | "zlib" | "bzip2" | "xz" | "lzma" | "zstd" | "lz4" => out.extend(packed(&word, &self.block())),
                "tar" => self.tar(&mut out),
                "seven" => self.seven(&mut out),
                // A PNG of one grey point.
                "png" => out.extend(PNG),
                other => panic!("{}: there is no instruction {other:?}", self.id),
            }
        }
    }

    fn pickle(&mut self, out: &mut Vec<u8>) {
        loop {
            let name = match self.next() {
                Some(Token::Close) => return,
                Some(Token::Word(w)) => w,
                other => panic!("{}: {other:?} is no opcode", self.id),
            };
            if name == "frame" {
                self.open();
                let mut inner = Vec::new();
                self.pickle(&mut inner);
                out.push(0x95);
                out.extend((inner.len() as u64).to_le_bytes());
                out.extend(inner);
                continue;
            }
            let op = opcode(&name).unwrap_or_else(|| panic!("{}: there is no opcode {name:?}", self.id));
            out.push(op.byte);
            // `len=` writes another length than the text has.
            let lie = self.options();
            match op.arg {
                Arg::None => {}
                Arg::Fixed(8) if name == "BINFLOAT" => out.extend(self.word().parse::<f64>().expect("a float").to_be_bytes()),
                Arg::Fixed(n) => out.extend(&self.number().to_le_bytes()[..usize::from(n)]),
                Arg::Line | Arg::TwoLines => {
                    for _ in 0..if op.arg == Arg::Line { 1 } else { 2 } {
                        out.extend(self.text());
                        out.push(b'\n');
                    }
                }
                Arg::Len1 | Arg::Len4 | Arg::Len8 => {
                    // A text, or the bytes of a block: a pickle inside of a pickle.
                    let bytes = if self.peek() == Some(&Token::Open) { self.block() } else { self.text() };
                    let len = lie.number("len").unwrap_or(bytes.len() as u64).to_le_bytes();
                    let width = match op.arg {
                        Arg::Len1 => 1,
                        Arg::Len4 => 4,
                        _ => 8,
                    };
                    out.extend(&len[..width]);
                    out.extend(bytes);
                }
            }
        }
    }

    /// `member "name" kind=2 link="a" size=9 pax="size=1" { … }` in POSIX's form; `pax` stands in front of its member. Two zero blocks end the
    /// archive.
    fn tar(&mut self, out: &mut Vec<u8>) {
        self.open();
        loop {
            match self.next() {
                Some(Token::Close) => break,
                Some(t) if t.is("member") => {
                    let name = self.text();
                    let options = self.options();
                    let data = self.block();
                    if let Some(pax) = options.text("pax") {
                        // The length counts its own digits.
                        let rest = pax.len() + 2;
                        let len = (1..).find(|n: &usize| n.to_string().len() + rest == *n).expect("a length");
                        let record = format!("{len} {pax}\n");
                        tar_member(out, b"pax", b'x', b"", record.len() as u64, record.as_bytes());
                    }
                    let kind = options.text("kind").and_then(|k| k.bytes().next()).unwrap_or(b'0');
                    let link = options.text("link").unwrap_or_default();
                    tar_member(out, &name, kind, link.as_bytes(), options.number("size").unwrap_or(data.len() as u64), &data);
                }
                other => panic!("{}: {other:?} is no part of a tar", self.id),
            }
        }
        out.extend([0; 1024]);
    }

    /// `member "name" method=0 { … }`: an archive with one folder for each member, and a header that is not packed. `method` is the id of
    /// the coder, and the bytes stand as they would be packed with it.
    fn seven(&mut self, out: &mut Vec<u8>) {
        self.open();
        let (mut names, mut packed, mut methods, mut sums) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        loop {
            match self.next() {
                Some(Token::Close) => break,
                Some(t) if t.is("member") => {
                    names.push(self.string());
                    let options = self.options();
                    methods.push(options.number("method").unwrap_or(0));
                    sums.push(options.number("crc"));
                    packed.push(self.block());
                }
                other => panic!("{}: {other:?} is no part of a 7z", self.id),
            }
        }
        let count = names.len() as u8;
        let sizes = |header: &mut Vec<u8>| packed.iter().for_each(|p| header.extend([0xff].into_iter().chain((p.len() as u64).to_le_bytes())));
        let mut header = vec![1, 4, 6, 0, count, 9];
        sizes(&mut header);
        header.extend([0, 7, 11, count, 0]);
        for method in methods {
            let id = method.to_be_bytes().into_iter().skip_while(|b| *b == 0).collect::<Vec<_>>();
            let id = if id.is_empty() { vec![0] } else { id };
            header.extend([1, id.len() as u8]);
            header.extend(id);
        }
        header.push(12);
        sizes(&mut header);
        // Checksums of what comes out; what is packed by a method of its own has no known one.
        if sums.iter().any(Option::is_some) {
            header.extend([10, 1]);
            for (bytes, said) in packed.iter().zip(&sums) {
                let mut crc = flate2::Crc::new();
                crc.update(bytes);
                header.extend(said.filter(|n| *n > 0).map_or(crc.sum(), |n| n as u32).to_le_bytes());
            }
        }
        header.extend([0, 0, 5, count]);
        let names: Vec<u8> = names.iter().flat_map(|n| n.encode_utf16().chain([0])).flat_map(u16::to_le_bytes).collect();
        header.extend([17, 0xff]);
        header.extend((names.len() as u64 + 1).to_le_bytes());
        header.push(0);
        header.extend(names);
        header.extend([0, 0]);
        let data = packed.concat();
        let sum = |bytes: &[u8]| {
            let mut crc = flate2::Crc::new();
            crc.update(bytes);
            crc.sum().to_le_bytes()
        };
        let mut start = (data.len() as u64).to_le_bytes().to_vec();
        start.extend((header.len() as u64).to_le_bytes());
        start.extend(sum(&header));
        out.extend(b"7z\xbc\xaf\x27\x1c\0\x04");
        out.extend(sum(&start));
        out.extend(start);
        out.extend(data);
        out.extend(header);
    }

    /// Fields of a protobuf message: a number, then an integer, a text or a message in braces.
    fn proto(&mut self, out: &mut Vec<u8>) {
        fn varint(out: &mut Vec<u8>, mut n: u64) {
            while n >= 0x80 {
                out.push(n as u8 | 0x80);
                n >>= 7;
            }
            out.push(n as u8);
        }
        loop {
            let field = match self.next() {
                Some(Token::Close) => return,
                Some(Token::Word(w)) => number(self.id, &w),
                other => panic!("{}: {other:?} is no field", self.id),
            };
            let body = match self.next() {
                Some(Token::Word(w)) => {
                    varint(out, field << 3);
                    varint(out, number(self.id, &w));
                    continue;
                }
                Some(Token::Text(t)) => t,
                Some(Token::Open) => {
                    let mut inner = Vec::new();
                    self.proto(&mut inner);
                    inner
                }
                other => panic!("{}: {other:?} is no value", self.id),
            };
            varint(out, field << 3 | 2);
            varint(out, body.len() as u64);
            out.extend(body);
        }
    }

    fn gguf(&mut self, out: &mut Vec<u8>) {
        let version = self.number() as u32;
        let options = self.options();
        let w = Writer { big: options.text("order").is_some_and(|o| o == "big"), short: version == 1 };
        self.open();
        let (mut pairs, mut tensors) = (Vec::new(), Vec::new());
        let (mut pair_count, mut tensor_count) = (0, 0);
        loop {
            match self.next() {
                Some(Token::Close) => break,
                Some(t) if t.is("pair") => {
                    pair_count += 1;
                    w.string(&mut pairs, &self.text());
                    let kind = self.word();
                    self.value(&w, &mut pairs, &kind, true);
                }
                Some(t) if t.is("tensor") => {
                    tensor_count += 1;
                    w.string(&mut tensors, &self.text());
                    let lies = self.options();
                    let kind = self.number() as u32;
                    let mut dims = Vec::new();
                    while let Some(Token::Word(word)) = self.peek()
                        && word.starts_with(|c: char| c.is_ascii_digit())
                    {
                        dims.push(self.number());
                    }
                    w.u32(&mut tensors, lies.number("rank").unwrap_or(dims.len() as u64) as u32);
                    dims.iter().for_each(|d| w.length(&mut tensors, *d));
                    w.u32(&mut tensors, kind);
                    w.u64(&mut tensors, lies.number("at").unwrap_or(0));
                }
                other => panic!("{}: {other:?} in a gguf", self.id),
            }
        }
        out.extend(b"GGUF");
        w.u32(out, version);
        w.length(out, options.number("tensors").unwrap_or(tensor_count));
        w.length(out, options.number("pairs").unwrap_or(pair_count));
        out.extend(pairs);
        out.extend(tensors);
        let align = options.number("align").unwrap_or(32) as usize;
        out.resize(out.len().next_multiple_of(align), 0);
    }

    fn value(&mut self, w: &Writer, out: &mut Vec<u8>, kind: &str, typed: bool) {
        let code = match kind {
            "u8" => 0,
            "u32" => 4,
            "i32" => 5,
            "f32" => 6,
            "bool" => 7,
            "string" => 8,
            "array" => 9,
            "u64" => 10,
            other => number(self.id, other) as u32,
        };
        if typed {
            w.u32(out, code);
        }
        match kind {
            "string" => {
                let lie = self.options().number("len");
                let text = self.text();
                w.length(out, lie.unwrap_or(text.len() as u64));
                out.extend(text);
            }
            "u8" | "bool" => out.push(self.number() as u8),
            "u32" | "i32" => w.u32(out, self.number() as u32),
            "f32" => w.u32(out, self.word().parse::<f32>().expect("a float").to_bits()),
            "u64" => w.u64(out, self.number()),
            "array" => {
                let inner = self.word();
                let lie = self.options().number("len");
                self.open();
                let (mut items, mut n) = (Vec::new(), 0);
                let mut head = Vec::new();
                while self.peek() != Some(&Token::Close) {
                    self.value(w, &mut items, &inner, false);
                    n += 1;
                }
                self.at += 1;
                self.value_code(w, &mut head, &inner);
                out.extend(head);
                w.length(out, lie.unwrap_or(n));
                out.extend(items);
            }
            _ => {}
        }
    }

    fn value_code(&self, w: &Writer, out: &mut Vec<u8>, kind: &str) {
        let code = ["u8", "i8", "u16", "i16", "u32", "i32", "f32", "bool", "string", "array", "u64"].iter().position(|k| *k == kind);
        w.u32(out, code.unwrap_or_else(|| panic!("{}: no type {kind}", self.id)) as u32);
    }

    fn zip(&mut self, out: &mut Vec<u8>) {
        let archive = self.options();
        self.open();
        let base = out.len();
        let (mut directory, mut count) = (Vec::new(), 0u64);
        loop {
            match self.next() {
                Some(Token::Close) => break,
                Some(t) if t.is("member") => {}
                other => panic!("{}: {other:?} in a zip", self.id),
            }
            let name = self.text();
            let method = match self.word().as_str() {
                "stored" => 0u16,
                "deflate" => 8,
                "bzip2" => 12,
                "zstd" => 93,
                "xz" => 95,
                other => panic!("{}: no method {other:?}", self.id),
            };
            let o = self.options();
            let data = self.block();
            let packed = match method {
                0 => data.clone(),
                8 => deflate(&data),
                12 => packed("bzip2", &data),
                93 => packed("zstd", &data),
                _ => packed("xz", &data),
            };
            let mut crc = flate2::Crc::new();
            crc.update(&data);
            let flags = o.number("flags").unwrap_or(0) as u16;
            let at = (out.len() - base) as u64;
            let header = |out: &mut Vec<u8>, method: u16, flags: u16, crc: u32, packed: u64, size: u64| {
                out.extend(20u16.to_le_bytes());
                out.extend(flags.to_le_bytes());
                out.extend(method.to_le_bytes());
                // The first of January 1980.
                out.extend([0, 0, 0x21, 0]);
                out.extend(crc.to_le_bytes());
                out.extend((packed as u32).to_le_bytes());
                out.extend((size as u32).to_le_bytes());
            };
            let claimed = |key: &str, or: u64| o.number(key).unwrap_or(or);
            let method_said = claimed("method", u64::from(method)) as u16;
            let crc_said = claimed("crc", u64::from(crc.sum())) as u32;
            let (packed_said, size_said) = (claimed("packed", packed.len() as u64), claimed("size", data.len() as u64));
            let local_name = o.bytes("local").unwrap_or(&name).to_vec();
            out.extend(b"PK\x03\x04");
            let later = flags & 8 != 0;
            let (c, p, s) = if later { (0, 0, 0) } else { (claimed("localcrc", u64::from(crc_said)) as u32, packed_said, claimed("localsize", size_said)) };
            header(out, claimed("localmethod", u64::from(method_said)) as u16, claimed("localflags", u64::from(flags)) as u16, c, p, s);
            out.extend((local_name.len() as u16).to_le_bytes());
            out.extend(0u16.to_le_bytes());
            out.extend(&local_name);
            out.extend(&packed);
            if later {
                out.extend(b"PK\x07\x08");
                out.extend(crc_said.to_le_bytes());
                out.extend((packed.len() as u32).to_le_bytes());
                out.extend((data.len() as u32).to_le_bytes());
            }
            // `hidden=yes`: only whoever reads the archive from its front sees it.
            if o.text("hidden").is_some() {
                continue;
            }
            count += 1;
            directory.extend(b"PK\x01\x02");
            directory.extend(20u16.to_le_bytes());
            header(&mut directory, method_said, flags, crc_said, packed_said, size_said);
            directory.extend((name.len() as u16).to_le_bytes());
            directory.extend([0; 8]);
            // The upper half of the external attributes is the mode on Unix.
            directory.extend(((claimed("mode", 0) as u32) << 16).to_le_bytes());
            directory.extend((claimed("offset", at) as u32).to_le_bytes());
            directory.extend(&name);
        }
        let start = (out.len() - base) as u32;
        let size = directory.len() as u32;
        out.extend(directory);
        let entries = archive.number("entries").unwrap_or(count);
        if archive.text("zip64").is_some() {
            let at = (out.len() - base) as u64;
            out.extend(b"PK\x06\x06");
            out.extend(44u64.to_le_bytes());
            out.extend([45, 0, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
            out.extend(entries.to_le_bytes());
            out.extend(entries.to_le_bytes());
            out.extend(u64::from(size).to_le_bytes());
            out.extend(u64::from(start).to_le_bytes());
            out.extend(b"PK\x06\x07\0\0\0\0");
            out.extend(at.to_le_bytes());
            out.extend(1u32.to_le_bytes());
        }
        out.extend(b"PK\x05\x06\0\0\0\0");
        let wide = archive.text("zip64").is_some();
        for _ in 0..2 {
            out.extend(if wide { 0xffff } else { entries as u16 }.to_le_bytes());
        }
        out.extend(if wide { u32::MAX } else { size }.to_le_bytes());
        out.extend(if wide { u32::MAX } else { start }.to_le_bytes());
        let comment = archive.bytes("comment").unwrap_or(&[]);
        out.extend((comment.len() as u16).to_le_bytes());
        out.extend(comment);
    }
}

struct Options {
    id: String,
    all: Vec<(String, Vec<u8>)>,
}

impl Options {
    fn bytes(&self, key: &str) -> Option<&[u8]> {
        self.all.iter().find(|(k, _)| k == key).map(|(_, v)| v.as_slice())
    }

    fn text(&self, key: &str) -> Option<&str> {
        self.bytes(key).and_then(|v| std::str::from_utf8(v).ok())
    }

    fn number(&self, key: &str) -> Option<u64> {
        self.text(key).map(|t| number(&self.id, t))
    }
}

/// Integers of a GGUF in its byte order and version.
struct Writer {
    big: bool,
    short: bool,
}

impl Writer {
    fn u32(&self, out: &mut Vec<u8>, n: u32) {
        out.extend(if self.big { n.to_be_bytes() } else { n.to_le_bytes() });
    }

    fn u64(&self, out: &mut Vec<u8>, n: u64) {
        out.extend(if self.big { n.to_be_bytes() } else { n.to_le_bytes() });
    }

    fn length(&self, out: &mut Vec<u8>, n: u64) {
        if self.short { self.u32(out, n as u32) } else { self.u64(out, n) }
    }

    fn string(&self, out: &mut Vec<u8>, text: &[u8]) {
        self.length(out, text.len() as u64);
        out.extend(text);
    }
}

/// The opcode of a name.
pub fn opcode(name: &str) -> Option<&'static Opcode> {
    OPCODES.iter().find(|o| o.name == name)
}

/// Bytes as a raw deflate stream.
pub fn deflate(data: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut out = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
    out.write_all(data).expect("memory");
    out.finish().expect("memory")
}

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\0\0\0\0\x3a\x7e\x9b\x55\0\0\0\nIDAT\x78\x9cc`\0\0\0\x02\0\x01\x48\xaf\xa4\x71\0\0\0\0IEND\xaeB`\x82";
