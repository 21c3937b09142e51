/** The files of a weighing as rows, with a filter once they are many. */
import { html, nothing, type TemplateResult } from "lit";
import { VERDICTS, type Verdict } from "../report.ts";
import type { Row } from "../scanner/weighing.ts";
import type { Messages } from "../text/en.ts";
import { fingerprint } from "./file.ts";
import { mark } from "./mark.ts";

/** From here on a list is searched and not read. */
const MANY = 12;

export interface ListFilter {
  text: string;
  verdict: Verdict | "";
}

export interface ListState {
  rows: readonly Row[];
  filter: ListFilter;
  selected: Row | null;
  /** Rows can be opened once the verdict is there. */
  done: boolean;
}

export interface ListActions {
  select(row: Row): void;
  filter(more: Partial<ListFilter>): void;
}

export function filesView(list: ListState, t: Messages, act: ListActions): TemplateResult {
  const all = sorted(list.rows);
  const { text, verdict } = list.filter;
  const wanted = text.toLowerCase();
  const rows = wanted || verdict ? all.filter((row) => row.path.toLowerCase().includes(wanted) && (!verdict || row.report?.verdict === verdict)) : all;
  return html`${all.length > MANY
      ? html`<p class="filter">
          <label>${t.filter.files} <input type="search" data-filter="files" .value=${text} @input=${(e: Event) => act.filter({ text: (e.target as HTMLInputElement).value })} /></label>
          <label>
            ${t.filter.verdict}
            <select data-filter="verdict" @change=${(e: Event) => act.filter({ verdict: (e.target as HTMLSelectElement).value as Verdict | "" })}>
              <option value="">${t.filter.all}</option>
              ${VERDICTS.map((one) => html`<option value=${one} ?selected=${one === verdict}>${t.verdict[one]}</option>`)}
            </select>
          </label>
          ${wanted || verdict ? html`<span>${t.filter.shown(rows.length, all.length)}</span>` : nothing}
        </p>`
      : nothing}
    <weigh-rows
      class="files"
      .label=${t.files}
      .items=${rows}
      .key=${(row: Row) => row.path}
      .row=${(row: Row, index: number, of: number) => fileRow(row, index, of, list, t, act)}
    ></weigh-rows>`;
}

function fileRow(row: Row, index: number, of: number, list: ListState, t: Messages, act: ListActions): TemplateResult {
  const { report } = row;
  const side = report
    ? row.digest === "running" || row.digest === "waiting"
      ? fingerprint(row, t)
      : report.findings.length > 0
        ? t.findingCount(report.findings.length)
        : ""
    : row.phase === "scanning"
      ? t.readBytes(t.bytes(row.bytes))
      : "";
  const word = report ? t.verdict[report.verdict] : row.phase === "scanning" ? t.reading : t.waiting;
  return html`<li data-row data-path=${row.path} data-verdict=${report?.verdict ?? nothing} aria-posinset=${index + 1} aria-setsize=${of}>
    <button class="file" aria-current=${list.done && row === list.selected ? "true" : nothing} ?disabled=${!list.done} @click=${() => act.select(row)}>
      <span class="word">${report ? mark(report.verdict) : nothing}${word}</span>
      <span class="path">${row.path}</span>
      <span class="side">${side}</span>
      <span class="number">${t.bytes(row.size)}</span>
    </button>
  </li>`;
}

const weight = (verdict: Verdict | undefined): number => (verdict ? VERDICTS.indexOf(verdict) : VERDICTS.length);

/** The heaviest first, then what is being read, then what waits; the order of arrival within each. */
export function sorted(rows: readonly Row[]): Row[] {
  const rank = (row: Row): number => (row.report ? weight(row.report.verdict) : row.phase === "scanning" ? VERDICTS.length : VERDICTS.length + 1);
  return [...rows].sort((a, b) => rank(a) - rank(b));
}
