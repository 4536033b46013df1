//! `keys`: the API keys, their limits and their usage.

use chrono::NaiveDate;
use clap::{Args, Subcommand};
use sea_orm::DatabaseConnection;
use serde::Serialize;
use serde_json::json;

use super::{
    config::Database,
    key_output::{print_keys, print_usage, show},
    table::Format,
    units,
};
use crate::{
    domain::{
        clock::{Clock as _, DAY, SystemClock, format_time, midnight, parse_time},
        key::{Environment, Limits},
        page::MAX_USAGE_DAYS,
        scope::Scope,
    },
    gate::auth::{self, ApiKey, NewKey},
    privacy::{ledger, report},
    storage::{keys, usage},
};

/// Maximum overlap of a key and its successor, in seconds: 366 days.
const MAX_OVERLAP: i64 = 366 * DAY;

/// Create, list, show, rotate, limit or revoke API keys, and show their usage.
#[derive(Args)]
#[command(after_help = "\
Examples:
  keys create --partner acme --name recommender
  keys create --partner acme --scopes behavior --per-minute 20 --expires 2027-01-01
  keys create --partner acme --name ci --test       reads synthetic people, costs no units
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
        /// A name for people, such as the program that uses the key.
        #[arg(long, default_value = "", hide_default_value = true)]
        name: String,
        /// Execute only documents that were added with `documents add`.
        #[arg(long)]
        documents_only: bool,
        /// Read synthetic people with the same vocabulary: a test key costs no privacy units.
        #[arg(long)]
        test: bool,
        #[command(flatten)]
        format: Format,
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
        #[command(flatten)]
        format: Format,
    },
    /// Change the limits of a key; takes effect on every server within five seconds.
    #[command(mut_group("limit_flags", |group| group.required(true)))]
    Limit {
        id: String,
        #[command(flatten)]
        limits: LimitFlags,
        #[command(flatten)]
        format: Format,
    },
    /// Revoke a key; takes effect on every server within five seconds.
    Revoke {
        id: String,
        #[command(flatten)]
        format: Format,
    },
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

/// The output of `keys create` and `keys rotate`.
#[derive(Serialize)]
struct NewKeyRow<'a> {
    id: &'a str,
    key: &'a str,
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
            Action::Create { partner, scopes, limits, expires, env, name, documents_only, test, format } => {
                let new = NewKey {
                    partner_id: partner,
                    environment: env,
                    scopes,
                    limits: limits.over(Limits::DEFAULT),
                    expires_at: expires,
                    cap_microunits: limits.units.unwrap_or(ledger::KEY_CAP_MICROUNITS),
                    name,
                    documents_only,
                    test_mode: test,
                };
                let (id, key) = auth::create_key(&db, &new, now).await?;
                show_once(&db, &id, &key, format).await?;
                warn(&id, limits.units);
            }
            Action::Rotate { id, overlap, format } => {
                let (new_id, key) = auth::rotate_key(&db, &id, overlap, now).await?;
                show_once(&db, &new_id, &key, format).await?;
                let old = keys::find(&db, &id).await?;
                let ends = old.expires_at.map_or_else(String::new, |at| format!(" until {}", format_time(at)));
                eprintln!("{id} works{ends}");
            }
            Action::Limit { id, limits, format } => {
                auth::change_limits(&db, &id, |before| limits.over(before), limits.units, now).await?;
                show(format, &db, &id, now).await?;
                warn(&id, limits.units);
            }
            Action::Usage { id, last, format } => {
                keys::find(&db, &id).await?;
                let days = usage::of_key(&db, &id, now, last).await?;
                print_usage(format, days)?;
            }
            Action::List(format) => print_keys(format, keys::list(&db).await?, now)?,
            Action::Show { id, format } => show(format, &db, &id, now).await?,
            Action::Revoke { id, format } => {
                auth::revoke_key(&db, &id, now).await?;
                format.line(&json!({ "id": id, "revoked": true }), &format!("{id} is revoked"))?;
            }
        }
        Ok(())
    }
}

/// Prints a warning if a cap exceeds that of the published guarantee.
fn warn(id: &str, units: Option<i64>) {
    let subject = format!("key {id}");
    let warning = units.and_then(|cap| report::warning(&subject, Some(cap), ledger::KEY_CAP_MICROUNITS, 30));
    if let Some(warning) = warning {
        eprintln!("{warning}");
    }
}

/// Prints a new key. If it cannot be printed, it is revoked, because it must not stay valid unseen.
async fn show_once(db: &DatabaseConnection, id: &str, key: &ApiKey, format: Format) -> anyhow::Result<()> {
    let printed = format.show(&NewKeyRow { id, key: key.reveal() }, |row| {
        say!("{}", row.key);
        Ok(())
    });
    if let Err(cause) = printed {
        auth::revoke_key(db, id, SystemClock.now()).await?;
        return Err(cause.context("the key could not be shown and is revoked"));
    }
    eprintln!("{id}: shown once, stored as SHA-256 only");
    Ok(())
}
