import { queryOptions } from "@tanstack/react-query";
import { api, unwrap } from "../../base/api/client";

export const deploymentsQuery = (researchProjectId: string) =>
  queryOptions({
    queryKey: ["deployments", "list", researchProjectId],
    queryFn: async ({ signal }) =>
      (
        await unwrap(
          api.GET("/api/deployments/", {
            params: { query: { research_project_id: researchProjectId, limit: 100 } },
            signal,
          }),
        )
      ).items,
  });
