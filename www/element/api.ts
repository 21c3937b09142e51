/**
 * What `<weigh-station>` promises to the pages that hold it, in one table. The README's table, `custom-elements.json` and the types are printed from it
 * (www/element/print.mjs), and a test holds the class to it.
 */

export interface Row {
  name: string;
  /** A TypeScript type; of a method, its signature behind the name; of an event, the type of its `detail`. */
  type?: string;
  initial?: string;
  text: string;
}

export const attributes: readonly Row[] = [
  { name: "name", type: "string", text: "Under this name the files go into the form." },
  { name: "required", type: "boolean", text: "The form cannot be sent without a weighed file." },
  { name: "disabled", type: "boolean", text: "Takes no files and takes no part in the form." },
  { name: "multiple", type: "boolean", text: "Takes more than one file." },
  { name: "directory", type: "boolean", text: "Takes folders, too; then more than one file is taken." },
  { name: "max-files", type: "number", initial: "5000", text: "Takes no more files than this at a time." },
  { name: "fail-on", type: '"dangerous" | "suspicious" | "gaps" | "never"', initial: "suspicious", text: "From this verdict on the form is refused; `gaps` also refuses what was not fully checked." },
  { name: "digest", type: '"on" | "off"', initial: "on", text: "Whether SHA-256 fingerprints are taken, which reads every byte." },
  { name: "mode", type: '"drop" | "compact" | "full"', initial: "full", text: "How much is shown: target and verdict with its files; one line; everything." },
  { name: "sections", type: "string", text: "What is shown of the report, by name, whatever the mode: `verdict files findings contents licence export lock about`." },
  { name: "no-export", type: "boolean", text: "Offers no saving, copying and printing." },
  { name: "label", type: "string", text: "What the field is called; read out by screen readers and shown above the target." },
  { name: "lang", type: "string", text: "Language of the sentences; that of the page around it, or of the browser, if it is missing." },
  { name: "theme", type: '"auto" | "light" | "dark"', initial: "auto", text: "Colours." },
  { name: "worker-src", type: "string", text: "Address of `worker.js` on the page's own server, for policies that forbid `blob:`." },
];

export const properties: readonly Row[] = [
  { name: "files", type: "readonly File[]", text: "What is being weighed or was weighed. Set it to weigh something." },
  { name: "report", type: "Readonly<Report> | null", text: "The report, frozen once all is done; null until the verdict is there." },
  { name: "state", type: '"empty" | "scanning" | "done"', text: "Where the weighing is." },
  { name: "progress", type: "{ done: number; files: number; fingerprinted: number }", text: "Files weighed, files in all, files with a fingerprint." },
  { name: "options", type: "{ lang: string; digest: boolean; failOn: string; maxFiles: number }", text: "What the attributes come to. Read only." },
  { name: "missing", type: "readonly string[]", text: "Lines that the page's policy lacks, as far as the browser refused something." },
  { name: "form", type: "HTMLFormElement | null", text: "The form it belongs to." },
  { name: "labels", type: "NodeList", text: "Its `<label>` elements." },
  { name: "validity", type: "ValidityState", text: "As of every form control." },
  { name: "validationMessage", type: "string", text: "The verdict's sentence when the form is refused." },
  { name: "willValidate", type: "boolean", text: "As of every form control." },
];

export const methods: readonly Row[] = [
  { name: "scan", type: "(files?: Iterable<File | Blob | { path: string; file: Blob }>, options?: { signal?: AbortSignal }): Promise<Readonly<Report>>", text: "Weighs files, or the same ones again. Fails if the scanner cannot start or the signal ends it." },
  { name: "take", type: "(items: { path: string; file: Blob }[]): void", text: "What a drop does: adds to the weighing that runs, or begins a new one." },
  { name: "show", type: "(spot: { file: string; rule: string; member: string; offset: number }): Promise<boolean>", text: "Opens the bytes of a finding; false if there is no such finding." },
  { name: "cancel", type: "(): void", text: "Stops at once; what was found stays, the rest counts as not checked." },
  { name: "clear", type: "(): void", text: "Back to empty." },
  { name: "export", type: "(format: string, options?: { lang?: string; paths?: \"full\" | \"names\" | \"numbered\" }): Promise<Blob>", text: "The report as a file: `json`, `html`, `markdown`, `csv`, `sarif` and what else the page offers; with whole paths, names alone, or none." },
  { name: "checkValidity", type: "(): boolean", text: "As of every form control." },
  { name: "reportValidity", type: "(): boolean", text: "As of every form control." },
  { name: "focus", type: "(options?: FocusOptions): void", text: "Focuses the button that chooses files." },
];

export const events: readonly Row[] = [
  { name: "weigh-files", type: "{ files: readonly File[] }", text: "Files came in; `preventDefault()` leaves them unweighed." },
  { name: "weigh-start", type: "{ files: number }", text: "Weighing begins." },
  { name: "weigh-progress", type: "{ done: number; files: number; fingerprinted: number }", text: "At most ten times a second." },
  { name: "weigh-state", type: '{ state: "empty" | "scanning" | "done"; fingerprinting: boolean }', text: "The state changed and is drawn." },
  { name: "weigh-report", type: "{ report: Readonly<Report> }", text: "All is done, fingerprints included." },
  { name: "weigh-error", type: "{ message: string; missing: readonly string[] }", text: "Nothing could be weighed: the scanner could not start, or the files were too many." },
  { name: "weigh-cancel", text: "It was stopped." },
  { name: "input", text: "As of every form control, when the value changed." },
  { name: "change", text: "As of every form control, when the value changed." },
];

export const states: readonly Row[] = [
  { name: "empty", text: "Nothing was given." },
  { name: "scanning", text: "The verdict is not there yet." },
  { name: "dangerous", text: "Verdict: dangerous." },
  { name: "suspicious", text: "Verdict: suspicious." },
  { name: "gaps", text: "Verdict: not fully checked." },
  { name: "clear", text: "Verdict: nothing found." },
  { name: "blocked", text: "The scanner could not start." },
  { name: "unlocked", text: "The page's policy would let a script send something." },
];

export const slots: readonly Row[] = [
  { name: "intro", text: "Instead of the words above the target." },
  { name: "privacy", text: "Instead of the panel that shows the network lock." },
  { name: "actions", text: "Buttons of the page's own, below the verdict." },
  { name: "footer", text: "At the end." },
];

export const parts: readonly Row[] = [
  { name: "drop", text: "The target." },
  { name: "button", text: "The buttons that choose." },
  { name: "progress", text: "The bars." },
  { name: "verdict", text: "The block with the verdict." },
  { name: "verdict-icon", text: "Its shape." },
  { name: "finding", text: "A finding." },
  { name: "finding-severity", text: "Its weight." },
  { name: "evidence", text: "Listing and bytes of a place." },
  { name: "listing", text: "The listing." },
  { name: "hex", text: "The bytes." },
  { name: "licence", text: "Everything about licences." },
];

export const cssProperties: readonly Row[] = [
  { name: "--weigh-font", text: "Typeface." },
  { name: "--weigh-mono", text: "Typeface of bytes and names." },
  { name: "--weigh-size", initial: "16px", text: "Size of the text; all measures follow. `1rem` follows the page." },
  { name: "--weigh-radius", initial: "0.375rem", text: "Corners." },
  { name: "--weigh-gap", initial: "1.25rem", text: "Space between the blocks." },
  { name: "--weigh-fg", text: "Text." },
  { name: "--weigh-bg", text: "Ground." },
  { name: "--weigh-line", text: "Lines." },
  { name: "--weigh-accent", text: "Buttons and focus." },
  { name: "--weigh-danger", text: "Dangerous." },
  { name: "--weigh-warn", text: "Suspicious." },
  { name: "--weigh-gap-color", text: "Not fully checked." },
  { name: "--weigh-clear", text: "Nothing found." },
];
