//! The HTTP interface of ClickHouse.
//!
//! The crate `clickhouse` reads answers with formats that servers before 2023 lack; the version that Debian has is of
//! 2018.

use std::{fmt, time::Duration};

use http_body_util::{BodyExt as _, Full};
use hyper::{Request, StatusCode, body::Bytes};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client as HttpClient, connect::HttpConnector},
    rt::TokioExecutor,
};

use super::url::WarehouseUrl;
use crate::domain::error::Error;

/// The time limit of a connection attempt.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// The maximum length of a server's message in an error.
const MAX_MESSAGE: usize = 300;

/// Settings of every statement. A statement ends before its answer begins, so that a failure has an error status; an
/// insert into a distributed table ends when all shards have the rows; a shard that cannot be reached is an error.
const SETTINGS: &[(&str, &str)] = &[
    ("wait_end_of_query", "1"),
    ("insert_distributed_sync", "1"),
    ("skip_unavailable_shards", "0"),
    ("max_query_size", "268435456"),
    ("join_use_nulls", "0"),
];

/// Codes of ClickHouse for faults that pass or that the operator mends: too slow, too many statements, memory, network,
/// and a shard that no connection reaches.
const PASSING_CODES: [u32; 12] = [159, 160, 202, 203, 209, 210, 236, 241, 242, 243, 279, 394];

/// Why a statement failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WarehouseError {
    /// The server at this address could not be reached, or it closed the connection.
    Unreachable(String),
    /// The server at this address did not answer in time.
    Deadline(String),
    /// The server rejected the statement.
    Rejected {
        host: String,
        /// ClickHouse's code of the error; 0 = unknown.
        code: u32,
        /// The start of the server's message.
        message: String,
    },
    /// The answer is not as expected.
    Unexpected(&'static str),
}

impl WarehouseError {
    /// Whether the same statement may succeed later.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::Deadline(_) => true,
            Self::Rejected { code, .. } => PASSING_CODES.contains(code),
            Self::Unexpected(_) => false,
        }
    }
}

impl fmt::Display for WarehouseError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable(host) => {
                write!(formatter, "the warehouse at {host} cannot be reached: is the server running?")
            }
            Self::Deadline(host) => write!(formatter, "the warehouse at {host} did not answer in time"),
            Self::Rejected { host, code: 192..=194 | 516, .. } => {
                write!(formatter, "the warehouse at {host} does not know the user or the password of WAREHOUSE_URL")
            }
            Self::Rejected { host, code: 164 | 497, .. } => write!(
                formatter,
                "the user of WAREHOUSE_URL may not do this at {host}: import, migrate, epoch and agents need a user \
                 who may write"
            ),
            Self::Rejected { host, message, .. } => write!(formatter, "the warehouse at {host} failed: {message}"),
            Self::Unexpected(what) => write!(formatter, "unexpected answer of the warehouse: {what}"),
        }
    }
}

impl std::error::Error for WarehouseError {}

impl From<WarehouseError> for Error {
    fn from(cause: WarehouseError) -> Self {
        // The server's message can repeat parts of the statement, which has words of a partner's segment.
        if let WarehouseError::Rejected { host, code, .. } = &cause {
            tracing::error!(host, code, "the warehouse rejected a statement");
        } else {
            tracing::error!(%cause, "the warehouse is unavailable");
        }
        if cause.is_passing() { Self::Unavailable } else { Self::Internal }
    }
}

/// Sends statements.
pub(super) struct Client {
    http: HttpClient<HttpsConnector<HttpConnector>, Full<Bytes>>,
    pub url: WarehouseUrl,
}

impl Client {
    pub fn new(url: WarehouseUrl) -> Self {
        let mut tcp = HttpConnector::new();
        tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
        tcp.set_nodelay(true);
        tcp.enforce_http(false);
        let tls = HttpsConnectorBuilder::new().with_webpki_roots().https_or_http().enable_http1();
        // ClickHouse closes an idle connection after 3 s by default; a request on a closed one would fail.
        let mut client = HttpClient::builder(TokioExecutor::new());
        client.pool_timer(hyper_util::rt::TokioTimer::new()).pool_idle_timeout(Duration::from_secs(2));
        Self { http: client.build(tls.wrap_connector(tcp)), url }
    }

    /// Sends a statement to a host and returns its answer. With `rows`, they are the rows of an INSERT.
    pub async fn send(
        &self,
        host: usize,
        statement: &str,
        rows: Option<Vec<u8>>,
        settings: &[(&str, &str)],
        deadline: Duration,
    ) -> Result<String, WarehouseError> {
        let host = &self.url.hosts[host];
        let request = self.request(host, statement, rows, settings)?;
        let unreachable = || WarehouseError::Unreachable(host.clone());
        let exchange = async {
            let answer = self.http.request(request).await.map_err(|_| unreachable())?;
            let status = answer.status();
            let bytes = answer.into_body().collect().await.map_err(|_| unreachable())?.to_bytes();
            Ok((status, String::from_utf8_lossy(&bytes).into_owned()))
        };
        // A server that is frozen does not keep to its own time limits either.
        let answer = tokio::time::timeout(deadline, exchange).await;
        let (status, text) = answer.map_err(|_| WarehouseError::Deadline(host.clone()))??;
        if status == StatusCode::OK { Ok(text) } else { Err(rejected(host, &text)) }
    }
}

impl Client {
    fn request(
        &self,
        host: &str,
        statement: &str,
        rows: Option<Vec<u8>>,
        settings: &[(&str, &str)],
    ) -> Result<Request<Full<Bytes>>, WarehouseError> {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(SETTINGS).extend_pairs(settings);
        let body = match rows {
            Some(rows) => {
                query.append_pair("query", statement);
                rows
            }
            None => statement.as_bytes().to_vec(),
        };
        let scheme = if self.url.tls { "https" } else { "http" };
        Request::post(format!("{scheme}://{host}/?{}", query.finish()))
            .header("X-ClickHouse-User", header(&self.url.user)?)
            .header("X-ClickHouse-Key", header(&self.url.password)?)
            .body(Full::new(Bytes::from(body)))
            .map_err(|_| WarehouseError::Unexpected("a host of WAREHOUSE_URL is not valid"))
    }
}

fn header(value: &str) -> Result<hyper::header::HeaderValue, WarehouseError> {
    let mut value = hyper::header::HeaderValue::from_bytes(value.as_bytes())
        .map_err(|_| WarehouseError::Unexpected("the user or password of WAREHOUSE_URL has a control character"))?;
    value.set_sensitive(true);
    Ok(value)
}

/// Parses a message like `Code: 60, e.displayText() = DB::Exception: Table x doesn't exist.` or `Code: 60. DB::...`.
fn rejected(host: &str, text: &str) -> WarehouseError {
    let code = text.split_once("Code: ").map_or("", |(_, rest)| rest);
    let digits = code.find(|other: char| !other.is_ascii_digit()).unwrap_or(code.len());
    let message = text.split_once("DB::Exception: ").map_or(text, |(_, rest)| rest).trim();
    WarehouseError::Rejected {
        host: host.to_owned(),
        code: code[..digits].parse().unwrap_or(0),
        message: message[..message.floor_char_boundary(MAX_MESSAGE)].to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_of_old_and_new_servers_have_codes() {
        for text in ["Code: 279, e.displayText() = DB::Exception: All", "Code: 279. DB::Exception: All"] {
            let error = rejected("one:8123", text);
            assert!(error.is_passing());
            assert_eq!(error.to_string(), "the warehouse at one:8123 failed: All");
        }
        assert!(!rejected("one:8123", "Code: 62. DB::Exception: Syntax").is_passing());
        assert!(!rejected("one:8123", "no code").is_passing());
    }
}
