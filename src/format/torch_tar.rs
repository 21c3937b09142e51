//! PyTorch's first container (up to 0.1.10): a tar of `sys_info`, `pickle`, `storages` and `tensors`. `torch.load` still tries it before
//! anything else that is no ZIP (`torch/serialization.py`, `legacy_load`), and before 2.6 ignored `weights_only` for it
//! (CVE-2025-32434).

use super::pickle::machine::Stop;
use super::pickle::{self, torch};
use super::tar::{self, Member};
use super::{Format, Match};
use crate::bytes::View;
use crate::error::{Error, Result};
use crate::scan::Scan;

/// A tar with torch's members.
pub const TORCH_TAR: Format =
    Format { id: "torch-tar", name: "PyTorch (tar, before 0.2)", extensions: &["pt", "pth", "tar", "bin"], refines: &["tar"], probe, read };

/// Dimensions of a tensor; torch itself allows 64.
const RANK: u32 = 64;

fn probe(view: View<'_>) -> Match {
    if !tar::begins(view) {
        return Match::No;
    }
    let names = tar::names(view, 16);
    let has = |name: &str| names.iter().any(|n| n == name);
    if has("pickle") && (has("storages") || has("tensors")) { Match::Sure } else { Match::No }
}

fn read(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    tar::walk(view, scan, &mut |member: &Member<'_>, scan| {
        let one: fn(View<'_>, u64, &mut Scan<'_>) -> Result<Option<u64>> = match member.name.trim_start_matches("./") {
            "storages" => storage,
            "tensors" => tensor,
            "pickle" => object,
            _ => return Ok(false),
        };
        scan.enter(&member.name, member.data, &mut |inner, scan| {
            scan.kind("pickle");
            records(inner, scan, one)
        });
        Ok(true)
    })
}

/// A pickle that counts, then records, then at most one pickle more.
fn records(view: View<'_>, scan: &mut Scan<'_>, one: fn(View<'_>, u64, &mut Scan<'_>) -> Result<Option<u64>>) -> Result<()> {
    let mut at = 0;
    while at < view.len() {
        match one(view, at, scan)? {
            Some(next) if next > at => at = next,
            _ => {
                if at < view.len() {
                    return Err(Error::malformed(at, "ends-early"));
                }
            }
        }
    }
    Ok(())
}

/// The pickle of what was saved: its persistent ids are the numbers of tensors.
fn object(view: View<'_>, at: u64, scan: &mut Scan<'_>) -> Result<Option<u64>> {
    let outcome = pickle::weigh_for(view, at, scan, true)?;
    Ok((outcome.stop == Stop::Stop).then_some(outcome.end))
}

/// A pickle; behind the one of a storage, its length and its numbers. `None` where the pickle is broken.
fn storage(view: View<'_>, at: u64, scan: &mut Scan<'_>) -> Result<Option<u64>> {
    let outcome = pickle::weigh(view, at, scan)?;
    if outcome.stop != Stop::Stop {
        return Ok(None);
    }
    let end = outcome.end;
    let Some((kind, size)) = outcome.kinds.iter().find_map(|name| torch::storage_type(name)) else { return Ok(Some(end)) };
    let elements = view.u64(end)?;
    let bytes = elements.checked_mul(size).ok_or(Error::malformed(end, "storage-size"))?;
    scan.leaf("storage", "data", Some(bytes), Some(format!("{kind} [{elements}]")));
    let next = end.saturating_add(8).saturating_add(bytes);
    if next > view.len() {
        return Err(Error::malformed(end, "ends-early"));
    }
    Ok(Some(next))
}

/// A pickle; behind the one of a tensor, its rank, sizes, strides and offset.
fn tensor(view: View<'_>, at: u64, scan: &mut Scan<'_>) -> Result<Option<u64>> {
    let outcome = pickle::weigh(view, at, scan)?;
    if outcome.stop != Stop::Stop {
        return Ok(None);
    }
    let end = outcome.end;
    if !outcome.kinds.iter().any(|name| name.ends_with("Tensor")) {
        return Ok(Some(end));
    }
    let rank = view.u32(end)?;
    if rank > RANK {
        return Err(Error::malformed(end, "tensor-rank"));
    }
    let next = end.saturating_add(8).saturating_add(u64::from(rank) * 16).saturating_add(8);
    if next > view.len() {
        return Err(Error::malformed(end, "ends-early"));
    }
    Ok(Some(next))
}
