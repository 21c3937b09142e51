//! The browser boundary: what the worker (and Node) call, and nothing more.
//!
//! Bytes come through one JavaScript function `read(at, view) -> number`, which fills `view` from offset `at` and says how much it wrote. A worker
//! answers it with `FileReaderSync`, Node with `readSync`: one boundary serves both, and the core keeps its synchronous [`Source`]. Everything
//! else crosses as JSON text, which both sides can bound, log and compare byte by byte with the native report.
//!
//! # Why not
//! - *Lend wasm memory to `read`*: a view over wasm memory is `unsafe` and dangles when the memory grows. One scratch array in JavaScript costs a copy of at
//!   most one page a read.
//! - *serde-wasm-bindgen*: builds the report field by field across the boundary; text is smaller, faster for large reports, and comparable.

#![cfg(target_arch = "wasm32")]

use crate::{Digest, FileReport, Lang, Place, Source};
use js_sys::{Function, Uint8Array};
use std::cell::RefCell;
use std::io;
use wasm_bindgen::prelude::*;

/// A file behind a JavaScript `read` function.
struct Host<'a> {
    read: &'a Function,
    len: u64,
    /// Lent to JavaScript to write into; grows to the largest read asked for.
    scratch: RefCell<Uint8Array>,
}

impl<'a> Host<'a> {
    fn new(read: &'a Function, len: f64) -> Self {
        // A file size in JavaScript is a whole number below 2^53; anything else is a caller's mistake and reads as empty.
        let len = if len.is_finite() && len > 0.0 { len as u64 } else { 0 };
        Host { read, len, scratch: RefCell::new(Uint8Array::new_with_length(0)) }
    }
}

impl Source for Host<'_> {
    fn len(&self) -> u64 {
        self.len
    }

    fn read_at(&self, at: u64, buf: &mut [u8]) -> io::Result<usize> {
        let want = u32::try_from(buf.len()).unwrap_or(u32::MAX);
        let view = {
            let mut scratch = self.scratch.borrow_mut();
            if scratch.length() < want {
                *scratch = Uint8Array::new_with_length(want);
            }
            scratch.subarray(0, want)
        };
        let answer = self
            .read
            .call2(&JsValue::NULL, &JsValue::from_f64(at as f64), &view)
            .map_err(|_| io::Error::other("the host could not read the file"))?;
        let wrote = match answer.as_f64() {
            Some(n) if n >= 0.0 && n <= f64::from(want) => n as u32,
            _ => return Err(io::Error::other("the host answered a read with no count")),
        };
        let filled = view.subarray(0, wrote);
        match buf.get_mut(..filled.length() as usize) {
            Some(target) => filled.copy_to(target),
            None => return Err(io::Error::other("the host wrote past the buffer")),
        }
        Ok(wrote as usize)
    }
}

fn to_json<T: serde::Serialize>(value: &T) -> Result<String, JsError> {
    serde_json::to_string(value).map_err(|e| JsError::new(&e.to_string()))
}

fn from_json<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, JsError> {
    serde_json::from_str(text).map_err(|e| JsError::new(&e.to_string()))
}

/// Puts the text of a panic on the console: the worker sees only "unreachable".
#[wasm_bindgen(start)]
pub fn start() {
    console_error_panic_hook::set_once();
}

/// The structural scan of one file; a `FileReport` as JSON.
#[wasm_bindgen]
pub fn scan(read: &Function, len: f64, path: &str, lang: &str) -> Result<String, JsError> {
    to_json(&crate::scan(&Host::new(read, len), path, Lang::from_tag(lang)))
}

/// The bytes and the listing around one place of a report; an `Evidence` as JSON.
#[wasm_bindgen]
pub fn evidence(read: &Function, len: f64, path: &str, place_json: &str, lang: &str) -> Result<String, JsError> {
    let place: Place = from_json(place_json)?;
    to_json(&crate::evidence(&Host::new(read, len), path, &place, Lang::from_tag(lang)))
}

/// The report over a set of file reports (a JSON array, as [`scan`] and [`stopped`] gave them).
#[wasm_bindgen]
pub fn conclude(files_json: &str, lang: &str) -> Result<String, JsError> {
    let files: Vec<FileReport> = from_json(files_json)?;
    to_json(&crate::conclude(files, Lang::from_tag(lang)))
}

/// The rules and formats, for lists on the page.
#[wasm_bindgen]
pub fn tables(lang: &str) -> Result<String, JsError> {
    to_json(&crate::tables(Lang::from_tag(lang)))
}

/// The report of a file that could not be scanned to the end, for one of the reasons the core knows by id.
#[wasm_bindgen]
pub fn stopped(path: &str, size: f64, reason: &str, lang: &str) -> Result<String, JsError> {
    let size = if size.is_finite() && size > 0.0 { size as u64 } else { 0 };
    to_json(&crate::stopped(path, size, reason, Lang::from_tag(lang)))
}

/// SHA-256 over chunks handed in one after the other.
#[wasm_bindgen]
pub struct Sha256(Digest);

#[wasm_bindgen]
impl Sha256 {
    /// A digest over nothing yet.
    #[wasm_bindgen(constructor)]
    #[allow(clippy::new_without_default)] // a constructor for JavaScript, which has no defaults
    pub fn new() -> Sha256 {
        Sha256(Digest::new())
    }

    /// Takes the next bytes of the file.
    pub fn update(&mut self, chunk: &[u8]) {
        self.0.update(chunk);
    }

    /// The digest in lower-case hexadecimal; the object is spent.
    pub fn finish(self) -> String {
        self.0.finish()
    }
}
