//! CatBoost's `.cbm` (`catboost/libs/model/flatbuffers/model.fbs`): a mark, the size of the core, the core as a FlatBuffer, and parts that
//! the core names (CTR tables, text processing).
//!
//! Nothing in it runs; readers in C++ follow its offsets.

use super::{Format, Match};
use crate::bytes::View;
use crate::error::{Error, Result};
use crate::fact::{Fact, Tensor};
use crate::scan::Scan;

/// Models of CatBoost.
pub const CATBOOST: Format = Format { id: "catboost", name: "CatBoost", extensions: &["cbm"], refines: &[], probe, read };

/// Entries of a vector that are looked at.
const ENTRIES: u64 = 100_000;

/// Bytes of a text that are kept.
const KEEP: u64 = 64 * 1024;

fn probe(view: View<'_>) -> Match {
    if view.has(0, b"CBM1") { Match::Sure } else { Match::No }
}

/// A table of a FlatBuffer: where it stands, and its field offsets.
#[derive(Clone, Copy)]
struct Table<'s> {
    core: View<'s>,
    at: u64,
    fields: u64,
    count: u64,
}

impl<'s> Table<'s> {
    fn at(core: View<'s>, at: u64) -> Result<Table<'s>> {
        let back = i64::from(core.u32(at)? as i32);
        let fields =
            i64::try_from(at).ok().and_then(|p| p.checked_sub(back)).and_then(|p| u64::try_from(p).ok()).ok_or(Error::malformed(at, "flatbuffer-table"))?;
        let size = u64::from(core.u16(fields)?);
        core.slice(fields, size)?;
        Ok(Table { core, at, fields, count: size.saturating_sub(4) / 2 })
    }

    /// Where field `n` stands, if the table has it.
    fn field(&self, n: u64) -> Result<Option<u64>> {
        if n >= self.count {
            return Ok(None);
        }
        let offset = u64::from(self.core.u16(self.fields + 4 + 2 * n)?);
        Ok((offset != 0).then(|| self.at + offset))
    }

    /// Where field `n` points to.
    fn target(&self, n: u64) -> Result<Option<u64>> {
        let Some(at) = self.field(n)? else {
            return Ok(None);
        };
        follow(self.core, at).map(Some)
    }

    /// Length and first element of a vector of `width`-byte elements.
    fn vector(&self, n: u64, width: u64) -> Result<Option<(u64, u64)>> {
        let Some(at) = self.target(n)? else {
            return Ok(None);
        };
        let len = u64::from(self.core.u32(at)?);
        match len.checked_mul(width) {
            Some(bytes) if bytes <= self.core.len().saturating_sub(at + 4) => Ok(Some((len, at + 4))),
            _ => Err(Error::malformed(at, "flatbuffer-vector")),
        }
    }
}

fn follow(core: View<'_>, at: u64) -> Result<u64> {
    let to = at + u64::from(core.u32(at)?);
    if to < core.len() { Ok(to) } else { Err(Error::malformed(at, "flatbuffer-offset")) }
}

fn text(core: View<'_>, at: u64) -> Result<(String, u64)> {
    let n = u64::from(core.u32(at)?);
    if n > core.len().saturating_sub(at + 4) {
        return Err(Error::malformed(at, "flatbuffer-text"));
    }
    let bytes = core.take(at + 4, n.min(KEEP), KEEP as usize)?;
    Ok((String::from_utf8_lossy(&bytes).into_owned(), n))
}

fn read(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    let size = u64::from(view.u32(4)?);
    let left = view.len().saturating_sub(8);
    if size > left {
        scan.state(view, 4, 4, Fact::Header { what: "core-size", detail: format!("{size} of {left}"), memory: true });
        return Err(Error::malformed(4, "past-end"));
    }
    let core = view.slice(8, size)?;
    match inside(core, view, scan) {
        Ok(parts) => {
            let end = 8 + size;
            if !parts && end < view.len() {
                super::stray(view, end, scan);
            } else if end < view.len() {
                scan.leaf("parts", "data", Some(view.len().saturating_sub(end)), None);
            }
            Ok(())
        }
        Err(Error::Malformed { at, what }) => {
            scan.state(view, 8 + at.min(size), 4.min(view.len()), Fact::Header { what, detail: format!("at {at} of {size}"), memory: true });
            Err(Error::malformed(8 + at.min(size), what))
        }
        Err(e) => Err(e),
    }
}

/// Reads the core; says whether it names parts behind it.
fn inside(core: View<'_>, view: View<'_>, scan: &mut Scan<'_>) -> Result<bool> {
    let root = Table::at(core, follow(core, 0)?)?;
    if let Some(at) = root.target(0)? {
        let (version, n) = text(core, at)?;
        scan.state(view, 8 + at, 4 + n, Fact::Metadata { key: "format_version".into(), value: version });
    }
    if let Some(at) = root.target(1)? {
        trees(Table::at(core, at)?, view, scan)?;
    }
    if let Some((n, first)) = root.vector(2, 4)? {
        if n > ENTRIES {
            scan.gap("limit-facts");
        }
        for i in 0..n.min(ENTRIES) {
            let pair = Table::at(core, follow(core, first + 4 * i)?)?;
            let (Some(key), Some(value)) = (pair.target(0)?, pair.target(1)?) else {
                continue;
            };
            let ((key, _), (value, len)) = (text(core, key)?, text(core, value)?);
            super::setting::metadata(view, 8 + first, len.min(4096), &value, scan);
            scan.state(view, 8 + first, len.min(4096), Fact::Metadata { key, value });
        }
    }
    Ok(root.vector(3, 4)?.is_some_and(|(n, _)| n > 0))
}

/// Splits and leaves: as many as the sizes of the trees say.
fn trees(t: Table<'_>, view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    let dimension = match t.field(0)? {
        Some(at) => u64::from(t.core.u32(at)?),
        None => 1,
    };
    let splits = t.vector(1, 4)?.map_or(0, |v| v.0);
    let (count, sizes) = t.vector(2, 4)?.unwrap_or((0, 0));
    let starts = t.vector(3, 4)?;
    for features in 4..8 {
        t.vector(features, 4)?;
    }
    let leaves = t.vector(8, 8)?.map_or(0, |v| v.0);
    let symmetric = t.vector(10, 4)?.is_none_or(|v| v.0 == 0);
    let (mut needed, mut values) = (0u64, 0u64);
    for i in 0..count {
        let size = u64::from(t.core.u32(sizes + 4 * i)?);
        if let Some((n, first)) = starts
            && i < n
        {
            let start = u64::from(t.core.u32(first + 4 * i)?);
            if start.checked_add(size).is_none_or(|end| end > splits) {
                return Err(Error::malformed(first + 4 * i, "tree-offset"));
            }
        }
        needed = needed.saturating_add(size);
        values = values.saturating_add(1u64.checked_shl(u32::try_from(size).unwrap_or(64)).unwrap_or(u64::MAX));
    }
    if needed > splits {
        return Err(Error::malformed(sizes, "tree-size"));
    }
    if symmetric && values.saturating_mul(dimension.max(1)) > leaves {
        return Err(Error::malformed(sizes, "leaf-count"));
    }
    scan.leaf("trees", "trees", None, Some(format!("{count} trees, {leaves} leaf values")));
    scan.state(
        view,
        8 + t.at,
        4,
        Fact::Tensor(Tensor { name: "leaf values".into(), dtype: "F64".into(), shape: vec![leaves], bytes: leaves.saturating_mul(8) }),
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{Lang, Verdict};

    fn verdict(bytes: Vec<u8>) -> Verdict {
        crate::scan(&bytes, "m.cbm", Lang::En).verdict
    }

    /// A core whose root has one field, a version.
    fn file(version_offset: u32) -> Vec<u8> {
        let mut core = 12u32.to_le_bytes().to_vec();
        core.extend_from_slice(&[0, 0]);
        core.extend_from_slice(&[6, 0, 8, 0, 4, 0]);
        core.extend_from_slice(&6u32.to_le_bytes());
        core.extend_from_slice(&version_offset.to_le_bytes());
        core.extend_from_slice(&4u32.to_le_bytes());
        core.extend_from_slice(b"v1.0\0\0\0\0");
        let mut out = b"CBM1".to_vec();
        out.extend_from_slice(&(core.len() as u32).to_le_bytes());
        out.extend(core);
        out
    }

    #[test]
    fn offsets_stay_inside() {
        assert_eq!(verdict(file(4)), Verdict::Clear);
        assert_eq!(verdict(file(4000)), Verdict::Dangerous);
        let mut long = file(4);
        if let Some(b) = long.get_mut(7) {
            *b = 0x40;
        }
        assert_eq!(verdict(long), Verdict::Dangerous);
        let mut more = file(4);
        more.extend_from_slice(b"cos\nsystem\n(S'id'\ntR.");
        assert_ne!(verdict(more), Verdict::Clear);
    }
}
