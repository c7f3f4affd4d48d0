import { sentence } from "../../base/api/problem";
import type { AnnouncedFile } from "../../base/api/schema";
import { hashFiles } from "./hashFiles";
import { announce, ensureDeployment, sendContent } from "./mutations";
import type { FoundFile, PlannedFolder } from "./state";

export type ImportState = {
  step: "prepare" | "compare" | "send" | "done";
  total: number;
  hashed: number;
  known: number;
  sent: number;
  bytesSent: number;
  isPaused: boolean;
  failures: { path: string; reason: string }[];
  error: unknown;
};

const PER_ANNOUNCEMENT = 500;
const IN_FLIGHT = 3;
const SHOWN_EVERY_MS = 250;

/** An import from the plan to its end; files are hashed, compared and sent in packs, and a failure stops only its file. */
export class ImportRun {
  state: ImportState;
  private listeners = new Set<() => void>();
  private shownAt = 0;
  private resumed: (() => void) | null = null;

  constructor(
    private readonly folders: readonly PlannedFolder[],
    private readonly researchProjectId: string,
    private readonly collectionId: () => Promise<string>,
  ) {
    const total = folders.reduce((sum, folder) => sum + folder.files.length, 0);
    this.state = {
      step: "prepare",
      total,
      hashed: 0,
      known: 0,
      sent: 0,
      bytesSent: 0,
      isPaused: false,
      failures: [],
      error: null,
    };
  }

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  get isOver(): boolean {
    return this.state.step === "done" || this.state.error !== null;
  }

  async run(): Promise<void> {
    const hashing = hashFiles();
    try {
      const collection = await this.collectionId();
      for (const folder of this.folders) {
        const deployment = await ensureDeployment(this.researchProjectId, folder.deployment);
        for (let at = 0; at < folder.files.length; at += PER_ANNOUNCEMENT)
          await this.importPack(folder.files.slice(at, at + PER_ANNOUNCEMENT), deployment, collection, hashing.hash);
      }
      this.change({ step: "done" }, true);
    } catch (error) {
      this.change({ error }, true);
    } finally {
      hashing.close();
    }
  }

  pause(): void {
    this.change({ isPaused: true }, true);
  }

  resume(): void {
    this.change({ isPaused: false }, true);
    this.resumed?.();
    this.resumed = null;
  }

  private async importPack(
    files: readonly FoundFile[],
    deployment: string,
    collection: string,
    hash: (file: File) => Promise<string>,
  ): Promise<void> {
    this.change({ step: "compare" });
    const announced: { found: FoundFile; item: AnnouncedFile }[] = [];
    await inParallel(files, IN_FLIGHT, async (found) => {
      await this.gate();
      try {
        const { path, file } = found;
        const item = {
          name: file.name,
          path,
          size_bytes: file.size,
          sha256: await hash(file),
          deployment_id: deployment,
        };
        announced.push({ found, item });
      } catch (error) {
        this.fail(found, error);
      }
      this.change({ hashed: this.state.hashed + 1 });
    });
    if (announced.length === 0) return;
    const replies = await announce(
      this.researchProjectId,
      collection,
      announced.map(({ item }) => item),
    );
    this.change({ step: "send" });
    await inParallel(announced, IN_FLIGHT, async ({ found }, index) => {
      await this.gate();
      const reply = replies[index];
      if (!reply?.upload_id || reply.status === "exists") return this.change({ known: this.state.known + 1 });
      try {
        await sendContent(reply.upload_id, found.file);
        this.change({ sent: this.state.sent + 1, bytesSent: this.state.bytesSent + found.file.size });
      } catch (error) {
        this.fail(found, error);
      }
    });
  }

  private gate(): Promise<void> {
    if (!this.state.isPaused) return Promise.resolve();
    return new Promise((resolve) => {
      const before = this.resumed;
      this.resumed = () => {
        before?.();
        resolve();
      };
    });
  }

  private fail({ path }: FoundFile, error: unknown): void {
    this.change({ failures: [...this.state.failures, { path, reason: sentence(error) }] });
  }

  /** The page is told four times a second at most, whatever the number of files. */
  private change(changed: Partial<ImportState>, atOnce = false): void {
    this.state = { ...this.state, ...changed };
    const now = Date.now();
    if (!atOnce && now - this.shownAt < SHOWN_EVERY_MS) return;
    this.shownAt = now;
    for (const listener of this.listeners) listener();
  }
}

async function inParallel<T>(
  items: readonly T[],
  width: number,
  act: (item: T, index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const lane = async () => {
    while (next < items.length) {
      const index = next;
      next += 1;
      const item = items[index];
      if (item !== undefined) await act(item, index);
    }
  };
  await Promise.all(Array.from({ length: width }, lane));
}
