import { number } from "../../base/format";
import styles from "./charts.module.css";
import { byHour } from "./state";

const [WIDTH, HEIGHT, FOOT] = [480, 160, 20];
const STEP = WIDTH / 24;

type Props = {
  caption: string;
  heads: readonly [string, string];
  hours: readonly { hour: number | null; value: number }[];
};

/** Twenty-four bars, one per hour of the place's clock; the same numbers stand in a table for screen readers. */
export function HourChart({ caption, heads, hours }: Props) {
  const values = byHour(hours);
  const most = Math.max(1, ...values.map(({ value }) => value));
  return (
    <figure className={styles.figure}>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} className={styles.hours} aria-hidden="true">
        {values.map(({ hour, value }) => (
          <rect
            key={hour}
            className={styles.whole}
            x={hour * STEP + 2}
            width={STEP - 4}
            y={(HEIGHT - FOOT) * (1 - value / most)}
            height={((HEIGHT - FOOT) * value) / most}
            rx="2"
          />
        ))}
        <line className={styles.axis} x1="0" x2={WIDTH} y1={HEIGHT - FOOT} y2={HEIGHT - FOOT} />
        {[0, 6, 12, 18, 23].map((hour) => (
          <text key={hour} className={styles.tick} x={hour * STEP + STEP / 2} y={HEIGHT - 4} textAnchor="middle">
            {hour}
          </text>
        ))}
      </svg>
      <div className={styles.hidden}>
        <table>
          <caption>{caption}</caption>
          <thead>
            <tr>
              <th scope="col">{heads[0]}</th>
              <th scope="col">{heads[1]}</th>
            </tr>
          </thead>
          <tbody>
            {values.map(({ hour, value }) => (
              <tr key={hour}>
                <th scope="row">{hour}</th>
                <td>{number(value)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </figure>
  );
}
