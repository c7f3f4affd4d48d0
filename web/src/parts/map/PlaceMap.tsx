import { degrees } from "../../base/format";
import styles from "./map.module.css";
import { frameOf, gridLines, type Place, project } from "./state";

const [WIDTH, HEIGHT] = [480, 300];

/** Places on a grid of degrees, north above: drawn here, so that no foreign server learns where the cameras stand. */
export function PlaceMap({ caption, places }: { caption: string; places: readonly Place[] }) {
  const frame = frameOf(places, WIDTH / HEIGHT);
  const at = (latitude: number, longitude: number) =>
    project({ id: "", name: "", latitude, longitude }, frame, WIDTH, HEIGHT);
  return (
    <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} className={styles.map} role="img" aria-label={caption}>
      {gridLines(frame.west, frame.east).map((longitude) => {
        const { x } = at(frame.north, longitude);
        return (
          <g key={longitude}>
            <line className={styles.grid} x1={x} x2={x} y1="0" y2={HEIGHT} />
            <text className={styles.degree} x={x + 3} y={HEIGHT - 4}>
              {degrees(longitude, "E", "W")}
            </text>
          </g>
        );
      })}
      {gridLines(frame.south, frame.north).map((latitude) => {
        const { y } = at(latitude, frame.west);
        return (
          <g key={latitude}>
            <line className={styles.grid} x1="0" x2={WIDTH} y1={y} y2={y} />
            <text className={styles.degree} x="4" y={y - 3}>
              {degrees(latitude, "N", "S")}
            </text>
          </g>
        );
      })}
      {places.map((place) => {
        const { x, y } = project(place, frame, WIDTH, HEIGHT);
        return (
          <g key={place.id}>
            <circle className={styles.place} cx={x} cy={y} r="6" />
            {places.length <= 30 && (
              <text className={styles.name} x={x} y={y - 10} textAnchor="middle">
                {place.name}
              </text>
            )}
          </g>
        );
      })}
    </svg>
  );
}
