//! [`Scan`], what a reader is handed, and [`scan`], the driver from bytes to a file report.

use crate::bytes::{Bounds, Pages, Source, View};
use crate::digest::hex;
use crate::error::{Error, Result};
use crate::fact::{Fact, Tensor, Use};
use crate::format::{self, Format};
use crate::integrity::{Listed, is_list_name, list::beside};
use crate::licence::evidence::{self, Kind, Statement};
use crate::limits::Limits;
use crate::place::Place;
use crate::report::{Evidence, External, FileReport, Gap, Import, Licence, Mark, Metadata, Node, Row, Tensors, Used};
use crate::rule::{self, Judge};
use crate::secret;
use crate::speech::{self, Lang};
use crate::text::printable;
use std::cell::Cell;
use std::collections::{HashMap, HashSet};

/// Bytes of a list of digests that are looked at.
const LONGEST_LIST: usize = 4 << 20;

/// Everything that was collected about one file so far.
struct Collected {
    path: String,
    limits: Limits,
    lang: Lang,
    judge: Judge,
    formats: Vec<&'static str>,
    gaps: Vec<Gap>,
    gap_seen: HashSet<(String, String)>,
    imports: Vec<Import>,
    /// Where an import stands in the list, with all that is done with it.
    import_seen: HashMap<(String, String), (usize, Use)>,
    tensors: Tensors,
    metadata: Vec<Metadata>,
    statements: Vec<Statement>,
    references: Vec<String>,
    external: Vec<External>,
    code: Vec<String>,
    listed: Vec<Listed>,
    /// The path of open outline nodes, outermost first.
    open: Vec<Node>,
    wanted: Option<Wanted>,
}

/// Numbers that a file merely claims end at 2^53 - 1 in a report: beyond it JavaScript's numbers are no longer exact.
fn exact(claimed: u64) -> u64 {
    claimed.min((1 << 53) - 1)
}

/// Work that judging an import costs for which the report's list has no room.
const UNLISTED: u64 = 16 * 1024;
/// Unpacked bytes of any file, however small, that are read.
const UNPACKED: u64 = 1 << 30;
/// Unpacked bytes that are read for each byte of a larger one: deflate makes a thousand of zeros, but hardly two of weights.
const RATIO: u64 = 32;

/// A place whose bytes somebody wants to see.
struct Wanted {
    place: Place,
    evidence: Evidence,
}

/// What a reader is handed beside its bytes.
pub struct Scan<'a> {
    out: &'a mut Collected,
    budget: &'a Cell<u64>,
    /// What is left of [`Limits::work`].
    work: &'a Cell<u64>,
    /// Whether these bytes were read before, or were made of others: then all work on them counts.
    pub again: bool,
    member: String,
    depth: usize,
}

impl<'a> Scan<'a> {
    /// The bounds in force.
    pub fn limits(&self) -> &Limits {
        &self.out.limits
    }

    /// What bounds the unpacking of one stream of this file.
    pub fn bounds(&self) -> Bounds<'a> {
        Bounds { budget: self.budget, ratio: self.out.limits.ratio, dictionary: self.out.limits.dictionary }
    }

    /// What may still be done beyond what is in proportion to the bytes.
    pub fn work_left(&self) -> u64 {
        self.work.get()
    }

    /// Pays for such work; once nothing is left, what is not done is a gap.
    pub fn work(&mut self, cost: u64) -> bool {
        self.work.set(self.work.get().saturating_sub(cost));
        let left = self.work.get() > 0;
        if !left {
            self.gap("limit-pickle-work");
        }
        left
    }

    /// Path of the member being read, `""` for the file itself.
    pub fn member(&self) -> &str {
        &self.member
    }

    /// The path of the file being read, as it was given; a member's name is the last part of [`Scan::member`].
    pub fn name(&self) -> &str {
        if self.member.is_empty() { &self.out.path } else { self.member.rsplit(" › ").next().unwrap_or("") }
    }

    /// States a fact about `len` bytes at `at` of the view.
    pub fn state(&mut self, view: View<'_>, at: u64, len: u64, fact: Fact) {
        let place = Place { member: self.member.clone(), offset: exact(at), length: exact(len), file_offset: view.file_offset(at).map(exact) };
        if let Fact::Import { module, name, usage, .. } = &fact
            && !Self::fold_import(self.out, module, name, *usage)
        {
            // They are still judged, for as long as there are not millions of them.
            self.gap("limit-imports");
            if !self.work(UNLISTED) {
                return;
            }
        }
        let out = &mut *self.out;
        match &fact {
            Fact::Tensor(tensor) => Self::fold_tensor(&mut out.tensors, tensor),
            Fact::Metadata { key, value } => {
                if out.metadata.len() < out.limits.facts {
                    out.metadata.push(Metadata { key: printable(key, 200), value: printable(&secret::masked(value), out.limits.text) });
                }
                // A card says it once, whichever reader comes by.
                if out.statements.len() < evidence::MANY && evidence::role(&out.path).is_none() {
                    out.statements.extend(evidence::of_metadata(&out.path, key, value, &place));
                }
            }
            Fact::ExternalFile { target, end } if out.external.len() < out.limits.facts => {
                out.references.push(printable(target, out.limits.text));
                out.external.push(External { path: target.clone(), needed: exact(*end), chunk: false });
            }
            Fact::Chunk { target, most } if out.external.len() < out.limits.facts => {
                out.external.push(External { path: target.clone(), needed: exact(*most), chunk: true });
            }
            Fact::Reference { target } if out.references.len() < out.limits.facts => out.references.push(printable(target, out.limits.text)),
            _ => {}
        }
        // Metadata of formats that are not texts; a text is searched by its own reader.
        if let Fact::Metadata { value, .. } = &fact {
            for s in secret::find(value.as_bytes()) {
                let shown = secret::short(value.get(s.at..s.at + s.len).unwrap_or(""));
                out.judge.hear(&Fact::Secret { kind: s.kind, shown }, place.clone(), &out.limits);
            }
        }
        out.judge.hear(&fact, place, &out.limits);
    }

    /// Several pickles of a file may name the same import: the list keeps the strongest use. Tells whether it has room for it.
    fn fold_import(out: &mut Collected, module: &str, name: &str, usage: Use) -> bool {
        let used = if usage.built {
            Used::Built
        } else if usage.called || usage.made {
            Used::Called
        } else {
            Used::Imported
        };
        let key = (module.to_string(), name.to_string());
        match out.import_seen.get(&key).copied() {
            Some((n, before)) => {
                let usage = Use { called: usage.called || before.called, made: usage.made || before.made, built: usage.built || before.built };
                out.import_seen.insert(key, (n, usage));
                if let Some(import) = out.imports.get_mut(n) {
                    import.usage = import.usage.max(used);
                    import.standing = rule::standing_word(module, name, usage);
                }
            }
            None if out.imports.len() < out.limits.facts => {
                out.import_seen.insert(key, (out.imports.len(), usage));
                out.imports.push(Import {
                    module: printable(module, out.limits.text),
                    name: printable(name, out.limits.text),
                    usage: used,
                    standing: rule::standing_word(module, name, usage),
                });
            }
            None => return false,
        }
        true
    }

    /// Remembers that this file makes a loader run a source file beside it.
    pub fn names_code(&mut self, path: &str) {
        let out = &mut *self.out;
        let path = printable(path, out.limits.text);
        if out.code.len() < out.limits.facts && !out.code.contains(&path) {
            out.code.push(path);
        }
    }

    fn fold_tensor(sum: &mut Tensors, tensor: &Tensor) {
        sum.count += 1;
        sum.parameters = exact(sum.parameters.saturating_add(tensor.elements()));
        sum.bytes = exact(sum.bytes.saturating_add(tensor.bytes));
        *sum.dtypes.entry(tensor.dtype.clone()).or_default() += 1;
    }

    /// Says that something was not looked at. The reason is a stable id that `speech` has a sentence for.
    pub fn gap(&mut self, reason: &str) {
        let member = self.member.clone();
        self.gap_in(reason, &member);
    }

    /// A gap about a member that is not being read.
    pub fn gap_in(&mut self, reason: &str, member: &str) {
        let out = &mut *self.out;
        if out.gaps.len() < 1000 && out.gap_seen.insert((reason.to_string(), member.to_string())) {
            let member = printable(member, out.limits.text);
            out.gaps.push(Gap { reason: reason.to_string(), message: speech::gap(out.lang, reason, &member), member });
        }
    }

    /// Adds a leaf to the contents tree.
    pub fn leaf(&mut self, label: &str, kind: &str, size: Option<u64>, note: Option<String>) {
        let (text, most) = (self.out.limits.text, self.out.limits.outline);
        if let Some(top) = self.out.open.last_mut() {
            if top.children.len() < most {
                top.children.push(Node {
                    label: printable(&speech::part(self.out.lang, label), text),
                    kind: kind.to_string(),
                    size: size.map(exact),
                    note: note.map(|n| printable(&speech::note(self.out.lang, &n), text)),
                    ..Node::default()
                });
            } else {
                top.more += 1;
            }
        }
    }

    /// Opens a branch of the contents tree; [`Scan::close`] ends it.
    pub fn open(&mut self, label: &str, kind: &str, size: Option<u64>) {
        let label = printable(&speech::part(self.out.lang, label), self.out.limits.text);
        self.out.open.push(Node { label, kind: kind.to_string(), size: size.map(exact), ..Node::default() });
    }

    /// Ends the branch that was opened last.
    pub fn close(&mut self) {
        let most = self.out.limits.outline;
        if self.out.open.len() < 2 {
            return;
        }
        if let Some(node) = self.out.open.pop()
            && let Some(top) = self.out.open.last_mut()
        {
            if top.children.len() < most {
                top.children.push(node);
            } else {
                top.more += 1;
            }
        }
    }

    /// Sets the kind of the branch being read.
    pub fn kind(&mut self, kind: &str) {
        if let Some(top) = self.out.open.last_mut() {
            top.kind = kind.to_string();
        }
    }

    /// A remark on the branch being read.
    pub fn note(&mut self, note: String) {
        if let Some(top) = self.out.open.last_mut() {
            top.note = Some(speech::note(self.out.lang, &note));
        }
    }

    /// Reads a member with every format that fits its bytes. `data` says that the reader of the container knows these bytes to
    /// be plain numbers: then only what surely is something else is read.
    pub fn child(&mut self, name: &str, view: View<'_>, data: bool) {
        let path = self.path_of(name);
        if self.depth + 1 >= self.out.limits.depth {
            self.gap_in("limit-depth", &path);
            return;
        }
        self.open(name, if data { "data" } else { "" }, Some(view.len()));
        let mut inner = Scan { out: &mut *self.out, budget: self.budget, work: self.work, again: self.again, member: path, depth: self.depth + 1 };
        inner.read(view, name, data);
        self.close();
    }

    /// Reads a member with a reader that the container's reader brings.
    pub fn enter(&mut self, name: &str, view: View<'_>, by: &mut dyn FnMut(View<'_>, &mut Scan<'_>) -> Result<()>) {
        let path = self.path_of(name);
        self.open(name, "", Some(view.len()));
        let mut inner = Scan { out: &mut *self.out, budget: self.budget, work: self.work, again: self.again, member: path, depth: self.depth + 1 };
        inner.show(view);
        let depth = inner.out.open.len();
        let result = by(view, &mut inner);
        inner.settle("", view, depth, result);
        self.close();
    }

    /// Path of a member of what is being read.
    pub fn path_of(&self, name: &str) -> String {
        let path = if self.member.is_empty() { name.to_string() } else { format!("{} › {name}", self.member) };
        printable(&path, 2 * self.out.limits.text)
    }

    /// Detects and reads everything that the bytes are.
    fn read(&mut self, view: View<'_>, name: &str, data: bool) {
        self.show(view);
        self.terms(view, name);
        self.sums(view);
        if view.is_empty() {
            if self.depth == 0 {
                self.kind("empty");
            }
            return;
        }
        let found = match format::detect(view, data) {
            Ok(found) => found,
            Err(e) => {
                let depth = self.out.open.len();
                self.settle("", view, depth, Err(e));
                return;
            }
        };
        if found.is_empty() {
            self.kind(if data { "data" } else { "unknown" });
            if !data {
                self.gap("unknown-format");
                let (depth, done) = (self.out.open.len(), format::pickle::within(view, self));
                self.settle("", view, depth, done);
            }
            return;
        }
        for f in &found {
            if !self.out.formats.contains(&f.id) && self.depth == 0 {
                self.out.formats.push(f.id);
            }
        }
        self.kind(found[0].id);
        if let Some(text) = format::polyglot(&found) {
            self.state(view, 0, view.len().min(16), Fact::Polyglot { formats: text });
        }
        if self.depth == 0
            && let Some(extension) = format::wrong_extension(name, &found)
        {
            self.state(view, 0, view.len().min(16), Fact::WrongExtension { extension, format: found[0].id });
        }
        for f in found {
            self.run(f, view);
        }
    }

    /// Reads what a file says about licences whose name says that it is there for that.
    fn terms(&mut self, view: View<'_>, name: &str) {
        let most = match evidence::role(name) {
            Some(evidence::Role::Source) => 4096,
            Some(_) => evidence::LONGEST,
            None => return,
        };
        if self.out.statements.len() >= evidence::MANY {
            return;
        }
        let Ok(bytes) = view.take(0, view.len().min(most), evidence::LONGEST as usize) else { return };
        for mut s in evidence::of_text(name, &bytes) {
            s.file = printable(&self.out.path, 4096);
            s.place.member = self.member.clone();
            s.place.file_offset = view.file_offset(s.place.offset);
            self.out.statements.push(s);
        }
    }

    /// Reads the digests that a file lists whose name says that it is there for that.
    fn sums(&mut self, view: View<'_>) {
        if self.depth > 0 || !is_list_name(&self.out.path) {
            return;
        }
        let Ok(bytes) = view.take(0, view.len().min(LONGEST_LIST as u64), LONGEST_LIST) else { return };
        self.out.listed = beside(&String::from_utf8_lossy(&bytes), &self.out.path);
    }

    fn run(&mut self, f: &'static Format, view: View<'_>) {
        let depth = self.out.open.len();
        let result = (f.read)(view, self);
        self.settle(f.id, view, depth, result);
    }

    /// Turns a reader's end into facts and gaps.
    fn settle(&mut self, format: &'static str, view: View<'_>, depth: usize, result: Result<()>) {
        // A reader that stopped half-way leaves its branches open.
        while self.out.open.len() > depth {
            self.close();
        }
        match result {
            Ok(()) => {}
            Err(Error::Malformed { at, what }) => {
                self.state(view, at, view.len().saturating_sub(at).min(16), Fact::Malformed { format, what });
                self.gap("malformed");
            }
            Err(Error::Limit { at, what }) => {
                // No writer nests like this; readers that call themselves for every level break.
                if what == "json-depth" {
                    self.state(view, at, 1, Fact::Header { what: "nesting", detail: format!("at {at}"), memory: false });
                }
                self.gap(&format!("limit-{what}"));
            }
            Err(Error::Unreadable { .. }) => self.gap("unreadable"),
        }
    }

    /// Collects the bytes around the wanted place when its member comes by.
    fn show(&mut self, view: View<'_>) {
        let member = &self.member;
        let Some(w) = self.out.wanted.as_mut() else {
            return;
        };
        if w.place.member != *member || !w.evidence.bytes.is_empty() {
            return;
        }
        let base = w.place.offset.saturating_sub(128) & !15;
        let len = view.len().saturating_sub(base).min(w.place.length.min(512) + 320);
        if let Ok(bytes) = view.take(base, len, 4096) {
            w.evidence.base = base;
            w.evidence.bytes = hex(&bytes);
            w.evidence.file_base = view.file_offset(base);
        }
    }

    /// The wanted range, if it lies in this member within `from..to`: then a reader may add listing rows.
    pub fn wanted(&self, from: u64, to: u64) -> Option<(u64, u64)> {
        let w = self.out.wanted.as_ref()?;
        let inside = w.place.member == self.member && w.place.offset >= from && w.place.offset < to.max(from + 1) && w.evidence.rows.is_empty();
        inside.then_some((w.place.offset, w.place.length))
    }

    /// Language of the report, for the "means" column of listings.
    pub fn lang(&self) -> Lang {
        self.out.lang
    }

    /// Adds listing rows for the wanted place.
    pub fn rows(&mut self, rows: Vec<Row>) {
        if let Some(w) = self.out.wanted.as_mut() {
            w.evidence.rows = rows;
        }
    }
}

fn collect(source: &dyn Source, path: &str, lang: Lang, wanted: Option<Wanted>, by: Option<&'static Format>, link: Option<&str>) -> Collected {
    let limits = Limits::default();
    let unpacked = limits.inflated.min(source.len().saturating_mul(RATIO).max(UNPACKED));
    let (budget, work) = (Cell::new(unpacked), Cell::new(limits.work));
    let mut out = Collected {
        path: path.to_string(),
        limits,
        lang,
        judge: Judge::default(),
        formats: Vec::new(),
        gaps: Vec::new(),
        gap_seen: HashSet::new(),
        imports: Vec::new(),
        import_seen: HashMap::new(),
        tensors: Tensors::default(),
        metadata: Vec::new(),
        statements: Vec::new(),
        references: Vec::new(),
        external: Vec::new(),
        code: Vec::new(),
        listed: Vec::new(),
        open: vec![Node { label: printable(path, 400), size: Some(source.len()), ..Node::default() }],
        wanted,
    };
    let pages = Pages::new(source);
    let mut scan = Scan { out: &mut out, budget: &budget, work: &work, again: false, member: String::new(), depth: 0 };
    let view = View::of_file(&pages);
    if let Some(target) = link {
        scan.state(view, 0, 0, Fact::Archive { what: "file-link", name: path.rsplit('/').next().unwrap_or(path).to_string(), detail: target.to_string() });
    }
    match by {
        Some(format) => scan.run(format, view),
        None => scan.read(view, path, false),
    }
    out
}

/// What a file says about its licence: names as they stand there, texts by their ids.
fn licence(statements: Vec<Statement>) -> Licence {
    let mut out = Licence::default();
    for s in &statements {
        match s.kind {
            Kind::Declared if !out.declared.contains(&s.value) => out.declared.push(s.value.clone()),
            Kind::Text if matches!(s.how.as_str(), "text" | "part") => {
                let new: Vec<String> = s.licences.iter().filter(|l| !out.found.contains(l)).cloned().collect();
                out.found.extend(new);
            }
            _ => {}
        }
    }
    out.statements = statements;
    out
}

/// The structural scan of one file: touches few bytes, computes no digest.
pub fn scan(source: &dyn Source, path: &str, lang: Lang) -> FileReport {
    report(source, path, lang, collect(source, path, lang, None, None, None))
}

/// [`scan`] of a file that is a link out of the folder in which it was found; `target` is what the link says.
pub fn scan_link(source: &dyn Source, path: &str, target: &str, lang: Lang) -> FileReport {
    report(source, path, lang, collect(source, path, lang, None, None, Some(target)))
}

/// The structural scan by one reader, whatever the bytes look like: readers must bear any bytes, and their probes would keep most away.
pub fn scan_as(source: &dyn Source, path: &str, format: &'static Format, lang: Lang) -> FileReport {
    report(source, path, lang, collect(source, path, lang, None, Some(format), None))
}

fn report(source: &dyn Source, path: &str, lang: Lang, out: Collected) -> FileReport {
    let findings = out.judge.findings(lang, path, &out.limits);
    let verdict = crate::verdict::Verdict::of(&findings, &out.gaps);
    let headline = speech::headline(lang, verdict, path, findings.first(), out.gaps.first(), source.len());
    let advice = speech::advice(lang, verdict, &findings, &out.gaps);
    FileReport {
        path: printable(path, 4096),
        size: source.len(),
        sha256: None,
        formats: out.formats.iter().map(|f| f.to_string()).collect(),
        verdict,
        headline,
        advice,
        findings,
        gaps: out.gaps,
        imports: out.imports,
        tensors: out.tensors,
        metadata: out.metadata,
        licence: licence(out.statements),
        references: out.references,
        external: out.external,
        code: out.code,
        listed: out.listed,
        outline: out.open.into_iter().next().unwrap_or_default(),
    }
}

/// The bytes and the listing around one place of a file.
pub fn evidence(source: &dyn Source, path: &str, place: &Place, lang: Lang) -> Evidence {
    let name = path.rsplit('/').next().unwrap_or(path);
    let mut crumbs = vec![printable(name, 400)];
    crumbs.extend(place.member.split(" › ").filter(|s| !s.is_empty()).map(|s| speech::part(lang, s)));
    let start = Evidence { crumbs, mark: Mark { at: place.offset, length: place.length }, ..Evidence::default() };
    let out = collect(source, path, lang, Some(Wanted { place: place.clone(), evidence: start }), None, None);
    out.wanted.map(|w| w.evidence).unwrap_or_default()
}

/// The report of a file that could not be scanned at all; `reason` is a gap's id.
pub fn stopped(path: &str, size: u64, reason: &str, lang: Lang) -> FileReport {
    let gaps = vec![Gap { reason: reason.to_string(), member: String::new(), message: speech::gap(lang, reason, "") }];
    let verdict = crate::verdict::Verdict::Incomplete;
    FileReport {
        path: printable(path, 4096),
        size,
        sha256: None,
        formats: Vec::new(),
        verdict,
        headline: speech::headline(lang, verdict, path, None, gaps.first(), size),
        advice: speech::advice(lang, verdict, &[], &gaps),
        findings: Vec::new(),
        gaps,
        imports: Vec::new(),
        tensors: Tensors::default(),
        metadata: Vec::new(),
        licence: Licence::default(),
        references: Vec::new(),
        external: Vec::new(),
        code: Vec::new(),
        listed: Vec::new(),
        outline: Node { label: printable(path, 400), size: Some(size), ..Node::default() },
    }
}
