//! Arrays in folders: the metadata of zarr 2 and 3 and N5, and OCDBT, the database that Orbax and TensorStore keep them in.
//!
//! Chunks are numbers behind codecs, and codecs are named in the metadata: numcodecs' `pickle` unpickles every chunk it reads.

use super::json::{self, Event, Reader};
use super::{Format, Match};
use crate::bytes::{Coder, Ending, Pages, Source, Unpacked, View};
use crate::error::{Error, Result};
use crate::fact::{Fact, Tensor};
use crate::scan::Scan;

/// `.zarray`, `.zgroup`, `.zmetadata`, `zarr.json`.
pub const ZARR: Format = Format {
    id: "zarr",
    name: "zarr metadata",
    extensions: &["json", "zarray", "zgroup", "zattrs", "zmetadata"],
    refines: &["json", "text"],
    probe: probe_zarr,
    read: read_zarr,
};

/// Manifests and nodes of OCDBT (<https://google.github.io/tensorstore/kvstore/ocdbt/>).
pub const OCDBT: Format = Format { id: "ocdbt", name: "OCDBT", extensions: &["ocdbt"], refines: &[], probe: probe_ocdbt, read: read_ocdbt };

const MANIFEST: [u8; 4] = [0x0c, 0xdb, 0x3a, 0x2a];
const NODE: [u8; 4] = [0x0c, 0xdb, 0x20, 0xde];
const VERSIONS: [u8; 4] = [0x0c, 0xdb, 0x1b, 0xdc];

/// Bytes of one node; TensorStore writes them up to 8 MB.
const BODY: u64 = 64 << 20;

fn probe_zarr(view: View<'_>) -> Match {
    if !json::looks_like(view) {
        return Match::No;
    }
    let mut r = Reader::new(view, 0, view.len().min(64 * 1024), 64);
    for _ in 0..2000 {
        match r.advance() {
            Ok(Some(Event::Key)) if matches!(r.text().as_ref(), "zarr_format" | "zarr_consolidated_format") && r.depth() <= 3 => {
                return Match::Sure;
            }
            Ok(Some(_)) => {}
            _ => break,
        }
    }
    Match::No
}

/// Codecs of zarr and numcodecs that turn bytes into numbers or texts.
const CODECS: &[&str] = &[
    "adler32", "astype", "base64", "bitround", "blosc", "bytes", "bz2", "cast_value", "categorize", "crc32", "crc32c", "default", "delta", "endian",
    "fixedscaleoffset", "fletcher32", "gzip", "jenkins_lookup3", "json2", "lz4", "lzma", "msgpack2", "n5_wrapper", "packbits", "pcodec", "quantize", "raw",
    "scale_offset", "shuffle", "sharding_indexed", "transpose", "vlen-array", "vlen-bytes", "vlen-utf8", "zfpy", "zlib", "zstd", "bzip2", "xz", "regular",
    "v2",
];

fn read_zarr(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    json::read(view, scan)?;
    let mut r = Reader::new(view, 0, view.len(), 4096);
    // The key that each open container stands under.
    let mut path: Vec<String> = Vec::new();
    let mut key = String::new();
    let mut array: (Option<String>, Vec<u64>, usize) = (None, Vec::new(), 0);
    let mut grid = Grid::default();
    while let Some(event) = r.advance()? {
        match event {
            Event::Object | Event::Array => {
                path.push(std::mem::take(&mut key));
                if path.last().is_some_and(|k| k == "shape") {
                    array.1.clear();
                    array.2 = path.len();
                }
            }
            Event::Close => {
                path.pop();
            }
            Event::Key => key = r.text().chars().take(256).collect(),
            Event::String => {
                let text = r.text().into_owned();
                let codec = key == "id" && path.iter().any(|p| matches!(p.as_str(), "filters" | "compressor" | "object_codec" | "serializer"))
                    || key == "name" && path.iter().any(|p| matches!(p.as_str(), "codecs" | "index_codecs"));
                if codec {
                    grid.foreign |= !state_codec(view, &r, &text, scan);
                } else if matches!(key.as_str(), "dimension_separator" | "separator") && path.len() <= 3 {
                    grid.separator = Some(text.chars().take(1).collect());
                } else if key == "name" && path.last().is_some_and(|p| p == "chunk_key_encoding") {
                    grid.nested = text == "default";
                } else if matches!(key.as_str(), "dtype" | "data_type") {
                    array.0 = Some(text);
                } else if key == "storage_transformers" {
                    scan.state(view, r.start(), r.len(), Fact::OwnCode { kind: "plugin", name: text });
                }
                key.clear();
            }
            Event::Number => {
                if array.2 == path.len() && path.last().is_some_and(|k| k == "shape") && array.1.len() < 64 {
                    array.1.push(r.integer().unwrap_or(0));
                }
                let v2 = path.len() == 2 && path.last().is_some_and(|k| k == "chunks");
                let v3 = path.len() == 4 && path.get(1).is_some_and(|k| k == "chunk_grid") && path.last().is_some_and(|k| k == "chunk_shape");
                if (v2 || v3) && grid.sizes.len() < 64 {
                    grid.sizes.push(r.integer().unwrap_or(0));
                }
                key.clear();
            }
            _ => key.clear(),
        }
    }
    if let (Some(dtype), shape, 1..) = array {
        if shape.iter().chain(&grid.sizes).try_fold(8u64, |n, d| n.checked_mul((*d).max(1))).is_none() || shape.iter().any(|d| *d > 1 << 53) {
            scan.state(view, 0, view.len().min(16), Fact::Header { what: "shape-size", detail: format!("{shape:?}"), memory: true });
        }
        if array.2 == 2 {
            grid.state(view, &dtype, &shape, scan);
        }
        let tensor = Tensor { name: String::new(), dtype, shape, bytes: 0 };
        scan.leaf("array", "tensor", None, Some(format!("{} {:?}", tensor.dtype, tensor.shape)));
        scan.state(view, 0, view.len().min(16), Fact::Tensor(tensor));
    }
    Ok(())
}

/// How an array is cut into files.
#[derive(Default)]
struct Grid {
    sizes: Vec<u64>,
    separator: Option<String>,
    /// Version 3 puts them below `c`.
    nested: bool,
    /// A codec that may do more than unpack numbers.
    foreign: bool,
}

/// Pieces of one array that are named.
const CHUNKS: u64 = 10_000;

impl Grid {
    /// Says which files hold the pieces, where they can hold nothing but numbers.
    fn state(&self, view: View<'_>, dtype: &str, shape: &[u64], scan: &mut Scan<'_>) {
        let Some(width) = width(dtype).filter(|_| !self.foreign && self.sizes.len() == shape.len() && !self.sizes.contains(&0)) else { return };
        let counts: Vec<u64> = shape.iter().zip(&self.sizes).map(|(n, size)| n.div_ceil(*size)).collect();
        let all = counts.iter().try_fold(1u64, |n, c| n.checked_mul(*c)).unwrap_or(u64::MAX);
        let most = self.sizes.iter().fold(width, |n, size| n.saturating_mul(*size));
        let separator = self.separator.as_deref().unwrap_or(if self.nested { "/" } else { "." });
        for n in 0..all.min(CHUNKS) {
            let mut left = n;
            let mut parts: Vec<String> = Vec::new();
            for count in counts.iter().rev() {
                parts.push((left % count).to_string());
                left /= count;
            }
            if self.nested {
                parts.push("c".into());
            } else if parts.is_empty() {
                parts.push("0".into());
            }
            parts.reverse();
            scan.state(view, 0, view.len().min(16), Fact::Chunk { target: parts.join(separator), most });
        }
    }
}

/// Bytes of one element of a type of numbers; `None` for objects and for what is not known.
fn width(dtype: &str) -> Option<u64> {
    let digits: String = dtype.chars().skip_while(|c| !c.is_ascii_digit()).collect();
    let n = digits.parse::<u64>().ok();
    match dtype.trim_start_matches(['<', '>', '|', '=']).chars().next()? {
        'O' => None,
        'U' => n.and_then(|n| n.checked_mul(4)),
        _ if dtype.starts_with(['<', '>', '|', '=']) => n,
        'b' if dtype == "bool" => Some(1),
        // Version 3 names types by their bits.
        _ if ["int", "uint", "float", "bfloat", "complex"].iter().any(|t| dtype.strip_prefix(t).is_some_and(|r| r == digits)) => n.map(|n| n.div_ceil(8)),
        _ => None,
    }
}

/// States a codec that is not one of the plain ones; whether it is.
fn state_codec(view: View<'_>, r: &Reader<'_>, name: &str, scan: &mut Scan<'_>) -> bool {
    let plain = name.trim_start_matches("numcodecs.").trim_start_matches("imagecodecs_").to_ascii_lowercase();
    let kind = if plain == "pickle" || plain.ends_with(".pickle") {
        "codec"
    } else if CODECS.contains(&plain.as_str()) || name.starts_with("imagecodecs_") {
        return true;
    } else {
        "plugin"
    };
    scan.state(view, r.start(), r.len(), Fact::OwnCode { kind, name: name.to_string() });
    false
}

fn probe_ocdbt(view: View<'_>) -> Match {
    match view.array::<4>(0) {
        Ok(MANIFEST | NODE | VERSIONS) => Match::Sure,
        _ => Match::No,
    }
}

/// Nodes one behind the other, with raw values of arrays between them.
fn read_ocdbt(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    let mut at = 0;
    let mut nodes = 0u64;
    while at < view.len() {
        if !matches!(view.array::<4>(at), Ok(MANIFEST | NODE | VERSIONS)) {
            // Values that were too long for a node: chunks of arrays.
            scan.child("values", view.rest(at), true);
            break;
        }
        let len = view.u64(at + 4)?;
        if len < 18 || len > view.len().saturating_sub(at) {
            scan.state(view, at + 4, 8, Fact::Header { what: "node-size", detail: format!("{len} of {}", view.len().saturating_sub(at)), memory: false });
            return Err(Error::malformed(at + 4, "past-end"));
        }
        nodes += 1;
        node(view.slice(at, len)?, at, scan)?;
        at += len;
    }
    scan.note(format!("{nodes} nodes"));
    Ok(())
}

/// One node: its body, decompressed, holds keys and short values. Values that are JSON are the metadata of arrays.
fn node(view: View<'_>, at: u64, scan: &mut Scan<'_>) -> Result<()> {
    let [_, method] = view.array::<2>(12)?;
    let packed = view.slice(14, view.len().saturating_sub(18))?;
    let bytes = match method {
        0 => packed.take(0, packed.len(), BODY as usize)?,
        1 => unpack(packed, scan)?,
        _ => {
            scan.gap("method-unknown");
            return Ok(());
        }
    };
    let pages = crate::bytes::Pages::new(&bytes);
    let body = View::of_inflated(&pages);
    let mut from = 0u64;
    let mut values = 0;
    // What looks like the beginning of a value is read to its end; a body made of beginnings costs no more than a few readings.
    let mut work = 0u64;
    while let Some(open) = bytes.get(from as usize..).and_then(|b| b.windows(2).position(|w| w == b"{\"")) {
        let start = from + open as u64;
        let mut r = Reader::new(body, start, body.len(), 64);
        let mut whole = false;
        while let Ok(Some(_)) = r.advance() {
            if r.depth() == 0 {
                whole = true;
                break;
            }
        }
        work = work.saturating_add(r.at() - start);
        if work > 16 * body.len().max(1 << 16) {
            scan.gap("limit-facts");
            break;
        }
        if whole && values < 10_000 {
            values += 1;
            let len = r.at() - start;
            if let Ok(value) = body.slice(start, len) {
                scan.child(&format!("value {values} of the node at {at}"), value, false);
            }
            from = start + len;
        } else {
            from = start + 2;
        }
    }
    Ok(())
}

fn unpack(packed: View<'_>, scan: &mut Scan<'_>) -> Result<Vec<u8>> {
    let (unpacked, ending) = Unpacked::measure(packed, &[Coder::Zstd], scan.bounds());
    let len = Source::len(&unpacked);
    if ending == Ending::Damaged {
        return Err(Error::malformed(14, "zstd"));
    }
    if ending != Ending::Complete || len > BODY {
        scan.gap("limit-inflated");
    }
    let pages = Pages::new(&unpacked);
    View::of_inflated(&pages).take(0, len.min(BODY), BODY as usize)
}

#[cfg(test)]
mod tests {
    use crate::{Lang, Verdict};

    fn verdict(text: &str) -> Verdict {
        crate::scan(&text.as_bytes().to_vec(), ".zarray", Lang::En).verdict
    }

    #[test]
    fn codecs() {
        let v2 = |filters: &str, compressor: &str| {
            format!(r#"{{"chunks":[2],"compressor":{compressor},"dtype":"<f8","fill_value":null,"filters":{filters},"order":"C","shape":[2],"zarr_format":2}}"#)
        };
        assert_eq!(verdict(&v2("null", r#"{"id":"zstd","level":1}"#)), Verdict::Clear);
        assert_eq!(verdict(&v2(r#"[{"id":"vlen-utf8"}]"#, "null")), Verdict::Clear);
        assert_eq!(verdict(&v2(r#"[{"id":"pickle","protocol":5}]"#, "null")), Verdict::Dangerous);
        assert_eq!(verdict(&v2("null", r#"{"id":"my.codec"}"#)), Verdict::Suspicious);
        let v3 = |codec: &str| {
            format!(r#"{{"zarr_format":3,"node_type":"array","shape":[2],"data_type":"float64","codecs":[{{"name":"bytes"}},{{"name":"{codec}"}}]}}"#)
        };
        assert_eq!(verdict(&v3("gzip")), Verdict::Clear);
        assert_eq!(verdict(&v3("numcodecs.pickle")), Verdict::Dangerous);
    }

    #[test]
    fn values_inside_of_a_node() {
        let node = |value: &str| {
            let mut out = vec![0x0c, 0xdb, 0x20, 0xde];
            let body = [b"\0\0\x01\x07.zarray".as_slice(), value.as_bytes()].concat();
            out.extend_from_slice(&(body.len() as u64 + 18).to_le_bytes());
            out.extend_from_slice(&[0, 0]);
            out.extend(body);
            out.extend_from_slice(&[0; 4]);
            out
        };
        let scan = |bytes: Vec<u8>| crate::scan(&bytes, "d/0", Lang::En).verdict;
        assert_eq!(scan(node(r#"{"chunks":[2],"compressor":null,"dtype":"<f8","filters":null,"shape":[2],"zarr_format":2}"#)), Verdict::Clear);
        assert_eq!(scan(node(r#"{"chunks":[2],"compressor":null,"dtype":"|O","filters":[{"id":"pickle"}],"shape":[2],"zarr_format":2}"#)), Verdict::Dangerous);
        let whole = node("x");
        for n in 4..whole.len() {
            assert_ne!(scan(whole.get(..n).unwrap_or(&[]).to_vec()), Verdict::Clear, "{n}");
        }
    }
}
