//! Serves HTTP/1.1 and h2c connections with timeouts. `axum::serve` has none: a socket that sends nothing would stay
//! open indefinitely.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use axum::Router;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
    time::Instant,
};
use tower::ServiceExt as _;

use super::state::Timeouts;

/// Maximum number of open connections. Further ones wait in the kernel's queue.
const MAX_CONNECTIONS: usize = 2_048;
/// Time that connections have to finish when the server stops, or when they are closed after a timeout.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(12);
/// Maximum size of a request's line and headers, in bytes.
const MAX_HEADER_BYTES: usize = 64 * 1024;

/// Serves connections until `stop` completes. Then accepts no more connections, and gives requests in flight up to
/// `SHUTDOWN_TIMEOUT` to finish.
pub async fn serve(listener: TcpListener, app: Router, timeouts: Timeouts, stop: impl Future<Output = ()>) {
    let (stopping, stopped) = watch::channel(false);
    let slots = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut stop = std::pin::pin!(stop);
    loop {
        let next = async {
            // The semaphore is never closed.
            let slot = Arc::clone(&slots).acquire_owned().await.ok();
            (listener.accept().await, slot)
        };
        let (accepted, slot) = tokio::select! {
            next = next => next,
            () = &mut stop => break,
        };
        match accepted {
            Ok((stream, _)) => {
                let (app, stopped) = (app.clone(), stopped.clone());
                tokio::spawn(async move {
                    connection(stream, app, timeouts, stopped).await;
                    drop(slot);
                });
            }
            Err(cause) => {
                // Probably out of file descriptors. Connections that end release some.
                tracing::warn!(%cause, "cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
    drop((listener, stopped));
    let _ = stopping.send(true);
    let _ = tokio::time::timeout(SHUTDOWN_TIMEOUT, stopping.closed()).await;
}

/// The activity of a connection, from which its timeouts are computed.
struct Activity {
    started: Instant,
    requests: AtomicUsize,
    last_ms: AtomicI64,
    /// When the first byte of a request with incomplete headers arrived; [`NOT_READING`] if there is no such request.
    reading_since_ms: AtomicI64,
}

const NOT_READING: i64 = i64::MAX;

impl Activity {
    fn new() -> Arc<Self> {
        let (requests, last_ms, reading_since_ms) =
            (AtomicUsize::new(0), AtomicI64::new(0), AtomicI64::new(NOT_READING));
        Arc::new(Self { started: Instant::now(), requests, last_ms, reading_since_ms })
    }

    fn now_ms(&self) -> i64 {
        i64::try_from(self.started.elapsed().as_millis()).unwrap_or(NOT_READING)
    }

    /// Returns when the connection had no running request for longer than `timeouts.idle`, or when the headers of a
    /// request are incomplete for longer than `timeouts.header`. (The header timeout of hyper also ends a connection
    /// that only waits for its next request.)
    async fn wait_for_timeout(&self, timeouts: Timeouts) {
        let ms = |limit: Duration| i64::try_from(limit.as_millis()).unwrap_or(NOT_READING);
        let (header_ms, idle_ms) = (ms(timeouts.header), ms(timeouts.idle));
        loop {
            tokio::time::sleep(timeouts.header.min(timeouts.idle) / 8).await;
            if self.requests.load(Ordering::Relaxed) > 0 {
                continue;
            }
            let now_ms = self.now_ms();
            let reading_ms = now_ms.saturating_sub(self.reading_since_ms.load(Ordering::Relaxed));
            if reading_ms > header_ms || now_ms - self.last_ms.load(Ordering::Relaxed) > idle_ms {
                return;
            }
        }
    }
}

/// A socket that records when bytes arrive while no request is running.
struct MonitoredStream {
    stream: TcpStream,
    activity: Arc<Activity>,
    /// Whether the protocol is HTTP/2. There bytes also arrive between requests, so that only the idle timeout applies.
    http2: Option<bool>,
}

impl AsyncRead for MonitoredStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        let bytes = &buffer.filled()[before..];
        if !bytes.is_empty() {
            let http2 = *self.http2.get_or_insert(bytes.starts_with(b"PRI"));
            let activity = &self.activity;
            if !http2 && activity.requests.load(Ordering::Relaxed) == 0 {
                let (now_ms, order) = (activity.now_ms(), Ordering::Relaxed);
                let _ = activity.reading_since_ms.compare_exchange(NOT_READING, now_ms, order, order);
            }
        }
        read
    }
}

impl AsyncWrite for MonitoredStream {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// A running request.
struct RunningRequest(Arc<Activity>);

impl RunningRequest {
    fn begin(activity: &Arc<Activity>) -> Self {
        activity.requests.fetch_add(1, Ordering::Relaxed);
        activity.reading_since_ms.store(NOT_READING, Ordering::Relaxed);
        Self(Arc::clone(activity))
    }
}

impl Drop for RunningRequest {
    fn drop(&mut self) {
        self.0.last_ms.store(self.0.now_ms(), Ordering::Relaxed);
        self.0.requests.fetch_sub(1, Ordering::Relaxed);
    }
}

async fn connection(stream: TcpStream, app: Router, timeouts: Timeouts, mut stopped: watch::Receiver<bool>) {
    let _ = stream.set_nodelay(true);
    let activity = Activity::new();
    let service = {
        let activity = Arc::clone(&activity);
        hyper::service::service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
            let (app, running) = (app.clone(), RunningRequest::begin(&activity));
            async move {
                let response = app.oneshot(request).await;
                drop(running);
                response
            }
        })
    };
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(None).max_buf_size(MAX_HEADER_BYTES);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(u32::try_from(MAX_HEADER_BYTES).unwrap_or(u32::MAX))
        .max_concurrent_streams(100)
        .keep_alive_interval(timeouts.idle)
        .keep_alive_timeout(timeouts.header);
    let monitored = MonitoredStream { stream, activity: Arc::clone(&activity), http2: None };
    let connection = builder.serve_connection(TokioIo::new(monitored), service);
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        // An error of the connection concerns only its client.
        _ = connection.as_mut() => return,
        () = activity.wait_for_timeout(timeouts) => {}
        _ = stopped.wait_for(|stopped| *stopped) => {}
    }
    connection.as_mut().graceful_shutdown();
    if activity.reading_since_ms.load(Ordering::Relaxed) != NOT_READING
        && activity.requests.load(Ordering::Relaxed) == 0
    {
        // A graceful shutdown would wait for the rest of the headers.
        return;
    }
    // A client that does not read its response must not keep the connection open either.
    let _ = tokio::time::timeout(SHUTDOWN_TIMEOUT, connection).await;
}
