//! `serve`: the API, until Ctrl-C.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::Context as _;
use clap::Args;
use metrics_exporter_prometheus::PrometheusBuilder;
use sea_orm::DatabaseConnection;
use tokio::{net::TcpListener, task::JoinHandle};

use crate::{
    clock::{Clock, DAY, SystemClock},
    config::{Database, EngineKind, Server},
    engine::{Engine, MemoryEngine, SqlEngine},
    epoch::Epoch,
    listen,
    log::{self, LogWriter},
    privacy::OsNoise,
    quota::{LoggedDays, ProcessQuotas, QuotaStore, REDIS_PATIENCE, RedisQuotas},
    state::{Given, State, Timeouts},
    trace::Traces,
};

/// How often a server looks for a newer epoch.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// How often old rows of the request log are looked for.
const FORGET_EVERY: Duration = Duration::from_hours(1);
/// How often metrics are put in order.
const UPKEEP_EVERY: Duration = Duration::from_secs(5);
/// How long the log may take to be written when the server stops.
const FLUSH: Duration = Duration::from_secs(10);
/// Borders of the histogram of answer times, in seconds.
const SECONDS: [f64; 10] = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 2.0, 10.0];

/// Serve the API. Refuses to start on an unmigrated database or without an epoch.
#[derive(Args)]
pub(super) struct Serve {
    #[command(flatten)]
    database: Database,
    #[command(flatten)]
    server: Server,
}

impl Serve {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let db = super::open(&self.database).await?;
        let listener = bind(&self.server).await?;
        let address = listener.local_addr()?;
        serve(db, listener, self.server, || {
            say!("listening on http://{address}");
            Ok(())
        })
        .await
    }
}

/// Takes the port, before anything slow is done.
pub(super) async fn bind(server: &Server) -> anyhow::Result<TcpListener> {
    let address = server.listen_addr;
    TcpListener::bind(address).await.with_context(|| {
        format!("cannot listen on {address}: is another server running there? Choose another with --listen-addr")
    })
}

/// Serves until Ctrl-C or SIGTERM, then ends cleanly: requests in flight are answered, the log is written.
pub(super) async fn serve(
    db: DatabaseConnection,
    listener: TcpListener,
    server: Server,
    ready: impl FnOnce() -> std::io::Result<()>,
) -> anyhow::Result<()> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let epoch = Epoch::load_newest(&db, clock.now()).await?;
    let epoch = epoch.context("there is no readable epoch: run `spots-enrichment epoch build` first")?;
    let mut beside = Beside(Vec::new());
    if !server.metrics_addr.is_empty() {
        beside.0.push(metrics(&server.metrics_addr).await?);
    }
    let days = Arc::new(LoggedDays(db.clone()));
    let quotas: Arc<dyn QuotaStore> = match server.redis_url.as_deref() {
        Some(url) if !url.is_empty() => Arc::new(RedisQuotas::connect(url, days, REDIS_PATIENCE).await?),
        _ => Arc::new(ProcessQuotas::new(days)),
    };
    let engine: Arc<dyn Engine> = match server.engine {
        EngineKind::Sql => Arc::new(SqlEngine::new(db.clone())),
        EngineKind::Memory => Arc::new(MemoryEngine::new(db.clone())),
    };
    let collector = server.otel_exporter_otlp_endpoint.filter(|endpoint| !endpoint.is_empty());
    let traces = collector.as_deref().map(Traces::to).transpose()?.map(Arc::new);
    let (log, writing) = LogWriter::start(db.clone());
    let state = State::new(Given {
        db: db.clone(),
        clock,
        noise: Arc::new(OsNoise),
        engine: Arc::clone(&engine),
        quotas,
        log: log.and_trace(traces.clone()),
        epoch,
        timeouts: Timeouts::default(),
        public_introspection: server.public_introspection,
        cors_origins: server.cors_origins.into_iter().filter(|origin| !origin.is_empty()).collect(),
    })?;
    beside.0.push(tokio::spawn(look_for_epochs(state.clone(), engine)));
    beside.0.push(tokio::spawn(forget_old_rows(db.clone(), Arc::clone(&state.clock), server.log_retention_days)));
    ready()?;
    listen::serve(listener, crate::app(state.clone()), state.timeouts, stop_signal()).await;
    drop((state, beside));
    // Every writer is gone with the server: the task writes what is waiting and ends.
    if tokio::time::timeout(FLUSH, writing).await.is_err() {
        tracing::warn!("the request log could not be written to its end");
    }
    if let Some(traces) = traces {
        let _ = tokio::task::spawn_blocking(move || traces.finish()).await;
    }
    db.close().await?;
    tracing::info!("stopped");
    Ok(())
}

/// Tasks that end with the server.
struct Beside(Vec<JoinHandle<()>>);

impl Drop for Beside {
    fn drop(&mut self) {
        self.0.iter().for_each(JoinHandle::abort);
    }
}

/// Serves the metrics on an address of their own.
async fn metrics(address: &str) -> anyhow::Result<JoinHandle<()>> {
    let address: SocketAddr =
        address.parse().context("METRICS_ADDR must be an address like 127.0.0.1:9090, or empty")?;
    let listener = TcpListener::bind(address).await.with_context(|| {
        format!("cannot serve metrics on {address}: choose another with --metrics-addr, or none with --metrics-addr ''")
    })?;
    let recorder = PrometheusBuilder::new().set_buckets(&SECONDS)?.build_recorder();
    let handle = recorder.handle();
    metrics::set_global_recorder(recorder).map_err(|_| anyhow::anyhow!("metrics are served already"))?;
    let rendered = handle.clone();
    let app = axum::Router::new().route("/metrics", axum::routing::get(move || std::future::ready(rendered.render())));
    Ok(tokio::spawn(async move {
        let serving = listen::serve(listener, app, Timeouts::default(), std::future::pending());
        let upkeep = async {
            loop {
                // Samples are kept one by one until they are put into their buckets here.
                tokio::time::sleep(UPKEEP_EVERY).await;
                handle.run_upkeep();
            }
        };
        tokio::join!(serving, upkeep);
    }))
}

/// Deletes rows of the request log that are too old.
async fn forget_old_rows(db: DatabaseConnection, clock: Arc<dyn Clock>, days: u16) {
    loop {
        match log::forget_before(&db, clock.now_ms() - i64::from(days) * DAY * 1000).await {
            Ok(0) => {}
            Ok(rows) => tracing::info!(rows, "old rows of the request log are deleted"),
            Err(cause) => tracing::warn!(%cause, "cannot delete old rows of the request log"),
        }
        tokio::time::sleep(FORGET_EVERY).await;
    }
}

/// Keeps the newest epoch, and what the engine holds of it.
async fn look_for_epochs(state: State, engine: Arc<dyn Engine>) {
    loop {
        if let Err(cause) = engine.refresh(state.epoch().epoch_id).await {
            tracing::warn!(cause = format!("{cause:#}"), "cannot make the engine ready; it goes on as before");
        }
        tokio::time::sleep(LOOK_EVERY).await;
        if let Err(cause) = state.refresh_epoch().await {
            tracing::warn!(%cause, "cannot look for a newer epoch");
        }
    }
}

async fn stop_signal() {
    let interrupt = async {
        let _ = tokio::signal::ctrl_c().await;
    };
    #[cfg(unix)]
    let terminate = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminate = std::future::pending::<()>();
    tokio::select! {
        () = interrupt => {}
        () = terminate => {}
    }
    tracing::info!("stopping: requests in flight are answered first; a second Ctrl-C ends at once");
    tokio::spawn(async {
        let _ = tokio::signal::ctrl_c().await;
        std::process::exit(1);
    });
}
