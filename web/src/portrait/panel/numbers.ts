/** Lists all numbers below a field of an answer as table rows. */
import type { Measure } from "../model/answer";
import { humanize } from "../model/format";

export interface NumberRow {
  name: string;
  /** Null if the number is withheld and counted in another number. */
  value: number | null;
  measure: Measure | null;
}

/** Fields that identify an item of a list. */
const NAMES = ["name", "archetype", "group", "days", "part", "dimension", "first", "second"];
/** Fields that contain metadata of the numbers. */
const SKIPPED = ["release", "otherRelease"];

/** Fields whose name adds nothing to the name of their item. */
const NAMELESS = ["share", "value"];

export function numbersOf(value: unknown, name = ""): NumberRow[] {
  if (typeof value !== "object" || value === null) return [];
  if (isMeasure(value)) return [{ name, value: value.value, measure: value }];
  if (Array.isArray(value)) return value.flatMap((item) => numbersOf(item, join(name, itemName(item))));
  return Object.entries(value).flatMap(([field, inner]) => {
    if (SKIPPED.includes(field)) return [];
    if (field === "histogram") return bins(inner as (number | null)[], name);
    if (field === "histogramOther")
      return [{ name: join(name, "withheld bins, combined"), value: inner as number, measure: null }];
    // Lists and the only measure of an item are named after the item.
    const plain = NAMELESS.includes(field) && typeof inner === "object";
    return numbersOf(inner, plain ? name : join(name, spaced(field)));
  });
}

/** Counts the numbers by quality. */
export function qualities(rows: readonly NumberRow[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { measure } of rows) if (measure !== null) counts[measure.quality] = (counts[measure.quality] ?? 0) + 1;
  return counts;
}

function isMeasure(value: object): value is Measure {
  return "interval95" in value && "quality" in value;
}

function bins(shares: (number | null)[], name: string): NumberRow[] {
  return shares.map((share, bin) => ({
    name: join(name, `share from ${bin / 10} to ${(bin + 1) / 10}`),
    value: share,
    measure: null,
  }));
}

function itemName(item: unknown): string {
  if (typeof item !== "object" || item === null) return "";
  const fields = item as Record<string, unknown>;
  const parts = NAMES.map((field) => fields[field]).filter((part) => typeof part === "string");
  return parts
    .filter((part, n) => part !== parts[n - 1])
    .map(humanize)
    .join(", ");
}

function spaced(field: string): string {
  return /^p\d+$/.test(field) ? field : field.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

function join(left: string, right: string): string {
  if (left === "") return right.charAt(0).toUpperCase() + right.slice(1);
  return right === "" ? left : `${left}: ${right}`;
}
