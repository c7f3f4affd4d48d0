import type { ReactNode } from "react";
import { Card, styles as ui } from "../../ui/parts";

type Props = { title: string; heads: readonly string[]; actions?: ReactNode; children: ReactNode };

export const Section = ({ title, heads, actions, children }: Props) => (
  <section className={ui.form}>
    <div className={ui.pageHead}>
      <h2>{title}</h2>
      {actions}
    </div>
    <Card isPadded={false}>
      <table className={ui.table}>
        <thead>
          <tr>
            {heads.map((head) => (
              <th key={head} scope="col">
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </Card>
  </section>
);
