//! Which states before the newest are kept, and that nothing else is.

#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::sync::Arc;

use actor_sqlite_engine::{CompactionOptions, EngineOptions, MaintenanceBudget};
use actor_sqlite_kv::MemKv;
use common::*;
use fastrand::Rng;

fn options(txids: u64, age_ms: u64, bytes: u64) -> EngineOptions {
    let compaction = CompactionOptions {
        delta_count: 4,
        retention_txids: txids,
        retention_age_ms: age_ms,
        retention_bytes: bytes,
        ..CompactionOptions::default()
    };
    EngineOptions { compaction, ..EngineOptions::default() }
}

/// Rows of a kind.
fn rows(kv: &MemKv, kind: &str) -> usize {
    let path = [b"\0", kind.as_bytes(), b"/"].concat();
    kv.image().keys().iter().filter(|key| key.windows(path.len()).any(|at| at == path)).count()
}

/// Ten rounds of three commits of 70 pages, each round folded and reclaimed.
fn history(kv: &Arc<MemKv>, options: EngineOptions) -> Owner {
    let mut owner = Owner::claim(&engine_with(kv.clone(), options), &actor("a"));
    let mut rng = Rng::with_seed(1);
    for _ in 0..10 {
        for _ in 0..3 {
            let pages: Pages = (1..=70).map(|pgno| (pgno, random_page(&mut rng, 512))).collect();
            owner.commit(&pages, 70).unwrap();
        }
        owner.engine.compact(owner.actor()).unwrap();
        while owner.engine.reclaim(owner.actor(), 1).unwrap().more {}
        assert_sound(&owner.engine, owner.actor());
    }
    owner
}

#[test]
fn spans_are_kept_by_count() {
    for (txids, spans) in [(0, 0), (1, 1), (3, 1), (4, 2), (7, 3), (27, 9), (28, 10), (99, 10)] {
        let kv = Arc::new(MemKv::new());
        history(&kv, options(txids, 0, u64::MAX)).check();
        let found = (rows(&kv, "PAST"), rows(&kv, "PIDX"), rows(&kv, "GONE"));
        // The first span has no shard to replace, and each other one two.
        let expected = (spans, 3 * spans, 2 * spans.min(9));
        assert_eq!(found, expected, "{txids} states");
    }
}

#[test]
fn spans_are_kept_by_age_and_never_beyond_their_bytes() {
    let kept = |age_ms, bytes| {
        let kv = Arc::new(MemKv::new());
        history(&kv, options(0, age_ms, bytes)).check();
        rows(&kv, "PAST")
    };
    assert_eq!(kept(1_000_000, u64::MAX), 10);
    assert_eq!(kept(1_000_000, 0), 0);
    let some = kept(60, u64::MAX);
    assert!((1..10).contains(&some), "{some}");
    let by_bytes: Vec<_> = (0..12).map(|n| kept(1_000_000, n * 60_000)).collect();
    assert!(by_bytes.is_sorted() && by_bytes[1] < by_bytes[11], "{by_bytes:?}");
}

#[test]
fn the_bytes_of_a_span_are_what_giving_it_up_frees() {
    let kv = Arc::new(MemKv::new());
    let owner = history(&kv, options(u64::MAX, 0, u64::MAX));
    let spans: u64 = kv
        .image()
        .iter()
        .filter(|(key, _)| key.windows(6).any(|at| at == b"\0PAST/"))
        .map(|(_, value)| u64::from_be_bytes(value[29..37].try_into().unwrap()))
        .sum();
    let engine = engine_with(kv.clone(), options(0, 0, 0));
    let freed = engine.reclaim(owner.actor(), 99).unwrap();
    assert!(!freed.more);
    assert_eq!(freed.bytes, spans);
}

/// By default the newest states stay readable because their deltas are left alone, and nothing is
/// kept beside the shards.
#[test]
fn maintenance_leaves_the_newest_deltas_alone() {
    let kv = Arc::new(MemKv::new());
    let mut options = options(2, 0, 4 << 20);
    options.compaction.delta_count = 6;
    let engine = engine_with(kv.clone(), options);
    let mut owner = Owner::claim(&engine, &actor("a"));
    let mut rng = Rng::with_seed(1);
    for round in 0..60 {
        let pages: Pages =
            [(1, random_page(&mut rng, 512)), (2, random_page(&mut rng, 512))].into();
        owner.commit(&pages, 2).unwrap();
        engine.maintain(MaintenanceBudget::default());
        if round > 6 {
            assert!((2..6).contains(&rows(&kv, "PIDX")), "{}", rows(&kv, "PIDX"));
            assert_eq!((rows(&kv, "PAST"), rows(&kv, "GONE")), (0, 0));
        }
    }
    owner.check();
    assert_sound(&engine, owner.actor());
}
