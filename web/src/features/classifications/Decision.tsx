import { useMutation } from "@tanstack/react-query";
import type { Capability, HistoryItem } from "../../base/api/schema";
import { ago } from "../../base/format";
import { text } from "../../base/messages/en";
import { useCommands } from "../../parts/keys/commands";
import { Button } from "../../ui/Button";
import { Icon } from "../../ui/icons";
import { Badge, Problem, styles as ui } from "../../ui/parts";
import { can } from "../access/queries";
import styles from "./Classify.module.css";
import { approve, unapprove } from "./mutations";

type Props = {
  row: HistoryItem | undefined;
  capabilities: readonly Capability[] | undefined;
  isFeedback: boolean;
  onFeedback: () => void;
};

/** Approve, withdraw, give feedback: what this person may do with this row now. */
export function Decision({ row, capabilities, isFeedback, onFeedback }: Props) {
  const decide = useMutation({
    mutationFn: async (decision: typeof approve) => row && decision(row),
  });
  const mayApprove = can(capabilities, "approve");
  const isApprovable = row !== undefined && row.type !== "final" && row.type !== "feedback" && !row.is_approved;
  useCommands(text.classify.approveMine, [
    {
      id: "approve",
      title: row?.type === "ai" ? text.classify.approve : text.classify.approveMine,
      keys: ["a"],
      run: () => decide.mutate(approve),
      isEnabled: mayApprove && isApprovable && row.superseded_by_id === null && !decide.isPending,
    },
  ]);
  if (!row) return null;
  return (
    <section className={styles.decision}>
      {row.is_approved && (
        <div className={ui.actions}>
          <Badge tone="good">
            <Icon name="check" size={14} />
            {text.classify.approvedBy}
          </Badge>
          {row.approved_at && <span className={ui.hint}>{ago(row.approved_at)}</span>}
        </div>
      )}
      {mayApprove && isApprovable && row.superseded_by_id === null && (
        <Button kind="primary" onPress={() => decide.mutate(approve)} isDisabled={decide.isPending} keys="A">
          <Icon name="check" />
          {row.type === "ai" ? text.classify.approve : text.classify.approveMine}
        </Button>
      )}
      {row.is_approved && !isFeedback && (
        <div className={ui.actions}>
          {can(capabilities, "give_feedback") && <Button onPress={onFeedback}>{text.classify.feedback}</Button>}
          {mayApprove && (
            <Button kind="quiet" onPress={() => decide.mutate(unapprove)} isDisabled={decide.isPending}>
              {text.classify.unapprove}
            </Button>
          )}
        </div>
      )}
      <Problem error={decide.error} />
    </section>
  );
}
