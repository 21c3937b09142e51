//! Expressions, folded as they are read, on explicit stacks.

use super::piece::{Token, Word};
use super::value::{Val, list, parts, percent, pick, slice, text, transform, wide};
use super::{BY_ATTRIBUTE, CALLABLE, CONSTANT, GLOBALS, HUGE, INTERNAL, METHODS, PYTHON, Program, VALUES, is_word};

/// An operand on the stack.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub(super) val: Val,
    pub(super) from: usize,
    pub(super) to: usize,
    /// The name, if it is nothing but a name.
    pub(super) name: Option<String>,
    /// The method that was just taken from it, with what it was taken from.
    pub(super) method: Option<(String, Val)>,
}

/// What an open bracket is for.
#[derive(Clone, Debug)]
pub(super) enum Open {
    Group,
    List,
    Dict,
    Call(Box<Item>),
    Subscript(Box<Item>),
    Filter(Box<Item>, String),
    Test(Box<Item>),
}

pub(super) struct Frame {
    pub(super) open: Open,
    pub(super) items: Vec<(Option<String>, Val)>,
    pub(super) keyword: Option<String>,
    pub(super) colons: Vec<usize>,
    pub(super) operands: usize,
    pub(super) operators: usize,
    pub(super) from: usize,
    pub(super) comma: bool,
}

/// One expression being read.
pub(super) struct Run<'p, 't> {
    pub(super) p: &'p mut Program,
    pub(super) toks: &'t [Token],
    pub(super) at: usize,
    pub(super) operands: Vec<Item>,
    pub(super) operators: Vec<(&'static str, u8)>,
    pub(super) frames: Vec<Frame>,
    /// An operand is next.
    pub(super) want: bool,
}

impl Run<'_, '_> {
    pub(super) fn all(&mut self) -> Val {
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

    pub(super) fn peek(&self) -> Option<&Word> {
        self.toks.get(self.at).map(|t| &t.word)
    }

    pub(super) fn operand(&mut self, val: Val, from: usize, to: usize) {
        self.operands.push(Item { val, from, to, name: None, method: None });
        self.want = false;
    }

    pub(super) fn frame(&mut self, open: Open, from: usize) {
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

    pub(super) fn floor(&self) -> (usize, usize) {
        self.frames.last().map_or((0, 0), |f| (f.operands, f.operators))
    }

    pub(super) fn operator(&mut self, op: &'static str) {
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

    pub(super) fn reduce(&mut self, _operands: usize, operators: usize) {
        while self.operators.len() > operators {
            self.apply();
        }
    }

    pub(super) fn apply(&mut self) {
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

    pub(super) fn fold(&mut self, op: &str, a: &Val, b: &Val, from: usize, to: usize) -> Val {
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
    pub(super) fn bare(&mut self, item: &Item) {
        if let Some(name) = &item.name
            && GLOBALS.contains(&name.as_str())
            && !VALUES.contains(&name.as_str())
            && !self.p.locals.contains(name)
        {
            self.p.found.add(item.from, item.to, "forbidden-global");
        }
    }

    pub(super) fn step(&mut self, t: Token) {
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

    pub(super) fn name(&mut self, n: &str, t: &Token) {
        match n {
            "not" => return self.operator("not"),
            "true" | "True" | "false" | "False" | "none" | "None" => return self.operand(Val::Other, t.from, t.to),
            _ => {}
        }
        if PYTHON.contains(&n) && !self.p.locals.contains(n) && !matches!(self.peek(), Some(Word::Op("="))) {
            self.p.found.add(t.from, t.to, "dunder-attribute");
        }
        let val = self.p.env.get(n).cloned().unwrap_or(Val::Other);
        self.operands.push(Item { val, from: t.from, to: t.to, name: Some(n.to_string()), method: None });
        self.want = false;
    }

    /// An attribute or an element of a global.
    pub(super) fn rooted(&mut self, item: &Item, from: usize, to: usize) {
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

    pub(super) fn dot(&mut self) {
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

    pub(super) fn called(&mut self, item: &Item) {
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

    pub(super) fn comma(&mut self) {
        let (_, floor) = self.floor();
        self.reduce(0, floor);
        self.take();
        if let Some(f) = self.frames.last_mut() {
            f.comma = true;
        }
        self.want = true;
    }

    /// Moves the operands of the open bracket into its list.
    pub(super) fn take(&mut self) {
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

    pub(super) fn close(&mut self) {
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

    pub(super) fn huge(&mut self, items: &[(Option<String>, Val)], from: usize, to: usize) {
        if items.iter().any(|(_, v)| matches!(v, Val::Int(n) if *n >= 10 * HUGE)) {
            self.p.found.add(from, to, "unbounded-loop");
        }
        if items.iter().any(|(_, v)| matches!(v, Val::Text(s) if wide(s))) {
            self.p.found.add(from, to, "unbounded-loop");
        }
    }

    pub(super) fn call(&mut self, item: &Item, items: &[(Option<String>, Val)], to: usize) -> Val {
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
    pub(super) fn replaced(&mut self, word: &str, by: &str, from: usize, to: usize) {
        if is_word(word) && is_word(by) && !word.eq_ignore_ascii_case(by) {
            self.p.found.add(from, to, "planted-text");
        }
    }

    pub(super) fn subscript(&mut self, item: &Item, args: &[Val], colons: usize, places: &[usize], to: usize) -> Val {
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

    pub(super) fn test(&mut self) {
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

    pub(super) fn filter(&mut self) {
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

    pub(super) fn filtered(&mut self, item: &Item, name: &str, items: &[(Option<String>, Val)], to: usize) -> Val {
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

    pub(super) fn by_attribute(&mut self, item: &Item, name: &str, items: &[(Option<String>, Val)], to: usize) {
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
