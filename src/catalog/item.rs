//! A product as a partner sends or imports it, and its validation.

use sea_orm::Value;

use super::{PriceBand, ProductState};
use crate::entity::product;

/// The maximum length of an id, category or subcategory, in characters.
const LONGEST_NAME: usize = 200;
/// The maximum length of a title, in characters.
const LONGEST_TITLE: usize = 500;
/// The maximum price.
const MOST: f64 = 1e12;

/// A product as submitted.
#[derive(Clone, Debug)]
pub struct Item {
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
pub struct Fault {
    /// The invalid field, by its name in the GraphQL schema.
    pub field: String,
    pub message: String,
}

impl Fault {
    pub(super) fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into() }
    }
}

impl Item {
    /// Trims all texts, turns empty categories into `None`, and validates all fields.
    ///
    /// # Errors
    /// The first invalid field.
    pub fn checked(mut self) -> Result<Self, Fault> {
        self.id = self.id.trim().to_owned();
        self.title = self.title.trim().to_owned();
        for (field, text, longest) in [("id", &self.id, LONGEST_NAME), ("title", &self.title, LONGEST_TITLE)] {
            if text.is_empty() || !is_text(text, longest) {
                return Err(Fault::new(field, format!("1 to {longest} characters, no control characters.")));
            }
        }
        for (field, text) in [("category", &mut self.category), ("subcategory", &mut self.subcategory)] {
            *text = text.take().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
            if text.as_ref().is_some_and(|text| !is_text(text, LONGEST_NAME)) {
                return Err(Fault::new(field, format!("at most {LONGEST_NAME} characters, no control characters.")));
            }
        }
        let is_code = |code: &String| code.len() == 3 && code.bytes().all(|letter| letter.is_ascii_uppercase());
        if self.currency.as_ref().is_some_and(|code| !is_code(code)) {
            return Err(Fault::new("currency", "must be three capital letters, such as EUR."));
        }
        for (field, number, most) in [("price", self.price, MOST), ("rating", self.rating, 5.0)] {
            if number.is_some_and(|number| !(0.0..=most).contains(&number)) {
                return Err(Fault::new(field, format!("must be 0 to {most}.")));
            }
        }
        // The GraphQL type is Int, which has 32 bits.
        if self.rating_count.is_some_and(|count| !(0..=i64::from(i32::MAX)).contains(&count)) {
            return Err(Fault::new("ratingCount", format!("must be 0 to {}.", i32::MAX)));
        }
        self.state.check().map_err(|(field, message)| Fault::new(format!("state.{field}"), message))?;
        Ok(self)
    }

    /// The columns that [`Self::values`] fills; the first two are the key.
    pub(super) const COLUMNS: [&'static str; 11] = [
        "partner_id",
        "product_id",
        "title",
        "category",
        "subcategory",
        "price",
        "currency",
        "rating",
        "rating_count",
        "price_range",
        "stated",
    ];

    /// The values of [`Self::COLUMNS`], in their order. Only terms of the vocabulary are kept.
    ///
    /// # Errors
    /// If the state cannot be serialized.
    pub(super) fn values(self, partner_id: &str) -> serde_json::Result<Vec<Value>> {
        let band = self.state.price.map(|band| band.word().to_owned());
        let stated = serde_json::to_string(&ProductState { price: None, ..self.state.known() })?;
        Ok(vec![
            partner_id.into(),
            self.id.into(),
            self.title.into(),
            self.category.into(),
            self.subcategory.into(),
            self.price.into(),
            self.currency.into(),
            self.rating.into(),
            self.rating_count.into(),
            band.into(),
            stated.into(),
        ])
    }
}

/// The state of a stored product, from its columns `price_range` and `stated`.
///
/// # Errors
/// If `stated` is not valid JSON of a state.
pub(super) fn state(price_range: Option<&str>, stated: &str) -> serde_json::Result<ProductState> {
    let state: ProductState = serde_json::from_str(stated)?;
    Ok(ProductState { price: price_range.and_then(PriceBand::parse), ..state })
}

impl product::Model {
    /// The state of the product.
    ///
    /// # Errors
    /// If the column `stated` is not valid JSON of a state.
    pub fn state(&self) -> serde_json::Result<ProductState> {
        state(self.price_range.as_deref(), &self.stated)
    }
}

fn is_text(text: &str, longest: usize) -> bool {
    // Counts at most `longest + 1` characters, so that a very long text is rejected without being read in full.
    text.chars().take(longest + 1).count() <= longest && !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item() -> Item {
        Item {
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
        let field = |change: &dyn Fn(&mut Item)| {
            let mut item = item();
            change(&mut item);
            item.checked().map(|item| item.id).unwrap_err().field
        };
        assert_eq!(field(&|item| item.id.clear()), "id");
        assert_eq!(field(&|item| item.id = "a\nb".to_owned()), "id");
        assert_eq!(field(&|item| item.title = " ".to_owned()), "title");
        assert_eq!(field(&|item| item.title = "é".repeat(501)), "title");
        assert_eq!(field(&|item| item.category = Some("c".repeat(201))), "category");
        assert_eq!(field(&|item| item.currency = Some("euro".to_owned())), "currency");
        assert_eq!(field(&|item| item.price = Some(-0.01)), "price");
        assert_eq!(field(&|item| item.rating = Some(7.0)), "rating");
        assert_eq!(field(&|item| item.rating = Some(f64::NAN)), "rating");
        assert_eq!(field(&|item| item.rating_count = Some(-1)), "ratingCount");
        assert_eq!(field(&|item| item.rating_count = Some(1 << 31)), "ratingCount");
        assert_eq!(field(&|item| item.state.crowd_tolerance = Some(2.0)), "state.crowdTolerance");
    }

    #[test]
    fn texts_are_trimmed_and_what_is_stated_comes_back() {
        let item = item().checked().unwrap();
        assert_eq!((item.title.as_str(), item.category.as_deref()), ("Lamp", None));
        let wanted = item.state.clone();
        let values = item.values("acme").unwrap();
        assert_eq!(values.len(), Item::COLUMNS.len());
        let text = |value: &Value| value.to_string().trim_matches('\'').to_owned();
        assert_eq!(state(Some(&text(&values[9])), &text(&values[10])).unwrap(), wanted);
    }
}
