import { queryOptions } from "@tanstack/react-query";
import { api, unwrap } from "../../base/api/client";

export const connectionsQuery = queryOptions({
  queryKey: ["fleet", "connections"],
  queryFn: async ({ signal }) =>
    (await unwrap(api.GET("/api/ai-provider-connections/", { params: { query: { limit: 100 } }, signal }))).items,
  refetchInterval: 30_000,
});

export const usersQuery = queryOptions({
  queryKey: ["fleet", "users"],
  queryFn: async ({ signal }) =>
    (await unwrap(api.GET("/api/users/", { params: { query: { limit: 100 } }, signal }))).items,
});

export const modelsQuery = queryOptions({
  queryKey: ["providers", "list", "all"],
  queryFn: async ({ signal }) =>
    (await unwrap(api.GET("/api/ai-providers/", { params: { query: { is_active: true, limit: 100 } }, signal }))).items,
});
