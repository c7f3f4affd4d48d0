import { api, idempotent, unwrap } from "../../base/api/client";
import type { NewJobReply } from "../../base/api/schema";
import { queryClient } from "../../base/queryClient";

const changed = () => queryClient.invalidateQueries({ queryKey: ["jobs"] });

export async function rerun(id: string, body: { failed_only: boolean; dry_run: boolean }): Promise<NewJobReply> {
  const reply = await unwrap(
    api.POST("/api/ai-classification-jobs/{job_id}/rerun/", {
      params: { path: { job_id: id }, header: idempotent() },
      body: { ...body, interactive: true },
    }),
  );
  if (!body.dry_run) await changed();
  return reply;
}

export async function cancel(id: string): Promise<void> {
  await unwrap(api.POST("/api/ai-classification-jobs/{job_id}/cancel/", { params: { path: { job_id: id } } }));
  await changed();
}

export async function updateStatus(id: string): Promise<void> {
  await unwrap(api.POST("/api/ai-classification-jobs/{job_id}/update_status/", { params: { path: { job_id: id } } }));
  await changed();
}

export async function reparse(id: string): Promise<void> {
  await unwrap(
    api.POST("/api/ai-classification-jobs/{job_id}/reparse_results/", { params: { path: { job_id: id } }, body: {} }),
  );
  await changed();
}
