//! `serve`: serves the API until Ctrl-C or SIGTERM.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::{Context as _, ensure};
use clap::Args;
use metrics_exporter_prometheus::PrometheusBuilder;
use sea_orm::DatabaseConnection;
use tokio::{net::TcpListener, task::JoinHandle};

use super::{
    config::{Database, EngineKind, Server, WarehouseSettings},
    error_text,
};
use crate::{
    domain::clock::{Clock, DAY, SystemClock},
    engine::{MemoryEngine, SqlEngine, WarehouseEngine},
    gate::quota::{LoggedUsage, ProcessQuotas, QuotaStore, REDIS_TIMEOUT, RedisQuotas},
    privacy::{Engine, OsNoise},
    server::{
        listener,
        request_log::LogWriter,
        router,
        state::{AppDependencies, AppState, Timeouts},
        telemetry::Traces,
    },
    storage::{epochs, file_locks, request_log, warehouse::Warehouse},
};

/// The interval at which a server checks for a newer epoch.
const EPOCH_INTERVAL: Duration = Duration::from_secs(5);
/// The interval at which old rows of the request log are deleted.
const LOG_DELETION_INTERVAL: Duration = Duration::from_hours(1);
/// The interval at which samples of the metrics are moved into their buckets.
const METRICS_INTERVAL: Duration = Duration::from_secs(5);
/// The time limit for writing the request log when the server stops.
const LOG_TIMEOUT: Duration = Duration::from_secs(10);
/// Upper bounds of the buckets of `spots_request_seconds`, in seconds.
const LATENCY_BUCKETS: [f64; 10] = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 2.0, 10.0];

/// Serve the API. Does not start on an unmigrated database or without a readable epoch.
#[derive(Args)]
pub(super) struct Serve {
    #[command(flatten)]
    database: Database,
    #[command(flatten)]
    warehouse: WarehouseSettings,
    #[command(flatten)]
    server: Server,
}

impl Serve {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let db = super::open(&self.database).await?;
        let warehouse = self.warehouse.connect(&self.database)?;
        if let Some(warehouse) = &warehouse {
            warehouse.require_reachable().await?;
            ensure!(
                self.server.engine == EngineKind::Sql,
                "ENGINE=memory reads the tables of DATABASE_URL; with WAREHOUSE_URL the warehouse computes the sums: \
                 leave ENGINE out"
            );
        }
        let listener = bind(&self.server).await?;
        let address = listener.local_addr()?;
        serve(db, warehouse, listener, self.server, true, || {
            say!("listening on http://{address}");
            Ok(())
        })
        .await
    }
}

/// Binds the port before any slow work, so that a port in use is reported at once.
pub(super) async fn bind(server: &Server) -> anyhow::Result<TcpListener> {
    let address = server.listen_addr;
    TcpListener::bind(address).await.with_context(|| {
        format!("cannot listen on {address}: is another server running there? Choose another with --listen-addr")
    })
}

/// Serves until Ctrl-C or SIGTERM. With `warns_of_age`, warns in the log if the epoch is old. Then it answers the
/// requests in flight, writes the request log and returns.
pub(super) async fn serve(
    db: DatabaseConnection,
    warehouse: Option<Warehouse>,
    listener: TcpListener,
    server: Server,
    warns_of_age: bool,
    ready: impl FnOnce() -> std::io::Result<()>,
) -> anyhow::Result<()> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let epoch = epochs::load_newest(&db, clock.now()).await?;
    let epoch = epoch.context("there is no readable epoch: run `spots-enrichment epoch build` first")?;
    let mut tasks = BackgroundTasks(Vec::new());
    if !server.metrics_addr.is_empty() {
        tasks.0.push(metrics(&server.metrics_addr).await?);
    }
    let usage = Arc::new(LoggedUsage(db.clone()));
    let quotas: Arc<dyn QuotaStore> = match server.redis_url.as_deref() {
        Some(url) if !url.is_empty() => Arc::new(RedisQuotas::connect(url, usage, REDIS_TIMEOUT).await?),
        _ => Arc::new(ProcessQuotas::new(usage)),
    };
    let engine: Arc<dyn Engine> = match (warehouse, server.engine) {
        (Some(warehouse), _) => Arc::new(WarehouseEngine::new(db.clone(), warehouse)),
        (None, EngineKind::Sql) => Arc::new(SqlEngine::new(db.clone())),
        (None, EngineKind::Memory) => Arc::new(MemoryEngine::new(db.clone())),
    };
    let collector = server.otel_exporter_otlp_endpoint.filter(|endpoint| !endpoint.is_empty());
    let traces = collector.as_deref().map(Traces::connect).transpose()?.map(Arc::new);
    let (log, writing) = LogWriter::start(db.clone());
    let state = AppState::new(AppDependencies {
        db: db.clone(),
        clock,
        noise: Arc::new(OsNoise),
        engine: Arc::clone(&engine),
        quotas,
        log,
        traces: traces.clone(),
        epoch,
        timeouts: Timeouts::default(),
        public_introspection: server.public_introspection,
        cors_origins: server.cors_origins.into_iter().filter(|origin| !origin.is_empty()).collect(),
    })?;
    tasks.0.push(tokio::spawn(refresh_epochs(state.clone(), engine, warns_of_age)));
    tasks.0.push(tokio::spawn(delete_old_rows(
        db.clone(),
        Arc::clone(&state.services.clock),
        server.log_retention_days,
    )));
    let _announced = file_locks::announce_server(&db)?;
    ready()?;
    listener::serve(listener, router::app(state.clone()), state.timeouts, stop_signal()).await;
    drop((state, tasks));
    // All senders of the log are dropped with the server, so the task writes the waiting rows and ends.
    if tokio::time::timeout(LOG_TIMEOUT, writing).await.is_err() {
        tracing::warn!("not all rows of the request log could be written before the server stopped");
    }
    if let Some(traces) = traces {
        let _ = tokio::task::spawn_blocking(move || traces.finish()).await;
    }
    db.close().await?;
    tracing::info!("stopped");
    Ok(())
}

/// Background tasks, which are aborted when the server ends.
struct BackgroundTasks(Vec<JoinHandle<()>>);

impl Drop for BackgroundTasks {
    fn drop(&mut self) {
        self.0.iter().for_each(JoinHandle::abort);
    }
}

/// Serves the metrics on a separate address.
async fn metrics(address: &str) -> anyhow::Result<JoinHandle<()>> {
    let address: SocketAddr =
        address.parse().context("METRICS_ADDR must be an address like 127.0.0.1:9090, or empty")?;
    let listener = TcpListener::bind(address).await.with_context(|| {
        format!("cannot serve metrics on {address}: choose another with --metrics-addr, or none with --metrics-addr ''")
    })?;
    let recorder = PrometheusBuilder::new().set_buckets(&LATENCY_BUCKETS)?.build_recorder();
    let handle = recorder.handle();
    metrics::set_global_recorder(recorder).map_err(|_| anyhow::anyhow!("metrics are served already"))?;
    let rendered = handle.clone();
    let app = axum::Router::new().route("/metrics", axum::routing::get(move || std::future::ready(rendered.render())));
    Ok(tokio::spawn(async move {
        let serving = listener::serve(listener, app, Timeouts::default(), std::future::pending());
        let upkeep = async {
            loop {
                // Samples are stored one by one until this call moves them into their buckets.
                tokio::time::sleep(METRICS_INTERVAL).await;
                handle.run_upkeep();
            }
        };
        tokio::join!(serving, upkeep);
    }))
}

/// Deletes rows of the request log that are older than `days`, every hour.
async fn delete_old_rows(db: DatabaseConnection, clock: Arc<dyn Clock>, days: u16) {
    loop {
        match request_log::delete_before(&db, clock.now_ms() - i64::from(days) * DAY * 1000).await {
            Ok(0) => {}
            Ok(rows) => tracing::info!(rows, "deleted old rows of the request log"),
            Err(cause) => tracing::warn!(%cause, "cannot delete old rows of the request log"),
        }
        tokio::time::sleep(LOG_DELETION_INTERVAL).await;
    }
}

/// Refreshes the newest epoch, and the engine's copy of it, every five seconds. Warns once per epoch that it is old.
async fn refresh_epochs(state: AppState, engine: Arc<dyn Engine>, warns_of_age: bool) {
    let mut warned_of = None;
    loop {
        let (epoch, now) = (state.epoch.get(), state.services.clock.now());
        metrics::gauge!("spots_epoch_age_seconds").set((now - epoch.ends_at) as f64);
        if let Some(warning) = epoch.age_warning(now).filter(|_| warns_of_age && warned_of != Some(epoch.epoch_id)) {
            warned_of = Some(epoch.epoch_id);
            tracing::warn!("{warning}");
        }
        if let Err(cause) = engine.refresh(state.epoch.get().epoch_id).await {
            tracing::warn!(cause = error_text(&cause), "cannot refresh the engine; it continues as before");
        }
        tokio::time::sleep(EPOCH_INTERVAL).await;
        if let Err(cause) = state.epoch.refresh().await {
            tracing::warn!(%cause, "cannot check for a newer epoch");
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
    tracing::info!("stopping: requests in flight are answered first; a second Ctrl-C stops at once");
    tokio::spawn(async {
        let _ = tokio::signal::ctrl_c().await;
        std::process::exit(1);
    });
}
