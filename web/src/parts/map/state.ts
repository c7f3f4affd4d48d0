export type Place = { id: string; name: string; latitude: number; longitude: number };
export type Frame = { west: number; east: number; south: number; north: number };

const LEAST_DEGREES = 0.02;

/** The frame around all places with a margin, of the given ratio (width by height) on the ground. */
export function frameOf(places: readonly Place[], ratio: number): Frame {
  const latitudes = places.map((place) => place.latitude);
  const longitudes = places.map((place) => place.longitude);
  const [south, north] = [Math.min(...latitudes), Math.max(...latitudes)];
  const [west, east] = [Math.min(...longitudes), Math.max(...longitudes)];
  const shrink = shrinkAt((south + north) / 2);
  const height = Math.max(LEAST_DEGREES, (north - south) * 1.3, ((east - west) * 1.3 * shrink) / ratio);
  const width = (height * ratio) / shrink;
  return {
    west: (west + east) / 2 - width / 2,
    east: (west + east) / 2 + width / 2,
    south: (south + north) / 2 - height / 2,
    north: (south + north) / 2 + height / 2,
  };
}

/** How much shorter a degree of longitude is than one of latitude; never nothing, not even at a pole. */
const shrinkAt = (latitude: number): number => Math.max(0.05, Math.cos((latitude * Math.PI) / 180));

/** Where a place lies in a picture of this width and height. */
export const project = (place: Place, frame: Frame, width: number, height: number) => ({
  x: ((place.longitude - frame.west) / (frame.east - frame.west)) * width,
  y: ((frame.north - place.latitude) / (frame.north - frame.south)) * height,
});

const STEPS = [30, 10, 5, 2, 1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005];

/** Round values between two degrees, two to six of them. */
export function gridLines(from: number, to: number): number[] {
  const step = STEPS.find((each) => (to - from) / each >= 3) ?? 0.005;
  const first = Math.ceil(from / step);
  const count = Math.floor(to / step) - first + 1;
  return Array.from({ length: Math.max(0, count) }, (_, index) => Number(((first + index) * step).toFixed(3)));
}
