//! Pagination of Relay connections: the arguments, and the connection built from the rows.

use async_graphql::{Object, OutputType, connection::PageInfo};

use super::{product::Product, segment::Segment};
use crate::error::Error;

/// Maximum page size.
pub const LARGEST: i32 = 100;

/// A requested page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Number of rows on the page.
    pub size: u64,
    /// Whether the page is counted from the end of the list.
    pub backward: bool,
    /// The key after which the page begins; if `backward`, the key before which it ends. Exclusive.
    pub beyond: Option<String>,
}

impl Page {
    /// Parses the four arguments of a connection. The default size is 20.
    ///
    /// # Errors
    /// [`Error::BadUserInput`], naming the argument, if the page size is out of range, a cursor is not valid, or
    /// `after` is combined with `last`, or `before` is used without it.
    pub fn parse(
        first: Option<i32>,
        after: Option<&str>,
        last: Option<i32>,
        before: Option<&str>,
    ) -> Result<Self, Error> {
        let backward = last.is_some();
        let (name, size) = if backward { ("last", last) } else { ("first", first) };
        let size = size.unwrap_or(20);
        if !(0..=LARGEST).contains(&size) {
            return Err(Error::input(name, format!("must be 0 to {LARGEST}, not {size}.")));
        }
        let (cursor_name, cursor, other_name, other) =
            if backward { ("before", before, "after", after) } else { ("after", after, "before", before) };
        if other.is_some() {
            return Err(Error::input(other_name, format!("cannot be combined with `{name}`.")));
        }
        let beyond =
            cursor.map(|cursor| decode(cursor).ok_or_else(|| Error::input(cursor_name, "is not a valid cursor.")));
        Ok(Self { size: size.unsigned_abs().into(), backward, beyond: beyond.transpose()? })
    }

    /// Builds the connection. `rows` are in the direction of the page, and one more than `size` if another page
    /// follows.
    #[must_use]
    pub fn connect<T>(&self, mut rows: Vec<(String, T)>) -> Connection<T> {
        let size = usize::try_from(self.size).unwrap_or(usize::MAX);
        let more = rows.len() > size;
        rows.truncate(size);
        if self.backward {
            rows.reverse();
        }
        let (previous, next) =
            if self.backward { (more, self.beyond.is_some()) } else { (self.beyond.is_some(), more) };
        let edges = rows.into_iter().map(|(key, node)| Edge { cursor: hex::encode(key), node });
        Connection { previous, next, edges: edges.collect() }
    }
}

/// A page of a list. Replaces the type of async-graphql, which does not allow a description.
pub struct Connection<T> {
    /// Whether a previous page exists.
    previous: bool,
    /// Whether a next page exists.
    next: bool,
    edges: Vec<Edge<T>>,
}

/// An item and its cursor.
pub struct Edge<T> {
    cursor: String,
    node: T,
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
            has_previous_page: self.previous,
            has_next_page: self.next,
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

fn decode(cursor: &str) -> Option<String> {
    String::from_utf8(hex::decode(cursor).ok()?).ok().filter(|key| !key.chars().any(char::is_control))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_pages_name_the_argument() {
        let field = |first, after: Option<&str>, last, before: Option<&str>| {
            let Err(Error::BadUserInput { field, .. }) = Page::parse(first, after, last, before) else {
                panic!("not rejected")
            };
            field
        };
        assert_eq!(field(Some(101), None, None, None), "first");
        assert_eq!(field(Some(-1), None, None, None), "first");
        assert_eq!(field(None, None, Some(1_000), None), "last");
        assert_eq!(field(Some(1), Some("zz"), None, None), "after");
        assert_eq!(field(Some(1), None, None, Some("61")), "before");
        assert_eq!(field(None, Some("61"), Some(2), None), "after");
    }

    #[test]
    fn a_page_is_read_forward_or_backward() {
        let page = Page::parse(Some(2), Some("61"), None, None).unwrap();
        assert_eq!(page, Page { size: 2, backward: false, beyond: Some("a".to_owned()) });
        let rows = |keys: &[&str]| keys.iter().map(|key| ((*key).to_owned(), 1)).collect::<Vec<_>>();
        let connection = page.connect(rows(&["b", "c", "d"]));
        assert!(connection.next && connection.previous);
        let keys: Vec<_> = connection.edges.iter().map(|edge| edge.cursor.clone()).collect();
        assert_eq!(keys, ["62", "63"]);
        let page = Page::parse(None, None, Some(2), None).unwrap();
        let keys: Vec<_> = page.connect(rows(&["d", "c"])).edges.into_iter().map(|edge| edge.cursor).collect();
        assert_eq!(keys, ["63", "64"]);
    }
}
