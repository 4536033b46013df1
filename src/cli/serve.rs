//! `serve`: the API, until Ctrl-C.

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use clap::Args;
use sea_orm::DatabaseConnection;
use tokio::net::TcpListener;

use crate::{
    clock::{Clock, SystemClock},
    config::{Database, Server},
    engine::SqlEngine,
    epoch::Epoch,
    log::LogWriter,
    privacy::OsNoise,
    quota::ProcessQuotas,
    state::{Given, State},
};

/// How often a server looks for a newer epoch.
const LOOK_EVERY: Duration = Duration::from_secs(5);

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
        serve(db, listener, self.server.public_introspection, || {
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
    public_introspection: bool,
    ready: impl FnOnce() -> std::io::Result<()>,
) -> anyhow::Result<()> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let epoch = Epoch::load_newest(&db, clock.now()).await?;
    let epoch = epoch.context("there is no readable epoch: run `spots-enrichment epoch build` first")?;
    let (log, writing) = LogWriter::start(db.clone());
    let state = State::new(Given {
        db: db.clone(),
        clock,
        noise: Arc::new(OsNoise),
        engine: Arc::new(SqlEngine::new(db.clone())),
        quotas: Arc::new(ProcessQuotas::default()),
        log,
        epoch,
        public_introspection,
    })?;
    let looking = tokio::spawn(look_for_epochs(state.clone()));
    ready()?;
    axum::serve(listener, crate::app(state)).with_graceful_shutdown(stop_signal()).await?;
    looking.abort();
    let _ = looking.await;
    // Every writer is gone with the server: the task writes what is waiting and ends.
    writing.await?;
    db.close().await?;
    tracing::info!("stopped");
    Ok(())
}

async fn look_for_epochs(state: State) {
    loop {
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
