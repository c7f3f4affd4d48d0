import type { ReactNode } from "react";
import { number } from "../../base/format";
import styles from "./charts.module.css";

export type Bar = { key: string; name: ReactNode; value: number; part?: number };

type Props = { caption: string; heads: readonly [string, string]; bars: readonly Bar[] };

/** Bars that are the rows of a table, so that eyes and screen readers get the same numbers; `part` is the dark share. */
export function BarTable({ caption, heads, bars }: Props) {
  const most = Math.max(1, ...bars.map((bar) => bar.value));
  return (
    <table className={styles.bars}>
      <caption className={styles.hidden}>{caption}</caption>
      <thead className={styles.hidden}>
        <tr>
          <th scope="col">{heads[0]}</th>
          <td />
          <th scope="col">{heads[1]}</th>
        </tr>
      </thead>
      <tbody>
        {bars.map((bar) => (
          <tr key={bar.key}>
            <th scope="row">{bar.name}</th>
            <td>
              <svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
                <rect className={styles.whole} width={(100 * bar.value) / most} height="10" />
                {bar.part !== undefined && <rect className={styles.part} width={(100 * bar.part) / most} height="10" />}
              </svg>
            </td>
            <td className={styles.value}>{number(bar.value)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
