//! An erased person is removed from the raw and derived tables and from every later epoch. Stored releases stay.

use std::fmt::Write as _;

use sea_orm::{ConnectionTrait as _, EntityTrait as _, PaginatorTrait as _, QueryFilter as _, Statement};
use spots_enrichment::{
    domain::clock::WEEK,
    ingest::{epoch_builder, erasure, generate::ENDS_AT, import},
    storage::{
        db,
        entity::{agent_summary, audit_event, privacy_release, user_action},
    },
};

use crate::{
    app::{ALL, NOW, On, TestApp, databases},
    epoch_builder::FORCED,
};

/// A synthetic person who is counted and has ties.
const ID: &str = "demo_0000701";
const PORTRAIT: &str = "{ cohort(precision: FINEST,
    definition: {}) { size { value } behavior { visitsPerPerson { value } release { id } } } }";

#[tokio::test]
async fn an_erased_person_is_in_no_table_and_old_releases_stay() {
    for on in databases() {
        let app = TestApp::new(on).await;
        let client = app.client(&ALL).await;
        let answer = client.ask(PORTRAIT).await.ok().clone();
        let published = privacy_release::Entity::find().all(app.db()).await.unwrap();
        let people = agent_summary::Entity::find().count(app.db()).await.unwrap();

        let erased = erasure::erase(app.db(), None, ID, NOW).await.unwrap();
        assert!(erased.visits > 0 && erased.ties > 0, "{erased:?}");
        for (table, columns) in [
            ("agents", &["agent_id"][..]),
            ("user_actions", &["agent_id"]),
            ("personality_profiles", &["agent_id"]),
            ("ai2ai_connections", &["agent_id_1", "agent_id_2"]),
            ("agent_rollup", &["agent_id"]),
        ] {
            for column in columns {
                let sql = format!("select count(*) from {table} where {column} = '{ID}'");
                let row = app.db().query_one_raw(Statement::from_string(app.db().get_database_backend(), sql)).await;
                assert_eq!(row.unwrap().unwrap().try_get_by_index::<i64>(0).unwrap(), 0, "{table}.{column}");
            }
        }
        assert!(agent_summary::Entity::find().count(app.db()).await.unwrap() < people);
        let events = audit_event::Entity::find().all(app.db()).await.unwrap();
        let event = events.iter().find(|event| event.action == "forget").unwrap();
        assert_eq!((event.subject.as_str(), event.detail.as_str()), ("", ""));

        assert_eq!(privacy_release::Entity::find().all(app.db()).await.unwrap(), published);
        assert_eq!(client.ask(PORTRAIT).await.ok(), &answer, "stored releases stay");
        epoch_builder::build_with(app.db(), ENDS_AT + WEEK, NOW + WEEK, FORCED).await.unwrap();
        let rows = agent_summary::Entity::find().all(app.db()).await.unwrap();
        assert!(rows.iter().any(|row| row.epoch_id == 202_623) && rows.iter().all(|row| row.agent_id != ID));

        let unknown = erasure::erase(app.db(), None, ID, NOW).await.unwrap_err().to_string();
        assert!(!unknown.contains(ID), "{unknown}");
        assert_eq!(audit_event::Entity::find().all(app.db()).await.unwrap().len(), events.len());
    }
}

/// The database file no longer contains the id, not even in free pages.
#[tokio::test]
async fn an_erased_id_is_not_left_in_the_sqlite_file() {
    let database = TestApp::database(On::Sqlite).await;
    // Dropped epochs leave free pages behind.
    let db = db::connect(&database.url).await.unwrap();
    for week in 1..=3 {
        epoch_builder::build_with(&db, ENDS_AT + week * WEEK, NOW + week * WEEK, FORCED).await.unwrap();
    }
    db.execute_unprepared("pragma wal_checkpoint(truncate)").await.unwrap();
    let file = database.url.trim_start_matches("sqlite://").split('?').next().unwrap().to_owned();
    let found = |ending: &str| {
        let bytes = std::fs::read(format!("{file}{ending}")).unwrap_or_default();
        bytes.windows(ID.len()).filter(|window| *window == ID.as_bytes()).count()
    };
    assert!(found("") > 0);
    erasure::erase(&db, None, ID, NOW).await.unwrap();
    assert_eq!((found(""), found("-wal")), (0, 0));
    db.close().await.unwrap();
}

/// An epoch that is being built while a person is erased does not contain that person.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_erasure_during_a_build_is_complete() {
    for on in databases() {
        let database = TestApp::database(on).await;
        let (one, two) = (db::connect(&database.url).await.unwrap(), db::connect(&database.url).await.unwrap());
        let building =
            tokio::spawn(async move { epoch_builder::build_with(&one, ENDS_AT + WEEK, NOW + WEEK, FORCED).await });
        tokio::time::sleep(std::time::Duration::from_millis(150)).await;
        erasure::erase(&two, None, ID, NOW).await.unwrap();
        building.await.unwrap().unwrap();
        let rows = agent_summary::Entity::find().all(&two).await.unwrap();
        assert!(rows.iter().any(|row| row.epoch_id == 202_623) && rows.iter().all(|row| row.agent_id != ID));
    }
}

/// A running import does not restore visits of an erased person, and a second erasure removes rows that another program
/// inserted afterwards.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_erasure_waits_for_an_import_and_can_be_repeated() {
    for on in databases() {
        let database = TestApp::database(on).await;
        let (one, two) = (db::connect(&database.url).await.unwrap(), db::connect(&database.url).await.unwrap());
        let folder = crate::app::folder("erasure");
        let file = folder.join("visits.csv");
        let mut rows = "agent_id,action_type,spot_id,category,category_group,start_time,end_time\n".to_owned();
        for number in 0..40_000 {
            let _ = writeln!(rows, "{ID},spot_visit,late-{number},bar,nightlife_spot,2026-05-30T10:00:00Z,");
        }
        std::fs::write(&file, rows).unwrap();
        let options = import::Options::DEFAULT;
        let importing = tokio::spawn(async move { import::file(&one, import::Kind::Visits, &file, &options).await });
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        erasure::erase(&two, None, ID, NOW).await.unwrap();
        let report = importing.await.unwrap().unwrap();
        let left = user_action::Entity::find().filter(user_action::COLUMN.agent_id.eq(ID)).count(&two).await.unwrap();
        assert_eq!(left, 0, "{report:?}");

        let stray = format!(
            "insert into user_actions (agent_id, spot_id, start_time, action_type, is_return_visit, return_given)
             values ('{ID}', 's', 1, 'spot_visit', false, false)"
        );
        two.execute_unprepared(&stray).await.unwrap();
        assert_eq!(erasure::erase(&two, None, ID, NOW).await.unwrap().visits, 1);
    }
}
