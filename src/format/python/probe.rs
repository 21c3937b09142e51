//! Whether a text is Python.

use super::lex::{Kind, Lexer};
use super::odd_codec;
use crate::bytes::View;
use crate::format::Match;

/// Whether a text is Python: enough lines that only Python has, and few that it cannot have.
pub(super) fn probe(view: View<'_>) -> Match {
    let Ok(head) = view.head(16 * 1024) else {
        return Match::No;
    };
    if head.contains(&0) {
        return Match::No;
    }
    // Nothing but Python names a codec for its source; in an odd one the text need not look like anything.
    if odd_codec(&head).is_some() {
        return Match::Sure;
    }
    match likeness(&head, (head.len() as u64) < view.len()) {
        // A text that opens a long string may be a module whose description is longer than the window.
        None => match view.head(1 << 20) {
            Ok(more) if more.len() > head.len() && likeness(&more, (more.len() as u64) < view.len()) == Some(true) => Match::Sure,
            _ => Match::No,
        },
        Some(true) => Match::Sure,
        Some(false) => Match::No,
    }
}

/// `None` if the window ends before anything could be told.
pub(super) fn likeness(head: &[u8], cut: bool) -> Option<bool> {
    let shebang =
        head.starts_with(b"#!") && head.iter().take_while(|b| **b != b'\n').collect::<Vec<_>>().windows(6).any(|w| w.iter().map(|b| **b).eq(*b"python"));
    let mut lexer = Lexer::new(head);
    let (mut lines, mut strong, mut odd, mut calls) = (0usize, 0usize, 0usize, 0usize);
    let mut line: Vec<(Kind, &[u8])> = Vec::new();
    loop {
        let token = lexer.token_next();
        let word = head.get(token.at..token.end).unwrap_or(&[]);
        if matches!(token.kind, Kind::Newline | Kind::End) || token.kind == Kind::Op && word == b";" {
            if !line.is_empty() {
                lines += 1;
                calls += usize::from(line.windows(2).any(|w| matches!(w, [(Kind::Name, _), (Kind::Op, b"(")])));
                let other = matches!(line.first(), Some((_, b"`" | b"<")))
                    || line.windows(2).any(|w| matches!(w, [(Kind::Op, b"{"), (Kind::Op, b"%")] | [(Kind::Op, b"%"), (Kind::Op, b"}")]));
                // Markup, fenced text and templates begin lines as Python never does.
                odd += if other { 8 } else { 0 };
                match line_of_python(&line) {
                    Line::Strong => strong += 1,
                    Line::Odd => odd += 1,
                    Line::Plain => {}
                }
            }
            line.clear();
            if token.kind == Kind::End {
                break;
            }
        } else if !matches!(token.kind, Kind::Indent | Kind::Dedent) && line.len() < 4000 {
            line.push((token.kind, word));
        }
    }
    // The last line of a cut window may be cut itself. Without any sure line that excuses nothing: a pickled array is one long line in brackets.
    let excused = if cut { odd.saturating_sub(1) } else { odd };
    if lexer.open_string && cut && strong == 0 && excused <= lines / 10 {
        return None;
    }
    Some(shebang || strong > 0 && excused * 8 <= lines || calls > 0 && odd == 0)
}

pub(super) enum Line {
    Strong,
    Plain,
    Odd,
}

/// Sorts one logical line: what only Python writes, what it may write, what it cannot.
fn line_of_python(line: &[(Kind, &[u8])]) -> Line {
    let word = |i: usize| line.get(i).filter(|t| t.0 == Kind::Name).map_or(&b""[..], |t| t.1);
    let last = line.last().map_or(&b""[..], |t| t.1);
    let name = |i: usize| !word(i).is_empty();
    let clean = adjacency(line) == 0 && !gives_to_call(line) && !line.iter().any(|t| t.0 == Kind::Bad && !matches!(t.1, [b'!', ..]));
    match word(0) {
        b"import" if name(1) && adjacency(line.get(1..).unwrap_or(&[])) == 0 && !line.iter().any(|t| matches!(t.1, b"{" | b"\"")) => Line::Strong,
        b"from"
            if line.iter().any(|t| t.1 == b"import")
                && line.iter().take_while(|t| t.1 != b"import").all(|t| t.0 == Kind::Name || matches!(t.1, b"." | b"...")) =>
        {
            Line::Strong
        }
        b"def" if name(1) && line.get(2).is_some_and(|t| matches!(t.1, b"(" | b"[")) && line.iter().any(|t| t.1 == b":") => Line::Strong,
        b"class" if name(1) && line.get(2).is_some_and(|t| matches!(t.1, b"(" | b":" | b"[")) && line.iter().any(|t| t.1 == b":") => Line::Strong,
        b"async" if matches!(word(1), b"def" | b"with" | b"for") => Line::Strong,
        b"if" | b"elif" | b"while" | b"with" | b"for" | b"try" | b"else" | b"finally" | b"except" if last == b":" => Line::Plain,
        b"exec" if line.get(1).is_some_and(|t| matches!(t.0, Kind::Text { .. }) || t.1 == b"(") => Line::Strong,
        b"print" | b"exec" | b"match" | b"case" | b"type" if line.len() > 1 => Line::Plain,
        // A call by itself: `name.name(…)`, also of what a call gives.
        w if clean && !w.is_empty() && last == b")" && calls_something(line) => Line::Strong,
        _ if clean => Line::Plain,
        _ => Line::Odd,
    }
}

/// `a.b.c(` at the beginning, or `x = a.b(`, the way a statement of a script does.
fn calls_something(line: &[(Kind, &[u8])]) -> bool {
    let from = line.iter().position(|t| t.1 == b"=").map_or(0, |i| i + 1);
    let rest = line.get(from..).unwrap_or(&[]);
    let path = rest.iter().take_while(|t| t.0 == Kind::Name || t.1 == b".").count();
    path > 0 && rest.get(path).is_some_and(|t| t.1 == b"(")
}

/// `NAME (…) = …`, which nothing of Python's may say, and lists of digests do: `SHA256 (model.bin) = …`.
fn gives_to_call(line: &[(Kind, &[u8])]) -> bool {
    let mut open = 0usize;
    line.first().is_some_and(|t| t.0 == Kind::Name)
        && line.windows(2).any(|w| {
            match w {
                [(_, b"(" | b"[" | b"{"), _] => open += 1,
                [(_, b")" | b"]" | b"}"), _] => open = open.saturating_sub(1),
                _ => {}
            }
            open == 0 && matches!(w, [(Kind::Op, b")"), (Kind::Op, b"=")])
        })
}

/// How often two operands stand side by side, which prose does all the time and Python never.
fn adjacency(line: &[(Kind, &[u8])]) -> usize {
    const JOINING: &[&[u8]] = &[
        b"and", b"or", b"not", b"in", b"is", b"if", b"else", b"for", b"lambda", b"await", b"yield", b"return", b"del", b"assert", b"raise", b"global",
        b"nonlocal", b"as", b"import", b"from", b"async", b"elif", b"while", b"with", b"except", b"class", b"def",
    ];
    let operand = |t: &(Kind, &[u8])| matches!(t.0, Kind::Number | Kind::Text { .. }) || t.0 == Kind::Name && !JOINING.contains(&t.1);
    line.windows(2)
        .filter(|w| matches!(w, [a, b] if operand(a) && operand(b) && !(matches!(a.0, Kind::Text { .. }) && matches!(b.0, Kind::Text { .. }))))
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn python_is_told_from_other_texts() {
        let told = |text: &str| likeness(text.as_bytes(), false);
        for text in [
            "import os; os.system('x')\n", "from a import b\nx = b(1)\n", "print('x')\nfoo.bar(1)\n", "'''Doc of many words and lines.\n'''\nimport x\n",
            "def f(x):\n  return x\n", "f(a=(1)).b = g(2)\n", "x[f(1)] = h(3)\n",
        ] {
            assert_eq!(told(text), Some(true), "{text}");
        }
        for text in [
            "Import taxes rose by a lot.\nNobody knows why.\n",
            "a: 1\nb:\n  - c\n",
            "x,y\n1,2\n",
            "# Title\n\nSome words here (and there).\n\n```python\nimport os\n```\n",
            "const x = require('y');\nfunction f() { return x; }\n",
            "#include <stdio.h>\nint main() { return 0; }\n",
            "the\nquick\nbrown\n",
            "echo hello\nrm -rf x\n",
            "[section]\nkey = value\n",
            "SHA256 (model.bin) = 98ea6e4f216f2fb4b69fff9b3a44842c38686ca685f3f55dc48c5d3fb1107be4\n",
            "MD5 (a.bin) = b10a8db164e0754105b7a99be72e3fe5\nMD5 (b) = x\n",
        ] {
            assert_ne!(told(text), Some(true), "{text}");
        }
    }
}
