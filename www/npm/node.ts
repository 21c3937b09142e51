/** The package in Node: the same wasm, fed by `readSync`. */
import { closeSync, lstatSync, openSync, readdirSync, readSync, statSync } from "node:fs";
import path from "node:path";
import { setImmediate as breathe } from "node:timers/promises";
import { inflateRawSync } from "node:zlib";
import { packed } from "weighstation-core-packed";
import type { Comparison, ExportOptions, ExportRow, FileReport, Given, Guidance, ListText, Part, Place, Report, Shown, Situation, Verification } from "../report.ts";
import { CHUNK, instantiate, type Core, type Read, type StopReason } from "../scanner/core.ts";
import type { Asked } from "../scanner/protocol.ts";
import type { ScanOptions } from "./options.ts";

let compiled: WebAssembly.Module | null = null;

/** A fresh instance; the module is compiled once. */
function core(): Core {
  compiled ??= new WebAssembly.Module(inflateRawSync(Buffer.from(packed, "base64")));
  return instantiate(compiled);
}

/** Bytes that can be asked for by offset. */
interface Bytes {
  size: number;
  read(at: number, view: Uint8Array): number;
  close(): void;
}

/** A file of a scan. `open` may throw: then it is reported as unreadable. */
export interface Input {
  path: string;
  open(): Bytes;
}

function fileBytes(where: string): Bytes {
  // Asked before it is opened: who opens a pipe waits until somebody writes to it.
  const stat = statSync(where);
  if (!stat.isFile()) throw new Error(`${where} is not a file`);
  const fd = openSync(where, "r");
  return { size: stat.size, read: (at, view) => readSync(fd, view, 0, view.length, at), close: () => closeSync(fd) };
}

function memoryBytes(bytes: Uint8Array): Bytes {
  return {
    size: bytes.length,
    read(at, view) {
      const part = bytes.subarray(at, at + view.length);
      view.set(part);
      return part.length;
    },
    close() {},
  };
}

/** Bytes as the core asks for them, in one array that is used again. */
function giving(bytes: Bytes): Read {
  let scratch = new Uint8Array();
  return (at, length) => {
    if (scratch.length < length) scratch = new Uint8Array(length);
    return scratch.subarray(0, bytes.read(at, scratch.subarray(0, length)));
  };
}

/** The files below a path, hidden ones included, in the order of their names. Links are not followed: they could lead out, or round. */
export function walk(root: string): Input[] {
  const name = path.basename(path.resolve(root));
  if (!statSync(root).isDirectory()) return [{ path: root, open: () => fileBytes(root) }];
  const found: Input[] = [];
  const open = [{ where: root, as: name }];
  for (let next = open.pop(); next; next = open.pop()) {
    const { where, as } = next;
    let children: string[];
    try {
      const stat = lstatSync(where);
      if (stat.isSymbolicLink() && where !== root) continue;
      if (!stat.isDirectory() && where !== root) {
        found.push({ path: as, open: () => fileBytes(where) });
        continue;
      }
      children = readdirSync(where).sort().reverse();
    } catch (error) {
      const fail = () => {
        throw error;
      };
      found.push({ path: as, open: fail });
      continue;
    }
    open.push(...children.map((child) => ({ where: path.join(where, child), as: `${as}/${child}` })));
  }
  return found;
}

/** Whether one of these could not be read at all, which command lines tell by their exit status. */
export const unread = (files: FileReport[]) => files.some((file) => file.size === 0 && file.gaps.some((gap) => gap.reason === "unreadable" && gap.member === ""));

/** One file: its report, and its fingerprint if wanted. Never throws but for the signal. */
export async function scanOne(input: Input, { lang = "en", signal, digest = true }: ScanOptions): Promise<FileReport> {
  const gap = (size: number, reason: StopReason): FileReport => JSON.parse(core().stopped(input.path, size, reason, lang));
  let bytes: Bytes;
  try {
    bytes = input.open();
  } catch {
    return gap(0, "unreadable");
  }
  try {
    let failed = false;
    const given = giving(bytes);
    const read: Read = (at, length) => {
      try {
        return given(at, length);
      } catch (error) {
        failed = true;
        throw error;
      }
    };
    let report: FileReport;
    try {
      report = JSON.parse(core().scan(read, bytes.size, input.path, lang));
    } catch {
      return gap(bytes.size, failed ? "unreadable" : "scanner-stopped");
    }
    if (failed) return gap(bytes.size, "unreadable");
    if (digest) report.sha256 = await fingerprint(bytes, signal);
    return report.sha256 === null && digest ? gap(bytes.size, "unreadable") : report;
  } finally {
    bytes.close();
  }
}

/** SHA-256 of the whole, or null when the file changed under it. */
async function fingerprint(bytes: Bytes, signal: AbortSignal | undefined): Promise<string | null> {
  const digest = new (core().Sha256)();
  const chunk = new Uint8Array(Math.min(CHUNK, Math.max(1, bytes.size)));
  for (let at = 0; at < bytes.size; ) {
    const wanted = chunk.subarray(0, Math.min(chunk.length, bytes.size - at));
    let got: number;
    try {
      got = bytes.read(at, wanted);
    } catch {
      return null;
    }
    if (got === 0) return null;
    digest.update(wanted.subarray(0, got));
    at += got;
    // Lets a signal through between two chunks.
    await breathe();
    signal?.throwIfAborted();
  }
  return digest.finish();
}

/** The report over all files. */
export function conclude(files: FileReport[], lang: string): Report {
  return JSON.parse(core().conclude(JSON.stringify(files), lang));
}

/** The help of the command line. */
export const help = (): string => core().help();

/** Whether a path is one that lists of digests have by habit. */
export const isListName = (path: string): boolean => core().is_list_name(path);

/** What the core is asked beside a scan: text goes in and text comes out. */
export function ask<K extends Asked>(what: K, ...of: Parameters<Core[K]>): string {
  return (core()[what] as (...of: Parameters<Core[K]>) => string)(...of);
}

/** Weighs files, folders and blobs; see index.d.ts. */
export async function scan(input: string | Blob | readonly (string | Blob)[], options: ScanOptions = {}): Promise<Report> {
  options.signal?.throwIfAborted();
  const list = Array.isArray(input) ? (input as readonly (string | Blob)[]) : [input as string | Blob];
  const files: FileReport[] = [];
  for (const [i, one] of list.entries()) {
    for (const found of await inputs(one, i)) {
      files.push(await scanOne(found, options));
      await breathe();
      options.signal?.throwIfAborted();
    }
  }
  return conclude(files, options.lang ?? "en");
}

async function inputs(one: string | Blob, index: number): Promise<Input[]> {
  if (typeof one !== "string") {
    const bytes = new Uint8Array(await one.arrayBuffer());
    return [{ path: (one as Partial<File>).name ?? `blob-${index + 1}`, open: () => memoryBytes(bytes) }];
  }
  try {
    return walk(one);
  } catch {
    return [{ path: one, open: () => fileBytes(one) }];
  }
}

/** What may, must and must not be done: with files and folders, with the parts of a report, or with licences by name; see index.d.ts. */
export async function licence(
  input: string | Blob | readonly (string | Blob)[] | Report | { names: readonly string[] },
  situation: Partial<Situation> = {},
  options: ScanOptions = {},
): Promise<Guidance> {
  const lang = options.lang ?? "en";
  return JSON.parse(ask("licence", JSON.stringify(await partsOf(input, options)), JSON.stringify(situation), lang));
}

async function partsOf(input: Parameters<typeof licence>[0], options: ScanOptions): Promise<Partial<Part>[]> {
  if (typeof input === "object" && "names" in input) return input.names.map((name) => ({ name, licence: name, source: "chosen" }));
  if (typeof input === "object" && "licence" in input && "files" in input) return input.licence.parts;
  return (await scan(input as string | Blob | readonly (string | Blob)[], { ...options, digest: false })).licence.parts;
}

/** Bytes and listings of what was found, for forms that show them: the first place of what is medium and above. */
export function evidence(report: Report, inputs: readonly Input[], lang: string): Shown[] {
  const out: Shown[] = [];
  for (const [n, file] of report.files.entries()) {
    const places = file.findings.filter((one) => ["medium", "high", "critical"].includes(one.severity)).flatMap((one) => one.places.slice(0, 1));
    for (const place of places.slice(0, Math.max(0, Math.min(8, 200 - out.length)))) {
      const shown = evidenceOf(inputs[n], file.path, place, lang);
      if (shown) out.push(shown);
    }
  }
  return out;
}

function evidenceOf(input: Input | undefined, name: string, place: Place, lang: string): Shown | null {
  let bytes: Bytes | undefined;
  try {
    bytes = input?.open();
    if (!bytes) return null;
    return { path: name, place, evidence: JSON.parse(core().evidence(giving(bytes), bytes.size, name, JSON.stringify(place), lang)) };
  } catch {
    return null;
  } finally {
    bytes?.close();
  }
}

/** Whether what is beside a file can still change its report. */
export function waits(file: FileReport): boolean {
  return core().waits(JSON.stringify(file));
}

/** The forms of {@link exportReport}. */
export function exportForms(): ExportRow[] {
  return JSON.parse(ask("exports"));
}

/** A report in another form; see index.d.ts. */
export function exportReport(report: Report | string, id: string, options: Partial<ExportOptions> = {}): string {
  return ask("export_report", textOf(report), id, JSON.stringify(options));
}

const textOf = (report: Report | string): string => (typeof report === "string" ? report : JSON.stringify(report));

/** Holds files against digests; see index.d.ts. */
export async function verify(input: Parameters<typeof scan>[0] | readonly Pick<Given, "path" | "size" | "sha256">[], lists: string | readonly ListText[], options: ScanOptions & { whole?: boolean } = {}): Promise<Verification> {
  const texts = typeof lists === "string" ? [{ path: "", text: lists }] : lists;
  const given = Array.isArray(input) && input.every((one) => typeof one === "object" && "sha256" in one) ? (input as readonly Pick<Given, "path" | "size" | "sha256">[]) : (await scan(input as Parameters<typeof scan>[0], { ...options, digest: true })).files;
  const files = given.map(({ path, size, sha256 }) => ({ path, size, sha256 }));
  return JSON.parse(ask("verify", JSON.stringify(texts), JSON.stringify(files), options.whole ?? false, options.lang ?? "en"));
}

/** What changed; see index.d.ts. */
export function compare(old: Report | string, later: Report | string, options: { lang?: string } = {}): Comparison {
  return JSON.parse(ask("compare", textOf(old), textOf(later), options.lang ?? "en"));
}
