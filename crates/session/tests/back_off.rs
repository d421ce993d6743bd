//! A store that is behind: its writers wait, and hold nothing while they do.
#![allow(clippy::unwrap_used)]

mod common;

use std::sync::Arc;

use actor_sqlite_pagestore::MemPageStore;
use actor_sqlite_session::*;
use common::*;

/// A database with a table, and a store that from now on asks for 5 ms after each commit.
fn held_back() -> (Arc<ManualClock>, Arc<MemPageStore>, Host, Db) {
    let clock = Arc::new(ManualClock::default());
    let store = Arc::new(MemPageStore::new());
    let host = host_with(store.clone(), 1, 2, clock.clone());
    let db = open(&host, "a");
    db.run("CREATE TABLE t (a)").unwrap();
    store.hold_writers_back(5000);
    (clock, store, host, db)
}

/// Waits until all threads have nothing to do.
fn rest(host: &Host) {
    while host.executor.metrics().parked < host.executor.metrics().threads {
        std::thread::yield_now();
    }
}

#[test]
fn the_next_command_waits() {
    let (clock, store, host, db) = held_back();
    let answers: Vec<_> = (0..4).map(|_| db.start(run("INSERT INTO t VALUES (1)"))).collect();
    for round in 1..=4 {
        answers[round - 1].recv().unwrap().unwrap();
        rest(&host);
        assert_eq!(store.counts().commits, 1 + round as u64, "one commit a hold");
        assert!(answers.get(round).is_none_or(|next| next.try_recv().is_err()));
        clock.advance_ms(5);
        host.executor.tick();
    }
    let metrics = host.executor.sleep_metrics();
    assert_eq!((metrics.back_offs, metrics.back_off_us), (4, 20_000));
    // Others do not wait.
    db.run("INSERT INTO t VALUES (1)").unwrap();
    let read = db.start(run("PRAGMA user_version = 1"));
    assert_eq!(open(&host, "b").one("SELECT 1"), int(1));
    rest(&host);
    assert!(read.try_recv().is_err());
    store.hold_writers_back(0);
    clock.advance_ms(5);
    host.executor.tick();
    read.recv().unwrap().unwrap();
    db.run("INSERT INTO t VALUES (1)").unwrap();
    assert_eq!(host.executor.sleep_metrics().back_offs, 5);
}

#[test]
fn interrupts_and_closes_do_not_wait() {
    let (_, _, host, db) = held_back();
    db.run("INSERT INTO t VALUES (1)").unwrap();
    let waiting = db.command(run("INSERT INTO t VALUES (2)"), None);
    let id = waiting.id;
    let answer = db.start_command(waiting);
    rest(&host);
    db.session.interrupt(Some(id));
    assert!(matches!(answer.recv().unwrap(), Err(SessionError::Interrupted)));
    let answers: Vec<_> = (0..3).map(|_| db.start(run("INSERT INTO t VALUES (3)"))).collect();
    db.close().unwrap();
    for answer in answers {
        answer.recv().unwrap().unwrap();
    }
}

#[test]
fn who_is_held_back_may_sleep_and_is_answered_at_the_end() {
    let (clock, _, host, db) = held_back();
    db.run("INSERT INTO t VALUES (1)").unwrap();
    assert!(doze(&host, &db));
    let read = db.start(execute("SELECT count(*) FROM t", Params::None, Want::All));
    rest(&host);
    assert!(read.try_recv().is_err());
    clock.advance_ms(5);
    host.executor.tick();
    assert_eq!(values(&rows_of(read.recv().unwrap().unwrap())), [[int(1)]]);
    db.run("INSERT INTO t VALUES (1)").unwrap();
    let last = db.start(run("INSERT INTO t VALUES (2)"));
    rest(&host);
    host.executor.shutdown();
    last.recv().unwrap().unwrap();
}
