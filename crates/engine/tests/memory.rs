//! What a large staged commit takes of memory: a few dozen bytes a page, and one segment.

#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::alloc::System;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use actor_sqlite_engine::{Compaction, Engine, EngineOptions};
use actor_sqlite_kv::{
    Batch, Durability, DurableCallback, Kv, KvError, Limits, MemKv, Snapshot, Ticket,
};
use actor_sqlite_pagestore::ActorId;
use common::*;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn live_bytes() -> usize {
    let stats = ALLOCATOR.stats();
    stats.bytes_allocated - stats.bytes_deallocated
}

/// A store that notes how much memory is in use while a batch is handed to it, its own rows not
/// counted.
struct Sampling {
    rows: MemKv,
    stored: AtomicUsize,
    highest: AtomicUsize,
}

impl Kv for Sampling {
    fn snapshot(&self) -> Result<Box<dyn Snapshot + '_>, KvError> {
        self.rows.snapshot()
    }

    fn commit(&self, batch: &Batch<'_>) -> Result<Ticket, KvError> {
        let before = live_bytes();
        let others = before - self.stored.load(Ordering::Relaxed);
        self.highest.fetch_max(others, Ordering::Relaxed);
        let landed = self.rows.commit(batch);
        self.stored.fetch_add(live_bytes().saturating_sub(before), Ordering::Relaxed);
        landed
    }

    fn wait_durable(&self, ticket: Ticket) -> Result<(), KvError> {
        self.rows.wait_durable(ticket)
    }

    fn on_durable(&self, ticket: Ticket, callback: DurableCallback) {
        self.rows.on_durable(ticket, callback);
    }

    fn durable(&self) -> Ticket {
        self.rows.durable()
    }

    fn limits(&self) -> Limits {
        self.rows.limits()
    }

    fn durability(&self) -> Durability {
        self.rows.durability()
    }
}

/// The most memory that a verification takes, in bytes.
fn verified(engine: &Engine, actor: &ActorId) -> usize {
    let (before, mut highest) = (live_bytes(), 0);
    let report = engine.verify_paced(actor, &mut |_| {
        highest = highest.max(live_bytes().saturating_sub(before));
        ControlFlow::Continue(())
    });
    let report = report.unwrap();
    assert!(report.finished && report.damage.is_empty(), "{:?}", report.damage);
    highest
}

#[test]
fn a_staged_commit_and_its_fold_take_a_few_dozen_bytes_a_page() {
    const PAGES: u32 = 131_072;
    const PART: u32 = 2_048;
    let kv = Arc::new(Sampling {
        rows: MemKv::new(),
        stored: AtomicUsize::new(0),
        highest: AtomicUsize::new(0),
    });
    let options = EngineOptions { verify_pages_max: 8_192, ..EngineOptions::default() };
    let engine = engine_with(kv.clone(), options);
    let mut owner = Owner::claim(&engine, &actor("large"));
    let taken = |base: usize| (kv.highest.swap(0, Ordering::Relaxed) - base) / PAGES as usize;
    let base = live_bytes();
    for round in 0..2 {
        let id = owner.next_id();
        for first in (1..=PAGES).step_by(PART as usize) {
            let page = |pgno: u32| (pgno, vec![(pgno + round) as u8; PAGE as usize]);
            owner.stage(id, &(first..first + PART).map(page).collect()).unwrap();
        }
        // The model would take 512 bytes a page.
        owner.commit_staged(id, &[], &Pages::new(), PAGES).unwrap();
        owner.model.clear();
    }
    let staged = taken(base);
    let verified_staged = verified(&engine, owner.actor());
    let folded = engine.compact(owner.actor()).unwrap();
    assert!(matches!(folded, Compaction::Installed { shards: 2_048, .. }), "{folded:?}");
    let fold = taken(base);
    let verified_folded = verified(&engine, owner.actor());
    println!("{staged} bytes a page while it is staged, {fold} while it is folded");
    println!("verified staged: {verified_staged} bytes, folded: {verified_folded}");
    // The lists of both commits (32 each), the one that is being merged, and buffers.
    assert!(staged < 160, "{staged}");
    assert!(fold < 260, "{fold}");
    // A window of pages and one file, of a segment or a shard; no more for more pages.
    assert!(verified_staged < 8 * PAGES as usize, "{verified_staged}");
    assert!(verified_folded < 4 * PAGES as usize, "{verified_folded}");
}
