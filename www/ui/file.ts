/** Everything about one file, on one long page: identity, findings with their bytes, contents, imports, metadata, what was not checked. */
import { html, nothing, type TemplateResult } from "lit";
import { SEVERITIES, type Evidence, type FileReport, type Finding, type Gap, type Import, type Place, type Severity } from "../report.ts";
import type { Row } from "../scanner/weighing.ts";
import type { Messages } from "../text/en.ts";
import { asText, evidenceView, hexOffset, wholeMark } from "./evidence.ts";

/** The place whose bytes are open, and what came of asking for them. */
export interface Opened {
  /** Whose place it is: a finding's rule or a statement's key. Not the object: a later report has others that say the same. */
  of: string;
  place: Place;
  evidence: Evidence | null;
  failed: boolean;
}

/** What can be done with open bytes. */
export interface BytesActions {
  close(): void;
  copy(text: string): void;
  /** Saves the bytes that the place covers; null where nothing is offered to be kept. */
  saveBytes: (() => void) | null;
}

export interface FileActions extends BytesActions {
  open(of: string, place: Place): void;
  filter(more: Partial<FindingFilter>): void;
  /** Copies a link to a place of a finding. */
  link(rule: string, place: Place): void;
}

/** What is shown of the findings. */
export interface FindingFilter {
  text: string;
  severity: Severity | "";
}

export const NO_FILTER: FindingFilter = { text: "", severity: "" };

/** What is shown of a file, and how. */
export interface FileShown {
  formatName(id: string): string;
  findings: boolean;
  contents: boolean;
  /** Whether findings have links: only a page of our own has addresses for them. */
  links: boolean;
}

/** From here on findings are searched and not read. */
const MANY = 4;

/** Whether this very place is the one that is open. */
export function isOpen(opened: Opened | null, of: string, place: Place): boolean {
  return opened?.of === of && opened.place.member === place.member && opened.place.offset === place.offset && opened.place.length === place.length;
}

/** More lines than a person reads; the rest is in the report. */
const MOST = 200;

export function fingerprint(row: Row, t: Messages): string {
  if (row.digest === "running" || row.digest === "waiting") {
    return row.bytes > 0 && row.size > 0 ? t.fingerprintRunning(Math.floor((100 * row.bytes) / row.size)) : t.fingerprintWaiting;
  }
  return row.report?.sha256 ?? t.fingerprintNone;
}

export function fileView(row: Row, report: FileReport, opened: Opened | null, filter: FindingFilter, t: Messages, act: FileActions, shown: FileShown): TemplateResult {
  const found = report.findings.filter((finding) => matches(finding, filter));
  return html`
    ${identity(row, report, t, act, shown.formatName)}
    ${shown.findings
      ? html`<section aria-labelledby="findings">
            <h3 id="findings">${t.findings(report.findings.length)}</h3>
            ${report.findings.length > MANY ? filterBar(report.findings, found.length, filter, t, act) : nothing}
            ${report.findings.length === 0 ? html`<p>${t.noFindings}</p>` : findingList(found, opened, t, act, shown.links)}
          </section>
          ${report.gaps.length > 0 ? gapList(report.gaps, t) : nothing}`
      : nothing}
    ${shown.contents
      ? html`<section aria-labelledby="contents">
            <h3 id="contents">${t.contents}</h3>
            <weigh-tree .root=${report.outline} .t=${t} .formatName=${shown.formatName}></weigh-tree>
          </section>
          ${report.imports.length > 0 ? importTable(report.imports, t) : nothing} ${report.metadata.length > 0 ? metadataTable(report.metadata, t) : nothing}`
      : nothing}
  `;
}

function matches(finding: Finding, { text, severity }: FindingFilter): boolean {
  if (severity && finding.severity !== severity) return false;
  const wanted = text.toLowerCase();
  return [finding.rule, finding.name, finding.title, finding.message, ...finding.places.map((place) => place.member)].some((said) => said.toLowerCase().includes(wanted));
}

function filterBar(findings: Finding[], shown: number, filter: FindingFilter, t: Messages, act: FileActions): TemplateResult {
  const there = SEVERITIES.filter((severity) => findings.some((finding) => finding.severity === severity));
  return html`<p class="filter">
    <label>${t.filter.findings} <input type="search" data-filter="findings" .value=${filter.text} @input=${(e: Event) => act.filter({ text: (e.target as HTMLInputElement).value })} /></label>
    <label>
      ${t.filter.severity}
      <select data-filter="severity" @change=${(e: Event) => act.filter({ severity: (e.target as HTMLSelectElement).value as Severity | "" })}>
        <option value="">${t.filter.all}</option>
        ${there.map((one) => html`<option value=${one} ?selected=${one === filter.severity}>${t.severity[one]}</option>`)}
      </select>
    </label>
    ${filter.text || filter.severity ? html`<span>${t.filter.shown(shown, findings.length)}</span>` : nothing}
  </p>`;
}

function identity(row: Row, report: FileReport, t: Messages, act: FileActions, formatName: (id: string) => string): TemplateResult {
  const { tensors } = report;
  const dtypes = Object.entries(tensors.dtypes)
    .map(([name, n]) => `${name} × ${t.number(n)}`)
    .join(", ");
  return html`<dl class="identity">
    <div><dt>${t.file}</dt><dd class="path">${report.path}</dd></div>
    <div><dt>${t.format}</dt><dd>${report.formats.length > 0 ? report.formats.map(formatName).join(" › ") : t.noFormat}</dd></div>
    <div><dt>${t.size}</dt><dd>${t.bytes(report.size)}</dd></div>
    ${tensors.count > 0 ? html`<div><dt>${t.tensors}</dt><dd>${t.tensorLine(tensors.count, t.short(tensors.parameters), dtypes)}</dd></div>` : nothing}
    <div><dt>${t.checked}</dt><dd>${report.gaps.length > 0 ? t.checkedGaps(report.gaps.length) : t.checkedAll}</dd></div>
    <div class="wide">
      <dt>${t.fingerprint}</dt>
      <dd class="mono digest">
        ${fingerprint(row, t)}
        ${report.sha256 ? html`<button class="small" @click=${() => act.copy(report.sha256!)} aria-label=${t.copyFingerprint}>${t.copy}</button>` : nothing}
      </dd>
    </div>
  </dl>`;
}

/** Findings of a file, or of the files together (which have no bytes to show). */
export function findingList(findings: Finding[], opened: Opened | null, t: Messages, act: FileActions | null, links = false): TemplateResult {
  return html`<ol class="findings">
    ${findings.map((finding, index) => {
      // A rule may have found several things; the bytes stand with the one whose place was opened.
      const own = finding.places.some((place) => isOpen(opened, finding.rule, place)) ? opened : null;
      return html`<li part="finding" data-rule=${finding.rule} data-severity=${finding.severity}>
        <div class="finding">
          <span class="severity" part="finding-severity">${t.severity[finding.severity]}</span>
          <h4>${finding.title}</h4>
          <span class="rule mono" lang="en">${finding.rule} ${finding.name}</span>
        </div>
        <p class="message">${finding.message}${finding.count > 1 ? html` <span class="times">${t.times(finding.count)}</span>` : nothing}</p>
        ${act ? placeButtons(finding, own, t, act) : nothing}
        ${own && act ? evidencePanel(own, t, act, links ? () => act.link(finding.rule, own.place) : null) : nothing}
        <details ?open=${index === 0}>
          <summary>${t.why}</summary>
          <p>${finding.why}</p>
          <p><strong>${t.label(t.fix)}</strong> ${finding.fix}</p>
          ${finding.refs.length > 0 ? html`<p><strong>${t.label(t.refs)}</strong> <span lang="en">${finding.refs.join(", ")}</span></p>` : nothing}
        </details>
      </li>`;
    })}
  </ol>`;
}

const where = (place: Place, t: Messages): string => place.member || t.whole;

function placeButtons(finding: Finding, opened: Opened | null, t: Messages, act: FileActions): TemplateResult {
  const places = finding.places.slice(0, MOST);
  const button = (place: Place) => html`<li>
    <button
      class="place"
      aria-expanded=${String(isOpen(opened, finding.rule, place))}
      @click=${() => (isOpen(opened, finding.rule, place) ? act.close() : act.open(finding.rule, place))}
    >
      <span>${t.showBytes}</span> <span class="mono">${where(place, t)} ${hexOffset(place.offset)}</span>
    </button>
  </li>`;
  // One place is the usual case; a long list folds away behind the first few.
  const few = places.slice(0, 3);
  const rest = places.slice(3);
  return html`<ul class="places">
      ${few.map(button)}
    </ul>
    ${rest.length > 0
      ? html`<details>
          <summary>${t.placesShown(places.length, finding.count)}</summary>
          <ul class="places">
            ${rest.map(button)}
          </ul>
        </details>`
      : nothing}`;
}

export function evidencePanel(opened: Opened, t: Messages, act: BytesActions, link: (() => void) | null = null): TemplateResult {
  const { evidence } = opened;
  const crumbs = evidence?.crumbs ?? [];
  return html`<section class="evidence" part="evidence" id="evidence" tabindex="-1" aria-label=${t.evidence}>
    <div class="bar">
      <p class="crumbs mono">${crumbs.join(" › ")}</p>
      <p class="buttons">
        ${link ? html`<button class="small" data-action="link" @click=${link}>${t.copyLink}</button>` : nothing}
        ${evidence && act.saveBytes ? html`<button class="small" data-action="copy-text" @click=${() => act.copy(asText(evidence, t))}>${t.copyText}</button>` : nothing}
        ${evidence && act.saveBytes && wholeMark(evidence) ? html`<button class="small" data-action="save-bytes" @click=${act.saveBytes}>${t.saveBytes(evidence.mark.length)}</button>` : nothing}
        <button class="small" data-action="close" @click=${act.close}>${t.closeBytes}</button>
      </p>
    </div>
    ${evidence ? evidenceView(evidence, t) : html`<p>${opened.failed ? t.evidenceFailed : t.loading}</p>`}
  </section>`;
}

function gapList(gaps: Gap[], t: Messages): TemplateResult {
  return html`<section aria-labelledby="gaps">
    <h3 id="gaps">${t.gaps(gaps.length)}</h3>
    <p>${t.gapsLead}</p>
    <ul class="gaps">
      ${gaps.slice(0, MOST).map(
        (gap) => html`<li data-gap=${gap.reason} class="path">${gap.message}</li>`,
      )}
      ${gaps.length > MOST ? html`<li>${t.more(gaps.length - MOST)}</li>` : nothing}
    </ul>
  </section>`;
}

/** The dangerous first, whatever their order in the file: the list may be cut. */
const STANDINGS = ["dangerous", "unknown", "expected"];

function importTable(imports: Import[], t: Messages): TemplateResult {
  const sorted = [...imports].sort((a, b) => STANDINGS.indexOf(a.standing) - STANDINGS.indexOf(b.standing));
  return html`<section aria-labelledby="imports">
    <h3 id="imports">${t.imports(imports.length)}</h3>
    <div class="scroll" tabindex="0" role="group" aria-labelledby="imports">
      <table>
        <thead>
          <tr>
            <th scope="col">${t.importColumns.what}</th>
            <th scope="col">${t.importColumns.use}</th>
            <th scope="col">${t.importColumns.standing}</th>
          </tr>
        </thead>
        <tbody>
          ${sorted.slice(0, MOST).map(
            (one) => html`<tr data-standing=${one.standing}>
              <td class="mono">${one.module}.${one.name}</td>
              <td>${t.use[one.use] ?? one.use}</td>
              <td>${t.standing[one.standing] ?? one.standing}</td>
            </tr>`,
          )}
        </tbody>
      </table>
    </div>
    ${imports.length > MOST ? html`<p>${t.more(imports.length - MOST)}</p>` : nothing}
  </section>`;
}

function metadataTable(metadata: FileReport["metadata"], t: Messages): TemplateResult {
  return html`<section aria-labelledby="metadata">
    <h3 id="metadata">${t.metadata(metadata.length)}</h3>
    <div class="scroll" tabindex="0" role="group" aria-labelledby="metadata">
      <table>
        <thead>
          <tr>
            <th scope="col">${t.metadataColumns.key}</th>
            <th scope="col">${t.metadataColumns.value}</th>
          </tr>
        </thead>
        <tbody>
          ${metadata.slice(0, MOST).map(
            ({ key, value }) => html`<tr>
              <th scope="row" class="mono">${key}</th>
              <td class="value">${value}</td>
            </tr>`,
          )}
        </tbody>
      </table>
    </div>
    ${metadata.length > MOST ? html`<p>${t.more(metadata.length - MOST)}</p>` : nothing}
  </section>`;
}
