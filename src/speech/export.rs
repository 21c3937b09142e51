//! The words of exports, verification and comparison, by language: plain fields, so that a language without one of them does not compile.

use super::Lang;
use crate::report::{Severity, Standing, Used};
use crate::verdict::Verdict;

/// The words of one language. Sentences name what they are filled with in braces.
pub struct Book {
    /// BCP 47 tag.
    pub tag: &'static str,
    /// Verdicts: nothing found, not fully checked, suspicious, dangerous.
    pub verdicts: [&'static str; 4],
    /// Weights of findings, the lightest first.
    pub severities: [&'static str; 5],
    /// What is done with an import: named, called, given a state.
    pub uses: [&'static str; 3],
    /// What is known of an import: expected, nothing, dangerous.
    pub standings: [&'static str; 3],
    /// Title of a report.
    pub report: &'static str,
    /// Heading: what to do.
    pub to_do: &'static str,
    /// Heading: findings.
    pub findings: &'static str,
    /// Heading: the files.
    pub files: &'static str,
    /// Heading: findings about several files.
    pub folder: &'static str,
    /// Heading: imports.
    pub imports: &'static str,
    /// Heading: metadata.
    pub metadata: &'static str,
    /// Heading: licence.
    pub licence: &'static str,
    /// What files declare about their licence.
    pub declared: &'static str,
    /// Licence texts that were found.
    pub found: &'static str,
    /// Label: tensors.
    pub tensors: &'static str,
    /// Label: parameters.
    pub parameters: &'static str,
    /// Column: file.
    pub file: &'static str,
    /// Column: verdict.
    pub verdict: &'static str,
    /// Column: size in bytes.
    pub size: &'static str,
    /// Column: format.
    pub format: &'static str,
    /// Column: weight.
    pub severity: &'static str,
    /// Column: rule.
    pub rule: &'static str,
    /// Column: what a finding says.
    pub message: &'static str,
    /// Column: how often.
    pub count: &'static str,
    /// Column: member of a container.
    pub member: &'static str,
    /// Column: offset in the member.
    pub offset: &'static str,
    /// Column: length in bytes.
    pub length: &'static str,
    /// Column: offset in the file.
    pub file_offset: &'static str,
    /// Column: what an import is used for.
    pub usage: &'static str,
    /// Column: what is known of an import.
    pub standing: &'static str,
    /// Column: key.
    pub key: &'static str,
    /// Column: value.
    pub value: &'static str,
    /// Column: instruction of a listing.
    pub instruction: &'static str,
    /// Column: argument of a listing.
    pub argument: &'static str,
    /// Column: what an instruction means.
    pub means: &'static str,
    /// Why a finding matters.
    pub why: &'static str,
    /// What to do about a finding.
    pub fix: &'static str,
    /// Weakness ids and the like.
    pub refs: &'static str,
    /// What was not looked at.
    pub not_checked: &'static str,
    /// `{n}` bytes.
    pub bytes: &'static str,
    /// A place: `{at}`, `{n}` bytes.
    pub place: &'static str,
    /// A place that has an offset in the file, too: `{at}`, `{n}`, `{file_at}`.
    pub place_in_file: &'static str,
    /// `{n}` more that are not shown.
    pub more: &'static str,
    /// How many files have which verdict: `{files}` `{dangerous}` `{suspicious}` `{incomplete}` `{clear}`.
    pub summary: &'static str,
    /// What a report is and is not.
    pub about: &'static str,
    /// `{tool}` and `{rules}` that made it.
    pub made_by: &'static str,
    /// No licence was named or found.
    pub no_licence: &'static str,
    /// More results than a format holds: `{n}` were left out.
    pub left_out: &'static str,
    /// Results of a verification by their ids.
    pub checks: [(&'static str, &'static str); 5],
    /// Why something could not be compared, or is not the same, by id.
    pub reasons: [(&'static str, &'static str); 8],
    /// What a verification comes to: everything matches, something differs, something could not be compared, there is nothing to compare.
    pub verified: [&'static str; 4],
    /// What a digest should be.
    pub expected: &'static str,
    /// What it is.
    pub actual: &'static str,
    /// Title of a comparison.
    pub comparison: &'static str,
    /// What a comparison comes to: nothing changed, nothing worse, something worse; `{n}` changes.
    pub compared: [&'static str; 3],
    /// A finding in a change: `{rule}` `{name}` `{severity}`.
    pub changed_finding: &'static str,
    /// Changes by id; `{name}`, `{before}`, `{after}`.
    pub changes: [(&'static str, &'static str); 24],
}

/// The book of a language.
pub fn book(lang: Lang) -> &'static Book {
    match lang {
        Lang::En => &super::export_en::BOOK,
        Lang::Ja => &super::export_ja::BOOK,
    }
}

impl Book {
    /// The word of a verdict.
    pub fn verdict(&self, v: Verdict) -> &'static str {
        let [clear, incomplete, suspicious, dangerous] = self.verdicts;
        match v {
            Verdict::Clear => clear,
            Verdict::Incomplete => incomplete,
            Verdict::Suspicious => suspicious,
            Verdict::Dangerous => dangerous,
        }
    }

    /// The word of a weight.
    pub fn severity(&self, s: Severity) -> &'static str {
        let [info, low, medium, high, critical] = self.severities;
        match s {
            Severity::Info => info,
            Severity::Low => low,
            Severity::Medium => medium,
            Severity::High => high,
            Severity::Critical => critical,
        }
    }

    /// What is done with an import.
    pub fn usage(&self, u: Used) -> &'static str {
        let [imported, called, built] = self.uses;
        match u {
            Used::Imported => imported,
            Used::Called => called,
            Used::Built => built,
        }
    }

    /// What is known of an import.
    pub fn standing(&self, s: Standing) -> &'static str {
        let [expected, unknown, dangerous] = self.standings;
        match s {
            Standing::Expected => expected,
            Standing::Unknown => unknown,
            Standing::Dangerous => dangerous,
        }
    }
}

/// The sentence of an id.
pub fn sentence(table: &[(&'static str, &'static str)], id: &str) -> &'static str {
    table.iter().find(|(k, _)| *k == id).map_or("", |(_, s)| s)
}

/// Puts named values into a sentence, each once: what a value holds is not looked at again.
pub fn put(sentence: &str, values: &[(&str, &str)]) -> String {
    let mut out = String::with_capacity(sentence.len() + 24);
    let mut rest = sentence;
    while let Some((before, from)) = rest.split_once('{') {
        out.push_str(before);
        let Some((name, after)) = from.split_once('}') else { break };
        out.push_str(values.iter().find(|(k, _)| *k == name).map_or("", |(_, v)| v));
        rest = after;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_has_the_same_ids_with_the_same_arguments() {
        let braced = |text: &'static str| text.split('{').skip(1).filter_map(|t| t.split('}').next()).collect::<std::collections::BTreeSet<&str>>();
        let en = book(Lang::En);
        for lang in Lang::ALL {
            let b = book(lang);
            assert_eq!(b.tag, lang.tag());
            for (one, other) in en.checks.iter().zip(&b.checks).chain(en.reasons.iter().zip(&b.reasons)).chain(en.changes.iter().zip(&b.changes)) {
                assert_eq!((one.0, braced(one.1)), (other.0, braced(other.1)));
            }
            let filled = |b: &'static Book| {
                [b.bytes, b.place, b.place_in_file, b.more, b.summary, b.made_by, b.left_out, b.compared[0], b.compared[1], b.compared[2], b.changed_finding]
                    .map(braced)
            };
            assert_eq!(filled(en), filled(b));
        }
    }
}
