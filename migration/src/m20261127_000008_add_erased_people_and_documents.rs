//! Erased people, unfinished imports, dropped epochs, names of keys, and trusted documents.

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
create table erasure_salts (
    salt_id integer primary key check (salt_id = 1),
    salt {bytes} not null
);
create table erased_people (
    id_hash {bytes} primary key,
    erased_at bigint not null
) {clustered};
create table import_runs (
    fingerprint text primary key,
    kind text not null,
    file text not null,
    rows_done bigint not null,
    started_at bigint not null
);
create table dropped_epochs (
    epoch_id integer primary key,
    dropped_at bigint not null
);
alter table api_keys add column name text not null default '';
alter table api_keys add column documents_only boolean not null default false;
create table trusted_documents (
    partner_id text not null references partners (partner_id),
    document_hash text not null,
    document_name text not null,
    document text not null,
    added_at bigint not null,
    primary key (partner_id, document_hash)
);
";

// Without the column a key would no longer be limited to trusted documents, so these keys are revoked.
const DOWN: &str = "
update api_keys set revoked_at = created_at where documents_only and revoked_at is null;
drop table trusted_documents;
alter table api_keys drop column documents_only;
alter table api_keys drop column name;
drop table dropped_epochs;
drop table import_runs;
drop table erased_people;
drop table erasure_salts;
";
