/** A file read straight on: from its beginning to its end, for the fingerprint, or as far as a scan goes. */
import { CHUNK } from "./core.ts";

/** Milliseconds after which the event loop has a turn. */
const PATIENCE = 20;

let turned = 0;

/**
 * Lets the event loop turn, if it has not for a while. A stream whose bytes are there at once never returns to it, and a worker that was told to end goes on until it
 * does: a fingerprint that nobody waited for any more took the next file's time.
 */
async function turn(): Promise<void> {
  if (performance.now() - turned < PATIENCE) return;
  const { port1, port2 } = new MessageChannel();
  await new Promise((resolve) => {
    port1.onmessage = resolve;
    port2.postMessage(null);
  });
  port1.close();
  turned = performance.now();
}

/**
 * Fills one buffer again and again. Asking chunk by chunk with `FileReaderSync` is half as fast in Chromium and Firefox, and both leave every chunk to the
 * garbage collector: hundreds of megabytes for a large file.
 */
export async function* streamed(file: Blob): AsyncGenerator<Uint8Array> {
  const reader = file.stream().getReader({ mode: "byob" });
  open.add(reader);
  try {
    let buffer = new ArrayBuffer(Math.min(CHUNK, Math.max(1, file.size)));
    for (;;) {
      const { done, value } = await reader.read(new Uint8Array(buffer));
      if (done) return;
      yield value;
      buffer = value.buffer;
      await turn();
    }
  } finally {
    open.delete(reader);
  }
}

/** What a scan that goes straight on is given: the browser reads on while the scan works, and what was read stands in one buffer. */
export class Ahead {
  #reader: ReadableStreamBYOBReader | null = null;
  /** Offset of the first byte. */
  at = 0;
  bytes: Uint8Array<ArrayBuffer> = new Uint8Array();

  constructor(readonly file: Blob) {}

  /** Whether a stream is open. */
  get flowing(): boolean {
    return this.#reader !== null;
  }

  /** Whether these bytes stand here. */
  has(from: number, to: number): boolean {
    return from >= this.at && to <= this.at + this.bytes.length;
  }

  /** Puts other bytes here, from wherever they were read. */
  put(at: number, bytes: Uint8Array<ArrayBuffer>): void {
    this.close();
    this.at = at;
    this.bytes = bytes;
  }

  /** Reads on until these bytes stand here, and says how many it read; what lies before them may be given up. */
  async fill(from: number, to: number): Promise<number> {
    if (!this.#reader || from < this.at) {
      this.put(from, new Uint8Array());
      this.#reader = this.file.slice(from).stream().getReader({ mode: "byob" });
      open.add(this.#reader);
    }
    const kept = this.bytes.subarray(from - this.at);
    this.at += this.bytes.length - kept.length;
    let { buffer } = this.bytes;
    if (buffer.byteLength < to - this.at) buffer = new ArrayBuffer(Math.max(2 * CHUNK, to - this.at));
    new Uint8Array(buffer).set(kept);
    let filled = kept.length;
    while (this.at + filled < to) {
      const { done, value } = await this.#reader.read(new Uint8Array(buffer, filled));
      if (done) break;
      buffer = value.buffer;
      filled += value.length;
    }
    this.bytes = new Uint8Array(buffer, 0, filled);
    await turn();
    return filled - kept.length;
  }

  close(): void {
    if (!this.#reader) return;
    open.delete(this.#reader);
    // What went wrong with it was told where it was read.
    this.#reader.cancel().catch(() => {});
    this.#reader = null;
  }
}

/** Streams being read. Nothing else holds on to one that waits for its bytes, and what is collected never answers. */
const open = new Set<ReadableStreamBYOBReader>();
