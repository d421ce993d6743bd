//! Deleted rows whose room has not been given back to the disk.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

use actor_sqlite_kv::{Batch, KvError, Write};
use rocksdb::{CompactOptions, DB};

use crate::error;

/// More ranges than this are not remembered; ordinary compaction meets them in its time.
const RANGES_MAX: usize = 1024;

/// So many deletes of single rows in one batch are remembered as the range they lie in. Fewer are left to
/// [`crate::tuning`]'s collector, which has tables that are mostly deletes compacted: it may leave a
/// large one's rows to a level that it never reaches.
const ROWS_MIN: usize = 256;

type Range = (Vec<u8>, Vec<u8>);

/// Notes deletes, and gives their room back when told to.
#[derive(Default)]
pub(crate) struct Room {
    deleted: AtomicBool,
    ranges: Mutex<Vec<Range>>,
}

impl Room {
    /// Notes the deletes of a batch that landed.
    pub(crate) fn note(&self, batch: &Batch<'_>) {
        let mut singles = Singles::default();
        for write in &batch.writes {
            match write {
                Write::Delete { key } => singles.take(key),
                Write::DeleteRange { start, end } if start < end => {
                    self.remember((start.clone(), end.clone()));
                }
                _ => {}
            }
        }
        if singles.count > 0 {
            self.deleted.store(true, Relaxed);
        }
        if let Some(range) = singles.range() {
            self.remember(range);
        }
    }

    fn remember(&self, range: Range) {
        self.deleted.store(true, Relaxed);
        let mut ranges = self.ranges.lock().unwrap_or_else(PoisonError::into_inner);
        // A database that goes on deleting is one range, not many.
        if let Some((start, end)) = ranges.last_mut()
            && range.0 <= *end
            && *start <= range.1
        {
            *start = std::mem::take(start).min(range.0);
            *end = std::mem::take(end).max(range.1);
        } else if ranges.len() < RANGES_MAX {
            ranges.push(range);
        }
    }

    /// Whether something was deleted since the last call.
    pub(crate) fn take_deleted(&self) -> bool {
        self.deleted.swap(false, Relaxed)
    }

    /// Writes deletes out to tables, and compacts the ranges in which there were many.
    pub(crate) fn give_back(&self, db: &DB) -> Result<(), KvError> {
        let ranges =
            std::mem::take(&mut *self.ranges.lock().unwrap_or_else(PoisonError::into_inner));
        db.flush().map_err(error::of_read)?;
        let mut options = CompactOptions::default();
        options.set_exclusive_manual_compaction(false);
        for (start, end) in merged(ranges) {
            db.compact_range_opt(Some(start), Some(end), &options);
        }
        Ok(())
    }
}

/// Deletes of single rows in one batch.
#[derive(Default)]
struct Singles<'b> {
    count: usize,
    first: &'b [u8],
    last: &'b [u8],
}

impl<'b> Singles<'b> {
    fn take(&mut self, key: &'b [u8]) {
        if self.count == 0 || key < self.first {
            self.first = key;
        }
        if self.count == 0 || key > self.last {
            self.last = key;
        }
        self.count += 1;
    }

    /// The range they lie in, if they are many.
    fn range(&self) -> Option<Range> {
        let behind_last = || [self.last, &[0]].concat();
        (self.count >= ROWS_MIN).then(|| (self.first.to_vec(), behind_last()))
    }
}

/// The same keys in as few ranges as can be.
fn merged(mut ranges: Vec<Range>) -> Vec<Range> {
    ranges.sort();
    let mut merged: Vec<Range> = Vec::new();
    for (start, end) in ranges {
        match merged.last_mut() {
            Some((_, last)) if start <= *last => {
                if end > *last {
                    *last = end;
                }
            }
            _ => merged.push((start, end)),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::merged;

    #[test]
    fn ranges_that_touch_are_one() {
        let range = |start: u8, end: u8| (vec![start], vec![end]);
        let all =
            vec![range(5, 6), range(1, 3), range(2, 3), range(3, 4), range(8, 9), range(5, 7)];
        assert_eq!(merged(all), [range(1, 4), range(5, 7), range(8, 9)]);
        assert_eq!(merged(Vec::new()), []);
    }
}
