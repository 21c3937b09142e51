//! The machine's memo and pools: what is remembered about objects, in bounded memory.

use crate::stack::Stack;
use crate::value::{Kind, Span, Value};
use crate::weight::heavier;
use std::collections::HashMap;

const CHUNK: usize = 4096;
/// Low 28 bits of a memo word hold what fits; the rest goes through `wide`.
const SMALL: u64 = 1 << 28;
/// The length of a text that has to be read to be told from a special key.
pub const MARKED: u16 = 0xffff;

/// Pages that are found by their number alone: all that a pickle with indices in order ever uses.
const NEAR: u64 = 1 << 13;

/// Chunks for keys out of order.
const ODD: usize = 256;
/// Imports, and texts that may name something, kept of the entries behind those that are kept one by one.
const LATE: usize = 1 << 16;
/// Values kept whole.
const WIDE: usize = 1 << 19;
/// Entries put last, behind those that are kept one by one: what names an import or is handed to a call is put just before it is used.
const RECENT: usize = 64;

/// Memo entries as four-byte words in chunks: a real pickle memoises one object in every two or three opcodes.
///
/// The first so many are kept one by one. Of a pickle that goes on to number its objects in order only what can matter is kept from there on:
/// imports, texts that may be special keys, and texts that were used as a name or handed to a call. All others are [`Kind::Lost`].
pub struct Memo {
    /// How many are kept one by one.
    kept: u64,
    /// Keys in order behind them.
    tail: std::ops::Range<u64>,
    late: HashMap<u64, Value>,
    recent: Vec<(u64, Value)>,
    /// Where in `recent` the next one goes.
    turn: usize,
    near: Vec<Option<Box<[u32; CHUNK]>>>,
    /// Chunks of keys so high that only an odd pickle has them.
    far: HashMap<u64, Box<[u32; CHUNK]>>,
    chunks: usize,
    wide: Stack<Value>,
    /// Whether more came than is kept: what is put now may be lost.
    pub over: bool,
    /// Number of entries in use, which is what MEMOIZE takes for its index.
    pub len: u64,
}

impl Memo {
    /// A memo that keeps so many entries one by one.
    pub fn new(kept: u64) -> Self {
        Memo {
            kept,
            tail: 0..0,
            late: HashMap::new(),
            recent: Vec::new(),
            turn: 0,
            near: Vec::new(),
            far: HashMap::new(),
            chunks: 0,
            wide: Stack::default(),
            over: false,
            len: 0,
        }
    }

    /// Keeps one of those behind, as long as there is room.
    fn keep_late(&mut self, key: u64, value: Value) {
        self.late.insert(key, value);
        self.over |= self.late.len() >= LATE;
    }

    /// Whether `key` goes on with keys in order behind those that are kept one by one.
    #[inline(always)]
    fn follows(&self, key: u64) -> bool {
        key >= self.kept && (key == self.tail.end || self.tail.contains(&key) || self.tail.is_empty() && self.len + 256 >= key)
    }

    #[inline(never)]
    fn put_late(&mut self, key: u64, value: Value) {
        if self.tail.is_empty() {
            self.tail = key..key;
        }
        if key == self.tail.end {
            self.tail.end += 1;
            self.len += 1;
        } else if !self.late.is_empty() {
            self.late.remove(&key);
        }
        match value.kind() {
            Kind::Global(_) => self.keep_late(key, value),
            Kind::Str(spot) => {
                if spot.len == MARKED {
                    self.keep_late(key, value);
                }
                match self.recent.get_mut(self.turn) {
                    Some(place) => *place = (key, value),
                    None => self.recent.push((key, value)),
                }
                self.turn = (self.turn + 1) % RECENT;
            }
            _ => {}
        }
    }

    /// Keeps a text that was just put: it has been used as a name or handed to a call, and may be fetched again for that.
    pub fn retain(&mut self, text: Value) {
        if !self.recent.is_empty()
            && let Kind::Str(spot) = text.kind()
            && let Some((key, value)) = self.recent.iter().copied().find(|(_, v)| matches!(v.kind(), Kind::Str(s) if s.at == spot.at))
        {
            self.keep_late(key, value);
        }
    }

    #[inline(always)]
    fn word(&self, key: u64) -> u32 {
        let page = key / CHUNK as u64;
        let chunk = if page < NEAR { self.near.get(page as usize).and_then(Option::as_ref) } else { self.far.get(&page) };
        chunk.map_or(0, |c| c[(key % CHUNK as u64) as usize])
    }

    #[inline(always)]
    fn slot(&mut self, key: u64) -> &mut u32 {
        let page = key / CHUNK as u64;
        let known = page < NEAR && self.near.get(page as usize).is_some_and(Option::is_some);
        if !known {
            self.open(page);
        }
        let chunk = if page < NEAR { self.near.get_mut(page as usize).and_then(Option::as_mut) } else { None };
        let chunk = match chunk {
            Some(chunk) => chunk,
            None => self.far.entry(page).or_insert_with(|| Box::new([0; CHUNK])),
        };
        &mut chunk[(key % CHUNK as u64) as usize]
    }

    #[cold]
    fn open(&mut self, page: u64) {
        let n = page as usize;
        if page >= NEAR {
            self.chunks += usize::from(!self.far.contains_key(&page));
        } else {
            if self.near.len() <= n {
                self.near.resize_with(n + 1, || None);
            }
            if let Some(place) = self.near.get_mut(n) {
                *place = Some(Box::new([0; CHUNK]));
                self.chunks += 1;
            }
        }
        self.over |= self.chunks > (self.kept / CHUNK as u64) as usize + ODD;
    }

    /// The word for a value: 0 is unset; otherwise a four-bit tag (1 plain, 2 str, 3 global, 4 call, 5 wide, …) and 28 bits. `None` where `wide` has to grow.
    #[inline(always)]
    fn word_for(&mut self, value: Value) -> Option<u32> {
        Some(match value.kind() {
            Kind::Plain => 1 << 28,
            // A text that may be a special key stays marked as one.
            Kind::Str(s) if s.at < SMALL => (if s.len == MARKED { 11 << 28 } else { 2 << 28 }) | s.at as u32,
            Kind::Global(id) if u64::from(id) < SMALL => 3 << 28 | id,
            _ if self.wide.len() < WIDE => {
                let word = 5 << 28 | self.wide.len() as u32;
                if !self.wide.put(value) {
                    return None;
                }
                word
            }
            // Which arguments an object was made with is mostly needed right after the call, when it still is on the stack.
            Kind::Call { global, .. } if u64::from(global) < SMALL => 4 << 28 | global,
            Kind::Tuple(_) => 6 << 28,
            Kind::List(_) => 7 << 28,
            Kind::Dict(_) => 8 << 28,
            Kind::Set(_) => 9 << 28,
            Kind::Persistent(_) => 10 << 28,
            Kind::Str(_) | Kind::Bytes(_) | Kind::Lost => 12 << 28,
            _ => 1 << 28,
        })
    }

    /// Stores a value.
    pub fn put(&mut self, key: u64, value: Value) {
        if self.follows(key) {
            self.put_late(key, value);
            return;
        }
        let word = match self.word_for(value) {
            Some(word) => word,
            None => {
                self.wide.push(value);
                5 << 28 | (self.wide.len() - 1) as u32
            }
        };
        let slot = self.slot(key);
        let fresh = *slot == 0;
        *slot = word;
        self.len += u64::from(fresh);
    }

    /// As [`Memo::put`], for a value that is data, where nothing has to grow and nothing is looked for; says whether that was so. Else nothing is done.
    #[inline(always)]
    pub fn put_near(&mut self, key: u64, value: Value) -> bool {
        if key >= self.kept {
            return self.put_next(key, value);
        }
        let page = (key / CHUNK as u64) as usize;
        if !self.near.get(page).is_some_and(Option::is_some) {
            return false;
        }
        let Some(word) = self.word_for(value) else { return false };
        if let Some(Some(chunk)) = self.near.get_mut(page) {
            let slot = &mut chunk[(key % CHUNK as u64) as usize];
            self.len += u64::from(*slot == 0);
            *slot = word;
        }
        true
    }

    /// The next one behind those that are kept one by one.
    #[inline(always)]
    fn put_next(&mut self, key: u64, value: Value) -> bool {
        if key != self.tail.end || self.tail.is_empty() || value.is_text_of(MARKED) || !value.is_data() {
            return false;
        }
        if value.is_text() {
            let Some(place) = self.recent.get_mut(self.turn) else { return false };
            *place = (key, value);
            self.turn = (self.turn + 1) % RECENT;
        }
        self.tail.end += 1;
        self.len += 1;
        true
    }

    /// What a word stands for. A text comes back with an unknown length.
    #[inline(always)]
    fn value_of(&self, word: u32) -> Option<Value> {
        let low = word & (SMALL as u32 - 1);
        Some(match word >> 28 {
            0 => return None,
            2 => Value::str(u64::from(low), 0),
            3 => Value::global(low),
            4 => Value::call(low, 0),
            5 => self.wide.above(low as usize).first().copied().unwrap_or(Value::PLAIN),
            // Position 0 with a length is a forgotten one; without, an empty one.
            6 => Value::tuple(0, 1),
            7 => Value::list(0),
            8 => Value::dict(0),
            9 => Value::set(0, 1),
            10 => Value::persistent(0, 1),
            11 => Value::str(u64::from(low), usize::from(MARKED)),
            12 => Value::LOST,
            _ => Value::PLAIN,
        })
    }

    /// Looks a value up.
    pub fn get(&self, key: u64) -> Option<Value> {
        if self.tail.contains(&key) {
            return Some(self.late.get(&key).copied().unwrap_or(Value::LOST));
        }
        self.value_of(self.word(key))
    }

    /// As [`Memo::get`], for what is found by its number alone; `None` for any other.
    #[inline(always)]
    pub fn get_near(&self, key: u64) -> Option<Value> {
        if key >= self.kept {
            return None;
        }
        let chunk = self.near.get((key / CHUNK as u64) as usize)?.as_ref()?;
        self.value_of(chunk[(key % CHUNK as u64) as usize])
    }
}

/// Values kept of tuples, arguments and sets: a ring, so that old contents are forgotten (and then count as unknown).
pub struct Pool {
    /// Grows to `POOL` values before it begins to turn: most pickles are small.
    ring: Vec<Value>,
    head: u64,
    /// The greatest weight of any that was kept.
    pub heaviest: u32,
}

const POOL: usize = 1 << 17;

impl Default for Pool {
    fn default() -> Self {
        // Position 0 stands for "forgotten from the start".
        Pool { ring: vec![Value::PLAIN], head: 1, heaviest: 0 }
    }
}

impl Pool {
    /// Keeps items (at most 255 of them) with the weight of the whole.
    #[inline(always)]
    pub fn keep(&mut self, items: &[Value], weight: u32) -> Span {
        let kept = &items[..items.len().min(255)];
        self.heaviest = self.heaviest.max(weight);
        let at = self.head;
        let from = at as usize % POOL;
        match self.ring.get_mut(from..from + kept.len() + 1) {
            Some([places @ .., last]) => {
                for (place, v) in places.iter_mut().zip(kept) {
                    *place = *v;
                }
                *last = Value::int(i64::from(weight));
                self.head += kept.len() as u64 + 1;
            }
            _ => self.wrap(kept, weight),
        }
        Span { at, len: kept.len() as u16 }
    }

    /// Keeps `N` items, at most three, none of which holds others, where there is room for them in the ring; else `None`, and nothing is kept.
    #[inline(always)]
    pub fn keep_flat<const N: usize>(&mut self, items: &[Value; N]) -> Option<Span> {
        let at = self.head;
        let room = self.ring.get_mut(at as usize % POOL..)?.first_chunk_mut::<4>()?;
        let mut holding = false;
        for (place, v) in room.iter_mut().zip(items) {
            holding |= v.holds();
            *place = *v;
        }
        if holding {
            return None;
        }
        *room.get_mut(N)? = Value::int(0);
        self.head = self.head.wrapping_add(N as u64 + 1);
        Some(Span { at, len: N as u16 })
    }

    /// Whether items can be kept without growing the ring, or beginning it anew.
    #[inline(always)]
    pub fn has_room(&self, items: usize) -> bool {
        items <= 255 && self.head as usize % POOL + items < self.ring.len()
    }

    /// Where the ring grows, or begins anew.
    #[inline(never)]
    fn wrap(&mut self, kept: &[Value], weight: u32) {
        for v in kept {
            self.push(*v);
        }
        self.push(Value::int(i64::from(weight)));
    }

    fn push(&mut self, v: Value) {
        match self.ring.get_mut(self.head as usize % POOL) {
            Some(place) => *place = v,
            None => self.ring.push(v),
        }
        self.head += 1;
    }

    #[inline(always)]
    fn at(&self, position: u64) -> Value {
        self.ring.get(position as usize % POOL).copied().unwrap_or(Value::PLAIN)
    }

    /// The items, unless they were forgotten.
    pub fn items(&self, span: Span) -> Option<Vec<Value>> {
        if span.at == 0 || self.head.saturating_sub(span.at) > POOL as u64 {
            return None;
        }
        Some((0..u64::from(span.len)).map(|n| self.at(span.at + n)).collect())
    }

    /// The weight that was kept.
    #[inline(always)]
    pub fn weight(&self, span: Span) -> u32 {
        if span.at == 0 || self.head.saturating_sub(span.at) > POOL as u64 {
            return 0;
        }
        match self.at(span.at + u64::from(span.len)).kind() {
            Kind::Int(n) => u32::try_from(n).unwrap_or(0),
            _ => 0,
        }
    }

    /// Replaces the first item kept at a call's node.
    pub fn replace(&mut self, node: u32, value: Value) {
        if let Some(span) = self.node(node) {
            self.ring[span.at as usize % POOL] = value;
        }
    }

    /// The items kept at a call's node.
    pub fn node(&self, node: u32) -> Option<Span> {
        let back = (self.head as u32).wrapping_sub(node);
        if node == 0 || back as usize > POOL || u64::from(back) > self.head {
            return None;
        }
        Some(Span { at: self.head - u64::from(back), len: 1 })
    }
}

/// The first items of lists and dictionaries, likewise forgotten in turn.
pub struct Slots {
    ring: Vec<Slot>,
    next: u64,
    /// The greatest weight of any that was filled.
    pub heaviest: u32,
}

#[derive(Clone, Default)]
struct Slot {
    id: u64,
    items: [Value; ITEMS],
    count: u32,
    weight: u32,
}

const SLOTS: usize = 4096;
/// Items kept of each: joblib describes an array in six entries.
const ITEMS: usize = 16;

impl Default for Slots {
    fn default() -> Self {
        Slots { ring: vec![Slot::default()], next: 1, heaviest: 0 }
    }
}

impl Slots {
    /// A new, empty one.
    #[inline(always)]
    pub fn fresh(&mut self) -> u64 {
        let id = self.next;
        self.next += 1;
        match self.ring.get_mut(id as usize % SLOTS) {
            Some(slot) => {
                slot.id = id;
                slot.count = 0;
                slot.weight = 0;
            }
            None => self.ring.push(Slot { id, ..Slot::default() }),
        }
        id
    }

    /// Whether a new one takes the place of another.
    #[inline(always)]
    pub fn turns(&self) -> bool {
        self.next as usize % SLOTS < self.ring.len()
    }

    /// Adds items.
    #[inline(always)]
    pub fn add(&mut self, id: u64, items: &[Value], weight: u32) {
        let Some(slot) = self.ring.get_mut(id as usize % SLOTS) else {
            return;
        };
        if slot.id != id || id == 0 {
            return;
        }
        if let Some(places) = slot.items.get_mut(slot.count as usize..) {
            for (place, v) in places.iter_mut().zip(items) {
                *place = *v;
            }
        }
        slot.count = slot.count.saturating_add(u32::try_from(items.len()).unwrap_or(u32::MAX));
        slot.weight = heavier(slot.weight, weight);
        self.heaviest = self.heaviest.max(weight);
    }

    /// The first items and whether there are more, unless forgotten.
    pub fn items(&self, id: u64) -> Option<(&[Value], bool)> {
        let slot = self.ring.get(id as usize % SLOTS)?;
        (slot.id == id && id != 0).then(|| (&slot.items[..(slot.count as usize).min(ITEMS)], slot.count as usize > ITEMS))
    }

    /// The weight that was kept.
    #[inline(always)]
    pub fn weight(&self, id: u64) -> u32 {
        self.ring.get(id as usize % SLOTS).filter(|s| s.id == id).map_or(0, |s| s.weight)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_memo_takes_sparse_keys_without_allocating_what_they_claim() {
        let mut memo = Memo::new(1 << 20);
        memo.put(0xffff_ffff, Value::global(7));
        memo.put(u64::MAX, Value::str(9, 3));
        assert_eq!(memo.get(0xffff_ffff).map(Value::kind), Some(Kind::Global(7)));
        assert_eq!(memo.get(u64::MAX).map(Value::kind), Some(Kind::Str(crate::value::Spot { at: 9, len: 0 })));
        assert_eq!(memo.get(1), None);
        assert_eq!(memo.len, 2);
        assert!(memo.chunks < 3);
    }

    #[test]
    fn what_is_near_is_put_and_found_as_everything_is() {
        for kept in [8, 1 << 20] {
            let (mut quick, mut slow, mut near, mut next) = (Memo::new(kept), Memo::new(kept), 0, 0..);
            for n in 0..20_000u64 {
                let value = match n % 9 {
                    0 => Value::int(n as i64),
                    1 => Value::tuple(n, 2),
                    2 => Value::list(n),
                    3 => Value::str(n, MARKED as usize),
                    4 if n % 5 == 0 => Value::global(n as u32),
                    5 => Value::PLAIN,
                    6 => Value::NONE,
                    _ => Value::str(n * 40_000, 3),
                };
                // Mostly in order, now and then again, and sometimes far away.
                let key = match n % 31 {
                    7 => n / 2,
                    9 if kept > 8 => n + 60_000_000,
                    _ => next.next().unwrap_or(0),
                };
                slow.put(key, value);
                if quick.put_near(key, value) {
                    near += 1;
                } else {
                    quick.put(key, value);
                }
                assert_eq!((quick.len, quick.over, quick.get(key)), (slow.len, slow.over, slow.get(key)), "{key}");
            }
            for key in (0..20_000).chain(60_000_000..60_020_000) {
                assert_eq!(quick.get(key), slow.get(key), "{key}");
                assert!(quick.get_near(key).is_none_or(|found| Some(found) == quick.get(key)), "{key}");
            }
            quick.retain(Value::str(19_997 * 40_000, 3));
            slow.retain(Value::str(19_997 * 40_000, 3));
            assert_eq!(quick.late, slow.late);
            assert!(near > 10_000, "{near} of {kept}");
        }
    }

    #[test]
    fn a_tuple_of_few_is_kept_as_any_other() {
        let (mut quick, mut slow) = (Pool::default(), Pool::default());
        for n in 0..3 * POOL as i64 {
            let items = [Value::int(n), if n % 1000 == 0 { Value::list(3) } else { Value::str(n as u64, 2) }];
            let kept = quick.keep_flat(&items).unwrap_or_else(|| quick.keep(&items, u32::from(n % 1000 == 0)));
            let as_any = slow.keep(&items, u32::from(n % 1000 == 0));
            assert_eq!((kept, quick.items(kept), quick.weight(kept)), (as_any, slow.items(as_any), slow.weight(as_any)));
        }
        assert!(slow.keep(&[Value::NONE], 0).at > 2 * POOL as u64);
    }

    #[test]
    fn behind_what_is_kept_one_by_one_imports_and_used_texts_are_kept() {
        let mut memo = Memo::new(8);
        for key in 1..1000 {
            memo.put(key, Value::str(key * 10, 3));
        }
        memo.put(1000, Value::global(7));
        memo.put(1001, Value::str(10_010, 5));
        memo.put(1002, Value::str(10_020, 5));
        memo.retain(Value::str(10_010, 5));
        for key in 1003..2000 {
            memo.put(key, Value::NONE);
        }
        assert_eq!(memo.len, 1999);
        assert_eq!(memo.get(5).map(Value::kind), Some(Kind::Str(crate::value::Spot { at: 50, len: 0 })));
        assert_eq!(memo.get(1000), Some(Value::global(7)));
        assert_eq!(memo.get(1001), Some(Value::str(10_010, 5)));
        assert_eq!(memo.get(1002), Some(Value::LOST));
        assert_eq!(memo.get(2000), None, "never put");
        assert!(!memo.over);
        memo.put(1000, Value::NONE);
        assert_eq!((memo.get(1000), memo.len), (Some(Value::LOST), 1999), "put again");
    }

    #[test]
    fn what_was_pushed_out_of_the_pool_is_unknown() {
        let mut pool = Pool::default();
        let span = pool.keep(&[Value::int(1)], 3);
        assert_eq!(pool.items(span), Some(vec![Value::int(1)]));
        assert_eq!(pool.weight(span), 3);
        for _ in 0..POOL {
            pool.keep(&[Value::NONE], 0);
        }
        assert_eq!(pool.items(span), None);
    }
}
