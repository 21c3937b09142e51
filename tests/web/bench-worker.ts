/** Reads a file as the page does and does one of three things with them: our digest, hash-wasm's, nothing. The same loop for all, so that only the digest differs. */
import { createSHA256 } from "hash-wasm";
import { compile, instantiate } from "../../www/scanner/core.ts";
import { streamed } from "../../www/scanner/stream.ts";

export type Way = "ours" | "hash-wasm" | "read";

const compiled = compile();

async function consumer(way: Way): Promise<(chunk: Uint8Array) => void> {
  if (way === "read") return () => {};
  if (way === "hash-wasm") {
    const digest = await createSHA256();
    digest.init();
    return (chunk) => void digest.update(chunk);
  }
  const digest = new (instantiate(await compiled).Sha256)();
  return (chunk) => digest.update(chunk);
}

addEventListener("message", async ({ data: { files, way } }: MessageEvent<{ files: File[]; way: Way }>) => {
  await compiled;
  const started = performance.now();
  for (const file of files) {
    const take = await consumer(way);
    for await (const chunk of streamed(file)) take(chunk);
  }
  postMessage(performance.now() - started);
});
