//! The licences that the core knows: `catalogue.txt`, one row each. The table is split into rows once; a row is read when somebody asks for it, because a
//! folder has to do with two or three of them.
//!
//! The rows are text and not Rust because they are edited by people who read licences, are compared line by line in review, and pack better than
//! the code that would build them. The phrases in a row identify a text; everything else is a statement about it, with the clause it stands on.

use crate::table::{Table, table};
use serde::Serialize;
use std::sync::OnceLock;

static ROWS: Table = table!("licence/catalogue.txt");

/// How sure a row is. A row of low confidence never makes an answer good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Sure {
    /// Known by name or hearsay.
    Low,
    /// Operative clauses, or several sources that quote them.
    Medium,
    /// The text.
    High,
}

/// How a row was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Basis {
    /// The whole text.
    Text,
    /// Its operative clauses.
    Clauses,
    /// What others wrote about it.
    Secondary,
    /// Not at all.
    Unread,
}

/// Whether it may be used to earn money.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Commercial {
    /// It may.
    Yes,
    /// Below a size.
    YesWithThreshold,
    /// With a contract of its own.
    SeparateAgreement,
    /// It may not.
    No,
}

/// What happens past a threshold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// A licence has to be asked for.
    Ask,
    /// A fee is due.
    Pay,
    /// Nobody past it is licensed.
    Bar,
    /// The licensor examines the use first.
    Review,
    /// A name has to be shown.
    Show,
    /// The licensor has to be told.
    Notify,
}

/// A threshold, or a kind of business.
#[derive(Clone, Debug)]
pub struct Gate {
    /// What is measured: `mau`, `annual_revenue_usd`, `business_type` ….
    pub metric: &'static str,
    /// `>`, `>=`, `<=` or `in`.
    pub op: &'static str,
    /// The number; zero where `kinds` are listed.
    pub value: u64,
    /// Kinds of business.
    pub kinds: Vec<&'static str>,
    /// Day at which it was measured once and for all, `release` where the day is not recorded, empty where it moves with the user.
    pub when: &'static str,
    /// What follows.
    pub effect: Effect,
    /// Where it stands.
    pub clause: &'static str,
}

impl Gate {
    /// Whether it only asks for something to be done, and bars nobody.
    pub fn duty(&self) -> bool {
        matches!(self.effect, Effect::Show | Effect::Notify)
    }
}

/// A duty and what sets it off.
#[derive(Clone, Debug)]
pub struct Duty {
    /// What has to be done, as a code.
    pub does: &'static str,
    /// What sets it off: `distribute`, `host` ….
    pub when: &'static str,
    /// Where it stands.
    pub clause: &'static str,
    /// The string that it asks for; ends with `…` where the licence goes on. Empty where it asks for none.
    pub text: &'static str,
}

/// Whether others may be served with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hosting {
    /// They may.
    Yes,
    /// They may not.
    No,
    /// After asking.
    Ask,
}

/// One row.
#[derive(Clone, Debug)]
pub struct Licence {
    /// Stable id.
    pub id: &'static str,
    /// Name as on the text.
    pub name: &'static str,
    /// Who wrote it.
    pub steward: &'static str,
    /// Date on the text.
    pub date: &'static str,
    /// Day on which it was read.
    pub read: &'static str,
    /// How it was read.
    pub basis: Basis,
    /// How sure the row is.
    pub sure: Sure,
    /// Family.
    pub family: &'static str,
    /// Approved by the Open Source Initiative.
    pub osi: bool,
    /// Id in SPDX expressions.
    pub spdx: &'static str,
    /// Other names; `*` stands for anything.
    pub known: Vec<&'static str>,
    /// Where it can be read.
    pub urls: Vec<&'static str>,
    /// Clause of the permission.
    pub grant: &'static str,
    /// Commercial use.
    pub commercial: Commercial,
    /// Where that stands, if it is limited.
    pub commercial_clause: &'static str,
    /// Thresholds.
    pub gates: Vec<Gate>,
    /// Fields of use that it rules out, as codes.
    pub limits: Vec<&'static str>,
    /// Where they stand.
    pub limits_clause: &'static str,
    /// Whether copies may be given away.
    pub pass_on: bool,
    /// Where that is forbidden.
    pub pass_on_clause: &'static str,
    /// Duties.
    pub duties: Vec<Duty>,
    /// Whether others may be served.
    pub hosting: Hosting,
    /// Whether serving others counts as giving away.
    pub hosting_distributes: bool,
    /// Where hosting stands.
    pub hosting_clause: &'static str,
    /// Whether changed versions may be shared.
    pub derive: bool,
    /// What has to stay under the same terms: `no`, `file`, `library`, `module`, `work`, `data`, `unknown`.
    pub same: &'static str,
    /// Whether a model trained to behave alike is a derivative.
    pub distilled: bool,
    /// Where derivatives stand.
    pub derive_clause: &'static str,
    /// What outputs may train.
    pub outputs: &'static str,
    /// Who owns outputs.
    pub outputs_owner: &'static str,
    /// Where outputs stand.
    pub outputs_clause: &'static str,
    /// Regions without a licence.
    pub not_in: Vec<&'static str>,
    /// The regions are only ruled out for models that see pictures.
    pub not_in_multimodal: bool,
    /// Where that stands.
    pub not_in_clause: &'static str,
    /// A policy beside the licence.
    pub policy: &'static str,
    /// Whether the policy may change.
    pub policy_changes: bool,
    /// Whether the licensor may change the terms.
    pub may_change: bool,
    /// `granted`, `none`, or empty where it is silent.
    pub patent: &'static str,
    /// What ends it: `breach`, `suit`, `at-will`, `threshold`.
    pub ends: Vec<&'static str>,
    /// Governing law.
    pub law: &'static str,
    /// Verdict on the AI Act's open-source rules: `yes`, `no`, `unclear`.
    pub act: &'static str,
    /// Its reason, as a code.
    pub act_reason: &'static str,
    /// Phrases of its text.
    pub text: Vec<&'static str>,
    /// Phrases that its text must not have.
    pub but: Vec<&'static str>,
    /// Runs of words of which two name it.
    pub hints: Vec<&'static str>,
    /// Whether the runs stand in no other text.
    pub hints_unique: bool,
}

impl Licence {
    /// Neither a licence nor the absence of one: a tag of the Hub for "see elsewhere" or for nothing.
    pub fn is_none(&self) -> bool {
        matches!(self.id, "hf-unknown" | "hf-other")
    }

    /// A name that leaves open which text is meant.
    pub fn is_family(&self) -> bool {
        self.id.ends_with("-family") || self.id == "openrail"
    }

    /// Rules out use that earns money.
    pub fn non_commercial(&self) -> bool {
        self.limits.contains(&"non-commercial") || matches!(self.family, "non-commercial" | "research-only")
    }

    /// Something in it can change after it was accepted.
    pub fn watch(&self) -> bool {
        self.may_change || self.policy_changes || self.limits.contains(&"remote-restriction")
    }

    /// The name with a short marker of where a clause stands.
    pub fn cite(&self, clause: &str) -> String {
        format!("{}, {clause}", self.name)
    }
}

/// A row that is read when it is looked at.
pub struct Row {
    /// Stable id.
    pub id: &'static str,
    /// The keys and values of the row as they are written.
    pub lines: Vec<(&'static str, &'static str)>,
    cell: OnceLock<Licence>,
}

impl std::ops::Deref for Row {
    type Target = Licence;

    fn deref(&self) -> &Licence {
        self.cell.get_or_init(|| {
            let mut row = blank(self.id);
            // The table travels with the program, so a line that means nothing is a mistake that the tests catch: it is skipped here.
            for (key, value) in &self.lines {
                put(&mut row, key, value);
            }
            row
        })
    }
}

/// All rows and the day on which they were compiled.
pub struct Catalogue {
    /// Day of the catalogue.
    pub date: &'static str,
    /// Rows in the order of the file.
    pub rows: Vec<Row>,
}

/// The catalogue.
pub fn catalogue() -> &'static Catalogue {
    static CELL: OnceLock<Catalogue> = OnceLock::new();
    CELL.get_or_init(|| read(ROWS.text()))
}

/// The row with this id.
pub fn by_id(id: &str) -> Option<&'static Licence> {
    catalogue().rows.iter().find(|l| l.id == id).map(|row| &**row)
}

fn blank(id: &'static str) -> Licence {
    Licence {
        id,
        name: id,
        steward: "",
        date: "",
        read: "",
        basis: Basis::Unread,
        sure: Sure::Low,
        family: "",
        osi: false,
        spdx: "",
        known: Vec::new(),
        urls: Vec::new(),
        grant: "",
        commercial: Commercial::No,
        commercial_clause: "",
        gates: Vec::new(),
        limits: Vec::new(),
        limits_clause: "",
        pass_on: true,
        pass_on_clause: "",
        duties: Vec::new(),
        hosting: Hosting::Yes,
        hosting_distributes: false,
        hosting_clause: "",
        derive: true,
        same: "no",
        distilled: false,
        derive_clause: "",
        outputs: "unrestricted",
        outputs_owner: "silent",
        outputs_clause: "",
        not_in: Vec::new(),
        not_in_multimodal: false,
        not_in_clause: "",
        policy: "",
        policy_changes: false,
        may_change: false,
        patent: "",
        ends: Vec::new(),
        law: "",
        act: "unclear",
        act_reason: "",
        text: Vec::new(),
        but: Vec::new(),
        hints: Vec::new(),
        hints_unique: false,
    }
}

/// Splits the table: what stands before the first row, then a row behind each `[id]`.
fn read(text: &'static str) -> Catalogue {
    let mut parts = text.split("\n[");
    let date = parts.next().and_then(|head| head.split("@date ").nth(1)).and_then(|rest| rest.lines().next()).unwrap_or_default();
    let rows = parts
        .filter_map(|part| part.split_once("]\n"))
        .map(|(id, text)| Row { id, lines: text.split('\n').filter_map(key_and_value).collect(), cell: OnceLock::new() })
        .collect();
    Catalogue { date, rows }
}

/// Keys are so short that looking at their letters one by one finds their end soonest.
fn key_and_value(line: &'static str) -> Option<(&'static str, &'static str)> {
    let end = line.bytes().position(|b| b == b' ')?;
    Some((line.get(..end)?, line.get(end + 1..)?))
}

/// The parts of a value between ` | `.
fn parts<const N: usize>(value: &'static str) -> [&'static str; N] {
    let mut out = [""; N];
    for (slot, part) in out.iter_mut().zip(value.splitn(N, " | ")) {
        *slot = part.trim();
    }
    out
}

fn words(text: &'static str) -> Vec<&'static str> {
    text.split(' ').filter(|w| !w.is_empty()).collect()
}

/// Puts one line into a row; false if it means nothing.
fn put(row: &mut Licence, key: &str, value: &'static str) -> bool {
    match key {
        "name" => row.name = value,
        "steward" => row.steward = value,
        "date" => row.date = value,
        "read" => {
            let w = words(value);
            row.read = w.first().copied().unwrap_or_default();
            row.basis = match w.get(1).copied() {
                Some("text") => Basis::Text,
                Some("clauses") => Basis::Clauses,
                Some("secondary") => Basis::Secondary,
                _ => Basis::Unread,
            };
            row.sure = match w.get(2).copied() {
                Some("high") => Sure::High,
                Some("medium") => Sure::Medium,
                _ => Sure::Low,
            };
        }
        "family" => {
            let w = words(value);
            row.family = w.first().copied().unwrap_or_default();
            row.osi = w.contains(&"osi");
        }
        "spdx" => row.spdx = value,
        "known" => row.known = value.split(" ; ").map(str::trim).collect(),
        "url" => row.urls.push(value),
        "grant" => row.grant = value,
        "commercial" => {
            let [who, clause] = parts(value);
            row.commercial_clause = clause;
            row.commercial = match who {
                "yes" => Commercial::Yes,
                "yes-with-threshold" => Commercial::YesWithThreshold,
                "separate-agreement" => Commercial::SeparateAgreement,
                "no" => Commercial::No,
                _ => return false,
            };
        }
        "gate" => return gate(row, value),
        "limits" => {
            let [clause, codes] = parts(value);
            row.limits_clause = clause;
            row.limits = words(codes);
        }
        "pass-on" => {
            let [_, clause] = parts(value);
            row.pass_on = false;
            row.pass_on_clause = clause;
        }
        "do" => {
            let [does, when, clause, text] = parts(value);
            row.duties.push(Duty { does, when, clause, text });
        }
        "host" => {
            let [how, clause] = parts(value);
            row.hosting_clause = clause;
            row.hosting_distributes = how.ends_with("distribution");
            row.hosting = match how.split(' ').next() {
                Some("yes") => Hosting::Yes,
                Some("no") => Hosting::No,
                Some("ask") => Hosting::Ask,
                _ => return false,
            };
        }
        "derive" => {
            let [how, clause] = parts(value);
            let w = words(how);
            row.derive_clause = clause;
            row.derive = w.first() == Some(&"yes");
            row.same = w.get(1).copied().unwrap_or("no");
            row.distilled = w.contains(&"distilled");
        }
        "outputs" => {
            let [how, clause] = parts(value);
            row.outputs_clause = clause;
            let w = words(how);
            row.outputs = w.first().copied().unwrap_or("unknown");
            row.outputs_owner = w.get(1).copied().unwrap_or("unknown");
        }
        "not-in" => {
            let [regions, clause] = parts(value);
            row.not_in_clause = clause;
            row.not_in = words(regions);
            row.not_in_multimodal = row.not_in.contains(&"multimodal-only");
            row.not_in.retain(|r| *r != "multimodal-only");
        }
        "policy" => {
            row.policy_changes = value.ends_with(" changes");
            row.policy = value.strip_suffix(" changes").unwrap_or(value);
        }
        "terms" => row.may_change = value == "may-change",
        "patent" => row.patent = value,
        "ends" => row.ends = words(value),
        "law" => row.law = value,
        "act" => {
            let w = words(value);
            row.act = w.first().copied().unwrap_or_default();
            row.act_reason = w.get(1).copied().unwrap_or_default();
        }
        "text" => row.text.push(value),
        "but" => row.but.push(value),
        "hint" => row.hints.push(value),
        "hints" => row.hints_unique = value == "unique",
        _ => return false,
    }
    true
}

fn gate(row: &mut Licence, value: &'static str) -> bool {
    let [what, when, effect, clause] = parts(value);
    let w = words(what);
    let &[metric, op, limit] = w.as_slice() else { return false };
    let kinds = if op == "in" { limit.split(',').collect() } else { Vec::new() };
    let value = if op == "in" { Some(0) } else { limit.parse().ok() };
    let effect = match effect {
        "ask" => Effect::Ask,
        "pay" => Effect::Pay,
        "bar" => Effect::Bar,
        "review" => Effect::Review,
        "show" => Effect::Show,
        "notify" => Effect::Notify,
        _ => return false,
    };
    let when = when.strip_prefix("release ").unwrap_or(if when == "any" { "" } else { when });
    let Some(value) = value else { return false };
    row.gates.push(Gate { metric, op, value, kinds, when, effect, clause });
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_line_means_something_and_ids_are_unique() {
        let mut row = blank("");
        let mut ids = HashSet::new();
        for line in ROWS.text().lines().filter(|l| !l.is_empty() && !l.starts_with('#') && !l.starts_with("@date")) {
            assert!(!line.contains('\t') && line == line.trim(), "{line}");
            if line.starts_with('[') {
                assert!(ids.insert(line), "{line} twice");
                row = blank("");
                continue;
            }
            let (key, value) = line.split_once(' ').expect(line);
            assert!(put(&mut row, key, value), "{line}");
            assert!(!value.trim().is_empty(), "{line}");
        }
        assert_eq!(catalogue().rows.len(), 184);
        assert_eq!(catalogue().date, "2026-11-21");
    }

    #[test]
    fn every_obligation_cites_its_clause_and_the_day_it_was_read() {
        let none = |c: &str| c.is_empty() || c == "?";
        for l in &catalogue().rows {
            let open = l.sure == Sure::Low;
            assert!(l.read.len() == 10 && l.read.chars().filter(|c| *c == '-').count() == 2, "{}: no day of reading", l.id);
            assert!(open || !none(l.grant), "{}: no clause for the grant", l.id);
            for d in &l.duties {
                assert!(!d.clause.is_empty() && (open || !none(d.clause)), "{}: {} cites nothing", l.id, d.does);
            }
            for g in &l.gates {
                assert!(!g.clause.is_empty() && (open || !none(g.clause)), "{}: {} cites nothing", l.id, g.metric);
            }
            let clauses = [
                (!l.limits.is_empty(), l.limits_clause, "limits"),
                (!l.pass_on, l.pass_on_clause, "pass-on"),
                (l.hosting != Hosting::Yes || l.hosting_distributes, l.hosting_clause, "host"),
                (!l.derive || l.same != "no" || l.distilled, l.derive_clause, "derive"),
                (l.outputs != "unrestricted", l.outputs_clause, "outputs"),
                (!l.not_in.is_empty(), l.not_in_clause, "not-in"),
                (matches!(l.commercial, Commercial::No | Commercial::SeparateAgreement), l.commercial_clause, "commercial"),
            ];
            for (there, clause, what) in clauses {
                assert!(!there || !clause.is_empty() && (open || !none(clause)), "{}: {what} cites nothing", l.id);
            }
        }
    }

    #[test]
    fn rows_are_read_as_they_are_written() {
        let l = by_id("llama3.2").expect("a row");
        assert_eq!((l.sure, l.basis, l.commercial, l.family), (Sure::High, Basis::Text, Commercial::YesWithThreshold, "community"));
        assert_eq!((l.gates[0].metric, l.gates[0].value, l.gates[0].when, l.gates[0].effect), ("mau", 700_000_000, "2024-09-25", Effect::Ask));
        assert_eq!((l.not_in.as_slice(), l.not_in_multimodal, l.not_in_clause), (&["EU"][..], true, "Acceptable Use Policy"));
        let prefix = l.duties.iter().find(|d| d.does == "model-name-prefix").expect("a duty");
        assert_eq!((prefix.when, prefix.clause, prefix.text), ("train-and-distribute", "§1.b.i", "Llama"));
        assert!(by_id("CC0-1.0").expect("a row").duties.is_empty());
        assert!(!by_id("CC-BY-ND-4.0").expect("a row").derive);
        assert_eq!(by_id("SSPL-1.0").expect("a row").same, "work");
    }
}
