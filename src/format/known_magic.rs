//! Formats that are recognised by their beginning and not read yet: each is a gap, never clear.

use super::{Format, Match};
use crate::bytes::View;
use crate::error::Result;
use crate::scan::Scan;

/// Everything of [`MAGIC`].
pub const RECOGNISED: Format = Format { id: "recognised", name: "recognised, not read", extensions: &[], refines: &["text", "yaml"], probe, read };

struct Magic {
    name: &'static str,
    at: u64,
    bytes: &'static [u8],
}

const fn magic(name: &'static str, at: u64, bytes: &'static [u8]) -> Magic {
    Magic { name, at, bytes }
}

const MAGIC: &[Magic] = &[
    magic("PyTorch Mobile", 4, b"PTMF"),
    magic("RAR archive", 0, b"Rar!\x1a\x07"),
    magic("Windows cabinet", 0, b"MSCF\0\0\0\0"),
    magic("RPM package", 0, b"\xed\xab\xee\xdb"),
    magic("SquashFS", 0, b"hsqs"),
    magic("xar archive", 0, b"xar!"),
    magic("lzip", 0, b"LZIP\x01"),
    magic("ACE archive", 7, b"**ACE**"),
    magic("LHA archive", 2, b"-lh5-"),
    magic("disc image", 32_769, b"CD001"),
    magic("PDF", 0, b"%PDF-"),
    magic("SQLite", 0, b"SQLite format 3\0"),
    magic("Parquet", 0, b"PAR1"),
    // [MS-NRBF], as .NET's BinaryFormatter writes it.
    magic(".NET objects", 0, b"\0\x01\0\0\0\xff\xff\xff\xff\x01\0\0\0"),
    magic("Arrow", 0, b"ARROW1"),
];

fn find(view: View<'_>) -> Option<&'static Magic> {
    MAGIC.iter().find(|m| view.has(m.at, m.bytes))
}

fn probe(view: View<'_>) -> Match {
    if find(view).is_some() { Match::Sure } else { Match::No }
}

fn read(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    scan.kind(find(view).map(|m| m.name).unwrap_or(RECOGNISED.name));
    scan.gap("format-not-read");
    super::pickle::within(view, scan)
}
