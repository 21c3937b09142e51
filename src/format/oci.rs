//! Manifests of container images, in which models travel too (Ollama, `docker model`, ORAS): JSON that names its layers by digest.
//!
//! A digest becomes a file name in the puller's store. One that holds a path was written there by Ollama before 0.1.34 (CVE-2024-37032).
//! Source: OCI Image Format Specification 1.1, `descriptor.md`, "Digests"; `annotations.md`.

use super::json::{self, Event, Reader};
use super::{Format, Match};
use crate::bytes::View;
use crate::error::Result;
use crate::fact::Fact;
use crate::scan::Scan;

/// An image manifest or index.
pub const OCI: Format = Format { id: "oci-manifest", name: "OCI image manifest", extensions: &["json", "manifest"], refines: &["json", "text"], probe, read };

/// Bytes of one text that are looked at.
const TEXT: usize = 4096;

fn probe(view: View<'_>) -> Match {
    let Ok(head) = view.head(4096) else { return Match::No };
    let holds = |key: &[u8]| head.windows(key.len()).any(|w| w == key);
    let ours = head.trim_ascii_start().starts_with(b"{") && holds(b"\"schemaVersion\"") && (holds(b"\"layers\"") || holds(b"\"manifests\""));
    if ours { Match::Sure } else { Match::No }
}

/// Algorithm, colon, hexadecimal digits: all that a digest may be.
fn is_digest(text: &str) -> bool {
    let Some((algorithm, hex)) = text.split_once(':') else { return false };
    let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '+' | '.' | '_' | '-');
    !algorithm.is_empty() && algorithm.chars().all(word) && hex.len() >= 32 && hex.chars().all(|c| c.is_ascii_hexdigit())
}

fn read(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    let mut reader = Reader::new(view, 0, view.len(), TEXT).many();
    let mut key = String::new();
    while let Some(event) = reader.advance()? {
        match event {
            Event::Key => key = reader.text().into_owned(),
            Event::String if key == "digest" => digest(view, &reader, scan),
            Event::String if key == "org.opencontainers.image.title" => {
                let target = reader.text().into_owned();
                if json::leaves_folder(&target) {
                    scan.state(view, reader.start(), reader.len(), Fact::Traversal { target });
                }
            }
            _ => {}
        }
    }
    json::read(view, scan)
}

fn digest(view: View<'_>, reader: &Reader<'_>, scan: &mut Scan<'_>) {
    let text = reader.text().into_owned();
    if is_digest(&text) {
        return;
    }
    let fact = if text.contains(['/', '\\']) { Fact::Traversal { target: text } } else { Fact::Header { what: "oci-digest", detail: text, memory: false } };
    scan.state(view, reader.start(), reader.len(), fact);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_an_algorithm_and_digits() {
        assert!(is_digest(&format!("sha256:{}", "0a".repeat(32))));
        assert!(is_digest(&format!("sha512:{}", "0a".repeat(64))));
        for wrong in ["sha256:", "../../etc/passwd", "sha256:../../../../etc/cron.d/x/aaaaaaaaaaaaaaaaaaaaaa", "", "0a0a"] {
            assert!(!is_digest(wrong), "{wrong}");
        }
    }
}
