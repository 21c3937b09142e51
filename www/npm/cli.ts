#!/usr/bin/env node
/** `npx weighstation scan`: the command line for machines without Rust. The native one can do more; what both can do, both do alike. */
import { existsSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import type { FileReport, Verdict } from "../report.ts";
import { VERDICTS } from "../report.ts";
import { plain, spoken, Wrong } from "./command.ts";
import { licence } from "./licence.ts";
import { conclude, evidence, exportForms, exportReport, help, isListName, scanOne, unread, waits, walk, type Input } from "./node.ts";
import { COMMANDS, exportOptions, REPORT_FLAGS } from "./reports.ts";

const THRESHOLDS = ["dangerous", "suspicious", "incomplete", "never"];

function read(args: string[]) {
  let parsed;
  try {
    parsed = parseArgs({
      args,
      allowPositionals: true,
      options: {
        format: { type: "string", default: "text" },
        output: { type: "string" },
        "fail-on": { type: "string", default: "suspicious" },
        lang: { type: "string", default: "en" },
        "no-digest": { type: "boolean", default: false },
        ...REPORT_FLAGS,
        help: { type: "boolean", short: "h", default: false },
        version: { type: "boolean", short: "V", default: false },
      },
    });
  } catch (error) {
    throw new Wrong((error as Error).message);
  }
  const { values, positionals } = parsed;
  if (values.help || values.version) return { ...values, inputs: [] };
  const [command, ...inputs] = positionals;
  if (command !== "scan") throw new Wrong(command ? `there is no command "${command}"` : "a command is missing");
  if (inputs.length === 0) throw new Wrong("scan needs at least one path");
  const forms = exportForms().map((form) => form.id);
  if (!forms.includes(values.format)) throw new Wrong(`--format is one of ${forms.join(", ")}`);
  if (!THRESHOLDS.includes(values["fail-on"])) throw new Wrong(`--fail-on is one of ${THRESHOLDS.join(", ")}`);
  spoken(values.lang);
  return { ...values, inputs };
}

async function main(): Promise<number> {
  const [command, ...rest] = process.argv.slice(2);
  if ((command === "licence" || command === "license") && !rest.some((arg) => arg === "--help" || arg === "-h")) return licence(rest);
  const named = COMMANDS[command ?? ""];
  if (named && !rest.some((arg) => arg === "--help" || arg === "-h")) return named(rest);
  const options = read(process.argv.slice(2));
  if (options.version) {
    process.stdout.write(`weighstation ${WEIGHSTATION_VERSION}\n`);
    return 0;
  }
  if (options.help) {
    process.stdout.write(help());
    return 0;
  }
  const missing = options.inputs.filter((one) => !existsSync(one));
  for (const one of missing) process.stderr.write(`weighstation: cannot read ${plain(one)}\n`);
  const how = exportOptions(options, options.format);
  const files: FileReport[] = [];
  const inputs: Input[] = options.inputs.filter((one) => !missing.includes(one)).flatMap(walk);
  // A line leaves as soon as nothing can change it any more.
  const lines = options.format === "jsonl" && how.paths === "full" && options.output === undefined;
  const lists = inputs.some((input) => isListName(input.path));
  const held = new Set<number>();
  for (const input of inputs) {
    const file = await scanOne(input, { lang: options.lang, digest: !options["no-digest"] });
    if (lists || waits(file)) held.add(files.length);
    else if (lines) process.stdout.write(`${JSON.stringify(file)}\n`);
    files.push(file);
  }
  const report = conclude(files, options.lang);
  if (options.format === "html" || options.format === "markdown") how.evidence = evidence(report, inputs, options.lang);
  how.colour = options.output === undefined && process.stdout.isTTY && process.env["NO_COLOR"] === undefined;
  const text = lines ? report.files.filter((_, n) => held.has(n)).map((file) => `${JSON.stringify(file)}\n`).join("") : exportReport(report, options.format, how);
  if (options.output) writeFileSync(options.output, text);
  else process.stdout.write(text);
  if (missing.length > 0 || unread(report.files)) return 3;
  const threshold = VERDICTS.indexOf(options["fail-on"] as Verdict);
  return threshold >= 0 && VERDICTS.indexOf(report.verdict) <= threshold ? 1 : 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(error instanceof Wrong ? `weighstation: ${error.message}\n\n${help()}` : `weighstation: ${(error as Error).message}\n`);
  process.exitCode = error instanceof Wrong ? 2 : 3;
}
