// `npm run size`: what each part of the core costs a visitor, in kB before and after deflate. Built with function names and before wasm-opt, so that
// every function can be told by the file it is written in; generic code of libraries is counted as theirs.
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { deflateRawSync } from "node:zlib";
import { call, needRust, ROOT, run, TARGET } from "./tools.mjs";

const CODE = 10;
const DATA = 11;
const CUSTOM = 0;
const IMPORT = 2;
/** Tables of text. The build script packs those that are worth it, and they are counted as packed. */
const TABLES = ["rule/known/expected.txt", "rule/known/dangerous.txt", "rule/known/operators.txt", "rule/known/layers.txt", "licence/prints.txt", "licence/catalogue.txt", "licence/bases.txt"];

/** Where the build script wrote last. */
function packedTables(build) {
  const written = readdirSync(build).map((name) => path.join(build, name, "out")).filter((out) => existsSync(path.join(out, TABLES[0])));
  return written.sort((a, b) => statSync(a).mtimeMs - statSync(b).mtimeMs).at(-1);
}

/** Reads a module byte by byte. */
class Reader {
  constructor(bytes, at = 0) {
    Object.assign(this, { bytes, at });
  }
  byte() {
    return this.bytes[this.at++];
  }
  number() {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.byte();
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
  }
  take(length) {
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }
  text() {
    return this.take(this.number()).toString();
  }
}

/** How many functions a module imports: names count them first. */
function imported(section) {
  const read = new Reader(section);
  let functions = 0;
  for (let left = read.number(); left > 0; left--) {
    read.text();
    read.text();
    const kind = read.byte();
    if (kind === 0) functions++;
    if (kind === 1 || kind === 3) read.byte();
    if (kind === 1 || kind === 2) {
      const flags = read.number();
      read.number();
      if (flags & 1) read.number();
    } else read.number();
  }
  return functions;
}

/** Bodies of all functions in their order. */
function bodies(section) {
  const read = new Reader(section);
  return Array.from({ length: read.number() }, () => read.take(read.number()));
}

/** Names of functions by their number. */
function names(section) {
  const read = new Reader(section);
  const found = new Map();
  while (read.at < section.length) {
    const kind = read.byte();
    const part = new Reader(read.take(read.number()));
    if (kind === 1) for (let left = part.number(); left > 0; left--) found.set(part.number(), part.text());
  }
  return found;
}

/** The part of the house, or the library, that a mangled name belongs to. */
function part(name) {
  const ours = /weighstation(?:\d+|\.\.)(format|licence|export|rule|speech|bytes|integrity)(?:(\d+)(\w+)|\.\.([a-z]\w*))?/.exec(name);
  if (ours) {
    const below = ours[4] ?? ours[3]?.slice(0, Number(ours[2]));
    return ours[1] === "format" && below ? `format/${below.split("..")[0]}` : ours[1];
  }
  if (/weighstation/.test(name)) return "the rest of the core";
  const library = /(serde_json|serde_core|saphyr_parser|quick_xml|lzma_rust2|libbz2_rs_sys|ruzstd|lz4_flex|miniz_oxide|sha2|js_sys|wasm_bindgen)/.exec(name);
  return library ? library[1] : "the standard library";
}

const kb = (bytes) => (bytes / 1000).toFixed(1).padStart(8);

await run(() => {
  needRust();
  call("cargo", ["build", "--profile", "web", "--target", "wasm32-unknown-unknown", "--lib"], { env: { CARGO_PROFILE_WEB_STRIP: "none", CARGO_TARGET_DIR: path.join(TARGET, "size") } });
  const read = new Reader(readFileSync(path.join(TARGET, "size/wasm32-unknown-unknown/web/weighstation.wasm")), 8);
  const sections = new Map();
  while (read.at < read.bytes.length) {
    const kind = read.byte();
    const section = read.take(read.number());
    if (kind !== CUSTOM) sections.set(kind, section);
    else {
      const custom = new Reader(section);
      if (custom.text() === "name") sections.set(CUSTOM, section.subarray(custom.at));
    }
  }
  const first = imported(sections.get(IMPORT));
  const named = names(sections.get(CUSTOM));
  const parts = new Map();
  const add = (what, bytes) => parts.set(what, [...(parts.get(what) ?? []), bytes]);
  bodies(sections.get(CODE)).forEach((body, at) => {
    const name = named.get(first + at) ?? "";
    // What only tells wasm-bindgen about types is gone from the finished module.
    if (!name.startsWith("__wbindgen_describe") && !name.includes("__wbg_")) add(part(name), body);
  });
  const packed = packedTables(path.join(TARGET, "size/wasm32-unknown-unknown/web/build"));
  for (const table of TABLES) add(table, readFileSync([packed, path.join(ROOT, "src")].map((below) => path.join(below, table)).find(existsSync)));
  add("all data, tables and sentences included", sections.get(DATA));
  const rows = [...parts].map(([what, all]) => ({ what, raw: all.reduce((sum, b) => sum + b.length, 0), packed: deflateRawSync(Buffer.concat(all), { level: 9 }).length }));
  for (const { what, raw, packed } of rows.sort((a, b) => b.packed - a.packed)) console.log(`${kb(raw)} kB ${kb(packed)} kB packed  ${what}`);
});
