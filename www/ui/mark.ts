/** The four verdicts as shapes: told apart without colour. Drawn in `currentColor`, so that forced colours keep them. */
import { svg, type SVGTemplateResult } from "lit";
import type { Verdict } from "../report.ts";

const SHAPES: Record<Verdict, SVGTemplateResult> = {
  dangerous: svg`<path d="M8 1 15.5 14.5 H0.5 Z" fill="currentColor"/>`,
  suspicious: svg`<path d="M8 0.5 15.5 8 8 15.5 0.5 8 Z" fill="currentColor"/>`,
  incomplete: svg`<circle cx="8" cy="8" r="6.75" fill="none" stroke="currentColor" stroke-width="1.5"/><path d="M8 1.25 A6.75 6.75 0 0 0 8 14.75 Z" fill="currentColor"/>`,
  clear: svg`<path d="M8 1.4 14.6 8 8 14.6 1.4 8 Z" fill="none" stroke="currentColor" stroke-width="1.6"/>`,
};

export const mark = (verdict: Verdict): SVGTemplateResult =>
  svg`<svg class="mark" part="verdict-icon" data-verdict-mark=${verdict} viewBox="0 0 16 16" aria-hidden="true" focusable="false">${SHAPES[verdict]}</svg>`;
