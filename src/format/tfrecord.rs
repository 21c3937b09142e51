//! TFRecord (`tensorflow/core/lib/io/record_writer.cc`): examples for training, and the event files of TensorBoard. Records of bytes, each with a
//! checksum of its length in front.

use super::{Format, Match};
use crate::bytes::View;
use crate::error::{Error, Result};
use crate::scan::Scan;

/// `.tfrecord`, `events.out.tfevents.*`.
pub const TFRECORD: Format = Format { id: "tfrecord", name: "TFRecord", extensions: &["tfrecord", "tfrecords"], refines: &["text"], probe, read };

/// Records that are walked.
const RECORDS: u64 = 4 << 20;

/// Records whose beginning is looked at.
const HEADS: u64 = 64;

/// CRC-32C of a few bytes, masked as the format does it.
fn masked(bytes: &[u8]) -> u32 {
    let mut crc = !0u32;
    for b in bytes {
        crc ^= u32::from(*b);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0x82f6_3b78 } else { crc >> 1 };
        }
    }
    (!crc).rotate_right(15).wrapping_add(0xa282_ead8)
}

/// The length of the record at an offset, if its checksum says so.
fn length(view: View<'_>, at: u64) -> Option<u64> {
    let raw = view.array::<8>(at).ok()?;
    (view.u32(at + 8).ok()? == masked(&raw)).then(|| u64::from_le_bytes(raw))
}

fn probe(view: View<'_>) -> Match {
    if length(view, 0).is_some() { Match::Sure } else { Match::No }
}

fn read(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    let (mut at, mut n) = (0u64, 0u64);
    while at < view.len() {
        let len = length(view, at).ok_or(Error::malformed(at, "tfrecord-length"))?;
        let record = view.slice(at + 12, len)?;
        if n < HEADS && super::sure(record) {
            scan.child(&format!("record {n}"), record, true);
        }
        at = at.saturating_add(16).saturating_add(len);
        n += 1;
        if n >= RECORDS {
            scan.gap("limit-members");
            break;
        }
    }
    if at > view.len() {
        return Err(Error::malformed(view.len(), "past-end"));
    }
    scan.note(format!("{n} records"));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_the_one_of_the_format() {
        // CRC-32C of "123456789" is e3069283.
        assert_eq!(masked(b"123456789"), 0xe306_9283u32.rotate_right(15).wrapping_add(0xa282_ead8));
    }
}
