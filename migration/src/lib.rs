//! The database schema, for SQLite and PostgreSQL.
//!
//! Every table of the server is made here and nowhere else, in tests too. A migration that has been released is
//! frozen: it holds its SQL as text and never imports an entity, so that changing an entity cannot change history.
//!
//! Times are whole seconds since 1970-01-01 UTC in `bigint` columns: one meaning and one order on both databases.

pub use sea_orm_migration::prelude::*;

mod dialect;
mod m20261122_000001_create_raw_tables;
mod m20261122_000002_create_epochs;
mod m20261122_000003_create_partners;
mod m20261122_000004_create_privacy_tables;
mod m20261123_000005_add_limits;
mod m20261123_000006_guard_ledger;
mod m20261123_000007_add_catalog_and_states;

/// The list of migrations, oldest first.
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20261122_000001_create_raw_tables::Migration),
            Box::new(m20261122_000002_create_epochs::Migration),
            Box::new(m20261122_000003_create_partners::Migration),
            Box::new(m20261122_000004_create_privacy_tables::Migration),
            Box::new(m20261123_000005_add_limits::Migration),
            Box::new(m20261123_000006_guard_ledger::Migration),
            Box::new(m20261123_000007_add_catalog_and_states::Migration),
        ]
    }
}
