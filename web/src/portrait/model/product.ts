/** A product that one slides together: what it states, and nothing else. */

/** The twelve dimensions in their fixed order, as the schema names them. */
export const DIMENSIONS = [
  "EXPLORATION_EAGERNESS",
  "COMMUNITY_ORIENTATION",
  "AUTHENTICITY_PREFERENCE",
  "SOCIAL_DISCOVERY_STYLE",
  "TEMPORAL_FLEXIBILITY",
  "LOCATION_ADVENTUROUSNESS",
  "CURATION_TENDENCY",
  "TRUST_NETWORK_RELIANCE",
  "ENERGY_PREFERENCE",
  "NOVELTY_SEEKING",
  "VALUE_ORIENTATION",
  "CROWD_TOLERANCE",
] as const;

export type DimensionName = (typeof DIMENSIONS)[number];

/** What the two ends of a dimension mean: `docs/personality.md`. */
export const ENDS: Record<DimensionName, [string, string]> = {
  EXPLORATION_EAGERNESS: ["little", "eager to explore"],
  COMMUNITY_ORIENTATION: ["little", "oriented towards community"],
  AUTHENTICITY_PREFERENCE: ["little", "prefers the authentic"],
  SOCIAL_DISCOVERY_STYLE: ["little", "discovers through others"],
  TEMPORAL_FLEXIBILITY: ["little", "flexible in time"],
  LOCATION_ADVENTUROUSNESS: ["little", "adventurous in place"],
  CURATION_TENDENCY: ["little", "collects and curates"],
  TRUST_NETWORK_RELIANCE: ["little", "relies on people trusted"],
  ENERGY_PREFERENCE: ["calm", "lively"],
  NOVELTY_SEEKING: ["little", "seeks the new"],
  VALUE_ORIENTATION: ["budget", "premium"],
  CROWD_TOLERANCE: ["little", "bears crowds"],
};

export interface Product {
  dimensions: Partial<Record<DimensionName, number>>;
  price: string | null;
  styles: string[];
  features: string[];
}

export const NOTHING_STATED: Product = { dimensions: {}, price: null, styles: [], features: [] };

/** `ENERGY_PREFERENCE` is `energyPreference` in `ProductState`. */
export function fieldOf(name: DimensionName): string {
  return name.toLowerCase().replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
}

export function statesSomething(product: Product): boolean {
  return (
    Object.keys(product.dimensions).length + product.styles.length + product.features.length > 0 ||
    product.price !== null
  );
}

/** The `ProductState` of a request. */
export function productState({ dimensions, price, styles, features }: Product): Record<string, unknown> {
  const numbers = DIMENSIONS.flatMap((name) => {
    const value = dimensions[name];
    return value === undefined ? [] : [[fieldOf(name), value] as const];
  });
  return {
    ...Object.fromEntries(numbers),
    ...(price === null ? {} : { price }),
    ...(styles.length > 0 ? { styles } : {}),
    ...(features.length > 0 ? { features } : {}),
  };
}
