// The pages in www/examples, in Chromium and Firefox: what a reader would copy must work.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { build } from "esbuild";
import { compileScript, parse } from "vue/compiler-sfc";
import { ROOT } from "../../www/tools.mjs";
import { BROWSERS, launch } from "./browsers.mjs";
import { around, host, PICKLE } from "./host.mjs";

const EXAMPLES = path.join(ROOT, "www/examples");
const example = (name) => readFileSync(path.join(EXAMPLES, name), "utf8");

/** What a site's own build makes of an entry. */
async function bundled(entry, options = {}) {
  const { outputFiles } = await build({
    entryPoints: [path.join(EXAMPLES, entry)],
    bundle: true,
    write: false,
    format: "esm",
    jsx: "automatic",
    define: { "process.env.NODE_ENV": '"production"', __VUE_OPTIONS_API__: "false", __VUE_PROD_DEVTOOLS__: "false", __VUE_PROD_HYDRATION_MISMATCH_DETAILS__: "false" },
    logLevel: "error",
    ...options,
  });
  return { body: outputFiles[0].text, type: "text/javascript; charset=utf-8" };
}

/** Vue's single-file components, as every plugin for a bundler does it. */
const vue = {
  name: "vue",
  setup(to) {
    to.onLoad({ filter: /\.vue$/ }, ({ path: file }) => {
      const { descriptor } = parse(readFileSync(file, "utf8"), { filename: file });
      const templateOptions = { compilerOptions: { isCustomElement: (tag) => tag === "weigh-station" } };
      return { contents: compileScript(descriptor, { id: "app", inlineTemplate: true, templateOptions }).content, loader: "js" };
    });
  },
};

/** What Docusaurus brings: its folder `@site`, and BrowserOnly, which in a browser shows what is in it. */
const docusaurus = {
  name: "docusaurus",
  setup(to) {
    to.onResolve({ filter: /^@docusaurus\/BrowserOnly$/ }, () => ({ path: "BrowserOnly", namespace: "docusaurus" }));
    to.onLoad({ filter: /.*/, namespace: "docusaurus" }, () => ({ contents: "export default ({ children }) => children();", loader: "js" }));
  },
};

/** MkDocs leaves a block of HTML as it is and wraps the page in its theme. */
function mkdocs() {
  const markup = example("mkdocs/docs/index.md").split("\n").map((line) => (line.startsWith("<") ? line : line.startsWith("# ") ? `<h1>${line.slice(2)}</h1>` : `<p>${line}</p>`)).join("\n");
  assert.match(example("mkdocs/mkdocs.yml"), /javascripts\/element\.js\n +type: module/);
  return around(`<main class="md-typeset">${markup}</main>`, '<script type="module" src="/dist/element.js"></script>');
}

async function pages() {
  const page = (script) => around('<div id="root"></div>', `<script type="module" src="${script}"></script>`);
  const site = `import { createRoot } from "react-dom/client"; import WeighStation from "./src/components/WeighStation.jsx"; createRoot(document.querySelector("#root")).render(<WeighStation theme="auto" />);`;
  const inSite = { stdin: { contents: site, loader: "jsx", resolveDir: path.join(EXAMPLES, "docusaurus") }, entryPoints: undefined, plugins: [docusaurus] };
  assert.match(example("docusaurus/docs/weigh.mdx"), /<WeighStation theme="auto" \/>/);
  return {
    "/www/examples/plain/": example("plain/index.html"),
    "/www/examples/frame/": example("frame/index.html"),
    "/react/": page("/react/main.js"),
    "/react/main.js": await bundled("react/main.tsx"),
    "/vue/": page("/vue/main.js"),
    "/vue/main.js": await bundled("vue/main.js", { plugins: [vue] }),
    "/mkdocs/": mkdocs(),
    "/docusaurus/": page("/docusaurus/main.js"),
    "/docusaurus/main.js": await bundled("", inSite),
  };
}

for (const name of BROWSERS) {
  describe(`examples, ${name}`, () => {
    let started, site;
    const trouble = [];

    before(async () => {
      site = await host(await pages());
      started = await launch(name);
    });
    after(async () => {
      await started?.close();
      site?.close();
    });

    async function open(where) {
      const page = await started.browser.newPage();
      page.on("pageerror", (error) => /data:,probe|not focusable/.test(error.message) || trouble.push(`${where}: ${error.message}`));
      await page.goto(`${site.origin}${where}`);
      return page;
    }
    const weigh = (page) =>
      page.waitForSelector("weigh-station:defined").then((station) => station.evaluate(async (one, bytes) => (await one.scan([new File([new Uint8Array(bytes)], "a.pkl")])).verdict, [...PICKLE]));

    for (const where of ["/www/examples/plain/", "/react/", "/vue/"]) {
      test(`${where} refuses a dangerous model`, async () => {
        const page = await open(where);
        assert.equal(await weigh(page), "dangerous");
        await page.waitForFunction(() => document.querySelector("form").checkValidity() === false && new FormData(document.querySelector("form")).get("model") === null);
        if (where !== "/www/examples/plain/") await page.waitForFunction(() => document.querySelector("output").textContent === "dangerous");
        await page.close();
      });
    }
    for (const where of ["/mkdocs/", "/docusaurus/"]) {
      test(`${where} shows the verdict`, async () => {
        const page = await open(where);
        assert.equal(await weigh(page), "dangerous");
        await page.waitForFunction(() => document.querySelector("weigh-station").shadowRoot.querySelector("h2")?.textContent.trim() === "Dangerous");
        await page.close();
      });
    }
    test("the frame tells its page the verdict", async () => {
      const page = await open("/www/examples/frame/");
      let inner;
      while (!(inner = page.frames().find((frame) => frame.url().includes("?embed")))) await new Promise((resolve) => setTimeout(resolve, 50));
      await inner.waitForSelector('[data-sample="command"]');
      await inner.evaluate(() => document.querySelector('[data-sample="command"]').click());
      await page.waitForFunction(() => document.querySelector("output").textContent === "dangerous");
      await page.close();
    });
    test("nothing went wrong on the way", () => assert.deepEqual(trouble, []));
  });
}
