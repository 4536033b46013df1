//! Connections: HTTP/1.1 and h2c, each with its limits of time. `axum::serve` has none: a socket that sends nothing
//! would stay for ever.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::Router;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
    time::Instant,
};
use tower::ServiceExt as _;

use crate::state::Timeouts;

/// Connections at once; the next ones wait in the kernel's queue.
const CONNECTIONS: usize = 2_048;
/// How long connections may take to finish when the server stops, or when they are closed for idleness.
const GRACE: Duration = Duration::from_secs(12);
/// Bytes of a request's line and headers.
const HEADER_BYTES: usize = 64 * 1024;

/// Serves until `stop`; then no connection is taken any more, and requests in flight are answered.
pub async fn serve(listener: TcpListener, app: Router, timeouts: Timeouts, stop: impl Future<Output = ()>) {
    let (stopping, stopped) = watch::channel(false);
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let mut stop = std::pin::pin!(stop);
    loop {
        let taken = async {
            // The semaphore is never closed.
            let place = Arc::clone(&places).acquire_owned().await.ok();
            (listener.accept().await, place)
        };
        let (accepted, place) = tokio::select! {
            taken = taken => taken,
            () = &mut stop => break,
        };
        match accepted {
            Ok((stream, _)) => {
                let (app, stopped) = (app.clone(), stopped.clone());
                tokio::spawn(async move {
                    connection(stream, app, timeouts, stopped).await;
                    drop(place);
                });
            }
            Err(cause) => {
                // Out of files, most likely: connections end and give some back.
                tracing::warn!(%cause, "cannot take a connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
    drop((listener, stopped));
    let _ = stopping.send(true);
    let _ = tokio::time::timeout(GRACE, stopping.closed()).await;
}

/// When a connection did something last.
struct Activity {
    began: Instant,
    requests: AtomicUsize,
    last_ms: AtomicI64,
}

impl Activity {
    fn touch(&self) {
        self.last_ms.store(i64::try_from(self.began.elapsed().as_millis()).unwrap_or(i64::MAX), Ordering::Relaxed);
    }

    /// Returns when no request was at work for that long.
    async fn idle(&self, limit: Duration) {
        loop {
            tokio::time::sleep(limit / 4).await;
            let last = Duration::from_millis(self.last_ms.load(Ordering::Relaxed).unsigned_abs());
            if self.requests.load(Ordering::Relaxed) == 0 && self.began.elapsed() > last + limit {
                return;
            }
        }
    }
}

/// A request at work.
struct Working(Arc<Activity>);

impl Working {
    fn begin(activity: &Arc<Activity>) -> Self {
        activity.requests.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(activity))
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        self.0.touch();
        self.0.requests.fetch_sub(1, Ordering::Relaxed);
    }
}

async fn connection(stream: TcpStream, app: Router, timeouts: Timeouts, mut stopped: watch::Receiver<bool>) {
    let _ = stream.set_nodelay(true);
    let activity =
        Arc::new(Activity { began: Instant::now(), requests: AtomicUsize::new(0), last_ms: AtomicI64::new(0) });
    let service = {
        let activity = Arc::clone(&activity);
        hyper::service::service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
            let (app, working) = (app.clone(), Working::begin(&activity));
            async move {
                let answer = app.oneshot(request).await;
                drop(working);
                answer
            }
        })
    };
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(timeouts.header).max_buf_size(HEADER_BYTES);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(u32::try_from(HEADER_BYTES).unwrap_or(u32::MAX))
        .max_concurrent_streams(100)
        .keep_alive_interval(timeouts.idle)
        .keep_alive_timeout(timeouts.header);
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        // How a connection ended is the client's business.
        _ = connection.as_mut() => return,
        () = activity.idle(timeouts.idle) => {}
        _ = stopped.wait_for(|stopped| *stopped) => {}
    }
    connection.as_mut().graceful_shutdown();
    // A client that does not read its answer must not hold the place either.
    let _ = tokio::time::timeout(GRACE, connection).await;
}
