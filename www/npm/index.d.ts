import type { Report } from "./report.d.ts";

export type * from "./report.d.ts";

/** How a scan is to be done. */
export interface ScanOptions {
  /** Language of the sentences: a BCP 47 tag. Default: "en". */
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
