//! Behavior of the people of a segment: the `Behavior` object and the product implications derived from it.

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

/// Behavior of the people of a segment in the window of the release. All numbers are means over people, not over
/// visits.
pub struct Behavior {
    own: Released,
    /// The PERSONALITY release that the implications need; `None` if no selected field needs it.
    personality: Option<Result<Released, Error>>,
    /// The behavior of all people of the regions; `None` if no selected field needs it, or if the segment already
    /// covers all of them.
    regions: Option<Result<Released, Error>>,
}

/// The additional questions that the selected implications need, besides the behavior of the segment itself.
pub struct Wanted {
    personality: Option<Question>,
    regions: Option<Question>,
}

impl Wanted {
    /// Determines the additional questions from the fields selected below `implications` in the current document. A
    /// field that requires a scope the key lacks adds no question, so nothing is charged for it.
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

    /// All additional questions.
    pub fn questions(&self) -> impl Iterator<Item = Question> + '_ {
        [&self.personality, &self.regions].into_iter().flatten().cloned()
    }
}

impl Behavior {
    /// Builds the object from the answers of one batch.
    ///
    /// # Errors
    /// The error of the behavior release itself. Errors of the additional releases are returned by the implications
    /// that use them.
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

/// A mean over people in units of its cap. With `rest` it is 1 minus that mean. If the noisy total is below the
/// dominance threshold, a few people could account for most of it, and the result is [`Error::InsufficientData`] with
/// the reason `DOMINANCE`.
fn mean(released: &Released, index: usize, rest: bool) -> Result<Estimate, Error> {
    let sample = Sample::of(released, "BEH");
    let turned = |estimate: Estimate, all: f64| if rest { estimate.linear(-1.0, all) } else { estimate };
    if !sample.has_enough(turned(sample.total(index, 0.5), released.people as f64)) {
        return Err(Error::InsufficientData { reason: Reason::Dominance });
    }
    Ok(turned(sample.mean(index, 0.5), 1.0))
}

/// The indexes of these means in the group `BEH` of the release.
const RETURNS: usize = 2;
const EVENTS: usize = 3;

/// Behavior of the people of a segment in the window of the release. All numbers are means over people, not over
/// visits. Each person has the same weight.
#[Object]
impl Behavior {
    /// Mean number of visits per person in the window, 0 to the cap. The cap is 10, 30 or 60 visits for a window of 7,
    /// 28 or 84 days; a person with more visits counts as the cap. Null with `INSUFFICIENT_DATA`, reason `DOMINANCE`,
    /// if the noisy total is below about 65 times the cap.
    async fn visits_per_person(&self) -> Result<Option<Measure>, Error> {
        let cap = f64::from(self.length().visit_cap());
        let scale = Scale { unit: Unit::Visits, line: cap / 20.0, lines: [cap / 10.0, cap / 3.0], bounds: [0.0, cap] };
        Ok(Some(scale.measure(self.mean(0, false)?.linear(cap, 0.0))))
    }

    /// Mean of each person's average stay, in minutes, 0 to 120. An average stay above 120 minutes counts as 120.
    /// Visits without a known end are ignored. Null with `INSUFFICIENT_DATA`, reason `DOMINANCE`, if the noisy sum over
    /// all people is below about 7,800 minutes.
    async fn average_dwell_minutes(&self) -> Result<Option<Measure>, Error> {
        let cap = DWELL_CAP_S as f64 / 60.0;
        let scale = Scale { unit: Unit::Minutes, line: 5.0, lines: [30.0, 60.0], bounds: [0.0, cap] };
        Ok(Some(scale.measure(self.mean(1, false)?.linear(cap, 0.0))))
    }

    /// Mean share of a person's visits that are to places the person had visited before, 0 to 1. Null with
    /// `INSUFFICIENT_DATA`, reason `DOMINANCE`, if the noisy sum of the shares over all people is below about 65.
    async fn return_visit_rate(&self) -> Result<Option<Measure>, Error> {
        Ok(Some(Scale::SHARE.measure(self.mean(RETURNS, false)?)))
    }

    /// Mean share of a person's visits that are to places new to the person, 0 to 1. Equal to 1 - `returnVisitRate`.
    /// Null with `INSUFFICIENT_DATA`, reason `DOMINANCE`, if the noisy sum of the shares is below about 65.
    async fn exploration_tendency(&self) -> Result<Option<Measure>, Error> {
        Ok(Some(Scale::SHARE.measure(self.mean(RETURNS, true)?)))
    }

    /// Mean share of a person's actions that are attended events, 0 to 1. Null with `INSUFFICIENT_DATA`, reason
    /// `DOMINANCE`, if the noisy sum of the shares over all people is below about 65.
    async fn community_engagement(&self) -> Result<Option<Measure>, Error> {
        Ok(Some(Scale::EVENTS.measure(self.mean(EVENTS, false)?)))
    }

    /// Length of stay: the mean share of a person's visits in each of three ranges.
    async fn time_spent(&self) -> TimeSpent {
        let Folded { shares, other } = Sample::of(&self.own, "DWELL").folded(1.0 / 3.0);
        let share = |share: Option<Estimate>| share.map(|share| Scale::SHARE.measure(share));
        let band = |band: usize| share(shares[band]);
        TimeSpent { short: band(0), medium: band(1), long: band(2), other: share(other) }
    }

    /// Time of visits: the mean share of a person's visits in each of eight parts of the week, by the start of the
    /// visit in UTC. Parts that represent fewer than 100 people (share x noisy size) are combined into one entry OTHER,
    /// which comes last.
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

    /// Kinds of places visited: the mean share of a person's visits in each of twelve groups. Groups that represent
    /// fewer than 100 people (share x noisy size) are counted in OTHER, which comes last.
    async fn categories(&self) -> Vec<CategoryShare> {
        let Folded { mut shares, other } = Sample::of(&self.own, "CAT").folded(1.0 / 12.0);
        // The group OTHER and the folded groups are one entry in the answer.
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

    /// Implications of these numbers for products, by published rules (`docs/personality.md`). Rules that use
    /// personality dimensions also need the release behind `personality`. `valuesCommunityProducts` also needs the
    /// behavior of all people of the regions.
    async fn implications(&self) -> ProductImplications<'_> {
        ProductImplications(self)
    }

    /// The release that these numbers come from.
    async fn release(&self) -> Release {
        self.own.release.as_ref().into()
    }
}

/// Implications of behavior and personality for products, by published rules.
pub struct ProductImplications<'a>(&'a Behavior);

impl ProductImplications<'_> {
    fn personality(&self) -> Result<&Released, Error> {
        // `Wanted::of` requests this release whenever a field below is selected.
        let personality = self.0.personality.as_ref().ok_or(Error::Internal)?;
        personality.as_ref().map_err(Clone::clone)
    }
}

/// Implications of behavior and personality for products, by published rules (`docs/personality.md`, "Implications").
/// The thresholds are conventions. A field is null with the error of its input if one of its inputs is withheld. The
/// privacy cost of a field is charged only if the field is selected, the key has the required scopes, and the key has
/// not viewed the releases before. If the window of `behavior` is not `DAYS_28`, a field that needs the release behind
/// `personality` also needs the size over 28 days, 0.12 units.
#[Object]
impl ProductImplications<'_> {
    /// YES if the mean of `VALUE_ORIENTATION` is above 0.6 or `returnVisitRate` is above 0.6. Requires the scope
    /// `personality`. Privacy cost: 0.5 units for the release behind `personality`.
    #[graphql(guard = "Needs(&[Scope::Personality])")]
    async fn prefers_quality_over_price(&self) -> Result<Option<Implication>, Error> {
        let returns = Scale::SHARE.measure(self.0.mean(RETURNS, false)?);
        Ok(Some(implications::prefers_quality_over_price(self.personality()?, &returns)))
    }

    /// YES if the mean of `COMMUNITY_ORIENTATION` is above 0.6 and `communityEngagement` is above that of all people of
    /// the regions. NO if the segment already covers all people of its regions. Requires the scope `personality`.
    /// Privacy cost: 0.5 units for the release behind `personality`, and 0.43 units for the size and behavior of all
    /// people of the regions. That segment then counts as viewed by this key for the minimum difference.
    #[graphql(guard = "Needs(&[Scope::Personality])")]
    async fn values_community_products(&self) -> Result<Option<Implication>, Error> {
        let own = self.0.mean(EVENTS, false)?;
        let regions = match &self.0.regions {
            Some(regions) => Some(mean(regions.as_ref().map_err(Clone::clone)?, EVENTS, false)?),
            None => None,
        };
        Ok(Some(implications::values_community_products(self.personality()?, own, regions)))
    }

    /// Estimated share of purchases that are followed by another one, 0 to 1: 0.9 x `returnVisitRate`. The factor is a
    /// convention. No additional privacy cost.
    async fn likely_to_return_purchase(&self) -> Result<Option<DerivedMeasure>, Error> {
        Ok(Some(implications::likely_to_return_purchase(self.0.mean(RETURNS, false)?)))
    }

    /// Weights of quality, community endorsement and price in decisions, derived from the personality dimensions.
    /// Requires the scope `personality`. Privacy cost: 0.5 units for the release behind `personality`.
    #[graphql(guard = "Needs(&[Scope::Personality])")]
    async fn decision_factors(&self) -> Result<Option<DecisionFactors>, Error> {
        Ok(Some(implications::decision_factors(self.personality()?)))
    }
}

/// The scale of a share among `cells` equal parts: low below half of an even share, high from twice an even share.
fn few(cells: u32) -> Scale {
    let even = 1.0 / f64::from(cells);
    Scale { lines: [even / 2.0, even * 2.0], ..Scale::SHARE }
}

/// Length of stay, as mean shares of a person's visits with a known end. The shares sum to 1. A share that represents
/// fewer than 100 people (share x noisy size) is null and is counted in `other`.
#[derive(SimpleObject)]
pub struct TimeSpent {
    /// Share of visits shorter than 15 minutes. Null if counted in `other`.
    short: Option<Measure>,
    /// Share of visits of 15 to 60 minutes. Null if counted in `other`.
    medium: Option<Measure>,
    /// Share of visits longer than 60 minutes. Null if counted in `other`.
    long: Option<Measure>,
    /// Sum of the shares that are null. Null if no share is null.
    other: Option<Measure>,
}

/// Days of the week, in UTC.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
pub enum Days {
    /// Monday to Friday.
    Weekday,
    /// Saturday and Sunday.
    Weekend,
    /// Parts of the week that represent too few people to be shown separately.
    Other,
}

/// Hours of the day, in UTC.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
pub enum DayPart {
    /// 00:00 to 06:00.
    Night,
    /// 06:00 to 12:00.
    Morning,
    /// 12:00 to 18:00.
    Afternoon,
    /// 18:00 to 24:00.
    Evening,
    /// Parts of the week that represent too few people to be shown separately.
    Other,
}

/// Share of visits in one part of the week. The shares of a list sum to 1.
#[derive(SimpleObject)]
pub struct DayPartShare {
    /// The days of this part of the week.
    days: Days,
    /// The hours of this part of the week.
    part: DayPart,
    /// Mean share of a person's visits, 0 to 1.
    share: Measure,
}

/// Groups of places. The list is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum CategoryGroup {
    /// Museums, theaters, music venues.
    ArtsAndEntertainment,
    /// Universities and colleges.
    CollegeAndUniversity,
    /// Venues of single events.
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
    /// All other places, and groups that represent too few people to be shown separately.
    Other,
}

impl CategoryGroup {
    /// All groups, in the order of the release.
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

/// Share of visits to one group of places. The shares of a list sum to 1.
#[derive(SimpleObject)]
pub struct CategoryShare {
    /// The group of places.
    group: CategoryGroup,
    /// Mean share of a person's visits, 0 to 1.
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
