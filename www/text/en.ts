/**
 * Every sentence of the page, in English. This table is the type of all the others: a language that lacks a sentence does not compile.
 * Sentences about a file come from the core, which has a table of its own.
 */
import type { Severity, Verdict } from "../report.ts";
import type { Sample } from "../intake/samples.ts";

const plural = new Intl.PluralRules("en");
const number = new Intl.NumberFormat("en");
const count = (n: number, one: string, other: string) => `${number.format(n)} ${plural.select(n) === "one" ? one : other}`;
const list = new Intl.ListFormat("en", { type: "conjunction" });

export const en = {
  tag: "en",
  name: "English",
  title: "weighstation: weigh a model before you load it",
  brand: "weighstation",
  description: "Reads an AI model file in your browser and says what loading it would do. The file stays on your machine.",

  // The first screen.
  lede: "Weigh a model before you load it.",
  promise: "It is read here, in this tab. Nothing leaves your machine.",
  drop: "Drop model files or a folder anywhere on this page",
  paste: "You can also paste files.",
  chooseFiles: "Choose files",
  chooseFolder: "Choose a folder",
  filesInput: "Model files",
  folderInput: "Folder with model files",
  dropNow: "Let go to weigh",
  tryOne: "Try one:",
  samples: { harmless: "a harmless model", command: "a model that runs a command", broken: "a broken file" } satisfies Record<Sample, string>,
  walking: (n: number) => `Listing the folder: ${count(n, "file", "files")} so far`,
  nothingTaken: "There was no file in what you gave.",
  readyStatus: "Ready for files.",

  looksFor: "What it looks for",
  looksForText:
    "Code that runs when the file is loaded, archives that two programs read differently, lengths that lie, and parts that cannot be read at all. It reads the formats below by their content, whatever the file is called.",
  formatsCaption: "Formats",
  rulesCaption: (n: number) => `The ${count(n, "rule", "rules")}`,
  cannotTell: "What it cannot tell you",
  cannotTellItems: [
    "whether the weights were trained to misbehave",
    "whether the answers are any good",
    "who really made the model",
    "what a program that loads it will do besides loading it",
  ],
  employer: "Your browser or your employer warns you?",
  employerText:
    "Some browsers and some security programs warn about any page in which you choose a file, because they cannot see that nothing is sent. Your IT department can watch the network panel while you weigh a file, or you can take the one-file copy of this page and use it with the network off.",
  noScript: "This page weighs files with a program that runs inside it, so it needs JavaScript. Without it, use the command line: weighstation scan FILE.",
  tooOld: "This browser is too old for this page. It needs Chrome or Edge 103, Firefox 114 or Safari 16.4, or newer.",

  // Scanning.
  weighing: (done: number, all: number) => `Weighing: ${number.format(done)} of ${count(all, "file", "files")} done`,
  stop: "Stop",
  stopHint: "Esc stops, too",
  progressLabel: "Files weighed",
  waiting: "waiting",
  reading: "reading",
  readBytes: (read: string) => `${read} read`,
  fingerprinting: (done: string, all: string) => `The verdict is final. Fingerprints: ${done} of ${all} read`,
  fingerprintLabel: "Fingerprints taken",
  timeLeft: (seconds: number) => (seconds < 90 ? `about ${Math.max(1, Math.round(seconds))} s left` : `about ${Math.round(seconds / 60)} min left`),
  started: (n: number) => `Weighing ${count(n, "file", "files")}.`,
  quarter: (percent: number) => `${percent} percent weighed.`,
  finished: (summary: string) => `Finished. ${summary}.`,

  // The verdict.
  main: { empty: "Start", scanning: "Progress", done: "Verdict" },
  verdict: { dangerous: "Dangerous", suspicious: "Suspicious", incomplete: "Not fully checked", clear: "Nothing found" } satisfies Record<Verdict, string>,
  summary: (counts: Record<Verdict, number>) => {
    const words: Record<Verdict, string> = { dangerous: "dangerous", suspicious: "suspicious", incomplete: "not fully checked", clear: "with nothing found" };
    const parts = (Object.keys(words) as Verdict[]).filter((v) => counts[v] > 0).map((v) => `${number.format(counts[v])} ${words[v]}`);
    return parts.length > 0 ? list.format(parts) : "no files";
  },
  filesSummary: (n: number, summary: string) => `${count(n, "file", "files")}: ${summary}`,
  whatToDo: "What to do",
  blockedTitle: "The scanner could not start",
  blocked: "A policy of this page or browser forbids it. The page needs worker-src blob: and script-src 'wasm-unsafe-eval' in its Content-Security-Policy.",
  weighAnother: "Weigh something else",
  newOne: "Start over",

  // One file.
  files: "Files",
  file: "File",
  format: "Format",
  size: "Size",
  fingerprint: "SHA-256",
  fingerprintRunning: (percent: number) => `being taken: ${percent} %`,
  fingerprintWaiting: "waiting for its turn",
  fingerprintNone: "not taken",
  noFormat: "not a model format we know",
  tensors: "Tensors",
  tensorLine: (n: number, parameters: string, dtypes: string) => `${count(n, "tensor", "tensors")}, ${parameters} parameters${dtypes && ` (${dtypes})`}`,
  checked: "Checked",
  checkedAll: "Everything in it was read",
  checkedGaps: (n: number) => count(n, "part was not checked", "parts were not checked"),
  findings: (n: number) => `Findings (${number.format(n)})`,
  findingCount: (n: number) => count(n, "finding", "findings"),
  noFindings: "No rule fired on this file.",
  folderFindings: "About the files together",
  gaps: (n: number) => `Not checked (${number.format(n)})`,
  gapsLead: "What could not be looked at, and why. Danger may hide in it.",
  contents: "Contents",
  contentsLabel: (path: string) => `Contents of ${path}`,
  more: (n: number) => `and ${number.format(n)} more`,
  imports: (n: number) => `What loading it imports (${number.format(n)})`,
  importColumns: { what: "Name", use: "What is done with it", standing: "Standing" },
  use: { imported: "imported", called: "called", built: "built" } as Record<string, string>,
  standing: { expected: "expected", unknown: "unknown", dangerous: "dangerous" } as Record<string, string>,
  metadata: (n: number) => `Metadata (${number.format(n)})`,
  metadataColumns: { key: "Key", value: "Value" },
  export: "Keep the report",
  exportText: "The report is made for people and programs: schema weighstation-report/1. File names are in it.",
  exportEarly: "Fingerprints are still being taken; a report saved now has none for the files that wait.",
  saveJson: "Save as JSON",
  copyJson: "Copy as JSON",
  print: "Print",
  copied: "Copied.",
  copyFailed: "The browser did not allow copying.",
  copy: "Copy",
  copyFingerprint: "Copy the fingerprint",

  // A finding and its bytes.
  severity: { critical: "Critical", high: "High", medium: "Medium", low: "Low", info: "Note" } satisfies Record<Severity, string>,
  times: (n: number) => `${number.format(n)} times`,
  showBytes: "Show the bytes",
  placesShown: (shown: number, all: number) => `The first ${number.format(shown)} of ${number.format(all)} places`,
  whole: "the file",
  closeBytes: "Close",
  evidence: "Bytes and listing",
  listing: "Listing",
  hex: "Bytes",
  columns: { offset: "Offset", instruction: "Instruction", argument: "Argument", means: "Means" },
  hexWhere: (base: string) => `in the file, from ${base}`,
  hexMember: (base: string) => `in the unpacked member, from ${base}`,
  hexSummary: (from: string, length: number) => `The finding covers ${count(length, "byte", "bytes")} from offset ${from} on.`,
  why: "Why",
  fix: "What to do",
  refs: "References",
  loading: "Reading the bytes.",
  evidenceFailed: "The bytes could not be read again. The file may have changed since it was chosen.",
  noListing: "There is no listing for this place; the bytes are all there is.",

  // The lock.
  lock: {
    locked: "Network locked",
    unlocked: "Network not locked",
    unknown: "Checking the network lock",
    title: "How do we know?",
    rules: "The page's rules",
    rulesNone: "This copy has no Content-Security-Policy of its own.",
    tried: "Tried just now",
    refused: "refused",
    open: "not refused",
    page: (result: string) => `this page: ${result}`,
    scanner: (result: string) => `the scanner: ${result}`,
    triedNote: "At each start, page and scanner try to fetch an address that leads nowhere. The rules above must refuse it.",
    requests: "Requests since the page was opened",
    requestsNote: (n: number) => `${count(n, "request", "requests")}, as the browser counts them`,
    yourself: "Try it yourself",
    yourselfText: "Turn your network off and weigh a file.",
    take: "Take it away",
    takeText: "The whole page is one file that works from disk.",
    takeLink: "Download it as one file",
    uncovered: "Not covered",
    uncoveredItems: [
      "browser extensions, which may read any page",
      "a changed copy of this page, if the place you got it from was changed",
      "your operating system and the programs on it",
      "following a link away from this page",
    ],
  },

  theme: "Theme",
  themes: { auto: "as the system", light: "light", dark: "dark" },
  language: "Language",
  version: (v: string) => `Version ${v}`,
  footer: "Works offline. Licence: Apache-2.0.",

  bytes: (n: number) => {
    if (n < 1000) return count(n, "byte", "bytes");
    const units = ["kB", "MB", "GB", "TB"];
    let value = n / 1000;
    let unit = 0;
    for (; value >= 999.5 && unit < units.length - 1; unit++) value /= 1000;
    return `${value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
  },
  number: (n: number) => number.format(n),
  short: (n: number) => new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 }).format(n),
};

/** What a language has to say. */
export type Messages = typeof en;
