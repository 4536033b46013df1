//! Files as users have them: with columns of their own, of many parts, damaged, on another scale, with people who were
//! erased. Inputs of `../shared/cases` and others of the same kinds.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use flate2::{Compression, write::GzEncoder};
use sea_orm::{DatabaseConnection, EntityTrait as _, PaginatorTrait as _, QueryOrder as _};
use spots_enrichment::{
    ingest::{
        epoch_builder, erasure,
        import::{self, Kind, MaxRejects, Options, Report, Source},
        progress::Progress,
    },
    storage::{
        entity::{agent, personality_profile, product, user_action},
        import_runs,
    },
};

use crate::{
    app::{On, TestDb, databases, folder},
    cli::{binary, run},
    epoch_builder::OPTIONS,
    shared,
};

const AGENTS: &str = "agent_id,region,age,interests,category_preferences,consent\n";
const VISITS: &str = "agent_id,action_type,spot_id,category,category_group,start_time,end_time\n";
const PRODUCTS: &str = "product_id,title,category,subcategory,price,currency,rating,rating_count,price_range\n";

fn write(name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
    let path = folder("import_files").join(name);
    fs::write(&path, bytes).unwrap();
    path
}

/// The text of numbered rows.
fn rows(numbers: std::ops::Range<usize>, row: impl Fn(usize) -> String) -> String {
    numbers.map(|number| row(number) + "\n").collect()
}

/// Loads a file with a partner, and returns its report and the error.
async fn load(db: &DatabaseConnection, kind: Kind, path: &Path, options: Options) -> (Report, Option<String>) {
    let options = Options { partner: Some("acme".to_owned()), ..options };
    let mut reports = Vec::new();
    let loaded = import::run(db, &[Source::new(kind, path.to_owned()).unwrap()], &options, &mut reports).await;
    (reports.pop().unwrap(), loaded.err().map(|error| format!("{error:#}")))
}

fn reasons(report: &Report) -> Vec<(u64, &str)> {
    report.rejects.iter().map(|reject| (reject.line, reject.reason.as_str())).collect()
}

async fn regions(db: &DatabaseConnection) -> Vec<(String, Option<String>, String)> {
    let agents = agent::Entity::find().order_by_asc(agent::COLUMN.agent_id).all(db).await.unwrap();
    agents.into_iter().map(|agent| (agent.agent_id, agent.region, agent.interests)).collect()
}

#[tokio::test]
async fn columns_of_others_are_ignored_whatever_they_hold() {
    let (_database, db) = TestDb::migrated(On::Sqlite).await;
    for (name, rows, stored) in [
        ("cases/02-nested-extra.ndjson", 3, 3),
        ("cases/02-nested-extra-all-rows.ndjson", 1, 1),
        ("cases/02-nested-extra.parquet", 5, 4),
        ("cases/08-newline-in-ignored-column.csv", 2, 2),
        ("cases/08-newline-in-title.csv", 2, 1),
    ] {
        let Some(path) = shared::folder(name) else { return };
        let (report, error) = load(&db, Kind::Products, &path, OPTIONS).await;
        let is_stored = report.read - report.rejected;
        assert_eq!((report.read, is_stored, error), (rows, stored, None), "{name}: {:?}", report.rejects);
    }
    let deep = format!("{}1{}", "[".repeat(300), "]".repeat(300));
    let row = |more: &str| {
        format!(
            "{{\"product_id\":\"n1\",\"title\":\"Lamp\",\"category\":null,\"subcategory\":null,\"price\":1,\
             \"currency\":\"EUR\",\"rating\":null,\"rating_count\":null,\"price_range\":null,{more}}}\n"
        )
    };
    for more in [format!("\"deep\":{deep}"), "\"map\":{\"a\":{\"b\":[{}]}}".to_owned(), "\"n\":1e400".to_owned()] {
        let (report, error) = load(&db, Kind::Products, &write("products.jsonl", row(&more)), OPTIONS).await;
        assert_eq!((report.read, report.rejected, error), (1, 0, None), "{more}: {:?}", report.rejects);
    }
    // Bytes that are not UTF-8, and a long value, in columns of others.
    let mut csv =
        b"agent_id,region,age,interests,category_preferences,consent,note\na,north,30,,,true,\xff\xfe\n".to_vec();
    csv.extend(format!("b,north,30,,,true,\"{}\"\n", "x\n".repeat(200_000)).bytes());
    csv.extend(b"c,north,30,,,true,\n");
    let (report, error) = load(&db, Kind::Agents, &write("agents.csv", csv), OPTIONS).await;
    assert_eq!((report.read, report.rejected, error), (3, 0, None), "{:?}", report.rejects);
}

#[tokio::test]
async fn identifiers_are_exact_or_the_row_is_rejected() {
    let (_database, db) = TestDb::migrated(On::Sqlite).await;
    let line = |id: &str| {
        format!(
            "{{\"agent_id\":{id},\"region\":\"north\",\"age\":30.0,\"interests\":null,\"category_preferences\":[],\
             \"consent\":true}}\n"
        )
    };
    let ids = ["12345678901234567890123", "-7", "\"007\"", "1.0", "1e3", "true", "{}", "[1]", "\"NULL\"", "\" \""];
    let text: String = ids.into_iter().map(line).collect();
    let (report, error) = load(&db, Kind::Agents, &write("agents.json", text), OPTIONS).await;
    assert_eq!(error, None);
    let stored: Vec<String> = regions(&db).await.into_iter().map(|(id, ..)| id).collect();
    assert_eq!(stored, ["-7", "007", "12345678901234567890123"]);
    assert_eq!(
        reasons(&report),
        [
            (4, "agent_id: \"1.0\" is not an integer; write identifiers as text, so that they stay exact"),
            (5, "agent_id: \"1e3\" is not an integer; write identifiers as text, so that they stay exact"),
            (6, "agent_id is a boolean; an identifier is a text or an integer"),
            (7, "agent_id is an object; an identifier is a text or an integer"),
            (8, "agent_id is a list; an identifier is a text or an integer"),
            (9, "agent_id: \"NULL\" means that it is unknown"),
            (10, "agent_id is empty"),
        ]
    );
    assert!(report.rejects[0].row.starts_with("{\"agent_id\":1.0,"), "{:?}", report.rejects[0]);
}

#[tokio::test]
async fn words_for_unknown_are_unknown_and_a_bad_item_of_a_list_does_not_lose_the_person() {
    let (_database, db) = TestDb::migrated(On::Sqlite).await;
    let text = format!(
        "{AGENTS}a,NULL,n/a,food|live music|None|art,bar,true\nb,unknown,-,\"salsa, bachata\",\\N,yes\n\
         c,North,NaT,,,true\n"
    );
    let (report, error) = load(&db, Kind::Agents, &write("agents.csv", text), OPTIONS).await;
    assert_eq!((report.rejected, error), (0, None), "{:?}", report.rejects);
    let row = |id: &str, region: Option<&str>, interests: &str| {
        (id.to_owned(), region.map(str::to_owned), interests.to_owned())
    };
    assert_eq!(regions(&db).await, [row("a", None, "food|art"), row("b", None, ""), row("c", Some("north"), "")]);
    let warnings: Vec<&str> = report.warnings.keys().map(String::as_str).collect();
    for warning in [
        "region: \"NULL\" counts as unknown",
        "region: \"unknown\" counts as unknown",
        "age: \"n/a\" counts as unknown",
        "interests: \"live music\" is left out; a term has up to 64 letters, digits, - or _",
        "interests: \"salsa, bachata\" is left out; a term has up to 64 letters, digits, - or _",
    ] {
        assert!(warnings.contains(&warning), "{warning}: {warnings:?}");
    }
}

#[tokio::test]
async fn line_breaks_blank_lines_and_padding_are_part_of_files() {
    let (_database, db) = TestDb::migrated(On::Sqlite).await;
    let rows = "a,\"north\",30,\"food\n|art\",,true\r\nb,south,31,,,true\r\n\r\n  \r\n,,,,,\r\n\n";
    let (report, error) = load(&db, Kind::Agents, &write("agents.csv", format!("\n{AGENTS}{rows}")), OPTIONS).await;
    assert_eq!((report.read, report.rejected, error), (2, 0, None), "{:?}", report.rejects);

    let zip = |text: &str| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    };
    // Two members, and zeros up to the end of a block.
    let mut bytes = [zip(AGENTS), zip("c,north,30,,,true\n")].concat();
    bytes.resize(bytes.len().next_multiple_of(10_240), 0);
    let (report, error) = load(&db, Kind::Agents, &write("agents.csv.gz", &bytes), OPTIONS).await;
    assert_eq!((report.read, report.new, error), (1, 1, None));
    bytes.push(b'x');
    let (_, error) = load(&db, Kind::Agents, &write("agents.csv.gz", &bytes), OPTIONS).await;
    assert!(error.unwrap().contains("is damaged after line"));
}

#[tokio::test]
async fn a_value_without_end_is_an_error_and_a_long_one_a_reject() {
    let (_database, db) = TestDb::migrated(On::Sqlite).await;
    let open = format!("{AGENTS}a,north,30,,,true\nb,\"north,30,,,true\n{}", "c,north,30,,,true\n".repeat(50_000));
    let (_, error) = load(&db, Kind::Agents, &write("agents.csv", open), OPTIONS).await;
    assert!(error.unwrap().contains("a quoted value in the row that begins in line 3 does not end"));
    assert_eq!(agent::Entity::find().count(&db).await.unwrap(), 0);
    let long = format!("{AGENTS}a,\"{}\",30,,,true\nb,north,30,,,true\n", "n".repeat(70_000));
    let (report, error) = load(&db, Kind::Agents, &write("agents.csv", long), OPTIONS).await;
    assert_eq!((reasons(&report), error), (vec![(2, "region is longer than 65536 bytes")], None));
    assert!(report.rejects[0].row.len() <= 2_000);
    let utf16: Vec<u8> = [0xff, 0xfe].into_iter().chain(AGENTS.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    let (_, error) = load(&db, Kind::Agents, &write("agents.csv", utf16), OPTIONS).await;
    assert!(error.unwrap().contains("UTF-16"));
    for (bytes, expected) in
        [(&b"PK\x03\x04\0\0"[..], "spreadsheet"), (b"\x1f\x8b\x08\0", ".csv.gz"), (b"PK", "missing")]
    {
        let (_, error) = load(&db, Kind::Agents, &write("agents.csv", bytes), OPTIONS).await;
        assert!(error.unwrap().contains(expected));
    }
    let semicolons = AGENTS.replace(',', ";");
    let (_, error) = load(&db, Kind::Agents, &write("agents.csv", semicolons), OPTIONS).await;
    assert!(error.unwrap().contains("the values must be separated by commas"));
    let twice = AGENTS.replace("consent", "consent,Consent");
    let (_, error) = load(&db, Kind::Agents, &write("agents.csv", twice), OPTIONS).await;
    assert!(error.unwrap().contains("the column consent occurs twice"));
}

#[tokio::test]
async fn a_file_of_many_rejects_is_not_stored_and_its_rejects_are_reported() {
    for on in databases() {
        let (_database, db) = TestDb::migrated(on).await;
        let bad = |number: usize| rows(0..number, |row| format!("r{row},north,thirty,,,true"));
        let good = rows(0..200, |row| format!("g{row},north,30,,,true"));
        let with = |number: usize| write("agents.csv", format!("{AGENTS}{good}{}", bad(number)));
        let options = |max_rejects| Options { max_rejects, ..OPTIONS };
        let (report, error) = load(&db, Kind::Agents, &with(30), OPTIONS).await;
        let error = error.unwrap();
        assert!(error.contains("30 of 230 rows were rejected, and at most 11 are tolerated"), "{error}");
        assert_eq!((report.rejected, report.rejects.len(), report.is_stored), (30, 30, false));
        assert_eq!(report.rejects[0].row, "r0,north,thirty,,,true");
        assert_eq!(agent::Entity::find().count(&db).await.unwrap(), 0);
        for (number, max) in [(30, MaxRejects::Rows(30)), (10, MaxRejects::Default), (30, MaxRejects::Percent(14.0))] {
            let (report, error) = load(&db, Kind::Agents, &with(number), options(max)).await;
            assert_eq!((report.rejected, error), (number as u64, None), "{max:?}");
        }
        for (number, max) in [(1, MaxRejects::Rows(0)), (12, MaxRejects::Default), (3, MaxRejects::Percent(1.0))] {
            assert!(load(&db, Kind::Agents, &with(number), options(max)).await.1.is_some(), "{max:?}");
        }
        if let Some(path) = shared::folder("cases/18-mostly-rejects.csv") {
            assert!(load(&db, Kind::Agents, &path, OPTIONS).await.1.unwrap().contains("2000 of 2001 rows"));
        }
    }
}

#[tokio::test]
async fn another_scale_is_refused_or_converted() {
    let (_database, db) = TestDb::migrated(On::Sqlite).await;
    let text = format!("{AGENTS}a,north,30,,,true\nb,north,30,,,true\n");
    load(&db, Kind::Agents, &write("agents.csv", text), OPTIONS).await;
    let header = personality_header();
    let answers = |id: &str, value: &str| format!("{id}{}\n", format!(",{value}").repeat(12));
    for (text, says) in [
        (format!("{header}{}{}", answers("a", "1"), answers("b", "4")), "pass it with --scale"),
        (format!("{header}{}{}", answers("a", "1"), answers("b", "7")), "pass it with --scale"),
        (format!("{header}{}{}", answers("a", "62.5"), answers("b", "1")), "pass it with --scale"),
    ] {
        let options = Options { max_rejects: MaxRejects::Percent(100.0), ..OPTIONS };
        let (_, error) = load(&db, Kind::Personality, &write("personality.csv", &text), options).await;
        assert!(error.unwrap().contains(says), "{text}");
        assert_eq!(personality_profile::Entity::find().count(&db).await.unwrap(), 0);
    }
    let text = format!("{header}{}{}{}", answers("a", "1"), answers("b", "4"), answers("b", "6"));
    let options = Options { scale: Some("1-5".parse().unwrap()), ..OPTIONS };
    let (report, error) = load(&db, Kind::Personality, &write("personality.csv", text), options).await;
    assert_eq!((reasons(&report), error), (vec![(4, "exploration_eagerness: 6 is not between 1 and 5")], None));
    let profiles = personality_profile::Entity::find().all(&db).await.unwrap();
    let stored: Vec<_> = profiles.iter().map(|profile| profile.crowd_tolerance).collect();
    assert_eq!(stored, [Some(0.0), Some(0.75)]);
}

fn personality_header() -> String {
    use spots_enrichment::domain::dimensions::Dimension;
    format!("agent_id,{}\n", Dimension::ALL.map(Dimension::column).join(","))
}

#[tokio::test]
async fn folders_of_parts_and_names_of_other_case_are_loaded_or_named() {
    let (_database, db) = TestDb::migrated(On::Sqlite).await;
    let dir = folder("import_files");
    let row = |id: &str| format!("{id},north,30,,,true\n");
    fs::create_dir_all(dir.join("agents.csv/region=north")).unwrap();
    fs::write(dir.join("agents.csv/part-00000.csv"), format!("{AGENTS}{}", row("a"))).unwrap();
    fs::write(dir.join("agents.csv/region=north/part-00001.c000.csv"), format!("{AGENTS}{}", row("b"))).unwrap();
    fs::write(dir.join("agents.csv/.part-00000.csv.crc"), "x").unwrap();
    fs::write(dir.join("agents.csv/_SUCCESS"), "").unwrap();
    fs::write(dir.join("Agents-new.CSV"), format!("{}{}", AGENTS.to_uppercase(), row("c"))).unwrap();
    fs::write(dir.join("spots.csv"), "spot_id\n").unwrap();
    let found = import::find(&dir).unwrap();
    assert_eq!(found.left_out, ["spots.csv"]);
    let reports = import::folder(&db, &dir, &OPTIONS).await.unwrap();
    assert_eq!(reports.iter().map(|report| report.read).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(regions(&db).await.len(), 3);
    for name in ["visits.xlsx", "visit.csv", "personalty.csv.gz", "connections/notes.txt"] {
        let path = dir.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, "").unwrap();
        let error = import::find(&dir).unwrap_err().to_string();
        assert!(error.contains(name), "{name}: {error}");
        if path.parent() == Some(&dir) {
            fs::remove_file(path).unwrap();
        } else {
            fs::remove_dir_all(path.parent().unwrap()).unwrap();
        }
    }
    if let Some(cases) = shared::folder("cases/03-folder") {
        let (mut reports, sources) = (Vec::new(), import::find(&cases).unwrap().sources);
        let error = import::run(&db, &sources, &OPTIONS, &mut reports).await.unwrap_err();
        assert_eq!(
            reports.iter().map(|report| report.kind).collect::<Vec<_>>(),
            [Kind::Agents, Kind::Visits, Kind::Connections]
        );
        assert!(reports[1].is_stored && reports[1].read > 0 && reports[1].rejected == 0, "{:?}", reports[1]);
        assert!(format!("{error:#}").contains("connections.jsonl"), "{error:#}");
    }
}

/// An erased person stays erased when the same files are imported again, until the person is restored.
#[tokio::test]
async fn an_erased_person_does_not_come_back_with_the_next_file() {
    for on in databases() {
        let (_database, db) = TestDb::migrated(on).await;
        let people = format!("{AGENTS}a,north,30,,,true\nb,north,30,,,true\n");
        let visits =
            format!("{VISITS}a,spot_visit,s,,,2020-01-01T00:00:00Z,\nb,spot_visit,s,,,2020-01-01T00:00:00Z,\n");
        let ties = "agent_id_1,agent_id_2,compatibility,created_at\na,b,0.5,2020-01-01T00:00:00Z\n";
        let files = [
            (Kind::Agents, write("agents.csv", people)),
            (Kind::Visits, write("visits.csv", visits)),
            (Kind::Connections, write("connections.csv", ties)),
        ];
        let load_all = async || {
            let mut erased = Vec::new();
            for (kind, path) in &files {
                let (report, error) = load(&db, *kind, path, OPTIONS).await;
                assert_eq!((report.rejected, error), (0, None), "{report:?}");
                erased.push(report.erased);
            }
            erased
        };
        assert_eq!(load_all().await, [0, 0, 0]);
        erasure::erase(&db, None, "a", 1).await.unwrap();
        assert_eq!(load_all().await, [1, 1, 1]);
        assert_eq!(regions(&db).await.len(), 1);
        assert_eq!(user_action::Entity::find().count(&db).await.unwrap(), 1);
        assert!(erasure::restore(&db, "b", 2).await.is_err());
        erasure::restore(&db, "a", 2).await.unwrap();
        assert_eq!(load_all().await, [0, 0, 0]);
        assert_eq!(user_action::Entity::find().count(&db).await.unwrap(), 2);
    }
}

/// On SQLite an import stores in short transactions. An interrupted one is named by `epoch build` and continued.
#[tokio::test]
async fn an_interrupted_import_is_continued() {
    use spots_enrichment::storage::entity::import_run;
    let (_database, db) = TestDb::migrated(On::Sqlite).await;
    let people = rows(0..9_000, |row| format!("p{row},north,30,,,true"));
    let path = write("agents.csv", format!("{AGENTS}{people}"));
    load(&db, Kind::Agents, &path, OPTIONS).await;
    assert!(import_runs::list(&db).await.unwrap().is_empty(), "a finished import leaves no record");
    let run = import_run::Model {
        fingerprint: "other".to_owned(),
        kind: "visits".to_owned(),
        file: "visits.csv".to_owned(),
        rows_done: 4_000,
        started_at: 1,
    };
    import_runs::record(&db, run).await.unwrap();
    let error = epoch_builder::build(&db, 700_000_000, 800_000_000, Progress::Hidden).await.unwrap_err().to_string();
    assert!(error.contains("the import of visits.csv") && error.contains("4000 rows"), "{error}");
    let text = format!("{VISITS}p1,spot_visit,s,,,1992-03-01T00:00:00Z,\n");
    load(&db, Kind::Visits, &write("visits.csv", text), OPTIONS).await;
    assert!(import_runs::list(&db).await.unwrap().is_empty(), "a later file replaces the interrupted one");
}

#[test]
fn the_command_reports_what_it_left_out_and_what_it_rejected() {
    let dir = folder("import_files");
    fs::create_dir_all(dir.join("in")).unwrap();
    fs::write(dir.join("in/agents.csv"), format!("{AGENTS}a,north,30,,,true\nb,north,old,,,true\n")).unwrap();
    fs::write(dir.join("in/visits.csv"), "agent_id\na\n").unwrap();
    fs::write(dir.join("in/notes.txt"), "").unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let wrong = run(&dir, &["import", "--dir", "im"]);
    assert!(text(&wrong.stderr).contains("there is no folder im") && !dir.join("data").exists());

    let dry = run(&dir, &["import", "--dir", "in", "--dry-run"]);
    assert_eq!(dry.status.code(), Some(1));
    assert!(dir.join("data/rejects/dry-run/agents.csv").exists() && !dir.join("data/rejects/agents.csv").exists());
    let failed = run(&dir, &["import", "--dir", "in"]);
    let (printed, warned) = (text(&failed.stdout), text(&failed.stderr));
    assert_eq!(failed.status.code(), Some(1), "{warned}");
    assert!(printed.contains("agents.csv") && printed.contains("visits.csv"), "{printed}");
    assert!(warned.contains("left out: notes.txt") && warned.contains("the columns action_type"), "{warned}");
    let rejects = fs::read_to_string(dir.join("data/rejects/agents.csv")).unwrap();
    assert!(rejects.contains("agents.csv,3,\"age: \"\"old\"\" is not a number\",\"b,north,old,,,true\""), "{rejects}");
    #[cfg(unix)]
    for file in ["data/rejects/agents.csv", "data/enrichment.db"] {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(fs::metadata(dir.join(file)).unwrap().permissions().mode() & 0o777, 0o600, "{file}");
    }
    let json = binary(&dir).args(["import", "agents", "in/agents.csv", "--json"]).output().unwrap();
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!((&json[0]["rows"], &json[0]["rejected"], &json[0]["stored"]), (&2.into(), &1.into(), &true.into()));
    for arguments in [&["--max-rejects", "0"][..], &["--max-rejects", "10%"]] {
        let output = binary(&dir).args(["import", "agents", "in/agents.csv"]).args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
    }
    for arguments in [["--max-rejects", "some"], ["--scale", "5-1"]] {
        let output = binary(&dir).args(["import", "agents", "in/agents.csv"]).args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    }
}

/// A row with a wrong clock does not move the epoch, a sharp fall is refused, and a dropped epoch is another epoch when
/// it is built again.
#[test]
fn a_stray_visit_does_not_move_the_epoch() {
    let Some(stray) = shared::folder("cases/01-stray-visit.csv") else { return };
    let dir = folder("import_files");
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    run(&dir, &["generate", "--agents", "4000", "--dir", "in"]);
    run(&dir, &["import", "--dir", "in"]);
    run(&dir, &["epoch", "build", "--as-of", "2026-05-25"]);
    let imported = run(&dir, &["import", "visits", stray.to_str().unwrap()]);
    assert_eq!(imported.status.code(), Some(0), "{}", text(&imported.stderr));
    let built = run(&dir, &["epoch", "build"]);
    assert!(text(&built.stdout).contains("epoch 2026-W22"), "{}", text(&built.stdout));
    assert!(text(&built.stderr).contains("2026-06-15T00:00:00Z is not filled: 1 visits"), "{}", text(&built.stderr));

    let refused = run(&dir, &["epoch", "build", "--as-of", "2026-06-15"]);
    let warned = text(&refused.stderr);
    assert_eq!(refused.status.code(), Some(1), "{warned}");
    assert!(warned.contains("fall sharply against 2026-W22") && warned.contains("28 days: people"), "{warned}");
    assert_eq!(run(&dir, &["epoch", "build", "--as-of", "2026-06-15", "--force"]).status.code(), Some(0));
    assert_eq!(run(&dir, &["epoch", "drop", "2026-W24"]).status.code(), Some(0));
    let unknown = run(&dir, &["epoch", "drop", "2026-W24"]);
    assert!(text(&unknown.stderr).contains("there are: 2026-W22"), "{}", text(&unknown.stderr));
    let again = run(&dir, &["epoch", "build", "--as-of", "2026-06-15", "--force", "--json"]);
    assert!(text(&again.stdout).contains("\"epoch\": \"2026-W24.2\""), "{}", text(&again.stdout));
}

#[tokio::test]
async fn a_catalog_of_products_is_stored_or_refused_as_a_whole() {
    let (_database, db) = TestDb::migrated(On::Sqlite).await;
    let rows = rows(0..50, |row| format!("p{row},Lamp,home,,{row},EUR,9,,"));
    let (report, error) = load(&db, Kind::Products, &write("products.csv", format!("{PRODUCTS}{rows}")), OPTIONS).await;
    assert!(error.unwrap().contains("every row of products was rejected") && !report.is_stored);
    assert_eq!(product::Entity::find().count(&db).await.unwrap(), 0);
}
