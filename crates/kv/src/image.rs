//! The whole content of a store as one value that is cheap to copy.

use std::ops::Bound;
use std::sync::Arc;

use imbl::OrdMap;

use crate::{Batch, Guard, KvError, Scan, Visit, Write, add_to_counters};

/// Every row of a store at one moment. A clone shares all rows with the original and costs
/// nothing, so that a test can keep the content after each commit.
///
/// The mutating methods know neither guards nor limits: they are for damaging a store on purpose.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Image {
    rows: OrdMap<Arc<[u8]>, Arc<[u8]>>,
}

impl Image {
    /// The value of a key.
    pub fn get(&self, key: &[u8]) -> Option<&[u8]> {
        self.rows.get(key).map(AsRef::as_ref)
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// All rows in key order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&[u8], &[u8])> {
        self.rows.iter().map(|(key, value)| (key.as_ref(), value.as_ref()))
    }

    /// All keys in order.
    pub fn keys(&self) -> Vec<Vec<u8>> {
        self.rows.keys().map(|key| key.to_vec()).collect()
    }

    /// The keys and values together, in bytes.
    pub fn bytes(&self) -> usize {
        self.iter().map(|(key, value)| key.len() + value.len()).sum()
    }

    /// Sets a row.
    pub fn set(&mut self, key: &[u8], value: &[u8]) {
        self.rows.insert(key.into(), value.into());
    }

    /// Removes a row and says whether it was there.
    pub fn remove(&mut self, key: &[u8]) -> bool {
        self.rows.remove(key).is_some()
    }

    /// Exchanges the values of two rows; an absent row makes the other absent.
    pub fn swap(&mut self, one: &[u8], other: &[u8]) {
        let of_one = self.rows.remove(one);
        let of_other = self.rows.remove(other);
        if let Some(value) = of_other {
            self.rows.insert(one.into(), value);
        }
        if let Some(value) = of_one {
            self.rows.insert(other.into(), value);
        }
    }

    /// Visits the rows of a range; says how many.
    pub(crate) fn scan(&self, scan: Scan<'_>, visit: &mut Visit<'_>) -> u64 {
        if scan.start >= scan.end {
            return 0;
        }
        let bounds = (Bound::Included(scan.start), Bound::Excluded(scan.end));
        let rows = self.rows.range::<_, [u8]>(bounds);
        if scan.reverse {
            walk(rows.rev().take(scan.limit), visit)
        } else {
            walk(rows.take(scan.limit), visit)
        }
    }

    /// Finds the first guard that does not hold.
    pub(crate) fn check(&self, guards: &[Guard]) -> Result<(), KvError> {
        for (index, guard) in guards.iter().enumerate() {
            let actual = self.get(&guard.key);
            if actual != guard.expected.as_deref() {
                return Err(KvError::GuardFailed { index, actual: actual.map(<[u8]>::to_vec) });
            }
        }
        Ok(())
    }

    /// Applies the writes of a batch in order, whatever its guards.
    pub(crate) fn apply(&mut self, batch: &Batch<'_>) {
        for write in &batch.writes {
            match write {
                Write::Put { key, value } => self.set(key, value),
                Write::Delete { key } => {
                    self.remove(key);
                }
                Write::Add { key, deltas } => {
                    let value = add_to_counters(self.get(key), deltas);
                    self.set(key, &value);
                }
                Write::DeleteRange { start, end } => self.remove_range(start, end),
            }
        }
    }

    fn remove_range(&mut self, start: &[u8], end: &[u8]) {
        if start >= end {
            return;
        }
        let bounds = (Bound::Included(start), Bound::Excluded(end));
        let doomed: Vec<Arc<[u8]>> =
            self.rows.range::<_, [u8]>(bounds).map(|(key, _)| Arc::clone(key)).collect();
        for key in doomed {
            self.rows.remove(&key);
        }
    }
}

fn walk<'a>(
    rows: impl Iterator<Item = (&'a Arc<[u8]>, &'a Arc<[u8]>)>,
    visit: &mut Visit<'_>,
) -> u64 {
    let mut visited = 0;
    for (key, value) in rows {
        visited += 1;
        if visit(key, value).is_break() {
            break;
        }
    }
    visited
}
