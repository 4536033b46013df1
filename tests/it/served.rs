//! The real binary as a server process, for tests that kill it, measure it or read its standard error.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use serde_json::{Value, json};

use crate::{app::folder, cli::binary};

/// A server in its own process.
pub struct Served {
    child: Child,
    pub address: String,
    said: Arc<Mutex<String>>,
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Served {
    /// Starts `serve` on a free port over a database, and waits until it listens.
    pub fn start(url: &str, change: impl FnOnce(&mut Command)) -> Self {
        let mut command = binary(&folder("served"));
        command.args(["serve", "--listen-addr", "127.0.0.1:0", "--database-url", url]).env("METRICS_ADDR", "");
        change(&mut command);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let said = Arc::<Mutex<String>>::default();
        let (stderr, saying) = (child.stderr.take().unwrap(), Arc::clone(&said));
        thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                let mut said = saying.lock().unwrap();
                said.push_str(&line);
                said.push('\n');
            }
        });
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on http://").map(str::to_owned);
        let address = address.unwrap_or_else(|| panic!("the server did not start to listen: {}", said.lock().unwrap()));
        Self { child, address, said }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What the server has written to standard error so far.
    pub fn said(&self) -> String {
        self.said.lock().unwrap().clone()
    }

    /// Waits until standard error contains a text; panics after 30 s.
    pub fn wait_for(&self, text: &str) {
        for _ in 0..6_000 {
            if self.said().contains(text) {
                return;
            }
            thread::sleep(Duration::from_millis(5));
        }
        panic!("standard error never contained {text:?}: {}", self.said());
    }

    /// Ends the process as `kill -9` does.
    #[cfg(feature = "mutants")]
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        stream
    }

    /// The response to a document, head and body; empty if the server ends before it answers.
    pub fn raw(&self, key: &str, document: &str) -> String {
        send(self.connect(), key, document)
    }

    /// The body of the response to a document.
    pub fn ask(&self, key: &str, document: &str) -> Value {
        let text = self.raw(key, document);
        let (_, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {text:?}"));
        serde_json::from_str(body).unwrap()
    }
}

/// Sends a document over a connection and returns the response, head and body.
pub fn send(mut stream: TcpStream, key: &str, document: &str) -> String {
    let body = json!({ "query": document }).to_string();
    let head = format!(
        "POST /graphql HTTP/1.1\r\nHost: x\r\nX-API-Key: {key}\r\nContent-Type: application/json\r\n\
         Connection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes()));
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}
