import { api, idempotent, ifMatch, unwrap } from "../../base/api/client";
import type { ClassificationDetail, ClassificationReply, ObservationChange } from "../../base/api/schema";
import { decided } from "./queries";

const PATH = "/api/media-classifications/classifications/{classification_id}";

export async function approve(row: { id: string; version: number }): Promise<void> {
  try {
    await unwrap(
      api.POST(`${PATH}/approve/`, {
        params: { path: { classification_id: row.id }, header: ifMatch(row.version) },
        body: {},
      }),
    );
  } finally {
    await decided();
  }
}

export async function unapprove(row: { id: string; version: number }): Promise<void> {
  try {
    await unwrap(
      api.POST(`${PATH}/unapprove/`, {
        params: { path: { classification_id: row.id }, header: ifMatch(row.version) },
      }),
    );
  } finally {
    await decided();
  }
}

export async function fork(id: string): Promise<ClassificationReply> {
  const made = await unwrap(
    api.POST(`${PATH}/fork/`, { params: { path: { classification_id: id }, header: idempotent() } }),
  );
  await decided();
  return made;
}

export async function start(projectId: string, resourceId: string): Promise<ClassificationReply> {
  const made = await unwrap(
    api.POST("/api/media-classifications/classifications/", {
      params: { header: idempotent() },
      body: {
        classification_project_id: projectId,
        resource_id: resourceId,
        dynamic_attrs: [{ observation_type: "blank" }],
      },
    }),
  );
  await decided();
  return made;
}

export const save = (
  row: { id: string; version: number },
  observations: ObservationChange[],
): Promise<ClassificationDetail> =>
  unwrap(
    api.PATCH(`${PATH}/`, {
      params: { path: { classification_id: row.id }, header: ifMatch(row.version) },
      body: { dynamic_attrs: observations },
    }),
  );

export async function sendFeedback(id: string, observations: ObservationChange[]): Promise<void> {
  await unwrap(
    api.POST(`${PATH}/feedback/`, {
      params: { path: { classification_id: id }, header: idempotent() },
      body: { dynamic_attrs: observations },
    }),
  );
  await decided();
}
