//! The executor: order, fairness, blocked threads, the end.
#![allow(clippy::unwrap_used)]

mod common;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};

use actor_sqlite_pagestore::{
    ActorId, Claim, ClaimOptions, CommitRequest, Committed, Lease, MemPageStore, PageStore,
    StoreError, forward_page_store,
};
use actor_sqlite_session::*;
use common::*;

const ENDLESS: &str =
    "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";

fn endless() -> Action {
    execute(ENDLESS, Params::None, Want::All)
}

#[test]
fn commands_of_one_actor_run_in_order() {
    let host = host_with(Arc::new(MemPageStore::new()), 4, 8, Arc::new(SystemClock));
    let sessions: Vec<Db> = (0..8).map(|i| open(&host, &format!("a{i}"))).collect();
    let order = Arc::new(Mutex::new(vec![Vec::new(); sessions.len()]));
    let (done, all) = std::sync::mpsc::channel();
    for db in &sessions {
        db.run("CREATE TABLE t (i INTEGER PRIMARY KEY, n)").unwrap();
    }
    for n in 0..500 {
        for (index, db) in sessions.iter().enumerate() {
            let (order, done) = (order.clone(), done.clone());
            let action = run(&format!("INSERT INTO t (n) VALUES ({n})"));
            let reply = Box::new(move |result: Result<Answer>| {
                result.unwrap();
                order.lock().unwrap()[index].push(n);
                done.send(()).unwrap();
            });
            db.session.submit(db.command(action, None), reply);
        }
    }
    for _ in 0..500 * sessions.len() {
        all.recv().unwrap();
    }
    let expected: Vec<i32> = (0..500).collect();
    for (index, db) in sessions.iter().enumerate() {
        assert_eq!(order.lock().unwrap()[index], expected);
        assert_eq!(db.one("SELECT count(*) FROM t WHERE i = n + 1"), int(500));
    }
}

#[test]
fn commands_of_one_tick_travel_together() {
    let host = host_with(Arc::new(MemPageStore::new()), 1, 1, Arc::new(SystemClock));
    let db = open(&host, "a");
    let before = host.executor.metrics().slices;
    let (send, receive) = std::sync::mpsc::channel();
    let commands = (0..60)
        .map(|i| {
            let send = send.clone();
            let reply: Reply = Box::new(move |result| send.send((i, result)).unwrap());
            (db.command(execute("SELECT 1", Params::None, Want::All), None), reply)
        })
        .collect();
    db.session.submit_all(commands);
    for i in 0..60 {
        let (at, result) = receive.recv().unwrap();
        assert_eq!(at, i);
        result.unwrap();
    }
    // One turn, or a few if it took longer than a turn may.
    assert!(host.executor.metrics().slices - before < 60);
}

/// An actor whose every answer makes it ask again never lets its queue run empty: a thread that
/// served it to the end would never come back.
#[test]
fn an_actor_with_endless_work_does_not_starve_others() {
    let host = host_with(Arc::new(MemPageStore::new()), 1, 1, Arc::new(SystemClock));
    let greedy = Arc::new(open(&host, "greedy"));
    let stop = Arc::new(AtomicUsize::new(0));
    fn feed(db: &Arc<Db>, stop: &Arc<AtomicUsize>) {
        if stop.load(Ordering::SeqCst) == 0 {
            let again = (Arc::downgrade(db), stop.clone());
            let reply = Box::new(move |_| {
                if let Some(db) = again.0.upgrade() {
                    feed(&db, &again.1);
                }
            });
            db.session.submit(db.command(run("CREATE TABLE IF NOT EXISTS t (a)"), None), reply);
        }
    }
    for _ in 0..200 {
        feed(&greedy, &stop);
    }
    for i in 0..20 {
        let db = open(&host, &format!("a{i}"));
        for _ in 0..20 {
            assert_eq!(db.one("SELECT 1"), int(1));
        }
    }
    assert!(greedy.session.metrics().queue.depth >= 100, "it was busy all the time");
    stop.store(1, Ordering::SeqCst);
}

#[test]
fn a_thousand_sessions_on_two_threads() {
    let host = host_with(Arc::new(MemPageStore::new()), 2, 2, Arc::new(SystemClock));
    let sessions: Vec<Db> = (0..1000).map(|i| open(&host, &format!("a{i}"))).collect();
    let answers: Vec<_> = (0..4)
        .flat_map(|n| sessions.iter().map(move |db| (n, db)))
        .map(|(n, db)| match n {
            0 => db.start(run("CREATE TABLE t (a)")),
            _ => db.start(run("INSERT INTO t VALUES (1)")),
        })
        .collect();
    for answer in answers {
        answer.recv().unwrap().unwrap();
    }
    for db in &sessions {
        assert_eq!(db.one("SELECT count(*) FROM t"), int(3));
    }
    assert_eq!(host.executor.metrics().threads_started, 2);
}

#[test]
fn threads_start_when_there_is_work() {
    let host = host_with(Arc::new(MemPageStore::new()), 4, 8, Arc::new(SystemClock));
    assert_eq!(host.executor.metrics().threads, 0);
    let db = open(&host, "a");
    assert_eq!(db.one("SELECT 1"), int(1));
    assert!(host.executor.metrics().threads >= 1);
}

#[test]
fn a_thread_that_stands_still_gets_a_stand_in() {
    let host = host_with(Arc::new(MemPageStore::new()), 1, 3, Arc::new(SystemClock));
    let (one, two, three) = (open(&host, "one"), open(&host, "two"), open(&host, "three"));
    let first = one.start(endless());
    let second = two.start(endless());
    // Both threads are in a statement that never ends by itself.
    for db in [&one, &two] {
        while db.session.metrics().statements.select_count == 0 {
            std::thread::yield_now();
        }
    }
    assert_eq!(three.one("SELECT 1"), int(1));
    assert!(host.executor.metrics().places_lent >= 2);
    for (db, answer) in [(one, first), (two, second)] {
        while answer.try_recv().is_err() {
            db.session.interrupt(None);
        }
    }
    // Stand-ins go when the others are back.
    while host.executor.metrics().threads > 1 {
        std::thread::yield_now();
    }
    assert_eq!(three.one("SELECT 1"), int(1));
}

/// A store that takes a millisecond a call, and whose commits wait until three are there at once.
struct Remote {
    mem: MemPageStore,
    clock: Arc<ManualClock>,
    commits: Mutex<usize>,
    changed: Condvar,
    wait_for: AtomicUsize,
}

impl PageStore for Remote {
    forward_page_store!(mem: read, resolve, wait_durable, on_durable, durable, release, stage, read_staged, discard, save_hints);

    fn claim(
        &self,
        actor: &ActorId,
        options: &ClaimOptions,
    ) -> std::result::Result<Claim, StoreError> {
        self.clock.advance_ms(20);
        self.mem.claim(actor, options)
    }

    fn commit(
        &self,
        lease: &Lease,
        request: &CommitRequest<'_>,
    ) -> std::result::Result<Committed, StoreError> {
        self.clock.advance_ms(20);
        let mut commits = self.commits.lock().unwrap();
        *commits += 1;
        self.changed.notify_all();
        while *commits < self.wait_for.load(Ordering::SeqCst) {
            commits = self.changed.wait(commits).unwrap();
        }
        drop(commits);
        self.mem.commit(lease, request)
    }
}

#[test]
fn a_slow_store_is_called_without_a_place() {
    let clock = Arc::new(ManualClock::default());
    let store = Arc::new(Remote {
        mem: MemPageStore::new(),
        clock: clock.clone(),
        commits: Mutex::new(0),
        changed: Condvar::new(),
        wait_for: AtomicUsize::new(0),
    });
    let host = host_with(store.clone(), 1, 4, clock);
    let sessions: Vec<Db> = (0..3).map(|i| open(&host, &format!("a{i}"))).collect();
    store.wait_for.store(3, Ordering::SeqCst);
    let answers: Vec<_> = sessions.iter().map(|db| db.start(run("CREATE TABLE t (a)"))).collect();
    for answer in answers {
        answer.recv().unwrap().unwrap();
    }
    assert!(host.executor.metrics().places_lent >= 3);
    // A commit alone does not wait for company; its thread has a place again.
    sessions[0].run("INSERT INTO t VALUES (1)").unwrap();
    host.executor.shutdown();
    assert_eq!(host.executor.metrics().running, 0);
}

#[test]
fn no_more_threads_than_allowed() {
    let host = host_with(Arc::new(MemPageStore::new()), 1, 2, Arc::new(SystemClock));
    let sessions: Vec<Db> = (0..4).map(|i| open(&host, &format!("a{i}"))).collect();
    let answers: Vec<_> = sessions.iter().map(|db| db.start(endless())).collect();
    while host.executor.metrics().places_lent < 1 {
        std::thread::yield_now();
    }
    assert_eq!(host.executor.metrics().threads_started, 2);
    for (db, answer) in sessions.iter().zip(answers) {
        while answer.try_recv().is_err() {
            db.session.interrupt(None);
        }
    }
    assert!(host.executor.metrics().threads_started >= 2);
}

#[test]
fn a_reply_that_blocks_blocks_one_thread() {
    let host = host_with(Arc::new(MemPageStore::new()), 1, 2, Arc::new(SystemClock));
    let (one, two) = (open(&host, "one"), open(&host, "two"));
    let gate = Arc::new((Mutex::new(false), Condvar::new()));
    let held = gate.clone();
    let reply = Box::new(move |_| {
        let mut open = held.0.lock().unwrap();
        while !*open {
            open = held.1.wait(open).unwrap();
        }
    });
    one.session.submit(one.command(execute("SELECT 1", Params::None, Want::All), None), reply);
    assert_eq!(two.one("SELECT 1"), int(1));
    *gate.0.lock().unwrap() = true;
    gate.1.notify_all();
    assert_eq!(one.one("SELECT 1"), int(1));
}

#[test]
fn shutdown_runs_what_is_queued_and_refuses_the_rest() {
    let store = Arc::new(MemPageStore::new());
    let host = host_with(store.clone(), 2, 4, Arc::new(SystemClock));
    let db = open(&host, "a");
    db.run("CREATE TABLE t (a)").unwrap();
    let answers: Vec<_> = (0..200).map(|_| db.start(run("INSERT INTO t VALUES (1)"))).collect();
    host.executor.shutdown();
    for answer in answers {
        answer.recv().unwrap().unwrap();
    }
    let metrics = host.executor.metrics();
    assert_eq!((metrics.threads, metrics.running, metrics.parked), (0, 0, 0));
    assert!(matches!(db.run("SELECT 1"), Err(SessionError::Closed)));
    db.close().unwrap();
    assert_eq!(store.counts().releases, 1);
    assert!(matches!(
        try_open(&host, "b", OpenOptions::default()).err(),
        Some(SessionError::Closed)
    ));
    assert_eq!(db.session.metrics().statements.insert_count, 200);
    host.executor.shutdown();
}

#[test]
fn the_last_handle_may_go_in_a_reply() {
    for _ in 0..50 {
        let store = Arc::new(MemPageStore::new());
        let host = host_with(store.clone(), 2, 4, Arc::new(SystemClock));
        let db = open(&host, "a");
        let (send, receive) = std::sync::mpsc::channel();
        let command = db.command(run("CREATE TABLE t (a)"), None);
        let session = db.session.clone();
        let reply = Box::new(move |result: Result<Answer>| {
            drop(db);
            drop(host);
            send.send(result.map(drop)).unwrap();
        });
        session.submit(command, reply);
        drop(session);
        receive.recv().unwrap().unwrap();
        while store.counts().releases == 0 {
            std::thread::yield_now();
        }
    }
}
