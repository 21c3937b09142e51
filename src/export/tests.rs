use super::*;
use crate::report::{Gap, Row, Severity};
use crate::{Verdict, conclude, scan};

/// A pickle that runs a command, whose text is whatever a form might take for itself.
fn hostile_pickle() -> Vec<u8> {
    let text = "<script>alert(1)</script>\u{1b}[31m\u{202e}|`*_[x](javascript:y)_*`|=cmd()\n@octocat www.evil.example https://evil.example {{7*7}} \"'&";
    let mut out = b"\x80\x02cos\nsystem\nX".to_vec();
    out.extend((text.len() as u32).to_le_bytes());
    out.extend(text.as_bytes());
    out.extend(b"\x85R.");
    out
}

const HOSTILE: &str = "=cmd|' /C calc'!A0/\u{1b}[2J\u{202e}<img src=x onerror=alert(1)>&\"'`|\n# h @octocat.pkl";

fn report() -> Report {
    let files =
        [("m/model.pkl", hostile_pickle()), (HOSTILE, hostile_pickle()), ("m/cut.pkl", b"\x80\x02]K\x01a".to_vec()), ("m/notes.txt", b"a text\n".to_vec())];
    let mut files: Vec<_> = files.iter().map(|(path, bytes)| scan(bytes, path, Lang::En)).collect();
    files[0].sha256 = Some("ab".repeat(32));
    conclude(files, Lang::En)
}

fn shown(r: &Report) -> Vec<Shown> {
    let place = r.files[1].findings[0].places[0].clone();
    let bytes = hostile_pickle();
    vec![Shown { path: r.files[1].path.clone(), evidence: crate::evidence(&bytes, &r.files[1].path, &place, Lang::En), place }]
}

fn written(id: &str) -> String {
    let r = report();
    let options = Options { time: "2026-11-20T12:00:00Z".into(), evidence: shown(&r), ..Options::default() };
    export(r, id, &options).expect("a form")
}

#[test]
fn forms_have_unique_ids_and_endings() {
    let ids: std::collections::BTreeSet<_> = EXPORTS.iter().map(|e| e.id).collect();
    assert_eq!(ids.len(), EXPORTS.len());
    for e in EXPORTS {
        assert!(e.media.contains('/') && e.ending.bytes().all(|b| b.is_ascii_lowercase()), "{}", e.id);
        assert_eq!(written(e.id), written(e.id), "{} is not the same twice", e.id);
        assert!(written(e.id).contains("WS101"), "{} does not name the finding", e.id);
    }
    assert!(export(report(), "pdf", &Options::default()).is_none());
}

#[test]
fn no_form_lets_a_control_character_or_a_turned_line_through() {
    for e in EXPORTS {
        let text = written(e.id);
        let bad: Vec<char> = text.chars().filter(|c| crate::text::is_hidden(*c) && !matches!(c, '\n' | '\r' | '\u{feff}')).collect();
        assert!(bad.is_empty(), "{}: {bad:?}", e.id);
        assert!(!text.contains('\u{feff}') || e.id == "csv");
    }
}

#[test]
fn a_report_that_was_just_made_is_the_same_after_it_was_stored_and_opened() {
    let before = report();
    let text = export(before.clone(), "json", &Options::default()).expect("JSON");
    assert_eq!(text, serde_json::to_string_pretty(&before).expect("JSON") + "\n");
    let mut again = open::report(&text).expect("a report");
    crate::rule::retell(&mut again, Lang::En);
    assert_eq!(again, before);
}

#[test]
fn a_terminal_is_not_flooded_by_what_is_alike() {
    let imports = (0..400).flat_map(|n| format!("cauthor{n}\nThing\n0").into_bytes());
    let bytes: Vec<u8> = b"\x80\x02".iter().copied().chain(imports).chain(*b"N.").collect();
    let report = crate::conclude(vec![crate::scan(&bytes, "many.pkl", crate::Lang::En)], crate::Lang::En);
    let text = export(report, "text", &Options::default()).expect("text");
    assert_eq!(text.matches("unknown-import").count(), 12, "{text}");
    assert!(text.contains("WS115: and 388 more"), "{text}");
}

#[test]
fn documents_are_set_as_the_pretty_printer_sets_them() {
    let odd = serde_json::json!({"a": [], "b": {}, "c": [[], {"d": null}], "e\"\\:,{": "x\\\"]},: \u{1}日", "f": [1, -2.5, true], "g": "\\"});
    for value in [odd, serde_json::json!([]), serde_json::json!("x"), serde_json::json!(1)] {
        assert_eq!(json::indented(&value.to_string()), serde_json::to_string_pretty(&value).expect("JSON") + "\n");
    }
}

#[test]
fn what_strangers_store_is_checked() {
    let text = serde_json::to_string(&report()).expect("JSON");
    for (wrong, why) in [
        ("", "JSON"),
        ("[]", "weighstation-report/1"),
        ("{\"schema\":\"weighstation-report/2\"}", "weighstation-report/1"),
        ("{\"schema\":\"weighstation-report/1\"}", "weighstation-report/1"),
        (&*format!("{{\"schema\":\"weighstation-report/1\",\"x\":{}{}}}", "[".repeat(5000), "]".repeat(5000)), "JSON"),
        (&*text.replacen("\"dangerous\"", "\"harmless\"", 1), "weighstation-report/1"),
    ] {
        let said = open::report(wrong).expect_err("it is refused");
        assert!(said.contains(why), "{said}");
    }
    // A stored verdict and stored sentences are not believed where they can be told anew.
    let mut lie = report();
    lie.verdict = Verdict::Clear;
    for f in &mut lie.files {
        f.verdict = Verdict::Clear;
        f.headline = "\u{1b}[2Jall is well".into();
        for x in &mut f.findings {
            x.message = "nothing".into();
        }
    }
    let opened = open::report(&serde_json::to_string(&lie).expect("JSON")).expect("a report");
    assert!(!opened.files[0].headline.contains('\u{1b}'));
    let text = export(opened, "text", &Options::default()).expect("text");
    assert!(text.contains("DANGEROUS  m/model.pkl") && !text.contains("all is well"), "{text}");
    // A rule of a later version keeps its words.
    let mut later = report();
    later.files[0].findings[0].rule = "WS999".into();
    later.files[0].findings[0].message = "does something new".into();
    assert!(export(later, "text", &Options::default()).expect("text").contains("does something new"));
}

/// The elements of a page in order, every one closed where it has to be; attributes in double quotes.
fn elements(html: &str) -> Vec<String> {
    let mut open: Vec<String> = Vec::new();
    let mut seen = Vec::new();
    let mut rest = html.strip_prefix("<!doctype html>\n").expect("a doctype");
    while let Some(at) = rest.find('<') {
        let text = &rest[..at];
        assert!(open.last().is_some_and(|e| e == "style") || !text.contains('>'), "a bare > in {text:?}");
        let end = at + rest[at..].find('>').expect("the element's end");
        let tag = &rest[at + 1..end];
        rest = &rest[end + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(name), "{tag}");
            continue;
        }
        let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
        assert!(name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()), "{tag}");
        assert_eq!(attributes.matches('"').count() % 2, 0, "{tag}");
        seen.push(tag.to_string());
        if !matches!(name, "meta" | "br" | "hr") {
            open.push(name.to_string());
        }
    }
    assert!(open.is_empty(), "{open:?} stay open");
    seen
}

#[test]
fn html_is_well_formed_and_holds_nothing_that_runs_or_leads_away() {
    let html = written("html");
    let seen = elements(&html);
    for tag in &seen {
        let name = tag.split(' ').next().unwrap_or("");
        assert!(!matches!(name, "script" | "img" | "iframe" | "object" | "link" | "base" | "form" | "svg" | "embed"), "{tag}");
        assert!(!tag.contains(" on") && !tag.contains(" style="), "{tag}");
        if let Some((_, href)) = tag.split_once("href=\"") {
            assert!(href.starts_with("#f"), "{tag}");
        }
    }
    assert!(html.contains("&lt;img src=x onerror=alert(1)&gt;") && html.contains("default-src 'none'".replace('\'', "&#39;").as_str()));
    // Listing and bytes of the place are there, and the range is marked in both.
    assert!(
        html.contains("<tr class=\"k\">") && html.contains("<mark>63</mark> <mark>6f</mark>") && html.contains("STACK_GLOBAL") || html.contains("GLOBAL"),
        "{html}"
    );
    let style = html.split_once("<style>").and_then(|(_, r)| r.split_once("</style>")).expect("a style").0;
    let mut d = crate::Digest::new();
    d.update(style.as_bytes());
    assert!(html.contains(&format!("sha256-{}", html::base64(&d.finish()))));
    assert_eq!(html::base64("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"), "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=");
}

#[test]
fn markdown_makes_no_link_no_html_no_table_and_calls_nobody() {
    let text = written("markdown");
    for line in text.lines() {
        let bare = line.replace("<!-- -->", "");
        assert!(!bare.contains('<'), "{line}");
        assert!(!line.contains("@octocat") && !line.contains("://") && !line.replace("\\]", "").contains("](") && !line.contains("www."), "{line}");
        assert!(!line.contains("{{") || line.contains("\\{"), "{line}");
    }
    let rows: Vec<usize> = text.lines().filter(|l| l.starts_with("| ")).map(|l| l.replace("\\|", "").matches('|').count()).collect();
    assert!(rows.iter().all(|n| *n == 6 || *n == 5), "{rows:?}");
    for (raw, want) in [("1. a", "1\\. a"), ("- a", "\\- a"), ("# a", "\\# a"), ("a - b", "a - b"), ("a_b", "a\\_b"), ("a@b", "a@<!-- -->b"), ("x.y", "x.y")] {
        let mut out = String::new();
        markdown::escape(raw, &mut out);
        assert_eq!(out, want);
    }
}

/// Cells of CSV as RFC 4180 has them.
fn cells(text: &str) -> Vec<Vec<String>> {
    let mut rows = vec![vec![String::new()]];
    let mut quoted = false;
    let mut chars = text.trim_start_matches('\u{feff}').chars().peekable();
    while let Some(c) = chars.next() {
        let row = rows.last_mut().expect("a row");
        match (c, quoted) {
            ('"', true) if chars.peek() == Some(&'"') => {
                chars.next();
                row.last_mut().expect("a cell").push('"');
            }
            ('"', _) => quoted = !quoted,
            (',', false) => row.push(String::new()),
            ('\r', false) => {}
            ('\n', false) => rows.push(vec![String::new()]),
            _ => row.last_mut().expect("a cell").push(c),
        }
    }
    assert!(!quoted);
    rows.pop();
    rows
}

#[test]
fn csv_has_one_line_a_place_and_no_formula() {
    let rows = cells(&written("csv"));
    assert!(rows.iter().all(|r| r.len() == 12), "{rows:?}");
    assert!(rows.iter().flatten().all(|c| !c.starts_with(['=', '+', '-', '@', '\t', '\r'])), "{rows:?}");
    let r = report();
    let places: usize = findings(&r).map(|(_, f)| f.places.len().max(1)).sum();
    let gaps: usize = r.files.iter().map(|f| f.gaps.len()).sum();
    let quiet = r.files.iter().filter(|f| f.findings.is_empty() && f.gaps.is_empty()).count();
    assert_eq!(rows.len(), 1 + places + gaps + quiet);
}

#[test]
fn sarif_says_what_sites_ask_for() {
    let text = written("sarif");
    let v: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let run = &v["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().expect("rules");
    let artifacts = run["artifacts"].as_array().expect("artifacts");
    let mut prints = std::collections::HashSet::new();
    for r in run["results"].as_array().expect("results") {
        let rule = &rules[r["ruleIndex"].as_u64().expect("a number") as usize];
        assert_eq!(rule["id"], r["ruleId"]);
        assert!(!r["locations"].as_array().expect("places").is_empty(), "{r}");
        for l in r["locations"].as_array().expect("places") {
            let a = &l["physicalLocation"]["artifactLocation"];
            let uri = a["uri"].as_str().expect("a URI");
            assert_eq!(artifacts[a["index"].as_u64().expect("a number") as usize]["location"]["uri"], uri);
            assert!(!uri.starts_with('/') && !uri.contains("..") && uri.bytes().all(|b| b.is_ascii_graphic() && !b"<>\"|^`{}\\".contains(&b)), "{uri}");
            assert_eq!(l["physicalLocation"]["region"]["startLine"], 1);
        }
        assert!(prints.insert(r["partialFingerprints"]["primaryLocationLineHash"].to_string()));
    }
    assert_eq!(run["results"][0]["level"], "error");
    assert!(run["results"][0]["locations"][0]["physicalLocation"]["region"]["byteOffset"].is_u64());
    let notes = run["invocations"][0]["toolExecutionNotifications"].as_array().expect("gaps");
    assert!(notes.iter().any(|n| n["descriptor"]["id"].as_str().is_some_and(|i| i.starts_with("gap/"))));
    assert_eq!(run["invocations"][0]["endTimeUtc"], "2026-11-20T12:00:00Z");
    for (path, root, want) in [
        ("./a/../b c.bin", "", "a/b%20c.bin"),
        ("/home/u/m/x.bin", "/home/u/m", "x.bin"),
        ("/home/um/x.bin", "/home/u", "home/um/x.bin"),
        ("日.bin", "", "%E6%97%A5.bin"),
        ("..", "", "_"),
    ] {
        assert_eq!(sarif::uri(path, root), want);
    }
}

#[test]
fn paths_can_be_left_out_of_every_form() {
    let scans = [("home/alice/secret-project/model.pkl", hostile_pickle()), ("home/alice/secret-project/sub dir/model.pkl", b"\x80\x02]K\x01a".to_vec()), ("home/alice/secret-project/config.json", br#"{"auto_map":{"AutoModel":"modeling_alice.Net"}}"#.to_vec()), ("home/alice/secret-project/README.md", b"---\nlicense: mit\n---\n".to_vec()), ("home/alice/secret-project/SHA256SUMS", b"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  gone.bin\nba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  model.pkl\n".to_vec())];
    assert!(!conclude(scans.iter().map(|(p, b)| scan(b, p, Lang::En)).collect(), Lang::En).licence.parts.is_empty());
    let r = conclude(scans.iter().map(|(p, b)| scan(b, p, Lang::En)).collect(), Lang::En);
    assert!(serde_json::to_string(&r).expect("JSON").contains("secret-project"));
    for e in EXPORTS {
        for paths in [Paths::Names, Paths::Numbered] {
            let place = r.files[0].findings[0].places[0].clone();
            let evidence =
                vec![Shown { path: r.files[0].path.clone(), evidence: crate::evidence(&hostile_pickle(), &r.files[0].path, &place, Lang::En), place }];
            let text = export(r.clone(), e.id, &Options { paths, evidence, ..Options::default() }).expect("a form");
            for personal in ["alice/", "secret-project", "sub dir", "sub%20dir"] {
                assert!(!text.contains(personal), "{} {paths:?} has {personal}: {text}", e.id);
            }
            assert_eq!(text.contains("model.pkl"), paths == Paths::Names, "{} {paths:?}: {text}", e.id);
        }
    }
    let names = export(r, "json", &Options { paths: Paths::Names, ..Options::default() }).expect("JSON");
    let names: Report = serde_json::from_str(&names).expect("a report");
    assert_eq!(names.files.iter().map(|f| f.path.as_str()).collect::<Vec<_>>(), ["model.pkl", "model (2).pkl", "config.json", "README.md", "SHA256SUMS"]);
}

#[test]
fn many_files_and_odd_reports_are_written_all_the_same() {
    let one = scan(&hostile_pickle(), "x", Lang::En);
    let files: Vec<FileReport> = (0..3000).map(|n| FileReport { path: format!("f/{n}.pkl"), ..one.clone() }).collect();
    let mut r = conclude(files, Lang::En);
    r.files[0].gaps.push(Gap { reason: "unheard-of".into(), member: "x".into(), message: "It was not read.".into() });
    r.files[0].findings[0].places.clear();
    for e in EXPORTS {
        assert!(!export(r.clone(), e.id, &Options::default()).expect("a form").is_empty());
        assert!(!export(conclude(Vec::new(), Lang::En), e.id, &Options::default()).expect("a form").is_empty() || e.id == "jsonl");
    }
    assert!(export(r, "html", &Options::default()).expect("HTML").contains("It was not read."));
    let odd = Evidence {
        rows: vec![Row { offset: u64::MAX, ..Row::default() }],
        bytes: "zz0".into(),
        base: u64::MAX,
        file_base: Some(u64::MAX),
        ..Evidence::default()
    };
    let mut s = scan(&hostile_pickle(), "x", Lang::En);
    s.findings[0].severity = Severity::Info;
    let place = s.findings[0].places[0].clone();
    let options = Options { evidence: vec![Shown { path: "x".into(), place, evidence: odd }], ..Options::default() };
    elements(&export(conclude(vec![s], Lang::En), "html", &options).expect("HTML"));
}
