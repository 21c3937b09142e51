/** Files that the page hands to the browser to keep. */
import type { Report } from "../report.ts";

/** Within this time every browser has begun to write, or to ask where. */
const A_MINUTE = 60_000;

export function save(what: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(what);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), A_MINUTE);
}

/** The day, and the beginning of the fingerprint where there is one file: saved reports do not overwrite each other. */
export function reportName(report: Report | null, ending: string): string {
  const digest = report?.files.length === 1 ? report.files[0]!.sha256?.slice(0, 8) : null;
  return `weighstation-${["report", new Date().toISOString().slice(0, 10), digest].filter(Boolean).join("-")}.${ending}`;
}
