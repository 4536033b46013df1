/** Types of the API answers: the part of the schema that the portrait uses. */

import type { Quality } from "../../shared/expectation";

export type { Quality };
/** The precision of the numbers, as in the argument `precision` of the API. */
export type Precision = "HIGH" | "OK" | "FINEST";

export type WindowLength = "DAYS_7" | "DAYS_28" | "DAYS_84";
export type Verdict = "YES" | "NO" | "UNCERTAIN";

export interface Interval {
  low: number;
  high: number;
}

export interface Measure {
  value: number;
  unit: string;
  sigma: number;
  interval95: Interval;
  quality: Quality;
  interpretation: string;
}

/** A field that is null because of an error, or because it is counted in *other*. */
export type Nullable<T> = T | null;

export interface Release {
  id: string;
  epoch: string;
  units: number;
  epsilon: number;
  delta: number;
  window: Window;
}

export interface Window {
  start: string;
  end: string;
  epoch: string;
  length: WindowLength;
}

export interface Size {
  value: number;
  unit: string;
  sigma: number;
  interval95: Interval;
  quality: Quality;
  release: Release;
}

export interface Dimension {
  name: string;
  mean: Measure;
  standardDeviation: Measure;
  p25: Measure;
  p50: Measure;
  p75: Measure;
  histogram: (number | null)[];
  histogramOther: number;
}

export interface Personality {
  archetype: string;
  archetypes: { archetype: string; share: Measure }[];
  dimensions: Dimension[];
  release: Release;
}

export interface TimeSpent {
  short: Nullable<Measure>;
  medium: Nullable<Measure>;
  long: Nullable<Measure>;
  other: Nullable<Measure>;
}

export interface Behavior {
  visitsPerPerson: Nullable<Measure>;
  averageDwellMinutes: Nullable<Measure>;
  returnVisitRate: Nullable<Measure>;
  explorationTendency: Nullable<Measure>;
  communityEngagement: Nullable<Measure>;
  timeSpent: TimeSpent;
  dayParts: { days: string; part: string; share: Measure }[];
  categories: { group: string; share: Measure }[];
  implications: ProductImplications;
  release: Release;
}

export interface Network {
  connectionsPerPerson: Nullable<Measure>;
  density: Nullable<Measure>;
  tieCompatibility: Nullable<Measure>;
  newTieShare: Nullable<Measure>;
  connectionFrequency: Nullable<string>;
  viralPotential: Nullable<Measure>;
  trendSetting: Nullable<Measure>;
  implications: MarketingImplications;
  release: Release;
}

export interface RuleInput {
  name: string;
  value: Measure;
}

export interface Implication {
  verdict: Verdict;
  rule: string;
  inputs: RuleInput[];
}

export interface DecisionFactors {
  quality: Measure;
  communityEndorsement: Measure;
  price: Measure;
  rule: string;
  inputs: RuleInput[];
}

export interface ProductImplications {
  prefersQualityOverPrice: Nullable<Implication>;
  valuesCommunityProducts: Nullable<Implication>;
  likelyToReturnPurchase: Nullable<{ value: Measure; rule: string; inputs: RuleInput[] }>;
  decisionFactors: Nullable<DecisionFactors>;
}

export interface MarketingImplications {
  respondsToCommunityEndorsements: Nullable<Implication>;
  likelyToSharePurchases: Nullable<Implication>;
  influencerPotential: Nullable<Implication>;
  strategies: {
    communityEndorsement: Nullable<Implication>;
    earlyAdopterProgram: Nullable<Implication>;
    socialProof: Nullable<Implication>;
    influencerPartnership: Nullable<Implication>;
  };
}

export interface QuantumState {
  purity: Measure;
  entropy: Measure;
  release: Release;
}

export interface Correlation {
  first: string;
  second: string;
  value: Measure;
}

export interface Knot {
  braid: number[];
  strands: number;
  components: number;
  writhe: number;
  determinant: number;
  arf: number | null;
  jones: { text: string };
  alexander: { text: string };
  origin: { dimensions: string[]; quality: Quality; correlations: Correlation[]; release: Release } | null;
}

export interface Compatibility {
  score: Measure;
  contributions: { dimension: string; stated: number; score: Measure }[];
  reasons: string[];
  ignored: string[];
  release: Release;
}

export interface Comparison {
  averageCompatibility: Measure;
  fidelity: Measure;
  release: Release;
  otherRelease: Release;
}

/** The segment of an answer, by response key. A key is absent if it was not selected, null if it has an error. */
export interface SegmentAnswer {
  size?: Nullable<Size>;
  behavior?: Nullable<Behavior>;
  personality?: Nullable<Personality>;
  network?: Nullable<Network>;
  quantumState?: Nullable<QuantumState>;
  knot?: Nullable<Knot>;
  compatibility?: Nullable<Compatibility>;
  compare?: Nullable<Comparison>;
}

/** A definition in canonical form. */
export interface CanonicalDefinition {
  regions: string[];
  ageBands: string[];
  interests: string[];
  categories: string[];
}

/** The properties of a segment that cost no units. */
export interface Description {
  slug: string | null;
  name: string | null;
  definition: CanonicalDefinition;
  window: Window;
}

export interface AgeBand {
  name: string;
  from: number;
  to: number | null;
}

export interface Vocabulary {
  regions: string[];
  interests: string[];
  categories: string[];
  ageBands: AgeBand[];
  priceBands: { band: string; dimension: string; value: number }[];
}

/** The terms that describe products. */
export interface ProductVocabulary {
  styles: { word: string }[];
  features: { word: string }[];
}
