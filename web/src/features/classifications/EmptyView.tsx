import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import type { HistoryItem } from "../../base/api/schema";
import { text } from "../../base/messages/en";
import { styles as ui } from "../../ui/parts";
import { jobsQuery } from "../jobs/queries";
import { isClosed } from "../jobs/state";
import { projectQuery } from "../projects/queries";

/** Why nothing is shown: the AI has not ended, it saw nothing, or it must come first. */
export function EmptyView({ project, row }: { project: string; row: HistoryItem | undefined }) {
  if (row && row.type !== "final")
    return row.type === "ai" ? (
      <Sentence title={text.classify.trueBlank} hint={text.classify.trueBlankHint} />
    ) : (
      <Sentence title={text.classify.noneHere} hint="" />
    );
  return <NotLookedAt project={project} />;
}

function NotLookedAt({ project }: { project: string }) {
  const isRequired = useQuery(projectQuery(project)).data?.required_ai_classification;
  const jobs = useInfiniteQuery(jobsQuery(project, undefined)).data?.pages[0]?.items;
  const open = jobs?.find((job) => !isClosed(job));
  const hint = open ? text.classify.waitingHint(text.jobs.stages[open.stage]) : text.classify.noJob;
  return isRequired ? (
    <Sentence title={text.classify.gate} hint={`${text.classify.gateHint} ${hint}`} />
  ) : (
    <Sentence title={text.classify.waiting} hint={hint} />
  );
}

const Sentence = ({ title, hint }: { title: string; hint: string }) => (
  <div>
    <p>{title}</p>
    {hint && <p className={ui.hint}>{hint}</p>}
  </div>
);
