//! Generates the table of codes in `docs/errors.md`.

use std::fmt::Write as _;

use super::{Error, Reason};
use crate::{cost::Costly, quota::Refusal};

/// Where an error can occur.
#[derive(Clone, Copy, PartialEq)]
enum Met {
    /// The response consists of this error only.
    Whole,
    /// In a field; the rest of the document is answered.
    Field,
    /// Both are possible.
    Both,
}

const AFTER: &str = "yes, after `Retry-After`";
const NO: &str = "no";

/// One error of each kind, with its meaning and whether to send the request again. Errors with the same code are
/// adjacent.
fn all() -> Vec<(Error, Met, &'static str, &'static str)> {
    let costly = || Box::new(Costly { cost: 0, limit: 0, dearest: Vec::new(), fits: None });
    let refusal = Refusal { limit: "points_per_minute", allowed: 0, available: 0, retry_after_s: 1 };
    let no_key = "the key is missing, unknown, revoked or malformed";
    let not_valid = "the request or its document is not valid";
    let argument = "an argument is not valid";
    vec![
        (Error::AuthenticationFailed, Met::Whole, no_key, NO),
        (Error::ApiKeyExpired, Met::Whole, "the key has expired", NO),
        (Error::Forbidden { needs: &[] }, Met::Field, "the key lacks a scope", NO),
        (
            Error::RateLimitExceeded { limit: "minute", allowed: 0, retry_after_s: 1 },
            Met::Whole,
            "too many requests in a minute or a day",
            AFTER,
        ),
        (
            Error::QueryTooCostly(costly()),
            Met::Whole,
            "the document costs more points than the key allows for one document",
            NO,
        ),
        (
            Error::CostLimitExceeded { refusal, costly: costly() },
            Met::Whole,
            "the points of a minute or a day are used up",
            AFTER,
        ),
        (Error::InvalidRequest { message: String::new() }, Met::Both, not_valid, NO),
        (Error::InvalidDocument(Vec::new()), Met::Whole, not_valid, NO),
        (Error::MethodNotAllowed { allow: "GET" }, Met::Whole, not_valid, NO),
        (Error::NotAcceptable, Met::Whole, not_valid, NO),
        (Error::UnsupportedMediaType { message: "" }, Met::Whole, not_valid, NO),
        (Error::DocumentTooLarge { limit_bytes: 0 }, Met::Both, "the body or the document is too large", NO),
        (Error::DocumentTooDeep { what: "", limit: 0 }, Met::Both, "the document is nested too deeply", NO),
        (Error::DocumentTooComplex { what: "", limit: 0 }, Met::Both, "the document is too complex", NO),
        (Error::Timeout, Met::Whole, "the request timed out", "503 yes, after `Retry-After`; 408 yes"),
        (Error::BodyTimeout, Met::Whole, "the request timed out", ""),
        (
            Error::InvalidSegment { slug: String::new(), suggestions: Vec::new() },
            Met::Field,
            "there is no such segment for this partner",
            NO,
        ),
        (Error::BadUserInput { field: String::new(), message: String::new() }, Met::Both, argument, NO),
        (Error::NotInVocabulary { field: String::new(), message: String::new() }, Met::Field, argument, NO),
        (
            Error::InsufficientData { reason: Reason::BelowThreshold },
            Met::Field,
            "too few people for a number to be released",
            "not in this epoch",
        ),
        (
            Error::PrivacyBudgetExhausted { region: None, returns_at: 0 },
            Met::Field,
            "the privacy budget for this period is used up",
            "yes, from `returnsAt` on",
        ),
        (Error::NotFound { what: String::new() }, Met::Whole, "there is no such path", NO),
        (Error::Unavailable, Met::Both, "the server is temporarily unavailable", AFTER),
        (Error::Internal, Met::Both, "internal server error", "once"),
    ]
}

/// The table in Markdown: each code with its statuses, its meaning, and whether the same request may be sent again.
#[must_use]
pub fn table() -> String {
    let mut lines: Vec<(&str, Vec<String>, &str, &str)> = Vec::new();
    for (error, met, means, again) in all() {
        let mut statuses = Vec::new();
        if met != Met::Field {
            statuses.push(error.status().as_u16().to_string());
        }
        if matches!(error, Error::InvalidDocument(_)) {
            statuses.push("200".to_owned());
        }
        if met != Met::Whole {
            statuses.push("in a field".to_owned());
        }
        match lines.last_mut() {
            Some((code, known, ..)) if *code == error.code() => known.extend(statuses),
            _ => lines.push((error.code(), statuses, means, again)),
        }
    }
    let mut table = "| code | status | means | send it again |\n|---|---|---|---|".to_owned();
    for (code, mut statuses, means, again) in lines {
        statuses.sort();
        statuses.dedup();
        let section = code.to_lowercase();
        // Writing to a string cannot fail.
        let _ = write!(table, "\n| [`{code}`](#{section}) | {} | {means} | {again} |", statuses.join(", "));
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
