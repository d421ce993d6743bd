//! The suite that each page store runs.
//!
//! A store's test calls [`run`], and [`run_admin`], with a function that opens an empty store. Each check runs on a
//! store of its own and panics with what it found. The random one prints `SEED=…` and takes the
//! seed it is given, so that a failure can be repeated.

mod admin;
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

use crate::{PageStore, PageStoreAdmin};

/// Opens an empty store.
pub type Open<'a> = dyn Fn() -> Arc<dyn PageStore> + 'a;

/// Opens an empty store that is administered too: both are one.
pub type OpenAdmin<'a> = dyn Fn() -> (Arc<dyn PageStore>, Arc<dyn PageStoreAdmin>) + 'a;

/// Runs every check of the administration.
///
/// # Panics
/// If the store breaks the contract.
pub fn run_admin(open: &OpenAdmin<'_>) {
    admin::run(open);
}

/// Runs every check of the path of reads and commits.
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
