//! A batch of the contract as a batch of RocksDB.

use std::ops::ControlFlow;

use actor_sqlite_kv::{Batch, KvError, Visit, Write};
use rocksdb::{DB, ReadOptions, WriteBatch};

use crate::error;

/// A range of at most so many rows is deleted row by row. RocksDB keeps range tombstones in a
/// list of their own that every read consults and the next read after each new one sorts again.
const ROWS_DELETED_SINGLY_MAX: usize = 64;

/// Whether some write needs to know the rows that are there.
pub(crate) fn has_ranges(batch: &Batch<'_>) -> bool {
    batch.writes.iter().any(|write| matches!(write, Write::DeleteRange { .. }))
}

/// Translates the writes. The key locks must be held if there are ranges, because their rows are
/// looked up.
pub(crate) fn translate(batch: &Batch<'_>, db: &DB) -> Result<WriteBatch, KvError> {
    // RocksDB's own framing of a write is a few bytes; the buffer must not grow for it.
    let mut out = WriteBatch::with_capacity_bytes(batch.bytes() + 16 * (batch.writes.len() + 1));
    for (position, write) in batch.writes.iter().enumerate() {
        match write {
            Write::Put { key, value } => out.put(key, value),
            Write::Delete { key } => out.delete(key),
            Write::Add { key, deltas } => {
                let operand: Vec<u8> = deltas.iter().flat_map(|lane| lane.to_le_bytes()).collect();
                out.merge(key, operand);
            }
            Write::DeleteRange { start, end } if start >= end => {}
            Write::DeleteRange { start, end } => match rows_of(db, start, end)? {
                None => out.delete_range(start, end),
                Some(rows) => {
                    for key in rows {
                        out.delete(key);
                    }
                    for key in puts_between(&batch.writes[..position], start, end) {
                        out.delete(key);
                    }
                }
            },
        }
    }
    Ok(out)
}

/// The keys of a range, or nothing if there are many.
fn rows_of(db: &DB, start: &[u8], end: &[u8]) -> Result<Option<Vec<Vec<u8>>>, KvError> {
    let mut keys = Vec::new();
    let mut many = false;
    walk(db, ReadOptions::default(), start, end, false, &mut |key, _| {
        many = keys.len() == ROWS_DELETED_SINGLY_MAX;
        if many {
            return ControlFlow::Break(());
        }
        keys.push(key.to_vec());
        ControlFlow::Continue(())
    })?;
    Ok((!many).then_some(keys))
}

/// Keys that the batch itself put before the delete.
fn puts_between<'b>(
    writes: &'b [Write<'_>],
    start: &'b [u8],
    end: &'b [u8],
) -> impl Iterator<Item = &'b [u8]> {
    writes.iter().filter_map(move |write| match write {
        Write::Put { key, .. } | Write::Add { key, .. }
            if start <= key.as_slice() && key.as_slice() < end =>
        {
            Some(key.as_slice())
        }
        _ => None,
    })
}

/// Visits the rows of a range until `visit` breaks.
pub(crate) fn walk(
    db: &DB,
    mut read: ReadOptions,
    start: &[u8],
    end: &[u8],
    reverse: bool,
    visit: &mut Visit<'_>,
) -> Result<(), KvError> {
    if start >= end {
        return Ok(());
    }
    read.set_iterate_lower_bound(start);
    read.set_iterate_upper_bound(end);
    let mut rows = db.raw_iterator_opt(read);
    if reverse {
        rows.seek_to_last();
    } else {
        rows.seek_to_first();
    }
    while let Some((key, value)) = rows.item() {
        if visit(key, value).is_break() {
            return Ok(());
        }
        if reverse {
            rows.prev();
        } else {
            rows.next();
        }
    }
    rows.status().map_err(error::of_read)
}
