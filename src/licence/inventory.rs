//! A table of everything that was scanned with its licence, which can be added to, saved, opened again, and held against a later scan.

use super::catalogue::by_id;
use super::compat::{Relation, extra_limits};
use super::evidence::Kind;
use super::guide::Guidance;
use super::name;
use crate::order::set;
use crate::report::Report;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The schema id that every inventory carries.
pub const SCHEMA: &str = "weighstation-inventory/1";

/// A file as it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
pub struct Pin {
    /// Path.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// SHA-256, if it was computed.
    pub sha256: Option<String>,
    /// It holds terms: a licence, a notice, a policy.
    pub terms: bool,
}

/// One model, program or set of data.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(default)]
pub struct Entry {
    /// Name of the part.
    pub name: String,
    /// Licence as an expression of ids.
    pub licence: String,
    /// Names of the licences.
    pub names: Vec<String>,
    /// Families.
    pub families: Vec<String>,
    /// How it enters: `weights`, `data`, `code` ….
    pub relation: Relation,
    /// Where the licence was read.
    pub source: String,
    /// Duties for the use that was asked about, as sentences.
    pub duties: Vec<String>,
    /// Models that it is made from.
    pub bases: Vec<String>,
    /// Its files.
    pub files: Vec<Pin>,
    /// Day of the scan, as whoever made it says.
    pub seen: String,
}

/// The table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
pub struct Inventory {
    /// [`SCHEMA`].
    pub schema: String,
    /// Day of the catalogue that the last entry was judged by.
    pub catalogue: String,
    /// That this is guidance and no legal advice.
    pub disclaimer: String,
    /// Entries, in the order in which they came.
    pub entries: Vec<Entry>,
}

/// What changed of one entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
pub struct Change {
    /// Name of the entry.
    pub name: String,
    /// `new`, `gone`, `licence`, `terms`, `base`, `files`.
    pub what: String,
    /// What it was.
    pub before: String,
    /// What it is.
    pub after: String,
    /// For `licence`: `tighter`, `looser`, `other`; by what the licences ask and not by how alike they read.
    pub grade: String,
}

impl Inventory {
    /// The table of one scan.
    pub fn of(report: &Report, guidance: &Guidance, seen: &str) -> Inventory {
        let mut out = Inventory { schema: SCHEMA.into(), catalogue: guidance.catalogue.clone(), disclaimer: guidance.disclaimer.clone(), entries: Vec::new() };
        for j in &guidance.parts {
            let at = j.part.name.as_str();
            let files: Vec<Pin> = report
                .files
                .iter()
                .filter(|f| belongs(&f.path, at))
                .map(|f| Pin {
                    path: f.path.clone(),
                    size: f.size,
                    sha256: f.sha256.clone(),
                    terms: f.licence.statements.iter().any(|s| matches!(s.kind, Kind::Text | Kind::Header)),
                })
                .collect();
            let said = report.files.iter().filter(|f| belongs(&f.path, at)).flat_map(|f| &f.licence.statements);
            let bases = set(said.filter(|s| s.kind == Kind::Base && s.how != "relation").map(|s| s.value.clone()));
            let duties = guidance.must.iter().filter(|l| l.sources.iter().any(|s| s.parts.iter().any(|p| p == at))).map(|l| l.text.clone()).collect();
            out.entries.push(Entry {
                name: at.into(),
                licence: j.part.licence.clone(),
                names: j.names.clone(),
                families: j.families.clone(),
                relation: j.part.relation,
                source: j.part.source.clone(),
                duties,
                bases: bases.into_iter().collect(),
                files,
                seen: seen.into(),
            });
        }
        out
    }

    /// Adds another table: entries of the same name are replaced.
    pub fn add(&mut self, later: &Inventory) {
        for e in &later.entries {
            match self.entries.iter_mut().find(|x| x.name == e.name) {
                Some(there) => *there = e.clone(),
                None => self.entries.push(e.clone()),
            }
        }
        self.schema = SCHEMA.into();
        self.catalogue = self.catalogue.clone().max(later.catalogue.clone());
        self.disclaimer.clone_from(&later.disclaimer);
    }

    /// What a later table says differently. Entries that the later one does not have are gone only if it was made of the same folder (`whole`).
    pub fn changes(&self, later: &Inventory, whole: bool) -> Vec<Change> {
        let mut out = Vec::new();
        let change = |name: &str, what: &str, before: &str, after: &str, grade: &str| Change {
            name: name.into(),
            what: what.into(),
            before: before.into(),
            after: after.into(),
            grade: grade.into(),
        };
        for e in &later.entries {
            let Some(old) = self.entries.iter().find(|x| x.name == e.name) else {
                out.push(change(&e.name, "new", "", &e.licence, ""));
                continue;
            };
            if old.licence != e.licence {
                out.push(change(&e.name, "licence", &old.licence, &e.licence, grade(&old.licence, &e.licence)));
            }
            if old.bases != e.bases {
                out.push(change(&e.name, "base", &old.bases.join(", "), &e.bases.join(", "), ""));
            }
            for (what, terms) in [("terms", true), ("files", false)] {
                let list = |e: &Entry| {
                    let files = e.files.iter().filter(|f| f.terms == terms);
                    set(files.map(|f| format!("{} {}", f.path, f.sha256.clone().unwrap_or_else(|| f.size.to_string()))))
                };
                let (a, b) = (list(old), list(e));
                // Only with fingerprints on both sides can anything be said about contents.
                if a != b && comparable(old, e) {
                    let only = |x: &BTreeSet<String>, y: &BTreeSet<String>| x.difference(y).cloned().collect::<Vec<_>>().join(", ");
                    out.push(change(&e.name, what, &only(&a, &b), &only(&b, &a), ""));
                }
            }
        }
        for e in self.entries.iter().filter(|e| whole && !later.entries.iter().any(|x| x.name == e.name)) {
            out.push(change(&e.name, "gone", &e.licence, "", ""));
        }
        out
    }

    /// The table as CSV, one line an entry, for spreadsheets.
    pub fn csv(&self) -> String {
        let mut out = format!("# {} {}\n", cell(&self.disclaimer), cell(&self.catalogue)).replace('"', "");
        out.push_str("name,licence,licence names,family,relation,source,duties,made from,files,seen\n");
        for e in &self.entries {
            let relation = serde_json::to_value(e.relation).ok().and_then(|v| v.as_str().map(str::to_string)).unwrap_or_default();
            let cells = [
                &e.name,
                &e.licence,
                &e.names.join("; "),
                &e.families.join("; "),
                &relation,
                &e.source,
                &e.duties.join(" "),
                &e.bases.join("; "),
                &e.files.len().to_string(),
                &e.seen,
            ];
            out.push_str(&cells.map(|c| cell(c)).join(","));
            out.push('\n');
        }
        out
    }
}

/// Whether a file belongs to a part of this name.
fn belongs(path: &str, part: &str) -> bool {
    path == part || path.split('/').rev().skip(1).any(|step| step == part) || (part == "." && !path.contains('/'))
}

fn comparable(a: &Entry, b: &Entry) -> bool {
    [a, b].iter().all(|e| e.files.iter().all(|f| f.sha256.is_some())) || [a, b].iter().all(|e| e.files.iter().all(|f| f.sha256.is_none()))
}

/// A cell of CSV. A leading sign that spreadsheets compute is made a text.
pub fn cell(text: &str) -> String {
    let text = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_string() };
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

/// Terms of all licences in an expression.
fn terms(expression: &str) -> Option<BTreeSet<&'static str>> {
    let ids = if name::is_expression(expression) { name::expression(expression).ok()?.choices.concat() } else { vec![expression.to_string()] };
    let mut out = BTreeSet::new();
    for id in ids {
        let l = by_id(&id)?;
        if l.is_none() {
            out.insert("no-licence");
        }
        out.extend(extra_limits(l));
        if l.same == "work" {
            out.insert("same-work");
        }
    }
    Some(out)
}

fn grade(before: &str, after: &str) -> &'static str {
    match (terms(before), terms(after)) {
        (Some(a), Some(b)) if b.is_superset(&a) && a != b => "tighter",
        (Some(a), Some(b)) if b.is_subset(&a) && a != b => "looser",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::super::compat::Situation;
    use super::super::guide::guide;
    use super::*;
    use crate::{Lang, conclude, scan};

    fn inventory(files: &[(&str, &str)]) -> Inventory {
        let report = conclude(files.iter().map(|(p, t)| scan(&t.as_bytes().to_vec(), p, Lang::En)).collect(), Lang::En);
        let guidance = guide(&report.licence.parts, &Situation::default(), Lang::En);
        Inventory::of(&report, &guidance, "2026-11-21")
    }

    #[test]
    fn a_licence_that_changed_between_versions_is_told_with_its_direction() {
        let old = inventory(&[("m/README.md", "---\nlicense: apache-2.0\n---\n")]);
        let new = inventory(&[("m/README.md", "---\nlicense: cc-by-nc-4.0\nbase_model: a/b\n---\n")]);
        let told: Vec<String> = old.changes(&new, true).iter().map(|c| format!("{} {} {}", c.name, c.what, c.grade)).collect();
        assert_eq!(told, ["m licence tighter", "m base ", "m files ", "a/b new "]);
        assert_eq!(new.changes(&old, true)[0].grade, "looser");
        assert!(old.changes(&old, true).is_empty());
    }

    #[test]
    fn tables_are_added_saved_and_opened_again() {
        let mut all = inventory(&[("a/README.md", "---\nlicense: mit\n---\n")]);
        let more = inventory(&[("b/README.md", "---\nlicense: gpl-3.0\n---\n")]);
        all.add(&more);
        all.add(&more);
        assert_eq!(all.entries.iter().map(|e| e.name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        let text = serde_json::to_string(&all).expect("JSON");
        assert_eq!(serde_json::from_str::<Inventory>(&text).expect("an inventory"), all);
        assert!(all.changes(&more, false).is_empty());
        assert_eq!(all.changes(&more, true)[0].what, "gone");
        let csv = all.csv();
        assert_eq!(csv.lines().count(), 4);
        assert!(csv.contains("a,MIT,MIT License,permissive,weights,declared"), "{csv}");
    }

    #[test]
    fn cells_are_no_formulas() {
        assert_eq!(cell("=1+1"), "'=1+1");
        assert_eq!(cell("a,\"b\""), "\"a,\"\"b\"\"\"");
    }
}
