/**
 * The scanner. Runs in a worker started from a Blob: such a worker inherits the page's policy, a worker loaded from an address has its own.
 */
import { canWait, CHUNK, instantiate, type Coming, type Core, type Read } from "./core.ts";
import { networkLocked } from "./lock.ts";
import type { Answer, Request, Start, Task } from "./protocol.ts";
import { Ahead, streamed } from "./stream.ts";

/** Only workers have it; the DOM library's types do not know it. */
declare class FileReaderSync {
  readAsArrayBuffer(blob: Blob): ArrayBuffer;
}

/** Between two progress messages. */
const TENTH_OF_A_SECOND = 100;

/** After this many reads in a row, each where the one before ended, a reader is taken to go straight on. */
const STRAIGHT = 4;
/** What the core keeps at once: who jumps about asks for no more, and who goes straight on need not ask again for what it still has. */
const PAGE = 64 * 1024;
/** What is read of a file at first: nearly every format's mark stands there, and a call costs more than the bytes that it brings. */
const HEAD = 1024 * 1024;
/** How much such a reader is given at a time, where it cannot wait for a stream. */
const AHEAD = 4 * 1024 * 1024;

/** After this many bytes read, what was read is given back. */
const KEPT = 8 * 1024 * 1024;
/** How much Chromium has to believe lost before it collects. */
const BALLAST = 128 * 1024 * 1024;

/** A file that changed or vanished since it was chosen. */
class Unreadable extends Error {}

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

/** Reads of a file, and whether one has failed: the core turns a failed read into a gap of its own, and we know the better reason. */
function reader(file: Blob, count: (bytes: number) => void) {
  const sync = new FileReaderSync();
  const state = { failed: false };
  let kept = 0;
  const slice = (from: number, to: number): Uint8Array<ArrayBuffer> => {
    let bytes: Uint8Array<ArrayBuffer>;
    try {
      bytes = new Uint8Array(sync.readAsArrayBuffer(from === to ? file : file.slice(from, to)));
    } catch (error) {
      state.failed = true;
      throw new Unreadable(String(error));
    }
    if (bytes.length !== to - from) {
      state.failed = true;
      throw new Unreadable(`${bytes.length} of ${to - from} bytes at ${from}`);
    }
    // Nothing is collected during a long scan, since it never returns to the event loop. A buffer that nobody touches costs no memory, but its size counts.
    kept += bytes.length;
    if (kept >= KEPT) {
      kept = 0;
      new ArrayBuffer(BALLAST);
    }
    count(bytes.length);
    return bytes;
  };
  // A call costs far more than the bytes it brings. A reader that goes straight on gets more at a time; one that jumps about, what it asks for.
  const ahead = new Ahead(file);
  let head: Uint8Array | null = null;
  let next = 0;
  let straight = 0;
  let wanted: [number, number] = [0, 0];
  let flows = canWait;
  const take = (at: number, length: number, mayWait: boolean): Uint8Array | undefined => {
    const to = Math.min(at + length, file.size);
    if (to <= at) return new Uint8Array();
    const on = at >= next && at - next <= PAGE ? straight + 1 : 0;
    if (to <= HEAD) {
      head ??= slice(0, Math.min(HEAD, file.size));
      [straight, next] = [on, to];
      return head.subarray(at, to);
    }
    if (!ahead.has(at, to)) {
      if (mayWait && flows && (on >= STRAIGHT || to - at > PAGE) && (ahead.flowing || file.size - at > AHEAD)) {
        wanted = [at, to];
        return undefined;
      }
      // Archives say at their end where everything is: what is left of a file is read at once.
      const more = on >= STRAIGHT ? AHEAD : file.size - at <= 2 * PAGE ? 2 * PAGE : 0;
      ahead.put(at, slice(at, Math.max(to, Math.min(at + more, file.size))));
    }
    straight = on;
    next = to;
    return ahead.bytes.subarray(at - ahead.at, to - ahead.at);
  };
  const read: Read = (at, length) => take(at, length, false)!;
  /** For a scan that can wait: its bytes come from a stream, which the browser goes on reading meanwhile. */
  const coming: Coming = Object.assign((at: number, length: number) => take(at, length, true), {
    wait: async () => {
      const [at, to] = wanted;
      // Whatever a stream does not bring is asked for as if there were none; then the reason is told.
      count(await ahead.fill(at, to).catch(() => 0));
      flows = ahead.has(at, to);
      return 1;
    },
  });
  return { slice, read, coming, state, close: () => ahead.close() };
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
      // A short file is never waited for: of a worker that is ended while a promise of the core's is open, Firefox reports an exception without a reason.
      const { file, path, lang } = task;
      const report = file.size > AHEAD ? await core.scanComing(source.coming, file.size, path, lang).finally(source.close) : core.scan(source.read, file.size, path, lang);
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
