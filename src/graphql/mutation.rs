//! The root mutation object.

use std::collections::BTreeSet;

use async_graphql::{Context, InputObject, Object};

use super::{
    context::RequestContext,
    scope_guard::RequireScope,
    types::{product::UpsertProductsResult, segment::Segment},
};
use crate::{
    catalog::upload,
    domain::{
        error::Error,
        precision::Precision,
        product::{MAX_BATCH, Product},
        product_state::ProductState,
        scope::Scope,
        segment::{Definition, MAX_SLUG_CHARS, NewSegment, is_slug},
    },
    storage::{products, segments},
};

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

impl From<SaveSegmentInput> for NewSegment {
    fn from(input: SaveSegmentInput) -> Self {
        Self { slug: input.slug, name: input.name, definition: input.definition }
    }
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

impl From<ProductInput> for Product {
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
    #[graphql(guard = "RequireScope(Scope::INSIGHT)")]
    async fn save_segment(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The segment to save.")] input: SaveSegmentInput,
    ) -> Result<Segment, Error> {
        let context = RequestContext::of(ctx)?;
        context.cohort(&input.definition)?;
        let (services, partner_id) = (&context.services, &context.caller.partner_id);
        let saved = segments::save(&services.db, Some(partner_id), input.into(), services.clock.now()).await?;
        Ok(Segment::saved(saved, Precision::default(), context))
    }

    /// Deletes a segment of the caller's own and returns true. Requires one of the scopes `behavior`, `personality`,
    /// `network`. `INVALID_SEGMENT` if the caller has no segment with this slug.
    #[graphql(guard = "RequireScope(Scope::INSIGHT)")]
    async fn delete_segment(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Slug of the segment.")] slug: String,
    ) -> Result<bool, Error> {
        let context = RequestContext::of(ctx)?;
        let (db, partner_id) = (&context.services.db, &context.caller.partner_id);
        if is_slug(&slug) && segments::delete(db, Some(partner_id), &slug).await? {
            return Ok(true);
        }
        Err(Error::InvalidSegment { slug: slug.chars().take(MAX_SLUG_CHARS).collect(), suggestions: Vec::new() })
    }

    /// Adds products to the caller's own catalog, or overwrites those with the same id completely. Repeating a call has
    /// no further effect. Products that cannot be stored are listed in `errors` of the result; the others are stored.
    /// At most 100,000 products per partner. Requires the scope `catalog`.
    #[graphql(guard = "RequireScope(&[Scope::Catalog])")]
    async fn upsert_products(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The products, at most 500.")] input: Vec<ProductInput>,
    ) -> Result<UpsertProductsResult, Error> {
        let context = RequestContext::of(ctx)?;
        check_batch("input", input.len())?;
        context.charge_points("Mutation", "upsertProducts", input.len());
        let ids: Vec<String> = input.iter().map(|product| product.id.clone()).collect();
        let products: Vec<Product> = input.into_iter().map(Product::from).collect();
        // States that `check` rejects can be very long; searching them for unknown terms would be expensive.
        let valid = products.iter().filter(|product| product.state.check().is_ok());
        let ignored: BTreeSet<String> = valid.flat_map(|product| product.state.ignored()).collect();
        let uploaded = upload::upsert(&context.services.db, &context.caller.partner_id, products).await?;
        Ok(UpsertProductsResult::new(uploaded, &ids, ignored))
    }

    /// Deletes products of the caller's own catalog. Returns the number of products that were deleted. Requires the
    /// scope `catalog`.
    #[graphql(guard = "RequireScope(&[Scope::Catalog])")]
    async fn delete_products(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Ids of the products, at most 500. Unknown ids are ignored.")] ids: Vec<String>,
    ) -> Result<u64, Error> {
        let context = RequestContext::of(ctx)?;
        check_batch("ids", ids.len())?;
        context.charge_points("Mutation", "deleteProducts", ids.len());
        // No stored id contains control characters, and PostgreSQL rejects a text with a NUL character.
        let ids = ids.into_iter().map(|id| id.trim().to_owned());
        let ids: Vec<String> = ids.filter(|id| !id.chars().any(char::is_control)).collect();
        Ok(products::delete(&context.services.db, &context.caller.partner_id, &ids).await?)
    }
}

fn check_batch(field: &str, items: usize) -> Result<(), Error> {
    if items > MAX_BATCH {
        return Err(Error::input(field, format!("at most {MAX_BATCH} items are allowed, not {items}.")));
    }
    Ok(())
}
