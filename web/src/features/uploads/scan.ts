import { isMedia, type Scanned } from "./state";

/** Reads the dropped folders; entries come in steps, so that the page goes on answering. */
export async function scanDrop(items: DataTransferItemList, onCount: (files: number) => void): Promise<Scanned> {
  const entries = [...items].map((item) => item.webkitGetAsEntry()).filter((entry) => entry !== null);
  const scanned: Scanned = { files: [], ignored: 0 };
  const pending: FileSystemEntry[] = [...entries];
  while (pending.length > 0) {
    const entry = pending.pop();
    if (!entry) break;
    if (entry.isDirectory) pending.push(...(await readFolder(entry as FileSystemDirectoryEntry)));
    else if (isMedia(entry.name)) {
      const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject));
      scanned.files.push({ path: entry.fullPath.replace(/^\//, ""), file });
      onCount(scanned.files.length);
    } else scanned.ignored += 1;
  }
  scanned.files.sort((left, right) => left.path.localeCompare(right.path));
  return scanned;
}

async function readFolder(folder: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> {
  const reader = folder.createReader();
  const all: FileSystemEntry[] = [];
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) return all;
    all.push(...some);
  }
}

/** The files of a folder that was chosen in a dialog. */
export function scanList(list: FileList): Scanned {
  const all = [...list];
  const files = all
    .filter((file) => isMedia(file.name))
    .map((file) => ({ path: file.webkitRelativePath || file.name, file }))
    .sort((left, right) => left.path.localeCompare(right.path));
  return { files, ignored: all.length - files.length };
}
