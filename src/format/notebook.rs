//! Jupyter notebooks: cells are source, outputs are documents (nbformat 4).
//!
//! Opening one runs nothing; running its cells does. Shell lines (`!…`, `%%bash`) are read as a shell reads them, the rest as Python.

use super::json::{Event, Reader};
use super::{Format, Match, python, shell};
use crate::bytes::View;
use crate::error::Result;
use crate::fact::{Fact, When};
use crate::scan::Scan;

/// A notebook.
pub const NOTEBOOK: Format = Format { id: "notebook", name: "Jupyter notebook", extensions: &["ipynb"], refines: &["json", "text"], probe, read };

/// Bytes of one cell.
const CELL: usize = 1 << 20;

fn probe(view: View<'_>) -> Match {
    let Ok(head) = view.head(4096) else { return Match::No };
    if head.iter().find(|b| !b.is_ascii_whitespace()) != Some(&b'{') {
        return Match::No;
    }
    let mut reader = Reader::new(view, 0, view.len().min(64 * 1024), 64);
    let mut n = 0;
    // The list of cells is a key of the outermost object, wherever it stands in a file that its writer sorts.
    while let Ok(Some(event)) = reader.advance() {
        n += 1;
        if n > 5000 {
            break;
        }
        if event == Event::Key && reader.depth() == 1 && matches!(&*reader.text(), "cells" | "worksheets") {
            return Match::Sure;
        }
    }
    Match::No
}

/// What the text of a cell is collected into.
#[derive(Default)]
struct Cell {
    code: bool,
    source: String,
    marks: Vec<(usize, u64)>,
}

fn read(view: View<'_>, scan: &mut Scan<'_>) -> Result<()> {
    let mut reader = Reader::new(view, 0, view.len(), CELL);
    let mut path: Vec<String> = Vec::new();
    let mut cell = Cell::default();
    while let Some(event) = reader.advance()? {
        let depth = reader.depth();
        // Until version 3 the list stood in a list of worksheets.
        let above = if path.first().is_some_and(|p| p == "worksheets") { 2 } else { 0 };
        let inside = path.get(above).is_some_and(|p| p == "cells");
        match event {
            Event::Key => {
                path.truncate(depth.saturating_sub(1));
                while path.len() + 1 < depth {
                    path.push(String::new());
                }
                path.push(reader.text().chars().take(64).collect());
            }
            Event::String if inside => {
                let key = path.get(above + 2).map_or("", String::as_str);
                match key {
                    "cell_type" if depth == above + 3 => cell.code = reader.text() == "code",
                    "source" | "input" if depth <= above + 4 => add(&mut cell, &reader),
                    "outputs" if path.iter().any(|p| p == "text/html" || p == "image/svg+xml" || p == "application/javascript") => {
                        output(view, &reader, path.iter().any(|p| p == "image/svg+xml"), scan)
                    }
                    _ => {}
                }
            }
            Event::Close if depth == above + 2 && inside => finish(view, std::mem::take(&mut cell), scan),
            _ => {}
        }
    }
    super::secrets::inspect(view, scan)?;
    super::plain::hidden(view, scan)
}

fn add(cell: &mut Cell, reader: &Reader<'_>) {
    let base = cell.source.len();
    if base < CELL {
        cell.marks.extend(reader.marks().iter().map(|(a, b)| (a + base, *b)));
        cell.source.push_str(&reader.text());
    }
}

fn finish(view: View<'_>, cell: Cell, scan: &mut Scan<'_>) {
    if !cell.code {
        return;
    }
    let place = |offset: usize| {
        let i = cell.marks.partition_point(|m| m.0 <= offset).saturating_sub(1);
        cell.marks.get(i).map_or(0, |m| m.1.saturating_add(offset.saturating_sub(m.0) as u64))
    };
    let first = cell.source.lines().next().unwrap_or("").trim();
    let magic = ["%%bash", "%%sh", "%%script", "%%system", "%%!", "%%cmd"].iter().any(|m| first.starts_with(m));
    if magic {
        commands(&cell.source, 0, view, &place, scan);
        return;
    }
    if first == "%%perl" || first == "%%ruby" {
        let script = cell.source.lines().skip(1).collect::<Vec<_>>().join(" ").replace('\'', "\"");
        commands_as(&format!("perl -e '{script}'"), (place(0), place(cell.source.len())), view, scan);
        return;
    }
    // What the browser runs as soon as the cell is.
    if matches!(first, "%%javascript" | "%%js" | "%%html")
        && let Some(what) = super::plain::active(&cell.source).filter(|w| *w != "script")
    {
        let (from, to) = (place(0), place(cell.source.len()));
        scan.state(view, from, to.saturating_sub(from).max(1), Fact::ActiveDocument { what, text: cell.source.chars().take(200).collect() });
    }
    // Lines of the shell are taken out, so that what is left is Python of the same length.
    let mut plain = String::with_capacity(cell.source.len());
    for line in cell.source.split_inclusive('\n') {
        let text = line.trim_start();
        let command = text
            .strip_prefix('!')
            .or_else(|| text.strip_prefix("%sx "))
            .or_else(|| text.strip_prefix("%system "))
            .or_else(|| text.split_once("= !").filter(|(n, _)| !n.contains('(')).map(|(_, c)| c));
        let (from, len) = (place(plain.len()), line.trim_end().len() as u64);
        // A program at an address, and packages from another place than the registry.
        if text.starts_with("%run http") {
            let call = text.trim_end().to_string();
            scan.state(view, from, len, Fact::Script { language: "IPython", what: "run-download", when: When::Main, call });
        }
        let options = text.strip_prefix("%pip install").and_then(|r| r.find(" -").and_then(|i| r.get(i + 1..)));
        if let Some(what) = options.and_then(super::packages::source).filter(|w| w.starts_with("plain") || w.starts_with("trusted")) {
            scan.state(view, from, len, Fact::PackageSource { what, line: crate::secret::masked(text.trim_end()) });
        }
        if let Some(command) = command {
            commands(command, plain.len() + line.len() - command.len(), view, &place, scan);
        }
        if command.is_some() || text.starts_with('%') || text.starts_with('?') {
            plain.extend(line.bytes().map(|b| if b == b'\n' { '\n' } else { ' ' }));
        } else {
            plain.push_str(line);
        }
    }
    python::inspect(plain.as_bytes(), When::Main, view, &|a, b| (place(a), place(b)), scan);
}

fn commands(text: &str, base: usize, view: View<'_>, place: &dyn Fn(usize) -> u64, scan: &mut Scan<'_>) {
    commands_as(text, (place(base), place(base + text.len())), view, scan);
}

fn commands_as(text: &str, (from, to): (u64, u64), view: View<'_>, scan: &mut Scan<'_>) {
    if let Some(what) = shell::judge(text)
        && what != "probe"
    {
        let call: String = text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(300).collect();
        scan.state(view, from, to.saturating_sub(from).max(1), Fact::Script { language: "shell", what, when: When::Main, call });
    }
}

/// Scripts in an output run where the notebook is trusted, without any cell being run.
fn output(view: View<'_>, reader: &Reader<'_>, drawing: bool, scan: &mut Scan<'_>) {
    let text = reader.text();
    if let Some(what) = super::plain::active(&text) {
        let what = if drawing { "svg-script" } else { what };
        let shown = text.chars().take(200).collect();
        scan.state(view, reader.start(), reader.len(), Fact::ActiveDocument { what, text: shown });
    }
}
