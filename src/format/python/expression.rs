//! Expressions, folded as they are read, on explicit stacks.

use super::lex::{Kind, Token};
use super::value::{Value, What, origin};
use super::{ASSIGNING, Bracket, Frame, NESTING, Operator, Walker, lex, value};
use std::rc::Rc;

pub(super) const BINARY: &[(&[u8], u8)] = &[
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

impl<'t> Walker<'t> {
    pub(super) fn fold(&mut self, op: &'static [u8], a: Value, b: Value) -> Value {
        let cost = a.bytes().map_or(16, <[u8]>::len) + b.bytes().map_or(16, <[u8]>::len);
        if self.budget < cost {
            self.full = true;
            return Value::unknown(a.from | b.from, a.at);
        }
        self.budget -= cost;
        value::combine(op, a, b)
    }

    /// Reads one expression (with commas: a tuple) up to a token that no expression holds at this level, which stays ahead.
    pub(super) fn expression(&mut self, target: bool) -> (Value, Token) {
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

    pub(super) fn take(&mut self, token: Token) {
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

    pub(super) fn operand(&mut self, v: Value) {
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

    pub(super) fn name(&mut self, token: Token, word: &'t [u8]) {
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
    pub(super) fn reduce(&mut self, rank: u8) {
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

    pub(super) fn op(&mut self, token: Token, word: &'t [u8]) {
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
                    // A bound that is left out is no unknown one.
                    f.operands.push(Value::new(What::Unknown, 0, token.at));
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
    pub(super) fn item(&mut self) {
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
}
