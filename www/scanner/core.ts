/**
 * The core in WebAssembly, as JavaScript sees it. The module travels inside the script (deflate-raw, base64), so nothing is ever fetched and
 * `connect-src 'none'` can hold.
 */
import { glue } from "weighstation-core";
import { packed } from "weighstation-core-packed";

/** The bytes at offset `at`, fewer than `length` only at the end; throws when the file cannot be read. They are copied before the next read. */
export type Read = (at: number, length: number) => Uint8Array;

/** A read that answers `undefined` for bytes that are on their way. Then `wait` is called, and it again when that is done. */
export interface Coming {
  (at: number, length: number): Uint8Array | undefined;
  wait(): Promise<number>;
}

/**
 * JavaScript Promise Integration: WebAssembly that stands still while a promise is open. TypeScript's library does not know it yet. Safari does not either, nor Node.js
 * before 24. Firefox does, but there such a scan is a tenth to a quarter slower than one that asks piece by piece, and of a worker that is ended meanwhile it reports an
 * exception which nobody can catch.
 */
interface Suspension {
  Suspending: new (wait: (...of: never[]) => unknown) => WebAssembly.ImportValue;
  promising(proceed: WebAssembly.ExportValue): () => Promise<void>;
}

const known = "Suspending" in WebAssembly && "promising" in WebAssembly && !globalThis.navigator?.userAgent.includes("Firefox");
const suspension = known ? (WebAssembly as unknown as Suspension) : null;

/** What src/web.rs exports. Reports cross as JSON text. */
export interface Core {
  scan(read: Read, size: number, path: string, lang: string): string;
  /** As `scan`, where the browser may still be reading; null where no read can be waited for. */
  scanComing: ((read: Coming, size: number, path: string, lang: string) => Promise<string>) | null;
  evidence(read: Read, size: number, path: string, place: string, lang: string): string;
  conclude(files: string, lang: string): string;
  tables(lang: string): string;
  stopped(path: string, size: number, reason: StopReason, lang: string): string;
  licence(parts: string, situation: string, lang: string): string;
  licence_print(parts: string, situation: string, format: string, lang: string): string;
  licences(lang: string): string;
  help(): string;
  is_list_name(path: string): boolean;
  inventory(files: string, parts: string, situation: string, seen: string, lang: string): string;
  inventory_add(inventory: string, later: string): string;
  inventory_changes(inventory: string, later: string, whole: boolean): string;
  inventory_csv(inventory: string): string;
  waits(file: string): boolean;
  exports(): string;
  export_report(report: string, id: string, options: string): string;
  open_report(report: string, lang: string): string;
  verify(lists: string, files: string, whole: boolean, lang: string): string;
  verify_print(verification: string, lang: string): string;
  compare(old: string, later: string, lang: string): string;
  compare_print(comparison: string, format: string, lang: string): string;
  Sha256: new () => { update(chunk: Uint8Array): void; finish(): string; free(): void };
}

/** Why a file was not scanned to its end. */
export type StopReason = "scanner-stopped" | "unreadable" | "cancelled";

/** Unpacks and compiles the module. */
export async function compile(): Promise<WebAssembly.Module> {
  const bytes = Uint8Array.from(atob(packed), (c) => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return WebAssembly.compile(await new Response(stream).arrayBuffer());
}

/** A fresh instance. One a file: its memory is dropped whole, and a trap costs nobody else anything. */
export function instantiate(module: WebAssembly.Module): Core {
  const bindings = glue({ Module: WebAssembly.Module, Instance: Waiting });
  const { proceed } = bindings.initSync({ module });
  const core = bindings as unknown as Core & { begin(...of: Parameters<NonNullable<Core["scanComing"]>>): void; finish(): string };
  const go = suspension?.promising(proceed!);
  core.scanComing = go
    ? async (...of) => {
        core.begin(...of);
        await go();
        return core.finish();
      }
    : null;
  return core;
}

/** An instance in which calling `wait` suspends. */
class Waiting extends WebAssembly.Instance {
  constructor(module: WebAssembly.Module, imports: WebAssembly.Imports = {}) {
    if (suspension) {
      for (const names of Object.values(imports)) {
        for (const [name, value] of Object.entries(names)) if (name.startsWith("__wbg_wait_")) names[name] = new suspension.Suspending(value as () => unknown);
      }
    }
    super(module, imports);
  }
}

/** How much is read at a time for the fingerprint: large enough to be fast, small enough to stay in cache and to stop quickly. */
export const CHUNK = 1024 * 1024;
