//! Source code, command lines, settings that name code, package lists, credentials and texts.
//!
//! Ordinary code starts programs, reads from the network and evaluates text: inside of functions that somebody calls. The same at
//! the moment of import or of loading a model is what the model's author does to whoever loads it.

use super::{Args, Check, Rule};
use crate::fact::{Fact, When};
use crate::report::{FileReport, Severity};
use crate::verdict::Verdict;

const fn rule(id: &'static str, name: &'static str, severity: Severity, refs: &'static [&'static str], check: fn(&Fact) -> Option<Args>) -> Rule {
    Rule { id, name, severity, refs, check: Check::Fact(check) }
}

const fn set(
    id: &'static str,
    name: &'static str,
    severity: Severity,
    refs: &'static [&'static str],
    check: fn(&FileReport, &[FileReport]) -> Vec<Args>,
) -> Rule {
    Rule { id, name, severity, refs, check: Check::Set(check) }
}

const ALWAYS: &[When] = &[When::Import, When::Load, When::Main, When::Call];
const EARLY: &[When] = &[When::Import, When::Load];
const LATE: &[When] = &[When::Main, When::Call];
const IMPORT: &[When] = &[When::Import];

/// The family WS6xx.
pub static RULES: &[Rule] = &[
    rule("WS601", "decoded-code", Severity::Critical, &["CWE-506", "CWE-95"], |f| script(f, &[("run-decoded", ALWAYS)])),
    rule("WS602", "downloaded-code", Severity::Critical, &["CWE-494", "CWE-506"], |f| script(f, &[("run-download", EARLY)])),
    rule("WS603", "process-start", Severity::High, &["CWE-506", "CWE-78"], |f| script(f, &[("process", EARLY), ("process-unknown", IMPORT)])),
    rule("WS604", "reverse-shell", Severity::Critical, &["CWE-506"], |f| script(f, &[("reverse-shell", ALWAYS)])),
    rule("WS605", "sends-secrets", Severity::High, &["CWE-506", "CWE-200"], |f| script(f, &[("send-secrets", ALWAYS)])),
    rule("WS606", "plants-itself", Severity::High, &["CWE-506", "CWE-829"], |f| script(f, &[("write-startup", EARLY), ("write-access", ALWAYS)])),
    rule("WS607", "hidden-name", Severity::High, &["CWE-506", "CWE-470"], |f| script(f, &[("hidden-name", ALWAYS)])),
    rule("WS608", "injects-code", Severity::High, &["CWE-506", "CWE-114"], |f| script(f, &[("inject", ALWAYS)])),
    rule("WS609", "object-escape", Severity::High, &["CWE-506", "CWE-470"], |f| script(f, &[("object-escape", EARLY)])),
    rule("WS610", "wipes-files", Severity::High, &["CWE-506"], |f| script(f, &[("wipe", ALWAYS)])),
    rule("WS611", "reads-credentials", Severity::High, &["CWE-506", "CWE-522"], |f| script(f, &[("read-secret", EARLY)])),
    rule("WS621", "composed-code", Severity::Medium, &["CWE-95"], |f| {
        script(f, &[("run-unknown", IMPORT), ("run-data", EARLY), ("bytecode", EARLY), ("run-decoded-later", ALWAYS)])
    }),
    rule("WS622", "fetch-and-run", Severity::Medium, &["CWE-494"], |f| script(f, &[("run-download", LATE), ("run-published", IMPORT)])),
    rule("WS623", "installs-packages", Severity::Medium, &["CWE-829", "CWE-1104"], |f| script(f, &[("install", EARLY), ("install-elsewhere", EARLY)])),
    rule("WS624", "sends-data", Severity::Medium, &["CWE-200"], |f| script(f, &[("send", EARLY), ("send-private", EARLY)])),
    rule("WS625", "computed-call", Severity::Medium, &["CWE-470"], |f| {
        script(f, &[("computed-name", IMPORT), ("handed", IMPORT), ("handed-to-pickle", ALWAYS), ("process-unknown", &[When::Load])])
    }),
    rule("WS626", "disguised-source", Severity::Medium, &["CWE-1007", "CVE-2021-42574"], |f| {
        script(f, &[("disguised-name", ALWAYS), ("odd-encoding", ALWAYS)])
    }),
    rule("WS627", "native-from-folder", Severity::Medium, &["CWE-114"], |f| script(f, &[("native-file", EARLY), ("native-built", IMPORT)])),
    rule("WS628", "downloaded-pickle", Severity::Medium, &["CWE-502"], |f| script(f, &[("unpickle-download", EARLY), ("unpickle-published", IMPORT)])),
    rule("WS631", "source-code", Severity::Info, &["CWE-829"], |f| match f {
        Fact::Script { language, what: "code", .. } => Some(vec![("language", language.to_string())]),
        _ => None,
    }),
    rule("WS632", "can-reach-out", Severity::Info, &["CWE-829"], |f| {
        script(
            f,
            &[
                ("process", LATE),
                ("process-unknown", LATE),
                ("run-unknown", &[When::Load, When::Main, When::Call]),
                ("install-elsewhere", LATE),
                ("write-startup", LATE),
                ("read-secret", LATE),
                ("fetch", EARLY),
                ("native", EARLY),
                ("send-private", LATE),
                ("unpickle-download", LATE),
                ("native-built", &[When::Load, When::Main, When::Call]),
                ("run-published", &[When::Load, When::Main, When::Call]),
                ("unpickle-published", &[When::Load, When::Main, When::Call]),
                ("run-file", EARLY),
                ("run-data", LATE),
            ],
        )
    }),
    rule("WS641", "names-code", Severity::Info, &["CWE-829"], |f| reference(f, "beside")),
    rule("WS642", "code-from-elsewhere", Severity::High, &["CWE-829", "CWE-494"], |f| reference(f, "elsewhere")),
    rule("WS643", "library-by-name", Severity::High, &["CWE-829", "CWE-470"], |f| reference(f, "library")),
    set("WS644", "names-bad-code", Severity::Medium, &["CWE-829"], bad_code),
    set("WS645", "named-code-missing", Severity::Medium, &["CWE-829", "CWE-426"], |f, all| missing_code(f, all, false)),
    set("WS646", "imports-what-is-there", Severity::High, &["CWE-829", "CWE-470"], |f, all| missing_code(f, all, true)),
    rule("WS651", "foreign-index", Severity::Medium, &["CWE-829", "CWE-1104"], |f| packages(f, &["other-index", "plain-index", "trusted-host"])),
    rule("WS652", "foreign-package", Severity::Medium, &["CWE-829", "CWE-494"], |f| packages(f, &["other-address", "plain-address"])),
    rule("WS653", "unpublished-package", Severity::Info, &["CWE-1104"], |f| packages(f, &["address", "path"])),
    rule("WS661", "credential", Severity::Medium, &["CWE-798", "CWE-312"], |f| match f {
        Fact::Secret { kind, shown } => Some(vec![("kind", kind.to_string()), ("shown", shown.clone())]),
        _ => None,
    }),
    rule("WS671", "unshown-text", Severity::Medium, &["CVE-2021-42574", "CWE-1007"], |f| match f {
        Fact::HiddenText { what, shown } => Some(vec![("what", what.to_string()), ("shown", shown.clone())]),
        _ => None,
    }),
    rule("WS681", "foreign-bytecode", Severity::Medium, &["CWE-829"], |f| match f {
        Fact::Bytecode { kind } => Some(vec![("kind", kind.clone())]),
        _ => None,
    }),
    rule("WS682", "active-drawing", Severity::Medium, &["CWE-79"], |f| active(f, &["svg-script", "decoded-script", "kernel-script"])),
    rule("WS683", "active-page", Severity::Info, &["CWE-79"], |f| active(f, &["script"])),
    rule("WS691", "pointer-file", Severity::Low, &["CWE-1104"], |f| match f {
        Fact::Pointer { digest, size } => Some(vec![("digest", digest.clone()), ("size", size.to_string())]),
        _ => None,
    }),
];

fn moment(when: When) -> &'static str {
    match when {
        When::Import => "import",
        When::Load => "load",
        When::Main => "start",
        When::Call => "call",
    }
}

fn script(f: &Fact, table: &[(&str, &[When])]) -> Option<Args> {
    match f {
        Fact::Script { language, what, when, call } if table.iter().any(|(w, moments)| w == what && moments.contains(when)) => {
            Some(vec![("language", language.to_string()), ("when", moment(*when).to_string()), ("call", call.clone())])
        }
        _ => None,
    }
}

fn reference(f: &Fact, from: &str) -> Option<Args> {
    match f {
        Fact::CodeReference { key, target, origin } if *origin == from => Some(vec![("key", key.clone()), ("target", target.clone())]),
        _ => None,
    }
}

fn packages(f: &Fact, kinds: &[&str]) -> Option<Args> {
    match f {
        Fact::PackageSource { what, line } if kinds.contains(what) => Some(vec![("what", what.to_string()), ("line", line.clone())]),
        _ => None,
    }
}

fn active(f: &Fact, kinds: &[&str]) -> Option<Args> {
    match f {
        Fact::ActiveDocument { what, text } if kinds.contains(what) => Some(vec![("what", what.to_string()), ("text", text.clone())]),
        _ => None,
    }
}

fn beside(file: &FileReport, name: &str) -> String {
    file.path.rsplit_once('/').map_or_else(|| name.to_string(), |(folder, _)| format!("{folder}/{name}"))
}

/// Code that a setting names, lies beside it, and is not clear.
fn bad_code(file: &FileReport, all: &[FileReport]) -> Vec<Args> {
    let bad = |name: &&String| all.iter().any(|f| f.path == beside(file, name) && f.verdict >= Verdict::Suspicious);
    file.code.iter().filter(bad).map(|name| vec![("file", file.path.clone()), ("target", name.clone())]).collect()
}

/// Code that a setting names and that is not there. Sentence-transformers then takes whatever is installed under that name.
fn missing_code(file: &FileReport, all: &[FileReport], by_type: bool) -> Vec<Args> {
    let typed = file.findings.iter().any(|f| f.rule == "WS641" && f.args.get("key").is_some_and(|k| k == "type"));
    if typed != by_type {
        return Vec::new();
    }
    let folder = |p: &str| p.rsplit_once('/').map_or(String::new(), |(f, _)| f.to_string());
    // One file by itself says nothing about its folder, unless the name decides alone.
    let alone = all.len() < 2;
    let there = |name: &&String| {
        let package = name.split('/').next().unwrap_or(name);
        let path = beside(file, name);
        all.iter().any(|f| f.path == path || folder(&f.path) == beside(file, package))
    };
    file.code.iter().filter(|n| (by_type || !alone) && !there(n)).map(|name| vec![("file", file.path.clone()), ("target", name.clone())]).collect()
}
