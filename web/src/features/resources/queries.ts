import { queryOptions } from "@tanstack/react-query";
import { api, unwrap } from "../../base/api/client";

export const thumbnailUrl = (id: string): string => `/api/media/${id}/thumbnail`;
export const originalUrl = (id: string): string => `/api/media/${id}/original`;

export const resourceQuery = (id: string) =>
  queryOptions({
    queryKey: ["resources", "detail", id],
    queryFn: ({ signal }) =>
      unwrap(api.GET("/api/resources/{resource_id}/", { params: { path: { resource_id: id } }, signal })),
  });

export const neighboursQuery = (id: string, linkId: string | null) =>
  queryOptions({
    queryKey: ["resources", "neighbours", id, linkId],
    queryFn: ({ signal }) =>
      unwrap(
        api.GET("/api/resources/{resource_id}/neighbours/", {
          params: { path: { resource_id: id }, query: { linked_collection_id: linkId ?? "", limit: 20 } },
          signal,
        }),
      ),
    enabled: linkId !== null,
  });
