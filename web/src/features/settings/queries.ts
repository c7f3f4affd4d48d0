import { queryOptions } from "@tanstack/react-query";
import { api, unwrap } from "../../base/api/client";

export const membersQuery = (projectId: string) =>
  queryOptions({
    queryKey: ["members", projectId],
    queryFn: async ({ signal }) =>
      (
        await unwrap(
          api.GET("/api/classification-projects/{project_id}/members/", {
            params: { path: { project_id: projectId } },
            signal,
          }),
        )
      ).items,
  });
