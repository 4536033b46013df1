//! Implications of released numbers, by published rules (`docs/personality.md`, "Implications"). Each implication lists
//! the numbers that it used.

use async_graphql::{Enum, SimpleObject};

use super::{
    estimate::Estimate,
    measure::{Measure, Scale},
    network::NetworkStatistics,
    personality::PersonalityStatistics,
};
use crate::domain::{dimensions::Dimension, error::Error};

/// Threshold for the mean of a personality dimension: above it the mean counts as high.
const DIMENSION_THRESHOLD: f64 = 0.6;
/// Threshold for the share of return visits: above it the share counts as high.
const RETURN_THRESHOLD: f64 = 0.6;
/// Assumed ratio of repeat purchases to return visits.
const PURCHASES_PER_RETURN: f64 = 0.9;

/// The result of a rule. A number is compared with a threshold by its whole 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum Verdict {
    /// The whole interval is above the threshold.
    Yes,
    /// The whole interval is at or below the threshold.
    No,
    /// The interval contains the threshold.
    Uncertain,
}

impl Verdict {
    /// Compares the 95 % interval of a number with a threshold.
    #[must_use]
    pub fn above(measure: &Measure, threshold: f64) -> Self {
        match measure.interval95 {
            interval if interval.low > threshold => Self::Yes,
            interval if interval.high <= threshold => Self::No,
            _ => Self::Uncertain,
        }
    }

    /// Three-valued AND: `Yes` if both are `Yes`, `No` if at least one is `No`, otherwise `Uncertain`.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Yes, Self::Yes) => Self::Yes,
            (Self::No, _) | (_, Self::No) => Self::No,
            _ => Self::Uncertain,
        }
    }

    /// Three-valued OR: `Yes` if at least one is `Yes`, `No` if both are `No`, otherwise `Uncertain`.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::No, Self::No) => Self::No,
            (Self::Yes, _) | (_, Self::Yes) => Self::Yes,
            _ => Self::Uncertain,
        }
    }
}

/// A number that a rule used as input.
#[derive(Clone, Debug, SimpleObject)]
pub struct RuleInput {
    /// Path of the field that returns this number, such as `behavior.returnVisitRate`.
    name: String,
    /// The number.
    value: Measure,
}

fn input(name: &str, value: &Measure) -> RuleInput {
    RuleInput { name: name.to_owned(), value: value.clone() }
}

/// The result of a rule for a segment, with the rule and its inputs.
#[derive(Clone, Debug, SimpleObject)]
pub struct Implication {
    /// The result.
    pub verdict: Verdict,
    /// The rule, as text.
    rule: String,
    /// The numbers that the rule used.
    inputs: Vec<RuleInput>,
}

/// A number derived from released numbers, with the rule and its inputs.
#[derive(Clone, Debug, SimpleObject)]
pub struct DerivedMeasure {
    /// The derived number.
    value: Measure,
    /// The rule, as text.
    rule: String,
    /// The numbers that the rule used.
    inputs: Vec<RuleInput>,
}

/// Weights of three factors in the decisions of the people of a segment, by convention. The weights sum to 1.
#[derive(Clone, Debug, SimpleObject)]
pub struct DecisionFactors {
    /// Weight of quality, 0 to 1.
    quality: Measure,
    /// Weight of endorsement by the community, 0 to 1.
    community_endorsement: Measure,
    /// Weight of the price, 0 to 1.
    price: Measure,
    /// The rule, as text.
    rule: String,
    /// The numbers that the rule used.
    inputs: Vec<RuleInput>,
}

fn score(estimate: Estimate) -> Measure {
    Scale::SCORE.measure(estimate)
}

fn dimension_input(dimension: Dimension, measure: &Measure) -> RuleInput {
    input(&format!("personality.dimensions.{}.mean", dimension.column().to_uppercase()), measure)
}

/// Evaluates `prefersQualityOverPrice` from the mean value orientation and the share of return visits.
pub fn prefers_quality_over_price(personality: &PersonalityStatistics, returns: &Measure) -> Implication {
    let value = score(personality.mean(Dimension::ValueOrientation));
    // Exploration is 1 - the share of return visits, so a return share above 0.6 implies an exploration below 0.4.
    let verdict = Verdict::above(&value, DIMENSION_THRESHOLD).or(Verdict::above(returns, RETURN_THRESHOLD));
    Implication {
        verdict,
        rule: "mean value orientation > 0.6, or return share > 0.6 (and so exploration < 0.4)".to_owned(),
        inputs: vec![dimension_input(Dimension::ValueOrientation, &value), input("behavior.returnVisitRate", returns)],
    }
}

/// Evaluates `valuesCommunityProducts`. `region` is `None` if the segment covers all people of its regions; the
/// difference is then exactly 0.
pub fn values_community_products(
    personality: &PersonalityStatistics,
    own: Estimate,
    region: Option<Estimate>,
) -> Implication {
    let community = score(personality.mean(Dimension::CommunityOrientation));
    let difference = match region {
        Some(region) => Estimate::new(own.value - region.value, own.sigma.hypot(region.sigma)),
        None => Estimate::new(0.0, 0.0),
    };
    let difference = Scale { bounds: [-1.0, 1.0], thresholds: [-0.05, 0.05], ..Scale::SHARE }.measure(difference);
    Implication {
        verdict: Verdict::above(&community, DIMENSION_THRESHOLD).and(Verdict::above(&difference, 0.0)),
        rule: "mean community orientation > 0.6, and community engagement above that of all people of the regions"
            .to_owned(),
        inputs: vec![
            dimension_input(Dimension::CommunityOrientation, &community),
            input("behavior.communityEngagement", &Scale::EVENTS.measure(own)),
            input("regions.behavior.communityEngagement", &Scale::EVENTS.measure(region.unwrap_or(own))),
            input("difference", &difference),
        ],
    }
}

/// Estimates the share of purchases that are followed by another one, by convention.
pub fn likely_to_return_purchase(returns: Estimate) -> DerivedMeasure {
    DerivedMeasure {
        value: Scale::SHARE.measure(returns.linear(PURCHASES_PER_RETURN, 0.0)),
        rule: "0.9 x return share".to_owned(),
        inputs: vec![input("behavior.returnVisitRate", &Scale::SHARE.measure(returns))],
    }
}

/// Computes the weights quality : community : price = v : c : 1 - v, where v is the mean value orientation and c the
/// mean of community orientation and trust network reliance.
pub fn decision_factors(personality: &PersonalityStatistics) -> DecisionFactors {
    let [value, orientation, trust] =
        [Dimension::ValueOrientation, Dimension::CommunityOrientation, Dimension::TrustNetworkReliance]
            .map(|dimension| personality.mean(dimension).clamped(0.0, 1.0));
    let community =
        Estimate::new(f64::midpoint(orientation.value, trust.value), orientation.sigma.hypot(trust.sigma) / 2.0);
    let all = 1.0 + community.value;
    // Standard errors by the partial derivatives of v/(1+c), (1-v)/(1+c) and c/(1+c).
    let weight = |share: f64, by_value: f64, by_community: f64| {
        let sigma = (by_value * value.sigma).hypot(by_community * community.sigma);
        Scale::SHARE.measure(Estimate::new(share / all, sigma))
    };
    let rest = 1.0 - value.value;
    DecisionFactors {
        quality: weight(value.value, 1.0 / all, -value.value / all.powi(2)),
        community_endorsement: weight(community.value, 0.0, 1.0 / all.powi(2)),
        price: weight(rest, -1.0 / all, -rest / all.powi(2)),
        rule:
            "v/(1+c), c/(1+c), (1-v)/(1+c); v = mean value orientation, c = (mean community orientation + mean trust \
               network reliance)/2"
                .to_owned(),
        inputs: vec![
            dimension_input(Dimension::ValueOrientation, &score(value)),
            dimension_input(Dimension::CommunityOrientation, &score(orientation)),
            dimension_input(Dimension::TrustNetworkReliance, &score(trust)),
        ],
    }
}

/// The numbers of a network that the marketing rules use.
pub struct NetworkImplications {
    connections: Result<Measure, Error>,
    compatibility: Result<Measure, Error>,
    viral: Result<Measure, Error>,
    trend: Result<Measure, Error>,
}

impl From<&NetworkStatistics> for NetworkImplications {
    fn from(network: &NetworkStatistics) -> Self {
        Self {
            connections: network.connections_per_person(),
            compatibility: network.tie_compatibility(),
            viral: network.viral_potential(),
            trend: network.trend_setting(),
        }
    }
}

impl NetworkImplications {
    /// Whether connected people are similar and have enough ties.
    ///
    /// # Errors
    /// The error of the first number that is withheld; so for all rules.
    pub fn community_endorsement(&self) -> Result<Implication, Error> {
        all_above(&[
            ("tieCompatibility", &self.compatibility, [2, 3]),
            ("connectionsPerPerson", &self.connections, [2, 1]),
        ])
    }

    /// Whether a person leads connected people to new places.
    ///
    /// # Errors
    /// As [`Self::community_endorsement`].
    pub fn sharing(&self) -> Result<Implication, Error> {
        all_above(&[("viralPotential", &self.viral, [1, 2])])
    }

    /// Whether ties follow a person to new places, and the person has many ties.
    ///
    /// # Errors
    /// As [`Self::community_endorsement`].
    pub fn influence(&self) -> Result<Implication, Error> {
        all_above(&[("trendSetting", &self.trend, [1, 3]), ("connectionsPerPerson", &self.connections, [5, 1])])
    }

    /// Whether ties follow a person to new places.
    ///
    /// # Errors
    /// As [`Self::community_endorsement`].
    pub fn early_adoption(&self) -> Result<Implication, Error> {
        all_above(&[("trendSetting", &self.trend, [1, 3])])
    }

    /// Whether a person has enough ties and leads connected people to new places.
    ///
    /// # Errors
    /// As [`Self::community_endorsement`].
    pub fn social_proof(&self) -> Result<Implication, Error> {
        all_above(&[("connectionsPerPerson", &self.connections, [2, 1]), ("viralPotential", &self.viral, [1, 2])])
    }
}

/// A condition of a rule: the name of a number of the network, the number, and the threshold that it must exceed, as a
/// fraction (numerator, denominator).
type Condition<'a> = (&'a str, &'a Result<Measure, Error>, [u32; 2]);

/// Evaluates a rule that holds if all conditions hold. Returns the error of the first number that is withheld.
fn all_above(conditions: &[Condition<'_>]) -> Result<Implication, Error> {
    let (mut verdict, mut rules, mut inputs) = (Verdict::Yes, Vec::new(), Vec::new());
    for (name, measure, [numerator, denominator]) in conditions {
        let measure = measure.as_ref().map_err(Clone::clone)?;
        verdict = verdict.and(Verdict::above(measure, f64::from(*numerator) / f64::from(*denominator)));
        let threshold = if *denominator == 1 { numerator.to_string() } else { format!("{numerator}/{denominator}") };
        rules.push(format!("{name} > {threshold}"));
        inputs.push(input(&format!("network.{name}"), measure));
    }
    Ok(Implication { verdict, rule: rules.join(", and "), inputs })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_needs_the_whole_interval() {
        let above = |value, sigma| Verdict::above(&Scale::SHARE.measure(Estimate::new(value, sigma)), 0.6);
        assert_eq!(above(0.7, 0.01), Verdict::Yes);
        assert_eq!(above(0.5, 0.01), Verdict::No);
        assert_eq!(above(0.61, 0.01), Verdict::Uncertain);
        assert_eq!(above(0.6, 0.0), Verdict::No);
    }

    #[test]
    fn verdicts_join_as_three_valued_logic() {
        use Verdict::{No, Uncertain, Yes};
        for (a, b, and, or) in [
            (Yes, Yes, Yes, Yes),
            (Yes, No, No, Yes),
            (Yes, Uncertain, Uncertain, Yes),
            (No, No, No, No),
            (No, Uncertain, No, Uncertain),
            (Uncertain, Uncertain, Uncertain, Uncertain),
        ] {
            assert_eq!((a.and(b), b.and(a), a.or(b), b.or(a)), (and, and, or, or), "{a:?} {b:?}");
        }
    }
}
