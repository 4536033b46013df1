//! Hostile input: the server answers each attack with a code or closes the connection, its memory stays bounded, and it
//! serves the next request.

use std::{
    fmt::Write as _,
    io::{Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

use serde_json::{Value, json};
use spots_enrichment::server::{listener, state::Timeouts};

use crate::{
    app::{ALL, NOW, On, TestApp, TestDb},
    served::Served,
};

/// The real binary over a database of its own.
struct Server {
    served: Served,
    key: String,
    _database: TestDb,
}

impl Server {
    async fn start() -> Self {
        let database = TestApp::database(On::Sqlite).await;
        let app = TestApp::over(database, NOW, 1).await;
        let plenty = spots_enrichment::domain::key::Limits {
            per_minute: 10_000,
            ..spots_enrichment::domain::key::Limits::DEFAULT
        };
        let key = app.limited(plenty).await.key.clone();
        let TestApp { database, .. } = app;
        let served = Served::start(&database.url, |_| {});
        Self { served, key, _database: database }
    }

    /// A value of `/proc/PID/status`, in KiB.
    fn memory(&self, name: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.served.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    fn connect(&self) -> TcpStream {
        self.served.connect()
    }

    fn head(&self, more: &str) -> String {
        format!(
            "POST /graphql HTTP/1.1\r\nHost: x\r\nX-API-Key: {}\r\nContent-Type: application/json\r\n\
             Accept: application/graphql-response+json\r\nConnection: close\r\n{more}\r\n\r\n",
            self.key
        )
    }

    /// Status and error code of the response to a document.
    fn ask(&self, document: &str) -> (u16, String) {
        self.post(&json!({"query": document}).to_string())
    }

    fn post(&self, body: &str) -> (u16, String) {
        let mut stream = self.connect();
        // The server may reject the request before all of it is sent.
        let _ = stream.write_all(self.head(&format!("Content-Length: {}", body.len())).as_bytes());
        let _ = stream.write_all(body.as_bytes());
        answer(&mut stream)
    }
}

fn answer(stream: &mut TcpStream) -> (u16, String) {
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes);
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let status = text.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default();
    let body = text.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    let body: Value = serde_json::from_str(body).unwrap_or(Value::Null);
    (status, body["errors"][0]["extensions"]["code"].as_str().unwrap_or_default().to_owned())
}

/// Nested fragments that expand to 2^levels selections.
fn bomb(levels: usize) -> String {
    let mut text = "{ ...f0 }".to_owned();
    for level in 0..levels {
        let _ = write!(text, "fragment f{level} on Query{{...f{0} ...f{0}}}", level + 1);
    }
    let _ = write!(text, "fragment f{levels} on Query{{__typename}}");
    text
}

#[tokio::test]
async fn every_attack_is_answered_with_a_code_and_the_next_request_is_served() {
    let server = Server::start().await;
    tokio::task::spawn_blocking(move || attack(&server)).await.unwrap();
}

fn attack(server: &Server) {
    let repeat = |text: &str, times: usize| text.repeat(times);
    let aliases: String = (0..10_000).fold(String::new(), |mut text, number| {
        let _ = write!(text, "a{number}:__typename ");
        text
    });
    let documents = [
        ("brackets", format!("{{ f(a: {}{}) }}", repeat("[", 1_500), repeat("]", 1_500)), 400, "DOCUMENT_TOO_DEEP"),
        ("open brackets", repeat("{", 100_000), 400, "DOCUMENT_TOO_DEEP"),
        (
            "list types",
            format!("query($a: {}Int{}) {{ __typename }}", repeat("[", 1_500), repeat("]", 1_500)),
            400,
            "DOCUMENT_TOO_DEEP",
        ),
        ("fragment bomb", bomb(22), 400, "DOCUMENT_TOO_COMPLEX"),
        ("a chain of fragments", bomb(300), 400, "DOCUMENT_TOO_DEEP"),
        ("aliases", format!("{{ {aliases} }}"), 400, "DOCUMENT_TOO_COMPLEX"),
        ("2^62", "{ segments(first: 4611686018427387904) { nodes { id } } }".to_owned(), 400, "BAD_USER_INPUT"),
        (
            "2^63 backwards",
            "{ segments(last: -9223372036854775808) { nodes { id } } }".to_owned(),
            400,
            "BAD_USER_INPUT",
        ),
        ("directives", format!("{{ __typename {} }}", repeat("@a ", 10_000)), 400, "DOCUMENT_TOO_COMPLEX"),
        ("skips", format!("{{ __typename {} }}", repeat("@skip(if: false) ", 51)), 400, "DOCUMENT_TOO_COMPLEX"),
        ("commas", repeat(",", 250_000), 400, "INVALID_REQUEST"),
        ("a comment", format!("#{}", repeat("x", 250_000)), 400, "INVALID_REQUEST"),
        (
            "a string",
            format!("{{ segment(precision: FINEST, slug: \"{}\") {{ id }} }}", repeat("x", 250_000)),
            200,
            "INVALID_SEGMENT",
        ),
        (
            "an open string",
            format!("{{ segment(precision: FINEST, slug: \"{}", repeat("x", 250_000)),
            400,
            "INVALID_REQUEST",
        ),
        (
            "root fields",
            format!("mutation {{ {} }}", repeat("x: deleteSegment(slug: \"a\") ", 51)),
            400,
            "DOCUMENT_TOO_COMPLEX",
        ),
        ("too long", repeat(" ", 300_000), 413, "DOCUMENT_TOO_LARGE"),
    ];
    assert_eq!(server.ask("{ __typename }"), (200, String::new()));
    let before = server.memory("VmRSS");
    for (name, document, status, code) in &documents {
        assert_eq!(server.ask(document), (*status, (*code).to_owned()), "{name}");
        assert_eq!(server.ask("{ __typename }"), (200, String::new()), "after {name}");
    }

    // Deeply nested JSON.
    let nested = format!(
        "{{\"query\": \"{{ __typename }}\", \"variables\": {{\"a\": {}{}}}}}",
        repeat("[", 50_000),
        repeat("]", 50_000)
    );
    assert_eq!(server.post(&nested), (400, "DOCUMENT_TOO_DEEP".to_owned()));
    let batch = format!("[{}]", vec![r#"{"query": "{ __typename }"}"#; 100].join(","));
    assert_eq!(server.post(&batch), (400, "INVALID_REQUEST".to_owned()));

    // 64 MiB in chunks, without `Content-Length`.
    let mut stream = server.connect();
    stream.write_all(server.head("Transfer-Encoding: chunked").as_bytes()).unwrap();
    let chunk = format!("10000\r\n{}\r\n", repeat(" ", 65_536));
    for _ in 0..1_024 {
        if stream.write_all(chunk.as_bytes()).is_err() {
            break;
        }
    }
    let (status, code) = answer(&mut stream);
    // The server answers and closes. Data that is still in transit may reset the connection before the answer is read.
    assert!(status == 0 || (status, code.as_str()) == (413, "DOCUMENT_TOO_LARGE"), "{status} {code}");

    // A compressed body, which could be a decompression bomb.
    let mut stream = server.connect();
    stream.write_all(server.head("Content-Encoding: gzip\r\nContent-Length: 4").as_bytes()).unwrap();
    stream.write_all(&[0x1f, 0x8b, 8, 0]).unwrap();
    assert_eq!(answer(&mut stream), (415, "INVALID_REQUEST".to_owned()));

    // Many connections that send nothing, and many that stop in the middle of a body.
    let idle: Vec<_> = (0..200).map(|_| server.connect()).collect();
    let half: Vec<_> = (0..100)
        .map(|_| {
            let mut stream = server.connect();
            stream.write_all(server.head("Content-Length: 200000").as_bytes()).unwrap();
            stream.write_all(repeat("x", 1_000).as_bytes()).unwrap();
            stream
        })
        .collect();
    assert_eq!(server.ask("{ __typename }"), (200, String::new()), "while slow clients are connected");
    drop((idle, half));

    let grown = server.memory("VmHWM").saturating_sub(before);
    assert!(grown < 32 * 1024, "memory grew by {grown} KiB");
}

/// A server in this process with timeouts of 300 ms (900 ms for idle connections).
async fn with_short_timeouts() -> (String, tokio::task::JoinHandle<()>, TestApp) {
    let short = Duration::from_millis(300);
    let timeouts = Timeouts { header: short, body: short, idle: 3 * short, request: short };
    let app = TestApp::with(On::Sqlite, |given| given.timeouts = timeouts).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let router = spots_enrichment::app(app.state.clone());
    let serving = tokio::spawn(listener::serve(listener, router, timeouts, std::future::pending()));
    (address, serving, app)
}

/// Sends bytes and returns everything that the server sends until it closes the connection.
async fn until_closed(address: String, sent: Vec<u8>) -> String {
    let reading = tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.write_all(&sent).unwrap();
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).map(|_| bytes)
    });
    String::from_utf8(reading.await.unwrap().expect("the server did not close the connection")).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_headers_slow_bodies_and_idle_connections_time_out() {
    let (address, serving, app) = with_short_timeouts().await;
    let key = app.client(&ALL).await.key.clone();
    assert_eq!(until_closed(address.clone(), Vec::new()).await, "", "a connection that sends nothing");
    assert_eq!(until_closed(address.clone(), b"PRI * HT".to_vec()).await, "", "half a preface");
    assert_eq!(
        until_closed(address.clone(), b"POST /graphql HTTP/1.1\r\nHost: x\r\nX-".to_vec()).await,
        "",
        "slow headers"
    );
    let head = format!(
        "POST /graphql HTTP/1.1\r\nHost: x\r\nX-API-Key: {key}\r\nContent-Type: application/json\r\nContent-Length: \
            100\r\n\r\n"
    );
    let slow = until_closed(address.clone(), format!("{head}{{").into_bytes()).await;
    assert!(slow.starts_with("HTTP/1.1 408 ") && slow.contains("\"TIMEOUT\""), "{slow}");
    // Two requests on one connection, then nothing.
    let body = r#"{"query": "{ __typename }"}"#;
    let whole = format!("{}{body}", head.replace("100", &body.len().to_string()));
    let kept = until_closed(address, whole.repeat(2).into_bytes()).await;
    assert_eq!(kept.matches("HTTP/1.1 200 OK").count(), 2, "{kept}");
    serving.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_between_two_requests_does_not_hit_the_header_timeout() {
    let (address, serving, app) = with_short_timeouts().await;
    let key = app.client(&ALL).await.key.clone();
    let body = r#"{"query": "{ __typename }"}"#;
    let request = format!(
        "POST /graphql HTTP/1.1\r\nHost: x\r\nX-API-Key: {key}\r\nContent-Type: application/json\r\nContent-Length: \
            {}\r\n\r\n{body}",
        body.len()
    );
    let asking = tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        let mut buffer = [0; 4_096];
        let mut statuses = Vec::new();
        for _ in 0..2 {
            stream.write_all(request.as_bytes()).unwrap();
            let length = stream.read(&mut buffer).unwrap();
            statuses.push(String::from_utf8_lossy(&buffer[..length.min(15)]).into_owned());
            // Longer than the header timeout, shorter than the idle timeout.
            std::thread::sleep(Duration::from_millis(500));
        }
        statuses
    });
    assert_eq!(asking.await.unwrap(), ["HTTP/1.1 200 OK"; 2]);
    serving.abort();
}

/// A 401 or 429 leaves the connection usable, or announces that it closes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rejected_request_leaves_the_connection_open_or_announces_the_close() {
    let (address, serving, app) = with_short_timeouts().await;
    let limits =
        spots_enrichment::domain::key::Limits { per_minute: 1, ..spots_enrichment::domain::key::Limits::DEFAULT };
    let right = app.limited(limits).await.key.clone();
    let wrong = format!("spots_poc_acme_{}", spots_enrichment::domain::random::random_hex(16).unwrap());
    for (key, status, first) in [(&right, "429", 1), (&wrong, "401", 0)] {
        let body = format!("{{\"query\": \"{{ __typename }} #{}\"}}", "x".repeat(20_000));
        let request = format!(
            "POST /graphql HTTP/1.1\r\nHost: x\r\nX-API-Key: {key}\r\nContent-Type: application/json\r\n\
                Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let reply = until_closed(address.clone(), request.repeat(6).into_bytes()).await;
        assert_eq!(reply.matches(&format!("HTTP/1.1 {status} ")).count(), 6 - first, "{reply}");
        assert!(!reply.to_lowercase().contains("connection: close"), "{reply}");
    }
    // Other routes read and discard the body.
    let request = format!("POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 150000\r\n\r\n{}", "x".repeat(150_000));
    let reply = until_closed(address.clone(), request.repeat(3).into_bytes()).await;
    assert_eq!(reply.matches("HTTP/1.1 404 ").count(), 3, "{reply}");
    // A body that is far too large is answered, and the client can read the answer.
    let request = format!(
        "POST /graphql HTTP/1.1\r\nHost: x\r\nX-API-Key: {right}\r\nContent-Type: application/json\r\nContent-Length: \
            8000000\r\n\r\n{}",
        " ".repeat(8_000_000)
    );
    let limits = spots_enrichment::domain::key::Limits::DEFAULT;
    let request = request.replace(&right, &app.limited(limits).await.key);
    let reply = until_closed(address.clone(), request.into_bytes()).await;
    assert!(reply.starts_with("HTTP/1.1 413 ") && reply.contains("DOCUMENT_TOO_LARGE"), "{reply}");
    // An incomplete body cannot be skipped, so the connection closes.
    let request = format!(
        "POST /graphql HTTP/1.1\r\nHost: x\r\nX-API-Key: {wrong}\r\nContent-Type: application/json\r\nContent-Length: \
            100\r\n\r\n{{"
    );
    let reply = until_closed(address, request.into_bytes()).await;
    assert!(reply.starts_with("HTTP/1.1 401 ") && reply.to_lowercase().contains("connection: close"), "{reply}");
    serving.abort();
}

/// Documents that each took seconds or hundreds of MiB before these limits existed.
#[tokio::test]
async fn large_names_variables_and_introspections_are_rejected_early() {
    let app = TestApp::with_public_introspection().await;
    let client = app.client(&ALL).await;
    let long = "A".repeat(100_000);
    let many = vec!["x"; 60_000];
    let some = vec!["x"; 500];
    let cohorts: String = (0..49).fold(String::new(), |mut text, number| {
        let _ = write!(text, "a{number}: cohort(precision: FINEST, definition: $d) {{ id }} ");
        text
    });
    let cohorts = format!("query ($d: SegmentDefinition!) {{ {cohorts} }}");
    let aliases: String = (0..25).fold(String::new(), |mut text, number| {
        let _ = write!(text, "a{number}: description ");
        text
    });
    let long_answer = (0..90).fold(
        "{ a: segments(first: 100) { nodes { ...f } } b: segments(first: 100) { nodes { ...f } } } fragment f on \
            Segment {"
            .to_owned(),
        |mut text, number| {
            let _ = write!(text, " {}{number}: name", "k".repeat(190));
            text
        },
    ) + " }";
    for (query, variables, code) in [
        (format!("{{ {long}: segment(precision: FINEST, slug: \"x\") {{ id }} }}"), json!({}), "DOCUMENT_TOO_COMPLEX"),
        (cohorts.clone(), json!({"d": {"interests": many}}), "DOCUMENT_TOO_COMPLEX"),
        (cohorts, json!({"d": {"interests": some}}), "DOCUMENT_TOO_COMPLEX"),
        (format!("{{ __schema {{ types {{ {aliases} }} }} }}"), json!({}), "DOCUMENT_TOO_COMPLEX"),
        (long_answer, json!({}), "DOCUMENT_TOO_COMPLEX"),
        (
            "{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }".to_owned(),
            json!({}),
            "DOCUMENT_TOO_DEEP",
        ),
    ] {
        let answer = client.ask_with(&query, variables).await;
        assert_eq!((answer.status.as_u16(), answer.codes()), (400, vec![code]), "{}", &query[..60]);
    }
    // The length of a slug does not matter.
    let answer = client
        .ask_with("query ($s: String!) { segment(precision: FINEST, slug: $s) { id } }", json!({"s": long}))
        .await;
    assert_eq!(answer.codes(), ["INVALID_SEGMENT"]);
    assert!(answer.text.len() < 1_000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopping_server_answers_what_is_in_flight() {
    let app = TestApp::new(On::Sqlite).await;
    let key = app.client(&ALL).await.key.clone();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let router = spots_enrichment::app(app.state.clone());
    let serving = tokio::spawn(listener::serve(listener, router, Timeouts::default(), async {
        let _ = stopped.await;
    }));
    // Another transaction holds the write lock, so the release waits.
    let lock = spots_enrichment::storage::db::begin_write(app.db()).await.unwrap();
    let body =
        r#"{"query": "{ cohort(precision: FINEST, definition: {regions: [\"demo-harbor\"]}) { size { value } } }"}"#;
    let request = format!(
        "POST /graphql HTTP/1.1\r\nHost: x\r\nX-API-Key: {key}\r\nContent-Type: application/json\r\nContent-Length: \
            {}\r\n\r\n{body}",
        body.len()
    );
    let asking = tokio::spawn(until_closed(address.clone(), request.into_bytes()));
    tokio::time::sleep(Duration::from_millis(300)).await;
    stop.send(()).unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(TcpStream::connect(&address).is_err(), "a new connection was accepted");
    lock.rollback().await.unwrap();
    assert!(asking.await.unwrap().starts_with("HTTP/1.1 200 OK"));
    serving.await.unwrap();
}
