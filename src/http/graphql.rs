//! The endpoint `/graphql`. A request is authenticated, read, normalized, priced, charged against the limits, executed
//! and settled, in this order.

use std::sync::Arc;

use async_graphql::{Request as Execution, Value, parser::types::OperationType};
use axum::{
    Extension,
    body::{Body, HttpBody as _},
    extract::{Request, State as AxumState},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, request::Parts},
    response::Response,
};
use sha2::{Digest, Sha256};
use tokio::time::{Duration, Instant, sleep_until, timeout};

use super::{
    accept::Format,
    answer,
    ask::{self, Asked},
    documents::{self, Priced},
};
use crate::{
    auth::{ApiKey, Caller, Limits, Scope},
    cost::{self, Bill},
    document::{self, Normal},
    error::Error,
    log::Open,
    quota::{Ask, Left, Refusal, Refused, Reservation},
    session::Session,
    state::State,
};

/// The response to an invalid key is delayed to a multiple of this, so that timing does not reveal why the key is
/// invalid.
const REFUSAL_STEP: Duration = Duration::from_millis(10);
/// Response header that is `local` while limits are kept per server.
const QUOTA_SOURCE: HeaderName = HeaderName::from_static("x-quota-source");
/// Maximum number of entries in `extensions.cost.byPath`.
const MOST_PATHS: usize = 100;

/// Handles a request to `/graphql`.
pub async fn handle(
    AxumState(state): AxumState<State>,
    Extension(open): Extension<Open>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let (mut limits, mut body) = (HeaderMap::new(), Some(body));
    let (format, answer) = match Format::negotiate(&parts.headers) {
        Ok(format) => (format, answer(&state, &open, &parts, &mut body, format, &mut limits).await),
        Err(error) => (Format::Json, Err(error)),
    };
    let mut response = answer.unwrap_or_else(|error| answer::refuse(&error, format, &open));
    response.headers_mut().extend(limits);
    let whole = match body {
        Some(body) => ask::discard(&parts.headers, body, state.timeouts.body).await,
        None => response.status() != StatusCode::REQUEST_TIMEOUT,
    };
    if !whole {
        answer::close(&mut response, parts.version);
    }
    response
}

async fn answer(
    state: &State,
    open: &Open,
    parts: &Parts,
    body: &mut Option<Body>,
    format: Format,
    headers: &mut HeaderMap,
) -> Result<Response, Error> {
    let caller = authenticate(state, &parts.headers).await?;
    if !caller.is_public() {
        open.note(|entry| {
            entry.key_id = Some(caller.key_id.clone());
            entry.partner_id = Some(caller.partner_id.clone());
        });
    }
    if let Some(refused) = state.lately.of(&caller.account, state.clock.now_ms()) {
        return Err(refuse(headers, &refused, None));
    }
    if let Some(refusal) = state.lately.brake(&caller.account, &caller.limits, state.clock.now_ms()) {
        return Err(refuse_by(refusal, None));
    }
    let limit = if caller.scopes.contains(&Scope::Catalog) { ask::CATALOG_BODY_LIMIT } else { ask::BODY_LIMIT };
    // A body of unknown length counts with the maximum length.
    let announced = body.as_ref().and_then(|body| usize::try_from(body.size_hint().exact()?).ok());
    let bytes = announced.unwrap_or(limit).min(limit);
    let _place = state.places.take(&caller.account, bytes).ok_or(Error::Unavailable)?;
    let asked = ask::read(parts, body, limit, state.timeouts.body).await;
    if let Ok(asked) = &asked {
        note(asked, open);
    }
    // A worker is taken only after the body has arrived, so that slow clients do not occupy workers.
    let _worker = state.workers.try_acquire().map_err(|_| Error::Unavailable)?;
    let running = run(state, open, parts, &caller, asked, format, headers);
    timeout(state.timeouts.request, running).await.unwrap_or(Err(Error::Timeout))
}

/// Authenticates the caller. Without a key, returns the public caller if introspection is public.
async fn authenticate(state: &State, headers: &HeaderMap) -> Result<Arc<Caller>, Error> {
    if state.public_introspection && ApiKey::is_missing(headers) {
        return Ok(Arc::new(Caller::public()));
    }
    let arrived = Instant::now();
    let caller = state.directory.authenticate(headers, state.clock.now()).await;
    if caller == Err(Error::AuthenticationFailed) {
        let steps = arrived.elapsed().as_micros() / REFUSAL_STEP.as_micros() + 1;
        sleep_until(arrived + REFUSAL_STEP * u32::try_from(steps).unwrap_or(1)).await;
    }
    caller
}

fn note(asked: &Asked, open: &Open) {
    open.note(|entry| {
        entry.operation_name = asked.operation_name.as_ref().map(|name| {
            // A valid name has no control characters, and PostgreSQL rejects NUL.
            name.chars().filter(|letter| !letter.is_control()).take(100).collect()
        });
        entry.document_hash = Some(hex::encode(Sha256::digest(&asked.document)));
    });
}

async fn run(
    state: &State,
    open: &Open,
    parts: &Parts,
    caller: &Caller,
    asked: Result<Asked, Error>,
    format: Format,
    headers: &mut HeaderMap,
) -> Result<Response, Error> {
    let priced = match asked {
        Ok(asked) => price(state, open, caller, parts, asked).await,
        Err(error) => Err(error),
    };
    if let Err(error @ Error::QueryTooCostly(_)) = priced {
        // Over the limit for one document: the other limits are not charged. Such rejections have a limit of their own.
        state.lately.note_unpaid(&caller.account, state.clock.now_ms());
        return Err(error);
    }
    // An invalid request counts as one request with 0 points, because it caused work.
    let points = priced.as_ref().map_or(0, |priced| priced.bill.points);
    let ask = Ask { account: caller.account.clone(), limits: caller.limits, points };
    let reservation = Reservation::take(&state.quotas, &state.clock, &ask).await;
    let reservation = reservation.map_err(|refused| {
        let now_ms = state.clock.now_ms();
        state.lately.note(&caller.account, &refused, now_ms);
        state.lately.note_unpaid(&caller.account, now_ms);
        refuse(headers, &refused, priced.as_ref().ok().map(|priced| &priced.bill))
    })?;
    open.note(|entry| (entry.admitted, entry.points_requested) = (true, points));
    let (limits, emergency) = (reservation.limits(), reservation.is_emergency());
    say_limits(headers, &limits, &reservation.left(), emergency);
    let Priced { document, bill, .. } = &*priced?;

    let mut execution = Execution::new("");
    execution.set_parsed_query(document.executable());
    let (mut response, paid) = if caller.is_public() {
        (state.schema.execute(execution).await, None)
    } else {
        let session = Session::open(state.clone(), caller.clone(), &reservation);
        let (batches, paid_mu) = (Arc::clone(&session.batches), Arc::clone(&session.paid_mu));
        let paid = open.counts_when_dropped(&paid_mu, &reservation.begun());
        (batches.drive(state.schema.execute(execution.data(session))).await, Some(paid))
    };

    let answered = cost::settle(document, &state.shape, std::mem::take(&mut response.data), &response.errors);
    let actual = answered.points.min(points);
    drop(paid);
    open.note(|entry| entry.points = actual);
    let left = reservation.settle(actual);
    say_limits(headers, &limits, &left, emergency);
    let debug = parts.headers.get("x-cost-debug").is_some_and(|value| value == "1");
    let cost = report(bill, actual, &limits, &left, debug);
    Ok(answer::data(answered.data, response.errors, cost, format, open))
}

/// Parses, normalizes and prices a document, or returns the cached result.
async fn price(state: &State, open: &Open, caller: &Caller, parts: &Parts, asked: Asked) -> Result<Arc<Priced>, Error> {
    let key = documents::key(&caller.account, &asked.text);
    let priced = if let Some(priced) = state.documents.find(&key) {
        permit(&priced.document, open, caller, parts)?;
        priced
    } else {
        let name = asked.operation_name.as_deref();
        let document = document::read(&asked.document, name, asked.variables, &state.checker).await?;
        permit(&document, open, caller, parts)?;
        let bill = cost::price(&document, &state.shape)?;
        let priced = Arc::new(Priced::new(document, bill));
        state.documents.keep(key, &priced);
        priced
    };
    let limit = caller.limits.largest_query();
    if priced.bill.points > limit {
        return Err(Error::QueryTooCostly(priced.bill.costly(limit)));
    }
    Ok(priced)
}

/// Rejects mutations that are not sent by POST, subscriptions, and for callers without a key everything except
/// introspection.
fn permit(document: &Normal, open: &Open, caller: &Caller, parts: &Parts) -> Result<(), Error> {
    open.note(|entry| entry.operation_name = document.name.as_ref().map(|name| name.chars().take(100).collect()));
    match document.kind {
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
    if caller.is_public() && !document.selections.iter().all(|selected| selected.name.starts_with("__")) {
        return Err(Error::AuthenticationFailed);
    }
    Ok(())
}

/// Sets the headers that show the limits in force and what is left of them.
fn say_limits(headers: &mut HeaderMap, limits: &Limits, left: &Left, emergency: bool) {
    answer::rate_limit_headers(headers, limits, left);
    if emergency {
        headers.insert(QUOTA_SOURCE, HeaderValue::from_static("local"));
    }
}

/// Converts a rejection by a limit into headers and into an error that states what would fit and when.
fn refuse(headers: &mut HeaderMap, refused: &Refused, bill: Option<&Bill>) -> Error {
    match refused {
        Refused::Limit { refusal, limits, left, emergency } => {
            say_limits(headers, limits, left, *emergency);
            refuse_by(*refusal, bill)
        }
        Refused::Unavailable => Error::Unavailable,
    }
}

fn refuse_by(refusal: Refusal, bill: Option<&Bill>) -> Error {
    match bill {
        Some(bill) if refusal.limit.starts_with("points") => {
            Error::CostLimitExceeded { refusal, costly: bill.costly(refusal.available) }
        }
        _ => {
            let Refusal { limit, allowed, retry_after_s, .. } = refusal;
            Error::RateLimitExceeded { limit, allowed, retry_after_s }
        }
    }
}

/// The value of `extensions.cost`.
fn report(bill: &Bill, actual: u64, limits: &Limits, left: &Left, debug: bool) -> Value {
    let mut cost = serde_json::json!({
        "requested": bill.points,
        "actual": actual,
        "maxQueryPoints": limits.largest_query(),
        "limit": limits.points_per_minute,
        "available": left.points.left,
        "restoreRate": limits.points_per_minute as f64 / 60.0,
    });
    if debug {
        cost["byPath"] = serde_json::json!(bill.dearest(MOST_PATHS));
    }
    Value::from_json(cost).unwrap_or(Value::Null)
}
