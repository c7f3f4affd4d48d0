import type { ReactNode } from "react";
import { asProblem, sentence } from "../base/api/problem";
import { count, percent } from "../base/format";
import { text } from "../base/messages/en";
import { Button } from "./Button";
import styles from "./ui.module.css";

export type Tone = "good" | "bad" | "warn" | "info" | "plain";

export const Badge = ({ tone = "plain", children }: { tone?: Tone; children: ReactNode }) => (
  <span className={styles.badge} data-tone={tone}>
    {children}
  </span>
);

export const Card = ({ children, isPadded = true }: { children: ReactNode; isPadded?: boolean }) => (
  <div className={`${styles.card} ${isPadded ? styles.padded : styles.scroll}`}>{children}</div>
);

export const Notice = ({ tone = "info", children }: { tone?: Tone; children: ReactNode }) => (
  <div className={styles.notice} data-tone={tone} role={tone === "bad" ? "alert" : "status"}>
    {children}
  </div>
);

/** A refusal where the action was, with what to do. */
export function Problem({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  if (!error) return null;
  const problem = asProblem(error);
  return (
    <Notice tone="bad">
      <p>{sentence(error)}</p>
      {problem.fields.map((each) => (
        <p key={each.field}>
          {each.field}: {each.message}
        </p>
      ))}
      {problem.status >= 500 && problem.requestId && (
        <p className={styles.noticeSoft}>{text.shell.requestId(problem.requestId)}</p>
      )}
      {onRetry && (
        <Button size="small" onPress={onRetry}>
          {text.shell.retry}
        </Button>
      )}
    </Notice>
  );
}

export const Empty = ({ title, children }: { title: string; children: ReactNode }) => (
  <div className={styles.empty}>
    <h2>{title}</h2>
    {children}
  </div>
);

export const Skeleton = ({ height = 160 }: { height?: number }) => (
  <svg className={styles.skeleton} width="100%" height={height} role="img" aria-label={text.shell.loading} />
);

/** A bar of 0 to 1, as SVG because the policy of the page refuses style attributes. */
export const Progress = ({ value, label, tone = "plain" }: { value: number; label: string; tone?: Tone }) => (
  <svg
    className={styles.bar}
    data-tone={tone}
    role="progressbar"
    aria-label={label}
    aria-valuenow={Math.round(value * 100)}
    aria-valuetext={percent(value)}
    viewBox="0 0 100 6"
    preserveAspectRatio="none"
  >
    <rect width={100 * value} height="6" />
  </svg>
);

type PageProps = { title: string; lead?: ReactNode; actions?: ReactNode; children: ReactNode };

export const Page = ({ title, lead, actions, children }: PageProps) => (
  <div className={styles.page}>
    <header className={styles.pageHead}>
      <div>
        <h1 tabIndex={-1}>{title}</h1>
        {lead && <p>{lead}</p>}
      </div>
      {actions && <div className={styles.actions}>{actions}</div>}
    </header>
    {children}
  </div>
);

type QueryState<T> = { data: T | undefined; error: unknown; isPending: boolean; refetch: () => unknown };

/** The loading, error and loaded states of a view. */
export function Loaded<T>({
  query,
  height,
  children,
}: {
  query: QueryState<T>;
  height?: number;
  children: (data: T) => ReactNode;
}) {
  if (query.data !== undefined) return <>{children(query.data)}</>;
  if (query.error) return <Problem error={query.error} onRetry={() => query.refetch()} />;
  return <Skeleton {...(height && { height })} />;
}

export { count, styles };
