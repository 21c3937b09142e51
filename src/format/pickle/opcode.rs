//! The opcodes of pickle protocols 0 to 5 (CPython `Lib/pickle.py`, `Modules/_pickle.c`) and what follows each in the bytes.

/// What stands behind an opcode byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arg {
    /// Nothing.
    None,
    /// This many bytes.
    Fixed(u8),
    /// A line, up to and with its newline.
    Line,
    /// Two lines: module and name.
    TwoLines,
    /// One length byte, then as many bytes.
    Len1,
    /// A four-byte little-endian length, then as many bytes.
    Len4,
    /// An eight-byte little-endian length, then as many bytes.
    Len8,
}

/// One opcode.
#[derive(Clone, Copy, Debug)]
pub struct Opcode {
    /// The byte.
    pub byte: u8,
    /// The name of CPython's documentation.
    pub name: &'static str,
    /// What follows.
    pub arg: Arg,
}

const fn op(byte: u8, name: &'static str, arg: Arg) -> Opcode {
    Opcode { byte, name, arg }
}

/// All 68 opcodes.
pub const OPCODES: &[Opcode] = &[
    op(b'(', "MARK", Arg::None),
    op(b'.', "STOP", Arg::None),
    op(b'0', "POP", Arg::None),
    op(b'1', "POP_MARK", Arg::None),
    op(b'2', "DUP", Arg::None),
    op(b'F', "FLOAT", Arg::Line),
    op(b'I', "INT", Arg::Line),
    op(b'J', "BININT", Arg::Fixed(4)),
    op(b'K', "BININT1", Arg::Fixed(1)),
    op(b'L', "LONG", Arg::Line),
    op(b'M', "BININT2", Arg::Fixed(2)),
    op(b'N', "NONE", Arg::None),
    op(b'P', "PERSID", Arg::Line),
    op(b'Q', "BINPERSID", Arg::None),
    op(b'R', "REDUCE", Arg::None),
    op(b'S', "STRING", Arg::Line),
    op(b'T', "BINSTRING", Arg::Len4),
    op(b'U', "SHORT_BINSTRING", Arg::Len1),
    op(b'V', "UNICODE", Arg::Line),
    op(b'X', "BINUNICODE", Arg::Len4),
    op(b'a', "APPEND", Arg::None),
    op(b'b', "BUILD", Arg::None),
    op(b'c', "GLOBAL", Arg::TwoLines),
    op(b'd', "DICT", Arg::None),
    op(b'}', "EMPTY_DICT", Arg::None),
    op(b'e', "APPENDS", Arg::None),
    op(b'g', "GET", Arg::Line),
    op(b'h', "BINGET", Arg::Fixed(1)),
    op(b'i', "INST", Arg::TwoLines),
    op(b'j', "LONG_BINGET", Arg::Fixed(4)),
    op(b'l', "LIST", Arg::None),
    op(b']', "EMPTY_LIST", Arg::None),
    op(b'o', "OBJ", Arg::None),
    op(b'p', "PUT", Arg::Line),
    op(b'q', "BINPUT", Arg::Fixed(1)),
    op(b'r', "LONG_BINPUT", Arg::Fixed(4)),
    op(b's', "SETITEM", Arg::None),
    op(b't', "TUPLE", Arg::None),
    op(b')', "EMPTY_TUPLE", Arg::None),
    op(b'u', "SETITEMS", Arg::None),
    op(b'G', "BINFLOAT", Arg::Fixed(8)),
    op(b'B', "BINBYTES", Arg::Len4),
    op(b'C', "SHORT_BINBYTES", Arg::Len1),
    op(0x80, "PROTO", Arg::Fixed(1)),
    op(0x81, "NEWOBJ", Arg::None),
    op(0x82, "EXT1", Arg::Fixed(1)),
    op(0x83, "EXT2", Arg::Fixed(2)),
    op(0x84, "EXT4", Arg::Fixed(4)),
    op(0x85, "TUPLE1", Arg::None),
    op(0x86, "TUPLE2", Arg::None),
    op(0x87, "TUPLE3", Arg::None),
    op(0x88, "NEWTRUE", Arg::None),
    op(0x89, "NEWFALSE", Arg::None),
    op(0x8a, "LONG1", Arg::Len1),
    op(0x8b, "LONG4", Arg::Len4),
    op(0x8c, "SHORT_BINUNICODE", Arg::Len1),
    op(0x8d, "BINUNICODE8", Arg::Len8),
    op(0x8e, "BINBYTES8", Arg::Len8),
    op(0x8f, "EMPTY_SET", Arg::None),
    op(0x90, "ADDITEMS", Arg::None),
    op(0x91, "FROZENSET", Arg::None),
    op(0x92, "NEWOBJ_EX", Arg::None),
    op(0x93, "STACK_GLOBAL", Arg::None),
    op(0x94, "MEMOIZE", Arg::None),
    op(0x95, "FRAME", Arg::Fixed(8)),
    op(0x96, "BYTEARRAY8", Arg::Len8),
    op(0x97, "NEXT_BUFFER", Arg::None),
    op(0x98, "READONLY_BUFFER", Arg::None),
];

/// The opcode of a byte.
pub fn opcode(byte: u8) -> Option<&'static Opcode> {
    OPCODES.iter().find(|o| o.byte == byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_has_at_most_one_opcode() {
        let mut bytes: Vec<u8> = OPCODES.iter().map(|o| o.byte).collect();
        bytes.sort_unstable();
        bytes.dedup();
        assert_eq!(bytes.len(), 68);
    }
}
