import { queryOptions } from "@tanstack/react-query";
import { allPages } from "../../base/api/allPages";
import { api, unwrap } from "../../base/api/client";

export const connectionsQuery = queryOptions({
  queryKey: ["fleet", "connections"],
  queryFn: ({ signal }) =>
    allPages((cursor) =>
      unwrap(api.GET("/api/ai-provider-connections/", { params: { query: { limit: 200, ...cursor } }, signal })),
    ),
  refetchInterval: 30_000,
});

export const fleetQuery = queryOptions({
  queryKey: ["fleet", "state"],
  queryFn: ({ signal }) => unwrap(api.GET("/api/fleet/", { signal })),
  refetchInterval: 5_000,
});

export const usersQuery = queryOptions({
  queryKey: ["fleet", "users"],
  queryFn: ({ signal }) =>
    allPages((cursor) => unwrap(api.GET("/api/users/", { params: { query: { limit: 200, ...cursor } }, signal }))),
});

export const modelsQuery = queryOptions({
  queryKey: ["providers", "list", "all"],
  queryFn: ({ signal }) =>
    allPages((cursor) =>
      unwrap(api.GET("/api/ai-providers/", { params: { query: { is_active: true, limit: 200, ...cursor } }, signal })),
    ),
});
