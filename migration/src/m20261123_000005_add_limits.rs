//! What a key may spend, what a request cost, and who changed a key.

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

// A key that is rotated twice at once would be two keys: `replaced_by` names the one that followed.
const UP: &str = "
alter table api_keys add column max_query_points bigint not null default 1000 check (max_query_points > 0);
alter table api_keys add column points_per_minute bigint not null default 6000 check (points_per_minute > 0);
alter table api_keys add column points_per_day bigint not null default 1000000 check (points_per_day > 0);
alter table api_keys add column last_used_at bigint;
alter table api_keys add column replaced_by text;
alter table api_request_logs add column admitted boolean not null default false;
alter table api_request_logs add column points_requested bigint not null default 0;
alter table api_request_logs add column points bigint not null default 0;
create index api_request_logs_by_time on api_request_logs (received_at_ms);
create table api_usage_days (
    key_id text not null,
    day bigint not null,
    error_code text not null,
    requests bigint not null,
    admitted bigint not null,
    points bigint not null,
    units_mu bigint not null,
    primary key (key_id, day, error_code)
) {clustered};
create table audit_events (
    audit_id {serial},
    happened_at bigint not null,
    action text not null,
    key_id text not null,
    detail text not null
);
create index audit_events_by_key on audit_events (key_id, audit_id);
";

const DOWN: &str = "
drop table audit_events;
drop table api_usage_days;
drop index api_request_logs_by_time;
alter table api_request_logs drop column points;
alter table api_request_logs drop column points_requested;
alter table api_request_logs drop column admitted;
alter table api_keys drop column replaced_by;
alter table api_keys drop column last_used_at;
alter table api_keys drop column points_per_day;
alter table api_keys drop column points_per_minute;
alter table api_keys drop column max_query_points;
";
