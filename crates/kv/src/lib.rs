//! The contract of the transactional key-value store under the engine.
//!
//! Small on purpose, so that RocksDB, PostgreSQL and FoundationDB can all keep it exactly. There
//! are no interactive transactions: a commit is one guarded batch and one round trip. A commit
//! passes two points, *ordered* and *durable*, and the trait keeps them apart: [`Kv::commit`]
//! returns at the first with a [`Ticket`] for the second.
//!
//! This crate knows nothing of pages, databases or any driver. Beside the contract it holds the
//! reference [`MemKv`], the fault-injecting [`FaultKv`] and the [`conformance`] suite that each
//! driver runs.

#![forbid(unsafe_code)]

mod batch;
pub mod conformance;
mod contract;
mod error;
mod fault;
mod image;
mod limits;
mod mem;

pub use batch::{Batch, Guard, Write, add_to_counters};
pub use contract::{Durability, DurableCallback, Kv, Limits, Scan, Snapshot, Ticket, Visit};
pub use error::KvError;
pub use fault::{
    Boundary, BoundaryKind, Counters, CrashImage, Fault, FaultKv, Gate, Hook, OpKind, SeededFaults,
};
pub use image::Image;
pub use mem::{MemKv, SyncMode};
