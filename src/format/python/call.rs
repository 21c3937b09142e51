//! What names, attributes and calls come to, and what a call does.

use super::effect::{Effect, Spot};
use super::value::{Value, What, origin};
use super::{CALLS, Edge, Scope, Sort, Walker, brought, effect, value};
use std::rc::Rc;

/// Methods that run because an object is made, and those that its use runs without naming them: by signs, loops and brackets.
const MADE: &[&str] = &[
    "find_spec", "find_module", "create_module", "exec_module", "load_module", "__init__", "__new__", "__post_init__", "__del__", "__getitem__", "__setitem__",
    "__add__", "__radd__", "__sub__", "__mul__", "__matmul__", "__truediv__", "__or__", "__and__", "__xor__", "__lshift__", "__rshift__", "__mod__",
    "__iter__", "__next__", "__contains__", "__eq__", "__lt__", "__gt__", "__neg__", "__invert__", "__bool__", "__str__", "__repr__", "__format__",
    "__index__", "__hash__", "__set_name__", "__get__",
];

/// Whether a call names a file whose ending says that it holds data: weights, settings, pictures.
fn names_data(call: &[u8]) -> bool {
    const DATA: &[&[u8]] = &[
        b"json", b"bin", b"pt", b"pth", b"ckpt", b"safetensors", b"gguf", b"onnx", b"h5", b"npy", b"npz", b"pkl", b"dat", b"png", b"jpg", b"gif", b"model",
        b"msgpack", b"md", b"csv", b"zip",
    ];
    call.len() < 4000
        && call.split(|b| matches!(b, b'\'' | b'"')).skip(1).step_by(2).any(|quoted| {
            let mut parts = quoted.rsplit(|b| *b == b'.');
            let ending = parts.next().unwrap_or(&[]);
            parts.next().is_some() && DATA.contains(&ending)
        })
}

/// One word as a shell would need it written.
fn quote(word: &[u8]) -> Vec<u8> {
    if word.iter().all(|c| c.is_ascii_alphanumeric() || b"-_./:=@%+,$~".contains(c)) && !word.is_empty() {
        return word.to_vec();
    }
    let mut out = vec![b'\''];
    out.extend(word.iter().filter(|c| **c != b'\''));
    out.push(b'\'');
    out
}

impl Walker<'_> {
    /// A function that runs programs or code and is kept in a list or handed to somebody: who calls it cannot be seen.
    pub(super) fn handed(&mut self, v: &Value) {
        if let Some(path) = v.as_path()
            && matches!(effect::of(path), Some(Effect::Process(_) | Effect::Exec | Effect::Marshal))
            && !matches!(path, "subprocess.Popen" | "subprocess.run" | "eval")
            && !path.starts_with("types.")
        {
            self.note("handed", v.at, v.at + path.len());
        }
    }

    /// What a method that says how its object is pickled gives back: unpickling calls the first of it.
    pub(super) fn reduced(&mut self, v: &Value) {
        if let What::Seq(parts) = &v.what
            && self.scopes.get(self.block.scope).is_some_and(|s| s.name.starts_with("__reduce"))
            && let Some(path) = parts.first().and_then(Value::as_path)
            && matches!(effect::of(path), Some(Effect::Process(_) | Effect::Exec | Effect::Marshal))
            && !path.starts_with("types.")
        {
            self.note("handed-to-pickle", v.at, self.last_end);
        }
    }

    pub(super) fn lookup(&mut self, name: &Rc<str>, at: usize) -> Value {
        let mut scope = self.block.scope;
        let mut first = true;
        while let Some(s) = self.scopes.get(scope) {
            if (first || s.sort != Sort::Class)
                && let Some(v) = s.names.get(name)
            {
                let mut v = v.clone();
                v.at = at;
                v.name = Some(name.clone());
                return v;
            }
            first = false;
            if scope == 0 {
                break;
            }
            scope = s.parent;
        }
        for module in &self.stars {
            let path = effect::normal(&format!("{module}.{name}"));
            if effect::of(&path).is_some() || path == "os.environ" {
                return Value { name: Some(name.clone()), ..Value::path(&path, 0, at) };
            }
        }
        let mut v = if effect::builtin(name) { Value::path(&effect::normal(name), 0, at) } else { Value::unknown(0, at) };
        v.name = Some(name.clone());
        v
    }

    pub(super) fn known(&self, dotted: &Rc<str>) -> Option<Value> {
        let scope = self.block.scope;
        let here = self.scopes.get(scope)?.names.get(dotted);
        let class = self.class_of(scope).and_then(|c| self.scopes.get(c)).and_then(|s| s.names.get(dotted));
        here.or(class).or_else(|| self.scopes.first().and_then(|s| s.names.get(dotted))).cloned()
    }

    pub(super) fn attribute(&mut self, recv: Value, name: &str) -> Value {
        let at = recv.at;
        let dotted: Option<Rc<str>> = recv.name.as_ref().filter(|n| n.len() < 200).map(|n| format!("{n}.{name}").into());
        if let Some(d) = &dotted
            && let Some(mut v) = self.known(d)
        {
            v.at = at;
            v.name = dotted;
            return v;
        }
        if let What::Instance(s) = recv.what
            && let Some(m) = self.scopes.get(s).and_then(|s| s.members.get(name)).copied()
            && self.scopes.get(m).is_some_and(|m| m.property)
        {
            self.edge(Edge::Scope(m));
            let result = self.scopes.get(m).and_then(|m| m.result.clone());
            return result.map_or_else(|| Value::unknown(0, at), |r| Value { from: r.from | origin::UNKNOWN, at, name: None, ..r });
        }
        let mut v = match &recv.what {
            What::Path(p) => match name {
                "__dict__" | "__call__" | "__func__" | "__wrapped__" => recv.clone(),
                "__self__" | "__builtins__" => Value::path("builtins", 0, at),
                "__globals__" | "func_globals" => Value::new(What::Globals, recv.from, at),
                "__getattribute__" => Value::new(What::Partial(Rc::new((Value::path("getattr", 0, at), vec![recv.clone()]))), 0, at),
                _ if p.len() > 300 => Value::unknown(recv.from, at),
                _ => {
                    let path = effect::normal(&format!("{p}.{name}"));
                    let from = recv.from | if path == "os.environ" { origin::ENV_ALL } else { 0 };
                    Value::path(&path, from, at)
                }
            },
            What::Local(s) | What::Instance(s) => match self.scopes.get(*s).and_then(|s| s.members.get(name)) {
                Some(m) => Value::new(What::Local(*m), 0, at),
                None if name == "__globals__" => Value::new(What::Globals, 0, at),
                None => Value::new(What::Method(Rc::new(Value { name: None, ..recv.clone() }), name.into()), recv.from | origin::UNKNOWN, at),
            },
            What::Globals => match name {
                "get" | "__getitem__" => Value::new(What::Partial(Rc::new((Value::path("getattr", 0, at), vec![recv.clone()]))), 0, at),
                "update" => Value::path("globals.update", 0, at),
                _ => self.lookup(&name.into(), at),
            },
            _ if matches!(name, "__class__" | "__base__" | "__bases__" | "__mro__" | "__subclasses__" | "mro") => Value::path(name, recv.from, at),
            _ if name == "__globals__" => Value::new(What::Globals, recv.from, at),
            _ => Value::new(What::Method(Rc::new(Value { name: None, ..recv.clone() }), name.into()), recv.from, at),
        };
        v.name = dotted;
        v
    }

    pub(super) fn subscript(&mut self, recv: Value, parts: &[Value], colons: usize) -> Value {
        let at = recv.at;
        let key = parts.first().filter(|_| colons == 0);
        let dotted = recv.name.clone();
        match &recv.what {
            What::Path(p) => match (&**p, key.and_then(Value::as_str)) {
                ("sys.modules", Some(k)) => Value::path(&effect::normal(k), 0, at),
                ("os.environ", Some(k)) => self.environment(k, at),
                ("ctypes.cdll" | "ctypes.windll", Some(k)) if k.contains(['/', '\\']) && !k.starts_with("/usr") => {
                    self.note("native-file", at, self.last_end);
                    Value::path("ctypes.CDLL()", 0, at)
                }
                (p, Some(_)) if effect::powerful(p) => key.map_or_else(|| Value::unknown(0, at), |k| self.member(&recv, &k.clone(), at)),
                ("os.environ", None) => Value::unknown(0, at),
                _ => Value { name: None, ..recv },
            },
            What::Globals => key.map_or_else(|| Value::unknown(0, at), |k| self.member(&recv, &k.clone(), at)),
            _ => {
                let mut v = value::index(&recv, parts, colons, at);
                // An assignment to one entry is an assignment to the whole.
                v.name = dotted.map(|d| format!("{d}[]").into());
                v
            }
        }
    }

    /// An attribute or entry by a value: constants are followed, anything else out of a module that can do everything is said.
    fn member(&mut self, recv: &Value, key: &Value, at: usize) -> Value {
        let Some(name) = key.as_str().filter(|n| !n.contains("$x")) else {
            let powerful = match &recv.what {
                What::Path(p) => effect::powerful(p) && &**p != "sys",
                _ => false,
            };
            if key.from & origin::DECODED != 0 && (powerful || matches!(recv.what, What::Globals)) {
                self.note("hidden-name", at, self.last_end);
                return Value::path("<hidden>", origin::DECODED, at);
            }
            if powerful {
                self.note("computed-name", at, self.last_end);
            }
            return Value::unknown(recv.from | key.from, at);
        };
        let name = name.to_string();
        let v = match &recv.what {
            What::Globals if name == "__builtins__" || name == "__builtin__" => Value::path("builtins", 0, at),
            What::Globals => {
                let v = self.lookup(&name.as_str().into(), at);
                match v.what {
                    // The globals of another module hold what it imports.
                    What::Unknown if effect::powerful(&name) => Value::path(&name, 0, at),
                    _ => v,
                }
            }
            _ => self.attribute(recv.clone(), &name),
        };
        if key.from & (origin::PIECES | origin::DECODED) != 0
            && !key.literal
            && let Some(path) = v.as_path()
            && (matches!(effect::of(path), Some(Effect::Process(_) | Effect::Exec | Effect::Compile | Effect::Marshal | Effect::Native | Effect::Inject))
                || path == "__import__")
        {
            self.note("hidden-name", at, self.last_end);
        }
        v
    }

    pub(super) fn environment(&mut self, key: &str, at: usize) -> Value {
        match key {
            "HOME" | "USERPROFILE" => Value::text(b"~", 0, at),
            "APPDATA" | "LOCALAPPDATA" => Value::text(format!("%{key}%").as_bytes(), 0, at),
            _ => Value::unknown(if effect::credential(key) { origin::ENV } else { 0 }, at),
        }
    }

    /// A call: what it gives, and a note of what it does.
    pub(super) fn call(&mut self, callee: Value, args: Vec<(Option<Rc<str>>, Value)>, at: usize, end: usize) -> Value {
        let from = args.iter().fold(callee.from, |f, a| f | a.1.from);
        let (callee, args) = match &callee.what {
            What::Partial(p) => (p.0.clone(), p.1.iter().cloned().map(|v| (None, v)).chain(args).collect()),
            _ => (callee, args),
        };
        let plain: Vec<Value> = args.iter().filter(|a| a.0.is_none()).map(|a| a.1.clone()).collect();
        match &callee.what {
            What::Path(p) => {
                let p = p.clone();
                self.call_path(&p, &args, &plain, from, at, end)
            }
            What::Local(s) => {
                let s = *s;
                self.call_local(s, &args);
                match self.scopes.get(s) {
                    Some(scope) if scope.sort == Sort::Class => Value::new(What::Instance(s), from | origin::UNKNOWN, at),
                    Some(Scope { result: Some(r), .. }) => Value { from: r.from | from | origin::UNKNOWN, at, name: None, ..r.clone() },
                    _ => Value::unknown(from, at),
                }
            }
            What::Instance(s) => {
                let s = *s;
                for m in ["__call__", "forward"] {
                    if let Some(m) = self.scopes.get(s).and_then(|c| c.members.get(m)).copied() {
                        self.edge(Edge::Scope(m));
                    }
                }
                Value::unknown(from, at)
            }
            What::Getter(name, call) => {
                let (name, call) = (Value::text(name, origin::PIECES, at), *call);
                let Some(recv) = plain.first().cloned() else {
                    return Value::unknown(from, at);
                };
                let v = self.member(&recv, &name, at);
                // `methodcaller` calls at once, with arguments that were given before.
                if call && matches!(v.what, What::Path(_)) && !matches!(&v.what, What::Path(p) if p.ends_with("()")) {
                    let path = v.as_path().unwrap_or("").to_string();
                    return self.call_path(&path, &[], &[], from, at, end);
                }
                v
            }
            What::Method(recv, name) => self.call_method(&recv.clone(), &name.clone(), &args, &plain, from, at, end),
            What::Unknown if callee.name.is_some() => {
                if let Some(name) = &callee.name
                    && !name.contains('.')
                {
                    self.edge(Edge::Name(name.clone()));
                }
                for (_, v) in &args {
                    self.handed(v);
                }
                Value::unknown(from, at)
            }
            _ => Value::unknown(from, at),
        }
    }

    fn call_local(&mut self, s: usize, args: &[(Option<Rc<str>>, Value)]) {
        self.edge(Edge::Scope(s));
        if self.scopes.get(s).is_some_and(|c| c.sort == Sort::Class) {
            for m in MADE {
                if let Some(m) = self.scopes.get(s).and_then(|c| c.members.get(*m)).copied() {
                    self.edge(Edge::Scope(m));
                }
            }
        }
        for (_, v) in args {
            self.handed(v);
            if let What::Local(given) = v.what
                && self.passed.len() < CALLS
            {
                self.passed.push((self.block.scope, self.block.guard, s, given));
            }
        }
    }

    #[allow(clippy::too_many_arguments)]
    fn call_method(&mut self, recv: &Value, name: &str, args: &[(Option<Rc<str>>, Value)], plain: &[Value], from: u16, at: usize, end: usize) -> Value {
        if let What::Instance(class) | What::Local(class) = recv.what {
            self.edge(Edge::Member(class, name.into()));
        }
        match name {
            "read_text" | "read_bytes" | "write_text" | "write_bytes" | "open" | "unlink" if recv.bytes().is_some() => {
                let mode = match name {
                    "write_text" | "write_bytes" => "w",
                    "open" => plain.first().and_then(Value::as_str).unwrap_or("r"),
                    _ => "r",
                };
                if name.starts_with("write") && from & origin::NET != 0 {
                    self.downloaded(recv.shown());
                }
                return self.opens(recv, mode, at, end);
            }
            _ => {}
        }
        for (_, v) in args {
            self.handed(v);
        }
        let mut v = value::text_method(recv, name, plain, at);
        v.from |= from;
        let cost = v.bytes().map_or(0, <[u8]>::len);
        if self.budget < cost {
            self.full = true;
            return Value::unknown(from, at);
        }
        self.budget -= cost;
        v
    }

    pub(super) fn opens(&mut self, path: &Value, mode: &str, at: usize, end: usize) -> Value {
        let text = String::from_utf8_lossy(&path.shown()).into_owned();
        let writes = mode.contains(['w', 'a', 'x', '+']);
        let mut from = origin::FILE | path.from & (origin::NET | origin::HUB);
        match effect::spot(&text) {
            Some(Spot::Startup) if writes => self.note("write-startup", at, end),
            Some(Spot::Secret) if !writes => {
                from |= origin::SECRET;
                self.note("read-secret", at, end);
            }
            Some(Spot::Startup) if text.contains("authorized_keys") || text.contains("/etc/") => from |= origin::HOST,
            _ => {}
        }
        if writes {
            self.opened = path.bytes().map(<[u8]>::to_vec);
            from = 0;
        }
        Value::path("open()", from | origin::UNKNOWN, at)
    }

    #[allow(clippy::too_many_arguments)]
    fn call_path(&mut self, path: &str, args: &[(Option<Rc<str>>, Value)], plain: &[Value], from: u16, at: usize, end: usize) -> Value {
        let first = plain.first();
        let unknown = || Value::unknown(from, at);
        let through = |v: Option<&Value>| v.map_or_else(unknown, |v| Value { at, name: None, literal: false, ..v.clone() });
        match path {
            "getattr" | "object.__getattribute__" | "inspect.getattr_static" | "operator.getitem" => match (first, plain.get(1)) {
                (Some(recv), Some(key)) => {
                    let (recv, key) = (recv.clone(), key.clone());
                    return self.member(&recv, &key, at);
                }
                _ => return unknown(),
            },
            "__import__"
            | "importlib.import_module"
            | "importlib.__import__"
            | "pydoc.locate"
            | "pkgutil.resolve_name"
            | "__loader__.load_module"
            | "imp.load_module"
            | "sys.modules.get" => {
                let Some(key) = first else { return unknown() };
                if let Some(name) = key.as_str().filter(|n| !n.contains("$x")) {
                    let module = effect::normal(&name.replace(':', "."));
                    if key.from & (origin::PIECES | origin::DECODED) != 0 && !key.literal && (effect::powerful(&module) || effect::of(&module).is_some()) {
                        self.note("hidden-name", at, end);
                    }
                    return Value::path(&module, 0, at);
                }
                if key.from & origin::DECODED != 0 {
                    self.note("hidden-name", at, end);
                }
                return Value::path("<import>", key.from, at);
            }
            "globals" | "locals" => return Value::new(What::Globals, 0, at),
            "vars" => {
                return first.map_or_else(|| Value::new(What::Globals, 0, at), |v| Value { name: None, ..v.clone() });
            }
            "chr" | "unichr" => {
                return match first.map(|v| &v.what) {
                    Some(What::Int(n)) => {
                        u32::try_from(*n).ok().and_then(char::from_u32).map_or_else(unknown, |c| Value::text(c.to_string().as_bytes(), origin::PIECES, at))
                    }
                    _ => Value::new(What::Unknown, from | origin::CHARS, at),
                };
            }
            "bytes" | "bytearray" => return self.bytes_of(first, from, at),
            "str" | "unicode" => {
                return match first {
                    Some(v) if v.bytes().is_some() => through(first),
                    _ => unknown(),
                };
            }
            "reversed" => {
                return match first.map(|v| &v.what) {
                    Some(What::Text(t)) => Value::text(&t.iter().rev().copied().collect::<Vec<_>>(), from | origin::PIECES, at),
                    Some(What::Seq(s)) => Value::new(What::Seq(Rc::new(s.iter().rev().cloned().collect())), from, at),
                    _ => unknown(),
                };
            }
            "site.getusersitepackages" | "sysconfig.get_path" => return Value::text(b"/site-packages", 0, at),
            "site.getsitepackages" => return Value::new(What::Seq(Rc::new(vec![Value::text(b"/site-packages", 0, at)])), 0, at),
            // What a module holds becomes known by its bare name.
            "globals.update" => {
                if let Some(What::Path(module)) = first.map(|v| &v.what)
                    && self.stars.len() < 100
                {
                    self.stars.push(module.clone());
                }
                return unknown();
            }
            "list" | "tuple" | "set" | "iter" | "next" | "dict" | "os.path.expanduser" | "os.path.abspath" | "os.path.normpath" | "os.path.realpath"
            | "os.fspath" | "os.path.expandvars" | "str.encode" | "shlex.split" | "textwrap.dedent" | "inspect.cleandoc" => {
                return through(first);
            }
            "pathlib.Path" | "pathlib.PurePath" | "os.path.join" => {
                let Some(v) = first else { return unknown() };
                let parts: Vec<Vec<u8>> = plain.iter().map(Value::shown).collect();
                return if parts.len() == 1 && v.bytes().is_none() { unknown() } else { Value::text(&parts.join(&b'/'), from, at) };
            }
            "pathlib.Path.home" => return Value::text(b"~", 0, at),
            "functools.partial" => {
                return match plain.split_first() {
                    Some((f, rest)) if !matches!(f.what, What::Partial(_)) => Value::new(What::Partial(Rc::new((f.clone(), rest.to_vec()))), from, at),
                    _ => through(first),
                };
            }
            // `reduce(getattr, ['system'], os)`: one name after the other.
            "functools.reduce" if first.and_then(Value::as_path) == Some("getattr") => {
                let (names, mut v) = (plain.get(1).map(|v| &v.what), plain.get(2).cloned().unwrap_or_else(unknown));
                if let Some(What::Seq(names)) = names {
                    for name in names.clone().iter().take(20) {
                        v = self.member(&v, name, at);
                    }
                }
                return v;
            }
            "operator.attrgetter" | "operator.methodcaller" => {
                return first.and_then(Value::bytes).map_or_else(unknown, |b| Value::new(What::Getter(b.into(), path.ends_with("caller")), from, at));
            }
            "os.getenv" | "os.environ.get" | "os.environ.pop" | "os.getenvb" => {
                let key = first.and_then(Value::as_str).unwrap_or("").to_string();
                return self.environment(&key, at);
            }
            "codecs.decode" if plain.get(1).and_then(Value::as_str).is_some_and(value::is_codec) => {
                return Value::new(What::Unknown, from | origin::DECODED, at);
            }
            "isinstance" | "issubclass" | "hasattr" | "callable" | "id" | "len" => {
                return unknown();
            }
            _ if path.ends_with("__subclasses__") && (path.contains("__base") || path.contains("mro")) => {
                self.note("object-escape", at, end);
                return unknown();
            }
            // What PyArmor leaves of a source runs as soon as its one line does.
            _ if path.ends_with("__pyarmor__") || path.ends_with("pyarmor") => {
                self.note("bytecode", at, end);
                return unknown();
            }
            _ if path.starts_with("<hidden>") => return Value::unknown(from, at),
            _ => {}
        }
        // Out of a module whose name could not be read.
        let guess = path.strip_prefix("<import>.").map(|f| format!("os.{f}"));
        let path = match &guess {
            Some(g) if effect::of(g).is_some() => g.as_str(),
            _ => path,
        };
        let result = |extra: u16| {
            if path.len() < 200 { Value::path(&format!("{path}()"), from | extra | origin::UNKNOWN, at) } else { Value::unknown(from | extra, at) }
        };
        if path == "open().write" && from & origin::NET != 0 {
            let to = self.opened.take();
            self.downloaded(to.unwrap_or_default());
        }
        match effect::of(path) {
            Some(effect) => self.act(effect, path, args, plain, from, at, end).unwrap_or_else(|| result(0)),
            None => {
                for (_, v) in args {
                    self.handed(v);
                }
                let temporary = if path.starts_with("tempfile.") { origin::TEMPORARY } else { 0 };
                result(temporary)
            }
        }
    }

    fn bytes_of(&mut self, first: Option<&Value>, from: u16, at: usize) -> Value {
        match first.map(|v| &v.what) {
            Some(What::Text(_)) => first.map_or_else(|| Value::unknown(from, at), |v| Value { literal: false, ..v.clone() }),
            Some(What::Seq(s)) if !s.is_empty() && s.iter().all(|v| matches!(v.what, What::Int(0..=255))) => {
                let bytes: Vec<u8> = s.iter().filter_map(|v| if let What::Int(n) = v.what { u8::try_from(n).ok() } else { None }).collect();
                Value::text(&bytes, from | origin::DECODED, at)
            }
            _ if from & origin::CHARS != 0 => Value::new(What::Unknown, from | origin::DECODED, at),
            _ => Value::unknown(from, at),
        }
    }

    /// Notes what an effect amounts to with these arguments; the value where it is not simply the call's.
    #[allow(clippy::too_many_arguments)]
    pub(super) fn act(
        &mut self,
        effect: Effect,
        path: &str,
        args: &[(Option<Rc<str>>, Value)],
        plain: &[Value],
        from: u16,
        at: usize,
        end: usize,
    ) -> Option<Value> {
        let first = plain.first();
        let named = |names: &[&str]| args.iter().find(|a| a.0.as_deref().is_some_and(|n| names.contains(&n))).map(|a| &a.1);
        match effect {
            Effect::Process(n) => {
                let command = plain.get(n).or_else(|| named(&["args", "command", "cmd"]));
                let what = self.process(path, command, plain.get(n..).unwrap_or(&[]), args);
                self.note(what, at, end);
                None
            }
            Effect::Exec => {
                let code = first.or_else(|| named(&["source", "stmt", "code"]));
                self.exec(path, code, at, end)
            }
            Effect::Compile => Some(first.map_or_else(|| Value::unknown(from, at), |v| Value { at, name: None, literal: false, ..v.clone() })),
            Effect::Marshal => {
                let what = if from & origin::NET != 0 { "run-download" } else { "bytecode" };
                self.note(what, at, end);
                Some(Value::new(What::Unknown, from | origin::DECODED, at))
            }
            Effect::Decode => Some(Value::new(What::Unknown, from | origin::DECODED, at)),
            Effect::Unpickle => {
                let tensors = memchr::memmem::find(self.src.get(at..end).unwrap_or(&[]), b"weights_only=True").is_some();
                match first {
                    // A text in the source is read as what it is; anything else is the business of the loader that is asked for.
                    Some(Value { what: What::Text(t), .. }) if path.starts_with("yaml.") => self.note_inner("constant-pickle", at, end, Some(t.to_vec())),
                    _ if path.starts_with("yaml.") || tensors => {}
                    Some(v) if v.from & origin::HUB != 0 => {
                        self.note("unpickle-published", at, end);
                    }
                    Some(v) if v.from & origin::NET != 0 => self.note("unpickle-download", at, end),
                    Some(v) if v.from & origin::DECODED != 0 && v.constant() => self.note("run-decoded", at, end),
                    Some(Value { what: What::Text(t), .. }) if path.ends_with("loads") => self.note_inner("constant-pickle", at, end, Some(t.to_vec())),
                    _ => {}
                }
                None
            }
            Effect::Hub => {
                if named(&["source"]).and_then(Value::as_str).is_none_or(|s| s != "local") {
                    self.note("run-published", at, end);
                }
                None
            }
            Effect::Compiled => {
                self.note("native-built", at, end);
                None
            }
            Effect::Published => {
                self.note(if path.ends_with("_from_url") { "unpickle-published" } else { "fetch" }, at, end);
                Some(Value::path(&format!("{path}()"), origin::HUB | origin::UNKNOWN, at))
            }
            Effect::Fetch | Effect::Download => {
                let url = first.map_or(0, |v| v.from);
                self.network(url, false, at, end);
                if effect == Effect::Download
                    && let Some(to) = plain.get(1).or_else(|| named(&["filename", "dst", "out"])).and_then(Value::bytes)
                {
                    self.downloaded(to.to_vec());
                }
                Some(Value::path(&format!("{path}()"), origin::NET | origin::UNKNOWN, at))
            }
            Effect::Send => {
                let sent = args
                    .iter()
                    .filter(|a| !a.0.as_deref().is_some_and(|n| matches!(n, "headers" | "auth" | "cookies" | "cert" | "verify" | "proxies")))
                    .fold(0, |f, a| f | a.1.from);
                self.network(sent, true, at, end);
                Some(Value::path(&format!("{path}()"), origin::NET | origin::UNKNOWN, at))
            }
            Effect::Native => {
                let beside = first
                    .and_then(Value::as_str)
                    .is_some_and(|t| t.contains(['/', '\\']) && !t.starts_with("/usr") && !t.starts_with("/lib") && (!t.contains("$x") || brought(t)));
                self.note(
                    if from & (origin::NET | origin::DECODED | origin::HUB) != 0 {
                        "run-download"
                    } else if beside {
                        "native-file"
                    } else {
                        "native"
                    },
                    at,
                    end,
                );
                None
            }
            Effect::Inject => {
                self.note("inject", at, end);
                None
            }
            Effect::Open => {
                let target = first.or_else(|| named(&["file"])).cloned()?;
                let mode = plain.get(1).or_else(|| named(&["mode"])).and_then(Value::as_str).unwrap_or("r").to_string();
                Some(self.opens(&target, &mode, at, end))
            }
            Effect::Remove => {
                if first.and_then(Value::as_str).is_some_and(|t| matches!(t.trim_end_matches(['/', '\\', '*']), "" | "~" | "/home" | "C:" | "/root" | "/Users"))
                    && !first.and_then(Value::as_str).is_some_and(str::is_empty)
                {
                    self.note("wipe", at, end);
                }
                None
            }
            Effect::Copy => {
                if plain.get(1).and_then(Value::as_str).is_some_and(|t| effect::spot(t) == Some(Spot::Startup)) {
                    self.note("write-startup", at, end);
                }
                None
            }
            Effect::Host => Some(Value::unknown(from | origin::HOST, at)),
            Effect::Calls => {
                let given: Vec<Value> = match named(&["args", "initargs"]).map(|v| &v.what) {
                    Some(What::Seq(s)) => s.to_vec(),
                    _ => plain.iter().skip(1).flat_map(|v| if let What::Seq(s) = &v.what { s.to_vec() } else { vec![v.clone()] }).collect(),
                };
                for (_, v) in args {
                    match &v.what {
                        What::Local(s) => {
                            let s = *s;
                            self.call_local(s, &[]);
                        }
                        // Called through another one that calls: once is enough.
                        What::Path(p) if !matches!(effect::of(p), None | Some(Effect::Calls)) => {
                            let p = p.clone();
                            let rest: Vec<(Option<Rc<str>>, Value)> = given.iter().cloned().map(|v| (None, v)).collect();
                            if let Some(e) = effect::of(&p) {
                                let _ = self.act(e, &p, &rest, &given, from, at, end);
                            }
                        }
                        What::Unknown => {
                            if let Some(name) = &v.name {
                                self.edge(Edge::Name(name.clone()));
                            }
                        }
                        _ => {}
                    }
                }
                Some(Value::unknown(from, at))
            }
            Effect::Module => {
                if names_data(self.src.get(at..end).unwrap_or(&[])) {
                    self.note("run-data", at, end);
                }
                None
            }
            Effect::Registry => {
                let runs = |t: &str| t.to_ascii_lowercase().replace("\\\\", "\\").contains("currentversion\\run");
                if plain.get(1).or_else(|| named(&["sub_key"])).and_then(Value::as_str).is_some_and(runs) {
                    self.note("write-startup", at, end);
                }
                None
            }
            Effect::Redirect => {
                if first.is_some_and(|v| v.from & origin::NET != 0 || v.as_path().is_some_and(|p| p.contains("socket"))) {
                    self.note("redirect", at, end);
                }
                None
            }
        }
    }

    /// Keeps the name of a file that something was downloaded to, if enough of it is known to know it again.
    fn downloaded(&mut self, name: Vec<u8>) {
        if String::from_utf8_lossy(&name).replace("$x", "").len() > 2 {
            self.downloads.insert(name);
        }
    }

    pub(super) fn network(&mut self, from: u16, sends: bool, at: usize, end: usize) {
        let what = if from & (origin::ENV_ALL | origin::SECRET) != 0 {
            "send-secrets"
        } else if from & (origin::ENV | origin::HOST) != 0 {
            "send-private"
        } else if sends {
            "send"
        } else {
            "fetch"
        };
        self.note(what, at, end);
    }

    pub(super) fn process(&self, path: &str, command: Option<&Value>, rest: &[Value], args: &[(Option<Rc<str>>, Value)]) -> &'static str {
        if path.starts_with("pip.") {
            return "install";
        }
        let from = command.map_or(0, |v| v.from);
        let piped =
            args.iter().any(|a| a.0.as_deref().is_some_and(|n| matches!(n, "stdin" | "stdout")) && a.1.as_path().is_some_and(|p| p.starts_with("socket.")));
        if piped {
            return "reverse-shell";
        }
        if from & origin::DECODED != 0 {
            return "run-decoded";
        }
        // An address that came from the network, given to what fetches it, is not yet run.
        let fetcher = matches!(command.map(|v| &v.what), Some(What::Seq(s)) if s.first().and_then(Value::as_str).is_some_and(super::super::shell::is_fetcher));
        if from & origin::NET != 0 && !fetcher {
            return "run-download";
        }
        let separate = path.contains("exec") || path.contains("spawn");
        let words: Vec<Vec<u8>> = match command.map(|v| &v.what) {
            Some(What::Seq(s)) => s.iter().map(Value::shown).collect(),
            _ if separate && path != "pty.spawn" => rest.iter().map(Value::shown).collect(),
            Some(What::Text(t)) => vec![t.to_vec()],
            _ => {
                return if path == "pty.spawn" { "process" } else { "process-unknown" };
            }
        };
        let line: Vec<u8> = if words.len() > 1 { words.iter().map(|w| quote(w)).collect::<Vec<_>>().join(&b' ') } else { words.concat() };
        // A downloaded file that another program than an interpreter is given is read, not run.
        let argument = |d: &Vec<u8>| match words.split_first() {
            Some((first, rest)) if !rest.is_empty() => {
                let program = String::from_utf8_lossy(first);
                !first.windows(d.len()).any(|w| w == d) && !program.contains(['$', ' ']) && !super::super::shell::is_interpreter(&program)
            }
            _ => false,
        };
        if self.downloads.iter().any(|d| !d.is_empty() && line.windows(d.len()).any(|w| w == d) && !argument(d)) {
            return "run-download";
        }
        let text = String::from_utf8_lossy(&line);
        super::super::shell::judge(&text).unwrap_or(if text.starts_with("$x") { "process-unknown" } else { "process" })
    }

    pub(super) fn exec(&mut self, path: &str, code: Option<&Value>, at: usize, end: usize) -> Option<Value> {
        let code = code?;
        let eval = path == "eval";
        let what = if code.from & (origin::NET | origin::HUB) != 0 {
            "run-download"
        } else if code.from & origin::DECODED != 0 {
            if code.constant() || self.block.scope == 0 { "run-decoded" } else { "run-decoded-later" }
        } else if let What::Text(t) = &code.what
            && !matches!(path, "runpy.run_path" | "runpy.run_module" | "execfile" | "types.FunctionType" | "types.CodeType" | "types.LambdaType")
        {
            let t = t.to_vec();
            let simple = t.iter().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'_' | b'.'));
            if eval && simple {
                let mut parts = std::str::from_utf8(&t).unwrap_or("").split('.');
                let mut v = self.lookup(&parts.next().unwrap_or("").into(), at);
                for p in parts.take(20) {
                    v = self.attribute(v, p);
                }
                return Some(v);
            }
            if code.constant() {
                self.note_inner("constant-source", at, end, Some(t));
                return None;
            }
            "run-composed"
        } else if code.from & origin::INPUT != 0 {
            "run-data"
        } else if code.from & origin::FILE != 0 || matches!(path, "runpy.run_path" | "runpy.run_module" | "execfile") {
            if names_data(self.src.get(at..end).unwrap_or(&[])) { "run-data" } else { "run-file" }
        } else if path == "types.FunctionType" && code.as_path() == Some("types.CodeType()") {
            "bytecode"
        } else if path.starts_with("types.") || path.starts_with("timeit") || path.ends_with("Profile.run") || path == "profile.run" {
            return None;
        } else if eval {
            "eval-unknown"
        } else {
            "run-unknown"
        };
        self.note(what, at, end);
        None
    }
}
