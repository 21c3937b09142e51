// Builds everything in dist/: the page, the same page as one file, the element, the npm package.
//
//   cargo (wasm32) → wasm-bindgen → wasm-opt → deflate + base64 → worker (text) → page and package
//
// The wasm travels inside the JavaScript: nothing is fetched at run time, so the page's policy can forbid every connection, the page works from
// disk, and no server needs to know the MIME type of wasm.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { gzipSync, deflateRawSync } from "node:zlib";
import { api, manifest as elementManifest, types as elementTypes } from "./element/print.mjs";
import { manifest, serviceWorker, settings } from "./hosting.mjs";
import { DIST, ROOT, Stop, TARGET, call, needPackages, needRust, run, say, wasmBindgen } from "./tools.mjs";

/** Old enough for every browser that can run the page at all. */
const BROWSERS = ["chrome103", "firefox114", "safari16.4"];
const WORK = path.join(TARGET, "web");
/** The same bytes wherever they are built: no path of the machine gets into the module. */
const RUSTFLAGS = [
  "-Ctarget-feature=+simd128,+bulk-memory",
  `--remap-path-prefix=${process.env.CARGO_HOME ?? path.join(os.homedir(), ".cargo")}=/cargo`,
  `--remap-path-prefix=${ROOT}=/weighstation`,
];
/**
 * What wasm-opt does, in its order. More than -O1 saves bytes in memory and costs bytes on the way, where rustc has optimised already. Functions in the order of their
 * names stand beside their like (one generic function for many types), which deflate then writes once.
 */
const PASSES = ["-O1", "--reorder-functions-by-name", "--strip-debug", "--strip-producers"];
/** What wasm-opt may use: what rustc and wasm-bindgen emit. With all it knows it writes encodings that no browser reads yet. */
const WASM_FEATURES = ["simd", "bulk-memory", "bulk-memory-opt", "reference-types", "multivalue", "mutable-globals", "sign-ext", "nontrapping-float-to-int"];

/** The module and the code around it; returns the paths of the two generated scripts. */
function core() {
  const glue = path.join(WORK, "glue.js");
  const packed = path.join(WORK, "packed.js");
  const optimised = path.join(WORK, "core.wasm");
  if (process.argv.includes("--keep-core") && [glue, packed, optimised].every(existsSync)) return { glue, packed, optimised };
  needRust();
  say("cargo build (wasm32, release)");
  call("cargo", ["build", "--profile", "web", "--target", "wasm32-unknown-unknown", "--lib"], { env: { CARGO_ENCODED_RUSTFLAGS: RUSTFLAGS.join("\x1f") } });
  const built = path.join(TARGET, "wasm32-unknown-unknown/web/weighstation.wasm");
  const bindgen = wasmBindgen();
  say("wasm-bindgen, wasm-opt");
  call(bindgen, ["--target", "no-modules", "--no-typescript", "--out-dir", WORK, built]);
  const features = WASM_FEATURES.map((feature) => `--enable-${feature}`);
  const given = path.join(WORK, "weighstation_bg.wasm");
  // A minute's work that depends on nothing but this.
  const stamp = path.join(WORK, "optimised-from");
  const from = createHash("sha256").update(readFileSync(given)).update([...PASSES, ...features].join(" ")).update(readFileSync(path.join(ROOT, "package-lock.json"))).digest("hex");
  if (!existsSync(optimised) || !existsSync(stamp) || readFileSync(stamp, "utf8") !== from) {
    call(process.execPath, [path.join(ROOT, "node_modules/binaryen/bin/wasm-opt"), given, ...features, ...PASSES, "-o", optimised]);
    writeFileSync(stamp, from);
  }

  // The bindings keep their instance in a variable of their own. As a function they can be made anew for every file, by what it is handed as `WebAssembly`.
  writeFileSync(glue, `export function glue(WebAssembly) {\n${readFileSync(path.join(WORK, "weighstation.js"), "utf8")}\nreturn wasm_bindgen;\n}\n`);
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

/** The sheet of the page, for a shadow root: measures follow the element's own size and width, since a host may have set the root's to anything. */
function forElement(css) {
  return css
    .replace(/@media \((max|min)-width: ([\d.]+)rem\)/g, (_, edge, n) => `@container weigh (${edge}-width: ${n * 16}px)`)
    .replace(/(?<![\w.-])(-?[\d.]+)rem\b/g, "calc($1 * var(--weigh-size, 16px))");
}

/** Style sheets come in as text, and small. */
function minifiedCss(build) {
  return {
    name: "minified-css",
    setup(to) {
      to.onLoad({ filter: /\.css$/ }, async ({ path: file }) => {
        const contents = forElement(readFileSync(file, "utf8"));
        const { outputFiles } = await build({ stdin: { contents, loader: "css" }, minify: true, write: false, charset: "utf8", target: BROWSERS });
        return { contents: outputFiles[0].text, loader: "text" };
      });
    },
  };
}

/** The page has its style in its markup and no shadow root. */
const NO_CSS = { name: "no-css", setup: (to) => to.onLoad({ filter: /\.css$/ }, () => ({ contents: "", loader: "text" })) };

const hash = (text) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

/** The page's policy. A script may run only if it is this very one; nothing may connect anywhere. On a server the page also has a manifest and a service worker. */
function policy(script, style, hosted) {
  return [
    "default-src 'none'",
    `script-src ${hash(script)} 'wasm-unsafe-eval'`,
    `style-src ${hash(style)}`,
    "img-src data:",
    hosted ? "worker-src blob: 'self'" : "worker-src blob:",
    ...(hosted ? ["manifest-src 'self'"] : []),
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

/** What only the page on a server has in its head: its manifest, and the digest of the copy in one file. */
const hostedHead = (sum) => `<link rel="manifest" href="site.webmanifest">\n<meta name="weighstation-copy" content="${sum}">`;

/** Fills the page's template. `</script` cannot occur in the script: esbuild writes it as `<\/script`. */
function page(en, { script, style, sum = null, size = 0 }) {
  const { version } = JSON.parse(readFileSync(path.join(ROOT, "package.json"), "utf8"));
  const own = {
    script,
    style,
    policy: policy(script, style, sum !== null),
    head: sum === null ? "" : hostedHead(sum),
    version: escape(en.version(version)),
    digest: digest(script + style),
    copySize: escape(en.bytes(size)),
  };
  const template = readFileSync(path.join(ROOT, "www/index.html"), "utf8");
  return template.replace(/\{\{([\w.]+)\}\}/g, (_, name) => {
    if (name in own) return own[name];
    const text = name.split(".").reduce((table, key) => table?.[key], en);
    if (typeof text !== "string") throw new Stop(`www/index.html asks for "${name}", which www/text/en.ts does not have.`);
    return escape(text);
  });
}

/** By which a build is told from another: the same sources give the same. */
const digest = (text) => createHash("sha256").update(text).digest("hex").slice(0, 12);
const sha384 = (bytes) => `sha384-${createHash("sha384").update(bytes).digest("base64")}`;
const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");

/** Endings of all formats, for "open with"; nobody opens texts with this. */
function extensions() {
  const all = readFileSync(path.join(ROOT, "README.md"), "utf8").match(/<!-- formats -->([^]*)<!-- \/formats -->/)?.[1] ?? "";
  const common = new Set(["bin", "cfg", "conf", "csv", "exe", "dll", "html", "htm", "jpg", "jpeg", "js", "json", "md", "png", "gif", "py", "sh", "svg", "tar", "text", "tsv", "txt", "xhtml", "xml", "yaml", "yml", "zip", "webp", "dockerfile"]);
  const found = [...all.matchAll(/^\|[^|]*\|[^|]*\| *([^|]*?) *\|$/gm)].flatMap(([, list]) => list.split(", "));
  return [...new Set(found)].filter((one) => /^[a-z0-9]+$/.test(one) && one !== "endings" && !common.has(one)).sort().map((one) => `.${one}`);
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
  const script = await bundle("page/page.ts", alias, { plugins: [NO_CSS] });

  rmSync(DIST, { recursive: true, force: true });
  mkdirSync(DIST, { recursive: true });
  const write = (name, text) => writeFileSync(path.join(DIST, name), text);
  const en = await sentences();
  // The page for the pocket; and the page for a server, which knows the digest of the other.
  const single = page(en, { script, style });
  const hosted = page(en, { script, style, sum: sha256(single), size: Buffer.byteLength(single) });
  write("weighstation.html", single);
  write("index.html", hosted);
  write("sw.js", serviceWorker(digest(hosted)));
  write("site.webmanifest", manifest(en, extensions()));
  const policies = { hosted: policy(script, style, true), single: policy(script, style, false) };
  for (const [name, text] of Object.entries(settings(policies))) write(name, text);

  write("element.js", await bundle("element/define.ts", alias));
  write("element-class.js", await bundle("element/class.ts", alias));
  write("worker.js", await bundle("scanner/worker.ts", base, { format: "iife" }));
  const table = await api();
  write("element.d.ts", elementTypes(table));
  write("custom-elements.json", elementManifest(table));
  write("index.js", await bundle("npm/browser.ts", alias));
  const node = { platform: "node", target: ["node20"], minify: false };
  write("node.js", await bundle("npm/node.ts", alias, node));
  write("cli.js", await bundle("npm/cli.ts", { ...alias }, { ...node, external: ["./node.js"] }));
  chmodSync(path.join(DIST, "cli.js"), 0o755);
  copyFileSync(optimised, path.join(DIST, "core.wasm"));
  copyFileSync(path.join(ROOT, "www/npm/index.d.ts"), path.join(DIST, "index.d.ts"));
  copyFileSync(path.join(ROOT, "www/report.types.ts"), path.join(DIST, "report.d.ts"));
  copyFileSync(path.join(ROOT, "www/report.schema.json"), path.join(DIST, "report.schema.json"));

  const scripts = ["element.js", "element-class.js", "worker.js", "index.js"];
  write("integrity.json", `${JSON.stringify(Object.fromEntries(scripts.map((name) => [name, sha384(readFileSync(path.join(DIST, name)))])), null, 2)}\n`);
  const names = readdirSync(DIST).sort();
  write("SHA256SUMS", names.map((name) => `${sha256(readFileSync(path.join(DIST, name)))}  ${name}\n`).join(""));
  const ui = gzipSync(script.replaceAll(/"[A-Za-z0-9+/=]{100000,}"/g, '""') + style, { level: 9 }).length;
  say(`the page without the wasm: ${(ui / 1000).toFixed(1)} kB gzip`);
  for (const name of ["core.wasm", "index.html"]) {
    const bytes = readFileSync(path.join(DIST, name));
    say(`dist/${name}: ${(bytes.length / 1000).toFixed(0)} kB, ${(gzipSync(bytes, { level: 9 }).length / 1000).toFixed(0)} kB gzip`);
  }
}

await run(build);
