//! What the abstract machine knows of an object: one word, so that a stack or memo of millions stays small.

/// A value on the machine's stack: a four-bit tag and sixty bits of payload.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Value(pub u64);

/// [`Value`] taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A number, a buffer …: nothing that could be called or name something.
    Plain,
    /// `None`.
    None,
    /// `True` or `False`.
    Bool(bool),
    /// An integer that fits 59 bits.
    Int(i64),
    /// A text, by the offset of the opcode that made it.
    Str(Spot),
    /// Bytes, likewise.
    Bytes(Spot),
    /// An import, by its number.
    Global(u32),
    /// The result of calling import `global`; its arguments are node `node`.
    Call {
        /// Number of the callee.
        global: u32,
        /// Low bits of the node's position.
        node: u32,
    },
    /// A tuple.
    Tuple(Span),
    /// A list, by slot.
    List(u64),
    /// A dictionary, by slot.
    Dict(u64),
    /// A set or frozenset.
    Set(Span),
    /// What the loader's `persistent_load` makes of an id.
    Persistent(Span),
    /// What a memo of millions no longer tells: anything but an import.
    Lost,
}

/// Offset of an opcode and the length of its text, saturated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spot {
    /// Offset of the opcode in the pickle's view.
    pub at: u64,
    /// Length in bytes, at most 65,535.
    pub len: u16,
}

/// Items in the machine's pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Position in the pool's history.
    pub at: u64,
    /// Number of items kept, at most 65,535.
    pub len: u16,
}

const SHIFT: u32 = 60;
const LOW: u64 = (1 << SHIFT) - 1;

/// Tags of lists and dictionaries, a bit for each.
pub const FILLED: u32 = 1 << 7 | 1 << 8;
/// Tags of what may hold other objects.
const HOLDS: u32 = 1 << 6 | FILLED | 1 << 9;
/// Tags of numbers, texts, bytes, and of what holds others: neither named nor made by a call.
pub const DATA: u32 = 1 << 0 | 1 << 1 | 1 << 2 | 1 << 3 | HOLDS;

impl Value {
    /// [`Kind::Plain`].
    pub const PLAIN: Value = Value(0);
    /// [`Kind::None`].
    pub const NONE: Value = Value(1);
    /// [`Kind::Lost`].
    pub const LOST: Value = Value(11 << SHIFT);

    /// A mark where marks are objects, which is plain.
    pub const MARK: Value = Value(12 << SHIFT);

    #[inline(always)]
    const fn tagged(tag: u64, payload: u64) -> Value {
        Value(tag << SHIFT | payload & LOW)
    }

    #[inline(always)]
    const fn pair(tag: u64, at: u64, len: usize) -> Value {
        let len = if len > 0xffff { 0xffff } else { len as u64 };
        Value::tagged(tag, (at & ((1 << 44) - 1)) << 16 | len)
    }

    /// A boolean.
    #[inline(always)]
    pub const fn bool(b: bool) -> Value {
        Value(2 + b as u64)
    }

    /// An integer; what does not fit is plain.
    #[inline(always)]
    pub const fn int(n: i64) -> Value {
        if n >= -(1 << 58) && n < 1 << 58 { Value::tagged(1, n as u64) } else { Value::PLAIN }
    }

    /// A text.
    #[inline(always)]
    pub const fn str(at: u64, len: usize) -> Value {
        Value::pair(2, at, len)
    }

    /// Bytes.
    #[inline(always)]
    pub const fn bytes(at: u64, len: usize) -> Value {
        Value::pair(3, at, len)
    }

    /// An import.
    #[inline(always)]
    pub const fn global(id: u32) -> Value {
        Value::tagged(4, id as u64)
    }

    /// A call's result.
    #[inline(always)]
    pub const fn call(global: u32, node: u32) -> Value {
        Value::tagged(5, (global as u64) << 32 | node as u64)
    }

    /// A tuple.
    #[inline(always)]
    pub const fn tuple(at: u64, len: usize) -> Value {
        Value::pair(6, at, len)
    }

    /// A list.
    #[inline(always)]
    pub const fn list(slot: u64) -> Value {
        Value::tagged(7, slot)
    }

    /// A dictionary.
    #[inline(always)]
    pub const fn dict(slot: u64) -> Value {
        Value::tagged(8, slot)
    }

    /// A set.
    #[inline(always)]
    pub const fn set(at: u64, len: usize) -> Value {
        Value::pair(9, at, len)
    }

    /// A persistent id's object.
    #[inline(always)]
    pub const fn persistent(at: u64, len: usize) -> Value {
        Value::pair(10, at, len)
    }

    /// The tag, which is at most 15.
    #[inline(always)]
    pub const fn tag(self) -> u32 {
        (self.0 >> SHIFT) as u32
    }

    /// Whether it is a number, a text, bytes, or what holds others: neither named nor made by a call.
    #[inline(always)]
    pub const fn is_data(self) -> bool {
        DATA >> self.tag() & 1 == 1
    }

    /// Whether it is a text.
    #[inline(always)]
    pub const fn is_text(self) -> bool {
        self.0 >> SHIFT == 2
    }

    /// Whether it is a text of this length, saturated.
    #[inline(always)]
    pub const fn is_text_of(self, len: u16) -> bool {
        self.is_text() && self.0 as u16 == len
    }

    /// Whether it may hold other objects.
    #[inline(always)]
    pub const fn holds(self) -> bool {
        HOLDS >> self.tag() & 1 == 1
    }

    /// Takes the word apart.
    #[inline(always)]
    pub const fn kind(self) -> Kind {
        let payload = self.0 & LOW;
        let span = Span { at: payload >> 16, len: payload as u16 };
        let spot = Spot { at: payload >> 16, len: payload as u16 };
        match self.0 >> SHIFT {
            1 => Kind::Int(((payload << 4) as i64) >> 4),
            2 => Kind::Str(spot),
            3 => Kind::Bytes(spot),
            4 => Kind::Global(payload as u32),
            5 => Kind::Call { global: (payload >> 32) as u32, node: payload as u32 },
            6 => Kind::Tuple(span),
            7 => Kind::List(payload),
            8 => Kind::Dict(payload),
            9 => Kind::Set(span),
            10 => Kind::Persistent(span),
            11 => Kind::Lost,
            _ => match payload {
                1 => Kind::None,
                2 => Kind::Bool(false),
                3 => Kind::Bool(true),
                _ => Kind::Plain,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packs_and_unpacks() {
        assert_eq!(Value::int(-5).kind(), Kind::Int(-5));
        assert_eq!(Value::int(1 << 57).kind(), Kind::Int(1 << 57));
        assert_eq!(Value::int(i64::MAX).kind(), Kind::Plain);
        assert_eq!(Value::str(1 << 40, 7).kind(), Kind::Str(Spot { at: 1 << 40, len: 7 }));
        assert_eq!(Value::call(3, u32::MAX).kind(), Kind::Call { global: 3, node: u32::MAX });
        assert_eq!(Value::bool(true).kind(), Kind::Bool(true));
        assert_eq!(Value::NONE.kind(), Kind::None);
    }
}
