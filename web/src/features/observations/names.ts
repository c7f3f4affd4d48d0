import type { ObservationType } from "../../base/api/schema";
import { text } from "../../base/messages/en";

type Named = { observation_type: ObservationType; label?: string | null; scientific_name?: string | null };

const capital = (name: string): string => name.charAt(0).toUpperCase() + name.slice(1);

/** The name that a person reads first: the species where there is one, else what kind of thing it is. */
export function nameOf(observation: Named): string {
  const isKind = observation.label === observation.observation_type;
  if (observation.label && !isKind) return capital(observation.label);
  return observation.scientific_name ?? text.classify.types[observation.observation_type];
}
