//! Traces reach a collector: one span per request, without anything that the request log does not hold.

use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
    process::Command,
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use crate::{
    app::{On, TestApp, folder},
    cli::binary,
    served::Served,
};

/// An HTTP server that stores every request body and answers 200.
struct Collector {
    address: String,
    received: Arc<Mutex<Vec<u8>>>,
}

impl Collector {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let received = Arc::<Mutex<Vec<u8>>>::default();
        let sink = Arc::clone(&received);
        thread::spawn(move || {
            for mut stream in listener.incoming().map_while(Result::ok) {
                let sink = Arc::clone(&sink);
                thread::spawn(move || {
                    let (mut bytes, mut chunk) = (Vec::new(), vec![0; 65_536]);
                    loop {
                        let read = stream.read(&mut chunk).unwrap_or_default();
                        if read == 0 {
                            return;
                        }
                        bytes.extend_from_slice(&chunk[..read]);
                        let text = String::from_utf8_lossy(&bytes).to_ascii_lowercase();
                        let Some((head, _)) = text.split_once("\r\n\r\n") else { continue };
                        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
                        let whole = head.len() + 4 + length.trim().parse::<usize>().unwrap();
                        // Lossy text can be longer than the bytes, but never shorter.
                        if bytes.len() >= whole {
                            sink.lock().unwrap().append(&mut bytes);
                            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").unwrap();
                        }
                    }
                });
            }
        });
        Self { address, received }
    }

    fn has(&self, part: &[u8]) -> bool {
        self.received.lock().unwrap().windows(part.len()).any(|window| window == part)
    }

    fn wait_for(&self, part: &[u8]) {
        for _ in 0..2_000 {
            if self.has(part) {
                return;
            }
            thread::sleep(Duration::from_millis(5));
        }
        panic!("the collector never received: {}", String::from_utf8_lossy(part));
    }
}

fn key(url: &str) -> String {
    let arguments = ["keys", "create", "--partner", "acme", "--database-url", url];
    let made = binary(&folder("trace")).args(arguments).output().unwrap();
    String::from_utf8(made.stdout).unwrap().trim().to_owned()
}

#[tokio::test]
async fn a_request_is_a_span_of_the_trace_of_its_traceparent() {
    let database = TestApp::database(On::Sqlite).await;
    let (collector, key) = (Collector::start(), key(&database.url));
    let served = Served::start(&database.url, |command| {
        let endpoint = format!("http://{}/", collector.address);
        // The export interval is 10 minutes: spans are sent only when the server stops.
        command.env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint).env("OTEL_BSP_SCHEDULE_DELAY", "600000");
    });
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let body = r#"{"query": "query Portrait { cohort(definition: {}) { size { value } nonsense: knot { writhe } } }"}"#;
    let mut stream = served.connect();
    write!(
        stream,
        "POST /graphql HTTP/1.1\r\nHost: x\r\nX-API-Key: {key}\r\nContent-Type: application/json\r\n\
         traceparent: 00-{trace}-00f067aa0ba902b7-01\r\nX-Request-Id: traced-1\r\nConnection: close\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.contains("\"data\""), "{answer}");
    assert!(served.raw("wrong", "{ __typename }").contains("AUTHENTICATION_FAILED"));
    assert!(Command::new("kill").args(["-TERM", &served.id().to_string()]).status().unwrap().success());

    collector.wait_for(b"traced-1");
    for part in
        ["/v1/traces", "POST /graphql", "Portrait", "spots.points", "spots.units", "acme", "AUTHENTICATION_FAILED"]
    {
        assert!(collector.has(part.as_bytes()), "{part}");
    }
    assert!(collector.has(&hex::decode(trace).unwrap()), "the trace id of the request");
    for part in [key.as_str(), "nonsense", "writhe", "traceparent"] {
        assert!(!collector.has(part.as_bytes()), "{part}");
    }
}

#[tokio::test]
async fn requests_are_served_without_a_collector() {
    let database = TestApp::database(On::Sqlite).await;
    let key = key(&database.url);
    let served = Served::start(&database.url, |command| {
        // No process listens on this port.
        command
            .env("OTEL_EXPORTER_OTLP_ENDPOINT", "http://user:geheim@127.0.0.1:9")
            .env("OTEL_BSP_SCHEDULE_DELAY", "50");
    });
    assert_eq!(served.ask(&key, "{ __typename }")["data"]["__typename"], "Query");
    served.wait_for("the trace collector cannot be reached");
    assert_eq!(served.ask(&key, "{ __typename }")["data"]["__typename"], "Query");
    assert!(!served.said().contains("geheim"), "{}", served.said());

    let wrong = binary(&folder("trace"))
        .args(["serve", "--database-url", &database.url, "--metrics-addr", "", "--listen-addr", "127.0.0.1:0"])
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", "ftp://user:geheim@collector")
        .output()
        .unwrap();
    let said = String::from_utf8(wrong.stderr).unwrap();
    assert!(wrong.status.code() == Some(1) && said.contains("must begin with http://"), "{said}");
    assert!(!said.contains("geheim"), "{said}");
}
