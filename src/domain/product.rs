//! A product as a partner sends or imports it, and its validation.

use super::product_state::ProductState;

/// The maximum number of products or ids in one mutation.
pub const MAX_BATCH: usize = 500;
/// The maximum number of products per partner.
pub const MAX_PRODUCTS: u64 = 100_000;

/// The maximum length of an id, category or subcategory, in characters.
pub const MAX_NAME_CHARS: usize = 200;
/// The maximum length of a title, in characters.
const MAX_TITLE_CHARS: usize = 500;
/// The maximum price, in any currency.
pub const MAX_PRICE: f64 = 1e12;
/// The maximum rating.
pub const MAX_RATING: f64 = 5.0;
/// The maximum number of ratings: the GraphQL type is Int, which has 32 bits.
pub const MAX_RATING_COUNT: i64 = 2_147_483_647;

/// A product of a partner's catalog. Files, the database and GraphQL have other forms, which convert to this one.
#[derive(Clone, Debug, PartialEq)]
pub struct Product {
    pub id: String,
    pub title: String,
    pub category: Option<String>,
    pub subcategory: Option<String>,
    pub price: Option<f64>,
    pub currency: Option<String>,
    /// 0 to 5.
    pub rating: Option<f64>,
    pub rating_count: Option<i64>,
    pub state: ProductState,
}

/// The reason why a product is not stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProductFault {
    /// The invalid field, by its name in the GraphQL schema.
    pub field: String,
    pub message: String,
}

impl ProductFault {
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into() }
    }

    /// The fault of a new product in a catalog that has [`MAX_PRODUCTS`] products.
    #[must_use]
    pub fn catalog_full() -> Self {
        Self::new("id", format!("the limit of {MAX_PRODUCTS} products is reached; delete some first."))
    }
}

impl Product {
    /// Trims all texts, turns empty categories into `None`, and validates all fields.
    ///
    /// # Errors
    /// The first invalid field.
    pub fn validated(mut self) -> Result<Self, ProductFault> {
        self.id = self.id.trim().to_owned();
        self.title = self.title.trim().to_owned();
        for (field, text, max_chars) in [("id", &self.id, MAX_NAME_CHARS), ("title", &self.title, MAX_TITLE_CHARS)] {
            if text.is_empty() || !is_text(text, max_chars) {
                return Err(ProductFault::new(field, format!("1 to {max_chars} characters, no control characters.")));
            }
        }
        for (field, text) in [("category", &mut self.category), ("subcategory", &mut self.subcategory)] {
            *text = text.take().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
            if text.as_ref().is_some_and(|text| !is_text(text, MAX_NAME_CHARS)) {
                return Err(ProductFault::new(
                    field,
                    format!("at most {MAX_NAME_CHARS} characters, no control characters."),
                ));
            }
        }
        let is_code = |code: &String| code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase());
        if self.currency.as_ref().is_some_and(|code| !is_code(code)) {
            return Err(ProductFault::new("currency", "must be three capital letters, such as EUR."));
        }
        for (field, number, max) in [("price", self.price, MAX_PRICE), ("rating", self.rating, MAX_RATING)] {
            if number.is_some_and(|number| !(0.0..=max).contains(&number)) {
                return Err(ProductFault::new(field, format!("must be 0 to {max}.")));
            }
        }
        if self.rating_count.is_some_and(|count| !(0..=MAX_RATING_COUNT).contains(&count)) {
            return Err(ProductFault::new("ratingCount", format!("must be 0 to {MAX_RATING_COUNT}.")));
        }
        self.state.check().map_err(|(field, message)| ProductFault::new(format!("state.{field}"), message))?;
        Ok(self)
    }
}

fn is_text(text: &str, max_chars: usize) -> bool {
    // Counts at most `max_chars + 1` characters, so that a very long text is rejected without being read in full.
    text.chars().take(max_chars + 1).count() <= max_chars && !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::product_state::PriceBand;

    fn product() -> Product {
        Product {
            id: "p-1".to_owned(),
            title: " Lamp ".to_owned(),
            category: Some("  ".to_owned()),
            subcategory: None,
            price: Some(0.0),
            currency: Some("EUR".to_owned()),
            rating: Some(5.0),
            rating_count: Some(3),
            state: ProductState { price: Some(PriceBand::Mid), ..ProductState::default() },
        }
    }

    #[test]
    fn each_fault_names_its_field() {
        let field = |change: &dyn Fn(&mut Product)| {
            let mut product = product();
            change(&mut product);
            product.validated().map(|product| product.id).unwrap_err().field
        };
        assert_eq!(field(&|product| product.id.clear()), "id");
        assert_eq!(field(&|product| product.id = "a\nb".to_owned()), "id");
        assert_eq!(field(&|product| product.title = " ".to_owned()), "title");
        assert_eq!(field(&|product| product.title = "é".repeat(501)), "title");
        assert_eq!(field(&|product| product.category = Some("c".repeat(201))), "category");
        assert_eq!(field(&|product| product.currency = Some("euro".to_owned())), "currency");
        assert_eq!(field(&|product| product.price = Some(-0.01)), "price");
        assert_eq!(field(&|product| product.rating = Some(7.0)), "rating");
        assert_eq!(field(&|product| product.rating = Some(f64::NAN)), "rating");
        assert_eq!(field(&|product| product.rating_count = Some(-1)), "ratingCount");
        assert_eq!(field(&|product| product.rating_count = Some(1 << 31)), "ratingCount");
        assert_eq!(field(&|product| product.state.crowd_tolerance = Some(2.0)), "state.crowdTolerance");
    }

    #[test]
    fn texts_are_trimmed_and_empty_ones_are_none() {
        let product = product().validated().unwrap();
        assert_eq!((product.title.as_str(), product.category.as_deref()), ("Lamp", None));
    }
}
