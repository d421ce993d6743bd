//! The embedded driver of the key-value contract: one RocksDB per directory and process.
//!
//! Commits are ordered without a sync and made durable by one syncer for all ([`RocksKv`]); guards
//! are checked under striped locks; reads lend RocksDB's own memory. Every handle of a process on
//! one directory shares one instance, and a second process is told who holds it.
//!
//! This crate knows nothing of pages or databases.

#![forbid(unsafe_code)]

mod batch;
mod error;
mod holder;
mod locks;
mod metrics;
mod options;
mod registry;
mod room;
mod snapshot;
mod space;
mod store;
mod syncer;
#[cfg(test)]
mod tests;
mod tuning;

pub use metrics::{Histogram, RocksMetrics};
pub use options::RocksOptions;
pub use store::RocksKv;
