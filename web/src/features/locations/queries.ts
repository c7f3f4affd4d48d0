import { queryOptions } from "@tanstack/react-query";
import { allPages } from "../../base/api/allPages";
import { api, unwrap } from "../../base/api/client";

export const locationsQuery = (researchProjectId: string) =>
  queryOptions({
    queryKey: ["locations", "list", researchProjectId],
    queryFn: ({ signal }) =>
      allPages((cursor) =>
        unwrap(
          api.GET("/api/locations/", {
            params: { query: { research_project_id: researchProjectId, limit: 200, ...cursor } },
            signal,
          }),
        ),
      ),
    staleTime: 600_000,
  });
