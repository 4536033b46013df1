//! The baseline: axum alone at `/plain` and async-graphql alone at `/graphql`, both answering constants.
//!
//! It shows what the libraries can do at best. No partner can reach it.

use async_graphql::{EmptyMutation, EmptySubscription, Enum, ID, InputObject, Object, Schema, SimpleObject};
use async_graphql_axum::{GraphQLRequest, GraphQLResponse};
use axum::{Router, extract::State, routing::post};

struct Query;

#[Object]
impl Query {
    async fn cohort(&self, definition: SegmentDefinition) -> Segment {
        let _ = definition.regions;
        segment()
    }
}

#[derive(InputObject)]
struct SegmentDefinition {
    regions: Option<Vec<String>>,
}

#[derive(SimpleObject)]
struct Segment {
    size: Count,
    behavior: Behavior,
    personality: Personality,
    network: Network,
}

#[derive(SimpleObject)]
struct Count {
    value: i64,
}

#[derive(SimpleObject)]
struct Behavior {
    visits_per_person: Measure,
    average_dwell_minutes: Measure,
    return_visit_rate: Measure,
    exploration_tendency: Measure,
    community_engagement: Measure,
    release: Release,
}

#[derive(SimpleObject)]
struct Personality {
    archetype: Name,
    dimensions: Vec<Dimension>,
    release: Release,
}

#[derive(SimpleObject)]
struct Dimension {
    name: Name,
    mean: Measure,
    p50: Measure,
}

#[derive(SimpleObject)]
struct Network {
    connections_per_person: Measure,
    density: Measure,
    tie_compatibility: Measure,
    viral_potential: Measure,
    trend_setting: Measure,
    release: Release,
}

#[derive(SimpleObject)]
struct Measure {
    value: f64,
    unit: Name,
    interval95: Interval,
    quality: Name,
    interpretation: String,
}

#[derive(SimpleObject)]
struct Interval {
    low: f64,
    high: f64,
}

#[derive(SimpleObject)]
struct Release {
    id: ID,
    epoch: String,
    epsilon: f64,
    units: f64,
}

#[derive(Enum, Clone, Copy, PartialEq, Eq)]
enum Name {
    CommunityOrientation,
}

fn measure() -> Measure {
    Measure {
        value: 0.512_345,
        unit: Name::CommunityOrientation,
        interval95: Interval { low: 0.501_234, high: 0.523_456 },
        quality: Name::CommunityOrientation,
        interpretation: "A sentence of the length that interpretations have, which is about this long.".to_owned(),
    }
}

fn release() -> Release {
    Release { id: "0123456789abcdef".repeat(4).into(), epoch: "2026-W22".to_owned(), epsilon: 0.277_71, units: 0.31 }
}

fn segment() -> Segment {
    let dimension = || Dimension { name: Name::CommunityOrientation, mean: measure(), p50: measure() };
    Segment {
        size: Count { value: 8_893 },
        behavior: Behavior {
            visits_per_person: measure(),
            average_dwell_minutes: measure(),
            return_visit_rate: measure(),
            exploration_tendency: measure(),
            community_engagement: measure(),
            release: release(),
        },
        personality: Personality {
            archetype: Name::CommunityOrientation,
            dimensions: (0..12).map(|_| dimension()).collect(),
            release: release(),
        },
        network: Network {
            connections_per_person: measure(),
            density: measure(),
            tie_compatibility: measure(),
            viral_potential: measure(),
            trend_setting: measure(),
            release: release(),
        },
    }
}

type BaselineSchema = Schema<Query, EmptyMutation, EmptySubscription>;

async fn graphql(State(schema): State<BaselineSchema>, request: GraphQLRequest) -> GraphQLResponse {
    schema.execute(request.into_inner()).await.into()
}

/// Serves on a free port and prints its address in the form that [`crate::environment::ServerProcess::start`] reads.
pub async fn serve() -> std::io::Result<()> {
    let schema = Schema::build(Query, EmptyMutation, EmptySubscription).finish();
    let plain = post(async || "{\"errors\":[]}");
    let app = Router::new().route("/plain", plain).route("/graphql", post(graphql)).with_state(schema);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, app).await
}
