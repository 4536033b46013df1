//! Relay connections.

use async_graphql::{Object, OutputType, connection::PageInfo};

use super::{product::Product, segment::Segment};
use crate::domain::page::{Page, encode_cursor};

/// A page of a list. Replaces the type of async-graphql, which does not allow a description.
pub struct Connection<T> {
    /// Whether a previous page exists.
    has_previous: bool,
    /// Whether a next page exists.
    has_next: bool,
    edges: Vec<Edge<T>>,
}

/// An item and its cursor.
pub struct Edge<T> {
    cursor: String,
    node: T,
}

impl<T> Connection<T> {
    /// The connection of a page. `node` converts an item to the key of its cursor and its object.
    pub fn new<I>(page: Page<I>, node: impl Fn(I) -> (String, T)) -> Self {
        let edge = |item| {
            let (key, node) = node(item);
            Edge { cursor: encode_cursor(&key), node }
        };
        let (has_previous, has_next) = (page.has_previous, page.has_next);
        Self { has_previous, has_next, edges: page.items.into_iter().map(edge).collect() }
    }
}

/// A page of a list.
#[Object(concrete(name = "ProductConnection", params(Product)), concrete(name = "SegmentConnection", params(Segment)))]
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
#[Object(concrete(name = "ProductEdge", params(Product)), concrete(name = "SegmentEdge", params(Segment)))]
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
