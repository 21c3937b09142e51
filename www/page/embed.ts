/**
 * The page inside somebody else's: `weighstation.html?embed&parent=https://host.example`. The bytes stay in this frame; the parent, and nobody but the origin that
 * it named, hears of the outcome.
 */
import type { WeighStation } from "../element/weigh-station.ts";

/** What is sent to the parent. */
export type Word =
  | { type: "weigh-state"; state: string }
  | { type: "weigh-report"; report: unknown }
  | { type: "weigh-error"; message: string; missing: readonly string[] }
  /** How tall the page is, in CSS pixels, for a frame that wants to fit. */
  | { type: "weigh-height"; height: number };

/** The origin to speak to; null unless it is the address of one. */
function originOf(text: string | null): string | null {
  try {
    const { origin } = new URL(text ?? "");
    return origin === "null" ? null : origin;
  } catch {
    return null;
  }
}

export function setUpEmbed(station: WeighStation): void {
  const query = new URLSearchParams(location.search);
  if (!query.has("embed")) return;
  document.documentElement.dataset.embed = "";
  const origin = originOf(query.get("parent"));
  if (origin === null || parent === self) return;
  const say = (word: Word) => parent.postMessage(word, origin);
  station.addEventListener("weigh-state", (event) => say({ type: "weigh-state", state: (event as CustomEvent<{ state: string }>).detail.state }));
  station.addEventListener("weigh-report", (event) => say({ type: "weigh-report", report: (event as CustomEvent<{ report: unknown }>).detail.report }));
  station.addEventListener("weigh-error", (event) => say({ type: "weigh-error", ...(event as CustomEvent<{ message: string; missing: string[] }>).detail }));
  new ResizeObserver(() => say({ type: "weigh-height", height: document.body.offsetHeight })).observe(document.body);
}
