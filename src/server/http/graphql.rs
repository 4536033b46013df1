//! The endpoint `/graphql`. A request is authenticated, read, normalized, priced, charged against the limits, executed
//! and settled, in this order.

use std::sync::{Arc, atomic::Ordering};

use async_graphql::{Request as Execution, ServerError, Value, parser::types::OperationType};
use axum::{
    Extension,
    body::{Body, HttpBody as _},
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, request::Parts},
    response::Response,
};
use graphql_limits::{CostEstimate, NormalizedOperation, settle::settle};
use tokio::time::{Duration, Instant, sleep_until, timeout};

use super::{
    negotiation::Format,
    request::{self, GraphqlRequest},
    response,
};
use crate::{
    domain::{error::Error, key::Limits, quota::LimitExceeded, scope::Scope},
    gate::{
        BODY_LIMIT, CATALOG_BODY_LIMIT,
        auth::{ApiKey, Caller},
        documents::{PricedDocument, cache_key},
        persisted::{DocumentSource, document_hash},
        quota::{Remaining, Reservation, ReservationRequest, ReserveError},
    },
    graphql::context::RequestContext,
    privacy::bundles::units,
    server::{request_log::RequestLogHandle, state::AppState},
};

/// The response to an invalid key is delayed to a multiple of this, so that timing does not reveal why the key is
/// invalid.
const AUTHENTICATION_STEP: Duration = Duration::from_millis(10);
/// Response header that is `local` while limits are kept per server.
const QUOTA_SOURCE: HeaderName = HeaderName::from_static("x-quota-source");
/// Maximum number of entries in `extensions.cost.byPath`.
const MAX_PATHS: usize = 100;
/// Maximum length of an operation name in the log, in characters.
const MAX_LOGGED_NAME_CHARS: usize = 100;

/// Handles a request to `/graphql`.
pub async fn handle(
    State(state): State<AppState>,
    Extension(log): Extension<RequestLogHandle>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let (mut limits, mut body) = (HeaderMap::new(), Some(body));
    let (format, result) = match Format::negotiate(&parts.headers) {
        Ok(format) => (format, answer(&state, &log, &parts, &mut body, format, &mut limits).await),
        Err(error) => (Format::Json, Err(error)),
    };
    let mut response = result.unwrap_or_else(|error| response::error(&error, format, &log));
    response.headers_mut().extend(limits);
    let is_complete = match body {
        // A body that is known to be too large is not waited for: its rest is discarded while the response is sent.
        Some(body) if response.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            let (headers, timeout) = (parts.headers.clone(), state.timeouts.body);
            tokio::spawn(async move { request::discard(&headers, body, timeout).await });
            false
        }
        Some(body) => request::discard(&parts.headers, body, state.timeouts.body).await,
        None => response.status() != StatusCode::REQUEST_TIMEOUT,
    };
    if !is_complete {
        response::close(&mut response, parts.version);
    }
    response
}

/// Authenticates a request, reads its body, and processes it.
async fn answer(
    state: &AppState,
    log: &RequestLogHandle,
    parts: &Parts,
    body: &mut Option<Body>,
    format: Format,
    headers: &mut HeaderMap,
) -> Result<Response, Error> {
    let caller = authenticate(state, &parts.headers).await?;
    if !caller.is_public() {
        log.update(|entry| {
            entry.key_id = Some(caller.key_id.clone());
            entry.partner_id = Some(caller.partner_id.clone());
        });
    }
    if let Some(rejected) = state.refusals.find(&caller.account, state.now_ms()) {
        return Err(reject(headers, &rejected, None));
    }
    if let Some(exceeded) = state.refusals.uncharged_limit(&caller.account, &caller.limits, state.now_ms()) {
        return Err(limit_error(exceeded, None));
    }
    let limit = if caller.scopes.contains(&Scope::Catalog) { CATALOG_BODY_LIMIT } else { BODY_LIMIT };
    // A body of unknown length counts with the maximum length.
    let declared = body.as_ref().and_then(|body| usize::try_from(body.size_hint().exact()?).ok());
    let bytes = declared.unwrap_or(limit).min(limit);
    let _permit = state.in_flight.take(&caller.account, bytes).ok_or(Error::Unavailable)?;
    let request = request::read(parts, body, limit, state.timeouts.body).await;
    if let Ok(request) = &request {
        log_request(request, log);
    }
    // A worker is taken only after the body has arrived, so that slow clients do not occupy workers.
    let _worker = state.workers.try_acquire().map_err(|_| Error::Unavailable)?;
    let processing = process(state, log, parts, &caller, request, format, headers);
    timeout(state.timeouts.request, processing).await.unwrap_or(Err(Error::Timeout))
}

/// Authenticates the caller. Without a key, returns the public caller if introspection is public.
async fn authenticate(state: &AppState, headers: &HeaderMap) -> Result<Arc<Caller>, Error> {
    if state.public_introspection && ApiKey::is_missing(headers) {
        return Ok(Arc::new(Caller::public()));
    }
    let arrived = Instant::now();
    let caller = state.directory.authenticate(headers, state.services.clock.now()).await;
    if caller == Err(Error::AuthenticationFailed) {
        let steps = arrived.elapsed().as_micros() / AUTHENTICATION_STEP.as_micros() + 1;
        sleep_until(arrived + AUTHENTICATION_STEP * u32::try_from(steps).unwrap_or(1)).await;
    }
    caller
}

fn log_request(request: &GraphqlRequest, log: &RequestLogHandle) {
    log.update(|entry| {
        entry.operation_name = request.operation_name.as_ref().map(|name| {
            // A valid name has no control characters, and PostgreSQL rejects NUL.
            name.chars().filter(|character| !character.is_control()).take(MAX_LOGGED_NAME_CHARS).collect()
        });
        entry.document_hash = Some(match &request.document {
            DocumentSource::Text(text) => document_hash(text),
            DocumentSource::Hash(hash) | DocumentSource::Register { hash, .. } => hash.clone(),
        });
    });
}

/// Prices a request, reserves its points, executes it and settles the reservation.
async fn process(
    state: &AppState,
    log: &RequestLogHandle,
    parts: &Parts,
    caller: &Caller,
    request: Result<GraphqlRequest, Error>,
    format: Format,
    headers: &mut HeaderMap,
) -> Result<Response, Error> {
    let priced = match request {
        Ok(request) => price(state, log, caller, parts, request).await,
        Err(error) => Err(error),
    };
    if let Err(error @ Error::QueryTooCostly(_)) = priced {
        // Over the limit for one document: the other limits are not charged. Such rejections have a limit of their own.
        state.refusals.count_uncharged(&caller.account, state.now_ms());
        return Err(error);
    }
    // An invalid request counts as one request with 0 points, because it caused work.
    let points = priced.as_ref().map_or(0, |priced| priced.cost.points.points);
    let reservation = reserve(state, caller, points).await;
    let reservation = reservation
        .map_err(|rejected| reject(headers, &rejected, priced.as_ref().ok().map(|priced| &priced.cost.points)))?;
    log.update(|entry| (entry.admitted, entry.points_requested) = (true, points));
    let (limits, emergency) = (reservation.limits(), reservation.is_emergency());
    set_limit_headers(headers, &limits, &reservation.remaining(), emergency);
    let priced = priced?;

    let (data, errors, charged_microunits) = execute(state, log, caller, &priced.operation, &reservation).await?;
    let is_free = |error: &ServerError| {
        let code = error.extensions.as_ref().and_then(|extensions| extensions.get("code"));
        // A field for which the key lacks the scope costs nothing.
        code == Some(&Value::from(Error::Forbidden { required_scopes: &[] }.code()))
    };
    let settled = settle(&priced.operation, state.services.documents.schema(), data, &errors, is_free);
    let actual = settled.points.min(points);
    log.update(|entry| entry.points = actual);
    let remaining = reservation.settle(actual);
    set_limit_headers(headers, &limits, &remaining, emergency);
    let is_debug = parts.headers.get("x-cost-debug").is_some_and(|value| value == "1");
    let mut extensions = vec![("cost", cost_extension(&priced.cost.points, actual, &limits, &remaining, is_debug))];
    if !caller.is_public() {
        extensions.push(("privacy", privacy_extension(state, caller, charged_microunits).await?));
    }
    Ok(response::data(settled.data, errors, extensions, format, log))
}

/// Parses, normalizes and prices a document, or returns the cached result.
async fn price(
    state: &AppState,
    log: &RequestLogHandle,
    caller: &Caller,
    parts: &Parts,
    request: GraphqlRequest,
) -> Result<Arc<PricedDocument>, Error> {
    // First, because a document that was removed must not be found in the cache.
    let text = state.persisted.resolve(caller, &request.document).await?;
    let key = cache_key(&caller.account, &request.text);
    let priced = if let Some(priced) = state.documents.find(&key) {
        permit(&priced.operation, log, caller, parts)?;
        priced
    } else {
        let (name, reader) = (request.operation_name.as_deref(), &state.services.documents);
        let operation = reader.normalize(&text, name, request.variables).await?;
        permit(&operation, log, caller, parts)?;
        let priced = Arc::new(reader.price(operation)?);
        state.documents.insert(key, &priced);
        state.persisted.register(caller, &request.document);
        priced
    };
    let limit = caller.limits.max_document_points();
    if priced.cost.points.points > limit {
        return Err(Error::QueryTooCostly(priced.cost.points.exceeding(limit)));
    }
    Ok(priced)
}

/// Rejects mutations that are not sent by POST, subscriptions, and for callers without a key everything except
/// introspection.
fn permit(
    operation: &NormalizedOperation,
    log: &RequestLogHandle,
    caller: &Caller,
    parts: &Parts,
) -> Result<(), Error> {
    let name = operation.name.as_ref().map(|name| name.chars().take(MAX_LOGGED_NAME_CHARS).collect());
    log.update(|entry| entry.operation_name = name);
    match operation.kind {
        OperationType::Mutation if parts.method != Method::POST => {
            return Err(Error::MethodNotAllowed { allow: "POST" });
        }
        OperationType::Subscription => {
            return Err(Error::InvalidRequest {
                message: "Subscriptions are not supported: the data changes weekly.".to_owned(),
            });
        }
        _ => {}
    }
    if caller.is_public() && !operation.selections.iter().all(|field| field.name.starts_with("__")) {
        return Err(Error::AuthenticationFailed);
    }
    Ok(())
}

/// Reserves one request and its points. A rejection is cached and counted.
async fn reserve(state: &AppState, caller: &Caller, points: u64) -> Result<Reservation, ReserveError> {
    let request = ReservationRequest { account: caller.account.clone(), limits: caller.limits, points };
    let reservation = Reservation::take(&state.quotas, &state.services.clock, &request).await;
    if let Err(rejected) = &reservation {
        let now_ms = state.now_ms();
        state.refusals.insert(&caller.account, rejected, now_ms);
        state.refusals.count_uncharged(&caller.account, now_ms);
    }
    reservation
}

/// Executes an operation. Returns its data, its errors, and the privacy units charged, in microunits.
async fn execute(
    state: &AppState,
    log: &RequestLogHandle,
    caller: &Caller,
    operation: &NormalizedOperation,
    reservation: &Reservation,
) -> Result<(Value, Vec<ServerError>, i64), Error> {
    let mut execution = Execution::new("");
    execution.set_parsed_query(operation.executable());
    let (response, charged_microunits) = if caller.is_public() {
        (state.schema.execute(execution).await, 0)
    } else {
        let services = Arc::clone(&state.services);
        let context = RequestContext::new(services, caller.clone(), state.epoch.get(), reservation).await?;
        let (batches, charged) = (Arc::clone(&context.batches), Arc::clone(&context.charged_microunits));
        // Also records what was used if the request times out or the client disconnects.
        let _usage = log.record_usage_on_drop(&charged, &reservation.started_points());
        let response = batches.drive(state.schema.execute(execution.data(context))).await;
        (response, charged.load(Ordering::Relaxed))
    };
    Ok((response.data, response.errors, charged_microunits))
}

/// Sets the headers that show the limits in force and what is left of them.
fn set_limit_headers(headers: &mut HeaderMap, limits: &Limits, remaining: &Remaining, emergency: bool) {
    response::rate_limit_headers(headers, limits, remaining);
    if emergency {
        headers.insert(QUOTA_SOURCE, HeaderValue::from_static("local"));
    }
}

/// Converts a rejection by a limit into headers and into an error that states what would fit and when.
fn reject(headers: &mut HeaderMap, rejected: &ReserveError, cost: Option<&CostEstimate>) -> Error {
    match rejected {
        ReserveError::Limit { exceeded, limits, remaining, emergency } => {
            set_limit_headers(headers, limits, remaining, *emergency);
            limit_error(*exceeded, cost)
        }
        ReserveError::Unavailable => Error::Unavailable,
    }
}

fn limit_error(exceeded: LimitExceeded, cost: Option<&CostEstimate>) -> Error {
    match cost {
        Some(cost) if exceeded.limit.starts_with("points") => {
            Error::CostLimitExceeded { exceeded, cost: cost.exceeding(exceeded.available) }
        }
        _ => {
            let LimitExceeded { limit, allowed, retry_after_s, .. } = exceeded;
            Error::RateLimitExceeded { limit, allowed, retry_after_s }
        }
    }
}

/// The value of `extensions.privacy`: the units that the response cost, and what is left of the age band and region of
/// which the key has spent the most.
async fn privacy_extension(state: &AppState, caller: &Caller, charged_microunits: i64) -> Result<Value, Error> {
    let budget = state.services.releases.recent_budget(&caller.account).await?;
    let tightest =
        budget.spent.first().map(|(atom, _)| serde_json::json!({ "region": atom.region, "ageBand": atom.band_name() }));
    let mut privacy = serde_json::json!({
        "charged": units(charged_microunits),
        "left": units(budget.left_microunits()),
        "tightest": tightest,
    });
    if caller.test_mode {
        privacy["test"] = true.into();
    }
    Ok(Value::from_json(privacy).unwrap_or(Value::Null))
}

/// The value of `extensions.cost`.
fn cost_extension(
    estimate: &CostEstimate,
    actual: u64,
    limits: &Limits,
    remaining: &Remaining,
    is_debug: bool,
) -> Value {
    let mut cost = serde_json::json!({
        "requested": estimate.points,
        "actual": actual,
        "maxQueryPoints": limits.max_document_points(),
        "limit": limits.points_per_minute,
        "available": remaining.points.left,
        "restoreRate": limits.points_per_minute as f64 / 60.0,
    });
    if is_debug {
        cost["byPath"] = serde_json::json!(estimate.most_expensive(MAX_PATHS));
    }
    Value::from_json(cost).unwrap_or(Value::Null)
}
