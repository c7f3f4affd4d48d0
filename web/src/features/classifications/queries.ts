import { queryOptions } from "@tanstack/react-query";
import { api, unwrap } from "../../base/api/client";
import { queryClient } from "../../base/queryClient";

export const historyQuery = (projectId: string, resourceId: string) =>
  queryOptions({
    queryKey: ["classifications", "history", projectId, resourceId],
    queryFn: ({ signal }) =>
      unwrap(
        api.GET("/api/media-classifications/resources/{resource_id}/history/", {
          params: { path: { resource_id: resourceId }, query: { classification_project_id: projectId } },
          signal,
        }),
      ),
  });

/** After a decision: the photo's history, and every list and count that shows it. */
export const decided = async (): Promise<void> => {
  await queryClient.invalidateQueries({ queryKey: ["classifications"] });
  void queryClient.invalidateQueries({ queryKey: ["observations"] });
  void queryClient.invalidateQueries({ queryKey: ["statistics"] });
};
