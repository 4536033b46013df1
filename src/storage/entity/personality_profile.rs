//! `personality_profiles`: the twelve personality dimensions of a person, each in [0, 1]; `None` = unknown.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "personality_profiles")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub agent_id: String,
    pub exploration_eagerness: Option<f64>,
    pub community_orientation: Option<f64>,
    pub authenticity_preference: Option<f64>,
    pub social_discovery_style: Option<f64>,
    pub temporal_flexibility: Option<f64>,
    pub location_adventurousness: Option<f64>,
    pub curation_tendency: Option<f64>,
    pub trust_network_reliance: Option<f64>,
    pub energy_preference: Option<f64>,
    pub novelty_seeking: Option<f64>,
    pub value_orientation: Option<f64>,
    pub crowd_tolerance: Option<f64>,
}

impl ActiveModelBehavior for ActiveModel {}
