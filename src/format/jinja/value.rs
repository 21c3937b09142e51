//! What is known of a value, and what filters and methods make of it.

use super::CONSTANT;
use std::rc::Rc;

/// What an expression comes to, as far as the template alone says.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Val {
    /// A constant text.
    Text(Rc<str>),
    /// A constant integer.
    Int(i64),
    /// A list of constants; nested lists are `Other`, so that a value has no depth.
    List(Rc<[Val]>),
    /// A text put together of parts, not all of which are constant.
    Built,
    /// What somebody says in the conversation.
    Said,
    /// Anything else.
    Other,
}

pub(super) fn text(s: String) -> Val {
    if s.len() > CONSTANT { Val::Built } else { Val::Text(s.into()) }
}

pub(super) fn parts(v: &Val) -> Option<String> {
    match v {
        Val::Text(s) => Some(s.to_string()),
        Val::Int(n) => Some(n.to_string()),
        _ => None,
    }
}

pub(super) fn join(list: &[Val], with: &str) -> Val {
    let all: Option<Vec<String>> = list.iter().map(parts).collect();
    all.map_or(Val::Built, |a| text(a.join(with)))
}

pub(super) fn list(items: Vec<Val>) -> Val {
    if items.len() > 4096 {
        return Val::Other;
    }
    Val::List(items.into_iter().map(|v| if matches!(v, Val::List(_)) { Val::Other } else { v }).collect())
}

pub(super) fn pick(l: &[Val], i: i64) -> Val {
    let n = i64::try_from(l.len()).unwrap_or(0);
    let i = if i < 0 { i.saturating_add(n) } else { i };
    usize::try_from(i).ok().and_then(|i| l.get(i)).cloned().unwrap_or(Val::Other)
}

/// A format string whose width alone fills the memory.
pub(super) fn wide(s: &str) -> bool {
    s.len() < CONSTANT && s.contains(['%', '{']) && s.split(|c: char| !c.is_ascii_digit()).any(|d| d.trim_start_matches('0').len() >= 8)
}

/// `'%s%c' % (…)`.
pub(super) fn percent(format: &str, args: &Val) -> Val {
    let one = [args.clone()];
    let args: &[Val] = match args {
        Val::List(l) => l,
        _ => &one,
    };
    let mut out = String::new();
    let mut next = args.iter();
    let mut chars = format.chars();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let kind = chars.find(|c| c.is_alphabetic() || *c == '%');
        match (kind, kind.filter(|k| *k != '%').and_then(|_| next.next())) {
            (Some('%'), _) => out.push('%'),
            (Some('c'), Some(Val::Int(n))) => out.push(u32::try_from(*n).ok().and_then(char::from_u32).unwrap_or('?')),
            (Some('x'), Some(Val::Int(n))) => out.push_str(&format!("{n:x}")),
            (Some('c' | 's' | 'r' | 'd' | 'i'), Some(v)) => match parts(v) {
                Some(s) => out.push_str(&s),
                None => return Val::Built,
            },
            _ => return Val::Built,
        }
    }
    text(out)
}

/// `'{}{:c}'.format(…)`, positional.
pub(super) fn braces(format: &str, args: &[Val]) -> Val {
    let mut out = String::new();
    let mut auto = 0usize;
    let mut rest = format;
    while let Some(i) = rest.find('{') {
        out.push_str(rest.get(..i).unwrap_or(""));
        let after = rest.get(i + 1..).unwrap_or("");
        if let Some(more) = after.strip_prefix('{') {
            out.push('{');
            rest = more;
            continue;
        }
        let Some((field, more)) = after.split_once('}') else { return Val::Built };
        let (index, spec) = field.split_once(':').unwrap_or((field, ""));
        let n = if index.is_empty() {
            auto += 1;
            auto - 1
        } else {
            match index.parse() {
                Ok(n) => n,
                Err(_) => return Val::Built,
            }
        };
        match (args.get(n), spec) {
            (Some(Val::Int(n)), s) if s.ends_with('c') => out.push(u32::try_from(*n).ok().and_then(char::from_u32).unwrap_or('?')),
            (Some(v), _) => match parts(v) {
                Some(s) => out.push_str(&s),
                None => return Val::Built,
            },
            _ => return Val::Built,
        }
        rest = more;
    }
    out.push_str(rest);
    text(out)
}

pub(super) fn slice(on: &Val, args: &[Val], colons: &[usize]) -> Val {
    let units: Vec<Val> = match on {
        Val::Text(s) => s.chars().map(|c| Val::Text(c.to_string().into())).collect(),
        Val::List(l) => l.to_vec(),
        Val::Built => return Val::Built,
        _ => return Val::Other,
    };
    let mut bounds = [None, None, None];
    for (i, v) in args.iter().enumerate() {
        let slot = colons.iter().filter(|c| **c <= i).count();
        match (v, bounds.get_mut(slot)) {
            (Val::Int(n), Some(b)) => *b = Some(*n),
            _ => return if matches!(on, Val::Text(_)) { Val::Built } else { Val::Other },
        }
    }
    let n = i64::try_from(units.len()).unwrap_or(0);
    let step = bounds[2].unwrap_or(1);
    if step == 0 {
        return Val::Other;
    }
    let clamp = |b: Option<i64>, or: i64| {
        b.map_or(or, |b| if b < 0 { b.saturating_add(n).max(if step < 0 { -1 } else { 0 }) } else { b.min(if step < 0 { n - 1 } else { n }) })
    };
    let (mut at, end) = if step > 0 { (clamp(bounds[0], 0), clamp(bounds[1], n)) } else { (clamp(bounds[0], n - 1), clamp(bounds[1], -1)) };
    let mut out = Vec::new();
    while if step > 0 { at < end } else { at > end } {
        if let Some(v) = usize::try_from(at).ok().and_then(|i| units.get(i)) {
            out.push(v.clone());
        }
        at = at.saturating_add(step);
    }
    if matches!(on, Val::Text(_)) { join(&out, "") } else { list(out) }
}

/// What a filter or a method makes of a constant.
pub(super) fn transform(name: &str, on: &Val, args: &[Val], method: bool) -> Val {
    let first = args.first();
    match (name, on) {
        ("join", Val::Text(sep)) if method => match first {
            Some(Val::List(l)) => join(l, sep),
            Some(Val::Text(s)) => text(s.chars().map(String::from).collect::<Vec<_>>().join(sep)),
            _ => Val::Built,
        },
        ("join", Val::List(l)) => match first {
            None => join(l, ""),
            Some(Val::Text(sep)) => join(l, sep),
            _ => Val::Built,
        },
        ("join", Val::Text(s)) => match first {
            None => Val::Text(s.clone()),
            Some(Val::Text(sep)) => text(s.chars().map(String::from).collect::<Vec<_>>().join(sep)),
            _ => Val::Built,
        },
        ("join", _) => Val::Built,
        ("format", Val::Text(f)) if method => braces(f, args),
        ("format", Val::Text(f)) => percent(f, &list(args.to_vec())),
        ("format" | "replace" | "translate", Val::Built | Val::Other) => Val::Built,
        ("replace", Val::Text(s)) => match (first, args.get(1)) {
            (Some(Val::Text(a)), Some(Val::Text(b))) if s.len().saturating_mul(b.len().max(1)) < 16 * CONSTANT => text(s.replace(&**a, b)),
            _ => Val::Built,
        },
        ("reverse", Val::Text(s)) => text(s.chars().rev().collect()),
        ("reverse", Val::List(l)) => list(l.iter().rev().cloned().collect()),
        ("upper", Val::Text(s)) => crate::text::upper(s).map_or(Val::Built, text),
        ("lower" | "casefold", Val::Text(s)) => text(s.to_lowercase()),
        ("swapcase", Val::Text(s)) => crate::text::swapcase(s).map_or(Val::Built, text),
        ("capitalize" | "title", Val::Text(s)) => text(s.to_lowercase()),
        ("strip" | "trim" | "lstrip" | "rstrip", Val::Text(s)) => match first {
            Some(Val::Text(set)) => {
                let cut = |c: char| set.contains(c);
                text(match name {
                    "lstrip" => s.trim_start_matches(cut).to_string(),
                    "rstrip" => s.trim_end_matches(cut).to_string(),
                    _ => s.trim_matches(cut).to_string(),
                })
            }
            _ => text(s.trim().to_string()),
        },
        ("removeprefix", Val::Text(s)) => match first {
            Some(Val::Text(p)) => text(s.strip_prefix(&**p).unwrap_or(s).to_string()),
            _ => Val::Built,
        },
        ("removesuffix", Val::Text(s)) => match first {
            Some(Val::Text(p)) => text(s.strip_suffix(&**p).unwrap_or(s).to_string()),
            _ => Val::Built,
        },
        ("split" | "rsplit", Val::Text(s)) => match first {
            Some(Val::Text(sep)) if !sep.is_empty() => list(s.split(&**sep).map(|p| Val::Text(p.into())).collect()),
            None => list(s.split_whitespace().map(|p| Val::Text(p.into())).collect()),
            _ => Val::Other,
        },
        ("center" | "ljust" | "rjust" | "zfill", Val::Text(_)) => Val::Built,
        ("list", Val::Text(s)) => list(s.chars().map(|c| Val::Text(c.to_string().into())).collect()),
        ("first", Val::List(l)) => l.first().cloned().unwrap_or(Val::Other),
        ("last", Val::List(l)) => l.last().cloned().unwrap_or(Val::Other),
        ("first", Val::Text(s)) => s.chars().next().map_or(Val::Other, |c| text(c.to_string())),
        ("last", Val::Text(s)) => s.chars().next_back().map_or(Val::Other, |c| text(c.to_string())),
        ("string" | "tojson" | "int", Val::Int(n)) => {
            if name == "int" {
                Val::Int(*n)
            } else {
                text(n.to_string())
            }
        }
        ("int", Val::Text(s)) => s.trim().parse().map_or(Val::Other, Val::Int),
        ("length" | "count", Val::Text(s)) if !method => Val::Int(i64::try_from(s.chars().count()).unwrap_or(0)),
        ("length" | "count", Val::List(l)) if !method => Val::Int(i64::try_from(l.len()).unwrap_or(0)),
        ("string" | "safe" | "escape" | "e" | "forceescape" | "default" | "d" | "list" | "sort" | "keys", Val::Text(_) | Val::List(_)) => on.clone(),
        ("lower" | "upper" | "trim" | "strip" | "lstrip" | "rstrip" | "string" | "safe" | "escape" | "e" | "reverse" | "capitalize" | "title", Val::Built) => {
            Val::Built
        }
        (_, Val::Text(_)) if !method => Val::Built,
        _ => Val::Other,
    }
}
