//! The audit log: one row of `audit_events` for each administrative action.

use sea_orm::{
    ActiveValue::Set, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait as _,
    sea_query::SelectStatement,
};

use super::entity::audit_event::{ActiveModel, COLUMN, Entity, Model};

/// An administrative action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    CreateKey,
    RotateKey,
    RevokeKey,
    ChangeLimits,
    /// The erasure of a person; the name in the database is `forget`.
    Erase,
    /// The removal of a person from the list of erased people.
    Restore,
    DropEpoch,
}

impl Action {
    fn name(self) -> &'static str {
        match self {
            Self::CreateKey => "create",
            Self::RotateKey => "rotate",
            Self::RevokeKey => "revoke",
            Self::ChangeLimits => "limits",
            Self::Erase => "forget",
            Self::Restore => "restore",
            Self::DropEpoch => "drop",
        }
    }
}

/// Records an action in the transaction that performs it.
///
/// `now` is in Unix seconds. `subject` is the id of a key, `region:NAME`, `epoch:NAME`, or empty for a person.
pub async fn record(
    db: &impl ConnectionTrait,
    now: i64,
    action: Action,
    subject: &str,
    detail: String,
) -> Result<(), DbErr> {
    let row = ActiveModel {
        happened_at: Set(now),
        action: Set(action.name().to_owned()),
        subject: Set(subject.to_owned()),
        detail: Set(detail),
        ..Default::default()
    };
    Entity::insert(row).exec_without_returning(db).await?;
    Ok(())
}

/// What was done to a key, oldest first.
pub async fn of_key(db: &impl ConnectionTrait, key_id: &str) -> Result<Vec<Model>, DbErr> {
    Entity::find().filter(COLUMN.subject.eq(key_id)).order_by_asc(COLUMN.audit_id).all(db).await
}

/// The number of the last erasure, if there was one.
pub async fn last_erasure(db: &impl ConnectionTrait) -> Result<Option<i64>, DbErr> {
    let last = db.query_one(&last_erasure_query()).await?;
    Ok(last.map(|row| row.try_get_by_index(0)).transpose()?.flatten())
}

/// The query of [`last_erasure`].
pub(super) fn last_erasure_query() -> SelectStatement {
    let erasures = Entity::find().select_only().expr(COLUMN.audit_id.max());
    erasures.filter(COLUMN.action.eq(Action::Erase.name())).into_query()
}
