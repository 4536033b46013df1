//! The error type of requests. Its code is part of the API, its message is not.
//!
//! It intentionally does not implement `Display`: otherwise `?` on another error would compile in a resolver, lose the
//! code, and send its text (a database message, a path) to the caller.

use async_graphql::{ErrorExtensionValues, ServerError, Value};
use axum::http::StatusCode;
use graphql_limits::CostExceeded;

use super::{atom::Atom, clock::format_time, quota::LimitExceeded, scope::Scope};

mod budget;
mod database;
mod table;

pub use table::table;

/// Why a request, or one of its fields, failed.
#[derive(Clone, Debug, PartialEq)]
pub enum Error {
    /// Fault of the caller: the key is missing, unknown, revoked or malformed (indistinguishable for the caller). 401.
    AuthenticationFailed,
    /// Fault of the caller: the key was valid, but has expired. 401.
    ApiKeyExpired,
    /// Fault of the caller: the key lacks the scope that the field requires. The rest of the document is answered.
    Forbidden { required_scopes: &'static [Scope] },
    /// Fault of the caller: too many requests. 429 with `Retry-After`.
    RateLimitExceeded { limit: &'static str, allowed: u64, retry_after_s: u64 },
    /// Fault of the caller: the document costs more points than the key allows for one document. 400.
    QueryTooCostly(Box<CostExceeded>),
    /// Fault of the caller: the points of the minute or the day are used up. 429 with `Retry-After`.
    CostLimitExceeded { exceeded: LimitExceeded, cost: Box<CostExceeded> },
    /// Fault of the caller: not a valid GraphQL request. 400.
    InvalidRequest { message: String },
    /// Fault of the caller: the document does not parse, does not match the schema, or cannot be executed with the
    /// operation name and the variables. 400, or 200 if the media type of the response is `application/json`.
    InvalidDocument(Vec<ServerError>),
    /// Fault of the caller: the request names a document by a hash that this server does not know. Clients then send
    /// the document itself. 400, or 200 if the media type of the response is `application/json`.
    PersistedQueryNotFound,
    /// Fault of the caller: a version of persisted queries that this server does not know. Statuses as above.
    PersistedQueryNotSupported,
    /// Fault of the caller: the key may execute trusted documents only, and this is none. 403.
    DocumentNotTrusted,
    /// Fault of the caller: the body or the document is too large. 413.
    DocumentTooLarge { limit_bytes: usize },
    /// Fault of the caller: the request is nested too deeply. 400.
    DocumentTooDeep { what: &'static str, limit: usize },
    /// Fault of the caller: the request has too many elements of some kind. 400.
    DocumentTooComplex { what: &'static str, limit: usize },
    /// Fault of the caller: the body is not uncompressed JSON in UTF-8. 415.
    UnsupportedMediaType { message: &'static str },
    /// Fault of the caller: `Accept` allows none of the media types of responses. 406.
    NotAcceptable,
    /// Fault of the caller or the network: the body did not arrive in time. 408.
    BodyTimeout,
    /// Temporary fault of the server: the request timed out. 503.
    Timeout,
    /// Fault of the caller: the partner can see no segment with this slug.
    InvalidSegment { slug: String, suggestions: Vec<String> },
    /// Fault of the caller: the value of an argument is invalid. `field` is the argument.
    BadUserInput { field: String, message: String },
    /// Fault of the caller: a segment definition contains a term that is not in the vocabulary. `field` is the
    /// argument.
    NotInVocabulary { field: String, message: String },
    /// A privacy rule: too few people for a number to be released. The error does not contain their number.
    InsufficientData { reason: Reason },
    /// A privacy rule: the privacy budget of the key, or of all keys together (`of_region`), for the people of `atom`
    /// is used up for the current period. Enough units return at `returns_at` (Unix seconds).
    PrivacyBudgetExhausted { of_region: bool, atom: Atom, returns_at: Option<i64> },
    /// Fault of the caller: the path or document does not exist. 404.
    NotFound { what: String },
    /// Fault of the caller: the path or the operation does not allow the method. 405.
    MethodNotAllowed { allow: &'static str },
    /// Temporary fault of the server; the request can be retried. 503.
    Unavailable,
    /// Fault of the server. The cause is in the server's log under the request id. 500.
    Internal,
}

/// The rule that withholds a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The segment is below the size rule.
    BelowThreshold,
    /// A total is so small that noise or a few people could account for most of it.
    Dominance,
    /// The caller has viewed a segment that contains this one or is contained in it, and the sizes differ by less than
    /// the minimum difference.
    MinDifference,
    /// The segment is too small for the precision that was asked for. About `people` people would be needed.
    Precision { people: i64 },
}

impl Reason {
    /// The value of `extensions.reason`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::BelowThreshold => "BELOW_THRESHOLD",
            Self::Dominance => "DOMINANCE",
            Self::MinDifference => "MIN_DIFFERENCE",
            Self::Precision { .. } => "PRECISION",
        }
    }
}

/// The message of [`Error::NotAcceptable`].
const NOT_ACCEPTABLE: &str = "Responses are application/graphql-response+json or application/json. Accept one of them.";

impl Error {
    /// The error code, which is part of the API.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::AuthenticationFailed => "AUTHENTICATION_FAILED",
            Self::ApiKeyExpired => "API_KEY_EXPIRED",
            Self::Forbidden { .. } | Self::DocumentNotTrusted => "FORBIDDEN",
            Self::PersistedQueryNotFound => "PERSISTED_QUERY_NOT_FOUND",
            Self::PersistedQueryNotSupported => "PERSISTED_QUERY_NOT_SUPPORTED",
            Self::RateLimitExceeded { .. } => "RATE_LIMIT_EXCEEDED",
            Self::QueryTooCostly(_) => "QUERY_TOO_COSTLY",
            Self::CostLimitExceeded { .. } => "COST_LIMIT_EXCEEDED",
            Self::InvalidRequest { .. }
            | Self::InvalidDocument(_)
            | Self::MethodNotAllowed { .. }
            | Self::UnsupportedMediaType { .. }
            | Self::NotAcceptable => "INVALID_REQUEST",
            Self::DocumentTooDeep { .. } => "DOCUMENT_TOO_DEEP",
            Self::DocumentTooComplex { .. } => "DOCUMENT_TOO_COMPLEX",
            Self::BodyTimeout | Self::Timeout => "TIMEOUT",
            Self::DocumentTooLarge { .. } => "DOCUMENT_TOO_LARGE",
            Self::InvalidSegment { .. } => "INVALID_SEGMENT",
            Self::BadUserInput { .. } | Self::NotInVocabulary { .. } => "BAD_USER_INPUT",
            Self::InsufficientData { .. } => "INSUFFICIENT_DATA",
            Self::PrivacyBudgetExhausted { .. } => "PRIVACY_BUDGET_EXHAUSTED",
            Self::NotFound { .. } => "NOT_FOUND",
            Self::Unavailable => "UNAVAILABLE",
            Self::Internal => "INTERNAL_ERROR",
        }
    }

    /// The HTTP status of a response that consists of this error only.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::AuthenticationFailed | Self::ApiKeyExpired => StatusCode::UNAUTHORIZED,
            Self::Forbidden { .. } | Self::DocumentNotTrusted => StatusCode::FORBIDDEN,
            Self::RateLimitExceeded { .. } | Self::CostLimitExceeded { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::DocumentTooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::InvalidRequest { .. }
            | Self::InvalidDocument(_)
            | Self::PersistedQueryNotFound
            | Self::PersistedQueryNotSupported
            | Self::QueryTooCostly(_)
            | Self::DocumentTooDeep { .. }
            | Self::DocumentTooComplex { .. }
            | Self::BadUserInput { .. }
            | Self::NotInVocabulary { .. } => StatusCode::BAD_REQUEST,
            Self::UnsupportedMediaType { .. } => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::NotAcceptable => StatusCode::NOT_ACCEPTABLE,
            Self::BodyTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::MethodNotAllowed { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::NotFound { .. } => StatusCode::NOT_FOUND,
            Self::Unavailable | Self::Timeout => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::InvalidSegment { .. } | Self::InsufficientData { .. } | Self::PrivacyBudgetExhausted { .. } => {
                StatusCode::OK
            }
        }
    }

    /// Whether the error has the status 200 if the media type of the response is `application/json`, as older clients
    /// expect: the request is well-formed, and its document is at fault.
    #[must_use]
    pub fn is_ok_in_json(&self) -> bool {
        matches!(self, Self::InvalidDocument(_) | Self::PersistedQueryNotFound | Self::PersistedQueryNotSupported)
    }

    /// Seconds after which the same request may succeed, if they are known.
    #[must_use]
    pub fn retry_after_s(&self) -> Option<u64> {
        match self {
            Self::RateLimitExceeded { retry_after_s, .. } => Some(*retry_after_s),
            Self::CostLimitExceeded { exceeded, .. } => Some(exceeded.retry_after_s),
            Self::Unavailable | Self::Timeout => Some(1),
            _ => None,
        }
    }

    /// The message for people. It is not part of the API.
    #[must_use]
    pub fn message(&self) -> String {
        match self {
            Self::AuthenticationFailed => {
                "The API key is missing or not valid. Send it as `Authorization: Bearer KEY`.".to_owned()
            }
            Self::ApiKeyExpired => "This key has expired. Ask the operator for a new one.".to_owned(),
            Self::Forbidden { required_scopes } => {
                let names: Vec<_> = required_scopes.iter().map(|scope| scope.name()).collect();
                format!("This key lacks the scope {}.", names.join(" or "))
            }
            // Clients compare these two texts: they are part of the protocol.
            Self::PersistedQueryNotFound => "PersistedQueryNotFound".to_owned(),
            Self::PersistedQueryNotSupported => "PersistedQueryNotSupported".to_owned(),
            Self::DocumentNotTrusted => {
                "This key may execute trusted documents only. Ask the operator to add the document.".to_owned()
            }
            Self::RateLimitExceeded { limit, allowed, retry_after_s } => {
                format!("This key is limited to {allowed} requests per {limit}. Retry in {retry_after_s} s.")
            }
            Self::QueryTooCostly(exceeded) => format!(
                "This document costs {} points; the limit of this key is {} per document. \
                 Request fewer of the most expensive fields, or a smaller page.",
                exceeded.cost, exceeded.limit
            ),
            Self::CostLimitExceeded { exceeded, cost } => format!(
                "This document costs {} points, but only {} are available. Retry in {} s, or request less.",
                cost.cost, exceeded.available, exceeded.retry_after_s
            ),
            Self::InvalidRequest { message } => message.clone(),
            Self::InvalidDocument(errors) => {
                errors.first().map_or_else(|| "The document is not valid.".to_owned(), |error| error.message.clone())
            }
            Self::DocumentTooDeep { what, limit } => format!("Nested too deeply: at most {limit} {what}."),
            Self::DocumentTooComplex { what, limit } => format!("The document is too complex: at most {limit} {what}."),
            Self::UnsupportedMediaType { message } => (*message).to_owned(),
            Self::NotAcceptable => NOT_ACCEPTABLE.to_owned(),
            Self::BodyTimeout => "The request body did not arrive in time.".to_owned(),
            Self::Timeout => "The request timed out. Try again: releases that were computed are kept.".to_owned(),
            Self::DocumentTooLarge { limit_bytes } => format!("The request is too large: at most {limit_bytes} bytes."),
            Self::InvalidSegment { slug, suggestions } if suggestions.is_empty() => {
                format!("There is no segment {slug:?}.")
            }
            Self::InvalidSegment { slug, suggestions } => {
                format!("There is no segment {slug:?}. Did you mean {}?", suggestions.join(", "))
            }
            Self::BadUserInput { field, message } | Self::NotInVocabulary { field, message } => {
                format!("{field}: {message}")
            }
            Self::InsufficientData { reason: Reason::Dominance } => {
                "The total is so small that a few people could account for most of it. Use a larger segment.".to_owned()
            }
            Self::InsufficientData { reason: Reason::MinDifference } => {
                "This key has viewed a segment in the same window that contains this one or is contained in it, and \
                 their sizes differ by less than the minimum. Use a segment that differs by more people."
                    .to_owned()
            }
            Self::InsufficientData { reason: Reason::BelowThreshold } => {
                "Too few people to release numbers. Use a larger segment, or a longer window where there is a choice."
                    .to_owned()
            }
            Self::InsufficientData { reason: Reason::Precision { people } } => format!(
                "Too few people for numbers of the quality OK: about {people} are needed. Use a larger segment, or \
                 `precision: FINEST`, which costs the full price and gives numbers of the quality LOW."
            ),
            Self::PrivacyBudgetExhausted { of_region, atom, returns_at } => {
                budget::message(*of_region, atom, *returns_at)
            }
            Self::NotFound { what } => format!("There is no {what}."),
            Self::MethodNotAllowed { allow } => format!("Method not allowed. Use {allow}."),
            Self::Unavailable => "The server is temporarily unavailable. Try again in a moment.".to_owned(),
            Self::Internal => "Internal server error. Include the request id if you report it.".to_owned(),
        }
    }

    /// Sets the code and the details in `extensions`. The HTTP layer adds the request id and the link to the
    /// documentation.
    pub fn details(&self, extensions: &mut ErrorExtensionValues) {
        extensions.set("code", self.code());
        match self {
            Self::Forbidden { required_scopes } => {
                let names = required_scopes.iter().map(|scope| Value::from(scope.name())).collect();
                extensions.set("needs", Value::List(names));
            }
            Self::RateLimitExceeded { limit, allowed, retry_after_s } => {
                extensions.set("limit", *limit);
                extensions.set("allowed", *allowed);
                extensions.set("retryAfterSeconds", *retry_after_s);
            }
            Self::QueryTooCostly(exceeded) => {
                extensions.set("limit", exceeded.limit);
                set_cost(extensions, exceeded);
            }
            Self::CostLimitExceeded { exceeded, cost } => {
                extensions.set("limit", exceeded.limit);
                extensions.set("allowed", exceeded.allowed);
                extensions.set("available", exceeded.available);
                extensions.set("retryAfterSeconds", exceeded.retry_after_s);
                set_cost(extensions, cost);
            }
            Self::DocumentTooLarge { limit_bytes: limit }
            | Self::DocumentTooDeep { limit, .. }
            | Self::DocumentTooComplex { limit, .. } => extensions.set("limit", *limit),
            Self::InvalidSegment { suggestions, .. } => {
                extensions.set("suggestions", Value::List(suggestions.iter().cloned().map(Value::from).collect()));
            }
            Self::BadUserInput { field, .. } => extensions.set("field", field.clone()),
            Self::NotInVocabulary { field, .. } => {
                extensions.set("field", field.clone());
                extensions.set("reason", "VOCABULARY");
            }
            Self::InsufficientData { reason } => {
                extensions.set("reason", reason.name());
                if let Reason::Precision { people } = reason {
                    extensions.set("peopleNeeded", *people);
                }
            }
            Self::PrivacyBudgetExhausted { of_region, atom, returns_at } => {
                extensions.set("whose", if *of_region { "region" } else { "key" });
                extensions.set("reason", if *of_region { "REGION_BUDGET" } else { "KEY_BUDGET" });
                extensions.set("region", atom.region.clone());
                extensions.set("ageBand", atom.band_name());
                if let Some(at) = returns_at {
                    extensions.set("returnsAt", format_time(*at));
                }
            }
            Self::Unavailable | Self::Timeout => extensions.set("retryable", true),
            _ => {}
        }
    }

    /// Creates the error for an invalid argument.
    pub fn input(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::BadUserInput { field: field.into(), message: message.into() }
    }

    /// Replaces the prefix `old` of the error's field by `new`, for a value that was passed in another argument.
    #[must_use]
    pub fn of_argument(mut self, old: &str, new: &str) -> Self {
        if let Self::BadUserInput { field, .. } | Self::NotInVocabulary { field, .. } = &mut self
            && let Some(rest) = field.strip_prefix(old)
        {
            *field = format!("{new}{rest}");
        }
        self
    }

    /// Creates the error for a segment that is below the size threshold.
    #[must_use]
    pub fn below_threshold() -> Self {
        Self::InsufficientData { reason: Reason::BelowThreshold }
    }

    /// Creates the error for a segment that overlaps a viewed one and differs from it by less than the minimum
    /// difference.
    #[must_use]
    pub fn minimum_difference() -> Self {
        Self::InsufficientData { reason: Reason::MinDifference }
    }

    /// Converts the error for output on the command line.
    #[must_use]
    pub fn into_anyhow(self) -> anyhow::Error {
        anyhow::anyhow!(self.message())
    }

    /// Logs a cause that the caller must not see, under the request id, and returns [`Self::Internal`].
    pub fn internal(cause: impl std::fmt::Display) -> Self {
        tracing::error!(%cause, "request failed");
        Self::Internal
    }
}

/// Sets the cost, the most expensive fields, and the page size that would be within the limit.
fn set_cost(extensions: &mut ErrorExtensionValues, exceeded: &CostExceeded) {
    extensions.set("cost", exceeded.cost);
    extensions.set("dearestPaths", async_graphql::to_value(&exceeded.most_expensive).unwrap_or(Value::Null));
    extensions.set("largestPage", async_graphql::to_value(&exceeded.fits).unwrap_or(Value::Null));
}

impl From<graphql_limits::Error> for Error {
    fn from(error: graphql_limits::Error) -> Self {
        use graphql_limits::Error as Limit;
        match error {
            Limit::TooLarge { limit_bytes } => Self::DocumentTooLarge { limit_bytes },
            Limit::TooDeep { what, limit } => Self::DocumentTooDeep { what, limit },
            Limit::TooComplex { what, limit } => Self::DocumentTooComplex { what, limit },
            Limit::InvalidDocument(errors) => Self::InvalidDocument(errors),
            Limit::InvalidArgument { argument, message } => Self::input(argument, message),
        }
    }
}

impl From<Error> for async_graphql::Error {
    fn from(error: Error) -> Self {
        let mut extensions = ErrorExtensionValues::default();
        error.details(&mut extensions);
        Self { message: error.message(), source: None, extensions: Some(extensions) }
    }
}
