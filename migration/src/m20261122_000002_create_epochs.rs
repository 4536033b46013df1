//! The weekly snapshots: one row per counted person and window, everything as integers.

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
create table epochs (
    epoch_id integer primary key,
    ends_at bigint not null,
    built_at bigint not null,
    agents bigint not null
);
create table epoch_words (
    epoch_id integer not null references epochs (epoch_id) on delete cascade,
    kind text not null,
    word text not null,
    primary key (epoch_id, kind, word)
) {clustered};
create table agent_rollup (
    epoch_id integer not null references epochs (epoch_id) on delete cascade,
    window_days integer not null,
    region text not null,
    age_band integer not null,
    agent_id text not null,
    interests text not null,
    categories text not null,
    behavior_visits integer not null,
    behavior_dwell integer not null,
    behavior_return integer not null,
    behavior_community integer not null,
    dwell_short integer not null,
    dwell_medium integer not null,
    dwell_long integer not null,
    time_0 integer not null,
    time_1 integer not null,
    time_2 integer not null,
    time_3 integer not null,
    time_4 integer not null,
    time_5 integer not null,
    time_6 integer not null,
    time_7 integer not null,
    category_0 integer not null,
    category_1 integer not null,
    category_2 integer not null,
    category_3 integer not null,
    category_4 integer not null,
    category_5 integer not null,
    category_6 integer not null,
    category_7 integer not null,
    category_8 integer not null,
    category_9 integer not null,
    category_10 integer not null,
    category_11 integer not null,
    mean_0 integer not null,
    mean_1 integer not null,
    mean_2 integer not null,
    mean_3 integer not null,
    mean_4 integer not null,
    mean_5 integer not null,
    mean_6 integer not null,
    mean_7 integer not null,
    mean_8 integer not null,
    mean_9 integer not null,
    mean_10 integer not null,
    mean_11 integer not null,
    bin_0 integer not null,
    bin_1 integer not null,
    bin_2 integer not null,
    bin_3 integer not null,
    bin_4 integer not null,
    bin_5 integer not null,
    bin_6 integer not null,
    bin_7 integer not null,
    bin_8 integer not null,
    bin_9 integer not null,
    bin_10 integer not null,
    bin_11 integer not null,
    archetype integer not null,
    network_ties integer not null,
    network_compatibility integer not null,
    network_new integer not null,
    network_drawn integer not null,
    primary key (epoch_id, window_days, region, age_band, agent_id)
) {clustered};
";

const DOWN: &str = "
drop table agent_rollup;
drop table epoch_words;
drop table epochs;
";
