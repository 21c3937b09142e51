/** Files as a caller may hand them over. */
import { fromList } from "../intake/intake.ts";
import type { Item } from "../scanner/weighing.ts";

export type Given = Blob | { path: string; file: Blob };

/** Each with a path; what has no name is numbered. */
export function itemsOf(files: Iterable<Given> | Given): Item[] {
  const one = (given: Given, i: number): Item => {
    if (!(given instanceof Blob)) return given;
    return given instanceof File ? fromList([given])[0]! : { path: `blob-${i + 1}`, file: given };
  };
  return files instanceof Blob || "file" in files ? [one(files, 0)] : Array.from(files, one);
}
