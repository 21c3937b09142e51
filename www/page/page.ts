/** The page around the element: state hooks, theme, language, and the whole window as a place to drop files. */
import { define, type WeighStation, type State } from "../element/weigh-station.ts";
import type { Messages } from "../text/en.ts";
import { LANGUAGES, messagesFor } from "../text/text.ts";
import { setUpEmbed } from "./embed.ts";
import { setUpLinks } from "./link.ts";
import { keepOffline, offerCopy, takeLaunches } from "./offline.ts";

/** Put in by the build. */
declare const WEIGHSTATION_VERSION: string;

const root = document.documentElement;
const station = document.querySelector<WeighStation>("weigh-station")!;

/** A choice that outlives the visit, where the browser lets a page keep one. */
const kept = {
  get(key: string): string | null {
    try {
      return localStorage.getItem(key);
    } catch {
      return null;
    }
  },
  set(key: string, value: string): void {
    try {
      localStorage.setItem(key, value);
    } catch {
      // The choice holds for this visit only.
    }
  },
};

function setTheme(theme: string): void {
  if (theme === "light" || theme === "dark") root.dataset.theme = theme;
  else delete root.dataset.theme;
}

function setUpTheme(): void {
  const select = document.querySelector<HTMLSelectElement>("#theme")!;
  select.value = new URLSearchParams(location.search).get("theme") ?? kept.get("weighstation-theme") ?? "auto";
  setTheme(select.value);
  select.addEventListener("change", () => {
    kept.set("weighstation-theme", select.value);
    setTheme(select.value);
  });
}

/** Says everything outside of the element in a language; the element follows its attribute. */
function speak(t: Messages): void {
  root.lang = t.tag;
  station.lang = t.tag;
  setTitle();
  for (const element of document.querySelectorAll<HTMLElement>("[data-text]")) {
    const text = t[element.dataset.text as keyof typeof t];
    if (typeof text === "string") element.textContent = text;
  }
  for (const element of document.querySelectorAll<HTMLElement>("[data-version]")) element.textContent = t.version(WEIGHSTATION_VERSION);
  for (const option of document.querySelectorAll<HTMLOptionElement>("#theme option")) option.textContent = t.themes[option.value as keyof typeof t.themes];
}

/** The outcome stands in the title, too, for a reader with many tabs. */
function setTitle(): void {
  const t = messagesFor([root.lang]);
  const verdict = station.report?.verdict;
  document.title = verdict ? `${t.verdict[verdict]} – ${t.title}` : t.title;
}

/** From the address, the kept choice, or the browser, in this order. */
function setUpLanguage(): void {
  const wanted = [new URLSearchParams(location.search).get("lang"), kept.get("weighstation-lang"), ...navigator.languages];
  const t = messagesFor(wanted.filter((tag) => tag !== null));
  speak(t);
  const select = document.querySelector<HTMLSelectElement>("#language")!;
  for (const one of LANGUAGES) {
    const option = new Option(one.name, one.tag, false, one.tag === t.tag);
    option.lang = one.tag;
    select.append(option);
  }
  select.closest("label")!.hidden = LANGUAGES.length < 2;
  select.addEventListener("change", () => {
    kept.set("weighstation-lang", select.value);
    // An address that names a language would bring it back with the next visit.
    const address = new URL(location.href);
    if (address.searchParams.has("lang")) {
      address.searchParams.set("lang", select.value);
      history.replaceState(history.state, "", address);
    }
    speak(messagesFor([select.value]));
  });
}

/** The window takes drops wherever they land; the pointer leaving it for nothing ends the invitation. */
function setUpDrop(): void {
  const carriesFiles = (event: DragEvent) => event.dataTransfer?.types.includes("Files") ?? false;
  addEventListener("dragenter", (event) => {
    if (carriesFiles(event)) root.dataset.drag = "";
  });
  addEventListener("dragover", (event) => {
    if (carriesFiles(event)) event.preventDefault();
  });
  addEventListener("dragleave", (event) => {
    if (event.relatedTarget === null) delete root.dataset.drag;
  });
  addEventListener("drop", (event) => {
    delete root.dataset.drag;
    if (!event.dataTransfer || !carriesFiles(event)) return;
    event.preventDefault();
    station.takeTransfer(event.dataTransfer);
  });
  addEventListener("paste", (event) => {
    if (event.clipboardData && event.clipboardData.files.length > 0) station.takeTransfer(event.clipboardData);
  });
}

/** Names the state where scripts, tests and the style sheet find it. */
function setUpState(): void {
  station.addEventListener("weigh-state", (event) => {
    const { state, fingerprinting } = (event as CustomEvent<{ state: State; fingerprinting: boolean }>).detail;
    root.dataset.state = state;
    root.dataset.digest = fingerprinting ? "running" : state === "done" ? "done" : "none";
    setTitle();
  });
  // Leaving in the middle of a scan loses it; after the verdict there is nothing to lose.
  addEventListener("beforeunload", (event) => {
    if (station.state === "scanning") event.preventDefault();
  });
  // Esc works wherever the focus is, not only inside the element.
  addEventListener("keydown", (event) => {
    if (event.key === "Escape" && (station.state === "scanning" || station.fingerprinting) && !station.contains(event.target as Node)) station.cancel();
  });
}

setUpLanguage();
setUpTheme();
setUpDrop();
setUpState();
setUpEmbed(station);
setUpLinks(station);
define();
offerCopy(station);
takeLaunches(station);
void keepOffline(messagesFor([root.lang]));
