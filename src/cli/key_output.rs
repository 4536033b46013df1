//! The output of `keys list`, `keys show` and `keys usage`.

use sea_orm::DatabaseConnection;
use serde::Serialize;

use super::table::Format;
use crate::{
    domain::{clock::format_time, error::Error, key::Key},
    privacy::{budget::Budgets, bundles},
    storage::{audit, keys, usage::UsageDay},
};

/// A key in the output of `keys list` and `keys show`.
#[derive(Serialize)]
struct KeyRow {
    id: String,
    name: String,
    partner: String,
    environment: String,
    state: &'static str,
    scopes: Vec<String>,
    last_used_at: Option<String>,
}

impl KeyRow {
    fn new(key: Key, now: i64) -> Self {
        Self {
            state: state(&key, now),
            scopes: key.scopes.iter().map(|scope| scope.name().to_owned()).collect(),
            last_used_at: key.last_used_at.map(format_time),
            environment: key.environment.name().to_owned(),
            id: key.key_id,
            name: key.name,
            partner: key.partner_id,
        }
    }
}

/// The output of `keys show`.
#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    key: KeyRow,
    documents_only: bool,
    test: bool,
    requests_per_minute: u64,
    requests_per_day: u64,
    points_per_query: u64,
    points_per_minute: u64,
    points_per_day: u64,
    units_in_30_days: f64,
    units_left: f64,
    created_at: String,
    expires_at: Option<String>,
    revoked_at: Option<String>,
    followed_by: Option<String>,
    events: Vec<Event>,
}

/// A day in the output of `keys usage`.
#[derive(Serialize)]
struct UsageRow {
    day: String,
    requests: i64,
    refused: i64,
    points: i64,
    units: f64,
    errors: Vec<ErrorCount>,
}

#[derive(Serialize)]
struct ErrorCount {
    code: String,
    count: i64,
}

/// An entry of a key's history.
#[derive(Serialize)]
struct Event {
    at: String,
    action: String,
    detail: String,
}

pub(super) fn print_keys(format: Format, keys: Vec<Key>, now: i64) -> anyhow::Result<()> {
    let rows: Vec<KeyRow> = keys.into_iter().map(|key| KeyRow::new(key, now)).collect();
    format.print(&rows, &["id", "name", "partner", "env", "state", "scopes", "last used"], |key| {
        let [id, name, partner, env] = [&key.id, &key.name, &key.partner, &key.environment].map(Clone::clone);
        vec![
            id,
            name,
            partner,
            env,
            key.state.to_owned(),
            key.scopes.join("|"),
            or_default(key.last_used_at.as_ref(), "never"),
        ]
    })
}

pub(super) fn print_usage(format: Format, days: Vec<UsageDay>) -> anyhow::Result<()> {
    let row = |day: UsageDay| UsageRow {
        units: bundles::units(day.microunits),
        day: day.day,
        requests: day.requests,
        refused: day.rejected,
        points: day.points,
        errors: day.errors.into_iter().map(|(code, count)| ErrorCount { code, count }).collect(),
    };
    let rows: Vec<UsageRow> = days.into_iter().map(row).collect();
    format.print(&rows, &["day", "requests", "refused", "points", "units", "errors"], |day| {
        let errors: Vec<_> = day.errors.iter().map(|error| format!("{} {}", error.count, error.code)).collect();
        let [requests, refused, points] = [day.requests, day.refused, day.points].map(|count| count.to_string());
        vec![day.day.clone(), requests, refused, points, format!("{:.2}", day.units), errors.join(", ")]
    })
}

pub(super) async fn show(format: Format, db: &DatabaseConnection, id: &str, now: i64) -> anyhow::Result<()> {
    let key = keys::find(db, id).await?;
    let budget = Budgets::new(db.clone()).of(&key.account, now).await.map_err(Error::into_anyhow)?;
    let events = audit::of_key(db, id).await?.into_iter().map(|event| Event {
        at: format_time(event.happened_at),
        action: event.action,
        detail: event.detail,
    });
    let shown = Shown {
        documents_only: key.documents_only,
        test: key.test_mode,
        requests_per_minute: key.limits.per_minute,
        requests_per_day: key.limits.per_day,
        points_per_query: key.limits.max_query_points,
        points_per_minute: key.limits.points_per_minute,
        points_per_day: key.limits.points_per_day,
        units_in_30_days: bundles::units(budget.cap_microunits),
        units_left: bundles::units(budget.left_microunits()),
        created_at: format_time(key.created_at),
        expires_at: key.expires_at.map(format_time),
        revoked_at: key.revoked_at.map(format_time),
        followed_by: key.replaced_by.clone(),
        events: events.collect(),
        key: KeyRow::new(key, now),
    };
    format.show(&shown, print)
}

fn print(shown: &Shown) -> anyhow::Result<()> {
    let key = &shown.key;
    let lines = [
        ("id", key.id.clone()),
        ("name", key.name.clone()),
        ("partner", key.partner.clone()),
        ("environment", key.environment.clone()),
        ("state", key.state.to_owned()),
        ("scopes", key.scopes.join("|")),
        ("data", if shown.test { "synthetic (test key)" } else { "people" }.to_owned()),
        ("documents", if shown.documents_only { "trusted only" } else { "any" }.to_owned()),
        ("requests a minute", shown.requests_per_minute.to_string()),
        ("requests a day", shown.requests_per_day.to_string()),
        ("points a query", shown.points_per_query.to_string()),
        ("points a minute", shown.points_per_minute.to_string()),
        ("points a day", shown.points_per_day.to_string()),
        ("units in 30 days", format!("{:.2}", shown.units_in_30_days)),
        ("units left", format!("{:.2}", shown.units_left)),
        ("created", shown.created_at.clone()),
        ("expires", or_default(shown.expires_at.as_ref(), "never")),
        ("revoked", or_default(shown.revoked_at.as_ref(), "never")),
        ("last used", or_default(key.last_used_at.as_ref(), "never")),
        ("followed by", or_default(shown.followed_by.as_ref(), "none")),
    ];
    for (name, value) in lines {
        say!("{name:<18} {value}");
    }
    for event in &shown.events {
        say!("{:<18} {} {}", event.at, event.action, event.detail);
    }
    Ok(())
}

fn or_default(text: Option<&String>, default: &str) -> String {
    text.map_or_else(|| default.to_owned(), Clone::clone)
}

fn state(key: &Key, now: i64) -> &'static str {
    if key.revoked_at.is_some() {
        "revoked"
    } else if key.is_active(now) {
        "active"
    } else {
        "expired"
    }
}
