import { queryOptions } from "@tanstack/react-query";
import { api, unwrap } from "../../base/api/client";

export const statisticsQuery = (projectId: string) =>
  queryOptions({
    queryKey: ["statistics", projectId],
    queryFn: ({ signal }) =>
      unwrap(
        api.GET("/api/classification-projects/{project_id}/statistics/", {
          params: { path: { project_id: projectId } },
          signal,
        }),
      ),
    staleTime: 2_000,
    refetchInterval: (query) => ((query.state.data?.pending ?? 0) > 0 ? 3_000 : 30_000),
  });
