//! The pickle machine against CPython: whatever any unpickler asks `find_class` for, calls or changes has to be in the report.
//!
//! A seeded grammar and its mutations make pickles, `record.py` loads each of them in every way with everything replaced by inert
//! recorders, and the crate scans the same bytes. `DIFFER_CASES`, `DIFFER_SEED` and `DIFFER_PYTHON` (a list, comma-separated) widen it;
//! `npm run differ -- 1000000` is the long run. Each case that was ever missed stays below `cases/` as hexadecimal with a word on why.

mod grammar;

use grammar::Rng;
use serde::Deserialize;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;
use weighstation::Verdict;
use weighstation::report::{FileReport, Import, Used};
use weighstation::text::printable;

/// Cases handed to one interpreter before it is started afresh.
const BATCH: usize = 5_000;
/// Characters of a name that a report keeps.
const KEPT: usize = 400;

/// What one case did in CPython.
#[derive(Deserialize)]
struct Record {
    ok: u64,
    events: Vec<(u64, String, String, String)>,
    ends: Vec<String>,
}

fn here(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/differ").join(name)
}

fn setting(name: &str, default: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| default.to_string())
}

fn pythons() -> Vec<String> {
    setting("DIFFER_PYTHON", "python3").split(',').map(str::to_string).collect()
}

/// Starts a script of this folder; without Python there is nothing to compare with.
fn start(python: &str, script: &str, args: &[String]) -> Child {
    let child = Command::new(python).arg(here(script)).args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    child.unwrap_or_else(|e| {
        panic!("Python 3 is needed to compare the pickle machine with it, and {python:?} does not start ({e}): install it or name another with DIFFER_PYTHON=")
    })
}

/// Pickles with a length of four bytes before each.
fn dumped(seed: u64, count: usize) -> Vec<Vec<u8>> {
    let mut child = start("python3", "dumps.py", &[seed.to_string(), count.to_string()]);
    let mut all = Vec::new();
    child.stdout.take().expect("is piped").read_to_end(&mut all).expect("dumps.py writes");
    assert!(child.wait().expect("it ends").success(), "dumps.py failed");
    let mut out = Vec::new();
    let mut rest = &all[..];
    while let Some((head, tail)) = rest.split_first_chunk::<4>() {
        let (one, next) = tail.split_at(u32::from_le_bytes(*head) as usize);
        out.push(one.to_vec());
        rest = next;
    }
    assert_eq!(out.len(), count);
    out
}

/// What CPython does with each case; `None` where the interpreter itself died or hung.
fn recorded(python: &str, cases: &Arc<Vec<Vec<u8>>>, verbose: bool, mut each: impl FnMut(usize, Option<(&[String], Record)>)) {
    let mut next = 0;
    while next < cases.len() {
        let mut child = start(python, "record.py", &if verbose { vec!["verbose".to_string()] } else { Vec::new() });
        let (mut stdin, stdout) = (child.stdin.take().expect("is piped"), child.stdout.take().expect("is piped"));
        let (all, from) = (Arc::clone(cases), next);
        let writer = std::thread::spawn(move || {
            for case in &all[from..] {
                if stdin.write_all(&(case.len() as u32).to_le_bytes()).and_then(|()| stdin.write_all(case)).is_err() {
                    return;
                }
            }
        });
        let (send, lines): (_, Receiver<String>) = channel();
        let reader = std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if send.send(line).is_err() {
                    return;
                }
            }
        });
        let names: Vec<String> = match lines.recv_timeout(Duration::from_secs(60)) {
            Ok(line) => serde_json::from_str(&line).expect("the readings"),
            Err(_) => panic!("{python:?} does not run tests/differ/record.py: Python 2.7, 3.6 or newer is needed"),
        };
        loop {
            match lines.recv_timeout(Duration::from_secs(20)) {
                Ok(line) => each(next, Some((&names, serde_json::from_str(&line).expect("a record")))),
                Err(RecvTimeoutError::Disconnected) if next == cases.len() => break,
                Err(_) => {
                    // It died or hangs in this one.
                    each(next, None);
                    next += 1;
                    break;
                }
            }
            next += 1;
            if next == cases.len() {
                break;
            }
        }
        let _ = child.kill();
        let _ = child.wait();
        writer.join().expect("the writer ends");
        reader.join().expect("the reader ends");
    }
}

/// Names whose calls the machine resolves further: their result is listed by what it resolves to.
const FOLLOWED: &[&str] = &["getattr", "partial", "attrgetter", "import_module"];

/// Readings that take Python 2's texts for Latin-1.
const LATIN1: &[&str] = &["c-plain", "python-latin1"];

/// Whether no import system has such a name.
fn odd(name: &str) -> bool {
    name.is_empty() || !name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '<' | '>'))
}

/// What of a record the report does not say.
fn missed(record: &Record, report: &FileReport, latin1: u64) -> Vec<(u64, String)> {
    let fired = |rule: &str| report.findings.iter().any(|f| f.rule == rule);
    // Imports alone, of a pickle that goes wrong: every text that begins with a `c` is one. Whatever else it is called, it is not clear.
    let named_only = record
        .events
        .iter()
        .all(|(_, what, module, _)| matches!(what.as_str(), "import" | "persistent" | "torch-persistent" | "changed-object") || module == "persistent_load");
    if !report.formats.iter().any(|f| f == "pickle") && named_only && (record.ok == 0 || report.verdict != Verdict::Clear) {
        return Vec::new();
    }
    let followed = record.events.iter().any(|(_, what, _, name)| what == "import" && FOLLOWED.contains(&name.as_str()));
    let persisted = record.events.iter().any(|(_, what, ..)| matches!(what.as_str(), "persistent" | "torch-persistent"));
    let mut out = Vec::new();
    for (readings, what, module, name) in &record.events {
        let import: Option<&Import> = report.imports.iter().find(|i| i.module == printable(module, KEPT) && i.name == printable(name, KEPT));
        let said = match what.as_str() {
            // Text of Python 2 read as Latin-1: no module has such a name.
            _ if !(module.is_ascii() && name.is_ascii()) && readings & latin1 == *readings => true,
            // No import system finds these.
            "import" if odd(module) || odd(name) => true,
            // Known to the loading process alone, or made by a call.
            "import" if module == "preset" => fired("WS119"),
            _ if module == "preset" => fired("WS119"),
            _ if module.is_empty() && what != "persistent" => true,
            _ if (module == "computed" || name == "computed") && import.is_none() => fired("WS112"),
            "import" => import.is_some(),
            // What a computed call returns is part of that call; what a loader made of a persistent id is what torch makes of it.
            _ if module == "?" => fired("WS112") || followed || persisted && report.imports.iter().any(|i| i.usage != Used::Imported),
            // What stands where torch expects a class is used in its place, and the id is said to be foreign.
            "call" | "build" if module == "persistent_load" => {
                let class =
                    name.split_once(':').and_then(|(m, n)| report.imports.iter().find(|i| i.module == printable(m, KEPT) && i.name == printable(n, KEPT)));
                ["WS112", "WS116", "WS121"].iter().any(|r| fired(r))
                    || fired("WS120") && report.imports.iter().any(|i| i.usage != Used::Imported)
                    || class.is_some_and(|i| i.usage != Used::Imported)
            }
            "call" => import.is_some_and(|i| i.usage != Used::Imported),
            // What a followed call returns is changed, not its class.
            // A rebuilder is a function: no unpickler but the recorder's makes an object of it without calling it.
            "build" => import.is_some_and(|i| i.usage == Used::Built) || FOLLOWED.contains(&name.as_str()) || name == "_reconstructor",
            "changed-import" => fired("WS116"),
            "result-call" => fired("WS112") || followed || module == "persistent_load",
            "persistent" => fired("WS120") || report.tensors.count > 0,
            _ => true,
        };
        if !said {
            out.push((*readings, format!("{what} {module:?} {name:?}")));
        }
    }
    out
}

#[allow(clippy::ptr_arg, reason = "a slice is no sized source")]
fn scanned(case: &Vec<u8>) -> FileReport {
    weighstation::scan(case, "case.pkl", weighstation::Lang::En)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// Compares some cases; returns the misses as sentences.
fn compare(cases: Vec<Vec<u8>>, names: &[String]) -> Vec<String> {
    let cases = Arc::new(cases);
    let mut out = Vec::new();
    let mut tally = Tally::default();
    for python in pythons() {
        recorded(&python, &cases, names.len() < 200 && !names.is_empty(), |n, record| {
            tally.cases += 1;
            let Some((readings, record)) = record else {
                tally.died += 1;
                return;
            };
            tally.events += record.events.len() as u64;
            tally.loaded += u64::from(record.ok != 0);
            let report = scanned(&cases[n]);
            let latin1 = readings.iter().enumerate().filter(|(_, name)| LATIN1.contains(&name.as_str())).map(|(n, _)| 1 << n).sum();
            for (mask, what) in missed(&record, &report, latin1) {
                let by: Vec<&str> = readings.iter().enumerate().filter(|(n, _)| mask >> n & 1 == 1).map(|(_, r)| r.as_str()).collect();
                let name = names.get(n).cloned().unwrap_or_default();
                out.push(format!(
                    "{name} {} not in the report, done by {} of {python}: {}\n    {}",
                    what,
                    by.join(" "),
                    cases[n].escape_ascii(),
                    hex(&cases[n])
                ));
            }
            if !record.ends.is_empty() && std::env::var_os("DIFFER_SHOW").is_some() {
                println!("{}: {:?}\n{:#?}\n{:?}", names[n], record.ends, record.events, report.imports);
            }
        });
    }
    println!(
        "{} cases: {} loaded to the end by some reading, {} events, {} in which the interpreter itself died or hung",
        tally.cases, tally.loaded, tally.events, tally.died
    );
    out
}

#[derive(Default)]
struct Tally {
    cases: u64,
    loaded: u64,
    events: u64,
    died: u64,
}

fn report(misses: &[String]) {
    if let Some(path) = std::env::var_os("DIFFER_OUT") {
        let mut file = std::fs::OpenOptions::new().create(true).append(true).open(path).expect("DIFFER_OUT can be written");
        for m in misses {
            writeln!(file, "{m}").expect("DIFFER_OUT can be written");
        }
    } else {
        assert!(misses.is_empty(), "{} misses, the first of them:\n{}", misses.len(), misses.iter().take(10).cloned().collect::<Vec<_>>().join("\n"));
    }
}

/// Case `n` of a seed: independent of all others, so that one of them can be made again.
fn case(seed: u64, n: u64, pool: &[Vec<u8>]) -> Vec<u8> {
    let mut rng = Rng::new(seed.wrapping_mul(0x1_0000_0001).wrapping_add(n.wrapping_mul(0x9e37)));
    let small = |rng: &mut Rng| {
        let one = &pool[rng.below(pool.len())];
        if one.len() < 4_000 { one.clone() } else { one[..rng.below(4_000)].to_vec() }
    };
    let mut out = match rng.below(10) {
        0..=1 => small(&mut rng),
        _ => grammar::pickle(&mut rng),
    };
    if rng.one_in(40) {
        // More of them than one looks at to tell a pickle from a text.
        out.splice(0..0, [b"N.".repeat(rng.below(30)), b"K\x01.".to_vec()].concat());
    }
    if rng.one_in(12) {
        if rng.one_in(3) {
            out.extend([0; 5]);
        }
        out.extend(grammar::pickle(&mut rng));
    }
    if rng.one_in(2) {
        let other = if rng.one_in(3) { small(&mut rng) } else { grammar::pickle(&mut rng) };
        grammar::mutate(&mut rng, &mut out, &other);
    }
    out
}

#[test]
fn everything_that_cpython_does_is_in_the_report() {
    let count: usize = setting("DIFFER_CASES", "20000").parse().expect("DIFFER_CASES is a number");
    let seed: u64 = setting("DIFFER_SEED", "1").parse().expect("DIFFER_SEED is a number");
    let pool = dumped(seed, 400);
    let mut misses = Vec::new();
    let mut done = 0;
    while done < count {
        let n = BATCH.min(count - done);
        let cases: Vec<Vec<u8>> = (done..done + n).map(|n| case(seed, n as u64, &pool)).collect();
        misses.extend(compare(cases, &[]));
        done += n;
        if misses.len() > 1000 {
            break;
        }
    }
    report(&misses);
}

/// What was missed once.
#[test]
fn what_was_missed_once_is_found() {
    let mut files: Vec<PathBuf> = std::fs::read_dir(here("cases")).expect("the folder is there").map(|e| e.expect("an entry").path()).collect();
    files.sort();
    let mut names = Vec::new();
    let mut cases = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).expect("a text");
        // Lines that begin with # say why.
        let digits: Vec<u8> = text.lines().filter(|l| !l.starts_with('#')).flat_map(|l| l.bytes()).filter(u8::is_ascii_hexdigit).collect();
        cases.push(digits.chunks_exact(2).map(|d| u8::from_str_radix(std::str::from_utf8(d).expect("ASCII"), 16).expect("hexadecimal")).collect());
        names.push(file.file_name().expect("a name").to_string_lossy().into_owned());
    }
    assert!(!cases.is_empty());
    report(&compare(cases, &names));
}

/// The other way round: what `pickle.dumps` writes is read to the end without a fault.
#[test]
fn what_python_writes_has_no_gap() {
    for case in dumped(7, 1_500) {
        let report = scanned(&case);
        assert!(report.gaps.is_empty(), "{:?}: {} {}", report.gaps, case.escape_ascii(), hex(&case));
    }
}
