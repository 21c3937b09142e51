//! Programs and libraries in machine code: ELF, PE, Mach-O, WebAssembly, Java and Android bytecode.
//!
//! Reading what they do is another trade; here their own headers say what they are and for which machine, so that the report can
//! say that a model folder holds a program and which.
//!
//! # Why not the `object` crate
//! Thirty lines of three headers answer the question; nothing here follows sections or symbols.

use super::{Format, Match, marshal};
use crate::bytes::View;
use crate::error::Result;
use crate::fact::Fact;
use crate::scan::Scan;

/// Machine code with a header of its own.
pub const NATIVE: Format = Format {
    id: "native",
    name: "program or native library",
    extensions: &["so", "pyc", "dll", "dylib", "exe", "pyd", "wasm", "class", "dex", "o", "node", "sys", "scr"],
    refines: &[],
    probe,
    read,
};

fn probe(view: View<'_>) -> Match {
    if describe(view).is_some() { Match::Sure } else { Match::No }
}

fn read(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    let Some((id, kind)) = describe(view) else { return Ok(()) };
    scan.kind(&kind);
    scan.note(kind.clone());
    let fact = if matches!(id, "wasm" | "class" | "pyc") { Fact::Bytecode { kind } } else { Fact::Embedded { kind: id } };
    scan.state(view, 0, view.len().min(64), fact);
    scan.gap("native-code");
    Ok(())
}

/// What the header says: a stable id, and words for people.
pub fn describe(view: View<'_>) -> Option<(&'static str, String)> {
    elf(view).map(|k| ("elf", k)).or_else(|| pe(view).map(|k| ("pe", k))).or_else(|| mach(view).map(|k| ("mach-o", k))).or_else(|| other(view))
}

/// System V ABI, "ELF header".
fn elf(view: View<'_>) -> Option<String> {
    if !view.has(0, b"\x7fELF") {
        return None;
    }
    let head = view.array::<20>(0).unwrap_or([0; 20]);
    let [.., t0, t1, m0, m1] = head;
    let big = head.get(5) == Some(&2);
    let pair = |a, b| if big { u16::from_be_bytes([a, b]) } else { u16::from_le_bytes([a, b]) };
    let kind = match pair(t0, t1) {
        1 => "object",
        2 => "program",
        3 => "library or program",
        4 => "core dump",
        _ => "file",
    };
    let machine = match pair(m0, m1) {
        0x03 => "x86",
        0x3e => "x86-64",
        0x28 => "ARM",
        0xb7 => "ARM64",
        0xf3 => "RISC-V",
        0xbe => "NVIDIA CUDA",
        0xe0 => "AMD GPU",
        0xf7 => "BPF",
        0x15 | 0x14 => "PowerPC",
        _ => "another machine",
    };
    Some(format!("Linux {kind} (ELF, {machine})"))
}

/// Microsoft's PE format, "COFF file header".
fn pe(view: View<'_>) -> Option<String> {
    if !view.has(0, b"MZ") {
        return None;
    }
    let at = u64::from(view.u32(60).ok()?);
    if !view.has(at, b"PE\0\0") {
        // A program for DOS has no second header; its first one must then make sense by itself.
        return None;
    }
    let machine = match view.u16(at + 4).unwrap_or(0) {
        0x14c => "x86",
        0x8664 => "x86-64",
        0xaa64 => "ARM64",
        _ => "another machine",
    };
    let library = view.u16(at + 22).is_ok_and(|c| c & 0x2000 != 0);
    Some(format!("Windows {} (PE, {machine})", if library { "library" } else { "program" }))
}

/// Apple's `mach-o/loader.h` and `fat.h`.
fn mach(view: View<'_>) -> Option<String> {
    let head = view.array::<16>(0).ok()?;
    let [a, b, c, d, m0, m1, m2, m3, .., t0, t1, t2, t3] = head;
    let little = match [a, b, c, d] {
        [0xcf | 0xce, 0xfa, 0xed, 0xfe] => true,
        [0xfe, 0xed, 0xfa, 0xcf | 0xce] => false,
        // A fat file shares its magic with Java classes; it holds a handful of architectures, a class has a version of 45 or more.
        [0xca, 0xfe, 0xba, 0xbe] if u32::from_be_bytes([m0, m1, m2, m3]) < 40 => return Some("macOS program or library (universal Mach-O)".into()),
        _ => return None,
    };
    let word = |x: [u8; 4]| if little { u32::from_le_bytes(x) } else { u32::from_be_bytes(x) };
    let machine = match word([m0, m1, m2, m3]) {
        0x0100_0007 => "x86-64",
        0x0100_000c => "ARM64",
        7 => "x86",
        _ => "another machine",
    };
    let kind = match word([t0, t1, t2, t3]) {
        2 => "program",
        6 => "library",
        8 => "bundle",
        _ => "file",
    };
    Some(format!("macOS {kind} (Mach-O, {machine})"))
}

fn other(view: View<'_>) -> Option<(&'static str, String)> {
    let named = |id, kind: &str| Some((id, kind.to_string()));
    if view.has(0, b"MZqFpD='") || view.has(0, b"jartsr='") {
        return named("llamafile", "llamafile (a program for every system)");
    }
    if view.has(0, b"\0asm") && view.has(5, b"\0\0\0") {
        return named("wasm", "WebAssembly module");
    }
    if view.has(0, b"\xca\xfe\xba\xbe") && view.array::<8>(0).is_ok_and(|h| h.get(7).is_some_and(|v| *v >= 45)) {
        return named("class", "Java class");
    }
    if let Some(names) = python(view) {
        return Some(("pyc", format!("Python bytecode ({names})")));
    }
    if view.has(0, b"dex\n0") {
        return named("dex", "Android program (dex)");
    }
    // MS-SHLLINK: header size and class id.
    if view.has(0, b"L\0\0\0\x01\x14\x02\0\0\0\0\0\xc0\0\0\0\0\0\0F") {
        return named("lnk", "Windows shortcut");
    }
    None
}

/// A compiled module (`Lib/importlib/_bootstrap_external.py`): a version, CR LF, eight or twelve bytes of dates, and a marshalled code
/// object. The names that it uses.
fn python(view: View<'_>) -> Option<String> {
    // `marshal.dump` writes no more than the code object.
    let bare = view.has(0, b"\xe3\0\0\0\0") || view.has(0, b"c\0\0\0\0");
    let [_, _, cr, lf] = view.array::<4>(0).ok()?;
    if [cr, lf] != *b"\r\n" && !bare {
        return None;
    }
    [16, 12, 8, 0].into_iter().filter(|at| bare == (*at == 0)).find_map(|at| {
        let code = view.rest(at).head(1 << 20).ok()?;
        let names = marshal::is_code(&code).then(|| marshal::names(&code)).filter(|n| !n.is_empty())?;
        Some(names.into_iter().take(20).collect::<Vec<_>>().join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bytes::Pages;

    fn told(bytes: &[u8]) -> Option<String> {
        let source = bytes.to_vec();
        let pages = Pages::new(&source);
        describe(View::of_file(&pages)).map(|d| d.1)
    }

    #[test]
    fn headers_say_what_they_are() {
        let mut elf = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0\x3e\0".to_vec();
        elf.resize(64, 0);
        assert_eq!(told(&elf).as_deref(), Some("Linux library or program (ELF, x86-64)"));
        let mut pe = b"MZ".to_vec();
        pe.resize(60, 0);
        pe.extend(64u32.to_le_bytes());
        pe.extend(b"PE\0\0\x64\x86");
        pe.resize(90, 0);
        assert_eq!(told(&pe).as_deref(), Some("Windows program (PE, x86-64)"));
        assert_eq!(told(b"MZ are two letters"), None);
        assert_eq!(told(b"\xca\xfe\xba\xbe\0\0\0\x34________").as_deref(), Some("Java class"));
        assert_eq!(told(b"\xca\xfe\xba\xbe\0\0\0\x02________").as_deref(), Some("macOS program or library (universal Mach-O)"));
    }
}
