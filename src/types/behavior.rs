//! What the people of a segment do.

use std::{collections::HashMap, sync::Arc};

use async_graphql::{Context, Enum, Object, SimpleObject};

use super::{
    implications::{self, DecisionFactors, DerivedMeasure, Implication},
    measure::{Measure, Scale, Unit},
    release::Release,
};
use crate::{
    auth::Scope,
    engine::contribution::DWELL_CAP_S,
    epoch::WindowLength,
    error::{Error, Reason},
    estimate::{Estimate, Folded, Sample},
    guard::Needs,
    privacy::{Bundle, Question, Released},
    segment::Cohort,
    session::Session,
};

/// How the people of a segment spend their visits, as means over people (not over visits), in the release's window.
pub struct Behavior {
    own: Released,
    /// What the implications use beside it, as far as they are selected.
    personality: Option<Result<Released, Error>>,
    /// Behavior of all people of the regions; nothing if that is the segment itself.
    regions: Option<Result<Released, Error>>,
}

/// Questions that the selected implications ask beside the behavior of a segment.
pub struct Wanted {
    personality: Option<Question>,
    regions: Option<Question>,
}

impl Wanted {
    /// What is selected below the field at hand. For a field that the key may not read nothing is asked.
    pub fn of(ctx: &Context<'_>, session: &Session, own: &Question) -> Self {
        let implications = ctx.look_ahead().field("implications");
        let may = session.caller.scopes.contains(&Scope::Personality);
        let selected = |field: &str| may && implications.field(field).exists();
        let community = selected("valuesCommunityProducts");
        let personality = community || selected("prefersQualityOverPrice") || selected("decisionFactors");
        let window = session.epoch.window(WindowLength::Days28);
        let everybody = Cohort { regions: own.cohort.regions.clone(), ..Cohort::default() };
        Self {
            personality: personality.then(|| Question { bundle: Bundle::Personality, window, ..own.clone() }),
            regions: (community && everybody != *own.cohort).then(|| Question {
                cohort: Arc::new(everybody),
                beside: true,
                ..own.clone()
            }),
        }
    }

    /// All of them.
    pub fn questions(&self) -> impl Iterator<Item = Question> + '_ {
        [&self.personality, &self.regions].into_iter().flatten().cloned()
    }
}

impl Behavior {
    /// Puts the answers together.
    ///
    /// # Errors
    /// That of the behavior itself; those of what is beside it are told where it is used.
    pub fn new(
        own: &Question,
        beside: &Wanted,
        answers: &HashMap<Question, Result<Released, Error>>,
    ) -> Result<Self, Error> {
        let answer = |question: &Question| answers.get(question).cloned().unwrap_or(Err(Error::Internal));
        let (personality, regions) = (beside.personality.as_ref().map(answer), beside.regions.as_ref().map(answer));
        Ok(Self { own: answer(own)?, personality, regions })
    }

    fn mean(&self, index: usize, rest: bool) -> Result<Estimate, Error> {
        mean(&self.own, index, rest)
    }

    fn length(&self) -> WindowLength {
        self.own.release.window.length
    }
}

/// A mean over people in units of its cap; `rest` turns it into what it lacks to 1. Where the total is small, a few people
/// could make most of it, and nothing is told.
fn mean(released: &Released, index: usize, rest: bool) -> Result<Estimate, Error> {
    let sample = Sample::of(released, "BEH");
    let turned = |estimate: Estimate, all: f64| if rest { estimate.linear(-1.0, all) } else { estimate };
    if !sample.has_enough(turned(sample.total(index, 0.5), released.people as f64)) {
        return Err(Error::InsufficientData { reason: Reason::Dominance });
    }
    Ok(turned(sample.mean(index, 0.5), 1.0))
}

/// The places of these means in the release.
const RETURNS: usize = 2;
const EVENTS: usize = 3;

/// How the people of a segment spend their visits, as means over people (not over visits), in the release's window.
#[Object]
impl Behavior {
    /// Visits of a person in the window; more than 10, 30 or 60 (by window length) count as that many. Null with
    /// `INSUFFICIENT_DATA` where the visits of all are so few that a few people could make most of them.
    async fn visits_per_person(&self) -> Result<Option<Measure>, Error> {
        let cap = f64::from(self.length().visit_cap());
        let scale = Scale { unit: Unit::Visits, line: cap / 20.0, lines: [cap / 10.0, cap / 3.0], bounds: [0.0, cap] };
        Ok(Some(scale.measure(self.mean(0, false)?.linear(cap, 0.0))))
    }

    /// A person's mean stay, in minutes; means beyond 120 count as 120, visits without a known end not at all. Null with
    /// `INSUFFICIENT_DATA` where the stays of all are so short that a few people could make most of them.
    async fn average_dwell_minutes(&self) -> Result<Option<Measure>, Error> {
        let cap = DWELL_CAP_S as f64 / 60.0;
        let scale = Scale { unit: Unit::Minutes, line: 5.0, lines: [30.0, 60.0], bounds: [0.0, cap] };
        Ok(Some(scale.measure(self.mean(1, false)?.linear(cap, 0.0))))
    }

    /// The share of a person's visits to a place where the person had been before; null with `INSUFFICIENT_DATA` where
    /// hardly anybody returns.
    async fn return_visit_rate(&self) -> Result<Option<Measure>, Error> {
        Ok(Some(Scale::SHARE.measure(self.mean(RETURNS, false)?)))
    }

    /// The share of a person's visits to a place that is new to the person: 1 - the return share; null with
    /// `INSUFFICIENT_DATA` where hardly anybody explores.
    async fn exploration_tendency(&self) -> Result<Option<Measure>, Error> {
        Ok(Some(Scale::SHARE.measure(self.mean(RETURNS, true)?)))
    }

    /// The share of a person's actions that are attended events; null with `INSUFFICIENT_DATA` where there are hardly
    /// any.
    async fn community_engagement(&self) -> Result<Option<Measure>, Error> {
        Ok(Some(Scale::EVENTS.measure(self.mean(EVENTS, false)?)))
    }

    /// How long people stay: shares of a person's visits.
    async fn time_spent(&self) -> TimeSpent {
        let Folded { shares, other } = Sample::of(&self.own, "DWELL").folded(1.0 / 3.0);
        let share = |share: Option<Estimate>| share.map(|share| Scale::SHARE.measure(share));
        let band = |band: usize| share(shares[band]);
        TimeSpent { short: band(0), medium: band(1), long: band(2), other: share(other) }
    }

    /// When people go out: shares of a person's visits over eight parts of the week, in UTC. Parts that stand for fewer
    /// than 100 people come together, last, as OTHER.
    async fn day_parts(&self) -> Vec<DayPartShare> {
        let folded = Sample::of(&self.own, "TIME").folded(1.0 / 8.0);
        let parts = [Days::Weekday, Days::Weekend].into_iter().flat_map(|days| {
            [DayPart::Night, DayPart::Morning, DayPart::Afternoon, DayPart::Evening].map(|part| (days, part))
        });
        let cells = parts.zip(folded.shares).chain([((Days::Other, DayPart::Other), folded.other)]);
        cells
            .filter_map(|((days, part), share)| Some(DayPartShare { days, part, share: few(8).measure(share?) }))
            .collect()
    }

    /// What kinds of places people visit: shares of a person's visits. Kinds that stand for fewer than 100 people are
    /// counted in OTHER, which comes last.
    async fn categories(&self) -> Vec<CategoryShare> {
        let Folded { mut shares, other } = Sample::of(&self.own, "CAT").folded(1.0 / 12.0);
        // The kind OTHER and what is folded are one cell to whoever reads it.
        let kind = shares.pop().flatten();
        let together = match (kind, other) {
            (Some(kind), Some(other)) => {
                Some(Estimate::new(kind.value + other.value, kind.sigma.hypot(other.sigma)).within(0.0, 1.0))
            }
            (kind, other) => kind.or(other),
        };
        shares.push(together);
        let cells = CategoryGroup::ALL.into_iter().zip(shares);
        cells.filter_map(|(group, share)| Some(CategoryShare { group, share: few(12).measure(share?) })).collect()
    }

    /// What these numbers imply for products, by published rules. Rules that use dimensions ask for the bundle of
    /// `personality` too, that of community products also for the behavior of all people of the regions.
    async fn implications(&self) -> ProductImplications<'_> {
        ProductImplications(self)
    }

    /// Where these numbers come from.
    async fn release(&self) -> Release {
        self.own.release.as_ref().into()
    }
}

/// What behavior and personality imply for products, by published rules.
pub struct ProductImplications<'a>(&'a Behavior);

impl ProductImplications<'_> {
    fn personality(&self) -> Result<&Released, Error> {
        // The segment asks for it whenever a field below is selected.
        let personality = self.0.personality.as_ref().ok_or(Error::Internal)?;
        personality.as_ref().map_err(Clone::clone)
    }
}

/// What behavior and personality imply for products, by published rules. A rule one of whose numbers is not told is null
/// with the code of that number.
#[Object]
impl ProductImplications<'_> {
    /// YES if the mean value orientation is above 0.6, or the return share above 0.6. 0.5 units for `personality`.
    #[graphql(guard = "Needs(&[Scope::Personality])")]
    async fn prefers_quality_over_price(&self) -> Result<Option<Implication>, Error> {
        let returns = Scale::SHARE.measure(self.0.mean(RETURNS, false)?);
        Ok(Some(implications::prefers_quality_over_price(self.personality()?, &returns)))
    }

    /// YES if the mean community orientation is above 0.6 and community engagement above that of all people of the
    /// regions. 0.5 units for `personality`, 0.43 for the behavior of the regions and their size.
    #[graphql(guard = "Needs(&[Scope::Personality])")]
    async fn values_community_products(&self) -> Result<Option<Implication>, Error> {
        let own = self.0.mean(EVENTS, false)?;
        let regions = match &self.0.regions {
            Some(regions) => Some(mean(regions.as_ref().map_err(Clone::clone)?, EVENTS, false)?),
            None => None,
        };
        Ok(Some(implications::values_community_products(self.personality()?, own, regions)))
    }

    /// How likely a purchase is followed by another: 0.9 x the return share, by convention.
    async fn likely_to_return_purchase(&self) -> Result<Option<DerivedMeasure>, Error> {
        Ok(Some(implications::likely_to_return_purchase(self.0.mean(RETURNS, false)?)))
    }

    /// What weighs how much in decisions, from the dimensions. 0.5 units for `personality`.
    #[graphql(guard = "Needs(&[Scope::Personality])")]
    async fn decision_factors(&self) -> Result<Option<DecisionFactors>, Error> {
        Ok(Some(implications::decision_factors(self.personality()?)))
    }
}

/// The scale of a share among many: high is twice an even share.
fn few(cells: u32) -> Scale {
    let even = 1.0 / f64::from(cells);
    Scale { lines: [even / 2.0, even * 2.0], ..Scale::SHARE }
}

/// How long people stay; the shares sum to 1. A share that stands for fewer than 100 people is null and counted in
/// `other`.
#[derive(SimpleObject)]
pub struct TimeSpent {
    /// Under 15 minutes.
    short: Option<Measure>,
    /// 15 to 60 minutes.
    medium: Option<Measure>,
    /// Over 60 minutes.
    long: Option<Measure>,
    /// The shares that are null, together; null if none is.
    other: Option<Measure>,
}

/// Days of the week, in UTC.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
pub enum Days {
    /// Monday to Friday.
    Weekday,
    /// Saturday and Sunday.
    Weekend,
    /// Parts of the week that stand for too few people to be told one by one.
    Other,
}

/// Hours of a day, in UTC.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
pub enum DayPart {
    /// 0 to 6 o'clock.
    Night,
    /// 6 to 12 o'clock.
    Morning,
    /// 12 to 18 o'clock.
    Afternoon,
    /// 18 to 24 o'clock.
    Evening,
    /// Parts of the week that stand for too few people to be told one by one.
    Other,
}

/// The share of visits in a part of the week; the shares sum to 1.
#[derive(SimpleObject)]
pub struct DayPartShare {
    /// Which days.
    days: Days,
    /// Which hours.
    part: DayPart,
    /// Share of a person's visits.
    share: Measure,
}

/// The closed list of kinds of places.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum CategoryGroup {
    /// Museums, theaters, music.
    ArtsAndEntertainment,
    /// Universities and colleges.
    CollegeAndUniversity,
    /// Places of one event.
    Event,
    /// Restaurants and cafes.
    Food,
    /// Health and medicine.
    HealthAndMedicine,
    /// Bars and clubs.
    NightlifeSpot,
    /// Parks and sports.
    OutdoorsAndRecreation,
    /// Offices, schools, public buildings.
    ProfessionalAndOtherPlaces,
    /// Homes.
    Residence,
    /// Shops and services.
    ShopAndService,
    /// Stations, airports, hotels.
    TravelAndTransport,
    /// Everything else, and kinds that stand for too few people to be told one by one.
    Other,
}

impl CategoryGroup {
    /// In the order of the release.
    const ALL: [Self; 12] = [
        Self::ArtsAndEntertainment,
        Self::CollegeAndUniversity,
        Self::Event,
        Self::Food,
        Self::HealthAndMedicine,
        Self::NightlifeSpot,
        Self::OutdoorsAndRecreation,
        Self::ProfessionalAndOtherPlaces,
        Self::Residence,
        Self::ShopAndService,
        Self::TravelAndTransport,
        Self::Other,
    ];
}

/// The share of visits to a kind of place; the shares sum to 1.
#[derive(SimpleObject)]
pub struct CategoryShare {
    /// Which kind.
    group: CategoryGroup,
    /// Share of a person's visits.
    share: Measure,
}

#[cfg(test)]
mod tests {

    use super::*;
    use crate::engine::contribution::CATEGORY_GROUPS;

    #[test]
    fn groups_stand_in_the_order_of_the_release() {
        let name = |value| async_graphql::resolver_utils::enum_value(value).to_string().to_lowercase();
        let names: Vec<String> = CategoryGroup::ALL.into_iter().map(name).collect();
        assert_eq!(names, CATEGORY_GROUPS);
    }
}
