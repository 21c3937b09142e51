//! Tables of text that the core carries. In WebAssembly they are packed (see the build script, `pack.rs`) and unpacked when somebody first asks for them.

/// A table; [`table!`] makes one.
#[cfg(not(target_arch = "wasm32"))]
pub struct Table(pub &'static str);

/// A table; [`table!`] makes one.
#[cfg(target_arch = "wasm32")]
pub struct Table {
    /// What the build script wrote.
    pub packed: &'static [u8],
    /// What it is made of.
    pub text: std::sync::OnceLock<String>,
}

/// The table in a file, which is named by its path below `src`.
#[cfg(not(target_arch = "wasm32"))]
macro_rules! table {
    ($path:literal) => {
        $crate::table::Table(include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/", $path)))
    };
}

/// The table in a file, which is named by its path below `src` and must be one of those that the build script packs.
#[cfg(target_arch = "wasm32")]
macro_rules! table {
    ($path:literal) => {
        $crate::table::Table { packed: include_bytes!(concat!(env!("OUT_DIR"), "/", $path)), text: std::sync::OnceLock::new() }
    };
}

pub(crate) use table;

impl Table {
    /// The whole text.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn text(&self) -> &'static str {
        self.0
    }

    /// The whole text.
    #[cfg(target_arch = "wasm32")]
    pub fn text(&'static self) -> &'static str {
        self.text.get_or_init(|| unpack(self.packed).expect("the build script packed it"))
    }
}

/// Undoes what the build script did.
#[cfg(target_arch = "wasm32")]
fn unpack(packed: &[u8]) -> Option<String> {
    let (len, stream) = packed.split_first_chunk()?;
    let mut text = vec![0; u32::from_le_bytes(*len) as usize];
    let end = lzma_rust2::XzStream::new(false).process(stream, &mut text, lzma_rust2::Action::Finish).ok()?;
    if end.status == lzma_rust2::Status::StreamEnd { String::from_utf8(text).ok() } else { None }
}
