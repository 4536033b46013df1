use serde_json::json;
use spots_enrichment::{
    domain::{
        scope::Scope,
        segment::{Definition, NewSegment},
    },
    storage::segments,
};

use crate::app::{ALL, On, TestApp, databases};

async fn share(app: &TestApp, slug: &str) {
    let input = NewSegment { slug: slug.to_owned(), name: format!("Shared {slug}"), definition: Definition::default() };
    segments::save(app.db(), None, input, crate::app::NOW).await.unwrap();
}

fn save(slug: &str, region: &str) -> String {
    format!(
        r#"mutation {{ saveSegment(input: {{slug: "{slug}", name: "Mine", definition: {{regions: ["{region}"]}}}}) {{
            slug shared definition {{ regions }} }} }}"#
    )
}

#[tokio::test]
async fn a_partner_saves_changes_and_deletes_only_its_own_segments() {
    for on in databases() {
        let app = TestApp::new(on).await;
        let (acme, other) = (app.client(&ALL).await, app.client_of("other", &ALL, 0).await);
        let saved = acme.ask(&save("mine", "demo-hills")).await;
        assert_eq!(
            saved.ok()["saveSegment"],
            json!({"slug": "mine", "shared": false, "definition": {"regions": ["demo-hills"]}})
        );
        let saved = acme.ask(&save("mine", "DEMO-LAKES")).await;
        assert_eq!(saved.ok()["saveSegment"]["definition"], json!({"regions": ["demo-lakes"]}));
        let by_slug = r#"{ segment(precision: FINEST, slug: "mine") { definition { regions } } }"#;
        assert_eq!(acme.ask(by_slug).await.ok()["segment"]["definition"], json!({"regions": ["demo-lakes"]}));
        assert_eq!(other.ask(by_slug).await.codes(), ["INVALID_SEGMENT"]);
        let delete = r#"mutation { deleteSegment(slug: "mine") }"#;
        assert_eq!(other.ask(delete).await.codes(), ["INVALID_SEGMENT"]);
        assert_eq!(acme.ask(delete).await.ok()["deleteSegment"], true);
        assert_eq!(acme.ask(by_slug).await.codes(), ["INVALID_SEGMENT"]);
    }
}

#[tokio::test]
async fn shared_segments_are_visible_to_every_partner_and_cannot_be_changed() {
    let app = TestApp::new(On::Sqlite).await;
    share(&app, "everybody").await;
    let acme = app.client(&[Scope::Behavior]).await;
    assert_eq!(
        acme.ask(
            r#"{ segment(precision: FINEST,
            slug: "everybody") { name shared } }"#
        )
        .await
        .ok()["segment"]["shared"],
        true
    );
    let answer = acme.ask(&save("everybody", "demo-hills")).await;
    assert_eq!(
        (answer.codes(), &answer.body["errors"][0]["extensions"]["field"]),
        (vec!["BAD_USER_INPUT"], &json!("slug"))
    );
    assert_eq!(acme.ask(r#"mutation { deleteSegment(slug: "everybody") }"#).await.codes(), ["INVALID_SEGMENT"]);
}

#[tokio::test]
async fn an_unknown_slug_is_answered_with_similar_ones() {
    let app = TestApp::new(On::Sqlite).await;
    for slug in ["harbor-adults", "harbor-youth", "hills"] {
        share(&app, slug).await;
    }
    let answer = app.client(&ALL).await.ask(r#"{ segment(precision: FINEST, slug: "harbor-adlts") { id } }"#).await;
    assert_eq!(answer.codes(), ["INVALID_SEGMENT"]);
    assert_eq!(answer.body["errors"][0]["extensions"]["suggestions"][0], "harbor-adults");
}

#[tokio::test]
async fn segments_are_paged_and_searched() {
    for on in databases() {
        let app = TestApp::new(on).await;
        let acme = app.client(&ALL).await;
        for slug in ["a-one", "b-two", "c-three", "d-four"] {
            share(&app, slug).await;
        }
        let first = acme
            .ask("{ segments(first: 3) { nodes { slug } pageInfo { hasNextPage hasPreviousPage endCursor } } }")
            .await;
        let page = &first.ok()["segments"];
        assert_eq!(page["nodes"], json!([{"slug": "a-one"}, {"slug": "b-two"}, {"slug": "c-three"}]));
        assert_eq!(
            (&page["pageInfo"]["hasNextPage"], &page["pageInfo"]["hasPreviousPage"]),
            (&json!(true), &json!(false))
        );
        let cursor = page["pageInfo"]["endCursor"].as_str().unwrap();
        let rest = acme
            .ask(&format!(
                r#"{{ segments(first: 3, after: "{cursor}") {{ nodes {{ slug }} pageInfo {{ hasNextPage }} }} }}"#
            ))
            .await;
        assert_eq!(rest.ok()["segments"], json!({"nodes": [{"slug": "d-four"}], "pageInfo": {"hasNextPage": false}}));
        let last = acme.ask("{ segments(last: 2) { nodes { slug } } }").await;
        assert_eq!(last.ok()["segments"]["nodes"], json!([{"slug": "c-three"}, {"slug": "d-four"}]));
        let search = acme.ask(r#"{ segments(search: "THREE") { nodes { slug } } }"#).await;
        assert_eq!(search.ok()["segments"]["nodes"], json!([{"slug": "c-three"}]));
        assert_eq!(
            acme.ask(r#"{ segments(search: "%_%") { nodes { slug } } }"#).await.ok()["segments"]["nodes"],
            json!([])
        );
        for (arguments, field) in
            [("first: 101", "first"), ("first: -1", "first"), ("last: 101", "last"), (r#"after: "x""#, "after")]
        {
            let answer = acme.ask(&format!("{{ segments({arguments}) {{ nodes {{ slug }} }} }}")).await;
            assert_eq!(answer.codes(), ["BAD_USER_INPUT"], "{arguments}");
            assert_eq!(answer.body["errors"][0]["extensions"]["field"], field);
        }
    }
}

#[tokio::test]
async fn the_error_of_an_invalid_definition_names_its_field() {
    let app = TestApp::new(On::Sqlite).await;
    let acme = app.client(&ALL).await;
    for (definition, field, hint) in [
        (r#"{regions: ["demo-harbour"]}"#, "definition.regions", "demo-harbor"),
        (r#"{interests: ["foood"]}"#, "definition.interests", "food"),
        (r#"{categories: ["x'; drop table agents; --"]}"#, "definition.categories", "not in the vocabulary"),
        ("{age: {from: 40, to: 20}}", "definition.age", "above"),
        ("{age: {to: 17}}", "definition.age", "18"),
    ] {
        let answer = acme
            .ask(&format!("{{ cohort(precision: FINEST, definition: {definition}) {{ size {{ value }} }} }}"))
            .await;
        assert_eq!(answer.codes(), ["BAD_USER_INPUT"], "{definition}");
        assert_eq!(answer.body["errors"][0]["extensions"]["field"], field);
        assert!(answer.body["errors"][0]["message"].as_str().unwrap().contains(hint), "{}", answer.text);
    }
    for (slug, name, field) in [("Mine!", "Mine", "slug"), ("m", "Mine", "slug"), ("mine", " ", "name")] {
        let query = format!(
            r#"mutation {{ saveSegment(input: {{slug: "{slug}", name: "{name}", definition: {{}}}}) {{ id }} }}"#
        );
        let answer = acme.ask(&query).await;
        assert_eq!(answer.codes(), ["BAD_USER_INPUT"], "{slug} {name}");
        assert_eq!(answer.body["errors"][0]["extensions"]["field"], field);
    }
}

/// PostgreSQL cannot store NUL in a text, so the server must reject it before a statement runs.
#[tokio::test]
async fn control_characters_are_rejected_like_other_invalid_values() {
    for on in databases() {
        let app = TestApp::new(on).await;
        let acme = app.client(&ALL).await;
        let nul = r"\u0000";
        for (query, code) in [
            (format!(r#"{{ segment(precision: FINEST, slug: "{nul}") {{ id }} }}"#), "INVALID_SEGMENT"),
            (format!(r#"{{ segments(search: "{nul}") {{ nodes {{ id }} }} }}"#), "BAD_USER_INPUT"),
            (r#"{ segments(after: "00") { nodes { id } } }"#.to_owned(), "BAD_USER_INPUT"),
            (format!(r#"{{ products(category: "{nul}") {{ nodes {{ id }} }} }}"#), "BAD_USER_INPUT"),
            (
                format!(r#"{{ cohort(precision: FINEST, definition: {{regions: ["{nul}"]}}) {{ id }} }}"#),
                "BAD_USER_INPUT",
            ),
            (format!(r#"mutation {{ deleteSegment(slug: "{nul}") }}"#), "INVALID_SEGMENT"),
        ] {
            assert_eq!(acme.ask(&query).await.codes(), [code], "{query}");
        }
    }
}

#[tokio::test]
async fn a_saved_segment_with_a_value_outside_the_vocabulary_can_be_listed_and_deleted() {
    let app = TestApp::new(On::Sqlite).await;
    let acme = app.client(&ALL).await;
    share(&app, "everybody").await;
    acme.ask(&save("mine", "demo-hills")).await.ok();
    let sql = r#"update market_segments set definition = '{"regions": ["atlantis"]}' where slug = 'mine'"#;
    sea_orm::ConnectionTrait::execute_unprepared(app.db(), sql).await.unwrap();
    let answer = acme.ask("{ segments { nodes { slug } } }").await;
    assert_eq!(answer.ok()["segments"]["nodes"], json!([{"slug": "everybody"}, {"slug": "mine"}]));
    let answer = acme
        .ask(
            r#"{ segment(precision: FINEST,
            slug: "mine") { size { value } } everybody: segment(precision: FINEST, slug: "everybody") { id } }"#,
        )
        .await;
    assert_eq!(answer.codes(), ["BAD_USER_INPUT"]);
    assert!(answer.data("/everybody/id").is_string());
    acme.ask(r#"mutation { deleteSegment(slug: "mine") }"#).await.ok();
}

#[tokio::test]
async fn concurrent_saves_of_one_slug_leave_one_segment() {
    for on in databases() {
        let app = TestApp::new(on).await;
        let acme = app.client(&ALL).await;
        let document = save("mine", "demo-hills");
        let answers = futures_util::future::join_all((0..20).map(|_| acme.ask(&document))).await;
        for answer in &answers {
            assert!(answer.codes().is_empty() || answer.codes() == ["UNAVAILABLE"], "{}", answer.text);
        }
        assert!(answers.iter().any(|answer| answer.codes().is_empty()));
        let mine = acme.ask("{ segments { nodes { slug } } }").await;
        assert_eq!(mine.ok()["segments"]["nodes"], json!([{"slug": "mine"}]));
    }
}

#[tokio::test]
async fn a_catalog_is_visible_only_to_its_partner() {
    let app = TestApp::new(On::Sqlite).await;
    let query = "{ products(first: 2) { nodes { id title price priceRange } pageInfo { hasNextPage } } }";
    // The synthetic catalog belongs to `other`.
    let own = app.client_of("other", &ALL, 0).await.ask(query).await;
    assert_eq!(own.ok()["products"]["nodes"].as_array().unwrap().len(), 2);
    assert_eq!(own.ok()["products"]["pageInfo"]["hasNextPage"], true);
    let foreign = app.client(&ALL).await.ask(query).await;
    assert_eq!(foreign.ok()["products"]["nodes"], json!([]));
}

/// Normalizing caches (Apollo, urql, Relay) store an object under its type and id.
#[tokio::test]
async fn ids_are_unique_per_entry_and_equal_definitions_have_equal_hashes() {
    let app = TestApp::new(On::Sqlite).await;
    share(&app, "everybody").await;
    share(&app, "all-people").await;
    let acme = app.client(&ALL).await;
    let list = acme.ask("{ segments { totalCount nodes { id definitionHash } } }").await;
    let list = list.ok()["segments"].clone();
    let cohort =
        acme.ask("{ cohort(precision: FINEST, definition: {}) { id definitionHash slug } }").await.ok()["cohort"]
            .clone();
    let (one, two) = (&list["nodes"][0], &list["nodes"][1]);
    assert_eq!(list["totalCount"], 2);
    assert!(one["id"] != two["id"] && cohort["id"] != one["id"] && cohort["id"] != two["id"], "{list} {cohort}");
    assert_eq!((&one["definitionHash"], &cohort["definitionHash"]), (&two["definitionHash"], &one["definitionHash"]));
    let again = acme.ask("{ cohort(precision: FINEST, definition: {age: {}, interests: []}) { id } }").await;
    assert_eq!(again.ok()["cohort"]["id"], cohort["id"]);
    // A saved segment keeps its id when its definition changes.
    let id = |answer: &serde_json::Value| answer["saveSegment"]["id"].clone();
    let save = |region: &str| save("mine", region).replace("slug shared", "id slug shared");
    let before = id(acme.ask(&save("demo-hills")).await.ok());
    assert_eq!(id(acme.ask(&save("demo-lakes")).await.ok()), before);
}

#[tokio::test]
async fn a_blank_form_places_no_restriction() {
    let app = TestApp::new(On::Sqlite).await;
    let acme = app.client(&ALL).await;
    let all = acme
        .ask("{ cohort(precision: FINEST, definition: {}) { definitionHash definition { ageBands } } }")
        .await
        .ok()
        .clone();
    assert_eq!(all["cohort"]["definition"]["ageBands"], json!([]));
    let query = "query($d: SegmentDefinition!) { cohort(precision: FINEST,
        definition: $d) { definitionHash definition { ageBands } } }";
    for definition in [
        json!({"age": {"from": null, "to": null}, "interests": [], "regions": null}),
        json!({"age": {}}),
        json!({"age": null, "categories": []}),
    ] {
        assert_eq!(acme.ask_with(query, json!({"d": definition})).await.ok(), &all, "{definition}");
    }
    if let Some(path) = crate::shared::folder("cases/06-blank-age.json") {
        let body: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let answer = acme.send(&[], body).await;
        assert_eq!(answer.ok()["cohort"]["definition"]["ageBands"], json!([]));
    }
}

#[tokio::test]
async fn one_bad_field_does_not_blank_the_others() {
    let app = TestApp::new(On::Sqlite).await;
    let acme = app.client(&ALL).await;
    let answer = acme
        .ask(
            r#"{ good: cohort(precision: FINEST, definition: {}) { slug } bad: cohort(precision: FINEST,
                definition: {regions: ["x"]}) { slug }
            products(first: 3, last: 3) { totalCount } quote(document: "{") { points } }"#,
        )
        .await;
    assert_eq!(answer.codes(), ["BAD_USER_INPUT", "BAD_USER_INPUT", "INVALID_REQUEST"]);
    assert_eq!(answer.body["data"], json!({"good": {"slug": null}, "bad": null, "products": null, "quote": null}));
    let answer = acme
        .ask(r#"{ cohorts(precision: FINEST, definitions: [{}, {regions: ["x"]}, {age: {from: 30}}]) { slug } }"#)
        .await;
    assert_eq!(answer.data("/cohorts"), &json!([{"slug": null}, null, {"slug": null}]));
    let error = &answer.body["errors"][0];
    assert_eq!(error["path"], json!(["cohorts", 1]));
    assert_eq!(error["extensions"]["field"], "definitions[1].regions");
    let many = vec!["{}"; 51].join(",");
    assert_eq!(
        acme.ask(&format!("{{ cohorts(precision: FINEST, definitions: [{many}]) {{ slug }} }}")).await.codes(),
        ["BAD_USER_INPUT"]
    );
}

#[tokio::test]
async fn a_page_has_one_direction_and_an_exact_cursor() {
    let app = TestApp::new(On::Sqlite).await;
    share(&app, "jay").await;
    let acme = app.client(&ALL).await;
    let cursor = "6a6179";
    for (arguments, field) in [
        ("first: 1, last: 1", "first"),
        ("first: 20, last: 1", "first"),
        (r#"after: """#, "after"),
        (r#"after: "6A6179""#, "after"),
        (r#"last: 1, before: """#, "before"),
        (r#"last: 1, after: "6a6179""#, "after"),
    ] {
        let answer = acme.ask(&format!("{{ segments({arguments}) {{ nodes {{ slug }} }} }}")).await;
        assert_eq!(answer.codes(), ["BAD_USER_INPUT"], "{arguments}");
        assert_eq!(answer.body["errors"][0]["extensions"]["field"], field, "{arguments}");
    }
    for arguments in ["last: 1", "first: null, last: 1", "first: 1", "first: 1, last: null"] {
        let answer = acme.ask(&format!("{{ segments({arguments}) {{ edges {{ cursor }} }} }}")).await;
        assert_eq!(answer.ok()["segments"]["edges"][0]["cursor"], cursor, "{arguments}");
    }
    let variables = json!({"first": 1, "last": 1});
    let query = "query($first: Int, $last: Int) { segments(first: $first, last: $last) { nodes { slug } } }";
    assert_eq!(acme.ask_with(query, variables).await.codes(), ["BAD_USER_INPUT"]);
    assert_eq!(acme.ask_with(query, json!({"last": 1})).await.ok()["segments"]["nodes"], json!([{"slug": "jay"}]));
}
