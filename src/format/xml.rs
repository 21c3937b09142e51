//! What readers of XML share: a view as a stream, and the document's root behind everything that may stand in front of it.
//!
//! Nothing outside of the document is ever fetched and no entity is expanded; a declaration of one is stated.

use crate::bytes::View;
use crate::error::{Error, Result};
use crate::fact::Fact;
use crate::scan::Scan;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use std::io::{self, BufReader, Read};

/// Bytes in front of the root element that are looked through.
const PROLOG: u64 = 1 << 20;

/// Longest single tag, comment or text.
pub const PIECE: usize = 16 << 20;

/// Elements inside of elements that are followed.
pub const DEPTH: usize = 1024;

/// A window as a stream of bytes.
pub struct Stream<'s> {
    view: View<'s>,
    at: u64,
}

impl Read for Stream<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.view.read(self.at, buf).map_err(|_| io::ErrorKind::UnexpectedEof)?;
        self.at += n as u64;
        Ok(n)
    }
}

/// A reader of events over a window.
pub fn reader(view: View<'_>) -> Reader<BufReader<Stream<'_>>> {
    let mut reader = Reader::from_reader(BufReader::with_capacity(64 * 1024, Stream { view, at: 0 }));
    reader.config_mut().check_end_names = true;
    reader
}

/// Whether the window may be XML at all.
fn begins(view: View<'_>) -> bool {
    view.head(64).is_ok_and(|h| h.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&h).iter().find(|b| !b.is_ascii_whitespace()) == Some(&b'<'))
}

/// The name and the attributes of the document's root element.
pub fn root(view: View<'_>) -> Option<(String, Vec<(String, String)>)> {
    if !begins(view) {
        return None;
    }
    let head = view.slice(0, view.len().min(PROLOG)).ok()?;
    let mut reader = reader(head);
    let mut buf = Vec::new();
    for _ in 0..10_000 {
        buf.clear();
        match reader.read_event_into(&mut buf) {
            Ok(Event::Start(e) | Event::Empty(e)) => return Some((name(&e), attributes(&e))),
            Ok(Event::Eof) | Err(_) => return None,
            Ok(_) => {}
        }
    }
    None
}

/// An element's name as written.
pub fn name(element: &BytesStart<'_>) -> String {
    element.name().as_ref().to_string()
}

/// An element's attributes; an entity that is not one of the five stays as it is written.
pub fn attributes(element: &BytesStart<'_>) -> Vec<(String, String)> {
    let mut found = element.attributes();
    // One that stands twice is an error for parsers; both are kept.
    let found = found.with_checks(false);
    found
        .take(256)
        .flatten()
        .map(|a| {
            let value = quick_xml::escape::unescape(&a.value).map_or_else(|_| a.value.to_string(), |t| t.into_owned());
            (a.key.as_ref().to_string(), value)
        })
        .collect()
}

/// States a document type declaration.
pub fn doctype(view: View<'_>, at: u64, end: u64, text: &str, scan: &mut Scan<'_>) {
    let external = text.contains("SYSTEM") || text.contains("PUBLIC");
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(300).collect();
    scan.state(view, at, end.saturating_sub(at), Fact::Doctype { external, text });
}

/// What a parser's end means for a scan.
pub fn fault(at: u64) -> Error {
    Error::malformed(at, "xml-syntax")
}

/// One event, with where it stands.
///
/// # Errors
/// [`Error::Malformed`] where the text is no XML, [`Error::Limit`] where one piece is too long.
pub fn next<'b>(reader: &mut Reader<BufReader<Stream<'_>>>, buf: &'b mut Vec<u8>) -> Result<(u64, u64, Event<'b>)> {
    buf.clear();
    let at = reader.buffer_position();
    let event = reader.read_event_into(buf).map_err(|_| fault(at))?;
    let end = reader.buffer_position();
    if end.saturating_sub(at) > PIECE as u64 {
        return Err(Error::limit(at, "xml-piece"));
    }
    Ok((at, end, event))
}
