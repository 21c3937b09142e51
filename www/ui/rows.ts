/**
 * A list of rows of one height. A short one is plain markup; a long one scrolls in its own frame and holds only the rows in view, so that five thousand
 * files cost as much as fifty.
 */
import { html, LitElement, nothing, type PropertyValues, type TemplateResult } from "lit";
import { repeat } from "lit/directives/repeat.js";

/** From here on only the rows in view exist. */
const LONG = 150;
/** Rows kept above and below the view, so that Tab and quick scrolling find something there. */
const MARGIN = 8;

export class WeighRows<T = unknown> extends LitElement {
  static override properties = { items: {}, row: {}, key: {}, label: {}, kind: {}, first: { state: true }, height: { state: true }, room: { state: true } };

  declare items: readonly T[];
  /** Draws the content of a row. It must set the row's own attributes, position and count among them: see `position`. */
  declare row: (item: T, index: number, of: number) => TemplateResult;
  declare key: (item: T) => unknown;
  declare label: string;
  declare kind: "list" | "tree";
  declare first: number;
  declare height: number;
  declare room: number;

  constructor() {
    super();
    this.items = [];
    this.kind = "list";
    this.label = "";
    this.first = 0;
    this.height = 44;
    this.room = 20;
  }

  /** No shadow root of its own: the style sheet of page or element reaches in. */
  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  /** Brings a row into view; its element exists after `updateComplete`. */
  show(index: number): void {
    const frame = this.#frame;
    if (!frame || this.items.length <= LONG) return;
    const top = index * this.height;
    if (top < frame.scrollTop) frame.scrollTop = top;
    else if (top + this.height > frame.scrollTop + frame.clientHeight) frame.scrollTop = top + this.height - frame.clientHeight;
    this.#measure();
  }

  get #frame(): HTMLElement | null {
    return this.querySelector(".rows");
  }

  #measure = (): void => {
    const frame = this.#frame;
    const row = frame?.querySelector<HTMLElement>("[data-row]");
    if (!frame || !row) return;
    this.height = row.offsetHeight || this.height;
    this.first = Math.max(0, Math.floor(frame.scrollTop / this.height) - MARGIN);
    this.room = Math.ceil(frame.clientHeight / this.height) + 2 * MARGIN;
  };

  protected override updated(changed: PropertyValues): void {
    if (changed.has("items") && this.items.length > LONG) this.#measure();
  }

  protected override render(): TemplateResult {
    const of = this.items.length;
    const long = of > LONG;
    const first = long ? Math.min(this.first, Math.max(0, of - this.room)) : 0;
    const last = long ? Math.min(of, first + this.room) : of;
    const rows = repeat(this.items.slice(first, last), this.key, (item, i) => this.row(item, first + i, of));
    // Padding stands for the rows that are not there; a list may hold nothing but its items.
    const style = long ? `padding-top:${first * this.height}px;padding-bottom:${(of - last) * this.height}px` : "";
    // Rows that cannot be pressed (yet) take no focus; then the frame does, so that it scrolls by keyboard.
    const focus = long && this.kind === "list" ? 0 : nothing;
    return html`<div class=${long ? "rows long" : "rows"} tabindex=${focus} @scroll=${long ? this.#measure : null}>
      <ul role=${this.kind} aria-label=${this.label} .style=${style}>
        ${rows}
      </ul>
    </div>`;
  }
}
