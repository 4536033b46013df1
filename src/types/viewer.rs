//! The caller: partner, key, scopes and limits.

use async_graphql::{ComplexObject, Context, ID, SimpleObject};

use super::{
    budget::PrivacyBudget,
    usage::{self, UsageDay},
};
use crate::{auth::Scope, clock::format_time, cost, error::Error, session::Session};

/// The caller, identified by the API key of the request.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct Viewer {
    /// Name of the partner.
    partner: String,
    /// Id of the key. It is not the secret key.
    key_id: ID,
    /// Environment of the key: `poc` or `live`.
    environment: String,
    /// Scopes of the key.
    scopes: Vec<Scope>,
    /// Expiry time of the key, RFC 3339, UTC. Null if the key does not expire.
    expires_at: Option<String>,
    /// Request and point limits of the key, and what is left of them.
    limits: Limits,
}

/// Request and point limits of the key, and what is left of them while this document runs. A rotated key and its
/// successor share them.
#[derive(SimpleObject)]
pub struct Limits {
    /// Maximum requests in a minute. A minute begins with the first request in it.
    requests_per_minute: u64,
    /// Requests left in the current minute, after this one.
    requests_left_this_minute: u64,
    /// Maximum requests in a day (UTC).
    requests_per_day: u64,
    /// Requests left in the current day (UTC), after this one.
    requests_left_this_day: u64,
    /// Maximum points that one document may cost.
    max_query_points: u64,
    /// Capacity of the point bucket, which is also the number of points restored per minute, evenly.
    points_per_minute: u64,
    /// Points left in the bucket, not counting those reserved for this document.
    points_left: u64,
    /// Maximum points in a day (UTC).
    points_per_day: u64,
    /// Points left in the current day (UTC), not counting those reserved for this document.
    points_left_this_day: u64,
}

#[ComplexObject]
impl Viewer {
    /// Privacy budget of the key: units spent, units left, and when units return.
    async fn privacy_budget(&self, ctx: &Context<'_>) -> Result<PrivacyBudget, Error> {
        let session = Session::of(ctx)?;
        session.begin(cost::weight_of("Viewer", "privacyBudget"));
        session.state.desk.budget(&session.caller.account).await.map(PrivacyBudget::from)
    }

    /// Usage of this key by day, newest first. Days without requests are omitted. The data comes from the request log,
    /// which lags by about one second. `BAD_USER_INPUT` if `last` is out of range.
    async fn usage(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Number of days (UTC), today included, 0 to 90.", default = 7)] last: Option<i32>,
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
