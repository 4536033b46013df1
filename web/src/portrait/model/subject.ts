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
  return /^[a-z0-9][a-z0-9-]{1,59}$/.test(trimmed) ? { slug: trimmed } : null;
}

function readDefinition(text: string): Subject | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  // Variables of a copied document hold the definition under its name.
  const outer = value as { definition?: unknown; slug?: unknown };
  if (typeof outer.slug === "string") return { slug: outer.slug };
  const inner = (outer.definition ?? value) as Record<string, unknown>;
  const list = (field: unknown) => (Array.isArray(field) ? field.filter((word) => typeof word === "string") : []);
  const number = (field: unknown) => (typeof field === "number" && Number.isInteger(field) ? field : undefined);
  const { from, to } = (inner["age"] ?? {}) as { from?: unknown; to?: unknown };
  const age = { from: number(from), to: number(to) };
  return {
    definition: tidy({
      regions: list(inner["regions"]),
      interests: list(inner["interests"]),
      categories: list(inner["categories"]),
      age: {
        ...(age.from === undefined ? {} : { from: age.from }),
        ...(age.to === undefined ? {} : { to: age.to }),
      },
    }),
  };
}
