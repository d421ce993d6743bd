//! Every legal page size, and a page size that is not the database's.
#![allow(clippy::unwrap_used)]

mod support;
use actor_sqlite_pagestore::StoreError;
use rusqlite::ffi;
use support::*;

#[test]
fn every_legal_page_size() {
    for shift in 9..=16 {
        for cache_spill in [10, 2000] {
            let page_size = 1 << shift;
            let settings = Settings { page_size, cache_spill, ..Settings::default() };
            let bench = Bench::new(settings);
            let db = bench.open();
            db.exec("CREATE TABLE t(a INTEGER PRIMARY KEY, b); CREATE INDEX i ON t(b)");
            db.exec(&format!("INSERT INTO t {}", rows(3000, 300)));
            assert_eq!(db.int("PRAGMA page_size"), i64::from(page_size));
            db.exec("BEGIN; UPDATE t SET b = a; ROLLBACK; UPDATE t SET b = a WHERE a % 2");
            db.check();
            let db = db.reopen(&bench);
            assert_eq!(db.int("SELECT count(*) FROM t WHERE b = a"), 1500);
            db.exec("DELETE FROM t WHERE a > 100; VACUUM");
            db.check();
            assert_eq!(head(&bench).page_size.get(), page_size);
            assert_eq!(i64::from(head(&bench).size), db.int("PRAGMA page_count"));
            let db = db.reopen(&bench);
            assert_eq!(db.int("SELECT count(*) FROM t"), 100);
            db.check();
        }
    }
}

#[test]
fn another_page_size_is_refused() {
    let mut bench = Bench::new(Settings::default());
    let mount = bench.mount();
    bench.settings.page_size = 8192;
    let sql = bench.connect(&mount).unwrap();
    let db = Db { sql, mount };
    let (code, cause) = db.failure("CREATE TABLE t(a)");
    assert_eq!(code, ffi::SQLITE_MISUSE);
    assert!(matches!(cause, Some(StoreError::Invalid { .. })), "{cause:?}");
    assert_eq!(db.mount.poison(), None);
    assert_eq!(head(&bench).size, 0);
    assert_eq!(bench.store.counts().commits, 0);
}
