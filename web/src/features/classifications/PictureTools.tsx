import { type RefObject, useState } from "react";
import { text } from "../../base/messages/en";
import type { ViewerHandle } from "../../parts/viewer/Viewer";
import { Button } from "../../ui/Button";
import { Icon } from "../../ui/icons";
import styles from "./Classify.module.css";

type Light = { brightness: number; contrast: number };
type Props = {
  viewer: RefObject<ViewerHandle | null>;
  light: Light;
  onLight: (light: Light) => void;
  showsBoxes: boolean;
  onShowBoxes: (shows: boolean) => void;
};

const STEP = 1.4;

export function PictureTools({ viewer, light, onLight, showsBoxes, onShowBoxes }: Props) {
  const [isOpen, setIsOpen] = useState(false);
  return (
    <>
      {isOpen && (
        <div className={styles.light}>
          {(["brightness", "contrast"] as const).map((name) => (
            <label key={name}>
              {text.classify[name]}
              <input
                type="range"
                min="40"
                max="300"
                value={light[name]}
                onChange={(event) => onLight({ ...light, [name]: Number(event.target.value) })}
              />
            </label>
          ))}
          <Button size="small" onPress={() => onLight({ brightness: 100, contrast: 100 })}>
            {text.classify.reset}
          </Button>
        </div>
      )}
      <div className={styles.tools} role="toolbar" aria-label={text.classify.viewer}>
        <Button kind="quiet" size="icon" label={text.classify.zoomOut} onPress={() => viewer.current?.zoom(1 / STEP)}>
          <Icon name="minus" />
        </Button>
        <Button kind="quiet" size="icon" label={text.classify.fit} onPress={() => viewer.current?.fit()}>
          <Icon name="fit" />
        </Button>
        <Button kind="quiet" size="icon" label={text.classify.zoomIn} onPress={() => viewer.current?.zoom(STEP)}>
          <Icon name="plus" />
        </Button>
        <Button
          kind="quiet"
          size="icon"
          label={text.classify.hide}
          isPressed={!showsBoxes}
          onPress={() => onShowBoxes(!showsBoxes)}
        >
          <Icon name="eye" />
        </Button>
        <Button
          kind="quiet"
          size="icon"
          label={text.classify.brightness}
          isPressed={isOpen}
          onPress={() => setIsOpen(!isOpen)}
        >
          <Icon name="bright" />
        </Button>
      </div>
    </>
  );
}
