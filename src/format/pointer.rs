//! Pointer files of Git LFS: three lines that stand where the weights should be (git-lfs, `docs/spec.md`).

use super::{Format, Match};
use crate::bytes::View;
use crate::error::{Error, Result};
use crate::fact::Fact;
use crate::scan::Scan;

/// A pointer to a file in a large-file store.
pub const POINTER: Format = Format { id: "pointer", name: "Git LFS pointer", extensions: &[], refines: &["text"], probe, read };

const FIRST: &[u8] = b"version https://git-lfs.github.c";

fn probe(view: View<'_>) -> Match {
    if view.len() <= 1024 && view.has(0, FIRST) { Match::Sure } else { Match::No }
}

fn read(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    let text = String::from_utf8_lossy(&view.head(1024)?).into_owned();
    let value = |key: &str| text.lines().find_map(|l| l.strip_prefix(key)).map(str::trim);
    let Some(digest) = value("oid sha256:").filter(|d| d.len() == 64 && d.bytes().all(|b| b.is_ascii_hexdigit())) else {
        return Err(Error::malformed(0, "pointer-digest"));
    };
    let Some(size) = value("size ").and_then(|s| s.parse().ok()) else { return Err(Error::malformed(0, "pointer-size")) };
    scan.state(view, 0, view.len(), Fact::Pointer { digest: digest.to_string(), size });
    scan.gap("pointer");
    Ok(())
}
