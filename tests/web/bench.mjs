// `npm run bench`: one table, everything measured side by side in one run. Medians; files are sparse or made here, and removed afterwards.
import { spawn, spawnSync } from "node:child_process";
import { closeSync, existsSync, ftruncateSync, mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync, writeSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import zlib from "node:zlib";
import { build } from "esbuild";
import { server } from "../../www/serve.mjs";
import { ask, call, DIST, needPackages, needRust, ROOT, run, say, Stop, TARGET } from "../../www/tools.mjs";
import { launch } from "./browsers.mjs";
import { listen } from "./host.mjs";

const GIB = 1024 ** 3;
const RUNS = Number(process.env.RUNS ?? 5);
const NATIVE = path.join(TARGET, "release", process.platform === "win32" ? "weighstation.exe" : "weighstation");

const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];
const ms = (value) => `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;
const mb = (bytes) => `${(bytes / 1e6).toFixed(bytes < 1e6 ? 2 : 1)} MB`;

const rows = [];
const row = (what, value, note = "") => rows.push([what, value, note]);

/** A safetensors file of this many bytes, nearly all of them a hole. */
function safetensors(file, size) {
  const body = (data) => JSON.stringify({ weight: { dtype: "U8", shape: [data], data_offsets: [0, data] } }).padEnd(128);
  const data = size - 8 - body(size).length;
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(128n);
  const fd = openSync(file, "w");
  writeSync(fd, Buffer.concat([length, Buffer.from(body(data))]));
  ftruncateSync(fd, size);
  closeSync(fd);
}

/** What torch.save writes for one tensor: data.pkl, version, and a stored member that is a hole. ZIP64, since it passes 4 GiB. */
function torch(file, size) {
  const pickle = Buffer.concat([
    Buffer.from("\x80\x02}q\x00X\x01\x00\x00\x00wq\x01ctorch._utils\n_rebuild_tensor_v2\nq\x02((X\x07\x00\x00\x00storageq\x03ctorch\nByteStorage\nq\x04X\x01\x00\x00\x000q\x05X\x03\x00\x00\x00cpuq\x06\x8a\x05", "latin1"),
    Buffer.from([size & 0xff, (size >> 8) & 0xff, (size >> 16) & 0xff, Math.floor(size / 2 ** 24) & 0xff, Math.floor(size / 2 ** 32) & 0xff]),
    Buffer.from("tq\x07QK\x00\x8a\x05", "latin1"),
    Buffer.from([size & 0xff, (size >> 8) & 0xff, (size >> 16) & 0xff, Math.floor(size / 2 ** 24) & 0xff, Math.floor(size / 2 ** 32) & 0xff]),
    Buffer.from("\x85q\x08K\x01\x85q\x09\x89ccollections\nOrderedDict\nq\x0a)Rq\x0btq\x0cRq\x0ds.", "latin1"),
  ]);
  const zeros = Buffer.alloc(16 * 1024 * 1024);
  let holeCrc = 0;
  for (let left = size; left > 0; left -= zeros.length) holeCrc = zlib.crc32(zeros.subarray(0, Math.min(left, zeros.length)), holeCrc);
  const members = [
    { name: "archive/data.pkl", size: pickle.length, bytes: pickle, crc: zlib.crc32(pickle) },
    { name: "archive/byteorder", size: 6, bytes: Buffer.from("little"), crc: zlib.crc32("little") },
    { name: "archive/data/0", size, bytes: null, crc: holeCrc },
    { name: "archive/version", size: 2, bytes: Buffer.from("3\n"), crc: zlib.crc32("3\n") },
  ];
  const fd = openSync(file, "w");
  let at = 0;
  const put = (bytes) => {
    writeSync(fd, bytes, 0, bytes.length, at);
    at += bytes.length;
  };
  const FULL = 0xffffffff;
  const central = [];
  for (const member of members) {
    const big = member.size >= FULL;
    const offset = at;
    const name = Buffer.from(member.name);
    const local = Buffer.alloc(30);
    local.writeUInt32LE(0x04034b50, 0);
    local.writeUInt16LE(big ? 45 : 20, 4);
    local.writeUInt32LE(member.crc, 14);
    local.writeUInt32LE(big ? FULL : member.size, 18);
    local.writeUInt32LE(big ? FULL : member.size, 22);
    local.writeUInt16LE(name.length, 26);
    const sizes = Buffer.alloc(big ? 20 : 0);
    if (big) {
      sizes.writeUInt16LE(1, 0);
      sizes.writeUInt16LE(16, 2);
      sizes.writeBigUInt64LE(BigInt(member.size), 4);
      sizes.writeBigUInt64LE(BigInt(member.size), 12);
    }
    local.writeUInt16LE(sizes.length, 28);
    put(Buffer.concat([local, name, sizes]));
    if (member.bytes) put(member.bytes);
    else at += member.size;
    const far = offset >= FULL;
    const extra = Buffer.alloc(big || far ? 4 + (big ? 16 : 0) + (far ? 8 : 0) : 0);
    if (extra.length > 0) {
      extra.writeUInt16LE(1, 0);
      extra.writeUInt16LE(extra.length - 4, 2);
      if (big) extra.writeBigUInt64LE(BigInt(member.size), 4);
      if (big) extra.writeBigUInt64LE(BigInt(member.size), 12);
      if (far) extra.writeBigUInt64LE(BigInt(offset), extra.length - 8);
    }
    const entry = Buffer.alloc(46);
    entry.writeUInt32LE(0x02014b50, 0);
    entry.writeUInt16LE(45, 4);
    entry.writeUInt16LE(big ? 45 : 20, 6);
    entry.writeUInt32LE(member.crc, 16);
    entry.writeUInt32LE(big ? FULL : member.size, 20);
    entry.writeUInt32LE(big ? FULL : member.size, 24);
    entry.writeUInt16LE(name.length, 28);
    entry.writeUInt16LE(extra.length, 30);
    entry.writeUInt32LE(far ? FULL : offset, 42);
    central.push(Buffer.concat([entry, name, extra]));
  }
  const directory = at;
  const table = Buffer.concat(central);
  put(table);
  const end64 = Buffer.alloc(56);
  end64.writeUInt32LE(0x06064b50, 0);
  end64.writeBigUInt64LE(44n, 4);
  end64.writeUInt16LE(45, 12);
  end64.writeUInt16LE(45, 14);
  end64.writeBigUInt64LE(BigInt(members.length), 24);
  end64.writeBigUInt64LE(BigInt(members.length), 32);
  end64.writeBigUInt64LE(BigInt(table.length), 40);
  end64.writeBigUInt64LE(BigInt(directory), 48);
  const locator = Buffer.alloc(20);
  locator.writeUInt32LE(0x07064b50, 0);
  locator.writeBigUInt64LE(BigInt(at), 8);
  locator.writeUInt32LE(1, 16);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(members.length, 8);
  end.writeUInt16LE(members.length, 10);
  end.writeUInt32LE(table.length, 12);
  end.writeUInt32LE(FULL, 16);
  put(Buffer.concat([end64, locator, end]));
  closeSync(fd);
}

/** A list of small tuples: as many opcodes as fit. */
function smallObjects(file, size) {
  const one = Buffer.from("X\x04\x00\x00\x00nameK\x07\x86", "latin1"); // a text, a number, a tuple of two
  const batch = Buffer.concat([Buffer.from("("), ...Array.from({ length: 1000 }, () => one), Buffer.from("e")]);
  const count = Math.floor(size / batch.length);
  writeFileSync(file, Buffer.concat([Buffer.from("\x80\x02]", "latin1"), ...Array.from({ length: count }, () => batch), Buffer.from(".")]));
  return 2 + count * (2 + 3 * 1000) + 1;
}

/** Processes below one, itself included (Linux). */
function family(pid) {
  const parents = new Map();
  for (const one of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      parents.set(Number(one), Number(readFileSync(`/proc/${one}/stat`, "utf8").replace(/^.*\) /, "").split(" ")[1]));
    } catch {
      // It ended while we looked.
    }
  }
  const found = [pid];
  for (let i = 0; i < found.length; i++) for (const [child, parent] of parents) if (parent === found[i]) found.push(child);
  return found;
}

/** Memory in bytes that these processes share fairly among themselves (Linux). */
function memory(pids) {
  let kib = 0;
  for (const pid of pids) {
    try {
      kib += Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))?.[1] ?? 0);
    } catch {
      // It ended while we looked.
    }
  }
  return kib * 1024;
}

async function peakWhile(pids, work) {
  const before = memory(pids());
  let peak = before;
  const timer = setInterval(() => (peak = Math.max(peak, memory(pids()))), 40);
  try {
    const result = await work();
    return { result, growth: Math.max(0, Math.max(peak, memory(pids())) - before) };
  } finally {
    clearInterval(timer);
  }
}

/** The native scan: time and highest resident memory. */
function native(file) {
  return new Promise((resolve, reject) => {
    const started = performance.now();
    const child = spawn(NATIVE, ["scan", "--no-digest", "--format", "json", "--fail-on", "never", file], { stdio: ["ignore", "ignore", "inherit"] });
    let peak = 0;
    const look = () => {
      try {
        peak = Math.max(peak, 1024 * Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, "utf8"))?.[1] ?? 0));
      } catch {
        // It ended while we looked.
      }
    };
    look();
    const timer = setInterval(look, 2);
    child.on("error", reject);
    child.on("exit", (code) => {
      clearInterval(timer);
      if (code === 0) resolve({ took: performance.now() - started, peak });
      else reject(new Stop(`${NATIVE} ended with ${code}`));
    });
  });
}

async function times(runs, once) {
  const all = [];
  for (let i = 0; i < runs; i++) all.push(await once());
  return all;
}

/** Two hundred small models as a Python library would pickle them: nested settings and some thousand numbers each. */
const MODELS = `
import pickle, random, sys
for n in range(200):
    r = random.Random(n)
    layers = [{"name": f"layer{i}", "shape": (8, 16), "bias": [r.random() for _ in range(16)], "weight": [[r.random() for _ in range(16)] for _ in range(8)]} for i in range(24)]
    with open(f"{sys.argv[1]}/model{n}.pkl", "wb") as out:
        pickle.dump({"version": 3, "layers": layers, "classes": [str(i) for i in range(100)]}, out, 2 + n % 4)
`;

/** How the scanners of PyPI are called over a folder; fickling takes one file at a time. */
const SCANNERS = {
  picklescan: (folder) => [["-p", folder]],
  modelscan: (folder) => [["-p", folder]],
  modelaudit: (folder) => [["scan", folder]],
  fickling: (folder) => readdirSync(folder).map((file) => ["--check-safety", path.join(folder, file)]),
};

/** The program of a scanner in an environment of its own, or null where it cannot be had. */
function scanner(name) {
  const home = path.join(TARGET, "scanners", name);
  const program = path.join(home, "bin", name);
  if (!existsSync(program)) {
    say(`installing ${name}`);
    if (ask("python3", ["-m", "venv", home]) === null || ask(path.join(home, "bin/pip"), ["install", "--quiet", name]) === null) return null;
  }
  return existsSync(program) ? program : null;
}

function scanners(folder) {
  mkdirSync(folder);
  if (ask("python3", ["-c", MODELS, folder]) === null) return row("other scanners", "not measured", "python3 is missing");
  const took = (program, calls) => {
    const since = performance.now();
    // What they find and how they exit is theirs; telemetry they may have is refused.
    for (const args of calls) spawnSync(program, args, { stdio: "ignore", env: { ...process.env, DO_NOT_TRACK: "1", PROMPTFOO_DISABLE_TELEMETRY: "1", NO_ANALYTICS: "1" } });
    return performance.now() - since;
  };
  const mine = () => took(NATIVE, [["scan", "--format", "json", "--fail-on", "never", folder]]);
  mine();
  const ours = median(Array.from({ length: RUNS }, mine));
  row("200 small models, weighstation", ms(ours));
  for (const [name, calls] of Object.entries(SCANNERS)) {
    const program = scanner(name);
    if (!program) {
      row(`200 small models, ${name}`, "not measured", "could not be installed");
      continue;
    }
    const theirs = took(program, calls(folder));
    row(`200 small models, ${name}`, ms(theirs), `weighstation is ${Math.round(theirs / ours)} times as fast`);
  }
}

/**
 * Interactions while a file of 2 GB is read: from the key or the button to the next picture, as the browser measures it. The slowest of each round counts; the rounds
 * are told by their median.
 */
async function interactions(page, file) {
  const round = async () => {
    await page.$eval("weigh-station", (station) => station.clear());
    await page.waitForSelector(".intake:not(.compact)");
    await (await page.$('[data-intake="files"]')).uploadFile(file);
    await page.waitForSelector(".fingerprints progress");
    await page.evaluate(() => {
      window.slowest = 0;
      window.watch?.disconnect();
      window.watch = new PerformanceObserver((list) => list.getEntries().forEach((entry) => entry.interactionId && (window.slowest = Math.max(window.slowest, entry.duration))));
      window.watch.observe({ type: "event", durationThreshold: 16 });
    });
    for (const one of ["summary", ".lock summary", "button.file", '[role="treeitem"]']) {
      await (await page.$(`main ${one}`)).click();
      await page.keyboard.press("Tab");
    }
    await page.keyboard.press("End");
    const busy = await page.evaluate(() => document.documentElement.dataset.digest === "running");
    await new Promise((resolve) => setTimeout(resolve, 200));
    return { slowest: await page.evaluate(() => window.slowest), busy };
  };
  const rounds = [];
  for (let i = 0; i < RUNS; i++) rounds.push(await round());
  const slowest = median(rounds.map((one) => one.slowest));
  row("slowest interaction while 2 GB are read, Chromium", slowest === 0 ? "under 16 ms" : ms(slowest), rounds.every((one) => one.busy) ? "" : "the reading ended first in some rounds");
}

await run(async () => {
  needPackages();
  needRust();
  call("cargo", ["build", "--release", "--bins"]);
  call(process.execPath, [path.join(ROOT, "www/build.mjs")]);
  const folder = mkdtempSync(path.join(os.tmpdir(), "weighstation-bench-"));
  const bareHost = await listen(server(folder));
  const hosted = await listen(server(DIST));
  let started;
  try {
    // First: to start a program, Node copies the table of its own memory, and files of hundreds of megabytes are made in it below.
    say("two hundred small models");
    scanners(path.join(folder, "models"));

    say("making the files");
    const files = { safetensors: path.join(folder, "large.safetensors"), torch: path.join(folder, "large.pt"), pickle: path.join(folder, "small-objects.pkl") };
    safetensors(files.safetensors, 5 * GIB);
    torch(files.torch, 5 * GIB);
    const opcodes = smallObjects(files.pickle, 100e6);
    const hashed = path.join(folder, "hashed.bin");
    const chunk = Buffer.alloc(64 * 1024 * 1024).map((_, i) => (i * 2654435761) >>> 13);
    const fd = openSync(hashed, "w");
    for (let i = 0; i < 8; i++) writeSync(fd, chunk);
    closeSync(fd);
    const shards = Array.from({ length: 4 }, (_, i) => path.join(folder, `shard-${i}.bin`));
    for (const shard of shards) writeFileSync(shard, Buffer.concat([chunk, chunk, chunk, chunk]));

    started = await launch("chromium");
    const { browser } = started;
    const address = `${hosted.origin}/`;

    say("from navigation to ready");
    const ready = await times(RUNS, async () => {
      const page = await browser.newPage();
      await page.goto(address);
      await page.waitForSelector('[data-lock="locked"]');
      const took = await page.evaluate(() => performance.now());
      await page.close();
      return took;
    });
    row("navigation to ready (page drawn, scanner compiled), Chromium", ms(median(ready)));

    const page = await browser.newPage();
    await page.goto(address);
    await page.waitForSelector('[data-lock="locked"]');
    say("interactions while a file is read");
    const two = path.join(folder, "two.safetensors");
    safetensors(two, 2e9);
    await interactions(page, two);
    const pids = () => family(browser.process().pid);
    const { scanOne } = await import(path.join(DIST, "node.js"));

    for (const [what, file] of Object.entries(files)) {
      say(`time to verdict: ${what}`);
      const once = async () => {
        await page.$eval("weigh-station", (station) => station.clear());
        await page.waitForSelector(".intake:not(.compact)");
        await page.evaluate(() => {
          window.verdict = new Promise((resolve) => {
            document.querySelector('[data-intake="files"]').addEventListener(
              "change",
              () => {
                const since = performance.now();
                new MutationObserver((_, observer) => {
                  if (document.documentElement.dataset.state !== "done") return;
                  observer.disconnect();
                  resolve(performance.now() - since);
                }).observe(document.documentElement, { attributes: true });
              },
              { capture: true, once: true },
            );
          });
        });
        await (await page.$('[data-intake="files"]')).uploadFile(file);
        const took = await page.evaluate(() => window.verdict);
        await page.$eval("weigh-station", (station) => station.cancel());
        return took;
      };
      // Who looks at the memory of a browser holds it up: its time is taken by itself.
      const chromium = await times(RUNS, once);
      const growth = await times(RUNS, () => peakWhile(pids, once));
      const here = await times(RUNS, () => native(file));
      // The page reads through the same wasm with the same reads; Node can count them.
      const counted = { reads: 0, bytes: 0 };
      const { walk } = await import(path.join(DIST, "node.js"));
      const [input] = walk(file);
      const open = () => {
        const bytes = input.open();
        const read = (at, view) => {
          counted.reads++;
          const got = bytes.read(at, view);
          counted.bytes += got;
          return got;
        };
        return { ...bytes, read };
      };
      await scanOne({ path: input.path, open }, { digest: false });
      const took = median(chromium);
      row(`${what}: verdict, Chromium`, ms(took), `memory growth ${mb(median(growth.map((one) => one.growth)))}`);
      row(`${what}: verdict, native`, ms(median(here.map((one) => one.took))), `peak ${mb(median(here.map((one) => one.peak)))}`);
      row(`${what}: bytes read`, mb(counted.bytes), `${counted.reads} reads`);
      if (what === "pickle") {
        const rate = (milliseconds) => `${(opcodes / milliseconds / 1000).toFixed(1)} M/s`;
        row("pickle: opcodes, Chromium", rate(took));
        row("pickle: opcodes, native", rate(median(here.map((one) => one.took))));
        const python = ask("python3", [
          "-c",
          "import sys,time,pickletools\nt=time.perf_counter()\nn=sum(1 for _ in pickletools.genops(open(sys.argv[1],'rb')))\nprint((time.perf_counter()-t)*1000)",
          file,
        ]);
        if (python) {
          const times = (milliseconds) => (Number(python) / milliseconds).toFixed(0);
          row("pickle: opcodes, pickletools.genops", rate(Number(python)), `Chromium is ${times(took)}, native ${times(median(here.map((one) => one.took)))} times as fast`);
        }
      }
    }

    say("SHA-256 in the worker");
    const work = path.join(TARGET, "web");
    const alias = { "weighstation-core": path.join(work, "glue.js"), "weighstation-core-packed": path.join(work, "packed.js") };
    await build({ entryPoints: [path.join(ROOT, "tests/web/bench-worker.ts")], bundle: true, outfile: path.join(folder, "worker.js"), alias, format: "iife", logLevel: "error" });
    writeFileSync(path.join(folder, "index.html"), '<!doctype html><title>bench</title><input type="file" multiple>');
    const bare = await browser.newPage();
    await bare.goto(`${bareHost.origin}/`);
    const input = await bare.$("input");
    const digest = (way) =>
      bare.evaluate(
        (how) =>
          new Promise((resolve, reject) => {
            const worker = new Worker("worker.js");
            worker.onerror = reject;
            worker.onmessage = ({ data }) => {
              worker.terminate();
              resolve(data);
            };
            worker.postMessage({ files: [...document.querySelector("input").files], way: how });
          }),
        way,
      );
    const rate = (bytes, milliseconds) => `${Math.round(bytes / milliseconds / 1000)} MB/s`;
    await input.uploadFile(hashed);
    const ways = { ours: [], "hash-wasm": [], read: [] };
    // In turn, so that a slow moment of the machine slows them all.
    for (let i = 0; i < RUNS; i++) for (const way of Object.keys(ways)) ways[way].push(await digest(way));
    const size = 8 * chunk.length;
    const single = median(ways["hash-wasm"].map((theirs, i) => theirs / ways.ours[i]));
    row("SHA-256 in a worker, the same loop", rate(size, median(ways.ours)), `${single.toFixed(2)} times hash-wasm`);
    row("hash-wasm in the same loop", rate(size, median(ways["hash-wasm"])));
    row("the same loop without a digest", rate(size, median(ways.read)));

    // The page as it is: its way of reading, its pool.
    for (const [what, paths] of Object.entries({ "one file": [hashed], "four shards": shards })) {
      await input.uploadFile(...paths);
      const pairs = await times(Math.min(RUNS, 3), async () => {
        await page.$eval("weigh-station", (station) => station.clear());
        await page.waitForSelector(".intake:not(.compact)");
        await (await page.$('[data-intake="files"]')).uploadFile(...paths);
        await page.waitForFunction(() => document.documentElement.dataset.digest === "running", { polling: 10 });
        const since = performance.now();
        await page.waitForFunction(() => document.documentElement.dataset.digest === "done", { polling: 10, timeout: 120_000 });
        return { ours: performance.now() - since, theirs: await digest("hash-wasm") };
      });
      const bytes = paths.length === 1 ? size : 16 * chunk.length;
      row(`SHA-256 of ${what} in the page`, rate(bytes, median(pairs.map((one) => one.ours))), `${median(pairs.map((one) => one.theirs / one.ours)).toFixed(2)} times hash-wasm`);
      row(`hash-wasm over the same, one after the other`, rate(bytes, median(pairs.map((one) => one.theirs))));
    }

    for (const name of ["core.wasm", "index.html"]) {
      const bytes = readFileSync(path.join(DIST, name));
      const sizes = [bytes.length, zlib.gzipSync(bytes, { level: 9 }).length, zlib.brotliCompressSync(bytes).length].map((n) => `${Math.round(n / 1000)}`);
      row(`size of ${name}, kB`, sizes.join(" / "), "raw / gzip / brotli");
    }
  } finally {
    await started?.close();
    await bareHost.close();
    await hosted.close();
    rmSync(folder, { recursive: true, force: true });
  }
  const widths = [0, 1].map((i) => Math.max(...rows.map((one) => one[i].length)));
  console.log(`\n${os.cpus()[0].model}, ${os.cpus().length} cores; medians of ${RUNS} runs\n`);
  for (const [what, value, note] of rows) console.log(`${what.padEnd(widths[0])}  ${value.padStart(widths[1])}  ${note}`);
});
