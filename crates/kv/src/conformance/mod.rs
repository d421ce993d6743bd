//! The suite that each driver runs.
//!
//! A driver's test calls [`run`] with a function that opens an empty store, and [`run_reopening`]
//! if its rows outlive a handle. Each check panics with what it found. The random ones print
//! `SEED=…` and take the seed they are given, so that a failure can be repeated.

mod atomicity;
mod batches;
mod counters;
mod durable;
mod model;
mod races;
mod reads;
mod reopening;
mod support;

use std::sync::Arc;

use crate::Kv;

/// Opens an empty store.
pub type Open<'a> = dyn Fn() -> Arc<dyn Kv> + 'a;

/// Opens the store again that an earlier call of the same function opened, after all of its
/// handles were dropped.
pub type Reopen<'a> = dyn Fn() -> Arc<dyn Kv> + 'a;

/// Threads in the checks that race.
pub const THREADS: usize = 8;

/// Runs every check on a store of its own.
///
/// # Panics
/// If the driver breaks the contract.
pub fn run(open: &Open<'_>, seed: u64) {
    eprintln!("SEED={seed}");
    batches::run(open);
    counters::run(open);
    reads::run(open);
    model::run(open, seed);
    atomicity::run(open);
    races::run(open);
    durable::run(open);
}

/// Runs the checks that need rows to outlive a handle, on one store that begins empty.
///
/// # Panics
/// If the driver breaks the contract.
pub fn run_reopening(reopen: &Reopen<'_>, seed: u64) {
    eprintln!("SEED={seed}");
    reopening::run(reopen, seed);
}
