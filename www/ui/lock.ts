/** "Nothing leaves your machine", shown and not promised: the rules, the self-test, the count of requests, and what none of that covers. */
import { html, nothing, type TemplateResult } from "lit";
import type { Messages } from "../text/en.ts";

export interface LockState {
  /** The policy in the page's own markup. */
  policy: string | null;
  /** Whether the page's self-test was refused; null while it runs. */
  page: boolean | null;
  scanner: boolean | null;
  requests: number;
}

export function lockWord(state: LockState, t: Messages): { word: string; kind: "locked" | "unlocked" | "unknown" } {
  if (state.page === false || state.scanner === false) return { word: t.lock.unlocked, kind: "unlocked" };
  if (state.page && state.scanner) return { word: t.lock.locked, kind: "locked" };
  return { word: t.lock.unknown, kind: "unknown" };
}

export function lockView(state: LockState, copy: string | null, t: Messages): TemplateResult {
  const { word, kind } = lockWord(state, t);
  const result = (refused: boolean | null) => (refused === null ? "…" : refused ? t.lock.refused : t.lock.open);
  return html`<details class="lock" data-lock=${kind}>
    <summary><strong>${t.full(word)}</strong> ${t.lock.title}</summary>
    <dl>
      <div><dt>${t.lock.rules}</dt><dd>${state.policy ? html`<code class="policy" lang="en">${state.policy}</code>` : t.lock.rulesNone}</dd></div>
      <div><dt>${t.lock.tried}</dt><dd>${t.lock.page(result(state.page))} · ${t.lock.scanner(result(state.scanner))}<br />${t.lock.triedNote}</dd></div>
      <div><dt>${t.lock.requests}</dt><dd data-requests=${state.requests}>${t.lock.requestsNote(state.requests)}</dd></div>
      <div><dt>${t.lock.yourself}</dt><dd>${t.lock.yourselfText}</dd></div>
      ${copy
        ? html`<div><dt>${t.lock.take}</dt><dd>${t.lock.takeText} <a href=${copy} download>${t.lock.takeLink}</a></dd></div>`
        : nothing}
      <div><dt>${t.lock.uncovered}</dt><dd><ul>${t.lock.uncoveredItems.map((item) => html`<li>${item}</li>`)}</ul></dd></div>
    </dl>
  </details>`;
}
