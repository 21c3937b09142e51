/** While files are read: how far it got, how long it will take, and the way to stop it; or that nothing could begin. */
import { html, nothing, type TemplateResult } from "lit";
import type { Row } from "../scanner/weighing.ts";
import type { Messages } from "../text/en.ts";

/** The scan. `left` is in seconds, or null while nobody knows. */
export function progressView(rows: readonly Row[], left: number | null, t: Messages, stop: () => void): TemplateResult {
  const done = rows.filter((row) => row.phase === "done").length;
  return html`<div class="bar">
      <h2 class="quiet">${t.weighing(done, rows.length)}</h2>
      <button data-action="stop" @click=${stop}>${t.stop}</button>
    </div>
    <progress part="progress" max=${rows.length} .value=${done} aria-label=${t.progressLabel}></progress>
    <p class="note">${left !== null ? `${t.timeLeft(left)} · ` : ""}${t.stopHint}</p>`;
}

/** Bytes whose fingerprint is taken, and bytes in all. */
export function fingerprinted(rows: readonly Row[]): { read: number; all: number } {
  const read = (row: Row): number => (row.digest === "running" ? row.bytes : row.digest === "waiting" ? 0 : row.size);
  return { read: rows.reduce((sum, row) => sum + read(row), 0), all: rows.reduce((sum, row) => sum + row.size, 0) };
}

/** The fingerprint pass, below the verdict. */
export function fingerprintsView({ read, all }: { read: number; all: number }, left: number | null, t: Messages, stop: () => void): TemplateResult {
  return html`<div class="fingerprints">
    <div class="bar">
      <p>${t.fingerprinting(t.bytes(read), t.bytes(all))}${left !== null ? html` · ${t.timeLeft(left)}` : nothing}</p>
      <button class="small" data-action="stop" @click=${stop}>${t.stop}</button>
    </div>
    <progress part="progress" max=${Math.max(1, all)} .value=${read} aria-label=${t.fingerprintLabel}></progress>
  </div>`;
}

export interface BlockedActions {
  copy(text: string): void;
  clear(): void;
}

/** The scanner could not start: `lines` are what the page's policy lacks, `why` is what the browser said. */
export function blockedView(lines: readonly string[], why: string, t: Messages, act: BlockedActions): TemplateResult {
  return html`<section class="blocked">
    <h2 class="quiet">${t.blockedTitle}</h2>
    <p>${t.blockedBy(lines)}</p>
    ${lines.length > 0
      ? html`<pre class="lines" lang="en">${lines.join(";\n")}</pre>
          <p><button data-action="copy-lines" @click=${() => act.copy(lines.join("; "))}>${t.copyLines}</button></p>`
      : html`<p class="mono" lang="en">${why}</p>`}
    <p><button data-action="clear" @click=${act.clear}>${t.newOne}</button></p>
  </section>`;
}
