/** The contents of a file as a tree. Keys as in every tree: arrows, Home, End, and typing the beginning of a name. */
import { html, LitElement, nothing, type PropertyValues, type TemplateResult } from "lit";
import type { Outline } from "../report.ts";
import type { Messages } from "../text/en.ts";
import type { WeighRows } from "./rows.ts";

interface Line {
  node: Outline;
  level: number;
  position: number;
  siblings: number;
  parent: number;
}

/** Open at first: the file itself and what lies directly in it, unless that alone is a long list. */
const OPEN_AT_FIRST = 60;
/** Letters typed within this time belong to one word. */
const WORD_MS = 700;

export class WeighTree extends LitElement {
  static override properties = { root: {}, t: {}, formatName: {}, active: { state: true } };

  declare root: Outline;
  declare t: Messages;
  /** The name of a format by its id; any other word comes back as it is. */
  declare formatName: (id: string) => string;
  declare active: number;
  #open = new Set<Outline>();
  #typed = { text: "", at: 0 };

  constructor() {
    super();
    this.active = 0;
    this.formatName = (id) => id;
  }

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  protected override willUpdate(changed: PropertyValues): void {
    if (!changed.has("root")) return;
    this.active = 0;
    this.#open = new Set([this.root]);
    for (const child of this.root.children) if (child.children.length <= OPEN_AT_FIRST && this.root.children.length <= 3) this.#open.add(child);
  }

  /** The lines that are to be seen, without recursion: the depth is the file's. */
  #lines(): Line[] {
    const lines: Line[] = [];
    const stack: Line[] = [{ node: this.root, level: 1, position: 1, siblings: 1, parent: -1 }];
    for (let line = stack.pop(); line; line = stack.pop()) {
      const parent = lines.push(line) - 1;
      if (!this.#open.has(line.node)) continue;
      const { children, more } = line.node;
      const shown = more > 0 ? [...children, this.#rest(more)] : children;
      for (let i = shown.length - 1; i >= 0; i--) {
        stack.push({ node: shown[i]!, level: line.level + 1, position: i + 1, siblings: shown.length, parent });
      }
    }
    return lines;
  }

  #rest(more: number): Outline {
    return { label: this.t.more(more), kind: "more", size: null, note: null, children: [], more: 0 };
  }

  #kind(kind: string): string {
    return Object.hasOwn(this.t.kinds, kind) ? this.t.kinds[kind as keyof Messages["kinds"]] : this.formatName(kind);
  }

  #toggle(node: Outline): void {
    if (!this.#open.delete(node)) this.#open.add(node);
    this.requestUpdate();
  }

  async #go(index: number, lines: Line[]): Promise<void> {
    this.active = Math.max(0, Math.min(lines.length - 1, index));
    const rows = this.querySelector<WeighRows<Line>>("weigh-rows");
    rows?.show(this.active);
    await this.updateComplete;
    await rows?.updateComplete;
    this.querySelector<HTMLElement>('[role="treeitem"][tabindex="0"]')?.focus();
  }

  #key(event: KeyboardEvent, lines: Line[]): void {
    const line = lines[this.active];
    if (!line || event.ctrlKey || event.metaKey || event.altKey) return;
    const has = line.node.children.length > 0;
    const open = this.#open.has(line.node);
    const moves: Record<string, () => void> = {
      ArrowDown: () => void this.#go(this.active + 1, lines),
      ArrowUp: () => void this.#go(this.active - 1, lines),
      Home: () => void this.#go(0, lines),
      End: () => void this.#go(lines.length - 1, lines),
      ArrowRight: () => (has && !open ? this.#toggle(line.node) : has && void this.#go(this.active + 1, lines)),
      ArrowLeft: () => (has && open ? this.#toggle(line.node) : line.parent >= 0 && void this.#go(line.parent, lines)),
      Enter: () => has && this.#toggle(line.node),
      " ": () => has && this.#toggle(line.node),
    };
    const move = moves[event.key];
    if (move) {
      event.preventDefault();
      move();
    } else if (event.key.length === 1) {
      this.#type(event, lines);
    }
  }

  #type(event: KeyboardEvent, lines: Line[]): void {
    const now = event.timeStamp;
    this.#typed = { text: (now - this.#typed.at < WORD_MS ? this.#typed.text : "") + event.key.toLowerCase(), at: now };
    const from = this.#typed.text.length > 1 ? 0 : 1;
    for (let i = from; i <= lines.length; i++) {
      const at = (this.active + i) % lines.length;
      if (lines[at]!.node.label.toLowerCase().startsWith(this.#typed.text)) return void this.#go(at, lines);
    }
  }

  protected override render(): TemplateResult {
    const lines = this.#lines();
    const row = (line: Line, index: number): TemplateResult => {
      const { node } = line;
      const has = node.children.length > 0;
      return html`<li
        data-row
        role="treeitem"
        aria-level=${line.level}
        aria-posinset=${line.position}
        aria-setsize=${line.siblings}
        aria-expanded=${has ? String(this.#open.has(node)) : nothing}
        tabindex=${index === this.active ? 0 : -1}
        .style=${`--level:${Math.min(line.level, 12)}`}
        @click=${() => {
          this.active = index;
          if (has) this.#toggle(node);
        }}
      >
        <span class="twist" aria-hidden="true"></span>
        <span class="name">${node.label}</span>
        ${node.kind === "more" || node.kind === "" ? nothing : html`<span class="kind">${this.#kind(node.kind)}</span>`}
        ${node.note ? html`<span class="note">${node.note}</span>` : nothing}
        ${node.size !== null ? html`<span class="number">${this.t.bytes(node.size)}</span>` : nothing}
      </li>`;
    };
    return html`<weigh-rows
      class="tree"
      kind="tree"
      .label=${this.t.contentsLabel(this.root.label)}
      .items=${lines}
      .key=${(line: Line) => line.node}
      .row=${row}
      @keydown=${(event: KeyboardEvent) => this.#key(event, lines)}
    ></weigh-rows>`;
  }
}
