//! One page that needs nothing else: no script, no address, its style inside and named by digest in its policy. It prints as it reads.

use super::{Paper, Sheet, repeated, to_look_at};
use crate::report::{Evidence, FileReport, Finding, Import, Node};
use crate::speech::{export::put, licence::number};
use crate::text::printable;
use crate::verdict::Verdict;

/// The style: light and dark, wide and narrow, screen and paper; shapes tell the verdicts apart where colours do not.
const STYLE: &str = concat!(
    ":root{color-scheme:light dark;--f:#1c1f23;--b:#fff;--m:#5b6169;--l:#d5d9de;--d:#b3141d;--s:#8a5300;--i:#0b5f86;--c:#31592f;--k:#fff3c4}",
    "@media(prefers-color-scheme:dark){:root{--f:#e7e9ec;--b:#16181b;--m:#a3abb5;--l:#3a4048;--d:#ff8a85;--s:#f2b35c;--i:#7cc7ee;--c:#a3d39c;--k:#4a3f12}}",
    "body{margin:0 auto;padding:1.5rem 1rem 3rem;max-width:72rem;font:1rem/1.5 system-ui,\"Hiragino Sans\",\"Yu Gothic UI\",\"Noto Sans JP\",sans-serif;color:var(--f);background:var(--b);overflow-wrap:anywhere}",
    "h1{font-size:1.7rem;line-height:1.25;margin:.2rem 0}h2{font-size:1.25rem;margin:2.2rem 0 .4rem;border-top:1px solid var(--l);padding-top:1rem}h3{font-size:1.05rem;margin:1.4rem 0 .3rem}",
    "p,ul,ol{margin:.4rem 0;max-width:60rem}table{border-collapse:collapse;margin:.6rem 0;font-size:.9rem;max-width:100%}td,th{border-bottom:1px solid var(--l);padding:.25rem .6rem .25rem 0;text-align:start;vertical-align:top}",
    "th,td.v{overflow-wrap:normal}.w{overflow-x:auto}code,pre,.n,.a{font-family:ui-monospace,Consolas,monospace;font-size:.85rem}.n{text-align:end;white-space:nowrap}pre{margin:.6rem 0;overflow-x:auto;line-height:1.4}",
    ".h{font-size:1.15rem}.m{color:var(--m)}mark,.k{background:var(--k);color:inherit}.dangerous{color:var(--d)}.suspicious{color:var(--s)}.incomplete{color:var(--i)}.clear{color:var(--c)}",
    ".v{font-weight:700}.v::before{content:\"◇ \"}.v.dangerous::before{content:\"▲ \"}.v.suspicious::before{content:\"◆ \"}.v.incomplete::before{content:\"◐ \"}",
    "dl{display:grid;grid-template-columns:max-content 1fr;gap:.1rem 1rem;margin:.4rem 0}dt{color:var(--m)}dd{margin:0}@media(max-width:36rem){dl{display:block}}",
    "@media(forced-colors:active){mark,.k{outline:1px solid}}@page{margin:16mm}@media print{:root{--f:#000;--b:#fff;--m:#333;--l:#999;--k:#eee;--d:#000;--s:#000;--i:#000;--c:#000}body{padding:0;font-size:10pt;max-width:none}tr,h2,h3{break-inside:avoid}h2,h3{break-after:avoid}.w,pre{overflow:visible;white-space:pre-wrap}}",
);

/// Imports, metadata and members of one file that are listed.
const LISTED: usize = 500;

/// Text as HTML shows it, in attributes as well.
pub fn escape(text: &str, out: &mut String) {
    for c in printable(text, usize::MAX).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(c),
        }
    }
}

/// Base64 (RFC 4648) of a digest written in hexadecimal.
pub(super) fn base64(hex: &str) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    // Three bytes are six hexadecimal digits and four letters.
    let digits: Vec<u32> = hex.chars().filter_map(|c| c.to_digit(16)).collect();
    let mut out = String::new();
    for six in digits.chunks(6) {
        let bits = (0..6).fold(0u32, |n, i| n << 4 | six.get(i).copied().unwrap_or(0));
        for i in 0..4 {
            let letter = LETTERS.get((bits >> (18 - 6 * i) & 63) as usize).copied().unwrap_or(b'A');
            out.push(if i <= six.len() / 2 { char::from(letter) } else { '=' });
        }
    }
    out
}

/// Writes it.
pub fn write(p: &Paper<'_>) -> String {
    let (r, w) = (p.report, p.words);
    let mut s = Sheet::new(escape);
    let (headline, advice) = p.headline();
    let mut digest = crate::Digest::new();
    digest.update(STYLE.as_bytes());
    let policy = format!("default-src 'none'; style-src 'sha256-{}'; base-uri 'none'; form-action 'none'", base64(&digest.finish()));
    let title = match r.files.as_slice() {
        [one] => format!("{}: {}", w.verdict(r.verdict), one.path),
        _ => format!("{}: {}", w.verdict(r.verdict), p.summary()),
    };
    s.put(&[
        "<!doctype html>\n<html lang=\"",
        w.tag,
        "\"><head><meta charset=\"utf-8\"><meta http-equiv=\"Content-Security-Policy\" content=\"",
        &policy,
        "\"><meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><meta name=\"referrer\" content=\"no-referrer\"><title>",
        &title,
    ]);
    s.put(&[
        "</title><style>",
        "",
        STYLE,
        "",
        "</style></head>\n<body><header><p class=\"m\">",
        w.report,
        " · ",
        &put(w.made_by, &[("tool", &p.tool()), ("rules", &r.tool.rules)]),
        if p.options.time.is_empty() { "" } else { " · " },
        &p.options.time,
    ]);
    s.put(&["</p></header>\n<main><h1 class=\"v ", r.verdict.word(), "\">", w.verdict(r.verdict), "</h1><p class=\"h\">", headline.trim(), "</p>"]);
    list(&mut s, w.to_do, "ol", advice.iter().map(String::as_str));
    let summary = if r.files.len() > 1 { p.summary() } else { String::new() };
    s.put(&[
        "<h2>", w.files, "</h2><p>", &summary, "</p><div class=\"w\"><table><thead><tr><th>", w.verdict, "</th><th>", w.file, "</th><th>", w.format,
        "</th><th>", w.size, "</th><th>SHA-256</th></tr></thead><tbody>",
    ]);
    let looked = to_look_at(r);
    let linked: std::collections::HashSet<usize> = looked.iter().map(|(n, _)| *n).collect();
    for (n, f) in r.files.iter().enumerate() {
        s.put(&["\n<tr><td class=\"v ", f.verdict.word(), "\">", w.verdict(f.verdict), "</td><td>"]);
        if linked.contains(&n) {
            s.put(&["<a href=\"#f", &n.to_string(), "\">", &f.path, "</a>"]);
        } else {
            s.put(&["", &f.path]);
        }
        s.put(&[
            "</td><td>",
            &f.formats.join(" + "),
            "</td><td class=\"n\">",
            &number(f.size),
            "</td><td class=\"a\">",
            f.sha256.as_deref().unwrap_or("–"),
            "</td></tr>",
        ]);
    }
    s.put(&["</tbody></table></div>"]);
    for (n, f) in looked {
        file(p, &mut s, n, f);
    }
    if let [one] = r.files.as_slice()
        && one.findings.is_empty()
        && one.gaps.is_empty()
    {
        s.put(&["<section>"]);
        contents(p, &mut s, one);
        s.put(&["</section>"]);
    }
    let together: Vec<&Finding> = r.findings.iter().filter(|x| !repeated(r, x)).collect();
    if !together.is_empty() {
        s.put(&["\n<section><h2>", w.folder, "</h2>"]);
        for x in together {
            finding(p, &mut s, x, None);
        }
        s.put(&["</section>"]);
    }
    s.put(&["</main>\n<footer><p class=\"m\">", w.about, "</p></footer></body></html>\n"]);
    s.out
}

/// A heading and a list, if there is something in it.
fn list<'a>(s: &mut Sheet, heading: &str, tag: &str, lines: impl Iterator<Item = &'a str>) {
    let mut lines = lines.peekable();
    if lines.peek().is_none() {
        return;
    }
    s.put(&["<h3>", heading, "</h3><", tag, ">"]);
    for line in lines {
        s.put(&["<li>", line, "</li>"]);
    }
    s.put(&["</", tag, ">"]);
}

fn file(p: &Paper<'_>, s: &mut Sheet, n: usize, f: &FileReport) {
    let w = p.words;
    s.put(&["\n<section id=\"f", &n.to_string(), "\"><h2><span class=\"v ", f.verdict.word(), "\">", w.verdict(f.verdict), "</span> ", &f.path, "</h2>"]);
    // Else the headline is the first finding's sentence.
    if f.verdict == Verdict::Incomplete {
        s.put(&["<p class=\"h\">", f.headline.trim(), "</p>"]);
    }
    if f.verdict > Verdict::Clear && p.report.files.len() > 1 {
        list(s, w.to_do, "ol", f.advice.iter().map(String::as_str));
    }
    for x in &f.findings {
        finding(p, s, x, Some(n));
    }
    list(s, w.not_checked, "ul", f.gaps.iter().map(|g| g.message.trim()));
    contents(p, s, f);
    s.put(&["</section>"]);
}

/// What is in a file, as far as the report keeps it in lists.
fn contents(p: &Paper<'_>, s: &mut Sheet, f: &FileReport) {
    let w = p.words;
    s.put(&[
        "<dl><dt>",
        w.format,
        "</dt><dd>",
        &f.formats.join(" + "),
        "</dd><dt>",
        w.size,
        "</dt><dd>",
        &number(f.size),
        "</dd><dt>SHA-256</dt><dd class=\"a\">",
        f.sha256.as_deref().unwrap_or("–"),
        "</dd>",
    ]);
    if f.tensors.count > 0 {
        let kinds: Vec<String> = f.tensors.dtypes.iter().map(|(k, n)| format!("{k} ×{}", number(*n))).collect();
        let (count, parameters) = (format!("{} ({})", number(f.tensors.count), kinds.join(", ")), number(f.tensors.parameters));
        s.put(&["<dt>", w.tensors, "</dt><dd>", &count, "</dd><dt>", w.parameters, "</dt><dd>", &parameters, "</dd>"]);
    }
    for (label, names) in [(w.declared, &f.licence.declared), (w.found, &f.licence.found)] {
        if !names.is_empty() {
            s.put(&["<dt>", w.licence, " (", label, ")</dt><dd>", &names.join(", "), "</dd>"]);
        }
    }
    s.put(&["</dl>"]);
    if !f.imports.is_empty() {
        s.put(&[
            "<h3>", w.imports, "</h3><div class=\"w\"><table><thead><tr><th>", w.value, "</th><th>", w.usage, "</th><th>", w.standing,
            "</th></tr></thead><tbody>",
        ]);
        let mut imports: Vec<&Import> = f.imports.iter().collect();
        crate::order::sort_by_key(&mut imports, |i| std::cmp::Reverse(i.standing as u8));
        for i in imports.iter().take(LISTED) {
            s.put(&[
                "<tr><td class=\"a\">",
                &format!("{}.{}", i.module, i.name),
                "</td><td>",
                w.usage(i.usage),
                "</td><td>",
                w.standing(i.standing),
                "</td></tr>",
            ]);
        }
        s.put(&["</tbody></table></div>"]);
        more(p, s, f.imports.len());
    }
    if !f.metadata.is_empty() {
        s.put(&["<h3>", w.metadata, "</h3><div class=\"w\"><table><thead><tr><th>", w.key, "</th><th>", w.value, "</th></tr></thead><tbody>"]);
        for m in f.metadata.iter().take(LISTED) {
            s.put(&["<tr><td class=\"a\">", &m.key, "</td><td>", &m.value, "</td></tr>"]);
        }
        s.put(&["</tbody></table></div>"]);
        more(p, s, f.metadata.len());
    }
    let members: Vec<&Node> = f.outline.children.iter().filter(|n| n.kind != "tensor" && n.kind != "metadata" && n.kind != "import").collect();
    if !members.is_empty() {
        s.put(&[
            "<h3>", w.member, "</h3><div class=\"w\"><table><thead><tr><th>", w.member, "</th><th>", w.format, "</th><th>", w.size, "</th></tr></thead><tbody>",
        ]);
        for m in members.iter().take(LISTED) {
            s.put(&["<tr><td class=\"a\">", &m.label, "</td><td>", &m.kind, "</td><td class=\"n\">", &m.size.map_or(String::new(), number), "</td></tr>"]);
        }
        s.put(&["</tbody></table></div>"]);
        more(p, s, members.len() + usize::try_from(f.outline.more).unwrap_or(0));
    }
}

/// How many lines a list was cut by.
fn more(p: &Paper<'_>, s: &mut Sheet, count: usize) {
    if count > LISTED {
        s.put(&["<p class=\"m\">", &put(p.words.more, &[("n", &number((count - LISTED) as u64))]), "</p>"]);
    }
}

fn finding(p: &Paper<'_>, s: &mut Sheet, f: &Finding, file: Option<usize>) {
    let w = p.words;
    let count = if f.count > 1 { format!(" ×{}", number(f.count)) } else { String::new() };
    let class = Verdict::of([f], &[]).word();
    s.put(&[
        "\n<article><h3><span class=\"v ",
        class,
        "\">",
        w.severity(f.severity),
        "</span> ",
        &f.title,
        " <code>",
        &f.rule,
        "</code>",
        &count,
        "</h3><p>",
        &f.message,
        "</p>",
    ]);
    if !f.places.is_empty() {
        s.put(&["<ul>"]);
        for x in &f.places {
            let member = if x.member.is_empty() { String::new() } else { format!("{} ", x.member) };
            s.put(&["<li class=\"a\">", &format!("{member}{}", p.place(x)), "</li>"]);
        }
        s.put(&["</ul>"]);
    }
    for x in &f.places {
        if let Some(e) = file.and_then(|n| p.evidence(n, x)) {
            evidence(p, s, e);
        }
    }
    s.put(&[
        "<dl><dt>",
        w.why,
        "</dt><dd>",
        &f.why,
        "</dd><dt>",
        w.fix,
        "</dt><dd>",
        &f.fix,
        "</dd><dt>",
        w.refs,
        "</dt><dd>",
        &f.refs.join(", "),
        "</dd></dl></article>",
    ]);
}

/// The listing and the bytes, the range of the finding marked in both.
fn evidence(p: &Paper<'_>, s: &mut Sheet, e: &Evidence) {
    let w = p.words;
    if !e.rows.is_empty() {
        s.put(&[
            "<div class=\"w\"><table><thead><tr><th>", w.offset, "</th><th>", w.instruction, "</th><th>", w.argument, "</th><th>", w.means,
            "</th></tr></thead><tbody>",
        ]);
        for row in &e.rows {
            let at = format!("{:#06x}", row.offset);
            s.put(&[
                if row.marked { "<tr class=\"k\"><td class=\"n\">" } else { "<tr><td class=\"n\">" },
                &at,
                "</td><td class=\"a\">",
                &row.instruction,
                "</td><td class=\"a\">",
                &row.argument,
                "</td><td>",
                &row.means,
                "</td></tr>",
            ]);
        }
        s.put(&["</tbody></table></div>"]);
    }
    let bytes: Vec<&str> = (0..e.bytes.len() / 2).filter_map(|i| e.bytes.get(2 * i..2 * i + 2)).collect();
    if bytes.is_empty() {
        return;
    }
    let marked = |at: u64| at >= e.mark.at && at < e.mark.at.saturating_add(e.mark.length.max(1));
    s.put(&["<pre>"]);
    for (n, line) in bytes.chunks(16).enumerate() {
        let at = e.base.saturating_add(16 * n as u64);
        // The offset in the file where there is one, as other tools count it.
        s.put(&["", &format!("{:08x}  ", e.file_base.map_or(at, |f| f.saturating_add(16 * n as u64)))]);
        let shown: Vec<char> = line.iter().map(|b| u8::from_str_radix(b, 16).ok().filter(|b| (0x20..0x7f).contains(b)).map_or('.', char::from)).collect();
        for (i, b) in line.iter().enumerate() {
            let mark = marked(at.saturating_add(i as u64));
            s.put(&[if mark { "<mark>" } else { "" }, b, if mark { "</mark> " } else { " " }]);
        }
        s.put(&["", &"   ".repeat(16 - line.len()), " "]);
        for (i, c) in shown.iter().enumerate() {
            let mark = marked(at.saturating_add(i as u64));
            s.put(&[if mark { "<mark>" } else { "" }, c.encode_utf8(&mut [0; 4]), if mark { "</mark>" } else { "" }]);
        }
        s.put(&["\n"]);
    }
    s.put(&["</pre>"]);
}
