use async_graphql::{Pos, ServerError};

/// Why a document is rejected. All are faults of the caller.
#[derive(Clone, Debug, PartialEq)]
pub enum Error {
    /// The document has too many bytes.
    TooLarge { limit_bytes: usize },
    /// The document is nested too deeply; `what` names the levels that are counted.
    TooDeep { what: &'static str, limit: usize },
    /// The document has too many elements; `what` names them.
    TooComplex { what: &'static str, limit: usize },
    /// The document does not parse, does not match the schema, or cannot be executed with the operation name and the
    /// variables of the request.
    InvalidDocument(Vec<ServerError>),
    /// The value of an argument is out of range.
    InvalidArgument { argument: String, message: String },
}

impl Error {
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::InvalidDocument(vec![ServerError::new(message, None)])
    }

    pub(crate) fn invalid_at(message: impl Into<String>, position: Pos) -> Self {
        Self::InvalidDocument(vec![ServerError::new(message, Some(position))])
    }

    /// The variant, for tests.
    #[cfg(test)]
    pub(crate) fn variant(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "TooLarge",
            Self::TooDeep { .. } => "TooDeep",
            Self::TooComplex { .. } => "TooComplex",
            Self::InvalidDocument(_) => "InvalidDocument",
            Self::InvalidArgument { .. } => "InvalidArgument",
        }
    }
}
