//! Transactions that a caller owns.

use super::Connection;
use crate::fault::Fault;
use crate::mailbox::Deadline;
use crate::{Answer, Behavior, SessionError, TransactionId};

/// The open one.
pub(super) struct Transaction {
    pub(super) id: TransactionId,
    /// How many savepoints of ours are open in it.
    savepoints: u32,
    deadline: Option<Deadline>,
}

/// How one ended.
#[derive(Clone, Debug)]
pub(crate) enum End {
    Committed,
    RolledBack,
    /// SQL text ended it: a COMMIT or ROLLBACK the caller wrote, or an error after which SQLite
    /// rolls back.
    Inside,
    TimedOut {
        timeout_ms: u64,
    },
}

impl End {
    fn reason(&self) -> String {
        match self {
            Self::Committed => "it was committed".into(),
            Self::RolledBack => "it was rolled back".into(),
            Self::Inside => "a statement in it ended it".into(),
            Self::TimedOut { timeout_ms } => {
                format!("it was open for more than {timeout_ms} ms and was rolled back")
            }
        }
    }
}

impl Behavior {
    pub(super) fn sql(self) -> &'static str {
        match self {
            Self::Deferred => "BEGIN",
            Self::Immediate => "BEGIN IMMEDIATE",
            Self::Exclusive => "BEGIN EXCLUSIVE",
        }
    }
}

/// The statement that opens, releases or undoes the savepoint at a depth.
fn savepoint(verb: &str, depth: u32) -> String {
    format!("{verb} actor_sqlite_{depth}")
}

impl Connection {
    /// Checks that a command may run now: in the open transaction, or outside if there is none.
    pub(super) fn enter(&mut self, given: Option<TransactionId>) -> Result<(), Fault> {
        if self.stray {
            self.undo()?;
        }
        self.forget()?;
        match (given, &self.transaction) {
            (None, None) => Ok(()),
            (None, Some(_)) => Err(Fault::usage(
                "a transaction is open on this database, and the command is not part of it",
            )),
            (Some(id), Some(open)) if open.id == id => {
                if let Some(Deadline { at_ns, timeout_ms }) = open.deadline {
                    self.control.limit(at_ns, timeout_ms);
                }
                Ok(())
            }
            (Some(id), _) => Err(self.over(id).into()),
        }
    }

    fn over(&self, id: TransactionId) -> SessionError {
        let reason = match &self.ended {
            Some((ended, end)) if *ended == id => end.reason(),
            _ => "it ended before another one began".into(),
        };
        SessionError::TransactionOver { reason }
    }

    fn end_transaction(&mut self, end: End) {
        if let Some(transaction) = self.transaction.take() {
            self.ended = Some((transaction.id, end));
        }
    }

    /// To be called after each command: SQLite may have ended the transaction by itself.
    pub(super) fn note_transaction_end(&mut self) {
        if self.transaction.is_some() && self.db.autocommit() {
            self.counters.auto_rolled_back.add(1);
            self.end_transaction(End::Inside);
        }
    }

    pub(super) fn begin(&mut self, behavior: Behavior) -> Result<Answer, Fault> {
        if let Some(open) = &self.transaction {
            let (id, depth) = (open.id, open.savepoints + 1);
            self.control_statement(&savepoint("SAVEPOINT", depth))?;
            if let Some(open) = &mut self.transaction {
                open.savepoints = depth;
            }
            return Ok(Answer::Began(id));
        }
        self.open_transaction(behavior)?;
        let id = TransactionId(self.next_id());
        let deadline = self.options.transaction_timeout_ms.map(|timeout_ms| Deadline {
            at_ns: self.clock.monotonic_ns().saturating_add(timeout_ms.saturating_mul(1_000_000)),
            timeout_ms,
        });
        self.transaction = Some(Transaction { id, savepoints: 0, deadline });
        Ok(Answer::Began(id))
    }

    pub(super) fn commit(&mut self, given: Option<TransactionId>) -> Result<Answer, Fault> {
        self.enter(given)?;
        let Some(open) = &mut self.transaction else {
            return Err(Fault::usage("no transaction was named to be committed"));
        };
        if open.savepoints > 0 {
            let release = savepoint("RELEASE", open.savepoints);
            self.control_statement(&release)?;
            if let Some(open) = &mut self.transaction {
                open.savepoints -= 1;
            }
            return Ok(Answer::Done);
        }
        self.control_statement("COMMIT")?;
        self.counters.committed.add(1);
        self.end_transaction(End::Committed);
        Ok(Answer::Done)
    }

    pub(super) fn roll_back(&mut self, given: Option<TransactionId>) -> Result<Answer, Fault> {
        let rolled_back = matches!(&self.ended, Some((id, end))
            if Some(*id) == given && !matches!(end, End::Committed));
        if rolled_back {
            return Ok(Answer::Done);
        }
        self.enter(given)?;
        let Some(open) = &mut self.transaction else {
            return Err(Fault::usage("no transaction was named to be rolled back"));
        };
        if open.savepoints > 0 {
            let depth = open.savepoints;
            open.savepoints -= 1;
            return self.undo_savepoint(depth).map(|()| Answer::Done);
        }
        self.undo()?;
        self.counters.rolled_back.add(1);
        self.end_transaction(End::RolledBack);
        Ok(Answer::Done)
    }

    /// Rolls the transaction back, if SQLite has not.
    pub(super) fn undo(&mut self) -> Result<(), Fault> {
        if !self.db.autocommit() {
            self.control_statement("ROLLBACK")?;
        }
        self.stray = false;
        Ok(())
    }

    /// Opens a transaction. If that fails, none is left open that was not open before.
    fn open_transaction(&mut self, behavior: Behavior) -> Result<(), Fault> {
        let outermost = self.db.autocommit();
        let result = self.control_statement(behavior.sql());
        if result.is_err() && outermost {
            self.stray = true;
            self.undo()?;
        }
        result
    }

    fn undo_savepoint(&mut self, depth: u32) -> Result<(), Fault> {
        self.control_statement(&savepoint("ROLLBACK TO", depth))?;
        self.control_statement(&savepoint("RELEASE", depth))
    }

    /// When the open transaction's time is over.
    pub(crate) fn transaction_deadline_ns(&self) -> Option<u64> {
        Some(self.transaction.as_ref()?.deadline?.at_ns)
    }

    /// Rolls the open transaction back if its time is over.
    pub(crate) fn expire_transaction(&mut self, now_ns: u64) {
        let deadline = self.transaction.as_ref().and_then(|open| open.deadline);
        let Some(Deadline { timeout_ms, .. }) = deadline.filter(|it| it.at_ns <= now_ns) else {
            return;
        };
        if self.undo().is_ok() {
            self.counters.auto_rolled_back.add(1);
            self.end_transaction(End::TimedOut { timeout_ms });
        } else if let Some(open) = &mut self.transaction {
            // The next command shows why; a timer must not try it for ever.
            open.deadline = None;
        }
    }

    /// Runs `work` as a transaction of its own, or as a savepoint inside the open one.
    pub(super) fn atomically<T>(
        &mut self,
        behavior: Behavior,
        work: impl FnOnce(&mut Self) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let outermost = self.db.autocommit();
        let result = self.whole(behavior, work);
        match (&result, outermost) {
            (Ok(_), true) => self.counters.committed.add(1),
            (Err(_), true) => self.counters.rolled_back.add(1),
            (_, false) => {}
        }
        result
    }

    /// Runs `work` whole or not at all.
    pub(super) fn whole<T>(
        &mut self,
        behavior: Behavior,
        work: impl FnOnce(&mut Self) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let outermost = self.db.autocommit();
        let depth = 1 + self.transaction.as_ref().map_or(0, |open| open.savepoints);
        match outermost {
            true => self.open_transaction(behavior)?,
            false => self.control_statement(&savepoint("SAVEPOINT", depth))?,
        }
        let result = work(self).and_then(|value| {
            match outermost {
                true => self.control_statement("COMMIT")?,
                false => self.control_statement(&savepoint("RELEASE", depth))?,
            }
            Ok(value)
        });
        match (&result, outermost) {
            (Ok(_), _) => {}
            (Err(_), true) => {
                self.stray = true;
                self.undo()?;
            }
            (Err(_), false) if self.db.autocommit() => {}
            (Err(_), false) => self.undo_savepoint(depth)?,
        }
        result
    }
}
