//! What a bill of materials says, in whatever form it is written: facts that the files tell, and nothing else.

use super::Paper;
use crate::licence::{catalogue, evidence::Kind, name};
use crate::order::set;
use crate::report::Report;
use std::collections::{BTreeMap, BTreeSet};

/// The model, as far as the files tell of it.
pub struct Bom<'a> {
    /// What it is called: by its metadata, its folder, or its file.
    pub name: String,
    /// Elements over all tensors of the form of it that has most, and which form that is.
    pub parameters: Option<(u64, &'a str)>,
    /// Element types of its tensors.
    pub dtypes: BTreeSet<&'a str>,
    /// Licences, as declared or found.
    pub licences: Vec<Terms>,
    /// Models that it is made from.
    pub bases: BTreeSet<&'a str>,
    /// Data that it was trained on.
    pub datasets: BTreeSet<&'a str>,
    /// Whether every file was read to its end.
    pub complete: bool,
    /// UUID that only depends on the files, or the one asked for; empty where no digest is known.
    pub serial: String,
}

/// One licence.
pub enum Terms {
    /// An expression of SPDX ids.
    Spdx(String),
    /// Any other name.
    Other(String),
}

impl Terms {
    fn of(text: &str) -> Terms {
        let spdx = |id: &str| catalogue::by_id(id).is_some_and(|l| !l.spdx.is_empty() && l.spdx == id);
        let known = if name::is_expression(text) { name::expression(text).is_ok_and(|e| e.choices.concat().iter().all(|id| spdx(id))) } else { spdx(text) };
        if known { Terms::Spdx(text.into()) } else { Terms::Other(text.into()) }
    }
}

/// The value that the files first give a key of metadata.
pub fn told<'a>(report: &'a Report, keys: &[&str]) -> Option<&'a str> {
    keys.iter().find_map(|k| report.files.iter().flat_map(|f| &f.metadata).find(|m| m.key == *k && !m.value.is_empty()).map(|m| m.value.as_str()))
}

/// A UUID of what the files hold (RFC 9562, version 8): the same files give the same one.
fn serial(report: &Report) -> String {
    let digests = set(report.files.iter().filter_map(|f| f.sha256.as_deref()));
    if digests.is_empty() {
        return String::new();
    }
    let mut d = crate::Digest::new();
    for x in digests {
        d.update(x.as_bytes());
    }
    let hex: Vec<char> = d.finish().chars().take(32).collect();
    let mut out = String::new();
    for (n, c) in hex.into_iter().enumerate() {
        if matches!(n, 8 | 12 | 16 | 20) {
            out.push('-');
        }
        out.push(match n {
            12 => '8',
            16 => ['8', '9', 'a', 'b'].get((c.to_digit(16).unwrap_or(0) % 4) as usize).copied().unwrap_or('8'),
            _ => c,
        });
    }
    out
}

/// Everything that both forms need.
pub fn of<'a>(p: &'a Paper<'_>) -> Bom<'a> {
    let r = p.report;
    let mut by_form: BTreeMap<&str, u64> = BTreeMap::new();
    for f in r.files.iter().filter(|f| f.tensors.count > 0) {
        *by_form.entry(f.formats.first().map_or("", String::as_str)).or_default() += f.tensors.parameters;
    }
    let parameters = by_form.iter().max_by_key(|(_, n)| **n).map(|(form, n)| (*n, *form));
    let statements = |kind: Kind| {
        let said = r.files.iter().flat_map(|f| &f.licence.statements);
        set(said.filter(|s| s.kind == kind && s.how != "relation" && !s.value.is_empty()).map(|s| s.value.as_str()))
    };
    let told_of = r.licence.parts.iter().filter(|x| !x.licence.is_empty() && matches!(x.source.as_str(), "text" | "declared"));
    let licences = set(told_of.map(|x| x.licence.as_str()));
    let first = r.files.first().map_or("", |f| f.path.as_str()).trim_start_matches("./").trim_start_matches('/');
    let by_path = if r.files.len() > 1 {
        first.rsplit_once('/').map_or("", |(folder, _)| folder.split('/').next_back().unwrap_or(""))
    } else {
        first.rsplit('/').next().unwrap_or("")
    };
    let name = told(r, &["general.name"]).unwrap_or(by_path);
    Bom {
        name: if name.is_empty() { "model".into() } else { name.into() },
        parameters,
        dtypes: set(r.files.iter().flat_map(|f| f.tensors.dtypes.keys().map(String::as_str))),
        licences: licences.into_iter().map(Terms::of).collect(),
        bases: statements(Kind::Base),
        datasets: statements(Kind::Dataset),
        complete: r.files.iter().all(|f| f.gaps.is_empty()),
        serial: if p.options.serial.is_empty() { serial(r) } else { p.options.serial.clone() },
    }
}
