/** One claim, opened: the listing with plain words, and the bytes beside it with the range marked. */
import { html, nothing, type TemplateResult } from "lit";
import type { Evidence } from "../report.ts";
import type { Messages } from "../text/en.ts";

export const hexOffset = (n: number): string => `0x${n.toString(16).padStart(4, "0")}`;

const WIDTH = 16;

interface HexLine {
  at: number;
  bytes: number[];
}

/** Lines that start at multiples of sixteen, as every hex view has them. */
function hexLines(bytes: Uint8Array, base: number): HexLine[] {
  const lines: HexLine[] = [];
  for (let at = 0; at < bytes.length; ) {
    const room = WIDTH - ((base + at) % WIDTH);
    lines.push({ at, bytes: Array.from(bytes.subarray(at, at + room)) });
    at += room;
  }
  return lines;
}

function fromHex(text: string): Uint8Array {
  return Uint8Array.from({ length: text.length >> 1 }, (_, i) => Number.parseInt(text.slice(2 * i, 2 * i + 2), 16));
}

const printable = (byte: number): string => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : "·");

/** Whether every byte that the place covers can be had: they lie in the file as they are, or all of them are shown. */
export const wholeMark = ({ base, bytes, mark, file_base }: Evidence): boolean => mark.length > 0 && (file_base !== null || (mark.at >= base && mark.at + mark.length <= base + (bytes.length >> 1)));

/** The bytes that the place covers. `file` is where they come from. */
export function markedBytes({ base, bytes, mark, file_base }: Evidence, file: Blob): Blob {
  const from = mark.at - base;
  if (file_base !== null) return file.slice(file_base + from, file_base + from + mark.length);
  return new Blob([fromHex(bytes).slice(from, from + mark.length)]);
}

/** Listing and bytes as plain text, for a report to somebody else. */
export function asText(evidence: Evidence, t: Messages): string {
  const base = evidence.file_base ?? evidence.base;
  const { at, length } = evidence.mark;
  const rows = evidence.rows.map((row) => [row.marked ? ">" : " ", hexOffset(row.offset), row.instruction, row.argument, row.means].join("\t").trimEnd());
  const lines = hexLines(fromHex(evidence.bytes), base).map(({ at, bytes }) => {
    const hex = bytes.map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
    return `${(base + at).toString(16).padStart(8, "0")}  ${hex.padEnd(3 * WIDTH)} ${bytes.map(printable).join("")}`;
  });
  return [evidence.crumbs.join(" › "), t.hexSummary(hexOffset(base + at - evidence.base), length), "", ...rows, ...(rows.length > 0 ? [""] : []), ...lines, ""].join("\n");
}

export function evidenceView(evidence: Evidence, t: Messages): TemplateResult {
  const bytes = fromHex(evidence.bytes);
  // Shown where they lie in the file when they lie there as they are, otherwise inside the unpacked member.
  const base = evidence.file_base ?? evidence.base;
  const from = evidence.mark.at - evidence.base;
  const to = from + evidence.mark.length;
  const marked = (at: number): boolean => at >= from && at < to;
  return html`
    ${evidence.rows.length === 0 ? html`<p class="note">${t.noListing}</p>` : nothing}
    <div class="sides">
      ${evidence.rows.length > 0
        ? html`<section class="listing" part="listing" aria-label=${t.listing}>
            <h5>${t.listing}</h5>
            ${listing(evidence, t)}
          </section>`
        : nothing}
      <section class="hex" part="hex" aria-label=${t.hex}>
        <h5>${t.hex} <small>${evidence.file_base === null ? t.hexMember(hexOffset(base)) : t.hexWhere(hexOffset(base))}</small></h5>
        <p class="hidden">${t.hexSummary(hexOffset(base + from), evidence.mark.length)}</p>
        <div class="scroll" tabindex="0" role="group" aria-label=${t.hex}>
          <pre>${hexLines(bytes, base).map((line) => hexLine(line, base, marked))}</pre>
        </div>
      </section>
    </div>
  `;
}

function listing(evidence: Evidence, t: Messages): TemplateResult {
  return html`<div class="scroll" tabindex="0" role="group" aria-label=${t.listing}>
    <table>
      <thead>
        <tr>
          <th scope="col">${t.columns.offset}</th>
          <th scope="col">${t.columns.instruction}</th>
          <th scope="col">${t.columns.argument}</th>
          <th scope="col">${t.columns.means}</th>
        </tr>
      </thead>
      <tbody>
        ${evidence.rows.map(
          (row) => html`<tr class=${row.marked ? "marked" : nothing}>
            <td class="mono">${hexOffset(row.offset)}</td>
            <td class="mono" lang="en">${row.instruction}</td>
            <td class="mono argument">${row.argument}</td>
            <td>${row.means}</td>
          </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

function hexLine(line: HexLine, base: number, marked: (at: number) => boolean): TemplateResult {
  const lead = (base + line.at) % WIDTH;
  const offset = (base + line.at - lead).toString(16).padStart(8, "0");
  const pad = (unit: string) => unit.repeat(lead);
  const cells = (draw: (byte: number) => string, gap: string) =>
    line.bytes.map((byte, i) => {
      const text = draw(byte) + gap;
      return marked(line.at + i) ? html`<mark>${text}</mark>` : text;
    });
  const tail = "   ".repeat(WIDTH - lead - line.bytes.length);
  // prettier-ignore
  return html`<span class="offset">${offset}</span>  ${pad("   ")}${cells((b) => b.toString(16).padStart(2, "0"), " ")}${tail} ${pad(" ")}${cells(printable, "")}
`;
}
