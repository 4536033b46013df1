//! What may be changed.

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

/// Saved segments of one partner.
const MOST_SEGMENTS: u64 = 1_000;

/// What may be changed.
pub struct Mutation;

/// A segment to be saved.
#[derive(InputObject)]
pub struct SaveSegmentInput {
    /// Its name in queries: 2 to 60 lower-case letters, digits and hyphens. A slug of the caller's own is overwritten.
    pub slug: String,
    /// Its name for people: 1 to 120 characters.
    pub name: String,
    /// Whom it means.
    pub definition: Definition,
}

/// A product of the caller's own catalog.
#[derive(InputObject)]
pub struct ProductInput {
    /// The caller's own id of it: 1 to 200 characters.
    pub id: String,
    /// Its title: 1 to 500 characters.
    pub title: String,
    /// The caller's category, at most 200 characters.
    pub category: Option<String>,
    /// The caller's subcategory, at most 200 characters.
    pub subcategory: Option<String>,
    /// Price in `currency`, 0 or more.
    pub price: Option<f64>,
    /// ISO 4217 code: three capital letters.
    pub currency: Option<String>,
    /// 0 to 5.
    pub rating: Option<f64>,
    /// How many ratings.
    pub rating_count: Option<i64>,
    /// What it is like. A product without any is stored and never recommended.
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

/// What may be changed.
#[Object]
impl Mutation {
    /// Saves a segment of the caller's own. Costs no privacy: nothing is asked about it yet.
    #[graphql(guard = "Needs(Scope::INSIGHT)")]
    async fn save_segment(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to save.")] input: SaveSegmentInput,
    ) -> Result<Segment, Error> {
        let session = Session::of(ctx)?;
        session.cohort(&input.definition)?;
        let saved =
            save(&session.state.db, Some(&session.caller.partner_id), &input, session.state.clock.now()).await?;
        Ok(Segment::saved(saved, session))
    }

    /// Deletes a segment of the caller's own.
    #[graphql(guard = "Needs(Scope::INSIGHT)")]
    async fn delete_segment(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The segment's slug.")] slug: String,
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

    /// Stores products of the caller's own catalog: new ones are added, those with a known id overwritten, so sending them
    /// again changes nothing. One that cannot be stored is told in `errors`; the others are.
    #[graphql(guard = "Needs(&[Scope::Catalog])")]
    async fn upsert_products(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "At most 500.")] input: Vec<ProductInput>,
    ) -> Result<UpsertProductsResult, Error> {
        let session = Session::of(ctx)?;
        at_most(MOST_SENT, "input", input.len())?;
        session.begin(cost::weight_with("Mutation", "upsertProducts", input.len()));
        let ids: Vec<String> = input.iter().map(|product| product.id.clone()).collect();
        let items: Vec<Item> = input.into_iter().map(Item::from).collect();
        // Of states that are refused for their length it would be long work.
        let sane = items.iter().filter(|item| item.state.check().is_ok());
        let ignored: BTreeSet<String> = sane.flat_map(|item| item.state.ignored()).collect();
        let stored = store::upsert(&session.state.db, &session.caller.partner_id, items).await?;
        Ok(UpsertProductsResult::new(stored, &ids, ignored))
    }

    /// Deletes products of the caller's own catalog; returns how many there were.
    #[graphql(guard = "Needs(&[Scope::Catalog])")]
    async fn delete_products(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The products' ids, at most 500; one that there is not is no error.")] ids: Vec<String>,
    ) -> Result<u64, Error> {
        let session = Session::of(ctx)?;
        at_most(MOST_SENT, "ids", ids.len())?;
        session.begin(cost::weight_with("Mutation", "deleteProducts", ids.len()));
        // No product has such an id, and PostgreSQL refuses a text with a zero.
        let ids = ids.into_iter().map(|id| id.trim().to_owned());
        let ids: Vec<String> = ids.filter(|id| !id.chars().any(char::is_control)).collect();
        store::delete(&session.state.db, &session.caller.partner_id, &ids).await
    }
}

fn at_most(most: usize, field: &str, many: usize) -> Result<(), Error> {
    if many > most {
        return Err(Error::input(field, format!("at most {most} at once, not {many}.")));
    }
    Ok(())
}

/// Saves a segment for a partner, or for all of them (`None`, the operator's `segments add`).
///
/// # Errors
/// [`Error::BadUserInput`] naming the field.
pub async fn save(
    db: &DatabaseConnection,
    partner_id: Option<&str>,
    input: &SaveSegmentInput,
    now: i64,
) -> Result<market_segment::Model, Error> {
    if !is_slug(&input.slug) {
        return Err(Error::input("slug", "2 to 60 lower-case letters, digits and hyphens."));
    }
    let name = input.name.trim();
    if name.is_empty() || name.chars().count() > 120 || name.chars().any(char::is_control) {
        return Err(Error::input("name", "1 to 120 characters."));
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
        return Err(Error::input("slug", "a shared segment has this name; choose another."));
    }
    if let Some(partner_id) = partner_id {
        let own = market_segment::Entity::find().filter(market_segment::COLUMN.partner_id.eq(partner_id));
        if own.count(db).await? >= MOST_SEGMENTS {
            return Err(Error::input("slug", format!("{MOST_SEGMENTS} segments are saved; delete one first.")));
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
        // Somebody saved the same slug a moment before: try again, and it is theirs or an update.
        Err(cause) if matches!(cause.sql_err(), Some(SqlErr::UniqueConstraintViolation(_))) => Err(Error::Unavailable),
        saved => Ok(saved?),
    }
}
