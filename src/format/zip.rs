//! ZIP and ZIP64 (PKWARE APPNOTE 6.3.10), read from both ends: every central entry against its local header, and local headers
//! that no central entry names.
//!
//! # Why not the `zip` crate
//! It keeps the last of two entries with one name and drops the first silently, and never compares the two headers; torch takes
//! the first. An archive that is read differently by two programs is what we look for, so we keep every occurrence.

use super::{Format, Match};
use crate::bytes::{Coder, Ending, Pages, Source, Unpacked, View};
use crate::error::{Error, Result};
use crate::fact::Fact;
use crate::scan::Scan;
use crate::text::printable_bytes;
use std::cell::Cell;
use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

/// Any ZIP archive.
pub const ZIP: Format =
    Format { id: "zip", name: "ZIP archive", extensions: &["zip", "mar", "keras", "skops", "dduf", "pt2", "jar", "whl"], refines: &[], probe, read };

const LOCAL: &[u8] = b"PK\x03\x04";
const CENTRAL: u32 = 0x0201_4b50;
/// Members above this size are not read for their CRC alone.
const CRC_BELOW: u64 = 1 << 20;

/// Bytes between two members that are taken for a hole.
const HOLE: u64 = 64;
/// Holes of one archive that are read.
const HOLES: u32 = 64;
/// The longest data descriptor.
const DESCRIPTOR: u64 = 24;
/// Bytes unpacked from all members below which no ratio makes a bomb.
const BOMB_FROM: u64 = 32 << 20;

/// How the reader of a container reads a member itself.
pub type By<'r, 'f> = Option<&'r mut (dyn FnMut(View<'_>, &mut Scan<'_>) -> Result<()> + 'f)>;

/// Where the central directory lies.
#[derive(Clone, Copy, Debug)]
struct End {
    at: u64,
    directory: u64,
    /// Bytes that stand before the archive's own offset 0.
    shift: u64,
    entries: u64,
    comment_end: u64,
}

/// One central entry, and what its local header says.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Name as the central directory has it.
    pub name: String,
    /// Offset of the central entry.
    pub at: u64,
    /// Offset of the local header.
    pub local: u64,
    /// Offset of the data; `None` if there is no local header where the directory says.
    pub data: Option<u64>,
    /// Compression method.
    pub method: u16,
    /// Method of the local header.
    pub local_method: u16,
    /// General purpose flags of both headers together.
    pub flags: u16,
    /// CRC-32.
    pub crc: u32,
    /// Bytes in the archive.
    pub packed: u64,
    /// Bytes unpacked, as claimed.
    pub size: u64,
    /// Unix mode, 0 where the writer kept none.
    pub mode: u32,
    /// Disagreements between the two headers.
    differs: Vec<String>,
}

/// A directory that was found.
pub struct Archive<'s> {
    view: View<'s>,
    end: End,
    /// Offsets of the central entries, in order.
    entries: Vec<u64>,
    /// Bytes unpacked from members so far, and what they were unpacked from.
    sum: Cell<(u64, u64)>,
    /// Whether the sum was told to be a bomb's.
    bomb: Cell<bool>,
}

/// Where a member lies, as far as the directory knows: the local header may make it longer.
struct Span {
    from: u64,
    to: u64,
    /// Offset of the central entry.
    entry: u64,
}

fn find_end(view: View<'_>) -> Option<End> {
    let tail_len = view.len().min(22 + 65_535 + 20);
    let tail_at = view.len() - tail_len;
    let tail = view.take(tail_at, tail_len, 70_000).ok()?;
    let mut best: Option<End> = None;
    let mut end = tail.len().saturating_sub(21);
    while let Some(i) = memchr::memrchr(b'P', tail.get(..end)?) {
        end = i;
        if !tail.get(i..)?.starts_with(b"PK\x05\x06") {
            continue;
        }
        let at = tail_at + i as u64;
        let Some(end) = end_at(view, at) else { continue };
        // The record at the very end of its comment is the one every reader takes; others are kept only if nothing fits better.
        let fits = end.entries > 0 && view.u32(end.directory).is_ok_and(|s| s == CENTRAL);
        if fits {
            return Some(end);
        }
        best = best.or(Some(end));
    }
    best.filter(|e| e.entries == 0 && (e.at == 0 || view.has(0, LOCAL)))
}

fn end_at(view: View<'_>, at: u64) -> Option<End> {
    let mut entries = u64::from(view.u16(at + 10).ok()?);
    let mut size = u64::from(view.u32(at + 12).ok()?);
    let mut offset = u64::from(view.u32(at + 16).ok()?);
    let comment = u64::from(view.u16(at + 20).ok()?);
    let mut base_end = at;
    if let Some(locator) = at.checked_sub(20)
        && view.u32(locator).ok()? == 0x0706_4b50
    {
        let claimed = view.u64(locator + 8).ok()?;
        // The record stands where the locator says, or right before the locator when bytes were put in front of the archive.
        let found = [claimed, locator.saturating_sub(56)].into_iter().find(|r| view.u32(*r).is_ok_and(|s| s == 0x0606_4b50));
        if let Some(r) = found {
            entries = view.u64(r + 32).ok()?;
            size = view.u64(r + 40).ok()?;
            offset = view.u64(r + 48).ok()?;
            base_end = r;
        }
    }
    // Python takes the directory to end where the end record begins; the offset then tells how much stands before the archive.
    let by_size = base_end.checked_sub(size);
    let (directory, shift) = match by_size {
        Some(d) if d >= offset && view.u32(d).is_ok_and(|s| s == CENTRAL) => (d, d - offset),
        _ if view.u32(offset).is_ok_and(|s| s == CENTRAL) => (offset, 0),
        Some(d) if d >= offset => (d, d - offset),
        _ => return None,
    };
    Some(End { at, directory, shift, entries, comment_end: at + 22 + comment })
}

fn probe(view: View<'_>) -> Match {
    if view.len() < 22 {
        return Match::No;
    }
    // A tar whose last member is an archive ends like one: the archive belongs to the member.
    if view.has(0, LOCAL) || !super::tar::begins(view) && find_end(view).is_some() { Match::Sure } else { Match::No }
}

/// Where the record lies that ends the archive, for everybody who looks for one from the back.
pub fn end(view: View<'_>) -> Option<u64> {
    find_end(view).map(|end| end.at)
}

/// Whether a ZIP has a member whose name passes the test; looks at the first thousand.
pub fn any_member(view: View<'_>, test: impl Fn(&str) -> bool) -> bool {
    if probe(view) == Match::No {
        return false;
    }
    let Some(end) = find_end(view) else { return false };
    let mut at = end.directory;
    for _ in 0..1000 {
        let Ok(entry) = central(view, at, end.shift) else { return false };
        if test(&entry.0.name) {
            return true;
        }
        at = entry.1;
    }
    false
}

/// The archives of a file that is nothing but one archive after the other, first to last; none when it is anything else, or a single one.
pub fn row(view: View<'_>) -> Vec<View<'_>> {
    let mut parts = Vec::new();
    let mut rest = view;
    // Behind the last thousand others no archive is looked for.
    while parts.len() < 1000
        && let Some(end) = find_end(rest)
        && end.comment_end == rest.len()
        && let (Ok(part), Ok(before)) = (rest.slice(end.shift, rest.len() - end.shift), rest.slice(0, end.shift))
        && part.has(0, LOCAL)
    {
        parts.push(part);
        rest = before;
        if rest.is_empty() && parts.len() > 1 {
            parts.reverse();
            return parts;
        }
    }
    Vec::new()
}

/// Reads the central entry at `at`; returns it with the offset of the next.
fn central(view: View<'_>, at: u64, shift: u64) -> Result<(Entry, u64)> {
    let h = view.array::<46>(at)?;
    let u16_at = |i: usize| u16::from_le_bytes([h[i], h[i + 1]]);
    let u32_at = |i: usize| u32::from_le_bytes([h[i], h[i + 1], h[i + 2], h[i + 3]]);
    if u32_at(0) != CENTRAL {
        return Err(Error::malformed(at, "zip-directory"));
    }
    let (name_len, extra_len, comment_len) = (u64::from(u16_at(28)), u64::from(u16_at(30)), u64::from(u16_at(32)));
    let name = view.take(at + 46, name_len, 65_536)?;
    let mut entry = Entry {
        name: String::from_utf8(name).unwrap_or_else(|e| e.into_bytes().iter().map(|b| *b as char).collect()),
        at,
        local: u64::from(u32_at(42)),
        data: None,
        method: u16_at(10),
        local_method: 0,
        flags: u16_at(8),
        crc: u32_at(16),
        packed: u64::from(u32_at(20)),
        size: u64::from(u32_at(24)),
        mode: u32_at(38) >> 16,
        differs: Vec::new(),
    };
    let extra = view.take(at + 46 + name_len, extra_len, 65_536)?;
    zip64(&extra, &mut entry.size, &mut entry.packed, Some(&mut entry.local));
    if let Some(other) = unicode_path(&extra, &entry.name) {
        entry.differs.push(format!("name: Unicode path {}", printable_bytes(other.as_bytes(), 100)));
        if leaves_folder(&other) {
            entry.name = other;
        }
    }
    entry.local = entry.local.saturating_add(shift);
    // Names that no code page holds differ for good reason. One that leads out of the folder has none.
    if let Some(other) = unicode(&extra).filter(|n| super::json::leaves_folder(n)) {
        entry.name = other;
    }
    Ok((entry, at + 46 + name_len + extra_len + comment_len))
}

/// The name in extra field 0x7075: some programs take it instead of the other (Info-ZIP, Python since 3.12), some do not know it.
fn unicode(extra: &[u8]) -> Option<String> {
    let mut rest = extra;
    while let [a, b, c, d, tail @ ..] = rest {
        let body = tail.get(..usize::from(u16::from_le_bytes([*c, *d])))?;
        rest = tail.get(body.len()..)?;
        if [*a, *b] == [0x75, 0x70] {
            return String::from_utf8(body.get(5..)?.to_vec()).ok();
        }
    }
    None
}

/// Sizes that do not fit 32 bits stand in extra field 1, in a fixed order, each only if its field is full.
fn zip64(extra: &[u8], size: &mut u64, packed: &mut u64, local: Option<&mut u64>) {
    let mut rest = extra;
    while let [a, b, c, d, tail @ ..] = rest {
        let len = usize::from(u16::from_le_bytes([*c, *d]));
        let Some(body) = tail.get(..len) else { return };
        rest = tail.get(len..).unwrap_or(&[]);
        if u16::from_le_bytes([*a, *b]) != 1 {
            continue;
        }
        let mut fields = body.chunks_exact(8).filter_map(|c| <[u8; 8]>::try_from(c).ok()).map(u64::from_le_bytes);
        for field in [Some(size), Some(packed), local].into_iter().flatten() {
            if *field == 0xffff_ffff
                && let Some(v) = fields.next()
            {
                *field = v;
            }
        }
        return;
    }
}

/// Another name in extra field 0x7075 (APPNOTE 4.6.9), which unpackers prefer to the header's. It is there for letters beyond ASCII alone.
fn unicode_path(extra: &[u8], name: &str) -> Option<String> {
    let mut rest = extra;
    while let [a, b, c, d, tail @ ..] = rest {
        let (body, next) = tail.split_at_checked(usize::from(u16::from_le_bytes([*c, *d])))?;
        rest = next;
        if let ([0x75, 0x70], [1, _, _, _, _, path @ ..]) = ([*a, *b], body) {
            let path = String::from_utf8_lossy(path);
            return (path != name && (name.is_ascii() && path.is_ascii() || leaves_folder(&path))).then(|| path.into_owned());
        }
    }
    None
}

/// Adds what the local header says.
fn local(view: View<'_>, e: &mut Entry) -> Result<()> {
    let Ok(h) = view.array::<30>(e.local) else {
        e.differs.push("there is no local header where the directory points".into());
        return Ok(());
    };
    if !h.starts_with(LOCAL) {
        e.differs.push("there is no local header where the directory points".into());
        return Ok(());
    }
    let u16_at = |i: usize| u16::from_le_bytes([h[i], h[i + 1]]);
    let u32_at = |i: usize| u32::from_le_bytes([h[i], h[i + 1], h[i + 2], h[i + 3]]);
    let (flags, method, crc) = (u16_at(6), u16_at(8), u32_at(14));
    let (mut packed, mut size) = (u64::from(u32_at(18)), u64::from(u32_at(22)));
    let (name_len, extra_len) = (u64::from(u16_at(26)), u64::from(u16_at(28)));
    let name = view.take(e.local + 30, name_len, 65_536).unwrap_or_default();
    let extra = view.take(e.local + 30 + name_len, extra_len, 65_536).unwrap_or_default();
    zip64(&extra, &mut size, &mut packed, None);
    let name = String::from_utf8(name).unwrap_or_else(|x| x.into_bytes().iter().map(|b| *b as char).collect());
    if name != e.name {
        e.differs.push(format!("name: local {}", printable_bytes(name.as_bytes(), 100)));
    }
    if method != e.method {
        e.differs.push(format!("method: local {method}, central {}", e.method));
    }
    // Bit 3 puts sizes and CRC behind the data; writers differ in bits 1 and 2 (compression effort) and 11 (UTF-8).
    let matter = 0x0001 | 0x0020 | 0x0040 | 0x2000;
    if flags & matter != e.flags & matter {
        e.differs.push(format!("flags: local {flags:#06x}, central {:#06x}", e.flags));
    }
    let later = flags & 8 != 0;
    if !later && (size != e.size || packed != e.packed) && !(size == 0 && packed == 0) {
        e.differs.push(format!("size: local {packed}/{size}, central {}/{}", e.packed, e.size));
    }
    if !later && crc != e.crc && crc != 0 {
        e.differs.push(format!("CRC-32: local {crc:08x}, central {:08x}", e.crc));
    }
    e.local_method = method;
    e.flags |= flags;
    e.data = Some(e.local + 30 + name_len + extra_len);
    Ok(())
}

impl<'s> Archive<'s> {
    /// Finds the directory, states what is wrong with the archive as a whole, and keeps where the entries are.
    pub fn open(view: View<'s>, scan: &mut Scan<'_>) -> Result<Archive<'s>> {
        let Some(end) = find_end(view) else {
            // Cut off before its directory: what stands in front is read from the local headers.
            let lone = Archive {
                view,
                end: End { at: view.len(), directory: view.len(), shift: 0, entries: 0, comment_end: view.len() },
                entries: Vec::new(),
                sum: Cell::new((0, 0)),
                bomb: Cell::new(false),
            };
            lone.walk_locals(None, scan)?;
            return Err(Error::malformed(view.len().saturating_sub(22), "zip-no-directory"));
        };
        let mut entries = Vec::new();
        let mut seen: HashMap<u64, bool> = HashMap::new();
        let mut folded: HashSet<u64> = HashSet::new();
        let mut locals: HashSet<u64> = HashSet::new();
        let mut spans = Vec::new();
        let mut at = end.directory;
        let stop = end.at;
        while at < stop && view.u32(at).is_ok_and(|s| s == CENTRAL) {
            let (entry, next) = match central(view, at, end.shift) {
                Ok(found) => found,
                Err(Error::Malformed { at, .. }) => {
                    scan.state(
                        view,
                        at,
                        46,
                        Fact::Archive { what: "directory-damaged", name: String::new(), detail: "a central entry reaches past the end".into() },
                    );
                    break;
                }
                Err(e) => return Err(e),
            };
            if entries.len() as u64 >= scan.limits().members {
                scan.gap("limit-members");
                break;
            }
            let exact = hash(&entry.name);
            let fold = hash(&entry.name.to_lowercase());
            let length = next - at;
            if seen.insert(exact, true).is_some() {
                scan.state(view, at, length, Fact::Archive { what: "duplicate-member", name: entry.name.clone(), detail: String::new() });
            } else if !folded.insert(fold) {
                scan.state(view, at, length, Fact::Archive { what: "case-twin", name: entry.name.clone(), detail: String::new() });
            }
            // Pandas before 1.4 names the only member by the whole path of its archive: what unpacks it gets one more archive.
            let own = end.entries == 1 && entry.name.ends_with(".zip") && !entry.name.contains('\0');
            if leaves_folder(&entry.name) && !own {
                scan.state(view, at, length, Fact::Traversal { target: entry.name.clone() });
            }
            locals.insert(entry.local);
            let to = entry.local.saturating_add(30 + entry.name.len() as u64).saturating_add(entry.packed);
            spans.push(Span { from: entry.local, to, entry: at });
            entries.push(at);
            at = next;
        }
        let count = entries.len() as u64;
        if count != end.entries && count & 0xffff != end.entries {
            let detail = format!("the end record counts {}, the directory has {count}", end.entries);
            scan.state(view, end.at, 22, Fact::Archive { what: "wrong-count", name: String::new(), detail });
        }
        if end.shift > 0 {
            scan.state(view, 0, end.shift.min(64), Fact::Stray { what: "leading", bytes: end.shift });
        }
        super::stray(view, end.comment_end, scan);
        if let Ok(comment) = view.slice(end.at.saturating_add(22), end.comment_end.saturating_sub(end.at + 22)) {
            scan.child("comment", comment, true);
        }
        let archive = Archive { view, end, entries, sum: Cell::new((0, 0)), bomb: Cell::new(false) };
        archive.check_layout(spans, scan)?;
        archive.walk_locals(Some(&locals), scan)?;
        Ok(archive)
    }

    /// Members that lie in one another, and bytes between members.
    fn check_layout(&self, mut spans: Vec<Span>, scan: &mut Scan<'_>) -> Result<()> {
        crate::order::sort_by_key(&mut spans, |s| s.from);
        let mut reach = Span { from: 0, to: 0, entry: 0 };
        let mut holes = 0;
        let directory = Span { from: self.end.directory, to: self.end.directory, entry: self.end.directory };
        for span in spans.iter().chain([&directory]) {
            if span.from < reach.to {
                // An entry that leads nowhere, or past the end, is told as that.
                if reach.to > self.view.len() || !self.view.has(reach.from, LOCAL) || span.from < self.end.directory && !self.view.has(span.from, LOCAL) {
                    continue;
                }
                let name = central(self.view, span.entry.min(reach.entry), self.end.shift).map_or(String::new(), |(e, _)| e.name);
                let detail = format!("two members share {} bytes", reach.to.saturating_sub(span.from));
                scan.state(self.view, span.from, reach.to.saturating_sub(span.from), Fact::Archive { what: "overlap", name, detail });
            } else if reach.to > 0 && span.from - reach.to >= HOLE && holes < HOLES {
                // The local header's extra field, and a descriptor behind the data, are not in the directory.
                let (mut entry, _) = central(self.view, reach.entry, self.end.shift)?;
                local(self.view, &mut entry)?;
                let end = entry.data.unwrap_or(reach.to).saturating_add(entry.packed).saturating_add(DESCRIPTOR);
                if span.from.saturating_sub(end) >= HOLE {
                    holes += 1;
                    self.hole(end - DESCRIPTOR, span.from, scan)?;
                }
            }
            if span.to > reach.to {
                reach = Span { ..*span };
            }
        }
        Ok(())
    }

    /// Reads bytes that no member claims.
    fn hole(&self, from: u64, to: u64, scan: &mut Scan<'_>) -> Result<()> {
        let hole = self.view.slice(from, to - from)?;
        if hole.head(64 * 1024)?.iter().all(|b| *b == 0) {
            return Ok(());
        }
        scan.state(self.view, from, hole.len(), Fact::Stray { what: "hole", bytes: hole.len() });
        scan.child("bytes between members", hole, true);
        Ok(())
    }

    /// Adds up what members unpack to: a bomb may be spread over many.
    fn add_up(&self, unpacked: u64, packed: u64, scan: &mut Scan<'_>) {
        let (out, from) = self.sum.get();
        let (out, from) = (out.saturating_add(unpacked), from.saturating_add(packed));
        self.sum.set((out, from));
        if out > BOMB_FROM && out / (scan.limits().ratio / 2).max(1) > from.max(1) && !self.bomb.replace(true) {
            let detail = format!("{out} bytes and more from {from}");
            scan.state(self.view, self.end.at, 22.min(self.view.len()), Fact::Archive { what: "bomb", name: "what is".into(), detail });
        }
    }

    /// Follows the local headers from the front: one that the directory does not name is what a streaming reader sees and a
    /// directory reader does not.
    fn walk_locals(&self, named: Option<&HashSet<u64>>, scan: &mut Scan<'_>) -> Result<()> {
        let mut at = 0;
        let mut steps = 0;
        while at < self.end.directory && steps <= self.entries.len() + 1000 {
            steps += 1;
            let Ok(h) = self.view.array::<30>(at) else { break };
            if !h.starts_with(LOCAL) {
                break;
            }
            let packed = u64::from(u32::from_le_bytes([h[18], h[19], h[20], h[21]]));
            let name_len = u64::from(u16::from_le_bytes([h[26], h[27]]));
            let extra_len = u64::from(u16::from_le_bytes([h[28], h[29]]));
            let flags = u16::from_le_bytes([h[6], h[7]]);
            if named.is_none_or(|n| !n.contains(&at)) {
                let name = printable_bytes(&self.view.take(at + 30, name_len, 65_536).unwrap_or_default(), 200);
                // Without a directory nothing hides: the archive was cut off.
                if named.is_some() {
                    scan.state(self.view, at, 30 + name_len, Fact::Archive { what: "hidden-member", name: name.clone(), detail: String::new() });
                }
                let from = at + 30 + name_len + extra_len;
                let method = u16::from_le_bytes([h[8], h[9]]);
                if let Ok(data) = self.view.slice(from, packed.min(self.view.len().saturating_sub(from))) {
                    self.unpack(scan, &format!("{name} (local header)"), data, method);
                }
            }
            // Sizes that stand behind the data, or in the extra field, end this walk: the directory knows them, the stream does not.
            if flags & 8 != 0 || packed == 0xffff_ffff {
                break;
            }
            at += 30 + name_len + extra_len + packed;
        }
        Ok(())
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// One entry with its local header.
    pub fn entry(&self, n: usize) -> Result<Entry> {
        let at = self.entries.get(n).copied().ok_or(Error::malformed(0, "zip-directory"))?;
        let (mut entry, _) = central(self.view, at, self.end.shift)?;
        local(self.view, &mut entry)?;
        Ok(entry)
    }

    /// Reads one member with every format that fits, or with `by`.
    pub fn member(&self, n: usize, scan: &mut Scan<'_>, data: bool, mut by: By<'_, '_>) -> Result<()> {
        let e = self.entry(n)?;
        if !e.differs.is_empty() {
            let detail = e.differs.join("; ");
            scan.state(self.view, e.local, 30, Fact::Archive { what: "headers-differ", name: e.name.clone(), detail });
        }
        if e.name.ends_with('/') && e.size == 0 {
            return Ok(());
        }
        let Some(from) = e.data else {
            let path = scan.path_of(&e.name);
            scan.gap_in("member-missing", &path);
            return Ok(());
        };
        let left = self.view.len().saturating_sub(from);
        if e.packed > left {
            scan.state(self.view, e.local, 30, Fact::Archive { what: "past-end", name: e.name.clone(), detail: format!("{} bytes of {}", left, e.packed) });
            let path = scan.path_of(&e.name);
            scan.gap_in("malformed", &path);
        }
        let packed = self.view.rest(from).slice(0, e.packed.min(left))?;
        let locked = e.flags & 0x2041 != 0;
        let mut methods = vec![e.method];
        if e.local_method != e.method {
            methods.push(e.local_method);
        }
        for method in methods {
            self.unpack_with(scan, &e, packed, method, locked, data, by.as_mut().map(|b| &mut **b as _));
        }
        Ok(())
    }

    /// The member is marked as encrypted, and is not.
    fn flagged(&self, scan: &mut Scan<'_>, e: &Entry) {
        scan.state(self.view, e.at, 46, Fact::Archive { what: "encrypted-flag", name: e.name.clone(), detail: format!("{:#06x}", e.flags) });
    }

    #[allow(clippy::too_many_arguments)]
    fn unpack_with(&self, scan: &mut Scan<'_>, e: &Entry, packed: View<'_>, method: u16, locked: bool, data: bool, by: By<'_, '_>) {
        if method == 0 {
            if packed.len() < CRC_BELOW && !locked {
                self.check_crc(scan, e, packed);
            }
            if locked {
                // With the flag of encryption the bytes may still lie open: readers that ignore the flag load them. What is encrypted is longer than it was.
                let open = super::sure(packed);
                if open || e.packed == e.size {
                    self.flagged(scan, e);
                }
                if !open {
                    let path = scan.path_of(&e.name);
                    scan.gap_in("encrypted", &path);
                    return;
                }
            }
            self.enter(scan, e, packed, data, by);
            return;
        }
        let path = scan.path_of(&e.name);
        let Some((coder, packed)) = coder(method, packed, if e.flags & 2 != 0 { u64::MAX } else { e.size }) else {
            // A reader that believes the other header may take the bytes as they lie.
            if super::sure(packed) {
                self.enter(scan, e, packed, data, by);
            }
            scan.gap_in(if method == AES { "encrypted" } else { "method-unknown" }, &path);
            return;
        };
        let (unpacked, ending) = Unpacked::measure(packed, &[coder], scan.bounds());
        if locked && ending != Ending::Complete {
            scan.gap_in("encrypted", &path);
            return;
        }
        if locked {
            self.flagged(scan, e);
        }
        super::stream::told(scan, ending, packed, &path, unpacked.len());
        if ending != Ending::Bomb {
            self.add_up(unpacked.len(), packed.len(), scan);
        }
        if ending == Ending::Complete && (unpacked.len() != e.size || unpacked.crc != e.crc && e.crc != 0) {
            let detail = format!("claimed {} bytes with CRC-32 {:08x}, found {} with {:08x}", e.size, e.crc, unpacked.len(), unpacked.crc);
            scan.state(self.view, e.at, 46, Fact::Archive { what: "wrong-checksum", name: e.name.clone(), detail });
        }
        let pages = Pages::new(&unpacked);
        self.enter(scan, e, View::of_inflated(&pages), data, by);
    }

    /// Reads what a member holds.
    fn enter(&self, scan: &mut Scan<'_>, e: &Entry, view: View<'_>, data: bool, by: By<'_, '_>) {
        // Unpacked, it is a link; whoever reads the member takes its bytes all the same.
        if e.mode & 0o170_000 == 0o120_000 && view.len() < 4096 {
            let target = view.head(4096).unwrap_or_default();
            super::tar::state_link(view, &e.name, &String::from_utf8_lossy(&target), scan);
        }
        match by {
            Some(by) => scan.enter(&e.name, view, by),
            None => scan.child(&e.name, view, data),
        }
    }

    fn check_crc(&self, scan: &mut Scan<'_>, e: &Entry, packed: View<'_>) {
        let Ok(bytes) = packed.take(0, packed.len(), CRC_BELOW as usize) else { return };
        let mut crc = flate2::Crc::new();
        crc.update(&bytes);
        if crc.sum() != e.crc {
            let detail = format!("claimed CRC-32 {:08x}, found {:08x}", e.crc, crc.sum());
            scan.state(self.view, e.at, 46, Fact::Archive { what: "wrong-checksum", name: e.name.clone(), detail });
        }
    }

    /// Reads a member that only its local header names; what it claims is not compared with anything.
    fn unpack(&self, scan: &mut Scan<'_>, name: &str, data: View<'_>, method: u16) {
        if method == 0 {
            scan.child(name, data, false);
            return;
        }
        let path = scan.path_of(name);
        let Some((coder, data)) = coder(method, data, u64::MAX) else {
            scan.gap_in("method-unknown", &path);
            return;
        };
        let (unpacked, ending) = Unpacked::measure(data, &[coder], scan.bounds());
        super::stream::told(scan, ending, data, &path, unpacked.len());
        let pages = Pages::new(&unpacked);
        scan.child(name, View::of_inflated(&pages), false);
    }
}

/// Encryption of WinZip's kind, which hides the method.
const AES: u16 = 99;

/// The decoder of a method, and the bytes that it takes (APPNOTE 4.4.5).
///
/// `size` is what an LZMA stream without an end marker unpacks to.
fn coder(method: u16, packed: View<'_>, size: u64) -> Option<(Coder, View<'_>)> {
    Some(match method {
        8 => (Coder::Deflate, packed),
        12 => (Coder::Bzip2, packed),
        14 => {
            // Version, length of the properties, properties (APPNOTE 5.8.8).
            let [_, _, 5, 0, props, a, b, c, d] = packed.array::<9>(0).ok()? else { return None };
            (Coder::Lzma { props, dictionary: u32::from_le_bytes([a, b, c, d]), size }, packed.rest(9))
        }
        20 | 93 => (Coder::Zstd, packed),
        95 => (Coder::Xz, packed),
        _ => return None,
    })
}

fn hash(name: &str) -> u64 {
    let mut h = DefaultHasher::new();
    name.hash(&mut h);
    h.finish()
}

/// Whether a member's name would leave the folder it is unpacked into, on any system.
pub fn leaves_folder(name: &str) -> bool {
    let bytes = name.as_bytes();
    let drive = bytes.len() > 1 && bytes[1] == b':' && bytes[0].is_ascii_alphabetic();
    name.starts_with('/') || name.starts_with('\\') || drive || name.contains('\0') || name.split(['/', '\\']).any(|part| part == "..")
}

fn read(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    let archive = Archive::open(view, scan)?;
    if archive.is_empty() && view.has(0, LOCAL) {
        scan.gap("malformed");
    }
    for n in 0..archive.len() {
        archive.member(n, scan, false, None)?;
    }
    Ok(())
}
