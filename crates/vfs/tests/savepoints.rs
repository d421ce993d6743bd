//! Rollbacks within a transaction read the journal too, and must not be taken for the end of it.
#![allow(clippy::unwrap_used)]

mod support;
use support::*;

const SPILLS: [u32; 2] = [10, 2000];

fn bench(cache_spill: u32) -> Bench {
    Bench::new(Settings { cache_spill, ..Settings::default() })
}

#[test]
fn rollback_to_then_commit_is_a_commit() {
    for spill in SPILLS {
        let bench = bench(spill);
        let db = bench.open();
        db.exec("CREATE TABLE t(a INTEGER PRIMARY KEY, b)");
        db.exec(&format!("INSERT INTO t {}", rows(300, 900)));
        let before = head(&bench).txid;
        db.exec("BEGIN; UPDATE t SET b = zeroblob(800) WHERE a <= 200; SAVEPOINT s");
        db.exec("UPDATE t SET b = zeroblob(700); DELETE FROM t WHERE a > 50");
        db.exec("ROLLBACK TO s; RELEASE s; COMMIT");
        assert_eq!(head(&bench).txid, before.next(), "spill {spill}");
        let db = db.reopen(&bench);
        assert_eq!(db.int("SELECT count(*) FROM t"), 300);
        assert_eq!(db.int("SELECT count(*) FROM t WHERE length(b) = 800"), 200);
        db.check();
    }
}

#[test]
fn rollback_to_as_the_last_deed_before_the_commit() {
    for spill in SPILLS {
        let bench = bench(spill);
        let db = bench.open();
        db.exec("CREATE TABLE t(a INTEGER PRIMARY KEY, b)");
        db.exec(&format!("INSERT INTO t {}", rows(300, 900)));
        db.exec("BEGIN; INSERT INTO t VALUES(1000, 'kept'); SAVEPOINT s");
        db.exec("UPDATE t SET b = zeroblob(700); ROLLBACK TO s; COMMIT");
        let db = db.reopen(&bench);
        assert_eq!(db.text("SELECT b FROM t WHERE a=1000"), "kept");
        assert_eq!(db.int("SELECT count(*) FROM t WHERE length(b) = 900"), 300);
        db.check();
    }
}

#[test]
fn nested_savepoints_released_and_rolled_back() {
    for spill in SPILLS {
        let bench = bench(spill);
        let db = bench.open();
        db.exec("CREATE TABLE t(a INTEGER PRIMARY KEY, b)");
        db.exec("SAVEPOINT one");
        db.exec(&format!("INSERT INTO t {}", rows(100, 900)));
        db.exec("SAVEPOINT two; DELETE FROM t WHERE a > 50; SAVEPOINT three");
        db.exec("UPDATE t SET b = randomblob(3000); ROLLBACK TO three; RELEASE three");
        db.exec("UPDATE t SET b = zeroblob(500) WHERE a <= 10; RELEASE two; RELEASE one");
        let db = db.reopen(&bench);
        assert_eq!(db.int("SELECT count(*) FROM t"), 50);
        assert_eq!(db.int("SELECT sum(length(b)) FROM t"), 40 * 900 + 10 * 500);
        db.check();
    }
}

#[test]
fn a_failed_statement_is_undone_and_the_rest_is_committed() {
    for spill in SPILLS {
        let bench = bench(spill);
        let db = bench.open();
        db.exec("CREATE TABLE t(a INTEGER PRIMARY KEY, b UNIQUE)");
        db.exec("BEGIN; INSERT INTO t VALUES(5000, 5000)");
        db.exec(&format!("INSERT INTO t {}", rows(200, 900)));
        let many = "WITH RECURSIVE n(i) AS (VALUES(1000) UNION ALL SELECT i+1 FROM n WHERE i<6000)
                    INSERT INTO t SELECT i, i FROM n";
        assert!(db.sql.execute_batch(many).is_err());
        assert_eq!(db.int("SELECT count(*) FROM t"), 201);
        db.exec("COMMIT");
        let db = db.reopen(&bench);
        assert_eq!(db.int("SELECT count(*) FROM t"), 201);
        db.check();
    }
}

#[test]
fn rollback_to_then_rollback_commits_nothing() {
    for spill in SPILLS {
        let bench = bench(spill);
        let db = bench.open();
        db.exec("CREATE TABLE t(a INTEGER PRIMARY KEY, b)");
        db.exec(&format!("INSERT INTO t {}", rows(300, 900)));
        let (before, commits) = (head(&bench), bench.store.counts().commits);
        db.exec("BEGIN; UPDATE t SET b = zeroblob(800); SAVEPOINT s; DELETE FROM t");
        db.exec("ROLLBACK TO s; DROP TABLE t; ROLLBACK");
        assert_eq!((head(&bench), bench.store.counts().commits), (before, commits));
        assert_eq!(db.int("SELECT count(*) FROM t WHERE length(b) = 900"), 300);
        db.check();
        db.exec("INSERT INTO t VALUES(999, 'later')");
        let db = db.reopen(&bench);
        assert_eq!(db.int("SELECT count(*) FROM t"), 301);
        db.check();
    }
}
