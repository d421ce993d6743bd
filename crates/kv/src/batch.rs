//! A commit: guards that must hold and writes that land together.

use std::borrow::Cow;

/// A key and the exact value it must have for the batch to land.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guard {
    /// The key that is compared.
    pub key: Vec<u8>,
    /// The value it must hold; `None` if the key must be absent.
    pub expected: Option<Vec<u8>>,
}

/// One change of a batch. Of several changes to one key the last counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Write<'a> {
    /// Sets a key. The value is borrowed where the caller can lend it, to save a copy.
    Put {
        /// The key.
        key: Vec<u8>,
        /// Its new value.
        value: Cow<'a, [u8]>,
    },
    /// Removes a key; nothing happens if it is absent.
    Delete {
        /// The key.
        key: Vec<u8>,
    },
    /// Adds to the counters a key holds: 64-bit signed integers, little-endian, one after the other,
    /// which wrap around. An absent key counts as zeros, and the shorter list is filled up with
    /// zeros. Additions to one key commute, so that writers of a busy counter need not guard it.
    Add {
        /// The key.
        key: Vec<u8>,
        /// What is added to each counter.
        deltas: Vec<i64>,
    },
    /// Removes every key from `start` up to and without `end`.
    DeleteRange {
        /// The first key of the range.
        start: Vec<u8>,
        /// The first key after the range.
        end: Vec<u8>,
    },
}

/// A list of guards and a list of writes: all guards hold and all writes land, or none do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch<'a> {
    /// Checked in order; the first that fails is named in the error.
    pub guards: Vec<Guard>,
    /// Applied in order.
    pub writes: Vec<Write<'a>>,
}

impl<'a> Batch<'a> {
    /// An empty batch.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a guard: `key` must hold exactly `expected`, or be absent.
    pub fn guard(&mut self, key: Vec<u8>, expected: Option<Vec<u8>>) -> &mut Self {
        self.guards.push(Guard { key, expected });
        self
    }

    /// Adds a put.
    pub fn put(&mut self, key: Vec<u8>, value: impl Into<Cow<'a, [u8]>>) -> &mut Self {
        let value = value.into();
        self.writes.push(Write::Put { key, value });
        self
    }

    /// Adds a delete.
    pub fn delete(&mut self, key: Vec<u8>) -> &mut Self {
        self.writes.push(Write::Delete { key });
        self
    }

    /// Adds an addition to counters: see [`Write::Add`].
    pub fn add(&mut self, key: Vec<u8>, deltas: Vec<i64>) -> &mut Self {
        self.writes.push(Write::Add { key, deltas });
        self
    }

    /// Adds a delete of the half-open range from `start` to `end`.
    pub fn delete_range(&mut self, start: Vec<u8>, end: Vec<u8>) -> &mut Self {
        self.writes.push(Write::DeleteRange { start, end });
        self
    }

    /// The keys and values of all writes, in bytes: what [`crate::Limits::batch_bytes_max`] bounds.
    pub fn bytes(&self) -> usize {
        self.writes
            .iter()
            .map(|write| match write {
                Write::Put { key, value } => key.len() + value.len(),
                Write::Delete { key } => key.len(),
                Write::Add { key, deltas } => key.len() + deltas.len() * size_of::<i64>(),
                Write::DeleteRange { start, end } => start.len() + end.len(),
            })
            .sum()
    }
}

/// The counters after an addition to what a key holds: see [`Write::Add`]. Bytes of `value` behind
/// the last whole counter are dropped.
pub fn add_to_counters(value: Option<&[u8]>, deltas: &[i64]) -> Vec<u8> {
    let (before, _) = value.unwrap_or_default().as_chunks::<8>();
    let lanes = before.len().max(deltas.len());
    let lane = |at: usize| {
        let old = before.get(at).map_or(0, |bytes| i64::from_le_bytes(*bytes));
        old.wrapping_add(deltas.get(at).copied().unwrap_or(0)).to_le_bytes()
    };
    (0..lanes).flat_map(lane).collect()
}
