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
    for (file, bytes) in [("bad.pkl", SHELL), ("odd.pkl", UNKNOWN), ("cut.pkl", CUT), ("notes.txt", TEXT), ("set/.hidden/bad.pkl", SHELL), ("set/a.txt", TEXT)]
    {
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
    for (file, verdict, dangerous, suspicious, incomplete) in
        [("bad.pkl", "dangerous", 1, 1, 1), ("odd.pkl", "suspicious", 0, 1, 1), ("cut.pkl", "incomplete", 0, 0, 1), ("notes.txt", "clear", 0, 0, 0)]
    {
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
    let wrong: &[&[&str]] = &[
        &[],
        &["weigh"],
        &["scan"],
        &["scan", "--no-such-flag", "bad.pkl"],
        &["scan", "--format", "xml", "bad.pkl"],
        &["scan", "--fail-on", "sometimes", "bad.pkl"],
        &["scan", "bad.pkl", "--format"],
        &["explain"],
        &["explain", "WS000"],
        &["rules", "--format", "xml"],
    ];
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
    for args in [
        &["scan", "--lang", "ja", "bad.pkl"][..],
        &["scan", "--lang=ja-JP", "--format", "json", "bad.pkl"],
        &["licence", "--lang", "ja", "bad.pkl"],
        &["explain", "WS101", "--lang", "ja"],
        &["rules", "--lang", "ja"],
        &["formats", "--format", "json", "--lang=ja"],
    ] {
        assert!(said(args).contains(|c| matches!(c, '\u{3040}'..='\u{30ff}')), "{args:?}");
    }
    let out = run(&at, &["scan", "--lang", "de", "notes.txt"]);
    assert_eq!(out.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&out.stderr).contains("de"), "{}", String::from_utf8_lossy(&out.stderr));
    assert_eq!(code(&at, &["scan", "--lang", "en", "notes.txt"]), 0);
}

#[test]
fn help_is_given_wherever_it_is_asked_for() {
    let at = folder("help");
    for args in [&["--help"][..], &["help"], &["scan", "-h"], &["licence", "a.txt", "--help"]] {
        let out = run(&at, args);
        assert_eq!(out.status.code(), Some(0), "{args:?}");
        assert!(String::from_utf8_lossy(&out.stdout).contains("usage: weighstation scan"), "{args:?}");
    }
    // Behind two dashes stand names of files only.
    assert_eq!(code(&at, &["scan", "--", "-h"]), 3);
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
    assert_eq!(
        paths(&report).iter().map(|p| p.trim_start_matches("./")).collect::<Vec<_>>(),
        ["bad.pkl", "cut.pkl", "notes.txt", "odd.pkl", "set/.hidden/bad.pkl", "set/a.txt"]
    );
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

/// Whoever opens a pipe that nobody writes to waits for ever.
#[cfg(unix)]
#[test]
fn a_pipe_is_no_file_and_holds_nothing_up() {
    let at = folder("pipe");
    assert!(Command::new("mkfifo").arg(at.join("set/b.pkl")).status().expect("mkfifo").success());
    let (send, receive) = std::sync::mpsc::channel();
    std::thread::spawn(move || send.send(run(&at, &["scan", "--format", "json", "set", "set/b.pkl"])));
    let out = receive.recv_timeout(std::time::Duration::from_secs(60)).expect("the scan waits for the pipe");
    let report: Value = serde_json::from_slice(&out.stdout).expect("JSON");
    let files: Vec<_> = report["files"].as_array().expect("files").iter().map(|f| (f["path"].as_str().expect("a path"), &f["gaps"][0]["reason"])).collect();
    assert_eq!(files, [("set/.hidden/bad.pkl", &Value::Null), ("set/a.txt", &Value::Null), ("set/b.pkl", &"unreadable".into())]);
    assert_eq!(out.status.code(), Some(3));
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

fn text(folder: &Path, args: &[&str]) -> String {
    String::from_utf8(run(folder, args).stdout).expect("UTF-8")
}

/// `HEX  name` lines for files of a folder.
fn sums(folder: &Path, names: &[&str]) -> String {
    let line = |name: &&str| {
        let mut d = Digest::new();
        d.update(&std::fs::read(folder.join(name)).expect("a file"));
        format!("{}  {name}\n", d.finish())
    };
    names.iter().map(line).collect()
}

#[test]
fn every_form_of_export_comes_out_of_a_scan_and_of_its_stored_report() {
    let at = folder("export");
    run(&at, &["scan", "--format", "json", "--output", "report.json", "bad.pkl", "cut.pkl"]);
    for form in ["text", "html", "markdown", "csv", "json", "jsonl", "sarif", "cyclonedx", "spdx"] {
        let scan = run(&at, &["scan", "--format", form, "--time", "2026-11-20T12:00:00Z", "bad.pkl", "cut.pkl"]);
        assert_eq!(scan.status.code(), Some(1), "{form}");
        let stored = run(&at, &["export", "--format", form, "--time", "2026-11-20T12:00:00Z", "report.json"]);
        assert!(stored.status.success(), "{form}: {}", String::from_utf8_lossy(&stored.stderr));
        // Bytes and listings need the files.
        assert!(scan.stdout == stored.stdout || matches!(form, "html" | "markdown"), "{form}");
        assert!(String::from_utf8_lossy(&stored.stdout).contains("WS101"), "{form}");
    }
    assert!(text(&at, &["scan", "--format", "html", "bad.pkl"]).contains("<mark>"));
    let dated = text(&at, &["scan", "--format", "sarif", "--time", "none", "bad.pkl"]);
    assert!(!dated.contains("endTimeUtc"));
    let epoch = Command::new(env!("CARGO_BIN_EXE_weighstation"))
        .args(["scan", "--format", "sarif", "bad.pkl"])
        .env("SOURCE_DATE_EPOCH", "0")
        .current_dir(&at)
        .output()
        .expect("the command line");
    assert!(String::from_utf8_lossy(&epoch.stdout).contains("1970-01-01T00:00:00Z"));
    let absolute = at.join("set/.hidden/bad.pkl");
    let named = text(&at, &["scan", "--format", "json", "--paths", "names", &absolute.to_string_lossy()]);
    assert!(named.contains("\"bad.pkl\"") && !named.contains("hidden"), "{named}");
    for wrong in [
        vec!["export"],
        vec!["export", "a", "b"],
        vec!["export", "--format", "pdf", "report.json"],
        vec!["scan", "--time", "today", "bad.pkl"],
        vec!["scan", "--serial", "1", "bad.pkl"],
        vec!["scan", "--paths", "some", "bad.pkl"],
    ] {
        assert_eq!(code(&at, &wrong), 2, "{wrong:?}");
    }
    for unusable in ["not-there.json", "notes.txt", "set"] {
        assert_eq!(code(&at, &["export", unusable]), 3, "{unusable}");
    }
}

#[test]
fn verify_says_what_is_not_what_was_listed() {
    let at = folder("verify");
    std::fs::write(at.join("set/SHA256SUMS"), sums(&at.join("set"), &["a.txt"])).expect("a list");
    assert_eq!(code(&at, &["verify", "set"]), 0);
    assert_eq!(code(&at, &["verify", "--fail-on", "unlisted", "set"]), 1);
    let digest = sums(&at, &["notes.txt"]);
    let digest = digest.split(' ').next().expect("a digest");
    assert_eq!(code(&at, &["verify", "--digest", digest, "notes.txt"]), 0);
    assert_eq!(code(&at, &["verify", "--digest", digest, "bad.pkl"]), 1);
    std::fs::write(at.join("pointer"), format!("version https://git-lfs.github.com/spec/v1\noid sha256:{digest}\nsize {}\n", TEXT.len())).expect("a pointer");
    assert_eq!(code(&at, &["verify", "--pointer", "pointer", "notes.txt"]), 0);
    assert_eq!(code(&at, &["verify", "--pointer", "pointer", "bad.pkl"]), 1);
    // A list may be longer than what is asked about; of a folder it has to be complete.
    std::fs::write(at.join("LIST"), format!("{digest}  notes.txt\n{digest}  gone.txt\n")).expect("a list");
    assert_eq!(code(&at, &["verify", "--sums", "LIST", "notes.txt"]), 0);
    assert_eq!(code(&at, &["verify", "--sums", "LIST", "odd.pkl"]), 1);
    assert_eq!(code(&at, &["verify", "--sums", "LIST", "."]), 1);
    // FIPS 180-2: SHA-512 of "abc".
    std::fs::write(at.join("abc"), "abc").expect("a file");
    let long = "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f";
    assert_eq!(code(&at, &["verify", "--digest", long, "abc"]), 0);
    // MD5 tells nothing, and that does not pass.
    assert_eq!(code(&at, &["verify", "--digest", "900150983cd24fb0d6963f7d28e17f72", "abc"]), 1);
    assert_eq!(code(&at, &["verify", "--fail-on", "differs", "--digest", "900150983cd24fb0d6963f7d28e17f72", "abc"]), 0);
    std::fs::write(at.join("set/a.txt"), "another\n").expect("a file");
    let said = json(&at, &["verify", "--format", "json", "set"]);
    assert_eq!((&said["outcome"], &said["checks"][0]["path"], &said["checks"][0]["state"]), (&"differs".into(), &"set/a.txt".into(), &"differs".into()));
    assert_eq!(code(&at, &["verify", "set"]), 1);
    assert_eq!(code(&at, &["verify", "--fail-on", "never", "set"]), 0);
    // A scan says it, too, and its lines wait for the list.
    let lines = text(&at, &["scan", "--format", "jsonl", "set"]);
    assert!(lines.lines().any(|l| l.starts_with("{\"path\":\"set/a.txt\"") && l.contains("WS802")), "{lines}");
    for wrong in [vec!["verify"], vec!["verify", "notes.txt"], vec!["verify", "--digest", "abc", "notes.txt"]] {
        assert_eq!(code(&at, &wrong), 2, "{wrong:?}");
    }
    assert_eq!(code(&at, &["verify", "--digest", digest, "not-there"]), 3);
    assert_eq!(code(&at, &["verify", "--sums", "not-there", "notes.txt"]), 3);
}

#[test]
fn compare_takes_reports_files_and_folders() {
    let at = folder("compare");
    run(&at, &["scan", "--format", "json", "--output", "old.json", "notes.txt"]);
    for args in [["old.json", "notes.txt"], ["notes.txt", "old.json"], ["old.json", "old.json"], ["set", "set"]] {
        let out = run(&at, &["compare", args[0], args[1]]);
        assert_eq!((out.status.code(), String::from_utf8_lossy(&out.stdout).trim()), (Some(0), "Nothing changed."), "{args:?}");
    }
    assert_eq!(code(&at, &["compare", "odd.pkl", "bad.pkl"]), 1);
    assert_eq!(code(&at, &["compare", "--fail-on", "never", "odd.pkl", "bad.pkl"]), 0);
    assert_eq!(code(&at, &["compare", "bad.pkl", "notes.txt"]), 0);
    let said = json(&at, &["compare", "--format", "json", "odd.pkl", "bad.pkl"]);
    assert_eq!((&said["news"], &said["changes"][0]["what"]), (&"dangerous".into(), &"finding-new".into()));
    assert!(text(&at, &["compare", "--format", "markdown", "odd.pkl", "bad.pkl"]).starts_with("# What changed\n"));
    std::fs::write(at.join("broken.json"), "{\"schema\":\"weighstation-report/1\"}").expect("a file");
    assert_eq!(code(&at, &["compare", "broken.json", "bad.pkl"]), 3);
    assert_eq!(code(&at, &["compare", "bad.pkl"]), 2);
    assert_eq!(code(&at, &["compare", "--format", "csv", "bad.pkl", "bad.pkl"]), 2);
}
