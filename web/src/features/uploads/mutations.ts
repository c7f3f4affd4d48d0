import { api, idempotent, unwrap } from "../../base/api/client";
import type { AnnouncedFile, UploadReply } from "../../base/api/schema";

/** The id of the deployment of this name, made where there is none. */
export async function ensureDeployment(researchProjectId: string, name: string): Promise<string> {
  const { items } = await unwrap(
    api.GET("/api/deployments/", {
      params: { query: { research_project_id: researchProjectId, deployment_id: name, limit: 100 } },
    }),
  );
  const existing = items.find((each) => each.deployment_id === name);
  if (existing) return existing.id;
  const made = await unwrap(
    api.POST("/api/deployments/", {
      params: { header: idempotent() },
      body: { research_project_id: researchProjectId, deployment_id: name },
    }),
  );
  return made.id;
}

export async function announce(
  researchProjectId: string,
  collectionId: string,
  items: AnnouncedFile[],
): Promise<UploadReply[]> {
  const reply = await unwrap(
    api.POST("/api/uploads/", {
      body: { research_project_id: researchProjectId, collection_id: collectionId, items },
    }),
  );
  return reply.items;
}

export const sendContent = (uploadId: string, file: File) =>
  unwrap(
    api.PUT("/api/uploads/{upload_id}/content", {
      params: { path: { upload_id: uploadId } },
      body: file as never,
      bodySerializer: (body: unknown) => body as BodyInit,
      headers: { "Content-Type": "application/octet-stream" },
    }),
  );
