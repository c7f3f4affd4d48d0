import { useEffect, useRef, useState } from "react";
import type { HistoryItem } from "../../base/api/schema";
import { queryClient } from "../../base/queryClient";
import { save } from "./mutations";
import { decided } from "./queries";
import { type Draft, toChanges, toDraft } from "./state";

const REST_MS = 500;

export type SaveState = "saved" | "saving" | "unsaved";

/** The observations of a row as they are edited; saved when the changes rest, one request at a time. */
export function useDraft(row: HistoryItem | undefined, isEditable: boolean, isFeedback: boolean) {
  const [drafts, setDrafts] = useState<Draft[]>([]);
  const [state, setState] = useState<SaveState>("saved");
  const [error, setError] = useState<unknown>(null);
  const version = useRef(0);
  const latest = useRef<Draft[]>([]);
  const timer = useRef<number | undefined>(undefined);
  const isSaving = useRef(false);
  const rowId = row?.id;

  // Another row, or another version of it that is not our own change: begin from what it says.
  // biome-ignore lint/correctness/useExhaustiveDependencies: an edit in progress must not be replaced by its own echo
  useEffect(() => {
    if (!row) return setDrafts([]);
    if (isFeedback || row.version < version.current) return;
    version.current = row.version;
    if (timer.current === undefined && !isSaving.current) {
      latest.current = row.dynamic_attrs.map(toDraft);
      setDrafts(latest.current);
      setError(null);
    }
  }, [rowId, row?.version, isFeedback]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: only another row forgets the version of the former one
  useEffect(() => {
    version.current = row?.version ?? 0;
    latest.current = row?.dynamic_attrs.map(toDraft) ?? [];
    setDrafts(latest.current);
    setState("saved");
    setError(null);
  }, [rowId, isFeedback]);

  const send = async (): Promise<void> => {
    timer.current = undefined;
    if (!rowId || isSaving.current) return;
    isSaving.current = true;
    setState("saving");
    const sent = latest.current;
    let changedMeanwhile = false;
    try {
      const reply = await save({ id: rowId, version: version.current }, toChanges(sent, { withIds: true }));
      version.current = reply.version;
      setError(null);
      changedMeanwhile = latest.current !== sent;
      if (!changedMeanwhile) {
        latest.current = reply.dynamic_attrs.map((each, index) => ({
          ...toDraft(each),
          key: sent[index]?.key ?? each.id,
        }));
        setDrafts(latest.current);
        setState("saved");
      }
      void decided();
    } catch (problem) {
      changedMeanwhile = latest.current !== sent;
      setError(problem);
      setState("unsaved");
      void queryClient.invalidateQueries({ queryKey: ["classifications"] });
    } finally {
      isSaving.current = false;
      if (changedMeanwhile && timer.current === undefined && rowId) timer.current = window.setTimeout(send, 0);
    }
  };

  const change = (next: Draft[]) => {
    latest.current = next;
    setDrafts(next);
    if (isFeedback || !isEditable) return;
    setState("unsaved");
    window.clearTimeout(timer.current);
    timer.current = window.setTimeout(send, REST_MS);
  };

  // Leaving the photo saves what rests.
  const leave = useRef(send);
  leave.current = send;
  useEffect(
    () => () => {
      if (timer.current === undefined) return;
      window.clearTimeout(timer.current);
      void leave.current();
    },
    [],
  );

  return { drafts, change, state, error };
}
