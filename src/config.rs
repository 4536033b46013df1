//! Settings: a flag or the environment, never anything else.

use std::net::SocketAddr;

use axum::http::HeaderValue;
use clap::{Args, ValueEnum};

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line, for machines.
    Json,
}

/// Who adds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum EngineKind {
    /// The database.
    Sql,
    /// This process, which holds the newest epoch in memory.
    Memory,
}

impl EngineKind {
    /// As `ENGINE` names it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sql => "sql",
            Self::Memory => "memory",
        }
    }
}

/// Where the data is.
#[derive(Args, Clone)]
pub struct Database {
    /// Database: `sqlite://FILE?mode=rwc` or `postgres://USER:PASSWORD@HOST/NAME`.
    #[arg(
        long,
        env = "DATABASE_URL",
        default_value = "sqlite://data/enrichment.db?mode=rwc",
        global = true,
        // A URL may hold a password: `--help` must not print what the environment says.
        hide_env_values = true,
        value_name = "URL"
    )]
    pub database_url: String,
}

/// How the server is reached.
#[derive(Args, Clone, Debug)]
pub struct Server {
    /// Address and port to listen on; port 0 takes a free one.
    #[arg(long, env = "LISTEN_ADDR", default_value = "127.0.0.1:8080", value_name = "ADDRESS:PORT")]
    pub listen_addr: SocketAddr,

    /// Answer introspection without a key (the schema is no secret, the data is).
    #[arg(long, env = "PUBLIC_INTROSPECTION", value_name = "BOOL", default_value_t = false, num_args = 0..=1, default_missing_value = "true", action = clap::ArgAction::Set)]
    pub public_introspection: bool,

    /// Where metrics are served, as Prometheus reads them; empty = nowhere. Not for the public.
    #[arg(long, env = "METRICS_ADDR", default_value = "127.0.0.1:9090", value_name = "ADDRESS:PORT")]
    pub metrics_addr: String,

    /// Redis where several servers share limits: `redis://[:PASSWORD@]HOST[:PORT]`; absent = limits are kept in process.
    #[arg(long, env = "REDIS_URL", value_name = "URL", hide_env_values = true)]
    pub redis_url: Option<String>,

    /// Where traces are sent, one span a request: a collector that takes OTLP over HTTP, such as `http://127.0.0.1:4318`.
    #[arg(long, env = "OTEL_EXPORTER_OTLP_ENDPOINT", value_name = "URL", hide_env_values = true)]
    pub otel_exporter_otlp_endpoint: Option<String>,

    /// Who sums: `sql` = the database, `memory` = this process, which holds the newest epoch (up to 350 bytes a person).
    #[arg(long, env = "ENGINE", value_enum, default_value = "sql")]
    pub engine: EngineKind,

    /// Origins whose pages may read answers, separated by commas, such as `https://shop.example`.
    #[arg(long, env = "CORS_ORIGINS", value_name = "ORIGINS", value_delimiter = ',', value_parser = parse_origin)]
    pub cors_origins: Vec<HeaderValue>,

    /// Days that rows of the request log are kept, 2 to 3,650.
    #[arg(long, env = "LOG_RETENTION_DAYS", value_name = "DAYS", default_value_t = 90, value_parser = clap::value_parser!(u16).range(2..=3_650))]
    pub log_retention_days: u16,
}

fn parse_origin(text: &str) -> Result<HeaderValue, String> {
    if text.is_empty() {
        // `CORS_ORIGINS=` is how a file of settings says none; dropped by `serve`.
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

/// How the program speaks of what it does.
#[derive(Args, Clone, Debug)]
pub struct Logging {
    /// Format of the log lines on standard error.
    #[arg(long, env = "LOG_FORMAT", default_value = "text", value_enum, global = true)]
    pub log_format: LogFormat,

    /// Which log lines: error, warn, info, debug or trace.
    #[arg(long, env = "LOG_LEVEL", default_value = "info", global = true, value_name = "LEVEL")]
    pub log_level: tracing::level_filters::LevelFilter,
}
