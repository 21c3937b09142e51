/** What may be done with it: what the files say, the situation, one merged list with clause and date on every line, the texts to copy, the inventory. */
import { html, nothing, type TemplateResult } from "lit";
import type { Change, Finding, Guidance, Inventory, Line, Place, Source, Statement, Switch, Use } from "../report.ts";
import type { Guide } from "../scanner/guide.ts";
import type { Messages } from "../text/en.ts";
import { hexOffset } from "./evidence.ts";
import { evidencePanel, findingList, isOpen, type BytesActions, type Opened } from "./file.ts";

/** What was read in the files; null where licences are only picked by name. */
export interface Read {
  statements: Statement[];
  findings: Finding[];
}

export interface LicenceActions extends BytesActions {
  open(statement: Statement, place: Place): void;
  checklist(): void;
  save(kind: "json" | "csv"): void;
}

/** More lines than a person reads; the rest is in the report. */
const MOST = 100;
/** Shown before the rest folds away. */
const FEW = 12;

export const statementKey = (statement: Statement): string => `${statement.file} ${statement.kind} ${statement.key}`;

export function licenceView(guide: Guide, read: Read | null, opened: Opened | null, t: Messages, act: LicenceActions): TemplateResult {
  const { guidance } = guide;
  const l = t.licence;
  return html`<section class="licence" aria-labelledby="licence">
    ${read
      ? html`<h3 id="licence" tabindex="-1">${l.title}</h3>`
      : html`<h2 class="quiet" id="licence" tabindex="-1">${l.guidance}</h2>
          <p>${l.byNameLead}</p>
          <h3>${l.byNames}</h3>`}
    ${read && read.findings.length > 0 ? findingList(read.findings, null, t, null) : nothing}
    ${read && read.statements.length > 0 ? says(guide, read.statements, opened, t, act) : nothing}
    ${read && !guidance && read.statements.length === 0 ? html`<p>${l.nothing}</p>` : nothing}
    ${guidance || !read ? situation(guide, t) : nothing}
    ${byName(guide, t)}
    ${guidance ? answer(guidance, t, act) : nothing}
    ${guide.failed ? html`<p class="note">${l.failed}</p>` : nothing}
    ${inventoryView(guide, t, act)}
    <p class="note disclaimer">${guide.disclaimer}</p>
  </section>`;
}

function says(guide: Guide, statements: Statement[], opened: Opened | null, t: Messages, act: LicenceActions): TemplateResult {
  const l = t.licence;
  const names = new Map(guide.rows.map((row) => [row.id, row.name]));
  const row = (statement: Statement) => html`<tr data-statement=${statement.kind}>
    <td>${l.kind[statement.kind]} <span class="mono" lang="en">${statement.key}</span></td>
    <td class="value">${statement.value}</td>
    <td>
      ${statement.licences.map((id) => names.get(id) ?? id).join(" / ") || (statement.kind === "problem" ? "" : l.notKnown)}
      <small>${[statement.score !== null ? l.match(statement.score) : "", l.how[statement.how] ?? "", statement.residue && l.residue(statement.residue)].filter(Boolean).join(t.comma)}</small>
    </td>
    <td>
      <button
        class="place small"
        aria-expanded=${String(isOpen(opened, statementKey(statement), statement.place))}
        @click=${() => (isOpen(opened, statementKey(statement), statement.place) ? act.close() : act.open(statement, statement.place))}
      >
        <span class="hidden">${t.showBytes}</span> <span class="mono">${statement.file}${statement.place.member && ` › ${statement.place.member}`} ${hexOffset(statement.place.offset)}</span>
      </button>
    </td>
  </tr>`;
  const table = (some: Statement[]) => html`<div class="scroll" tabindex="0" role="group" aria-label=${l.says}>
    <table>
      <thead>
        <tr><th scope="col">${l.saysColumns.what}</th><th scope="col">${l.saysColumns.says}</th><th scope="col">${l.saysColumns.means}</th><th scope="col">${l.saysColumns.where}</th></tr>
      </thead>
      <tbody>${some.map(row)}</tbody>
    </table>
  </div>`;
  const rest = statements.slice(FEW, MOST);
  return html`<h4>${l.says}</h4>
    ${table(statements.slice(0, FEW))}
    ${rest.length > 0 ? html`<details><summary>${t.more(statements.length - FEW)}</summary>${table(rest)}</details>` : nothing}
    ${opened && statements.some((one) => isOpen(opened, statementKey(one), one.place)) ? evidencePanel(opened, t, act) : nothing}`;
}

function situation(guide: Guide, t: Messages): TemplateResult {
  const l = t.licence;
  const s = guide.situation;
  const assumptions = guide.guidance?.assumptions ?? [];
  const value = (event: Event) => (event.currentTarget as HTMLInputElement).value.trim();
  const fact = (id: string, text: string) => (event: Event) => {
    const n = Math.round(Number(value(event)));
    const { [id]: _, ...others } = s.facts;
    guide.describe({ facts: text && value(event) !== "" && n >= 0 && Number.isSafeInteger(n) ? { ...others, [id]: n } : others });
  };
  const numbers = [...guide.asked].filter(([id]) => id !== "seat" && id !== "business");
  return html`<fieldset class="situation">
      <legend>${l.question}</legend>
      ${(Object.keys(l.uses) as Use[]).map(
        (use) => html`<label class=${use === s.use ? "chosen" : ""}>
          <input type="radio" name="weigh-use" value=${use} .checked=${use === s.use} @change=${() => guide.describe({ use })} /> ${l.uses[use]}
        </label>`,
      )}
    </fieldset>
    <details class=${guide.told ? "facts told" : "facts"} ?open=${guide.asked.size > 0}>
      <summary>${l.facts}</summary>
      <p>${l.factsNote}</p>
      ${numbers.map(
        ([id, text]) => html`<label><span>${text}</span>
          <input type="number" min="0" step="1" inputmode="numeric" data-fact=${id} .value=${String(s.facts[id] ?? "")} @change=${fact(id, text)} /></label>`,
      )}
      <label><span>${guide.asked.get("seat") ?? nothing} ${l.seat}</span>
        <input type="text" maxlength="2" size="3" autocomplete="off" data-fact="seat" .value=${s.seat ?? ""} @change=${(event: Event) => guide.describe({ seat: value(event).toUpperCase() || null })} /></label>
      ${guide.fields.size > 0
        ? html`<label><span>${l.field}</span>
            <select data-fact="field" @change=${(event: Event) => guide.describe({ fields: value(event) ? [value(event)] : [] })}>
              <option value="">${l.fieldNone}</option>
              ${[...guide.fields].map(([code, text]) => html`<option value=${code} ?selected=${s.fields.includes(code)}>${text}</option>`)}
            </select></label>`
        : nothing}
      ${named(l.outbound, "outbound", s.outbound, (outbound) => guide.describe({ outbound }))}
      ${named(l.label, "label", s.label, (label) => guide.describe({ label }))}
      <label><span>${l.commercial}</span>
        <select data-fact="commercial" @change=${(event: Event) => guide.describe({ commercial: value(event) === "" ? null : value(event) === "yes" })}>
          ${Object.entries(l.commercialAnswers).map(([code, word]) => html`<option value=${code} ?selected=${code === (s.commercial === null ? "" : s.commercial ? "yes" : "no")}>${word}</option>`)}
        </select></label>
      <label class="tick"><input type="checkbox" .checked=${s.for_profit} @change=${(event: Event) => guide.describe({ for_profit: (event.currentTarget as HTMLInputElement).checked })} /> ${l.forProfit}</label>
      ${guide.asked.has("business") ? business(guide, t) : nothing}
      ${agreements(guide, t)}
      ${assumptions.length > 0
        ? html`<h4>${l.law}</h4>
            ${assumptions.map(
              ({ id, text, answer }) => html`<label><span>${text}</span>
                <select data-assume=${id} @change=${(event: Event) => guide.describe({ assume: { ...s.assume, [id]: value(event) as Switch } })}>
                  ${Object.entries(l.switches).map(([code, word]) => html`<option value=${code} ?selected=${code === answer}>${word}</option>`)}
                </select></label>`,
            )}`
        : nothing}
    </details>`;
}

/** A licence given by name; the list of all of them helps. */
function named(words: string, id: string, given: string | null, say: (name: string | null) => void): TemplateResult {
  const change = (event: Event) => say((event.currentTarget as HTMLInputElement).value.trim() || null);
  return html`<label><span>${words}</span> <input list="weigh-licences" autocomplete="off" data-fact=${id} .value=${given ?? ""} @change=${change} /></label>`;
}

/** Contracts can be held in the place of every licence of the parts that is not free for any use. */
function agreements(guide: Guide, t: Messages): TemplateResult | typeof nothing {
  const l = t.licence;
  const held = guide.situation.agreements;
  const all = new Map(guide.rows.map((row) => [row.id, row]));
  const parts = (guide.guidance?.parts ?? []).flatMap((one) => one.licences).map((id) => all.get(id));
  const asked = new Map(parts.filter((row) => row?.agreement).map((row) => [row!.id, row!.agreement]));
  for (const id of held) asked.set(id, all.get(id)?.agreement ?? id);
  if (asked.size === 0) return nothing;
  const toggle = (id: string) => guide.describe({ agreements: held.includes(id) ? held.filter((other) => other !== id) : [...held, id] });
  return html`<fieldset>
    <legend>${l.agreements}</legend>
    ${[...asked].map(
      ([id, words]) => html`<label class="tick"><input type="checkbox" data-agreement=${id} .checked=${held.includes(id)} @change=${() => toggle(id)} /> ${words}</label>`,
    )}
  </fieldset>`;
}

function business(guide: Guide, t: Messages): TemplateResult {
  const l = t.licence;
  const kinds = guide.situation.business;
  const toggle = (kind: string) => guide.describe({ business: kinds?.includes(kind) ? kinds.filter((other) => other !== kind) : [...(kinds ?? []), kind] });
  return html`<fieldset>
    <legend>${l.business}</legend>
    ${Object.entries(l.businessKinds).map(
      ([kind, words]) => html`<label class="tick"><input type="checkbox" .checked=${kinds?.includes(kind) ?? false} @change=${() => toggle(kind)} /> ${words}</label>`,
    )}
    <label class="tick"><input type="checkbox" .checked=${kinds?.length === 0} @change=${() => guide.describe({ business: kinds?.length === 0 ? null : [] })} /> ${l.businessNone}</label>
  </fieldset>`;
}

function byName(guide: Guide, t: Messages): TemplateResult {
  const l = t.licence;
  const add = (event: Event) => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    const input = form.querySelector("input")!;
    const name = input.value.trim();
    const enters = form.querySelector("select")!.value;
    guide.choose(name && enters !== "weights" ? `${enters}:${name}` : name);
    input.value = "";
  };
  return html`<form class="byname" @submit=${add}>
      <label><span>${l.choose}</span> <input list="weigh-licences" autocomplete="off" data-choose /></label>
      <label><span>${l.partColumns.relation}</span>
        <select data-relation>
          ${Object.entries(l.relation).map(([code, words]) => html`<option value=${code}>${words}</option>`)}
        </select></label>
      <button>${l.add}</button>
      <datalist id="weigh-licences">${guide.rows.map((row) => html`<option value=${row.name}>${row.spdx || row.id}</option>`)}</datalist>
    </form>
    ${guide.names.length > 0
      ? html`<ul class="places">${guide.names.map((id) => html`<li><button class="small" aria-label=${l.remove(called(guide.called(id), t))} @click=${() => guide.drop(id)}>${called(guide.called(id), t)} ×</button></li>`)}</ul>`
      : nothing}`;
}

/** A licence that was picked, with how it enters. */
function called(name: string, t: Messages): string {
  const [, enters, bare = name] = /^(outputs|data|code|code-separate):(.*)$/.exec(name) ?? [];
  return enters ? `${bare} (${t.licence.relation[enters as keyof typeof t.licence.relation]})` : bare;
}

function answer(guidance: Guidance, t: Messages, act: LicenceActions): TemplateResult {
  const l = t.licence;
  const lists = ["clashes", "may", "must", "must_not", "ask", "watch", "act"] as const;
  return html`<div class="answer" data-level=${guidance.level}>
      <h4>${l.level[guidance.level]}</h4>
      <p class="headline">${guidance.headline}</p>
    </div>
    ${parts(guidance, t)}
    ${lists.map((list) =>
      guidance[list].length > 0
        ? html`<div data-list=${list}>
            <h4>${l.lists[list]}</h4>
            <ul>${guidance[list].map((line) => lineView(line, guidance.parts.length > 1, t))}</ul>
          </div>`
        : nothing,
    )}
    ${texts(guidance, t, act)}
    <p class="buttons"><button data-action="checklist" @click=${act.checklist}>${l.checklist}</button> <button @click=${() => print()}>${t.print}</button></p>`;
}

function lineView(line: Line, several: boolean, t: Messages): TemplateResult {
  const l = t.licence;
  const cite = (source: Source) => html`<small class="cite">${source.clause ? l.cite(source.name, source.clause, source.read) : source.name}${l.sure[source.sure] ? `${t.comma}${l.sure[source.sure]}` : ""}${several ? ` · ${source.parts.join(", ")}` : ""}</small>`;
  return html`<li data-code=${line.code}>${line.text}${line.resolve ? html` <em>${line.resolve}</em>` : nothing} ${line.sources.map(cite)}</li>`;
}

function parts(guidance: Guidance, t: Messages): TemplateResult {
  const l = t.licence;
  return html`<div class="scroll" tabindex="0" role="group" aria-label=${l.parts}>
    <table class="parts">
      <thead>
        <tr><th scope="col">${l.partColumns.part}</th><th scope="col">${l.partColumns.licence}</th><th scope="col">${l.partColumns.family}</th><th scope="col">${l.partColumns.relation}</th><th scope="col">${l.partColumns.answer}</th></tr>
      </thead>
      <tbody>
        ${guidance.parts.slice(0, MOST).map(
          (one) => html`<tr data-level=${one.level}>
            <th scope="row" class="value">${one.part.name}</th>
            <td>${one.names.join(" + ")}</td>
            <td>${[...new Set(one.families)].map((family) => l.families[family] ?? family).join(t.comma)}</td>
            <td>${l.relation[one.part.relation]}</td>
            <td class="level">${l.level[one.level]}</td>
          </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

function texts(guidance: Guidance, t: Messages, act: LicenceActions): TemplateResult | typeof nothing {
  const l = t.licence;
  const all = [
    { what: "letter", text: guidance.letter },
    { what: "notice", text: guidance.notice },
    { what: "card", text: guidance.card },
    { what: "attribution", text: guidance.attribution.join("\n") },
  ] as const;
  const given = all.filter(({ text }) => text !== "");
  if (given.length === 0) return nothing;
  return html`<h4>${l.texts}</h4>
    ${given.map(
      ({ what, text }) => html`<details data-copy=${what} ?open=${what === "letter"}>
        <summary>${l[what]}</summary>
        ${what === "letter" ? html`<p>${l.letterLead}</p>` : nothing}
        <pre>${text}</pre>
        <button class="small" aria-label=${t.named(t.copy, l[what])} @click=${() => act.copy(text)}>${t.copy}</button>
      </details>`,
    )}`;
}

function inventoryView(guide: Guide, t: Messages, act: LicenceActions): TemplateResult | typeof nothing {
  const l = t.licence;
  const { inventory, weighed } = guide;
  if (!inventory && !weighed) return nothing;
  return html`<div class="inventory">
    <h4>${l.inventory}</h4>
    <p>${l.inventoryLead}</p>
    ${inventory && !weighed ? html`<p>${l.opened(inventory.entries.length)} ${l.openedLead}</p>` : nothing}
    ${guide.changes ? changesView(guide.changes, t) : nothing}
    ${inventory ? inventoryTable(inventory, t) : nothing}
    <p class="buttons">
      ${weighed ? html`<button data-action="inventory-add" @click=${() => void guide.add()}>${l.inventoryAdd}</button>` : nothing}
      <button data-action="inventory-json" @click=${() => act.save("json")}>${l.saveJson}</button>
      <button data-action="inventory-csv" @click=${() => act.save("csv")}>${l.saveCsv}</button>
      ${inventory ? html`<button data-action="inventory-forget" @click=${() => guide.forget()}>${l.inventoryForget}</button>` : nothing}
    </p>
  </div>`;
}

function changesView(changes: Change[], t: Messages): TemplateResult {
  const l = t.licence;
  return html`<h5>${l.changes}</h5>
    ${changes.length === 0
      ? html`<p>${l.noChanges}</p>`
      : html`<ul class="changes">
          ${changes.slice(0, MOST).map(
            (one) => html`<li data-change=${one.what}>
              <strong>${one.name}</strong> ${l.change[one.what] ?? one.what}${one.grade ? ` (${l.grade[one.grade] ?? one.grade})` : ""}
              ${one.what === "new" || one.what === "gone" ? nothing : html`<br /><small>${t.full(t.named(l.before, one.before || l.empty))} ${t.full(t.named(l.after, one.after || l.empty))}</small>`}
            </li>`,
          )}
        </ul>`}`;
}

function inventoryTable(inventory: Inventory, t: Messages): TemplateResult {
  const l = t.licence;
  const c = l.inventoryColumns;
  return html`<div class="scroll" tabindex="0" role="group" aria-label=${l.inventory}>
    <table>
      <thead>
        <tr>${[c.name, c.licence, c.source, c.duties, c.files, c.seen].map((head) => html`<th scope="col">${head}</th>`)}</tr>
      </thead>
      <tbody>
        ${inventory.entries.slice(0, MOST).map(
          (entry) => html`<tr>
            <th scope="row" class="value">${entry.name}</th>
            <td>${entry.names.join(" + ")}</td>
            <td>${l.source[entry.source] ?? entry.source}</td>
            <td class="duties">${entry.duties.join(" ")}</td>
            <td>${t.number(entry.files.length)}</td>
            <td>${entry.seen}</td>
          </tr>`,
        )}
      </tbody>
    </table>
  </div>
  ${inventory.entries.length > MOST ? html`<p>${t.more(inventory.entries.length - MOST)}</p>` : nothing}`;
}
