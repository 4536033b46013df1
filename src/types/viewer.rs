//! The caller: partner, key, scopes, limits.

use async_graphql::{ComplexObject, Context, ID, SimpleObject};

use super::{
    budget::PrivacyBudget,
    usage::{self, UsageDay},
};
use crate::{auth::Scope, clock::format_time, cost, error::Error, session::Session};

/// Who asks, by the key that was sent.
#[derive(SimpleObject)]
#[graphql(complex)]
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

/// Limits of the key, and what is left of them. A key that was rotated shares them with the one that follows it.
#[derive(SimpleObject)]
pub struct Limits {
    /// Requests in a minute, which begins with the first of them.
    requests_per_minute: u64,
    /// Requests left in this minute, after this one.
    requests_left_this_minute: u64,
    /// Requests in a day, UTC.
    requests_per_day: u64,
    /// Requests left in this day, after this one.
    requests_left_this_day: u64,
    /// Points that one document may cost.
    max_query_points: u64,
    /// Points that the bucket holds, and that come back in a minute, evenly.
    points_per_minute: u64,
    /// Points left in the bucket, without those that this document reserved.
    points_left: u64,
    /// Points in a day, UTC.
    points_per_day: u64,
    /// Points left in this day, without those that this document reserved.
    points_left_this_day: u64,
}

#[ComplexObject]
impl Viewer {
    /// Privacy units of the key: spent, left, and when they return.
    async fn privacy_budget(&self, ctx: &Context<'_>) -> Result<PrivacyBudget, Error> {
        let session = Session::of(ctx)?;
        session.begin(cost::weight_of("Viewer", "privacyBudget"));
        session.state.desk.budget(&session.caller.account).await.map(PrivacyBudget::from)
    }

    /// What the key used, a day at a time, newest first, days without a request left out. From the request log, which
    /// is about a second behind.
    async fn usage(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many days (UTC), with today; at most 90.", default = 7)] last: Option<i32>,
    ) -> Result<Vec<UsageDay>, Error> {
        let session = Session::of(ctx)?;
        let days = last.unwrap_or(7);
        if !(0..=usage::MOST_DAYS).contains(&days) {
            return Err(Error::input("last", format!("must be 0 to {}.", usage::MOST_DAYS)));
        }
        session.begin(cost::weight_of("Viewer", "usage"));
        usage::of_key(&session.state.db, &session.caller.key_id, session.state.clock.now(), days).await
    }
}

impl From<&Session> for Viewer {
    fn from(session: &Session) -> Self {
        let (caller, left) = (&session.caller, &session.left);
        let limits = &caller.limits;
        Self {
            partner: caller.partner_id.clone(),
            key_id: ID(caller.key_id.clone()),
            environment: caller.environment.clone(),
            scopes: caller.scopes.clone(),
            expires_at: caller.expires_at.map(format_time),
            limits: Limits {
                requests_per_minute: limits.per_minute,
                requests_left_this_minute: left.minute.left,
                requests_per_day: limits.per_day,
                requests_left_this_day: left.day.left,
                max_query_points: limits.largest_query(),
                points_per_minute: limits.points_per_minute,
                points_left: left.points.left,
                points_per_day: limits.points_per_day,
                points_left_this_day: left.points_day.left,
            },
        }
    }
}
