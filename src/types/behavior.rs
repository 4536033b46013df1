//! What the people of a segment do.

use async_graphql::{Enum, Object, SimpleObject};

use super::{
    measure::{Measure, Scale, Unit},
    release::Release,
};
use crate::{
    engine::contribution::DWELL_CAP_S,
    epoch::WindowLength,
    estimate::{Estimate, Sample},
    privacy::Released,
};

/// How the people of a segment spend their visits, as means over people (not over visits), in the release's window.
pub struct Behavior(pub Released);

impl Behavior {
    fn mean(&self, index: usize) -> Estimate {
        Sample::of(&self.0, "BEH").mean(index, 0.5)
    }

    fn length(&self) -> WindowLength {
        self.0.release.window.length
    }
}

/// How the people of a segment spend their visits, as means over people (not over visits), in the release's window.
#[Object]
impl Behavior {
    /// Visits of a person in the window; more than 10, 30 or 60 (by window length) count as that many.
    async fn visits_per_person(&self) -> Measure {
        let cap = f64::from(self.length().visit_cap());
        let scale = Scale { unit: Unit::Visits, line: cap / 20.0, lines: [cap / 10.0, cap / 3.0], bounds: [0.0, cap] };
        scale.measure(self.mean(0).linear(cap, 0.0))
    }

    /// A person's mean stay, in minutes; means beyond 120 count as 120, visits without a known end not at all.
    async fn average_dwell_minutes(&self) -> Measure {
        let cap = DWELL_CAP_S as f64 / 60.0;
        let scale = Scale { unit: Unit::Minutes, line: 5.0, lines: [30.0, 60.0], bounds: [0.0, cap] };
        scale.measure(self.mean(1).linear(cap, 0.0))
    }

    /// The share of a person's visits to a place where the person had been before.
    async fn return_visit_rate(&self) -> Measure {
        Scale::SHARE.measure(self.mean(2))
    }

    /// The share of a person's visits to a place that is new to the person: 1 - the return share.
    async fn exploration_tendency(&self) -> Measure {
        Scale::SHARE.measure(self.mean(2).linear(-1.0, 1.0))
    }

    /// The share of a person's actions that are attended events.
    async fn community_engagement(&self) -> Measure {
        Scale { lines: [0.1, 0.3], ..Scale::SHARE }.measure(self.mean(3))
    }

    /// How long people stay: shares of a person's visits.
    async fn time_spent(&self) -> TimeSpent {
        let mut shares =
            Sample::of(&self.0, "DWELL").shares(1.0 / 3.0).into_iter().map(|share| Scale::SHARE.measure(share));
        let mut next = || shares.next().unwrap_or_else(|| Scale::SHARE.measure(Estimate::new(0.0, 1.0)));
        TimeSpent { short: next(), medium: next(), long: next() }
    }

    /// When people go out: shares of a person's visits over eight parts of the week, in UTC.
    async fn day_parts(&self) -> Vec<DayPartShare> {
        let shares = Sample::of(&self.0, "TIME").shares(1.0 / 8.0);
        let parts = [Days::Weekday, Days::Weekend].into_iter().flat_map(|days| {
            [DayPart::Night, DayPart::Morning, DayPart::Afternoon, DayPart::Evening].map(|part| (days, part))
        });
        let shares = parts.zip(shares);
        shares.map(|((days, part), share)| DayPartShare { days, part, share: few(8).measure(share) }).collect()
    }

    /// What kinds of places people visit: shares of a person's visits.
    async fn categories(&self) -> Vec<CategoryShare> {
        let shares = CategoryGroup::ALL.into_iter().zip(Sample::of(&self.0, "CAT").shares(1.0 / 12.0));
        shares.map(|(group, share)| CategoryShare { group, share: few(12).measure(share) }).collect()
    }

    /// Where these numbers come from.
    async fn release(&self) -> Release {
        self.0.release.as_ref().into()
    }
}

/// The scale of a share among many: high is twice an even share.
fn few(cells: u32) -> Scale {
    let even = 1.0 / f64::from(cells);
    Scale { lines: [even / 2.0, even * 2.0], ..Scale::SHARE }
}

/// How long people stay; the three shares sum to 1.
#[derive(SimpleObject)]
pub struct TimeSpent {
    /// Under 15 minutes.
    short: Measure,
    /// 15 to 60 minutes.
    medium: Measure,
    /// Over 60 minutes.
    long: Measure,
}

/// Days of the week, in UTC.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
pub enum Days {
    /// Monday to Friday.
    Weekday,
    /// Saturday and Sunday.
    Weekend,
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
}

/// The share of visits in a part of the week; the eight shares sum to 1.
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
    /// Everything else.
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

/// The share of visits to a kind of place; the twelve shares sum to 1.
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
