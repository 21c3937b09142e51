//! The report itself.

use super::Paper;

/// As one document.
pub fn write(p: &Paper<'_>) -> String {
    indented(&serde_json::to_string(p.report).unwrap_or_default())
}

/// A document without white space, set as serde_json's pretty printer sets it. The printer itself would be a second copy of the code that writes every type.
pub(super) fn indented(json: &str) -> String {
    let mut out = String::with_capacity(json.len() * 2);
    let (mut depth, mut text, mut escaped) = (0usize, false, false);
    let line = |out: &mut String, depth: usize| {
        out.push('\n');
        out.extend(std::iter::repeat_n("  ", depth));
    };
    let mut chars = json.chars().peekable();
    while let Some(c) = chars.next() {
        if text {
            out.push(c);
            text = escaped || c != '"';
            escaped = !escaped && c == '\\';
            continue;
        }
        match c {
            '{' | '[' => {
                out.push(c);
                if chars.peek().is_some_and(|n| matches!(n, '}' | ']')) {
                    out.extend(chars.next());
                } else {
                    depth += 1;
                    line(&mut out, depth);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                line(&mut out, depth);
                out.push(c);
            }
            ',' => {
                out.push(c);
                line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            _ => {
                text = c == '"';
                out.push(c);
            }
        }
    }
    out.push('\n');
    out
}

/// One file a line.
pub fn lines(p: &Paper<'_>) -> String {
    p.report.files.iter().map(|f| serde_json::to_string(f).unwrap_or_default() + "\n").collect()
}
