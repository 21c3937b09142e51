//! The report itself.

use super::Paper;

/// As one document.
pub fn write(p: &Paper<'_>) -> String {
    serde_json::to_string_pretty(p.report).unwrap_or_default() + "\n"
}

/// One file a line.
pub fn lines(p: &Paper<'_>) -> String {
    p.report.files.iter().map(|f| serde_json::to_string(f).unwrap_or_default() + "\n").collect()
}
