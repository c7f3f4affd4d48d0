import { api, unwrap } from "../../base/api/client";
import { queryClient } from "../../base/queryClient";

export async function syncModels(): Promise<number> {
  const { items } = await unwrap(api.POST("/api/ai-providers/sync/"));
  await queryClient.invalidateQueries({ queryKey: ["fleet"] });
  await queryClient.invalidateQueries({ queryKey: ["providers"] });
  const problem = items.find((each) => each.problem !== null);
  if (problem) throw new Error(`${problem.connection}: ${problem.problem}`);
  return items.reduce((total, each) => total + each.models, 0);
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
