//! Request log: one row per request, whatever its outcome. Writing rows never delays a request.
//!
//! The outermost layer creates an [`Entry`], the inner layers fill it, and it is sent when the layer ends, also when
//! the client has disconnected and the request was dropped before it finished.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{
    extract::{MatchedPath, Request, State as AxumState},
    http::{HeaderValue, StatusCode},
    middleware::Next,
    response::Response,
};
use sea_orm::{
    ActiveValue::Set,
    DatabaseConnection, EntityTrait, ExprTrait, QueryFilter, QuerySelect, QueryTrait,
    sea_query::{Alias, Expr, OnConflict},
};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinHandle,
};
use tracing::Instrument as _;

use crate::{
    auth::random_hex,
    clock::DAY,
    db,
    entity::{
        api_key, api_request_log,
        api_usage_day::{self, Column},
    },
    state::State,
    trace::{Origin, Traces},
};

/// Maximum number of rows waiting to be written. Further rows are counted and dropped.
const QUEUE: usize = 10_000;
/// Maximum number of rows in one insert.
const BATCH: usize = 500;
/// Maximum time for which rows are collected before they are written, and the pause between two attempts to write.
const PATIENCE: Duration = Duration::from_secs(1);
/// Number of attempts to insert a batch before its rows are inserted one by one. With one second between attempts this
/// takes longer than an import holds the write lock.
const ATTEMPTS: usize = 30;
/// Maximum number of rows written per second for requests that were charged nothing (no key, or over a limit). Further
/// ones are counted and dropped, because a client without a key could fill the disk otherwise.
const UNPAID_A_SECOND: u64 = 100;
/// Name of the counter of rows that were not written.
const DROPPED: &str = "spots_log_rows_dropped_total";
/// Status in the log of a request whose client disconnected before the response (the number that nginx uses).
const CLIENT_GONE: i32 = 499;

/// The log entry of a request, filled while the request is processed.
#[derive(Clone, Debug)]
pub struct Entry {
    pub received_at_ms: i64,
    pub request_id: String,
    pub key_id: Option<String>,
    pub partner_id: Option<String>,
    pub operation_name: Option<String>,
    /// SHA-256 of the document, in hexadecimal digits. The text is never stored.
    pub document_hash: Option<String>,
    pub error_code: Option<String>,
    pub units_mu: i64,
    /// Whether the limits on requests and points admitted the request.
    pub admitted: bool,
    pub points_requested: u64,
    pub points: u64,
    pub status: i32,
    pub processing_us: i64,
}

/// Handle to the log entry of the current request, for the inner layers.
#[derive(Clone)]
pub struct Open(Arc<Mutex<Entry>>);

impl Open {
    /// Changes the entry.
    pub fn note(&self, change: impl FnOnce(&mut Entry)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Returns a guard that records the charged units and the points of the started fields when the request ends.
    #[must_use]
    pub fn counts_when_dropped(&self, paid_mu: &Arc<AtomicI64>, begun: &Arc<AtomicU64>) -> Counting {
        Counting { open: self.clone(), paid_mu: Arc::clone(paid_mu), begun: Arc::clone(begun) }
    }

    /// Returns the id of the request.
    #[must_use]
    pub fn request_id(&self) -> String {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).request_id.clone()
    }
}

/// Guard that records what the request has used when it is dropped: after the response, after a timeout, or after the
/// client has disconnected.
pub struct Counting {
    open: Open,
    paid_mu: Arc<AtomicI64>,
    begun: Arc<AtomicU64>,
}

impl Drop for Counting {
    fn drop(&mut self) {
        let (paid_mu, begun) = (self.paid_mu.load(Ordering::Relaxed), self.begun.load(Ordering::Relaxed));
        self.open.note(|entry| (entry.units_mu, entry.points) = (paid_mu, begun));
    }
}

/// Guard that sends the entry to the writer when it is dropped.
struct OnDrop {
    open: Open,
    started: Instant,
    writer: LogWriter,
    /// `None` if tracing is disabled.
    origin: Option<Origin>,
}

impl Drop for OnDrop {
    fn drop(&mut self) {
        let mut entry = self.open.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let elapsed = self.started.elapsed();
        entry.processing_us = i64::try_from(elapsed.as_micros()).unwrap_or(i64::MAX);
        let code = entry.error_code.clone().unwrap_or_default();
        metrics::counter!("spots_requests_total", "status" => entry.status.to_string(), "code" => code).increment(1);
        metrics::histogram!("spots_request_seconds").record(elapsed.as_secs_f64());
        if let (Some(traces), Some(origin)) = (&self.writer.traces, &self.origin) {
            traces.record(&entry, origin);
        }
        self.writer.send(entry);
    }
}

/// The outermost layer. Creates the entry of the request and sets the response header `x-request-id`.
pub async fn layer(AxumState(state): AxumState<State>, mut request: Request, next: Next) -> Response {
    let entry = Entry {
        received_at_ms: state.clock.now_ms(),
        request_id: request_id(&request),
        key_id: None,
        partner_id: None,
        operation_name: None,
        document_hash: None,
        error_code: None,
        units_mu: 0,
        admitted: false,
        points_requested: 0,
        points: 0,
        status: CLIENT_GONE,
        processing_us: 0,
    };
    let open = Open(Arc::new(Mutex::new(entry)));
    let request_id = open.request_id();
    let origin = state.log.traces.as_ref().map(|_| {
        let route = request.extensions().get::<MatchedPath>().map_or("(none)", MatchedPath::as_str);
        Origin::read(request.headers(), format!("{} {route}", request.method()))
    });
    let on_drop = OnDrop { open: open.clone(), started: Instant::now(), writer: state.log.clone(), origin };
    request.extensions_mut().insert(open);
    let span = tracing::info_span!("request", id = %request_id);
    let mut response = next.run(request).instrument(span).await;
    on_drop.open.note(|entry| entry.status = i32::from(response.status().as_u16()));
    if let Ok(value) = HeaderValue::from_str(&request_id) {
        response.headers_mut().insert("x-request-id", value);
    }
    response
}

/// The value of the request header `x-request-id` if it consists of 1 to 64 ASCII letters, digits, `-`, `_` and `.`;
/// otherwise a new id.
fn request_id(request: &Request) -> String {
    let plain = |id: &&str| {
        (1..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    };
    let given = request.headers().get("x-request-id").and_then(|value| value.to_str().ok()).filter(plain);
    // The row is written even if the operating system provides no randomness.
    given.map_or_else(|| random_hex(8).unwrap_or_else(|_| "unknown".to_owned()), str::to_owned)
}

enum Message {
    Row(Entry),
    /// Write the waiting rows, then confirm.
    Flush(oneshot::Sender<()>),
}

/// Sends rows to the writer task.
#[derive(Clone)]
pub struct LogWriter {
    sender: mpsc::Sender<Message>,
    dropped: Arc<AtomicU64>,
    /// The current second, and the number of rows in it of requests that were charged nothing.
    unpaid: Arc<Mutex<(i64, u64)>>,
    traces: Option<Arc<Traces>>,
}

impl LogWriter {
    /// Starts the writer task. It ends when all writers are dropped.
    #[must_use]
    pub fn start(db: DatabaseConnection) -> (Self, JoinHandle<()>) {
        let (sender, receiver) = mpsc::channel(QUEUE);
        let dropped = Arc::new(AtomicU64::new(0));
        let task = tokio::spawn(write(db, receiver, Arc::clone(&dropped)));
        (Self { sender, dropped, unpaid: Arc::default(), traces: None }, task)
    }

    /// Returns this writer with tracing: if `traces` is given, each request is also recorded as a span.
    #[must_use]
    pub fn and_trace(self, traces: Option<Arc<Traces>>) -> Self {
        Self { traces, ..self }
    }

    fn send(&self, entry: Entry) {
        let unpaid = entry.key_id.is_none() || entry.status == i32::from(StatusCode::TOO_MANY_REQUESTS.as_u16());
        if unpaid && self.too_many_unpaid(entry.received_at_ms / 1000) {
            metrics::counter!(DROPPED).increment(1);
            return;
        }
        if self.sender.try_send(Message::Row(entry)).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
            metrics::counter!(DROPPED).increment(1);
        }
    }

    fn too_many_unpaid(&self, second: i64) -> bool {
        let mut unpaid = self.unpaid.lock().unwrap_or_else(PoisonError::into_inner);
        if unpaid.0 != second {
            *unpaid = (second, 0);
        }
        unpaid.1 += 1;
        unpaid.1 > UNPAID_A_SECOND
    }

    /// Waits until all rows sent so far are written.
    pub async fn flush(&self) {
        let (sender, receiver) = oneshot::channel();
        if self.sender.send(Message::Flush(sender)).await.is_ok() {
            let _ = receiver.await;
        }
    }
}

async fn write(db: DatabaseConnection, mut receiver: mpsc::Receiver<Message>, dropped: Arc<AtomicU64>) {
    let mut open = true;
    let mut last_used = LastUsed::default();
    while open {
        let mut rows = Vec::new();
        let mut waiting = Vec::new();
        // Waits for a row, then collects more rows for at most a second.
        let mut next = receiver.recv().await;
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            match next {
                Some(Message::Row(entry)) => rows.push(entry),
                Some(Message::Flush(sender)) => {
                    waiting.push(sender);
                    break;
                }
                None => {
                    open = false;
                    break;
                }
            }
            if rows.len() >= BATCH {
                break;
            }
            match tokio::time::timeout_at(deadline, receiver.recv()).await {
                Ok(message) => next = message,
                Err(_) => break,
            }
        }
        if !rows.is_empty() {
            last_used.note(&db, &rows).await;
            insert_or_retry(&db, rows).await;
        }
        let lost = dropped.swap(0, Ordering::Relaxed);
        if lost > 0 {
            tracing::warn!(lost, "request log rows were dropped: the queue is full because the database is slow");
        }
        for sender in waiting {
            let _ = sender.send(());
        }
    }
}

/// Retries while the database is locked or unavailable, then inserts row by row, so that one bad row does not affect
/// the others.
async fn insert_or_retry(db: &DatabaseConnection, rows: Vec<Entry>) {
    for _ in 0..ATTEMPTS {
        if insert(db, &rows).await.is_ok() {
            return;
        }
        tokio::time::sleep(PATIENCE).await;
    }
    for row in rows {
        if let Err(cause) = insert(db, &[row]).await {
            metrics::counter!(DROPPED).increment(1);
            tracing::error!(%cause, "cannot write a request log row");
        }
    }
}

/// Inserts rows and adds them to the daily totals, in one transaction.
async fn insert(db: &DatabaseConnection, entries: &[Entry]) -> Result<(), sea_orm::DbErr> {
    let transaction = db::begin_write(db).await?;
    let rows = entries.iter().cloned().map(|entry| api_request_log::ActiveModel {
        received_at_ms: Set(entry.received_at_ms),
        request_id: Set(entry.request_id),
        key_id: Set(entry.key_id),
        partner_id: Set(entry.partner_id),
        operation_name: Set(entry.operation_name),
        document_hash: Set(entry.document_hash),
        status: Set(entry.status),
        error_code: Set(entry.error_code),
        units_mu: Set(entry.units_mu),
        processing_us: Set(entry.processing_us),
        admitted: Set(entry.admitted),
        points_requested: Set(i64::try_from(entry.points_requested).unwrap_or(i64::MAX)),
        points: Set(i64::try_from(entry.points).unwrap_or(i64::MAX)),
        ..Default::default()
    });
    api_request_log::Entity::insert_many(rows).exec_without_returning(&transaction).await?;
    let days = add_up(entries);
    if !days.is_empty() {
        let column = |name| Expr::col((api_usage_day::Entity, name)).add(Expr::col((Alias::new("excluded"), name)));
        let more = OnConflict::columns([Column::KeyId, Column::Day, Column::ErrorCode])
            .values(
                [Column::Requests, Column::Admitted, Column::Points, Column::UnitsMu].map(|name| (name, column(name))),
            )
            .to_owned();
        let days = days.into_iter().map(sea_orm::IntoActiveModel::into_active_model);
        api_usage_day::Entity::insert_many(days).on_conflict(more).exec_without_returning(&transaction).await?;
    }
    transaction.commit().await
}

/// Totals of the rows that have a key, by key, UTC day and first error code.
fn add_up(entries: &[Entry]) -> Vec<api_usage_day::Model> {
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
            units_mu: 0,
        });
        sum.requests += 1;
        sum.admitted += i64::from(entry.admitted);
        sum.points += i64::try_from(entry.points).unwrap_or(i64::MAX);
        sum.units_mu += entry.units_mu;
    }
    days.into_values().collect()
}

/// When each key was last used, in whole minutes. Written at most once per minute and key.
#[derive(Default)]
struct LastUsed(HashMap<String, i64>);

impl LastUsed {
    async fn note(&mut self, db: &DatabaseConnection, rows: &[Entry]) {
        for row in rows {
            let minute = row.received_at_ms / 60_000 * 60;
            let Some(key_id) = &row.key_id else { continue };
            if self.0.get(key_id).is_some_and(|known| *known >= minute) {
                continue;
            }
            let update = api_key::Entity::update_many()
                .col_expr(api_key::Column::LastUsedAt, Expr::value(minute))
                .filter(api_key::COLUMN.key_id.eq(key_id));
            match update.exec(db).await {
                Ok(_) => {
                    self.0.insert(key_id.clone(), minute);
                }
                // The next request with the key tries again.
                Err(cause) => tracing::warn!(%cause, "cannot store when a key was last used"),
            }
        }
    }
}

/// Deletes the rows of requests received before `before_ms`, 5,000 rows per statement so that other writers do not wait
/// for long. Returns the number of deleted rows.
pub async fn forget_before(db: &DatabaseConnection, before_ms: i64) -> Result<u64, sea_orm::DbErr> {
    let mut forgotten = 0;
    loop {
        let oldest = api_request_log::Entity::find()
            .select_only()
            .column(api_request_log::Column::LogId)
            .filter(api_request_log::COLUMN.received_at_ms.lt(before_ms))
            .limit(5_000)
            .into_query();
        let deleted = api_request_log::Entity::delete_many()
            .filter(Expr::col(api_request_log::Column::LogId).in_subquery(oldest))
            .exec(db)
            .await?
            .rows_affected;
        forgotten += deleted;
        if deleted == 0 {
            return Ok(forgotten);
        }
    }
}
