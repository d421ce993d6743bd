//! Errors as they cross to JavaScript: facts in fields, from which the facade builds its classes.

use actor_sqlite_kv::KvError;
use actor_sqlite_pagestore::StoreError;
use actor_sqlite_session::{ImportError, SessionError};
use napi_derive::napi;

/// SQLite's code for an interrupted statement.
const SQLITE_INTERRUPT: i32 = 9;

/// What an error is made of; only the fields that its code has are set.
#[napi(object)]
#[derive(Debug, Default)]
pub struct ErrorPayload {
    /// Its class: `sqlite`, `storage`, `type`, `range`.
    pub kind: String,
    /// `ERR_…`; empty for the class `sqlite`, which has its number.
    pub code: String,
    /// For people.
    pub message: String,
    /// SQLite's extended result code.
    pub errno: Option<i32>,
    /// Where in the SQL text, in bytes; absent where SQLite does not know.
    pub offset: Option<f64>,
    /// Which entry of a batch or statement of a script, from 0.
    pub statement_index: Option<f64>,
    /// Whether a later try of the same call may succeed and cannot be applied twice.
    pub retryable: Option<bool>,
    /// Whether the handle is of no use any more.
    pub fatal: Option<bool>,
    /// Whose database.
    pub actor: Option<String>,
    /// The generation of the handle.
    pub expected_generation: Option<f64>,
    /// The generation in the store.
    pub actual_generation: Option<f64>,
    /// The head that the handle last saw.
    pub expected_head: Option<f64>,
    /// The head in the store.
    pub actual_head: Option<f64>,
    /// `generation.sequence` of a commit.
    pub commit_id: Option<String>,
    /// A row of the store, in words.
    pub row: Option<String>,
    /// A store's directory.
    pub path: Option<String>,
    /// Who holds it.
    pub holder: Option<String>,
    /// The largest that is taken.
    pub limit: Option<f64>,
    /// What was given.
    pub actual: Option<f64>,
}

/// A result whose error goes to JavaScript.
pub type Outcome<T> = Result<T, Box<ErrorPayload>>;

impl ErrorPayload {
    fn new(kind: &str, code: &str, message: impl ToString) -> Self {
        Self {
            kind: kind.into(),
            code: code.into(),
            message: message.to_string(),
            ..Self::default()
        }
    }

    /// A storage error that a later try may not meet.
    fn retryable(code: &str, message: impl ToString) -> Self {
        Self { retryable: Some(true), ..Self::new("storage", code, message) }
    }

    /// A storage error that ends the handle.
    fn fatal(code: &str, message: impl ToString) -> Self {
        Self { fatal: Some(true), ..Self::new("storage", code, message) }
    }

    /// A bug on this side.
    pub fn internal(reason: impl ToString) -> Self {
        let reason = reason.to_string();
        Self::fatal("ERR_INTERNAL", format!("internal error: {reason}"))
    }

    /// A handle that is closed.
    pub fn closed(what: &str) -> Self {
        Self::new("storage", "ERR_CLOSED", format!("the {what} is closed"))
    }

    /// A call from inside a call of the same database.
    pub fn busy() -> Self {
        Self::new("type", "ERR_BUSY", "This database connection is busy executing a query")
    }

    /// A directory that cannot be used.
    pub fn directory(path: &str, error: &std::io::Error) -> Self {
        Self {
            path: Some(path.into()),
            ..Self::new("storage", "ERR_UNAVAILABLE", format!("{path}: {error}"))
        }
    }

    /// A result with a value that JavaScript does not take.
    pub fn too_large(reason: &str) -> Self {
        let message = format!(
            "the result cannot be handed over ({reason}): a text or a blob is larger than \
             JavaScript takes, or memory is short; the statement has run, and what it wrote stays"
        );
        Self::new("storage", "ERR_LIMIT", message)
    }

    /// An argument that cannot be used.
    pub fn invalid(message: impl ToString) -> Self {
        Self::new("type", "ERR_INVALID_ARG_VALUE", message)
    }
}

/// An integer of a result that a number cannot hold.
pub fn unsafe_integer(column: &str) -> ErrorPayload {
    ErrorPayload::new(
        "range",
        "ERR_OUT_OF_RANGE",
        format!(
            "column {column:?} holds an integer that a number cannot hold exactly: \
             open the database with integers: 'bigint' or 'auto'. \
             The statement has run, and what it wrote stays"
        ),
    )
}

/// The facts of a session's error.
pub fn session_error(error: &SessionError) -> ErrorPayload {
    match error {
        SessionError::Sqlite { code, message, offset, statement_index } => ErrorPayload {
            errno: Some(*code),
            offset: offset.map(|offset| offset as f64),
            statement_index: statement_index.map(|index| index as f64),
            ..ErrorPayload::new("sqlite", "", message)
        },
        SessionError::Interrupted => ErrorPayload {
            errno: Some(SQLITE_INTERRUPT),
            ..ErrorPayload::new("sqlite", "", "interrupted")
        },
        SessionError::Store(error) => store_error(error),
        SessionError::Timeout { .. } => ErrorPayload::retryable("ERR_TIMEOUT", error),
        SessionError::TransactionOver { .. } => {
            ErrorPayload::new("storage", "ERR_TRANSACTION_OVER", error)
        }
        SessionError::Parameters { .. } => ErrorPayload::new("range", "ERR_PARAMETERS", error),
        SessionError::Usage { .. } => ErrorPayload::new("type", "ERR_USAGE", error),
        SessionError::Closed => ErrorPayload::new("storage", "ERR_CLOSED", error),
        SessionError::QueueFull { .. } => ErrorPayload::retryable("ERR_QUEUE_FULL", error),
        SessionError::Panicked { .. } => ErrorPayload::fatal("ERR_INTERNAL", error),
        other => ErrorPayload::fatal("ERR_UNUSABLE", other),
    }
}

/// The facts of a page store's error.
pub fn store_error(error: &StoreError) -> ErrorPayload {
    match error {
        StoreError::Fenced {
            actor,
            expected_generation,
            actual_generation,
            expected_head,
            actual_head,
        } => ErrorPayload {
            actor: Some(actor.to_string()),
            expected_generation: Some(expected_generation.0 as f64),
            actual_generation: Some(actual_generation.0 as f64),
            expected_head: Some(expected_head.get() as f64),
            actual_head: Some(actual_head.get() as f64),
            ..ErrorPayload::fatal("ERR_FENCED", error)
        },
        StoreError::Unavailable { .. } => ErrorPayload::retryable("ERR_UNAVAILABLE", error),
        StoreError::UnknownCommit { actor, commit_id, .. } => ErrorPayload {
            actor: Some(actor.to_string()),
            commit_id: Some(format!("{}.{}", commit_id.generation.0, commit_id.sequence)),
            ..ErrorPayload::fatal("ERR_UNKNOWN_COMMIT", error)
        },
        StoreError::Corrupt { actor, row, .. } => ErrorPayload {
            actor: Some(actor.to_string()),
            row: Some(row.clone()),
            ..ErrorPayload::fatal("ERR_CORRUPT", error)
        },
        StoreError::Limit { actual, limit, .. } => ErrorPayload {
            actual: Some(*actual as f64),
            limit: Some(*limit as f64),
            ..ErrorPayload::new("storage", "ERR_LIMIT", error)
        },
        StoreError::Quota { actor, stored_bytes, quota_bytes, .. } => ErrorPayload {
            actor: Some(actor.to_string()),
            actual: Some(*stored_bytes as f64),
            limit: Some(*quota_bytes as f64),
            ..ErrorPayload::new("storage", "ERR_QUOTA", error)
        },
        StoreError::Full { .. } => ErrorPayload::retryable("ERR_STORE_FULL", error),
        StoreError::NotFound { actor } => ErrorPayload {
            actor: Some(actor.to_string()),
            ..ErrorPayload::new("storage", "ERR_NOT_FOUND", error)
        },
        StoreError::InUse { path, holder } => ErrorPayload {
            path: Some(path.clone()),
            holder: Some(holder.clone()),
            ..ErrorPayload::retryable("ERR_IN_USE", error)
        },
        StoreError::Closed => ErrorPayload::new("storage", "ERR_CLOSED", error),
        StoreError::Invalid { .. } => ErrorPayload::invalid(error),
        other => ErrorPayload::fatal("ERR_DEAD", other),
    }
}

/// The facts of a failed import.
pub fn import_error(error: &ImportError) -> ErrorPayload {
    match error {
        ImportError::Store(error) => store_error(error),
        ImportError::File { .. } => ErrorPayload::new("storage", "ERR_INVALID_FILE", error),
        ImportError::Exists { actor } | ImportError::Replacement { actor, .. } => ErrorPayload {
            actor: Some(actor.to_string()),
            ..ErrorPayload::new("storage", "ERR_EXISTS", error)
        },
        ImportError::Stopped => ErrorPayload::closed("storage"),
        other => ErrorPayload::new("storage", "ERR_UNUSABLE", other),
    }
}

/// The facts of a key-value store's error, met while opening a store.
pub fn kv_error(error: &KvError, path: &str) -> ErrorPayload {
    let payload = match error {
        KvError::InUse { holder, .. } => ErrorPayload {
            holder: Some(holder.clone()),
            ..ErrorPayload::retryable("ERR_IN_USE", error)
        },
        KvError::Damaged { .. } => ErrorPayload::fatal("ERR_CORRUPT", error),
        KvError::Unavailable { .. } => ErrorPayload::retryable("ERR_UNAVAILABLE", error),
        KvError::Closed => ErrorPayload::new("storage", "ERR_CLOSED", error),
        KvError::Invalid { .. } => ErrorPayload::invalid(error),
        other => ErrorPayload::fatal("ERR_DEAD", other),
    };
    ErrorPayload { path: Some(path.into()), ..payload }
}
