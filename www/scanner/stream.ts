/** A file from its beginning to its end, for the fingerprint. */
import { CHUNK } from "./core.ts";

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
    }
  } finally {
    open.delete(reader);
  }
}

/** Streams being read. Nothing else holds on to one that waits for its bytes, and what is collected never answers. */
const open = new Set<ReadableStreamBYOBReader>();
