use async_graphql::ServerError;

/// Why a document is rejected. All are faults of the caller.
#[derive(Clone, Debug, PartialEq)]
pub enum Error {
    /// The document has too many bytes.
    TooLarge { limit_bytes: usize },
    /// The document is nested too deeply; `what` names the levels that are counted.
    TooDeep { what: &'static str, limit: usize },
    /// The document has too many elements; `what` names them.
    TooComplex { what: &'static str, limit: usize },
    /// The request does not select an operation, or the document violates a rule that async-graphql does not check.
    InvalidRequest { message: String },
    /// The document does not parse, or does not match the schema.
    InvalidDocument(Vec<ServerError>),
    /// The value of an argument is out of range.
    InvalidArgument { argument: String, message: String },
}

impl Error {
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::InvalidRequest { message: message.into() }
    }

    /// The variant, for tests.
    #[cfg(test)]
    pub(crate) fn variant(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "TooLarge",
            Self::TooDeep { .. } => "TooDeep",
            Self::TooComplex { .. } => "TooComplex",
            Self::InvalidRequest { .. } => "InvalidRequest",
            Self::InvalidDocument(_) => "InvalidDocument",
            Self::InvalidArgument { .. } => "InvalidArgument",
        }
    }
}
