// `npm run bundlers`: packs the package as it would be published, installs it into an empty project beside Vite and webpack, lets each bundle a page with the
// element, and weighs a file in what comes out. The two are no dependencies of this project: they are installed for this alone.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { server } from "../../www/serve.mjs";
import { ROOT, run, say, Stop } from "../../www/tools.mjs";
import { launch } from "./browsers.mjs";
import { listen, PICKLE } from "./host.mjs";

const BUNDLERS = { vite: ["vite@8"], webpack: ["webpack@5", "webpack-cli@6"] };
const PAGE = '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>bundled</title></head><body><weigh-station></weigh-station><script type="module" src="./main.js"></script></body></html>';
const MAIN = 'import "weighstation/element";\nimport { scan } from "weighstation";\nwindow.scan = scan;\n';

function call(program, args, cwd) {
  const { status, stdout, stderr } = spawnSync(program, args, { cwd, encoding: "utf8", shell: process.platform === "win32" });
  if (status !== 0) throw new Stop(`${program} ${args.join(" ")} failed:\n${stdout}\n${stderr}`);
  return stdout;
}

/** The project, bundled; answers with the folder to serve. */
function bundled(name, base, tarball) {
  const folder = path.join(base, name);
  mkdirSync(path.join(folder, "src"), { recursive: true });
  writeFileSync(path.join(folder, "package.json"), '{ "name": "bundled", "private": true, "type": "module" }');
  call("npm", ["install", "--no-audit", "--no-fund", tarball, ...BUNDLERS[name]], folder);
  if (name === "vite") {
    writeFileSync(path.join(folder, "index.html"), PAGE);
    writeFileSync(path.join(folder, "main.js"), MAIN);
    call("npx", ["vite", "build", "--base", "./"], folder);
  } else {
    writeFileSync(path.join(folder, "src/index.js"), MAIN);
    call("npx", ["webpack", "--mode", "production", "--output-filename", "main.js", "--performance-max-asset-size", "8000000", "--performance-max-entrypoint-size", "8000000"], folder);
    writeFileSync(path.join(folder, "dist/index.html"), PAGE);
  }
  return path.join(folder, "dist");
}

async function tried(folder) {
  const site = await listen(server(folder));
  const started = await launch("chromium");
  try {
    const page = await started.browser.newPage();
    await page.goto(`${site.origin}/`);
    await page.waitForFunction(() => window.scan && document.querySelector("weigh-station").matches(":defined"));
    return await page.evaluate(
      async (bytes) => {
        const file = new File([new Uint8Array(bytes)], "a.pkl");
        const [one, other] = [await document.querySelector("weigh-station").scan(file), await window.scan(file)];
        return [one.verdict, other.verdict];
      },
      [...PICKLE],
    );
  } finally {
    await started.close();
    await site.close();
  }
}

await run(async () => {
  const base = mkdtempSync(path.join(os.tmpdir(), "weighstation-bundlers-"));
  try {
    call("npm", ["pack", "--pack-destination", base], ROOT);
    const tarball = path.join(base, readdirSync(base).find((name) => name.endsWith(".tgz")));
    for (const name of Object.keys(BUNDLERS)) {
      const verdicts = await tried(bundled(name, base, tarball));
      if (verdicts.join() !== "dangerous,dangerous") throw new Stop(`${name}: what it bundled says ${verdicts.join(" and ")}.`);
      say(`${name}: bundled, and works`);
    }
  } finally {
    rmSync(base, { recursive: true, force: true });
  }
});
