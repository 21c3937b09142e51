// Prints what api.ts says: as custom-elements.json (Custom Elements Manifest 2), as types, and as the README's table.
// `node www/element/print.mjs` renews the README.
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { ROOT, run, Stop } from "../tools.mjs";

/** The table itself. */
export async function api() {
  const { build } = await import("esbuild");
  const { outputFiles } = await build({ entryPoints: [path.join(ROOT, "www/element/api.ts")], bundle: true, write: false, format: "esm" });
  return import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].text).toString("base64")}`);
}

const camel = (name) => name.replace(/-(\w)/g, (_, letter) => letter.toUpperCase());

/** https://github.com/webcomponents/custom-elements-manifest, version 2. */
export function manifest({ attributes, properties, methods, events, states, slots, parts, cssProperties }) {
  const type = (row) => (row.type ? { type: { text: row.type } } : {});
  const plain = ({ name, text, initial }) => ({ name, description: text, ...(initial ? { default: initial } : {}) });
  const declaration = {
    kind: "class",
    name: "WeighStation",
    tagName: "weigh-station",
    customElement: true,
    description: "Takes model files, weighs them in place, shows the report, and answers for the files in a form.",
    superclass: { name: "HTMLElement" },
    attributes: attributes.map((row) => ({ ...plain(row), ...type(row), fieldName: camel(row.name) })),
    members: [
      ...properties.map((row) => ({ kind: "field", ...plain(row), ...type(row) })),
      ...methods.map((row) => ({ kind: "method", ...plain(row), ...type(row) })),
    ],
    events: events.map((row) => ({ ...plain(row), type: { text: row.name.startsWith("weigh-") ? `CustomEvent<${row.type ?? "null"}>` : "Event" } })),
    cssStates: states.map(plain),
    slots: slots.map(plain),
    cssParts: parts.map(plain),
    cssProperties: cssProperties.map(plain),
  };
  const js = (file, exports) => ({ kind: "javascript-module", path: `dist/${file}`, ...exports });
  const define = { kind: "custom-element-definition", name: "weigh-station", declaration: { name: "WeighStation", module: "dist/element-class.js" } };
  const named = { kind: "js", name: "WeighStation", declaration: { name: "WeighStation", module: "dist/element-class.js" } };
  const modules = [js("element-class.js", { declarations: [declaration], exports: [named] }), js("element.js", { declarations: [], exports: [define] })];
  return `${JSON.stringify({ schemaVersion: "2.1.0", readme: "README.md", modules }, null, 2)}\n`;
}

const doc = (text) => `  /** ${text} */\n`;

/** Types for whoever programs against the element. */
export function types({ attributes, properties, methods, events }) {
  const isOwn = (row) => !["lang"].includes(row.name);
  const settable = new Map([["files", "  get files(): readonly File[];\n  set files(files: Iterable<File | Blob | { path: string; file: Blob }> | null);\n"]]);
  const field = (row) => doc(row.text) + (settable.get(row.name) ?? `  readonly ${row.name}: ${row.type};\n`);
  const attribute = (row) => `${doc(row.text)}  ${camel(row.name)}: ${row.type}${row.type === "boolean" ? "" : " | null"};\n`;
  const own = events.filter((row) => row.name.startsWith("weigh-"));
  return `// Printed from www/element/api.ts.
import type { Report } from "./report.d.ts";

export type * from "./report.d.ts";

/** What the events carry. */
export interface WeighStationEventMap {
${own.map((row) => `${doc(row.text)}  "${row.name}": CustomEvent<${row.type ?? "null"}>;\n`).join("")}}

export class WeighStation extends HTMLElement {
  static readonly formAssociated: true;
${attributes.filter(isOwn).map(attribute).join("")}${properties.map(field).join("")}${methods.map((row) => `${doc(row.text)}  ${row.name}${row.type};\n`).join("")}  addEventListener<K extends keyof WeighStationEventMap>(type: K, listener: (this: WeighStation, event: WeighStationEventMap[K]) => unknown, options?: boolean | AddEventListenerOptions): void;
  addEventListener(type: string, listener: EventListenerOrEventListenerObject, options?: boolean | AddEventListenerOptions): void;
}

/** Registers \`<weigh-station>\` and its parts, once. */
export function define(): void;

declare global {
  interface HTMLElementTagNameMap {
    "weigh-station": WeighStation;
  }
}
`;
}

const cell = (text) => text.replaceAll("|", "\\|");

/** The README's tables. */
export function markdown(tables) {
  const code = (row) => `\`${row.name}\``;
  const table = (title, rows, columns) =>
    [`| ${title} |${columns.map((c) => ` ${c[0]} |`).join("")}`, `|---|${"---|".repeat(columns.length)}`, ...rows.map((row) => `| ${code(row)} |${columns.map((c) => ` ${cell(c[1](row))} |`).join("")}`)].join("\n");
  const type = ["type", (row) => (row.type ? `\`${row.type}\`` : "")];
  const text = ["what it is", (row) => `${row.text}${row.initial ? ` Default: \`${row.initial}\`.` : ""}`];
  const { attributes, properties, methods, events, states, slots, parts, cssProperties } = tables;
  return [
    table("attribute", attributes, [type, text]),
    table("property", properties, [type, text]),
    table("method", methods, [type, text]),
    table("event", events, [["detail", type[1]], text]),
    table("`:state()`", states, [text]),
    table("slot", slots, [text]),
    table("`::part()`", parts, [text]),
    table("CSS property", cssProperties, [text]),
  ].join("\n\n");
}

const BEGIN = "<!-- element -->\n";
const END = "<!-- /element -->";

/** The README with its tables renewed. */
export function inReadme(readme, tables) {
  const from = readme.indexOf(BEGIN);
  const to = readme.indexOf(END);
  if (from < 0 || to < from) throw new Stop("README.md has no place for the element's tables.");
  return `${readme.slice(0, from)}${BEGIN}${markdown(tables)}\n${readme.slice(to)}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await run(async () => {
    const file = path.join(ROOT, "README.md");
    writeFileSync(file, inReadme(readFileSync(file, "utf8"), await api()));
  });
}
