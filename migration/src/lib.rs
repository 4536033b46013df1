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
mod m20261127_000008_add_erased_people_and_documents;
mod m20261128_000009_charge_atoms_and_steps;
mod m20261128_000010_sum_charges;
mod m20261128_000011_add_warehouse_builds;

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
            Box::new(m20261127_000008_add_erased_people_and_documents::Migration),
            Box::new(m20261128_000009_charge_atoms_and_steps::Migration),
            Box::new(m20261128_000010_sum_charges::Migration),
            Box::new(m20261128_000011_add_warehouse_builds::Migration),
        ]
    }
}

/// What reverting a migration deletes, for the operator.
#[must_use]
pub fn lost_by_reverting(migration: &str) -> &'static str {
    match migration.split('_').nth(1) {
        Some("000001") => "all people, profiles, visits and connections",
        Some("000002") => "all epochs",
        Some("000003") => "all partners, keys, segments, products and the request log",
        Some("000004") => "the privacy ledger: all accounts, charges and releases",
        Some("000005") => "the point limits of keys, the usage by day and the audit log",
        Some("000006") => "which segments each key was shown, and the protection of the ledger",
        Some("000007") => "what products state, and the versions of catalogs",
        Some("000008") => {
            "the list of erased people, the names of keys and the trusted documents, and revokes the keys limited to them"
        }
        Some("000009") => {
            "which age bands charges were for, who moved, and the numbers released in steps; and revokes the test keys"
        }
        Some("000010") => "nothing: sums of charges, which the next upgrade computes again",
        Some("000011") => "the epochs whose rows are in the warehouse",
        _ => "the tables and columns that it created",
    }
}
