//! A full database: the transaction that would make it larger fails and is rolled back, reading
//! goes on, and what deletes goes through.
#![allow(clippy::unwrap_used)]

mod common;

use std::sync::Arc;

use actor_sqlite_pagestore::{MemPageStore, QuotaScope, StoreError};
use actor_sqlite_session::*;
use common::*;

fn is_quota<T>(result: &Result<T>) -> bool {
    let quota = QuotaScope::Actor;
    matches!(result, Err(SessionError::Store(StoreError::Quota { scope, .. })) if *scope == quota)
}

#[test]
fn a_full_database_reads_and_deletes() {
    let host = host_with(Arc::new(MemPageStore::new()), 2, 4, Arc::new(SystemClock));
    let options = OpenOptions { quota_bytes: Some(64 << 10), ..OpenOptions::default() };
    let db = try_open(&host, "a", options).unwrap();
    db.run("CREATE TABLE t (id INTEGER PRIMARY KEY, v BLOB)").unwrap();
    let mut kept = 0;
    let refused = loop {
        let inserted = db.run("INSERT INTO t (v) VALUES (randomblob(3000))");
        if inserted.is_err() {
            break inserted;
        }
        kept += 1;
    };
    assert!(is_quota(&refused), "{refused:?}");
    assert!(kept > 5, "{kept} rows in 64 KiB");
    let count = || db.one("SELECT count(*) FROM t");
    let full = count();
    assert!(is_quota(&db.run("INSERT INTO t (v) VALUES (randomblob(30000))")));
    assert_eq!(count(), full, "the failed transaction left nothing");
    db.run("DELETE FROM t WHERE id % 2 = 0").unwrap();
    assert_ne!(count(), full);
    db.run("INSERT INTO t (v) VALUES (randomblob(3000))").unwrap();
}
