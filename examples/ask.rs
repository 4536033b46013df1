//! A minimal client in Rust: it requests the price, then sends one query, with types from the schema at compile time.
//!
//! ```sh
//! SPOTS_KEY=spots_... cargo run --example ask                    # all saved segments
//! SPOTS_KEY=spots_... cargo run --example ask -- harbor-adults   # one of them
//! ```
//!
//! Set `SPOTS_URL` if the server is not `http://127.0.0.1:8080/graphql`. A run spends at most `SPOTS_MAX_UNITS` privacy
//! units (default 1): it asks for the price first, and stops before a query that would exceed them. The TypeScript and
//! Python clients in this folder have more features: many segments, retries, a ranking.

use std::{
    collections::HashMap,
    io::{self, Write as _},
    process::ExitCode,
};

use anyhow::{Context as _, anyhow, bail};
use cynic::{GraphQlResponse, Operation, QueryBuilder as _};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// The types of the schema, for the derives below.
mod schema {
    cynic::use_schema!("schema.graphql");
}

/// What a document costs before it is sent.
#[derive(cynic::QueryFragment)]
#[cynic(schema_path = "schema.graphql", graphql_type = "Query", variables = "QuoteVariables")]
struct Price {
    #[arguments(document: $document, variables: $variables)]
    quote: Option<Quote>,
}

#[derive(cynic::QueryVariables)]
struct QuoteVariables {
    document: String,
    variables: Json,
}

#[derive(cynic::QueryFragment)]
#[cynic(schema_path = "schema.graphql")]
struct Quote {
    points: i32,
    units: f64,
    units_left: f64,
    fits: bool,
}

/// The scalar `JSON`.
#[derive(cynic::Scalar)]
#[cynic(graphql_type = "JSON")]
struct Json(serde_json::Value);

/// The names of the saved segments.
#[derive(cynic::QueryFragment)]
#[cynic(schema_path = "schema.graphql", graphql_type = "Query")]
struct Names {
    #[arguments(first: 20)]
    segments: SegmentConnection,
}

#[derive(cynic::QueryFragment)]
#[cynic(schema_path = "schema.graphql")]
struct SegmentConnection {
    nodes: Vec<Name>,
}

#[derive(cynic::QueryFragment)]
#[cynic(schema_path = "schema.graphql", graphql_type = "Segment")]
struct Name {
    slug: Option<String>,
}

/// The number of people in a segment, and their similarity to a calm and expensive product.
#[derive(cynic::QueryFragment)]
#[cynic(schema_path = "schema.graphql", graphql_type = "Query", variables = "PortraitVariables")]
struct Portrait {
    #[arguments(slug: $slug)]
    segment: Option<Segment>,
}

#[derive(cynic::QueryVariables)]
struct PortraitVariables {
    slug: String,
}

#[derive(cynic::QueryFragment)]
#[cynic(schema_path = "schema.graphql")]
struct Segment {
    size: Option<Count>,
    #[arguments(product: { price: "PREMIUM", energyPreference: 0.2 })]
    compatibility: Option<Compatibility>,
}

#[derive(cynic::QueryFragment)]
#[cynic(schema_path = "schema.graphql")]
struct Count {
    value: i32,
    quality: Quality,
}

#[derive(cynic::QueryFragment)]
#[cynic(schema_path = "schema.graphql")]
struct Compatibility {
    score: Measure,
    reasons: Vec<String>,
}

#[derive(cynic::QueryFragment)]
#[cynic(schema_path = "schema.graphql")]
struct Measure {
    value: f64,
    interval95: Interval,
    quality: Quality,
}

#[derive(cynic::QueryFragment)]
#[cynic(schema_path = "schema.graphql")]
struct Interval {
    low: f64,
    high: f64,
}

#[derive(cynic::Enum, Clone, Copy, Debug)]
#[cynic(schema_path = "schema.graphql")]
enum Quality {
    High,
    Ok,
    Low,
}

/// The fields that programs use; `message` is for human readers.
#[derive(Deserialize)]
struct Extensions {
    code: String,
    reason: Option<String>,
    #[serde(rename = "retryAfterSeconds")]
    retry_after_s: Option<u64>,
}

type Answer<Data> = GraphQlResponse<Data, Extensions>;

struct Client {
    url: String,
    key: String,
}

impl Client {
    /// Sends one operation. A response with an error status is returned too, not treated as a failure.
    ///
    /// # Errors
    /// The server cannot be reached, or the response is not GraphQL.
    fn ask<Data: DeserializeOwned, Variables: Serialize>(
        &self,
        operation: &Operation<Data, Variables>,
    ) -> anyhow::Result<Answer<Data>> {
        let mut response = ureq::post(&self.url)
            .config()
            .http_status_as_error(false)
            .build()
            .header("authorization", format!("Bearer {}", self.key))
            .header("content-type", "application/json")
            .header("accept", "application/graphql-response+json")
            .send(serde_json::to_string(operation)?)
            .with_context(|| format!("no response from {}", self.url))?;
        let text = response.body_mut().read_to_string()?;
        serde_json::from_str(&text).with_context(|| format!("the response of {} is not GraphQL: {text}", self.url))
    }
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    let settings: HashMap<String, String> = std::env::vars().collect();
    let client = Client {
        url: settings.get("SPOTS_URL").cloned().unwrap_or_else(|| "http://127.0.0.1:8080/graphql".to_owned()),
        key: settings.get("SPOTS_KEY").cloned().context("SPOTS_KEY is not set: `demo` prints a key")?,
    };
    let max_units = settings.get("SPOTS_MAX_UNITS").map_or("1", String::as_str);
    let max_units: f64 = max_units.parse().context("SPOTS_MAX_UNITS must be a number")?;
    let mut slugs: Vec<String> = std::env::args().skip(1).collect();
    if slugs.is_empty() {
        let names = client.ask(&Names::build(()))?;
        let names = names.data.ok_or_else(|| anyhow!(explain(names.errors.as_deref())))?;
        slugs = names.segments.nodes.into_iter().filter_map(|node| node.slug).collect();
    }
    if slugs.is_empty() {
        bail!("there is no saved segment");
    }
    let mut units = 0.0;
    for slug in slugs {
        let variables = PortraitVariables { slug: slug.clone() };
        let sent = serde_json::to_value(&variables)?;
        let portrait = Portrait::build(variables);
        let price =
            client.ask(&Price::build(QuoteVariables { document: portrait.query.clone(), variables: Json(sent) }))?;
        let quote = price.data.and_then(|data| data.quote).ok_or_else(|| anyhow!(explain(price.errors.as_deref())))?;
        writeln!(out, "{slug}: {} points, at most {} units of {} left", quote.points, quote.units, quote.units_left)?;
        if !quote.fits {
            bail!("the document costs more points than this key may spend on one");
        }
        units += quote.units;
        if units > max_units {
            bail!("this would cost up to {units:.2} units; SPOTS_MAX_UNITS allows {max_units} (the default is 1)");
        }
        let answer = client.ask(&portrait)?;
        // Errors first: a field that failed is null, and the others are answered.
        if answer.errors.as_ref().is_some_and(|errors| !errors.is_empty()) {
            eprintln!("  {}", explain(answer.errors.as_deref()));
        }
        let Some(segment) = answer.data.and_then(|data| data.segment) else { bail!("there is no data for {slug}") };
        if let Some(Count { value, quality }) = segment.size {
            writeln!(out, "  about {value} people ({quality:?})")?;
        }
        if let Some(Compatibility { score, reasons }) = segment.compatibility {
            let Interval { low, high } = score.interval95;
            writeln!(out, "  compatibility {:.3}, 95 % of [{low:.3}, {high:.3}] ({:?})", score.value, score.quality)?;
            writeln!(out, "  {}", reasons.join(" "))?;
        }
    }
    Ok(())
}

/// The errors as text: code, reason, message and wait.
fn explain(errors: Option<&[cynic::GraphQlError<Extensions>]>) -> String {
    let lines = errors.unwrap_or_default().iter().map(|error| match &error.extensions {
        Some(Extensions { code, reason, retry_after_s }) => {
            let reason = reason.as_ref().map_or_else(String::new, |reason| format!(" ({reason})"));
            let wait = retry_after_s.map_or_else(String::new, |seconds| format!(" Try again in {seconds} s."));
            format!("{code}{reason}: {}{wait}", error.message)
        }
        None => error.message.clone(),
    });
    lines.collect::<Vec<_>>().join("\n  ")
}
