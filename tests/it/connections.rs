//! Connections to the database: each cause of a failure has its own message, and few connections only make requests
//! wait.

use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
    sync::{Arc, Mutex},
};

use sea_orm::{ConnectionTrait as _, DbBackend, Statement};
use spots_enrichment::storage::db;

use crate::app::{ALL, NOW, On, TestApp, databases, folder};

/// A server on a free port that gives this response to the first bytes that it reads.
fn server_that_answers(response: &'static [u8]) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            let _ = stream.read(&mut [0; 1024]);
            let _ = stream.write_all(response);
        }
    });
    port
}

async fn error_of(url: &str) -> String {
    let error = format!("{:#}", db::connect(url).await.err().unwrap());
    assert!(!error.contains("geheim"), "{error}");
    error
}

#[tokio::test]
async fn each_cause_of_a_failed_connection_has_its_own_message() {
    let free_port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let (web, silent) = (server_that_answers(b"HTTP/1.1 400 Bad Request\r\n\r\n"), server_that_answers(b""));
    for (server, expected) in [
        (format!("127.0.0.1:{free_port}"), "is it running?"),
        ("no-such-host.invalid".to_owned(), "its host name is unknown"),
        (format!("127.0.0.1:{web}"), "the server is not PostgreSQL"),
        (format!("127.0.0.1:{silent}"), "the server is not PostgreSQL"),
    ] {
        let error = error_of(&format!("postgres://spots:geheim@{server}/spots")).await;
        assert!(error.contains(expected), "{server}: {error}");
    }
    let folder = folder("connections");
    let text = folder.join("text.db");
    std::fs::write(
        &text,
        "This is a letter, not a database, and it is longer than a header of a hundred bytes. ".repeat(3),
    )
    .unwrap();
    for (url, expected) in [
        ("mysql://spots:geheim@127.0.0.1/spots".to_owned(), "must begin with sqlite:// or postgres://"),
        (format!("sqlite://{}?mode=rwc", folder.display()), "is not a file"),
        (format!("sqlite://{}?mode=rwc", text.display()), "it is not an SQLite database"),
        (format!("sqlite://{}/none.db", folder.display()), "there is no database"),
    ] {
        let error = error_of(&url).await;
        assert!(error.contains(expected), "{url}: {error}");
    }
    assert!(!folder.join("none.db").exists());
    if databases().contains(&On::Postgres) {
        let database = TestApp::database(On::Postgres).await;
        let error = error_of(&format!("{}_missing", database.url)).await;
        assert!(error.contains("there is no database of this name"), "{error}");
    }
}

/// Eight requests at once over three connections: they wait for each other, and all are answered.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn few_connections_make_requests_wait_and_none_fails() {
    if !databases().contains(&On::Postgres) {
        return;
    }
    let database = TestApp::database(On::Postgres).await;
    database.execute("alter database NAME connection limit 3").await;
    let app = TestApp::over(database, NOW, 1).await;
    let mut clients = Vec::new();
    for _ in 0..8 {
        clients.push(app.client(&ALL).await);
    }
    // New to each key, so that each request writes.
    let question = "{ cohort(precision: FINEST,
        definition: { regions: [\"demo-harbor\"] }) { size { value } behavior { release { id } } } }";
    let answers = futures_util::future::join_all(clients.iter().map(|client| client.ask(question))).await;
    for answer in answers {
        assert!(answer.ok()["cohort"]["size"]["value"].is_u64(), "{:?}", answer.body);
    }
    let count = "select count(*) from pg_stat_activity where datname = current_database()";
    let row = app.db().query_one_raw(Statement::from_string(DbBackend::Postgres, count)).await.unwrap().unwrap();
    let open: i64 = row.try_get_by_index(0).unwrap();
    assert!((1..=3).contains(&open), "{open} connections");
}

#[tokio::test]
async fn writers_of_an_sqlite_file_take_turns_in_the_order_in_which_they_came() {
    let file = folder("turns").join("turns.db");
    let db = db::connect(&db::sqlite_url(&file)).await.unwrap();
    let first = db::begin_write(&db).await.unwrap();
    let order = Arc::new(Mutex::new(Vec::new()));
    let mut writers = Vec::new();
    for number in 0..20 {
        let (db, order) = (db.clone(), Arc::clone(&order));
        writers.push(tokio::spawn(async move {
            let transaction = db::begin_write(&db).await.unwrap();
            order.lock().unwrap().push(number);
            transaction.rollback().await.unwrap();
        }));
        // The test runs on one thread: the writer now waits for its turn.
        tokio::task::yield_now().await;
    }
    assert!(order.lock().unwrap().is_empty(), "a writer did not wait");
    first.commit().await.unwrap();
    for writer in writers {
        writer.await.unwrap();
    }
    assert_eq!(*order.lock().unwrap(), (0..20).collect::<Vec<_>>());
}
