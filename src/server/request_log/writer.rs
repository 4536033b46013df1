//! The task that writes rows to the database. It never delays a request.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::http::StatusCode;
use parking_lot::Mutex;
use sea_orm::DatabaseConnection;
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinHandle,
};

use super::{
    entry::Entry,
    usage::{self, LastUsed},
};

/// Maximum number of rows waiting to be written. Further rows are counted and dropped.
const QUEUE_CAPACITY: usize = 10_000;
/// Maximum number of rows in one insert.
const MAX_BATCH: usize = 500;
/// Maximum time for which rows are collected before they are written, and the pause between two attempts to write.
const WRITE_INTERVAL: Duration = Duration::from_secs(1);
/// Number of attempts to insert a batch before its rows are inserted one by one. With one second between attempts this
/// takes longer than an import holds the write lock.
const MAX_ATTEMPTS: usize = 30;
/// Maximum number of rows written per second for requests that were charged nothing (no key, or over a limit). Further
/// ones are counted and dropped, because a client without a key could fill the disk otherwise.
const MAX_UNCHARGED_ROWS_PER_SECOND: u64 = 100;
/// Name of the counter of rows that were not written.
const DROPPED_ROWS: &str = "spots_log_rows_dropped_total";

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
    uncharged: Arc<Mutex<(i64, u64)>>,
}

impl LogWriter {
    /// Starts the writer task. It ends when all writers are dropped.
    #[must_use]
    pub fn start(db: DatabaseConnection) -> (Self, JoinHandle<()>) {
        let (sender, receiver) = mpsc::channel(QUEUE_CAPACITY);
        let dropped = Arc::new(AtomicU64::new(0));
        let task = tokio::spawn(write(db, receiver, Arc::clone(&dropped)));
        (Self { sender, dropped, uncharged: Arc::default() }, task)
    }

    /// Queues a row, or drops and counts it if the queue is full.
    pub(super) fn send(&self, entry: Entry) {
        let uncharged = entry.key_id.is_none() || entry.status == i32::from(StatusCode::TOO_MANY_REQUESTS.as_u16());
        if uncharged && self.count_uncharged(entry.received_at_ms / 1000) {
            metrics::counter!(DROPPED_ROWS).increment(1);
            return;
        }
        if self.sender.try_send(Message::Row(entry)).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
            metrics::counter!(DROPPED_ROWS).increment(1);
        }
    }

    /// Counts a row of a request that was charged nothing. Returns whether there are too many in this second.
    fn count_uncharged(&self, second: i64) -> bool {
        let mut uncharged = self.uncharged.lock();
        if uncharged.0 != second {
            *uncharged = (second, 0);
        }
        uncharged.1 += 1;
        uncharged.1 > MAX_UNCHARGED_ROWS_PER_SECOND
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
    let mut is_open = true;
    let mut last_used = LastUsed::default();
    while is_open {
        let mut rows = Vec::new();
        let mut flushes = Vec::new();
        // Waits for a row, then collects more rows for at most a second.
        let mut next = receiver.recv().await;
        let deadline = tokio::time::Instant::now() + WRITE_INTERVAL;
        loop {
            match next {
                Some(Message::Row(entry)) => rows.push(entry),
                Some(Message::Flush(sender)) => {
                    flushes.push(sender);
                    break;
                }
                None => {
                    is_open = false;
                    break;
                }
            }
            if rows.len() >= MAX_BATCH {
                break;
            }
            match tokio::time::timeout_at(deadline, receiver.recv()).await {
                Ok(message) => next = message,
                Err(_) => break,
            }
        }
        if !rows.is_empty() {
            last_used.store(&db, &rows).await;
            insert_or_retry(&db, rows).await;
        }
        let lost = dropped.swap(0, Ordering::Relaxed);
        if lost > 0 {
            tracing::warn!(lost, "request log rows were dropped: the queue is full because the database is slow");
        }
        for sender in flushes {
            let _ = sender.send(());
        }
    }
}

/// Retries while the database is locked or unavailable, then inserts row by row, so that one bad row does not affect
/// the others.
async fn insert_or_retry(db: &DatabaseConnection, rows: Vec<Entry>) {
    for _ in 0..MAX_ATTEMPTS {
        if usage::insert(db, &rows).await.is_ok() {
            return;
        }
        tokio::time::sleep(WRITE_INTERVAL).await;
    }
    for row in rows {
        if let Err(cause) = usage::insert(db, &[row]).await {
            metrics::counter!(DROPPED_ROWS).increment(1);
            tracing::error!(%cause, "cannot write a request log row");
        }
    }
}
