//! The command line: flags, the walk through folders, scan, export and exit status.

#![cfg(not(target_arch = "wasm32"))]

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::mpsc;
use weighstation::licence::compat::{Level, Part, Situation, Use};
use weighstation::licence::inventory::{Change, Inventory};
use weighstation::report::{FileReport, Report};
use weighstation::{Digest, Lang, Source, Verdict};

const HELP: &str = "weighstation weighs an AI model before anybody loads it.

usage: weighstation scan [OPTIONS] PATH...     files or folders; folders are walked, hidden files included
       weighstation licence [OPTIONS] PATH...  what may be done with it, what must be done, and whether the parts fit
       weighstation licence [OPTIONS] --by-name NAME...
       weighstation explain RULE               what a rule means and what to do
       weighstation rules|formats|licences [--format json|markdown]

scan options
  --format text|json|jsonl     default: text
  --output FILE                default: standard output
  --fail-on dangerous|suspicious|incomplete|never     default: suspicious
  --lang en                    language of the sentences
  --no-digest                  skip the SHA-256 pass
";

/// The end of the help.
const STATUS: &str = "
exit status: 0 nothing at or above --fail-on; 1 something is; 2 the command line is wrong; 3 an input could not be read at all
";

/// The help; what the licence command understands is said by the core, for every command line alike.
fn help() -> String {
    format!("{HELP}\n{}{STATUS}", weighstation::speech::licence::options())
}

/// A file on disk.
struct Disk {
    file: File,
    len: u64,
}

impl Disk {
    fn open(path: &Path) -> io::Result<Disk> {
        let file = File::open(path)?;
        let len = file.metadata()?.len();
        Ok(Disk { file, len })
    }
}

impl Source for Disk {
    fn len(&self) -> u64 {
        self.len
    }

    #[cfg(unix)]
    fn read_at(&self, at: u64, buf: &mut [u8]) -> io::Result<usize> {
        std::os::unix::fs::FileExt::read_at(&self.file, buf, at)
    }

    #[cfg(windows)]
    fn read_at(&self, at: u64, buf: &mut [u8]) -> io::Result<usize> {
        std::os::windows::fs::FileExt::seek_read(&self.file, buf, at)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    Text,
    Json,
    Jsonl,
    Markdown,
}

struct Options {
    format: Format,
    output: Option<PathBuf>,
    fail_on: Option<Verdict>,
    lang: Lang,
    digest: bool,
    paths: Vec<PathBuf>,
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match run(&args) {
        Ok(code) => ExitCode::from(code),
        Err(Failure::Usage(why)) => {
            eprintln!("weighstation: {why}\n\n{}", help());
            ExitCode::from(2)
        }
        Err(Failure::Output(e)) if e.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(Failure::Output(e)) => {
            eprintln!("weighstation: cannot write the report: {e}");
            ExitCode::from(3)
        }
    }
}

enum Failure {
    Usage(String),
    Output(io::Error),
}

impl From<io::Error> for Failure {
    fn from(e: io::Error) -> Self {
        Failure::Output(e)
    }
}

fn run(args: &[String]) -> Result<u8, Failure> {
    let Some(command) = args.first() else { return Err(Failure::Usage("what shall I do?".into())) };
    let rest = args.get(1..).unwrap_or(&[]);
    match command.as_str() {
        "scan" => scan(&options(rest)?),
        "licence" | "license" => licence(rest),
        "licences" | "licenses" => licences(rest),
        "explain" => explain(rest),
        "rules" => table(rest, true),
        "formats" => table(rest, false),
        "-h" | "--help" | "help" => {
            print!("{}", help());
            Ok(0)
        }
        "-V" | "--version" => {
            println!("weighstation {}", env!("CARGO_PKG_VERSION"));
            Ok(0)
        }
        other => Err(Failure::Usage(format!("there is no command {other:?}"))),
    }
}

fn options(args: &[String]) -> Result<Options, Failure> {
    let mut o = Options { format: Format::Text, output: None, fail_on: Some(Verdict::Suspicious), lang: Lang::En, digest: true, paths: Vec::new() };
    let mut i = 0;
    let mut only_paths = false;
    while let Some(arg) = args.get(i) {
        i += 1;
        if only_paths || !arg.starts_with("--") {
            o.paths.push(PathBuf::from(arg));
            continue;
        }
        let (flag, inline) = arg.split_once('=').map_or((arg.as_str(), None), |(f, v)| (f, Some(v.to_string())));
        let mut value = || -> Result<String, Failure> {
            if let Some(v) = &inline {
                return Ok(v.clone());
            }
            let v = args.get(i).cloned().ok_or_else(|| Failure::Usage(format!("{flag} needs a value")))?;
            i += 1;
            Ok(v)
        };
        match flag {
            "--" => only_paths = true,
            "--no-digest" => o.digest = false,
            "--format" => {
                o.format = match value()?.as_str() {
                    "text" => Format::Text,
                    "json" => Format::Json,
                    "jsonl" => Format::Jsonl,
                    other => return Err(Failure::Usage(format!("--format does not know {other:?}"))),
                }
            }
            "--output" => o.output = Some(PathBuf::from(value()?)),
            "--fail-on" => {
                o.fail_on = match value()?.as_str() {
                    "dangerous" => Some(Verdict::Dangerous),
                    "suspicious" => Some(Verdict::Suspicious),
                    "incomplete" => Some(Verdict::Incomplete),
                    "never" => None,
                    other => return Err(Failure::Usage(format!("--fail-on does not know {other:?}"))),
                }
            }
            "--lang" => {
                let tag = value()?;
                if !tag.starts_with("en") {
                    return Err(Failure::Usage(format!("--lang: there is no {tag:?} yet")));
                }
                o.lang = Lang::from_tag(&tag);
            }
            other => return Err(Failure::Usage(format!("there is no option {other}"))),
        }
    }
    if o.paths.is_empty() {
        return Err(Failure::Usage("scan needs at least one file or folder".into()));
    }
    Ok(o)
}

/// Every file below the given paths, in a fixed order. Symbolic links are named as given and not followed below a folder: a
/// link out of the folder would scan what the folder does not hold.
fn walk(paths: &[PathBuf]) -> Vec<PathBuf> {
    let mut out = Vec::new();
    for path in paths {
        let mut open = VecDeque::from([path.clone()]);
        while let Some(p) = open.pop_front() {
            let folder = if p == *path { p.is_dir() } else { std::fs::symlink_metadata(&p).is_ok_and(|m| m.is_dir()) };
            if !folder {
                out.push(p);
                continue;
            }
            let mut inside: Vec<PathBuf> = match std::fs::read_dir(&p) {
                Ok(entries) => entries.filter_map(|e| e.ok().map(|e| e.path())).collect(),
                Err(_) => {
                    out.push(p);
                    continue;
                }
            };
            inside.sort();
            for child in inside.into_iter().rev() {
                open.push_front(child);
            }
        }
    }
    out
}

fn weigh(path: &Path, options: &Options) -> FileReport {
    let name = path.to_string_lossy().replace('\\', "/");
    let source = match Disk::open(path) {
        Ok(source) if path.is_file() => source,
        _ => return weighstation::stopped(&name, 0, "unreadable", options.lang),
    };
    let scanned = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| weighstation::scan(&source, &name, options.lang)));
    let mut report = scanned.unwrap_or_else(|_| weighstation::stopped(&name, source.len, "scanner-stopped", options.lang));
    if options.digest {
        report.sha256 = digest(path).ok();
    }
    report
}

fn digest(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut d = Digest::new();
    let mut buf = vec![0; 1 << 20];
    loop {
        let n = file.read(&mut buf)?;
        if n == 0 {
            return Ok(d.finish());
        }
        d.update(&buf[..n]);
    }
}

fn scan(options: &Options) -> Result<u8, Failure> {
    let paths = walk(&options.paths);
    let mut out: Box<dyn Write> = match &options.output {
        Some(path) => Box::new(io::BufWriter::new(File::create(path)?)),
        None => Box::new(io::BufWriter::new(io::stdout())),
    };
    let workers = std::thread::available_parallelism().map_or(1, |n| n.get()).min(paths.len().max(1));
    let next = Mutex::new(0usize);
    let (send, receive) = mpsc::sync_channel::<(usize, FileReport)>(64);
    let progress = io::stderr().is_terminal() && paths.len() > 1;
    let mut files: Vec<FileReport> = Vec::new();
    let mut failed = false;
    let mut held = Vec::new();
    std::thread::scope(|scope| -> Result<(), Failure> {
        for _ in 0..workers {
            let (send, next, paths) = (send.clone(), &next, &paths);
            scope.spawn(move || {
                loop {
                    let n = match next.lock() {
                        Ok(mut n) => {
                            *n += 1;
                            *n - 1
                        }
                        Err(_) => return,
                    };
                    let Some(path) = paths.get(n) else { return };
                    if send.send((n, weigh(path, options))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(send);
        // Reports leave in the order of the paths, whichever worker was first.
        let mut waiting = std::collections::BTreeMap::new();
        let mut turn = 0;
        for (n, report) in receive {
            waiting.insert(n, report);
            while let Some(report) = waiting.remove(&turn) {
                turn += 1;
                if progress {
                    eprint!("\r{turn} of {}", paths.len());
                }
                failed |= report.gaps.iter().any(|g| g.reason == "unreadable" && g.member.is_empty() && report.size == 0);
                if options.format == Format::Jsonl && !weighstation::waits(&report) {
                    serde_json::to_writer(&mut out, &report).map_err(io::Error::from)?;
                    out.write_all(b"\n")?;
                    out.flush()?;
                }
                if weighstation::waits(&report) {
                    held.push(files.len());
                }
                files.push(report);
            }
        }
        Ok(())
    })?;
    if progress {
        eprint!("\r\x1b[K");
    }
    let report = weighstation::conclude(files, options.lang);
    match options.format {
        Format::Json => {
            serde_json::to_writer_pretty(&mut out, &report).map_err(io::Error::from)?;
            out.write_all(b"\n")?;
        }
        Format::Text | Format::Markdown => text(&report, &mut out, options.output.is_none() && colour())?,
        // What the folder has a say in follows the others.
        Format::Jsonl => {
            for file in held.iter().filter_map(|n| report.files.get(*n)) {
                serde_json::to_writer(&mut out, file).map_err(io::Error::from)?;
                out.write_all(b"\n")?;
            }
        }
    }
    out.flush()?;
    if failed {
        return Ok(3);
    }
    Ok(u8::from(options.fail_on.is_some_and(|limit| report.verdict >= limit)))
}

/// Colour only on a terminal, and not where `NO_COLOR` is set.
fn colour() -> bool {
    io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none()
}

fn text(report: &Report, out: &mut dyn Write, colour: bool) -> io::Result<()> {
    let paint = |v: Verdict| match (colour, v) {
        (false, _) => ("", ""),
        (true, Verdict::Dangerous) => ("\x1b[1;31m", "\x1b[0m"),
        (true, Verdict::Suspicious) => ("\x1b[1;33m", "\x1b[0m"),
        (true, Verdict::Incomplete) => ("\x1b[1;36m", "\x1b[0m"),
        (true, Verdict::Clear) => ("\x1b[1m", "\x1b[0m"),
    };
    for f in &report.files {
        let (on, off) = paint(f.verdict);
        let formats = if f.formats.is_empty() { String::new() } else { format!("  ({})", f.formats.join(" + ")) };
        writeln!(out, "{on}{:<10}{off} {}{formats}", f.verdict.word(), f.path)?;
        if f.verdict != Verdict::Clear {
            writeln!(out, "           {}", f.headline)?;
        }
        for finding in &f.findings {
            let count = if finding.count > 1 { format!(" ×{}", finding.count) } else { String::new() };
            writeln!(out, "    {} {} [{:?}]{count}  {}", finding.rule, finding.name, finding.severity, finding.message)?;
            for p in finding.places.iter().take(3) {
                let member = if p.member.is_empty() { String::new() } else { format!("{} ", p.member) };
                let at = p.file_offset.map_or(String::new(), |o| format!(", file offset {o:#x}"));
                writeln!(out, "        {member}at {:#x}, {} bytes{at}", p.offset, p.length)?;
            }
        }
        for g in &f.gaps {
            writeln!(out, "    not checked: {}", g.message)?;
        }
        if let Some(sha) = &f.sha256 {
            writeln!(out, "    sha256 {sha}")?;
        }
        if f.verdict >= Verdict::Suspicious {
            for a in &f.advice {
                writeln!(out, "    → {a}")?;
            }
        }
    }
    for finding in &report.findings {
        writeln!(out, "{} {}  {}", finding.rule, finding.name, finding.message)?;
    }
    let count = |v: Verdict| report.files.iter().filter(|f| f.verdict == v).count();
    writeln!(
        out,
        "\n{} files: {} dangerous, {} suspicious, {} not fully checked, {} with nothing found",
        report.files.len(),
        count(Verdict::Dangerous),
        count(Verdict::Suspicious),
        count(Verdict::Incomplete),
        count(Verdict::Clear)
    )
}

/// What the licence command was told.
struct Terms {
    names: Vec<String>,
    paths: Vec<PathBuf>,
    situation: Situation,
    format: String,
    output: Option<PathBuf>,
    fail_on: Option<Level>,
    against: Option<PathBuf>,
    save: Option<PathBuf>,
    date: String,
    lang: Lang,
}

fn terms(args: &[String]) -> Result<Terms, Failure> {
    let wrong = |what: String| Failure::Usage(what);
    let mut o = Terms {
        names: Vec::new(),
        paths: Vec::new(),
        situation: Situation::default(),
        format: "text".into(),
        output: None,
        fail_on: Some(Level::Conflict),
        against: None,
        save: None,
        date: String::new(),
        lang: Lang::En,
    };
    let mut by_name = false;
    let mut i = 0;
    while let Some(arg) = args.get(i) {
        i += 1;
        if !arg.starts_with("--") || arg == "--" {
            match (arg.as_str(), by_name) {
                ("--", _) => by_name = false,
                (_, true) => o.names.push(arg.clone()),
                (_, false) => o.paths.push(PathBuf::from(arg)),
            }
            continue;
        }
        let (flag, inline) = arg.split_once('=').map_or((arg.as_str(), None), |(f, v)| (f, Some(v.to_string())));
        match flag {
            "--by-name" => {
                by_name = true;
                o.names.extend(inline);
                continue;
            }
            "--non-profit" => {
                o.situation.for_profit = false;
                continue;
            }
            _ => {}
        }
        let value = match inline {
            Some(v) => v,
            None => {
                i += 1;
                args.get(i - 1).cloned().ok_or_else(|| wrong(format!("{flag} needs a value")))?
            }
        };
        let unknown = || wrong(format!("{flag} does not know {value:?}"));
        let number = |v: &str| v.replace(['_', ','], "").parse::<u64>().map_err(|_| unknown());
        let list = |v: &str| v.split(',').map(str::trim).filter(|x| !x.is_empty()).map(str::to_string).collect::<Vec<_>>();
        match flag {
            "--use" => o.situation.activity = Use::of(&value).ok_or_else(unknown)?,
            "--seat" => o.situation.seat = Some(value),
            "--users" => {
                let n = number(&value)?;
                for name in ["mau", "dau", "monthly_unique_users", "monthly_visits"] {
                    o.situation.facts.entry(name.into()).or_insert(n);
                }
            }
            "--revenue" => {
                let n = number(&value)?;
                for (name, n) in [("annual_revenue_usd", n), ("annual_recurring_revenue_usd", n), ("monthly_revenue_usd", n / 12)] {
                    o.situation.facts.entry(name.into()).or_insert(n);
                }
            }
            "--fact" => {
                let (name, n) = value.split_once('=').ok_or_else(unknown)?;
                o.situation.facts.insert(name.into(), number(n)?);
            }
            "--business" => o.situation.business = Some(if value == "none" { Vec::new() } else { list(&value) }),
            "--field" => o.situation.fields.extend(list(&value)),
            "--outbound" => o.situation.outbound = Some(value),
            "--label" => o.situation.label = Some(value),
            "--agreement" => o.situation.agreements.push(value),
            "--commercial" => {
                o.situation.commercial = Some(match value.as_str() {
                    "yes" => true,
                    "no" => false,
                    _ => return Err(unknown()),
                })
            }
            "--assume" => {
                let (name, answer) = value.split_once('=').ok_or_else(unknown)?;
                let known = weighstation::licence::compat::ASSUMPTIONS.iter().any(|(n, _)| *n == name);
                let answer = weighstation::licence::guide::switch(answer).filter(|_| known).ok_or_else(unknown)?;
                o.situation.assume.insert(name.into(), answer);
            }
            "--format" => {
                if !["text", "json", "markdown", "csv"].contains(&value.as_str()) {
                    return Err(unknown());
                }
                o.format = value;
            }
            "--output" => o.output = Some(PathBuf::from(value)),
            "--against" => o.against = Some(PathBuf::from(value)),
            "--save" => o.save = Some(PathBuf::from(value)),
            "--date" => o.date = value,
            "--lang" => {
                if !value.starts_with("en") {
                    return Err(Failure::Usage(format!("--lang: there is no {value:?} yet")));
                }
                o.lang = Lang::from_tag(&value);
            }
            "--fail-on" => {
                o.fail_on = match value.as_str() {
                    "conflict" => Some(Level::Conflict),
                    "needs-review" => Some(Level::NeedsReview),
                    "never" => None,
                    _ => return Err(unknown()),
                }
            }
            other => return Err(wrong(format!("there is no option {other}"))),
        }
    }
    if o.paths.is_empty() && o.names.is_empty() {
        return Err(wrong("licence needs a file, a folder, or --by-name and a licence".into()));
    }
    Ok(o)
}

/// An inventory that was saved.
fn inventory(path: &Path) -> Result<Inventory, Failure> {
    let text = std::fs::read(path)?;
    serde_json::from_slice(&text).map_err(|_| Failure::Usage(format!("{} is no inventory", path.display())))
}

fn licence(args: &[String]) -> Result<u8, Failure> {
    let o = terms(args)?;
    let options = Options { format: Format::Json, output: None, fail_on: None, lang: o.lang, digest: o.save.is_some() || o.against.is_some(), paths: Vec::new() };
    let files: Vec<FileReport> = walk(&o.paths).iter().map(|p| weigh(p, &options)).collect();
    let failed = files.iter().any(|r| r.gaps.iter().any(|g| g.reason == "unreadable" && g.member.is_empty() && r.size == 0));
    let report = weighstation::conclude(files, o.lang);
    let mut parts = report.licence.parts.clone();
    parts.extend(o.names.iter().map(|n| Part { name: n.clone(), licence: n.clone(), source: "chosen".into(), ..Part::default() }));
    let guidance = weighstation::licence::guide::guide(&parts, &o.situation, o.lang);
    let mut text = match o.format.as_str() {
        "json" => serde_json::to_string_pretty(&weighstation::licence::Told::of(&guidance, &report)).map_err(io::Error::from)? + "\n",
        "markdown" => weighstation::licence::print::markdown(&guidance, o.lang),
        "csv" => weighstation::licence::print::csv(&guidance, o.lang),
        _ => weighstation::licence::print::text(&guidance, o.lang),
    };
    let now = Inventory::of(&report, &guidance, &o.date);
    if let Some(path) = &o.against {
        let changes = inventory(path)?.changes(&now, true);
        text = if o.format == "json" { serde_json::to_string_pretty(&changes).map_err(io::Error::from)? + "\n" } else { changed(&changes) + &text };
    }
    if let Some(path) = &o.save {
        let table = path.extension().is_some_and(|e| e == "csv");
        let mut all = if table || !path.exists() { Inventory::default() } else { inventory(path)? };
        all.add(&now);
        std::fs::write(path, if table { all.csv() } else { serde_json::to_string_pretty(&all).map_err(io::Error::from)? + "\n" })?;
    }
    match &o.output {
        Some(path) => std::fs::write(path, text)?,
        None => io::stdout().write_all(text.as_bytes())?,
    }
    if failed {
        return Ok(3);
    }
    Ok(u8::from(o.fail_on.is_some_and(|limit| guidance.level >= limit)))
}

/// What changed since an inventory, a line each.
fn changed(changes: &[Change]) -> String {
    let line = |c: &Change| format!("{}: {}{} {:?} -> {:?}\n", c.name, c.what, if c.grade.is_empty() { String::new() } else { format!(" ({})", c.grade) }, c.before, c.after);
    if changes.is_empty() { "nothing changed\n\n".into() } else { changes.iter().map(line).collect::<String>() + "\n" }
}

fn licences(args: &[String]) -> Result<u8, Failure> {
    let json = match args {
        [] => false,
        [flag, value] if flag == "--format" && (value == "json" || value == "markdown") => value == "json",
        _ => return Err(Failure::Usage("only --format json|markdown is understood here".into())),
    };
    let rows = weighstation::licence::rows();
    if json {
        println!("{}", serde_json::to_string_pretty(&rows).map_err(io::Error::from)?);
    } else {
        println!("| licence | name | family | read | sure |\n|---|---|---|---|---|");
        for r in &rows {
            println!("| {} | {} | {} | {} | {:?} |", r.id, r.name, r.family, r.read, r.sure);
        }
    }
    Ok(0)
}

fn explain(args: &[String]) -> Result<u8, Failure> {
    let Some(id) = args.first() else { return Err(Failure::Usage("explain needs a rule, such as WS101".into())) };
    let tables = weighstation::tables(Lang::En);
    let Some(r) = tables.rules.iter().find(|r| r.id.eq_ignore_ascii_case(id) || r.name == id) else {
        return Err(Failure::Usage(format!("there is no rule {id:?}")));
    };
    println!("{} {} ({:?})\n{}\n\nWhy: {}\nWhat to do: {}\nReferences: {}", r.id, r.name, r.severity, r.title, r.why, r.fix, r.refs.join(", "));
    Ok(0)
}

fn table(args: &[String], rules: bool) -> Result<u8, Failure> {
    let format = match args {
        [] => Format::Markdown,
        [flag, value] if flag == "--format" => match value.as_str() {
            "json" => Format::Json,
            "markdown" => Format::Markdown,
            other => return Err(Failure::Usage(format!("--format does not know {other:?}"))),
        },
        _ => return Err(Failure::Usage("only --format json|markdown is understood here".into())),
    };
    let tables = weighstation::tables(Lang::En);
    if format == Format::Json {
        let text = if rules { serde_json::to_string_pretty(&tables.rules) } else { serde_json::to_string_pretty(&tables.formats) };
        println!("{}", text.map_err(io::Error::from)?);
    } else if rules {
        println!("| rule | name | severity | what it says |\n|---|---|---|---|");
        for r in &tables.rules {
            println!("| {} | {} | {:?} | {} |", r.id, r.name, r.severity, r.title);
        }
    } else {
        println!("| format | name | endings |\n|---|---|---|");
        for f in &tables.formats {
            println!("| {} | {} | {} |", f.id, f.name, f.extensions.join(", "));
        }
    }
    Ok(0)
}
