//! Paths left out: names of folders are personal.

use super::{Paths, open::each_text};
use crate::report::Report;
use std::collections::{BTreeSet, HashMap};

/// Keys whose texts are the product's own words or names inside of files, and no paths.
const NO_PATHS: &[&str] = &[
    "schema", "rule", "severity", "verdict", "reason", "refs", "module", "name", "sha256", "formats", "use", "standing", "title", "why", "fix", "kind",
    "version", "rules",
];

/// The report with short names in place of its paths, wherever they stand. Sentences are to be told anew afterwards.
pub fn left_out(mut report: Report, how: Paths) -> Report {
    let (files, folders) = names(&report, how);
    for f in &mut report.files {
        // What was compared with them is a finding; the lists themselves are names of files and nothing else.
        f.listed.clear();
    }
    for p in &mut report.licence.parts {
        // A part is called by its folder's own name.
        let own = || folders.iter().filter(|(path, _)| path.rsplit('/').next() == Some(&p.name)).map(|(_, short)| short).min();
        if let Some(short) = folders.get(&p.name).or_else(|| files.get(&p.name)).or_else(own) {
            p.name = short.clone();
        }
    }
    let mut parts: Vec<&String> = folders.keys().collect();
    // A folder within another one goes first.
    crate::order::sort_by_key(&mut parts, |p| std::cmp::Reverse(p.len()));
    let Ok(mut value) = serde_json::to_string(&report).and_then(|text| serde_json::from_str(&text)) else { return report };
    each_text(&mut value, &mut |key, text| {
        if NO_PATHS.contains(&key) {
            return;
        }
        if let Some(short) = files.get(text.as_str()).or_else(|| folders.get(text.trim_end_matches('/'))) {
            *text = short.clone();
            return;
        }
        if !text.contains('/') && how != Paths::Numbered {
            return;
        }
        *text = within(text, &files);
        for folder in &parts {
            let prefix = format!("{folder}/");
            if text.contains(&prefix) {
                *text = text.replace(&prefix, "");
            }
        }
    });
    serde_json::to_string(&value).and_then(|text| serde_json::from_str(&text)).unwrap_or(report)
}

/// What every file and every folder is called; for numbers, the bare name of a file as well, which others may name it by.
fn names(report: &Report, how: Paths) -> (HashMap<String, String>, HashMap<String, String>) {
    let mut files = HashMap::new();
    let mut folders: BTreeSet<&str> = BTreeSet::new();
    let mut taken: BTreeSet<String> = BTreeSet::new();
    for (n, f) in report.files.iter().enumerate() {
        let (folder, name) = f.path.rsplit_once('/').unwrap_or(("", &f.path));
        let (stem, ending) = match name.rsplit_once('.') {
            Some((stem, e)) if !stem.is_empty() && e.len() <= 12 && e.bytes().all(|b| b.is_ascii_alphanumeric()) => (stem, format!(".{e}")),
            _ => (name, String::new()),
        };
        let mut short = if how == Paths::Numbered { format!("file-{}{ending}", n + 1) } else { name.to_string() };
        let mut again = 1;
        while !taken.insert(short.clone()) {
            again += 1;
            short = format!("{stem} ({again}){ending}");
        }
        if how == Paths::Numbered && !ending.is_empty() {
            files.entry(name.to_string()).or_insert_with(|| short.clone());
        }
        files.insert(f.path.clone(), short);
        let mut above = folder;
        while !above.is_empty() && folders.insert(above) {
            above = above.rsplit_once('/').map_or("", |(up, _)| up);
        }
    }
    let short = |(n, path): (usize, &str)| (path.to_string(), format!("folder-{}", n + 1));
    (files, folders.into_iter().enumerate().map(short).collect())
}

/// A text with the paths in it replaced: whole words first, and names with blanks in them wherever they stand.
fn within(text: &str, files: &HashMap<String, String>) -> String {
    let edge = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | ',' | ';' | ':' | '(' | ')' | '[' | ']' | '{' | '}' | '=');
    let mut out = String::with_capacity(text.len());
    for piece in text.split_inclusive(edge) {
        let word = piece.trim_end_matches(edge);
        match files.get(word) {
            Some(short) => {
                out.push_str(short);
                out.push_str(&piece[word.len()..]);
            }
            None => out.push_str(piece),
        }
    }
    let mut odd: Vec<(&String, &String)> = files.iter().filter(|(path, _)| path.contains(edge)).collect();
    crate::order::sort_by_key(&mut odd, |(path, _)| (std::cmp::Reverse(path.len()), path.as_str()));
    for (path, short) in odd {
        if out.contains(path.as_str()) {
            out = out.replace(path.as_str(), short);
        }
    }
    out
}
