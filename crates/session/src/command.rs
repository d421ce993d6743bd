//! What can be asked of a session, and its answers.

use std::sync::Arc;

use crate::{Column, CursorId, Params, Rows, SessionError};

/// A statement that was prepared and is held until it is finalized or the session closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StatementId(pub u64);

/// A transaction that a caller opened and owns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TransactionId(pub u64);

/// What to run.
#[derive(Clone, Debug)]
pub enum Source {
    /// SQL text of exactly one statement; prepared through the session's cache.
    Sql(Arc<str>),
    /// A prepared statement.
    Prepared(StatementId),
}

/// Which rows of a result are wanted. Rows of a statement that returns no columns are refused, and
/// it does not run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// None: the statement is run to its end. Refused for a statement that returns columns and
    /// does not write.
    Run,
    /// The first row; the statement is then reset.
    First,
    /// All rows at once.
    All,
    /// Chunks of at most so many rows, read on with [`Action::Fetch`].
    Chunk {
        /// The most rows of one chunk.
        rows_max: u32,
    },
}

/// How a transaction begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Behavior {
    /// Takes no lock until the first statement.
    #[default]
    Deferred,
    /// Writes from the start.
    Immediate,
    /// The same here, as a database has one owner.
    Exclusive,
}

/// One entry of a batch: one statement, run once for each set of parameters.
#[derive(Clone, Debug)]
pub struct BatchEntry {
    /// SQL text of exactly one statement.
    pub sql: Arc<str>,
    /// One set of parameters a run; an empty list runs it once without.
    pub rows: Vec<Params>,
}

/// What a session is asked to do.
#[derive(Clone, Debug)]
pub enum Action {
    /// Runs one statement.
    Execute {
        /// Which.
        source: Source,
        /// Its parameters.
        params: Params,
        /// Its rows.
        want: Want,
    },
    /// Runs a script of any number of statements without parameters; rows are discarded.
    Script(Arc<str>),
    /// Runs many statements as one transaction (a savepoint inside one).
    Batch {
        /// In order.
        entries: Vec<BatchEntry>,
        /// How the transaction begins.
        behavior: Behavior,
    },
    /// Prepares a statement and keeps it.
    Prepare(Arc<str>),
    /// Lets a prepared statement go.
    Finalize(StatementId),
    /// Reads on in a result.
    Fetch {
        /// Which result.
        cursor: CursorId,
        /// The most rows.
        rows_max: u32,
    },
    /// Lets a result go before its end.
    CloseCursor(CursorId),
    /// Opens a transaction, or a savepoint when `Command::transaction` names an open one.
    Begin(Behavior),
    /// Commits what `Command::transaction` names: releases the newest savepoint, or ends the
    /// transaction.
    Commit,
    /// Rolls back what `Command::transaction` names, newest savepoint first. No error if SQLite
    /// already rolled it back.
    Rollback,
    /// Answers when all that is ordered is durable, whatever the session's durability setting.
    Durable,
    /// Ends the session: waits its turn, drops what is not committed, releases the database.
    Close,
}

/// An action with what applies to any.
#[derive(Clone, Debug)]
pub struct Command {
    /// Names the command for [`crate::Session::interrupt`]; chosen by the caller.
    pub id: u64,
    /// What to do.
    pub action: Action,
    /// The transaction it belongs to. An action with a transaction that is over (SQLite rolled it
    /// back, say) is refused and does not run outside it.
    pub transaction: Option<TransactionId>,
    /// How long it may take from now, queueing included; `None` is the session's default.
    pub timeout_ms: Option<u64>,
}

/// What a statement changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Rows inserted, updated or deleted by the statement itself; 0 if it only reads.
    pub changes: u64,
    /// The rowid of the last insert on this connection.
    pub last_insert_rowid: i64,
}

/// A prepared statement.
#[derive(Clone, Debug)]
pub struct StatementInfo {
    /// To run it by.
    pub id: StatementId,
    /// Its result columns, none if it returns no rows.
    pub columns: Vec<Column>,
    /// Whether it returns columns.
    pub reader: bool,
    /// Whether it leaves the database as it is.
    pub readonly: bool,
    /// How many parameters it has, and their names with prefix, if they have one.
    pub parameters: Vec<Option<String>>,
}

/// The result of one run in a batch.
#[derive(Clone, Debug)]
pub struct BatchResult {
    /// What it changed; summed over the runs of an entry.
    pub changes: Changes,
    /// The rows of its last run, if it returns any.
    pub rows: Option<Rows>,
}

/// What came of an action.
#[derive(Clone, Debug)]
pub enum Answer {
    /// Of [`Want::Run`].
    Changes(Changes),
    /// Of the other wants and of [`Action::Fetch`].
    Rows(Rows),
    /// Of a batch, one an entry.
    Batch(Vec<BatchResult>),
    /// Of [`Action::Prepare`].
    Prepared(StatementInfo),
    /// Of [`Action::Begin`].
    Began(TransactionId),
    /// Of the rest.
    Done,
}

/// Called once with what came of a command, on a thread of the executor or of the store; on the
/// caller's for a command that is refused or taken out of the queue. With strict durability, only
/// when all the answer rests on is durable. Must be short, and must not wait for another answer.
pub type Reply = Box<dyn FnOnce(Result<Answer, SessionError>) + Send + 'static>;
