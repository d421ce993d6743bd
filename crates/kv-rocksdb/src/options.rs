//! What a store is opened with.

use std::time::Duration;

use actor_sqlite_kv::{Durability, KvError, Limits};

/// The settings of one store. The defaults are measured: `docs/KV.md`.
#[derive(Clone, Debug, PartialEq)]
pub struct RocksOptions {
    /// What a durable commit survives: [`Durability::Disk`] or [`Durability::Os`].
    pub durability: Durability,
    /// One budget for the block cache and the write buffers, in bytes. Write buffers take their
    /// part out of the cache.
    pub memory_budget_bytes: usize,
    /// The size of one write buffer, in bytes; also about the size of one log file.
    pub write_buffer_bytes: usize,
    /// The most table files held open.
    pub open_files_max: u32,
    /// Threads for flushes and compactions.
    pub background_jobs: u32,
    /// Bloom filter bits for each key; 0 for none.
    pub bloom_bits_per_key: f64,
    /// What [`Limits::value_bytes_preferred`] says.
    pub value_bytes_preferred: usize,
    /// The largest value, in bytes.
    pub value_bytes_max: usize,
    /// The largest batch, in bytes.
    pub batch_bytes_max: usize,
    /// Commits are refused with [`KvError::Full`] when less of the disk would be left than this, in
    /// bytes; 0 never refuses. Flushes need what the write buffers hold, and deleting needs a
    /// little, when the disk is full.
    pub disk_reserve_bytes: u64,
    /// Makes each commit and each read wait as if the store were that far away: for measuring
    /// what a remote store would cost.
    pub simulated_round_trip: Option<Duration>,
}

impl Default for RocksOptions {
    fn default() -> Self {
        Self {
            durability: Durability::Disk,
            memory_budget_bytes: 256 << 20,
            write_buffer_bytes: 64 << 20,
            open_files_max: 512,
            background_jobs: 2,
            bloom_bits_per_key: 10.0,
            value_bytes_preferred: 32 << 10,
            value_bytes_max: 8 << 20,
            batch_bytes_max: 256 << 20,
            disk_reserve_bytes: 192 << 20,
            simulated_round_trip: None,
        }
    }
}

impl RocksOptions {
    /// RocksDB itself takes keys up to 64 KiB well; the engine's are a few hundred bytes.
    const KEY_BYTES_MAX: usize = 8 << 10;

    /// Write buffers there may be at a time, full ones included.
    pub(crate) const WRITE_BUFFERS_MAX: u8 = 4;

    /// What all write buffers hold at most, in bytes.
    pub(crate) fn write_buffers_bytes_max(&self) -> u64 {
        self.write_buffer_bytes as u64 * u64::from(Self::WRITE_BUFFERS_MAX)
    }

    pub(crate) fn limits(&self) -> Limits {
        Limits {
            key_bytes_max: Self::KEY_BYTES_MAX,
            value_bytes_max: self.value_bytes_max,
            batch_bytes_max: self.batch_bytes_max,
            value_bytes_preferred: self.value_bytes_preferred,
        }
    }

    pub(crate) fn validate(&self) -> Result<(), KvError> {
        let wrong = if self.durability == Durability::Memory {
            Some("durability: a store on disk cannot be Memory")
        } else if self.write_buffer_bytes < 64 << 10 {
            Some("write_buffer_bytes: less than 64 KiB")
        } else if self.memory_budget_bytes < self.write_buffer_bytes {
            Some("memory_budget_bytes: less than one write buffer")
        } else if self.open_files_max < 16 {
            Some("open_files_max: less than 16")
        } else if self.background_jobs == 0 {
            Some("background_jobs: 0")
        } else if self.value_bytes_preferred == 0
            || self.value_bytes_preferred > self.value_bytes_max
        {
            Some("value_bytes_preferred: not between 1 and value_bytes_max")
        } else if self.value_bytes_max > self.batch_bytes_max {
            Some("value_bytes_max: more than batch_bytes_max")
        } else {
            None
        };
        wrong.map_or(Ok(()), |reason| Err(KvError::Invalid { reason: reason.into() }))
    }

    /// The names of the settings in which `other` differs.
    pub(crate) fn differences(&self, other: &Self) -> Vec<&'static str> {
        macro_rules! differing {
            ($($field:ident),+ $(,)?) => {{
                let Self { $($field),+ } = self;
                let mut names = Vec::new();
                $(if *$field != other.$field { names.push(stringify!($field)); })+
                names
            }};
        }
        differing!(
            durability,
            memory_budget_bytes,
            write_buffer_bytes,
            open_files_max,
            background_jobs,
            bloom_bits_per_key,
            value_bytes_preferred,
            value_bytes_max,
            batch_bytes_max,
            disk_reserve_bytes,
            simulated_round_trip,
        )
    }
}
