// What can be said about the page without a browser: contrast of its colours, and words it must not use.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
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
