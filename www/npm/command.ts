/** What the commands of the package share. */

/** The command line is wrong; the message says how. */
export class Wrong extends Error {}

/** The core answers in English to a language that it does not have; a command line says so. */
export function spoken(tag: string): string {
  if (!/^(en|ja)([-_]|$)/i.test(tag)) throw new Wrong(`--lang knows en and ja, not "${tag}"`);
  return tag;
}

/** File names and the like come printable from the core; the paths themselves come from the disk and may hold anything. */
export const plain = (text: string): string => text.replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, "\ufffd");
