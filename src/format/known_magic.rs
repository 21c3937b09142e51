//! Formats that are recognised by their beginning and not read yet: each is a gap, never clear.

use super::{Format, Match};
use crate::bytes::View;
use crate::error::Result;
use crate::fact::Fact;
use crate::scan::Scan;

/// Everything of [`MAGIC`].
pub const RECOGNISED: Format = Format { id: "recognised", name: "recognised, not read", extensions: &[], refines: &["text"], probe, read };

struct Magic {
    name: &'static str,
    /// What running code it is, if it is that.
    runs: Option<&'static str>,
    at: u64,
    bytes: &'static [u8],
}

const fn magic(name: &'static str, at: u64, bytes: &'static [u8]) -> Magic {
    Magic { name, runs: None, at, bytes }
}

const fn code(name: &'static str, kind: &'static str, at: u64, bytes: &'static [u8]) -> Magic {
    Magic { name, runs: Some(kind), at, bytes }
}

const MAGIC: &[Magic] = &[
    code("ELF program or library", "elf", 0, b"\x7fELF"),
    code("Mach-O program or library", "mach-o", 0, b"\xcf\xfa\xed\xfe"),
    code("Mach-O program or library", "mach-o", 0, b"\xfe\xed\xfa\xcf"),
    code("llamafile", "llamafile", 0, b"MZqFpD='"),
    magic("PyTorch Mobile", 4, b"PTMF"),
    magic("RAR archive", 0, b"Rar!\x1a\x07"),
    magic("Windows cabinet", 0, b"MSCF\0\0\0\0"),
    magic("ar archive", 0, b"!<arch>\n"),
    magic("cpio archive", 0, b"07070"),
    magic("RPM package", 0, b"\xed\xab\xee\xdb"),
    magic("SquashFS", 0, b"hsqs"),
    magic("xar archive", 0, b"xar!"),
    magic("lzip", 0, b"LZIP\x01"),
    magic("Snappy frames", 0, b"\xff\x06\0\0sNaPpY"),
    magic("ACE archive", 7, b"**ACE**"),
    magic("LHA archive", 2, b"-lh5-"),
    magic("disc image", 32_769, b"CD001"),
    code("llamafile", "llamafile", 0, b"jartsr='"),
    magic("PDF", 0, b"%PDF-"),
    magic("SQLite", 0, b"SQLite format 3\0"),
    magic("Parquet", 0, b"PAR1"),
    magic("Arrow", 0, b"ARROW1"),
    magic("WebAssembly", 0, b"\0asm"),
];

fn find(view: View<'_>) -> Option<&'static Magic> {
    MAGIC.iter().find(|m| view.has(m.at, m.bytes))
}

/// A PE file: `MZ`, and a header where the offset at 60 says.
fn is_pe(view: View<'_>) -> bool {
    view.has(0, b"MZ") && view.u32(60).is_ok_and(|at| view.has(u64::from(at), b"PE\0\0"))
}

fn probe(view: View<'_>) -> Match {
    if find(view).is_some() || is_pe(view) { Match::Sure } else { Match::No }
}

fn read(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    let found = find(view);
    if is_pe(view) || found.is_some_and(|m| m.runs.is_some()) {
        let kind = found.and_then(|m| m.runs).unwrap_or("pe");
        scan.state(view, 0, 16.min(view.len()), Fact::Embedded { kind });
    }
    let name = found.map(|m| m.name).unwrap_or("Windows program or library");
    scan.kind(name);
    scan.gap("format-not-read");
    Ok(())
}
