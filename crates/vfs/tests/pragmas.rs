//! Programs set journal modes and turn syncs off. They get the effective value and no error, and
//! their data stays right.
#![allow(clippy::unwrap_used)]

mod support;
use support::*;

#[test]
fn settings_that_are_ours_stay() {
    let bench = Bench::new(Settings::default());
    let db = bench.open();
    for mode in ["WAL", "wal", "OFF", "MEMORY", "DELETE", "PERSIST", "''", "nonsense"] {
        assert_eq!(db.text(&format!("PRAGMA journal_mode={mode}")), "truncate", "{mode}");
        assert_eq!(db.text(&format!("PRAGMA main.journal_mode={mode}")), "truncate", "{mode}");
        assert_eq!(db.text("PRAGMA journal_mode"), "truncate");
    }
    for mode in ["EXCLUSIVE", "exclusive", "NORMAL", "''"] {
        assert_eq!(db.text(&format!("PRAGMA locking_mode={mode}")), "normal");
    }
    for level in ["OFF", "0", "8", "256", "no", "''"] {
        db.exec(&format!("PRAGMA synchronous={level}"));
        assert_eq!(db.int("PRAGMA synchronous"), 1, "{level}");
    }
    db.exec("PRAGMA synchronous=EXTRA");
    assert_eq!(db.int("PRAGMA synchronous"), 3);
    assert_eq!(db.int("PRAGMA mmap_size=0"), 0);
    db.exec("PRAGMA cache_spill=OFF; PRAGMA page_size=8192; PRAGMA temp_store=MEMORY");
    assert_eq!(db.int("PRAGMA cache_spill"), 2000);
    assert_eq!(db.int("PRAGMA page_size"), 4096);
    assert_eq!(db.int("PRAGMA temp_store"), 1);
    db.exec("PRAGMA journal_size_limit=-1; PRAGMA wal_autocheckpoint=100; PRAGMA wal_checkpoint");
}

#[test]
fn answers_have_sqlites_column_names() {
    let bench = Bench::new(Settings::default());
    let db = bench.open();
    for (sql, name) in [
        ("PRAGMA journal_mode=WAL", "journal_mode"),
        ("PRAGMA journal_mode", "journal_mode"),
        ("PRAGMA locking_mode=EXCLUSIVE", "locking_mode"),
        ("PRAGMA mmap_size", "mmap_size"),
    ] {
        assert_eq!(db.sql.prepare(sql).unwrap().column_name(0).unwrap(), name, "{sql}");
    }
    assert_eq!(db.sql.prepare("PRAGMA synchronous=OFF").unwrap().column_count(), 0);
}

#[test]
fn data_stays_right_while_sql_toggles() {
    for cache_spill in [10, 2000] {
        let bench = Bench::new(Settings { cache_spill, ..Settings::default() });
        let db = bench.open();
        db.exec("CREATE TABLE t(a INTEGER PRIMARY KEY, b)");
        let toggles = [
            "PRAGMA journal_mode=WAL",
            "PRAGMA synchronous=OFF",
            "PRAGMA journal_mode=OFF",
            "PRAGMA locking_mode=EXCLUSIVE",
            "PRAGMA journal_mode=MEMORY",
            "PRAGMA synchronous=NORMAL",
            "PRAGMA journal_mode=PERSIST",
        ];
        for (round, toggle) in toggles.iter().enumerate() {
            db.exec(toggle);
            let commits = bench.store.counts().commits;
            db.exec(&format!(
                "INSERT INTO t SELECT a + {round} * 1000, b FROM (
                WITH RECURSIVE n(a) AS (VALUES(1) UNION ALL SELECT a+1 FROM n WHERE a<100)
                SELECT a, randomblob(900) AS b FROM n)"
            ));
            assert_eq!(bench.store.counts().commits, commits + 1, "{toggle}");
            db.exec("BEGIN; UPDATE t SET b = 'gone'; ROLLBACK");
            assert_eq!(bench.store.counts().commits, commits + 1, "{toggle}");
            db.check();
        }
        let db = db.reopen(&bench);
        assert_eq!(db.int("SELECT count(*) FROM t WHERE length(b) = 900"), 700);
        db.check();
    }
}

/// Not sealed: a host that lets `synchronous=OFF` through loses nothing either, because the file
/// control before the sync is the commit.
#[test]
fn commits_land_without_syncs() {
    for cache_spill in [10, 2000] {
        let bench = Bench::new(Settings { cache_spill, ..Settings::default() });
        let db = bench.open();
        db.exec("CREATE TABLE t(a INTEGER PRIMARY KEY, b)");
        let Db { sql, mount } = db;
        sql.close().unwrap();
        mount.close();
        let mount = bench.mount();
        let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE;
        let vfs = actor_sqlite_vfs::register().unwrap();
        let name = mount.file_name();
        let sql = rusqlite::Connection::open_with_flags_and_vfs(name, flags, vfs).unwrap();
        let db = Db { sql, mount };
        db.exec(&format!("PRAGMA cache_size={cache_spill}; PRAGMA cache_spill={cache_spill}"));
        db.exec("PRAGMA journal_mode=TRUNCATE; PRAGMA synchronous=OFF");
        db.exec(&format!("INSERT INTO t {}", rows(200, 900)));
        db.exec("BEGIN; INSERT INTO t VALUES(1000, 'kept'); UPDATE t SET b = b; SAVEPOINT s");
        db.exec("UPDATE t SET b = 'lost'; ROLLBACK TO s; COMMIT");
        db.exec("BEGIN; UPDATE t SET b = 'gone'; DELETE FROM t WHERE a > 9; ROLLBACK");
        db.check();
        db.exec("PRAGMA synchronous=NORMAL; INSERT INTO t VALUES(1001, 'kept')");
        assert_eq!(db.metrics().commits_sync + db.metrics().commits_batch, 3);
        let db = db.reopen(&bench);
        assert_eq!(db.int("SELECT count(*) FROM t WHERE length(b) = 900"), 200);
        assert_eq!(db.int("SELECT count(*) FROM t WHERE b = 'kept'"), 2);
        db.check();
    }
}
