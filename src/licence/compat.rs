//! Do the parts fit, for what somebody is about to do? A licence is a set of terms, a use is a set of verbs and facts; the verdict is the worst of all
//! rules on `ok < ok-with-obligations < needs-review < conflict`. What is not known becomes a question and never an `ok`.
//!
//! # Why not
//! *A matrix of pairs*: with 184 licences, nine uses and the facts of an organisation it would have millions of cells, and most conflicts of model
//! licences are not between two licences: they come from who uses it, where, for what, and under which name the result is given away.

use super::catalogue::{Commercial, Duty, Effect, Gate, Hosting, Licence, Sure, by_id};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// How good the answer is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// Nothing stands against it and nothing has to be done.
    #[default]
    Ok,
    /// Nothing stands against it if the duties are met.
    OkWithObligations,
    /// A person has to answer something first.
    NeedsReview,
    /// A clause stands against it.
    Conflict,
}

impl Level {
    /// The word in reports.
    pub fn word(self) -> &'static str {
        match self {
            Level::Ok => "ok",
            Level::OkWithObligations => "ok-with-obligations",
            Level::NeedsReview => "needs-review",
            Level::Conflict => "conflict",
        }
    }
}

/// What somebody is about to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Use {
    /// Research and nothing else.
    Research,
    /// Use inside the organisation.
    #[default]
    Inside,
    /// Serve others with it.
    Service,
    /// Serve others with a model fine-tuned from it.
    ServiceFineTuned,
    /// Give the weights to others as they are.
    Give,
    /// Fine-tune it and give that away.
    FineTune,
    /// Merge it with others and give that away.
    Merge,
    /// Sell it inside a product.
    Sell,
    /// Train another model on its outputs and give that away.
    Distil,
}

impl Use {
    /// Every use, in the order in which they are offered.
    pub const ALL: [Use; 9] = [Use::Inside, Use::Service, Use::Give, Use::FineTune, Use::Merge, Use::Sell, Use::Distil, Use::ServiceFineTuned, Use::Research];

    /// The word on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Use::Research => "research",
            Use::Inside => "inside",
            Use::Service => "service",
            Use::ServiceFineTuned => "service-fine-tuned",
            Use::Give => "give",
            Use::FineTune => "fine-tune",
            Use::Merge => "merge",
            Use::Sell => "sell",
            Use::Distil => "distil",
        }
    }

    /// The use with this word.
    pub fn of(word: &str) -> Option<Use> {
        Use::ALL.into_iter().find(|u| u.word() == word)
    }

    /// Copies leave the organisation.
    pub fn distributes(self) -> bool {
        matches!(self, Use::Give | Use::Sell | Use::FineTune | Use::Merge | Use::Distil)
    }

    /// Others are served.
    pub fn hosts(self) -> bool {
        matches!(self, Use::Service | Use::ServiceFineTuned)
    }

    /// A changed model comes out of it.
    pub fn derives(self) -> bool {
        matches!(self, Use::FineTune | Use::Merge | Use::Distil | Use::ServiceFineTuned)
    }

    fn publishes(self) -> bool {
        matches!(self, Use::Give | Use::FineTune | Use::Merge | Use::Distil)
    }

    fn earns(self) -> bool {
        matches!(self, Use::Service | Use::Sell | Use::ServiceFineTuned)
    }
}

/// How a part enters the whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Relation {
    /// Its weights are used, changed or merged.
    #[default]
    Weights,
    /// Its outputs train another model.
    Outputs,
    /// It is data that a model was trained on.
    Data,
    /// It is code of the same program.
    Code,
    /// It is a program of its own.
    CodeSeparate,
}

/// What is left open by law, and how somebody decides to see it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Switch {
    /// Taken as so.
    Yes,
    /// Taken as not so.
    No,
    /// Left open: it asks for a review where it matters.
    #[default]
    Open,
}

/// The open questions by name, with what stands if nobody switches them.
pub const ASSUMPTIONS: &[(&str, Switch)] = &[
    ("weights-protected", Switch::Yes),
    ("share-alike-data-reaches-weights", Switch::Open),
    ("copyleft-weights-reach-program", Switch::No),
    ("non-commercial-data-reaches-weights", Switch::Open),
];

/// A part, with one licence.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(default)]
pub struct Part {
    /// What it is called: a path, a repository, a licence's name.
    pub name: String,
    /// An SPDX expression, an id of the catalogue, or any other name of a licence; empty if there is none.
    pub licence: String,
    /// How it enters the whole.
    pub relation: Relation,
    /// It is changed before it is used.
    pub modified: bool,
    /// Data that leaves with the product.
    pub shipped: bool,
    /// Whether the model sees pictures, if known.
    pub multimodal: Option<bool>,
    /// A small model for one task, not a foundation model, comes out of it.
    pub small_target: bool,
    /// Where the licence was read: `text`, `declared`, `base`, `dataset`, `chosen`.
    pub source: String,
    /// What is doubtful about that: `contradiction`, `drift`, `drift-adapter`, `altered`, `disguised`, `card`.
    pub doubts: Vec<String>,
}

impl Part {
    /// Another part names it, and its own files were not seen.
    pub fn only_named(&self) -> bool {
        matches!(self.source.as_str(), "base" | "dataset")
    }
}

/// Who does it, where, for what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(default)]
pub struct Situation {
    /// What is done.
    #[serde(rename = "use")]
    pub activity: Use,
    /// Whether it earns money; if not said, what the use and the organisation suggest.
    pub commercial: Option<bool>,
    /// A company, or a person for gain.
    pub for_profit: bool,
    /// Seat: a country's two letters, or `EU`.
    pub seat: Option<String>,
    /// Numbers by name: `mau`, `annual_revenue_usd` ….
    pub facts: BTreeMap<String, u64>,
    /// Kinds of business; `None` if not said.
    pub business: Option<Vec<String>>,
    /// Fields of use, as codes of the catalogue's limits.
    pub fields: Vec<String>,
    /// Licence under which the result goes out, or `proprietary`.
    pub outbound: Option<String>,
    /// Licence that a card already puts on the result.
    pub label: Option<String>,
    /// Ids of licences for which a contract with the licensor is held.
    pub agreements: Vec<String>,
    /// Answers to the open questions, by name.
    pub assume: BTreeMap<String, Switch>,
}

impl Default for Situation {
    fn default() -> Self {
        Situation {
            activity: Use::default(),
            commercial: None,
            for_profit: true,
            seat: None,
            facts: BTreeMap::new(),
            business: None,
            fields: Vec::new(),
            outbound: None,
            label: None,
            agreements: Vec::new(),
            assume: BTreeMap::new(),
        }
    }
}

/// The members of the European Union, as country codes.
const EU: &[&str] = &[
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IT", "LT", "LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI",
    "SK",
];

impl Situation {
    /// Whether it counts as earning money.
    pub fn earns(&self) -> bool {
        self.commercial.unwrap_or(self.activity.earns() || (self.activity == Use::Inside && self.for_profit))
    }

    /// The seat as the licences name it: `EU`, `UK`, `KR`, `US` ….
    pub fn region(&self) -> Option<String> {
        let seat = self.seat.as_deref()?.trim().to_ascii_uppercase();
        Some(match seat.as_str() {
            "" => return None,
            "GB" => "UK".into(),
            s if EU.contains(&s) => "EU".into(),
            _ => seat,
        })
    }

    /// How an open question is seen.
    pub fn assumes(&self, name: &str) -> Switch {
        let default = ASSUMPTIONS.iter().find(|(n, _)| *n == name).map_or(Switch::Open, |(_, s)| *s);
        self.assume.get(name).copied().unwrap_or(default)
    }
}

/// One reason of a verdict. The sentence is in `speech`, by code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// How bad it is.
    pub level: Level,
    /// What, as a code.
    pub code: &'static str,
    /// The licence.
    pub licence: &'static str,
    /// Part that it is about.
    pub part: usize,
    /// The clause.
    pub clause: &'static str,
    /// The licence on the other side, with its clause.
    pub other: Option<(&'static str, &'static str)>,
    /// What fills the sentence: a fact's name, a list of codes, a label.
    pub what: String,
}

/// A duty that this use sets off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owed {
    /// Code.
    pub does: &'static str,
    /// Licence.
    pub licence: &'static str,
    /// Clause.
    pub clause: &'static str,
    /// String asked for.
    pub text: &'static str,
    /// Part.
    pub part: usize,
}

/// The verdict with its reasons.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// The worst of all reasons.
    pub level: Level,
    /// Reasons, in the order of the parts.
    pub reasons: Vec<Reason>,
    /// Duties.
    pub owed: Vec<Owed>,
    /// Facts that were needed and not given, by name.
    pub missing: BTreeSet<String>,
    /// Open questions of law that decided something, by name.
    pub assumed: BTreeSet<&'static str>,
}

/// A part whose licence is settled: one row, or a name that no row has.
#[derive(Clone, Debug)]
pub struct Atom<'a> {
    /// Index of the part.
    pub index: usize,
    /// The part.
    pub part: &'a Part,
    /// The row.
    pub row: Option<&'static Licence>,
}

/// Duties that do not narrow what others may do: notices, credit, source.
const NOTICES: &[&str] = &[
    "licence-copy", "retain-notices", "state-changes", "notice-file-contents", "attribution", "licence-link", "credit-adaptation", "no-endorsement",
    "no-trademark", "attribution-notice", "summary-of-changes", "no-misrepresentation", "same-licence", "network-source", "installation-information",
    "allow-relinking", "produced-work-notice", "legible-form-of-resource", "transparent-copy", "notice",
];

/// Limits between user and licensor that need not be handed on.
const SOFT: &[&str] = &["no-extra-tpm", "comply-with-law", "latest-version", "remote-restriction"];

/// Fields of use whose limit is a matter of reading.
const READING: &[&str] = &["medical-advice", "automated-decisions", "discrimination"];

/// Licences of a whole work that take no further limits.
const CLOSED: &[&str] = &[
    "GPL-2.0", "GPL-3.0", "AGPL-3.0", "GPL-2.0-or-later", "LGPL-2.1", "LGPL-3.0", "gpl-family", "CC-BY-SA-4.0", "CC-BY-SA-3.0", "EUPL-1.2", "OSL-3.0",
    "fair-ai-public-license-1.0", "fair-ai-public-license-1.0-sd", "sam-license", "dinov3-license", "fair-noncommercial-research-license", "CC-BY-NC-SA-4.0",
];

/// What is known of one licence going into the work of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Open,
    Closed,
    /// With a remark; the second says whether it takes a look.
    If(&'static str, bool),
}

/// Ways in, by (part, whole). Everything else follows from the limits.
const WAYS: &[(&str, &str, Way)] = &[
    ("GPL-2.0-or-later", "GPL-3.0", Way::Open),
    ("GPL-2.0-or-later", "AGPL-3.0", Way::Open),
    ("GPL-2.0-or-later", "GPL-2.0", Way::Open),
    ("GPL-3.0", "AGPL-3.0", Way::Open),
    ("AGPL-3.0", "GPL-3.0", Way::If("network-clause", false)),
    ("CC-BY-SA-4.0", "GPL-3.0", Way::Open),
    ("EUPL-1.2", "GPL-3.0", Way::Open),
    ("EUPL-1.2", "GPL-2.0", Way::Open),
    ("EUPL-1.2", "AGPL-3.0", Way::Open),
    ("EUPL-1.1", "GPL-2.0", Way::Open),
    ("fair-ai-public-license-1.0", "AGPL-3.0", Way::Open),
    ("CC-BY-SA-3.0", "CC-BY-SA-4.0", Way::Open),
    ("Apache-2.0", "GPL-2.0", Way::Closed),
    ("GPL-3.0", "GPL-2.0", Way::Closed),
    ("AGPL-3.0", "GPL-2.0", Way::Closed),
    ("LGPL-3.0", "GPL-2.0", Way::Closed),
    ("BSD-4-Clause", "GPL-3.0", Way::Closed),
    ("BSD-4-Clause", "GPL-2.0", Way::Closed),
    ("OSL-3.0", "GPL-3.0", Way::Closed),
    ("EPL-1.0", "GPL-3.0", Way::Closed),
    ("EPL-1.0", "GPL-2.0", Way::Closed),
    ("EPL-2.0", "GPL-3.0", Way::If("secondary-licence", true)),
    ("EPL-2.0", "GPL-2.0", Way::If("secondary-licence", true)),
    ("MS-PL", "GPL-3.0", Way::Closed),
    ("MS-PL", "GPL-2.0", Way::Closed),
    ("AFL-3.0", "GPL-3.0", Way::Closed),
    ("GPL-2.0", "GPL-3.0", Way::Closed),
    ("BSD-3-Clause-Clear", "GPL-3.0", Way::If("patents", true)),
];

fn way(part: &str, whole: &str) -> Option<Way> {
    WAYS.iter().find(|(a, b, _)| *a == part && *b == whole).map(|(_, _, w)| *w)
}

/// Terms of a licence that one which takes no further limits cannot hold, as codes.
pub fn extra_limits(l: &Licence) -> BTreeSet<&'static str> {
    let mut out = crate::order::set(l.limits.iter().copied().filter(|u| !SOFT.contains(u)));
    match l.commercial {
        Commercial::Yes => {}
        Commercial::YesWithThreshold => drop(out.insert("commercial:yes-with-threshold")),
        Commercial::SeparateAgreement => drop(out.insert("commercial:separate-agreement")),
        Commercial::No => drop(out.insert("commercial:no")),
    }
    out.extend(l.duties.iter().map(|d| d.does).filter(|d| !NOTICES.contains(d) && !["source", "retain", "document"].iter().any(|p| d.starts_with(p))));
    if !l.not_in.is_empty() {
        out.insert("territory");
    }
    out
}

/// The limits that have to be handed on.
pub fn hard_limits(l: &Licence) -> Vec<&'static str> {
    l.limits.iter().copied().filter(|u| !SOFT.contains(u)).collect()
}

/// Whether a label drops a term that this licence asks to hand on.
pub fn label_drops(base: &Licence, label: &Licence) -> bool {
    base.id != label.id && (!extra_limits(base).is_empty() || base.same == "work") && !covers(base, label)
}

/// Whether a label carries at least the terms of the base.
fn covers(base: &Licence, label: &Licence) -> bool {
    base.same != "work" && extra_limits(base).is_subset(&extra_limits(label))
}

struct Eval<'a> {
    out: Outcome,
    s: &'a Situation,
    names: Vec<(&'static str, &'static Licence, usize, &'static str)>,
    weights: Vec<Held<'a>>,
    code: Vec<Held<'a>>,
}

#[derive(Clone)]
struct Held<'a> {
    row: &'static Licence,
    atom: Atom<'a>,
    outputs: bool,
}

/// Judges the parts for a situation. Each has one licence; choices and compounds are taken apart by [`super::guide`].
pub fn evaluate(atoms: &[Atom<'_>], s: &Situation) -> Outcome {
    let mut e = Eval { out: Outcome::default(), s, names: Vec::new(), weights: Vec::new(), code: Vec::new() };
    for a in atoms {
        e.atom(a);
    }
    e.names();
    if s.assumes("copyleft-weights-reach-program") == Switch::Yes {
        let both: Vec<Held<'_>> = e.weights.iter().chain(&e.code).cloned().collect();
        e.out.assumed.insert("copyleft-weights-reach-program");
        e.work(&both);
    } else {
        let (weights, code) = (e.weights.clone(), e.code.clone());
        e.work(&weights);
        e.work(&code);
    }
    e.label(atoms);
    if !e.out.owed.is_empty() {
        e.out.level = e.out.level.max(Level::OkWithObligations);
    }
    e.out
}

impl<'a> Eval<'a> {
    fn up(&mut self, level: Level, code: &'static str, a: &Atom<'_>, clause: &'static str, what: impl Into<String>) {
        let licence = a.row.map_or("", |l| l.id);
        self.push(Reason { level, code, licence, part: a.index, clause, other: None, what: what.into() });
    }

    fn push(&mut self, reason: Reason) {
        let mut reason = reason;
        // Terms of use on weights that nothing protects bind those who agreed to them: a question of contract, not a ban.
        let soft =
            matches!(reason.code, "non-commercial" | "agreement" | "threshold" | "business" | "purpose" | "outputs-barred" | "label-drops" | "declared-drops");
        if reason.level == Level::Conflict && soft && self.s.assumes("weights-protected") == Switch::No {
            self.out.assumed.insert("weights-protected");
            reason.level = Level::NeedsReview;
        }
        self.out.level = self.out.level.max(reason.level);
        if !self.out.reasons.contains(&reason) {
            self.out.reasons.push(reason);
        }
    }

    fn owe(&mut self, a: &Atom<'_>, l: &'static Licence, does: &'static str, clause: &'static str, text: &'static str) {
        let owed = Owed { does, licence: l.id, clause, text, part: a.index };
        if !self.out.owed.contains(&owed) {
            self.out.owed.push(owed);
        }
    }

    fn atom(&mut self, a: &Atom<'a>) {
        let s = self.s;
        let does_anything = s.activity.distributes() || s.activity.hosts() || s.activity.derives();
        let Some(l) = a.row else {
            // What a model was trained on matters where the model leaves.
            let level = if a.part.relation == Relation::Data && !does_anything { Level::Ok } else { Level::NeedsReview };
            self.up(level, "unknown-licence", a, "", a.part.licence.clone());
            return;
        };
        if l.is_none() {
            let level = if does_anything && a.part.relation != Relation::Data { Level::Conflict } else { Level::NeedsReview };
            self.up(level, if l.id == "hf-other" { "not-identified" } else { "no-licence" }, a, l.grant, "");
            return;
        }
        if l.is_family() {
            self.up(Level::NeedsReview, "family-only", a, l.grant, "");
        }
        if l.sure == Sure::Low {
            self.up(Level::NeedsReview, "not-verified", a, l.grant, "");
        }
        let gate = a.part.relation != Relation::Data && !(l.id == "Commons-Clause" && s.activity == Use::Inside);
        if gate {
            self.commerce(a, l);
            if s.earns() || s.activity != Use::Research {
                for g in &l.gates {
                    self.gate(a, g);
                }
            }
        }
        self.territory(a, l, gate);
        self.verbs(a, l);
        if a.part.relation == Relation::Outputs {
            self.outputs(a, l);
        }
        if a.part.relation == Relation::Data {
            self.data(a, l, does_anything);
            return;
        }
        if gate {
            let hit: Vec<&str> = s.fields.iter().map(String::as_str).filter(|f| l.limits.contains(f)).collect();
            if !hit.is_empty() {
                let level = if hit.iter().all(|f| READING.contains(f)) { Level::NeedsReview } else { Level::Conflict };
                self.up(level, if level == Level::Conflict { "purpose" } else { "purpose-reading" }, a, l.limits_clause, hit.join(" "));
            }
        }
        self.hold(a, l);
        self.duties(a, l, gate);
    }

    fn commerce(&mut self, a: &Atom<'_>, l: &'static Licence) {
        let s = self.s;
        let nc = l.non_commercial();
        let staff = l.limits.contains(&"no-employee-use");
        if s.earns() {
            if matches!(l.commercial, Commercial::No | Commercial::SeparateAgreement) && self.holds_agreement(l) {
                // A contract with the licensor takes the licence's place.
                self.up(Level::OkWithObligations, "agreement-held", a, l.commercial_clause, "");
            } else if l.commercial == Commercial::No || (nc && l.commercial == Commercial::SeparateAgreement) {
                let hard = ["no-employee-use", "research-only", "non-production", "no-product"].iter().any(|h| l.limits.contains(h));
                if s.activity == Use::Inside && !hard {
                    self.up(Level::NeedsReview, "non-commercial-inside", a, l.commercial_clause, "");
                } else {
                    self.up(Level::Conflict, "non-commercial", a, l.commercial_clause, "");
                }
            } else if l.commercial == Commercial::SeparateAgreement {
                self.up(Level::Conflict, "agreement", a, l.commercial_clause, "");
            }
        }
        if staff && s.for_profit && s.activity != Use::Research && !s.earns() {
            self.up(Level::Conflict, "staff", a, l.limits_clause, "");
        }
        if nc && s.activity.publishes() && s.for_profit && l.limits.contains(&"no-distribution-by-companies") {
            self.up(Level::Conflict, "company-distribution", a, l.limits_clause, "");
        }
    }

    fn holds_agreement(&self, l: &Licence) -> bool {
        self.s.agreements.iter().any(|x| x == l.id || x == "*")
    }

    fn gate(&mut self, a: &Atom<'_>, g: &'static Gate) {
        let s = self.s;
        let Some(l) = a.row else { return };
        let business = g.metric == "business_type";
        let maas = g.metric.starts_with("maas_");
        if business || maas {
            let Some(kinds) = &s.business else {
                self.out.missing.insert("business".into());
                self.up(Level::NeedsReview, "ask-business", a, g.clause, if business { g.kinds.join(" ") } else { "model-as-a-service".into() });
                return;
            };
            if business {
                let hit: Vec<&str> = g.kinds.iter().copied().filter(|k| kinds.iter().any(|x| x == k)).collect();
                if !hit.is_empty() && s.earns() && s.activity != Use::Inside {
                    self.past(a, l, g, "business", hit.join(" "));
                }
                return;
            }
            if !kinds.iter().any(|k| k == "model-as-a-service") || s.activity == Use::Inside {
                return;
            }
        }
        let metric = if maas { "annual_revenue_usd" } else { g.metric };
        let Some(x) = s.facts.get(metric).copied() else {
            if s.earns() {
                self.out.missing.insert(metric.into());
                self.up(Level::NeedsReview, "ask-fact", a, g.clause, format!("{metric} {} {}", g.op, g.value));
            }
            return;
        };
        let hit = match g.op {
            ">" => x > g.value,
            ">=" => x >= g.value,
            _ => x <= g.value,
        };
        if !hit {
            return;
        }
        match g.effect {
            Effect::Notify => self.owe(a, l, "notify-licensor", g.clause, ""),
            Effect::Show => {
                let text = l.duties.iter().find(|d| d.does == "display-above-threshold").map_or("", |d| d.text);
                self.owe(a, l, "display-above-threshold", g.clause, text);
            }
            _ => self.past(a, l, g, "threshold", format!("{metric} {} {}", g.op, g.value)),
        }
    }

    /// Past a threshold that bars: unless a contract is held.
    fn past(&mut self, a: &Atom<'_>, l: &'static Licence, g: &'static Gate, code: &'static str, what: String) {
        if self.holds_agreement(l) && g.effect != Effect::Bar {
            self.up(Level::OkWithObligations, "agreement-held", a, g.clause, what);
        } else {
            self.up(Level::Conflict, code, a, g.clause, what);
        }
    }

    fn territory(&mut self, a: &Atom<'_>, l: &'static Licence, gate: bool) {
        if l.not_in.is_empty() {
            return;
        }
        let Some(region) = self.s.region() else {
            self.out.missing.insert("seat".into());
            self.up(Level::NeedsReview, "ask-seat", a, l.not_in_clause, l.not_in.join(" "));
            return;
        };
        if !gate || !l.not_in.iter().any(|r| *r == region) {
            return;
        }
        if l.not_in_multimodal && !a.part.multimodal.unwrap_or(l.id == "llama4") {
            self.up(Level::Ok, "territory-pictures-only", a, l.not_in_clause, region);
        } else {
            self.up(Level::Conflict, "territory", a, l.not_in_clause, region);
        }
    }

    fn verbs(&mut self, a: &Atom<'_>, l: &'static Licence) {
        let s = self.s;
        let held = matches!(a.part.relation, Relation::Weights | Relation::Code);
        if held && s.activity.hosts() && l.hosting != Hosting::Yes {
            if l.hosting == Hosting::No {
                self.up(Level::Conflict, "hosting-barred", a, l.hosting_clause, "");
            } else if self.holds_agreement(l) {
                self.up(Level::OkWithObligations, "agreement-held", a, l.hosting_clause, "");
            } else {
                self.up(Level::Conflict, "hosting-ask", a, l.hosting_clause, "");
            }
        }
        if held && s.activity.distributes() && !l.pass_on {
            self.up(Level::Conflict, "pass-on-barred", a, l.pass_on_clause, "");
        }
        if a.part.relation == Relation::Weights && s.activity.derives() && !l.derive {
            self.up(Level::Conflict, "derive-barred", a, l.derive_clause, "");
        }
    }

    fn outputs(&mut self, a: &Atom<'a>, l: &'static Licence) {
        let s = self.s;
        let permissive = matches!(s.outbound.as_deref(), Some("Apache-2.0" | "MIT"));
        let clause = l.outputs_clause;
        match l.outputs {
            "forbidden-foundation" if a.part.small_target => self.up(Level::NeedsReview, "outputs-foundation", a, clause, ""),
            "forbidden-any" | "forbidden-llm" | "forbidden-foundation" | "forbidden-same-kind" => {
                self.up(Level::Conflict, "outputs-barred", a, clause, l.outputs)
            }
            "forbidden-commercial" if s.earns() => self.up(Level::Conflict, "outputs-barred", a, clause, l.outputs),
            "forbidden-competing" => self.up(Level::NeedsReview, "outputs-competing", a, clause, ""),
            "nc-only" if s.earns() || permissive => self.up(Level::Conflict, "outputs-non-commercial", a, clause, ""),
            "silent" | "unknown" => self.up(Level::NeedsReview, "outputs-silent", a, clause, ""),
            "naming" => {
                for d in l.duties.iter().filter(|d| d.does == "model-name-prefix") {
                    self.names.push((d.text, l, a.index, d.clause));
                    self.owe(a, l, "model-name-prefix", d.clause, d.text);
                }
            }
            "display" => {
                let text = l.duties.iter().find(|d| d.does.starts_with("display-if-used")).map_or("", |d| d.text);
                self.owe(a, l, "display-if-used-to-train", clause, text);
            }
            "pass-on" => {
                self.owe(a, l, "pass-on-use-restrictions", clause, "");
                self.weights.push(Held { row: l, atom: a.clone(), outputs: true });
            }
            "nc-only" => self.owe(a, l, "stay-non-commercial", clause, ""),
            _ => {}
        }
    }

    fn data(&mut self, a: &Atom<'_>, l: &'static Licence, public: bool) {
        let earns = self.s.earns();
        let free = matches!(l.family, "permissive" | "public-domain") || matches!(l.id, "CDLA-Sharing-1.0" | "C-UDA-1.0" | "O-UDA-1.0");
        if a.part.shipped {
            if !l.pass_on {
                self.up(Level::Conflict, "data-pass-on", a, l.pass_on_clause, "");
            }
            if l.commercial == Commercial::No && earns {
                self.up(Level::Conflict, "data-non-commercial-shipped", a, l.commercial_clause, "");
            }
            for d in &l.duties {
                self.owe(a, l, d.does, d.clause, d.text);
            }
        }
        if free {
            if public && l.duties.iter().any(|d| d.does.starts_with("attribution")) {
                self.owe(a, l, "credit-dataset", self.credit_clause(l), "");
            }
        } else if l.non_commercial() || l.commercial == Commercial::No {
            if earns {
                self.out.assumed.insert("non-commercial-data-reaches-weights");
                match self.s.assumes("non-commercial-data-reaches-weights") {
                    Switch::Open => self.up(Level::NeedsReview, "data-non-commercial", a, l.commercial_clause, ""),
                    Switch::Yes => self.up(Level::Conflict, "data-non-commercial", a, l.commercial_clause, ""),
                    Switch::No => self.owe(a, l, "credit-dataset", self.credit_clause(l), ""),
                }
            } else {
                self.owe(a, l, "credit-dataset", self.credit_clause(l), "");
                self.owe(a, l, "stay-non-commercial", l.commercial_clause, "");
            }
        } else if l.same != "no" || !l.derive {
            if public {
                self.out.assumed.insert("share-alike-data-reaches-weights");
                match self.s.assumes("share-alike-data-reaches-weights") {
                    Switch::Open => self.up(Level::NeedsReview, "data-share-alike", a, l.derive_clause, ""),
                    Switch::Yes => self.up(Level::Conflict, "data-share-alike", a, l.derive_clause, ""),
                    Switch::No => self.owe(a, l, "credit-dataset", self.credit_clause(l), ""),
                }
            } else {
                self.owe(a, l, "credit-dataset", self.credit_clause(l), "");
            }
        } else if !l.pass_on {
            self.owe(a, l, "keep-data-inside", l.pass_on_clause, "");
        } else {
            self.up(Level::NeedsReview, "data-other", a, l.grant, "");
        }
    }

    fn credit_clause(&self, l: &'static Licence) -> &'static str {
        l.duties.iter().find(|d| d.does.starts_with("attribution")).map_or(l.grant, |d| d.clause)
    }

    /// Notes in which work the part ends up.
    fn hold(&mut self, a: &Atom<'a>, l: &'static Licence) {
        let s = self.s;
        match a.part.relation {
            Relation::Weights if s.activity.derives() => {
                if s.activity.distributes() {
                    for d in l.duties.iter().filter(|d| d.does == "model-name-prefix") {
                        self.names.push((d.text, l, a.index, d.clause));
                    }
                }
                self.weights.push(Held { row: l, atom: a.clone(), outputs: false });
            }
            Relation::Code if s.activity.distributes() || s.activity.hosts() => self.code.push(Held { row: l, atom: a.clone(), outputs: false }),
            _ => {}
        }
    }

    fn duties(&mut self, a: &Atom<'_>, l: &'static Licence, gate: bool) {
        for d in &l.duties {
            if self.set_off(a, l, d, gate) {
                self.owe(a, l, d.does, d.clause, d.text);
            }
        }
        if l.watch() {
            self.up(Level::Ok, "watch", a, if l.policy_changes { l.limits_clause } else { l.grant }, watch_kinds(l));
        }
        if gate && !hard_limits(l).is_empty() {
            self.owe(a, l, "respect-limits", l.limits_clause, "");
        }
    }

    fn set_off(&self, a: &Atom<'_>, l: &Licence, d: &Duty, gate: bool) -> bool {
        let s = self.s;
        let held = matches!(a.part.relation, Relation::Weights | Relation::Code);
        let gives = s.activity.distributes() && held;
        let hosts = s.activity.hosts() && held;
        let derives = s.activity.derives() && a.part.relation == Relation::Weights;
        match d.when {
            "distribute" => gives || (hosts && l.hosting_distributes && !l.id.starts_with("EUPL") && !l.id.starts_with("OSL")),
            "distribute-or-host" => gives || (hosts && l.hosting_distributes),
            "train-and-distribute" | "distribute-derivative" | "publish-derivative" => gives && derives,
            "host" => hosts,
            "host-modified" => hosts && (a.part.modified || s.activity.derives()),
            "commercial-use" => s.earns() && gate,
            "publish-research" => s.activity == Use::Research,
            _ => false,
        }
    }

    /// A name can begin with two prefixes only if one begins with the other.
    fn names(&mut self) {
        let mut names = std::mem::take(&mut self.names);
        crate::order::sort_by_key(&mut names, |n| (n.0, n.1.id));
        names.dedup_by_key(|n| n.0);
        for (i, p) in names.iter().enumerate() {
            for q in names.iter().skip(i + 1) {
                if !p.0.starts_with(q.0) && !q.0.starts_with(p.0) {
                    let what = format!("{}\n{}", p.0, q.0);
                    self.push(Reason { level: Level::Conflict, code: "names", licence: p.1.id, part: p.2, clause: p.3, other: Some((q.1.id, q.3)), what });
                }
            }
        }
    }

    fn work(&mut self, items: &[Held<'a>]) {
        let s = self.s;
        let net = s.activity.hosts() && !s.activity.distributes();
        let outbound = s.outbound.as_deref().unwrap_or("");
        let out_row = by_id(outbound);
        for item in items {
            let l = item.row;
            let whole = l.same == "work" && (!net || l.family == "network-copyleft");
            if whole && !item.outputs {
                for other in items.iter().filter(|o| o.row.id != l.id) {
                    self.pair(item, other);
                }
                if outbound == "proprietary" {
                    self.up(Level::Conflict, "proprietary", &item.atom, l.derive_clause, "");
                } else if !outbound.is_empty() && outbound != l.id && way(l.id, outbound) != Some(Way::Open) {
                    self.up(Level::Conflict, "outbound-copyleft", &item.atom, l.derive_clause, outbound);
                }
            }
            if let Some(o) = out_row.filter(|o| o.id != l.id) {
                let need = hard_limits(l);
                let shown = l.duties.iter().find(|d| matches!(d.does, "display" | "model-name-prefix"));
                let is_weights = item.outputs || item.atom.part.relation == Relation::Weights;
                if is_weights && (l.commercial != Commercial::Yes || !need.is_empty() || shown.is_some()) {
                    let kept = need.iter().all(|n| o.limits.contains(n)) && (o.commercial == l.commercial || o.commercial == Commercial::No);
                    if !kept {
                        let clause = if !need.is_empty() { l.limits_clause } else { shown.map_or(l.commercial_clause, |d| d.clause) };
                        self.push(Reason {
                            level: Level::Conflict,
                            code: "label-drops",
                            licence: l.id,
                            part: item.atom.index,
                            clause,
                            other: Some((o.id, o.grant)),
                            what: outbound.into(),
                        });
                    }
                }
                if item.atom.part.relation == Relation::Code && matches!(l.same, "file" | "library" | "module") {
                    self.owe(&item.atom, l, "keep-part-licence", l.derive_clause, "");
                }
                if way(l.id, o.id) == Some(Way::Closed) {
                    self.push(Reason {
                        level: Level::Conflict,
                        code: "cannot-go-out",
                        licence: l.id,
                        part: item.atom.index,
                        clause: l.grant,
                        other: Some((o.id, o.derive_clause)),
                        what: outbound.into(),
                    });
                }
            }
            if l.id == "SSPL-1.0" && net {
                let level = if outbound == "proprietary" { Level::Conflict } else { Level::NeedsReview };
                self.up(level, "service-stack", &item.atom, l.derive_clause, "");
            }
        }
    }

    /// One part inside the whole work of another licence.
    fn pair(&mut self, whole: &Held<'_>, part: &Held<'_>) {
        let (l, p) = (whole.row, part.row);
        let (into, back) = (way(p.id, l.id), way(l.id, p.id));
        let both = p.same == "work";
        if into == Some(Way::Open) || (back == Some(Way::Open) && both) {
            return;
        }
        let reason = |level, code, what: String| Reason {
            level,
            code,
            licence: l.id,
            part: whole.atom.index,
            clause: l.derive_clause,
            other: Some((p.id, if p.derive_clause.is_empty() { p.grant } else { p.derive_clause })),
            what,
        };
        let conditional = match (into, back) {
            (Some(Way::If(w, look)), _) | (_, Some(Way::If(w, look))) => Some((w, look)),
            _ => None,
        };
        if let Some((what, look)) = conditional {
            let (level, code) = if look { (Level::NeedsReview, "pair-if") } else { (Level::OkWithObligations, "pair-remark") };
            self.push(reason(level, code, what.into()));
        } else if into == Some(Way::Closed) {
            self.push(reason(Level::Conflict, "pair-closed", String::new()));
        } else if both {
            self.push(reason(Level::Conflict, "two-wholes", String::new()));
        } else {
            let own = extra_limits(l);
            let extra: Vec<&str> = extra_limits(p).into_iter().filter(|x| !own.contains(x)).collect();
            if !extra.is_empty() && CLOSED.contains(&l.id) {
                let mut r = reason(Level::Conflict, "pair-limits", extra.join(" "));
                r.other = Some((p.id, if p.limits_clause.is_empty() { p.grant } else { p.limits_clause }));
                self.push(r);
            }
        }
    }

    /// A label that a card already carries.
    fn label(&mut self, atoms: &[Atom<'_>]) {
        let Some(label) = self.s.label.as_deref().filter(|l| !l.is_empty()) else { return };
        for a in atoms.iter().filter(|a| a.part.relation == Relation::Weights) {
            let Some(l) = a.row.filter(|l| l.id != label) else { continue };
            if !extra_limits(l).is_empty() || l.same == "work" {
                let clause = if l.limits_clause.is_empty() { l.derive_clause } else { l.limits_clause };
                self.push(Reason {
                    level: Level::Conflict,
                    code: "declared-drops",
                    licence: l.id,
                    part: a.index,
                    clause,
                    other: by_id(label).map(|o| (o.id, o.grant)),
                    what: label.into(),
                });
            }
        }
    }
}

/// What about a licence can change, as codes.
pub fn watch_kinds(l: &Licence) -> String {
    let mut out = Vec::new();
    if l.may_change {
        out.push("terms");
    }
    if l.policy_changes {
        out.push("policy");
    }
    if l.limits.contains(&"remote-restriction") {
        out.push("remote");
    }
    out.join(" ")
}

#[cfg(test)]
mod tests {
    use super::super::catalogue::catalogue;
    use super::*;

    /// An organisation's facts, as `cases.txt` writes them.
    fn fact(s: &mut Situation, word: &str, orgs: &BTreeMap<&str, &str>) {
        if let Some(org) = orgs.get(word) {
            for w in org.split_whitespace() {
                fact(s, w, orgs);
            }
            return;
        }
        match word.split_once('=') {
            None if word == "non-profit" => s.for_profit = false,
            None if word == "strict" => drop(s.assume.insert("non-commercial-data-reaches-weights".into(), Switch::Yes)),
            Some(("business", v)) => s.business = Some(v.split(',').filter(|x| !x.is_empty()).map(str::to_string).collect()),
            Some(("seat", v)) => s.seat = Some(v.into()),
            Some(("out", v)) => s.outbound = Some(v.into()),
            Some(("label", v)) => s.label = Some(v.into()),
            Some(("fields", v)) => s.fields = v.split(',').map(str::to_string).collect(),
            Some((k, v)) => drop(s.facts.insert(k.into(), v.parse().expect(word))),
            None => assert_eq!(word, "-"),
        }
    }

    fn part(text: &str) -> Part {
        let (licence, flags) = text.split_once('(').map_or((text, ""), |(l, f)| (l, f.trim_end_matches(')')));
        let mut p = Part { name: licence.into(), licence: licence.into(), ..Part::default() };
        for f in flags.split_whitespace() {
            match f {
                "outputs" => p.relation = Relation::Outputs,
                "data" => p.relation = Relation::Data,
                "code" => p.relation = Relation::Code,
                "code-separate" => p.relation = Relation::CodeSeparate,
                "modified" => p.modified = true,
                "shipped" => p.shipped = true,
                "multimodal" => p.multimodal = Some(true),
                "text-only" => p.multimodal = Some(false),
                other => panic!("{other}"),
            }
        }
        p
    }

    fn judge(parts: &[Part], s: &Situation) -> Outcome {
        let atoms: Vec<Atom<'_>> = parts.iter().enumerate().map(|(index, part)| Atom { index, part, row: by_id(&part.licence) }).collect();
        evaluate(&atoms, s)
    }

    #[test]
    fn the_cases() {
        let text = include_str!("cases.txt");
        let orgs: BTreeMap<&str, &str> = text.lines().filter(|l| l.starts_with('@')).filter_map(|l| l.split_once(' ')).collect();
        let mut wrong = Vec::new();
        let mut count = 0;
        for line in text.lines().filter(|l| l.starts_with('T')) {
            let cells: Vec<&str> = line.split(" | ").collect();
            let &[id, parts, activity, facts, expect] = cells.as_slice() else { panic!("{line}") };
            let parts: Vec<Part> = parts.split(" + ").map(part).collect();
            let mut s = Situation { activity: Use::of(activity).expect(line), ..Situation::default() };
            for w in facts.split_whitespace() {
                fact(&mut s, w, &orgs);
            }
            let o = judge(&parts, &s);
            count += 1;
            if o.level.word() != expect {
                wrong.push(format!("{id}: {} and not {expect}: {:?} {:?}", o.level.word(), o.reasons, o.owed));
            }
        }
        assert_eq!(count, 150);
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    #[test]
    fn every_licence_in_every_use_keeps_the_rules_of_the_house() {
        let small: BTreeMap<String, u64> =
            catalogue().rows.iter().flat_map(|l| &l.gates).map(|g| (g.metric.trim_start_matches("maas_").to_string(), 1)).collect();
        for l in &catalogue().rows {
            for activity in Use::ALL {
                let relation = if activity == Use::Distil { Relation::Outputs } else { Relation::Weights };
                let parts = [Part { licence: l.id.into(), relation, ..Part::default() }];
                let s = Situation { activity, facts: small.clone(), business: Some(Vec::new()), seat: Some("US".into()), ..Situation::default() };
                let o = judge(&parts, &s);
                let at = format!("{} {}", l.id, activity.word());
                if matches!(l.family, "permissive" | "public-domain") && l.sure == Sure::High && l.limits.is_empty() {
                    assert!(o.level <= Level::OkWithObligations, "{at}: {:?}", o.reasons);
                }
                if l.duties.is_empty() && l.limits.is_empty() && l.family == "public-domain" {
                    assert_eq!((o.level, o.owed.len()), (Level::Ok, 0), "{at}");
                }
                if l.sure == Sure::Low || l.is_none() || l.is_family() {
                    assert!(o.level >= Level::NeedsReview, "{at}");
                }
                if l.non_commercial() && activity == Use::Sell && l.commercial != Commercial::Yes {
                    assert_eq!(o.level, Level::Conflict, "{at}");
                }
                if !l.pass_on && activity == Use::Give {
                    assert_eq!(o.level, Level::Conflict, "{at}");
                }
                for r in &o.reasons {
                    assert!(l.sure == Sure::Low || !r.clause.is_empty() && r.clause != "?", "{at}: {} without a clause", r.code);
                }
                for d in &o.owed {
                    assert!(!d.clause.is_empty(), "{at}: {} without a clause", d.does);
                }
                // Knowing nothing about the user never makes an answer better.
                let blind = judge(&parts, &Situation { activity, ..Situation::default() });
                assert!(blind.level >= o.level.min(Level::NeedsReview) || o.level == Level::Conflict, "{at}: better without facts");
            }
        }
    }

    #[test]
    fn open_questions_are_switches() {
        let parts = [part("Apache-2.0"), part("CC-BY-SA-4.0(data)")];
        let mut s = Situation { activity: Use::FineTune, ..Situation::default() };
        assert_eq!(judge(&parts, &s).level, Level::NeedsReview);
        assert!(judge(&parts, &s).assumed.contains("share-alike-data-reaches-weights"));
        s.assume.insert("share-alike-data-reaches-weights".into(), Switch::No);
        assert_eq!(judge(&parts, &s).level, Level::OkWithObligations);
        s.assume.insert("share-alike-data-reaches-weights".into(), Switch::Yes);
        assert_eq!(judge(&parts, &s).level, Level::Conflict);

        let parts = [part("GPL-3.0"), part("llama3.1(code)")];
        let mut s = Situation { activity: Use::FineTune, seat: Some("US".into()), facts: [("mau".to_string(), 1)].into(), ..Situation::default() };
        assert!(judge(&parts, &s).level < Level::Conflict);
        s.assume.insert("copyleft-weights-reach-program".into(), Switch::Yes);
        assert_eq!(judge(&parts, &s).level, Level::Conflict);

        let parts = [part("flux-1-dev-non-commercial")];
        let mut s = Situation { activity: Use::Service, ..Situation::default() };
        assert_eq!(judge(&parts, &s).level, Level::Conflict);
        s.assume.insert("weights-protected".into(), Switch::No);
        assert_eq!(judge(&parts, &s).level, Level::NeedsReview);
    }

    #[test]
    fn a_contract_with_the_licensor_opens_what_it_can_open() {
        let parts = [part("stability-ai-community")];
        let mut s = Situation { activity: Use::Service, facts: [("annual_revenue_usd".to_string(), 5_000_000)].into(), ..Situation::default() };
        assert_eq!(judge(&parts, &s).level, Level::Conflict);
        s.agreements.push("stability-ai-community".into());
        assert_eq!(judge(&parts, &s).level, Level::OkWithObligations);
    }

    #[test]
    fn countries_of_the_union_are_the_union() {
        let region = |seat: &str| Situation { seat: Some(seat.into()), ..Situation::default() }.region();
        assert_eq!(region("de").as_deref(), Some("EU"));
        assert_eq!(region("GB").as_deref(), Some("UK"));
        assert_eq!(region("JP").as_deref(), Some("JP"));
        assert_eq!(region(" "), None);
    }
}
