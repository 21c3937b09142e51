//! HDF5 (HDF5 File Format Specification, version 3.0 and what libhdf5 2.0 added): groups, links, attributes, datasets and where
//! their elements lie. Keras, PyTables, h5py, MATLAB 7.3, netCDF 4 and AnnData write it.
//!
//! # Why not a crate
//! What matters here is what libraries hide: an external link is dropped, external storage looks like an empty dataset, and one
//! child that cannot be read takes its siblings with it.

mod data;
mod filter;
mod group;
mod heap;
mod raw;
mod types;

use super::{Format, Match, keras};
use crate::bytes::{Pages, View};
use crate::error::{Error, Result};
use crate::fact::{Fact, Tensor};
use crate::format::json::leaves_folder;
use crate::scan::Scan;
use crate::text::printable;
use data::{Chunk, Filter, Index, Layout, Pieces};
use group::Target;
use heap::Globals;
use raw::{Cursor, File, Message};
use std::collections::HashSet;
use types::{Attribute, Dataspace, Datatype, Kind};

/// HDF5, with or without a user block. Keras 2 wrote it under any name, `.keras` too.
pub const HDF5: Format =
    Format { id: "hdf5", name: "HDF5", extensions: &["h5", "hdf5", "hdf", "he5", "h5ad", "loom", "nc", "mat", "weights", "keras"], refines: &[], probe, read };

/// Groups inside one another that are followed.
const DEPTH: usize = 200;

/// Texts and byte strings of one dataset or attribute that are looked into.
const ITEMS: u64 = 100_000;

/// Chunks of plain bytes that are looked into: what is loaded from them starts at the first.
const FIRST_CHUNKS: u64 = 16;

/// Bytes of one chunk that are unpacked in memory.
const CHUNK: u64 = 64 << 20;

/// A dataset that claims more than this, and a thousand times the file, is made to exhaust whoever reads it.
const CLAIM: u64 = 1 << 30;

/// Bytes that are read of a text that begins like Base64 of what loads or runs.
const CARRIED: usize = 16 << 20;

/// What a Keras file has at its root, as attributes or as links.
const KERAS: &[&str] = &[
    "keras_version", "model_config", "layer_names", "model_weights", "_layer_checkpoint_dependencies", "top_level_model_weights", "optimizer_weights",
    "layers", "vars",
];

fn probe(view: View<'_>) -> Match {
    if raw::find(view).is_some() { Match::Sure } else { Match::No }
}

fn read(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    let Some(shift) = raw::find(view) else { return Err(Error::malformed(0, "hdf5-superblock")) };
    if shift > 0 {
        user_block(view, shift, scan)?;
    }
    let (file, start) = File::open(view.rest(shift))?;
    scan.note(format!("superblock {}", start.version));
    ends(view, shift, &file, start.end, scan)?;
    if start.version < 2 && start.extension.is_some() {
        // A driver other than the plain one spreads the file over several.
        scan.gap("hdf5-driver");
    }
    let mut walk = Walk { whole: view, shift, file, globals: Globals::default(), keras: false, objects: 0, tensors: 0 };
    walk.run(start.root, scan)
}

/// What stands in front belongs to somebody else: MATLAB writes a line of text and zeros, h5jam whatever it is told to.
fn user_block(view: View<'_>, len: u64, scan: &mut Scan<'_>) -> Result<()> {
    let block = view.slice(0, len)?;
    let head = block.head(64 << 10)?;
    let text = head.iter().all(|b| matches!(b, 0 | 9 | 10 | 13 | 32..=126)) || head.starts_with(b"MATLAB");
    if super::sure(block) || !text {
        scan.state(view, 0, len.min(64), Fact::Stray { what: "leading", bytes: len });
        scan.child("user block", block, true);
    }
    Ok(())
}

/// libhdf5 refuses a file that is shorter than it says, and never looks behind the end.
fn ends(view: View<'_>, shift: u64, file: &File<'_>, end: u64, scan: &mut Scan<'_>) -> Result<()> {
    if end > file.view.len() {
        scan.state(view, view.len(), 0, Fact::Malformed { format: "hdf5", what: "ends-early" });
        scan.gap("malformed");
        return Ok(());
    }
    super::trailing(view, shift.saturating_add(end), scan)
}

/// An object that is still to be visited.
struct Visit {
    at: u64,
    path: String,
    depth: usize,
}

struct Walk<'s> {
    whole: View<'s>,
    /// Bytes in front of the signature.
    shift: u64,
    file: File<'s>,
    globals: Globals,
    /// Whether it is a model that Keras wrote.
    keras: bool,
    objects: u64,
    tensors: u64,
}

impl<'s> Walk<'s> {
    fn state(&self, at: u64, len: u64, fact: Fact, scan: &mut Scan<'_>) {
        // An address that lies behind the end is shown as the end.
        let at = self.shift.saturating_add(at).min(self.whole.len());
        scan.state(self.whole, at, len.min(self.whole.len().saturating_sub(at)), fact);
    }

    /// A fault in one object does not hide the others.
    fn fault(&self, e: Error, scan: &mut Scan<'_>) -> Result<()> {
        match e {
            Error::Malformed { at, what } => {
                self.state(at, 16, Fact::Malformed { format: "hdf5", what }, scan);
                scan.gap("malformed");
            }
            Error::Limit { what, .. } => scan.gap(&format!("limit-{what}")),
            Error::Unreadable { .. } => return Err(e),
        }
        Ok(())
    }

    /// Visits every object once, depth first, in the order of the links.
    fn run(&mut self, root: u64, scan: &mut Scan<'_>) -> Result<()> {
        let mut seen = HashSet::new();
        // The objects on the way to the current one.
        let mut way: Vec<u64> = Vec::new();
        let mut todo = vec![Visit { at: root, path: String::new(), depth: 0 }];
        while let Some(visit) = todo.pop() {
            way.truncate(visit.depth);
            if way.contains(&visit.at) {
                self.state(visit.at, 16, Fact::Hdf5Oddity { what: "cycle", name: visit.path }, scan);
                continue;
            }
            if !seen.insert(visit.at) {
                continue;
            }
            way.push(visit.at);
            self.objects += 1;
            if self.objects > scan.limits().members {
                scan.gap("limit-members");
                return Ok(());
            }
            if visit.depth > DEPTH {
                scan.gap("limit-hdf5-depth");
                continue;
            }
            match self.object(&visit, scan) {
                Ok(children) => todo.extend(children.into_iter().rev()),
                Err(e) => self.fault(e, scan)?,
            }
        }
        Ok(())
    }

    fn object(&mut self, visit: &Visit, scan: &mut Scan<'_>) -> Result<Vec<Visit>> {
        let messages = self.file.messages(visit.at)?;
        let mut attributes = Vec::new();
        let (gathered, links) = (self.attributes(&messages, &mut attributes, scan), group::links(&self.file, &messages));
        let (links, faults) = links?;
        for e in gathered.err().into_iter().chain(faults) {
            self.fault(e, scan)?;
        }
        if visit.depth == 0 {
            let names = attributes.iter().map(|a: &Attribute| a.name.as_str()).chain(links.iter().map(|l| l.name.as_str()));
            self.keras = names.into_iter().any(|n| KERAS.contains(&n));
        }
        for a in &attributes {
            if let Err(e) = self.attribute(a, visit, scan) {
                self.fault(e, scan)?;
            }
        }
        if messages.iter().any(|m| m.kind == 8)
            && let Err(e) = self.dataset(visit, &messages, scan)
        {
            self.fault(e, scan)?;
        }
        Ok(self.follow(visit, links, scan))
    }

    /// States what links lead out of the file, and returns the objects that the others lead to.
    fn follow(&mut self, visit: &Visit, links: Vec<group::Link>, scan: &mut Scan<'_>) -> Vec<Visit> {
        let mut out = Vec::new();
        for link in links {
            let path = if visit.path.is_empty() { link.name } else { format!("{}/{}", visit.path, link.name) };
            match link.target {
                Target::Object(at) => out.push(Visit { at, path, depth: visit.depth + 1 }),
                Target::Soft(to) => scan.leaf(&path, "soft link", None, Some(to)),
                Target::File(name, inside) => {
                    scan.leaf(&path, "external link", None, Some(format!("{name}: {inside}")));
                    self.outside("external-link", name, link.at, link.len, scan);
                }
                Target::Other(kind) => {
                    self.state(link.at, link.len, Fact::Hdf5Oddity { what: "user-link", name: format!("{path}, kind {kind}") }, scan);
                }
            }
        }
        out
    }

    /// A file that stands in for part of this one.
    fn outside(&self, kind: &'static str, target: String, at: u64, len: u64, scan: &mut Scan<'_>) {
        let leaves = leaves_folder(&target);
        if !leaves {
            self.state(at, len, Fact::Reference { target: target.clone() }, scan);
            scan.gap("hdf5-outside");
        }
        self.state(at, len, Fact::OutsideData { kind, target, leaves, model: self.keras }, scan);
    }

    fn attributes(&self, messages: &[Message], out: &mut Vec<Attribute>, scan: &mut Scan<'_>) -> Result<()> {
        let mut keep = |at: u64, len: u64, scan: &mut Scan<'_>| match Attribute::read(&self.file, at, len) {
            Ok(a) => {
                out.push(a);
                Ok(())
            }
            Err(e) => self.fault(e, scan),
        };
        for m in messages {
            match m.kind {
                0x0c if m.shared() => scan.gap("hdf5-shared"),
                0x0c => keep(m.at, m.len, scan)?,
                0x15 => {
                    for (at, len) in group::dense(&self.file, m, 8)? {
                        keep(at, len, scan)?;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn attribute(&mut self, a: &Attribute, visit: &Visit, scan: &mut Scan<'_>) -> Result<()> {
        let name = if visit.path.is_empty() { a.name.clone() } else { format!("{}@{}", visit.path, a.name) };
        let count = a.space.elements();
        if !a.datatype.bytes || a.space.null {
            return Ok(());
        }
        if count > ITEMS {
            scan.gap("limit-hdf5-items");
        }
        let value = self.file.view.slice(a.at, a.len.min(a.datatype.size.saturating_mul(count)))?;
        match a.datatype.kind {
            Kind::Text | Kind::Opaque => {
                for n in 0..count.min(ITEMS) {
                    let at = a.at.saturating_add(n.saturating_mul(a.datatype.size));
                    self.item(&name, at, a.datatype.size, count == 1, scan)?;
                }
            }
            Kind::Long { item: 1 } => {
                for (at, len) in self.long(Cursor::new(value, 0), count.min(ITEMS))? {
                    self.item(&name, at, len, count == 1, scan)?;
                }
            }
            _ => self.item(&name, a.at, value.len(), false, scan)?,
        }
        Ok(())
    }

    /// Where the values behind references to the global heap lie.
    fn long(&mut self, mut c: Cursor<'_>, count: u64) -> Result<Vec<(u64, u64)>> {
        let mut out = Vec::new();
        for _ in 0..count {
            let len = u64::from(c.u32()?);
            let heap = self.file.address(&mut c)?;
            let index = c.u32()?;
            let Some(heap) = heap.filter(|h| *h != 0 && len > 0) else { continue };
            if let Some((at, have)) = self.globals.find(&self.file, heap, index)? {
                out.push((at, len.min(have)));
            }
        }
        Ok(out)
    }

    /// One text or byte string: a Keras configuration, a pickle, or a plain value.
    fn item(&self, name: &str, at: u64, len: u64, alone: bool, scan: &mut Scan<'_>) -> Result<()> {
        let view = self.file.view.slice(at, len)?;
        let begin = view.head(8)?;
        let head = view.head(if crate::base64::hides(&begin) { CARRIED } else { 512 })?;
        let text = head.iter().position(|b| *b == 0).map_or(head.as_slice(), |n| head.get(..n).unwrap_or(&[]));
        let first = text.iter().find(|b| !b.is_ascii_whitespace());
        if matches!(first, Some(b'{' | b'[')) && keras::likely(view) {
            let end = at.saturating_add(keras::text_end(view)?);
            return match keras::weigh(self.whole, self.shift.saturating_add(at), self.shift.saturating_add(end), scan) {
                Err(e) => self.fault(shifted(e, self.shift), scan),
                Ok(()) => Ok(()),
            };
        }
        if super::sure(view) {
            scan.child(name, view, true);
            return Ok(());
        }
        if !text.is_empty() {
            super::setting::metadata(self.whole, self.shift.saturating_add(at), len, &String::from_utf8_lossy(text), scan);
        }
        if alone && !text.is_empty() {
            let value = printable(&String::from_utf8_lossy(text), 200);
            self.state(at, len.min(512), Fact::Metadata { key: name.to_string(), value }, scan);
        }
        Ok(())
    }

    fn dataset(&mut self, visit: &Visit, messages: &[Message], scan: &mut Scan<'_>) -> Result<()> {
        let find = |kind: u16| messages.iter().find(|m| m.kind == kind);
        let bad = || Error::malformed(visit.at, "hdf5-dataset");
        let (space, element, layout) = (find(1).ok_or_else(bad)?, find(3).ok_or_else(bad)?, find(8).ok_or_else(bad)?);
        if space.shared() || layout.shared() {
            return Err(Error::limit(visit.at, "hdf5-shared"));
        }
        let space = Dataspace::read(&self.file, &mut Cursor::new(self.file.view, space.at))?;
        let element = self.file.datatype(element.at, element.shared())?;
        let filters = match find(11) {
            Some(m) if m.shared() => return Err(Error::limit(visit.at, "hdf5-shared")),
            Some(m) => data::filters(&self.file, m)?,
            None => Vec::new(),
        };
        let stored = Layout::read(&self.file, layout)?;
        if let Some(m) = find(7) {
            for (name, at, len) in data::external_files(&self.file, m)? {
                self.outside("external-storage", name, at, len, scan);
            }
        }
        for f in filters.iter().filter(|f| f.name().is_none()) {
            self.state(visit.at, 16, Fact::Hdf5Oddity { what: "unknown-filter", name: format!("{}, filter {}", visit.path, f.id) }, scan);
        }
        self.describe(visit, &space, &element, &filters, &stored, scan);
        self.look(visit, &space, &element, &filters, &stored, scan)
    }

    /// The tensor, its line in the outline, and whether its size can be true.
    fn describe(&mut self, visit: &Visit, space: &Dataspace, element: &Datatype, filters: &[Filter], stored: &Layout, scan: &mut Scan<'_>) {
        let mut shape = space.shape.clone();
        shape.extend_from_slice(&element.inner);
        if space.null {
            shape = vec![0];
        }
        let bytes = element.size.saturating_mul(space.elements());
        let kept = match stored {
            Layout::Compact { .. } => "compact",
            Layout::Contiguous { .. } => "contiguous",
            Layout::Chunked { .. } => "chunked",
            Layout::Virtual { .. } => "virtual",
            Layout::Unknown => "unknown layout",
        };
        let names: Vec<&str> = filters.iter().map(|f| f.name().unwrap_or("unknown filter")).collect();
        let dtype = match &element.kind {
            Kind::Number(n) => n.clone(),
            Kind::Text | Kind::Long { item: 1 } => "text".into(),
            Kind::Long { .. } => "lists".into(),
            Kind::Opaque => "opaque".into(),
            Kind::Other(n) => (*n).into(),
        };
        if self.tensors < scan.limits().tensors {
            scan.leaf(&visit.path, "dataset", Some(bytes), Some(format!("{dtype} {shape:?} {kept} {}", names.join(" ")).trim_end().to_string()));
        }
        self.tensors += 1;
        if matches!(element.kind, Kind::Number(_)) {
            self.state(visit.at, 16, Fact::Tensor(Tensor { name: visit.path.clone(), dtype, shape, bytes }), scan);
        }
        if bytes > CLAIM && bytes / 1000 > self.whole.len() {
            self.state(visit.at, 16, Fact::Hdf5Oddity { what: "claims-too-much", name: format!("{}, {bytes} bytes", visit.path) }, scan);
        }
        if let Layout::Contiguous { at: Some(at), len } = stored
            && self.file.view.slice(*at, *len).is_err()
        {
            self.state(*at, 0, Fact::Malformed { format: "hdf5", what: "ends-early" }, scan);
            scan.gap("malformed");
        }
    }

    /// Looks into elements that are not plain numbers.
    fn look(&mut self, visit: &Visit, space: &Dataspace, element: &Datatype, filters: &[Filter], stored: &Layout, scan: &mut Scan<'_>) -> Result<()> {
        match stored {
            Layout::Virtual { heap: Some(heap), object } => {
                for (name, at, len) in data::virtual_files(&self.file, &mut self.globals, *heap, *object)? {
                    self.outside("virtual-dataset", name, at, len, scan);
                }
                Ok(())
            }
            Layout::Unknown => Err(Error::limit(visit.at, "hdf5-layout")),
            _ if !element.bytes => Ok(()),
            Layout::Compact { at, len } | Layout::Contiguous { at: Some(at), len } => {
                let wanted = element.size.saturating_mul(space.elements()).min(*len);
                let view = self.file.view.slice(*at, wanted.min(self.file.view.len().saturating_sub(*at)))?;
                self.elements(visit, element, view, scan)
            }
            Layout::Chunked { index, at, chunk } => {
                let pieces = pieces(space, element, filters, chunk);
                self.chunked(visit, element, filters, (*index, *at), &pieces, scan)
            }
            _ => Ok(()),
        }
    }

    fn chunked(
        &mut self,
        visit: &Visit,
        element: &Datatype,
        filters: &[Filter],
        (index, at): (Index, Option<u64>),
        pieces: &Pieces,
        scan: &mut Scan<'_>,
    ) -> Result<()> {
        let most = if matches!(element.kind, Kind::Number(_) | Kind::Other(_)) { FIRST_CHUNKS } else { u64::MAX };
        let mut found: Vec<Chunk> = Vec::new();
        let listed = data::chunks(&self.file, index, at, pieces, &mut |c| {
            if (found.len() as u64) < most {
                found.push(c);
            }
            Ok(())
        });
        for c in found {
            let stored = self.file.view.slice(c.at, c.len)?;
            if filters.is_empty() {
                self.elements(visit, element, stored, scan)?;
                continue;
            }
            match filter::undo(stored, filters, c.left_out, pieces.raw.min(CHUNK), scan)? {
                Some(bytes) => {
                    let pages = Pages::new(&bytes);
                    self.elements(visit, element, View::of_inflated(&pages), scan)?;
                }
                None => scan.gap("hdf5-filter"),
            }
        }
        listed
    }

    /// Looks at elements that lie side by side.
    fn elements(&mut self, visit: &Visit, element: &Datatype, view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
        let count = view.len().checked_div(element.size).unwrap_or(0);
        match element.kind {
            Kind::Long { item: 1 } => {
                if count > ITEMS {
                    scan.gap("limit-hdf5-items");
                }
                for (at, len) in self.long(Cursor::new(view, 0), count.min(ITEMS))? {
                    self.item(&visit.path, at, len, false, scan)?;
                }
            }
            Kind::Long { .. } => {}
            Kind::Text | Kind::Opaque if element.size >= 8 => {
                if count > ITEMS {
                    scan.gap("limit-hdf5-items");
                }
                for n in 0..count.min(ITEMS) {
                    let one = view.slice(n.saturating_mul(element.size), element.size)?;
                    if super::sure(one) {
                        scan.child(&visit.path, one, true);
                    } else if crate::base64::hides(&one.head(8)?) {
                        super::setting::carried(String::from_utf8_lossy(&one.head(CARRIED)?).trim_end_matches('\0'), scan);
                    }
                }
            }
            _ if super::sure(view) => scan.child(&visit.path, view, true),
            _ => {}
        }
        Ok(())
    }
}

/// An error inside the user block's shift, counted from the signature.
fn shifted(e: Error, shift: u64) -> Error {
    match e {
        Error::Malformed { at, what } => Error::Malformed { at: at.saturating_sub(shift), what },
        other => other,
    }
}

fn pieces(space: &Dataspace, element: &Datatype, filters: &[Filter], chunk: &[u64]) -> Pieces {
    let raw = chunk.iter().fold(element.size, |n, d| n.saturating_mul(*d));
    let count = space.shape.iter().zip(chunk).fold(1u64, |n, (have, per)| n.saturating_mul(have.div_ceil((*per).max(1))));
    Pieces { raw, count, filtered: !filters.is_empty(), rank: chunk.len() as u64 }
}
