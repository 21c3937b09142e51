// What tests look at in a browser: the built page as it is served, and pages that are not ours, with the built files below /dist/.
import { createServer } from "node:http";
import { server } from "../../www/serve.mjs";
import { DIST } from "../../www/tools.mjs";
import { launch } from "./browsers.mjs";

/** A pickle that would call os.system. */
export const PICKLE = Buffer.from("\x80\x02cos\nsystem\nX\x11\x00\x00\x00echo weighstation\x85R.", "latin1");
/** A pickle of a list with a number in it. */
export const PLAIN = Buffer.from("\x80\x02]K\x01a.", "latin1");
/** One that imports and calls what nobody knows. */
export const ODD = Buffer.from("\x80\x02cnobody_knows\nthis\n)R.", "latin1");

/** Lets a server listen on a free port; `close` also ends what is still connected. */
export async function listen(listening) {
  await new Promise((resolve) => listening.listen(0, "127.0.0.1", resolve));
  const close = () =>
    new Promise((resolve) => {
      listening.close(resolve);
      listening.closeAllConnections();
    });
  return { origin: `http://127.0.0.1:${listening.address().port}`, close };
}

/** A browser beside the built page; `base` is its address. */
export async function start(name) {
  const site = await listen(server(DIST));
  try {
    const { browser, close } = await launch(name);
    return { browser, base: `${site.origin}/`, close: () => close().finally(site.close) };
  } catch (error) {
    await site.close();
    throw error;
  }
}

/** `pages`: path → HTML, or { body, type, headers }. Answers with the origin. */
export async function host(pages) {
  const dist = server(DIST);
  const [built] = dist.listeners("request");
  const listening = createServer((request, response) => {
    const { pathname } = new URL(request.url, "http://localhost");
    const page = pages[pathname];
    if (page !== undefined) {
      const { body, type = "text/html; charset=utf-8", headers = {} } = typeof page === "string" ? { body: page } : page;
      response.writeHead(200, { "Content-Type": type, ...headers }).end(body);
    } else if (pathname.startsWith("/dist/")) {
      request.url = request.url.slice("/dist".length);
      built(request, response);
    } else {
      response.writeHead(pathname === "/favicon.ico" ? 204 : 404).end();
    }
  });
  return listen(listening);
}

/** A page around some markup. */
export const around = (body, head = "") => `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>host</title>${head}</head><body>${body}</body></html>`;
