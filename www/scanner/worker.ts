/**
 * The scanner. Runs in a worker started from a Blob: such a worker inherits the page's policy, a worker loaded from an address has its own.
 */
import { packed } from "weighstation-core-packed";
import { CHUNK, instantiate, type Core, type Read } from "./core.ts";
import { networkLocked } from "./lock.ts";
import type { Answer, Request, Task } from "./protocol.ts";

/** Only workers have it; the DOM library's types do not know it. */
declare class FileReaderSync {
  readAsArrayBuffer(blob: Blob): ArrayBuffer;
}

/** Between two progress messages. */
const TENTH_OF_A_SECOND = 100;

/** A file that changed or vanished since it was chosen. */
class Unreadable extends Error {}

const answer = (message: Answer) => postMessage(message);

async function unpack(): Promise<WebAssembly.Module> {
  const text = atob(packed);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return WebAssembly.compile(await new Response(stream).arrayBuffer());
}

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
  const slice = (from: number, to: number): Uint8Array => {
    let bytes: Uint8Array;
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
    count(bytes.length);
    return bytes;
  };
  const read: Read = (at, view) => {
    const to = Math.min(at + view.length, file.size);
    if (to <= at) return 0;
    view.set(slice(at, to));
    return to - at;
  };
  return { slice, read, state };
}

function perform(core: Core, id: number, task: Task): string {
  switch (task.kind) {
    case "scan": {
      const source = reader(task.file, meter(id));
      if (task.file.size !== task.size) throw new Unreadable(`${task.size} bytes when it was chosen, ${task.file.size} now`);
      // Chromium says of a file that is gone that it is empty; asking for its bytes tells the two apart.
      if (task.size === 0) source.slice(0, 0);
      const report = core.scan(source.read, task.file.size, task.path, task.lang);
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
      const source = reader(task.file, meter(id));
      const digest = new core.Sha256();
      for (let at = 0; at < task.file.size; at += CHUNK) digest.update(source.slice(at, Math.min(at + CHUNK, task.file.size)));
      return digest.finish();
    }
    case "conclude":
      return core.conclude(task.files, task.lang);
    case "tables":
      return core.tables(task.lang);
    case "stopped":
      return core.stopped(task.path, task.size, task.reason, task.lang);
  }
}

const ready = unpack();

addEventListener("message", async ({ data }: MessageEvent<Request>) => {
  const { id, task } = data;
  try {
    answer({ kind: "done", id, result: perform(instantiate(await ready), id, task) });
  } catch (error) {
    const reason = error instanceof Unreadable ? "unreadable" : "scanner-stopped";
    answer({ kind: "failed", id, reason, detail: String(error) });
  }
});

Promise.all([ready, networkLocked()]).then(
  ([, locked]) => answer({ kind: "ready", locked }),
  (error) => answer({ kind: "blocked", detail: String(error) }),
);
