//! Relay connections.

use async_graphql::{Context, Object, OutputType, Value, connection::PageInfo};

use sea_orm::DbErr;

use super::{product::Product, recommendation::Recommendation, segment::Segment};
use crate::{
    domain::{
        error::Error,
        page::{Page, PageRequest, encode_cursor},
    },
    graphql::context::RequestContext,
};

/// A page of a list. Replaces the type of async-graphql, which does not allow a description.
pub struct Connection<T> {
    /// Whether a previous page exists.
    has_previous: bool,
    /// Whether a next page exists.
    has_next: bool,
    edges: Vec<Edge<T>>,
    /// The number of items of the whole list, if it is selected.
    total: Option<u64>,
}

/// Reads the arguments of a page. `first` has a default, so whether the document states it is read from the document.
///
/// # Errors
/// [`Error::BadUserInput`], naming the argument, if both `first` and `last` are given, or as [`PageRequest::parse`].
pub fn page_request(
    ctx: &Context<'_>,
    first: Option<i32>,
    after: Option<&str>,
    last: Option<i32>,
    before: Option<&str>,
) -> Result<PageRequest, Error> {
    let stated = ctx.item.node.get_argument("first").is_some_and(|value| value.node != Value::Null.into());
    if stated && last.is_some() {
        return Err(Error::input("first", "cannot be combined with `last`."));
    }
    PageRequest::parse(first, after, last, before)
}

/// The number of items of the whole list, if the document selects `totalCount` of the connection that is being
/// resolved. `connection` is the type of the connection, whose price is charged; `count` runs only if it is selected.
///
/// # Errors
/// [`Error::Unavailable`] or [`Error::Internal`] if the database fails.
pub async fn selected_total(
    ctx: &Context<'_>,
    connection: &'static str,
    count: impl Future<Output = Result<u64, DbErr>>,
) -> Result<Option<u64>, Error> {
    if !ctx.look_ahead().field("totalCount").exists() {
        return Ok(None);
    }
    RequestContext::of(ctx)?.charge_points(connection, "totalCount", 0);
    Ok(Some(count.await?))
}

/// An item and its cursor.
pub struct Edge<T> {
    cursor: String,
    node: T,
}

impl<T> Connection<T> {
    /// The connection of a page. `total` is the number of items of the whole list, of [`selected_total`]. `node`
    /// converts an item to the key of its cursor and its object.
    pub fn new<I>(page: Page<I>, total: Option<u64>, node: impl Fn(I) -> (String, T)) -> Self {
        let edge = |item| {
            let (key, node) = node(item);
            Edge { cursor: encode_cursor(&key), node }
        };
        let (has_previous, has_next) = (page.has_previous, page.has_next);
        Self { has_previous, has_next, edges: page.items.into_iter().map(edge).collect(), total }
    }
}

/// A page of a list.
#[Object(
    concrete(name = "ProductConnection", params(Product)),
    concrete(name = "RecommendationConnection", params(Recommendation)),
    concrete(name = "SegmentConnection", params(Segment))
)]
impl<T: OutputType> Connection<T>
where
    Edge<T>: OutputType,
{
    /// The items with their cursors.
    async fn edges(&self) -> &[Edge<T>] {
        &self.edges
    }

    /// The items without cursors. Costs one point per item less than `edges`.
    async fn nodes(&self) -> Vec<&T> {
        self.edges.iter().map(|edge| &edge.node).collect()
    }

    /// The number of items of the whole list, on all its pages.
    async fn total_count(&self) -> Result<u64, Error> {
        self.total.ok_or(Error::Internal)
    }

    /// Whether more pages exist, and the cursors to request them.
    async fn page_info(&self) -> PageInfo {
        PageInfo {
            has_previous_page: self.has_previous,
            has_next_page: self.has_next,
            start_cursor: self.edges.first().map(|edge| edge.cursor.clone()),
            end_cursor: self.edges.last().map(|edge| edge.cursor.clone()),
        }
    }
}

/// An item of a page with its cursor.
#[Object(
    concrete(name = "ProductEdge", params(Product)),
    concrete(name = "RecommendationEdge", params(Recommendation)),
    concrete(name = "SegmentEdge", params(Segment))
)]
impl<T: OutputType> Edge<T> {
    /// Opaque cursor of the item, for `after` and `before`.
    async fn cursor(&self) -> &str {
        &self.cursor
    }

    /// The item.
    async fn node(&self) -> &T {
        &self.node
    }
}
