/** x, y, width and height as parts, 0 to 1, of the upright picture: as the API has it. */
export type Box = readonly [number, number, number, number];
export type Point = { x: number; y: number };
export type Size = { width: number; height: number };
/** View pixels per image pixel, and where the picture's corner lies in the view. */
export type Camera = { scale: number; x: number; y: number };
export type Edge = "n" | "s" | "w" | "e" | "nw" | "ne" | "sw" | "se";

const MOST_SCALE = 8;
const LEAST_PIXELS = 4;

export const EDGES: readonly Edge[] = ["nw", "n", "ne", "e", "se", "s", "sw", "w"];

/** The camera that shows the whole picture in the middle. */
export function fit(view: Size, image: Size): Camera {
  const scale = Math.min(view.width / image.width, view.height / image.height);
  return { scale, x: (view.width - image.width * scale) / 2, y: (view.height - image.height * scale) / 2 };
}

/** Zooms so that what is under the point stays there. */
export function zoomAt(camera: Camera, at: Point, factor: number, view: Size, image: Size): Camera {
  const least = fit(view, image).scale;
  const scale = clamp(camera.scale * factor, Math.min(least, 1), Math.max(MOST_SCALE, least));
  const ratio = scale / camera.scale;
  return keepInSight({ scale, x: at.x - (at.x - camera.x) * ratio, y: at.y - (at.y - camera.y) * ratio }, view, image);
}

export const pan = (camera: Camera, by: Point, view: Size, image: Size): Camera =>
  keepInSight({ ...camera, x: camera.x + by.x, y: camera.y + by.y }, view, image);

/** At least a quarter of the view shows the picture. */
function keepInSight(camera: Camera, view: Size, image: Size): Camera {
  const [width, height] = [image.width * camera.scale, image.height * camera.scale];
  return {
    scale: camera.scale,
    x: clamp(camera.x, view.width / 4 - width, (view.width * 3) / 4),
    y: clamp(camera.y, view.height / 4 - height, (view.height * 3) / 4),
  };
}

/** The box in pixels of the view. */
export function toView([x, y, width, height]: Box, camera: Camera, image: Size) {
  return {
    x: camera.x + x * image.width * camera.scale,
    y: camera.y + y * image.height * camera.scale,
    width: width * image.width * camera.scale,
    height: height * image.height * camera.scale,
  };
}

/** A point of the view as parts of the picture. */
export const toPicture = (point: Point, camera: Camera, image: Size): Point => ({
  x: (point.x - camera.x) / camera.scale / image.width,
  y: (point.y - camera.y) / camera.scale / image.height,
});

export const moveBox = ([x, y, width, height]: Box, by: Point): Box =>
  round([clamp(x + by.x, 0, 1 - width), clamp(y + by.y, 0, 1 - height), width, height]);

/** Moves one edge or corner; a box stays within the picture and keeps at least four pixels. */
export function resizeBox([x, y, width, height]: Box, edge: Edge, by: Point, image: Size): Box {
  const [leastWidth, leastHeight] = [LEAST_PIXELS / image.width, LEAST_PIXELS / image.height];
  let [left, top, right, bottom] = [x, y, x + width, y + height];
  if (edge.includes("w")) left = clamp(left + by.x, 0, right - leastWidth);
  if (edge.includes("e")) right = clamp(right + by.x, left + leastWidth, 1);
  if (edge.includes("n")) top = clamp(top + by.y, 0, bottom - leastHeight);
  if (edge.includes("s")) bottom = clamp(bottom + by.y, top + leastHeight, 1);
  return round([left, top, right - left, bottom - top]);
}

/** The box between two points, within the picture; null when it is too small to be meant. */
export function boxBetween(from: Point, to: Point, image: Size): Box | null {
  const [x1, x2] = [clamp(Math.min(from.x, to.x), 0, 1), clamp(Math.max(from.x, to.x), 0, 1)];
  const [y1, y2] = [clamp(Math.min(from.y, to.y), 0, 1), clamp(Math.max(from.y, to.y), 0, 1)];
  const isMeant = (x2 - x1) * image.width >= LEAST_PIXELS && (y2 - y1) * image.height >= LEAST_PIXELS;
  return isMeant ? round([x1, y1, x2 - x1, y2 - y1]) : null;
}

/** Whether the picture on the screen has the shape of the stored one, within a pixel of a thumbnail. */
export const hasShape = (shown: Size, stored: Size): boolean =>
  Math.abs(shown.width / shown.height - stored.width / stored.height) < 0.02;

const clamp = (value: number, least: number, most: number): number => Math.min(Math.max(value, least), most);
const round = (box: Box): Box => box.map((value) => Math.round(value * 1e6) / 1e6) as unknown as Box;
