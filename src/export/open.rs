//! A stored report, which anybody may have written.

use crate::report::{Report, SCHEMA};
use crate::text::printable;
use serde_json::Value;

/// Bytes of a stored report that are read.
pub const LONGEST: usize = 128 << 20;

/// Characters that one text of a report keeps.
const TEXT: usize = 16_384;

/// Reads a stored report. What it says about weights and verdicts is added up anew and every text is made printable; an unknown schema, or anything that is no report is refused.
pub fn report(json: &str) -> Result<Report, String> {
    if json.len() > LONGEST {
        return Err("it is larger than any report that is read here".into());
    }
    // Nesting is bounded by serde_json (128 levels).
    let mut value: Value = serde_json::from_str(json.trim_start_matches('\u{feff}')).map_err(|e| format!("it is not JSON: {e}"))?;
    if value.get("schema").and_then(Value::as_str) != Some(SCHEMA) {
        return Err(format!("it is no {SCHEMA}"));
    }
    each_text(&mut value, &mut |_, s| *s = printable(s, TEXT));
    // By way of text: code that reads every type out of a tree of values is large, and code that reads them out of text is there.
    let mut report: Report = serde_json::to_string(&value).and_then(|text| serde_json::from_str(&text)).map_err(|e| format!("it is no {SCHEMA}: {e}"))?;
    for f in &mut report.files {
        f.sha256 = f.sha256.take().filter(|d| d.len() == 64 && d.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)));
    }
    Ok(report)
}

/// Visits every text of a document with the key that it stands under.
pub(super) fn each_text(value: &mut Value, visit: &mut dyn FnMut(&str, &mut String)) {
    let mut open: Vec<(String, &mut Value)> = vec![(String::new(), value)];
    while let Some((key, value)) = open.pop() {
        match value {
            Value::String(s) => visit(&key, s),
            Value::Array(list) => open.extend(list.iter_mut().map(|v| (key.clone(), v))),
            Value::Object(map) => {
                // A key may be a text of the file's, too: names of element types.
                if map.keys().any(|k| k.chars().any(crate::text::is_hidden)) {
                    *map = std::mem::take(map).into_iter().map(|(k, v)| (printable(&k, TEXT), v)).collect();
                }
                open.extend(map.iter_mut().map(|(k, v)| (k.clone(), v)));
            }
            _ => {}
        }
    }
}
