/** Which language the page speaks. */
import { en, type Messages } from "./en.ts";
import { ja } from "./ja.ts";

/** By tag, in the order in which they are offered. */
export const LANGUAGES: readonly Messages[] = [en, ja];

/** The first of the wanted languages that there is, or English. */
export function messagesFor(wanted: readonly string[]): Messages {
  for (const tag of wanted) {
    const match = LANGUAGES.find((messages) => tag.toLowerCase().split("-")[0] === messages.tag);
    if (match) return match;
  }
  return en;
}
