//! Licences: what a model is under, what follows from it for what somebody is about to do, and whether the parts fit.
//!
//! Guidance, not legal advice. The catalogue carries its date; every obligation carries its clause, the day it was read and how sure that is.

pub mod catalogue;
pub mod compat;
pub mod evidence;
pub mod find;
pub mod folder;
pub mod guide;
pub mod inventory;
pub mod name;
pub mod normal;
pub mod print;
pub mod yaml;

use crate::report::{Finding, Report};
use crate::speech::{Lang, licence as words};
use catalogue::{Sure, catalogue};
use serde::Serialize;

/// A licence as a list shows it.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct LicenceRow {
    /// Id.
    pub id: &'static str,
    /// What it is called.
    pub name: &'static str,
    /// Who wrote it.
    pub steward: &'static str,
    /// Date on the text.
    pub date: &'static str,
    /// Family.
    pub family: &'static str,
    /// SPDX id, empty if it has none.
    pub spdx: &'static str,
    /// Day on which it was read.
    pub read: &'static str,
    /// How sure the row is.
    pub sure: Sure,
    /// Where it can be read.
    pub urls: &'static [&'static str],
    /// The AI Act's open-source rules: `yes`, `no`, `unclear`.
    pub act: &'static str,
    /// What a contract in its place would be called; empty where nobody needs one, because it is free for any use.
    pub agreement: String,
}

/// Everything that there is to tell about the licences of files: the answer, and what it rests on.
#[derive(Clone, Debug, Serialize)]
pub struct Told<'a> {
    /// The answer; its fields stand at the top.
    #[serde(flatten)]
    pub guidance: &'a guide::Guidance,
    /// What the files say, with the bytes that say it.
    pub statements: &'a [evidence::Statement],
    /// Findings about licences, of the files and of the folder.
    pub findings: Vec<&'a Finding>,
}

impl<'a> Told<'a> {
    /// The answer and the report that it was drawn from.
    pub fn of(guidance: &'a guide::Guidance, report: &'a Report) -> Told<'a> {
        let findings = report.files.iter().flat_map(|f| &f.findings).chain(&report.findings).filter(|f| f.rule.starts_with("WS7")).collect();
        Told { guidance, statements: &report.licence.statements, findings }
    }
}

/// The catalogue as a list, with names in a language.
pub fn rows(lang: Lang) -> Vec<LicenceRow> {
    let book = words::book(lang);
    let row = |l: &'static catalogue::Licence| LicenceRow {
        id: l.id,
        name: words::name(book, l),
        steward: l.steward,
        date: l.date,
        family: l.family,
        spdx: l.spdx,
        read: l.read,
        sure: l.sure,
        urls: &l.urls,
        act: l.act,
        agreement: words::agreement(book, l),
    };
    catalogue().rows.iter().map(|l| row(l)).collect()
}
