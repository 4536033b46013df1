//! A closed loop over HTTP/1.1: a number of connections, each with one request in flight.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use anyhow::Context;
use http_body_util::{BodyExt as _, Full};
use hyper::{
    Request,
    body::Bytes,
    client::conn::http1::{SendRequest, handshake},
    header::{CONTENT_TYPE, HOST, HeaderValue},
};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;

use crate::{environment::ServerProcess, measurement::Measurement};

/// The request that a connection sends next, by the number of the connection and the number of requests it has sent.
pub type RequestSource = Box<dyn Fn(usize, u64) -> PreparedRequest + Send + Sync>;

/// Where requests go, and which ones.
pub struct Target {
    pub path: &'static str,
    pub requests: RequestSource,
}

impl Target {
    /// Sends the same request every time.
    #[must_use]
    pub fn same(path: &'static str, key: &str, document: &str) -> Self {
        let request = PreparedRequest::new(key, document);
        Self { path, requests: Box::new(move |_, _| request.clone()) }
    }
}

/// A key and a body, ready to be sent.
#[derive(Clone)]
pub struct PreparedRequest {
    key: HeaderValue,
    body: Bytes,
}

impl PreparedRequest {
    /// # Panics
    /// If the key holds other characters than visible ASCII.
    #[must_use]
    pub fn new(key: &str, document: &str) -> Self {
        let key = HeaderValue::from_str(key).unwrap_or_else(|_| panic!("a key is visible ASCII"));
        Self { key, body: json!({ "query": document }).to_string().into() }
    }
}

/// The answers of one call of [`run`].
#[derive(Default)]
pub struct Outcome {
    micros: Vec<u32>,
    codes: BTreeMap<String, u64>,
    elapsed: Duration,
    cpu: Option<Duration>,
}

/// Sends requests for `duration`.
///
/// # Errors
/// The server stops or cannot be reached.
pub async fn run(
    target: &Target,
    connections: usize,
    duration: Duration,
    server: &ServerProcess,
) -> anyhow::Result<Outcome> {
    let mut senders = Vec::new();
    for _ in 0..connections {
        senders.push(connect(server).await?);
    }
    let (cpu, started) = (server.cpu(), Instant::now());
    let ends = started + duration;
    let loops = senders.into_iter().enumerate().map(|(number, sender)| send(target, number, sender, server, ends));
    let parts = futures_util::future::try_join_all(loops).await?;
    let mut outcome = Outcome {
        elapsed: started.elapsed(),
        cpu: cpu.zip(server.cpu()).map(|(before, after)| after.saturating_sub(before)),
        ..Outcome::default()
    };
    for part in parts {
        outcome.micros.extend(part.micros);
        part.codes.into_iter().for_each(|(code, count)| *outcome.codes.entry(code).or_default() += count);
    }
    Ok(outcome)
}

/// Sends the first request of a target on a new connection, and returns its time in microseconds and the first error's
/// code.
///
/// # Errors
/// The server stops or cannot be reached.
pub async fn once(target: &Target, server: &ServerProcess) -> anyhow::Result<(u32, Option<String>)> {
    let mut sender = connect(server).await?;
    let host = HeaderValue::from_str(&server.address.to_string())?;
    let started = Instant::now();
    let body = exchange(target, (target.requests)(0, 0), &host, &mut sender).await?;
    Ok((u32::try_from(started.elapsed().as_micros()).unwrap_or(u32::MAX), code(&body)))
}

async fn connect(server: &ServerProcess) -> anyhow::Result<SendRequest<Full<Bytes>>> {
    let stream = TcpStream::connect(server.address).await.context("the server cannot be reached")?;
    stream.set_nodelay(true)?;
    let (sender, connection) = handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(sender)
}

/// Sends a request and reads the body of the answer.
async fn exchange(
    target: &Target,
    request: PreparedRequest,
    host: &HeaderValue,
    sender: &mut SendRequest<Full<Bytes>>,
) -> anyhow::Result<Bytes> {
    let PreparedRequest { key, body } = request;
    let mut request = Request::post(target.path).body(Full::new(body))?;
    let headers = request.headers_mut();
    headers.insert(HOST, host.clone());
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert("x-api-key", key);
    sender.ready().await.context("the server closed the connection")?;
    let answer = sender.send_request(request).await.context("the server closed the connection")?;
    Ok(answer.into_body().collect().await?.to_bytes())
}

/// One connection's loop. All loops share a task, so that the load generator takes as little CPU time as possible.
async fn send(
    target: &Target,
    number: usize,
    mut sender: SendRequest<Full<Bytes>>,
    server: &ServerProcess,
    ends: Instant,
) -> anyhow::Result<Outcome> {
    let mut outcome = Outcome::default();
    let host = HeaderValue::from_str(&server.address.to_string())?;
    for count in 0.. {
        let started = Instant::now();
        if started >= ends {
            break;
        }
        let body = exchange(target, (target.requests)(number, count), &host, &mut sender).await?;
        outcome.micros.push(u32::try_from(started.elapsed().as_micros()).unwrap_or(u32::MAX));
        if let Some(code) = code(&body) {
            *outcome.codes.entry(code).or_default() += 1;
        }
    }
    Ok(outcome)
}

/// The first error's code. Answers without errors are not parsed, to save CPU time.
fn code(body: &[u8]) -> Option<String> {
    const ERRORS: &[u8] = b"\"errors\":[{";
    if !body.windows(ERRORS.len()).any(|part| part == ERRORS) {
        return None;
    }
    let answer: Value = serde_json::from_slice(body).ok()?;
    Some(answer["errors"][0]["extensions"]["code"].as_str().unwrap_or("(no code)").to_owned())
}

impl Outcome {
    /// Adds a round.
    pub fn add(&mut self, other: Self) {
        self.cpu = if self.micros.is_empty() { other.cpu } else { self.cpu.zip(other.cpu).map(|(a, b)| a + b) };
        self.micros.extend(other.micros);
        other.codes.into_iter().for_each(|(code, count)| *self.codes.entry(code).or_default() += count);
        self.elapsed += other.elapsed;
    }

    #[must_use]
    pub fn per_second(&self) -> f64 {
        self.micros.len() as f64 / self.elapsed.as_secs_f64().max(1e-9)
    }

    /// The result, compared with the baseline's requests per second.
    #[must_use]
    pub fn measurement(mut self, workload: &'static str, connections: usize, baseline: Option<f64>) -> Measurement {
        self.micros.sort_unstable();
        let answers = self.micros.len();
        let percentile = |percent: usize| {
            let index = (answers * percent).div_ceil(100).saturating_sub(1);
            f64::from(self.micros.get(index).copied().unwrap_or_default()) / 1_000.0
        };
        Measurement {
            workload,
            connections,
            answers: answers as u64,
            per_second: self.per_second(),
            p50_ms: percentile(50),
            p95_ms: percentile(95),
            p99_ms: percentile(99),
            cpu_s_per_1000: self.cpu.filter(|_| answers > 0).map(|cpu| cpu.as_secs_f64() * 1_000.0 / answers as f64),
            of_baseline: baseline.map(|baseline| self.per_second() / baseline),
            codes: self.codes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_rates_and_codes_are_those_of_what_came_back() {
        let mut outcome = Outcome {
            micros: (1..=99).rev().map(|number| number * 1_000).collect(),
            codes: BTreeMap::new(),
            elapsed: Duration::from_secs(1),
            cpu: Some(Duration::from_millis(30)),
        };
        outcome.add(Outcome {
            micros: vec![100_000],
            codes: [("TIMEOUT".to_owned(), 1)].into(),
            elapsed: Duration::from_secs(1),
            cpu: Some(Duration::from_millis(20)),
        });
        let line = outcome.measurement("W0", 2, Some(100.0));
        assert_eq!((line.answers, line.per_second, line.of_baseline), (100, 50.0, Some(0.5)));
        assert_eq!((line.p50_ms, line.p95_ms, line.p99_ms), (50.0, 95.0, 99.0));
        assert_eq!((line.cpu_s_per_1000, line.codes["TIMEOUT"]), (Some(0.5), 1));
        let nothing = Outcome::default().measurement("W0", 1, None);
        assert_eq!((nothing.answers, nothing.p99_ms, nothing.cpu_s_per_1000), (0, 0.0, None));
    }

    #[test]
    fn codes_are_read_from_answers_that_have_some() {
        assert_eq!(code(br#"{"data":{"a":1}}"#), None);
        assert_eq!(
            code(br#"{"errors":[{"message":"x","extensions":{"code":"TIMEOUT"}}]}"#).as_deref(),
            Some("TIMEOUT")
        );
        assert_eq!(code(br#"{"data":null,"errors":[{"message":"x"}]}"#).as_deref(), Some("(no code)"));
    }
}
