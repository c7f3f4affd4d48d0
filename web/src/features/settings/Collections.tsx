import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import type { ClassificationProjectReply, LinkedCollectionReply } from "../../base/api/schema";
import { text } from "../../base/messages/en";
import { Button } from "../../ui/Button";
import { SelectField, Switch } from "../../ui/fields";
import { Badge, Card, Problem, styles as ui } from "../../ui/parts";
import { linkCollection } from "../projects/mutations";
import { collectionsQuery, linkCountsQuery, linksQuery } from "../projects/queries";
import { setLinkActive } from "./mutations";
import styles from "./Settings.module.css";

type Props = { project: ClassificationProjectReply; mayChange: boolean };

export function Collections({ project, mayChange }: Props) {
  const links = useQuery(linksQuery(project.id)).data ?? [];
  const collections = useQuery(collectionsQuery(project.research_project_id)).data ?? [];
  const free = collections.filter((each) => !links.some((link) => link.collection_id === each.id));
  const [chosen, setChosen] = useState("");
  const link = useMutation({
    mutationFn: (id: string) => linkCollection(project.id, id),
    onSuccess: () => setChosen(""),
  });
  return (
    <Card>
      <section className={styles.section}>
        <h2>{text.settings.collections}</h2>
        {links.length === 0 && <p className={ui.soft}>{text.settings.noCollections}</p>}
        <div className={styles.rows}>
          {links.map((each) => (
            <LinkRow
              key={each.id}
              link={each}
              name={collections.find(({ id }) => id === each.collection_id)?.name ?? "…"}
              mayChange={mayChange}
            />
          ))}
        </div>
        {mayChange && free.length > 0 && (
          <div className={ui.actions}>
            <SelectField
              label={text.settings.link}
              value={chosen}
              onChange={setChosen}
              options={[{ value: "", label: "" }, ...free.map((each) => ({ value: each.id, label: each.name }))]}
            />
            <Button onPress={() => link.mutate(chosen)} isDisabled={chosen === "" || link.isPending}>
              {text.settings.add}
            </Button>
          </div>
        )}
        <Problem error={link.error} />
      </section>
    </Card>
  );
}

function LinkRow({ link, name, mayChange }: { link: LinkedCollectionReply; name: string; mayChange: boolean }) {
  const project = link.classification_project_id;
  const counts = useQuery({ ...linkCountsQuery(project, link.id), enabled: link.state === "open" }).data;
  const change = useMutation({ mutationFn: (isActive: boolean) => setLinkActive(project, link, isActive) });
  return (
    <div className={styles.row}>
      <div>
        <strong>{name}</strong> {link.state !== "open" && <Badge tone="warn">{text.settings.state[link.state]}</Badge>}
        <p className={ui.hint}>{counts && text.settings.linkedPhotos(counts.resources)}</p>
      </div>
      <Switch isSelected={link.is_active} onChange={(value) => change.mutate(value)} isDisabled={!mayChange}>
        {text.settings.active}
      </Switch>
      <Problem error={change.error} />
    </div>
  );
}
