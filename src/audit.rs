//! What the operator did, and when: one row each.

use sea_orm::{ActiveValue::Set, ConnectionTrait, DbErr, EntityTrait};

use crate::entity::audit_event;

/// Writes down that something was done, in the transaction that does it.
///
/// # Errors
/// As the database says.
pub async fn record(
    db: &impl ConnectionTrait,
    now: i64,
    action: &str,
    subject: &str,
    detail: String,
) -> Result<(), DbErr> {
    let row = audit_event::ActiveModel {
        happened_at: Set(now),
        action: Set(action.to_owned()),
        subject: Set(subject.to_owned()),
        detail: Set(detail),
        ..Default::default()
    };
    audit_event::Entity::insert(row).exec_without_returning(db).await?;
    Ok(())
}
