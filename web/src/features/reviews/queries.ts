import { infiniteQueryOptions } from "@tanstack/react-query";
import { api, unwrap } from "../../base/api/client";
import type { ReviewSearch } from "./search";

const PER_PAGE = 60;

/** What is said now, row by row: what people said where they did, and else what the AI did. */
export const observationsQuery = (projectId: string, search: ReviewSearch) =>
  infiniteQueryOptions({
    queryKey: ["observations", "list", projectId, search],
    initialPageParam: null as string | null,
    queryFn: ({ pageParam, signal }) =>
      unwrap(
        api.GET("/api/observations/", {
          params: {
            query: {
              classification_project_id: [projectId],
              current: true,
              limit: PER_PAGE,
              ...(search.decision === "approved" ? { approved: true } : { type: ["ai" as const] }),
              ...(search.decision === "open" && { approved: false }),
              ...(search.type && { observation_type: [search.type] }),
              ...(search.from && { min_confidence: search.from }),
              ...(search.deployment && { deployment_id: [search.deployment] }),
              ...(pageParam && { cursor: pageParam }),
            },
          },
          signal,
        }),
      ),
    getNextPageParam: (page) => page.next_cursor,
  });
