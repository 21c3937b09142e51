//! PyTorch's two containers: the ZIP since 1.6 (`caffe2/serialize/inline_container.cc`) and the sequence of pickles before it
//! (`torch/serialization.py`).

use super::pickle::{self, machine::Stop};
use super::python::lex::{Kind, Lexer};
use super::zip::{self, Archive};
use super::{Format, Match};
use crate::bytes::View;
use crate::error::Result;
use crate::fact::Fact;
use crate::scan::Scan;

/// A ZIP with `data.pkl`.
pub const TORCH: Format =
    Format { id: "torch", name: "PyTorch", extensions: &["pt", "pth", "bin", "ckpt", "ptl", "pt2"], refines: &["zip"], probe: probe_zip, read: read_zip };

/// Five pickles and raw storages.
pub const LEGACY: Format = Format {
    id: "torch-legacy",
    name: "PyTorch (before 1.6)",
    extensions: &["pt", "pth", "bin", "ckpt"],
    refines: &["pickle"],
    probe: probe_legacy,
    read: read_legacy,
};

/// Pickle of the long 0x1950A86A20F9469CFC6C, behind the protocol's mark and, since protocol 4, behind a frame's length.
const MAGIC: &[u8] = b"\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.";

/// The same in the protocols 0 and 1, which have no mark.
const MAGIC_AS_TEXT: &[u8] = b"L119547037146038801333356L\n.";

/// torch looks records up without regard to case.
fn is_record(name: &str, record: &str) -> bool {
    let base = name.rsplit(['/', '\\']).next().unwrap_or(name);
    base.eq_ignore_ascii_case(record)
}

fn probe_zip(view: View<'_>) -> Match {
    // torch.save and torch.jit.save, torch.package, torch.export.
    let ours = |n: &str| is_record(n, "data.pkl") || n.ends_with("/.data/extern_modules") || is_record(n, "archive_format");
    if zip::any_member(view, ours) { Match::Sure } else { Match::No }
}

fn read_zip(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    // `torch.distributed.checkpoint` saves one object after the other into a file. Whatever a program finds there is one of them.
    let row = zip::row(view);
    if row.len() > 1 && row.iter().all(|part| probe_zip(*part) == Match::Sure) {
        scan.note(format!("{} archives", row.len()));
        for (n, part) in row.into_iter().enumerate() {
            scan.child(&format!("archive {n}"), part, false);
        }
        return Ok(());
    }
    // torch takes a file for a ZIP by its first four bytes alone; anything else it unpickles from byte 0.
    if !view.has(0, b"PK\x03\x04") {
        scan.state(
            view,
            0,
            4,
            Fact::Header {
                what: "torch-prefix",
                detail: "torch reads this file as a pickle from its first byte, other programs as a ZIP".into(),
                memory: false,
            },
        );
    }
    let archive = Archive::open(view, scan)?;
    let mut keys = std::collections::HashMap::new();
    let mut pickles = Vec::new();
    for n in 0..archive.len() {
        if is_record(&archive.entry(n)?.name, "data.pkl") {
            pickles.push(n);
        }
    }
    for n in &pickles {
        let mut by = |inner: View<'_>, scan: &mut Scan<'_>| -> Result<()> {
            scan.kind("pickle");
            pickle::run_all(inner, 0, scan, |v, at, scan| {
                let mut o = pickle::weigh(v, at, scan)?;
                pickle::torch::describe(&mut o.machine, v, scan);
                for s in std::mem::take(&mut o.machine.torch.storages) {
                    if zip::leaves_folder(&s.key) || s.key.contains('/') {
                        scan.state(v, at, 1, Fact::Traversal { target: s.key.clone() });
                    }
                    keys.insert(s.key, s.elements.saturating_mul(s.size));
                }
                Ok(o.ended())
            })
        };
        archive.member(*n, scan, false, Some(&mut by))?;
    }
    for n in 0..archive.len() {
        if pickles.contains(&n) {
            continue;
        }
        let entry = archive.entry(n)?;
        let mut parts = entry.name.rsplitn(3, '/');
        let (key, folder) = (parts.next().unwrap_or(""), parts.next().unwrap_or(""));
        // torch 1.4 kept its storages in `tensors`, torch.package in `.data`, torch.export in `data/weights`.
        let numbers = matches!(folder, "data" | "constants" | "tensors" | "weights") || key.ends_with(".storage");
        // What lies in `constants` belongs to `constants.pkl`, under keys of its own.
        let wanted = keys.get(key).filter(|_| numbers && folder != "constants");
        if let Some(bytes) = wanted
            && entry.size < *bytes
        {
            let detail = format!("storage {key} holds {} bytes, the pickle says {bytes}", entry.size);
            scan.state(view, entry.at, 46, Fact::Header { what: "storage-size", detail, memory: true });
        }
        let script = key.ends_with(".py") && entry.name.contains("/code/");
        let mut by = |inner: View<'_>, scan: &mut Scan<'_>| {
            // What bears a source's name and is something else.
            if super::sure(inner) {
                scan.child("content", inner, true);
            }
            script_calls(inner, scan)
        };
        // Behind the numbers that the pickle asks for there may be something else.
        let mut both = |inner: View<'_>, scan: &mut Scan<'_>| -> Result<()> {
            let bytes = wanted.copied().unwrap_or(0);
            scan.child("numbers", inner.slice(0, bytes)?, true);
            scan.child("trailing bytes", inner.rest(bytes), true);
            Ok(())
        };
        // What phones run instead of the source.
        let mut bytecode = |inner: View<'_>, scan: &mut Scan<'_>| -> Result<()> {
            let bytes = inner.take(0, inner.len(), SOURCE)?;
            for f in SCRIPT_FILE {
                let name = format!("aten::{f}");
                // Its length stands before it, in one byte or in four.
                let len = name.len() as u8;
                let whole = |at: &usize| bytes.get(..*at).is_some_and(|before| before.ends_with(&[len]) || before.ends_with(&[len, 0, 0, 0]));
                if let Some(at) = memchr::memmem::find_iter(&bytes, name.as_bytes()).find(whole) {
                    scan.state(inner, at as u64, name.len() as u64, Fact::ScriptCall { name });
                }
            }
            pickle::run_all(inner, 0, scan, |v, at, scan| pickle::weigh(v, at, scan).map(pickle::Outcome::ended))
        };
        let longer = wanted.is_some_and(|bytes| entry.size > *bytes);
        let by: zip::By<'_, '_> = match key {
            _ if script => Some(&mut by),
            "bytecode.pkl" => Some(&mut bytecode),
            _ if longer => Some(&mut both),
            _ => None,
        };
        archive.member(n, scan, numbers, by)?;
    }
    Ok(())
}

/// Functions of TorchScript that read or write files or need native code from outside (`torch.from_file` maps a file for writing
/// with `shared=True`; `torch.save` writes one), under whatever of torch's names they are asked for. Everything else in `code/` is arithmetic.
const SCRIPT_FILE: &[&str] = &["from_file", "save", "load", "load_library"];

/// Namespaces of operators that torch and its own libraries register.
const OPERATORS: &[&str] = &[
    "aten", "prim", "prims", "quantized", "torchvision", "torchaudio", "inductor", "profiler", "_caffe2", "rnn", "onednn", "mkldnn", "mkldnn_prepacked",
    "xnnpack", "prepacked", "sparse", "static_runtime", "tensorexpr",
];

/// Namespaces of classes that they register (`TORCH_LIBRARY` with `class_`). Any other comes out of a library of the author's; those of
/// torchvision and torchaudio open the film or the sound whose path they are given.
const CLASSES: &[&str] = &[
    "quantized", "sparse", "rnn", "xnnpack", "mkldnn", "metal", "vulkan", "_nnapi", "profiler", "caffe2", "c10d", "dist_c10d", "dist_rpc", "tensorrt",
    "torchtext",
];

/// Bytes of one source that are read.
const SOURCE: usize = 64 << 20;

/// Looks through TorchScript source for calls that reach outside.
fn script_calls(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    scan.kind("TorchScript source");
    let source = view.take(0, view.len(), SOURCE)?;
    let word = |from: usize, to: usize| source.get(from..to).unwrap_or(&[]);
    let mut lexer = Lexer::new(&source);
    let mut token = lexer.token_next();
    while token.kind != Kind::End {
        if token.kind != Kind::Name {
            token = lexer.token_next();
            continue;
        }
        let at = token.at;
        let mut end = token.end;
        let mut parts = vec![String::from_utf8_lossy(word(token.at, token.end)).into_owned()];
        token = lexer.token_next();
        while token.kind == Kind::Op && word(token.at, token.end) == b"." {
            token = lexer.token_next();
            if token.kind != Kind::Name {
                break;
            }
            parts.push(String::from_utf8_lossy(word(token.at, token.end)).into_owned());
            end = token.end;
            token = lexer.token_next();
        }
        let called = token.kind == Kind::Op && word(token.at, token.end) == b"(";
        let local = token.kind == Kind::Name && word(token.at, token.end) == b"__torch__";
        let names: Vec<&str> = parts.iter().map(String::as_str).collect();
        let reaches = match names.as_slice() {
            // A name that is given to one of them is called later.
            ["torch" | "ops", .., f] if SCRIPT_FILE.contains(f) => true,
            // Those of torchaudio that read and write sound take a path.
            ["ops", "torchaudio", f] | ["torch", "ops", "torchaudio", f] if f.ends_with("_file") || f.ends_with("_get_info") => true,
            // What a remote worker runs.
            ["rpc", f] | ["ops", "prim", f] => f.starts_with("rpc_"),
            ["ops", space, _] | ["torch", "ops", space, _] => !OPERATORS.contains(space),
            ["torch", "classes", space, ..] | ["__torch__", "torch", "classes", space, ..] => !CLASSES.contains(space),
            ["exec" | "eval" | "compile" | "__import__" | "open"] => called,
            ["import" | "from"] => !local,
            _ => false,
        };
        if reaches {
            scan.state(view, at as u64, (end - at) as u64, Fact::ScriptCall { name: parts.join(".") });
        }
    }
    if lexer.faults > 0 {
        scan.gap("malformed");
    }
    Ok(())
}

fn probe_legacy(view: View<'_>) -> Match {
    let marked = view.has(0, &[0x80]) && (view.has(2, MAGIC) || view.has(2, &[0x95]) && view.has(11, MAGIC));
    if marked || view.has(0, MAGIC_AS_TEXT) { Match::Sure } else { Match::No }
}

fn read_legacy(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    let mut at = 0;
    let mut raw = 0u64;
    let mut storages = Vec::new();
    for n in 0..5 {
        if at >= view.len() {
            scan.state(view, at, 0, Fact::Malformed { format: "torch-legacy", what: "ends-early" });
            scan.gap("malformed");
            return Ok(());
        }
        let mut o = pickle::weigh(view, at, scan)?;
        if n == 3 {
            pickle::torch::describe(&mut o.machine, view, scan);
            storages = std::mem::take(&mut o.machine.torch.storages);
            raw = storages.iter().fold(0u64, |raw, s| raw.saturating_add(8).saturating_add(s.elements.saturating_mul(s.size)));
        }
        if o.stop != Stop::Stop || o.end <= at {
            // Torch ends here, but whoever looks for the next pickle goes on behind the filling.
            return super::trailing(view, o.end, scan);
        }
        at = o.end;
    }
    scan.leaf("storages", "data", Some(raw), Some(storages.len().to_string()));
    let left = view.len().saturating_sub(at);
    // torch writes them in the order of their keys, each behind its number of elements.
    crate::order::sort_by(&mut storages, |a, b| a.key.cmp(&b.key));
    let mut from = at;
    for s in storages {
        let bytes = s.elements.saturating_mul(s.size);
        if view.array(from).ok().map(u64::from_le_bytes) != Some(s.elements) || bytes > view.len() {
            break;
        }
        scan.child("numbers", view.slice(from + 8, bytes.min(view.len().saturating_sub(from + 8)))?, true);
        from += 8 + bytes;
    }
    if raw > left {
        scan.state(view, at, left, Fact::Malformed { format: "torch-legacy", what: "ends-early" });
        scan.gap("malformed");
    } else if raw < left {
        let from = at + raw;
        // Anything behind the storages is for somebody else than torch.
        pickle::run_all(view, from, scan, |v, at, scan| {
            scan.state(v, at, 1, Fact::Stray { what: "trailing", bytes: left - raw });
            pickle::weigh(v, at, scan).map(pickle::Outcome::ended)
        })?;
    }
    Ok(())
}
