//! The ledger: who may spend how much, what was spent on what, and what was published.

use sea_orm_migration::prelude::*;

use crate::dialect;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::run(manager, UP).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::run(manager, DOWN).await
    }
}

const UP: &str = "
create table privacy_accounts (
    subject text primary key,
    cap_mu bigint not null check (cap_mu >= 0),
    cap_year_mu bigint check (cap_year_mu >= 0)
);
create table privacy_charges (
    subject text not null references privacy_accounts (subject),
    release_key text not null,
    mu bigint not null check (mu > 0),
    charged_at bigint not null,
    primary key (subject, release_key)
) {clustered};
create index privacy_charges_by_time on privacy_charges (subject, charged_at);
create table privacy_releases (
    release_key text primary key,
    bundle text not null,
    segment text not null,
    window_days integer not null,
    epoch_id integer not null,
    status text not null check (status in ('pending', 'ready', 'suppressed')),
    payload text,
    rho double precision not null,
    delta double precision not null,
    lease_token text,
    lease_until bigint,
    published_at bigint
);
";

const DOWN: &str = "
drop table privacy_releases;
drop table privacy_charges;
drop table privacy_accounts;
";
