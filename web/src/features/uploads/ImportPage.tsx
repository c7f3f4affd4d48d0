import { useQuery } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { useState } from "react";
import type { ClassificationProjectReply } from "../../base/api/schema";
import { text } from "../../base/messages/en";
import { Empty, Loaded, Notice, Page } from "../../ui/parts";
import { can, researchCapabilitiesQuery } from "../access/queries";
import { projectQuery } from "../projects/queries";
import { DropArea } from "./DropArea";
import { ImportPlan } from "./ImportPlan";
import { ImportProgress } from "./ImportProgress";
import type { ImportRun } from "./importRun";
import type { Scanned } from "./state";

export function ImportPage() {
  const { project: id } = useParams({ from: "/signed-in/projects/$project/import" });
  const project = useQuery(projectQuery(id));
  return (
    <Page title={text.imports.title} lead={text.imports.lead}>
      <Loaded query={project}>{(data) => <Import project={data} />}</Loaded>
    </Page>
  );
}

/** The import that is under way; leaving the page does not stop it. */
let running: { project: string; run: ImportRun } | null = null;

function Import({ project }: { project: ClassificationProjectReply }) {
  const capabilities = useQuery(researchCapabilitiesQuery(project.research_project_id)).data;
  const [scanned, setScanned] = useState<Scanned | null>(null);
  const [run, setRun] = useState(running?.project === project.id ? running.run : null);
  if (capabilities && !can(capabilities, "upload"))
    return (
      <Empty title={text.imports.noUpload}>
        <p>{text.imports.noUploadHint}</p>
      </Empty>
    );
  const begin = (started: ImportRun) => {
    running = { project: project.id, run: started };
    setRun(started);
    void started.run();
  };
  const again = () => {
    running = null;
    setRun(null);
    setScanned(null);
  };
  if (run) return <ImportProgress run={run} project={project.id} onAgain={again} />;
  return (
    <>
      {project.object_detection_ai_model === null && <Notice tone="warn">{text.imports.noDetector}</Notice>}
      {scanned && scanned.files.length > 0 ? (
        <ImportPlan project={project} scanned={scanned} onStart={begin} onClear={again} />
      ) : (
        <>
          {scanned && <Notice tone="warn">{text.imports.none}</Notice>}
          <DropArea onScanned={setScanned} />
        </>
      )}
    </>
  );
}
