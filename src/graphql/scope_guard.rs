//! The guard that requires a scope for a field: `guard = "RequireScope(&[Scope::Network])"`.

use async_graphql::{Context, Guard};

use super::context::RequestContext;
use crate::domain::{error::Error, scope::Scope};

/// Requires that the key of the caller has at least one of these scopes.
pub struct RequireScope(pub &'static [Scope]);

impl Guard for RequireScope {
    async fn check(&self, ctx: &Context<'_>) -> async_graphql::Result<()> {
        let allowed =
            RequestContext::of(ctx).map(|context| self.0.iter().any(|scope| context.caller.scopes.contains(scope)));
        match allowed {
            Ok(true) => Ok(()),
            Ok(false) => Err(Error::Forbidden { required_scopes: self.0 }.into()),
            Err(error) => Err(error.into()),
        }
    }
}
