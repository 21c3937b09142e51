//! Who may name whom: the rules of the house, read from the sources.

use std::path::{Path, PathBuf};

fn sources(below: &str) -> Vec<(PathBuf, String)> {
    let mut out = Vec::new();
    let mut open = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(below)];
    while let Some(dir) = open.pop() {
        for entry in std::fs::read_dir(&dir).expect("a folder of sources") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let text = std::fs::read_to_string(&path).expect("a source");
                out.push((path, text));
            }
        }
    }
    assert!(!out.is_empty(), "no sources in {below:?}");
    out
}

/// The code without comments, texts and its tests, which stand at the end of a file.
fn code(text: &str) -> String {
    let product = text.split("#[cfg(test)]").next().unwrap_or("");
    product
        .lines()
        .map(|line| match line.find("//") {
            Some(at) if line[..at].matches('"').count() % 2 == 0 => &line[..at],
            _ => line,
        })
        .collect::<Vec<_>>()
        .join("\n")
}

/// Lines of product code that hold one of the patterns, with where they are.
fn lines_with(below: &str, patterns: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for (path, text) in sources(below) {
        for (n, line) in code(&text).lines().enumerate() {
            if patterns.iter().any(|p| line.contains(p)) {
                found.push(format!("{}:{}: {}", path.file_name().unwrap_or_default().to_string_lossy(), n + 1, line.trim()));
            }
        }
    }
    found
}

/// What somebody fetched or built there by mistake would be shipped with the sources.
#[test]
fn sources_are_code_tables_and_their_scripts() {
    let mut open = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    let mut seen = 0;
    while let Some(dir) = open.pop() {
        for entry in std::fs::read_dir(&dir).expect("a folder of sources") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                open.push(path);
            } else {
                let kind = path.extension().and_then(|e| e.to_str()).unwrap_or_default();
                let package = path.ends_with("plain/Cargo.toml");
                assert!(package || matches!(kind, "rs" | "txt" | "py"), "{} is neither source nor table", path.display());
                seen += 1;
            }
        }
    }
    assert!(seen > 100, "only {seen} files");
}

#[test]
fn formats_name_no_rules_and_no_judgement() {
    let found = lines_with("format", &["crate::rule", "super::rule", "rule::", "Severity", "Verdict"]);
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn rules_name_no_bytes_and_no_reader() {
    let found =
        lines_with("rule", &["crate::bytes", "super::super::bytes", "View<", "dyn Source", "crate::scan", "crate::format::pickle", "crate::format::zip"]);
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn bytes_and_facts_know_nothing_above_them() {
    let upper = ["crate::format", "crate::rule", "crate::scan", "crate::report", "crate::speech"];
    let found = lines_with("bytes", &upper);
    assert!(found.is_empty(), "{}", found.join("\n"));
    let fact = code(include_str!("../src/fact.rs"));
    assert!(upper.iter().all(|u| !fact.contains(u)), "fact.rs names what stands above it");
}

#[test]
fn only_the_doors_name_the_outside_world() {
    let outside = ["std::fs", "std::net", "std::env", "std::process", "std::time", "std::thread", "js_sys", "wasm_bindgen", "web_sys"];
    // The command line is main.rs and what lies in cli.
    let commands = lines_with("cli", &outside);
    let found: Vec<String> =
        lines_with("", &outside).into_iter().filter(|l| !l.starts_with("main.rs:") && !l.starts_with("web.rs:") && !commands.contains(l)).collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn there_is_no_unsafe_code() {
    let found = lines_with("", &["unsafe ", "unsafe{", "allow(unsafe_code)"]);
    assert!(found.is_empty(), "{}", found.join("\n"));
    assert!(include_str!("../Cargo.toml").contains("unsafe_code = \"deny\""));
}

#[test]
fn readers_do_not_panic_on_purpose() {
    let panics = [".unwrap()", ".expect(", "panic!(", "unreachable!(", "todo!(", "unimplemented!(", "assert!(", "assert_eq!("];
    let found = [lines_with("format", &panics), lines_with("bytes", &panics)].concat();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn the_check_reads_code_and_not_comments_or_texts() {
    let text = "let a = b.unwrap(); // says why\n// .unwrap()\nlet c = \"https://x\";\n#[cfg(test)]\nmod tests { x.unwrap() }";
    let code = code(text);
    assert_eq!(code.matches(".unwrap()").count(), 1);
    assert!(code.contains("https://x"));
}
