//! Which people are counted and what each of them contributes: small populations, imported from files and read back
//! from the epoch's per-agent summary rows.

use std::{fmt::Write as _, fs, path::Path};

use sea_orm::{DatabaseConnection, EntityTrait as _, QueryOrder as _};
use spots_enrichment::{
    domain::{
        clock::{DAY, parse_time},
        dimensions::Dimension,
        epoch::epoch_name,
    },
    ingest::{
        epoch_builder::{self, BuildOptions},
        erasure,
        import::{self, Options},
        progress::Progress,
    },
    storage::entity::{agent, agent_summary, epoch, epoch_term, privacy_account},
};

use crate::app::{On, TestDb, databases, folder};

/// Builds although no new data came in.
pub const FORCED: BuildOptions<'static> = BuildOptions { force: true, ..BuildOptions::DEFAULT };

pub const OPTIONS: Options = Options::DEFAULT;

/// A small population as import files.
#[derive(Default)]
pub struct Files {
    agents: String,
    personality: String,
    visits: String,
    connections: String,
}

impl Files {
    pub fn agent(&mut self, id: &str, region: &str, age: &str, consent: bool) {
        let _ = writeln!(self.agents, "{id},{region},{age},food|music,bar,{consent}");
        let _ = writeln!(self.personality, "{id}{}", ",0.75".repeat(12));
    }

    /// An adult of region `north` with these dimensions, interests and categories (each separated by `|`).
    pub fn person(&mut self, id: &str, dimensions: [f64; 12], interests: &str, categories: &str) {
        let _ = writeln!(self.agents, "{id},north,30,{interests},{categories},true");
        let _ = writeln!(self.personality, "{id}{}", dimensions.map(|value| format!(",{value}")).concat());
    }

    pub fn visit(&mut self, id: &str, spot: &str, start: &str, end: &str) {
        let _ = writeln!(self.visits, "{id},spot_visit,{spot},bar,nightlife_spot,{start},{end}");
    }

    pub fn tie(&mut self, one: &str, two: &str, compatibility: f64, at: &str) {
        let _ = writeln!(self.connections, "{one},{two},{compatibility},{at}");
    }

    pub fn write(&self, folder: &Path) {
        let dimensions = Dimension::ALL.map(Dimension::column).join(",");
        for (name, header, rows) in [
            ("agents.csv", "agent_id,region,age,interests,category_preferences,consent", &self.agents),
            ("personality.csv", &format!("agent_id,{dimensions}"), &self.personality),
            ("visits.csv", "agent_id,action_type,spot_id,category,category_group,start_time,end_time", &self.visits),
            ("connections.csv", "agent_id_1,agent_id_2,compatibility,created_at", &self.connections),
        ] {
            fs::write(folder.join(name), format!("{header}\n{rows}")).unwrap();
        }
    }
}

pub const MONDAY: &str = "2020-06-01T00:00:00Z";

async fn build(db: &DatabaseConnection, files: &Files) -> Vec<agent_summary::Model> {
    let folder = folder("epoch_builder");
    files.write(&folder);
    import::folder(db, &folder, &OPTIONS).await.unwrap();
    let monday = parse_time(MONDAY).unwrap();
    epoch_builder::build(db, monday, monday + 10 * DAY, Progress::Hidden).await.unwrap();
    let rows = agent_summary::Entity::find().order_by_asc(agent_summary::COLUMN.agent_id).all(db).await.unwrap();
    rows.into_iter().filter(|row| row.window_days == 28).collect()
}

#[tokio::test]
async fn only_adults_with_consent_a_region_a_profile_and_a_visit_are_counted() {
    for on in databases() {
        let (_database, db) = TestDb::migrated(on).await;
        let mut files = Files::default();
        for (id, region, age, consent) in [
            ("adult", "north", "18", true),
            ("unknown-age", "north", "", true),
            ("minor", "north", "17", true),
            ("no-consent", "north", "30", false),
            ("no-region", "", "30", true),
            ("no-visit", "north", "30", true),
            ("old-visit", "north", "30", true),
            ("late-visit", "north", "30", true),
        ] {
            files.agent(id, region, age, consent);
            match id {
                "no-visit" => {}
                "old-visit" => files.visit(id, "s", "2020-05-03T23:59:59Z", ""),
                "late-visit" => files.visit(id, "s", MONDAY, ""),
                _ => files.visit(id, "s", "2020-05-04T00:00:00Z", ""),
            }
        }
        files.agent("no-profile", "north", "30", true);
        files.personality = files
            .personality
            .replace(&format!("no-profile{}", ",0.75".repeat(12)), &format!("no-profile,{}", ",0.75".repeat(11)));
        files.visit("no-profile", "s", "2020-05-30T00:00:00Z", "");
        let counted: Vec<(String, i32)> =
            build(&db, &files).await.into_iter().map(|row| (row.agent_id, row.age_band)).collect();
        assert_eq!(counted, [("adult".to_owned(), 1), ("unknown-age".to_owned(), 0)]);
        let terms = epoch_term::Entity::find().all(&db).await.unwrap();
        assert_eq!(
            terms.iter().map(|term| term.term.as_str()).collect::<Vec<_>>(),
            ["north"],
            "rare values are left out"
        );
        let accounts = privacy_account::Entity::find().all(&db).await.unwrap();
        assert_eq!(
            (accounts[0].subject.as_str(), accounts[0].cap_microunits, accounts[0].cap_year_microunits),
            ("region:north", 60_000_000, Some(240_000_000))
        );
    }
}

/// Shares of return visits in 1/10,000, minus a half.
#[tokio::test]
async fn return_visits_are_derived_from_all_visits_unless_the_file_states_them() {
    for on in databases() {
        let (_database, db) = TestDb::migrated(on).await;
        let mut files = Files::default();
        for (id, visits) in [
            ("ann", &[("mill", "2019-01-01"), ("mill", "2020-05-20"), ("pond", "2020-05-21")][..]),
            ("bob", &[("mill", "2020-05-20")]),
            ("cat", &[]),
        ] {
            files.agent(id, "north", "30", true);
            for (spot, day) in visits {
                files.visit(id, spot, &format!("{day}T12:00:00Z"), "");
            }
        }
        let folder = folder("returns");
        let visits = async |header: &str, rows: &str| {
            let columns = "agent_id,action_type,spot_id,category,category_group,start_time,end_time";
            let file = folder.join("more-visits.csv");
            fs::write(&file, format!("{columns}{header}\n{rows}")).unwrap();
            import::file(&db, import::Kind::Visits, &file, &OPTIONS).await.unwrap();
        };
        files.write(&folder);
        import::folder(&db, &folder, &OPTIONS).await.unwrap();
        visits(",is_return_visit", "cat,spot_visit,new,,,2020-05-20T12:00:00Z,,true\n").await;
        let shares = async |week: i64| {
            let ends_at = parse_time(MONDAY).unwrap() + 7 * DAY * week;
            epoch_builder::build_with(&db, ends_at, ends_at + 10 * DAY, FORCED).await.unwrap();
            let rows = agent_summary::Entity::find()
                .order_by_asc(agent_summary::COLUMN.epoch_id)
                .order_by_asc(agent_summary::COLUMN.agent_id);
            let rows = rows.all(&db).await.unwrap().into_iter().filter(|row| row.window_days == 28);
            let shares: Vec<i32> = rows.map(|row| row.behavior_return).collect();
            shares[shares.len() - 3..].to_vec()
        };
        assert_eq!(shares(0).await, [0, -5_000, 5_000], "{on:?}");
        // An earlier visit is imported later: in the next epoch, what was the first visit is a return visit.
        visits("", "bob,spot_visit,mill,,,2019-01-01T00:00:00Z,\n").await;
        assert_eq!(shares(1).await, [0, 5_000, 5_000], "{on:?}");
    }
}

#[tokio::test]
async fn closed_lists_replace_the_vocabulary_of_the_data() {
    let (_database, db) = TestDb::migrated(On::Sqlite).await;
    let mut files = Files::default();
    files.agent("ann", "north", "30", true);
    files.visit("ann", "mill", "2020-05-20T12:00:00Z", "");
    let folder = folder("terms");
    files.write(&folder);
    import::folder(&db, &folder, &OPTIONS).await.unwrap();
    let lists = |text: &str| {
        let file = folder.join("words.txt");
        fs::write(&file, text).unwrap();
        import::closed_lists(&file)
    };
    let terms = lists("kind,word\ninterest,Chess\ncategory,bar\ninterest,chess\n").unwrap();
    let monday = parse_time(MONDAY).unwrap();
    let options = BuildOptions { lists: Some(&terms), ..BuildOptions::DEFAULT };
    epoch_builder::build_with(&db, monday, monday + 10 * DAY, options).await.unwrap();
    let terms = epoch_term::Entity::find().all(&db).await.unwrap();
    let terms: Vec<String> = terms.into_iter().map(|term| format!("{} {}", term.kind, term.term)).collect();
    assert_eq!(terms, ["category bar", "interest chess", "region north"]);
    for (text, says) in [
        ("kind,word\ninterest,a b\n", "line 2"),
        ("kind,word\nregion,north\n", "neither interest nor category"),
        ("kind,word\ninterest,\n", "word is empty"),
        ("kind,word\n", "has no values"),
        ("word\nchess\n", "neither interest nor category"),
    ] {
        let error = lists(text).unwrap_err();
        assert!(format!("{error:#}").contains(says), "{text:?}: {error:#}");
    }
}

#[tokio::test]
async fn only_kept_ties_inside_a_region_between_counted_people_count() {
    for on in databases() {
        let (_database, db) = TestDb::migrated(on).await;
        let mut files = Files::default();
        for (id, region, age, consent) in [
            ("ann", "north", "30", true),
            ("bob", "north", "30", true),
            ("cat", "north", "30", true),
            ("far", "south", "30", true),
            ("kid", "north", "15", true),
            ("shy", "north", "30", false),
        ] {
            files.agent(id, region, age, consent);
        }
        // Ann visits the mill before the window and Bob in it. Cat visits the pond in the window, one day before Ann.
        files.visit("ann", "mill", "2020-01-10T12:00:00Z", "");
        files.visit("ann", "pond", "2020-05-20T12:00:00Z", "");
        files.visit("bob", "mill", "2020-05-21T12:00:00Z", "");
        files.visit("cat", "pond", "2020-05-19T12:00:00Z", "");
        for other in ["bob", "cat", "far", "kid", "shy"] {
            files.tie("ann", other, 0.8, if other == "bob" { "2020-05-10T00:00:00Z" } else { "2019-05-10T00:00:00Z" });
        }
        files.tie("bob", "cat", 0.4, "2021-01-01T00:00:00Z");
        let rows = build(&db, &files).await;
        let of = |id: &str| {
            let row = rows.iter().find(|row| row.agent_id == id).unwrap();
            [row.network_ties, row.network_compatibility, row.network_new, row.network_followed]
                .map(|value| value + 5_000)
        };
        // Ann has ties with Bob and Cat. The tie with Bob is new, and Bob visited the mill after her.
        assert_eq!(of("ann"), [2_000, 1_600, 1_000, 1_000]);
        assert_eq!(of("bob"), [1_000, 800, 1_000, 0], "the tie with Cat is created after the epoch");
        // Ann visited the pond after Cat.
        assert_eq!(of("cat"), [1_000, 800, 0, 1_000]);
    }
}

#[tokio::test]
async fn an_epoch_is_never_changed_and_two_are_kept() {
    for on in databases() {
        let (_database, db) = TestDb::migrated(on).await;
        let mut files = Files::default();
        files.agent("ann", "north", "30", true);
        for day in ["2020-05-11", "2020-05-19", "2020-05-26"] {
            files.visit("ann", "mill", &format!("{day}T12:00:00Z"), "");
        }
        build(&db, &files).await;
        let now = parse_time(MONDAY).unwrap() + 10 * DAY;
        let early = epoch_builder::build(&db, now + 7 * DAY, now, Progress::Hidden).await;
        assert!(early.unwrap_err().to_string().contains("may still get late events"));
        let again =
            epoch_builder::build(&db, parse_time(MONDAY).unwrap() + 3 * DAY, now, Progress::Hidden).await.unwrap();
        assert!(!again.is_new, "the same week");
        let monday = parse_time(MONDAY).unwrap();
        epoch_builder::build(&db, monday - 7 * DAY, now, Progress::Hidden).await.unwrap();
        let older = epoch_builder::build(&db, monday - 14 * DAY, now, Progress::Hidden).await;
        assert!(older.unwrap_err().to_string().contains("would be dropped at once"));
        epoch_builder::build(&db, monday + 7 * DAY, now, Progress::Hidden).await.unwrap();
        let epochs = epoch::Entity::find().order_by_asc(epoch::COLUMN.epoch_id).all(&db).await.unwrap();
        assert_eq!(epochs.iter().map(|epoch| epoch.epoch_id).collect::<Vec<_>>(), [202_022, 202_023]);
        let rows = agent_summary::Entity::find().all(&db).await.unwrap();
        assert!(rows.iter().all(|row| row.epoch_id >= 202_022), "the rows are deleted with their epoch");
        let empty = epoch_builder::build(&db, now + 700 * DAY, now + 800 * DAY, Progress::Hidden).await;
        assert!(empty.unwrap_err().to_string().contains("no epoch was built"));
        files.visit("ann", "mill", "2031-01-01T00:00:00Z", "");
        let late = folder("epoch_builder");
        files.write(&late);
        import::folder(&db, &late, &OPTIONS).await.unwrap();
        assert_eq!(
            epoch_builder::newest_filled_week(&db, None, now).await.unwrap().ends_at,
            parse_time("2020-05-25T00:00:00Z").unwrap()
        );
    }
}

/// The ids of the people of the epoch that a build at `now` makes, with their regions.
async fn counted(db: &DatabaseConnection, now: i64) -> Vec<(String, String)> {
    let built = epoch_builder::build_with(db, now - 3 * DAY, now, FORCED).await.unwrap();
    let rows = agent_summary::Entity::find().order_by_asc(agent_summary::COLUMN.agent_id).all(db).await.unwrap();
    let of_epoch = rows.into_iter().filter(|row| row.epoch_id == built.epoch_id && row.window_days == 84);
    of_epoch.map(|row| (row.agent_id, row.region)).collect()
}

/// A person whose region or age band changes is left out until 31 days after the first epoch without the previous one:
/// the person, and the ties of others to the person.
#[tokio::test]
async fn people_who_move_are_left_out_until_their_budget_has_returned() {
    let files = |mover: &str, age: &str| {
        let mut files = Files::default();
        for (id, region, age) in [("mover", mover, "30"), ("older", "north", age), ("stays", "north", "40")] {
            files.agent(id, region, age, true);
            files.visit(id, "s", "2020-05-28T08:00:00Z", "2020-05-28T09:00:00Z");
        }
        files.tie("older", "stays", 0.5, "2020-05-01T00:00:00Z");
        let folder = folder("movers");
        files.write(&folder);
        folder
    };
    let all = [("mover", "south"), ("older", "north"), ("stays", "north")];
    let names = |people: &[(&str, &str)]| -> Vec<(String, String)> {
        people.iter().map(|(id, region)| ((*id).to_owned(), (*region).to_owned())).collect()
    };
    for on in databases() {
        let (_database, db) = TestDb::migrated(on).await;
        let now = |week: i64| parse_time(MONDAY).unwrap() + (7 * week + 3) * DAY;
        // Before the first epoch a change has no effect: nobody was counted.
        for folder in [files("east", "34"), files("north", "34")] {
            import::folder(&db, &folder, &OPTIONS).await.unwrap();
        }
        let first = [("mover", "north"), ("older", "north"), ("stays", "north")];
        assert_eq!(counted(&db, now(0)).await, names(&first));

        // Within the same band an age changes nothing; 34 to 35 is another band.
        import::folder(&db, &files("south", "35"), &OPTIONS).await.unwrap();
        for week in 1..=5 {
            assert_eq!(counted(&db, now(week)).await, names(&all[2..]), "week {week}");
            let ties = agent_summary::Entity::find().all(&db).await.unwrap();
            let epoch = ties.iter().map(|row| row.epoch_id).max();
            let stays = ties.iter().filter(|row| row.agent_id == "stays" && Some(row.epoch_id) == epoch);
            // No tie: the center of the four numbers is half of the cap below zero.
            assert!(stays.into_iter().all(|row| row.network_ties == -5_000), "a tie to an absent person counts");
        }
        // Dropping the epoch restarts nothing, because the one before has neither of them.
        assert_eq!(counted(&db, now(6)).await, names(&all), "35 days after the first epoch without them");

        // A person who was erased and restored may have been in any atom.
        erasure::erase(&db, None, "stays", now(6)).await.unwrap();
        erasure::restore(&db, "stays", now(6)).await.unwrap();
        import::folder(&db, &files("south", "35"), &OPTIONS).await.unwrap();
        assert_eq!(counted(&db, now(7)).await, names(&all[..2]));

        // After a drop, the epoch before is served again. The absence of people who are in their previous atom there
        // starts again.
        import::folder(&db, &files("north", "35"), &OPTIONS).await.unwrap();
        assert_eq!(counted(&db, now(8)).await, names(&all[1..2]));
        let newest = spots_enrichment::storage::epochs::list(&db).await.unwrap();
        let newest = newest.iter().map(|epoch| epoch.epoch_id).max().unwrap();
        epoch_builder::drop_epoch(&db, None, &epoch_name(newest), now(9)).await.unwrap();
        let since = agent::Entity::find_by_id("mover").one(&db).await.unwrap().unwrap().atom_since;
        assert_eq!(since, Some(agent::ATOM_CHANGE_PENDING));
        assert_eq!(counted(&db, now(9)).await, names(&all[1..2]));
    }
}
