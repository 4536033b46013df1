//! Products: how partners fill their catalog, and how it is ranked.

use std::io::Write as _;

use sea_orm::{EntityTrait as _, QueryFilter as _};
use serde_json::{Value, json};
use spots_enrichment::{
    domain::{clock::parse_time, dimensions::Dimension, key::Limits, scope::Scope},
    ingest::{
        epoch_builder,
        import::{self, Kind, Options},
        progress::Progress,
    },
    storage::entity::{partner, product},
};

use spots_enrichment::storage::products::parse_state;

use crate::{
    app::{ALL, Client, KEY_CAP_MILLIUNITS, NOW, On, TestApp, TestDb, databases, folder, new_york},
    epoch_builder::{Files, MONDAY},
};

const UPSERT: &str = "mutation ($input: [ProductInput!]!) { upsertProducts(input: $input) {
    created updated ignored errors { index id code field message } } }";

async fn upsert(client: &Client<'_>, input: Value) -> Value {
    client.ask_with(UPSERT, json!({"input": input})).await.ok()["upsertProducts"].clone()
}

#[tokio::test]
async fn an_invalid_product_is_reported_by_its_index_and_the_rest_is_stored() {
    for on in databases() {
        let app = TestApp::new(on).await;
        let client = app.client(&ALL).await;
        let megabyte = "x".repeat(1 << 20);
        let input = json!([
            {"id": "lamp", "title": "Lamp", "price": 12.5, "currency": "EUR", "rating": 4.5, "ratingCount": 12,
             "category": "home", "state": {"price": "MID", "styles": ["cozy", "steampunk"], "features": ["handmade"],
             "attributes": [{"name": "energyLevel", "value": 0.2}, {"name": "sweetness", "value": 0.1}]}},
            {"id": "lamp", "title": "Another lamp"},
            {"id": "debt", "title": "Debt", "price": -1},
            {"id": "star", "title": "Star", "rating": 7},
            {"id": "void", "title": "   "},
            {"id": "long", "title": megabyte},
            {"id": "", "title": "Nameless"},
            {"id": "euro", "title": "Euro", "currency": "euro"},
            {"id": "far", "title": "Far", "state": {"valueOrientation": 3}},
            {"id": "chair", "title": "Chair"},
        ]);
        let result = upsert(&client, input.clone()).await;
        assert_eq!((&result["created"], &result["updated"]), (&json!(2), &json!(0)));
        assert_eq!(result["ignored"], json!(["steampunk", "sweetness"]));
        let errors: Vec<(u64, &str, &str, &str)> = result["errors"]
            .as_array()
            .unwrap()
            .iter()
            .map(|error| {
                let text = |name: &str| error[name].as_str().unwrap();
                (error["index"].as_u64().unwrap(), text("id"), text("code"), text("field"))
            })
            .collect();
        assert_eq!(
            errors,
            [
                (1, "lamp", "BAD_USER_INPUT", "id"),
                (2, "debt", "BAD_USER_INPUT", "price"),
                (3, "star", "BAD_USER_INPUT", "rating"),
                (4, "void", "BAD_USER_INPUT", "title"),
                (5, "long", "BAD_USER_INPUT", "title"),
                (6, "", "BAD_USER_INPUT", "id"),
                (7, "euro", "BAD_USER_INPUT", "currency"),
                (8, "far", "BAD_USER_INPUT", "state.valueOrientation"),
            ]
        );
        // Sending the same input again changes nothing.
        let products = "{ products { nodes { id title category price currency rating ratingCount priceRange styles
            features states { dimension value source } } } }";
        let before = client.ask(products).await.ok().clone();
        let again = upsert(&client, input).await;
        assert_eq!((&again["created"], &again["updated"]), (&json!(0), &json!(2)));
        assert_eq!(client.ask(products).await.ok(), &before);
        assert_eq!(
            before["products"]["nodes"][1],
            json!({"id": "lamp", "title": "Lamp", "category": "home", "price": 12.5, "currency": "EUR", "rating": 4.5,
            "ratingCount": 12, "priceRange": "mid", "styles": ["cozy"], "features": ["handmade"],
            "states": [
                {"dimension": "AUTHENTICITY_PREFERENCE", "value": 0.9, "source": "FEATURE"},
                {"dimension": "ENERGY_PREFERENCE", "value": 0.2, "source": "PERSONALITY"},
                {"dimension": "VALUE_ORIENTATION", "value": 0.45, "source": "PRICE"},
                {"dimension": "CROWD_TOLERANCE", "value": 0.25, "source": "STYLE"},
            ]})
        );
        // A known id is overwritten; omitted fields are cleared.
        upsert(&client, json!([{"id": "lamp", "title": "New lamp"}])).await;
        let nodes = client.ask("{ products { nodes { title price states { value } } } }").await;
        assert_eq!(nodes.data("/products/nodes/1"), &json!({"title": "New lamp", "price": null, "states": []}));
        let stored = product::Entity::find().filter(product::COLUMN.partner_id.eq("acme")).all(app.db()).await.unwrap();
        assert_eq!(stored.len(), 2);
    }
}

#[tokio::test]
async fn five_hundred_products_fit_and_one_more_does_not() {
    let app = TestApp::new(On::Sqlite).await;
    let client = app.client(&ALL).await;
    let product = |number: usize| json!({"id": format!("p{number:03}"), "title": "T".repeat(400), "rating": 4});
    let input: Vec<Value> = (0..501).map(product).collect();
    let answer = client.ask_with(UPSERT, json!({"input": input})).await;
    let error = &answer.body["errors"][0]["extensions"];
    assert_eq!((&error["code"], &error["field"]), (&json!("BAD_USER_INPUT"), &json!("input")), "{}", answer.text);
    assert_eq!(client.ask("{ products { nodes { id } } }").await.data("/products/nodes"), &json!([]));
    let answer = client.ask_with(UPSERT, json!({"input": input[..500]})).await;
    assert_eq!(answer.data("/upsertProducts/created"), &json!(500), "{}", answer.text);
    // 10 points and half a point for each product; the points for possible errors are returned.
    assert_eq!((answer.cost("requested"), answer.cost("actual")), (10 + 250 + 1 + 500, 10 + 250 + 1));

    let delete = "mutation ($ids: [String!]!) { deleteProducts(ids: $ids) }";
    let ids = |from: usize, to: usize| json!({"ids": (from..to).map(|k| format!("p{k:03}")).collect::<Vec<_>>()});
    assert_eq!(client.ask_with(delete, ids(0, 501)).await.codes(), ["BAD_USER_INPUT"]);
    app.clock.advance_s(60);
    let answer = client.ask_with(delete, ids(490, 990)).await;
    assert_eq!((answer.data("/deleteProducts"), answer.cost("actual")), (&json!(10), 260));
    assert_eq!(
        client.ask_with(delete, json!({"ids": ["a\u{0}b", "nothing"]})).await.data("/deleteProducts"),
        &json!(0)
    );
    // A mutation that changes nothing makes no new version of the catalog.
    let version = async || partner::Entity::find_by_id("acme").one(app.db()).await.unwrap().unwrap().catalog_version;
    let before = version().await;
    client.ask_with(delete, json!({"ids": []})).await.ok();
    client.ask_with(delete, json!({"ids": ["nothing"]})).await.ok();
    upsert(&client, json!([{"id": "", "title": "Nameless"}])).await;
    assert_eq!(version().await, before);
    assert_eq!(client.ask_with(delete, json!({"ids": ["  p000 "]})).await.data("/deleteProducts"), &json!(1));
    assert_eq!(version().await, before + 1);
    let left = client.ask("{ products(last: 1) { nodes { id } } }").await;
    assert_eq!(left.data("/products/nodes/0/id"), &json!("p489"));
}

#[tokio::test]
async fn only_a_key_that_may_send_products_may_send_long_bodies() {
    let app = TestApp::new(On::Sqlite).await;
    let long = json!({"input": [{"id": "p", "title": "x".repeat(300_000)}]});
    let catalog = app.client(&[Scope::Catalog]).await;
    assert_eq!(catalog.ask_with(UPSERT, long.clone()).await.data("/upsertProducts/errors/0/field"), &json!("title"));
    let behavior = app.client(&[Scope::Behavior]).await;
    assert_eq!(behavior.ask_with(UPSERT, long).await.codes(), ["DOCUMENT_TOO_LARGE"]);
    let document = format!("{{ __typename {} }}", " ".repeat(300_000));
    assert_eq!(catalog.ask(&document).await.codes(), ["DOCUMENT_TOO_LARGE"]);
    // A document that could not be sent cannot be quoted either.
    let quote = json!({"d": document});
    let answer = catalog.ask_with("query ($d: String!) { quote(document: $d) { points } }", quote).await;
    assert_eq!(answer.codes(), ["DOCUMENT_TOO_LARGE"]);
    let huge = json!({"input": [{"id": "p", "title": "x".repeat(2 << 20)}]});
    let answer = catalog.ask_with(UPSERT, huge).await;
    assert_eq!(
        (answer.codes(), &answer.body["errors"][0]["extensions"]["limit"]),
        (vec!["DOCUMENT_TOO_LARGE"], &json!(2 << 20))
    );
}

/// Aliases cost no points, but their values have a size: a document whose answer could exceed 4 MiB is rejected before
/// it is executed.
#[tokio::test]
async fn many_aliases_of_long_texts_are_rejected() {
    let app = TestApp::new(On::Sqlite).await;
    let client = app.client(&[Scope::Catalog]).await;
    let names = |many: usize| (0..many).map(|k| format!("a{k}: title")).collect::<Vec<_>>().join(" ");
    let ask = |many: usize| format!("{{ products(first: 100) {{ nodes {{ {} }} }} }}", names(many));
    client.ask(&ask(15)).await.ok();
    assert_eq!(client.ask(&ask(25)).await.codes(), ["DOCUMENT_TOO_COMPLEX"]);
}

const RECOMMEND: &str = r#"{ cohort(precision: FINEST,
    definition: {regions: ["demo-harbor"]}) { recommendations { nodes {
    product { id } score { value } reasons release { units }
    breakdown { style { value } price { value } feature { value } personality { value } } } } } }"#;

#[tokio::test]
async fn recommendations_contain_only_the_partners_products_and_follow_every_change() {
    for on in databases() {
        let app = TestApp::new(on).await;
        let (acme, other) = (app.client(&ALL).await, app.client_of("rival", &ALL, KEY_CAP_MILLIUNITS).await);
        upsert(
            &acme,
            json!([
                {"id": "plain", "title": "States nothing"},
                {"id": "a", "title": "A", "state": {"price": "MID", "styles": ["vintage"], "features": ["quiet"],
                    "noveltySeeking": 0.4}},
                {"id": "b", "title": "B", "rating": 3, "state": {"price": "MID"}},
                {"id": "c", "title": "C", "rating": 4, "state": {"price": "MID"}},
            ]),
        )
        .await;
        let answer = acme.ask(RECOMMEND).await;
        let ranked = answer.ok()["cohort"]["recommendations"]["nodes"].as_array().unwrap().clone();
        let ids = |ranked: &[Value]| -> Vec<String> {
            ranked.iter().map(|one| one["product"]["id"].as_str().unwrap().to_owned()).collect()
        };
        // A product that states nothing is not ranked. Equal scores are ordered by rating.
        let found = ids(&ranked);
        assert_eq!(found.len(), 3, "{found:?}");
        assert!(found.iter().position(|id| id == "c") < found.iter().position(|id| id == "b"), "{found:?}");
        let full = ranked.iter().find(|one| one["product"]["id"] == "a").unwrap();
        assert!(full["breakdown"].as_object().unwrap().values().all(|part| part["value"].is_number()), "{full}");
        assert_eq!(full["reasons"].as_array().unwrap().len(), 2);
        let price = ranked.iter().find(|one| one["product"]["id"] == "b").unwrap();
        assert_eq!(price["breakdown"]["price"]["value"], price["score"]["value"]);
        assert_eq!(price["breakdown"]["style"], Value::Null);
        // `compatibility` gives the same score for the same state.
        let same = acme
            .ask(
                r#"{ cohort(precision: FINEST,
                    definition: {regions: ["demo-harbor"]}) { compatibility(product: {price: MID}) { score {
                value } } } }"#,
            )
            .await;
        assert_eq!(same.data("/cohort/compatibility/score/value"), &price["score"]["value"]);

        assert_eq!(other.ask(RECOMMEND).await.ok()["cohort"]["recommendations"]["nodes"], json!([]));
        // A product that one server deletes disappears on the other.
        let second = TestApp::second_on(&app.database.url).await;
        let there = second.client_from(&acme.key_id, &acme.key);
        assert_eq!(
            ids(there.ask(RECOMMEND).await.ok()["cohort"]["recommendations"]["nodes"].as_array().unwrap()),
            found
        );
        acme.ask(r#"mutation { deleteProducts(ids: ["c"]) }"#).await.ok();
        let left = there.ask(RECOMMEND).await;
        assert!(!ids(left.ok()["cohort"]["recommendations"]["nodes"].as_array().unwrap()).contains(&"c".to_owned()));
        let theirs = other.ask(r#"mutation { deleteProducts(ids: ["a", "b"]) }"#).await;
        assert_eq!(theirs.ok()["deleteProducts"], 0, "another partner's products cannot be deleted");
    }
}

/// 600 people with a value orientation of 0.05 and 600 with 0.95. The noise of a score is 0.05 here, and the
/// differences between the bands are larger.
#[tokio::test]
async fn a_price_band_moves_the_score_towards_what_people_value() {
    let (database, db) = TestDb::migrated(On::Sqlite).await;
    let (folder, mut files) = (folder("bands"), Files::default());
    for number in 0..1_200 {
        let id = format!("p{number:04}");
        let mut dimensions = [0.5; 12];
        dimensions[10] = if number % 2 == 0 { 0.05 } else { 0.95 };
        files.person(&id, dimensions, if number % 2 == 0 { "thrift" } else { "splurge" }, "bar");
        files.visit(&id, "spot", "2020-05-20T10:00:00Z", "2020-05-20T11:00:00Z");
    }
    files.write(&folder);
    let options = Options::DEFAULT;
    import::folder(&db, &folder, &options).await.unwrap();
    epoch_builder::build(&db, parse_time(MONDAY).unwrap(), NOW, Progress::Hidden).await.unwrap();
    let app = TestApp::over(database, NOW, 1).await;
    let client = app.client(&ALL).await;
    for (interest, best_first) in [("thrift", false), ("splurge", true)] {
        let mut scores = Vec::new();
        for band in ["BUDGET", "MID", "PREMIUM", "LUXURY"] {
            upsert(&client, json!([{"id": "p", "title": "P", "state": {"price": band}}])).await;
            let ask = format!(
                "{{ cohort(precision: FINEST,
                    definition: {{interests: [\"{interest}\"]}}) {{ recommendations {{ nodes {{ \
                    score {{ value }} }} }} }} }}"
            );
            let answer = client.ask(&ask).await;
            scores.push(answer.ok()["cohort"]["recommendations"]["nodes"][0]["score"]["value"].as_f64().unwrap());
        }
        let rising = scores.is_sorted_by(|a, b| if best_first { a < b } else { a > b });
        assert!(rising && (scores[3] - scores[0]).abs() > 0.5, "{interest}: {scores:?}");
    }
}

#[tokio::test]
async fn the_products_of_new_york_are_ranked_only_for_their_partner() {
    for on in databases() {
        let Some(database) = new_york(on).await else { return };
        let app = TestApp::over(database, NOW, 1).await;
        let limits = Limits { max_query_points: 100_000, points_per_minute: 100_000, ..Limits::DEFAULT };
        let client = app.client_with("shop", &ALL, KEY_CAP_MILLIUNITS, limits).await;
        let ask = |more: &str| {
            format!(
                "{{ cohort(precision: FINEST, definition: {{}}) {{ recommendations(first: 100{more}) {{ nodes {{
                 product {{ id category rating priceRange }} score {{ value }} reasons }} }} }} }}"
            )
        };
        let answer = client.ask(&ask("")).await;
        let ranked = answer.ok()["cohort"]["recommendations"]["nodes"].as_array().unwrap();
        assert_eq!(ranked.len(), 100);
        let catalog = app.state.services.catalogs.find("shop").await.unwrap();
        assert_eq!(catalog.0.len(), 1_351, "all of them have a price band");
        let order = |one: &Value| {
            let number = |value: &Value| value.as_f64().unwrap_or(-1.0);
            (-number(&one["score"]["value"]), -number(&one["product"]["rating"]), one["product"]["id"].to_string())
        };
        assert!(ranked.windows(2).all(|pair| order(&pair[0]) <= order(&pair[1])));
        // All products of the best band come before those of other bands, so the whole catalog was ranked.
        let best = ranked[0]["product"]["priceRange"].as_str().unwrap();
        let of_band = product::Entity::find()
            .filter(product::COLUMN.partner_id.eq("shop"))
            .filter(product::COLUMN.price_range.eq(best))
            .all(app.db())
            .await
            .unwrap();
        let mut ratings: Vec<f64> = of_band.iter().map(|row| row.rating.unwrap_or(-1.0)).collect();
        ratings.sort_by(|a, b| b.total_cmp(a));
        let shown: Vec<f64> = ranked.iter().map(|one| one["product"]["rating"].as_f64().unwrap_or(-1.0)).collect();
        assert_eq!(shown, ratings[..100]);

        let category = ranked[0]["product"]["category"].as_str().unwrap();
        let only = client.ask(&ask(&format!(", category: \"{category}\""))).await;
        let only = only.ok()["cohort"]["recommendations"]["nodes"].as_array().unwrap();
        assert!(!only.is_empty() && only.iter().all(|one| one["product"]["category"] == category));

        let stranger = app.client_with("stranger", &ALL, KEY_CAP_MILLIUNITS, limits).await;
        assert_eq!(stranger.ask(&ask("")).await.ok()["cohort"]["recommendations"]["nodes"], json!([]));
        assert_eq!(stranger.ask("{ products { nodes { id } } }").await.data("/products/nodes"), &json!([]));
        let without = app.client_with("shop", &[Scope::Personality], KEY_CAP_MILLIUNITS, limits).await;
        assert_eq!(without.ask(&ask("")).await.codes(), ["FORBIDDEN"]);
    }
}

#[tokio::test]
async fn a_file_may_state_styles_features_attributes_and_dimensions() {
    for on in databases() {
        let (_database, db) = TestDb::migrated(on).await;
        let path = folder("catalog").join("products.csv");
        let mut file = std::fs::File::create(&path).unwrap();
        file.write_all(
            b"product_id,title,category,subcategory,price,currency,rating,rating_count,price_range,\
              styles,features,energy_level,novelty_seeking\n\
              p1,Good,books,,12.5,EUR,4.5,10,mid,vintage|cozy,handmade,0.9,0.1\n\
              p2,Bad number,books,,12.5,EUR,4.5,10,mid,,,1.9,\n\
              p3,Bad currency,books,,12.5,euro,4.5,10,mid,,,,\n\
              p4,Nothing,books,,,,,,,,,,\n",
        )
        .unwrap();
        let options = Options { partner: Some("acme".to_owned()), ..Options::DEFAULT };
        let report = import::file(&db, Kind::Products, &path, &options).await.unwrap();
        let rejects: Vec<(u64, &str)> = report.rejects.iter().map(|one| (one.line, one.reason.as_str())).collect();
        assert_eq!(
            rejects,
            [
                (3, "energy_level: 1.9 is not between 0 and 1"),
                (4, "currency: must be three capital letters, such as EUR."),
            ]
        );
        let stored = product::Entity::find().all(&db).await.unwrap();
        let state = parse_state(stored[0].price_range.as_deref(), &stored[0].stated).unwrap();
        assert_eq!(state.dimensions()[Dimension::NoveltySeeking], Some(0.1));
        let stated: Vec<(usize, f64)> = state.resolve().unwrap().vector.stated().collect();
        assert_eq!(stated, [(2, 0.9), (6, 0.75), (8, 0.9), (9, 0.1), (10, 0.45), (11, 0.25)]);
        assert!(parse_state(stored[1].price_range.as_deref(), &stored[1].stated).unwrap().resolve().is_none());
    }
}

#[tokio::test]
async fn recommendations_are_paged_in_both_directions() {
    let app = TestApp::new(On::Sqlite).await;
    let acme = app.client(&ALL).await;
    let products: Vec<Value> = (0..7)
        .map(|number| {
            json!({"id": format!("p{number}"), "title": "P", "state": {"valueOrientation": f64::from(number) / 7.0}})
        })
        .collect();
    upsert(&acme, json!(products)).await;
    let page = async |arguments: &str| {
        let ask = format!(
            "{{ cohort(precision: FINEST, definition: {{}}) {{ recommendations{arguments} {{ totalCount
             pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }}
             edges {{ cursor node {{ product {{ id }} }} }} }} }} }}"
        );
        acme.ask(&ask).await.ok()["cohort"]["recommendations"].clone()
    };
    let ids = |page: &Value| -> Vec<String> {
        let edges = page["edges"].as_array().unwrap();
        edges.iter().map(|edge| edge["node"]["product"]["id"].as_str().unwrap().to_owned()).collect()
    };
    let all = ids(&page("").await);
    assert_eq!(all.len(), 7);
    let (mut forward, mut after) = (Vec::new(), String::new());
    loop {
        let found = page(&format!("(first: 3{after})")).await;
        assert_eq!(found["totalCount"], 7);
        forward.extend(ids(&found));
        if found["pageInfo"]["hasNextPage"] == false {
            break;
        }
        after = format!(", after: {}", found["pageInfo"]["endCursor"]);
    }
    assert_eq!(forward, all);
    let last = page("(last: 2)").await;
    assert_eq!(ids(&last), all[5..]);
    let before = page(&format!("(last: 4, before: {})", last["pageInfo"]["startCursor"])).await;
    assert_eq!((ids(&before), &before["pageInfo"]["hasPreviousPage"]), (all[1..5].to_vec(), &json!(true)));
    for cursor in ["\"70\"", "\"\"", "\"2D31\""] {
        let ask = format!(
            "{{ cohort(precision: FINEST, definition: {{}}) {{ recommendations(after: {cursor}) {{ totalCount }} }} }}"
        );
        assert_eq!(acme.ask(&ask).await.codes(), ["BAD_USER_INPUT"], "{cursor}");
    }
}
