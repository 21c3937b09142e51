/** The first screen: one sentence, one big target, and what the thing can and cannot tell. */
import { html, nothing, type TemplateResult } from "lit";
import { canPickFolder } from "../intake/intake.ts";
import { SAMPLES, type Sample } from "../intake/samples.ts";
import type { Tables } from "../report.ts";
import type { Messages } from "../text/en.ts";

export interface IntakeActions {
  list(files: FileList | null): void;
  pick(): void;
  sample(which: Sample): void;
}

export interface IntakeShown {
  compact: boolean;
  words: string;
  folder: boolean;
  several: boolean;
  disabled: boolean;
}

/** Both inputs stay in the page at all times (scripts and assistive technology find them); the buttons stand for them. */
export function intakeView(t: Messages, act: IntakeActions, shown: IntakeShown): TemplateResult {
  const { compact, disabled } = shown;
  const input = (event: Event) => event.currentTarget as HTMLInputElement;
  const changed = (event: Event) => {
    act.list(input(event).files);
    // The same file chosen again must be a change again.
    input(event).value = "";
  };
  const press = (event: Event, which: string) =>
    ((event.currentTarget as HTMLElement).closest(".intake")!.querySelector(`[data-intake="${which}"]`) as HTMLInputElement).click();
  return html`<div class=${compact ? "intake compact" : "intake"} part="drop">
    <p class="target">${shown.words}</p>
    <p class="buttons">
      <button class="main" part="button" type="button" ?disabled=${disabled} @click=${(event: Event) => press(event, "files")}>${shown.several ? t.chooseFiles : t.chooseFile}</button>
      ${shown.folder
        ? html`<button part="button" type="button" ?disabled=${disabled} @click=${(event: Event) => (canPickFolder() ? act.pick() : press(event, "folder"))}>${t.chooseFolder}</button>`
        : nothing}
    </p>
    <input class="hidden" type="file" ?multiple=${shown.several} ?disabled=${disabled} data-intake="files" tabindex="-1" aria-label=${t.filesInput} @change=${changed} />
    ${shown.folder
      ? html`<input class="hidden" type="file" multiple webkitdirectory ?disabled=${disabled} data-intake="folder" tabindex="-1" aria-label=${t.folderInput} @change=${changed} />`
      : nothing}
    ${compact ? nothing : html`<p class="paste">${shown.folder ? t.paste : nothing}</p>`}
  </div>`;
}

export function samplesView(t: Messages, act: IntakeActions): TemplateResult {
  return html`<p class="samples">
    ${t.tryOne}
    ${SAMPLES.map((which) => html` <button class="link" data-sample=${which} @click=${() => act.sample(which)}>${t.samples[which]}</button>`)}
  </p>`;
}

export function aboutView(t: Messages, tables: Tables | null): TemplateResult {
  return html`<details>
      <summary>${t.looksFor}</summary>
      <p>${t.looksForText}</p>
      ${tables
        ? html`<p><strong>${t.label(t.formatsCaption)}</strong> ${tables.formats.map((format) => format.name).join(t.comma)}</p>
            <details>
              <summary>${t.rulesCaption(tables.rules.length)}</summary>
              <ul>
                ${tables.rules.map((rule) => html`<li><span class="mono" lang="en">${rule.id}</span> ${rule.title}</li>`)}
              </ul>
            </details>`
        : nothing}
    </details>
    <details>
      <summary>${t.cannotTell}</summary>
      <ul>
        ${t.cannotTellItems.map((item) => html`<li>${item}</li>`)}
      </ul>
    </details>
    <details>
      <summary>${t.employer}</summary>
      <p>${t.employerText}</p>
    </details>`;
}
