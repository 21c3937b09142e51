// What the build and the tests ask of the machine, and how they say it when it is not there.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
/** Where cargo builds; everything of ours that is not for users goes below it. */
export const TARGET = path.resolve(ROOT, process.env.CARGO_TARGET_DIR ?? "target");
export const DIST = path.join(ROOT, "dist");
const TOOLS = path.join(TARGET, "tools");
const WASM = "wasm32-unknown-unknown";

/** A reason to stop that a person can act on; printed without a stack. */
export class Stop extends Error {}

/** Runs `main` and turns what goes wrong into one sentence and exit status 1. */
export async function run(main) {
  try {
    await main();
  } catch (error) {
    console.error(error instanceof Stop ? `weighstation: ${error.message}` : error);
    process.exitCode = 1;
  }
}

export function say(text) {
  console.log(`· ${text}`);
}

/** Runs a program with its output shown; throws when it fails. */
export function call(program, args, { env = {}, why } = {}) {
  const { status, error } = spawnSync(program, args, { cwd: ROOT, stdio: "inherit", env: { ...process.env, ...env } });
  if (error || status !== 0) throw new Stop(why ?? `${[path.basename(program), ...args].join(" ")} failed`);
}

/** The output of a program, or null when it is not there or fails. */
export function ask(program, args) {
  const { status, stdout, error } = spawnSync(program, args, { cwd: ROOT, encoding: "utf8" });
  return error || status !== 0 ? null : stdout.trim();
}

/** What npm has to bring. Only a lock file newer than the last install makes it run again. */
export function needPackages() {
  if (Number(process.versions.node.split(".")[0]) < 20) throw new Stop(`Node 20 or newer is needed; this is ${process.versions.node}.`);
  const installed = path.join(ROOT, "node_modules/.package-lock.json");
  const wanted = JSON.parse(readFileSync(path.join(ROOT, "package-lock.json"), "utf8")).packages;
  if (existsSync(installed)) {
    const there = JSON.parse(readFileSync(installed, "utf8")).packages;
    const missing = Object.entries(wanted).some(([name, { version, optional }]) => name !== "" && !optional && there[name]?.version !== version);
    if (!missing) return;
  }
  say("installing the npm packages of package-lock.json");
  // Windows knows npm only as a script, which needs a shell.
  const { status } = spawnSync("npm", ["ci"], { cwd: ROOT, stdio: "inherit", shell: process.platform === "win32" });
  if (status !== 0) throw new Stop("npm ci failed; the packages of package-lock.json are needed.");
}

/** Rust with the wasm target. */
export function needRust() {
  if (ask("cargo", ["--version"]) === null) throw new Stop("Rust is missing: cargo was not found. Install it with rustup (rustup.rs), then try again.");
  const sysroot = ask("rustc", ["--print", "sysroot"]);
  if (sysroot && existsSync(path.join(sysroot, "lib/rustlib", WASM))) return;
  say(`adding the Rust target ${WASM}: the core runs in browsers as WebAssembly`);
  call("rustup", ["target", "add", WASM], {
    why: `The Rust target ${WASM} is missing and "rustup target add ${WASM}" failed; install it the way this Rust was installed.`,
  });
}

/** Python 3, which the pickle machine is compared with. */
export function needPython() {
  if (ask("python3", ["-c", "import sys; assert sys.version_info >= (3, 6)"]) === null) {
    throw new Stop("Python 3.6 or newer is missing: python3 was not found or is older. The pickle machine is compared with it; install it, then try again.");
  }
}

/** The version of a crate that Cargo.lock settled on. */
function locked(crate) {
  const lock = path.join(ROOT, "Cargo.lock");
  if (!existsSync(lock)) call("cargo", ["generate-lockfile"]);
  const version = new RegExp(`name = "${crate}"\\nversion = "([^"]+)"`).exec(readFileSync(lock, "utf8"))?.[1];
  if (!version) throw new Stop(`${crate} is not in Cargo.lock.`);
  return version;
}

/**
 * The path of a program of wasm-bindgen-cli. It writes a format of its own into the module, so its version must be exactly that of the crate:
 * hence a private copy below target/, never one that happens to be installed.
 */
export function wasmBindgen(program = "wasm-bindgen") {
  const version = locked("wasm-bindgen");
  const binary = path.join(TOOLS, "bin", process.platform === "win32" ? `${program}.exe` : program);
  if (ask(binary, ["--version"])?.split(" ").pop() === version) return binary;
  say(`installing wasm-bindgen-cli ${version} below target/tools: it must match the crate in Cargo.lock exactly (a few minutes, once)`);
  // Without default features: those are TLS for talking to remote browsers, which needs a C compiler and which nothing here does.
  const args = ["install", "wasm-bindgen-cli", "--version", `=${version}`, "--no-default-features", "--force", "--root", TOOLS];
  const env = { CARGO_TARGET_DIR: path.join(TARGET, "tools-build") };
  const { status } = spawnSync("cargo", [...args, "--locked"], { cwd: ROOT, stdio: "inherit", env: { ...process.env, ...env } });
  if (status !== 0) {
    // Its lock file may name a crate that a mirror does not have (yet, or any more). The program's own version stays exact.
    say("its lock file cannot be met here; trying with the newest versions of its dependencies that can be had");
    call("cargo", args, { env, why: `wasm-bindgen-cli ${version} could not be installed.` });
  }
  return binary;
}

/** The first of some programs that is there. */
function first(names) {
  return names.map((name) => ask("which", [name])).find((found) => found);
}

/** A Chromium to test in; `CHROMIUM=` names another. */
export function needChromium() {
  const found = process.env.CHROMIUM ?? first(["chromium", "chromium-browser", "google-chrome"]);
  if (!found) throw new Stop("Chromium is missing: install it (Debian: apt-get install chromium chromium-driver) or name it with CHROMIUM=.");
  return found;
}

export function needChromedriver() {
  const found = process.env.CHROMEDRIVER ?? first(["chromedriver"]);
  if (!found) throw new Stop("chromedriver is missing: install it (Debian: apt-get install chromium-driver) or name it with CHROMEDRIVER=.");
  return found;
}

/** A Firefox to test in; `FIREFOX=` names another. */
export function needFirefox() {
  const found = process.env.FIREFOX ?? first(["firefox-esr", "firefox"]);
  if (!found) throw new Stop("Firefox is missing: install it (Debian: apt-get install firefox-esr) or name it with FIREFOX=.");
  return found;
}
