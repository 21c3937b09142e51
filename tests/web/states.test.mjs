// Every state of the page for everybody: for people who cannot see it, who press keys, who need it large or in the colours of their system, who read Japanese.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import axe from "axe-core";
import { BROWSERS } from "./browsers.mjs";
import { start } from "./host.mjs";
import { holdable, STATES, startOver, tidy } from "./states.mjs";

const ALL = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/** What axe has to say; without a list of rules it tries all of them. */
const violations = (page, rules) =>
  page.evaluate(
    async (tags, only) => {
      const { violations } = await axe.run(document, { resultTypes: ["violations"], runOnly: only ?? tags });
      return violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html.slice(0, 160)).join(" | ")}`);
    },
    ALL,
    rules && { type: "rule", values: rules },
  );

/** What is too wide for the page, cut off without saying so, or too small to hit. */
const faults = (page) =>
  page.evaluate(() => {
    const found = [];
    const seen = (one) => one.checkVisibility({ visibilityProperty: true }) && !one.closest(".hidden");
    const named = (one) => `${one.localName}.${one.className} ${one.textContent.trim().slice(0, 40)}`;
    const over = document.documentElement.scrollWidth - innerWidth;
    if (over > 0) found.push(`${over} px too wide`);
    for (const one of document.querySelectorAll("button, select, summary, input, textarea, nav a, [role=treeitem]")) {
      if (!seen(one)) continue;
      const { width, height } = one.getBoundingClientRect();
      if (width < 24 || height < 24) found.push(`smaller than 24 px: ${named(one)}`);
      // Names may end in an ellipsis, each with its whole text; the words of a control may not be cut.
      if (one.localName === "button" && !one.matches(".file") && one.scrollWidth > one.clientWidth + 1) found.push(`cut off: ${named(one)}`);
    }
    for (const one of document.querySelectorAll("h2, h3, h4, p, li, dd, td, th, label, legend")) {
      const { overflowX } = getComputedStyle(one);
      if (seen(one) && overflowX === "visible" && one.scrollWidth > one.clientWidth + 1 && one.clientWidth > 0 && !one.closest(".scroll, .rows")) found.push(`runs out of its box: ${named(one)}`);
    }
    return found;
  });

/** Names and words of formats that are written so in every language. */
const NAMES = ["weighstation", "pickle", "safetensors", "skops", "bzip2", "gzip", "fast", "tar", "cpio", "joblib", "ncnn", "zarr", "zlib", "spa", "word2vec", "proprietary", "eval", "unknown", "os"];

/**
 * Words of Latin letters that stand among Japanese ones and are no names: words of ours that were forgotten. What is quoted, what is called with arguments, paths and
 * identifiers stand in the files; clauses of licences are cited as the licence calls them.
 */
const english = (page) =>
  page.evaluate((names) => {
    const left = new Set();
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT | NodeFilter.SHOW_ELEMENT);
    const look = (text) => {
      const ours = text.replace(/「[^」]*」|\([^()]*\)$|\b[\w-]+[._/][\w./-]+/g, " ");
      const words = (ours.match(/(?<![\w-])[a-z]{3,}(?![\w-])/g) ?? []).filter((word) => !names.includes(word));
      if (words.length > 0) left.add(`${words}: ${text.trim()}`);
    };
    for (let node = walk.nextNode(); node; node = walk.nextNode()) {
      const element = node instanceof Element ? node : node.parentElement;
      if (element.closest("[lang]")?.lang !== "ja" || element.closest("script, style, .mono, code, pre, datalist, .path, .value, .name, .cite")) continue;
      if (node instanceof Element) for (const name of ["aria-label", "title", "placeholder", "alt"]) look(node.getAttribute(name) ?? "");
      else look(node.data);
    }
    return [...left];
  }, NAMES);

for (const name of BROWSERS) {
  describe(`states, ${name}`, () => {
    let started, base;
    const trouble = [];

    before(async () => {
      started = await start(name);
      base = started.base;
    });
    after(async () => {
      await started?.close();
    });

    async function fresh(lang) {
      const page = await started.browser.newPage();
      page.on("pageerror", (error) => /data:,probe/.test(error.message) || trouble.push(error.message));
      await holdable(page);
      await page.setViewport({ width: 1280, height: 900 });
      await page.goto(`${base}?lang=${lang}`);
      await page.waitForSelector("[data-sample]");
      await page.evaluate(axe.source);
      return page;
    }

    for (const lang of ["en", "ja"]) {
      test(`nothing stands in anybody's way in any state: ${lang}`, { timeout: 300_000 }, async () => {
        const page = await fresh(lang);
        const said = [];
        const note = (where, what) => said.push(...what.map((one) => `${where}: ${one}`));
        for (const [state, enter] of Object.entries(STATES)) {
          await page.setViewport({ width: 1280, height: 900 });
          await page.select("#theme", "light");
          await enter(page);
          note(`${state}, light`, await violations(page));
          if (lang === "ja") note(`${state}, English`, await english(page));
          for (const width of [1600, 768, 320]) {
            await page.setViewport({ width, height: 900 });
            note(`${state}, ${width} px`, await faults(page));
          }
          // The colours of the other theme, on the narrow page: the rest is the same.
          await page.select("#theme", "dark");
          note(`${state}, dark`, await violations(page, ["color-contrast", "target-size", "scrollable-region-focusable"]));
          await tidy(page);
        }
        await page.close();
        assert.deepEqual(said, []);
        assert.deepEqual(trouble, []);
      });
    }
  });
}
