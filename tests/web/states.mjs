// Every state that the page can be in, and how to get there: what looks at the page (for people who cannot see it, in another language, on paper) looks at all of them.
import { readFileSync } from "node:fs";
import path from "node:path";
import zlib from "node:zlib";
import { ROOT } from "../../www/tools.mjs";
import { ODD, PICKLE } from "./host.mjs";

/** A card that says MIT over a base model that is under a licence of its own. */
export const CARD = "---\nlicense: mit\nbase_model: meta-llama/Llama-3.1-8B\ndatasets:\n- rajpurkar/squad\n---\n# A model\n";
/** The licence of this project, as it comes. */
export const LICENCE_TEXT = readFileSync(path.join(ROOT, "LICENSE"), "utf8");

/** A ZIP archive of stored members: name → bytes. */
export function zip(members) {
  const [locals, central] = [[], []];
  let at = 0;
  for (const [said, bytes] of Object.entries(members)) {
    const name = Buffer.from(said);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(0x21, 8); // the first day there is
    common.writeUInt32LE(zlib.crc32(bytes), 10);
    common.writeUInt32LE(bytes.length, 14);
    common.writeUInt32LE(bytes.length, 18);
    common.writeUInt16LE(name.length, 22);
    const where = Buffer.alloc(4);
    where.writeUInt32LE(at);
    locals.push(Buffer.from("PK\x03\x04", "latin1"), common, name, bytes);
    central.push(Buffer.from("PK\x01\x02\x14\x00", "latin1"), common, Buffer.alloc(10), where, name);
    at += 30 + name.length + bytes.length;
  }
  const directory = Buffer.concat(central);
  const end = Buffer.alloc(22);
  end.write("PK\x05\x06", "latin1");
  end.writeUInt16LE(locals.length / 4, 8);
  end.writeUInt16LE(locals.length / 4, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(at, 16);
  return Buffer.concat([...locals, directory, end]);
}

/** A safetensors file of small tensors with these names. */
export function safetensors(names, metadata = {}) {
  const header = Buffer.from(JSON.stringify({ __metadata__: { format: "pt", ...metadata }, ...Object.fromEntries(names.map((name, i) => [name, { dtype: "F32", shape: [2, 2], data_offsets: [16 * i, 16 * (i + 1)] }])) }));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([length, header, Buffer.alloc(16 * names.length)]);
}

const WEIGHTS = safetensors(
  ["model.embed.weight", ...[0, 1, 2].flatMap((n) => [`model.layers.${n}.attention.query.weight`, `model.layers.${n}.attention.query.bias`, `model.layers.${n}.mlp.weight`])],
  { note: "weights of a small model", license: "apache-2.0" },
);
/** As torch.save lays it out, with a pickle that builds what nobody knows, and bytes behind the archive. */
const TORCH = zip({ "archive/data.pkl": PICKLE, "archive/version": Buffer.from("3\n"), "archive/data/0": Buffer.alloc(64, 1), "archive/more.zip": zip({ "inner.pkl": ODD, "inner.txt": Buffer.from("hello\n") }) });
const GAPS = zip({ "model/readme.txt": Buffer.from("hello\n"), "model/weights.7z": Buffer.from("7z\xbc\xaf\x27\x1c\x00\x04 and what follows", "latin1"), "model/part.bin": Buffer.from([250, 251, 3, 4, 5, 252, 253, 8, 9, 10]) });
/** One call of each kind that a rule has something to say about. */
const MANY = Buffer.concat([
  Buffer.from("\x80\x02", "latin1"),
  ...["os system", "builtins eval", "subprocess Popen", "nobody_knows this", "socket socket", "pty spawn", "webbrowser open", "runpy run_path", "operator attrgetter", "shutil rmtree"].map((name) =>
    Buffer.from(`c${name.replace(" ", "\n")}\nX\x07\x00\x00\x00echo hi\x85R0`, "latin1"),
  ),
  Buffer.from("N."),
]);
/** A digest of nothing that is weighed here. */
export const SUM = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/** Must run before the page does: lets a test hold back what workers are asked, so that a state that passes stays; and refuse workers. */
export async function holdable(page) {
  await page.evaluateOnNewDocument(() => {
    globalThis.held = {};
    const { postMessage } = Worker.prototype;
    Worker.prototype.postMessage = function (message, ...more) {
      const share = globalThis.held[message?.task?.kind]?.(message.task);
      if (share === undefined) return postMessage.call(this, message, ...more);
      // Nothing is done; the page is told how far it got, or that it failed.
      const { id, task } = message;
      const data = share < 0 ? { kind: "failed", id, reason: "scanner-stopped", detail: "held" } : { kind: "progress", id, bytes: Math.floor(share * task.file.size) };
      setTimeout(() => this.onmessage?.({ data }));
    };
    const Given = globalThis.Worker;
    globalThis.Worker = class extends Given {
      constructor(...of) {
        if (globalThis.noWorkers) throw new Error("refused");
        super(...of);
      }
    };
  });
}

const state = (page, wanted) => page.waitForFunction((s) => document.documentElement.dataset.state === s, { polling: 20 }, wanted);
const settled = (page) => page.waitForFunction(() => document.documentElement.dataset.digest === "done", { polling: 20 });

/** Back to the first screen, with nothing held and nothing kept. */
export async function startOver(page) {
  await page.evaluate(() => {
    globalThis.held = {};
    globalThis.noWorkers = false;
    document.querySelector("weigh-station").clear();
  });
  await state(page, "empty");
}

/** Gives files as a drop would: path → bytes or text. Resolves when they are taken. */
async function give(page, files) {
  await page.evaluate(
    (list) => document.querySelector("weigh-station").take(list.map(([name, bytes]) => ({ path: name, file: new File([typeof bytes === "string" ? bytes : new Uint8Array(bytes)], name.split("/").pop()) }))),
    Object.entries(files).map(([name, bytes]) => [name, typeof bytes === "string" ? bytes : [...bytes]]),
  );
}

/** Weighs files to the end. */
export async function weigh(page, files) {
  await startOver(page);
  await give(page, files);
  await state(page, "done");
  await settled(page);
}

const openAll = (page, within = "main details") => page.$$eval(within, (all) => all.forEach((one) => (one.open = true)));
const press = (page, selector) => page.$eval(selector, (button) => button.click());

/** A folder as people have them: something bad, something good, a card. */
export const FOLDER = { "my-model/pytorch_model.bin": TORCH, "my-model/model.safetensors": WEIGHTS, "my-model/README.md": CARD, "my-model/LICENSE": LICENCE_TEXT, "my-model/config.json": '{"model_type":"llama"}\n' };

async function inventory(page) {
  await weigh(page, { "m/README.md": CARD, "m/LICENSE": LICENCE_TEXT });
  await page.waitForSelector('[data-action="inventory-add"]');
  await press(page, '[data-action="inventory-add"]');
  await page.waitForSelector(".inventory table");
}

/** name → how to get there from anywhere. */
export const STATES = {
  empty: startOver,
  about: async (page) => {
    await startOver(page);
    await page.waitForSelector('[data-lock="locked"]');
    await openAll(page);
  },
  scanning: async (page) => {
    await startOver(page);
    await page.evaluate(() => (globalThis.held = { scan: ({ path }) => (path.endsWith(".pkl") ? undefined : 0.62) }));
    await give(page, { "model/data.pkl": PICKLE, "model/a-name-that-is-so-long-that-no-list-of-files-has-room-for-all-of-it-in-one-line.safetensors": WEIGHTS, "model/b.safetensors": WEIGHTS, "model/c.safetensors": WEIGHTS });
    await page.waitForSelector("progress");
    await page.waitForSelector("[data-verdict]");
    await page.waitForFunction(() => document.querySelector("main").innerText.includes("kB"));
  },
  fingerprints: async (page) => {
    await startOver(page);
    await page.evaluate(() => (globalThis.held = { digest: () => 0.62 }));
    await give(page, { "model/data.pkl": PICKLE, "model/b.safetensors": WEIGHTS });
    await state(page, "done");
    await page.waitForFunction(() => document.querySelector(".fingerprints progress")?.value > 0);
  },
  clear: (page) => weigh(page, { "model.safetensors": WEIGHTS }),
  dangerous: async (page) => {
    await weigh(page, FOLDER);
    await press(page, ".findings .place");
    await page.waitForSelector("#evidence td");
  },
  suspicious: (page) => weigh(page, { "unknown.pkl": ODD }),
  gaps: (page) => weigh(page, { "model.zip": GAPS }),
  findings: async (page) => {
    await weigh(page, { "many.pkl": MANY });
    await openAll(page, ".findings details");
  },
  contents: async (page) => {
    await weigh(page, { "model.pt": Buffer.concat([TORCH, Buffer.from("something that nobody asked for, behind the end of the archive")]) });
    await page.focus('[role="treeitem"][tabindex="0"]');
    for (let i = 0; i < 16; i++) await page.keyboard.press(i % 2 ? "ArrowDown" : "ArrowRight");
  },
  files: (page) => weigh(page, Object.fromEntries([["many/data.pkl", PICKLE], ...Array.from({ length: 180 }, (_, i) => [`many/part-${i}.txt`, `part ${i}\n`])])),
  licence: async (page) => {
    await weigh(page, { "m/README.md": CARD, "m/LICENSE": LICENCE_TEXT });
    await page.waitForSelector('[name="weigh-use"][value="give"]');
    await press(page, '[name="weigh-use"][value="give"]');
    await page.waitForSelector('.answer[data-level="conflict"]');
    await openAll(page, ".licence details");
    await press(page, '[data-statement="base"] .place');
    await page.waitForSelector("#evidence mark");
  },
  guide: async (page) => {
    await startOver(page);
    await page.evaluate(() => document.querySelector('[data-action="guide"]')?.click());
    await page.waitForFunction(() => document.querySelectorAll("#weigh-licences option").length > 100);
    await page.type("[data-choose]", "Qwen Community License");
    await page.keyboard.press("Enter");
    await page.waitForSelector(".answer");
    await openAll(page, ".licence details");
  },
  inventory: async (page) => {
    await inventory(page);
    await weigh(page, { "m/README.md": CARD.replace("license: mit", "license: cc-by-nc-4.0"), "m/LICENSE": LICENCE_TEXT });
    await page.waitForSelector(".inventory table");
  },
  checks: async (page) => {
    await weigh(page, { "model.safetensors": WEIGHTS });
    await weigh(page, { "data.pkl": PICKLE, "model.safetensors": WEIGHTS });
    await page.$eval("textarea", (area, sum) => (area.value = `${sum}  data.pkl\nnonsense\n`), SUM);
    await press(page, '[data-action="verify"]');
    await page.waitForSelector("[data-check]");
    await press(page, '[data-action="compare-before"]');
    await page.waitForSelector(".changes");
  },
  unreadable: async (page) => {
    await startOver(page);
    await page.evaluate(() => document.querySelector("weigh-station").take([{ path: "gone.bin", file: new Blob(), unreadable: true }]));
    await state(page, "done");
  },
  nothing: async (page) => {
    await startOver(page);
    await page.evaluate(() => document.querySelector("weigh-station").take([]));
    await page.waitForSelector("[data-note]");
  },
  blocked: async (page) => {
    await startOver(page);
    await page.evaluate(() => {
      globalThis.noWorkers = true;
      globalThis.held = { stopped: () => -1, conclude: () => -1 };
    });
    await give(page, { "data.pkl": PICKLE });
    await page.waitForSelector(".blocked");
  },
};

/** What a state leaves behind that `startOver` does not end. */
export const tidy = (page) => page.evaluate(() => document.querySelector('[data-action="inventory-forget"]')?.click());
