import { api, idempotent, unwrap } from "../../base/api/client";
import type { ClassificationProjectReply, CollectionReply, LinkedCollectionReply } from "../../base/api/schema";
import { queryClient } from "../../base/queryClient";

type NewProject = {
  name: string;
  researchProjectId: string | null;
  acronym: string;
  detector: string;
  species: string;
  mayActivate: boolean;
};

/** Makes a project, and its research project where none was chosen; a site admin activates that one at once. */
export async function createProject(request: NewProject): Promise<ClassificationProjectReply> {
  const researchProjectId = request.researchProjectId ?? (await createResearchProject(request));
  const project = await unwrap(
    api.POST("/api/classification-projects/", {
      params: { header: idempotent() },
      body: {
        name: request.name,
        research_project_id: researchProjectId,
        ...(request.detector && { object_detection_ai_model: request.detector }),
        ...(request.species && { species_ai_model: request.species }),
      },
    }),
  );
  await queryClient.invalidateQueries({ queryKey: ["projects"] });
  return project;
}

async function createResearchProject({ name, acronym, mayActivate }: NewProject): Promise<string> {
  const made = await unwrap(
    api.POST("/api/research-projects/", { params: { header: idempotent() }, body: { name, acronym } }),
  );
  if (mayActivate) {
    await unwrap(
      api.POST("/api/research-projects/{project_id}/activate/", { params: { path: { project_id: made.id } } }),
    );
  }
  await queryClient.invalidateQueries({ queryKey: ["research-projects"] });
  return made.id;
}

export async function createCollection(researchProjectId: string, name: string): Promise<CollectionReply> {
  const made = await unwrap(
    api.POST("/api/collections/", {
      params: { header: idempotent() },
      body: { research_project_id: researchProjectId, name },
    }),
  );
  await queryClient.invalidateQueries({ queryKey: ["collections"] });
  return made;
}

export async function linkCollection(projectId: string, collectionId: string): Promise<LinkedCollectionReply> {
  const link = await unwrap(
    api.POST("/api/classification-projects/{project_id}/collections/", {
      params: { path: { project_id: projectId } },
      body: { collection_id: collectionId },
    }),
  );
  await queryClient.invalidateQueries({ queryKey: ["projects", "links", projectId] });
  return link;
}
