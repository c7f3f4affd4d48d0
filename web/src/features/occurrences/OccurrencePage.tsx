import { useMutation, useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { useState } from "react";
import type { IdentificationItem, ObservationReply, OccurrenceDetail } from "../../base/api/schema";
import { captured, score } from "../../base/format";
import { text } from "../../base/messages/en";
import { BoxedThumbnail } from "../../parts/viewer/BoxedThumbnail";
import type { Box } from "../../parts/viewer/state";
import { Button } from "../../ui/Button";
import { Badge, Card, Loaded, Page, Problem, styles as ui } from "../../ui/parts";
import { can, capabilitiesQuery, meQuery } from "../access/queries";
import { nameOf } from "../observations/names";
import { thumbnailUrl } from "../resources/queries";
import { TaxonField } from "../taxa/TaxonField";
import { identify, withdraw } from "./mutations";
import styles from "./Occurrence.module.css";
import { occurrenceQuery } from "./queries";
import { predictionsOf } from "./state";

export function OccurrencePage() {
  const { project, occurrence: id } = useParams({ from: "/signed-in/projects/$project/occurrences/$occurrence" });
  const occurrence = useQuery(occurrenceQuery(id));
  const name = occurrence.data?.determination?.taxon?.scientific_name;
  return (
    <Page
      title={name ?? text.occurrence.title}
      lead={occurrence.data && text.occurrence.lead(occurrence.data.resource_count)}
    >
      <Loaded query={occurrence} height={480}>
        {(data) => (
          <>
            <Appearances occurrence={data} project={project} />
            <div className={styles.columns}>
              <Identifications occurrence={data} project={project} />
              <Predictions occurrence={data} project={project} />
            </div>
          </>
        )}
      </Loaded>
    </Page>
  );
}

type Props = { occurrence: OccurrenceDetail; project: string };

/** The pictures of the individual in time, each with its own box. */
function Appearances({ occurrence, project }: Props) {
  const own = occurrence.observations.filter((row) => row.is_current);
  return (
    <ul className={styles.appearances}>
      {own.map((row) => (
        <li key={row.id}>
          <Link
            to="/projects/$project/classify/$resource"
            params={{ project, resource: row.resource_id }}
            className={styles.appearance}
          >
            <span className={styles.frame}>
              <BoxedThumbnail src={thumbnailUrl(row.resource_id)} alt="" boxes={boxOf(row)} />
            </span>
            <span>{captured(row.captured_at, null)}</span>
            <strong>{nameOf(row)}</strong>
          </Link>
        </li>
      ))}
    </ul>
  );
}

const boxOf = (row: ObservationReply) =>
  row.bbox ? [{ id: row.id, type: row.observation_type, bbox: row.bbox as unknown as Box }] : [];

function Identifications({ occurrence, project }: Props) {
  const me = useQuery(meQuery).data?.id;
  const mayIdentify = can(useQuery(capabilitiesQuery(project)).data, "annotate");
  const [search, setSearch] = useState("");
  const say = useMutation({ mutationFn: (item: IdentificationItem) => identify(item), onSuccess: () => setSearch("") });
  const takeBack = useMutation({ mutationFn: withdraw });
  return (
    <Card>
      <section className={styles.section}>
        <h2>{text.occurrence.identifications}</h2>
        {occurrence.identifications.length === 0 && <p className={ui.soft}>{text.occurrence.nobody}</p>}
        <ul className={styles.rows}>
          {occurrence.identifications.map((each) => (
            <li key={each.id} className={styles.row}>
              <span>
                <em>{each.scientific_name}</em> {each.person ?? text.jobs.person}
                {each.created_by === me && ` (${text.jobs.you.toLowerCase()})`}
              </span>
              {each.is_standing ? (
                <Badge tone="good">{text.occurrence.stands}</Badge>
              ) : (
                <Badge>{text.occurrence.ended}</Badge>
              )}
              {each.is_standing && each.created_by === me && (
                <Button size="small" onPress={() => takeBack.mutate(each.id)} isDisabled={takeBack.isPending}>
                  {text.occurrence.withdraw}
                </Button>
              )}
              {each.is_standing && each.created_by !== me && mayIdentify && (
                <Button
                  size="small"
                  onPress={() => say.mutate({ occurrence_id: occurrence.id, agreed_with_id: each.id })}
                  isDisabled={say.isPending}
                >
                  {text.occurrence.agree}
                </Button>
              )}
            </li>
          ))}
        </ul>
        {mayIdentify && (
          <TaxonField
            label={text.occurrence.other}
            search={search}
            onSearch={setSearch}
            onChoose={(taxon) => say.mutate({ occurrence_id: occurrence.id, taxon_id: taxon.id })}
          />
        )}
        <Problem error={say.error ?? takeBack.error} />
      </section>
    </Card>
  );
}

/** What algorithms predicted, newest first; the one that counts for its observation is marked. */
function Predictions({ occurrence, project }: Props) {
  const mayIdentify = can(useQuery(capabilitiesQuery(project)).data, "annotate");
  const agree = useMutation({
    mutationFn: (predictionId: string) => identify({ occurrence_id: occurrence.id, prediction_id: predictionId }),
  });
  return (
    <Card>
      <section className={styles.section}>
        <h2>{text.occurrence.predictions}</h2>
        <ul className={styles.rows}>
          {predictionsOf(occurrence.observations).map((prediction) => (
            <li key={prediction.id} className={styles.row}>
              <span>
                {prediction.label} {score(prediction.score)}{" "}
                <small className={ui.hint}>
                  {prediction.algorithm.name} {prediction.algorithm.version}
                  {prediction.rule && `, ${prediction.rule}`}
                </small>
              </span>
              <Badge tone={prediction.terminal ? "good" : "plain"}>
                {prediction.terminal ? text.classify.terminal : text.classify.step}
              </Badge>
              {mayIdentify && prediction.taxon_id && (
                <Button size="small" onPress={() => agree.mutate(prediction.id)} isDisabled={agree.isPending}>
                  {text.occurrence.agree}
                </Button>
              )}
            </li>
          ))}
        </ul>
        <Problem error={agree.error} />
      </section>
    </Card>
  );
}
