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
}

impl ActiveModelBehavior for ActiveModel {}
