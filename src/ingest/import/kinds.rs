//! The kinds of files, what a row of each is, and what stores it.

use async_trait::async_trait;
use sea_orm::{DatabaseTransaction, EntityTrait as _, PaginatorTrait as _};

use super::{Fields, Options, Reject, warehouse};
use crate::storage::{entity, warehouse::Warehouse};

/// The content of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Kind {
    Agents,
    Personality,
    Visits,
    Connections,
    Products,
}

impl Kind {
    /// All kinds, in the order in which they must be loaded: later ones refer to earlier ones.
    pub const ALL: [Self; 5] = [Self::Agents, Self::Personality, Self::Visits, Self::Connections, Self::Products];

    /// The name of the file, without its ending.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Agents => "agents",
            Self::Personality => "personality",
            Self::Visits => "visits",
            Self::Connections => "connections",
            Self::Products => "products",
        }
    }

    /// The number of rows of its table.
    pub(super) async fn count(self, target: Target<'_>) -> anyhow::Result<u64> {
        let transaction = target.transaction;
        let count = match (self, target.warehouse) {
            (Self::Products, _) => entity::product::Entity::find().count(transaction).await,
            (kind, Some(warehouse)) => return warehouse::count(warehouse, kind).await,
            (Self::Agents, None) => entity::agent::Entity::find().count(transaction).await,
            (Self::Personality, None) => entity::personality_profile::Entity::find().count(transaction).await,
            (Self::Visits, None) => entity::user_action::Entity::find().count(transaction).await,
            (Self::Connections, None) => entity::connection::Entity::find().count(transaction).await,
        };
        Ok(count?)
    }
}

/// A kind of row: its columns, and how a line is parsed.
pub trait Row: Sized + Send + 'static {
    const KIND: Kind;
    /// Columns that a file must have.
    const REQUIRED: &'static [&'static str];
    /// Columns that a file may have. All others are ignored.
    const OPTIONAL: &'static [&'static str] = &[];
    /// The reason for rejecting a row that refers to an unknown person.
    const UNKNOWN_PERSON: &'static str = "agent_id is not a known agent";

    /// All columns that are read.
    #[must_use]
    fn columns() -> Vec<&'static str> {
        [Self::REQUIRED, Self::OPTIONAL].concat()
    }

    /// Parses a line.
    ///
    /// # Errors
    /// The reason why the line is not a row, as text for the author of the file.
    fn parse(fields: &Fields<'_>) -> Result<Self, String>;

    /// The person that the row adds.
    fn introduces(&self) -> Option<&str> {
        None
    }

    /// The people that the row is about, who must be known.
    fn refers_to(&self) -> [Option<&str>; 2] {
        [None, None]
    }
}

/// Where rows are stored: those of people in the warehouse if there is one, all others in the database.
#[derive(Clone, Copy)]
pub struct Target<'a> {
    /// Holds the lock of people.
    pub transaction: &'a DatabaseTransaction,
    pub warehouse: Option<&'a Warehouse>,
}

impl<'a> Target<'a> {
    /// The database only.
    #[must_use]
    pub fn database(transaction: &'a DatabaseTransaction) -> Self {
        Self { transaction, warehouse: None }
    }
}

/// Stores the rows of one kind.
#[async_trait]
pub trait Store<R: Row>: Sized + Send {
    /// Prepares the store in the first transaction.
    ///
    /// # Errors
    /// An option is missing, or the database fails.
    async fn begin(target: Target<'_>, options: &Options) -> anyhow::Result<Self>;

    /// Stores rows of known people, and returns those that cannot be stored.
    ///
    /// # Errors
    /// The database fails; the caller then rolls back the transaction.
    async fn store(&mut self, target: Target<'_>, rows: Vec<(u64, R)>) -> anyhow::Result<Vec<Reject>>;

    /// Ends the import of a file that is stored as a whole.
    ///
    /// # Errors
    /// The database fails.
    async fn finish(&mut self, _target: Target<'_>) -> anyhow::Result<()> {
        Ok(())
    }
}
