//! The durability gate: what leaves when.
#![allow(clippy::unwrap_used)]

mod common;
#[path = "common/gate_store.rs"]
mod gate_store;

use std::sync::atomic::Ordering;
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex};

use actor_sqlite_pagestore::{ClaimOptions, PageStore, StoreError, Ticket};
use actor_sqlite_session::*;
use common::*;
use gate_store::GateStore;

fn store_and_host() -> (Arc<GateStore>, Host) {
    let store = GateStore::new();
    let host = host_with(store.clone(), 2, 8, Arc::new(SystemClock));
    (store, host)
}

/// Waits until a session has done so many commits: they are ordered, their answers may be held.
fn ordered(db: &Db, commits: u64) {
    let count = || {
        let vfs = db.session.metrics().vfs;
        vfs.commits_batch + vfs.commits_sync
    };
    while count() < commits {
        std::thread::yield_now();
    }
}

/// Syncs until an answer is there.
fn synced<T>(store: &GateStore, answer: &Receiver<T>) -> T {
    loop {
        if let Ok(answer) = answer.try_recv() {
            return answer;
        }
        store.sync();
        std::thread::yield_now();
    }
}

fn dead<T>(result: &Result<T>) -> bool {
    matches!(result, Err(SessionError::Store(StoreError::Dead { .. })))
}

#[test]
fn no_strict_answer_leaves_before_its_ticket_is_durable() {
    let (store, host) = store_and_host();
    let sessions: Vec<Db> = (0..20).map(|i| open(&host, &format!("a{i}"))).collect();
    let early = Arc::new(Mutex::new(Vec::new()));
    let mut answers = Vec::new();
    for round in 0..30 {
        for db in &sessions {
            let (send, receive) = std::sync::mpsc::channel();
            let (store, early) = (store.clone(), early.clone());
            let sql = if round == 0 { "CREATE TABLE t (a)" } else { "INSERT INTO t VALUES (1)" };
            let session = db.session.clone();
            let reply = Box::new(move |result: Result<Answer>| {
                // All commits this session has ordered before this answer had been decided on have
                // tickets of their own; the durable one must cover as many commits of it as it has
                // answers out.
                early.lock().unwrap().push((store.durable(), session.metrics().vfs.bytes_written));
                let _ = send.send(result.map(drop));
            });
            db.session.submit(db.command(run(sql), None), reply);
            answers.push(receive);
        }
    }
    for db in &sessions {
        ordered(db, 30);
    }
    assert!(early.lock().unwrap().is_empty(), "nothing is durable, and something left");
    let last = store.sync();
    for answer in answers {
        synced(&store, &answer).unwrap();
    }
    assert!(early.lock().unwrap().iter().all(|(durable, _)| *durable >= last));
}

#[test]
fn one_sync_releases_many() {
    let (store, host) = store_and_host();
    let sessions: Vec<Db> = (0..50).map(|i| open(&host, &format!("a{i}"))).collect();
    let answers: Vec<_> = sessions.iter().map(|db| db.start(run("CREATE TABLE t (a)"))).collect();
    for db in &sessions {
        ordered(db, 1);
    }
    store.sync();
    for answer in answers {
        answer.recv().unwrap().unwrap();
    }
}

#[test]
fn what_is_read_on_top_of_it_waits_too_and_so_do_errors() {
    let (store, host) = store_and_host();
    let db = open(&host, "a");
    synced(&store, &db.start(run("CREATE TABLE t (a UNIQUE)"))).unwrap();
    let left = Arc::new(Mutex::new(Vec::new()));
    let note = |name: &'static str, action: Action| {
        let left = left.clone();
        let reply = Box::new(move |result: Result<Answer>| {
            left.lock().unwrap().push((name, result.is_ok()));
        });
        db.session.submit(db.command(action, None), reply);
    };
    note("write", run("INSERT INTO t VALUES (1)"));
    note("read", execute("SELECT * FROM t", Params::None, Want::All));
    note("error", run("INSERT INTO t VALUES (1)"));
    note("other", execute("SELECT 1", Params::None, Want::All));
    ordered(&db, 2);
    while db.session.metrics().statements.select_count < 2 {
        std::thread::yield_now();
    }
    assert!(left.lock().unwrap().is_empty());
    synced(&store, &db.start(Action::Durable)).unwrap();
    let expected = [("write", true), ("read", true), ("error", false), ("other", true)];
    assert_eq!(*left.lock().unwrap(), expected, "in order");
}

#[test]
fn reads_of_a_durable_state_do_not_wait() {
    let (store, host) = store_and_host();
    let db = open(&host, "a");
    synced(&store, &db.start(run("CREATE TABLE t (a)"))).unwrap();
    let asked = store.callbacks.load(Ordering::SeqCst);
    assert_eq!(db.one("SELECT count(*) FROM t"), int(0));
    assert!(db.run("nonsense").is_err());
    assert_eq!(store.callbacks.load(Ordering::SeqCst), asked);
}

#[test]
fn gated_answers_leave_at_once() {
    let (store, host) = store_and_host();
    let options = OpenOptions { durability: Durability::Gated, ..OpenOptions::default() };
    let db = try_open(&host, "a", options).unwrap();
    db.run("CREATE TABLE t (a)").unwrap();
    db.run("INSERT INTO t VALUES (1)").unwrap();
    assert_eq!(db.one("SELECT a FROM t"), int(1));
    assert_eq!(store.durable(), Ticket::ZERO);
    let durable = db.start(Action::Durable);
    db.run("INSERT INTO t VALUES (2)").unwrap();
    assert!(durable.try_recv().is_err(), "later answers pass it, it does not leave");
    synced(&store, &durable).unwrap();
    assert!(store.durable() >= Ticket(2));
    let close = db.start(Action::Close);
    synced(&store, &close).unwrap();
    assert_eq!(store.durable(), store.newest());
}

#[test]
fn a_failed_sync_is_the_end() {
    for durability in [Durability::Strict, Durability::Gated] {
        let (store, host) = store_and_host();
        let options = OpenOptions { durability, ..OpenOptions::default() };
        let db = try_open(&host, "a", options).unwrap();
        synced(&store, &db.start(run("CREATE TABLE t (a)"))).unwrap();
        synced(&store, &db.start(Action::Durable)).unwrap();
        let write = db.start(run("INSERT INTO t VALUES (1)"));
        let read = db.start(execute("SELECT * FROM t", Params::None, Want::All));
        ordered(&db, 2);
        store.fail();
        if durability == Durability::Strict {
            assert!(dead(&write.recv().unwrap()));
            assert!(dead(&read.recv().unwrap()));
        } else {
            write.recv().unwrap().unwrap();
            assert!(dead(&db.call(Action::Durable)));
        }
        for _ in 0..2 {
            assert!(dead(&db.run("INSERT INTO t VALUES (2)")));
            assert!(dead(&db.all("SELECT 1")));
        }
        assert_eq!(db.session.metrics().vfs.commits_batch, 1, "nothing ran after the failure");
        assert!(dead(&db.close()), "what was answered is not durable");
        assert!(matches!(db.run("SELECT 1"), Err(SessionError::Closed)));
        assert!(dead(&db.close()));
    }
}

#[test]
fn a_close_after_a_failed_sync_and_the_executors_end_fails() {
    let (store, host) = store_and_host();
    let options = OpenOptions { durability: Durability::Gated, ..OpenOptions::default() };
    let db = try_open(&host, "a", options).unwrap();
    db.run("CREATE TABLE t (a)").unwrap();
    store.fail();
    host.executor.shutdown();
    assert!(dead(&db.close()));
}

#[test]
fn the_close_of_a_fenced_session_waits_for_what_it_answered() {
    let (store, host) = store_and_host();
    let options = OpenOptions { durability: Durability::Gated, ..OpenOptions::default() };
    let db = try_open(&host, "a", options).unwrap();
    db.run("CREATE TABLE t (a)").unwrap();
    let page_size = OpenOptions::default().page_size;
    let thief = ClaimOptions { create: false, page_size, ..ClaimOptions::new("thief") };
    store.mem.claim(&actor("a"), &thief).unwrap();
    let fenced = db.run("INSERT INTO t VALUES (1)");
    assert!(matches!(fenced, Err(SessionError::Store(StoreError::Fenced { .. }))), "{fenced:?}");
    let close = db.start(Action::Close);
    let last = db.start(run("SELECT 1"));
    assert!(last.recv().unwrap().is_err());
    assert!(close.try_recv().is_err(), "the table is not durable");
    synced(&store, &close).unwrap();
}

#[test]
fn a_lone_writer_syncs_in_place() {
    let (store, host) = store_and_host();
    let db = open(&host, "a");
    for i in 0..10 {
        let write = db.start(run(&format!("CREATE TABLE t{i} (a)")));
        while store.waiting.load(Ordering::SeqCst) == 0 {
            std::thread::yield_now();
        }
        store.sync();
        write.recv().unwrap().unwrap();
        while store.waiting.load(Ordering::SeqCst) > 0 {
            std::thread::yield_now();
        }
    }
    assert_eq!(store.callbacks.load(Ordering::SeqCst), 0);
    assert_eq!(host.executor.metrics().syncs_in_place, 10);
}

#[test]
fn at_most_one_thread_syncs_in_place_and_others_run_on() {
    let store = GateStore::new();
    let host = host_with(store.clone(), 1, 2, Arc::new(SystemClock));
    let writers: Vec<Db> = (0..10).map(|i| open(&host, &format!("w{i}"))).collect();
    let answers: Vec<_> = writers.iter().map(|db| db.start(run("CREATE TABLE t (a)"))).collect();
    for db in &writers {
        ordered(db, 1);
    }
    // A thread is left for those that need no sync.
    let reader = open(&host, "r");
    let answer = reader.start(execute("SELECT 1", Params::None, Want::All));
    while reader.session.metrics().statements.select_count == 0 {
        std::thread::yield_now();
    }
    assert_eq!(store.waiting.load(Ordering::SeqCst), 1);
    store.sync();
    for answer in answers {
        synced(&store, &answer).unwrap();
    }
    synced(&store, &answer).unwrap();
}
