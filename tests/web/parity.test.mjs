// One core, two builds: the native command line and the wasm in Node print the same document, byte for byte, over the whole corpus.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import Ajv from "ajv/dist/2020.js";
import { DIST, ROOT, TARGET } from "../../www/tools.mjs";

const NATIVE = path.join(TARGET, "release", process.platform === "win32" ? "weighstation.exe" : "weighstation");
const WASM = path.join(DIST, "cli.js");
/** Written by tests/golden.rs, where the recipes are understood. */
const CASES = path.join(ROOT, "target/cases");
const REAL = path.join(ROOT, "tests/corpus/real");

/** The formats of integers say how Rust holds them; JSON has one number. */
const valid = new Ajv({ allErrors: true, validateFormats: false }).compile(JSON.parse(readFileSync(path.join(DIST, "report.schema.json"), "utf8")));

function document(program, args, folder) {
  const options = { cwd: path.dirname(folder), encoding: "utf8", maxBuffer: 1 << 28 };
  const { status, stdout, stderr, error } = spawnSync(program, [...args, "scan", "--format", "json", "--fail-on", "never", path.basename(folder)], options);
  assert.equal(status, 0, `${program}: ${error?.message ?? stderr}`);
  return stdout;
}

/** The first file in which two documents differ says more than two documents. */
function difference(native, wasm) {
  const [one, two] = [JSON.parse(native), JSON.parse(wasm)];
  const paths = (report) => report.files.map((file) => file.path);
  assert.deepEqual(paths(two), paths(one), "the same files in the same order");
  for (const [n, file] of one.files.entries()) assert.deepEqual(two.files[n], file, file.path);
  assert.deepEqual(two, one);
}

function compare(folder, least) {
  const native = document(NATIVE, [], folder);
  const wasm = document(process.execPath, [WASM], folder);
  assert.ok(JSON.parse(native).files.length >= least, `only ${JSON.parse(native).files.length} files in ${folder}`);
  assert.ok(valid(JSON.parse(native)), JSON.stringify(valid.errors?.slice(0, 5), null, 1));
  if (native !== wasm) difference(native, wasm);
  assert.ok(native === wasm, "the documents hold the same values and differ in how they are written");
}

test("both builds are there", () => {
  assert.ok(existsSync(NATIVE), "The native command line is missing: run `cargo build --release` first.");
  assert.ok(existsSync(WASM), "dist/cli.js is missing: run `npm run build` first.");
});

test("the schema refuses what is no report", () => {
  for (const wrong of [{}, { ...JSON.parse(document(NATIVE, [], path.join(REAL, "gguf"))), verdict: "safe" }]) assert.equal(valid(wrong), false);
});

test("files of real libraries: native and wasm agree", () => {
  compare(REAL, 20);
});

test("golden cases: native and wasm agree", () => {
  assert.ok(existsSync(CASES) && readdirSync(CASES).length > 0, "target/cases is missing: run `cargo test --test golden` first, which builds the cases.");
  compare(CASES, 100);
});
