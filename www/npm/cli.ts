#!/usr/bin/env node
/** `npx weighstation scan`: the command line for machines without Rust. The native one can do more; what both can do, both do alike. */
import { existsSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import type { FileReport, Report, Verdict } from "../report.ts";
import { SEVERITIES, VERDICTS } from "../report.ts";
import { plain, Wrong } from "./command.ts";
import { licence } from "./licence.ts";
import { ask, conclude, scanOne, walk } from "./node.ts";

const usage = () => `weighstation ${WEIGHSTATION_VERSION}: weighs an AI model before anybody loads it

  weighstation scan [OPTIONS] PATH...      files or folders; hidden files are looked at, too
  weighstation licence [OPTIONS] PATH...   what may be done with it, what must be done, and whether the parts fit
  weighstation licence [OPTIONS] --by-name NAME...

scan options

  --format text|json|jsonl              default: text on a terminal, json otherwise
  --output FILE                         default: standard output
  --fail-on dangerous|suspicious|incomplete|never
                                        default: suspicious
  --lang en|ja                          language of the sentences
  --no-digest                           skip the SHA-256 pass

${ask("licence_options")}
Exit status: 0 nothing at or above --fail-on, 1 something is, 2 the command line is wrong, 3 an input could not be read at all.
`;

const FORMATS = ["text", "json", "jsonl"];
const THRESHOLDS = ["dangerous", "suspicious", "incomplete", "never"];

function read(args: string[]) {
  let parsed;
  try {
    parsed = parseArgs({
      args,
      allowPositionals: true,
      options: {
        format: { type: "string", default: process.stdout.isTTY ? "text" : "json" },
        output: { type: "string" },
        "fail-on": { type: "string", default: "suspicious" },
        lang: { type: "string", default: "en" },
        "no-digest": { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
        version: { type: "boolean", short: "V", default: false },
      },
    });
  } catch (error) {
    throw new Wrong((error as Error).message);
  }
  const { values, positionals } = parsed;
  if (values.help || values.version) return { ...values, paths: [] };
  const [command, ...paths] = positionals;
  if (command !== "scan") throw new Wrong(command ? `there is no command "${command}"` : "a command is missing");
  if (paths.length === 0) throw new Wrong("scan needs at least one path");
  if (!FORMATS.includes(values.format)) throw new Wrong(`--format is one of ${FORMATS.join(", ")}`);
  if (!THRESHOLDS.includes(values["fail-on"])) throw new Wrong(`--fail-on is one of ${THRESHOLDS.join(", ")}`);
  return { ...values, paths };
}

function asText(report: Report): string {
  const lines = report.files.flatMap((file) => [
    `${file.verdict.toUpperCase()}  ${plain(file.path)}`,
    ...(file.headline ? [`  ${file.headline}`] : []),
    ...[...file.findings]
      .sort((a, b) => SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity))
      .map((one) => `  ${one.severity} ${one.rule} ${one.name}: ${one.message}${one.count > 1 ? ` (×${one.count})` : ""}`),
    ...file.gaps.map((gap) => `  gap ${gap.reason}${gap.member ? ` in ${gap.member}` : ""}: ${gap.message}`),
    ...(file.sha256 ? [`  sha256 ${file.sha256}`] : []),
  ]);
  const folder = report.findings.map((one) => `  ${one.severity} ${one.rule} ${one.name}: ${one.message}`);
  return `${[...lines, ...folder, report.verdict].join("\n")}\n`;
}

async function main(): Promise<number> {
  const [command, ...rest] = process.argv.slice(2);
  if ((command === "licence" || command === "license") && !rest.some((arg) => arg === "--help" || arg === "-h")) return licence(rest);
  const options = read(process.argv.slice(2));
  if (options.version) {
    process.stdout.write(`weighstation ${WEIGHSTATION_VERSION}\n`);
    return 0;
  }
  if (options.help) {
    process.stdout.write(usage());
    return 0;
  }
  const missing = options.paths.filter((one) => !existsSync(one));
  for (const one of missing) process.stderr.write(`weighstation: cannot read ${plain(one)}\n`);
  const files: FileReport[] = [];
  let text = "";
  for (const input of options.paths.filter((one) => !missing.includes(one)).flatMap(walk)) {
    const report = await scanOne(input, { lang: options.lang, digest: !options["no-digest"] });
    files.push(report);
    if (options.format !== "jsonl") continue;
    const line = `${JSON.stringify(report)}\n`;
    if (options.output) text += line;
    else process.stdout.write(line);
  }
  const report = conclude(files, options.lang);
  if (options.format === "json") text = `${JSON.stringify(report, null, 2)}\n`;
  if (options.format === "text") text = asText(report);
  if (options.output) writeFileSync(options.output, text);
  else process.stdout.write(text);
  if (missing.length > 0) return 3;
  const threshold = VERDICTS.indexOf(options["fail-on"] as Verdict);
  return threshold >= 0 && VERDICTS.indexOf(report.verdict) <= threshold ? 1 : 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(error instanceof Wrong ? `weighstation: ${error.message}\n\n${usage()}` : `weighstation: ${(error as Error).message}\n`);
  process.exitCode = error instanceof Wrong ? 2 : 3;
}
