//! Compiled engines: TensorRT, RKNN, Hailo, Qualcomm, Ascend, MNN and their like. They are code for a device, undocumented, and not
//! read; what is read are the names of native libraries that their text tells a runtime to load.

use super::executorch::is_library;
use super::{Format, Match};
use crate::bytes::View;
use crate::error::Result;
use crate::fact::Fact;
use crate::scan::Scan;

/// Everything of [`ENGINES`].
pub const ENGINE: Format = Format {
    id: "engine",
    name: "compiled engine",
    extensions: &["engine", "plan", "trt", "rknn", "hef", "dlc", "om", "mnn", "kmodel"],
    refines: &["text"],
    probe,
    read,
};

/// Bytes at the beginning and at the end that are looked through for names.
const LOOK: u64 = 1 << 20;

/// Name, offset and bytes of the beginning.
const ENGINES: &[(&str, u64, &[u8])] = &[
    ("TensorRT engine", 0, b"ftrt"),
    ("TensorRT engine", 0, b"ptrt"),
    ("RKNN model", 0, b"RKNN"),
    ("RKNN model", 0, b"RKNX"),
    ("RKNN model, encrypted", 0, b"CYPTRKNN"),
    ("Hailo executable", 0, b"\x01HEF"),
    ("Hailo executable", 0, b"HEF\0"),
    ("Ascend offline model", 0, b"IMOD"),
    ("Ascend offline model", 0, b"PICO"),
    ("Kendryte model", 0, b"LDMK"),
    ("MindSpore Lite model", 4, b"MSL1"),
    ("MindSpore Lite model", 4, b"MSL2"),
    ("Qualcomm context", 0, b"\0\0\0\x02\0\0\0\x01\0\0\0\0"),
    ("Qualcomm context", 0, b"\0\0\0\x02\0\0\0\x02\0\0\0\0\0\0\0\0"),
    ("Qualcomm context", 0, b"\0\0\0\x02\0\0\0\x03\0\0\0\0\0\0\0\x01"),
];

fn find(view: View<'_>) -> Option<(&'static str, u64)> {
    let plain = |at: u64| ENGINES.iter().find(|(_, from, bytes)| view.has(at + from, bytes)).map(|(name, ..)| (*name, at));
    plain(0).or_else(|| {
        // Exporters put a length and a JSON in front of a TensorRT engine.
        let n = u64::from(view.u32(0).ok()?);
        let behind = n.checked_add(4).filter(|at| *at < view.len() && n < 1 << 20 && view.has(4, b"{"))?;
        plain(behind).filter(|(name, _)| name.starts_with("TensorRT"))
    })
}

fn probe(view: View<'_>) -> Match {
    // A text about the format begins with its name too.
    let text = view.head(64).is_ok_and(|h| h.len() >= 16 && h.iter().all(|b| (9..127).contains(b)));
    if !text && find(view).is_some() { Match::Sure } else { Match::No }
}

fn read(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    let Some((kind, at)) = find(view) else { return Ok(()) };
    scan.kind(kind);
    if at > 0
        && let Ok(settings) = view.slice(4, at - 4)
    {
        scan.child("settings", settings, false);
    }
    scan.state(view, at, 8, Fact::Engine { kind });
    for (from, len) in [(0, view.len().min(LOOK)), (view.len().saturating_sub(LOOK).max(LOOK), LOOK)] {
        if from < view.len() {
            libraries(view, from, len.min(view.len().saturating_sub(from)), scan)?;
        }
    }
    scan.gap("format-not-read");
    Ok(())
}

/// Texts that are the name of a shared library, whole or as the value of a key.
fn libraries(view: View<'_>, from: u64, len: u64, scan: &mut Scan<'_>) -> Result<()> {
    let bytes = view.take(from, len, usize::try_from(LOOK).unwrap_or(0))?;
    let (mut start, mut told) = (0usize, 0);
    for end in 0..=bytes.len() {
        let inside =
            bytes.get(end).is_some_and(|b| (b'!'..127).contains(b) && !matches!(b, b'"' | b'\'' | b',' | b';' | b':' | b'=' | b'{' | b'}' | b'[' | b']'));
        if inside {
            continue;
        }
        if end > start + 5
            && told < 100
            && let Some(text) = bytes.get(start..end).and_then(|b| std::str::from_utf8(b).ok())
            && is_library(text)
        {
            told += 1;
            scan.state(view, from + start as u64, (end - start) as u64, Fact::NativeLibrary { target: text.to_string() });
        }
        start = end + 1;
    }
    Ok(())
}
