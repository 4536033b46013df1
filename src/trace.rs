//! Traces: one span a request, sent to a collector that takes OTLP over HTTP. Made of the request's log entry when it
//! ends, so nothing of it is on the way of a request, and nothing is in it that the request log does not have.

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

/// How long the collector may take to answer, and the last spans to be sent.
const PATIENCE: Duration = Duration::from_secs(5);

/// Makes and sends spans.
pub struct Traces {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
}

/// Where a request belongs: the span of whoever sent it, if there is one.
pub struct Origin {
    parent: Context,
    /// Method and route, such as `POST /graphql`.
    name: String,
}

impl Origin {
    /// Reads the header `traceparent`.
    #[must_use]
    pub fn read(headers: &HeaderMap, name: String) -> Self {
        let parent = TraceContextPropagator::new().extract_with_context(&Context::new(), &HeaderExtractor(headers));
        Self { parent, name }
    }
}

impl Traces {
    /// Sends to `endpoint`/v1/traces, in batches, from a thread of its own.
    ///
    /// # Errors
    /// The endpoint is not an address.
    pub fn to(endpoint: &str) -> anyhow::Result<Self> {
        let web = endpoint.starts_with("http://") || endpoint.starts_with("https://");
        // It may hold a password: it is not repeated.
        ensure!(web, "OTEL_EXPORTER_OTLP_ENDPOINT must begin with http:// or https://");
        let agent: ureq::Agent =
            ureq::Agent::config_builder().timeout_global(Some(PATIENCE)).http_status_as_error(false).build().into();
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Collector { agent, lost: AtomicBool::new(false) })
            .with_endpoint(format!("{}/v1/traces", endpoint.trim_end_matches('/')))
            .with_timeout(PATIENCE)
            .build()
            .map_err(|_| anyhow::anyhow!("OTEL_EXPORTER_OTLP_ENDPOINT is not an address of a collector"))?;
        let resource = Resource::builder().with_service_name("spots-enrichment").build();
        let provider = SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build();
        Ok(Self { tracer: provider.tracer("spots-enrichment"), provider })
    }

    /// Queues the span of a request that has ended; drops it if too many wait.
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

    /// Sends what is waiting. Blocks.
    pub fn finish(&self) {
        if self.provider.shutdown_with_timeout(PATIENCE).is_err() {
            tracing::warn!("the last traces could not be sent");
        }
    }
}

/// The collector. Its answers are few: it takes spans or it does not.
struct Collector {
    agent: ureq::Agent,
    /// The last batch did not arrive; said once.
    lost: AtomicBool,
}

impl fmt::Debug for Collector {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Collector")
    }
}

#[async_trait]
impl HttpClient for Collector {
    /// Blocks: it runs on the thread of the batches.
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (parts, body) = request.into_parts();
        let answer = self.agent.run(Request::from_parts(parts, body.to_vec()));
        let arrived = answer.as_ref().is_ok_and(|answer| answer.status().is_success());
        if self.lost.swap(!arrived, Ordering::Relaxed) == arrived {
            match (&answer, arrived) {
                (_, true) => tracing::info!("the collector takes traces again"),
                (Ok(answer), _) => tracing::warn!(status = answer.status().as_u16(), "the collector refuses traces"),
                (Err(_), _) => tracing::warn!("the collector of traces cannot be reached; requests go on without"),
            }
        }
        let (parts, mut body) = answer?.into_parts();
        Ok(Response::from_parts(parts, body.read_to_vec()?.into()))
    }
}
