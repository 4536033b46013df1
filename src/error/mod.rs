//! The one error of a request. Its code is API, its text is not.
//!
//! There is no `Display`, on purpose: `?` on a stray error would otherwise compile in a resolver, drop the code and
//! send the text (a database message, a path) to the caller.

use async_graphql::{ErrorExtensionValues, ServerError, Value};
use axum::http::StatusCode;
use sea_orm::DbErr;

use crate::{auth::Scope, clock::format_time, cost::Costly, quota::Refusal};

mod table;

pub use table::table;

/// Why a request, or a field of it, was not answered.
#[derive(Clone, Debug, PartialEq)]
pub enum Error {
    /// The caller's fault: no key, or one that is unknown, revoked or malformed (all three look the same). 401.
    AuthenticationFailed,
    /// The caller's fault: the key was good once. 401.
    ApiKeyExpired,
    /// The key lacks the scope that the field needs; the rest of the document is answered.
    Forbidden { needs: &'static [Scope] },
    /// The caller's fault: too many requests. 429 with `Retry-After`.
    RateLimitExceeded { limit: &'static str, allowed: u64, retry_after_s: u64 },
    /// The caller's fault: the document costs more than the key may spend on one. 400.
    QueryTooCostly(Box<Costly>),
    /// The caller's fault: the points of a minute or a day are spent. 429 with `Retry-After`.
    CostLimitExceeded { refusal: Refusal, costly: Box<Costly> },
    /// The caller's fault: not a GraphQL request. 400.
    InvalidRequest { message: String },
    /// The caller's fault: the document does not parse, or does not fit the schema. 400, or 200 for a client that
    /// accepts `application/json` only.
    InvalidDocument(Vec<ServerError>),
    /// The caller's fault: the body is over the limit. 413.
    DocumentTooLarge { limit_bytes: usize },
    /// The caller's fault: nested too deep. 400.
    DocumentTooDeep { what: &'static str, limit: usize },
    /// The caller's fault: too much of something. 400.
    DocumentTooComplex { what: &'static str, limit: usize },
    /// The caller's fault: a body that is not plain JSON. 415.
    UnsupportedMediaType { message: &'static str },
    /// The caller's fault: it accepts no kind of answer that there is. 406.
    NotAcceptable,
    /// The caller's fault: the body did not come in time. 408.
    BodyTimeout,
    /// Our fault, passing: the answer took too long. 503.
    Timeout,
    /// The caller's fault: no such segment for this partner.
    InvalidSegment { slug: String, suggestions: Vec<String> },
    /// The caller's fault: an argument; the field is named.
    BadUserInput { field: String, message: String },
    /// The caller's fault: a word of a definition that the vocabulary does not hold; the field is named.
    NotInVocabulary { field: String, message: String },
    /// Nobody's fault: too few people for a number to be published. Never says how many.
    InsufficientData { reason: Reason },
    /// Nobody's fault: what may be asked in a time was asked, by the key or, of a region, by all keys together;
    /// `returns_at` is Unix seconds.
    PrivacyBudgetExhausted { region: Option<String>, returns_at: i64 },
    /// The path or thing does not exist.
    NotFound { what: String },
    /// The method does not fit the path or the operation. 405.
    MethodNotAllowed { allow: &'static str },
    /// Our fault, passing: try again.
    Unavailable,
    /// Our fault. The cause is in the server's log under the request's id.
    Internal,
}

/// Why there is too little data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The segment is below the size rule.
    BelowThreshold,
    /// A total is so small that noise or few people make most of it.
    Dominance,
    /// The caller has seen a segment inside or around this one of nearly the same size.
    MinDifference,
}

impl Reason {
    /// The word in `extensions.reason`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::BelowThreshold => "BELOW_THRESHOLD",
            Self::Dominance => "DOMINANCE",
            Self::MinDifference => "MIN_DIFFERENCE",
        }
    }
}

impl Error {
    /// The code that callers may rely on.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::AuthenticationFailed => "AUTHENTICATION_FAILED",
            Self::ApiKeyExpired => "API_KEY_EXPIRED",
            Self::Forbidden { .. } => "FORBIDDEN",
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

    /// The status of a response that is nothing but this error.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::AuthenticationFailed | Self::ApiKeyExpired => StatusCode::UNAUTHORIZED,
            Self::Forbidden { .. } => StatusCode::FORBIDDEN,
            Self::RateLimitExceeded { .. } | Self::CostLimitExceeded { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::DocumentTooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::InvalidRequest { .. }
            | Self::InvalidDocument(_)
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

    /// Whole seconds after which the same request may do better, where that is known.
    #[must_use]
    pub fn retry_after_s(&self) -> Option<u64> {
        match self {
            Self::RateLimitExceeded { retry_after_s, .. } => Some(*retry_after_s),
            Self::CostLimitExceeded { refusal, .. } => Some(refusal.retry_after_s),
            Self::Unavailable | Self::Timeout => Some(1),
            _ => None,
        }
    }

    /// What a person reads.
    #[must_use]
    pub fn message(&self) -> String {
        match self {
            Self::AuthenticationFailed => {
                "This key is not valid here. Send it as `Authorization: Bearer KEY`.".to_owned()
            }
            Self::ApiKeyExpired => "This key has expired. Ask the operator for a new one.".to_owned(),
            Self::Forbidden { needs } => {
                let names: Vec<_> = needs.iter().map(|scope| scope.word()).collect();
                format!("This key lacks the scope {}.", names.join(" or "))
            }
            Self::RateLimitExceeded { limit, allowed, retry_after_s } => format!(
                "This key may make {allowed} requests a {limit}; the next one is possible in {retry_after_s} s."
            ),
            Self::QueryTooCostly(costly) => format!(
                "This document costs {} points; this key may spend {} on one. \
                 Ask for less where it is dearest, or for a smaller page.",
                costly.cost, costly.limit
            ),
            Self::CostLimitExceeded { refusal, costly } => format!(
                "This document costs {} points and {} are left; it fits in {} s.",
                costly.cost, refusal.available, refusal.retry_after_s
            ),
            Self::InvalidRequest { message } => message.clone(),
            Self::InvalidDocument(errors) => {
                errors.first().map_or_else(|| "The document is not valid.".to_owned(), |error| error.message.clone())
            }
            Self::DocumentTooDeep { what, limit } => format!("Too deep: at most {limit} {what}."),
            Self::DocumentTooComplex { what, limit } => format!("Too much in one document: at most {limit} {what}."),
            Self::UnsupportedMediaType { message } => (*message).to_owned(),
            Self::NotAcceptable => {
                "The answer is application/graphql-response+json or application/json: accept one of them.".to_owned()
            }
            Self::BodyTimeout => "The body did not come in time.".to_owned(),
            Self::Timeout => "The answer took too long. Try again: what was computed so far is kept.".to_owned(),
            Self::DocumentTooLarge { limit_bytes } => format!("A request body may hold {limit_bytes} bytes."),
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
                "The total behind this number is so small that a few people could make most of it. Widen the segment."
                    .to_owned()
            }
            Self::InsufficientData { reason: Reason::MinDifference } => {
                "This key has seen a segment inside or around this one whose size is too near to it, in the same window. \
                 Ask for a segment that differs by more people."
                    .to_owned()
            }
            Self::InsufficientData { reason: Reason::BelowThreshold } => {
                "Too few people for numbers to be published. Widen the segment, or the window where there is a choice."
                    .to_owned()
            }
            Self::PrivacyBudgetExhausted { region, returns_at } => {
                let whose = region.as_ref().map_or_else(|| "this key".to_owned(), |region| format!("the region {region}"));
                format!(
                    "The privacy budget of {whose} is spent for now; units return from {} on. \
                     What was asked before can be asked again for free.",
                    format_time(*returns_at)
                )
            }
            Self::NotFound { what } => format!("There is no {what}."),
            Self::MethodNotAllowed { allow } => format!("This method does not go here; use {allow}."),
            Self::Unavailable => "The server is busy. Try again in a moment.".to_owned(),
            Self::Internal => "Something went wrong on our side. Name the request id if you report it.".to_owned(),
        }
    }

    /// Code and details as `extensions`; the request's id and the link to the docs are added at the door.
    pub fn details(&self, extensions: &mut ErrorExtensionValues) {
        extensions.set("code", self.code());
        match self {
            Self::Forbidden { needs } => {
                let names = needs.iter().map(|scope| Value::from(scope.word())).collect();
                extensions.set("needs", Value::List(names));
            }
            Self::RateLimitExceeded { limit, allowed, retry_after_s } => {
                extensions.set("limit", *limit);
                extensions.set("allowed", *allowed);
                extensions.set("retryAfterSeconds", *retry_after_s);
            }
            Self::QueryTooCostly(costly) => {
                extensions.set("limit", costly.limit);
                explain_cost(extensions, costly);
            }
            Self::CostLimitExceeded { refusal, costly } => {
                extensions.set("limit", refusal.limit);
                extensions.set("allowed", refusal.allowed);
                extensions.set("available", refusal.available);
                extensions.set("retryAfterSeconds", refusal.retry_after_s);
                explain_cost(extensions, costly);
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
            Self::InsufficientData { reason } => extensions.set("reason", reason.word()),
            Self::PrivacyBudgetExhausted { region, returns_at } => {
                extensions.set("whose", if region.is_some() { "region" } else { "key" });
                extensions.set("reason", if region.is_some() { "REGION_BUDGET" } else { "KEY_BUDGET" });
                if let Some(region) = region {
                    extensions.set("region", region.clone());
                }
                extensions.set("returnsAt", format_time(*returns_at));
            }
            Self::Unavailable | Self::Timeout => extensions.set("retryable", true),
            _ => {}
        }
    }

    /// An argument that cannot be meant.
    pub fn input(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::BadUserInput { field: field.into(), message: message.into() }
    }

    /// The same error of a field below another argument.
    #[must_use]
    pub fn of_argument(mut self, old: &str, new: &str) -> Self {
        if let Self::BadUserInput { field, .. } | Self::NotInVocabulary { field, .. } = &mut self
            && let Some(rest) = field.strip_prefix(old)
        {
            *field = format!("{new}{rest}");
        }
        self
    }

    /// Fewer people than the size rule demands.
    #[must_use]
    pub fn below_threshold() -> Self {
        Self::InsufficientData { reason: Reason::BelowThreshold }
    }

    /// A segment too near to one that the caller has seen.
    #[must_use]
    pub fn too_near() -> Self {
        Self::InsufficientData { reason: Reason::MinDifference }
    }

    /// The same, for the operator at a command line.
    #[must_use]
    pub fn explain(self) -> anyhow::Error {
        anyhow::anyhow!(self.message())
    }

    /// A cause that the caller must not see: to the log, under the request's id.
    pub fn internal(cause: impl std::fmt::Display) -> Self {
        tracing::error!(%cause, "request failed");
        Self::Internal
    }
}

/// The price, the dearest places, and the page size that would fit.
fn explain_cost(extensions: &mut ErrorExtensionValues, costly: &Costly) {
    extensions.set("cost", costly.cost);
    extensions.set("dearestPaths", async_graphql::to_value(&costly.dearest).unwrap_or(Value::Null));
    extensions.set("largestPage", async_graphql::to_value(&costly.fits).unwrap_or(Value::Null));
}

impl From<DbErr> for Error {
    fn from(cause: DbErr) -> Self {
        match cause {
            DbErr::ConnectionAcquire(_) | DbErr::Conn(_) => {
                tracing::error!(%cause, "database not reachable");
                Self::Unavailable
            }
            // SQLite's one write lock was not to be had in time: an import or a build holds it.
            cause if cause.to_string().contains("database is locked") => {
                tracing::warn!("the database is locked by another writer");
                Self::Unavailable
            }
            cause => Self::internal(cause),
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
