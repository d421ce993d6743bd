//! What is kept of a connection while its session sleeps, and what keeps it awake.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use actor_sqlite_pagestore::{Generation, Ticket};
use actor_sqlite_vfs::KeptPages;
use rusqlite::limits::Limit;

use super::open::limits;
use super::prepared::{Prepared, State};
use super::{Connection, transaction};
use crate::raw::{KeptCounts, RawError};
use crate::settings::{self, Values};
use crate::{Answer, StatementId, TransactionId};

/// Why a connection cannot be let go of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Held {
    /// A command runs or waits.
    Command,
    /// A transaction is open.
    Transaction,
    /// A result is read in chunks, and not at its end.
    Cursor,
    /// The temporary database has something in it.
    Temp,
    /// An answer waits at the gate.
    Answer,
    /// Asking SQLite failed; so may the next command, which then tells why.
    Failed,
}

/// All that a later connection needs to go on as if it were this one.
pub(crate) struct Kept {
    pub(crate) generation: Generation,
    /// Covers all that was read or committed.
    pub(crate) ticket: Ticket,
    /// Those that are in the page cache, if it still has them.
    pub(super) pages: Option<KeptPages>,
    pub(super) counts: KeptCounts,
    /// Those that SQL may have changed; rarely any.
    pub(super) settings: Option<Box<Values>>,
    ended: Option<(TransactionId, transaction::End)>,
    next_id: u64,
    prepared: Vec<(StatementId, Arc<str>)>,
}

impl Kept {
    /// Lets a prepared statement go; `None` if there is none of that id.
    pub(crate) fn finalize(&mut self, id: StatementId) -> Option<Answer> {
        let at = self.prepared.iter().position(|(own, _)| *own == id)?;
        self.prepared.swap_remove(at);
        Some(Answer::Done)
    }
}

impl Connection {
    /// What to keep, if nothing holds the connection.
    pub(crate) fn keep(&self) -> Result<Kept, Held> {
        if !self.db.autocommit() || self.transaction.is_some() || self.stray {
            return Err(Held::Transaction);
        }
        if !self.cursors.is_empty() {
            return Err(Held::Cursor);
        }
        if self.dead().is_some() {
            return Err(Held::Failed);
        }
        let settings = self.control.shielded(|| self.settings())?;
        let prepared = self.prepared.iter();
        Ok(Kept {
            generation: self.mount().lease().generation(),
            ticket: self.ticket(),
            pages: None,
            counts: self.db.kept(),
            settings,
            ended: self.ended.clone(),
            next_id: self.next_id,
            prepared: prepared.map(|(&id, it)| (StatementId(id), it.sql.clone())).collect(),
        })
    }

    /// Looks into what SQL has touched, if it has touched anything.
    fn settings(&self) -> Result<Option<Box<Values>>, Held> {
        if self.notes.temp_setting.load(Ordering::Relaxed) {
            return Err(Held::Temp);
        }
        let bits = self.notes.settings.load(Ordering::Relaxed);
        let temp = self.notes.temp.load(Ordering::Relaxed);
        if bits == 0 && !temp {
            return Ok(None);
        }
        let ours = limits(&self.options.limits);
        let read = self.db.limit(&ours.map(|(limit, _)| (limit, most(limit)))).and_then(|()| {
            let temp_objects = match temp {
                true => settings::integer(&self.db, "SELECT count(*) FROM temp.sqlite_schema")?,
                false => 0,
            };
            let auto_vacuum = self.notes.auto_vacuum.load(Ordering::Relaxed);
            Ok((temp_objects, Values::read(&self.db, bits, auto_vacuum)?))
        });
        let limited = self.db.limit(&ours);
        match (read, limited) {
            (Ok((0, values)), Ok(())) => Ok((bits != 0).then(|| Box::new(values))),
            (Ok(_), Ok(())) => Err(Held::Temp),
            (Err(RawError { .. }), _) | (_, Err(_)) => Err(Held::Failed),
        }
    }

    /// Closes the handle, and then gives the lease back.
    pub(crate) fn let_go(self, kept: Kept) -> Kept {
        let Self { cursors, prepared, cache, db, mount, .. } = self;
        drop((cursors, prepared, cache, db));
        Kept { pages: mount.0.close(), ..kept }
    }

    /// Takes over what was kept of the connection before.
    pub(super) fn restore(&mut self, kept: &Kept) {
        self.base_ticket = kept.ticket;
        self.ended = kept.ended.clone();
        self.next_id = kept.next_id;
        let forgotten = |sql: &Arc<str>| Prepared { sql: sql.clone(), state: State::Forgotten };
        self.prepared = kept.prepared.iter().map(|(id, sql)| (id.0, forgotten(sql))).collect();
    }
}

/// A limit that none of our own statements reaches.
fn most(limit: Limit) -> i32 {
    match limit {
        // SQLite would start threads.
        Limit::SQLITE_LIMIT_WORKER_THREADS => 0,
        _ => i32::MAX,
    }
}
