//! Pictures, sounds, films and fonts that lie beside models. Nobody loads them; what is appended to one is read where it says how long it is.

use super::{Format, Match};
use crate::bytes::View;
use crate::error::{Error, Result};
use crate::scan::Scan;

/// All of [`KINDS`].
pub const IMAGE: Format = Format {
    id: "image",
    name: "picture, sound or font",
    extensions: &["png", "jpg", "jpeg", "gif", "webp", "wav", "ogg", "flac", "mp3", "mp4", "ttf", "otf", "woff", "woff2", "bmp", "ico", "webm"],
    refines: &[],
    probe,
    read,
};

/// What they begin with, and where they end; first come, first served.
const KINDS: &[(Begins, Ends)] = &[
    (|v| v.has(0, b"\x89PNG\r\n\x1a\n"), png_end),
    (|v| v.has(0, b"RIFF") && (v.has(8, b"WEBP") || v.has(8, b"WAVEfmt ") || v.has(8, b"AVI ")), |v| Ok(u64::from(v.u32(4)?).saturating_add(8))),
    (|v| v.has(0, b"GIF87a") || v.has(0, b"GIF89a"), |v| last(v, &[0x3b])),
    (|v| v.has(0, b"\xff\xd8\xff"), |v| last(v, &[0xff, 0xd9])),
    (|v| v.has(0, b"wOFF") || v.has(0, b"wOF2"), |v| Ok(u32::from_be_bytes(v.array(8)?).into())),
    (|v| v.has(4, b"ftyp"), boxes_end),
    (is_font, |v| Ok(tables_end(v, 12, u16::from_be_bytes(v.array(4)?), u32::from_be_bytes)?.next_multiple_of(4))),
    (is_bitmap, |v| Ok(v.u32(2)?.into())),
    (is_icon, |v| tables_end(v, 6, u16::from_le_bytes(v.array(4)?), u32::from_le_bytes)),
    // Nothing of these says where they end.
    (|v| OPEN.iter().any(|m| v.has(0, m)), |v| Ok(v.len())),
];

type Begins = fn(View<'_>) -> bool;
type Ends = fn(View<'_>) -> Result<u64>;

/// Ogg, FLAC, MP3 with tags, TIFF of either order, Matroska and WebM.
const OPEN: &[&[u8]] = &[b"OggS\0", b"fLaC\0\0\0", b"ID3\x03", b"ID3\x04", b"II*\0", b"MM\0*", b"\x1a\x45\xdf\xa3"];

fn probe(view: View<'_>) -> Match {
    if KINDS.iter().any(|(begins, _)| begins(view)) { Match::Sure } else { Match::No }
}

/// Finds the end by the file's own structure where that is cheap, and reads what lies behind.
fn read(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    let end = KINDS.iter().find(|(begins, _)| begins(view)).map_or(Ok(view.len()), |(_, ends)| ends(view))?;
    super::trailing(view, end, scan)
}

/// Chunks of a picture, or boxes of a film, that are gone through for its end.
const PARTS: u32 = 1 << 20;

fn png_end(view: View<'_>) -> Result<u64> {
    let mut at = 8u64;
    for _ in 0..PARTS {
        if at + 12 > view.len() {
            // Without an end of its own, nothing can be said to stand behind it.
            return Ok(view.len());
        }
        let len = u64::from(u32::from_be_bytes(view.array(at)?));
        let kind = view.array::<4>(at + 4)?;
        at = at.saturating_add(12).saturating_add(len);
        if &kind == b"IEND" {
            return Ok(at);
        }
    }
    Err(Error::limit(at, "members"))
}

/// The end of the last box of a film (ISO/IEC 14496-12): a length of four bytes, or of eight where that says 1; 0 says that it goes to the end.
fn boxes_end(view: View<'_>) -> Result<u64> {
    let mut at = 0u64;
    for _ in 0..PARTS {
        if at + 8 > view.len() || !view.array::<4>(at + 4)?.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b' ' | 0xa9)) {
            return Ok(at);
        }
        let len = match u32::from_be_bytes(view.array(at)?) {
            0 => return Ok(view.len()),
            1 if at + 16 <= view.len() => u64::from_be_bytes(view.array(at + 8)?),
            n => n.into(),
        };
        if len < 8 {
            return Ok(at);
        }
        at = at.saturating_add(len);
    }
    Err(Error::limit(at, "members"))
}

/// The mark of TrueType, with the name of a table behind it, or that of OpenType with outlines of its own.
fn is_font(view: View<'_>) -> bool {
    let tag = view.array::<4>(12).is_ok_and(|t| t.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'/' | b' ')));
    view.has(0, b"OTTO\0") || view.has(0, b"\0\x01\0\0\0") && tag
}

/// The mark of a bitmap, which says how long it is, keeps four bytes free, and goes on with a header of a known length.
fn is_bitmap(view: View<'_>) -> bool {
    view.has(0, b"BM")
        && view.has(6, &[0; 4])
        && view.u32(2).is_ok_and(|n| n > 26)
        && view.u32(14).is_ok_and(|n| matches!(n, 12 | 40 | 52 | 56 | 64 | 108 | 124))
}

/// The mark of an icon, whose first picture lies behind a list of entries with a zero in the fourth byte.
fn is_icon(view: View<'_>) -> bool {
    let count = view.array(4).map_or(0, u16::from_le_bytes);
    view.has(0, b"\0\0\x01\0") && view.has(9, b"\0") && count > 0 && view.u32(18).is_ok_and(|at| at == 6 + 16 * u32::from(count))
}

/// The end of the last table of a font (OpenType, "Table Directory") or picture of an icon: entries of sixteen bytes behind `base`, the last eight of which say
/// where something lies and how long it is.
fn tables_end(view: View<'_>, base: u64, count: u16, number: fn([u8; 4]) -> u32) -> Result<u64> {
    let mut end = base + 16 * u64::from(count);
    for n in 0..u64::from(count) {
        let place = |at: u64| view.array(at).map(|b| u64::from(number(b)));
        end = end.max(place(base + 16 * n + 8)?.saturating_add(place(base + 16 * n + 12)?));
    }
    Ok(end)
}

/// Offset behind the last appearance of a marker.
fn last(view: View<'_>, marker: &[u8]) -> Result<u64> {
    let mut end = view.len();
    let mut found = view.len();
    let mut chunk = vec![0; 64 * 1024];
    while end > 0 {
        let from = end.saturating_sub(chunk.len() as u64 - 1);
        let n = view.read(from, &mut chunk[..(end - from) as usize])?;
        if let Some(i) = chunk[..n].windows(marker.len()).rposition(|w| w == marker) {
            found = from + (i + marker.len()) as u64;
            break;
        }
        if from == 0 {
            break;
        }
        end = from + 1;
    }
    Ok(found)
}
