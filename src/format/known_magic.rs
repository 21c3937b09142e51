//! Formats that are recognised by their beginning (or end) and not read yet: each is a gap, never clear.

use super::{Format, Match};
use crate::bytes::View;
use crate::error::Result;
use crate::scan::Scan;

/// Everything of [`MAGIC`].
pub const RECOGNISED: Format = Format { id: "recognised", name: "recognised, not read", extensions: &[], refines: &["text"], probe, read };

struct Magic {
    name: &'static str,
    at: u64,
    bytes: &'static [u8],
}

const fn magic(name: &'static str, at: u64, bytes: &'static [u8]) -> Magic {
    Magic { name, at, bytes }
}

const MAGIC: &[Magic] = &[
    magic("TensorFlow Lite", 4, b"TFL3"),
    magic("ExecuTorch", 4, b"ET1"),
    magic("PyTorch Mobile", 4, b"PTMF"),
    magic("ONNX Runtime", 4, b"ORTM"),
    magic("CatBoost", 0, b"CBM1"),
    magic("GGML (legacy)", 0, b"lmgg"),
    magic("GGML (legacy)", 0, b"fmgg"),
    magic("GGML (legacy)", 0, b"tjgg"),
    magic("7-Zip archive", 0, b"7z\xbc\xaf\x27\x1c"),
    magic("RAR archive", 0, b"Rar!\x1a\x07"),
    magic("gzip", 0, b"\x1f\x8b\x08"),
    magic("bzip2", 0, b"BZh"),
    magic("xz", 0, b"\xfd7zXZ\x00"),
    magic("zstd", 0, b"\x28\xb5\x2f\xfd"),
    magic("LZ4", 0, b"\x04\x22\x4d\x18"),
    magic("tar archive", 257, b"ustar"),
    magic("R data", 0, b"RDX"),
    magic("PDF", 0, b"%PDF-"),
    magic("SQLite", 0, b"SQLite format 3\0"),
    magic("Parquet", 0, b"PAR1"),
    magic("Arrow", 0, b"ARROW1"),
    magic("Keras (OCDBT)", 0, b"\x0c\xdb\x3a\x2a"),
];

fn find(view: View<'_>) -> Option<&'static Magic> {
    MAGIC.iter().find(|m| view.has(m.at, m.bytes))
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
    if find(view).is_some() || table_end(view) {
        Match::Sure
    } else if protobuf(view).is_some() {
        Match::Weak
    } else {
        Match::No
    }
}

fn read(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    let name = find(view).map(|m| m.name).or_else(|| protobuf(view)).unwrap_or("TensorFlow checkpoint");
    scan.kind(name);
    scan.gap("format-not-read");
    Ok(())
}
