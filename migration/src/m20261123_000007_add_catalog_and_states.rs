//! What a product states, how new a catalog is, and the length of a person's state.

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

// The second moments of a person's state follow from the means and this one number, to the last bit; so epochs that are
// there already need not be built again.
const UP: &str = "
alter table agent_rollup add column state_norm bigint not null default 300000000;
update agent_rollup set state_norm = 300000000
    + mean_0 * mean_0 + mean_1 * mean_1 + mean_2 * mean_2 + mean_3 * mean_3 + mean_4 * mean_4 + mean_5 * mean_5
    + mean_6 * mean_6 + mean_7 * mean_7 + mean_8 * mean_8 + mean_9 * mean_9 + mean_10 * mean_10 + mean_11 * mean_11;
alter table partners add column catalog_version bigint not null default 0;
alter table products add column stated text not null default '{}';
";

const DOWN: &str = "
alter table products drop column stated;
alter table partners drop column catalog_version;
alter table agent_rollup drop column state_norm;
";
