// What a server sends along with the files of dist/, and the same as settings for servers that people have. The page carries its policy itself; as a
// header it also covers what comes before the markup is read, and a header can say what markup cannot.

/** Sent with every file. */
export const COMMON = {
  "X-Content-Type-Options": "nosniff",
  "Referrer-Policy": "no-referrer",
  "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), serial=(), usb=()",
  "Cache-Control": "no-cache",
};

/** The service worker fetches the page's own files and nothing else. */
const WORKER_POLICY = "default-src 'none'; connect-src 'self'";

/** Headers of a file beyond COMMON. `policies` are those in the markup of the two pages. */
export function headersOf(name, policies) {
  // A policy does not stop a page from leading away; this does, where it is known (Chromium 152). Service worker and manifest come from the page's own server.
  if (name === "index.html") return { "Content-Security-Policy": `${policies.hosted}; frame-ancestors 'none'`, "Connection-Allowlist": "(response-origin)" };
  // The one-file page may be framed: that is how third-party pages use it. It needs nothing from anywhere.
  if (name === "weighstation.html") return { "Content-Security-Policy": policies.single, "Connection-Allowlist": "()" };
  if (name === "sw.js") return { "Content-Security-Policy": WORKER_POLICY };
  // For <script integrity crossorigin> in pages from elsewhere.
  if (name === "element.js" || name === "worker.js") return { "Access-Control-Allow-Origin": "*" };
  return {};
}

const NAMED = ["index.html", "weighstation.html", "sw.js", "element.js", "worker.js"];
const all = (name, policies) => Object.entries({ ...COMMON, ...headersOf(name, policies) });

/** Netlify, Cloudflare Pages and their kin. */
function headersFile(policies) {
  const block = (path, headers) => [path, ...headers.map(([name, value]) => `  ${name}: ${value}`)].join("\n");
  const own = NAMED.map((name) => block(`/${name}`, Object.entries(headersOf(name, policies))));
  return [
    "# For a site of its own; below a folder, put the folder before each path.",
    block("/*", Object.entries(COMMON)),
    block("/", Object.entries(headersOf("index.html", policies))),
    ...own,
    "",
  ].join("\n");
}

function nginx(policies) {
  const add = (headers) => headers.map(([name, value]) => `    add_header ${name} "${value}" always;`).join("\n");
  // A location with an add_header of its own inherits none, so each says all.
  const place = (path, headers) => `location ${path} {\n    root /srv/weighstation;\n${add(headers)}\n}\n`;
  return [
    "# Include this in a server block, with the folder in which the files lie as root.",
    "types { application/manifest+json webmanifest; }",
    "index index.html;",
    ...NAMED.map((name) => place(`= /${name}`, all(name, policies))),
    place("/", Object.entries(COMMON)),
  ].join("\n");
}

const xml = (text) => text.replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c]);

/** IIS. It answers 404 to endings that it does not know; the manifest's is the only one here. */
function iis(policies) {
  const headers = (list) => `<httpProtocol><customHeaders>\n${list.map(([name, value]) => `      <remove name="${xml(name)}" /><add name="${xml(name)}" value="${xml(value)}" />`).join("\n")}\n    </customHeaders></httpProtocol>`;
  const place = (name) => `  <location path="${name}">\n    <system.webServer>\n    ${headers(Object.entries(headersOf(name, policies)))}\n    </system.webServer>\n  </location>`;
  return `<?xml version="1.0" encoding="utf-8"?>
<configuration>
  <system.webServer>
    <staticContent><remove fileExtension=".webmanifest" /><mimeMap fileExtension=".webmanifest" mimeType="application/manifest+json" /></staticContent>
    ${headers(Object.entries(COMMON))}
  </system.webServer>
${NAMED.map(place).join("\n")}
</configuration>
`;
}

/** The files that come along, by name. */
export const settings = (policies) => ({ _headers: headersFile(policies), "nginx.conf": nginx(policies), "web.config": iis(policies) });

/** The service worker: the page's own files, from the cache first. It never sees a model: the page sends nothing anywhere. */
export const serviceWorker = (digest) => `// Keeps the page for days without a network. No file that is weighed ever comes here: the page's policy forbids it every request.
const CACHE = "weighstation-${digest}";
const FILES = ["./", "site.webmanifest"];

addEventListener("install", (event) => {
  const fresh = FILES.map((file) => new Request(file, { cache: "no-cache" }));
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(fresh)));
});

// A new version waits until every tab of the old one is closed: nothing changes under somebody who is reading.
addEventListener("activate", (event) => {
  const old = (names) => names.filter((name) => name.startsWith("weighstation-") && name !== CACHE);
  event.waitUntil(caches.keys().then((names) => Promise.all(old(names).map((name) => caches.delete(name)))));
});

addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  const own = FILES.some((file) => new URL(file, location).pathname === pathname);
  if (request.method !== "GET" || origin !== location.origin || !own) return;
  event.respondWith(caches.match(request, { cacheName: CACHE, ignoreSearch: true }).then((kept) => kept ?? fetch(request)));
});
`;

const ICON = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64"><rect width="64" height="64" rx="12" fill="#fbfaf7"/><path d="M32 11 53 32 32 53 11 32Z" fill="none" stroke="#1f5582" stroke-width="7"/></svg>`;

/** `extensions`: those of all formats, for "open with". */
export const manifest = (en, extensions) =>
  `${JSON.stringify(
    {
      name: en.brand,
      description: en.description,
      start_url: "./",
      scope: "./",
      display: "standalone",
      background_color: "#fbfaf7",
      theme_color: "#fbfaf7",
      // Inside, as the page's policy asks of every picture.
      icons: [{ src: `data:image/svg+xml,${encodeURIComponent(ICON)}`, sizes: "any", type: "image/svg+xml" }],
      file_handlers: [{ action: "./", accept: { "application/octet-stream": extensions } }],
      launch_handler: { client_mode: "focus-existing" },
    },
    null,
    2,
  )}\n`;
