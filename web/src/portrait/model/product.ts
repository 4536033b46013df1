/** A product defined with the sliders: only the attributes that are stated. */

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

/** The meaning of the two ends of each dimension; see `docs/personality.md`. */
export const DIMENSION_ENDS: Record<DimensionName, [string, string]> = {
  EXPLORATION_EAGERNESS: ["low", "eager to explore"],
  COMMUNITY_ORIENTATION: ["low", "oriented toward community"],
  AUTHENTICITY_PREFERENCE: ["low", "prefers authenticity"],
  SOCIAL_DISCOVERY_STYLE: ["low", "discovers through others"],
  TEMPORAL_FLEXIBILITY: ["low", "flexible in time"],
  LOCATION_ADVENTUROUSNESS: ["low", "adventurous in location"],
  CURATION_TENDENCY: ["low", "collects and curates"],
  TRUST_NETWORK_RELIANCE: ["low", "relies on trusted people"],
  ENERGY_PREFERENCE: ["calm", "lively"],
  NOVELTY_SEEKING: ["low", "seeks novelty"],
  VALUE_ORIENTATION: ["budget", "premium"],
  CROWD_TOLERANCE: ["low", "tolerates crowds"],
};

export interface Product {
  dimensions: Partial<Record<DimensionName, number>>;
  price: string | null;
  styles: string[];
  features: string[];
}

export const NOTHING_STATED: Product = { dimensions: {}, price: null, styles: [], features: [] };

/** The field of a dimension in `ProductState`: `ENERGY_PREFERENCE` is `energyPreference`. */
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
