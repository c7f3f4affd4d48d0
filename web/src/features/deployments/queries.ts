import { queryOptions } from "@tanstack/react-query";
import { allPages } from "../../base/api/allPages";
import { api, unwrap } from "../../base/api/client";

export const deploymentsQuery = (researchProjectId: string) =>
  queryOptions({
    queryKey: ["deployments", "list", researchProjectId],
    queryFn: ({ signal }) =>
      allPages((cursor) =>
        unwrap(
          api.GET("/api/deployments/", {
            params: { query: { research_project_id: researchProjectId, limit: 200, ...cursor } },
            signal,
          }),
        ),
      ),
  });
