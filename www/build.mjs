// Builds everything in dist/: the page, the same page as one file, the element, the npm package.
//
//   cargo (wasm32) → wasm-bindgen → wasm-opt → deflate + base64 → worker (text) → page and package
//
// The wasm travels inside the JavaScript: nothing is fetched at run time, so the page's policy can forbid every connection, the page works from
// disk, and no server needs to know the MIME type of wasm.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { gzipSync, deflateRawSync } from "node:zlib";
import { DIST, ROOT, Stop, TARGET, call, needPackages, needRust, run, say, wasmBindgen } from "./tools.mjs";

/** Old enough for every browser that can run the page at all. */
const BROWSERS = ["chrome103", "firefox114", "safari16.4"];
const WORK = path.join(TARGET, "web");
const RUSTFLAGS = "-C target-feature=+simd128,+bulk-memory";
/** Functions larger than this are not put into their only caller: browsers optimise function by function, and a large one takes them half a second. */
const ONLY_CALLER = "--one-caller-inline-max-function-size=200";
/** What wasm-opt may use: what rustc and wasm-bindgen emit. With all it knows it writes encodings that no browser reads yet. */
const WASM_FEATURES = ["simd", "bulk-memory", "bulk-memory-opt", "reference-types", "multivalue", "mutable-globals", "sign-ext", "nontrapping-float-to-int"];

/** The module and the code around it; returns the paths of the two generated scripts. */
function core() {
  needRust();
  say("cargo build (wasm32, release)");
  const encoded = RUSTFLAGS.split(" ").join("\x1f");
  call("cargo", ["build", "--release", "--target", "wasm32-unknown-unknown", "--lib"], { env: { CARGO_ENCODED_RUSTFLAGS: encoded } });
  const built = path.join(TARGET, "wasm32-unknown-unknown/release/weighstation.wasm");
  const bindgen = wasmBindgen();
  say("wasm-bindgen, wasm-opt");
  call(bindgen, ["--target", "no-modules", "--no-typescript", "--out-dir", WORK, built]);
  const optimised = path.join(WORK, "core.wasm");
  const features = WASM_FEATURES.map((feature) => `--enable-${feature}`);
  call(process.execPath, [path.join(ROOT, "node_modules/binaryen/bin/wasm-opt"), path.join(WORK, "weighstation_bg.wasm"), "-O3", ONLY_CALLER, ...features, "-o", optimised]);

  // The bindings keep their instance in a variable of their own. As a function they can be made anew for every file.
  const glue = path.join(WORK, "glue.js");
  writeFileSync(glue, `export function glue() {\n${readFileSync(path.join(WORK, "weighstation.js"), "utf8")}\nreturn wasm_bindgen;\n}\n`);
  const packed = path.join(WORK, "packed.js");
  const wasm = readFileSync(optimised);
  writeFileSync(packed, `export const packed = "${deflateRawSync(wasm, { level: 9 }).toString("base64")}";\n`);
  return { glue, packed, optimised };
}

/** Bundles one entry; returns its text. */
async function bundle(entry, alias, options = {}) {
  const { build } = await import("esbuild");
  const { version } = JSON.parse(readFileSync(path.join(ROOT, "package.json"), "utf8"));
  const { outputFiles } = await build({
    entryPoints: [path.join(ROOT, "www", entry)],
    bundle: true,
    write: false,
    format: "esm",
    target: BROWSERS,
    minify: true,
    legalComments: "none",
    charset: "utf8",
    loader: { ".css": "text" },
    alias,
    define: { WEIGHSTATION_VERSION: JSON.stringify(version) },
    plugins: [minifiedCss(build)],
    ...options,
  });
  return outputFiles[0].text;
}

/** Style sheets come in as text, and small. */
function minifiedCss(build) {
  return {
    name: "minified-css",
    setup(to) {
      to.onLoad({ filter: /\.css$/ }, async ({ path: file }) => {
        const { outputFiles } = await build({ entryPoints: [file], minify: true, write: false, charset: "utf8" });
        return { contents: outputFiles[0].text, loader: "text" };
      });
    },
  };
}

const hash = (text) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

/** The page's policy. A script may run only if it is this very one; nothing may connect anywhere. */
function policy(script, style) {
  return [
    "default-src 'none'",
    `script-src ${hash(script)} 'wasm-unsafe-eval'`,
    `style-src ${hash(style)}`,
    "img-src data:",
    "worker-src blob:",
    "connect-src 'none'",
    "form-action 'none'",
    "base-uri 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types weighstation lit-html",
  ].join("; ");
}

/** The English sentences, for the first paint. */
async function sentences() {
  const text = await bundle("text/en.ts", {}, { minify: false });
  const { en } = await import(`data:text/javascript;base64,${Buffer.from(text).toString("base64")}`);
  return en;
}

const escape = (text) => text.replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c]);

/** Fills the page's template. `</script` cannot occur in the script: esbuild writes it as `<\/script`. */
async function page(script, style) {
  const en = await sentences();
  const { version } = JSON.parse(readFileSync(path.join(ROOT, "package.json"), "utf8"));
  const own = { script, style, policy: policy(script, style), version: escape(en.version(version)) };
  const template = readFileSync(path.join(ROOT, "www/index.html"), "utf8");
  return template.replace(/\{\{([\w.]+)\}\}/g, (_, name) => {
    if (name in own) return own[name];
    const text = name.split(".").reduce((table, key) => table?.[key], en);
    if (typeof text !== "string") throw new Stop(`www/index.html asks for "${name}", which www/text/en.ts does not have.`);
    return escape(text);
  });
}

/** Types, bundles, page. */
async function build() {
  needPackages();
  mkdirSync(WORK, { recursive: true });
  const { glue, packed, optimised } = core();
  const { build: esbuild } = await import("esbuild");

  say("tsc --noEmit");
  call(process.execPath, [path.join(ROOT, "node_modules/typescript/bin/tsc"), "-p", "www"], { why: "The TypeScript sources do not type-check." });

  say("esbuild");
  const base = { "weighstation-core": glue, "weighstation-core-packed": packed };
  const worker = path.join(WORK, "worker.js");
  writeFileSync(worker, `export const source = ${JSON.stringify(await bundle("scanner/worker.ts", base, { format: "iife" }))};\n`);
  const alias = { ...base, "weighstation-worker": worker };
  const css = await esbuild({ entryPoints: [path.join(ROOT, "www/style/weighstation.css")], minify: true, write: false, charset: "utf8" });
  const style = css.outputFiles[0].text;
  const script = await bundle("page/page.ts", alias);

  rmSync(DIST, { recursive: true, force: true });
  mkdirSync(DIST, { recursive: true });
  const html = await page(script, style);
  // The page for a server and the page for the pocket are the same bytes.
  for (const name of ["index.html", "weighstation.html"]) writeFileSync(path.join(DIST, name), html);
  writeFileSync(path.join(DIST, "element.js"), await bundle("element/define.ts", alias));
  writeFileSync(path.join(DIST, "index.js"), await bundle("npm/browser.ts", alias));
  const node = { platform: "node", target: ["node20"], minify: false };
  writeFileSync(path.join(DIST, "node.js"), await bundle("npm/node.ts", alias, node));
  writeFileSync(path.join(DIST, "cli.js"), await bundle("npm/cli.ts", { ...alias }, { ...node, external: ["./node.js"] }));
  chmodSync(path.join(DIST, "cli.js"), 0o755);
  copyFileSync(optimised, path.join(DIST, "core.wasm"));
  copyFileSync(path.join(ROOT, "www/npm/index.d.ts"), path.join(DIST, "index.d.ts"));
  copyFileSync(path.join(ROOT, "www/report.types.ts"), path.join(DIST, "report.d.ts"));
  copyFileSync(path.join(ROOT, "www/report.schema.json"), path.join(DIST, "report.schema.json"));

  const names = ["index.html", "weighstation.html", "element.js", "index.js", "node.js", "cli.js", "core.wasm"];
  const sums = names.map((name) => `${createHash("sha256").update(readFileSync(path.join(DIST, name))).digest("hex")}  ${name}\n`);
  writeFileSync(path.join(DIST, "SHA256SUMS"), sums.join(""));
  for (const name of ["core.wasm", "index.html"]) {
    const bytes = readFileSync(path.join(DIST, name));
    say(`dist/${name}: ${(bytes.length / 1000).toFixed(0)} kB, ${(gzipSync(bytes, { level: 9 }).length / 1000).toFixed(0)} kB gzip`);
  }
}

await run(build);
