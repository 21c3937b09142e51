// `npm test`: everything, in the order in which a failure is cheapest. What is missing on the machine is said first, in one sentence; nothing is skipped.
import { readdirSync } from "node:fs";
import path from "node:path";
import { call, needChromedriver, needChromium, needFirefox, needPackages, needPython, needRust, ROOT, run, say, wasmBindgen } from "../../www/tools.mjs";

const WASM = "wasm32-unknown-unknown";

await run(async () => {
  needPackages();
  needRust();
  needPython();
  needChromium();
  needFirefox();
  const chromedriver = needChromedriver();

  say("rustfmt; clippy, native and wasm");
  call("cargo", ["fmt", "--all", "--check"], { why: "The Rust sources are not formatted (cargo fmt), or rustfmt is missing (rustup component add rustfmt)." });
  call("cargo", ["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"], { why: "clippy has something to say about the native build." });
  call("cargo", ["clippy", "--lib", "--target", WASM, "--", "-D", "warnings"], { why: "clippy has something to say about the wasm build." });

  say("cargo test, optimised: the corpus is large");
  call("cargo", ["test", "--workspace", "--profile", "tested"], { why: "A Rust test failed." });
  say("cargo build --release: what users run is compared with the wasm below");
  call("cargo", ["build", "--release", "--bins"], { why: "The command line does not build." });

  say("the boundary, in headless Chromium");
  call("cargo", ["test", "--profile", "tested", "--target", WASM, "--lib"], {
    // Its own twenty seconds count from the browser's start, which a busy machine needs for that alone.
    env: { CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER: wasmBindgen("wasm-bindgen-test-runner"), CHROMEDRIVER: chromedriver, WASM_BINDGEN_TEST_TIMEOUT: "300" },
    why: "A test of the boundary failed in Chromium.",
  });

  call(process.execPath, [path.join(ROOT, "www/build.mjs")], { why: "The build failed." });

  say("the package in Node, the page in Chromium and Firefox");
  const tests = readdirSync(path.join(ROOT, "tests/web")).filter((name) => name.endsWith(".test.mjs"));
  // One file after the other: two browsers at once would make the times that are tested a matter of luck.
  const args = ["--test", "--test-reporter=spec", "--test-concurrency=1", ...tests.map((name) => path.join("tests/web", name))];
  call(process.execPath, args, { why: "A test of the page or of the package failed." });
});
