/** The block that a person reads in the first ten seconds: the word, what follows from it, what to do; and the letter for whoever published the file. */
import { html, nothing, type TemplateResult } from "lit";
import type { FileReport, Report } from "../report.ts";
import type { Messages } from "../text/en.ts";
import { hexOffset } from "./evidence.ts";
import { mark } from "./mark.ts";

/** The file that decides the verdict of the whole. */
export function heaviest(report: Report): FileReport | null {
  return report.files.find((file) => file.verdict === report.verdict) ?? report.files[0] ?? null;
}

export function verdictView(report: Report, t: Messages, act: { tell(text: string): void } | null): TemplateResult {
  const top = heaviest(report);
  const bad = report.verdict === "dangerous" || report.verdict === "suspicious";
  return html`<section class="verdict" part="verdict" data-verdict-is=${report.verdict}>
    <h2>${mark(report.verdict)}${t.verdict[report.verdict]}</h2>
    <p class="headline">${top?.headline}</p>
    ${top && top.advice.length > 0
      ? html`<h3>${t.whatToDo}</h3>
          <ol class="advice">
            ${top.advice.map((item) => html`<li>${item}</li>`)}
          </ol>`
      : nothing}
    ${act && bad && top && top.findings.length > 0 ? html`<p class="buttons"><button data-action="tell" @click=${() => act.tell(letter(report, top, t))}>${t.letter.copy}</button></p>` : nothing}
  </section>`;
}

/** What is told about a finding before it gets long. */
const PLACES = 5;

/** A letter in plain text. It names the file without its folder: whose folder it lay in is nobody's business. */
export function letter(report: Report, file: FileReport, t: Messages): string {
  const name = file.path.slice(file.path.lastIndexOf("/") + 1);
  const findings = file.findings.flatMap((finding) => [
    `- ${finding.rule} ${finding.name}: ${finding.message}`,
    ...finding.places.slice(0, PLACES).map((place) => `    ${place.member || name}, ${hexOffset(place.offset)}, ${t.letter.length(place.length)}`),
  ]);
  return [
    t.letter.subject(name),
    "",
    t.letter.lead,
    "",
    file.headline,
    "",
    ...findings,
    "",
    t.named(t.size, `${t.bytes(file.size)} (${t.number(file.size)})`),
    t.named(t.fingerprint, file.sha256 ?? t.fingerprintNone),
    "",
    t.letter.check,
    `${report.tool.name} ${report.tool.version}, ${report.schema}`,
    "",
  ].join("\n");
}
