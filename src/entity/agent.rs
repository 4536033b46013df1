//! A person, by an opaque id, as the app knows them.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "agents")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub agent_id: String,
    /// Home region: an opaque code of at least city size; none = unknown, such a person is never counted.
    pub region: Option<String>,
    /// Whole years; none = unknown.
    pub age: Option<i32>,
    /// Words separated by `|`.
    pub interests: String,
    /// Words separated by `|`.
    pub category_preferences: String,
    /// Without it a person is never counted.
    pub consent: bool,
}

impl ActiveModelBehavior for ActiveModel {}
