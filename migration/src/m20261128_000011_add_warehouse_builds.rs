//! Which rows of the warehouse belong to an epoch.

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

// Null: the rows are in `agent_rollup` of this database.
const UP: &str = "
alter table epochs add column build_id bigint;
";

const DOWN: &str = "
delete from epochs where build_id is not null;
alter table epochs drop column build_id;
";
