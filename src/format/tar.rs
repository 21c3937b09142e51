//! tar in all its dialects (V7, POSIX ustar and pax, GNU), every member in order, and where two programs would read it differently.
//!
//! # Why not the `tar` crate
//! It decides between the header's size and pax's, and has been wrong about it (RUSTSEC-2026-0068). A tar that is read in two ways
//! is what we look for, so both readings are kept.
//!
//! Sources: POSIX.1-2024 `pax`; GNU tar manual, "Basic Tar Format"; CPython `tarfile.py` for what Python makes of it.

use super::{Format, Match};
use crate::bytes::View;
use crate::error::{Error, Result};
use crate::fact::Fact;
use crate::scan::Scan;
use crate::text::printable_bytes;
use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

/// Any tar archive.
pub const TAR: Format = Format { id: "tar", name: "tar archive", extensions: &["tar"], refines: &[], probe, read };

/// Bytes of a sparse member's map that are passed over.
const MAP: u64 = 64 * BLOCK;
const BLOCK: u64 = 512;
/// Bytes of an extended header or a long name that are read.
const EXTENDED: usize = 1 << 20;
/// Above this a size does not fit the header's octal digits, and writers leave the field empty or cut off.
const OCTAL: u64 = 0o777_7777_7777;
/// Other readings of one archive that are followed: each can hold further ones.
const READINGS: u32 = 2;

/// One 512-byte header as it stands.
struct Header {
    name: Vec<u8>,
    kind: u8,
    link: Vec<u8>,
    size: u64,
}

/// What extended headers say about the member that follows them.
#[derive(Default)]
struct Extended {
    long_name: Option<Vec<u8>>,
    long_link: Option<Vec<u8>>,
    path: Option<Vec<u8>>,
    link_path: Option<Vec<u8>>,
    size: Option<u64>,
    sparse: bool,
}

/// A member of an archive.
pub struct Member<'s> {
    /// Name as Python has it: pax, then GNU, then the header.
    pub name: String,
    /// Its bytes.
    pub data: View<'s>,
}

/// How the reader of a container made of a tar reads a member itself; false leaves it to its content.
pub type By<'r> = &'r mut dyn FnMut(&Member<'_>, &mut Scan<'_>) -> Result<bool>;

fn cut(field: &[u8]) -> Vec<u8> {
    field.iter().copied().take_while(|b| *b != 0).collect()
}

/// Octal digits, or a number to the base 256 where the first bit is set.
fn number(field: &[u8]) -> Option<u64> {
    match field.split_first() {
        Some((0x80, rest)) => rest.iter().try_fold(0u64, |n, b| n.checked_mul(256)?.checked_add(u64::from(*b))),
        Some((128.., _)) => None,
        _ => {
            let text = cut(field);
            let digits = text.trim_ascii();
            digits.iter().try_fold(0u64, |n, b| if matches!(b, b'0'..=b'7') { n.checked_mul(8)?.checked_add(u64::from(b - b'0')) } else { None })
        }
    }
}

/// Whether the checksum over a header is right; old writers summed signed bytes.
fn sums(block: &[u8; 512]) -> bool {
    let Some(claimed) = block.get(148..156).and_then(number) else { return false };
    let spaced = block.iter().enumerate().map(|(n, b)| if (148..156).contains(&n) { b' ' } else { *b });
    let unsigned: u64 = spaced.clone().map(u64::from).sum();
    let signed: i64 = spaced.map(|b| i64::from(b as i8)).sum();
    claimed == unsigned || i64::try_from(claimed) == Ok(signed)
}

fn header(block: &[u8; 512]) -> Option<Header> {
    let field = |from: usize, len: usize| block.get(from..from + len).unwrap_or(&[]);
    let mut name = cut(field(0, 100));
    // GNU uses the prefix for times.
    let prefix = cut(field(345, 155));
    if field(257, 6) == b"ustar\0" && !prefix.is_empty() {
        name = [prefix, vec![b'/'], name].concat();
    }
    let mut kind = block.get(156).copied()?;
    // V7 marks folders by their names.
    if kind == 0 && name.ends_with(b"/") {
        kind = b'5';
    }
    Some(Header { kind, link: cut(field(157, 100)), size: number(field(124, 12))?, name })
}

fn probe(view: View<'_>) -> Match {
    let Ok(block) = view.array::<512>(0) else { return Match::No };
    if block.iter().all(|b| *b == 0) {
        return Match::No;
    }
    match (sums(&block) && header(&block).is_some(), view.has(257, b"ustar")) {
        (true, _) => Match::Sure,
        (false, true) => Match::Weak,
        (false, false) => Match::No,
    }
}

/// Whether a tar begins here.
pub fn begins(view: View<'_>) -> bool {
    probe(view) == Match::Sure
}

/// The names of the first members, as the headers have them.
pub fn names(view: View<'_>, most: usize) -> Vec<String> {
    let mut out = Vec::new();
    let mut at = 0u64;
    while let Ok(block) = view.array::<512>(at) {
        let Some(h) = header(&block).filter(|_| sums(&block) && out.len() < most) else { break };
        out.push(String::from_utf8_lossy(&h.name).trim_start_matches("./").to_string());
        at = at.saturating_add(BLOCK).saturating_add(if skips(h.kind) { padded(h.size) } else { 0 });
    }
    out
}

/// Whether bytes follow a header of this kind: links, devices, folders and pipes have none, whatever their size says.
fn skips(kind: u8) -> bool {
    !matches!(kind, b'1'..=b'6')
}

fn padded(size: u64) -> u64 {
    size.div_ceil(BLOCK).saturating_mul(BLOCK)
}

/// The records of a pax header; false where one does not say its own length.
fn pax(bytes: &[u8], into: &mut Extended) -> bool {
    let mut whole = true;
    let mut rest = bytes;
    while rest.first().is_some_and(u8::is_ascii_digit) {
        let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
        let len = std::str::from_utf8(rest.get(..digits).unwrap_or(&[])).ok().and_then(|t| t.parse::<usize>().ok()).unwrap_or(0);
        let (record, next) = match rest.split_at_checked(len) {
            Some((record, next)) if len > digits && record.ends_with(b"\n") => (record, next),
            _ => {
                whole = false;
                let end = rest.iter().position(|b| *b == b'\n').map_or(rest.len(), |n| n + 1);
                rest.split_at(end)
            }
        };
        let body = record.get(digits + 1..).unwrap_or(&[]).trim_ascii_end();
        if let Some(eq) = body.iter().position(|b| *b == b'=') {
            let (key, value) = (body.get(..eq).unwrap_or(&[]), body.get(eq + 1..).unwrap_or(&[]).to_vec());
            match key {
                b"path" => into.path = Some(value),
                b"linkpath" => into.link_path = Some(value),
                b"size" => into.size = std::str::from_utf8(&value).ok().and_then(|t| t.parse().ok()),
                b"GNU.sparse.name" => {
                    into.path = Some(value);
                    into.sparse = true;
                }
                key if key.starts_with(b"GNU.sparse.") => into.sparse = true,
                _ => {}
            }
        }
        rest = next;
    }
    whole && rest.iter().all(|b| *b == 0)
}

/// Whether a link leads out of the folder that it is unpacked into. A step up behind a step down is one out, because the step down
/// may be a link itself.
pub fn leads_out(from: &str, target: &str) -> bool {
    if target.is_empty() {
        return false;
    }
    let bytes = target.as_bytes();
    let drive = bytes.get(1) == Some(&b':') && bytes.first().is_some_and(u8::is_ascii_alphabetic);
    if drive || target.starts_with(['/', '\\', '~']) || target.contains('\0') {
        return true;
    }
    let real = |part: &&str| !part.is_empty() && *part != ".";
    let mut room = from.split(['/', '\\']).filter(real).count();
    let mut down = false;
    for part in target.split(['/', '\\']).filter(real) {
        if part == ".." {
            if room == 0 || down {
                return true;
            }
            room -= 1;
        } else {
            down = true;
        }
    }
    false
}

/// A symbolic link, whose target `contents` holds: in the contents tree, and stated where it leads out.
pub fn state_link(contents: View<'_>, name: &str, target: &str, scan: &mut Scan<'_>) {
    scan.leaf(name, "link", None, Some(format!("→ {target}")));
    if leads_out(name.rsplit_once('/').map_or("", |(folder, _)| folder), target) {
        let fact = Fact::Archive { what: "link-leaves", name: name.to_string(), detail: format!("link to {target}") };
        scan.state(contents, 0, contents.len(), fact);
    }
}

/// A name without what says nothing.
fn plain_name(name: &str) -> &str {
    name.trim_start_matches("./").trim_end_matches('/')
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

struct Walk<'s> {
    view: View<'s>,
    seen: HashSet<u64>,
    count: u64,
    readings: u32,
    /// Names of symbolic links.
    links: HashSet<u64>,
}

impl<'s> Walk<'s> {
    fn state(&self, scan: &mut Scan<'_>, at: u64, what: &'static str, name: &str, detail: String) {
        scan.state(self.view, at, BLOCK, Fact::Archive { what, name: name.to_string(), detail });
    }

    /// Names that leave the folder, from every header that has one: programs differ in which they take.
    fn check_names(&self, scan: &mut Scan<'_>, at: u64, names: &[&[u8]]) {
        let mut told: Vec<&[u8]> = Vec::new();
        for name in names {
            if super::zip::leaves_folder(&text(name)) && !told.contains(name) {
                told.push(name);
                scan.state(self.view, at, BLOCK, Fact::Traversal { target: text(name) });
            }
        }
    }

    /// Whether a folder on the way to a member is one of the links.
    fn through_link(&self, name: &str) -> bool {
        let name = plain_name(name);
        !self.links.is_empty() && name.match_indices('/').any(|(i, _)| self.links.contains(&hash(name.get(..i).unwrap_or(""))))
    }

    /// What another program would read from `at` on.
    fn other_reading(&mut self, scan: &mut Scan<'_>, at: u64) {
        let rest = self.view.rest(at);
        if !begins(rest) {
            return;
        }
        if self.readings == 0 {
            scan.gap("limit-readings");
            return;
        }
        self.readings -= 1;
        scan.child("as another program reads it", rest, true);
    }

    /// Reads the member whose header stands at `at`; returns where the next one stands.
    fn member(&mut self, scan: &mut Scan<'_>, at: u64, h: Header, x: Extended, by: By<'_>) -> Result<u64> {
        let from = at.saturating_add(BLOCK);
        let name_bytes = x.path.as_ref().or(x.long_name.as_ref()).unwrap_or(&h.name);
        let name = text(name_bytes);
        let mut names: Vec<&[u8]> = vec![&h.name];
        names.extend(x.long_name.as_deref());
        names.extend(x.path.as_deref());
        self.check_names(scan, at, &names);
        if let (Some(gnu), Some(pax)) = (&x.long_name, &x.path)
            && gnu != pax
        {
            self.state(scan, at, "tar-differs", &name, format!("name: GNU header {}, pax header {}", printable_bytes(gnu, 100), printable_bytes(pax, 100)));
        }
        let link = text(x.link_path.as_ref().or(x.long_link.as_ref()).unwrap_or(&h.link));
        // A link that is unpacked through another one stands elsewhere than its name says: a step up from there may be one out.
        let up = link.split(['/', '\\']).any(|p| p == "..");
        if h.kind == b'2' && up && self.through_link(&name) && !leads_out(name.rsplit_once('/').map_or("", |(folder, _)| folder), &link) {
            self.state(scan, at, "link-leaves", &name, format!("link to {link}, through a link"));
        }
        if h.kind == b'2' {
            self.links.insert(hash(plain_name(&name)));
        }
        match h.kind {
            b'1' if leads_out("", &link) => self.state(scan, at, "link-leaves", &name, format!("hard link to {link}")),
            b'2' if leads_out(name.rsplit_once('/').map_or("", |(folder, _)| folder), &link) => {
                self.state(scan, at, "link-leaves", &name, format!("link to {link}"))
            }
            b'3' => self.state(scan, at, "device-member", &name, "character device".into()),
            b'4' => self.state(scan, at, "device-member", &name, "block device".into()),
            b'6' => self.state(scan, at, "device-member", &name, "named pipe".into()),
            _ => {}
        }
        if !skips(h.kind) {
            let size = x.size.unwrap_or(h.size);
            scan.leaf(&name, if h.kind == b'5' { "folder" } else { "link" }, None, (!link.is_empty()).then(|| format!("→ {link}")));
            // A hard link with a size repeats that of the file it names.
            if size > 0 && h.kind != b'1' {
                self.state(scan, at, "tar-differs", &name, format!("a member without contents claims {size} bytes"));
                self.other_reading(scan, from.saturating_add(padded(size)));
            }
            return Ok(from);
        }
        if self.seen.insert(hash(name.trim_start_matches("./"))) {
            self.count += 1;
        } else {
            self.state(scan, at, "repeated-member", &name, String::new());
        }
        let size = x.size.unwrap_or(h.size);
        if size != h.size && size <= OCTAL {
            self.state(scan, at, "tar-differs", &name, format!("size: header {}, pax header {size}", h.size));
            self.other_reading(scan, from.saturating_add(padded(h.size)));
        }
        let from = if h.kind == b'S' { self.old_sparse(at)? } else { from };
        let left = self.view.len().saturating_sub(from);
        let data = self.view.slice(from.min(self.view.len()), size.min(left))?;
        let sparse = h.kind == b'S' || x.sparse;
        let data = if x.sparse { behind_map(data)? } else { data };
        if sparse {
            let path = scan.path_of(&name);
            scan.gap_in("tar-sparse", &path);
        }
        let member = Member { name, data };
        if !by(&member, scan)? {
            scan.child(&member.name, data, sparse);
        }
        if size > left {
            self.state(scan, at, "past-end", &member.name, format!("{left} bytes of {size}"));
            scan.gap("malformed");
        }
        Ok(from.saturating_add(padded(size)))
    }

    /// Passes over the blocks of a sparse map in GNU's old format.
    fn old_sparse(&self, at: u64) -> Result<u64> {
        let mut next = at.saturating_add(BLOCK);
        let mut more = self.view.array::<1>(at.saturating_add(482))? != [0];
        while more {
            more = self.view.array::<1>(next.saturating_add(504))? != [0];
            next = next.saturating_add(BLOCK);
        }
        Ok(next)
    }

    /// The bytes of an extended header.
    fn extended(&self, scan: &mut Scan<'_>, from: u64, size: u64) -> Option<Vec<u8>> {
        match self.view.take(from, size, EXTENDED) {
            Ok(bytes) => Some(bytes),
            Err(Error::Limit { .. }) => {
                scan.gap("limit-header-size");
                None
            }
            Err(_) => {
                scan.state(self.view, from, self.view.len().saturating_sub(from).min(BLOCK), Fact::Malformed { format: "tar", what: "past-end" });
                scan.gap("malformed");
                None
            }
        }
    }
}

/// The next good header, within 64 MiB.
fn next_header(view: View<'_>, from: u64) -> Option<u64> {
    (0..1 << 17).map(|n| from.saturating_add(n * BLOCK)).take_while(|at| *at < view.len()).find(|at| begins(view.rest(*at)))
}

fn hash(name: &str) -> u64 {
    let mut h = DefaultHasher::new();
    name.hash(&mut h);
    h.finish()
}

/// Reads every member, in order, with `by` where it wants to.
pub fn walk(view: View<'_>, scan: &mut Scan<'_>, by: By<'_>) -> Result<()> {
    let mut w = Walk { view, seen: HashSet::new(), count: 0, readings: READINGS, links: HashSet::new() };
    let mut extended = Extended::default();
    let mut global = Extended::default();
    let mut at = 0;
    loop {
        // Without the zero block that ends an archive, members may be missing.
        let block =
            view.array::<512>(at).map_err(|e| if matches!(e, Error::Malformed { .. }) { Error::malformed(at.min(view.len()), "ends-early") } else { e })?;
        if block.iter().all(|b| *b == 0) {
            break;
        }
        let Some(h) = header(&block).filter(|_| sums(&block)) else {
            // Python takes a broken header for the end, others look for the next good one.
            scan.state(view, at, BLOCK, Fact::Malformed { format: "tar", what: "tar-header" });
            scan.gap("malformed");
            if let Some(next) = next_header(view, at.saturating_add(BLOCK)) {
                scan.child("behind the damage", view.rest(next), true);
            }
            return Ok(());
        };
        if w.count >= scan.limits().members {
            scan.gap("limit-members");
            return Ok(());
        }
        let from = at.saturating_add(BLOCK);
        at = match h.kind {
            b'L' | b'K' | b'x' | b'X' | b'g' => {
                if let Some(bytes) = w.extended(scan, from, h.size) {
                    match h.kind {
                        b'L' => extended.long_name = Some(cut(&bytes)),
                        b'K' => extended.long_link = Some(cut(&bytes)),
                        kind => {
                            let into = if kind == b'g' { &mut global } else { &mut extended };
                            if !pax(&bytes, into) {
                                scan.state(view, from, h.size, Fact::Malformed { format: "tar", what: "tar-pax" });
                            }
                        }
                    }
                }
                from.saturating_add(padded(h.size))
            }
            _ => {
                let mut x = std::mem::take(&mut extended);
                x.path = x.path.or_else(|| global.path.clone());
                x.link_path = x.link_path.or_else(|| global.link_path.clone());
                x.size = x.size.or(global.size);
                w.member(scan, at, h, x, by)?
            }
        };
    }
    if at < view.len() {
        super::trailing(view, at, scan)?;
    }
    Ok(())
}

fn read(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    walk(view, scan, &mut |_, _| Ok(false))
}

/// What stands behind the map that a sparse member begins with in the newest of GNU's formats: lines of digits, in whole blocks.
fn behind_map(data: View<'_>) -> Result<View<'_>> {
    let mut at = 0;
    while at < MAP
        && data
            .take(at, BLOCK, BLOCK as usize)
            .is_ok_and(|block| block.first().is_some_and(u8::is_ascii_digit) && block.iter().all(|b| b.is_ascii_digit() || matches!(b, b'\n' | 0)))
    {
        at += BLOCK;
    }
    data.slice(at, data.len().saturating_sub(at))
}
