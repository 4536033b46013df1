//! Generates the table of codes in `docs/errors.md`.

use std::fmt::Write as _;

use graphql_limits::CostExceeded;

use super::{Error, Reason};
use crate::domain::{atom::Atom, quota::LimitExceeded};

/// Where an error can occur.
#[derive(Clone, Copy, PartialEq)]
enum Placement {
    /// The response consists of this error only.
    Whole,
    /// In a field; the rest of the document is answered.
    Field,
    /// Both are possible.
    Both,
}

const AFTER_RETRY_AFTER: &str = "yes, after `Retry-After`";
const NO: &str = "no";

/// One error of each kind, with its meaning and whether to send the request again. Errors with the same code are
/// adjacent.
fn all() -> Vec<(Error, Placement, &'static str, &'static str)> {
    let cost = || Box::new(CostExceeded { cost: 0, limit: 0, most_expensive: Vec::new(), fits: None });
    let exceeded = LimitExceeded { limit: "points_per_minute", allowed: 0, available: 0, retry_after_s: 1 };
    let no_key = "the key is missing, unknown, revoked or malformed";
    let forbidden = "the key lacks a scope, or may execute trusted documents only";
    let not_valid = "the request or its document is not valid";
    let argument = "an argument is not valid";
    let atom = Atom { region: String::new(), band: 0 };
    vec![
        (Error::AuthenticationFailed, Placement::Whole, no_key, NO),
        (Error::ApiKeyExpired, Placement::Whole, "the key has expired", NO),
        (Error::Forbidden { required_scopes: &[] }, Placement::Field, forbidden, NO),
        (Error::DocumentNotTrusted, Placement::Whole, forbidden, NO),
        (
            Error::RateLimitExceeded { limit: "minute", allowed: 0, retry_after_s: 1 },
            Placement::Whole,
            "too many requests in a minute or a day",
            AFTER_RETRY_AFTER,
        ),
        (
            Error::QueryTooCostly(cost()),
            Placement::Whole,
            "the document costs more points than the key allows for one document",
            NO,
        ),
        (
            Error::CostLimitExceeded { exceeded, cost: cost() },
            Placement::Whole,
            "the points of a minute or a day are used up",
            AFTER_RETRY_AFTER,
        ),
        (Error::InvalidRequest { message: String::new() }, Placement::Both, not_valid, NO),
        (Error::InvalidDocument(Vec::new()), Placement::Whole, not_valid, NO),
        (Error::MethodNotAllowed { allow: "GET" }, Placement::Whole, not_valid, NO),
        (Error::NotAcceptable, Placement::Whole, not_valid, NO),
        (Error::UnsupportedMediaType { message: "" }, Placement::Whole, not_valid, NO),
        (Error::PersistedQueryNotFound, Placement::Whole, "no document has this hash", "with the document"),
        (
            Error::PersistedQueryNotSupported,
            Placement::Whole,
            "this version of persisted queries is not supported",
            "with the document only",
        ),
        (Error::DocumentTooLarge { limit_bytes: 0 }, Placement::Both, "the body or the document is too large", NO),
        (Error::DocumentTooDeep { what: "", limit: 0 }, Placement::Both, "the document is nested too deeply", NO),
        (Error::DocumentTooComplex { what: "", limit: 0 }, Placement::Both, "the document is too complex", NO),
        (Error::Timeout, Placement::Whole, "the request timed out", "503 yes, after `Retry-After`; 408 yes"),
        (Error::BodyTimeout, Placement::Whole, "the request timed out", ""),
        (
            Error::InvalidSegment { slug: String::new(), suggestions: Vec::new() },
            Placement::Field,
            "there is no such segment for this partner",
            NO,
        ),
        (Error::BadUserInput { field: String::new(), message: String::new() }, Placement::Both, argument, NO),
        (Error::NotInVocabulary { field: String::new(), message: String::new() }, Placement::Field, argument, NO),
        (
            Error::InsufficientData { reason: Reason::BelowThreshold },
            Placement::Field,
            "too few people for a number to be released",
            "not in this epoch",
        ),
        (
            Error::PrivacyBudgetExhausted { of_region: false, atom, returns_at: Some(0) },
            Placement::Field,
            "the privacy budget for this period is used up",
            "yes, from `returnsAt` on",
        ),
        (Error::NotFound { what: String::new() }, Placement::Whole, "there is no such path", NO),
        (Error::Unavailable, Placement::Both, "the server is temporarily unavailable", AFTER_RETRY_AFTER),
        (Error::Internal, Placement::Both, "internal server error", "once"),
    ]
}

/// The table in Markdown: each code with its statuses, its meaning, and whether the same request may be sent again.
#[must_use]
pub fn table() -> String {
    let mut lines: Vec<(&str, Vec<String>, &str, &str)> = Vec::new();
    for (error, placement, meaning, retry) in all() {
        let mut statuses = Vec::new();
        if placement != Placement::Field {
            statuses.push(error.status().as_u16().to_string());
        }
        if error.is_ok_in_json() {
            statuses.push("200".to_owned());
        }
        if placement != Placement::Whole {
            statuses.push("in a field".to_owned());
        }
        match lines.last_mut() {
            Some((code, known, ..)) if *code == error.code() => known.extend(statuses),
            _ => lines.push((error.code(), statuses, meaning, retry)),
        }
    }
    let mut table = "| code | status | means | send it again |\n|---|---|---|---|".to_owned();
    for (code, mut statuses, meaning, retry) in lines {
        statuses.sort();
        statuses.dedup();
        let section = code.to_lowercase();
        // Writing to a string cannot fail.
        let _ = write!(table, "\n| [`{code}`](#{section}) | {} | {meaning} | {retry} |", statuses.join(", "));
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_one_line() {
        let (_, source) = include_str!("mod.rs").split_once("pub fn code(").unwrap();
        let (source, _) = source.split_once("pub fn status(").unwrap();
        let codes: Vec<&str> = source.split('"').skip(1).step_by(2).collect();
        assert!(codes.len() >= 12, "{codes:?}");
        let table = table();
        for code in &codes {
            assert_eq!(table.matches(&format!("| [`{code}`]")).count(), 1, "{code}");
        }
        assert_eq!(table.lines().count(), codes.len() + 2);
    }
}
