//! The caller: partner, key, scopes and limits.

use async_graphql::{ComplexObject, Context, ID, SimpleObject};

use super::{budget::PrivacyBudget, usage::UsageDay};
use crate::{
    domain::{
        clock::format_time,
        error::Error,
        page::{MAX_USAGE_DAYS, parse_size},
        scope::Scope,
    },
    graphql::context::RequestContext,
    storage::usage,
};

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
    /// Whether this is a test key. It reads synthetic people and costs no privacy units.
    test_mode: bool,
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
        let context = RequestContext::of(ctx)?;
        context.charge_points("Viewer", "privacyBudget", 0);
        context.services.releases.budget(&context.caller.account).await.map(PrivacyBudget::from)
    }

    /// Usage of this key by day, newest first. Days without requests are omitted. The data comes from the request log,
    /// which lags by about one second. `BAD_USER_INPUT` if `last` is out of range.
    async fn usage(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Number of days (UTC), today included, 0 to 90.", default = 7)] last: Option<i32>,
    ) -> Result<Vec<UsageDay>, Error> {
        let context = RequestContext::of(ctx)?;
        let days = last.unwrap_or(7);
        parse_size("last", days, MAX_USAGE_DAYS)?;
        context.charge_points("Viewer", "usage", 0);
        let services = &context.services;
        let usage = usage::of_key(&services.db, &context.caller.key_id, services.clock.now(), days).await?;
        Ok(usage.into_iter().map(UsageDay::from).collect())
    }
}

impl From<&RequestContext> for Viewer {
    fn from(context: &RequestContext) -> Self {
        let (caller, remaining) = (&context.caller, &context.remaining);
        let limits = &caller.limits;
        Self {
            partner: caller.partner_id.clone(),
            key_id: ID(caller.key_id.clone()),
            environment: caller.environment.clone(),
            test_mode: caller.test_mode,
            scopes: caller.scopes.clone(),
            expires_at: caller.expires_at.map(format_time),
            limits: Limits {
                requests_per_minute: limits.per_minute,
                requests_left_this_minute: remaining.minute.left,
                requests_per_day: limits.per_day,
                requests_left_this_day: remaining.day.left,
                max_query_points: limits.max_document_points(),
                points_per_minute: limits.points_per_minute,
                points_left: remaining.points.left,
                points_per_day: limits.points_per_day,
                points_left_this_day: remaining.points_day.left,
            },
        }
    }
}
