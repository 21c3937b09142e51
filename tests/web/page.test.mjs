// The built page in Chromium and Firefox: every way in, every state, and that nothing leaves.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync, writeSync, closeSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { pathToFileURL } from "node:url";
import { server } from "../../www/serve.mjs";
import { DIST, ROOT } from "../../www/tools.mjs";
import { BROWSERS, launch } from "./browsers.mjs";
import { listen } from "./host.mjs";

/** The page must work from anywhere, so the tests never serve it from the root. */
const BELOW = "/some/where/";
const GIB = 1024 ** 3;
const REPORT_KEYS = ["files", "findings", "licence", "schema", "tool", "verdict"];

let folder;

before(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), "weighstation-page-"));
});
after(() => rmSync(folder, { recursive: true, force: true }));

/** A safetensors file that says it is `size` bytes long and is, without filling the disk. */
function sparseSafetensors(name, size) {
  const header = (length) => JSON.stringify({ first: { dtype: "U8", shape: [16], data_offsets: [0, 16] }, rest: { dtype: "U8", shape: [length - 16], data_offsets: [16, length] } });
  // The header's length depends on the numbers in it; spaces after the JSON are allowed and settle it.
  const text = header(size).padEnd(256);
  const data = size - 8 - text.length;
  const fitted = header(data).padEnd(text.length);
  const file = path.join(folder, name);
  const fd = openSync(file, "w");
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(fitted.length));
  writeSync(fd, Buffer.concat([length, Buffer.from(fitted)]));
  closeSync(fd);
  truncateSync(file, size);
  return file;
}

/** A pickle that would call os.system. */
const PICKLE = Buffer.from("\x80\x02cos\nsystem\nX\x11\x00\x00\x00echo weighstation\x85R.", "latin1");

/** A card that says MIT over a base model that is under a licence of its own. */
const CARD = "---\nlicense: mit\nbase_model: meta-llama/Llama-3.1-8B\n---\n# A model\n";
/** The licence of this project, as it comes. */
const LICENCE_TEXT = readFileSync(path.join(ROOT, "LICENSE"), "utf8");

for (const name of BROWSERS) {
  describe(name, () => {
    let started, page, site, base;
    const requests = [];
    const trouble = [];

    before(async () => {
      const listening = server(DIST, (_, pathname) => requests.push(pathname));
      // Below a folder, as on a shared host: the server is asked for /some/where/…, the files lie in dist/.
      const [handler] = listening.listeners("request");
      listening.removeAllListeners("request");
      listening.on("request", (request, response) => {
        request.url = request.url.startsWith(BELOW) ? `/${request.url.slice(BELOW.length)}` : `/outside${request.url}`;
        handler(request, response);
      });
      site = await listen(listening);
      base = site.origin + BELOW;
      started = await launch(name);
      page = await fresh();
    });
    after(async () => {
      await started?.close();
      await site?.close();
    });

    async function fresh(address = base) {
      const opened = await started.browser.newPage();
      // Firefox reports as errors what the policy refuses: the self-test, and the tries of a test below. Anything else is trouble.
      opened.on("pageerror", (error) => /data:,probe|exfil|trusted-types-for/.test(error.message) || trouble.push(error.message));
      await opened.setViewport({ width: 1280, height: 900 });
      await opened.goto(address);
      await state(opened, "empty");
      await opened.waitForSelector("[data-sample]");
      return opened;
    }

    const state = (on, wanted, timeout = 15_000) =>
      on.waitForFunction((s) => document.documentElement.dataset.state === s, { timeout, polling: 20 }, wanted);
    const settled = (on, timeout = 30_000) => on.waitForFunction(() => document.documentElement.dataset.digest === "done", { timeout, polling: 20 });
    const verdict = (on) => on.$eval('main[aria-label="Verdict"] h2', (h2) => h2.textContent.trim());
    const report = (on) => on.$eval("weigh-station", (station) => station.report);
    const sample = async (on, which) => {
      await on.$eval(`[data-sample="${which}"]`, (button) => button.click());
      // The state may already be "done" from the file before: wait for the file itself.
      const file = { harmless: "harmless.safetensors", command: "runs-a-command.pkl", broken: "broken.pt" }[which];
      await on.waitForSelector(`[data-path="${file}"][data-verdict]`);
      await state(on, "done");
    };
    const startOver = async (on) => {
      await on.$eval("weigh-station", (station) => station.clear());
      await state(on, "empty");
    };
    const drop = (on, kind, files) =>
      on.evaluate(
        (type, list) => {
          const transfer = new DataTransfer();
          for (const [name, bytes] of list) transfer.items.add(new File([new Uint8Array(bytes)], name));
          const event = type === "paste" ? new ClipboardEvent(type, { bubbles: true }) : new DragEvent(type, { bubbles: true, dataTransfer: transfer });
          // Firefox has no way to make a paste that carries files.
          if (type === "paste") Object.defineProperty(event, "clipboardData", { value: transfer });
          document.body.dispatchEvent(event);
        },
        kind,
        files.map(([file, bytes]) => [file, [...bytes]]),
      );

    const folderOf = async (on, card, licence) => {
      await on.evaluate(
        (texts) => document.querySelector("weigh-station").take(texts.map(([path, text]) => ({ path, file: new File([text], path.split("/").pop()) }))),
        [["m/README.md", card], ["m/LICENSE", licence]],
      );
      await on.waitForSelector('[data-path="m/LICENSE"][data-verdict]');
      await state(on, "done");
    };
    /** What a button would save, caught where the page hands it to the browser. */
    const savedText = (on, button) =>
      on.evaluate(
        (which) =>
          new Promise((resolve) => {
            const { createObjectURL } = URL;
            URL.createObjectURL = (blob) => {
              URL.createObjectURL = createObjectURL;
              void blob.text().then(resolve);
              return "data:,";
            };
            const { click } = HTMLAnchorElement.prototype;
            HTMLAnchorElement.prototype.click = function () {
              HTMLAnchorElement.prototype.click = click;
            };
            document.querySelector(which).click();
          }),
        button,
      );

    test("says what it is before any script runs", async () => {
      const plain = await started.browser.newPage();
      await plain.setJavaScriptEnabled(false).catch(() => {});
      await plain.goto(base);
      const text = await plain.$eval("body", (body) => body.innerText);
      assert.match(text, /Weigh a model before you load it/);
      await plain.close();
    });

    test("is locked, and says how it knows", async () => {
      await page.waitForSelector('[data-lock="locked"]');
      const panel = await page.$eval(".lock", (details) => {
        details.open = true;
        const text = details.innerText;
        details.open = false;
        return text;
      });
      assert.match(panel, /connect-src 'none'/);
      assert.match(panel, /this page: refused · the scanner: refused/);
      assert.match(panel, /Not covered/);
      assert.equal(await page.$eval("[data-requests]", (cell) => cell.dataset.requests), "0");
    });

    test("what its own markup links to is no request of somebody else, however late the browser asks for it", async () => {
      const late = await started.browser.newPage();
      await late.evaluateOnNewDocument(() => {
        window.PerformanceObserver = class {
          #heard;
          constructor(heard) {
            this.#heard = heard;
          }
          observe() {
            const names = [document.querySelector('link[rel="manifest"]').href, new URL("elsewhere", location.href).href];
            this.#heard({ getEntries: () => names.map((name) => ({ name, startTime: Infinity })) });
          }
          disconnect() {}
        };
      });
      await late.goto(base);
      await late.waitForSelector("[data-requests]");
      assert.equal(await late.$eval("[data-requests]", (cell) => cell.dataset.requests), "1");
      await late.close();
    });

    test("policy forbids every way out that a script has", async () => {
      const outside = base.replace(BELOW, "/outside/exfil");
      const refused = await page.evaluate(async (url) => {
        const tries = {
          fetch: () => fetch(url),
          xhr: () =>
            new Promise((resolve, reject) => {
              const request = new XMLHttpRequest();
              request.onload = resolve;
              request.onerror = reject;
              request.open("GET", url);
              request.send();
            }),
          image: () =>
            new Promise((resolve, reject) => {
              const image = new Image();
              image.onload = resolve;
              image.onerror = reject;
              image.src = url;
            }),
          socket: () =>
            new Promise((resolve, reject) => {
              const socket = new WebSocket(url.replace("http", "ws"));
              socket.onopen = resolve;
              socket.onerror = reject;
            }),
          worker: () =>
            new Promise((resolve, reject) => {
              const worker = new Worker(url);
              worker.onmessage = resolve;
              worker.onerror = reject;
            }),
        };
        const failed = [];
        for (const [way, go] of Object.entries(tries)) {
          try {
            await go();
          } catch {
            failed.push(way);
          }
        }
        navigator.sendBeacon(url);
        return failed;
      }, outside);
      assert.deepEqual(refused, ["fetch", "xhr", "image", "socket", "worker"]);
      assert.ok(!requests.some((one) => one.includes("exfil")), `the server was asked: ${requests}`);
    });

    test("a sample that runs a command: verdict, hooks, bytes, focus", async () => {
      await sample(page, "command");
      assert.equal(await verdict(page), "Dangerous");
      assert.equal(await page.$eval("[data-path]", (row) => row.dataset.verdict), "dangerous");
      // The contract: main is a sibling of the status, and the verdict is its first h2.
      const sibling = await page.$eval('main[aria-label="Verdict"]', (main) => main.previousElementSibling.getAttribute("role"));
      assert.equal(sibling, "status");
      assert.match(await page.$eval("[role=status]", (status) => status.textContent), /Finished/);
      assert.match(await page.$eval(".headline", (p) => p.textContent), /echo weighstation/);
      assert.ok((await page.$$("[data-rule]")).length > 0);

      await page.focus(".place");
      await page.keyboard.press("Enter");
      await page.waitForSelector("#evidence table");
      await page.waitForFunction(() => document.activeElement?.id === "evidence");
      assert.match(await page.$eval("#evidence mark", (one) => one.textContent), /[0-9a-f]{2}/);
      assert.ok(await page.$("#evidence tr.marked"), "no row of the listing is marked");
      assert.match(await page.$eval("#evidence .listing", (listing) => listing.textContent), /system/);
      await page.keyboard.press("Escape");
      await page.waitForFunction(() => document.activeElement?.classList.contains("place"));

      await settled(page);
      const got = await report(page);
      for (const key of REPORT_KEYS) assert.ok(key in got, key);
      assert.match(got.files[0].sha256, /^[0-9a-f]{64}$/);
    });

    test("a harmless sample and a broken one", async () => {
      await sample(page, "harmless");
      assert.equal(await verdict(page), "Nothing found");
      assert.match(await page.$eval("main", (main) => main.innerText), /not proof that it is harmless/);
      await sample(page, "broken");
      assert.notEqual(await verdict(page), "Nothing found");
    });

    test("works with the keyboard alone", async () => {
      await startOver(page);
      await page.evaluate(() => document.activeElement?.blur());
      for (let i = 0; i < 12; i++) {
        await page.keyboard.press("Tab");
        if (await page.evaluate(() => document.activeElement?.dataset.sample === "command")) break;
      }
      const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
      assert.notEqual(outline, "none", "the focus cannot be seen");
      await page.keyboard.press("Enter");
      await state(page, "done");
      await page.focus('[role="treeitem"][tabindex="0"]');
      await page.keyboard.press("End");
      await page.keyboard.press("Home");
      await page.keyboard.press("ArrowLeft");
      await page.waitForFunction(() => document.activeElement?.getAttribute("aria-expanded") === "false");
    });

    test("drop and paste", async () => {
      for (const kind of ["drop", "paste"]) {
        await startOver(page);
        await drop(page, kind, [
          [`${kind}.pkl`, PICKLE],
          [".hidden.txt", Buffer.from("hello\n")],
        ]);
        await state(page, "done");
        assert.equal(await verdict(page), "Dangerous");
        const paths = await page.$$eval("[data-path]", (rows) => rows.map((row) => row.dataset.path));
        assert.deepEqual(paths.sort(), [".hidden.txt", `${kind}.pkl`]);
      }
    });

    test("file input and folder input", async () => {
      await startOver(page);
      const inside = path.join(folder, `model-${name}`);
      mkdirSync(path.join(inside, "deep"), { recursive: true });
      writeFileSync(path.join(inside, "a.pkl"), PICKLE);
      writeFileSync(path.join(inside, ".hidden.pkl"), PICKLE);
      writeFileSync(path.join(inside, "deep/readme.md"), "# hello\n");
      const files = await page.$('input[type=file][data-intake="files"]');
      await files.uploadFile(path.join(inside, "a.pkl"), path.join(inside, "deep/readme.md"));
      await state(page, "done");
      assert.equal((await report(page)).files.length, 2);
      await startOver(page);
      const whole = await page.$('input[type=file][data-intake="folder"]');
      const below = [".hidden.pkl", "a.pkl", "deep/readme.md"];
      // Firefox's driver cannot choose a folder, only files: their paths are lost, the files are not.
      await whole.uploadFile(...(name === "chromium" ? [inside] : below.map((one) => path.join(inside, one))));
      await state(page, "done");
      const paths = (await report(page)).files.map((file) => file.path).sort();
      assert.deepEqual(paths, below.map((one) => (name === "chromium" ? `model-${name}/${one}` : path.basename(one))));
    });

    test("a file over 4 GiB: verdict before fingerprint, and Stop", { timeout: 120_000 }, async () => {
      await startOver(page);
      const file = sparseSafetensors(`${name}-big.safetensors`, 5 * GIB);
      const input = await page.$('input[type=file][data-intake="files"]');
      await page.evaluate(() => {
        window.since = 0;
        document.querySelector('[data-intake="files"]').addEventListener("change", () => (window.since = performance.now()), { capture: true, once: true });
        new MutationObserver((_, observer) => {
          if (document.documentElement.dataset.state !== "done") return;
          window.took = performance.now() - window.since;
          observer.disconnect();
        }).observe(document.documentElement, { attributes: true });
      });
      await input.uploadFile(file);
      await state(page, "done");
      const took = await page.evaluate(() => window.took);
      assert.ok(took < 1000, `the verdict took ${took} ms`);
      assert.equal(await page.$eval("html", (html) => html.dataset.digest), "running");
      const before = await report(page);
      assert.equal(before.files[0].size, 5 * GIB);
      assert.equal(before.files[0].tensors.count, 2);
      assert.equal(before.files[0].sha256, null);
      await page.waitForFunction(() => Number(document.querySelector(".fingerprints progress")?.value) > 0);
      await page.click('.fingerprints [data-action="stop"]');
      await settled(page);
      assert.equal((await report(page)).files[0].sha256, null);
      rmSync(file);
    });

    test("five thousand files: a bounded page, and Stop in the middle", { timeout: 180_000 }, async () => {
      const many = (count) =>
        page.evaluate((n) => {
          const items = Array.from({ length: n }, (_, i) => ({ path: `many/${i}.txt`, file: new File([`file ${i}\n`], `${i}.txt`) }));
          document.querySelector("weigh-station").take(items);
        }, count);
      await startOver(page);
      await many(5000);
      await page.waitForSelector('[data-action="stop"]');
      await page.waitForFunction(() => document.querySelectorAll("[data-verdict]").length > 0);
      await page.click('[data-action="stop"]');
      await state(page, "done");
      const stopped = await report(page);
      assert.equal(stopped.files.length, 5000);
      const cancelled = stopped.files.filter((file) => file.gaps.some((gap) => gap.reason === "cancelled"));
      assert.ok(cancelled.length > 0 && cancelled.length < 5000, `${cancelled.length} of 5000 were cancelled`);
      assert.equal(await verdict(page), "Not fully checked");

      await startOver(page);
      await many(5000);
      await state(page, "done", 120_000);
      assert.ok((await page.$$("[data-path]")).length < 100, "the list is not windowed");
      assert.equal((await report(page)).files.length, 5000);
      await page.$eval(".rows.long", (frame) => (frame.scrollTop = frame.scrollHeight));
      await page.waitForSelector('[data-path="many/4999.txt"]');
      await page.$eval("weigh-station", (station) => station.cancel());
    });

    test("Stop at any moment, again and again, is no trouble", { timeout: 120_000 }, async () => {
      await startOver(page);
      const before = trouble.length;
      const ends = await page.evaluate(async () => {
        const station = document.querySelector("weigh-station");
        const pause = (time) => new Promise((resolve) => setTimeout(resolve, time));
        const ends = [];
        const long = new File([new Uint8Array(30e6)], "long.bin");
        for (let round = 0; round < 40; round++) {
          const short = (_, i) => ({ path: `${i}.txt`, file: new File([`file ${i}\n`], `${i}.txt`) });
          station.take(round % 2 ? Array.from({ length: 6 }, (_, i) => ({ path: `${i}.bin`, file: long })) : Array.from({ length: 1500 }, short));
          await pause((round * 7) % 280);
          station.cancel();
          while (station.state === "scanning") await pause(10);
          ends.push(station.state);
          station.clear();
        }
        return ends;
      });
      assert.deepEqual(ends, Array(40).fill("done"));
      assert.deepEqual(trouble.slice(before), []);
    });

    test("a file that changed since it was chosen is a gap, and the rest is weighed", async () => {
      await startOver(page);
      const file = path.join(folder, `${name}-vanishes.bin`);
      writeFileSync(file, Buffer.alloc(300_000, 1));
      await page.evaluate(() => {
        const input = document.createElement("input");
        input.type = "file";
        input.id = "held";
        document.body.append(input);
      });
      await (await page.$("#held")).uploadFile(file);
      rmSync(file);
      await page.evaluate(() => {
        const held = document.querySelector("#held");
        document.querySelector("weigh-station").take([
          { path: "vanishes.bin", file: held.files[0] },
          { path: "stays.txt", file: new File(["hello"], "stays.txt") },
        ]);
        held.remove();
      });
      await state(page, "done");
      const { files } = await report(page);
      assert.ok(files.find((one) => one.path === "vanishes.bin").gaps.some((gap) => gap.reason === "unreadable"));
      assert.deepEqual(files.find((one) => one.path === "stays.txt").gaps, []);
    });

    test("a folder's licences: what the files say with their bytes, the clashes, and one list for what is planned", async () => {
      await folderOf(page, CARD, LICENCE_TEXT);
      await page.waitForSelector(".licence [data-list]");
      const rules = await page.$$eval(".licence .findings > li", (all) => all.map((one) => one.dataset.rule));
      assert.deepEqual(rules, ["WS701", "WS702"]);
      const said = await page.$$eval("[data-statement]", (all) => all.map((row) => row.innerText.replace(/\s+/g, " ")));
      assert.ok(said.some((row) => /declared license mit MIT License/.test(row)), said.join("\n"));
      assert.ok(said.some((row) => /text found .*Apache License 2\.0 100 % match/.test(row)), said.join("\n"));
      await page.$eval('[data-statement="base"] .place', (button) => button.click());
      await page.waitForSelector("#evidence mark");
      assert.match(await page.$$eval("#evidence mark", (all) => all.map((one) => one.textContent).join("")), /62 61 73 65 5f 6d 6f 64 65 6c/);
      assert.equal(await page.$eval('[data-statement="base"] .place', (button) => button.ariaExpanded), "true");
      await page.keyboard.press("Escape");
      await page.waitForFunction(() => !document.querySelector("#evidence"));
      assert.equal(await page.$eval(".answer", (one) => one.dataset.level), "needs-review");
      await page.$eval('[name="weigh-use"][value="give"]', (radio) => radio.click());
      await page.waitForSelector('.answer[data-level="conflict"]');
      await page.waitForSelector('[data-list="clashes"] li');
      await page.waitForSelector('[data-list="must"] li');
      // Every line says where it comes from.
      const bare = await page.$$eval('[data-list="must"] li, [data-list="must_not"] li', (all) => all.map((li) => li.querySelector(".cite")?.textContent ?? "").filter((cite) => !/read \d{4}-\d\d-\d\d/.test(cite)));
      assert.deepEqual(bare, []);
      assert.match(await page.$eval(".disclaimer", (p) => p.textContent), /guidance and not legal advice.* \d{4}-\d\d-\d\d/);
    });

    test("an inventory is begun, put away, opened by dropping it, and tells what changed", async () => {
      const other = await fresh();
      await folderOf(other, CARD, LICENCE_TEXT);
      await other.waitForSelector('[data-action="inventory-add"]');
      await settled(other);
      const saved = await savedText(other, '[data-action="inventory-json"]');
      assert.deepEqual(JSON.parse(saved).entries.map((entry) => entry.name), ["m", "meta-llama/Llama-3.1-8B"]);
      assert.match(await savedText(other, '[data-action="inventory-csv"]'), /^# This is guidance and not legal advice[^]*\nname,licence,/);
      await other.$eval('[data-action="inventory-add"]', (button) => button.click());
      await other.waitForSelector('[data-action="inventory-forget"]');
      await other.$eval('[data-action="inventory-forget"]', (button) => button.click());
      await other.waitForFunction(() => !document.querySelector('[data-action="inventory-forget"]'));
      await startOver(other);
      await drop(other, "drop", [["inventory.json", Buffer.from(saved)]]);
      await other.waitForSelector(".inventory table");
      await folderOf(other, CARD.replace("license: mit", "license: cc-by-nc-4.0"), LICENCE_TEXT);
      await other.waitForSelector('[data-change="licence"]');
      assert.match(await other.$eval('[data-change="licence"]', (one) => one.innerText), /m has another licence \(.*\)/);
      await settled(other);
      await other.waitForSelector('[data-change="files"]');
      // A file that only calls itself an inventory is weighed like any other.
      await startOver(other);
      await drop(other, "drop", [["inventory.json", Buffer.from('{"schema":"weighstation-inventory/1","entries":7}')]]);
      await state(other, "done");
      assert.equal((await report(other)).files.length, 1);
      await other.close();
    });

    test("licence guidance without a file: by name, with the facts a licence asks for, and its texts to copy", async () => {
      const other = await fresh();
      await other.click('[data-action="guide"]');
      await other.waitForFunction(() => document.querySelectorAll("#weigh-licences option").length > 150);
      assert.equal(await other.$eval(".answer", () => true).catch(() => false), false);
      await other.waitForFunction(() => /\d{4}-\d\d-\d\d/.test(document.querySelector(".disclaimer").textContent));
      await other.type("[data-choose]", "Llama 3.1 Community License");
      await other.keyboard.press("Enter");
      await other.waitForSelector('.answer[data-level="needs-review"], .answer[data-level="ok-with-obligations"]');
      await other.$eval('[name="weigh-use"][value="service"]', (radio) => radio.click());
      await other.waitForSelector('[data-fact="mau"]');
      await other.waitForSelector('.answer[data-level="needs-review"]');
      await other.$eval('[data-fact="mau"]', (input) => {
        input.value = "1000";
        input.dispatchEvent(new Event("change"));
      });
      await other.waitForSelector('.answer[data-level="ok-with-obligations"]');
      assert.ok(await other.$('[data-fact="mau"]'), "an answered question can still be changed");
      await other.select('[data-fact="field"]', "military");
      await other.waitForSelector('.answer[data-level="conflict"]');
      assert.match(await other.$eval('[data-copy="attribution"] pre', (pre) => pre.textContent), /Built with Llama/);
      const copied = await other.evaluate(async () => {
        let text = "";
        Object.defineProperty(navigator, "clipboard", { value: { writeText: async (given) => void (text = given) } });
        document.querySelector('[data-action="checklist"]').click();
        while (!text) await new Promise((resolve) => setTimeout(resolve, 10));
        return text;
      });
      assert.match(copied, /^# Licence\n[^]*- \[ \] Show “Built with Llama”/);
      await other.type("[data-choose]", "a licence of my own");
      await other.keyboard.press("Enter");
      await other.waitForFunction(() => /a licence of my own is not known here/.test(document.querySelector('[data-list="ask"]')?.textContent ?? ""));
      await other.close();
    });

    test("a model without a licence is told as such, with a letter", async () => {
      await startOver(page);
      await sample(page, "harmless");
      await page.waitForSelector('[data-copy="letter"] pre');
      assert.match(await page.$eval('[data-copy="letter"] pre', (pre) => pre.textContent), /use harmless\.safetensors, which you published/);
    });

    test("the same on the one-file page from disk", async () => {
      const offline = await fresh(pathToFileURL(path.join(DIST, "weighstation.html")).href);
      if (name === "chromium") await offline.setOfflineMode(true);
      await offline.waitForSelector('[data-lock="locked"]');
      await sample(offline, "command");
      assert.equal(await verdict(offline), "Dangerous");
      await startOver(offline);
      const input = await offline.$('input[type=file][data-intake="files"]');
      const file = path.join(folder, `${name}-disk.pkl`);
      writeFileSync(file, PICKLE);
      await input.uploadFile(file);
      await state(offline, "done");
      assert.equal(await verdict(offline), "Dangerous");
      await settled(offline);
      assert.match((await report(offline)).files[0].sha256, /^[0-9a-f]{64}$/);
      await offline.close();
    });

    if (name === "chromium") {
      test("the report is saved as the JSON it is", async () => {
        const downloads = path.join(folder, "downloads");
        mkdirSync(downloads);
        const session = await started.browser.target().createCDPSession();
        await session.send("Browser.setDownloadBehavior", { behavior: "allow", downloadPath: downloads, eventsEnabled: true });
        await sample(page, "command");
        await settled(page);
        const saved = new Promise((resolve) => session.on("Browser.downloadProgress", ({ state: how }) => how === "completed" && resolve()));
        await page.click('[data-action="save"]');
        await saved;
        const [saving] = readdirSync(downloads);
        const got = await report(page);
        assert.match(saving, new RegExp(`^weighstation-report-\\d{4}-\\d\\d-\\d\\d-${got.files[0].sha256.slice(0, 8)}\\.json$`));
        assert.deepEqual(JSON.parse(readFileSync(path.join(downloads, saving), "utf8")), got);
      });

      test("the element works in a page that is not ours, with a shadow root", async () => {
        const host = await started.browser.newPage();
        await host.goto("about:blank");
        await host.addScriptTag({ type: "module", content: readFileSync(path.join(DIST, "element.js"), "utf8") });
        await host.evaluate(() => document.body.append(document.createElement("weigh-station")));
        const got = await host.evaluate(
          (bytes) =>
            new Promise((resolve) => {
              const station = document.querySelector("weigh-station");
              station.addEventListener("weigh-report", (event) => resolve(event.detail.report.verdict));
              station.take([{ path: "a.pkl", file: new File([new Uint8Array(bytes)], "a.pkl") }]);
            }),
          [...PICKLE],
        );
        assert.equal(got, "dangerous");
        const heading = await host.evaluate(() => document.querySelector("weigh-station").shadowRoot.querySelector("h2").textContent.trim());
        assert.equal(heading, "Dangerous");
        await host.close();
      });
    }

    test("the server saw the page and nothing else", () => {
      // The service worker and the manifest are fetched by the browser, not by the page.
      const seen = [...new Set(requests)].filter((one) => one !== "/sw.js" && one !== "/site.webmanifest");
      assert.deepEqual(seen, ["/"]);
      assert.deepEqual(trouble, []);
    });
  });
}
