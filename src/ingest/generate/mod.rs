//! A synthetic population: the same people for the same seed, with distributions like those of real data.
//!
//! It has twelve correlated dimensions (from four factors), regions, ages and tastes that differ in them, skewed visits
//! (a few people account for many), places of unequal popularity, seasons, and communities whose members know each
//! other and share places.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "every generated number is small and positive"
)]

mod goods;
mod tables;

use std::collections::{BTreeMap, HashSet};

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use sea_orm::DatabaseConnection;

use self::{
    goods::{GOODS, Goods},
    tables::{AGE_TRAITS, CATEGORIES, LOADINGS, REGION_TRAITS, REGIONS, TASTES, Taste},
};
use super::import::{
    self, AgentRow, Agents, ConnectionRow, Connections, PersonalityRow, Products, Profiles, Target, VisitRow, Visits,
};
use crate::{
    domain::{
        clock::{DAY, WEEK},
        dimensions::DimensionMap,
        product::Product,
        product_state::{PriceBand, ProductState},
    },
    privacy::contribution::CATEGORY_GROUPS,
    storage::db,
};

/// The Monday 00:00 UTC at which the twelve weeks end: 2026-06-01.
pub const ENDS_AT: i64 = 1_780_272_000;
/// The default number of people of `demo` and `generate`.
pub const DEMO_AGENTS: u32 = 30_000;

const WEEKS: i64 = 12;
/// The number of places of a region.
const SPOTS: usize = 600;
/// The number of people of a community.
const COMMUNITY: u32 = 24;

/// The average number of visits of a person in the twelve weeks, unless another one is set.
pub const VISITS_PER_PERSON: u32 = 24;

/// A population, determined by its size, seed and number of visits.
#[derive(Clone, Copy, Debug)]
pub struct Population {
    agents: u32,
    seed: u64,
    /// The average number of visits of a person, approximately: nobody has more than 600.
    visits: u32,
}

/// A synthetic person with the profile and all visits.
pub struct Person {
    pub agent: AgentRow,
    pub personality: Option<PersonalityRow>,
    pub visits: Vec<VisitRow>,
}

impl Population {
    /// A population with [`VISITS_PER_PERSON`] visits of a person on average.
    #[must_use]
    pub const fn new(agents: u32, seed: u64) -> Self {
        Self { agents, seed, visits: VISITS_PER_PERSON }
    }

    /// Sets the average number of visits of a person.
    #[must_use]
    pub const fn with_visits(self, visits: u32) -> Self {
        Self { visits, ..self }
    }

    /// Generates the people one at a time; each depends on the seed and its own number only.
    pub fn people(self) -> impl Iterator<Item = Person> {
        (0..self.agents).map(move |number| self.person(number))
    }

    /// Writes the population to a migrated database, and the products as the catalog of `partner`, in one transaction.
    ///
    /// # Errors
    /// The name of the partner is invalid, or the database fails; nothing is stored then.
    pub async fn store(self, db: &DatabaseConnection, partner: &str) -> anyhow::Result<()> {
        let transaction = db::begin_write(db).await?;
        import::rows(&transaction, &mut Agents::default(), move || self.people().map(|person| person.agent)).await?;
        import::rows(&transaction, &mut Profiles, move || self.people().filter_map(|person| person.personality))
            .await?;
        import::rows(&transaction, &mut Visits::default(), move || self.people().flat_map(|person| person.visits))
            .await?;
        let mut connections = Connections::load(Target::database(&transaction)).await?;
        import::rows(&transaction, &mut connections, move || self.connections()).await?;
        let mut products = Products::of_partner(&transaction, partner.to_owned()).await?;
        import::rows(&transaction, &mut products, move || self.products()).await?;
        transaction.commit().await?;
        Ok(())
    }

    fn rng(self, stream: u64) -> ChaCha8Rng {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        rng.set_stream(stream);
        rng
    }

    /// The region of a person, as an index of [`REGIONS`]. A community is a range of consecutive numbers, and its
    /// members share a region.
    fn region(self, number: u32) -> usize {
        let community = number / COMMUNITY;
        let draw = self.rng(1 << 40 | u64::from(community)).random_range(0..100);
        let mut below = 0;
        REGIONS
            .iter()
            .position(|(_, share)| {
                below += share;
                draw < below
            })
            .unwrap_or(0)
    }

    fn age(self, number: u32) -> Option<i32> {
        let mut rng = self.rng(6 << 40 | u64::from(number));
        match rng.random_range(0..100) {
            0..4 => None,
            4..6 => Some(rng.random_range(16..18)),
            _ => Some((18.0 + 52.0 * rng.random::<f64>().powf(1.6)) as i32),
        }
    }

    /// The taste of a person, as an index of [`TASTES`].
    fn taste(self, number: u32) -> usize {
        let (region, years) = (self.region(number), years_over_38(self.age(number)));
        let weights = TASTES.each_ref().map(|taste| f64::from(taste.weights[region]) * taste.by_age.powf(years));
        let mut at = self.rng(7 << 40 | u64::from(number)).random::<f64>() * weights.iter().sum::<f64>();
        weights
            .iter()
            .position(|weight| {
                at -= weight;
                at < 0.0
            })
            .unwrap_or(0)
    }

    fn dimensions(self, number: u32) -> [f64; 12] {
        let mut community = self.rng(2 << 40 | u64::from(number / COMMUNITY));
        let mut own = self.rng(3 << 40 | u64::from(number));
        let (region, taste, years) = (self.region(number), self.taste(number), years_over_38(self.age(number)));
        // People of a community are slightly similar.
        let factors: [f64; 4] = std::array::from_fn(|_| 0.5 * normal(&mut community) + 0.87 * normal(&mut own));
        std::array::from_fn(|dimension| {
            let sum: f64 = LOADINGS[dimension].iter().zip(factors).map(|(loading, factor)| loading * factor).sum();
            let traits =
                REGION_TRAITS[region][dimension] + TASTES[taste].traits[dimension] + years * AGE_TRAITS[dimension];
            let score = 1.0 / (1.0 + (-(0.9 * sum + 0.35 * normal(&mut own) + traits)).exp());
            (score * 1e4).round() / 1e4
        })
    }

    fn person(self, number: u32) -> Person {
        let mut rng = self.rng(u64::from(number));
        let (region, dimensions) = (self.region(number), self.dimensions(number));
        let agent_id = agent_id(number);
        let visits = self.visits(number, region, &TASTES[self.taste(number)], &dimensions, &mut rng);
        let agent = AgentRow {
            agent_id: agent_id.clone(),
            region: Some(REGIONS[region].0.to_owned()),
            age: self.age(number),
            interests: favorites(&visits, 3, |visit| visit.category_group.as_deref()),
            categories: favorites(&visits, 6, |visit| visit.category.as_deref()),
            consent: rng.random_bool(0.97),
        };
        let answered = rng.random_bool(0.97);
        let personality =
            answered.then(|| PersonalityRow { agent_id, dimensions: DimensionMap::new(dimensions.map(Some)) });
        Person { agent, personality, visits }
    }

    fn visits(
        self,
        number: u32,
        region: usize,
        taste: &Taste,
        dimensions: &[f64; 12],
        rng: &mut ChaCha8Rng,
    ) -> Vec<VisitRow> {
        // Log-normal: the median person has about 17 of 24 visits on average, a few people have hundreds.
        let median = 17.0 * f64::from(self.visits) / f64::from(VISITS_PER_PERSON);
        let count = (median * (0.85 * normal(rng) + 0.6 * (dimensions[0] - 0.5)).exp()).min(600.0) as usize;
        let mut starts: Vec<i64> = (0..count).map(|_| start(taste, dimensions, rng)).collect();
        starts.sort_unstable();
        starts.dedup();
        let community = u64::from(number / COMMUNITY);
        let mut seen: Vec<usize> = Vec::new();
        let mut visits = Vec::with_capacity(starts.len());
        for start_time in starts {
            let explores = 0.25 + 0.5 * dimensions[0];
            let spot = if !seen.is_empty() && !rng.random_bool(explores.clamp(0.05, 0.95)) {
                // Places that were found earlier are visited again more often.
                seen[(rng.random::<f64>().powi(2) * seen.len() as f64) as usize]
            } else if rng.random_bool(0.25) {
                // One of the places that the community shares.
                (community as usize * 37 + rng.random_range(0..8) * 11) % SPOTS
            } else {
                preferred_spot(region, taste, rng)
            };
            let returning = seen.contains(&spot);
            if !returning {
                seen.push(spot);
            }
            let (category, group, _, minutes) = CATEGORIES[category_of(region, spot)];
            let stay = minutes * 60.0 * (0.55 * normal(rng) + 0.4 * (0.5 - dimensions[9])).exp();
            let event = rng.random_bool((0.02 + 0.12 * dimensions[1]).clamp(0.0, 1.0));
            visits.push(VisitRow {
                agent_id: agent_id(number),
                action_type: if event { "event_attendance" } else { "spot_visit" }.to_owned(),
                spot_id: format!("{}-{spot:04}", REGIONS[region].0),
                category: Some(category.to_owned()),
                category_group: Some(CATEGORY_GROUPS[group].to_owned()),
                start_time,
                end_time: (!rng.random_bool(0.02)).then(|| start_time + stay.clamp(60.0, 36_000.0) as i64),
                is_return_visit: Some(returning),
            });
        }
        visits
    }

    /// Generates the ties: dense inside a community, and a few between any two people of the population.
    pub fn connections(self) -> impl Iterator<Item = ConnectionRow> {
        (0..self.agents).flat_map(move |number| {
            let mut rng = self.rng(4 << 40 | u64::from(number));
            let first = number / COMMUNITY * COMMUNITY;
            let mut others: HashSet<u32> = (first..number).filter(|_| rng.random_bool(0.22)).collect();
            if rng.random_bool(0.6) {
                others.insert(rng.random_range(0..self.agents));
            }
            others.remove(&number);
            let mut others: Vec<u32> = others.into_iter().collect();
            others.sort_unstable();
            let own = self.dimensions(number);
            others.into_iter().map(move |other| {
                let recent = rng.random_bool(0.18);
                let ago =
                    if recent { rng.random_range(0..WEEKS * WEEK) } else { rng.random_range(WEEKS * WEEK..100 * WEEK) };
                let (low, high) = (number.min(other), number.max(other));
                ConnectionRow {
                    agents: (agent_id(low), agent_id(high)),
                    compatibility: overlap(&own, &self.dimensions(other)),
                    created_at: ENDS_AT - 1 - ago,
                }
            })
        })
    }

    /// Generates a catalog of products for the demo partner.
    pub fn products(self) -> impl Iterator<Item = Product> {
        const LINES: [(&str, PriceBand, f64); 4] = [
            ("Basic", PriceBand::Budget, 0.5),
            ("Classic", PriceBand::Mid, 1.0),
            ("Select", PriceBand::Premium, 1.8),
            ("Signature", PriceBand::Luxury, 3.5),
        ];
        let mut rng = self.rng(5 << 40);
        let terms = |list: &str| (!list.is_empty()).then(|| list.split('|').map(str::to_owned).collect());
        let all = GOODS.iter().flat_map(|goods| LINES.map(|line| (goods, line)));
        all.enumerate().map(move |(number, (goods, (line, band, factor)))| {
            let Goods { title, category, price, styles, features, states } = goods;
            let mut dimensions = DimensionMap::default();
            for (dimension, value) in *states {
                dimensions[*dimension] = Some(*value);
            }
            Product {
                id: format!("demo-{number:03}"),
                title: format!("{title}, {line}"),
                category: Some((*category).to_owned()),
                subcategory: None,
                price: Some((price * factor * 100.0).round() / 100.0),
                currency: Some("EUR".to_owned()),
                rating: Some(f64::from(rng.random_range(30..50)) / 10.0),
                rating_count: Some(rng.random_range(5..900)),
                state: ProductState {
                    price: Some(band),
                    styles: terms(styles),
                    features: terms(features),
                    ..ProductState::of_dimensions(&dimensions)
                },
            }
        })
    }
}

fn agent_id(number: u32) -> String {
    format!("demo_{number:07}")
}

/// The squared overlap of two people's states (d, 1 - d), rounded to four decimals; see `docs/personality.md`.
fn overlap(a: &[f64; 12], b: &[f64; 12]) -> f64 {
    let centered = |x: &[f64; 12]| x.map(|x| x - 0.5);
    let dot = |x: &[f64; 12], y: &[f64; 12]| -> f64 { 3.0 + x.iter().zip(y).map(|(x, y)| x * y).sum::<f64>() };
    let (a, b) = (centered(a), centered(b));
    let overlap = dot(&a, &b).powi(2) / (dot(&a, &a) * dot(&b, &b));
    (overlap * 1e4).round() / 1e4
}

/// The age in units of 20 years above 38; 0 if it is unknown.
fn years_over_38(age: Option<i32>) -> f64 {
    age.map_or(0.0, |age| (f64::from(age) - 38.0) / 20.0)
}

/// Samples the start of a visit, in Unix seconds: evenings and weekends are more frequent than nights and mornings, and
/// people with high energy preference start later. Towards the summer there are more visits of outdoor people and fewer
/// of those who like nightlife.
fn start(taste: &Taste, dimensions: &[f64; 12], rng: &mut ChaCha8Rng) -> i64 {
    loop {
        let day = rng.random_range(0..WEEKS * 7);
        let season = day as f64 / (WEEKS * 7) as f64;
        let kept = match taste.group {
            6 => 0.5 + 0.5 * season,
            5 => 1.0 - 0.3 * season,
            _ => 0.9,
        };
        if !rng.random_bool(kept) {
            continue;
        }
        let weekend = day % 7 >= 5;
        if !weekend && rng.random_bool(0.25) {
            continue;
        }
        let hour = 14.5 + 3.0 * (dimensions[8] - 0.5) + 4.2 * normal(rng);
        if (0.0..24.0).contains(&hour) {
            let second = (hour * 3600.0) as i64;
            return ENDS_AT - WEEKS * WEEK + day * DAY + second.min(DAY - 1);
        }
    }
}

/// Samples a place by popularity: the first places are the most visited.
fn popular_spot(rng: &mut ChaCha8Rng) -> usize {
    ((rng.random::<f64>().powf(2.2) * SPOTS as f64) as usize).min(SPOTS - 1)
}

/// Samples a place of the preferred group by popularity in more than half of the cases, and any place otherwise.
fn preferred_spot(region: usize, taste: &Taste, rng: &mut ChaCha8Rng) -> usize {
    if rng.random_bool(0.55) {
        for _ in 0..20 {
            let spot = popular_spot(rng);
            if CATEGORIES[category_of(region, spot)].1 == taste.group {
                return spot;
            }
        }
    }
    popular_spot(rng)
}

/// Returns the kind of a place, as an index of [`CATEGORIES`], in proportion to the weights of the kinds.
fn category_of(region: usize, spot: usize) -> usize {
    let all: f64 = CATEGORIES.iter().map(|(_, _, weight, _)| weight).sum();
    // Multiples of the golden ratio spread neighboring places, and the same place of different regions, over the kinds.
    let mut at = ((spot + region * 101) as f64 * 0.618_033_988_75).fract() * all;
    CATEGORIES
        .iter()
        .position(|(_, _, weight, _)| {
            at -= weight;
            at < 0.0
        })
        .unwrap_or(0)
}

/// Returns the `most` most frequent terms of the visits, the most frequent first, separated by `|`.
fn favorites(visits: &[VisitRow], most: usize, term: impl Fn(&VisitRow) -> Option<&str>) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for term in visits.iter().filter_map(term) {
        *counts.entry(term).or_default() += 1;
    }
    let mut terms: Vec<(&str, usize)> = counts.into_iter().collect();
    terms.sort_by_key(|(term, count)| (std::cmp::Reverse(*count), *term));
    terms.into_iter().take(most).map(|(term, _)| term).collect::<Vec<_>>().join("|")
}

/// Samples a standard normal value (Box-Muller). Use it for synthetic people only, never for noise.
fn normal(rng: &mut impl Rng) -> f64 {
    let (radius, angle): (f64, f64) = (rng.random(), rng.random());
    (-2.0 * (1.0 - radius).ln()).sqrt() * (std::f64::consts::TAU * angle).cos()
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::domain::dimensions;

    #[test]
    fn the_same_seed_makes_the_same_people_and_another_seed_others() {
        let shape = |seed| {
            let people: Vec<Person> = Population::new(200, seed).people().collect();
            people.iter().map(|person| (person.agent.age, person.visits.len())).collect::<Vec<_>>()
        };
        assert_eq!(shape(1), shape(1));
        assert_ne!(shape(1), shape(2));
    }

    #[test]
    fn visits_are_skewed_and_lie_in_the_twelve_weeks() {
        let mut counts = Vec::new();
        for person in Population::new(2_000, 1).people() {
            assert!(person.visits.iter().all(|visit| (ENDS_AT - 12 * WEEK..ENDS_AT).contains(&visit.start_time)));
            counts.push(person.visits.len());
        }
        counts.sort_unstable();
        assert!(counts[1_980] > 5 * counts[1_000], "the top percentile has five times as many visits as the median");
    }

    #[test]
    fn the_number_of_visits_can_be_set() {
        let count = |population: Population| population.people().map(|person| person.visits.len()).sum::<usize>();
        let (few, many) = (count(Population::new(2_000, 1)), count(Population::new(2_000, 1).with_visits(60)));
        assert!((20 * 2_000..28 * 2_000).contains(&few), "{few}");
        assert!((50 * 2_000..70 * 2_000).contains(&many), "{many}");
    }

    #[test]
    fn people_have_archetypes_and_correlated_dimensions() {
        let population = Population::new(3_000, 1);
        let people: Vec<[f64; 12]> = (0..population.agents).map(|number| population.dimensions(number)).collect();
        let codes: HashSet<usize> =
            people.iter().map(|x| dimensions::archetype(&DimensionMap::new(x.map(|x| (x * 1e4) as i32)))).collect();
        assert!(codes.len() >= 4, "{codes:?}");
        let mean = |k: usize| people.iter().map(|x| x[k]).sum::<f64>() / 3_000.0;
        let covariance = |j: usize, k: usize| people.iter().map(|x| (x[j] - mean(j)) * (x[k] - mean(k))).sum::<f64>();
        let correlation = covariance(0, 9) / (covariance(0, 0) * covariance(9, 9)).sqrt();
        assert!(correlation > 0.5, "exploration and novelty: {correlation}");
    }
}
