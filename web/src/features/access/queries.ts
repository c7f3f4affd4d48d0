import { queryOptions } from "@tanstack/react-query";
import { api, unwrap } from "../../base/api/client";
import type { CallerReply, Capability } from "../../base/api/schema";
import { session } from "../../base/api/session";

const TEN_MINUTES = 600_000;

export const meQuery = queryOptions({
  queryKey: ["me"],
  queryFn: async ({ signal }): Promise<CallerReply> => {
    const me = await unwrap(api.GET("/api/me/", { signal }));
    if (me.csrf_token) session.begin(me.csrf_token);
    return me;
  },
  staleTime: Number.POSITIVE_INFINITY,
});

export const invitationsQuery = queryOptions({
  queryKey: ["invitations"],
  queryFn: async ({ signal }) =>
    (await unwrap(api.GET("/api/invitations/", { params: { query: { limit: 100 } }, signal }))).items,
});

export const capabilitiesQuery = (projectId: string) =>
  queryOptions({
    queryKey: ["capabilities", projectId],
    queryFn: async ({ signal }) =>
      (
        await unwrap(
          api.GET("/api/classification-projects/{project_id}/capabilities/", {
            params: { path: { project_id: projectId } },
            signal,
          }),
        )
      ).items,
    staleTime: TEN_MINUTES,
  });

export const researchCapabilitiesQuery = (projectId: string) =>
  queryOptions({
    queryKey: ["research-capabilities", projectId],
    queryFn: async ({ signal }) =>
      (
        await unwrap(
          api.GET("/api/research-projects/{project_id}/capabilities/", {
            params: { path: { project_id: projectId } },
            signal,
          }),
        )
      ).items,
    staleTime: TEN_MINUTES,
  });

/** Whether a list of capabilities has this one; not yet known is no. */
export const can = (capabilities: readonly Capability[] | undefined, capability: Capability): boolean =>
  capabilities?.includes(capability) ?? false;
