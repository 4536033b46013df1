//! The cost of a document: the `Quote` object.

use async_graphql::SimpleObject;
use graphql_limits::{PageFit, PathPoints};

use crate::{
    domain::key::Limits,
    gate::prices::DocumentCost,
    privacy::{budget::Budget, bundles::units},
};

/// The cost of a document for this key, in points and privacy units. The document is not executed. Only the points of
/// the request that contains `quote` are charged.
#[derive(SimpleObject)]
pub struct Quote {
    /// Points that would be reserved. Points that are not used are returned after execution.
    points: u64,
    /// Maximum points that one document of this key may cost.
    max_query_points: u64,
    /// Whether `points` is at most `maxQueryPoints`. Points left in the current minute or day are not considered.
    fits: bool,
    /// Upper bound of the privacy units that would be charged. It includes releases that this key has viewed before,
    /// and may count a release twice if two parts of the document request it in different forms. Neither is charged
    /// when the document is executed.
    units: f64,
    /// Privacy units left for this key in its 30-day window. The budgets of the regions are not considered.
    units_left: f64,
    /// The three most expensive fields, most expensive first.
    dearest_paths: Vec<PathPoints>,
    /// The largest page size with which the document would fit, for the list that costs most. Null if the document
    /// fits, or if no page size would make it fit.
    largest_page: Option<PageFit>,
}

impl Quote {
    pub fn new(cost: &DocumentCost, limits: &Limits, budget: &Budget) -> Self {
        let (points, limit) = (&cost.points, limits.max_document_points());
        let fits = points.points <= limit;
        Self {
            points: points.points,
            max_query_points: limit,
            fits,
            units: units(cost.milliunits),
            units_left: units(budget.left_milliunits()),
            dearest_paths: points.most_expensive(3),
            largest_page: if fits { None } else { points.largest_page(limit) },
        }
    }
}
