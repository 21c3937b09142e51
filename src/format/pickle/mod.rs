//! Python pickle, protocols 0 to 5: every pickle in the bytes, one after the other, and what stands between and behind them.

mod constant;
mod evaluate;
mod follow;
mod joblib;
pub mod listing;
pub mod machine;
pub mod opcode;
mod tape;
mod template;
pub mod torch;

use super::{Format, Match};
use crate::bytes::{Coder, Source, Unpacked, View};
use crate::error::Result;
use crate::fact::{Fact, Tensor, Use};
use crate::scan::Scan;
use constant::Encoding;
use machine::{Load, Machine, Stop};
use std::collections::{HashMap, HashSet};
pub use tape::Frames;
use weighstation_plain::{memo, value};

/// Raw pickles.
pub const PICKLE: Format =
    Format { id: "pickle", name: "Python pickle", extensions: &["pkl", "pickle", "p", "pck", "pcl", "dill", "sav"], refines: &[], probe, read };

/// Methods that Python calls by itself: as keys of an object's state they turn data into calls.
pub const SPECIAL_METHODS: &[&str] = &[
    "__setstate__", "__reduce__", "__reduce_ex__", "__class__", "__getattr__", "__getattribute__", "__setattr__", "__del__", "__call__", "__new__",
    "__init_subclass__", "__set_name__", "__setitem__", "__builtins__", "__globals__", "__code__", "__import__",
    // Numpy asks these of whatever it makes an array of, and reads the memory that they name.
    "__array__", "__array_interface__", "__array_struct__",
];

/// Opcodes of a probing run.
const PROBE: u64 = 20_000;
/// The same behind a protocol mark, where going on for so long leaves no doubt.
const MARKED: u64 = 1_000;
/// Bytes of an id's opcode and line that only Python 2 takes.
const SHORT_ID: u64 = 10;
/// Bytes that a probing run may pass over.
const WINDOW: u64 = 1 << 20;

/// Whether a module and name could be meant as such: a text file that starts with a `c` is not a pickle.
fn plausible(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '<' | '>'))
}

/// Whether a file or folder can have the name of this module.
fn filed(module: &str) -> bool {
    !module.is_empty() && !module.chars().any(|c| c.is_control() || matches!(c, '/' | char::REPLACEMENT_CHARACTER))
}

fn probe(view: View<'_>) -> Match {
    match probe_at(view, 0) {
        Likeness::Sure => Match::Sure,
        Likeness::Weak => Match::Weak,
        Likeness::Named if breaks_behind_import(view) => Match::Sure,
        Likeness::Ends | Likeness::Named if row_of_short_ones(view) => Match::Sure,
        Likeness::Named | Likeness::Ends | Likeness::No => Match::No,
    }
}

/// Pickles in a row that come to nothing, before one that does not: no text and no numbers are so many.
const ROW: usize = 32;

/// Whether many short pickles, which anything may be, follow one another up to the end or to one that surely is a pickle.
fn row_of_short_ones(view: View<'_>) -> bool {
    let mut behind_frame = None;
    row_from(view, 0, &mut behind_frame) || behind_frame.is_some_and(|at| row_from(view, at, &mut behind_frame))
}

/// [`row_of_short_ones`] from an offset on; `behind_frame` is where the next one begins for whoever has taken a frame out of the file.
fn row_from(view: View<'_>, from: u64, behind_frame: &mut Option<u64>) -> bool {
    let mut at = from;
    for _ in 0..ROW {
        // What a file begins with has been looked at, or nobody would ask for a row. Whether the others come to a STOP is seen below.
        if at > 0 {
            match probe_chain(view, at, 0, &mut 0) {
                Likeness::Sure => return true,
                Likeness::Named if breaks_behind_import(view.rest(at)) => return true,
                _ => {}
            }
        }
        let mut m = Machine::new(view, at, Frames::LINEAR, &crate::limits::Limits::default());
        let mut stop = m.run(PROBE / 4);
        if matches!(stop, Ok(Stop::Fault("stack-empty"))) {
            // The mark itself, which Python 2 returns.
            m = Machine::new(view, at, Frames::LINEAR, &crate::limits::Limits::default());
            m.marks_inside = true;
            stop = m.run(PROBE / 4);
        }
        if !matches!(stop, Ok(Stop::Stop)) || m.ops < 2 || m.tape.left() <= 1 {
            return false;
        }
        *behind_frame = behind_frame.or(m.tape.frame_left());
        at = m.tape.at();
    }
    true
}

/// Whether the bytes begin with an import and go on as no text does. Whatever is wrong behind it, the module has been imported by then.
fn breaks_behind_import(view: View<'_>) -> bool {
    let Ok(head) = view.head(1024) else { return false };
    let Some(lines) = head.strip_prefix(b"(").unwrap_or(&head).strip_prefix(b"c") else { return false };
    let mut lines = lines.splitn(3, |b| *b == b'\n');
    let named = |line: Option<&[u8]>| line.and_then(|l| std::str::from_utf8(l).ok()).is_some_and(plausible);
    if !named(lines.next()) || !named(lines.next()) {
        return false;
    }
    let rest = lines.next().unwrap_or_default();
    matches!(rest, [b'S', b'\'' | b'"', ..]) || std::str::from_utf8(rest).is_err_and(|e| e.error_len().is_some())
}

/// How sure a probing run is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Likeness {
    /// Some unpickler gets somewhere with it.
    Sure,
    /// It has the protocol mark, and little else.
    Weak,
    /// It names something before it goes wrong, as a text may that begins with a `c`.
    Named,
    /// It comes to a STOP without a fault, as a few bytes of anything may: enough only right behind another pickle.
    Ends,
    /// No.
    No,
}

/// Runs a little of what may be a pickle at `at`, stating nothing.
pub fn probe_at(view: View<'_>, at: u64) -> Likeness {
    probe_chain(view, at, 16, &mut 0)
}

/// [`probe_at`] that looks at `depth` more pickles behind; `cost` grows by what all of that cost.
fn probe_chain(view: View<'_>, at: u64, depth: u32, cost: &mut u64) -> Likeness {
    let (likeness, forks) = probe_way(view, at, depth, Frames::LINEAR, cost);
    if likeness == Likeness::Sure || forks == 0 {
        return likeness;
    }
    match probe_way(view, at, depth, Frames::DROPPED, cost) {
        (Likeness::Sure, _) => Likeness::Sure,
        _ => likeness,
    }
}

/// A probing run one way through broken frames, with the number of forks that it met.
fn probe_way(view: View<'_>, at: u64, depth: u32, frames: Frames, cost: &mut u64) -> (Likeness, u32) {
    let Ok(head) = view.array::<2>(at) else {
        return (Likeness::No, 0);
    };
    let marked = head[0] == 0x80 && head[1] <= 5;
    if opcode::opcode(head[0]).is_none() {
        return (Likeness::No, 0);
    }
    // A line without an end must not make a probe read the whole file.
    let cut = view.len().saturating_sub(at) > WINDOW;
    let Ok(window) = view.slice(0, if cut { at + WINDOW } else { view.len() }) else {
        return (Likeness::No, 0);
    };
    let mut m = Machine::new(window, at, frames, &crate::limits::Limits::default());
    let allowance = if marked { MARKED } else { PROBE / 4 };
    let Ok(mut stop) = m.run(allowance) else {
        return (Likeness::No, 0);
    };
    let outran = |m: &Machine<'_>, stop: Stop| cut && matches!(stop, Stop::End | Stop::Fault(_)) && m.tape.left() == 0;
    // A line has been read to the window's end then; the length of a text or of bytes reaches over it.
    if (outran(&m, stop) && m.ops <= 2 || cut && stop == Stop::End && m.tape.left() > 0) && at == 0 {
        // A file may begin with a text that is longer than that; one that says how long it is costs nothing wherever it stands.
        m = Machine::new(view, at, frames, &crate::limits::Limits::default());
        let Ok(again) = m.run(allowance) else {
            return (Likeness::No, 0);
        };
        stop = again;
    }
    if stop == Stop::Fault("stack-empty") && m.proto <= 2 {
        if likeness(view, at, 0, &m, stop, head, cost) == Likeness::Sure {
            return (Likeness::Sure, 0);
        }
        // As in [`weigh_for`]: Python 2 goes on below the mark.
        let mut unfenced = Machine::new(window, at, frames, &crate::limits::Limits::default());
        unfenced.unfenced = true;
        if let Ok(later) = unfenced.run(allowance)
            && (unfenced.ops > m.ops || later == Stop::Stop)
        {
            (m, stop) = (unfenced, later);
        }
        let mut inside = Machine::new(window, at, frames, &crate::limits::Limits::default());
        inside.marks_inside = true;
        if let Ok(end) = inside.run(allowance) {
            *cost = cost.saturating_add(inside.cost());
            // Whoever comes to the STOP comes to the same one: what stands behind it is looked at once.
            let behind = if stop == Stop::Stop { 0 } else { depth };
            // A text may begin like that by chance: it has to come to its end as well.
            let text = at == 0 && !view.head(64).is_ok_and(|head| head.contains(&0));
            if (!text || end == Stop::Stop) && likeness(view, at, behind, &inside, end, head, cost) == Likeness::Sure {
                return (Likeness::Sure, 0);
            }
        }
    }
    if outran(&m, stop) && m.view().len() == window.len() && m.ops > 2 {
        stop = Stop::Allowance;
    }
    *cost = cost.saturating_add(m.cost());
    let likeness = likeness(view, at, depth, &m, stop, head, cost);
    (likeness, m.tape.forks)
}

/// What a probing run of the pickle at `at` shows.
fn likeness(view: View<'_>, at: u64, depth: u32, m: &Machine<'_>, stop: Stop, head: [u8; 2], cost: &mut u64) -> Likeness {
    let marked = head[0] == 0x80 && head[1] <= 5;
    // A module that no import system finds raises: whatever the machine does behind it happens nowhere.
    let odd_import = m.globals.iter().filter(|g| g.asked && !(plausible(&g.module) && plausible(&g.name))).map(|g| g.at).min();
    // PERSID's line is ASCII, or raises as well, in Python 3.
    let odd_id = m.facts.iter().find_map(|(at, len, f)| (*len > 1 && matches!(f, Fact::PersistentId { text } if !text.is_ascii())).then_some(*at));
    let odd = odd_import.into_iter().chain(odd_id).min().unwrap_or(u64::MAX);
    let named = m.globals.iter().any(|g| plausible(&g.module) && plausible(&g.name) && g.at < odd);
    // A code and a STOP: numbers begin with two given bytes often enough, and nothing comes of the one that is left behind.
    let by_chance = !marked && stop == Stop::Stop && m.ops == 2 && m.tape.left() > 0;
    let computed =
        m.facts.iter().any(|(at, _, f)| *at < odd && (matches!(f, Fact::ComputedImport { .. }) || matches!(f, Fact::Extension { .. }) && !by_chance));
    let acted = m.first_act < odd;
    // Where a folder lies beside the file, its name is a module's, and any name with a file's characters can be one.
    let odd_file = m.globals.iter().filter(|g| g.asked && !(filed(&g.module) && plausible(&g.name))).map(|g| g.at).min();
    // Python 2 takes any line for an id; a longer one is the head of an archive, with a pickle of its own behind it.
    let long_id = m.facts.iter().find_map(|(at, len, f)| (*len > SHORT_ID && matches!(f, Fact::PersistentId { text } if !text.is_ascii())).then_some(*at));
    let raised = odd_file.into_iter().chain(long_id).min().unwrap_or(u64::MAX);
    let reached = m.globals.iter().any(|g| plausible(&g.module) && plausible(&g.name) && g.at < raised) && m.first_act < raised;
    let stopped = matches!(stop, Stop::Stop);
    // A text's first line may be taken for an id with a P in front of it.
    let sentence = m.tape.left() > 0 && m.facts.iter().any(|(_, len, f)| *len > 1 && matches!(f, Fact::PersistentId { text } if text.contains(' ')));
    let asks = m.facts.iter().any(|(at, _, f)| *at < odd && matches!(f, Fact::PersistentId { .. }));
    if marked {
        let far = m.ops >= 3 || stopped;
        let ran = named || computed || asks || stopped && m.ops >= 3 || matches!(stop, Stop::Allowance);
        // Who writes protocol 0 or 1 writes no mark, and nobody one in front of what no unpickler takes.
        let or_else = if head[1] < 2 || stop == Stop::Fault("unknown-opcode") && !far { Likeness::No } else { Likeness::Weak };
        return if ran || far && !matches!(stop, Stop::Fault(_)) { Likeness::Sure } else { or_else };
    }
    // Without a mark, a few letters of text can run by chance: something has to come of it, and make sense as a name.
    if (named || computed) && (acted || stopped && odd == u64::MAX) || asks && acted && !sentence || reached {
        return Likeness::Sure;
    }
    let otherwise = match stopped && m.ops >= 2 {
        _ if named || computed || asks => Likeness::Named,
        true => Likeness::Ends,
        false => Likeness::No,
    };
    if odd != u64::MAX {
        return otherwise;
    }
    let whole = stopped && (m.tape.left() == 0 && m.ops >= 2 || m.tape.left() == 1 && m.ops >= 3);
    if whole || matches!(stop, Stop::Allowance) && m.tape.at() >= at + PROBE / 4 {
        return Likeness::Sure;
    }
    // A short one followed by another, at once or behind filling: torch's own containers in protocol 0 begin with a number.
    if stopped && m.ops >= 2 && depth > 0 && m.tape.left() > 1 {
        let filled = m.tape.peek(m.tape.at(), 64, 64).iter().take_while(|b| matches!(b, 0 | b'\n' | b'\r' | b' ')).count() as u64;
        if probe_chain(view, m.tape.at() + filled, depth - 1, cost) == Likeness::Sure {
            return Likeness::Sure;
        }
    }
    // For whoever has taken the frame out of a file, the next one begins behind it. Deeper each time, so that the ways do not multiply.
    if stopped
        && let (Some(end), true) = (m.tape.frame_left(), depth >= 6)
        && probe_chain(view, end, depth - 6, cost) == Likeness::Sure
    {
        return Likeness::Sure;
    }
    // A text pickle that ends early: containers were opened and filled without one fault.
    if matches!(stop, Stop::End) && m.ops >= 12 && matches!(head[0], b'(' | b']' | b'}') && view.len() > 8 {
        return Likeness::Sure;
    }
    otherwise
}

/// Opcodes of a pickle that [`keeps_archive`] follows.
const KEEPING: u64 = 1 << 24;

/// Whether the file is one pickle from its first byte to its last, and the archive that ends with the record at `end` is one of its values.
pub fn keeps_archive(view: View<'_>, end: u64) -> bool {
    let ran = |joblib| {
        let mut m = Machine::new(view, 0, Frames::LINEAR, &crate::limits::Limits::default());
        m.joblib = joblib;
        let stop = m.run(KEEPING).ok()?;
        Some((m, stop))
    };
    let first = ran(false);
    let last = if first.as_ref().is_some_and(|(m, _)| m.wrapped) { ran(true) } else { first };
    last.is_some_and(|(m, stop)| {
        let within = |&(from, len): &(u64, u64)| (from..from.saturating_add(len)).contains(&end) && view.has(from, b"PK\x03\x04");
        stop == Stop::Stop && m.tape.left() == 0 && m.tape.forks == 0 && m.nested.iter().any(within)
    })
}

/// What one pickle came to.
pub struct Outcome<'s> {
    /// Offset behind its last byte.
    pub end: u64,
    /// Why it ended.
    pub stop: Stop,
    /// The machine, with what torch said.
    pub machine: Machine<'s>,
    /// Names that the pickle imports from torch, in order.
    pub kinds: Vec<String>,
    /// Where the next pickle begins for unpicklers that read by frames, if that is elsewhere.
    pub others: Vec<u64>,
}

impl Outcome<'_> {
    /// How it ended.
    pub fn ended(self) -> Ended {
        Ended { end: self.end, stop: self.stop, others: self.others }
    }
}

/// How one of several pickles ended.
pub struct Ended {
    /// Offset behind its last byte.
    pub end: u64,
    /// Why.
    pub stop: Stop,
    /// See [`Outcome::others`].
    pub others: Vec<u64>,
}

/// Ways through broken frames that are followed for one pickle.
const WAYS: usize = 16;
/// Beginnings of pickles in one file that only readers of broken frames see.
const OTHERS: usize = 64;
/// What the beginning of a pickle costs.
const BEGINNING: u64 = 500;
/// Beginnings that are remembered, so that none is read twice.
const BEGINNINGS: usize = 1 << 18;

/// Where the pickle at `at` ends, for an array of objects: its own stack and memo, and no arrays between its opcodes.
fn end_of(m: &Machine<'_>, at: u64) -> Result<u64> {
    let mut inner = Machine::new(m.view(), at, Frames::LINEAR, &crate::limits::Limits::default());
    match inner.run(u64::MAX)? {
        Stop::Stop => Ok(inner.tape.at()),
        _ => Err(crate::error::Error::malformed(at, "ends-early")),
    }
}

/// Runs a machine to the end. Of bytes that are read for the first time only what its opcodes cost beyond their share counts.
fn run_out(machine: &mut Machine<'_>, again: bool, scan: &mut Scan<'_>) -> Result<Stop> {
    machine.allowed = scan.work_left();
    let most = if again || scan.again { scan.work_left() / 8 } else { u64::MAX };
    let stop = match machine.run(most)? {
        Stop::Allowance => Stop::Limit("pickle-work"),
        stop => stop,
    };
    scan.work(if again || scan.again { machine.cost() } else { machine.excess() });
    Ok(stop)
}

/// Runs the pickle at `at` and states what it does.
pub fn weigh<'s>(view: View<'s>, at: u64, scan: &mut Scan<'_>) -> Result<Outcome<'s>> {
    weigh_for(view, at, scan, false)
}

/// [`weigh`] for a loader whose persistent ids may be `counted`: bare numbers that stand for objects it has already made.
pub fn weigh_for<'s>(view: View<'s>, at: u64, scan: &mut Scan<'_>, counted: bool) -> Result<Outcome<'s>> {
    let limits = scan.limits().clone();
    let mut machine = Machine::new(view, at, Frames::LINEAR, &limits);
    let mut stop = run_out(&mut machine, false, scan)?;
    let mut others = Vec::new();
    if stop == Stop::Fault("stack-empty") && machine.proto <= 2 {
        // Python 3 stops here; Python 2 takes what stands below the mark and goes on.
        let mut unfenced = Machine::new(view, at, Frames::LINEAR, &limits);
        unfenced.unfenced = true;
        let later = run_out(&mut unfenced, false, scan)?;
        marked_inside(view, at, machine.ops, counted, &mut others, scan)?;
        if unfenced.ops > machine.ops || later == Stop::Stop {
            let mut fenced = std::mem::replace(&mut machine, unfenced);
            stop = later;
            state(view, &mut fenced, Stop::Stop, counted, true, scan)?;
        }
    }
    if machine.tape.forks > 0 {
        scan.state(
            view,
            at,
            1,
            Fact::Header {
                what: "pickle-frame",
                detail: "an opcode reaches past the end of its frame; what stands behind it depends on the reader".into(),
                memory: false,
            },
        );
        other_ways(view, at, machine.tape.forks, counted, &mut others, scan)?;
    }
    // The next pickle begins behind STOP for `loads`, and behind the frame for whoever has taken the frame out of a file.
    if let (Stop::Stop, Some(end)) = (stop, machine.tape.frame_left()) {
        scan.state(
            view,
            machine.tape.at(),
            end - machine.tape.at(),
            Fact::Header {
                what: "pickle-frame",
                detail: "the pickle ends before its frame does; where the next one begins depends on the reader".into(),
                memory: false,
            },
        );
        others.push(end);
    }
    if machine.wrapped {
        // joblib's unpickler takes arrays from between the opcodes; for everybody else they are opcodes. Both readings count, and
        // only joblib's tells where the file is whole.
        let mut plain = std::mem::replace(&mut machine, Machine::new(view, at, Frames::LINEAR, &limits));
        machine.joblib = true;
        let before = std::mem::replace(&mut stop, run_out(&mut machine, false, scan)?);
        plain.nested.clear();
        plain.blobs.clear();
        until_raised(view, &mut plain, &machine)?;
        dtype_of_texts(view, &mut plain, &machine)?;
        state(view, &mut plain, unless_limited(before), counted, true, scan)?;
        if machine.aligned {
            older_joblib(view, at, &machine, counted, scan)?;
        }
        scan.note("joblib".into());
        for (from, bytes, dtype, shape) in std::mem::take(&mut machine.arrays) {
            let tensor = Tensor { name: String::new(), dtype, shape, bytes };
            scan.leaf("array", "tensor", Some(bytes), Some(format!("{} {:?}", tensor.dtype, tensor.shape)));
            scan.state(view, from, bytes, Fact::Tensor(tensor));
            let numbers = view.slice(from, bytes)?;
            if machine::marked(&numbers.head(4)?) && loadable(numbers, scan)? {
                inside("numbers", numbers, true, false, scan);
            }
        }
        for from in std::mem::take(&mut machine.inner) {
            let mut inner = Machine::new(view, from, Frames::LINEAR, &limits);
            let inner_stop = run_out(&mut inner, false, scan)?;
            state(view, &mut inner, inner_stop, counted, false, scan)?;
        }
    }
    let end = machine.tape.at();
    let kinds = machine.globals.iter().filter(|g| g.module == "torch" || g.module.starts_with("torch.")).take(16).map(|g| g.name.clone()).collect();
    state(view, &mut machine, stop, counted, false, scan)?;
    if let Some(mark) = scan.wanted(at, end) {
        let rows = listing::rows(view, at, view.len(), mark, scan.lang());
        scan.rows(rows);
    }
    others.retain(|o| *o != end && *o < view.len());
    Ok(Outcome { end, stop, machine, kinds, others })
}

/// How a reading ended that takes arrays for opcodes: that it breaks off among numbers says nothing, that it was not read to its end does.
fn unless_limited(stop: Stop) -> Stop {
    if matches!(stop, Stop::Limit(_)) { stop } else { Stop::Stop }
}

/// States what the pickle at `at` does where marks are objects like any other, if it gets further than `ops` opcodes there.
fn marked_inside(view: View<'_>, at: u64, ops: u64, counted: bool, ends: &mut Vec<u64>, scan: &mut Scan<'_>) -> Result<()> {
    let mut other = Machine::new(view, at, Frames::LINEAR, scan.limits());
    other.marks_inside = true;
    let stop = run_out(&mut other, true, scan)?;
    if other.ops > ops || stop == Stop::Stop {
        ends.extend((stop == Stop::Stop).then(|| other.tape.at()));
        state(view, &mut other, unless_limited(stop), counted, true, scan)?;
    }
    Ok(())
}

/// joblib before 1.2 knows nothing of the padding before an array, and goes on that much too early behind it: at numbers, as a rule, which come to
/// nothing. What does import and call something there was put there.
fn older_joblib(view: View<'_>, at: u64, newer: &Machine<'_>, counted: bool, scan: &mut Scan<'_>) -> Result<()> {
    let mut older = Machine::new(view, at, Frames::LINEAR, scan.limits());
    (older.joblib, older.unaligned) = (true, true);
    let stop = run_out(&mut older, false, scan)?;
    let known: HashSet<u64> = newer.globals.iter().map(|g| g.at).collect();
    let other = |g: &machine::Global| g.asked && !known.contains(&g.at) && plausible(&g.module) && plausible(&g.name);
    if older.globals.iter().any(|g| other(g) && (g.usage.called || g.usage.made)) {
        older.nested.clear();
        older.blobs.clear();
        state(view, &mut older, unless_limited(stop), counted, true, scan)?;
    } else if let Stop::Limit(what) = stop {
        scan.gap(&format!("limit-{what}"));
    }
    Ok(())
}

/// Takes back what `plain`, which takes arrays for opcodes, states of where its unpickler has raised; numbers do each of these by chance. An id that
/// some loader may know cuts nothing off, nor does a module that may be there, however odd its name.
fn until_raised(view: View<'_>, plain: &mut Machine<'_>, joblib: &Machine<'_>) -> Result<()> {
    let arrays = joblib.arrays.first().map(|a| a.0).into_iter();
    let Some(first) = arrays.chain(joblib.inner.first().copied()).min() else { return Ok(()) };
    let imports = plain.globals.iter().filter(|g| g.asked && g.at >= first && impossible(view, g)).map(|g| g.at);
    // With another `__class__` the wrapper may be a function after all.
    let turned = plain.facts.iter().any(|(.., f)| matches!(f, Fact::SpecialKey { .. }));
    let raises = |at: u64, f: &Fact| match f {
        // As a line an id has to be ASCII; as an object, the array's own wrapper is none.
        Fact::PersistentId { text } if view.has(at, b"P") => !text.is_ascii(),
        Fact::PersistentId { text } => text.ends_with("numpy_pickle.NumpyArrayWrapper()"),
        Fact::ComputedImport { text } => !turned && text.trim_start_matches("sklearn.externals.").starts_with("joblib.numpy_pickle.NumpyArrayWrapper()("),
        // Nobody registered it.
        Fact::Extension { .. } => true,
        _ => false,
    };
    let facts = plain.facts.iter().filter(|(at, _, f)| *at >= first && raises(*at, f)).map(|(at, ..)| *at);
    let Some(raised) = imports.chain(facts).chain(mistaken_dtype(view, plain, joblib)?).min() else { return Ok(()) };
    plain.facts.retain(|(at, ..)| *at < raised);
    plain.globals.retain(|g| g.at < raised);
    plain.loaded.retain(|(at, ..)| *at < raised);
    plain.decoded.retain(|(at, ..)| *at < raised);
    Ok(())
}

/// Packages with modules that have a `dtype` of their own or of numpy's.
const ARRAYS: &[&str] = &[
    "cupy", "dask", "h5py", "jax", "keras", "ml_dtypes", "mxnet", "numba", "numpy", "pandas", "polars", "pyarrow", "scipy", "statsmodels", "tensorflow",
    "torch", "xarray", "zarr",
];

/// Where `plain` asks for the `dtype` of a class that the file has named, as if it were a module: an array of objects is a pickle with a memo of its
/// own, and its `numpy.dtype` takes the module from there. In the memo of the pickle around it stands the class, which is no text and raises,
/// or its name or module, which has no `dtype` and raises as well, unless it is a library of arrays. A module that is called like one of the file's
/// own classes is not taken to lie beside it.
fn mistaken_dtype(view: View<'_>, plain: &Machine<'_>, joblib: &Machine<'_>) -> Result<Option<u64>> {
    // Where each of them stands first.
    let (mut names, mut classes) = (HashMap::new(), HashMap::new());
    for g in &plain.globals {
        names.entry(g.module.as_str()).or_insert(g.at);
        names.entry(g.name.as_str()).or_insert(g.at);
        classes.entry(format!("{}.{}", g.module, g.name)).or_insert(g.at);
    }
    let named = |text: &str, at: u64| names.get(text).is_some_and(|first| *first < at) && !ARRAYS.contains(&text.split('.').next().unwrap_or(text));
    let class = |text: &str, at: u64| classes.get(text).is_some_and(|first| *first < at);
    // A text that a call makes is asked for; what is no text has no module.
    let objects: HashSet<u64> = plain.globals.iter().filter(|g| g.module == "?").map(|g| g.at).collect();
    let imports = plain.globals.iter().filter(|g| g.asked && g.name == "dtype" && g.module != "numpy" && named(&g.module, g.at)).map(|g| g.at);
    let facts = plain.facts.iter().filter_map(|(at, _, f)| match f {
        Fact::ComputedImport { text } if text.strip_suffix(".dtype").is_some_and(|t| class(t, *at)) => objects.contains(at).then_some(*at),
        _ => None,
    });
    let Some(at) = imports.chain(facts).min() else { return Ok(None) };
    let Some(from) = joblib.inner.iter().copied().take_while(|from| *from < at).last() else { return Ok(None) };
    Ok(types_of(view, from)?.contains(&at).then_some(at))
}

/// Where the pickle of an array of objects asks for numpy's types.
fn types_of(view: View<'_>, from: u64) -> Result<HashSet<u64>> {
    let mut inner = Machine::new(view, from, Frames::LINEAR, &crate::limits::Limits::default());
    inner.run(u64::MAX)?;
    Ok(inner.globals.iter().filter(|g| g.module == "numpy" && g.name == "dtype").map(|g| g.at).collect())
}

/// What [`mistaken_dtype`] is for the texts around the array, a key or the name of a column: a module may be called so, and the reading goes on. It
/// is asked for and no more, and keeps what joblib takes it for; the rules know such an import.
fn dtype_of_texts(view: View<'_>, plain: &mut Machine<'_>, joblib: &Machine<'_>) -> Result<()> {
    let mut texts: Vec<_> = plain.globals.iter_mut().filter(|g| g.asked && g.name == "dtype" && g.module != "numpy").collect();
    let ends = joblib.inner.iter().skip(1).copied().chain([u64::MAX]);
    for (from, end) in joblib.inner.iter().copied().zip(ends) {
        if !texts.iter().any(|g| (from..end).contains(&g.at)) {
            continue;
        }
        let types = types_of(view, from)?;
        for g in texts.iter_mut().filter(|g| types.contains(&g.at)) {
            (g.usage, g.wraps) = (Use::default(), vec![("numpy".into(), "dtype".into())]);
        }
    }
    let known: HashSet<_> = texts.iter().filter(|g| !g.wraps.is_empty()).map(|g| g.module.as_str()).collect();
    plain.facts.retain(|(.., f)| !matches!(f, Fact::Call { module, name, .. } if name == "dtype" && known.contains(module.as_str())));
    Ok(())
}

/// Whether no module can be called so: the name is empty, has characters that no file's name has, or is a line of bytes that are no text.
fn impossible(view: View<'_>, global: &machine::Global) -> bool {
    let module = &global.module;
    let line = view.has(global.at, b"c") || view.has(global.at, b"i");
    module.is_empty()
        || module.chars().any(|c| c.is_control() || c == char::REPLACEMENT_CHARACTER)
        || line && !module.is_ascii() && !view.has(global.at + 1, module.as_bytes())
}

/// Runs the pickle at `at` every other way that an unpickler may take through its frames; `forks` is how many the straight way met.
fn other_ways(view: View<'_>, at: u64, forks: u32, counted: bool, ends: &mut Vec<u64>, scan: &mut Scan<'_>) -> Result<()> {
    let limits = scan.limits().clone();
    let turns = |frames: Frames, from: u32, to: u32| (from..to.min(Frames::FORKS)).map(move |n| (frames.turned(n), n + 1));
    let mut open: std::collections::VecDeque<(Frames, u32)> = turns(Frames::LINEAR, 0, forks).collect();
    let mut ways = 1;
    while let Some((frames, decided)) = open.pop_front() {
        if ways == WAYS {
            scan.gap("limit-pickle-frames");
            break;
        }
        ways += 1;
        let mut other = Machine::new(view, at, frames, &limits);
        let stop = run_out(&mut other, true, scan)?;
        open.extend(turns(frames, decided, other.tape.forks).take(WAYS));
        if stop == Stop::Stop {
            ends.push(other.tape.at());
            ends.extend(other.tape.frame_left());
        }
        state(view, &mut other, stop, counted, true, scan)?;
    }
    Ok(())
}

/// The offset of a pickle inside a bytes constant that does not begin with one. Numbers look like anything, so it must name an
/// import and act on it; `tries` bounds the work for one pickle.
fn buried(blob: View<'_>, tries: &mut u32, scan: &mut Scan<'_>) -> Result<Option<u64>> {
    let bytes = blob.head(1 << 20)?;
    for (n, pair) in bytes.windows(2).enumerate() {
        if pair[0] != 0x80 || !(2..=5).contains(&pair[1]) {
            continue;
        }
        if *tries == 0 {
            return Ok(None);
        }
        *tries -= 1;
        if acts(&tried(blob, n as u64, 0, scan)?.0) {
            return Ok(Some(n as u64));
        }
    }
    Ok(None)
}

/// A probing run over a constant, which is paid for as all reading that comes on top of the first is.
fn tried<'s>(blob: View<'s>, at: u64, share: u64, scan: &mut Scan<'_>) -> Result<(Machine<'s>, Stop)> {
    let mut m = Machine::new(blob, at, Frames::LINEAR, scan.limits());
    let stop = m.run(PROBE.min(scan.work_left() / 8))?;
    scan.work(m.cost().saturating_sub(paid(share, blob, scan)));
    Ok((m, stop))
}

/// Whether a pickle in a constant does something: opcodes that only look like a beginning are data, as in a text about pickles.
fn acts(m: &Machine<'_>) -> bool {
    m.acted && m.globals.iter().any(|g| plausible(&g.module) && plausible(&g.name))
}

/// Whether a constant is worth reading by itself: a pickle that does something, or keeps another constant that may.
fn loadable(inner: View<'_>, scan: &mut Scan<'_>) -> Result<bool> {
    if !inner.has(0, &[0x80]) {
        return Ok(surely(inner, scan));
    }
    let (m, stop) = tried(inner, 0, machine::SHARE, scan)?;
    Ok(acts(&m) || matches!(stop, Stop::Stop) && !m.nested.is_empty())
}

/// Reads what no format knows from the first pickle in it that does something: a program may be told where it begins.
///
/// # Errors
/// Where the view cannot be read.
pub fn within(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    if let Some(at) = buried(view, &mut 256, scan)? {
        inside(&format!("bytes from {at}"), view.rest(at), true, true, scan);
    }
    Ok(())
}

/// Whether an unpickler that is handed this would get as far as an import, or anywhere at all: buffers of a library's own break off at once.
fn begins(inner: View<'_>, scan: &mut Scan<'_>) -> Result<bool> {
    let (m, stop) = tried(inner, 0, machine::SHARE, scan)?;
    let broken = matches!(stop, Stop::End | Stop::Fault(_)) && m.tape.forks == 0;
    Ok(!broken || m.globals.iter().any(|g| plausible(&g.module) && plausible(&g.name)) || m.lost || surely(inner, scan))
}

/// Whether a constant surely is something that is read by itself; asking every format costs as much as a long constant's share.
fn surely(inner: View<'_>, scan: &mut Scan<'_>) -> bool {
    scan.work((CHILD / 2).saturating_sub(paid(machine::SHARE, inner, scan))) && super::sure(inner)
}

/// What the bytes of a constant pay for; in a pickle that is read in many ways they have done so the first time.
fn paid(share: u64, inner: View<'_>, scan: &Scan<'_>) -> u64 {
    if scan.again { 0 } else { share.saturating_mul(inner.len()) }
}

/// What reading a constant by itself costs, however short it is.
const CHILD: u64 = 16 * 1024;

/// Reads a constant by itself. `again` says that its bytes are read in more than one way, or were made of others.
fn inside(name: &str, inner: View<'_>, data: bool, again: bool, scan: &mut Scan<'_>) {
    let share = if again { 0 } else { paid(machine::SHARE, inner, scan) };
    if scan.work(CHILD.saturating_sub(share)) {
        let before = scan.again;
        scan.again |= again;
        scan.child(name, inner, data);
        scan.again = before;
    }
}

/// States what a machine found. `again` says that another has read the same bytes.
fn state(view: View<'_>, m: &mut Machine<'_>, stop: Stop, counted: bool, again: bool, scan: &mut Scan<'_>) -> Result<()> {
    let before = scan.again;
    scan.again |= again;
    let stated = found(view, m, stop, counted, scan);
    scan.again = before;
    stated
}

/// [`state`], where the scan knows whether the bytes are read again.
fn found(view: View<'_>, m: &mut Machine<'_>, stop: Stop, counted: bool, scan: &mut Scan<'_>) -> Result<()> {
    for (at, len, fact) in std::mem::take(&mut m.facts) {
        if counted && matches!(&fact, Fact::PersistentId { text } if text.trim_matches(['\'', '"']).chars().all(|c| c.is_ascii_digit())) {
            continue;
        }
        scan.state(view, at, len, fact);
    }
    if m.more_facts {
        scan.gap("limit-facts");
    }
    if m.lost {
        scan.gap("limit-pickle-memo");
    }
    if let Some(what) = m.forgot {
        scan.gap(&format!("limit-{what}"));
    }
    for g in std::mem::take(&mut m.globals) {
        if !g.asked && (g.module == "?" || !g.usage.called || g.name == "()") {
            continue;
        }
        if g.asked {
            scan.leaf(&format!("{}.{}", g.module, g.name), "import", None, None);
        }
        let fact = Fact::Import { module: g.module, name: g.name, usage: g.usage, wraps: g.wraps };
        scan.state(view, g.at, g.len, fact);
    }
    match stop {
        Stop::Limit(what) => scan.gap(&format!("limit-{what}")),
        Stop::Stop | Stop::Allowance => {}
        Stop::End | Stop::Fault(_) => {
            let what = if let Stop::Fault(what) = stop { what } else { "ends-early" };
            scan.state(view, m.tape.at(), 1, Fact::Malformed { format: "pickle", what });
            scan.gap("malformed");
        }
    }
    if m.unread {
        scan.gap("limit-text");
    }
    let mut read = HashSet::new();
    for (at, load, surely) in std::mem::take(&mut m.loaded) {
        let name = format!("what the call at {at} loads");
        // Whoever loads a constant twice gets the same twice.
        if let Load::There(from, len) | Load::Encoded(from, len) = load
            && !read.insert((from, len, surely))
        {
            continue;
        }
        match load {
            Load::There(from, len) => {
                let Ok(inner) = view.slice(from, len) else { continue };
                // What does something by itself is read as the constant that it is.
                let alone = m.nested.binary_search(&(from, len)).is_ok() && loadable(inner, scan)?;
                if !alone && (surely || begins(inner, scan)?) {
                    inside(&name, inner, false, false, scan);
                }
            }
            Load::Encoded(from, len) => {
                let Ok(text) = view.slice(from, len) else { continue };
                let (unpacked, ending) = Unpacked::measure(text, &[Coder::Latin1], scan.bounds());
                super::stream::told(scan, ending, text, "", unpacked.len());
                let pages = crate::bytes::Pages::new(&unpacked);
                let inner = View::of_inflated(&pages);
                if surely || begins(inner, scan)? {
                    inside(&name, inner, false, true, scan);
                }
            }
            Load::Made(bytes) => {
                let pages = crate::bytes::Pages::new(&bytes);
                let inner = View::of_inflated(&pages);
                if surely || begins(inner, scan)? {
                    inside(&name, inner, false, true, scan);
                }
            }
        }
    }
    let mut tries = 256;
    for (at, len) in std::mem::take(&mut m.blobs) {
        if let Ok(blob) = view.slice(at, len.min(1 << 20))
            && let Some(found) = buried(blob, &mut tries, scan)?
        {
            inside(&format!("constant at {at}, from {found}"), blob.rest(found), true, true, scan);
        }
    }
    for (at, bytes) in std::mem::take(&mut m.decoded) {
        let pages = crate::bytes::Pages::new(&bytes);
        let inner = View::of_inflated(&pages);
        // Without a mark of its own, a text of opcodes is a text: nothing loads it by itself.
        if machine::marked(&bytes) && loadable(inner, scan)? {
            inside(&format!("bytes of the text at {at}"), inner, true, true, scan);
        } else if let Some(found) = buried(inner, &mut tries, scan)? {
            inside(&format!("bytes of the text at {at}, from {found}"), inner.rest(found), true, true, scan);
        }
    }
    for (at, len) in std::mem::take(&mut m.nested) {
        let Ok(inner) = view.slice(at, len) else { continue };
        if let Some(encoding) = constant::encoding(&inner.head(8)?) {
            encoded(inner, encoding, m, at, scan)?;
        } else if loadable(inner, scan)? {
            inside(&format!("constant at {at}"), inner, true, false, scan);
        }
    }
    Ok(())
}

/// Bytes of a constant that are read for what it encodes.
const ENCODED: usize = 8 << 20;

/// How often what a constant encodes is decoded again.
const LAYERS: usize = 3;

/// Reads what a constant encodes that nothing in the pickle decodes: the program that loads the pickle may.
fn encoded(constant: View<'_>, mut encoding: Encoding, m: &Machine<'_>, at: u64, scan: &mut Scan<'_>) -> Result<()> {
    if constant.len() > ENCODED as u64 || !scan.work(constant.len() / 2) {
        return Ok(());
    }
    let mut bytes = constant.head(ENCODED)?;
    for _ in 0..LAYERS {
        bytes = match m.decoded(bytes, encoding) {
            Some(bytes) => bytes,
            None => return Ok(()),
        };
        encoding = match constant::encoding(&bytes) {
            Some(encoding) => encoding,
            None => break,
        };
    }
    let pages = crate::bytes::Pages::new(&bytes);
    let inner = View::of_inflated(&pages);
    if (machine::marked(&bytes) || machine::in_lines(bytes.get(..64).unwrap_or(&bytes))) && loadable(inner, scan)? {
        inside(&format!("bytes of the text at {at}"), inner, true, true, scan);
    }
    Ok(())
}

fn read(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    run_all(view, 0, scan, |view, at, scan| weigh(view, at, scan).map(Outcome::ended))
}

/// Reads pickles from `at` to the end of the view, `one` at a time.
pub fn run_all<'s>(view: View<'s>, from: u64, scan: &mut Scan<'_>, mut one: impl FnMut(View<'s>, u64, &mut Scan<'_>) -> Result<Ended>) -> Result<()> {
    let mut open = vec![from];
    let mut seen = HashSet::new();
    let mut count = 0u64;
    let mut begun = 0;
    while let Some(start) = open.pop() {
        if begun > OTHERS {
            scan.gap("limit-pickle-frames");
            break;
        }
        begun += 1;
        let mut at = start;
        while at < view.len() {
            // Of what is read once, looking where the next pickle begins has a share as well.
            let share = if start == from && !scan.again { machine::SHARE } else { 0 };
            let mut cost = BEGINNING;
            let near = if at == start { Likeness::Sure } else { probe_chain(view, at, 0, &mut cost) };
            let likely = match near {
                enough @ (Likeness::Sure | Likeness::Ends) => enough,
                _ => probe_chain(view, at, 16, &mut cost),
            };
            if !matches!(likely, Likeness::Sure | Likeness::Ends) {
                if likely != Likeness::No && seen.insert(at) {
                    // Whoever goes on loading here gets as far as this, or behind it.
                    let ended = one(view, at, scan)?;
                    if matches!(ended.stop, Stop::Stop) && ended.end > at && probe_chain(view, ended.end, 16, &mut cost) != Likeness::No {
                        open.push(ended.end);
                    }
                }
                let next = after_padding(view, at, &mut cost, share.saturating_mul(view.len() - at).saturating_add(scan.work_left()))?;
                let gone = next.unwrap_or(view.len()) - at;
                if !scan.work(cost.saturating_sub(share.saturating_mul(gone))) {
                    break;
                }
                let Some(next) = next else {
                    stray(view, at, scan);
                    break;
                };
                scan.state(view, at, next - at, Fact::Stray { what: "between", bytes: next - at });
                at = next;
                cost = 0;
            }
            if seen.contains(&at) {
                break;
            }
            if seen.len() < BEGINNINGS {
                seen.insert(at);
            }
            let ended = one(view, at, scan)?;
            count += 1;
            if !scan.work(cost.saturating_sub(share.saturating_mul(ended.end.saturating_sub(at)))) {
                break;
            }
            if seen.len() < BEGINNINGS {
                open.extend(ended.others);
            } else if !ended.others.is_empty() {
                scan.gap("limit-pickle-frames");
            }
            match ended.stop {
                Stop::Stop if ended.end > at => at = ended.end,
                // Where this pickle ends is not known.
                Stop::Limit(_) => break,
                _ => {
                    // What stands behind a broken pickle is reached by no unpickler, but another loader may start there.
                    if ended.end < view.len() {
                        stray(view, ended.end, scan);
                    }
                    break;
                }
            }
        }
    }
    if count > 1 {
        scan.note(format!("{count} pickles"));
    }
    Ok(())
}

/// The next offset at which a pickle starts behind padding, with everything in between looked at, as far as `most` pays for it.
fn after_padding(view: View<'_>, from: u64, cost: &mut u64, most: u64) -> Result<Option<u64>> {
    let mut chunk = view.room(64 * 1024);
    let mut at = from;
    while at < view.len() && *cost <= most {
        let n = view.read(at, &mut chunk)?;
        if n == 0 {
            break;
        }
        for i in 0..n {
            let here = at + i as u64;
            let start = match &chunk[i..n] {
                [0x80, 2..=5, ..] => true,
                [b'c' | b'(' | b']' | b'}', ..] => i == 0 && here == from || i > 0 && matches!(chunk[i - 1], 0 | b'\n' | b' '),
                _ => false,
            };
            if start && here > from && *cost <= most && probe_chain(view, here, 16, cost) == Likeness::Sure {
                return Ok(Some(here));
            }
        }
        at += n as u64;
        *cost = cost.saturating_add(n as u64);
    }
    Ok(None)
}

fn stray(view: View<'_>, at: u64, scan: &mut Scan<'_>) {
    let rest = view.rest(at);
    // A newline or zero bytes at the end are what editors and block writers leave.
    let blank = rest.len() < 64 * 1024 && rest.head(64 * 1024).is_ok_and(|b| b.iter().all(|c| matches!(c, 0 | b'\n' | b'\r' | b' ')));
    if blank {
        return;
    }
    super::stray(view, at, scan);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bytes::Pages;

    fn likely(bytes: &[u8]) -> Likeness {
        let bytes = bytes.to_vec();
        let pages = Pages::new(&bytes);
        probe_at(View::of_file(&pages), 0)
    }

    #[test]
    fn an_import_counts_even_if_everything_behind_it_is_broken() {
        let whole = |bytes: &[u8]| {
            let bytes = bytes.to_vec();
            let pages = Pages::new(&bytes);
            probe(View::of_file(&pages))
        };
        for p in [&b"(cpty\nspawn\nS'id'o."[..], b"cbuiltins\neval\nS\"print('hello')\"\x85R.", b"cbuiltins\n__import__\nX\xff\xff\xff\xff.."] {
            assert!(whole(p) == Match::Sure, "{}", p.escape_ascii());
        }
        for t in [&b"cat\ndog\nSeveral birds\n"[..], b"cat\ndog\n\xc3\xa9t\xc3\xa9\n", b"cat\n", b"(cat and dog\nS'il vous pla\xeet\n"] {
            assert!(whole(t) == Match::No, "{}", t.escape_ascii());
        }
    }

    #[test]
    fn a_pickle_may_begin_with_more_than_a_probe_reads() {
        let long = vec![b'a'; 2 << 20];
        let text = [&b"X"[..], &(long.len() as u32).to_le_bytes(), &long, b"0"].concat();
        let line = [&b"V"[..], &long, b"\n0"].concat();
        for begin in [text, line] {
            assert!(likely(&[&begin[..], b"cos\nsystem\n(S'id'\ntR."].concat()) == Likeness::Sure);
            assert!(likely(&[&begin[..], b"it was"].concat()) != Likeness::Sure);
        }
    }

    #[test]
    fn pickles_without_a_mark_are_told_from_texts() {
        for p in [
            &b"(cpty\nspawn\nS'id'\no."[..],
            b"cbuiltins\n__import__\nS'os'\n\x85Rp0\n0cbuiltins\ngetattr\ng0\nS'system'\n\x86Rp1\n0g1\nS'whoami'\n\x85R.",
            b"cos\nsystem\n(S'id'\ntR.",
            b"(ios\nsystem\nS'id'\n.",
            b"L119547037146038801333356\n.cos\nsystem\n(S'id'\ntR.",
        ] {
            assert!(likely(p) == Likeness::Sure, "{}", p.escape_ascii());
        }
        for t in [
            &b"cat\ndog\nbird\n"[..],
            b"class Foo:\n    def bar(self):\n        pass\n",
            b"I am here.\n",
            b".",
            b"(see below)\n",
            b"{\"a\": 1}\n",
            b"import os\nos.system('id')\n",
            b"PK\x03\x04aaaaaaaaa\n",
        ] {
            assert!(likely(t) != Likeness::Sure, "{}", t.escape_ascii());
        }
    }
}
