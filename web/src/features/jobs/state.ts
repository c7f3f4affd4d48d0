import type { JobReply, JobStage } from "../../base/api/schema";

const CLOSED: readonly JobStage[] = ["finished", "failed", "cancelled"];

export const isClosed = (job: Pick<JobReply, "stage">): boolean => CLOSED.includes(job.stage);

export function toneOfStage(stage: JobStage): "good" | "bad" | "plain" | "info" {
  if (stage === "finished") return "good";
  if (stage === "failed") return "bad";
  return stage === "cancelled" ? "plain" : "info";
}

/** How many rows of failures have each reason, the most frequent first. */
export function countReasons(rows: readonly { code: string | null; message: string | null }[]): [string, number][] {
  const counts = new Map<string, number>();
  for (const row of rows) {
    const reason = row.message ?? row.code ?? "";
    counts.set(reason, (counts.get(reason) ?? 0) + 1);
  }
  return [...counts].sort((left, right) => right[1] - left[1]);
}
