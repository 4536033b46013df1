//! The root query object.

use std::sync::atomic::Ordering;

use async_graphql::{Context, Json, Object, Variables};
use personality_math::Braid;

use super::{
    context::RequestContext,
    quoted,
    scope_guard::RequireScope,
    types::{
        knot::Knot,
        page::{Connection, page_request, selected_total},
        product::Product,
        quote::Quote,
        segment::Segment,
        viewer::Viewer,
        vocabulary::Vocabulary,
    },
};
use crate::{
    domain::{
        error::Error,
        page::MAX_COHORTS,
        precision::Precision,
        scope::Scope,
        segment::{self, MAX_SLUG_CHARS},
    },
    storage::{products, segments},
};

/// Number of unknown slugs per document for which suggestions are computed. Each is compared with up to 1,000 slugs.
const MAX_SUGGESTIONS: u64 = 3;
/// Maximum length of a search text, in characters.
const MAX_SEARCH_CHARS: usize = 100;

/// The root query object.
pub struct Query;

/// Queries. Fields that do not read about people cost points only, no privacy units.
#[Object]
impl Query {
    /// The caller: partner, key, scopes, limits and usage.
    async fn viewer(&self, ctx: &Context<'_>) -> Result<Viewer, Error> {
        RequestContext::of(ctx).map(Viewer::from)
    }

    /// The terms that segment definitions and products may use, as of the newest epoch.
    async fn vocabulary(&self, ctx: &Context<'_>) -> Result<Vocabulary, Error> {
        RequestContext::of(ctx).map(|context| context.epoch.as_ref().into())
    }

    /// A saved segment: one of the caller's own, or one shared by the operator. If both have the slug, the caller's own
    /// is returned. Null with `INVALID_SEGMENT` if no segment has the slug; the first three such errors of a document
    /// have up to three suggestions each.
    async fn segment(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Slug of the segment, as returned by `segments`.")] slug: String,
        #[graphql(
            desc = "Precision of the numbers. A finer one costs more privacy units; asking again costs the difference.",
            default_with = "Precision::default()"
        )]
        precision: Precision,
    ) -> Result<Option<Segment>, Error> {
        let context = RequestContext::of(ctx)?;
        let _lookup = context.batches.begin_lookup();
        if let Some(saved) = context.segments.load_one(slug.clone()).await? {
            return Ok(Some(Segment::saved(saved, precision, context)));
        }
        // The similarity to a long text is expensive to compute.
        let slug: String = slug.chars().take(MAX_SLUG_CHARS).collect();
        let is_one_of_few = context.suggestions.fetch_add(1, Ordering::Relaxed) < MAX_SUGGESTIONS;
        let suggestions = if is_one_of_few { context.segments.loader().suggestions(&slug).await? } else { Vec::new() };
        Err(Error::InvalidSegment { slug, suggestions })
    }

    /// The saved segments that the caller may see, in order of slug. A shared segment is omitted if the caller has one
    /// with the same slug. `BAD_USER_INPUT` if an argument is not valid.
    #[expect(clippy::too_many_arguments, reason = "each is an argument of the schema")]
    async fn segments(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Page size from the start of the list, 0 to 100.", default = 20)] first: Option<i32>,
        #[graphql(desc = "Return items after this cursor. Cannot be combined with `last`.")] after: Option<String>,
        #[graphql(desc = "Page size from the end of the list, 0 to 100; cannot be combined with `first`.")]
        last: Option<i32>,
        #[graphql(desc = "Return items before this cursor. Requires `last`.")] before: Option<String>,
        #[graphql(desc = "Text in the slug or name, ignoring case; at most 100 characters.")] search: Option<String>,
        #[graphql(
            desc = "Precision of the numbers. A finer one costs more privacy units; asking again costs the difference.",
            default_with = "Precision::default()"
        )]
        precision: Precision,
    ) -> Result<Connection<Segment>, Error> {
        let context = RequestContext::of(ctx)?;
        let _lookup = context.batches.begin_lookup();
        let page = page_request(ctx, first, after.as_deref(), last, before.as_deref())?;
        let search = search.filter(|search| !search.is_empty());
        if search
            .as_ref()
            .is_some_and(|search| search.chars().count() > MAX_SEARCH_CHARS || search.chars().any(char::is_control))
        {
            let message = format!("at most {MAX_SEARCH_CHARS} characters, no control characters.");
            return Err(Error::input("search", message));
        }
        let (db, partner_id) = (&context.services.db, &context.caller.partner_id);
        let page = segments::page(db, partner_id, &page, search.as_deref()).await?;
        let count = segments::count(db, partner_id, search.as_deref());
        let total = selected_total(ctx, "SegmentConnection", count).await?;
        Ok(Connection::new(page, total, |segment| (segment.slug.clone(), Segment::saved(segment, precision, context))))
    }

    /// A segment by inline definition. Nothing is saved. Null with `BAD_USER_INPUT` if the definition is not valid,
    /// with the reason `VOCABULARY` for a term that is not in `vocabulary`.
    async fn cohort(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "AND between fields, OR within a field. An absent or empty field places no restriction.")]
        definition: segment::Definition,
        #[graphql(
            desc = "Precision of the numbers. A finer one costs more privacy units; asking again costs the difference.",
            default_with = "Precision::default()"
        )]
        precision: Precision,
    ) -> Result<Option<Segment>, Error> {
        let cohort = RequestContext::of(ctx)?.cohort(&definition)?;
        Ok(Some(Segment::inline(cohort, precision)))
    }

    /// Segments by inline definition, in the order of the definitions. Nothing is saved. A definition that is not valid
    /// makes its own item null, with the error that `cohort` would return. `BAD_USER_INPUT` for more than 50
    /// definitions.
    async fn cohorts(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The definitions, at most 50.")] definitions: Vec<segment::Definition>,
        #[graphql(
            desc = "Precision of the numbers. A finer one costs more privacy units; asking again costs the difference.",
            default_with = "Precision::default()"
        )]
        precision: Precision,
    ) -> Result<Vec<Option<Result<Segment, Error>>>, Error> {
        let context = RequestContext::of(ctx)?;
        context.charge_points("Query", "cohorts", definitions.len());
        if definitions.len() > MAX_COHORTS {
            return Err(Error::input("definitions", format!("at most {MAX_COHORTS} definitions.")));
        }
        let segment = |(index, definition)| {
            let cohort = context.cohort(definition);
            let cohort = cohort.map_err(|error| error.of_argument("definition", &format!("definitions[{index}]")));
            // `Some` of an error makes this item null, and not the whole list.
            Some(cohort.map(|cohort| Segment::inline(cohort, precision)))
        };
        Ok(definitions.iter().enumerate().map(segment).collect())
    }

    /// The cost of a document in points and privacy units. The document is not executed. If it is not valid, this field
    /// returns the error that the document itself would return. A document may contain at most 5 quotes.
    async fn quote(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The document, as it would be sent; at most 262,144 bytes.")] document: String,
        #[graphql(desc = "Variables of the document: an object.")] variables: Option<
            Json<serde_json::Map<String, serde_json::Value>>,
        >,
        #[graphql(desc = "Operation to price. Required if the document has several.")] operation_name: Option<String>,
    ) -> Result<Option<Quote>, Error> {
        let context = RequestContext::of(ctx)?;
        context.charge_points("Query", "quote", 0);
        let variables = variables.map_or_else(Variables::default, |Json(variables)| {
            Variables::from_json(serde_json::Value::Object(variables))
        });
        let services = &context.services;
        let priced = services.documents.read(&document, operation_name.as_deref(), variables).await?;
        let quoted = quoted::quote(context, &priced).await?;
        Ok(Some(Quote::new(&priced.cost, &context.caller.limits, quoted)))
    }

    /// The knot or link that is the closure of a braid, with its invariants. Reads nothing about people and requires no
    /// scope. `BAD_USER_INPUT` if the braid or the number of strands is not valid.
    async fn knot(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "The braid word, at most 60 entries, each 1 to 9 or -1 to -9: i is the generator in which strand i \
                          crosses over strand i + 1; -i is its inverse."
        )]
        braid: Vec<i32>,
        #[graphql(
            desc = "Number of strands, at most 10. Default: the number that the braid word needs. Each strand that \
                          no generator uses is a separate circle."
        )]
        strands: Option<i32>,
    ) -> Result<Knot, Error> {
        let mut braid = Braid::parse(&braid).map_err(|reason| Error::input("braid", reason))?;
        if let Some(strands) = strands {
            braid = braid.on(strands).map_err(|reason| Error::input("strands", reason))?;
        }
        let context = RequestContext::of(ctx)?;
        context.charge_points("Query", "knot", braid.letters().len());
        Ok(Knot::of_caller(context.services.knots.find(braid).await?))
    }

    /// The caller's own products, in order of id. Requires the scope `catalog`. `BAD_USER_INPUT` if an argument is not
    /// valid.
    #[graphql(guard = "RequireScope(&[Scope::Catalog])")]
    async fn products(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Page size from the start of the list, 0 to 100.", default = 20)] first: Option<i32>,
        #[graphql(desc = "Return items after this cursor. Cannot be combined with `last`.")] after: Option<String>,
        #[graphql(desc = "Page size from the end of the list, 0 to 100; cannot be combined with `first`.")]
        last: Option<i32>,
        #[graphql(desc = "Return items before this cursor. Requires `last`.")] before: Option<String>,
        #[graphql(desc = "Return only products of this category. It must match exactly.")] category: Option<String>,
    ) -> Result<Option<Connection<Product>>, Error> {
        let context = RequestContext::of(ctx)?;
        let page = page_request(ctx, first, after.as_deref(), last, before.as_deref())?;
        if category.as_ref().is_some_and(|category| category.chars().any(char::is_control)) {
            return Err(Error::input("category", "must not contain control characters."));
        }
        let (db, partner_id) = (&context.services.db, &context.caller.partner_id);
        let page = products::page(db, partner_id, &page, category.as_deref()).await?;
        let count = products::count(db, partner_id, category.as_deref());
        let total = selected_total(ctx, "ProductConnection", count).await?;
        Ok(Some(Connection::new(page, total, |product| (product.id.clone(), product.into()))))
    }
}
