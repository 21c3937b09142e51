/** A long page is walked by its headings; these are the same for the pointer. */
import { html, type TemplateResult } from "lit";
import type { Messages } from "../text/en.ts";

/** Links to the parts of a report over `files` files, of which the selected one has `findings`. */
export function sectionsView(files: number, findings: number, t: Messages): TemplateResult {
  const links: [string, string][] = [
    ["findings", t.findings(findings)],
    ["contents", t.contents],
    ["licence", t.licence.title],
    ["verify", t.verify.title],
    ["compare", t.compare.title],
    ["export", t.export],
  ];
  if (files > 1) links.unshift(["files", t.files]);
  return html`<nav class="sections" aria-label=${t.sections}>
    <ul>
      ${links.map(([id, text]) => html`<li><a href=${`#${id}`}>${text}</a></li>`)}
    </ul>
  </nav>`;
}
