//! One state read to the end while the database goes on, and states from before the newest.

#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;

use actor_sqlite_engine::{Engine, Reader};
use actor_sqlite_kv::{
    Batch, Durability, DurableCallback, Kv, KvError, Limits, MemKv, Snapshot, Ticket,
};
use actor_sqlite_ltx::Txid;
use actor_sqlite_pagestore::{ActorId, StoreError};
use common::*;
use fastrand::Rng;

/// Reads every page, in parts of a few.
fn content(reader: &mut Reader<'_>) -> Pages {
    let head = reader.head();
    let mut sink = Sink { page_bytes: head.page_size.bytes(), ..Sink::default() };
    for part in page_numbers(&head).chunks(37) {
        reader.read(part, &mut sink).unwrap();
    }
    sink.pages
}

fn state(engine: &Engine, name: &ActorId, txid: u64) -> Result<Pages, StoreError> {
    let mut reader = engine.reader(name, Some(Txid::new(txid)))?;
    assert_eq!(reader.head().txid.get(), txid);
    Ok(content(&mut reader))
}

#[test]
fn a_reader_keeps_its_state_while_the_database_goes_on() {
    let seed = seed(1);
    let mut rng = Rng::with_seed(seed);
    let mut options = small_options();
    options.compaction.retention_txids = 0;
    let engine = engine_with(Arc::new(MemKv::new()), options);
    let mut owner = Owner::claim(&engine, &actor("a"));
    for round in 0..20 {
        for _ in 0..rng.u32(1..6) {
            owner.commit_random(&mut rng, 200);
        }
        if round % 3 == 1 {
            engine.compact(owner.actor()).unwrap();
        }
        let (mut reader, before) =
            (engine.reader(owner.actor(), None).unwrap(), owner.model.clone());
        assert_eq!(reader.head(), owner.head);
        for _ in 0..4 {
            owner.commit_random(&mut rng, 200);
            engine.compact(owner.actor()).unwrap();
            engine.reclaim(owner.actor(), 9).unwrap();
        }
        assert_eq!(content(&mut reader), before, "round {round}");
        let (actor, model) = (owner.actor().clone(), owner.model.clone());
        assert_eq!(content(&mut engine.reader(&actor, None).unwrap()), model);
        owner.check();
    }
}

/// Random commits, compactions and reclaims: every state that is said to be kept is exactly what it
/// was, those within the retention are kept, and others are refused.
#[test]
fn states_within_the_retention_read_exactly() {
    let seed = seed(1);
    let (mut historic, mut refused) = (0, 0);
    for round in 0..40 {
        let mut rng = Rng::with_seed(seed + round);
        let mut options = small_options();
        options.compaction.retention_txids = [0, 1, 5, 30][round as usize % 4];
        let engine = engine_with(Arc::new(MemKv::new()), options);
        let mut owner = Owner::claim(&engine, &actor("a"));
        let mut states: BTreeMap<u64, Pages> = BTreeMap::from([(0, Pages::new())]);
        for _ in 0..80 {
            match rng.u32(0..10) {
                0..=6 => {
                    owner.commit_random(&mut rng, 200);
                    states.insert(owner.head.txid.get(), owner.model.clone());
                }
                7 => drop(engine.compact(owner.actor()).unwrap()),
                8 => drop(engine.reclaim(owner.actor(), rng.usize(1..4)).unwrap()),
                _ => owner = Owner::claim(&engine, &actor("a")),
            }
        }
        let head = owner.head.txid.get();
        for (&txid, expected) in &states {
            match state(&engine, owner.actor(), txid) {
                Ok(pages) => {
                    assert_eq!(&pages, expected, "state {txid} of {head}");
                    historic += 1;
                }
                Err(StoreError::Invalid { .. }) => {
                    let kept = head - options.compaction.retention_txids.min(head);
                    assert!(txid < kept, "state {txid} of {head} is refused");
                    refused += 1;
                }
                Err(other) => panic!("state {txid} of {head}: {other}"),
            }
        }
        assert!(matches!(state(&engine, owner.actor(), head + 1), Err(StoreError::Invalid { .. })));
    }
    println!("{historic} states read, {refused} refused");
    assert!(historic > 300 && refused > 300);
}

#[test]
fn there_is_no_reader_of_nothing() {
    let engine = engine(Arc::new(MemKv::new()));
    assert!(matches!(engine.reader(&actor("a"), None), Err(StoreError::NotFound { .. })));
    let _owner = Owner::claim(&engine, &actor("a"));
    let mut reader = engine.reader(&actor("a"), None).unwrap();
    assert_eq!(content(&mut reader), Pages::new());
}

/// A store whose next commit has landed, but is not answered before a snapshot was taken.
struct Late {
    kv: MemKv,
    held: Mutex<Option<(Sender<()>, Receiver<()>)>>,
    taken: Mutex<Option<Sender<()>>>,
}

impl Kv for Late {
    fn snapshot(&self) -> Result<Box<dyn Snapshot + '_>, KvError> {
        let snapshot = self.kv.snapshot();
        if let Some(taken) = self.taken.lock().unwrap().take() {
            taken.send(()).unwrap();
        }
        snapshot
    }

    fn commit(&self, batch: &Batch<'_>) -> Result<Ticket, KvError> {
        let ticket = self.kv.commit(batch);
        if let Some((landed, taken)) = self.held.lock().unwrap().take() {
            landed.send(()).unwrap();
            taken.recv().unwrap();
        }
        ticket
    }

    fn wait_durable(&self, ticket: Ticket) -> Result<(), KvError> {
        self.kv.wait_durable(ticket)
    }

    fn on_durable(&self, ticket: Ticket, callback: DurableCallback) {
        self.kv.on_durable(ticket, callback);
    }

    fn durable(&self) -> Ticket {
        self.kv.durable()
    }

    fn limits(&self) -> Limits {
        self.kv.limits()
    }

    fn durability(&self) -> Durability {
        self.kv.durability()
    }
}

#[test]
fn the_ticket_covers_a_commit_that_is_seen_before_it_is_answered() {
    let kv = Late { kv: MemKv::new(), held: Mutex::default(), taken: Mutex::default() };
    let kv = Arc::new(kv);
    let engine = engine(Arc::clone(&kv) as Arc<dyn Kv>);
    let mut owner = Owner::claim(&engine, &actor("a"));
    let first = owner.commit_random(&mut Rng::with_seed(1), 20);
    let reader = engine.reader(owner.actor(), None).unwrap();
    assert!(reader.ticket() >= first.ticket);
    drop(reader);
    let (landed, has_landed) = channel();
    let (taken, is_taken) = channel();
    *kv.held.lock().unwrap() = Some((landed, is_taken));
    thread::scope(|scope| {
        let commit = scope.spawn(|| owner.commit_random(&mut Rng::with_seed(2), 20));
        has_landed.recv().unwrap();
        *kv.taken.lock().unwrap() = Some(taken);
        let reader = engine.reader(&actor("a"), None).unwrap();
        let committed = commit.join().unwrap();
        assert_eq!(reader.head(), committed.head);
        assert!(reader.ticket() >= committed.ticket);
    });
}
