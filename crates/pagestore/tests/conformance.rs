//! The reference store keeps the contract.

#![allow(missing_docs)]

use std::sync::Arc;

use actor_sqlite_pagestore::{MemPageStore, conformance};

#[test]
fn mem_page_store() {
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok());
    conformance::run(&|| Arc::new(MemPageStore::new()), seed.unwrap_or_else(|| fastrand::u64(..)));
    conformance::run_admin(&|| {
        let store = Arc::new(MemPageStore::new());
        (store.clone(), store)
    });
}
