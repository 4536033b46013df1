//! T6: the sums by day, from which the caps are checked, are the sums of the charges.

use std::collections::BTreeMap;

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use sea_orm::{ConnectionTrait as _, DatabaseConnection, EntityTrait as _};
use spots_enrichment::{
    domain::{
        atom::{BAND_COUNT, BandSet},
        clock::DAY,
    },
    storage::{
        accounts,
        charges::{self, NewCharge},
        entity::{privacy_charge, privacy_spending},
    },
};

use crate::app::{NOW, TestDb, databases};

/// Asserts that the stored sums by day are those of the charges.
pub(super) async fn sums_agree(db: &DatabaseConnection) {
    let mut summed = BTreeMap::new();
    for charge in privacy_charge::Entity::find().all(db).await.unwrap() {
        let charged_by = charge.charged_by.unwrap_or_default();
        let entry = (charge.subject, charge.region, charged_by, charge.bands, charge.charged_at.div_euclid(DAY));
        *summed.entry(entry).or_insert(0) += charge.microunits;
    }
    let stored = privacy_spending::Entity::find().all(db).await.unwrap().into_iter();
    let stored: BTreeMap<_, _> =
        stored.map(|row| ((row.subject, row.region, row.charged_by, row.bands, row.day), row.microunits)).collect();
    assert_eq!(stored, summed);
}

/// 400 random charges in three transactions and days around the edges of the windows: what was spent in a window is
/// the sum of the charges inside, to the second.
#[tokio::test]
async fn t6_spending_is_the_sum_of_the_charges_inside_a_window() {
    for on in databases() {
        let (_database, db) = TestDb::migrated(on).await;
        let mut rng = ChaCha8Rng::seed_from_u64(61);
        let subjects = ["key:a", "key:b", "region:north", "region:south"];
        for subject in subjects {
            accounts::open(&db, subject, 1, None).await.unwrap();
        }
        let [month, year] = [NOW - 30 * DAY, NOW - 365 * DAY];
        let edges = [month, year, NOW.div_euclid(DAY) * DAY];
        for number in 0..80 {
            let near = edges[rng.random_range(0..3)] + rng.random_range(-2..=2) * [1, DAY / 2, DAY][number % 3];
            let at = if number % 2 == 0 { near } else { NOW - rng.random_range(0..400 * DAY) };
            let new = (0..5).map(|part| {
                let subject = subjects[rng.random_range(0..4)];
                NewCharge {
                    subject: subject.to_owned(),
                    release_key: format!("release {number} {part}"),
                    region: subject.strip_prefix("region:").unwrap_or(["north", "south"][part % 2]).to_owned(),
                    bands: BandSet::from_bits(rng.random_range(1..128)),
                    microunits: rng.random_range(1..1_000_000),
                    charged_by: subject.starts_with("region:").then(|| ["key:a", "key:b"][part % 2].to_owned()),
                }
            });
            let new: Vec<NewCharge> = new.collect();
            let insert = charges::insert(db.get_database_backend(), &new, at);
            db.execute_unprepared(&insert).await.unwrap();
        }
        sums_agree(&db).await;

        let all = privacy_charge::Entity::find().all(&db).await.unwrap();
        for until in [i64::MAX, NOW, NOW.div_euclid(DAY) * DAY, month] {
            let all_regions = [None, Some(&["north"][..])];
            for (regions, account) in all_regions.into_iter().flat_map(|of| [(of, None), (of, Some("key:a"))]) {
                let spending = charges::spending(&db, &subjects, regions, account, [month, year], until).await.unwrap();
                let mut expected: BTreeMap<_, [[i64; BAND_COUNT]; 2]> = BTreeMap::new();
                for charge in &all {
                    let is_in_region = regions.is_none_or(|regions| regions.contains(&charge.region.as_str()));
                    if !is_in_region || charge.charged_at > until {
                        continue;
                    }
                    let charged_by = charge.charged_by.clone().filter(|by| account.is_none_or(|account| account == by));
                    let entry = (charge.subject.clone(), charge.region.clone(), charged_by);
                    for (window, since) in [month, year].into_iter().enumerate() {
                        for band in BandSet::from_bits(charge.bands).iter().filter(|_| charge.charged_at > since) {
                            expected.entry(entry.clone()).or_default()[window][band] += charge.microunits;
                        }
                    }
                }
                let found = spending.into_iter().map(|row| {
                    let entry = (row.subject, row.region, row.charged_by);
                    (entry, [row.month, row.year])
                });
                let found: BTreeMap<_, _> = found.filter(|(_, sums)| *sums != [[0; BAND_COUNT]; 2]).collect();
                assert_eq!(found, expected, "{on:?}, until {until}, regions {regions:?}, {account:?}");
            }
        }
    }
}
