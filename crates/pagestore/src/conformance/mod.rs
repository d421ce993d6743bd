//! The suite that each page store runs.
//!
//! A store's test calls [`run`] with a function that opens an empty store. Each check runs on a
//! store of its own and panics with what it found. The random one prints `SEED=…` and takes the
//! seed it is given, so that a failure can be repeated.

mod claims;
mod commits;
mod durable;
mod hints;
mod model;
mod quota;
mod reads;
mod resume;
mod stage;
mod support;

use std::sync::Arc;

use crate::PageStore;

/// Opens an empty store.
pub type Open<'a> = dyn Fn() -> Arc<dyn PageStore> + 'a;

/// Runs every check.
///
/// # Panics
/// If the store breaks the contract.
pub fn run(open: &Open<'_>, seed: u64) {
    eprintln!("SEED={seed}");
    claims::run(open);
    commits::run(open);
    reads::run(open);
    durable::run(open);
    resume::run(open);
    stage::run(open, seed);
    hints::run(open);
    quota::run(open);
    model::run(open, seed);
}
