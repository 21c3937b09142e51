//! The listing of a pickle around a range: one row an opcode, with what it does in plain words.

use super::opcode::{Arg, opcode};
use crate::bytes::View;
use crate::report::Row;
use crate::speech::{self, Lang};
use crate::text::printable_bytes;

/// Rows before and after the mark.
const AROUND: usize = 40;

/// Rows of the pickle that starts at `from` and ends before `to`, around the marked range.
pub fn rows(view: View<'_>, from: u64, to: u64, mark: (u64, u64), lang: Lang) -> Vec<Row> {
    let mut out: std::collections::VecDeque<Row> = std::collections::VecDeque::new();
    let mut after = 0;
    let mut at = from;
    while at < to && after < AROUND {
        let Ok([byte]) = view.array::<1>(at) else { break };
        let Some(op) = opcode(byte) else {
            out.push_back(Row { offset: at, length: 1, instruction: format!("0x{byte:02x}"), means: speech::means(lang, "UNKNOWN"), ..Row::default() });
            break;
        };
        let (arg_at, arg_len) = match op.arg {
            Arg::None => (at + 1, 0),
            Arg::Fixed(n) => (at + 1, u64::from(n)),
            Arg::Line => (at + 1, line(view, at + 1)),
            Arg::TwoLines => {
                let first = line(view, at + 1);
                (at + 1, first + line(view, at + 1 + first))
            }
            Arg::Len1 => (at + 2, view.array::<1>(at + 1).map_or(0, |[n]| u64::from(n))),
            Arg::Len4 => (at + 5, view.u32(at + 1).map_or(0, u64::from)),
            Arg::Len8 => (at + 9, view.u64(at + 1).unwrap_or(0)),
        };
        let end = arg_at.saturating_add(arg_len).min(view.len());
        let shown = view.take(arg_at, arg_len.min(120).min(view.len().saturating_sub(arg_at)), 120).unwrap_or_default();
        let argument = match op.arg {
            Arg::None => String::new(),
            Arg::Fixed(_) => {
                let mut n = [0u8; 8];
                for (o, b) in n.iter_mut().zip(&shown) {
                    *o = *b;
                }
                if byte == b'G' { f64::from_be_bytes(n).to_string() } else { u64::from_le_bytes(n).to_string() }
            }
            Arg::Line | Arg::TwoLines => printable_bytes(shown.strip_suffix(b"\n").unwrap_or(&shown), 120).replace("\\u{a}", " "),
            _ => printable_bytes(&shown, 120),
        };
        let marked = at < mark.0.saturating_add(mark.1.max(1)) && end > mark.0;
        if at >= mark.0.saturating_add(mark.1) {
            after += 1;
        } else if !marked && out.len() >= AROUND {
            out.pop_front();
        }
        out.push_back(Row { offset: at, length: end - at, instruction: op.name.to_string(), argument, means: speech::means(lang, op.name), marked });
        if end <= at || byte == b'.' && end > mark.0 {
            break;
        }
        at = end;
    }
    out.into()
}

/// Length of a line with its newline.
fn line(view: View<'_>, at: u64) -> u64 {
    let mut chunk = [0; 512];
    let mut here = at;
    loop {
        let n = view.read(here, &mut chunk).unwrap_or(0);
        if n == 0 {
            return here - at;
        }
        if let Some(p) = chunk[..n].iter().position(|b| *b == b'\n') {
            return here - at + p as u64 + 1;
        }
        here += n as u64;
    }
}
