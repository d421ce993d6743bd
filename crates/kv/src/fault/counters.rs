//! What a store was asked to do.

use super::plan::OpKind;
use crate::{Batch, Write};

/// Operations and rows since the store was made, those that failed included. A test compares
/// two of these to say how many operations a piece of work took.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Counters {
    /// Snapshots taken.
    pub snapshots: u64,
    /// Reads of one key.
    pub gets: u64,
    /// Reads of several keys.
    pub multi_gets: u64,
    /// Keys asked for by those.
    pub multi_get_keys: u64,
    /// Walks over a range.
    pub scans: u64,
    /// Rows visited by those.
    pub scan_rows: u64,
    /// Bytes of values lent to readers of any kind.
    pub bytes_read: u64,
    /// Commits tried.
    pub commits: u64,
    /// Guards of those.
    pub guards: u64,
    /// Rows put by commits that landed.
    pub rows_put: u64,
    /// Single deletes of commits that landed.
    pub rows_deleted: u64,
    /// Additions of commits that landed.
    pub rows_added_to: u64,
    /// Range deletes of commits that landed.
    pub ranges_deleted: u64,
    /// Keys and values of commits that landed, in bytes.
    pub bytes_written: u64,
    /// Commits refused because a guard did not hold.
    pub guard_failures: u64,
    /// Syncs tried.
    pub syncs: u64,
    /// Operations that a fault struck.
    pub faults: u64,
}

impl Counters {
    /// Operations of every kind: what [`crate::FaultKv::fail_op`] counts.
    pub fn ops(&self) -> u64 {
        self.snapshots + self.gets + self.multi_gets + self.scans + self.commits + self.syncs
    }

    /// Operations of one kind.
    pub fn of(&self, kind: OpKind) -> u64 {
        match kind {
            OpKind::Snapshot => self.snapshots,
            OpKind::Get => self.gets,
            OpKind::MultiGet => self.multi_gets,
            OpKind::Scan => self.scans,
            OpKind::Commit => self.commits,
            OpKind::Sync => self.syncs,
        }
    }

    pub(super) fn begin(&mut self, kind: OpKind) {
        let counter = match kind {
            OpKind::Snapshot => &mut self.snapshots,
            OpKind::Get => &mut self.gets,
            OpKind::MultiGet => &mut self.multi_gets,
            OpKind::Scan => &mut self.scans,
            OpKind::Commit => &mut self.commits,
            OpKind::Sync => &mut self.syncs,
        };
        *counter += 1;
    }

    pub(super) fn landed(&mut self, batch: &Batch<'_>) {
        self.bytes_written += batch.bytes() as u64;
        for write in &batch.writes {
            match write {
                Write::Put { .. } => self.rows_put += 1,
                Write::Delete { .. } => self.rows_deleted += 1,
                Write::Add { .. } => self.rows_added_to += 1,
                Write::DeleteRange { .. } => self.ranges_deleted += 1,
            }
        }
    }
}
