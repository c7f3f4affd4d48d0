import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import type { JobReply, JobStage } from "../../base/api/schema";
import { ago, duration, rate } from "../../base/format";
import { text } from "../../base/messages/en";
import { Button } from "../../ui/Button";
import { SelectField } from "../../ui/fields";
import { Badge, Card, Empty, Loaded, Page, Progress, styles as ui } from "../../ui/parts";
import { meQuery } from "../access/queries";
import styles from "./Jobs.module.css";
import { jobsQuery } from "./queries";
import { STAGES } from "./search";
import { isClosed, toneOfStage } from "./state";

export function JobsPage() {
  const { project } = useParams({ from: "/signed-in/projects/$project/jobs" });
  const { stage } = useSearch({ from: "/signed-in/projects/$project/jobs" });
  const navigate = useNavigate();
  const jobs = useInfiniteQuery(jobsQuery(project, stage));
  const choose = (value: JobStage | "") =>
    void navigate({ to: "/projects/$project/jobs", params: { project }, search: value ? { stage: value } : {} });
  return (
    <Page title={text.jobs.title} lead={text.jobs.lead}>
      <div className={styles.filter}>
        <SelectField
          label={text.jobs.filter}
          value={stage ?? ""}
          onChange={choose}
          options={[
            { value: "", label: text.jobs.all },
            ...STAGES.map((value) => ({ value, label: text.jobs.stages[value] })),
          ]}
        />
      </div>
      <Loaded query={jobs}>
        {({ pages }) => {
          const items = pages.flatMap((page) => page.items);
          if (items.length === 0)
            return (
              <Empty title={text.jobs.empty}>
                <p>{text.jobs.emptyHint}</p>
                <Link to="/projects/$project/import" params={{ project }}>
                  {text.overview.toImport}
                </Link>
              </Empty>
            );
          return (
            <Card isPadded={false}>
              <JobTable jobs={items} project={project} />
            </Card>
          );
        }}
      </Loaded>
      {jobs.hasNextPage && <Button onPress={() => void jobs.fetchNextPage()}>{text.shell.more}</Button>}
    </Page>
  );
}

function JobTable({ jobs, project }: { jobs: readonly JobReply[]; project: string }) {
  return (
    <table className={ui.table}>
      <thead>
        <tr>
          <th scope="col">{text.jobs.started}</th>
          <th scope="col">{text.jobs.stage}</th>
          <th scope="col">{text.jobs.model}</th>
          <th scope="col">{text.jobs.progress}</th>
          <th scope="col" className={ui.number}>
            {text.jobs.speed}
          </th>
          <th scope="col" className={ui.number}>
            {text.jobs.eta}
          </th>
          <th scope="col">{text.jobs.by}</th>
        </tr>
      </thead>
      <tbody>
        {jobs.map((job) => (
          <JobRow key={job.id} job={job} project={project} />
        ))}
      </tbody>
    </table>
  );
}

function JobRow({ job, project }: { job: JobReply; project: string }) {
  const me = useQuery(meQuery).data;
  const by =
    job.created_by === null ? text.jobs.automatic : job.created_by === me?.id ? text.jobs.you : text.jobs.person;
  return (
    <tr>
      <td>
        <Link to="/projects/$project/jobs/$job" params={{ project, job: job.id }}>
          {ago(job.created_at)}
        </Link>
      </td>
      <td>
        <Badge tone={job.blocked ? "warn" : toneOfStage(job.stage)}>{text.jobs.stages[job.stage]}</Badge>
      </td>
      <td>{job.provider.name}</td>
      <td>
        <JobProgress job={job} />
      </td>
      <td className={ui.number}>{job.images_per_second === null ? "" : rate(job.images_per_second)}</td>
      <td className={ui.number}>{job.eta_seconds === null || isClosed(job) ? "" : duration(job.eta_seconds)}</td>
      <td>{by}</td>
    </tr>
  );
}

export const JobProgress = ({ job }: { job: JobReply }) => (
  <div className={styles.progress}>
    <Progress value={job.progress} label={text.jobs.progress} tone={job.stage === "failed" ? "bad" : "plain"} />
    <span>{text.jobs.of(job.total - job.pending, job.total)}</span>
  </div>
);
