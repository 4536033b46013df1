//! Connections, routes, pages, the request log and telemetry.

mod http;
pub mod listener;
pub mod pages;
pub mod request_log;
pub mod router;
pub mod state;
pub mod telemetry;
