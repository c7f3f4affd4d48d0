import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import type { Statistics } from "../../base/api/schema";
import { number } from "../../base/format";
import { text } from "../../base/messages/en";
import { BarTable } from "../../parts/charts/BarTable";
import { HourChart } from "../../parts/charts/HourChart";
import { Timeline } from "../../parts/charts/Timeline";
import { PlaceMap } from "../../parts/map/PlaceMap";
import { Card, Problem, styles as ui } from "../../ui/parts";
import { deploymentsQuery } from "../deployments/queries";
import { locationsQuery } from "../locations/queries";
import styles from "./Overview.module.css";
import { countedPlaces, speciesRows } from "./state";

type Props = { statistics: Statistics };

const Section = ({ title, hint, children }: { title: string; hint?: string; children: ReactNode }) => (
  <Card>
    <section className={styles.section}>
      <div>
        <h2>{title}</h2>
        {hint && <p className={ui.hint}>{hint}</p>}
      </div>
      {children}
    </section>
  </Card>
);

const Nothing = () => <p className={ui.soft}>{text.overview.none}</p>;

export function Species({ statistics }: Props) {
  const rows = speciesRows(statistics.labels);
  return (
    <Section title={text.overview.species} hint={text.overview.speciesHint}>
      {rows.length === 0 ? (
        <Nothing />
      ) : (
        <BarTable
          caption={text.overview.species}
          heads={[text.overview.species, text.overview.photos]}
          bars={rows.map((row) => ({
            key: row.key,
            name: row.isLatin ? <em>{row.name}</em> : row.name,
            value: row.photos,
            part: row.approved,
          }))}
        />
      )}
    </Section>
  );
}

export const Activity = ({ statistics }: Props) => (
  <Section title={text.overview.activity} hint={text.overview.activityHint}>
    <HourChart
      caption={text.overview.activity}
      heads={[text.overview.hourHead, text.overview.observations]}
      hours={statistics.hours.map(({ hour, observations }) => ({ hour, value: observations }))}
    />
  </Section>
);

export const Effort = ({ statistics }: Props) => (
  <Section title={text.overview.effort} hint={text.overview.effortHint(statistics.trap_nights)}>
    <div className={styles.long}>
      <Timeline
        caption={text.overview.effort}
        heads={[text.overview.deployment, text.overview.time, text.overview.nights]}
        rows={statistics.deployments
          .filter((each) => each.deployment_id !== null)
          .map((each) => ({
            key: each.deployment_id ?? "",
            name: each.name ?? "",
            start_at: each.start_at,
            end_at: each.end_at,
            value: each.trap_nights === null ? text.overview.nightsUnknown : number(each.trap_nights),
          }))}
      />
    </div>
  </Section>
);

export function Places({ statistics, researchProject }: Props & { researchProject: string }) {
  const deployments = useQuery(deploymentsQuery(researchProject));
  const locations = useQuery(locationsQuery(researchProject));
  const places = countedPlaces(statistics.deployments, deployments.data ?? [], locations.data ?? []);
  return (
    <Section title={text.overview.locations}>
      <Problem error={deployments.error ?? locations.error} />
      {places.length === 0 ? (
        <p className={ui.soft}>{text.overview.noLocations}</p>
      ) : (
        <>
          <PlaceMap caption={text.overview.locations} places={places} />
          <ul className={styles.places}>
            {places.map((place) => (
              <li key={place.id}>
                <strong>{place.name}</strong> {text.overview.place(place.deployments, place.photos)}
              </li>
            ))}
          </ul>
        </>
      )}
    </Section>
  );
}
