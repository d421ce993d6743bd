//! The reference store and the fault-injecting one keep the contract.

#![allow(missing_docs)]

use std::sync::Arc;

use actor_sqlite_kv::{FaultKv, MemKv, conformance};

fn seed() -> u64 {
    std::env::var("SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
        .unwrap_or_else(|| fastrand::u64(..))
}

#[test]
fn mem_kv() {
    conformance::run(&|| Arc::new(MemKv::new()), seed());
}

#[test]
fn fault_kv() {
    conformance::run(&|| Arc::new(FaultKv::new()), seed());
}
