/**
 * What is done with a finished report: written in a form, held against a list of digests, compared with another one. Asks the core and keeps its answers; knows
 * nothing of a page, and stores nothing.
 */
import type { Comparison, Evidence, ExportOptions, ExportRow, Given, Paths, Place, Report, Shown, Verification } from "../report.ts";
import type { Pool } from "./client.ts";
import type { Core } from "./core.ts";
import type { Asked } from "./protocol.ts";

/** So many places are shown with their bytes in a form that can. */
const MOST_SHOWN = 12;
/** A report of a large folder is far smaller. */
const LARGEST_REPORT = 256 * 1024 * 1024;

const REPORT = /^\s*\{\s*"schema":\s*"weighstation-report\/1"/;

export interface Written {
  text: string;
  row: ExportRow;
}

export class Checks {
  forms: ExportRow[] = [];
  verification: Verification | null = null;
  comparison: Comparison | null = null;
  /** The report before this one. */
  before: Report | null = null;
  /** What could not be done. */
  failed: "verify" | "compare" | null = null;
  #listed = false;
  #verifyAgain = async () => {};
  #compareAgain = async () => {};

  constructor(
    readonly desk: Pool,
    readonly lang: () => string,
    readonly changed: () => void,
  ) {}

  /** Asks once for the forms that a report can be written in. */
  list(): void {
    if (this.#listed) return;
    this.#listed = true;
    this.#ask("exports").then(
      (rows) => {
        this.forms = JSON.parse(rows);
        this.changed();
      },
      () => (this.#listed = false),
    );
  }

  /** Another weighing begins. */
  follow(last: Report | null): void {
    if (last) this.before = last;
    this.verification = this.comparison = this.failed = null;
  }

  /** What files of a form are called at the end. */
  ending(form: string): string {
    return this.forms.find(({ id }) => id === form)?.ending ?? "json";
  }

  /** The report in a form. `evidence` gives the bytes of a place, for the forms that show some. */
  async write(report: Report, form: string, { lang = this.lang(), paths = "full" as Paths }, evidence: ((path: string, place: Place) => Promise<Evidence>) | null): Promise<Written> {
    const rows: ExportRow[] = this.forms.length > 0 ? this.forms : JSON.parse(await this.#ask("exports"));
    const row = rows.find(({ id }) => id === form);
    if (!row) throw new RangeError(`no such format: ${form}`);
    const options: ExportOptions = { lang, paths, time: `${new Date().toISOString().slice(0, 19)}Z`, serial: "", root: "", colour: false, evidence: evidence ? await shown(report, evidence) : [] };
    return { text: await this.#ask("export_report", JSON.stringify(report), form, JSON.stringify(options)), row };
  }

  /** Holds files against a list that was pasted, or read at `path`. */
  async verify(report: Report, list: string, path: string): Promise<void> {
    const files = report.files.map(({ path, size, sha256 }): Given => ({ path, size, sha256, sha384: null, sha512: null }));
    // Of a folder all that is listed must be there; single files may be a part of what is listed.
    const whole = report.files.some((file) => file.path.includes("/"));
    this.#verifyAgain = () => this.verify(report, list, path);
    await this.#run("verify", async () => {
      this.verification = JSON.parse(await this.#ask("verify", JSON.stringify([{ path, text: list }]), JSON.stringify(files), whole, this.lang()));
    });
  }

  /** Says what changed since an earlier report. */
  async compare(old: string | Report, report: Report): Promise<void> {
    this.#compareAgain = () => this.compare(old, report);
    await this.#run("compare", async () => {
      this.comparison = JSON.parse(await this.#ask("compare", typeof old === "string" ? old : JSON.stringify(old), JSON.stringify(report), this.lang()));
    });
  }

  /** The language is another one now: what is shown is said again. */
  retell(): void {
    if (this.verification) void this.#verifyAgain();
    if (this.comparison) void this.#compareAgain();
  }

  /** The text of a chosen file, which must not be a model. */
  async read(file: Blob): Promise<string> {
    return file.size > LARGEST_REPORT ? "" : file.text();
  }

  /** A report that was saved earlier, or null for any other file. It is kept for a comparison with what comes next. */
  async saved({ path, file }: { path: string; file: Blob }): Promise<Report | null> {
    if (!path.toLowerCase().endsWith(".json") || file.size > LARGEST_REPORT) return null;
    try {
      if (!REPORT.test(await file.slice(0, 256).text())) return null;
      this.before = JSON.parse(await this.#ask("open_report", await file.text(), this.lang()));
      return this.before;
    } catch {
      return null;
    }
  }

  async #run(what: "verify" | "compare", work: () => Promise<void>): Promise<void> {
    this.failed = null;
    try {
      await work();
    } catch {
      this.failed = what;
      if (what === "verify") this.verification = null;
      else this.comparison = null;
    }
    this.changed();
  }

  #ask<K extends Asked>(what: K, ...of: Parameters<Core[K]>): Promise<string> {
    return this.desk.run({ kind: "ask", what, of } as Parameters<Pool["run"]>[0]);
  }
}

/** The first place of each heavy finding, the heaviest files first. */
async function shown(report: Report, evidence: (path: string, place: Place) => Promise<Evidence>): Promise<Shown[]> {
  const heavy = report.files.flatMap((file) => file.findings.filter(({ severity }) => severity !== "info" && severity !== "low").flatMap((finding) => finding.places.slice(0, 1).map((place) => ({ path: file.path, place }))));
  const all: Shown[] = [];
  for (const { path, place } of heavy.slice(0, MOST_SHOWN)) {
    const seen = await evidence(path, place).catch(() => null);
    if (seen) all.push({ path, place, evidence: seen });
  }
  return all;
}
