//! The browser boundary: what the worker (and Node) call, and nothing more.
//!
//! Bytes come through one JavaScript function `read(at, length) -> Uint8Array`, which gives what stands at offset `at`, less than asked for only at the
//! end. A worker answers it with `FileReaderSync`, Node with `readSync`: one boundary serves both, and the core keeps its synchronous [`Source`].
//! Everything else crosses as JSON text, which both sides can bound, log and compare byte by byte with the native report.
//!
//! Where the browser can let WebAssembly stand still (JavaScript Promise Integration), a scan goes through [`begin`], [`proceed`] and [`finish`], and `read`
//! may answer `undefined`: then its `wait` is called, which comes back once the bytes are there. The browser reads on while the core works.
//!
//! # Why not
//! - *Lend wasm memory to `read`*: a view over wasm memory is `unsafe` and dangles when the memory grows. What `read` gives is copied once.
//! - *serde-wasm-bindgen*: builds the report field by field across the boundary; text is smaller, faster for large reports, and comparable.

#![cfg(target_arch = "wasm32")]

use crate::licence::compat::{Part, Situation};
use crate::licence::inventory::Inventory;
use crate::licence::{guide, print};
use crate::{Digest, FileReport, Lang, Place, Source};
use js_sys::{Function, Uint8Array};
use std::cell::RefCell;
use std::io;
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    /// A `read` that may have to be waited for.
    type Coming;

    /// Comes back when the bytes that were asked for last are there, or cannot be had. JavaScript makes a function of it that suspends; the number is there
    /// because the code around a function without a result would not hand on its promise.
    #[wasm_bindgen(method)]
    fn wait(this: &Coming) -> f64;
}

/// A file behind a JavaScript `read` function.
struct Host<'a> {
    read: &'a Function,
    len: u64,
}

impl<'a> Host<'a> {
    fn new(read: &'a Function, len: f64) -> Self {
        // A file size in JavaScript is a whole number below 2^53; anything else is a caller's mistake and reads as empty.
        let len = if len.is_finite() && len > 0.0 { len as u64 } else { 0 };
        Host { read, len }
    }
}

impl Source for Host<'_> {
    fn len(&self) -> u64 {
        self.len
    }

    fn read_at(&self, at: u64, buf: &mut [u8]) -> io::Result<usize> {
        let want = u32::try_from(buf.len()).unwrap_or(u32::MAX);
        let ask = || {
            let answer = self.read.call2(&JsValue::NULL, &JsValue::from_f64(at as f64), &JsValue::from_f64(f64::from(want)));
            answer.map_err(|_| io::Error::other("the host could not read the file"))
        };
        let mut answer = ask()?;
        if answer.is_undefined() {
            self.read.unchecked_ref::<Coming>().wait();
            answer = ask()?;
        }
        let bytes = answer.dyn_ref::<Uint8Array>().ok_or_else(|| io::Error::other("the host answered a read with no bytes"))?;
        match buf.get_mut(..bytes.length() as usize) {
            Some(target) => bytes.copy_to(target),
            None => return Err(io::Error::other("the host gave more than was asked for")),
        }
        Ok(bytes.length() as usize)
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

/// A scan whose bytes may still be coming.
struct Begun {
    read: Function,
    len: f64,
    path: String,
    lang: String,
    report: Option<FileReport>,
}

thread_local! {
    static BEGUN: RefCell<Option<Begun>> = const { RefCell::new(None) };
}

/// Says what [`proceed`] scans; as [`scan`].
#[wasm_bindgen]
pub fn begin(read: Function, len: f64, path: String, lang: String) {
    BEGUN.set(Some(Begun { read, len, path, lang, report: None }));
}

/// Scans what was begun. Neither takes nor gives anything, so that JavaScript can make a promise of it without the code around it.
#[wasm_bindgen]
pub fn proceed() {
    // Taken out: while the scan waits, nothing else may find it borrowed.
    if let Some(mut begun) = BEGUN.take() {
        begun.report = Some(crate::scan(&Host::new(&begun.read, begun.len), &begun.path, Lang::from_tag(&begun.lang)));
        BEGUN.set(Some(begun));
    }
}

/// The report of what was scanned, as [`scan`] gives it.
#[wasm_bindgen]
pub fn finish() -> Result<String, JsError> {
    let report = BEGUN.take().and_then(|begun| begun.report).ok_or_else(|| JsError::new("nothing was scanned"))?;
    to_json(&report)
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

/// What may, must and must not be done with parts (a JSON array, such as a report's `licence.parts`) in a situation; a `Guidance` as JSON.
#[wasm_bindgen]
pub fn licence(parts_json: &str, situation_json: &str, lang: &str) -> Result<String, JsError> {
    let parts: Vec<Part> = from_json(parts_json)?;
    let situation: Situation = from_json(situation_json)?;
    to_json(&guide::guide(&parts, &situation, Lang::from_tag(lang)))
}

/// The same guidance as `text`, `markdown` or `csv`.
#[wasm_bindgen]
pub fn licence_print(parts_json: &str, situation_json: &str, format: &str, lang: &str) -> Result<String, JsError> {
    let parts: Vec<Part> = from_json(parts_json)?;
    let situation: Situation = from_json(situation_json)?;
    let lang = Lang::from_tag(lang);
    let g = guide::guide(&parts, &situation, lang);
    Ok(match format {
        "markdown" => print::markdown(&g, lang),
        "csv" => print::csv(&g, lang),
        _ => print::text(&g, lang),
    })
}

/// The help of the package's command line.
#[wasm_bindgen]
pub fn help() -> String {
    crate::speech::command::help("")
}

/// Whether a path is one that lists of digests have by habit.
#[wasm_bindgen]
pub fn is_list_name(path: &str) -> bool {
    crate::integrity::is_list_name(path)
}

/// The catalogue of licences, for choosing by name.
#[wasm_bindgen]
pub fn licences(lang: &str) -> Result<String, JsError> {
    to_json(&crate::licence::rows(Lang::from_tag(lang)))
}

/// The inventory of file reports (a JSON array) and parts for a situation; `seen` is the day to note.
#[wasm_bindgen]
pub fn inventory(files_json: &str, parts_json: &str, situation_json: &str, seen: &str, lang: &str) -> Result<String, JsError> {
    let files: Vec<FileReport> = from_json(files_json)?;
    let parts: Vec<Part> = from_json(parts_json)?;
    let situation: Situation = from_json(situation_json)?;
    let lang = Lang::from_tag(lang);
    let report = crate::conclude(files, lang);
    let g = guide::guide(&parts, &situation, lang);
    to_json(&Inventory::of(&report, &g, seen))
}

/// One inventory with another added to it.
#[wasm_bindgen]
pub fn inventory_add(inventory_json: &str, later_json: &str) -> Result<String, JsError> {
    let mut all: Inventory = from_json(inventory_json)?;
    all.add(&from_json(later_json)?);
    to_json(&all)
}

/// What a later inventory says differently; `whole` says that it was made of the same folder.
#[wasm_bindgen]
pub fn inventory_changes(inventory_json: &str, later_json: &str, whole: bool) -> Result<String, JsError> {
    let old: Inventory = from_json(inventory_json)?;
    to_json(&old.changes(&from_json(later_json)?, whole))
}

/// An inventory as CSV.
#[wasm_bindgen]
pub fn inventory_csv(inventory_json: &str) -> Result<String, JsError> {
    Ok(from_json::<Inventory>(inventory_json)?.csv())
}

/// Whether a file's report (JSON) can still be changed by what is beside it.
#[wasm_bindgen]
pub fn waits(file_json: &str) -> Result<bool, JsError> {
    Ok(crate::waits(&from_json(file_json)?))
}

/// The forms of an export; an array of `ExportRow` as JSON.
#[wasm_bindgen]
pub fn exports() -> Result<String, JsError> {
    to_json(&crate::export::rows())
}

/// A report (JSON, possibly a stranger's) in one of the forms of [`exports`]; the options are an `ExportOptions` as JSON.
#[wasm_bindgen]
pub fn export_report(report_json: &str, id: &str, options_json: &str) -> Result<String, JsError> {
    let report = crate::export::open::report(report_json).map_err(|e| JsError::new(&e))?;
    let options = from_json(options_json)?;
    crate::export::export(report, id, &options).ok_or_else(|| JsError::new("there is no such form"))
}

/// A stored report (JSON, possibly a stranger's) checked and told in a language; a `Report` as JSON.
#[wasm_bindgen]
pub fn open_report(report_json: &str, lang: &str) -> Result<String, JsError> {
    let mut report = crate::export::open::report(report_json).map_err(|e| JsError::new(&e))?;
    crate::rule::retell(&mut report, Lang::from_tag(lang));
    to_json(&report)
}

/// Files (a JSON array of `Given`) held against texts that list digests (a JSON array of `ListText`); `whole` says that these are all the files
/// there are, so that what is listed and not given is missing. A `Verification` as JSON.
#[wasm_bindgen]
pub fn verify(lists_json: &str, files_json: &str, whole: bool, lang: &str) -> Result<String, JsError> {
    let lists: Vec<crate::integrity::ListText> = from_json(lists_json)?;
    let files: Vec<crate::integrity::Given> = from_json(files_json)?;
    to_json(&crate::integrity::verification(&lists, &files, whole, Lang::from_tag(lang)))
}

/// A `Verification` as text.
#[wasm_bindgen]
pub fn verify_print(verification_json: &str, lang: &str) -> Result<String, JsError> {
    Ok(crate::integrity::print::text(&from_json(verification_json)?, Lang::from_tag(lang)))
}

/// What changed between two reports (JSON, possibly a stranger's); a `Comparison` as JSON.
#[wasm_bindgen]
pub fn compare(old_json: &str, new_json: &str, lang: &str) -> Result<String, JsError> {
    let open = |json| crate::export::open::report(json).map_err(|e| JsError::new(&e));
    to_json(&crate::compare::compare(open(old_json)?, open(new_json)?, Lang::from_tag(lang)))
}

/// A `Comparison` as `text` or `markdown`.
#[wasm_bindgen]
pub fn compare_print(comparison_json: &str, format: &str, lang: &str) -> Result<String, JsError> {
    let c = from_json(comparison_json)?;
    Ok(if format == "markdown" { crate::compare::markdown(&c, Lang::from_tag(lang)) } else { crate::compare::text(&c) })
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

/// In a real browser (`wasm-bindgen-test-runner`, headless Chromium): reports cross as JSON, reads come back through a function, and a host that fails
/// costs a gap and not the page.
#[cfg(test)]
mod tests {
    use super::*;
    use js_sys::{JSON, Reflect};
    use wasm_bindgen_test::*;

    wasm_bindgen_test_configure!(run_in_browser);

    /// A pickle that would call `os.system`.
    const PICKLE: &str = "\\x80\\x02cos\\nsystem\\nX\\x11\\x00\\x00\\x00echo weighstation\\x85R.";
    const PICKLE_LEN: f64 = 38.0;

    /// A `read` over the characters of a JavaScript string literal.
    fn reader(literal: &str) -> Function {
        Function::new_with_args("at, length", &format!("return Uint8Array.from('{literal}', c => c.charCodeAt(0)).subarray(at, at + length);"))
    }

    fn field(json: &str, path: &[&str]) -> JsValue {
        let mut value = JSON::parse(json).expect("JSON");
        for key in path {
            value = Reflect::get(&value, &JsValue::from_str(key)).expect("a field");
        }
        value
    }

    fn text(json: &str, path: &[&str]) -> String {
        field(json, path).as_string().expect("a string")
    }

    #[wasm_bindgen_test]
    fn a_scan_reads_through_the_host_and_answers_json() {
        let report = scan(&reader(PICKLE), PICKLE_LEN, "bad.pkl", "en").expect("a report");
        assert_eq!(text(&report, &["path"]), "bad.pkl");
        assert_eq!(text(&report, &["verdict"]), "dangerous");
        assert_eq!(text(&report, &["imports", "0", "module"]), "os");
        assert_eq!(field(&report, &["size"]).as_f64(), Some(PICKLE_LEN));
    }

    #[wasm_bindgen_test]
    fn a_place_of_a_report_leads_back_to_its_bytes() {
        let report = scan(&reader(PICKLE), PICKLE_LEN, "bad.pkl", "en").expect("a report");
        let place = JSON::stringify(&field(&report, &["findings", "0", "places", "0"])).expect("JSON");
        let shown = evidence(&reader(PICKLE), PICKLE_LEN, "bad.pkl", &String::from(place), "en").expect("evidence");
        assert!(text(&shown, &["bytes"]).starts_with("8002"));
    }

    #[wasm_bindgen_test]
    fn offsets_past_four_gibibytes_reach_the_host_whole() {
        // An npy, a zip, a safetensors: whatever is tried at the end of the file is asked for beyond 2^32.
        let seen = Function::new_with_args(
            "at, length",
            "globalThis.farthest = Math.max(globalThis.farthest ?? 0, at + length); const view = new Uint8Array(length); if (at === 0) view.set([0x50, 0x4b, 3, 4].slice(0, length)); return view;",
        );
        let size = 6.0 * 1024.0 * 1024.0 * 1024.0;
        let report = scan(&seen, size, "large.zip", "en").expect("a report");
        assert_eq!(field(&report, &["size"]).as_f64(), Some(size));
        let farthest = Reflect::get(&js_sys::global(), &JsValue::from_str("farthest")).expect("a field").as_f64();
        assert_eq!(farthest, Some(size));
    }

    #[wasm_bindgen_test]
    fn a_host_that_throws_or_lies_is_not_trusted() {
        for body in ["throw new Error('gone')", "return -1", "return new Uint8Array(length + 1)", "return 'many'", "return null", "return [0x80, 2]"] {
            let report = scan(&Function::new_with_args("at, length", body), 100.0, "gone.pkl", "en").expect("a report");
            assert_ne!(text(&report, &["verdict"]), "clear", "{body}");
        }
    }

    #[wasm_bindgen_test]
    fn bytes_that_are_on_their_way_are_waited_for_once() {
        let late =
            Function::new_with_args("at, length", "return globalThis.arrived ? new Uint8Array([0x80, 2, 0x4e, 0x2e]).subarray(at, at + length) : undefined;");
        let wait = Function::new_no_args("globalThis.arrived = globalThis.comes; return 1;");
        Reflect::set(&late, &JsValue::from_str("wait"), &wait).expect("a function takes properties");
        for (comes, verdict) in [(false, "incomplete"), (true, "clear")] {
            Reflect::set(&js_sys::global(), &JsValue::from_str("comes"), &JsValue::from_bool(comes)).expect("a global");
            begin(late.clone(), 4.0, "late.pkl".into(), "en".into());
            proceed();
            assert_eq!(text(&finish().expect("a report"), &["verdict"]), verdict);
        }
        assert!(finish().is_err(), "a report is given once");
    }

    #[wasm_bindgen_test]
    fn a_size_that_is_no_size_reads_as_empty() {
        for size in [f64::NAN, -1.0, f64::INFINITY] {
            let report = scan(&reader(PICKLE), size, "odd.pkl", "en").expect("a report");
            assert_eq!(field(&report, &["size"]).as_f64(), Some(0.0));
        }
    }

    #[wasm_bindgen_test]
    fn reports_come_together() {
        let one = scan(&reader(PICKLE), PICKLE_LEN, "bad.pkl", "en").expect("a report");
        let two = stopped("other.bin", 7.0, "cancelled", "en").expect("a report");
        let report = conclude(&format!("[{one},{two}]"), "en").expect("a report");
        assert_eq!(text(&report, &["schema"]), "weighstation-report/1");
        assert_eq!(text(&report, &["verdict"]), "dangerous");
        assert_eq!(text(&report, &["files", "1", "gaps", "0", "reason"]), "cancelled");
        assert!(conclude("not json", "en").is_err());
        assert!(text(&tables("en").expect("tables"), &["rules", "0", "id"]).starts_with("WS"));
    }

    #[wasm_bindgen_test]
    fn licence_guidance_crosses_as_json() {
        let parts = r#"[{"name":"m","licence":"llama3.1"}]"#;
        let g = licence(parts, r#"{"use":"service","seat":"US","facts":{"mau":10}}"#, "en").expect("guidance");
        assert_eq!(text(&g, &["level"]), "ok-with-obligations");
        assert!(licence_print(parts, "{}", "markdown", "en").expect("Markdown").contains("Llama 3.1"));
        assert!(licence("[]", "nothing", "en").is_err());
        assert!(text(&licences("en").expect("a list"), &["0", "id"]).len() > 2);
    }

    #[wasm_bindgen_test]
    fn exports_verification_and_comparison_cross_as_text() {
        let file = scan(&reader(PICKLE), PICKLE_LEN, "bad.pkl", "en").expect("a report");
        let report = conclude(&format!("[{file}]"), "en").expect("a report");
        assert!(text(&exports().expect("a list"), &["0", "media"]).contains('/'));
        assert!(export_report(&report, "html", "{}").expect("HTML").contains("WS101"));
        assert!(
            export_report(&report, "pdf", "{}").is_err() && export_report("{}", "html", "{}").is_err() && export_report(&report, "html", "nothing").is_err()
        );
        assert_eq!(open_report(&report, "en").expect("a report"), report);
        let digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let files = format!(r#"[{{"path":"a","size":3,"sha256":"{digest}"}}]"#);
        let v = verify(&format!(r#"[{{"text":"{digest}"}}]"#), &files, false, "en").expect("a verification");
        assert_eq!(text(&v, &["outcome"]), "matches");
        assert!(verify_print(&v, "en").expect("text").contains("matches"));
        let c = compare(&report, &report, "en").expect("a comparison");
        assert_eq!(text(&c, &["news"]), "clear");
        assert!(compare_print(&c, "markdown", "en").expect("Markdown").starts_with("# "));
        assert!(!waits(&file).expect("an answer"));
    }

    #[wasm_bindgen_test]
    fn the_digest_is_sha_256_however_it_is_cut() {
        let mut whole = Sha256::new();
        whole.update(b"abc");
        assert_eq!(whole.finish(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        let mut parts = Sha256::new();
        for part in [&b"a"[..], b"", b"bc"] {
            parts.update(part);
        }
        assert_eq!(parts.finish(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
