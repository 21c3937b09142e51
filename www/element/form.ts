/** The part of `<weigh-station>` that a form sees: which files go in, and the sentence when they may not. */
import type { LitElement } from "lit";
import type { Report, Verdict } from "../report.ts";
import type { Messages } from "../text/en.ts";

/** From which verdict on a form is refused. */
const REFUSED: Record<string, readonly Verdict[]> = {
  never: [],
  dangerous: ["dangerous"],
  suspicious: ["dangerous", "suspicious"],
  gaps: ["dangerous", "suspicious", "incomplete"],
};
/** What the command line calls it. */
REFUSED.incomplete = REFUSED.gaps!;

export const THRESHOLD = "suspicious";

export interface Standing {
  required: boolean;
  failOn: string;
  scanning: boolean;
  blocked: boolean;
  /** Why files were not taken at all. */
  turnedAway: string | null;
  report: Report | null;
}

export interface Judgement {
  flags: ValidityStateFlags;
  message: string;
  /** Whether the files may go into the form. */
  sent: boolean;
}

const refuse = (flags: ValidityStateFlags, message: string): Judgement => ({ flags, message, sent: false });

/** Whether the form may be sent, and if not, why. What nobody judged is never sent. */
export function judge(now: Standing, t: Messages): Judgement {
  const { report } = now;
  if (now.turnedAway !== null) return refuse({ customError: true }, now.turnedAway);
  if (now.blocked) return refuse({ customError: true }, t.form.blocked);
  if (now.scanning) return refuse({ customError: true }, t.form.scanning);
  if (!report) return now.required ? refuse({ valueMissing: true }, t.form.missing) : { flags: {}, message: "", sent: false };
  // A word that nobody knows must not open the door.
  const refused = REFUSED[now.failOn] ?? REFUSED[THRESHOLD]!;
  if (!refused.includes(report.verdict)) return { flags: {}, message: "", sent: true };
  const worst = report.files.find((file) => file.verdict === report.verdict);
  return refuse({ customError: true }, t.form.refused(t.verdict[report.verdict], worst?.headline ?? report.findings[0]?.message ?? ""));
}

/** Makes a report that its owner may go on reading and nobody can change. Contents trees are left: they are large, and told again when the language changes. */
export function frozen(report: Report | null): void {
  const open: unknown[] = [report];
  while (open.length > 0) {
    const next = open.pop();
    if (typeof next !== "object" || next === null || Object.isFrozen(next)) continue;
    Object.freeze(next);
    for (const [name, inner] of Object.entries(next)) if (name !== "outline") open.push(inner);
  }
}

/** What the element does as a field: its value, its validity, its events, its states. */
export class Field {
  #value: { name: string | null; report: Report | null } = { name: null, report: null };
  #told = false;

  constructor(
    private readonly host: LitElement & { renderRoot: HTMLElement | DocumentFragment },
    private readonly internals: ElementInternals,
  ) {}

  answer(now: Standing, name: string | null, files: () => readonly File[], t: Messages): void {
    const { flags, message, sent } = judge(now, t);
    this.#putIn(sent && name ? name : null, now.report, files);
    const anchor = this.host.hasUpdated ? this.host.renderRoot.querySelector<HTMLElement>("button.main") : null;
    this.internals.setValidity(flags, message, anchor ?? undefined);
  }

  /** The files under a name, or nothing. Thousands of files are not put in anew with every redraw. */
  #putIn(name: string | null, judged: Report | null, files: () => readonly File[]): void {
    const report = name === null ? null : judged;
    if (this.#value.name === name && this.#value.report === report) return;
    this.#value = { name, report };
    if (name === null) return this.internals.setFormValue(null);
    const value = new FormData();
    for (const file of files()) value.append(name, file);
    this.internals.setFormValue(value);
  }

  /** Tells of the value. It is there once the verdict is; a form must not hear of it before the page shows it. */
  hear(done: boolean): void {
    if (done === this.#told) return;
    this.#told = done;
    this.host.dispatchEvent(new Event("input", { bubbles: true, composed: true }));
    this.host.dispatchEvent(new Event("change", { bubbles: true }));
  }

  /** What it is, for style sheets: as states, and as an attribute for browsers without them. */
  mirror(state: "empty" | "scanning" | "done" | "blocked", report: Report | null, unlocked: boolean): void {
    const verdict = report?.verdict;
    const word = state !== "done" ? state : verdict === "incomplete" ? "gaps" : (verdict ?? "blocked");
    const words = unlocked ? [word, "unlocked"] : [word];
    this.host.dataset.state = words.join(" ");
    try {
      this.internals.states.clear();
      for (const one of words) this.internals.states.add(one);
    } catch {
      // Older browsers have no states, or only such with two dashes.
    }
  }
}
