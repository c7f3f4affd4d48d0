import { api, idempotent, ifMatch, unwrap } from "../../base/api/client";
import type { ClassificationProjectChange, ClassificationRole, Overrides } from "../../base/api/schema";
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

type Run = { project: string; links: readonly string[]; overrides: Overrides; isDry: boolean };

/** Runs the photos of these links again, or with `isDry` only says how many there would be. */
export async function runLinks({ project, links, overrides, isDry }: Run): Promise<number> {
  const replies = await Promise.all(
    links.map((link) =>
      unwrap(
        api.POST("/api/ai-classification-jobs/", {
          params: { header: idempotent() },
          body: {
            classification_project_id: project,
            linked_collection_id: link,
            overrides,
            dry_run: isDry,
          },
        }),
      ),
    ),
  );
  if (!isDry) await queryClient.invalidateQueries({ queryKey: ["jobs"] });
  return replies.reduce((total, reply) => total + reply.resources, 0);
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
