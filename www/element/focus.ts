/** Keeps the focus from falling back to the top of the document when what had it is gone: it goes to the heading of what stands there now. */
import type { LitElement, ReactiveController } from "lit";

const HEADINGS = "h2, h3, h4";

export class KeptFocus implements ReactiveController {
  /** What had the focus before a redraw, and what it stood in, from the inside out. */
  #path: Element[] = [];

  constructor(private readonly host: LitElement & { renderRoot: HTMLElement | DocumentFragment }) {
    host.addController(this);
  }

  hostUpdate(): void {
    this.#path = [];
    if (!this.host.hasUpdated) return;
    const { renderRoot } = this.host;
    const focused = renderRoot instanceof ShadowRoot ? renderRoot.activeElement : document.activeElement;
    for (let at = focused && renderRoot.contains(focused) ? focused : null; at && at !== this.host; at = at.parentElement) this.#path.push(at);
  }

  hostUpdated(): void {
    const [focused, ...around] = this.#path;
    if (!focused || (focused.isConnected && !focused.matches(":disabled"))) return;
    const { renderRoot } = this.host;
    const rest = around.find((one) => one.isConnected && one.querySelector(HEADINGS));
    const to = (rest ?? renderRoot).querySelector<HTMLElement>(rest ? HEADINGS : `h2, button.main`);
    if (!to) return;
    // A heading takes the focus when it is given it, and is no stop of its own.
    if (!to.matches("button")) to.tabIndex = -1;
    to.focus();
  }
}
