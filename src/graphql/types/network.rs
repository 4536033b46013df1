//! Ties of the people of a segment: the `Network` object.

use async_graphql::Object;

use super::{implications::MarketingImplications, reference::WithReference, release::Release};
use crate::{
    domain::error::Error,
    statistics::{
        measure::Measure,
        network::{Frequency, NetworkStatistics},
    },
};

/// Ties of the people of a segment within their region. All numbers are means over kept ties, at most 10 per person
/// (`docs/privacy.md`, "Kept ties").
pub struct Network {
    pub statistics: WithReference<NetworkStatistics>,
}

/// Ties of the people of a segment within their region, over 28 days. All numbers are based on kept ties, at most 10
/// per person (`docs/privacy.md`, "Kept ties"). A tie counts if both people live in the same region; the other person
/// does not need to be in the segment.
#[Object]
impl Network {
    /// Mean number of kept ties per person, 0 to 10. Null with `INSUFFICIENT_DATA`, reason `DOMINANCE`, if the noisy
    /// total is below about 1,180 ties.
    async fn connections_per_person(&self) -> Result<Option<Measure>, Error> {
        self.statistics.measure(NetworkStatistics::connections_per_person)
    }

    /// Mean number of kept ties per person, divided by the number of other people in the segment, 0 to 1. Ties to
    /// people of the region outside the segment are included, so the value is an upper bound of the density within the
    /// segment. Null with `INSUFFICIENT_DATA`, reason `DOMINANCE`, if the noisy total is below about 1,180 ties.
    async fn density(&self) -> Result<Option<Measure>, Error> {
        self.statistics.measure(NetworkStatistics::density)
    }

    /// Mean similarity of the two people of a tie, 0 to 1. Null with `INSUFFICIENT_DATA`, reason `DOMINANCE`, if the
    /// noisy number of ties, or the noisy sum of their similarities, is below about 1,180.
    async fn tie_compatibility(&self) -> Result<Option<Measure>, Error> {
        self.statistics.measure(NetworkStatistics::tie_compatibility)
    }

    /// Share of the ties that were made in the window, 0 to 1. Null with `INSUFFICIENT_DATA`, reason `DOMINANCE`, if
    /// fewer than about 1,180 ties (noisy total) were made in the window.
    async fn new_tie_share(&self) -> Result<Option<Measure>, Error> {
        self.statistics.measure(NetworkStatistics::new_tie_share)
    }

    /// Frequency of new ties: LOW below 0.1 per person in 28 days, HIGH from 0.5, MEDIUM between, UNCERTAIN if the 95 %
    /// interval contains a threshold. Null with `INSUFFICIENT_DATA`, reason `DOMINANCE`, if fewer than about 1,180 ties
    /// (noisy total) were made in the window.
    async fn connection_frequency(&self) -> Result<Option<Frequency>, Error> {
        self.statistics.own.connection_frequency().map(Some)
    }

    /// Mean number of connected people per person that visited a place for the first time, in the window, after this
    /// person had visited it, 0 to 10. Null with `INSUFFICIENT_DATA`, reason `DOMINANCE`, if the noisy total is below
    /// about 1,180.
    async fn viral_potential(&self) -> Result<Option<Measure>, Error> {
        self.statistics.measure(NetworkStatistics::viral_potential)
    }

    /// Share of the ties whose other person visited a place for the first time, in the window, after this person had
    /// visited it, 0 to 1. Null with `INSUFFICIENT_DATA`, reason `DOMINANCE`, if the noisy number of ties, or of such
    /// ties, is below about 1,180.
    async fn trend_setting(&self) -> Result<Option<Measure>, Error> {
        self.statistics.measure(NetworkStatistics::trend_setting)
    }

    /// Implications of these numbers for marketing, by published rules.
    async fn implications(&self) -> MarketingImplications {
        MarketingImplications((&self.statistics.own).into())
    }

    /// The release that these numbers come from.
    async fn release(&self) -> Release {
        self.statistics.released.release.as_ref().into()
    }
}
