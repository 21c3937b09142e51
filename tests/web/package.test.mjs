// The npm package: which files it has, what it exports, and that everything printed from the element's table is what the table says.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { api, inReadme, manifest, types } from "../../www/element/print.mjs";
import { DIST, ROOT } from "../../www/tools.mjs";

const description = JSON.parse(readFileSync(path.join(ROOT, "package.json"), "utf8"));

/** Whoever adds a file to the package says so here. */
const FILES = [
  "LICENSE",
  "README.md",
  "dist/SHA256SUMS",
  "dist/_headers",
  "dist/cli.js",
  "dist/core.wasm",
  "dist/custom-elements.json",
  "dist/element-class.js",
  "dist/element.d.ts",
  "dist/element.js",
  "dist/index.d.ts",
  "dist/index.html",
  "dist/index.js",
  "dist/integrity.json",
  "dist/nginx.conf",
  "dist/node.js",
  "dist/report.d.ts",
  "dist/report.schema.json",
  "dist/site.webmanifest",
  "dist/sw.js",
  "dist/web.config",
  "dist/weighstation.html",
  "dist/worker.js",
  "package.json",
];

test("npm pack takes exactly these files", () => {
  const { stdout, status, stderr } = spawnSync("npm", ["pack", "--dry-run", "--json"], { cwd: ROOT, encoding: "utf8", shell: process.platform === "win32" });
  assert.equal(status, 0, stderr);
  // Newer versions of npm name the package first.
  const said = JSON.parse(stdout);
  const { files } = Array.isArray(said) ? said[0] : Object.values(said)[0];
  assert.deepEqual(files.map((file) => file.path).sort(), FILES);
});

test("every export is there, nothing runs at install time, and nothing else is needed at run time", () => {
  const targets = (value) => (typeof value === "string" ? [value] : Object.values(value).flatMap(targets));
  const named = [...targets(description.exports), ...Object.values(description.bin), description.customElements];
  assert.deepEqual(named.filter((file) => !existsSync(path.join(ROOT, file))), []);
  for (const hook of ["preinstall", "install", "postinstall", "prepare"]) assert.equal(description.scripts[hook], undefined);
  assert.equal(description.dependencies, undefined);
  for (const file of ["element.js", "element-class.js", "index.js"]) {
    const code = readFileSync(path.join(DIST, file), "utf8");
    assert.doesNotMatch(code, /(?:^|[;}])import\s*["'{*]/, `${file} imports something`);
  }
});

test("one digest for each module, and it is right", () => {
  for (const [name, digest] of Object.entries(JSON.parse(readFileSync(path.join(DIST, "integrity.json"), "utf8")))) {
    assert.equal(digest, `sha384-${createHash("sha384").update(readFileSync(path.join(DIST, name))).digest("base64")}`, name);
  }
});

test("README, manifest and types say what the element's table says", async () => {
  const table = await api();
  const readme = readFileSync(path.join(ROOT, "README.md"), "utf8");
  assert.equal(readme, inReadme(readme, table), "`node www/element/print.mjs` renews the README");
  assert.equal(readFileSync(path.join(DIST, "custom-elements.json"), "utf8"), manifest(table));
  assert.equal(readFileSync(path.join(DIST, "element.d.ts"), "utf8"), types(table));
  for (const rows of Object.values(table)) assert.equal(new Set(rows.map((row) => row.name)).size, rows.length);
});

test("whoever programs in TypeScript finds the types", () => {
  const code = `
    import "weighstation/element";
    import { define, WeighStation } from "weighstation/element-class";
    import { scan, type Report } from "weighstation";
    define();
    const station = document.querySelector("weigh-station")!;
    station.failOn = "gaps";
    station.addEventListener("weigh-report", (event) => { const report: Readonly<Report> = event.detail.report; console.log(report.verdict); });
    const report: Promise<Report> = scan(new Blob([]), { lang: "ja" });
    const other: Promise<Readonly<Report>> = (station satisfies WeighStation).scan([new File([], "a")], { signal: AbortSignal.timeout(1) });
    console.log(report, other);
    // @ts-expect-error there is no such threshold
    station.failOn = "sometimes";
  `;
  // Below the package, which is found by its own name.
  const folder = path.join(ROOT, "target/web");
  mkdirSync(folder, { recursive: true });
  const file = path.join(folder, "types.check.ts");
  writeFileSync(file, code);
  const tsc = path.join(ROOT, "node_modules/typescript/bin/tsc");
  const { stdout, status } = spawnSync(process.execPath, [tsc, "--noEmit", "--strict", "--ignoreConfig", "--target", "es2022", "--module", "esnext", "--moduleResolution", "bundler", "--lib", "es2024,dom", "--types", "", file], { cwd: ROOT, encoding: "utf8" });
  assert.equal(status, 0, stdout);
});
