//! What a database stores, kept exact: every batch that changes it ends here.
//!
//! `HEAD` and `ROOT` are written by these functions only. Each takes the row of before and the row
//! of after, whose difference in bytes charged and credited is what the batch adds to the store,
//! and enters the same difference into the counter of the namespace.

use actor_sqlite_kv::Batch;

use crate::db::Db;
use crate::heads::{Heads, Stored};
use crate::keys::{RowId, usage_key};
use crate::rows::{HeadRow, RootRow};

/// Ends a batch that writes `HEAD`: guards its exact bytes of before, and puts `row` in its place.
pub(crate) fn put_head(
    db: &Db,
    batch: &mut Batch<'_>,
    before: &Stored<HeadRow>,
    row: HeadRow,
) -> Stored<HeadRow> {
    let after = Stored::<HeadRow>::after(db, before, row);
    let key = db.keys.key(RowId::Head);
    batch.guard(key.clone(), Some(before.value.clone())).put(key, after.value.clone());
    if before.row.namespaced {
        count(db, batch, after.row.charged_bytes.wrapping_sub(before.row.charged_bytes));
    }
    after
}

/// Ends a batch of a claim. The first claim of a namespace's database that was not counted, because
/// it is new or older than the counter, counts all that it stores.
pub(crate) fn put_claimed(
    db: &Db,
    batch: &mut Batch<'_>,
    before: &Heads,
    row: HeadRow,
) -> Stored<HeadRow> {
    let namespaced = !db.actor.namespace().is_empty();
    let after = put_head(db, batch, &before.head, HeadRow { namespaced, ..row });
    if namespaced && !before.head.row.namespaced {
        let root = &before.root.row;
        count(db, batch, stored_bytes(&after.row, root));
    }
    after
}

/// Ends a batch that deletes a database: guards the exact bytes of all three rows, so that what goes is
/// what they account for, and takes it off the counter.
pub(crate) fn put_deleted(db: &Db, batch: &mut Batch<'_>, before: &Heads) {
    batch
        .guard(db.keys.key(RowId::Epoch), Some(before.epoch.value.clone()))
        .guard(db.keys.key(RowId::Head), Some(before.head.value.clone()))
        .guard(db.keys.key(RowId::Root), Some(before.root.value.clone()));
    if before.head.row.namespaced {
        count(db, batch, before.stored_bytes().wrapping_neg());
    }
}

/// Ends a batch of compaction, reclaim or sweep: guards `EPOCH` and the exact bytes of `ROOT`, and
/// puts `row` in its place. `EPOCH` is of the snapshot that showed `heads`, so that no claim has come
/// between and made the database one that is counted.
pub(crate) fn put_root(
    db: &Db,
    batch: &mut Batch<'_>,
    heads: &Heads,
    before: &Stored<RootRow>,
    row: RootRow,
) -> Stored<RootRow> {
    let after = Stored::<RootRow>::after(db, before, row);
    let key = db.keys.key(RowId::Root);
    batch
        .guard(db.keys.key(RowId::Epoch), Some(heads.epoch.value.clone()))
        .guard(key.clone(), Some(before.value.clone()))
        .put(key, after.value.clone());
    if heads.head.row.namespaced {
        let charged = after.row.charged_bytes.wrapping_sub(before.row.charged_bytes);
        let credited = after.row.credited_bytes.wrapping_sub(before.row.credited_bytes);
        count(db, batch, charged.wrapping_sub(credited));
    }
    after
}

/// Keys and values that a database holds in the store, in bytes.
pub(crate) fn stored_bytes(head: &HeadRow, root: &RootRow) -> u64 {
    (head.charged_bytes + root.charged_bytes).saturating_sub(root.credited_bytes)
}

/// Adds a difference to the counter of the namespace, and takes it off in the second lane: the two
/// add up to zero unless the row was damaged.
pub(crate) fn count(db: &Db, batch: &mut Batch<'_>, difference: u64) {
    if difference != 0 {
        let difference = difference as i64;
        batch.add(usage_key(db.actor.namespace()), vec![difference, difference.wrapping_neg()]);
    }
}
