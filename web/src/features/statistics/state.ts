import type { DeploymentReply, LabelCounts, LocationReply, Statistics } from "../../base/api/schema";
import { text } from "../../base/messages/en";
import type { Place } from "../../parts/map/state";

const SHOWN = 12;

export type SpeciesRow = { key: string; name: string; isLatin: boolean; photos: number; approved: number };

/** The most frequent species and kinds; the rest is one row. */
export function speciesRows(labels: readonly LabelCounts[]): SpeciesRow[] {
  const rows = labels
    .filter((label) => label.observation_type !== "blank")
    .map((label) => ({
      key: `${label.observation_type} ${label.taxon_id ?? ""}`,
      name: label.scientific_name ?? text.classify.types[label.observation_type],
      isLatin: label.scientific_name !== null,
      photos: Math.max(label.by_ai.resources, label.approved.resources),
      approved: label.approved.resources,
    }));
  if (rows.length <= SHOWN) return rows;
  const rest = rows.slice(SHOWN - 1);
  const sum = (name: "photos" | "approved") => rest.reduce((total, row) => total + row[name], 0);
  return [
    ...rows.slice(0, SHOWN - 1),
    {
      key: "rest",
      name: text.overview.others(rest.length),
      isLatin: false,
      photos: sum("photos"),
      approved: sum("approved"),
    },
  ];
}

export type CountedPlace = Place & { deployments: number; photos: number };

/** The locations that have coordinates and photos of the project, with what was taken there. */
export function countedPlaces(
  counts: Statistics["deployments"],
  deployments: readonly DeploymentReply[],
  locations: readonly LocationReply[],
): CountedPlace[] {
  const locationOf = new Map(deployments.map((each) => [each.id, each.location_id]));
  return locations.flatMap((location) => {
    const own = counts.filter((each) => each.deployment_id && locationOf.get(each.deployment_id) === location.id);
    if (location.latitude === null || location.longitude === null || own.length === 0) return [];
    return [
      {
        id: location.id,
        name: location.name || location.location_id,
        latitude: location.latitude,
        longitude: location.longitude,
        deployments: own.length,
        photos: own.reduce((total, each) => total + each.resources, 0),
      },
    ];
  });
}
