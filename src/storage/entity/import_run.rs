//! `import_runs`: imports that store a file in several transactions, so that an interrupted one can be resumed and no
//! epoch is built from half a file.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "import_runs")]
pub struct Model {
    /// The kind of the file and a hash of its name, size, time of change and of the options of the import.
    #[sea_orm(primary_key, auto_increment = false)]
    pub fingerprint: String,
    pub kind: String,
    /// The file name, for messages.
    pub file: String,
    /// The number of rows, from the start of the file, that are stored or rejected.
    pub rows_done: i64,
    /// Unix seconds, UTC.
    pub started_at: i64,
}

impl ActiveModelBehavior for ActiveModel {}
