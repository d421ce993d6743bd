//! A session's connection: what runs on the thread whose turn it is.

mod batch;
mod changes;
mod cursor;
mod direct;
mod forget;
mod open;
mod prepared;
mod run;
mod sleep;
mod transaction;

use std::collections::HashMap;
use std::sync::Arc;

use actor_sqlite_pagestore::{Clock, Ticket};
use actor_sqlite_vfs::Mount;
use rusqlite::ffi;

use crate::authorizer::Notes;
use crate::compiled::StatementCache;
use crate::control::Control;
use crate::fault::Fault;
use crate::metrics::Counters;
use crate::raw::{Db, RawError};
use crate::{Action, Answer, Command, OpenOptions, SessionError, TransactionId};

pub(crate) use direct::Text;
pub(crate) use open::{Opening, limits, open, reopen, vfs};
pub(crate) use sleep::{Held, Kept};

/// An open connection. Statements keep the handle open; the lease goes back when it is closed.
pub(crate) struct Connection {
    cursors: HashMap<u64, cursor::Cursor>,
    prepared: HashMap<u64, prepared::Prepared>,
    cache: StatementCache,
    transaction: Option<transaction::Transaction>,
    /// A transaction may be open that we began and nobody owns, as undoing it failed.
    stray: bool,
    /// How the newest transaction ended, for those that still name it.
    ended: Option<(TransactionId, transaction::End)>,
    next_id: u64,
    /// Covers what the connections before this one had read or committed.
    base_ticket: Ticket,
    options: Arc<OpenOptions>,
    control: Arc<Control>,
    counters: Arc<Counters>,
    clock: Arc<dyn Clock>,
    notes: Arc<Notes>,
    db: Arc<Db>,
    /// Last, so that the handle is closed before the lease goes back.
    mount: MountGuard,
}

struct MountGuard(Arc<Mount>);

impl Drop for MountGuard {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl Connection {
    pub(crate) fn mount(&self) -> &Arc<Mount> {
        &self.mount.0
    }

    /// Covers all that this connection has read or committed, and those before it.
    pub(crate) fn ticket(&self) -> Ticket {
        self.mount.0.ticket().max(self.base_ticket)
    }

    pub(crate) fn in_transaction(&self) -> bool {
        !self.db.autocommit()
    }

    /// Does what is asked, but for `Durable` and `Close`, which are the session's.
    pub(crate) fn perform(&mut self, command: Command) -> Result<Answer, SessionError> {
        let result = self.dispatch(command).map_err(|fault| self.explain(fault));
        self.note_transaction_end();
        result
    }

    fn dispatch(&mut self, command: Command) -> Result<Answer, Fault> {
        let transaction = command.transaction;
        match command.action {
            Action::Execute { source, params, want } => {
                self.enter(transaction)?;
                self.execute(source, params, want)
            }
            Action::Script(sql) => {
                self.enter(transaction)?;
                self.script(&sql)
            }
            Action::Batch { entries, behavior } => {
                self.enter(transaction)?;
                self.batch(entries, behavior)
            }
            Action::Begin(behavior) => {
                self.enter(transaction)?;
                self.begin(behavior)
            }
            Action::Commit => self.commit(transaction),
            Action::Rollback => self.roll_back(transaction),
            Action::Prepare(sql) => self.prepare(sql),
            Action::Finalize(id) => self.finalize(id),
            Action::Fetch { cursor, rows_max } => self.fetch(cursor, rows_max),
            Action::CloseCursor(cursor) => self.close_cursor(cursor),
            Action::Durable | Action::Close => Ok(Answer::Done),
        }
    }

    fn next_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    /// What is behind a failure: the store's own error and the reason of an interrupt go before
    /// SQLite's code for them.
    fn explain(&self, fault: Fault) -> SessionError {
        match fault {
            Fault::Session(error) => error,
            Fault::Raw(error) => self.explain_raw(error),
            Fault::At(index, fault) => match self.explain(*fault) {
                SessionError::Sqlite { code, message, offset, .. } => {
                    SessionError::Sqlite { code, message, offset, statement_index: Some(index) }
                }
                error => error,
            },
        }
    }

    fn explain_raw(&self, error: RawError) -> SessionError {
        let behind = self.mount().take_error();
        if let Some(poison) = self.mount().poison() {
            return poison.into();
        }
        let RawError { code, message, offset } = error;
        match code & 0xff {
            ffi::SQLITE_INTERRUPT => self.control.reason(),
            ffi::SQLITE_ERROR
            | ffi::SQLITE_CONSTRAINT
            | ffi::SQLITE_MISMATCH
            | ffi::SQLITE_RANGE
            | ffi::SQLITE_MISUSE
            | ffi::SQLITE_AUTH
            | ffi::SQLITE_LOCKED => None,
            _ => behind.map(SessionError::Store),
        }
        .unwrap_or(SessionError::Sqlite { code, message, offset, statement_index: None })
    }

    /// Why the connection cannot be used any more, if so.
    pub(crate) fn dead(&self) -> Option<SessionError> {
        self.mount().poison().map(SessionError::Store)
    }
}
