//! Which licence a text is. Two ways that fail differently are held against each other: phrases that only one licence has (blind to nothing but edits inside of
//! a phrase), and the share of a licence's word pairs that the text has (blind to a single word that turns the meaning round). Near twins are decided by
//! phrases and never by a share: "BY" and "BY-NC" are 98 % alike. A short permissive text must leave nothing over that limits anybody, because
//! the licences that are made by adding a sentence to MIT or Apache-2.0 are no longer MIT or Apache-2.0.
//!
//! The word pairs are hashes (`prints.txt`): every pair of short permissive texts and of those that models are given out under most, one in two of other
//! permissive ones, one in eight of the rest.
//!
//! # Why not
//! *A threshold on the share alone*, as askalono and cargo-deny have it (0.8): four model licences with a limit on revenue or use pass it as MIT or Apache-2.0.

use super::catalogue::{Licence, Row, catalogue};
use super::normal::{Normal, Word, hash, normal, pair, phrase};
use crate::table::{Table, table};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::OnceLock;

static PRINTS: Table = table!("licence/prints.txt");

/// Bytes of a text that are looked at.
pub const LONGEST: usize = 256 * 1024;

/// More licences than this in one text are a list of licences.
const LIST: usize = 6;

/// Words around a permissive text that are read with it: riders stand before as often as behind.
const AROUND: usize = 120;

/// Words at the head of a text among which its title stands, and words that a text with a title has.
const TITLE: usize = 60;
const TITLED: usize = 120;

/// Pairs in a row that are no chance.
const RUN: usize = 3;

/// Bits of a pair's hash that are kept.
const BITS: u32 = 0x00ff_ffff;

/// How a licence was recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// Its text, whole.
    Text,
    /// A part of its text, or its text with other text missing.
    Part,
    /// Its text with something added that limits, or reworded: no longer it.
    Altered,
    /// A damaged text of one of several versions.
    Version,
}

/// A licence in a text.
#[derive(Clone, Debug)]
pub struct Hit {
    /// The row; for [`How::Version`] the likeliest.
    pub row: &'static Licence,
    /// Rows that are as likely.
    pub or: Vec<&'static Licence>,
    /// How it was recognised.
    pub how: How,
    /// Share of its text that is there, in hundredths; `None` where no print of it is kept.
    pub score: Option<u8>,
    /// What was left over and limits, as it stands in the text.
    pub residue: String,
    /// Offset of the first word that belongs to it.
    pub at: usize,
    /// Bytes from there to the last.
    pub len: usize,
}

/// What was found in a text.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// Licences, in the order of the text.
    pub hits: Vec<Hit>,
    /// Short statements such as "Licensed under the Apache License, Version 2.0": (id, offset, length).
    pub headers: Vec<(String, usize, usize)>,
    /// Letters of other alphabets stood for Latin ones.
    pub folded: bool,
    /// So many licences that the text is a list of them.
    pub list: bool,
    /// It reads like terms, and no row has them.
    pub unknown: bool,
}

/// A set of hashes: a bitmap says of nearly all others that they are not in it, a sorted list says it of the rest.
struct Hashes {
    bits: Vec<u64>,
    sorted: Vec<u32>,
}

impl Hashes {
    fn of(hashes: impl Iterator<Item = u32>) -> Hashes {
        let mut sorted: Vec<u32> = hashes.collect();
        sorted.sort_unstable();
        sorted.dedup();
        let mut bits = vec![0u64; 1024];
        for h in &sorted {
            if let Some(b) = bits.get_mut(*h as usize >> 6 & 1023) {
                *b |= 1 << (h & 63);
            }
        }
        Hashes { bits, sorted }
    }

    fn has(&self, h: u32) -> bool {
        self.bits.get(h as usize >> 6 & 1023).is_some_and(|b| b >> (h & 63) & 1 == 1) && self.sorted.binary_search(&h).is_ok()
    }
}

/// The pairs of one licence, in ascending order.
struct Print {
    row: usize,
    every: u32,
    pairs: Vec<u32>,
}

impl Print {
    fn has(&self, h: u32) -> bool {
        h.is_multiple_of(self.every) && self.pairs.binary_search(&h).is_ok()
    }
}

/// What a phrase is to its row.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Text(usize),
    But,
    Hint(usize),
    Header,
}

struct Phrase {
    words: Vec<u32>,
    row: usize,
    role: Role,
}

struct Tables {
    prints: Vec<Print>,
    phrases: Vec<Phrase>,
    /// First words of the phrases, with the phrases that they begin.
    by_first: Vec<(u32, usize)>,
    firsts: Hashes,
    strong: Hashes,
    turning: Hashes,
    strong_runs: Vec<Vec<u32>>,
    harmless: Vec<Vec<u32>>,
    /// First words of both.
    run_firsts: Hashes,
    terms: Hashes,
    /// Rows whose phrases are names and prove no text.
    bare: Vec<usize>,
    /// Rows without a print whose phrases are names: at the head of a text they are its title, elsewhere they only speak of the licence.
    titles: Vec<usize>,
}

/// Short statements that name a licence without its text.
const HEADERS: &[(&str, &str)] = &[
    ("Licensed under the Apache License, Version 2.0", "Apache-2.0"),
    ("subject to the terms of the Mozilla Public License, v. 2.0", "MPL-2.0"),
    ("GNU General Public License as published by the Free Software Foundation, either version 3 of the License", "GPL-3.0"),
    ("GNU General Public License as published by the Free Software Foundation; either version 3 of the License", "GPL-3.0"),
    ("GNU General Public License as published by the Free Software Foundation; either version 2 of the License", "GPL-2.0-or-later"),
    ("GNU General Public License as published by the Free Software Foundation, either version 2 of the License", "GPL-2.0-or-later"),
    ("GNU General Public License version 2 as published by the Free Software Foundation", "GPL-2.0"),
    ("GNU Lesser General Public License as published by the Free Software Foundation; either version 2.1 of the License", "LGPL-2.1"),
    ("GNU Lesser General Public License as published by the Free Software Foundation, either version 3 of the License", "LGPL-3.0"),
    ("GNU Affero General Public License as published by the Free Software Foundation, either version 3 of the License", "AGPL-3.0"),
    ("GNU Affero General Public License as published by the Free Software Foundation; either version 3 of the License", "AGPL-3.0"),
    ("released under the MIT License", "MIT"),
    ("licensed under the MIT License", "MIT"),
    ("released under the Apache 2.0 license", "Apache-2.0"),
    ("licensed under the Apache 2.0 license", "Apache-2.0"),
    ("Licensed under the EUPL", "EUPL-1.2"),
    ("under the Creative Commons Attribution-NonCommercial 4.0 International", "CC-BY-NC-4.0"),
    ("under a Creative Commons Attribution-NonCommercial 4.0 International", "CC-BY-NC-4.0"),
    ("under a Creative Commons Attribution 4.0 International", "CC-BY-4.0"),
    ("under the Creative Commons Attribution 4.0 International", "CC-BY-4.0"),
    ("under a Creative Commons Attribution-ShareAlike 4.0 International", "CC-BY-SA-4.0"),
    ("under a Creative Commons Attribution-NonCommercial-ShareAlike 4.0 International", "CC-BY-NC-SA-4.0"),
];

/// Addresses of licences: (part of the address, id).
const ADDRESSES: &[(&str, &str)] = &[
    ("apache.org/licenses/license-2.0", "Apache-2.0"),
    ("opensource.org/licenses/mit", "MIT"),
    ("opensource.org/license/mit", "MIT"),
    ("opensource.org/licenses/bsd-3-clause", "BSD-3-Clause"),
    ("creativecommons.org/publicdomain/zero/1.0", "CC0-1.0"),
    ("ai.google.dev/gemma/terms", "gemma"),
    ("llama.com/llama3_1/license", "llama3.1"),
    ("llama.com/llama3_2/license", "llama3.2"),
    ("llama.com/llama3_3/license", "llama3.3"),
    ("llama.com/llama4/license", "llama4"),
    ("llama.meta.com/llama3/license", "llama3"),
    ("gnu.org/licenses/gpl-3.0", "GPL-3.0"),
    ("gnu.org/licenses/agpl-3.0", "AGPL-3.0"),
    ("gnu.org/licenses/lgpl-3.0", "LGPL-3.0"),
    ("mozilla.org/en-us/mpl/2.0", "MPL-2.0"),
    ("huggingface.co/spaces/compvis/stable-diffusion-license", "creativeml-openrail-m"),
    ("huggingface.co/spaces/bigscience/license", "bigscience-bloom-rail-1.0"),
    ("huggingface.co/spaces/bigcode/bigcode-model-license-agreement", "bigcode-openrail-m"),
    ("nvidia.com/en-us/agreements/enterprise-software/nvidia-open-model-license", "nvidia-open-model-license"),
    ("developer.download.nvidia.com/licenses/nvidia-open-model-license", "nvidia-open-model-license"),
];

/// Words that limit who may do what, wherever they stand beside a permissive text.
const STRONG: &str = "commercial commercially noncommercial revenue revenues monthly million billion military weapons weapon warfare nuclear prominently evil harm harmful unethical surveillance prohibited forbidden prohibits \
    compete competing competitor competitive saas nonprofit subscription threshold illegal unlawful terrorism torture oppression slavery fossil abuse abusive disinformation deepfake impersonate medical clinical \
    must shall require required needs obliged mandatory cannot restricted royalty royalties fee fees pay payment purchase purchased watermark individuals \
    kommerziell kommerzielle kommerziellen gestattet untersagt verboten interdit interdite commerciale commerciales comercial comerciales prohibido prohibida permite vietato vietata proibido proibida";

/// Runs of letters that do, in the scripts that are written without spaces.
const STRONG_SIGNS: &[&str] =
    &["商用", "商业", "商業", "営利", "禁止", "不得", "仅供", "仅限", "僅供", "只能", "限り", "研究目的", "상업", "금지", "비영리", "연구"];

/// Runs of words that do.
const STRONG_RUNS: &[&str] = &[
    "research purposes", "research purpose", "research use", "research only", "academic use", "academic purposes", "academic research", "educational purposes",
    "active users", "hosted service", "hosting service", "managed service", "human rights", "separate agreement", "separate license", "acceptable use",
    "use policy", "personal use", "internal use", "European Union", "may not use", "not be used for", "shall not use", "need to", "have to", "has to",
    "contact us", "may not be", "not be modified", "does not extend", "do not extend", "does not apply", "you must", "you shall", "you may not", "you agree",
    "must not", "is required to", "are required to", "must include", "must display", "must credit", "user interface", "additional terms",
    "additional condition", "additional conditions", "additional restriction", "additional restrictions", "additional requirement", "additional requirements",
    "following restrictions", "only modification", "is not permitted", "are not permitted", "not allowed", "written permission", "prior written",
    "exclusive of", "shall not apply", "does not include the right", "does not permit",
];

/// Rewordings of permissive texts that limit nobody further.
const HARMLESS: &[&str] = &[
    "may not be used to endorse or promote products",
    "must not be used to endorse or promote products",
    "Unless required by applicable law or agreed to in writing",
    "without fee",
    "nor may the names",
    "you may not use this file except in compliance with the License",
    "Everyone is permitted to copy and distribute verbatim copies of this license document, but changing it is not allowed",
    "for any purpose with or without fee is hereby granted",
    "shall not be used in advertising or otherwise to promote the sale, use or other dealings",
    "may not be used in advertising",
    "not be misrepresented",
    "must not claim",
    "this permission notice (including the next paragraph)",
    "indicate their copyright solely in the commit message",
    "but only in their entirety and only with respect to the Combined Software",
    "but only in their entirety",
    "nor those of",
    "nor the name",
    "nor its affiliates",
    "nor its employees",
];

/// Words that turn a sentence round, inside of a permissive text.
const TURNING: &str = "not only except unless solely never must cannot nor exclusively personal individual";

/// Words of a text that gives or takes permission.
const TERMS: &str =
    "license licensed licensor licensee agreement terms grant granted hereby permission copyright liability warranty distribute redistribution derivative";

fn set(words: &str) -> Hashes {
    Hashes::of(words.split_whitespace().map(hash))
}

fn tables() -> &'static Tables {
    static CELL: OnceLock<Tables> = OnceLock::new();
    CELL.get_or_init(|| {
        let rows = &catalogue().rows;
        let strong_runs: Vec<Vec<u32>> = STRONG_RUNS.iter().map(|r| phrase(r)).collect();
        let harmless: Vec<Vec<u32>> = HARMLESS.iter().map(|r| phrase(r)).collect();
        let mut out = Tables {
            prints: PRINTS.text().lines().filter_map(|line| print(line, rows)).collect(),
            phrases: Vec::new(),
            by_first: Vec::new(),
            firsts: Hashes::of(std::iter::empty()),
            strong: set(STRONG),
            turning: set(TURNING),
            run_firsts: Hashes::of(strong_runs.iter().chain(&harmless).filter_map(|r| r.first().copied())),
            strong_runs,
            harmless,
            terms: set(TERMS),
            bare: Vec::new(),
            titles: Vec::new(),
        };
        for (row, l) in rows.iter().enumerate() {
            row_phrases(&mut out, row, l);
        }
        for (text, id) in HEADERS {
            if let Some(row) = rows.iter().position(|l| l.id == *id) {
                out.phrases.push(Phrase { words: phrase(text), row, role: Role::Header });
            }
        }
        out.by_first = out.phrases.iter().enumerate().filter_map(|(n, p)| Some((*p.words.first()?, n))).collect();
        out.by_first.sort_unstable();
        out.firsts = Hashes::of(out.by_first.iter().map(|f| f.0));
        out
    })
}

/// The phrases of a row, as they are written: most rows are never asked for anything else.
fn row_phrases(out: &mut Tables, row: usize, l: &Row) {
    let (mut words, mut texts, mut hints, mut named) = (0, 0, 0, true);
    for (key, value) in &l.lines {
        let role = match *key {
            "text" => {
                texts += 1;
                named &= ["licen", "agreement"].iter().any(|w| value.to_ascii_lowercase().contains(w));
                Role::Text(texts - 1)
            }
            "but" => Role::But,
            "hint" => {
                hints += 1;
                Role::Hint(hints - 1)
            }
            _ => continue,
        };
        let p = phrase(value);
        if matches!(role, Role::Text(_)) {
            words += p.len();
        }
        out.phrases.push(Phrase { words: p, row, role });
    }
    // A name alone does not make a text.
    let printed = out.prints.iter().any(|p| p.row == row);
    if words < 6 && printed {
        out.bare.push(row);
    }
    if words < 8 && !printed && named {
        out.titles.push(row);
    }
}

/// A line of `prints.txt`: id, one in how many pairs, the pairs in base 64.
fn print(line: &str, rows: &[Row]) -> Option<Print> {
    let mut cells = line.split(' ');
    let (id, every, data) = (cells.next()?, cells.next()?, cells.next()?);
    let row = rows.iter().position(|l| l.id == id)?;
    let digit = |b: u8| VALUES.get(usize::from(b)).map_or(0, |v| u32::from(*v));
    let (four, _) = data.as_bytes().as_chunks::<4>();
    let pairs = four.iter().map(|[a, b, c, d]| digit(*a) << 18 | digit(*b) << 12 | digit(*c) << 6 | digit(*d)).collect();
    Some(Print { row, every: every.parse().ok().filter(|n| *n > 0)?, pairs })
}

const SIXTY_FOUR: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// What each byte stands for in [`SIXTY_FOUR`].
const VALUES: [u8; 256] = {
    let mut out = [0; 256];
    let mut n = 0u8;
    let mut rest: &[u8] = SIXTY_FOUR;
    while let [b, behind @ ..] = rest {
        out[*b as usize] = n;
        n += 1;
        rest = behind;
    }
    out
};

#[derive(Default)]
struct Seen {
    text: HashSet<usize>,
    hints: HashSet<usize>,
    but: bool,
    first: usize,
    last: usize,
}

/// Licences whose text must leave nothing over that limits.
fn is_permissive(l: &Licence) -> bool {
    matches!(l.family, "permissive" | "public-domain")
}

impl Seen {
    fn at(&mut self, from: usize, to: usize) {
        self.first = if self.last == 0 { from } else { self.first.min(from) };
        self.last = self.last.max(to);
    }
}

/// Hashes of the pairs of a text, without the lines of holders, with the words that they join.
fn pairs(n: &Normal) -> Vec<(u32, usize, usize)> {
    let own: Vec<usize> = n.words.iter().enumerate().filter(|(_, w)| !w.holder).map(|(i, _)| i).collect();
    own.windows(2)
        .filter_map(|w| {
            let &[a, b] = w else { return None };
            Some((pair(n.words.get(a)?.hash, n.words.get(b)?.hash) & BITS, a, b))
        })
        .collect()
}

/// Looks for licences in a text.
pub fn find(text: &str) -> Found {
    let mut end = text.len().min(LONGEST);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let text = text.get(..end).unwrap_or_default();
    let t = tables();
    let rows = &catalogue().rows;
    let n = normal(text);
    let mut out = Found { folded: n.folded, ..Found::default() };
    let mut seen: BTreeMap<usize, Seen> = BTreeMap::new();
    phrases(t, &n, &mut seen, &mut out);
    addresses(text, &mut out);
    let pairs = pairs(&n);
    let doc = Doc::new(t, &n, &pairs);
    let share = |row: usize| doc.best.get(&row).map(|(_, s)| *s);
    let mut taken: Vec<(usize, How, Option<f32>)> = Vec::new();
    let mut barred: Vec<(usize, How, Option<f32>)> = Vec::new();
    for (row, s) in &seen {
        let l = &rows[*row];
        let whole = !l.text.is_empty() && s.text.len() == l.text.len() && !s.but;
        let share = share(*row);
        // Where much of a print is there, it says better than two runs of words which version this is.
        let hinted = s.hints.len() >= 2 && l.hints_unique && !s.but && share.is_none_or(|s| s < 0.5);
        if whole && s.hints.is_empty() && t.titles.contains(row) && !(s.first < TITLE && n.words.len() >= TITLED) {
            let (at, to) = span(&n, s.first, s.last.saturating_sub(1));
            out.headers.push((l.id.to_string(), at, to - at));
            continue;
        }
        let bar = if t.bare.contains(row) { 0.75 } else { 0.25 };
        if (whole && share.is_none_or(|s| s >= bar)) || (hinted && share.is_none_or(|s| s >= 0.25)) {
            let entire = share.map_or(whole, |s| s >= 0.9);
            taken.push((*row, if entire { How::Text } else { How::Part }, share));
        } else if s.but && s.text.len() == l.text.len() && share.is_some_and(|s| s >= 0.75) {
            barred.push((*row, How::Altered, share));
        }
    }
    drop_nested(&mut taken, pairs.len(), &doc);
    // A licence that holds another one is what stands there if its own words do: the terms of a source-available licence quote the MIT licence that it turns into.
    let inner: Vec<usize> = taken
        .iter()
        .map(|x| x.0)
        .filter(|_| taken.len() <= LIST)
        .filter(|x| doc.best.keys().any(|row| !seen.get(row).is_some_and(|s| s.but) && doc.holds(*row, *x)))
        .collect();
    taken.retain(|x| !inner.contains(&x.0));
    let likely = damaged(&doc, &seen, &inner);
    let best = taken.iter().filter_map(|x| x.2).fold(0.0f32, f32::max);
    let mut damaged = Some(likely).filter(|d| d.first().is_some_and(|d| d.1 >= best + 0.1)).filter(|d| !taken.iter().any(|x| d.iter().any(|d| d.0 == x.0)));
    // A known text with the words that make another licence of it: the one that was recognised by them, or one that nobody knows. What only fits less well is not it.
    crate::order::sort_by(&mut barred, |a, b| doc.score(b.0).total_cmp(&doc.score(a.0)).then(a.0.cmp(&b.0)));
    let fits = damaged.as_deref().and_then(<[(usize, f32)]>::first).map_or(0.0, |d| doc.score(d.0));
    if let Some(b) = barred.first().filter(|b| doc.score(b.0) > fits) {
        damaged = None;
        // A clause stands beside a licence and is none itself.
        if taken.iter().all(|x| rows[x.0].id == "Commons-Clause") {
            taken.push(*b);
        }
    }
    let mut there: Vec<usize> = taken.iter().map(|x| x.0).collect();
    there.extend(damaged.iter().flatten().map(|x| x.0));
    let reading = Reading::new(t, text, &doc, &seen, &there, taken.len() + usize::from(damaged.is_some()) == 1);
    if let Some(((row, share), or)) = damaged.as_deref().and_then(<[(usize, f32)]>::split_first) {
        let how = if or.is_empty() { How::Part } else { How::Version };
        if let Some(mut hit) = reading.hit(&rows[*row], *row, how, Some(*share)) {
            hit.or = or.iter().filter_map(|o| rows.get(o.0)).map(|row| &**row).collect();
            out.hits.push(hit);
        }
    }
    out.hits.extend(taken.iter().filter_map(|x| reading.hit(&rows[x.0], x.0, x.1, x.2)));
    crate::order::sort_by_key(&mut out.hits, |h| h.at);
    out.list = out.hits.len() > LIST;
    own_headers(&mut out);
    let terms = n.words.iter().filter(|w| t.terms.has(w.hash)).count();
    out.unknown = out.hits.is_empty() && out.headers.is_empty() && n.words.len() >= 40 && terms * 50 >= n.words.len();
    out
}

fn phrases(t: &Tables, n: &Normal, seen: &mut BTreeMap<usize, Seen>, out: &mut Found) {
    for (i, w) in n.words.iter().enumerate() {
        if !t.firsts.has(w.hash) {
            continue;
        }
        let from = t.by_first.partition_point(|f| f.0 < w.hash);
        for p in t.by_first.iter().skip(from).take_while(|f| f.0 == w.hash).filter_map(|f| t.phrases.get(f.1)) {
            let fits = n.words.get(i..i + p.words.len()).is_some_and(|run| run.iter().zip(&p.words).all(|(a, b)| a.hash == *b));
            if !fits {
                continue;
            }
            let last = i + p.words.len() - 1;
            if p.role == Role::Header {
                let (from, to) = span(n, i, last);
                out.headers.push((catalogue().rows[p.row].id.to_string(), from, to - from));
                continue;
            }
            let s = seen.entry(p.row).or_default();
            match p.role {
                Role::Text(k) => {
                    s.text.insert(k);
                    s.at(i, last + 1);
                }
                Role::Hint(k) => {
                    s.hints.insert(k);
                    s.at(i, last + 1);
                }
                Role::But => s.but = true,
                Role::Header => {}
            }
        }
    }
}

fn span(n: &Normal, first: usize, last: usize) -> (usize, usize) {
    let from = n.words.get(first).map_or(0, |w| w.at as usize);
    (from, n.words.get(last).map_or(from, |w| w.end as usize).max(from))
}

/// Addresses and SPDX tags.
fn addresses(text: &str, out: &mut Found) {
    let lower = text.to_ascii_lowercase();
    let mut there = [None; ADDRESSES.len()];
    for slash in memchr::memchr_iter(b'/', lower.as_bytes()) {
        for ((needle, _), there) in ADDRESSES.iter().zip(&mut there).filter(|(_, there)| there.is_none()) {
            let host = needle.find('/').unwrap_or(0);
            *there = slash.checked_sub(host).filter(|at| lower.get(*at..).is_some_and(|rest| rest.starts_with(needle)));
        }
    }
    out.headers.extend(ADDRESSES.iter().zip(there).filter_map(|((needle, id), at)| Some((id.to_string(), at?, needle.len()))));
    let cc = "creativecommons.org/licenses/";
    let mut from = 0;
    while let Some(at) = lower.get(from..).and_then(|r| r.find(cc)).map(|n| n + from) {
        from = at + cc.len();
        let rest: String = lower.get(from..).unwrap_or_default().chars().take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '/' | '.')).collect();
        let mut steps = rest.split('/');
        if let (Some(kind), Some(version)) = (steps.next(), steps.next()) {
            let name = format!("cc-{kind}-{version}");
            if let [l] = super::name::resolve(name.trim_end_matches('.')).as_slice() {
                out.headers.push((l.id.to_string(), at, cc.len() + kind.len() + 1 + version.len()));
            }
        }
        if out.headers.len() > 256 {
            break;
        }
    }
    let tag = "spdx-license-identifier:";
    from = 0;
    while let Some(at) = lower.get(from..).and_then(|r| r.find(tag)).map(|n| n + from) {
        from = at + tag.len();
        let line = text.get(from..).unwrap_or_default().lines().next().unwrap_or_default();
        let value = line.split("*/").next().unwrap_or_default().split("-->").next().unwrap_or_default().trim().trim_end_matches(['"', '\'']).trim();
        if !value.is_empty() && value.len() <= 200 {
            out.headers.push((value.to_string(), at, from - at + line.len()));
        }
        if out.headers.len() > 256 {
            break;
        }
    }
}

/// Leaves one of each short statement, and none that is only there because a licence shows in its appendix how to use it.
fn own_headers(out: &mut Found) {
    let inside = |at: usize| out.hits.iter().any(|h| h.at <= at && at < h.at + h.len);
    let mut times: BTreeMap<String, usize> = BTreeMap::new();
    for (id, _, _) in out.headers.iter().filter(|h| inside(h.1)) {
        *times.entry(id.clone()).or_default() += 1;
    }
    let mut known = HashSet::new();
    let kept: Vec<(String, usize, usize)> =
        out.headers.iter().filter(|h| (!inside(h.1) || times.get(&h.0).is_some_and(|n| *n > 1)) && known.insert(h.0.clone())).cloned().collect();
    out.headers = kept;
}

/// The word pairs of a text, and of each licence the print that has most in common with it.
struct Doc<'a> {
    n: &'a Normal,
    pairs: &'a [(u32, usize, usize)],
    set: Hashes,
    best: BTreeMap<usize, (&'a Print, f32)>,
}

impl<'a> Doc<'a> {
    fn new(t: &'a Tables, n: &'a Normal, pairs: &'a [(u32, usize, usize)]) -> Self {
        let set = Hashes::of(pairs.iter().map(|p| p.0));
        let mut best: BTreeMap<usize, (&'a Print, f32)> = BTreeMap::new();
        for p in &t.prints {
            let there = p.pairs.iter().filter(|h| set.has(**h)).count();
            let share = there as f32 / p.pairs.len().max(1) as f32;
            let slot = best.entry(p.row).or_insert((p, share));
            if slot.1 < share {
                *slot = (p, share);
            }
        }
        Doc { n, pairs, set, best }
    }

    /// Which words belong to a licence. Two words that it has, too, are chance: of a whole print, it takes a run of [`RUN`] pairs.
    fn covered(&self, p: &Print) -> Vec<bool> {
        let own: Vec<bool> = self.pairs.iter().map(|x| p.has(x.0)).collect();
        let mut covered = vec![false; self.n.words.len()];
        let least = if p.every == 1 { RUN } else { 1 };
        let mut at = 0;
        for run in own.chunk_by(|x, y| x == y) {
            let from = at;
            at += run.len();
            if run.len() < least || run.first() == Some(&false) {
                continue;
            }
            for (_, a, b) in self.pairs.get(from..at).unwrap_or_default() {
                for i in [*a, *b] {
                    if let Some(c) = covered.get_mut(i) {
                        *c = true;
                    }
                }
            }
        }
        covered
    }

    /// How much of the stretch where a licence stands is its own, and how many pairs that rests on.
    fn own(&self, p: &Print) -> (f32, usize) {
        let Some((from, to)) = dense(&self.covered(p), p.every) else { return (0.0, 0) };
        let (mut here, mut mine) = (0usize, 0);
        for (h, _, _) in self.pairs.iter().filter(|(h, a, b)| from <= *a && *b < to && h.is_multiple_of(p.every)) {
            here += 1;
            mine += usize::from(p.has(*h));
        }
        (mine as f32 / here.max(1) as f32, mine)
    }

    /// Whether a licence has nearly all words of another one, and the words that only it has are there.
    fn holds(&self, outer: usize, inner: usize) -> bool {
        let (Some((outer, share)), Some((inner, _))) = (self.best.get(&outer), self.best.get(&inner)) else { return false };
        if *share < 0.4 || outer.row == inner.row {
            return false;
        }
        let ((_, more, of_outer), (own, less, of_inner)) = (self.only(outer, inner), self.only(inner, outer));
        (own - less) * 100 >= own * 85 && more >= 8 && of_outer >= 0.4 && of_outer > of_inner
    }

    /// Pairs of a print, those that another print does not have, and the share of these that is in the text.
    fn only(&self, mine: &Print, other: &Print) -> (usize, usize, f32) {
        let every = mine.every.max(other.every);
        let (mut all, mut only, mut there) = (0usize, 0usize, 0usize);
        for h in mine.pairs.iter().filter(|h| h.is_multiple_of(every)) {
            let shared = other.pairs.binary_search(h).is_ok();
            all += 1;
            only += usize::from(!shared);
            there += usize::from(!shared && self.set.has(*h));
        }
        (all, only, there as f32 / only.max(1) as f32)
    }

    /// How well a row fits: how much of it is there, and how little else stands in between.
    fn score(&self, row: usize) -> f32 {
        self.best.get(&row).map_or(0.0, |(p, share)| (share + self.own(p).0) / 2.0)
    }
}

/// Takes out what is only there because another licence contains it.
fn drop_nested(taken: &mut Vec<(usize, How, Option<f32>)>, words: usize, doc: &Doc<'_>) {
    // A licence that quotes another one whole is that licence.
    let set = |row: usize| doc.best.get(&row).map(|(p, _)| p.pairs.iter().copied().filter(|h| h % 8 == 0).collect::<HashSet<u32>>());
    let outer: Vec<(usize, HashSet<u32>)> = taken.iter().filter(|x| x.2.is_some_and(|s| s >= 0.9)).filter_map(|x| Some((x.0, set(x.0)?))).collect();
    taken.retain(|x| {
        let Some(mine) = set(x.0).filter(|m| !m.is_empty()) else { return true };
        !outer.iter().any(|(row, o)| *row != x.0 && o.len() > mine.len() && mine.intersection(o).count() * 10 >= mine.len() * 9)
    });
    // A text that is too short for two holds the one of which it has most.
    let size = |row: usize| doc.best.get(&row).map_or(0, |(p, _)| p.pairs.len() * p.every as usize);
    let all = taken.clone();
    taken.retain(|x| {
        let Some(mine) = x.2 else { return true };
        !all.iter().any(|y| {
            let Some(other) = y.2 else { return false };
            let fits_both = size(x.0) + size(y.0) <= words + words / 3;
            y.0 != x.0 && !fits_both && (other, size(y.0), y.0) > (mine, size(x.0), x.0)
        })
    });
}

/// A text without its title, or without its end: the rows that it can be, likeliest first.
fn damaged(doc: &Doc<'_>, seen: &BTreeMap<usize, Seen>, not: &[usize]) -> Vec<(usize, f32)> {
    let rows = &catalogue().rows;
    struct Like {
        row: usize,
        share: f32,
        score: f32,
        /// Hundredths of its phrases.
        phrases: usize,
    }
    let like = |(row, (p, share)): (&usize, &(&Print, f32))| {
        let s = seen.get(row);
        if *share < 0.3 || s.is_some_and(|s| s.but) {
            return None;
        }
        let (own, pairs) = doc.own(p);
        // A licence that is cut off leaves a stretch that is all its own.
        let cut = own >= 0.9 && pairs >= if p.every == 1 { 30 } else { 12 };
        let hinted = *share >= 0.5 && s.is_some_and(|s| s.hints.len() >= 2);
        (*share >= 0.8 || hinted || cut).then(|| Like {
            row: *row,
            share: *share,
            score: (share + own) / 2.0,
            phrases: s.map_or(0, |s| s.text.len() * 100 / rows.get(*row).map_or(1, |l| l.text.len().max(1))),
        })
    };
    let mut list: Vec<Like> = doc.best.iter().filter(|x| !not.contains(x.0)).filter_map(like).collect();
    crate::order::sort_by(&mut list, |a, b| b.score.total_cmp(&a.score).then(a.row.cmp(&b.row)));
    let score = list.first().map_or(0.0, |x| x.score);
    list.retain(|x| x.score >= score - 0.04);
    // Of twins, it is the one of which a phrase is there.
    let most = list.iter().map(|x| x.phrases).max().unwrap_or(0);
    list.retain(|x| x.phrases == most);
    list.truncate(4);
    list.into_iter().map(|x| (x.row, x.share)).collect()
}

/// A text that is being looked through.
struct Reading<'a> {
    t: &'a Tables,
    text: &'a str,
    doc: &'a Doc<'a>,
    n: &'a Normal,
    seen: &'a BTreeMap<usize, Seen>,
    /// Words that belong to some licence that is there, or to a harmless rewording of one; told where one of them is permissive.
    explained: Vec<bool>,
    /// Words that begin a run which limits, and the words of the run; told where one is permissive.
    limiting: HashMap<usize, usize>,
    /// One licence is all that was found.
    alone: bool,
}

impl<'a> Reading<'a> {
    fn new(t: &'a Tables, text: &'a str, doc: &'a Doc<'a>, seen: &'a BTreeMap<usize, Seen>, there: &[usize], alone: bool) -> Self {
        let n = doc.n;
        let prints: Vec<&Print> = there.iter().filter_map(|row| doc.best.get(row)).map(|(p, _)| *p).collect();
        let mut out = Reading { t, text, doc, n, seen, explained: vec![false; n.words.len()], limiting: HashMap::new(), alone };
        for p in prints {
            let mut mine = doc.covered(p);
            if p.every > 1
                && let Some((from, to)) = dense(&mine, p.every)
            {
                // Of the first and the last words of it, the sample may hold none.
                let edge = 2 * p.every as usize;
                mine.iter_mut().take(to + edge).skip(from.saturating_sub(edge)).for_each(|m| *m = true);
            }
            for (mine, all) in mine.into_iter().zip(&mut out.explained) {
                *all |= mine;
            }
        }
        if !there.iter().filter_map(|row| catalogue().rows.get(*row)).any(|l| is_permissive(l)) {
            return out;
        }
        for i in n.words.iter().enumerate().filter(|(_, w)| t.run_firsts.has(w.hash)).map(|(i, _)| i) {
            let at = |run: &Vec<u32>| n.words.get(i..i + run.len()).is_some_and(|w| w.iter().zip(run).all(|(a, b)| a.hash == *b));
            for run in t.harmless.iter().filter(|r| at(r)) {
                out.explained.iter_mut().skip(i).take(run.len()).for_each(|e| *e = true);
            }
            if let Some(run) = t.strong_runs.iter().find(|r| at(r)) {
                out.limiting.insert(i, run.len());
            }
        }
        out
    }

    /// What there is of a licence in the text; `None` if it turns out to be words that many texts share.
    fn hit(&self, row: &'static Licence, index: usize, how: How, share: Option<f32>) -> Option<Hit> {
        let mut how = how;
        let (mut first, mut last) = self.seen.get(&index).map_or((0, self.n.words.len()), |s| (s.first, s.last));
        let mut residue = String::new();
        if let Some((p, _)) = self.doc.best.get(&index) {
            let covered = self.doc.covered(p);
            if let Some((from, to)) = dense(&covered, p.every) {
                (first, last) = (from, to);
            }
            if p.every > 1
                && is_permissive(row)
                && how == How::Text
                && let Some((a, b)) = self.leftover(first, last)
            {
                residue = self.quote(a, b);
                how = How::Altered;
            }
            if p.every == 1 && is_permissive(row) {
                let cut = self.is_cut(&covered, first, last);
                if share.is_some_and(|s| s < 0.75) && !cut {
                    return None;
                }
                if let Some((a, b)) = self.leftover(first, last) {
                    residue = self.quote(a, b);
                    how = How::Altered;
                } else if how == How::Altered || (how == How::Part && !cut) {
                    how = How::Altered;
                }
            }
        }
        let (from, to) = span(self.n, first, last.saturating_sub(1));
        Some(Hit { row, or: Vec::new(), how, score: share.map(|s| (s * 100.0).round() as u8), residue, at: from, len: to.saturating_sub(from) })
    }

    /// Words of the text as they stand in it.
    fn quote(&self, first: usize, last: usize) -> String {
        let (from, to) = span(self.n, first, last);
        crate::text::printable(&self.text.get(from..to).unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" "), 300)
    }

    /// What stands in and around a permissive text, belongs to no part of it, and limits: the stretch of foreign words around it.
    fn leftover(&self, first: usize, last: usize) -> Option<(usize, usize)> {
        // Beside other licences the words around belong to them.
        let around = if self.alone { AROUND } else { 0 };
        let from = first.saturating_sub(around);
        let to = (last + around).min(self.n.words.len());
        let word = |i: usize| self.n.words.get(i);
        let odd = |i: usize| word(i).is_some_and(|w| !w.holder) && !self.explained.get(i).copied().unwrap_or(true);
        let signs = |w: &Word| self.text.get(w.at as usize..w.end as usize).is_some_and(|s| !s.is_ascii() && STRONG_SIGNS.iter().any(|x| s.contains(x)));
        let limits = |i: usize| {
            (odd(i) && word(i).is_some_and(|w| self.t.strong.has(w.hash) || signs(w)))
                || self.limiting.get(&i).is_some_and(|len| odd(i + 1) || (*len > 2 && (i + 1..i + len + 3).any(odd)))
        };
        let turns = |i: usize| self.alone && i >= first && i < last && word(i).is_some_and(|w| self.t.turning.has(w.hash));
        let stretch = |at: usize| {
            let (mut a, mut b) = (at, at);
            while a > from && at - a < 40 && odd(a - 1) {
                a -= 1;
            }
            while b + 1 < to && b - at < 40 && odd(b + 1) {
                b += 1;
            }
            (a, b)
        };
        // A long remark without a limiting word is a remark; a short one inside of the text changes a sentence of it.
        let found = (from..to)
            .filter(|i| odd(*i) || self.limiting.contains_key(i))
            .find(|i| limits(*i) || (odd(*i) && turns(*i) && stretch(*i).1 - stretch(*i).0 < 12))?;
        Some(stretch((found..to).find(|i| odd(*i)).unwrap_or(found)))
    }

    /// A permissive text of which much is missing is cut off if what is there is all its own, and reworded otherwise.
    fn is_cut(&self, covered: &[bool], first: usize, last: usize) -> bool {
        let all = (first..last).filter(|i| self.n.words.get(*i).is_some_and(|w| !w.holder)).count();
        let own = (first..last).filter(|i| covered.get(*i).copied().unwrap_or(false)).count();
        own * 10 >= all * 9
    }
}

/// From the first to the last word of the longest stretch that belongs to a licence, with gaps of at most 30 words, or what its sampling leaves.
fn dense(covered: &[bool], every: u32) -> Option<(usize, usize)> {
    let gap = if every == 1 { 30 } else { every as usize * 30 };
    let mut best = (0, 0, 0);
    let mut run: Option<(usize, usize, usize)> = None;
    for (i, _) in covered.iter().enumerate().filter(|(_, c)| **c) {
        run = match run {
            Some((from, to, count)) if i - to <= gap => Some((from, i, count + 1)),
            _ => Some((i, i, 1)),
        };
        if let Some(r) = run.filter(|r| r.2 > best.2) {
            best = r;
        }
    }
    (best.2 > 0).then_some((best.0, best.1 + 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// Licences shorter than this, and those that models are given out under most, keep every pair; of other permissive ones every second is kept, so that a condition beside them is seen.
    const SHORT: usize = 450;

    /// One line of `prints.txt`.
    fn print_of(l: &Licence, text: &str) -> String {
        let all: BTreeSet<u32> = pairs(&normal(text)).iter().map(|p| p.0).collect();
        let every = if all.len() < SHORT || ["Apache-2.0", "CC-BY-4.0", "CC0-1.0"].contains(&l.id) {
            1
        } else if is_permissive(l) {
            2
        } else {
            8
        };
        let data: String =
            all.iter().filter(|h| *h % every == 0).flat_map(|h| (0..4).rev().map(move |k| char::from(SIXTY_FOUR[(h >> (6 * k)) as usize & 63]))).collect();
        format!("{} {every} {data}", l.id)
    }

    #[test]
    fn a_permissive_text_with_a_known_condition_is_that_licence_and_no_other() {
        const MIT: &str = include_str!("../../tests/corpus/licences/mit.txt");
        let found = |text: &str| find(text).hits.iter().map(|h| (h.row.id, h.how)).collect::<Vec<_>>();
        let revenue = "You are not authorized to exercise any rights under this license if the global consolidated monthly revenue of your company (or that of your employer) exceeds $20 million.";
        assert_eq!(found(&format!("{MIT}\n{revenue}\n")), [("mistral-modified-mit", How::Text)]);
        // A clause takes nothing away of the duties of the licence that it stands beside.
        let clause = "\"Commons Clause\" License Condition v1.0\n\nThe Software is provided to you by the Licensor under the License, as defined below, subject to the following condition.\n\nWithout limiting other conditions in the License, the grant of rights under the License will not include, and the License does not grant to you, the right to Sell the Software.\n";
        assert_eq!(found(&format!("{clause}\n{MIT}")), [("Commons-Clause", How::Part), ("MIT", How::Altered)]);
    }

    /// `UPDATE=1 LICENCE_TEXTS=folder cargo test prints` writes `prints.txt` anew from texts that are named by id (`MIT.txt`).
    #[test]
    fn prints_are_made_of_texts() {
        let (Some(folder), true) = (std::env::var_os("LICENCE_TEXTS"), std::env::var_os("UPDATE").is_some()) else {
            assert!(tables().prints.len() >= 100, "{} prints", tables().prints.len());
            assert!(tables().prints.iter().all(|p| p.pairs.len() >= 8 && p.pairs.is_sorted()), "a print that says nothing");
            return;
        };
        let mut out = String::new();
        for l in &catalogue().rows {
            // A second wording, such as one in another language, is named `ID~2.txt`.
            for name in [format!("{}.txt", l.id), format!("{}~2.txt", l.id)] {
                if let Ok(text) = std::fs::read_to_string(std::path::Path::new(&folder).join(name)) {
                    out.push_str(&print_of(l, &text));
                    out.push('\n');
                }
            }
        }
        std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/src/licence/prints.txt"), out).expect("the folder is there");
    }

    /// A sweep over a folder of texts, told on the console: `LICENCE_SWEEP=folder cargo test sweep -- --nocapture`.
    #[test]
    fn sweep() {
        let Some(folder) = std::env::var_os("LICENCE_SWEEP") else { return };
        let mut files: Vec<_> = std::fs::read_dir(folder).expect("a folder").filter_map(|e| e.ok().map(|e| e.path())).collect();
        files.sort();
        for path in files {
            let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap_or_default()).into_owned();
            let f = find(&text);
            let hits: Vec<String> = f
                .hits
                .iter()
                .map(|h| {
                    format!(
                        "{}:{:?}:{}{}",
                        h.row.id,
                        h.how,
                        h.score.map_or("-".into(), |s| s.to_string()),
                        if h.residue.is_empty() { String::new() } else { format!("[{}]", h.residue.replace(char::is_whitespace, " ")) }
                    )
                })
                .collect();
            println!(
                "{}\t{}\t{}",
                path.file_name().unwrap_or_default().to_string_lossy(),
                hits.join(" ; "),
                f.headers.iter().map(|h| h.0.as_str()).collect::<Vec<_>>().join(",")
            );
        }
    }
}
