//! T9: values planted in the data, and the exact sums over it, appear in no output: answers, logs at the finest level,
//! metrics, errors, the schema, the request log, or the output of the operator's commands.

use std::{fmt::Write as _, process::Command};

use sea_orm::{ConnectionTrait as _, DatabaseConnection, EntityTrait as _};
use spots_enrichment::{
    domain::{
        clock::{DAY, parse_time},
        epoch::{Epoch, WindowLength},
        segment::Cohort,
    },
    engine::SqlEngine,
    ingest::{epoch_builder, import, progress::Progress},
    privacy::{
        Bundle,
        engine::{Engine as _, SumRequest},
    },
    storage::entity::{api_request_log, api_usage_day, audit_event, privacy_charge, privacy_release},
};

use crate::{
    app::{ALL, NOW, TestApp, TestDb, databases, exact_sums, folder},
    cli::binary,
    epoch_builder::{Files, MONDAY, OPTIONS},
    served::Served,
};

/// The planted values. None may appear in any output.
const SENTINELS: [&str; 5] = ["zebra-agent", "zebra-spot", "zebra-rare-interest", "zebra_rare_category", "0.123457"];

/// 400 people of the region `north` with planted ids, spots, rare vocabulary values and a planted score.
fn files() -> Files {
    let mut files = Files::default();
    for number in 0..400_i32 {
        let id = format!("zebra-agent-{number:03}");
        let mut dimensions = [0.123_457; 12];
        dimensions[usize::try_from(number % 12).unwrap()] = f64::from(number % 97) / 97.0;
        let rare = number < 40;
        let interests = if rare { "food|zebra-rare-interest" } else { "food" };
        files.person(&id, dimensions, interests, if rare { "bar|zebra_rare_category" } else { "bar" });
        for visit in 0..=number % 7 {
            let at = |minute: i32| format!("2020-05-{:02}T{:02}:{minute:02}:00Z", number % 28 + 1, visit + 8);
            files.visit(&id, &format!("zebra-spot-{}", number % 50), &at(number % 30), &at(number % 30 + 17));
        }
        for step in 1..=4 {
            files.tie(&id, &format!("zebra-agent-{:03}", (number + step) % 400), 0.123_457, "2020-05-20T00:00:00Z");
        }
    }
    files
}

/// The exact sums of a segment with at least seven digits, so that they do not appear by coincidence (a log line has
/// six digits of a second).
async fn exact(db: &DatabaseConnection, epoch: &Epoch) -> Vec<String> {
    let engine = SqlEngine::new(db.clone());
    let mut sums = Vec::new();
    for bundle in Bundle::ALL.into_iter().filter(|bundle| *bundle != Bundle::Size) {
        let cohort = Cohort { regions: vec!["north".to_owned()], ..Cohort::default() };
        let request = SumRequest { cohort: cohort.into(), window: epoch.window(WindowLength::Days28), bundle };
        let exact = engine.sums(&[request]).await.unwrap().remove(0);
        let values = exact_sums(exact, bundle);
        sums.extend(values.iter().map(|sum| sum.unsigned_abs().to_string()).filter(|sum| sum.len() >= 7));
    }
    assert!(sums.len() > 20, "{sums:?}");
    sums
}

/// All rows of the tables that the service writes about requests and releases.
async fn rows(db: &DatabaseConnection) -> String {
    format!(
        "{:?}{:?}{:?}{:?}{:?}",
        api_request_log::Entity::find().all(db).await.unwrap(),
        api_usage_day::Entity::find().all(db).await.unwrap(),
        audit_event::Entity::find().all(db).await.unwrap(),
        privacy_charge::Entity::find().all(db).await.unwrap(),
        privacy_release::Entity::find().all(db).await.unwrap(),
    )
}

fn said(command: &mut Command) -> String {
    let output = command.output().unwrap();
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[tokio::test]
async fn t9_nothing_planted_in_the_data_comes_out() {
    for on in databases() {
        let (database, db) = TestDb::migrated(on).await;
        let folder = folder("sentinels");
        files().write(&folder);
        import::folder(&db, &folder, &OPTIONS).await.unwrap();
        let monday = parse_time(MONDAY).unwrap();
        epoch_builder::build(&db, monday, monday + 10 * DAY, Progress::Hidden).await.unwrap();
        let epoch = spots_enrichment::storage::epochs::load_newest(&db, NOW).await.unwrap().unwrap();
        let exact = exact(&db, &epoch).await;
        let app = TestApp::over(database, NOW, 1).await;
        let client = app.client(&ALL).await;
        let (id, key) = (client.key_id.clone(), client.key.clone());
        let TestApp { database, .. } = app;

        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let server = Served::start(&database.url, |command| {
            command.args(["--log-level", "trace", "--metrics-addr", &port.to_string()]);
        });
        let mut seen = String::new();
        let dimensions =
            "dimensions { name mean { value sigma interval95 { low high } } p50 { value } histogram histogramOther }";
        let portrait = format!(
            "{{ cohort(precision: FINEST,
                definition: {{regions: [\"north\"]}}) {{ id definition {{ regions interests }} window {{ start \
                end }}
                size {{ value release {{ id }} }} 
                behavior {{ visitsPerPerson {{ value }} averageDwellMinutes {{ value }}
                communityEngagement {{ value }} timeSpent {{ short {{ value }} }}
                categories {{ group share {{ value }} }} }}
                personality {{ archetype archetypes {{ archetype share {{ value }} }} {dimensions} }}
                network {{ connectionsPerPerson {{ value }} density {{ value }} tieCompatibility {{ value }} }} }} }}"
        );
        // Errors repeat text of the query, so the queries contain only prefixes of the planted values.
        for document in [
            portrait.as_str(),
            "{ vocabulary { regions interests categories } viewer { usage { day units } privacyBudget { spent returns \
                { at } regions { region firstComeLeft } } } }",
            "{ cohort(precision: FINEST, definition: {interests: [\"zebra-rare-interes\"]}) { size { value } } }",
            "{ cohort(precision: FINEST,
                definition: {categories: [\"zebra_rare\"], regions: [\"north\"]}) { size { value } } }",
            "{ cohort(precision: FINEST, definition: {regions: [\"nort\"]}) { size { value } } }",
            "{ segment(precision: FINEST, slug: \"zebra-agen\") { size { value } } }",
            "{ cohort(precision: FINEST,
                definition: {regions: [\"north\"], age: {from: 65}}) { size { value } behavior { release { id } \
                } } }",
            "{ products { nodes { id title } } segments(search: \"zebra\") { nodes { slug } } }",
            "{ nonsense }",
            "{ __schema { types { name description fields { name args { name defaultValue } } } } }",
        ] {
            seen.push_str(&server.raw(&key, document));
        }
        let text = server.raw(&key, &portrait);
        assert!(text.contains("\"connectionsPerPerson\":{\"value\""), "the portrait must be answered: {text}");
        for path in ["/", "/metrics", "/healthz", "/readyz", "/docs/schema.graphql"] {
            for address in [server.address.as_str(), &port.to_string()] {
                seen.push_str(&get(address, path));
            }
        }
        let url = ["--database-url", database.url.as_str()];
        for arguments in [
            &["keys", "list"][..],
            &["keys", "usage", &id],
            &["keys", "show", &id],
            &["privacy", "report"],
            &["privacy", "report", "--json"],
            &["regions", "list"],
            &["epoch", "list"],
            &["schema"],
        ] {
            let url = if arguments == ["schema"] { &[][..] } else { &url[..] };
            seen.push_str(&said(binary(&folder).args(arguments).args(url)));
        }
        // A request that fails inside the server: its cause is written to the log.
        db.execute_unprepared("alter table agent_rollup rename to gone").await.unwrap();
        let broken =
            server.raw(&key, "{ cohort(precision: FINEST, definition: {interests: [\"food\"]}) { size { value } } }");
        assert!(broken.contains("INTERNAL_ERROR"), "{broken}");
        seen.push_str(&broken);
        server.wait_for("request failed");
        let logged = server.said();
        let _ = write!(seen, "{logged}{}", rows(&db).await);

        assert!(seen.contains("demo") || seen.contains("north"), "the collected output must not be empty");
        for planted in SENTINELS {
            let found = seen
                .match_indices(planted)
                .map(|(at, _)| seen[at.saturating_sub(60)..].chars().take(160).collect::<String>());
            assert_eq!(found.collect::<Vec<_>>(), Vec::<String>::new(), "{planted}");
        }
        for sum in exact {
            let whole = |at: usize| {
                let digit = |character: Option<char>| character.is_some_and(|character| character.is_ascii_digit());
                !digit(seen[..at].chars().next_back()) && !digit(seen[at + sum.len()..].chars().next())
            };
            assert!(!seen.match_indices(&sum).any(|(at, _)| whole(at)), "the exact sum {sum} appears in the output");
        }
    }
}

fn get(address: &str, path: &str) -> String {
    use std::io::{Read as _, Write as _};
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").as_bytes()).unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}
