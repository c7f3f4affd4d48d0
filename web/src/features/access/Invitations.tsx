import { useMutation, useQuery } from "@tanstack/react-query";
import { text } from "../../base/messages/en";
import { queryClient } from "../../base/queryClient";
import { Button } from "../../ui/Button";
import { Notice, Problem, styles as ui } from "../../ui/parts";
import { answerInvitation } from "./mutations";
import { invitationsQuery } from "./queries";

/** Roles in projects that were offered to this person. */
export function Invitations() {
  const invitations = useQuery(invitationsQuery).data ?? [];
  const answer = useMutation({
    mutationFn: ({ id, accepts }: { id: string; accepts: boolean }) => answerInvitation(id, accepts),
    onSuccess: () => queryClient.invalidateQueries(),
  });
  return (
    <>
      {invitations.map((invitation) => (
        <Notice key={invitation.id}>
          <p>{text.access.invited(invitation.project_name, invitation.role)}</p>
          <div className={ui.actions}>
            <Button kind="primary" onPress={() => answer.mutate({ id: invitation.id, accepts: true })}>
              {text.access.accept}
            </Button>
            <Button onPress={() => answer.mutate({ id: invitation.id, accepts: false })}>{text.access.decline}</Button>
          </div>
        </Notice>
      ))}
      <Problem error={answer.error} />
    </>
  );
}
