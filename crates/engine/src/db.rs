//! One database in the store: its name, its keys, and reading its rows in a snapshot.

use std::collections::HashMap;
use std::ops::ControlFlow;

use actor_sqlite_kv::{KvError, Scan, Snapshot};
use actor_sqlite_ltx::{PageSize, Txid};
use actor_sqlite_pagestore::{ActorId, StoreError};

use crate::error::store_error;
use crate::keys::{Keys, RowId};
use crate::rows::{DeltaIndex, IndexRow, open, open_v1};

/// The most rows that one read of several keys asks for: what it lends lies in memory at once.
pub(crate) const ROWS_AT_ONCE: usize = 256;
/// Indexes of shards that lie no further apart are read by one scan over those between them, which
/// costs less than to begin anew.
const SHARD_GAP_MAX: u32 = 16;

/// Called with each row of a scan, its key and its value.
pub(crate) type VisitRow<'v> =
    dyn FnMut(RowId, &[u8], &[u8]) -> Result<ControlFlow<()>, StoreError> + 'v;

/// Called with the position of each row that was asked for, its key and its value.
pub(crate) type VisitAt<'v> = dyn FnMut(usize, &[u8], Option<&[u8]>) -> Result<(), StoreError> + 'v;

/// A database's name and keys.
#[derive(Clone, Debug)]
pub(crate) struct Db {
    pub(crate) actor: ActorId,
    pub(crate) keys: Keys,
}

impl Db {
    pub(crate) fn new(actor: &ActorId) -> Self {
        Self { actor: actor.clone(), keys: Keys::new(actor) }
    }

    /// The error of a row that is wrong.
    pub(crate) fn corrupt(&self, row: RowId, reason: impl ToString) -> StoreError {
        self.corrupt_named(row.to_string(), reason)
    }

    /// The error of a row that is known by its words only.
    pub(crate) fn corrupt_named(&self, row: String, reason: impl ToString) -> StoreError {
        StoreError::Corrupt { actor: self.actor.clone(), row, reason: reason.to_string() }
    }

    /// What a failure of the store means to a caller.
    pub(crate) fn failed(&self, error: KvError) -> StoreError {
        store_error(&self.actor, error)
    }

    /// Checks the envelope of a row's value, which has the first format.
    pub(crate) fn open<'v>(
        &self,
        row: RowId,
        key: &[u8],
        value: &'v [u8],
    ) -> Result<&'v [u8], StoreError> {
        open_v1(key, value).map_err(|fault| self.corrupt(row, fault))
    }

    /// Decodes the page index row of a commit that `key` names.
    pub(crate) fn open_delta_index(
        &self,
        row: RowId,
        key: &[u8],
        value: &[u8],
        page_size: PageSize,
    ) -> Result<DeltaIndex, StoreError> {
        open(key, value)
            .and_then(|(format, payload)| DeltaIndex::decode(format, payload, page_size))
            .map_err(|fault| self.corrupt(row, fault))
    }

    /// Decodes the page index row of a file that `key` names.
    pub(crate) fn open_index(
        &self,
        row: RowId,
        key: &[u8],
        value: &[u8],
        page_size: PageSize,
    ) -> Result<IndexRow, StoreError> {
        let payload = self.open(row, key, value)?;
        IndexRow::decode(payload, page_size).map_err(|fault| self.corrupt(row, fault))
    }

    /// Visits the rows from `first` to `last`, both included and of one kind. A key between them
    /// that names no row is corruption.
    pub(crate) fn scan(
        &self,
        snapshot: &dyn Snapshot,
        (first, last): (RowId, RowId),
        visit: &mut VisitRow<'_>,
    ) -> Result<(), StoreError> {
        let (start, end) = self.keys.between(first, last);
        let scan = Scan { start: &start, end: &end, limit: usize::MAX, reverse: false };
        self.walk(snapshot, scan, visit)
    }

    /// Visits the rows of any range of this database's keys.
    pub(crate) fn walk(
        &self,
        snapshot: &dyn Snapshot,
        scan: Scan<'_>,
        visit: &mut VisitRow<'_>,
    ) -> Result<(), StoreError> {
        let mut outcome = Ok(());
        let walked = snapshot.scan(scan, &mut |key, value| {
            let visited = match self.keys.parse(key) {
                Some(row) => visit(row, key, value),
                None => {
                    let row = self.keys.describe(key);
                    Err(self.corrupt_named(row, "no row has such a key"))
                }
            };
            visited.unwrap_or_else(|error| {
                outcome = Err(error);
                ControlFlow::Break(())
            })
        });
        walked.map_err(|error| self.failed(error))?;
        outcome
    }

    /// Visits rows by their position in the list, each once, with its key and its value; `None` for
    /// one that is not there. One operation of the store for [`ROWS_AT_ONCE`] rows.
    pub(crate) fn get_rows(
        &self,
        snapshot: &dyn Snapshot,
        rows: &[RowId],
        visit: &mut VisitAt<'_>,
    ) -> Result<(), StoreError> {
        let mut outcome = Ok(());
        let mut first = 0;
        for rows in rows.chunks(ROWS_AT_ONCE) {
            let keys: Vec<_> = rows.iter().map(|&row| self.keys.key(row)).collect();
            let mut visit = |at: usize, value: Option<&[u8]>| {
                if outcome.is_ok() {
                    outcome = visit(first + at, &keys[at], value);
                }
            };
            let got = match &*keys {
                // The value of a single row is lent without a list around it.
                [key] => snapshot.get(key, &mut |value| visit(0, Some(value))).map(|there| {
                    if !there {
                        visit(0, None);
                    }
                }),
                keys => snapshot.multi_get(keys, &mut visit),
            };
            got.map_err(|error| self.failed(error))?;
            if outcome.is_err() {
                break;
            }
            first += rows.len();
        }
        outcome
    }

    /// The newest page indexes of shards as of a state, by shard. `shards` are ascending; those that lie
    /// close together are one scan, in which each shard has one row as a rule.
    pub(crate) fn shard_indexes(
        &self,
        snapshot: &dyn Snapshot,
        shards: &[u32],
        watermark: Txid,
        page_size: PageSize,
    ) -> Result<HashMap<u32, (Txid, IndexRow)>, StoreError> {
        let mut found = HashMap::with_capacity(shards.len());
        for run in shards.chunk_by(|&one, &next| next - one <= SHARD_GAP_MAX) {
            let (&[first, .., last] | &[first @ last]) = run else { continue };
            if first == last {
                let index = self.shard_index(snapshot, first, watermark, page_size)?;
                found.extend(index.map(|index| (first, index)));
                continue;
            }
            let row = |shard, as_of| RowId::Sidx { shard, as_of };
            let range = (row(first, Txid::ZERO), row(last, watermark));
            self.scan(snapshot, range, &mut |row, key, value| {
                let RowId::Sidx { shard, as_of } = row else {
                    return Err(self.corrupt(row, "it lies among the indexes of shards"));
                };
                if as_of <= watermark && run.binary_search(&shard).is_ok() {
                    found.insert(shard, (as_of, self.open_index(row, key, value, page_size)?));
                }
                Ok(ControlFlow::Continue(()))
            })?;
        }
        Ok(found)
    }

    /// The newest page index of a shard as of a state, by one reverse scan of one row.
    pub(crate) fn shard_index(
        &self,
        snapshot: &dyn Snapshot,
        shard: u32,
        watermark: Txid,
        page_size: PageSize,
    ) -> Result<Option<(Txid, IndexRow)>, StoreError> {
        let row = |as_of| RowId::Sidx { shard, as_of };
        let (start, end) = self.keys.between(row(Txid::ZERO), row(watermark));
        let scan = Scan { start: &start, end: &end, limit: 1, reverse: true };
        let mut found = None;
        self.walk(snapshot, scan, &mut |row, key, value| {
            let RowId::Sidx { as_of, .. } = row else {
                return Err(self.corrupt(row, "it lies among the indexes of a shard"));
            };
            found = Some((as_of, self.open_index(row, key, value, page_size)?));
            Ok(ControlFlow::Break(()))
        })?;
        Ok(found)
    }
}
