//! The personality profiles.

use async_trait::async_trait;
use sea_orm::{ActiveValue::Set, Iterable as _, sea_query::OnConflict};

use super::{Fields, Kind, Options, Reject, Row, Store, Target, last_of_each, warehouse};
use crate::{
    domain::dimensions::{Dimension, DimensionMap},
    storage::{
        db,
        entity::personality_profile::{ActiveModel, Column},
    },
};

/// A line of `personality`.
#[derive(Clone, Debug)]
pub struct PersonalityRow {
    pub agent_id: String,
    /// Each in [0, 1]; `None` if unknown.
    pub dimensions: DimensionMap<Option<f64>>,
}

impl Row for PersonalityRow {
    const KIND: Kind = Kind::Personality;
    const REQUIRED: &'static [&'static str] = &{
        let mut columns = ["agent_id"; Dimension::COUNT + 1];
        let mut index = 0;
        while index < Dimension::COUNT {
            columns[index + 1] = Dimension::ALL[index].column();
            index += 1;
        }
        columns
    };

    fn parse(fields: &Fields<'_>) -> Result<Self, String> {
        Ok(Self { agent_id: fields.id("agent_id")?, dimensions: fields.dimensions()? })
    }

    fn refers_to(&self) -> [Option<&str>; 2] {
        [Some(&self.agent_id), None]
    }
}

/// Stores profiles; a profile that exists is updated.
pub struct Profiles;

#[async_trait]
impl Store<PersonalityRow> for Profiles {
    async fn begin(_target: Target<'_>, _options: &Options) -> anyhow::Result<Self> {
        Ok(Self)
    }

    async fn store(&mut self, target: Target<'_>, rows: Vec<(u64, PersonalityRow)>) -> anyhow::Result<Vec<Reject>> {
        let rows = last_of_each(rows, |one, other| one.agent_id.cmp(&other.agent_id));
        if let Some(warehouse) = target.warehouse {
            let rows: Vec<PersonalityRow> = rows.into_iter().map(|(_, row)| row).collect();
            warehouse::store_profiles(warehouse, &rows).await?;
            return Ok(Vec::new());
        }
        let values = rows.into_iter().map(|(_, row)| model(row)).collect();
        let dimensions = Column::iter().filter(|column| !matches!(column, Column::AgentId));
        let update = OnConflict::column(Column::AgentId).update_columns(dimensions).to_owned();
        db::insert_all(target.transaction, values, Some(&update)).await?;
        Ok(Vec::new())
    }
}

fn model(row: PersonalityRow) -> ActiveModel {
    let value = |dimension| Set(row.dimensions[dimension]);
    ActiveModel {
        exploration_eagerness: value(Dimension::ExplorationEagerness),
        community_orientation: value(Dimension::CommunityOrientation),
        authenticity_preference: value(Dimension::AuthenticityPreference),
        social_discovery_style: value(Dimension::SocialDiscoveryStyle),
        temporal_flexibility: value(Dimension::TemporalFlexibility),
        location_adventurousness: value(Dimension::LocationAdventurousness),
        curation_tendency: value(Dimension::CurationTendency),
        trust_network_reliance: value(Dimension::TrustNetworkReliance),
        energy_preference: value(Dimension::EnergyPreference),
        novelty_seeking: value(Dimension::NoveltySeeking),
        value_orientation: value(Dimension::ValueOrientation),
        crowd_tolerance: value(Dimension::CrowdTolerance),
        agent_id: Set(row.agent_id),
    }
}
