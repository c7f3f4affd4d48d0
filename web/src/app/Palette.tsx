import { type KeyboardEvent, useState } from "react";
import { text } from "../base/messages/en";
import { type Command, shownKey, useAllCommands } from "../parts/keys/commands";
import { Dialog } from "../ui/Dialog";
import { TextField } from "../ui/fields";
import { styles as ui } from "../ui/parts";
import styles from "./Shell.module.css";

export function Palette({ isOpen, onClose }: { isOpen: boolean; onClose: () => void }) {
  return (
    <Dialog title={text.shell.palette} isOpen={isOpen} onClose={onClose} isWide>
      <PaletteBody onClose={onClose} />
    </Dialog>
  );
}

function PaletteBody({ onClose }: { onClose: () => void }) {
  const [search, setSearch] = useState("");
  const [position, setPosition] = useState(0);
  const commands = useAllCommands()
    .flatMap((scope) => scope.commands)
    .filter((command) => command.isEnabled !== false && command.id !== "palette")
    .filter((command) => command.title.toLowerCase().includes(search.trim().toLowerCase()));
  const chosen = Math.min(position, commands.length - 1);
  const run = (command: Command | undefined) => {
    if (!command) return;
    onClose();
    // The dialog gives the focus back first.
    requestAnimationFrame(command.run);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      setPosition((chosen + step + commands.length) % Math.max(1, commands.length));
    } else if (event.key === "Enter") {
      event.preventDefault();
      run(commands[chosen]);
    }
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the arrows move through the list while the focus stays in the field
    <div className={ui.form} onKeyDown={onKeyDown} role="presentation">
      <TextField
        label={text.shell.paletteHint}
        value={search}
        onChange={(value) => {
          setSearch(value);
          setPosition(0);
        }}
        autoFocus
      />
      <div className={styles.paletteList} role="listbox" aria-label={text.shell.palette}>
        {commands.map((command, index) => (
          <button
            key={`${command.id} ${command.title}`}
            type="button"
            role="option"
            tabIndex={-1}
            aria-selected={index === chosen}
            className={styles.paletteItem}
            onClick={() => run(command)}
          >
            {command.title}
            {command.keys[0] && <kbd className={ui.kbd}>{shownKey(command.keys[0])}</kbd>}
          </button>
        ))}
        {commands.length === 0 && <p className={ui.soft}>{text.shell.nothingFits}</p>}
      </div>
    </div>
  );
}
