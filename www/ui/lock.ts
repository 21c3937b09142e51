/** "Nothing leaves your machine", shown and not promised: the rules, the self-test, the count of requests, and what none of that covers. */
import { html, nothing, type TemplateResult } from "lit";
import type { Messages } from "../text/en.ts";

export interface LockState {
  /** The policy in the page's own markup. */
  policy: string | null;
  /** Whether the page's self-test was refused; null while it runs. */
  page: boolean | null;
  scanner: boolean | null;
  /** Requests since the page was opened, and those that brought the page itself. */
  requests: number;
  own: number;
  online: boolean | null;
}

/** The copy of the page in one file. */
export interface Copy {
  copy: string | null;
  sum: string | null;
}

export function lockWord(state: LockState, t: Messages): { word: string; kind: "locked" | "unlocked" | "unknown" } {
  if (state.page === false || state.scanner === false) return { word: t.lock.unlocked, kind: "unlocked" };
  if (state.page && state.scanner) return { word: t.lock.locked, kind: "locked" };
  return { word: t.lock.unknown, kind: "unknown" };
}

export function lockView(state: LockState, { copy, sum }: Copy, t: Messages, again: () => void): TemplateResult {
  const { word, kind } = lockWord(state, t);
  const result = (refused: boolean | null) => (refused === null ? "…" : refused ? t.lock.refused : t.lock.open);
  return html`<details class="lock" data-lock=${kind}>
    <summary>${padlock(kind !== "unlocked")}<strong>${t.full(word)}</strong> ${t.lock.title}</summary>
    <dl>
      <div><dt>${t.lock.rules}</dt><dd>${state.policy ? html`<code class="policy" lang="en">${state.policy}</code>` : t.lock.rulesNone}</dd></div>
      <div>
        <dt>${t.lock.tried}</dt>
        <dd>${t.lock.page(result(state.page))} · ${t.lock.scanner(result(state.scanner))} <button class="small" data-action="try-again" @click=${again}>${t.lock.again}</button><br />${t.lock.triedNote}</dd>
      </div>
      <div><dt>${t.lock.requests}</dt><dd data-requests=${state.requests}>${t.lock.requestsNote(state.requests)} ${t.lock.requestsOwn(state.own + 1)}</dd></div>
      <div><dt>${t.lock.yourself}</dt><dd>${t.lock.yourselfText} ${state.online === null ? nothing : state.online ? t.lock.online : t.lock.offline}</dd></div>
      ${copy
        ? html`<div>
            <dt>${t.lock.take}</dt>
            <dd>
              ${t.lock.takeText} <a href=${copy} download>${t.lock.takeLink}</a>
              ${sum ? html`<br />${t.lock.takeSum} <code class="policy" data-copy-sum lang="en">${sum}</code><br />${t.lock.takeCheck} <code lang="en">sha256sum weighstation.html</code>` : nothing}
              <br />${t.lock.rebuild}
            </dd>
          </div>`
        : nothing}
      <div><dt>${t.lock.uncovered}</dt><dd><ul>${t.lock.uncoveredItems.map((item) => html`<li>${item}</li>`)}</ul></dd></div>
    </dl>
  </details>`;
}

const padlock = (shut: boolean): TemplateResult =>
  html`<svg class="padlock" viewBox="0 0 16 16" aria-hidden="true" focusable="false"><path d=${shut ? "M4.5 7V5a3.5 3.5 0 0 1 7 0v2" : "M4.5 7V5a3.5 3.5 0 0 1 6.6-1.6"} fill="none" stroke="currentColor" stroke-width="1.6" /><rect x="2.5" y="7" width="11" height="7.5" rx="1.2" fill="currentColor" /></svg>`;
