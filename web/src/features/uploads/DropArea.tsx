import { type DragEvent, useRef, useState } from "react";
import { text } from "../../base/messages/en";
import { Button } from "../../ui/Button";
import { Icon } from "../../ui/icons";
import { Problem } from "../../ui/parts";
import styles from "./Import.module.css";
import { scanDrop, scanList } from "./scan";
import type { Scanned } from "./state";

export function DropArea({ onScanned }: { onScanned: (scanned: Scanned) => void }) {
  const input = useRef<HTMLInputElement>(null);
  const [isOver, setIsOver] = useState(false);
  const [reading, setReading] = useState<number | null>(null);
  const [error, setError] = useState<unknown>(null);
  const drop = async (event: DragEvent) => {
    event.preventDefault();
    setIsOver(false);
    setReading(0);
    try {
      onScanned(await scanDrop(event.dataTransfer.items, setReading));
    } catch (problem) {
      setError(problem);
      setReading(null);
    }
  };
  return (
    <section
      className={styles.drop}
      data-over={isOver}
      aria-label={text.imports.drop}
      onDragOver={(event) => {
        event.preventDefault();
        setIsOver(true);
      }}
      onDragLeave={() => setIsOver(false)}
      onDrop={(event) => void drop(event)}
    >
      <Icon name="folder" size={44} />
      <h2>{reading === null ? text.imports.drop : text.imports.reading(reading)}</h2>
      <p>{text.imports.dropHint}</p>
      <Button kind="primary" onPress={() => input.current?.click()}>
        {text.imports.choose}
      </Button>
      <input
        ref={input}
        className={styles.chooser}
        type="file"
        multiple
        aria-label={text.imports.choose}
        {...{ webkitdirectory: "" }}
        onChange={(event) => event.target.files && onScanned(scanList(event.target.files))}
      />
      <Problem error={error} />
    </section>
  );
}
