//! Behavior of the people of a segment: the `Behavior` object and the product implications derived from it.

use std::collections::HashMap;

use async_graphql::{Context, Enum, Object, SimpleObject};

use super::{
    reference::{self, WithReference},
    release::Release,
};
use crate::{
    domain::{epoch::WindowLength, error::Error, scope::Scope},
    graphql::{context::RequestContext, scope_guard::RequireScope},
    privacy::{Bundle, Question, Released, contribution::BehaviorMean},
    statistics::{
        behavior::BehaviorStatistics,
        implications::{self, DecisionFactors, DerivedMeasure, Implication},
        measure::Measure,
        personality::PersonalityStatistics,
    },
};

/// Behavior of the people of a segment in the window of the release. All numbers are means over people, not over
/// visits.
pub struct Behavior {
    statistics: WithReference<BehaviorStatistics>,
    /// The personality that the implications need; `None` if no selected field needs it.
    personality: Option<Result<PersonalityStatistics, Error>>,
    /// The behavior of all people of the regions; `None` if no selected field needs it, or if the segment already
    /// covers all of them.
    regions: Option<Result<BehaviorStatistics, Error>>,
}

/// The additional questions that the selected implications need, besides the behavior of the segment itself.
pub struct ImplicationQuestions {
    personality: Option<Question>,
    regions: Option<Question>,
    /// The behavior of everybody in the regions, for the index of a number.
    reference: Option<Question>,
}

impl ImplicationQuestions {
    /// Determines the additional questions from the fields selected below `implications` in the current document. A
    /// field that requires a scope the key lacks adds no question, so nothing is charged for it.
    pub fn new(ctx: &Context<'_>, context: &RequestContext, own: &Question) -> Self {
        let implications = ctx.look_ahead().field("implications");
        let is_allowed = context.caller.scopes.contains(&Scope::Personality);
        let is_selected = |field: &str| is_allowed && implications.field(field).exists();
        let community = is_selected("valuesCommunityProducts");
        let personality = community || is_selected("prefersQualityOverPrice") || is_selected("decisionFactors");
        Self {
            personality: personality
                .then(|| context.question(&own.cohort, WindowLength::Days28, Bundle::Personality, own.precision)),
            regions: own.reference().filter(|_| community),
            reference: reference::question(ctx, own),
        }
    }

    /// All additional questions.
    pub fn questions(&self) -> impl Iterator<Item = Question> + '_ {
        [&self.personality, &self.regions, &self.reference].into_iter().flatten().cloned()
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
        additional: &ImplicationQuestions,
        answers: &HashMap<Question, Result<Released, Error>>,
    ) -> Result<Self, Error> {
        let answer = |question: &Question| answers.get(question).cloned().unwrap_or(Err(Error::Internal));
        let statistics = WithReference::read(own, additional.reference.as_ref(), answers, BehaviorStatistics::read)?;
        let personality = additional.personality.as_ref().map(answer);
        let regions = additional.regions.as_ref().map(answer);
        Ok(Self {
            statistics,
            personality: personality.map(|released| PersonalityStatistics::read(&released?)),
            regions: regions.map(|released| BehaviorStatistics::read(&released?)),
        })
    }
}

/// Behavior of the people of a segment in the window of the release. All numbers are means over people, not over
/// visits. Each person has the same weight.
#[Object]
impl Behavior {
    /// Mean number of visits per person in the window, 0 to the cap. The cap is 10, 30 or 60 visits for a window of 7,
    /// 28 or 84 days; a person with more visits counts as the cap. Null with `INSUFFICIENT_DATA`, reason `DOMINANCE`,
    /// if the noisy total is below about 65 times the cap.
    async fn visits_per_person(&self) -> Result<Option<Measure>, Error> {
        self.statistics.measure(BehaviorStatistics::visits_per_person)
    }

    /// Mean of each person's average stay, in minutes, 0 to 120. An average stay above 120 minutes counts as 120.
    /// Visits without a known end are ignored. Null with `INSUFFICIENT_DATA`, reason `DOMINANCE`, if the noisy sum over
    /// all people is below about 7,800 minutes.
    async fn average_dwell_minutes(&self) -> Result<Option<Measure>, Error> {
        self.statistics.measure(BehaviorStatistics::average_dwell_minutes)
    }

    /// Mean share of a person's visits that are to places the person had visited before, 0 to 1. Null with
    /// `INSUFFICIENT_DATA`, reason `DOMINANCE`, if the noisy sum of the shares over all people is below about 65.
    async fn return_visit_rate(&self) -> Result<Option<Measure>, Error> {
        self.statistics.measure(BehaviorStatistics::return_visit_rate)
    }

    /// Mean share of a person's visits that are to places new to the person, 0 to 1. Equal to 1 - `returnVisitRate`.
    /// Null with `INSUFFICIENT_DATA`, reason `DOMINANCE`, if the noisy sum of the shares is below about 65.
    async fn exploration_tendency(&self) -> Result<Option<Measure>, Error> {
        self.statistics.measure(BehaviorStatistics::exploration_tendency)
    }

    /// Mean share of a person's actions that are attended events, 0 to 1. Null with `INSUFFICIENT_DATA`, reason
    /// `DOMINANCE`, if the noisy sum of the shares over all people is below about 65.
    async fn community_engagement(&self) -> Result<Option<Measure>, Error> {
        self.statistics.measure(BehaviorStatistics::community_engagement)
    }

    /// Length of stay: the mean share of a person's visits in each of three ranges.
    async fn time_spent(&self) -> TimeSpent {
        let mut shares = self.statistics.measures(BehaviorStatistics::time_spent).into_iter();
        let mut next = || shares.next().flatten();
        TimeSpent { short: next(), medium: next(), long: next(), other: next() }
    }

    /// Time of visits: the mean share of a person's visits in each of eight parts of the week, by the start of the
    /// visit in UTC. Parts that represent fewer than 100 people (share x noisy size) are combined into one entry OTHER,
    /// which comes last.
    async fn day_parts(&self) -> Vec<DayPartShare> {
        let parts = [Days::Weekday, Days::Weekend].into_iter().flat_map(|days| {
            [DayPart::Night, DayPart::Morning, DayPart::Afternoon, DayPart::Evening].map(|part| (days, part))
        });
        let cells =
            parts.chain([(Days::Other, DayPart::Other)]).zip(self.statistics.measures(BehaviorStatistics::week_parts));
        cells.filter_map(|((days, part), share)| Some(DayPartShare { days, part, share: share? })).collect()
    }

    /// Kinds of places visited: the mean share of a person's visits in each of twelve groups. Groups that represent
    /// fewer than 100 people (share x noisy size) are counted in OTHER, which comes last.
    async fn categories(&self) -> Vec<CategoryShare> {
        let cells = CategoryGroup::ALL.into_iter().zip(self.statistics.measures(BehaviorStatistics::categories));
        cells.filter_map(|(group, share)| Some(CategoryShare { group, share: share? })).collect()
    }

    /// Implications of these numbers for products, by published rules (`docs/personality.md`). Rules that use
    /// personality dimensions also need the release behind `personality`. `valuesCommunityProducts` also needs the
    /// behavior of all people of the regions.
    async fn implications(&self) -> ProductImplications<'_> {
        ProductImplications(self)
    }

    /// The release that these numbers come from.
    async fn release(&self) -> Release {
        self.statistics.released.release.as_ref().into()
    }
}

/// Implications of behavior and personality for products, by published rules.
pub struct ProductImplications<'a>(&'a Behavior);

impl ProductImplications<'_> {
    fn personality(&self) -> Result<&PersonalityStatistics, Error> {
        // `ImplicationQuestions` requests this release whenever a field below is selected.
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
    #[graphql(guard = "RequireScope(&[Scope::Personality])")]
    async fn prefers_quality_over_price(&self) -> Result<Option<Implication>, Error> {
        let returns = self.0.statistics.own.return_visit_rate()?;
        Ok(Some(implications::prefers_quality_over_price(self.personality()?, &returns)))
    }

    /// YES if the mean of `COMMUNITY_ORIENTATION` is above 0.6 and `communityEngagement` is above that of all people of
    /// the regions. NO if the segment already covers all people of its regions. Requires the scope `personality`.
    /// Privacy cost: 0.5 units for the release behind `personality`, and 0.43 units for the size and behavior of all
    /// people of the regions. That segment then counts as viewed by this key for the minimum difference.
    #[graphql(guard = "RequireScope(&[Scope::Personality])")]
    async fn values_community_products(&self) -> Result<Option<Implication>, Error> {
        let own = self.0.statistics.own.mean(BehaviorMean::Events)?;
        let regions = match &self.0.regions {
            Some(regions) => Some(regions.as_ref().map_err(Clone::clone)?.mean(BehaviorMean::Events)?),
            None => None,
        };
        Ok(Some(implications::values_community_products(self.personality()?, own, regions)))
    }

    /// Estimated share of purchases that are followed by another one, 0 to 1: 0.9 x `returnVisitRate`. The factor is a
    /// convention. No additional privacy cost.
    async fn likely_to_return_purchase(&self) -> Result<Option<DerivedMeasure>, Error> {
        let returns = self.0.statistics.own.mean(BehaviorMean::Returns)?;
        Ok(Some(implications::likely_to_return_purchase(returns)))
    }

    /// Weights of quality, community endorsement and price in decisions, derived from the personality dimensions.
    /// Requires the scope `personality`. Privacy cost: 0.5 units for the release behind `personality`.
    #[graphql(guard = "RequireScope(&[Scope::Personality])")]
    async fn decision_factors(&self) -> Result<Option<DecisionFactors>, Error> {
        Ok(Some(implications::decision_factors(self.personality()?)))
    }
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
    use crate::privacy::contribution::CATEGORY_GROUPS;

    #[test]
    fn category_groups_have_the_order_of_the_release() {
        let name = |value| async_graphql::resolver_utils::enum_value(value).to_string().to_lowercase();
        let names: Vec<String> = CategoryGroup::ALL.into_iter().map(name).collect();
        assert_eq!(names, CATEGORY_GROUPS);
    }
}
