//! An interrupt or a deadline that comes when a statement has ended takes nothing away: SQLite
//! calls the progress handler once more after a statement's commit.
#![allow(clippy::unwrap_used)]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use actor_sqlite_pagestore::*;
use actor_sqlite_session::*;
use common::*;

/// A store whose commits take a second.
struct Slow {
    store: MemPageStore,
    clock: Arc<ManualClock>,
    on: AtomicBool,
}

impl PageStore for Slow {
    forward_page_store!(
        store: claim,
        read,
        stage,
        read_staged,
        discard,
        save_hints,
        resolve,
        wait_durable,
        on_durable,
        durable,
        release
    );

    fn commit(
        &self,
        lease: &Lease,
        request: &CommitRequest<'_>,
    ) -> std::result::Result<Committed, StoreError> {
        if self.on.load(Ordering::SeqCst) {
            self.clock.advance_ms(1000);
        }
        self.store.commit(lease, request)
    }
}

fn slow() -> (Arc<Slow>, Db) {
    let clock = Arc::new(ManualClock::default());
    let store = MemPageStore::new();
    let store = Arc::new(Slow { store, clock: clock.clone(), on: AtomicBool::new(false) });
    let db = open(&host_with(store.clone(), 2, 8, clock), "a");
    db.run("CREATE TABLE t (a)").unwrap();
    store.on.store(true, Ordering::SeqCst);
    (store, db)
}

fn impatient(db: &Db, action: Action, transaction: Option<TransactionId>) -> Result<Answer> {
    let command = Command { timeout_ms: Some(500), ..db.command(action, transaction) };
    db.start_command(command).recv().unwrap()
}

fn insert(value: i64) -> Action {
    let params = Params::Positional(vec![Value::Integer(value)]);
    execute("INSERT INTO t VALUES (?)", params, Want::Run)
}

/// The run of a cached statement that makes its sum of steps pass 1,000 is among these.
#[test]
fn a_deadline_that_passes_in_the_commit() {
    let (_, db) = slow();
    for i in 0..1000 {
        impatient(&db, insert(i), None).expect("it is committed");
    }
    for i in 0..1000 {
        let id = db.begin();
        db.call_in(id, insert(1000 + i)).unwrap();
        impatient(&db, Action::Commit, Some(id)).expect("it is committed");
    }
    let entry = BatchEntry { sql: "INSERT INTO t VALUES (0)".into(), rows: vec![] };
    for _ in 0..1000 {
        let entries = vec![entry.clone()];
        let batch = Action::Batch { entries, behavior: Behavior::Immediate };
        impatient(&db, batch, None).expect("it is committed");
    }
    assert_eq!(db.one("SELECT count(*) FROM t"), int(3000));
}

/// Calls `attempt` so many times while another thread interrupts whatever runs.
fn under_fire(db: &Db, attempts: i64, mut attempt: impl FnMut(i64)) {
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::SeqCst) {
                db.session.interrupt(None);
            }
        });
        let attempts = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            (0..attempts).for_each(&mut attempt);
        }));
        stop.store(true, Ordering::SeqCst);
        if let Err(panic) = attempts {
            std::panic::resume_unwind(panic);
        }
    });
}

#[test]
fn an_interrupted_begin_begins_or_does_not() {
    let host = host();
    let db = open(&host, "a");
    db.run("CREATE TABLE t (a)").unwrap();
    under_fire(&db, 20_000, |_| match db.call(Action::Begin(Behavior::Immediate)) {
        Ok(answer) => drop(db.call_in(began(answer), Action::Rollback).unwrap()),
        Err(SessionError::Interrupted) => assert!(!db.session.in_transaction()),
        Err(error) => panic!("{error:?}"),
    });
    db.run("INSERT INTO t VALUES (1)").unwrap();
    db.close().unwrap();
    assert_eq!(open(&host, "a").one("SELECT count(*) FROM t"), int(1));
}

#[test]
fn an_interrupted_insert_is_not_there() {
    let db = fresh();
    db.run("CREATE TABLE t (a)").unwrap();
    let mut inserted = 0;
    under_fire(&db, 20_000, |i| match db.call(insert(i)) {
        Ok(_) => inserted += 1,
        Err(SessionError::Interrupted) => {}
        Err(error) => panic!("{error:?}"),
    });
    assert_eq!(db.one("SELECT count(*) FROM t"), int(inserted));
    let id = db.begin();
    let before = inserted;
    let mut over = false;
    under_fire(&db, 20_000, |i| match db.call_in(id, insert(i)) {
        Ok(_) => inserted += 1,
        Err(SessionError::Interrupted) => {}
        Err(SessionError::TransactionOver { .. }) => over = true,
        Err(error) => panic!("{error:?}"),
    });
    if over {
        inserted = before;
    } else {
        db.call_in(id, Action::Commit).unwrap();
    }
    assert_eq!(db.one("SELECT count(*) FROM t"), int(inserted));
}

#[test]
fn an_interrupted_savepoint_is_released_or_not() {
    let db = fresh();
    db.run("CREATE TABLE t (a)").unwrap();
    let id = db.begin();
    let mut depth = 0;
    under_fire(&db, 10_000, |_| {
        match db.call_in(id, Action::Begin(Behavior::Deferred)) {
            Ok(_) => depth += 1,
            Err(SessionError::Interrupted) => {}
            Err(error) => panic!("{error:?}"),
        }
        if depth > 0 {
            match db.call_in(id, Action::Commit) {
                Ok(_) => depth -= 1,
                Err(SessionError::Interrupted) => {}
                Err(error) => panic!("{error:?}"),
            }
        }
    });
    for _ in 0..depth {
        db.call_in(id, Action::Commit).unwrap();
    }
    assert!(db.session.in_transaction());
    db.call_in(id, Action::Commit).unwrap();
    assert!(!db.session.in_transaction());
}
