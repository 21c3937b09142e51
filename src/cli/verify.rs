//! `weighstation verify`: files against digests that somebody published.

use super::{Line, Word, lang, read, unusable, write};
use crate::{Disk, Failure, name, walk};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use weighstation::Lang;
use weighstation::digest::{Digest, Digest384, Digest512};
use weighstation::integrity::verify::{Outcome, State};
use weighstation::integrity::{Algorithm, Given, ListText, is_list_name, parse, print, verification};

/// Bytes of a list that are read.
const LONGEST: usize = 64 << 20;

/// Which other digests a list asks for.
#[derive(Clone, Copy, Default)]
struct Wider {
    sha384: bool,
    sha512: bool,
}

/// What is known of a file, in one pass over it.
fn given(path: &Path, wider: Wider) -> io::Result<Given> {
    let size = Disk::open(path)?.len;
    let mut file = File::open(path)?;
    let (mut short, mut middle, mut long) = (Digest::new(), Digest384::new(), Digest512::new());
    let mut buf = vec![0; 1 << 20];
    loop {
        let n = file.read(&mut buf)?;
        let Some(bytes) = buf.get(..n).filter(|b| !b.is_empty()) else { break };
        short.update(bytes);
        if wider.sha384 {
            middle.update(bytes);
        }
        if wider.sha512 {
            long.update(bytes);
        }
    }
    Ok(Given {
        path: name(path),
        size,
        sha256: Some(short.finish()),
        sha384: wider.sha384.then(|| middle.finish()),
        sha512: wider.sha512.then(|| long.finish()),
    })
}

/// What stops a verification: exit status 1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum FailOn {
    Unlisted,
    Incomplete,
    Differs,
    Never,
}

/// Runs the command.
pub fn run(args: &[String]) -> Result<u8, Failure> {
    let (mut paths, mut lists, mut texts): (Vec<PathBuf>, Vec<PathBuf>, Vec<ListText>) = Default::default();
    let (mut json, mut output, mut fail_on, mut language) = (false, None, FailOn::Incomplete, Lang::En);
    let mut line = Line::of(args);
    while let Some(word) = line.next() {
        match word {
            Word::Path(path) => paths.push(path),
            Word::Flag(flag) => match flag.as_str() {
                "--digest" => texts.push(ListText { text: line.value()?, path: String::new() }),
                "--sums" | "--pointer" => lists.push(line.value()?.into()),
                "--format" => {
                    json = match line.value()?.as_str() {
                        "json" => true,
                        "text" => false,
                        other => return Err(line.unknown(other)),
                    }
                }
                "--output" => output = Some(PathBuf::from(line.value()?)),
                "--lang" => language = lang(&mut line)?,
                "--fail-on" => {
                    fail_on = match line.value()?.as_str() {
                        "differs" => FailOn::Differs,
                        "incomplete" => FailOn::Incomplete,
                        "unlisted" => FailOn::Unlisted,
                        "never" => FailOn::Never,
                        other => return Err(line.unknown(other)),
                    }
                }
                other => return Err(Failure::Usage(format!("there is no option {other}"))),
            },
        }
    }
    if paths.is_empty() {
        return Err(Failure::Usage("verify needs at least one file or folder".into()));
    }
    if let Some(wrong) = texts.iter().find(|t| parse(&t.text, "").0.is_empty()) {
        return Err(Failure::Usage(format!("{:?} is no digest", wrong.text)));
    }
    let files: Vec<PathBuf> = walk(&paths).into_iter().map(|found| found.path).collect();
    let whole = paths.iter().any(|p| p.is_dir());
    if texts.is_empty() && lists.is_empty() {
        lists = files.iter().filter(|p| is_list_name(&name(p))).cloned().collect();
        if lists.is_empty() {
            return Err(Failure::Usage("there is nothing to compare with: give --digest, --sums or --pointer".into()));
        }
    }
    for path in &lists {
        match read(path, LONGEST) {
            Ok(text) if text.len() <= LONGEST => texts.push(ListText { path: name(path), text }),
            Ok(_) => return Ok(unusable(path, "it is longer than any list that is read here")),
            Err(e) => return Ok(unusable(path, &e.to_string())),
        }
    }
    let listed: Vec<Algorithm> = texts.iter().flat_map(|t| parse(&t.text, &t.path).0).map(|l| l.algorithm).collect();
    let wider = Wider { sha384: listed.contains(&Algorithm::Sha384), sha512: listed.contains(&Algorithm::Sha512) };
    let (mut known, mut failed) = (Vec::new(), false);
    for path in &files {
        match given(path, wider) {
            Ok(file) => known.push(file),
            Err(e) => failed |= unusable(path, &e.to_string()) > 0,
        }
    }
    let v = verification(&texts, &known, whole, language);
    let text = if json { serde_json::to_string_pretty(&v).map_err(io::Error::from)? + "\n" } else { print::text(&v, language) };
    write(&text, output.as_deref())?;
    if failed {
        return Ok(3);
    }
    let reached = match v.outcome {
        Outcome::Differs => FailOn::Differs,
        Outcome::Incomplete | Outcome::Nothing => FailOn::Incomplete,
        Outcome::Matches if v.checks.iter().any(|c| c.state == State::Unlisted) => FailOn::Unlisted,
        Outcome::Matches => return Ok(0),
    };
    Ok(u8::from(reached >= fail_on))
}
