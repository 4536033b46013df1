//! Errors of the database: those that pass are [`Error::Unavailable`], so that clients try again.

use sea_orm::{DbErr, RuntimeErr, sqlx};

use super::Error;

impl From<DbErr> for Error {
    fn from(cause: DbErr) -> Self {
        let Some(reason) = passing_fault(&cause) else { return Self::internal(cause) };
        // The driver's text could repeat parts of the URL.
        tracing::error!(reason, "the database is unavailable");
        Self::Unavailable
    }
}

/// The reason of a fault that passes or that the operator mends: the same request can succeed later.
fn passing_fault(cause: &DbErr) -> Option<&'static str> {
    match cause {
        DbErr::ConnectionAcquire(_) => Some(
            "no connection in time: the server does not answer, all of DB_MAX_CONNECTIONS are in use, or another \
                 writer holds the SQLite file",
        ),
        DbErr::Conn(cause) | DbErr::Exec(cause) | DbErr::Query(cause) => match cause {
            RuntimeErr::SqlxError(cause) => driver_fault(cause),
            RuntimeErr::Internal(_) => None,
        },
        _ => None,
    }
}

fn driver_fault(cause: &sqlx::Error) -> Option<&'static str> {
    match cause {
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::WorkerCrashed => Some("the connection was lost"),
        sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed => Some("no connection is available"),
        sqlx::Error::Database(cause) => {
            let code = cause.code()?;
            if cause.try_downcast_ref::<sqlx::postgres::PgDatabaseError>().is_some() {
                postgres_fault(&code)
            } else {
                sqlite_fault(&code)
            }
        }
        _ => None,
    }
}

/// The fault of an SQLSTATE code (PostgreSQL manual, appendix A).
fn postgres_fault(code: &str) -> Option<&'static str> {
    match code {
        "25006" => Some("the database is read-only, as on a replica"),
        "40001" | "40P01" => Some("two transactions conflicted"),
        "53100" => Some("the disk of the database is full"),
        "53200" => Some("the database is out of memory"),
        "53300" => Some("the database has no free connection"),
        "55P03" | "57014" => Some("a statement waited too long"),
        "57P01" | "57P02" | "57P03" => Some("the database is stopping or starting"),
        code if code.starts_with("08") => Some("the connection was lost"),
        code if code.starts_with("58") => Some("the database cannot use its files"),
        _ => None,
    }
}

/// The fault of a result code of SQLite (sqlite.org/rescode.html); the low byte is the primary code.
fn sqlite_fault(code: &str) -> Option<&'static str> {
    match code.parse::<u32>().ok()? & 0xff {
        5 | 6 => Some("the database is locked by another writer"),
        8 => Some("the database file is read-only"),
        10 => Some("the disk cannot be read or written"),
        13 => Some("the disk is full"),
        14 => Some("the database file cannot be opened"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_that_pass_are_unavailable() {
        for code in ["25006", "40P01", "53300", "57P01", "08006", "58030"] {
            assert!(postgres_fault(code).is_some(), "{code}");
        }
        for code in ["5", "517", "13", "8", "1032", "10", "3850"] {
            assert!(sqlite_fault(code).is_some(), "{code}");
        }
        for code in ["23505", "42P01", "22001"] {
            assert!(postgres_fault(code).is_none(), "{code}");
        }
        for code in ["1", "19", "2067", "x"] {
            assert!(sqlite_fault(code).is_none(), "{code}");
        }
        let closed = DbErr::Conn(RuntimeErr::SqlxError(sqlx::Error::PoolTimedOut.into()));
        assert_eq!(Error::from(closed), Error::Unavailable);
        assert_eq!(Error::from(DbErr::Custom("x".to_owned())), Error::Internal);
    }
}
