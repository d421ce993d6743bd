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
                Write::DeleteRange { start, end } => start.len() + end.len(),
            })
            .sum()
    }
}
