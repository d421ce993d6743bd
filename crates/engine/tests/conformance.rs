//! The engine keeps the contract of a page store, whatever maintenance does meanwhile.

#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::sync::Arc;

use actor_sqlite_engine::{Engine, EngineOptions};
use actor_sqlite_kv::{Limits, MemKv, SyncMode};
use actor_sqlite_pagestore::conformance;
use common::*;

#[test]
fn with_the_options_of_a_real_store() {
    let open = || {
        let clock = Arc::new(TestClock::default());
        Arc::new(Engine::new(Arc::new(MemKv::new()), clock, EngineOptions::default()))
    };
    conformance::run(&|| open(), seed(1));
    conformance::run_admin(&|| {
        let engine = open();
        (engine.clone(), engine)
    });
}

#[test]
fn with_chunks_of_a_few_pages_and_compaction_at_every_commit() {
    let limits = Limits { value_bytes_preferred: 700, ..MemKv::LIMITS };
    let mut options = small_options();
    options.compaction.hard_delta_count = 1;
    options.compaction.retention_txids = 0;
    let open = || {
        let kv = MemKv::with(Default::default(), SyncMode::OnDemand, limits);
        engine_with(Arc::new(kv), options)
    };
    conformance::run(&|| open(), seed(2));
    conformance::run_admin(&|| {
        let engine = open();
        (engine.clone(), engine)
    });
}

/// The owner on one host, the administration on another.
#[test]
fn over_two_engines() {
    conformance::run_admin(&|| {
        let kv = Arc::new(MemKv::new());
        (engine(kv.clone()), engine(kv))
    });
}

#[test]
fn with_no_index_of_a_shard_kept_and_commits_of_6_mib() {
    let mut options = small_options();
    options.shard_index_bytes_max = 0;
    options.commit_bytes_max = 6 << 20;
    options.compaction.hard_delta_count = 2;
    let open = || engine_with(Arc::new(MemKv::new()), options) as _;
    conformance::run(&open, seed(3));
}
