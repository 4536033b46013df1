//! `keys`: who may ask.

use std::io::Write as _;

use chrono::NaiveDate;
use clap::{Args, Subcommand};
use sea_orm::{DatabaseConnection, EntityTrait, QueryFilter, QueryOrder};
use serde::Serialize;

use super::{table::Format, units};
use crate::{
    auth::{self, ApiKey, Environment, Limits, NewKey, Scope},
    clock::{Clock as _, SystemClock, format_time, midnight, parse_time},
    config::Database,
    entity::{api_key, audit_event},
    error::Error,
    privacy::{budget::Budgets, bundles, ledger, report},
    types::usage,
};

/// Create, list, show, rotate, limit or revoke API keys, and see what they used.
#[derive(Args)]
#[command(after_help = "\
Examples:
  keys create --partner acme
  keys create --partner acme --scopes behavior --per-minute 20 --expires 2027-01-01
  keys rotate ID --overlap 24h               the old key works for a day
  keys limit ID --points-per-minute 12000
  keys usage ID --last 30
  keys list --json")]
pub(super) struct Keys {
    #[command(flatten)]
    database: Database,
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Make a key and print it, once: only its SHA-256 is stored.
    Create {
        /// Whose key it is: 2 to 40 lower-case letters, digits and hyphens. A new partner is made.
        #[arg(long)]
        partner: String,
        /// What it may read.
        #[arg(long, value_enum, value_delimiter = ',', default_value = "behavior,personality,network,catalog")]
        scopes: Vec<Scope>,
        #[command(flatten)]
        limits: LimitFlags,
        /// When it ends: a date or an RFC 3339 time; default: never.
        #[arg(long, value_name = "WHEN", value_parser = parse_expiry)]
        expires: Option<i64>,
        /// A word in the key that says where it is used.
        #[arg(long, value_enum, default_value = "live")]
        env: Environment,
    },
    /// List all keys.
    List(Format),
    /// Show one key, its limits and what was done to it.
    Show {
        id: String,
        #[command(flatten)]
        format: Format,
    },
    /// Make a key that follows another and print it, once; the old one works until the overlap is over. Both share
    /// limits and privacy units.
    Rotate {
        id: String,
        /// How long the old key still works, such as 30m, 24h or 7d.
        #[arg(long, value_name = "TIME", default_value = "24h", value_parser = parse_duration)]
        overlap: i64,
    },
    /// Change what a key may spend; works on every server within five seconds.
    #[command(mut_group("limit_flags", |group| group.required(true)))]
    Limit {
        id: String,
        #[command(flatten)]
        limits: LimitFlags,
    },
    /// End a key; works on every server within five seconds.
    Revoke { id: String },
    /// What a key used, by day.
    Usage {
        id: String,
        /// How many days, with today.
        #[arg(long, value_name = "DAYS", default_value_t = 7, value_parser = clap::value_parser!(i32).range(1..=i64::from(usage::MOST_DAYS)))]
        last: i32,
        #[command(flatten)]
        format: Format,
    },
}

/// A key in the list.
#[derive(Serialize)]
struct Line {
    id: String,
    partner: String,
    environment: String,
    state: &'static str,
    scopes: Vec<String>,
    last_used_at: Option<String>,
}

/// A key by itself.
#[derive(Serialize)]
struct Shown {
    id: String,
    partner: String,
    environment: String,
    state: &'static str,
    scopes: Vec<String>,
    requests_per_minute: i64,
    requests_per_day: i64,
    points_per_query: i64,
    points_per_minute: i64,
    points_per_day: i64,
    units_in_30_days: f64,
    units_left: f64,
    created_at: String,
    expires_at: Option<String>,
    revoked_at: Option<String>,
    last_used_at: Option<String>,
    followed_by: Option<String>,
    events: Vec<Event>,
}

/// Something that was done to a key.
#[derive(Serialize)]
struct Event {
    at: String,
    action: String,
    detail: String,
}

/// Limits that the command line names; the others stay as they are.
#[derive(Args)]
#[group(id = "limit_flags", multiple = true)]
struct LimitFlags {
    /// Requests in a minute (default 100).
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000_000), allow_negative_numbers = true)]
    per_minute: Option<u64>,
    /// Requests in a day, UTC (default 10,000).
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000_000_000), allow_negative_numbers = true)]
    per_day: Option<u64>,
    /// Points that one document may cost (default 1,000).
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000_000), allow_negative_numbers = true)]
    max_query_points: Option<u64>,
    /// Points that the bucket holds and that come back in a minute (default 6,000).
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000_000_000), allow_negative_numbers = true)]
    points_per_minute: Option<u64>,
    /// Points in a day, UTC (default 1,000,000).
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=2_000_000_000), allow_negative_numbers = true)]
    points_per_day: Option<u64>,
    /// Privacy units in any 30 days (default 20).
    #[arg(long, value_name = "N", value_parser = units::parse, allow_negative_numbers = true)]
    units: Option<i64>,
}

impl LimitFlags {
    fn over(&self, limits: Limits) -> Limits {
        Limits {
            per_minute: self.per_minute.unwrap_or(limits.per_minute),
            per_day: self.per_day.unwrap_or(limits.per_day),
            max_query_points: self.max_query_points.unwrap_or(limits.max_query_points),
            points_per_minute: self.points_per_minute.unwrap_or(limits.points_per_minute),
            points_per_day: self.points_per_day.unwrap_or(limits.points_per_day),
        }
    }
}

/// Reads `30m`, `24h` or `7d` as seconds.
fn parse_duration(text: &str) -> Result<i64, String> {
    let wrong = || format!("{text:?} is not a time like 30m, 24h or 7d");
    let (number, unit) = text.split_at_checked(text.len().saturating_sub(1)).ok_or_else(wrong)?;
    let number: i64 = number.parse().map_err(|_| wrong())?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return Err(wrong()),
    };
    if !(0..=366 * 86_400).contains(&number.saturating_mul(seconds)) {
        return Err("an overlap is at most 366 days".to_owned());
    }
    Ok(number * seconds)
}

fn parse_expiry(text: &str) -> Result<i64, String> {
    text.parse::<NaiveDate>().map(midnight).or_else(|_| parse_time(text))
}

impl Keys {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let db = super::open(&self.database).await?;
        let now = SystemClock.now();
        match self.action {
            Action::Create { partner, scopes, limits, expires, env } => {
                let new = NewKey {
                    partner_id: partner,
                    environment: env,
                    scopes,
                    limits: limits.over(Limits::DEFAULT),
                    expires_at: expires,
                    cap_mu: limits.units.unwrap_or(ledger::KEY_CAP_MU),
                };
                let (id, key) = auth::create_key(&db, &new, now).await?;
                show_once(&db, &id, &key).await?;
                warn(&id, limits.units);
            }
            Action::Rotate { id, overlap } => {
                let (new_id, key) = auth::rotate_key(&db, &id, overlap, now).await?;
                show_once(&db, &new_id, &key).await?;
                let old = auth::find_key(&db, &id).await?;
                let ends = old.expires_at.map_or_else(String::new, |at| format!(" until {}", format_time(at)));
                eprintln!("{id} works{ends}");
            }
            Action::Limit { id, limits } => {
                auth::change_limits(&db, &id, |before| limits.over(before), limits.units, now).await?;
                show(Format::TABLE, &db, &id, now).await?;
                warn(&id, limits.units);
            }
            Action::Usage { id, last, format } => {
                auth::find_key(&db, &id).await?;
                let days = usage::of_key(&db, &id, now, last).await.map_err(Error::explain)?;
                format.print(&days, &["day", "requests", "refused", "points", "units", "errors"], |day| {
                    let errors: Vec<_> =
                        day.errors.iter().map(|error| format!("{} {}", error.count, error.code)).collect();
                    let [requests, refused, points] = [day.requests, day.refused, day.points].map(|n| n.to_string());
                    vec![day.day.clone(), requests, refused, points, format!("{:.2}", day.units), errors.join(", ")]
                })?;
            }
            Action::List(format) => {
                let keys = api_key::Entity::find().order_by_asc(api_key::COLUMN.created_at).all(&db).await?;
                let rows: Vec<_> = keys
                    .into_iter()
                    .map(|key| Line {
                        state: state(&key, now),
                        scopes: scopes(&key),
                        last_used_at: key.last_used_at.map(format_time),
                        id: key.key_id,
                        partner: key.partner_id,
                        environment: key.environment,
                    })
                    .collect();
                format.print(&rows, &["id", "partner", "env", "state", "scopes", "last used"], |key| {
                    let [id, partner, env] = [&key.id, &key.partner, &key.environment].map(Clone::clone);
                    let (state, scopes, used) =
                        (key.state.to_owned(), key.scopes.join("|"), or_word(key.last_used_at.as_ref(), "never"));
                    vec![id, partner, env, state, scopes, used]
                })?;
            }
            Action::Show { id, format } => show(format, &db, &id, now).await?,
            Action::Revoke { id } => {
                auth::revoke_key(&db, &id, now).await?;
                say!("{id} is revoked");
            }
        }
        Ok(())
    }
}

/// Says where a cap is above the published promise.
fn warn(id: &str, units: Option<i64>) {
    if let Some(warning) = units.and_then(|mu| report::warning(&format!("key {id}"), Some(mu), ledger::KEY_CAP_MU, 30))
    {
        eprintln!("{warning}");
    }
}

/// Prints a new key. One that nobody has seen must not be left to work.
async fn show_once(db: &DatabaseConnection, id: &str, key: &ApiKey) -> anyhow::Result<()> {
    if let Err(cause) = writeln!(std::io::stdout(), "{}", key.reveal()) {
        auth::revoke_key(db, id, SystemClock.now()).await?;
        return Err(anyhow::Error::new(cause).context("the key could not be shown and is revoked"));
    }
    eprintln!("{id}: shown once, stored as SHA-256 only");
    Ok(())
}

async fn show(format: Format, db: &DatabaseConnection, id: &str, now: i64) -> anyhow::Result<()> {
    let key = auth::find_key(db, id).await?;
    let budget = Budgets::new(db.clone()).of(&key.privacy_subject, now).await.map_err(Error::explain)?;
    let events = audit_event::Entity::find()
        .filter(audit_event::COLUMN.subject.eq(id))
        .order_by_asc(audit_event::COLUMN.audit_id)
        .all(db)
        .await?;
    let event = |event: audit_event::Model| Event {
        at: format_time(event.happened_at),
        action: event.action,
        detail: event.detail,
    };
    let shown = Shown {
        state: state(&key, now),
        scopes: scopes(&key),
        id: key.key_id,
        partner: key.partner_id,
        environment: key.environment,
        requests_per_minute: key.per_minute,
        requests_per_day: key.per_day,
        points_per_query: key.max_query_points,
        points_per_minute: key.points_per_minute,
        points_per_day: key.points_per_day,
        units_in_30_days: bundles::units(budget.cap_mu),
        units_left: bundles::units(budget.left_mu()),
        created_at: format_time(key.created_at),
        expires_at: key.expires_at.map(format_time),
        revoked_at: key.revoked_at.map(format_time),
        last_used_at: key.last_used_at.map(format_time),
        followed_by: key.replaced_by,
        events: events.into_iter().map(event).collect(),
    };
    format.show(&shown, print)
}

fn print(key: &Shown) -> anyhow::Result<()> {
    let lines = [
        ("id", key.id.clone()),
        ("partner", key.partner.clone()),
        ("environment", key.environment.clone()),
        ("state", key.state.to_owned()),
        ("scopes", key.scopes.join("|")),
        ("requests a minute", key.requests_per_minute.to_string()),
        ("requests a day", key.requests_per_day.to_string()),
        ("points a query", key.points_per_query.to_string()),
        ("points a minute", key.points_per_minute.to_string()),
        ("points a day", key.points_per_day.to_string()),
        ("units in 30 days", format!("{:.2}", key.units_in_30_days)),
        ("units left", format!("{:.2}", key.units_left)),
        ("created", key.created_at.clone()),
        ("expires", or_word(key.expires_at.as_ref(), "never")),
        ("revoked", or_word(key.revoked_at.as_ref(), "never")),
        ("last used", or_word(key.last_used_at.as_ref(), "never")),
        ("followed by", or_word(key.followed_by.as_ref(), "none")),
    ];
    for (name, value) in lines {
        say!("{name:<18} {value}");
    }
    for event in &key.events {
        say!("{:<18} {} {}", event.at, event.action, event.detail);
    }
    Ok(())
}

fn or_word(text: Option<&String>, word: &str) -> String {
    text.map_or_else(|| word.to_owned(), Clone::clone)
}

fn scopes(key: &api_key::Model) -> Vec<String> {
    key.scopes.split('|').filter(|scope| !scope.is_empty()).map(str::to_owned).collect()
}

fn state(key: &api_key::Model, now: i64) -> &'static str {
    match key {
        key if key.revoked_at.is_some() => "revoked",
        key if key.expires_at.is_some_and(|at| at <= now) => "expired",
        _ => "active",
    }
}
