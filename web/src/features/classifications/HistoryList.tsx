import type { HistoryItem } from "../../base/api/schema";
import { ago, moment } from "../../base/format";
import { text } from "../../base/messages/en";
import { Badge } from "../../ui/parts";
import { nameOf } from "../observations/names";
import styles from "./Classify.module.css";

type Props = {
  rows: readonly HistoryItem[];
  chosen: string | undefined;
  me: string | undefined;
  onChoose: (id: string) => void;
};

export function HistoryList({ rows, chosen, me, onChoose }: Props) {
  const newestFirst = [...rows].sort((left, right) => right.created_at.localeCompare(left.created_at));
  return (
    <section className={styles.section}>
      <h2>{text.classify.history}</h2>
      <div className={styles.history}>
        {newestFirst.map((row) => (
          <button
            key={row.id}
            type="button"
            className={styles.event}
            aria-pressed={row.id === chosen}
            onClick={() => onChoose(row.id)}
          >
            <span>
              {text.classify.who[row.type]}
              {row.owner_id !== null && row.owner_id === me && ` (${text.jobs.you.toLowerCase()})`}
            </span>
            {row.is_approved ? (
              <Badge tone="good">{text.classify.approvedBy}</Badge>
            ) : row.superseded_by_id ? (
              <Badge>{text.classify.superseded}</Badge>
            ) : null}
            <small title={moment(row.updated_at)}>
              {[...new Set(row.dynamic_attrs.map(nameOf))].join(", ")}, {ago(row.updated_at)}
            </small>
          </button>
        ))}
      </div>
    </section>
  );
}
