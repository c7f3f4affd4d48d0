import { useSyncExternalStore } from "react";
import { session } from "../base/api/session";
import { text } from "../base/messages/en";
import { SignInForm } from "../features/access/SignInForm";
import { Dialog } from "../ui/Dialog";

/** Opens over the page when its session has ended; what waited for it goes on afterwards. */
export function SessionDialog() {
  const isExpired = useSyncExternalStore(session.subscribe, session.isExpired);
  return (
    <Dialog title={text.access.expired} isOpen={isExpired} onClose={() => undefined} isDismissable={false}>
      <p>{text.access.expiredHint}</p>
      <SignInForm onDone={() => undefined} />
    </Dialog>
  );
}
