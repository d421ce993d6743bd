//! The syncer over a log that does as the test says, and the store over a log that fails.

#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;

use actor_sqlite_kv::{Batch, Kv, KvError, Ticket};

use crate::metrics::Counters;
use crate::store::Seams;
use crate::syncer::{Log, Syncer};
use crate::{RocksKv, RocksOptions};

/// Says when a sync begins and waits for how it should end; without that, it succeeds.
struct Puppet {
    begun: mpsc::Sender<()>,
    end: Option<Mutex<mpsc::Receiver<Result<(), String>>>>,
    syncs: Arc<AtomicUsize>,
}

impl Log for Puppet {
    fn sync(&self) -> Result<(), String> {
        self.syncs.fetch_add(1, SeqCst);
        let _ = self.begun.send(());
        self.end.as_ref().map_or(Ok(()), |end| end.lock().unwrap().recv().unwrap())
    }
}

struct Rig {
    syncer: Arc<Syncer>,
    begun: mpsc::Receiver<()>,
    end: mpsc::Sender<Result<(), String>>,
    syncs: Arc<AtomicUsize>,
}

fn rig(by_hand: bool) -> Rig {
    let (begun_sender, begun) = mpsc::channel();
    let (end, end_receiver) = mpsc::channel();
    let syncs = Arc::new(AtomicUsize::new(0));
    let puppet = Puppet {
        begun: begun_sender,
        end: by_hand.then(|| Mutex::new(end_receiver)),
        syncs: Arc::clone(&syncs),
    };
    Rig { syncer: Syncer::new(Box::new(puppet), Arc::new(Counters::default())), begun, end, syncs }
}

#[test]
fn a_sync_covers_only_what_was_ordered_before_it_began() {
    let rig = rig(true);
    let syncer = &rig.syncer;
    let early = syncer.ordered();
    thread::scope(|scope| {
        let waiter = scope.spawn(move || syncer.wait(early));
        rig.begun.recv().unwrap();
        let late = syncer.ordered();
        let late_waiter = scope.spawn(move || syncer.wait(late));
        rig.end.send(Ok(())).unwrap();
        waiter.join().unwrap().unwrap();
        // Nothing else is durable so far: the late one needs a sync of its own.
        assert_eq!(syncer.durable(), early);
        rig.begun.recv().unwrap();
        rig.end.send(Ok(())).unwrap();
        late_waiter.join().unwrap().unwrap();
        assert_eq!(syncer.durable(), late);
    });
}

#[test]
fn waiters_share_a_sync() {
    let rig = rig(false);
    let tickets: Vec<_> = (0..8).map(|_| rig.syncer.ordered()).collect();
    thread::scope(|scope| {
        for ticket in tickets {
            let syncer = &rig.syncer;
            scope.spawn(move || syncer.wait(ticket).unwrap());
        }
    });
    assert_eq!(rig.syncs.load(SeqCst), 1);
}

#[test]
fn callbacks_come_in_ticket_order_and_survive_a_panic() {
    let rig = rig(true);
    let first = rig.syncer.ordered();
    let tickets: Vec<_> = (0..100).map(|_| rig.syncer.ordered()).collect();
    let (sender, receiver) = mpsc::channel();
    rig.syncer.call(first, Box::new(|_| panic!("on purpose")));
    rig.begun.recv().unwrap();
    for ticket in tickets.iter().rev() {
        let (ticket, sender) = (*ticket, sender.clone());
        rig.syncer.call(ticket, Box::new(move |outcome| sender.send((ticket, outcome)).unwrap()));
    }
    drop(sender);
    rig.end.send(Ok(())).unwrap();
    let called: Vec<_> = receiver.iter().collect();
    assert_eq!(called, tickets.into_iter().map(|ticket| (ticket, Ok(()))).collect::<Vec<_>>());
    rig.syncer.stop();
    assert_eq!(rig.syncs.load(SeqCst), 1);
}

#[test]
fn stopping_answers_every_callback() {
    let rig = rig(true);
    let ticket = rig.syncer.ordered();
    let (sender, receiver) = mpsc::channel();
    rig.syncer.call(ticket, Box::new(move |outcome| sender.send(outcome).unwrap()));
    rig.end.send(Ok(())).unwrap();
    rig.syncer.stop();
    assert_eq!(receiver.try_recv(), Ok(Ok(())));
}

/// A log whose syncs fail when told to.
struct Failing {
    inner: Box<dyn Log>,
    fail: Arc<AtomicUsize>,
    syncs: Arc<AtomicUsize>,
}

impl Log for Failing {
    fn sync(&self) -> Result<(), String> {
        let sync = self.syncs.fetch_add(1, SeqCst) + 1;
        if sync >= self.fail.load(SeqCst) {
            Err("the disk is gone".into())
        } else {
            self.inner.sync()
        }
    }
}

fn open_failing(path: &Path, fail: &Arc<AtomicUsize>, syncs: &Arc<AtomicUsize>) -> Arc<RocksKv> {
    let (fail, syncs) = (Arc::clone(fail), Arc::clone(syncs));
    let wrap = |inner| -> Box<dyn Log> { Box::new(Failing { inner, fail, syncs }) };
    let seams = Seams { wrap_log: Some(Box::new(wrap)), ..Default::default() };
    RocksKv::open_with(path, &RocksOptions::default(), seams).unwrap()
}

fn put(store: &RocksKv, key: &[u8]) -> Result<Ticket, KvError> {
    let mut batch = Batch::new();
    batch.put(key.to_vec(), b"v".as_slice());
    store.commit(&batch)
}

#[test]
fn a_failed_sync_ends_the_store_and_is_never_tried_again() {
    let directory = tempfile::tempdir().unwrap();
    let options = RocksOptions::default();
    let (fail, syncs) = (Arc::new(AtomicUsize::new(usize::MAX)), Arc::new(AtomicUsize::new(0)));
    let store = open_failing(directory.path(), &fail, &syncs);
    let good = put(&store, b"good").unwrap();
    store.wait_durable(good).unwrap();

    fail.store(2, SeqCst);
    let lost = put(&store, b"lost").unwrap();
    let dead = KvError::Dead { reason: "the disk is gone".into() };
    let (sender, receiver) = mpsc::channel();
    for _ in 0..3 {
        let sender = sender.clone();
        store.on_durable(lost, Box::new(move |outcome| sender.send(outcome).unwrap()));
    }
    drop(sender);
    assert_eq!(receiver.iter().collect::<Vec<_>>(), vec![Err(dead.clone()); 3]);
    assert_eq!(store.wait_durable(lost), Err(dead.clone()));
    assert_eq!(put(&store, b"later"), Err(dead.clone()));
    assert_eq!(store.snapshot().err(), Some(dead.clone()));
    // What was durable stays so.
    assert_eq!(store.wait_durable(good), Ok(()));
    assert_eq!(store.durable(), good);

    fail.store(usize::MAX, SeqCst);
    assert_eq!(store.wait_durable(lost), Err(dead));
    drop(store);
    assert_eq!(syncs.load(SeqCst), 2, "a failed sync was tried again");

    let store = RocksKv::open(directory.path(), &options).unwrap();
    assert!(store.snapshot().unwrap().get(b"good", &mut |_| {}).unwrap());
    assert!(!store.snapshot().unwrap().get(b"later", &mut |_| {}).unwrap());
}

#[test]
fn a_snapshot_taken_before_the_failure_is_dead_too() {
    let directory = tempfile::tempdir().unwrap();
    let (fail, syncs) = (Arc::new(AtomicUsize::new(1)), Arc::new(AtomicUsize::new(0)));
    let store = open_failing(directory.path(), &fail, &syncs);
    let ticket = put(&store, b"k").unwrap();
    let snapshot = store.snapshot().unwrap();
    assert!(store.wait_durable(ticket).is_err());
    assert!(matches!(snapshot.get(b"k", &mut |_| {}), Err(KvError::Dead { .. })));
}

#[test]
fn a_full_disk_refuses_writes_until_there_is_room_and_reading_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    let free = Arc::new(AtomicU64::new(1 << 40));
    let disk = Arc::clone(&free);
    let seams =
        Seams { free_bytes: Some(Box::new(move || Some(disk.load(SeqCst)))), ..Default::default() };
    let options = RocksOptions { disk_reserve_bytes: 1 << 20, ..Default::default() };
    let store = RocksKv::open_with(directory.path(), &options, seams).unwrap();
    let before = put(&store, b"before").unwrap();
    free.store(1 << 20, SeqCst);
    let refused = loop {
        // What an earlier look at the disk let in.
        let mut batch = Batch::new();
        batch.put(b"before".to_vec(), vec![0; 1 << 20]);
        if let Err(error) = store.commit(&batch) {
            break error;
        }
    };
    assert!(matches!(refused, KvError::Full { .. }), "{refused:?}");
    let mut batch = Batch::new();
    batch.guard(b"absent".to_vec(), Some(Vec::new())).put(b"never".to_vec(), b"v".as_slice());
    assert!(matches!(store.commit(&batch), Err(KvError::Full { .. })));
    store.wait_durable(before).unwrap();
    assert!(store.snapshot().unwrap().get(b"before", &mut |_| {}).unwrap());
    assert!(!store.snapshot().unwrap().get(b"never", &mut |_| {}).unwrap());
    let mut batch = Batch::new();
    batch.delete(b"before".to_vec());
    store.commit(&batch).unwrap();

    free.store(1 << 40, SeqCst);
    let after = put(&store, b"after").unwrap();
    store.wait_durable(after).unwrap();
}
