//! Running one statement.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use actor_sqlite_pagestore::StoreError;

use super::Connection;
use super::cursor::Cursor;
use crate::collect::{Collector, too_large};
use crate::compiled::Compiled;
use crate::fault::Fault;
use crate::keyword::Kind;
use crate::raw::Step;
use crate::{Answer, Behavior, Changes, Params, Rows, SessionError, Source, Want};

impl Connection {
    pub(super) fn execute(
        &mut self,
        source: Source,
        params: Params,
        want: Want,
    ) -> Result<Answer, Fault> {
        let (home, mut compiled) = self.check_out(source)?;
        if want != Want::Run && !compiled.reader() {
            self.check_in(home, compiled);
            return Err(Fault::usage("the statement returns no rows, and rows are wanted"));
        }
        if let (Want::Chunk { rows_max }, true) = (want, compiled.readonly) {
            return match self.start(&mut compiled, params) {
                Ok(()) => self.open_cursor(Cursor::live(home, compiled), rows_max),
                Err(fault) => {
                    self.check_in(home, compiled);
                    Err(fault)
                }
            };
        }
        // Not a PRAGMA, which may do something else inside a transaction.
        let writes = matches!(compiled.kind, Kind::Insert | Kind::Update | Kind::Delete);
        let result = match writes && compiled.reader() && want != Want::Run {
            true => self.run_returning(&mut compiled, params, want),
            false => self.run(&mut compiled, params, want),
        };
        self.check_in(home, compiled);
        match (want, result?) {
            // A statement that writes is committed only at its end: an open cursor would hold back
            // the commits of all that run beside it. So it ends first, and its rows are kept.
            (Want::Chunk { rows_max }, Answer::Rows(rows)) => {
                self.open_cursor(Cursor::Kept { rows, next: 0 }, rows_max)
            }
            (_, answer) => Ok(answer),
        }
    }

    /// Runs a statement to its end, or to what is wanted of it.
    pub(super) fn run(
        &mut self,
        compiled: &mut Compiled,
        params: Params,
        want: Want,
    ) -> Result<Answer, Fault> {
        if want == Want::Run && compiled.readonly && compiled.reader() {
            return Err(Fault::usage("the statement returns rows, and none are wanted"));
        }
        self.start(compiled, params)?;
        let total = self.db.total_changes();
        let rows = self.while_vacuuming(compiled.kind, || match want {
            Want::Run => finish(compiled).map(|()| None),
            Want::First => self.collect(compiled, 1).map(Some),
            Want::All | Want::Chunk { .. } => self.collect(compiled, usize::MAX).map(Some),
        });
        self.counted(compiled);
        let rows = rows?;
        self.check_reads(compiled)?;
        Ok(match rows {
            Some(rows) => Answer::Rows(rows),
            None => Answer::Changes(self.changes(compiled, total)),
        })
    }

    /// Runs a statement that writes and returns rows. They may be too many, and SQLite would keep
    /// what a statement wrote that is left before its end: it is undone, by itself or with the
    /// open transaction. (No savepoint: FTS5 writes its index out at each.)
    fn run_returning(
        &mut self,
        compiled: &mut Compiled,
        params: Params,
        want: Want,
    ) -> Result<Answer, Fault> {
        if self.db.autocommit() {
            return self.whole(Behavior::Deferred, |it| it.run(compiled, params, want));
        }
        let result = self.run(compiled, params, want);
        if let Err(Fault::Session(SessionError::Store(StoreError::Limit { .. }))) = result {
            let _ = compiled.statement.reset();
            self.undo()?;
        }
        result
    }

    fn start(&mut self, compiled: &mut Compiled, params: Params) -> Result<(), Fault> {
        self.control.check()?;
        self.forget_before(compiled)?;
        self.forget_errors();
        compiled.bind(params)?;
        self.counters.ran(compiled.kind);
        Ok(())
    }

    /// To be called before a statement runs: what failed under an earlier one is not its.
    pub(super) fn forget_errors(&self) {
        drop(self.mount().take_error());
    }

    /// To be called when a statement has ended well. SQLite takes some failures to read for itself:
    /// `integrity_check` names the page as if the database were malformed, whatever kept the store
    /// from answering. What only reads, and returns rows, fails with the store's own error instead.
    /// (Others may have ended a transaction, which must not be answered by an error.)
    pub(super) fn check_reads(&self, compiled: &Compiled) -> Result<(), Fault> {
        if !compiled.readonly || !compiled.reader() {
            return Ok(());
        }
        self.mount().take_error().map_or(Ok(()), |error| Err(SessionError::Store(error).into()))
    }

    /// Runs a statement; if it is VACUUM, with the authorizer told so.
    pub(super) fn while_vacuuming<T>(&self, kind: Kind, run: impl FnOnce() -> T) -> T {
        let vacuuming = &self.notes.vacuuming;
        vacuuming.store(kind == Kind::Vacuum, Ordering::Relaxed);
        let result = run();
        vacuuming.store(false, Ordering::Relaxed);
        result
    }

    /// To be called when a statement has ended, however it did.
    pub(super) fn counted(&self, compiled: &Compiled) {
        if matches!(compiled.kind, Kind::Insert | Kind::Update | Kind::Delete) {
            self.db.counted();
        }
    }

    /// Rows up to `rows_max`. A statement that writes runs to its end for all that.
    fn collect(&self, compiled: &mut Compiled, rows_max: usize) -> Result<Rows, Fault> {
        let mut collector = Collector::default();
        while compiled.statement.step()? == Step::Row {
            if collector.row_count() == rows_max {
                continue;
            }
            let columns = compiled.statement.column_count();
            collector.push(&compiled.statement, columns)?;
            let (bytes, limit) = (collector.bytes(), self.options.result_bytes_max);
            if bytes > limit {
                return Err(too_large("bytes of one result", bytes, limit));
            }
            if compiled.readonly && collector.row_count() == rows_max {
                break;
            }
        }
        let shape = compiled.shape();
        compiled.statement.reset()?;
        Ok(collector.finish(shape, None))
    }

    /// What a statement changed that ran to its end; `total` is `total_changes` before.
    pub(super) fn changes(&self, compiled: &Compiled, total: i64) -> Changes {
        // Only INSERT, UPDATE and DELETE set SQLite's count: after others it is that of the last
        // one before. Whatever sets it and counts more than 0 raises the total as well.
        let changed = !compiled.readonly && self.db.total_changes() != total;
        Changes {
            changes: if changed { self.db.changes() } else { 0 },
            last_insert_rowid: self.db.last_insert_rowid(),
        }
    }

    /// Runs one of our own statements, which has no parameters. Nothing stops it: half a BEGIN
    /// would leave a transaction that nobody knows of.
    pub(super) fn control_statement(&mut self, sql: &str) -> Result<(), Fault> {
        let sql: Arc<str> = sql.into();
        let control = Arc::clone(&self.control);
        control.shielded(|| {
            let (home, mut compiled) = self.check_out(Source::Sql(sql))?;
            let result = finish(&mut compiled);
            self.check_in(home, compiled);
            result
        })
    }
}

/// Runs a statement to its end without its rows.
pub(super) fn finish(compiled: &mut Compiled) -> Result<(), Fault> {
    while compiled.statement.step()? == Step::Row {}
    Ok(())
}
