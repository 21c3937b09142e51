//! Code that loading runs: what pickles import, call and change.
//!
//! Allowlist first. An import is *expected* (exactly this module and name, and what may be done with it), *dangerous* (its effect
//! is known), or *unknown*; unknown is never silent.

use super::known::{self, Effect, Place, Standing};
use super::{Args, Check, Rule};
use crate::fact::{Fact, Use};
use crate::report::{self, Severity};

const fn rule(id: &'static str, name: &'static str, severity: Severity, refs: &'static [&'static str], check: fn(&Fact) -> Option<Args>) -> Rule {
    Rule { id, name, severity, refs, check: Check::Fact(check) }
}

/// The family WS1xx.
pub static RULES: &[Rule] = &[
    rule("WS101", "shell-import", Severity::Critical, &["CWE-502", "CWE-78"], |f| effect(f, &[Effect::RunCommand])),
    rule("WS102", "eval-import", Severity::Critical, &["CWE-502", "CWE-95"], |f| effect(f, &[Effect::RunCode])),
    rule("WS103", "importer-import", Severity::Critical, &["CWE-502", "CWE-470"], |f| effect(f, &[Effect::ImportCode])),
    rule("WS104", "loader-import", Severity::Critical, &["CWE-502", "GHSA-vv6j-3g6g-2pvj"], |f| effect(f, &[Effect::LoadPickle])),
    rule("WS105", "native-import", Severity::Critical, &["CWE-502", "CWE-114"], |f| effect(f, &[Effect::LoadNative])),
    rule("WS106", "network-import", Severity::High, &["CWE-502", "CWE-918", "CVE-2025-46417"], |f| effect(f, &[Effect::Network])),
    rule("WS107", "file-import", Severity::High, &["CWE-502", "CWE-73"], |f| effect(f, &[Effect::WriteFile, Effect::ReadFile])),
    rule("WS108", "process-import", Severity::High, &["CWE-502", "CWE-400"], |f| effect(f, &[Effect::Process])),
    rule("WS109", "tampering-import", Severity::High, &["CWE-502", "CWE-915"], |f| effect(f, &[Effect::Tamper])),
    rule("WS110", "indirect-call", Severity::High, &["CWE-502", "CWE-470", "GHSA-h4rm-mm56-xf63"], indirect),
    rule("WS111", "code-object", Severity::High, &["CWE-502", "GHSA-9m3x-qqw2-h32h"], |f| effect(f, &[Effect::CodeObject])),
    rule("WS112", "computed-import", Severity::Critical, &["CWE-502", "CWE-470"], |f| match f {
        Fact::ComputedImport { text } => Some(vec![("call", text.clone())]),
        _ => None,
    }),
    rule("WS113", "unlisted-library-call", Severity::High, &["CWE-502", "CVE-2025-1716"], library_call),
    rule("WS114", "unknown-call", Severity::Medium, &["CWE-502"], unknown_call),
    rule("WS115", "unknown-import", Severity::Medium, &["CWE-502", "CWE-829"], |f| match (unknown(f), uncalled_loader(f)) {
        (Some((module, name, usage, _)), _) if !usage.called && !usage.made && !usage.built && !method_of_expected(module, name) => {
            Some(import_args(module, name))
        }
        (None, loader) => loader,
        _ => None,
    }),
    rule("WS116", "changed-import", Severity::Critical, &["CWE-502", "CWE-915"], |f| match f {
        Fact::Mutation { global: true, opcode, module, name, text } => {
            Some(vec![("module", module.clone()), ("name", name.clone()), ("opcode", opcode.to_string()), ("text", text.clone())])
        }
        _ => None,
    }),
    rule("WS117", "changed-object", Severity::High, &["CWE-502", "CVE-2026-24747"], changed_object),
    rule("WS118", "special-method-in-state", Severity::High, &["CWE-502", "CWE-913"], |f| match f {
        Fact::SpecialKey { key } => Some(vec![("key", key.clone())]),
        _ => None,
    }),
    rule("WS119", "extension-code", Severity::High, &["CWE-502", "CWE-470"], |f| match f {
        Fact::Extension { code } => Some(vec![("code", code.to_string())]),
        _ => None,
    }),
    rule("WS120", "foreign-persistent-id", Severity::Medium, &["CWE-502"], |f| match f {
        Fact::PersistentId { text } => Some(vec![("text", text.clone())]),
        _ => None,
    }),
    rule("WS121", "source-code-in-state", Severity::High, &["CWE-502", "CWE-94"], |f| match f {
        Fact::SourceCode { module, name, imports } if *imports || !matches!(standing(module, name), Standing::Expected(_)) => Some(import_args(module, name)),
        _ => None,
    }),
    rule("WS122", "object-explosion", Severity::Medium, &["CWE-776", "CWE-400"], |f| match f {
        Fact::Expansion { power } => Some(vec![("power", power.to_string())]),
        _ => None,
    }),
    rule("WS123", "script-reaches-out", Severity::High, &["CVE-2025-32434", "CWE-73"], |f| match f {
        Fact::ScriptCall { name } => Some(vec![("name", name.clone())]),
        _ => None,
    }),
    rule("WS130", "executed-state", Severity::Critical, &["CWE-502", "CWE-95"], |f| match f {
        Fact::ExecutedState { text } => Some(vec![("text", text.clone())]),
        _ => None,
    }),
    rule("WS131", "hidden-text", Severity::High, &["CWE-502", "CWE-506"], |f| effect(f, &[Effect::Hide])),
    rule("WS132", "evaluated-text", Severity::Critical, &["CWE-502", "CWE-95"], |f| match f {
        Fact::EvaluatedText { call } => Some(vec![("call", call.clone())]),
        _ => None,
    }),
    rule("WS133", "flood", Severity::Medium, &["CWE-400"], |f| match f {
        Fact::Flood { what } => Some(vec![("what", (*what).to_string())]),
        _ => None,
    }),
];

/// Classes of TorchScript live inside the archive: its own reader resolves them there, and no Python module has this name.
fn standing(module: &str, name: &str) -> Standing {
    if module == "__torch__" || module.starts_with("__torch__.") {
        return Standing::Expected(known::Uses { reference: true, call: true, make: true, build: true, wraps: false, getattr: false, shared: false });
    }
    // The module that `numpy.core.multiarray` takes its functions from; dill names functions where they are.
    if let Some(package) = module.strip_suffix("._multiarray_umath")
        && matches!(known::standing(module, name), Standing::Unknown(_))
    {
        // Its arithmetic functions are those that `numpy` shows under the same names.
        return match known::standing(&format!("{package}.multiarray"), name) {
            Standing::Unknown(_) if package.starts_with("numpy.") => known::standing("numpy", name),
            other => other,
        };
    }
    // In a pickle they do nothing until they are called, which the machine follows: what they hand out counts as what `getattr` does.
    if matches!((module, name), ("operator" | "_operator", "attrgetter" | "methodcaller")) {
        return Standing::Expected(known::Uses { reference: true, call: true, make: false, build: false, wraps: false, getattr: true, shared: false });
    }
    // Where torch keeps what it is itself: its modules import it under its name, and its functions are methods of one class.
    if module.starts_with("torch.")
        && let Some(own) = name.strip_prefix("torch.").or_else(|| name.strip_prefix("_VariableFunctionsClass.").filter(|_| module == "torch._C"))
    {
        return known::standing("torch", own);
    }
    // What pandas calls so is numpy's, where it has it at all: who takes joblib's arrays of objects for opcodes asks it for it.
    if name == "dtype" && module.starts_with("pandas.") && matches!(known::standing(module, name), Standing::Unknown(Place::Library)) {
        return known::standing("numpy", name);
    }
    // `Class().method` is the method of an object that a call made.
    if name.contains("()") {
        return known::standing(module, &name.replace("()", ""));
    }
    known::standing(module, name)
}

fn import_args(module: &str, name: &str) -> Args {
    vec![("module", module.to_string()), ("name", name.to_string())]
}

/// What a fact names: an import, or a call whose text says more than the import alone.
fn named(f: &Fact) -> Option<(&str, &str, Option<&str>)> {
    match f {
        Fact::Import { module, name, .. } => Some((module, name, None)),
        Fact::Call { module, name, text } => Some((module, name, Some(text))),
        _ => None,
    }
}

/// An import is named once; a call of it is a finding of its own, because its arguments tell the consequence.
fn effect(f: &Fact, effects: &[Effect]) -> Option<Args> {
    let (module, name, call) = named(f).filter(|_| !dtype_by_memo(f) && !unites_types(f))?;
    let beyond = beyond(f);
    let (effect, uncalled_too) = match standing(module, name) {
        Standing::Dangerous { effect, at_import } => (effect, at_import),
        _ => (beyond?, true),
    };
    if !effects.contains(&effect) {
        return None;
    }
    let mut args = import_args(module, name);
    match (f, call) {
        // The call says it better.
        (Fact::Import { usage, .. }, _) if beyond.is_none() && (usage.called || usage.made) => return None,
        (_, Some(call)) => args.push(("call", call.to_string())),
        // What nobody calls is said without one, if importing it is not enough.
        _ if uncalled_too => args.push(("call", format!("{module}.{name}"))),
        _ => {}
    }
    Some(args)
}

/// What an import of a dangerous module does that may only be named, when it is used: what the module does.
fn beyond(f: &Fact) -> Option<Effect> {
    let Fact::Import { module, name, usage, .. } = f else { return None };
    match standing(module, name) {
        // Calling a cache's class makes its folder, though an object of it may be filled.
        Standing::Expected(u) if !u.wraps && !u.getattr && !u.call && (!u.make || name == "Memory") && !allowed(u, *usage) => {
            match known::standing(module, "?") {
                Standing::Dangerous { effect, .. } => Some(effect),
                _ => None,
            }
        }
        _ => None,
    }
}

/// Callables that call or fetch something else: `partial` of something expected is what real libraries write.
fn indirect(f: &Fact) -> Option<Args> {
    if let Fact::Import { module, name, wraps, .. } = f
        && let Standing::Expected(uses) = standing(module, name)
        && (uses.wraps || uses.getattr)
    {
        // What a call imports by a text is on no list of what the pickle asks for.
        let by_text = matches!(name.as_str(), "_import_module" | "_ufunc_reconstruct" | "subimport" | "unpickle_function");
        let bad = wraps.iter().find(|(m, n)| !wrap_allowed(m, n, uses.getattr) || by_text && (imports_foreign(m, n) || n.is_empty() && takes_by_text(m)))?;
        let mut args = import_args(module, name);
        let handed = if bad.0 == "?" { bad.1.clone() } else { format!("{}.{}", bad.0, bad.1) };
        args.push(("call", format!("{module}.{name}({handed}, …)")));
        return Some(args);
    }
    effect(f, &[Effect::CallIndirect])
}

/// Whether the path of a module may be one of a function that runs commands, code or pickles: dill takes whatever the last part names.
fn takes_by_text(path: &str) -> bool {
    path != "os.path"
        && path.rsplit_once('.').is_some_and(|(module, name)| {
            matches!(standing(module, name), Standing::Dangerous { effect: Effect::RunCommand | Effect::RunCode | Effect::LoadPickle, .. })
        })
}

fn wrap_allowed(module: &str, name: &str, attribute: bool) -> bool {
    if module == "?" {
        return false;
    }
    if name.is_empty() {
        return true;
    }
    if let (true, Some((owner, attr))) = (attribute, name.rsplit_once('.')) {
        // `getattr(Class, "method")` is how pickle names bound and nested things before protocol 4.
        if attr == "__new__" {
            // What protocol 2 writes for a class whose `__new__` takes keywords.
            return matches!(known::standing(module, owner), Standing::Expected(uses) if uses.make || uses.call);
        }
        // A method that makes a text of another does so when it is called, which is a finding of its own. What looks something up in a container is a
        // method as any other, and what counts on is; of the special methods, others reach what an object is made of.
        let harmless = (!attr.starts_with("__") || matches!(attr, "__contains__" | "__getitem__" | "__len__" | "__eq__" | "__next__"))
            && match standing(module, name) {
                Standing::Dangerous { effect, .. } => effect == Effect::Hide || attr == "__getitem__",
                Standing::Expected(_) => true,
                Standing::Unknown(_) => !reaches_files(attr),
            };
        return harmless && matches!(known::standing(module, owner.trim_end_matches("()")), Standing::Expected(_));
    }
    !name.starts_with("__")
        && match standing(module, name) {
            // A method of a plain type does nothing but to values of that type, and what a text is made into counts where it is called.
            Standing::Unknown(Place::Stdlib) | Standing::Dangerous { effect: Effect::Hide, .. } => {
                matches!(module, "builtins" | "__builtin__") && method_of_expected(module, name)
            }
            // Whoever is handed what resolves a name calls it with arguments of its own.
            Standing::Dangerous { .. } | Standing::Expected(known::Uses { getattr: true, .. }) => false,
            // What may be filled and not be made opens a file when it is made, as numpy's maps do.
            Standing::Expected(u) => u.call || u.make || !u.build,
            _ => true,
        }
}

/// A function that loads bytes, or takes what a text names, which no library's pickle names but to call it: whoever calls it later is not seen.
fn uncalled_loader(f: &Fact) -> Option<Args> {
    let Fact::Import { module, name, usage, .. } = f else { return None };
    let loader = match standing(module, name) {
        Standing::Expected(u) if u.getattr => name.starts_with('_') || matches!(name.as_str(), "subimport" | "unpickle_function"),
        Standing::Expected(u) => u.call && (matches!(name.as_str(), "_load_from_bytes" | "_eval_repr") || name.starts_with("unpickle_")),
        _ => false,
    };
    (loader && !usage.called).then(|| import_args(module, name))
}

/// Whether importing a module runs code that nobody looked at, or that does something by itself.
fn imports_foreign(module: &str, name: &str) -> bool {
    match known::standing(module, name) {
        Standing::Unknown(place) => place == Place::Foreign && module != "__main__",
        Standing::Dangerous { at_import, .. } => at_import,
        Standing::Expected(_) => false,
    }
}

fn unknown(f: &Fact) -> Option<(&str, &str, Use, Place)> {
    let Fact::Import { module, name, usage, .. } = f else { return None };
    match standing(module, name) {
        Standing::Unknown(place) if !dtype_by_memo(f) => Some((module, name, *usage, place)),
        _ => None,
    }
}

/// What plain unpicklers ask for in a file of joblib's where the array that stands there asks for numpy's type, by the place of a text in its own memo.
/// It is the file's data that they take for a module, and none has this name: but a library's modules may, and some modules do something when they are
/// imported. A library itself is imported for every class of it.
fn dtype_by_memo(f: &Fact) -> bool {
    let Fact::Import { module, name, wraps, .. } = f else { return false };
    let acts = match known::standing(module, name) {
        Standing::Unknown(place) => place == Place::Library && module.contains('.'),
        Standing::Dangerous { at_import, .. } => at_import,
        Standing::Expected(_) => false,
    };
    name == "dtype" && wraps.iter().any(|(m, n)| m == "numpy" && n == "dtype") && !acts
}

/// What Python calls for nothing but to write `int | None`, and is called for nothing else.
fn unites_types(f: &Fact) -> bool {
    matches!(f, Fact::Import { name, usage, wraps, .. } if name == "reduce" && !usage.called && wraps.iter().any(|(m, n)| m == "types" && n == "UnionType"))
}

/// A method of a class that is expected, named and not called: from protocol 4 on what `getattr(Class, "method")` is before, and in what cloudpickle
/// and dill write.
fn method_of_expected(module: &str, name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(class, method)| {
        !method.starts_with("__") && !reaches_files(method) && matches!(standing(module, class), Standing::Expected(u) if u.make || u.call)
    })
}

/// Whether a method has the name that all libraries give to what reads or writes a file, or loads objects: a class that was read for what loading
/// runs of it keeps such methods for its callers, and hands them down to classes that no table names. What only loads what it is handed is another.
fn reaches_files(method: &str) -> bool {
    let (verb, what) = method.trim_start_matches('_').split_once('_').unwrap_or((method.trim_start_matches('_'), ""));
    match verb {
        "load" => !["data", "state", "hook"].iter().any(|own| what.starts_with(own)),
        "to" | "from" => what.split('_').any(|word| FILES.contains(&word)),
        _ => FILES.contains(&verb) || verb.starts_with("write") || method.ends_with("_file"),
    }
}

/// What such names begin with, and what stands behind `to_` and `from_` in others.
const FILES: &[&str] = &[
    "loads", "dump", "dumps", "save", "savefig", "savetxt", "read", "write", "open", "download", "fetch", "restore", "export", "push", "popen", "unpickle",
    "tofile", "fromfile", "import", "exec", "pickle", "csv", "disk", "file", "files", "json", "excel", "parquet", "hdf", "hdf5", "sql", "feather", "stata",
    "pretrained", "clipboard", "html", "xml", "latex", "gbq", "orc", "url", "path", "netcdf", "zarr", "checkpoint", "joblib", "folder", "formula", "intersect",
    "execute", "deserialize", "launch", "touch", "mkdir", "rmdir", "chmod", "unlink", "symlink", "hardlink", "eval",
];

/// A function rather than a class, by the convention that all the libraries of the allowlist keep.
fn function_like(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or(name);
    last.trim_start_matches('_').chars().next().is_some_and(char::is_lowercase)
}

/// A function of a library that we know, called although the library's own pickles never call it.
fn library_call(f: &Fact) -> Option<Args> {
    let (module, name, usage, place) = unknown(f)?;
    let called = (usage.called || usage.made) && (place == Place::Stdlib || place == Place::Library && function_like(name));
    let changed = usage.built && place == Place::Stdlib;
    (called || changed).then(|| import_args(module, name))
}

fn unknown_call(f: &Fact) -> Option<Args> {
    if library_call(f).is_some() {
        return None;
    }
    if let Some((module, name, usage, _)) = unknown(f) {
        return (usage.called || usage.made || usage.built).then(|| import_args(module, name));
    }
    // Expected, but not for this.
    let Fact::Import { module, name, usage, .. } = f else { return None };
    match standing(module, name) {
        Standing::Expected(u) if !u.wraps && !u.getattr && !allowed(u, *usage) && beyond(f).is_none() => Some(import_args(module, name)),
        _ => None,
    }
}

/// Whether an expected import may be used like this. Filling what a call made is allowed where the call is: a state is data, unless others have what it fills.
fn allowed(uses: known::Uses, usage: Use) -> bool {
    (!usage.called || uses.call) && (!usage.made || uses.call || uses.make) && (!usage.built || uses.build || uses.call && !uses.shared)
}

/// Item opcodes call `__setitem__`, `append`, `extend` or `add`: fine on the container classes that pickle them, not on others.
fn changed_object(f: &Fact) -> Option<Args> {
    let Fact::Mutation { global: false, opcode, module, name, text } = f else { return None };
    let container = match standing(module, name) {
        // What may be made was read for these methods, too.
        Standing::Expected(u) => {
            (u.call || u.make) && !function_like(name)
                || matches!(name.as_str(), "defaultdict" | "deque" | "dict" | "list" | "set" | "_reconstructor" | "__newobj__")
        }
        // Judged already, by what it is.
        Standing::Dangerous { .. } | Standing::Unknown(_) => true,
    };
    (!container).then(|| vec![("module", module.clone()), ("name", name.clone()), ("opcode", opcode.to_string()), ("text", text.clone())])
}

/// The standing of an import for the report's list: expected only for what is done with it.
pub fn standing_word(module: &str, name: &str, usage: Use) -> report::Standing {
    match standing(module, name) {
        Standing::Expected(u) if !u.wraps && !u.getattr && !allowed(u, usage) => report::Standing::Unknown,
        Standing::Expected(_) => report::Standing::Expected,
        Standing::Dangerous { .. } => report::Standing::Dangerous,
        Standing::Unknown(_) => report::Standing::Unknown,
    }
}
