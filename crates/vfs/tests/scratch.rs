//! Journals, temporary tables and sorters are scratch: within the budget in memory, beyond it in
//! anonymous files, and never rows of the store.
#![allow(clippy::unwrap_used)]

mod support;
use actor_sqlite_pagestore::StoreError;
use support::*;

fn bench(scratch_bytes_max: u64) -> Bench {
    Bench::new(Settings { cache_spill: 10, scratch_bytes_max, ..Settings::default() })
}

#[test]
fn temporary_tables_never_reach_the_store() {
    for budget in [0, 64 << 20] {
        let bench = bench(budget);
        let db = bench.open();
        db.exec("CREATE TABLE t(a)");
        db.exec("PRAGMA temp.cache_size=10; PRAGMA temp.cache_spill=10");
        let before = bench.store.counts();
        db.exec(&format!(
            "CREATE TEMP TABLE x(a INTEGER PRIMARY KEY, b); INSERT INTO x {}",
            rows(3000, 900)
        ));
        db.exec("BEGIN; UPDATE x SET b = zeroblob(500) WHERE a % 2; DELETE FROM x WHERE a % 3 = 0");
        db.exec("SAVEPOINT s; DELETE FROM x; ROLLBACK TO s; COMMIT");
        assert_eq!(db.int("SELECT count(*) FROM x"), 2000);
        assert_eq!(db.int("SELECT sum(length(b)) FROM x"), 1000 * 500 + 1000 * 900);
        assert_eq!(bench.store.counts(), before);
        let metrics = db.metrics();
        assert_eq!(metrics.scratch_files_spilled > 0, budget == 0);
        assert_eq!(metrics.scratch_bytes_used > 1_000_000, budget > 0);
        db.exec("DROP TABLE x");
        let Db { sql, mount } = db;
        sql.close().unwrap();
        assert_eq!(mount.metrics().scratch_bytes_used, 0);
    }
}

#[test]
fn a_large_sort_goes_to_disk_within_the_budget() {
    let bench = bench(1 << 20);
    let db = bench.open();
    db.exec(&format!(
        "CREATE TABLE t(a INTEGER PRIMARY KEY, b); INSERT INTO t {}",
        rows(8000, 900)
    ));
    let before = db.metrics().scratch_files_spilled;
    let mut statement = db.sql.prepare("SELECT b FROM t ORDER BY b").unwrap();
    let mut rows = statement.query([]).unwrap();
    let (mut last, mut count) = (Vec::new(), 0);
    while let Some(row) = rows.next().unwrap() {
        let next: Vec<u8> = row.get(0).unwrap();
        assert!(last < next);
        (last, count) = (next, count + 1);
    }
    assert_eq!(count, 8000);
    let metrics = db.metrics();
    assert!(metrics.scratch_files_spilled > before, "the sorter stayed in memory");
    assert!(metrics.scratch_bytes_used <= 1 << 20);
}

#[test]
fn a_journal_that_outgrows_the_budget_still_rolls_back() {
    for budget in [0, 100_000, 1 << 20] {
        let bench = bench(budget);
        let db = bench.open();
        db.exec(&format!(
            "CREATE TABLE t(a INTEGER PRIMARY KEY, b); INSERT INTO t {}",
            rows(2000, 900)
        ));
        let before = head(&bench);
        db.exec("BEGIN; UPDATE t SET b = zeroblob(850); ROLLBACK");
        assert!(db.metrics().scratch_files_spilled > 0, "budget {budget}");
        assert_eq!(head(&bench), before);
        assert_eq!(db.int("SELECT count(*) FROM t WHERE length(b) = 900"), 2000);
        db.exec("BEGIN; UPDATE t SET b = zeroblob(850); COMMIT");
        assert_eq!(db.metrics().scratch_bytes_used, 0, "the journal was emptied");
        db.check();
        let db = db.reopen(&bench);
        assert_eq!(db.int("SELECT count(*) FROM t WHERE length(b) = 850"), 2000);
        db.check();
    }
}

#[test]
fn scratch_on_disk_is_counted_and_limited() {
    let (scratch_bytes_max, limit) = (0, 400_000);
    let bench = Bench::new(Settings {
        cache_spill: 10,
        scratch_bytes_max,
        scratch_disk_bytes_max: Some(limit),
        ..Settings::default()
    });
    let db = bench.open();
    db.exec("CREATE TABLE t(a INTEGER PRIMARY KEY, b)");
    for first in [0, 200, 400, 600] {
        db.exec(
            &format!("INSERT INTO t SELECT * FROM ({}) LIMIT 200", rows(200, 900))
                .replace("SELECT i,", &format!("SELECT i + {first},")),
        );
    }
    assert_eq!(db.metrics().scratch_disk_bytes_used, 0);
    db.exec("BEGIN; UPDATE t SET b = zeroblob(800) WHERE a <= 200");
    let used = db.metrics().scratch_disk_bytes_used;
    assert!(used > 50 * 4096 && used < limit, "{used}");
    db.exec("COMMIT");
    assert_eq!(db.metrics().scratch_disk_bytes_used, 0, "the journal was emptied");
    let before = head(&bench);
    for sql in ["UPDATE t SET b = zeroblob(700)", "BEGIN; UPDATE t SET b = zeroblob(700)"] {
        let (code, cause) = db.failure(sql);
        assert_eq!(code, rusqlite::ffi::SQLITE_FULL);
        assert!(
            matches!(cause, Some(StoreError::Limit { actual, limit: told, .. })
                if told == limit && actual > limit),
            "{cause:?}"
        );
        assert_eq!(db.mount.poison(), None);
        // SQLite undoes the statement, and leaves a transaction to its owner.
        if !db.sql.is_autocommit() {
            assert_eq!(db.int("SELECT count(*) FROM t WHERE length(b) = 700"), 0);
            db.exec("ROLLBACK");
        }
        assert_eq!((head(&bench), db.metrics().scratch_disk_bytes_used), (before, 0));
        db.check();
    }
    assert_eq!(db.int("SELECT count(*) FROM t WHERE length(b) = 800"), 200);
    let db = db.reopen(&bench);
    db.exec("UPDATE t SET b = 'x' WHERE a = 1");
    db.check();
}

#[test]
fn scratch_files_have_no_name() {
    let bench = bench(0);
    let dir = tempfile::tempdir().unwrap();
    let mount = bench.mount_in(bench.store.clone(), dir.path().to_owned());
    let db = Db { sql: bench.connect(&mount).unwrap(), mount };
    db.exec(&format!("CREATE TABLE t(a INTEGER PRIMARY KEY, b); INSERT INTO t {}", rows(500, 900)));
    db.exec("BEGIN; UPDATE t SET b = 'x'");
    assert!(db.metrics().scratch_files_spilled > 0);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn a_scratch_directory_that_is_gone_fails_the_statement_only() {
    let bench = bench(0);
    let dir = tempfile::tempdir().unwrap();
    let gone = dir.path().join("gone");
    let mount = bench.mount_in(bench.store.clone(), gone);
    let db = Db { sql: bench.connect(&mount).unwrap(), mount };
    // The first commit of an empty database writes a journal: without scratch it cannot be.
    let (_, cause) = db.failure("CREATE TABLE t(a INTEGER PRIMARY KEY, b)");
    assert!(cause.is_some());
    assert_eq!(db.mount.poison(), None);
    assert_eq!(bench.store.counts().commits, 0);
    std::fs::create_dir(dir.path().join("gone")).unwrap();
    db.exec("CREATE TABLE t(a INTEGER PRIMARY KEY, b)");
    db.exec(&format!("INSERT INTO t {}", rows(10, 900)));
    std::fs::remove_dir(dir.path().join("gone")).unwrap();
    let before = head(&bench);
    db.failure("UPDATE t SET b = randomblob(90000)");
    assert!(db.sql.is_autocommit());
    assert_eq!(head(&bench), before);
    assert_eq!(db.int("SELECT count(*) FROM t WHERE length(b) = 900"), 10);
    db.exec("INSERT INTO t VALUES(100, 'small')");
    db.check();
}

#[test]
fn a_statement_on_temporary_tables_only_is_charged_to_the_mount_that_was_entered() {
    let bench = bench(64 << 20);
    let open = |name: &str| {
        let store = bench.store.clone();
        let mount = bench.mount_named(name, store, scratch_dir());
        Db { sql: bench.connect(&mount).unwrap(), mount }
    };
    let (first, second) = (open("first"), open("second"));
    first.exec("PRAGMA temp.cache_size=10; PRAGMA temp.cache_spill=10");
    second.exec("CREATE TABLE t(a)");
    let before = second.metrics().scratch_bytes_used;
    first.mount.enter();
    first.exec(&format!("CREATE TEMP TABLE x AS {}", rows(3000, 900)));
    assert!(first.metrics().scratch_bytes_used > 1_000_000);
    assert_eq!(second.metrics().scratch_bytes_used, before);
}
