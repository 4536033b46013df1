//! Pages of lists: limits, cursors, and which rows to read.

use super::error::Error;

/// Maximum number of items per page.
pub const MAX_PAGE_SIZE: i32 = 100;
/// Maximum number of definitions of `cohorts`.
pub const MAX_COHORTS: usize = 50;
/// Maximum number of regions per page of a privacy budget.
pub const MAX_REGIONS: i32 = 100;
/// Maximum number of segments per page of a quote.
pub const MAX_QUOTED_SEGMENTS: i32 = 100;
/// Maximum number of days of usage.
pub const MAX_USAGE_DAYS: i32 = 90;
/// The page size where none is given.
const DEFAULT_PAGE_SIZE: i32 = 20;

/// A requested page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageRequest {
    /// Number of items.
    pub size: u64,
    /// Whether the page is counted from the end of the list.
    pub backward: bool,
    /// The key after which the page begins, or before which it ends if `backward`.
    pub beyond: Option<String>,
}

impl PageRequest {
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
        let size = size.unwrap_or(DEFAULT_PAGE_SIZE);
        if !(0..=MAX_PAGE_SIZE).contains(&size) {
            return Err(Error::input(name, format!("must be 0 to {MAX_PAGE_SIZE}, not {size}.")));
        }
        let (cursor_name, cursor, other_name, other) =
            if backward { ("before", before, "after", after) } else { ("after", after, "before", before) };
        if other.is_some() {
            return Err(Error::input(other_name, format!("cannot be combined with `{name}`.")));
        }
        let beyond = cursor
            .map(|cursor| decode_cursor(cursor).ok_or_else(|| Error::input(cursor_name, "is not a valid cursor.")));
        Ok(Self { size: size.unsigned_abs().into(), backward, beyond: beyond.transpose()? })
    }

    /// The same page of a list whose cursors are positions.
    ///
    /// # Errors
    /// [`Error::BadUserInput`], naming the argument, if the cursor is not a position.
    pub fn by_position(&self) -> Result<PositionPage, Error> {
        let name = if self.backward { "before" } else { "after" };
        let parse = |key: &String| key.parse().map_err(|_| Error::input(name, "is not a valid cursor."));
        let beyond = self.beyond.as_ref().map(parse).transpose()?;
        Ok(PositionPage { size: usize::try_from(self.size).unwrap_or(usize::MAX), backward: self.backward, beyond })
    }

    /// Cuts rows that were read in the direction of the page, one more than its size if there are more of them.
    #[must_use]
    pub fn cut<T>(&self, mut rows: Vec<T>) -> Page<T> {
        let size = usize::try_from(self.size).unwrap_or(usize::MAX);
        let has_more = rows.len() > size;
        rows.truncate(size);
        if self.backward {
            rows.reverse();
        }
        let (has_previous, has_next) =
            if self.backward { (has_more, self.beyond.is_some()) } else { (self.beyond.is_some(), has_more) };
        Page { items: rows, has_previous, has_next }
    }
}

/// A requested page of a list whose cursors are the positions of its items, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PositionPage {
    size: usize,
    backward: bool,
    beyond: Option<usize>,
}

impl PositionPage {
    /// The positions of the page in a list of `total` items.
    #[must_use]
    pub fn positions(&self, total: usize) -> std::ops::Range<usize> {
        if self.backward {
            let end = self.beyond.unwrap_or(total).min(total);
            end.saturating_sub(self.size)..end
        } else {
            let start = self.beyond.map_or(0, |beyond| beyond.saturating_add(1)).min(total);
            start..start.saturating_add(self.size).min(total)
        }
    }
}

/// A page of a list, in the order of the list.
#[derive(Debug)]
pub struct Page<T> {
    pub items: Vec<T>,
    pub has_previous: bool,
    pub has_next: bool,
}

impl<T> Page<T> {
    /// The page with its items converted.
    #[must_use]
    pub fn map<U>(self, convert: impl FnMut(T) -> U) -> Page<U> {
        let items = self.items.into_iter().map(convert).collect();
        Page { items, has_previous: self.has_previous, has_next: self.has_next }
    }
}

/// The size of a page that has only the argument `name`.
///
/// # Errors
/// [`Error::BadUserInput`], naming the argument, if it is not 0 to `max`.
pub fn parse_size(name: &str, size: i32, max: i32) -> Result<usize, Error> {
    let size = usize::try_from(size).ok().filter(|size| *size <= max.unsigned_abs() as usize);
    size.ok_or_else(|| Error::input(name, format!("must be 0 to {max}.")))
}

/// The opaque cursor of a key.
#[must_use]
pub fn encode_cursor(key: &str) -> String {
    hex::encode(key)
}

fn decode_cursor(cursor: &str) -> Option<String> {
    let key = String::from_utf8(hex::decode(cursor).ok()?).ok()?;
    // A cursor is opaque: only the exact text that was returned is valid, not another spelling of it.
    let is_valid = !key.is_empty() && !key.chars().any(char::is_control) && encode_cursor(&key) == cursor;
    is_valid.then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_pages_name_the_argument() {
        let field = |first, after: Option<&str>, last, before: Option<&str>| {
            let Err(Error::BadUserInput { field, .. }) = PageRequest::parse(first, after, last, before) else {
                panic!("not rejected")
            };
            field
        };
        assert_eq!(field(Some(101), None, None, None), "first");
        assert_eq!(field(Some(-1), None, None, None), "first");
        assert_eq!(field(None, None, Some(1_000), None), "last");
        for cursor in ["zz", "", "6A", "00"] {
            assert_eq!(field(Some(1), Some(cursor), None, None), "after", "{cursor:?}");
        }
        assert_eq!(field(Some(1), None, None, Some("61")), "before");
        assert_eq!(field(None, Some("61"), Some(2), None), "after");
    }

    #[test]
    fn a_page_is_read_forward_or_backward() {
        let request = PageRequest::parse(Some(2), Some("61"), None, None).unwrap();
        assert_eq!(request, PageRequest { size: 2, backward: false, beyond: Some("a".to_owned()) });
        let page = request.cut(vec!["b", "c", "d"]);
        assert!(page.has_next && page.has_previous);
        assert_eq!(page.items, ["b", "c"]);
        assert_eq!(encode_cursor("b"), "62");
        let positions = |first, after: Option<&str>, last, before: Option<&str>| {
            let cursors = [after, before].map(|cursor| cursor.map(encode_cursor));
            let request = PageRequest::parse(first, cursors[0].as_deref(), last, cursors[1].as_deref()).unwrap();
            request.by_position().unwrap().positions(5)
        };
        assert_eq!(positions(Some(2), None, None, None), 0..2);
        assert_eq!(positions(Some(9), Some("2"), None, None), 3..5);
        assert_eq!(positions(Some(2), Some("99"), None, None), 5..5);
        assert_eq!(positions(None, None, Some(2), None), 3..5);
        assert_eq!(positions(None, None, Some(2), Some("1")), 0..1);
        let request = PageRequest::parse(None, None, Some(2), None).unwrap();
        assert_eq!(request.cut(vec!["d", "c"]).items, ["c", "d"]);
    }
}
