//! What an import fills: people, what they did, what they are like, whom they know.

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
create table agents (
    agent_id text primary key,
    region text,
    age integer,
    interests text not null,
    category_preferences text not null,
    consent boolean not null
);
create table user_actions (
    agent_id text not null,
    spot_id text not null,
    start_time bigint not null,
    action_type text not null,
    category text,
    category_group text,
    end_time bigint,
    is_return_visit boolean not null,
    return_given boolean not null,
    primary key (agent_id, spot_id, start_time, action_type)
) {clustered};
create table personality_profiles (
    agent_id text primary key,
    exploration_eagerness double precision,
    community_orientation double precision,
    authenticity_preference double precision,
    social_discovery_style double precision,
    temporal_flexibility double precision,
    location_adventurousness double precision,
    curation_tendency double precision,
    trust_network_reliance double precision,
    energy_preference double precision,
    novelty_seeking double precision,
    value_orientation double precision,
    crowd_tolerance double precision
);
create table ai2ai_connections (
    agent_id_1 text not null,
    agent_id_2 text not null,
    compatibility_score double precision not null,
    created_at bigint not null,
    kept boolean not null,
    primary key (agent_id_1, agent_id_2),
    check (agent_id_1 <> agent_id_2)
) {clustered};
create index ai2ai_connections_by_second on ai2ai_connections (agent_id_2);
";

const DOWN: &str = "
drop table ai2ai_connections;
drop table personality_profiles;
drop table user_actions;
drop table agents;
";
