//! The commands beside `scan`, and what they share.

pub mod compare;
pub mod export;
pub mod licence;
pub mod verify;

use crate::{Failure, Options};
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use weighstation::{Lang, Verdict};

/// One word of a command line.
pub enum Word {
    /// A flag; [`Line::value`] has its value.
    Flag(String),
    /// Anything else.
    Path(PathBuf),
}

/// A command line, read word by word: `--flag value`, `--flag=value`, and only paths behind `--`.
pub struct Line<'a> {
    rest: std::slice::Iter<'a, String>,
    flag: String,
    inline: Option<String>,
    only_paths: bool,
}

impl<'a> Line<'a> {
    /// At its beginning.
    pub fn of(args: &'a [String]) -> Line<'a> {
        Line { rest: args.iter(), flag: String::new(), inline: None, only_paths: false }
    }

    /// The next word.
    pub fn next(&mut self) -> Option<Word> {
        let arg = self.rest.next()?;
        if self.only_paths || !arg.starts_with("--") {
            return Some(Word::Path(arg.into()));
        }
        if arg == "--" {
            self.only_paths = true;
            return self.next();
        }
        let (flag, inline) = arg.split_once('=').map_or((arg.as_str(), None), |(f, v)| (f, Some(v.to_string())));
        (self.flag, self.inline) = (flag.into(), inline);
        Some(Word::Flag(flag.into()))
    }

    /// The value of the flag that came last.
    pub fn value(&mut self) -> Result<String, Failure> {
        let missing = || Failure::Usage(format!("{} needs a value", self.flag));
        self.inline.take().map_or_else(|| self.rest.next().cloned().ok_or_else(missing), Ok)
    }

    /// The value of the flag that came last, if it stands in the same word.
    pub fn inline(&mut self) -> Option<String> {
        self.inline.take()
    }

    /// Whether what comes is a path whatever it looks like.
    pub fn only_paths(&self) -> bool {
        self.only_paths
    }

    /// That the flag does not know a value.
    pub fn unknown(&self, value: &str) -> Failure {
        Failure::Usage(format!("{} does not know {value:?}", self.flag))
    }
}

/// Takes a flag that every command which scans has; says whether it was one.
pub fn scanning(o: &mut Options, line: &mut Line<'_>) -> Result<bool, Failure> {
    match line.flag.as_str() {
        "--no-digest" => o.digest = false,
        "--output" => o.output = Some(line.value()?.into()),
        "--fail-on" => o.fail_on = fail_on(line)?,
        "--lang" => o.lang = lang(line)?,
        _ => return Ok(false),
    }
    Ok(true)
}

/// The value of `--fail-on` where it is a verdict.
fn fail_on(line: &mut Line<'_>) -> Result<Option<Verdict>, Failure> {
    Ok(match line.value()?.as_str() {
        "dangerous" => Some(Verdict::Dangerous),
        "suspicious" => Some(Verdict::Suspicious),
        "incomplete" => Some(Verdict::Incomplete),
        "never" => None,
        other => return Err(line.unknown(other)),
    })
}

/// The value of `--lang`.
pub fn lang(line: &mut Line<'_>) -> Result<Lang, Failure> {
    spoken(&line.value()?)
}

/// The language of a tag.
pub fn spoken(tag: &str) -> Result<Lang, Failure> {
    Lang::known(tag).ok_or_else(|| Failure::Usage(format!("--lang knows en and ja, not {tag:?}")))
}

/// A text file of at most so many bytes; `-` is standard input.
pub fn read(path: &Path, longest: usize) -> io::Result<String> {
    let mut text = String::new();
    let most = longest as u64 + 1;
    if path == Path::new("-") {
        io::stdin().take(most).read_to_string(&mut text)?;
    } else {
        File::open(path)?.take(most).read_to_string(&mut text)?;
    }
    Ok(text)
}

/// Writes to a file, or to standard output.
pub fn write(text: &str, output: Option<&Path>) -> Result<(), Failure> {
    match output {
        Some(path) => std::fs::write(path, text)?,
        None => io::stdout().write_all(text.as_bytes())?,
    }
    Ok(())
}

/// Says on standard error why an input cannot be used; the exit status of that.
pub fn unusable(path: &Path, why: &str) -> u8 {
    eprintln!("weighstation: {}: {}", weighstation::text::printable(&path.to_string_lossy(), 4096), weighstation::text::printable(why, 1000));
    3
}
