//! skops (<https://skops.readthedocs.io>, `skops/io`): a ZIP with `schema.json`, a tree of nodes that each name a loader, a module and a
//! class, and arrays as `.npy` members.
//!
//! Loading walks the tree: object nodes make objects, function nodes fetch functions, operator and method nodes look attributes up.
//! Its user checks types beforehand, and the file has made that check look at something else (CVE-2025-54412, CVE-2025-54413).

use super::json::{Event, Reader};
use super::zip::{self, Archive};
use super::{Format, Match};
use crate::bytes::View;
use crate::error::{Error, Result};
use crate::fact::{Fact, Use};
use crate::scan::Scan;
use std::collections::HashSet;

/// Scikit-learn models in skops' format.
pub const SKOPS: Format = Format { id: "skops", name: "skops", extensions: &["skops"], refines: &["zip"], probe, read };

/// Bytes of one text of the schema that are kept.
const KEEP: usize = 4096;

/// Different types that are stated.
const TYPES: usize = 100_000;

fn probe(view: View<'_>) -> Match {
    let schema = zip::any_member(view, |n| n == "schema.json");
    // A folder of arrays beside it, or nothing else: `schema.json` is an ordinary name.
    if schema && !zip::any_member(view, |n| n != "schema.json" && !n.ends_with(".npy") && !n.ends_with(".bin") && !n.ends_with(".npz")) {
        Match::Sure
    } else {
        Match::No
    }
}

fn read(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    let archive = Archive::open(view, scan)?;
    for n in 0..archive.len() {
        let name = archive.entry(n)?.name;
        let mut by = |inner: View<'_>, scan: &mut Scan<'_>| schema(inner, scan);
        let is_schema = name == "schema.json";
        // Bytes of `bytes` and `bytearray` objects are data for somebody else.
        archive.member(n, scan, name.ends_with(".bin"), is_schema.then_some(&mut by as _))?;
    }
    Ok(())
}

/// An open object of the schema.
#[derive(Default)]
struct Node {
    key: String,
    at: u64,
    object: bool,
    loader: Option<String>,
    module: Option<String>,
    class: Option<String>,
    /// Fields of the node's content, for nodes that keep names there.
    function: Option<(String, String)>,
    method: Option<String>,
    owner: Option<(String, String)>,
    inner: Option<(String, String)>,
    path: (Option<String>, Option<String>),
    seen: u8,
}

fn schema(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    scan.kind("skops schema");
    let mut r = Reader::new(view, 0, view.len(), KEEP);
    let mut open: Vec<Node> = Vec::new();
    let mut key = String::new();
    let mut stated = HashSet::new();
    while let Some(event) = r.advance()? {
        match event {
            Event::Object | Event::Array => {
                open.push(Node { key: std::mem::take(&mut key), at: r.start(), object: event == Event::Object, ..Node::default() });
            }
            Event::Key => key = r.text().chars().take(256).collect(),
            Event::Close => {
                let Some(node) = open.pop() else {
                    return Err(Error::malformed(r.start(), "json-syntax"));
                };
                close(view, node, open.last_mut(), r.at(), &mut stated, scan);
            }
            Event::String | Event::Number => {
                let (text, top) = (r.text().into_owned(), open.len() == 1);
                field(view, &r, open.last_mut(), &std::mem::take(&mut key), text, top, scan);
            }
            Event::Bool(_) | Event::Null => key.clear(),
        }
    }
    Ok(())
}

fn field(view: View<'_>, r: &Reader<'_>, node: Option<&mut Node>, key: &str, text: String, top: bool, scan: &mut Scan<'_>) {
    let Some(node) = node.filter(|n| n.object) else {
        return;
    };
    let (slot, bit) = match key {
        "__loader__" => (&mut node.loader, 1),
        "__module__" => (&mut node.module, 2),
        "__class__" => (&mut node.class, 4),
        "module_path" => (&mut node.path.0, 8),
        "function" => (&mut node.path.1, 16),
        "func" => (&mut node.method, 32),
        "protocol" | "_skops_version" if top => {
            scan.state(view, r.start(), r.len(), Fact::Metadata { key: key.to_string(), value: text });
            return;
        }
        "file" => {
            if super::json::leaves_folder(&text) {
                scan.state(view, r.start(), r.len(), Fact::Traversal { target: text });
            }
            return;
        }
        _ => return,
    };
    // Of equal keys Python takes the last; no library writes two.
    if node.seen & bit != 0 {
        scan.state(view, r.start(), r.len(), Fact::Header { what: "duplicate-key", detail: key.to_string(), memory: false });
    }
    node.seen |= bit;
    *slot = Some(text);
}

/// Judges nothing: says what the loader of a node that ends resolves.
fn close(view: View<'_>, node: Node, parent: Option<&mut Node>, end: u64, stated: &mut HashSet<(String, String, String)>, scan: &mut Scan<'_>) {
    let named = node.module.clone().zip(node.class.clone());
    if let Some(parent) = parent {
        match node.key.as_str() {
            // The content of a node tells its parent what it holds.
            "content" if node.loader.is_none() => {
                parent.function = node.path.0.clone().zip(node.path.1.clone());
                parent.method = node.method.clone().or(parent.method.take());
                parent.owner = node.owner.clone();
                parent.inner = named.clone();
            }
            "obj" => {
                // A type node stands for the type that it holds.
                let own = named.clone();
                parent.owner = if node.loader.as_deref() == Some("TypeNode") { node.inner.clone().or(own) } else { own };
            }
            _ => {}
        }
    }
    let Some(loader) = node.loader else { return };
    let Some((module, class)) = named else {
        scan.state(view, node.at, 1, Fact::Header { what: "skops-node", detail: loader, memory: false });
        return;
    };
    let (at, len) = (node.at, end.saturating_sub(node.at).min(4096));
    let mut import = |module: &str, name: &str, called: bool, built: bool, scan: &mut Scan<'_>| {
        if stated.len() >= TYPES {
            scan.gap("limit-imports");
        } else if stated.insert((loader.clone(), module.to_string(), name.to_string())) {
            // Objects are made by their class's `__new__` alone.
            let made = called && loader == "ObjectNode";
            // What an operator's function is handed is not looked at.
            let wraps = (loader == "OperatorFuncNode").then(|| ("?".into(), "…".into())).into_iter().collect();
            scan.state(
                view,
                at,
                len,
                Fact::Import { module: module.to_string(), name: name.to_string(), usage: Use { called: called && !made, made, built }, wraps },
            );
            if called {
                scan.state(view, at, len, Fact::Call { module: module.to_string(), name: name.to_string(), text: format!("{module}.{name}(…)") });
            }
        }
    };
    match loader.as_str() {
        // Plain containers and numbers: the loader makes what its own name says.
        "JsonNode"
        | "TupleNode"
        | "ListNode"
        | "SetNode"
        | "SliceNode"
        | "BytesNode"
        | "BytearrayNode"
        | "RandomStateNode"
        | "RandomGeneratorNode"
        | "CachedNode"
        | "SparseMatrixNode"
        | "DefaultDictNode"
        | "DatetimeTimedeltaNode" => {
            if module != "builtins" {
                import(&module, &class, false, false, scan);
            }
        }
        "DictNode" | "NdArrayNode" | "MaskedArrayNode" | "DTypeNode" | "TypeNode" => {
            import(&module, &class, false, false, scan);
            if let Some((module, class)) = node.inner {
                import(&module, &class, false, false, scan);
            }
        }
        "FunctionNode" => match node.function {
            Some((module, function)) => import(&module, &function, false, false, scan),
            None => import(&module, &class, false, false, scan),
        },
        "PartialNode" => {
            // What it wraps is a node of its own.
            if (module.as_str(), class.as_str()) != ("functools", "partial") {
                import(&module, &class, true, false, scan);
            }
        }
        "MethodNode" => {
            let method = node.method.unwrap_or_default();
            if method.starts_with("__") {
                scan.state(view, at, len, Fact::SpecialKey { key: method.clone() });
            }
            if let Some((owner, owner_class)) = node.owner
                && (owner != module || owner_class != class)
            {
                scan.state(view, at, len, Fact::Confused { shown: format!("{module}.{class}"), loaded: format!("{owner}.{owner_class}.{method}") });
                import(&owner, &format!("{owner_class}.{method}"), false, false, scan);
            } else {
                import(&module, &class, false, false, scan);
            }
        }
        "OperatorFuncNode" => {
            if !matches!(module.as_str(), "operator" | "_operator") {
                scan.state(view, at, len, Fact::Confused { shown: format!("{module}.{class}"), loaded: format!("operator.{class}") });
            }
            // Getters of items and attributes are what scorers and transformers keep; nothing is called.
            if !matches!(class.as_str(), "itemgetter" | "attrgetter") {
                import("operator", &class, true, false, scan);
            }
        }
        "ObjectNode" => import(&module, &class, true, true, scan),
        // Nodes of trees, losses and everything else that is rebuilt from constructor arguments.
        _ => import(&module, &class, true, false, scan),
    }
}

#[cfg(test)]
mod tests {
    use crate::{Lang, Verdict};
    use std::io::Write;

    fn verdict(schema: &str) -> Verdict {
        let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        zip.start_file("schema.json", zip::write::SimpleFileOptions::default()).expect("in memory");
        zip.write_all(schema.as_bytes()).expect("in memory");
        let bytes = zip.finish().expect("in memory").into_inner();
        crate::scan(&bytes, "m.skops", Lang::En).verdict
    }

    fn node(class: &str, module: &str, loader: &str, rest: &str) -> String {
        format!(r#"{{"__class__":"{class}","__module__":"{module}","__loader__":"{loader}"{rest},"__id__":1,"protocol":2,"_skops_version":"0.11.0"}}"#)
    }

    #[test]
    fn what_nodes_resolve() {
        for good in [
            node("StandardScaler", "sklearn.preprocessing._data", "ObjectNode", r#","content":null"#),
            node("log1p", "numpy", "FunctionNode", ""),
            node("itemgetter", "operator", "OperatorFuncNode", ""),
            node(
                "StandardScaler",
                "sklearn.preprocessing._data",
                "MethodNode",
                r#","content":{"func":"transform","obj":{"__class__":"StandardScaler","__module__":"sklearn.preprocessing._data","__loader__":"ObjectNode"}}"#,
            ),
        ] {
            assert_eq!(verdict(&good), Verdict::Clear, "{good}");
        }
        for bad in [
            node("system", "posix", "ObjectNode", ""),
            node("system", "posix", "TypeNode", ""),
            node("f", "x", "FunctionNode", r#","content":{"module_path":"os","function":"system"}"#),
            node("methodcaller", "sklearn.linear_model", "OperatorFuncNode", ""),
            node(
                "StandardScaler",
                "sklearn.preprocessing._data",
                "MethodNode",
                r#","content":{"func":"run","obj":{"__class__":"Popen","__module__":"subprocess","__loader__":"ObjectNode"}}"#,
            ),
            node(
                "StandardScaler",
                "sklearn.preprocessing._data",
                "MethodNode",
                r#","content":{"func":"__globals__","obj":{"__class__":"StandardScaler","__module__":"sklearn.preprocessing._data","__loader__":"ObjectNode"}}"#,
            ),
        ] {
            assert_eq!(verdict(&bad), Verdict::Dangerous, "{bad}");
        }
    }
}
