//! Opens the database of a URL. No part of a URL is ever printed, because any part of it may belong to a password that
//! was not encoded.

use std::{io, path::PathBuf, time::Duration};

use anyhow::{Context as _, anyhow, bail, ensure};
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};
use sea_orm::{
    ConnectOptions, ConnectionTrait as _, Database, DatabaseConnection, DbBackend, DbErr, RuntimeErr, Statement,
    sqlx::{
        self, ConnectOptions as _, Connection as _,
        postgres::{PgConnectOptions, PgConnection},
    },
};
use url::Url;

/// The timeout of a writer that waits for SQLite's single write lock.
pub const WRITE_LOCK_TIMEOUT: Duration = Duration::from_secs(10);
/// Time limit for a new connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Time limit of a request that waits for a free connection.
const QUEUE_TIMEOUT: Duration = Duration::from_secs(5);
/// The default of `DB_MAX_CONNECTIONS`.
const MAX_CONNECTIONS: u32 = 16;
/// Characters of a path that are encoded in an SQLite URL.
const ENCODED_IN_PATH: &AsciiSet = &CONTROLS.add(b' ').add(b'%').add(b'?').add(b'#');
/// Parameters of a PostgreSQL URL that the driver knows.
const POSTGRES_PARAMETERS: [&str; 18] = [
    "sslmode",
    "ssl-mode",
    "sslrootcert",
    "ssl-root-cert",
    "ssl-ca",
    "sslcert",
    "ssl-cert",
    "sslkey",
    "ssl-key",
    "statement-cache-capacity",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "application_name",
    "options",
];
/// Parameters of an SQLite URL, with their values.
const SQLITE_PARAMETERS: [(&str, &[&str]); 3] =
    [("mode", &["ro", "rw", "rwc", "memory"]), ("cache", &["private", "shared"]), ("immutable", &["true", "1"])];

/// The URL of an SQLite file that is created if it does not exist.
#[must_use]
pub fn sqlite_url(path: &std::path::Path) -> String {
    format!("sqlite://{}?mode=rwc", utf8_percent_encode(&path.to_string_lossy(), ENCODED_IN_PATH))
}

/// What a connection needs.
#[derive(Clone)]
pub struct DatabaseOptions {
    /// `sqlite://FILE?mode=rwc` or `postgres://USER:PASSWORD@HOST/NAME`.
    pub url: String,
    /// The maximum number of connections.
    pub max_connections: u32,
    /// Create a missing SQLite file if the URL has `mode=rwc`.
    pub create: bool,
}

/// Opens a database with the default number of connections, and creates it if its URL says so.
///
/// # Errors
/// As [`open`].
pub async fn connect(url: &str) -> anyhow::Result<DatabaseConnection> {
    open(&DatabaseOptions { url: url.to_owned(), max_connections: MAX_CONNECTIONS, create: true }).await
}

/// Opens a database. An SQLite file is created with its folder only if the URL has `mode=rwc` and the options allow it;
/// only its owner may read it.
///
/// # Errors
/// The URL is not valid, or the database cannot be opened. The error states the cause and a remedy, and contains no
/// part of the URL except for the path of an SQLite file.
pub async fn open(options: &DatabaseOptions) -> anyhow::Result<DatabaseConnection> {
    let url = &options.url;
    if url.starts_with("sqlite:") {
        open_sqlite(options).await
    } else if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        open_postgres(options).await
    } else {
        bail!("DATABASE_URL must begin with sqlite:// or postgres://");
    }
}

/// An SQLite URL: the path of its file, and its parameters.
struct SqliteUrl {
    /// `None` = in memory.
    path: Option<PathBuf>,
    parameters: Vec<(String, String)>,
}

impl SqliteUrl {
    fn parse(url: &str) -> anyhow::Result<Self> {
        let rest = url.trim_start_matches("sqlite:").trim_start_matches("//");
        let (file, query) = rest.split_once('?').unwrap_or((rest, ""));
        let decoded = percent_decode_str(file).decode_utf8();
        let file = decoded.context("the path in DATABASE_URL is not UTF-8")?.into_owned();
        let parameters: Vec<(String, String)> =
            form_urlencoded::parse(query.as_bytes()).map(|(name, value)| (name.into(), value.into())).collect();
        let is_known = |(name, value): &(String, String)| {
            SQLITE_PARAMETERS.iter().any(|(known, values)| known == name && values.contains(&value.as_str()))
        };
        ensure!(
            parameters.iter().all(is_known),
            "DATABASE_URL has a parameter that is not valid; valid are mode=ro, mode=rw, mode=rwc. A ? in a file name \
             must be written as %3F"
        );
        let is_in_memory = file == ":memory:" || parameters.contains(&("mode".to_owned(), "memory".to_owned()));
        ensure!(is_in_memory || !file.is_empty(), "DATABASE_URL names no file");
        Ok(Self { path: (!is_in_memory).then(|| file.into()), parameters })
    }

    /// The URL with an encoded path, as the driver needs it.
    fn normalized(&self) -> String {
        let Some(path) = &self.path else { return "sqlite::memory:".to_owned() };
        let path = path.to_string_lossy();
        let path = utf8_percent_encode(&path, ENCODED_IN_PATH);
        let parameters: Vec<String> = self.parameters.iter().map(|(name, value)| format!("{name}={value}")).collect();
        format!("sqlite://{path}?{}", parameters.join("&"))
    }

    fn has_mode(&self, mode: &str) -> bool {
        self.parameters.iter().any(|(name, value)| name == "mode" && value == mode)
    }
}

async fn open_sqlite(options: &DatabaseOptions) -> anyhow::Result<DatabaseConnection> {
    let url = SqliteUrl::parse(&options.url)?;
    if let Some(path) = &url.path {
        if !path.exists() {
            let hint = if options.create && !url.has_mode("rwc") {
                "add ?mode=rwc to DATABASE_URL to create it"
            } else {
                "`spots-enrichment import`, `migrate up` and `demo` create it"
            };
            ensure!(options.create && url.has_mode("rwc"), "there is no database {}: {hint}", path.display());
            create_file(path)?;
        }
        ensure!(path.is_file(), "{} is not a file", path.display());
    }
    let mut connect = ConnectOptions::new(url.normalized());
    connect
        .sqlx_logging(false)
        .connect_timeout(CONNECT_TIMEOUT)
        .acquire_timeout(QUEUE_TIMEOUT)
        // An in-memory SQLite database belongs to its connection: a second connection would open an empty one.
        .max_connections(if url.path.is_none() { 1 } else { options.max_connections })
        .map_sqlx_sqlite_opts(|options| {
            options
                // WAL, so that readers continue during a write; FULL, because a charge whose result was shown must
                // survive a power failure.
                .pragma("journal_mode", "WAL")
                .pragma("synchronous", "FULL")
                .pragma("cache_size", "-65536")
                .busy_timeout(WRITE_LOCK_TIMEOUT)
        });
    let shown =
        url.path.as_ref().map_or_else(|| "the database in memory".to_owned(), |path| path.display().to_string());
    Database::connect(connect).await.map_err(|cause| {
        let code = database_code(&cause).unwrap_or_default();
        anyhow!("cannot open {shown}: {}", sqlite_cause(&code))
    })
}

/// The cause of an SQLite error, by its code.
fn sqlite_cause(code: &str) -> &'static str {
    match code.parse::<u32>().map(|code| code & 0xff) {
        Ok(8) => "it is read-only; this program must be able to write to the file and to its folder",
        Ok(11 | 26) => "it is not an SQLite database, or it is damaged",
        Ok(13) => "the disk is full",
        Ok(5 | 6) => "another process has locked it",
        Ok(10) => "the disk cannot be read or written",
        _ => "this user may not read or write the file, or its folder does not allow to create files",
    }
}

/// Creates an empty file that only its owner may read, and its folder.
fn create_file(path: &std::path::Path) -> anyhow::Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot create the folder {}", folder.display()))?;
    }
    let mut file = std::fs::File::options();
    file.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut file, 0o600);
    match file.open(path) {
        // Another process created it in the meantime.
        Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        opened => opened.map(drop).with_context(|| format!("cannot create {}", path.display())),
    }
}

async fn open_postgres(options: &DatabaseOptions) -> anyhow::Result<DatabaseConnection> {
    let cannot = |reason: &str| anyhow!("cannot open the database of DATABASE_URL: {reason}");
    let cannot_because = |cause: &DbErr| match sqlx_error(cause) {
        Some(cause) => cannot(&postgres_cause(cause)),
        None => cannot("it does not answer"),
    };
    let postgres = postgres_options(&options.url)?;
    // The pool would retry for seconds and report a timeout: one connection tells the cause at once.
    let first = tokio::time::timeout(CONNECT_TIMEOUT, postgres.connect()).await;
    let mut first = first
        .map_err(|_| cannot("the server does not answer within 5 s; check host, port and firewall"))?
        .map_err(|cause| cannot(&postgres_cause(&cause)))?;
    let allowed = allowed_connections(&mut first).await.unwrap_or(u32::MAX).max(1);
    let _ = first.close().await;
    if allowed < options.max_connections {
        tracing::info!(allowed, "the database server allows fewer connections than DB_MAX_CONNECTIONS");
    }
    let mut connect = ConnectOptions::new(&options.url);
    connect
        .sqlx_logging(false)
        .connect_timeout(CONNECT_TIMEOUT)
        .acquire_timeout(QUEUE_TIMEOUT)
        .max_connections(options.max_connections.min(allowed));
    let db = Database::connect(connect).await.map_err(|cause| cannot_because(&cause))?;
    // The first connection prepared a statement too. A pooler in transaction mode mixes up the statements of both.
    warn_if_read_only(&db).await.map_err(|cause| cannot_because(&cause))?;
    Ok(db)
}

/// Parses a PostgreSQL URL.
///
/// # Errors
/// The URL is not valid. The error contains no part of it.
fn postgres_options(url: &str) -> anyhow::Result<PgConnectOptions> {
    let hint = "characters such as / ? # @ in a user name or password must be percent-encoded";
    let parsed = Url::parse(url);
    let parsed = parsed.map_err(|_| anyhow!("DATABASE_URL is not a valid URL: check its host and port; {hint}"))?;
    let is_known = |name: &str| POSTGRES_PARAMETERS.contains(&name) || name.starts_with("options[");
    ensure!(
        parsed.query_pairs().all(|(name, _)| is_known(&name)),
        "DATABASE_URL has a parameter that is not valid; valid are {}; {hint}",
        POSTGRES_PARAMETERS.join(", ")
    );
    ensure!(parsed.fragment().is_none(), "DATABASE_URL contains a #; {hint}");
    url.parse().map_err(|_| anyhow!("DATABASE_URL has a parameter with a value that is not valid; {hint}"))
}

/// The number of connections that the server allows this user and database, of which some may be in use.
async fn allowed_connections(connection: &mut PgConnection) -> Option<u32> {
    let limit: i64 = sqlx::query_scalar(
        "select least(
             (select case when rolconnlimit < 0 or rolsuper then 100000 else rolconnlimit end
              from pg_roles where rolname = current_user),
             (select case when datconnlimit < 0 then 100000 else datconnlimit end
              from pg_database where datname = current_database()),
             current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
         )::bigint",
    )
    .fetch_one(connection)
    .await
    .ok()?;
    u32::try_from(limit).ok()
}

async fn warn_if_read_only(db: &DatabaseConnection) -> Result<(), DbErr> {
    let statement =
        Statement::from_string(DbBackend::Postgres, "select current_setting('transaction_read_only') = 'on'");
    let row = db.query_one_raw(statement).await?;
    if row.is_some_and(|row| row.try_get_by_index(0).unwrap_or(false)) {
        tracing::warn!("the database is read-only, as on a replica: requests that must write will be UNAVAILABLE");
    }
    Ok(())
}

/// The cause of a failed connection, and its remedy.
fn postgres_cause(cause: &sqlx::Error) -> String {
    let text = match cause {
        sqlx::Error::Io(cause) => io_cause(cause),
        sqlx::Error::Tls(_) => {
            "the server does not support TLS, or its certificate is not trusted; see sslmode and sslrootcert"
        }
        sqlx::Error::Protocol(_) => "the server is not PostgreSQL",
        sqlx::Error::PoolTimedOut => "the server has no free connection; lower DB_MAX_CONNECTIONS or raise its limit",
        sqlx::Error::Database(cause) => match cause.code().as_deref().unwrap_or_default() {
            "28P01" => "the password is wrong, or there is no such user",
            "28000" => "the server does not allow this user to connect from here; see its pg_hba.conf",
            "3D000" => "there is no database of this name; create it with `createdb`",
            "42501" => "this user has no permission to connect to the database",
            "53300" => "the server has no free connection; lower DB_MAX_CONNECTIONS or raise its limit",
            "53100" => "the disk of the server is full",
            "26000" | "42P05" => {
                "a connection pooler in transaction mode mixes up prepared statements; use its session mode, or \
                 PgBouncer 1.21 or newer with max_prepared_statements"
            }
            "57P03" => "the server is starting or stopping; try again in a moment",
            code => return format!("the server refused the connection with the code {code}; its log says why"),
        },
        _ => "the connection failed",
    };
    text.to_owned()
}

fn io_cause(cause: &io::Error) -> &'static str {
    match cause.kind() {
        io::ErrorKind::ConnectionRefused => "no PostgreSQL server answers at its host and port; is it running?",
        io::ErrorKind::NotFound => "there is no PostgreSQL server at its socket; is it running?",
        io::ErrorKind::PermissionDenied => "this user may not open its socket or certificate",
        io::ErrorKind::TimedOut => "the server does not answer; check host, port and firewall",
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => "its host cannot be reached",
        io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset => "the server closed the connection",
        // The error of a failed name lookup has no kind of its own.
        _ if cause.to_string().contains("lookup") => "its host name is unknown",
        _ => "the connection failed",
    }
}

/// The error of the driver.
pub(super) fn sqlx_error(cause: &DbErr) -> Option<&sqlx::Error> {
    match cause {
        DbErr::Conn(RuntimeErr::SqlxError(cause))
        | DbErr::Exec(RuntimeErr::SqlxError(cause))
        | DbErr::Query(RuntimeErr::SqlxError(cause)) => Some(cause),
        _ => None,
    }
}

/// The code of an error of the database.
fn database_code(cause: &DbErr) -> Option<String> {
    match sqlx_error(cause)? {
        sqlx::Error::Database(cause) => cause.code().map(Into::into),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invalid_url_is_rejected_without_repeating_it() {
        for url in [
            "postgres://spots:4711?geheim@127.0.0.1:5432/spots",
            "postgres://spots@127.0.0.1:5432/spots?passwort=geheim",
            "postgres://spots:geh#eim@127.0.0.1/spots",
            "postgres://spots:a/geheim@127.0.0.1/spots",
            "postgres://spots@127.0.0.1/spots?sslmode=geheim",
            "postgres://spots@127.0.0.1/spots?port=geheim",
            "postgres://spots:geheim@[::1/spots",
        ] {
            let error = postgres_options(url).unwrap_err();
            assert!(!format!("{error:#}").contains("geheim") && !format!("{error:#}").contains("4711"), "{error:#}");
        }
    }

    #[test]
    fn hosts_paths_and_encoded_parts_are_accepted() {
        for url in [
            "postgres://spots:p%40ss@[::1]:5432/spots",
            "postgres://spots@%2Fvar%2Frun%2Fpostgresql/spots",
            "postgresql:///spots?host=/var/run/postgresql&options=-c%20search_path%3Dspots",
        ] {
            assert!(postgres_options(url).is_ok(), "{url}");
        }
        let path = |url: &str| SqliteUrl::parse(url).unwrap().path.unwrap();
        assert_eq!(path("sqlite://my%20data/z.db?mode=rwc"), PathBuf::from("my data/z.db"));
        assert_eq!(path("sqlite:my data/z.db"), PathBuf::from("my data/z.db"));
        assert_eq!(path("sqlite:///tmp/what%3F.db"), PathBuf::from("/tmp/what?.db"));
        assert!(SqliteUrl::parse("sqlite::memory:").unwrap().path.is_none());
        for url in ["sqlite://", "sqlite://a.db?mode=geheim", "sqlite://a.db?key=geheim"] {
            let error = SqliteUrl::parse(url).err().unwrap();
            assert!(!format!("{error:#}").contains("geheim"), "{error:#}");
        }
    }
}
