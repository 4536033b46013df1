/** Formats numbers, names and times. The precision of a number follows from the width of its interval. */
import type { Interval, Measure } from "./answer";

/** A no-break space. */
export const NBSP = "\u00a0";

/**
 * The number of decimals (0 to 8), from half the width of the interval: up to its first significant digit, or its
 * second if the first is 1 or 2. The last digit shown is then the first one that the noise affects.
 */
export function decimalsFor({ low, high }: Interval): number {
  const half = (high - low) / 2;
  if (!(half > 0)) return 4;
  const magnitude = Math.floor(Math.log10(half));
  const first = half / 10 ** magnitude;
  return Math.min(8, Math.max(0, -magnitude + (first < 3 ? 1 : 0)));
}

export interface FormattedMeasure {
  value: string;
  low: string;
  high: string;
  /** The unit symbol, such as `%`; "" if there is none. */
  unit: string;
}

const UNITS: Record<string, string> = { SHARE: "%", DENSITY: "‰", MINUTES: "min", NATS: "nats" };
/** Factors from API values to the displayed unit. */
const FACTORS: Record<string, number> = { SHARE: 100, DENSITY: 1000 };

export function formatMeasure(measure: Pick<Measure, "value" | "unit" | "interval95">): FormattedMeasure {
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

/** Formats a share without an interval, such as a bin of a histogram. */
export function percent(share: number, decimals = 1): string {
  return `${fixed(share * 100, decimals)}${NBSP}%`;
}

export function fixed(value: number, decimals: number): string {
  const text = value.toLocaleString("en-US", { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
  // Uses the minus sign U+2212, and no sign before zero.
  return /^-0(\.0*)?$/.test(text) ? text.slice(1) : text.replace("-", "\u2212");
}

/** Formats units and points with at most two decimals, or four below 0.1. */
export function amount(value: number): string {
  return value.toLocaleString("en-US", { maximumFractionDigits: value < 0.1 ? 4 : 2 });
}

/** Formats names such as `EXPLORATION_EAGERNESS` and `arts_and_entertainment` as text. */
export function humanize(name: string): string {
  const text = name.replaceAll("_", " ").toLowerCase();
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** The first and last day of a window, in UTC. `end` is exclusive. */
export function days(start: string, end: string): string {
  const last = new Date(Date.parse(end) - 1);
  const format = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });
  return `${format.format(new Date(start))} to ${format.format(last)}`;
}

export function moment(at: string): string {
  const format = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short", timeZone: "UTC" });
  return `${format.format(new Date(at))} UTC`;
}

export const NAMES_OF_PRECISIONS = {
  OK: "OK: least units",
  HIGH: "HIGH where possible",
  FINEST: "finest: most units, also LOW",
} as const;

export const NAMES_OF_WINDOWS = { DAYS_7: "7 days", DAYS_28: "28 days", DAYS_84: "84 days" } as const;

/** Describes a definition as text. */
export function describe(definition: {
  regions: string[];
  ageBands: string[];
  interests: string[];
  categories: string[];
}): string {
  const either = (list: string[]) => list.map((value) => value.replaceAll("_", " ")).join(" or ");
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
