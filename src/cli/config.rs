//! Settings. Each comes from a flag or an environment variable and from no other source.

use std::net::SocketAddr;

use anyhow::ensure;
use axum::http::HeaderValue;
use clap::{Args, ValueEnum};

use crate::storage::{db::DatabaseOptions, warehouse::Warehouse};

/// The format of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Plain text.
    Text,
    /// One JSON object per line, for programs.
    Json,
}

/// The engine that computes the sums of a release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum EngineKind {
    /// The database computes the sums.
    Sql,
    /// This process computes the sums from a copy of the newest epoch in memory.
    Memory,
}

impl EngineKind {
    /// The value of `ENGINE` that selects this engine.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sql => "sql",
            Self::Memory => "memory",
        }
    }
}

/// The database setting, shared by the subcommands.
#[derive(Args, Clone)]
pub struct Database {
    /// Database: `sqlite://FILE?mode=rwc` or `postgres://USER:PASSWORD@HOST/NAME`.
    #[arg(
        long,
        env = "DATABASE_URL",
        default_value = "sqlite://data/enrichment.db?mode=rwc",
        global = true,
        // A URL may contain a password, so `--help` must not print the value from the environment.
        hide_env_values = true,
        value_name = "URL"
    )]
    pub database_url: String,

    /// Maximum number of database connections of this process, 1 to 1,000; fewer if the server allows fewer.
    #[arg(
        long,
        env = "DB_MAX_CONNECTIONS",
        default_value_t = 16,
        global = true,
        value_name = "N",
        value_parser = clap::value_parser!(u32).range(1..=1_000)
    )]
    pub db_max_connections: u32,
}

impl Database {
    /// The options of the connection. With `create`, a missing SQLite file is created if the URL has `mode=rwc`.
    #[must_use]
    pub fn options(&self, create: bool) -> DatabaseOptions {
        DatabaseOptions { url: self.database_url.clone(), max_connections: self.db_max_connections, create }
    }
}

/// The warehouse setting, shared by the subcommands that need people or their sums.
#[derive(Args, Clone)]
pub struct WarehouseSettings {
    /// Warehouse for data that outgrows one machine, with one host per shard:
    /// `clickhouse://USER:PASSWORD@HOST:8123,HOST:8123/NAME?cluster=CLUSTER`. It has the tables of people, and
    /// `DATABASE_URL`, which must be PostgreSQL, has all others; absent = the database has all tables.
    #[arg(long, env = "WAREHOUSE_URL", global = true, hide_env_values = true, value_name = "URL")]
    pub warehouse_url: Option<String>,
}

impl WarehouseSettings {
    /// The warehouse, if there is one. Nothing is sent to it yet.
    ///
    /// # Errors
    /// The address is not valid, or the database is not PostgreSQL.
    pub fn connect(&self, database: &Database) -> anyhow::Result<Option<Warehouse>> {
        let Some(url) = self.warehouse_url.as_deref().filter(|url| !url.is_empty()) else { return Ok(None) };
        ensure!(
            !database.database_url.starts_with("sqlite:"),
            "WAREHOUSE_URL needs PostgreSQL as DATABASE_URL: keys, budgets and releases stay there"
        );
        Warehouse::new(url).map(Some)
    }

    /// The same, after a check that all shards have their tables.
    ///
    /// # Errors
    /// As [`WarehouseSettings::connect`] and [`Warehouse::require_ready`].
    pub async fn open(&self, database: &Database) -> anyhow::Result<Option<Warehouse>> {
        let warehouse = self.connect(database)?;
        if let Some(warehouse) = &warehouse {
            warehouse.require_ready().await?;
        }
        Ok(warehouse)
    }
}

/// The settings of `serve`.
#[derive(Args, Clone, Debug)]
pub struct Server {
    /// Address and port to listen on; port 0 selects a free port.
    #[arg(long, env = "LISTEN_ADDR", default_value = "127.0.0.1:8080", value_name = "ADDRESS:PORT")]
    pub listen_addr: SocketAddr,

    /// Answer introspection without a key (the schema is public, the data is not).
    #[arg(
        long,
        env = "PUBLIC_INTROSPECTION",
        value_name = "BOOL",
        default_value_t = false,
        num_args = 0..=1,
        default_missing_value = "true",
        action = clap::ArgAction::Set
    )]
    pub public_introspection: bool,

    /// Address of the metrics for Prometheus; empty = no metrics. Do not expose it to the public.
    #[arg(long, env = "METRICS_ADDR", default_value = "127.0.0.1:9090", value_name = "ADDRESS:PORT")]
    pub metrics_addr: String,

    /// Redis for limits that several servers share: `redis://[USER:PASSWORD@]HOST[:PORT]`, or `rediss://` with TLS;
    /// absent = limits per process.
    #[arg(long, env = "REDIS_URL", value_name = "URL", hide_env_values = true)]
    pub redis_url: Option<String>,

    /// Collector of traces (OTLP over HTTP), one span per request, such as `http://127.0.0.1:4318`; absent = none.
    #[arg(long, env = "OTEL_EXPORTER_OTLP_ENDPOINT", value_name = "URL", hide_env_values = true)]
    pub otel_exporter_otlp_endpoint: Option<String>,

    /// Engine of sums: `sql` = the database, `memory` = this process, from a copy of the newest epoch (up to 350 bytes
    /// per person).
    #[arg(long, env = "ENGINE", value_enum, default_value = "sql")]
    pub engine: EngineKind,

    /// Origins whose pages may read answers, comma-separated, such as `https://shop.example`.
    #[arg(long, env = "CORS_ORIGINS", value_name = "ORIGINS", value_delimiter = ',', value_parser = parse_origin)]
    pub cors_origins: Vec<HeaderValue>,

    /// Days for which rows of the request log are kept, 2 to 3,650.
    #[arg(
        long,
        env = "LOG_RETENTION_DAYS",
        value_name = "DAYS",
        default_value_t = 90,
        value_parser = clap::value_parser!(u16).range(2..=3_650)
    )]
    pub log_retention_days: u16,
}

fn parse_origin(text: &str) -> Result<HeaderValue, String> {
    if text.is_empty() {
        // `CORS_ORIGINS=` in an environment file means no origin; `serve` drops the empty value.
        return Ok(HeaderValue::from_static(""));
    }
    let wrong = || format!("{text:?} is not an origin like https://shop.example");
    let (scheme, host) = text.split_once("://").ok_or_else(wrong)?;
    let plain = !host.is_empty() && !host.contains(['/', '*', '@', '?', '#', ' ']);
    if !plain || !matches!(scheme, "http" | "https") {
        return Err(wrong());
    }
    HeaderValue::from_str(text).map_err(|_| wrong())
}

/// The settings of logging, shared by all subcommands.
#[derive(Args, Clone, Debug)]
pub struct Logging {
    /// Format of the log lines on standard error.
    #[arg(long, env = "LOG_FORMAT", default_value = "text", value_enum, global = true)]
    pub log_format: LogFormat,

    /// Least severe level that is logged: error, warn, info, debug or trace.
    #[arg(long, env = "LOG_LEVEL", default_value = "info", global = true, value_name = "LEVEL")]
    pub log_level: tracing::level_filters::LevelFilter,
}
