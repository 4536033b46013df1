//! Traces: one span per request, sent to a collector by OTLP over HTTP. A span is made from the log entry when the
//! request ends, so tracing does not delay requests. Apart from method and route, a span contains only data of the
//! request log.

use std::{
    fmt,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use anyhow::ensure;
use async_trait::async_trait;
use axum::{
    body::Bytes,
    http::{HeaderMap, Request, Response},
};
use opentelemetry::{
    Context, KeyValue,
    propagation::TextMapPropagator as _,
    trace::{Span as _, SpanKind, Status, Tracer as _, TracerProvider as _},
};
use opentelemetry_http::{HeaderExtractor, HttpClient, HttpError};
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::{
    Resource,
    propagation::TraceContextPropagator,
    trace::{SdkTracer, SdkTracerProvider},
};

use crate::{log::Entry, privacy::bundles::units};

/// Timeout of a request to the collector, and of sending the last spans at shutdown.
const PATIENCE: Duration = Duration::from_secs(5);

/// Creates and sends spans.
pub struct Traces {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
}

/// The parent span of a request, if the client sent one, and the name of its own span.
pub struct Origin {
    parent: Context,
    /// Method and route, such as `POST /graphql`.
    name: String,
}

impl Origin {
    /// Reads the parent span from the header `traceparent`.
    #[must_use]
    pub fn read(headers: &HeaderMap, name: String) -> Self {
        let parent = TraceContextPropagator::new().extract_with_context(&Context::new(), &HeaderExtractor(headers));
        Self { parent, name }
    }
}

impl Traces {
    /// Sends spans to `endpoint`/v1/traces, in batches, from a separate thread.
    ///
    /// # Errors
    /// `endpoint` does not begin with `http://` or `https://`, or is not a valid URL.
    pub fn to(endpoint: &str) -> anyhow::Result<Self> {
        let web = endpoint.starts_with("http://") || endpoint.starts_with("https://");
        // The endpoint may contain a password, so messages do not repeat it.
        ensure!(web, "OTEL_EXPORTER_OTLP_ENDPOINT must begin with http:// or https://");
        let agent: ureq::Agent =
            ureq::Agent::config_builder().timeout_global(Some(PATIENCE)).http_status_as_error(false).build().into();
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Collector { agent, lost: AtomicBool::new(false) })
            .with_endpoint(format!("{}/v1/traces", endpoint.trim_end_matches('/')))
            .with_timeout(PATIENCE)
            .build()
            .map_err(|_| anyhow::anyhow!("OTEL_EXPORTER_OTLP_ENDPOINT is not a valid URL"))?;
        let resource = Resource::builder().with_service_name("spots-enrichment").build();
        let provider = SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build();
        Ok(Self { tracer: provider.tracer("spots-enrichment"), provider })
    }

    /// Queues the span of a request that has ended. Drops it if the queue is full.
    pub fn record(&self, entry: &Entry, origin: &Origin) {
        let time =
            |us: i64| -> SystemTime { UNIX_EPOCH + Duration::from_micros(u64::try_from(us).unwrap_or_default()) };
        let received_us = entry.received_at_ms.saturating_mul(1_000);
        let text = |name: &'static str, value: &Option<String>| value.clone().map(|value| KeyValue::new(name, value));
        let number = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        let mut attributes = vec![
            KeyValue::new("http.response.status_code", i64::from(entry.status)),
            KeyValue::new("spots.request_id", entry.request_id.clone()),
            KeyValue::new("spots.points", number(entry.points)),
            KeyValue::new("spots.points_requested", number(entry.points_requested)),
            KeyValue::new("spots.units", units(entry.units_mu)),
        ];
        attributes.extend(text("graphql.operation.name", &entry.operation_name));
        attributes.extend(text("error.type", &entry.error_code));
        attributes.extend(text("spots.key_id", &entry.key_id));
        attributes.extend(text("spots.partner_id", &entry.partner_id));
        let mut span = self
            .tracer
            .span_builder(origin.name.clone())
            .with_kind(SpanKind::Server)
            .with_start_time(time(received_us))
            .with_attributes(attributes)
            .start_with_context(&self.tracer, &origin.parent);
        if entry.status >= 500 {
            span.set_status(Status::error(entry.error_code.clone().unwrap_or_default()));
        }
        span.end_with_timestamp(time(received_us.saturating_add(entry.processing_us)));
    }

    /// Sends the queued spans and shuts the exporter down. Blocks for at most `PATIENCE`.
    pub fn finish(&self) {
        if self.provider.shutdown_with_timeout(PATIENCE).is_err() {
            tracing::warn!("cannot send the last traces");
        }
    }
}

/// HTTP client for the collector. Logs when the collector becomes unavailable and when it is available again.
struct Collector {
    agent: ureq::Agent,
    /// Whether the last batch failed, so that a failure is logged once.
    lost: AtomicBool,
}

impl fmt::Debug for Collector {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Collector")
    }
}

#[async_trait]
impl HttpClient for Collector {
    /// Blocks: it runs on the thread of the batch processor.
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (parts, body) = request.into_parts();
        let answer = self.agent.run(Request::from_parts(parts, body.to_vec()));
        let arrived = answer.as_ref().is_ok_and(|answer| answer.status().is_success());
        if self.lost.swap(!arrived, Ordering::Relaxed) == arrived {
            match (&answer, arrived) {
                (_, true) => tracing::info!("the trace collector accepts traces again"),
                (Ok(answer), _) => tracing::warn!(status = answer.status().as_u16(), "the collector rejects traces"),
                (Err(_), _) => tracing::warn!("the trace collector cannot be reached; requests are not affected"),
            }
        }
        let (parts, mut body) = answer?.into_parts();
        Ok(Response::from_parts(parts, body.read_to_vec()?.into()))
    }
}
