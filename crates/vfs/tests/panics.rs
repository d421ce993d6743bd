//! A panic below a callback stops at it: SQLite gets a code of the callback's class, and the
//! handle is dead.
#![allow(clippy::unwrap_used)]

mod support;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use rusqlite::ffi;
use support::stores::Wrapped;
use support::*;

#[test]
fn a_panic_in_a_read() {
    let bench = Bench::new(Settings { cache_bytes: 0, ..Settings::default() });
    let db = bench.open();
    db.exec("CREATE TABLE t(a); INSERT INTO t VALUES(1)");
    drop(db);
    let store = Arc::new(Wrapped::new(bench.store.clone()));
    let mount = bench.mount_over(store.clone());
    let db = Db { sql: bench.connect(&mount).unwrap(), mount };
    store.panic_in_read.store(true, Ordering::SeqCst);
    let (code, cause) = db.failure("SELECT * FROM t");
    assert_eq!(code, ffi::SQLITE_IOERR_READ);
    assert!(cause.is_some());
    assert!(db.mount.poison().is_some());
    store.panic_in_read.store(false, Ordering::SeqCst);
    assert!(db.sql.execute_batch("SELECT * FROM t").is_err());
    let db = db.reopen(&bench);
    assert_eq!(db.int("SELECT a FROM t"), 1);
}

#[test]
fn a_panic_in_a_commit() {
    for cache_spill in [10, 2000] {
        let bench = Bench::new(Settings { cache_spill, ..Settings::default() });
        let store = Arc::new(Wrapped::new(bench.store.clone()));
        let mount = bench.mount_over(store.clone());
        let db = Db { sql: bench.connect(&mount).unwrap(), mount };
        db.exec(&format!("CREATE TABLE t(a, b); INSERT INTO t {}", rows(100, 900)));
        let before = head(&bench);
        store.panic_in_commit.store(true, Ordering::SeqCst);
        let (code, cause) = db.failure("UPDATE t SET b = zeroblob(800)");
        assert_eq!(code, ffi::SQLITE_ABORT);
        assert!(cause.is_some());
        store.panic_in_commit.store(false, Ordering::SeqCst);
        assert!(db.mount.poison().is_some());
        assert!(db.sql.execute_batch("SELECT * FROM t").is_err());
        let db = db.reopen(&bench);
        assert_eq!(head(&bench), before);
        assert_eq!(db.int("SELECT count(*) FROM t WHERE length(b) = 900"), 100);
        db.check();
    }
}
