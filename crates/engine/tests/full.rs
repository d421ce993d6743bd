//! A store without room: what can still be done, and how it gets out of it.

#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use actor_sqlite_engine::MaintenanceBudget;
use actor_sqlite_kv::{
    Batch, Durability, DurableCallback, Kv, KvError, Limits, MemKv, Snapshot, Ticket, Write,
};
use actor_sqlite_ltx::Pgno;
use actor_sqlite_pagestore::{HintRange, Hints, PageStore, PageStoreAdmin, StoreError};
use common::*;
use fastrand::Rng;

/// A store that, while it is full, takes what the contract says a full one takes.
#[derive(Default)]
struct FullKv {
    rows: MemKv,
    full: AtomicBool,
}

fn makes_room(batch: &Batch<'_>) -> bool {
    let puts = || {
        batch.writes.iter().filter_map(|write| match write {
            Write::Put { key, value } => Some((key, value.len())),
            _ => None,
        })
    };
    let is_there = |key: &Vec<u8>| {
        batch.guards.iter().any(|guard| guard.key == *key && guard.expected.is_some())
    };
    let bytes: usize = puts().map(|(_, bytes)| bytes).sum();
    let deletes = batch.writes.iter().any(|write| matches!(write, Write::Delete { .. }));
    (deletes && bytes <= 64 << 10) || (bytes <= 4 << 10 && puts().all(|(key, _)| is_there(key)))
}

impl Kv for FullKv {
    fn snapshot(&self) -> Result<Box<dyn Snapshot + '_>, KvError> {
        self.rows.snapshot()
    }

    fn commit(&self, batch: &Batch<'_>) -> Result<Ticket, KvError> {
        if self.full.load(SeqCst) && !makes_room(batch) {
            return Err(KvError::Full { reason: "told to be".into() });
        }
        self.rows.commit(batch)
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

fn noise(rng: &mut Rng, numbers: impl Iterator<Item = u32>) -> Pages {
    numbers.map(|pgno| (pgno, random_page(rng, PAGE as usize))).collect()
}

fn refused<T: std::fmt::Debug>(outcome: Result<T, StoreError>) {
    assert!(matches!(outcome, Err(StoreError::Full { .. })), "{outcome:?}");
}

/// Bytes stored, as `HEAD` and `ROOT` say.
fn stored(owner: &Owner) -> u64 {
    owner.engine.stat(owner.actor()).unwrap().unwrap().stored_bytes
}

#[test]
fn a_full_store_is_claimed_read_and_rid_of_stages_and_saves_nothing() {
    let kv = Arc::new(FullKv::default());
    let engine = engine(kv.clone());
    let mut rng = Rng::with_seed(1);
    let mut owner = Owner::claim(&engine, &actor("a"));
    // Enough to be folded, which needs room that is not there.
    for _ in 0..40 {
        owner.commit(&noise(&mut rng, 1..=30), 30).unwrap();
    }
    let before = stored(&owner);
    let id = owner.next_id();
    owner.stage(id, &noise(&mut rng, 31..=150)).unwrap();
    owner.stage(id, &noise(&mut rng, 151..=200)).unwrap();

    kv.full.store(true, SeqCst);
    refused(owner.stage(id, &noise(&mut rng, 201..=210)));
    refused(owner.commit(&noise(&mut rng, 1..=1), 30));
    let ranges = vec![HintRange { first: Pgno::ONE, pages: 2, score: 9 }];
    let hints = Hints { ranges };
    refused(engine.save_hints(&owner.lease, &hints));
    assert!(stored(&owner) > before + 50_000);
    let report = engine.maintain(MaintenanceBudget::default());
    assert!(matches!(&report.failures[..], [(_, StoreError::Full { .. })]), "{report:?}");
    assert!(stored(&owner) <= before, "the stage is swept though nothing could be folded");
    owner.check();

    engine.release(&owner.lease);
    let mut owner = Owner::claim(&engine, owner.actor());
    owner.check();
    refused(owner.commit(&noise(&mut rng, 1..=1), 30));
    refused(engine.claim(&actor("new"), &claim_options(PAGE)).map(|_| ()));
    assert_sound(&engine, owner.actor());

    kv.full.store(false, SeqCst);
    owner.commit(&noise(&mut rng, 1..=1), 30).unwrap();
    assert_eq!(engine.maintain(MaintenanceBudget::default()).failures, []);
    owner.check();
    assert_sound(&engine, owner.actor());
}
