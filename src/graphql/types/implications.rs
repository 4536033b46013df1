//! Implications of the network of a segment for marketing.

use async_graphql::Object;

use crate::{
    domain::error::Error,
    statistics::{
        implications::{Condition, Implication, all_above},
        measure::Measure,
        network::NetworkStatistics,
    },
};

/// Implications of the network for marketing. A field is null with `INSUFFICIENT_DATA` if one of its inputs is
/// withheld.
#[derive(Clone, Debug)]
pub struct MarketingImplications {
    connections: Result<Measure, Error>,
    compatibility: Result<Measure, Error>,
    viral: Result<Measure, Error>,
    trend: Result<Measure, Error>,
}

impl From<&NetworkStatistics> for MarketingImplications {
    fn from(network: &NetworkStatistics) -> Self {
        Self {
            connections: network.connections_per_person(),
            compatibility: network.tie_compatibility(),
            viral: network.viral_potential(),
            trend: network.trend_setting(),
        }
    }
}

fn rule(conditions: &[Condition<'_, Error>]) -> Result<Option<Implication>, Error> {
    all_above(conditions).map(Some)
}

/// Implications of the network for marketing, by published rules (`docs/personality.md`, "Implications"). The
/// thresholds are conventions. A field is null with `INSUFFICIENT_DATA` if one of its inputs is withheld. No additional
/// privacy cost.
#[Object]
impl MarketingImplications {
    /// YES if connected people are similar (`tieCompatibility` above 2/3) and have enough ties (`connectionsPerPerson`
    /// above 2).
    async fn responds_to_community_endorsements(&self) -> Result<Option<Implication>, Error> {
        rule(&[("tieCompatibility", &self.compatibility, [2, 3]), ("connectionsPerPerson", &self.connections, [2, 1])])
    }

    /// YES if a person leads more than 0.5 connected people to a new place in 28 days (`viralPotential` above 1/2).
    async fn likely_to_share_purchases(&self) -> Result<Option<Implication>, Error> {
        rule(&[("viralPotential", &self.viral, [1, 2])])
    }

    /// YES if more than one third of the ties follow the person to a new place (`trendSetting` above 1/3) and a person
    /// has more than 5 ties (`connectionsPerPerson` above 5).
    async fn influencer_potential(&self) -> Result<Option<Implication>, Error> {
        rule(&[("trendSetting", &self.trend, [1, 3]), ("connectionsPerPerson", &self.connections, [5, 1])])
    }

    /// Marketing strategies that the numbers support. The effectiveness of the strategies has not been measured.
    async fn strategies(&self) -> Strategies<'_> {
        Strategies(self)
    }
}

/// Marketing strategies, each with the rule that supports it.
pub struct Strategies<'a>(&'a MarketingImplications);

/// Marketing strategies, each with the rule that supports it. A field is null with `INSUFFICIENT_DATA` if one of its
/// inputs is withheld.
#[Object]
impl Strategies<'_> {
    /// Endorsement by members of the community: `tieCompatibility` above 2/3 and `connectionsPerPerson` above 2.
    async fn community_endorsement(&self) -> Result<Option<Implication>, Error> {
        rule(&[
            ("tieCompatibility", &self.0.compatibility, [2, 3]),
            ("connectionsPerPerson", &self.0.connections, [2, 1]),
        ])
    }

    /// Early access to new products for people whom others follow: `trendSetting` above 1/3.
    async fn early_adopter_program(&self) -> Result<Option<Implication>, Error> {
        rule(&[("trendSetting", &self.0.trend, [1, 3])])
    }

    /// Showing the choices of connected people: `connectionsPerPerson` above 2 and `viralPotential` above 1/2.
    async fn social_proof(&self) -> Result<Option<Implication>, Error> {
        rule(&[("connectionsPerPerson", &self.0.connections, [2, 1]), ("viralPotential", &self.0.viral, [1, 2])])
    }

    /// Partnerships with well-connected people: `trendSetting` above 1/3 and `connectionsPerPerson` above 5.
    async fn influencer_partnership(&self) -> Result<Option<Implication>, Error> {
        rule(&[("trendSetting", &self.0.trend, [1, 3]), ("connectionsPerPerson", &self.0.connections, [5, 1])])
    }
}
