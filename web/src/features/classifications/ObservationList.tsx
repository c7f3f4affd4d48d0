import { Link } from "@tanstack/react-router";
import type { ObservationReply, PredictionReply } from "../../base/api/schema";
import { score } from "../../base/format";
import { text } from "../../base/messages/en";
import { Badge } from "../../ui/parts";
import { nameOf } from "../observations/names";
import styles from "./Classify.module.css";
import type { Draft } from "./state";

type Props = {
  drafts: readonly Draft[];
  rows: readonly ObservationReply[];
  selected: string | null;
  onSelect: (key: string) => void;
};

export function ObservationList({ drafts, rows, selected, onSelect }: Props) {
  return (
    <>
      {drafts.map((draft) => {
        const row = rows.find((each) => each.id === draft.id);
        const attributes = [
          draft.count && `× ${draft.count}`,
          draft.sex && text.classify.sexes[draft.sex],
          draft.life_stage && text.classify.lifeStages[draft.life_stage],
          draft.behaviour,
        ].filter(Boolean);
        return (
          <button
            key={draft.key}
            type="button"
            className={styles.observation}
            aria-pressed={draft.key === selected}
            onClick={() => onSelect(draft.key)}
          >
            <svg className={styles.swatch} data-type={draft.observation_type} aria-hidden="true">
              <rect x="1" y="1" width="12" height="12" rx="3" />
            </svg>
            <strong>{nameOf(draft)}</strong>
            <span>{score(row?.classification_confidence ?? row?.detection_confidence ?? null)}</span>
            {draft.scientific_name && draft.label && (
              <small>
                <em>{draft.scientific_name}</em>
              </small>
            )}
            {row && <Before row={row} />}
            {attributes.length > 0 && <small>{attributes.join(", ")}</small>}
          </button>
        );
      })}
    </>
  );
}

/** What the prediction that counts was made from, where a post-processing method changed it. */
function Before({ row }: { row: ObservationReply }) {
  const terminal = row.predictions?.find((prediction) => prediction.terminal);
  if (!terminal?.applied_to) return null;
  const rule = terminal.rule ?? terminal.algorithm.name;
  return <Badge tone="info">{text.classify.was(terminal.applied_to.label, rule)}</Badge>;
}

/** How an observation came about: each prediction, and which of them counts. */
export function Provenance({ row, project }: { row: ObservationReply | undefined; project: string }) {
  if (!row) return null;
  return (
    <div className={styles.section}>
      {row.occurrence_id && (
        <Link to="/projects/$project/occurrences/$occurrence" params={{ project, occurrence: row.occurrence_id }}>
          {text.occurrence.open}
        </Link>
      )}
      {row.predictions?.length ? <Predictions predictions={row.predictions} /> : null}
    </div>
  );
}

const Predictions = ({ predictions }: { predictions: readonly PredictionReply[] }) => (
  <>
    <h3>{text.classify.provenance}</h3>
    <ol className={styles.chain}>
      {predictions.map((prediction) => (
        <li key={prediction.id}>
          <span>
            {prediction.label} {prediction.terminal && `(${text.classify.terminal})`}
          </span>
          <span>{score(prediction.score)}</span>
          {prediction.terminal &&
            prediction.top_k.slice(1, 4).map((ranked) => (
              <small key={ranked.label}>
                {ranked.label} {score(ranked.score)}
              </small>
            ))}
        </li>
      ))}
    </ol>
  </>
);
