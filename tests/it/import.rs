use std::{
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
};

use flate2::{Compression, write::GzEncoder};
use sea_orm::{DatabaseConnection, EntityTrait as _, QueryOrder as _};
use spots_enrichment::{
    domain::{clock::parse_time, dimensions::Dimension},
    ingest::import::{self, Kind, Options, Report},
    storage::entity::{agent, connection, personality_profile, product, user_action},
};

use crate::{
    app::{On, TestDb, databases, folder},
    epoch_builder::OPTIONS,
};

const AGENTS: &str = "agent_id,region,age,interests,category_preferences,consent\n";
const VISITS: &str = "agent_id,action_type,spot_id,category,category_group,start_time,end_time\n";

fn file(name: &str, text: &str) -> PathBuf {
    let path = folder("import").join(name);
    fs::write(&path, text).unwrap();
    path
}

async fn load(db: &DatabaseConnection, kind: Kind, path: &Path) -> anyhow::Result<Report> {
    import::file(db, kind, path, &OPTIONS).await
}

async fn with_agents(on: On, ids: &[&str]) -> (TestDb, DatabaseConnection) {
    let (database, db) = TestDb::migrated(on).await;
    let rows = ids.join(",north,30,,,true\n") + ",north,30,,,true\n";
    load(&db, Kind::Agents, &file("agents.csv", &format!("{AGENTS}{rows}"))).await.unwrap();
    (database, db)
}

fn reasons(report: &Report) -> Vec<(u64, &str)> {
    report.rejects.iter().map(|reject| (reject.line, reject.reason.as_str())).collect()
}

#[tokio::test]
async fn an_unreadable_file_is_rejected_with_the_reason_and_nothing_is_stored() {
    let (_database, db) = with_agents(On::Sqlite, &["a"]).await;
    let error = |result: anyhow::Result<Report>| format!("{:#}", result.unwrap_err());

    let missing = error(load(&db, Kind::Visits, Path::new("/no/such/visits.csv")).await);
    assert!(missing.contains("cannot open /no/such/visits.csv"), "{missing}");
    let column = error(load(&db, Kind::Visits, &file("visits.csv", "agent_id,spot_id\na,s\n")).await);
    assert!(
        column.contains("the columns action_type, category, category_group, start_time, end_time are missing"),
        "{column}"
    );
    assert!(column.contains("the file has agent_id, spot_id"), "{column}");
    let kind = error(load(&db, Kind::Visits, &file("visits.xlsx", "")).await);
    assert!(kind.contains("ends in none of .csv, .csv.gz, .csv.zst, .ndjson,"), "{kind}");

    let mut zipped = GzEncoder::new(Vec::new(), Compression::default());
    write!(zipped, "{VISITS}").unwrap();
    for minute in 0..60_000 {
        let (hour, minute, day) = (minute / 60 % 24, minute % 60, minute / 1440 % 28 + 1);
        writeln!(zipped, "a,spot_visit,s{minute},bar,food,2020-01-{day:02}T{hour:02}:{minute:02}:00Z,").unwrap();
    }
    let mut zipped = zipped.finish().unwrap();
    zipped.truncate(zipped.len() / 2);
    let path = folder("import").join("visits.csv.gz");
    fs::write(&path, zipped).unwrap();
    let broken = error(load(&db, Kind::Visits, &path).await);
    assert!(broken.contains("is damaged after line") && broken.contains("nothing of"), "{broken}");
    assert_eq!(user_action::Entity::find().all(&db).await.unwrap().len(), 0, "rows before the damage are rolled back");

    let quote = error(
        load(
            &db,
            Kind::Agents,
            &file("agents.csv", &format!("{AGENTS}x,north,1,,,true\ny,\"north,1,,,true\nz,north,1,,,true\n")),
        )
        .await,
    );
    assert!(quote.contains("a quoted value in the row that begins in line 3 does not end"), "{quote}");
    assert_eq!(agent::Entity::find().all(&db).await.unwrap().len(), 1, "no row of the file was stored");

    let folder = error(import::folder(&db, Path::new("/no/such"), &OPTIONS).await.map(|mut found| found.remove(0)));
    assert!(folder.contains("there is no folder /no/such"), "{folder}");
}

#[tokio::test]
async fn invalid_rows_are_skipped_with_their_line_and_reason() {
    for on in databases() {
        let (_database, db) = with_agents(on, &["a", "b"]).await;
        let text = format!(
            "{AGENTS}c,north,abc,,,true\nd,north,200,,,true\n,north,1,,,true\ne,no rth,1,,,true\n\
             f,north,1,,,maybe\ng,north\nh,north,1,,,true\n"
        );
        let report = load(&db, Kind::Agents, &file("agents.csv", &text)).await.unwrap();
        assert_eq!(
            reasons(&report),
            [
                (2, "age: \"abc\" is not a number"),
                (3, "age: 200 is not between 0 and 130"),
                (4, "agent_id is empty"),
                (5, "region: \"no rth\" must be up to 64 letters, digits, - or _"),
                (6, "consent: \"maybe\" is neither true nor false"),
                (7, "2 values, but the header names 6 columns"),
            ]
        );
        let profile = |id: &str, first: &str| format!("{id},{first}{}\n", ",0.5".repeat(11));
        let header = format!("agent_id,{}\n", Dimension::ALL.map(Dimension::column).join(","));
        let text = format!(
            "{header}{}{}{}{}",
            profile("a", "-0.7"),
            profile("nobody", "0.5"),
            profile("b", "NaN"),
            profile("b", "0.25")
        );
        let report = load(&db, Kind::Personality, &file("personality.csv", &text)).await.unwrap();
        assert_eq!(
            reasons(&report),
            [
                (2, "exploration_eagerness: -0.7 is not between 0 and 1"),
                (3, "agent_id is not a known agent"),
                (4, "exploration_eagerness: NaN is not between 0 and 1"),
            ]
        );
        let stored = personality_profile::Entity::find().all(&db).await.unwrap();
        assert_eq!((stored.len(), stored[0].exploration_eagerness), (1, Some(0.25)));

        let text = format!(
            "{VISITS}a,spot_visit,s,bar,food,2020-13-01T00:00:00Z,\n\
                a,spot_visit,s,bar,food,2020-01-02T00:00:00Z,2020-01-01T00:00:00Z\n\
                nobody,spot_visit,s,bar,food,2020-01-01T00:00:00Z,\n\
                a,spot_visit,s,bar,food,2020-01-01T00:00:00Z,\n"
        );
        let report = load(&db, Kind::Visits, &file("visits.csv", &text)).await.unwrap();
        assert_eq!(
            reasons(&report),
            [
                (2, "start_time: \"2020-13-01T00:00:00Z\" is not a time like 2012-04-03T18:00:00Z"),
                (3, "end_time is before start_time"),
                (4, "agent_id is not a known agent"),
            ]
        );
        assert_eq!((report.read, report.new, report.updated), (4, 1, 0));

        let text = "agent_id_1,agent_id_2,compatibility,created_at\na,a,0.5,2020-01-01T00:00:00Z\n\
            a,nobody,0.5,2020-01-01T00:00:00Z\nb,a,1.5,2020-01-01T00:00:00Z\nb,a,0.5,2020-01-01T00:00:00Z\n";
        let report = load(&db, Kind::Connections, &file("connections.csv", text)).await.unwrap();
        assert_eq!(
            reasons(&report),
            [
                (2, "agent_id_1 and agent_id_2 are the same agent"),
                (3, "agent_id_1 or agent_id_2 is not a known agent"),
                (4, "compatibility: 1.5 is not between 0 and 1"),
            ]
        );
        let tie = connection::Entity::find().one(&db).await.unwrap().unwrap();
        assert_eq!((tie.agent_id_1.as_str(), tie.agent_id_2.as_str(), tie.kept), ("a", "b", true));
    }
}

#[tokio::test]
async fn line_numbers_do_not_depend_on_line_endings() {
    let (_database, db) = with_agents(On::Sqlite, &["a"]).await;
    let text = format!("{VISITS}a,spot_visit,s,bar,food,2020-01-01T00:00:00Z,\na,spot_visit,s,bar,food,soon,\n");
    for text in [text.clone(), text.replace('\n', "\r\n"), format!("\u{feff}{text}")] {
        let report = load(&db, Kind::Visits, &file("visits.csv", &text)).await.unwrap();
        assert_eq!(reasons(&report), [(3, "start_time: \"soon\" is not a time like 2012-04-03T18:00:00Z")]);
    }
}

#[tokio::test]
async fn importing_a_file_again_changes_nothing_and_a_dry_run_stores_nothing() {
    for on in databases() {
        let (_database, db) = with_agents(on, &["a"]).await;
        let text = format!(
            "{VISITS}a,spot_visit,s,bar,food,2020-01-01T00:00:00Z,2020-01-01T00:10:00Z\n\
                a,spot_visit,s,bar,food,2020-01-01T00:00:00Z,2020-01-01T00:20:00Z\n\
                a,spot_visit,t,bar,food,2020-01-02T00:00:00Z,\n"
        );
        let path = file("visits.csv", &text);
        let dry = Options { dry_run: true, ..OPTIONS };
        let report = import::file(&db, Kind::Visits, &path, &dry).await.unwrap();
        assert_eq!((report.read, report.rejected, report.is_stored), (3, 0, false));
        assert!(user_action::Entity::find().all(&db).await.unwrap().is_empty());
        load(&db, Kind::Visits, &path).await.unwrap();
        let once = user_action::Entity::find().order_by_asc(user_action::COLUMN.spot_id).all(&db).await.unwrap();
        assert_eq!(once[0].end_time, Some(parse_time("2020-01-01T00:20:00Z").unwrap()), "the last line is kept");
        let report = load(&db, Kind::Visits, &path).await.unwrap();
        assert_eq!((report.new, report.updated), (0, 3));
        let twice = user_action::Entity::find().order_by_asc(user_action::COLUMN.spot_id).all(&db).await.unwrap();
        assert_eq!(once, twice);
    }
}

#[tokio::test]
async fn the_choice_of_kept_ties_never_changes() {
    for on in databases() {
        let ids: Vec<String> = (0..14).map(|number| format!("p{number:02}")).collect();
        let (_database, db) = with_agents(on, &ids.iter().map(String::as_str).collect::<Vec<_>>()).await;
        let ties = |range: std::ops::Range<usize>| -> String {
            let rows: Vec<String> = range.map(|other| format!("p00,p{other:02},0.5,2020-01-01T00:00:00Z")).collect();
            format!("agent_id_1,agent_id_2,compatibility,created_at\n{}\n", rows.join("\n"))
        };
        let kept = async || {
            let ties = connection::Entity::find().order_by_asc(connection::COLUMN.agent_id_2).all(&db).await.unwrap();
            ties.iter().filter(|tie| tie.kept).map(|tie| tie.agent_id_2.clone()).collect::<Vec<_>>()
        };
        load(&db, Kind::Connections, &file("connections.csv", &ties(8..14))).await.unwrap();
        load(&db, Kind::Connections, &file("connections.csv", &ties(1..14))).await.unwrap();
        let expected = ["p01", "p02", "p03", "p04", "p08", "p09", "p10", "p11", "p12", "p13"];
        assert_eq!(kept().await, expected, "the six of the first file, and four more");
        load(&db, Kind::Connections, &file("connections.csv", &ties(1..14))).await.unwrap();
        assert_eq!(kept().await, expected);
    }
}

#[tokio::test]
async fn products_of_a_partner_are_imported_from_zstd() {
    for on in databases() {
        let (_database, db) = TestDb::migrated(on).await;
        let path = folder("import").join("products.csv.zst");
        let text = "product_id,title,category,subcategory,price,currency,rating,rating_count,price_range\n\
            p1,\"A title, with a comma\",books,,12.5,EUR,4.5,10,mid\np2,Cheap,books,,-1,EUR,4.5,10,mid\n\
                p3,Best,books,,1,EUR,7,10,mid\np4,,books,,1,EUR,1,10,mid\np5,Odd,books,,1,EUR,1,10,free\n";
        let mut encoder = zstd::Encoder::new(File::create(&path).unwrap(), 1).unwrap();
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap();
        let error = load(&db, Kind::Products, &path).await.unwrap_err();
        assert!(format!("{error:#}").contains("--partner"));
        let options = Options { partner: Some("acme".to_owned()), ..OPTIONS };
        let report = import::file(&db, Kind::Products, &path, &options).await.unwrap();
        assert_eq!(
            reasons(&report),
            [
                (3, "price: -1 is not between 0 and 1000000000000"),
                (4, "rating: 7 is not between 0 and 5"),
                (5, "title is empty"),
                (6, "price_range is not one of budget, mid, premium, luxury"),
            ]
        );
        let stored = product::Entity::find().all(&db).await.unwrap();
        assert_eq!((stored[0].partner_id.as_str(), stored[0].title.as_str()), ("acme", "A title, with a comma"));
        assert!(agent::Entity::find().all(&db).await.unwrap().is_empty());
    }
}
