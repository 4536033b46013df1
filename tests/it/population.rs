//! The synthetic people of the demo have structure that a partner can find: regions, ages and interests differ, and so
//! do the products that fit them.

use std::collections::BTreeSet;

use personality_math::{Density, person};
use spots_enrichment::ingest::generate::{ENDS_AT, Person, Population};

const POPULATION: Population = Population::new(8_000, 1);

fn dimensions(person: &Person) -> Option<[f64; 12]> {
    let values = person.personality.as_ref()?.dimensions.values();
    Some(values.map(Option::unwrap))
}

fn means(people: &[&Person]) -> [f64; 12] {
    let all: Vec<[f64; 12]> = people.iter().filter_map(|person| dimensions(person)).collect();
    std::array::from_fn(|index| all.iter().map(|one| one[index]).sum::<f64>() / all.len() as f64)
}

fn largest_difference(one: &[&Person], two: &[&Person]) -> f64 {
    let (one, two) = (means(one), means(two));
    one.iter().zip(two).map(|(one, two)| (one - two).abs()).fold(0.0, f64::max)
}

fn likes(person: &Person, interest: &str) -> bool {
    person.agent.interests.split('|').any(|one| one == interest)
}

fn lives_in(person: &Person, regions: &[&str]) -> bool {
    person.agent.region.as_deref().is_some_and(|region| regions.contains(&region))
}

#[test]
fn regions_ages_and_interests_differ() {
    let people: Vec<Person> = POPULATION.people().collect();
    let of = |keep: &dyn Fn(&Person) -> bool| -> Vec<&Person> { people.iter().filter(|person| keep(person)).collect() };
    let regions = ["demo-harbor", "demo-hills", "demo-lakes", "demo-plains", "demo-coast"];
    for (index, one) in regions.iter().enumerate() {
        for two in &regions[..index] {
            let difference =
                largest_difference(&of(&|person| lives_in(person, &[one])), &of(&|person| lives_in(person, &[two])));
            assert!(difference > 0.08, "{one} and {two}: {difference}");
        }
    }
    let age = |person: &Person| person.agent.age.unwrap_or(40);
    let ages = largest_difference(&of(&|person| age(person) < 28), &of(&|person| age(person) > 50));
    assert!((0.1..0.35).contains(&ages), "{ages}");
    let interests = largest_difference(
        &of(&|person| likes(person, "nightlife_spot")),
        &of(&|person| likes(person, "outdoors_and_recreation") && !likes(person, "nightlife_spot")),
    );
    assert!((0.08..0.35).contains(&interests), "{interests}");
    // The share of outdoor visits grows over the twelve weeks.
    let outdoor = |from: i64| {
        let visits = people.iter().flat_map(|person| &person.visits);
        let part: Vec<_> = visits
            .filter(|visit| (from..from + 28).contains(&((visit.start_time - (ENDS_AT - 84 * 86_400)) / 86_400)))
            .collect();
        let hits = part.iter().filter(|visit| visit.category_group.as_deref() == Some("outdoors_and_recreation"));
        hits.count() as f64 / part.len() as f64
    };
    assert!(outdoor(56) > 1.15 * outdoor(0), "{} {}", outdoor(0), outdoor(56));
}

/// The three shared segments of the demo get different recommendations.
#[test]
fn the_best_products_of_the_shared_segments_differ() {
    let people: Vec<Person> = POPULATION.people().collect();
    let best = |keep: &dyn Fn(&Person) -> bool| -> BTreeSet<String> {
        let states: Vec<_> =
            people.iter().filter(|one| keep(one)).filter_map(dimensions).map(|one| person(&one)).collect();
        let rho = Density::mixture(&states).unwrap();
        let mut ranked: Vec<(f64, String)> = POPULATION
            .products()
            .map(|product| (rho.compatibility(&product.state.resolve().unwrap().vector), product.id))
            .collect();
        assert!(ranked.len() >= 90);
        ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
        ranked.into_iter().take(20).map(|(_, id)| id).collect()
    };
    let segments = [
        best(&|one| lives_in(one, &["demo-harbor"])),
        best(&|one| one.agent.age.is_some_and(|age| (18..=34).contains(&age)) && likes(one, "nightlife_spot")),
        best(&|one| lives_in(one, &["demo-hills", "demo-lakes"]) && likes(one, "outdoors_and_recreation")),
    ];
    for (index, one) in segments.iter().enumerate() {
        for two in &segments[..index] {
            let common: Vec<_> = one.intersection(two).collect();
            assert!(common.len() <= 10, "{common:?}");
        }
    }
}
