//! `keys`: the API keys, their limits and their usage.

use std::io::Write as _;

use chrono::NaiveDate;
use clap::{Args, Subcommand};
use sea_orm::DatabaseConnection;
use serde::Serialize;

use super::{config::Database, table::Format, units};
use crate::{
    domain::{
        clock::{Clock as _, DAY, SystemClock, format_time, midnight, parse_time},
        error::Error,
        key::{Environment, Key, Limits},
        page::MAX_USAGE_DAYS,
        scope::Scope,
    },
    gate::auth::{self, ApiKey, NewKey},
    privacy::{budget::Budgets, bundles, ledger, report},
    storage::{
        audit, keys,
        usage::{self, UsageDay},
    },
};

/// Maximum overlap of a key and its successor, in seconds: 366 days.
const MAX_OVERLAP: i64 = 366 * DAY;

/// Create, list, show, rotate, limit or revoke API keys, and show their usage.
#[derive(Args)]
#[command(after_help = "\
Examples:
  keys create --partner acme
  keys create --partner acme --scopes behavior --per-minute 20 --expires 2027-01-01
  keys rotate ID --overlap 24h               the old key works for one more day
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
    /// Create a key and print it, once: only its SHA-256 is stored.
    Create {
        /// The partner of the key: 2 to 40 lower-case letters, digits and hyphens. A new partner is created.
        #[arg(long)]
        partner: String,
        /// The scopes of the key, comma-separated.
        #[arg(long, value_enum, value_delimiter = ',', default_value = "behavior,personality,network,catalog")]
        scopes: Vec<Scope>,
        #[command(flatten)]
        limits: LimitFlags,
        /// Expiry: a date (00:00 UTC) or an RFC 3339 time; default: never.
        #[arg(long, value_name = "WHEN", value_parser = parse_expiry)]
        expires: Option<i64>,
        /// Label in the key that says where it is used.
        #[arg(long, value_enum, default_value = "live")]
        env: Environment,
    },
    /// List all keys.
    List(Format),
    /// Show one key with its limits and its history.
    Show {
        id: String,
        #[command(flatten)]
        format: Format,
    },
    /// Create the successor of a key and print it, once; the old key works until the overlap ends. Both share limits
    /// and privacy units.
    Rotate {
        id: String,
        /// Time for which the old key still works, such as 30m, 24h or 7d; at most 366 days.
        #[arg(long, value_name = "TIME", default_value = "24h", value_parser = parse_overlap)]
        overlap: i64,
    },
    /// Change the limits of a key; takes effect on every server within five seconds.
    #[command(mut_group("limit_flags", |group| group.required(true)))]
    Limit {
        id: String,
        #[command(flatten)]
        limits: LimitFlags,
    },
    /// Revoke a key; takes effect on every server within five seconds.
    Revoke { id: String },
    /// Show the usage of a key by day.
    Usage {
        id: String,
        /// Number of days, including today.
        #[arg(
            long,
            value_name = "DAYS",
            default_value_t = 7,
            value_parser = clap::value_parser!(i32).range(1..=i64::from(MAX_USAGE_DAYS))
        )]
        last: i32,
        #[command(flatten)]
        format: Format,
    },
}

/// A key in the output of `keys list`.
#[derive(Serialize)]
struct KeyRow {
    id: String,
    partner: String,
    environment: String,
    state: &'static str,
    scopes: Vec<String>,
    last_used_at: Option<String>,
}

/// A key in the output of `keys show`.
#[derive(Serialize)]
struct Shown {
    id: String,
    partner: String,
    environment: String,
    state: &'static str,
    scopes: Vec<String>,
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
    last_used_at: Option<String>,
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

/// The parser of a limit: 1 to `max`.
fn limit(max: u64) -> clap::builder::RangedU64ValueParser {
    clap::value_parser!(u64).range(1..=max)
}

/// Limits that were passed on the command line; the others stay unchanged.
#[derive(Args)]
#[group(id = "limit_flags", multiple = true)]
struct LimitFlags {
    /// Requests per minute (default 100).
    #[arg(long, value_name = "N", value_parser = limit(1_000_000), allow_negative_numbers = true)]
    per_minute: Option<u64>,
    /// Requests per day, UTC (default 10,000).
    #[arg(long, value_name = "N", value_parser = limit(1_000_000_000), allow_negative_numbers = true)]
    per_day: Option<u64>,
    /// Points that one document may cost (default 1,000).
    #[arg(long, value_name = "N", value_parser = limit(1_000_000), allow_negative_numbers = true)]
    max_query_points: Option<u64>,
    /// Capacity of the bucket in points, also the number restored per minute (default 6,000).
    #[arg(long, value_name = "N", value_parser = limit(1_000_000_000), allow_negative_numbers = true)]
    points_per_minute: Option<u64>,
    /// Points per day, UTC (default 1,000,000).
    #[arg(long, value_name = "N", value_parser = limit(2_000_000_000), allow_negative_numbers = true)]
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

/// Parses a duration such as `30m`, `24h` or `7d`, and returns seconds.
fn parse_overlap(text: &str) -> Result<i64, String> {
    let overlap = humantime::parse_duration(text).map_err(|_| format!("{text:?} is not a time like 30m, 24h or 7d"))?;
    let seconds = i64::try_from(overlap.as_secs()).ok().filter(|seconds| *seconds <= MAX_OVERLAP);
    seconds.ok_or_else(|| "an overlap must be between 0 and 366 days".to_owned())
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
                    cap_milliunits: limits.units.unwrap_or(ledger::KEY_CAP_MILLIUNITS),
                };
                let (id, key) = auth::create_key(&db, &new, now).await?;
                show_once(&db, &id, &key).await?;
                warn(&id, limits.units);
            }
            Action::Rotate { id, overlap } => {
                let (new_id, key) = auth::rotate_key(&db, &id, overlap, now).await?;
                show_once(&db, &new_id, &key).await?;
                let old = keys::find(&db, &id).await?;
                let ends = old.expires_at.map_or_else(String::new, |at| format!(" until {}", format_time(at)));
                eprintln!("{id} works{ends}");
            }
            Action::Limit { id, limits } => {
                auth::change_limits(&db, &id, |before| limits.over(before), limits.units, now).await?;
                show(Format::TABLE, &db, &id, now).await?;
                warn(&id, limits.units);
            }
            Action::Usage { id, last, format } => {
                keys::find(&db, &id).await?;
                let days = usage::of_key(&db, &id, now, last).await?;
                print_usage(format, days)?;
            }
            Action::List(format) => print_keys(format, keys::list(&db).await?, now)?,
            Action::Show { id, format } => show(format, &db, &id, now).await?,
            Action::Revoke { id } => {
                auth::revoke_key(&db, &id, now).await?;
                say!("{id} is revoked");
            }
        }
        Ok(())
    }
}

fn print_keys(format: Format, keys: Vec<Key>, now: i64) -> anyhow::Result<()> {
    let row = |key: Key| KeyRow {
        state: state(&key, now),
        scopes: scopes(&key),
        last_used_at: key.last_used_at.map(format_time),
        environment: key.environment.name().to_owned(),
        id: key.key_id,
        partner: key.partner_id,
    };
    let rows: Vec<KeyRow> = keys.into_iter().map(row).collect();
    format.print(&rows, &["id", "partner", "env", "state", "scopes", "last used"], |key| {
        let [id, partner, env] = [&key.id, &key.partner, &key.environment].map(Clone::clone);
        vec![
            id,
            partner,
            env,
            key.state.to_owned(),
            key.scopes.join("|"),
            or_default(key.last_used_at.as_ref(), "never"),
        ]
    })
}

fn print_usage(format: Format, days: Vec<UsageDay>) -> anyhow::Result<()> {
    let row = |day: UsageDay| UsageRow {
        units: bundles::units(day.milliunits),
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

/// Prints a warning if a cap exceeds that of the published guarantee.
fn warn(id: &str, units: Option<i64>) {
    let subject = format!("key {id}");
    let warning = units.and_then(|cap| report::warning(&subject, Some(cap), ledger::KEY_CAP_MILLIUNITS, 30));
    if let Some(warning) = warning {
        eprintln!("{warning}");
    }
}

/// Prints a new key. If it cannot be printed, it is revoked, because it must not stay valid unseen.
async fn show_once(db: &DatabaseConnection, id: &str, key: &ApiKey) -> anyhow::Result<()> {
    if let Err(cause) = writeln!(std::io::stdout(), "{}", key.reveal()) {
        auth::revoke_key(db, id, SystemClock.now()).await?;
        return Err(anyhow::Error::new(cause).context("the key could not be shown and is revoked"));
    }
    eprintln!("{id}: shown once, stored as SHA-256 only");
    Ok(())
}

async fn show(format: Format, db: &DatabaseConnection, id: &str, now: i64) -> anyhow::Result<()> {
    let key = keys::find(db, id).await?;
    let budget = Budgets::new(db.clone()).of(&key.account, now).await.map_err(Error::into_anyhow)?;
    let events = audit::of_key(db, id).await?.into_iter().map(|event| Event {
        at: format_time(event.happened_at),
        action: event.action,
        detail: event.detail,
    });
    let shown = Shown {
        state: state(&key, now),
        scopes: scopes(&key),
        id: key.key_id,
        partner: key.partner_id,
        environment: key.environment.name().to_owned(),
        requests_per_minute: key.limits.per_minute,
        requests_per_day: key.limits.per_day,
        points_per_query: key.limits.max_query_points,
        points_per_minute: key.limits.points_per_minute,
        points_per_day: key.limits.points_per_day,
        units_in_30_days: bundles::units(budget.cap_milliunits),
        units_left: bundles::units(budget.left_milliunits()),
        created_at: format_time(key.created_at),
        expires_at: key.expires_at.map(format_time),
        revoked_at: key.revoked_at.map(format_time),
        last_used_at: key.last_used_at.map(format_time),
        followed_by: key.replaced_by,
        events: events.collect(),
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
        ("expires", or_default(key.expires_at.as_ref(), "never")),
        ("revoked", or_default(key.revoked_at.as_ref(), "never")),
        ("last used", or_default(key.last_used_at.as_ref(), "never")),
        ("followed by", or_default(key.followed_by.as_ref(), "none")),
    ];
    for (name, value) in lines {
        say!("{name:<18} {value}");
    }
    for event in &key.events {
        say!("{:<18} {} {}", event.at, event.action, event.detail);
    }
    Ok(())
}

fn or_default(text: Option<&String>, default: &str) -> String {
    text.map_or_else(|| default.to_owned(), Clone::clone)
}

fn scopes(key: &Key) -> Vec<String> {
    key.scopes.iter().map(|scope| scope.name().to_owned()).collect()
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
