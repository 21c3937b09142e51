//! Bad input: every case and real file cut short and with flipped bytes, headers that lie, archives made to exhaust a reader, and
//! sources that fail. Nothing may panic or hang, and what was cut off may not be `clear`.

#[path = "corpus/recipe.rs"]
#[allow(dead_code, reason = "the expectations of the cases are checked elsewhere")]
mod recipe;

use recipe::{Built, cases, deflate, real};
use std::io;
use std::sync::LazyLock;
use std::time::{Duration, Instant};
use weighstation::report::{FileReport, Report};
use weighstation::{Lang, Source, Verdict, conclude, scan};

/// A scan that takes longer than this hangs, as far as a person is concerned.
const PATIENCE: Duration = Duration::from_secs(20);

/// Time that this thread has worked, which other programs on the machine do not change; where the system does not tell, time that has passed.
fn spent() -> Duration {
    static BEGIN: LazyLock<Instant> = LazyLock::new(Instant::now);
    // Nanoseconds on a processor are the first of its three numbers (`Documentation/scheduler/sched-stats.rst`).
    let worked = std::fs::read_to_string("/proc/thread-self/schedstat").ok().and_then(|s| s.split(' ').next()?.parse().ok());
    worked.map_or_else(|| BEGIN.elapsed(), Duration::from_nanos)
}

/// Marsaglia's xorshift: the same bytes are flipped in every run.
struct Random(u64);

impl Random {
    fn seeded(text: &str) -> Random {
        let seed = text.bytes().fold(0xcbf2_9ce4_8422_2325u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
        Random(seed | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }
}

#[allow(clippy::ptr_arg, reason = "a slice is no sized source")]
fn timed(what: &str, bytes: &Vec<u8>, path: &str) -> FileReport {
    let start = spent();
    let report = scan(bytes, path, Lang::En);
    assert!(spent() - start < PATIENCE, "{what} took {:?}", spent() - start);
    report
}

/// Every file of the corpus that is small enough to be scanned some hundred times.
fn corpus() -> Vec<(String, Built)> {
    let built = cases().into_iter().flat_map(|c| c.files.into_iter().map(move |f| (c.id.clone(), f)));
    let all: Vec<(String, Built)> = built.chain(real().into_iter().map(|f| (f.path.clone(), f))).filter(|(_, f)| f.bytes.len() < 64 * 1024).collect();
    assert!(all.len() > 120, "only {} files", all.len());
    all
}

/// Whether a beginning of a file may be clear although the rest is gone: because nothing that matters was lost, or because the
/// beginning is a whole file of its own that no reader could tell from one.
fn may_be_clear(file: &Built, kept: &[u8], report: &FileReport) -> bool {
    let lost = &file.bytes[kept.len()..];
    let formats: Vec<&str> = report.formats.iter().map(String::as_str).collect();
    // A number in digits cannot be told from its beginning.
    let digits = formats == ["rds"] && lost.iter().all(|b| b.is_ascii_digit() || *b == b'\n');
    // Padding carries nothing.
    let padding = lost.iter().all(|b| matches!(b, 0 | b' ' | b'\n' | b'\r'));
    // A text has no end of its own, and the beginning of a text format is a text. So is nothing at all.
    // Shorter than the longest mark of a format, nothing can be told apart.
    let text = kept.len() < 8
        || formats.iter().all(|f| {
            matches!(
                *f,
                "text"
                    | "jinja"
                    | "yaml"
                    | "spacy"
                    | "triton"
                    | "ncnn"
                    | "lightgbm"
                    | "python"
                    | "shell"
                    | "requirements"
                    | "project"
                    | "mlir-text"
                    | "coreml-program"
                    | "document"
                    | "modelfile"
            )
        }) && !kept.contains(&0);
    // Pickles follow one another without a count: the file may end behind any of them. So do the pieces of a vocabulary.
    let chain = formats == ["pickle"] && kept.ends_with(b".") || formats == ["sentencepiece"];
    // Snappy's mark, and padding behind it, are a stream of nothing.
    let nothing = formats == ["snappy"] && (kept.len() == 10 || kept.len() == 16 && kept[10] == 0x80);
    // Numbers without a header end where they end; but what is not numbers as a whole may not become them.
    let numbers = formats == ["numbers"] && scan(&file.bytes, &file.path, Lang::En).formats == formats;
    // A picture is shown, not loaded, and what is left of it was looked at.
    let picture = formats == ["image"];
    // The comment behind an archive's end record is for people.
    let comment = kept.windows(4).rposition(|w| w == b"PK\x05\x06").is_some_and(|at| at + 22 <= kept.len());
    // What the whole file had too much is what was cut off: all of it, the padding in front of it, or more than tells what it was.
    let stray = scan(&file.bytes, &file.path, Lang::En).findings.iter().filter(|f| f.rule == "WS304").flat_map(|f| &f.places).any(|p| {
        p.file_offset.is_some_and(|at| {
            let (at, end) = (at as usize, kept.len());
            let between = if end < at { &file.bytes[end..at] } else { &kept[at..] };
            between.iter().all(|b| *b == 0) || end > at && between.len() < 8
        })
    });
    // A message, a list of records and a list of parameters have no end: they may stop behind any of theirs. Inside of one is a fault.
    let records = formats.iter().any(|f| matches!(*f, "tfrecord" | "paddle-params" | "tf-text"));
    let message = formats.iter().any(|f| MESSAGES.contains(f)) && between_fields(kept);
    let members = formats == ["ar"] && between_members(kept);
    padding || digits || text || chain || members || nothing || picture || numbers || comment || stray || records || message
}

/// Whether an `ar` archive, which does not say how many members it has, ends behind one of them.
fn between_members(bytes: &[u8]) -> bool {
    let mut at = 8;
    while at < bytes.len() {
        let digits = bytes.get(at + 48..at + 58).and_then(|d| std::str::from_utf8(d).ok());
        let Some(len) = digits.and_then(|d| d.trim_end().parse::<usize>().ok()) else { return false };
        at = (at + 60 + len).next_multiple_of(2);
    }
    // The newline behind an odd one carries nothing.
    at - bytes.len() <= 1
}

/// Formats that are one protobuf message.
const MESSAGES: &[&str] = &["onnx", "tf-savedmodel", "tf-metagraph", "tf-graphdef", "tf-fingerprint", "keras-metadata", "coreml", "paddle", "cntk"];

/// Whether a protobuf message ends behind one of its fields.
fn between_fields(bytes: &[u8]) -> bool {
    fn varint(bytes: &[u8], at: &mut usize) -> Option<u64> {
        let mut n = 0u64;
        for shift in 0..10 {
            let b = *bytes.get(*at)?;
            *at += 1;
            n |= u64::from(b & 0x7f) << (7 * shift).min(63);
            if b < 0x80 {
                return Some(n);
            }
        }
        None
    }
    let mut at = 0;
    while at < bytes.len() {
        let Some(tag) = varint(bytes, &mut at) else { return false };
        let step = match tag & 7 {
            0 => varint(bytes, &mut at).map(|_| 0),
            1 => Some(8),
            2 => varint(bytes, &mut at).map(|n| n as usize),
            5 => Some(4),
            _ => None,
        };
        let Some(step) = step else { return false };
        at += step;
    }
    at == bytes.len()
}

#[test]
fn what_is_cut_off_is_not_clear() {
    let mut wrong = Vec::new();
    for (id, file) in corpus() {
        let len = file.bytes.len();
        let mut cuts: Vec<usize> = (0..64).map(|n| len * n / 64).filter(|n| *n < len).collect();
        cuts.dedup();
        for cut in cuts {
            let kept = file.bytes[..cut].to_vec();
            let report = timed(&format!("{id} cut at {cut}"), &kept, &file.path);
            if report.verdict == Verdict::Clear && !may_be_clear(&file, &kept, &report) {
                wrong.push(format!("{id} cut at {cut} of {len} is clear: {:?}", report.formats));
            }
        }
    }
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn flipped_bytes_neither_panic_nor_hang() {
    for (id, file) in corpus() {
        if file.bytes.is_empty() {
            continue;
        }
        let mut random = Random::seeded(&id);
        for round in 0..32 {
            let mut bytes = file.bytes.clone();
            for _ in 0..=round % 4 {
                let at = random.below(bytes.len());
                bytes[at] ^= (random.next() as u8).max(1);
            }
            let report = timed(&format!("{id}, round {round}"), &bytes, &file.path);
            assert_eq!(report.size, bytes.len() as u64);
        }
    }
}

#[test]
fn extreme_lengths_everywhere_neither_panic_nor_hang() {
    for (id, file) in corpus() {
        let mut random = Random::seeded(&id);
        for _ in 0..16.min(file.bytes.len()) {
            let mut bytes = file.bytes.clone();
            let at = random.below(bytes.len());
            let lie = [u64::MAX, 1 << 63, (1 << 63) - 1, 1 << 32, u64::from(u32::MAX), 1 << 31][random.below(6)].to_le_bytes();
            let room = (bytes.len() - at).min(8);
            bytes[at..at + room].copy_from_slice(&lie[..room]);
            timed(&format!("{id} with a lie at {at}"), &bytes, &file.path);
        }
    }
}

#[test]
fn random_bytes_behind_every_magic_neither_panic_nor_hang() {
    let magics: &[&[u8]] = &[
        b"",
        b"\x80\x02",
        b"\x80\x05",
        b"PK\x03\x04",
        b"\x93NUMPY\x01\0",
        b"GGUF\x03\0\0\0",
        b"{\"",
        b"\x40\0\0\0\0\0\0\0{\"",
        b"{%",
        b"\x89PNG\r\n\x1a\n",
        b"\x1f\x8b\x08\0\0\0\0\0\0\x03",
        b"x\x9c",
        b"BZh9\x31\x41\x59\x26\x53\x59",
        b"\xfd7zXZ\0\0\x04\xe6\xd6\xb4\x46",
        b"\x5d\0\0\x10\0\xff\xff\xff\xff\xff\xff\xff\xff\0",
        b"\x28\xb5\x2f\xfd",
        b"\x04\x22\x4d\x18\x64\x40\xa7",
        b"\x02\x21\x4c\x18",
        b"7z\xbc\xaf\x27\x1c\0\x04",
        b"ZF0x19               x\x9c",
        b"\x08\x08\x12\x01x\x3a\x80\x03\x0a\x08",
        b"\x0a\x0a\x0a\x01x\x12\x05Const\x0a",
        b"\x20\0\0\0TFL3",
        b"\x20\0\0\0ORTM",
        b"\x20\0\0\0ET12",
        b"<net version=\"11\">",
        b"node { name: \"",
        b"\x12\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\xc9\xfa\x93\xf9",
    ];
    let mut random = Random::seeded("magics");
    for (n, magic) in magics.iter().enumerate() {
        for round in 0..200 {
            let mut bytes = magic.to_vec();
            bytes.extend((0..random.below(400)).map(|_| random.next() as u8));
            timed(&format!("magic {n}, round {round}"), &bytes, "model.bin");
        }
    }
}

#[test]
fn reports_are_deterministic_and_round_trip() {
    for (id, file) in corpus() {
        let report = || conclude(vec![scan(&file.bytes, &file.path, Lang::En)], Lang::En);
        let (one, two) = (report(), report());
        let text = serde_json::to_string(&one).expect("JSON");
        assert_eq!(text, serde_json::to_string(&two).expect("JSON"), "{id}");
        let back: Report = serde_json::from_str(&text).expect("a report");
        assert_eq!(back, one, "{id}");
        assert_eq!(one.schema, "weighstation-report/1");
    }
}

/// An archive of stored members, written without a copy of each.
struct Zip {
    out: Vec<u8>,
    directory: Vec<u8>,
    count: u64,
}

impl Zip {
    fn new() -> Zip {
        Zip { out: Vec::new(), directory: Vec::new(), count: 0 }
    }

    fn add(&mut self, name: &str, data: &[u8], deflated: bool) {
        let packed = if deflated { deflate(data) } else { data.to_vec() };
        let mut crc = flate2::Crc::new();
        crc.update(data);
        let mut header = vec![20, 0, 0, 0, if deflated { 8 } else { 0 }, 0, 0, 0, 0x21, 0];
        header.extend(crc.sum().to_le_bytes());
        header.extend((packed.len() as u32).to_le_bytes());
        header.extend((data.len() as u32).to_le_bytes());
        header.extend((name.len() as u16).to_le_bytes());
        header.extend([0, 0]);
        let at = self.out.len() as u32;
        self.out.extend(b"PK\x03\x04");
        self.out.extend(&header);
        self.out.extend(name.as_bytes());
        self.out.extend(packed);
        self.directory.extend(b"PK\x01\x02\x14\0");
        self.directory.extend(header);
        self.directory.extend([0; 10]);
        self.directory.extend(at.to_le_bytes());
        self.directory.extend(name.as_bytes());
        self.count += 1;
    }

    fn finish(mut self) -> Vec<u8> {
        let (start, size) = (self.out.len() as u64, self.directory.len() as u64);
        self.out.extend(self.directory);
        let record = self.out.len() as u64;
        self.out.extend(b"PK\x06\x06");
        self.out.extend(44u64.to_le_bytes());
        self.out.extend([45, 0, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        for n in [self.count, self.count, size, start] {
            self.out.extend(n.to_le_bytes());
        }
        self.out.extend(b"PK\x06\x07\0\0\0\0");
        self.out.extend(record.to_le_bytes());
        self.out.extend(1u32.to_le_bytes());
        self.out.extend(b"PK\x05\x06\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\0\0");
        self.out
    }
}

/// The archives that these tests write are read alike by the zip crate, so that what is found is not the writer's fault.
#[test]
fn the_zip_crate_reads_what_is_written_here() {
    let mut zip = Zip::new();
    zip.add("a.txt", b"stored\n", false);
    zip.add("b.txt", b"deflated\n", true);
    let bytes = zip.finish();
    let mut archive = zip::ZipArchive::new(io::Cursor::new(&bytes)).expect("an archive");
    for (name, want) in [("a.txt", "stored\n"), ("b.txt", "deflated\n")] {
        let mut text = String::new();
        io::Read::read_to_string(&mut archive.by_name(name).expect("a member"), &mut text).expect("a text");
        assert_eq!(text, want);
    }
    assert_eq!(scan(&bytes, "a.zip", Lang::En).verdict, Verdict::Clear);
}

/// A million members in a build for users; a tenth of it where nothing is optimised.
#[test]
fn a_million_members_take_bounded_time() {
    let members = if cfg!(debug_assertions) { 100_000 } else { 1_000_000 };
    let mut zip = Zip::new();
    for n in 0..members {
        zip.add(&format!("{n}.txt"), b"a\n", false);
    }
    zip.add("last.pkl", b"\x80\x02cos\nsystem\nX\x04\0\0\0echo\x85R.", false);
    let bytes = zip.finish();
    let start = spent();
    let report = scan(&bytes, "many.zip", Lang::En);
    assert!(spent() - start < Duration::from_secs(60), "took {:?}", spent() - start);
    if cfg!(debug_assertions) {
        assert!(report.findings.iter().any(|f| f.rule == "WS101"), "the last member was not read");
    } else {
        // One more than the limit: what was not opened is a gap, never silence.
        assert!(report.gaps.iter().any(|g| g.reason == "limit-members"), "{:?}", report.gaps);
    }
    assert!(serde_json::to_vec(&report).expect("JSON").len() < 16 << 20, "the report grows with the archive");
}

#[test]
fn a_hundred_archives_inside_one_another_are_a_gap() {
    for deflated in [false, true] {
        let mut inner = b"\x80\x02cos\nsystem\nX\x04\0\0\0echo\x85R.".to_vec();
        for _ in 0..100 {
            let mut zip = Zip::new();
            zip.add("inner.zip", &inner, deflated);
            inner = zip.finish();
        }
        let report = timed("100 archives", &inner, "deep.zip");
        assert!(report.gaps.iter().any(|g| g.reason == "limit-depth"), "{:?}", report.gaps);
        assert!(report.verdict >= Verdict::Incomplete);
    }
}

#[test]
fn a_bomb_is_named_and_bounded() {
    // Ten members of 48 MiB of zeros in some 50 kB each.
    let zeros = vec![0; 48 << 20];
    let mut zip = Zip::new();
    for n in 0..if cfg!(debug_assertions) { 1 } else { 10 } {
        zip.add(&format!("{n}"), &zeros, true);
    }
    let bytes = zip.finish();
    let start = spent();
    let report = scan(&bytes, "bomb.zip", Lang::En);
    assert!(spent() - start < Duration::from_secs(60), "took {:?}", spent() - start);
    assert!(report.findings.iter().any(|f| f.rule == "WS207"), "{:?}", report.findings);
    assert!(report.gaps.iter().any(|g| g.reason == "limit-inflated"));
}

/// Pickles that cost more than their bytes are worth: constants that are loaded again and again, pickles inside pickles that are read in
/// several ways, and so many tiny ones that beginning is all the work.
#[test]
fn what_costs_more_than_it_is_long_is_a_gap() {
    let bytes = |b: &[u8]| [&b"B"[..], &(b.len() as u32).to_le_bytes(), b].concat();
    let inner = [&b"\x80\x04"[..], &b"N0".repeat(10_000), b"N."].concat();
    let again = [&b"\x80\x04cpickle\nloads\nq\0"[..], &bytes(&inner), b"\x85q\x01", &b"h\0h\x01R0".repeat(50_000), b"N."].concat();
    timed("a constant that is loaded again and again", &again, "again.pkl");
    let ways = |inner: &[u8]| {
        let fork = b"\x95\x03\0\0\0\0\0\0\0C\x05abcde0".repeat(5);
        let first = [&b"\x80\x04"[..], &inner.repeat(1 << 19), b"N."].concat();
        (0..6).fold(first, |ways, _| [&b"\x80\x04"[..], &fork, &bytes(&ways), b"."].concat())
    };
    let mut made = b"\x80\x04cos\nsystem\n)R.".to_vec();
    for _ in 0..6 {
        made.resize(made.len().max(64), b'.');
        let loads = b"h\0h\x02h\x01\x85R\x85R0".repeat(40);
        made = [&b"\x80\x04cpickle\nloads\nq\0"[..], &bytes(&made), b"q\x01cbuiltins\nbytes\nq\x02", &loads, b"N."].concat();
    }
    let blob = [&b"\0"[..], &b"\x80\x02".repeat(2_000)].concat();
    let cases = [
        ("ways through frames in one another", ways(b"N0N0")),
        ("ways through lines in one another", ways(b"I1\n0")),
        ("ways through ids in one another", ways(b"NP0\n0")),
        ("constants made of constants in one another", made),
        ("tiny pickles", b"N.".repeat(2 << 20)),
        ("beginnings in constants", [&b"\x80\x04"[..], &bytes(&blob), b"."].concat().repeat(1_000)),
        ("beginnings in padding", [&b"\x80\x04N.!"[..], &b"\x80\x04V".repeat(1 << 20)].concat()),
        ("constants of eight bytes", [&b"\x80\x04("[..], &b"C\x08PK\x03\x04abcd0".repeat(4_000), b"N."].concat().repeat(20)),
    ];
    for (what, bytes) in cases {
        let report = timed(what, &bytes, "costly.pkl");
        assert!(report.gaps.iter().any(|g| matches!(g.reason.as_str(), "limit-pickle-work" | "limit-pickle-frames")), "{what}: {:?}", report.gaps);
        assert!(report.verdict >= Verdict::Incomplete, "{what}");
        assert!(serde_json::to_vec(&report).expect("JSON").len() < 16 << 20, "{what}: the report grows");
    }
}

/// Where more is piled up than is kept, what stands behind it is read all the same, and where it cannot be, the file is none that anybody saved.
#[test]
fn what_is_piled_up_hides_nothing() {
    let echo = b"cos\nsystem\nX\x04\0\0\0echo\x85R.";
    let join = |parts: &[&[u8]]| parts.concat();
    let name = |n: usize| format!("B{}Model", n.to_string().bytes().map(|b| char::from(b + b'a' - b'0')).collect::<String>());
    let import = |n: usize| format!("ctransformers.models.bert.modeling_bert\n{}\n", name(n)).into_bytes();
    let called = |n: usize| [import(n), b"q\0".to_vec(), b"h\0)\x810".repeat(7), b"0".to_vec()].concat();
    let constant = |pickle: &[u8]| [&b"C\x50"[..], pickle, &vec![b'.'; 80 - pickle.len()]].concat();
    let sparse = |n: u32| [&b"r"[..], &(n * 4096).to_le_bytes()].concat();
    let cases: Vec<(&str, Vec<u8>, &str, Option<&str>)> = vec![
        ("marks", join(&[b"\x80\x04", &b"(".repeat(600_000), echo]), "WS101", Some("limit-pickle-stack")),
        ("values", join(&[b"\x80\x04", &b"N".repeat(4_300_000), echo]), "WS101", Some("limit-pickle-stack")),
        (
            "values, and opcodes that take more than is left",
            join(&[b"\x80\x04", &b"N".repeat(4_194_305), b"00((eudN\x86s0\x87l", echo]),
            "WS101",
            Some("limit-pickle-stack"),
        ),
        ("memo", join(&[b"\x80\x04]", &(1..3000).flat_map(sparse).collect::<Vec<_>>(), b"0j\x0a\0\0\x000", echo]), "WS101", Some("limit-pickle-memo")),
        (
            "names that the memo told",
            join(&[b"\x80\x04\x8c\x02os\x94\x8c\x06system\x9400]", &(1..3000).flat_map(sparse).collect::<Vec<_>>(), b"0h\0h\x01\x93\x8c\x04echo\x85R."]),
            "WS112",
            Some("limit-pickle-memo"),
        ),
        (
            "odd keys",
            join(&[b"\x80\x04]", &(0..3000).flat_map(|n| format!("px{n}\n").into_bytes()).collect::<Vec<_>>(), b"gx1\n0", echo]),
            "WS101",
            Some("limit-pickle-memo"),
        ),
        ("imports", join(&[b"\x80\x02", &(0..21_000).flat_map(import).collect::<Vec<_>>(), echo]), "WS133", Some("limit-imports")),
        ("a long text between others", join(&[b"N0N0X\0\0\x20\0", &b"a".repeat(2 << 20), b"0", echo]), "WS101", None),
        ("constants", join(&[b"\x80\x04(", &constant(b"\x80\x04]0N.").repeat(5_000), &constant(&[&b"\x80\x04"[..], echo].concat()), b"t."]), "WS101", None),
        ("zeros before a key", join(&[b"cos\nsystem\np", &b"0".repeat(4200), b"5\n0g5\n(S'echo'\ntR."]), "WS101", None),
        (
            "a header",
            join(&[b"\x93NUMPY\x02\0\0\0\x20\0{'descr': '|O', 'shape': (1,), }", &b" ".repeat((2 << 20) - 32), echo]),
            "WS101",
            Some("limit-header-size"),
        ),
        ("calls", join(&[b"\x80\x02", &(0..4_000).flat_map(called).collect::<Vec<_>>(), echo]), "WS101", None),
    ];
    for (what, bytes, rule, gap) in cases {
        let report = timed(what, &bytes, "piled.pkl");
        assert!(report.findings.iter().any(|f| f.rule == rule), "{what}: {:?}", report.findings.iter().map(|f| &f.rule).collect::<Vec<_>>());
        assert_eq!(report.gaps.iter().map(|g| g.reason.as_str()).find(|g| Some(*g) == gap), gap, "{what}: {:?}", report.gaps);
    }
}

/// A picture's chunks and a film's boxes are gone through for its end, but not millions of them.
#[test]
fn parts_without_end_are_a_gap() {
    let chunk = b"\0\0\0\0tEXt\0\0\0\0";
    let png = [&b"\x89PNG\r\n\x1a\n"[..], &chunk.repeat((1 << 20) + 1), b"\0\0\0\0IEND\xaeB`\x82"].concat();
    let film = [&b"\0\0\0\x10ftypisom\0\0\0\0"[..], &b"\0\0\0\x08free".repeat(1 << 20)].concat();
    for (what, bytes) in [("chunks", png), ("boxes", film)] {
        let report = timed(what, &bytes, "picture.png");
        assert!(report.gaps.iter().any(|g| g.reason == "limit-members"), "{what}: {:?}", report.gaps);
    }
}

/// Whoever reads joblib's arrays as opcodes may run into a limit among them: what stands behind it was not read.
#[test]
fn a_limit_among_an_arrays_bytes_is_a_gap() {
    let array = [&b"("[..], &vec![b'N'; 4_400_000], b"1cos\nsystem\n(S'echo'\ntR."].concat();
    let mut file = b"\x80\x04cjoblib.numpy_pickle\nNumpyArrayWrapper\n)\x81}(\x8c\x05shapeJ".to_vec();
    file.extend((array.len() as u32).to_le_bytes());
    file.extend(b"\x85\x8c\x05dtypecnumpy\ndtype\n\x8c\x02u1\x89\x88\x87Rub");
    file.extend(array);
    file.push(b'.');
    let report = timed("an array of pushes", &file, "model.joblib");
    assert!(report.gaps.iter().any(|g| g.reason == "limit-pickle-stack"), "{:?}", report.gaps);
    assert!(report.verdict >= Verdict::Incomplete);
}

#[test]
fn deep_nesting_in_text_and_pickle_is_no_recursion() {
    let deep = 300_000;
    let json = [vec![b'['; deep], vec![b']'; deep]].concat();
    timed("nested lists in JSON", &json, "deep.json");
    let header = format!("{{\"a\":{}1{}}}", "{\"b\":".repeat(deep), "}".repeat(deep));
    let mut safetensors = (header.len() as u64).to_le_bytes().to_vec();
    safetensors.extend(header.as_bytes());
    timed("a nested safetensors header", &safetensors, "deep.safetensors");
    let mut pickle = b"\x80\x02".to_vec();
    pickle.extend(vec![b']'; deep]);
    pickle.extend(vec![b'a'; deep - 1]);
    pickle.push(b'.');
    // Read to its end, and told as what no library writes.
    assert_eq!(timed("nested lists in a pickle", &pickle, "deep.pkl").verdict, Verdict::Suspicious);
    let template = format!("{{{{ {}x{} }}}}", "(".repeat(deep), ")".repeat(deep));
    timed("brackets in a template", &template.into_bytes(), "deep.jinja");
}

/// A file that vanishes while it is read: `good` bytes can be read, then every read fails.
struct Vanishing {
    bytes: Vec<u8>,
    good: u64,
}

impl Source for Vanishing {
    fn len(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn read_at(&self, at: u64, buf: &mut [u8]) -> io::Result<usize> {
        if at.saturating_add(buf.len() as u64) > self.good {
            return Err(io::Error::other("the disk was pulled out"));
        }
        self.bytes.read_at(at, buf)
    }
}

#[test]
fn a_source_that_fails_is_a_gap() {
    for (id, file) in corpus() {
        if file.bytes.is_empty() {
            continue;
        }
        let source = Vanishing { good: 0, bytes: file.bytes.clone() };
        let report = scan(&source, &file.path, Lang::En);
        assert!(report.gaps.iter().any(|g| g.reason == "unreadable"), "{id}: {:?}", report.gaps);
        assert_ne!(report.verdict, Verdict::Clear, "{id}");
    }
    // Larger than the pages that are read at once, so that the failure comes in the middle.
    let mut pickle = b"\x80\x02]".to_vec();
    for _ in 0..200_000 {
        pickle.extend(b"K\x01a");
    }
    pickle.push(b'.');
    for good in [400_000, 500_000, 590_000] {
        let source = Vanishing { bytes: pickle.clone(), good };
        let report = scan(&source, "model.pkl", Lang::En);
        assert!(report.gaps.iter().any(|g| g.reason == "unreadable"), "{good}: {:?}", report.gaps);
        assert_ne!(report.verdict, Verdict::Clear);
    }
}

/// A file that was longer when its length was asked for.
struct Shrunk {
    bytes: Vec<u8>,
    claimed: u64,
}

impl Source for Shrunk {
    fn len(&self) -> u64 {
        self.claimed
    }

    fn read_at(&self, at: u64, buf: &mut [u8]) -> io::Result<usize> {
        self.bytes.read_at(at, buf)
    }
}

#[test]
fn a_source_that_shrinks_neither_panics_nor_hangs() {
    for (id, file) in corpus() {
        for claimed in [file.bytes.len() as u64 + 1, 1 << 20, 1 << 33, u64::MAX] {
            let source = Shrunk { bytes: file.bytes.clone(), claimed };
            let start = spent();
            let report = scan(&source, &file.path, Lang::En);
            assert!(spent() - start < PATIENCE, "{id} claiming {claimed} took {:?}", spent() - start);
            assert_eq!(report.size, claimed);
        }
    }
}
