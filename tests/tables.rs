//! The tables of rules and formats, and what the README prints of them.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use weighstation::{Lang, tables};

#[test]
fn rules_have_unique_ids_and_names_and_all_their_words() {
    let rules = tables(Lang::En).rules;
    assert!(rules.len() > 40);
    let ids: BTreeSet<_> = rules.iter().map(|r| r.id).collect();
    let names: BTreeSet<_> = rules.iter().map(|r| r.name).collect();
    assert_eq!((ids.len(), names.len()), (rules.len(), rules.len()));
    assert!(rules.is_sorted_by_key(|r| r.id));
    let mut titles = BTreeSet::new();
    for r in &rules {
        assert!(r.id.len() == 5 && r.id.starts_with("WS") && r.id[2..].chars().all(|c| c.is_ascii_digit()), "{}", r.id);
        assert!(r.name.chars().all(|c| c.is_ascii_lowercase() || c == '-'), "{}", r.name);
        assert!(titles.insert(r.title), "{}: two rules say {:?}", r.id, r.title);
        for (what, text) in [("title", r.title), ("why", r.why), ("fix", r.fix)] {
            assert!(text.len() > 5, "{} {what}: {text:?}", r.id);
            assert!(!text.contains('\n') && !text.contains('|') && !text.contains("  "), "{} {what} does not fit a table: {text:?}", r.id);
            assert!(!text.to_lowercase().split(|c: char| !c.is_alphabetic()).any(|w| w == "safe"), "{} {what} says safe", r.id);
        }
        assert!(r.why.ends_with('.') && r.fix.ends_with('.') && !r.title.ends_with('.'), "{}", r.id);
        for reference in r.refs {
            let known = ["CWE-", "CVE-", "GHSA-", "SPDX "].iter().any(|p| reference.starts_with(p) && reference.len() > p.len());
            assert!(known, "{} cites {reference:?}", r.id);
        }
    }
}

#[test]
fn formats_have_unique_ids_and_endings_that_can_be_typed() {
    let formats = tables(Lang::En).formats;
    let ids: BTreeSet<_> = formats.iter().map(|f| f.id).collect();
    let names: BTreeSet<_> = formats.iter().map(|f| f.name).collect();
    assert_eq!((ids.len(), names.len()), (formats.len(), formats.len()));
    for f in &formats {
        assert!(f.extensions.iter().all(|e| e.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())), "{}: {:?}", f.id, f.extensions);
    }
}

fn printed(table: &str, format: &str) -> String {
    let out = Command::new(env!("CARGO_BIN_EXE_weighstation")).args([table, "--format", format]).output().expect("the command line");
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).expect("UTF-8")
}

#[test]
fn the_readme_prints_the_tables_as_they_are() {
    let readme = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).expect("README.md");
    for table in ["rules", "formats"] {
        let (open, close) = (format!("<!-- {table} -->\n"), format!("<!-- /{table} -->"));
        let from = readme.find(&open).unwrap_or_else(|| panic!("README.md has no {open:?}")) + open.len();
        let len = readme[from..].find(&close).unwrap_or_else(|| panic!("README.md has no {close:?}"));
        assert!(
            readme[from..from + len].trim() == printed(table, "markdown").trim(),
            "README.md: print the table of {table} again with `weighstation {table} --format markdown`"
        );
    }
}

#[test]
fn the_printed_tables_hold_every_row() {
    let tables = tables(Lang::En);
    for (table, ids) in [("rules", tables.rules.iter().map(|r| r.id).collect::<Vec<_>>()), ("formats", tables.formats.iter().map(|f| f.id).collect())] {
        let rows: Vec<serde_json::Value> = serde_json::from_str(&printed(table, "json")).expect("JSON");
        assert_eq!(rows.iter().map(|r| r["id"].as_str().expect("an id")).collect::<Vec<_>>(), ids);
        let markdown = printed(table, "markdown");
        let shown: Vec<&str> = markdown.lines().skip(2).map(|l| l.split('|').nth(1).expect("a cell").trim()).collect();
        assert_eq!(shown, ids);
    }
}

/// Every row of the table of expected imports has an origin: the script makes the same table of what it keeps of its runs.
#[test]
fn the_table_of_expected_imports_is_what_its_script_makes() {
    let known = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/rule/known");
    let made = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("expected.txt");
    let status = std::process::Command::new("python3").arg("-B").arg(known.join("collect.py")).arg("table").arg(&made).status().expect("python3 runs");
    assert!(status.success());
    let (made, kept) = (std::fs::read(made).expect("it is written"), std::fs::read(known.join("expected.txt")).expect("it is there"));
    assert!(made == kept, "expected.txt is not what `collect.py table` writes");
}
