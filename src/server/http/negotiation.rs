//! Negotiates the media type of a response (GraphQL over HTTP, "Media Types").

use axum::http::{HeaderMap, HeaderValue, header::ACCEPT};

use crate::domain::error::Error;

/// The media type of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `application/graphql-response+json`: an invalid document has the status 400.
    GraphqlResponse,
    /// `application/json`: a document that does not parse or does not match the schema has the status 200, as older
    /// clients expect.
    Json,
}

impl Format {
    /// The value of `Content-Type`.
    #[must_use]
    pub fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::GraphqlResponse => "application/graphql-response+json; charset=utf-8",
            Self::Json => "application/json; charset=utf-8",
        })
    }

    /// Returns the format with the highest quality value in `Accept`, among equal values the first. Without `Accept`,
    /// returns [`Self::Json`].
    ///
    /// # Errors
    /// [`Error::NotAcceptable`] if `Accept` allows neither format.
    pub fn negotiate(headers: &HeaderMap) -> Result<Self, Error> {
        let mut best: Option<(Self, f32)> = None;
        let mut is_restricted = false;
        for value in headers.get_all(ACCEPT) {
            for range in value.to_str().unwrap_or_default().split(',').filter(|range| !range.trim().is_empty()) {
                is_restricted = true;
                let mut parts = range.split(';').map(|part| part.trim().to_ascii_lowercase());
                let format = match parts.next().unwrap_or_default().as_str() {
                    "application/graphql-response+json" => Self::GraphqlResponse,
                    "application/json" | "application/*" | "*/*" => Self::Json,
                    _ => continue,
                };
                let quality = parts.find_map(|part| part.strip_prefix("q=").and_then(|q| q.trim().parse().ok()));
                let quality: f32 = quality.unwrap_or(1.0);
                // Among equal quality values the first range wins. A range with q=0 is not acceptable.
                if quality > 0.0 && best.is_none_or(|(_, known)| quality > known) {
                    best = Some((format, quality));
                }
            }
        }
        match best {
            Some((format, _)) => Ok(format),
            None if is_restricted => Err(Error::NotAcceptable),
            None => Ok(Self::Json),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_liked_format_is_taken() {
        let of = |accept: &'static str| {
            Format::negotiate(&HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(accept))]))
        };
        assert_eq!(Format::negotiate(&HeaderMap::new()), Ok(Format::Json));
        for (accept, format) in [
            ("application/graphql-response+json", Format::GraphqlResponse),
            ("application/graphql-response+json; charset=utf-8, application/json;q=0.9", Format::GraphqlResponse),
            ("application/json;q=0.5, application/graphql-response+json;q=0.8", Format::GraphqlResponse),
            ("application/json, application/graphql-response+json", Format::Json),
            ("text/html, */*;q=0.1", Format::Json),
            ("*/*", Format::Json),
            ("", Format::Json),
        ] {
            assert_eq!(of(accept), Ok(format), "{accept}");
        }
        assert_eq!(of("text/html"), Err(Error::NotAcceptable));
        assert_eq!(of("application/json;q=0"), Err(Error::NotAcceptable));
    }
}
