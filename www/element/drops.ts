/** What a person does to the element as a whole: drops files on it, clicks on nothing in it, presses a key. */
import type { LitElement, ReactiveController } from "lit";

export interface Hears {
  /** Whether the element is a target of its own. On our page the whole window is, and what is switched off takes nothing. */
  target: () => boolean;
  disabled: () => boolean;
  take: (transfer: DataTransfer) => void;
  key: (event: KeyboardEvent) => void;
}

const NAMES = ["keydown", "dragover", "dragleave", "drop", "click"];

/** What is dragged, if it is files. */
const files = (event: Event) => ((event as DragEvent).dataTransfer?.types.includes("Files") ? (event as DragEvent).dataTransfer : null);

export class Drops implements ReactiveController {
  constructor(
    private readonly host: LitElement & { renderRoot: HTMLElement | DocumentFragment },
    private readonly hears: Hears,
  ) {
    host.addController(this);
  }

  hostConnected(): void {
    for (const name of NAMES) this.host.addEventListener(name, this);
  }

  hostDisconnected(): void {
    for (const name of NAMES) this.host.removeEventListener(name, this);
  }

  handleEvent(event: Event): void {
    if (event.type === "keydown") return this.hears.key(event as KeyboardEvent);
    if (!this.hears.target()) return;
    // A click on its label or on nothing leads to its button.
    if (event.type === "click") return event.composedPath()[0] === this.host ? this.host.focus() : undefined;
    const transfer = this.hears.disabled() ? null : files(event);
    const over = event.type === "dragover" && transfer !== null;
    if (over || event.type !== "dragover") this.host.renderRoot.querySelector(".intake")?.classList.toggle("over", over);
    if (event.type === "dragleave" || !transfer) return;
    event.preventDefault();
    if (event.type === "dragover") return;
    event.stopPropagation();
    this.hears.take(transfer);
  }
}
