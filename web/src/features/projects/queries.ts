import { queryOptions } from "@tanstack/react-query";
import { allPages } from "../../base/api/allPages";
import { api, unwrap } from "../../base/api/client";

const TEN_MINUTES = 600_000;

export const projectsQuery = queryOptions({
  queryKey: ["projects", "list"],
  queryFn: ({ signal }) =>
    allPages((cursor) =>
      unwrap(api.GET("/api/classification-projects/", { params: { query: { limit: 200, ...cursor } }, signal })),
    ),
});

export const projectQuery = (id: string) =>
  queryOptions({
    queryKey: ["projects", "detail", id],
    queryFn: ({ signal }) =>
      unwrap(api.GET("/api/classification-projects/{project_id}/", { params: { path: { project_id: id } }, signal })),
  });

export const researchProjectsQuery = queryOptions({
  queryKey: ["research-projects", "list"],
  queryFn: ({ signal }) =>
    allPages((cursor) =>
      unwrap(api.GET("/api/research-projects/", { params: { query: { limit: 200, ...cursor } }, signal })),
    ),
});

export const linksQuery = (projectId: string) =>
  queryOptions({
    queryKey: ["projects", "links", projectId],
    queryFn: ({ signal }) =>
      allPages((cursor) =>
        unwrap(
          api.GET("/api/classification-projects/{project_id}/collections/", {
            params: { path: { project_id: projectId }, query: { limit: 200, ...cursor } },
            signal,
          }),
        ),
      ),
  });

export const collectionsQuery = (researchProjectId: string) =>
  queryOptions({
    queryKey: ["collections", "list", researchProjectId],
    queryFn: ({ signal }) =>
      allPages((cursor) =>
        unwrap(
          api.GET("/api/collections/", {
            params: { query: { research_project_id: researchProjectId, is_active: true, limit: 200, ...cursor } },
            signal,
          }),
        ),
      ),
  });

export const linkCountsQuery = (projectId: string, linkId: string) =>
  queryOptions({
    queryKey: ["projects", "link-counts", projectId, linkId],
    queryFn: ({ signal }) =>
      unwrap(
        api.GET("/api/classification-projects/{project_id}/collections/{link_id}/counts/", {
          params: { path: { project_id: projectId, link_id: linkId } },
          signal,
        }),
      ),
    staleTime: TEN_MINUTES / 20,
  });
