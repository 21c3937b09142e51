//! What the readers of graphs share: the operators that were met, the files that hold the rest, and the checks of both.

use super::json;
use crate::bytes::View;
use crate::fact::{Fact, OperatorText};
use crate::scan::Scan;
use std::collections::{BTreeMap, HashMap, HashSet};

/// Distinct operators of one file that are kept.
const OPERATORS: usize = 20_000;

/// Different texts of one operator that are stated; those that name a path outside are always stated.
const TEXTS: usize = 8;

/// Files that one graph may name.
const FILES: usize = 10_000;

struct Seen {
    domain: String,
    name: String,
    count: u64,
    at: u64,
    len: u64,
    uses: Vec<(u64, u64, Vec<OperatorText>)>,
    told: HashSet<u64>,
}

/// The operators of one file: each once, with what distinguishes its uses.
pub struct Operators {
    family: &'static str,
    index: HashMap<(String, String), usize>,
    list: Vec<Seen>,
    local: HashSet<(String, String)>,
    full: bool,
}

impl Operators {
    /// No operators yet. `family` says whose names these are.
    pub fn new(family: &'static str) -> Self {
        Operators { family, index: HashMap::new(), list: Vec::new(), local: HashSet::new(), full: false }
    }

    /// A node uses an operator.
    pub fn add(&mut self, domain: &str, name: &str, at: u64, len: u64, texts: Vec<OperatorText>) {
        let key = (short(domain), short(name));
        let n = match self.index.get(&key) {
            Some(n) => *n,
            None if self.list.len() >= OPERATORS => {
                self.full = true;
                return;
            }
            None => {
                self.list.push(Seen { domain: key.0.clone(), name: key.1.clone(), count: 0, at, len, uses: Vec::new(), told: HashSet::new() });
                self.index.insert(key, self.list.len() - 1);
                self.list.len() - 1
            }
        };
        let Some(seen) = self.list.get_mut(n) else { return };
        seen.count += 1;
        if texts.is_empty() {
            return;
        }
        let outside = texts.iter().any(|t| json::leaves_folder(&t.value));
        let hash = json::hash(texts.iter().map(|t| format!("{}\n{}\n", t.key, t.value)).collect::<String>().as_bytes());
        if seen.told.len() < if outside { OPERATORS } else { TEXTS } {
            if seen.told.insert(hash) {
                seen.uses.push((at, len, texts));
            }
        } else {
            self.full |= outside;
        }
    }

    /// The file itself says what this operator does: it needs nobody else.
    pub fn define(&mut self, domain: &str, name: &str) {
        if self.local.len() < OPERATORS {
            self.local.insert((short(domain), short(name)));
        } else {
            self.full = true;
        }
    }

    /// States every operator that the file does not define, and lists them all.
    pub fn finish(self, view: View<'_>, scan: &mut Scan<'_>) {
        if self.full {
            scan.gap("limit-facts");
        }
        let most = self.list.len();
        if most > 0 {
            scan.open("operators", "operators", None);
        }
        for seen in self.list {
            let label = if seen.domain.is_empty() { seen.name.clone() } else { format!("{}::{}", seen.domain, seen.name) };
            scan.leaf(&label, "operator", None, Some(format!("× {}", seen.count)));
            if self.local.contains(&(seen.domain.clone(), seen.name.clone())) {
                continue;
            }
            let fact = |texts: Vec<OperatorText>| Fact::Operator { family: self.family, domain: seen.domain.clone(), name: seen.name.clone(), texts };
            if seen.uses.is_empty() {
                scan.state(view, seen.at, seen.len.min(4096), fact(Vec::new()));
            }
            for (at, len, texts) in seen.uses {
                scan.state(view, at, len.min(4096), fact(texts));
            }
        }
        if most > 0 {
            scan.close();
        }
    }
}

fn short(name: &str) -> String {
    name.chars().take(256).collect()
}

/// Files beside the graph that hold tensors, with how far each is needed.
#[derive(Default)]
pub struct Files {
    list: BTreeMap<String, (u64, u64, u64)>,
}

impl Files {
    /// Bytes up to `end` of the file `target` are needed; the place is where the graph says so.
    pub fn need(&mut self, target: &str, end: u64, view: View<'_>, at: u64, len: u64, scan: &mut Scan<'_>) {
        let target: String = target.chars().take(4096).collect();
        if !self.list.contains_key(&target) && self.list.len() >= FILES {
            scan.gap("limit-facts");
            return;
        }
        let fresh = !self.list.contains_key(&target);
        let entry = self.list.entry(target.clone()).or_insert((0, at, len));
        entry.0 = entry.0.max(end);
        if fresh && json::leaves_folder(&target) {
            scan.state(view, at, len, Fact::Traversal { target });
        }
    }

    /// States each file once.
    pub fn finish(self, view: View<'_>, scan: &mut Scan<'_>) {
        if self.list.is_empty() {
            return;
        }
        scan.open("files beside it", "files", None);
        for (target, (end, at, len)) in self.list {
            scan.leaf(&target, "file", Some(end), None);
            // A path with a dot in front is the same file.
            let plain = target.strip_prefix("./").unwrap_or(&target).to_string();
            scan.state(view, at, len, Fact::ExternalFile { target: plain, end });
        }
        scan.close();
    }
}

/// States that something in a header cannot be, with the value that is wrong.
pub fn fault(view: View<'_>, at: u64, len: u64, what: &'static str, detail: impl Into<String>, memory: bool, scan: &mut Scan<'_>) {
    let detail: String = detail.into();
    scan.state(view, at, len, Fact::Header { what, detail: detail.chars().take(300).collect(), memory });
}

/// Checks a tensor's shape against the bytes it is given, in whole bytes; `bits` is the width of an element.
pub fn fits(shape: &[u64], bits: u64, bytes: u64) -> Fit {
    let elements = shape.iter().try_fold(1u64, |n, d| n.checked_mul(*d));
    match elements.and_then(|n| n.checked_mul(bits)).filter(|n| i64::try_from(*n).is_ok()) {
        None => Fit::Overflow,
        Some(n) if n.div_ceil(8) == bytes => Fit::Same,
        Some(n) => Fit::Other(n.div_ceil(8)),
    }
}

/// How a shape and a number of bytes go together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// They agree.
    Same,
    /// The shape needs another number of bytes.
    Other(u64),
    /// The shape is larger than anything.
    Overflow,
}
