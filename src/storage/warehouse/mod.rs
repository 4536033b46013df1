//! The warehouse: the tables of people and the rollup on a ClickHouse cluster, for data that outgrows one machine
//! (`docs/scaling.md`). Keys, ledger, releases, catalogs and the log stay in the database.
//!
//! Statements that change one shard's rows go to that shard's own address, so no ZooKeeper is needed. Imports, sums and
//! counts go through `Distributed` tables on any of the servers.

use std::{
    collections::BTreeSet,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use anyhow::{Context as _, bail, ensure};
use futures_util::future::try_join_all;

mod client;
mod rows;
mod url;

pub use client::WarehouseError;
pub use rows::{RowBinary, integers, quoted};

use client::Client;
use url::WarehouseUrl;

/// The tables of each shard, one statement each.
const TABLES: &str = include_str!("tables.sql");
/// The version of [`TABLES`].
const VERSION: u32 = 1;
/// The distributed tables; each reads and writes the table of the same name with `_local`.
const DISTRIBUTED: [&str; 8] = [
    "agents",
    "personality_profiles",
    "user_actions",
    "ai2ai_connections",
    "epoch_people",
    "epoch_visits",
    "epoch_ties",
    "agent_rollup",
];
/// The time limit of a statement of a request.
const READ_DEADLINE: Duration = Duration::from_secs(8);
/// The time limit of a statement of an import or build.
const WORK_DEADLINE: Duration = Duration::from_mins(10);
/// The interval at which a deletion is looked after.
const MUTATION_INTERVAL: Duration = Duration::from_millis(100);
/// The number of those intervals after which a deletion is given up; it goes on in the servers.
const MUTATION_POLLS: usize = 3_000;

/// A ClickHouse cluster.
#[derive(Clone)]
pub struct Warehouse(Arc<Parts>);

impl fmt::Debug for Warehouse {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Its address has a password.
        formatter.write_str("Warehouse")
    }
}

struct Parts {
    client: Client,
    /// The host that gets the next statement that any host can answer.
    next: AtomicUsize,
}

impl Warehouse {
    /// A cluster with the address `WAREHOUSE_URL`. Nothing is sent yet.
    ///
    /// # Errors
    /// The address is not valid.
    pub fn new(url: &str) -> anyhow::Result<Self> {
        let client = Client::new(WarehouseUrl::parse(url)?);
        Ok(Self(Arc::new(Parts { client, next: AtomicUsize::new(0) })))
    }

    /// The name of its database.
    #[must_use]
    pub fn database(&self) -> &str {
        &self.0.client.url.database
    }

    /// The number of shards.
    #[must_use]
    pub fn shards(&self) -> usize {
        self.0.client.url.hosts.len()
    }

    /// Creates the database and the tables that are missing.
    ///
    /// # Errors
    /// As [`Warehouse::require_ready`], or the user may not create tables.
    pub async fn migrate(&self) -> anyhow::Result<()> {
        self.require_all_shards().await?;
        let (database, cluster) = (self.database(), &self.0.client.url.cluster);
        self.on_all_shards(&format!("CREATE DATABASE IF NOT EXISTS {database}")).await?;
        for statement in TABLES.split(";\n") {
            self.on_all_shards(&statement.replace("{database}", database)).await?;
        }
        for table in DISTRIBUTED {
            let statement = format!(
                "CREATE TABLE IF NOT EXISTS {database}.{table} AS {database}.{table}_local
                 ENGINE = Distributed({cluster}, {database}, {table}_local, cityHash64(agent_id))"
            );
            self.on_all_shards(&statement).await?;
        }
        for shard in 0..self.shards() {
            if self.version(shard).await? < VERSION {
                let applied = format!(
                    "INSERT INTO {database}.warehouse_migrations_local (version, applied_at) SELECT {VERSION}, now()"
                );
                self.on_shard(shard, &applied).await?;
            }
        }
        Ok(())
    }

    /// Checks that the hosts are all shards of the cluster, and that their tables are those of this program.
    ///
    /// # Errors
    /// A host cannot be reached, or is not a shard of the cluster, or a shard has no host; or `migrate up` is missing.
    pub async fn require_ready(&self) -> anyhow::Result<()> {
        self.require_all_shards().await?;
        for shard in 0..self.shards() {
            self.require_version(shard).await?;
        }
        Ok(())
    }

    /// Checks that one of the hosts answers and has the tables of this program.
    ///
    /// # Errors
    /// No host can be reached, or `migrate up` is missing.
    pub async fn require_reachable(&self) -> anyhow::Result<()> {
        let mut checked = Ok(());
        for shard in 0..self.shards() {
            checked = self.require_version(shard).await;
            let is_unreachable = |cause: &anyhow::Error| {
                matches!(cause.downcast_ref(), Some(WarehouseError::Unreachable(_) | WarehouseError::Deadline(_)))
            };
            if !checked.as_ref().is_err_and(is_unreachable) {
                break;
            }
        }
        checked
    }

    async fn require_version(&self, shard: usize) -> anyhow::Result<()> {
        let version = self.version(shard).await?;
        ensure!(version >= VERSION, "the warehouse lacks tables: run `spots-enrichment migrate up` first");
        ensure!(version == VERSION, "the tables of the warehouse are of a newer version of this program");
        Ok(())
    }

    /// Every shard of the cluster must be on exactly one of the hosts: a statement that reaches a shard twice would
    /// count people twice, and one that misses a shard would lose them.
    async fn require_all_shards(&self) -> anyhow::Result<()> {
        let url = &self.0.client.url;
        let mut seen = BTreeSet::new();
        for shard in 0..self.shards() {
            let statement = format!(
                "SELECT toString(groupUniqArray(toInt64(shard_num))),
                     toString(groupUniqArray(if(is_local, toInt64(shard_num), -1)))
                 FROM system.clusters WHERE cluster = {}",
                quoted(&url.cluster)
            );
            let answer = self.send(shard, &statement, READ_DEADLINE).await?;
            let [[all, local]] = rows::parse::<2>(&answer)
                .and_then(|rows| <[_; 1]>::try_from(rows).ok())
                .context("the warehouse does not list its clusters")?;
            let numbers = |list: &str| integers(list).map(|list| list.into_iter().filter(|number| *number > 0));
            let (Some(all), Some(local)) = (numbers(&all), numbers(&local)) else { bail!("unexpected shard numbers") };
            let (all, local): (BTreeSet<i64>, Vec<i64>) = (all.collect(), local.collect());
            let host = &url.hosts[shard];
            ensure!(!all.is_empty(), "the warehouse at {host} has no cluster named {}", url.cluster);
            ensure!(
                all.len() == url.hosts.len(),
                "the cluster {} has {} shards and WAREHOUSE_URL has {} hosts: it needs one host per shard",
                url.cluster,
                all.len(),
                url.hosts.len()
            );
            let [local] = local[..] else { bail!("{host} is not one shard of the cluster {}", url.cluster) };
            ensure!(seen.insert(local), "two hosts of WAREHOUSE_URL are the same shard, number {local}");
        }
        Ok(())
    }

    /// The version of the tables of a shard; 0 if there are none.
    async fn version(&self, shard: usize) -> anyhow::Result<u32> {
        let statement = format!("SELECT toString(max(version)) FROM {}.warehouse_migrations_local", self.database());
        match self.send(shard, &statement, READ_DEADLINE).await {
            Ok(version) => Ok(version.trim().parse()?),
            // There is no such table, or no such database.
            Err(WarehouseError::Rejected { code: 60 | 81, .. }) => Ok(0),
            Err(cause) => Err(cause.into()),
        }
    }

    /// The rows of a query of a request, from any host that can be reached.
    ///
    /// # Errors
    /// No host can be reached, none answers within 8 s, or the server rejects the query.
    pub async fn query<const N: usize>(&self, statement: &str) -> Result<Vec<[String; N]>, WarehouseError> {
        self.query_within(statement, READ_DEADLINE).await
    }

    /// The rows of a query of an import or build, which may take 10 minutes.
    ///
    /// # Errors
    /// As [`Warehouse::query`].
    pub async fn read<const N: usize>(&self, statement: &str) -> Result<Vec<[String; N]>, WarehouseError> {
        self.query_within(statement, WORK_DEADLINE).await
    }

    async fn query_within<const N: usize>(
        &self,
        statement: &str,
        deadline: Duration,
    ) -> Result<Vec<[String; N]>, WarehouseError> {
        let first = self.0.next.fetch_add(1, Ordering::Relaxed);
        let mut answer = Err(WarehouseError::Unexpected("there is no host"));
        for host in 0..self.shards() {
            answer = self.send((first + host) % self.shards(), statement, deadline).await;
            if !matches!(answer, Err(WarehouseError::Unreachable(_))) {
                break;
            }
        }
        rows::parse(&answer?).ok_or(WarehouseError::Unexpected("a row has the wrong number of values"))
    }

    /// The rows of a query on one shard.
    ///
    /// # Errors
    /// As [`Warehouse::query`].
    pub async fn read_shard<const N: usize>(
        &self,
        shard: usize,
        statement: &str,
    ) -> Result<Vec<[String; N]>, WarehouseError> {
        let answer = self.send(shard, statement, WORK_DEADLINE).await?;
        rows::parse(&answer).ok_or(WarehouseError::Unexpected("a row has the wrong number of values"))
    }

    /// Inserts rows through a distributed table. When it returns, all shards have them. After an error some shards may
    /// have them, or get them later.
    ///
    /// # Errors
    /// As [`Warehouse::query`].
    pub async fn insert(&self, table: &str, columns: &[&str], rows: RowBinary) -> Result<(), WarehouseError> {
        let statement = format!("INSERT INTO {}.{table} ({}) FORMAT RowBinary", self.database(), columns.join(", "));
        let host = self.0.next.fetch_add(1, Ordering::Relaxed) % self.shards();
        self.0.client.send(host, &statement, Some(rows.into_bytes()), &[], WORK_DEADLINE).await?;
        Ok(())
    }

    /// Creates empty tables for the rows of an import: `TABLE_import`, with the columns of a table. Rows in them are
    /// seen by nobody until [`Warehouse::publish`].
    ///
    /// # Errors
    /// As [`Warehouse::on_shard`].
    pub async fn stage(&self, table: &str) -> Result<(), WarehouseError> {
        self.discard(table).await?;
        let (database, cluster) = (self.database(), &self.0.client.url.cluster);
        self.on_all_shards(&format!("CREATE TABLE {database}.{table}_import_local AS {database}.{table}_local"))
            .await?;
        let distributed = format!(
            "CREATE TABLE {database}.{table}_import AS {database}.{table}_local
             ENGINE = Distributed({cluster}, {database}, {table}_import_local, cityHash64(agent_id))"
        );
        self.on_all_shards(&distributed).await
    }

    /// Adds the staged rows to the table, on each shard at once, without copying them.
    ///
    /// # Errors
    /// As [`Warehouse::on_shard`]. Some shards may have the rows then, and others not.
    pub async fn publish(&self, table: &str) -> Result<(), WarehouseError> {
        let database = self.database();
        let publish = format!(
            "ALTER TABLE {database}.{table}_local ATTACH PARTITION tuple() FROM {database}.{table}_import_local"
        );
        self.on_all_shards(&publish).await?;
        self.discard(table).await
    }

    /// Removes staged rows.
    ///
    /// # Errors
    /// As [`Warehouse::on_shard`].
    pub async fn discard(&self, table: &str) -> Result<(), WarehouseError> {
        for staged in ["import", "import_local"] {
            self.on_all_shards(&format!("DROP TABLE IF EXISTS {}.{table}_{staged}", self.database())).await?;
        }
        Ok(())
    }

    /// Executes a statement on one shard.
    ///
    /// # Errors
    /// As [`Warehouse::query`]. The server may go on with it nevertheless.
    pub async fn on_shard(&self, shard: usize, statement: &str) -> Result<(), WarehouseError> {
        self.send(shard, statement, WORK_DEADLINE).await.map(drop)
    }

    /// Executes a statement on all shards at once.
    ///
    /// # Errors
    /// As [`Warehouse::on_shard`], if one of the shards fails.
    pub async fn on_all_shards(&self, statement: &str) -> Result<(), WarehouseError> {
        try_join_all((0..self.shards()).map(|shard| self.on_shard(shard, statement))).await.map(drop)
    }

    /// Executes a statement with settings on one shard.
    ///
    /// # Errors
    /// As [`Warehouse::on_shard`].
    pub async fn on_shard_with(
        &self,
        shard: usize,
        statement: &str,
        settings: &[(&str, &str)],
    ) -> Result<(), WarehouseError> {
        self.0.client.send(shard, statement, None, settings, WORK_DEADLINE).await.map(drop)
    }

    /// Deletes rows of a table on all shards, and waits until their files are rewritten.
    ///
    /// # Errors
    /// As [`Warehouse::on_shard`], or the servers need more than 5 minutes.
    pub async fn delete(&self, table: &str, condition: &str) -> anyhow::Result<()> {
        let statement = format!("ALTER TABLE {}.{table}_local DELETE WHERE {condition}", self.database());
        self.on_all_shards(&statement).await?;
        let pending = format!(
            "SELECT toString(count()) FROM system.mutations
             WHERE database = {} AND table = {} AND is_done = 0",
            quoted(self.database()),
            quoted(&format!("{table}_local"))
        );
        for shard in 0..self.shards() {
            let mut polls = 0;
            while self.send(shard, &pending, READ_DEADLINE).await?.trim() != "0" {
                polls += 1;
                ensure!(polls < MUTATION_POLLS, "the warehouse has not rewritten its files after 5 minutes");
                tokio::time::sleep(MUTATION_INTERVAL).await;
            }
        }
        Ok(())
    }

    /// The version for the next rows of a table, higher than that of all its rows. The caller must hold the lock of
    /// people.
    ///
    /// # Errors
    /// As [`Warehouse::query`].
    pub async fn next_version(&self, table: &str) -> Result<u64, WarehouseError> {
        let statement = format!("SELECT toString(max(version)) FROM {}.{table}", self.database());
        let version = match &self.read::<1>(&statement).await?[..] {
            [[version]] => version.parse::<u64>().ok(),
            _ => None,
        };
        version.map(|version| version + 1).ok_or(WarehouseError::Unexpected("no version"))
    }

    async fn send(&self, host: usize, statement: &str, deadline: Duration) -> Result<String, WarehouseError> {
        self.0.client.send(host, statement, None, &[], deadline).await
    }
}
