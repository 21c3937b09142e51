//! Files that are one compressed stream around something else: gzip, zlib, bzip2, xz, `.lzma`, Zstandard, LZ4, and the `ZF` header of
//! joblib before 0.9.3. What is inside is read by its content.

use super::{Format, Match};
use crate::bytes::{Bounds, Coder, Ending, Pages, Source, Unpacked, View};
use crate::error::{Error, Result};
use crate::fact::Fact;
use crate::scan::Scan;
use std::cell::Cell;
use std::io;

/// gzip (RFC 1952).
pub const GZIP: Format =
    Format { id: "gzip", name: "gzip", extensions: &["gz", "tgz"], refines: &[], probe: |v| tried(v, Coder::Gzip), read: |v, s| read(v, s, Coder::Gzip) };

/// zlib (RFC 1950): joblib's default.
pub const ZLIB: Format =
    Format { id: "zlib", name: "zlib stream", extensions: &["z", "zlib"], refines: &[], probe: probe_zlib, read: |v, s| read(v, s, Coder::Zlib) };

/// bzip2.
pub const BZIP2: Format = Format {
    id: "bzip2",
    name: "bzip2",
    extensions: &["bz2", "tbz2"],
    refines: &[],
    probe: |v| marked(v, Coder::Bzip2),
    read: |v, s| read(v, s, Coder::Bzip2),
};

/// xz.
pub const XZ: Format =
    Format { id: "xz", name: "xz", extensions: &["xz", "txz"], refines: &[], probe: |v| marked(v, Coder::Xz), read: |v, s| read(v, s, Coder::Xz) };

/// The format of lzma-utils, before xz.
pub const LZMA: Format =
    Format { id: "lzma", name: "LZMA stream", extensions: &["lzma"], refines: &[], probe: probe_lzma, read: |v, s| read(v, s, Coder::LzmaAlone) };

/// Zstandard (RFC 8878).
pub const ZSTD: Format = Format {
    id: "zstd",
    name: "Zstandard",
    extensions: &["zst", "zstd"],
    refines: &[],
    probe: |v| framed(v, Coder::Zstd),
    read: |v, s| read(v, s, Coder::Zstd),
};

/// LZ4 frames.
pub const LZ4: Format =
    Format { id: "lz4", name: "LZ4", extensions: &["lz4"], refines: &[], probe: |v| framed(v, Coder::Lz4), read: |v, s| read(v, s, Coder::Lz4) };

/// Snappy's frames (<https://github.com/google/snappy/blob/main/framing_format.txt>).
pub const SNAPPY: Format = Format {
    id: "snappy",
    name: "Snappy frames",
    extensions: &["sz", "snappy"],
    refines: &[],
    probe: |v| if v.has(0, b"\xff\x06\0\0sNaPpY") { Match::Sure } else { Match::No },
    read: read_snappy,
};

/// Bytes that are kept of what comes out of Snappy's frames.
const SNAPPED: usize = 16 << 20;

/// What comes out is looked at however the frames end.
fn read_snappy(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    let mut out = Vec::new();
    let done = unsnap(view, &mut out);
    let pages = Pages::new(&out);
    scan.child("content", View::of_inflated(&pages), true);
    done
}

/// Each chunk has a kind, a length of three bytes, a checksum, and at most 64 KiB of what was packed.
fn unsnap(view: View<'_>, out: &mut Vec<u8>) -> Result<()> {
    let mut at = 0;
    while at < view.len() {
        let [kind, a, b, c] = view.array::<4>(at)?;
        let chunk = view.slice(at + 4, u64::from(u32::from_le_bytes([a, b, c, 0])))?;
        let body = || chunk.take(4, chunk.len().saturating_sub(4), 1 << 17);
        match kind {
            0 => out.extend(super::tf_checkpoint::snappy(&body()?, at)?),
            1 => out.extend(body()?),
            0x80.. => {}
            _ => return Err(Error::malformed(at, "snappy-chunk")),
        }
        if out.len() > SNAPPED {
            return Err(Error::limit(at, "inflated"));
        }
        at += 4 + chunk.len();
    }
    Ok(())
}

/// joblib's own header in front of a zlib stream, up to 0.9.2.
pub const ZFILE: Format =
    Format { id: "joblib-zfile", name: "joblib (before 0.9.3)", extensions: &["z", "joblib", "pkl"], refines: &[], probe: probe_zfile, read: read_zfile };

/// Digits of the length behind `ZF`: those of 2^64 in hexadecimal.
const ZFILE_LENGTH: u64 = 19;

fn marked(view: View<'_>, coder: Coder) -> Match {
    if coder.begins(view, 0) { Match::Sure } else { Match::No }
}

/// Frames to skip may stand before the first one that tells the codec.
fn framed(view: View<'_>, coder: Coder) -> Match {
    let mut at = 0u64;
    for _ in 0..16 {
        let Ok([0x50..=0x5f, 0x2a, 0x4d, 0x18, a, b, c, d]) = view.array::<8>(at) else { break };
        at = at.saturating_add(8).saturating_add(u64::from(u32::from_le_bytes([a, b, c, d])));
    }
    let skipped = at > 0 && view.array::<4>(at).is_ok_and(|h| matches!(h, [0x50..=0x5f, ..]));
    if coder.begins(view, at) && !skipped { Match::Sure } else { Match::No }
}

/// Whether the first bytes can be unpacked: a mark of two or three bytes turns up by chance.
fn opens(view: View<'_>, coder: Coder) -> bool {
    let budget = Cell::new(1 << 20);
    let bounds = Bounds { budget: &budget, ratio: u64::MAX, dictionary: 64 << 20 };
    let Ok(window) = view.slice(0, view.len().min(64 * 1024)) else { return false };
    let Ok(unpacked) = Unpacked::claimed(window, &[coder], bounds, 1) else { return false };
    match unpacked.read_at(0, &mut [0]) {
        Ok(_) => true,
        // A stream of nothing, and one that asks for more memory than a probe has.
        Err(e) => matches!(e.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::OutOfMemory),
    }
}

fn tried(view: View<'_>, coder: Coder) -> Match {
    match coder.begins(view, 0) {
        true if opens(view, coder) => Match::Sure,
        true => Match::Weak,
        false => Match::No,
    }
}

fn probe_zlib(view: View<'_>) -> Match {
    if !Coder::Zlib.begins(view, 0) || !opens(view, Coder::Zlib) {
        return Match::No;
    }
    // `x^2` begins like a stream; a real one is not readable for long.
    let readable = view.head(24).is_ok_and(|head| head.iter().all(|b| matches!(b, b'\t' | b'\n' | b'\r' | 32..=126)));
    match view.has(0, b"x") {
        _ if readable => Match::No,
        true => Match::Sure,
        false => Match::Weak,
    }
}

/// Bytes that a stream with a known length holds at least: fewer are numbers that only look like a header.
const LEAST: u64 = 16;

fn probe_lzma(view: View<'_>) -> Match {
    // Thirteen bytes of anything may be such a header. What writes these files rounds the dictionary to one or one and a half powers of two,
    // as XZ Utils demands, and packs something.
    let plausible = view.u32(1).is_ok_and(|d| d >= 4096 && (d == u32::MAX || d.is_power_of_two() || (d / 3 * 3 == d && (d / 3).is_power_of_two())))
        && view.array(5).is_ok_and(|size| u64::from_le_bytes(size) >= LEAST);
    if !plausible || !Coder::LzmaAlone.begins(view, 0) || !opens(view, Coder::LzmaAlone) {
        return Match::No;
    }
    if view.has(0, &[0x5d]) { Match::Sure } else { Match::Weak }
}

fn read(view: View<'_>, scan: &mut Scan<'_>, coder: Coder) -> Result<()> {
    let (unpacked, ending) = Unpacked::measure(view, &[coder], scan.bounds());
    told(scan, ending, view, "", unpacked.len());
    let pages = Pages::new(&unpacked);
    scan.child("content", View::of_inflated(&pages), false);
    match ending {
        Ending::Complete if unpacked.used < view.len() => super::trailing(view, unpacked.used, scan)?,
        Ending::Damaged if unpacked.used > 0 && unpacked.used < view.len() => scan.child("behind the damage", view.rest(unpacked.used), true),
        _ => {}
    }
    Ok(())
}

/// Says how the unpacking of `packed` ended, if it did not end well. `name` is the member's, or empty for the file that is being read.
pub fn told(scan: &mut Scan<'_>, ending: Ending, packed: View<'_>, name: &str, unpacked: u64) {
    let gap = match ending {
        Ending::Complete => return,
        Ending::Damaged => "damaged-member",
        Ending::Dictionary => "limit-dictionary",
        Ending::Unsupported => "method-unknown",
        Ending::Budget => "limit-inflated",
        Ending::Bomb => {
            let detail = format!("{unpacked} bytes and more from {}", packed.len());
            scan.state(
                packed,
                0,
                packed.len().min(64),
                Fact::Archive { what: "bomb", name: if name.is_empty() { "what is" } else { name }.to_string(), detail },
            );
            "limit-inflated"
        }
    };
    let member = if name.is_empty() { scan.member().to_string() } else { name.to_string() };
    scan.gap_in(gap, &member);
}

fn probe_zfile(view: View<'_>) -> Match {
    if view.has(0, b"ZF0x") { Match::Sure } else { Match::No }
}

fn read_zfile(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    let digits = view.take(4, ZFILE_LENGTH - 2, 64)?;
    let text = String::from_utf8_lossy(&digits).trim_end_matches(['L', ' ']).to_string();
    let claimed = u64::from_str_radix(&text, 16).map_err(|_| Error::malformed(2, "zfile-length"))?;
    // Python 2 wrote one character more.
    let from = 2 + ZFILE_LENGTH + u64::from(view.has(2 + ZFILE_LENGTH, b" "));
    let packed = view.rest(from);
    let (unpacked, ending) = Unpacked::measure(packed, &[Coder::Zlib], scan.bounds());
    told(scan, ending, packed, "", unpacked.len());
    if ending == Ending::Complete && unpacked.len() != claimed {
        let detail = format!("{claimed} bytes announced, {} found", unpacked.len());
        scan.state(view, 2, ZFILE_LENGTH, Fact::Header { what: "zfile-length", detail, memory: false });
    }
    let pages = Pages::new(&unpacked);
    scan.child("content", View::of_inflated(&pages), false);
    if ending == Ending::Complete && unpacked.used < packed.len() {
        super::trailing(view, from.saturating_add(unpacked.used), scan)?;
    }
    Ok(())
}
