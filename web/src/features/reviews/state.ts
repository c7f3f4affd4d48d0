import type { ObservationReply } from "../../base/api/schema";

export type Photo = { resourceId: string; observations: ObservationReply[] };

/** The rows of each photo together, in the order of their first row. */
export function groupByPhoto(rows: readonly ObservationReply[]): Photo[] {
  const photos = new Map<string, Photo>();
  for (const row of rows) {
    const photo = photos.get(row.resource_id) ?? { resourceId: row.resource_id, observations: [] };
    photo.observations.push(row);
    photos.set(row.resource_id, photo);
  }
  return [...photos.values()];
}
