import { useMutation, useQuery } from "@tanstack/react-query";
import type { ProviderReply } from "../../base/api/schema";
import { ago } from "../../base/format";
import { text } from "../../base/messages/en";
import { Button } from "../../ui/Button";
import { Badge, Empty, Loaded, Page, Problem, styles as ui } from "../../ui/parts";
import { meQuery } from "../access/queries";
import { researchProjectsQuery } from "../projects/queries";
import { Managers } from "./Managers";
import { activateResearchProject, setUserActive, syncModels } from "./mutations";
import { connectionsQuery, modelsQuery, usersQuery } from "./queries";
import { Section } from "./Section";

export function FleetPage() {
  const me = useQuery(meQuery).data;
  if (me && !me.is_site_admin)
    return (
      <Page title={text.fleet.title}>
        <Empty title={text.fleet.onlyAdmins}>
          <p>{text.fleet.lead}</p>
        </Empty>
      </Page>
    );
  return (
    <Page title={text.fleet.title} lead={text.fleet.lead}>
      <Managers />
      <Connections />
      <Models />
      <ResearchProjects />
      <People />
    </Page>
  );
}

function Connections() {
  const connections = useQuery(connectionsQuery);
  const sync = useMutation({ mutationFn: syncModels });
  return (
    <>
      <Loaded query={connections}>
        {(items) => (
          <Section
            title={text.fleet.connections}
            heads={[text.settings.name, text.fleet.url, text.fleet.state]}
            actions={
              <Button onPress={() => sync.mutate()} isDisabled={sync.isPending}>
                {text.fleet.sync}
              </Button>
            }
          >
            {items.map((connection) => (
              <tr key={connection.id}>
                <td>{connection.name}</td>
                <td>{connection.url}</td>
                <td>
                  {connection.sync_problem ? (
                    <Badge tone="bad">{connection.sync_problem}</Badge>
                  ) : (
                    <Badge tone="good">
                      {connection.synced_at ? text.fleet.synced(ago(connection.synced_at)) : text.fleet.never}
                    </Badge>
                  )}
                </td>
              </tr>
            ))}
          </Section>
        )}
      </Loaded>
      {sync.data !== undefined && <p role="status">{text.fleet.changes(sync.data)}</p>}
      <Problem error={sync.error} />
    </>
  );
}

const Models = () => (
  <Loaded query={useQuery(modelsQuery)}>
    {(items) => (
      <Section
        title={text.fleet.models}
        heads={[text.fleet.model, text.fleet.kind, text.fleet.licence, text.fleet.state]}
      >
        {items.map((model) => (
          <ModelRow key={model.id} model={model} />
        ))}
      </Section>
    )}
  </Loaded>
);

const ModelRow = ({ model }: { model: ProviderReply }) => (
  <tr>
    <td>
      {model.name} {model.version}
    </td>
    <td>{text.jobs.kinds[model.provider_type]}</td>
    <td>{model.licence}</td>
    <td>
      {model.blocked ? (
        <>
          <Badge tone="warn">{text.projects.blocked}</Badge> <span className={ui.hint}>{model.blocked.what_to_do}</span>
        </>
      ) : (
        <Badge tone="good">{text.fleet.ready}</Badge>
      )}
    </td>
  </tr>
);

function ResearchProjects() {
  const projects = useQuery(researchProjectsQuery);
  const activate = useMutation({ mutationFn: activateResearchProject });
  return (
    <>
      <Loaded query={projects}>
        {(items) => (
          <Section title={text.fleet.research} heads={[text.settings.name, text.fleet.state, ""]}>
            {items.map((project) => (
              <tr key={project.id}>
                <td>{project.name}</td>
                <td>
                  <Badge tone={project.status === "active" ? "good" : "warn"}>
                    {text.fleet.researchStates[project.status]}
                  </Badge>
                </td>
                <td>
                  {project.status === "requested" && (
                    <Button size="small" onPress={() => activate.mutate(project.id)}>
                      {text.fleet.activate}
                    </Button>
                  )}
                </td>
              </tr>
            ))}
          </Section>
        )}
      </Loaded>
      <Problem error={activate.error} />
    </>
  );
}

function People() {
  const users = useQuery(usersQuery);
  const me = useQuery(meQuery).data;
  const change = useMutation({
    mutationFn: ({ id, isActive }: { id: string; isActive: boolean }) => setUserActive(id, isActive),
  });
  return (
    <>
      <Loaded query={users}>
        {(items) => (
          <Section title={text.fleet.people} heads={[text.settings.email, text.fleet.state, ""]}>
            {items.map((user) => (
              <tr key={user.id}>
                <td>{user.email}</td>
                <td>
                  <Badge tone={user.is_active ? "good" : "warn"}>
                    {user.is_active ? (user.is_site_admin ? text.fleet.admin : text.fleet.active) : text.fleet.inactive}
                  </Badge>
                </td>
                <td>
                  {user.id !== me?.id && (
                    <Button
                      size="small"
                      kind={user.is_active ? "quiet" : "plain"}
                      onPress={() => change.mutate({ id: user.id, isActive: !user.is_active })}
                    >
                      {user.is_active ? text.fleet.deactivate : text.fleet.activate}
                    </Button>
                  )}
                </td>
              </tr>
            ))}
          </Section>
        )}
      </Loaded>
      <Problem error={change.error} />
    </>
  );
}
