//! States, compatibility, knots and implications through the API.

use std::sync::Arc;

use personality_math as math;
use personality_math::{Density, ProductVector, Weave};
use sea_orm::{EntityTrait as _, QueryFilter as _};
use serde_json::{Value, json};
use spots_enrichment::{domain::scope::Scope, storage::entity::agent_summary};

use crate::app::{ALL, On, Silence, TestApp, databases, means};

/// The dimensions of the qualifying people of a region in the 28-day window, from the per-agent summary rows.
async fn people(app: &TestApp, region: &str) -> Vec<[f64; 12]> {
    let rows = agent_summary::Entity::find()
        .filter(agent_summary::COLUMN.window_days.eq(28))
        .filter(agent_summary::COLUMN.region.eq(region))
        .all(app.db())
        .await
        .unwrap();
    let dimensions = |row: agent_summary::Model| means(&row).map(|u| 0.5 + f64::from(u) / 1e4);
    rows.into_iter().map(dimensions).collect()
}

fn near(released: &Value, expected: f64) {
    let value = released.as_f64().unwrap_or_else(|| panic!("not a number: {released}"));
    assert!((value - expected).abs() <= 0.000_06, "{value} is not {expected}");
}

#[tokio::test]
async fn without_noise_the_numbers_are_exact() {
    for on in databases() {
        let app = TestApp::with(on, |given| given.noise = Arc::new(Silence)).await;
        let client = app.client(&ALL).await;
        let answer = client
            .ask(
                r#"{ cohort(precision: FINEST, definition: {regions: ["demo-harbor"]}) {
                    all: compatibility(product: {
                        explorationEagerness: 0.9, communityOrientation: 0.2, authenticityPreference: 0.7,
                        socialDiscoveryStyle: 0.5, temporalFlexibility: 0.1, locationAdventurousness: 0.8,
                        curationTendency: 0.3, trustNetworkReliance: 0.6, energyPreference: 0.4, noveltySeeking: 1,
                        valueOrientation: 0, crowdTolerance: 0.55
                    }) { score { value interval95 { low high } } }
                    some: compatibility(product: {price: LUXURY, styles: ["Vintage", "steampunk"]}) {
                        score { value unit } ignored reasons contributions { dimension stated score { value } }
                    }
                    quantumState { purity { value } entropy { value unit } }
                    knot { braid strands components writhe determinant jones { text } alexander { text }
                        origin { dimensions quality correlations { first second value { value } } release { units } } }
                    compare(with: {regions: ["demo-hills"]}) {
                        fidelity { value } averageCompatibility { value } other { regions }
                    }
                } }"#,
            )
            .await;
        let cohort = &answer.ok()["cohort"];
        let (here, there) = (people(&app, "demo-harbor").await, people(&app, "demo-hills").await);
        assert!(here.len() > 500 && there.len() > 300);
        let mixture = |people: &[[f64; 12]]| {
            let states: Vec<_> = people.iter().map(math::person).collect();
            Density::mixture(&states).unwrap()
        };
        let (rho, other) = (mixture(&here), mixture(&there));

        let all = [0.9, 0.2, 0.7, 0.5, 0.1, 0.8, 0.3, 0.6, 0.4, 1.0, 0.0, 0.55];
        let squared_overlap = |x: &[f64; 12]| {
            let dot =
                |a: &[f64; 12], b: &[f64; 12]| 3.0 + a.iter().zip(b).map(|(a, b)| (a - 0.5) * (b - 0.5)).sum::<f64>();
            dot(x, &all).powi(2) / (dot(x, x) * dot(&all, &all))
        };
        let mean = here.iter().map(squared_overlap).sum::<f64>() / here.len() as f64;
        near(&cohort["all"]["score"]["value"], mean);

        // vintage: authenticity 0.85, novelty 0.3, curation 0.75; luxury: value 0.95.
        let mut stated = [None; 12];
        (stated[2], stated[6], stated[9], stated[10]) = (Some(0.85), Some(0.75), Some(0.3), Some(0.95));
        let product = ProductVector::new(stated).unwrap();
        let some = &cohort["some"];
        near(&some["score"]["value"], rho.compatibility(&product));
        assert_eq!((&some["score"]["unit"], &some["ignored"]), (&json!("OVERLAP"), &json!(["steampunk"])));
        let contributions = some["contributions"].as_array().unwrap();
        for (contribution, (k, name)) in contributions.iter().zip([
            (2, "AUTHENTICITY_PREFERENCE"),
            (6, "CURATION_TENDENCY"),
            (9, "NOVELTY_SEEKING"),
            (10, "VALUE_ORIENTATION"),
        ]) {
            assert_eq!((&contribution["dimension"], contribution["stated"].as_f64()), (&json!(name), stated[k]));
            near(&contribution["score"]["value"], rho.compatibility(&product.only(|other| other == k).unwrap()));
        }
        assert_eq!((contributions.len(), some["reasons"].as_array().unwrap().len()), (4, 2));

        near(&cohort["quantumState"]["purity"]["value"], rho.overlap(&rho));
        near(&cohort["quantumState"]["entropy"]["value"], math::entropy(rho.eigenvalues().iter().copied()));
        near(&cohort["compare"]["fidelity"]["value"], rho.fidelity(&other));
        near(&cohort["compare"]["averageCompatibility"]["value"], rho.overlap(&other));
        assert_eq!(cohort["compare"]["other"], json!({"regions": ["demo-hills"]}));

        let weave = Weave::new(&(0..12).collect::<Vec<_>>(), |i, j| rho.correlation(i, j));
        let knot = math::Knot::of(weave.braid.clone()).unwrap();
        let released = &cohort["knot"];
        assert_eq!(released["braid"], json!(weave.braid.letters()));
        assert!(released["braid"].as_array().unwrap().len() > 3, "{released}");
        assert_eq!(
            [&released["strands"], &released["components"], &released["writhe"], &released["determinant"]]
                .map(Value::as_i64),
            [8, i64::try_from(knot.components).unwrap(), knot.writhe, knot.determinant].map(Some)
        );
        assert_eq!(
            (&released["jones"]["text"], &released["alexander"]["text"]),
            (&json!(knot.jones.text()), &json!(knot.alexander.text()))
        );
        assert_eq!(released["origin"]["correlations"].as_array().unwrap().len(), weave.crossings.len());
        near(&released["origin"]["correlations"][0]["value"]["value"], weave.crossings[0].correlation);
    }
}

#[tokio::test]
async fn one_release_answers_all_state_fields_and_is_charged_once() {
    let app = TestApp::new(On::Sqlite).await;
    let client = app.client(&ALL).await;
    let document = r#"{ cohort(precision: FINEST, definition: {regions: ["demo-harbor"]}) {
        a: compatibility(product: {price: BUDGET}) { score { value interval95 { low high } quality }
            release { id units } }
        b: compatibility(product: {price: LUXURY, energyPreference: 0.9}) { score { value } release { id } }
        quantumState { purity { value } release { id } }
        knot { braid origin { release { id } } }
        knotCompatibility(product: {energyPreference: 0.9, noveltySeeking: 0.9, styles: ["odd"]}) {
            score jones alexander structure ignored release { id }
            segmentKnot { braid } productKnot { braid strands origin { quality } }
        }
        recommendations(first: 3) { nodes { product { id } score { value } release { id } } totalCount }
    } }"#;
    let quote = client.ask_with("query ($d: String!) { quote(document: $d) { units } }", json!({"d": document})).await;
    assert_eq!(quote.data("/quote/units"), &json!(1.0));
    let answer = client.ask(document).await;
    let cohort = &answer.ok()["cohort"];
    let id = &cohort["a"]["release"]["id"];
    for other in ["b", "quantumState", "knotCompatibility"] {
        assert_eq!(&cohort[other]["release"]["id"], id, "{other}");
    }
    assert_eq!((&cohort["knot"]["origin"]["release"]["id"], &cohort["a"]["release"]["units"]), (id, &json!(0.88)));
    // The partner has no products.
    assert_eq!(cohort["recommendations"], json!({"nodes": [], "totalCount": 0}));
    let likeness = &cohort["knotCompatibility"];
    assert_eq!((&likeness["ignored"], &likeness["productKnot"]["origin"]), (&json!(["odd"]), &Value::Null));
    // Both values are 0.4 above 0.5: 4 x 0.16 = 0.64, which is one generator, and its closure is the unknot.
    assert_eq!(likeness["productKnot"], json!({"braid": [1], "strands": 2, "origin": null}));
    assert_eq!(likeness["segmentKnot"]["braid"], cohort["knot"]["braid"]);
    let part = |name: &str| likeness[name].as_f64().unwrap();
    let score = 0.4 * part("jones") + 0.3 * part("alexander") + 0.3 * part("structure");
    assert!((part("score") - score).abs() < 2e-4, "{likeness}");
    let spent = client.ask("{ viewer { privacyBudget { spent } } }").await;
    assert_eq!(spent.data("/viewer/privacyBudget/spent"), &json!(1.0));
    assert_eq!(client.ask(document).await.body["data"], answer.body["data"], "a repeated document has the same answer");
    let spent = client.ask("{ viewer { privacyBudget { spent } } }").await;
    assert_eq!(spent.data("/viewer/privacyBudget/spent"), &json!(1.0));
}

#[tokio::test]
async fn a_comparison_releases_both_segments_at_once() {
    let app = TestApp::new(On::Sqlite).await;
    let compare = |with: &str| {
        format!(
            r#"{{ cohort(precision: FINEST, definition: {{regions: ["demo-harbor"]}}) {{ compare(with: {with}) {{
                fidelity {{ value interval95 {{ low high }} }} averageCompatibility {{ value }}
                release {{ id }} otherRelease {{ id }} }} }} }}"#
        )
    };
    let client = app.client(&ALL).await;
    let answer = client.ask(&compare(r#"{regions: ["demo-harbor"]}"#)).await;
    let same = &answer.ok()["cohort"]["compare"];
    assert_eq!((&same["fidelity"]["value"], &same["release"]), (&json!(1.0), &same["otherRelease"]));
    let answer = client.ask(&compare(r#"{regions: ["demo-hills"]}"#)).await;
    assert_ne!(answer.ok()["cohort"]["compare"]["release"], answer.ok()["cohort"]["compare"]["otherRelease"]);
    let spent = client.ask("{ viewer { privacyBudget { spent } } }").await;
    assert_eq!(spent.data("/viewer/privacyBudget/spent"), &json!(1.0));

    // A key whose budget covers only one of two segments of the same people is charged for neither.
    let poor = app.client_of("poor", &ALL, 1_500).await;
    let answer = poor.ask(&compare(r#"{regions: ["demo-harbor"], age: {to: 44}}"#)).await;
    assert_eq!(answer.codes(), ["PRIVACY_BUDGET_EXHAUSTED"]);
    let spent = poor.ask("{ viewer { privacyBudget { spent } } }").await;
    assert_eq!(spent.data("/viewer/privacyBudget/spent"), &json!(0.0));
    let wrong = client.ask(&compare(r#"{regions: ["nowhere"]}"#)).await;
    assert_eq!(
        (wrong.codes(), &wrong.body["errors"][0]["extensions"]["field"]),
        (vec!["BAD_USER_INPUT"], &json!("with.regions"))
    );
}

#[tokio::test]
async fn an_invalid_product_is_rejected_before_anything_is_charged() {
    let app = TestApp::new(On::Sqlite).await;
    let client = app.client(&ALL).await;
    for (product, field) in [
        ("{}", "product"),
        (r#"{styles: ["steampunk"]}"#, "product"),
        ("{energyPreference: 1.2}", "product.energyPreference"),
        (r#"{attributes: [{name: "novelty", value: -1}]}"#, "product.attributes"),
    ] {
        for ask in ["compatibility(product: P) { score { value } }", "knotCompatibility(product: P) { score }"] {
            let ask = ask.replace('P', product);
            let answer = client.ask(&format!("{{ cohort(precision: FINEST, definition: {{}}) {{ {ask} }} }}")).await;
            let error = &answer.body["errors"][0]["extensions"];
            assert_eq!((&error["code"], &error["field"]), (&json!("BAD_USER_INPUT"), &json!(field)), "{product}");
        }
    }
    for first in ["-1", "101"] {
        let ask = format!(
            "{{ cohort(precision: FINEST, definition: {{}}) {{ recommendations(first: {first}) {{ totalCount }} }} }}"
        );
        assert_eq!(client.ask(&ask).await.codes(), ["BAD_USER_INPUT"]);
    }
    let spent = client.ask("{ viewer { privacyBudget { spent } } }").await;
    assert_eq!(spent.data("/viewer/privacyBudget/spent"), &json!(0.0));
    // Too few people: as for any other bundle, only the size is charged.
    let few = client
        .ask(
            r#"{ cohort(precision: FINEST,
                definition: {regions: ["demo-coast"], age: {from: 65}}) { quantumState { purity { value } } }
            }"#,
        )
        .await;
    assert_eq!((few.codes(), few.data("/cohort/quantumState")), (vec!["INSUFFICIENT_DATA"], &Value::Null));
    let spent = client.ask("{ viewer { privacyBudget { spent } } }").await;
    assert_eq!(spent.data("/viewer/privacyBudget/spent"), &json!(0.12));
}

/// A vector of the knot table: lowest exponent, highest exponent, coefficients.
fn vector(text: &str) -> Vec<i64> {
    text.trim_matches(['[', ']']).split(',').map(|number| number.parse().unwrap()).collect()
}

#[tokio::test]
async fn all_knots_of_the_table_have_their_published_invariants() {
    let Some(file) = crate::shared::folder("data/knots.csv") else { return };
    let rows: Vec<std::collections::BTreeMap<String, String>> =
        csv::Reader::from_path(file).unwrap().deserialize().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 84);
    let app = TestApp::new(On::Sqlite).await;
    // No scope is needed, because the field holds nothing about people.
    let client = app.client(&[]).await;
    for rows in rows.chunks(12) {
        let fields = rows.iter().enumerate().map(|(number, row)| {
            format!(
                "k{number}: knot(braid: {}) {{ components arf determinant
                 jones {{ lowestExponent coefficients }} alexander {{ lowestExponent coefficients }} }}",
                row["braid"]
            )
        });
        let answer = client.ask(&format!("{{ {} }}", fields.collect::<Vec<_>>().join(" "))).await;
        for (number, row) in rows.iter().enumerate() {
            let knot = &answer.ok()[format!("k{number}")];
            for (name, column) in [("jones", "jones_vector"), ("alexander", "alexander_vector")] {
                let published = vector(&row[column]);
                assert_eq!(knot[name]["lowestExponent"], json!(published[0] as f64), "{} {name}", row["name"]);
                assert_eq!(knot[name]["coefficients"], json!(published[2..]), "{} {name}", row["name"]);
            }
            let number = |column: &str| json!(row[column].parse::<i64>().unwrap());
            assert_eq!(
                (&knot["components"], &knot["determinant"], &knot["arf"]),
                (&json!(1), &number("determinant"), &number("arf_invariant")),
                "{}",
                row["name"]
            );
        }
    }
}

#[tokio::test]
async fn braids_are_priced_by_their_length_and_invalid_ones_rejected() {
    let app = TestApp::new(On::Sqlite).await;
    let client = app.client(&[]).await;
    for (braid, points) in [("[]", 11), ("[1, 1, 1]", 17), ("1", 13)] {
        let answer = client.ask(&format!("{{ knot(braid: {braid}) {{ strands arf }} }}")).await;
        answer.ok();
        assert_eq!((answer.cost("requested"), answer.cost("actual")), (points, points), "{braid}");
    }
    let long = format!("[{}]", vec!["1"; 61].join(", "));
    for braid in ["[0]", "[1, 10]", "[-10]", "[2147483647]", "[-2147483648]", &long] {
        let answer = client.ask(&format!("{{ knot(braid: {braid}) {{ strands }} }}")).await;
        let error = &answer.body["errors"][0]["extensions"];
        assert_eq!((&error["code"], &error["field"]), (&json!("BAD_USER_INPUT"), &json!("braid")), "{}", answer.text);
    }
    for strands in ["3", "11", "-1"] {
        let answer = client.ask(&format!("{{ knot(braid: [1, 3], strands: {strands}) {{ strands }} }}")).await;
        assert_eq!(answer.body["errors"][0]["extensions"]["field"], "strands", "{}", answer.text);
    }
    let apart =
        client.ask("{ knot(braid: [1], strands: 3) { strands components jones { text } alexander { text } } }").await;
    assert_eq!(
        apart.ok()["knot"],
        json!({"strands": 3, "components": 2, "jones": {"text": "-t^(-1/2) - t^(1/2)"}, "alexander": {"text": "0"}})
    );
    // Twenty knots of 60 crossings cost more than one document may.
    let braid = vec!["1"; 60].join(",");
    let many: Vec<String> = (0..20).map(|k| format!("k{k}: knot(braid: [{braid}]) {{ strands }}")).collect();
    assert_eq!(client.ask(&format!("{{ {} }}", many.join(" "))).await.codes(), ["QUERY_TOO_COSTLY"]);

    // A coefficient that does not fit into an Int is in the text, not truncated.
    let weaving: Vec<i32> = (0..60).map(|k| if k % 9 % 2 == 0 { k % 9 + 1 } else { -(k % 9 + 1) }).collect();
    let ask = |fields: &str| format!("{{ knot(braid: {weaving:?}) {{ {fields} }} }}");
    let answer = client.ask(&ask("jones { text } determinant")).await;
    if answer.codes().is_empty() {
        assert!(answer.ok()["knot"]["determinant"].as_i64().unwrap() > 1_000_000);
    } else {
        assert_eq!(answer.codes(), ["BAD_USER_INPUT"]);
    }
    assert!(client.ask(&ask("jones { text }")).await.ok()["knot"]["jones"]["text"].as_str().unwrap().len() > 100);
}

const IMPLICATIONS: &str = "implications {
    prefersQualityOverPrice { verdict rule inputs { name value { value interval95 { low high } } } }
    valuesCommunityProducts { verdict rule inputs { name value { value interval95 { low high } } } }
    likelyToReturnPurchase { value { value interval95 { low high } } rule inputs { name value { value } } }
    decisionFactors { quality { value } communityEndorsement { value } price { value } rule inputs { name } }
}";

#[tokio::test]
async fn implications_show_their_inputs_and_follow_from_them() {
    for on in databases() {
        let app = TestApp::new(on).await;
        let client = app.client(&ALL).await;
        let document = format!(
            "{{ cohort(precision: FINEST, definition: {{age: {{to: 54}}}}) {{
                behavior {{ returnVisitRate {{ value }} communityEngagement {{ value }} {IMPLICATIONS} }}
                personality {{ dimensions {{ name mean {{ value }} }} }}
                network {{ connectionsPerPerson {{ value }} implications {{
                    respondsToCommunityEndorsements {{
                        verdict rule inputs {{ name value {{ value interval95 {{ low high }} }} }} }}
                    likelyToSharePurchases {{ verdict rule inputs {{ name value {{ value }} }} }}
                    influencerPotential {{ verdict rule }}
                    strategies {{ communityEndorsement {{ verdict rule }} earlyAdopterProgram {{ verdict rule }}
                        socialProof {{ verdict rule }} influencerPartnership {{ verdict rule }} }}
                }} }}
            }} }}"
        );
        let quote =
            client.ask_with("query ($d: String!) { quote(document: $d) { units } }", json!({"d": document})).await;
        // Size, behavior, personality and network of the segment; size and behavior of its region.
        assert_eq!(quote.data("/quote/units"), &json!(0.12 + 0.31 + 0.5 + 0.3 + 0.43));
        let answer = client.ask(&document).await;
        let cohort = &answer.ok()["cohort"];
        let spent = client.ask("{ viewer { privacyBudget { spent } } }").await;
        assert_eq!(spent.data("/viewer/privacyBudget/spent"), quote.data("/quote/units"));

        let implications = &cohort["behavior"]["implications"];
        let quality = &implications["prefersQualityOverPrice"];
        let dimension = |k: usize| &cohort["personality"]["dimensions"][k]["mean"]["value"];
        assert_eq!(&quality["inputs"][0]["value"]["value"], dimension(10));
        assert_eq!(quality["inputs"][1]["value"]["value"], cohort["behavior"]["returnVisitRate"]["value"]);
        let verdict = |input: &Value, threshold: f64| {
            let (low, high) = (&input["value"]["interval95"]["low"], &input["value"]["interval95"]["high"]);
            match (low.as_f64().unwrap() > threshold, high.as_f64().unwrap() <= threshold) {
                (true, _) => "YES",
                (_, true) => "NO",
                _ => "UNCERTAIN",
            }
        };
        let or = match (verdict(&quality["inputs"][0], 0.6), verdict(&quality["inputs"][1], 0.6)) {
            ("YES", _) | (_, "YES") => "YES",
            ("NO", "NO") => "NO",
            _ => "UNCERTAIN",
        };
        assert_eq!(quality["verdict"], or, "{quality}");

        let community = &implications["valuesCommunityProducts"]["inputs"];
        assert_eq!(&community[0]["value"]["value"], dimension(1));
        assert_eq!(community[1]["value"]["value"], cohort["behavior"]["communityEngagement"]["value"]);
        let value = |k: usize| community[k]["value"]["value"].as_f64().unwrap();
        assert!((value(1) - value(2) - value(3)).abs() < 2e-4, "{community}");

        let back = &implications["likelyToReturnPurchase"];
        let rate = cohort["behavior"]["returnVisitRate"]["value"].as_f64().unwrap();
        assert!((back["value"]["value"].as_f64().unwrap() - 0.9 * rate).abs() < 1e-4, "{back}");

        let factors = &implications["decisionFactors"];
        let weight = |name: &str| factors[name]["value"].as_f64().unwrap();
        assert!((weight("quality") + weight("price") + weight("communityEndorsement") - 1.0).abs() < 2e-4, "{factors}");
        let (v, c) = (
            dimension(10).as_f64().unwrap(),
            f64::midpoint(dimension(1).as_f64().unwrap(), dimension(7).as_f64().unwrap()),
        );
        assert!((weight("quality") - v / (1.0 + c)).abs() < 2e-4, "{factors}");

        let marketing = &cohort["network"]["implications"];
        let inputs = &marketing["respondsToCommunityEndorsements"]["inputs"];
        assert_eq!(inputs[1]["value"]["value"], cohort["network"]["connectionsPerPerson"]["value"]);
        let both = match (verdict(&inputs[0], 2.0 / 3.0), verdict(&inputs[1], 2.0)) {
            ("YES", "YES") => "YES",
            ("NO", _) | (_, "NO") => "NO",
            _ => "UNCERTAIN",
        };
        assert_eq!(marketing["respondsToCommunityEndorsements"]["verdict"], both);
        assert_eq!(marketing["strategies"]["communityEndorsement"]["verdict"], both);
        assert_eq!(
            marketing["strategies"]["socialProof"]["rule"],
            "connectionsPerPerson > 2, and viralPotential > 1/2"
        );
    }
}

#[tokio::test]
async fn implications_release_only_what_they_need_and_the_scopes_allow() {
    let app = TestApp::new(On::Sqlite).await;
    let ask = |field: &str| {
        format!(
            "{{ cohort(precision: FINEST,
                definition: {{age: {{to: 54}}}}) {{ behavior {{ implications {{ {field} }} }} }} }}"
        )
    };
    let spent = async |client: &crate::app::Client<'_>| {
        client.ask("{ viewer { privacyBudget { spent } } }").await.data("/viewer/privacyBudget/spent").clone()
    };
    let client = app.client(&[Scope::Behavior]).await;
    client.ask(&ask("likelyToReturnPurchase { value { value } }")).await.ok();
    assert_eq!(spent(&client).await, json!(0.43));
    for field in
        ["prefersQualityOverPrice { verdict }", "valuesCommunityProducts { verdict }", "decisionFactors { rule }"]
    {
        assert_eq!(client.ask(&ask(field)).await.codes(), ["FORBIDDEN"]);
    }
    assert_eq!(spent(&client).await, json!(0.43));

    let both = app.client(&[Scope::Behavior, Scope::Personality]).await;
    both.ask(&ask("decisionFactors { rule }")).await.ok();
    assert_eq!(spent(&both).await, json!(0.93));
    both.ask(&ask("valuesCommunityProducts { verdict }")).await.ok();
    assert_eq!(spent(&both).await, json!(1.36));
    // A cohort of all people is compared with itself: no other release is needed, and it is not above itself.
    let whole = "{ cohort(precision: FINEST, definition: {}) { behavior { implications {
        valuesCommunityProducts { verdict inputs { name value { value } } } } } } }";
    let answer = both.ask(whole).await;
    let community = &answer.ok()["cohort"]["behavior"]["implications"]["valuesCommunityProducts"];
    assert_eq!((&community["verdict"], &community["inputs"][3]["value"]["value"]), (&json!("NO"), &json!(0.0)));
    // The behavior of all people was released already, because the segment above was compared with it.
    assert_eq!(spent(&both).await, json!(1.36 + 0.5));

    // The document is admitted as a whole: 0.43 + 0.5 would fit, another 0.43 does not.
    let poor = app.client_of("poor", &ALL, 1_000).await;
    assert_eq!(poor.ask(&ask("valuesCommunityProducts { verdict }")).await.codes(), ["PRIVACY_BUDGET_EXHAUSTED"]);
    assert_eq!(spent(&poor).await, json!(0.0));
}

/// A segment that is nearly its whole region. The requested segment is shown, and its comparison is withheld, because
/// the two violate the minimum difference.
#[tokio::test]
async fn a_requested_segment_takes_precedence_over_its_comparison() {
    for on in databases() {
        let app = TestApp::new(on).await;
        let client = app.client(&ALL).await;
        // All but the people of unknown age.
        let answer = client
            .ask(
                "{ cohort(precision: FINEST, definition: {age: {from: 18}}) { size { value } behavior {
                 visitsPerPerson { value } implications { valuesCommunityProducts { verdict } } } } }",
            )
            .await;
        assert!(
            answer.data("/cohort/size/value").is_number()
                && answer.data("/cohort/behavior/visitsPerPerson/value").is_number()
        );
        let error = &answer.body["errors"][0];
        assert_eq!(
            (&error["path"][3], &error["extensions"]["reason"], answer.codes().len()),
            (&json!("valuesCommunityProducts"), &json!("MIN_DIFFERENCE"), 1),
            "{}",
            answer.text
        );
    }
}

/// Recomputes the worked example of `docs/personality.md` from its people and its product.
#[test]
fn the_worked_example_of_the_documents_is_correct() {
    let document = include_str!("../../docs/personality.md");
    let (_, rest) = document.split_once("<!-- example: begin -->").unwrap();
    let (table, _) = rest.split_once("<!-- example: end -->").unwrap();
    let documented = |name: &str| -> f64 {
        let row =
            table.lines().find(|line| line.starts_with(&format!("| {name} |"))).unwrap_or_else(|| panic!("{name}"));
        row.split('|').nth(2).unwrap().trim().parse().unwrap()
    };
    let (mut ann, mut ben) = ([0.5; 12], [0.5; 12]);
    (ann[10], ben[10], ben[9]) = (0.9, 0.3, 0.8);
    let (ann, ben) = (math::person(&ann), math::person(&ben));
    let rho = Density::mixture([&ann, &ben]).unwrap();
    let mut stated = [None; 12];
    (stated[9], stated[10]) = (Some(0.9), Some(0.75));
    let product = ProductVector::new(stated).unwrap();
    let alone = Density::mixture([&ann]).unwrap();
    for (name, value) in [
        ("compatibility", rho.compatibility(&product)),
        ("contribution of value_orientation", rho.compatibility(&product.only(|k| k == 10).unwrap())),
        ("contribution of novelty_seeking", rho.compatibility(&product.only(|k| k == 9).unwrap())),
        ("purity", rho.overlap(&rho)),
        ("overlap of Ann and Ben", ann.dot(&ben).powi(2)),
        ("fidelity of the pair with Ann alone", rho.fidelity(&alone)),
    ] {
        assert!((documented(name) - value).abs() < 0.000_051, "{name}: {} in the document, {value}", documented(name));
    }
    assert!((rho.correlation(9, 10) + 1.0).abs() < 1e-9);
}
