/** What the page and a scanner worker say to each other. One task at a time a worker; answers carry the task's number. */
import type { Core, StopReason } from "./core.ts";
import type { Place } from "../report.ts";

export type Task =
  /** `size` is what it was when the file was chosen. */
  | { kind: "scan"; file: Blob; size: number; path: string; lang: string }
  | { kind: "digest"; file: Blob }
  | { kind: "evidence"; file: Blob; path: string; place: Place; lang: string }
  | { kind: "conclude"; files: string; lang: string }
  | { kind: "tables"; lang: string }
  | { kind: "stopped"; files: Stopped[]; lang: string }
  | Ask;

/** What the core is asked beside a scan; text goes in and text comes out. */
export type Asked = "licence" | "licence_print" | "licences" | "inventory" | "inventory_add" | "inventory_changes" | "inventory_csv" | "exports" | "export_report" | "open_report" | "verify" | "verify_print" | "compare" | "compare_print";
export type Ask = { [K in Asked]: { kind: "ask"; what: K; of: Parameters<Core[K]> } }[Asked];

/** A file that was not scanned to its end. */
export interface Stopped {
  path: string;
  size: number;
  reason: StopReason;
}

/** The first message to a worker. */
export interface Start {
  module: WebAssembly.Module;
}

export interface Request {
  id: number;
  task: Task;
}

export type Answer =
  /** Once, before anything else. `locked`: the self-test was refused, so this worker cannot reach the network. */
  | { kind: "ready"; locked: boolean }
  | { kind: "progress"; id: number; bytes: number }
  | { kind: "done"; id: number; result: string }
  | { kind: "failed"; id: number; reason: StopReason; detail: string };
