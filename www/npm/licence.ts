/** `npx weighstation licence`: the same options, answers and exit status as the native command. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import type { Change, FileReport, Guidance, Level, Part, Report, Situation, Switch, Use } from "../report.ts";
import { plain, spoken, Wrong } from "./command.ts";
import { ask, conclude, scanOne, unread, walk } from "./node.ts";

const USES: Record<Use, true> = { inside: true, service: true, give: true, "fine-tune": true, merge: true, sell: true, distil: true, "service-fine-tuned": true, research: true };
const ASSUMPTIONS = ["weights-protected", "share-alike-data-reaches-weights", "copyleft-weights-reach-program", "non-commercial-data-reaches-weights"];
const LEVELS: readonly Level[] = ["ok", "ok-with-obligations", "needs-review", "conflict"];

function one(flag: string, value: string, allowed: readonly string[]): string {
  if (!allowed.includes(value)) throw new Wrong(`--${flag} is one of ${allowed.join(", ")}`);
  return value;
}

function number(flag: string, text: string): number {
  const n = Number(text.replaceAll(/[_,]/g, ""));
  if (!/^[\d_,]+$/.test(text) || !Number.isSafeInteger(n)) throw new Wrong(`--${flag} does not know ${JSON.stringify(text)}`);
  return n;
}

const list = (text: string): string[] => text.split(",").map((item) => item.trim()).filter(Boolean);

function pair(flag: string, text: string): [string, string] {
  const at = text.indexOf("=");
  if (at < 1) throw new Wrong(`--${flag} needs NAME=VALUE`);
  return [text.slice(0, at), text.slice(at + 1)];
}

function read(args: string[]) {
  const string = { type: "string" } as const;
  const many = { type: "string", multiple: true } as const;
  const flag = { type: "boolean" } as const;
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      tokens: true,
      options: {
        use: string, seat: string, users: string, revenue: string, fact: many, business: string, field: many, outbound: string, label: string, agreement: many, commercial: string,
        "non-profit": flag, assume: many, format: string, output: string, "fail-on": string, against: string, save: string, date: string, lang: string, "by-name": flag,
      },
    });
  } catch (error) {
    throw new Wrong((error as Error).message);
  }
}

function situationOf(values: ReturnType<typeof read>["values"]): Partial<Situation> {
  const facts: Record<string, number> = {};
  for (const [name, n] of (values.fact ?? []).map((text) => pair("fact", text))) facts[name] = number("fact", n);
  // A number that was given by its name stands; these only fill in.
  const fill = (name: string, n: number) => (facts[name] ??= n);
  if (values.users !== undefined) for (const name of ["mau", "dau", "monthly_unique_users", "monthly_visits"]) fill(name, number("users", values.users));
  if (values.revenue !== undefined) {
    const n = number("revenue", values.revenue);
    for (const name of ["annual_revenue_usd", "annual_recurring_revenue_usd"]) fill(name, n);
    fill("monthly_revenue_usd", Math.floor(n / 12));
  }
  const assumed = (values.assume ?? []).map((text) => pair("assume", text));
  const assume = Object.fromEntries(assumed.map(([name, answer]) => [one("assume", name, ASSUMPTIONS), one("assume", answer, ["yes", "no", "open"]) as Switch]));
  return {
    use: one("use", values.use ?? "inside", Object.keys(USES)) as Use,
    commercial: values.commercial === undefined ? null : one("commercial", values.commercial, ["yes", "no"]) === "yes",
    for_profit: !values["non-profit"],
    seat: values.seat ?? null,
    facts,
    business: values.business === undefined ? null : values.business === "none" ? [] : list(values.business),
    fields: (values.field ?? []).flatMap(list),
    outbound: values.outbound ?? null,
    label: values.label ?? null,
    agreements: values.agreement ?? [],
    assume,
  };
}

/** The text of a saved inventory. */
function inventory(file: string): string {
  const text = readFileSync(file, "utf8");
  try {
    ask("inventory_csv", text);
  } catch {
    throw new Wrong(`${plain(file)} is no inventory`);
  }
  return text;
}

const pretty = (json: string): string => `${JSON.stringify(JSON.parse(json), null, 2)}\n`;

function changed(changes: Change[]): string {
  if (changes.length === 0) return "nothing changed\n\n";
  const lines = changes.map((c) => `${c.name}: ${c.what}${c.grade && ` (${c.grade})`} ${JSON.stringify(c.before)} -> ${JSON.stringify(c.after)}\n`);
  return `${lines.join("")}\n`;
}

/** The answer, and what it rests on. */
function told(guidance: Guidance, report: Report) {
  const findings = [...report.files.flatMap((file) => file.findings), ...report.findings].filter((one) => one.rule.startsWith("WS7"));
  return { ...guidance, statements: report.licence.statements, findings };
}

/** Runs the command; returns its exit status. */
export async function licence(args: string[]): Promise<number> {
  const { values, tokens } = read(args);
  const names: string[] = [];
  const paths: string[] = [];
  let byName = false;
  for (const token of tokens) {
    if (token.kind === "option" && token.name === "by-name") byName = true;
    if (token.kind === "option-terminator") byName = false;
    if (token.kind === "positional") (byName ? names : paths).push(token.value);
  }
  const format = one("format", values.format ?? "text", ["text", "json", "markdown", "csv"]);
  const failOn = one("fail-on", values["fail-on"] ?? "conflict", ["conflict", "needs-review", "never"]);
  const lang = spoken(values.lang ?? "en");
  if (paths.length === 0 && names.length === 0) throw new Wrong("licence needs a file, a folder, or --by-name and a licence");
  const situation = JSON.stringify(situationOf(values));

  const missing = paths.filter((path) => !existsSync(path));
  for (const path of missing) process.stderr.write(`weighstation: cannot read ${plain(path)}\n`);
  const files: FileReport[] = [];
  const digest = values.save !== undefined || values.against !== undefined;
  for (const input of paths.filter((path) => !missing.includes(path)).flatMap(walk)) files.push(await scanOne(input, { lang, digest }));
  const chosen = names.map((name): Partial<Part> => ({ name, licence: name, source: "chosen" }));
  const report = conclude(files, lang);
  const parts = JSON.stringify([...report.licence.parts, ...chosen]);
  const guidance: Guidance = JSON.parse(ask("licence", parts, situation, lang));
  let text = format === "json" ? `${JSON.stringify(told(guidance, report), null, 2)}\n` : ask("licence_print", parts, situation, format, lang);
  const now = digest ? ask("inventory", JSON.stringify(files), parts, situation, values.date ?? "", lang) : "";
  if (values.against !== undefined) {
    const changes = ask("inventory_changes", inventory(values.against), now, true);
    text = format === "json" ? pretty(changes) : changed(JSON.parse(changes)) + text;
  }
  if (values.save !== undefined) {
    const table = values.save.endsWith(".csv");
    const all = table || !existsSync(values.save) ? now : ask("inventory_add", inventory(values.save), now);
    writeFileSync(values.save, table ? ask("inventory_csv", all) : pretty(all));
  }
  if (values.output !== undefined) writeFileSync(values.output, text);
  else process.stdout.write(text);
  if (missing.length > 0 || unread(files)) return 3;
  return failOn !== "never" && LEVELS.indexOf(guidance.level) >= LEVELS.indexOf(failOn as Level) ? 1 : 0;
}
