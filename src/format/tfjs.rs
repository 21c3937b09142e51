//! TensorFlow.js: `model.json` with a graph or Keras layers, and numbers in shards beside it (`tfjs-core/src/io/types.ts`). Before version 1 the list of shards was
//! a file of its own, `weights_manifest.json`, and still is where only weights are loaded.
//!
//! A graph's operators are TensorFlow's; layers are Keras's and are read as those of a `config.json`.

use super::graph::Operators;
use super::json::{self, Event, Reader};
use super::{Format, Match};
use crate::bytes::View;
use crate::error::Result;
use crate::fact::{Fact, OperatorText, Tensor};
use crate::scan::Scan;

/// `model.json`.
pub const TFJS: Format = Format { id: "tfjs", name: "TensorFlow.js", extensions: &["json"], refines: &["text", "json", "keras-config"], probe, read };

/// The size that the converter gives every shard but the last of a group.
const SHARD: u64 = 4 << 20;

/// Keys, names and texts are kept up to this length.
const KEEP: usize = 4096;

/// Levels of a path that are kept; nodes of functions stand at the seventh.
const LEVELS: usize = 12;

/// Shards of one group that are kept.
const SHARDS: usize = 100_000;

/// Both of the keys that only these files have, or one that says which kind it is, in the beginning of a JSON text.
fn probe(view: View<'_>) -> Match {
    if (json::JSON.probe)(view) == Match::No {
        return Match::No;
    }
    let Ok(head) = view.head(64 * 1024) else { return Match::No };
    let holds = |word: &[u8]| head.windows(word.len()).any(|w| w == word);
    let topology = holds(b"\"modelTopology\"");
    let alone = || {
        head.iter().find(|b| !b.is_ascii_whitespace()) == Some(&b'[')
            && holds(b"\"weights\"")
            && holds(b"\"shape\"")
            && holds(b"\"dtype\"")
            && holds(b"\"paths\"")
    };
    if topology
        && (holds(b"\"weightsManifest\"")
            || holds(b"\"graph-model\"")
            || holds(b"\"layers-model\"")
            || holds(b"\"convertedBy\"")
            || holds(b"\"model_config\"")
            || holds(b"\"node\""))
        || holds(b"\"weightsManifest\"")
        || alone()
    {
        Match::Sure
    } else {
        Match::No
    }
}

/// One group of the manifest: tensors that lie behind each other in the shards.
#[derive(Default)]
struct Group {
    paths: Vec<(String, u64, u64)>,
    bytes: u64,
}

/// A node or a tensor while its fields come by, in any order.
#[derive(Default)]
struct Open {
    name: String,
    op: String,
    dtype: String,
    stored: String,
    shape: Vec<u64>,
    texts: Vec<OperatorText>,
    at: u64,
}

fn read(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    json::read(view, scan)?;
    let mut reader = Reader::new(view, 0, view.len(), KEEP);
    let mut path: Vec<String> = Vec::new();
    let mut operators = Operators::new("tensorflow");
    // TensorFlow.js' own, into which its converter folds others.
    for own in ["FusedDepthwiseConv2dNative", "Prelu"] {
        operators.define("", own);
    }
    let mut open = Open::default();
    let mut group = Group::default();
    while let Some(event) = reader.advance()? {
        let depth = reader.depth();
        match event {
            Event::Object | Event::Array => {
                // A list has no keys: its elements stand under an empty one.
                path.truncate(depth.saturating_sub(1).min(LEVELS));
                if depth <= LEVELS {
                    path.push(String::new());
                }
                if event == Event::Object && (is_node(&path) || is_tensor(&path)) {
                    open = Open { at: reader.start(), ..Open::default() };
                }
            }
            Event::Close => {
                if depth < LEVELS {
                    path.truncate(depth + 1);
                    if is_node(&path) && !open.op.is_empty() {
                        operators.add("", &open.op, open.at, 16, std::mem::take(&mut open.texts));
                        open = Open::default();
                    } else if is_tensor(&path) && !open.name.is_empty() {
                        tensor(view, std::mem::take(&mut open), &mut group, scan);
                    } else if manifest(&path).is_some_and(|below| below.len() == 2) {
                        shards(view, std::mem::take(&mut group), scan);
                    }
                }
                path.truncate(depth);
            }
            Event::Key => {
                if let Some(last) = depth.checked_sub(1).and_then(|d| path.get_mut(d)) {
                    *last = reader.text().into_owned();
                }
            }
            _ => value(&reader, event, &path, &mut open, &mut group, &mut operators),
        }
    }
    operators.finish(view, scan);
    Ok(())
}

/// Whether a path is an element of a list of nodes: `node` of the graph, `nodeDef` or `node_def` of one of its functions.
fn is_node(path: &[String]) -> bool {
    matches!(path, [.., list, _, _] if matches!(list.as_str(), "node" | "nodeDef" | "node_def")) && path.iter().any(|k| k == "modelTopology")
}

/// What a path is below the list of groups: under its key, or in a file that is only this list.
fn manifest(path: &[String]) -> Option<&[String]> {
    match path.split_first()? {
        (first, below) if first == "weightsManifest" => Some(below),
        (first, _) => first.is_empty().then_some(path),
    }
}

/// Whether a path is an element of a group's `weights`.
fn is_tensor(path: &[String]) -> bool {
    matches!(manifest(path), Some([_, weights, _, _]) if weights == "weights")
}

fn value(reader: &Reader<'_>, event: Event, path: &[String], open: &mut Open, group: &mut Group, operators: &mut Operators) {
    let text = || reader.text().into_owned();
    let string = event == Event::String;
    match path {
        [.., list, _, key] if string && matches!(list.as_str(), "node" | "nodeDef" | "node_def") => match key.as_str() {
            "op" => open.op = text(),
            "name" => open.name = text(),
            _ => {}
        },
        // A text among a node's attributes, in Base64.
        [.., list, _, attr, key, s] if string && s == "s" && attr == "attr" && matches!(list.as_str(), "node" | "nodeDef" | "node_def") => {
            if let Some(bytes) = super::keras::base64(reader.text().as_bytes())
                && let Ok(value) = String::from_utf8(bytes)
                && !value.is_empty()
                && open.texts.len() < 16
            {
                open.texts.push(OperatorText { key: key.clone(), value });
            }
        }
        // A function of the graph: who calls it needs nobody else.
        [.., list, _, signature, key] if string && list == "function" && signature == "signature" && key == "name" => operators.define("", &text()),
        _ => listed(reader, string, manifest(path).unwrap_or_default(), open, group),
    }
}

/// A value in the list of groups.
fn listed(reader: &Reader<'_>, string: bool, path: &[String], open: &mut Open, group: &mut Group) {
    let text = || reader.text().into_owned();
    match path {
        [_, weights, _, key] if weights == "weights" && string => match key.as_str() {
            "name" => open.name = text(),
            "dtype" => open.dtype = text(),
            _ => {}
        },
        [_, weights, _, quantization, key] if weights == "weights" && quantization == "quantization" && key == "dtype" && string => open.stored = text(),
        [_, weights, _, shape, _] if weights == "weights" && shape == "shape" && open.shape.len() < 64 => open.shape.extend(reader.integer()),
        [_, paths, _] if paths == "paths" && string && group.paths.len() < SHARDS => group.paths.push((text(), reader.start(), reader.len())),
        _ => {}
    }
}

/// Name, and bytes of one element as it is stored; texts have no fixed size.
fn element(dtype: &str) -> (&str, Option<u64>) {
    match dtype {
        "float32" => ("F32", Some(4)),
        "float16" => ("F16", Some(2)),
        "int32" => ("I32", Some(4)),
        "uint16" => ("U16", Some(2)),
        "uint8" => ("U8", Some(1)),
        "bool" => ("BOOL", Some(1)),
        "complex64" => ("C64", Some(8)),
        other => (other, None),
    }
}

fn tensor(view: View<'_>, open: Open, group: &mut Group, scan: &mut Scan<'_>) {
    let stored = if open.stored.is_empty() { &open.dtype } else { &open.stored };
    let (dtype, size) = element(stored);
    let bytes = open.shape.iter().try_fold(1u64, |n, d| n.checked_mul(*d)).zip(size).and_then(|(n, size)| n.checked_mul(size));
    // Without the size of one the place of the others is not known.
    group.bytes = bytes.map_or(u64::MAX, |b| group.bytes.saturating_add(b));
    scan.state(view, open.at, 16, Fact::Tensor(Tensor { name: open.name, dtype: dtype.to_string(), shape: open.shape, bytes: bytes.unwrap_or(0) }));
}

/// States the shards of a group, with how many bytes each must have where that is known: one has all, several have the converter's size.
fn shards(view: View<'_>, group: Group, scan: &mut Scan<'_>) {
    let count = group.paths.len() as u64;
    let known = group.bytes < 1 << 50 && (count == 1 || group.bytes.div_ceil(SHARD) == count);
    for (i, (target, at, len)) in group.paths.into_iter().enumerate() {
        if json::leaves_folder(&target) {
            scan.state(view, at, len, Fact::Traversal { target });
            continue;
        }
        let before = SHARD.saturating_mul(i as u64);
        let end = match (known, count) {
            (false, _) => 0,
            (true, 1) => group.bytes,
            (true, _) => group.bytes.saturating_sub(before).min(SHARD),
        };
        scan.state(view, at, len, Fact::ExternalFile { target: target.trim_start_matches("./").to_string(), end });
    }
}

#[cfg(test)]
mod tests {
    use crate::{Lang, Verdict, conclude, scan};

    fn model(op: &str, path: &str) -> String {
        format!(
            "{{\"format\": \"graph-model\", \"modelTopology\": {{\"node\": [{{\"name\": \"x\", \"op\": \"Placeholder\", \"attr\": {{\"dtype\": {{\"type\": \"DT_FLOAT\"}}}}}}], \"library\": {{\"function\": [{{\"signature\": {{\"name\": \"f\"}}, \"nodeDef\": [{{\"name\": \"y\", \"op\": \"{op}\", \"attr\": {{}}}}]}}]}}}}, \"weightsManifest\": [{{\"paths\": [\"{path}\"], \"weights\": [{{\"name\": \"w\", \"shape\": [2, 3], \"dtype\": \"float32\"}}]}}]}}"
        )
    }

    fn verdict(op: &str, path: &str) -> Verdict {
        let report = scan(&model(op, path).into_bytes(), "model.json", Lang::En);
        assert_eq!(report.formats, ["tfjs"]);
        assert_eq!((report.tensors.count, report.tensors.parameters), (1, 6));
        report.verdict
    }

    #[test]
    fn operators_of_graphs_and_functions_are_tensorflow_s() {
        assert_eq!(verdict("MatMul", "group1-shard1of1.bin"), Verdict::Clear);
        assert_eq!(verdict("WriteFile", "group1-shard1of1.bin"), Verdict::Dangerous);
        assert_eq!(verdict("MyOwnOp", "group1-shard1of1.bin"), Verdict::Suspicious);
        assert_eq!(verdict("MatMul", "../../x.bin"), Verdict::Dangerous);
    }

    #[test]
    fn shards_are_compared_with_what_they_must_hold() {
        let shard = |bytes: usize| {
            let files = vec![scan(&model("MatMul", "a.bin").into_bytes(), "m/model.json", Lang::En), scan(&vec![7u8; bytes], "m/a.bin", Lang::En)];
            conclude(files, Lang::En).verdict
        };
        assert_eq!(shard(24), Verdict::Clear);
        assert_eq!(shard(20), Verdict::Suspicious);
    }
}
