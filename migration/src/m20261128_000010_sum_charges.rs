//! Charges summed by day, so that what was spent of a cap is known without reading every charge.

use sea_orm_migration::prelude::*;

use crate::dialect;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    /// On SQLite too: another connection of the pool may still know an index that was dropped just now.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::run(manager, UP).await?;
        dialect::either(manager, TRIGGERS_SQLITE, TRIGGERS_POSTGRES).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::either(manager, DROP_TRIGGERS_SQLITE, DROP_TRIGGERS_POSTGRES).await?;
        dialect::run(manager, DOWN).await
    }
}

// `day` counts days since 1970-01-01 UTC. An empty `drawn_by` is a null of the charge.
const UP: &str = "
create table privacy_spending (
    subject text not null,
    region text not null,
    drawn_by text not null,
    bands integer not null,
    day bigint not null,
    microunits bigint not null,
    primary key (subject, region, drawn_by, bands, day)
) {clustered};
insert into privacy_spending (subject, region, drawn_by, bands, day, microunits)
    select subject, region, coalesce(drawn_by, ''), bands, charged_at / 86400, sum(microunits)
    from privacy_charges group by subject, region, coalesce(drawn_by, ''), bands, charged_at / 86400;
";

const DOWN: &str = "
drop table privacy_spending;
";

const TRIGGERS_SQLITE: &[&str] = &["create trigger privacy_charges_sum after insert on privacy_charges
     begin
         insert into privacy_spending (subject, region, drawn_by, bands, day, microunits)
         values (new.subject, new.region, coalesce(new.drawn_by, ''), new.bands, new.charged_at / 86400, new.microunits)
         on conflict (subject, region, drawn_by, bands, day)
         do update set microunits = microunits + excluded.microunits;
     end"];

// Charges are inserted while their accounts are locked, so that no two transactions wait for each other here.
const TRIGGERS_POSTGRES: &[&str] = &[
    "create function privacy_sum_charges() returns trigger language plpgsql as $$
     begin
         insert into privacy_spending as known (subject, region, drawn_by, bands, day, microunits)
         select subject, region, coalesce(drawn_by, ''), bands, charged_at / 86400, sum(microunits)
         from inserted group by subject, region, coalesce(drawn_by, ''), bands, charged_at / 86400
         on conflict (subject, region, drawn_by, bands, day)
         do update set microunits = known.microunits + excluded.microunits;
         return null;
     end $$",
    "create trigger privacy_charges_sum after insert on privacy_charges referencing new table as inserted
     for each statement execute function privacy_sum_charges()",
];

const DROP_TRIGGERS_SQLITE: &[&str] = &["drop trigger privacy_charges_sum"];

const DROP_TRIGGERS_POSTGRES: &[&str] =
    &["drop trigger privacy_charges_sum on privacy_charges", "drop function privacy_sum_charges"];
