/**
 * `<weigh-station>`: takes files, weighs them, shows the report.
 *
 * Attributes: `mode="page"` draws into the page itself (its style sheet, its landmarks), otherwise into a shadow root of its own; `lang`; `digest="off"`; `copy`, where a one-file copy of the page can be had.
 * Property: `report`, null until the verdict is there. Methods: `take(items)`, `stop()`, `clear()`.
 * Events (bubbling, composed): `weigh-state` whenever the state changed and is drawn, `weigh-report` with the report once all is done.
 */
import { html, LitElement, nothing, type PropertyValues, type TemplateResult } from "lit";
import { fromList, fromTransfer, pickFolder } from "../intake/intake.ts";
import { sample } from "../intake/samples.ts";
import { VERDICTS, type FileReport, type Finding, type Place, type Report, type Tables, type Verdict } from "../report.ts";
import { Pool } from "../scanner/client.ts";
import { Guide } from "../scanner/guide.ts";
import { networkLocked } from "../scanner/lock.ts";
import { tables, tally, Weighing, type Item, type Row } from "../scanner/weighing.ts";
import css from "../style/weighstation.css";
import { messagesFor } from "../text/text.ts";
import type { Messages } from "../text/en.ts";
import { fileView, findingList, fingerprint, type FileActions, type Opened } from "../ui/file.ts";
import { licenceView, statementKey, type LicenceActions } from "../ui/licence.ts";
import { lockView, type LockState } from "../ui/lock.ts";
import { mark } from "../ui/mark.ts";
import { WeighRows } from "../ui/rows.ts";
import { aboutView, intakeView, samplesView, type IntakeActions } from "../ui/start.ts";
import { WeighTree } from "../ui/tree.ts";

export type State = "empty" | "scanning" | "done";

/** Between two redraws while files are read. */
const TENTH_OF_A_SECOND = 100;
/** Before this a guess at the time left is worth nothing. */
const STEADY_MS = 2000;

export class WeighStation extends LitElement {
  static override properties = { mode: {}, lang: {}, digest: {}, copy: {} };

  declare mode: string | null;
  declare digest: string | null;
  declare copy: string | null;

  #t: Messages = messagesFor([]);
  #weighing: Weighing | null = null;
  #selected: Row | null = null;
  #opened: Opened | null = null;
  #openedRow: Row | null = null;
  #returnTo: Element | null = null;
  #tables: Tables | null = null;
  /** Whether licence guidance is open on the first screen. */
  #guiding = false;
  #walked = 0;
  #note = "";
  #status = "";
  #quarter = 0;
  #drawn = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #lock: LockState = { policy: null, page: null, scanner: null, requests: 0 };
  #desk = new Pool(1, () => {
    this.#lock.scanner = this.#desk.locked;
    this.requestUpdate();
  });
  #guide = new Guide(
    this.#desk,
    () => this.#t.tag,
    () => this.#t.theseFiles,
    () => this.requestUpdate(),
  );

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

  /** Adds files to the weighing that runs, or begins a new one. A saved inventory among them is opened and not weighed. */
  take(items: Item[]): void {
    this.#note = "";
    this.#walked = 0;
    if (!items.some(({ path }) => !path.includes("/") && path.endsWith(".json"))) return this.#weigh(items);
    void this.#guide.open(items).then((rest) => {
      if (rest.length > 0 || items.length === 0) return this.#weigh(rest);
      this.#note = this.#status = this.#t.licence.opened(this.#guide.inventory?.entries.length ?? 0);
      this.requestUpdate();
    });
  }

  #weigh(items: Item[]): void {
    if (items.length === 0) {
      this.#note = this.#t.nothingTaken;
      this.requestUpdate();
      return;
    }
    if (this.state !== "scanning") this.#reset();
    this.#weighing ??= new Weighing({ lang: this.#t.tag, digest: this.digest !== "off" }, this.#desk, () => this.#changed());
    this.#weighing.add(items);
    this.#quarter = 0;
    this.#status = this.#t.started(this.#weighing.rows.length);
    this.requestUpdate();
  }

  /** Ends scan and fingerprints at once; what was found stays. */
  stop(): void {
    this.#weighing?.stop();
  }

  /** Back to the first screen. An inventory stays until it is put away. */
  clear(): void {
    this.#guiding = false;
    this.#guide.names = [];
    this.#reset();
  }

  #reset(): void {
    this.stop();
    this.#weighing = null;
    this.#selected = null;
    this.#opened = null;
    this.#status = "";
    this.#guide.follow(null);
    this.requestUpdate();
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
    this.addEventListener("keydown", this.#key);
    this.#lock.policy = document.querySelector<HTMLMetaElement>('meta[http-equiv="Content-Security-Policy"]')?.content ?? null;
    this.#t = messagesFor([this.lang, ...navigator.languages]);
    void networkLocked().then((locked) => {
      this.#lock.page = locked;
      this.requestUpdate();
    });
    this.#countRequests();
    this.#desk.warm();
    this.#list();
  }

  /** Asks the core for the rules and formats that it knows. */
  #list(): void {
    void tables(this.#desk, this.#t.tag).then(
      (known) => {
        this.#tables = known;
        this.requestUpdate();
      },
      // Said when files come: an element that nobody uses need not complain.
      () => {},
    );
  }

  /** The core's sentences are in the language that was asked for: in another one they are asked for again. */
  #retell(): void {
    this.#list();
    this.#guide.retell();
    void this.#weighing?.speak(this.#t.tag);
    void this.#reread();
    this.#note = this.#status = "";
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.removeEventListener("keydown", this.#key);
    this.clear();
    this.#desk.stop();
  }

  protected override createRenderRoot(): HTMLElement | DocumentFragment {
    if (this.mode === "page") {
      // The markup that was there before JavaScript gives way to the real thing.
      this.replaceChildren();
      return this;
    }
    const root = this.attachShadow({ mode: "open" });
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(css);
    root.adoptedStyleSheets = [sheet];
    return root;
  }

  protected override willUpdate(changed: PropertyValues): void {
    if (!changed.has("lang")) return;
    const { tag } = this.#t;
    this.#t = messagesFor([this.lang, ...navigator.languages]);
    if (tag !== this.#t.tag) this.#retell();
  }

  protected override updated(): void {
    this.#drawn = performance.now();
    this.dispatchEvent(new CustomEvent("weigh-state", { bubbles: true, composed: true, detail: { state: this.state, fingerprinting: this.fingerprinting } }));
  }

  #countRequests(): void {
    const observer = new PerformanceObserver((entries) => {
      // The self-test is refused and goes nowhere; the scanner's blob is made by this page.
      this.#lock.requests += entries.getEntries().filter((entry) => !/^(data|blob):/.test(entry.name)).length;
      this.requestUpdate();
    });
    observer.observe({ type: "resource", buffered: true });
  }

  #key = (event: KeyboardEvent): void => {
    if (event.key !== "Escape") return;
    if (this.state === "scanning" || this.fingerprinting) this.stop();
    else if (this.#opened) this.#close();
  };

  /** The weighing moved on: at once when its phase changed, else at most ten times a second. */
  #changed(): void {
    const weighing = this.#weighing;
    if (!weighing) return;
    this.#guide.follow(weighing.phase === "scanning" ? null : weighing.report);
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
    this.requestUpdate();
    this.dispatchEvent(new CustomEvent("weigh-report", { bubbles: true, composed: true, detail: { report: weighing.report } }));
  }

  #soon(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
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

  #acts: FileActions = {
    open: (of, place) => void this.#open(this.#selected, of, place),
    close: () => this.#close(),
    copy: (text) => void this.#copy(text),
  };

  #licenceActs: LicenceActions = {
    open: (statement, place) => void this.#open(this.#weighing?.rows.find((row) => row.path === statement.file) ?? null, statementKey(statement), place),
    close: () => this.#close(),
    copy: (text) => void this.#copy(text),
    checklist: () => void this.#guide.checklist().then((text) => this.#copy(text)),
    save: (kind) => void this.#saveInventory(kind),
  };

  async #saveInventory(kind: "json" | "csv"): Promise<void> {
    const csv = kind === "csv";
    this.#save(csv ? await this.#guide.csv() : `${JSON.stringify(await this.#guide.table(), null, 2)}\n`, `weighstation-inventory.${kind}`, csv ? "text/csv" : "application/json");
  }

  async #open(row: Row | null, of: string, place: Place): Promise<void> {
    if (!row || !this.#weighing) return;
    const opened: Opened = { of, place, evidence: null, failed: false };
    this.#opened = opened;
    this.#openedRow = row;
    this.#returnTo = this.renderRoot instanceof ShadowRoot ? this.renderRoot.activeElement : document.activeElement;
    try {
      opened.evidence = await this.#weighing.evidence(row, place);
    } catch {
      opened.failed = true;
    }
    if (this.#opened !== opened) return;
    this.requestUpdate();
    await this.updateComplete;
    this.renderRoot.querySelector<HTMLElement>("#evidence")?.focus();
  }

  /** The open listing in the language of now; the focus stays where it is. */
  async #reread(): Promise<void> {
    const [opened, row] = [this.#opened, this.#openedRow];
    if (!opened || !row || !this.#weighing) return;
    opened.evidence = await this.#weighing.evidence(row, opened.place).catch(() => opened.evidence);
    this.requestUpdate();
  }

  #close(): void {
    this.#opened = null;
    this.requestUpdate();
    if (this.#returnTo instanceof HTMLElement) this.#returnTo.focus();
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

  #json(): string {
    return `${JSON.stringify(this.report, null, 2)}\n`;
  }

  #save(text: string, name: string, type: string): void {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  }

  protected override render(): TemplateResult {
    const t = this.#t;
    const { state } = this;
    return html`
      <div role="status" class="hidden">${this.#status}</div>
      <main aria-label=${t.main[state]}>
        ${state === "empty" ? this.#start() : state === "scanning" ? this.#progress() : this.#done()}
        ${this.#walked > 0 ? html`<p class="note">${t.walking(this.#walked)}</p>` : nothing}
        ${this.#note ? html`<p class="note">${this.#note}</p>` : nothing}
        ${lockView(this.#lock, this.copy, t)}
      </main>
    `;
  }

  #start(): TemplateResult {
    const t = this.#t;
    return html`<p class="lede">${t.lede}</p>
      <p class="promise">${t.promise}</p>
      ${intakeView(t, this.#intake, false)} ${samplesView(t, this.#intake)}
      ${this.#guiding || this.#guide.inventory
        ? this.#licence(null)
        : html`<p><button data-action="guide" @click=${() => void this.#openGuide()}>${t.licence.guidance}</button></p>`}
      <div class="about">${aboutView(t, this.#tables)}</div>`;
  }

  #progress(): TemplateResult {
    const t = this.#t;
    const rows = this.#weighing!.rows;
    const done = rows.filter((row) => row.phase === "done").length;
    return html`<div class="bar">
        <h2 class="quiet">${t.weighing(done, rows.length)}</h2>
        <button data-action="stop" @click=${() => this.stop()}>${t.stop}</button>
      </div>
      <progress max=${rows.length} .value=${done} aria-label=${t.progressLabel}></progress>
      <p class="note">${t.stopHint}</p>
      ${this.#files()}`;
  }

  #done(): TemplateResult {
    const t = this.#t;
    const weighing = this.#weighing!;
    const report = weighing.report;
    if (!report) return html`<h2>${t.blockedTitle}</h2><p>${t.blocked}</p><p class="mono">${weighing.blocked}</p>`;
    const top = this.#heaviest(report);
    const together = report.findings.filter((finding) => !aboutLicences(finding));
    return html`
      <section class="verdict" data-verdict-is=${report.verdict}>
        <h2>${mark(report.verdict)}${t.verdict[report.verdict]}</h2>
        <p class="headline">${top?.headline}</p>
        ${top && top.advice.length > 0
          ? html`<h3>${t.whatToDo}</h3>
              <ol class="advice">
                ${top.advice.map((item) => html`<li>${item}</li>`)}
              </ol>`
          : nothing}
      </section>
      ${this.#fingerprints()}
      ${together.length > 0
        ? html`<section aria-labelledby="together">
            <h3 id="together">${t.folderFindings}</h3>
            ${findingList(together, null, t, null)}
          </section>`
        : nothing}
      <section aria-labelledby="files">
        <h3 id="files">${t.filesSummary(weighing.rows.length, t.summary(tally(weighing.rows)))}</h3>
        ${this.#files()}
      </section>
      ${this.#selected?.report
        ? html`<div class="one">${fileView(this.#selected, this.#selected.report, this.#opened, t, this.#acts, (id) => this.#formatName(id))}</div>`
        : nothing}
      ${this.#licence(report)}
      <section aria-labelledby="export" class="export">
        <h3 id="export">${t.export}</h3>
        <p>${t.exportText} ${this.fingerprinting ? t.exportEarly : nothing}</p>
        <p class="buttons">
          <button data-action="save" @click=${() => this.#save(this.#json(), "weighstation-report.json", "application/json")}>${t.saveJson}</button>
          <button data-action="copy" @click=${() => void this.#copy(this.#json())}>${t.copyJson}</button>
          <button data-action="print" @click=${() => print()}>${t.print}</button>
        </p>
      </section>
      <section class="again">
        ${intakeView(t, this.#intake, true)} ${samplesView(t, this.#intake)}
        <p class="buttons"><button data-action="clear" @click=${() => this.clear()}>${t.newOne}</button></p>
      </section>
    `;
  }

  #licence(report: Report | null): TemplateResult {
    this.#guide.list();
    const read = report && { statements: report.licence.statements, findings: report.findings.filter(aboutLicences) };
    return licenceView(this.#guide, read, this.#opened, this.#t, this.#licenceActs);
  }

  async #openGuide(): Promise<void> {
    this.#guiding = true;
    this.requestUpdate();
    await this.updateComplete;
    this.renderRoot.querySelector<HTMLElement>("#licence")?.focus();
  }

  #formatName(id: string): string {
    return this.#tables?.formats.find((format) => format.id === id)?.name ?? id;
  }

  /** The file that decides the verdict of the whole. */
  #heaviest(report: Report): FileReport | null {
    return report.files.find((file) => file.verdict === report.verdict) ?? report.files[0] ?? null;
  }

  #fingerprints(): TemplateResult | typeof nothing {
    if (!this.fingerprinting) return nothing;
    const t = this.#t;
    const rows = this.#weighing!.rows;
    const all = rows.reduce((sum, row) => sum + row.size, 0);
    const read = rows.reduce((sum, row) => sum + (row.digest === "running" ? row.bytes : row.digest === "waiting" ? 0 : row.size), 0);
    const spent = performance.now() - this.#weighing!.fingerprintsSince;
    const left = spent > STEADY_MS && read > 0 ? t.timeLeft((spent / read) * (all - read) / 1000) : "";
    return html`<div class="fingerprints">
      <div class="bar">
        <p>${t.fingerprinting(t.bytes(read), t.bytes(all))}${left && html` · ${left}`}</p>
        <button class="small" data-action="stop" @click=${() => this.stop()}>${t.stop}</button>
      </div>
      <progress max=${Math.max(1, all)} .value=${read} aria-label=${t.fingerprintLabel}></progress>
    </div>`;
  }

  #files(): TemplateResult {
    const t = this.#t;
    const rows = sorted(this.#weighing!.rows);
    return html`<weigh-rows
      class="files"
      .label=${t.files}
      .items=${rows}
      .key=${(row: Row) => row.path}
      .row=${(row: Row, index: number, of: number) => this.#file(row, index, of)}
    ></weigh-rows>`;
  }

  #file(row: Row, index: number, of: number): TemplateResult {
    const t = this.#t;
    const { report } = row;
    const side = report
      ? row.digest === "running" || row.digest === "waiting"
        ? fingerprint(row, t)
        : report.findings.length > 0
          ? t.findingCount(report.findings.length)
          : ""
      : row.phase === "scanning"
        ? t.readBytes(t.bytes(row.bytes))
        : "";
    const word = report ? t.verdict[report.verdict] : row.phase === "scanning" ? t.reading : t.waiting;
    return html`<li data-row data-path=${row.path} data-verdict=${report?.verdict ?? nothing} aria-posinset=${index + 1} aria-setsize=${of}>
      <button
        class="file"
        aria-current=${this.state === "done" && row === this.#selected ? "true" : nothing}
        ?disabled=${this.state !== "done"}
        @click=${() => this.#select(row)}
      >
        <span class="word">${report ? mark(report.verdict) : nothing}${word}</span>
        <span class="path">${row.path}</span>
        <span class="side">${side}</span>
        <span class="number">${t.bytes(row.size)}</span>
      </button>
    </li>`;
  }

  #select(row: Row): void {
    this.#selected = row;
    this.#opened = null;
    this.requestUpdate();
  }
}

/** They are said where the licences are. */
const aboutLicences = (finding: Finding): boolean => finding.name.startsWith("licence-");

const weight = (verdict: Verdict | undefined): number => (verdict ? VERDICTS.indexOf(verdict) : VERDICTS.length);

/** The heaviest first, then what is being read, then what waits; the order of arrival within each. */
function sorted(rows: readonly Row[]): Row[] {
  const rank = (row: Row): number => (row.report ? weight(row.report.verdict) : row.phase === "scanning" ? VERDICTS.length : VERDICTS.length + 1);
  return [...rows].sort((a, b) => rank(a) - rank(b));
}

/** Registers the element and its parts. */
export function define(): void {
  const registry: [string, CustomElementConstructor][] = [
    ["weigh-rows", WeighRows],
    ["weigh-tree", WeighTree],
    ["weigh-station", WeighStation],
  ];
  for (const [name, constructor] of registry) if (!customElements.get(name)) customElements.define(name, constructor);
}
