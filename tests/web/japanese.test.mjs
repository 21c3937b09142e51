// The page in Japanese, in both browsers: how the language is found, that the report follows it, and how it is set. That no sentence is left in English is looked at in every state: states.test.mjs.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { BROWSERS } from "./browsers.mjs";
import { start } from "./host.mjs";

const JAPANESE = /[\u3040-\u30ff\u4e00-\u9fff]/;
const WORDS = { dangerous: "危険", suspicious: "要注意", incomplete: "未確認あり", clear: "検出なし" };
const SAMPLES = { harmless: "harmless.safetensors", command: "runs-a-command.pkl", broken: "broken.pt" };
/** A pickle that builds an object of a class that nobody knows. */
const UNKNOWN = Buffer.from("\x80\x02cmypkg.model\nNet\n)\x81.", "latin1");

for (const name of BROWSERS) {
  describe(`Japanese in ${name}`, () => {
    let started, base;

    before(async () => {
      started = await start(name);
      base = started.base;
    });
    after(async () => {
      await started?.close();
    });

    async function fresh(query = "?lang=ja", languages = ["en"]) {
      const page = await started.browser.newPage();
      await page.evaluateOnNewDocument((list) => Object.defineProperty(Navigator.prototype, "languages", { get: () => list }), languages);
      await page.setViewport({ width: 1000, height: 900 });
      await page.goto(base + query);
      await page.waitForSelector("[data-sample]");
      return page;
    }

    async function sample(page, which) {
      await page.$eval(`[data-sample="${which}"]`, (button) => button.click());
      await page.waitForSelector(`[data-path="${SAMPLES[which]}"][data-verdict]`);
      await page.waitForFunction(() => document.documentElement.dataset.state === "done" && document.documentElement.dataset.digest === "done");
    }

    const take = async (page, file, bytes) => {
      await page.evaluate((path, list) => document.querySelector("weigh-station").take([{ path, file: new File([new Uint8Array(list)], path) }]), file, [...bytes]);
      await page.waitForSelector(`[data-path="${file}"][data-verdict]`);
      await page.waitForFunction(() => document.documentElement.dataset.state === "done");
    };
    const lang = (page) => page.$eval("html", (root) => root.lang);
    const headline = (page) => page.$eval("weigh-station", (station) => station.report.files[0].headline);
    const choose = (page, tag) => page.select("#language", tag);

    test("the language comes from the address, the kept choice, or the browser, in this order", async () => {
      for (const [query, languages, wanted] of [["?lang=ja", ["en"], "ja"], ["", ["ja-JP", "en"], "ja"], ["?lang=en", ["ja"], "en"], ["", ["de", "en"], "en"]]) {
        const page = await fresh(query, languages);
        assert.equal(await lang(page), wanted, `${query} ${languages}`);
        assert.equal(await page.$eval("weigh-station", (station) => station.getAttribute("lang")), wanted);
        await page.close();
      }
      const page = await fresh("", ["en"]);
      await choose(page, "ja");
      await page.close();
      const later = await fresh("", ["en"]);
      assert.equal(await lang(later), "ja", "a choice is kept");
      await choose(later, "en");
      await later.close();
    });

    test("each verdict has its word, in list and title", async () => {
      const page = await fresh();
      const seen = new Set();
      const look = async (file) => {
        const verdict = await page.$eval(`[data-path="${file}"]`, (row) => row.dataset.verdict);
        seen.add(verdict);
        assert.match(await page.$eval(`[data-path="${file}"]`, (row) => row.textContent), new RegExp(WORDS[verdict]), file);
        assert.ok((await page.title()).startsWith(`${WORDS[verdict]} – `), await page.title());
        assert.match(await page.$eval("main", (main) => main.textContent), new RegExp(WORDS[verdict]));
        assert.match(await headline(page), JAPANESE);
        await page.$eval("weigh-station", (station) => station.clear());
        await page.waitForFunction(() => document.documentElement.dataset.state === "empty");
      };
      for (const which of Object.keys(SAMPLES)) {
        await sample(page, which);
        await look(SAMPLES[which]);
      }
      await take(page, "unknown.pkl", UNKNOWN);
      await look("unknown.pkl");
      await take(page, "nobody-knows.bin", Buffer.from([1, 2, 3, 4, 5, 6, 7, 8, 9, 250, 251, 252]));
      await look("nobody-knows.bin");
      assert.deepEqual([...seen].sort(), Object.keys(WORDS).sort());
      await page.close();
    });

    test("another language is said at once, the report with it, and an open listing", async () => {
      const page = await fresh("?lang=en");
      await sample(page, "command");
      const before = await page.$eval("weigh-station", (station) => station.report);
      await page.$eval("[data-rule] button[aria-expanded], button[aria-expanded]", (button) => button.click());
      await page.waitForSelector("#evidence td");
      await choose(page, "ja");
      await page.waitForFunction(() => /[\u3040-\u30ff]/.test(document.querySelector("weigh-station").report.files[0].headline) && /呼び出/.test(document.querySelector("#evidence").textContent));
      assert.equal(await lang(page), "ja");
      assert.ok((await page.title()).startsWith("危険 – "));
      assert.match(page.url(), /lang=ja/);
      await choose(page, "en");
      await page.waitForFunction(() => document.querySelector("weigh-station").report.files[0].headline.startsWith("Loading"));
      assert.deepEqual(await page.$eval("weigh-station", (station) => station.report), before, "there and back again");
      await page.close();
    });

    test("Japanese letters are upright", async () => {
      const page = await fresh();
      await sample(page, "command");
      const style = await page.evaluate(() => [...document.querySelectorAll("main *")].filter((one) => getComputedStyle(one).fontStyle !== "normal" && one.closest("[lang]").lang === "ja").length);
      assert.equal(style, 0, "Japanese letters are not slanted");
      await page.close();
    });
  });
}
