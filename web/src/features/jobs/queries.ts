import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { api, unwrap } from "../../base/api/client";
import type { JobReply, JobStage } from "../../base/api/schema";
import { isClosed } from "./state";

const OPEN_MS = 2_000;
const QUIET_MS = 10_000;

const pace = (jobs: readonly JobReply[]): number => (jobs.every(isClosed) ? QUIET_MS : OPEN_MS);

export const jobsQuery = (projectId: string, stage: JobStage | undefined) =>
  infiniteQueryOptions({
    queryKey: ["jobs", "list", projectId, stage ?? null],
    initialPageParam: null as string | null,
    queryFn: ({ pageParam, signal }) =>
      unwrap(
        api.GET("/api/ai-classification-jobs/", {
          params: {
            query: {
              classification_project_id: [projectId],
              limit: 50,
              ...(stage && { stage: [stage] }),
              ...(pageParam && { cursor: pageParam }),
            },
          },
          signal,
        }),
      ),
    getNextPageParam: (page) => page.next_cursor,
    refetchInterval: (query) => pace(query.state.data?.pages.flatMap((page) => page.items) ?? []),
  });

export const jobQuery = (id: string) =>
  queryOptions({
    queryKey: ["jobs", "detail", id],
    queryFn: ({ signal }) =>
      unwrap(api.GET("/api/ai-classification-jobs/{job_id}/", { params: { path: { job_id: id } }, signal })),
    refetchInterval: (query) => (query.state.data ? pace([query.state.data]) : OPEN_MS),
  });

export const failuresQuery = (id: string, failed: number) =>
  queryOptions({
    queryKey: ["jobs", "failures", id, failed],
    queryFn: async ({ signal }) =>
      (
        await unwrap(
          api.GET("/api/ai-classification-jobs/{job_id}/resources/", {
            params: { path: { job_id: id }, query: { outcome: ["failed"], limit: 100 } },
            signal,
          }),
        )
      ).items,
    enabled: failed > 0,
  });
