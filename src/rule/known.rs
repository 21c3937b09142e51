//! What an import inside a pickle means: expected, dangerous, or unknown.
//!
//! The knowledge is data, in two files beside this one. `expected.txt` is written by `collect.py` from libraries that were really
//! installed, and says for an exact module and name what may be done with it. `dangerous.txt` is kept by hand, and names
//! what runs code, reaches the network or the disk, or reaches something else by name.
//!
//! # Why not
//!
//! No prefixes among the expected entries: a package that rebuilds tensors also holds a compiler and a downloader. The one exception
//! are families: modules named alike, or a whole package, in which *every* class was read, with whatever they import. Their classes
//! may be made and filled, which runs no constructor.
//! Not only a list of bad names: the next gadget is not on it. What is on neither list is [`Standing::Unknown`], and
//! [`Place`] says how far it is from anything familiar.
//!
//! No use letter for filling only half of a state. Scipy's distributions execute a template kept in their state: a rule of its own
//! reads that template, so that everything else that fills them stays an ordinary state.

use crate::table::{Table, table};
use std::cell::RefCell;
use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::OnceLock;

/// What happens when a dangerous import is used. One row of `dangerous.txt` has one effect, the worst that is documented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Starts a program, or a shell.
    RunCommand,
    /// Evaluates text, or runs code it is handed.
    RunCode,
    /// Imports a module by name or by path.
    ImportCode,
    /// Loads another pickle, or a file that may hold one.
    LoadPickle,
    /// Loads or builds machine code.
    LoadNative,
    /// Talks to another machine.
    Network,
    /// Writes, moves or removes files.
    WriteFile,
    /// Opens files, or reads what the user or the system keeps.
    ReadFile,
    /// Starts or controls processes, threads or event loops.
    Process,
    /// Calls, or reaches, something its arguments name.
    CallIndirect,
    /// Makes functions, classes or modules out of code carried in the file.
    CodeObject,
    /// Undoes an encoding: what the file hides is put together while it loads.
    Hide,
    /// Changes the running interpreter, a registry, or a scanner.
    Tamper,
}

/// What may be done with an expected import. The letters are those of `expected.txt`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Uses {
    /// `r`: it may be named, and kept in the object.
    pub reference: bool,
    /// `c`: it may be called, by REDUCE, OBJ and INST too. No lazy iterator may be among the arguments.
    pub call: bool,
    /// `n`: NEWOBJ and the libraries' own rebuild functions may make an object of it, which runs no `__init__`.
    pub make: bool,
    /// `b`: what it made may receive a state by BUILD.
    pub build: bool,
    /// `w`: it keeps or calls its first argument, so a call is as good as that argument.
    pub wraps: bool,
    /// `g`: its call resolves a name, so a call is as good as what the name resolves to.
    pub getattr: bool,
    /// `s`: what its call gives is shared with the whole program, and receives no state.
    pub shared: bool,
}

/// The meaning of one import.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Exactly this module and name was seen in a real library and found harmless, within these uses.
    Expected(Uses),
    /// A known way to act on the machine that loads the file.
    Dangerous {
        /// What it does.
        effect: Effect,
        /// Whether it does so as soon as its module is imported, whatever is done with the name.
        at_import: bool,
    },
    /// On neither list.
    Unknown(Place),
}

/// Where an unknown import lives: decides how loudly it is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In Python's standard library, of 2.7 or of 3.6 to 3.14.
    Stdlib,
    /// In a package that `expected.txt` was collected from.
    Library,
    /// Anywhere else: the author's own module, or a package nobody looked at.
    Foreign,
}

/// Says what importing `name` from `module` means, as the unpickler of Python 2 or 3 would resolve it.
///
/// An exact dangerous row wins over an expected one, and an exact expected one over a dangerous module. A dotted name
/// is walked attribute by attribute when a pickle loads, so it is judged by everything that it passes through.
pub fn standing(module: &str, name: &str) -> Standing {
    thread_local! {
        /// A fact is heard by every rule, and the same names come with every file.
        static JUDGED: RefCell<HashMap<String, Standing>> = RefCell::default();
    }
    let key = format!("{module}\n{name}");
    JUDGED.with_borrow_mut(|judged| {
        if let Some(known) = judged.get(&key) {
            return *known;
        }
        if judged.len() >= JUDGED_MOST {
            judged.clear();
        }
        let found = look_up(module, name);
        judged.insert(key, found);
        found
    })
}

/// Judgements kept: more than any real model asks for, and an attacker's millions of names are forgotten.
const JUDGED_MOST: usize = 1024;

fn look_up(module: &str, name: &str) -> Standing {
    let tables = tables();
    let readings = readings(module, name);
    let listed = readings.iter().find_map(|&(module, name)| tables.dangerous(module, name));
    if let Some(danger) = listed {
        return danger;
    }
    if let Some(uses) = readings.iter().find_map(|&(module, name)| tables.expected(module, name)) {
        return Standing::Expected(uses);
    }
    if let Some(danger) = tables.passes_through(module, name) {
        return danger;
    }
    if let Some(danger) = readings.iter().find_map(|&(module, _)| tables.whole_module(module)) {
        return danger;
    }
    tables.is_another_module(name).unwrap_or_else(|| Standing::Unknown(tables.place(module)))
}

/// How one import may be spelled: as written, as Python 3 renames what Python 2 wrote, and as the public module of a
/// private twin. Only for looking up: a report shows what the file says.
fn readings<'a>(module: &'a str, name: &'a str) -> [(&'a str, &'a str); 3] {
    let renamed = MOVED_NAMES.iter().find(|(from, _)| *from == (module, name)).map_or_else(|| (renamed_module(module), name), |&(_, to)| to);
    let twin = TWINS.iter().find(|(from, _)| *from == renamed.0).map_or(renamed.0, |&(_, to)| to);
    [(module, name), renamed, (twin, renamed.1)]
}

fn renamed_module(module: &str) -> &str {
    MOVED_MODULES.iter().find(|(from, _)| *from == module).map_or(module, |&(_, to)| to)
}

/// Of a name that reaches something else through its module.
const REACHES: Standing = Standing::Dangerous { effect: Effect::CallIndirect, at_import: false };

struct Danger {
    module: &'static str,
    name: &'static str,
    effect: Effect,
    at_import: bool,
}

impl Danger {
    fn standing(&self) -> Standing {
        Standing::Dangerous { effect: self.effect, at_import: self.at_import }
    }
}

/// The expected names of one module, as they stand in the file.
struct Names {
    module: String,
    /// What `~` at the start of a name stands for.
    prefix: &'static str,
    lines: &'static str,
}

impl Names {
    /// Every name with its uses: `:` and letters begin the names of other uses than the usual ones.
    fn rows(&self) -> impl Iterator<Item = (&'static str, &'static str, Option<Uses>)> {
        let (prefix, mut uses) = (self.prefix, uses_of("rcb"));
        self.lines.lines().filter_map(move |line| {
            if let Some(letters) = line.strip_prefix(':') {
                uses = uses_of(letters);
                return None;
            }
            Some(line.strip_prefix('~').map_or(("", line, uses), |rest| (prefix, rest, uses)))
        })
    }

    fn uses(&self, name: &str) -> Option<Uses> {
        self.rows().find(|(prefix, rest, _)| name.strip_prefix(prefix) == Some(rest)).and_then(|(_, _, uses)| uses)
    }

    /// Whether `module` belongs to this family: a `*` in a family's name stands for one part's letters, `**` at the end for a package with all its modules.
    fn covers(&self, module: &str) -> bool {
        if let Some(package) = self.module.strip_suffix(".**") {
            let rest = module.strip_prefix(package).filter(|rest| rest.is_empty() || rest.starts_with('.'));
            return rest.is_some_and(|rest| !rest.split('.').any(|part| NOT_READ.contains(&part)));
        }
        let mut parts = module.split('.');
        let same = self.module.split('.').all(|wanted| {
            let part = parts.next().unwrap_or("");
            wanted.strip_suffix('*').map_or(part == wanted, |start| part.starts_with(start))
        });
        same && parts.next().is_none()
    }

    /// What a family allows: the first of its rows that fits, a name, or `*` and an ending for names as classes have them.
    fn uses_in_family(&self, name: &str) -> Option<Uses> {
        let whole = self.module.ends_with("**");
        let own = if whole { name.trim_start_matches('_') } else { name };
        let class = own.starts_with(|c: char| c.is_ascii_uppercase()) && own.bytes().all(|b| b.is_ascii_alphanumeric() || whole && b == b'_');
        let fits =
            |prefix: &str, rest: &str| rest.strip_prefix('*').map_or_else(|| name.strip_prefix(prefix) == Some(rest), |end| class && name.ends_with(end));
        self.rows().find(|(prefix, rest, _)| fits(prefix, rest)).and_then(|(_, _, uses)| uses)
    }
}

struct Tables {
    expected: Vec<Names>,
    /// Those of them that are families, the narrower ones last.
    families: Vec<usize>,
    dangerous: Vec<Danger>,
    libraries: Vec<&'static str>,
    stdlib: Vec<&'static str>,
}

fn tables() -> &'static Tables {
    static TABLES: OnceLock<Tables> = OnceLock::new();
    TABLES.get_or_init(|| Tables::read(EXPECTED.text(), DANGEROUS.text()))
}

impl Tables {
    /// Rows that cannot be read are left out, which makes an import unknown, never expected. A test says there are none.
    fn read(expected: &'static str, dangerous: &'static str) -> Tables {
        let stdlib: Vec<_> = STDLIB.split_ascii_whitespace().collect();
        let mut rows: Vec<Names> = Vec::new();
        let mut libraries = Vec::new();
        // A module's line begins with a dot for every part that it shares with the one before.
        for block in expected.split('@').skip(1) {
            let (head, lines) = block.split_once('\n').unwrap_or((block, ""));
            let (path, prefix) = head.split_once(' ').unwrap_or((head, ""));
            let own = path.trim_start_matches('.');
            let before = rows.last().map_or("", |names| names.module.as_str());
            let mut parts: Vec<&str> = before.split('.').take(path.len().saturating_sub(own.len())).collect();
            parts.extend((!own.is_empty()).then_some(own));
            let module = parts.join(".");
            if path == own {
                let top = top_level(own);
                if stdlib.binary_search(&top).is_err() {
                    libraries.push(top);
                }
            }
            rows.push(Names { module, prefix, lines });
        }
        libraries.sort_unstable();
        libraries.dedup();
        let families = rows.iter().enumerate().filter(|(_, names)| names.module.ends_with('*')).map(|(at, _)| at).collect();
        Tables { expected: rows, families, dangerous: dangerous.lines().filter_map(danger_of).collect(), libraries, stdlib }
    }

    fn expected(&self, module: &str, name: &str) -> Option<Uses> {
        let at = self.expected.binary_search_by(|names| names.module.as_str().cmp(module)).ok();
        at.and_then(|at| self.expected.get(at)?.uses(name)).or_else(|| self.in_family(module, name))
    }

    fn in_family(&self, module: &str, name: &str) -> Option<Uses> {
        // Of `modeling_*` and `modeling_tf_*` the narrower one, which is written later, decides.
        let family = self.families.iter().rev().filter_map(|at| self.expected.get(*at)).find(|names| names.module.ends_with('*') && names.covers(module))?;
        // What is dangerous, by itself or with its whole module, is no part of its package's family.
        if family.module.ends_with("**") && (self.whole_module(module).is_some() || self.dangerous(module, name).is_some()) {
            return None;
        }
        family.uses_in_family(name)
    }

    fn dangerous(&self, module: &str, name: &str) -> Option<Standing> {
        let at = self.dangerous.binary_search_by(|row| compare((row.module, row.name), (module, name))).ok()?;
        self.dangerous.get(at).map(Danger::standing)
    }

    /// The nearest package around a module that is dangerous as a whole.
    fn whole_module(&self, module: &str) -> Option<Standing> {
        let mut path = Some(module);
        while let Some(here) = path {
            if let Some(danger) = self.dangerous(here, "*") {
                return Some(danger);
            }
            path = here.rsplit_once('.').map(|(parent, _)| parent);
        }
        None
    }

    /// Exact row or whole module, under every spelling of the module.
    fn danger_at(&self, module: &str, name: &str) -> Option<Standing> {
        let readings = readings(module, name);
        readings.iter().find_map(|&(module, name)| self.dangerous(module, name)).or_else(|| readings.iter().find_map(|&(module, _)| self.whole_module(module)))
    }

    /// What a dotted name reaches on its way: modules that other modules import, objects' own machinery, dangerous parts.
    fn passes_through(&self, module: &str, name: &str) -> Option<Standing> {
        let dotted = name.contains('.');
        for (dot, _) in name.match_indices('.') {
            // An attribute of something dangerous: "builtins" + "eval.anything".
            let (head, _) = name.split_at(dot);
            if let Some(danger) = readings(module, head).iter().find_map(|&(module, head)| self.dangerous(module, head)) {
                return Some(danger);
            }
        }
        let mut reached = None;
        let mut rest = name;
        while !rest.is_empty() {
            let (component, after) = rest.split_once('.').unwrap_or((rest, ""));
            // Libraries import modules under a private alias: `_os`, `_sys`.
            let spellings = [component, component.trim_start_matches('_')];
            // A class that was read is no module, whatever its name, and what stands in it is a method, but for the modules that classes keep.
            let class = |until: &str| self.expected(module, until).is_some_and(|uses| uses.make || uses.call);
            let head = name.strip_suffix(rest).unwrap_or_default().trim_end_matches('.');
            let read = if head.is_empty() { class(component) } else { after.is_empty() && class(head) };
            let names_module = |spelling: &&str| if read { TELLTALE_MODULES.contains(spelling) } else { self.is_module(spelling) };
            if dotted && spellings.iter().any(names_module) {
                let found = spellings.iter().find_map(|spelling| self.danger_at(spelling, after));
                if found.is_some() {
                    return found;
                }
                reached = Some(REACHES);
            }
            if DUNDERS.contains(&component) {
                reached = Some(REACHES);
            }
            rest = after;
        }
        if reached.is_some() {
            return reached;
        }
        for (dot, _) in name.match_indices('.') {
            let (head, after) = name.split_at(dot);
            // A longer module path: "numpy" + "testing.x" is "numpy.testing" + "x".
            if let Some(danger) = self.danger_at(&format!("{module}.{head}"), after.trim_start_matches('.')) {
                return Some(danger);
            }
        }
        self.dangerous(&format!("{module}.{name}"), "*")
    }

    /// A plain name that is another module's: `from os import sys`.
    fn is_another_module(&self, name: &str) -> Option<Standing> {
        let plain = name.trim_start_matches('_').trim_end_matches('_');
        TELLTALE_MODULES.contains(&plain).then_some(REACHES)
    }

    fn is_module(&self, name: &str) -> bool {
        self.stdlib.binary_search(&name).is_ok() || self.libraries.binary_search(&name).is_ok() || self.dangerous(name, "*").is_some()
    }

    fn place(&self, module: &str) -> Place {
        let top = top_level(module);
        if self.stdlib.binary_search(&top).is_ok() {
            Place::Stdlib
        } else if self.libraries.binary_search(&top).is_ok() {
            Place::Library
        } else {
            Place::Foreign
        }
    }
}

fn compare(row: (&str, &str), wanted: (&str, &str)) -> Ordering {
    row.0.cmp(wanted.0).then_with(|| row.1.cmp(wanted.1))
}

fn top_level(module: &str) -> &str {
    module.split_once('.').map_or(module, |(top, _)| top)
}

fn uses_of(letters: &str) -> Option<Uses> {
    let mut uses = Uses { reference: false, call: false, make: false, build: false, wraps: false, getattr: false, shared: false };
    for letter in letters.bytes() {
        match letter {
            b'r' => uses.reference = true,
            b'c' => uses.call = true,
            b'n' => uses.make = true,
            b'b' => uses.build = true,
            b'w' => uses.wraps = true,
            b'g' => uses.getattr = true,
            b's' => uses.shared = true,
            _ => return None,
        }
    }
    Some(uses)
}

/// A row: module, name, effect. Behind them stands why it is there, an advisory or what the library documents, for whoever keeps the table.
fn danger_of(line: &'static str) -> Option<Danger> {
    let mut fields = line.split('\t');
    let (module, name, effect) = (fields.next()?, fields.next()?, fields.next()?);
    let (effect, at_import) = effect.strip_suffix(" at-import").map_or((effect, false), |effect| (effect, true));
    let effect = match effect {
        "run-command" => Effect::RunCommand,
        "run-code" => Effect::RunCode,
        "import-code" => Effect::ImportCode,
        "load-pickle" => Effect::LoadPickle,
        "load-native" => Effect::LoadNative,
        "network" => Effect::Network,
        "write-file" => Effect::WriteFile,
        "read-file" => Effect::ReadFile,
        "process" => Effect::Process,
        "call-indirect" => Effect::CallIndirect,
        "code-object" => Effect::CodeObject,
        "hide" => Effect::Hide,
        "tamper" => Effect::Tamper,
        _ => return None,
    };
    Some(Danger { module, name, effect, at_import })
}

static EXPECTED: Table = table!("rule/known/expected.txt");
static DANGEROUS: Table = table!("rule/known/dangerous.txt");

/// Modules of any package that were not read for its family: what tests, examples and builds need.
const NOT_READ: &[&str] = &["tests", "test", "testing", "_testing", "conftest", "setup", "__main__", "benchmarks", "examples", "_build_utils", "docs", "cli"];

/// Attributes that lead from any object to its class, its module, or the interpreter.
const DUNDERS: &[&str] = &[
    "__base__", "__bases__", "__build_class__", "__builtins__", "__call__", "__class__", "__class_getitem__", "__closure__", "__code__", "__defaults__",
    "__del__", "__delattr__", "__dict__", "__func__", "__get__", "__getattr__", "__getattribute__", "__getitem__", "__globals__", "__import__", "__init__",
    "__init_subclass__", "__kwdefaults__", "__loader__", "__module__", "__mro__", "__new__", "__reduce__", "__reduce_ex__", "__self__", "__set__",
    "__setattr__", "__setitem__", "__setstate__", "__spec__", "__subclasses__", "__subclasshook__", "__wrapped__", "mro", "func_globals", "func_code",
    "im_func", "im_self", "gi_frame", "f_globals", "f_builtins", "f_locals", "tb_frame",
];

/// Modules whose bare name, taken from another module, is that module and not the author's own function.
const TELLTALE_MODULES: &[&str] = &[
    "asyncio", "builtin", "builtins", "cPickle", "cloudpickle", "commands", "ctypes", "dill", "ftplib", "functools", "gc", "imp", "importlib", "inspect", "io",
    "itertools", "linecache", "marshal", "multiprocessing", "nt", "operator", "os", "pathlib", "pdb", "pickle", "pkgutil", "posix", "pty", "runpy", "shutil",
    "signal", "socket", "sqlite3", "ssl", "subprocess", "sys", "tempfile", "threading", "types", "urllib", "webbrowser", "zipimport",
];

/// Where Python 3 finds a module that Python 2 wrote. Source: the name tables of Python's own unpickler.
const MOVED_MODULES: &[(&str, &str)] = &[
    ("BaseHTTPServer", "http.server"),
    ("CGIHTTPServer", "http.server"),
    ("ConfigParser", "configparser"),
    ("Cookie", "http.cookies"),
    ("Dialog", "tkinter.dialog"),
    ("DocXMLRPCServer", "xmlrpc.server"),
    ("FileDialog", "tkinter.filedialog"),
    ("HTMLParser", "html.parser"),
    ("Queue", "queue"),
    ("ScrolledText", "tkinter.scrolledtext"),
    ("SimpleDialog", "tkinter.simpledialog"),
    ("SimpleHTTPServer", "http.server"),
    ("SimpleXMLRPCServer", "xmlrpc.server"),
    ("SocketServer", "socketserver"),
    ("StringIO", "io"),
    ("Tix", "tkinter.tix"),
    ("Tkconstants", "tkinter.constants"),
    ("Tkdnd", "tkinter.dnd"),
    ("Tkinter", "tkinter"),
    ("UserDict", "collections"),
    ("UserList", "collections"),
    ("UserString", "collections"),
    ("__builtin__", "builtins"),
    ("__builtins__", "builtins"),
    ("_abcoll", "collections.abc"),
    ("_elementtree", "xml.etree.ElementTree"),
    ("_winreg", "winreg"),
    ("anydbm", "dbm"),
    ("cPickle", "pickle"),
    ("cStringIO", "io"),
    ("commands", "subprocess"),
    ("cookielib", "http.cookiejar"),
    ("copy_reg", "copyreg"),
    ("dbhash", "dbm.bsd"),
    ("dbm", "dbm.ndbm"),
    ("dumbdbm", "dbm.dumb"),
    ("dummy_thread", "_dummy_thread"),
    ("exceptions", "builtins"),
    ("gdbm", "dbm.gnu"),
    ("htmlentitydefs", "html.entities"),
    ("httplib", "http.client"),
    ("markupbase", "_markupbase"),
    ("repr", "reprlib"),
    ("robotparser", "urllib.robotparser"),
    ("test.test_support", "test.support"),
    ("thread", "_thread"),
    ("tkColorChooser", "tkinter.colorchooser"),
    ("tkCommonDialog", "tkinter.commondialog"),
    ("tkFileDialog", "tkinter.filedialog"),
    ("tkFont", "tkinter.font"),
    ("tkMessageBox", "tkinter.messagebox"),
    ("tkSimpleDialog", "tkinter.simpledialog"),
    ("ttk", "tkinter.ttk"),
    ("urllib2", "urllib.request"),
    ("urlparse", "urllib.parse"),
    ("whichdb", "dbm"),
    ("xmlrpclib", "xmlrpc.client"),
];

/// A module and a name in it.
type Import = (&'static str, &'static str);

/// Single names that moved. Source: the name tables of Python's own unpickler.
const MOVED_NAMES: &[(Import, Import)] = &[
    (("UserDict", "IterableUserDict"), ("collections", "UserDict")),
    (("UserDict", "UserDict"), ("collections", "UserDict")),
    (("UserList", "UserList"), ("collections", "UserList")),
    (("UserString", "UserString"), ("collections", "UserString")),
    (("__builtin__", "basestring"), ("builtins", "str")),
    (("__builtin__", "intern"), ("sys", "intern")),
    (("__builtin__", "long"), ("builtins", "int")),
    (("__builtin__", "reduce"), ("functools", "reduce")),
    (("__builtin__", "unichr"), ("builtins", "chr")),
    (("__builtin__", "unicode"), ("builtins", "str")),
    (("__builtin__", "xrange"), ("builtins", "range")),
    (("_multiprocessing", "Connection"), ("multiprocessing.connection", "Connection")),
    (("_socket", "fromfd"), ("socket", "fromfd")),
    (("exceptions", "StandardError"), ("builtins", "Exception")),
    (("itertools", "ifilter"), ("builtins", "filter")),
    (("itertools", "ifilterfalse"), ("itertools", "filterfalse")),
    (("itertools", "imap"), ("builtins", "map")),
    (("itertools", "izip"), ("builtins", "zip")),
    (("itertools", "izip_longest"), ("itertools", "zip_longest")),
    (("multiprocessing", "AuthenticationError"), ("multiprocessing.context", "AuthenticationError")),
    (("multiprocessing", "BufferTooShort"), ("multiprocessing.context", "BufferTooShort")),
    (("multiprocessing", "ProcessError"), ("multiprocessing.context", "ProcessError")),
    (("multiprocessing", "TimeoutError"), ("multiprocessing.context", "TimeoutError")),
    (("multiprocessing.forking", "Popen"), ("multiprocessing.popen_fork", "Popen")),
    (("multiprocessing.process", "Process"), ("multiprocessing.context", "Process")),
    (("socket", "_socketobject"), ("socket", "SocketType")),
    (("urllib", "ContentTooShortError"), ("urllib.error", "ContentTooShortError")),
    (("urllib", "getproxies"), ("urllib.request", "getproxies")),
    (("urllib", "pathname2url"), ("urllib.request", "pathname2url")),
    (("urllib", "quote"), ("urllib.parse", "quote")),
    (("urllib", "quote_plus"), ("urllib.parse", "quote_plus")),
    (("urllib", "unquote"), ("urllib.parse", "unquote")),
    (("urllib", "unquote_plus"), ("urllib.parse", "unquote_plus")),
    (("urllib", "url2pathname"), ("urllib.request", "url2pathname")),
    (("urllib", "urlcleanup"), ("urllib.request", "urlcleanup")),
    (("urllib", "urlencode"), ("urllib.parse", "urlencode")),
    (("urllib", "urlopen"), ("urllib.request", "urlopen")),
    (("urllib", "urlretrieve"), ("urllib.request", "urlretrieve")),
    (("urllib2", "HTTPError"), ("urllib.error", "HTTPError")),
    (("urllib2", "URLError"), ("urllib.error", "URLError")),
    (("whichdb", "whichdb"), ("dbm", "whichdb")),
];

/// Private modules, in C or in Python, that hold what a public one shows.
const TWINS: &[(&str, &str)] = &[
    ("_abc", "abc"),
    ("_ast", "ast"),
    ("_asyncio", "asyncio"),
    ("_bisect", "bisect"),
    ("_bz2", "bz2"),
    ("_codecs", "codecs"),
    ("_collections", "collections"),
    ("_collections_abc", "collections.abc"),
    ("_contextvars", "contextvars"),
    ("_copy", "copy"),
    ("_csv", "csv"),
    ("_ctypes", "ctypes"),
    ("_curses", "curses"),
    ("_datetime", "datetime"),
    ("_dbm", "dbm"),
    ("_decimal", "decimal"),
    ("_elementtree", "xml.etree.ElementTree"),
    ("_functools", "functools"),
    ("_gdbm", "dbm"),
    ("_hashlib", "hashlib"),
    ("_heapq", "heapq"),
    ("_imp", "imp"),
    ("_interpreters", "interpreters"),
    ("_io", "io"),
    ("_json", "json"),
    ("_locale", "locale"),
    ("_lsprof", "cProfile"),
    ("_lzma", "lzma"),
    ("_multiprocessing", "multiprocessing"),
    ("_opcode", "dis"),
    ("_operator", "operator"),
    ("_pickle", "pickle"),
    ("_py_abc", "abc"),
    ("_pydatetime", "datetime"),
    ("_pydecimal", "decimal"),
    ("_pyio", "io"),
    ("_queue", "queue"),
    ("_random", "random"),
    ("_signal", "signal"),
    ("_socket", "socket"),
    ("_sqlite3", "sqlite3"),
    ("_sre", "re"),
    ("_ssl", "ssl"),
    ("_statistics", "statistics"),
    ("_string", "string"),
    ("_strptime", "time"),
    ("_struct", "struct"),
    ("_subprocess", "subprocess"),
    ("_symtable", "symtable"),
    ("_thread", "threading"),
    ("_tokenize", "tokenize"),
    ("_types", "types"),
    ("_typing", "typing"),
    ("_uuid", "uuid"),
    ("_weakref", "weakref"),
    ("_weakrefset", "weakref"),
    ("_winreg", "winreg"),
    ("_zoneinfo", "zoneinfo"),
    ("numpy._core.strings", "numpy.strings"),
    ("cloudpickle.cloudpickle_fast", "cloudpickle.cloudpickle"),
    ("dill.dill", "dill._dill"),
    ("nt", "os"),
    ("pathlib._abc", "pathlib"),
    ("pathlib._local", "pathlib"),
    ("posix", "os"),
    ("sre_compile", "re"),
];

/// Top-level modules of Python 2.7 and 3.6 to 3.14, the private ones too, sorted.
const STDLIB: &str = "\
    BaseHTTPServer Bastion CGIHTTPServer Canvas ConfigParser Cookie Dialog DocXMLRPCServer EasyDialogs FileDialog FixTk
    HTMLParser MacOS MimeWriter Queue ScrolledText SimpleDialog SimpleHTTPServer SimpleXMLRPCServer SocketServer
    StringIO Tix Tkconstants Tkdnd Tkinter UserDict UserList UserString _LWPCookieJar _MozillaCookieJar __builtin__
    __future__ _abc _abcoll _aix_support _android_support _apple_support _ast _asyncio _bisect _blake2 _bootlocale
    _bootsubprocess _bsddb _bz2 _codecs _codecs_cn _codecs_hk _codecs_iso2022 _codecs_jp _codecs_kr _codecs_tw
    _collections _collections_abc _colorize _compat_pickle _compression _contextvars _crypt _csv _ctypes _ctypes_test
    _curses _curses_panel _datetime _dbm _decimal _dummy_thread _elementtree _frozen_importlib
    _frozen_importlib_external _functools _gdbm _hashlib _heapq _hmac _hotshot _imp _interpchannels _interpqueues
    _interpreters _io _ios_support _json _locale _lsprof _lzma _markupbase _md5 _msi _multibytecodec _multiprocessing
    _opcode _opcode_metadata _operator _osx_support _overlapped _peg_parser _pickle _posixshmem _posixsubprocess _py_abc
    _py_warnings _pydatetime _pydecimal _pyio _pylong _pyrepl _queue _random _remote_debugging _scproxy _sha _sha1 _sha2
    _sha256 _sha3 _sha512 _signal _sitebuiltins _socket _sqlite3 _sre _ssl _stat _statistics _string _strptime _struct
    _subprocess _suggestions _symtable _sysconfig _testbuffer _testcapi _testclinic _testclinic_limited
    _testexternalinspection _testimportmultiple _testinternalcapi _testlimitedcapi _testmultiphase _testsinglephase
    _thread _threading_local _tkinter _tokenize _tracemalloc _types _typing _uuid _warnings _weakref _weakrefset _winapi
    _winreg _wmi _xxinterpchannels _xxsubinterpreters _xxtestfuzz _zoneinfo _zstd abc aifc annotationlib antigravity
    anydbm argparse array ast asynchat asyncio asyncore atexit audiodev audioop base64 bdb binascii binhex bisect bsddb
    builtins bz2 cPickle cProfile cStringIO calendar cgi cgitb chunk cmath cmd code codecs codeop collections colorsys
    commands compileall compiler compression concurrent configparser contextlib contextvars cookielib copy copy_reg
    copyreg crypt csv ctypes curses dataclasses datetime dbhash dbm decimal difflib dircache dis distutils dl doctest
    dumbdbm dummy_thread dummy_threading email encodings ensurepip enum errno exceptions faulthandler fcntl filecmp
    fileinput fnmatch formatter fpformat fractions ftplib functools future_builtins gc genericpath getopt getpass
    gettext glob graphlib grp gzip hashlib heapq hmac hotshot html htmlentitydefs htmllib http httplib idlelib ihooks
    imaplib imghdr imp importlib imputil inspect io ipaddress itertools json keyword lib2to3 linecache linuxaudiodev
    locale logging lzma macpath macurl2path mailbox mailcap markupbase marshal math md5 mhlib mimetools mimetypes mimify
    mmap modulefinder monitoring msilib msvcrt multifile multiprocessing mutex netrc new nis nntplib nt ntpath
    nturl2path numbers opcode operator optparse os os2emxpath ossaudiodev parser pathlib pdb pickle pickletools pipes
    pkgutil platform plistlib popen2 poplib posix posixfile posixpath pprint profile pstats pty pwd py_compile pyclbr
    pydoc pydoc_data pyexpat queue quopri random re readline repr reprlib resource rexec rfc822 rlcompleter robotparser
    runpy sched secrets select selectors sets sgmllib sha shelve shlex shutil signal site smtpd smtplib sndhdr socket
    socketserver spwd sqlite3 sre sre_compile sre_constants sre_parse ssl stat statistics statvfs string stringold
    stringprep strop struct subprocess sunau sunaudio sunaudiodev symbol symtable sys sysconfig syslog tabnanny tarfile
    telnetlib tempfile termios test textwrap this thread threading time timeit tkColorChooser tkCommonDialog
    tkFileDialog tkFont tkMessageBox tkSimpleDialog tkinter toaiff token tokenize tomllib trace traceback tracemalloc
    ttk tty turtle turtledemo types typing unicodedata unittest urllib urllib2 urlparse user uu uuid venv warnings wave
    weakref webbrowser whichdb winreg winsound wsgiref xdrlib xml xmllib xmlrpc xmlrpclib xxlimited xxlimited_35
    xxsubtype zipapp zipfile zipimport zlib zoneinfo";

#[cfg(test)]
mod tests {
    use super::*;

    fn effect(module: &str, name: &str) -> Option<Effect> {
        match standing(module, name) {
            Standing::Dangerous { effect, .. } => Some(effect),
            _ => None,
        }
    }

    #[test]
    fn every_row_is_read_in_order_and_once() {
        let tables = tables();
        assert_eq!(tables.dangerous.len(), DANGEROUS.text().lines().count());
        assert!(tables.expected.is_sorted_by(|a, b| a.module < b.module));
        assert!(tables.expected.len() > 1000);
        assert!(tables.dangerous.is_sorted_by(|a, b| (a.module, a.name) < (b.module, b.name)));
        assert!(tables.stdlib.is_sorted_by(|a, b| a < b));
        for names in &tables.expected {
            assert!(names.rows().count() > 0, "{}", names.module);
            for (_, rest, uses) in names.rows() {
                assert!(uses.is_some_and(|u| u.reference), "{} {rest}", names.module);
            }
        }
        assert!(DANGEROUS.text().lines().all(|row| row.split('\t').nth(3).is_some_and(|why| !why.is_empty())));
        assert!(matches!(standing("antigravity", "x"), Standing::Dangerous { effect: Effect::RunCommand, at_import: true }));
    }

    #[test]
    fn nothing_is_both_expected_and_dangerous() {
        let tables = tables();
        for row in &tables.dangerous {
            assert_eq!(tables.expected(row.module, row.name), None, "{} {}", row.module, row.name);
        }
        // Nor under a private or an older spelling: an expected row must not be shadowed into uselessness, or the reverse.
        for names in &tables.expected {
            for (prefix, rest, uses) in names.rows() {
                let (module, name) = (names.module.as_str(), format!("{prefix}{rest}"));
                assert_eq!(Some(standing(module, &name)), uses.map(Standing::Expected), "{module} {name}");
            }
        }
    }

    #[test]
    fn what_libraries_write_is_expected() {
        for (module, name, call, build) in [
            ("collections", "OrderedDict", true, true),
            ("_collections", "OrderedDict", true, true),
            ("collections", "defaultdict", true, true),
            ("copy_reg", "_reconstructor", true, true),
            ("__builtin__", "set", true, true),
            ("__builtin__", "xrange", true, true),
            ("exceptions", "ValueError", true, true),
            ("_codecs", "encode", true, false),
            ("datetime", "datetime", true, true),
            ("numpy", "dtype", true, true),
            ("numpy", "log1p", false, false),
            ("numpy.core.multiarray", "_reconstruct", true, true),
            ("numpy._core.multiarray", "scalar", true, false),
            ("torch._utils", "_rebuild_tensor_v2", true, false),
            ("torch.nn.modules.linear", "Linear", false, true),
            ("torch.nn.functional", "relu", false, false),
            ("sklearn.tree.tree", "DecisionTreeClassifier", true, true),
            ("sklearn.tree._tree", "Tree", true, true),
            ("sklearn.linear_model.logistic", "LogisticRegression", true, true),
            ("pandas._libs.internals", "_unpickle_block", true, false),
            ("pandas.core.index", "Index", true, true),
            ("xgboost.core", "Booster", false, true),
            ("lightgbm.basic", "Booster", false, true),
            ("joblib.numpy_pickle", "NumpyArrayWrapper", true, true),
            ("pathlib._local", "PosixPath", true, true),
        ] {
            let Standing::Expected(uses) = standing(module, name) else {
                panic!("{module} {name}: {:?}", standing(module, name));
            };
            assert!(uses.reference && uses.call == call && uses.build == build, "{module} {name} {uses:?}");
        }
    }

    #[test]
    fn a_family_makes_and_fills_classes_of_any_model_and_calls_only_outputs() {
        let modeling = "transformers.models.newest.modeling_newest";
        for (name, call) in [("NewestForCausalLM", false), ("NewestMLP", false), ("NewestModelOutput", true)] {
            assert!(matches!(standing(modeling, name), Standing::Expected(uses) if uses.build && uses.make | uses.call && uses.call == call), "{name}");
        }
        assert!(matches!(standing("transformers.models.bert.configuration_bert", "NewestConfig"), Standing::Expected(uses) if uses.make && !uses.call));
        for (module, name) in [
            (modeling, "load_tf_weights_in_newest"),
            (modeling, "apply_rotary_pos_emb.thing"),
            (modeling, "ACT2FN.items"),
            (modeling, "_Newest"),
            (modeling, "*"),
            ("transformers.models.newest.convert_newest", "NewestModel"),
            ("transformers.models.newest.modeling_", "os"),
            ("transformers.models.modeling_newest", "NewestModel"),
            ("transformers.models.newest.modeling_newest.deeper", "NewestModel"),
            ("transformers_modules.models.newest.modeling_newest", "NewestModel"),
        ] {
            assert!(!matches!(standing(module, name), Standing::Expected(_)), "{module} {name}");
        }
        let rotates = standing(modeling, "apply_rotary_pos_emb");
        assert!(matches!(rotates, Standing::Expected(uses) if uses.reference && !uses.make && !uses.call && !uses.build));
        let other = standing("transformers.models.newest.modeling_tf_newest", "TFNewestModel");
        assert!(matches!(other, Standing::Expected(uses) if uses.reference && !uses.make && !uses.call && !uses.build));
    }

    #[test]
    fn indirect_calls_are_expected_only_with_their_letter() {
        assert!(matches!(standing("functools", "partial"), Standing::Expected(uses) if uses.wraps));
        assert!(matches!(standing("_functools", "partial"), Standing::Expected(uses) if uses.wraps));
        assert!(matches!(standing("builtins", "getattr"), Standing::Expected(uses) if uses.getattr));
        assert!(matches!(standing("__builtin__", "getattr"), Standing::Expected(uses) if uses.getattr));
        assert!(matches!(standing("builtins", "type"), Standing::Expected(uses) if !uses.call && !uses.build));
    }

    #[test]
    fn a_distribution_is_made_and_filled_but_not_called() {
        let norm = standing("scipy.stats._continuous_distns", "norm_gen");
        assert!(matches!(norm, Standing::Expected(uses) if uses.make && uses.build && !uses.call));
    }

    #[test]
    fn what_acts_on_the_machine_is_dangerous() {
        use Effect::*;
        for (module, name, expected) in [
            ("os", "system", RunCommand),
            ("posix", "system", RunCommand),
            ("nt", "system", RunCommand),
            ("subprocess", "Popen", RunCommand),
            ("commands", "getoutput", RunCommand),
            ("__builtin__", "eval", RunCode),
            ("builtins", "exec", RunCode),
            ("__builtin__", "reduce", CallIndirect),
            ("itertools", "imap", CallIndirect),
            ("builtins", "__import__", ImportCode),
            ("importlib._bootstrap", "_gcd_import", ImportCode),
            ("_operator", "attrgetter", CallIndirect),
            ("cPickle", "loads", LoadPickle),
            ("_io", "open", ReadFile),
            ("_socket", "socket", Network),
            ("urllib2", "urlopen", Network),
            ("shutil", "rmtree", WriteFile),
            ("_ctypes", "dlopen", LoadNative),
            ("types", "CodeType", CodeObject),
            ("copyreg", "add_extension", Tamper),
            ("copy_reg", "add_extension", Tamper),
            ("numpy.f2py.crackfortran", "getlincoef", RunCode),
            ("numpy.testing._private.utils", "runstring", RunCode),
            ("torch.utils.collect_env", "run", RunCommand),
            ("torch.hub", "load", Network),
            ("torch", "load", LoadPickle),
            ("pandas", "read_pickle", LoadPickle),
            ("asyncio.unix_events", "anything", RunCommand),
            ("asyncio.anything", "anything", Process),
        ] {
            assert_eq!(effect(module, name), Some(expected), "{module} {name}");
        }
    }

    #[test]
    fn a_dotted_name_is_judged_by_what_it_passes_through() {
        use Effect::*;
        for (module, name, expected) in [
            ("pathlib", "os.system", RunCommand),
            ("torch.serialization", "os.system", RunCommand),
            ("collections", "_sys.modules", Tamper),
            ("numpy", "__builtins__.get", CallIndirect),
            ("numpy", "testing._private.utils.runstring", RunCode),
            ("builtins", "eval.__call__", RunCode),
            ("builtins", "object.__subclasses__", CallIndirect),
            ("collections", "OrderedDict.__class__", CallIndirect),
            ("sklearn.utils", "_joblib.joblib.load", LoadPickle),
            ("sklearn.base", "joblib.load", LoadPickle),
            ("some.module", "os", CallIndirect),
            ("torch", "hub", Network),
        ] {
            assert_eq!(effect(module, name), Some(expected), "{module} {name}");
        }
    }

    #[test]
    fn what_is_on_neither_list_says_where_it_lives() {
        assert_eq!(standing("stringprep", "map_table_b2"), Standing::Unknown(Place::Stdlib));
        assert_eq!(standing("numpy.nowhere", "Nothing"), Standing::Unknown(Place::Library));
        assert_eq!(standing("__main__", "Model"), Standing::Unknown(Place::Foreign));
        assert_eq!(standing("", ""), Standing::Unknown(Place::Foreign));
        assert_eq!(standing("..", "...é."), Standing::Unknown(Place::Foreign));
    }
}
