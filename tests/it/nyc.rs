//! Real data: released values are compared with means that naive, independent code computes from the CSV files.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    path::Path,
};

use chrono::{DateTime, Datelike as _, Timelike as _};
use flate2::read::GzDecoder;
use sea_orm::DatabaseConnection;
use serde_json::Value;
use spots_enrichment::{
    domain::clock::{DAY, parse_time},
    ingest::{
        epoch_builder,
        import::{self, Options},
        progress::Progress,
    },
};

use crate::app::{ALL, NOW, TestApp, databases, new_york};

const ENDS: &str = "2012-05-28T00:00:00Z";

/// Loads the five files and builds the epoch of 2012-05-28.
pub async fn import_and_build(db: &DatabaseConnection, folder: &Path) {
    let options = Options { partner: Some("shop".to_owned()), ..Options::DEFAULT };
    let reports = import::folder(db, folder, &options).await.unwrap();
    assert_eq!(reports.len(), 5);
    epoch_builder::build(db, parse_time(ENDS).unwrap(), NOW, Progress::Hidden).await.unwrap();
}

type Row = BTreeMap<String, String>;

fn rows(name: &str) -> Vec<Row> {
    let folder = crate::shared::folder("data/nyc").unwrap();
    let file = GzDecoder::new(File::open(folder.join(format!("{name}.csv.gz"))).unwrap());
    csv::Reader::from_reader(file).deserialize().map(|row| row.unwrap()).collect()
}

fn seconds(text: &str) -> i64 {
    DateTime::parse_from_rfc3339(text).unwrap().timestamp()
}

/// The data that the naive code needs, read directly from the files.
struct City {
    agents: BTreeMap<String, Row>,
    profiles: BTreeMap<String, Vec<f64>>,
    /// Agent -> (time, spot, action) -> row. A repeated line is the same visit, and the last one is kept.
    visits: BTreeMap<String, BTreeMap<(i64, String, String), Row>>,
    /// Kept ties, in both directions.
    ties: BTreeMap<String, Vec<(String, f64, i64)>>,
    first_visits: BTreeMap<(String, String), i64>,
}

impl City {
    fn read() -> Self {
        let agents: BTreeMap<String, Row> =
            rows("agents").into_iter().map(|row| (row["agent_id"].clone(), row)).collect();
        let mut profiles = BTreeMap::new();
        for row in rows("personality") {
            let values: Vec<f64> = spots_enrichment::domain::dimensions::Dimension::ALL
                .map(spots_enrichment::domain::dimensions::Dimension::column)
                .iter()
                .filter_map(|dimension| row[*dimension].parse().ok())
                .collect();
            if values.len() == 12 {
                profiles.insert(row["agent_id"].clone(), values);
            }
        }
        let mut visits: BTreeMap<String, BTreeMap<(i64, String, String), Row>> = BTreeMap::new();
        let mut first_visits: BTreeMap<(String, String), i64> = BTreeMap::new();
        for row in rows("visits") {
            let Ok(start) = DateTime::parse_from_rfc3339(&row["start_time"]) else { continue };
            if row["spot_id"].is_empty() || !agents.contains_key(&row["agent_id"]) {
                continue;
            }
            let start = start.timestamp();
            let first = first_visits.entry((row["agent_id"].clone(), row["spot_id"].clone())).or_insert(start);
            *first = start.min(*first);
            let key = (start, row["spot_id"].clone(), row["action_type"].clone());
            visits.entry(row["agent_id"].clone()).or_default().insert(key, row);
        }
        let mut degree: BTreeMap<String, usize> = BTreeMap::new();
        let mut ties: BTreeMap<String, Vec<(String, f64, i64)>> = BTreeMap::new();
        let mut met = BTreeSet::new();
        for row in rows("connections") {
            let (one, two) = (row["agent_id_1"].clone(), row["agent_id_2"].clone());
            let Ok(compatibility) = row["compatibility"].parse::<f64>() else { continue };
            let pair = if one < two { (one.clone(), two.clone()) } else { (two.clone(), one.clone()) };
            if !agents.contains_key(&one) || !agents.contains_key(&two) || one == two || !met.insert(pair) {
                continue;
            }
            if degree.get(&one).copied().unwrap_or(0) < 10 && degree.get(&two).copied().unwrap_or(0) < 10 {
                *degree.entry(one.clone()).or_default() += 1;
                *degree.entry(two.clone()).or_default() += 1;
                let made = seconds(&row["created_at"]);
                ties.entry(one.clone()).or_default().push((two.clone(), compatibility, made));
                ties.entry(two).or_default().push((one, compatibility, made));
            }
        }
        Self { agents, profiles, visits, ties, first_visits }
    }

    fn counted(&self, id: &str) -> bool {
        let agent = &self.agents[id];
        let adult = agent["age"].parse::<f64>().map_or(true, |age| age >= 18.0);
        agent["consent"] == "true" && !agent["region"].is_empty() && adult
    }

    /// The matching agents who are counted, have a complete profile and have a visit in the 28 days.
    fn cohort(&self, matches: impl Fn(&Row) -> bool) -> Vec<&str> {
        let ids = self.agents.keys().map(String::as_str);
        ids.filter(|id| self.counted(id) && self.profiles.contains_key(*id))
            .filter(|id| matches(&self.agents[*id]) && !self.visits_of(id).is_empty())
            .collect()
    }

    fn visits_of(&self, id: &str) -> Vec<(&(i64, String, String), &Row)> {
        let (end, start) = (seconds(ENDS), seconds(ENDS) - 28 * DAY);
        let visits = self.visits.get(id).into_iter().flatten();
        visits.filter(|((at, _, _), _)| (start..end).contains(at)).collect()
    }

    /// The exact mean of each released number, by its path in the answer.
    fn means(&self, cohort: &[&str]) -> BTreeMap<String, f64> {
        let people = cohort.len() as f64;
        let mut sums: BTreeMap<String, f64> = BTreeMap::new();
        let mut add = |path: &str, value: f64| *sums.entry(path.to_owned()).or_default() += value;
        for id in cohort {
            let visits = self.visits_of(id);
            let count = visits.len() as f64;
            add("/behavior/visitsPerPerson", count.min(30.0));
            let stays: Vec<f64> = visits
                .iter()
                .filter(|(_, row)| !row["end_time"].is_empty())
                .map(|((at, _, _), row)| (seconds(&row["end_time"]) - at) as f64 / 60.0)
                .collect();
            let stay =
                if stays.is_empty() { 60.0 } else { (stays.iter().sum::<f64>() / stays.len() as f64).min(120.0) };
            add("/behavior/averageDwellMinutes", stay);
            let returns = visits
                .iter()
                .filter(|((at, spot, _), _)| self.first_visits[&((*id).to_owned(), spot.clone())] < *at)
                .count();
            add("/behavior/returnVisitRate", returns as f64 / count);
            add("/behavior/explorationTendency", 1.0 - returns as f64 / count);
            add(
                "/behavior/communityEngagement",
                visits.iter().filter(|((_, _, action), _)| action == "event_attendance").count() as f64 / count,
            );
            let share = |test: &dyn Fn(f64) -> bool| {
                if stays.is_empty() {
                    1.0 / 3.0
                } else {
                    stays.iter().filter(|stay| test(**stay)).count() as f64 / stays.len() as f64
                }
            };
            add("/behavior/timeSpent/short", share(&|stay| stay < 15.0));
            add("/behavior/timeSpent/medium", share(&|stay| (15.0..=60.0).contains(&stay)));
            add("/behavior/timeSpent/long", share(&|stay| stay > 60.0));
            for ((at, _, _), _) in &visits {
                let time = DateTime::from_timestamp(*at, 0).unwrap();
                let part = time.hour() / 6 + if time.weekday().number_from_monday() > 5 { 4 } else { 0 };
                add(&format!("/behavior/dayParts/{part}/share"), 1.0 / count);
            }
            for (number, value) in self.profiles[*id].iter().enumerate() {
                add(&format!("/personality/dimensions/{number}/mean"), *value);
            }
            let region = &self.agents[*id]["region"];
            let start = seconds(ENDS) - 28 * DAY;
            for (other, compatibility, made) in self.ties.get(*id).into_iter().flatten() {
                if *made >= seconds(ENDS) || !self.counted(other) || self.agents[other]["region"] != *region {
                    continue;
                }
                add("/network/connectionsPerPerson", 1.0);
                add("compatibility", *compatibility);
                add("new", if *made >= start { 1.0 } else { 0.0 });
                let followed = self
                    .first_visits
                    .range((other.clone(), String::new())..)
                    .take_while(|((agent, _), _)| agent == other)
                    .any(|((_, spot), at)| {
                        let own = self.first_visits.get(&((*id).to_owned(), spot.clone()));
                        (start..seconds(ENDS)).contains(at) && own.is_some_and(|own| own < at)
                    });
                add("/network/viralPotential", if followed { 1.0 } else { 0.0 });
            }
        }
        let mut means: BTreeMap<String, f64> = sums.iter().map(|(path, sum)| (path.clone(), sum / people)).collect();
        let ties = means["/network/connectionsPerPerson"];
        let of_ties = |path: &str| means.get(path).copied().unwrap_or(0.0) / ties;
        let more = [
            ("/network/tieCompatibility", of_ties("compatibility")),
            ("/network/newTieShare", of_ties("new")),
            ("/network/trendSetting", of_ties("/network/viralPotential")),
            ("/network/density", ties / (people - 1.0)),
        ];
        means.extend(more.map(|(path, value)| (path.to_owned(), value)));
        means.retain(|path, _| path.starts_with('/'));
        means
    }
}

/// Means whose noise is neither clamped nor divided by other noise: their z-scores must be standard normal.
fn plain(path: &str) -> bool {
    ["visitsPerPerson", "averageDwell", "returnVisit", "communityEng", "/mean", "connectionsPerPerson"]
        .iter()
        .any(|part| path.contains(part))
}

/// The share of one of the eight parts of the week; `None` if it is folded into OTHER.
fn part_of_week(data: &Value, part: usize) -> Option<&Value> {
    let days = if part < 4 { "WEEKDAY" } else { "WEEKEND" };
    let part = ["NIGHT", "MORNING", "AFTERNOON", "EVENING"][part % 4];
    let parts = data.pointer("/behavior/dayParts")?.as_array()?;
    parts.iter().find(|cell| cell["days"] == days && cell["part"] == part).map(|cell| &cell["share"])
}

const M: &str = "{ value sigma }";

#[tokio::test]
async fn every_released_mean_lies_within_five_sigmas_of_the_exact_one() {
    for on in databases() {
        if new_york(on).await.is_none() {
            return;
        }
        let city = City::read();
        let cohorts: [(&str, Vec<&str>); 3] = [
            (r#"{regions: ["us-nyc-manhattan"]}"#, city.cohort(|agent| agent["region"] == "us-nyc-manhattan")),
            (
                r#"{interests: ["food", "nightlife_spot"]}"#,
                city.cohort(|agent| {
                    agent["interests"].split('|').any(|term| term == "food" || term == "nightlife_spot")
                }),
            ),
            ("{}", city.cohort(|_| true)),
        ];
        let means: Vec<BTreeMap<String, f64>> = cohorts.iter().map(|(_, cohort)| city.means(cohort)).collect();
        let (mut scores, mut compared) = (Vec::new(), 0);
        for seed in 0..8 {
            let app = TestApp::over(new_york(on).await.unwrap(), NOW, seed).await;
            for ((definition, cohort), means) in cohorts.iter().zip(&means) {
                // A key for each: one cohort contains another, and the minimum difference would withhold it.
                let client = app.client_of("acme", &ALL, crate::app::KEY_CAP_MILLIUNITS).await;
                let answer = client
                    .ask(&format!(
                        "{{ cohort(precision: FINEST, definition: {definition}) {{ size {M}
                    behavior {{ visitsPerPerson {M} averageDwellMinutes {M} returnVisitRate {M} explorationTendency {M}
                        communityEngagement {M} timeSpent {{ short {M} medium {M} long {M} }}
                        dayParts {{ days part share {M} }} }}
                    personality {{ dimensions {{ mean {M} }} }}
                    network {{ connectionsPerPerson {M} density {M} viralPotential {M} }}
                    ties: network {{ tieCompatibility {M} newTieShare {M} trendSetting {M} }} }} }}"
                    ))
                    .await;
                // Totals that a few people could dominate are withheld, and small shares are folded.
                let empty = Vec::new();
                let errors = answer.body["errors"].as_array().unwrap_or(&empty);
                assert!(errors.iter().all(|error| error["extensions"]["reason"] == "DOMINANCE"), "{}", answer.text);
                let data = answer.data("/cohort");
                let at = |path: &str| {
                    let there = match path.strip_prefix("/behavior/dayParts/") {
                        Some(part) => part_of_week(data, part.strip_suffix("/share").unwrap().parse().unwrap()),
                        None => data
                            .pointer(path)
                            .filter(|value| value.is_object())
                            .or_else(|| data.pointer(&path.replace("/network/", "/ties/"))),
                    };
                    there.filter(|value| value.is_object()).cloned()
                };
                let score = |released: &Value, exact: f64| {
                    (released["value"].as_f64().unwrap() - exact) / released["sigma"].as_f64().unwrap()
                };
                let size = score(&at("/size").unwrap(), cohort.len() as f64);
                assert!(size.abs() < 5.0, "{definition} size: {size}");
                for (path, exact) in means {
                    let Some(released) = at(path) else {
                        let folded = path.contains("timeSpent") || path.contains("dayParts");
                        let last = path.rsplit('/').next().unwrap();
                        let withheld =
                            errors.iter().any(|error| error["path"].as_array().unwrap().last().unwrap() == last);
                        assert!(folded || withheld, "{path} is missing");
                        continue;
                    };
                    let score = score(&released, *exact);
                    assert!(
                        score.abs() < 5.0,
                        "seed {seed}, {definition}, {path}: exact {exact}, {released}, z = {score}"
                    );
                    compared += 1;
                    if plain(path) {
                        scores.push(score);
                    }
                }
            }
        }
        let count = scores.len() as f64;
        let mean = scores.iter().sum::<f64>() / count;
        let deviation = (scores.iter().map(|score| (score - mean).powi(2)).sum::<f64>() / count).sqrt();
        // With at least 360 scores the standard error of their deviation is 0.037, so the bounds are more than 5
        // standard errors away. The seeds are fixed.
        assert!(compared > 500 && scores.len() >= 8 * 3 * 15, "{compared} compared, {} scores", scores.len());
        assert!((0.8..1.2).contains(&deviation), "z-scores have standard deviation {deviation}");
        assert!(mean.abs() < 0.25, "z-scores have mean {mean}");
    }
}
