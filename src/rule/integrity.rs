//! Digests that a file lists, held against the files beside it. What the list's author could have changed as well is not told from this.

use super::Args;
use crate::integrity::verify::{Check, List, State};
use crate::integrity::{Given, verify};
use crate::report::FileReport;
use std::collections::HashMap;

/// The files as a verification takes them.
fn given(files: &[FileReport]) -> Vec<Given> {
    files.iter().map(|f| Given { path: f.path.clone(), size: f.size, sha256: f.sha256.clone(), ..Given::default() }).collect()
}

fn list(f: &FileReport) -> List {
    List { path: f.path.clone(), entries: f.listed.clone() }
}

/// Files whose bytes are not those that a list has.
pub fn differs(files: &[FileReport]) -> Vec<(usize, Args)> {
    let lists: Vec<List> = files.iter().filter(|f| !f.listed.is_empty()).map(list).collect();
    if lists.is_empty() {
        return Vec::new();
    }
    let index: HashMap<&str, usize> = files.iter().enumerate().map(|(n, f)| (f.path.as_str(), n)).collect();
    let args =
        |c: &Check| vec![("list", c.list.clone()), ("expected", c.expected.clone().unwrap_or_default()), ("actual", c.actual.clone().unwrap_or_default())];
    verify(&lists, &given(files)).iter().filter(|c| c.state == State::Differs).filter_map(|c| Some((*index.get(c.path.as_str())?, args(c)))).collect()
}

/// Lists of files some of which are here and some are not.
pub fn missing(files: &[FileReport]) -> Vec<(usize, Args)> {
    let mut out = Vec::new();
    // The notes of a download stay when a file is deleted: they list one file each, and are no list of what belongs together.
    for (n, f) in files.iter().enumerate().filter(|(_, f)| f.listed.len() > 1) {
        let checks = verify(&[list(f)], &given(files));
        let gone: Vec<&str> = checks.iter().filter(|c| c.state == State::Missing).map(|c| c.path.as_str()).collect();
        let here = checks.iter().any(|c| !matches!(c.state, State::Missing | State::Unlisted));
        if let (true, Some(first)) = (here, gone.first()) {
            out.push((n, vec![("target", first.to_string()), ("count", gone.len().to_string())]));
        }
    }
    out
}
