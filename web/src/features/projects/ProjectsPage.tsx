import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import type { ClassificationProjectReply } from "../../base/api/schema";
import { ago } from "../../base/format";
import { text } from "../../base/messages/en";
import { Button } from "../../ui/Button";
import { Icon } from "../../ui/icons";
import { Badge, Empty, Loaded, Page } from "../../ui/parts";
import { Invitations } from "../access/Invitations";
import { providersQuery } from "../providers/queries";
import { NewProjectDialog } from "./NewProjectDialog";
import styles from "./ProjectsPage.module.css";
import { projectsQuery } from "./queries";

export function ProjectsPage() {
  const projects = useQuery(projectsQuery);
  const [creates, setCreates] = useState(false);
  const create = (
    <Button kind="primary" onPress={() => setCreates(true)}>
      <Icon name="plus" />
      {text.projects.create}
    </Button>
  );
  return (
    <Page title={text.projects.title} lead={text.projects.lead} actions={create}>
      <Invitations />
      <Loaded query={projects}>
        {(items) =>
          items.length === 0 ? (
            <Empty title={text.projects.empty}>
              <p>{text.projects.emptyMayCreate}</p>
              {create}
            </Empty>
          ) : (
            <ul className={styles.grid}>
              {items.map((project) => (
                <li key={project.id}>
                  <ProjectCard project={project} />
                </li>
              ))}
            </ul>
          )
        }
      </Loaded>
      <NewProjectDialog isOpen={creates} onClose={() => setCreates(false)} />
    </Page>
  );
}

function ProjectCard({ project }: { project: ClassificationProjectReply }) {
  const detectors = useQuery(providersQuery("detection")).data;
  const species = useQuery(providersQuery("classification")).data;
  const name = (models: typeof species, id: string | null) =>
    id === null ? null : (models?.find((model) => model.id === id)?.name ?? "…");
  return (
    <Link to="/projects/$project" params={{ project: project.id }} className={styles.card}>
      <h2>{project.name}</h2>
      <dl className={styles.models}>
        <dt>{text.projects.detector}</dt>
        <dd>{name(detectors, project.object_detection_ai_model) ?? text.projects.noModel}</dd>
        <dt>{text.projects.species}</dt>
        <dd>{name(species, project.species_ai_model) ?? text.projects.none}</dd>
      </dl>
      <div className={styles.foot}>
        {project.blocked ? (
          <Badge tone="warn">{text.projects.blocked}</Badge>
        ) : (
          <Badge tone={project.status === "ongoing" ? "good" : "plain"}>{text.projects[project.status]}</Badge>
        )}
        <span>{text.projects.created(ago(project.created_at))}</span>
      </div>
    </Link>
  );
}
