import { day } from "../../base/format";
import styles from "./charts.module.css";
import { onLine, toSpan, wholeSpan } from "./state";

export type TimelineRow = {
  key: string;
  name: string;
  start_at: string | null;
  end_at: string | null;
  value: string;
};

type Props = { caption: string; heads: readonly [string, string, string]; rows: readonly TimelineRow[] };

/** One line per row from its start to its end, over the time that all of them span. */
export function Timeline({ caption, heads, rows }: Props) {
  const whole = wholeSpan(rows);
  return (
    <table className={styles.bars}>
      <caption className={styles.hidden}>{caption}</caption>
      <thead className={styles.hidden}>
        <tr>
          {heads.map((head) => (
            <th key={head} scope="col">
              {head}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => {
          const span = toSpan(row);
          return (
            <tr key={row.key}>
              <th scope="row">{row.name}</th>
              <td>
                <svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
                  <rect className={styles.track} width="100" height="10" />
                  {span && whole && <rect className={styles.whole} {...onLine(span, whole)} height="10" />}
                </svg>
                <span className={styles.hidden}>{span && `${day(span.start)} – ${day(span.end)}`}</span>
              </td>
              <td className={styles.value}>{row.value}</td>
            </tr>
          );
        })}
      </tbody>
      {whole && (
        <tfoot aria-hidden="true">
          <tr>
            <td />
            <td className={styles.ends}>
              <span>{day(whole.start)}</span>
              <span>{day(whole.end)}</span>
            </td>
            <td />
          </tr>
        </tfoot>
      )}
    </table>
  );
}
