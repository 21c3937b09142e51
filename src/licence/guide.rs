//! What somebody may, must and must not do, and whom to ask: for one situation, over all parts, each line once, with its clauses.

use super::catalogue::{Basis, Licence, Sure, by_id, catalogue};
use super::compat::{ASSUMPTIONS, Atom, Level, Outcome, Part, Reason, Relation, Situation, Switch, Use, evaluate, hard_limits, label_drops, watch_kinds};
use super::name;
use crate::speech::{Lang, licence as words};
use crate::text::printable;
use serde::Serialize;
use std::collections::BTreeMap;

/// The schema id that every guidance carries.
pub const SCHEMA: &str = "weighstation-licence/1";

/// Choices between licences that are tried.
const TRIES: usize = 256;

/// Parts that are judged.
const PARTS: usize = 500;

/// Where a line comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
pub struct Source {
    /// Id of the licence.
    pub licence: String,
    /// What it is called.
    pub name: String,
    /// Clause; empty where there is no text.
    pub clause: String,
    /// Day on which it was read; empty where there is no text.
    pub read: String,
    /// How it was read: `text`, `clauses`, `secondary`, `unread`.
    pub basis: String,
    /// How sure that is: `high`, `medium`, `low`.
    pub sure: String,
    /// Parts that it is about.
    pub parts: Vec<String>,
}

/// One line of the answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
pub struct Line {
    /// What, as a code.
    pub code: String,
    /// One sentence.
    pub text: String,
    /// What would resolve it, for what stands against the use.
    pub resolve: String,
    /// How bad it is.
    pub level: Level,
    /// Licences and clauses.
    pub sources: Vec<Source>,
}

/// A question whose answer is needed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
pub struct Question {
    /// Name of the fact, or of the open question.
    pub id: String,
    /// The question.
    pub text: String,
    /// How it is answered now: `yes`, `no`, `open`; empty for a fact that is missing.
    pub answer: String,
}

/// A part with what its licence is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
pub struct Judged {
    /// The part.
    pub part: Part,
    /// Ids that were judged: of a choice the one that serves best.
    pub licences: Vec<String>,
    /// What they are called, in the language of the answer; one that is missing or unknown is said in words.
    pub names: Vec<String>,
    /// Their families.
    pub families: Vec<String>,
    /// How good the answer is for this part by itself.
    pub level: Level,
    /// What it means for the AI Act's open-source rules: `yes`, `no`, `unclear`.
    pub act: String,
}

/// The whole answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
pub struct Guidance {
    /// [`SCHEMA`].
    pub schema: String,
    /// Day of the catalogue.
    pub catalogue: String,
    /// That this is guidance and no legal advice.
    pub disclaimer: String,
    /// What was asked.
    pub situation: Situation,
    /// The answer in one word.
    pub level: Level,
    /// The answer in one sentence.
    pub headline: String,
    /// The parts.
    pub parts: Vec<Judged>,
    /// What stands against it, worst first.
    pub clashes: Vec<Line>,
    /// What may be done.
    pub may: Vec<Line>,
    /// What must be done.
    pub must: Vec<Line>,
    /// What must not be done.
    pub must_not: Vec<Line>,
    /// What a person has to decide or ask.
    pub ask: Vec<Line>,
    /// What can change later.
    pub watch: Vec<Line>,
    /// What it means for the EU AI Act's open-source rules.
    pub act: Vec<Line>,
    /// Facts that were missing.
    pub questions: Vec<Question>,
    /// Open questions of law, and how they are answered.
    pub assumptions: Vec<Question>,
    /// Text for a file NOTICE; empty if none is asked for.
    pub notice: String,
    /// Block for the head of the model card.
    pub card: String,
    /// Strings to show.
    pub attribution: Vec<String>,
    /// A letter to the publisher where nobody gave permission; empty otherwise.
    pub letter: String,
}

/// One way of settling a part: the rows (or unknown names) that hold together.
type Choice = Vec<(String, Option<&'static Licence>)>;

/// The choices of a part.
fn choices(p: &Part) -> Vec<Choice> {
    let text = p.licence.trim();
    if text.is_empty() {
        return vec![vec![(String::new(), None)]];
    }
    if let Some(l) = by_id(text) {
        return vec![vec![(text.into(), Some(l))]];
    }
    if name::is_expression(text)
        && let Ok(e) = name::expression(text)
    {
        return e.choices.into_iter().map(|set| set.into_iter().flat_map(|id| named(&id)).collect()).collect();
    }
    vec![named(text)]
}

/// A name that has several meanings is all of them until somebody says which.
fn named(text: &str) -> Choice {
    let rows = by_id(text).map_or_else(|| name::resolve(text), |l| vec![l]);
    if rows.is_empty() {
        return vec![(text.into(), None)];
    }
    rows.into_iter().map(|l| (l.id.to_string(), Some(l))).collect()
}

/// Judges parts for a situation and says what follows.
pub fn guide(parts: &[Part], situation: &Situation, lang: Lang) -> Guidance {
    let s = settled(situation);
    let parts: Vec<Part> = parts.iter().take(PARTS).map(|p| entering(p, s.activity)).collect();
    let all: Vec<Vec<Choice>> = parts.iter().map(choices).collect();
    let (picked, outcome) = best(&parts, &all, &s);
    let book = words::book(lang);
    let mut lines = Lines { parts: &parts, book };
    let mut clashes = Vec::new();
    let mut ask = Vec::new();
    for r in &outcome.reasons {
        // Of a known text with changes it is said below what there is to do.
        let altered = r.code == "unknown-licence"
            && r.level == Level::NeedsReview
            && r.what.ends_with("-with-changes")
            && !r.what.contains(' ')
            && parts.get(r.part).is_some_and(|p| p.doubts.iter().any(|d| d == "altered"));
        if r.code == "watch" || altered {
            continue;
        }
        let line = lines.reason(r);
        match r.level {
            Level::Conflict => clashes.push(line),
            Level::NeedsReview => ask.push(line),
            _ => {}
        }
    }
    for (p, c) in parts.iter().zip(&picked) {
        for doubt in &p.doubts {
            let code = DOUBTS.iter().find(|(d, _)| d == doubt).map_or("doubt", |(_, code)| code);
            // A label that drifted is held against the models that are named beside it; a card that cannot be read says nothing of a licence.
            let bases = dropped(&parts, &picked, c, doubt);
            let base = if bases.is_empty() { p.name.clone() } else { bases.iter().map(|(n, _)| n.as_str()).collect::<Vec<_>>().join(book.comma) };
            let own = c.iter().filter_map(|x| x.1).filter(|_| doubt != "card");
            let from = own.chain(bases.iter().map(|(_, l)| *l)).map(|l| (l, l.grant));
            let args = [("part", p.name.clone()), ("base", base)];
            // What leaves under a label that drops terms breaks them; what stays inside is to be asked about.
            if doubt == "drift" && s.activity.distributes() {
                clashes.push(lines.plain(code, &args, Level::Conflict, from, p));
            } else {
                ask.push(lines.plain(code, &args, Level::NeedsReview, from, p));
            }
        }
        if c.len() > 1 && super::folder::is_ambiguous(&p.licence) {
            ask.push(lines.plain("ambiguous", &[("name", p.licence.clone())], Level::NeedsReview, c.iter().filter_map(|x| x.1).map(|l| (l, l.grant)), p));
        }
    }
    let clashes = merged(clashes);
    let ask = merged(ask);
    let level = [&clashes, &ask].into_iter().flatten().map(|l| l.level).fold(outcome.level, Level::max);
    let must = merged(
        outcome
            .owed
            .iter()
            .filter(|o| o.does != "respect-limits")
            .filter_map(|o| Some(lines.duty(by_id(o.licence)?, o.does, o.clause, o.text, o.part)))
            .collect(),
    );
    let must_not = merged(must_not(&mut lines, &parts, &picked, &s));
    let may = if level == Level::Conflict { Vec::new() } else { merged(may(&mut lines, &parts, &picked, &s)) };
    let watch = merged(rows(&picked).flat_map(|(i, l)| watch_kinds(l).split_whitespace().map(|k| lines.watch(l, k, i)).collect::<Vec<_>>()).collect());
    let act = merged(
        rows(&picked).filter(|(i, l)| !l.is_none() && parts.get(*i).is_some_and(|p| p.relation != Relation::Data)).map(|(i, l)| lines.act(l, i)).collect(),
    );
    let questions = outcome.missing.iter().map(|m| Question { id: m.clone(), text: words::fact(book, m), answer: String::new() }).collect();
    let assumptions = ASSUMPTIONS
        .iter()
        .filter(|(name, _)| outcome.assumed.contains(name) || s.assume.contains_key(*name))
        .map(|(name, _)| Question { id: (*name).into(), text: words::assumption(book, name), answer: words::switch(s.assumes(name)).into() })
        .collect();
    let judged = parts.iter().zip(&picked).map(|(p, c)| judged(p, c, &s, lines.book)).collect::<Vec<_>>();
    let headline = words::headline(book, level, &s, parts.len());
    Guidance {
        schema: SCHEMA.into(),
        catalogue: catalogue().date.into(),
        disclaimer: book.disclaimer.replace("{date}", catalogue().date),
        level,
        headline,
        notice: notice(&outcome, &picked, &s),
        card: card(&parts, &picked, &s),
        attribution: attribution(&outcome),
        letter: letter(book, &judged),
        parts: judged,
        clashes,
        may,
        must,
        must_not,
        ask,
        watch,
        act,
        questions,
        assumptions,
        situation: s,
    }
}

/// The situation with the names of licences as ids.
fn settled(s: &Situation) -> Situation {
    let id = |t: &Option<String>| {
        t.as_ref().map(|t| if t == "proprietary" { t.clone() } else { name::resolve(t).first().map_or_else(|| t.clone(), |l| l.id.to_string()) })
    };
    let agreements = s.agreements.iter().map(|a| name::resolve(a).first().map_or_else(|| a.clone(), |l| l.id.to_string())).collect();
    Situation { outbound: id(&s.outbound), label: id(&s.label), agreements, ..s.clone() }
}

/// A licence that was picked by name can say how it enters: `data:CC-BY-4.0`. A model whose outputs train another one enters by its outputs.
fn entering(p: &Part, activity: Use) -> Part {
    let said = |text: &str| {
        let (enters, rest) = text.split_once(':')?;
        let relation = match enters {
            "weights" => Relation::Weights,
            "outputs" => Relation::Outputs,
            "data" => Relation::Data,
            "code" => Relation::Code,
            "code-separate" => Relation::CodeSeparate,
            _ => return None,
        };
        Some((relation, rest.trim().to_string()))
    };
    let picked = Some(p).filter(|p| p.source == "chosen").and_then(|p| said(&p.licence));
    let (relation, licence) = picked.unwrap_or_else(|| (p.relation, p.licence.clone()));
    let name = Some(&p.name).filter(|_| p.source == "chosen").and_then(|n| said(n)).map_or_else(|| p.name.clone(), |(_, name)| name);
    let relation = if activity == Use::Distil && relation == Relation::Weights { Relation::Outputs } else { relation };
    Part { relation, name: printable(&name, 300), licence: printable(&licence, 300), ..p.clone() }
}

fn atoms<'a>(parts: &'a [Part], picked: &[&Choice]) -> Vec<Atom<'a>> {
    parts.iter().zip(picked).enumerate().flat_map(|(index, (part, c))| c.iter().map(move |(_, row)| Atom { index, part, row: *row })).collect()
}

/// Of all choices the one with the best answer.
fn best<'a>(parts: &[Part], all: &'a [Vec<Choice>], s: &Situation) -> (Vec<&'a Choice>, Outcome) {
    let mut turn = vec![0usize; all.len()];
    let mut found: Option<(Vec<&Choice>, Outcome)> = None;
    for _ in 0..TRIES {
        let picked: Vec<&Choice> = all.iter().zip(&turn).filter_map(|(c, t)| c.get(*t)).collect();
        let o = evaluate(&atoms(parts, &picked), s);
        let better = found.as_ref().is_none_or(|(_, f)| (o.level, o.owed.len()) < (f.level, f.owed.len()));
        if better {
            found = Some((picked, o));
        }
        // The next combination, as an odometer counts.
        let mut k = 0;
        while k < turn.len() {
            turn[k] += 1;
            if turn[k] < all[k].len() {
                break;
            }
            turn[k] = 0;
            k += 1;
        }
        if k == turn.len() {
            break;
        }
    }
    found.unwrap_or_default()
}

fn rows<'a>(picked: &'a [&Choice]) -> impl Iterator<Item = (usize, &'static Licence)> + 'a {
    picked.iter().enumerate().flat_map(|(i, c)| c.iter().filter_map(move |x| Some((i, x.1?))))
}

/// What a licence of a part is called; what is missing is said.
fn called(p: &Part, id: &str, row: Option<&Licence>, b: &words::Book) -> String {
    match row {
        Some(l) => words::name(b, l).into(),
        None if !id.is_empty() => id.into(),
        None => words::label(b, if p.only_named() { "not-here" } else { "no-licence" }).into(),
    }
}

fn judged(p: &Part, c: &Choice, s: &Situation, b: &words::Book) -> Judged {
    let own: Vec<Atom<'_>> = c.iter().map(|(_, row)| Atom { index: 0, part: p, row: *row }).collect();
    let level = evaluate(&own, s).level;
    let act = c.iter().filter_map(|x| x.1).map(|l| l.act).max_by_key(|a| match *a {
        "no" => 2,
        "unclear" => 1,
        _ => 0,
    });
    Judged {
        part: p.clone(),
        licences: c.iter().map(|x| x.0.clone()).collect(),
        names: c.iter().map(|(id, row)| called(p, id, *row, b)).collect(),
        families: c.iter().filter_map(|x| x.1).map(|l| l.family.to_string()).collect(),
        level,
        act: act.unwrap_or("unclear").into(),
    }
}

/// Makes lines.
struct Lines<'a> {
    parts: &'a [Part],
    book: &'static words::Book,
}

/// A source; a clause that nobody verified says so.
fn source(l: &Licence, clause: &str, part: &str, book: &words::Book) -> Source {
    Source {
        licence: l.id.into(),
        name: words::name(book, l).into(),
        clause: match clause {
            _ if l.is_none() => String::new(),
            "" | "?" => book.no_clause.into(),
            known => known.into(),
        },
        read: if l.is_none() { String::new() } else { l.read.into() },
        basis: match l.basis {
            Basis::Text => "text",
            Basis::Clauses => "clauses",
            Basis::Secondary => "secondary",
            Basis::Unread => "unread",
        }
        .into(),
        sure: match l.sure {
            Sure::High => "high",
            Sure::Medium => "medium",
            Sure::Low => "low",
        }
        .into(),
        parts: vec![part.to_string()],
    }
}

impl Lines<'_> {
    fn part(&self, i: usize) -> &str {
        self.parts.get(i).map_or("", |p| p.name.as_str())
    }

    fn line(&self, code: &str, text: String, resolve: String, level: Level, sources: Vec<Source>) -> Line {
        Line { code: code.into(), text, resolve, level, sources }
    }

    fn reason(&mut self, r: &Reason) -> Line {
        let mut sources = Vec::new();
        let licence = by_id(r.licence);
        if let Some(l) = licence {
            sources.push(source(l, r.clause, self.part(r.part), self.book));
        }
        if let Some((id, clause)) = r.other
            && let Some(l) = by_id(id)
        {
            sources.push(source(l, clause, self.part(r.part), self.book));
        }
        let (text, resolve) = words::reason(self.book, r, licence, self.part(r.part));
        self.line(r.code, text, resolve, r.level, sources)
    }

    fn plain(
        &mut self,
        code: &'static str,
        args: &[(&str, String)],
        level: Level,
        from: impl Iterator<Item = (&'static Licence, &'static str)>,
        p: &Part,
    ) -> Line {
        let sources = from.map(|(l, c)| source(l, c, &p.name, self.book)).collect();
        let (text, resolve) = words::plain(self.book, code, args);
        self.line(code, text, resolve, level, sources)
    }

    fn duty(&mut self, l: &'static Licence, does: &str, clause: &str, text: &str, part: usize) -> Line {
        let said = words::duty(self.book, does, text, l);
        self.line(does, said, String::new(), Level::OkWithObligations, vec![source(l, clause, self.part(part), self.book)])
    }

    fn limit(&mut self, l: &'static Licence, code: &str, clause: &str, part: usize) -> Line {
        self.line(code, words::limit(self.book, code), String::new(), Level::OkWithObligations, vec![source(l, clause, self.part(part), self.book)])
    }

    fn watch(&mut self, l: &'static Licence, kind: &str, part: usize) -> Line {
        let clause = if kind == "policy" { l.limits_clause } else { l.grant };
        self.line(kind, words::watch(self.book, kind), String::new(), Level::Ok, vec![source(l, clause, self.part(part), self.book)])
    }

    fn act(&mut self, l: &'static Licence, part: usize) -> Line {
        let level = match l.act {
            "yes" => Level::Ok,
            "no" => Level::Conflict,
            _ => Level::NeedsReview,
        };
        self.line(
            &format!("act-{}", l.act_reason),
            words::act(self.book, l.act_reason),
            String::new(),
            level,
            vec![source(l, l.grant, self.part(part), self.book)],
        )
    }
}

/// The limits on use, and the verbs that a licence withholds.
fn must_not(lines: &mut Lines<'_>, parts: &[Part], picked: &[&Choice], s: &Situation) -> Vec<Line> {
    let mut out = Vec::new();
    for (i, l) in rows(picked) {
        if parts.get(i).is_some_and(|p| p.relation == Relation::Data && !p.shipped) {
            continue;
        }
        for code in hard_limits(l) {
            out.push(lines.limit(l, code, l.limits_clause, i));
        }
        if !l.pass_on && s.activity.distributes() {
            out.push(lines.limit(l, "no-redistribution", l.pass_on_clause, i));
        }
        if !l.derive && s.activity.derives() {
            out.push(lines.limit(l, "no-derivatives", l.derive_clause, i));
        }
        if l.outputs.starts_with("forbidden") && s.activity != Use::Distil {
            out.push(lines.limit(l, "outputs", l.outputs_clause, i));
        }
    }
    out
}

fn may(lines: &mut Lines<'_>, parts: &[Part], picked: &[&Choice], s: &Situation) -> Vec<Line> {
    let mut out = Vec::new();
    for (i, l) in rows(picked).filter(|(_, l)| !l.is_none() && l.sure != Sure::Low) {
        let Some(p) = parts.get(i) else { continue };
        if p.relation == Relation::Outputs && l.outputs.starts_with("forbidden") {
            continue;
        }
        let clause = if p.relation == Relation::Outputs && !l.outputs_clause.is_empty() { l.outputs_clause } else { l.grant };
        let text = words::may(lines.book, s.activity, p.relation);
        let line = lines.line(&format!("may-{}", s.activity.word()), text, String::new(), Level::Ok, vec![source(l, clause, &p.name, lines.book)]);
        out.push(line);
    }
    out
}

/// Folds lines that say the same.
fn merged(lines: Vec<Line>) -> Vec<Line> {
    let mut out: Vec<Line> = Vec::new();
    let mut index: BTreeMap<(String, String), usize> = BTreeMap::new();
    for line in lines {
        let key = (line.code.clone(), line.text.clone());
        match index.get(&key).and_then(|n| out.get_mut(*n)) {
            Some(there) => {
                there.level = there.level.max(line.level);
                for s in line.sources {
                    match there.sources.iter_mut().find(|x| x.licence == s.licence && x.clause == s.clause) {
                        Some(x) => {
                            for p in s.parts {
                                if !x.parts.contains(&p) {
                                    x.parts.push(p);
                                }
                            }
                        }
                        None => there.sources.push(s),
                    }
                }
            }
            None => {
                index.insert(key, out.len());
                out.push(line);
            }
        }
    }
    crate::order::sort_by_key(&mut out, |l| std::cmp::Reverse(l.level));
    out
}

/// The strings that licences ask to show.
fn attribution(o: &Outcome) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for d in o.owed.iter().filter(|d| (d.does.starts_with("display") || d.does == "model-name-prefix") && !d.text.is_empty()) {
        if !out.iter().any(|t| t == d.text) {
            out.push(d.text.into());
        }
    }
    out
}

/// The text of a file NOTICE.
fn notice(o: &Outcome, picked: &[&Choice], s: &Situation) -> String {
    let mut out: Vec<String> = Vec::new();
    for d in o.owed.iter().filter(|d| matches!(d.does, "notice-file" | "notice" | "publication-statement" | "statement") && !d.text.is_empty()) {
        if !out.iter().any(|t| t == d.text) {
            out.push(d.text.into());
        }
    }
    if s.activity.distributes() {
        for (_, l) in rows(picked).filter(|(_, l)| !l.duties.is_empty() && !l.is_none()) {
            let at = l.urls.first().copied().unwrap_or_default();
            let line =
                if at.is_empty() { format!("Includes material under the {}.", l.name) } else { format!("Includes material under the {} ({at}).", l.name) };
            if !out.contains(&line) {
                out.push(line);
            }
        }
    }
    out.join("\n\n")
}

/// The block for the head of a model card.
fn card(parts: &[Part], picked: &[&Choice], s: &Situation) -> String {
    let chosen = s.outbound.as_deref().filter(|o| *o != "proprietary").and_then(by_id);
    // Without a wish the strictest of the parts is the label that drops nothing.
    let mut own: Vec<(usize, &'static Licence)> =
        rows(picked).filter(|(i, l)| !l.is_none() && parts.get(*i).is_some_and(|p| p.relation != Relation::Data)).collect();
    crate::order::sort_by_key(&mut own, |(i, l)| (std::cmp::Reverse(super::compat::extra_limits(l).len()), *i));
    let Some(l) = chosen.or(own.first().map(|x| x.1)) else { return String::new() };
    // Where no label of one licence carries the terms of all, all are named.
    let mut beside: Vec<&'static Licence> = Vec::new();
    for (_, other) in own.iter().filter(|(_, other)| chosen.is_none() && label_drops(other, l)) {
        if !beside.iter().any(|b| b.id == other.id) {
            beside.push(other);
        }
    }
    let hub = |l: &Licence| {
        l.known
            .iter()
            .find(|k| !k.contains(' ') && k.chars().all(|c| !c.is_ascii_uppercase()) && !k.contains('*'))
            .copied()
            .unwrap_or(l.id)
            .to_ascii_lowercase()
    };
    let plain = beside.is_empty() && matches!(l.family, "permissive" | "public-domain" | "strong-copyleft" | "weak-copyleft" | "network-copyleft")
        || beside.is_empty() && (l.id.starts_with("CC") || HUB.contains(&l.id));
    let mut out = String::from("---\n");
    if plain {
        let id = if HUB.contains(&l.id) { l.id.to_string() } else { l.id.to_ascii_lowercase() };
        out.push_str(&format!("license: {id}\n"));
    } else {
        let names: Vec<String> = std::iter::once(l).chain(beside).map(hub).collect();
        out.push_str(&format!("license: other\nlicense_name: {}\nlicense_link: LICENSE\n", names.join(" AND ")));
    }
    let bases: Vec<&Part> =
        parts.iter().filter(|p| p.source == "base" || (p.relation == Relation::Weights && p.name.contains('/') && !p.name.contains('.'))).collect();
    if !bases.is_empty() {
        out.push_str("base_model:\n");
        for b in bases {
            out.push_str(&format!("- {}\n", b.name));
        }
    }
    let data: Vec<&Part> = parts.iter().filter(|p| p.relation == Relation::Data).collect();
    if !data.is_empty() {
        out.push_str("datasets:\n");
        for d in data {
            out.push_str(&format!("- {}\n", d.name));
        }
    }
    out.push_str("---\n");
    out
}

/// Licences with an id of their own on the Hub that is not the lower-case SPDX id.
const HUB: &[&str] = &[
    "llama2", "llama3", "llama3.1", "llama3.2", "llama3.3", "llama4", "gemma", "openrail", "openrail++", "creativeml-openrail-m", "bigscience-openrail-m",
    "bigscience-bloom-rail-1.0", "bigcode-openrail-m", "apple-amlr", "apple-ascl", "fair-noncommercial-research-license", "grok2-community", "intel-research",
    "h-research",
];

/// A letter about the parts that were looked at and have no licence. What was only named may have one where it is published.
fn letter(book: &words::Book, parts: &[Judged]) -> String {
    let open = |j: &&Judged| {
        !j.part.only_named()
            && (j.licences.iter().any(|l| l == "hf-unknown" || l == "hf-other") || j.part.licence.is_empty() && j.part.relation == Relation::Weights)
    };
    let open: Vec<&str> = parts.iter().filter(open).map(|j| j.part.name.as_str()).collect();
    if open.is_empty() { String::new() } else { book.letter.replace("{parts}", &open.join(", ")) }
}

/// The models beside a part whose terms its label drops, with their licences.
fn dropped(parts: &[Part], picked: &[&Choice], label: &Choice, doubt: &str) -> Vec<(String, &'static Licence)> {
    let mut out: Vec<(String, &'static Licence)> = Vec::new();
    if doubt.starts_with("drift") {
        for (i, base) in rows(picked).filter(|(_, base)| label.iter().filter_map(|x| x.1).any(|l| label_drops(base, l))) {
            if let Some(p) = parts.get(i).filter(|p| !out.iter().any(|(n, _)| *n == p.name)) {
                out.push((p.name.clone(), base));
            }
        }
    }
    out
}

/// Doubts about what a folder says, and the codes of their sentences.
const DOUBTS: &[(&str, &str)] = &[
    ("contradiction", "doubt-contradiction"),
    ("drift", "doubt-drift"),
    ("drift-adapter", "doubt-drift-adapter"),
    ("altered", "doubt-altered"),
    ("disguised", "doubt-disguised"),
    ("card", "doubt-card"),
];

/// How a switch is written in a situation.
pub fn switch(word: &str) -> Option<Switch> {
    Some(match word {
        "yes" => Switch::Yes,
        "no" => Switch::No,
        "open" => Switch::Open,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(licence: &str) -> Part {
        Part { name: licence.into(), licence: licence.into(), ..Part::default() }
    }

    fn ask(licences: &[&str], s: &Situation) -> Guidance {
        guide(&licences.iter().map(|l| part(l)).collect::<Vec<_>>(), s, Lang::En)
    }

    fn codes(lines: &[Line]) -> Vec<&str> {
        lines.iter().map(|l| l.code.as_str()).collect()
    }

    fn in_us(activity: Use) -> Situation {
        Situation { activity, seat: Some("US".into()), facts: [("mau".to_string(), 10_000)].into(), ..Situation::default() }
    }

    #[test]
    fn a_licence_by_name_says_how_it_enters() {
        let chosen = |text: &str| Part { source: "chosen".into(), ..part(text) };
        let g = guide(&[chosen("Apache-2.0"), chosen("data:CC-BY-NC-4.0"), chosen("code-separate: GPL-3.0"), chosen("urn:mine")], &in_us(Use::Give), Lang::En);
        let told: Vec<_> = g.parts.iter().map(|j| (j.part.name.as_str(), j.part.relation)).collect();
        assert_eq!(
            told,
            [("Apache-2.0", Relation::Weights), ("CC-BY-NC-4.0", Relation::Data), ("GPL-3.0", Relation::CodeSeparate), ("urn:mine", Relation::Weights)]
        );
        // What a file says is a licence's name and nothing else.
        let g = guide(&[Part { source: "declared".into(), ..part("data:MIT") }], &in_us(Use::Give), Lang::En);
        assert_eq!(g.parts[0].part.relation, Relation::Weights);
    }

    #[test]
    fn a_fine_tune_of_llama_is_told_what_to_do() {
        let g = ask(&["llama3.1"], &Situation { outbound: Some("llama3.1".into()), ..in_us(Use::FineTune) });
        assert_eq!(g.level, Level::OkWithObligations);
        assert!(["licence-copy", "notice-file", "display", "model-name-prefix"].iter().all(|d| codes(&g.must).contains(d)), "{:?}", codes(&g.must));
        assert_eq!(g.attribution, ["Built with Llama", "Llama"]);
        assert!(g.notice.starts_with("Llama 3.1 is licensed under the Llama 3.1 Community License, Copyright © Meta Platforms"));
        assert!(g.card.contains("license: llama3.1\n"));
        assert!(codes(&g.must_not).contains(&"military"));
        assert!(g.letter.is_empty() && g.questions.is_empty());
        assert!(
            g.must.iter().chain(&g.must_not).chain(&g.may).all(|l| !l.text.is_empty() && l.sources.iter().all(|s| !s.clause.is_empty() && s.read.len() == 10))
        );
    }

    #[test]
    fn missing_facts_are_questions() {
        let g = ask(&["llama4", "kimi-k3"], &Situation { activity: Use::Service, ..Situation::default() });
        let ids: Vec<&str> = g.questions.iter().map(|q| q.id.as_str()).collect();
        assert_eq!(ids, ["business", "mau", "monthly_revenue_usd", "seat"]);
        assert!(g.questions.iter().all(|q| q.text.ends_with('?')));
        assert_eq!(g.level, Level::NeedsReview);
    }

    #[test]
    fn no_licence_is_an_answer_with_a_letter() {
        let g = guide(&[Part { name: "somebody/model".into(), licence: "hf-unknown".into(), ..Part::default() }], &in_us(Use::Inside), Lang::En);
        assert_eq!(g.level, Level::NeedsReview);
        assert!(g.ask[0].text.contains("Nobody gave you permission"));
        assert!(g.letter.contains("somebody/model") && g.may.is_empty());
        assert_eq!(ask(&["hf-unknown"], &in_us(Use::Give)).level, Level::Conflict);
    }

    #[test]
    fn no_letter_is_written_about_what_was_only_named() {
        let named = Part { name: "somebody/base".into(), source: "base".into(), ..Part::default() };
        let g = guide(&[part("Apache-2.0"), named], &in_us(Use::Inside), Lang::En);
        assert_eq!((g.level, g.letter.as_str()), (Level::NeedsReview, ""));
        assert!(super::super::print::text(&g, Lang::En).contains("somebody/base: named only"));
        let g = ask(&["acme-terms"], &in_us(Use::Inside));
        assert_eq!(g.ask[0].text, "The licence of acme-terms is not known here.");
        let own = Part { name: "m".into(), ..part("acme-terms") };
        assert_eq!(guide(&[own], &in_us(Use::Inside), Lang::En).ask[0].text, "The licence of m (“acme-terms”) is not known here.");
    }

    #[test]
    fn a_text_with_changes_is_asked_about_once() {
        let own = Part { name: "m".into(), doubts: vec!["altered".into()], ..part("MIT-with-changes") };
        let g = guide(&[own], &in_us(Use::Service), Lang::En);
        assert_eq!((g.level, codes(&g.ask)), (Level::NeedsReview, vec!["doubt-altered"]));
    }

    #[test]
    fn a_card_names_all_licences_of_which_none_carries_the_others() {
        let g = ask(&["qwen-research-2024", "gemma"], &in_us(Use::Merge));
        assert!(g.card.contains("license: other\nlicense_name: gemma AND qwen-research-2024\n"), "{}", g.card);
        let g = ask(&["MIT", "llama3.1"], &in_us(Use::Merge));
        assert!(g.card.contains("license: llama3.1\n"), "{}", g.card);
    }

    #[test]
    fn a_line_that_cites_the_same_as_the_next_does_not_repeat_it() {
        let g = ask(&["llama3.1"], &in_us(Use::Give));
        let count = |text: String| text.matches("Acceptable Use Policy").count();
        assert!(g.must_not.len() > 10 && count(super::super::print::text(&g, Lang::En)) <= 3);
        assert!(count(super::super::print::markdown(&g, Lang::En)) <= 3);
    }

    #[test]
    fn lines_of_several_parts_are_folded() {
        let g = ask(&["MIT", "Apache-2.0"], &in_us(Use::Give));
        let copy = g.must.iter().find(|l| l.code == "licence-copy").expect("a line");
        assert_eq!(copy.sources.iter().map(|s| s.licence.as_str()).collect::<Vec<_>>(), ["MIT", "Apache-2.0"]);
        assert_eq!(g.must.iter().filter(|l| l.code == "licence-copy").count(), 1);
    }

    #[test]
    fn of_a_choice_the_better_one_is_taken_and_of_a_compound_the_worse() {
        let s = Situation { activity: Use::Sell, outbound: Some("proprietary".into()), ..Situation::default() };
        let code = |licence: &str| Part { relation: Relation::Code, ..part(licence) };
        assert_eq!(guide(&[code("GPL-3.0 OR MIT")], &s, Lang::En).level, Level::OkWithObligations);
        assert_eq!(guide(&[code("GPL-3.0 AND MIT")], &s, Lang::En).level, Level::Conflict);
        assert_eq!(guide(&[code("MIT AND Nobody-1.0")], &s, Lang::En).level, Level::NeedsReview);
    }

    #[test]
    fn a_name_with_several_meanings_is_asked_about() {
        let g = ask(
            &["modified-mit"],
            &Situation {
                activity: Use::Service,
                facts: [("mau".to_string(), 1), ("monthly_revenue_usd".to_string(), 1), ("annual_recurring_revenue_usd".to_string(), 1)].into(),
                ..Situation::default()
            },
        );
        assert_eq!(g.level, Level::NeedsReview);
        assert!(codes(&g.ask).contains(&"ambiguous"));
    }

    #[test]
    fn low_confidence_never_makes_a_good_answer() {
        for l in catalogue().rows.iter().filter(|l| l.sure == Sure::Low) {
            for activity in Use::ALL {
                let g = ask(&[l.id], &in_us(activity));
                assert!(g.level >= Level::NeedsReview && g.may.is_empty(), "{} {}", l.id, activity.word());
            }
        }
    }

    #[test]
    fn every_answer_says_that_it_is_no_legal_advice_and_when_the_catalogue_was_made() {
        let g = ask(&["MIT"], &Situation::default());
        for text in [
            super::super::print::text(&g, Lang::En),
            super::super::print::markdown(&g, Lang::En),
            super::super::print::csv(&g, Lang::En),
            serde_json::to_string(&g).expect("JSON"),
        ] {
            assert!(text.contains("not legal advice") && text.contains("2026-11-21"), "{text}");
        }
    }

    #[test]
    fn a_label_that_drifted_is_a_conflict_where_the_model_leaves() {
        let own = Part { doubts: vec!["drift".into()], ..part("MIT") };
        let at = |activity| guide(&[own.clone(), part("llama3.1")], &in_us(activity), Lang::En).level;
        assert_eq!((at(Use::Give), at(Use::Service)), (Level::Conflict, Level::NeedsReview));
        let g = guide(&[own.clone(), part("llama3.1")], &in_us(Use::Give), Lang::En);
        assert!(
            g.clashes[0].text.contains("llama3.1") && g.clashes[0].sources.iter().map(|s| s.licence.as_str()).eq(["MIT", "llama3.1"]),
            "{:?}",
            g.clashes[0]
        );
        let adapter = Part { doubts: vec!["drift-adapter".into()], ..part("MIT") };
        assert_eq!(guide(&[adapter, part("llama3.1")], &in_us(Use::Give), Lang::En).level, Level::NeedsReview);
    }

    #[test]
    fn hostile_names_stay_text() {
        let g = guide(&[Part { name: "a\u{1b}[31m\u{202e}".into(), licence: "<b>".into(), ..Part::default() }], &Situation::default(), Lang::En);
        assert!(!super::super::print::text(&g, Lang::En).contains('\u{1b}'));
        assert!(super::super::print::markdown(&g, Lang::En).contains("\\<b\\>") || !super::super::print::markdown(&g, Lang::En).contains("<b>"));
    }
}
