//! What may be asked.

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

/// Unknown slugs of one document to which suggestions are made: each is compared with every name that there is.
const MOST_SUGGESTED: u64 = 3;
/// The longest search text.
const LONGEST_SEARCH: usize = 100;

/// What may be asked.
pub struct Query;

/// What may be asked.
#[Object]
impl Query {
    /// Who asks: partner, key, scopes and limits.
    async fn viewer(&self, ctx: &Context<'_>) -> Result<Viewer, Error> {
        Session::of(ctx).map(Viewer::from)
    }

    /// The words that a definition may use in the newest epoch.
    async fn vocabulary(&self, ctx: &Context<'_>) -> Result<Vocabulary, Error> {
        Session::of(ctx).map(|session| session.epoch.as_ref().into())
    }

    /// A saved segment: shared by the operator, or the caller's own (which goes first). An unknown slug is
    /// `INVALID_SEGMENT` with up to three suggestions.
    async fn segment(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The name of the segment, as `segments` lists it.")] slug: String,
    ) -> Result<Option<Segment>, Error> {
        let session = Session::of(ctx)?;
        let _looking_up = session.batches.looking_up();
        if let Some(saved) = session.segments.load_one(SavedAs(slug.clone())).await? {
            return Ok(Some(Segment::saved(saved, session)));
        }
        // No name is longer, and nearness to a long text is dear to compute.
        let slug: String = slug.chars().take(60).collect();
        let few = session.suggested.fetch_add(1, Ordering::Relaxed) < MOST_SUGGESTED;
        let suggestions = if few { session.segments.loader().suggestions(&slug).await? } else { Vec::new() };
        Err(Error::InvalidSegment { slug, suggestions })
    }

    /// Saved segments that the caller may see, by slug.
    async fn segments(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Page size from the beginning, at most 100.", default = 20)] first: Option<i32>,
        #[graphql(desc = "The cursor after which the page begins.")] after: Option<String>,
        #[graphql(desc = "Page size from the end, at most 100; goes before `first`.")] last: Option<i32>,
        #[graphql(desc = "The cursor before which the page ends; with `last`.")] before: Option<String>,
        #[graphql(desc = "Only segments whose slug or name holds this text.")] search: Option<String>,
    ) -> Result<Connection<Segment>, Error> {
        let session = Session::of(ctx)?;
        let _looking_up = session.batches.looking_up();
        let page = Page::parse(first, after.as_deref(), last, before.as_deref())?;
        let own = market_segment::Entity::find()
            .select_only()
            .column(market_segment::Column::Slug)
            .filter(market_segment::COLUMN.partner_id.eq(session.caller.partner_id.clone()))
            .into_query();
        // A shared segment hides behind an own one of the same name, as in `segment`.
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

    /// An inline segment: nothing is saved.
    async fn cohort(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "AND between fields, OR within one, an absent field means all.")]
        definition: segment::Definition,
    ) -> Result<Segment, Error> {
        let cohort = Session::of(ctx)?.cohort(&definition)?;
        Ok(Segment { saved: None, cohort: Ok(cohort) })
    }

    /// What a document would cost: points and privacy units. Nothing of it is run. A document that is not valid is an
    /// error of this field, with the code it would have.
    async fn quote(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The document, as it would be sent.")] document: String,
        #[graphql(desc = "Its variables: an object.")] variables: Option<
            Json<serde_json::Map<String, serde_json::Value>>,
        >,
        #[graphql(desc = "Which of its operations; needed if there are several.")] operation_name: Option<String>,
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

    /// The knot or link that a braid closes to, with its invariants: the mathematics, open to inspection.
    async fn knot(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "At most 60 letters, on at most 10 strands: i is the generator in which strand i crosses over \
                          strand i + 1, -i its inverse."
        )]
        braid: Vec<i32>,
        #[graphql(
            desc = "How many strands, at most 10; as many as the letters need if it is not given. Each that no \
                          letter touches is a circle apart."
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

    /// The caller's own products, by id.
    #[graphql(guard = "Needs(&[Scope::Catalog])")]
    async fn products(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Page size from the beginning, at most 100.", default = 20)] first: Option<i32>,
        #[graphql(desc = "The cursor after which the page begins.")] after: Option<String>,
        #[graphql(desc = "Page size from the end, at most 100; goes before `first`.")] last: Option<i32>,
        #[graphql(desc = "The cursor before which the page ends; with `last`.")] before: Option<String>,
        #[graphql(desc = "Only products of this category.")] category: Option<String>,
    ) -> Result<Connection<Product>, Error> {
        let session = Session::of(ctx)?;
        let page = Page::parse(first, after.as_deref(), last, before.as_deref())?;
        let mut rows = store::of(&session.caller.partner_id);
        if let Some(category) = category {
            if category.chars().any(char::is_control) {
                return Err(Error::input("category", "no control characters."));
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

/// Rows whose slug or name holds a text, whatever its case.
fn holds(search: &str) -> Result<Condition, Error> {
    if search.chars().count() > LONGEST_SEARCH || search.chars().any(char::is_control) {
        return Err(Error::input("search", format!("at most {LONGEST_SEARCH} characters, no control characters.")));
    }
    let pattern = db::like(&search.to_lowercase());
    Ok(["slug", "name"].into_iter().fold(Condition::any(), |any, column| {
        any.add(Expr::expr(Func::lower(Expr::col(column))).like(pattern.clone()))
    }))
}
