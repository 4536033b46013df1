//! The scopes of API keys.

/// A permission of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, clap::ValueEnum, async_graphql::Enum)]
pub enum Scope {
    /// Behavior of segments.
    Behavior,
    /// Personality of segments, and everything derived from it.
    Personality,
    /// Ties of segments.
    Network,
    /// Read and change the partner's own products.
    Catalog,
    /// Reserved for the operator's tools.
    Admin,
}

impl Scope {
    /// All scopes.
    pub const ALL: [Self; 5] = [Self::Behavior, Self::Personality, Self::Network, Self::Catalog, Self::Admin];

    /// The scopes that read statistics about people.
    pub const INSIGHT: &[Self] = &[Self::Behavior, Self::Personality, Self::Network];

    /// The name of the scope in the database, on the command line and in errors.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Behavior => "behavior",
            Self::Personality => "personality",
            Self::Network => "network",
            Self::Catalog => "catalog",
            Self::Admin => "admin",
        }
    }

    /// Parses names separated by `|`; unknown names are ignored.
    #[must_use]
    pub fn parse_list(names: &str) -> Vec<Self> {
        Self::ALL.into_iter().filter(|scope| names.split('|').any(|name| name == scope.name())).collect()
    }

    /// The names of scopes, separated by `|`.
    #[must_use]
    pub fn join(scopes: &[Self]) -> String {
        scopes.iter().map(|scope| scope.name()).collect::<Vec<_>>().join("|")
    }
}
