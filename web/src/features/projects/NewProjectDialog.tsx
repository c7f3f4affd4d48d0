import { useMutation, useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { text } from "../../base/messages/en";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { SelectField, TextField } from "../../ui/fields";
import { Problem, styles } from "../../ui/parts";
import { meQuery } from "../access/queries";
import { providersQuery } from "../providers/queries";
import { createProject } from "./mutations";
import { researchProjectsQuery } from "./queries";
import { modelOptions, NEW, shortName } from "./state";

export function NewProjectDialog({ isOpen, onClose }: { isOpen: boolean; onClose: () => void }) {
  return (
    <Dialog title={text.projects.create} isOpen={isOpen} onClose={onClose}>
      <NewProjectForm onClose={onClose} />
    </Dialog>
  );
}

function NewProjectForm({ onClose }: { onClose: () => void }) {
  const navigate = useNavigate();
  const me = useQuery(meQuery).data;
  const research = useQuery(researchProjectsQuery).data?.filter((project) => project.status === "active") ?? [];
  const detectors = useQuery(providersQuery("detection")).data ?? [];
  const speciesModels = useQuery(providersQuery("classification")).data ?? [];
  const [name, setName] = useState("");
  const [chosen, setChosen] = useState<string | null>(null);
  const [detector, setDetector] = useState<string | null>(null);
  const [species, setSpecies] = useState<string | null>(null);
  const researchId = chosen ?? research[0]?.id ?? NEW;
  const ready = (models: typeof detectors) => models.find((model) => model.blocked === null)?.id ?? "";
  const create = useMutation({
    mutationFn: () =>
      createProject({
        name,
        researchProjectId: researchId === NEW ? null : researchId,
        acronym: shortName(name),
        detector: detector ?? ready(detectors),
        species: species ?? ready(speciesModels),
        mayActivate: me?.is_site_admin ?? false,
      }),
    onSuccess: (project) => {
      onClose();
      return navigate({ to: "/projects/$project", params: { project: project.id } });
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    create.mutate();
  };
  return (
    <form className={styles.form} onSubmit={submit}>
      <TextField label={text.projects.name} value={name} onChange={setName} isRequired autoFocus />
      <SelectField
        label={text.projects.research}
        value={researchId}
        onChange={setChosen}
        options={[
          ...research.map((project) => ({ value: project.id, label: project.name })),
          { value: NEW, label: text.projects.newResearch },
        ]}
      />
      <SelectField
        label={text.projects.detector}
        value={detector ?? ready(detectors)}
        onChange={setDetector}
        options={modelOptions(detectors)}
      />
      <SelectField
        label={text.projects.species}
        value={species ?? ready(speciesModels)}
        onChange={setSpecies}
        options={modelOptions(speciesModels)}
      />
      <Problem error={create.error} />
      <div className={styles.actions}>
        <Button type="submit" kind="primary" isDisabled={create.isPending || name.trim() === ""}>
          {text.projects.submit}
        </Button>
        <Button onPress={onClose}>{text.shell.cancel}</Button>
      </div>
    </form>
  );
}
