//! `weighstation compare`: what changed between two reports, or two things to scan.

use super::{Line, Word, read, scanning, unusable, write};
use crate::{Failure, Options, form, walk, weigh_all};
use std::io;
use std::path::Path;
use weighstation::compare::{compare, markdown, text};
use weighstation::export::open;
use weighstation::report::{Report, SCHEMA};

/// A stored report, if the file is one.
fn stored(path: &Path) -> Option<Result<Report, String>> {
    if !path.is_file() {
        return None;
    }
    // Nothing else that is scanned begins like that and names the schema; a model is not read whole to find out.
    let mut head = [0; 1];
    io::Read::read_exact(&mut std::fs::File::open(path).ok()?, &mut head).ok()?;
    let text = read(path, open::LONGEST).ok().filter(|t| head == *b"{" && t.contains(SCHEMA))?;
    Some(open::report(&text))
}

/// The report on one side.
fn side(path: &Path, options: &Options) -> Result<(Report, bool), Failure> {
    let mut files = Vec::new();
    let failed = weigh_all(&walk(&[path.to_path_buf()]), options, &mut |report| {
        files.push(report);
        Ok(())
    })?;
    Ok((weighstation::conclude(files, options.lang), failed))
}

/// Runs the command.
pub fn run(args: &[String]) -> Result<u8, Failure> {
    let mut o = Options::new()?;
    let mut line = Line::of(args);
    while let Some(word) = line.next() {
        match word {
            Word::Path(path) => o.paths.push(path),
            Word::Flag(flag) => match flag.as_str() {
                "--format" => {
                    let id = line.value()?;
                    if !["text", "json", "markdown"].contains(&id.as_str()) {
                        return Err(line.unknown(&id));
                    }
                    o.format = form(&id)?;
                }
                _ if scanning(&mut o, &mut line)? => {}
                other => return Err(Failure::Usage(format!("there is no option {other}"))),
            },
        }
    }
    let [old, new] = o.paths.as_slice() else { return Err(Failure::Usage("compare needs two reports, files or folders".into())) };
    let mut sides = Vec::new();
    let mut failed = false;
    for path in [old, new] {
        match stored(path) {
            Some(Ok(report)) => sides.push(report),
            Some(Err(why)) => return Ok(unusable(path, &why)),
            None => {
                let (report, unreadable) = side(path, &o)?;
                failed |= unreadable;
                sides.push(report);
            }
        }
    }
    let (Some(new), Some(old)) = (sides.pop(), sides.pop()) else { return Ok(3) };
    let c = compare(old, new, o.lang);
    let printed = match o.format.id {
        "json" => serde_json::to_string_pretty(&c).map_err(io::Error::from)? + "\n",
        "markdown" => markdown(&c, o.lang),
        _ => text(&c),
    };
    write(&printed, o.output.as_deref())?;
    if failed {
        return Ok(3);
    }
    Ok(u8::from(o.fail_on.is_some_and(|limit| c.news >= limit)))
}
