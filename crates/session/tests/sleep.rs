//! Sleeping and waking: what goes, what stays, and what nobody may notice.
#![allow(clippy::unwrap_used)]

mod common;
#[path = "common/gate_store.rs"]
mod gate_store;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use actor_sqlite_pagestore::*;
use actor_sqlite_session::*;
use common::*;
use gate_store::GateStore;

fn over(store: Arc<dyn PageStore>) -> Host {
    host_with(store, 2, 8, Arc::new(SystemClock))
}

fn mem() -> (Arc<MemPageStore>, Host) {
    let store = Arc::new(MemPageStore::new());
    (store.clone(), over(store))
}

#[test]
fn a_session_gives_up_its_lease_and_goes_on_with_it() {
    let (store, host) = mem();
    let db = open(&host, "a");
    db.script("CREATE TABLE t (a); INSERT INTO t VALUES (1)").unwrap();
    assert!(!db.session.metrics().asleep);
    let before = db.session.metrics();
    assert!(doze(&host, &db));
    let asleep = db.session.metrics();
    assert!(asleep.asleep);
    assert_eq!(asleep.vfs.commits_sync, before.vfs.commits_sync, "what it did is not forgotten");
    assert_eq!(asleep.vfs.db_size_pages, before.vfs.db_size_pages);
    assert_eq!(store.counts().releases, 1);
    let head = store.head(&actor("a")).unwrap();
    assert_eq!(db.one("SELECT a FROM t"), int(1));
    assert_eq!(store.head(&actor("a")).unwrap(), head, "waking writes nothing");
    db.run("INSERT INTO t VALUES (2)").unwrap();
    let awake = db.session.metrics();
    assert_eq!((awake.asleep, awake.wakes), (false, 1));
    assert_eq!(awake.vfs.commits_batch, before.vfs.commits_batch + 1);
    assert!(doze(&host, &db));
    assert_eq!(db.one("SELECT count(*) FROM t"), int(2));
    let metrics = host.executor.sleep_metrics();
    assert_eq!((metrics.sleeps, metrics.wakes, metrics.awake, metrics.asleep), (2, 2, 1, 0));
    assert!(metrics.wake_ns > 0);
    db.close().unwrap();
    assert_eq!(host.executor.sleep_metrics().awake, 0);
}

#[test]
fn idle_sessions_sleep_by_themselves() {
    let (_, host) = mem();
    let options = OpenOptions { idle_ms: Some(1), ..OpenOptions::default() };
    let sessions: Vec<Db> =
        (0..20).map(|i| try_open(&host, &format!("a{i}"), options.clone()).unwrap()).collect();
    for round in 0..5 {
        while host.executor.sleep_metrics().asleep < 20 {
            std::thread::yield_now();
        }
        for db in &sessions {
            let table = if round == 0 { "CREATE TABLE t (a)" } else { "INSERT INTO t VALUES (1)" };
            db.run(table).unwrap();
        }
    }
    for db in &sessions {
        assert_eq!(db.one("SELECT count(*) FROM t"), int(4));
        assert!(db.session.metrics().wakes >= 5);
    }
}

#[test]
fn the_clock_says_who_is_idle() {
    let clock = Arc::new(ManualClock::default());
    let host = host_with(Arc::new(MemPageStore::new()), 1, 2, clock.clone());
    let never = OpenOptions { idle_ms: None, ..OpenOptions::default() };
    let (idle, used) = (open(&host, "idle"), open(&host, "used"));
    let _never = try_open(&host, "never", never).unwrap();
    for _ in 0..29 {
        clock.advance_ms(1000);
        used.run("PRAGMA user_version = 1").unwrap();
        host.executor.tick();
    }
    assert_eq!(host.executor.sleep_metrics().sleeps, 0);
    clock.advance_ms(7000);
    host.executor.tick();
    while host.executor.sleep_metrics().sleeps < 1 {
        std::thread::yield_now();
    }
    assert!(idle.session.metrics().asleep && !used.session.metrics().asleep);
    // The seat of the one that was used has moved on by itself.
    clock.advance_ms(60_000);
    host.executor.tick();
    while host.executor.sleep_metrics().sleeps < 2 {
        std::thread::yield_now();
    }
    let metrics = host.executor.sleep_metrics();
    assert_eq!((metrics.awake, metrics.asleep), (1, 2));
}

#[test]
fn when_too_many_are_awake_the_ones_used_longest_ago_go() {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let executor = Executor::new(ExecutorOptions {
        threads: 1,
        threads_max: 2,
        awake_max: 10,
        clock: clock.clone(),
    });
    let host = Host { executor, ..host_with(Arc::new(MemPageStore::new()), 1, 2, clock) };
    let held = open(&host, "held");
    held.begin();
    // One that is held when it is asked stays a seat ahead, until the next opening asks another one.
    let settled = || {
        while host.executor.sleep_metrics().awake > 12 {
            std::thread::yield_now();
        }
    };
    let mut sessions = Vec::new();
    for i in 0..100 {
        sessions.push(open(&host, &format!("a{i}")));
        settled();
    }
    let metrics = host.executor.sleep_metrics();
    assert_eq!(metrics.awake + metrics.asleep, 101);
    assert!(!held.session.metrics().asleep);
    assert!(!sessions[99].session.metrics().asleep, "the newest is not the one to go");
    assert!(sessions[0].session.metrics().asleep);
    for db in &sessions {
        db.run("CREATE TABLE t (a)").unwrap();
    }
}

#[test]
fn what_holds_a_session_awake() {
    let (_, host) = mem();
    let db = open(&host, "a");
    db.script("CREATE TABLE t (a); INSERT INTO t VALUES (1), (2), (3)").unwrap();
    let held = |host: &Host| {
        let it = host.executor.sleep_metrics();
        (it.held_by_transaction, it.held_by_cursor, it.held_by_temp, it.held_by_answer)
    };

    let transaction = db.begin();
    assert!(!doze(&host, &db));
    assert_eq!(held(&host), (1, 0, 0, 0));
    db.call_in(transaction, run("INSERT INTO t VALUES (4)")).unwrap();
    assert!(!doze(&host, &db));
    db.call_in(transaction, Action::Commit).unwrap();
    db.run("BEGIN").unwrap();
    assert!(!doze(&host, &db));
    db.run("ROLLBACK").unwrap();
    assert!(doze(&host, &db));
    assert_eq!(held(&host), (3, 0, 0, 0));

    let chunk = execute("SELECT a FROM t", Params::None, Want::Chunk { rows_max: 1 });
    let cursor = rows_of(db.call(chunk).unwrap()).more.unwrap();
    assert!(!doze(&host, &db));
    assert_eq!(held(&host), (3, 1, 0, 0));
    db.call(Action::CloseCursor(cursor)).unwrap();
    assert!(doze(&host, &db));

    for (make, drop) in [
        ("CREATE TEMP TABLE x (a)", "DROP TABLE x"),
        ("CREATE TEMP VIEW x AS SELECT 1", "DROP VIEW x"),
        ("CREATE TEMP TRIGGER x AFTER INSERT ON t BEGIN SELECT 1; END", "DROP TRIGGER x"),
        ("CREATE TABLE temp.x AS SELECT 1", "DROP TABLE temp.x"),
        ("CREATE VIRTUAL TABLE temp.x USING fts5(a)", "DROP TABLE x"),
    ] {
        let before = held(&host).2;
        db.run(make).unwrap();
        assert!(!doze(&host, &db), "{make}");
        assert_eq!(held(&host).2, before + 1, "{make}");
        db.run(drop).unwrap();
        assert!(doze(&host, &db), "{drop}");
        db.run("SELECT 1 FROM t").unwrap_err();
    }
    db.run("PRAGMA temp.user_version = 7").unwrap();
    assert!(!doze(&host, &db));
    assert_eq!(db.one("PRAGMA temp.user_version"), int(7));
}

#[test]
fn an_answer_at_the_gate_holds_it_awake() {
    let store = GateStore::new();
    let host = over(store.clone());
    let db = open(&host, "a");
    let answer = db.start(run("CREATE TABLE t (a)"));
    while db.session.metrics().statements.other_count < 1 {
        std::thread::yield_now();
    }
    assert!(!doze(&host, &db));
    assert_eq!(host.executor.sleep_metrics().held_by_answer, 1);
    while answer.try_recv().is_err() {
        store.sync();
    }
    assert!(doze(&host, &db));
}

#[test]
fn a_ticket_of_before_still_gates() {
    let store = GateStore::new();
    let host = over(store.clone());
    let options = OpenOptions { durability: Durability::Gated, ..OpenOptions::default() };
    let db = try_open(&host, "a", options).unwrap();
    db.run("CREATE TABLE t (a)").unwrap();
    assert!(doze(&host, &db));
    let durable = db.start(Action::Durable);
    assert_eq!(store.durable(), Ticket::ZERO);
    assert!(durable.try_recv().is_err());
    assert!(db.session.metrics().asleep, "it needs no connection for that");
    while durable.try_recv().is_err() {
        store.sync();
        std::thread::yield_now();
    }
    db.run("INSERT INTO t VALUES (1)").unwrap();
    assert!(doze(&host, &db));
    let close = db.start(Action::Close);
    std::thread::yield_now();
    assert!(close.try_recv().is_err(), "closing waits for what was answered");
    while close.try_recv().is_err() {
        store.sync();
        std::thread::yield_now();
    }
    assert_eq!(store.durable(), store.newest());
}

#[test]
fn a_failed_sync_is_the_end_of_a_sleeper_too() {
    let store = GateStore::new();
    let host = over(store.clone());
    let options = OpenOptions { durability: Durability::Gated, ..OpenOptions::default() };
    let db = try_open(&host, "a", options).unwrap();
    db.run("CREATE TABLE t (a)").unwrap();
    assert!(doze(&host, &db));
    store.fail();
    let durable = db.call(Action::Durable);
    assert!(matches!(durable, Err(SessionError::Store(StoreError::Dead { .. }))));
    let read = db.all("SELECT 1");
    assert!(matches!(read, Err(SessionError::Store(StoreError::Dead { .. }))), "{read:?}");
    assert!(!db.session.metrics().asleep);
}

#[test]
fn fenced_while_asleep() {
    let (_, host) = mem();
    let db = open(&host, "a");
    db.script("CREATE TABLE t (a)").unwrap();
    assert!(doze(&host, &db));
    let thief = open(&host, "a");
    thief.run("INSERT INTO t VALUES (1)").unwrap();
    for _ in 0..2 {
        let refused = db.all("SELECT * FROM t");
        assert!(
            matches!(refused, Err(SessionError::Store(StoreError::Fenced { .. }))),
            "{refused:?}"
        );
    }
    assert!(!db.session.metrics().asleep);
    assert_eq!(thief.one("SELECT count(*) FROM t"), int(1), "nothing was taken back");
    db.close().unwrap();
}

/// A store that cannot be reached, or finds damage, when it is told so.
#[derive(Default)]
struct Moody {
    mem: MemPageStore,
    claims_fail: AtomicU32,
    corrupt: AtomicBool,
}

impl PageStore for Moody {
    forward_page_store!(
        mem: read, commit, resolve, release, stage, read_staged, discard, save_hints, wait_durable,
        on_durable, durable
    );

    fn claim(
        &self,
        actor: &ActorId,
        options: &ClaimOptions,
    ) -> std::result::Result<Claim, StoreError> {
        if self.corrupt.load(Ordering::SeqCst) {
            let (row, reason) = ("PIDX 1".into(), "a flipped bit".into());
            return Err(StoreError::Corrupt { actor: actor.clone(), row, reason });
        }
        if self.claims_fail.load(Ordering::SeqCst) > 0 {
            self.claims_fail.fetch_sub(1, Ordering::SeqCst);
            return Err(StoreError::Unavailable { reason: "the network".into() });
        }
        self.mem.claim(actor, options)
    }
}

#[test]
fn a_store_that_is_away_is_tried_again() {
    let store = Arc::new(Moody::default());
    let host = over(store.clone());
    let db = open(&host, "a");
    db.script("CREATE TABLE t (a); INSERT INTO t VALUES (1)").unwrap();
    db.all("PRAGMA recursive_triggers = ON").unwrap();
    assert!(doze(&host, &db));
    store.claims_fail.store(2, Ordering::SeqCst);
    for _ in 0..2 {
        let away = db.all("SELECT a FROM t");
        assert!(
            matches!(away, Err(SessionError::Store(StoreError::Unavailable { .. }))),
            "{away:?}"
        );
        assert!(db.session.metrics().asleep);
    }
    assert_eq!(db.one("SELECT a FROM t"), int(1));
    assert_eq!(db.one("PRAGMA recursive_triggers"), int(1));
    assert_eq!(host.executor.sleep_metrics().wake_failures, 2);
    assert!(doze(&host, &db));
    store.corrupt.store(true, Ordering::SeqCst);
    let damaged = db.all("SELECT a FROM t");
    assert!(matches!(damaged, Err(SessionError::Store(StoreError::Corrupt { .. }))), "{damaged:?}");
    store.corrupt.store(false, Ordering::SeqCst);
    assert_eq!(db.one("SELECT a FROM t"), int(1));
}

#[test]
fn damage_is_the_commands() {
    let (store, host) = mem();
    let host = Host { cache: actor_sqlite_vfs::PageCache::new(0), ..host };
    let db = open(&host, "a");
    db.script("CREATE TABLE t (a); INSERT INTO t VALUES (1); CREATE TABLE u (a)").unwrap();
    assert!(doze(&host, &db));
    store.lose_page(&actor("a"), actor_sqlite_ltx::Pgno::new(2).unwrap());
    let damaged = db.all("SELECT a FROM t");
    assert!(matches!(damaged, Err(SessionError::Store(StoreError::Corrupt { .. }))), "{damaged:?}");
    assert_eq!(db.one("SELECT count(*) FROM u"), int(0), "the rest is readable");
}

#[test]
fn closed_dropped_and_aborted_in_sleep() {
    let (store, host) = mem();
    let db = open(&host, "a");
    assert!(doze(&host, &db));
    db.close().unwrap();
    assert!(matches!(db.all("SELECT 1"), Err(SessionError::Closed)));
    assert!(!db.session.metrics().asleep);
    let claims = store.counts().claims;
    let db = open(&host, "b");
    assert!(doze(&host, &db));
    drop(db);
    let db = open(&host, "c");
    assert!(doze(&host, &db));
    db.session.abort();
    assert!(matches!(db.all("SELECT 1"), Err(SessionError::Closed)));
    db.close().unwrap();
    let db = open(&host, "d");
    assert!(doze(&host, &db));
    host.executor.shutdown();
    assert!(matches!(db.all("SELECT 1"), Err(SessionError::Closed)));
    drop(db);
    assert_eq!(store.counts().claims, claims + 3, "nobody was woken for that");
    assert_eq!(store.counts().releases, store.counts().claims);
    let metrics = host.executor.sleep_metrics();
    assert_eq!((metrics.awake, metrics.asleep), (0, 0));
}

#[test]
fn a_command_whose_time_is_over_wakes_nobody() {
    let clock = Arc::new(ManualClock::default());
    let host = host_with(Arc::new(MemPageStore::new()), 1, 2, clock.clone());
    let db = open(&host, "a");
    assert!(doze(&host, &db));
    let late = Command { timeout_ms: Some(0), ..db.command(run("CREATE TABLE t (a)"), None) };
    let late = db.start_command(late).recv().unwrap();
    assert!(matches!(late, Err(SessionError::Timeout { timeout_ms: 0 })));
    assert!(db.session.metrics().asleep);
}

#[test]
fn sleeping_in_a_storm_of_commands() {
    let (_, host) = mem();
    let idle = OpenOptions { idle_ms: Some(1), ..OpenOptions::default() };
    let sessions: Vec<Db> =
        (0..8).map(|i| try_open(&host, &format!("a{i}"), idle.clone()).unwrap()).collect();
    for db in &sessions {
        db.script("CREATE TABLE t (a INTEGER PRIMARY KEY, n); INSERT INTO t VALUES (1, 0)")
            .unwrap();
    }
    let mut random = random(11);
    let mut expected = [0; 8];
    let mut answers = Vec::new();
    for _ in 0..4000 {
        let at = random.usize(..8);
        match random.u8(..8) {
            0 | 1 => sessions[at].session.doze(),
            2 => std::thread::yield_now(),
            _ => {
                expected[at] += 1;
                answers.push(sessions[at].start(run("UPDATE t SET n = n + 1")));
            }
        }
    }
    for answer in answers {
        answer.recv().unwrap().unwrap();
    }
    for (db, expected) in sessions.iter().zip(expected) {
        assert_eq!(db.one("SELECT n FROM t"), int(expected));
        assert_eq!(db.one("SELECT total_changes()"), int(expected + 1));
    }
    let metrics = host.executor.sleep_metrics();
    assert!(metrics.sleeps > 0 && metrics.wakes > 0, "{metrics:?}");
}

#[test]
fn hints_are_kept_soon_after_opening_and_by_sleep() {
    let clock = Arc::new(ManualClock::default());
    let store = Arc::new(MemPageStore::new());
    let host = host_with(store.clone(), 1, 2, clock.clone());
    let fill = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 2000) \
                INSERT INTO t SELECT i, hex(zeroblob(100)) FROM n";
    for name in ["timer", "sleep"] {
        let db = open(&host, name);
        db.run("CREATE TABLE t (a INTEGER PRIMARY KEY, b)").unwrap();
        db.run(fill).unwrap();
        db.close().unwrap();
    }
    let saved = store.counts().hints_saved;
    let query = "SELECT b FROM t WHERE a = 1000";
    let db = open(&host, "timer");
    db.all(query).unwrap();
    clock.advance_ms(1000);
    host.executor.tick();
    assert_eq!(store.counts().hints_saved, saved);
    clock.advance_ms(1001);
    host.executor.tick();
    while store.counts().hints_saved == saved {
        std::thread::yield_now();
    }
    assert!(!db.session.metrics().asleep);
    assert!(doze(&host, &db));
    assert_eq!(store.counts().hints_saved, saved + 1, "once");

    let other = open(&host, "sleep");
    other.all(query).unwrap();
    assert!(doze(&host, &other));
    assert_eq!(store.counts().hints_saved, saved + 2);
    let cold = Host { cache: actor_sqlite_vfs::PageCache::new(16 << 20), ..host };
    let reads = store.counts().reads;
    open(&cold, "sleep").all(query).unwrap();
    assert_eq!(store.counts().reads, reads, "all of it came with the claim");
}

#[test]
fn pages_in_the_cache_are_not_read_again() {
    let (store, host) = mem();
    let db = open(&host, "a");
    db.script("CREATE TABLE t (a); INSERT INTO t VALUES (1), (2)").unwrap();
    let reads = store.counts().reads;
    for _ in 0..3 {
        assert!(doze(&host, &db));
        assert_eq!(db.one("SELECT max(a) FROM t"), int(2));
    }
    assert_eq!(store.counts().reads, reads);
}
