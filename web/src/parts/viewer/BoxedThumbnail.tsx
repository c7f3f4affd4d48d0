import type { ObservationType } from "../../base/api/schema";
import type { Box } from "./state";
import styles from "./viewer.module.css";

type Props = { src: string; alt: string; boxes: readonly { id: string; type: ObservationType; bbox: Box }[] };

/** A small picture with its boxes, for lists. */
export const BoxedThumbnail = ({ src, alt, boxes }: Props) => (
  <span className={styles.thumb}>
    <img src={src} alt={alt} loading="lazy" decoding="async" />
    <svg viewBox="0 0 1 1" preserveAspectRatio="none" aria-hidden="true">
      {boxes.map(({ id, type, bbox: [x, y, width, height] }) => (
        <rect key={id} data-type={type} x={x} y={y} width={width} height={height} />
      ))}
    </svg>
  </span>
);
