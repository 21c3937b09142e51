//! Headers, templates, whole files and folders.

use super::{Args, Check, Rule};
use crate::fact::Fact;
use crate::report::{FileReport, Severity};

const fn rule(id: &'static str, name: &'static str, severity: Severity, refs: &'static [&'static str], check: fn(&Fact) -> Option<Args>) -> Rule {
    Rule { id, name, severity, refs, check: Check::Fact(check) }
}

/// The families WS3xx and WS4xx.
pub static RULES: &[Rule] = &[
    rule("WS301", "lying-header", Severity::High, &["CWE-125", "CWE-190", "CVE-2026-33298"], |f| header(f, true)),
    rule("WS302", "wrong-header", Severity::Medium, &["CWE-20"], |f| header(f, false)),
    rule("WS303", "unclaimed-bytes", Severity::Medium, &["CWE-436"], |f| stray(f, &["hole", "leading"])),
    rule("WS304", "trailing-bytes", Severity::Medium, &["CWE-436"], |f| stray(f, &["trailing", "between"])),
    rule("WS305", "program-inside", Severity::High, &["CWE-829"], |f| match f {
        Fact::Embedded { kind } => Some(vec![("kind", kind.to_string())]),
        _ => None,
    }),
    rule("WS401", "template-escape", Severity::High, &["CVE-2024-34359", "CWE-1336"], |f| template(f, false)),
    rule("WS402", "template-oddity", Severity::Medium, &["CWE-1336", "CWE-400"], |f| template(f, true)),
];

/// The families WS8xx and WS9xx: folders and whole files.
pub static WHOLE: &[Rule] = &[
    Rule { id: "WS801", name: "missing-reference", severity: Severity::Low, refs: &["CWE-1104"], check: Check::Set(missing) },
    Rule { id: "WS802", name: "digest-differs", severity: Severity::High, refs: &["CWE-353", "CWE-494"], check: Check::Listed(super::integrity::differs) },
    Rule { id: "WS803", name: "listed-file-missing", severity: Severity::Low, refs: &["CWE-353"], check: Check::Listed(super::integrity::missing) },
    Rule { id: "WS804", name: "index-names-more", severity: Severity::Medium, refs: &["CWE-1104"], check: Check::Set(surplus) },
    rule("WS901", "wrong-extension", Severity::Medium, &["CVE-2025-10155", "CWE-434"], |f| match f {
        Fact::WrongExtension { extension, format } => Some(vec![("extension", extension.clone()), ("format", format.to_string())]),
        _ => None,
    }),
    rule("WS902", "malformed", Severity::Low, &["CWE-20"], |f| match f {
        Fact::Malformed { format, what } => Some(vec![("format", format.to_string()), ("what", what.to_string())]),
        _ => None,
    }),
    rule("WS903", "polyglot", Severity::Medium, &["CWE-436"], |f| match f {
        Fact::Polyglot { formats } => Some(vec![("formats", formats.clone())]),
        _ => None,
    }),
];

fn header(f: &Fact, dangerous: bool) -> Option<Args> {
    match f {
        Fact::Header { what, detail, memory } if *memory == dangerous => Some(vec![("what", what.to_string()), ("detail", detail.clone())]),
        _ => None,
    }
}

fn stray(f: &Fact, kinds: &[&str]) -> Option<Args> {
    match f {
        Fact::Stray { what, bytes } if kinds.contains(what) => Some(vec![("bytes", bytes.to_string())]),
        _ => None,
    }
}

fn template(f: &Fact, mild: bool) -> Option<Args> {
    match f {
        Fact::Template { what, text } if matches!(*what, "call-unknown" | "unbounded-loop" | "hidden-unicode" | "planted-text") == mild => {
            Some(vec![("what", what.to_string()), ("text", text.clone())])
        }
        _ => None,
    }
}

/// A file that another one names and that was not given.
fn missing(file: &FileReport, all: &[FileReport]) -> Vec<Args> {
    let folder = file.path.rsplit_once('/').map_or(String::new(), |(f, _)| format!("{f}/"));
    // One file by itself says nothing about its folder.
    if all.len() < 2 || file.references.is_empty() {
        return Vec::new();
    }
    let paths: std::collections::HashSet<&str> = all.iter().map(|f| f.path.as_str()).collect();
    file.references
        .iter()
        .filter(|r| !paths.contains(format!("{folder}{r}").as_str()))
        .map(|r| vec![("file", file.path.clone()), ("target", r.clone())])
        .collect()
}

/// An index that names more tensors than there are in its shards, all of which are here.
fn surplus(file: &FileReport, all: &[FileReport]) -> Vec<Args> {
    let named = file.metadata.iter().find(|m| m.key == "weight_map").and_then(|m| m.value.parse::<u64>().ok());
    let Some(named) = named.filter(|_| file.formats.iter().any(|f| f == "safetensors-index")) else { return Vec::new() };
    let folder = file.path.rsplit_once('/').map_or(String::new(), |(f, _)| format!("{f}/"));
    let mut there = 0;
    for shard in &file.references {
        let path = format!("{folder}{shard}");
        match all.iter().find(|f| f.path == path) {
            Some(f) if f.formats == ["safetensors"] && f.gaps.is_empty() => there += f.tensors.count,
            _ => return Vec::new(),
        }
    }
    if named > there { vec![vec![("file", file.path.clone()), ("named", named.to_string()), ("count", there.to_string())]] } else { Vec::new() }
}
