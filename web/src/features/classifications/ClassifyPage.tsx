import { useMutation, useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";
import type { HistoryItem, ResourceDetail } from "../../base/api/schema";
import { captured, score } from "../../base/format";
import { text } from "../../base/messages/en";
import { queryClient } from "../../base/queryClient";
import { useCommands } from "../../parts/keys/commands";
import type { Box } from "../../parts/viewer/state";
import { Viewer, type ViewerHandle } from "../../parts/viewer/Viewer";
import { Button } from "../../ui/Button";
import { Icon } from "../../ui/icons";
import { Loaded, Problem, styles as ui } from "../../ui/parts";
import { can, capabilitiesQuery, meQuery } from "../access/queries";
import { nameOf } from "../observations/names";
import { neighboursQuery, originalUrl, resourceQuery, thumbnailUrl } from "../resources/queries";
import styles from "./Classify.module.css";
import { Decision } from "./Decision";
import { EmptyView } from "./EmptyView";
import { FilmStrip } from "./FilmStrip";
import { HistoryList } from "./HistoryList";
import { fork, sendFeedback, start } from "./mutations";
import { ObservationEditor } from "./ObservationEditor";
import { ObservationList, Provenance } from "./ObservationList";
import { PictureTools } from "./PictureTools";
import { historyQuery } from "./queries";
import { chooseRow, type Draft, isOwnDraft, toChanges } from "./state";
import { useDraft } from "./useDraft";

export function ClassifyPage() {
  const { project, resource } = useParams({ from: "/signed-in/projects/$project/classify/$resource" });
  const detail = useQuery(resourceQuery(resource));
  const history = useQuery(historyQuery(project, resource));
  return (
    <Loaded query={detail} height={600}>
      {(photo) => (
        <Loaded query={history} height={600}>
          {(rows) => <Photo key={resource} project={project} photo={photo} rows={rows.child_classifications} />}
        </Loaded>
      )}
    </Loaded>
  );
}

type PhotoProps = { project: string; photo: ResourceDetail; rows: readonly HistoryItem[] };

function Photo({ project, photo, rows }: PhotoProps) {
  const navigate = useNavigate();
  const me = useQuery(meQuery).data?.id;
  const capabilities = useQuery(capabilitiesQuery(project)).data;
  const linkId = rows[0]?.linked_collection_id ?? null;
  const neighbours = useQuery(neighboursQuery(photo.id, linkId)).data;
  const [chosenId, setChosenId] = useState<string | null>(null);
  const row = rows.find((each) => each.id === chosenId) ?? chooseRow(rows, me);
  const [feedback, setFeedback] = useState(false);
  const isEditable = row !== undefined && (feedback || (isOwnDraft(row, me) && can(capabilities, "annotate")));
  const { drafts, change, state, error } = useDraft(row, isEditable, feedback);
  const [selected, setSelected] = useState<string | null>(null);
  const [isDrawing, setIsDrawing] = useState(false);
  const [showsBoxes, setShowsBoxes] = useState(true);
  const [wantsSpecies, setWantsSpecies] = useState(false);
  const [light, setLight] = useState({ brightness: 100, contrast: 100 });
  const viewer = useRef<ViewerHandle>(null);
  const previous = neighbours?.before.at(-1)?.resource_id;
  const next = neighbours?.after[0]?.resource_id;
  usePrefetch(project, [next, previous]);

  const go = (id: string | undefined) =>
    id && void navigate({ to: "/projects/$project/classify/$resource", params: { project, resource: id } });
  const edit = useMutation({
    mutationFn: async () => (row ? fork(row.id) : start(project, photo.id)),
    onSuccess: (made) => setChosenId(made.id),
  });
  const send = useMutation({
    mutationFn: async () => row && sendFeedback(row.id, toChanges(drafts, { withIds: false })),
    onSuccess: () => setFeedback(false),
  });
  const update = (draft: Draft) => change(drafts.map((each) => (each.key === draft.key ? draft : each)));
  const remove = (key: string) => {
    change(drafts.filter((each) => each.key !== key));
    setSelected(null);
  };
  const add = (bbox: Box) => {
    const draft = newDraft(bbox);
    change([...drafts, draft]);
    setSelected(draft.key);
    setIsDrawing(false);
  };
  const boxed = drafts.filter((draft) => draft.bbox !== null);
  const step = (by: number) => {
    const at = boxed.findIndex((draft) => draft.key === selected);
    setSelected(boxed[(at + by + boxed.length) % boxed.length]?.key ?? null);
  };
  const current = drafts.find((draft) => draft.key === selected);
  const mayEdit = can(capabilities, "annotate") && !isEditable;

  useCommands(text.classify.title, [
    {
      id: "previous",
      title: text.classify.previous,
      keys: ["ArrowLeft"],
      run: () => go(previous),
      isEnabled: !!previous,
      repeats: true,
    },
    {
      id: "next",
      title: text.classify.next,
      keys: ["ArrowRight"],
      run: () => go(next),
      isEnabled: !!next,
      repeats: true,
    },
    {
      id: "fork",
      title: text.classify.fork,
      keys: ["f"],
      run: () => edit.mutate(),
      isEnabled: mayEdit && !edit.isPending,
    },
    {
      id: "draw",
      title: text.classify.newBox,
      keys: ["n"],
      run: () => add([0.375, 0.375, 0.25, 0.25]),
      isEnabled: isEditable,
    },
    {
      id: "species",
      title: text.classify.editTaxon,
      keys: ["s"],
      run: () => setWantsSpecies(true),
      isEnabled: isEditable && !!current,
    },
    { id: "blank", title: text.classify.blank, keys: ["b"], run: () => change([]), isEnabled: isEditable },
    {
      id: "delete",
      title: text.classify.delete,
      keys: ["Delete", "Backspace"],
      run: () => selected && remove(selected),
      isEnabled: isEditable && !!selected,
    },
    { id: "hide", title: text.classify.hide, keys: ["h"], run: () => setShowsBoxes(!showsBoxes) },
    {
      id: "zoom-in",
      title: text.classify.zoomIn,
      keys: ["+", "="],
      run: () => viewer.current?.zoom(1.4),
      repeats: true,
    },
    {
      id: "zoom-out",
      title: text.classify.zoomOut,
      keys: ["-"],
      run: () => viewer.current?.zoom(1 / 1.4),
      repeats: true,
    },
    { id: "fit", title: text.classify.fit, keys: ["z"], run: () => viewer.current?.fit() },
    { id: "before", title: "Previous box", keys: ["["], run: () => step(-1), isEnabled: boxed.length > 0 },
    { id: "after", title: "Next box", keys: ["]"], run: () => step(1), isEnabled: boxed.length > 0 },
    {
      id: "escape",
      title: text.shell.cancel,
      keys: ["Escape"],
      run: () => {
        setIsDrawing(false);
        setSelected(null);
      },
      isEnabled: isDrawing || selected !== null,
    },
  ]);

  const who = row ? text.classify.who[row.type] : "";
  return (
    <div className={styles.page}>
      <Head project={project} photo={photo} previous={previous} next={next} onGo={go} />
      <div className={styles.stage}>
        <Viewer
          ref={viewer}
          src={originalUrl(photo.id)}
          placeholder={thumbnailUrl(photo.id)}
          alt={photo.file_name}
          image={{ width: photo.width ?? 4, height: photo.height ?? 3 }}
          boxes={boxed.map((draft, index) => ({
            id: draft.key,
            type: draft.observation_type,
            label: labelOf(draft, row),
            name: text.classify.box(index + 1, boxed.length, nameOf(draft), confidenceOf(draft, row), who),
            bbox: draft.bbox as Box,
          }))}
          selected={selected}
          onSelect={setSelected}
          isEditable={isEditable}
          isDrawing={isDrawing}
          showsBoxes={showsBoxes}
          filter={`brightness(${light.brightness}%) contrast(${light.contrast}%)`}
          onChange={(key, bbox) => change(drafts.map((each) => (each.key === key ? { ...each, bbox } : each)))}
          onDraw={add}
        />
        {isDrawing && <p className={styles.hint}>{text.classify.drawHint}</p>}
        <PictureTools
          viewer={viewer}
          light={light}
          onLight={setLight}
          showsBoxes={showsBoxes}
          onShowBoxes={setShowsBoxes}
        />
      </div>
      <FilmStrip project={project} resource={photo.id} neighbours={neighbours} />
      <aside className={styles.side}>
        <Decision row={row} capabilities={capabilities} isFeedback={feedback} onFeedback={() => setFeedback(true)} />
        {mayEdit && (
          <Button onPress={() => edit.mutate()} isDisabled={edit.isPending} keys="F">
            {row ? text.classify.fork : text.classify.startOwn}
          </Button>
        )}
        <Problem error={edit.error ?? send.error ?? error} />
        {isEditable && (
          <div className={styles.section}>
            <p className={ui.hint}>{feedback ? text.classify.givingFeedback : text.classify.editing}</p>
            <div className={ui.actions}>
              <Button size="small" onPress={() => setIsDrawing(!isDrawing)} isPressed={isDrawing}>
                <Icon name="plus" size={16} />
                {text.classify.newBox}
              </Button>
              <Button size="small" onPress={() => change([])} keys="B">
                {text.classify.blank}
              </Button>
              {feedback ? (
                <>
                  <Button size="small" kind="primary" onPress={() => send.mutate()} isDisabled={send.isPending}>
                    {text.classify.sendFeedback}
                  </Button>
                  <Button size="small" onPress={() => setFeedback(false)}>
                    {text.classify.discard}
                  </Button>
                </>
              ) : (
                <span className={ui.hint} role="status">
                  {text.classify[state]}
                </span>
              )}
            </div>
          </div>
        )}
        <section className={styles.section}>
          <h2>{text.classify.observations}</h2>
          {drafts.every((draft) => draft.observation_type === "blank") && <EmptyView project={project} row={row} />}
          <ObservationList
            drafts={drafts.filter((draft) => draft.observation_type !== "blank")}
            rows={row?.dynamic_attrs ?? []}
            selected={selected}
            onSelect={setSelected}
          />
          {isEditable && current && (
            <ObservationEditor
              key={`${current.key} ${wantsSpecies}`}
              draft={current}
              onChange={update}
              onDelete={() => remove(current.key)}
              focusesSpecies={wantsSpecies}
            />
          )}
          {!isEditable && (
            <Provenance project={project} row={row?.dynamic_attrs.find((each) => each.id === selected)} />
          )}
        </section>
        <HistoryList rows={rows} chosen={row?.id} me={me} onChoose={setChosenId} />
      </aside>
    </div>
  );
}

type HeadProps = {
  project: string;
  photo: ResourceDetail;
  previous: string | undefined;
  next: string | undefined;
  onGo: (id: string | undefined) => void;
};

const Head = ({ project, photo, previous, next, onGo }: HeadProps) => (
  <header className={styles.head}>
    <div className={styles.title}>
      <h1 tabIndex={-1}>{photo.file_path || photo.file_name}</h1>
      <p>{captured(photo.captured_at, photo.recorded_offset_seconds)}</p>
    </div>
    <div className={ui.actions}>
      <Link to="/projects/$project/review" params={{ project }} search={{}} className={ui.button} data-kind="quiet">
        {text.classify.back}
      </Link>
      <Button size="icon" label={text.classify.previous} onPress={() => onGo(previous)} isDisabled={!previous}>
        <Icon name="left" />
      </Button>
      <Button size="icon" label={text.classify.next} onPress={() => onGo(next)} isDisabled={!next}>
        <Icon name="right" />
      </Button>
    </div>
  </header>
);

/** Rows and pictures of the photos that probably come next, so that they are there at once. */
function usePrefetch(project: string, ids: (string | undefined)[]): void {
  const [first, second] = ids;
  useEffect(() => {
    for (const id of [first, second]) {
      if (!id) continue;
      void queryClient.prefetchQuery(resourceQuery(id));
      void queryClient.prefetchQuery(historyQuery(project, id));
      const picture = new Image();
      picture.src = originalUrl(id);
    }
  }, [project, first, second]);
}

const newDraft = (bbox: Box): Draft => ({
  key: `new-${Date.now()}`,
  bbox,
  observation_type: "animal",
  observation_level: "object",
  taxon_id: null,
  scientific_name: null,
  label: null,
});

function confidenceOf(draft: Draft, row: HistoryItem | undefined): string {
  const observation = row?.dynamic_attrs.find((each) => each.id === draft.id);
  return score(observation?.classification_confidence ?? observation?.detection_confidence ?? null);
}

const labelOf = (draft: Draft, row: HistoryItem | undefined): string =>
  [nameOf(draft), confidenceOf(draft, row)].filter(Boolean).join(" ");
