/**
 * How files reach the page: dropped, chosen, pasted. Every way ends in a list of `{ path, file }`; hidden files are taken along, because a scanner
 * that skips them can be walked around.
 */
import type { Item } from "../scanner/weighing.ts";

/** Called as a folder is walked, with the number of files so far. */
type Count = (files: number) => void;

/** The file-system handle a drop gives in Chromium; iterable only there, which the DOM library's types leave out. */
interface DirectoryHandle {
  kind: "directory";
  name: string;
  values(): AsyncIterable<DirectoryHandle | FileHandle>;
}
interface FileHandle {
  kind: "file";
  name: string;
  getFile(): Promise<File>;
}
type Handle = DirectoryHandle | FileHandle;
type HandleGiver = DataTransferItem & { getAsFileSystemHandle?(): Promise<Handle | null> };

/**
 * Everything a drop or a paste carries. All three ways of asking must be used before the event handler returns, because the list is emptied then; so this
 * function asks at once and awaits afterwards. The handle comes first (on a page opened from disk Chromium lists folders only through it), the entry next
 * (Firefox, Safari), the plain file last (it stands for a folder with a fake one).
 */
export function fromTransfer(transfer: DataTransfer, count: Count): Promise<Item[]> {
  const taken = [...transfer.items]
    .filter((item) => item.kind === "file")
    .map((item) => ({
      handle: (item as HandleGiver).getAsFileSystemHandle?.().catch(() => null) ?? null,
      entry: item.webkitGetAsEntry?.() ?? null,
      file: item.getAsFile(),
    }));
  const items: Item[] = [];
  const add = adder(items, count);
  return (async () => {
    for (const { handle, entry, file } of taken) {
      const known = await handle;
      if (known) await walkHandle(known, known.name, add);
      else if (entry) await walkEntry(entry, add);
      else if (file) add(file.name, file);
    }
    if (items.length === 0) for (const file of transfer.files) add(file.name, file);
    return items;
  })();
}

/** What a file input holds; a folder input gives the paths inside the folder. */
export function fromList(files: Iterable<File>): Item[] {
  return Array.from(files, (file) => ({ path: file.webkitRelativePath || file.name, file }));
}

/** The folder picker asks "view files?" where the plain input asks "upload?", so it is used where it exists. */
export function canPickFolder(): boolean {
  return "showDirectoryPicker" in globalThis && isSecureContext && self === top;
}

/** Lets the reader pick a folder; null when they changed their mind. */
export async function pickFolder(count: Count): Promise<Item[] | null> {
  const picker = globalThis as unknown as { showDirectoryPicker(options: object): Promise<DirectoryHandle> };
  let folder: DirectoryHandle;
  try {
    folder = await picker.showDirectoryPicker({ mode: "read" });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") return null;
    throw error;
  }
  const items: Item[] = [];
  await walkHandle(folder, folder.name, adder(items, count));
  return items;
}

/** Takes a file, or null for one that was listed and cannot be opened: it must not silently fall out of the report. */
type Add = (path: string, file: File | null) => void;

function adder(items: Item[], count: Count): Add {
  return (path, file) => {
    items.push(file ? { path, file } : { path, file: new Blob(), unreadable: true });
    count(items.length);
  };
}

/** A loop, not a recursion: the depth of a folder is not ours to trust. */
async function walkHandle(root: Handle, name: string, add: Add): Promise<void> {
  const open: { handle: Handle; path: string }[] = [{ handle: root, path: name }];
  for (let next = open.pop(); next; next = open.pop()) {
    const { handle, path } = next;
    if (handle.kind === "file") {
      add(path, await handle.getFile().catch(() => null));
      continue;
    }
    try {
      for await (const child of handle.values()) open.push({ handle: child, path: `${path}/${child.name}` });
    } catch {
      add(path, null);
    }
  }
}

async function walkEntry(root: FileSystemEntry, add: Add): Promise<void> {
  const open: FileSystemEntry[] = [root];
  for (let next = open.pop(); next; next = open.pop()) {
    const path = next.fullPath.replace(/^\//, "") || next.name;
    if (next.isFile) {
      const entry = next as FileSystemFileEntry;
      add(path, await new Promise<File | null>((resolve) => entry.file(resolve, () => resolve(null))));
      continue;
    }
    const reader = (next as FileSystemDirectoryEntry).createReader();
    // Entries come a hundred at a time, and an empty list is the end.
    for (;;) {
      const batch = await new Promise<FileSystemEntry[] | null>((resolve) => reader.readEntries(resolve, () => resolve(null)));
      if (batch === null) add(path, null);
      if (batch === null || batch.length === 0) break;
      open.push(...batch);
    }
  }
}
