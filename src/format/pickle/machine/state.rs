//! What BUILD, SETITEM, SETITEMS, APPEND, APPENDS and ADDITEMS change.

use super::super::constant::Constant;
use super::super::memo::MARKED;
use super::super::value::{Kind, Value};
use super::super::{evaluate, template};
use super::load::LOADED;
use super::{Machine, cut};
use crate::error::Result;
use crate::fact::Fact;

/// Methods that item opcodes call: an object's own, where its state sets them.
const METHODS: &[&str] = &["append", "extend", "add"];

/// Bytes of a memo key's line that are looked at.
pub(super) const KEY: usize = 4096;

impl Machine<'_> {
    pub(super) fn build(&mut self, target: Value, state: Value, at: u64) {
        match target.kind() {
            // Numbers of joblib's taken for opcodes: the wrapper is no dictionary, and fills nothing.
            Kind::Global(_) if self.is_wrapper(state) => self.act(at),
            Kind::Global(id) => {
                self.act(at);
                self.globals[id as usize].usage.built = true;
                self.mutation(id, "BUILD", 0x10, true, target, at);
            }
            Kind::Call { global, .. } => {
                self.act(at);
                self.rebind(target, state, at);
                self.executes(global, state, at);
                self.computed_state(state, at);
                self.loads_state(global, state, target, at);
                super::super::joblib::typed(self, target, state);
                let g = &mut self.globals[global as usize];
                g.usage.built = true;
                if g.tensor {
                    self.mutation(global, "BUILD", 0x20, false, target, at);
                }
            }
            Kind::Persistent(_) => {
                self.act(at);
                let text = format!("{} ← {}", self.show(target), self.show(state));
                self.facts_capped((at, 1, Fact::Mutation { opcode: "BUILD", module: "persistent_load".into(), name: String::new(), global: true, text }));
            }
            Kind::Lost => self.lost = true,
            _ => {}
        }
    }

    /// [`Machine::fill`] with everything on the stack from `from` on, which is taken off.
    pub(super) fn fill_from(&mut self, target: Value, from: usize, opcode: &'static str, at: u64) -> Result<()> {
        // Filling leaves the stack alone, so that it can lend its items without a copy: batches of a thousand follow one another.
        let mut stack = std::mem::take(&mut self.stack);
        let filled = self.fill(target, stack.above(from), opcode, at);
        stack.truncate(from);
        self.stack = stack;
        filled
    }

    /// Item opcodes: on a list, dictionary or set they fill it; on anything else they call its methods.
    pub(super) fn fill(&mut self, target: Value, items: &[Value], opcode: &'static str, at: u64) -> Result<()> {
        match target.kind() {
            Kind::List(id) | Kind::Dict(id) => {
                let weight = self.weigh(items);
                self.heaviest = self.heaviest.max(weight);
                self.slots.add(id, items, weight);
            }
            Kind::Call { .. } | Kind::Global(_) | Kind::Persistent(_) => self.fill_other(target, items, opcode, at),
            Kind::Lost => self.lost = true,
            _ => {}
        }
        if matches!(opcode, "SETITEM" | "SETITEMS" | "DICT") {
            for pair in items.chunks_exact(2) {
                self.pair(pair[0], pair[1], at);
            }
        }
        Ok(())
    }

    #[inline(never)]
    fn fill_other(&mut self, target: Value, items: &[Value], opcode: &'static str, at: u64) {
        match target.kind() {
            Kind::Call { global, .. } => {
                if self.globals.get(global as usize).is_some_and(|g| g.evaluates) && self.has_code(items, 6) {
                    self.state_evaluated(target, at, 1);
                }
                // Of a class whose objects were filled before, as no writer fills first and appends then.
                if let Some(text) = self.method.clone().filter(|_| opcode != "SETITEM" && opcode != "SETITEMS" && self.globals[global as usize].usage.built) {
                    self.facts_capped((at, 1, Fact::SpecialKey { key: text }));
                }
                let bit = match opcode {
                    "SETITEM" | "SETITEMS" => 1,
                    "APPEND" | "APPENDS" => 2,
                    _ => 4,
                };
                self.mutation(global, opcode, bit, false, target, at);
            }
            Kind::Global(id) => {
                self.act(at);
                self.mutation(id, opcode, 8, true, target, at);
            }
            Kind::Persistent(_) => {
                self.act(at);
                let text = self.show(target);
                self.facts_capped((at, 1, Fact::Mutation { opcode, module: "persistent_load".into(), name: String::new(), global: true, text }));
            }
            _ => {}
        }
    }

    #[inline]
    pub(super) fn pair(&mut self, key: Value, value: Value, at: u64) {
        let spot = match key.kind() {
            Kind::Str(spot) if spot.len == MARKED => {
                self.special_key(key, value, at);
                spot
            }
            Kind::Str(spot) => spot,
            Kind::Call { .. } => {
                self.special_key(key, value, at);
                return;
            }
            _ => return,
        };
        if let Kind::Call { global, node } = value.kind()
            && self.globals[global as usize].tensor
        {
            self.torch.name(node, spot);
        }
    }

    #[inline(never)]
    fn special_key(&mut self, key: Value, value: Value, at: u64) {
        self.note_formula(key, value);
        let Some(text) = self.string(key).or_else(|| self.equal_text(key)) else {
            self.odd_key |= matches!(key.kind(), Kind::Call { .. });
            return;
        };
        if text == LOADED {
            self.loaded(Some(&[value]), value, at, true);
        }
        if METHODS.contains(&text.as_str()) {
            if matches!(value.kind(), Kind::Global(_) | Kind::Call { .. } | Kind::Persistent(_) | Kind::Lost) {
                self.method = Some(text);
            }
        } else if text == template::KEY {
            let made = self.string(value);
            if !made.as_deref().is_some_and(template::plain) {
                let text = made.map_or_else(|| self.show(value), |made| cut(&made).to_string());
                self.facts_capped((at, 1, Fact::ExecutedState { text }));
            }
        } else if super::super::SPECIAL_METHODS.contains(&text.as_str()) {
            self.facts_capped((at, 1, Fact::SpecialKey { key: text }));
        }
    }

    /// The text that an object may be equal to, as numpy's texts are: one of its arguments, or the bytes of an array's element.
    fn equal_text(&self, key: Value) -> Option<String> {
        let special = |text: &String| {
            text == LOADED || text == template::KEY || METHODS.contains(&text.as_str()) || super::super::SPECIAL_METHODS.contains(&text.as_str())
        };
        self.args_of(key)?.into_iter().take(4).find_map(|v| {
            let made = match self.constant(v)? {
                Constant::Text(text) => text,
                // UTF-32 of ASCII is ASCII with zeros between.
                Constant::Bytes(bytes) => bytes.into_iter().filter(|b| *b != 0).map(char::from).collect(),
            };
            special(&made).then_some(made)
        })
    }

    /// A state that a call makes, a dictionary of pairs say: its keys matter as those of any other.
    fn computed_state(&mut self, state: Value, at: u64) {
        if !matches!(state.kind(), Kind::Call { .. }) {
            return;
        }
        let mut open = vec![(state, 6u32)];
        let mut looked = 0;
        while let Some((v, depth)) = open.pop() {
            looked += 1;
            let inner = match v.kind() {
                Kind::Call { .. } => self.args_of(v),
                Kind::List(_) | Kind::Tuple(_) => self.whole_items(v),
                _ => continue,
            };
            let (Some(inner), Some(depth), true) = (inner, depth.checked_sub(1), looked < 1000) else {
                let dictionary = self.class_of(state).is_some_and(|g| matches!(g.name.as_str(), "dict" | "OrderedDict" | "defaultdict" | "Counter"));
                if dictionary {
                    let text = self.show(state);
                    self.facts_capped((at, 1, Fact::ComputedImport { text }));
                }
                return;
            };
            if let [key, value] = inner.as_slice() {
                self.pair(*key, *value, at);
            }
            // Names alone, to be zipped with their values.
            for key in &inner {
                if let Kind::Str(_) = key.kind() {
                    self.pair(*key, Value::LOST, at);
                }
            }
            open.extend(inner.into_iter().map(|v| (v, depth)));
        }
    }

    pub(in super::super) fn state_evaluated(&mut self, made: Value, at: u64, len: u64) {
        let call = self.show(made);
        self.facts_capped((at, len, Fact::EvaluatedText { call }));
    }

    /// A distribution takes its state as a dictionary; pairs of names and values in another shape would pass by unread.
    fn executes(&mut self, id: u32, state: Value, at: u64) {
        if self.globals.get(id as usize).is_some_and(|g| evaluate::keeps_formula(&g.module)) {
            let hidden = (!matches!(state.kind(), Kind::Dict(_) | Kind::None)).then(|| self.show(state));
            if let Some(text) = hidden.or_else(|| self.strange_formula.clone()) {
                self.facts_capped((at, 1, Fact::ExecutedState { text }));
            }
        }
        let distribution =
            self.globals.get(id as usize).is_some_and(|g| g.name.ends_with("_gen") || g.module.starts_with("scipy.stats.") && g.name.starts_with("rv_"));
        if !distribution {
            return;
        }
        let first = |m: &Self| m.items(state).and_then(|i| i.first().copied()).map(Value::kind);
        let known = match state.kind() {
            Kind::Dict(_) | Kind::None => true,
            Kind::Tuple(_) => matches!(first(self), Some(Kind::Dict(_) | Kind::None)),
            _ => false,
        };
        if !known {
            let text = self.show(state);
            self.facts_capped((at, 1, Fact::ExecutedState { text }));
        }
    }

    fn mutation(&mut self, id: u32, opcode: &'static str, bit: u8, global: bool, target: Value, at: u64) {
        let g = &mut self.globals[id as usize];
        if g.mutated & bit != 0 {
            return;
        }
        g.mutated |= bit;
        let (module, name) = (g.module.clone(), g.name.clone());
        let text = self.show(target);
        self.facts_capped((at, 1, Fact::Mutation { opcode, module, name, global, text }));
    }
}
