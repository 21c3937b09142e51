/** The place whose bytes are open: asks for them, takes the focus there, and gives it back. */
import type { LitElement } from "lit";
import type { Place } from "../report.ts";
import type { Row, Weighing } from "../scanner/weighing.ts";
import { hexOffset, markedBytes } from "../ui/evidence.ts";
import type { Opened } from "../ui/file.ts";

export class OpenBytes {
  opened: Opened | null = null;
  #row: Row | null = null;
  #returnTo: Element | null = null;

  constructor(
    private readonly host: LitElement & { renderRoot: HTMLElement | DocumentFragment },
    private readonly weighing: () => Weighing | null,
  ) {}

  /** Opens a place of a file; `of` says whose place it is. */
  async open(row: Row | null, of: string, place: Place): Promise<void> {
    const weighing = this.weighing();
    if (!row || !weighing) return;
    const opened: Opened = { of, place, evidence: null, failed: false };
    this.opened = opened;
    this.#row = row;
    const { renderRoot } = this.host;
    this.#returnTo = renderRoot instanceof ShadowRoot ? renderRoot.activeElement : document.activeElement;
    try {
      opened.evidence = await weighing.evidence(row, place);
    } catch {
      opened.failed = true;
    }
    if (this.opened !== opened) return;
    this.host.requestUpdate();
    await this.host.updateComplete;
    renderRoot.querySelector<HTMLElement>("#evidence")?.focus();
  }

  /** The open listing in the language of now; the focus stays where it is. */
  async reread(): Promise<void> {
    const [opened, row, weighing] = [this.opened, this.#row, this.weighing()];
    if (!opened || !row || !weighing) return;
    opened.evidence = await weighing.evidence(row, opened.place).catch(() => opened.evidence);
    this.host.requestUpdate();
  }

  /** The bytes that the open place covers, and a name for a file of them. */
  get marked(): { bytes: Blob; name: string } | null {
    const [evidence, row] = [this.opened?.evidence, this.#row];
    if (!evidence || !row) return null;
    const name = row.path.slice(row.path.lastIndexOf("/") + 1);
    return { bytes: markedBytes(evidence, row.file), name: `${name}-${hexOffset(evidence.mark.at)}-${evidence.mark.length}.bytes` };
  }

  close(): void {
    this.forget();
    if (this.#returnTo instanceof HTMLElement) this.#returnTo.focus();
  }

  /** Closes what is open because something else is shown now. */
  forget(): void {
    this.opened = null;
    this.host.requestUpdate();
  }
}
