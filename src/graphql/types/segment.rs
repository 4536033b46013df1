//! A segment: the `Segment` object and the canonical `Definition`.

use std::sync::Arc;

use async_graphql::{Context, ID, Object, SimpleObject};

use super::{
    behavior::{Behavior, ImplicationQuestions},
    knot::{Knot, KnotCompatibility},
    mixture::{Comparison, Compatibility, QuantumState},
    network::Network,
    page::{Connection, page_request},
    personality::Personality,
    recommendation::Recommendation,
    reference::{self, WithReference},
    release::{Count, Window},
};
use crate::{
    catalog,
    domain::{
        epoch::WindowLength,
        error::Error,
        page::Page,
        precision::Precision,
        product_state::ProductState,
        scope::Scope,
        segment::{self, Cohort, SavedSegment, band_names},
    },
    graphql::{context::RequestContext, scope_guard::RequireScope},
    privacy::{Bundle, Question, Released},
    statistics::{knots, mixture::Mixture, network::NetworkStatistics, personality::PersonalityStatistics},
};

/// A segment: a saved or inline definition, evaluated in the newest epoch.
pub struct Segment {
    pub saved: Option<SavedSegment>,
    /// The canonical cohort. An error if a saved definition uses a term that the newest epoch no longer contains; such
    /// a segment can still be listed, overwritten and deleted.
    pub cohort: Result<Arc<Cohort>, Error>,
    /// The precision of the numbers about the segment.
    pub precision: Precision,
}

impl Segment {
    /// A saved segment, evaluated against the vocabulary of the newest epoch.
    pub fn saved(saved: SavedSegment, precision: Precision, context: &RequestContext) -> Self {
        let cohort = saved.definition().and_then(|definition| context.cohort(&definition));
        Self { cohort, saved: Some(saved), precision }
    }

    /// A segment by inline definition.
    pub fn inline(cohort: Arc<Cohort>, precision: Precision) -> Self {
        Self { saved: None, cohort: Ok(cohort), precision }
    }

    fn hash(&self) -> String {
        let definition = match (&self.cohort, &self.saved) {
            // The hash must stay distinct even if the definition cannot be resolved in the newest epoch.
            (Err(_), Some(saved)) => saved.definition.clone(),
            (cohort, _) => cohort.as_ref().map(|cohort| cohort.canonical()).unwrap_or_default(),
        };
        segment::definition_hash(&definition)
    }

    fn cohort(&self) -> Result<&Arc<Cohort>, Error> {
        self.cohort.as_ref().map_err(Clone::clone)
    }

    /// The question for a bundle of this segment, in a window that ends with the newest epoch.
    fn question(&self, context: &RequestContext, length: WindowLength, bundle: Bundle) -> Result<Question, Error> {
        Ok(context.question(self.cohort()?, length, bundle, self.precision))
    }

    /// Charges the points of `field` and loads the 28-day release of a bundle, and that of everybody in the regions if
    /// an index is selected.
    async fn with_reference<S>(
        &self,
        ctx: &Context<'_>,
        field: &str,
        bundle: Bundle,
        read: impl Fn(&Released) -> Result<S, Error>,
    ) -> Result<WithReference<S>, Error> {
        let context = RequestContext::of(ctx)?;
        context.charge_points("Segment", field, 0);
        let own = self.question(context, WindowLength::Days28, bundle)?;
        let reference = reference::question(ctx, &own);
        let answers = context.releases.load_many(reference.iter().chain([&own]).cloned()).await?;
        WithReference::read(&own, reference.as_ref(), &answers, read)
    }

    /// Charges the points of `field` and loads the 28-day release of a bundle.
    async fn released(&self, ctx: &Context<'_>, field: &str, bundle: Bundle) -> Result<Released, Error> {
        let context = RequestContext::of(ctx)?;
        context.charge_points("Segment", field, 0);
        context.release(self.question(context, WindowLength::Days28, bundle)?).await
    }
}

/// A segment: a saved or inline definition, evaluated in the newest readable epoch. The fields about people are null
/// with an error if they cannot be returned: `FORBIDDEN` if the key lacks the required scope; `INSUFFICIENT_DATA` with
/// the reason `BELOW_THRESHOLD` if the segment is too small, or `MIN_DIFFERENCE` if the segment contains, or is
/// contained in, a segment that this key has viewed in the same window and their noisy sizes differ by less than 256;
/// `PRIVACY_BUDGET_EXHAUSTED` if the privacy budget of the key or of a region is used up; `BAD_USER_INPUT` with the
/// reason `VOCABULARY` if a saved definition uses a term that the newest epoch no longer contains. Privacy units are
/// charged at the first view of a release by this key; further views are free. With `INSUFFICIENT_DATA` for the whole
/// segment, only the 0.12 units of the size are charged.
#[Object]
impl Segment {
    /// Unique id. A saved segment keeps it when its name or definition changes. The id of an inline definition is
    /// derived from the definition, so equal definitions have equal ids.
    async fn id(&self) -> ID {
        ID(self.saved.as_ref().map_or_else(|| format!("cohort_{}", self.hash()), |saved| saved.segment_id.clone()))
    }

    /// Hash of the canonical definition: 32 hexadecimal digits. Equal for equal definitions, for every key and in every
    /// epoch whose vocabulary contains all terms of the definition.
    async fn definition_hash(&self) -> String {
        self.hash()
    }

    /// Name of the segment in queries. Null for an inline definition.
    async fn slug(&self) -> Option<&str> {
        self.saved.as_ref().map(|saved| saved.slug.as_str())
    }

    /// Display name. Null for an inline definition.
    async fn name(&self) -> Option<&str> {
        self.saved.as_ref().map(|saved| saved.name.as_str())
    }

    /// Whether the operator shares the segment with every partner. False for an inline definition.
    async fn shared(&self) -> bool {
        self.saved.as_ref().is_some_and(|saved| saved.partner_id.is_none())
    }

    /// The canonical definition. If a saved definition uses terms that the newest epoch no longer contains, the
    /// definition as saved.
    async fn definition(&self) -> Result<Definition, Error> {
        match (&self.cohort, &self.saved) {
            (Ok(cohort), _) => Ok(cohort.as_ref().into()),
            (Err(_), Some(saved)) => saved.definition().map(Definition::from),
            (Err(error), None) => Err(error.clone()),
        }
    }

    /// The 28-day window that ends with the newest readable epoch.
    async fn window(&self, ctx: &Context<'_>) -> Result<Window, Error> {
        Ok(RequestContext::of(ctx)?.epoch.window(WindowLength::Days28).into())
    }

    /// Number of people in the segment, with noise. Counted are people with consent, a known region, a complete profile
    /// and at least one visit in 28 days; minors are not counted. Requires one of the scopes `behavior`, `personality`,
    /// `network`. Privacy cost: 0.12 units.
    #[graphql(guard = "RequireScope(Scope::INSIGHT)")]
    async fn size(&self, ctx: &Context<'_>) -> Result<Option<Count>, Error> {
        let released = self.released(ctx, "size", Bundle::Size).await?;
        Ok(Some(Count::from(&released)))
    }

    /// Behavior of the people of the segment. Requires the scope `behavior`. Privacy cost: 0.31 units, and 0.12 units
    /// for the size of the same window.
    #[graphql(guard = "RequireScope(&[Scope::Behavior])")]
    async fn behavior(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "Length of the window, which ends with the newest readable epoch.",
            default_with = "WindowLength::Days28"
        )]
        window: WindowLength,
    ) -> Result<Option<Behavior>, Error> {
        let context = RequestContext::of(ctx)?;
        context.charge_points("Segment", "behavior", 0);
        let own = self.question(context, window, Bundle::Behavior)?;
        // All releases that the field needs are requested in one batch, because a document is admitted or rejected as a
        // whole.
        let additional = ImplicationQuestions::new(ctx, context, &own);
        let answers = context.releases.load_many(additional.questions().chain([own.clone()])).await?;
        Behavior::new(&own, &additional, &answers).map(Some)
    }

    /// Personality dimensions and archetypes of the people of the segment, over 28 days. Requires the scope
    /// `personality`. Privacy cost: 0.5 units, and 0.12 units for the size over 28 days.
    #[graphql(guard = "RequireScope(&[Scope::Personality])")]
    async fn personality(&self, ctx: &Context<'_>) -> Result<Option<Personality>, Error> {
        let statistics =
            self.with_reference(ctx, "personality", Bundle::Personality, PersonalityStatistics::read).await?;
        Ok(Some(Personality { statistics }))
    }

    /// Ties of the people of the segment, over 28 days. Requires the scope `network`. Privacy cost: 0.3 units, and 0.12
    /// units for the size over 28 days.
    #[graphql(guard = "RequireScope(&[Scope::Network])")]
    async fn network(&self, ctx: &Context<'_>) -> Result<Option<Network>, Error> {
        let statistics = self.with_reference(ctx, "network", Bundle::Network, NetworkStatistics::read).await?;
        Ok(Some(Network { statistics }))
    }

    /// Similarity of the people of the segment to a product, in the dimensions that the product states, over 28 days.
    /// Requires the scope `personality`. `BAD_USER_INPUT` if the product states no dimension. Privacy cost: 0.88 units,
    /// and 0.12 units for the size over 28 days. They are charged once per segment for any number of products, and also
    /// cover `quantumState`, `knot`, `knotCompatibility`, `compare` and `recommendations`.
    #[graphql(guard = "RequireScope(&[Scope::Personality])")]
    async fn compatibility(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The product. At least one dimension, price band or term of `vocabulary`.")]
        product: ProductState,
    ) -> Result<Option<Compatibility>, Error> {
        let resolved = product.read()?;
        let released = self.released(ctx, "compatibility", Bundle::Moments).await?;
        Compatibility::new(&released, &product, &resolved).map(Some)
    }

    /// Similarity of the people of the segment among themselves, expressed as a density matrix, over 28 days. Requires
    /// the scope `personality`. Uses the same release as `compatibility`. Privacy cost: 0.88 units, and 0.12 units for
    /// the size over 28 days.
    #[graphql(guard = "RequireScope(&[Scope::Personality])")]
    async fn quantum_state(&self, ctx: &Context<'_>) -> Result<Option<QuantumState>, Error> {
        let released = self.released(ctx, "quantumState", Bundle::Moments).await?;
        QuantumState::new(&released).map(Some)
    }

    /// Knot derived from the correlations of the personality dimensions, over 28 days: a fingerprint of the segment.
    /// Requires the scope `personality`. Uses the same release as `compatibility`. Privacy cost: 0.88 units, and 0.12
    /// units for the size over 28 days.
    #[graphql(guard = "RequireScope(&[Scope::Personality])")]
    async fn knot(&self, ctx: &Context<'_>) -> Result<Option<Knot>, Error> {
        let released = self.released(ctx, "knot", Bundle::Moments).await?;
        let braid = knots::segment_braid(&released)?;
        let knot = RequestContext::of(ctx)?.services.knots.find(braid.braid.clone()).await?;
        Ok(Some(Knot::of_segment(knot, braid, &released)))
    }

    /// Similarity of the segment's knot to the knot of a product, over 28 days: a comparison of fingerprints. Requires
    /// the scope `personality`. `BAD_USER_INPUT` if the product states no dimension. Uses the same release as
    /// `compatibility`. Privacy cost: 0.88 units, and 0.12 units for the size over 28 days.
    #[graphql(guard = "RequireScope(&[Scope::Personality])")]
    async fn knot_compatibility(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The product. At least one dimension, price band or term of `vocabulary`.")]
        product: ProductState,
    ) -> Result<Option<KnotCompatibility>, Error> {
        let resolved = product.read()?;
        let released = self.released(ctx, "knotCompatibility", Bundle::Moments).await?;
        let cache = &RequestContext::of(ctx)?.services.knots;
        let braid = knots::segment_braid(&released)?;
        let own = Knot::of_segment(cache.find(braid.braid.clone()).await?, braid, &released);
        let other = Knot::of_caller(cache.find(knots::product_braid(&resolved.vector)).await?);
        Ok(Some(KnotCompatibility::new(own, other, product.ignored().into_iter().collect(), &released)))
    }

    /// Comparison with another segment, over 28 days. Null if either segment cannot be returned; the cost of the other
    /// one remains charged. Requires the scope `personality`. Uses the same release as `compatibility`. Privacy cost:
    /// 0.88 units, and 0.12 units for the size over 28 days, for each of the two segments.
    #[graphql(guard = "RequireScope(&[Scope::Personality])")]
    async fn compare(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Definition of the other segment.")] with: segment::Definition,
    ) -> Result<Option<Comparison>, Error> {
        let context = RequestContext::of(ctx)?;
        context.charge_points("Segment", "compare", 0);
        let cohort = context.cohort(&with).map_err(|error| error.of_argument("definition", "with"))?;
        let own = self.question(context, WindowLength::Days28, Bundle::Moments)?;
        let other = Question { cohort: Arc::clone(&cohort), ..own.clone() };
        let answers = context.releases.load_many([own.clone(), other.clone()]).await?;
        let answer = |question| answers.get(question).cloned().unwrap_or(Err(Error::Internal));
        Comparison::new(&answer(&own)?, &answer(&other)?, &cohort).map(Some)
    }

    /// The caller's own products, best compatibility first; equal products by rating (highest first, unrated last),
    /// then by id. Products that state no dimension are omitted. Requires the scopes `personality` and `catalog`. Uses
    /// the same release as `compatibility`. Privacy cost: 0.88 units, and 0.12 units for the size over 28 days.
    #[graphql(guard = "RequireScope(&[Scope::Personality]).and(RequireScope(&[Scope::Catalog]))")]
    async fn recommendations(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Page size from the best product, 0 to 100.", default = 10)] first: Option<i32>,
        #[graphql(desc = "Return items after this cursor. Cannot be combined with `last`.")] after: Option<String>,
        #[graphql(desc = "Page size from the last product, 0 to 100; cannot be combined with `first`.")] last: Option<
            i32,
        >,
        #[graphql(desc = "Return items before this cursor. Requires `last`.")] before: Option<String>,
        #[graphql(desc = "Return only products of this category. It must match exactly.")] category: Option<String>,
    ) -> Result<Option<Connection<Recommendation>>, Error> {
        let page = page_request(ctx, first.or(Some(10)), after.as_deref(), last, before.as_deref())?;
        let page = page.by_position()?;
        let released = self.released(ctx, "recommendations", Bundle::Moments).await?;
        let context = RequestContext::of(ctx)?;
        let (catalog, mixture) = (context.catalog().await?, Arc::new(Mixture::read(&released)?));
        let total = catalog.count(category.as_deref());
        let positions = page.positions(total);
        let best = catalog::rank(catalog, &mixture, category, positions.end).await?;
        let best: Vec<_> = best.into_iter().skip(positions.start).collect();
        let ranked = catalog::load(&context.services.db, &context.caller.partner_id, best).await?;
        let page = Page {
            has_previous: positions.start > 0,
            has_next: positions.end < total,
            items: positions.zip(ranked).collect(),
        };
        let recommendation =
            |(position, ranked): (usize, _)| (position.to_string(), Recommendation::new(&mixture, &released, ranked));
        Ok(Some(Connection::new(page, Some(total as u64), recommendation)))
    }
}

/// A definition in its canonical form: values are sorted and unique, ages are whole bands. An empty list places no
/// restriction. AND between fields, OR within a field.
#[derive(Clone, SimpleObject)]
pub struct Definition {
    /// Home regions.
    regions: Vec<String>,
    /// Age bands, such as `25-34`. People of unknown age are included only if the list is empty.
    age_bands: Vec<String>,
    /// Interests. People with at least one of them match.
    interests: Vec<String>,
    /// Preferred categories of places. People with at least one of them match.
    categories: Vec<String>,
}

impl From<segment::Definition> for Definition {
    fn from(saved: segment::Definition) -> Self {
        let bands = saved.age.and_then(|age| segment::overlapping_bands(age).ok()).unwrap_or_default();
        Self {
            regions: saved.regions.unwrap_or_default(),
            age_bands: band_names(&bands),
            interests: saved.interests.unwrap_or_default(),
            categories: saved.categories.unwrap_or_default(),
        }
    }
}

impl From<&Cohort> for Definition {
    fn from(cohort: &Cohort) -> Self {
        Self {
            regions: cohort.regions.clone(),
            age_bands: band_names(&cohort.bands),
            interests: cohort.interests.clone(),
            categories: cohort.categories.clone(),
        }
    }
}
