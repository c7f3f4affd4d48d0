import { useInfiniteQuery, useQueries, useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { number } from "../../base/format";
import { text } from "../../base/messages/en";
import { Badge, Card, Empty, Loaded, Notice, Page, styles as ui } from "../../ui/parts";
import { JobProgress } from "../jobs/JobsPage";
import { jobsQuery } from "../jobs/queries";
import { toneOfStage } from "../jobs/state";
import { linkCountsQuery, linksQuery, projectQuery } from "../projects/queries";
import styles from "./Overview.module.css";

export function OverviewPage() {
  const { project: id } = useParams({ from: "/signed-in/projects/$project/" });
  const project = useQuery(projectQuery(id));
  const links = useQuery(linksQuery(id));
  return (
    <Page title={project.data?.name ?? text.overview.title} lead={text.overview.title}>
      {project.data?.blocked && (
        <Notice tone="warn">
          <p>{project.data.blocked.message}</p>
          <p>{project.data.blocked.what_to_do}</p>
        </Notice>
      )}
      <Loaded query={links}>{(items) => <Figures project={id} linkIds={items.map((link) => link.id)} />}</Loaded>
      <LatestJob project={id} />
    </Page>
  );
}

function Figures({ project, linkIds }: { project: string; linkIds: string[] }) {
  const counts = useQueries({ queries: linkIds.map((link) => linkCountsQuery(project, link)) });
  const sum = (name: "resources" | "ai_ended" | "unreadable") =>
    counts.reduce((total, each) => total + (each.data?.[name] ?? 0), 0);
  if (counts.every((each) => each.data) && sum("resources") === 0)
    return (
      <Empty title={text.overview.start}>
        <p>{text.overview.startHint}</p>
        <div className={ui.actions}>
          <Link to="/projects/$project/import" params={{ project }} className={ui.button} data-kind="primary">
            {text.overview.toImport}
          </Link>
          <Link to="/projects/$project/settings" params={{ project }} className={ui.button}>
            {text.overview.toSettings}
          </Link>
        </div>
      </Empty>
    );
  return (
    <dl className={styles.figures}>
      <div className={styles.figure}>
        <dt>{text.overview.photos}</dt>
        <dd>{number(sum("resources"))}</dd>
      </div>
      <div className={styles.figure}>
        <dt>{text.overview.looked}</dt>
        <dd>{number(sum("ai_ended"))}</dd>
      </div>
      <div className={styles.figure}>
        <dt>{text.overview.failed}</dt>
        <dd>{number(sum("unreadable"))}</dd>
      </div>
    </dl>
  );
}

function LatestJob({ project }: { project: string }) {
  const job = useInfiniteQuery(jobsQuery(project, undefined)).data?.pages[0]?.items[0];
  if (!job) return null;
  return (
    <Card>
      <section className={styles.section}>
        <div className={ui.actions}>
          <h2>{text.overview.latest}</h2>
          <Badge tone={toneOfStage(job.stage)}>{text.jobs.stages[job.stage]}</Badge>
          <Link to="/projects/$project/jobs/$job" params={{ project, job: job.id }}>
            {job.provider.name}
          </Link>
        </div>
        <JobProgress job={job} />
      </section>
    </Card>
  );
}
