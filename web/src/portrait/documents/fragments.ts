/** The fragment that each picture selects, used for sending, quoting and copying. Its name is the id of the picture. */

/** Fragments that several pictures use. */
export const SHARED = {
  number: `fragment number on Measure {
  value
  unit
  sigma
  interval95 { low high }
  quality
  interpretation
}`,
  source: `fragment source on Release {
  id
  epoch
  window { start end epoch length }
  units
  epsilon
  delta
}`,
  rule: `fragment rule on Implication {
  verdict
  rule
  inputs { ...input }
}`,
  input: `fragment input on RuleInput {
  name
  value { ...number }
}`,
};

const size = `fragment size on Segment {
  size {
    value
    unit
    sigma
    interval95 { low high }
    quality
    release { ...source }
  }
}`;

const dimensions = `fragment dimensions on Segment {
  personality {
    dimensions {
      name
      mean { ...number }
      p25 { ...number }
      p50 { ...number }
      p75 { ...number }
      standardDeviation { ...number }
      histogram
      histogramOther
    }
    release { ...source }
  }
}`;

const archetypes = `fragment archetypes on Segment {
  personality {
    archetype
    archetypes { archetype share { ...number } }
    release { ...source }
  }
}`;

const habits = `fragment habits on Segment {
  behavior(window: $window) {
    visitsPerPerson { ...number }
    averageDwellMinutes { ...number }
    returnVisitRate { ...number }
    explorationTendency { ...number }
    communityEngagement { ...number }
    release { ...source }
  }
}`;

const dwell = `fragment dwell on Segment {
  behavior(window: $window) {
    timeSpent {
      short { ...number }
      medium { ...number }
      long { ...number }
      other { ...number }
    }
    release { ...source }
  }
}`;

const week = `fragment week on Segment {
  behavior(window: $window) {
    dayParts { days part share { ...number } }
    release { ...source }
  }
}`;

const places = `fragment places on Segment {
  behavior(window: $window) {
    categories { group share { ...number } }
    release { ...source }
  }
}`;

const network = `fragment network on Segment {
  network {
    connectionsPerPerson { ...number }
    density { ...number }
    tieCompatibility { ...number }
    newTieShare { ...number }
    connectionFrequency
    viralPotential { ...number }
    trendSetting { ...number }
    release { ...source }
  }
}`;

const product = `fragment product on Segment {
  compatibility(product: $product) {
    score { ...number }
    contributions { dimension stated score { ...number } }
    reasons
    ignored
    release { ...source }
  }
}`;

const mixture = `fragment mixture on Segment {
  quantumState {
    purity { ...number }
    entropy { ...number }
    release { ...source }
  }
}`;

const comparison = `fragment comparison on Segment {
  compare(with: $with) {
    averageCompatibility { ...number }
    fidelity { ...number }
    release { ...source }
    otherRelease { ...source }
  }
}`;

const knot = `fragment knot on Segment {
  knot {
    braid
    strands
    components
    writhe
    determinant
    arf
    jones { text }
    alexander { text }
    origin {
      dimensions
      quality
      correlations { first second value { ...number } }
      release { ...source }
    }
  }
}`;

const productRules = `fragment productRules on Segment {
  behavior(window: $window) {
    implications {
      prefersQualityOverPrice { ...rule }
      valuesCommunityProducts { ...rule }
      likelyToReturnPurchase { value { ...number } rule inputs { ...input } }
      decisionFactors {
        quality { ...number }
        communityEndorsement { ...number }
        price { ...number }
        rule
        inputs { ...input }
      }
    }
    release { ...source }
  }
}`;

const marketingRules = `fragment marketingRules on Segment {
  network {
    implications {
      respondsToCommunityEndorsements { ...rule }
      likelyToSharePurchases { ...rule }
      influencerPotential { ...rule }
      strategies {
        communityEndorsement { ...rule }
        earlyAdopterProgram { ...rule }
        socialProof { ...rule }
        influencerPartnership { ...rule }
      }
    }
    release { ...source }
  }
}`;

export const PICTURES = {
  size,
  dimensions,
  archetypes,
  habits,
  dwell,
  week,
  places,
  network,
  product,
  mixture,
  comparison,
  knot,
  productRules,
  marketingRules,
};

export type PictureId = keyof typeof PICTURES;
