//! The root query object.

use std::sync::atomic::Ordering;

use async_graphql::{Context, Json, Object, Variables};
use sea_orm::{
    Condition, EntityTrait, ExprTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
    sea_query::{Expr, Func},
};

use crate::{
    auth::Scope,
    catalog::store,
    cost, db, document,
    entity::{market_segment, product},
    error::Error,
    guard::Needs,
    loader::{SavedAs, visible_to},
    math::Braid,
    segment,
    session::Session,
    types::{
        knot::Knot,
        page::{Connection, Page},
        product::Product,
        quote::Quote,
        segment::Segment,
        viewer::Viewer,
        vocabulary::Vocabulary,
    },
};

/// Number of unknown slugs per document for which suggestions are computed. Each is compared with up to 1,000 slugs.
const MOST_SUGGESTED: u64 = 3;
/// Maximum length of a search text, in characters.
const LONGEST_SEARCH: usize = 100;

/// The root query object.
pub struct Query;

/// Queries. Fields that do not read about people cost points only, no privacy units.
#[Object]
impl Query {
    /// The caller: partner, key, scopes, limits and usage.
    async fn viewer(&self, ctx: &Context<'_>) -> Result<Viewer, Error> {
        Session::of(ctx).map(Viewer::from)
    }

    /// The terms that segment definitions and products may use, as of the newest epoch.
    async fn vocabulary(&self, ctx: &Context<'_>) -> Result<Vocabulary, Error> {
        Session::of(ctx).map(|session| session.epoch.as_ref().into())
    }

    /// A saved segment: one of the caller's own, or one shared by the operator. If both have the slug, the caller's own
    /// is returned. Null with `INVALID_SEGMENT` if no segment has the slug; the first three such errors of a document
    /// have up to three suggestions each.
    async fn segment(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Slug of the segment, as returned by `segments`.")] slug: String,
    ) -> Result<Option<Segment>, Error> {
        let session = Session::of(ctx)?;
        let _looking_up = session.batches.looking_up();
        if let Some(saved) = session.segments.load_one(SavedAs(slug.clone())).await? {
            return Ok(Some(Segment::saved(saved, session)));
        }
        // Slugs have at most 60 characters, and the similarity to a long text is expensive to compute.
        let slug: String = slug.chars().take(60).collect();
        let few = session.suggested.fetch_add(1, Ordering::Relaxed) < MOST_SUGGESTED;
        let suggestions = if few { session.segments.loader().suggestions(&slug).await? } else { Vec::new() };
        Err(Error::InvalidSegment { slug, suggestions })
    }

    /// The saved segments that the caller may see, in order of slug. A shared segment is omitted if the caller has one
    /// with the same slug. `BAD_USER_INPUT` if an argument is not valid.
    async fn segments(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Page size from the start of the list, 0 to 100.", default = 20)] first: Option<i32>,
        #[graphql(desc = "Return items after this cursor. Cannot be combined with `last`.")] after: Option<String>,
        #[graphql(desc = "Page size from the end of the list, 0 to 100; overrides `first`.")] last: Option<i32>,
        #[graphql(desc = "Return items before this cursor. Requires `last`.")] before: Option<String>,
        #[graphql(desc = "Text in the slug or name, ignoring case; at most 100 characters.")] search: Option<String>,
    ) -> Result<Connection<Segment>, Error> {
        let session = Session::of(ctx)?;
        let _looking_up = session.batches.looking_up();
        let page = Page::parse(first, after.as_deref(), last, before.as_deref())?;
        let own = market_segment::Entity::find()
            .select_only()
            .column(market_segment::Column::Slug)
            .filter(market_segment::COLUMN.partner_id.eq(session.caller.partner_id.clone()))
            .into_query();
        // As in `segment`, the caller's own segment takes precedence over a shared one with the same slug.
        let hidden = market_segment::COLUMN.partner_id.is_null().and(Expr::col("slug").in_subquery(own));
        let mut rows =
            market_segment::Entity::find().filter(visible_to(&session.caller.partner_id)).filter(hidden.not());
        if let Some(search) = search.filter(|search| !search.is_empty()) {
            rows = rows.filter(holds(&search)?);
        }
        let slug = market_segment::COLUMN.slug;
        if let Some(beyond) = &page.beyond {
            rows = rows.filter(if page.backward { slug.lt(beyond) } else { slug.gt(beyond) });
        }
        rows = if page.backward { rows.order_by_desc(slug) } else { rows.order_by_asc(slug) };
        let rows = rows.limit(page.size + 1).all(&session.state.db).await?;
        let segments = rows.into_iter().map(|row| (row.slug.clone(), Segment::saved(row, session)));
        Ok(page.connect(segments.collect()))
    }

    /// A segment by inline definition. Nothing is saved. `BAD_USER_INPUT` if the definition is not valid, with the
    /// reason `VOCABULARY` for a term that is not in `vocabulary`.
    async fn cohort(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "AND between fields, OR within a field. An absent or empty field places no restriction.")]
        definition: segment::Definition,
    ) -> Result<Segment, Error> {
        let cohort = Session::of(ctx)?.cohort(&definition)?;
        Ok(Segment { saved: None, cohort: Ok(cohort) })
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
    ) -> Result<Quote, Error> {
        let session = Session::of(ctx)?;
        session.begin(cost::weight_of("Query", "quote"));
        let variables = variables.map_or_else(Variables::default, |Json(variables)| {
            Variables::from_json(serde_json::Value::Object(variables))
        });
        let state = &session.state;
        let document = document::read(&document, operation_name.as_deref(), variables, &state.checker).await?;
        let bill = cost::price(&document, &state.shape)?;
        let budget = state.desk.budget(&session.caller.account).await?;
        Ok(Quote::new(&bill, &session.caller.limits, &budget))
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
        let session = Session::of(ctx)?;
        session.begin(cost::weight_with("Query", "knot", braid.letters().len()));
        Knot::of(&session.state.knots, braid).await
    }

    /// The caller's own products, in order of id. Requires the scope `catalog`. `BAD_USER_INPUT` if an argument is not
    /// valid.
    #[graphql(guard = "Needs(&[Scope::Catalog])")]
    async fn products(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Page size from the start of the list, 0 to 100.", default = 20)] first: Option<i32>,
        #[graphql(desc = "Return items after this cursor. Cannot be combined with `last`.")] after: Option<String>,
        #[graphql(desc = "Page size from the end of the list, 0 to 100; overrides `first`.")] last: Option<i32>,
        #[graphql(desc = "Return items before this cursor. Requires `last`.")] before: Option<String>,
        #[graphql(desc = "Return only products of this category. It must match exactly.")] category: Option<String>,
    ) -> Result<Connection<Product>, Error> {
        let session = Session::of(ctx)?;
        let page = Page::parse(first, after.as_deref(), last, before.as_deref())?;
        let mut rows = store::of(&session.caller.partner_id);
        if let Some(category) = category {
            if category.chars().any(char::is_control) {
                return Err(Error::input("category", "must not contain control characters."));
            }
            rows = rows.filter(product::COLUMN.category.eq(category));
        }
        let id = product::COLUMN.product_id;
        if let Some(beyond) = &page.beyond {
            rows = rows.filter(if page.backward { id.lt(beyond) } else { id.gt(beyond) });
        }
        rows = if page.backward { rows.order_by_desc(id) } else { rows.order_by_asc(id) };
        let rows = rows.limit(page.size + 1).all(&session.state.db).await?;
        Ok(page.connect(rows.into_iter().map(|row| (row.product_id.clone(), row.into())).collect()))
    }
}

/// Rows whose slug or name contains a text, ignoring case.
///
/// # Errors
/// [`Error::BadUserInput`] if the text is longer than 100 characters or contains control characters.
fn holds(search: &str) -> Result<Condition, Error> {
    if search.chars().count() > LONGEST_SEARCH || search.chars().any(char::is_control) {
        return Err(Error::input("search", format!("at most {LONGEST_SEARCH} characters, no control characters.")));
    }
    let pattern = db::like(&search.to_lowercase());
    Ok(["slug", "name"].into_iter().fold(Condition::any(), |any, column| {
        any.add(Expr::expr(Func::lower(Expr::col(column))).like(pattern.clone()))
    }))
}
