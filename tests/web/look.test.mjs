// What can be said about the page without a browser: contrast of its colours, and words it must not use.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { DIST, ROOT } from "../../www/tools.mjs";

const css = readFileSync(path.join(ROOT, "www/style/weighstation.css"), "utf8");

/** The colour tokens of the first block that the selector begins. */
function tokens(selector) {
  const block = css.slice(css.indexOf(selector)).match(/\{([^}]*)\}/)[1];
  return Object.fromEntries([...block.matchAll(/--([\w-]+):\s*(?:var\(--[\w-]+, )?(#[0-9a-f]{6})/g)].map(([, name, value]) => [name, value]));
}

function luminance(colour) {
  const [r, g, b] = [1, 3, 5].map((i) => Number.parseInt(colour.slice(i, i + 2), 16) / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a, b) {
  const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (high + 0.05) / (low + 0.05);
}

test("text and shapes stand out in both themes", () => {
  const light = tokens(":root,\n.station {");
  const dark = { ...light, ...tokens(':root[data-theme="dark"],') };
  assert.deepEqual(tokens(':root:not([data-theme="light"])'), tokens(':root[data-theme="dark"],'), "the dark theme by choice and by system differ");
  for (const [theme, t] of Object.entries({ light, dark })) {
    const text = ["ink", "quiet", "accent", "dangerous", "suspicious", "incomplete", "clear"];
    for (const name of text) for (const under of ["ground", "sheet"]) assert.ok(contrast(t[name], t[under]) >= 4.5, `${theme}: ${name} on ${under}`);
    assert.ok(contrast(t["on-accent"], t.accent) >= 4.5, `${theme}: on-accent`);
    assert.ok(contrast(t["on-mark"], t.mark) >= 4.5, `${theme}: on-mark`);
    for (const under of ["ground", "sheet"]) assert.ok(contrast(t.edge, t[under]) >= 3, `${theme}: edge on ${under}`);
  }
});

/** As `color-mix(in srgb, …)` mixes them. */
function mixed(a, share, b) {
  const parts = [1, 3, 5].map((i) => Math.round(share * Number.parseInt(a.slice(i, i + 2), 16) + (1 - share) * Number.parseInt(b.slice(i, i + 2), 16)));
  return `#${parts.map((part) => part.toString(16).padStart(2, "0")).join("")}`;
}

test("text stands out where the ground is tinted: under the pointer, and in the row that is chosen", () => {
  const light = tokens(":root,\n.station {");
  for (const t of [light, { ...light, ...tokens(':root[data-theme="dark"],') }]) {
    const tints = [...css.matchAll(/background: color-mix\(in srgb, var\(--accent\) (\d+)%, (?:transparent|var\(--sheet\))\)/g)].map(([, percent]) => Number(percent) / 100);
    assert.equal(tints.length, 3);
    for (const share of tints) {
      for (const under of ["ground", "sheet"]) {
        for (const name of ["ink", "quiet", "dangerous", "suspicious", "incomplete", "clear"]) {
          const least = ["ink", "quiet"].includes(name) ? 4.5 : 3;
          assert.ok(contrast(t[name], mixed(t.accent, share, t[under])) >= least, `${name} on ${share} of the accent over ${under}`);
        }
      }
    }
  }
});

test("whatever a line of the contents is has a name in every language", () => {
  const known = [...readFileSync(path.join(ROOT, "README.md"), "utf8").split("<!-- formats -->")[1].matchAll(/^\| ([\w-]+) \|/gm)].map(([, id]) => id);
  const kinds = (language) => [...readFileSync(path.join(ROOT, `www/text/${language}.ts`), "utf8").match(/\n  kinds: \{([^]*?)\n  \},/)[1].matchAll(/^ +"?([^":]+)"?: "/gm)].map(([, kind]) => kind);
  const sources = readdirSync(path.join(ROOT, "src/format"), { recursive: true }).filter((name) => name.endsWith(".rs")).map((name) => readFileSync(path.join(ROOT, "src/format", name), "utf8").split("#[cfg(test)]")[0]);
  sources.push(readFileSync(path.join(ROOT, "src/scan.rs"), "utf8").split("#[cfg(test)]")[0]);
  const said = sources.flatMap((source) => [
    ...[...source.matchAll(/scan\.(?:leaf|open)\([^;]*?, ((?:if [^{]+\{ )?"[\w ]+"(?: \} else \{ "[\w ]+" \})?), /g)].map(([, kind]) => kind),
    ...[...source.matchAll(/\.kind\(([^)]*"[^)]*)\)/g)].map(([, kind]) => kind),
  ]);
  const words = [...new Set(said.flatMap((kind) => [...kind.matchAll(/"([\w -]+)"/g)].map(([, word]) => word)))];
  assert.ok(words.length > 20, "the way they are written has changed");
  for (const language of ["en", "ja"]) assert.deepEqual(words.filter((word) => !known.includes(word) && !kinds(language).includes(word)), [], language);
});

test("no control speaks of uploading, and no verdict of safety", () => {
  const words = readFileSync(path.join(ROOT, "www/text/en.ts"), "utf8").replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, "");
  assert.doesNotMatch(words, /upload/i);
  assert.doesNotMatch(words, /\bsafe\b/i);
});

test("no control speaks of uploading in Japanese, and no verdict of safety", () => {
  const words = readFileSync(path.join(ROOT, "www/text/ja.ts"), "utf8").replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, "");
  assert.doesNotMatch(words, /アップロード|安全です|問題ありません/);
  // Half-width punctuation next to Japanese letters was typed by habit.
  assert.doesNotMatch(words, /[\u3040-\u30ff\u4e00-\u9fff][,;:!?()]/);
  assert.doesNotMatch(words, /[,;:!?()][\u3040-\u30ff\u4e00-\u9fff]/);
});

test("Japanese letters are neither slanted nor stretched", () => {
  assert.match(css, /:lang\(ja\) \{[^}]*font-style: normal;[^}]*line-break: strict;[^}]*word-break: auto-phrase;/);
  assert.doesNotMatch(css, /letter-spacing|text-transform/);
});

test("the page asks for nothing and names no other host", () => {
  const [single, hosted] = ["weighstation.html", "index.html"].map((name) => readFileSync(path.join(DIST, name), "utf8"));
  for (const html of [single, hosted]) {
    const markup = html.replace(/<(script|style)\b[^>]*>[\s\S]*?<\/\1>/g, "");
    assert.doesNotMatch(markup, /\s(?:src|href)="(?:[a-z]+:)?\/\//);
    assert.match(html, /connect-src 'none'/);
    assert.match(html, /require-trusted-types-for 'script'/);
  }
  // The page in one file has nothing beside it but the link to itself, which it keeps hidden.
  assert.deepEqual(single.match(/\s(?:src|href)="(?!data:)[^"]*"[^>]*/g), [' href="weighstation.html" download hidden']);
  // The page on a server is the same program and the same style; it knows the digest of the other.
  const inside = (html) => html.match(/<(script|style)\b[^>]*>[\s\S]*?<\/\1>/g);
  assert.deepEqual(inside(hosted), inside(single));
  const sum = createHash("sha256").update(single).digest("hex");
  assert.ok(hosted.includes(`<meta name="weighstation-copy" content="${sum}">`));
});
