//! The outermost layer: creates the entry of a request, and sends it to the writer when the request ends, also when the
//! client has disconnected and the request was dropped before it finished.

use std::{sync::Arc, time::Instant};

use axum::{
    extract::{MatchedPath, Request, State},
    http::HeaderValue,
    middleware::Next,
    response::Response,
};
use tracing::Instrument as _;

use super::{
    entry::{Entry, RequestLogHandle},
    writer::LogWriter,
};
use crate::{
    domain::{clock::Clock, random::random_hex},
    server::telemetry::{Origin, RequestSpan, Traces},
};

/// Status in the log of a request whose client disconnected before the response (the number that nginx uses).
const CLIENT_CLOSED_REQUEST: i32 = 499;

/// Guard that sends the entry to the writer when it is dropped.
struct SendOnDrop {
    handle: RequestLogHandle,
    started: Instant,
    writer: LogWriter,
    /// `None` if tracing is disabled.
    trace: Option<(Arc<Traces>, Origin)>,
}

impl Drop for SendOnDrop {
    fn drop(&mut self) {
        let mut entry = self.handle.entry();
        let elapsed = self.started.elapsed();
        entry.processing_us = i64::try_from(elapsed.as_micros()).unwrap_or(i64::MAX);
        let code = entry.error_code.clone().unwrap_or_default();
        metrics::counter!("spots_requests_total", "status" => entry.status.to_string(), "code" => code).increment(1);
        metrics::histogram!("spots_request_seconds").record(elapsed.as_secs_f64());
        if let Some((traces, origin)) = &self.trace {
            traces.record(&span_of(&entry), origin);
        }
        self.writer.send(entry);
    }
}

/// What the layer needs.
#[derive(Clone)]
pub struct LogContext {
    pub clock: Arc<dyn Clock>,
    pub writer: LogWriter,
    /// `None` if tracing is disabled.
    pub traces: Option<Arc<Traces>>,
}

/// The outermost layer. Creates the entry of the request and sets the response header `x-request-id`. The request id
/// layer of tower-http is not used: it would take over any id that a client sends.
pub async fn layer(State(context): State<LogContext>, mut request: Request, next: Next) -> Response {
    let handle = RequestLogHandle::new(Entry {
        received_at_ms: context.clock.now_ms(),
        request_id: request_id(&request),
        key_id: None,
        partner_id: None,
        operation_name: None,
        document_hash: None,
        error_code: None,
        microunits: 0,
        admitted: false,
        points_requested: 0,
        points: 0,
        status: CLIENT_CLOSED_REQUEST,
        processing_us: 0,
    });
    let request_id = handle.request_id();
    let trace = context.traces.map(|traces| {
        let route = request.extensions().get::<MatchedPath>().map_or("(none)", MatchedPath::as_str);
        let origin = Origin::read(request.headers(), format!("{} {route}", request.method()));
        (traces, origin)
    });
    let on_drop = SendOnDrop { handle: handle.clone(), started: Instant::now(), writer: context.writer, trace };
    request.extensions_mut().insert(handle);
    let span = tracing::info_span!("request", id = %request_id);
    let mut response = next.run(request).instrument(span).await;
    on_drop.handle.update(|entry| entry.status = i32::from(response.status().as_u16()));
    if let Ok(value) = HeaderValue::from_str(&request_id) {
        response.headers_mut().insert("x-request-id", value);
    }
    response
}

/// The span of a finished request.
fn span_of(entry: &Entry) -> RequestSpan<'_> {
    RequestSpan {
        request_id: &entry.request_id,
        received_at_ms: entry.received_at_ms,
        processing_us: entry.processing_us,
        status: entry.status,
        points: entry.points,
        points_requested: entry.points_requested,
        microunits: entry.microunits,
        operation_name: entry.operation_name.as_deref(),
        error_code: entry.error_code.as_deref(),
        key_id: entry.key_id.as_deref(),
        partner_id: entry.partner_id.as_deref(),
    }
}

/// The value of the request header `x-request-id` if it consists of 1 to 64 ASCII letters, digits, `-`, `_` and `.`;
/// otherwise a new id.
fn request_id(request: &Request) -> String {
    let is_valid = |id: &&str| {
        (1..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    };
    let given = request.headers().get("x-request-id").and_then(|value| value.to_str().ok()).filter(is_valid);
    // The row is written even if the operating system provides no randomness.
    given.map_or_else(|| random_hex(8).unwrap_or_else(|_| "unknown".to_owned()), str::to_owned)
}
