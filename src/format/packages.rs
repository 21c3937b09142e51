//! Lists of packages that an installer works through: `requirements.txt` and its relatives.
//!
//! Pinned or not, a name from the registry is ordinary. What is stated is where the list sends the installer otherwise: another
//! index, a repository, an address, a path (pip, "Requirements File Format"; PEP 508).

use super::{Format, Match};
use crate::bytes::View;
use crate::error::Result;
use crate::fact::Fact;
use crate::scan::Scan;

/// A list of requirements, one a line.
pub const REQUIREMENTS: Format = Format { id: "requirements", name: "package list", extensions: &["txt", "in"], refines: &["text"], probe, read };

const LONGEST: u64 = 4 << 20;

fn probe(view: View<'_>) -> Match {
    let Ok(head) = view.head(8192) else { return Match::No };
    if (super::plain::TEXT.probe)(view) == Match::No || head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff") {
        return Match::No;
    }
    let text = String::from_utf8_lossy(&head);
    let lines: Vec<&str> = text.lines().map(|l| l.split(" #").next().unwrap_or("").trim()).filter(|l| !l.is_empty() && !l.starts_with('#')).collect();
    let sure = lines.iter().filter(|l| versioned(l) || option(l) || address(l)).count();
    let fits = lines.iter().filter(|l| versioned(l) || option(l) || address(l) || name(l)).count();
    if sure > 0 && fits == lines.len() && (sure * 4 >= lines.len() || lines.iter().any(|l| option(l))) { Match::Sure } else { Match::No }
}

fn name(line: &str) -> bool {
    let (base, extra) = line.split_once('[').unwrap_or((line, "]"));
    !base.is_empty() && base.len() < 80 && base.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')) && extra.ends_with(']') && base.starts_with(|c: char| c.is_ascii_alphabetic())
}

/// `name==1.0; marker`
fn versioned(line: &str) -> bool {
    let line = line.trim_end_matches('\\').trim();
    let Some(at) = line.find(['=', '<', '>', '~', '!', ';']) else { return false };
    let (base, rest) = line.split_at(at);
    let sign = rest.trim_start_matches(['=', '<', '>', '~', '!']);
    // One `=` alone is an assignment.
    let compares = rest.starts_with("==") || !rest.starts_with('=');
    name(base.trim()) && (rest.starts_with(';') || compares && rest.len() - sign.len() <= 3 && sign.trim_start().starts_with(|c: char| c.is_ascii_digit()))
}

fn option(line: &str) -> bool {
    ["-r ", "-c ", "-e ", "-i ", "-f ", "--index-url", "--extra-index-url", "--trusted-host", "--find-links", "--no-binary", "--only-binary", "--pre", "--prefer-binary", "--editable", "--requirement", "--constraint", "--no-index", "--require-hashes", "--hash="].iter().any(|o| line.starts_with(o))
}

fn address(line: &str) -> bool {
    let target = line.split_once(" @ ").map_or(line, |(n, t)| if name(n.trim()) { t.trim() } else { "" });
    ["git+", "hg+", "svn+", "bzr+", "https://", "http://", "file:"].iter().any(|p| target.starts_with(p)) && (target.starts_with("git+") || target != line || target.ends_with(".whl") || target.ends_with(".tar.gz") || target.ends_with(".zip") || target.contains("#egg="))
}

fn read(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    if view.len() > LONGEST {
        scan.gap("limit-text");
    }
    let text = view.head(LONGEST as usize)?;
    let mut at = 0u64;
    for line in text.split(|b| *b == b'\n') {
        let words = String::from_utf8_lossy(line);
        let words = words.split(" #").next().unwrap_or("").trim();
        if let Some(what) = source(words) {
            scan.state(view, at, line.len() as u64, Fact::PackageSource { what, line: crate::secret::masked(words) });
        }
        at += line.len() as u64 + 1;
    }
    super::secrets::inspect(view, scan)?;
    super::plain::hidden(view, scan)
}

/// Hosts that publish what the registry's packages are built from, and the registries themselves.
const KNOWN: &[&str] = &[
    "pypi.org",
    "files.pythonhosted.org",
    "download.pytorch.org",
    "github.com",
    "raw.githubusercontent.com",
    "huggingface.co",
    "pypi.nvidia.com",
    "pypi.ngc.nvidia.com",
    "storage.googleapis.com",
    "data.pyg.org",
    "conda.anaconda.org",
    "pypi.anaconda.org",
    "gitlab.com",
    "flashinfer.ai",
    "test.pypi.org",
    "wheels.vllm.ai",
    "pypi.python.org",
    "mirrors.aliyun.com",
    "pypi.tuna.tsinghua.edu.cn",
];

/// Where a line sends the installer, if that is not the registry.
pub fn source(line: &str) -> Option<&'static str> {
    let host = host(line);
    let known = host.is_some_and(|h| KNOWN.contains(&h) || h.ends_with(".download.pytorch.org"));
    let index = ["--index-url", "--extra-index-url", "-i ", "--find-links", "-f "].iter().any(|o| line.starts_with(o));
    if line.starts_with("--trusted-host") {
        return Some("trusted-host");
    }
    if index && host.is_some() {
        return if line.contains("http://") {
            Some("plain-index")
        } else if known {
            None
        } else {
            Some("other-index")
        };
    }
    if address(line) {
        return if line.contains("http://") {
            Some("plain-address")
        } else if known {
            Some("address")
        } else {
            Some("other-address")
        };
    }
    let local = line.strip_prefix("-e ").or_else(|| line.strip_prefix("--editable ")).unwrap_or("");
    (local.starts_with(['.', '/']) || line.starts_with("./") || line.starts_with("../")).then_some("path")
}

fn host(line: &str) -> Option<&str> {
    let (_, rest) = line.split_once("://")?;
    let authority = rest.split(['/', '?', '#', ' ']).next()?;
    let host = authority.rsplit('@').next()?;
    Some(host.split(':').next().unwrap_or(host))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bytes::Pages;

    #[test]
    fn lists_of_packages_and_where_they_send() {
        let list = |text: &str| {
            let source = text.as_bytes().to_vec();
            let pages = Pages::new(&source);
            probe(View::of_file(&pages)) == Match::Sure
        };
        assert!(list("torch==2.1.0\ntransformers>=4.0,<5  # x\nnumpy\n"));
        assert!(list("--index-url https://x/simple\nfoo\n"));
        assert!(!list("hello\nworld\n"));
        assert!(!list("a = 1\n"));
        assert!(!list("The quick >= 3 brown fox\n"));
        assert_eq!(source("--extra-index-url https://download.pytorch.org/whl/cu121"), None);
        assert_eq!(source("--extra-index-url https://evil.host/simple"), Some("other-index"));
        assert_eq!(source("foo @ https://evil.host/foo.whl"), Some("other-address"));
        assert_eq!(source("git+https://github.com/huggingface/transformers"), Some("address"));
        assert_eq!(source("torch==2.1"), None);
    }
}
