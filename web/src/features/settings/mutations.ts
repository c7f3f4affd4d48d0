import { api, ifMatch, unwrap } from "../../base/api/client";
import type { ClassificationProjectChange, ClassificationRole } from "../../base/api/schema";
import { queryClient } from "../../base/queryClient";

export async function changeProject(id: string, version: number, change: ClassificationProjectChange): Promise<void> {
  try {
    await unwrap(
      api.PATCH("/api/classification-projects/{project_id}/", {
        params: { path: { project_id: id }, header: ifMatch(version) },
        body: change,
      }),
    );
  } finally {
    await queryClient.invalidateQueries({ queryKey: ["projects"] });
  }
}

/** How many photos a run under the changed settings would take; null when the change concerns no setting of the AI. */
export async function countEffect(
  id: string,
  version: number,
  change: ClassificationProjectChange,
): Promise<number | null> {
  const reply = await unwrap(
    api.PATCH("/api/classification-projects/{project_id}/", {
      params: { path: { project_id: id }, query: { dry_run: true }, header: ifMatch(version) },
      body: change,
    }),
  );
  return reply.rerun_resources;
}

export async function setLinkActive(
  project: string,
  link: { id: string; version: number },
  isActive: boolean,
): Promise<void> {
  try {
    await unwrap(
      api.PATCH("/api/classification-projects/{project_id}/collections/{link_id}/", {
        params: { path: { project_id: project, link_id: link.id }, header: ifMatch(link.version) },
        body: { is_active: isActive },
      }),
    );
  } finally {
    await queryClient.invalidateQueries({ queryKey: ["projects", "links", project] });
  }
}

export async function setMember(project: string, email: string, role: ClassificationRole): Promise<string> {
  const reply = await unwrap(
    api.PUT("/api/classification-projects/{project_id}/members/", {
      params: { path: { project_id: project } },
      body: { email, role },
    }),
  );
  await queryClient.invalidateQueries({ queryKey: ["members", project] });
  return reply.state;
}

export async function removeMember(project: string, userId: string): Promise<void> {
  await unwrap(
    api.DELETE("/api/classification-projects/{project_id}/members/{user_id}/", {
      params: { path: { project_id: project, user_id: userId } },
    }),
  );
  await queryClient.invalidateQueries({ queryKey: ["members", project] });
}
