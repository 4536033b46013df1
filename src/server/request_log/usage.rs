//! What rows add to the stored usage: the daily totals of each key, and when it was last used.

use std::collections::{BTreeMap, HashMap};

use sea_orm::{ActiveValue::Set, DatabaseConnection, DbErr};

use super::entry::Entry;
use crate::{
    domain::clock::DAY,
    storage::{
        entity::{api_request_log, api_usage_day},
        keys, request_log,
    },
};

/// Inserts rows and adds them to the daily totals, in one transaction.
pub(super) async fn insert(db: &DatabaseConnection, entries: &[Entry]) -> Result<(), DbErr> {
    let rows = entries.iter().cloned().map(|entry| api_request_log::ActiveModel {
        received_at_ms: Set(entry.received_at_ms),
        request_id: Set(entry.request_id),
        key_id: Set(entry.key_id),
        partner_id: Set(entry.partner_id),
        operation_name: Set(entry.operation_name),
        document_hash: Set(entry.document_hash),
        status: Set(entry.status),
        error_code: Set(entry.error_code),
        microunits: Set(entry.microunits),
        processing_us: Set(entry.processing_us),
        admitted: Set(entry.admitted),
        points_requested: Set(i64::try_from(entry.points_requested).unwrap_or(i64::MAX)),
        points: Set(i64::try_from(entry.points).unwrap_or(i64::MAX)),
        ..Default::default()
    });
    request_log::insert(db, rows.collect(), daily_totals(entries)).await
}

/// Totals of the rows that have a key, by key, UTC day and first error code.
fn daily_totals(entries: &[Entry]) -> Vec<api_usage_day::Model> {
    // Sorted, because two servers that lock rows in different orders could deadlock.
    let mut days: BTreeMap<(String, i64, String), api_usage_day::Model> = BTreeMap::new();
    for entry in entries {
        let Some(key_id) = entry.key_id.clone() else { continue };
        let (day, error_code) =
            (entry.received_at_ms.div_euclid(DAY * 1000), entry.error_code.clone().unwrap_or_default());
        let sum = days.entry((key_id.clone(), day, error_code.clone())).or_insert(api_usage_day::Model {
            key_id,
            day,
            error_code,
            requests: 0,
            admitted: 0,
            points: 0,
            microunits: 0,
        });
        sum.requests += 1;
        sum.admitted += i64::from(entry.admitted);
        sum.points += i64::try_from(entry.points).unwrap_or(i64::MAX);
        sum.microunits += entry.microunits;
    }
    days.into_values().collect()
}

/// When each key was last used, in whole minutes. Written at most once per minute and key.
#[derive(Default)]
pub(super) struct LastUsed(HashMap<String, i64>);

impl LastUsed {
    pub(super) async fn store(&mut self, db: &DatabaseConnection, rows: &[Entry]) {
        for row in rows {
            let minute = row.received_at_ms / 60_000 * 60;
            let Some(key_id) = &row.key_id else { continue };
            if self.0.get(key_id).is_some_and(|known| *known >= minute) {
                continue;
            }
            match keys::set_last_used(db, key_id, minute).await {
                Ok(()) => drop(self.0.insert(key_id.clone(), minute)),
                // The next request with the key tries again.
                Err(cause) => tracing::warn!(%cause, "cannot store when a key was last used"),
            }
        }
    }
}
