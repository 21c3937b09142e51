/**
 * The report as the core writes it (JSON; schema `weighstation-report/1`). Names and values are stable: see the README.
 * A test checks every key named here against reports of the core, so that the two cannot drift apart unseen.
 */

/** What the whole adds up to. There is no word for "safe" on purpose. */
export type Verdict = "dangerous" | "suspicious" | "incomplete" | "clear";
export type Severity = "critical" | "high" | "medium" | "low" | "info";

/** Where in a file something stands. `offset` counts inside `member`; `file_offset` inside the file, where that exists. */
export interface Place {
  /** Empty for the file itself. */
  member: string;
  offset: number;
  length: number;
  file_offset: number | null;
}

export interface Finding {
  rule: string;
  name: string;
  severity: Severity;
  message: string;
  args: Record<string, unknown>;
  count: number;
  places: Place[];
  title: string;
  why: string;
  fix: string;
  refs: string[];
}

/** Something that was not looked at, and why. */
export interface Gap {
  reason: string;
  /** Empty for the file itself. */
  member: string;
  message: string;
}

export interface Import {
  module: string;
  name: string;
  use: "imported" | "called" | "built";
  standing: "expected" | "unknown" | "dangerous";
}

/** One branch of what is in the file; `more` counts the children that were left out. */
export interface Outline {
  label: string;
  kind: string;
  size: number | null;
  note: string | null;
  children: Outline[];
  more: number;
}

export interface FileReport {
  path: string;
  size: number;
  sha256: string | null;
  formats: string[];
  verdict: Verdict;
  headline: string;
  advice: string[];
  findings: Finding[];
  gaps: Gap[];
  imports: Import[];
  tensors: { count: number; parameters: number; bytes: number; dtypes: Record<string, number> };
  metadata: { key: string; value: string }[];
  licence: { declared: unknown[]; found: unknown[] };
  /** Names of other files that this one asks for. */
  references: string[];
  outline: Outline;
}

export interface Report {
  schema: "weighstation-report/1";
  tool: { name: string; version: string; rules: string };
  verdict: Verdict;
  files: FileReport[];
  findings: Finding[];
  licence: Record<string, unknown>;
}

/** The bytes around one place, with what they say. `base` is the offset of the first byte inside the member. */
export interface Evidence {
  crumbs: string[];
  base: number;
  bytes: string;
  mark: { at: number; length: number };
  rows: { offset: number; length: number; instruction: string; argument: string; means: string; marked: boolean }[];
  file_base: number | null;
}

export interface Tables {
  rules: { id: string; name: string; severity: Severity; title: string; why: string; fix: string; refs: string[] }[];
  formats: { id: string; name: string; extensions: string[] }[];
}

/** Worst first; the order of every list of verdicts. */
export const VERDICTS: readonly Verdict[] = ["dangerous", "suspicious", "incomplete", "clear"];
export const SEVERITIES: readonly Severity[] = ["critical", "high", "medium", "low", "info"];
