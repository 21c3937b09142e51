/** What only a page from a server can have: a copy for days without a network, the copy in one file, and files that the system opens with it. */
import type { WeighStation } from "../element/weigh-station.ts";
import { trusted } from "../scanner/trusted.ts";
import type { Messages } from "../text/en.ts";

/** Set by the build in the page for servers, and only there. */
const hosted = document.querySelector<HTMLMetaElement>('meta[name="weighstation-copy"]')?.content ?? null;

/** The one-file copy; a page from disk already is the copy. */
export function offerCopy(station: WeighStation): void {
  if (hosted === null || !location.protocol.startsWith("http")) return;
  station.copy = "weighstation.html";
  station.copySum = hosted;
  const link = document.querySelector<HTMLAnchorElement>("#copy");
  if (link) link.hidden = false;
}

/** Installs the service worker where a browser lets a page have one; without it the page works all the same, online. */
export async function keepOffline(t: Messages): Promise<void> {
  if (hosted === null || !isSecureContext || !("serviceWorker" in navigator)) return;
  try {
    const first = navigator.serviceWorker.controller === null;
    const registration = await navigator.serviceWorker.register(trusted(new URL("sw.js", document.baseURI).href));
    registration.addEventListener("updatefound", () => {
      const next = registration.installing;
      // Never swapped under a reader: the new page is there at the next visit.
      next?.addEventListener("statechange", () => {
        const note = document.querySelector<HTMLElement>("#renewed");
        if (next.state !== "installed" || first || !note) return;
        note.textContent = t.renewed;
        note.hidden = false;
      });
    });
  } catch {
    // Private windows and some policies have none.
  }
}

interface Launch {
  files?: readonly { name: string; getFile(): Promise<File> }[];
}
type Launches = { launchQueue?: { setConsumer(take: (launch: Launch) => void): void } };

/** "Open with weighstation", where the page is installed. */
export function takeLaunches(station: WeighStation): void {
  (globalThis as Launches).launchQueue?.setConsumer(async ({ files = [] }) => {
    if (files.length > 0) station.take(await Promise.all(files.map(async (handle) => ({ path: handle.name, file: await handle.getFile() }))));
  });
}
