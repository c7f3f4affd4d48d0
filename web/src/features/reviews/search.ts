import type { ObservationType } from "../../base/api/schema";
import { text } from "../../base/messages/en";

export type ReviewSearch = {
  type?: ObservationType;
  decision?: "open" | "approved";
  from?: number;
  deployment?: string;
};
export const TYPES = Object.keys(text.classify.types) as ObservationType[];

/** The filters in the address; an unknown value is dropped. */
export function reviewSearch(search: Record<string, unknown>): ReviewSearch {
  const type = TYPES.find((each) => each === search.type);
  const decision = search.decision === "open" || search.decision === "approved" ? search.decision : undefined;
  const from = Number(search.from);
  const deployment = typeof search.deployment === "string" && /^[0-9a-f-]{36}$/.test(search.deployment);
  return {
    ...(type && { type }),
    ...(decision && { decision }),
    ...(from > 0 && from <= 1 && { from }),
    ...(deployment && { deployment: String(search.deployment) }),
  };
}
