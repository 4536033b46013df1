//! `keys`: who may ask.

use std::io::Write as _;

use anyhow::{Context as _, bail};
use chrono::NaiveDate;
use clap::{Args, Subcommand};
use sea_orm::{ActiveModelTrait as _, ActiveValue::Set, EntityTrait, IntoActiveModel as _, QueryOrder};

use crate::{
    auth::{self, Environment, NewKey, Scope},
    clock::{Clock as _, SystemClock, format_time, midnight, parse_time},
    config::Database,
    entity::api_key,
    privacy::ledger,
};

/// Create, list, show or revoke API keys.
#[derive(Args)]
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
        /// Requests in a minute.
        #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1_000_000), allow_negative_numbers = true)]
        per_minute: u32,
        /// Requests in a day.
        #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000_000), allow_negative_numbers = true)]
        per_day: u32,
        /// When it ends: a date or an RFC 3339 time; default: never.
        #[arg(long, value_name = "WHEN", value_parser = parse_expiry)]
        expires: Option<i64>,
        /// A word in the key that says where it is used.
        #[arg(long, value_enum, default_value = "live")]
        env: Environment,
    },
    /// List all keys.
    List,
    /// Show one key.
    Show { id: String },
    /// End a key at once.
    Revoke { id: String },
}

fn parse_expiry(text: &str) -> Result<i64, String> {
    text.parse::<NaiveDate>().map(midnight).or_else(|_| parse_time(text))
}

impl Keys {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let db = super::open(&self.database).await?;
        let now = SystemClock.now();
        match self.action {
            Action::Create { partner, scopes, per_minute, per_day, expires, env } => {
                let new = NewKey {
                    partner_id: partner,
                    environment: env,
                    scopes,
                    per_minute,
                    per_day,
                    expires_at: expires,
                    cap_mu: ledger::KEY_CAP_MU,
                };
                let (id, key) = auth::create_key(&db, &new, now).await?;
                if let Err(cause) = writeln!(std::io::stdout(), "{}", key.reveal()) {
                    // A key that nobody has seen must not be left to work.
                    revoke(&db, find(&db, &id).await?, now).await?;
                    return Err(anyhow::Error::new(cause).context("the key could not be shown and is revoked"));
                }
                eprintln!("{id}: shown once, stored as SHA-256 only");
            }
            Action::List => {
                let keys = api_key::Entity::find().order_by_asc(api_key::COLUMN.created_at).all(&db).await?;
                let rows: Vec<Vec<String>> = keys
                    .into_iter()
                    .map(|key| {
                        let state = state(&key, now);
                        let limits = [key.per_minute, key.per_day].map(|limit| limit.to_string());
                        let [minute, day] = limits;
                        vec![key.key_id, key.partner_id, key.environment, state, key.scopes, minute, day]
                    })
                    .collect();
                super::table::print(&["id", "partner", "env", "state", "scopes", "per minute", "per day"], &rows)?;
            }
            Action::Show { id } => {
                let key = find(&db, &id).await?;
                let never = || "never".to_owned();
                let lines = [
                    ("id", key.key_id.clone()),
                    ("partner", key.partner_id.clone()),
                    ("environment", key.environment.clone()),
                    ("state", state(&key, now)),
                    ("scopes", key.scopes.clone()),
                    ("requests a minute", key.per_minute.to_string()),
                    ("requests a day", key.per_day.to_string()),
                    ("created", format_time(key.created_at)),
                    ("expires", key.expires_at.map_or_else(never, format_time)),
                    ("revoked", key.revoked_at.map_or_else(never, format_time)),
                ];
                for (name, value) in lines {
                    say!("{name:<18} {value}");
                }
            }
            Action::Revoke { id } => {
                let key = find(&db, &id).await?;
                if key.revoked_at.is_some() {
                    bail!("{id} was revoked before");
                }
                revoke(&db, key, now).await?;
                say!("{id} is revoked");
            }
        }
        Ok(())
    }
}

async fn find(db: &sea_orm::DatabaseConnection, id: &str) -> anyhow::Result<api_key::Model> {
    let key = api_key::Entity::find_by_id(id).one(db).await?;
    // Whoever pastes the key itself must not find it repeated in a terminal's scrollback or a log.
    key.context("there is no key of that id: `keys list` shows them (the id begins with `key_`)")
}

async fn revoke(db: &sea_orm::DatabaseConnection, key: api_key::Model, now: i64) -> anyhow::Result<()> {
    let mut key = key.into_active_model();
    key.revoked_at = Set(Some(now));
    key.update(db).await?;
    Ok(())
}

fn state(key: &api_key::Model, now: i64) -> String {
    match key {
        key if key.revoked_at.is_some() => "revoked",
        key if key.expires_at.is_some_and(|at| at <= now) => "expired",
        _ => "active",
    }
    .to_owned()
}
