import type { Guidance, Report, Situation } from "./report.d.ts";

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
