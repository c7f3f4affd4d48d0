import type { JobStage } from "../../base/api/schema";
import { text } from "../../base/messages/en";

export const STAGES = Object.keys(text.jobs.stages) as JobStage[];

/** The filters in the address; an unknown value is dropped. */
export const jobsSearch = (search: Record<string, unknown>): { stage?: JobStage } => {
  const stage = STAGES.find((each) => each === search.stage);
  return stage ? { stage } : {};
};
