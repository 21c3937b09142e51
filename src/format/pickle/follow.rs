//! What calls come to that reach a name without `find_class`: a function handed to a function that calls it, an attribute
//! fetched by name, a module imported by a text, an entry of a module's dictionary, a class handed to a function that makes it.
//!
//! Followed as far as the arguments are constants (see [`super::constant`]). What is not known is stated as computed, never trusted.

use super::constant::Constant;
use super::machine::{Hand, Machine};
use super::value::{Kind, Value};
use crate::error::Result;
use crate::fact::Fact;

/// How deep calls that call calls are followed.
const DEPTH: u32 = 8;
/// What one look at an iterator costs of the pickle's allowance.
const STEP: u64 = 64;
/// Items or bytes that a container is filled with while nothing of them stands in the pickle: no library makes one so, and a hundred calls are short.
const FILLED: u64 = 1 << 20;
/// Items of a range that nobody waits for, whatever is done with them.
const WAITED_FOR: u64 = 1 << 32;
/// A number that sympy does not compute with: what it makes of smaller ones is written out.
const COMPUTED: i64 = 1 << 20;
/// Items of a sequence that a function is mapped over.
const MAPPED: usize = 8;

/// What a callee comes to.
pub(super) enum Target {
    /// A call of this import with these arguments.
    Import(u32, Value),
    /// No call, only a look-up with this result.
    Found(Value),
    /// Not known before loading.
    Unknown,
}

/// How a function calls a function it is handed. Numbers are positions among its own arguments.
enum Handing {
    /// `apply(f, *rest)`: with the arguments behind `from`.
    Rest { f: usize, from: usize },
    /// With a tuple of arguments.
    Tuple { f: usize, args: usize },
    /// Once for every item.
    Each { f: usize, items: usize },
    /// Once for every item, which is a tuple of arguments.
    Star { f: usize, items: usize },
    /// With the first two items, and so on.
    Pairs { f: usize, items: usize },
    /// With one argument.
    On { f: usize, arg: usize },
    /// With arguments of its own.
    Own { f: usize },
}

fn handing(module: &str, name: &str) -> Option<Handing> {
    use Handing::*;
    Some(match (module, name) {
        ("builtins", "map") | ("itertools", "imap") => Each { f: 0, items: 1 },
        ("builtins", "filter") | ("itertools", "ifilter" | "filterfalse" | "ifilterfalse" | "takewhile" | "dropwhile") => Each { f: 0, items: 1 },
        ("itertools", "starmap") => Star { f: 0, items: 1 },
        ("itertools", "groupby") => Each { f: 1, items: 0 },
        ("itertools", "accumulate") => Pairs { f: 1, items: 0 },
        ("functools" | "builtins", "reduce") => Pairs { f: 0, items: 1 },
        ("builtins", "apply") => Tuple { f: 0, args: 1 },
        ("operator", "call")
        | ("asyncio" | "asyncio.threads", "to_thread")
        | ("atexit", "register")
        | ("pdb" | "bdb", "runcall")
        | ("contextvars", "Context.run") => Rest { f: 0, from: 1 },
        ("contextlib", "ExitStack.callback") | ("contextlib", "ExitStack.enter_context") => Rest { f: 1, from: 2 },
        ("weakref", "finalize") => Rest { f: 1, from: 2 },
        ("threading", "Thread") | ("multiprocessing" | "multiprocessing.context" | "multiprocessing.process", "Process" | "BaseProcess") => {
            Tuple { f: 1, args: 3 }
        }
        ("threading", "Timer" | "_Timer") => Tuple { f: 1, args: 2 },
        ("_thread" | "thread", "start_new_thread" | "start_new") => Tuple { f: 0, args: 1 },
        ("signal", "signal") => Own { f: 1 },
        ("builtins", "iter")
        | ("timeit", "timeit" | "repeat" | "Timer")
        | ("functools", "lru_cache" | "singledispatch" | "cached_property" | "partialmethod") => Own { f: 0 },
        ("numpy", "vectorize" | "frompyfunc" | "fromfunction" | "apply_along_axis" | "apply_over_axes") => Own { f: 0 },
        ("torch", "vmap") | ("joblib" | "joblib.parallel", "delayed") => Own { f: 0 },
        // The maker of what the generator draws from may be another function, or a class.
        ("numpy.random._pickle", "__generator_ctor" | "__randomstate_ctor") => On { f: 1, arg: 0 },
        ("numpy.random._pickle", "__bit_generator_ctor") => Rest { f: 0, from: 1 },
        // Libraries' own: the function that made the tensor, whose result becomes a subclass.
        ("jax._src.array", "_reconstruct_array") => Tuple { f: 0, args: 1 },
        ("torch._tensor" | "torch.tensor" | "fastai.torch_core", "_rebuild_from_type" | "_rebuild_from_type_v2") => Tuple { f: 0, args: 2 },
        ("dill._dill" | "dill.dill", "_create_array") => Tuple { f: 0, args: 1 },
        _ => return None,
    })
}

/// Functions that make an object of a class they are handed, without running its `__init__`.
fn makes(module: &str, name: &str) -> Option<usize> {
    match (module, name) {
        ("copyreg", "_reconstructor" | "__newobj__" | "__newobj_ex__") => Some(0),
        // The same for types of data.
        ("polars.datatypes.classes" | "polars.datatypes", "_custom_reconstruct") => Some(0),
        ("scipy.spatial.ckdtree", "new_object") | ("dateutil.tz._tzfile", "_unpickle") => Some(0),
        ("numpy.core.multiarray" | "numpy._core.multiarray", "_reconstruct") => Some(0),
        ("numpy.ma.core" | "numpy.ma.mrecords", "_mareconstruct" | "_mrreconstruct") => Some(0),
        ("torch._utils", "_rebuild_wrapper_subclass") | ("tensordict._reductions", "_make_td") => Some(0),
        // `cls.__new__(cls, **state)`, whatever class it is.
        _ if module.starts_with("pandas.") && name.starts_with("_new_") && name.ends_with("Index") => Some(0),
        (_, "newObj") => Some(0),
        _ if name.starts_with("__pyx_unpickle_") => Some(0),
        _ => None,
    }
}

/// Functions that import a module whose name they are handed.
fn imports(module: &str, name: &str) -> bool {
    matches!(
        (module, name),
        ("builtins", "__import__")
            | ("importlib" | "importlib._bootstrap" | "_frozen_importlib", "import_module" | "_gcd_import" | "__import__" | "_find_and_load" | "reload")
            | ("dill._dill" | "dill.dill", "_import_module")
            | ("imp", "load_module" | "load_dynamic" | "find_module")
            | ("cloudpickle.cloudpickle" | "cloudpickle", "subimport")
            | ("pydoc", "safeimport")
            | ("runpy", "run_module" | "_run_module_as_main")
            | ("pandas.compat._optional", "import_optional_dependency")
            | ("unittest.mock" | "mock", "_importer")
    )
}

/// Functions that find an object by its dotted path.
fn resolves(module: &str, name: &str) -> bool {
    matches!(
        (module, name),
        ("pydoc", "locate")
            | ("pkgutil", "resolve_name")
            | ("logging.config", "_resolve")
            | ("zope.dottedname.resolve", "resolve")
            | ("hydra.utils" | "hydra._internal.utils", "get_class" | "get_method" | "get_object" | "_locate" | "_get_cls_name")
            | ("django.utils.module_loading" | "werkzeug.utils", "import_string")
            | ("twisted.python.reflect", "namedAny" | "namedObject")
            | ("xmlrpc.server", "resolve_dotted_attribute")
    )
}

/// The name by which the tables here know a module.
fn canonical(module: &str) -> &str {
    match module {
        "__builtin__" | "six.moves.builtins" | "future_builtins" => "builtins",
        "copy_reg" | "six.moves.copyreg" => "copyreg",
        "_functools" => "functools",
        "_operator" => "operator",
        "_codecs" => "codecs",
        "cPickle" | "_pickle" => "pickle",
        "_signal" => "signal",
        "_frozen_importlib" => "importlib._bootstrap",
        m => m,
    }
}

/// Whether a name is a module's dictionary: what its entries are is known by their keys.
fn namespace(name: &str) -> Option<&str> {
    ["__dict__", "__globals__", "func_globals", "f_globals", "__builtins__"].into_iter().find_map(|end| {
        let before = name.strip_suffix(end)?;
        (before.is_empty() || before.ends_with('.')).then_some(end)
    })
}

impl Machine<'_> {
    /// Follows a callee to the import that is called in the end, with the arguments that it gets.
    pub(super) fn target(&mut self, callee: Value, args: Value, at: u64) -> Result<Target> {
        let (mut callee, mut args) = (callee, args);
        for _ in 0..DEPTH {
            let global = match callee.kind() {
                Kind::Global(id) => return Ok(Target::Import(id, args)),
                Kind::Call { global, .. } => global,
                _ => return Ok(Target::Unknown),
            };
            let (module, name) = self.canonical_name(global);
            let Some(made_with) = self.args_of(callee) else { return Ok(Target::Unknown) };
            let first = made_with.first().copied();
            match (module.as_str(), name.as_str()) {
                ("functools", "partial" | "_partial") => {
                    let (Some(f), Some(given)) = (first, self.items(args)) else { return Ok(Target::Unknown) };
                    let mut all = made_with.get(1..).unwrap_or(&[]).to_vec();
                    all.extend(given);
                    args = self.tuple_of(&all);
                    callee = f;
                }
                ("types", "MethodType") | ("new", "instancemethod") => {
                    let (Some(f), Some(given)) = (first, self.items(args)) else { return Ok(Target::Unknown) };
                    let mut all: Vec<Value> = made_with.get(1).copied().into_iter().collect();
                    all.extend(given);
                    args = self.tuple_of(&all);
                    callee = f;
                }
                // What it fetches counts as what `getattr` does. By itself it does nothing.
                ("operator", "attrgetter") => {
                    let owner = self.items(args).and_then(|i| i.first().copied());
                    let (Some(owner), Some(path)) = (owner, first.and_then(|v| self.string(v))) else { return Ok(Target::Unknown) };
                    let Some(found) = self.fetch(owner, &path, at)? else { return Ok(Target::Unknown) };
                    self.wrap_callee(global, Some(found), at);
                    return Ok(Target::Found(found));
                }
                // A class that is handed the class of the objects it puts together.
                ("torch_geometric.data.batch", "DynamicInheritanceGetter") => {
                    let (Some(class), Some(given)) = (self.items(args).and_then(|i| i.first().copied()), self.items(args)) else {
                        return Ok(Target::Unknown);
                    };
                    args = self.tuple_of(given.get(1..).unwrap_or(&[]));
                    callee = class;
                }
                ("operator", "itemgetter") => {
                    let owner = self.items(args).and_then(|i| i.first().copied());
                    let (Some(owner), Some(key)) = (owner, first) else { return Ok(Target::Unknown) };
                    return Ok(self.item(owner, key, at)?.map_or(Target::Unknown, Target::Found));
                }
                ("operator", "methodcaller") => {
                    let owner = self.items(args).and_then(|i| i.first().copied());
                    let (Some(owner), Some(method)) = (owner, first.and_then(|v| self.string(v))) else { return Ok(Target::Unknown) };
                    let rest = made_with.get(1..).unwrap_or(&[]).to_vec();
                    let target = self.method(owner, &method, &rest, at)?;
                    if let Target::Import(found, _) = target {
                        self.wrap_callee(global, Some(Value::global(found)), at);
                    }
                    return Ok(target);
                }
                // A method of a constant or of an object that a call made.
                ("builtins", "getattr" | "object.__getattribute__" | "str.__getattribute__" | "bytes.__getattribute__") => {
                    let (Some(owner), Some(method)) = (first, made_with.get(1).and_then(|v| self.string(*v))) else { return Ok(Target::Unknown) };
                    let Some(rest) = self.items(args) else { return Ok(Target::Unknown) };
                    return self.method(owner, &method, &rest, at);
                }
                _ => return Ok(Target::Unknown),
            }
        }
        Ok(Target::Unknown)
    }

    /// `owner.method(*rest)`, as a call of the function in the owner's type.
    fn method(&mut self, owner: Value, method: &str, rest: &[Value], at: u64) -> Result<Target> {
        let kind = match owner.kind() {
            Kind::Global(_) | Kind::Call { .. } if self.constant(owner).is_none() => {
                let Some(found) = self.fetch(owner, method, at)? else { return Ok(Target::Unknown) };
                let args = self.tuple_of(rest);
                return Ok(match found.kind() {
                    Kind::Global(id) => Target::Import(id, args),
                    _ => Target::Unknown,
                });
            }
            Kind::Str(_) => "str",
            Kind::Bytes(_) => "bytes",
            Kind::Dict(_) => "dict",
            Kind::List(_) => "list",
            _ => match self.constant(owner) {
                Some(super::constant::Constant::Text(_)) => "str",
                Some(super::constant::Constant::Bytes(_)) => "bytes",
                None => return Ok(Target::Unknown),
            },
        };
        let mut all = vec![owner];
        all.extend_from_slice(rest);
        let args = self.tuple_of(&all);
        let id = self.named("builtins", &format!("{kind}.{method}"), at, 1, false)?;
        Ok(Target::Import(id, args))
    }

    /// The object that an attribute of something imported is; `None` for attributes of data.
    fn fetch(&mut self, owner: Value, attr: &str, at: u64) -> Result<Option<Value>> {
        let (module, name) = match owner.kind() {
            Kind::Global(o) => match self.globals.get(o as usize) {
                Some(g) => (g.module.clone(), g.name.clone()),
                None => return Ok(None),
            },
            Kind::Call { global, .. } if self.constant(owner).is_none() => match self.globals.get(global as usize) {
                Some(g) => (g.module.clone(), format!("{}()", g.name)),
                None => return Ok(None),
            },
            _ => return Ok(None),
        };
        let dotted = if name.is_empty() { attr.to_string() } else { format!("{name}.{attr}") };
        self.named(&module, &dotted, at, 1, false).map(|id| Some(Value::global(id)))
    }

    /// The entry of a module table or of a module's dictionary.
    fn item(&mut self, owner: Value, key: Value, at: u64) -> Result<Option<Value>> {
        let (Kind::Global(o), Some(key)) = (owner.kind(), self.string(key)) else { return Ok(None) };
        let Some(g) = self.globals.get(o as usize) else { return Ok(None) };
        let (module, name) = (g.module.clone(), g.name.clone());
        let (module, name) = match (module.as_str(), name.as_str(), namespace(&name)) {
            ("sys", "modules", _) => (key, String::new()),
            (_, _, Some("__builtins__")) => ("builtins".to_string(), key),
            (_, _, Some(_)) if key == "__builtins__" => ("builtins".to_string(), "__dict__".to_string()),
            (_, dict, Some("__dict__")) => {
                let of = dict.trim_end_matches("__dict__");
                (module, format!("{of}{key}"))
            }
            (_, _, Some(_)) => (module, key),
            (_, _, None) => return Ok(None),
        };
        self.named(&module, &name, at, 1, false).map(|id| Some(Value::global(id)))
    }

    /// Calls whose result, or whose own calls, are known from constant arguments.
    pub(super) fn follow(&mut self, id: u32, args: Value, result: Value, at: u64, len: u64) -> Result<Option<Value>> {
        let (module, name) = self.canonical_name(id);
        let items = self.items(args);
        let first = items.as_ref().and_then(|i| i.first().copied());
        let second = items.as_ref().and_then(|i| i.get(1).copied());
        if (module.as_str(), name.as_str()) == ("builtins", "iter") {
            if let (Some(of), Some([_])) = (first, items.as_deref())
                && self.holds_values(of)
            {
                return Ok(None);
            }
            let shown = first.map(|f| self.show(f)).unwrap_or_default();
            self.wrap(id, ("?".to_string(), shown));
        }
        self.fills_up(&module, &name, items.as_deref().unwrap_or(&[]), at);
        if let Some(handing) = handing(&module, &name) {
            self.hand(&handing, items.as_deref(), at, len)?;
            return Ok(None);
        }
        if let Some(n) = makes(&module, &name) {
            return self.make(n, &name, items.as_deref(), at);
        }
        if imports(&module, &name) {
            return self.imported(id, &name, items.as_deref().unwrap_or(&[]), at);
        }
        if resolves(&module, &name) {
            let Some(path) = first.and_then(|s| self.string(s)) else { return Ok(None) };
            let Some((m, n)) = path.split_once(':').or_else(|| path.rsplit_once('.')) else {
                return self.named(&path, "", at, 1, false).map(|id| Some(Value::global(id)));
            };
            return self.named(m, n, at, 1, false).map(|id| Some(Value::global(id)));
        }
        if let ("dill._dill" | "dill.dill", "_load_type") | ("cloudpickle.cloudpickle" | "cloudpickle.cloudpickle_fast" | "cloudpickle", "_builtin_type") =
            (module.as_str(), name.as_str())
        {
            return self.type_by_name(id, first, at);
        }
        // Scipy's takes a name, see below.
        if loads(&name) && module != "scipy._lib._uarray._backend" {
            self.loaded(items.as_deref(), result, at, !rebuilds(&name));
            return Ok(None);
        }
        match (module.as_str(), name.as_str()) {
            ("copyreg", "add_extension") => {
                if let Some([m, n, code]) = items.as_deref().and_then(|i| <[Value; 3]>::try_from(i).ok())
                    && let (Some(m), Some(n), Some(code)) = (self.text_or_bytes(m), self.text_or_bytes(n), self.code(code))
                {
                    self.extend(code, m, n);
                }
                Ok(None)
            }
            // The second is how Python 2 writes a bytearray.
            ("codecs", "encode") | ("builtins", "bytes" | "bytearray") if second.is_some() => {
                self.latin1(first, second);
                Ok(None)
            }
            // A bound method does nothing until it is called, which [`Machine::target`] follows.
            ("functools", "partial" | "_partial") | ("types", "MethodType") => {
                self.wrap_callee(id, first, at);
                Ok(None)
            }
            // `kind(function, *args, **keywords)`, a partial as a rule.
            ("dill._dill" | "dill.dill", "_create_ftype") => {
                let (Some(kind), Some(function)) = (first, second) else {
                    self.wrap(id, ("?".to_string(), "…".to_string()));
                    return Ok(None);
                };
                self.wrap_callee(id, Some(kind), at);
                let mut all = vec![function];
                all.extend(items.as_ref().and_then(|i| i.get(2)).and_then(|a| self.items(*a)).unwrap_or_default());
                let args = self.tuple_of(&all);
                self.handed_on(kind, args, at, len)
            }
            // How dill writes these three: whatever else stands there is evaluated.
            ("dill._dill" | "dill.dill", "_eval_repr") => {
                let shown = first.and_then(|v| self.string(v)).unwrap_or_default();
                let bounds = shown.strip_prefix("range(").and_then(|rest| rest.strip_suffix(')'));
                let numbers = |b: &str| b.chars().all(|c| c.is_ascii_digit() || matches!(c, ',' | ' ' | '-'));
                if !matches!(shown.as_str(), "Ellipsis" | "NotImplemented") && !bounds.is_some_and(numbers) {
                    self.state_evaluated(result, at, len);
                }
                Ok(None)
            }
            // `eval(type + '.__dict__["' + name + '"]')`: the type is taken out of the description, which any text may stand for.
            ("dill._dill" | "dill.dill", "_getattr") => {
                let class = match first.map(Value::kind) {
                    Some(Kind::Global(class)) => self.canonical_name(class),
                    _ => Default::default(),
                };
                let dotted = if class.0 == "builtins" { class.1.clone() } else { format!("{}.{}", class.0, class.1) };
                let word = |n: &String| n.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
                let shown = items.as_ref().and_then(|i| i.get(2)).and_then(|s| self.string(*s));
                match second.and_then(|s| self.string(s)).filter(word) {
                    Some(n) if shown == Some(format!("<method '{n}' of '{dotted}' objects>")) => {
                        let method = format!("{}.{n}", class.1);
                        self.wrap(id, (class.0.clone(), method.clone()));
                        return self.named(&class.0, &method, at, 1, false).map(|id| Some(Value::global(id)));
                    }
                    _ => self.state_evaluated(result, at, len),
                }
                Ok(None)
            }
            // A method that is handed nothing but its object. With arguments it is a call that somebody else makes.
            ("operator", "methodcaller") => {
                let plain = first.and_then(|n| self.string(n)).is_some_and(|n| !n.starts_with('_'));
                if !plain || items.is_none_or(|i| i.len() > 1) {
                    self.wrap(id, ("?".to_string(), first.map(|n| self.show(n)).unwrap_or_default()));
                }
                Ok(None)
            }
            // A text is the path of a file that it opens; an object is read from.
            ("dateutil.tz.tz" | "dateutil.tz", "tzfile") if first.is_none_or(|f| !matches!(f.kind(), Kind::None)) => {
                self.wrap(id, ("?".to_string(), first.map(|f| self.show(f)).unwrap_or_default()));
                Ok(None)
            }
            // A text is the path of a file that its `__new__` reads; a tokenizer's model that a library pickled is made of nothing.
            ("tokenizers.models", _) if items.as_ref().is_none_or(|i| !i.is_empty()) => {
                self.wrap(id, ("?".to_string(), first.map(|f| self.show(f)).unwrap_or_default()));
                Ok(None)
            }
            // The class of that name, or a new one of tuples with names when there is none.
            ("dill._dill" | "dill.dill", "_create_namedtuple") => {
                let module = items.as_ref().and_then(|i| i.get(2)).and_then(|m| self.string(*m));
                let (Some(m), Some(n)) = (module, first.and_then(|v| self.string(v))) else {
                    self.wrap(id, ("?".to_string(), "?".to_string()));
                    return Ok(None);
                };
                // It is imported as any other class, and judged as such.
                self.wrap(id, (m.clone(), n.clone()));
                self.named(&m, &n, at, 1, true).map(|id| Some(Value::global(id)))
            }
            // Of a text that is no module yet it takes what the builtins have under the name.
            ("dill._dill" | "dill.dill", "_get_attr") if first.and_then(|v| self.string(v)).is_some_and(|v| v == "builtins" || v == "__builtin__") => {
                let Some(n) = second.and_then(|v| self.string(v)) else {
                    self.wrap(id, ("?".to_string(), "?".to_string()));
                    return Ok(None);
                };
                self.wrap(id, ("builtins".to_string(), n.clone()));
                self.named("builtins", &n, at, 1, false).map(|id| Some(Value::global(id)))
            }
            // `getattr(__import__(module), name)` in one call.
            ("numpy.core" | "numpy._core", "_ufunc_reconstruct") | ("scipy._lib._uarray._backend", "unpickle_function") => {
                // Scipy's takes an object, too, which it binds the function to.
                let bound = items.as_ref().and_then(|i| i.get(2)).is_some_and(|own| !matches!(own.kind(), Kind::None));
                let (Some(m), Some(n), false) = (first.and_then(|v| self.string(v)), second.and_then(|v| self.string(v)), bound) else {
                    self.wrap(id, ("?".to_string(), "?".to_string()));
                    return Ok(None);
                };
                self.wrap(id, (m.clone(), n.clone()));
                self.named(&m, &n, at, 1, false).map(|id| Some(Value::global(id)))
            }
            ("builtins", "getattr" | "object.__getattribute__" | "type.__getattribute__")
            | ("dill._dill" | "dill.dill", "_get_attr")
            | ("cloudpickle.cloudpickle" | "cloudpickle", "_getattribute")
            | ("pickle", "_getattribute")
            | ("inspect", "getattr_static") => {
                let attr = second.and_then(|s| self.string(s));
                let found = match (first, attr) {
                    (Some(owner), Some(attr)) => self.fetch(owner, &attr, at)?,
                    _ => None,
                };
                let wrapped = match found.map(Value::kind) {
                    Some(Kind::Global(f)) => self.globals.get(f as usize).map(|g| (g.module.clone(), g.name.clone())),
                    _ => None,
                };
                let of_plain = |m: &Self| {
                    let class = plain_type(first?).or_else(|| m.constant(first?).map(|c| if let Constant::Text(_) = c { "str" } else { "bytes" }))?;
                    Some(("builtins".to_string(), format!("{class}.{}", second.and_then(|s| m.string(s))?)))
                };
                let wrapped = wrapped.or_else(|| of_plain(self)).unwrap_or_else(|| ("?".to_string(), first.map(|f| self.show(f)).unwrap_or_default()));
                self.wrap(id, wrapped);
                Ok(found)
            }
            ("builtins", "vars") => match first {
                Some(owner) => self.fetch(owner, "__dict__", at),
                None => Ok(None),
            },
            // The unpickler's caller: whose names they are is not known, but the builtins are among them.
            ("builtins", "globals" | "locals") => self.named("__main__", "__dict__", at, 1, false).map(|id| Some(Value::global(id))),
            ("operator", "getitem") | ("builtins", "dict.get" | "dict.__getitem__" | "dict.pop" | "dict.setdefault") => match (first, second) {
                (Some(owner), Some(key)) => self.item(owner, key, at),
                _ => Ok(None),
            },
            _ => self.entry(id, first, at),
        }
    }

    /// A container that is made of everything that something hands out, which may be without end.
    fn fills_up(&mut self, module: &str, name: &str, items: &[Value], at: u64) {
        let container = match module {
            "builtins" => {
                matches!(name, "list" | "tuple" | "set" | "frozenset" | "dict" | "bytes" | "bytearray" | "sum" | "sorted" | "max" | "min" | "any" | "all")
            }
            "collections" => matches!(name, "deque" | "OrderedDict" | "Counter" | "UserList"),
            "array" => name == "array",
            "numpy" => matches!(name, "bytes_" | "string_"),
            // What keeps an iterator, or a function that draws from one.
            "itertools" | "functools" | "types" | "copyreg" | "operator" => return,
            _ => false,
        };
        // The array that a library rebuilds is empty until its state comes, a storage of torch's comes by its id, and a sparse matrix with its state.
        let sized = match module.split('.').next() {
            Some("numpy") => matches!(name, "ndarray" | "recarray" | "chararray" | "matrix" | "_reconstruct" | "_mareconstruct" | "_mrreconstruct"),
            Some("torch") => name.ends_with("Storage") || name.ends_with("Tensor"),
            Some("scipy") => module.starts_with("scipy.sparse."),
            _ => false,
        };
        if sized {
            let most = items.iter().map(|v| self.cells(*v)).max().unwrap_or(0);
            if most >= FILLED {
                self.facts_capped((at, 1, Fact::Expansion { power: most.ilog2() + 1 }));
            }
        }
        if let ("fractions", "Fraction") | ("builtins", "int" | "long") | ("sympy.core.numbers", "Rational" | "Float") = (module, name)
            && let Some(power) = items.first().and_then(|v| self.written_out(*v))
        {
            self.facts_capped((at, 1, Fact::Expansion { power }));
        }
        if let Some(most) = self.computed(module, name, items) {
            self.facts_capped((at, 1, Fact::Expansion { power: most.ilog2() + 1 }));
        }
        if !container && (!self.endless || matches!(name, "zip" | "izip" | "enumerate" | "iter" | "reversed" | "getattr")) {
            return;
        }
        let zeros = |v: &Value| match v.kind() {
            Kind::Int(n) if name.starts_with("bytes") || matches!(name, "bytearray" | "string_") => u64::try_from(n).unwrap_or(0),
            _ => 0,
        };
        let most = items.iter().map(|v| self.lasts(*v, DEPTH).max(zeros(v))).max().unwrap_or(0);
        // Others may know what to do with an object of some class, and an index keeps a range as it is.
        let least = match name {
            _ if container => FILLED,
            _ if name.ends_with("Index") => u64::MAX,
            _ => WAITED_FOR,
        };
        if most >= least && (container || most != u64::MAX - 1) {
            self.facts_capped((at, 1, Fact::Expansion { power: most.ilog2() + 1 }));
        }
    }

    /// The number that makes sympy compute without end: an exponent of a number, or what it counts with. What it has computed stands in a pickle as the
    /// number that came out.
    fn computed(&self, module: &str, name: &str, items: &[Value]) -> Option<u64> {
        let whole = |v: &Value| match v.kind() {
            Kind::Int(n) => Some(n),
            Kind::Call { global, .. } if self.canonical_name(global).1 == "Integer" => match self.args_of(*v)?.first()?.kind() {
                Kind::Int(n) => Some(n),
                // A number of more than eight bytes.
                Kind::Plain => Some(i64::MAX),
                _ => None,
            },
            _ => None,
        };
        let most = match (module.strip_prefix("sympy.")?, name, items) {
            ("core.power", "Pow", [base, exponent, ..]) if whole(base)?.unsigned_abs() > 1 => whole(exponent)?,
            ("combinatorics.permutations", "Permutation", [_, size, ..]) => whole(size)?,
            (of, ..) if of.starts_with("functions.combinatorial.") => items.iter().filter_map(whole).max()?,
            _ => return None,
        };
        (most.abs() >= COMPUTED).then(|| most.unsigned_abs())
    }

    /// What a number with an exponent comes to when it is written out, as a power of two; a long one takes hours.
    fn written_out(&self, v: Value) -> Option<u32> {
        let text = match v.kind() {
            Kind::Call { global, .. } if self.canonical_name(global).1 == "Decimal" => self.string(*self.args_of(v)?.first()?)?,
            _ => self.string(v)?,
        };
        let (_, exponent) = text.rsplit_once(['e', 'E'])?;
        let digits = exponent.trim_start_matches(['+', '-']).replace('_', "");
        digits.trim().parse::<u64>().ok().filter(|n| *n >= 1 << 22).map(|n| n.saturating_mul(3).try_into().unwrap_or(u32::MAX))
    }

    /// How many items an iterator hands out that computes them, 0 if it hands out what stands in the pickle.
    fn lasts(&self, v: Value, depth: u32) -> u64 {
        let (Kind::Call { global, .. }, Some(depth)) = (v.kind(), depth.checked_sub(1)) else { return 0 };
        let (Some(args), (module, name)) = (self.args_of(v), self.canonical_name(global)) else { return 0 };
        let int = |n: usize| match args.get(n).map(|v| v.kind()) {
            Some(Kind::Int(n)) => Some(n),
            // A number of more than eight bytes.
            Some(Kind::Plain) => Some(i64::MAX),
            _ => None,
        };
        // What is chained with itself again and again takes as many steps as it has items: more than anybody waits for.
        let of = |n: usize| match self.spend(STEP) {
            Some(()) => args.get(n).map_or(0, |v| self.lasts(*v, depth)),
            None => u64::MAX,
        };
        match (module.as_str(), name.as_str()) {
            ("itertools", "count" | "cycle") => u64::MAX,
            ("itertools", "repeat") => int(1).map_or(u64::MAX, |n| u64::try_from(n).unwrap_or(0)),
            ("itertools", "chain") => (0..args.len()).map(of).max().unwrap_or(0),
            ("itertools", "islice") => match (int(1), int(2)) {
                (Some(_), Some(stop)) | (Some(stop), None) if args.len() <= 2 || int(2).is_some() => of(0).min(u64::try_from(stop).unwrap_or(0)),
                _ => of(0),
            },
            ("itertools", "zip_longest" | "izip_longest") => (0..args.len()).map(of).max().unwrap_or(0),
            ("builtins", "zip") | ("itertools", "izip" | "compress") => (0..args.len()).map(of).min().unwrap_or(0),
            ("builtins", "enumerate" | "iter" | "reversed") => of(0),
            ("builtins", "range" | "xrange") => {
                let (from, to) = if args.len() > 1 { (int(0), int(1)) } else { (Some(0), int(0)) };
                let step = int(2).unwrap_or(1).unsigned_abs().max(1);
                from.zip(to).map_or(0, |(from, to)| from.abs_diff(to) / step)
            }
            // An object that the pickle makes of another class hands out what its `__getitem__` does, for ever if that never raises: of `numpy.s_`
            // say, or of a list that holds a class. No library goes over one while it loads.
            ("builtins" | "itertools" | "array" | "codecs" | "datetime" | "functools" | "dill._dill", _) => 0,
            ("collections", name) if !name.starts_with("User") => 0,
            (module, "_reconstruct" | "ndarray" | "scalar" | "dtype" | "_frombuffer") if module.starts_with("numpy") => 0,
            _ if self.globals.get(global as usize).is_some_and(|g| g.tensor) => 0,
            _ => u64::MAX - 1,
        }
    }

    /// How many items an array of this shape has.
    fn cells(&self, shape: Value) -> u64 {
        let sides = match shape.kind() {
            Kind::Int(_) => vec![shape],
            Kind::Tuple(_) => self.items(shape).unwrap_or_default(),
            _ => return 0,
        };
        sides.iter().fold(1, |cells: u64, side| match side.kind() {
            Kind::Int(n) => cells.saturating_mul(u64::try_from(n).unwrap_or(0)),
            _ => 0,
        })
    }

    /// Whether going over it hands out values that stand in the pickle, and calls nothing.
    fn holds_values(&self, v: Value) -> bool {
        match v.kind() {
            Kind::Str(_) | Kind::Bytes(_) | Kind::List(_) | Kind::Dict(_) | Kind::Tuple(_) | Kind::Set(_) => true,
            Kind::Call { global, .. } => {
                // Protocols up to 2 write bytes as a call that encodes a text.
                matches!(self.canonical_name(global), (m, n) if m == "builtins" && matches!(n.as_str(), "range" | "xrange")) || self.constant(v).is_some()
            }
            _ => false,
        }
    }

    /// Tables of types, by the names of the module `types` and of the builtins.
    fn type_by_name(&mut self, id: u32, named: Option<Value>, at: u64) -> Result<Option<Value>> {
        let Some(named) = named.and_then(|v| self.string(v)) else {
            self.wrap(id, ("?".to_string(), "?".to_string()));
            return Ok(None);
        };
        let (module, name) = type_called(&named);
        self.wrap(id, (module.to_string(), name.to_string()));
        self.named(module, name, at, 1, false).map(|id| Some(Value::global(id)))
    }

    /// `sys.modules.get(key)` and its like: the table is part of the dotted name.
    fn entry(&mut self, id: u32, key: Option<Value>, at: u64) -> Result<Option<Value>> {
        let Some(g) = self.globals.get(id as usize) else { return Ok(None) };
        let (module, name) = (g.module.clone(), g.name.clone());
        let Some((table, "get" | "__getitem__" | "pop" | "setdefault")) = name.rsplit_once('.') else { return Ok(None) };
        let Some(key) = key else { return Ok(None) };
        if (module.as_str(), table) != ("sys", "modules") && namespace(table).is_none() {
            return Ok(None);
        }
        let owner = self.named(&module, table, at, 1, false)?;
        self.item(Value::global(owner), key, at)
    }

    /// A function calls the function it was handed.
    fn hand(&mut self, handing: &Handing, items: Option<&[Value]>, at: u64, len: u64) -> Result<()> {
        let (Handing::Rest { f, .. }
        | Handing::Tuple { f, .. }
        | Handing::Each { f, .. }
        | Handing::Star { f, .. }
        | Handing::Pairs { f, .. }
        | Handing::On { f, .. }
        | Handing::Own { f }) = *handing;
        let Some(items) = items else {
            self.facts_capped((at, len, Fact::ComputedImport { text: "(…)".into() }));
            return Ok(());
        };
        let Some(callee) = items.get(f).copied() else { return Ok(()) };
        self.lost |= matches!(callee.kind(), Kind::Lost);
        if !matches!(callee.kind(), Kind::Global(_) | Kind::Call { .. } | Kind::Persistent(_)) {
            return Ok(());
        }
        let unknown = |m: &mut Self| m.tuple_of(&[Value::PLAIN]);
        let calls: Vec<Value> = match *handing {
            Handing::Rest { from, .. } => vec![self.tuple_of(items.get(from..).unwrap_or(&[]))],
            Handing::Tuple { args, .. } => match items.get(args) {
                Some(args) if self.items(*args).is_some() => vec![*args],
                Some(_) => vec![unknown(self)],
                None => vec![Value::tuple(0, 0)],
            },
            Handing::Each { items: from, .. } => match items.get(from).and_then(|v| self.items(*v)) {
                Some(each) => each.iter().take(MAPPED).map(|v| self.tuple_of(&[*v])).collect(),
                None => vec![unknown(self)],
            },
            Handing::Star { items: from, .. } => match items.get(from).and_then(|v| self.items(*v)) {
                Some(each) => each.into_iter().take(MAPPED).collect(),
                None => vec![unknown(self)],
            },
            Handing::Pairs { items: from, .. } => {
                let all = items.get(from).and_then(|v| self.items(*v)).unwrap_or_default();
                let mut two: Vec<Value> = items.get(from + 1).copied().into_iter().chain(all).collect();
                two.truncate(2);
                vec![self.tuple_of(&two)]
            }
            Handing::On { arg, .. } => vec![self.tuple_of(&[items.get(arg).copied().unwrap_or(Value::PLAIN)])],
            Handing::Own { .. } => vec![unknown(self)],
        };
        // An empty sequence calls nothing now, and whoever fills it does later.
        let calls = if calls.is_empty() { vec![Value::tuple(0, 0)] } else { calls };
        for args in calls {
            self.hand_on(callee, args, at, len)?;
        }
        Ok(())
    }

    /// Makes an object of a class that is an argument.
    fn make(&mut self, n: usize, name: &str, items: Option<&[Value]>, at: u64) -> Result<Option<Value>> {
        let class = items.and_then(|i| i.get(n).copied());
        let Some(Kind::Global(class)) = class.map(Value::kind) else {
            let text = format!("{name}({}, …)", class.map(|c| self.show(c)).unwrap_or_else(|| "…".into()));
            self.facts_capped((at, 1, Fact::ComputedImport { text }));
            return Ok(None);
        };
        // An array over a file is made as any array is: its own constructor, which opens the file, does not run.
        let (module, made) = self.canonical_name(class);
        if name == "_reconstruct" && matches!((module.as_str(), made.as_str()), ("numpy" | "numpy.core.memmap", "memmap")) {
            return Ok(None);
        }
        self.used(class, Hand::Make, "(…)", at);
        if matches!(name, "_reconstructor" | "_custom_reconstruct")
            && let Some(Kind::Global(base)) = items.and_then(|i| i.get(1)).map(|v| v.kind())
            && self.canonical_name(base) != ("builtins".to_string(), "object".to_string())
        {
            // `base.__init__(obj, state)` runs.
            let state = items.and_then(|i| i.get(2)).map(|v| self.show(*v)).unwrap_or_default();
            self.used(base, Hand::Call, &format!("({state})"), at);
        }
        if !matches!(name, "_reconstructor" | "__newobj__" | "__newobj_ex__") {
            return Ok(None);
        }
        let rest = items.and_then(|i| i.get(1..)).unwrap_or(&[]);
        let made = self.result_of(class, rest);
        if self.globals.get(class as usize).is_some_and(|g| g.evaluates) && self.has_code(rest, 6) {
            self.state_evaluated(made, at, 1);
        }
        Ok(Some(made))
    }

    /// A name that nobody checks before it is asked for: bytes are as good as a text.
    fn text_or_bytes(&self, v: Value) -> Option<String> {
        match self.constant(v)? {
            Constant::Text(text) => Some(text),
            Constant::Bytes(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
        }
    }

    /// A module imported by name. Without a list of names to take from it, `__import__` hands back the top package.
    fn imported(&mut self, id: u32, by: &str, items: &[Value], at: u64) -> Result<Option<Value>> {
        let Some(path) = items.first().and_then(|s| self.string(*s)) else {
            self.wrap(id, ("?".to_string(), "?".to_string()));
            return Ok(None);
        };
        self.wrap(id, (path.clone(), String::new()));
        let from = items.get(3).is_some_and(|v| self.items(*v).is_none_or(|names| !names.is_empty()));
        let module = if by == "__import__" && !from { path.split('.').next().unwrap_or_default() } else { path.as_str() };
        self.named(module, "", at, 1, false).map(|id| Some(Value::global(id)))
    }

    /// Remembers what a callable wraps, and that it will be called.
    fn wrap_callee(&mut self, id: u32, callee: Option<Value>, at: u64) {
        self.callables = true;
        let wrapped = match callee.map(Value::kind) {
            Some(Kind::Global(w)) => {
                // It is called when the result is, which is followed; only `__new__` stands for its class.
                let made = self.class_of_new(w);
                if let Some(class) = made {
                    self.used(class, Hand::Make, "(…)", at);
                }
                let w = made.unwrap_or(w);
                self.globals.get(w as usize).map(|g| (g.module.clone(), g.name.clone()))
            }
            // `partial(partial(f, 1), 2)`: the inner one was judged when it was made.
            Some(Kind::Call { global, .. }) if global == id => return,
            // So was a bound method.
            Some(Kind::Call { global, .. }) if matches!(self.canonical_name(global), (m, n) if m == "types" && n == "MethodType") => return,
            _ => None,
        };
        let wrapped = wrapped.unwrap_or_else(|| ("?".to_string(), callee.map(|f| self.show(f)).unwrap_or_default()));
        self.wrap(id, wrapped);
    }

    /// BUILD on a `partial`: its state replaces the function and the arguments it was made with.
    pub(super) fn rebind(&mut self, target: Value, state: Value, at: u64) {
        let Kind::Call { global, node } = target.kind() else { return };
        if !matches!(self.canonical_name(global), (m, n) if m == "functools" && n.ends_with("partial")) {
            return;
        }
        let Some(state) = self.items(state) else {
            self.wrap(global, ("?".to_string(), "…".to_string()));
            return;
        };
        let Some(f) = state.first().copied() else { return };
        self.wrap_callee(global, Some(f), at);
        let mut all = vec![f];
        all.extend(state.get(1).and_then(|a| self.items(*a)).unwrap_or_default());
        let args = self.tuple_of(&all);
        self.replace(node, args);
    }

    /// The class that a `Class.__new__` belongs to, when the pickle imports it.
    fn class_of_new(&self, id: u32) -> Option<u32> {
        let g = self.globals.get(id as usize)?;
        let class = g.name.strip_suffix(".__new__").filter(|c| !c.ends_with("__new__"))?;
        self.imported_as(&g.module, class)
    }

    /// `Base.__new__(Class, *rest)`: making an object, as NEWOBJ does.
    pub(super) fn new_call(&mut self, id: u32, args: Value, at: u64) -> Option<(u32, Value)> {
        let owner = self.class_of_new(id)?;
        let items = self.items(args)?;
        let Some(Kind::Global(class)) = items.first().map(|v| v.kind()) else { return None };
        if class != owner {
            self.used(owner, Hand::Make, "(…)", at);
        }
        let rest = self.tuple_of(items.get(1..).unwrap_or(&[]));
        Some((class, rest))
    }

    fn canonical_name(&self, id: u32) -> (String, String) {
        self.globals.get(id as usize).map_or_else(Default::default, |g| (canonical(&g.module).to_string(), g.name.clone()))
    }

    fn hand_on(&mut self, callee: Value, args: Value, at: u64, len: u64) -> Result<()> {
        self.handed_on(callee, args, at, len).map(|_| ())
    }

    /// A call by a function that was handed the callee, and what it hands back.
    fn handed_on(&mut self, callee: Value, args: Value, at: u64, len: u64) -> Result<Option<Value>> {
        if self.handed >= DEPTH {
            let text = self.show(callee);
            self.facts_capped((at, len, Fact::ComputedImport { text }));
            return Ok(None);
        }
        self.handed += 1;
        let result = self.call(callee, args, at, len, Hand::Call);
        self.handed -= 1;
        result.map(Some)
    }
}

/// The type of a plain value, whose methods do nothing until they are called.
fn plain_type(v: Value) -> Option<&'static str> {
    Some(match v.kind() {
        Kind::Str(_) => "str",
        Kind::Bytes(_) => "bytes",
        Kind::List(_) => "list",
        Kind::Dict(_) => "dict",
        Kind::Tuple(_) => "tuple",
        Kind::Set(_) => "set",
        Kind::Int(_) => "int",
        Kind::Bool(_) => "bool",
        // A floating point number, or a buffer, which has no more to call.
        Kind::Plain => "float",
        _ => return None,
    })
}

/// The type that dill and cloudpickle know by a name.
fn type_called(name: &str) -> (&str, &str) {
    match name {
        "PartialType" => ("functools", "partial"),
        "ItemGetterType" => ("operator", "itemgetter"),
        "AttrGetterType" => ("operator", "attrgetter"),
        "ClassType" | "TypeType" => ("builtins", "type"),
        // The module `types` of Python 2 has a second name for every plain type.
        "SliceType" => ("builtins", "slice"),
        "DictType" | "DictionaryType" => ("builtins", "dict"),
        "ListType" => ("builtins", "list"),
        "TupleType" => ("builtins", "tuple"),
        "StringType" => ("builtins", "str"),
        "UnicodeType" => ("__builtin__", "unicode"),
        "IntType" => ("builtins", "int"),
        "LongType" => ("__builtin__", "long"),
        "FloatType" => ("builtins", "float"),
        "ComplexType" => ("builtins", "complex"),
        "BooleanType" => ("builtins", "bool"),
        "ObjectType" => ("builtins", "object"),
        "XRangeType" => ("builtins", "range"),
        // What the module `types` holds has names of its own; exceptions and plain types are builtins.
        _ if name.ends_with("Type") || matches!(name, "SimpleNamespace" | "GenericAlias") => ("types", name),
        _ => ("builtins", name),
    }
}

/// Whether a function loads bytes that it is handed as objects, by the names that all libraries give such functions.
fn loads(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or(name).trim_start_matches('_').to_ascii_lowercase();
    last.starts_with("load") || last.contains("pickle") && !last.starts_with("pyx_")
}

/// Whether a function has the name of those that build an object again, of several arguments: some of them are pickles, others buffers
/// of the library's own. What it may do beside loading them is the table's to say.
fn rebuilds(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or(name).trim_start_matches('_');
    last.strip_prefix("unpickle_").is_some_and(|what| !what.is_empty())
}
