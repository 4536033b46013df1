//! The root mutation object.

use std::collections::BTreeSet;

use async_graphql::{Context, InputObject, Object};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, DatabaseConnection, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter,
    SqlErr,
};

use crate::{
    auth::{self, Scope},
    catalog::{Item, MOST_SENT, ProductState, store},
    cost,
    entity::market_segment,
    error::Error,
    guard::Needs,
    loader::visible_to,
    segment::{Definition, is_slug},
    session::Session,
    types::{product::UpsertProductsResult, segment::Segment},
};

/// Maximum number of saved segments per partner.
const MOST_SEGMENTS: u64 = 1_000;

/// The root mutation object.
pub struct Mutation;

/// A segment to save.
#[derive(InputObject)]
pub struct SaveSegmentInput {
    /// Name of the segment in queries: 2 to 60 lowercase letters, digits and hyphens. If the caller has a segment with
    /// this slug, it is overwritten. The slug of a shared segment is rejected.
    pub slug: String,
    /// Display name: 1 to 120 characters, no control characters. Leading and trailing spaces are removed.
    pub name: String,
    /// Definition of the segment.
    pub definition: Definition,
}

/// A product of the caller's own catalog. Texts must not contain control characters. Leading and trailing spaces of
/// `id`, `title`, `category` and `subcategory` are removed.
#[derive(InputObject)]
pub struct ProductInput {
    /// The caller's own id of the product: 1 to 200 characters.
    pub id: String,
    /// Title: 1 to 500 characters.
    pub title: String,
    /// The caller's category: at most 200 characters.
    pub category: Option<String>,
    /// The caller's subcategory: at most 200 characters.
    pub subcategory: Option<String>,
    /// Price in `currency`: 0 to 10^12.
    pub price: Option<f64>,
    /// ISO 4217 code of the currency: three uppercase letters, such as EUR.
    pub currency: Option<String>,
    /// Average rating: 0 to 5.
    pub rating: Option<f64>,
    /// Number of ratings: 0 to 2,147,483,647.
    pub rating_count: Option<i64>,
    /// Description of the product by dimensions and terms. A product that states no dimension is stored but never
    /// recommended.
    pub state: Option<ProductState>,
}

impl From<ProductInput> for Item {
    fn from(input: ProductInput) -> Self {
        Self {
            id: input.id,
            title: input.title,
            category: input.category,
            subcategory: input.subcategory,
            price: input.price,
            currency: input.currency,
            rating: input.rating,
            rating_count: input.rating_count,
            state: input.state.unwrap_or_default(),
        }
    }
}

/// Mutations. They run one after another and are admitted separately. They cost points; privacy units are charged only
/// for selected fields about people of a returned segment.
#[Object]
impl Mutation {
    /// Saves a segment of the caller's own, or overwrites the one with the same slug. At most 1,000 segments per
    /// partner. Requires one of the scopes `behavior`, `personality`, `network`. `BAD_USER_INPUT` if a field is not
    /// valid.
    #[graphql(guard = "Needs(Scope::INSIGHT)")]
    async fn save_segment(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The segment to save.")] input: SaveSegmentInput,
    ) -> Result<Segment, Error> {
        let session = Session::of(ctx)?;
        session.cohort(&input.definition)?;
        let saved =
            save(&session.state.db, Some(&session.caller.partner_id), &input, session.state.clock.now()).await?;
        Ok(Segment::saved(saved, session))
    }

    /// Deletes a segment of the caller's own and returns true. Requires one of the scopes `behavior`, `personality`,
    /// `network`. `INVALID_SEGMENT` if the caller has no segment with this slug.
    #[graphql(guard = "Needs(Scope::INSIGHT)")]
    async fn delete_segment(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Slug of the segment.")] slug: String,
    ) -> Result<bool, Error> {
        let session = Session::of(ctx)?;
        let own = market_segment::Entity::delete_many()
            .filter(market_segment::COLUMN.partner_id.eq(session.caller.partner_id.clone()))
            .filter(market_segment::COLUMN.slug.eq(&slug));
        if is_slug(&slug) && own.exec(&session.state.db).await?.rows_affected > 0 {
            return Ok(true);
        }
        Err(Error::InvalidSegment { slug: slug.chars().take(60).collect(), suggestions: Vec::new() })
    }

    /// Adds products to the caller's own catalog, or overwrites those with the same id completely. Repeating a call has
    /// no further effect. Products that cannot be stored are listed in `errors` of the result; the others are stored.
    /// At most 100,000 products per partner. Requires the scope `catalog`.
    #[graphql(guard = "Needs(&[Scope::Catalog])")]
    async fn upsert_products(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The products, at most 500.")] input: Vec<ProductInput>,
    ) -> Result<UpsertProductsResult, Error> {
        let session = Session::of(ctx)?;
        at_most(MOST_SENT, "input", input.len())?;
        session.begin(cost::weight_with("Mutation", "upsertProducts", input.len()));
        let ids: Vec<String> = input.iter().map(|product| product.id.clone()).collect();
        let items: Vec<Item> = input.into_iter().map(Item::from).collect();
        // States that `check` rejects can be very long; searching them for unknown terms would be expensive.
        let sane = items.iter().filter(|item| item.state.check().is_ok());
        let ignored: BTreeSet<String> = sane.flat_map(|item| item.state.ignored()).collect();
        let stored = store::upsert(&session.state.db, &session.caller.partner_id, items).await?;
        Ok(UpsertProductsResult::new(stored, &ids, ignored))
    }

    /// Deletes products of the caller's own catalog. Returns the number of products that were deleted. Requires the
    /// scope `catalog`.
    #[graphql(guard = "Needs(&[Scope::Catalog])")]
    async fn delete_products(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Ids of the products, at most 500. Unknown ids are ignored.")] ids: Vec<String>,
    ) -> Result<u64, Error> {
        let session = Session::of(ctx)?;
        at_most(MOST_SENT, "ids", ids.len())?;
        session.begin(cost::weight_with("Mutation", "deleteProducts", ids.len()));
        // No stored id contains control characters, and PostgreSQL rejects a text with a NUL character.
        let ids = ids.into_iter().map(|id| id.trim().to_owned());
        let ids: Vec<String> = ids.filter(|id| !id.chars().any(char::is_control)).collect();
        store::delete(&session.state.db, &session.caller.partner_id, &ids).await
    }
}

fn at_most(most: usize, field: &str, many: usize) -> Result<(), Error> {
    if many > most {
        return Err(Error::input(field, format!("at most {most} items are allowed, not {many}.")));
    }
    Ok(())
}

/// Saves a segment for a partner or, with `None`, a shared segment (the operator's `segments add`).
///
/// # Errors
/// [`Error::BadUserInput`] naming the field; [`Error::Unavailable`] if another request saved the same slug at the same
/// time, or if the database cannot be reached or is locked; [`Error::Internal`] if a query fails.
pub async fn save(
    db: &DatabaseConnection,
    partner_id: Option<&str>,
    input: &SaveSegmentInput,
    now: i64,
) -> Result<market_segment::Model, Error> {
    if !is_slug(&input.slug) {
        return Err(Error::input("slug", "must be 2 to 60 lowercase letters, digits and hyphens."));
    }
    let name = input.name.trim();
    if name.is_empty() || name.chars().count() > 120 || name.chars().any(char::is_control) {
        return Err(Error::input("name", "must be 1 to 120 characters, without control characters."));
    }
    let definition = serde_json::to_string(&input.definition).map_err(Error::internal)?;

    let same = market_segment::Entity::find().filter(market_segment::COLUMN.slug.eq(&input.slug));
    let same = match partner_id {
        Some(partner_id) => same.filter(visible_to(partner_id)),
        None => same.filter(market_segment::COLUMN.partner_id.is_null()),
    };
    let same = same.all(db).await?;
    if let Some(own) = same.iter().find(|row| row.partner_id.as_deref() == partner_id) {
        let mut row = own.clone().into_active_model();
        (row.name, row.definition, row.updated_at) = (Set(name.to_owned()), Set(definition), Set(now));
        return Ok(row.update(db).await?);
    }
    if !same.is_empty() {
        return Err(Error::input("slug", "a shared segment uses this slug. Choose another one."));
    }
    if let Some(partner_id) = partner_id {
        let own = market_segment::Entity::find().filter(market_segment::COLUMN.partner_id.eq(partner_id));
        if own.count(db).await? >= MOST_SEGMENTS {
            return Err(Error::input("slug", format!("the limit is {MOST_SEGMENTS} saved segments; delete one first.")));
        }
    }
    let row = market_segment::ActiveModel {
        segment_id: Set(format!("seg_{}", auth::random_hex(8)?)),
        partner_id: Set(partner_id.map(str::to_owned)),
        slug: Set(input.slug.clone()),
        name: Set(name.to_owned()),
        definition: Set(definition),
        created_at: Set(now),
        updated_at: Set(now),
    };
    match row.insert(db).await {
        // Another request saved the same slug at the same time. A retry either updates it or is rejected because the
        // slug is shared.
        Err(cause) if matches!(cause.sql_err(), Some(SqlErr::UniqueConstraintViolation(_))) => Err(Error::Unavailable),
        saved => Ok(saved?),
    }
}
