import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import type { Statistics } from "../../base/api/schema";
import { number } from "../../base/format";
import { text } from "../../base/messages/en";
import { Badge, Card, Empty, Loaded, Notice, Page, styles as ui } from "../../ui/parts";
import { JobProgress } from "../jobs/JobsPage";
import { jobsQuery } from "../jobs/queries";
import { toneOfStage } from "../jobs/state";
import { projectQuery } from "../projects/queries";
import { Activity, Effort, Places, Species } from "./charts";
import styles from "./Overview.module.css";
import { statisticsQuery } from "./queries";

export function OverviewPage() {
  const { project: id } = useParams({ from: "/signed-in/projects/$project/" });
  const project = useQuery(projectQuery(id));
  return (
    <Page title={project.data?.name ?? text.overview.title} lead={text.overview.title}>
      {project.data?.blocked && (
        <Notice tone="warn">
          <p>{project.data.blocked.message}</p>
          <p>{project.data.blocked.what_to_do}</p>
        </Notice>
      )}
      <Loaded query={useQuery(statisticsQuery(id))} height={480}>
        {(statistics) =>
          statistics.totals.resources === 0 ? (
            <Start project={id} />
          ) : (
            <>
              <Figures project={id} totals={statistics.totals} />
              {statistics.pending > 0 && <p className={ui.hint}>{text.overview.pending(statistics.pending)}</p>}
              <LatestJob project={id} />
              <div className={styles.columns}>
                <Species statistics={statistics} />
                <Activity statistics={statistics} />
                <Effort statistics={statistics} />
                {project.data && <Places statistics={statistics} researchProject={project.data.research_project_id} />}
              </div>
            </>
          )
        }
      </Loaded>
    </Page>
  );
}

const Start = ({ project }: { project: string }) => (
  <>
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
    <LatestJob project={project} />
  </>
);

/** The counts of the project; those that the review can filter by are links to it. */
function Figures({ project, totals }: { project: string; totals: Statistics["totals"] }) {
  const plain: [string, number][] = [
    [text.overview.looked, totals.with_ai],
    [text.overview.waits, totals.without_ai],
    [text.overview.people, totals.by_people],
    [text.overview.inReview, totals.in_review],
  ];
  return (
    <ul className={styles.figures}>
      <Figure project={project} name={text.overview.photos} value={totals.resources} search={{}} />
      {plain.map(([name, value]) => (
        <li key={name} className={styles.figure}>
          <span>{name}</span>
          <strong>{number(value)}</strong>
        </li>
      ))}
      <Figure
        project={project}
        name={text.overview.approved}
        value={totals.approved}
        search={{ decision: "approved" }}
      />
      <Figure project={project} name={text.overview.blank} value={totals.blank} search={{ type: "blank" }} />
      <li>
        <Link to="/projects/$project/jobs" params={{ project }} search={{}} className={styles.figure}>
          <span>{text.overview.failed}</span>
          <strong>{number(totals.failed)}</strong>
        </Link>
      </li>
    </ul>
  );
}

type FigureProps = {
  project: string;
  name: string;
  value: number;
  search: { decision?: "approved"; type?: "blank" };
};

const Figure = ({ project, name, value, search }: FigureProps) => (
  <li>
    <Link to="/projects/$project/review" params={{ project }} search={search} className={styles.figure}>
      <span>{name}</span>
      <strong>{number(value)}</strong>
    </Link>
  </li>
);

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
