//! Results that are read in chunks.

use rusqlite::ffi;

use super::Connection;
use super::prepared::Home;
use crate::collect::Collector;
use crate::compiled::Compiled;
use crate::fault::Fault;
use crate::raw::{RawError, Step};
use crate::{Answer, CursorId, Rows};

/// A chunk ends when it has that many bytes, whatever the number of rows.
const CHUNK_BYTES: u64 = 256 << 10;

/// A result between two chunks.
pub(super) enum Cursor {
    /// A statement in the middle of its run. `row_ready`: it stands on a row not yet handed over.
    Live { home: Home, compiled: Box<Compiled>, row_ready: bool },
    /// Rows of a statement that has ended.
    Kept { rows: Rows, next: usize },
    /// Its statement had to end before its end.
    RolledBack,
}

impl Cursor {
    pub(super) fn live(home: Home, compiled: Compiled) -> Self {
        Self::Live { home, compiled: Box::new(compiled), row_ready: false }
    }

    /// Whether its statement is under way.
    pub(super) fn is_live(&self) -> bool {
        matches!(self, Self::Live { .. })
    }

    /// The next chunk, and whether there are more.
    fn chunk(&mut self, rows_max: usize) -> Result<(Rows, bool), Fault> {
        let mut collector = Collector::default();
        let full = |collector: &Collector| {
            collector.row_count() >= rows_max || collector.bytes() >= CHUNK_BYTES
        };
        match self {
            Self::Live { compiled, row_ready, .. } => {
                let more = loop {
                    if !*row_ready && compiled.statement.step()? == Step::Done {
                        break false;
                    }
                    *row_ready = full(&collector);
                    if *row_ready {
                        break true;
                    }
                    let columns = compiled.statement.column_count();
                    collector.push(&compiled.statement, columns)?;
                };
                Ok((collector.finish(compiled.shape(), None), more))
            }
            Self::Kept { rows, next } => {
                while *next < rows.row_count && !full(&collector) {
                    collector.push_row(rows, *next)?;
                    *next += 1;
                }
                let more = *next < rows.row_count;
                Ok((collector.finish(rows.shape.clone(), None), more))
            }
            Self::RolledBack => Err(RawError::of(ffi::SQLITE_ABORT_ROLLBACK).into()),
        }
    }
}

impl Connection {
    /// Reads the first chunk, and keeps the cursor if there are more.
    pub(super) fn open_cursor(&mut self, cursor: Cursor, rows_max: u32) -> Result<Answer, Fault> {
        let id = CursorId(self.next_id());
        self.advance(id, cursor, rows_max)
    }

    pub(super) fn fetch(&mut self, id: CursorId, rows_max: u32) -> Result<Answer, Fault> {
        let cursor = self.cursors.remove(&id.0).ok_or_else(|| Fault::usage("the result is closed"));
        let cursor = cursor?;
        // One that is not read on stays open.
        if let Err(error) = self.control.check() {
            self.cursors.insert(id.0, cursor);
            return Err(error.into());
        }
        self.advance(id, cursor, rows_max)
    }

    fn advance(
        &mut self,
        id: CursorId,
        mut cursor: Cursor,
        rows_max: u32,
    ) -> Result<Answer, Fault> {
        self.forget_errors();
        let chunk = cursor.chunk(rows_max.max(1) as usize).and_then(|chunk| {
            if let Cursor::Live { compiled, .. } = &cursor {
                self.check_reads(compiled)?;
            }
            Ok(chunk)
        });
        match chunk {
            Ok((rows, true)) => {
                self.cursors.insert(id.0, cursor);
                Ok(Answer::Rows(Rows { more: Some(id), ..rows }))
            }
            Ok((rows, false)) => {
                self.end(cursor);
                Ok(Answer::Rows(rows))
            }
            Err(fault) => {
                self.end(cursor);
                Err(fault)
            }
        }
    }

    /// Closing one that has ended is no error.
    pub(super) fn close_cursor(&mut self, id: CursorId) -> Result<Answer, Fault> {
        if let Some(cursor) = self.cursors.remove(&id.0) {
            self.end(cursor);
        }
        Ok(Answer::Done)
    }

    pub(super) fn end(&mut self, cursor: Cursor) {
        if let Cursor::Live { home, compiled, .. } = cursor {
            self.check_in(home, *compiled);
        }
    }
}
