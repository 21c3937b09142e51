//! What macOS leaves beside files: `.DS_Store`, which keeps how a folder is shown, and AppleDouble files (`._name`, also below `__MACOSX/` in archives), which
//! keep what its file system knows of a file beside its bytes. No library loads them. Their tables say which bytes belong to them; a part that surely is
//! something else is read as that, and so is what stands behind all parts.
//!
//! Sources: RFC 1740 for AppleDouble; for `.DS_Store` the buddy allocator as those who read it have described it.

use super::{Format, Match};
use crate::bytes::View;
use crate::error::{Error, Result};
use crate::scan::Scan;

/// Files of macOS's Finder and its file system.
pub const FINDER: Format = Format { id: "finder", name: "macOS folder settings", extensions: &[], refines: &[], probe, read };

const STORE: &[u8] = b"\0\0\0\x01Bud1";
const DOUBLE: &[u8] = b"\0\x05\x16\x07\0\x02\0\0";

/// Blocks of a store. A folder of a hundred thousand files has some thousand.
const BLOCKS: u32 = 1 << 16;

fn probe(view: View<'_>) -> Match {
    if view.has(0, STORE) || view.has(0, DOUBLE) { Match::Sure } else { Match::No }
}

fn read(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    if view.has(0, STORE) {
        // Blocks that were given up keep what they held, also behind the last one that is in use.
        scan.child("behind the last block", view.rest(store(view)?), true);
        return Ok(());
    }
    let end = double(view, scan)?;
    super::trailing(view, end, scan)
}

fn u32_of(view: View<'_>, at: u64) -> Result<u32> {
    Ok(u32::from_be_bytes(view.array(at)?))
}

/// The end of the last block. Offsets count from behind the first four bytes; an address holds a block's offset and, in its lowest five bits, the power of its size.
fn store(view: View<'_>) -> Result<u64> {
    let root = u64::from(u32_of(view, 8)?).saturating_add(4);
    let mut end = view.slice(root, u32_of(view, 12)?.into()).map(|block| root.saturating_add(block.len()))?;
    let count = u32_of(view, root)?;
    if count > BLOCKS {
        return Err(Error::malformed(root, "count"));
    }
    for n in 0..u64::from(count) {
        let address = u32_of(view, root.saturating_add(8).saturating_add(4 * n))?;
        end = end.max(u64::from(address & !31).saturating_add(1 << (address & 31)).saturating_add(4));
    }
    Ok(end)
}

/// The end of the last entry.
fn double(view: View<'_>, scan: &mut Scan<'_>) -> Result<u64> {
    let count = u16::from_be_bytes(view.array(24)?);
    let mut end = 26u64.saturating_add(12 * u64::from(count));
    for n in 0..u64::from(count) {
        let at = 26u64.saturating_add(12 * n);
        let (id, from, len) = (u32_of(view, at)?, u32_of(view, at.saturating_add(4))?.into(), u32_of(view, at.saturating_add(8))?.into());
        scan.child(&format!("AppleDouble entry {id}"), view.slice(from, len)?, true);
        end = end.max(from.saturating_add(len));
    }
    Ok(end)
}
