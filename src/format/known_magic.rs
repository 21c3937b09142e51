//! Formats that are recognised by their beginning (or end) and not read yet: each is a gap, never clear.

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
    code("llamafile", "llamafile", 0, b"jartsr='"),
    magic("TensorFlow Lite", 4, b"TFL3"),
    magic("ExecuTorch", 4, b"ET1"),
    magic("PyTorch Mobile", 4, b"PTMF"),
    magic("ONNX Runtime", 4, b"ORTM"),
    magic("7-Zip archive", 0, b"7z\xbc\xaf\x27\x1c"),
    magic("RAR archive", 0, b"Rar!\x1a\x07"),
    magic("gzip", 0, b"\x1f\x8b\x08"),
    magic("bzip2", 0, b"BZh"),
    magic("xz", 0, b"\xfd7zXZ\x00"),
    magic("zstd", 0, b"\x28\xb5\x2f\xfd"),
    magic("LZ4", 0, b"\x04\x22\x4d\x18"),
    magic("tar archive", 257, b"ustar"),
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

/// A protobuf that begins like ONNX (`ir_version`, then a producer, opset or graph) or a TensorFlow SavedModel.
fn protobuf(view: View<'_>) -> Option<&'static str> {
    let head = view.array::<4>(0).ok()?;
    match head {
        [0x08, 1..=20, 0x12 | 0x1a | 0x22 | 0x3a | 0x42, n] if u64::from(n) < view.len() => Some("ONNX, Core ML or another protobuf model"),
        _ => None,
    }
}

fn table_end(view: View<'_>) -> bool {
    view.len() > 48 && view.has(view.len() - 8, &[0x57, 0xfb, 0x80, 0x8b, 0x24, 0x75, 0x47, 0xdb])
}

fn probe(view: View<'_>) -> Match {
    if find(view).is_some() || is_pe(view) || table_end(view) {
        Match::Sure
    } else if protobuf(view).is_some() {
        Match::Weak
    } else {
        Match::No
    }
}

fn read(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    let found = find(view);
    if is_pe(view) || found.is_some_and(|m| m.runs.is_some()) {
        let kind = found.and_then(|m| m.runs).unwrap_or("pe");
        scan.state(view, 0, 16.min(view.len()), Fact::Embedded { kind });
    }
    let name = found.map(|m| m.name).or_else(|| is_pe(view).then_some("Windows program or library")).or_else(|| protobuf(view)).unwrap_or("TensorFlow checkpoint");
    scan.kind(name);
    scan.gap("format-not-read");
    Ok(())
}
