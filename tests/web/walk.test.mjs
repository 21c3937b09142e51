// A newcomer's walk through the page, once by keyboard alone and once by pointer alone: give a folder, read the verdict, open the bytes, keep the report, print.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { BROWSERS } from "./browsers.mjs";
import { start } from "./host.mjs";
import { FOLDER, holdable, STATES, weigh } from "./states.mjs";

/** More presses of a key than any way through the page takes. */
const MANY = 400;

let disk;
before(() => {
  disk = mkdtempSync(path.join(os.tmpdir(), "weighstation-walk-"));
  for (const [name, bytes] of Object.entries(FOLDER)) {
    mkdirSync(path.join(disk, path.dirname(name)), { recursive: true });
    writeFileSync(path.join(disk, name), bytes);
  }
});
after(() => rmSync(disk, { recursive: true, force: true }));

for (const name of BROWSERS) {
  describe(`walk, ${name}`, () => {
    let started, base, page;
    const trouble = [];

    before(async () => {
      started = await start(name);
      base = `${started.base}?lang=en`;
      page = await fresh();
    });
    after(async () => {
      await started?.close();
    });

    async function fresh() {
      const opened = await started.browser.newPage();
      // The self-test is refused, and says so.
      const expected = /data:,probe|violates the following Content Security Policy|Content-Security-Policy/;
      opened.on("pageerror", (error) => expected.test(error.message) || trouble.push(error.message));
      opened.on("console", (message) => message.type() !== "error" || expected.test(message.text()) || trouble.push(message.text()));
      await holdable(opened);
      await opened.evaluateOnNewDocument(() => {
        // A picker of the system's own cannot be driven; the input that stands in for it can.
        delete globalThis.showDirectoryPicker;
        globalThis.kept = { saved: [], printed: 0, copied: [] };
        globalThis.print = () => globalThis.kept.printed++;
        const { createObjectURL } = URL;
        URL.createObjectURL = (what) => {
          if (what.type !== "text/javascript") globalThis.kept.saved.push(what);
          return createObjectURL(what);
        };
        const { click } = HTMLAnchorElement.prototype;
        HTMLAnchorElement.prototype.click = function () {
          if (this.download === "") click.call(this);
          else globalThis.kept.name = this.download;
        };
        Object.defineProperty(navigator, "clipboard", { value: { writeText: async (text) => void globalThis.kept.copied.push(text) } });
      });
      await opened.setViewport({ width: 1280, height: 800 });
      await opened.goto(base);
      await opened.waitForSelector("[data-sample]");
      return opened;
    }

    const done = (on) => on.waitForFunction(() => document.documentElement.dataset.state === "done" && document.documentElement.dataset.digest === "done", { polling: 20 });
    const kept = (on) => on.evaluate(async () => ({ ...globalThis.kept, saved: await Promise.all(globalThis.kept.saved.map((blob) => blob.text())) }));

    /** What has the focus: its words, whether it can be seen, and whether anything lies over all of it. */
    const focused = (on) =>
      on.evaluate(() => {
        const one = document.activeElement;
        if (!one || one === document.body || one === document.documentElement) return null;
        const box = one.getBoundingClientRect();
        const [left, right, top, bottom] = [Math.max(0, box.left), Math.min(innerWidth, box.right), Math.max(0, box.top), Math.min(innerHeight, box.bottom)];
        const points = [0.1, 0.5, 0.9].flatMap((x) => [0.1, 0.5, 0.9].map((y) => [left + x * (right - left), top + y * (bottom - top)]));
        const open = right > left && bottom > top && points.some(([x, y]) => one.contains(document.elementFromPoint(x, y)) || document.elementFromPoint(x, y)?.contains(one.closest("label") ?? one));
        const { outlineStyle, outlineWidth } = getComputedStyle(one);
        const label = one.getAttribute("aria-label") ?? one.labels?.[0]?.textContent ?? one.textContent;
        globalThis.order ??= [];
        if (!globalThis.order.includes(one)) globalThis.order.push(one);
        return {
          what: `${one.localName}${one.id ? `#${one.id}` : ""} ${label.trim().replace(/\s+/g, " ").slice(0, 60)}`,
          at: globalThis.order.indexOf(one),
          open,
          ring: outlineStyle !== "none" && Number.parseFloat(outlineWidth) >= 2,
        };
      });

    /** Presses Tab until what has the focus fits; everything on the way must be to be seen. */
    async function tabTo(on, selector, { back = false } = {}) {
      for (let i = 0; i < MANY; i++) {
        if (back) await on.keyboard.down("Shift");
        await on.keyboard.press("Tab");
        if (back) await on.keyboard.up("Shift");
        const now = await focused(on);
        if (now) assert.ok(now.open && now.ring, `the focus cannot be seen: ${JSON.stringify(now)}`);
        if (await on.evaluate((wanted) => document.activeElement?.matches(wanted), selector)) return;
      }
      assert.fail(`Tab does not lead to ${selector}`);
    }

    const chosen = async (on, press, files) => {
      const chooser = on.waitForFileChooser({ timeout: 10_000 });
      // The browser must have heard that it is not to open its own.
      await on.evaluate(() => new Promise((resolve) => setTimeout(resolve, 100)));
      await press();
      await (await chooser).accept(files);
    };
    const inside = Object.keys(FOLDER).map((one) => path.join(disk, one));

    test("by keyboard alone", { timeout: 60_000 }, async () => {
      await tabTo(page, "main button.main");
      // Firefox's driver cannot choose a folder, only files.
      if (name === "chromium") await tabTo(page, ".intake button:not(.main)");
      await chosen(page, () => page.keyboard.press("Enter"), name === "chromium" ? [path.join(disk, "my-model")] : inside);
      await done(page);
      // What had the focus is gone; it went on to the verdict.
      assert.deepEqual(await page.evaluate(() => [document.activeElement.localName, document.activeElement.textContent.trim()]), ["h2", "Dangerous"]);
      assert.match(await page.$eval("[role=status]", (one) => one.textContent), /^Finished\. 1 dangerous/);
      await tabTo(page, '[data-action="tell"]');
      await page.keyboard.press(" ");
      assert.match((await kept(page)).copied[0], /WS101 shell-import/);
      await tabTo(page, '[data-path$="model.safetensors"] button');
      await page.keyboard.press("Enter");
      await page.waitForFunction(() => document.querySelector("#findings").textContent === "Findings (0)");
      await tabTo(page, '[data-path$="pytorch_model.bin"] button', { back: true });
      await page.keyboard.press("Enter");
      await page.waitForSelector(".findings .place");
      await tabTo(page, ".findings .place");
      await page.keyboard.press("Enter");
      await page.waitForFunction(() => document.activeElement?.id === "evidence");
      assert.ok((await focused(page)).open);
      assert.match(await page.$eval("#evidence .listing tr.marked", (row) => row.textContent), /GLOBAL/);
      assert.match(await page.$eval("#evidence .hex mark", (one) => one.textContent), /^63 /);
      await tabTo(page, '[data-action="copy-text"]');
      await page.keyboard.press("Enter");
      assert.match((await kept(page)).copied[1], /^pytorch_model\.bin › archive\/data\.pkl\n[^]*>\t0x0002\tGLOBAL\tos system\t[^]*63 6f 73 0a/);
      await tabTo(page, '[data-action="save-bytes"]');
      await page.keyboard.press("Enter");
      assert.match((await kept(page)).saved[0], /^cos\nsystem\nX\x11\0\0\0echo weighstation\x85?/);
      await page.keyboard.press("Escape");
      await page.waitForFunction(() => document.activeElement?.matches(".place") && !document.querySelector("#evidence"));
      await page.keyboard.press(" ");
      await page.waitForFunction(() => document.activeElement?.id === "evidence");
      await tabTo(page, '[data-action="close"]');
      await page.keyboard.press("Enter");
      await page.waitForFunction(() => document.activeElement?.matches(".place"));
      await tabTo(page, '[role="treeitem"]');
      for (const key of ["ArrowRight", "ArrowDown", "ArrowRight", "End", "Home"]) await page.keyboard.press(key);
      await page.waitForFunction(() => document.activeElement?.getAttribute("aria-level") === "1");
      await tabTo(page, '[name="weigh-use"]');
      await page.keyboard.press("ArrowDown");
      await page.waitForFunction(() => document.querySelector('[name="weigh-use"][value="service"]')?.checked && document.activeElement.matches('[value="service"]'));
      await tabTo(page, "[data-verify]");
      await page.keyboard.type("00".repeat(32));
      await tabTo(page, '[data-action="verify"]');
      await page.keyboard.press("Enter");
      await page.waitForSelector(".verify .outcome");
      await tabTo(page, '[data-export="form"]');
      await page.keyboard.type("CSV");
      await page.waitForFunction(() => document.activeElement.value === "csv");
      await tabTo(page, '[data-action="save"]');
      await page.keyboard.press("Enter");
      await page.waitForFunction(() => globalThis.kept.saved.length === 2);
      const now = await kept(page);
      assert.match(now.name, /^weighstation-report-\d{4}-\d\d-\d\d\.csv$/);
      assert.match(now.saved[1], /WS101/);
      await tabTo(page, '.export [data-action="print"]');
      await page.keyboard.press("Enter");
      assert.equal((await kept(page)).printed, 1);
      await tabTo(page, '[data-action="clear"]');
      await page.keyboard.press("Enter");
      await page.waitForFunction(() => document.documentElement.dataset.state === "empty" && document.activeElement?.matches("button.main"));
    });

    test("Escape stops a scan, and the focus goes on", async () => {
      await STATES.scanning(page);
      await tabTo(page, '[data-action="stop"]');
      await page.evaluate(() => (globalThis.held = {}));
      await page.keyboard.press("Escape");
      await done(page);
      assert.deepEqual(await page.evaluate(() => [document.activeElement.localName, document.activeElement.textContent.trim()]), ["h2", "Dangerous"]);
    });

    for (const state of ["dangerous", "licence"]) {
      test(`Tab leads to everything that can be pressed, and hides behind nothing: ${state}`, { timeout: 60_000 }, async () => {
        for (const width of [1280, 320]) {
          // A page of its own: after the last stop the focus is in the browser's own bars, and is to be seen there.
          const page = await fresh();
          await STATES[state](page);
          await page.setViewport({ width, height: 800 });
          const wanted = await page.evaluate(() => {
            globalThis.order = [];
            scrollTo(0, 0);
            const able = [...document.querySelectorAll("a[href], button, select, input, textarea, summary, [tabindex]")].filter((one) => one.tabIndex >= 0 && !one.disabled && one.checkVisibility());
            // Of buttons that exclude each other one takes the focus.
            globalThis.able = able.filter((one) => one.type !== "radio" || one.checked);
            globalThis.able[0].focus();
            return globalThis.able.length;
          });
          const hidden = [];
          for (let i = 0; i < wanted + 20; i++) {
            const now = await focused(page);
            // Once around: from here on it is the browser's own bars, and the same again.
            if (i > 0 && (now === null || now.at === 0)) break;
            if (now && !(now.open && (now.ring || i === 0))) hidden.push(JSON.stringify(now));
            await page.keyboard.press("Tab");
          }
          assert.deepEqual(hidden, [], `${width} px`);
          const missed = await page.evaluate(() => globalThis.able.filter((one) => !globalThis.order.includes(one)).map((one) => one.outerHTML.slice(0, 120)));
          assert.deepEqual(missed, [], `${width} px`);
          await page.close();
        }
      });
    }

    test("by pointer alone", { timeout: 60_000 }, async () => {
      const page = await fresh();
      const click = async (selector) => {
        const one = await page.waitForSelector(selector);
        await one.scrollIntoView();
        await one.click();
      };
      if (name === "chromium") {
        // A folder from the desktop, as the browser itself hands it over.
        const session = await page.createCDPSession();
        const data = { items: [], files: [path.join(disk, "my-model")], dragOperationsMask: 1 };
        for (const type of ["dragEnter", "dragOver", "drop"]) await session.send("Input.dispatchDragEvent", { type, x: 400, y: 300, data });
      } else {
        await chosen(page, () => click("main button.main"), inside);
      }
      await done(page);
      assert.equal(await page.$eval("main h2", (h2) => h2.textContent.trim()), "Dangerous");
      if (name === "chromium") assert.ok(await page.$('[data-path="my-model/pytorch_model.bin"]'), "the folder's own name is lost");
      await click('[data-path$="README.md"] button');
      await click('[data-path$="pytorch_model.bin"] button');
      await click('nav a[href="#findings"]');
      await page.waitForFunction(() => Math.abs(document.querySelector("#findings").getBoundingClientRect().top) < innerHeight);
      await click(".findings .place");
      await page.waitForSelector("#evidence mark");
      await click('[data-action="close"]');
      await page.waitForFunction(() => !document.querySelector("#evidence"));
      await click('[role="treeitem"]');
      await click(".findings summary");
      await page.select('[data-export="form"]', "html");
      const before = (await kept(page)).saved.length;
      await click('[data-action="save"]');
      await page.waitForFunction((n) => globalThis.kept.saved.length > n, {}, before);
      assert.match((await kept(page)).saved.at(-1), /^<!doctype html>/i);
      const { printed } = await kept(page);
      await click('.export [data-action="print"]');
      assert.equal((await kept(page)).printed, printed + 1);
      await page.close();
    });

    test("what is said aloud: the start, quarters, the end, and not every file", async () => {
      const other = await fresh();
      await other.evaluate(() => {
        globalThis.said = [];
        new MutationObserver(() => globalThis.said.push(document.querySelector("[role=status]").textContent)).observe(document.querySelector("[role=status]"), { childList: true, characterData: true, subtree: true });
      });
      await weigh(other, Object.fromEntries(Array.from({ length: 120 }, (_, i) => [`many/${i}.txt`, `file ${i}\n`])));
      const said = (await other.evaluate(() => globalThis.said)).filter(Boolean);
      assert.equal(said[0], "Weighing 120 files.");
      assert.match(said.at(-1), /^Finished\. 120 with nothing found\.$/);
      assert.ok(said.slice(1, -1).every((one) => /^(25|50|75) percent weighed\.$/.test(one)), said.join("\n"));
      assert.equal(await other.$$eval("[role=status]:not([hidden]), [aria-live]", (all) => all.length), 1);
      await other.close();
    });

    if (name === "chromium") {
      test("on paper: the report with its bytes, its licences and all that is folded, and no controls", async () => {
        await weigh(page, FOLDER);
        await page.select("#theme", "dark");
        await page.$eval(".findings .place", (button) => button.click());
        await page.waitForSelector("#evidence td");
        await page.emulateMediaType("print");
        const seen = (selector) => page.$$eval(selector, (all) => all.filter((one) => one.checkVisibility({ contentVisibilityAuto: true })).length);
        for (const shown of ["main h2", ".headline", ".advice li", ".files .file", ".identity .digest", "[data-rule]", "#evidence .listing tr.marked", "#evidence .hex mark", "[data-rule] details p", ".tree [role=treeitem]", "[data-statement]", ".answer", "[data-list] li", ".disclaimer", ".situation .chosen"])
          assert.ok((await seen(shown)) > 0, `${shown} is not printed`);
        for (const hidden of [".intake", ".samples", ".sections", ".choices", "textarea", "[data-export]", ".byname", "[data-action]", ".situation label:not(.chosen)", ".overlay", ".facts label"]) assert.equal(await seen(hidden), 0, `${hidden} is printed`);
        const colours = await page.$eval("body", (body) => [getComputedStyle(body).color, getComputedStyle(body).backgroundColor]);
        assert.deepEqual(colours, ["rgb(0, 0, 0)", "rgb(255, 255, 255)"]);
        for (const format of ["a4", "letter"]) {
          const pdf = Buffer.from(await page.pdf({ format })).toString("latin1");
          assert.match(pdf, /^%PDF-/);
          const pages = Number(/\/Type \/Pages[^]*?\/Count (\d+)/.exec(pdf)?.[1] ?? /\/Count (\d+)/.exec(pdf)[1]);
          assert.ok(pages >= 2 && pages <= 8, `${pages} pages`);
        }
        await page.emulateMediaType("screen");
        await page.select("#theme", "auto");
      });

      test("who wants no motion sees none", async () => {
        await page.emulateMediaFeatures([{ name: "prefers-reduced-motion", value: "reduce" }]);
        for (const state of ["scanning", "fingerprints"]) {
          await STATES[state](page);
          const moving = await page.evaluate(() => {
            const still = (style) => /^(0s,? ?)*$/.test(style.transitionDuration) && style.animationName === "none" && style.scrollBehavior !== "smooth";
            return [...document.querySelectorAll("*")].filter((one) => !still(getComputedStyle(one)) || !still(getComputedStyle(one, "::-webkit-progress-value"))).map((one) => one.outerHTML.slice(0, 100));
          });
          assert.deepEqual(moving, []);
          assert.equal(await page.evaluate(() => document.getAnimations().length), 0);
        }
        await page.emulateMediaFeatures([{ name: "prefers-reduced-motion", value: "no-preference" }]);
      });

      test("in the colours of the system the shapes, the chosen and the marked stay to be seen", async () => {
        const session = await page.createCDPSession();
        for (const scheme of ["light", "dark"]) {
          await session.send("Emulation.setEmulatedMedia", { features: [{ name: "forced-colors", value: "active" }, { name: "prefers-color-scheme", value: scheme }] });
          await STATES.dangerous(page);
          await page.keyboard.press("Tab");
          const look = await page.evaluate(() => {
            const style = (selector, pseudo) => getComputedStyle(document.querySelector(selector), pseudo);
            const ground = getComputedStyle(document.body).backgroundColor;
            return {
              forced: matchMedia("(forced-colors: active)").matches,
              unseen: [...document.querySelectorAll(".mark, .padlock, .twist")].filter((one) => one.checkVisibility() && (one.localName === "svg" ? getComputedStyle(one).color : getComputedStyle(one).backgroundColor) === ground && (one.localName === "svg" || one.closest("[aria-expanded]"))).map((one) => one.outerHTML),
              verdict: Number.parseInt(style(".verdict").borderInlineStartWidth),
              chosen: Number.parseInt(style("[aria-current]").borderInlineStartWidth),
              row: Number.parseInt(style("tr.marked > td").borderInlineStartWidth),
              marked: style("#evidence mark").backgroundColor !== ground,
              focus: getComputedStyle(document.activeElement).outlineStyle,
            };
          });
          assert.deepEqual(look, { forced: true, unseen: [], verdict: 6, chosen: 6, row: 6, marked: true, focus: "solid" }, scheme);
        }
        await session.send("Emulation.setEmulatedMedia", { features: [] });
      });

      test("with the spacing that readers may set nothing is cut off", async () => {
        const other = await fresh();
        await other.evaluate(() => {
          const sheet = new CSSStyleSheet();
          sheet.replaceSync("* { line-height: 1.5 !important; letter-spacing: 0.12em !important; word-spacing: 0.16em !important } p { margin-bottom: 2em !important }");
          document.adoptedStyleSheets = [sheet];
        });
        for (const state of ["empty", "dangerous", "licence"]) {
          await STATES[state](other);
          for (const width of [1280, 320]) {
            await other.setViewport({ width, height: 800 });
            const cut = await other.evaluate(() => [
              ...(document.documentElement.scrollWidth > innerWidth ? ["too wide"] : []),
              ...[...document.querySelectorAll("button:not(.file), summary, h2, h3, h4, label, .severity, .word")].filter((one) => one.checkVisibility() && (one.scrollWidth > one.clientWidth + 1 || one.scrollHeight > one.clientHeight + 1) && one.clientWidth > 0 && getComputedStyle(one).display !== "inline").map((one) => one.outerHTML.slice(0, 120)),
            ]);
            assert.deepEqual(cut, [], `${state}, ${width} px`);
          }
          await other.setViewport({ width: 1280, height: 800 });
        }
        await other.close();
      });
    }

    test("nothing went wrong on the way", () => assert.deepEqual(trouble, []));
  });
}
