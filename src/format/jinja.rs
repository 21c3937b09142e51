//! Jinja templates (chat templates above all): what rendering one would reach, without rendering it.
//!
//! A chat template is a program that a tokenizer or llama.cpp's relatives run on load or on the first message; outside of a
//! sandbox it is Python (CVE-2024-34359), and the sandbox had holes (CVE-2024-56201, CVE-2024-56326, CVE-2025-27516). So names are
//! followed through every spelling that is constant (`'__cla' ~ 'ss__'`, `dict(__cla=1)|join`, `'\x5f'`, slices, `%c`), and a name
//! that is built out of something else is itself the finding.
//!
//! # Why not a parser crate
//! minijinja refuses tags that Hugging Face's templates use, and traps in wasm on deep nesting. This reads with explicit stacks.

mod piece;
mod run;
mod value;

use super::{Format, Match};
use crate::bytes::View;
use crate::error::Result;
use crate::fact::Fact;
use crate::scan::Scan;
use piece::{Kind, Pieces, Token, Word, tokens};
use run::Run;
use std::collections::{HashMap, HashSet};
use value::Val;

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

/// What Python itself calls so. Other names with two underscores in front are those of whoever fills in the template.
const PYTHON: &[&str] = &[
    "__import__", "__builtins__", "__builtin__", "__class__", "__globals__", "__subclasses__", "__mro__", "__base__", "__bases__", "__init__", "__dict__",
    "__self__", "__func__", "__code__", "__call__", "__getattribute__", "__getitem__", "__reduce__", "__loader__", "__spec__", "__name__", "__file__",
    "__doc__", "__package__", "__debug__", "__build_class__",
];

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
    let mut program = Program { found, ..Program::default() };
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
    crate::order::sort_by_key(&mut steps, |&(from, to, _)| (from, std::cmp::Reverse(to)));
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

const OPERATORS: &[&str] =
    &["**", "//", "==", "!=", "<=", ">=", "+", "-", "*", "/", "%", "~", "<", ">", "=", "(", ")", "[", "]", "{", "}", ".", ",", ":", "|", ";"];

/// Whether a constant is a word of a language, and not a mark of the template's own (`<think>`, `[INST]`, `tool_calls`).
fn is_word(s: &str) -> bool {
    s.split(|c: char| !c.is_alphabetic()).any(|w| w.chars().count() > 2) && !s.contains(['<', '>', '|', '[', ']', '{', '}', '_', '/', '\n', '#', '\\'])
}

/// Whether a text is a sentence for the model to read: several words in a row, or an address.
fn is_sentence(s: &str) -> bool {
    let words = s.split_whitespace().filter(|w| w.chars().filter(|c| c.is_alphabetic()).count() > 1 && !w.contains(['<', '>', '|', '{', '}']));
    s.contains("://") || words.count() > 4
}

#[derive(Default)]
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

#[cfg(test)]
mod tests {
    use super::*;

    fn found(template: &str) -> Vec<&'static str> {
        let mut program = Program::default();
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
