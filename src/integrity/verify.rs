//! Files held against what is listed.

use super::list::{Algorithm, Listed, base};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};

/// The schema id that every verification carries.
pub const SCHEMA: &str = "weighstation-verification/1";

/// A file with what was computed of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(default)]
pub struct Given {
    /// Path.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// SHA-256 in lower-case hexadecimal.
    pub sha256: Option<String>,
    /// SHA-384, where somebody computed it.
    pub sha384: Option<String>,
    /// SHA-512, where somebody computed it.
    pub sha512: Option<String>,
}

impl Given {
    fn digest(&self, by: Algorithm) -> Option<&str> {
        match by {
            Algorithm::Sha256 => self.sha256.as_deref(),
            Algorithm::Sha384 => self.sha384.as_deref(),
            Algorithm::Sha512 => self.sha512.as_deref(),
            _ => None,
        }
    }
}

/// What became of one file or one entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// The bytes are those that were listed.
    Matches,
    /// A file that no entry is about.
    Unlisted,
    /// Nothing can be said.
    Uncheckable,
    /// An entry without its file.
    Missing,
    /// The bytes are others.
    Differs,
}

impl State {
    /// Stable id.
    pub fn word(self) -> &'static str {
        match self {
            State::Matches => "matches",
            State::Unlisted => "unlisted",
            State::Uncheckable => "uncheckable",
            State::Missing => "missing",
            State::Differs => "differs",
        }
    }
}

/// One line of a verification.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(rename = "FileCheck"))]
pub struct Check {
    /// The file's path; for an entry without a file the name as listed, empty for a digest alone.
    pub path: String,
    /// What became of it.
    pub state: State,
    /// Why, as a stable id; empty where the state says it.
    pub reason: String,
    /// The same in words; empty where there is nothing to add.
    pub message: String,
    /// Algorithm that was listed.
    pub algorithm: Option<Algorithm>,
    /// Digest that was listed.
    pub expected: Option<String>,
    /// Digest that was computed.
    pub actual: Option<String>,
    /// Where the two first differ, in hexadecimal digits.
    pub differ_at: Option<u32>,
    /// Size that was listed.
    pub size: Option<u64>,
    /// The list that says so, empty for a pasted digest.
    pub list: String,
}

/// What a verification comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Everything that is listed is there and matches.
    Matches,
    /// Something differs or is missing.
    Differs,
    /// Nothing differs, and something listed could not be compared.
    Incomplete,
    /// There was nothing to compare.
    Nothing,
}

/// The result: the worst first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Verification {
    /// [`SCHEMA`].
    pub schema: String,
    /// What it comes to.
    pub outcome: Outcome,
    /// The same as a sentence.
    pub headline: String,
    /// Files and entries.
    pub checks: Vec<Check>,
    /// Lines of the list that could not be understood.
    pub not_understood: u64,
}

/// Which files a listed name may mean: the one of this path under the list's folder, or else those whose path ends like it, or it like theirs.
struct Names<'a> {
    exact: HashMap<&'a str, usize>,
    by_name: HashMap<&'a str, Vec<usize>>,
}

impl<'a> Names<'a> {
    fn of(files: &'a [Given]) -> Names<'a> {
        let mut out = Names { exact: HashMap::new(), by_name: HashMap::new() };
        for (n, f) in files.iter().enumerate() {
            let path = f.path.strip_prefix("./").unwrap_or(&f.path);
            out.exact.insert(path, n);
            out.by_name.entry(path.rsplit('/').next().unwrap_or(path)).or_default().push(n);
        }
        out
    }

    fn find(&self, files: &[Given], folder: &str, name: &str) -> Vec<usize> {
        let whole = format!("{}{name}", folder.strip_prefix("./").unwrap_or(folder));
        if let Some(n) = self.exact.get(whole.as_str()).or_else(|| self.exact.get(name)) {
            return vec![*n];
        }
        let last = name.rsplit('/').next().unwrap_or(name);
        let ends = |long: &str, short: &str| long.strip_suffix(short).is_some_and(|rest| rest.is_empty() || rest.ends_with('/'));
        self.by_name.get(last).into_iter().flatten().copied().filter(|n| files.get(*n).is_some_and(|f| ends(&f.path, name) || ends(name, &f.path))).collect()
    }
}

/// Compares one entry with one file.
fn compare(listed: &Listed, list: &str, file: &Given) -> Check {
    let mut check = Check {
        path: file.path.clone(),
        state: State::Uncheckable,
        reason: String::new(),
        message: String::new(),
        algorithm: Some(listed.algorithm),
        expected: Some(listed.digest.clone()),
        actual: file.digest(listed.algorithm).map(str::to_string),
        differ_at: None,
        size: listed.size,
        list: list.into(),
    };
    let (state, reason) = match (listed.algorithm, &check.actual) {
        // Another size is another file, whatever is known of the digests.
        _ if listed.size.is_some_and(|n| n != file.size) => (State::Differs, "size"),
        (_, Some(actual)) if *actual == listed.digest => (State::Matches, ""),
        (_, Some(_)) => (State::Differs, "digest"),
        (Algorithm::Md5 | Algorithm::Sha1, None) => (State::Uncheckable, "weak-algorithm"),
        (Algorithm::Git, None) => (State::Uncheckable, "git-object"),
        (Algorithm::Other, None) => (State::Uncheckable, "algorithm"),
        (_, None) => (State::Uncheckable, "no-digest"),
    };
    if let (State::Differs, Some(actual)) = (state, &check.actual) {
        check.differ_at = actual.bytes().zip(listed.digest.bytes()).position(|(a, b)| a != b).and_then(|n| u32::try_from(n).ok());
    }
    check.state = state;
    check.reason = reason.into();
    check
}

/// An entry that no file is compared with.
fn alone(listed: &Listed, list: &str, state: State, reason: &str) -> Check {
    Check {
        path: listed.name.clone(),
        state,
        reason: reason.into(),
        message: String::new(),
        algorithm: Some(listed.algorithm),
        expected: Some(listed.digest.clone()),
        actual: None,
        differ_at: None,
        size: listed.size,
        list: list.into(),
    }
}

/// What one list lists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct List {
    /// Where it was read, empty for a pasted one; its names are relative to its folder.
    pub path: String,
    /// What it lists.
    pub entries: Vec<Listed>,
}

/// Holds files against lists.
pub fn verify(lists: &[List], files: &[Given]) -> Vec<Check> {
    let names = Names::of(files);
    // A file may be listed by several algorithms, or in several lists.
    let mut about: BTreeMap<usize, Vec<Check>> = BTreeMap::new();
    let mut out = Vec::new();
    for (list, e) in lists.iter().flat_map(|l| l.entries.iter().map(|e| (l.path.as_str(), e))) {
        if e.name.is_empty() {
            let same = files.iter().position(|f| f.digest(e.algorithm) == Some(&e.digest));
            match (same, files) {
                (Some(n), _) => about.entry(n).or_default().extend(files.get(n).map(|f| compare(e, list, f))),
                (None, [one]) => about.entry(0).or_default().push(compare(e, list, one)),
                (None, []) => out.push(alone(e, list, State::Missing, "")),
                (None, _) if files.iter().any(|f| f.digest(e.algorithm).is_some()) => out.push(alone(e, list, State::Missing, "unnamed")),
                (None, [first, ..]) => out.push(Check { path: String::new(), actual: None, ..compare(e, list, first) }),
            }
            continue;
        }
        let found = names.find(files, base(list), &e.name);
        let same = found.iter().copied().find(|n| files.get(*n).is_some_and(|f| f.digest(e.algorithm) == Some(&e.digest)));
        match (same, found.as_slice()) {
            (Some(n), _) | (None, &[n]) => about.entry(n).or_default().extend(files.get(n).map(|f| compare(e, list, f))),
            (None, []) => out.push(alone(e, list, State::Missing, "")),
            (None, _) => out.push(alone(e, list, State::Uncheckable, "ambiguous")),
        }
    }
    for (n, f) in files.iter().enumerate() {
        let checks = about.remove(&n).unwrap_or_default();
        // What could be compared decides; an algorithm that could not be only counts where there is no other.
        let decided: Vec<Check> = checks.iter().filter(|c| c.state != State::Uncheckable).cloned().collect();
        let mut mine = if decided.is_empty() { checks } else { decided };
        crate::order::sort_by_key(&mut mine, |c| std::cmp::Reverse(c.state));
        match mine.into_iter().next() {
            Some(worst) => out.push(worst),
            // Lists do not list themselves, nor what the Hugging Face client keeps for itself.
            None if lists.iter().any(|l| l.path == f.path) || f.path.contains(".cache/huggingface/") => {}
            None => out.push(Check {
                path: f.path.clone(),
                state: State::Unlisted,
                reason: String::new(),
                message: String::new(),
                algorithm: None,
                expected: None,
                actual: f.sha256.clone(),
                differ_at: None,
                size: None,
                list: String::new(),
            }),
        }
    }
    crate::order::sort_by_key(&mut out, |c| std::cmp::Reverse(c.state));
    out
}

/// What checks come to.
pub fn outcome(checks: &[Check]) -> Outcome {
    let any = |s: State| checks.iter().any(|c| c.state == s);
    if any(State::Differs) || any(State::Missing) {
        Outcome::Differs
    } else if any(State::Uncheckable) {
        Outcome::Incomplete
    } else if any(State::Matches) {
        Outcome::Matches
    } else {
        Outcome::Nothing
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::integrity::parse;

    const A: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    const B: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ae";

    fn file(path: &str, digest: &str) -> Given {
        Given { path: path.into(), size: 3, sha256: Some(digest.into()), ..Given::default() }
    }

    fn lists(list: &str, at: &str) -> [List; 1] {
        [List { path: at.into(), entries: parse(list, at).0 }]
    }

    fn states(list: &str, at: &str, files: &[Given]) -> Vec<(String, &'static str, String)> {
        verify(&lists(list, at), files).into_iter().map(|c| (c.path, c.state.word(), c.reason)).collect()
    }

    fn row(path: &str, state: &'static str, reason: &str) -> (String, &'static str, String) {
        (path.into(), state, reason.into())
    }

    #[test]
    fn a_list_says_what_matches_differs_is_missing_and_is_not_listed() {
        let list = format!("{A}  a.bin\n{A}  b.bin\n{A}  c.bin\n");
        let files = [file("m/a.bin", A), file("m/b.bin", B), file("m/d.bin", A), file("m/SHA256SUMS", B)];
        assert_eq!(
            states(&list, "m/SHA256SUMS", &files),
            [row("m/b.bin", "differs", "digest"), row("c.bin", "missing", ""), row("m/d.bin", "unlisted", ""), row("m/a.bin", "matches", "")]
        );
        let checks = verify(&lists(&list, "m/SHA256SUMS"), &files);
        assert_eq!(checks[0].differ_at, Some(63));
        assert_eq!(outcome(&checks), Outcome::Differs);
    }

    #[test]
    fn a_digest_alone_is_about_the_one_file_or_the_one_that_has_it() {
        assert_eq!(states(A, "", &[file("a.bin", A)]), [row("a.bin", "matches", "")]);
        assert_eq!(states(A, "", &[file("a.bin", B)]), [row("a.bin", "differs", "digest")]);
        assert_eq!(states(A, "", &[file("a.bin", B), file("b.bin", A)]), [row("a.bin", "unlisted", ""), row("b.bin", "matches", "")]);
        assert_eq!(states(A, "", &[file("a.bin", B), file("b.bin", B)])[0], row("", "missing", "unnamed"));
        assert_eq!(outcome(&verify(&[], &[file("a.bin", A)])), Outcome::Nothing);
    }

    #[test]
    fn weak_and_unknown_algorithms_are_said_and_never_match() {
        let md5 = "900150983cd24fb0d6963f7d28e17f72";
        assert_eq!(states(&format!("{md5}  a.bin"), "", &[file("a.bin", A)]), [row("a.bin", "uncheckable", "weak-algorithm")]);
        // Where SHA-256 is listed as well, it decides.
        assert_eq!(states(&format!("{md5}  a.bin\n{A}  a.bin"), "", &[file("a.bin", A)]), [row("a.bin", "matches", "")]);
        assert_eq!(states(&format!("{A}{A}  a.bin"), "", &[file("a.bin", A)]), [row("a.bin", "uncheckable", "no-digest")]);
        assert_eq!(states(&format!("{A}  a.bin\n{B}  a.bin"), "", &[file("a.bin", A)]), [row("a.bin", "differs", "digest")]);
    }

    #[test]
    fn names_are_found_from_other_folders_and_never_guessed() {
        let two = [file("x/a.bin", B), file("y/a.bin", B)];
        assert_eq!(states(&format!("{A}  a.bin"), "", &two)[0], row("a.bin", "uncheckable", "ambiguous"));
        assert_eq!(states(&format!("{A}  y/a.bin"), "", &two)[0], row("y/a.bin", "differs", "digest"));
        assert_eq!(states(&format!("{A}  repo/a.bin"), "", &[file("a.bin", A)]), [row("a.bin", "matches", "")]);
        // Only whole names count.
        assert_eq!(states(&format!("{A}  a.bin"), "", &[file("xa.bin", A)])[0], row("a.bin", "missing", ""));
    }

    #[test]
    fn a_pointer_holds_size_and_digest() {
        let pointer = |size| format!("version https://git-lfs.github.com/spec/v1\noid sha256:{A}\nsize {size}\n");
        assert_eq!(states(&pointer(3), "", &[file("a.bin", A)]), [row("a.bin", "matches", "")]);
        assert_eq!(states(&pointer(4), "", &[file("a.bin", A)]), [row("a.bin", "differs", "size")]);
    }
}
