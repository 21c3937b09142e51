//! The command line as scripts hold on to it: exit status, one document or one line a file, what is walked.

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use weighstation::Digest;

const SHELL: &[u8] = b"\x80\x02cos\nsystem\nX\x04\0\0\0echo\x85R.";
const UNKNOWN: &[u8] = b"\x80\x02cmy_project\nNet\n.";
/// A list that is never finished.
const CUT: &[u8] = b"\x80\x02]K\x01a";
const TEXT: &[u8] = b"a text\n";

/// A folder of its own for one test, with what every test needs.
fn folder(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cli").join(name);
    let _ = std::fs::remove_dir_all(&path);
    for (file, bytes) in [("bad.pkl", SHELL), ("odd.pkl", UNKNOWN), ("cut.pkl", CUT), ("notes.txt", TEXT), ("set/.hidden/bad.pkl", SHELL), ("set/a.txt", TEXT)] {
        let at = path.join(file);
        std::fs::create_dir_all(at.parent().expect("a folder")).expect("a folder");
        std::fs::write(at, bytes).expect("a file");
    }
    path
}

fn run(folder: &Path, args: &[&str]) -> Output {
    // Whoever reads from a closed input would notice: nothing is read from it.
    Command::new(env!("CARGO_BIN_EXE_weighstation")).args(args).current_dir(folder).stdin(Stdio::null()).output().expect("the command line")
}

fn code(folder: &Path, args: &[&str]) -> i32 {
    run(folder, args).status.code().expect("an exit status")
}

fn json(folder: &Path, args: &[&str]) -> Value {
    let out = run(folder, args);
    serde_json::from_slice(&out.stdout).unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&out.stderr)))
}

#[test]
fn exit_status_0_and_1_follow_the_threshold() {
    let at = folder("threshold");
    for (file, verdict, dangerous, suspicious, incomplete) in [("bad.pkl", "dangerous", 1, 1, 1), ("odd.pkl", "suspicious", 0, 1, 1), ("cut.pkl", "incomplete", 0, 0, 1), ("notes.txt", "clear", 0, 0, 0)] {
        assert_eq!(json(&at, &["scan", "--format", "json", file])["verdict"], verdict, "{file}");
        assert_eq!(code(&at, &["scan", "--fail-on", "dangerous", file]), dangerous, "{file}");
        assert_eq!(code(&at, &["scan", "--fail-on=suspicious", file]), suspicious, "{file}");
        assert_eq!(code(&at, &["scan", "--fail-on", "incomplete", file]), incomplete, "{file}");
        assert_eq!(code(&at, &["scan", "--fail-on", "never", file]), 0, "{file}");
        assert_eq!(code(&at, &["scan", file]), suspicious, "{file}: the default is suspicious");
    }
}

#[test]
fn exit_status_2_when_the_command_line_is_wrong() {
    let at = folder("usage");
    let wrong: &[&[&str]] = &[&[], &["weigh"], &["scan"], &["scan", "--no-such-flag", "bad.pkl"], &["scan", "--format", "xml", "bad.pkl"], &["scan", "--fail-on", "sometimes", "bad.pkl"], &["scan", "bad.pkl", "--format"], &["explain"], &["explain", "WS000"], &["rules", "--format", "xml"]];
    for args in wrong {
        let out = run(&at, args);
        assert_eq!(out.status.code(), Some(2), "{args:?}");
        assert!(out.stdout.is_empty() && !out.stderr.is_empty(), "{args:?}: what is wrong is said on standard error");
    }
}

#[test]
fn every_command_speaks_japanese_and_refuses_what_it_does_not_speak() {
    let at = folder("language");
    let said = |args: &[&str]| String::from_utf8(run(&at, args).stdout).expect("UTF-8");
    for args in [&["scan", "--lang", "ja", "bad.pkl"][..], &["scan", "--lang=ja-JP", "--format", "json", "bad.pkl"], &["licence", "--lang", "ja", "bad.pkl"], &["explain", "WS101", "--lang", "ja"], &["rules", "--lang", "ja"], &["formats", "--format", "json", "--lang=ja"]] {
        assert!(said(args).contains(|c| matches!(c, '\u{3040}'..='\u{30ff}')), "{args:?}");
    }
    let out = run(&at, &["scan", "--lang", "de", "notes.txt"]);
    assert_eq!(out.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&out.stderr).contains("de"), "{}", String::from_utf8_lossy(&out.stderr));
    assert_eq!(code(&at, &["scan", "--lang", "en", "notes.txt"]), 0);
}

#[test]
fn exit_status_3_when_an_input_cannot_be_read_and_the_rest_is_scanned() {
    let at = folder("unreadable");
    assert_eq!(code(&at, &["scan", "not-there.pkl"]), 3);
    let args = ["scan", "--format", "json", "not-there.pkl", "bad.pkl"];
    assert_eq!(code(&at, &args), 3);
    let report = json(&at, &args);
    assert_eq!(report["files"][0]["gaps"][0]["reason"], "unreadable");
    assert_eq!(report["files"][1]["verdict"], "dangerous");
}

#[test]
fn json_is_one_document_and_jsonl_one_line_a_file() {
    let at = folder("formats");
    let document = json(&at, &["scan", "--format", "json", "bad.pkl", "notes.txt"]);
    assert_eq!(document["schema"], "weighstation-report/1");
    assert_eq!(document["files"].as_array().map(Vec::len), Some(2));
    let out = run(&at, &["scan", "--format", "jsonl", "bad.pkl", "notes.txt", "set"]);
    let lines: Vec<Value> = out.stdout.split(|b| *b == b'\n').filter(|l| !l.is_empty()).map(|l| serde_json::from_slice(l).expect("JSON")).collect();
    let paths: Vec<&str> = lines.iter().map(|l| l["path"].as_str().expect("a path")).collect();
    assert_eq!(paths, ["bad.pkl", "notes.txt", "set/.hidden/bad.pkl", "set/a.txt"]);
    assert_eq!(lines[0], document["files"][0]);
    assert!(out.stdout.ends_with(b"}\n") && out.stderr.is_empty());
}

#[test]
fn folders_are_walked_with_hidden_files_in_a_fixed_order() {
    let at = folder("walk");
    let paths = |report: &Value| report["files"].as_array().expect("files").iter().map(|f| f["path"].as_str().expect("a path").to_string()).collect::<Vec<_>>();
    let report = json(&at, &["scan", "--format", "json", "."]);
    assert_eq!(paths(&report).iter().map(|p| p.trim_start_matches("./")).collect::<Vec<_>>(), ["bad.pkl", "cut.pkl", "notes.txt", "odd.pkl", "set/.hidden/bad.pkl", "set/a.txt"]);
    assert_eq!(report, json(&at, &["scan", "--format", "json", "."]));
}

#[cfg(unix)]
#[test]
fn a_link_out_of_the_folder_is_not_followed_below_it() {
    let at = folder("links");
    std::os::unix::fs::symlink(at.join("set"), at.join("set/again")).expect("a link");
    let report = json(&at, &["scan", "--format", "json", "set"]);
    let files = report["files"].as_array().expect("files");
    assert!(files.iter().all(|f| !f["path"].as_str().expect("a path").starts_with("set/again/")), "{files:?}");
}

#[test]
fn digests_are_right_and_can_be_left_out() {
    let at = folder("digest");
    let mut digest = Digest::new();
    digest.update(b"abc");
    assert_eq!(digest.finish(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    std::fs::write(at.join("abc.txt"), "abc").expect("a file");
    let sha = |args: &[&str]| json(&at, args)["files"][0]["sha256"].clone();
    assert_eq!(sha(&["scan", "--format", "json", "abc.txt"]), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_eq!(sha(&["scan", "--format", "json", "--no-digest", "abc.txt"]), Value::Null);
    // FIPS 180-2, a million times the letter a: more than one buffer.
    std::fs::write(at.join("million.txt"), vec![b'a'; 1_000_000]).expect("a file");
    assert_eq!(sha(&["scan", "--format", "json", "million.txt"]), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

#[test]
fn output_goes_to_the_file_that_is_named() {
    let at = folder("output");
    let out = run(&at, &["scan", "--format", "json", "--output", "report.json", "bad.pkl"]);
    assert_eq!((out.status.code(), out.stdout.len()), (Some(1), 0));
    let written: Value = serde_json::from_slice(&std::fs::read(at.join("report.json")).expect("a report")).expect("JSON");
    assert_eq!(written, json(&at, &["scan", "--format", "json", "bad.pkl"]));
}

#[cfg(unix)]
#[test]
fn names_from_disk_never_reach_the_terminal_raw() {
    let at = folder("names");
    let name = "\u{1b}[31mred\u{202e}\n.txt";
    std::fs::write(at.join(name), TEXT).expect("a file");
    std::fs::write(at.join("\u{1b}]0;title\u{7}.pkl"), SHELL).expect("a file");
    for format in ["text", "json", "jsonl"] {
        let out = run(&at, &["scan", "--format", format, "."]);
        let shown = String::from_utf8(out.stdout).expect("UTF-8");
        assert!(!shown.chars().any(|c| c != '\n' && weighstation::text::is_hidden(c)), "{format}: {shown:?}");
        assert!(shown.contains("[31mred"), "{format}");
    }
}

#[test]
fn explain_says_what_a_rule_means() {
    let at = folder("explain");
    for rule in ["WS101", "ws101", "shell-import"] {
        let out = run(&at, &["explain", rule]);
        let text = String::from_utf8(out.stdout).expect("UTF-8");
        assert!(out.status.success() && text.starts_with("WS101 shell-import") && text.contains("CWE-78"), "{text}");
    }
}
