/** What the API answers about a segment: the part of the schema that the portrait asks for. */

export type Quality = "HIGH" | "OK" | "LOW";
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

/** A field that can be null with an error, or because it is counted in *other*. */
export type Told<T> = T | null;

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
  short: Told<Measure>;
  medium: Told<Measure>;
  long: Told<Measure>;
  other: Told<Measure>;
}

export interface Behavior {
  visitsPerPerson: Told<Measure>;
  averageDwellMinutes: Told<Measure>;
  returnVisitRate: Told<Measure>;
  explorationTendency: Told<Measure>;
  communityEngagement: Told<Measure>;
  timeSpent: TimeSpent;
  dayParts: { days: string; part: string; share: Measure }[];
  categories: { group: string; share: Measure }[];
  implications: ProductImplications;
  release: Release;
}

export interface Network {
  connectionsPerPerson: Told<Measure>;
  density: Told<Measure>;
  tieCompatibility: Told<Measure>;
  newTieShare: Told<Measure>;
  connectionFrequency: Told<string>;
  viralPotential: Told<Measure>;
  trendSetting: Told<Measure>;
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
  prefersQualityOverPrice: Told<Implication>;
  valuesCommunityProducts: Told<Implication>;
  likelyToReturnPurchase: Told<{ value: Measure; rule: string; inputs: RuleInput[] }>;
  decisionFactors: Told<DecisionFactors>;
}

export interface MarketingImplications {
  respondsToCommunityEndorsements: Told<Implication>;
  likelyToSharePurchases: Told<Implication>;
  influencerPotential: Told<Implication>;
  strategies: {
    communityEndorsement: Told<Implication>;
    earlyAdopterProgram: Told<Implication>;
    socialProof: Told<Implication>;
    influencerPartnership: Told<Implication>;
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

/** The segment of an answer, by response keys. A key is absent if it was not asked for, null if it was refused. */
export interface SegmentAnswer {
  size?: Told<Size>;
  behavior?: Told<Behavior>;
  personality?: Told<Personality>;
  network?: Told<Network>;
  quantumState?: Told<QuantumState>;
  knot?: Told<Knot>;
  compatibility?: Told<Compatibility>;
  compare?: Told<Comparison>;
}

/** A definition in its canonical form. */
export interface CanonicalDefinition {
  regions: string[];
  ageBands: string[];
  interests: string[];
  categories: string[];
}

/** What is known of a segment without asking about its people; free of units. */
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

/** Words that describe products. */
export interface ProductWords {
  styles: { word: string }[];
  features: { word: string }[];
}
