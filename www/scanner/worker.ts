/**
 * The scanner. Runs in a worker started from a Blob: such a worker inherits the page's policy, a worker loaded from an address has its own.
 */
import { CHUNK, instantiate, type Core } from "./core.ts";
import { networkLocked } from "./lock.ts";
import type { Answer, Request, Start, Task } from "./protocol.ts";
import { AHEAD, reader, Unreadable } from "./reader.ts";
import { streamed } from "./stream.ts";

/** Between two progress messages. */
const TENTH_OF_A_SECOND = 100;

const answer = (message: Answer) => postMessage(message);

/** Progress of one task, at most ten times a second. */
function meter(id: number) {
  let bytes = 0;
  let last = performance.now();
  return (more: number) => {
    bytes += more;
    const now = performance.now();
    if (now - last < TENTH_OF_A_SECOND) return;
    last = now;
    answer({ kind: "progress", id, bytes });
  };
}

/**
 * Every byte of a file in order. A browser that knows no such stream is asked chunk by chunk, and so is any browser for a file of one chunk: there a stream
 * gains nothing, and in Chromium one in some thousands never ends.
 */
async function* chunks(file: Blob, source: ReturnType<typeof reader>, count: (bytes: number) => void): AsyncGenerator<Uint8Array> {
  if (file.size <= CHUNK || !("ReadableByteStreamController" in globalThis)) {
    for (let at = 0; at < file.size; at += CHUNK) yield source.slice(at, Math.min(at + CHUNK, file.size));
    return;
  }
  let at = 0;
  try {
    for await (const chunk of streamed(file)) {
      at += chunk.length;
      count(chunk.length);
      yield chunk;
    }
  } catch (error) {
    throw new Unreadable(String(error));
  }
  if (at !== file.size) throw new Unreadable(`${at} of ${file.size} bytes`);
}

async function perform(core: Core, id: number, task: Task): Promise<string> {
  switch (task.kind) {
    case "scan": {
      const source = reader(task.file, meter(id));
      if (task.file.size !== task.size) throw new Unreadable(`${task.size} bytes when it was chosen, ${task.file.size} now`);
      // Chromium says of a file that is gone that it is empty; asking for its bytes tells the two apart.
      if (task.size === 0) source.slice(0, 0);
      // For a short file nothing is read ahead.
      const { file, path, lang } = task;
      const waits = file.size > AHEAD && core.scanComing;
      const report = waits ? await waits(source.coming, file.size, path, lang).finally(source.close) : core.scan(source.read, file.size, path, lang);
      if (source.state.failed) throw new Unreadable("a read failed during the scan");
      return report;
    }
    case "evidence": {
      const source = reader(task.file, () => {});
      const evidence = core.evidence(source.read, task.file.size, task.path, JSON.stringify(task.place), task.lang);
      if (source.state.failed) throw new Unreadable("a read failed");
      return evidence;
    }
    case "digest": {
      const count = meter(id);
      const digest = new core.Sha256();
      try {
        for await (const chunk of chunks(task.file, reader(task.file, count), count)) digest.update(chunk);
      } catch (error) {
        digest.free();
        throw error;
      }
      return digest.finish();
    }
    case "conclude":
      return core.conclude(task.files, task.lang);
    case "tables":
      return core.tables(task.lang);
    case "ask":
      return (core[task.what] as (...of: unknown[]) => string)(...task.of);
    case "stopped":
      return `[${task.files.map(({ path, size, reason }) => core.stopped(path, size, reason, task.lang))}]`;
  }
}

/** The core comes compiled from the page, so that four workers do not compile it four times. */
let bring: (module: WebAssembly.Module) => void;
const core = new Promise<WebAssembly.Module>((resolve) => (bring = resolve));

let hasher: Core | null = null;

/** A fresh instance for whatever reads content; fingerprints take bytes as they are, and thousands of small files share one. */
async function instance(task: Task): Promise<Core> {
  if (task.kind !== "digest") return instantiate(await core);
  return (hasher ??= instantiate(await core));
}

addEventListener("message", async ({ data }: MessageEvent<Start | Request>) => {
  if ("module" in data) {
    bring(data.module);
    return;
  }
  const { id, task } = data;
  try {
    answer({ kind: "done", id, result: await perform(await instance(task), id, task) });
  } catch (error) {
    const reason = error instanceof Unreadable ? "unreadable" : "scanner-stopped";
    answer({ kind: "failed", id, reason, detail: String(error) });
  }
});

Promise.all([core, networkLocked()]).then(([, locked]) => answer({ kind: "ready", locked }));
