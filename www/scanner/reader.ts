/** How a scan reads a file in a worker: what it asks for page by page is read in as few calls as that takes. */
import type { Coming, Read } from "./core.ts";
import { Ahead } from "./stream.ts";

/** Only workers have it; the DOM library's types do not know it. */
declare class FileReaderSync {
  readAsArrayBuffer(blob: Blob): ArrayBuffer;
}

/** After this many reads in a row, each where the one before ended, a reader is taken to go straight on. */
const STRAIGHT = 4;
/** What the core keeps at once: who jumps about asks for no more, and who goes straight on need not ask again for what it still has. */
const PAGE = 64 * 1024;
/** What is read of a file at first: nearly every format's mark stands there, and a call costs more than the bytes that it brings. */
const HEAD = 1024 * 1024;
/** How much who goes straight on is given at a time, where it cannot wait for a stream. */
export const AHEAD = 4 * 1024 * 1024;

/** After this many bytes read, what was read is given back. */
const KEPT = 8 * 1024 * 1024;
/** How much Chromium has to believe lost before it collects. */
const BALLAST = 128 * 1024 * 1024;

/** A file that changed or vanished since it was chosen. */
export class Unreadable extends Error {}

/** Reads of a file, and whether one has failed: the core turns a failed read into a gap of its own, and we know the better reason. */
export function reader(file: Blob, count: (bytes: number) => void) {
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
  let flows = true;
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
    [straight, next] = [on, to];
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
