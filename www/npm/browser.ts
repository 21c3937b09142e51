/** The package in a browser: the same scanner the page uses, without the page. */
import { fromList } from "../intake/intake.ts";
import type { Report } from "../report.ts";
import { Pool } from "../scanner/client.ts";
import { Weighing } from "../scanner/weighing.ts";
import type { ScanOptions } from "./options.ts";

/** Weighs one file or several; see index.d.ts. */
export async function scan(input: Blob | readonly Blob[], { lang = "en", signal, digest = true }: ScanOptions = {}): Promise<Report> {
  signal?.throwIfAborted();
  const list = Array.isArray(input) ? (input as readonly Blob[]) : [input as Blob];
  const desk = new Pool(1);
  const weighing = new Weighing({ lang, digest }, desk, () => {});
  try {
    const aborted = new Promise<never>((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason), { once: true }));
    weighing.add(list.map((file, i) => (file instanceof File ? fromList([file])[0]! : { path: `blob-${i + 1}`, file })));
    await Promise.race([weighing.finished(), aborted]);
    if (!weighing.report) throw new Error(weighing.blocked ?? "the scanner could not start");
    return weighing.report;
  } finally {
    weighing.stop();
    desk.stop();
  }
}
