//! What a value looks like in a sentence: the expression that made it.

use super::super::constant::Constant;
use super::super::value::{Kind, Value};
use super::Machine;

impl Machine<'_> {
    /// The value as Python would write it, shortened.
    pub fn show(&self, v: Value) -> String {
        self.pay(1000);
        let mut out = String::new();
        self.write(v, 4, &mut out);
        out
    }

    pub(super) fn show_args(&self, args: Value) -> String {
        let mut out = String::from("(");
        self.write_items(self.items(args), 4, &mut out);
        out.push(')');
        out
    }

    fn write_items(&self, items: Option<Vec<Value>>, depth: u32, out: &mut String) {
        match items {
            Some(items) => {
                for (n, v) in items.iter().enumerate() {
                    if n > 0 {
                        out.push_str(", ");
                    }
                    if n == 6 || out.len() > 300 {
                        out.push('…');
                        break;
                    }
                    self.write(*v, depth, out);
                }
            }
            None => out.push('…'),
        }
    }

    /// Depth and length are bounded, so that the recursion is too.
    pub(super) fn write(&self, v: Value, depth: u32, out: &mut String) {
        if depth == 0 || out.len() > 300 {
            out.push('…');
            return;
        }
        match v.kind() {
            Kind::Plain | Kind::Lost => out.push('…'),
            Kind::None => out.push_str("None"),
            Kind::Bool(b) => out.push_str(if b { "True" } else { "False" }),
            Kind::Int(n) => out.push_str(&n.to_string()),
            Kind::Str(_) => match self.string(v) {
                Some(text) => {
                    out.push('"');
                    out.push_str(&crate::text::printable(&text, 160));
                    out.push('"');
                }
                None => out.push('…'),
            },
            Kind::Bytes(spot) => {
                let (from, len) = self.bytes_at(spot).unwrap_or((spot.at, 0));
                let raw = self.tape.peek(from, len, 40);
                out.push_str("b\"");
                out.push_str(&crate::text::printable(&raw.escape_ascii().to_string(), 60));
                out.push('"');
            }
            Kind::Global(id) => self.write_name(id, out),
            Kind::Call { global, .. } => {
                self.write_name(global, out);
                out.push('(');
                self.write_items(self.args_of(v), depth - 1, out);
                out.push(')');
                self.write_made(v, out);
            }
            Kind::Tuple(_) => {
                out.push('(');
                self.write_items(self.items(v), depth - 1, out);
                out.push(')');
            }
            Kind::Set(_) => {
                out.push('{');
                self.write_items(self.items(v), depth - 1, out);
                out.push('}');
            }
            Kind::List(_) => {
                out.push('[');
                self.write_items(self.items(v), depth - 1, out);
                out.push(']');
            }
            Kind::Dict(id) => {
                out.push('{');
                match self.data.slots.items(id) {
                    Some((items, more)) => {
                        for (n, pair) in items.chunks(2).enumerate() {
                            if n > 0 {
                                out.push_str(", ");
                            }
                            for (m, x) in pair.iter().enumerate() {
                                if m > 0 {
                                    out.push_str(": ");
                                }
                                self.write(*x, depth - 1, out);
                            }
                        }
                        if more {
                            out.push_str(", …");
                        }
                    }
                    None => out.push('…'),
                }
                out.push('}');
            }
            Kind::Persistent(span) => {
                out.push_str("persistent_load(");
                if let Some(id) = self.data.pool.items(span).and_then(|i| i.first().copied()) {
                    self.write(id, depth - 1, out);
                }
                out.push(')');
            }
        }
    }

    /// What a call makes of constants, behind the call: the text that an encoding hides.
    fn write_made(&self, v: Value, out: &mut String) {
        let made = match self.constant(v) {
            Some(Constant::Text(text)) => text,
            Some(Constant::Bytes(bytes)) => match String::from_utf8(bytes) {
                Ok(text) => text,
                Err(_) => return,
            },
            None => return,
        };
        out.push_str(" = \"");
        out.push_str(&crate::text::printable(&made, 160));
        out.push('"');
    }

    pub(super) fn write_name(&self, id: u32, out: &mut String) {
        let g = &self.globals[id as usize];
        match (g.module.as_str(), g.name.as_str()) {
            ("builtins" | "__builtin__", name) => out.push_str(&crate::text::printable(name, 100)),
            (module, "") => out.push_str(&crate::text::printable(module, 100)),
            (module, name) => {
                out.push_str(&crate::text::printable(module, 100));
                out.push('.');
                out.push_str(&crate::text::printable(name, 100));
            }
        }
    }
}
