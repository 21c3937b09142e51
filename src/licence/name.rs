//! From what somebody wrote to rows of the catalogue: ids, names, SPDX expressions.

use super::catalogue::{Licence, Row, catalogue};
use super::normal::fnv;
use std::sync::OnceLock;

/// Longest name that is looked at; what is longer is a text.
const LONGEST: usize = 200;

/// Most ids in one expression.
const IDS: usize = 64;

/// Letters, digits, dots and plus signs in lower case; `licence` is written as in America.
fn light(name: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(name.len());
    for c in name.bytes() {
        match c.to_ascii_lowercase() {
            b'c' if out.ends_with(b"licen") => out.push(b's'),
            c @ (b'a'..=b'z' | b'0'..=b'9' | b'.' | b'+' | b'*') => out.push(c),
            _ => {}
        }
    }
    out
}

/// [`light`] without the words that every name has, without the `v` of a version and without a trailing `.0`.
fn deep(name: &str) -> Vec<u8> {
    let name = name.trim();
    let name = name.get(4..).filter(|_| name.get(..4).is_some_and(|the| the.eq_ignore_ascii_case("the "))).unwrap_or(name);
    let mut text = Vec::with_capacity(name.len());
    for c in light(name) {
        text.push(c);
        let word = match c {
            b'e' => &b"license"[..],
            b'n' => b"version",
            b't' => b"agreement",
            _ => continue,
        };
        if text.ends_with(word) {
            text.truncate(text.len() - word.len());
        }
    }
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_slice();
    while let [c, behind @ ..] = rest {
        rest = behind;
        match (c, behind) {
            (b'v', [next, ..]) if next.is_ascii_digit() => {}
            (b'.', [b'0', end @ ..]) if !end.first().is_some_and(u8::is_ascii_digit) => rest = end,
            (b'.', _) if out.is_empty() => {}
            _ => out.push(*c),
        }
    }
    while out.last() == Some(&b'.') {
        out.pop();
    }
    out
}

/// Whether a name matches a pattern with `*`.
pub fn fits(pattern: &str, name: &str) -> bool {
    let mut rest = name;
    let pieces: Vec<&str> = pattern.split('*').collect();
    for (i, piece) in pieces.iter().enumerate() {
        let last = i + 1 == pieces.len();
        if i == 0 {
            let Some(r) = rest.strip_prefix(piece) else { return false };
            rest = r;
            if last && !rest.is_empty() {
                return false;
            }
        } else if last {
            return rest.ends_with(piece);
        } else {
            let Some(at) = rest.find(piece) else { return false };
            rest = rest.get(at + piece.len()..).unwrap_or_default();
        }
    }
    true
}

/// Names without `*`, by the hash of what is left of them, with their rows.
type Index = Vec<(u32, usize, &'static str)>;

/// All names of the rows. In a name as it stands on a text a `*` is itself.
fn names() -> impl Iterator<Item = (usize, &'static str, bool)> {
    let of = |(row, l): (usize, &'static Row)| {
        let written = l
            .lines
            .iter()
            .filter(|(key, _)| matches!(*key, "name" | "known" | "spdx"))
            .flat_map(|(key, value)| value.split(" ; ").map(move |name| (name, *key != "name" && name.contains('*'))));
        written.chain([(l.id, false)]).map(move |(name, glob)| (row, name, glob))
    };
    catalogue().rows.iter().enumerate().flat_map(of)
}

fn index(cell: &'static OnceLock<Index>, left: fn(&str) -> Vec<u8>) -> &'static Index {
    cell.get_or_init(|| {
        let mut out: Index = names().filter(|n| !n.2).map(|(row, name, _)| (fnv(&left(name)), row, name)).collect();
        out.sort_unstable();
        out
    })
}

fn lights() -> &'static Index {
    static CELL: OnceLock<Index> = OnceLock::new();
    index(&CELL, light)
}

fn deeps() -> &'static Index {
    static CELL: OnceLock<Index> = OnceLock::new();
    index(&CELL, deep)
}

/// Names with `*`.
fn globs() -> &'static [(String, usize)] {
    static CELL: OnceLock<Vec<(String, usize)>> = OnceLock::new();
    CELL.get_or_init(|| names().filter(|n| n.2).map(|(row, name, _)| (String::from_utf8_lossy(&deep(name)).into_owned(), row)).collect())
}

/// The rows with a name of which the same is left.
fn same(list: &[(u32, usize, &'static str)], key: &[u8], left: fn(&str) -> Vec<u8>) -> Vec<&'static Licence> {
    let hash = fnv(key);
    let from = list.partition_point(|x| x.0 < hash);
    let mut found: Vec<usize> = list.iter().skip(from).take_while(|x| x.0 == hash).filter(|x| left(x.2) == key).map(|x| x.1).collect();
    found.dedup();
    found.into_iter().filter_map(|row| catalogue().rows.get(row)).map(|row| &**row).collect()
}

/// The rows that a name stands for: none if it is unknown, several if it has several meanings. It may stand there twice, short in brackets behind long, and with
/// an address: "Apache Software License (Apache 2.0)", "AGPL-3.0 License (https://ultralytics.com/license)".
pub fn resolve(name: &str) -> Vec<&'static Licence> {
    let name = name.trim();
    if name.is_empty() || name.len() > LONGEST {
        return Vec::new();
    }
    let found = whole(name);
    if !found.is_empty() || !name.contains(['(', ':']) {
        return found;
    }
    let without_address = |part: &str| part.split_whitespace().filter(|w| !w.contains("://")).collect::<Vec<_>>().join(" ");
    let mut parts = name.split(['(', ')']).map(without_address).filter(|p| !p.is_empty());
    let Some(first) = parts.next().map(|p| whole(&p)) else { return Vec::new() };
    // What stands in brackets may be a condition: each part has to say the same.
    if parts.all(|p| whole(&p).iter().any(|l| first.iter().any(|f| f.id == l.id))) { first } else { Vec::new() }
}

/// The rows that a name stands for as it is.
fn whole(name: &str) -> Vec<&'static Licence> {
    // Classifiers of Python packages carry a path before the name.
    let name = name.rsplit(" :: ").next().unwrap_or(name);
    let found = same(lights(), &light(name), light);
    if !found.is_empty() {
        return found;
    }
    let key = deep(name);
    let found = same(deeps(), &key, deep);
    if !found.is_empty() {
        return found;
    }
    // The pattern with the most letters of its own knows the name best.
    let key = String::from_utf8_lossy(&key);
    let best = globs().iter().filter(|(p, _)| fits(p, &key)).max_by_key(|(p, row)| (p.len(), usize::MAX - row));
    best.and_then(|(_, row)| catalogue().rows.get(*row)).map(|row| &**row).into_iter().collect()
}

/// A licence expression as a choice between sets: one set of a choice has to be met whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expression {
    /// Sets of names.
    pub choices: Vec<Vec<String>>,
    /// Names that no row has.
    pub unknown: Vec<String>,
}

/// Why a text is no expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bad {
    /// It does not follow the grammar.
    Grammar,
    /// It has more ids or choices than are looked at.
    TooLong,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Op {
    Open,
    Or,
    And,
}

/// Whether a text is meant as an expression and not as a name.
pub fn is_expression(text: &str) -> bool {
    text.split_whitespace().any(|w| matches!(w, "AND" | "OR" | "WITH")) || (text.trim().starts_with('(') && text.trim().ends_with(')'))
}

/// Reads an SPDX expression: `AND`, `OR`, `WITH`, brackets, `+`. Operators are in capitals, as SPDX writes them.
///
/// # Errors
/// [`Bad`], if it is none.
pub fn expression(text: &str) -> Result<Expression, Bad> {
    let spaced = text.replace('(', " ( ").replace(')', " ) ");
    let mut values: Vec<Vec<Vec<String>>> = Vec::new();
    let mut ops: Vec<Op> = Vec::new();
    let mut unknown = Vec::new();
    let mut words = spaced.split_whitespace().peekable();
    let mut want_value = true;
    let mut ids = 0;
    while let Some(word) = words.next() {
        match word {
            "(" if want_value => ops.push(Op::Open),
            ")" if !want_value => loop {
                match ops.pop() {
                    Some(Op::Open) => break,
                    Some(op) => apply(op, &mut values)?,
                    None => return Err(Bad::Grammar),
                }
            },
            "AND" | "OR" if !want_value => {
                let op = if word == "AND" { Op::And } else { Op::Or };
                while let Some(top) = ops.last().copied().filter(|t| *t >= op && *t != Op::Open) {
                    ops.pop();
                    apply(top, &mut values)?;
                }
                ops.push(op);
                want_value = true;
            }
            _ if want_value && !matches!(word, ")" | "AND" | "OR" | "WITH") => {
                let mut id = word.to_string();
                if words.peek() == Some(&"WITH") {
                    words.next();
                    let exception = words.next().ok_or(Bad::Grammar)?;
                    // An exception only ever adds a permission: the licence under it decides.
                    if exception.eq_ignore_ascii_case("commons-clause") {
                        id = "Commons-Clause".into();
                    }
                }
                ids += 1;
                if ids > IDS {
                    return Err(Bad::TooLong);
                }
                match resolve(&id).first() {
                    Some(l) => id = l.id.into(),
                    None => unknown.push(id.clone()),
                }
                values.push(vec![vec![id]]);
                want_value = false;
            }
            _ => return Err(Bad::Grammar),
        }
    }
    while let Some(op) = ops.pop() {
        apply(op, &mut values)?;
    }
    match (values.pop(), values.is_empty()) {
        (Some(choices), true) if !want_value => Ok(Expression { choices, unknown }),
        _ => Err(Bad::Grammar),
    }
}

fn apply(op: Op, values: &mut Vec<Vec<Vec<String>>>) -> Result<(), Bad> {
    let (Some(b), Some(mut a)) = (values.pop(), values.pop()) else { return Err(Bad::Grammar) };
    let joined = match op {
        Op::Open => return Err(Bad::Grammar),
        Op::Or => {
            a.extend(b);
            a
        }
        Op::And => {
            if a.len().saturating_mul(b.len()) > IDS {
                return Err(Bad::TooLong);
            }
            a.iter().flat_map(|x| b.iter().map(move |y| [x.clone(), y.clone()].concat())).collect()
        }
    };
    if joined.len() > IDS {
        return Err(Bad::TooLong);
    }
    values.push(joined);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(name: &str) -> Vec<&'static str> {
        resolve(name).iter().map(|l| l.id).collect()
    }

    #[test]
    fn every_name_of_a_row_leads_to_it() {
        let mut shared = Vec::new();
        for l in &catalogue().rows {
            for name in l.known.iter().copied().chain([l.id, l.name]).filter(|n| !n.contains('*')) {
                let found = ids(name);
                assert!(found.contains(&l.id), "{name} leads to {found:?} and not to {}", l.id);
                if found.len() > 1 && !shared.contains(&name) {
                    shared.push(name);
                }
            }
        }
        // Three publishers call their text "modified MIT", and one text of LG has the name of the other.
        assert_eq!(shared, ["modified-mit", "exaone"]);
    }

    #[test]
    fn what_stands_in_brackets_may_be_a_condition() {
        for name in ["MIT License (non-commercial only)", "Apache 2.0 (MIT)", "https://example.org/license", "MIT and more (https://example.org)"] {
            assert!(!ids(name).contains(&"MIT") && !ids(name).contains(&"Apache-2.0"), "{name}: {:?}", ids(name));
        }
    }

    #[test]
    fn names_as_people_write_them() {
        for (name, id) in [
            ("apache-2.0", "Apache-2.0"),
            ("Apache License, Version 2.0", "Apache-2.0"),
            ("License :: OSI Approved :: Apache Software License", "Apache-2.0"),
            ("License :: OSI Approved :: BSD License", "bsd-family"),
            ("MIT License", "MIT"),
            ("MIT License (MIT)", "MIT"),
            ("Apache Software License (Apache 2.0)", "Apache-2.0"),
            ("AGPL-3.0 License (https://ultralytics.com/license)", "AGPL-3.0"),
            ("AGPL-3.0 https://ultralytics.com/license", "AGPL-3.0"),
            ("SEE LICENSE IN LICENSE.md", "hf-other"),
            ("the MIT licence", "MIT"),
            ("GPLv3+", "GPL-3.0"),
            ("LLAMA 3.1 COMMUNITY LICENSE AGREEMENT", "llama3.1"),
            ("llama-3.3-community-license", "llama3.3"),
            ("cc-by-nc-sa-4.0", "CC-BY-NC-SA-4.0"),
            ("openrail++", "openrail++"),
            ("UNLICENSED", "hf-unknown"),
            ("unlicense", "Unlicense"),
            ("gemma", "gemma"),
            ("qwen-research", "qwen-research-2024"),
            ("nvidia-open-model-license", "nvidia-open-model-license"),
            ("flux-1-dev-non-commercial-license", "flux-1-dev-non-commercial"),
        ] {
            assert_eq!(ids(name), [id], "{name}");
        }
        assert!(ids("my own terms").is_empty());
        assert!(ids("sample").is_empty());
        assert!(ids("").is_empty());
    }

    #[test]
    fn expressions_are_choices_between_sets() {
        let read = |t: &str| expression(t).map(|e| e.choices);
        assert_eq!(read("MIT OR Apache-2.0").expect("one"), [["MIT"], ["Apache-2.0"]]);
        assert_eq!(read("MIT AND (Apache-2.0 OR BSD-3-Clause)").expect("one"), [["MIT", "Apache-2.0"], ["MIT", "BSD-3-Clause"]]);
        assert_eq!(read("GPL-2.0-or-later WITH Classpath-exception-2.0").expect("one"), [["GPL-2.0-or-later"]]);
        assert_eq!(expression("MIT AND Nobody-1.0").expect("one").unknown, ["Nobody-1.0"]);
        for bad in ["", "AND MIT", "MIT OR", "(MIT", "MIT)", "MIT Apache-2.0", "MIT WITH", "()"] {
            assert_eq!(read(bad), Err(Bad::Grammar), "{bad}");
        }
        let long = vec!["(MIT OR ISC)"; 40].join(" AND ");
        assert_eq!(read(&long), Err(Bad::TooLong));
        let deep = "(".repeat(100_000);
        assert_eq!(read(&deep), Err(Bad::Grammar));
    }
}
