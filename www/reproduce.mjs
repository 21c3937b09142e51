// Builds everything twice, from nothing and in two folders, and compares the bytes: `node www/reproduce.mjs`. Takes two whole builds; the tools are shared.
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { ROOT, Stop, TARGET, needPackages, run, say } from "./tools.mjs";

/** The files under version control, as they are now, in a folder of their own; built there. Answers with its SHA256SUMS. */
function built(name, base) {
  const folder = path.join(base, name);
  const { stdout, status } = spawnSync("git", ["ls-files", "-z"], { cwd: ROOT, encoding: "utf8" });
  if (status !== 0) throw new Stop("git is needed to know which files belong to the sources.");
  for (const file of stdout.split("\0").filter((one) => one !== "" && existsSync(path.join(ROOT, one)))) {
    mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
    cpSync(path.join(ROOT, file), path.join(folder, file));
  }
  symlinkSync(path.join(ROOT, "node_modules"), path.join(folder, "node_modules"));
  const target = path.join(folder, "target");
  mkdirSync(target);
  if (existsSync(path.join(TARGET, "tools"))) symlinkSync(path.join(TARGET, "tools"), path.join(target, "tools"));
  say(`building in ${folder}`);
  const { status: how } = spawnSync(process.execPath, ["www/build.mjs"], { cwd: folder, stdio: "inherit", env: { ...process.env, CARGO_TARGET_DIR: target } });
  if (how !== 0) throw new Stop("the build failed; see above.");
  return readFileSync(path.join(folder, "dist/SHA256SUMS"), "utf8");
}

await run(async () => {
  needPackages();
  const base = mkdtempSync(path.join(os.tmpdir(), "weighstation-reproduce-"));
  try {
    const [one, other] = [built("one", base), built("a-longer-name", base)];
    if (one !== other) {
      const lines = other.split("\n");
      throw new Stop(`two builds differ in ${one.split("\n").filter((line) => !lines.includes(line)).map((line) => line.slice(66)).join(", ")}`);
    }
    say(`two builds, the same bytes\n${one}`);
  } finally {
    rmSync(base, { recursive: true, force: true });
  }
});
