import overflowFolders from "../../../../deploy/standalone/src/trapper_cli/runs/overflow_folders.txt?raw";

export type FoundFile = { path: string; file: File };
export type Scanned = { files: FoundFile[]; ignored: number };
/** A folder of the card, and the deployment that its files are of. */
export type PlannedFolder = { folder: string; deployment: string; files: FoundFile[]; bytes: number };

const MEDIA = /\.(jpe?g|png|webp|bmp|tiff?|gif|mp4|avi|mov|m4v|mkv|webm|mts)$/i;

export const isMedia = (name: string): boolean => MEDIA.test(name) && !name.startsWith(".");

/** Names of folders that cameras make by themselves, as `trapper run` knows them. */
const OVERFLOW = overflowFolders
  .split("\n")
  .map((line) => line.trim())
  .filter((line) => line && !line.startsWith("# "))
  .map((pattern) => new RegExp(`^${pattern.replace("###", "[1-9][0-9]{2}")}$`, "i"));

const isOverflow = (name: string): boolean => OVERFLOW.some((pattern) => pattern.test(name));

/** The folder whose name the deployment has: above the folders that the camera made by itself. */
export function deploymentFolder(path: string): string {
  const parts = path.split("/").slice(0, -1);
  while (parts.length > 1 && isOverflow(parts.at(-1) ?? "")) parts.pop();
  return parts.join("/");
}

/** Which files are of which deployment; the name of the common folder above all is left out of deployments' names. */
export function planFolders(files: readonly FoundFile[]): PlannedFolder[] {
  const folders = new Map<string, FoundFile[]>();
  for (const each of files) {
    const folder = deploymentFolder(each.path);
    folders.set(folder, [...(folders.get(folder) ?? []), each]);
  }
  const common = commonParts([...folders.keys()]);
  return [...folders].map(([folder, own]) => ({
    folder,
    deployment: folder.split("/").slice(common).join("/") || folder.split("/").at(-1) || "camera",
    files: own,
    bytes: own.reduce((total, { file }) => total + file.size, 0),
  }));
}

function commonParts(folders: readonly string[]): number {
  const [first, ...rest] = folders.map((folder) => folder.split("/"));
  if (!first) return 0;
  if (rest.length === 0) return first.length - 1;
  let length = 0;
  while (
    length < first.length - 1 &&
    rest.every((parts) => parts[length] === first[length] && parts.length > length + 1)
  )
    length += 1;
  return length;
}

/** The failures as CSV; a name that a spreadsheet would take for a formula gets a quote before it. */
export function failuresCsv(failures: readonly { path: string; reason: string }[]): string {
  const cell = (value: string) => `"${(/^[=+\-@\t\r]/.test(value) ? `'${value}` : value).replaceAll('"', '""')}"`;
  return ["file,reason", ...failures.map(({ path, reason }) => `${cell(path)},${cell(reason)}`)].join("\r\n");
}

/** The name, or with the first number that makes it another one than those that are taken. */
export function freeName(name: string, taken: readonly string[]): string {
  const isTaken = (candidate: string) => taken.some((each) => each.toLowerCase() === candidate.toLowerCase());
  let candidate = name;
  for (let number = 2; isTaken(candidate); number += 1) candidate = `${name} ${number}`;
  return candidate;
}
