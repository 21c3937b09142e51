// `npm run fuzz -- SECONDS`: cargo-fuzz on every reader, seeded with the real files of the corpus. Needs a nightly Rust and cargo-fuzz.
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { ask, call, needRust, ROOT, run, Stop, TARGET } from "../../www/tools.mjs";

/** Larger seeds only make every round slower. */
const LARGEST = 64 * 1024;

await run(async () => {
  needRust();
  const [seconds = "600"] = process.argv.slice(2);
  if (!/^\d+$/.test(seconds)) throw new Stop("npm run fuzz -- SECONDS: a number.");
  if (ask("cargo", ["+nightly", "fuzz", "--version"]) === null) throw new Stop("cargo-fuzz or a nightly Rust is missing: rustup toolchain install nightly, then cargo install cargo-fuzz.");
  const seeds = path.join(TARGET, "fuzz/seeds");
  mkdirSync(seeds, { recursive: true });
  const real = path.join(ROOT, "tests/corpus/real");
  for (const name of readdirSync(real, { recursive: true })) {
    const file = path.join(real, name);
    // 255 chooses by content, and so does whatever the number of formats makes of it; the fuzzer finds the others by itself.
    if (statSync(file).isFile() && statSync(file).size <= LARGEST) writeFileSync(path.join(seeds, name.replaceAll(path.sep, "-")), Buffer.concat([Buffer.from([255]), readFileSync(file)]));
  }
  const corpus = path.join(TARGET, "fuzz/corpus");
  mkdirSync(corpus, { recursive: true });
  // The core has no unsafe code, so that an address sanitizer would find nothing in it; without one ten times as many inputs are tried.
  call("cargo", ["+nightly", "fuzz", "run", "--sanitizer", "none", "--fuzz-dir", "tests/fuzz", "formats", corpus, seeds, "--", `-max_total_time=${seconds}`, "-rss_limit_mb=1024", "-timeout=20", "-max_len=65536", "-print_final_stats=1"], {
    env: { CARGO_TARGET_DIR: path.join(TARGET, "fuzz/build") },
    why: "The fuzzer found something: the input is below tests/fuzz/artifacts.",
  });
});
