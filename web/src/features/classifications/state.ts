import type {
  ClassificationType,
  HistoryItem,
  ObservationChange,
  ObservationReply,
  ObservationType,
} from "../../base/api/schema";
import type { Box } from "../../parts/viewer/state";

/** An observation as it is edited; `key` is its id, or one of our own until it has one. */
export type Draft = Omit<ObservationChange, "bbox"> & {
  key: string;
  bbox: Box | null;
  observation_type: ObservationType;
  scientific_name: string | null;
  label: string | null;
};

export const toDraft = (row: ObservationReply): Draft => ({
  key: row.id,
  id: row.id,
  bbox: row.bbox as unknown as Box | null,
  observation_type: row.observation_type,
  taxon_id: row.taxon_id,
  scientific_name: row.scientific_name,
  label: row.label,
  sex: row.sex,
  life_stage: row.life_stage,
  behaviour: row.behaviour,
  individual_id: row.individual_id,
  count: row.count,
  observation_level: row.observation_level,
  first_frame_index: row.first_frame_index,
  custom_attributes: row.custom_attributes,
  tags: row.tags,
});

/** What is sent; a photo that nothing is left on is blank. */
export function toChanges(drafts: readonly Draft[], { withIds }: { withIds: boolean }): ObservationChange[] {
  const kept = drafts.length > 1 ? drafts.filter((draft) => draft.observation_type !== "blank") : drafts;
  if (kept.length === 0) return [{ observation_type: "blank" }];
  return kept.map(({ key, id, bbox, scientific_name: _name, label: _label, ...rest }) => ({
    ...(rest.observation_type === "blank" ? { observation_type: rest.observation_type } : rest),
    ...(withIds && id && id === key && { id }),
    ...(bbox && rest.observation_type !== "blank" && { bbox: [...bbox] }),
  }));
}

/** An observation with another kind: only animals have a taxon, a sex and a life stage. */
export function withType(draft: Draft, type: ObservationType): Draft {
  const cleared = { taxon_id: null, scientific_name: null, label: null, sex: null, life_stage: null };
  return { ...draft, ...(type !== "animal" && cleared), observation_type: type };
}

const ORDER: readonly ClassificationType[] = ["user", "ai", "feedback", "final"];

/** The row that a person sees first: the approved one, else their own, else the newest that stands. */
export function chooseRow(rows: readonly HistoryItem[], me: string | undefined): HistoryItem | undefined {
  const standing = rows.filter((row) => row.type !== "final" && row.superseded_by_id === null);
  const newestFirst = [...standing].sort((left, right) => right.created_at.localeCompare(left.created_at));
  return (
    newestFirst.find((row) => row.is_approved) ??
    newestFirst.find((row) => row.type === "user" && row.owner_id === me) ??
    newestFirst.sort((left, right) => ORDER.indexOf(left.type) - ORDER.indexOf(right.type))[0]
  );
}

/** Whether a person edits a row in place: their own, which nobody approved yet. */
export const isOwnDraft = (row: HistoryItem, me: string | undefined): boolean =>
  row.type === "user" && row.owner_id === me && row.locked_at === null && !row.is_approved;
