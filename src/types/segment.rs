//! A segment: the `Segment` object and the canonical `Definition`.

use std::sync::Arc;

use async_graphql::{Context, ID, Object, SimpleObject};
use sha2::{Digest, Sha256};

use super::{
    behavior::{Behavior, Wanted},
    knot::{Knot, KnotCompatibility},
    mixture::{Comparison, Compatibility, QuantumState},
    network::Network,
    page,
    personality::Personality,
    recommendation::{Recommendation, recommend},
    release::{Count, Window},
};
use crate::{
    auth::Scope,
    catalog::ProductState,
    cost,
    entity::market_segment,
    epoch::WindowLength,
    error::Error,
    guard::Needs,
    privacy::{Bundle, Question, Released},
    segment::{self, AGE_BANDS, Cohort},
    session::Session,
};

/// A segment: a saved or inline definition, evaluated in the newest epoch.
pub struct Segment {
    pub saved: Option<market_segment::Model>,
    /// The canonical cohort. An error if a saved definition uses a term that the newest epoch no longer contains; such
    /// a segment can still be listed, overwritten and deleted.
    pub cohort: Result<Arc<Cohort>, Error>,
}

impl Segment {
    /// A saved segment, evaluated against the vocabulary of the newest epoch.
    pub fn saved(saved: market_segment::Model, session: &Session) -> Self {
        let definition = serde_json::from_str(&saved.definition).map_err(Error::internal);
        Self { cohort: definition.and_then(|definition| session.cohort(&definition)), saved: Some(saved) }
    }

    fn cohort(&self) -> Result<&Arc<Cohort>, Error> {
        self.cohort.as_ref().map_err(Clone::clone)
    }

    fn question(&self, session: &Session, length: WindowLength, bundle: Bundle) -> Result<Question, Error> {
        Ok(Question { cohort: Arc::clone(self.cohort()?), window: session.epoch.window(length), bundle, beside: false })
    }

    /// Loads the release of a bundle and starts counting the points of `field`.
    async fn released(
        &self,
        ctx: &Context<'_>,
        field: &str,
        length: WindowLength,
        bundle: Bundle,
    ) -> Result<Released, Error> {
        let session = Session::of(ctx)?;
        session.begin(cost::weight_of("Segment", field));
        let question = self.question(session, length, bundle)?;
        session.answers.load_one(question).await?.unwrap_or(Err(Error::Internal))
    }

    async fn moments(&self, ctx: &Context<'_>, field: &str) -> Result<Released, Error> {
        self.released(ctx, field, WindowLength::Days28, Bundle::Moments).await
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
    /// Id derived from the canonical definition: 32 hexadecimal digits. Equal for equal definitions, for every key and
    /// in every epoch.
    async fn id(&self) -> ID {
        let definition = match (&self.cohort, &self.saved) {
            // The id must stay distinct even if the definition cannot be resolved in the newest epoch.
            (Err(_), Some(saved)) => saved.definition.clone(),
            (cohort, _) => cohort.as_ref().map(|cohort| cohort.canonical()).unwrap_or_default(),
        };
        ID(hex::encode(&Sha256::digest(definition)[..16]))
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
            (Err(_), Some(saved)) => {
                let saved: segment::Definition = serde_json::from_str(&saved.definition).map_err(Error::internal)?;
                Ok(saved.into())
            }
            (Err(error), None) => Err(error.clone()),
        }
    }

    /// The 28-day window that ends with the newest readable epoch.
    async fn window(&self, ctx: &Context<'_>) -> Result<Window, Error> {
        Ok(Session::of(ctx)?.epoch.window(WindowLength::Days28).into())
    }

    /// Number of people in the segment, with noise. Counted are people with consent, a known region, a complete profile
    /// and at least one visit in 28 days; minors are not counted. Requires one of the scopes `behavior`, `personality`,
    /// `network`. Privacy cost: 0.12 units.
    #[graphql(guard = "Needs(Scope::INSIGHT)")]
    async fn size(&self, ctx: &Context<'_>) -> Result<Option<Count>, Error> {
        let released = self.released(ctx, "size", WindowLength::Days28, Bundle::Size).await?;
        Ok(Some(Count::from(&released)))
    }

    /// Behavior of the people of the segment. Requires the scope `behavior`. Privacy cost: 0.31 units, and 0.12 units
    /// for the size of the same window.
    #[graphql(guard = "Needs(&[Scope::Behavior])")]
    async fn behavior(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "Length of the window, which ends with the newest readable epoch.",
            default_with = "WindowLength::Days28"
        )]
        window: WindowLength,
    ) -> Result<Option<Behavior>, Error> {
        let session = Session::of(ctx)?;
        session.begin(cost::weight_of("Segment", "behavior"));
        let own = self.question(session, window, Bundle::Behavior)?;
        // All releases that the field needs are requested in one batch, because a document is admitted or rejected as a
        // whole.
        let beside = Wanted::of(ctx, session, &own);
        let answers = session.answers.load_many(beside.questions().chain([own.clone()])).await?;
        Behavior::new(&own, &beside, &answers).map(Some)
    }

    /// Personality dimensions and archetypes of the people of the segment, over 28 days. Requires the scope
    /// `personality`. Privacy cost: 0.5 units, and 0.12 units for the size over 28 days.
    #[graphql(guard = "Needs(&[Scope::Personality])")]
    async fn personality(&self, ctx: &Context<'_>) -> Result<Option<Personality>, Error> {
        self.released(ctx, "personality", WindowLength::Days28, Bundle::Personality).await.map(Personality).map(Some)
    }

    /// Ties of the people of the segment, over 28 days. Requires the scope `network`. Privacy cost: 0.3 units, and 0.12
    /// units for the size over 28 days.
    #[graphql(guard = "Needs(&[Scope::Network])")]
    async fn network(&self, ctx: &Context<'_>) -> Result<Option<Network>, Error> {
        self.released(ctx, "network", WindowLength::Days28, Bundle::Network).await.map(Network).map(Some)
    }

    /// Similarity of the people of the segment to a product, in the dimensions that the product states, over 28 days.
    /// Requires the scope `personality`. `BAD_USER_INPUT` if the product states no dimension. Privacy cost: 0.88 units,
    /// and 0.12 units for the size over 28 days. They are charged once per segment for any number of products, and also
    /// cover `quantumState`, `knot`, `knotCompatibility`, `compare` and `recommendations`.
    #[graphql(guard = "Needs(&[Scope::Personality])")]
    async fn compatibility(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The product. At least one dimension, price band or term of `vocabulary`.")]
        product: ProductState,
    ) -> Result<Option<Compatibility>, Error> {
        let resolved = product.read()?;
        let released = self.moments(ctx, "compatibility").await?;
        Ok(Some(Compatibility::new(&released, &product, &resolved)))
    }

    /// Similarity of the people of the segment among themselves, expressed as a density matrix, over 28 days. Requires
    /// the scope `personality`. Uses the same release as `compatibility`. Privacy cost: 0.88 units, and 0.12 units for
    /// the size over 28 days.
    #[graphql(guard = "Needs(&[Scope::Personality])")]
    async fn quantum_state(&self, ctx: &Context<'_>) -> Result<Option<QuantumState>, Error> {
        let released = self.moments(ctx, "quantumState").await?;
        Ok(Some(QuantumState::from(&released)))
    }

    /// Knot derived from the correlations of the personality dimensions, over 28 days: a fingerprint of the segment.
    /// Requires the scope `personality`. Uses the same release as `compatibility`. Privacy cost: 0.88 units, and 0.12
    /// units for the size over 28 days.
    #[graphql(guard = "Needs(&[Scope::Personality])")]
    async fn knot(&self, ctx: &Context<'_>) -> Result<Option<Knot>, Error> {
        let released = self.moments(ctx, "knot").await?;
        Knot::of_segment(&Session::of(ctx)?.state.knots, &released).await.map(Some)
    }

    /// Similarity of the segment's knot to the knot of a product, over 28 days: a comparison of fingerprints. Requires
    /// the scope `personality`. `BAD_USER_INPUT` if the product states no dimension. Uses the same release as
    /// `compatibility`. Privacy cost: 0.88 units, and 0.12 units for the size over 28 days.
    #[graphql(guard = "Needs(&[Scope::Personality])")]
    async fn knot_compatibility(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The product. At least one dimension, price band or term of `vocabulary`.")]
        product: ProductState,
    ) -> Result<Option<KnotCompatibility>, Error> {
        let resolved = product.read()?;
        let released = self.moments(ctx, "knotCompatibility").await?;
        let knots = &Session::of(ctx)?.state.knots;
        let (own, other) =
            (Knot::of_segment(knots, &released).await?, Knot::of_product(knots, &resolved.product).await?);
        Ok(Some(KnotCompatibility::new(own, other, product.ignored().into_iter().collect(), &released)))
    }

    /// Comparison with another segment, over 28 days. Null if either segment cannot be returned; the cost of the other
    /// one remains charged. Requires the scope `personality`. Uses the same release as `compatibility`. Privacy cost:
    /// 0.88 units, and 0.12 units for the size over 28 days, for each of the two segments.
    #[graphql(guard = "Needs(&[Scope::Personality])")]
    async fn compare(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Definition of the other segment.")] with: segment::Definition,
    ) -> Result<Option<Comparison>, Error> {
        let session = Session::of(ctx)?;
        session.begin(cost::weight_of("Segment", "compare"));
        let cohort = session.cohort(&with).map_err(|error| error.of_argument("definition", "with"))?;
        let own = self.question(session, WindowLength::Days28, Bundle::Moments)?;
        let other = Question { cohort: Arc::clone(&cohort), ..own.clone() };
        let answers = session.answers.load_many([own.clone(), other.clone()]).await?;
        let answer = |question| answers.get(question).cloned().unwrap_or(Err(Error::Internal));
        Ok(Some(Comparison::new(&answer(&own)?, &answer(&other)?, &cohort)))
    }

    /// The caller's own products, best compatibility first; equal products by rating (highest first, unrated last),
    /// then by id. Products that state no dimension are omitted. Requires the scopes `personality` and `catalog`. Uses
    /// the same release as `compatibility`. Privacy cost: 0.88 units, and 0.12 units for the size over 28 days.
    #[graphql(guard = "Needs(&[Scope::Personality]).and(Needs(&[Scope::Catalog]))")]
    async fn recommendations(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Number of products to return, 0 to 100.", default = 10)] first: Option<i32>,
        #[graphql(desc = "Return only products of this category. It must match exactly.")] category: Option<String>,
    ) -> Result<Option<Vec<Recommendation>>, Error> {
        let first = usize::try_from(first.unwrap_or(10)).ok().filter(|first| *first <= page::LARGEST as usize);
        let first = first.ok_or_else(|| Error::input("first", format!("must be 0 to {}.", page::LARGEST)))?;
        let released = self.moments(ctx, "recommendations").await?;
        let session = Session::of(ctx)?;
        recommend(session, &released, category, first).await.map(Some)
    }
}

/// A definition in its canonical form: values are sorted and unique, ages are whole bands. An empty list places no
/// restriction. AND between fields, OR within a field.
#[derive(SimpleObject)]
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
        let bands = saved.age.and_then(|age| segment::bands(age).ok()).unwrap_or_default();
        Self {
            regions: saved.regions.unwrap_or_default(),
            age_bands: names(&bands),
            interests: saved.interests.unwrap_or_default(),
            categories: saved.categories.unwrap_or_default(),
        }
    }
}

/// The names of age bands by their numbers, starting at 1.
fn names(numbers: &[i32]) -> Vec<String> {
    let bands = (1..).zip(AGE_BANDS).filter(|(number, _)| numbers.contains(number));
    bands.map(|(_, band)| band.name.to_owned()).collect()
}

impl From<&Cohort> for Definition {
    fn from(cohort: &Cohort) -> Self {
        Self {
            regions: cohort.regions.clone(),
            age_bands: names(&cohort.bands),
            interests: cohort.interests.clone(),
            categories: cohort.categories.clone(),
        }
    }
}
