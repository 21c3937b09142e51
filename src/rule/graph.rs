//! Graphs: what their operators do when they are run, and the files, libraries and engines that they bring in.

use super::operators::{Effect, Standing, standing};
use super::{Args, Check, Rule};
use crate::fact::{Fact, OperatorText};
use crate::report::{FileReport, Severity};

const fn rule(id: &'static str, name: &'static str, severity: Severity, refs: &'static [&'static str], check: fn(&Fact) -> Option<Args>) -> Rule {
    Rule { id, name, severity, refs, check: Check::Fact(check) }
}

/// The family WS5xx.
pub static RULES: &[Rule] = &[
    rule("WS501", "python-operator", Severity::High, &["CWE-94", "CVE-2021-41228"], |f| acts(f, Effect::Python)),
    rule("WS502", "file-writing-operator", Severity::High, &["CWE-73", "CWE-22"], |f| acts(f, Effect::Write)),
    rule("WS503", "file-reading-operator", Severity::High, &["CWE-73", "CWE-200"], |f| acts(f, Effect::Read)),
    rule("WS504", "record-reading-operator", Severity::Medium, &["CWE-73"], |f| acts(f, Effect::Records)),
    rule("WS505", "network-operator", Severity::High, &["CWE-918"], |f| acts(f, Effect::Network)),
    rule("WS506", "memory-operator", Severity::High, &["CWE-822", "CVE-2021-37652"], |f| acts(f, Effect::Memory)),
    rule("WS507", "native-operator", Severity::Medium, &["CWE-114"], |f| acts(f, Effect::Native)),
    rule("WS508", "unknown-operator", Severity::Medium, &["CWE-829"], |f| match meaning(f)? {
        (Standing::Unknown, args) => Some(args),
        _ => None,
    }),
    rule("WS509", "addon-operator", Severity::Low, &["CWE-829"], |f| match meaning(f)? {
        (Standing::Addon(package), mut args) => {
            args.push(("package", package.to_string()));
            Some(args)
        }
        _ => None,
    }),
    rule("WS510", "custom-class", Severity::Medium, &["CWE-470"], |f| match meaning(f)? {
        (Standing::Class, args) => Some(args),
        _ => None,
    }),
    rule("WS511", "path-in-graph", Severity::Medium, &["CWE-73"], |f| acts(f, Effect::Path)),
    rule("WS512", "native-library", Severity::Medium, &["CWE-114", "CWE-427"], |f| match f {
        Fact::NativeLibrary { target } => Some(vec![("target", target.clone())]),
        _ => None,
    }),
    rule("WS513", "compiled-engine", Severity::Low, &["CWE-1104"], |f| match f {
        Fact::Engine { kind } => Some(vec![("kind", kind.to_string())]),
        _ => acts(f, Effect::Engine).map(|args| vec![("kind", args.first().map_or(String::new(), |(_, v)| v.clone()))]),
    }),
    rule("WS514", "external-data-key", Severity::Medium, &["CVE-2026-34445", "CWE-915"], |f| match f {
        Fact::ExternalKey { key, value } => Some(vec![("key", key.clone()), ("value", value.clone())]),
        _ => None,
    }),
    rule("WS515", "outside-entity", Severity::High, &["CWE-611"], |f| doctype(f, true)),
    rule("WS516", "document-type", Severity::Medium, &["CWE-776", "CWE-827"], |f| doctype(f, false)),
    Rule { id: "WS517", name: "short-external-file", severity: Severity::Medium, refs: &["CWE-125"], check: Check::Pair(short) },
];

/// A file of tensors that ends before the last of them.
fn short(file: &FileReport, other: &FileReport, needed: u64) -> Option<Args> {
    (other.size < needed)
        .then(|| vec![("file", file.path.clone()), ("target", other.path.clone()), ("needed", needed.to_string()), ("size", other.size.to_string())])
}

/// An operator's standing, and what a sentence about it is filled with.
fn meaning(f: &Fact) -> Option<(Standing, Args)> {
    let Fact::Operator { family, domain, name, texts } = f else { return None };
    let operator = if domain.is_empty() || matches!(domain.as_str(), "flex" | "custom" | "delegate") { name.clone() } else { format!("{domain}::{name}") };
    Some((standing(family, domain, name, texts), vec![("operator", operator), ("given", given(texts))]))
}

fn acts(f: &Fact, wanted: Effect) -> Option<Args> {
    match meaning(f)? {
        (Standing::Acts(effect), args) if effect == wanted => Some(args),
        _ => None,
    }
}

/// The texts, as a bracket behind the operator's name.
fn given(texts: &[OperatorText]) -> String {
    if texts.is_empty() {
        return String::new();
    }
    let list: Vec<String> = texts.iter().take(4).map(|t| format!("{}: {}", t.key, t.value)).collect();
    format!(" ({})", list.join(", "))
}

fn doctype(f: &Fact, wanted: bool) -> Option<Args> {
    match f {
        Fact::Doctype { external, text } if *external == wanted => Some(vec![("text", text.clone())]),
        _ => None,
    }
}
