//! PMML (<https://dmg.org/pmml/>), the XML of scoring engines: read as events, nothing fetched, no entity expanded.
//!
//! The models themselves are tables of numbers. Dangerous are what XML allows around them (entities, CWE-611; inclusions) and names
//! of Java classes where engines take user-defined functions from their class path.

use super::{Format, Match, plain};
use crate::bytes::View;
use crate::error::{Error, Result};
use crate::fact::Fact;
use crate::scan::Scan;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use std::collections::HashMap;
use std::io::{BufReader, Read};

/// Models in XML.
pub const PMML: Format = Format { id: "pmml", name: "PMML", extensions: &["pmml", "xml"], refines: &["text"], probe, read };

/// Bytes in front of the root element that are looked through.
const PROLOG: usize = 64 * 1024;

/// Longest piece between two angle brackets.
const PIECE: usize = 64 << 20;

struct Stream<'s> {
    view: View<'s>,
    at: u64,
}

impl Read for Stream<'_> {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        let n = self.view.read(self.at, buf).map_err(|_| std::io::ErrorKind::UnexpectedEof)?;
        self.at += n as u64;
        Ok(n)
    }
}

fn probe(view: View<'_>) -> Match {
    let Ok(head) = view.head(PROLOG) else {
        return Match::No;
    };
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&head);
    if text.iter().find(|b| !b.is_ascii_whitespace()) != Some(&b'<') {
        return Match::No;
    }
    // The root element, whatever prefix it has.
    let root = text.windows(6).any(|w| matches!(w, b"<PMML " | b"<PMML>" | b"<PMML\n" | b"<PMML\r" | b"<PMML\t" | b":PMML " | b":PMML>"));
    if root { Match::Sure } else { Match::No }
}

fn read(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    plain::read_text(view, scan)?;
    let mut reader = Reader::from_reader(BufReader::with_capacity(64 * 1024, Stream { view, at: 0 }));
    reader.config_mut().check_end_names = true;
    let mut buf = Vec::new();
    let mut elements: HashMap<String, u64> = HashMap::new();
    let mut depth = 0u64;
    let mut header = false;
    loop {
        buf.clear();
        let at = reader.buffer_position();
        let event = match reader.read_event_into(&mut buf) {
            Ok(event) => event,
            Err(_) => {
                return Err(Error::malformed(reader.error_position().min(view.len()), "xml"));
            }
        };
        let len = reader.buffer_position().saturating_sub(at);
        if len > PIECE as u64 {
            scan.gap("limit-settings");
        }
        match event {
            Event::Start(e) => {
                depth += 1;
                header = element(view, at, len, &e, &mut elements, scan);
            }
            Event::Empty(e) => {
                element(view, at, len, &e, &mut elements, scan);
            }
            Event::End(_) => depth = depth.saturating_sub(1),
            Event::DocType(text) => {
                let text: &str = &text;
                let external = ["SYSTEM", "PUBLIC"].iter().any(|w| text.contains(w));
                if external || text.contains("<!ENTITY") {
                    scan.state(view, at, len, Fact::Doctype { external, text: text.chars().take(200).collect() });
                }
            }
            Event::PI(text) if text.starts_with("xml-stylesheet") => {
                // A stylesheet is a program (XSLT); one from elsewhere is fetched by whoever shows the file.
                scan.state(
                    view,
                    at,
                    len,
                    match text.contains("://") {
                        true => Fact::Doctype { external: true, text: text.chars().take(200).collect() },
                        false => Fact::Metadata { key: "xml-stylesheet".into(), value: text.to_string() },
                    },
                );
            }
            Event::Text(text) if header => {
                let value = text.trim().to_string();
                if !value.is_empty() {
                    scan.state(view, at, len, Fact::Metadata { key: "header".into(), value });
                }
            }
            Event::Eof => break,
            _ => {}
        }
    }
    if depth > 0 {
        return Err(Error::malformed(view.len(), "ends-early"));
    }
    let mut models: Vec<_> = elements.into_iter().filter(|(name, _)| name.ends_with("Model") || name == "Scorecard" || name == "Segment").collect();
    crate::order::sort_by(&mut models, Ord::cmp);
    for (name, count) in models {
        scan.leaf(&name, "model", None, Some(count.to_string()));
    }
    Ok(())
}

/// One element; says whether its text belongs to the header.
fn element(view: View<'_>, at: u64, len: u64, e: &BytesStart<'_>, elements: &mut HashMap<String, u64>, scan: &mut Scan<'_>) -> bool {
    let name = e.local_name().as_ref().to_string();
    let attribute = |key: &str| e.attributes().flatten().find(|a| a.key.local_name().as_ref() == key).map(|a| a.value.into_owned());
    if elements.len() < 1000 || elements.contains_key(&name) {
        *elements.entry(name.clone()).or_default() += 1;
    }
    match name.as_str() {
        "PMML" | "Header" | "Application" => {
            for key in ["version", "copyright", "description", "name"] {
                if let Some(value) = attribute(key) {
                    scan.state(view, at, len, Fact::Metadata { key: format!("{name}.{key}"), value });
                }
            }
        }
        // JPMML takes a function with dots in its name for a Java class.
        "Apply" => {
            let class = |f: &str| f.trim_start_matches("x-java-method").trim_start_matches([':', '/']).to_string();
            if let Some(name) = attribute("function").map(|f| class(&f)).filter(|f| f.contains('.') && super::setting::is_dotted(f)) {
                scan.state(view, at, len, Fact::ForeignClass { runtime: "java", name });
            }
        }
        "include" => {
            if let Some(target) = attribute("href") {
                scan.state(view, at, len, Fact::Doctype { external: true, text: format!("include {target}") });
            }
        }
        "Extension" => {
            let pairs: Vec<String> = ["extender", "name", "value"].iter().filter_map(|k| attribute(k)).collect();
            let script = pairs.iter().find(|v| {
                let low = v.to_ascii_lowercase();
                low.contains("script")
                    || low.contains("runtime.getruntime")
                    || low.contains("processbuilder")
                    || low.starts_with("javax.")
                    || low.starts_with("x-java")
            });
            if let Some(text) = script {
                scan.state(view, at, len, Fact::OwnCode { kind: "plugin", name: text.chars().take(100).collect() });
            }
        }
        _ => {}
    }
    name == "Copyright" || name == "Annotation" || name == "Timestamp"
}

#[cfg(test)]
mod tests {
    use crate::{Lang, Verdict};

    fn verdict(prolog: &str, body: &str) -> Verdict {
        let text =
            format!("<?xml version=\"1.0\"?>\n{prolog}<PMML version=\"4.4\" xmlns=\"http://www.dmg.org/PMML-4_4\"><Header copyright=\"x\"/>{body}</PMML>");
        crate::scan(&text.into_bytes(), "m.pmml", Lang::En).verdict
    }

    #[test]
    fn entities_and_classes() {
        assert_eq!(verdict("", "<TreeModel functionName=\"regression\"><Extension name=\"id\" value=\"3\"/></TreeModel>"), Verdict::Clear);
        assert_eq!(verdict("", "<Apply function=\"x-mod\"/><Apply function=\"+\"/>"), Verdict::Clear);
        assert_eq!(verdict("<!DOCTYPE PMML [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>", ""), Verdict::Dangerous);
        assert_eq!(verdict("<!DOCTYPE PMML [<!ENTITY a \"b\"><!ENTITY c \"&a;&a;\">]>", ""), Verdict::Suspicious);
        assert_eq!(verdict("", "<Apply function=\"java.lang.Runtime.exec\"/>"), Verdict::Dangerous);
        assert_ne!(verdict("", "<TreeModel>"), Verdict::Clear);
    }
}
