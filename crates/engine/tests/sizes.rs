//! Databases that shrink, grow again, are large, or cross the lock page.

#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::sync::Arc;

use actor_sqlite_engine::{Compaction, EngineOptions};
use actor_sqlite_kv::{Limits, MemKv, SyncMode};
use actor_sqlite_ltx::{PageSize, Pgno};
use actor_sqlite_pagestore::{CommitId, CommitRequest, PageStore, StageRequest, StoreError};
use common::*;

fn fill(range: std::ops::RangeInclusive<u32>, version: u8) -> Pages {
    range.map(|pgno| (pgno, vec![version; 512])).collect()
}

/// Compaction between every two steps, or not at all, in every combination.
#[test]
fn a_database_that_grows_again_shows_nothing_old() {
    for folds in 0_u32..64 {
        let engine = engine(Arc::new(MemKv::new()));
        let name = actor("a");
        let mut owner = Owner::claim(&engine, &name);
        let steps: [(Pages, u32); 6] = [
            (fill(1..=200, 1), 200),
            (fill(1..=1, 2), 200),
            (fill(1..=1, 3), 50),
            (Pages::new(), 40),
            (fill(41..=130, 4), 130),
            (fill(131..=210, 5), 210),
        ];
        for (at, (pages, size)) in steps.iter().enumerate() {
            owner.commit(pages, *size).unwrap();
            if folds >> at & 1 == 1 {
                engine.compact(&name).unwrap();
                engine.reclaim(&name, 9).unwrap();
            }
            owner.check();
            assert_sound(&engine, &name);
        }
        let model = owner.model.clone();
        assert_eq!(Owner::claim(&engine, &name).model, model, "folds {folds:06b}");
    }
}

#[test]
fn a_database_of_one_commit_is_not_compacted() {
    let engine = engine(Arc::new(MemKv::new()));
    let mut owner = Owner::claim(&engine, &actor("a"));
    assert_eq!(engine.compact(owner.actor()).unwrap(), Compaction::Nothing);
    owner.commit(&fill(1..=3, 1), 3).unwrap();
    assert_eq!(engine.compact(owner.actor()).unwrap(), Compaction::Nothing);
    owner.commit(&fill(1..=1, 2), 3).unwrap();
    let installed = engine.compact(owner.actor()).unwrap();
    assert!(matches!(installed, Compaction::Installed { deltas: 2, .. }), "{installed:?}");
}

#[test]
fn a_commit_beyond_a_limit_changes_nothing() {
    let limits = Limits { batch_bytes_max: 20_000, ..MemKv::LIMITS };
    let kv = Arc::new(MemKv::with(Default::default(), SyncMode::OnDemand, limits));
    let options = EngineOptions { commit_bytes_max: 100 * 512, ..EngineOptions::default() };
    let engine = engine_with(kv, options);
    let mut owner = Owner::claim(&engine, &actor("a"));
    owner.commit(&fill(1..=2, 1), 2).unwrap();
    let raw = owner.commit(&fill(1..=101, 2), 101);
    assert!(matches!(raw, Err(StoreError::Limit { actual: 51_712, limit: 51_200, .. })), "{raw:?}");
    let mut rng = fastrand::Rng::with_seed(1);
    let noise: Pages =
        (1..=60).map(|pgno| (pgno, (0..512).map(|_| rng.u8(..)).collect())).collect();
    let stored = owner.commit(&noise, 60);
    assert!(matches!(stored, Err(StoreError::Limit { limit: 20_000, .. })), "{stored:?}");
    owner.check();
    owner.commit(&fill(1..=60, 3), 60).unwrap();
    owner.check();
}

/// 1 GiB of pages of 64 KiB: the lock page is 16,385. All pages lend one buffer.
#[test]
fn a_database_crosses_the_lock_page() {
    let mut options = EngineOptions { commit_bytes_max: 2 << 30, ..EngineOptions::default() };
    options.compaction.retention_txids = 0;
    let engine = engine_with(Arc::new(MemKv::new()), options);
    let name = actor("large");
    let page_size = PageSize::MAX;
    let claimed = engine.claim(&name, &claim_options(page_size.get())).unwrap();
    let lock = page_size.lock_page();
    let page = vec![7; page_size.bytes()];
    let (mut sequence, mut head) = (0, claimed.head);
    let mut commit = |from: u32, size: u32, staged: bool| {
        sequence += 1;
        let generation = claimed.lease.generation();
        let pages: Vec<(Pgno, &[u8])> = (from..=size)
            .filter_map(Pgno::new)
            .filter(|&pgno| pgno != lock)
            .map(|pgno| (pgno, &page[..]))
            .collect();
        let commit_id = CommitId { generation, sequence };
        let expected_head = head.txid;
        let (sent, last) = pages.split_at(if staged { pages.len() - 1 } else { 0 });
        if staged {
            let request = StageRequest { commit_id, expected_head, pages: sent };
            engine.stage(&claimed.lease, &request).unwrap();
        }
        let request =
            CommitRequest { commit_id, expected_head, pages: last, size, staged, frees: false };
        head = engine.commit(&claimed.lease, &request).unwrap().head;
        head
    };
    commit(1, lock.get() - 1, false);
    // The lock page alone is gained: there is nothing to write but the size.
    commit(lock.get(), lock.get(), false);
    commit(lock.get() + 1, lock.get() + 3, false);
    assert!(matches!(engine.compact(&name).unwrap(), Compaction::Installed { .. }));
    let head = commit(lock.get() + 4, lock.get() + 5, false);
    engine.reclaim(&name, 100).unwrap();
    let asked: Vec<Pgno> = (lock.get() - 2..=lock.get() + 5)
        .filter_map(Pgno::new)
        .filter(|&pgno| pgno != lock)
        .collect();
    let mut sink =
        Strict { asked: &asked, sink: Sink { page_bytes: page.len(), ..Sink::default() } };
    engine.read(&claimed.lease, head.txid, &asked, &mut sink).unwrap();
    assert!(sink.sink.pages.values().all(|read| *read == page));
    let refused = engine.read(&claimed.lease, head.txid, &[lock], &mut sink);
    assert!(matches!(refused, Err(StoreError::Invalid { .. })));
    // Back to where the lock page is alone in its shard, and before it; and over it in a stage.
    while matches!(engine.compact(&name).unwrap(), Compaction::Installed { .. }) {}
    for size in [lock.get(), lock.get() - 1] {
        commit(size + 1, size, false);
        assert!(matches!(engine.compact(&name).unwrap(), Compaction::Installed { .. }));
        let head = commit(size + 1, lock.get() + 5, true);
        assert!(matches!(engine.compact(&name).unwrap(), Compaction::Installed { .. }));
        engine.reclaim(&name, 100).unwrap();
        engine.read(&claimed.lease, head.txid, &asked, &mut sink).unwrap();
    }
    assert_sound(&engine, &name);
}
