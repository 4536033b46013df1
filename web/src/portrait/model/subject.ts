/** The subject of a portrait: a saved segment by its slug, or a definition. */
import type { AgeBand, CanonicalDefinition } from "./answer";

/** `SegmentDefinition` of the schema; an absent field matches everyone. */
export interface Definition {
  regions?: string[];
  age?: { from?: number; to?: number };
  interests?: string[];
  categories?: string[];
}

export type Subject = { slug: string } | { definition: Definition };

/** Maximum number of values in each field of a definition. */
export const MAX_VALUES_PER_FIELD = 3;

/** Removes empty lists and sorts values, so that equal definitions have equal JSON. */
export function normalize({ regions, age, interests, categories }: Definition): Definition {
  const sorted = (list: string[] | undefined) => [...new Set(list ?? [])].sort();
  const ages = {
    ...(age?.from === undefined ? {} : { from: age.from }),
    ...(age?.to === undefined ? {} : { to: age.to }),
  };
  return {
    ...(sorted(regions).length > 0 ? { regions: sorted(regions) } : {}),
    ...(Object.keys(ages).length > 0 ? { age: ages } : {}),
    ...(sorted(interests).length > 0 ? { interests: sorted(interests) } : {}),
    ...(sorted(categories).length > 0 ? { categories: sorted(categories) } : {}),
  };
}

/** A unique key of a subject. */
export function subjectKey(subject: Subject): string {
  return JSON.stringify("slug" in subject ? subject : { definition: normalize(subject.definition) });
}

/** Converts a canonical definition to a `SegmentDefinition`, as required by `compare(with:)`. */
export function fromCanonical(canonical: CanonicalDefinition, bands: AgeBand[]): Definition {
  const named = bands.filter(({ name }) => canonical.ageBands.includes(name));
  const first = named[0];
  const last = named.at(-1);
  const age =
    first === undefined || last === undefined
      ? undefined
      : { from: first.from, ...(last.to === null ? {} : { to: last.to }) };
  return normalize({ ...canonical, ...(age === undefined ? {} : { age }) });
}

/** Parses pasted text: a link to a portrait, a definition as JSON, or a slug. Null if it is none of these. */
export function readPasted(text: string, fromLink: (query: URLSearchParams) => Subject | null): Subject | null {
  const trimmed = text.trim();
  if (trimmed.startsWith("{")) return readDefinition(trimmed);
  const query = trimmed.indexOf("?");
  if (query >= 0) return fromLink(new URLSearchParams(trimmed.slice(query + 1).replace(/#.*$/, "")));
  return isSlug(trimmed) ? { slug: trimmed } : null;
}

function readDefinition(text: string): Subject | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (!isObject(value)) return null;
  // The text may be the variables of a document, which contain the segment under one of these names.
  const { slug, definition, segment, ...others } = value;
  const named = [slug, definition, segment].filter((one) => one !== undefined);
  if (named.length === 0) return subjectOf(definitionOf(value));
  if (named.length > 1 || !onlyHas(others, OTHER_VARIABLES)) return null;
  if (slug === undefined) return subjectOf(definitionOf(named[0]));
  return isSlug(slug) ? { slug } : null;
}

/** Variables of this page's documents that do not define the segment. */
const OTHER_VARIABLES = ["window", "product", "with"];

/**
 * Parses a definition. Null if any part is unknown or invalid: ignoring a filter would enlarge the segment, up to all
 * people, and charge units for the wrong segment. Only `{}` itself matches everyone.
 */
function definitionOf(value: unknown): Definition | null {
  if (!isObject(value) || !onlyHas(value, ["regions", "age", "interests", "categories"])) return null;
  const { age, ...lists } = value;
  if (!Object.values(lists).every(isTextList)) return null;
  if (age !== undefined && !(isObject(age) && onlyHas(age, ["from", "to"]) && Object.values(age).every(isAge))) {
    return null;
  }
  const definition = normalize(value as Definition);
  return Object.keys(definition).length === 0 && Object.keys(value).length > 0 ? null : definition;
}

function subjectOf(definition: Definition | null): Subject | null {
  return definition === null ? null : { definition };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function onlyHas(value: object, fields: readonly string[]): boolean {
  return Object.keys(value).every((field) => fields.includes(field));
}

function isTextList(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string" && item.trim() !== "");
}

function isAge(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0;
}

function isSlug(value: unknown): value is string {
  return typeof value === "string" && /^[a-z0-9][a-z0-9-]{1,59}$/.test(value);
}
