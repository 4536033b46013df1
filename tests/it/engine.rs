use std::sync::Arc;

use sea_orm::{EntityTrait as _, QueryFilter as _, QueryOrder as _};
use spots_enrichment::{
    domain::{
        epoch::{Epoch, WindowLength},
        segment::{AgeRange, Cohort, Definition},
    },
    engine::SqlEngine,
    privacy::{
        Bundle, Exact, contribution,
        engine::{Engine as _, SumRequest},
    },
    storage::{db, entity::agent_summary},
};

use crate::app::{NOW, On, TestApp, databases, means, new_york};

fn requests(epoch: &Epoch, definitions: &[Definition]) -> Vec<SumRequest> {
    let cohorts: Vec<Arc<Cohort>> =
        definitions.iter().map(|definition| Arc::new(Cohort::parse(definition, &epoch.vocabulary).unwrap())).collect();
    let mut requests = Vec::new();
    for cohort in cohorts {
        for length in WindowLength::ALL {
            for bundle in Bundle::ALL {
                requests.push(SumRequest { cohort: Arc::clone(&cohort), window: epoch.window(length), bundle });
            }
        }
    }
    requests
}

fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

#[tokio::test]
async fn sqlite_and_postgres_compute_the_same_integer_sums_of_new_york() {
    if databases().len() < 2 {
        return;
    }
    let (Some(sqlite), Some(postgres)) = (new_york(On::Sqlite).await, new_york(On::Postgres).await) else { return };
    let (sqlite, postgres) = (db::connect(&sqlite.url).await.unwrap(), db::connect(&postgres.url).await.unwrap());
    let epoch = spots_enrichment::storage::epochs::load_newest(&sqlite, NOW).await.unwrap().unwrap();
    assert_eq!(
        epoch.vocabulary.categories,
        spots_enrichment::storage::epochs::load_newest(&postgres, NOW).await.unwrap().unwrap().vocabulary.categories
    );
    let definitions = [
        Definition::default(),
        Definition { regions: Some(strings(&["us-nyc-manhattan"])), ..Definition::default() },
        Definition {
            regions: Some(strings(&["us-nyc-manhattan", "us-nyc-queens"])),
            interests: Some(strings(&["food"])),
            ..Definition::default()
        },
        Definition {
            age: Some(AgeRange { from: Some(18), to: Some(30) }),
            categories: Some(strings(&["coffee_shop", "bar"])),
            ..Definition::default()
        },
    ];
    let requests = requests(&epoch, &definitions);
    let one = SqlEngine::new(sqlite).sums(&requests).await.unwrap();
    let two = SqlEngine::new(postgres).sums(&requests).await.unwrap();
    assert_eq!((one.len(), two.len()), (requests.len(), requests.len()));
    for ((one, two), request) in one.iter().zip(&two).zip(&requests) {
        assert!(one.same_as(two), "{request:?}");
    }
    assert!(!one[0].same_as(&one[4]), "the comparison does not detect a difference");
}

#[tokio::test]
async fn a_batch_gives_each_request_the_sums_it_gets_alone() {
    for on in databases() {
        let app = TestApp::new(on).await;
        let engine = SqlEngine::new(app.db().clone());
        let definitions = [
            Definition { regions: Some(strings(&["demo-harbor"])), ..Definition::default() },
            Definition { interests: Some(strings(&["food", "nightlife_spot"])), ..Definition::default() },
        ];
        let mut requests = requests(&app.state.epoch.get(), &definitions);
        requests.reverse();
        let batch = engine.sums(&requests).await.unwrap();
        for (request, sums) in requests.iter().zip(&batch) {
            let alone = engine.sums(std::slice::from_ref(request)).await.unwrap();
            assert!(sums.same_as(&alone[0]), "{request:?}");
        }
    }
}

/// The database divides the same integers in the same steps as the code whose sensitivity bound is proven.
#[tokio::test]
async fn the_database_computes_the_same_moments_as_the_code() {
    for on in databases() {
        let app = TestApp::new(on).await;
        let rows =
            agent_summary::Entity::find().filter(agent_summary::COLUMN.window_days.eq(84)).all(app.db()).await.unwrap();
        assert!(rows.len() > 2_000);
        let mut sums = vec![0; contribution::MOMENTS];
        for row in rows {
            let mean = means(&row).map(i64::from);
            assert_eq!(row.state_norm, contribution::state_norm(&mean));
            for (sum, moment) in sums.iter_mut().zip(contribution::moments(&mean)) {
                *sum += moment;
            }
        }
        let request = SumRequest {
            cohort: Arc::default(),
            window: app.state.epoch.get().window(WindowLength::Days84),
            bundle: Bundle::Moments,
        };
        let found = SqlEngine::new(app.db().clone()).sums(&[request]).await.unwrap();
        assert!(found[0].same_as(&Exact::new(sums.clone())));
        sums[17] += 1;
        assert!(!found[0].same_as(&Exact::new(sums)), "the comparison does not detect a difference");
    }
}

/// The migration computes `state_norm` of existing epochs exactly as the epoch builder does.
#[tokio::test]
async fn a_migration_computes_the_state_norms_of_existing_epochs() {
    use migration::{Migrator, MigratorTrait as _};
    for on in databases() {
        let app = TestApp::new(on).await;
        let norms = async || -> Vec<i64> {
            let rows = agent_summary::Entity::find().order_by_asc(agent_summary::COLUMN.agent_id);
            rows.all(app.db()).await.unwrap().iter().map(|row| row.state_norm).collect()
        };
        let before = norms().await;
        assert!(before.iter().any(|norm| *norm > 310_000_000));
        // Down to before 000007, which adds the column.
        Migrator::down(app.db(), Some(5)).await.unwrap();
        Migrator::up(app.db(), None).await.unwrap();
        assert_eq!(norms().await, before);
    }
}
