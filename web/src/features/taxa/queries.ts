import { queryOptions } from "@tanstack/react-query";
import { api, unwrap } from "../../base/api/client";

const TEN_MINUTES = 600_000;

export const taxaQuery = (name: string) =>
  queryOptions({
    queryKey: ["taxa", "list", name],
    queryFn: async ({ signal }) =>
      (await unwrap(api.GET("/api/taxa/", { params: { query: { name, limit: 20 } }, signal }))).items,
    enabled: name.length > 1,
    staleTime: TEN_MINUTES,
  });
