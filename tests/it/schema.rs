use sea_orm::{EntityTrait, QuerySelect as _};
use spots_enrichment::{graphql::schema, storage::entity};

use crate::app::{TestDb, databases};

const COMMITTED: &str = include_str!("../../schema.graphql");

#[test]
fn the_committed_schema_is_the_schema() {
    assert!(schema::sdl() == COMMITTED, "schema.graphql is not up to date: `just schema` writes it");
}

#[test]
fn the_schema_has_no_interface_because_it_would_bypass_guards_and_no_union() {
    // The normalized operation drops type conditions, which have no effect in a schema without interfaces and unions.
    let abstract_type = |line: &str| ["interface ", "union "].iter().any(|keyword| line.starts_with(keyword));
    assert!(!COMMITTED.lines().any(|line| abstract_type(line) || line.contains(" implements ")));
}

/// Lines that every GraphQL schema has.
const NOT_OURS: [&str; 1] = ["schema {"];

#[test]
fn every_type_field_argument_and_value_is_described() {
    let lines: Vec<&str> = COMMITTED.lines().map(str::trim).collect();
    let mut directive = false;
    for (number, line) in lines.iter().enumerate() {
        let before = number.checked_sub(1).map_or("", |before| lines[before]);
        let described = before.ends_with("\"\"\"");
        let defines = ["type ", "input ", "enum ", "scalar "].iter().any(|keyword| line.starts_with(keyword));
        let field = line.split_once(':').is_some_and(|(name, _)| {
            name.split('(').next().unwrap_or_default().chars().all(|c| c.is_ascii_alphanumeric())
        });
        let value = !line.is_empty() && line.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
        directive = line.starts_with("directive") || (directive && !line.is_empty());
        let schema_block = number > 0
            && lines[..number]
                .iter()
                .rev()
                .find(|line| line.ends_with('{'))
                .is_some_and(|open| NOT_OURS.contains(open));
        if (defines || field || value)
            && !directive
            && !schema_block
            && !line.starts_with("\"\"\"")
            && !inside_description(&lines, number)
        {
            assert!(described || NOT_OURS.contains(line), "line {}: {line} has no description", number + 1);
        }
    }
}

fn inside_description(lines: &[&str], number: usize) -> bool {
    lines[..number].iter().map(|line| line.matches("\"\"\"").count()).sum::<usize>() % 2 == 1
}

/// Selects one row through every entity: a column that an entity has and the migrations lack is an error.
#[tokio::test]
async fn every_entity_selects_from_the_migrated_database() {
    async fn select<E: EntityTrait>(db: &sea_orm::DatabaseConnection) {
        E::find().limit(1).all(db).await.unwrap_or_else(|error| panic!("{}: {error}", E::default().table_name()));
    }
    for on in databases() {
        let (_database, db) = TestDb::migrated(on).await;
        select::<entity::agent::Entity>(&db).await;
        select::<entity::agent_summary::Entity>(&db).await;
        select::<entity::api_key::Entity>(&db).await;
        select::<entity::api_request_log::Entity>(&db).await;
        select::<entity::api_usage_day::Entity>(&db).await;
        select::<entity::audit_event::Entity>(&db).await;
        select::<entity::connection::Entity>(&db).await;
        select::<entity::epoch::Entity>(&db).await;
        select::<entity::epoch_term::Entity>(&db).await;
        select::<entity::market_segment::Entity>(&db).await;
        select::<entity::partner::Entity>(&db).await;
        select::<entity::personality_profile::Entity>(&db).await;
        select::<entity::privacy_account::Entity>(&db).await;
        select::<entity::privacy_charge::Entity>(&db).await;
        select::<entity::privacy_release::Entity>(&db).await;
        select::<entity::product::Entity>(&db).await;
        select::<entity::user_action::Entity>(&db).await;
    }
}

#[tokio::test]
async fn a_fresh_database_is_migrated_and_an_older_one_is_not() {
    use migration::{Migrator, MigratorTrait as _};
    for on in databases() {
        let database = TestDb::empty(on).await;
        let db = spots_enrichment::storage::db::connect(&database.url).await.unwrap();
        spots_enrichment::storage::db::migrate_if_fresh(&db).await.unwrap();
        Migrator::down(&db, Some(1)).await.unwrap();
        let error = spots_enrichment::storage::db::migrate_if_fresh(&db).await.unwrap_err().to_string();
        assert!(error.contains("lacks 1 migration(s): run `spots-enrichment migrate up`"), "{error}");
    }
}

#[tokio::test]
async fn migrations_go_up_down_and_up_again() {
    use migration::{Migrator, MigratorTrait as _};
    for on in databases() {
        let (_database, db) = TestDb::migrated(on).await;
        Migrator::down(&db, None).await.unwrap();
        Migrator::up(&db, None).await.unwrap();
        entity::agent_summary::Entity::find().limit(1).all(&db).await.unwrap();
    }
}
