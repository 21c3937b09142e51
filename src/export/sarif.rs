//! SARIF 2.1.0 (OASIS, with errata 01) for code scanning. A result of a binary file has a region of bytes; sites that only know lines are given line 1, and the bytes stand in the message as well.

use super::{Paper, findings};
use crate::report::{FileReport, Finding, Severity};
use crate::speech::{self, export::put, licence::number};
use crate::verdict::Verdict;
use serde_json::{Value, json};
use std::collections::HashMap;

/// Results that GitHub shows of one run; more make it refuse the file in the end.
const RESULTS: usize = 5000;

/// A path as a relative URI (RFC 3986): everything but unreserved letters is escaped, and nothing leads upwards.
pub(super) fn uri(path: &str, root: &str) -> String {
    let path = if root.is_empty() { path } else { path.strip_prefix(root).filter(|p| p.starts_with('/')).unwrap_or(path) };
    let mut out = String::new();
    for part in path.split('/').filter(|p| !matches!(*p, "" | "." | "..")) {
        if !out.is_empty() {
            out.push('/');
        }
        for b in part.bytes() {
            match b {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(b)),
                _ => out.push_str(&format!("%{b:02X}")),
            }
        }
    }
    if out.is_empty() { "_".into() } else { out }
}

fn level(s: Severity) -> &'static str {
    match s {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        _ => "note",
    }
}

/// The scale by which GitHub sorts: above 9 critical, from 7 high, from 4 medium.
fn weight(s: Severity) -> &'static str {
    match s {
        Severity::Critical => "9.5",
        Severity::High => "8.0",
        Severity::Medium => "5.5",
        Severity::Low => "2.0",
        Severity::Info => "0.0",
    }
}

fn rank(s: Severity) -> f64 {
    match s {
        Severity::Critical => 95.0,
        Severity::High => 80.0,
        Severity::Medium => 55.0,
        Severity::Low => 20.0,
        Severity::Info => 5.0,
    }
}

/// `shell-import` as `ShellImport`.
fn pascal(name: &str) -> String {
    name.split('-').map(|w| w.get(..1).unwrap_or("").to_ascii_uppercase() + w.get(1..).unwrap_or("")).collect()
}

/// What stays the same of a finding when other files come and go.
fn fingerprint(f: &Finding, uri: &str) -> String {
    let mut d = crate::Digest::new();
    let member = f.places.first().map_or("", |p| p.member.as_str());
    for text in [f.rule.as_str(), uri, member].into_iter().chain(f.args.iter().flat_map(|(k, v)| [k.as_str(), v.as_str()])) {
        d.update(text.as_bytes());
        d.update(b"\0");
    }
    d.finish().get(..32).unwrap_or_default().to_string()
}

fn rule_row(f: &Finding) -> Value {
    let cwe = f.refs.iter().filter_map(|r| r.strip_prefix("CWE-")).map(|n| format!("external/cwe/cwe-{n}"));
    let tags: Vec<String> = std::iter::once("security".to_string()).chain(cwe).take(10).collect();
    json!({
        "id": f.rule,
        "name": pascal(&f.name),
        "shortDescription": {"text": f.title},
        "fullDescription": {"text": f.why},
        "help": {"text": format!("{}\n{}", f.why, f.fix), "markdown": format!("{}\n\n**{}**", speech_markdown(&f.why), speech_markdown(&f.fix))},
        "defaultConfiguration": {"level": level(f.severity)},
        "properties": {"tags": tags, "precision": "high", "security-severity": weight(f.severity), "problem.severity": if f.severity >= Severity::High { "error" } else if f.severity == Severity::Medium { "warning" } else { "recommendation" }, "references": f.refs}
    })
}

fn speech_markdown(text: &str) -> String {
    let mut out = String::new();
    super::markdown::escape(text, &mut out);
    out
}

/// Where a finding is, or the file that stands for it: a result without a place makes sites refuse the whole document.
fn location(index: usize, uri: &str, place: Option<&crate::Place>) -> Value {
    let artifact = json!({"uri": uri, "uriBaseId": "ROOT", "index": index});
    let Some(p) = place else { return json!({"physicalLocation": {"artifactLocation": artifact, "region": {"startLine": 1}}}) };
    let mut region = json!({"startLine": 1});
    // Bytes inside of something compressed have no place in the file.
    if let (Some(at), Some(map)) = (p.file_offset, region.as_object_mut()) {
        map.insert("byteOffset".into(), at.into());
        map.insert("byteLength".into(), p.length.into());
    }
    let mut out = json!({"physicalLocation": {"artifactLocation": artifact, "region": region}});
    if let (false, Some(map)) = (p.member.is_empty(), out.as_object_mut()) {
        let name = p.member.rsplit(" › ").next().unwrap_or(&p.member);
        map.insert("logicalLocations".into(), json!([{"name": name, "fullyQualifiedName": p.member, "kind": "member"}]));
        map.insert("properties".into(), json!({"member": p.member, "memberOffset": p.offset, "memberLength": p.length}));
    }
    out
}

fn artifact(f: &FileReport, uri: &str) -> Value {
    let mut out = json!({"location": {"uri": uri, "uriBaseId": "ROOT"}, "length": f.size, "properties": {"verdict": f.verdict.word(), "formats": f.formats}});
    if let (Some(sha), Some(map)) = (&f.sha256, out.as_object_mut()) {
        map.insert("hashes".into(), json!({"sha-256": sha}));
    }
    out
}

/// Writes it.
pub fn write(p: &Paper<'_>) -> String {
    let r = p.report;
    let uris: Vec<String> = r.files.iter().map(|f| uri(&f.path, &p.options.root)).collect();
    let mut all: Vec<(Option<usize>, &Finding)> = findings(r).collect();
    crate::order::sort_by_key(&mut all, |(_, f)| std::cmp::Reverse(f.severity));
    let more = all.len().saturating_sub(RESULTS);
    all.truncate(RESULTS);

    let mut rules: Vec<Value> = Vec::new();
    let mut numbers: HashMap<&str, usize> = HashMap::new();
    let mut same: HashMap<String, usize> = HashMap::new();
    let mut results: Vec<Value> = Vec::new();
    for (file, f) in all {
        let index = file.unwrap_or(0);
        let Some(at) = uris.get(index) else { continue };
        let number_of_rule = *numbers.entry(&f.rule).or_insert_with(|| {
            rules.push(rule_row(f));
            rules.len() - 1
        });
        let print = fingerprint(f, at);
        let nth = same.entry(print.clone()).or_default();
        *nth += 1;
        let line = format!("{}:{nth}", print.get(..16).unwrap_or_default());
        let first = f.places.first();
        let place = first.map_or(String::new(), |x| format!(" ({}{}{})", x.member, if x.member.is_empty() { "" } else { " " }, p.place(x)));
        let locations: Vec<Value> =
            if f.places.is_empty() { vec![location(index, at, None)] } else { f.places.iter().map(|x| location(index, at, Some(x))).collect() };
        results.push(json!({
            "ruleId": f.rule,
            "ruleIndex": number_of_rule,
            "level": level(f.severity),
            "kind": "fail",
            "rank": rank(f.severity),
            "message": {"text": format!("{}{place}", f.message)},
            "locations": locations,
            "partialFingerprints": {"weighstation/v1": print, "primaryLocationLineHash": line},
            "properties": {"name": f.name, "severity": f.severity, "count": f.count, "arguments": f.args}
        }));
    }
    let mut notes: Vec<Value> = Vec::new();
    let mut reasons: Vec<Value> = Vec::new();
    for (f, at) in r.files.iter().zip(&uris) {
        for g in &f.gaps {
            let id = format!("gap/{}", g.reason);
            if !reasons.iter().any(|x| x.get("id").and_then(Value::as_str) == Some(&id)) {
                reasons.push(
                    json!({"id": id, "shortDescription": {"text": speech::gap(p.lang, &g.reason, "").trim()}, "defaultConfiguration": {"level": "warning"}}),
                );
            }
            notes.push(json!({"descriptor": {"id": id}, "level": "warning", "message": {"text": g.message}, "locations": [{"physicalLocation": {"artifactLocation": {"uri": at, "uriBaseId": "ROOT"}}}], "properties": {"member": g.member}}));
        }
    }
    if more > 0 {
        notes.push(json!({"level": "warning", "message": {"text": put(p.words.left_out, &[("n", &number(more as u64))])}}));
    }
    let whole = !r.files.iter().flat_map(|f| &f.gaps).any(|g| g.reason == "scanner-stopped" || g.member.is_empty() && g.reason == "unreadable");
    let mut invocation = json!({"executionSuccessful": whole, "toolExecutionNotifications": notes});
    if let (false, Some(map)) = (p.options.time.is_empty(), invocation.as_object_mut()) {
        map.insert("endTimeUtc".into(), p.options.time.clone().into());
    }
    let complete = r.verdict != Verdict::Incomplete && r.files.iter().all(|f| f.gaps.is_empty());
    let document = json!({
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {"name": r.tool.name, "version": r.tool.version, "semanticVersion": r.tool.version, "rules": rules, "notifications": reasons, "properties": {"rulesVersion": r.tool.rules}}},
            "automationDetails": {"id": "weighstation/"},
            "columnKind": "utf16CodeUnits",
            "defaultEncoding": "utf-8",
            "language": p.words.tag,
            "originalUriBaseIds": {"ROOT": {"description": {"text": p.words.files}}},
            "artifacts": r.files.iter().zip(&uris).map(|(f, at)| artifact(f, at)).collect::<Vec<_>>(),
            "results": results,
            "invocations": [invocation],
            "properties": {"verdict": r.verdict.word(), "complete": complete}
        }]
    });
    super::json::indented(&serde_json::to_string(&document).unwrap_or_default())
}
