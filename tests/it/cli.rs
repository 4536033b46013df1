//! The command line, run as a process.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    net::TcpListener,
    path::Path,
    process::{Child, Command, Output, Stdio},
};

use crate::app::folder;

pub fn binary(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_spots-enrichment"));
    // The environment of the developer must not change the tests.
    for name in [
        "CORS_ORIGINS",
        "DATABASE_URL",
        "ENGINE",
        "LISTEN_ADDR",
        "LOG_FORMAT",
        "LOG_LEVEL",
        "LOG_RETENTION_DAYS",
        "METRICS_ADDR",
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "PUBLIC_INTROSPECTION",
        "REDIS_URL",
        "WAREHOUSE_URL",
    ] {
        command.env_remove(name);
    }
    command.current_dir(dir);
    command
}

pub fn run(dir: &Path, arguments: &[&str]) -> Output {
    binary(dir).args(arguments).output().unwrap()
}

/// Exit code and standard error.
fn failure(dir: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let output = run(dir, arguments);
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn invalid_input_is_reported_with_its_cause_and_remedy() {
    let dir = folder("cli");
    for (arguments, code, says) in [
        (
            &["keys", "create", "--partner", "acme", "--per-minute", "-3"][..],
            2,
            "invalid value '-3' for '--per-minute <N>'",
        ),
        (&["keys", "create"], 2, "--partner"),
        (&["serve", "--listen-addr", "nowhere"], 2, "nowhere"),
        (&["frobnicate"], 2, "unrecognized subcommand"),
        (&["import"], 2, "--dir"),
        (&["serve"], 1, "there is no database data/enrichment.db"),
        (&["epoch", "list"], 1, "`migrate up` and `demo` create it"),
        (&["serve", "--database-url", "mysql://u:secret@h/d"], 1, "must begin with sqlite:// or postgres://"),
        (&["serve", "--database-url", "postgres://u:secret@127.0.0.1:1/d"], 1, "no PostgreSQL server answers at its"),
        (&["import", "--dir", "nowhere"], 1, "there is no folder nowhere"),
        (&["migrate", "up"], 0, ""),
        (&["serve"], 1, "run `spots-enrichment epoch build` first"),
        (&["epoch", "build"], 1, "there are no visits yet"),
        (&["epoch", "build", "--as-of", "yesterday"], 2, "--as-of"),
        (&["keys", "create", "--partner", "ACME Inc"], 1, "2 to 40 lower-case letters"),
        (&["keys", "create", "--partner", "acme", "--expires", "2001-01-01"], 1, "the expiry is in the past"),
        (&["keys", "revoke", "key_none"], 1, "`keys list` shows them"),
        (&["import", "agents", "agents.csv"], 1, "cannot open agents.csv"),
        (&["segments", "add", "all", "--name", "All"], 1, "run `epoch build` first"),
        (&["segments", "remove", "all"], 1, "no shared segment"),
    ] {
        let (status, printed) = failure(&dir, arguments);
        assert_eq!(status, Some(code), "{arguments:?}: {printed}");
        assert!(printed.contains(says), "{arguments:?}: {printed}");
        assert!(!printed.contains("secret"), "{arguments:?} prints a password: {printed}");
    }
}

#[test]
fn a_taken_port_is_named() {
    let dir = folder("cli");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let (status, printed) = failure(&dir, &["demo", "--listen-addr", &address]);
    assert_eq!(status, Some(1));
    assert!(printed.contains(&format!("cannot listen on {address}")) && printed.contains("--listen-addr"), "{printed}");
    assert!(!dir.join("data").exists(), "data were created although the server cannot listen");
}

#[test]
fn a_key_is_created_listed_shown_and_revoked_and_printed_once() {
    let dir = folder("cli");
    run(&dir, &["migrate", "up"]);
    let created = run(&dir, &["keys", "create", "--partner", "acme", "--scopes", "behavior,network", "--env", "poc"]);
    let key = String::from_utf8(created.stdout).unwrap().trim().to_owned();
    assert!(key.starts_with("spots_poc_acme_"), "{key}");
    let list = || String::from_utf8(run(&dir, &["keys", "list"]).stdout).unwrap();
    let id = list().split_whitespace().find(|part| part.starts_with("key_")).unwrap().to_owned();
    assert!(list().contains("active") && list().contains("behavior|network"));
    let show = String::from_utf8(run(&dir, &["keys", "show", &id]).stdout).unwrap();
    assert!(show.contains("acme") && show.contains("10000"));
    assert_eq!(run(&dir, &["keys", "revoke", &id]).status.code(), Some(0));
    assert!(list().contains("revoked"));
    let (status, printed) = failure(&dir, &["keys", "show", &key]);
    assert_eq!(status, Some(1));
    for text in [list(), show, printed] {
        assert!(!text.contains(&key), "{text}");
    }
}

#[test]
fn rotation_and_limits_of_a_key_are_recorded_as_events() {
    let dir = folder("cli");
    run(&dir, &["migrate", "up"]);
    let printed = |arguments: &[&str]| {
        let output = run(&dir, arguments);
        let printed = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        printed
    };
    let key =
        printed(&["keys", "create", "--partner", "acme", "--points-per-minute", "600", "--max-query-points", "50"]);
    let id = |text: &str| text.split_whitespace().find(|part| part.starts_with("key_")).unwrap().to_owned();
    let old = id(&printed(&["keys", "list"]));
    let shown = printed(&["keys", "limit", &old, "--per-minute", "7", "--points-per-day", "90000"]);
    for line in
        ["requests a minute  7\n", "points a query     50\n", "points a minute    600\n", "points a day       90000\n"]
    {
        assert!(shown.contains(line), "{line}: {shown}");
    }
    let next = printed(&["keys", "rotate", &old, "--overlap", "2h"]);
    assert!(next.starts_with("spots_live_acme_") && next != key, "{next}");
    let shown = printed(&["keys", "show", &old]);
    let follower = id(shown.lines().find(|line| line.starts_with("followed by")).unwrap());
    for event in ["create partner acme", "limits from 100 requests a minute", "rotate followed by key_"] {
        assert!(shown.contains(event), "{event}: {shown}");
    }
    let followed = printed(&["keys", "show", &follower]);
    assert!(
        followed.contains("requests a minute  7\n") && followed.contains(&format!("create follows {old}")),
        "{followed}"
    );
    assert!(printed(&["keys", "usage", &old]).starts_with("day"));
    printed(&["keys", "revoke", &follower]);
    for (arguments, code, says) in [
        (&["keys", "rotate", &old][..], 1, "was already rotated"),
        (&["keys", "rotate", &follower], 1, "is revoked"),
        (&["keys", "rotate", &old, "--overlap", "soon"], 2, "is not a time like 30m, 24h or 7d"),
        (&["keys", "limit", &old], 2, "--per-minute"),
        (&["keys", "limit", &old, "--max-query-points", "0"], 2, "--max-query-points"),
        (&["keys", "usage", "key_none"], 1, "`keys list` shows them"),
        (&["keys", "usage", &old, "--last", "91"], 2, "91"),
        (&["serve", "--cors-origins", "*"], 2, "is not an origin"),
        (&["serve", "--redis-url", "http://u:secret@h"], 1, ""),
        (&["serve", "--log-retention-days", "0"], 2, "2..=3650"),
    ] {
        let (status, printed) = failure(&dir, arguments);
        assert_eq!(status, Some(code), "{arguments:?}: {printed}");
        assert!(printed.contains(says) && !printed.contains("secret"), "{arguments:?}: {printed}");
    }
    for text in [printed(&["keys", "list"]), shown, followed] {
        assert!(!text.contains(key.trim()) && !text.contains(next.trim()), "{text}");
    }
}

#[test]
fn a_generated_population_can_be_imported_and_built() {
    let dir = folder("cli");
    assert_eq!(run(&dir, &["generate", "--agents", "300", "--dir", "files"]).status.code(), Some(0));
    let imported = run(&dir, &["import", "--dir", "files", "--partner", "acme"]);
    let printed = String::from_utf8(imported.stdout).unwrap();
    assert_eq!(imported.status.code(), Some(0), "{printed}");
    assert!(printed.contains("visits") && !dir.join("data/rejects").exists(), "{printed}");
    let built = String::from_utf8(run(&dir, &["epoch", "build"]).stdout).unwrap();
    assert!(built.starts_with("epoch 2026-W22 (ends 2026-06-01T00:00:00Z)"), "{built}");
    let again = String::from_utf8(run(&dir, &["epoch", "build"]).stdout).unwrap();
    assert!(again.contains("never changed"), "{again}");
    let added =
        run(&dir, &["segments", "add", "harbor", "--name", "Harbor", "--regions", "demo-harbor", "--age-to", "34"]);
    assert_eq!(added.status.code(), Some(0));
    assert!(String::from_utf8(run(&dir, &["segments", "list"]).stdout).unwrap().contains("harbor"));
    assert!(String::from_utf8(run(&dir, &["partners", "list"]).stdout).unwrap().contains("acme"));
}

/// The files of `generate` give the same sums as the population of `demo`. Return visits are derived from the files and
/// given in the demo.
#[tokio::test]
async fn generated_files_hold_the_same_population_as_the_demo() {
    use spots_enrichment::{
        domain::epoch::WindowLength,
        engine::SqlEngine,
        privacy::{
            Bundle,
            engine::{Engine as _, SumRequest},
        },
        storage::db,
    };
    let dir = folder("cli");
    run(&dir, &["generate", "--agents", "400", "--dir", "files"]);
    run(&dir, &["import", "--dir", "files", "--partner", "acme"]);
    run(&dir, &["epoch", "build"]);
    let imported = db::connect(&format!("sqlite://{}", dir.join("data/enrichment.db").display())).await.unwrap();
    let (_database, made) = crate::app::TestDb::migrated(crate::app::On::Sqlite).await;
    spots_enrichment::ingest::generate::Population::new(400, 1).store(&made, "acme").await.unwrap();
    let ends_at = spots_enrichment::ingest::generate::ENDS_AT;
    let progress = spots_enrichment::ingest::progress::Progress::Hidden;
    spots_enrichment::ingest::epoch_builder::build(&made, ends_at, crate::app::NOW, progress).await.unwrap();
    let epoch = spots_enrichment::storage::epochs::load_newest(&made, crate::app::NOW).await.unwrap().unwrap();
    let mut requests = Vec::new();
    for length in WindowLength::ALL {
        for bundle in Bundle::ALL {
            requests.push(SumRequest { cohort: std::sync::Arc::default(), window: epoch.window(length), bundle });
        }
    }
    let (one, two) = (SqlEngine::new(imported), SqlEngine::new(made));
    let (one, two) = (one.sums(&requests).await.unwrap(), two.sums(&requests).await.unwrap());
    for ((one, two), request) in one.iter().zip(&two).zip(&requests) {
        assert!(one.same_as(two), "{request:?}");
    }
}

/// Sets privacy caps on the command line and reads them in the report.
#[tokio::test]
async fn privacy_caps_are_set_and_reported() {
    let dir = folder("caps");
    let database = crate::app::TestApp::database(crate::app::On::Sqlite).await;
    let with_url = |arguments: &[&str]| {
        let output = binary(&dir).args(arguments).env("DATABASE_URL", &database.url).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    let (status, key, _) = with_url(&["keys", "create", "--partner", "acme", "--units", "2.5"]);
    assert_eq!(status, Some(0));
    let (_, list, _) = with_url(&["keys", "list"]);
    let id = list.lines().find(|line| line.contains("acme")).unwrap().split_whitespace().next().unwrap().to_owned();
    let (_, shown, _) = with_url(&["keys", "show", &id]);
    assert!(shown.contains("units in 30 days   2.50") && shown.contains("units left         2.50"), "{shown}");
    let (status, shown, _) = with_url(&["keys", "limit", &id, "--units", "3"]);
    assert!(status == Some(0) && shown.contains("from 2.5 units in 30 days to 3 units in 30 days"), "{shown}");

    let served = crate::served::Served::start(&database.url, |_| {});
    let portrait = "{ cohort(precision: FINEST,
        definition: {regions: [\"demo-harbor\"]}) { size { value } network { release { id } } }
        few: cohort(precision: FINEST, definition: {regions: [\"demo-coast\"], age: {from: 65}}) { size { value } } }";
    let answer = served.ask(key.trim(), portrait);
    assert!(answer["data"]["cohort"]["size"]["value"].is_number(), "{answer}");
    drop(served);

    let (status, printed, warned) =
        with_url(&["regions", "limit", "demo-harbor", "--units", "90", "--units-per-year", "300"]);
    assert_eq!(status, Some(0), "{warned}");
    assert!(
        printed.contains("from 60 units in 30 days and 240 in 365 to 90 units in 30 days and 300 in 365"),
        "{printed}"
    );
    assert!(
        warned.contains("region demo-harbor may spend 90 units in 30 days; the published promise is made for 60"),
        "{warned}"
    );
    let (_, regions, _) = with_url(&["regions", "list"]);
    let harbor: Vec<_> =
        regions.lines().find(|line| line.starts_with("demo-harbor")).unwrap().split_whitespace().collect();
    assert_eq!(harbor, ["demo-harbor", "90.00", "0.42", "300.00", "0.42", "unknown"]);

    let (status, report, _) = with_url(&["privacy", "report", "--json"]);
    assert_eq!(status, Some(0));
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    let key = report["keys"].as_array().unwrap().iter().find(|key| key["partner"] == "acme").unwrap();
    assert_eq!((&key["cap_mu"], &key["spent_mu"], &key["keys"][0]), (&3_000.into(), &420.into(), &id.clone().into()));
    // The step with which the larger segment passes depends on the noise.
    let sizes = &report["releases"][0];
    let steps = sizes["ready"].as_i64().unwrap() + sizes["suppressed"].as_i64().unwrap();
    assert!(sizes["bundle"] == "SIZE" && steps == 10 && sizes["suppressed"].as_i64() >= Some(5), "{sizes}");
    assert_eq!((&report["suppressed_share"], &report["views"]), (&0.5.into(), &1.into()));
    let region = &report["promise"]["region"];
    assert!(region["mu"] == 90_000 && region["membership"].as_f64().unwrap() > 0.69, "{region}");
    let (_, text, _) = with_url(&["privacy", "report"]);
    assert!(
        text.contains("sizes below the threshold   50.0 %") && text.contains("at best 70 in 100 for a month"),
        "{text}"
    );

    for (arguments, code, says) in [
        (&["regions", "limit", "nowhere", "--units", "1"][..], 1, "no epoch has had people of that region"),
        (&["regions", "limit", "demo-harbor"], 2, "--units"),
        (&["regions", "limit", "demo-harbor", "--units", "-1"], 2, "is not a number of units"),
        (&["keys", "create", "--partner", "acme", "--units", "many"], 2, "is not a number of units"),
        (&["agents", "forget", "zebra-nobody"], 1, "no person in the data has this id"),
        (&["agents", "forget"], 2, "<ID>"),
        (&["epoch", "build", "--words", "none.csv"], 1, "cannot open none.csv"),
    ] {
        let (status, _, printed) = with_url(arguments);
        assert!(status == Some(code) && printed.contains(says), "{arguments:?}: {status:?} {printed}");
        assert!(!printed.contains("zebra"), "{printed}");
    }
    let (status, printed, _) = with_url(&["agents", "forget", "demo_0000007"]);
    assert!(status == Some(0) && printed.starts_with("erased with"), "{printed}");
}

struct Server {
    child: Child,
    banner: String,
}

/// Starts the demo and reads standard output to the end of the banner.
fn demo(dir: &Path) -> Server {
    let mut command = binary(dir);
    command.args(["demo", "--agents", "11000", "--listen-addr", "127.0.0.1:0"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut banner = String::new();
    while !banner.contains("Ctrl-C stops the server.") {
        let Some(line) = lines.next() else { panic!("the demo exited: {banner}") };
        banner.push_str(&line.unwrap());
        banner.push('\n');
    }
    Server { child, banner }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    fn run_curl_line(&self) -> serde_json::Value {
        let line = self.banner.lines().find(|line| line.starts_with("curl ")).unwrap();
        let output = Command::new("sh").args(["-c", line]).output().unwrap();
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Ends the process as Ctrl-C does. Returns the exit code and standard error.
    fn interrupt(mut self) -> (Option<i32>, String) {
        Command::new("kill").args(["-INT", &self.child.id().to_string()]).status().unwrap();
        let status = self.child.wait().unwrap();
        let mut printed = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut printed).unwrap();
        (status.code(), printed)
    }
}

#[test]
fn the_demos_curl_line_answers_a_portrait_and_the_second_start_reuses_the_data() {
    let dir = folder("demo");
    let first = demo(&dir);
    if Command::new("curl").arg("--version").output().is_err() {
        crate::app::left_out("the demo's curl line (curl is not installed)");
        first.interrupt();
        return;
    }
    let answer = first.run_curl_line();
    // The population of this test is a third of the demo's, so some totals are withheld.
    for error in answer["errors"].as_array().into_iter().flatten() {
        assert!(["DOMINANCE", "PRECISION"].iter().any(|reason| error["extensions"]["reason"] == *reason), "{answer}");
    }
    let segment = &answer["data"]["segment"];
    for path in [
        "/behavior/release/id",
        "/personality/release/id",
        "/network/release/id",
        "/behavior/visitsPerPerson/interval95/low",
    ] {
        assert!(segment.pointer(path).is_some_and(|value| !value.is_null()), "{path}: {answer}");
    }
    let (status, printed) = first.interrupt();
    assert_eq!(status, Some(0), "{printed}");
    assert!(printed.contains("synthetic people") && printed.contains("stopped"), "{printed}");

    let second = demo(&dir);
    assert_eq!(second.run_curl_line()["data"], answer["data"], "the same database, the same stored releases");
    let (status, printed) = second.interrupt();
    assert_eq!(status, Some(0), "{printed}");
    assert!(!printed.contains("making"), "{printed}");
}

/// Programs can read the result of every command, except those that run a server or print a text of their own.
#[test]
fn every_command_with_a_result_has_json_output() {
    fn without_json(command: &clap::Command, path: &str, found: &mut Vec<String>) {
        let inner: Vec<_> = command.get_subcommands().filter(|inner| inner.get_name() != "help").collect();
        for inner in &inner {
            without_json(inner, &format!("{path} {}", inner.get_name()), found);
        }
        if inner.is_empty() && command.get_arguments().all(|argument| argument.get_id() != "json") {
            found.push(path.trim().to_owned());
        }
    }
    let mut found = Vec::new();
    without_json(&<spots_enrichment::cli::Cli as clap::CommandFactory>::command(), "", &mut found);
    found.sort();
    assert_eq!(found, ["completions", "demo", "schema", "serve"]);
}

#[test]
fn lists_have_json_output_and_shells_have_completions() {
    let dir = folder("cli");
    let printed = |arguments: &[&str]| {
        let output = run(&dir, arguments);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    printed(&["generate", "--agents", "2000", "--dir", "people"]);
    printed(&["import", "--dir", "people", "--partner", "acme"]);
    printed(&["epoch", "build"]);
    printed(&["keys", "create", "--partner", "acme", "--scopes", "behavior,network"]);
    printed(&["segments", "add", "grown", "--name", "35 and older", "--age-from", "35"]);
    let json = |arguments: &[&str]| -> serde_json::Value {
        serde_json::from_str(&printed(&[arguments, &["--json"]].concat())).unwrap()
    };
    let key = &json(&["keys", "list"])[0];
    assert_eq!(
        (&key["partner"], &key["state"], &key["scopes"], &key["last_used_at"]),
        (&"acme".into(), &"active".into(), &serde_json::json!(["behavior", "network"]), &serde_json::Value::Null)
    );
    let id = key["id"].as_str().unwrap();
    let shown = json(&["keys", "show", id]);
    assert_eq!(
        (&shown["points_per_query"], &shown["units_left"], &shown["events"][0]["action"]),
        (&1000.into(), &20.0.into(), &"create".into())
    );
    assert_eq!(json(&["keys", "usage", id]), serde_json::json!([]));
    assert_eq!(json(&["partners", "list"])[0]["partner"], "acme");
    assert_eq!(json(&["epoch", "list"]).as_array().unwrap().len(), 1);
    assert!(json(&["epoch", "list"])[0]["people"].as_i64().unwrap() > 1000);
    let segment = &json(&["segments", "list"])[0];
    assert_eq!((&segment["slug"], &segment["definition"]["age"]["from"]), (&"grown".into(), &35.into()));
    assert_eq!(json(&["regions", "list"])[0]["cap_mu"], 60_000);
    assert_eq!(json(&["migrate", "status"])[0]["applied"], true);
    assert!(json(&["privacy", "report"])["keys"][0]["cap_mu"].is_i64());
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let text = printed(&["completions", shell]);
        assert!(text.contains("spots-enrichment") && text.contains("points-per-minute"), "{shell}");
    }
    assert_eq!(run(&dir, &["completions", "tcsh"]).status.code(), Some(2));
}

#[test]
fn help_has_examples_and_no_color_without_a_terminal() {
    let dir = folder("cli");
    for command in ["", "import", "epoch", "keys", "segments", "regions", "privacy", "agents", "generate", "migrate"] {
        let arguments: Vec<&str> = [command, "--help"].into_iter().filter(|argument| !argument.is_empty()).collect();
        let help = String::from_utf8(run(&dir, &arguments).stdout).unwrap();
        assert!(
            help.contains("spots-enrichment") && help.contains("xample") || command.is_empty(),
            "{command}: {help}"
        );
        assert!(!help.contains('\u{1b}'), "{command}");
        assert!(help.lines().all(|line| line.chars().count() <= 100), "{command}: {help}");
    }
}
