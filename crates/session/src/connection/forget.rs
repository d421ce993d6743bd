//! What virtual tables remember of a transaction that is gone.

use std::sync::atomic::Ordering;

use super::Connection;
use super::cursor::Cursor;
use crate::compiled::Compiled;
use crate::fault::Fault;

impl Connection {
    /// Makes virtual tables forget what they should not remember, if no result is being read: its
    /// statement would go on with tables that see none of the writes to come.
    pub(super) fn forget(&mut self) -> Result<(), Fault> {
        match self.db.stale() && !self.cursors.values().any(Cursor::is_live) {
            true => self.forget_now(),
            false => Ok(()),
        }
    }

    /// To be called before each statement of a caller: one that writes would store what virtual
    /// tables remember. Results that are being read end, as they do when SQLite rolls back under
    /// them.
    ///
    /// A transaction may be open by now, but nothing was written in it: no virtual table takes
    /// part in it, and the schema is that of its beginning.
    pub(super) fn forget_before(&mut self, compiled: &Compiled) -> Result<(), Fault> {
        if !self.db.stale() || compiled.readonly {
            return Ok(());
        }
        let live: Vec<u64> =
            self.cursors.iter().filter(|it| it.1.is_live()).map(|it| *it.0).collect();
        for id in live {
            if let Some(cursor) = self.cursors.insert(id, Cursor::RolledBack) {
                self.end(cursor);
            }
        }
        self.forget_now()
    }

    pub(super) fn forget_now(&mut self) -> Result<(), Fault> {
        let forgetting = &self.notes.forgetting;
        forgetting.store(true, Ordering::Relaxed);
        let result = self.control.shielded(|| self.db.forget());
        forgetting.store(false, Ordering::Relaxed);
        Ok(result?)
    }
}
