import { api, unwrap } from "../../base/api/client";
import { ApiProblem } from "../../base/api/problem";
import type { IdentificationItem } from "../../base/api/schema";
import { queryClient } from "../../base/queryClient";

/** Says which taxon an occurrence is; a refusal of the one item is the refusal of the call. */
export async function identify(item: IdentificationItem): Promise<void> {
  const { items } = await unwrap(api.POST("/api/occurrences/identifications/", { body: { items: [item] } }));
  await refresh();
  const problem = items[0]?.problem;
  if (problem) throw new ApiProblem(problem.status, problem);
}

export async function withdraw(identificationId: string): Promise<void> {
  const { items } = await unwrap(
    api.POST("/api/occurrences/identifications/withdraw/", { body: { identification_ids: [identificationId] } }),
  );
  await refresh();
  const problem = items[0]?.problem;
  if (problem) throw new ApiProblem(problem.status, problem);
}

async function refresh(): Promise<void> {
  await queryClient.invalidateQueries({ queryKey: ["occurrences"] });
  void queryClient.invalidateQueries({ queryKey: ["observations"] });
}
