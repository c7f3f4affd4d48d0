import { text } from "../base/messages/en";
import { shownKey, useAllCommands } from "../parts/keys/commands";
import { Dialog } from "../ui/Dialog";
import { styles as ui } from "../ui/parts";
import styles from "./Shell.module.css";

export function KeyHelp({ isOpen, onClose }: { isOpen: boolean; onClose: () => void }) {
  const scopes = useAllCommands();
  return (
    <Dialog title={text.shell.keys} isOpen={isOpen} onClose={onClose} isWide>
      {[...scopes].reverse().map((scope) => (
        <section key={scope.name} className={styles.keyTable}>
          <h3>{scope.name}</h3>
          {scope.commands
            .filter((command) => command.keys.length > 0)
            .map((command) => (
              <p key={command.id} className={styles.keyRow}>
                {command.title}
                <kbd className={ui.kbd}>{command.keys.map(shownKey).join(" or ")}</kbd>
              </p>
            ))}
        </section>
      ))}
    </Dialog>
  );
}
