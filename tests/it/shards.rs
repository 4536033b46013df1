//! A ClickHouse cluster of two shards on loopback ports, with the users that production has.

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use migration::{Migrator, MigratorTrait as _};
use sea_orm::DatabaseConnection;
use spots_enrichment::storage::{db, warehouse::Warehouse};

use crate::app::{On, TestDb, databases, folder, left_out};

const SHARDS: usize = 2;

/// The servers. They and their files are removed on drop.
pub struct Shards {
    folder: PathBuf,
    /// HTTP ports.
    ports: [u16; SHARDS],
    servers: Vec<Child>,
}

/// A database of the cluster and the PostgreSQL database that goes with it.
pub struct TestWarehouse {
    pub database: TestDb,
    pub db: DatabaseConnection,
    /// With the user who may write.
    pub warehouse: Warehouse,
    /// With the user who may only read, as a server needs it.
    pub reader: Warehouse,
    pub url: String,
}

impl Shards {
    /// Starts the servers; `None` if ClickHouse or PostgreSQL is missing.
    pub fn start() -> Option<Self> {
        if !databases().contains(&On::Postgres) {
            return None;
        }
        // It has no option that only tells its version.
        let found =
            Command::new("clickhouse-server").arg("--help").stdout(Stdio::null()).stderr(Stdio::null()).status();
        if found.is_err() {
            left_out("ClickHouse (clickhouse-server is not installed)");
            return None;
        }
        let folder = folder("shards");
        let listeners: Vec<TcpListener> = (0..3 * SHARDS).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
        let ports: Vec<u16> = listeners.iter().map(|listener| listener.local_addr().unwrap().port()).collect();
        drop(listeners);
        let replica = |tcp: u16| {
            format!(
                "<shard><internal_replication>true</internal_replication><replica><host>127.0.0.1</host>
                 <port>{tcp}</port><user>spots</user><password>secret</password></replica></shard>"
            )
        };
        let cluster = format!("<spots>{}{}</spots>", replica(ports[1]), replica(ports[4]));
        for shard in 0..SHARDS {
            write_configuration(&folder.join(shard.to_string()), &ports[3 * shard..3 * shard + 3], &cluster);
        }
        let mut shards = Self { folder, ports: [ports[0], ports[3]], servers: Vec::new() };
        shards.servers = (0..SHARDS).map(|shard| shards.spawn(shard)).collect();
        (0..SHARDS).for_each(|shard| shards.wait(shard));
        Some(shards)
    }

    fn spawn(&self, shard: usize) -> Child {
        let folder = self.folder.join(shard.to_string());
        Command::new("clickhouse-server")
            .arg(format!("--config-file={}", folder.join("config.xml").display()))
            .current_dir(&folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    }

    fn wait(&self, shard: usize) {
        let address = format!("http://127.0.0.1:{}/ping", self.ports[shard]);
        for _ in 0..600 {
            if ureq::get(&address).call().is_ok() {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("ClickHouse does not answer; see {}", self.folder.display());
    }

    /// Kills a server (SIGKILL).
    pub fn kill(&mut self, shard: usize) {
        self.servers[shard].kill().unwrap();
        self.servers[shard].wait().unwrap();
    }

    /// Starts a killed server again.
    pub fn start_again(&mut self, shard: usize) {
        self.servers[shard] = self.spawn(shard);
        self.wait(shard);
    }

    /// Suspends a server (it accepts connections and never answers), or lets it go on.
    pub fn freeze(&self, shard: usize, frozen: bool) {
        let signal = if frozen { "-STOP" } else { "-CONT" };
        Command::new("kill").args([signal, &self.servers[shard].id().to_string()]).status().unwrap();
    }

    /// The address of a database of the cluster.
    pub fn url(&self, user: &str, name: &str) -> String {
        let [one, two] = self.ports;
        format!("clickhouse://{user}@127.0.0.1:{one},127.0.0.1:{two}/{name}?cluster=spots")
    }

    /// A migrated database of the cluster, and one of PostgreSQL.
    pub async fn migrated(&self, name: &str) -> TestWarehouse {
        TestWarehouse::new(self.url("spots:secret", name), &self.url("reader:secret", name)).await
    }
}

impl TestWarehouse {
    async fn new(url: String, reader: &str) -> Self {
        let database = TestDb::empty(On::Postgres).await;
        let db = db::connect(&database.url).await.unwrap();
        Migrator::up(&db, None).await.unwrap();
        let warehouse = Warehouse::new(&url).unwrap();
        warehouse.migrate().await.unwrap();
        warehouse.require_ready().await.unwrap();
        Self { database, db, warehouse, reader: Warehouse::new(reader).unwrap(), url }
    }
}

/// The current engine of ClickHouse as a cluster of one shard (`tests/chdb/serve.py`).
pub struct CurrentEngine {
    server: Child,
    folder: PathBuf,
    port: u16,
}

impl CurrentEngine {
    /// Starts the engine; `None` if `TEST_CHDB_PYTHON` names no Python that has it, or PostgreSQL is missing.
    #[expect(clippy::disallowed_methods, reason = "tests have no settings")]
    pub fn start() -> Option<Self> {
        let Ok(python) = std::env::var("TEST_CHDB_PYTHON") else {
            left_out("the current engine of ClickHouse (TEST_CHDB_PYTHON is not set)");
            return None;
        };
        if !databases().contains(&On::Postgres) {
            return None;
        }
        let folder = folder("chdb");
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/chdb/serve.py");
        let server = Command::new(python).arg(script).arg(port.to_string()).arg(&folder).spawn().unwrap();
        let engine = Self { server, folder, port };
        for _ in 0..600 {
            if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return Some(engine);
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("the current engine does not answer");
    }

    /// A migrated database of the engine, and one of PostgreSQL.
    pub async fn migrated(&self, name: &str) -> TestWarehouse {
        let url = format!("clickhouse://127.0.0.1:{}/{name}?cluster=spots", self.port);
        TestWarehouse::new(url.clone(), &url).await
    }
}

impl Drop for CurrentEngine {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

impl Drop for Shards {
    fn drop(&mut self) {
        for server in &mut self.servers {
            let _ = server.kill();
            let _ = server.wait();
        }
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn write_configuration(folder: &Path, ports: &[u16], cluster: &str) {
    fs::create_dir_all(folder.join("data")).unwrap();
    let at = folder.display();
    let [http, tcp, between] = ports else { panic!("a server has three ports") };
    let configuration = format!(
        "<yandex>
            <logger><level>warning</level><log>{at}/server.log</log><errorlog>{at}/error.log</errorlog></logger>
            <listen_host>127.0.0.1</listen_host>
            <http_port>{http}</http_port><tcp_port>{tcp}</tcp_port>
            <interserver_http_port>{between}</interserver_http_port>
            <path>{at}/data/</path><tmp_path>{at}/data/tmp/</tmp_path><users_config>{at}/users.xml</users_config>
            <default_profile>default</default_profile><default_database>default</default_database>
            <timezone>UTC</timezone><mark_cache_size>67108864</mark_cache_size>
            <remote_servers>{cluster}</remote_servers>
         </yandex>"
    );
    let user = |profile: &str| {
        format!(
            "<password>secret</password><networks><ip>127.0.0.1</ip></networks><profile>{profile}</profile>
             <quota>default</quota>"
        )
    };
    let users = format!(
        "<yandex>
            <profiles>
                <default><max_memory_usage>3000000000</max_memory_usage><max_threads>2</max_threads></default>
                <reader><readonly>2</readonly><max_threads>2</max_threads></reader>
            </profiles>
            <quotas><default/></quotas>
            <users><spots>{}</spots><reader>{}</reader></users>
         </yandex>",
        user("default"),
        user("reader")
    );
    fs::write(folder.join("config.xml"), configuration).unwrap();
    fs::write(folder.join("users.xml"), users).unwrap();
}
