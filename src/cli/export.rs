//! `weighstation export`: a stored report in another form; and what `scan` needs to write one.

use super::{Line, Word, lang, read, unusable, write};
use crate::{Disk, Failure, colour, form};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};
use weighstation::export::{self, Export, Options, Paths, Shown, open};
use weighstation::report::Severity;
use weighstation::{Lang, Report};

/// Places of one file whose bytes are shown.
const PLACES: usize = 8;

/// Places of a report whose bytes are shown: each costs another look into its file.
const ALL_PLACES: usize = 200;

/// Takes a flag that is about exports; says whether it was one.
pub fn option(o: &mut Options, line: &mut Line<'_>) -> Result<bool, Failure> {
    match line.flag.as_str() {
        "--paths" => {
            o.paths = match line.value()?.as_str() {
                "full" => Paths::Full,
                "names" => Paths::Names,
                "numbered" => Paths::Numbered,
                other => return Err(line.unknown(other)),
            }
        }
        "--time" => {
            o.time = line.value()?;
            if o.time != "none" && !is_time(&o.time) {
                return Err(line.unknown(&o.time));
            }
        }
        "--serial" => {
            o.serial = line.value()?.to_ascii_lowercase();
            let parts: Vec<usize> = o.serial.split('-').map(str::len).collect();
            if parts != [8, 4, 4, 4, 12] || !o.serial.bytes().all(|b| b == b'-' || b.is_ascii_hexdigit()) {
                return Err(line.unknown(&o.serial));
            }
        }
        _ => return Ok(false),
    }
    Ok(true)
}

/// RFC 3339 in UTC, to the second.
fn is_time(text: &str) -> bool {
    text.len() == 20 && text.bytes().zip(b"0000-00-00T00:00:00Z").all(|(b, p)| if *p == b'0' { b.is_ascii_digit() } else { b == *p })
}

/// Seconds since 1970 as RFC 3339; days are counted in years that begin in March (Hinnant, "chrono-Compatible Low-Level Date Algorithms").
fn rfc3339(seconds: u64) -> String {
    let days = seconds / 86_400 + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year + era * 400 + u64::from(month <= 2);
    let second = seconds % 86_400;
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", second / 3600, second / 60 % 60, second % 60)
}

/// Fills in what the core does not know: the time, for forms that tell it, and the folder that paths are relative to.
pub fn complete(o: &mut Options, form: &Export) {
    if o.time == "none" || matches!(form.id, "json" | "jsonl" | "text" | "csv") {
        o.time = String::new();
    } else if o.time.is_empty() {
        let epoch = std::env::var("SOURCE_DATE_EPOCH").ok().and_then(|s| s.parse().ok());
        let now = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
        // The last second of the year 9999, beyond which there is no such form.
        o.time = rfc3339(epoch.unwrap_or_else(now).min(253_402_300_799));
    }
    if let Ok(folder) = std::env::current_dir() {
        o.root = crate::name(&folder);
    }
}

/// Bytes and listings of what was found, as far as they help: the first place of what is medium and above.
pub fn evidence<'p>(report: &Report, paths: impl Iterator<Item = &'p Path>, lang: Lang) -> Vec<Shown> {
    let mut out = Vec::new();
    for (file, path) in report.files.iter().zip(paths) {
        let Ok(source) = Disk::open(path) else { continue };
        let places = file.findings.iter().filter(|f| f.severity >= Severity::Medium).filter_map(|f| f.places.first());
        for place in places.take(PLACES.min(ALL_PLACES - out.len())) {
            let shown = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| weighstation::evidence(&source, &crate::name(path), place, lang)));
            out.extend(shown.ok().map(|evidence| Shown { path: file.path.clone(), place: place.clone(), evidence }));
        }
    }
    out
}

/// Runs the command.
pub fn run(args: &[String]) -> Result<u8, Failure> {
    let mut form_ = form("html")?;
    let (mut o, mut output, mut paths) = (Options::default(), None, Vec::new());
    let mut line = Line::of(args);
    while let Some(word) = line.next() {
        match word {
            Word::Path(path) => paths.push(path),
            Word::Flag(flag) => match flag.as_str() {
                "--format" => form_ = form(&line.value()?)?,
                "--output" => output = Some(PathBuf::from(line.value()?)),
                "--lang" => o.lang = lang(&mut line)?.tag().into(),
                _ if option(&mut o, &mut line)? => {}
                other => return Err(Failure::Usage(format!("there is no option {other}"))),
            },
        }
    }
    let [path] = paths.as_slice() else { return Err(Failure::Usage("export needs one report".into())) };
    let text = match read(path, open::LONGEST) {
        Ok(text) => text,
        Err(e) => return Ok(unusable(path, &e.to_string())),
    };
    let report = match open::report(&text) {
        Ok(report) => report,
        Err(why) => return Ok(unusable(path, &why)),
    };
    o.colour = output.is_none() && colour();
    // When an old report was scanned is not known.
    if o.time.is_empty() {
        o.time = "none".into();
    }
    complete(&mut o, form_);
    write(&export::export(report, form_.id, &o).unwrap_or_default(), output.as_deref())?;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_right() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (4_107_542_399, "2100-02-28T23:59:59Z"),
            (1_795_176_000, "2026-11-20T12:00:00Z"),
            (253_402_300_799, "9999-12-31T23:59:59Z"),
        ] {
            assert_eq!(rfc3339(seconds), text);
            assert!(is_time(text));
        }
        assert!(!is_time("2026-11-20") && !is_time("2026-11-20T12:00:00+") && !is_time(""));
    }
}
