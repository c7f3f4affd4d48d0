import { api, unwrap } from "../../base/api/client";
import type { WorkerOrder } from "../../base/api/schema";
import { queryClient } from "../../base/queryClient";

export async function syncModels(): Promise<number> {
  const { items } = await unwrap(api.POST("/api/ai-providers/sync/"));
  await queryClient.invalidateQueries({ queryKey: ["fleet"] });
  await queryClient.invalidateQueries({ queryKey: ["providers"] });
  const problem = items.find((each) => each.problem !== null);
  if (problem) throw new Error(`${problem.connection}: ${problem.problem}`);
  return items.reduce((total, each) => total + each.models, 0);
}

export async function instructWorker(connection: string, worker: string, order: WorkerOrder): Promise<void> {
  const path = { connection_id: connection, worker_id: worker, order };
  await unwrap(api.POST("/api/fleet/managers/{connection_id}/workers/{worker_id}/{order}/", { params: { path } }));
  await queryClient.invalidateQueries({ queryKey: ["fleet", "state"] });
}

export async function replayDeadTasks(): Promise<number> {
  const { replayed } = await unwrap(api.POST("/api/fleet/tasks/replay/"));
  await queryClient.invalidateQueries({ queryKey: ["fleet", "state"] });
  return replayed;
}

export async function setUserActive(id: string, isActive: boolean): Promise<void> {
  const path = isActive ? "/api/users/{user_id}/activate/" : "/api/users/{user_id}/deactivate/";
  await unwrap(api.POST(path, { params: { path: { user_id: id } } }));
  await queryClient.invalidateQueries({ queryKey: ["fleet", "users"] });
}

export async function activateResearchProject(id: string): Promise<void> {
  await unwrap(api.POST("/api/research-projects/{project_id}/activate/", { params: { path: { project_id: id } } }));
  await queryClient.invalidateQueries({ queryKey: ["research-projects"] });
}
