// `npm start`: builds, then serves dist/ on loopback.
import { createReadStream, existsSync, readFileSync, statSync } from "node:fs";
import { createServer } from "node:http";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { COMMON, headersOf } from "./hosting.mjs";
import { call, DIST, ROOT, run } from "./tools.mjs";

const TYPES = { ".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".json": "application/json", ".webmanifest": "application/manifest+json", ".svg": "image/svg+xml", ".wasm": "application/wasm", ".ts": "text/plain; charset=utf-8" };

/** The policy in the page's own markup: sent as a header, too, it also covers what comes before the markup is read. */
function policyOf(file) {
  return /http-equiv="Content-Security-Policy" content="([^"]+)"/.exec(readFileSync(file, "utf8"))?.[1];
}

/** A server for the files of a folder, and nothing above it. `seen` is told every request. */
export function server(folder, seen = () => {}) {
  return createServer((request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://localhost");
    seen(request.method, pathname);
    let name;
    try {
      name = decodeURIComponent(pathname);
    } catch {
      name = "/.";
    }
    const file = path.join(folder, path.normalize(name.endsWith("/") ? `${name}index.html` : name));
    if (!file.startsWith(folder + path.sep) || !existsSync(file) || !statSync(file).isFile()) {
      response.writeHead(404, { "Content-Type": "text/plain; charset=utf-8" }).end("not found\n");
      return;
    }
    const type = TYPES[path.extname(file)] ?? "text/plain; charset=utf-8";
    const policy = file.endsWith(".html") ? policyOf(file) : undefined;
    const own = headersOf(path.basename(file), { hosted: policy, single: policy });
    response.writeHead(200, { ...COMMON, ...(policy || !file.endsWith(".html") ? own : {}), "Content-Type": type });
    createReadStream(file).pipe(response);
  });
}

async function main() {
  call(process.execPath, [path.join(ROOT, "www/build.mjs")], { why: "The build failed; see above." });
  const port = Number(process.env.PORT ?? 8000);
  const listening = server(DIST);
  listening.on("error", (error) => {
    console.error(`weighstation: cannot listen on port ${port}: ${error.message}. Name another with PORT=.`);
    process.exitCode = 1;
  });
  listening.listen(port, "127.0.0.1", () => console.log(`weighstation is at http://127.0.0.1:${listening.address().port}/`));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await run(main);
