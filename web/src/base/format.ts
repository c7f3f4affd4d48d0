const LOCALE = "en-GB";
const whole = new Intl.NumberFormat(LOCALE);
const decimal = new Intl.NumberFormat(LOCALE, { maximumFractionDigits: 1 });
const percentage = new Intl.NumberFormat(LOCALE, { style: "percent", maximumFractionDigits: 0 });
const rules = new Intl.PluralRules(LOCALE);
const relative = new Intl.RelativeTimeFormat(LOCALE, { numeric: "auto" });

export const number = (value: number): string => whole.format(value);
export const rate = (value: number): string => decimal.format(value);
export const percent = (value: number): string => percentage.format(value);
export const score = (value: number | null): string => (value === null ? "" : value.toFixed(2));

/** "1 photo", "3 photos". */
export const count = (value: number, singular: string, plural = `${singular}s`): string =>
  `${number(value)} ${rules.select(value) === "one" ? singular : plural}`;

export function bytes(value: number): string {
  if (value < 1_000) return `${value} B`;
  if (value < 1_000_000) return `${decimal.format(value / 1_000)} kB`;
  if (value < 1_000_000_000) return `${decimal.format(value / 1_000_000)} MB`;
  return `${decimal.format(value / 1_000_000_000)} GB`;
}

export function duration(seconds: number): string {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`;
  if (seconds < 5_400) return `${Math.round(seconds / 60)} min`;
  return `${decimal.format(seconds / 3_600)} h`;
}

/** "3 minutes ago", for moments of the system. */
export function ago(iso: string, now = Date.now()): string {
  const seconds = (Date.parse(iso) - now) / 1_000;
  const steps: [number, Intl.RelativeTimeFormatUnit][] = [
    [60, "second"],
    [3_600, "minute"],
    [86_400, "hour"],
    [2_592_000, "day"],
    [31_536_000, "month"],
    [Number.POSITIVE_INFINITY, "year"],
  ];
  let unit = 1;
  for (const [limit, name] of steps) {
    if (Math.abs(seconds) < limit) return relative.format(Math.round(seconds / unit), name);
    unit = limit;
  }
  return "";
}

export const day = (time: number): string =>
  new Intl.DateTimeFormat(LOCALE, { dateStyle: "medium", timeZone: "UTC" }).format(time);

/** "52.12° N". */
export const degrees = (value: number, positive: string, negative: string): string =>
  `${Math.abs(value)}° ${value < 0 ? negative : positive}`;

/** The date and time in the zone of this browser. */
export const moment = (iso: string): string =>
  new Intl.DateTimeFormat(LOCALE, { dateStyle: "medium", timeStyle: "short" }).format(new Date(iso));

/** The moment of a capture by the clock of its place, with the offset: "2025-09-03 06:42:18 +02:00". */
export function captured(iso: string | null, offsetSeconds: number | null): string {
  if (iso === null) return "time unknown";
  const offset = offsetSeconds ?? 0;
  const there = new Date(Date.parse(iso) + offset * 1_000).toISOString();
  const hours = String(Math.floor(Math.abs(offset) / 3_600)).padStart(2, "0");
  const minutes = String(Math.floor(Math.abs(offset) / 60) % 60).padStart(2, "0");
  const zone = offsetSeconds === null ? "UTC" : `${offset < 0 ? "−" : "+"}${hours}:${minutes}`;
  return `${there.slice(0, 10)} ${there.slice(11, 19)} ${zone}`;
}
