import { queryOptions } from "@tanstack/react-query";
import { allPages } from "../../base/api/allPages";
import { api, unwrap } from "../../base/api/client";
import type { ModelKind } from "../../base/api/schema";

const TEN_MINUTES = 600_000;

/** The active models of a kind. */
export const providersQuery = (kind: ModelKind) =>
  queryOptions({
    queryKey: ["providers", "list", kind],
    queryFn: ({ signal }) =>
      allPages((cursor) =>
        unwrap(
          api.GET("/api/ai-providers/", {
            params: { query: { provider_type: kind, is_active: true, limit: 200, ...cursor } },
            signal,
          }),
        ),
      ),
    staleTime: TEN_MINUTES,
  });

export const providerQuery = (id: string) =>
  queryOptions({
    queryKey: ["providers", "detail", id],
    queryFn: ({ signal }) =>
      unwrap(api.GET("/api/ai-providers/{provider_id}/", { params: { path: { provider_id: id } }, signal })),
    staleTime: TEN_MINUTES,
  });
