//! Every sentence of licence guidance, by code and language. A code without its sentence fails a test.

use super::Lang;
use crate::licence::catalogue::Licence;
use crate::licence::compat::{Level, Reason, Relation, Situation, Switch, Use};

/// The sentences of one language.
pub struct Book {
    /// That it is no legal advice; `{date}` is the catalogue's.
    pub disclaimer: &'static str,
    /// A clause that nobody verified.
    pub no_clause: &'static str,
    /// A text that has to be shown word for word, as `{text}`.
    pub quoted: &'static str,
    /// A size: `{metric}`, `{op}` and `{value}`.
    pub measured: &'static str,
    /// Stands between names.
    pub comma: &'static str,
    /// Stands between limits.
    pub pause: &'static str,
    /// What stands against a use or asks for a look: code, sentence, what resolves it.
    pub reasons: &'static [(&'static str, &'static str, &'static str)],
    /// Duties; `{text}` is the string asked for.
    pub duties: &'static [(&'static str, &'static str)],
    /// Fields of use that are ruled out.
    pub limits: &'static [(&'static str, &'static str)],
    /// Questions for facts.
    pub facts: &'static [(&'static str, &'static str)],
    /// Open questions of law.
    pub assumptions: &'static [(&'static str, &'static str)],
    /// What can change.
    pub watch: &'static [(&'static str, &'static str)],
    /// The AI Act's open-source rules.
    pub act: &'static [(&'static str, &'static str)],
    /// What each use is called.
    pub uses: &'static [(&'static str, &'static str)],
    /// What may be done, by use.
    pub may: &'static [(&'static str, &'static str)],
    /// What may be done with code and data, where the use says it for weights.
    pub may_part: &'static str,
    /// The answer, by level.
    pub headlines: &'static [(&'static str, &'static str)],
    /// Headings and labels of printed guidance.
    pub labels: &'static [(&'static str, &'static str)],
    /// The letter to a publisher.
    pub letter: &'static str,
}

/// The book of a language.
pub fn book(lang: Lang) -> &'static Book {
    match lang {
        Lang::En => &super::licence_en::BOOK,
        Lang::Ja => &super::licence_ja::BOOK,
    }
}

// A language that lacks a sentence stops the build; the message is the code of what is missing.
const _: () = {
    use super::covers;
    use super::licence_en::BOOK as EN;
    use super::licence_ja::BOOK as JA;
    covers(JA.duties, EN.duties);
    covers(JA.limits, EN.limits);
    covers(JA.facts, EN.facts);
    covers(JA.assumptions, EN.assumptions);
    covers(JA.watch, EN.watch);
    covers(JA.act, EN.act);
    covers(JA.uses, EN.uses);
    covers(JA.may, EN.may);
    covers(JA.headlines, EN.headlines);
    covers(JA.labels, EN.labels);
};

fn look(table: &'static [(&'static str, &'static str)], code: &str) -> &'static str {
    table.iter().find(|(c, _)| *c == code).map_or("", |(_, t)| t)
}

/// What the licence command understands, as its help says it.
pub fn options() -> &'static str {
    super::licence_en::OPTIONS
}

/// A label.
pub fn label(b: &Book, code: &str) -> &'static str {
    look(b.labels, code)
}

/// What a licence is called in sentences and tables. The Hub's tags for a missing licence and for one of the publisher's own are no names: they are said in words.
pub fn name(b: &Book, l: &Licence) -> &'static str {
    match l.id {
        "hf-unknown" => label(b, "no-licence"),
        "hf-other" => label(b, "own-licence"),
        _ => l.name,
    }
}

/// What a contract in the place of a licence is called; empty for one that is free for any use.
pub fn agreement(b: &Book, l: &Licence) -> String {
    match l.family {
        "permissive" | "public-domain" => String::new(),
        _ if l.is_none() => label(b, "agreement-publisher").into(),
        _ => fill(label(b, "agreement"), &[("licence", l.name.into())]),
    }
}

/// A number with its thousands parted.
pub fn number(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// `metric op value`, in words.
fn measure(b: &Book, what: &str) -> String {
    let mut w = what.split(' ');
    let (metric, op, value) = (w.next().unwrap_or_default(), w.next().unwrap_or_default(), w.next().and_then(|v| v.parse().ok()).unwrap_or(0));
    fill(b.measured, &[("metric", look(b.labels, metric).to_string()), ("op", look(b.labels, op).to_string()), ("value", number(value))]).trim().to_string()
}

/// Codes of limits, in words.
fn limits(b: &Book, codes: &str) -> String {
    let mut out: Vec<String> =
        codes.split(' ').map(|c| look(b.limits, c)).filter(|t| !t.is_empty()).map(|t| t.trim_end_matches(['.', '。']).to_string()).collect();
    let rest = out.len().saturating_sub(4);
    out.truncate(4);
    if rest > 0 {
        out.push(look(b.labels, "and-more").replace("{n}", &rest.to_string()));
    }
    out.join(b.pause)
}

fn fill(text: &str, args: &[(&str, String)]) -> String {
    let mut out = String::with_capacity(text.len() + 64);
    let mut rest = text;
    while let Some(open) = rest.find('{') {
        out.push_str(rest.get(..open).unwrap_or_default());
        let after = rest.get(open..).unwrap_or_default();
        let Some(close) = after.find('}') else {
            rest = after;
            break;
        };
        let key = after.get(1..close).unwrap_or_default();
        match args.iter().find(|(k, _)| *k == key) {
            Some((_, v)) => out.push_str(v),
            None => out.push_str(after.get(..=close).unwrap_or_default()),
        }
        rest = after.get(close + 1..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

/// The sentence of a reason, and what resolves it.
pub fn reason(b: &'static Book, r: &Reason, l: Option<&Licence>, part: &str) -> (String, String) {
    let other = r.other.and_then(|(id, _)| crate::licence::catalogue::by_id(id));
    let mut prefixes = r.what.split('\n');
    let args = [
        ("licence", l.map_or_else(|| r.what.clone(), |l| name(b, l).to_string())),
        ("other", other.map_or_else(String::new, |o| name(b, o).to_string())),
        ("part", part.to_string()),
        ("named", if r.what.is_empty() || r.what == part { String::new() } else { format!(" ({})", fill(b.quoted, &[("text", r.what.clone())])) }),
        ("what", r.what.clone()),
        ("measure", measure(b, &r.what)),
        ("limits", limits(b, &r.what)),
        ("kinds", r.what.split(' ').map(|k| look(b.labels, k)).filter(|k| !k.is_empty()).collect::<Vec<_>>().join(b.comma)),
        ("scope", look(b.labels, &r.what).to_string()),
        ("p", prefixes.next().unwrap_or_default().to_string()),
        ("q", prefixes.next().unwrap_or_default().to_string()),
        ("label", crate::licence::catalogue::by_id(&r.what).map_or_else(|| r.what.clone(), |o| name(b, o).to_string())),
    ];
    plain(b, r.code, &args)
}

/// The sentence of a code with arguments.
pub fn plain(b: &'static Book, code: &str, args: &[(&str, String)]) -> (String, String) {
    let (text, resolve) = b.reasons.iter().find(|(c, _, _)| *c == code).map_or(("", ""), |(_, t, r)| (t, r));
    (fill(text, args), fill(resolve, args))
}

/// The sentence of a duty.
pub fn duty(b: &'static Book, code: &str, text: &str, l: &Licence) -> String {
    let shown = if text.is_empty() { look(b.labels, "what-it-asks").to_string() } else { fill(b.quoted, &[("text", text.to_string())]) };
    fill(look(b.duties, code), &[("text", shown), ("licence", name(b, l).to_string())])
}

/// The sentence of a limit.
pub fn limit(b: &'static Book, code: &str) -> String {
    look(b.limits, code).to_string()
}

/// The question for a fact.
pub fn fact(b: &'static Book, name: &str) -> String {
    look(b.facts, name).to_string()
}

/// An open question of law.
pub fn assumption(b: &'static Book, name: &str) -> String {
    look(b.assumptions, name).to_string()
}

/// What can change.
pub fn watch(b: &'static Book, kind: &str) -> String {
    look(b.watch, kind).to_string()
}

/// What the AI Act's open-source rules make of it.
pub fn act(b: &'static Book, code: &str) -> String {
    look(b.act, code).to_string()
}

/// What a use is called.
pub fn usage(b: &'static Book, activity: Use) -> &'static str {
    look(b.uses, activity.word())
}

/// What may be done.
pub fn may(b: &'static Book, activity: Use, relation: Relation) -> String {
    if matches!(relation, Relation::Weights | Relation::Outputs) { look(b.may, activity.word()).to_string() } else { b.may_part.to_string() }
}

/// The answer in one sentence.
pub fn headline(b: &'static Book, level: Level, s: &Situation, parts: usize) -> String {
    if parts == 0 {
        return look(b.headlines, "nothing").to_string();
    }
    fill(look(b.headlines, level.word()), &[("use", usage(b, s.activity).to_string())])
}

/// A switch as a word of the interface.
pub fn switch(s: Switch) -> &'static str {
    match s {
        Switch::Yes => "yes",
        Switch::No => "no",
        Switch::Open => "open",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::licence::catalogue::catalogue;

    #[test]
    fn every_code_has_its_words_and_every_word_a_code() {
        for b in Lang::ALL.map(book) {
            check(b);
        }
    }

    fn check(b: &'static Book) {
        for l in &catalogue().rows {
            for d in &l.duties {
                assert!(!look(b.duties, d.does).is_empty(), "{}: no words for the duty {}", l.id, d.does);
            }
            for c in &l.limits {
                assert!(!look(b.limits, c).is_empty(), "{}: no words for the limit {c}", l.id);
            }
            for g in &l.gates {
                let metric = g.metric.trim_start_matches("maas_");
                if metric != "business_type" {
                    assert!(!look(b.facts, metric).is_empty() && !look(b.labels, metric).is_empty(), "{}: no words for {metric}", l.id);
                }
                for k in &g.kinds {
                    assert!(!look(b.labels, k).is_empty(), "{}: no words for {k}", l.id);
                }
            }
            assert!(!look(b.act, l.act_reason).is_empty(), "{}: no words for {}", l.id, l.act_reason);
        }
        let codes = include_str!("../licence/compat.rs");
        let product = codes.split("#[cfg(test)]").next().unwrap_or_default();
        for (code, text, resolve) in b.reasons {
            assert!(product.contains(&format!("\"{code}\"")) || *code == "ambiguous" || code.starts_with("doubt"), "words for {code}, which nothing says");
            assert!(text.ends_with(['.', '。']) && (resolve.is_empty() || resolve.ends_with(['.', '。'])), "{code}");
        }
        for u in Use::ALL {
            assert!(!usage(b, u).is_empty() && !look(b.may, u.word()).is_empty(), "{}", u.word());
        }
        for (name, _) in crate::licence::compat::ASSUMPTIONS {
            assert!(!look(b.assumptions, name).is_empty(), "{name}");
        }
    }

    /// Every sentence of a language, with its code.
    fn sentences(b: &'static Book) -> Vec<(&'static str, &'static str)> {
        let mut out = vec![
            ("disclaimer", b.disclaimer),
            ("no_clause", b.no_clause),
            ("quoted", b.quoted),
            ("measured", b.measured),
            ("may_part", b.may_part),
            ("letter", b.letter),
        ];
        out.extend(b.reasons.iter().flat_map(|(code, text, resolve)| [(*code, *text), (*code, *resolve)]));
        for table in [b.duties, b.limits, b.facts, b.assumptions, b.watch, b.act, b.uses, b.may, b.headlines, b.labels] {
            out.extend(table);
        }
        out
    }

    #[test]
    fn every_language_says_the_same_with_the_same_arguments() {
        let braced = |text: &'static str| text.split('{').skip(1).filter_map(|t| t.split('}').next()).collect::<std::collections::BTreeSet<&str>>();
        let japanese = |c: char| matches!(c, '\u{3040}'..='\u{30ff}' | '\u{4e00}'..='\u{9fff}');
        let (en, ja) = (sentences(book(Lang::En)), sentences(book(Lang::Ja)));
        assert_eq!(en.len(), ja.len());
        for ((code, one), (same, other)) in en.into_iter().zip(ja) {
            assert_eq!((code, one.is_empty()), (same, other.is_empty()));
            assert!(braced(one) == braced(other), "{code} is filled with {:?} and {:?}", braced(one), braced(other));
            assert!(other.is_empty() || matches!(code, "quoted" | "measured") || other.contains(japanese), "{code}: {other}");
        }
        // What stands in braces goes away, so do names; what is left in Latin letters was forgotten.
        for (code, text) in sentences(book(Lang::Ja)).into_iter().filter(|(code, _)| *code != "letter") {
            let left: String = text.split('{').map(|t| t.split_once('}').map_or(t, |(_, rest)| rest)).collect();
            let forgotten: Vec<&str> =
                left.split(|c: char| !c.is_ascii_alphanumeric()).filter(|w| w.starts_with(|c: char| c.is_ascii_lowercase()) && *w != "other").collect();
            assert!(forgotten.is_empty(), "{code}: {forgotten:?}");
        }
    }

    #[test]
    fn numbers_are_parted_by_thousands() {
        assert_eq!(number(700_000_000), "700,000,000");
        assert_eq!(number(12), "12");
    }

    #[test]
    fn arguments_are_filled_once() {
        assert_eq!(fill("{a} {b} {c", &[("a", "{b}".into()), ("b", "x".into())]), "{b} x {c");
    }
}
