//! Settings of tools that run or fetch something by themselves: git's own configuration, other files of sections (`tox.ini`,
//! desktop entries), Ollama's Modelfile.
//!
//! Sources: `git-config(1)`, `gitattributes(5)`, `gitmodules(5)`, `git-remote-ext(1)`; Ollama, "Modelfile Reference".

use super::{Format, Match, setting};
use crate::bytes::View;
use crate::error::Result;
use crate::fact::{Fact, When};
use crate::scan::Scan;

/// How Ollama makes a model.
pub const MODELFILE: Format =
    Format { id: "modelfile", name: "Ollama Modelfile", extensions: &["modelfile"], refines: &["text", "shell"], probe: probe_modelfile, read: read_modelfile };

/// Bytes of such a file that are read.
const LONGEST: usize = 1 << 20;

/// The section, with its subsection left out, and the key whose value git runs; a section whose every key is one is `*`.
const RUN_BY_GIT: &[(&str, &str)] = &[
    ("core", "fsmonitor"),
    ("core", "sshcommand"),
    ("core", "hookspath"),
    ("core", "editor"),
    ("core", "pager"),
    ("core", "askpass"),
    ("core", "gitproxy"),
    ("sequence", "editor"),
    ("gpg", "program"),
    ("diff", "external"),
    ("diff", "textconv"),
    ("diff", "command"),
    ("merge", "driver"),
    ("filter", "clean"),
    ("filter", "smudge"),
    ("filter", "process"),
    ("credential", "helper"),
    ("alias", "*"),
    ("submodule", "update"),
    ("submodule", "url"),
    ("remote", "url"),
    ("remote", "uploadpack"),
    ("remote", "receivepack"),
    ("include", "path"),
];

/// What git would do with a setting; `None` for the names of programs that are its own or its user's.
fn git(section: &str, key: &str, value: &str) -> Option<&'static str> {
    if !RUN_BY_GIT.iter().any(|(s, k)| *s == section && (*k == key || *k == "*")) {
        return None;
    }
    let value = value.trim_matches('"');
    let program = value.split_whitespace().next().unwrap_or("");
    let plain = !value.contains([';', '|', '&', '`', '$', '>']);
    match (section, key) {
        ("alias", _) | ("submodule", "update") => {
            value.starts_with('!').then(|| super::shell::judge(value.trim_start_matches('!')).unwrap_or("process-unknown"))
        }
        // A transport that is a command, and an address that is an option (CVE-2018-17456).
        ("submodule" | "remote", "url") => (value.starts_with("ext::") || value.starts_with('-')).then_some("process"),
        ("core", "hookspath") | ("include", "path") => (value.contains("..") || value.starts_with(['/', '~'])).then_some("process-unknown"),
        ("core", "fsmonitor") => (!matches!(value, "true" | "false" | "1" | "0" | "")).then_some("process"),
        ("credential", _) => (value.starts_with('!') && !plain).then_some("process"),
        _ if plain && (program.starts_with("git-lfs") || !program.contains(['/', '\\']) || program.starts_with("/usr/")) => None,
        ("core", _) => Some("process"),
        _ => Some("process-unknown"),
    }
}

/// Reads a text whose first line that says something opens a section: pairs of keys and values, which go on in indented lines.
///
/// # Errors
/// Where the view cannot be read.
pub fn sections(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    let head = view.head(LONGEST)?;
    let text = String::from_utf8_lossy(&head);
    let first = text.lines().map(str::trim).find(|l| !l.is_empty() && !l.starts_with(['#', ';']));
    if !first.is_some_and(|l| l.starts_with('[') && l.ends_with(']') && !l.contains([',', '{'])) {
        return Ok(());
    }
    let (mut section, mut key, mut at) = (String::new(), String::new(), 0u64);
    for line in text.split_inclusive('\n') {
        let plain = line.trim();
        let mut value = plain;
        if plain.starts_with('[') && plain.ends_with(']') {
            section = plain.trim_start_matches('[').split([' ', ']', '.']).next().unwrap_or("").to_ascii_lowercase();
            key.clear();
        } else if let Some((k, v)) = plain.split_once('=').filter(|(k, _)| !k.trim().is_empty() && !k.trim().contains(' ')) {
            key = k.trim().to_ascii_lowercase();
            value = v.trim();
        }
        let place = (at, line.len() as u64);
        if !key.is_empty() && !plain.starts_with(['#', ';']) {
            match git(&section, &key, value) {
                Some(what) => {
                    scan.state(view, place.0, place.1, Fact::Script { language: "git", what, when: When::Load, call: plain.chars().take(300).collect() })
                }
                None => {
                    // A table on one line holds its commands in quotes.
                    for piece in std::iter::once(value).chain(value.split(['"', '\'']).skip(1).step_by(2)) {
                        setting::command(view, place.0, place.1, &key, piece, scan);
                    }
                }
            }
        }
        at += line.len() as u64;
    }
    Ok(())
}

/// Instructions that only a Modelfile has, and those that it shares with the recipe of a container.
const OWN: &[&str] = &["ADAPTER", "TEMPLATE", "SYSTEM", "PARAMETER", "MESSAGE", "LICENSE", "REQUIRES"];

fn instruction(line: &str) -> (&str, &str) {
    let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    (word, rest.trim())
}

fn probe_modelfile(view: View<'_>) -> Match {
    let Ok(head) = view.head(4096) else { return Match::No };
    if (super::plain::TEXT.probe)(view) == Match::No {
        return Match::No;
    }
    let text = String::from_utf8_lossy(&head);
    let mut lines = text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#')).map(|l| instruction(l).0);
    let (Some("FROM"), second) = (lines.next(), lines.next()) else { return Match::No };
    if second.is_none_or(|w| OWN.contains(&w)) { Match::Sure } else { Match::No }
}

/// `FROM` and `ADAPTER` name what the server reads with its own rights; `SYSTEM` and `TEMPLATE` are what every conversation holds.
fn read_modelfile(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    let head = view.head(LONGEST)?;
    if view.len() > LONGEST as u64 {
        scan.gap("limit-text");
    }
    let text = String::from_utf8_lossy(&head);
    let (mut at, mut told) = (0u64, "");
    for line in text.split_inclusive('\n') {
        let (word, value) = instruction(line.trim());
        if word == "FROM" || OWN.contains(&word) {
            told = word;
        }
        let value = value.trim_matches('"');
        let model = [".gguf", ".safetensors", ".bin"].iter().any(|e| value.ends_with(e)) && !value.starts_with("\\\\") && !value.starts_with("//");
        let published = value.starts_with("https://") || value.starts_with("hf.co/");
        if matches!(word, "FROM" | "ADAPTER") && super::json::leaves_folder(value) && !published && (!model || value.contains("://")) {
            scan.state(view, at, line.len() as u64, Fact::Traversal { target: value.to_string() });
        }
        // An address that the model is to be given in every conversation: where answers send people, or what they tell.
        if matches!(told, "TEMPLATE" | "SYSTEM" | "MESSAGE") && (line.contains("http://") || line.contains("](https://")) {
            scan.state(view, at, line.len() as u64, Fact::Template { what: "planted-text", text: line.trim().chars().take(200).collect() });
        }
        at += line.len() as u64;
    }
    super::secrets::inspect(view, scan)?;
    super::plain::hidden(view, scan)
}
