//! Implications of the network of a segment for marketing.

use async_graphql::Object;

use crate::{
    domain::error::Error,
    statistics::implications::{Implication, NetworkImplications},
};

/// Implications of the network for marketing.
pub struct MarketingImplications(pub NetworkImplications);

/// Implications of the network for marketing, by published rules (`docs/personality.md`, "Implications"). The
/// thresholds are conventions. A field is null with `INSUFFICIENT_DATA` if one of its inputs is withheld. No additional
/// privacy cost.
#[Object]
impl MarketingImplications {
    /// YES if connected people are similar (`tieCompatibility` above 2/3) and have enough ties (`connectionsPerPerson`
    /// above 2).
    async fn responds_to_community_endorsements(&self) -> Result<Option<Implication>, Error> {
        self.0.community_endorsement().map(Some)
    }

    /// YES if a person leads more than 0.5 connected people to a new place in 28 days (`viralPotential` above 1/2).
    async fn likely_to_share_purchases(&self) -> Result<Option<Implication>, Error> {
        self.0.sharing().map(Some)
    }

    /// YES if more than one third of the ties follow the person to a new place (`trendSetting` above 1/3) and a person
    /// has more than 5 ties (`connectionsPerPerson` above 5).
    async fn influencer_potential(&self) -> Result<Option<Implication>, Error> {
        self.0.influence().map(Some)
    }

    /// Marketing strategies that the numbers support. The effectiveness of the strategies has not been measured.
    async fn strategies(&self) -> Strategies<'_> {
        Strategies(&self.0)
    }
}

/// Marketing strategies, each with the rule that supports it.
pub struct Strategies<'a>(&'a NetworkImplications);

/// Marketing strategies, each with the rule that supports it. A field is null with `INSUFFICIENT_DATA` if one of its
/// inputs is withheld.
#[Object]
impl Strategies<'_> {
    /// Endorsement by members of the community: `tieCompatibility` above 2/3 and `connectionsPerPerson` above 2.
    async fn community_endorsement(&self) -> Result<Option<Implication>, Error> {
        self.0.community_endorsement().map(Some)
    }

    /// Early access to new products for people whom others follow: `trendSetting` above 1/3.
    async fn early_adopter_program(&self) -> Result<Option<Implication>, Error> {
        self.0.early_adoption().map(Some)
    }

    /// Showing the choices of connected people: `connectionsPerPerson` above 2 and `viralPotential` above 1/2.
    async fn social_proof(&self) -> Result<Option<Implication>, Error> {
        self.0.social_proof().map(Some)
    }

    /// Partnerships with well-connected people: `trendSetting` above 1/3 and `connectionsPerPerson` above 5.
    async fn influencer_partnership(&self) -> Result<Option<Implication>, Error> {
        self.0.influence().map(Some)
    }
}
