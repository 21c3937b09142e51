//! Digest of a whole file in one sequential pass, made after the verdict: SHA-256, and its wider relatives where a list asks for them.

use sha2::{Sha256, Sha384, Sha512};

/// A running digest.
#[derive(Clone, Default)]
pub struct Running<D>(D);

/// A running SHA-256 (FIPS 180-4).
pub type Digest = Running<Sha256>;
/// A running SHA-384.
pub type Digest384 = Running<Sha384>;
/// A running SHA-512.
pub type Digest512 = Running<Sha512>;

impl<D: sha2::Digest + Default> Running<D> {
    /// An empty digest.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the next bytes of the file.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest in lower-case hexadecimal digits, 64 of them for SHA-256.
    pub fn finish(self) -> String {
        hex(self.0.finalize().as_slice())
    }
}

/// Lower-case hexadecimal of bytes.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut out = String::with_capacity(bytes.len() * 2);
    for b in bytes {
        out.push(DIGITS[usize::from(b >> 4)] as char);
        out.push(DIGITS[usize::from(b & 15)] as char);
    }
    out
}

#[cfg(test)]
mod tests {
    #[test]
    fn matches_the_standard_example() {
        let mut d = super::Digest::new();
        d.update(b"a");
        d.update(b"bc");
        assert_eq!(d.finish(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        let mut wide = super::Digest512::new();
        wide.update(b"abc");
        assert!(wide.finish().starts_with("ddaf35a193617abacc417349ae204131"));
        let mut wide = super::Digest384::new();
        wide.update(b"abc");
        assert!(wide.finish().starts_with("cb00753f45a35e8bb5a03d699ac65007"));
    }
}
