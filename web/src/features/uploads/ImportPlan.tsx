import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import type { ClassificationProjectReply } from "../../base/api/schema";
import { bytes, number } from "../../base/format";
import { text } from "../../base/messages/en";
import { Button } from "../../ui/Button";
import { SelectField, TextField } from "../../ui/fields";
import { Card, styles as ui } from "../../ui/parts";
import { createCollection, linkCollection } from "../projects/mutations";
import { collectionsQuery, linksQuery } from "../projects/queries";
import { NEW } from "../projects/state";
import styles from "./Import.module.css";
import { ImportRun } from "./importRun";
import { freeName, planFolders, type Scanned } from "./state";

type Props = {
  project: ClassificationProjectReply;
  scanned: Scanned;
  onStart: (run: ImportRun) => void;
  onClear: () => void;
};

export function ImportPlan({ project, scanned, onStart, onClear }: Props) {
  const collections = useQuery(collectionsQuery(project.research_project_id)).data ?? [];
  const links = useQuery(linksQuery(project.id)).data ?? [];
  const [folders, setFolders] = useState(() => planFolders(scanned.files));
  const [chosen, setChosen] = useState(NEW);
  const [typed, setName] = useState<string | null>(null);
  const card = scanned.files[0]?.path.split("/")[0] ?? "";
  const name =
    typed ??
    freeName(
      card,
      collections.map((each) => each.name),
    );
  const total = folders.reduce((sum, folder) => sum + folder.bytes, 0);
  const isReady = folders.every((folder) => folder.deployment.trim() !== "") && (chosen !== NEW || name.trim() !== "");
  const collection = async (): Promise<string> => {
    const id = chosen === NEW ? (await createCollection(project.research_project_id, name.trim())).id : chosen;
    if (!links.some((link) => link.collection_id === id)) await linkCollection(project.id, id);
    return id;
  };
  const start = () =>
    onStart(
      new ImportRun(
        folders.map((folder) => ({ ...folder, deployment: folder.deployment.trim() })),
        project.research_project_id,
        collection,
      ),
    );
  return (
    <>
      <Card>
        <div className={styles.target}>
          <SelectField
            label={text.imports.collection}
            value={chosen}
            onChange={setChosen}
            options={[
              { value: NEW, label: text.imports.newCollection },
              ...collections.map((each) => ({ value: each.id, label: each.name })),
            ]}
          />
          {chosen === NEW && (
            <TextField label={text.imports.collectionName} value={name} onChange={setName} isRequired />
          )}
        </div>
      </Card>
      <Card isPadded={false}>
        <table className={ui.table}>
          <caption className={ui.visuallyHidden}>{text.imports.plan}</caption>
          <thead>
            <tr>
              <th scope="col">{text.imports.folder}</th>
              <th scope="col">{text.imports.deployment}</th>
              <th scope="col" className={ui.number}>
                {text.imports.photos}
              </th>
              <th scope="col" className={ui.number}>
                {text.imports.size}
              </th>
            </tr>
          </thead>
          <tbody>
            {folders.map((folder, index) => (
              <tr key={folder.folder}>
                <td>{folder.folder || "/"}</td>
                <td>
                  <input
                    className={`${ui.input} ${styles.name}`}
                    aria-label={`${text.imports.deployment}: ${folder.folder}`}
                    value={folder.deployment}
                    onChange={(event) => setFolders(folders.with(index, { ...folder, deployment: event.target.value }))}
                  />
                </td>
                <td className={ui.number}>{number(folder.files.length)}</td>
                <td className={ui.number}>{bytes(folder.bytes)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Card>
      <div className={ui.actions}>
        <Button kind="primary" onPress={start} isDisabled={!isReady}>
          {text.imports.start}
        </Button>
        <Button onPress={onClear}>{text.imports.clear}</Button>
        <span className={ui.soft}>
          {text.imports.offered(scanned.files.length, bytes(total))}
          {scanned.ignored > 0 && `, ${text.imports.ignored(scanned.ignored)}`}
        </span>
      </div>
    </>
  );
}
