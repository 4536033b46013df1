//! A segment and what may be asked about it.

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

/// A definition, saved or inline, and the people it matches in the newest epoch.
pub struct Segment {
    pub saved: Option<market_segment::Model>,
    /// An error if a saved definition uses a word that the newest epoch no longer knows: the segment can still be
    /// listed, changed and deleted.
    pub cohort: Result<Arc<Cohort>, Error>,
}

impl Segment {
    /// A saved segment, read against the words of today.
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

    /// The release of a bundle, for a field whose points begin to count now.
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

/// A definition, saved or inline, and the people it matches in the newest epoch.
#[Object]
impl Segment {
    /// The same for the same canonical definition, whoever asks.
    async fn id(&self) -> ID {
        let definition = match (&self.cohort, &self.saved) {
            // A saved one whose words the newest epoch no longer knows: it still has to be told from others.
            (Err(_), Some(saved)) => saved.definition.clone(),
            (cohort, _) => cohort.as_ref().map(|cohort| cohort.canonical()).unwrap_or_default(),
        };
        ID(hex::encode(&Sha256::digest(definition)[..16]))
    }

    /// The name in queries; null for an inline cohort.
    async fn slug(&self) -> Option<&str> {
        self.saved.as_ref().map(|saved| saved.slug.as_str())
    }

    /// The name for people; null for an inline cohort.
    async fn name(&self) -> Option<&str> {
        self.saved.as_ref().map(|saved| saved.name.as_str())
    }

    /// Whether the operator shares it with every partner.
    async fn shared(&self) -> bool {
        self.saved.as_ref().is_some_and(|saved| saved.partner_id.is_none())
    }

    /// The definition in its canonical form; of a saved one whose words the newest epoch no longer knows, as it was
    /// saved.
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

    /// The default window of 28 days that ends with the newest readable epoch.
    async fn window(&self, ctx: &Context<'_>) -> Result<Window, Error> {
        Ok(Session::of(ctx)?.epoch.window(WindowLength::Days28).into())
    }

    /// How many people qualify, with noise: at least one visit in 28 days and a complete profile. 0.12 units.
    #[graphql(guard = "Needs(Scope::INSIGHT)")]
    async fn size(&self, ctx: &Context<'_>) -> Result<Option<Count>, Error> {
        let released = self.released(ctx, "size", WindowLength::Days28, Bundle::Size).await?;
        Ok(Some(Count::from(&released)))
    }

    /// What people do. 0.31 units, and 0.12 for the size of that window.
    #[graphql(guard = "Needs(&[Scope::Behavior])")]
    async fn behavior(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "How many days, ending with the newest readable epoch.",
            default_with = "WindowLength::Days28"
        )]
        window: WindowLength,
    ) -> Result<Option<Behavior>, Error> {
        let session = Session::of(ctx)?;
        session.begin(cost::weight_of("Segment", "behavior"));
        let own = self.question(session, window, Bundle::Behavior)?;
        // All that the document needs is asked at once: it is admitted or refused whole.
        let beside = Wanted::of(ctx, session, &own);
        let answers = session.answers.load_many(beside.questions().chain([own.clone()])).await?;
        Behavior::new(&own, &beside, &answers).map(Some)
    }

    /// What people are like, over 28 days. 0.5 units, and 0.12 for the size.
    #[graphql(guard = "Needs(&[Scope::Personality])")]
    async fn personality(&self, ctx: &Context<'_>) -> Result<Option<Personality>, Error> {
        self.released(ctx, "personality", WindowLength::Days28, Bundle::Personality).await.map(Personality).map(Some)
    }

    /// How people are connected, over 28 days. 0.3 units, and 0.12 for the size.
    #[graphql(guard = "Needs(&[Scope::Network])")]
    async fn network(&self, ctx: &Context<'_>) -> Result<Option<Network>, Error> {
        self.released(ctx, "network", WindowLength::Days28, Bundle::Network).await.map(Network).map(Some)
    }

    /// How alike the people are to a product, in the dimensions that it states. 0.88 units and 0.12 for the size, once for
    /// any number of products, and for `quantumState`, `knot`, `knotCompatibility`, `compare` and `recommendations`.
    #[graphql(guard = "Needs(&[Scope::Personality])")]
    async fn compatibility(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What the product is like: at least one dimension, price band or known word.")]
        product: ProductState,
    ) -> Result<Option<Compatibility>, Error> {
        let resolved = product.read()?;
        let released = self.moments(ctx, "compatibility").await?;
        Ok(Some(Compatibility::new(&released, &product, &resolved)))
    }

    /// How mixed the people are, as one quantum state. 0.88 units and 0.12 for the size.
    #[graphql(guard = "Needs(&[Scope::Personality])")]
    async fn quantum_state(&self, ctx: &Context<'_>) -> Result<Option<QuantumState>, Error> {
        let released = self.moments(ctx, "quantumState").await?;
        Ok(Some(QuantumState::from(&released)))
    }

    /// The knot that the correlations of the dimensions weave: a fingerprint. 0.88 units and 0.12 for the size.
    #[graphql(guard = "Needs(&[Scope::Personality])")]
    async fn knot(&self, ctx: &Context<'_>) -> Result<Option<Knot>, Error> {
        let released = self.moments(ctx, "knot").await?;
        Knot::of_segment(&Session::of(ctx)?.state.knots, &released).await.map(Some)
    }

    /// How alike the segment's knot is to a product's: a comparison of fingerprints. 0.88 units and 0.12 for the size.
    #[graphql(guard = "Needs(&[Scope::Personality])")]
    async fn knot_compatibility(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What the product is like: at least one dimension, price band or known word.")]
        product: ProductState,
    ) -> Result<Option<KnotCompatibility>, Error> {
        let resolved = product.read()?;
        let released = self.moments(ctx, "knotCompatibility").await?;
        let knots = &Session::of(ctx)?.state.knots;
        let (own, other) =
            (Knot::of_segment(knots, &released).await?, Knot::of_product(knots, &resolved.product).await?);
        Ok(Some(KnotCompatibility::new(own, other, product.ignored().into_iter().collect(), &released)))
    }

    /// The segment beside another one. 0.88 units and 0.12 for the size, of each of the two.
    #[graphql(guard = "Needs(&[Scope::Personality])")]
    async fn compare(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The other segment.")] with: segment::Definition,
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

    /// The caller's own products that state something, best first by compatibility; of equals the better rated. 0.88
    /// units and 0.12 for the size.
    #[graphql(guard = "Needs(&[Scope::Personality]).and(Needs(&[Scope::Catalog]))")]
    async fn recommendations(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, at most 100.", default = 10)] first: Option<i32>,
        #[graphql(desc = "Only products of this category.")] category: Option<String>,
    ) -> Result<Option<Vec<Recommendation>>, Error> {
        let first = usize::try_from(first.unwrap_or(10)).ok().filter(|first| *first <= page::LARGEST as usize);
        let first = first.ok_or_else(|| Error::input("first", format!("must be 0 to {}.", page::LARGEST)))?;
        let released = self.moments(ctx, "recommendations").await?;
        let session = Session::of(ctx)?;
        recommend(session, &released, category, first).await.map(Some)
    }
}

/// A definition in its canonical form: sorted, ages as whole bands, an empty list means all.
#[derive(SimpleObject)]
pub struct Definition {
    /// Home regions.
    regions: Vec<String>,
    /// Age bands, such as `25-34`.
    age_bands: Vec<String>,
    /// Interests: people with any of them.
    interests: Vec<String>,
    /// Preferred categories of places: people with any of them.
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

/// The names of age bands by their numbers.
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
