/** Whom a portrait is of: a saved segment by its slug, or a definition. */
import type { AgeBand, CanonicalDefinition } from "./answer";

/** `SegmentDefinition` of the schema; absent means all. */
export interface Definition {
  regions?: string[];
  age?: { from?: number; to?: number };
  interests?: string[];
  categories?: string[];
}

export type Subject = { slug: string } | { definition: Definition };

/** Words of a definition may be at most so many in each field. */
export const MOST_WORDS = 3;

/** Without empty lists, words sorted: equal definitions are equal texts. */
export function tidy({ regions, age, interests, categories }: Definition): Definition {
  const words = (list: string[] | undefined) => [...new Set(list ?? [])].sort();
  const ages = {
    ...(age?.from === undefined ? {} : { from: age.from }),
    ...(age?.to === undefined ? {} : { to: age.to }),
  };
  return {
    ...(words(regions).length > 0 ? { regions: words(regions) } : {}),
    ...(Object.keys(ages).length > 0 ? { age: ages } : {}),
    ...(words(interests).length > 0 ? { interests: words(interests) } : {}),
    ...(words(categories).length > 0 ? { categories: words(categories) } : {}),
  };
}

/** One text for one subject. */
export function subjectKey(subject: Subject): string {
  return JSON.stringify("slug" in subject ? subject : { definition: tidy(subject.definition) });
}

/** The definition that means the same as a canonical one, as `compare(with:)` wants it. */
export function fromCanonical(canonical: CanonicalDefinition, bands: AgeBand[]): Definition {
  const named = bands.filter(({ name }) => canonical.ageBands.includes(name));
  const first = named[0];
  const last = named.at(-1);
  const age =
    first === undefined || last === undefined
      ? undefined
      : { from: first.from, ...(last.to === null ? {} : { to: last.to }) };
  return tidy({ ...canonical, ...(age === undefined ? {} : { age }) });
}

/** Reads what somebody pasted: a link to a portrait, a definition as JSON, or a slug. Null if it is none of these. */
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
  // Variables of a document hold the segment under a name.
  const { slug, definition, segment, ...others } = value;
  const named = [slug, definition, segment].filter((one) => one !== undefined);
  if (named.length === 0) return subjectOf(definitionOf(value));
  if (named.length > 1 || !onlyHas(others, BESIDE)) return null;
  if (slug === undefined) return subjectOf(definitionOf(named[0]));
  return isSlug(slug) ? { slug } : null;
}

/** Variables of our documents that say nothing of whom they are about. */
const BESIDE = ["window", "product", "with"];

/**
 * A definition, or null if any of it is not understood: what is left out makes a segment larger, up to everybody, and
 * units would be spent on people that nobody meant. Only `{}` itself means everybody.
 */
function definitionOf(value: unknown): Definition | null {
  if (!isObject(value) || !onlyHas(value, ["regions", "age", "interests", "categories"])) return null;
  const { age, ...lists } = value;
  if (!Object.values(lists).every(isWords)) return null;
  if (age !== undefined && !(isObject(age) && onlyHas(age, ["from", "to"]) && Object.values(age).every(isYears))) {
    return null;
  }
  const definition = tidy(value as Definition);
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

function isWords(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((word) => typeof word === "string" && word.trim() !== "");
}

function isYears(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0;
}

function isSlug(value: unknown): value is string {
  return typeof value === "string" && /^[a-z0-9][a-z0-9-]{1,59}$/.test(value);
}
