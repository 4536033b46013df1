//! What a document would cost.

use async_graphql::SimpleObject;

use crate::{
    auth::Limits,
    cost::{Bill, PageFit, PathPoints},
    privacy::{budget::Budget, bundles::units},
};

/// What a document would cost this key. Nothing of it is run, and nothing but this question is paid.
#[derive(SimpleObject)]
pub struct Quote {
    /// Points that would be reserved; what is not used comes back.
    points: u64,
    /// Points that one document of this key may cost.
    max_query_points: u64,
    /// Whether it may.
    fits: bool,
    /// Privacy units at most: what this key has seen before, and what two parts of the document share under different
    /// words, is free.
    units: f64,
    /// Privacy units that this key has left of its 30 days.
    units_left: f64,
    /// The dearest places, dearest first.
    dearest_paths: Vec<PathPoints>,
    /// The largest page with which it would fit; null if it fits, or no page is the reason.
    largest_page: Option<PageFit>,
}

impl Quote {
    pub fn new(bill: &Bill, limits: &Limits, budget: &Budget) -> Self {
        let limit = limits.largest_query();
        let fits = bill.points <= limit;
        Self {
            points: bill.points,
            max_query_points: limit,
            fits,
            units: units(bill.units_mu),
            units_left: units(budget.left_mu()),
            dearest_paths: bill.dearest(3),
            largest_page: if fits { None } else { bill.largest_page(limit) },
        }
    }
}
