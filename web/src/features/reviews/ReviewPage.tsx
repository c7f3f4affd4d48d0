import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { useEffect, useRef } from "react";
import type { ObservationType } from "../../base/api/schema";
import { score } from "../../base/format";
import { text } from "../../base/messages/en";
import { BoxedThumbnail } from "../../parts/viewer/BoxedThumbnail";
import type { Box } from "../../parts/viewer/state";
import { Button } from "../../ui/Button";
import { SelectField } from "../../ui/fields";
import { Empty, Loaded, Page, Problem } from "../../ui/parts";
import { deploymentsQuery } from "../deployments/queries";
import { nameOf } from "../observations/names";
import { projectQuery } from "../projects/queries";
import { thumbnailUrl } from "../resources/queries";
import { observationsQuery } from "./queries";
import styles from "./Review.module.css";
import { type ReviewSearch, TYPES } from "./search";
import { groupByPhoto, type Photo } from "./state";

const CONFIDENCES = ["0.5", "0.7", "0.8", "0.9", "0.95"];

export function ReviewPage() {
  const { project } = useParams({ from: "/signed-in/projects/$project/review" });
  const search = useSearch({ from: "/signed-in/projects/$project/review" });
  const rows = useInfiniteQuery(observationsQuery(project, search));
  const clear = (
    <Link to="/projects/$project/review" params={{ project }} search={{}}>
      {text.review.clear}
    </Link>
  );
  return (
    <Page title={text.review.title} lead={text.review.lead}>
      <Filters project={project} search={search} />
      <Loaded query={rows} height={480}>
        {({ pages }) => {
          const photos = groupByPhoto(pages.flatMap((page) => page.items));
          return photos.length === 0 ? (
            <Empty title={text.review.empty}>
              <p>{text.review.emptyHint}</p>
              {clear}
            </Empty>
          ) : (
            <ul className={styles.grid}>
              {photos.map((photo) => (
                <li key={photo.resourceId}>
                  <PhotoCard photo={photo} project={project} />
                </li>
              ))}
            </ul>
          );
        }}
      </Loaded>
      {rows.data && <Problem error={rows.error} onRetry={() => void rows.fetchNextPage()} />}
      {rows.hasNextPage && <More onReached={() => void rows.fetchNextPage()} isBusy={rows.isFetchingNextPage} />}
    </Page>
  );
}

function PhotoCard({ photo, project }: { photo: Photo; project: string }) {
  const boxes = photo.observations.flatMap((row) =>
    row.bbox ? [{ id: row.id, type: row.observation_type, bbox: row.bbox as unknown as Box }] : [],
  );
  const names = [...new Set(photo.observations.map(nameOf))];
  const best = Math.max(...photo.observations.map((row) => row.detection_confidence ?? 0));
  return (
    <Link
      to="/projects/$project/classify/$resource"
      params={{ project, resource: photo.resourceId }}
      className={styles.card}
    >
      <span className={styles.frame}>
        <BoxedThumbnail src={thumbnailUrl(photo.resourceId)} alt="" boxes={boxes} />
      </span>
      <span className={styles.caption}>
        <strong>{names.join(", ")}</strong>
        {boxes.length > 0 && (
          <span>
            {boxes.length > 1 && `${text.review.boxes(boxes.length)}, `}
            {best > 0 && score(best)}
          </span>
        )}
      </span>
    </Link>
  );
}

function Filters({ project, search }: { project: string; search: ReviewSearch }) {
  const navigate = useNavigate();
  const research = useQuery(projectQuery(project)).data?.research_project_id;
  const deployments = useQuery({ ...deploymentsQuery(research ?? ""), enabled: research !== undefined }).data ?? [];
  const change = (changed: { [Name in keyof ReviewSearch]: ReviewSearch[Name] | undefined }) => {
    const next = Object.fromEntries(
      Object.entries({ ...search, ...changed }).filter(([, value]) => value !== undefined),
    );
    void navigate({ to: "/projects/$project/review", params: { project }, search: next, replace: true });
  };
  return (
    <search className={styles.filters}>
      <SelectField<ObservationType | "">
        label={text.review.type}
        value={search.type ?? ""}
        onChange={(value) => change({ type: value || undefined })}
        options={[
          { value: "", label: text.review.everything },
          ...TYPES.map((value) => ({ value, label: text.classify.types[value] })),
        ]}
      />
      <SelectField<"open" | "approved" | "">
        label={text.review.state}
        value={search.decision ?? ""}
        onChange={(value) => change({ decision: value || undefined })}
        options={[
          { value: "", label: text.review.anyState },
          { value: "open", label: text.review.open },
          { value: "approved", label: text.review.approved },
        ]}
      />
      <SelectField
        label={text.review.confidence}
        value={search.from ? String(search.from) : ""}
        onChange={(value) => change({ from: value ? Number(value) : undefined })}
        options={[{ value: "", label: text.review.any }, ...CONFIDENCES.map((value) => ({ value, label: value }))]}
      />
      <SelectField
        label={text.review.deployment}
        value={search.deployment ?? ""}
        onChange={(value) => change({ deployment: value || undefined })}
        options={[
          { value: "", label: text.review.allDeployments },
          ...deployments.map((each) => ({ value: each.id, label: each.deployment_id })),
        ]}
      />
    </search>
  );
}

/** Loads the next page when it comes into sight, or when it is pressed. */
function More({ onReached, isBusy }: { onReached: () => void; isBusy: boolean }) {
  const end = useRef<HTMLDivElement>(null);
  const reach = useRef(onReached);
  reach.current = onReached;
  useEffect(() => {
    if (!end.current || isBusy) return;
    const observer = new IntersectionObserver(([entry]) => entry?.isIntersecting && reach.current(), {
      rootMargin: "600px",
    });
    observer.observe(end.current);
    return () => observer.disconnect();
  }, [isBusy]);
  return (
    <div ref={end}>
      <Button onPress={onReached} isDisabled={isBusy}>
        {text.shell.more}
      </Button>
    </div>
  );
}
