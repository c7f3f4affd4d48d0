import type { ObservationReply, PredictionReply } from "../../base/api/schema";

/** All predictions of the current observations, newest first. */
export const predictionsOf = (
  observations: readonly Pick<ObservationReply, "is_current" | "predictions">[],
): PredictionReply[] =>
  observations
    .filter((row) => row.is_current)
    .flatMap((row) => row.predictions ?? [])
    .sort((left, right) => right.created_at.localeCompare(left.created_at));
