//! Python's marshal format (`Python/marshal.c`), as far as needed to say which names a code object uses. Nothing is run.

/// Steps through one blob: far more than a function's code needs.
const STEPS: usize = 2_000_000;

/// Names that are kept.
const NAMES: usize = 64;

/// What a code object consists of, by Python version: `i` a number of four bytes, `o` an object. The version does not stand in the
/// bytes; the right one is that which consumes them all.
const LAYOUTS: &[&str] = &["iiiiiooooooooioo", "iiiiiiooooooooio", "iiiiiooooooooio", "iiiiooooooooio"];

/// Whether bytes are a code object.
pub fn is_code(bytes: &[u8]) -> bool {
    bytes.len() > 20 && bytes.first().is_some_and(|b| b & 0x7f == b'c')
}

/// The names and short texts of a code object, in their order: what it imports, calls and says.
pub fn names(bytes: &[u8]) -> Vec<String> {
    if !is_code(bytes) {
        return Vec::new();
    }
    let readings: Vec<(bool, Vec<String>)> = LAYOUTS.iter().map(|l| read(bytes, l)).collect();
    let whole = readings.iter().find(|(whole, _)| *whole);
    whole.or_else(|| readings.iter().max_by_key(|(_, n)| n.len())).map(|(_, n)| n.clone()).unwrap_or_default()
}

struct Bytes<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl<'b> Bytes<'b> {
    fn take(&mut self, n: usize) -> Option<&'b [u8]> {
        let end = self.at.checked_add(n)?;
        let out = self.bytes.get(self.at..end)?;
        self.at = end;
        Some(out)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    fn count(&mut self) -> Option<usize> {
        let four: [u8; 4] = self.take(4)?.try_into().ok()?;
        usize::try_from(u32::from_le_bytes(four)).ok()
    }
}

/// What is still to be read, the next last.
enum Step {
    Object(u64),
    Number,
    /// Pairs until a null.
    Pairs,
}

/// Reads with one layout; says whether it came out even.
fn read(bytes: &[u8], layout: &str) -> (bool, Vec<String>) {
    let mut b = Bytes { bytes, at: 0 };
    let mut out = Vec::new();
    let mut todo = vec![Step::Object(1)];
    for _ in 0..STEPS {
        let Some(step) = todo.pop() else { return (b.at == bytes.len(), out) };
        let next = match step {
            Step::Object(0) => Some(()),
            Step::Object(n) => {
                todo.push(Step::Object(n - 1));
                object(&mut b, layout, &mut todo, &mut out).map(|_| ())
            }
            Step::Number => b.count().map(|_| ()),
            Step::Pairs => pair(&mut b, layout, &mut todo, &mut out),
        };
        if next.is_none() {
            break;
        }
    }
    (false, out)
}

fn pair(b: &mut Bytes<'_>, layout: &str, todo: &mut Vec<Step>, out: &mut Vec<String>) -> Option<()> {
    todo.push(Step::Pairs);
    let floor = todo.len();
    if object(b, layout, todo, out)? == b'0' {
        todo.truncate(floor - 1);
    }
    Some(())
}

/// One object; returns its type.
fn object(b: &mut Bytes<'_>, layout: &str, todo: &mut Vec<Step>, out: &mut Vec<String>) -> Option<u8> {
    let kind = b.byte()? & 0x7f;
    let mut text = |bytes: &[u8]| {
        let printable = bytes.len() <= 200 && !bytes.is_empty();
        let text = String::from_utf8_lossy(bytes).into_owned();
        if printable && out.len() < NAMES && !text.starts_with('<') && !out.contains(&text) {
            out.push(text);
        }
    };
    match kind {
        b'0' | b'N' | b'F' | b'T' | b'S' | b'.' => {}
        b'i' | b'r' | b'R' => {
            b.take(4)?;
        }
        b'I' | b'g' => {
            b.take(8)?;
        }
        b'y' => {
            b.take(16)?;
        }
        b'f' | b'x' => {
            for _ in 0..if kind == b'x' { 2 } else { 1 } {
                let n = usize::from(b.byte()?);
                b.take(n)?;
            }
        }
        b'l' => {
            let n = b.count()? as u32 as i32;
            b.take(usize::try_from(n.unsigned_abs()).ok()?.checked_mul(2)?)?;
        }
        b's' => {
            let n = b.count()?;
            let body = b.take(n)?;
            // Bytecode and line tables are bytes as well; in Python 2 so are names.
            if body.iter().all(|c| (32..127).contains(c)) {
                text(body);
            }
        }
        b'u' | b't' | b'a' | b'A' => {
            let n = b.count()?;
            text(b.take(n)?);
        }
        b'z' | b'Z' => {
            let n = usize::from(b.byte()?);
            text(b.take(n)?);
        }
        b'(' | b'[' | b'<' | b'>' => todo.push(Step::Object(b.count()? as u64)),
        b')' => todo.push(Step::Object(u64::from(b.byte()?))),
        b'{' => todo.push(Step::Pairs),
        b':' => todo.push(Step::Object(3)),
        b'c' => todo.extend(layout.chars().rev().map(|c| if c == 'i' { Step::Number } else { Step::Object(1) })),
        _ => return None,
    }
    Some(kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `compile("lambda x: __import__('os').system('id')", "<f>", "eval").co_consts[0]` under Python 2.7 and 3.12, in hexadecimal.
    const OLD: &str = "630100000001000000020000004300000073130000007400006401008301006a01006402008301005328030000004e74020000006f73740200000069642802000000740a0000005f5f696d706f72745f5f740600000073797374656d28010000007401000000782800000000280000000073030000003c663e74080000003c6c616d6264613e010000007400000000";
    const NEW: &str = "630100000000000000000000000300000003000000f3360000009700740100000000000000006401ab010000000000006a030000000000000000000000000000000000006402ab01000000000000530029034eda026f73da0269642902da0a5f5f696d706f72745f5fda0673797374656d2901da0178730100000020fa033c663efa083c6c616d6264613e720700000001000000731600000080008c2a9054d30a1ad70a21d10a21a024d30a278000f300000000";

    fn bytes(hex: &str) -> Vec<u8> {
        (0..hex.len() / 2).filter_map(|n| u8::from_str_radix(hex.get(2 * n..2 * n + 2)?, 16).ok()).collect()
    }

    #[test]
    fn names_of_both_ends_of_the_history_are_read() {
        for (hex, layout) in [(OLD, LAYOUTS.len() - 1), (NEW, 0)] {
            let code = bytes(hex);
            let names = names(&code);
            assert!(["__import__", "os", "system", "id"].iter().all(|n| names.iter().any(|x| x == n)), "{names:?}");
            assert!(LAYOUTS.get(layout).is_some_and(|l| read(&code, l).0));
        }
    }

    #[test]
    fn cut_and_nested_bytes_end() {
        let code = bytes(NEW);
        for n in 0..code.len() {
            names(code.get(..n).unwrap_or(&[]));
        }
        names(&[&b"c"[..], &[b')', 1].repeat(100_000)].concat());
        assert!(names(b"plain text that is no code").is_empty());
    }
}
