type Waiting = { resolve: (sha256: string) => void; reject: (error: Error) => void };

const WORKERS = 2;

/** Hashes files off the page's thread; `close` ends the workers. */
export function hashFiles() {
  const waiting = new Map<number, Waiting>();
  let last = 0;
  const workers = Array.from({ length: WORKERS }, () => {
    const worker = new Worker(new URL("./hash.worker.ts", import.meta.url), { type: "module" });
    worker.onmessage = ({ data }: MessageEvent<{ id: number; sha256?: string; error?: string }>) => {
      const call = waiting.get(data.id);
      waiting.delete(data.id);
      if (data.sha256) call?.resolve(data.sha256);
      else call?.reject(new Error(data.error ?? "the file cannot be read"));
    };
    return worker;
  });
  return {
    hash(file: File): Promise<string> {
      last += 1;
      const id = last;
      workers[id % WORKERS]?.postMessage({ id, file });
      return new Promise((resolve, reject) => waiting.set(id, { resolve, reject }));
    },
    close: () => {
      for (const worker of workers) worker.terminate();
    },
  };
}
