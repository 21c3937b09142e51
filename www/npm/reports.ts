/** `npx weighstation export`, `verify` and `compare`: the same options, answers and exit status as the native commands. */
import { closeSync, existsSync, openSync, readFileSync, readSync, statSync, writeFileSync } from "node:fs";
import { parseArgs, type ParseArgsConfig } from "node:util";
import type { ExportOptions, ListText, Report, Verdict } from "../report.ts";
import { VERDICTS } from "../report.ts";
import { plain, spoken, Wrong } from "./command.ts";
import { ask, compare, conclude, exportForms, exportReport, isListName, scanOne, verify, walk } from "./node.ts";

const string = { type: "string" } as const;

/** Flags of whatever writes a report. */
export const REPORT_FLAGS = { paths: string, time: string, serial: string };

function one(flag: string, value: string, allowed: readonly string[]): string {
  if (!allowed.includes(value)) throw new Wrong(`--${flag} is one of ${allowed.join(", ")}`);
  return value;
}

function read<T extends NonNullable<ParseArgsConfig["options"]>>(args: string[], options: T) {
  try {
    return parseArgs({ args, allowPositionals: true, options });
  } catch (error) {
    throw new Wrong((error as Error).message);
  }
}

/** What the core does not know of itself: the time, where a form tells it, and the folder that paths are relative to. */
export function exportOptions(values: { lang?: string; paths?: string; time?: string; serial?: string }, format: string, now = true): Partial<ExportOptions> {
  const timeless = ["json", "jsonl", "text", "csv"].includes(format) || values.time === "none" || (!now && values.time === undefined);
  const epoch = Number(process.env["SOURCE_DATE_EPOCH"] ?? Number.NaN);
  const clock = () => `${new Date(Number.isSafeInteger(epoch) ? epoch * 1000 : Date.now()).toISOString().slice(0, 19)}Z`;
  const time = timeless ? "" : (values.time ?? clock());
  if (time !== "" && !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(time)) throw new Wrong("--time is written as 2026-11-20T12:00:00Z, or none");
  const serial = (values.serial ?? "").toLowerCase();
  if (serial !== "" && !/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(serial)) throw new Wrong("--serial is a UUID");
  const paths = one("paths", values.paths ?? "full", ["full", "names", "numbered"]) as ExportOptions["paths"];
  return { lang: spoken(values.lang ?? "en"), paths, time, serial, root: process.cwd().replaceAll("\\", "/") };
}

function write(text: string, output: string | undefined): void {
  if (output === undefined) process.stdout.write(text);
  else writeFileSync(output, text);
}

/** An input that cannot be used: exit status 3. */
function unusable(file: string, error: unknown): number {
  process.stderr.write(`weighstation: ${plain(file)}: ${plain((error as Error).message)}\n`);
  return 3;
}

async function exported(args: string[]): Promise<number> {
  const { values, positionals } = read(args, { format: string, output: string, lang: string, ...REPORT_FLAGS });
  const [file, ...more] = positionals;
  if (file === undefined || more.length > 0) throw new Wrong("export needs one report");
  const format = one("format", values.format ?? "html", exportForms().map((form) => form.id));
  const how = exportOptions(values, format, false);
  how.colour = values.output === undefined && process.stdout.isTTY && process.env["NO_COLOR"] === undefined;
  let text: string;
  try {
    text = exportReport(readFileSync(file === "-" ? 0 : file, "utf8"), format, how);
  } catch (error) {
    return unusable(file, error);
  }
  write(text, values.output);
  return 0;
}

async function verified(args: string[]): Promise<number> {
  const many = { type: "string", multiple: true } as const;
  const { values, positionals } = read(args, { digest: many, sums: many, pointer: many, format: string, output: string, lang: string, "fail-on": string });
  if (positionals.length === 0) throw new Wrong("verify needs at least one file or folder");
  const format = one("format", values.format ?? "text", ["text", "json"]);
  const levels = ["unlisted", "incomplete", "differs", "never"];
  const failOn = levels.indexOf(one("fail-on", values["fail-on"] ?? "incomplete", levels));
  const lang = spoken(values.lang ?? "en");
  const missing = positionals.filter((path) => !existsSync(path));
  for (const path of missing) process.stderr.write(`weighstation: cannot read ${plain(path)}\n`);
  const inputs = positionals.filter((path) => !missing.includes(path)).flatMap(walk);
  const texts: ListText[] = (values.digest ?? []).map((text) => ({ path: "", text }));
  const named = [...(values.sums ?? []), ...(values.pointer ?? [])];
  for (const file of named) {
    try {
      texts.push({ path: file.replaceAll("\\", "/"), text: readFileSync(file, "utf8") });
    } catch (error) {
      return unusable(file, error);
    }
  }
  if (texts.length === 0) {
    const decoder = new TextDecoder();
    for (const input of inputs.filter((one) => isListName(one.path))) {
      const bytes = input.open();
      const view = new Uint8Array(Math.min(bytes.size, 64 << 20));
      texts.push({ path: input.path, text: decoder.decode(view.subarray(0, bytes.read(0, view))) });
      bytes.close();
    }
  }
  if (texts.length === 0) throw new Wrong("there is nothing to compare with: give --digest, --sums or --pointer");
  const files = [];
  for (const input of inputs) files.push(await scanOne(input, { lang, digest: true }));
  const whole = positionals.some((path) => existsSync(path) && statSync(path).isDirectory());
  const v = await verify(files, texts, { lang, whole });
  write(format === "json" ? `${JSON.stringify(v, null, 2)}\n` : ask("verify_print", JSON.stringify(v), lang), values.output);
  if (missing.length > 0 || files.some((file) => file.sha256 === null)) return 3;
  const reached = { differs: 2, incomplete: 1, nothing: 1, matches: v.checks.some((check) => check.state === "unlisted") ? 0 : -1 }[v.outcome];
  return reached >= failOn ? 1 : 0;
}

function startsWithBrace(path: string): boolean {
  const fd = openSync(path, "r");
  const head = new Uint8Array(1);
  readSync(fd, head);
  closeSync(fd);
  return head[0] === 0x7b;
}

/** A stored report, or the report on what lies there. */
async function side(path: string, lang: string, digest: boolean): Promise<Report | string> {
  const stat = statSync(path);
  // Nothing else that is scanned begins like that and names the schema; a model is not read whole to find out.
  if (stat.isFile() && stat.size > 0 && stat.size <= 2 ** 27 && startsWithBrace(path)) {
    const text = readFileSync(path, "utf8");
    if (text.includes("weighstation-report/1")) return text;
  }
  const files = [];
  for (const input of walk(path)) files.push(await scanOne(input, { lang, digest }));
  return conclude(files, lang);
}

async function compared(args: string[]): Promise<number> {
  const { values, positionals } = read(args, { format: string, output: string, lang: string, "fail-on": string, "no-digest": { type: "boolean" } });
  const [old, later, ...more] = positionals;
  if (old === undefined || later === undefined || more.length > 0) throw new Wrong("compare needs two reports, files or folders");
  const format = one("format", values.format ?? "text", ["text", "json", "markdown"]);
  const failOn = one("fail-on", values["fail-on"] ?? "suspicious", ["dangerous", "suspicious", "incomplete", "never"]);
  const lang = spoken(values.lang ?? "en");
  const sides: (Report | string)[] = [];
  for (const path of [old, later]) {
    try {
      sides.push(await side(path, lang, !values["no-digest"]));
    } catch (error) {
      return unusable(path, error);
    }
  }
  let c;
  try {
    c = compare(sides[0]!, sides[1]!, { lang });
  } catch (error) {
    return unusable(`${old}, ${later}`, error);
  }
  write(format === "json" ? `${JSON.stringify(c, null, 2)}\n` : ask("compare_print", JSON.stringify(c), format, lang), values.output);
  const threshold = VERDICTS.indexOf(failOn as Verdict);
  return threshold >= 0 && VERDICTS.indexOf(c.news) <= threshold ? 1 : 0;
}

/** The commands by name; each returns its exit status. */
export const COMMANDS: Record<string, ((args: string[]) => Promise<number>) | undefined> = { export: exported, verify: verified, compare: compared };
