//! T8: definitions with the same meaning are one release. Otherwise a partner could get independent noise for the same
//! segment by writing it differently, and average the noise away.

use std::{collections::BTreeSet, sync::atomic::Ordering};

use proptest::{prelude::*, sample::subsequence};
use serde_json::json;
use spots_enrichment::{
    domain::{
        epoch::{Vocabulary, Window, WindowLength},
        segment::{AGE_BANDS, AgeRange, Cohort, Definition},
    },
    privacy::{Bundle, SumRequest},
};

use crate::app::{ALL, TestApp, databases};

const REGIONS: [&str; 4] = ["us-a", "us-b", "us-c", "us-d"];
const INTERESTS: [&str; 5] = ["food", "music", "night_life", "sports", "books"];
const CATEGORIES: [&str; 4] = ["bar", "cafe", "coffee_shop", "gym"];

fn vocabulary() -> Vocabulary {
    let set = |terms: &[&str]| terms.iter().map(|term| (*term).to_owned()).collect();
    Vocabulary { regions: set(&REGIONS), interests: set(&INTERESTS), categories: set(&CATEGORIES) }
}

/// The meaning of a definition: the vocabulary values of each field, and the first and last age band.
type Meaning = (Vec<&'static str>, Option<(usize, usize)>, Vec<&'static str>, Vec<&'static str>);

fn meaning() -> impl Strategy<Value = Meaning> {
    let bands = proptest::option::of((0..6_usize, 0..6_usize).prop_map(|(a, b)| (a.min(b), a.max(b))));
    (
        subsequence(REGIONS.to_vec(), 0..=3),
        bands,
        subsequence(INTERESTS.to_vec(), 0..=3),
        subsequence(CATEGORIES.to_vec(), 0..=3),
    )
}

/// A random way to write vocabulary values: in any order and case, repeated, with spaces.
fn written(terms: Vec<&'static str>) -> impl Strategy<Value = Option<Vec<String>>> {
    let many = terms.len();
    let more = if many == 0 { Just(Vec::new()).boxed() } else { proptest::collection::vec(0..many, 0..4).boxed() };
    (more, proptest::collection::vec(0..4_u8, many + 4), any::<bool>())
        .prop_map(move |(repeats, cases, absent)| {
            let all = terms.iter().copied().chain(repeats.into_iter().map(|place| terms[place]));
            let list: Vec<String> = all
                .zip(cases)
                .map(|(term, case)| match case {
                    0 => term.to_uppercase(),
                    1 => format!("  {term} "),
                    2 => term[..1].to_uppercase() + &term[1..],
                    _ => term.to_owned(),
                })
                .collect();
            if list.is_empty() && absent { None } else { Some(list) }
        })
        .prop_flat_map(|list| match list {
            Some(list) => Just(list).prop_shuffle().prop_map(Some).boxed(),
            None => Just(None).boxed(),
        })
}

/// A random age range that overlaps these bands and no others.
fn aged(bands: Option<(usize, usize)>) -> impl Strategy<Value = Option<AgeRange>> {
    // A range without both ends means all people, like no range. All bands together leave out people of unknown age.
    let Some((first, last)) = bands else {
        return prop_oneof![Just(None), Just(Some(AgeRange { from: None, to: None }))].boxed();
    };
    let (low, high) = (AGE_BANDS[first], AGE_BANDS[last]);
    let top = |band: spots_enrichment::domain::segment::AgeBand| band.to.unwrap_or(120);
    let open = (first == 0, last == 5);
    (low.from..=top(low), high.from..=top(high), any::<bool>(), any::<bool>())
        .prop_map(move |(from, to, below, above)| {
            let (from, to) = if first == last { (from.min(to), from.max(to)) } else { (from, to) };
            let below = open.0 && below;
            let above = open.1 && above && !below;
            Some(AgeRange { from: (!below).then_some(from), to: (!above).then_some(to) })
        })
        .boxed()
}

fn definition((regions, bands, interests, categories): Meaning) -> impl Strategy<Value = Definition> {
    (written(regions), aged(bands), written(interests), written(categories))
        .prop_map(|(regions, age, interests, categories)| Definition { regions, age, interests, categories })
}

fn release_key(definition: &Definition) -> String {
    let cohort = Cohort::parse(definition, &vocabulary()).unwrap().into();
    let window = Window { epoch_id: 202_622, ends_at: 0, length: WindowLength::Days28 };
    SumRequest { cohort, window, bundle: Bundle::Behavior }.release_key(1)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn t8_the_same_meaning_has_the_same_key(
        (one, two) in meaning().prop_flat_map(|meaning| (definition(meaning.clone()), definition(meaning)))
    ) {
        prop_assert_eq!(release_key(&one), release_key(&two));
    }

    #[test]
    fn t8_another_meaning_has_another_key(
        (one, two, of_one, of_two) in (meaning(), meaning()).prop_flat_map(|(one, two)| {
            (Just(one.clone()), Just(two.clone()), definition(one), definition(two))
        })
    ) {
        prop_assert_eq!(one == two, release_key(&of_one) == release_key(&of_two));
    }
}

/// Aliases, fragments, variables, saved segments, other fields of the same bundle: one release, sampled once.
#[tokio::test]
async fn t8_the_same_meaning_in_any_document_is_one_release() {
    for on in databases() {
        let app = TestApp::new(on).await;
        let client = app.client(&ALL).await;
        let save = r#"mutation { saveSegment(input: {slug: "mine", name: "Mine",
            definition: {interests: ["FOOD"], regions: ["demo-harbor"]}}) { id } }"#;
        client.ask(save).await.ok();
        let definition = json!({"regions": ["demo-harbor"], "interests": ["food", "Food"]});
        let documents = [
            (
                "{ a: cohort(precision: FINEST,
                    definition: {regions: [\"demo-harbor\"], interests: [\"food\"]}) { behavior { release { \
                    id } } } }",
                json!({}),
            ),
            (
                "{ a: segment(precision: FINEST,
                    slug: \"mine\") { b: behavior(window: DAYS_28) { averageDwellMinutes { value } release { \
                    id } } } }",
                json!({}),
            ),
            (
                "query Q($d: SegmentDefinition!) { cohort(precision: FINEST,
                    definition: $d) { ...F } } fragment F on Segment { behavior \
                    { ...G } } fragment G on Behavior { release { id } }",
                json!({"d": definition}),
            ),
            (
                "query Q($i: [String!], $w: WindowLength = DAYS_28) { x: cohort(precision: FINEST,
                    definition: {interests: $i, regions: \
                    \"demo-harbor\"}) { ... on Segment { y: behavior(window: $w) { z: release { id } } } } }",
                json!({"i": ["food"]}),
            ),
            (
                "{ one: cohort(precision: FINEST,
                    definition: {regions: [\"demo-harbor\"], interests: [\"food\"]}) { behavior { release { \
                    id } } } two: segment(precision: FINEST,
                        slug: \"mine\") { behavior { release { id } } } segments(precision: FINEST) { nodes { behavior \
                        { release { id } } } } }",
                json!({}),
            ),
        ];
        let mut ids = BTreeSet::new();
        for (document, variables) in documents {
            let answer = client.ask_with(document, variables).await;
            answer.ok();
            let mut rest = answer.text.as_str();
            while let Some((_, after)) = rest.split_once("\"id\":\"") {
                ids.insert(after[..64].to_owned());
                rest = after;
            }
        }
        assert_eq!(ids.len(), 1, "{ids:?}");
        assert_eq!(app.noise.draws.load(Ordering::SeqCst), 2 * 5, "a size and a behavior, each in five steps");
        assert_eq!(app.charged(&format!("key:{}", client.key_id)).await, 120 + 310);
    }
}
