// <weigh-station> in pages that are not ours, in Chromium and Firefox: as a field of a form, under strict policies, under hostile styles, in a frame.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import axe from "axe-core";
import { api } from "../../www/element/print.mjs";
import { DIST } from "../../www/tools.mjs";
import { BROWSERS, launch } from "./browsers.mjs";
import { around, host, ODD, PICKLE, PLAIN } from "./host.mjs";

const SCRIPT = '<script type="module" src="/dist/element.js"></script>';
const INTEGRITY = JSON.parse(readFileSync(path.join(DIST, "integrity.json"), "utf8"));
/** All that the element needs of a policy. */
const NEEDED = {
  script: "script-src 'self' 'wasm-unsafe-eval'",
  worker: "worker-src blob:",
  types: "trusted-types lit-html weighstation",
};
const policy = (lines) => ({ "Content-Security-Policy": ["default-src 'none'", "style-src 'none'", "require-trusted-types-for 'script'", ...Object.values(lines)].join("; ") });
const strict = (lines, body = "<weigh-station></weigh-station>") => ({ body: around(body, SCRIPT), headers: policy(lines) });

const PAGES = {
  "/form": around(`<form id="form" action="/sent"><label for="model">Your model</label> <weigh-station id="model" name="model" required mode="drop"></weigh-station><button>Publish</button></form>`, SCRIPT),
  "/two": around(`<weigh-station id="a"></weigh-station><weigh-station id="b" multiple></weigh-station>`, SCRIPT),
  "/full": around(`<h1>Host</h1><weigh-station multiple directory label="Model"><span slot="intro">my intro</span><button slot="actions">my action</button><span slot="footer">my footer</span></weigh-station>`, SCRIPT),
  "/strict": strict(NEEDED),
  "/no-worker": strict({ ...NEEDED, worker: "worker-src 'self'" }),
  "/own-worker": strict({ ...NEEDED, worker: "worker-src 'self'" }, '<weigh-station worker-src="/dist/worker.js"></weigh-station>'),
  "/no-wasm": strict({ ...NEEDED, script: "script-src 'self'" }),
  "/no-types": strict({ ...NEEDED, types: "trusted-types something-else" }),
  "/hostile": around(
    "<weigh-station></weigh-station>",
    `<style>html{font-size:1px}*{display:none!important;visibility:hidden!important;opacity:0!important;color:transparent!important;font:1px/0 fantasy!important;transform:scale(0)!important;clip-path:inset(50%)!important;letter-spacing:-9px!important;text-indent:-9999px!important;text-transform:uppercase!important;-webkit-text-fill-color:transparent!important;filter:opacity(0)!important}
    html,body{display:block!important;visibility:visible!important;opacity:1!important;transform:none!important;clip-path:none!important;filter:none!important}.verdict,h2{display:none!important}</style>${SCRIPT}`,
  ),
  "/class": around("<weigh-station></weigh-station>", '<script type="module">import { WeighStation } from "/dist/element-class.js"; window.theClass = WeighStation;</script>'),
};

for (const name of BROWSERS) {
  describe(`element, ${name}`, () => {
    let started, site, other;
    const trouble = [];

    before(async () => {
      other = await host({});
      const pages = {
        ...PAGES,
        "/sri": around("<weigh-station></weigh-station>", `<script type="module" src="${other.origin}/dist/element.js" integrity="${INTEGRITY["element.js"]}" crossorigin="anonymous"></script>`),
        "/frame": around(`<script>window.words = []; addEventListener("message", (event) => words.push([event.origin, event.data]))</script><iframe sandbox="allow-scripts allow-downloads" width="700" height="700"></iframe>`),
      };
      site = await host(pages);
      started = await launch(name);
    });
    after(async () => {
      await started?.close();
      site?.close();
      other?.close();
    });

    async function open(where) {
      const page = await started.browser.newPage();
      // Firefox reports as errors what a policy refuses, which some of these pages are made for.
      page.on("pageerror", (error) => /Content-Security-Policy|data:,probe|postMessage|createPolicy/.test(error.message) || trouble.push(`${where}: ${error.message}`));
      await page.goto(`${site.origin}${where}`);
      return page;
    }
    const ready = (page) => page.waitForFunction(() => document.querySelector("weigh-station").matches(":defined") && document.querySelector("weigh-station").dataset.state);
    /** Gives a file to an element and waits for the end. */
    const weigh = (page, bytes, { which = "weigh-station", file = "a.pkl" } = {}) =>
      page.$eval(
        which,
        async (station, list, as) => {
          const report = await station.scan([new File([new Uint8Array(list)], as)]);
          await station.updateComplete;
          return report.verdict;
        },
        [...bytes],
        file,
      );
    const inside = (page, selector, which = "weigh-station") => page.$eval(which, (station, inner) => station.shadowRoot.querySelector(inner)?.textContent.trim() ?? null, selector);
    const shown = (page) => page.$eval("weigh-station", (station) => station.shadowRoot.querySelector(".station").innerText);

    test("a form refuses a dangerous model and what was not weighed, and sends one in which nothing was found", async () => {
      const page = await open("/form");
      await ready(page);
      const now = () =>
        page.$eval("weigh-station", (station) => ({ valid: station.form.checkValidity(), missing: station.validity.valueMissing, message: station.validationMessage, sent: [...new FormData(station.form).getAll("model")].map((file) => file.name) }));
      const empty = await now();
      assert.deepEqual([empty.valid, empty.missing, empty.sent], [false, true, []]);
      assert.equal(await page.$eval("weigh-station", (station) => station.labels.length), 1);

      assert.equal(await weigh(page, PICKLE), "dangerous");
      const dangerous = await now();
      assert.deepEqual([dangerous.valid, dangerous.missing, dangerous.sent], [false, false, []]);
      assert.match(dangerous.message, /^Dangerous\. Loading a\.pkl runs a shell command/);
      assert.ok(await page.$eval("weigh-station", (station) => station.matches(":state(dangerous)") && station.matches(":invalid")));
      // The button neither sends it nor hides why.
      await page.$eval("form", (form) => form.addEventListener("invalid", () => (window.invalid = true), true));
      await page.click("form > button");
      assert.equal(await page.evaluate(() => window.invalid), true);
      await page.waitForFunction(() => document.activeElement?.localName === "weigh-station" && document.activeElement.shadowRoot.activeElement?.localName === "button");
      assert.equal(new URL(page.url()).pathname, "/form");

      assert.equal(await weigh(page, ODD), "suspicious");
      assert.equal((await now()).valid, false);
      await page.$eval("weigh-station", (station) => ((station.failOn = "dangerous"), station.updateComplete));
      assert.equal((await now()).valid, true);
      await page.$eval("weigh-station", (station) => ((station.failOn = "a slip of the pen"), station.updateComplete));
      assert.equal((await now()).valid, false);

      assert.equal(await weigh(page, Buffer.concat([Buffer.from("Rar!\x1a\x07\x01\x00", "latin1"), Buffer.alloc(64)]), { file: "a.rar" }), "incomplete");
      assert.equal((await now()).valid, true);
      await page.$eval("weigh-station", (station) => ((station.failOn = "gaps"), station.updateComplete));
      assert.equal((await now()).valid, false);

      assert.equal(await weigh(page, PLAIN, { file: "plain.pkl" }), "clear");
      assert.deepEqual(await now(), { valid: true, missing: false, message: "", sent: ["plain.pkl"] });
      await page.$eval("form", (form) => form.reset());
      await page.waitForFunction(() => document.querySelector("weigh-station").state === "empty");
      assert.equal((await now()).missing, true);
      await page.close();
    });

    test("events come in order, the first can be refused, and a reset form is told", async () => {
      const page = await open("/form");
      await ready(page);
      const heard = await page.$eval(
        "weigh-station",
        async (station, list) => {
          const names = ["weigh-files", "weigh-start", "input", "change", "weigh-report", "weigh-cancel", "weigh-error"];
          const heard = [];
          for (const one of names) document.addEventListener(one, (event) => heard.push(event.type));
          const file = new File([new Uint8Array(list)], "a.pkl");
          await station.scan(file);
          await station.updateComplete;
          const [frozen, deep] = [Object.isFrozen(station.report), Object.isFrozen(station.report.files[0].findings)];
          station.addEventListener("weigh-files", (event) => event.preventDefault(), { once: true });
          station.files = [file];
          const kept = station.state;
          station.clear();
          await station.updateComplete;
          await station.scan([file, file]).catch((error) => heard.push(error.message));
          return { heard, frozen, deep, kept, state: station.state };
        },
        [...PLAIN],
      );
      assert.deepEqual(heard.heard, ["weigh-files", "weigh-start", "input", "change", "weigh-report", "weigh-files", "input", "change", "weigh-files", "weigh-error", "Those are 2 files; this field takes 1."]);
      assert.deepEqual([heard.frozen, heard.deep, heard.kept, heard.state], [true, true, "done", "empty"]);
      await page.close();
    });

    test("a signal ends a scan, and export gives the report as it is", async () => {
      const page = await open("/two");
      await ready(page);
      const said = await page.$eval(
        "#b",
        async (station, list) => {
          const many = Array.from({ length: 400 }, (_, i) => new File([new Uint8Array(list)], `${i}.pkl`));
          const why = await station.scan(many, { signal: AbortSignal.timeout(1) }).catch((error) => error.name);
          await station.scan(many.slice(0, 2));
          const text = await (await station.export("json")).text();
          const unknown = await station.export("nothing").catch((error) => error.name);
          return { why, same: text === `${JSON.stringify(station.report, null, 2)}\n`, unknown, progress: station.progress, files: station.files.map((file) => file.name) };
        },
        [...PLAIN],
      );
      assert.deepEqual(said, { why: "TimeoutError", same: true, unknown: "RangeError", progress: { done: 2, files: 2, fingerprinted: 2 }, files: ["0.pkl", "1.pkl"] });
      await page.close();
    });

    test("two elements on one page do not disturb each other", async () => {
      const page = await open("/two");
      await ready(page);
      const [a, b] = await Promise.all([weigh(page, PICKLE, { which: "#a" }), weigh(page, PLAIN, { which: "#b", file: "b.pkl" })]);
      assert.deepEqual([a, b], ["dangerous", "clear"]);
      assert.deepEqual([await inside(page, "h2", "#a"), await inside(page, "h2", "#b")], ["Dangerous", "Nothing found"]);
      await page.$eval("#a", (station) => station.remove());
      assert.equal(await weigh(page, PICKLE, { which: "#b" }), "dangerous");
      await page.close();
    });

    test("what api.ts promises is there: attributes, properties, methods, states, slots, parts", async () => {
      const table = await api();
      const page = await open("/full");
      await ready(page);
      await weigh(page, PICKLE);
      await page.$eval("weigh-station", (station) => station.shadowRoot.querySelector(".place").click());
      await page.waitForFunction(() => document.querySelector("weigh-station").shadowRoot.querySelector("#evidence table"));
      const lost = await page.$eval(
        "weigh-station",
        (station, names) => {
          const observed = station.constructor.observedAttributes;
          const has = (part) => station.shadowRoot.querySelector(`[part~="${part}"]`);
          return {
            attributes: names.attributes.filter((one) => !observed.includes(one)),
            properties: names.properties.filter((one) => !(one in station)),
            methods: names.methods.filter((one) => typeof station[one] !== "function"),
            slots: names.slots.filter((one) => one !== "intro" && !station.shadowRoot.querySelector(`slot[name="${one}"]`)),
            parts: names.parts.filter((one) => one !== "progress" && !has(one)),
          };
        },
        Object.fromEntries(["attributes", "properties", "methods", "slots", "parts"].map((kind) => [kind, table[kind].map((row) => row.name)])),
      );
      assert.deepEqual(lost, { attributes: [], properties: [], methods: [], slots: [], parts: [] });
      const css = readFileSync(path.join(DIST, "element.js"), "utf8");
      assert.deepEqual(table.cssProperties.map((row) => row.name).filter((one) => !css.includes(`var(${one},`)), []);
      await page.close();
    });

    test("works under a strict policy, and where one line is missing, says which", async () => {
      const good = await open("/strict");
      await ready(good);
      assert.equal(await weigh(good, PICKLE), "dangerous");
      assert.match(await shown(good), /Network locked/);
      await good.close();
      const own = await open("/own-worker");
      await ready(own);
      assert.equal(await weigh(own, PICKLE), "dangerous");
      await own.close();
      for (const [where, words] of [["/no-worker", "worker-src blob:"], ["/no-wasm", "script-src 'wasm-unsafe-eval'"]]) {
        const page = await open(where);
        await ready(page);
        const error = await weigh(page, PICKLE).catch((error) => error.message);
        assert.ok(error.includes(words), `${where}: ${error}`);
        await page.waitForFunction((text) => document.querySelector("weigh-station").shadowRoot.textContent.includes(text), {}, words);
        assert.ok(await page.$eval("weigh-station", (station) => station.matches(":state(blocked)") && !station.checkValidity()));
        await page.close();
      }
      // Trusted Types are in Chromium, and in Firefox from 148 on.
      const refused = await open("/no-types");
      if (await refused.evaluate(() => "trustedTypes" in window)) {
        await refused.waitForFunction(() => /trusted-types lit-html weighstation/.test(document.querySelector("weigh-station").textContent));
      }
      await refused.close();
    });

    test("no style of the page breaks the verdict", async () => {
      const page = await open("/hostile");
      await ready(page);
      await weigh(page, PICKLE);
      const seen = await page.$eval("weigh-station", (station) => {
        const h2 = station.shadowRoot.querySelector("h2");
        const style = getComputedStyle(h2);
        const box = h2.getBoundingClientRect();
        return { visible: h2.checkVisibility({ opacityProperty: true, visibilityProperty: true }), size: Number.parseFloat(style.fontSize), fill: style.webkitTextFillColor, colour: style.color, width: box.width, top: box.top, indent: style.textIndent, spacing: style.letterSpacing, transform: style.textTransform };
      });
      assert.ok(seen.visible && seen.size >= 20 && seen.width > 100 && seen.top >= 0, JSON.stringify(seen));
      assert.equal(seen.fill, seen.colour);
      assert.deepEqual([seen.indent, seen.spacing, seen.transform], ["0px", "normal", "none"]);
      assert.equal(await page.$eval("weigh-station", (station) => getComputedStyle(station).opacity), "1");
      await page.close();
    });

    test("one digest covers the module, from another origin", async () => {
      const page = await open("/sri");
      await ready(page);
      assert.equal(await weigh(page, PICKLE), "dangerous");
      // A lax page is told as such.
      assert.match(await shown(page), /Network not locked/);
      await page.waitForFunction(() => document.querySelector("weigh-station").matches(":state(unlocked)"));
      await page.close();
    });

    test("the class alone registers nothing", async () => {
      const page = await open("/class");
      await page.waitForFunction(() => window.theClass);
      assert.equal(await page.evaluate(() => customElements.get("weigh-station") ?? null), null);
      await page.close();
    });

    test("in a frame the bytes stay there, and only the named origin hears of the outcome", async () => {
      /** The page with a frame that speaks to `parent`; the sample that runs a command was weighed in it. */
      const framed = async (parent) => {
        const page = await open("/frame");
        const address = `${other.origin}/dist/weighstation.html?embed&theme=dark&parent=${encodeURIComponent(parent)}`;
        await page.evaluate((to) => void (document.querySelector("iframe").src = to), address);
        let inner;
        while (!(inner = page.frames().find((frame) => frame.url().includes("?embed")))) await new Promise((resolve) => setTimeout(resolve, 50));
        await inner.waitForSelector('[data-sample="command"]');
        await inner.evaluate(() => document.querySelector('[data-sample="command"]').click());
        await inner.waitForFunction(() => document.documentElement.dataset.digest === "done");
        return { page, inner };
      };
      const { page, inner } = await framed(site.origin);
      await page.waitForFunction(() => window.words.some(([, word]) => word.type === "weigh-report"));
      const words = await page.evaluate(() => window.words);
      const [origin, { report }] = words.find(([, word]) => word.type === "weigh-report");
      assert.deepEqual([origin, report.verdict], ["null", "dangerous"]);
      assert.ok(words.some(([, word]) => word.type === "weigh-height" && word.height > 200));
      assert.equal(await inner.evaluate(() => document.querySelector("[data-lock]").dataset.lock), "locked");
      assert.equal(await inner.evaluate(() => document.querySelector("body > header").checkVisibility()), false);
      await page.close();
      // Named somebody else: nothing is said to this page.
      const stranger = await framed("https://elsewhere.example");
      assert.deepEqual(await stranger.page.evaluate(() => window.words), []);
      await stranger.page.close();
    });

    test("no violations of accessibility rules inside a host page", async () => {
      const page = await open("/full");
      await ready(page);
      await page.evaluate(axe.source);
      const check = async (which) => {
        const violations = await page.evaluate(async () => {
          const { violations } = await globalThis.axe.run("weigh-station", { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] });
          return violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html.slice(0, 120)).join(" | ")}`);
        });
        assert.deepEqual(violations, [], which);
      };
      for (const mode of ["full", "drop", "compact"]) {
        for (const theme of ["light", "dark"]) {
          await page.$eval("weigh-station", (station, how, colours) => ((station.clear(), (station.mode = how), (station.theme = colours)), station.updateComplete), mode, theme);
          await check(`${mode}, ${theme}, empty`);
          await weigh(page, PICKLE);
          await check(`${mode}, ${theme}, dangerous`);
        }
      }
      await page.close();
    });

    test("nothing went wrong on the way", () => assert.deepEqual(trouble, []));
  });
}
