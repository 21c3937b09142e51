/**
 * One weighing: files come in, verdicts come out first, fingerprints after them. Knows nothing of a page; the element and the package's browser
 * entry both stand on it.
 */
import type { Evidence, FileReport, Outline, Place, Report, Tables, Verdict } from "../report.ts";
import { Pool, ScannerBlocked, ScannerStopped } from "./client.ts";
import type { StopReason } from "./core.ts";
import type { Stopped } from "./protocol.ts";

/** A file and the path it is reported under. */
export interface Item {
  path: string;
  file: Blob;
  /** It was listed in its folder and could not be opened. */
  unreadable?: boolean;
}

/** One file of a weighing, as it stands now. */
export interface Row extends Item {
  /** When it was chosen; the file may change later. */
  size: number;
  phase: "waiting" | "scanning" | "done";
  report: FileReport | null;
  /** Bytes read by the scan or hashed by the fingerprint pass, whichever runs. */
  bytes: number;
  digest: "none" | "waiting" | "running" | "done" | "failed";
}

export interface Settings {
  lang: string;
  /** Whether to take fingerprints after the verdicts. */
  digest: boolean;
}

/** Workers for files: at least two, so that a huge file does not hold up the rest; at most four, because the disk is the limit then. For the address see `Pool.address`. */
export const scannersAt = (address: string | null = null): Pool => new Pool(Math.max(2, Math.min(4, (navigator.hardwareConcurrency || 2) - 1)), () => {}, address);

export class Weighing {
  readonly rows: Row[] = [];
  report: Report | null = null;
  phase: "scanning" | "verdict" | "done" = "scanning";
  /** Set when no worker could be started: nothing was weighed. */
  blocked: string | null = null;
  /** When the fingerprint pass began, on the clock of `performance.now()`. */
  fingerprintsSince = 0;
  #paths = new Set<string>();
  #open = 0;
  #stopped = false;
  #left: (Stopped & { resolve: (report: FileReport | null) => void })[] = [];
  #settled: (() => void)[] = [];

  /** `desk` answers what is short and urgent (conclusions, evidence) while `scanners` are deep in files. */
  constructor(
    readonly settings: Settings,
    readonly desk: Pool,
    readonly changed: () => void,
    readonly scanners: Pool = scannersAt(),
  ) {}

  /** Adds files; those already added stay. The smallest are scanned first, so that verdicts start to come at once. */
  add(items: Item[]): void {
    const rows = items.map((item): Row => ({ ...item, path: this.#unique(item.path), size: item.file.size, phase: "waiting", report: null, bytes: 0, digest: "none" }));
    this.rows.push(...rows);
    this.phase = "scanning";
    this.report = null;
    this.#open += rows.length;
    for (const row of [...rows].sort((a, b) => a.size - b.size)) void this.#scan(row);
    if (items.length === 0 && this.#open === 0) void this.#conclude();
    this.changed();
  }

  /** How much of the scan is done, from 0 to 1. */
  get part(): number {
    return this.rows.length > 0 ? 1 - this.#open / this.rows.length : 0;
  }

  /** Whether somebody ended it. */
  get stopped(): boolean {
    return this.#stopped;
  }

  /** Ends everything now. What was found stays; what was not looked at says so. */
  stop(): void {
    this.#stopped = true;
    this.scanners.stop();
  }

  /** Bytes and listing around a place of one of the files. */
  async evidence(row: Row, place: Place): Promise<Evidence> {
    const { lang } = this.settings;
    return JSON.parse(await this.desk.run({ kind: "evidence", file: row.file, path: row.path, place, lang }));
  }

  /** Goes on in another language; what is said already is said again. */
  async speak(lang: string): Promise<void> {
    if (lang === this.settings.lang) return;
    this.settings.lang = lang;
    // What is still being read follows with the conclusion.
    if (this.phase === "scanning") return;
    await this.#report();
    this.changed();
  }

  /** Resolves when verdict and fingerprints are there. */
  finished(): Promise<void> {
    return this.phase === "done" ? Promise.resolve() : new Promise((resolve) => this.#settled.push(resolve));
  }

  /** Two different files must not be told apart by luck. */
  #unique(path: string): string {
    let name = path;
    for (let n = 2; this.#paths.has(name); n++) name = `${path} (${n})`;
    this.#paths.add(name);
    return name;
  }

  async #scan(row: Row): Promise<void> {
    const { lang } = this.settings;
    try {
      if (row.unreadable) throw new ScannerStopped("unreadable", "could not be opened");
      const result = await this.scanners.run({ kind: "scan", file: row.file, size: row.size, path: row.path, lang }, (bytes) => {
        row.phase = "scanning";
        row.bytes = bytes;
        this.changed();
      });
      row.report = JSON.parse(result);
    } catch (error) {
      if (error instanceof ScannerBlocked) this.blocked = error.message;
      row.report = await this.#gap(row, error instanceof ScannerStopped ? error.reason : "scanner-stopped");
    }
    row.phase = "done";
    row.bytes = 0;
    this.#open--;
    this.changed();
    if (this.#open === 0) await this.#conclude();
  }

  /** Stop leaves thousands of files at once: what is left in one turn of the event loop is one task. */
  #gap(row: Row, reason: StopReason): Promise<FileReport | null> {
    if (this.#left.length === 0) setTimeout(() => void this.#leave());
    return new Promise((resolve) => this.#left.push({ path: row.path, size: row.size, reason, resolve }));
  }

  async #leave(): Promise<void> {
    const left = this.#left.splice(0);
    const files = left.map(({ path, size, reason }) => ({ path, size, reason }));
    const reports: FileReport[] = await this.desk.run({ kind: "stopped", files, lang: this.settings.lang }).then(JSON.parse, () => []);
    left.forEach(({ resolve }, i) => resolve(reports[i] ?? null));
  }

  async #conclude(): Promise<void> {
    if (!(await this.#report()) || this.phase !== "scanning") return;
    this.phase = "verdict";
    this.changed();
    if (this.settings.digest && !this.#stopped) await this.#fingerprint();
    if (this.phase !== "verdict") return;
    this.phase = "done";
    this.changed();
    for (const resolve of this.#settled.splice(0)) resolve();
  }

  /** Asks the core for the whole; false when files were added meanwhile, or nothing could be weighed. */
  async #report(): Promise<boolean> {
    const files = this.rows.flatMap((row) => row.report ?? []);
    try {
      const report: Report = JSON.parse(await this.desk.run({ kind: "conclude", files: JSON.stringify(files), lang: this.settings.lang }));
      if (this.#open > 0) return false;
      this.report = report;
      // The core may have said more about a file once it saw its neighbours.
      const byPath = new Map(report.files.map((file) => [file.path, file]));
      // What the tree shows stays the same object: somebody may be walking in it.
      for (const row of this.rows) {
        const said = byPath.get(row.path);
        if (said && row.report) said.outline = renoted(row.report.outline, said.outline);
        row.report = said ?? row.report;
      }
    } catch (error) {
      this.blocked ??= String(error);
    }
    return this.#open === 0;
  }

  /** The biggest first: it decides when the whole is done. */
  async #fingerprint(): Promise<void> {
    const rows = this.rows.filter((row) => row.report?.sha256 === null && !row.unreadable && row.digest !== "failed");
    this.fingerprintsSince = performance.now();
    for (const row of rows) row.digest = "waiting";
    rows.sort((a, b) => b.size - a.size);
    await Promise.all(
      rows.map(async (row) => {
        try {
          const progress = (bytes: number) => {
            row.digest = "running";
            row.bytes = bytes;
            this.changed();
          };
          const digest = await this.scanners.run({ kind: "digest", file: row.file }, progress);
          row.report!.sha256 = digest;
          row.digest = "done";
        } catch (error) {
          await this.#lost(row, error);
        }
        this.changed();
      }),
    );
    await this.#report();
  }

  /** No fingerprint. A file that can no longer be read was not weighed as it stands now either: that is a gap of its own. */
  async #lost(row: Row, error: unknown): Promise<void> {
    row.digest = "failed";
    if (!(error instanceof ScannerStopped) || error.reason === "cancelled" || !row.report) return;
    const gap = await this.#gap(row, error.reason);
    if (!gap) return;
    row.report.gaps.push(...gap.gaps);
    if (row.report.verdict === "clear") row.report.verdict = "incomplete";
  }
}

/** A tree with the words of the same tree in another language. */
function renoted(tree: Outline, other: Outline): Outline {
  const open: [Outline, Outline][] = [[tree, other]];
  for (let pair = open.pop(); pair; pair = open.pop()) {
    const [old, now] = pair;
    old.label = now.label;
    old.note = now.note;
    old.children.forEach((child, i) => now.children[i] && open.push([child, now.children[i]]));
  }
  return tree;
}

/** How many files have which verdict. */
export function tally(rows: readonly Row[]): Record<Verdict, number> {
  const counts: Record<Verdict, number> = { dangerous: 0, suspicious: 0, incomplete: 0, clear: 0 };
  for (const { report } of rows) if (report) counts[report.verdict]++;
  return counts;
}

/** The rules and formats this build knows. */
export async function tables(desk: Pool, lang: string): Promise<Tables> {
  return JSON.parse(await desk.run({ kind: "tables", lang }));
}
