/**
 * `<weigh-station>`: takes files, weighs them, shows the report, and answers for the files in a form. What it promises to its page stands in api.ts.
 *
 * With `mode="page"` it draws into the page itself (its style sheet, its landmarks), otherwise into a shadow root of its own.
 */
import { html, LitElement, nothing, type PropertyValues, type TemplateResult } from "lit";
import { fromList, fromTransfer, pickFolder } from "../intake/intake.ts";
import { sample } from "../intake/samples.ts";
import type { Evidence, Finding, Paths, Place, Report, Tables } from "../report.ts";
import { Checks } from "../scanner/checks.ts";
import { Pool } from "../scanner/client.ts";
import { Guide } from "../scanner/guide.ts";
import { missing, onRefusal } from "../scanner/refused.ts";
import { scannersAt, tables, tally, Weighing, type Item, type Row } from "../scanner/weighing.ts";
import css from "../style/weighstation.css";
import { messagesFor } from "../text/text.ts";
import type { Messages } from "../text/en.ts";
import { compareView, exportView, verifyView, type CheckActions, type Keeping } from "../ui/checks.ts";
import { fileView, findingList, NO_FILTER, type BytesActions, type FileActions, type FindingFilter } from "../ui/file.ts";
import { licenceView, statementKey, type LicenceActions } from "../ui/licence.ts";
import { filesView, sorted, type ListFilter } from "../ui/list.ts";
import { lockView } from "../ui/lock.ts";
import { blockedView, fingerprinted, fingerprintsView, progressView } from "../ui/progress.ts";
import { WeighRows } from "../ui/rows.ts";
import { sectionsView } from "../ui/sections.ts";
import { aboutView, intakeView, samplesView, type IntakeActions } from "../ui/start.ts";
import { Steady } from "../ui/steady.ts";
import { WeighTree } from "../ui/tree.ts";
import { verdictView } from "../ui/verdict.ts";
import { OpenBytes } from "./bytes.ts";
import { Drops } from "./drops.ts";
import { KeptFocus } from "./focus.ts";
import { Field, frozen, THRESHOLD } from "./form.ts";
import { itemsOf, type Given } from "./given.ts";
import { LockWatch } from "./lockwatch.ts";
import { reportName, save } from "./save.ts";

export type State = "empty" | "scanning" | "done";
export type Section = "verdict" | "files" | "findings" | "contents" | "licence" | "export" | "lock" | "about";

/** Where a finding is: what a link to it says. */
export interface Spot {
  file: string;
  rule: string;
  member: string;
  offset: number;
}

/** Between two redraws while files are read. */
const TENTH_OF_A_SECOND = 100;
/** Taken at a time unless the host says otherwise. */
const MOST_FILES = 5000;

const ALL: readonly Section[] = ["verdict", "files", "findings", "contents", "licence", "export", "lock", "about"];
const SHOWN: Record<string, readonly Section[]> = { compact: ["verdict"], drop: ["verdict", "files"] };

/** One for all elements of a page: a constructed sheet can be shared. */
let sheet: CSSStyleSheet | undefined;

export class WeighStation extends LitElement {
  static formAssociated = true;

  static override properties = {
    mode: { reflect: true },
    lang: { reflect: true },
    theme: { reflect: true },
    digest: { reflect: true },
    name: { reflect: true },
    label: { reflect: true },
    sections: { reflect: true },
    required: { type: Boolean, reflect: true },
    disabled: { type: Boolean, reflect: true },
    multiple: { type: Boolean, reflect: true },
    directory: { type: Boolean, reflect: true },
    noExport: { type: Boolean, reflect: true, attribute: "no-export" },
    maxFiles: { type: Number, reflect: true, attribute: "max-files" },
    failOn: { reflect: true, attribute: "fail-on" },
    workerSrc: { reflect: true, attribute: "worker-src" },
    copy: {},
    copySum: { attribute: "copy-sum" },
  };

  declare mode: string | null;
  declare theme: string | null;
  declare digest: string | null;
  declare name: string | null;
  declare label: string | null;
  declare sections: string | null;
  declare required: boolean;
  declare disabled: boolean;
  declare multiple: boolean;
  declare directory: boolean;
  declare noExport: boolean;
  declare maxFiles: number | null;
  declare failOn: string | null;
  declare workerSrc: string | null;
  /** Where a one-file copy of the page can be had, and its SHA-256. */
  declare copy: string | null;
  declare copySum: string | null;

  #internals = this.attachInternals();
  #field = new Field(this, this.#internals);
  #t: Messages = messagesFor([]);
  #weighing: Weighing | null = null;
  #selected: Row | null = null;
  #bytes = new OpenBytes(this, () => this.#weighing);
  #tables: Tables | null = null;
  /** Another function once other names are known: what shows them is drawn anew. */
  #formatName = (id: string): string => id;
  /** Whether licence guidance is open on the first screen. */
  #guiding = false;
  #walked = 0;
  #note = "";
  #status = "";
  #quarter = 0;
  #drawn = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #lock = new LockWatch(this, () => this.workerSrc ?? null);
  #desk = this.#newDesk();
  /** For the next files. */
  #scanners: Pool | null = null;
  #guide = this.#newGuide();
  #checks = this.#newChecks();
  #keeping: Keeping = { form: "json", paths: "full" };
  #files: ListFilter = { text: "", verdict: "" };
  #findings: FindingFilter = NO_FILTER;
  #steady = new Steady();
  /** Why files were not taken. */
  #turnedAway: string | null = null;
  #shut = false;
  /** The weighing whose failure to start was reported. */
  #complained: Weighing | null = null;
  /** Ends hearing what the policy refuses. */
  #deaf: () => void = () => {};

  constructor() {
    super();
    new KeptFocus(this);
    new Drops(this, { target: () => !this.#page, disabled: () => this.#shut, take: (transfer) => this.takeTransfer(transfer), key: (event) => this.#key(event) });
  }

  #newDesk(): Pool {
    const desk: Pool = new Pool(
      1,
      () => {
        this.#lock.scanner(desk.locked);
        this.#prepare();
      },
      this.workerSrc ?? null,
    );
    return desk;
  }

  /** Starts a worker for the next files before they come: a file of a hundred megabytes is weighed in a few times as long as a worker takes to start. */
  #prepare(): void {
    if (this.#desk.locked === null || !this.isConnected) return;
    if (this.#scanners?.address !== this.#desk.address) {
      this.#scanners?.stop();
      this.#scanners = scannersAt(this.#desk.address);
    }
    this.#scanners.warm();
  }

  #newGuide(): Guide {
    return new Guide(
      this.#desk,
      () => this.#t.tag,
      () => this.#t.theseFiles,
      () => this.requestUpdate(),
    );
  }

  #newChecks(): Checks {
    return new Checks(
      this.#desk,
      () => this.#t.tag,
      () => this.requestUpdate(),
    );
  }

  /** The report, once the verdict is there. Fingerprints are null in it until they are taken. */
  get report(): Report | null {
    return this.#weighing?.phase === "scanning" ? null : (this.#weighing?.report ?? null);
  }

  get state(): State {
    if (!this.#weighing) return "empty";
    return this.#weighing.phase === "scanning" && !this.#weighing.blocked ? "scanning" : "done";
  }

  /** Whether fingerprints are still being taken. */
  get fingerprinting(): boolean {
    return this.#weighing?.phase === "verdict";
  }

  get files(): readonly File[] {
    const rows = this.#weighing?.rows ?? [];
    return rows.map(({ file, path }) => (file instanceof File ? file : new File([file], path.slice(path.lastIndexOf("/") + 1))));
  }

  set files(files: Iterable<Given> | null) {
    this.#begin(itemsOf(files ?? []), true);
  }

  get progress(): { done: number; files: number; fingerprinted: number } {
    const rows = this.#weighing?.rows ?? [];
    const of = (want: (row: Row) => boolean) => rows.filter(want).length;
    return { done: of((row) => row.phase === "done"), files: rows.length, fingerprinted: of((row) => row.digest === "done") };
  }

  get options(): { lang: string; digest: boolean; failOn: string; maxFiles: number } {
    return { lang: this.#t.tag, digest: this.digest !== "off", failOn: this.failOn ?? THRESHOLD, maxFiles: this.#most };
  }

  get missing(): readonly string[] {
    return [...missing];
  }

  get form(): HTMLFormElement | null {
    return this.#internals.form;
  }

  get labels(): NodeList {
    return this.#internals.labels;
  }

  get validity(): ValidityState {
    return this.#internals.validity;
  }

  get validationMessage(): string {
    return this.#internals.validationMessage;
  }

  get willValidate(): boolean {
    return this.#internals.willValidate;
  }

  checkValidity(): boolean {
    return this.#internals.checkValidity();
  }

  reportValidity(): boolean {
    return this.#internals.reportValidity();
  }

  override focus(options?: FocusOptions): void {
    this.renderRoot.querySelector<HTMLElement>("button.main")?.focus(options);
  }

  formResetCallback(): void {
    this.clear();
  }

  /** A `<fieldset disabled>` around it counts, too. */
  formDisabledCallback(disabled: boolean): void {
    this.#shut = disabled;
    this.requestUpdate();
  }

  get #page(): boolean {
    return this.mode === "page";
  }

  get #most(): number {
    if (this.#page) return Number.POSITIVE_INFINITY;
    return this.multiple || this.directory ? (this.maxFiles ?? MOST_FILES) : 1;
  }

  #shows(section: Section): boolean {
    if (section === "export" && this.noExport) return false;
    const named = this.sections?.split(/[\s,]+/).filter(Boolean) as Section[] | undefined;
    return (named ?? SHOWN[this.mode ?? ""] ?? ALL).includes(section);
  }

  /** Adds files to the weighing that runs, or begins a new one. On the page a saved inventory among them is opened and not weighed. */
  take(items: Item[]): void {
    if (this.#shut) return;
    this.#walked = 0;
    if (!this.#page || !items.some(({ path }) => !path.includes("/") && path.endsWith(".json"))) return this.#begin(items);
    void this.#openSaved(items);
  }

  /** What this page saved earlier: an inventory is opened, a report is compared with. The rest is weighed. */
  async #openSaved(items: Item[]): Promise<void> {
    const earlier = items.length === 1 ? await this.#checks.saved(items[0]!) : null;
    if (earlier !== null) {
      const { report } = this;
      if (report) await this.#checks.compare(earlier, report);
      this.#note = this.#status = report ? "" : this.#t.compare.kept;
      this.requestUpdate();
      await this.updateComplete;
      this.renderRoot.querySelector("#compare")?.scrollIntoView();
      return;
    }
    const rest = await this.#guide.open(items);
    if (rest.length > 0 || items.length === 0) return this.#begin(rest);
    this.#note = this.#status = this.#t.licence.opened(this.#guide.inventory?.entries.length ?? 0);
    this.requestUpdate();
  }

  /** Weighs what is given and resolves when fingerprints are there, too. */
  async scan(files?: Iterable<Given> | Given, { signal }: { signal?: AbortSignal } = {}): Promise<Readonly<Report>> {
    signal?.throwIfAborted();
    const items = files === undefined ? (this.#weighing?.rows ?? []).map(({ path, file }) => ({ path, file })) : itemsOf(files);
    this.#begin(items, true);
    const weighing = this.#weighing;
    if (this.#turnedAway !== null || !weighing) throw new Error(this.#turnedAway ?? this.#t.nothingTaken);
    const aborted = new Promise<never>((_, reject) =>
      signal?.addEventListener(
        "abort",
        () => {
          this.cancel();
          reject(signal.reason);
        },
        { once: true },
      ),
    );
    await Promise.race([weighing.finished(), aborted]);
    if (!weighing.report) throw new Error(this.#t.blockedBy([...missing]));
    return weighing.report;
  }

  /** What a person adds while a weighing runs joins it; what a program asks for is a weighing of its own. */
  #begin(items: Item[], afresh = false): void {
    this.#note = "";
    this.#turnedAway = null;
    if (items.length === 0) {
      this.#note = this.#t.nothingTaken;
      return this.requestUpdate();
    }
    if (!this.#tell("weigh-files", { files: items.map(({ file }) => file) }, true)) return;
    const joins = this.state === "scanning" && !afresh && !this.#weighing?.stopped;
    if (!joins) this.#reset();
    const all = items.length + (this.#weighing?.rows.length ?? 0);
    if (all > this.#most) {
      this.#note = this.#status = this.#turnedAway = this.#t.form.tooMany(all, this.#most);
      this.#tell("weigh-error", { message: this.#turnedAway, missing: [] });
      return this.requestUpdate();
    }
    if (!this.#weighing) {
      const scanners = this.#scanners ?? scannersAt(this.#desk.address);
      this.#scanners = null;
      this.#weighing = new Weighing({ lang: this.#t.tag, digest: this.digest !== "off" }, this.#desk, () => this.#changed(), scanners);
    }
    this.#weighing.add(items);
    this.#quarter = 0;
    this.#status = this.#t.started(this.#weighing.rows.length);
    if (!joins) this.#tell("weigh-start", { files: items.length });
    this.requestUpdate();
  }

  /** Ends scan and fingerprints at once; what was found stays. */
  cancel(): void {
    if (!this.#weighing || this.#weighing.phase === "done") return;
    this.#weighing.stop();
    this.#tell("weigh-cancel");
  }

  /** Back to the first screen. An inventory stays until it is put away. */
  clear(): void {
    this.#guiding = false;
    this.#guide.names = [];
    this.#turnedAway = null;
    this.#note = "";
    this.#reset();
  }

  #reset(): void {
    const before = this.#weighing;
    // Workers that have nothing left to do serve again.
    if (before?.phase === "done" && !before.stopped && !this.#scanners) this.#scanners = before.scanners;
    else before?.stop();
    this.#prepare();
    this.#checks.follow(this.report);
    this.#weighing = null;
    this.#selected = null;
    this.#bytes.forget();
    this.#status = "";
    this.#files = { text: "", verdict: "" };
    this.#findings = NO_FILTER;
    this.#guide.follow(null);
    this.requestUpdate();
  }

  /** The report as a file, in one of the core's forms. */
  async export(format: string, { lang, paths }: { lang?: string; paths?: Paths } = {}): Promise<Blob> {
    const { report } = this;
    if (!report) throw new Error(this.#t.nothingTaken);
    // As the property is: the report itself.
    if (format === "json" && (paths ?? "full") === "full" && lang === undefined) return new Blob([`${JSON.stringify(report, null, 2)}\n`], { type: "application/json" });
    const { text, row } = await this.#checks.write(report, format, { lang, paths }, format === "html" || format === "markdown" ? this.#evidence : null);
    return new Blob([text], { type: row.media });
  }

  #evidence = (path: string, place: Place): Promise<Evidence> => {
    const row = this.#weighing?.rows.find((one) => one.path === path);
    return row ? this.#weighing!.evidence(row, place) : Promise.reject(new Error(path));
  };

  /** Opens the bytes of a finding, as a link to it asks. */
  async show(spot: Spot): Promise<boolean> {
    const row = this.#weighing?.rows.find(({ path }) => path === spot.file) ?? null;
    const found = row?.report?.findings.filter(({ rule }) => rule === spot.rule) ?? [];
    const there = (place: Place) => place.member === spot.member && place.offset === spot.offset;
    const finding = found.find(({ places }) => places.some(there)) ?? found[0];
    if (!row || !finding) return false;
    this.#selected = row;
    this.#findings = NO_FILTER;
    const place = finding.places.find(there);
    if (place) await this.#bytes.open(row, finding.rule, place);
    else this.requestUpdate();
    await this.updateComplete;
    this.renderRoot.querySelector(place ? "#evidence" : `[data-rule="${CSS.escape(finding.rule)}"]`)?.scrollIntoView({ block: "center" });
    return true;
  }

  #tell(name: string, detail?: unknown, cancelable = false): boolean {
    return this.dispatchEvent(new CustomEvent(name, { bubbles: true, composed: true, cancelable, detail }));
  }

  /** What a drop or a paste brings. Must be called within the event. */
  takeTransfer(transfer: DataTransfer): void {
    const count = (files: number) => {
      this.#walked = files;
      this.#soon();
    };
    void fromTransfer(transfer, count).then((items) => this.take(items));
  }

  override connectedCallback(): void {
    super.connectedCallback();
    if (this.workerSrc && this.#desk.address !== this.workerSrc) {
      this.#desk = this.#newDesk();
      this.#guide = this.#newGuide();
      this.#checks = this.#newChecks();
    }
    this.#deaf = onRefusal(() => this.#soon());
    this.#speak();
    this.#desk.warm();
    this.#learn();
  }

  /** Asks the core for the rules and formats that it knows. */
  #learn(): void {
    void tables(this.#desk, this.#t.tag).then(
      (known) => {
        this.#tables = known;
        const names = new Map(known.formats.map(({ id, name }) => [id, name]));
        this.#formatName = (id) => names.get(id) ?? id;
        this.requestUpdate();
      },
      // Said when files come: an element that nobody uses need not complain.
      () => {},
    );
  }

  /** The core's sentences are in the language that was asked for: in another one they are asked for again. */
  #retell(): void {
    this.#learn();
    this.#guide.retell();
    this.#checks.retell();
    void this.#weighing?.speak(this.#t.tag);
    void this.#bytes.reread();
    this.#note = this.#status = "";
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#deaf();
    this.clear();
    this.#scanners?.stop();
    this.#scanners = null;
    this.#desk.stop();
  }

  /** Its own language, or that of the page around it, or the browser's. */
  #speak(): void {
    const around = this.closest("[lang]")?.getAttribute("lang");
    this.#t = messagesFor([this.lang, around, ...navigator.languages].filter((tag) => typeof tag === "string"));
  }

  protected override createRenderRoot(): HTMLElement | DocumentFragment {
    if (this.#page) {
      // The markup that was there before JavaScript gives way to the real thing.
      this.replaceChildren();
      return this;
    }
    // The field of a form must be able to take the focus when the form refuses to be sent; elsewhere a click into a text should stay where it is.
    const root = this.attachShadow({ mode: "open", delegatesFocus: this.name !== null && this.name !== undefined });
    if (!sheet) {
      sheet = new CSSStyleSheet();
      sheet.replaceSync(css);
    }
    root.adoptedStyleSheets = [sheet];
    return root;
  }

  protected override willUpdate(changed: PropertyValues): void {
    if (changed.has("lang")) {
      const { tag } = this.#t;
      this.#speak();
      if (tag !== this.#t.tag) this.#retell();
    }
    const now = {
      required: this.required,
      failOn: this.failOn ?? THRESHOLD,
      scanning: this.state === "scanning",
      blocked: Boolean(this.#weighing?.blocked),
      turnedAway: this.#turnedAway,
      report: this.report,
    };
    this.#field.answer(now, this.name, () => this.files, this.#t);
  }

  protected override updated(): void {
    this.#drawn = performance.now();
    if (!this.#page) this.#field.mirror(this.#weighing?.blocked ? "blocked" : this.state, this.report, this.#lock.open);
    this.#tell("weigh-state", { state: this.state, fingerprinting: this.fingerprinting });
    this.#field.hear(this.#weighing !== null && this.state === "done");
  }

  #key(event: KeyboardEvent): void {
    if (event.key !== "Escape") return;
    if (this.state === "scanning" || this.fingerprinting) this.cancel();
    else if (this.#bytes.opened) this.#bytes.close();
  }

  /** The weighing moved on: at once when its phase changed, else at most ten times a second. */
  #changed(): void {
    const weighing = this.#weighing;
    if (!weighing) return;
    this.#guide.follow(weighing.phase === "scanning" ? null : weighing.report);
    if (weighing.blocked) return this.#refused(weighing);
    if (weighing.phase === "scanning") {
      const done = weighing.rows.filter((row) => row.phase === "done").length;
      const quarter = Math.floor((4 * done) / weighing.rows.length);
      if (quarter > this.#quarter && quarter < 4) this.#status = this.#t.quarter(quarter * 25);
      this.#quarter = Math.max(this.#quarter, quarter);
      return this.#soon();
    }
    const heaviest = sorted(weighing.rows)[0] ?? null;
    if (weighing.phase === "verdict") {
      this.#selected ??= heaviest;
      this.#status = this.#t.finished(this.#t.summary(tally(weighing.rows)));
      if (this.#drawn && performance.now() - this.#drawn < TENTH_OF_A_SECOND && this.state === "done") return this.#soon();
      return this.requestUpdate();
    }
    this.#selected ??= heaviest;
    frozen(weighing.report);
    this.requestUpdate();
    this.#tell("weigh-report", { report: weighing.report });
  }

  /** Nothing can be weighed here. What the policy lacks may be known a moment later. */
  #refused(weighing: Weighing): void {
    this.requestUpdate();
    if (this.#complained === weighing) return;
    this.#complained = weighing;
    setTimeout(() => {
      this.#status = this.#t.blockedTitle;
      this.#tell("weigh-error", { message: this.#t.blockedBy([...missing]), missing: [...missing] });
      this.requestUpdate();
    }, TENTH_OF_A_SECOND);
  }

  #soon(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      if (this.#weighing && this.#weighing.phase !== "done") this.#tell("weigh-progress", this.progress);
      this.requestUpdate();
    }, TENTH_OF_A_SECOND);
  }

  #intake: IntakeActions = {
    list: (files) => files && files.length > 0 && this.take(fromList(files)),
    pick: () => {
      const count = (files: number) => {
        this.#walked = files;
        this.#soon();
      };
      void pickFolder(count).then((items) => items && this.take(items));
    },
    sample: (which) => this.take([sample(which)]),
  };

  #bytesActs = {
    close: () => this.#bytes.close(),
    copy: (text: string) => void this.#copy(text),
    saveBytes: () => {
      const { marked } = this.#bytes;
      if (marked) save(marked.bytes, marked.name);
    },
  };

  #acts: FileActions = {
    open: (of, place) => void this.#bytes.open(this.#selected, of, place),
    ...this.#bytesActs,
    filter: (more) => {
      this.#findings = { ...this.#findings, ...more };
      this.requestUpdate();
    },
    link: (rule, place) => void this.#copy(this.#address(rule, place)),
  };

  #licenceActs: LicenceActions = {
    open: (statement, place) => void this.#bytes.open(this.#weighing?.rows.find((row) => row.path === statement.file) ?? null, statementKey(statement), place),
    ...this.#bytesActs,
    checklist: () => void this.#guide.checklist().then((text) => this.#copy(text)),
    save: (kind) => void this.#saveInventory(kind),
  };

  /** Where nothing is to be kept, bytes are shown and not saved. */
  #kept<T extends BytesActions>(acts: T): T {
    return this.noExport ? { ...acts, saveBytes: null } : acts;
  }

  /** A link to a finding: of use to whoever has the same file. */
  #address(rule: string, place: Place): string {
    const spot = new URLSearchParams({ file: this.#selected?.path ?? "", rule, member: place.member, offset: String(place.offset) });
    return new URL(`#${spot}`, location.href).href;
  }

  async #saveInventory(kind: "json" | "csv"): Promise<void> {
    const csv = kind === "csv";
    const text = csv ? await this.#guide.csv() : `${JSON.stringify(await this.#guide.table(), null, 2)}\n`;
    save(new Blob([text], { type: csv ? "text/csv" : "application/json" }), `weighstation-inventory.${kind}`);
  }

  async #copy(text: string): Promise<void> {
    try {
      await navigator.clipboard.writeText(text);
      this.#status = this.#t.copied;
    } catch {
      this.#status = this.#t.copyFailed;
    }
    this.#note = this.#status;
    this.requestUpdate();
  }

  #checkActs: CheckActions = {
    keep: (more) => {
      this.#keeping = { ...this.#keeping, ...more };
      this.requestUpdate();
    },
    save: () => void this.#keep(async (blob) => save(blob, reportName(this.report, this.#checks.ending(this.#keeping.form)))),
    copy: () => void this.#keep((blob) => blob.text().then((text) => this.#copy(text))),
    print: () => print(),
    verify: (list, path) => void (this.report && this.#checks.verify(this.report, list, path)),
    compare: (file) => void this.#compare(file),
  };

  async #keep(use: (blob: Blob) => Promise<void>): Promise<void> {
    try {
      await use(await this.export(this.#keeping.form, this.#keeping));
    } catch {
      this.#note = this.#status = this.#t.exportFailed;
      this.requestUpdate();
    }
  }

  async #compare(file: File | null): Promise<void> {
    const { report } = this;
    if (!report) return;
    const old = file ? await this.#checks.read(file) : this.#checks.before;
    if (old !== null) await this.#checks.compare(old, report);
  }

  protected override render(): TemplateResult {
    const t = this.#t;
    const { state } = this;
    const body = html`
      ${state === "empty" ? this.#start() : state === "scanning" ? this.#progress() : this.#done()}
      ${this.#walked > 0 ? html`<p class="note">${t.walking(this.#walked)}</p>` : nothing}
      ${this.#note ? html`<p class="note" data-note>${this.#note}</p>` : nothing}
      ${this.#slot("privacy", this.#shows("lock") ? lockView(this.#lock.state, { copy: this.copy, sum: this.copySum }, t, this.#lock.again) : nothing)}
      ${this.#slot("footer", nothing)}
    `;
    const status = html`<div role="status" class="hidden">${this.#status}</div>`;
    // A page has one main; a part of a page is a region of it.
    return this.#page
      ? html`${status}<main aria-label=${t.main[state]}>${body}</main>`
      : html`<div class=${`station ${this.mode ?? "full"}`} lang=${t.tag}>${status}<section aria-label=${this.label ?? t.main[state]}>${body}</section></div>`;
  }

  /** Only a shadow root has slots. */
  #slot(name: string, otherwise: TemplateResult | typeof nothing): TemplateResult | typeof nothing {
    return this.#page ? otherwise : html`<slot name=${name}>${otherwise}</slot>`;
  }

  #start(): TemplateResult {
    const t = this.#t;
    const intro = html`<p class="lede">${this.label ?? t.lede}</p>
      <p class="promise">${t.promise}</p>`;
    const small = this.mode === "compact" || this.mode === "drop";
    return html`${this.#slot("intro", small ? (this.label ? html`<p class="label">${this.label}</p>` : nothing) : intro)}
      ${this.#intakeView(this.mode === "compact", t.drop)} ${this.#page ? samplesView(t, this.#intake) : nothing}
      ${!this.#shows("licence")
        ? nothing
        : this.#guiding || this.#guide.inventory
          ? this.#licence(null)
          : html`<p><button data-action="guide" @click=${() => void this.#openGuide()}>${t.licence.guidance}</button></p>`}
      ${this.#shows("about") ? html`<div class="about">${aboutView(t, this.#tables)}</div>` : nothing}`;
  }

  #intakeView(compact: boolean, words: string): TemplateResult {
    const t = this.#t;
    const target = this.#page ? words : this.#most > 1 ? t.dropHere : t.dropOne;
    return intakeView(t, this.#intake, { compact, words: target, folder: this.#page || this.directory, several: this.#most > 1, disabled: this.#shut });
  }

  #progress(): TemplateResult {
    const { rows, part } = this.#weighing!;
    const left = this.#steady.left(part, performance.now());
    return html`${progressView(rows, left, this.#t, this.#stop)} ${this.mode === "compact" ? nothing : this.#list()}`;
  }

  #stop = (): void => this.cancel();

  #done(): TemplateResult {
    const t = this.#t;
    const weighing = this.#weighing!;
    const report = weighing.report;
    if (!report) return blockedView([...missing], weighing.blocked ?? "", t, { copy: (text) => void this.#copy(text), clear: () => this.clear() });
    const together = report.findings.filter((finding) => !aboutLicences(finding));
    const row = this.#selected;
    const view = row?.report
      ? fileView(row, row.report, this.#bytes.opened, this.#findings, t, this.#kept(this.#acts), {
          formatName: this.#formatName,
          findings: this.#shows("findings"),
          contents: this.#shows("contents"),
          links: this.#page,
        })
      : nothing;
    return html`
      ${this.#shows("verdict") ? verdictView(report, t, this.noExport ? null : { tell: (text) => void this.#copy(text) }) : nothing}
      ${this.#slot("actions", nothing)} ${this.#page ? sectionsView(report.files.length, row?.report?.findings.length ?? 0, t) : nothing} ${this.#fingerprints()}
      ${together.length > 0 && this.#shows("findings")
        ? html`<section aria-labelledby="together">
            <h3 id="together">${t.folderFindings}</h3>
            ${findingList(together, null, t, null)}
          </section>`
        : nothing}
      ${this.#shows("files")
        ? html`<section aria-labelledby="files">
            <h3 id="files">${t.filesSummary(weighing.rows.length, t.summary(tally(weighing.rows)))}</h3>
            ${this.#list()}
          </section>`
        : nothing}
      ${this.#shows("findings") || this.#shows("contents") ? html`<div class="one">${view}</div>` : nothing}
      ${this.#shows("licence") ? html`<div part="licence">${this.#licence(report)}</div>` : nothing}
      ${this.#shows("export") ? this.#exports(report) : nothing}
      <section class="again">
        ${this.#intakeView(true, t.weighAnother)} ${this.#page ? samplesView(t, this.#intake) : nothing}
        <p class="buttons"><button data-action="clear" ?disabled=${this.#shut} @click=${() => this.clear()}>${t.newOne}</button></p>
      </section>
    `;
  }

  #exports(report: Report): TemplateResult {
    this.#checks.list();
    const waits = this.fingerprinting;
    return html`${verifyView(this.#checks, waits, this.#t, this.#checkActs)} ${compareView(this.#checks, report, this.#t, this.#checkActs)}
    ${exportView(this.#checks, this.#keeping, waits, this.#t, this.#checkActs)}`;
  }

  #licence(report: Report | null): TemplateResult {
    this.#guide.list();
    const read = report && { statements: report.licence.statements, findings: report.findings.filter(aboutLicences) };
    return licenceView(this.#guide, read, this.#bytes.opened, this.#t, this.#kept(this.#licenceActs));
  }

  async #openGuide(): Promise<void> {
    this.#guiding = true;
    this.requestUpdate();
    await this.updateComplete;
    this.renderRoot.querySelector<HTMLElement>("#licence")?.focus();
  }

  #fingerprints(): TemplateResult | typeof nothing {
    if (!this.fingerprinting) return nothing;
    const now = fingerprinted(this.#weighing!.rows);
    const left = this.#steady.left(now.all > 0 ? now.read / now.all : 1, performance.now());
    return fingerprintsView(now, left, this.#t, this.#stop);
  }

  #list(): TemplateResult {
    const list = { rows: this.#weighing!.rows, filter: this.#files, selected: this.#selected, done: this.state === "done" };
    return filesView(list, this.#t, {
      select: (row) => this.#select(row),
      filter: (more) => {
        this.#files = { ...this.#files, ...more };
        this.requestUpdate();
      },
    });
  }

  #select(row: Row): void {
    this.#selected = row;
    this.#bytes.forget();
    this.#findings = NO_FILTER;
    this.requestUpdate();
  }
}

/** They are said where the licences are. */
const aboutLicences = (finding: Finding): boolean => finding.name.startsWith("licence-");

/** Registers the element and its parts. */
export function define(): void {
  const registry: [string, CustomElementConstructor][] = [
    ["weigh-rows", WeighRows],
    ["weigh-tree", WeighTree],
    ["weigh-station", WeighStation],
  ];
  for (const [name, constructor] of registry) if (!customElements.get(name)) customElements.define(name, constructor);
}
