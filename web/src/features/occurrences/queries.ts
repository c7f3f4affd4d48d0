import { queryOptions } from "@tanstack/react-query";
import { api, unwrap } from "../../base/api/client";

export const occurrenceQuery = (id: string) =>
  queryOptions({
    queryKey: ["occurrences", "detail", id],
    queryFn: ({ signal }) =>
      unwrap(api.GET("/api/occurrences/{occurrence_id}/", { params: { path: { occurrence_id: id } }, signal })),
  });
