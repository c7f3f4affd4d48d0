/** The values of the 24 hours in order; what has no hour is left out. */
export const byHour = (hours: readonly { hour: number | null; value: number }[]): { hour: number; value: number }[] =>
  Array.from({ length: 24 }, (_, hour) => ({
    hour,
    value: hours.reduce((total, each) => total + (each.hour === hour ? each.value : 0), 0),
  }));

export type Span = { start: number; end: number };

/** From the first start to the last end in milliseconds; null when no span has both. */
export function wholeSpan(spans: readonly { start_at: string | null; end_at: string | null }[]): Span | null {
  const known = spans.flatMap((span) => toSpan(span) ?? []);
  if (known.length === 0) return null;
  const start = Math.min(...known.map((span) => span.start));
  return { start, end: Math.max(start + 1, ...known.map((span) => span.end)) };
}

export function toSpan({ start_at, end_at }: { start_at: string | null; end_at: string | null }): Span | null {
  return start_at === null || end_at === null ? null : { start: Date.parse(start_at), end: Date.parse(end_at) };
}

/** Where a span lies on a line from 0 to 100; a short one keeps a width that can be seen. */
export function onLine(span: Span, whole: Span): { x: number; width: number } {
  const length = whole.end - whole.start;
  const x = Math.min(99, (100 * (span.start - whole.start)) / length);
  return { x, width: Math.max(1, Math.min(100 - x, (100 * (span.end - span.start)) / length)) };
}
