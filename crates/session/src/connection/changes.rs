//! Recording and applying changes, and what else a program sets on a connection of its own.

use std::sync::Arc;

use rusqlite::config::DbConfig;
use rusqlite::ffi::SQLITE_READONLY;
use rusqlite::limits::Limit;

use super::Connection;
use crate::compiled::{Compiled, Texts};
use crate::fault::Fault;
use crate::raw::{RawError, Recorder};
use crate::{ApplyChanges, AskedAuthorizer, authorizer};

impl Connection {
    /// Compiles the first statement of a text, whatever follows it; `None` where there is none.
    pub(crate) fn compile_first(&mut self, sql: &str) -> Result<Option<Compiled>, Fault> {
        self.forget_errors();
        let first = Texts::new(sql)?.next(&self.db, true)?;
        let Some((statement, text)) = first else { return Ok(None) };
        self.counters.prepared.add(1);
        Ok(Some(Compiled::of(statement, text)))
    }

    /// SQLite's own counts, whichever statement set them.
    pub(crate) fn counts(&self) -> (u64, i64) {
        (self.db.changes(), self.db.last_insert_rowid())
    }

    pub(crate) fn limit_of(&self, limit: Limit) -> i32 {
        self.db.limit_of(limit)
    }

    pub(crate) fn set_limit(&self, limit: Limit, value: i32) -> Result<(), Fault> {
        Ok(self.db.limit(&[(limit, value)])?)
    }

    pub(crate) fn configure(&self, config: DbConfig, on: bool) -> Result<(), Fault> {
        Ok(self.db.configure(config, on)?)
    }

    /// Asks `asked` as well from now on, also about statements that were compiled before.
    pub(crate) fn ask(&self, asked: Option<Box<dyn AskedAuthorizer>>) -> Result<(), Fault> {
        let notes = Arc::clone(&self.notes);
        Ok(self.db.set_authorizer(authorizer::new(self.options.readonly, notes, asked))?)
    }

    pub(crate) fn record(&self, schema: &str, table: Option<&str>) -> Result<Recorder, Fault> {
        Ok(Recorder::begin(&self.db, schema, table)?)
    }

    /// `reading`: statements of the caller are under way.
    pub(crate) fn apply(
        &mut self,
        changeset: &[u8],
        handler: &mut dyn ApplyChanges,
        reading: bool,
    ) -> Result<(), Fault> {
        if self.db.stale() && !reading {
            self.forget_now()?;
        }
        self.forget_errors();
        Ok(self.db.apply(changeset, handler)?)
    }

    /// Replaces the main database. No statement may be under way.
    pub(crate) fn replace(&mut self, image: &[u8]) -> Result<(), Fault> {
        if self.options.readonly {
            return Err(RawError::of(SQLITE_READONLY).into());
        }
        self.forget_now()?;
        self.forget_errors();
        let page_size = self.mount().head().page_size;
        Ok(self.db.replace(image, page_size.get())?)
    }
}
