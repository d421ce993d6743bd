//! Recording and applying changes; whole databases in.

use super::SyncSession;
use crate::fault::Fault;
use crate::{ApplyChanges, ChangesetKind, SessionError};

impl SyncSession {
    /// Begins to record what changes in a schema (`main`, `temp`), in one table or in all that have
    /// a primary key; the number is for [`SyncSession::changes`].
    pub fn record(&mut self, schema: &str, table: Option<&str>) -> Result<u64, SessionError> {
        self.call(|it| {
            let recorder = it.connection()?.record(schema, table)?;
            it.next_id += 1;
            it.recorders.insert(it.next_id, recorder);
            Ok(it.next_id)
        })
    }

    /// What has changed since a recording began.
    pub fn changes(&mut self, id: u64, kind: ChangesetKind) -> Result<Vec<u8>, SessionError> {
        self.call(|it| {
            let recorder = it.recorders.get_mut(&id);
            let recorder = recorder.ok_or_else(|| Fault::usage("the recording is not there"))?;
            Ok(recorder.changes(kind)?)
        })
    }

    /// Ends a recording. One that has ended is no error.
    pub fn end_recording(&mut self, id: u64) {
        self.recorders.remove(&id);
    }

    /// Makes recorded changes in the main database, all or none: in the open transaction, or in one
    /// of their own. Fails with `SQLITE_ABORT` where the handler said so.
    pub fn apply(
        &mut self,
        changeset: &[u8],
        handler: &mut dyn ApplyChanges,
    ) -> Result<(), SessionError> {
        self.back_off();
        self.call(|it| {
            let reading = it.reading();
            it.connection()?.apply(changeset, handler, reading)
        })
    }

    /// Replaces the main database by that of an image, with pages of the same size. Statements and
    /// recordings are let go. No transaction may be open.
    pub fn deserialize(&mut self, image: &[u8]) -> Result<(), SessionError> {
        self.back_off();
        self.call(|it| {
            it.statements.clear();
            it.recorders.clear();
            it.connection()?.replace(image)
        })
    }
}
