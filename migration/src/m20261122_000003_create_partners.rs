//! Who may ask, what they saved, what they sell, and what they asked.

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
create table partners (
    partner_id text primary key,
    created_at bigint not null
);
create table api_keys (
    key_id text primary key,
    partner_id text not null references partners (partner_id),
    key_hash {bytes} not null unique,
    environment text not null,
    scopes text not null,
    per_minute bigint not null check (per_minute > 0),
    per_day bigint not null check (per_day > 0),
    privacy_subject text not null,
    created_at bigint not null,
    expires_at bigint,
    revoked_at bigint
);
create index api_keys_by_partner on api_keys (partner_id);
create table api_request_logs (
    log_id {serial},
    received_at_ms bigint not null,
    request_id text not null,
    key_id text,
    partner_id text,
    operation_name text,
    document_hash text,
    status integer not null,
    error_code text,
    units_mu bigint not null,
    processing_us bigint not null
);
create index api_request_logs_by_key on api_request_logs (key_id, received_at_ms);
create table market_segments (
    segment_id text primary key,
    partner_id text references partners (partner_id),
    slug text not null,
    name text not null,
    definition text not null,
    created_at bigint not null,
    updated_at bigint not null
);
create unique index market_segments_by_slug on market_segments (slug, coalesce(partner_id, ''));
create table products (
    partner_id text not null references partners (partner_id),
    product_id text not null,
    title text not null,
    category text,
    subcategory text,
    price double precision,
    currency text,
    rating double precision,
    rating_count bigint,
    price_range text,
    primary key (partner_id, product_id)
) {clustered};
create index products_by_category on products (partner_id, category, product_id);
";

const DOWN: &str = "
drop table products;
drop table market_segments;
drop table api_request_logs;
drop table api_keys;
drop table partners;
";
