/** Numbers, names and times as text. Numbers show as many digits as their interval bears. */
import type { Interval, Measure } from "./answer";

/** A no-break space. */
export const NBSP = "\u00a0";

/**
 * Decimals by half the width of the interval: up to its first digit, or its second if the first is 1 or 2. So the last
 * digit shown is one that the noise moves, and no digit behind it is shown.
 */
export function decimalsFor({ low, high }: Interval): number {
  const half = (high - low) / 2;
  if (!(half > 0)) return 4;
  const magnitude = Math.floor(Math.log10(half));
  const first = half / 10 ** magnitude;
  return Math.min(8, Math.max(0, -magnitude + (first < 3 ? 1 : 0)));
}

export interface Written {
  value: string;
  low: string;
  high: string;
  /** What stands behind the number, such as `%`; or nothing. */
  unit: string;
}

const UNITS: Record<string, string> = { SHARE: "%", DENSITY: "‰", MINUTES: "min", NATS: "nats" };
/** What a number is multiplied with to be written in its unit. */
const FACTORS: Record<string, number> = { SHARE: 100, DENSITY: 1000 };

export function write(measure: Pick<Measure, "value" | "unit" | "interval95">): Written {
  const factor = FACTORS[measure.unit] ?? 1;
  const interval = { low: measure.interval95.low * factor, high: measure.interval95.high * factor };
  const decimals = decimalsFor(interval);
  const text = (value: number) => fixed(value, decimals);
  return {
    value: text(measure.value * factor),
    low: text(interval.low),
    high: text(interval.high),
    unit: UNITS[measure.unit] ?? "",
  };
}

/** A share that has no interval, such as a bin of a histogram. */
export function percent(share: number, decimals = 1): string {
  return `${fixed(share * 100, decimals)}${NBSP}%`;
}

export function fixed(value: number, decimals: number): string {
  const text = value.toLocaleString("en-US", { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
  // A real minus; and no minus before a zero.
  return /^-0(\.0*)?$/.test(text) ? text.slice(1) : text.replace("-", "\u2212");
}

/** Units and points: as many digits as there are, at most two decimals. */
export function amount(value: number): string {
  return value.toLocaleString("en-US", { maximumFractionDigits: 2 });
}

/** `EXPLORATION_EAGERNESS` and `arts_and_entertainment` as words. */
export function words(name: string): string {
  const text = name.replaceAll("_", " ").toLowerCase();
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** First and last day of a window, UTC. Its end is not part of it. */
export function days(start: string, end: string): string {
  const last = new Date(Date.parse(end) - 1);
  const format = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });
  return `${format.format(new Date(start))} to ${format.format(last)}`;
}

export function moment(at: string): string {
  const format = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short", timeZone: "UTC" });
  return `${format.format(new Date(at))} UTC`;
}

export const NAMES_OF_WINDOWS = { DAYS_7: "7 days", DAYS_28: "28 days", DAYS_84: "84 days" } as const;

/** A definition in words. */
export function describe(definition: {
  regions: string[];
  ageBands: string[];
  interests: string[];
  categories: string[];
}): string {
  const either = (list: string[]) => list.map((word) => word.replaceAll("_", " ")).join(" or ");
  const { regions, ageBands, interests, categories } = definition;
  const first = ageBands[0]?.split("-")[0];
  const last = ageBands.at(-1)?.split("-").at(-1);
  const ages =
    first === undefined || last === undefined
      ? "all adults"
      : last.endsWith("+")
        ? `ages ${first.replace("+", "")} and over`
        : `ages ${first} to ${last}`;
  return [
    regions.length > 0 ? `home in ${either(regions)}` : "all regions",
    ages,
    ...(interests.length > 0 ? [`interested in ${either(interests)}`] : []),
    ...(categories.length > 0 ? [`fond of ${either(categories)}`] : []),
  ].join(", ");
}
