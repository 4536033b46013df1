//! Locks on files beside an SQLite database, by which the processes that use it know of each other. The operating
//! system releases them if a process dies.

use std::{
    fs::{File, OpenOptions},
    path::PathBuf,
};

use anyhow::Context as _;
use sea_orm::{DatabaseConnection, DbBackend};

/// A lock that is held while this value exists; `None` where there is no file: on PostgreSQL and in memory.
pub struct FileLock(#[expect(dead_code, reason = "the lock is held while the file is open")] Option<File>);

/// Waits until no other import runs. On PostgreSQL a table lock does the same.
///
/// # Errors
/// The file cannot be created or locked.
pub async fn lock_imports(db: &DatabaseConnection) -> anyhow::Result<FileLock> {
    let Some((path, file)) = open(db, "import")? else { return Ok(FileLock(None)) };
    let locked = tokio::task::spawn_blocking(move || file.lock().map(|()| file)).await?;
    Ok(FileLock(Some(locked.with_context(|| format!("cannot lock {}", path.display()))?)))
}

/// Tells imports that this process serves the database, so that they leave time for its writes.
///
/// # Errors
/// The file cannot be created or locked.
pub fn announce_server(db: &DatabaseConnection) -> anyhow::Result<FileLock> {
    let Some((path, file)) = open(db, "serve")? else { return Ok(FileLock(None)) };
    file.lock_shared().with_context(|| format!("cannot lock {}", path.display()))?;
    Ok(FileLock(Some(file)))
}

/// Whether a server may be running on an SQLite database. True if that cannot be found out.
#[must_use]
pub fn is_served(db: &DatabaseConnection) -> bool {
    match open(db, "serve") {
        Ok(None) => false,
        Ok(Some((_, file))) => !matches!(file.try_lock(), Ok(())),
        Err(_) => true,
    }
}

/// Opens the file of a lock, and creates it if it is missing.
fn open(db: &DatabaseConnection, purpose: &str) -> anyhow::Result<Option<(PathBuf, File)>> {
    if db.get_database_backend() != DbBackend::Sqlite {
        return Ok(None);
    }
    let options = db.get_sqlite_connection_pool().connect_options();
    let database = options.get_filename();
    // A database in memory has a name, but no file.
    if !database.is_file() {
        return Ok(None);
    }
    let mut path = database.as_os_str().to_owned();
    path.push(format!("-{purpose}"));
    let path = PathBuf::from(path);
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(&path).with_context(|| format!("cannot create {}", path.display()))?;
    Ok(Some((path, file)))
}
