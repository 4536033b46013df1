//! The caller: partner, key, scopes, limits.

use async_graphql::{ID, SimpleObject};

use crate::{auth::Scope, clock::format_time, session::Session};

/// Who asks, by the key that was sent.
#[derive(SimpleObject)]
pub struct Viewer {
    /// The partner's name.
    partner: String,
    /// The key's id; not the key.
    key_id: ID,
    /// `poc` or `live`.
    environment: String,
    /// What the key may read.
    scopes: Vec<Scope>,
    /// When the key ends, RFC 3339, UTC; null = never.
    expires_at: Option<String>,
    /// Limits of the key and what is left of them.
    limits: Limits,
}

#[expect(clippy::struct_field_names, reason = "points a minute and a day come beside them")]
/// Request limits and what is left of them after this request.
#[derive(SimpleObject)]
pub struct Limits {
    /// Requests in a minute.
    requests_per_minute: u64,
    /// Requests left in this minute.
    requests_left_this_minute: u64,
    /// Requests in a day.
    requests_per_day: u64,
    /// Requests left in this day.
    requests_left_this_day: u64,
}

impl From<&Session> for Viewer {
    fn from(session: &Session) -> Self {
        let caller = &session.caller;
        Self {
            partner: caller.partner_id.clone(),
            key_id: ID(caller.key_id.clone()),
            environment: caller.environment.clone(),
            scopes: caller.scopes.clone(),
            expires_at: caller.expires_at.map(format_time),
            limits: Limits {
                requests_per_minute: caller.per_minute,
                requests_left_this_minute: session.left.minute,
                requests_per_day: caller.per_day,
                requests_left_this_day: session.left.day,
            },
        }
    }
}
