// The page as people read it: by keyboard, by link, with filters, in long lists, offline, with other colours and motion; and what is done with a report.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import axe from "axe-core";
import { build } from "esbuild";
import { server } from "../../www/serve.mjs";
import { DIST, ROOT, TARGET } from "../../www/tools.mjs";
import { BROWSERS } from "./browsers.mjs";
import { listen, PICKLE, PLAIN, start } from "./host.mjs";

/** Calls of several kinds, one finding each. */
const MANY_FINDINGS = (() => {
  const call = (module, name) => Buffer.from(`c${module}\n${name}\nX\x04\x00\x00\x00echo\x85R0`, "latin1");
  const calls = [["os", "system"], ["builtins", "eval"], ["importlib", "import_module"], ["socket", "create_connection"], ["shutil", "rmtree"], ["nobody_knows", "this"]];
  return Buffer.concat([Buffer.from("\x80\x02", "latin1"), ...calls.map(([module, name]) => call(module, name)), Buffer.from("N.", "latin1")]);
})();

/** A safetensors file of this many tensors of one byte. */
function tensors(count) {
  const header = JSON.stringify(Object.fromEntries(Array.from({ length: count }, (_, i) => [`model.layer.${i >> 4}.weight.${i & 15}`, { dtype: "U8", shape: [1], data_offsets: [i, i + 1] }])));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([length, Buffer.from(header), Buffer.alloc(count)]);
}

/** What a source file of the page exports. */
async function part(file) {
  const work = path.join(TARGET, "web");
  const alias = { "weighstation-core": path.join(work, "glue.js"), "weighstation-core-packed": path.join(work, "packed.js") };
  const { outputFiles } = await build({ entryPoints: [path.join(ROOT, file)], bundle: true, write: false, format: "esm", alias });
  return import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].text).toString("base64")}`);
}

test("the time left is said only while it is steady", async () => {
  const { Steady } = await part("www/ui/steady.ts");
  const even = new Steady();
  const said = Array.from({ length: 51 }, (_, i) => even.left(i / 100, i * 100));
  assert.ok(said.slice(0, 20).every((left) => left === null), "said before two seconds");
  assert.ok(Math.abs(said.at(-1) - 5) < 0.3, `${said.at(-1)} s left of about 5`);
  const jumpy = new Steady();
  const parts = Array.from({ length: 60 }, (_, i) => (i < 30 ? i / 1000 : 0.03 + (i - 30) / 60));
  assert.ok(parts.map((part, i) => jumpy.left(part, i * 100)).slice(40, 50).every((left) => left === null), "said while the pace changes");
  const stalled = new Steady();
  assert.equal(Array.from({ length: 60 }, (_, i) => stalled.left(0.5, i * 100)).at(-1), null);
});

test("who reads a stream whose bytes are always there lets others have a turn, and so ends when it is told to", { timeout: 60_000 }, async () => {
  const { Ahead, streamed } = await part("www/scanner/stream.ts");
  const endless = { size: 2 ** 50, slice: () => endless, stream: () => new ReadableStream({ type: "bytes", pull: (to) => to.byobRequest.respond(to.byobRequest.view.byteLength) }) };
  const turns = async (read) => {
    let told = false;
    setImmediate(() => (told = true));
    // Some seconds of nothing else, if nobody gets a turn.
    for (let n = 0; !told && n < 20_000; n++) await read(n);
    return told;
  };
  const chunks = streamed(endless);
  assert.ok(await turns(() => chunks.next()), "a fingerprint");
  await chunks.return();
  const ahead = new Ahead(endless);
  assert.ok(await turns((n) => ahead.fill(n * 2 ** 17, (n + 1) * 2 ** 17)), "a scan");
  ahead.close();
});

test("of a file few calls ask for many pages", async () => {
  const { reader, Unreadable } = await part("www/scanner/reader.ts");
  const [PAGE, MIB] = [2 ** 16, 2 ** 20];
  const asked = [];
  let short = 0;
  globalThis.FileReaderSync = class {
    readAsArrayBuffer([from, to]) {
      asked.push([from, to]);
      return Uint8Array.from({ length: to - from - short }, (_, i) => (from + i) / PAGE).buffer;
    }
  };
  const size = 12 * MIB + 9;
  const { read, state } = reader({ size, slice: (from, to) => [from, to] }, () => {});
  const pages = (...of) => {
    asked.length = 0;
    for (const n of of) {
      const bytes = read(n * PAGE, PAGE);
      assert.deepEqual([bytes.length, bytes[0]], [Math.min(PAGE, size - n * PAGE), n], `page ${n}`);
    }
    return asked.map(([from, to]) => [from / PAGE, to]);
  };
  assert.deepEqual(pages(0, 3, 15), [[0, MIB]], "the first megabyte");
  assert.deepEqual(pages(32, 64, 128), [32, 64, 128].map((n) => [n, (n + 1) * PAGE]), "who jumps about");
  assert.deepEqual(pages(191, 192, 191), [[191, size]], "the end");
  assert.deepEqual(pages(...Array.from({ length: 40 }, (_, i) => 20 + i)).slice(-2), [[23, 24 * PAGE], [24, 24 * PAGE + 4 * MIB]], "who goes straight on");
  short = 1;
  assert.throws(() => read(10 * MIB, 7), (error) => error instanceof Unreadable && state.failed, "a file that became shorter");
});

test("manifest: opens what the formats are called, and asks for no picture", () => {
  const manifest = JSON.parse(readFileSync(path.join(DIST, "site.webmanifest"), "utf8"));
  const [{ accept }] = manifest.file_handlers;
  for (const ending of [".pt", ".safetensors", ".gguf", ".onnx", ".pkl", ".keras"]) assert.ok(accept["application/octet-stream"].includes(ending), ending);
  assert.ok(manifest.icons.every(({ src }) => src.startsWith("data:")));
  assert.equal(manifest.share_target, undefined);
});

test("settings for servers carry the policy of the page", () => {
  const policy = /http-equiv="Content-Security-Policy" content="([^"]+)"/.exec(readFileSync(path.join(DIST, "index.html"), "utf8"))[1];
  for (const name of ["_headers", "nginx.conf", "web.config"]) {
    const text = readFileSync(path.join(DIST, name), "utf8");
    assert.ok(text.includes(policy), name);
    assert.ok(text.includes("frame-ancestors 'none'"), name);
    assert.ok(text.includes("Connection-Allowlist"), name);
  }
});

for (const name of BROWSERS) {
  describe(`reader, ${name}`, () => {
    let started, base, page;
    const trouble = [];

    before(async () => {
      started = await start(name);
      base = started.base;
      page = await open();
    });
    after(async () => {
      await started?.close();
    });

    async function open(rest = "") {
      const opened = await started.browser.newPage();
      opened.on("pageerror", (error) => /data:,probe|Content-Security-Policy/.test(error.message) || trouble.push(error.message));
      await opened.setViewport({ width: 1280, height: 800 });
      await opened.goto(base + rest);
      await opened.waitForSelector("[data-sample]");
      return opened;
    }
    const give = (on, files) => on.$eval("weigh-station", (station, list) => station.take(list.map(([file, bytes]) => ({ path: file, file: new File([new Uint8Array(bytes)], file.split("/").pop()) }))), files.map(([file, bytes]) => [file, [...bytes]]));
    const done = (on, timeout = 60_000) => on.waitForFunction(() => document.documentElement.dataset.digest === "done", { timeout, polling: 50 });
    const empty = async (on) => {
      await on.$eval("weigh-station", (station) => station.clear());
      await on.waitForFunction(() => document.documentElement.dataset.state === "empty");
    };
    /** Weighs from the beginning to the end. */
    const weigh = async (on, files) => {
      await empty(on);
      await give(on, files);
      await done(on);
    };
    const copied = (on, press) =>
      on.evaluate(async (selector) => {
        let text = "";
        Object.defineProperty(navigator, "clipboard", { configurable: true, value: { writeText: async (given) => void (text = given) } });
        document.querySelector(selector).click();
        while (!text) await new Promise((resolve) => setTimeout(resolve, 10));
        return text;
      }, press);
    const report = (on) => on.$eval("weigh-station", (station) => station.report);
    const shownRules = (on) => on.$$eval('section[aria-labelledby="findings"] [data-rule]', (all) => all.map((one) => one.dataset.rule));

    test("a long pickle comes while it is weighed, and what stands at its end is found where it is", async () => {
      await empty(page);
      const call = await page.$eval("weigh-station", (station) => {
        const latin = (text) => Uint8Array.from(text, (c) => c.charCodeAt(0));
        const batch = latin(`(${"X\x04\x00\x00\x00nameK\x07\x86".repeat(1000)}e`);
        const parts = [latin("\x80\x02]"), ...Array.from({ length: 1000 }, () => batch)];
        const before = parts.reduce((sum, part) => sum + part.length, 0);
        station.take([{ path: "long.pkl", file: new File([...parts, latin("cos\nsystem\nX\x04\x00\x00\x00echo\x85R.")], "long.pkl") }]);
        return before;
      });
      await done(page);
      const [file] = (await report(page)).files;
      assert.equal(file.verdict, "dangerous");
      assert.deepEqual(file.gaps, []);
      assert.ok(file.findings[0].places.some(({ offset }) => offset >= call && offset < file.size), JSON.stringify(file.findings[0].places));
    });

    test("by keyboard alone: choose, read, open the bytes, close them, save", async () => {
      await page.evaluate(() => document.activeElement?.blur());
      const to = async (selector, most = 60) => {
        for (let i = 0; i < most; i++) {
          await page.keyboard.press("Tab");
          if (await page.evaluate((wanted) => document.activeElement?.matches(wanted), selector)) return;
        }
        assert.fail(`the keyboard does not reach ${selector}`);
      };
      await to('[data-sample="command"]');
      await page.keyboard.press("Enter");
      await done(page);
      await page.evaluate(() => document.activeElement?.blur());
      await to('[data-action="tell"]');
      await to(".place");
      await page.keyboard.press("Enter");
      await page.waitForFunction(() => document.activeElement?.id === "evidence");
      await to('[data-action="close"]');
      await page.keyboard.press("Enter");
      await page.waitForFunction(() => document.activeElement?.classList.contains("place"));
      await to('[data-action="save"]');
      await to("summary");
    });

    test("no focus is hidden below what sticks, at any width", async () => {
      await weigh(page, [["many.pkl", MANY_FINDINGS]]);
      for (const width of [1280, 320]) {
        await page.setViewport({ width, height: 700 });
        // Firefox's driver takes the focus from a window that it resizes, and a window without it draws none.
        await page.bringToFront();
        await page.evaluate(() => (scrollTo(0, 0), document.activeElement?.blur()));
        const hidden = [];
        let first = null;
        for (let i = 0; i < 120; i++) {
          await page.keyboard.press("Tab");
          const seen = await page.evaluate(() => {
            const one = document.activeElement;
            if (!one || one === document.body) return null;
            const { left, top, width: w, height: h } = one.getBoundingClientRect();
            const points = [[0.5, 0.5], [0.5, 0.1], [0.5, 0.9], [0.1, 0.5]].map(([x, y]) => document.elementFromPoint(left + x * w, top + y * h));
            const label = one.closest("label");
            return { name: `${one.localName} ${one.textContent.trim().slice(0, 30)} ${one.dataset.action ?? ""}`, there: points.some((at) => at && (one.contains(at) || at.contains(one) || label?.contains(at))), outline: document.hasFocus() ? getComputedStyle(one).outlineStyle : "not drawn" };
          });
          if (!seen) continue;
          if (first === null) first = seen.name;
          else if (seen.name === first) break;
          if (!seen.there || seen.outline === "none") hidden.push(`${seen.name}: ${seen.there ? "no outline" : "covered"}`);
        }
        assert.deepEqual(hidden, [], `at ${width} px`);
      }
      await page.setViewport({ width: 1280, height: 800 });
    });

    test("one live region says beginning and end", async () => {
      await empty(page);
      await page.evaluate(() => {
        window.said = [];
        const status = document.querySelector("weigh-station > [role=status]");
        new MutationObserver(() => status.textContent && window.said.push(status.textContent)).observe(status, { childList: true, characterData: true, subtree: true });
      });
      await give(page, [["a.pkl", PICKLE], ["b.pkl", PLAIN]]);
      await done(page);
      const said = await page.evaluate(() => window.said);
      assert.equal(said[0], "Weighing 2 files.");
      assert.equal(said.at(-1), "Finished. 1 dangerous and 1 with nothing found.");
      assert.equal((await page.$$("[aria-live], [role=alert], weigh-station [role=status]")).length, 1);
    });

    test("findings are filtered, and a link to one opens its bytes for whoever has the file", async () => {
      await weigh(page, [["many.pkl", MANY_FINDINGS]]);
      const all = await shownRules(page);
      assert.ok(all.length > 4, all.join());
      await page.type('[data-filter="findings"]', "nobody_knows");
      await page.waitForFunction((n) => document.querySelectorAll('section[aria-labelledby="findings"] [data-rule]').length < n, {}, all.length);
      const few = await shownRules(page);
      assert.equal(few.length, 1);
      await page.$eval('[data-filter="findings"]', (input) => ((input.value = ""), input.dispatchEvent(new Event("input"))));
      await page.select('[data-filter="severity"]', "critical");
      await page.waitForFunction(() => [...document.querySelectorAll('section[aria-labelledby="findings"] [data-rule]')].every((one) => one.dataset.severity === "critical"));
      await page.select('[data-filter="severity"]', "");
      await page.waitForFunction((rule) => document.querySelector(`[data-rule="${rule}"] .place`), {}, few[0]);
      await page.$eval(`[data-rule="${few[0]}"] .place`, (button) => button.click());
      await page.waitForSelector("#evidence table");
      const link = await copied(page, '[data-action="link"]');
      assert.match(link, /#file=many\.pkl&rule=WS\d+&member=&offset=\d+$/);
      const other = await open(link.slice(base.length));
      await give(other, [["many.pkl", MANY_FINDINGS]]);
      await other.waitForSelector(`[data-rule="${few[0]}"] #evidence table`);
      await other.close();
    });

    test("the report for the publisher names rule, place and fingerprint, and no folder", async () => {
      await weigh(page, [["home/me/bad.pkl", PICKLE], ["home/me/good.pkl", PLAIN]]);
      const text = await copied(page, '[data-action="tell"]');
      assert.match(text, /^What weighstation found in bad\.pkl\n/);
      assert.match(text, /- WS101 shell-import: .*echo weighstation/);
      assert.ok(text.includes(createHash("sha256").update(PICKLE).digest("hex")));
      assert.match(text, /0x0002, \d+ bytes/);
      assert.doesNotMatch(text, /home\/me/);
    });

    test("at most three things to do, and the better file in the folder is one of them", async () => {
      const safe = tensors(3);
      await weigh(page, [["m/pytorch_model.bin", PICKLE], ["m/model.safetensors", safe]]);
      const advice = await page.$$eval(".advice li", (all) => all.map((one) => one.textContent));
      assert.ok(advice.length <= 3 && advice.some((one) => one.includes("model.safetensors")), advice.join(" | "));
    });

    test("what is dropped while others are weighed joins them; leaving then asks, and afterwards does not", async () => {
      const leaving = () => page.evaluate(() => !dispatchEvent(new Event("beforeunload", { cancelable: true })));
      await empty(page);
      await page.$eval("weigh-station", (station) => station.take(Array.from({ length: 400 }, (_, i) => ({ path: `many/${i}.txt`, file: new File([`file ${i}`], `${i}.txt`) }))));
      await page.waitForFunction(() => document.documentElement.dataset.state === "scanning");
      assert.equal(await leaving(), true);
      await give(page, [["later.pkl", PICKLE]]);
      await page.waitForFunction(() => document.documentElement.dataset.state === "done", { timeout: 60_000 });
      await page.$eval("weigh-station", (station) => station.cancel());
      const { files } = await report(page);
      assert.equal(files.length, 401);
      assert.equal(await leaving(), false);
      await page.type('[data-filter="files"]', "later");
      await page.waitForFunction(() => document.querySelectorAll("[data-path]").length === 1);
      assert.equal(await page.$eval("[data-path]", (row) => row.dataset.path), "later.pkl");
    });

    test("a hundred thousand tensors: a bounded page that answers at once", { timeout: 120_000 }, async () => {
      await empty(page);
      await page.$eval(
        "weigh-station",
        (station, count) => {
          const header = JSON.stringify(Object.fromEntries(Array.from({ length: count }, (_, i) => [`layer.${i >> 4}.weight.${i & 15}`, { dtype: "U8", shape: [1], data_offsets: [i, i + 1] }])));
          const length = new DataView(new ArrayBuffer(8));
          length.setBigUint64(0, BigInt(header.length), true);
          station.take([{ path: "many.safetensors", file: new File([length.buffer, header, new Uint8Array(count)], "many.safetensors") }]);
        },
        100_000,
      );
      await done(page);
      assert.equal((await report(page)).files[0].tensors.count, 100_000);
      await page.focus('[role="treeitem"][tabindex="0"]');
      await page.keyboard.press("End");
      await page.keyboard.press("ArrowRight");
      const lines = await page.$$eval('[role="treeitem"]', (all) => all.length);
      assert.ok(lines < 400, `${lines} lines of the tree exist`);
      assert.ok((await page.evaluate(() => document.querySelectorAll("*").length)) < 4000);
    });

    test("the report in every form, without folders if wanted, and with no script in it", async () => {
      await weigh(page, [["home/me/bad.pkl", PICKLE]]);
      await page.waitForFunction(() => document.querySelectorAll('[data-export="form"] option').length >= 4);
      const forms = await page.$$eval('[data-export="form"] option', (all) => all.map((one) => one.value));
      for (const form of ["json", "html", "markdown", "csv", "sarif"]) assert.ok(forms.includes(form), form);
      const written = await page.$eval(
        "weigh-station",
        async (station, ids) => Object.fromEntries(await Promise.all(ids.map(async (id) => [id, await (await station.export(id, { paths: "names" })).text()]))),
        forms,
      );
      for (const [form, text] of Object.entries(written)) {
        assert.ok(text.includes("bad.pkl") || form === "cyclonedx" || form === "spdx", form);
        assert.doesNotMatch(text, /home\/me/, form);
      }
      assert.doesNotMatch(written.html, /<script/i);
      assert.match(written.html, /echo weighstation/);
      await page.select('[data-export="form"]', "markdown");
      await page.select('[data-export="paths"]', "names");
      const text = await copied(page, '[data-action="copy"]');
      assert.match(text, /^#/);
      assert.doesNotMatch(text, /home\/me/);
    });

    test("fingerprints are held against what the publisher lists", async () => {
      await weigh(page, [["m/a.pkl", PLAIN], ["m/b.pkl", PICKLE]]);
      const sum = (bytes) => createHash("sha256").update(bytes).digest("hex");
      const check = async (text) => {
        await page.$eval("[data-verify]", (area, list) => (area.value = list), text);
        await page.$eval('[data-action="verify"]', (button) => button.click());
      };
      await check(`${sum(PLAIN)}  a.pkl\n${sum(PICKLE)}  b.pkl\n`);
      await page.waitForSelector('[data-outcome="matches"]');
      await check(`${sum(PLAIN)}  a.pkl\n${sum(PLAIN)}  b.pkl\n`);
      await page.waitForSelector('[data-outcome="differs"]');
      assert.equal((await page.$$('[data-check="differs"] mark')).length, 2);
    });

    test("two versions are compared: weighed one after the other, and with a saved report", async () => {
      await weigh(page, [["m.pkl", PLAIN]]);
      const saved = await page.$eval("weigh-station", async (station) => await (await station.export("json")).text());
      await weigh(page, [["m.pkl", PICKLE]]);
      await page.$eval('[data-action="compare-before"]', (button) => button.click());
      await page.waitForSelector(".changes [data-what]");
      assert.match(await page.$eval('section[aria-labelledby="compare"]', (section) => section.innerText), /Nothing found → Dangerous/);
      await weigh(page, [["m.pkl", PICKLE]]);
      await give(page, [["weighstation-report.json", Buffer.from(saved)]]);
      await page.waitForSelector('.changes [data-change-news="worst"], .changes [data-change-news="bad"]');
      // Any other JSON is weighed.
      await give(page, [["weighstation-report.json", Buffer.from('{"schema": "weighstation-report/1", "files": 7}')]]);
      await page.waitForSelector('[data-path="weighstation-report.json"][data-verdict]');
    });

    test("no violations of accessibility rules in Japanese", async () => {
      const other = await open("?lang=ja");
      assert.equal(await other.$eval("html", (html) => html.lang), "ja");
      const check = async (which) => {
        await other.evaluate(axe.source);
        const violations = await other.evaluate(async () => {
          const result = await globalThis.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] });
          return result.violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html.slice(0, 120)).join(" | ")}`);
        });
        assert.deepEqual(violations, [], which);
        assert.ok((await other.evaluate(() => document.documentElement.scrollWidth - innerWidth)) <= 0, `${which} is too wide`);
      };
      for (const [theme, width] of [["light", 1280], ["dark", 320]]) {
        await other.setViewport({ width, height: 900 });
        await other.select("#theme", theme);
        await empty(other);
        await check(`empty, ${theme}`);
        await weigh(other, [["many.pkl", MANY_FINDINGS], ["b.pkl", PLAIN]]);
        await other.$eval(".place", (button) => button.click());
        await other.waitForSelector("#evidence table");
        await other.$eval("[data-verify]", (area) => (area.value = "0".repeat(64)));
        await other.$eval('[data-action="verify"]', (button) => button.click());
        await other.waitForSelector("[data-outcome]");
        await other.$eval(".lock", (lock) => (lock.open = true));
        await check(`dangerous, ${theme}`);
      }
      await other.close();
    });

    test("larger spacing of text breaks nothing", async () => {
      await weigh(page, [["many.pkl", MANY_FINDINGS]]);
      await page.setViewport({ width: 320, height: 800 });
      await page.evaluate(() => {
        const spaced = new CSSStyleSheet();
        spaced.replaceSync("* { line-height: 1.5 !important; letter-spacing: 0.12em !important; word-spacing: 0.16em !important; } p { margin-bottom: 2em !important; }");
        document.adoptedStyleSheets = [spaced];
      });
      assert.ok((await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)) <= 0);
      const cut = await page.$$eval("button", (all) => all.filter((one) => one.checkVisibility() && one.scrollWidth > one.clientWidth + 2 && !one.classList.contains("file")).map((one) => one.textContent.trim()));
      assert.deepEqual(cut, []);
      await page.evaluate(() => (document.adoptedStyleSheets = []));
      await page.setViewport({ width: 1280, height: 800 });
    });

    if (name === "chromium") {
      test("forced colours keep the shapes, and nothing moves for who wants it still", async () => {
        const session = await page.createCDPSession();
        await session.send("Emulation.setEmulatedMedia", { features: [{ name: "forced-colors", value: "active" }, { name: "prefers-reduced-motion", value: "reduce" }] });
        await weigh(page, [["bad.pkl", PICKLE]]);
        const seen = await page.evaluate(() => {
          const svg = document.querySelector(".verdict .mark");
          const moving = [...document.querySelectorAll("*")].filter((one) => {
            const style = getComputedStyle(one);
            return style.animationName !== "none" || Number.parseFloat(style.transitionDuration) > 0;
          });
          return { forced: matchMedia("(forced-colors: active)").matches, fill: getComputedStyle(svg.firstElementChild).fill, ground: getComputedStyle(document.body).backgroundColor, width: svg.getBoundingClientRect().width, edge: getComputedStyle(document.querySelector(".verdict")).borderInlineStartStyle, moving: moving.length };
        });
        assert.ok(seen.forced && seen.fill !== seen.ground && seen.width > 10 && seen.edge === "solid", JSON.stringify(seen));
        assert.equal(seen.moving, 0);
        await session.send("Emulation.setEmulatedMedia", { features: [] });
      });
    }

    test("a page cannot be led away to another host, where the browser knows the header", async () => {
      if (name !== "chromium" || Number((await started.browser.version()).match(/\d+/)[0]) < 152) return;
      const asked = [];
      const elsewhere = await listen(server(DIST, (_, pathname) => asked.push(pathname)));
      const other = await open();
      await other.evaluate((address) => void (location.href = address), `${elsewhere.origin.replace("127.0.0.1", "localhost")}/exfil`);
      await new Promise((resolve) => setTimeout(resolve, 1000));
      assert.deepEqual(asked, []);
      await other.close();
      await elsewhere.close();
    });

    test("opens without a network at the second visit, and knows the digest of its copy", async () => {
      const own = await listen(server(DIST));
      const address = `${own.origin}/`;
      const other = await started.browser.newPage();
      await other.goto(address);
      await other.waitForSelector("[data-sample]");
      const [link, sum] = await other.evaluate(async () => {
        await navigator.serviceWorker.ready;
        document.querySelector(".lock").open = true;
        return [document.querySelector(".lock a").getAttribute("href"), document.querySelector("[data-copy-sum]").textContent];
      });
      assert.equal(sum, createHash("sha256").update(readFileSync(path.join(DIST, link))).digest("hex"));
      await own.close();
      await other.goto(`${address}?lang=en`);
      await other.waitForSelector('[data-lock="locked"]');
      await other.$eval('[data-sample="command"]', (button) => button.click());
      await done(other);
      assert.equal((await report(other)).verdict, "dangerous");
      await other.close();
    });

    test("nothing went wrong on the way", () => assert.deepEqual(trouble, []));
  });
}
