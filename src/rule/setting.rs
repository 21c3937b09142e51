//! Data that names code: settings, stored expressions of other languages, objects of other runtimes.

use super::known::{self, Effect, Place, Standing};
use super::{Args, Check, Rule};
use crate::fact::{Fact, Moment};
use crate::report::Severity;

const fn rule(id: &'static str, name: &'static str, severity: Severity, refs: &'static [&'static str], check: fn(&Fact) -> Option<Args>) -> Rule {
    Rule { id, name, severity, refs, check: Check::Fact(check) }
}

/// The family WS56x to WS58x.
pub static RULES: &[Rule] = &[
    rule("WS561", "setting-runs-code", Severity::Critical, &["CVE-2025-23304", "CVE-2020-14343", "CWE-470"], |f| target(f, Weight::Runs)),
    rule("WS562", "setting-reaches-out", Severity::Medium, &["CWE-470", "CWE-73"], |f| target(f, Weight::Reaches)),
    rule("WS563", "setting-calls-internals", Severity::High, &["CWE-470"], |f| target(f, Weight::Internal)),
    rule("WS564", "setting-builds-unknown", Severity::Medium, &["CVE-2020-14343", "CWE-502"], |f| target(f, Weight::Builds)),
    rule("WS565", "setting-names-command", Severity::Medium, &["CWE-470"], |f| target(f, Weight::Names)),
    rule("WS566", "foreign-loader-module", Severity::High, &["CVE-2024-37054", "CWE-829"], loader),
    rule("WS567", "java-gadget", Severity::Critical, &["CVE-2015-7501", "CVE-2022-1471", "CWE-502"], |f| java(f, true)),
    rule("WS568", "java-unknown-class", Severity::Medium, &["CWE-502"], |f| java(f, false)),
    rule("WS569", "open-promise", Severity::Critical, &["CVE-2024-27322", "CWE-502"], |f| match f {
        Fact::Promise { bound: false, text } => Some(vec![("call", text.clone())]),
        _ => None,
    }),
    rule("WS570", "stored-command-runs", Severity::Critical, &["CVE-2024-27322", "CWE-502"], |f| stored(f, &[Moment::Loaded, Moment::Touched])),
    rule("WS571", "stored-command", Severity::Medium, &["CWE-506"], |f| stored(f, &[Moment::Called, Moment::Data])),
    rule("WS572", "mapped-file", Severity::Medium, &["CWE-73"], |f| match f {
        Fact::ForeignClass { runtime: "r", name } if name.starts_with("mmap_") => Some(vec![("name", name.clone())]),
        _ => None,
    }),
    rule("WS573", "checked-is-not-loaded", Severity::High, &["CVE-2025-54412", "CVE-2025-54413", "CWE-843"], |f| match f {
        Fact::Confused { shown, loaded } => Some(vec![("shown", shown.clone()), ("loaded", loaded.clone())]),
        _ => None,
    }),
    rule("WS574", "needs-own-code", Severity::Medium, &["CWE-829"], |f| own(f, &["parameter", "layer", "plugin"])),
    rule("WS575", "unpickling-codec", Severity::High, &["CWE-502"], |f| own(f, &["codec"])),
    rule("WS576", "brings-scripts", Severity::Low, &["CWE-829"], |f| own(f, &["script", "backend"])),
];

fn own(f: &Fact, kinds: &[&str]) -> Option<Args> {
    match f {
        Fact::OwnCode { kind, name } if kinds.contains(kind) => Some(vec![("kind", kind.to_string()), ("name", name.clone())]),
        _ => None,
    }
}

/// How heavily a named target weighs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Weight {
    /// Runs commands or code, or imports what it is told.
    Runs,
    /// Reads, writes or connects.
    Reaches,
    /// A function that no configuration of a library has a use for.
    Internal,
    /// Something unknown is built while the settings are read.
    Builds,
    /// A value, under a key of no known meaning, that names a way to run commands.
    Names,
}

/// What a dotted name means: the worst of the readings that an importer may take. A path through a library may end in another
/// module that the library imported (`torch.serialization.os.system`), so its last parts are read by themselves too.
fn meaning(name: &str) -> Standing {
    if !name.contains('.') {
        return known::standing("builtins", name);
    }
    let parts: Vec<&str> = name.split('.').collect();
    let (mut expected, mut unknown) = (None, None);
    let n = parts.len();
    let readings = [(0, 1, true), (0, 2, true), (n.saturating_sub(2), 1, false), (n.saturating_sub(3), 1, false)];
    for (from, attributes, whole) in readings {
        let cut = n.saturating_sub(attributes);
        if cut <= from || !whole && (from == 0 || !SYSTEM.contains(parts.get(from).unwrap_or(&""))) {
            continue;
        }
        let module = parts.get(from..cut).unwrap_or(&[]).join(".");
        let attribute = parts.get(cut..).unwrap_or(&[]).join(".");
        match known::standing(&module, &attribute) {
            danger @ Standing::Dangerous { .. } => return danger,
            good @ Standing::Expected(_) if whole => expected = expected.or(Some(good)),
            Standing::Unknown(Place::Foreign) | Standing::Expected(_) => {}
            other if whole => unknown = unknown.or(Some(other)),
            Standing::Unknown(_) => {}
        }
    }
    expected.or(unknown).unwrap_or(Standing::Unknown(Place::Foreign))
}

/// Modules of the standard library that many others import, and so hold under their own name.
const SYSTEM: &[&str] = &[
    "os", "posix", "nt", "subprocess", "sys", "builtins", "importlib", "shutil", "socket", "ctypes", "pty", "runpy", "code", "codeop", "pickle", "_pickle",
    "marshal", "imp", "timeit", "pdb", "multiprocessing", "asyncio", "platform", "urllib", "tempfile", "inspect", "types", "pkgutil",
];

/// Libraries that configurations name parts of by the thousand.
const TOOLKITS: &[&str] = &[
    "accelerate", "albumentations", "apex", "datasets", "deepspeed", "detectron2", "diffusers", "einops", "fairseq", "flax", "hydra", "jax", "keras", "kornia",
    "ldm", "lightning", "lightning_fabric", "megatron", "mlflow", "mmcv", "mmdet", "mmengine", "monai", "nemo", "nemo_text_processing", "numpy", "omegaconf",
    "open_clip", "optax", "orbax", "pandas", "peft", "pytorch_lightning", "sentence_transformers", "sgm", "sklearn", "speechbrain", "tensorflow", "timm",
    "tokenizers", "torch", "torchaudio", "torchmetrics", "torchtext", "torchtune", "torchvision", "transformers", "wandb", "xformers",
];

/// Functions of theirs that pickles must not call, and configurations may.
const CONFIGURED: &[&str] = &[
    "torch.manual_seed", "torch.compile", "torch.jit.script", "torch.jit.trace", "torch.set_float32_matmul_precision", "torch.set_default_dtype",
    "torch.get_default_dtype", "torch.use_deterministic_algorithms", "torch.profiler.schedule", "torch.profiler.tensorboard_trace_handler",
    "torch.backends.cudnn.flags", "torch.set_num_threads",
];

/// What a part of a toolkit weighs in a configuration: classes are what configurations are for, functions of theirs that fetch
/// data or models are too. What runs a command or code is not.
fn in_toolkit(name: &str) -> Option<Weight> {
    let parts: Vec<&str> = name.split('.').collect();
    let private = parts.iter().any(|part| part.starts_with('_') && !part.starts_with("__"));
    if name.starts_with("torch.hub.") {
        return Some(Weight::Runs);
    }
    // The end of the path, taken as a module of its own.
    let n = parts.len();
    for from in [n.saturating_sub(2), n.saturating_sub(3)] {
        if from == 0 || n < 3 {
            continue;
        }
        let module = parts.get(from..n - 1).unwrap_or(&[]).join(".");
        if let Standing::Dangerous { effect, .. } = known::standing(&module, parts.last().unwrap_or(&""))
            && SYSTEM.contains(parts.get(from).unwrap_or(&""))
            && runs(effect)
        {
            return Some(Weight::Runs);
        }
    }
    if !function_like(name) || CONFIGURED.contains(&name) || name.starts_with("omegaconf.") || name.starts_with("hydra.utils.") {
        return None;
    }
    // A pickle has no business with any part of some packages; settings may name all but their loaders.
    let top = parts.first().unwrap_or(&"");
    if matches!(known::standing(top, "no_such_name"), Standing::Dangerous { .. }) && !matches!(*top, "hydra" | "datasets") {
        let last = parts.last().unwrap_or(&"");
        return (last.starts_with("load") || matches!(*last, "get_file" | "from_file" | "restore_from")).then_some(Weight::Reaches);
    }
    match meaning(name) {
        Standing::Dangerous { effect, .. } if runs(effect) => Some(Weight::Runs),
        Standing::Dangerous { .. } | Standing::Unknown(_) if private => Some(Weight::Internal),
        _ => None,
    }
}

fn runs(effect: Effect) -> bool {
    matches!(effect, Effect::RunCommand | Effect::RunCode | Effect::ImportCode | Effect::LoadPickle | Effect::LoadNative | Effect::CodeObject)
}

/// A function rather than a class, by the convention that the libraries keep.
fn function_like(name: &str) -> bool {
    name.rsplit('.').next().is_some_and(|last| last.trim_start_matches('_').chars().next().is_some_and(char::is_lowercase))
}

fn weigh(way: &str, name: &str, eager: bool) -> Option<Weight> {
    let python_tag = way.starts_with("!!python/") || way.starts_with("py/");
    // No library that loads models is written in Ruby: what builds its objects is out of place whatever its name.
    if way.starts_with("!ruby/") {
        return Some(Weight::Builds);
    }
    // The operators of an exported graph.
    if way == "target" && name.starts_with("torch.ops.") && name.split('.').count() > 3 {
        return None;
    }
    if !python_tag && way != "setting" && TOOLKITS.contains(&name.split('.').next().unwrap_or("")) {
        return in_toolkit(name);
    }
    match meaning(name) {
        Standing::Dangerous { effect, .. } => {
            let reaches = matches!(effect, Effect::ReadFile | Effect::WriteFile | Effect::Network | Effect::CallIndirect);
            let runs = matches!(effect, Effect::RunCommand | Effect::RunCode | Effect::ImportCode);
            match way {
                "setting" => runs.then_some(Weight::Names),
                "path" => runs.then_some(Weight::Runs),
                _ if reaches && !eager => Some(Weight::Reaches),
                _ => Some(Weight::Runs),
            }
        }
        Standing::Expected(_) => None,
        Standing::Unknown(place) => {
            let private = name.split('.').any(|part| part.starts_with('_') && !part.starts_with("__"));
            let only_named = matches!(way, "!!python/name" | "!!python/module");
            match (way, place) {
                ("setting" | "path", _) => None,
                (_, Place::Stdlib) if function_like(name) || python_tag => Some(Weight::Internal),
                (_, Place::Library) if function_like(name) && (private || python_tag && !only_named) => Some(Weight::Internal),
                // Lightning calls it when it loads the checkpoint, and names its own.
                ("_instantiator", _) => Some(Weight::Builds),
                _ if python_tag && !only_named => Some(Weight::Builds),
                _ => None,
            }
        }
    }
}

fn target(f: &Fact, weight: Weight) -> Option<Args> {
    let Fact::Target { way, name, eager } = f else {
        return None;
    };
    (weigh(way, name, *eager)? == weight).then(|| vec![("way", way.to_string()), ("name", name.clone())])
}

/// MLflow's own flavours and the packages that bring one; a module from the model's `code` folder is the author's.
fn loader(f: &Fact) -> Option<Args> {
    let Fact::LoaderModule { module, code } = f else {
        return None;
    };
    let top = module.split('.').next().unwrap_or("");
    let ours = matches!(top, "mlflow" | "mlflavors" | "databricks" | "synapse") || matches!(module.as_str(), "pickle" | "cloudpickle" | "dill" | "torch");
    let hidden = module.split('.').any(|p| p.is_empty());
    (!ours || hidden).then(|| vec![("module", module.clone()), ("where", if *code { "a folder beside it" } else { "whatever is installed" }.to_string())])
}

/// Packages whose classes turn deserialization into a call (ysoserial, marshalsec).
const GADGETS: &[&str] = &[
    "org.apache.commons.collections.functors.", "org.apache.commons.collections4.functors.", "org.apache.commons.collections.keyvalue.TiedMapEntry",
    "org.apache.commons.beanutils.BeanComparator", "org.apache.xalan.", "com.sun.org.apache.xalan.", "com.sun.rowset.", "org.springframework.",
    "org.codehaus.groovy.runtime.", "org.hibernate.", "javax.management.", "java.rmi.", "sun.rmi.", "com.mchange.", "org.mozilla.javascript.", "bsh.",
    "clojure.", "org.python.", "javax.script.", "java.lang.ProcessBuilder", "java.lang.Runtime", "java.net.URLClassLoader", "javax.naming.", "com.sun.jndi.",
    "org.apache.wicket.", "org.jboss.", "com.vaadin.", "org.apache.click.", "org.apache.myfaces.", "net.sf.json.", "com.caucho.", "com.rometools.rome.",
    "com.sun.syndication.", "java.beans.EventHandler", "javax.imageio.", "org.apache.batik.", "ch.qos.logback.", "org.aspectj.", "jdk.nashorn.",
    "java.security.SignedObject", "org.apache.tomcat.", "javax.swing.event.EventListenerList", "ognl.", "org.apache.velocity.", "freemarker.", "javassist.",
    "groovy.",
];

/// Packages of machine learning in Java, and what their objects are made of.
const JAVA: &[&str] = &[
    "java.lang.", "java.util.", "java.io.", "java.math.", "java.text.", "java.time.", "java.awt.", "java.net.URL", "java.net.URI", "java.nio.", "java.sql.",
    "javax.swing.", "weka.", "org.deeplearning4j.", "org.nd4j.", "org.datavec.", "hex.", "water.", "ai.h2o.", "smile.", "org.apache.spark.", "scala.", "moa.",
    "mulan.", "meka.", "opennlp.", "cc.mallet.", "edu.stanford.", "org.tribuo.", "com.oracle.labs.mlrg.", "org.dmg.pmml.", "org.jpmml.", "no.uib.cipr.matrix.",
    "org.eclipse.deeplearning4j.", "ml.dmlc.", "libsvm.", "de.bwaldvogel.", "com.yahoo.labs.samoa.", "no.", "gnu.trove.", "it.unimi.dsi.fastutil.",
];

fn java(f: &Fact, gadget: bool) -> Option<Args> {
    let Fact::ForeignClass { runtime: "java", name } = f else {
        return None;
    };
    let plain = name.trim_start_matches('[').trim_start_matches('L').trim_end_matches(';');
    let is_gadget = GADGETS.iter().any(|g| plain.starts_with(g));
    let expected = !plain.contains('.') || JAVA.iter().any(|p| plain.starts_with(p));
    (is_gadget == gadget && (is_gadget || !expected)).then(|| vec![("name", name.clone())])
}

/// Functions of R that start programs, load machine code, fetch things or keep a function for later.
const R_COMMANDS: &[&str] = &[
    "system", "system2", "shell", "shell.exec", "pipe", "dyn.load", "library.dynam", "download.file", "socketConnection", "make.socket", "reg.finalizer",
    "fifo", "url.show", "install.packages", "source_url", "curl_download", "curl_fetch_memory", "setHook", "addTaskCallback", "Sys.chmod", "exec_wait",
    "exec_background", "exec_internal", "py_run_string", "py_run_file", "browseURL", "GET", "POST", "rawConnection", "mcparallel", "sys.source", "url",
];

/// More that a promise, which runs by itself, has no business with.
const R_LOADED: &[&str] = &[
    "eval", "evalq", "source", "parse", "str2lang", "str2expression", "do.call", "readRDS", "load", "unserialize", "file", "writeLines", "cat", "unlink",
    "file.remove", "file.copy", "assign", "Sys.setenv", "library", "require", "loadNamespace", "requireNamespace", "readLines", "Sys.getenv",
    "attachNamespace", ".Call", ".External", ".C", ".Internal", "delayedAssign", "quit", "q",
];

/// Functions of Lua and of PMML engines that do the same.
const OTHER_COMMANDS: &[&str] = &[
    "os.execute", "io.popen", "package.loadlib", "loadstring", "dofile", "loadfile", "load", "require", "os.remove", "os.rename", "ffi.load", "ffi.cdef",
    "io.open", "debug.sethook",
];

fn stored(f: &Fact, moments: &[Moment]) -> Option<Args> {
    let Fact::StoredCall { language, name, text, moment } = f else {
        return None;
    };
    if !moments.contains(moment) {
        return None;
    }
    let listed = match *language {
        "r" => {
            let network = matches!(name.as_str(), "GET" | "POST" | "url" | "rawConnection" | "fifo" | "browseURL");
            R_COMMANDS.contains(&name.as_str()) && (*moment == Moment::Loaded || !network && *moment >= Moment::Called || name == "reg.finalizer")
                || *moment == Moment::Loaded && R_LOADED.contains(&name.as_str())
        }
        _ => OTHER_COMMANDS.contains(&name.as_str()) || *language == "java",
    };
    listed.then(|| vec![("language", language.to_string()), ("call", text.clone())])
}
