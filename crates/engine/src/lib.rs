//! A [`PageStore`](actor_sqlite_pagestore::PageStore) over a key-value store.
//!
//! Each commit becomes one LTX file (a delta) with its packed page index, written in one guarded
//! batch with the new `HEAD`. Compaction folds deltas into shards of 64 pages, reclaim deletes what
//! nobody reads any more. Layout of keys and values, invariants and the argument why a crash at any
//! point is safe: `docs/FORMAT.md`, section "Rows".
//!
//! The engine is synchronous and starts no thread: a host calls [`Engine::maintain`]. It reads no
//! clock of its own and draws nothing at random.

#![forbid(unsafe_code)]

mod accounts;
mod base;
mod claim;
mod commit;
mod compact;
mod db;
mod delete;
mod engine;
mod error;
mod file_writer;
mod floor;
mod heads;
mod hints;
mod keys;
mod lease;
mod list;
mod metrics;
mod options;
mod page_index;
mod placed;
mod preload;
mod read;
mod reader;
mod refresh;
mod resume;
mod rows;
mod scrub;
mod settle;
mod shard_cache;
mod stage;
mod stat;
mod usage;
mod verify;

pub use compact::{Compaction, MaintenanceBudget, MaintenanceReport, Reclaim};
pub use engine::Engine;
pub use metrics::EngineMetrics;
pub use options::{CompactionOptions, EngineOptions};
pub use reader::Reader;
pub use scrub::{ScrubCursor, ScrubReport};
