//! A panic ends one session, not its thread and nobody else.
#![allow(clippy::unwrap_used)]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use actor_sqlite_pagestore::MemPageStore;
use actor_sqlite_session::*;
use common::*;

/// Time that panics at one of the next times a thread of the executor asks for it.
#[derive(Default)]
struct Trap {
    countdown: AtomicU64,
}

impl Clock for Trap {
    fn now_ms(&self) -> i64 {
        0
    }

    fn monotonic_ns(&self) -> u64 {
        if std::thread::current().name() == Some("actor-sqlite") {
            let before = self.countdown.load(Ordering::SeqCst);
            if before > 0 {
                self.countdown.store(before - 1, Ordering::SeqCst);
            }
            assert!(before != 1, "the clock broke");
        }
        1
    }
}

#[test]
fn only_the_session_is_over_wherever_it_panics() {
    let clock = Arc::new(Trap::default());
    let host = host_with(Arc::new(MemPageStore::new()), 1, 1, clock.clone());
    let other = open(&host, "other");
    let mut in_command = 0;
    for countdown in 1..=6 {
        let options = OpenOptions { transaction_timeout_ms: Some(1000), ..OpenOptions::default() };
        let name = format!("a{countdown}");
        let db = try_open(&host, &name, options).unwrap();
        db.run("CREATE TABLE t (a)").unwrap();
        clock.countdown.store(countdown, Ordering::SeqCst);
        // Reads the clock inside the command, too: for the transaction's deadline.
        let began = db.call(Action::Begin(Behavior::Immediate));
        let next = db.run("SELECT 1 WHERE 0");
        while clock.countdown.load(Ordering::SeqCst) > 0 {
            let _ = db.run("SELECT 1 WHERE 0");
        }
        in_command += u32::from(matches!(&began, Err(SessionError::Panicked { .. })));
        assert!(
            matches!(&next, Err(SessionError::Panicked { .. } | SessionError::Usage { .. })),
            "{countdown}: {began:?}, then {next:?}"
        );
        let last = db.run("INSERT INTO t VALUES (1)");
        let Err(SessionError::Panicked { reason }) = last else { panic!("{last:?}") };
        assert_eq!(reason, "the clock broke");
        assert!(!db.session.in_transaction());
        db.close().unwrap();
        assert_eq!(open(&host, &name).one("SELECT count(*) FROM t"), int(0));
        assert_eq!(other.one("SELECT 1"), int(1));
    }
    assert!(in_command >= 1);
    let metrics = host.executor.metrics();
    assert_eq!((metrics.threads_started, metrics.panics), (1, 0));
}

#[test]
fn a_panic_while_opening_is_an_error() {
    let clock = Arc::new(Trap::default());
    let host = host_with(Arc::new(MemPageStore::new()), 1, 1, clock.clone());
    open(&host, "a").run("CREATE TABLE t (a)").unwrap();
    for countdown in 1..=4 {
        clock.countdown.store(countdown, Ordering::SeqCst);
        let (send, receive) = std::sync::mpsc::channel();
        let done = Box::new(move |result: Result<Session>| send.send(result.map(drop)).unwrap());
        Session::open(&host, actor("a"), OpenOptions::default(), done);
        // The last places are after the opening itself.
        let opened = receive.recv().unwrap();
        assert!(matches!(opened, Ok(()) | Err(SessionError::Panicked { .. })), "{opened:?}");
        clock.countdown.store(0, Ordering::SeqCst);
        assert_eq!(open(&host, "a").one("SELECT count(*) FROM t"), int(0));
    }
}

#[test]
fn a_reply_that_panics_harms_nobody() {
    let host = host_with(Arc::new(MemPageStore::new()), 1, 1, Arc::new(SystemClock));
    let db = open(&host, "a");
    for _ in 0..10 {
        let reply = Box::new(|_| panic!("a reply broke"));
        db.session.submit(db.command(execute("SELECT 1", Params::None, Want::All), None), reply);
    }
    assert_eq!(db.one("SELECT 1"), int(1));
    assert_eq!(host.executor.metrics().threads_started, 1);
}
