//! Deleted rows whose room has not been given back to the disk.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

use actor_sqlite_kv::{Batch, KvError, Write};
use rocksdb::{CompactOptions, DB};

use crate::error;

/// More ranges than this are not remembered; ordinary compaction meets them in its time.
const RANGES_MAX: usize = 1024;

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
        for write in &batch.writes {
            match write {
                Write::Delete { .. } => self.deleted.store(true, Relaxed),
                Write::DeleteRange { start, end } if start < end => {
                    self.deleted.store(true, Relaxed);
                    let mut ranges = self.ranges.lock().unwrap_or_else(PoisonError::into_inner);
                    if ranges.len() < RANGES_MAX {
                        ranges.push((start.clone(), end.clone()));
                    }
                }
                _ => {}
            }
        }
    }

    /// Whether something was deleted since the last call.
    pub(crate) fn take_deleted(&self) -> bool {
        self.deleted.swap(false, Relaxed)
    }

    /// Writes deletes out to tables, which are compacted by themselves if they are mostly deletes
    /// of single rows. Tombstones of ranges do not count for that, so their ranges are compacted.
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
