import type { KeyboardEvent, PointerEvent } from "react";
import type { ObservationType } from "../../base/api/schema";
import { DASHES } from "./categories";
import { EDGES, type Edge } from "./state";
import styles from "./viewer.module.css";

export type Drawn = { x: number; y: number; width: number; height: number };

type Props = {
  box: Drawn;
  type: ObservationType;
  label: string;
  name: string;
  isSelected: boolean;
  isEditable: boolean;
  showsLabel: boolean;
  onFocus: () => void;
  onPress: (event: PointerEvent, edge: Edge | null) => void;
  onKey: (event: KeyboardEvent) => void;
};

const GRIP = 24;
const CHARACTER = 6.6;

export function BoxShape({
  box,
  type,
  label,
  name,
  isSelected,
  isEditable,
  showsLabel,
  onFocus,
  onPress,
  onKey,
}: Props) {
  const labelY = box.y > 20 ? box.y - 20 : box.y + 2;
  return (
    <g
      className={styles.box}
      role="button"
      tabIndex={0}
      aria-label={name}
      aria-pressed={isSelected}
      data-type={type}
      data-selected={isSelected}
      data-editable={isEditable}
      onFocus={onFocus}
      onKeyDown={onKey}
      onPointerDown={(event) => onPress(event, null)}
    >
      <rect className={styles.outline} {...box} />
      <rect className={styles.line} {...box} strokeDasharray={DASHES[type]} />
      {(showsLabel || isSelected) && (
        <g aria-hidden="true">
          <rect
            className={styles.labelBack}
            x={box.x}
            y={labelY}
            width={label.length * CHARACTER + 12}
            height={18}
            rx={3}
          />
          <text className={styles.label} x={box.x + 6} y={labelY + 13}>
            {label}
          </text>
        </g>
      )}
      {isSelected && isEditable && EDGES.map((edge) => <Handle key={edge} edge={edge} box={box} onPress={onPress} />)}
    </g>
  );
}

function Handle({ edge, box, onPress }: { edge: Edge; box: Drawn; onPress: Props["onPress"] }) {
  const x = edge.includes("w") ? box.x : edge.includes("e") ? box.x + box.width : box.x + box.width / 2;
  const y = edge.includes("n") ? box.y : edge.includes("s") ? box.y + box.height : box.y + box.height / 2;
  return (
    <g onPointerDown={(event) => onPress(event, edge)}>
      <rect className={styles.handle} x={x - 4} y={y - 4} width={8} height={8} rx={2} />
      <rect
        className={styles.grip}
        x={x - GRIP / 2}
        y={y - GRIP / 2}
        width={GRIP}
        height={GRIP}
        cursor={`${edge}-resize`}
      />
    </g>
  );
}
