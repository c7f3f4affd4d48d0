import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { JobReply } from "../../base/api/schema";
import { number } from "../../base/format";
import { text } from "../../base/messages/en";
import { Card, Problem, styles as ui } from "../../ui/parts";
import styles from "./Jobs.module.css";
import { failuresQuery } from "./queries";
import { countReasons } from "./state";

export function JobFailures({ job, project }: { job: JobReply; project: string }) {
  const failures = useQuery(failuresQuery(job.id, job.failed));
  return (
    <Card>
      <section className={styles.section}>
        <h2>{text.jobs.failures}</h2>
        <Problem error={failures.error} />
        {job.failed === 0 ? (
          <p className={ui.soft}>{text.jobs.noFailures}</p>
        ) : (
          <>
            <dl className={styles.pairs}>
              {countReasons(failures.data ?? []).flatMap(([reason, count]) => [
                <dt key={`${reason} count`}>{number(count)}</dt>,
                <dd key={reason}>{reason}</dd>,
              ])}
            </dl>
            <ul>
              {failures.data?.slice(0, 20).map((row) => (
                <li key={row.resource_id}>
                  <Link to="/projects/$project/classify/$resource" params={{ project, resource: row.resource_id }}>
                    {text.jobs.photo} {row.resource_id.slice(-8)}
                  </Link>
                </li>
              ))}
            </ul>
          </>
        )}
      </section>
    </Card>
  );
}
