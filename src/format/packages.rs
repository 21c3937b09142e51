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

/// Settings of a project that name packages: `pyproject.toml`, `Pipfile`, `setup.cfg`, `poetry.lock`, `uv.toml`, `pip.conf`.
pub const PROJECT: Format = Format {
    id: "project",
    name: "Python project settings",
    extensions: &["toml", "cfg", "lock", "conf", "ini"],
    refines: &["text"],
    probe: probe_project,
    read: read_project,
};

const LONGEST: u64 = 4 << 20;

fn probe(view: View<'_>) -> Match {
    let Ok(head) = view.head(8192) else { return Match::No };
    if (super::plain::TEXT.probe)(view) == Match::No || head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff") {
        return Match::No;
    }
    let text = String::from_utf8_lossy(&head);
    // A line may go on behind a backslash.
    let lines: Vec<&str> = text
        .lines()
        .map(|l| l.split(" #").next().unwrap_or("").trim_end_matches(['\\', ' ', '\r']).trim())
        .filter(|l| !l.is_empty() && !l.starts_with('#'))
        .collect();
    let sure = lines.iter().filter(|l| versioned(l) || option(l) || address(l)).count();
    let fits = lines.iter().filter(|l| versioned(l) || option(l) || address(l) || name(l)).count();
    if sure > 0 && fits == lines.len() && (sure * 4 >= lines.len() || lines.iter().any(|l| option(l))) { Match::Sure } else { Match::No }
}

fn name(line: &str) -> bool {
    let (base, extra) = line.split_once('[').unwrap_or((line, "]"));
    !base.is_empty()
        && base.len() < 80
        && base.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
        && extra.ends_with(']')
        && base.starts_with(|c: char| c.is_ascii_alphabetic())
}

/// `name==1.0; marker`
fn versioned(line: &str) -> bool {
    let line = line.trim_end_matches('\\').trim();
    let line = line.split_once(" --").map_or(line, |(l, _)| l.trim_end());
    let Some(at) = line.find(['=', '<', '>', '~', '!', ';']) else { return false };
    let (base, rest) = line.split_at(at);
    let sign = rest.trim_start_matches(['=', '<', '>', '~', '!']);
    // One `=` alone is an assignment.
    let compares = rest.starts_with("==") || !rest.starts_with('=');
    name(base.trim()) && (rest.starts_with(';') || compares && rest.len() - sign.len() <= 3 && sign.trim_start().starts_with(|c: char| c.is_ascii_digit()))
}

fn option(line: &str) -> bool {
    [
        "-r ", "-c ", "-e ", "-i ", "-f ", "--index-url", "--extra-index-url", "--trusted-host", "--find-links", "--no-binary", "--only-binary", "--pre",
        "--prefer-binary", "--editable", "--requirement", "--constraint", "--no-index", "--require-hashes", "--hash=",
    ]
    .iter()
    .any(|o| line.starts_with(o))
        || ["-ihttp", "-fhttp"].iter().any(|o| line.starts_with(o))
        || line.split_once(" --").is_some_and(|(package, rest)| name(package.trim()) && option(&format!("--{rest}")))
}

fn address(line: &str) -> bool {
    // Behind the address a marker or an option may stand, but no further column.
    let line = line.split([';']).next().unwrap_or("").split(" --").next().unwrap_or("").trim();
    let target = line.split_once(" @ ").map_or(line, |(n, t)| if name(n.trim()) { t.trim() } else { "" });
    ["git+", "hg+", "svn+", "bzr+", "https://", "http://", "file:"].iter().any(|p| target.starts_with(p))
        && !target.contains(char::is_whitespace)
        && (target.starts_with("git+")
            || target != line
            || target.ends_with(".whl")
            || target.ends_with(".tar.gz")
            || target.ends_with(".zip")
            || target.contains("#egg="))
}

fn read(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    if view.len() > LONGEST {
        scan.gap("limit-text");
    }
    let text = view.head(LONGEST as usize)?;
    let mut at = 0u64;
    for line in text.split(|b| *b == b'\n') {
        let words = String::from_utf8_lossy(line);
        let words = words.split(" #").next().unwrap_or("").trim_end_matches(['\\', ' ', '\r']).trim();
        // An option may stand behind a package, on its line.
        let option = words.find(" --").and_then(|i| words.get(i + 1..)).unwrap_or("");
        if let Some(what) = source(words).or_else(|| source(option)) {
            scan.state(view, at, line.len() as u64, Fact::PackageSource { what, line: crate::secret::masked(words) });
        }
        at += line.len() as u64 + 1;
    }
    super::secrets::inspect(view, scan)?;
    super::plain::hidden(view, scan)
}

/// Sections by which those files are known: of PEP 621 and 518, of setuptools, Poetry, uv, PDM and Pipenv, of pip's own settings.
const SECTIONS: &[&str] = &[
    "[project]", "[build-system]", "[dependency-groups]", "[[package]]", "[[source]]", "[packages]", "[dev-packages]", "[options]", "[options.extras_require]",
    "[easy_install]", "[global]", "[install]", "[[index]]", "[pip]",
];

fn probe_project(view: View<'_>) -> Match {
    let Ok(head) = view.head(64 * 1024) else { return Match::No };
    if (super::plain::TEXT.probe)(view) == Match::No {
        return Match::No;
    }
    let text = String::from_utf8_lossy(&head);
    let mut lines = text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with(['#', ';']));
    // The first line that says something opens a section, or sets a key in front of the first one.
    let first = lines.next().unwrap_or("");
    let opens = |l: &str| l.starts_with('[') && l.ends_with(']') && !l.contains(['"', ',', '{']);
    if !(opens(first) || first.split_once('=').is_some_and(|(k, _)| name(k.trim()))) {
        return Match::No;
    }
    let known =
        |l: &str| SECTIONS.contains(&l) || ["[tool.", "[project.", "[[tool.", "[package.", "[options."].iter().any(|p| l.starts_with(p)) && l.ends_with(']');
    if std::iter::once(first).chain(lines).any(known) { Match::Sure } else { Match::No }
}

/// Keys whose value is the address of an index, and sections in which a `url` is one.
const INDEX_KEYS: &[&str] = &["index-url", "index_url", "extra-index-url", "extra_index_url", "find-links", "find_links", "default-index", "dependency_links"];
const INDEX_SECTIONS: &[&str] = &["source", "tool.poetry.source", "tool.uv.index", "tool.pdm.source", "index", "easy_install"];

/// A line at a time: every quoted text, or the whole value where nothing is quoted, is what pip would be given.
fn read_project(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    super::tool::sections(view, scan)?;
    if view.len() > LONGEST {
        scan.gap("limit-text");
    }
    let text = view.head(LONGEST as usize)?;
    let (mut at, mut section, mut list) = (0u64, String::new(), String::new());
    for line in text.split(|b| *b == b'\n') {
        let words = String::from_utf8_lossy(line);
        let plain = words.trim();
        if plain.starts_with('[') && plain.ends_with(']') && !plain.contains(['"', '=', ',']) {
            section = plain.trim_matches(['[', ']']).to_string();
            list.clear();
        } else if !plain.starts_with(['#', ';']) {
            let (key, value) = match plain.split_once('=') {
                // A requirement has a second sign or a version behind the first; a key is one word.
                Some((key, value))
                    if !value.starts_with('=') && !key.contains([' ', '<', '>', '!', '~', '"', '[', '@', ':'])
                        || plain.split_once(" = ").is_some_and(|(k, _)| !k.trim().contains(['@', '<', '>'])) =>
                {
                    (key.trim().trim_matches('"'), value.trim())
                }
                _ => (list.as_str(), plain),
            };
            if let Some(what) = project_line(&section, key, value) {
                scan.state(view, at, line.len() as u64, Fact::PackageSource { what, line: crate::secret::masked(plain) });
            }
            let key = key.to_string();
            list = key;
        }
        at += line.len() as u64 + 1;
    }
    super::secrets::inspect(view, scan)?;
    super::plain::hidden(view, scan)
}

/// Where the value of a key sends an installer.
fn project_line(section: &str, key: &str, value: &str) -> Option<&'static str> {
    // Addresses for people.
    if section.ends_with("urls") {
        return None;
    }
    let quoted: Vec<&str> = value.split(['"', '\'']).skip(1).step_by(2).collect();
    let texts = if quoted.is_empty() { vec![value] } else { quoted };
    if matches!(key, "trusted-host" | "trusted_host" | "allow-insecure-host") && !texts.iter().all(|t| t.is_empty()) {
        return Some("trusted-host");
    }
    if INDEX_KEYS.contains(&key) || key == "url" && INDEX_SECTIONS.contains(&section) {
        return texts.iter().find_map(|t| source(&format!("--index-url {t}")));
    }
    // `name = { git = "https://…" }`, and lock files that say the same over several lines.
    let depends = section.contains("dependencies")
        || section.contains("packages")
        || section.starts_with("tool.uv.sources")
        || section == "package.source"
        || section.contains("dependency-groups");
    let from = |word: &str| {
        let (_, rest) = value.split_once(word)?;
        let rest = rest.trim_start().strip_prefix('=')?.trim_start();
        rest.strip_prefix(['"', '\''])?.split(['"', '\'']).next()
    };
    if depends && value.starts_with('{') {
        if let Some(address) = from("git").or_else(|| from("hg")) {
            return source(&format!("git+{address}"));
        }
        if let Some(address) = from("url").or_else(|| from("file")) {
            return source(&format!("{address}#egg=x"));
        }
        return from("path").map(|_| "path");
    }
    if section == "package.source" && key == "url" {
        return texts.first().and_then(|t| source(&format!("{t}#egg=x")));
    }
    texts.iter().find_map(|t| source(t.trim()).filter(|what| *what != "path" || depends))
}

/// What the quoted texts of a `setup.py` send an installer to; what the file does besides is read as Python.
pub fn in_setup(view: View<'_>, source_text: &[u8], scan: &mut Scan<'_>) {
    let text = String::from_utf8_lossy(source_text);
    // A call of it, in whatever depth; a program that writes such scripts mentions one in its texts.
    let calls = |l: &str| ["setup(", "setuptools.setup(", "core.setup(", "distutils.core.setup("].iter().any(|c| l.trim_start().starts_with(c));
    if !text.lines().any(calls) || !(text.contains("setuptools") || text.contains("distutils")) {
        return;
    }
    let mut at = 0u64;
    for line in source_text.split(|b| *b == b'\n') {
        let words = String::from_utf8_lossy(line);
        let links = words.contains("dependency_links");
        for quoted in words.split(['"', '\'']).skip(1).step_by(2) {
            let what =
                if links && quoted.contains("://") { source(&format!("--find-links {quoted}")) } else { source(quoted.trim()).filter(|what| *what != "path") };
            if let Some(what) = what {
                scan.state(view, at, line.len() as u64, Fact::PackageSource { what, line: crate::secret::masked(words.trim()) });
            }
        }
        at += line.len() as u64 + 1;
    }
}

/// What a value of a conda environment, or of another list in YAML, sends an installer to: channels with addresses of their own, and
/// the lines that pip is given.
pub fn listed(key: &str, value: &str) -> Option<&'static str> {
    let value = value.trim();
    match key {
        "channels" | "default_channels" if value.contains("://") => source(&format!("--index-url {value}")),
        "index_url" | "extra_index_url" | "find_links" => source(&format!("--index-url {value}")),
        "trusted_host" if !value.is_empty() => Some("trusted-host"),
        "pip" | "packages" | "dependencies" | "build_dependencies" | "python_packages" | "pip_args" | "requirements" | "install_requires" | "run" => {
            source(value)
        }
        _ => None,
    }
}

/// Hosts that publish what the registry's packages are built from, and the registries themselves.
const KNOWN: &[&str] = &[
    "pypi.org", "files.pythonhosted.org", "download.pytorch.org", "github.com", "raw.githubusercontent.com", "huggingface.co", "pypi.nvidia.com",
    "pypi.ngc.nvidia.com", "storage.googleapis.com", "data.pyg.org", "conda.anaconda.org", "pypi.anaconda.org", "repo.anaconda.com", "repo.prefix.dev",
    "gitlab.com", "flashinfer.ai", "test.pypi.org", "wheels.vllm.ai", "pypi.python.org", "mirrors.aliyun.com", "pypi.tuna.tsinghua.edu.cn",
];

/// Where a line sends the installer, if that is not the registry.
pub fn source(line: &str) -> Option<&'static str> {
    let host = host(line);
    let known = host.is_some_and(|h| KNOWN.contains(&h) || h.ends_with(".download.pytorch.org"));
    let line = line.trim_start();
    let index = ["--index-url", "--extra-index-url", "-i ", "-ihttp", "--find-links", "-f ", "-fhttp"].iter().any(|o| line.starts_with(o));
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
    if address(line.strip_prefix("-e ").or_else(|| line.strip_prefix("--editable ")).unwrap_or(line).trim_start()) {
        return if line.contains("http://") {
            Some("plain-address")
        } else if known {
            Some("address")
        } else {
            Some("other-address")
        };
    }
    // Another list, which the one who holds the address may change.
    if ["-r ", "-c ", "--requirement ", "--constraint "].iter().any(|o| line.starts_with(o)) && host.is_some() && !known {
        return Some(if line.contains("http://") { "plain-address" } else { "other-address" });
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

    #[test]
    fn projects_and_where_they_send() {
        let stated = |text: &str| {
            let report = crate::scan(&text.as_bytes().to_vec(), "pyproject.toml", crate::Lang::En);
            assert_eq!(report.formats, ["project"], "{text}");
            report.findings.into_iter().map(|f| f.rule).collect::<Vec<_>>()
        };
        let good = "[build-system]\nrequires = [\"setuptools>=61\", \"wheel\"]\nbuild-backend = \"setuptools.build_meta\"\n\n[project]\nname = \"m\"\nreadme = \"README.md\"\ndependencies = [\n    \"torch>=2.0\",\n    \"numpy\",\n]\n\n[project.urls]\nHomepage = \"https://example.org/m\"\n";
        assert!(stated(good).is_empty());
        assert_eq!(stated(&good.replace("\"numpy\"", "\"numpy @ https://evil.host/numpy.whl\"")), ["WS652"]);
        assert_eq!(stated(&good.replace("\"wheel\"", "\"wheel @ git+https://github.com/pypa/wheel\"")), ["WS653"]);
        assert_eq!(stated("[tool.poetry]\nname = \"m\"\n\n[[tool.poetry.source]]\nname = \"x\"\nurl = \"https://evil.host/simple\"\n"), ["WS651"]);
        assert_eq!(stated("[tool.poetry.dependencies]\nx = { git = \"https://evil.host/x.git\", rev = \"main\" }\n"), ["WS652"]);
        assert_eq!(stated("[[source]]\nurl = \"https://pypi.org/simple\"\nverify_ssl = true\n\n[packages]\nrequests = \"*\"\n"), Vec::<String>::new());
        assert_eq!(stated("[metadata]\nname = m\n\n[options]\ninstall_requires =\n    torch>=2\n    evil @ http://evil.host/e.tar.gz\n"), ["WS652"]);
        assert_eq!(stated("[global]\nextra-index-url = https://evil.host/simple\n"), ["WS651"]);
    }

    #[test]
    fn lists_in_yaml() {
        assert_eq!(listed("channels", "conda-forge"), None);
        assert_eq!(listed("channels", "https://evil.host/channel"), Some("other-index"));
        assert_eq!(listed("channels", "https://conda.anaconda.org/conda-forge"), None);
        assert_eq!(listed("pip", "--extra-index-url https://evil.host/simple"), Some("other-index"));
        assert_eq!(listed("pip", "git+https://evil.host/x"), Some("other-address"));
        assert_eq!(listed("pip", "mlflow==2.9"), None);
        assert_eq!(listed("dependencies", "python=3.10"), None);
    }
}
