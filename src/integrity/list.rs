//! What digests come written in. One text may mix the ways; what is none of them is counted and not guessed at.

use crate::text::printable;
use serde::{Deserialize, Serialize};

/// Entries of one text that are kept.
pub const MANY: usize = 100_000;

/// An algorithm, told by its name or by how long its digests are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Algorithm {
    /// 128 bits. Files of the same digest are made in seconds.
    Md5,
    /// 160 bits. Files of the same digest have been made (SHAttered, 2017). Also the length of a git object id.
    Sha1,
    /// 256 bits.
    Sha256,
    /// 384 bits.
    Sha384,
    /// 512 bits.
    Sha512,
    /// Any other that is named: BLAKE2, BLAKE3, SHA-3 ….
    Other,
    /// Hash of a git object: over a header and the bytes.
    Git,
}

impl Algorithm {
    /// By name, however it is written.
    pub fn of_name(name: &str) -> Option<Algorithm> {
        let name: String = name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
        Some(match name.as_str() {
            "md5" => Algorithm::Md5,
            "sha1" => Algorithm::Sha1,
            "sha256" | "sha2256" => Algorithm::Sha256,
            "sha384" => Algorithm::Sha384,
            "sha512" => Algorithm::Sha512,
            "sha224" | "sha3" | "sha3256" | "sha3512" | "blake2" | "blake2b" | "blake2s" | "blake2b512" | "blake2s256" | "blake3" | "b3" | "sha512256"
            | "sha512224" | "rmd160" | "ripemd160" | "crc32" | "xxh64" | "xxh128" | "sm3" | "whirlpool" => Algorithm::Other,
            _ => return None,
        })
    }

    /// By the number of hexadecimal digits, as tools without a name write it.
    fn of_length(digits: usize) -> Option<Algorithm> {
        Some(match digits {
            32 => Algorithm::Md5,
            40 => Algorithm::Sha1,
            56 => Algorithm::Other,
            64 => Algorithm::Sha256,
            96 => Algorithm::Sha384,
            128 => Algorithm::Sha512,
            _ => return None,
        })
    }

    /// Hexadecimal digits of its digests; `None` where they differ.
    fn digits(self) -> Option<usize> {
        Some(match self {
            Algorithm::Md5 => 32,
            Algorithm::Sha1 | Algorithm::Git => 40,
            Algorithm::Sha256 => 64,
            Algorithm::Sha384 => 96,
            Algorithm::Sha512 => 128,
            Algorithm::Other => return None,
        })
    }
}

/// One entry: these bytes should be there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
pub struct Listed {
    /// The file's name as written, separators as `/`; empty for a digest alone.
    pub name: String,
    /// Algorithm.
    pub algorithm: Algorithm,
    /// Digest, lower-case hexadecimal.
    pub digest: String,
    /// Size in bytes, where the list says it.
    #[serde(default)]
    pub size: Option<u64>,
}

fn hexadecimal(text: &str) -> Option<String> {
    (text.len() >= 8 && text.len().is_multiple_of(2) && text.bytes().all(|b| b.is_ascii_hexdigit())).then(|| text.to_ascii_lowercase())
}

/// Base64 of a digest, as subresource integrity and OCI-like tools write it.
fn base64(text: &str) -> Option<String> {
    crate::base64::decode(text.as_bytes(), |_| false).filter(|bytes| bytes.len() <= 64).map(|bytes| crate::digest::hex(&bytes))
}

fn entry(name: &str, algorithm: Algorithm, digest: String) -> Option<Listed> {
    let fits = algorithm.digits().is_none_or(|n| n == digest.len());
    let name = name.trim_matches(['\r', '\n']).replace('\\', "/");
    let name = name.strip_prefix("./").unwrap_or(&name);
    fits.then(|| Listed { name: printable(name, 4096), algorithm, digest, size: None })
}

/// `sha256:HEX`, `sha256-HEX` (names of Ollama's blobs), `sha256-BASE64` (subresource integrity), `SHA256=HEX`.
fn prefixed(text: &str) -> Option<(Algorithm, String)> {
    let at = text.find([':', '=', '-'])?;
    let (mut name, mut digest) = (text.get(..at)?, text.get(at + 1..)?.trim());
    // `SHA-256: …`, `blake2b-512:…`
    if text.as_bytes().get(at) == Some(&b'-')
        && let Some((bits, rest)) = digest.split_once([':', '=', ' '])
        && bits.len() <= 4
        && bits.bytes().all(|b| b.is_ascii_digit())
    {
        name = text.get(..at + 1 + bits.len())?;
        digest = rest.trim_start_matches([':', '=', ' ']);
    }
    let algorithm = Algorithm::of_name(name)?;
    let digest = hexadecimal(digest).or_else(|| base64(digest).filter(|_| digest.len() >= 43))?;
    algorithm.digits().is_none_or(|n| n == digest.len()).then_some((algorithm, digest))
}

/// `SHA256 (name) = HEX` (BSD, and `--tag` of GNU).
fn tagged(line: &str) -> Option<Listed> {
    let (name, rest) = line.split_once(" (")?;
    let (file, digest) = rest.rsplit_once(") = ")?;
    let digest = digest.trim();
    entry(file, Algorithm::of_name(name)?, hexadecimal(digest).or_else(|| base64(digest))?)
}

/// `HEX  name`, `HEX *name`, `\HEX  escaped name` (GNU), and the same with the algorithm in front.
fn plain(line: &str) -> Option<Listed> {
    let (escaped, line) = line.strip_prefix('\\').map_or((false, line), |l| (true, l));
    let (digest, rest) = line.split_once([' ', '\t'])?;
    let (algorithm, digest) = match hexadecimal(digest) {
        Some(digest) => (Algorithm::of_length(digest.len())?, digest),
        None => prefixed(digest)?,
    };
    // One more blank or a star says how the file was read; further blanks belong to the name only where the first is there.
    let name = rest.strip_prefix([' ', '*']).unwrap_or(rest);
    let name = if rest.starts_with(' ') || rest.starts_with('*') { name } else { name.trim_start() };
    let unescaped = name.replace("\\\\", "\u{0}").replace("\\n", "\n").replace("\\r", "\r").replace('\u{0}', "\\");
    let name = if escaped { unescaped.as_str() } else { name };
    if name.trim().is_empty() { entry("", algorithm, digest) } else { entry(name, algorithm, digest) }
}

/// `SHA256   HEX   C:\path` (PowerShell's `Get-FileHash`), `SHA-256 HEX`.
fn columns(line: &str) -> Option<Listed> {
    let (name, rest) = line.split_once([' ', '\t'])?;
    let algorithm = Algorithm::of_name(name.trim_end_matches(':'))?;
    let rest = rest.trim_start();
    let (digest, file) = rest.split_once([' ', '\t']).unwrap_or((rest, ""));
    entry(file.trim(), algorithm, hexadecimal(digest)?)
}

/// `name: HEX`, `name HEX`, `name,HEX`: tables as people write them.
fn turned(line: &str) -> Option<Listed> {
    let (name, digest) = line.trim_end().rsplit_once([' ', '\t', ',', ':', '|'])?;
    let digest = hexadecimal(digest)?;
    let algorithm = Algorithm::of_length(digest.len())?;
    let name = name.trim_end_matches([' ', '\t', ',', ':', '|']);
    let (name, algorithm) = match name.rsplit_once([' ', '\t', ',', ':', '|']) {
        Some((file, called)) if Algorithm::of_name(called).is_some() => (file, Algorithm::of_name(called)?),
        _ => (name, algorithm),
    };
    if Algorithm::of_name(name).is_some() {
        return entry("", Algorithm::of_name(name)?, digest);
    }
    entry(name.trim_matches([' ', '|', '`', ':']), algorithm, digest)
}

/// One line, if it is an entry.
fn line(text: &str) -> Option<Listed> {
    let whole = text.trim();
    let alone = |(algorithm, digest)| entry("", algorithm, digest);
    if let Some(digest) = hexadecimal(whole) {
        return alone((Algorithm::of_length(digest.len())?, digest));
    }
    if let Some(found) = prefixed(whole) {
        return alone(found);
    }
    if let Some(found) = tagged(whole) {
        return Some(found);
    }
    // Written like that, and not fitting its own algorithm: no other reading is meant.
    if whole.contains(") = ") {
        return None;
    }
    plain(text.trim_end()).or_else(|| columns(whole)).or_else(|| turned(whole))
}

/// A pointer of Git LFS: it stands for one file and does not name it.
fn pointer(text: &str) -> Option<Listed> {
    if text.len() > 1024 || !text.starts_with("version https://git-lfs.github.com/spec/") {
        return None;
    }
    let value = |key: &str| text.lines().find_map(|l| l.strip_prefix(key)).map(str::trim);
    let found = entry("", Algorithm::Sha256, hexadecimal(value("oid sha256:")?)?)?;
    Some(Listed { size: value("size ").and_then(|n| n.parse().ok()), ..found })
}

/// The three lines that `huggingface_hub` keeps in `.cache/huggingface/download/NAME.metadata`: commit, etag, time. The etag of a large file is its SHA-256, of a small one its git object id.
fn downloaded(text: &str) -> Option<Listed> {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let [commit, etag, time] = lines.as_slice() else { return None };
    let when = time.len() <= 24 && time.contains('.') && time.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    hexadecimal(commit).filter(|c| c.len() == 40 && when)?;
    let digest = hexadecimal(etag)?;
    let algorithm = if digest.len() == 64 { Algorithm::Sha256 } else { Algorithm::Git };
    entry("", algorithm, digest)
}

/// What a text lists, and how many of its lines could not be understood.
///
/// `path` is where the text was read: the Hugging Face client's notes name their file by their own path.
pub fn parse(text: &str, path: &str) -> (Vec<Listed>, u64) {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if let Some(found) = pointer(text) {
        return (vec![found], 0);
    }
    if let Some(found) = downloaded(text) {
        let name = note_of(path).map_or(String::new(), |(folder, name)| format!("{folder}{name}"));
        return (vec![Listed { name, ..found }], 0);
    }
    let mut out = Vec::new();
    let mut other = 0;
    for text in text.lines() {
        let bare = text.trim();
        // Comments, signatures around a list, headings of a table.
        if bare.is_empty() || bare.starts_with(['#', ';']) || bare.starts_with("-----") || bare.starts_with("Hash: ") {
            continue;
        }
        match line(text) {
            Some(found) if out.len() < MANY => out.push(found),
            _ => other += 1,
        }
    }
    (out, other)
}

/// For a note of the Hugging Face client: the folder of the download and the name of the file in it.
fn note_of(path: &str) -> Option<(&str, &str)> {
    let inside = ".cache/huggingface/download/";
    let at = path.find(inside).filter(|at| *at == 0 || path.as_bytes().get(at - 1) == Some(&b'/'))?;
    let name = path.get(at + inside.len()..)?.strip_suffix(".metadata")?;
    (!name.is_empty()).then(|| (path.get(..at).unwrap_or(""), name))
}

/// Whether a path names a list of digests by the habits of those who publish them.
pub fn is_list_name(path: &str) -> bool {
    if note_of(path).is_some() {
        return true;
    }
    let name = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
    let algorithm = ["sha256", "sha384", "sha512", "sha1", "md5"].iter().any(|a| name.contains(a));
    let list = ["sums", "sum", "checksum", "checksums", "hashes"].iter().any(|w| name.contains(w));
    let ending = name.rsplit_once('.').is_some_and(|(_, e)| {
        matches!(e, "sha256" | "sha384" | "sha512" | "sha1" | "md5" | "sha256sum" | "sha512sum" | "sha1sum" | "md5sum" | "sha256sums" | "sha512sums")
    });
    ending || name.starts_with("checksum") && matches!(name.rsplit_once('.').map_or("", |(_, e)| e), "" | "txt") || algorithm && list
}

/// The folder that the names of a list are relative to, with a `/` at its end, or empty.
pub fn base(path: &str) -> &str {
    if note_of(path).is_some() {
        // Their names are given from the top.
        return "";
    }
    path.rfind('/').and_then(|at| path.get(..=at)).unwrap_or("")
}

/// What a list lists of the files at its side: a list named `model.bin.sha256` with one digest means `model.bin`.
pub fn beside(text: &str, path: &str) -> Vec<Listed> {
    let (mut found, _) = parse(text, path);
    if let ([one], Some((stem, _))) = (found.as_mut_slice(), path.rsplit('/').next().and_then(|n| n.rsplit_once('.')))
        && one.name.is_empty()
    {
        one.name = stem.to_string();
    }
    found.retain(|l| !l.name.is_empty());
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    const MD5: &str = "900150983cd24fb0d6963f7d28e17f72";

    fn one(text: &str) -> Listed {
        let (found, other) = parse(text, "");
        assert_eq!((found.len(), other), (1, 0), "{text:?}: {found:?}");
        found.into_iter().next().expect("one")
    }

    #[test]
    fn every_way_in_which_people_write_digests_is_read() {
        let names = [
            (format!("{A}  model.bin"), "model.bin"),
            (format!("{A} *model.bin\n"), "model.bin"),
            (format!("{A}  a name.bin\r\n"), "a name.bin"),
            (format!("{A}   lead.bin"), " lead.bin"),
            (format!("{A}\tmodel.bin"), "model.bin"),
            (format!("{A}  ./sub/model.bin"), "sub/model.bin"),
            (format!("\\{A}  a\\\\b.bin"), "a/b.bin"),
            (format!("SHA256 (a (1).bin) = {A}"), "a (1).bin"),
            (format!("SHA2-256 (x.bin) = {A}"), "x.bin"),
            (format!("SHA256          {}       C:\\m\\model.bin", A.to_uppercase()), "C:/m/model.bin"),
            (format!("model.bin: {A}"), "model.bin"),
            (format!("| model.bin | {A}"), "model.bin"),
            (format!("sha256:{A}  model.bin"), "model.bin"),
            (A.to_string(), ""),
            (A.to_uppercase(), ""),
            (format!("sha256:{A}"), ""),
            (format!("sha256-{A}"), ""),
            (format!("SHA-256: {A}"), ""),
            (format!("sha256: {A}"), ""),
            ("sha256-ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=".to_string(), ""),
            (format!("# made by hand\n\n{A}  model.bin"), "model.bin"),
        ];
        for (text, name) in names {
            let found = one(&text);
            assert_eq!((found.name.as_str(), found.algorithm, found.digest.as_str()), (name, Algorithm::Sha256, A), "{text:?}");
        }
        assert_eq!(one(&format!("{MD5}  model.bin")).algorithm, Algorithm::Md5);
        assert_eq!(one(&format!("BLAKE2b (model.bin) = {A}{A}")).algorithm, Algorithm::Other);
        assert_eq!(one(&format!("{A}{A}")).algorithm, Algorithm::Sha512);
    }

    #[test]
    fn pointers_and_notes_are_read_whole() {
        let found = one(&format!("version https://git-lfs.github.com/spec/v1\noid sha256:{A}\nsize 12345\n"));
        assert_eq!((found.digest.as_str(), found.size), (A, Some(12345)));
        let text = format!("0123456789abcdef0123456789abcdef01234567\n{A}\n1763000000.123456\n");
        let (found, _) = parse(&text, "models/m/.cache/huggingface/download/sub/model.safetensors.metadata");
        assert_eq!((found[0].name.as_str(), found[0].digest.as_str()), ("models/m/sub/model.safetensors", A));
        let (found, _) = parse(&text.replace(A, "0123456789abcdef0123456789abcdef01234568"), ".cache/huggingface/download/config.json.metadata");
        assert_eq!((found[0].name.as_str(), found[0].algorithm), ("config.json", Algorithm::Git));
    }

    #[test]
    fn what_is_no_digest_is_counted_and_not_guessed_at() {
        for text in ["hello world", "deadbeef", "sha256:xyz", &format!("{A}0  model.bin"), "0123  model.bin", &format!("SHA512 (x) = {A}"), "import os"] {
            assert_eq!(parse(text, ""), (vec![], 1), "{text:?}");
        }
        let hostile = one(&format!("{A}  a\u{1b}[31m\u{202e}b"));
        assert_eq!(hostile.name, "a\\u{1b}[31m\\u{202e}b");
        assert!(parse(&"\u{0}\\ \\\\ (( ) = \n".repeat(100), "").0.is_empty());
    }

    #[test]
    fn lists_are_told_by_their_names() {
        for name in [
            "SHA256SUMS", "m/sha256sum.txt", "checksums.txt", "CHECKSUM", "model.bin.sha256", "md5sums", "checksums_sha256.txt",
            ".cache/huggingface/download/a.bin.metadata",
        ] {
            assert!(is_list_name(name), "{name}");
        }
        for name in ["model.bin", "summary.txt", "checksum.py", "a.metadata", "README.md", "sha256.py", "hashes.bin"] {
            assert!(!is_list_name(name), "{name}");
        }
        assert_eq!(beside(A, "m/model.bin.sha256")[0].name, "model.bin");
        assert!(beside(A, "m/SHA256SUMS").is_empty());
    }
}
