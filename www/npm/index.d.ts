import type { Comparison, ExportOptions, ExportRow, Given, Guidance, ListText, Report, Situation, Verification } from "./report.d.ts";

export type * from "./report.d.ts";

/** How a scan is to be done. */
export interface ScanOptions {
  /** Language of the sentences: a BCP 47 tag; English and Japanese are there. Default: "en". */
  lang?: string;
  /** Ends the scan; the promise is rejected with the signal's reason. */
  signal?: AbortSignal;
  /** Whether to take SHA-256 fingerprints, which reads every byte. Default: true. */
  digest?: boolean;
}

/**
 * Weighs one file or several, and folders in Node. A file that cannot be read is a gap in the report, not an error.
 *
 * In Node a string is a path; `File` and `Blob` work in both worlds.
 */
export function scan(input: string | Blob | readonly (string | Blob)[], options?: ScanOptions): Promise<Report>;

/**
 * What may, must and must not be done, each line with licence, clause and date: guidance, not legal advice. The input is what `scan` takes, a report
 * that `scan` gave, or licences by name. Facts that are missing come back as questions.
 *
 * In Node only.
 */
export function licence(
  input: string | Blob | readonly (string | Blob)[] | Report | { names: readonly string[] },
  situation?: Partial<Situation>,
  options?: ScanOptions,
): Promise<Guidance>;

/**
 * A report in another form: "html", "markdown", "csv", "text", "json", "jsonl", "sarif", "cyclonedx", "spdx". A string is a stored report; what is no report is an error.
 * No form has a clock: `time` says when the files were scanned.
 *
 * In Node only, as all below.
 */
export function exportReport(report: Report | string, id: string, options?: Partial<ExportOptions>): string;

/** The forms of `exportReport` with their media types and endings. */
export function exportForms(): ExportRow[];

/**
 * Holds files against digests that somebody published: pasted ones, lists as sha256sum writes them, pointers of Git LFS. The names of a list are relative to its path.
 */
export function verify(
  input: string | Blob | readonly (string | Blob)[] | readonly Pick<Given, "path" | "size" | "sha256">[],
  lists: string | readonly ListText[],
  options?: ScanOptions & {
    /** These are all the files there are: what is listed and not given is missing. Default: false. */
    whole?: boolean;
  },
): Promise<Verification>;

/** What changed between two reports, the worst news first. A string is a stored report. */
export function compare(old: Report | string, later: Report | string, options?: { lang?: string }): Comparison;
