import {
  type KeyboardEvent,
  type PointerEvent,
  type Ref,
  useEffect,
  useImperativeHandle,
  useRef,
  useState,
} from "react";
import type { ObservationType } from "../../base/api/schema";
import { text } from "../../base/messages/en";
import { BoxShape } from "./BoxShape";
import {
  type Box,
  boxBetween,
  type Camera,
  type Edge,
  fit,
  hasShape,
  moveBox,
  type Point,
  pan,
  resizeBox,
  type Size,
  toPicture,
  toView,
  zoomAt,
} from "./state";
import styles from "./viewer.module.css";

export type ViewerBox = { id: string; type: ObservationType; label: string; name: string; bbox: Box };
export type ViewerHandle = { zoom: (factor: number) => void; fit: () => void };

type Props = {
  src: string;
  placeholder: string;
  alt: string;
  image: Size;
  boxes: readonly ViewerBox[];
  selected: string | null;
  onSelect: (id: string | null) => void;
  isEditable: boolean;
  isDrawing: boolean;
  showsBoxes: boolean;
  filter: string;
  onChange: (id: string, bbox: Box) => void;
  onDraw: (bbox: Box) => void;
  ref?: Ref<ViewerHandle>;
};

type Gesture =
  | { kind: "pan"; last: Point }
  | { kind: "draw"; from: Point; box: Box | null }
  | { kind: "move"; id: string; from: Point; start: Box; box: Box }
  | { kind: "resize"; id: string; edge: Edge; from: Point; start: Box; box: Box };

const STEP = 1.4;
const MOST_LABELS = 300;

/** A picture with boxes over it: zoom, pan, select, draw, move, resize, by pointer and by key. */
export function Viewer(props: Props) {
  const { image, boxes, selected, isEditable, isDrawing, showsBoxes, filter, ref } = props;
  const stage = useRef<HTMLDivElement>(null);
  const [view, setView] = useState<Size>({ width: 0, height: 0 });
  const [camera, setCamera] = useState<Camera | null>(null);
  const [gesture, setGesture] = useState<Gesture | null>(null);
  const [shown, setShown] = useState<Size | null>(null);
  const [failed, setFailed] = useState(false);
  const present = camera ?? (view.width > 0 ? fit(view, image) : null);

  useEffect(() => {
    const element = stage.current;
    if (!element) return;
    const observer = new ResizeObserver(([entry]) => {
      if (entry) setView({ width: entry.contentRect.width, height: entry.contentRect.height });
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  const zoom = (factor: number, at: Point = { x: view.width / 2, y: view.height / 2 }) =>
    setCamera((current) => zoomAt(current ?? fit(view, image), at, factor, view, image));
  useImperativeHandle(ref, () => ({ zoom: (factor) => zoom(factor), fit: () => setCamera(null) }));

  const latestZoom = useRef(zoom);
  latestZoom.current = zoom;
  useEffect(() => {
    const element = stage.current;
    if (!element) return;
    const onWheel = (event: WheelEvent) => {
      event.preventDefault();
      const pixels = event.deltaY * (event.deltaMode === 1 ? 16 : 1);
      const bounds = element.getBoundingClientRect();
      latestZoom.current(Math.exp(-pixels * 0.002), { x: event.clientX - bounds.left, y: event.clientY - bounds.top });
    };
    element.addEventListener("wheel", onWheel, { passive: false });
    return () => element.removeEventListener("wheel", onWheel);
  }, []);

  const pointOf = (event: PointerEvent): Point => {
    const bounds = stage.current?.getBoundingClientRect();
    return { x: event.clientX - (bounds?.left ?? 0), y: event.clientY - (bounds?.top ?? 0) };
  };
  const begin = (event: PointerEvent, next: Gesture) => {
    stage.current?.setPointerCapture(event.pointerId);
    setGesture(next);
  };
  const onDown = (event: PointerEvent) => {
    if (!present) return;
    const at = pointOf(event);
    if (isDrawing && event.button === 0) begin(event, { kind: "draw", from: toPicture(at, present, image), box: null });
    else begin(event, { kind: "pan", last: at });
  };
  const onPress = (event: PointerEvent, box: ViewerBox, edge: Edge | null) => {
    if (isDrawing || event.button !== 0 || !present) return;
    event.stopPropagation();
    props.onSelect(box.id);
    if (!isEditable || (!edge && selected !== box.id)) return;
    const from = toPicture(pointOf(event), present, image);
    const common = { id: box.id, from, start: box.bbox, box: box.bbox };
    begin(event, edge ? { kind: "resize", edge, ...common } : { kind: "move", ...common });
  };
  const onMove = (event: PointerEvent) => {
    if (!gesture || !present) return;
    const at = pointOf(event);
    if (gesture.kind === "pan") {
      setCamera(pan(present, { x: at.x - gesture.last.x, y: at.y - gesture.last.y }, view, image));
      setGesture({ kind: "pan", last: at });
      return;
    }
    const point = toPicture(at, present, image);
    const by = { x: point.x - gesture.from.x, y: point.y - gesture.from.y };
    if (gesture.kind === "draw") setGesture({ ...gesture, box: boxBetween(gesture.from, point, image) });
    else if (gesture.kind === "move") setGesture({ ...gesture, box: moveBox(gesture.start, by) });
    else setGesture({ ...gesture, box: resizeBox(gesture.start, gesture.edge, by, image) });
  };
  const onUp = () => {
    if (gesture?.kind === "draw" && gesture.box) props.onDraw(gesture.box);
    if ((gesture?.kind === "move" || gesture?.kind === "resize") && gesture.box !== gesture.start)
      props.onChange(gesture.id, gesture.box);
    setGesture(null);
  };
  const onKey = (event: KeyboardEvent, box: ViewerBox) => {
    const step = ARROWS[event.key];
    if (!step || !isEditable) return;
    event.preventDefault();
    const pixels = event.shiftKey ? 10 : 1;
    const by = { x: (step.x * pixels) / image.width, y: (step.y * pixels) / image.height };
    props.onChange(box.id, event.altKey ? resizeBox(box.bbox, "se", by, image) : moveBox(box.bbox, by));
  };

  const bboxOf = (box: ViewerBox): Box =>
    (gesture?.kind === "move" || gesture?.kind === "resize") && gesture.id === box.id ? gesture.box : box.bbox;
  const fits = shown === null || hasShape(shown, image);
  const drawn = gesture?.kind === "draw" ? gesture.box : null;
  return (
    <div
      ref={stage}
      className={styles.stage}
      role="group"
      aria-label={text.classify.viewer}
      data-mode={gesture?.kind === "pan" ? "pan" : isDrawing ? "draw" : "view"}
      onPointerDown={onDown}
      onPointerMove={onMove}
      onPointerUp={onUp}
      onPointerCancel={() => setGesture(null)}
    >
      {present && !failed && (
        <Picture {...props} camera={present} filter={filter} onShown={setShown} onFailed={() => setFailed(true)} />
      )}
      {present && showsBoxes && fits && !failed && (
        <svg className={styles.overlay}>
          {boxes.map((box) => (
            <BoxShape
              key={box.id}
              box={toView(bboxOf(box), present, image)}
              type={box.type}
              label={box.label}
              name={box.name}
              isSelected={box.id === selected}
              isEditable={isEditable}
              showsLabel={boxes.length <= MOST_LABELS}
              onFocus={() => props.onSelect(box.id)}
              onPress={(event, edge) => onPress(event, box, edge)}
              onKey={(event) => onKey(event, box)}
            />
          ))}
          {drawn && <rect className={styles.line} {...toView(drawn, present, image)} />}
        </svg>
      )}
      {failed && <p className={styles.message}>{text.classify.notShown}</p>}
      {!fits && <p className={styles.message}>{text.classify.ratio}</p>}
    </div>
  );
}

const ARROWS: Record<string, Point> = {
  ArrowLeft: { x: -1, y: 0 },
  ArrowRight: { x: 1, y: 0 },
  ArrowUp: { x: 0, y: -1 },
  ArrowDown: { x: 0, y: 1 },
};

type PictureProps = Pick<Props, "src" | "placeholder" | "alt" | "image"> & {
  camera: Camera;
  filter: string;
  onShown: (size: Size) => void;
  onFailed: () => void;
};

/** The thumbnail at once, and the picture itself over it as soon as it is there. */
function Picture({ src, placeholder, alt, image, camera, filter, onShown, onFailed }: PictureProps) {
  const style = {
    width: image.width,
    height: image.height,
    transform: `translate(${camera.x}px, ${camera.y}px) scale(${camera.scale})`,
    filter,
  };
  return (
    <>
      <img className={styles.image} style={style} src={placeholder} alt="" draggable={false} />
      <img
        className={styles.image}
        style={style}
        src={src}
        alt={alt}
        draggable={false}
        onLoad={({ currentTarget }) =>
          onShown({ width: currentTarget.naturalWidth, height: currentTarget.naturalHeight })
        }
        onError={onFailed}
      />
    </>
  );
}

export { STEP };
