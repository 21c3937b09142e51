//! A report for others to read: one row a form. A form is a plain function from a report and what was asked to a text; there is no clock and nothing random in it.
//!
//! A report may come from a stranger ([`open`]), and names and texts in any report come from files that a stranger wrote: each form escapes for itself
//! through a [`Sheet`], whose every second piece is a text.
//!
//! # Why not
//! - *A template engine*: eight short functions are smaller than any, and what is escaped is seen in the line that writes it.
//! - *Evidence in the report*: bytes and listings of every place would make it many times as large; who has the files hands in what shall be shown.

mod bom;
mod csv;
mod cyclonedx;
mod html;
mod json;
pub(crate) mod markdown;
pub mod open;
mod paths;
mod sarif;
mod spdx;
mod text;

use crate::place::Place;
use crate::report::{Evidence, FileReport, Finding, Report};
use crate::speech::export::{Book, book};
use crate::speech::{Lang, licence::number};
use serde::{Deserialize, Serialize};

/// How much of a path stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "lowercase")]
pub enum Paths {
    /// All of it.
    #[default]
    Full,
    /// The file's name, without its folders.
    Names,
    /// A number and the ending.
    Numbered,
}

/// Bytes and listing of one place, to be shown where the form can.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Shown {
    /// The file's path as the report has it.
    pub path: String,
    /// The place as the report has it.
    pub place: Place,
    /// What [`crate::evidence`] says of it.
    pub evidence: Evidence,
}

/// How a report is to be written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(rename = "ExportOptions"))]
#[serde(default)]
pub struct Options {
    /// Language of the sentences: a BCP 47 tag.
    pub lang: String,
    /// How much of the paths stays.
    pub paths: Paths,
    /// When the files were scanned, as RFC 3339 in UTC (`2026-11-20T12:00:00Z`); empty where that is not to be said.
    pub time: String,
    /// Serial number of a bill of materials: a UUID; empty to make one of the files' digests.
    pub serial: String,
    /// Folder that paths are relative to, for forms that know no absolute ones; empty where they are.
    pub root: String,
    /// Whether a terminal shows colours.
    pub colour: bool,
    /// Bytes and listings to show.
    pub evidence: Vec<Shown>,
}

/// One row of [`EXPORTS`].
pub struct Export {
    /// Stable id.
    pub id: &'static str,
    /// Name for people.
    pub name: &'static str,
    /// Media type.
    pub media: &'static str,
    /// Ending of the file's name, without a dot.
    pub ending: &'static str,
    /// Writes it.
    pub write: fn(&Paper<'_>) -> String,
}

/// Every form.
pub static EXPORTS: &[Export] = &[
    Export { id: "text", name: "Text", media: "text/plain", ending: "txt", write: text::write },
    Export { id: "html", name: "HTML", media: "text/html", ending: "html", write: html::write },
    Export { id: "markdown", name: "Markdown", media: "text/markdown", ending: "md", write: markdown::write },
    Export { id: "csv", name: "CSV", media: "text/csv", ending: "csv", write: csv::write },
    Export { id: "json", name: "JSON", media: "application/json", ending: "json", write: json::write },
    Export { id: "jsonl", name: "JSON Lines", media: "application/jsonl", ending: "jsonl", write: json::lines },
    Export { id: "sarif", name: "SARIF 2.1.0", media: "application/sarif+json", ending: "sarif", write: sarif::write },
    Export { id: "cyclonedx", name: "CycloneDX 1.6", media: "application/vnd.cyclonedx+json", ending: "json", write: cyclonedx::write },
    Export { id: "spdx", name: "SPDX 3.0.1", media: "application/spdx+json", ending: "json", write: spdx::write },
];

/// What a form is given.
pub struct Paper<'a> {
    /// The report, in the language and with the paths asked for.
    pub report: &'a Report,
    /// What was asked.
    pub options: &'a Options,
    /// Language.
    pub lang: Lang,
    /// Its words.
    pub words: &'static Book,
    /// Number of a file, a place in it, and what to show of it.
    shown: Vec<(usize, &'a Place, &'a Evidence)>,
}

impl Paper<'_> {
    /// What to show of a place.
    fn evidence(&self, file: usize, place: &Place) -> Option<&Evidence> {
        self.shown.iter().find(|(n, p, _)| *n == file && *p == place).map(|(_, _, e)| *e)
    }

    /// Program and version.
    fn tool(&self) -> String {
        format!("{} {}", self.report.tool.name, self.report.tool.version)
    }

    /// How many files have which verdict.
    fn summary(&self) -> String {
        let count = |v| number(self.report.files.iter().filter(|f| f.verdict == v).count() as u64);
        let values = [
            ("dangerous", count(crate::Verdict::Dangerous)),
            ("suspicious", count(crate::Verdict::Suspicious)),
            ("incomplete", count(crate::Verdict::Incomplete)),
            ("clear", count(crate::Verdict::Clear)),
            ("files", number(self.report.files.len() as u64)),
        ];
        crate::speech::export::put(self.words.summary, &values.each_ref().map(|(k, v)| (*k, v.as_str())))
    }

    /// One sentence about a place.
    fn place(&self, p: &Place) -> String {
        let (at, n, file_at) = (format!("{:#x}", p.offset), number(p.length), p.file_offset.map(|o| format!("{o:#x}")));
        let sentence = if file_at.as_ref().is_some_and(|f| *f != at || !p.member.is_empty()) { self.words.place_in_file } else { self.words.place };
        crate::speech::export::put(sentence, &[("at", &at), ("n", &n), ("file_at", &file_at.unwrap_or_default())])
    }

    /// The sentence that says most about all files together, and what to do.
    fn headline(&self) -> (&str, &[String]) {
        let r = self.report;
        // Of several that are equal, the first.
        let worst = r.files.iter().rev().filter(|f| f.verdict == r.verdict).max_by_key(|f| f.findings.first().map(|x| x.severity));
        match worst {
            Some(f) => (&f.headline, &f.advice),
            None => (r.findings.iter().max_by_key(|f| f.severity).map_or("", |f| f.message.as_str()), &[]),
        }
    }
}

/// The form with an id.
pub fn by_id(id: &str) -> Option<&'static Export> {
    EXPORTS.iter().find(|e| e.id == id)
}

/// Writes a report in a form; `None` if there is no such form.
pub fn export(mut report: Report, id: &str, options: &Options) -> Option<String> {
    let form = by_id(id)?;
    let shown = options.evidence.iter().filter_map(|s| Some((report.files.iter().position(|f| f.path == s.path)?, &s.place, &s.evidence))).collect();
    if options.paths != Paths::Full {
        report = paths::left_out(report, options.paths);
    }
    let lang = Lang::from_tag(&options.lang);
    crate::rule::retell(&mut report, lang);
    Some((form.write)(&Paper { report: &report, options, lang, words: book(lang), shown }))
}

/// A row of [`EXPORTS`] as lists show it.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct ExportRow {
    /// Id.
    pub id: &'static str,
    /// Name.
    pub name: &'static str,
    /// Media type.
    pub media: &'static str,
    /// Ending of the file's name.
    pub ending: &'static str,
}

/// Every form, for lists.
pub fn rows() -> Vec<ExportRow> {
    EXPORTS.iter().map(|e| ExportRow { id: e.id, name: e.name, media: e.media, ending: e.ending }).collect()
}

/// Every finding with the number of its file, if it is about one.
fn findings(report: &Report) -> impl Iterator<Item = (Option<usize>, &Finding)> {
    let of = |path: &str| report.files.iter().position(|f| f.path == path);
    let own = report.files.iter().enumerate().flat_map(|(n, f)| f.findings.iter().map(move |x| (Some(n), x)));
    own.chain(report.findings.iter().filter(|f| !repeated(report, f)).map(move |f| (of(&f.path), f)))
}

/// Whether a finding about several files stands with its file as well.
fn repeated(report: &Report, finding: &Finding) -> bool {
    report.files.iter().any(|f| f.path == finding.path && f.findings.contains(finding))
}

/// Files that somebody has to look at: worst first, otherwise in the order of the report.
fn to_look_at(report: &Report) -> Vec<(usize, &FileReport)> {
    let mut out: Vec<_> = report.files.iter().enumerate().filter(|(_, f)| !f.findings.is_empty() || !f.gaps.is_empty()).collect();
    crate::order::sort_by_key(&mut out, |(_, f)| std::cmp::Reverse(f.verdict));
    out
}

/// A text in the making, whose pieces are markup and text in turns: each second piece goes through the form's escape.
pub(crate) struct Sheet {
    /// What was written so far.
    pub(crate) out: String,
    escape: fn(&str, &mut String),
}

impl Sheet {
    pub(crate) fn new(escape: fn(&str, &mut String)) -> Sheet {
        Sheet { out: String::new(), escape }
    }

    /// Adds markup, text, markup, text ….
    pub(crate) fn put(&mut self, pieces: &[&str]) {
        for (n, piece) in pieces.iter().enumerate() {
            if n.is_multiple_of(2) {
                self.out.push_str(piece);
            } else {
                (self.escape)(piece, &mut self.out);
            }
        }
    }
}

#[cfg(test)]
mod tests;
