//! Jinja templates (chat templates above all): what rendering one would reach, without rendering it.
//!
//! A chat template is a program that a tokenizer or llama.cpp's relatives run on load or on the first message; outside of a
//! sandbox it is Python (CVE-2024-34359), and the sandbox had holes (CVE-2024-56201, CVE-2024-56326, CVE-2025-27516). So names are
//! followed through every spelling that is constant (`'__cla' ~ 'ss__'`, `dict(__cla=1)|join`, `'\x5f'`, slices, `%c`), and a name
//! that is built out of something else is itself the finding.
//!
//! # Why not a parser crate
//! minijinja refuses tags that Hugging Face's templates use, and traps in wasm on deep nesting. This reads with explicit stacks.

use super::{Format, Match};
use crate::bytes::View;
use crate::error::Result;
use crate::fact::Fact;
use crate::scan::Scan;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

/// A file that is one template.
pub const TEMPLATE: Format = Format { id: "jinja", name: "Jinja template", extensions: &["jinja", "jinja2", "j2"], refines: &["text"], probe, read };

/// Bytes of a template that are looked at; real ones have less than 64 KiB.
const LONGEST: usize = 1 << 20;

/// Characters of a constant that are followed.
const CONSTANT: usize = 4096;

/// Findings stated for one template.
const FINDINGS: usize = 200;

/// From here on a loop or a repetition is meant to keep the machine busy.
const HUGE: i64 = 1_000_000;

const STATEMENTS: &[&str] = &[
    "if", "elif", "else", "endif", "for", "endfor", "set", "endset", "macro", "endmacro", "call", "endcall", "filter", "endfilter", "block", "endblock", "raw",
    "endraw", "with", "endwith", "import", "from", "include", "extends", "do", "break", "continue", "generation", "endgeneration", "autoescape",
    "endautoescape", "trans", "endtrans",
];

/// Globals that templates have for other purposes than their attributes.
const GLOBALS: &[&str] = &[
    "cycler", "joiner", "namespace", "lipsum", "range", "dict", "self", "raise_exception", "strftime_now", "get_flashed_messages", "url_for", "config",
    "request", "session", "application", "current_app", "environ", "caller", "super",
];

/// Of these, the ones that a template may well be handed as plain values.
const VALUES: &[&str] = &["config", "request", "session", "application", "current_app", "environ", "caller", "super"];

const CALLABLE: &[&str] = &[
    "range", "namespace", "dict", "lipsum", "cycler", "joiner", "raise_exception", "strftime_now", "caller", "super", "loop", "tojson", "_", "gettext",
    "ngettext", "len", "str", "int", "float", "bool", "list",
];

const METHODS: &[&str] = &[
    "append", "capitalize", "casefold", "center", "copy", "count", "cycle", "changed", "decode", "encode", "endswith", "expandtabs", "extend", "find",
    "format", "get", "index", "insert", "isalnum", "isalpha", "isascii", "isdecimal", "isdigit", "isidentifier", "islower", "isnumeric", "isprintable",
    "isspace", "istitle", "isupper", "items", "join", "keys", "ljust", "lower", "lstrip", "next", "partition", "pop", "remove", "removeprefix", "removesuffix",
    "replace", "reset", "reverse", "rfind", "rindex", "rjust", "rpartition", "rsplit", "rstrip", "sort", "split", "splitlines", "startswith", "strftime",
    "isoformat", "strip", "swapcase", "title", "translate", "update", "upper", "values", "zfill", "setdefault", "clear", "popitem", "fromkeys", "union",
    "trim", "date", "year", "month", "day", "bit_length", "add", "current", "contains",
];

/// Names of frames, code and classes in Python's object model.
const INTERNAL: &[&str] = &[
    "gi_frame", "gi_code", "gi_yieldfrom", "cr_frame", "cr_code", "cr_await", "cr_origin", "ag_frame", "ag_code", "ag_await", "f_globals", "f_locals",
    "f_builtins", "f_back", "f_code", "f_trace", "func_globals", "func_code", "func_closure", "func_defaults", "func_dict", "tb_frame", "tb_next", "co_consts",
    "co_code", "im_func", "im_self", "im_class", "mro",
];

/// Filters and the position of their attribute argument.
const BY_ATTRIBUTE: &[&str] = &["map", "selectattr", "rejectattr", "groupby", "sort", "sum", "unique", "min", "max", "join"];

fn is_dunder(name: &str) -> bool {
    name.len() > 4 && name.starts_with("__") && name.ends_with("__")
}

/// Whether a text under a key should be inspected: templates by name, and anything that walks Python's object model.
pub fn worth_a_look(key: &str, text: &str) -> bool {
    let tagged = text.contains("{{") || text.contains("{%");
    tagged && (key.to_ascii_lowercase().contains("template") || text.contains("__") || text.contains("attr(") || text.contains("\\x5f"))
}

fn probe(view: View<'_>) -> Match {
    let Ok(head) = view.head(64 * 1024) else { return Match::No };
    // Most of what is asked here is no text at all.
    if head.iter().take(4096).any(|b| b.is_ascii_control() && !b.is_ascii_whitespace() && *b != 0x0b) || !head.windows(2).any(|w| matches!(w, b"{%" | b"{{")) {
        return Match::No;
    }
    let text = String::from_utf8_lossy(&head);
    if text.chars().take(4096).any(|c| c.is_control() && !c.is_whitespace()) {
        return Match::No;
    }
    let start = text.trim_start_matches('\u{feff}').trim_start();
    // Documents that quote templates, and languages that share the braces.
    let quotes = ["#", "---", "<", "\\", "```", "import ", "from ", "def ", "\"\"\"", "//", "/*", "{\"", "[", "%"].iter().any(|p| start.starts_with(p))
        || text.contains("```") && !start.starts_with('{');
    // A brace that opens no tag opens a JSON object.
    let object = start.starts_with('{') && !["{{", "{%", "{#"].iter().any(|p| start.starts_with(p));
    if quotes || object {
        return Match::No;
    }
    let mut statements = 0;
    let mut deep = false;
    for piece in Pieces::new(&text) {
        match piece.kind {
            Kind::Statement => {
                let word: String = piece.body.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                if !piece.closed || !STATEMENTS.contains(&word.as_str()) {
                    continue;
                }
                statements += 1;
            }
            Kind::Expression => {
                deep |=
                    piece.closed && (piece.body.contains("__") || piece.body.contains("|attr") || piece.body.contains("| attr") || piece.body.contains("\\x"))
            }
            Kind::Comment => {}
        }
        if statements >= 2 || deep {
            return Match::Sure;
        }
    }
    let opens = Pieces::new(&text).next().is_some_and(|p| {
        p.closed && p.at < 3 && p.kind != Kind::Comment && !tokens(p.body, 0).is_empty() && !p.body.trim_start().starts_with(['.', '#', '/', '>', '^', '{'])
    });
    if statements == 1 && start.starts_with('{') || opens && start.starts_with("{{") { Match::Sure } else { Match::No }
}

fn read(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    let head = view.head(LONGEST)?;
    if view.len() > LONGEST as u64 {
        scan.gap("limit-template");
    }
    let text = String::from_utf8_lossy(&head);
    // Pages, and files that a generator fills in, call and include what their program gives them: no model renders them.
    let lenient = !text.contains("message") && !scan.name().contains("chat_template");
    inspect_as(&text, view, &[(0, 0)], lenient, scan);
    Ok(())
}

/// States what a template at `at` of the view would do. The template's bytes stand in the view as they are.
pub fn inspect(template: &str, view: View<'_>, at: u64, scan: &mut Scan<'_>) {
    inspect_marked(template, view, &[(0, at)], scan);
}

/// [`inspect`] for a text that was decoded: `marks` say which offset of the text stands where in the view, ascending.
pub fn inspect_marked(template: &str, view: View<'_>, marks: &[(usize, u64)], scan: &mut Scan<'_>) {
    inspect_as(template, view, marks, false, scan);
}

fn inspect_as(template: &str, view: View<'_>, marks: &[(usize, u64)], lenient: bool, scan: &mut Scan<'_>) {
    let mut end = template.len().min(LONGEST);
    if template.len() > LONGEST {
        scan.gap("limit-template");
    }
    while !template.is_char_boundary(end) {
        end -= 1;
    }
    let text = template.get(..end).unwrap_or("");
    let mut found = Found::default();
    hidden(text, &mut found);
    let mut program =
        Program { found, env: HashMap::new(), locals: HashSet::new(), macros: HashSet::new(), loops: Vec::new(), branches: Vec::new(), chosen: false };
    program.run(text);
    let place = |offset: usize| {
        let i = marks.partition_point(|m| m.0 <= offset).saturating_sub(1);
        marks.get(i).map_or(0, |m| m.1.saturating_add(offset.saturating_sub(m.0) as u64))
    };
    program.found.all.retain(|f| !(lenient && matches!(f.2, "import" | "call-unknown" | "forbidden-global" | "unbounded-loop")));
    for (from, to, what) in whole(program.found.all) {
        let (a, b) = (place(from), place(to));
        let span: String = text.get(from..to).unwrap_or("").chars().take(200).collect();
        scan.state(view, a, b.saturating_sub(a).max(1), Fact::Template { what, text: span });
    }
}

/// A walk is found step by step and in its arguments; the longest way says it all, and is as bad as its worst step.
fn whole(mut steps: Vec<(usize, usize, &'static str)>) -> Vec<(usize, usize, &'static str)> {
    let walks = |what: &str| !matches!(what, "unbounded-loop" | "hidden-unicode" | "planted-text");
    steps.sort_by_key(|&(from, to, _)| (from, std::cmp::Reverse(to)));
    let mut out: Vec<(usize, usize, &'static str)> = Vec::new();
    for step in steps {
        match out.iter_mut().rev().find(|f| walks(f.2)) {
            Some(all) if walks(step.2) && step.1 <= all.1 => {
                if all.2 == "call-unknown" {
                    all.2 = step.2;
                }
            }
            _ => out.push(step),
        }
    }
    out
}

/// Characters that hide what a template says: bidirectional overrides, tags, zero-width spaces. Joiners are ordinary letters in
/// some scripts and in emoji.
fn hidden(text: &str, found: &mut Found) {
    for (i, c) in text.char_indices() {
        if matches!(c, '\u{200b}' | '\u{2060}'..='\u{2064}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{e0000}'..='\u{e007f}' | '\u{e0100}'..='\u{e01ef}')
        {
            found.add(i, i + c.len_utf8(), "hidden-unicode");
        }
    }
}

#[derive(Default)]
struct Found {
    all: Vec<(usize, usize, &'static str)>,
}

impl Found {
    fn add(&mut self, from: usize, to: usize, what: &'static str) {
        let same = self.all.iter().filter(|f| f.2 == what).count();
        if same < FINDINGS / 8 && !self.all.contains(&(from, to, what)) {
            self.all.push((from, to, what));
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Expression,
    Statement,
    Comment,
}

struct Piece<'t> {
    kind: Kind,
    body: &'t str,
    /// Offset of the body.
    at: usize,
    closed: bool,
}

/// The tags of a template, as Jinja's own lexer finds them: closing marks inside of strings and brackets do not count.
struct Pieces<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Pieces<'t> {
    fn new(text: &'t str) -> Self {
        Pieces { text, at: 0 }
    }
}

impl<'t> Iterator for Pieces<'t> {
    type Item = Piece<'t>;

    fn next(&mut self) -> Option<Piece<'t>> {
        let bytes = self.text.as_bytes();
        let rest = bytes.get(self.at..)?;
        let open = self.at + rest.windows(2).position(|w| matches!(w, b"{{" | b"{%" | b"{#"))?;
        let mut from = open + 2;
        let kind = match bytes.get(open + 1) {
            Some(b'{') => Kind::Expression,
            Some(b'%') => Kind::Statement,
            _ => Kind::Comment,
        };
        if matches!(bytes.get(from), Some(b'-' | b'+')) {
            from += 1;
        }
        let (end, closed) = close(bytes, from, kind);
        self.at = (end + if closed { 2 } else { 0 }).max(open + 2);
        let body = self.text.get(from..end.max(from)).unwrap_or("").trim_end_matches(['-', '+']);
        if kind == Kind::Statement && body.trim() == "raw" {
            // Up to the end mark everything is text.
            let after = self.text.get(self.at..).unwrap_or("");
            let mut skip = after.len();
            for (i, _) in after.match_indices("endraw") {
                let before = after.get(..i).unwrap_or("").trim_end().trim_end_matches(['-', '+']);
                if before.ends_with("{%") {
                    skip = i;
                    break;
                }
            }
            self.at += skip;
        }
        Some(Piece { kind, body, at: from, closed })
    }
}

fn close(bytes: &[u8], from: usize, kind: Kind) -> (usize, bool) {
    let mut at = from;
    let mut quote = None;
    let mut depth = 0usize;
    while let Some(b) = bytes.get(at) {
        let next = bytes.get(at + 1);
        if kind == Kind::Comment {
            if *b == b'#' && next == Some(&b'}') {
                return (at, true);
            }
        } else if let Some(q) = quote {
            match b {
                b'\\' => at += 1,
                b if *b == q => quote = None,
                _ => {}
            }
        } else {
            match b {
                b'"' | b'\'' => quote = Some(*b),
                b'%' if kind == Kind::Statement && next == Some(&b'}') && depth == 0 => return (at, true),
                b'}' if kind == Kind::Expression && next == Some(&b'}') && depth == 0 => return (at, true),
                b'(' | b'[' | b'{' => depth += 1,
                b')' | b']' | b'}' => depth = depth.saturating_sub(1),
                _ => {}
            }
        }
        at += 1;
    }
    (bytes.len(), false)
}

#[derive(Clone, Debug, PartialEq)]
enum Word {
    Name(String),
    Text(Rc<str>),
    Int(i64),
    Float,
    Op(&'static str),
}

#[derive(Clone, Debug)]
struct Token {
    word: Word,
    from: usize,
    to: usize,
}

const OPERATORS: &[&str] =
    &["**", "//", "==", "!=", "<=", ">=", "+", "-", "*", "/", "%", "~", "<", ">", "=", "(", ")", "[", "]", "{", "}", ".", ",", ":", "|", ";"];

/// The tokens of a tag's body, which stands at `base` of the template.
fn tokens(body: &str, base: usize) -> Vec<Token> {
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(rest) = body.get(at..)
        && let Some(c) = rest.chars().next()
    {
        let from = base + at;
        if c.is_whitespace() {
            at += c.len_utf8();
            continue;
        }
        let word = if c == '_' || c.is_alphabetic() {
            let n = rest.find(|c: char| !(c == '_' || c.is_alphanumeric())).unwrap_or(rest.len());
            at += n;
            Word::Name(rest.get(..n).unwrap_or("").to_string())
        } else if c.is_ascii_digit() {
            let n = rest.find(|c: char| !(c == '_' || c.is_ascii_alphanumeric())).unwrap_or(rest.len());
            at += n;
            let digits = rest.get(..n).unwrap_or("").replace('_', "").to_ascii_lowercase();
            let whole = match digits.get(..2) {
                Some("0x") => i64::from_str_radix(digits.get(2..).unwrap_or(""), 16),
                Some("0o") => i64::from_str_radix(digits.get(2..).unwrap_or(""), 8),
                Some("0b") => i64::from_str_radix(digits.get(2..).unwrap_or(""), 2),
                _ => digits.parse(),
            };
            match whole {
                Ok(n) => Word::Int(n),
                Err(_) if digits.bytes().all(|b| b.is_ascii_digit()) => Word::Int(i64::MAX),
                Err(_) => Word::Float,
            }
        } else if c == '"' || c == '\'' {
            let (text, n) = literal(rest, c);
            at += n;
            Word::Text(text.into())
        } else if let Some(op) = OPERATORS.iter().find(|o| rest.starts_with(**o)) {
            at += op.len();
            Word::Op(op)
        } else {
            at += c.len_utf8();
            continue;
        };
        out.push(Token { word, from, to: base + at });
    }
    out
}

/// A string literal with its escapes undone, and its length in the source.
fn literal(rest: &str, quote: char) -> (String, usize) {
    let mut out = String::new();
    let mut chars = rest.char_indices().skip(1);
    while let Some((i, c)) = chars.next() {
        if c == quote {
            return (out, i + 1);
        }
        if c != '\\' {
            out.push(c);
            continue;
        }
        let Some((j, e)) = chars.next() else { break };
        let digits = match e {
            'x' => 2,
            'u' => 4,
            'U' => 8,
            _ => 0,
        };
        if digits > 0 {
            let hex = rest.get(j + 1..j + 1 + digits).unwrap_or("");
            match u32::from_str_radix(hex, 16).ok().and_then(char::from_u32) {
                Some(c) => {
                    out.push(c);
                    for _ in 0..digits {
                        chars.next();
                    }
                }
                None => out.push(e),
            }
        } else if e.is_digit(8) {
            let n = rest.get(j..).unwrap_or("").chars().take(3).take_while(|c| c.is_digit(8)).count();
            let code = u32::from_str_radix(rest.get(j..j + n).unwrap_or("0"), 8).unwrap_or(0);
            out.push(char::from_u32(code).unwrap_or('?'));
            for _ in 1..n {
                chars.next();
            }
        } else if e == 'N' {
            // '\N{LOW LINE}' and its kind: the name is not looked up, underscores are what it would be used for.
            let name = rest.get(j + 1..).and_then(|r| r.strip_prefix('{')).and_then(|r| r.split('}').next()).unwrap_or("");
            out.push(if name.eq_ignore_ascii_case("low line") { '_' } else { '?' });
            for _ in 0..(name.chars().count() + 2) {
                chars.next();
            }
        } else {
            match e {
                'n' => out.push('\n'),
                't' => out.push('\t'),
                'r' => out.push('\r'),
                '\n' => {}
                'a' | 'b' | 'f' | 'v' | '0' => out.push('\u{1}'),
                _ => out.push(e),
            }
        }
    }
    (out, rest.len())
}

/// What an expression comes to, as far as the template alone says.
#[derive(Clone, Debug, PartialEq)]
enum Val {
    /// A constant text.
    Text(Rc<str>),
    /// A constant integer.
    Int(i64),
    /// A list of constants; nested lists are `Other`, so that a value has no depth.
    List(Rc<[Val]>),
    /// A text put together of parts, not all of which are constant.
    Built,
    /// What somebody says in the conversation.
    Said,
    /// Anything else.
    Other,
}

/// Whether a constant is a word of a language, and not a mark of the template's own (`<think>`, `[INST]`, `tool_calls`).
fn is_word(s: &str) -> bool {
    s.split(|c: char| !c.is_alphabetic()).any(|w| w.chars().count() > 2) && !s.contains(['<', '>', '|', '[', ']', '{', '}', '_', '/', '\n', '#', '\\'])
}

/// Whether a text is a sentence for the model to read: several words in a row, or an address.
fn is_sentence(s: &str) -> bool {
    let words = s.split_whitespace().filter(|w| w.chars().filter(|c| c.is_alphabetic()).count() > 1 && !w.contains(['<', '>', '|', '{', '}']));
    s.contains("://") || words.count() > 4
}

fn text(s: String) -> Val {
    if s.len() > CONSTANT { Val::Built } else { Val::Text(s.into()) }
}

fn parts(v: &Val) -> Option<String> {
    match v {
        Val::Text(s) => Some(s.to_string()),
        Val::Int(n) => Some(n.to_string()),
        _ => None,
    }
}

fn join(list: &[Val], with: &str) -> Val {
    let all: Option<Vec<String>> = list.iter().map(parts).collect();
    all.map_or(Val::Built, |a| text(a.join(with)))
}

/// An operand on the stack.
#[derive(Clone, Debug)]
struct Item {
    val: Val,
    from: usize,
    to: usize,
    /// The name, if it is nothing but a name.
    name: Option<String>,
    /// The method that was just taken from it, with what it was taken from.
    method: Option<(String, Val)>,
}

/// What an open bracket is for.
#[derive(Clone, Debug)]
enum Open {
    Group,
    List,
    Dict,
    Call(Box<Item>),
    Subscript(Box<Item>),
    Filter(Box<Item>, String),
    Test(Box<Item>),
}

struct Frame {
    open: Open,
    items: Vec<(Option<String>, Val)>,
    keyword: Option<String>,
    colons: Vec<usize>,
    operands: usize,
    operators: usize,
    from: usize,
    comma: bool,
}

struct Program {
    found: Found,
    env: HashMap<String, Val>,
    locals: HashSet<String>,
    macros: HashSet<String>,
    /// How often the open loops run, where that is constant.
    loops: Vec<i64>,
    /// Of the open branches, whether what somebody says, or the day, chose them.
    branches: Vec<bool>,
    /// The same for the condition that is being read.
    chosen: bool,
}

impl Program {
    /// Text that goes to the model: a sentence that only some conversations or days get was planted there.
    fn shown(&mut self, text: &str, from: usize) {
        if self.branches.contains(&true) && is_sentence(text) {
            self.found.add(from, from + text.len(), "planted-text");
        }
    }

    fn run(&mut self, source: &str) {
        for piece in Pieces::new(source) {
            if piece.kind == Kind::Statement {
                let mut words = piece.body.split_whitespace();
                if words.next() == Some("macro")
                    && let Some(name) = words.next()
                {
                    self.macros.insert(name.split('(').next().unwrap_or("").to_string());
                }
            }
        }
        let (mut pieces, mut done) = (Pieces::new(source), 0);
        while let Some(piece) = pieces.next() {
            self.shown(source.get(done..piece.at.saturating_sub(2)).unwrap_or(""), done);
            done = pieces.at;
            match piece.kind {
                Kind::Comment => {}
                Kind::Expression => {
                    let toks = tokens(piece.body, piece.at);
                    for t in &toks {
                        if let Word::Text(s) = &t.word {
                            self.shown(s, t.from);
                        }
                    }
                    self.expression(&toks);
                }
                Kind::Statement => {
                    let toks = tokens(piece.body, piece.at);
                    self.statement(&toks);
                }
            }
        }
    }

    fn statement(&mut self, toks: &[Token]) {
        let Some((first, rest)) = toks.split_first() else { return };
        let Word::Name(word) = &first.word else { return };
        let end = toks.last().map_or(first.to, |t| t.to);
        match word.as_str() {
            "import" | "from" | "include" | "extends" => {
                self.found.add(first.from, end, "import");
                self.expression(rest);
            }
            "set" | "with" => self.set(rest),
            "for" => {
                let at = rest.iter().position(|t| t.word == Word::Name("in".into())).unwrap_or(rest.len());
                let (targets, source) = rest.split_at(at);
                for t in targets {
                    if let Word::Name(n) = &t.word {
                        self.locals.insert(n.clone());
                        self.env.insert(n.clone(), Val::Other);
                    }
                }
                let value = self.expression(source.get(1..).unwrap_or(&[]));
                let count = match &value {
                    Val::List(l) => i64::try_from(l.len()).unwrap_or(HUGE),
                    Val::Int(n) => *n,
                    _ => 1,
                };
                // Looping over constants: a variable that takes each of them is known to be one of them.
                if let (Val::List(l), [Token { word: Word::Name(n), .. }]) = (&value, targets)
                    && l.len() == 1
                    && let Some(v) = l.first()
                {
                    self.env.insert(n.clone(), v.clone());
                }
                self.loops.push(count.max(1));
                let product = self.loops.iter().fold(1i64, |a, b| a.saturating_mul(*b));
                if product >= HUGE {
                    self.found.add(first.from, end, "unbounded-loop");
                }
            }
            "endfor" => {
                self.loops.pop();
            }
            "macro" | "call" => {
                let mut depth = 0;
                for (i, t) in rest.iter().enumerate() {
                    match &t.word {
                        Word::Op("(") => depth += 1,
                        Word::Op(")") => depth -= 1,
                        Word::Name(n) if depth == 1 && word == "macro" && matches!(rest.get(i.wrapping_sub(1)).map(|t| &t.word), Some(Word::Op("(" | ","))) => {
                            self.locals.insert(n.clone());
                        }
                        _ => {}
                    }
                }
                self.expression(if word == "macro" { rest.get(1..).unwrap_or(&[]) } else { rest });
            }
            "filter" => {
                // `{% filter attr('x') %}` is a filter on the block's text.
                let mut with = vec![Token { word: Word::Op("|"), from: first.from, to: first.to }];
                with.extend_from_slice(rest);
                with.insert(0, Token { word: Word::Name("block".into()), from: first.from, to: first.to });
                self.expression(&with);
            }
            "block" | "endblock" | "endmacro" | "raw" | "endraw" => {}
            "if" | "elif" => {
                let dated = |w: &[Token]| matches!(w, [Token { word: Word::Name(n), .. }, Token { word: Word::Op("("), .. }] if n == "strftime_now");
                self.chosen = rest.windows(2).any(dated);
                self.expression(rest);
                if word == "elif" {
                    self.branches.pop();
                }
                self.branches.push(self.chosen);
            }
            "endif" => {
                self.branches.pop();
            }
            _ if STATEMENTS.contains(&word.as_str()) => {
                self.expression(rest);
            }
            _ => {
                self.expression(rest);
            }
        }
    }

    fn set(&mut self, toks: &[Token]) {
        let mut depth = 0i32;
        let at = toks.iter().position(|t| {
            match &t.word {
                Word::Op("(" | "[" | "{") => depth += 1,
                Word::Op(")" | "]" | "}") => depth -= 1,
                _ => {}
            }
            depth == 0 && t.word == Word::Op("=")
        });
        let Some(at) = at else {
            // `{% set x %}…{% endset %}`: the block's text.
            if let [Token { word: Word::Name(n), .. }, rest @ ..] = toks {
                self.locals.insert(n.clone());
                self.env.insert(n.clone(), Val::Built);
                if !rest.is_empty() {
                    self.expression(toks);
                }
            }
            return;
        };
        let (left, right) = toks.split_at(at);
        let right = right.get(1..).unwrap_or(&[]);
        let value = self.expression(right);
        let names: Vec<String> = left.iter().filter_map(|t| if let Word::Name(n) = &t.word { Some(n.clone()) } else { None }).collect();
        let dotted = left.iter().any(|t| t.word == Word::Op("."));
        if dotted {
            for n in names.iter().skip(1) {
                self.attribute(n, left.first().map_or(0, |t| t.from), left.last().map_or(0, |t| t.to), "dunder-attribute");
            }
        }
        // A text doubled in a loop grows without end.
        let target: String = if dotted { names.join(".") } else { names.first().cloned().unwrap_or_default() };
        if !self.loops.is_empty() && doubles(right, &names, dotted) {
            self.found.add(left.first().map_or(0, |t| t.from), toks.last().map_or(0, |t| t.to), "unbounded-loop");
        }
        if dotted || names.len() == 1 {
            let value = match self.env.get(&target) {
                // A variable with several values is known to be none of them; one that was built once stays so.
                Some(Val::Built) if dotted && !matches!(value, Val::Int(_)) => Val::Built,
                _ => value,
            };
            if let Some(n) = names.first() {
                self.locals.insert(n.clone());
            }
            if self.env.len() < 10_000 {
                self.env.insert(target, value);
            }
        } else {
            let several = match &value {
                Val::List(l) if l.len() == names.len() => l.to_vec(),
                _ => vec![Val::Other; names.len()],
            };
            for (n, v) in names.into_iter().zip(several) {
                self.locals.insert(n.clone());
                self.env.insert(n, v);
            }
        }
    }

    /// A name that is looked up on an object.
    fn attribute(&mut self, name: &str, from: usize, to: usize, what: &'static str) {
        if name.starts_with("__") || name.contains("__") && name.trim_matches('_').len() + 4 <= name.len() {
            self.found.add(from, to, what);
        } else if INTERNAL.contains(&name) {
            self.found.add(from, to, if what == "attribute-filter" { what } else { "frame-access" });
        } else if name.starts_with('_') && name.len() > 1 {
            self.found.add(from, to, if name.starts_with("_Template") || name == "_module" { what } else { "call-unknown" });
        }
    }

    /// A constant text, wherever it came from: a name of Python's object model is there to be looked up.
    fn constant(&mut self, s: &str, from: usize, to: usize) {
        if s.len() < 5 || !s.contains('_') {
            return;
        }
        let plain = s.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '[' | ']' | '(' | ')'));
        if plain && s.split(['.', '[', ']', '(', ')']).any(|p| is_dunder(p) && p.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')) {
            self.found.add(from, to, "dunder-attribute");
        } else if s.split(['.', '[', ']']).any(|p| INTERNAL.contains(&p) && p != "mro") && plain {
            self.found.add(from, to, "frame-access");
        }
        // '{0.__class__}'.format(x) walks attributes by itself.
        if s.split('{')
            .skip(1)
            .any(|f| f.split('}').next().is_some_and(|f| (f.contains(".__") || f.contains("[__")) && f.len() < 200 && !f.contains(char::is_whitespace)))
        {
            self.found.add(from, to, "dunder-attribute");
        }
    }

    fn expression(&mut self, toks: &[Token]) -> Val {
        let mut run = Run { p: self, toks, at: 0, operands: Vec::new(), operators: Vec::new(), frames: Vec::new(), want: true };
        run.all()
    }
}

/// `x = x ~ x`, `x = x + x`, `x = x * 2` on texts.
fn doubles(toks: &[Token], names: &[String], dotted: bool) -> bool {
    let Some(name) = names.last() else { return false };
    let hits: Vec<usize> = toks.iter().enumerate().filter(|(_, t)| t.word == Word::Name(name.clone())).map(|(i, _)| i).collect();
    let plain = toks.iter().all(|t| match &t.word {
        Word::Name(n) => names.contains(n),
        Word::Op(o) => matches!(*o, "~" | "+" | "." | "(" | ")"),
        _ => false,
    });
    let _ = dotted;
    hits.len() >= 2 && plain
}

/// One expression being read.
struct Run<'p, 't> {
    p: &'p mut Program,
    toks: &'t [Token],
    at: usize,
    operands: Vec<Item>,
    operators: Vec<(&'static str, u8)>,
    frames: Vec<Frame>,
    /// An operand is next.
    want: bool,
}

fn binding(op: &str) -> Option<u8> {
    Some(match op {
        "if" | "else" => 1,
        "or" => 2,
        "and" => 3,
        "not" => 4,
        "==" | "!=" | "<" | ">" | "<=" | ">=" | "in" | "is" => 5,
        "~" => 6,
        "+" | "-" => 7,
        "*" | "/" | "//" | "%" => 8,
        "neg" => 9,
        "**" => 10,
        _ => return None,
    })
}

impl Run<'_, '_> {
    fn all(&mut self) -> Val {
        while let Some(t) = self.toks.get(self.at) {
            self.at += 1;
            let t = t.clone();
            self.step(t);
        }
        while !self.frames.is_empty() {
            self.close();
        }
        self.reduce(0, 0);
        let last = self.operands.len();
        match (last, self.operands.pop()) {
            (1, Some(item)) => {
                self.bare(&item);
                item.val
            }
            (_, Some(item)) => {
                self.bare(&item);
                // `a, b`: a tuple without brackets.
                let mut all: Vec<Val> = self.operands.drain(..).map(|i| i.val).collect();
                all.push(item.val);
                list(all)
            }
            _ => Val::Other,
        }
    }

    fn peek(&self) -> Option<&Word> {
        self.toks.get(self.at).map(|t| &t.word)
    }

    fn operand(&mut self, val: Val, from: usize, to: usize) {
        self.operands.push(Item { val, from, to, name: None, method: None });
        self.want = false;
    }

    fn frame(&mut self, open: Open, from: usize) {
        self.frames.push(Frame {
            open,
            items: Vec::new(),
            keyword: None,
            colons: Vec::new(),
            operands: self.operands.len(),
            operators: self.operators.len(),
            from,
            comma: false,
        });
        self.want = true;
    }

    fn floor(&self) -> (usize, usize) {
        self.frames.last().map_or((0, 0), |f| (f.operands, f.operators))
    }

    fn operator(&mut self, op: &'static str) {
        let Some(bind) = binding(op) else { return };
        let (_, floor) = self.floor();
        if op != "not" && op != "neg" {
            while self.operators.len() > floor && self.operators.last().is_some_and(|o| o.1 >= bind) {
                self.apply();
            }
        }
        self.operators.push((op, bind));
        self.want = true;
    }

    fn reduce(&mut self, _operands: usize, operators: usize) {
        while self.operators.len() > operators {
            self.apply();
        }
    }

    fn apply(&mut self) {
        let Some((op, _)) = self.operators.pop() else { return };
        let (floor, _) = self.floor();
        if self.operands.len() <= floor {
            return;
        }
        let Some(b) = self.operands.pop() else { return };
        self.bare(&b);
        if matches!(op, "not" | "neg") {
            let val = match (op, &b.val) {
                ("neg", Val::Int(n)) => Val::Int(n.saturating_neg()),
                _ => Val::Other,
            };
            self.operands.push(Item { val, from: b.from, to: b.to, name: None, method: None });
            return;
        }
        if self.operands.len() <= floor {
            self.operands.push(b);
            return;
        }
        let Some(a) = self.operands.pop() else { return };
        self.bare(&a);
        let (from, to) = (a.from, b.to);
        let val = self.fold(op, &a.val, &b.val, from, to);
        if let Val::Text(s) = &val {
            let s = s.clone();
            self.p.constant(&s, from, to);
        }
        self.operands.push(Item { val, from, to, name: None, method: None });
    }

    fn fold(&mut self, op: &str, a: &Val, b: &Val, from: usize, to: usize) -> Val {
        use Val::{Built, Int, List, Other, Text};
        match (op, a, b) {
            ("~", a, b) => match (parts(a), parts(b)) {
                (Some(a), Some(b)) => text(a + &b),
                _ => Built,
            },
            ("+", Text(a), Text(b)) => text(format!("{a}{b}")),
            ("+", Text(_) | Built, _) | ("+", _, Text(_) | Built) => Built,
            ("+", List(a), List(b)) => list(a.iter().chain(b.iter()).cloned().collect()),
            ("%", Text(f), args) => {
                if wide(f) {
                    self.p.found.add(from, to, "unbounded-loop");
                }
                percent(f, args)
            }
            ("%", Built, _) => Built,
            ("*", Text(s), Int(n)) | ("*", Int(n), Text(s)) => {
                if n.saturating_mul(i64::try_from(s.len()).unwrap_or(i64::MAX)) >= HUGE {
                    self.p.found.add(from, to, "unbounded-loop");
                    return Built;
                }
                let n = usize::try_from(*n).unwrap_or(0);
                if n.saturating_mul(s.len()) > CONSTANT { Built } else { text(s.repeat(n)) }
            }
            ("*", List(_) | Built | Other, Int(n)) | ("*", Int(n), List(_) | Built | Other) => {
                if *n >= HUGE {
                    self.p.found.add(from, to, "unbounded-loop");
                }
                if matches!((a, b), (Built, _) | (_, Built)) { Built } else { Other }
            }
            ("+", Int(a), Int(b)) => Int(a.saturating_add(*b)),
            ("-", Int(a), Int(b)) => Int(a.saturating_sub(*b)),
            ("*", Int(a), Int(b)) => Int(a.saturating_mul(*b)),
            ("//", Int(a), Int(b)) => a.checked_div(*b).map_or(Other, Int),
            ("%", Int(a), Int(b)) => a.checked_rem(*b).map_or(Other, Int),
            ("**", Int(a), Int(b)) => {
                let power = a.saturating_pow(u32::try_from(*b).unwrap_or(u32::MAX));
                if *b > 100_000 || power == i64::MAX && *b > 1000 {
                    self.p.found.add(from, to, "unbounded-loop");
                }
                Int(power)
            }
            ("in", Text(s), Val::Said) | ("==" | "!=", Val::Said, Text(s)) if is_word(s) => {
                self.p.chosen = true;
                Other
            }
            ("else" | "if" | "or" | "and", Built, _) | ("else" | "if" | "or", _, Built) => Built,
            _ => Other,
        }
    }

    /// A global that is handed around instead of being called.
    fn bare(&mut self, item: &Item) {
        if let Some(name) = &item.name
            && GLOBALS.contains(&name.as_str())
            && !VALUES.contains(&name.as_str())
            && !self.p.locals.contains(name)
        {
            self.p.found.add(item.from, item.to, "forbidden-global");
        }
    }

    fn step(&mut self, t: Token) {
        match (&t.word, self.want) {
            (Word::Text(s), true) => {
                let mut whole = s.to_string();
                // Neighbouring literals are one.
                let mut to = t.to;
                while let Some(Token { word: Word::Text(more), to: end, .. }) = self.toks.get(self.at) {
                    whole.push_str(more);
                    to = *end;
                    self.at += 1;
                    if whole.len() > CONSTANT {
                        self.p.constant(&whole, t.from, to);
                        whole.truncate(0);
                    }
                }
                self.p.constant(&whole, t.from, to);
                self.operand(text(whole), t.from, to);
            }
            (Word::Int(n), true) => self.operand(Val::Int(*n), t.from, t.to),
            (Word::Float, true) => self.operand(Val::Other, t.from, t.to),
            (Word::Name(n), true) => self.name(n, &t),
            (Word::Op("-"), true) => self.operator("neg"),
            (Word::Op("+"), true) => {}
            (Word::Op("("), true) => self.frame(Open::Group, t.from),
            (Word::Op("["), true) => self.frame(Open::List, t.from),
            (Word::Op("{"), true) => self.frame(Open::Dict, t.from),
            (Word::Op("("), false) => {
                if let Some(item) = self.operands.pop() {
                    self.called(&item);
                    self.frame(Open::Call(Box::new(item)), t.from);
                }
            }
            (Word::Op("["), false) => {
                if let Some(item) = self.operands.pop() {
                    self.rooted(&item, item.from, t.to);
                    self.frame(Open::Subscript(Box::new(item)), t.from);
                }
            }
            (Word::Op(")" | "]" | "}"), _) => self.close(),
            (Word::Op(","), _) => self.comma(),
            (Word::Op(":"), _) => {
                let (_, floor) = self.floor();
                self.reduce(0, floor);
                let at = self.operands.len();
                if let Some(f) = self.frames.last_mut() {
                    f.colons.push(at.saturating_sub(f.operands));
                }
                self.want = true;
            }
            (Word::Op("="), _) => {
                if let Some(f) = self.frames.last_mut()
                    && self.operands.len() > f.operands
                {
                    let item = self.operands.pop();
                    f.keyword = item.and_then(|i| i.name);
                }
                self.want = true;
            }
            (Word::Op("."), false) => self.dot(),
            (Word::Op("|"), false) => self.filter(),
            (Word::Op(op), _) => self.operator(op),
            (Word::Name(n), false) => match n.as_str() {
                "is" => self.test(),
                "if" => self.operator("if"),
                "else" => self.operator("else"),
                "or" => self.operator("or"),
                "and" => self.operator("and"),
                "in" => self.operator("in"),
                "not" => {}
                "recursive" | "without" | "with" | "context" | "ignore" | "missing" | "scoped" | "required" | "as" | "import" => self.want = true,
                _ => {
                    self.want = true;
                    self.name(n, &t);
                }
            },
            _ => {}
        }
    }

    fn name(&mut self, n: &str, t: &Token) {
        match n {
            "not" => return self.operator("not"),
            "true" | "True" | "false" | "False" | "none" | "None" => return self.operand(Val::Other, t.from, t.to),
            _ => {}
        }
        if n.starts_with("__") && !self.p.locals.contains(n) && !matches!(self.peek(), Some(Word::Op("="))) {
            self.p.found.add(t.from, t.to, "dunder-attribute");
        }
        let val = self.p.env.get(n).cloned().unwrap_or(Val::Other);
        self.operands.push(Item { val, from: t.from, to: t.to, name: Some(n.to_string()), method: None });
        self.want = false;
    }

    /// An attribute or an element of a global.
    fn rooted(&mut self, item: &Item, from: usize, to: usize) {
        if let Some(name) = &item.name
            && GLOBALS.contains(&name.as_str())
            && !self.p.locals.contains(name)
        {
            self.p.found.add(from, to, "forbidden-global");
        }
        if let Some(name) = &item.name
            && self.p.macros.contains(name)
            && !self.p.locals.contains(name)
        {
            self.p.found.add(from, to, "forbidden-global");
        }
    }

    fn dot(&mut self) {
        let Some(t) = self.toks.get(self.at).cloned() else { return };
        let Some(item) = self.operands.pop() else { return };
        let name = match &t.word {
            Word::Name(n) => n.clone(),
            Word::Int(_) | Word::Float => {
                self.at += 1;
                return self.operand(Val::Other, item.from, t.to);
            }
            _ => {
                self.operands.push(item);
                return;
            }
        };
        self.at += 1;
        self.p.attribute(&name, item.from, t.to, "dunder-attribute");
        self.rooted(&item, item.from, t.to);
        let other = if name == "content" { Val::Said } else { Val::Other };
        let val = item.name.as_ref().and_then(|root| self.p.env.get(&format!("{root}.{name}"))).cloned().unwrap_or(other);
        self.operands.push(Item { val, from: item.from, to: t.to, name: None, method: Some((name, item.val)) });
        self.want = false;
    }

    fn called(&mut self, item: &Item) {
        if let Some(name) = &item.name {
            if !CALLABLE.contains(&name.as_str()) && !self.p.macros.contains(name) {
                self.p.found.add(item.from, item.to, "call-unknown");
            }
        } else if let Some((method, _)) = &item.method
            && !METHODS.contains(&method.as_str())
        {
            self.p.found.add(item.from, item.to, "call-unknown");
        }
    }

    fn comma(&mut self) {
        let (_, floor) = self.floor();
        self.reduce(0, floor);
        self.take();
        if let Some(f) = self.frames.last_mut() {
            f.comma = true;
        }
        self.want = true;
    }

    /// Moves the operands of the open bracket into its list.
    fn take(&mut self) {
        let Some(base) = self.frames.last().map(|f| f.operands) else { return };
        while self.operands.len() > base.saturating_add(8) && self.frames.last().is_some_and(|f| matches!(f.open, Open::Group | Open::List)) {
            self.operands.remove(base);
        }
        let fresh: Vec<Item> = self.operands.drain(base.min(self.operands.len())..).collect();
        for item in &fresh {
            self.bare(item);
        }
        let Some(f) = self.frames.last_mut() else { return };
        let dict = matches!(f.open, Open::Dict);
        for (i, item) in fresh.into_iter().enumerate() {
            // Of a dict, iterating gives the keys.
            if f.items.len() < CONSTANT && !(dict && i > 0) {
                f.items.push((f.keyword.take(), item.val));
            }
        }
        f.keyword = None;
    }

    fn close(&mut self) {
        let (_, floor) = self.floor();
        self.reduce(0, floor);
        self.take();
        let Some(f) = self.frames.pop() else {
            self.want = false;
            return;
        };
        let to = self.toks.get(self.at.saturating_sub(1)).map_or(f.from, |t| t.to);
        let args: Vec<Val> = f.items.iter().map(|i| i.1.clone()).collect();
        let from = match &f.open {
            Open::Call(i) | Open::Subscript(i) | Open::Filter(i, _) | Open::Test(i) => i.from,
            _ => f.from,
        };
        let val = match f.open {
            Open::Group if !f.comma && args.len() == 1 => args.into_iter().next().unwrap_or(Val::Other),
            Open::Group | Open::List | Open::Dict => list(args),
            Open::Test(_) => Val::Other,
            Open::Call(item) => self.call(&item, &f.items, to),
            Open::Subscript(item) => self.subscript(&item, &args, f.colons.len(), &f.colons, to),
            Open::Filter(item, name) => self.filtered(&item, &name, &f.items, to),
        };
        if let Val::Text(s) = &val {
            let s = s.clone();
            self.p.constant(&s, from, to);
        }
        self.operand(val, from, to);
    }

    fn huge(&mut self, items: &[(Option<String>, Val)], from: usize, to: usize) {
        if items.iter().any(|(_, v)| matches!(v, Val::Int(n) if *n >= 10 * HUGE)) {
            self.p.found.add(from, to, "unbounded-loop");
        }
        if items.iter().any(|(_, v)| matches!(v, Val::Text(s) if wide(s))) {
            self.p.found.add(from, to, "unbounded-loop");
        }
    }

    fn call(&mut self, item: &Item, items: &[(Option<String>, Val)], to: usize) -> Val {
        self.huge(items, item.from, to);
        let args: Vec<Val> = items.iter().map(|i| i.1.clone()).collect();
        if let Some(name) = &item.name {
            return match name.as_str() {
                "range" => {
                    let n = match args.as_slice() {
                        [Val::Int(n)] => *n,
                        [Val::Int(a), Val::Int(b)] => b.saturating_sub(*a),
                        [Val::Int(a), Val::Int(b), Val::Int(s)] => b.saturating_sub(*a).checked_div(*s).unwrap_or(0),
                        _ => return Val::Other,
                    };
                    if n >= HUGE {
                        self.p.found.add(item.from, to, "unbounded-loop");
                    }
                    Val::Int(n)
                }
                "dict" => list(items.iter().filter_map(|i| i.0.as_ref()).map(|k| Val::Text(k.as_str().into())).collect()),
                _ => Val::Other,
            };
        }
        if let Some((method, on)) = &item.method {
            // '%9999999d' and '{:>9999999}' make as much out of nothing.
            if method == "format" && matches!(on, Val::Text(s) if wide(s)) {
                self.p.found.add(item.from, to, "unbounded-loop");
            }
            match (method.as_str(), on, args.as_slice()) {
                ("startswith" | "endswith" | "find" | "index" | "count", Val::Said, [Val::Text(s), ..]) if is_word(s) => self.p.chosen = true,
                ("replace", Val::Said, [Val::Text(s), Val::Text(by), ..]) => self.replaced(s, by, item.from, to),
                (_, Val::Said, _) => return Val::Said,
                _ => {}
            }
            return transform(method, on, &args, true);
        }
        Val::Other
    }

    /// Words of the conversation that others are put in the place of.
    fn replaced(&mut self, word: &str, by: &str, from: usize, to: usize) {
        if is_word(word) && is_word(by) && !word.eq_ignore_ascii_case(by) {
            self.p.found.add(from, to, "planted-text");
        }
    }

    fn subscript(&mut self, item: &Item, args: &[Val], colons: usize, places: &[usize], to: usize) -> Val {
        if colons > 0 {
            return slice(&item.val, args, places);
        }
        match (args, &item.val) {
            ([Val::Text(s)], _) => {
                let s = s.clone();
                self.p.attribute(&s, item.from, to, "dunder-attribute");
                let other = if &*s == "content" { Val::Said } else { Val::Other };
                item.name.as_ref().and_then(|root| self.p.env.get(&format!("{root}.{s}"))).cloned().unwrap_or(other)
            }
            ([Val::Built], _) => {
                self.p.found.add(item.from, to, "computed-attribute");
                Val::Other
            }
            ([Val::Int(i)], Val::Text(s)) => pick(&s.chars().map(|c| Val::Text(c.to_string().into())).collect::<Vec<_>>(), *i),
            ([Val::Int(i)], Val::List(l)) => pick(l, *i),
            ([Val::Int(_)], Val::Built) => Val::Built,
            // A constant text has no elements that a template would look up by an unknown name.
            ([Val::Other], Val::Text(s)) if s.len() < 2 => {
                self.p.found.add(item.from, to, "computed-attribute");
                Val::Other
            }
            _ => Val::Other,
        }
    }

    fn test(&mut self) {
        let Some(item) = self.operands.pop() else { return };
        if self.peek() == Some(&Word::Name("not".into())) {
            self.at += 1;
        }
        let to = self.toks.get(self.at).map_or(item.to, |t| t.to);
        // The test's name.
        if matches!(self.peek(), Some(Word::Name(_))) {
            self.at += 1;
        }
        match self.peek() {
            Some(Word::Op("(")) => {
                self.at += 1;
                self.frame(Open::Test(Box::new(item)), to);
            }
            // `is divisibleby 3`: the argument is an operand of its own.
            Some(Word::Text(_) | Word::Int(_)) => {
                let t = self.toks.get(self.at).cloned();
                self.at += 1;
                if let Some(Token { word: Word::Text(s), from, to }) = t {
                    self.p.constant(&s, from, to);
                }
                self.operand(Val::Other, item.from, to);
            }
            _ => self.operand(Val::Other, item.from, to),
        }
    }

    fn filter(&mut self) {
        let Some(Token { word: Word::Name(name), to, .. }) = self.toks.get(self.at).cloned() else { return };
        self.at += 1;
        let Some(item) = self.operands.pop() else { return };
        if item.name.is_some() && name != "default" && name != "d" {
            self.bare(&item);
        }
        if self.peek() == Some(&Word::Op("(")) {
            self.at += 1;
            self.frame(Open::Filter(Box::new(item), name), to);
            return;
        }
        let val = self.filtered(&item, &name, &[], to);
        if let Val::Text(s) = &val {
            let s = s.clone();
            self.p.constant(&s, item.from, to);
        }
        self.operand(val, item.from, to);
    }

    fn filtered(&mut self, item: &Item, name: &str, items: &[(Option<String>, Val)], to: usize) -> Val {
        self.huge(items, item.from, to);
        let args: Vec<Val> = items.iter().map(|i| i.1.clone()).collect();
        if name == "attr" {
            match args.first() {
                Some(Val::Text(s)) => {
                    let s = s.clone();
                    self.p.attribute(&s, item.from, to, "attribute-filter");
                }
                _ => self.p.found.add(item.from, to, "computed-attribute"),
            }
            self.rooted(item, item.from, to);
            return Val::Other;
        }
        if name == "format" && matches!(&item.val, Val::Text(s) if wide(s)) {
            self.p.found.add(item.from, to, "unbounded-loop");
        }
        if BY_ATTRIBUTE.contains(&name) {
            self.by_attribute(item, name, items, to);
        }
        if item.val == Val::Said {
            if let ("replace", [Val::Text(s), Val::Text(by), ..]) = (name, args.as_slice()) {
                self.replaced(s, by, item.from, to);
            }
            return if matches!(name, "length" | "count" | "tojson") { Val::Other } else { Val::Said };
        }
        transform(name, &item.val, &args, false)
    }

    fn by_attribute(&mut self, item: &Item, name: &str, items: &[(Option<String>, Val)], to: usize) {
        for (i, (key, val)) in items.iter().enumerate() {
            let names_attribute = key.as_deref() == Some("attribute") || i == 0 && key.is_none() && matches!(name, "selectattr" | "rejectattr" | "groupby");
            let names_filter = i == 0 && key.is_none() && name == "map";
            match val {
                Val::Text(s) if names_attribute => {
                    let s = s.clone();
                    for part in s.split([',', '.']) {
                        self.p.attribute(part.trim(), item.from, to, "attribute-filter");
                    }
                }
                Val::Text(s) if names_filter && &**s == "attr" => {
                    let plain = matches!(items.get(1), Some((_, Val::Text(a))) if !a.contains('_') && !INTERNAL.contains(&&**a));
                    if !plain {
                        self.p.found.add(item.from, to, "attribute-filter");
                    }
                }
                Val::Text(_) | Val::Int(_) => {}
                _ if names_attribute || names_filter => self.p.found.add(item.from, to, "computed-attribute"),
                _ => {}
            }
        }
    }
}

fn list(items: Vec<Val>) -> Val {
    if items.len() > 4096 {
        return Val::Other;
    }
    Val::List(items.into_iter().map(|v| if matches!(v, Val::List(_)) { Val::Other } else { v }).collect())
}

fn pick(l: &[Val], i: i64) -> Val {
    let n = i64::try_from(l.len()).unwrap_or(0);
    let i = if i < 0 { i.saturating_add(n) } else { i };
    usize::try_from(i).ok().and_then(|i| l.get(i)).cloned().unwrap_or(Val::Other)
}

/// A format string whose width alone fills the memory.
fn wide(s: &str) -> bool {
    s.len() < CONSTANT && s.contains(['%', '{']) && s.split(|c: char| !c.is_ascii_digit()).any(|d| d.trim_start_matches('0').len() >= 8)
}

/// `'%s%c' % (…)`.
fn percent(format: &str, args: &Val) -> Val {
    let one = [args.clone()];
    let args: &[Val] = match args {
        Val::List(l) => l,
        _ => &one,
    };
    let mut out = String::new();
    let mut next = args.iter();
    let mut chars = format.chars();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let kind = chars.find(|c| c.is_alphabetic() || *c == '%');
        match (kind, kind.filter(|k| *k != '%').and_then(|_| next.next())) {
            (Some('%'), _) => out.push('%'),
            (Some('c'), Some(Val::Int(n))) => out.push(u32::try_from(*n).ok().and_then(char::from_u32).unwrap_or('?')),
            (Some('x'), Some(Val::Int(n))) => out.push_str(&format!("{n:x}")),
            (Some('c' | 's' | 'r' | 'd' | 'i'), Some(v)) => match parts(v) {
                Some(s) => out.push_str(&s),
                None => return Val::Built,
            },
            _ => return Val::Built,
        }
    }
    text(out)
}

/// `'{}{:c}'.format(…)`, positional.
fn braces(format: &str, args: &[Val]) -> Val {
    let mut out = String::new();
    let mut auto = 0usize;
    let mut rest = format;
    while let Some(i) = rest.find('{') {
        out.push_str(rest.get(..i).unwrap_or(""));
        let after = rest.get(i + 1..).unwrap_or("");
        if let Some(more) = after.strip_prefix('{') {
            out.push('{');
            rest = more;
            continue;
        }
        let Some((field, more)) = after.split_once('}') else { return Val::Built };
        let (index, spec) = field.split_once(':').unwrap_or((field, ""));
        let n = if index.is_empty() {
            auto += 1;
            auto - 1
        } else {
            match index.parse() {
                Ok(n) => n,
                Err(_) => return Val::Built,
            }
        };
        match (args.get(n), spec) {
            (Some(Val::Int(n)), s) if s.ends_with('c') => out.push(u32::try_from(*n).ok().and_then(char::from_u32).unwrap_or('?')),
            (Some(v), _) => match parts(v) {
                Some(s) => out.push_str(&s),
                None => return Val::Built,
            },
            _ => return Val::Built,
        }
        rest = more;
    }
    out.push_str(rest);
    text(out)
}

fn slice(on: &Val, args: &[Val], colons: &[usize]) -> Val {
    let units: Vec<Val> = match on {
        Val::Text(s) => s.chars().map(|c| Val::Text(c.to_string().into())).collect(),
        Val::List(l) => l.to_vec(),
        Val::Built => return Val::Built,
        _ => return Val::Other,
    };
    let mut bounds = [None, None, None];
    for (i, v) in args.iter().enumerate() {
        let slot = colons.iter().filter(|c| **c <= i).count();
        match (v, bounds.get_mut(slot)) {
            (Val::Int(n), Some(b)) => *b = Some(*n),
            _ => return if matches!(on, Val::Text(_)) { Val::Built } else { Val::Other },
        }
    }
    let n = i64::try_from(units.len()).unwrap_or(0);
    let step = bounds[2].unwrap_or(1);
    if step == 0 {
        return Val::Other;
    }
    let clamp = |b: Option<i64>, or: i64| {
        b.map_or(or, |b| if b < 0 { b.saturating_add(n).max(if step < 0 { -1 } else { 0 }) } else { b.min(if step < 0 { n - 1 } else { n }) })
    };
    let (mut at, end) = if step > 0 { (clamp(bounds[0], 0), clamp(bounds[1], n)) } else { (clamp(bounds[0], n - 1), clamp(bounds[1], -1)) };
    let mut out = Vec::new();
    while if step > 0 { at < end } else { at > end } {
        if let Some(v) = usize::try_from(at).ok().and_then(|i| units.get(i)) {
            out.push(v.clone());
        }
        at = at.saturating_add(step);
    }
    if matches!(on, Val::Text(_)) { join(&out, "") } else { list(out) }
}

/// What a filter or a method makes of a constant.
fn transform(name: &str, on: &Val, args: &[Val], method: bool) -> Val {
    let first = args.first();
    match (name, on) {
        ("join", Val::Text(sep)) if method => match first {
            Some(Val::List(l)) => join(l, sep),
            Some(Val::Text(s)) => text(s.chars().map(String::from).collect::<Vec<_>>().join(sep)),
            _ => Val::Built,
        },
        ("join", Val::List(l)) => match first {
            None => join(l, ""),
            Some(Val::Text(sep)) => join(l, sep),
            _ => Val::Built,
        },
        ("join", Val::Text(s)) => match first {
            None => Val::Text(s.clone()),
            Some(Val::Text(sep)) => text(s.chars().map(String::from).collect::<Vec<_>>().join(sep)),
            _ => Val::Built,
        },
        ("join", _) => Val::Built,
        ("format", Val::Text(f)) if method => braces(f, args),
        ("format", Val::Text(f)) => percent(f, &list(args.to_vec())),
        ("format" | "replace" | "translate", Val::Built | Val::Other) => Val::Built,
        ("replace", Val::Text(s)) => match (first, args.get(1)) {
            (Some(Val::Text(a)), Some(Val::Text(b))) if s.len().saturating_mul(b.len().max(1)) < 16 * CONSTANT => text(s.replace(&**a, b)),
            _ => Val::Built,
        },
        ("reverse", Val::Text(s)) => text(s.chars().rev().collect()),
        ("reverse", Val::List(l)) => list(l.iter().rev().cloned().collect()),
        ("upper", Val::Text(s)) => text(s.to_uppercase()),
        ("lower" | "casefold", Val::Text(s)) => text(s.to_lowercase()),
        ("swapcase", Val::Text(s)) => {
            text(s.chars().flat_map(|c| if c.is_uppercase() { c.to_lowercase().collect::<Vec<_>>() } else { c.to_uppercase().collect() }).collect())
        }
        ("capitalize" | "title", Val::Text(s)) => text(s.to_lowercase()),
        ("strip" | "trim" | "lstrip" | "rstrip", Val::Text(s)) => match first {
            Some(Val::Text(set)) => {
                let cut = |c: char| set.contains(c);
                text(match name {
                    "lstrip" => s.trim_start_matches(cut).to_string(),
                    "rstrip" => s.trim_end_matches(cut).to_string(),
                    _ => s.trim_matches(cut).to_string(),
                })
            }
            _ => text(s.trim().to_string()),
        },
        ("removeprefix", Val::Text(s)) => match first {
            Some(Val::Text(p)) => text(s.strip_prefix(&**p).unwrap_or(s).to_string()),
            _ => Val::Built,
        },
        ("removesuffix", Val::Text(s)) => match first {
            Some(Val::Text(p)) => text(s.strip_suffix(&**p).unwrap_or(s).to_string()),
            _ => Val::Built,
        },
        ("split" | "rsplit", Val::Text(s)) => match first {
            Some(Val::Text(sep)) if !sep.is_empty() => list(s.split(&**sep).map(|p| Val::Text(p.into())).collect()),
            None => list(s.split_whitespace().map(|p| Val::Text(p.into())).collect()),
            _ => Val::Other,
        },
        ("center" | "ljust" | "rjust" | "zfill", Val::Text(_)) => Val::Built,
        ("list", Val::Text(s)) => list(s.chars().map(|c| Val::Text(c.to_string().into())).collect()),
        ("first", Val::List(l)) => l.first().cloned().unwrap_or(Val::Other),
        ("last", Val::List(l)) => l.last().cloned().unwrap_or(Val::Other),
        ("first", Val::Text(s)) => s.chars().next().map_or(Val::Other, |c| text(c.to_string())),
        ("last", Val::Text(s)) => s.chars().next_back().map_or(Val::Other, |c| text(c.to_string())),
        ("string" | "tojson" | "int", Val::Int(n)) => {
            if name == "int" {
                Val::Int(*n)
            } else {
                text(n.to_string())
            }
        }
        ("int", Val::Text(s)) => s.trim().parse().map_or(Val::Other, Val::Int),
        ("length" | "count", Val::Text(s)) if !method => Val::Int(i64::try_from(s.chars().count()).unwrap_or(0)),
        ("length" | "count", Val::List(l)) if !method => Val::Int(i64::try_from(l.len()).unwrap_or(0)),
        ("string" | "safe" | "escape" | "e" | "forceescape" | "default" | "d" | "list" | "sort" | "keys", Val::Text(_) | Val::List(_)) => on.clone(),
        ("lower" | "upper" | "trim" | "strip" | "lstrip" | "rstrip" | "string" | "safe" | "escape" | "e" | "reverse" | "capitalize" | "title", Val::Built) => {
            Val::Built
        }
        (_, Val::Text(_)) if !method => Val::Built,
        _ => Val::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(template: &str) -> Vec<&'static str> {
        let mut program = Program {
            found: Found::default(),
            env: HashMap::new(),
            locals: HashSet::new(),
            macros: HashSet::new(),
            loops: Vec::new(),
            branches: Vec::new(),
            chosen: false,
        };
        hidden(template, &mut program.found);
        program.run(template);
        program.found.all.iter().map(|f| f.2).collect()
    }

    #[test]
    fn every_spelling_of_a_walk_is_found() {
        for t in [
            "{{ ''.__class__ }}",
            "{{ ''['__cla'~'ss__'] }}",
            "{{ ''['__cla'+'ss__'] }}",
            "{{ ''|attr('\\x5f\\x5fclass\\x5f\\x5f') }}",
            "{{ ''|attr('\\137\\137class\\137\\137') }}",
            "{{ ''|attr(\"\\u005f\\u005fclass__\") }}",
            "{% set u = dict(__cla=1,ss__=2)|join %}{{ ''|attr(u) }}",
            "{{ ''['__ssalc__'[::-1]] }}",
            "{{ ''['__ssalc__'|reverse] }}",
            "{{ ''[['__','class','__']|join] }}",
            "{{ ''[''.join(['__','class','__'])] }}",
            "{{ ''['%s%s' % ('__cla','ss__')] }}",
            "{{ ''['%c%cclass%c%c'|format(95,95,95,95)] }}",
            "{{ ''['{}{}'.format('__cla','ss__')] }}",
            "{{ ''['XXclassXX'.replace('X','_')] }}",
            "{{ ''['__CLASS__'.lower()] }}",
            "{{ ''['_'*2 ~ 'class' ~ '_'*2] }}",
            "{{ ''['a__class__b'[1:-1]] }}",
            "{{ ''['__cla|ss__'.split('|')|join] }}",
            "{% set a = '__cla' %}{% set b = 'ss__' %}{{ ''[a ~ b] }}",
            "{{ '' '__class__' }}",
            "{{ messages|map(attribute='__class__')|list }}",
            "{{ messages|map('attr', '__cl' ~ 'ass__')|list }}",
            "{{ messages|groupby('__class__') }}",
            "{{ messages|selectattr('__class__') }}",
            "{{ '{0.__class__}'.format(x) }}",
            "{{ x|attr(messages[0].content) }}",
            "{% set us = (()|select|string|list)[24] %}{{ ()|attr(us*2 ~ 'class' ~ us*2) }}",
            "{{ ''[request.args.x ~ 'y'] }}",
            "{{ cycler['x'] }}",
            "{% set c = cycler %}{{ c.x }}",
            "{{ lipsum|attr('x') }}",
            "{{ self._TemplateReference__context }}",
            "{{ config.items() }}",
            "{{ x.gi_frame.f_back }}",
            "{% include '/etc/passwd' %}",
            "{% from 'x' import y %}",
            "{% extends base %}",
            "{% filter attr('__class__') %}x{% endfilter %}",
            "{% for k in ['__class__'] %}{{ x[k] }}{% endfor %}",
            "{% set ns = namespace(k='') %}{% for c in ['__cla','ss__'] %}{% set ns.k = ns.k ~ c %}{% endfor %}{{ ''[ns.k] }}",
            "{%- if x -%}{{ x.__init__ }}{%- endif -%}",
            "{% raw %}{{{% endraw %}{{ a.__class__ }}",
            "{% macro m(x=''.__class__) %}{% endmacro %}",
            "{% set x %}{{ ''.__class__ }}{% endset %}",
            "{{ {'a': [{'b': ''.__class__}]} }}",
        ] {
            let got = found(t);
            assert!(got.iter().any(|w| !matches!(*w, "call-unknown" | "unbounded-loop" | "hidden-unicode")), "{t}: {got:?}");
        }
    }

    #[test]
    fn one_walk_is_one_finding() {
        let steps = vec![
            (3, 9, "forbidden-global"),
            (3, 30, "call-unknown"),
            (3, 20, "dunder-attribute"),
            (12, 18, "unbounded-loop"),
            (22, 29, "frame-access"),
            (31, 40, "call-unknown"),
        ];
        assert_eq!(whole(steps), [(3, 30, "dunder-attribute"), (12, 18, "unbounded-loop"), (31, 40, "call-unknown")]);
    }

    #[test]
    fn what_keeps_the_machine_busy_is_found() {
        for t in [
            "{% for i in range(10**9) %}x{% endfor %}",
            "{% for i in range(9999) %}{% for j in range(9999) %}x{% endfor %}{% endfor %}",
            "{{ 'A' * 9999999999 }}",
            "{{ [0] * 10**9 }}",
            "{{ '%999999999d' % 1 }}",
            "{{ 'x'|center(10**9) }}",
            "{% for i in range(64) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}",
            "{{ 9**9999999 }}",
        ] {
            assert!(found(t).contains(&"unbounded-loop"), "{t}: {:?}", found(t));
        }
        assert_eq!(found("a\u{202e}b"), ["hidden-unicode"]);
        assert_eq!(found("{{ evil(1) }}"), ["call-unknown"]);
        assert_eq!(found("{{ x.popen('id') }}"), ["call-unknown"]);
    }

    #[test]
    fn ordinary_chat_templates_are_quiet() {
        for t in [
            "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}",
            "{% if messages[0]['role'] == 'system' %}{% set loop_messages = messages[1:] %}{% set system_message = messages[0]['content'] %}{% else %}{% set loop_messages = messages %}{% set system_message = false %}{% endif %}{% for message in loop_messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('Conversation roles must alternate') }}{% endif %}{% if loop.index0 == 0 and system_message != false %}{% set content = '<<SYS>>\\n' + system_message + '\\n<</SYS>>\\n\\n' + message['content'] %}{% endif %}{{ bos_token + '[INST] ' + content.strip() + ' [/INST]' }}{% endfor %}",
            "{%- set ns = namespace(multi_step_tool=true, last_query_index=messages|length - 1) %}{%- for message in messages[::-1] %}{%- set index = (messages|length - 1) - loop.index0 %}{%- if ns.multi_step_tool and message.role == \"user\" and message.content is string and not(message.content.startswith('<tool_response>') and message.content.endswith('</tool_response>')) %}{%- set ns.multi_step_tool = false %}{%- set ns.last_query_index = index %}{%- endif %}{%- endfor %}{{ messages[ns.last_query_index].content.split('</think>')[-1].lstrip('\\n') }}",
            "{%- if not date_string is defined %}{%- if strftime_now is defined %}{%- set date_string = strftime_now(\"%d %b %Y\") %}{%- else %}{%- set date_string = \"26 Jul 2024\" %}{%- endif %}{%- endif %}",
            "{%- macro render_extra_keys(json_dict, handled_keys) -%}{%- if json_dict is mapping %}{%- for json_key in json_dict if json_key not in handled_keys %}{%- if json_dict[json_key] is mapping or (json_dict[json_key] is sequence and json_dict[json_key] is not string) %}{{- '\\n<' ~ json_key ~ '>' ~ (json_dict[json_key] | tojson | safe) ~ '</' ~ json_key ~ '>' }}{%- endif %}{%- endfor %}{%- endif %}{%- endmacro -%}{{- render_extra_keys(tool.function.parameters, ['type', 'properties']) }}",
            "{% generation %}{{ message['content'] | trim + eos_token }}{% endgeneration %}{% break %}",
            "{{ tools | selectattr('type', 'equalto', 'function') | map(attribute='function.name') | join(', ') }}",
            "{%- for tool in tools %}{%- for name, param in tool.function.parameters.properties.items() %}{{ basic_type_map[param.type] }}{{ param.get('description', '') }}{%- endfor %}{%- endfor %}",
            "{%- set user_messages = messages | selectattr(\"role\", \"equalto\", \"user\") | list -%}{{ (messages | length) - 1 }}{{ messages[loop.index0 + 1].role }}{{ {'a': 'b'}[message.role] }}",
            "{{ 'def __init__(self): use __dunder__ names in text' }} text with __init__ outside",
        ] {
            assert_eq!(found(t), Vec::<&str>::new(), "{t}");
        }
    }

    #[test]
    fn nesting_and_length_cost_no_stack() {
        for t in [
            "{{ ".to_string() + &"(".repeat(200_000),
            "{{ ".to_string() + &"-".repeat(200_000) + "1 }}",
            "{{ a".to_string() + &".b".repeat(200_000) + " }}",
            "{{ ".to_string() + &"[".repeat(200_000) + &"]".repeat(200_000),
            "{{ ".to_string() + &"a~".repeat(200_000),
        ] {
            let start = std::time::Instant::now();
            found(&t);
            assert!(start.elapsed().as_secs() < 5, "{}", &t[..10]);
        }
    }
}
