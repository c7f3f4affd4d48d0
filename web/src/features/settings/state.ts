import type { ClassificationProjectChange, ClassificationProjectReply, KeepLogits } from "../../base/api/schema";

/** The settings as they stand in the fields: numbers are texts until they are sent. */
export type Fields = {
  name: string;
  object_detection_ai_model: string;
  species_ai_model: string;
  embedding_ai_model: string;
  detection_threshold: string;
  classification_threshold: string;
  nms_iou: string;
  match_iou: string;
  sequence_interval_seconds: string;
  required_ai_classification: boolean;
  keep_logits: KeepLogits;
};

const MODELS = ["object_detection_ai_model", "species_ai_model", "embedding_ai_model"] as const;
const OPTIONAL_NUMBERS = ["detection_threshold", "classification_threshold"] as const;
const NUMBERS = ["nms_iou", "match_iou", "sequence_interval_seconds"] as const;

const shown = (value: number | string | null): string => (value === null ? "" : String(value));

export const toFields = (project: ClassificationProjectReply): Fields => ({
  name: project.name,
  object_detection_ai_model: shown(project.object_detection_ai_model),
  species_ai_model: shown(project.species_ai_model),
  embedding_ai_model: shown(project.embedding_ai_model),
  detection_threshold: shown(project.detection_threshold),
  classification_threshold: shown(project.classification_threshold),
  nms_iou: shown(project.nms_iou),
  match_iou: shown(project.match_iou),
  sequence_interval_seconds: shown(project.sequence_interval_seconds),
  required_ai_classification: project.required_ai_classification,
  keep_logits: project.keep_logits,
});

/** What differs from the project, as it is sent. */
export function toChange(fields: Fields, project: ClassificationProjectReply): ClassificationProjectChange {
  const before = toFields(project);
  const differs = (name: keyof Fields) => fields[name] !== before[name];
  return {
    ...(differs("name") && { name: fields.name.trim() }),
    ...(differs("required_ai_classification") && { required_ai_classification: fields.required_ai_classification }),
    ...(differs("keep_logits") && { keep_logits: fields.keep_logits }),
    ...Object.fromEntries(MODELS.filter(differs).map((name) => [name, fields[name] || null])),
    ...Object.fromEntries(
      OPTIONAL_NUMBERS.filter(differs).map((name) => [name, fields[name] === "" ? null : Number(fields[name])]),
    ),
    ...Object.fromEntries(NUMBERS.filter(differs).map((name) => [name, Number(fields[name])])),
  };
}
