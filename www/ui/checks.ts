/** What is done with a report: keep it in a form, hold it against a list of digests, compare it with another one. */
import { html, nothing, type TemplateResult } from "lit";
import type { FileCheck, Paths, Report } from "../report.ts";
import type { Checks } from "../scanner/checks.ts";
import type { Messages } from "../text/en.ts";

/** More lines than a person reads. */
const MOST = 200;
const PATHS: readonly Paths[] = ["full", "names", "numbered"];

export interface Keeping {
  form: string;
  paths: Paths;
}

export interface CheckActions {
  keep(more: Partial<Keeping>): void;
  save(): void;
  copy(): void;
  print(): void;
  verify(list: string, path: string): void;
  /** A report that was chosen; null for the one before. */
  compare(file: File | null): void;
}

export function exportView(checks: Checks, keeping: Keeping, early: boolean, t: Messages, act: CheckActions): TemplateResult {
  return html`<section aria-labelledby="export" class="export">
    <h3 id="export">${t.export}</h3>
    <p>${t.exportText} ${early ? t.exportEarly : nothing}</p>
    <p class="filter">
      <label>
        ${t.exportForm}
        <select data-export="form" @change=${(e: Event) => act.keep({ form: (e.target as HTMLSelectElement).value })}>
          ${checks.forms.map(({ id, name }) => html`<option value=${id} ?selected=${id === keeping.form}>${name}</option>`)}
        </select>
      </label>
      <label>
        ${t.exportPaths}
        <select data-export="paths" @change=${(e: Event) => act.keep({ paths: (e.target as HTMLSelectElement).value as Paths })}>
          ${PATHS.map((one) => html`<option value=${one} ?selected=${one === keeping.paths}>${t.paths[one]}</option>`)}
        </select>
      </label>
    </p>
    <p class="buttons">
      <button data-action="save" @click=${act.save}>${t.save}</button>
      <button data-action="copy" @click=${act.copy}>${t.copy}</button>
      <button data-action="print" @click=${act.print}>${t.print}</button>
    </p>
  </section>`;
}

/** A button for a file input of its own: what is chosen is read as text and not weighed. */
function chooser(label: string, name: string, take: (file: File) => void): TemplateResult {
  const changed = (event: Event) => {
    const input = event.currentTarget as HTMLInputElement;
    const file = input.files?.[0];
    if (file) take(file);
    input.value = "";
  };
  return html`<button data-action=${name} @click=${(event: Event) => ((event.currentTarget as HTMLElement).nextElementSibling as HTMLInputElement).click()}>${label}</button
    ><input class="hidden" type="file" data-choose=${name} tabindex="-1" aria-label=${label} @change=${changed} />`;
}

export function verifyView(checks: Checks, waits: boolean, t: Messages, act: CheckActions): TemplateResult {
  const v = t.verify;
  const { verification } = checks;
  const area = (event: Event) => (event.currentTarget as HTMLElement).closest("section")!.querySelector("textarea")!;
  return html`<section class="verify" aria-labelledby="verify">
    <h3 id="verify">${v.title}</h3>
    <p>${v.lead}</p>
    <label class="area">${v.label}<textarea rows="2" spellcheck="false" autocomplete="off" data-verify class="mono"></textarea></label>
    <p class="buttons">
      <button data-action="verify" ?disabled=${waits} @click=${(event: Event) => act.verify(area(event).value, "")}>${v.go}</button>
      ${chooser(v.choose, "verify-file", (file) => void file.text().then((text) => act.verify(text, file.name)))}
    </p>
    ${waits ? html`<p class="note">${v.wait}</p>` : nothing} ${checks.failed === "verify" ? html`<p class="note">${v.failed}</p>` : nothing}
    ${verification
      ? html`<p class="outcome" data-outcome=${verification.outcome}><strong>${verification.headline}</strong></p>
          ${verification.checks.length > 0 ? checkTable(verification.checks, t) : nothing}
          ${verification.not_understood > 0 ? html`<p>${v.notUnderstood(verification.not_understood)}</p>` : nothing}`
      : nothing}
  </section>`;
}

function checkTable(all: readonly FileCheck[], t: Messages): TemplateResult {
  const v = t.verify;
  return html`<div class="scroll" tabindex="0" role="group" aria-labelledby="verify">
      <table>
        <thead>
          <tr><th scope="col">${v.columns.file}</th><th scope="col">${v.columns.state}</th><th scope="col">${v.columns.digests}</th></tr>
        </thead>
        <tbody>
          ${all.slice(0, MOST).map(
            (one) => html`<tr data-check=${one.state}>
              <td class="value">${one.path || t.whole}</td>
              <td>${v.state[one.state]}${one.message && html`<br /><small>${one.message}</small>`}</td>
              <td class="mono digest">
                ${one.expected ? html`<div>${v.listed} ${fours(one.expected, one.differ_at)}</div>` : nothing}
                ${one.actual && one.state !== "matches" ? html`<div>${v.computed} ${fours(one.actual, one.differ_at)}</div>` : nothing}
              </td>
            </tr>`,
          )}
        </tbody>
      </table>
    </div>
    ${all.length > MOST ? html`<p>${t.more(all.length - MOST)}</p>` : nothing}`;
}

/** Digits in fours, as people compare them; the group of the first difference is marked. */
function fours(digest: string, differs: number | null): TemplateResult[] {
  const groups = digest.match(/.{1,4}/g) ?? [];
  return groups.map((group, i) => (differs !== null && Math.floor(differs / 4) === i ? html`<mark>${group}</mark> ` : html`${group} `));
}

export function compareView(checks: Checks, report: Report, t: Messages, act: CheckActions): TemplateResult {
  const c = t.compare;
  const { comparison } = checks;
  const earlier = checks.before && checks.before !== report;
  return html`<section class="compare" aria-labelledby="compare">
    <h3 id="compare">${c.title}</h3>
    <p>${c.lead}</p>
    <p class="buttons">
      ${chooser(c.choose, "compare-file", act.compare)}
      ${earlier ? html`<button data-action="compare-before" @click=${() => act.compare(null)}>${c.before}</button>` : nothing}
    </p>
    ${checks.failed === "compare" ? html`<p class="note">${c.failed}</p>` : nothing}
    ${comparison
      ? html`<p class="outcome" data-news=${comparison.news}><strong>${comparison.headline}</strong></p>
          <p>${t.verdict[comparison.before]} → ${t.verdict[comparison.after]} · ${c.same(comparison.same)}</p>
          ${comparison.changes.length > 0
            ? html`<ul class="changes">
                ${comparison.changes.slice(0, MOST).map((one) => html`<li data-change-news=${one.news} data-what=${one.what}>${one.path && html`<span class="mono path">${one.path}</span> `}${one.message}</li>`)}
                ${comparison.changes.length > MOST ? html`<li>${t.more(comparison.changes.length - MOST)}</li>` : nothing}
              </ul>`
            : nothing}`
      : nothing}
  </section>`;
}
