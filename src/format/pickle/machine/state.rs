//! What BUILD, SETITEM, SETITEMS, APPEND, APPENDS and ADDITEMS change.

use super::super::constant::Constant;
use super::super::memo::MARKED;
use super::super::value::{Kind, Value};
use super::super::{evaluate, template};
use super::load::LOADED;
use super::{Machine, cut};
use crate::error::Result;
use crate::fact::Fact;
use crate::format::setting::is_dotted;
use weighstation_plain::weight::heavier;

/// Methods that item opcodes call: an object's own, where its state sets them.
const METHODS: &[&str] = &["append", "extend", "add"];

/// Keys whose text a toolkit imports: Hydra's, Lightning's, which calls it when it loads a checkpoint, and OmegaConf's for any value.
const TARGETS: &[&str] = &["_target_", "_instantiator", "_val"];

/// Objects with a method of their own that are remembered.
const ARMED: usize = 1 << 16;

/// Bytes of a memo key's line that are looked at.
pub(super) const KEY: usize = 4096;

/// Addresses that are remembered with their dictionaries.
const ADDRESSES: usize = 64;

/// Vocabularies that have a word which special methods have for a name.
const WORDS: usize = 256;

/// By what a dictionary of the pickle's own is told from others; 0 is none.
fn dictionary(v: Value) -> u64 {
    match v.kind() {
        Kind::Dict(id) => id,
        _ => 0,
    }
}

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
                self.computed_state(target, state, at);
                self.keeps_terms(global, Value::NONE, at);
                self.keeps_address(global, state, at);
                self.keeps_words(state, at);
                self.loads_state(global, state, target, at);
                super::super::joblib::typed(self, target, state, at);
                self.arm(target, state);
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
        let mut stack = std::mem::take(&mut self.data.stack);
        let filled = self.fill(target, stack.above(from), opcode, at);
        stack.truncate(from);
        self.data.stack = stack;
        filled
    }

    /// Item opcodes: on a list, dictionary or set they fill it; on anything else they call its methods.
    pub(super) fn fill(&mut self, target: Value, items: &[Value], opcode: &'static str, at: u64) -> Result<()> {
        match target.kind() {
            Kind::List(id) | Kind::Dict(id) => {
                let weight = self.weigh(items);
                self.data.heaviest = heavier(self.data.heaviest, weight);
                self.data.slots.add(id, items, weight);
                if self.callables || self.typed {
                    self.note_items(target, items);
                }
            }
            Kind::Call { .. } | Kind::Global(_) | Kind::Persistent(_) => self.fill_other(target, items, opcode, at),
            Kind::Lost => self.lost = true,
            _ => {}
        }
        if matches!(opcode, "SETITEM" | "SETITEMS" | "DICT") {
            for pair in items.chunks_exact(2) {
                self.pair(target, pair[0], pair[1], at);
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
                let set = matches!(opcode, "SETITEM" | "SETITEMS");
                let own = self.own_method(target, items, set);
                if let Some(key) = own {
                    self.facts_capped((at, 1, Fact::SpecialKey { key }));
                }
                if set {
                    self.arm_with(target, items);
                }
                let bit = match opcode {
                    _ if set => 1,
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

    /// What item opcodes call of an object that was filled before, by a state, by items that are its attributes or by the dictionary that it was made of:
    /// no writer fills first and adds items then. And what tables call of a key that can be called, as those of pandas do.
    fn own_method(&self, target: Value, items: &[Value], set: bool) -> Option<String> {
        let Kind::Call { global, .. } = target.kind() else { return None };
        let g = self.globals.get(global as usize)?;
        // Of these, any number of entries comes in batches.
        if set && matches!(g.module.as_str(), "builtins" | "__builtin__" | "collections") {
            return None;
        }
        if g.usage.built
            && let Some((key, _)) = self.armed.get(&target.0)
        {
            return Some(key.clone());
        }
        if set {
            let key = if self.callables { items.chunks_exact(2).map(|pair| pair[0]).find(|key| self.acts_when_called(*key)) } else { None };
            return key.map(|key| self.show(key));
        }
        let method = self.method.as_ref()?;
        let filled = g.usage.built || g.mutated & 1 != 0 || self.args_of(target)?.iter().any(|v| matches!(v.kind(), Kind::Dict(_)));
        filled.then(|| method.clone())
    }

    /// Remembers an object one of whose attributes does something when it is called.
    pub(super) fn arm(&mut self, target: Value, state: Value) {
        if self.armed.is_empty() {
            return;
        }
        let parts = std::iter::once(state).chain(self.items(state).unwrap_or_default());
        let found = parts.filter(|part| matches!(part.kind(), Kind::Dict(_))).find_map(|part| self.armed.get(&part.0).cloned());
        if let Some((key, _)) = found {
            self.set_armed(target, (key, false));
        }
    }

    /// The same for a dictionary, or an object that takes items for attributes.
    fn arm_with(&mut self, target: Value, items: &[Value]) {
        if self.callables
            && let Some([key, value]) = items.chunks_exact(2).find(|pair| self.acts_when_called(pair[1]))
        {
            let key = self.string(*key).unwrap_or_else(|| "?".into());
            let of_object = self.armed.contains_key(&value.0);
            self.set_armed(target, (cut(&key).to_string(), of_object));
        }
    }

    fn set_armed(&mut self, target: Value, by: (String, bool)) {
        if self.armed.len() < ARMED {
            self.armed.insert(target.0, by);
        } else {
            self.lost = true;
        }
    }

    /// What a list or a dictionary of any length gets: all but its first items are forgotten.
    #[inline(never)]
    fn note_items(&mut self, target: Value, items: &[Value]) {
        if let Kind::Dict(_) = target.kind() {
            self.arm_with(target, items);
            let field = |v: Value| if let Kind::Tuple(_) = v.kind() { self.items(v)?.first().copied() } else { None };
            let objects = items.chunks_exact(2).any(|pair| field(pair[1]).is_some_and(|part| super::super::joblib::may_hold_objects(self, part)));
            if objects && self.object_fields.len() < ARMED {
                self.object_fields.insert(target.0);
            }
            return;
        }
        // Pairs that a dictionary may be made of.
        for pair in items {
            if let Some([key, value]) = self.items(*pair).as_deref()
                && self.acts_when_called(*value)
                && let Some(key) = self.string(*key).filter(|key| METHODS.contains(&key.as_str()))
            {
                self.method = Some(key);
            }
        }
    }

    /// A method, a function with its arguments, or an object that has one of them: other functions that may stand in a state only compute.
    fn acts_when_called(&self, v: Value) -> bool {
        match v.kind() {
            Kind::Global(id) => self.globals.get(id as usize).is_some_and(|g| {
                g.name.rsplit_once('.').is_some_and(|(_, method)| method.trim_start_matches('_').starts_with(|c: char| c.is_ascii_lowercase()))
            }),
            Kind::Call { global, .. } => {
                self.armed.contains_key(&v.0)
                    || self.globals.get(global as usize).is_some_and(|g| matches!(g.name.as_str(), "partial" | "_partial" | "MethodType" | "_create_ftype"))
            }
            _ => false,
        }
    }

    /// A call that is handed such an object: constructors ask what they are handed for methods by name, as `dict` does for `keys`.
    pub(super) fn handed_armed(&mut self, id: u32, args: Value, at: u64) {
        let kept = self.globals.get(id as usize).is_some_and(|g| {
            matches!(g.name.as_str(), "partial" | "_partial" | "MethodType" | "getattr" | "defaultdict" | "Tokenizer" | "_reconstructor" | "__newobj__")
                || g.tensor
                || g.module.starts_with("dill.")
                || g.module.starts_with("cloudpickle")
        });
        if kept {
            return;
        }
        let armed = |v: Value| match (v.kind(), self.armed.get(&v.0)) {
            (Kind::Call { .. }, Some((key, _))) | (Kind::Dict(_), Some((key, true))) => Some(key.clone()),
            _ if self.acts_when_called(v) => Some(self.show(v)),
            _ => None,
        };
        if let Some(key) = self.items(args).unwrap_or_default().into_iter().find_map(armed) {
            self.facts_capped((at, 1, Fact::SpecialKey { key }));
        }
    }

    #[inline]
    pub(super) fn pair(&mut self, of: Value, key: Value, value: Value, at: u64) {
        let spot = match key.kind() {
            Kind::Str(spot) if spot.len == MARKED => {
                self.special_key(of, key, value, at);
                spot
            }
            Kind::Str(spot) => spot,
            Kind::Call { .. } => {
                self.special_key(of, key, value, at);
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
    fn special_key(&mut self, of: Value, key: Value, value: Value, at: u64) {
        self.note_formula(key, value);
        let Some(text) = self.string(key).or_else(|| self.equal_text(key)) else {
            // A tensor is equal to no text; optimizers keep what they know of each under the tensor itself.
            self.odd_key |= matches!(key.kind(), Kind::Call { global, .. } if !self.globals[global as usize].tensor);
            return;
        };
        if text == LOADED {
            self.loaded(Some(&[value]), value, at, true);
        }
        if METHODS.contains(&text.as_str()) {
            if matches!(value.kind(), Kind::Global(_) | Kind::Call { .. } | Kind::Persistent(_) | Kind::Lost) {
                self.method = Some(text);
            }
        } else if text == evaluate::TERM {
            self.note_term(value);
        } else if let Some(key) = evaluate::ADDRESS.iter().find(|key| **key == text) {
            if value.kind() != Kind::None {
                // Of more than any library writes, all are taken for every object's.
                let of = if self.addresses.len() < ADDRESSES { dictionary(of) } else { 0 };
                self.addresses.truncate(ADDRESSES);
                self.addresses.push((key, of));
            }
        } else if text == template::KEY {
            let made = self.string(value);
            if !made.as_deref().is_some_and(template::plain) {
                let text = made.map_or_else(|| self.show(value), |made| cut(&made).to_string());
                self.facts_capped((at, 1, Fact::ExecutedState { text }));
            }
        } else if let Some(way) = TARGETS.iter().find(|way| **way == text) {
            // Of the settings that OmegaConf keeps each has its value under the third, whatever its own name is.
            let way = if *way == "_val" { "setting" } else { way };
            if let Some(name) = self.string(value).filter(|name| is_dotted(name)) {
                self.facts_capped((at, 1, Fact::Target { way, name, eager: false }));
            }
        } else if super::super::SPECIAL_METHODS.contains(&text.as_str()) {
            // A number, a text or a list is no method: a vocabulary's words have numbers, or vectors. `None` takes one away, and a dictionary names memory.
            let word = value.is_data() && !matches!(value.kind(), Kind::None | Kind::Dict(_));
            match of.kind() {
                // One of each dictionary is enough.
                Kind::Dict(id) if word && self.words.iter().any(|(of, _)| *of == id) => {}
                Kind::Dict(id) if word && self.words.len() < WORDS => self.words.push((id, text)),
                Kind::Call { .. } if word => {}
                _ => self.facts_capped((at, 1, Fact::SpecialKey { key: text })),
            }
        }
    }

    /// The text that an object may be equal to, as numpy's texts are: one of its arguments, or the bytes of an array's element.
    fn equal_text(&self, key: Value) -> Option<String> {
        let special = |text: &String| {
            text == LOADED
                || text == template::KEY
                || evaluate::ADDRESS.contains(&text.as_str())
                || METHODS.contains(&text.as_str())
                || super::super::SPECIAL_METHODS.contains(&text.as_str())
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
    fn computed_state(&mut self, target: Value, state: Value, at: u64) {
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
                self.pair(Value::NONE, *key, *value, at);
                self.arm_with(target, &inner);
            }
            // Names alone, to be zipped with their values.
            for key in &inner {
                if let Kind::Str(_) = key.kind() {
                    self.pair(Value::NONE, *key, Value::LOST, at);
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

    /// A part of a formula that is made of texts, or filled with them, and would be evaluated later.
    pub(super) fn keeps_terms(&mut self, id: u32, made_of: Value, at: u64) {
        if !self.globals.get(id as usize).is_some_and(|g| evaluate::keeps_terms(&g.module)) {
            return;
        }
        for text in self.items(made_of).unwrap_or_default() {
            self.note_term(text);
        }
        if let Some(text) = self.strange_term.take() {
            self.facts_capped((at, 1, Fact::ExecutedState { text }));
        }
    }

    /// An object that is filled with what it hands to machine code as an address: one of its own dictionary's, or one that stands elsewhere than in a
    /// dictionary, from where it may come into any state.
    fn keeps_address(&mut self, id: u32, state: Value, at: u64) {
        let state = dictionary(state);
        if let Some((key, _)) = self.addresses.iter().find(|(_, of)| state == 0 || *of == 0 || *of == state)
            && self.globals.get(id as usize).is_some_and(|g| evaluate::frees_address(&g.module, &g.name))
        {
            self.facts_capped((at, 1, Fact::SpecialKey { key: key.to_string() }));
        }
    }

    /// A state whose keys are what a vocabulary may have for words: no object has an attribute of such a name and such a value.
    fn keeps_words(&mut self, state: Value, at: u64) {
        if self.words.is_empty() {
            return;
        }
        let parts: Vec<u64> = std::iter::once(state).chain(self.items(state).unwrap_or_default()).map(dictionary).collect();
        if let Some((_, key)) = self.words.iter().find(|(of, _)| parts.contains(of)) {
            let key = key.clone();
            self.facts_capped((at, 1, Fact::SpecialKey { key }));
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
