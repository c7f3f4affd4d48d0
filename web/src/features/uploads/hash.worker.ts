import { createSHA256 } from "hash-wasm";

const WHOLE_BYTES = 64 * 1024 * 1024;
const SLICE_BYTES = 4 * 1024 * 1024;

const scope = self as unknown as DedicatedWorkerGlobalScope;

scope.onmessage = async ({ data }: MessageEvent<{ id: number; file: File }>) => {
  try {
    scope.postMessage({ id: data.id, sha256: await hash(data.file) });
  } catch (error) {
    scope.postMessage({ id: data.id, error: error instanceof Error ? error.message : String(error) });
  }
};

/** In one piece by the browser where it can (only on HTTPS and loopback), else slice by slice. */
async function hash(file: File): Promise<string> {
  if (file.size <= WHOLE_BYTES && scope.crypto.subtle) {
    const digest = await scope.crypto.subtle.digest("SHA-256", await file.arrayBuffer());
    return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  }
  const hasher = await createSHA256();
  for (let at = 0; at < file.size; at += SLICE_BYTES)
    hasher.update(new Uint8Array(await file.slice(at, at + SLICE_BYTES).arrayBuffer()));
  return hasher.digest("hex");
}
