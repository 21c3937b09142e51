//! The command line: flags, the walk through folders, scan, export and exit status.

#![cfg(not(target_arch = "wasm32"))]

mod cli;

use cli::{Line, Word};
use std::fs::File;
use std::io::{self, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use weighstation::export::{self, Export, Paths};
use weighstation::report::FileReport;
use weighstation::speech::command::help;
use weighstation::{Digest, Lang, Source, Verdict};

/// Commands that only this command line has.
const MORE: &str = "       weighstation explain RULE               what a rule means and what to do
       weighstation rules|formats|licences [--format json|markdown]
";

/// Bytes of a file that is read once, for the scan and for the fingerprint.
const SMALL: u64 = 1 << 20;

/// A file on disk.
struct Disk {
    file: File,
    len: u64,
}

impl Disk {
    /// A file, and nothing else: who opens a pipe waits until somebody writes to it.
    fn open(path: &Path) -> io::Result<Disk> {
        let known = std::fs::metadata(path)?;
        if !known.is_file() {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        Ok(Disk { file: File::open(path)?, len: known.len() })
    }

    /// All of a small file; nothing of a large one, or of one that changes while it is read.
    fn whole(&self) -> Option<Vec<u8>> {
        if self.len > SMALL {
            return None;
        }
        // With room for one byte more, a file that ends where it should is known to end there by what one read brings.
        let mut bytes = vec![0; self.len as usize + 1];
        let mut got = 0;
        while (got as u64) < self.len {
            match self.read_at(got as u64, &mut bytes[got..]) {
                Ok(more @ 1..) => got += more,
                _ => return None,
            }
        }
        bytes.truncate(got);
        (got as u64 == self.len).then_some(bytes)
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

struct Options {
    format: &'static Export,
    export: export::Options,
    output: Option<PathBuf>,
    fail_on: Option<Verdict>,
    lang: Lang,
    digest: bool,
    paths: Vec<PathBuf>,
}

impl Options {
    /// What holds where nothing is said.
    fn new() -> Result<Options, Failure> {
        Ok(Options {
            format: form("text")?,
            export: export::Options::default(),
            output: None,
            fail_on: Some(Verdict::Suspicious),
            lang: Lang::En,
            digest: true,
            paths: Vec::new(),
        })
    }
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match run(&args) {
        Ok(code) => ExitCode::from(code),
        Err(Failure::Usage(why)) => {
            eprintln!("weighstation: {why}\n\n{}", help(MORE));
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
    let asks = args.iter().take_while(|word| *word != "--").any(|word| matches!(word.as_str(), "-h" | "--help"));
    match command.as_str() {
        _ if asks || command == "help" => {
            print!("{}", help(MORE));
            Ok(0)
        }
        "scan" => scan(&options(rest)?),
        "export" => cli::export::run(rest),
        "verify" => cli::verify::run(rest),
        "compare" => cli::compare::run(rest),
        "licence" | "license" => cli::licence::run(rest),
        "licences" | "licenses" => licences(rest),
        "explain" => explain(rest),
        "rules" => table(rest, true),
        "formats" => table(rest, false),
        "-V" | "--version" => {
            println!("weighstation {}", env!("CARGO_PKG_VERSION"));
            Ok(0)
        }
        other => Err(Failure::Usage(format!("there is no command {other:?}"))),
    }
}

fn options(args: &[String]) -> Result<Options, Failure> {
    let mut o = Options::new()?;
    let mut line = Line::of(args);
    while let Some(word) = line.next() {
        match word {
            Word::Path(path) => o.paths.push(path),
            Word::Flag(flag) => match flag.as_str() {
                "--format" => o.format = form(&line.value()?)?,
                _ if cli::scanning(&mut o, &mut line)? => {}
                _ if cli::export::option(&mut o.export, &mut line)? => {}
                other => return Err(Failure::Usage(format!("there is no option {other}"))),
            },
        }
    }
    if o.paths.is_empty() {
        return Err(Failure::Usage("scan needs at least one file or folder".into()));
    }
    o.export.lang = o.lang.tag().into();
    Ok(o)
}

/// The form of an export.
fn form(id: &str) -> Result<&'static Export, Failure> {
    export::by_id(id).ok_or_else(|| Failure::Usage(format!("--format does not know {id:?}")))
}

/// A file to weigh, and where it leads to if it is a link out of the folder that was given.
struct Found {
    path: PathBuf,
    link: Option<String>,
}

/// What a folder has under a name.
enum Entry {
    Folder,
    File,
    Link,
}

impl Entry {
    fn of(entry: &std::fs::DirEntry) -> Entry {
        // Most folders of disks say it without being asked about every file.
        match entry.file_type() {
            Ok(t) if t.is_symlink() => Entry::Link,
            Ok(t) if t.is_dir() => Entry::Folder,
            _ => Entry::File,
        }
    }
}

/// Where a link that was met below a folder leads to, if that is not in the folder.
fn leads_out(link: &Path, folder: &Path) -> Option<String> {
    let target = std::fs::read_link(link).ok()?;
    // The cache of huggingface_hub keeps every file under its digest and links to it.
    let name = target.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    if target.parent().is_some_and(|p| p.ends_with("blobs") && !p.is_absolute()) && matches!(name.len(), 40 | 64) && name.bytes().all(|b| b.is_ascii_hexdigit())
    {
        return None;
    }
    let inside = std::fs::canonicalize(folder).is_ok_and(|root| std::fs::canonicalize(link).is_ok_and(|end| end.starts_with(root)));
    (!inside).then(|| target.to_string_lossy().into_owned())
}

/// Every file below the given paths, in a fixed order. Links to folders are not followed below a folder; a link to a file is read
/// through, and named if it leads out of the folder that was given.
fn walk(paths: &[PathBuf]) -> Vec<Found> {
    let mut out = Vec::new();
    // A folder and something in it may both be given.
    let mut seen = std::collections::HashSet::new();
    for path in paths {
        let mut open = vec![(path.clone(), if path.is_dir() { Entry::Folder } else { Entry::File })];
        while let Some((p, entry)) = open.pop() {
            let link = match entry {
                Entry::Folder => {
                    match std::fs::read_dir(&p) {
                        Ok(entries) => {
                            let from = open.len();
                            open.extend(entries.flatten().map(|e| (e.path(), Entry::of(&e))));
                            open[from..].sort_by(|(a, _), (b, _)| b.cmp(a));
                        }
                        Err(_) => out.push(Found { path: p, link: None }),
                    }
                    continue;
                }
                Entry::File => None,
                Entry::Link => {
                    let link = leads_out(&p, path);
                    // A folder that is linked to from inside of itself is walked under its own name.
                    if link.is_none() && p.is_dir() {
                        continue;
                    }
                    link
                }
            };
            if seen.insert(p.clone()) {
                out.push(Found { path: p, link });
            }
        }
    }
    out
}

/// A path as reports have it.
fn name(path: &Path) -> String {
    path.to_string_lossy().replace('\\', "/")
}

fn weigh(found: &Found, options: &Options) -> FileReport {
    let path = found.path.as_path();
    let name = name(path);
    let source = match Disk::open(path) {
        Ok(source) => source,
        // A link to a folder, or to nothing: what it leads to is not in the folder that was given.
        _ if std::fs::symlink_metadata(path).is_ok_and(|m| m.is_symlink()) => return weighstation::stopped(&name, 0, "linked", options.lang),
        _ => return weighstation::stopped(&name, 0, "unreadable", options.lang),
    };
    let whole = if options.digest { source.whole() } else { None };
    let read: &dyn Source = whole.as_ref().map_or(&source, |bytes| bytes);
    let scanned = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| match &found.link {
        Some(target) => weighstation::scan_link(read, &name, target, options.lang),
        None => weighstation::scan(read, &name, options.lang),
    }));
    let mut report = scanned.unwrap_or_else(|_| weighstation::stopped(&name, source.len, "scanner-stopped", options.lang));
    if options.digest {
        report.sha256 = match &whole {
            Some(bytes) => {
                let mut d = Digest::new();
                d.update(bytes);
                Some(d.finish())
            }
            None => digest(path).ok(),
        };
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

/// Weighs files on every core and hands the reports on in the order of the paths, whichever was first; says whether one could not be read at all.
fn weigh_all(paths: &[Found], options: &Options, each: &mut dyn FnMut(FileReport) -> Result<(), Failure>) -> Result<bool, Failure> {
    let workers = std::thread::available_parallelism().map_or(1, |n| n.get()).min(paths.len().max(1));
    // Of many files some at a time: handing over costs more than weighing a small one.
    let batches: Vec<&[Found]> = paths.chunks((paths.len() / (workers * 16)).clamp(1, 16)).collect();
    let next = AtomicUsize::new(0);
    let (send, receive) = mpsc::sync_channel::<(usize, Vec<FileReport>)>(16);
    // The GNU allocator hands memory back after every file, unless it saw a larger piece come and go: a tenth of the time over small files.
    drop(std::hint::black_box(Vec::<u8>::with_capacity(8 << 20)));
    let progress = io::stderr().is_terminal() && paths.len() > 1;
    let mut failed = false;
    std::thread::scope(|scope| -> Result<(), Failure> {
        for _ in 0..workers {
            let (send, next, batches) = (send.clone(), &next, &batches);
            scope.spawn(move || {
                loop {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    let Some(batch) = batches.get(n) else { return };
                    if send.send((n, batch.iter().map(|found| weigh(found, options)).collect())).is_err() {
                        return;
                    }
                }
            });
        }
        drop(send);
        let mut waiting = std::collections::BTreeMap::new();
        let mut turn = 0;
        let mut told = 0;
        for (n, reports) in receive {
            waiting.insert(n, reports);
            let ready: Vec<Vec<FileReport>> = std::iter::from_fn(|| waiting.remove(&turn).inspect(|_| turn += 1)).collect();
            for report in ready.into_iter().flatten() {
                told += 1;
                if progress {
                    eprint!("\r{told} of {}", paths.len());
                }
                failed |= report.gaps.iter().any(|g| g.reason == "unreadable" && g.member.is_empty() && report.size == 0);
                each(report)?;
            }
        }
        Ok(())
    })?;
    if progress {
        eprint!("\r\x1b[K");
    }
    Ok(failed)
}

fn scan(options: &Options) -> Result<u8, Failure> {
    let paths = walk(&options.paths);
    let mut out: Box<dyn Write> = match &options.output {
        Some(path) => Box::new(io::BufWriter::new(File::create(path)?)),
        None => Box::new(io::BufWriter::new(io::stdout())),
    };
    // A report line leaves as soon as nothing can change it any more: another file may, and so may a list of digests. Whose paths are to be left out are written at the end.
    let lines = options.format.id == "jsonl" && options.export.paths == Paths::Full;
    let lists = paths.iter().any(|p| weighstation::integrity::is_list_name(&name(&p.path)));
    let mut files: Vec<FileReport> = Vec::new();
    let mut held = Vec::new();
    let failed = weigh_all(&paths, options, &mut |report| {
        if lists || weighstation::waits(&report) {
            held.push(files.len());
        } else if lines {
            serde_json::to_writer(&mut out, &report).map_err(io::Error::from)?;
            out.write_all(b"\n")?;
            out.flush()?;
        }
        files.push(report);
        Ok(())
    })?;
    let report = weighstation::conclude(files, options.lang);
    let verdict = report.verdict;
    if lines {
        // What the folder has a say in follows the others.
        for file in held.iter().filter_map(|n| report.files.get(*n)) {
            serde_json::to_writer(&mut out, file).map_err(io::Error::from)?;
            out.write_all(b"\n")?;
        }
    } else {
        let mut how = options.export.clone();
        how.colour = options.output.is_none() && colour();
        cli::export::complete(&mut how, options.format);
        if matches!(options.format.id, "html" | "markdown") {
            how.evidence = cli::export::evidence(&report, paths.iter().map(|found| found.path.as_path()), options.lang);
        }
        out.write_all(export::export(report, options.format.id, &how).unwrap_or_default().as_bytes())?;
    }
    out.flush()?;
    if failed {
        return Ok(3);
    }
    Ok(u8::from(options.fail_on.is_some_and(|limit| verdict >= limit)))
}

/// Colour only on a terminal, and not where `NO_COLOR` is set.
fn colour() -> bool {
    io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none()
}

fn licences(args: &[String]) -> Result<u8, Failure> {
    let (args, lang) = language(args)?;
    let json = match args.as_slice() {
        [] => false,
        [flag, value] if flag == "--format" && (value == "json" || value == "markdown") => value == "json",
        _ => return Err(Failure::Usage("only --format json|markdown and --lang are understood here".into())),
    };
    let rows = weighstation::licence::rows(lang);
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

/// Takes the language out of arguments.
fn language(args: &[String]) -> Result<(Vec<String>, Lang), Failure> {
    let mut rest = Vec::new();
    let mut lang = Lang::En;
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        match arg.strip_prefix("--lang") {
            Some("") => lang = cli::spoken(args.next().ok_or_else(|| Failure::Usage("--lang needs a value".into()))?)?,
            Some(tag) if tag.starts_with('=') => lang = cli::spoken(tag.trim_start_matches('='))?,
            _ => rest.push(arg.clone()),
        }
    }
    Ok((rest, lang))
}

fn explain(args: &[String]) -> Result<u8, Failure> {
    let (args, lang) = language(args)?;
    let Some(id) = args.first() else { return Err(Failure::Usage("explain needs a rule, such as WS101".into())) };
    let tables = weighstation::tables(lang);
    let Some(r) = tables.rules.iter().find(|r| r.id.eq_ignore_ascii_case(id) || r.name == id) else {
        return Err(Failure::Usage(format!("there is no rule {id:?}")));
    };
    println!("{}", weighstation::speech::explanation(lang, r));
    Ok(0)
}

fn table(args: &[String], rules: bool) -> Result<u8, Failure> {
    let (args, lang) = language(args)?;
    let json = match args.as_slice() {
        [] => false,
        [flag, value] if flag == "--format" => match value.as_str() {
            "json" => true,
            "markdown" => false,
            other => return Err(Failure::Usage(format!("--format does not know {other:?}"))),
        },
        _ => return Err(Failure::Usage("only --format json|markdown and --lang are understood here".into())),
    };
    let tables = weighstation::tables(lang);
    if json {
        let text = if rules { serde_json::to_string_pretty(&tables.rules) } else { serde_json::to_string_pretty(&tables.formats) };
        println!("{}", text.map_err(io::Error::from)?);
    } else if rules {
        println!("{}\n|---|---|---|---|", weighstation::speech::heading(lang, true));
        for r in &tables.rules {
            println!("| {} | {} | {:?} | {} |", r.id, r.name, r.severity, r.title);
        }
    } else {
        println!("{}\n|---|---|---|", weighstation::speech::heading(lang, false));
        for f in &tables.formats {
            println!("| {} | {} | {} |", f.id, f.name, f.extensions.join(", "));
        }
    }
    Ok(0)
}
