import { useMutation, useQuery } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { useState } from "react";
import type { JobReply } from "../../base/api/schema";
import { duration, moment, number, rate } from "../../base/format";
import { text } from "../../base/messages/en";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { Badge, Card, Loaded, Notice, Page, Problem, Progress, styles as ui } from "../../ui/parts";
import { can, capabilitiesQuery } from "../access/queries";
import { JobFailures } from "./JobFailures";
import styles from "./Jobs.module.css";
import { cancel, reparse, rerun, updateStatus } from "./mutations";
import { jobQuery } from "./queries";
import { isClosed, toneOfStage } from "./state";

export function JobPage() {
  const { project, job: id } = useParams({ from: "/signed-in/projects/$project/jobs/$job" });
  const job = useQuery(jobQuery(id));
  return (
    <Page
      title={text.jobs.job}
      lead={job.data && `${job.data.provider.name} ${job.data.provider.version}, ${moment(job.data.created_at)}`}
      actions={job.data && <JobActions job={job.data} project={project} />}
    >
      <Loaded query={job}>{(data) => <JobDetail job={data} project={project} />}</Loaded>
    </Page>
  );
}

function JobDetail({ job, project }: { job: JobReply; project: string }) {
  const figures: [string, number][] = [
    [text.overview.photos, job.total],
    [text.overview.animals, job.with_animals],
    [text.jobs.outcomes.blank, job.blank],
    [text.jobs.outcomes.failed, job.failed],
    [text.jobs.outcomes.pending, job.pending],
  ];
  return (
    <>
      <div className={styles.head}>
        <div className={ui.actions}>
          <Badge tone={toneOfStage(job.stage)}>{text.jobs.stages[job.stage]}</Badge>
          {job.images_per_second !== null && (
            <span className={ui.soft}>
              {rate(job.images_per_second)} {text.jobs.speed.toLowerCase()}
            </span>
          )}
          {job.eta_seconds !== null && !isClosed(job) && (
            <span className={ui.soft}>
              {text.jobs.eta}: {duration(job.eta_seconds)}
            </span>
          )}
        </div>
        <Progress value={job.progress} label={text.jobs.progress} tone={job.stage === "failed" ? "bad" : "plain"} />
      </div>
      {job.blocked && (
        <Notice tone="warn">
          <p>{job.blocked.message}</p>
          <p>{job.blocked.what_to_do}</p>
        </Notice>
      )}
      {job.error && !job.blocked && <Notice tone="bad">{job.error}</Notice>}
      <dl className={styles.figures}>
        {figures.map(([name, value]) => (
          <div key={name} className={styles.figure}>
            <dt>{name}</dt>
            <dd>{number(value)}</dd>
          </div>
        ))}
      </dl>
      <div className={styles.columns}>
        <Card>
          <section className={styles.section}>
            <h2>{text.jobs.timeline}</h2>
            <ol className={styles.timeline}>
              {job.stages.map((entered) => (
                <li key={entered.stage} className={styles.step}>
                  <svg width="12" height="12" aria-hidden="true">
                    <circle cx="6" cy="6" r="4" className={styles.dot} />
                  </svg>
                  {text.jobs.stages[entered.stage]}
                  <time dateTime={entered.at}>{new Date(entered.at).toLocaleTimeString("en-GB")}</time>
                </li>
              ))}
            </ol>
          </section>
        </Card>
        <JobConfig job={job} />
        <JobFailures job={job} project={project} />
      </div>
    </>
  );
}

function JobConfig({ job }: { job: JobReply }) {
  const { stages, detection_threshold, classification_threshold, nms_iou } = job.job_config;
  return (
    <Card>
      <section className={styles.section}>
        <h2>{text.jobs.config}</h2>
        <dl className={styles.pairs}>
          {stages.flatMap((stage) => [
            <dt key={`${stage.kind} name`}>{text.jobs.kinds[stage.kind]}</dt>,
            <dd key={`${stage.kind} value`}>
              {stage.model.name} {stage.model.version}
            </dd>,
          ])}
          <dt>{text.jobs.detection}</dt>
          <dd>{detection_threshold}</dd>
          <dt>{text.jobs.classification}</dt>
          <dd>{classification_threshold}</dd>
          <dt>{text.jobs.iou}</dt>
          <dd>{nms_iou}</dd>
          <dt>{text.jobs.parses}</dt>
          <dd>{text.jobs.version(job.job_config_version)}</dd>
        </dl>
      </section>
    </Card>
  );
}

type Question = { kind: "cancel" } | { kind: "rerun"; failedOnly: boolean; resources: number };

function JobActions({ job, project }: { job: JobReply; project: string }) {
  const capabilities = useQuery(capabilitiesQuery(project)).data;
  const [question, setQuestion] = useState<Question | null>(null);
  const action = useMutation({ mutationFn: (run: () => Promise<unknown>) => run() });
  const ask = (failedOnly: boolean) =>
    action.mutate(async () => {
      const { resources } = await rerun(job.id, { failed_only: failedOnly, dry_run: true });
      setQuestion({ kind: "rerun", failedOnly, resources });
    });
  const confirm = () => {
    if (!question) return;
    setQuestion(null);
    action.mutate(() =>
      question.kind === "cancel" ? cancel(job.id) : rerun(job.id, { failed_only: question.failedOnly, dry_run: false }),
    );
  };
  if (!can(capabilities, "run_ai")) return null;
  return (
    <>
      <Problem error={action.error} />
      <Button onPress={() => action.mutate(() => updateStatus(job.id))} isDisabled={isClosed(job)}>
        {text.jobs.update}
      </Button>
      <Button onPress={() => action.mutate(() => reparse(job.id))} isDisabled={job.stage !== "finished"}>
        {text.jobs.reparse}
      </Button>
      {job.failed > 0 && isClosed(job) && <Button onPress={() => ask(true)}>{text.jobs.rerunFailed}</Button>}
      {isClosed(job) ? (
        <Button onPress={() => ask(false)}>{text.jobs.rerun}</Button>
      ) : (
        <Button kind="danger" onPress={() => setQuestion({ kind: "cancel" })}>
          {text.jobs.cancel}
        </Button>
      )}
      <Dialog
        title={question?.kind === "cancel" ? text.jobs.cancel : text.jobs.rerun}
        isOpen={question !== null}
        onClose={() => setQuestion(null)}
      >
        <p>{question && sentenceOf(question)}</p>
        <div className={ui.actions}>
          {(question?.kind === "cancel" || (question?.resources ?? 0) > 0) && (
            <Button kind="primary" onPress={confirm} autoFocus>
              {question?.kind === "cancel" ? text.jobs.cancel : text.jobs.rerun}
            </Button>
          )}
          <Button onPress={() => setQuestion(null)}>
            {question?.kind === "cancel" ? text.jobs.keepRunning : text.shell.close}
          </Button>
        </div>
      </Dialog>
    </>
  );
}

function sentenceOf(question: Question): string {
  if (question.kind === "cancel") return text.jobs.cancelConfirm;
  return question.resources === 0 ? text.jobs.nothingToRun : text.jobs.rerunConfirm(question.resources);
}
