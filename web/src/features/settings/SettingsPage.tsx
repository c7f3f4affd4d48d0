import { useMutation, useQuery } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { useState } from "react";
import type { ClassificationProjectReply, KeepLogits, ModelKind } from "../../base/api/schema";
import { text } from "../../base/messages/en";
import { Button } from "../../ui/Button";
import { SelectField, Switch, TextField } from "../../ui/fields";
import { Badge, Card, Loaded, Notice, Page, Problem, styles as ui } from "../../ui/parts";
import { can } from "../access/queries";
import { projectQuery } from "../projects/queries";
import { modelOptions } from "../projects/state";
import { providerQuery, providersQuery } from "../providers/queries";
import { Collections } from "./Collections";
import { Members } from "./Members";
import { changeProject, countEffect } from "./mutations";
import styles from "./Settings.module.css";
import { type Fields, toChange, toFields } from "./state";

export function SettingsPage() {
  const { project: id } = useParams({ from: "/signed-in/projects/$project/settings" });
  const project = useQuery(projectQuery(id));
  const capabilities = project.data?.capabilities;
  const mayChange = can(capabilities, "administer");
  return (
    <Page title={text.settings.title} lead={text.settings.lead}>
      {capabilities && !mayChange && <Notice>{text.settings.noRight}</Notice>}
      <Loaded query={project}>
        {(data) => (
          <>
            <ProjectForm key={data.version} project={data} mayChange={mayChange} />
            <Collections project={data} mayChange={mayChange} />
            {mayChange && <Members project={id} />}
          </>
        )}
      </Loaded>
    </Page>
  );
}

type FormProps = { project: ClassificationProjectReply; mayChange: boolean };

function ProjectForm({ project, mayChange }: FormProps) {
  const [fields, setFields] = useState(() => toFields(project));
  const change = toChange(fields, project);
  const isChanged = Object.keys(change).length > 0;
  const set = <Name extends keyof Fields>(name: Name) => ({
    value: fields[name],
    onChange: (value: Fields[Name]) => setFields({ ...fields, [name]: value }),
    isDisabled: !mayChange,
  });
  return (
    <>
      <Card>
        <section className={styles.section}>
          <h2>{text.settings.ai}</h2>
          <div className={styles.grid}>
            <Model kind="detection" label={text.settings.detector} {...set("object_detection_ai_model")} />
            <Model kind="classification" label={text.settings.species} {...set("species_ai_model")} />
            <Model kind="embedding" label={text.settings.embedding} {...set("embedding_ai_model")} />
          </div>
          <Switch
            isSelected={fields.required_ai_classification}
            onChange={(value) => setFields({ ...fields, required_ai_classification: value })}
            isDisabled={!mayChange}
          >
            {text.settings.required}
          </Switch>
        </section>
      </Card>
      <Card>
        <section className={styles.section}>
          <h2>{text.settings.thresholds}</h2>
          <div className={styles.grid}>
            <Numeric label={text.settings.detection} hint={text.settings.fromModel} {...set("detection_threshold")} />
            <Numeric
              label={text.settings.classification}
              hint={text.settings.fromModel}
              {...set("classification_threshold")}
            />
            <Numeric label={text.settings.nms} {...set("nms_iou")} />
            <Numeric label={text.settings.match} {...set("match_iou")} />
            <Numeric label={text.settings.interval} {...set("sequence_interval_seconds")} />
            <SelectField
              label={text.settings.keepLogits}
              options={(Object.keys(text.settings.keep) as KeepLogits[]).map((value) => ({
                value,
                label: text.settings.keep[value],
              }))}
              {...set("keep_logits")}
            />
            <TextField label={text.settings.name} {...set("name")} />
          </div>
        </section>
      </Card>
      {isChanged && <SaveBar project={project} change={change} onDiscard={() => setFields(toFields(project))} />}
    </>
  );
}

type NumericProps = {
  label: string;
  hint?: string;
  value: string;
  onChange: (value: string) => void;
  isDisabled: boolean;
};

const Numeric = (props: NumericProps) => <TextField type="number" {...props} />;

type ModelProps = {
  kind: ModelKind;
  label: string;
  value: string;
  onChange: (id: string) => void;
  isDisabled: boolean;
};

function Model({ kind, ...rest }: ModelProps) {
  const own = useQuery(providersQuery(kind)).data ?? [];
  const classifiers = useQuery({ ...providersQuery("classification"), enabled: kind === "embedding" }).data ?? [];
  // A species model that also gives features can be chosen for them.
  const models =
    kind === "embedding" ? [...own, ...classifiers.filter(({ embedding_dimension: width }) => width)] : own;
  const detail = useQuery({ ...providerQuery(rest.value), enabled: rest.value !== "" }).data;
  return (
    <div>
      <SelectField {...rest} options={modelOptions(models)} />
      {detail && (
        <div className={ui.hint}>
          <p>{detail.description}</p>
          <p>{text.settings.licence(detail.licence)}</p>
          {detail.blocked && (
            <p className={ui.fieldError}>
              {detail.blocked.message} {detail.blocked.what_to_do}
            </p>
          )}
          <div className={styles.categories}>
            {detail.categories.slice(0, 12).map((category) => (
              <Badge key={category.index}>{category.label}</Badge>
            ))}
            {detail.categories.length > 12 && <Badge>+{detail.categories.length - 12}</Badge>}
          </div>
        </div>
      )}
    </div>
  );
}

type SaveProps = {
  project: ClassificationProjectReply;
  change: ReturnType<typeof toChange>;
  onDiscard: () => void;
};

/** Says before saving how many photos the new settings would be run on. */
function SaveBar({ project, change, onDiscard }: SaveProps) {
  const effect = useQuery({
    queryKey: ["settings", "effect", project.id, project.version, change],
    queryFn: () => countEffect(project.id, project.version, change),
    retry: false,
  });
  const save = useMutation({ mutationFn: () => changeProject(project.id, project.version, change) });
  return (
    <div className={styles.bar} role="status">
      <div>
        <strong>{text.settings.unsaved}</strong>
        {typeof effect.data === "number" && <p>{text.settings.effect(effect.data)}</p>}
        <Problem error={save.error ?? effect.error} />
      </div>
      <div className={ui.actions}>
        <Button onPress={onDiscard}>{text.shell.cancel}</Button>
        <Button kind="primary" onPress={() => save.mutate()} isDisabled={save.isPending}>
          {text.settings.save}
        </Button>
      </div>
    </div>
  );
}
