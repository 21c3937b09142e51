/** How a scan is to be done. */
export interface ScanOptions {
  /** Language of the sentences: a BCP 47 tag; English and Japanese are there. Default: "en". */
  lang?: string;
  /** Ends the scan; the promise is rejected with the signal's reason. */
  signal?: AbortSignal;
  /** Whether to take SHA-256 fingerprints, which reads every byte. Default: true. */
  digest?: boolean;
}
