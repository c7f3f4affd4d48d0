import { Link } from "@tanstack/react-router";
import { useEffect, useSyncExternalStore } from "react";
import { bytes } from "../../base/format";
import { text } from "../../base/messages/en";
import { Button } from "../../ui/Button";
import { Card, Notice, Problem, Progress, styles as ui } from "../../ui/parts";
import styles from "./Import.module.css";
import type { ImportRun, ImportState } from "./importRun";
import { failuresCsv } from "./state";

const STEPS = ["prepare", "compare", "send", "done"] as const;

export function ImportProgress({ run, project, onAgain }: { run: ImportRun; project: string; onAgain: () => void }) {
  const state = useSyncExternalStore(run.subscribe, () => run.state);
  useLeaveWarning(!run.isOver);
  const ended = state.known + state.sent + state.failures.length;
  return (
    <Card>
      <div className={styles.progress}>
        <ol className={styles.steps}>
          {STEPS.map((step) => (
            <li key={step} className={styles.step} data-state={stateOf(step, state)}>
              {text.imports.steps[step]}
            </li>
          ))}
        </ol>
        <Progress
          value={state.total ? (state.hashed + ended) / (2 * state.total) : 1}
          label={text.imports.title}
          tone={state.error ? "bad" : "plain"}
        />
        <div className={styles.counts} role="status">
          <span>{text.imports.sent(state.sent)}</span>
          <span>{text.imports.known(state.known)}</span>
          <span>{bytes(state.bytesSent)}</span>
          {!run.isOver && <span>{text.imports.left(state.total - ended)}</span>}
        </div>
        <Problem error={state.error} onRetry={onAgain} />
        {state.step === "done" && (
          <Notice tone="good">
            <p>{text.imports.finished}</p>
            <p>{text.imports.finishedHint}</p>
          </Notice>
        )}
        {state.failures.length > 0 && <Failures state={state} />}
        <div className={ui.actions}>
          {run.isOver ? (
            <>
              <Link to="/projects/$project/jobs" params={{ project }} className={ui.button} data-kind="primary">
                {text.imports.toJobs}
              </Link>
              <Button onPress={onAgain}>{text.imports.clear}</Button>
            </>
          ) : state.isPaused ? (
            <Button kind="primary" onPress={() => run.resume()}>
              {text.imports.resume}
            </Button>
          ) : (
            <Button onPress={() => run.pause()}>{text.imports.pause}</Button>
          )}
        </div>
      </div>
    </Card>
  );
}

function Failures({ state }: { state: ImportState }) {
  const download = () => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([failuresCsv(state.failures)], { type: "text/csv" }));
    link.download = "not-imported.csv";
    link.click();
    URL.revokeObjectURL(link.href);
  };
  return (
    <Notice tone="bad">
      <p>{text.imports.failed(state.failures.length)}</p>
      <ul className={styles.failures}>
        {state.failures.slice(0, 50).map((failure) => (
          <li key={failure.path}>
            {failure.path}: {failure.reason}
          </li>
        ))}
      </ul>
      <Button size="small" onPress={download}>
        {text.imports.errors}
      </Button>
    </Notice>
  );
}

function stateOf(step: (typeof STEPS)[number], state: ImportState): "done" | "now" | "later" {
  const difference = STEPS.indexOf(step) - STEPS.indexOf(state.step);
  if (difference === 0) return step === "done" ? "done" : "now";
  return difference < 0 ? "done" : "later";
}

function useLeaveWarning(isActive: boolean): void {
  useEffect(() => {
    if (!isActive) return;
    const warn = (event: BeforeUnloadEvent) => event.preventDefault();
    window.addEventListener("beforeunload", warn);
    return () => window.removeEventListener("beforeunload", warn);
  }, [isActive]);
}
