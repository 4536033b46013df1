//! `agents`: people, each identified by the app's opaque id.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "agents")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub agent_id: String,
    /// Home region: an opaque code of an area of at least city size. `None` = unknown; the person is then never
    /// counted.
    pub region: Option<String>,
    /// In whole years; `None` = unknown.
    pub age: Option<i32>,
    /// Values separated by `|`.
    pub interests: String,
    /// Values separated by `|`.
    pub category_preferences: String,
    /// A person without consent is never counted.
    pub consent: bool,
    /// When the first epoch was built without the person in the region or age band that the person had before, in Unix
    /// seconds; [`ATOM_CHANGE_PENDING`] from the import that changed one of them until that build; `None` = neither
    /// has changed since the person was first imported.
    pub atom_since: Option<i64>,
}

/// The value of `atom_since` between an import that changed the region or the age band and the next epoch build.
pub const ATOM_CHANGE_PENDING: i64 = i64::MAX;

impl ActiveModelBehavior for ActiveModel {}
