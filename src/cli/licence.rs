//! `weighstation licence`: what may be done with files or named licences, what must be done, and whether they fit.

use super::{Line, Word, lang, write};
use crate::{Failure, Options, walk, weigh};
use std::io;
use std::path::{Path, PathBuf};
use weighstation::Lang;
use weighstation::licence::compat::{ASSUMPTIONS, Level, Part, Situation, Use};
use weighstation::licence::guide::{guide, switch};
use weighstation::licence::inventory::{Change, Inventory};
use weighstation::licence::{Told, print};
use weighstation::report::FileReport;
use weighstation::speech::licence as words;

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

/// The value of a flag that takes only some.
fn chosen<T>(line: &mut Line<'_>, of: impl Fn(&str) -> Option<T>) -> Result<T, Failure> {
    let value = line.value()?;
    of(&value).ok_or_else(|| line.unknown(&value))
}

fn number(text: &str) -> Option<u64> {
    text.replace(['_', ','], "").parse().ok()
}

fn list(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|x| !x.is_empty()).map(str::to_string).collect()
}

fn terms(args: &[String]) -> Result<Terms, Failure> {
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
    let mut line = Line::of(args);
    while let Some(word) = line.next() {
        let flag = match word {
            Word::Path(name) if by_name && !line.only_paths() => {
                o.names.push(name.to_string_lossy().into_owned());
                continue;
            }
            Word::Path(path) => {
                o.paths.push(path);
                continue;
            }
            Word::Flag(flag) => flag,
        };
        let s = &mut o.situation;
        match flag.as_str() {
            "--by-name" => {
                by_name = true;
                o.names.extend(line.inline());
            }
            "--non-profit" => s.for_profit = false,
            "--use" => s.activity = chosen(&mut line, Use::of)?,
            "--seat" => s.seat = Some(line.value()?),
            "--users" => {
                let n = chosen(&mut line, number)?;
                for name in ["mau", "dau", "monthly_unique_users", "monthly_visits"] {
                    s.facts.entry(name.into()).or_insert(n);
                }
            }
            "--revenue" => {
                let n = chosen(&mut line, number)?;
                for (name, n) in [("annual_revenue_usd", n), ("annual_recurring_revenue_usd", n), ("monthly_revenue_usd", n / 12)] {
                    s.facts.entry(name.into()).or_insert(n);
                }
            }
            "--fact" => {
                let (name, n) = chosen(&mut line, |v| v.split_once('=').and_then(|(name, n)| Some((name.to_string(), number(n)?))))?;
                s.facts.insert(name, n);
            }
            "--business" => {
                let kinds = line.value()?;
                s.business = Some(if kinds == "none" { Vec::new() } else { list(&kinds) });
            }
            "--field" => s.fields.extend(list(&line.value()?)),
            "--outbound" => s.outbound = Some(line.value()?),
            "--label" => s.label = Some(line.value()?),
            "--agreement" => s.agreements.push(line.value()?),
            "--commercial" => {
                s.commercial = Some(chosen(&mut line, |v| match v {
                    "yes" => Some(true),
                    "no" => Some(false),
                    _ => None,
                })?)
            }
            "--assume" => {
                let known = |name: &str| ASSUMPTIONS.iter().any(|(n, _)| *n == name);
                let (name, answer) = chosen(&mut line, |v| {
                    v.split_once('=').filter(|(name, _)| known(name)).and_then(|(name, answer)| Some((name.to_string(), switch(answer)?)))
                })?;
                s.assume.insert(name, answer);
            }
            "--format" => o.format = chosen(&mut line, |v| ["text", "json", "markdown", "csv"].contains(&v).then(|| v.to_string()))?,
            "--output" => o.output = Some(line.value()?.into()),
            "--against" => o.against = Some(line.value()?.into()),
            "--save" => o.save = Some(line.value()?.into()),
            "--date" => o.date = line.value()?,
            "--lang" => o.lang = lang(&mut line)?,
            "--fail-on" => {
                o.fail_on = chosen(&mut line, |v| match v {
                    "conflict" => Some(Some(Level::Conflict)),
                    "needs-review" => Some(Some(Level::NeedsReview)),
                    "never" => Some(None),
                    _ => None,
                })?
            }
            other => return Err(Failure::Usage(format!("there is no option {other}"))),
        }
    }
    if o.paths.is_empty() && o.names.is_empty() {
        return Err(Failure::Usage("licence needs a file, a folder, or --by-name and a licence".into()));
    }
    Ok(o)
}

/// An inventory that was saved.
fn inventory(path: &Path) -> Result<Inventory, Failure> {
    let text = std::fs::read(path)?;
    serde_json::from_slice(&text).map_err(|_| Failure::Usage(format!("{} is no inventory", path.display())))
}

/// Runs the command.
pub fn run(args: &[String]) -> Result<u8, Failure> {
    let o = terms(args)?;
    let options = Options { lang: o.lang, digest: o.save.is_some() || o.against.is_some(), ..Options::new()? };
    let files: Vec<FileReport> = walk(&o.paths).iter().map(|p| weigh(p, &options)).collect();
    let failed = files.iter().any(|r| r.gaps.iter().any(|g| g.reason == "unreadable" && g.member.is_empty() && r.size == 0));
    let report = weighstation::conclude(files, o.lang);
    let mut parts = report.licence.parts.clone();
    parts.extend(o.names.iter().map(|n| Part { name: n.clone(), licence: n.clone(), source: "chosen".into(), ..Part::default() }));
    let guidance = guide(&parts, &o.situation, o.lang);
    let mut text = match o.format.as_str() {
        "json" => serde_json::to_string_pretty(&Told::of(&guidance, &report)).map_err(io::Error::from)? + "\n",
        "markdown" => print::markdown(&guidance, o.lang),
        "csv" => print::csv(&guidance, o.lang),
        _ => print::text(&guidance, o.lang),
    };
    let now = Inventory::of(&report, &guidance, &o.date);
    if let Some(path) = &o.against {
        let changes = inventory(path)?.changes(&now, true);
        text = if o.format == "json" { serde_json::to_string_pretty(&changes).map_err(io::Error::from)? + "\n" } else { changed(&changes, o.lang) + &text };
    }
    if let Some(path) = &o.save {
        let table = path.extension().is_some_and(|e| e == "csv");
        let mut all = if table || !path.exists() { Inventory::default() } else { inventory(path)? };
        all.add(&now);
        std::fs::write(path, if table { all.csv() } else { serde_json::to_string_pretty(&all).map_err(io::Error::from)? + "\n" })?;
    }
    write(&text, o.output.as_deref())?;
    if failed {
        return Ok(3);
    }
    Ok(u8::from(o.fail_on.is_some_and(|limit| guidance.level >= limit)))
}

/// What changed since an inventory, a line each.
fn changed(changes: &[Change], lang: Lang) -> String {
    let b = words::book(lang);
    let said = |id: &str| words::label(b, &format!("change-{id}"));
    let line = |c: &Change| {
        format!(
            "{}: {}{} {:?} -> {:?}\n",
            c.name,
            said(&c.what),
            if c.grade.is_empty() { String::new() } else { format!(" ({})", said(&c.grade)) },
            c.before,
            c.after
        )
    };
    if changes.is_empty() { format!("{}\n\n", said("none")) } else { changes.iter().map(line).collect::<String>() + "\n" }
}
