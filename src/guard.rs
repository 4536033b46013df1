//! The guard that requires a scope for a field: `guard = "Needs(&[Scope::Network])"`.

use async_graphql::{Context, Guard};

use crate::{auth::Scope, error::Error, session::Session};

/// Requires that the key of the caller has at least one of these scopes.
pub struct Needs(pub &'static [Scope]);

impl Guard for Needs {
    async fn check(&self, ctx: &Context<'_>) -> async_graphql::Result<()> {
        let allowed = Session::of(ctx).map(|session| self.0.iter().any(|scope| session.caller.scopes.contains(scope)));
        match allowed {
            Ok(true) => Ok(()),
            Ok(false) => Err(Error::Forbidden { needs: self.0 }.into()),
            Err(error) => Err(error.into()),
        }
    }
}
