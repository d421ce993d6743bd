//! A transaction that is larger than the write set is staged: it reads what it staged, rolls back
//! to its savepoints over it, and leaves nothing behind when it ends.
#![allow(clippy::unwrap_used)]

mod support;
use std::sync::Arc;

use support::stores::{Call, Recorder};
use support::*;

/// Spills and stages from the first dozen of pages on.
fn settings() -> Settings {
    Settings { cache_spill: 10, write_set_bytes_max: 8 * 4096, ..Settings::default() }
}

/// A database with 400 rows of 900 bytes, over a store that remembers its calls.
fn filled(settings: Settings) -> (Bench, Arc<Recorder>, Db) {
    let bench = Bench::new(settings);
    let recorder = Recorder::new(bench.store.clone());
    let mount = bench.mount_over(recorder.clone());
    let db = Db { sql: bench.connect(&mount).unwrap(), mount };
    db.exec("CREATE TABLE t(a INTEGER PRIMARY KEY, b)");
    db.exec(&format!("INSERT INTO t {}", rows(400, 900)));
    recorder.calls();
    (bench, recorder, db)
}

/// The database as it was filled, in this connection and in the next.
fn untouched(bench: &Bench, db: Db) {
    let is_whole = |db: &Db| {
        assert_eq!(db.int("SELECT count(*) FROM t WHERE length(b) = 900"), 400);
        assert_eq!(db.int("SELECT count(*) FROM t"), 400);
        db.check();
    };
    is_whole(&db);
    let batch = db.metrics().commits_batch;
    db.exec("INSERT INTO t VALUES(9999, 'after'); DELETE FROM t WHERE a = 9999");
    assert_eq!(db.metrics().commits_batch, batch + 2, "the batch route is lost");
    assert_eq!(bench.store.staged(&actor()), 0, "a stage was left behind");
    is_whole(&db.reopen(bench));
}

#[test]
fn a_staged_transaction_is_one_commit_under_the_id_of_its_stage() {
    let (bench, recorder, db) = filled(settings());
    let before = head(&bench).txid;
    db.exec("UPDATE t SET b = zeroblob(850)");
    let sequence = 3;
    assert_eq!(
        recorder.calls(),
        [Call::Stage { sequence }, Call::Commit { sequence, staged: true, frees: true }]
    );
    assert_eq!(head(&bench).txid, before.next());
    assert_eq!(db.metrics().write_buffer_dirty_pages, 0);
    // Of the pages before, which were cached, none shows.
    let Db { sql, mount } = db;
    sql.close().unwrap();
    let db = Db { sql: bench.connect(&mount).unwrap(), mount };
    assert_eq!(db.int("SELECT count(*) FROM t WHERE length(b) = 850"), 400);
    db.check();
    db.exec("UPDATE t SET b = 'small' WHERE a = 7");
    let sequence = 4;
    assert_eq!(recorder.calls(), [Call::Commit { sequence, staged: false, frees: true }]);
}

#[test]
fn staged_pages_are_read_and_written_again() {
    for cache_bytes in [0, 100_000, 16 << 20] {
        let (bench, _, db) = filled(Settings { cache_bytes, ..settings() });
        db.exec("BEGIN; CREATE INDEX i ON t(b); UPDATE t SET b = a || 'x'");
        db.exec("UPDATE t SET b = b || 'y' WHERE a % 2");
        assert_eq!(db.text("SELECT b FROM t WHERE a = 77"), "77xy");
        assert_eq!(db.int("SELECT a FROM t WHERE b = '78x'"), 78);
        db.exec("COMMIT");
        // From the cache, where it has them, and after the commit as well.
        assert_eq!(db.metrics().staged_reads > 0, cache_bytes < 1 << 20);
        assert_eq!(db.metrics().cache_misses > 0, cache_bytes < 1 << 20);
        db.check();
        let db = db.reopen(&bench);
        assert_eq!(db.int("SELECT count(*) FROM t WHERE b = a || 'xy'"), 200);
        db.check();
    }
}

#[test]
fn pages_of_a_stage_that_was_given_up_do_not_show() {
    let (bench, _, db) = filled(settings());
    for length in [800, 700, 600] {
        db.exec(&format!("BEGIN; UPDATE t SET b = zeroblob({length}); ROLLBACK"));
        assert_eq!(db.int("SELECT count(*) FROM t WHERE length(b) = 900"), 400);
        bench.store.fail_next_commit(unavailable());
        db.failure(&format!("UPDATE t SET b = zeroblob({length})"));
        assert_eq!(db.int("SELECT count(*) FROM t WHERE length(b) = 900"), 400);
    }
    db.exec(
        "UPDATE t SET b = zeroblob(500) WHERE a % 2; UPDATE t SET b = zeroblob(400) WHERE a < 100",
    );
    assert_eq!(db.int("SELECT count(*) FROM t WHERE length(b) = 500"), 150);
    db.exec("UPDATE t SET b = zeroblob(900)");
    untouched(&bench, db);
}

#[test]
fn a_rollback_discards_the_stage_once_and_writes_nothing() {
    let (bench, recorder, db) = filled(settings());
    let before = (head(&bench), bench.store.counts().commits);
    db.exec("BEGIN; UPDATE t SET b = zeroblob(850)");
    db.exec("INSERT INTO t SELECT a + 1000, b FROM t");
    assert!(bench.store.staged(&actor()) > 50);
    let stages = db.metrics().stages;
    db.exec("ROLLBACK");
    assert_eq!(recorder.calls(), [Call::Stage { sequence: 3 }, Call::Discard { sequence: 3 }]);
    assert_eq!(db.metrics().stages, stages, "the playback was staged");
    assert_eq!((head(&bench), bench.store.counts().commits), before);
    assert_eq!(db.metrics().rollbacks, 1);
    db.exec("BEGIN; DELETE FROM t; ROLLBACK");
    untouched(&bench, db);
}

#[test]
fn savepoints_roll_back_over_staged_pages() {
    let (bench, recorder, db) = filled(settings());
    db.exec("BEGIN; UPDATE t SET b = zeroblob(800) WHERE a <= 200; SAVEPOINT one");
    db.exec("UPDATE t SET b = zeroblob(700); SAVEPOINT two");
    db.exec("DELETE FROM t WHERE a > 50; CREATE TABLE u AS SELECT * FROM t");
    db.exec("ROLLBACK TO two");
    assert_eq!(db.int("SELECT count(*) FROM t WHERE length(b) = 700"), 400);
    db.exec("DELETE FROM t WHERE a <= 50; RELEASE two; ROLLBACK TO one");
    assert_eq!(db.int("SELECT count(*) FROM t WHERE length(b) = 800"), 200);
    db.exec("UPDATE t SET b = zeroblob(600) WHERE a > 300; COMMIT");
    let calls = recorder.calls();
    assert!(matches!(
        calls[..],
        [Call::Stage { sequence: 3 }, Call::Commit { sequence: 3, staged: true, .. }]
    ));
    let db = db.reopen(&bench);
    for (length, count) in [(800, 200), (900, 100), (600, 100)] {
        assert_eq!(db.int(&format!("SELECT count(*) FROM t WHERE length(b) = {length}")), count);
    }
    db.check();
}

/// Without `BEGIN`, the outermost savepoint is the transaction, and its rollback plays the whole
/// journal back without ending it.
#[test]
fn a_savepoint_that_is_the_transaction_rolls_back_and_goes_on() {
    let (bench, recorder, db) = filled(settings());
    db.exec("SAVEPOINT one; UPDATE t SET b = zeroblob(700); ROLLBACK TO one");
    assert_eq!(db.int("SELECT count(*) FROM t WHERE length(b) = 900"), 400);
    db.exec("UPDATE t SET b = zeroblob(600) WHERE a <= 100; RELEASE one");
    assert!(!recorder.calls().contains(&Call::Discard { sequence: 3 }));
    let db = db.reopen(&bench);
    assert_eq!(db.int("SELECT count(*) FROM t WHERE length(b) = 600"), 100);
    assert_eq!(db.int("SELECT count(*) FROM t WHERE length(b) = 900"), 300);
    db.check();
}

#[test]
fn a_constraint_in_the_middle_of_a_large_statement_undoes_the_statement() {
    let (bench, _, db) = filled(settings());
    db.exec("CREATE UNIQUE INDEX u ON t(a, b); BEGIN; UPDATE t SET b = zeroblob(800)");
    let staged = db.metrics().pages_staged;
    let sql = "INSERT INTO t SELECT 3000 - value, randomblob(900)
               FROM (SELECT a * 1 AS value FROM t UNION ALL SELECT a + 400 FROM t
                     UNION ALL SELECT a + 2500 FROM t)";
    assert!(db.sql.execute_batch(sql).is_err(), "it must meet a row that is there");
    assert!(db.metrics().pages_staged > staged + 50, "the statement was not staged");
    assert!(!db.sql.is_autocommit());
    assert_eq!(db.int("SELECT count(*) FROM t WHERE length(b) = 800"), 400);
    db.exec("INSERT INTO t VALUES(5000, 'kept'); COMMIT");
    let db = db.reopen(&bench);
    assert_eq!(db.int("SELECT count(*) FROM t"), 401);
    assert_eq!(db.text("SELECT b FROM t WHERE a = 5000"), "kept");
    db.check();
}

#[test]
fn what_is_not_committed_is_discarded_when_the_connection_or_the_mount_closes() {
    for close_mount_first in [false, true] {
        let (bench, recorder, db) = filled(settings());
        db.exec("BEGIN; UPDATE t SET b = zeroblob(850)");
        let Db { sql, mount } = db;
        if close_mount_first {
            mount.close();
        }
        drop(sql);
        mount.close();
        let sequence = 3;
        assert_eq!(
            recorder.calls(),
            [Call::Stage { sequence }, Call::Discard { sequence }, Call::Release]
        );
        untouched(&bench, bench.open());
    }
}

#[test]
fn vacuum_and_every_page_size() {
    for shift in 9..=16 {
        let page_size: u32 = 1 << shift;
        let settings = Settings {
            page_size,
            write_set_bytes_max: 3 * u64::from(page_size),
            auto_vacuum: if shift % 2 == 0 { "none" } else { "incremental" },
            ..settings()
        };
        let bench = Bench::new(settings);
        let db = bench.open();
        db.exec("CREATE TABLE t(a INTEGER PRIMARY KEY, b); CREATE INDEX i ON t(b)");
        db.exec(&format!("INSERT INTO t {}", rows(3000, 300)));
        db.exec("BEGIN; UPDATE t SET b = a; ROLLBACK; UPDATE t SET b = a WHERE a % 2");
        db.check();
        let db = db.reopen(&bench);
        assert_eq!(db.int("SELECT count(*) FROM t WHERE b = a"), 1500);
        let (large, txid) = (head(&bench).size, head(&bench).txid);
        db.exec("VACUUM");
        assert_eq!(head(&bench).txid, txid.next(), "one commit");
        db.check();
        db.exec("DELETE FROM t WHERE a > 100");
        let mut statement = db.sql.prepare("PRAGMA incremental_vacuum").unwrap();
        let mut freed = statement.query([]).unwrap();
        while freed.next().unwrap().is_some() {}
        drop(freed);
        drop(statement);
        db.exec("VACUUM");
        db.check();
        assert!(head(&bench).size < large / 3, "{} pages of {large}", head(&bench).size);
        let stages = bench.store.counts().stages;
        assert!(stages > 10, "{stages} stages with pages of {page_size}");
        let db = db.reopen(&bench);
        assert_eq!(db.int("SELECT count(*) FROM t"), 100);
        db.check();
    }
}

#[test]
fn a_commit_says_that_it_frees() {
    let (_, recorder, db) = filled(Settings::default());
    for (sql, expected) in [
        ("INSERT INTO t SELECT a + 1000, b FROM t", false),
        ("UPDATE t SET b = 'short' WHERE a = 1", true),
        ("DELETE FROM t WHERE a > 1000", true),
        ("INSERT INTO t SELECT a + 1000, b FROM t WHERE a < 100", false),
        ("DELETE FROM t", true),
        ("VACUUM", true),
        ("CREATE TABLE u(a)", false),
    ] {
        db.exec(sql);
        let calls = recorder.calls();
        let [Call::Commit { frees, .. }] = calls[..] else { panic!("{sql}: {calls:?}") };
        assert_eq!(frees, expected, "{sql}");
    }
}
