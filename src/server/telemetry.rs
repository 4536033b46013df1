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
use http_body_util::{BodyExt as _, Full};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
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
use tokio::runtime::Handle;

use crate::privacy::bundles::units;

/// Timeout of a request to the collector, and of sending the last spans at shutdown.
const EXPORT_TIMEOUT: Duration = Duration::from_secs(5);

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

/// The data of a request that its span contains, from the request log.
pub struct RequestSpan<'a> {
    pub request_id: &'a str,
    pub received_at_ms: i64,
    pub processing_us: i64,
    pub status: i32,
    pub points: u64,
    pub points_requested: u64,
    pub microunits: i64,
    pub operation_name: Option<&'a str>,
    pub error_code: Option<&'a str>,
    pub key_id: Option<&'a str>,
    pub partner_id: Option<&'a str>,
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
    pub fn connect(endpoint: &str) -> anyhow::Result<Self> {
        let web = endpoint.starts_with("http://") || endpoint.starts_with("https://");
        // The endpoint may contain a password, so messages do not repeat it.
        ensure!(web, "OTEL_EXPORTER_OTLP_ENDPOINT must begin with http:// or https://");
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Collector::new())
            .with_endpoint(format!("{}/v1/traces", endpoint.trim_end_matches('/')))
            .with_timeout(EXPORT_TIMEOUT)
            .build()
            .map_err(|_| anyhow::anyhow!("OTEL_EXPORTER_OTLP_ENDPOINT is not a valid URL"))?;
        let resource = Resource::builder().with_service_name("spots-enrichment").build();
        let provider = SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build();
        Ok(Self { tracer: provider.tracer("spots-enrichment"), provider })
    }

    /// Queues the span of a request that has ended. Drops it if the queue is full.
    pub fn record(&self, request: &RequestSpan<'_>, origin: &Origin) {
        let time =
            |us: i64| -> SystemTime { UNIX_EPOCH + Duration::from_micros(u64::try_from(us).unwrap_or_default()) };
        let received_us = request.received_at_ms.saturating_mul(1_000);
        let text = |name: &'static str, value: Option<&str>| value.map(|value| KeyValue::new(name, value.to_owned()));
        let number = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        let mut attributes = vec![
            KeyValue::new("http.response.status_code", i64::from(request.status)),
            KeyValue::new("spots.request_id", request.request_id.to_owned()),
            KeyValue::new("spots.points", number(request.points)),
            KeyValue::new("spots.points_requested", number(request.points_requested)),
            KeyValue::new("spots.units", units(request.microunits)),
        ];
        attributes.extend(text("graphql.operation.name", request.operation_name));
        attributes.extend(text("error.type", request.error_code));
        attributes.extend(text("spots.key_id", request.key_id));
        attributes.extend(text("spots.partner_id", request.partner_id));
        let mut span = self
            .tracer
            .span_builder(origin.name.clone())
            .with_kind(SpanKind::Server)
            .with_start_time(time(received_us))
            .with_attributes(attributes)
            .start_with_context(&self.tracer, &origin.parent);
        if request.status >= 500 {
            span.set_status(Status::error(request.error_code.unwrap_or_default().to_owned()));
        }
        span.end_with_timestamp(time(received_us.saturating_add(request.processing_us)));
    }

    /// Sends the queued spans and shuts the exporter down. Blocks for at most `EXPORT_TIMEOUT`.
    pub fn finish(&self) {
        if self.provider.shutdown_with_timeout(EXPORT_TIMEOUT).is_err() {
            tracing::warn!("cannot send the last traces");
        }
    }
}

/// HTTP client for the collector. It ignores proxy settings of the environment and does not follow redirects. Logs when
/// the collector becomes unavailable and when it is available again.
struct Collector {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    /// The runtime of the server. The batch processor calls the client from a thread of its own.
    runtime: Handle,
    /// Whether the last batch failed, so that a failure is logged once.
    failing: AtomicBool,
}

impl Collector {
    fn new() -> Self {
        let connector = HttpsConnectorBuilder::new().with_webpki_roots().https_or_http().enable_http1().build();
        let client = Client::builder(TokioExecutor::new()).build(connector);
        Self { client, runtime: Handle::current(), failing: AtomicBool::new(false) }
    }
}

impl fmt::Debug for Collector {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Collector")
    }
}

#[async_trait]
impl HttpClient for Collector {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let client = self.client.clone();
        let exchange = async move {
            let (parts, body) = client.request(request.map(Full::new)).await?.into_parts();
            Ok::<_, HttpError>(Response::from_parts(parts, body.collect().await?.to_bytes()))
        };
        let exchange = self.runtime.spawn(async { tokio::time::timeout(EXPORT_TIMEOUT, exchange).await });
        let response = exchange.await.map_err(HttpError::from);
        let response = response.and_then(|response| response.map_err(HttpError::from)?);
        let arrived = response.as_ref().is_ok_and(|response| response.status().is_success());
        if self.failing.swap(!arrived, Ordering::Relaxed) == arrived {
            match (&response, arrived) {
                (_, true) => tracing::info!("the trace collector accepts traces again"),
                (Ok(response), _) => {
                    tracing::warn!(status = response.status().as_u16(), "the collector rejects traces");
                }
                (Err(_), _) => tracing::warn!("the trace collector cannot be reached; requests are not affected"),
            }
        }
        response
    }
}
