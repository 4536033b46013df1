//! The cost of a document: the `Quote` object.

use async_graphql::{ComplexObject, SimpleObject};
use graphql_limits::{PageFit, PathPoints};

use super::segment::Definition;
use crate::{
    domain::{
        epoch::WindowLength,
        error::Error,
        key::Limits,
        page::{MAX_QUOTED_SEGMENTS, parse_size},
    },
    gate::prices::DocumentCost,
    privacy::{
        bundles::units,
        quote::{QuotedBundle as PricedBundle, QuotedSegment as PricedSegment},
    },
    statistics::measure::Quality,
};

/// The cost of a document for this key, in points and privacy units. The document is not executed. Only the points of
/// the request that contains `quote` are charged.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct Quote {
    /// Points that would be reserved. Points that are not used are returned after execution.
    points: u64,
    /// Maximum points that one document of this key may cost.
    max_query_points: u64,
    /// Whether `points` is at most `maxQueryPoints`. Points left in the current minute or day are not considered.
    fits: bool,
    /// Privacy units that would be charged; an upper bound if `exact` is false. Releases that this key has viewed
    /// before cost nothing.
    units: f64,
    /// Whether `units` is exact. The number of steps, and so the price, follows from the size of a segment. Until this
    /// key has seen the size as precisely as the prediction needs, the price of all steps is quoted.
    exact: bool,
    /// Privacy units left for this key in its 30-day window, for the age band of which the most was spent. The budgets
    /// of the regions are not considered.
    units_left: f64,
    /// The three most expensive fields, most expensive first.
    dearest_paths: Vec<PathPoints>,
    /// The largest page size with which the document would fit, for the list that costs most. Null if the document
    /// fits, or if no page size would make it fit.
    largest_page: Option<PageFit>,
    #[graphql(skip)]
    quoted_segments: Vec<QuotedSegment>,
}

/// A segment of a quoted document.
#[derive(Clone, SimpleObject)]
pub struct QuotedSegment {
    /// The definition.
    definition: Definition,
    /// The window that the numbers cover.
    window: WindowLength,
    /// The noisy size that this key has seen. Null if it has not seen the size yet.
    people: Option<i64>,
    /// The statistics that the document asks for.
    bundles: Vec<QuotedBundle>,
}

/// Statistics of a segment in a quoted document.
#[derive(Clone, SimpleObject)]
pub struct QuotedBundle {
    /// Name of the bundle, as in `docs/privacy.md`.
    bundle: String,
    /// Privacy units that would be charged. An upper bound if `exact` of the quote is false.
    units: f64,
    /// The quality that most numbers will probably have. LOW at another precision than FINEST: they will probably be
    /// withheld, with the reason `PRECISION`. Null until this key has seen the size, and if no number will be returned.
    quality: Option<Quality>,
    /// Why no number will be returned: `BELOW_THRESHOLD`, `MIN_DIFFERENCE` or `PRECISION`. Null if numbers are
    /// expected.
    withheld: Option<String>,
}

/// The privacy units of a document.
pub struct QuotedUnits {
    pub segments: Vec<PricedSegment>,
    pub microunits: i64,
    pub is_exact: bool,
    pub left_microunits: i64,
}

impl Quote {
    pub fn new(cost: &DocumentCost, limits: &Limits, quoted: QuotedUnits) -> Self {
        let (points, limit) = (&cost.points, limits.max_document_points());
        let fits = points.points <= limit;
        Self {
            points: points.points,
            max_query_points: limit,
            fits,
            units: units(quoted.microunits),
            exact: quoted.is_exact,
            units_left: units(quoted.left_microunits),
            dearest_paths: points.most_expensive(3),
            largest_page: if fits { None } else { points.largest_page(limit) },
            quoted_segments: quoted.segments.into_iter().map(QuotedSegment::from).collect(),
        }
    }
}

#[ComplexObject]
impl Quote {
    /// The segments of the document, in its order, with the price and the expected quality of their numbers. Segments
    /// of a list (`segments`) and of a mutation are omitted; `units` then counts them in full. `BAD_USER_INPUT` if
    /// `first` is out of range.
    async fn segments(
        &self,
        #[graphql(desc = "Number of segments to return, 0 to 100.", default = 4)] first: Option<i32>,
    ) -> Result<Vec<QuotedSegment>, Error> {
        let first = parse_size("first", first.unwrap_or(4), MAX_QUOTED_SEGMENTS)?;
        Ok(self.quoted_segments.iter().take(first).cloned().collect())
    }
}

impl From<PricedSegment> for QuotedSegment {
    fn from(segment: PricedSegment) -> Self {
        Self {
            definition: segment.size.cohort.as_ref().into(),
            window: segment.size.window.length,
            people: segment.people,
            bundles: segment.bundles.into_iter().map(QuotedBundle::from).collect(),
        }
    }
}

impl From<PricedBundle> for QuotedBundle {
    fn from(bundle: PricedBundle) -> Self {
        let quality = |is_high: bool, is_ok: bool| match (is_high, is_ok) {
            (true, _) => Quality::High,
            (false, true) => Quality::Ok,
            (false, false) => Quality::Low,
        };
        Self {
            bundle: bundle.bundle.name().to_owned(),
            units: units(bundle.microunits),
            quality: bundle.expected.map(|expected| quality(expected.is_high, expected.is_ok)),
            withheld: bundle.withheld.map(|reason| reason.name().to_owned()),
        }
    }
}
