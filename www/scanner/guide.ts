/**
 * What may be done with it: holds the situation that somebody described, the licences picked by name and the inventory, and asks the core whenever one of
 * them changes. Knows nothing of a page. Nothing of it is stored; an inventory is saved by whoever wants it.
 */
import type { Change, Guidance, Inventory, LicenceRow, Part, Report, Situation } from "../report.ts";
import type { Pool } from "./client.ts";
import type { Core } from "./core.ts";
import type { Asked } from "./protocol.ts";
import type { Item } from "./weighing.ts";

/** The core's own defaults. */
const NOTHING_SAID: Situation = { use: "inside", commercial: null, for_profit: true, seat: null, facts: {}, business: null, fields: [], outbound: null, label: null, agreements: [], assume: {} };

/** Limits in the list of what must not be done that speak of the use itself and not of a field of use. */
const NO_FIELD = ["no-redistribution", "no-derivatives", "outputs"];

/** A saved inventory is far smaller; anything larger is a file to weigh. */
const LARGEST_INVENTORY = 16 * 1024 * 1024;
const INVENTORY = /^\s*\{\s*"schema":\s*"weighstation-inventory\/1"/;

/** How a licence that was picked enters, up to the colon, and the licence. */
function apart(name: string): [enters: string, licence: string] {
  const [, enters = "", bare = name] = /^((?:outputs|data|code|code-separate):)(.*)$/.exec(name) ?? [];
  return [enters, bare];
}

export class Guide {
  situation: Situation = NOTHING_SAID;
  /** Licences picked by name: ids, behind how they enter; what nobody knows stands as it was typed. */
  names: string[] = [];
  guidance: Guidance | null = null;
  /** What the core says of all guidance, with the day of its catalogue. */
  disclaimer = "";
  rows: LicenceRow[] = [];
  /** Every question that was asked: one that is answered stays to be changed. */
  readonly asked = new Map<string, string>();
  /** Every field of use that some licence rules out, with its sentence. */
  readonly fields = new Map<string, string>();
  /** The inventory that was opened or begun. */
  inventory: Inventory | null = null;
  /** The core gave no answer; what is shown is the answer before. */
  failed = false;
  /** What the files say differently from the inventory that was opened; null if there is nothing to compare. */
  changes: Change[] | null = null;
  #report: Report | null = null;
  #opened: Inventory | null = null;
  #listed: Promise<unknown> | null = null;
  #turn = 0;

  /** `together` is what parts are called that have no folder to be called by. */
  constructor(
    readonly desk: Pool,
    readonly lang: () => string,
    readonly together: () => string,
    readonly changed: () => void,
  ) {}

  /** Whether anything was said of whoever asks, beside the use. */
  get told(): boolean {
    return Object.entries(this.situation).some(([what, said]) => what !== "use" && JSON.stringify(said) !== JSON.stringify(NOTHING_SAID[what as keyof Situation]));
  }

  /** The parts that are judged: of the files, and by name. */
  get parts(): Partial<Part>[] {
    const files = this.#report?.files ?? [];
    const name = files.length === 1 ? files[0]!.path : this.together();
    return this.#parts.map((part) => (part.name === "." ? { ...part, name } : part));
  }

  get #parts(): Partial<Part>[] {
    const chosen = this.names.map((id): Partial<Part> => ({ name: this.called(id), licence: id, source: "chosen" }));
    return [...(this.#report?.licence.parts ?? []), ...chosen];
  }

  /** Whether there is anything that could go into an inventory. */
  get weighed(): boolean {
    return this.#parts.length > 0;
  }

  /** Asks for the list of licences to choose from, once, and for the day of the catalogue. */
  list(): void {
    if (!this.#listed) this.#run(this.#judge());
    this.#listed ??= this.#ask("licences", this.lang()).then(
      (rows) => {
        this.rows = JSON.parse(rows);
        this.changed();
      },
      () => (this.#listed = null),
    );
  }

  /** Follows a report, or none. */
  follow(report: Report | null): void {
    if (report === this.#report) return;
    this.#report = report;
    this.#run(this.#judge());
    this.#run(this.#compare());
  }

  /** The language is another one now. */
  retell(): void {
    if (this.guidance || this.disclaimer) this.#run(this.#judge());
    if (!this.#listed) return;
    this.#listed = null;
    this.list();
  }

  describe(more: Partial<Situation>): void {
    this.situation = { ...this.situation, ...more };
    this.#run(this.#judge());
  }

  choose(name: string): void {
    const id = this.#id(name);
    if (id === "" || this.names.includes(id)) return;
    this.names = [...this.names, id];
    this.#run(this.#judge());
  }

  /** What a licence that was picked is called. */
  called(id: string): string {
    const [enters, bare] = apart(id);
    return enters + (this.rows.find((row) => row.id === bare)?.name ?? bare);
  }

  drop(id: string): void {
    this.names = this.names.filter((other) => other !== id);
    this.#run(this.#judge());
  }

  /** The guidance as a list to tick, in Markdown. */
  checklist(): Promise<string> {
    return this.#ask("licence_print", JSON.stringify(this.parts), JSON.stringify(this.situation), "markdown", this.lang());
  }

  /** Takes saved inventories out of what was given; the rest is to be weighed. */
  async open(items: Item[]): Promise<Item[]> {
    const rest: Item[] = [];
    for (const item of items) {
      const saved = await this.#saved(item);
      if (saved === null) rest.push(item);
      else this.inventory = this.#opened = this.inventory ? JSON.parse(await this.#ask("inventory_add", JSON.stringify(this.inventory), saved)) : JSON.parse(saved);
    }
    if (rest.length < items.length) this.#run(this.#compare());
    return rest;
  }

  /** The inventory with what was weighed. */
  async table(): Promise<Inventory> {
    const now = await this.#now();
    if (!now) return this.inventory!;
    return this.inventory ? JSON.parse(await this.#ask("inventory_add", JSON.stringify(this.inventory), now)) : JSON.parse(now);
  }

  async add(): Promise<void> {
    this.inventory = await this.table();
    this.changed();
  }

  async csv(): Promise<string> {
    return this.#ask("inventory_csv", JSON.stringify(await this.table()));
  }

  forget(): void {
    this.inventory = this.#opened = this.changes = null;
    this.changed();
  }

  /** The text of a saved inventory, or null for any other file. */
  async #saved({ path, file }: Item): Promise<string | null> {
    if (!path.toLowerCase().endsWith(".json") || file.size > LARGEST_INVENTORY) return null;
    try {
      if (!INVENTORY.test(await file.slice(0, 256).text())) return null;
      const text = await file.text();
      // The core reads it once, so that a damaged one is a file like any other.
      await this.#ask("inventory_csv", text);
      return text;
    } catch {
      return null;
    }
  }

  #run(work: Promise<void>): void {
    work.then(
      () => (this.failed = false),
      () => {
        this.failed = true;
        this.changed();
      },
    );
  }

  /** What the core is asked about: the id of a name of the list, with how it enters before it. */
  #id(name: string): string {
    const [enters, bare] = apart(name);
    return enters + (this.rows.find((row) => row.name === bare)?.id ?? bare);
  }

  #ask<K extends Asked>(what: K, ...of: Parameters<Core[K]>): Promise<string> {
    return this.desk.run({ kind: "ask", what, of } as Parameters<Pool["run"]>[0]);
  }

  async #judge(): Promise<void> {
    const turn = ++this.#turn;
    const { parts } = this;
    const guidance: Guidance = JSON.parse(await this.#ask("licence", JSON.stringify(parts), JSON.stringify(this.situation), this.lang()));
    // The last question wins, whatever the order of the answers.
    if (turn !== this.#turn) return;
    this.guidance = parts.length > 0 ? guidance : null;
    this.disclaimer = guidance.disclaimer;
    for (const { id, text } of guidance.questions) this.asked.set(id, text);
    for (const { code, text } of guidance.must_not) if (!NO_FIELD.includes(code)) this.fields.set(code, text);
    this.changed();
  }

  /** The inventory of what was weighed, as JSON. */
  async #now(): Promise<string | null> {
    if (!this.weighed) return null;
    const today = new Date().toISOString().slice(0, 10);
    return this.#ask("inventory", JSON.stringify(this.#report?.files ?? []), JSON.stringify(this.#parts), JSON.stringify(this.situation), today, this.lang());
  }

  async #compare(): Promise<void> {
    const opened = this.#opened;
    const now = opened && this.#report && (await this.#now());
    this.changes = opened && now ? JSON.parse(await this.#ask("inventory_changes", JSON.stringify(opened), now, whole(opened, JSON.parse(now)))) : null;
    this.changed();
  }
}

/** Whether two tables are of the same folders, so that what is missing from the later one is gone and was not merely left out. */
function whole(opened: Inventory, now: Inventory): boolean {
  const tops = (table: Inventory) => new Set(table.entries.flatMap((entry) => entry.files.map((pin) => (pin.path.includes("/") ? pin.path.split("/")[0] : ""))));
  const later = tops(now);
  return [...tops(opened)].every((top) => later.has(top));
}
