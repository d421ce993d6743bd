//! Failures to read that SQLite takes for itself.
#![allow(clippy::unwrap_used)]

mod common;

use std::sync::Arc;

use actor_sqlite_ltx::Pgno;
use actor_sqlite_pagestore::*;
use actor_sqlite_session::*;
use common::*;

/// A sleeping database whose page 3 is free, and lost: the trunk of the free list.
fn lost_free_page() -> (Arc<MemPageStore>, Host, Db) {
    let store = Arc::new(MemPageStore::new());
    let host = host_with(store.clone(), 2, 8, Arc::new(SystemClock));
    let host = Host { cache: actor_sqlite_vfs::PageCache::new(0), ..host };
    let db = open(&host, "a");
    db.script(
        "CREATE TABLE t (a); INSERT INTO t VALUES (1);
         CREATE TABLE u (a); CREATE TABLE v (a); DROP TABLE u; DROP TABLE v",
    )
    .unwrap();
    assert_eq!(db.one("PRAGMA freelist_count"), int(2));
    assert!(doze(&host, &db));
    store.lose_page(&actor("a"), Pgno::new(3).unwrap());
    (store, host, db)
}

fn is_damage<T: std::fmt::Debug>(result: Result<T>) {
    assert!(matches!(result, Err(SessionError::Store(StoreError::Corrupt { .. }))), "{result:?}");
}

#[test]
fn a_check_fails_with_the_stores_own_error() {
    let (_store, _host, db) = lost_free_page();
    is_damage(db.all("PRAGMA integrity_check"));
    is_damage(db.call(execute("PRAGMA integrity_check", Params::None, Want::First)));
    is_damage(db.call(execute("PRAGMA quick_check", Params::None, Want::Chunk { rows_max: 9 })));
    is_damage(db.script("SELECT 1; PRAGMA integrity_check"));
    is_damage(db.all("SELECT * FROM pragma_integrity_check"));
}

#[test]
fn the_rest_is_unharmed_by_it() {
    let (_store, _host, db) = lost_free_page();
    is_damage(db.all("PRAGMA integrity_check"));
    assert_eq!(db.one("SELECT a FROM t"), int(1));
    db.run("INSERT INTO t VALUES (2)").unwrap();
    assert_eq!(db.one("SELECT count(*) FROM t"), int(2));
    is_damage(db.all("PRAGMA integrity_check"));
    db.script("BEGIN; ROLLBACK; SAVEPOINT s; INSERT INTO t VALUES (3); RELEASE s").unwrap();
    assert_eq!(db.one("SELECT count(*) FROM t"), int(3));
}
